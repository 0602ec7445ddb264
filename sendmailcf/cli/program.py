"""What the commands share that are called in the stead of sendmail's own programs: their options, their words on
standard error, and what they read in a sendmail.cf.

The one thing to know: all is bytes, for an argument may hold any, and a message must come out as the real program's.
Facts from makemap.c, editmap.c and praliases.c of sendmail 8.17.1, and from running them.
"""

from __future__ import annotations

import os
import sys

from .. import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, List, Mapping, Optional, Sequence, Tuple

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_SOFTWARE = 64, 65, 66, 69, 70
EX_CANTCREAT, EX_IOERR = 73, 74
CF = b"/etc/mail/sendmail.cf"
_BLANKS = b" \t\n\v\f\r"
#: A line of a sendmail.cf as these programs read it: more is the next line.
_CF_LINE = 2047


class StopError(Exception):
    """Ends the run: an exit status of sysexits.h, and a message of bytes without its line feed, or none."""

    def __init__(self, status: int, message: bytes = b"") -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


def status_of(run: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """The exit status of a run; where a StopError ends it, its status, with its message on standard error."""
    try:
        return run(arguments)
    except StopError as stop:
        if stop.message:
            complain(stop.message)
        return stop.status


def complain(message: bytes) -> None:
    """Print a line on standard error: bytes, for a name may hold any."""
    sys.stdout.flush()
    sys.stderr.flush()
    sys.stderr.buffer.write(message + b"\n")
    sys.stderr.buffer.flush()


class Options:
    """The arguments of a program, read as getopt of glibc reads them: options may come after the operands.

    Iteration gives each option and its argument as it comes; `operands` is complete after that.  flags: as of
    getopt, a colon after those that take an argument.  words: our own long options, and whether they take one.
    Raises StopError for one that is not there.
    """

    def __init__(
        self,
        program: bytes,
        arguments: Sequence[str],
        flags: bytes,
        words: Mapping[bytes, bool],
        usage: bytes,
    ) -> None:
        self._arguments = [os.fsencode(one) for one in arguments]
        self._program, self._flags, self._words, self._usage = program, flags, words, usage
        self.operands: List[bytes] = []

    def __iter__(self) -> Iterator[Tuple[bytes, bytes]]:
        rest = self._arguments[::-1]
        while rest:
            one = rest.pop()
            if one == b"--":
                break
            if one.startswith(b"--") and one[2:].partition(b"=")[0] in self._words:
                yield self._word(one[2:], rest)
            elif one.startswith(b"-") and one != b"-":
                yield from self._cluster(one[1:], rest)
            else:
                self.operands.append(one)
                if "POSIXLY_CORRECT" in os.environ:
                    break
        self.operands += rest[::-1]

    def _word(self, one: bytes, rest: List[bytes]) -> Tuple[bytes, bytes]:
        name, equals, value = one.partition(b"=")
        if bool(equals) and not self._words[name]:
            raise self._bad(b"option '--%s' doesn't allow an argument" % name)
        if self._words[name] and not equals:
            if not rest:
                raise self._bad(b"option '--%s' requires an argument" % name)
            value = rest.pop()
        return name, value

    def _cluster(self, letters: bytes, rest: List[bytes]) -> Iterator[Tuple[bytes, bytes]]:
        for at in range(len(letters)):
            letter = letters[at : at + 1]
            place = self._flags.find(letter)
            if place < 0 or letter == b":":
                raise self._bad(b"invalid option -- '%s'" % letter)
            if self._flags[place + 1 : place + 2] != b":":
                yield letter, b""
                continue
            value = letters[at + 1 :]
            if not value:
                if not rest:
                    raise self._bad(b"option requires an argument -- '%s'" % letter)
                value = rest.pop()
            yield letter, value
            return

    def _bad(self, what: bytes) -> StopError:
        return StopError(EX_USAGE, b"%s: %s\n%s" % (self._program, what, self._usage))


# The sendmail.cf.


def cf_lines(program: bytes, cf: bytes) -> Iterator[bytes]:
    """The physical lines of a sendmail.cf as these programs see them.  Raises StopError where it cannot be read."""
    try:
        with open(cf, "rb") as file:
            data = file.read()
    except IsADirectoryError:
        data = b""  # which these programs open without complaint
    except OSError as error:
        raise StopError(EX_NOINPUT, b"%s: %s: %s" % (program, cf, error_text(error))) from None
    for line in data.split(b"\n"):
        for at in range(0, len(line) or 1, _CF_LINE):
            yield line[at : at + _CF_LINE].partition(b"\0")[0]


def error_text(error: Exception) -> bytes:
    """What the programs say of an error."""
    if isinstance(error, files.BusyError):
        return b"File changed after open"
    return os.fsencode(error.strerror or str(error) if isinstance(error, OSError) else str(error))


def value_of(line: bytes, option: bytes) -> Optional[bytes]:
    """What an `O` line sets an option to, by its long name; None where it sets none, or another one."""
    name = b"O " + option
    after = line[len(name) : len(name) + 1]
    if line[: len(name)].lower() != name.lower() or (after.isalnum() and after.isascii()) or b"=" not in line:
        return None
    return line.partition(b"=")[2].lstrip(_BLANKS)


def read_cf(program: bytes, cf: bytes, name: bytes = b"", *, whole: bool = False) -> Tuple[int, bytes]:
    """The number of the TrustedUser of a sendmail.cf (0: none), and the class of the first map kept in `name`.

    whole: compare whole names, else only what follows the last slash: of `name` up to its first dot, of a `K` line up
    to its last.  The class is empty where there is no such map.  Only the last word of a `K` line is compared, and it
    is cut off by a space, not by a tab.  Raises StopError.
    """
    if not whole:
        name = name.rpartition(b"/")[2].partition(b".")[0]
    trusted, found = 0, b""
    for line in cf_lines(program, cf):
        if line.startswith(b"O"):
            user = value_of(line, b"TrustedUser")
            if user is not None:
                trusted = _user(user)
        elif line.startswith(b"K") and name and not found:
            kept = line.rstrip(_BLANKS)
            space = kept.rfind(b" ")
            at = kept.find(name, space) if space >= 0 else -1
            if at <= 0:
                continue
            word = kept[at:] if whole else _base(kept[at:])
            before = kept[at - 1 : at]
            if word != name or not (before in _BLANKS or (before == b"/" and not whole)):
                continue
            found = _class(kept)
            if not found:
                break
    return trusted, found


def _base(name: bytes) -> bytes:
    return name[: name.rfind(b".")] if b"." in name else name


def _class(line: bytes) -> bytes:
    """The class that a `K` line names."""
    rest = line[1:].lstrip(_BLANKS)
    end = 0
    while end < len(rest) and (_plain(rest[end : end + 1]) or (end and rest[end : end + 1] in b"_.")):
        end += 1
    if not end:
        return b""
    rest = rest[end + 1 :].lstrip(_BLANKS)
    end = 0
    while end < len(rest) and _plain(rest[end : end + 1]):
        end += 1
    return rest[:end]


def _plain(character: bytes) -> bool:
    return character.isalnum() and character.isascii()


def _user(name: bytes) -> int:
    digits = 0
    while digits < len(name) and name[digits : digits + 1] in b"0123456789":
        digits += 1
    if digits:
        return min(int(name[:digits]), (1 << 63) - 1) & 0xFFFFFFFF  # atoi, into 32 bits
    import pwd

    try:
        return pwd.getpwnam(os.fsdecode(name)).pw_uid
    except KeyError:
        complain(b"TrustedUser: unknown user " + name)
        return 0
