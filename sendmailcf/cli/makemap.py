"""`sendmailcf makemap`: builds a map database from a source on standard input, as makemap does.

The one thing to know: flags, messages, exit statuses and file modes are makemap's, but the old database stays
whole until the new one is: it is replaced, not truncated.  Neither lark, attrs nor argparse is imported here, so
that it starts as fast as Python does.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from .. import files, mapdb
from ..errors import MapError, SendmailCfError
from ..makemap import Rules, build, build_file, duplicate, parse
from ..mapdb.hash import Builder as HashBuilder
from .mapfile import (
    TYPES,
    InvalidError,
    Opened,
    attempt,
    builder,
    head_of,
    new_mode,
    path_of,
    prepare,
    print_source,
    refused,
    reopened,
    several,
    types_of,
)
from .program import (
    CF,
    EX_DATAERR,
    EX_IOERR,
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
    from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Set, Tuple

    from ..makemap import Problem

_FLAGS = b"C:D:Nc:defi:Lj:lorst:uvx"
_WORDS = {
    b"atomic": False,
    b"byte-order": True,
    b"format": True,
    b"format-version": True,
    b"help": False,
    b"in-place": False,
    b"verify": False,
}
_READ = 1 << 20
#: Seconds after which a terminal is told how far the work is.
_PATIENCE = 1.0

HELP = """usage: sendmailcf makemap [-defNorsuv] [-C file] [-D c] [-i type] [-j n] [-t c] [--byte-order big|little]
           [--format F] [--format-version V] [--in-place] [--verify] TYPE MAP < SOURCE

Build the database MAP.db from lines of keys and values, as sendmail's makemap does; the old one stays whole until
the new one is, and a running sendmail takes the new one at its next lookup.  TYPE is hash, btree, implicit (hash),
hash185, or cf or CF: as the sendmail.cf names it.

  -e  a key may have no value             -N  a NUL ends keys and values
  -f  do not fold keys to lower case      -r  of two values for a key the last one counts
  -d  keep all values of a key            -o  add to the database that is there
  -s  allow links                         -u  print the database as a source
  -v  print each pair                     -t  the character between key and value
  -D  the comment character               -C  the sendmail.cf that names TrustedUser and map types
  -i  the type if cf or CF finds none     -j  build with this many processes
  -l, -L, -x  list the types              -c  ignored: a cache size
  --byte-order big|little       of a file for hosts of another kind
  --format hash|btree|hash185|cdb   the format of the file, where TYPE does not tell
  --format-version 9|8|5        of a hash file: for Berkeley DB 4.6 and later, 4.1 to 4.5, 2 (Solaris)
  --atomic                      replace the file, which is the default
  --in-place                    write over the file instead
  --verify                      look for faults in the new file before it takes the place of the old one

