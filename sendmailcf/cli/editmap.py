"""`sendmailcf editmap`: looks one key of a map database up, sets it, or removes it, as editmap does.

The one thing to know: a key is set in place, under the locks that sendmail takes; the messages, exit statuses and
checks are those of sendmail's editmap.
"""

from __future__ import annotations

import os
import sys

from ..errors import MapError, SendmailCfError
from .mapfile import (
    CF,
    EX_CANTCREAT,
    EX_IOERR,
    EX_UNAVAILABLE,
    EX_USAGE,
    Options,
    StopError,
    attempt,
    complain,
    edit,
    error_text,
    looked_up,
    read_cf,
    types_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Sequence, Set

USAGE = b'Usage: editmap [-C cffile] [-N] [-f] [-q|-u|-x] maptype mapname key [ "value ..." ]'

HELP = """usage: sendmailcf editmap [-C file] [-N] [-f] -q|-u|-x TYPE MAP KEY [VALUE]

Look a key of a map database up, set it or remove it, in place, as sendmail's editmap does.

  -q  print the value         -f  do not fold the key to lower case
  -u  set the value           -N  a NUL ends key and value
  -x  remove the key          -C  the sendmail.cf that names TrustedUser
"""


def main(arguments: Sequence[str]) -> int:
    """Run editmap; its exit status: 0, or one of sysexits.h (64, 66, 69, 73, 74)."""
    try:
        return _run(arguments)
    except StopError as stop:
        if stop.message:
            complain(stop.message)
        return stop.status


def _run(arguments: Sequence[str]) -> int:
    options = Options(b"editmap", arguments, b"C:fquxN", {b"help": False}, USAGE)
    cf, work, flags = CF, [], set()  # type: bytes, List[bytes], Set[bytes]
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
    owner = trusted if os.geteuid() == 0 else 0
    types = types_of(b"editmap", words[0], words[1])
    try:
        if work == [b"q"]:
            return _query(types, words, key, end, owner)
        return _change(types, words, key, end, owner, words[3] + end if work == [b"u"] else None)
    except MapError as error:
        raise StopError(EX_IOERR, b"editmap: %s: %s" % (words[1], error_text(error))) from None
    except (OSError, SendmailCfError) as error:
        text = b"editmap: error opening type %s map %s: %s" % (words[0], words[1], error_text(error))
        raise StopError(EX_CANTCREAT, text) from None
