"""The linter against `sendmail -bC`: for each error that sendmail reports one of ours on the same line, and no other.

The one thing to know: only rules with reported="E" or "F" take part; what sendmail says and no rule says yet stands in
UNCOVERED, which may only shrink and is empty when the linter is done.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Callable, Dict, List, Mapping, Set, Tuple

import bC
import lintcases
import pytest
from conftest import FUZZ, SHARED
from test_reading_oracle import FEATURES, STOCK, generated

from sendmailcf.config import Config
from sendmailcf.files import Facts
from sendmailcf.lint import RULES, Example, Problem, Rule, Settings, Severity, lint
from sendmailcf.lint.settings import DEFAULT_FLAGS

pytestmark = pytest.mark.oracle

CASES = sorted((SHARED / "spec" / "cases").glob("*.cf"))
REPORTED = ("E", "F")

#: What sendmail says and no rule does yet, by family.
UNCOVERED: Mapping[str, Tuple[str, ...]] = {}

#: Rules that know the line of an error where sendmail names none.
WITHOUT_A_LINE = ("CF010", "HQ043", "OP040", "OP046", "OP047")


def uncovered(said: bC.Said) -> bool:
    return any(re.search(one, said.text) for family in UNCOVERED.values() for one in family)


@pytest.fixture(scope="session")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Facts]:
    """The files that sendmail sees here: those of this machine, but for an empty /etc/mail."""
    root = tmp_path_factory.mktemp("empty")
    (root / "etc" / "mail").mkdir(parents=True)

    @cache
    def look(path: str) -> Facts:
        return Facts(path, str(root)) if path == "/etc/mail" or path.startswith("/etc/mail/") else Facts(path)

    return look


def differences(
    sendmail: str, path: Path, data: bytes, facts: Callable[[str], Facts]
) -> Tuple[List[str], List[bC.Said]]:
    """How the two verdicts on a file differ, and what sendmail said that no rule says yet."""
    path.write_bytes(data)
    status, said = bC.check(sendmail, path)
    errors = [one for one in said if one.severity in REPORTED]
    missing = [one for one in errors if uncovered(one)]
    problems = lint(Config(data), facts=facts)
    if status < 0:
        # Where sendmail crashes it has said nothing that could be compared.
        found = any(one.severity is Severity.ERROR for one in problems)
        return [] if found else [f"sendmail dies of signal {-status}"], []
    ours = [one for one in problems if RULES[one.code].reported in REPORTED]
    # Behind an error at which it stops, sendmail reads nothing.
    end = next((one.line for one in said if one.severity == "F" and one.line), 1 << 30)
    lines = {
        one.sendmail_line: one.code
        for one in ours
        if 0 < one.sendmail_line <= end and one.code not in WITHOUT_A_LINE
    }
    theirs = {one.line: one.text for one in errors if one.line}
    skipped = {one.line for one in missing}
    out = [
        f"line {line}: only sendmail: {theirs[line]}"
        for line in theirs
        if line not in lines and line not in skipped
    ]
    out += [f"line {line}: only we: {code}" for line, code in lines.items() if line not in theirs]
    if not missing and bool(ours) != (status != 0):
        out.append(
            f"sendmail ends with {status} and says {[one.text for one in said]}; we say {[str(one) for one in ours]}"
        )
    return out, [one for one in missing if one.line not in lines]


@pytest.fixture(scope="session")
def judged(
    program: Callable[[str], str],
    facts: Callable[[str], Facts],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Path], Tuple[List[str], List[bC.Said]]]:
    """The differences in a recorded case, found once."""
    path = tmp_path_factory.mktemp("cases") / "t.cf"
    return cache(lambda case: differences(program("sendmail"), path, case.read_bytes(), facts))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_recorded_cases(judged: Callable[[Path], Tuple[List[str], List[bC.Said]]], case: Path) -> None:
    found, _ = judged(case)
    assert found == []


def test_what_is_not_covered_yet_is_still_said(
    judged: Callable[[Path], Tuple[List[str], List[bC.Said]]],
) -> None:
    left: Set[str] = set()
    for case in CASES:
        _, missing = judged(case)
        left |= {
            words for family in UNCOVERED.values() for words in family
            for one in missing if re.search(words, one.text)
        }  # fmt: skip
    covered = {words for family in UNCOVERED.values() for words in family} - left
    assert not covered, "rules report these by now: take them out of UNCOVERED"


def plain(example: Example) -> bool:
    """Whether an example is one sendmail.cf for the program that is installed here."""
    usual = lintcases.settings_of(example) == Settings(flags=DEFAULT_FLAGS)
    return usual and list(example.files) == [""] and "as" not in example.words


EXAMPLES = [one for one in lintcases.examples() if "cf" in one[1].kinds and plain(one[2])]


@pytest.mark.parametrize(("rule", "example"), [one[1:] for one in EXAMPLES], ids=[one[0] for one in EXAMPLES])
def test_sendmail_reports_an_example_as_the_rule_says(
    program: Callable[[str], str], tmp_path: Path, rule: Rule, example: Example
) -> None:
    path = tmp_path / "t.cf"
    data = lintcases.content(example, example.files[""], "cf")
    path.write_bytes(data)
    status, said = bC.check(program("sendmail"), path)
    ours = [one for one in lint(Config(data)) if one.code == rule.code]
    if example.what == "Good" or rule.reported not in REPORTED:
        assert (status, [one for one in said if one.severity in REPORTED]) == (0, [])
    else:
        assert status != 0
        lines = {0 if one.code in WITHOUT_A_LINE else one.sendmail_line for one in ours}
        assert lines == {one.line for one in said if one.severity in REPORTED}
    if example.what == "Bad" and rule.reported:
        assert rule.reported in {one.severity for one in said}, said


def quiet(problems: List[Problem]) -> List[str]:
    return [str(one) for one in problems if one.severity is not Severity.INFO]


#: What is wrong in the files of the package itself, by file.
TRUE: Mapping[str, Tuple[str, ...]] = {
    "uucpproto": ("ML026",),  # the mailer uucp-uudom is only defined where MAILER(`smtp') stands above MAILER(`uucp')
}


@pytest.mark.parametrize("mc", sorted((STOCK / "cf").glob("*.mc")), ids=lambda mc: mc.stem)
def test_stock_files_are_clean(mc: Path) -> None:
    found = lint(Config(generated(mc.read_text("latin-1"), mc.parent)))
    assert quiet([one for one in found if one.code not in TRUE.get(mc.stem, ())]) == []


@cache
def _made(seed: int) -> bytes:
    pick = random.Random(seed)
    lines = [
        "divert(0)dnl",
        "OSTYPE(`linux')dnl",
        *pick.sample(FEATURES, 12),
        "MAILER(`local')",
        "MAILER(`smtp')",
    ]
    return generated("\n".join(lines) + "\n", STOCK / "cf")


def mutated(data: bytes, pick: random.Random) -> bytes:
    """A file with a few mistakes of the kinds that hands make."""
    lines = data.split(b"\n")
    kinds: Dict[str, Callable[[bytes], bytes]] = {
        "tabs": lambda line: line.replace(b"\t", b"    "),
        "drop": lambda line: b"",
        "letter": lambda line: _at(line, pick, lambda c: bytes([pick.choice(b"abcXYZ$={},.:;-_ ")])),
        "swap": lambda line: _at(line, pick, lambda c: c[1:] + c[:1], 2),
        "miss": lambda line: _at(line, pick, lambda c: b""),
        "double": lambda line: _at(line, pick, lambda c: c + c),
        "indent": lambda line: b" " + line,
        "join": lambda line: line + b"\\",
    }
    for _ in range(pick.randrange(1, 6)):
        spots = [at for at, line in enumerate(lines) if line and line[:1] not in b"# \t"]
        at = pick.choice(spots)
        lines[at] = kinds[pick.choice(sorted(kinds))](lines[at])
    return b"\n".join(lines)


def _at(line: bytes, pick: random.Random, change: Callable[[bytes], bytes], size: int = 1) -> bytes:
    at = pick.randrange(len(line))
    return line[:at] + change(line[at : at + size]) + line[at + size :]


@pytest.mark.parametrize("seed", range(40 * FUZZ))
def test_mutated_files(
    program: Callable[[str], str], tmp_path: Path, facts: Callable[[str], Facts], seed: int
) -> None:
    data = mutated(_made(seed % 10), random.Random(seed))
    found, _ = differences(program("sendmail"), tmp_path / "t.cf", data, facts)
    assert found == []


@pytest.mark.parametrize("seed", range(40 * FUZZ))
def test_mutated_cases(
    program: Callable[[str], str], tmp_path: Path, facts: Callable[[str], Facts], seed: int
) -> None:
    pick = random.Random(seed)
    case = pick.choice(CASES)
    data = mutated(case.read_bytes(), pick)
    found, _ = differences(program("sendmail"), tmp_path / "t.cf", data, facts)
    # Whether QueueDirectory is there is a matter of the host, and whether a name is known one of the DNS.
    assert [one for one in found if "chdir(" not in one and "Unknown host name" not in one] == []


def test_the_options_are_those_of_the_program(program: Callable[[str], str]) -> None:
    assert set(bC.options(program("sendmail"))) == {row.name for row in Settings().options.values()}
