"""`relay.toml`: what it may say, where passwords come from, and that none is ever in it or in what is said of it.

The one thing to know: each refusal is tried with a word in it that must not come back in the message.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from hosts import contents, make_host

from sendmailcf.authinfo import AuthInfo
from sendmailcf.cli import main
from sendmailcf.errors import PlanError
from sendmailcf.relay.intent import Secret, read

SECRET = "hunter2-invented"
WHOLE = """
# the relays of a fleet
[[relay]]
host = "relay.example.com"
port = 2587
user = "me"
password = { file = "/run/secrets/relay" }
mechanisms = ["PLAIN"]
store = "access"
tls = "verified"
authinfo = "/etc/mail/access"
"""
ONE = '[[relay]]\nhost = "relay.example.com"\nuser = "me"\n'


def test_a_whole_file() -> None:
    [one] = read(WHOLE.encode(), "relay.toml")
    assert (one.host, one.port, one.user, one.password) == (
        "relay.example.com", 2587, "me", Secret("file", ("/run/secrets/relay",)),
    )  # fmt: skip
    assert (one.mechanisms, one.store, one.tls, one.authinfo, one.smart_host) == (
        ("PLAIN",), "access", "verified", "/etc/mail/access", True,
    )  # fmt: skip


def test_what_is_not_said() -> None:
    [one] = read((ONE + 'password = { command = ["vault", "read", "x"] }').encode(), "relay.toml")
    assert (one.port, one.mechanisms, one.store, one.tls) == (587, ("LOGIN", "PLAIN"), "authinfo", "required")
    assert one.password == Secret("command", ("vault", "read", "x"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ONE + f'password = "{SECRET}"', "does not belong into this file"),
        (ONE + f'password = ["{SECRET}"]', "does not belong into this file"),
        (ONE + f'password = {{ text = "{SECRET}" }}', "unknown key 'text'"),
        (ONE + 'password = { file = "/a", env = "B" }', "exactly one of"),
        (ONE + "password = {}", "exactly one of"),
        (ONE + 'password = { command = "vault" }', "command wants a list"),
        (ONE + "password = { command = [] }", "command wants a list"),
        (ONE + 'password = { env = "" }', "env wants"),
        (ONE, "password is missing"),
        ('[[relay]]\nuser = "me"\npassword = { env = "A" }', "host is missing"),
        (WHOLE + "prot = 25", "unknown key 'prot'"),
        (WHOLE.replace("2587", '"587"'), "port wants a port number"),
        (WHOLE.replace("2587", "70000"), "port wants a port number"),
        (WHOLE.replace("2587", "true"), "port wants a port number"),
        (WHOLE.replace('"verified"', '"always"'), "tls wants one of"),
        (WHOLE.replace('"access"\n', '"acess"\n', 1), "store wants one of"),
        (WHOLE.replace('["PLAIN"]', '"PLAIN"'), "mechanisms wants a list"),
        (WHOLE + "[relays]", "unknown key 'relays'"),
        ("", "no table"),
        ("relay = 3", "no table"),
        ("relay = [3]", "relay 1: no table"),
        (WHOLE + f'password = "{SECRET}', "no TOML: at "),
        (f'[[relay]]\npassword = {SECRET}', "no TOML: at line"),
        (WHOLE + WHOLE, "exactly one has smart_host"),
        (WHOLE + "smart_host = false", "exactly one has smart_host"),
    ],
)
def test_what_is_refused(text: str, says: str) -> None:
    with pytest.raises(PlanError) as caught:
        read(text.encode(), "fleet/relay.toml")
    assert says in str(caught.value)
    assert "fleet/relay.toml" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(PlanError, match="no UTF-8"):
        read(b"\xff", "relay.toml")


def apply(root: Path, text: str, *arguments: str, command: str = "apply") -> int:
    (root / "relay.toml").write_text(text)
    words = ["relay", command, str(root / "relay.toml"), "--root", str(root), "--platform", "linux", "--json"]
    return main([*words, *arguments])


def test_a_file_is_applied_and_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mail = make_host(tmp_path, "absent")
    (tmp_path / "secret").write_text(SECRET + "\n")
    text = ONE + f'password = {{ file = "{tmp_path}/secret" }}\nport = 2587\n'
    assert apply(tmp_path, text) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["changed"]
    assert found["broken"] == []
    assert AuthInfo((mail / "authinfo").read_bytes())["relay.example.com"].password == SECRET
    assert "A=TCP $h 2587" in (mail / "sendmail.cf").read_text()
    assert apply(tmp_path, text) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False


def test_passwords_from_the_environment_and_from_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One relay for all mail, two with an entry; the command does not see the password of another relay."""
    mail = make_host(tmp_path, "map")
    monkeypatch.setenv("RELAY_PASSWORD", SECRET)
    script = tmp_path / "print-password"
    script.write_text('#!/bin/sh\necho "of-the-command-${RELAY_PASSWORD-unseen}"\necho noise >&2\n')
    script.chmod(0o755)
    text = (
        ONE.replace("relay.example.com", "second.example.com") + f'password = {{ command = ["{script}"] }}\n'
        + ONE + 'smart_host = true\npassword = { env = "RELAY_PASSWORD" }\n'
        + ONE.replace("relay.example.com", "third.example.com") + 'password = { env = "RELAY_PASSWORD" }\n'
    )  # fmt: skip
    before = contents(mail)
    assert apply(tmp_path, text, command="plan") == 0
    capsys.readouterr()
    assert contents(mail) == before
    assert apply(tmp_path, text) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["broken"] == []
    auth = AuthInfo((mail / "authinfo").read_bytes())
    assert {host: auth[host].password for host in auth} == {
        "other.example.net": "not this one",
        "second.example.com": "of-the-command-unseen",
        "relay.example.com": SECRET,
        "third.example.com": SECRET,
    }
    assert "\nDSrelay.example.com\n" in (mail / "sendmail.cf").read_text()
    assert SECRET not in printed.out + printed.err
    assert apply(tmp_path, text) == 0
    assert json.loads(capsys.readouterr().out)["changed"] is False


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ('{ env = "NOT_THERE_AT_ALL" }', "there is no environment variable NOT_THERE_AT_ALL"),
        ('{ file = "/not/there" }', "/not/there: No such file"),
        ('{ command = ["/not/there"] }', "No such file"),
        ('{ command = ["sh", "-c", "echo hunter2-invented; exit 3"] }', "exit status 3"),
        ('{ command = ["sh", "-c", "echo hunter2-invented; echo more"] }', "more than one line"),
        ('{ command = ["true"] }', "the password is empty"),
    ],
)
def test_no_password_nothing_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, says: str
) -> None:
    mail = make_host(tmp_path, "map")
    before = contents(mail)
    assert apply(tmp_path, ONE + f"password = {source}\n") == 2
    printed = capsys.readouterr()
    assert says in printed.err
    assert SECRET not in printed.out + printed.err
    assert contents(mail) == before


def test_a_relay_that_cannot_be_planned_leaves_the_others_unwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mail = make_host(tmp_path, "map")
    (tmp_path / "secret").write_text(SECRET + "\n")
    password = f'password = {{ file = "{tmp_path}/secret" }}\n'
    text = ONE + "smart_host = true\n" + password + ONE.replace("relay.example.com", "bad host:587") + password
    before = contents(mail)
    assert apply(tmp_path, text) == 2
    assert "bad host" in capsys.readouterr().err
    assert contents(mail) == before


@pytest.mark.parametrize("more", [["--host", "x.example"], ["--user", "x"], ["--password-stdin"], ["--authinfo", "/x"]])
def test_a_file_says_all(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    make_host(tmp_path, "map")
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"pw\n"))
    assert apply(tmp_path, WHOLE, *more) == 2
    assert "a file says all" in capsys.readouterr().err
    sys.stdin = sys.__stdin__
    assert os.path.exists(tmp_path / "relay.toml")
