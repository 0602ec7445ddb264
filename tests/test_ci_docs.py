"""The examples of docs/ci.md: each command is run as it stands there, on files that are right and on files that are not.

The one thing to know: a command is taken from the page, so an option that goes makes this fail.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from conftest import ROOT
from lintcases import HEAD, TAIL

PAGE = (ROOT / "docs" / "ci.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"sendmailcf check [^'`|\n]*[^'`|\n ]", "\n".join(re.findall(r"```\w*\n(.*?)```", PAGE, re.DOTALL)))))


def run(command: str, directory: Path) -> int:
    words = [sys.executable, "-m", "sendmailcf", *command.split()[1:]]
    done = subprocess.run(words, cwd=directory, capture_output=True, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert b"usage:" not in done.stderr, done.stderr
    assert b"Traceback" not in done.stderr
    return done.returncode


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_command(command: str, tmp_path: Path) -> None:
    # Where no sendmail is installed there is none to ask.
    command = command.replace(" --probe", "")
    mail = tmp_path / "mail"
    mail.mkdir()
    authinfo = "--as authinfo" in command
    good = b'AuthInfo:relay.example "U:u" "P:invented"\n' if authinfo else HEAD + TAIL
    bad = b"AuthInfo:relay.example U:u P:invented\n" if authinfo else HEAD + b"Zfoo\n" + TAIL
    path = mail / ("authinfo" if authinfo else "sendmail.cf")
    # Ansible passes a name that says nothing.
    filled = command.replace("%s", f"mail/{path.name}")
    found: List[int] = []
    for data in (good, bad):
        path.write_bytes(data)
        found.append(run(filled, tmp_path))
    fails = "--exit-zero" not in command and "--write-baseline" not in command
    assert found == [0, int(fails)]
    for name in re.findall(r"(?:-o|--write-baseline) (\S+)", command):
        assert (tmp_path / name).stat().st_size > 0
