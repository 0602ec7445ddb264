"""Where the command line gets passwords from: standard input, a file, an environment variable, a command.

The one thing to know: never from an argument, which every user of the host could read; and no message quotes what was
read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Collection

from .. import files
from ..errors import PlanError
from ..relay.intent import Secret
from ..text import decode

#: How long a command may take to print a password, seconds.
SECONDS = 60


def from_stdin() -> str:
    """The password on standard input.  Raises PlanError if it is not one line."""
    return _one_line(sys.stdin.buffer.read(), "standard input")


def from_file(path: str) -> str:
    """The password in a file.  Raises OSError, and PlanError if it is not one line."""
    return _one_line(files.read(path), path)


def fetch(secret: Secret, hidden: Collection[str] = ()) -> str:
    """The password that a `relay.toml` names.  hidden: environment variables that a command must not see.

    Raises OSError, and PlanError, which says where, and never what.
    """
    if secret.kind == "file":
        return from_file(secret.words[0])
    if secret.kind == "env":
        value = os.environ.get(secret.words[0])
        if value is None:
            raise PlanError(f"there is no environment variable {secret.words[0]}")
        return _one_line(os.fsencode(value), f"environment variable {secret.words[0]}")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    name = secret.words[0]
    try:
        done = subprocess.run(
            secret.words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise PlanError(f"{name}: no password within {SECONDS} seconds") from None
    if done.returncode != 0:
        raise PlanError(f"{name}: exit status {done.returncode}, so no password")
    return _one_line(done.stdout, f"the output of {name}")


def _one_line(data: bytes, where: str) -> str:
    for eol in (b"\r\n", b"\n"):
        if data.endswith(eol):
            data = data[: -len(eol)]
            break
    if not data:
        raise PlanError(f"{where}: the password is empty")
    if b"\n" in data:
        raise PlanError(f"{where}: more than one line; the password must stand alone on the first")
    return decode(data)
