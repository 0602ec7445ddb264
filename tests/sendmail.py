"""The real sendmail in test mode, and stock configurations: what several oracle tests share.

The one thing to know: with an unqualified host name sendmail sleeps for a minute, so it runs under a name of
its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import List, Sequence

NAME = "client.example.net"


def test_mode(sendmail: str, cf: Path, commands: Sequence[str], *, cwd: Path | None = None) -> List[str]:
    """What `sendmail -bt` prints for each command, a text a command."""
    text = "".join(command + "\n" for command in commands)
    done = subprocess.run(
        ["unshare", "-u", "-n", "sh", "-c", f'hostname {NAME}; exec "$0" -bt -v -C "$1"', sendmail, str(cf)],
        input=text.encode("utf-8", "surrogateescape"), capture_output=True, cwd=cwd, timeout=120, check=False,
    )  # fmt: skip
    printed = done.stdout.decode("utf-8", "surrogateescape")
    # With -v each prompt is followed by its command.
    return re.split(r"^> ", printed, flags=re.MULTILINE)[1 : len(commands) + 1]


test_mode.__test__ = False  # type: ignore[attr-defined]


def returned(block: str) -> str:
    """What the last ruleset of a test-mode command returned."""
    found = re.findall(r"^\S+ +returns: ?(.*)$", block, re.MULTILINE)
    return found[-1].strip() if found else "nothing"


def make_cf(shared: Path, *arguments: str) -> bytes:
    """A stock sendmail.cf, from m4 and the installed package sendmail-cf."""
    command = [sys.executable, str(shared / "e2e" / "make_cf.py"), *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
