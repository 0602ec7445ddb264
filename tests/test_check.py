"""`sendmailcf check`: what is checked, which rules count, comments, baselines, fixes, and reports in every format.

The one thing to know: an invented password stands in most files here, and one test looks for it in everything that
any format, diff, baseline and message says.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, List, Optional, Sequence
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from lintcases import HEAD, TAIL

from sendmailcf import strategies
from sendmailcf.cli import main
from sendmailcf.cli.check import _FORMATS, _colour
from sendmailcf.cli.installed import probe, read
from sendmailcf.cli.workers import shared
from sendmailcf.config import Config
from sendmailcf.errors import EditError, SettingsError
from sendmailcf.lint import RULES, Checked, Edit, Fix, Problem, Severity, checked, document, lint
from sendmailcf.lint.baseline import written
from sendmailcf.lint.findings import findings
from sendmailcf.lint.repair import repaired
from sendmailcf.lint.reports import FORMATS, Run, report, visible
from sendmailcf.lint.selection import Configured, Selection, configured, matches
from sendmailcf.lint.settings import DEFAULT_FLAGS, Settings
from sendmailcf.nodes import Comment, Option

SECRET = "inVented8pass"
BAD = HEAD + b"O MaxHopCuont=30\n" + TAIL
#: A directory with one of everything: an error that has a fix, one that has none, a warning, an info, and passwords.
CF = (
    HEAD
    + b"O MaxHopCuont=30\nZfoo\nKauthinfo hash /etc/mail/authinfo\n# sendmailcf: disable=ML001\n"
    + b"# sendmailcf: disable=nonsense\nAuthInfo:h \"U:u\" \"P:" + SECRET.encode() + b"\"\nO DefaultAuthInfo=/etc/mail/five\n"
    + TAIL
)  # fmt: skip
AUTHINFO = f'AuthInfo:relay.example U:user P:{SECRET}\nAuthInfo:x "U:u" "P={base64.b64encode(SECRET.encode()).decode()}" z\n'
Call = Callable[..., Any]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    """A directory with a sendmail.cf, its authinfo, the five-line file, and an access source."""
    directory = tmp_path / "mail"
    directory.mkdir()
    (directory / "sendmail.cf").write_bytes(CF)
    (directory / "authinfo").write_text(AUTHINFO)
    (directory / "five").write_text(f"user\nuser\n{SECRET}\nrealm\n")
    (directory / "access").write_text("x.example RELAY # sendmailcf: disable=OP001\n")
    return directory


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run check: the exit status, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main(["check", *map(str, arguments)])
        out = capsys.readouterr()
        return status, out.out, out.err

    return run


def codes(out: str) -> List[str]:
    return [json.loads(line)["code"] for line in out.split("\n") if line]


# What is checked.


def test_a_good_file_is_silent_and_a_bad_one_is_not(check: Call, tmp_path: Path) -> None:
    (tmp_path / "good.cf").write_bytes(HEAD + TAIL)
    (tmp_path / "bad.cf").write_bytes(BAD)
    assert check("good.cf", "-q") == (0, "", "")
    assert check("good.cf") == (0, "", "1 file checked: 0 errors, 0 warnings, 0 infos\n")
    status, out, err = check("good.cf", "bad.cf", "--format=concise")
    assert (status, out) == (
        1,
        "bad.cf:4:3: error: OP001 option-unknown: there is no option MaxHopCuont; did you mean MaxHopCount?\n",
    )
    assert err == "2 files checked: 1 error, 0 warnings, 0 infos; --fix mends 1\n"
    assert check("bad.cf", "-q", "--exit-zero", "--format=gcc")[0] == 0
    # What cannot be read is told, does not hide the others, and is worse than what is wrong.
    status, out, err = check("absent.cf", "bad.cf", "-q", "--format=gcc", "--exit-zero")
    assert (status, err) == (2, "sendmailcf: absent.cf: No such file or directory\n")
    assert "OP001" in out


def test_full_shows_the_line_and_a_caret_below_what_is_wrong(check: Call, tmp_path: Path) -> None:
    (tmp_path / "bad.cf").write_bytes(BAD)
    assert check("bad.cf", "-q")[1] == (
        "error[OP001]: there is no option MaxHopCuont (option-unknown)\n"
        " --> bad.cf:4:3\n"
        "  |\n"
        "4 | O MaxHopCuont=30\n"
        "  |   ^^^^^^^^^^^\n"
        "  = did you mean MaxHopCount?\n"
        "  = sendmail does not start\n"
        "  = fix: Write MaxHopCount (--fix)\n"
    )


def test_a_directory_is_checked_with_what_its_sendmail_cf_names(check: Call, mail: Path) -> None:
    (mail / "main.cf").write_text("myhostname = postfix.example\n")
    (mail / "authinfo.db").write_bytes(b"no source\n")
    sub = mail / ".git"
    sub.mkdir()
    (sub / "x.cf").write_bytes(BAD)
    status, out, _ = check("mail", "--format=json-lines", "-q")
    found = [json.loads(line) for line in out.split("\n") if line]
    assert status == 1
    assert {one["path"] for one in found} <= {"mail/sendmail.cf", "mail/authinfo", "mail/access", "mail/five"}
    assert ("mail/authinfo", "AU001") in {(one["path"], one["code"]) for one in found}
    # A file that a sendmail.cf names is told of once.
    assert len(found) == len({(one["path"], one["code"], one["line"], one["column"]) for one in found})
    (mail / "empty").mkdir()
    status, _, err = check(mail / "empty")
    assert status == 2
    assert "no file of sendmail" in err


def test_root_is_where_the_files_of_a_host_are(check: Call, tmp_path: Path) -> None:
    etc = tmp_path / "img" / "etc" / "mail"
    etc.mkdir(parents=True)
    (etc / "sendmail.cf").write_bytes(HEAD + b"Kauthinfo hash /etc/mail/authinfo\n" + TAIL)
    (etc / "authinfo").write_text(AUTHINFO)
    _, out, _ = check("--root", "img", "--format=json-lines", "-q", "--select", "AU001")
    assert {json.loads(line)["path"] for line in out.split("\n") if line} == {str(etc / "authinfo")}
    # The file alone does not tell of others.
    assert check("img/etc/mail/sendmail.cf", "-q", "--select", "AU001")[:2] == (0, "")


def test_standard_input_and_kinds(check: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    given(AUTHINFO)
    status, out, _ = check("--as", "access", "--stdin-filename", "x/tmp123", "-", "--format=concise")
    assert status == 1
    assert out.startswith("x/tmp123:1:1: error: AU001 auth-value-unquoted: ")
    given(AUTHINFO)
    assert "AU001" in check("-", "--stdin-filename", "etc/mail/authinfo")[1]
    # A file of credentials under an odd name is known by its first entry.
    given("# mine\n" + AUTHINFO)
    assert "<stdin>:2:1: error: AU001" in check("-", "--format=concise")[1]


@pytest.mark.parametrize("arguments", [["--format=nonsense"], ["--as=nonsense"], ["-j0"], ["--isolated", "--config=x"]])
def test_a_wrong_argument_is_a_usage_error(arguments: List[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["check", *arguments, "x"])
    assert caught.value.code == 2


# Which rules count.


def test_select_ignore_severity_and_profiles(check: Call, mail: Path) -> None:
    cf = mail / "sendmail.cf"

    def told(*more: str) -> List[str]:
        return codes(check(cf, "-q", "--format=json-lines", *more)[1])

    assert {"OP001", "CF001", "CF900", "CF901"} <= set(told())
    chosen = told("--select", "op")
    assert "OP001" in chosen
    assert {code[:2] for code in chosen} == {"OP"}
    assert set(told("--select=option-unknown,CF00", "--ignore=line-unknown")) <= {"OP001", "CF002"}
    assert "CF001" in told("--select=OP", "--extend-select=CF001")
    assert {code[:2] for code in told("--profile=security")} <= {"AU", "RL", "PM"}
    status, out, _ = check(cf, "-q", "--format=json-lines", "--profile=strict", "--select=CF900")
    assert (status, json.loads(out)["severity"]) == (1, "warning")
    assert check(cf, "-q", "--select=CF900")[0] == 0
    status, _, err = check(cf, "--select=OP01x")
    assert (status, "there is no rule OP01x" in err) == (2, True)
    assert "did you mean option-unknown?" in check(cf, "--ignore=option-unknow")[2]


def test_settings_are_found_upward_and_the_command_line_wins(check: Call, mail: Path, tmp_path: Path) -> None:
    shared = tmp_path / "pyproject.toml"
    shared.write_text(
        "[project]\nname = 'x'\n[tool.sendmailcf]\nselect = ['OP001', 'CF001']\n"
        "per-file-ignores = { 'mail/*.cf' = ['OP001'] }\n[tool.sendmailcf.severity]\nCF = 'info'\n"
    )
    argv = ("mail/sendmail.cf", "-q", "--format=json-lines")
    status, out, _ = check(*argv)
    assert (status, set(codes(out))) == (0, {"CF001"})
    assert "OP001" in codes(check(*argv, "--isolated")[1])
    assert set(codes(check(*argv, "--select=CF901")[1])) == {"CF901"}
    other = tmp_path / "other.toml"
    other.write_text("ignore = ['CF', 'line-unknown']\nprofile = 'default'\n")
    assert not {"CF001", "CF901"} & set(codes(check(*argv, "--config", other)[1]))
    # Nearer settings stand for those above them; a pyproject.toml without a table is passed over.
    (mail / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert set(codes(check(*argv)[1])) == {"CF001"}
    (mail / ".sendmailcf.toml").write_text("select = ['CF901']\nkinds = { 'cred*' = 'authinfo' }\n")
    assert set(codes(check(*argv)[1])) == {"CF901"}
    (mail / "credentials").write_text("# x\n" + AUTHINFO)
    assert "AU001" in codes(check("mail/credentials", "--select=AU001", "--format=json-lines")[1])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("selct = ['OP']\n", "x.toml:1: there is no setting selct; did you mean select?"),
        ("\nselect = ['OP', 'XX123']\n", "x.toml:2: select: there is no rule XX123"),
        ("\n\nignore = 'OP'\n", "x.toml:3: ignore must be a list of strings"),
        ("profile = 'strickt'\n", "x.toml:1: profile: there is no strickt; did you mean strict?"),
        ("[severity]\nOP001 = 'fatal'\n", "x.toml:2: OP001: there is no fatal"),
        ("[severity]\nOP991 = 'info'\n", "x.toml:2: there is no rule OP991"),
        ("sendmail-version = '8.12'\n", "x.toml:1: sendmail-version: there is no 8.12"),
        ("[per-file-ignores]\n'*.cf' = ['nope-nope']\n", "x.toml:2: *.cf: there is no rule nope-nope"),
        ("a = \n", "x.toml: "),
    ],
)
def test_settings_that_make_no_sense_are_errors_with_a_line(
    check: Call, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "x.toml").write_text(text)
    (tmp_path / "x.cf").write_bytes(BAD)
    status, out, err = check("x.cf", "--config", "x.toml")
    assert (status, out) == (2, "")
    assert said in err


def test_a_baseline_in_the_settings_and_files_that_are_excluded(check: Call, mail: Path, tmp_path: Path) -> None:
    (tmp_path / ".sendmailcf.toml").write_text("exclude = ['mail/access', 'old']\nbaseline = 'known.json'\n")
    (mail / "old").mkdir()
    (mail / "old" / "x.cf").write_bytes(BAD)
    assert check("mail", "--write-baseline", "known.json")[0] == 0
    assert check("mail", "-q")[:2] == (0, "")
    (mail / "other.cf").write_bytes(BAD)
    assert codes(check("mail", "-q", "--format=json-lines")[1]) == ["OP001"]


def test_release_and_flags_may_stand_in_the_settings(check: Call, tmp_path: Path) -> None:
    (tmp_path / "x.cf").write_bytes(HEAD + b"Kx cdb /etc/mail/x\n" + TAIL)
    for version, flags, status in (("8.16", "NEWDB,CDB", 0), ("8.15", "NEWDB,CDB", 1), ("8.17", "NEWDB", 1)):
        (tmp_path / ".sendmailcf.toml").write_text(
            f"sendmail-version = '{version}'\nwith = {flags.split(',')}\nvendor = 'Berkeley'\n"
        )
        assert check("x.cf", "-q")[0] == status
    assert check("x.cf", "-q", "--sendmail-version=8.17", "--with=CDB")[0] == 0


@pytest.mark.parametrize(
    ("path", "pattern", "same"),
    [
        ("a/b/x.cf", "*.cf", True), ("a/b/x.cf", "a/*.cf", True), ("a/b/x.cf", "b/*.cf", False),
        ("a/b/x.cf", "b", True), ("a/b/x.cf", "a/b", True), ("a/b/x.cf", "a/b/", True), ("ab/x.cf", "a", False),
    ],
)  # fmt: skip
def test_patterns_of_files(path: str, pattern: str, same: bool) -> None:
    assert matches(path, pattern) is same


# Comments to the linter.


def found_in(text: bytes, kind: str = "cf") -> List[tuple[str, int]]:
    return [(one.code, one.line) for one in lint(document(text, kind), kind=kind)]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (b"# sendmailcf: disable=OP001\nO Xx=1\nO Xx=1\n", [("OP001", 6)]),
        (b"# sendmailcf: disable=option-unknown\n# sendmailcf: disable=CF001\nO Xx=1\n Zz\nZz\n", [("CF900", 5), ("CF001", 8)]),
        (b"# sendmailcf: disable=OP001\nO Xx=1\nO Xx=1\n# sendmailcf: enable=OP001\nO Xx=1\n", [("OP001", 8)]),
        (b"# sendmailcf: disable=OP001\nO Xx=1\nO Yy=1\n#sendmailcf: disable=OP001\nO Xx=1\n# sendmailcf: enable=op001\n", [("OP001", 6)]),
        (b"# sendmailcf: disable\nZz\nO Xx=1\n# sendmailcf: enable\nZz\n", [("CF001", 8)]),
        (b"# sendmailcf: disable-file=OP, CF001 because it is old\nO Xx=1\nZz\n", []),
        (b"O Xx=1 # sendmailcf: disable=OP001\nO Xx=1\n", [("OP001", 5)]),
        (b"O Xx=1 \\# sendmailcf: disable=OP001\n", [("OP001", 4), ("CF902", 4)]),
        (b"Sx\nR$*\n# sendmailcf: disable=RS001\nR$+ $1\nR$* $1\t$2\t# sendmailcf: disable=RS003\n", [("RS001", 5)]),
        (b"# sendmailcf: enable=OP001\n", [("CF900", 4)]),
        (b"O MaxHopCount=3 # sendmailcf: disable-file=OP001\n", [("CF901", 4), ("CF900", 4)]),
        (b"# the word sendmailcf: alone does nothing\n# sendmailcf: and this neither\n", []),
        (b"# sendmailcf: disable=CF900\n# sendmailcf: disable=OP001\nO MaxHopCount=3\n", [("CF900", 5)]),
        (b"# sendmailcf: disable-file=CF900\n# sendmailcf: disable=OP001\nO MaxHopCount=3\n", []),
    ],
)  # fmt: skip
def test_comments_switch_rules_off(text: bytes, left: List[tuple[str, int]]) -> None:
    ours = {"OP001", "CF001", "CF900", "CF901", "CF902", "RS001", "RS003"}
    assert [one for one in found_in(HEAD + text + TAIL) if one[0] in ours] == left


def test_comments_in_sources_stand_on_lines_of_their_own() -> None:
    bad = b"AuthInfo:x U:u P:p\n"
    assert ("AU001", 2) not in found_in(b"# sendmailcf: disable=AU001\n" + bad, "authinfo")
    assert ("AU001", 1) in found_in(bad.rstrip() + b" # sendmailcf: disable=AU001\n", "authinfo")


@given(strategies.cf_files(), st.sampled_from(sorted(RULES)))
def test_a_comment_only_takes_away_and_a_file_without_one_is_as_it_was(data: bytes, code: str) -> None:
    before = lint(Config(b"# x\n" + data))
    after = lint(Config(f"# sendmailcf: disable-file={code}\n".encode() + data))
    same = [(one.code, one.line, one.column) for one in before if one.code != code]
    assert [(one.code, one.line, one.column) for one in after if one.code[:3] != "CF9"] == [
        one for one in same if one[0][:3] != "CF9"
    ]


# Baselines.


def test_a_baseline_survives_moved_lines_and_tells_of_new_ones(check: Call, tmp_path: Path) -> None:
    cf = tmp_path / "x.cf"
    cf.write_bytes(HEAD + b"O Xx=1\nO Xx=1\nZfoo\n" + TAIL)
    assert check("x.cf", "--write-baseline", "base.json")[:2] == (0, "")
    assert check("x.cf", "--baseline", "base.json", "-q") == (0, "", "")
    cf.write_bytes(HEAD + b"# more\n\n# lines\nO Xx=1\nZfoo\nO MaxHopCount=20\nO Xx=1\n" + TAIL)
    assert check("x.cf", "--baseline", "base.json", "-q") == (0, "", "")
    cf.write_bytes(HEAD + b"O Xx=1\nO Xx=1\nO Xx=1\nZfoo\nZbar\n" + TAIL)
    _, out, _ = check("x.cf", "--baseline", "base.json", "-q", "--format=json-lines")
    assert sorted(codes(out)) == ["CF001", "OP001"]
    cf.write_bytes(HEAD + b"Zfoo\n" + TAIL)
    assert "2 of its problems are no more" in check("x.cf", "--baseline", "base.json")[2]
    assert not re.search(r"Xx|line|Zfoo", (tmp_path / "base.json").read_text())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 9, "files": {}}', '{"version": 1}'])
def test_a_baseline_that_is_none_is_refused(check: Call, tmp_path: Path, text: str) -> None:
    (tmp_path / "b.json").write_text(text)
    (tmp_path / "x.cf").write_bytes(BAD)
    status, out, err = check("x.cf", "--baseline", "b.json")
    assert (status, out, "b.json: no baseline" in err) == (2, "", True)


# Fixes.


def test_fix_mends_the_file_and_keeps_its_mode(check: Call, tmp_path: Path) -> None:
    cf = tmp_path / "x.cf"
    cf.write_bytes(HEAD + b"O MaxHopCuont=30\r\nO  QueueLA=8\nZfoo\n" + TAIL)
    cf.chmod(0o640)
    status, out, err = check("x.cf", "--diff")
    assert status == 1
    assert "-O MaxHopCuont=30" in out
    assert "+O MaxHopCount=30" in out
    assert "error[CF001]" in out
    assert "OP001" not in out
    assert err.endswith("2 can be fixed\n")
    assert b"Cuont" in cf.read_bytes()
    status, out, err = check("x.cf", "--fix", "--format=concise")
    # The end of line in CR LF is an info.
    assert (status, re.findall(r"\b[A-Z]{2}\d{3}\b", out)) == (1, ["CF001", "CF015"])
    assert "2 were fixed" in err
    assert cf.read_bytes() == HEAD + b"O MaxHopCount=30\r\nO QueueLA=8\nZfoo\n" + TAIL
    assert stat.S_IMODE(cf.stat().st_mode) == 0o640
    before = cf.stat()
    assert check("x.cf", "--fix")[0] == 1
    assert cf.stat().st_mtime_ns == before.st_mtime_ns
    assert [one.name for one in tmp_path.iterdir()] == ["x.cf"]


def test_only_what_is_told_is_fixed(check: Call, tmp_path: Path) -> None:
    cf = tmp_path / "x.cf"
    cf.write_bytes(HEAD + b"# sendmailcf: disable=OP001\nO MaxHopCuont=30\n" + TAIL)
    check("x.cf", "--fix")
    assert b"Cuont" in cf.read_bytes()
    cf.write_bytes(BAD)
    check("x.cf", "--fix", "--ignore=OP001")
    assert cf.read_bytes() == BAD


def test_fixed_standard_input_is_given_back(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BAD)))
    assert main(["check", "-", "--fix", "-q"]) == 0
    assert capsysbinary.readouterr().out == BAD.replace(b"Cuont", b"Count")


def made(lines: bytes, fixes: Sequence[Optional[Fix]], again: Callable[[bytes], Checked]) -> Checked:
    problems = [
        Problem(code="OP001", name="x-y", severity=Severity.ERROR, message="m", index=0, fix=one) for one in fixes
    ]
    return Checked(Config(lines), "cf", problems, again)


def test_a_file_that_would_read_worse_or_never_be_done_is_left_alone() -> None:
    edit = Fix("Do it", (Edit(0, (Option(name="Nonsense", value="1"),)),))
    worse = made(b"O MaxHopCount=3\n", [edit], lambda data: made(data, [None, None], checked_never))
    with pytest.raises(EditError, match="more errors"):
        repaired(worse, lambda one: one)
    equal = made(b"O MaxHopCount=3\n", [edit], lambda data: made(data, [None], checked_never))
    assert bytes(repaired(equal, lambda one: one)[0].document) == b"O Nonsense=1\n"

    def forever(data: bytes) -> Checked:
        add = Fix("Add", (Edit(0, (Comment(text=" x"),), insert=True),))
        return made(data, [add], forever)

    with pytest.raises(EditError, match="not come to an end"):
        repaired(forever(b"O MaxHopCount=3\n"), lambda one: one)
    assert bytes(worse.document) == bytes(equal.document) == b"O MaxHopCount=3\n"


def checked_never(data: bytes) -> Checked:
    raise AssertionError("nothing is left to fix")


@given(strategies.cf_files())
def test_fixing_never_reads_worse_and_a_second_time_changes_nothing(data: bytes) -> None:
    before = checked(Config(data), "cf")
    try:
        after, _ = repaired(before, lambda one: one)
    except EditError:
        return
    errors = [sum(one.severity is Severity.ERROR for one in some.problems) for some in (before, after)]
    assert errors[1] <= errors[0]
    again, fixed = repaired(after, lambda one: one)
    assert (bytes(again.document), fixed) == (bytes(after.document), [])


# Reports.


def test_sarif_is_valid_by_its_schema(check: Call, mail: Path) -> None:
    schema = json.loads((ROOT / "tests" / "data" / "sarif-2.1.0.schema.json").read_text("utf-8"))
    out = check(mail, "--format=sarif", "-q")[1]
    report_ = json.loads(out)
    jsonschema.Draft7Validator(schema).validate(report_)
    results = report_["runs"][0]["results"]
    assert {"OP001", "CF901", "AU001"} <= {one["ruleId"] for one in results}
    rules = report_["runs"][0]["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in results)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({**report_, "runs": [{"tool": {}}]})
    (mail / "good").mkdir()
    (mail / "good" / "x.cf").write_bytes(HEAD + TAIL)
    jsonschema.Draft7Validator(schema).validate(json.loads(check(mail / "good/x.cf", "--format=sarif", "-q")[1]))


def test_json_tells_places_in_characters_and_bytes(check: Call, tmp_path: Path) -> None:
    (tmp_path / "x.cf").write_bytes(HEAD + "DÄx\nO MaxHopCuont=30\n".encode() + TAIL)
    (found,) = [one for one in json.loads(check("x.cf", "--format=json", "-q")[1]) if one["code"] == "OP001"]
    assert (found["line"], found["column"], found["end_column"], found["hint"]) == (5, 3, 14, "MaxHopCount")
    assert found["fix"] == {"description": "Write MaxHopCount", "safe": True}
    assert (tmp_path / "x.cf").read_bytes()[slice(*found["span"])] == b"MaxHopCuont"


def test_github_is_chosen_by_itself(check: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a,b:c.cf").write_bytes(BAD)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert check("a,b:c.cf", "-q")[1] == (
        "::error title=sendmailcf OP001 option-unknown,file=a%2Cb%3Ac.cf,line=4,endLine=4,col=3,endColumn=14::"
        "there is no option MaxHopCuont; did you mean MaxHopCount? (sendmail does not start)\n"
    )
    assert check("a,b:c.cf", "-q", "--format=concise")[1].startswith("a,b:c.cf:4:3: ")
    check("a,b:c.cf", "-q", "-o", "report.txt")
    assert (tmp_path / "report.txt").read_text().startswith("error[OP001]")


def test_gitlab_gcc_junit_and_checkstyle(check: Call, mail: Path) -> None:
    quality = json.loads(check("mail", "--format=gitlab", "-q")[1])
    assert {"description", "check_name", "fingerprint", "severity", "location"} == set(quality[0])
    assert len({one["fingerprint"] for one in quality}) == len(quality)
    assert all(one["severity"] in ("info", "minor", "major") for one in quality)
    assert all(one["location"]["lines"]["begin"] > 0 for one in quality)
    for line in check("mail", "--format=gcc", "-q")[1].rstrip("\n").split("\n"):
        assert re.fullmatch(r"[^:]+:\d+:\d+: (error|warning|note): .* \[[A-Z]{2}\d{3}\]", line)
    suites = ET.fromstring(check("mail", "--format=junit", "-q")[1])
    found = json.loads(check("mail", "--format=json", "-q")[1])
    bad = [one for one in found if one["severity"] != "info"]
    assert len(suites.findall(".//failure")) == len(bad) == int(suites.get("failures") or 0)
    assert sum(int(one.get("tests") or 0) for one in suites) == int(suites.get("tests") or 0)
    style = ET.fromstring(check("mail", "--format=checkstyle", "-q")[1])
    assert len(style.findall("file/error")) == len(found)
    (mail / "ok.cf").write_bytes(HEAD + TAIL)
    clean = ET.fromstring(check("mail/ok.cf", "--format=junit", "-q")[1])
    assert (clean.get("tests"), clean.get("failures")) == ("1", "0")


def test_statistics_and_output(check: Call, tmp_path: Path) -> None:
    (tmp_path / "x.cf").write_bytes(HEAD + b"O Xx=1\nO MaxHopCuont=3\nZfoo\n" + TAIL)
    status, out, _ = check("x.cf", "--statistics", "-q")
    assert (status, out) == (1, "     2  OP001  [*]  option-unknown\n     1  CF001  [ ]  line-unknown\n")
    assert check("x.cf", "--format=gcc", "-q", "-o", "out.txt")[1] == ""
    assert (tmp_path / "out.txt").read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("wish", "environ", "terminal", "colour"),
    [
        ("auto", {}, True, True), ("auto", {}, False, False), ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True), ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False), ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True), ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)  # fmt: skip
def test_colours(wish: str, environ: dict[str, str], terminal: bool, colour: bool) -> None:
    out = io.StringIO()
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    assert _colour(wish, environ, out) is colour


def test_colours_change_nothing_but_colours(check: Call, mail: Path) -> None:
    plain, painted = (check("mail", "-q", f"--color={one}")[1] for one in ("never", "always"))
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


@given(data=st.one_of(st.binary(max_size=120), strategies.cf_files()), name=st.text(max_size=8))
def test_every_format_holds_whatever_stands_in_a_file(data: bytes, name: str) -> None:
    seen = checked(Config(data), "cf")
    run = Run(findings(seen, name), [name])
    schema = json.loads((ROOT / "tests" / "data" / "sarif-2.1.0.schema.json").read_text("utf-8"))
    for format_ in FORMATS:
        text = report(format_, run)
        text.encode("utf-8")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
        if format_ in ("junit", "checkstyle"):
            ET.fromstring(text)
        elif format_ in ("json", "gitlab"):
            assert len(json.loads(text)) == len(seen.problems)
        elif format_ == "sarif":
            jsonschema.Draft7Validator(schema).validate(json.loads(text))
        elif format_ != "full":
            assert text.count("\n") == len(seen.problems)


def test_terminals_are_safe_and_long_lines_short(check: Call, tmp_path: Path) -> None:
    (tmp_path / "x.cf").write_bytes(HEAD + b"O X\x1b[31mx=1\nO " + b"y" * 3000 + b"=1\n" + TAIL)
    out = check("x.cf", "-q")[1]
    assert "\x1b" not in out
    assert "\\x1b[31m" in out
    shown = [line for line in out.split("\n") if re.match(r"\d+ \|", line)]
    assert max(map(len, shown)) < 300
    assert visible("a\tb\udcff\x00") == "a\tb\\xff\\x00"


def test_no_password_in_anything_that_is_said(check: Call, mail: Path, tmp_path: Path) -> None:
    secrets = [SECRET, base64.b64encode(SECRET.encode()).decode().rstrip("=")]
    # As what it is, as something else, and under names that say nothing.
    (mail / "credentials").write_text(AUTHINFO.replace(" ", "  "))
    (mail / "secret").write_text(f"user\n{SECRET}\n{SECRET} x\n")
    runs: List[List[object]] = [["mail"], ["mail/credentials"], ["mail/secret"], ["mail/five", "--as=default-auth-info"]]
    runs += [["mail/authinfo", f"--as={kind}"] for kind in ("cf", "access", "map", "aliases", "class-file")]
    said = []
    for run in runs:
        for format_ in _FORMATS:
            said += check(*run, f"--format={format_}")[1:]
        said += check(*run, "--diff")[1:] + check(*run, "--unsafe-fixes", "--diff")[1:] + check(*run, "--statistics")[1:]
        check(*run, "--write-baseline", "base.json")
        said.append((tmp_path / "base.json").read_text())
    assert any("AU001" in one for one in said)
    for secret in secrets:
        assert not [one for one in said if secret in one]


# Many files, and the program.


def test_processes_make_no_difference(check: Call, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / ".sendmailcf.toml").write_text("ignore = ['CF001']\n")
    for number in range(40):
        text = HEAD + b"O Xx%d=1\nZfoo\n" % number + TAIL
        (tmp_path / ("a" if number % 2 else "") / f"{number:02}.cf").write_bytes(text)
    one, two = (check(".", "--format=json", "-q", "-j", jobs) for jobs in (1, 2))
    assert one == two
    assert len(json.loads(one[1])) == 60


def test_a_process_that_dies_loses_its_own_jobs_only() -> None:
    def work(number: int) -> int:
        if number == 3:
            os._exit(9)
        return number * number

    assert list(shared(work, range(8), 2, lambda number: -number)) == [0, 1, 4, -3, 16, -5, 36, -7]


def test_a_terminal_sees_how_far_it_is(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.cf").write_bytes(HEAD + TAIL)
    code = (
        "import sys, sendmailcf.cli.checker as c; c._PATIENCE = c._STEP = -1; sys.stderr.isatty = lambda: True; "
        "from sendmailcf.cli import main; main(['check', '.', '-j1'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert b"\r30 of 30 files checked" in done.stderr
    assert done.stdout == b""


def test_rule_prints_documentation_and_lists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "option-unknown"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("OP001 option-unknown\n")
    assert "Bad:\n    O MaxHopCuont=30\n" in out
    assert main(["rule", "--list"]) == 0
    listed = capsys.readouterr().out.rstrip("\n").split("\n")
    assert [line.split()[0] for line in listed] == sorted(RULES)
    assert main(["rule", "--list", "--json", "OP"]) == 0
    assert all(one["code"].startswith("OP") for one in json.loads(capsys.readouterr().out))
    assert main(["rule", "OP999"]) == main(["rule"]) == 2


def test_the_formats_of_the_parser_are_those_that_there_are() -> None:
    assert list(FORMATS) == list(_FORMATS)


def test_severity_of_a_rule_wins_over_that_of_its_family() -> None:
    chosen = Selection(Configured(severity={"OP001": "info", "OP": "warning"}))
    assert chosen.severities["OP001"] is Severity.INFO
    assert chosen.severities["OP007"] is Severity.WARNING
    with pytest.raises(SettingsError, match=r"x\.toml:1: severity must be a table"):
        configured({"severity": 1}, "severity = 1\n", "x.toml", "/")


def test_findings_of_one_kind_have_different_fingerprints() -> None:
    found = findings(checked(Config(b"V10\nZa\nZa\nZa\n"), "cf"), "x")
    assert len({one.fingerprint for one in found}) == len(found) > 2
    assert json.loads(written(found, lambda path: path))["files"]["x"].keys() == {one.fingerprint for one in found}


@pytest.mark.oracle
def test_the_installed_sendmail_tells_what_it_is(program: Callable[[str], str]) -> None:
    version, flags = probe(program("sendmail"))
    assert version == "8.17"
    settings = Settings(version=version, flags=flags)
    assert set(settings.options) == set(Settings().options)
    assert settings.flags >= DEFAULT_FLAGS


@pytest.mark.oracle
def test_check_asks_the_program(check: Call, program: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "x.cf").write_bytes(HEAD + b"Kx cdb /etc/mail/x\n" + TAIL)
    assert check("x.cf", "-q", "--sendmail", program("sendmail"))[0] == 1
    assert check("--probe", "x.cf", "-q")[0] == 1
    fake = tmp_path / "fake"
    fake.write_text("#!/bin/sh\nprintf 'Version 8.16.1\\n Compiled with: CDB\\n\\t\\tNEWDB\\n'\nexec sleep 60\n")
    fake.chmod(0o755)
    assert check("x.cf", "-q", "--sendmail", fake)[0] == 0
    assert check("x.cf", "-q", "--sendmail=/nonexistent/sendmail")[0] == 2


def test_words_of_another_program_are_refused() -> None:
    assert read("Version 8.18.1\n Compiled with: A B=2\n\t\tC\n    OS Defines: D\n", "x") == ("8.18", {"A", "B=2", "C", "D"})
    assert read("Version 8.99\n", "x")[0] == "8.18"
    assert read("Version 8.9.3\n", "x")[0] == "8.15"
    with pytest.raises(SettingsError, match="does not tell its version"):
        read("postfix\n", "x")


def test_one_cannot_be_read_is_no_reason_to_stop(check: Call, mail: Path) -> None:
    os.mkfifo(mail / "pipe.cf")
    status, out, err = check("mail/pipe.cf", "mail/sendmail.cf", "-q", "--format=concise")
    assert status == 2
    assert "pipe.cf: not a regular file" in err
    assert "OP001" in out
