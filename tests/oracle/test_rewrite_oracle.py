"""Rulesets run by us and by the real sendmail must return the same.

The one thing to know: test mode prints the text and the status of each evaluation, and both are compared; each
disagreement found so far was ours, and is an example in tests/test_rewrite.py.
"""

from __future__ import annotations

import random
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import pytest
import test_rewrite as examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendmail import NAME, make_cf, returned, test_mode

from sendmailcf import mapdb
from sendmailcf.config import Config
from sendmailcf.reading import Reading
from sendmailcf.relay.rewrite import LookupFailedError, Result, Rewriter

pytestmark = pytest.mark.oracle

ADDRESSES = [
    "user@example.org", "root", "root@localhost", f"root@{NAME}", "a!b!c", "a!b@c.d", "x%y@z.org", "x%y", '"a b"@c.d',
    "<@x:u@z.e>", "<a@b>", "u@[192.0.2.1]", "u@[unknown.example]", "x@y.uucp", "a.b+c@d.e", "@", "<>", "MAILER-DAEMON",
    "postmaster@relay.invalid", "a@b (comment)", "Full Name <a@b.c>", "a@b@c", "a:b@c", "list:;", "a@.", "a@b.", "@b:c",
    "/etc/passwd", "|prog arg", "UPPER@EXAMPLE.ORG", "a\\@b@c", "x/y@z", "user@com", "u@very.long.sub.domain.example.org",
    '"open@c.d', "a@b>", "<a@b", "\\!x!y", "x\\", "a@[IPv6:2001:db8::1]", "a@b.c.", "u@w.x.local", "a@b;c",
]  # fmt: skip
OWN = {"j": NAME, "w": "client", "m": "example.net", "k": NAME, "n": "MAILER-DAEMON"}
CLASSES = {"w": ["localhost", NAME, "[127.0.0.1]", "client"], "m": ["example.net"]}
#: Test mode takes `$|` for text: a ruleset has to make symbols of it (cf/README of sendmail does the same).
TRANSLATE = "\nSTranslate\nR$* $$| $*\t$: $1 $| $2\nR$* $$\\# $*\t$: $1 $# $2\n"
SMART_HOSTS = ["relay.example", "[relay.example]", "relay:relay.example", "esmtp:[relay.example]", ""]


def rewriter(cf: Config, lookup: Optional[Callable[[str, str], Optional[str]]] = None) -> Rewriter:
    return Rewriter(Reading(cf, classes=CLASSES, macros=OWN), lookup=lookup or (lambda name, key: None))


def agrees(result: Result, block: str) -> str:
    """What of a test-mode block differs from our result; "" if nothing does."""
    found = re.findall(r"^== Ruleset \S+ \([0-9]+\) status ([0-9]+)$", block, re.MULTILINE)
    theirs = int(found[-1]) if found else 0
    if result.failed and not result.tokens and result.status in (65, 78):
        # After such an error sendmail goes on, and may meet another one that counts for more.
        return "" if theirs else f"they do not fail: {result.reason}"
    if result.status != theirs:
        return f"status {result.status}, theirs {theirs}: {result.reason}"
    if ("Infinite loop" in block) != result.reason.startswith("infinite loop") and not theirs:
        return f"loop: {result.reason}"
    ours = result.text.rstrip()
    return "" if ours == returned(block) else f"ours {ours!r}, theirs {returned(block)!r}"


def no_names(cf: bytes, directory: Path) -> bytes:
    """The file without DNS, so that answers do not depend on this machine."""
    switch = directory / "service.switch"
    switch.write_text("hosts files\naliases files\n")
    return b"O ServiceSwitchFile=" + bytes(switch) + b"\n" + cf


