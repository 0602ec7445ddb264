"""The password is in nothing that any relay command prints or writes, gives to a child, or leaves in a traceback.

The one thing to know: it is looked for in every form in which it could be read: as it is, in hexadecimal, escaped, and
in base64 at each of the three places where it can begin.
"""

from __future__ import annotations

import base64
import html
import json
import os
import stat
import subprocess
import sys
import urllib.parse
from pathlib import Path
from random import Random
from typing import Dict, Iterator, List

import pytest
from faults import BASES, FAULTS, HOST, USER, Case, copy_base, make_base

#: Links whose text could quote a source or an entry.
SECRET = ("mechanisms", "map file", "database and source", "key", "entry", "other servers")
OLD, NEW = "0ld-S3cret-inv%nted\\Zq", 'n3w "S3cret" inv%nted ~Wx'


def forms(secret: str) -> Iterator[str]:
    """The ways to write a secret from which it can be read."""
    data = secret.encode()
    yield secret
    yield data.hex()
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    yield urllib.parse.quote(secret)
    yield secret.replace("%", "%%")
    for before in range(3):
        # The first and last characters depend on what stands beside; those between are the same everywhere.
        text = base64.b64encode(b"x" * before + data).decode().rstrip("=")
        yield text[(before * 8 + 5) // 6 : len(text) - 1]


def found(text: str) -> List[str]:
    return [form for secret in (OLD, NEW) for form in forms(secret) if form in text]


def test_the_search_finds_what_it_looks_for() -> None:
    for secret in (OLD, NEW):
        for prefix in ("", "\0u\0", "\0us\0", "\0use\0"):
            assert found(">>> AUTH PLAIN " + base64.b64encode((prefix + secret).encode()).decode())
        assert found(f"x {secret} y")
        assert found(repr({"a": secret}))


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("bases")
    for base in BASES:
        make_base(top / base, base)
    return top


class Shell:
    """Runs commands, and keeps what they printed and gave away."""

    def __init__(self, top: Path) -> None:
        self.top, self.record = top, top / "record"
        self.bin = top / "bin"
        self.bin.mkdir()
        for name in ("sendmail", "mailq", "systemctl", "lssrc"):
            (self.bin / name).write_text("#!/bin/sh\nenv\necho \"$@\"\n")
            (self.bin / name).chmod(0o755)

    def __call__(self, *arguments: str, stdin: str = NEW, environment: Dict[str, str] | None = None) -> str:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("leaks.py")), str(self.record), *arguments],
            input=stdin.encode() + b"\n", capture_output=True, check=False, cwd=self.top,
            env={**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", **(environment or {})},
        )  # fmt: skip
        return (done.stdout + done.stderr).decode("utf-8", "backslashreplace")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    (tmp_path / "shell").mkdir()
    return Shell(tmp_path / "shell")


def host(bases: Path, base: str, root: Path) -> Case:
    copy_base(bases / base, root)
    case = Case(root, base, Random(0))
    if base == "five-lines":
        case.lines(USER, USER, OLD, "", "LOGIN PLAIN")
    else:
        case.entry(f'"U:{USER}" "P={base64.b64encode(OLD.encode()).decode()}" "M:LOGIN PLAIN"')
    return case


@pytest.mark.parametrize("base", ["ours", "five-lines"])
def test_no_command_gives_a_password_away(bases: Path, base: str, tmp_path: Path, shell: Shell) -> None:
    case = host(bases, base, tmp_path / "h")
    at = ["--root", str(case.root)]
    (tmp_path / "new").write_text(NEW + "\n")
    (tmp_path / "relay.toml").write_text(
        f'[[relay]]\nhost = "{HOST}"\nuser = "me"\npassword = {{ env = "RELAY_PASSWORD" }}\nsmart_host = true\n'
        f'store = "{ {"access": "access", "five-lines": "default-auth-info"}.get(base, "authinfo") }"\n'
        f'[[relay]]\nhost = "other.example"\nuser = "me"\npassword = {{ command = ["cat", "{tmp_path}/new"] }}\n'
    )  # fmt: skip
    store = ["--store", {"access": "access", "five-lines": "default-auth-info"}.get(base, "authinfo")]
    given = ["--host", HOST, "--user", USER, *store, "--backup", *at]
    probe = ["[127.0.0.1]", "--port", "9", "--timeout", "1", *at]
    printed = [
        shell("relay", "check", *at, "--html", str(tmp_path / "report.html")),
        shell("relay", "plan", *given, "--password-file", str(tmp_path / "new"), "--diff", "--json"),
        shell("relay", "plan", str(tmp_path / "relay.toml"), *at, "--diff", environment={"RELAY_PASSWORD": NEW}),
        shell("relay", "probe", *probe),
        shell("relay", "probe", *probe, "--user", USER, "--password-stdin", "--json"),
        shell("relay", "probe", *probe, "--send", "a@example.net", "b@example.net"),
        shell("relay", "rotate", *probe, "--password-stdin"),
        shell("relay", "apply", *given, "--password-stdin", "--diff"),
        shell("relay", "apply", *given, "--password-stdin", "--json", stdin=NEW + "\nmore"),
        # Where a password does not belong.
        shell("relay", "apply", *given, "--password-file", "/dev/null"),
        shell("relay", "check", *at, "--tls", "nonsense"),
        (tmp_path / "report.html").read_text(),
        # Faults that nobody foresaw.
        *(shell("--crash", what, "relay", "apply", *given, "--password-stdin", stdin=OLD)
          for what in ("sendmailcf.files:_write_all", "sendmailcf.authinfo:items_of", "sendmailcf.mapdb.hash:build")),
        *(shell("--crash", what, "relay", "probe", *probe, "--user", "u", "--password-stdin")
          for what in ("sendmailcf.cli.probe:probe", "sendmailcf.cli.probe:lines")),
    ]  # fmt: skip
    assert sum("Traceback" in text for text in printed) >= 2, "the crashes are to be seen"
    for text in printed:
        assert found(text) == []
    given_away = shell.record.read_text()
    assert '"subprocess.Popen"' in given_away, "children are to be seen"
    assert found(given_away) == []
    for path in case.mail.iterdir():
        data = path.read_bytes()
        if OLD.encode() in data or base64.b64encode(OLD.encode()) in data or base64.b64encode(NEW.encode()) in data:
            assert stat.S_IMODE(path.stat().st_mode) & 0o027 == 0, path


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.link in SECRET and "five-lines" not in fault.bases], ids=lambda fault: fault.name)
def test_no_fault_makes_check_give_a_password_away(
    bases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: object
) -> None:
    from faults import ENTRY, PASSWORD, Fault

    from sendmailcf.cli import main

    assert isinstance(fault, Fault)
    copy_base(bases / fault.bases[0], tmp_path / "h")
    case = Case(tmp_path / "h", fault.bases[0], Random(1))
    fault.do(case)
    main(["relay", "check", "--root", str(case.root), "--host", HOST, "--html", str(tmp_path / "r.html")])
    printed = capsys.readouterr()
    text = printed.out + printed.err + (tmp_path / "r.html").read_text()
    assert ENTRY not in text
    for form in forms(PASSWORD):
        assert form not in text
