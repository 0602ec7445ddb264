"""`sendmailcf makemap`: builds a map database from a source on standard input, as makemap does.

The one thing to know: flags, messages, exit statuses and file modes are makemap's, but the old database stays
whole until the new one is: it is replaced, not truncated.  Neither lark, attrs nor argparse is imported here, so
that it starts as fast as Python does.
"""

from __future__ import annotations

import getopt
import os
import stat
import sys

from .. import files, mapdb
from ..errors import MapError, SendmailCfError
from ..makemap import EX_DATAERR, Rules, build, duplicate, parse
from ..mapdb.hash import VERSION, Builder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional, Sequence

EX_USAGE, EX_NOINPUT, EX_CANTCREAT, EX_IOERR = 64, 66, 73, 74
_CF = "/etc/mail/sendmail.cf"
_FLAGS = "C:D:LNc:defi:lorst:uvx"
_WORDS = ["byte-order=", "help"]
_READ = 1 << 20

HELP = """usage: sendmailcf makemap [-efrsuvN] [-C file] [-D c] [-t c] [--byte-order big|little] hash MAP < SOURCE

Build the database MAP.db from lines of keys and values, as sendmail's makemap does; the old one stays whole until
the new one is, and a running sendmail takes the new one at its next lookup.

  -e  a key may have no value             -N  a NUL ends keys and values
  -f  do not fold keys to lower case      -r  of two values for a key the last one counts
  -s  no checks of links and directories  -u  print the database as a source
  -v  print each pair                     -t  the character between key and value
  -D  the comment character               -C  the sendmail.cf that names TrustedUser
  --byte-order  of a new file: default this machine's; of an existing one: as it is
"""

#: makemap's own words, as everything that it prints.
USAGE = """Usage: makemap [-C cffile] [-N] [-c cachesize] [-D commentchar]
               [-d] [-e] [-f] [-i type] [-l] [-o] [-r] [-s] [-t delimiter]
               [-u] [-v] type mapname"""


class _StopError(Exception):
    """Ends the run with a message and an exit status."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status


def main(arguments: Sequence[str]) -> int:
    """Run makemap; its exit status: 0, or one of sysexits.h (64, 65, 66, 73, 74)."""
    try:
        return _run(arguments)
    except _StopError as stop:
        if str(stop):
            print(str(stop), file=sys.stderr)
        return stop.status


def _run(arguments: Sequence[str]) -> int:
    try:
        options, words = getopt.getopt(list(arguments), _FLAGS, _WORDS)
    except getopt.GetoptError as error:
        what = "option requires an argument" if "requires" in error.msg else "invalid option"
        named = f"{what} -- '{error.opt}'" if len(error.opt) == 1 else error.msg
        raise _StopError(EX_USAGE, f"makemap: {named}\n{USAGE}") from None
    flags: Dict[str, str] = {}
    for flag, value in options:
        if flag in ("-l", "-L", "-x"):
            return _list_types(flag)
        flags[flag] = value
    if "--help" in flags:
        print(HELP, end="")
        return 0
    if len(words) != 2:
        raise _StopError(EX_USAGE, USAGE)
    kind, name = words
    for flag in ("-d", "-o", "-i"):
        if flag in flags:
            raise _StopError(
                EX_USAGE, f"makemap: {flag} is not supported by sendmailcf yet: use sendmail's makemap"
            )
    trusted = _trusted_user(flags.get("-C", _CF)) if os.geteuid() == 0 else None
    if kind not in ("hash", "implicit"):
        raise _StopError(EX_CANTCREAT, f"makemap: error opening type {kind} map {name}: {_why_not(kind)}")
    path = name if name.endswith(".db") else name + ".db"
    if "-u" in flags:
        return _unmake(kind, name, path, flags)
    return _make(kind, name, path, flags, trusted)


def _list_types(flag: str) -> int:
    for one in ["hash", "implicit"] if flag != "-x" else ["hash:db", "implicit:"]:
        print(one)
    return 0


def _why_not(kind: str) -> str:
    if kind in ("btree", "dbm", "cdb", "cf", "CF"):
        return "not supported by sendmailcf yet"
    return "Unknown database type"


def _one(text: Optional[str]) -> Optional[bytes]:
    """The first byte of a flag's argument."""
    return os.fsencode(text)[:1] if text else None


