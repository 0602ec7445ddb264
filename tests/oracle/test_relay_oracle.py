"""The main job, end to end: the real sendmail logs in to a fake relay over TLS with nothing but our files.

The one thing to know: every host is tried twice, with a relay as it should be and with one that offers AUTH but no
STARTTLS; in the second no password may leave.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from hosts import make_host
from sendmail import make_cf

pytestmark = pytest.mark.oracle

HOST = "email-smtp.ap-south-1.amazonaws.com"
PASSWORD = 'inv%1"e\\nted  é'
OTHER = 'AuthInfo:other.example.net "U:other" "P:other"\n'
RECIPE = f'AuthInfo:{HOST} "U:me" "P:old" "M:LOGIN"\n'

STARTS: Dict[str, Dict[str, Any]] = {
    "stock": {"cf": ["--smart-host", "old.example", "--port", "0", "--no-mechanisms"]},
    "stock-no-smart-host": {"cf": ["--smart-host", "", "--port", "0", "--no-mechanisms"]},
    "feature-authinfo": {"cf": ["--authinfo"], "files": {"authinfo": OTHER}},
    "feature-authinfo-elsewhere": {"cf": ["--authinfo", "hash -o /etc/mail/client-info"], "files": {"client-info": OTHER}},
    "feature-access": {"cf": ["--access"], "files": {"access": OTHER + "To:x RELAY\n"}, "makemap": ["access"]},
    "feature-access-store": {"cf": ["--access"], "files": {"access": OTHER}, "makemap": ["access"],
                             "arguments": ["--store", "access"]},
    "both-features": {"cf": ["--access", "--authinfo"], "files": {"access": OTHER}, "makemap": ["access"]},
    "absent": {"cf": ["--port", "0"], "drop": "Sauthinfo\n"},
    "demo": {"shape": "absent"},
    "demo-empty": {"shape": "empty"},
    "demo-access": {"shape": "access"},
    "recipe": {"cf": ["--smart-host", HOST, "--port", "0", "--line",
                      "define(`confDEF_AUTH_INFO', `/etc/mail/authinfo')"], "files": {"authinfo": RECIPE}},
    "recipe-absent": {"cf": ["--line", "define(`confDEF_AUTH_INFO', `/etc/mail/authinfo')"], "drop": "Sauthinfo\n",
                      "files": {"authinfo": RECIPE}},
    "brackets": {"cf": ["--smart-host", "[old.example]"]},
    "port-in-ds": {"cf": ["--smart-host", f"{HOST}:587", "--port", "0"]},
    "mailer-prefix": {"cf": ["--smart-host", "smtp8:[old.example]"]},
    "esmtp-prefix": {"cf": ["--smart-host", "esmtp:old.example"]},
    "default-auth-info": {"cf": [], "arguments": ["--store", "default-auth-info"]},
    "default-auth-info-absent": {"cf": [], "drop": "Sauthinfo\n", "arguments": ["--store", "default-auth-info"]},
    "other-port": {"cf": [], "arguments": ["--port", "2587"]},
    "login-only": {"cf": [], "arguments": ["--mechanisms", "LOGIN"]},
    "big-endian": {"cf": [], "arguments": ["--platform", "aix"]},
    "no-final-newline": {"cf": [], "strip": True},
    "crlf": {"cf": [], "crlf": True},
}  # fmt: skip


def make(shared: Path, root: Path, start: Dict[str, Any]) -> Path:
    """An /etc/mail to start from, safe for sendmail."""
    if "shape" in start:
        return make_host(root, start["shape"])
    mail = root / "etc" / "mail"
    mail.mkdir(parents=True)
    for directory in (root, root / "etc", mail):
        directory.chmod(0o755)
    data = make_cf(shared, *start["cf"])
    if "drop" in start:
        data = data.replace(b"\n" + start["drop"].encode(), b"\n")
    if start.get("strip"):
        data = data.rstrip()
    if start.get("crlf"):
        data = data.replace(b"\n", b"\r\n")
    (mail / "sendmail.cf").write_bytes(data)
    for name, text in start.get("files", {}).items():
        (mail / name).write_text(text)
        (mail / name).chmod(0o600)
    for name in start.get("makemap", ()):
        command = ["makemap", "-C", "/dev/null", "hash", name]
        subprocess.run(command, cwd=mail, stdin=open(mail / name), check=True, capture_output=True)
        (mail / (name + ".db")).chmod(0o600)
    return mail


def ours(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sendmailcf", "relay", arguments[0], "--root", str(root), *arguments[1:]],
        input=PASSWORD.encode() + b"\n", capture_output=True, check=False, cwd="/",
    )  # fmt: skip


def apply(root: Path, *arguments: str) -> Dict[str, Any]:
    platform = [] if "--platform" in arguments else ["--platform", "linux"]
    done = ours(
        root, "apply", "--host", HOST, "--user", "me", "--password-stdin", "--json", *platform, *arguments
    )
    assert done.returncode == 0, done.stderr.decode()
    assert PASSWORD.encode() not in done.stdout + done.stderr
    found: Dict[str, Any] = json.loads(done.stdout)
    return found


def deliver(shared: Path, mail: Path, *faults: str) -> Dict[str, Any]:
    command = [
        sys.executable,
        str(shared / "e2e" / "relay_harness.py"),
        str(mail),
        "--user",
        "me",
        "--password",
        PASSWORD,
    ]
    done = subprocess.run([*command, *faults], capture_output=True, check=False)
    found: Dict[str, Any] = json.loads(done.stdout)
    assert "harness_error" not in found, found
    assert "harness_refused" not in found, found
    return found


CLEAR = ("--no-starttls", "--auth-in-clear", "accept")


@pytest.mark.parametrize("name", STARTS)
def test_the_real_sendmail_logs_in(shared: Path, tmp_path: Path, name: str) -> None:
    start = STARTS[name]
    arguments: List[str] = start.get("arguments", [])
    mail = make(shared, tmp_path, start)
    before = (mail / "sendmail.cf").read_bytes()
    found = apply(tmp_path, *arguments)
    assert found["changed"] is True
    assert found["broken"] == []
    after = (mail / "sendmail.cf").read_bytes()
    # Nothing of the old file is lost but the lines that were changed.
    old_lines, new_lines = before.split(b"\n"), after.split(b"\n")
    lost = [line for line in old_lines if line not in new_lines]
    assert len(lost) <= 5, lost
    result = deliver(shared, mail)
    assert result["ok"], (result["stat"], result["log"][-5:])
    assert result["username"] == "me"
    assert result["ports"] == [
        int(arguments[arguments.index("--port") + 1]) if "--port" in arguments else 587
    ]
    clear = deliver(shared, mail, *CLEAR)
    assert not clear["auth_sent_in_clear"]
    assert not clear["auth_attempts"]
    assert clear["queued"], "mail must wait, not bounce"
    again = apply(tmp_path, *arguments)
    assert again["changed"] is False
    assert again["files"] == []
    assert (mail / "sendmail.cf").read_bytes() == after
    check = ours(tmp_path, "check", "--host", HOST)
    assert check.returncode == 0, check.stdout.decode()


SERVER_TLS = [
    f"define(`{name}', `/etc/mail/{file}')"
    for name, file in (("confSERVER_CERT", "c.pem"), ("confSERVER_KEY", "k.pem"), ("confCACERT", "c.pem"))
]
SERVER_TLS += ["define(`confCACERT_PATH', `/etc/mail')", "FEATURE(`no_default_msa')",
               "DAEMON_OPTIONS(`Name=MTA, Port=2526, Addr=127.0.0.1')"]  # fmt: skip


@pytest.mark.parametrize("mode", ["interactive", "background"])
def test_tls_towards_us_does_not_count_as_tls_towards_the_relay(
    shared: Path, tmp_path: Path, mode: str
) -> None:
    """The macro cipher_bits is set for the session that brings a message, too; the guard must not believe it."""
    lines = [argument for line in SERVER_TLS for argument in ("--line", line)]
    mail = make(shared, tmp_path, {"cf": lines})
    apply(tmp_path)
    script = Path(__file__).with_name("daemon_in_tls.py")
    done = subprocess.run(
        [sys.executable, str(script), str(shared), str(mail), mode],
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["inbound"], "the message was to come over TLS"
    assert found["auth"] == []
    assert found["stat"] == ["Deferred: Temporary AUTH failure"]


def test_existing_entries_keep_working(shared: Path, tmp_path: Path) -> None:
    """An entry of the access map for our own relay's parent domain is still found for other hosts of it."""
    old = 'AuthInfo:amazonaws.com "U:me" "P:from access" "M:LOGIN"\n'
    mail = make(shared, tmp_path, {"cf": ["--access"], "files": {"access": old}, "makemap": ["access"]})
    done = ours(
        tmp_path,
        "apply",
        "--host",
        "other.example.org",
        "--user",
        "u",
        "--password-stdin",
        "--platform",
        "linux",
    )
    assert done.returncode == 0, done.stderr
    cf = (
        (mail / "sendmail.cf")
        .read_bytes()
        .replace(b"\nDSother.example.org\n", b"\nDS" + HOST.encode() + b"\n")
    )
    (mail / "sendmail.cf").write_bytes(cf)
    command = [
        sys.executable,
        str(shared / "e2e" / "relay_harness.py"),
        str(mail),
        "--user",
        "me",
        "--password",
        "from access",
    ]
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    assert found["ok"]
    found = json.loads(subprocess.run([*command, *CLEAR], capture_output=True, check=False).stdout)
    assert not found["auth_sent_in_clear"], "the guard holds for entries that were there before"


