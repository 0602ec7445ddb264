"""`relay check` and `check` say the same; the well-known recipe, mistake by mistake; no secret in what is found.

The one thing to know: hosts are broken in the ways of tests/faults.py, which the real sendmail has judged.
"""

from __future__ import annotations

import base64
from pathlib import Path
from random import Random
from typing import Dict, List, Set, Tuple

import pytest
from faults import BASES, FAULTS, PASSWORD, Case, Fault, copy_base, make_base
from lintcases import HEAD, RELAY_HEAD, TAIL, FakeFacts

from sendmailcf.authinfo import SourceLines
from sendmailcf.cli.relay import looker
from sendmailcf.config import Config
from sendmailcf.lint import RULES, Example, Problem, Severity, apply_fixes, document, lint, lint_host
from sendmailcf.relay.chain import check
from sendmailcf.relay.links import ADVICE, WRONG
from sendmailcf.relay.plan import load_cf


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("bases")
    for base in BASES:
        make_base(top / base, base)
        (top / base / "var" / "spool" / "mqueue").mkdir(parents=True)
    return top


def judged(root: Path) -> Tuple[Set[str], List[Problem]]:
    """The rules that the links name, and what the linter finds."""
    look = looker(str(root))
    cf = load_cf("/etc/mail/sendmail.cf", look)
    links = check(cf, look).links
    broken = [link for link in links if link.state in (WRONG, ADVICE)]
    assert {link.rule for link in broken} <= {rule.name for rule in RULES.values()}
    return {link.rule for link in broken}, lint_host(cf, look)


def serious(problems: List[Problem]) -> Set[str]:
    return {one.name for one in problems if one.severity is not Severity.INFO}


@pytest.mark.parametrize("base", BASES)
def test_healthy_hosts(bases: Path, base: str) -> None:
    rules, problems = judged(bases / base)
    assert serious(problems) <= {"auth-plain-cleartext"}
    assert rules <= {one.name for one in problems}


#: A host that has just a map access which cannot be read shows in no way that it should authenticate.
NOT_MEANT = {("relative file", "access")}
CASES = [(fault, base) for fault in FAULTS for base in fault.bases if (fault.name, base) not in NOT_MEANT]


@pytest.mark.parametrize(("fault", "base"), CASES, ids=[f"{fault.name}-{base}" for fault, base in CASES])
def test_a_broken_link_is_found_by_a_rule(bases: Path, tmp_path: Path, fault: Fault, base: str) -> None:
    copy_base(bases / base, tmp_path / "h")
    case = Case(tmp_path / "h", base, Random(0))
    fault.do(case)
    rules, problems = judged(case.root)
    found = {one.name for one in problems}
    assert rules - found == set()
    for one in problems:
        for text in (one.message, one.consequence, one.hint or "", one.fix.description if one.fix else ""):
            assert PASSWORD not in text
            assert base64.b64encode(PASSWORD.encode()).decode() not in text


def recipe(cf: bytes, authinfo: bytes, mode: str) -> List[Problem]:
    """What is found in a sendmail.cf, and an /etc/mail/authinfo of a mode."""
    files = {"/etc/mail/sendmail.cf": cf, "/etc/mail/authinfo": authinfo}
    example = Example("Bad", files, {"/etc/mail/authinfo": {"mode": mode}})
    return lint_host(Config(cf, "/etc/mail/sendmail.cf"), lambda path: FakeFacts(path, example))


def test_a_secret_is_in_nothing_that_is_found() -> None:
    for value in (
        '"U:user" "P:{0}"', "U:user P:{0}", '"U:user","P:{0}"', '"U:user" "P={0}"', '"U:user" "P:{0}\\""', '"P:{0}"',
        '"U:user" "P:{0}%1"', '"U:user" "X:{0}"', "'U:user' 'P:{0}'", '"U:user" "P:{0}" "M:{0}"',
    ):  # fmt: skip
        lines = [f"AuthInfo:relay.example\t{value.format(PASSWORD)}", f"{PASSWORD}\t{value.format(PASSWORD)}"]
        lines += [f"AuthInfo:relay.example {PASSWORD}", f" {PASSWORD}", f'"P:{PASSWORD}"', PASSWORD]
        for kind in ("authinfo", "access", "default-auth-info"):
            problems = lint(document("\n".join(lines), kind), kind=kind)
            assert problems or kind == "default-auth-info"
            unsaid(problems)
    cf = (
        HEAD
        + RELAY_HEAD
        + f"DSuser:{PASSWORD}@relay.example\nDSrelay:user:{PASSWORD}@relay.example\n".encode()
    )
    unsaid(lint(Config(cf + TAIL.replace(b"#local $:", b"#relay $@ $S $:"))))


def test_a_password_before_the_smart_host_is_in_no_link() -> None:
    for text in (f"user:{PASSWORD}@relay.example", f"relay:user:{PASSWORD}@relay.example", f"{PASSWORD}@relay.example"):
        cf = Config(HEAD + RELAY_HEAD + f"DS{text}\n".encode() + TAIL.replace(b"#local $:", b"#relay $@ $S $:"))
        chain = check(cf, lambda path: FakeFacts(path, Example("Bad", {})))
        assert PASSWORD not in repr(chain)
        assert "smarthost-user" in {link.rule for link in chain.links}


def unsaid(problems: List[Problem]) -> None:
    coded = base64.b64encode(PASSWORD.encode()).decode()
    for one in problems:
        said = [str(one), one.consequence, one.fix.description if one.fix else ""]
        assert PASSWORD not in repr(one)
        assert not [text for text in said if PASSWORD in text or coded in text]


FIXED: Dict[str, str] = {
    "U:user P:invented": '"U:user" "P:invented"',
    "U:user P:invented M:LOGIN PLAIN": '"U:user" "P:invented" "M:LOGIN PLAIN"',
    "'U:user' 'I:me' 'P:inv ented'": '"U:user" "I:me" "P:inv ented"',
    "\u201cU:user\u201d \u201cP:invented\u201d": '"U:user" "P:invented"',
    'U:user "P:invented"': '"U:user" "P:invented"',
    "I:user P=aW52ZW50ZWQ=": '"U:user" "P:invented"',
    "U:user P:50%1": '"U:user" "P=NTAlMQ=="',
    '"U:user","P:invented", "M:LOGIN"': '"U:user" "P:invented" "M:LOGIN"',
}
KEPT = [
    "U:user P:inv ented",
    "U:user P:a P:b",
    "U:user",
    "user invented",
    "U:user, P:invented",
    'U:user P:a"b',
]


@pytest.mark.parametrize("value", FIXED)
def test_quoting_is_repaired(value: str) -> None:
    lines = SourceLines(f"# ours\nAuthInfo:relay.example\t{value}\n")
    apply_fixes(lines, lint(lines, kind="authinfo"))
    assert str(lines) == f"# ours\nAuthInfo:relay.example\t{FIXED[value]}\n"
    assert serious(lint(lines, kind="authinfo")) == set()


@pytest.mark.parametrize("value", KEPT)
def test_quoting_is_not_guessed(value: str) -> None:
    lines = SourceLines(f"AuthInfo:relay.example\t{value}\n")
    problems = lint(lines, kind="authinfo")
    assert serious(problems) != set()
    assert apply_fixes(lines, problems) == []