def _trusted_user(cf: str) -> Optional[int]:
    try:
        with open(cf, "rb") as file:
            data = file.read()
    except OSError as error:
        raise _StopError(EX_NOINPUT, f"makemap: {cf}: {error.strerror}") from None
    for line in data.split(b"\n"):
        if line[:2] != b"O " or line[2:13].lower() != b"trusteduser":
            continue
        value = line[13:].lstrip(b" ")
        if value[:1] != b"=":
            continue
        name = value[1:].strip(b" \t\r").decode("utf-8", "surrogateescape")
        if name.isascii() and name.isdecimal():
            return int(name)
        import pwd

        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            print(f"TrustedUser: unknown user {name}", file=sys.stderr)
    return None


# The checks that makemap makes before it opens a map.


def _refuse(kind: str, name: str, text: str) -> _StopError:
    return _StopError(EX_CANTCREAT, f"makemap: error opening type {kind} map {name}: {text}")


def _check(kind: str, name: str, path: str, flags: Dict[str, str], trusted: Optional[int]) -> bool:
    """Whether the file exists.  Raises _StopError where makemap would refuse it."""
    if "-s" not in flags:
        # makemap looks twice, but only once for a map that it should read and that is not there.
        _warn_of_directories(path, 1 if "-u" in flags and not os.path.lexists(path) else 2)
    try:
        found = os.lstat(path) if "-s" not in flags else os.stat(path)
    except FileNotFoundError:
        if "-u" in flags:
            return False
        directory = os.path.dirname(path) or "."
        try:
            owner = os.stat(directory)
        except OSError as error:
            raise _refuse(kind, name, str(error.strerror)) from None
        foreign = owner.st_uid not in (os.geteuid(), 0, trusted) and not owner.st_mode & 0o002
        if foreign or not os.access(directory, os.W_OK):
            raise _refuse(kind, name, "Permission denied") from None
        return False
    except OSError as error:
        raise _refuse(kind, name, str(error.strerror)) from None
    if stat.S_ISLNK(found.st_mode):
        raise _refuse(kind, name, "Symbolic links not allowed")
    if not stat.S_ISREG(found.st_mode):
        raise _refuse(kind, name, "Regular files only")
    if found.st_nlink != 1 and "-s" not in flags:
        raise _refuse(kind, name, "Hard links not allowed")
    if "-u" not in flags:
        if found.st_mode & 0o111:
            raise _refuse(kind, name, "Executable files not allowed")
        # Even root is held to the bits of its class: the owner's, the group's or everybody's.
        own = found.st_uid in (os.geteuid(), 0, trusted)
        if not (found.st_mode & 0o200 if own else _writable(found)) or not os.access(path, os.W_OK):
            raise _refuse(kind, name, "Permission denied")
    return True


def _writable(found: os.stat_result) -> bool:
    in_group = found.st_gid in (os.getegid(), *os.getgroups())
    return bool(found.st_mode & (0o020 if in_group else 0o002))


def _warn_of_directories(path: str, times: int) -> None:
    """makemap, run by root, warns of writable directories."""
    if os.geteuid() != 0:
        return
    directory = os.path.dirname(path)
    if not directory:
        places = ["."]
    else:
        parts = directory.split("/")
        places = ["/".join(parts[: end + 1]) or "/" for end in range(len(parts))]
    for place in places:
        try:
            mode = os.stat(place).st_mode
        except OSError:
            return
        if mode & 0o022:
            who = "World" if mode & 0o002 else "Group"
            for _ in range(times):
                print(f"WARNING: {who} writable directory {place}", file=sys.stderr)