def test_a_verified_certificate_can_be_demanded(shared: Path, tmp_path: Path) -> None:
    mail = make(shared, tmp_path, STARTS["stock"])
    apply(tmp_path, "--tls", "verified")
    result = deliver(shared, mail)
    assert not result["auth_attempts"], "nobody vouches for the fake relay's certificate"
    assert result["queued"]
    apply(tmp_path, "--tls", "required")
    assert deliver(shared, mail)["ok"]
    apply(tmp_path, "--tls", "optional")
    assert deliver(shared, mail)["ok"]
    assert deliver(shared, mail, *CLEAR)["auth_sent_in_clear"], (
        "optional means optional, and the test can see it"
    )
    apply(tmp_path, "--tls", "required")
    assert not deliver(shared, mail, *CLEAR)["auth_sent_in_clear"]


def test_a_new_password_is_used_and_the_old_not(shared: Path, tmp_path: Path) -> None:
    mail = make(shared, tmp_path, STARTS["feature-authinfo"])
    done = subprocess.run(
        [sys.executable, "-m", "sendmailcf", "relay", "apply", "--root", str(tmp_path), "--host", HOST, "--user", "old",
         "--password-stdin", "--platform", "linux"], input=b"old one\n", capture_output=True, check=False, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0
    assert not deliver(shared, mail)["ok"]
    assert apply(tmp_path)["changed"]
    assert deliver(shared, mail)["ok"]


BREAKS = {
    "no-db": lambda mail: (mail / "authinfo.db").unlink(),
    "truncated-db": lambda mail: (mail / "authinfo.db").write_bytes(
        (mail / "authinfo.db").read_bytes()[:5000]
    ),
    "group-writable": lambda mail: mail.chmod(0o775),
    "wrong-key": lambda mail: edit(mail, "authinfo", HOST, "else.example"),
    "port-in-ds": lambda mail: (
        edit(mail, "sendmail.cf", f"DS{HOST}", f"DS{HOST}:587"),
        edit(mail, "sendmail.cf", "A=TCP $h 587", "A=TCP $h 465"),
    ),
    "no-rules": lambda mail: edit(mail, "sendmail.cf", "\nSauthinfo\n", "\nSother_name\n"),
    "unquoted": lambda mail: edit(mail, "authinfo", '"U:me"', "U:me"),
    "mechanisms": lambda mail: edit(mail, "authinfo", "LOGIN PLAIN", "LOGIN,PLAIN"),
}


def edit(mail: Path, name: str, old: str, new: str) -> None:
    text = (mail / name).read_text()
    assert old in text
    (mail / name).write_text(text.replace(old, new))
    if name == "authinfo":
        command = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "/dev/null", "hash", "authinfo"]
        subprocess.run(command, cwd=mail, stdin=open(mail / name), check=True)


@pytest.mark.parametrize("name", BREAKS)
def test_check_tells_what_sendmail_then_does(shared: Path, tmp_path: Path, name: str) -> None:
    mail = make(shared, tmp_path, STARTS["stock"])
    apply(tmp_path)
    assert ours(tmp_path, "check").returncode == 0
    BREAKS[name](mail)
    found = ours(tmp_path, "check", "--host", HOST)
    assert found.returncode == 1, found.stdout.decode()
    assert found.stdout.count(b"\n") == 23
    assert PASSWORD.encode() not in found.stdout
    assert not deliver(shared, mail, "--keep-permissions")["ok"]