def refused_lines(sendmail: str, cf_file: Path) -> List[int]:
    """The lines for which sendmail would not run."""
    script = f'hostname {NAME}; exec "$0" -bC -C "$1"'
    done = subprocess.run(
        ["unshare", "-u", "-n", "sh", "-c", script, sendmail, str(cf_file)],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    text = (done.stdout + done.stderr).decode("utf-8", "replace")
    return sorted({int(line) for line in re.findall(r": line ([0-9]+): ", text)})


# Stock files.


@pytest.mark.parametrize(
    "features",
    [[], ["--authinfo", "hash -o /nonexistent"], ["--access", "hash -o /nonexistent"]],
    ids=["plain", "authinfo", "access"],
)
@pytest.mark.parametrize("smart", SMART_HOSTS)
def test_stock_files_route_addresses_alike(
    shared: Path, program: Callable[[str], str], tmp_path: Path, features: List[str], smart: str
) -> None:
    data = no_names(make_cf(shared, "--smart-host", smart, *features), tmp_path)
    cf_file = tmp_path / "sendmail.cf"
    cf_file.write_bytes(data)
    ours = rewriter(Config(data))
    # 4 undoes 3; MailerToTriple takes what stands in DS.
    chains = ["3,0", "canonify,parse", "3,4", "3,final", "3,1,4", "MailerToTriple", "3,EnvFromSMTP,4"]
    asked = [(chain, one) for chain in chains for one in ADDRESSES]
    asked += [("MailerToTriple", f"< {one} > u < @ x . y >") for one in SMART_HOSTS if one]
    blocks = test_mode(program("sendmail"), cf_file, [f"{chain} {one}" for chain, one in asked])
    assert len(blocks) == len(asked)
    for (chain, one), block in zip(asked, blocks):
        first, *rest = chain.split(",")
        result = ours.run(first, one)
        for ruleset in rest:
            result = ours.run_tokens(ruleset, result.tokens)
        assert not agrees(result, block), (chain, one, agrees(result, block))


KEYS = {
    "AuthInfo:relay.example": '"U:one" "P:s p(x)%1" "M:LOGIN PLAIN"',
    "AuthInfo:192.0.2.7": '"U:two" "P=c2VjcmV0"',
    "AuthInfo:": '"U:rest" "I:r" "P:x"',
    "AuthInfo:bad.example": "(nothing)",
    "AuthInfo:long.example": '"U:u" "P:' + "p" * 253 + '"',
    "AuthInfo:open.example": '"U:u" "P:open',
    "AuthInfo:bare.example": '"U:u" bare (comment) <x>',
    "TLS_Clt:relay.example": "VERIFY:256",
    "TLS_Srv:relay.example": "ENCR:128",
    "TLS_Srv:example": "VERIFY",
    "Try_TLS:off.example": "NO",
}
SERVERS = [
    ("relay.example", "192.0.2.9"), ("RELAY.Example", "192.0.2.9"), ("other.example", "192.0.2.7"), ("a.b", "192.0.2.1"),
    ("bad.example", "192.0.2.1"), ("long.example", "192.0.2.1"), ("open.example", "192.0.2.1"), ("bare.example", "1.2.3.4"),
    ("off.example", "192.0.2.7"), ("[192.0.2.7]", "192.0.2.7"), ("sub.relay.example", "IPv6:2001:db8::1"),
]  # fmt: skip
SESSIONS: List[Dict[str, str]] = [
    {"verify": "NONE", "cipher_bits": "", "tls_version": ""},
    {"verify": "OK", "cipher_bits": "256", "tls_version": "TLSv1.3"},
    {"verify": "FAIL", "cipher_bits": "112", "tls_version": "TLSv1.2"},
]
BLIND = "SLocal_Relay_Auth\nR$*\t$: $1\nSauthinfo\n"
GUARD = (
    "Sauthinfo\nR$*\t$: $&{cipher_bits} $| $&{server_name}\nR0 $| $*\t$@ no\nR$| $*\t$@ no\n"
    "R$* $| $*\t$: $(authinfo AuthInfo:$2 $: ? $)\nR?\t$@ none\nR$*\t$# $1\n"
)


@pytest.mark.parametrize("kind", ["authinfo", "access", "guarded", "missing"])
def test_authinfo_from_a_real_database(
    shared: Path, program: Callable[[str], str], tmp_path: Path, kind: str
) -> None:
    source = "".join(f"{key}\t{value}\n" for key, value in KEYS.items())
    command = [program("makemap"), "-C", "/dev/null", "hash", str(tmp_path / "map")]
    subprocess.run(command, input=source.encode(), check=True)
    # A relative name: sendmail would refuse a full one below a directory that anyone may write.
    feature = {
        "access": ["--access", "hash -T<TMPF> map"],
        "missing": ["--access", "hash -T<TMPF> gone"],
    }.get(kind, ["--authinfo", "hash map"])
    data = no_names(make_cf(shared, *feature), tmp_path)
    if kind == "guarded":
        data = re.sub(rb"(?s)\nSauthinfo\n.*?\n\n", b"\n" + GUARD.encode() + b"\n", data)
        assert GUARD.encode() in data
    data += TRANSLATE.encode()
    cf_file = tmp_path / "sendmail.cf"
    cf_file.write_bytes(data)
    records = mapdb.load((tmp_path / "map.db").read_bytes())

    def lookup(name: str, key: str) -> Optional[str]:
        if kind == "missing" and name == "access":
            raise LookupFailedError("gone.db")
        value = records.get(key.lower().encode()) if name in ("access", "authinfo") else None
        return None if value is None else value.decode()

    ours = rewriter(Config(data), lookup)
    commands: List[str] = []
    asked: List[Tuple[str, str, Dict[str, str]]] = []
    rulesets = ["authinfo"] if kind in ("authinfo", "guarded") else ["authinfo", "tls_server", "try_tls"]
    for session in SESSIONS:
        for name, address in SERVERS:
            macros = {**session, "server_name": name, "server_addr": address}
            commands += [f".D{{{one}}}{value}" for one, value in macros.items()]
            for ruleset in rulesets:
                text = session["verify"] if ruleset == "tls_server" else name
                text += f" $| {address}" if ruleset == "authinfo" else ""
                commands.append(f"Translate,{ruleset} {text}")
                asked.append((ruleset, text, macros))
    blocks = test_mode(program("sendmail"), cf_file, commands, cwd=tmp_path)
    assert len(blocks) == len(commands)
    blocks = [block for block in blocks if not block.startswith(".D")]
    found = 0
    for (ruleset, text, macros), block in zip(asked, blocks):
        result = ours.run(ruleset, text, macros)
        assert not agrees(result, block), (ruleset, text, agrees(result, block), block)
        found += result.text.startswith("$# ")
    assert found


# The recorded cases, and the examples of tests/test_rewrite.py.


@pytest.fixture(scope="module")
def recorded(shared: Path) -> List[Path]:
    """The cases whose observation shows a ruleset at work, by the ruleset's own name."""
    files = sorted((shared / "spec" / "cases").glob("*.txt"))
    return [
        one
        for one in files
        if re.search(r"^  \S+ +returns:", one.read_text("utf-8", "replace"), re.MULTILINE)
    ]


def test_recorded_cases(recorded: List[Path]) -> None:
    compared = 0
    for observed in recorded:
        ours = rewriter(Config(observed.with_suffix(".cf").read_bytes()), missing)
        text = observed.read_text("utf-8", "surrogateescape").partition("[test]")[2]
        for indented in re.split(r"^  > ", text, flags=re.MULTILINE)[1:]:
            block = re.sub(r"^  ", "", indented, flags=re.MULTILINE)
            command = re.match(r"([A-Za-z0-9_,]+) (.*)\n", block)
            if command is None:
                continue
            result = ours.run(command.group(1), command.group(2))
            if theirs := re.search(r"status ([0-9]+)$", block, re.MULTILINE):
                assert result.status == int(theirs.group(1)), observed
            if not result.failed or result.status != 78:
                assert result.text == returned(block), observed
            compared += 1
    assert compared >= 10


def missing(name: str, key: str) -> Optional[str]:
    raise LookupFailedError("there is no such file")


def test_rules_are_read_as_recorded(shared: Path) -> None:
    """`=Sname` in test mode prints the rules as they were read."""
    compared = 0
    for observed in sorted((shared / "spec" / "cases").glob("s0[138]-*.txt")):
        text = observed.read_text("utf-8", "surrogateescape").partition("[test]")[2]
        if "FILE: line" in text:
            continue  # sendmail would not run
        for name, block in re.findall(r"^  > =S(\S+)\n((?:  R.*\n)+)", text, re.MULTILINE):
            ours = rewriter(Config(observed.with_suffix(".cf").read_bytes()))
            printed = re.findall(r"^  R(.*?) \t\t(.*?) *$", block, re.MULTILINE)
            read = [(" ".join(rule.lhs), " ".join(rule.rhs)) for rule in ours._called(name) or ()]
            assert read == [(left.lower(), right) for left, right in printed], observed
            compared += len(printed)
    assert compared > 20


NOT_ASKED = ("maps of class sequence", "random number", "holds a symbol")


def test_examples(program: Callable[[str], str], tmp_path: Path) -> None:
    source = "".join(f"{key}\t{value}\n" for key, value in examples.VALUES.items())
    command = [program("makemap"), "-C", "/dev/null", "-e", "hash", "t"]
    subprocess.run(command, input=source.encode(), cwd=tmp_path, check=True)
    head = "Mlocal, P=/bin/true, A=t\nO QueueDirectory=/var/spool/mqueue\n"
    cf_file = tmp_path / "sendmail.cf"
    for rules, text, expected in examples.EXAMPLES:
        if any(one in expected for one in NOT_ASKED):
            continue
        data = examples.HEAD.replace("Kt hash", head + "Kt hash", 1) + rules
        cf_file.write_bytes(no_names((data + TRANSLATE).encode(), tmp_path))
        block = test_mode(
            program("sendmail"), cf_file, [".DwA.B", f"Translate,One {text or '()'}"], cwd=tmp_path
        )[1]
        if "sendmail refuses" in expected:
            assert refused_lines(program("sendmail"), cf_file), rules
        elif not text:
            assert expected in ("", "empty")
        elif expected.startswith("failed"):
            assert "status" in block or "Infinite loop" in block, (rules, block)
        else:
            assert returned(block) == expected, (rules, text, block)


# Small files made at random.

VALUES = {
    "a": "A <%0> 100%% %1", "b": '"q" x.y', "a.b": "found %1 (dropped) end", "x": "y@z", "c": "(nothing)", "a@b": "un<bal",
    "b.a": 'un"bal', "q r": "%2%1%0%x", "x.y": "esc\\@\\", "a b": "$* $1 $|", "a_b": "under", "ab": "a)b", "@": " \t.",
}  # fmt: skip
MAPS = (
    "Kt hash -o t\nKapp hash -o -a.app t\nKq hash -q -o t\nKss hash -S_ -o t\nKonly hash -m -o t\nKd dequote\n"
    "Kds dequote -s_ -a!\nKm macro\nKar arith\nKn null\nKgone hash gone\nKsoft hash -T<TMPF> gone\n"
    "Kquiet hash -t -T.q gone\nKsilent hash -t gone\nKseq sequence n gone t\n"
)
HEAD = (
    "V10/Berkeley\nO OperatorChars=.:%@!^/[]+\nO QueueDirectory=/var/spool/mqueue\nMlocal, P=/bin/true, A=t\n"
    'Cca b.a x.y a b A.A\nCd$=c q\nD{m}a.b\nDMmacro\nD{q}"quoted" (c) x\nD{open}<x\nD{note}(c)\nD{rec}x.${m}\n'
    + MAPS
)
WILD = ["$*", "$+", "$-", "$=c", "$=d", "$~c"]
LEFT = [
    *WILD, "$*", "$+", "$-", "$@", "$&{m}", "$&{no}", "$&M", "$M", "${rec}", "a", "b", "c", "x", "A", "<", ">", "@", ".", "(",
    ")", "$|", "$#", '"q r"', "a.b", "\\@", "\\!", "$?{m}a$|b$.", "$?{no}a$.b", "$$", ":", "!",
]  # fmt: skip
SHAPES = [
    ["$*"], ["$*"], ["$+"], ["$-"], ["$*", 1, "$*"], ["$*", 1, "$*"], ["$+", 1], [1, "$*"], [1, 1, "$*"], [1, 1, 1, 1],
    ["$*", 1, 1, "$*"], ["$-", "$*"], ["$*", "$-"], ["$=c", "$*"], ["$*", "$=c", "$*"], ["$~c", "$*"], ["$-", 1, "$-"], [1],
]  # fmt: skip
RIGHT = [
    "$1", "$1", "$1", "$2", "$2", "$3", "x", "a", "b", "<", ">", "@", ".", "(", ")", "$&{m}", "$&{no}", "$&{q}", "$&{open}",
    "$&{X}", "$&{rec}", "$&{note}", '"q r"', "$|", "$M", "${rec}", "$?{m}y$|n$.", "\\@", "$$", "$@", "$:", "!",
]  # fmt: skip
CALLS = ["$>Two", "$>Two", "$>Three", "$>7", "$>Five", "$>05", '$>"Two"', "$>Empty", "$>Two-x", "$>None", "$>"]  # fmt: skip
HEADS = ["$@ ", "$@ ", "$: ", "$: ", "$: ", "$# mailer $@ h $: ", ""]
KEYWORDS = ["a", "b", "x", "$1", "$1", "$1", "$2", "$&{m}", '"q r"', ".", "@", "$1 $1", "$1.$1", "\\a", "c", "$M", "$|"]  # fmt: skip
NAMES = ["t", "t", "T", "app", "q", "ss", "only", "d", "ds", "n", "soft", "quiet", "silent", "seq", "nomap", "gone"]  # fmt: skip
DEFAULTS = ["", "", " $:", " $: none", " $: <$1> (c)", " $: a $| $1", " $: a $: b $@ c", " $: $1 $2", " $: (c)"]  # fmt: skip
INPUT = [
    "a", "a", "b", "c", "x", "A", "y", "<", ">", "@", "@", ".", ".", "(", ")", '"q r"', '"', "\\", "\\@", "\\!", "!", " ", " ", " ",
    " $| ", " $# ", "q", "a.b", "b.a", "macro", ":", "$1", "_",
]  # fmt: skip

Pick = Callable[[Sequence[Any]], Any]


def lookup_text(pick: Pick) -> str:
    kind = pick(range(10))
    if kind == 0:
        return f"$(m {{X}} $@ {pick(KEYWORDS)} $) $&{{X}}"
    if kind == 1:
        return f"$(ar {pick('+-*/%|&l=x')} $@ 7 $@ {pick(['0', '-2', '3', '$1'])} $: no $)"
    if kind == 2:
        return f"$[ {pick(KEYWORDS)} $: {pick(KEYWORDS)} $]"
    key = " ".join(pick(KEYWORDS) for _ in range(pick([1, 1, 1, 0, 2])))
    arguments = "".join(f" $@ {pick(KEYWORDS)}" for _ in range(pick([0, 0, 1, 2])))
    return f"$({pick(NAMES)} {key}{arguments}{pick(DEFAULTS)} $)"


def rule_text(pick: Pick, name: str) -> str:
    left = [pick(LEFT) if one == 1 else one for one in pick(SHAPES)]
    wild = sum(one in WILD for one in left)
    right = []
    for _ in range(pick([1, 1, 2, 2, 3, 4])):
        kind = pick(range(6))
        right.append(
            pick(CALLS) if kind == 0 and name == "One" else lookup_text(pick) if kind < 3 else pick(RIGHT)
        )
    # sendmail would refuse a replacement that no wildcard stands for.
    text = re.sub(
        r"\$([1-9])", lambda m: m.group() if int(m.group(1)) <= wild else "z", pick(HEADS) + " ".join(right)
    )
    return f"R{pick([' ', ' ', '']).join(left)}\t{text}\t\tcomment\n"


def file_text(pick: Pick) -> str:
    extra = pick(["", "", "", "", "O BlankSub=.\n", "V8\n"])
    text = HEAD.replace("Kt hash", extra + "Kt hash", 1)
    for name in ("One", "Two", "Three", "Five=5", "Empty", "One"):
        count = 0 if name == "Empty" else pick([1, 2, 3] if name == "One" else [1, 1, 2])
        text += f"S{name}\n" + "".join(rule_text(pick, name) for _ in range(count))
    return text + TRANSLATE


def input_text(pick: Pick) -> str:
    # An error message that begins with ">" would look like a prompt.
    text = "".join(pick(INPUT) for _ in range(pick([1, 2, 3, 4, 5, 7])))
    return "a" if re.match('[ "]*>', text) or not text.strip() else text


@st.composite
def cases(draw: st.DrawFn) -> Tuple[str, List[str]]:
    def pick(options: Sequence[Any]) -> Any:
        return options[draw(st.integers(0, len(options) - 1))]

    return file_text(pick), [input_text(pick) for _ in range(4)]


@pytest.fixture(scope="module")
def workplace(program: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("rules")
    source = "".join(f"{key}:{value}\n" for key, value in VALUES.items())
    command = [program("makemap"), "-C", "/dev/null", "-t:", "hash", "t"]
    subprocess.run(command, input=source.encode(), cwd=directory, check=True)
    return directory


def lookup(name: str, key: str) -> Optional[str]:
    if name in ("gone", "soft", "quiet", "silent"):
        raise LookupFailedError("gone.db: No such file or directory")
    # makemap drops blanks around a value, and refuses one that holds nothing else.
    return VALUES_READ.get(key.lower())


VALUES_READ = {key: value.strip() for key, value in VALUES.items()}


#: We follow no further; sendmail would not run at all; and what sendmail does makes no sense.
NOT_COMPARED = ("too many steps", "sendmail refuses", "holds a symbol")


def compare(sendmail: str, workplace: Path, text: str, inputs: List[str]) -> int:
    """Run every input through both; how many of their results could be compared."""
    with tempfile.NamedTemporaryFile(dir=workplace, suffix=".cf") as cf_file:
        cf_file.write(no_names(text.encode(), workplace))
        cf_file.flush()
        # What a rule stored in {X} would last from one evaluation to the next.
        commands = [command for one in inputs for command in (".D{X}", f"Translate,One {one}")]
        blocks = test_mode(sendmail, Path(cf_file.name), commands, cwd=workplace)
    assert len(blocks) == len(commands), text
    if not all(block.startswith(".D{X}\n") for block in blocks[::2]):
        return 0  # an error message began with ">" and looks like a prompt
    ours = rewriter(Config(text), lookup)
    compared = 0
    for one, block in zip(inputs, blocks[1::2]):
        if " input:" not in block:
            continue  # nothing to cut into tokens
        plain = ours.run("Translate", one.replace("$", "$$"))
        result = ours.run_tokens("One", plain.tokens)
        if result.reason and any(one in result.reason for one in NOT_COMPARED):
            continue
        assert not agrees(result, block), (one, agrees(result, block), block, text)
        compared += 1
    return compared


def test_rules_are_refused_alike(program: Callable[[str], str], workplace: Path) -> None:
    pick = random.Random(0).choice
    left = [*LEFT, *LEFT, "$1", "$:", "$>", "$(", "$)", "$[", "$]", "$.", "$&x", "${no}", "$*" * 9, "x" * 250]
    right = [*RIGHT, *RIGHT, *WILD, "$>x", "$(t", "$)", "$[", "$]", "$#", "$0", "$4", "${no}", "$(t" + "$@a" * 9, "$.", "x" * 250]  # fmt: skip
    lines = HEAD.split("\n")[:-1]
    for number in range(1500):
        sides = ["".join(pick(one) for _ in range(pick([1, 1, 2, 4, 8]))) for one in (left, right)]
        lines += [f"Sr{number % 90}", f"R{sides[0]}\t{sides[1]}"]
    cf_file = workplace / "refused.cf"
    cf_file.write_text("\n".join(lines) + "\n")
    theirs = refused_lines(program("sendmail"), cf_file)
    ours = []
    for at, line in enumerate(lines):
        if line.startswith("R"):
            one = Config("\n".join([*lines[: HEAD.count("\n")], "Sone", line]) + "\n")
            if "sendmail refuses" in rewriter(one, lookup).run("one", "a").reason:
                ours.append(at + 1)
    assert ours == theirs
    assert 300 < len(ours) < 1200


@given(cases())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_random_rules_agree(
    program: Callable[[str], str], workplace: Path, case: Tuple[str, List[str]]
) -> None:
    compare(program("sendmail"), workplace, *case)


@pytest.mark.parametrize("seed", range(4))
def test_many_random_rules_agree(program: Callable[[str], str], workplace: Path, seed: int) -> None:
    """The same files without the means to shrink them, and so many more."""
    pick = random.Random(seed).choice
    done = sum(
        compare(program("sendmail"), workplace, file_text(pick), [input_text(pick) for _ in range(12)])
        for _ in range(100)
    )
    assert done > 900
