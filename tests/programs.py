"""The programs on map databases, real and ours, run in the same way: arguments and input in, what came out.

The one thing to know: ours run in a fork of the test's own process, which costs three milliseconds instead of a
hundred; so a thousand random runs are affordable, and another user's need not be able to read this checkout.
"""

from __future__ import annotations

import grp
import mmap
import os
import pwd
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Union

from sendmailcf import mapdb
from sendmailcf.cli import editmap, main, makemap, praliases

#: Whatever a fork may need after it has given up its rights.
LOADED = (editmap, makemap, praliases, grp, mmap, *(mapdb.FORMATS[name] for name in ("hash", "btree")))


class Done(NamedTuple):
    """What a run gave: its exit status, standard output and standard error."""

    exit: int
    out: bytes
    err: bytes


Words = Sequence[Union[str, bytes]]


def give_up(user: str) -> None:
    """Become another user for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def real(
    program: str,
    argv: Words,
    stdin: bytes = b"",
    *,
    cwd: Path,
    user: Optional[str] = None,
    umask: int = 0o022,
) -> Done:
    """Run an installed program.  argv: its own name, as it will call itself, and its arguments."""

    def before() -> None:
        os.umask(umask)
        if user is not None:
            give_up(user)

    done = subprocess.run(
        list(argv), executable=program, cwd=cwd, input=stdin, capture_output=True, preexec_fn=before, check=False,
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}, timeout=60,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, done.stderr)


def ours(
    argv: Words, stdin: bytes = b"", *, cwd: Path, user: Optional[str] = None, umask: int = 0o022
) -> Done:
    """Run a command of ours.  argv: the command and its arguments."""
    words = [os.fsdecode(word) for word in argv]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        child = os.fork()
        if child == 0:
            status = 99
            try:
                for at, file in enumerate((given, out, err)):
                    os.dup2(file.fileno(), at)
                sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")
                os.chdir(cwd)
                os.umask(umask)
                if user is not None:
                    give_up(user)
                status = main(words)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)
        _, code = os.waitpid(child, 0)
        found: List[bytes] = []
        for file in (out, err):
            file.seek(0)
            found.append(file.read())
        return Done(os.waitstatus_to_exitcode(code), *found)
