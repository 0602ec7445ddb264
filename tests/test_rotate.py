"""`relay rotate`: the new credentials are written only when the relay takes them, and at every moment some work.

The one thing to know: the relay is a seam here (`examine` is replaced); the real sendmail and a fake relay have their
turn in `tests/oracle/test_rotate_oracle.py`.  A point of death is a call into the operating system, as in test_crash.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from random import Random
from typing import Any, Callable, List, Optional, Tuple

import pytest
from faults import BASES, HOST, PASSWORD, USER, Case, copy_base, make_base
from hosts import contents
from test_crash import KILLED, deadly, in_child

from sendmailcf.authinfo import Credentials
from sendmailcf.cli import main, rotate
from sendmailcf.cli.relay import looker
from sendmailcf.relay.credentials import stored
from sendmailcf.relay.host import Host, Server
from sendmailcf.relay.links import ACCEPTED, BOUNCED, OPEN, Prediction
from sendmailcf.relay.plan import load_cf
from sendmailcf.relay.session import Session

NEW = "an0ther inv%1nted, \\new é"
SERVER = Server(HOST, "192.0.2.7")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("bases")
    for base in BASES:
        make_base(top / base, base)
    return top


def relay(monkeypatch: pytest.MonkeyPatch, verdict: Tuple[Optional[bool], str]) -> List[Credentials]:
    """A relay with this verdict on any credentials; those it was shown."""
    seen: List[Credentials] = []

    def examine(question: Any, look: Callable[[str], Any]) -> Session:
        seen.append(question.given(SERVER))
        return Session(question.host, question.port, SERVER.name, SERVER.addr, (), Prediction(*verdict, "it says so"))

    monkeypatch.setattr(rotate, "examine", examine)
    return seen


def run(root: Path, *arguments: str) -> int:
    sys.stdin = io.TextIOWrapper(io.BytesIO(NEW.encode() + b"\n"), encoding="utf-8")
    try:
        return main(["relay", "rotate", "--root", str(root), "--password-stdin", *arguments])
    finally:
        sys.stdin = sys.__stdin__


def held(root: Path, server: Server = SERVER) -> Optional[Credentials]:
    look = looker(str(root))
    return stored(Host(load_cf("/etc/mail/sendmail.cf", look), look), server).credentials


@pytest.mark.parametrize("base", BASES)
def test_a_password_the_relay_takes_is_stored(
    bases: Path, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_base(bases / base, tmp_path / "h")
    before = contents(tmp_path / "h/etc/mail")
    seen = relay(monkeypatch, (True, ACCEPTED))
    old = held(tmp_path / "h")
    assert old is not None
    assert run(tmp_path / "h", "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["accepted"]
    assert found["changed"]
    new = held(tmp_path / "h")
    assert new is not None
    assert (new.user, new.password, new.mechanisms) == (USER, NEW, old.mechanisms)
    assert [one.password for one in seen] == [NEW]
    assert NEW not in printed.out + printed.err
    after = contents(tmp_path / "h/etc/mail")
    assert after["sendmail.cf"] == before["sendmail.cf"], "nothing but the entry changes"
    changed = sorted(name for name in after if after[name] != before[name])
    assert changed == {"five-lines": ["default-auth-info"], "access": ["access", "access.db"]}.get(
        base, ["authinfo", "authinfo.db"]
    )
    assert run(tmp_path / "h", "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False


@pytest.mark.parametrize(("verdict", "status"), [((False, BOUNCED), 1), ((None, OPEN), 2), ((False, ACCEPTED), 1)])
def test_what_the_relay_does_not_take_is_not_written(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    verdict: Tuple[Optional[bool], str], status: int,
) -> None:  # fmt: skip
    copy_base(bases / "ours", tmp_path / "h")
    before = contents(tmp_path / "h/etc/mail")
    relay(monkeypatch, verdict)
    assert run(tmp_path / "h") == status
    assert contents(tmp_path / "h/etc/mail") == before
    printed = capsys.readouterr()
    assert "the old ones stay" in printed.err
    assert NEW not in printed.out + printed.err


def test_another_user(bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_base(bases / "feature", tmp_path / "h")
    relay(monkeypatch, (True, ACCEPTED))
    assert run(tmp_path / "h", "--user", "the other", "--backup") == 0
    new = held(tmp_path / "h")
    assert new is not None
    assert (new.user, new.authid, new.password) == ("the other", None, NEW)
    assert PASSWORD in (tmp_path / "h/etc/mail/authinfo.bak").read_text()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda case: case.source("# none\n"), "nothing is stored"),
        (lambda case: case.entry('"U:me" "P:x"', "AuthInfo:"), "catch-all"),
        (lambda case: (case.mail / "authinfo").unlink(), "No such file"),
        (lambda case: case.cf("^DS.*$", "DS"), "no smart host"),
        (lambda case: (case.mail / "sendmail.cf").unlink(), "No such file"),
    ],
)
def test_there_is_nothing_to_rotate(
    bases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    change: Callable[[Case], object], says: str,
) -> None:  # fmt: skip
    copy_base(bases / "feature", tmp_path / "h")
    case = Case(tmp_path / "h", "feature", Random(0))
    change(case)
    before = contents(case.mail)
    relay(monkeypatch, (True, ACCEPTED))
    assert run(tmp_path / "h") == 2
    assert says in capsys.readouterr().err
    assert contents(case.mail) == before


@pytest.mark.parametrize("when", ["before", "middle", "after"])
@pytest.mark.parametrize("base", ["ours", "five-lines"])
def test_killed_at_every_call_credentials_that_work_are_left(
    bases: Path, base: str, when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relay(monkeypatch, (True, ACCEPTED))
    before = held(bases / base)
    seen = set()
    point = 0
    while True:
        point += 1
        root = tmp_path / f"at{point}"
        copy_base(bases / base, root)

        def die(point: int = point, root: Path = root) -> int:
            sys.stdout = open(os.devnull, "w")
            deadly(point, when, str(root))
            return run(root)

        status = in_child(die)
        assert status in (0, KILLED)
        now = held(root)
        assert now is not None, point
        assert before is not None
        assert now.password in (PASSWORD, NEW), point
        assert (now.user, now.mechanisms) == (before.user, before.mechanisms)
        seen.add(now.password)
        if status == 0:
            break
        if point % 3:
            continue
        assert in_child(lambda root=root: run(root, "--json") if not quiet() else 0) == 0, point  # type: ignore[misc]
        again = held(root)
        assert again is not None
        assert again.password == NEW, "a second run finishes the work"
        left = [one.name for one in (root / "etc/mail").iterdir() if one.name.startswith(".")]
        assert left == [], "what a killed run leaves behind may hold a password"
    assert point > (10 if base == "five-lines" else 20), "so few calls cannot be all"
    assert seen == {PASSWORD, NEW}


def quiet() -> bool:
    """Throw the output of this process away."""
    sys.stdout = open(os.devnull, "w")
    return False
