"""`sendmailcf praliases`: prints alias databases, as praliases does.

The one thing to know: whatever a database is like, the exit status is 0; only the options and the sendmail.cf can
be wrong.  Keys are looked up as they stand, without and then with a NUL at their end.
"""

from __future__ import annotations

import sys

from ..errors import MapError, SendmailCfError
from .mapfile import IMPLICIT, Opened, attempt, path_of, prepare, print_source
from .program import CF, Options, cf_lines, complain, error_text, status_of, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Sequence

USAGE = b"usage: praliases [-C cffile] [-f aliasfile] [key ...]"
_BLANKS = b" \t\n\v\f\r"

HELP = """usage: sendmailcf praliases [-C file] [-f [TYPE:]ALIASES] [KEY …]

Print the entries of alias databases, or those of the keys, as sendmail's praliases does.

  -f  this database, without .db; else those that AliasFile names in the sendmail.cf
  -C  the sendmail.cf
"""


def main(arguments: Sequence[str]) -> int:
    """Run praliases; its exit status: 0, or 64 or 66 of sysexits.h."""
    return status_of(_run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = Options(b"praliases", arguments, b"C:f:", {b"help": False}, USAGE)
    cf, given = CF, None
    for flag, value in options:
        if flag == b"help":
            print(HELP, end="")
            return 0
        if flag == b"C":
            cf = value
        else:
            given = value
    for one in _configured(cf) if given is None else [given]:
        _print(one, options.operands)
    return 0


def _configured(cf: bytes) -> Iterator[bytes]:
    """Each database that a sendmail.cf names."""
    for line in cf_lines(b"praliases", cf):
        value = value_of(line, b"AliasFile")
        if value is None and line[:2] == b"OA":
            value = line[2:]
        if value is not None:
            yield from specifications(value)


def specifications(value: bytes) -> Iterator[bytes]:
    """What the value of AliasFile is cut into: at commas, but not between quotes that begin after the first of
    blank, comma and slash."""
    value = value.lstrip(_BLANKS)
    while value:
        end = min((at for at in map(value.find, (b" ", b",", b"/")) if at >= 0), default=len(value))
        quoted = False
        while end < len(value) and (quoted or value[end : end + 1] != b","):
            quoted ^= value[end : end + 1] == b'"'
            end += 1
        yield value[:end].rstrip(_BLANKS) if end < len(value) else value
        value = value[end + 1 :].lstrip(_BLANKS)


def _print(given: bytes, keys: List[bytes]) -> None:
    """Print one database, given as `type:name` or as a name, or the entries of these keys."""
    kind, colon, name = given.partition(b":")
    if not colon:
        kind, name = b"", given
    name = name.lstrip(_BLANKS)
    while name.startswith(b"-"):  # the arguments of a K line
        end = min((at for at in map(name.find, map(bytes, zip(_BLANKS))) if at >= 0), default=len(name))
        name = name[end:].lstrip(_BLANKS)
    if kind and kind not in (b"hash", b"btree"):
        complain(b"praliases: Skipping non-file based alias type " + kind)
        return
    if not name or (colon and not kind):
        complain(b"praliases: illegal alias specification: " + given)
        return

    def look(one: str) -> None:
        path = path_of(name, one)
        prepare(path, write=False, links=True, regular=False)
        with Opened(path, one) as opened:
            _entries(opened, keys)

    try:
        attempt((kind.decode(),) if kind else IMPLICIT, look)
    except MapError as error:
        complain(b"praliases: %s: get value at cursor: %s" % (name, error_text(error)))
    except BrokenPipeError:
        raise  # nobody reads what is printed any more
    except (OSError, SendmailCfError) as error:
        complain(b"praliases: %s: open: %s" % (name, error_text(error)))


def _entries(opened: Opened, keys: List[bytes]) -> None:
    out = sys.stdout.buffer
    if not keys:
        print_source(opened, b":")
    for key in keys:
        found = opened.map.get(key)
        if found is None:
            found = opened.map.get(key + b"\0")
        out.write(key + (b": No such key" if found is None else b":" + found.partition(b"\0")[0]) + b"\n")
