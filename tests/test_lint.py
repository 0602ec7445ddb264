"""The linter: every example of every rule, places, fixes, and what a rule may look at.

The one thing to know: a rule's own examples are its tests, and each must fail where the rule is taken away.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Optional, Set

import lintcases
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import sendmailcf
from sendmailcf import strategies
from sendmailcf.cli import main
from sendmailcf.config import Config
from sendmailcf.errors import EditError
from sendmailcf.files import Facts
from sendmailcf.lint import (
    FAMILIES,
    RULES,
    Context,
    Edit,
    Example,
    Fix,
    Found,
    Problem,
    Rule,
    Severity,
    _dispatch,
    _silent,
    apply_fixes,
    document,
    documents,
    host,
    lint,
    named,
    sources,
)
from sendmailcf.nodes import Comment, MacroDefinition, Option, RewritingRule
from sendmailcf.references import MACRO, MAILER, MAP

EXAMPLES = list(lintcases.examples())
HEAD, TAIL = lintcases.HEAD, lintcases.TAIL


def serious(problems: list[Problem]) -> Set[str]:
    return {one.code for one in problems if one.severity is not Severity.INFO}


@pytest.mark.parametrize(("rule", "example"), [one[1:] for one in EXAMPLES], ids=[one[0] for one in EXAMPLES])
def test_example(rule: Rule, example: Example) -> None:
    found = lintcases.problems(rule, example)
    codes = {one.code for one in found}
    if example.what == "Bad":
        assert rule.code in codes, "the rule does not find its own example"
        assert serious(found) <= {rule.code}, "other rules find something in the example"
    else:
        assert rule.code not in codes
        assert not serious(found), "a good example is good in every way"


def test_the_rules_are_these() -> None:
    """Codes and names stay: files that suppress a rule name it.  A rule that goes fails here."""
    known = (ROOT / "tests" / "lint_rules.txt").read_text("utf-8")
    assert lintcases.listed() == known, "python tests/lintcases.py > tests/lint_rules.txt"


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_rule_is_complete(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{2}[0-9]{3}", rule.code)
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)+", rule.name)
    assert rule.code[:2] in FAMILIES
    assert {one.what for one in rule.examples} == {"Bad", "Good"}
    assert rule.text
    assert rule.reported in ("", "E", "F", "U", "W", "N")
    if rule.reported in ("E", "F"):
        assert rule.severity is Severity.ERROR
    assert named(rule.code.lower()) is named(rule.name) is rule


def test_a_module_holds_the_rules_of_one_family() -> None:
    modules: dict[str, Set[str]] = {}
    for rule in RULES.values():
        modules.setdefault(rule.check.__module__, set()).add(rule.code[:2])
    assert all(len(families) == 1 for families in modules.values()), modules


@given(data=strategies.cf_files())
def test_any_file_is_checked(data: bytes) -> None:
    cf = Config(data)
    found = lint(cf)
    assert bytes(cf) == data
    for one in found:
        assert 0 <= one.span[0] <= one.span[1] <= len(data)
        assert (one.line, one.column) <= (one.end_line, one.end_column)
    # Whatever cannot be read is refused, and said so, but for odd S and Q lines that sendmail takes.
    bad = {i for i, node in enumerate(cf) if type(node).__name__ == "BadLine" and cf.text(i)[:1] not in ("S", "Q")}
    assert bad <= {one.index for one in found if one.severity is Severity.ERROR}


@given(data=strategies.cf_files())
def test_fixes_are_kept_and_touch_their_lines_alone(data: bytes) -> None:
    cf = Config(data)
    problems = lint(cf)
    before = [cf.raw(index) for index in range(len(cf))]
    made = apply_fixes(cf, problems)
    if len(cf) == len(before):
        touched = {edit.index for one in made if one.fix for edit in one.fix.edits}
        assert [i for i in range(len(cf)) if cf.raw(i) != before[i]] == sorted(touched)
    again = lint(cf)
    assert len([one for one in again if one.fix]) <= len([one for one in problems if one.fix]) - len(made)


@given(st.lists(strategies.cf_files(), min_size=2, max_size=3))
def test_what_is_remembered_of_other_files_changes_nothing(files: list[bytes]) -> None:
    """Rules that found nothing in a line are left out for equal lines elsewhere; each file is checked alone, too."""
    _silent.cache_clear()
    together = [lint(Config(data)) for data in (*files, *files)]
    for data, found in zip((*files, *files), together):
        _silent.cache_clear()
        assert lint(Config(data)) == found


def test_place_of_a_problem_in_a_folded_line() -> None:
    text = "# é\nV10/Berkeley\nK\n\tx\n\tzork /x\nMlocal, P=/x, A=y\n"
    (problem,) = [one for one in lint(Config(text, "x.cf")) if one.code == "MP001"]
    assert (problem.line, problem.column, problem.end_line, problem.end_column) == (5, 2, 5, 6)
    assert problem.sendmail_line == 5
    raw = text.encode()
    assert raw[slice(*problem.span)] == b"zork"
    assert str(problem).startswith("x.cf:5:2: error: MP001 map-class-unknown: ")


def test_sendmail_counts_ends_of_lines() -> None:
    text = "V10/Berkeley\nO QueueDirectory=/q\nMlocal, P=/x, A=x\nZ"
    assert [one.sendmail_line for one in (*lint(Config(text)), *lint(Config(text + "\n")))] == [3, 4]


def test_macros_that_nest_too_deep_are_told() -> None:
    text = b"DA$A\nCB$A\nSx\nR$A\tx\nKx hash /$A\n"
    found = [one for one in lint(Config(HEAD + text + TAIL)) if one.severity is Severity.ERROR]
    assert [(one.code, one.line) for one in found] == [("MA006", 5), ("RS009", 7), ("MA006", 8)]


def test_problem_of_the_whole_file_has_no_line_of_sendmail() -> None:
    (problem,) = lint(Config("V10/Berkeley\nO QueueDirectory=/q\n"))
    assert (problem.code, problem.index, problem.sendmail_line, problem.line) == ("ML003", None, 0, 1)


def option(name: str, **how: object) -> Option:
    return Option(name=name, value="1", **how)  # type: ignore[arg-type]


def problem(*edits: Edit, safe: bool = True) -> Problem:
    fix = Fix("Do it", edits, safe)
    return Problem(code="XX001", name="x-y", severity=Severity.ERROR, message="m", fix=fix)


def test_fixes_edit_insert_and_remove_from_the_bottom_up() -> None:
    cf = Config("O a=0\r\nO b=0\r\nO c=0\r\nO d=0\r\n")
    problems = [
        problem(Edit(0, (option("one"), option("two")))),
        problem(Edit(2)),
        problem(Edit(3, (Comment(text=" x"),), insert=True)),
    ]
    assert apply_fixes(cf, problems) == problems
    assert str(cf) == "O one=1\r\nO two=1\r\nO b=0\r\n# x\r\nO d=0\r\n"


def test_a_fix_that_the_law_refuses_changes_nothing() -> None:
    cf = Config("O a=0\nO b=0\n")
    bad = problem(Edit(0, (option("fine"),)), Edit(1, (option("one\ntwo"),)))
    with pytest.raises(EditError):
        cf.replace(1, option("one\ntwo"))
    assert apply_fixes(cf, [bad]) == []
    assert str(cf) == "O a=0\nO b=0\n"


def test_of_two_fixes_of_a_line_the_first_is_made_and_unsafe_ones_when_asked() -> None:
    cf = Config("O a=0\nO b=0\n")
    first, second = problem(Edit(0, (option("x"),))), problem(Edit(0, (option("y"),)), Edit(1))
    unsafe = problem(Edit(1, (option("z"),)), safe=False)
    assert apply_fixes(cf, [first, second, unsafe]) == [first]
    assert apply_fixes(cf, [unsafe], unsafe=True) == [unsafe]
    assert str(cf) == "O x=1\nO z=1\n"


def test_sources_that_a_file_names() -> None:
    cf = Config(
        b"Kaccess hash -T<TMPF> /etc/mail/access\nKauthinfo hash /etc/mail/authinfo.db\nKseq sequence access\n"
        b"O AliasFile=hash:/etc/aliases, /etc/mail/aliases.more\nO DefaultAuthInfo=/etc/mail/authinfo\n"
        b"Fw-o /etc/mail/local-host-names\nFx@LDAP\nKrel hash rel\n"
    )
    assert [(one.path, one.kind, one.index) for one in sources(cf)] == [
        ("/etc/mail/access", "access", 0),
        ("/etc/mail/authinfo", "authinfo", 1),
        ("/etc/aliases", "aliases", 3),
        ("/etc/mail/aliases.more", "aliases", 3),
        ("/etc/mail/local-host-names", "class-file", 5),
    ]


def test_what_is_found_in_a_source_never_holds_its_values() -> None:
    secret = "inVented1"
    lines = document(f"AuthInfo:h U:{secret} P:{secret}\nAuthInfo:{secret}\n", "authinfo", "authinfo")
    found = lint(lines)
    assert found
    assert all(secret not in str(one) + repr(one).replace(f"AuthInfo:{secret}", "") for one in found)


def test_one_code_and_one_name_are_one_rule() -> None:
    from sendmailcf.lint.rule import rule

    with pytest.raises(ValueError, match="two rules"):
        rule("CF001", "another-name", Severity.ERROR)(lambda context: [Found(None, "x")])
    with pytest.raises(ValueError, match="two rules"):
        rule("CF998", "line-unknown", Severity.ERROR)(lambda context: [Found(None, "x")])


def test_names_at_the_top() -> None:
    code = "import sendmailcf as s; print(s.lint(s.Config('V10\\nO QueueDirectory=/q\\n'))[0].code, s.lint.Problem is s.Problem)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "ML003 True\n"
    assert sendmailcf.Problem is Problem
    assert sendmailcf.Severity is Severity
    assert sendmailcf.lint(Config(HEAD + TAIL)) == []


@given(
    st.binary(max_size=200),
    st.sampled_from(["authinfo", "access", "map", "aliases", "default-auth-info", "class-file"]),
)
def test_any_source_is_checked(data: bytes, kind: str) -> None:
    made = document(data, kind)
    lint(made, kind=kind)
    assert bytes(made) == data


@pytest.mark.parametrize(
    ("version", "flags", "found"),
    [("8.15", "NEWDB,CDB", True), ("8.16", "NEWDB,CDB", False), ("8.17", "NEWDB", True)],
)
def test_release_and_flags_decide_which_map_classes_there_are(
    version: str, flags: str, found: bool, tmp_path: Path
) -> None:
    cf = tmp_path / "x.cf"
    cf.write_bytes(HEAD + b"Kx cdb /etc/mail/x\n" + TAIL)
    assert main(["check", "--sendmail-version", version, "--with", flags, str(cf)]) == int(found)


def test_the_kind_of_a_document() -> None:
    kinds = [
        (documents.kind_of(path), path) for path in ("/etc/mail/access", "x/sendmail.cf", "authinfo.txt", "y")
    ]
    assert kinds == [
        ("access", "/etc/mail/access"),
        ("cf", "x/sendmail.cf"),
        ("authinfo", "authinfo.txt"),
        ("cf", "y"),
    ]
    made = [
        (kind, documents.kind_of_document(document(b"", kind), None))
        for kind in ("cf", "map", "default-auth-info")
    ]
    assert all(kind == found for kind, found in made)
    with pytest.raises(ValueError, match="no kind of file"):
        document(b"", "nonsense")


def test_a_bad_line_is_told_once() -> None:
    found = lint(Config(HEAD + b"D{a b}${c d\nPfoo ${x\nC# x\n" + TAIL))
    told = [("MA002", 4), ("MA002", 4), ("HQ030", 5), ("MA003", 5), ("CF099", 6)]
    assert [(one.code, one.line) for one in found] == told


def test_what_a_rule_may_look_at(tmp_path: Path) -> None:
    text = b"Kauthinfo hash -f /etc/mail/authinfo\nDAx\nSauthinfo\nR$*\t$(AuthInfo $1 $A$)\nR$*\t$#nomailer\n"
    cf = Config(HEAD + text + TAIL)
    mail = tmp_path / "etc" / "mail"
    mail.mkdir(parents=True)
    (mail / "authinfo").write_bytes(b'AuthInfo:h "U:u" "P:p"\n')
    looked = Context(cf, "cf", facts=lambda path: Facts(path, str(tmp_path)))
    assert looked.cf is cf
    assert [one.index for one in looked.definitions(MAP)["authinfo"]] == [3]
    assert [one.index for one in looked.uses(MAP)["authinfo"]] == [6]
    assert [one.index for one in looked.uses(MACRO)["A"]] == [6]
    assert set(looked.uses(MAILER)) == {"nomailer", "local"}
    lines = looked.other("/etc/mail/authinfo", "authinfo")
    assert lines is not None
    assert len(lines) == 1
    assert looked.other("/etc/mail/authinfo", "authinfo") is lines
    assert looked.other("/etc/mail/access", "access") is None
    assert looked.chain is not None
    source = Context(lines, "authinfo", config=cf, declared=3)
    assert source.declaration == cf[3]
    assert (
        source.chain is source.file("/etc/mail/authinfo") is source.other("/etc/mail/authinfo", "map") is None
    )
    with pytest.raises(TypeError):
        _ = Context(lines, "authinfo").cf


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        (b"R$*    $: $1", b"R$*\t$: $1"),
        (b"R$* < @ $* >   $: $1 x", b"R$* < @ $* >\t$: $1 x"),
        (b"R$* < @ $* >   $: $1    a comment", b"R$* < @ $* >\t$: $1\ta comment"),
        # Where the sides meet is not certain.
        (b"R$*   a   $: $1", None),
        (b"R$* $: $1", None),
        # What would come of it is no rule.
        (b"R$*   $2", None),
    ],
)
def test_blanks_become_a_tab_where_the_split_is_certain(line: bytes, fixed: Optional[bytes]) -> None:
    cf = Config(HEAD + b"Sfoo\n" + line + b"\n" + TAIL)
    made = apply_fixes(cf, lint(cf))
    assert [one.code for one in made] == (["RS001"] if fixed else [])
    assert bytes(cf) == HEAD + b"Sfoo\n" + (fixed or line) + b"\n" + TAIL


def test_the_state_is_that_of_the_line() -> None:
    cf = Config(HEAD + b"DAone\nCxone\nSx\nR$A\t$1\nDAtwo\nR$A\t$@ ok\n" + TAIL)
    seen: dict[int, tuple[str, str]] = {}
    lines = _dispatch("cf")[0]
    probe = Rule(
        "CF999", "a-probe", Severity.INFO, lambda c, i, n: seen.update({i: (c.reading.value("A"), c.reading.refused)}) or [],
        (), "", False, ("cf",), "", "",
    )  # fmt: skip
    for cls in (MacroDefinition, RewritingRule):
        for rules in (lines[cls].every, lines[cls].refused):
            rules.append(probe)
    _silent.cache_clear()
    try:
        lint(cf)
    finally:
        _dispatch.cache_clear()
        _silent.cache_clear()
    assert [seen[at] for at in (3, 6, 7, 8)] == [
        ("", ""),
        ("one", "$1: the left side has no wildcards"),
        ("one", "$1: the left side has no wildcards"),
        ("two", ""),
    ]


def made(text: bytes) -> bytes:
    """A file after all its safe fixes, made until there are none."""
    cf = Config(text)
    while apply_fixes(cf, lint(cf)):
        pass
    return bytes(cf)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        (b"O MaxHopCuont=30", b"O MaxHopCount=30"),
        (b"O MaxHop=30", b"O MaxHopCount=30"),
        (b"O Timeout.qeuereturn=5d", b"O Timeout.queuereturn=5d"),
        (b"O  MaxHopCount = 30  # hops", b"O MaxHopCount = 30  # hops"),
        (b"O\tMaxHopCount=30", b"O MaxHopCount=30"),
        (b"O MaxHopCount 30", b"O MaxHopCount=30"),
        (b"O MaxHopCount=30\nO maxhopcount=30", b"O maxhopcount=30"),
        (b"O ResolverOptions=+aaonly,-dnsrch", b"O ResolverOptions=+aaonly -dnsrch"),
        (b"O ServerSSLOptions=SSL_OP_NO_SSLv2 , SSL_OP_NO_SSLv3", b"O ServerSSLOptions=SSL_OP_NO_SSLv2, SSL_OP_NO_SSLv3"),
        (b"Mx, P=[TCP], F=l, A=TCP $h", b"Mx, P=[IPC], F=l, A=TCP $h"),
    ],
)  # fmt: skip
def test_safe_fixes_of_options_and_mailers(line: bytes, fixed: bytes) -> None:
    assert made(HEAD + line + b"\n" + TAIL) == HEAD + fixed + b"\n" + TAIL


@pytest.mark.parametrize(
    "line",
    [b"O MaxHopCount=30\nO MaxHopCount=25", b"OMaxHopCount=30", b"Oh=30", b"O AuthOptions=Apy", b"Mx, p=/x, A=x", b"O Zork=1"],
)  # fmt: skip
def test_what_may_have_been_meant_in_two_ways_is_left_alone(line: bytes) -> None:
    assert made(HEAD + line + b"\n" + TAIL) == HEAD + line + b"\n" + TAIL


@pytest.mark.parametrize(
    ("switch", "known"),
    [(b"passwd: files systemd\nservices: db files\n", True), (b"passwd: files ldap\n", False)],
)
def test_names_are_unknown_only_where_files_know_all(tmp_path: Path, switch: bytes, known: bool) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nsswitch.conf").write_bytes(switch)
    (tmp_path / "etc" / "passwd").write_bytes(b"mail:x:8:9:mail:/var/mail:/bin/sh\n")
    (tmp_path / "etc" / "group").write_bytes(b"mail:x:9:\n")
    (tmp_path / "etc" / "services").write_bytes(b"smtp 25/tcp mail # a comment\nntp 123/udp\n")
    context = Context(Config(HEAD + TAIL), "cf", facts=lambda path: Facts(path, str(tmp_path)))
    assert host.user(context, "mail") == ((8, 9) if known else None)
    assert host.user(context, "nosuch") == ((-1, -1) if known else None)
    assert (host.group(context, "mail"), host.group(context, "nosuch")) == (9, -1)
    assert [host.service(context, name) for name in ("smtp", "mail", "SMTP", "ntp")] == [
        True,
        True,
        False,
        False,
    ]
    alone = Context(Config(HEAD + TAIL), "cf")
    assert host.user(alone, "mail") is host.group(alone, "mail") is host.service(alone, "smtp") is None