Byte order, format version and page size of an existing file are kept unless told otherwise.
"""

#: makemap's own words, as everything that it prints.
USAGE = b"""Usage: makemap [-C cffile] [-N] [-c cachesize] [-D commentchar]
               [-d] [-e] [-f] [-i type] [-l] [-o] [-r] [-s] [-t delimiter]
               [-u] [-v] type mapname"""


def main(arguments: Sequence[str]) -> int:
    """Run makemap; its exit status: 0, or one of sysexits.h (64, 65, 66, 73, 74)."""
    return status_of(_run, arguments)


def _run(arguments: Sequence[str]) -> int:
    options = Options(b"makemap", arguments, _FLAGS, _WORDS, USAGE)
    flags: Dict[bytes, bytes] = {}
    for flag, value in options:
        if flag in (b"l", b"L", b"x"):
            return _list_types(flag)
        if flag == b"help":
            print(HELP, end="")
            return 0
        if flag == b"t" and not value:
            complain(b"Invalid separator")
            continue
        flags[flag] = value
    if len(options.operands) != 2:
        raise StopError(EX_USAGE, USAGE)
    job = _Job(flags, *options.operands)
    return job.unmake() if b"u" in flags else job.make()


def _list_types(flag: bytes) -> int:
    if flag == b"L":
        print("cf\nCF")
    for kind, extension in (("hash", "db"), ("btree", "db"), ("implicit", "")):
        print(f"{kind}:{extension}" if flag == b"x" else kind)
    return 0


class _Job:
    """One run on one map."""

    def __init__(self, flags: Dict[bytes, bytes], kind: bytes, name: bytes) -> None:
        self._flags, self._name = flags, name
        self._kind, self._trusted = self._configured(kind)
        self._links = b"s" in flags
        self._rules = Rules(
            fold=b"f" not in flags,
            null=b"N" in flags,
            separator=flags[b"t"][:1] if b"t" in flags else None,
            comment=flags.get(b"D", b"#")[:1],
            allow_empty=b"e" in flags,
            replace=b"r" in flags,
        )
        jobs = flags.get(b"j", b"1")
        if jobs not in map(b"%d".__mod__, range(1, 257)):
            raise StopError(EX_USAGE, b"makemap: -j %s: it is a number from 1 to 256" % jobs)
        self._jobs = int(jobs)

    def _configured(self, kind: bytes) -> Tuple[bytes, int]:
        """The type of the map, looked up where it is cf or CF, and the number of the TrustedUser."""
        flags, cf = self._flags, self._flags.get(b"C", CF)
        asked, trusted = kind.lower() == b"cf", 0
        if asked:
            trusted, kind = read_cf(b"makemap", cf, self._name, whole=kind == b"cf")
        elif os.geteuid() == 0:
            trusted, _ = read_cf(b"makemap", cf)
        if not kind and (asked or os.geteuid() == 0):
            kind = flags.get(b"i", b"")
            found = b"makemap: mapfile %s: not found in %s" % (self._name, cf)
            if not kind:
                raise StopError(EX_DATAERR, found)
            if b"v" in flags:
                complain(b"%s, using fallback %s" % (found, kind))
        return kind, trusted if os.geteuid() == 0 else 0

    def _types(self) -> Sequence[str]:
        """What to try, one after the other."""
        cdb = self._flags.get(b"format") == b"cdb"
        return types_of(b"makemap", self._kind, self._name, cdb=cdb)

    def _attempt(self, work: Callable[[str], int]) -> int:
        types = self._types()
        try:
            return attempt(types, work)
        except BrokenPipeError:
            raise  # nobody reads what is printed any more
        except (OSError, SendmailCfError) as error:
            raise refused(b"makemap", self._kind, self._name, error) from None

    # Printing a database.

    def unmake(self) -> int:
        """Print the database as a source: `makemap -u`."""
        return self._attempt(self._unmake)

    def _unmake(self, kind: str) -> int:
        path = path_of(self._name, kind)
        prepare(path, write=False, links=self._links, trusted=self._trusted)
        with Opened(path, kind) as opened:
            self._check_duplicates(opened)
            return self._print(opened, path)

    def _check_duplicates(self, opened: Opened) -> None:
        """With -d only a map whose keys may have several values will do."""
        if b"d" in self._flags and not several(opened.map.info):
            raise InvalidError

    def _print(self, opened: Opened, path: str) -> int:
        try:
            print_source(opened, self._rules.separator or b"\t")
        except MapError as error:
            raise StopError(EX_IOERR, os.fsencode(f"makemap: {path}: {error}")) from None
        return 0

    # Building one.

    def make(self) -> int:
        """Build the database from standard input."""
        return self._attempt(self._make)

    def _make(self, kind: str) -> int:
        path, create = path_of(self._name, kind), b"o" not in self._flags
        found = prepare(path, write=True, create=create, links=self._links, trusted=self._trusted)
        real = os.path.realpath(path) if self._links else path
        state = None if create else files.state_of(real)
        progress = _Progress(self._name)
        seen: Optional[Set[bytes]] = None
        sealed = create and bool(found) and _sealed(real)
        if create:
            made = self._builder(kind, real, head_of(real) if found else None, progress)
        else:
            with reopened(real, kind) as old:
                self._check_duplicates(old)
                made = self._builder(kind, real, old.map.info, progress)
                for keys, values in _batches(old.map.pairs()):
                    made.add(keys, values, [0] * len(keys))
                if several(old.map.info) and not (b"d" in self._flags or self._rules.replace):
                    seen = set(old.map)
        status = self._replace(real, state, made, seen, progress)
        if sealed:
            complain(b"makemap: close(%s): Invalid argument" % self._name)
            return EX_IOERR
        return status

    def _replace(
        self,
        path: str,
        state: Optional[files.State],
        made: Any,
        seen: Optional[Set[bytes]],
        progress: _Progress,
    ) -> int:
        """Read the source and put the new file in the place of the old one."""
        problems: List[Problem] = []
        begun = False

        def fill(fd: int) -> None:
            nonlocal begun
            begun = True
            source = self._shared_source(made, state, seen)
            if source is not None:
                problems.extend(build_file(source, fd, self._rules, made, self._jobs))
            else:
                problems.extend(self._read(made, seen, progress))
                problems.extend(duplicate(line, key) for line, key in made.write(fd))
            if b"verify" in self._flags:
                progress.say(b"verifying")
                _verify(fd)

        import gc

        gc.disable()  # nothing made here is circular, and the collector would look at millions of objects
        try:
            files.replace_map(
                path, fill, new_mode=new_mode(), state=state, owner=self._trusted or None,
                in_place=b"in-place" in self._flags,
            )  # fmt: skip
        except OSError as error:
            if begun:
                raise StopError(EX_IOERR, b"makemap: %s: %s" % (self._name, error_text(error))) from None
            raise
        except MapError as error:
            raise StopError(EX_IOERR, b"makemap: %s: %s" % (self._name, os.fsencode(str(error)))) from None
        finally:
            gc.enable()
            progress.done()
        problems.sort(key=lambda problem: problem.line)
        for problem in problems:
            complain(b"makemap: %s: %s" % (self._name, problem.message.encode("utf-8", "surrogateescape")))
        return EX_DATAERR if problems else 0

    def _builder(self, kind: str, path: str, head: Any, progress: _Progress) -> Any:
        """What collects the records and writes them: of the kind asked for, else of the file that is there."""
        flags = self._flags
        name = os.fsdecode(flags.get(b"format", b"")) or kind
        if b"format" not in flags and head is not None and head.format in TYPES[kind]:
            name = head.format
        if name not in mapdb.FORMATS or name == "text":
            raise StopError(EX_USAGE, os.fsencode(f"makemap: --format {name}: there is no such format"))
        keeps_all = b"d" in flags or (b"o" in flags and several(head))
        try:
            return builder(
                name,
                head,
                byteorder=os.fsdecode(flags[b"byte-order"]) if b"byte-order" in flags else None,
                version=_version(flags.get(b"format-version")),
                duplicates=keeps_all or None,
                replace=(self._rules.replace and not keeps_all) or None,
                **(self._large(path, progress) if name == "hash" else {}),
            )
        except MapError as error:
            raise StopError(EX_USAGE, os.fsencode(f"makemap: {name}: {error}")) from None

    def _shared_source(
        self, made: Any, state: Optional[files.State], seen: Optional[Set[bytes]]
    ) -> Optional[int]:
        """The descriptor of a source that several processes may read, if they shall and can."""
        plain = state is None and seen is None and b"v" not in self._flags and isinstance(made, HashBuilder)
        if self._jobs == 1 or not plain:
            return None
        source = sys.stdin.fileno()
        return source if stat.S_ISREG(os.fstat(source).st_mode) else None

    def _large(self, path: str, progress: _Progress) -> Dict[str, Any]:
        """How much work is told of, and where its records go when they are too many for the memory: beside the map,
        where the new file must have room, too."""
        directory = os.path.dirname(path) or "."
        return {"progress": progress.share, "scratch": directory if os.access(directory, os.W_OK) else None}

    def _read(self, made: Any, seen: Optional[Set[bytes]], progress: _Progress) -> List[Problem]:
        """Give the source to the builder; what there is to report.  seen: keys that must not come again."""
        chunks = progress.watch(_chunks())
        verbose = b"v" in self._flags
        if seen is None and not verbose and isinstance(made, HashBuilder):
            return build(chunks, self._rules, made)
        problems: List[Problem] = []
        for keys, values, lines, found in parse(chunks, self._rules):
            problems += found
            if verbose:
                _print_pairs(keys, values)
            kept = keys, values, lines
            made.add(*(kept if seen is None else _fresh(*kept, seen, problems)))
        return problems


def _version(value: Optional[bytes]) -> Optional[int]:
    if value is None:
        return None
    if value not in (b"5", b"8", b"9"):
        raise StopError(EX_USAGE, b"makemap: --format-version %s: it is 9, 8 or 5" % value)
    return int(value)


def _sealed(path: str) -> bool:
    """Whether a file that is no database says that it is encrypted or has checksums, where those of Berkeley DB say so.

    makemap writes a new map over it, and then fails to close it.
    """
    with open(path, "rb") as file:
        head = file.read(mapdb.HEAD_BYTES)
    if len(head) < 512 or head.startswith(b"\xff" * 512) or not (head[24] or head[26] & 1):
        return False  # the second is what we were stopped in writing in its place
    try:
        mapdb.kind(head)
    except MapError:
        return True
    return False


def _batches(pairs: Iterable[Tuple[bytes, bytes]]) -> Iterator[Tuple[List[bytes], List[bytes]]]:
    keys: List[bytes] = []
    values: List[bytes] = []
    for key, value in pairs:
        keys.append(key)
        values.append(value)
        if len(keys) == 8192:
            yield keys, values
            keys, values = [], []
    if keys:
        yield keys, values


def _fresh(
    keys: List[bytes], values: List[bytes], lines: Sequence[int], seen: Set[bytes], problems: List[Problem]
) -> Tuple[List[bytes], List[bytes], List[int]]:
    """Of these records those whose key is not there yet; the others are reported."""
    kept = []
    for at, (key, line) in enumerate(zip(keys, lines)):
        if key in seen:
            problems.append(duplicate(line, key))
        else:
            seen.add(key)
            kept.append(at)
    return [keys[at] for at in kept], [values[at] for at in kept], [lines[at] for at in kept]


def _chunks() -> Iterator[bytes]:
    read = sys.stdin.buffer.raw.read if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer.read
    while True:
        data = read(_READ)
        if not data:
            return
        yield data


class _Progress:
    """Tells a terminal how far the work is, when it takes long."""

    def __init__(self, name: bytes) -> None:
        self._name, self._start, self._shown = name, time.monotonic(), False
        self._watched = sys.stderr.isatty()

    def watch(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks; each is told of as it passes."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self.say(b"%d MB read" % (size >> 20))
            yield chunk

    def say(self, what: bytes) -> None:
        """Show this instead of what was shown last."""
        if self._watched and time.monotonic() - self._start > _PATIENCE:
            self._shown = True
            self._write(b"\r\033[Kmakemap: %s: %s" % (self._name, what))

    def share(self, written: float) -> None:
        """Show how much of the file is written, from 0.0 to 1.0."""
        self.say(b"%d %% written" % int(100 * written))

    def done(self) -> None:
        """Show nothing any more."""
        if self._shown:
            self._write(b"\r\033[K")

    def _write(self, text: bytes) -> None:
        sys.stderr.buffer.write(text)
        sys.stderr.buffer.flush()


def _verify(fd: int) -> None:
    """Look for faults in the file just written.  Raises MapError."""
    import mmap

    memory: Any = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    found = mapdb.load(memory).verify()
    if found:
        raise MapError(f"the new file is faulty and was thrown away: {found[0]}", offset=found[0].offset)


def _print_pairs(keys: List[bytes], values: List[bytes]) -> None:
    out = sys.stdout.buffer
    for key, value in zip(keys, values):
        out.write(b"key=`%s', val=`%s'\n" % (key.partition(b"\0")[0], value.partition(b"\0")[0]))
