"""The sendmail that is installed here: its release and compile flags.

The one thing to know: where the host name has no dot sendmail sleeps for a minute, but it has told what it is before
that; so it is read until it has, and then ended.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import time
from typing import FrozenSet, List, Optional, Tuple

from ..errors import SettingsError
from ..lint.settings import VERSIONS

#: Where sendmail is, where PATH does not say; AIX and Solaris have it in /usr/lib.
_PLACES = "/usr/sbin:/usr/lib:/usr/libexec/sendmail:/usr/lib/sm.bin:/opt/sendmail/sbin"
#: Seconds for all of it, and those after which a program that has begun to tell has told all.
_PATIENCE, _SILENCE = 10.0, 0.5
_SECTIONS = ("Compiled with", "OS Defines", "libsm Defines", "FFR Defines")


def probe(program: Optional[str] = None) -> Tuple[str, FrozenSet[str]]:
    """The release, as one of VERSIONS, and the compile flags.

    program: a path; None for the sendmail of this system.  Raises SettingsError where it cannot be told.
    """
    found = program or shutil.which("sendmail", path=os.environ.get("PATH", "") + ":" + _PLACES)
    if not found:
        raise SettingsError("there is no sendmail in PATH or the usual places: name it with --sendmail")
    return read(_told(found), found)


def read(told: str, program: str) -> Tuple[str, FrozenSet[str]]:
    """What the words of `sendmail -d0.14` say.  Raises SettingsError where they are another program's."""
    version = re.search(r"^Version ([0-9]+)\.([0-9]+)", told, re.MULTILINE)
    if version is None:
        raise SettingsError(f"{program} does not tell its version as sendmail does")
    flags: List[str] = []
    for name in _SECTIONS:
        section = re.search(rf"^ *{name}:((?:.*\n\t+)*.*)$", told, re.MULTILINE)
        flags += section.group(1).split() if section else []
    release = int(version.group(1)), int(version.group(2))
    known = [tuple(map(int, one.split("."))) for one in VERSIONS]
    at = max((at for at, one in enumerate(known) if one <= release), default=0)
    return VERSIONS[at], frozenset(flags)


def _told(program: str) -> str:
    command = [program, "-d0.14", "-bt", "-C", os.devnull]
    try:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise SettingsError(f"{program}: {error.strerror}") from None
    out = b""
    end = time.monotonic() + _PATIENCE
    with child:
        assert child.stdout is not None  # noqa: S101  (there is a pipe)
        fd = child.stdout.fileno()
        while time.monotonic() < end:
            ready = select.select([fd], [], [], _SILENCE if out else end - time.monotonic())[0]
            data = os.read(fd, 65536) if ready else b""
            if not data:
                break
            out += data
        child.kill()
    return out.decode("utf-8", "replace")
