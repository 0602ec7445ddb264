"""The tables of what sendmail knows, asked of the real program.

The one thing to know: each word is put on a line of its own, and the lines that sendmail complains about tell which words
it knows; so a word that is missing in a table, or that no sendmail has, is found.
"""

from __future__ import annotations

import re
import string
import subprocess
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Set

import pytest
from sendmail import NAME

from sendmailcf.known import macros, mailers, maps, policies, queues, rulesets
from sendmailcf.known.options import OPTIONS
from sendmailcf.known.rows import Row

pytestmark = pytest.mark.oracle

Refused = Callable[[Sequence[str]], Dict[str, str]]

#: Build conditions that the tested binary has.
BUILT = (
    "NEWDB",
    "NIS",
    "NISPLUS",
    "NAMED_BIND",
    "NAMED_BIND and DNSMAP",
    "MAP_REGEX",
    "LDAPMAP",
    "USERDB",
    "SOCKETMAP",
)
PRINTABLE = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in '#,=\\"']


@pytest.fixture
def said(program: Callable[[str], str], tmp_path: Path) -> Callable[[Sequence[str]], str]:
    """A function from lines to what sendmail prints when it reads them."""

    def ask(lines: Sequence[str]) -> str:
        path = tmp_path / "t.cf"
        path.write_text("\n".join(["V10/Berkeley", *lines]) + "\n")
        done = subprocess.run(
            ["unshare", "-u", "-n", "sh", "-c", f'hostname {NAME}; exec "$0" -bt -C "$1"', program("sendmail"), path],
            input=b"", capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return done.stdout.decode("latin-1")

    return ask


@pytest.fixture
def refused(said: Callable[[Sequence[str]], str]) -> Refused:
    """A function from lines to those that sendmail complains about, with what it says."""

    def ask(lines: Sequence[str]) -> Dict[str, str]:
        return {
            lines[int(number) - 2]: text
            for number, text in re.findall(r"t\.cf: line (\d+): (.*)", said(lines))
        }

    return ask


def test_options(program: Callable[[str], str]) -> None:
    done = subprocess.run([program("sendmail"), "-bO"], capture_output=True, timeout=60, check=True)
    told = [line for line in done.stdout.decode().split("\n") if line and "." not in line]
    ours = [row.name for row in OPTIONS if row.name and "." not in row.name]
    assert [name for name in ours if name in told] == told
    missing = {row.name for row in OPTIONS if row.name in set(ours) - set(told)}
    assert all(row.needs for row in OPTIONS if row.name in missing), missing


def test_suboptions(refused: Refused) -> None:
    names = [row.name for row in OPTIONS if "." in row.name]
    assert refused([f"O {name}=1" for name in names]) == {}
    assert set(refused(["O Timeout.zork=1", "O Milter.zork=1"])) == {"O Timeout.zork=1", "O Milter.zork=1"}


@pytest.mark.parametrize(
    ("option", "rows"),
    [
        ("PrivacyOptions", policies.PRIVACY_OPTIONS),
        ("DontBlameSendmail", policies.DONT_BLAME_SENDMAIL),
        ("ResolverOptions", policies.RESOLVER_OPTIONS),
        ("ServerSSLOptions", policies.SSL_OPTIONS),
    ],
)
def test_words(refused: Refused, option: str, rows: Sequence[Row]) -> None:
    lines = {f"O {option}={row.name}": row for row in rows}
    found = refused([*lines, f"O {option}=zork"])
    assert f"O {option}=zork" in found
    assert all(lines[line].needs for line in found if line in lines), found


@pytest.mark.parametrize(
    ("option", "rows"), [("AuthOptions", policies.AUTH_OPTIONS), ("TLSSrvOptions", policies.TLS_SRV_OPTIONS)]
)
def test_letters(said: Callable[[Sequence[str]], str], option: str, rows: Sequence[Row]) -> None:
    # Of an unknown letter sendmail only warns, without the number of a line.
    known = {letter for letter in string.ascii_letters if "unknown" not in said([f"O {option}={letter}"])}
    assert known == {row.name for row in rows}


def test_port_keys(refused: Refused) -> None:
    value = {"F": "inet", "f": "inet", "A": "127.0.0.1", "a": "127.0.0.1", "D": "b"}
    lines = {f"O DaemonPortOptions={key}={value.get(key, '1')}": key for key in string.ascii_letters}
    known = set(lines.values()) - {lines[line] for line in refused(list(lines))}
    assert known == {letter for row in policies.PORT_KEYS if not row.needs for letter in row.letters}


def test_map_classes(refused: Refused) -> None:
    arguments = {"sequence": "", "regex": "x", "dns": "-R A", "ldap": "-k (a=%s) -v a", "syslog": ""}
    lines = {
        f"Km{i} {row.name} {arguments.get(row.name, '/nowhere')}": row
        for i, row in enumerate(maps.MAP_CLASSES)
    }
    found = refused([*lines, "Kz zork x"])
    assert "class zork not available" in found["Kz zork x"]
    for line, row in lines.items():
        assert (line in found) == (row.needs not in (*BUILT, "")), found.get(line, line)


FLAGS = [chr(code) for code in range(0x21, 0x7F) if chr(code) not in '#-"\\$']


@pytest.mark.parametrize(
    "name", [row.name for row in maps.MAP_CLASSES if row.flags == maps.GENERIC and row.needs in (*BUILT, "")]
)
def test_generic_flags(refused: Refused, name: str) -> None:
    lines = {f"Km{i} {name} -{flag}x /nowhere": flag for i, flag in enumerate(FLAGS)}
    found = {lines[line] for line, text in refused(list(lines)).items() if "Illegal option" in text}
    assert set(FLAGS) - found == {flag.letter for flag in maps.GENERIC}


@pytest.mark.parametrize(("name", "line"), [("ldap", "-k (a=%s) -v a -{}"), ("syslog", "-{} INFO")])
def test_own_flags(refused: Refused, name: str, line: str) -> None:
    row = next(row for row in maps.MAP_CLASSES if row.name == name)
    lines = {f"Km{i} {name} {line.format(flag)}": flag for i, flag in enumerate(FLAGS)}
    found = {lines[one] for one, text in refused(list(lines)).items() if "Illegal option" in text}
    assert set(FLAGS) - found == {flag.letter for flag in row.flags}


@pytest.mark.parametrize(
    ("letter", "rest", "rows"),
    [
        ("M", "P=/bin/true, A=true $u", mailers.MAILER_EQUATES),
        ("Q", "P=/var/spool/mqueue", queues.QUEUE_EQUATES),
        ("X", "S=inet:1@127.0.0.1", queues.FILTER_EQUATES),
    ],
)
def test_equates(refused: Refused, letter: str, rest: str, rows: Sequence[mailers.EquateRow]) -> None:
    lines = {f"{letter}n{i}, {rest}, {key}=1": key for i, key in enumerate(PRINTABLE)}
    found: Set[str] = set()
    # No more than 25 mailers or filters in one file.
    keys = list(lines)
    for start in range(0, len(keys), 20):
        told = refused(keys[start : start + 20])
        found |= {lines[line] for line, text in told.items() if re.search("unknown.*equate", text)}
    assert set(PRINTABLE) - found == {row.letter for row in rows if not row.needs}


def test_filter_timeouts(refused: Refused) -> None:
    lines = {f"Xn{letter}, S=inet:1@127.0.0.1, T={letter}:1s": letter for letter in string.ascii_letters}
    keys, found = list(lines), set()
    for start in range(0, len(keys), 20):
        found |= {lines[line] for line in refused(keys[start : start + 20])}
    assert set(string.ascii_letters) - found == {row.name for row in queues.FILTER_TIMEOUTS}


@pytest.mark.parametrize(
    "rows", [rulesets.RULESETS, macros.MACROS, macros.CLASSES], ids=["rulesets", "macros", "classes"]
)
def test_names_in_the_program(program: Callable[[str], str], rows: Sequence[Row]) -> None:
    """A name that the program itself uses is a text in it."""
    binary = Path(program("sendmail")).read_bytes()
    names: List[str] = [
        row.name for row in rows if len(row.name) > 1 and not re.match("_FFR|not in", row.needs)
    ]
    absent = [name for name in names if not re.search(name.encode() + rb"[}\0]", binary)]
    assert absent == []


def test_symbols_on_both_sides(refused: Refused) -> None:
    whole = {
        "$?x": "$?x a $.",
        "$.": "$?x a $.",
        "$(": "$(x y$)",
        "$)": "$(x y$)",
        "$[": "$[y$]",
        "$]": "$[y$]",
    }
    for row in macros.SYMBOLS:
        left, right = f"Ra {whole.get(row.name, row.name)}\tb", f"R$*\tb {whole.get(row.name, row.name)}"
        found = refused(["Sx", left, right])
        assert (left not in found, right not in found) == (bool(row.left), bool(row.right)), row
