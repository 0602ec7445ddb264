"""`relay apply` killed by a real signal at each system call that changes anything: strace injects it.

The one thing to know: the counter runs from the start of the process, so the first points change nothing yet.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
from hosts import HOST, PASSWORD, contents, make_host
from test_crash import gives_away

pytestmark = pytest.mark.oracle

CHANGING = "write,pwrite64,fsync,fchmod,fchown,rename,renameat,unlink,unlinkat,utimensat,flock,ftruncate,setxattr,fsetxattr"


def apply(root: Path, *before: str) -> int:
    """`relay apply` in a process of its own; its exit status, negative for a signal."""
    command = [*before, sys.executable, "-m", "sendmailcf", "relay", "apply", "--root", str(root), "--host", HOST,
               "--user", "me", "--password-stdin", "--platform", "linux"]  # fmt: skip
    done = subprocess.run(command, input=PASSWORD.encode(), capture_output=True, check=False, cwd="/")
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
    point = killed = 0
    while True:
        point += 1
        root = tmp_path / f"at{point}"
        mail = make_host(root, shape)
        inject = f"inject={CHANGING}:signal=SIGKILL:when={point}"
        status = apply(root, strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CHANGING}", "-e", inject)
        if status == 0:
            break
        killed += 1
        for name, data in contents(mail).items():
            if not name.startswith("."):
                assert name == "sendmail.cf" or data in (old.get(name), new.get(name)), (point, name)
        assert not gives_away(root), point
        assert apply(root) == 0, point
        assert contents(mail) == new, point
    assert killed >= 15