# Building and printing.


def _byteorder(path: str, asked: Optional[str]) -> str:
    """What was asked for, else that of the existing file, else this machine's.  Raises _StopError."""
    if asked is not None:
        if asked not in ("big", "little"):
            raise _StopError(EX_USAGE, f"makemap: --byte-order {asked}: it is big or little")
        return asked
    try:
        held = mapdb.open(path)
    except (OSError, MapError, ValueError):
        return sys.byteorder  # no database worth keeping the kind of
    if held.info.version != VERSION:
        print(f"makemap: {path}: version {held.info.version} becomes {VERSION}", file=sys.stderr)
    return held.info.byteorder


def _chunks() -> Iterator[bytes]:
    read = sys.stdin.buffer.raw.read if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer.read
    while True:
        data = read(_READ)
        if not data:
            return
        yield data


def _make(kind: str, name: str, path: str, flags: Dict[str, str], trusted: Optional[int]) -> int:
    _check(kind, name, path, flags, trusted)
    byteorder = _byteorder(path, flags.get("--byte-order"))
    if "-t" in flags and not flags["-t"]:
        print("Invalid separator", file=sys.stderr)
    rules = Rules(
        fold="-f" not in flags,
        null="-N" in flags,
        separator=_one(flags.get("-t")),
        comment=(_one(flags["-D"]) or b"") if "-D" in flags else b"#",
        allow_empty="-e" in flags,
        replace="-r" in flags,
    )
    builder = Builder(byteorder, replace=rules.replace)
    import gc

    gc.disable()  # nothing made here is circular, and the collector would look at millions of objects
    try:
        if "-v" in flags:
            problems = []
            for keys, values, lines, found in parse(_chunks(), rules):
                problems += found
                builder.add(keys, values, lines)
                _print_pairs(keys, values)
        else:
            problems = build(_chunks(), rules, builder)
        umask = os.umask(0)
        os.umask(umask)
        target = os.path.realpath(path) if "-s" in flags else path
        files.replace(target, builder.write, new_mode=0o640 & ~umask, is_map=True, owner=trusted)
    except OSError as error:
        raise _StopError(EX_IOERR, f"makemap: {name}: {error.strerror or error}") from None
    except SendmailCfError as error:
        raise _refuse(kind, name, str(error)) from None
    finally:
        gc.enable()
    problems += [duplicate(line, key) for line, key in builder.duplicates]
    problems.sort(key=lambda problem: problem.line)
    for problem in problems:
        _print_raw(sys.stderr, f"makemap: {name}: {problem.message}\n")
    return EX_DATAERR if problems else 0


def _print_pairs(keys: List[bytes], values: List[bytes]) -> None:
    out = sys.stdout.buffer
    for key, value in zip(keys, values):
        out.write(b"key=`%s', val=`%s'\n" % (key.partition(b"\0")[0], value.partition(b"\0")[0]))


def _print_raw(stream: object, text: str) -> None:
    stream.buffer.write(text.encode("utf-8", "surrogateescape"))  # type: ignore[attr-defined]
    stream.buffer.flush()  # type: ignore[attr-defined]


def _unmake(kind: str, name: str, path: str, flags: Dict[str, str]) -> int:
    separator = _one(flags.get("-t")) or b"\t"
    if not _check(kind, name, path, flags, None):
        raise _refuse(kind, name, "No such file or directory")
    out = sys.stdout.buffer
    try:
        for key, value in mapdb.open(path).pairs():
            out.write(b"%s%s%s\n" % (key.partition(b"\0")[0], separator, value.partition(b"\0")[0]))
    except MapError as error:
        print(f"makemap: {path}: {error}", file=sys.stderr)
        raise _refuse(kind, name, "Invalid argument") from None
    except OSError as error:
        raise _refuse(kind, name, str(error.strerror)) from None
    return 0
