"""`relay apply` killed by a real signal at each system call that changes anything: strace injects it.

The one thing to know: each kind of call has its own counter, from the start of the process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from hosts import HOST, PASSWORD, contents, make_host
from test_crash import gives_away

pytestmark = pytest.mark.oracle

#: strace counts each of them by itself.
CHANGING = ("write", "fsync", "fchmod", "rename", "unlink", "utimensat", "flock", "fcntl")


def apply(root: Path, *before: str) -> int:
    """`relay apply` in a process of its own; its exit status, negative for a signal."""
    command = [*before, sys.executable, "-m", "sendmailcf", "relay", "apply", "--root", str(root), "--host", HOST,
               "--user", "me", "--password-stdin", "--platform", "linux"]  # fmt: skip
    done = subprocess.run(
        command,
        input=PASSWORD.encode(),
        capture_output=True,
        check=False,
        cwd="/",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert PASSWORD.encode() not in done.stdout + done.stderr
    return done.returncode


@pytest.mark.parametrize("shape", ["map", "recipe"])
def test_killed_at_every_changing_system_call(
    program: Callable[[str], str], tmp_path: Path, shape: str
) -> None:
    strace = program("strace")
    old = contents(make_host(tmp_path / "old", shape))
    done = make_host(tmp_path / "done", shape)
    assert apply(tmp_path / "done") == 0
    new = contents(done)
    killed = 0
    for call in CHANGING:
        for point in range(1, 200):
            root = tmp_path / f"{call}{point}"
            mail = make_host(root, shape)
            inject = f"inject={call}:signal=SIGKILL:when={point}"
            if apply(root, strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject) == 0:
                break
            killed += 1
            for name, data in contents(mail).items():
                if not name.startswith("."):
                    assert name == "sendmail.cf" or data in (old.get(name), new.get(name)), (
                        call,
                        point,
                        name,
                    )
            assert not gives_away(root), (call, point)
            assert apply(root) == 0, (call, point)
            assert contents(mail) == new, (call, point)
    assert killed >= 15
