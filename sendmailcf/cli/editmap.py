"""`sendmailcf editmap`: looks one key of a map database up, sets it, or removes it, as editmap does.

The one thing to know: a key is set in place, under the locks that sendmail takes; the messages, exit statuses and
checks are those of sendmail's editmap.
"""

from __future__ import annotations

import os
import sys

from ..errors import MapError, SendmailCfError
from .mapfile import Opened, attempt, change, path_of, prepare, refused, types_of
from .program import (
    CF,
    EX_IOERR,
    EX_UNAVAILABLE,
    EX_USAGE,
    Options,
    StopError,
    complain,
    error_text,
    read_cf,
    status_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional, Sequence, Set

USAGE = b'Usage: editmap [-C cffile] [-N] [-f] [-q|-u|-x] maptype mapname key [ "value ..." ]'

HELP = """usage: sendmailcf editmap [-C file] [-N] [-f] -q|-u|-x TYPE MAP KEY [VALUE]

Look a key of a map database up, set it or remove it, in place, as sendmail's editmap does.

  -q  print the value         -f  do not fold the key to lower case
  -u  set the value           -N  a NUL ends key and value
  -x  remove the key          -C  the sendmail.cf that names TrustedUser
"""


def main(arguments: Sequence[str]) -> int:
    """Run editmap; its exit status: 0, or one of sysexits.h (64, 66, 69, 73, 74)."""
    return status_of(_run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = Options(b"editmap", arguments, b"C:fquxN", {b"help": False}, USAGE)
    cf = CF
    work: List[bytes] = []
    flags: Set[bytes] = set()
    for flag, value in options:
        if flag == b"help":
            print(HELP, end="")
            return 0
        if flag == b"C":
            cf = value
        elif flag in (b"q", b"u", b"x"):
            work.append(flag)
        else:
            flags.add(flag)
    words = options.operands
    if len(work) != 1 or (len(words) < 4 if work == [b"u"] else len(words) != 3):
        raise StopError(EX_USAGE, USAGE)
    key = words[2] if b"f" in flags else words[2].lower()
    end = b"\0" if b"N" in flags else b""
    trusted, _ = read_cf(b"editmap", cf)
    job = _Job(words, key + end, words[3] + end if work == [b"u"] else None, trusted)
    types = types_of(b"editmap", words[0], words[1])
    try:
        return attempt(types, job.query if work == [b"q"] else job.change)
    except (OSError, SendmailCfError) as error:
        raise refused(b"editmap", words[0], words[1], error) from None


class _Job:
    """One key of one map.  value: what to set it to; None to remove it."""

    def __init__(self, words: List[bytes], key: bytes, value: Optional[bytes], trusted: int) -> None:
        self._name, self._key, self._value, self._trusted = words[1], key, value, trusted
        self._owner = trusted if os.geteuid() == 0 else 0

    def query(self, kind: str) -> int:
        """Print the value of the key."""
        path = path_of(self._name, kind)
        prepare(path, write=False, trusted=self._trusted)
        with Opened(path, kind) as opened:
            if self._owner:
                os.fchown(opened.fd, self._owner, -1)  # editmap gives the file away even when it only reads
            value = opened.map.get(self._key)
        if value is None:
            return self._missing(b"couldn't find key %s in map %s", EX_UNAVAILABLE)
        sys.stdout.buffer.write(value.partition(b"\0")[0] + b"\n")
        return 0

    def change(self, kind: str) -> int:
        """Set the key, or remove it."""
        path = path_of(self._name, kind)
        prepare(path, write=True, create=True, trusted=self._trusted)
        try:
            done = change(path, kind, self._key, self._value, self._owner)
        except MapError as error:
            raise StopError(EX_IOERR, b"editmap: %s: %s" % (self._name, error_text(error))) from None
        if self._value is None and not done:
            return self._missing(b"key %s doesn't exist in map %s", 0)
        return 0

    def _missing(self, text: bytes, status: int) -> int:
        complain(b"editmap: " + text % (self._key.partition(b"\0")[0], self._name))
        return status
