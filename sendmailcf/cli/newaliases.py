"""`sendmailcf newaliases`: builds alias databases from their sources, as newaliases (`sendmail -bi`) does.

The one thing to know: whether keys and values end with a NUL hangs on the sendmail.cf: without a class in AliasFile
they do, with one (`hash:/etc/mail/aliases`) they do not, unless it has -N.  The record `@` tells that all is there.
"""

from __future__ import annotations

import os
import stat
import sys

from .. import aliases, files
from ..errors import SendmailCfError
from .mapfile import RefusedError, builder, head_of, new_mode, path_of, prepare, safe_directory
from .praliases import specifications
from .program import (
    CF,
    EX_SOFTWARE,
    EX_USAGE,
    Options,
    StopError,
    cf_lines,
    error_text,
    read_cf,
    status_of,
    value_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Sequence, Set, Tuple

USAGE = b"usage: newaliases [-C cffile] [-oAaliasfile] [-O AliasFile=aliasfile] [-v]"
HELP = """usage: sendmailcf newaliases [-C file] [-oAFILE] [-O AliasFile=FILE]

Build the databases of alias files, as sendmail's newaliases does.

  -C  the sendmail.cf: its AliasFile tells which, its TrustedUser to whom they belong
  -o, -O  these files instead; each may begin with a class: hash:/etc/mail/aliases
"""
_SEVEN_BITS = bytes(byte & 0x7F for byte in range(256))
#: Classes of maps that may hold aliases and are not built from a file.
_ELSEWHERE = {b"hesiod", b"ldap", b"netinfo", b"nis", b"nisplus", b"text", b"userdb"}


def main(arguments: Sequence[str]) -> int:
    """Run newaliases; its exit status: 0, also where a source is not there, or 64, 66 or 70 of sysexits.h."""
    return status_of(_run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = Options(b"newaliases", arguments, b"C:o:O:v", {b"help": False}, USAGE)
    cf, given = CF, []
    for flag, value in options:
        if flag == b"help":
            print(HELP, end="")
            return 0
        if flag == b"C":
            cf = value
        elif flag in (b"o", b"O"):
            name, equals, rest = value.partition(b"=")
            if flag == b"o" and value[:1] == b"A":
                given.append(value[1:])
            elif flag == b"O" and equals and name.lower() == b"aliasfile":
                given.append(rest)
            else:
                raise StopError(EX_USAGE, b"newaliases: -%s %s is not known here\n%s" % (flag, value, USAGE))
    trusted, _ = read_cf(b"newaliases", cf)
    job = _Job(_local_names(cf), trusted if os.geteuid() == 0 else 0)
    files_named = [one for value in given or _configured(cf) for one in specifications(value)]
    status = 0
    for one in files_named or [b"aliases"]:  # sendmail's own default
        made = job.rebuild(one)
        status = status or made
    return status


def _say(text: bytes) -> None:
    # sendmail's messages go to standard output when it was called by hand, and have seven bits.
    sys.stdout.buffer.write(text.translate(_SEVEN_BITS) + b"\n")


def _lines(cf: bytes) -> Iterator[bytes]:
    """The lines of a sendmail.cf with those that continue them."""
    whole = b""
    for line in cf_lines(b"newaliases", cf):
        if line[:1] in (b" ", b"\t"):
            whole += b"\n" + line
            continue
        yield whole
        whole = line
    yield whole


def _configured(cf: bytes) -> Iterator[bytes]:
    for line in _lines(cf):
        value = value_of(line, b"AliasFile")
        if value is None and line[:2] == b"OA":
            value = line[2:]
        if value is not None:
            yield value


def _local_names(cf: bytes) -> Set[bytes]:
    """The names that are this host's: class w, and what $j is set to."""
    found = {b"[127.0.0.1]", os.fsencode(os.uname().nodename)}
    for line in _lines(cf):
        for start in (b"Cw", b"C{w}", b"Dj"):
            if line.startswith(start):
                found.update(line[len(start) :].split())
        if line.startswith((b"Fw", b"F{w}")):
            words = line.partition(b"w}" if line[1:2] == b"{" else b"w")[2].split()
            optional = words[:1] == [b"-o"]
            if words[optional:]:
                found.update(_words(os.fsdecode(words[optional])))
    return {name.lower() for name in found}


def _words(path: str) -> Iterator[bytes]:
    """The words of a class file; none of one that cannot be read."""
    try:
        data = files.read(path)
    except OSError:
        return
    for line in data.split(b"\n"):
        yield from line.partition(b"#")[0].split()


class _Job:
    """Builds alias databases.  local: this host's names.  owner: a user number to give them to, or 0."""

    def __init__(self, local: Set[bytes], owner: int) -> None:
        self._local, self._owner = local, owner

    def rebuild(self, given: bytes) -> int:
        """Build the database of one file; the exit status that it makes.  given: as in AliasFile."""
        kind, colon, rest = given.partition(b":")
        classed = bool(colon) and not set(kind) & set(b" /")
        if not classed:
            kind, rest = b"implicit", given
        if kind not in (b"implicit", b"hash", b"btree", b"cdb"):
            if kind not in _ELSEWHERE:
                _say(b"setalias: unknown alias class " + kind)
                raise StopError(EX_SOFTWARE)
            return 0
        flags: Set[bytes] = set()
        words: List[bytes] = []
        for word in rest.split():
            if word.startswith(b"-"):
                flags.add(word[1:2])
            else:
                words.append(word.strip(b'"'))
        if not words:
            return 0
        name = words[-1]
        try:
            lock = _locked(os.fsdecode(name))
        except BlockingIOError:
            _say(b"Alias file %s is locked (maybe being rebuilt)" % name)
            return 0
        except (OSError, RefusedError) as error:
            if b"o" not in flags:
                _say(b"newaliases: cannot open %s: %s" % (name, error_text(error)))
            return 0
        with lock:
            data = os.pread(lock.fd, os.fstat(lock.fd).st_size, 0)
            found = aliases.read(data, self._local, append=b"A" in flags)
            try:
                self._store(name, "hash" if kind == b"implicit" else kind.decode(), found.records,
                            b"" if classed and b"N" not in flags else b"\0")  # fmt: skip
            except (OSError, SendmailCfError):
                _say(b"WARNING: cannot open alias database %s" % name)
                _say(b"Cannot create database for alias file %s" % name)
                return EX_SOFTWARE
        for text in found.messages:
            _say(b"%s: %s" % (name, text))
        counts = (name, found.count, found.longest, found.total)
        _say(b"%s: %d aliases, longest %d bytes, %d bytes total" % counts)
        return found.status

    def _store(self, name: bytes, kind: str, records: List[Tuple[bytes, bytes]], end: bytes) -> None:
        path = path_of(name, kind)
        directory = os.path.dirname(path) or "."
        if not safe_directory(directory, fatal=True):
            safe_directory(directory, fatal=False, warn=_say)
            raise RefusedError("Unsafe directory")
        prepare(path, write=True, create=True, trusted=self._owner)
        made = builder(kind, head_of(path), replace=True)
        stored = [*records, (aliases.COMPLETE, aliases.COMPLETE)]
        made.add([key + end for key, _ in stored], [value + end for _, value in stored])
        files.replace_map(path, made.write, new_mode=new_mode(), owner=self._owner or None)


def _locked(path: str) -> files.Lock:
    """A source, locked as sendmail locks it.  Raises RefusedError for one that others may write to."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise RefusedError("Regular files only")
    if found.st_mode & 0o020:
        raise RefusedError("Group writable file")
    if found.st_mode & 0o002:
        raise RefusedError("World writable file")
    writable = os.access(path, os.W_OK)
    return files.Lock(path, shared=not writable, wait=False)
