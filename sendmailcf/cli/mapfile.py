"""A map's file, as the commands on maps use it: the checks before it is opened, reading it under its lock, building it
anew in its kind, changing one key.

The one thing to know: the checks ask who owns a file and which of its bits are set, not what the system would allow; so
even root is refused a map that belongs to somebody else.  As libsmutil of sendmail 8.17.1 makes them, and as the
programs answer that are installed with it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys

from .. import files, mapdb
from ..errors import MapError, SendmailCfError
from .program import EX_CANTCREAT, StopError, complain, error_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Optional, Sequence, TypeVar

    T = TypeVar("T")

#: The mode of a new map, octal, before the umask.
NEW_MODE = 0o640
_MAX_LINKS = 20
#: Bytes of a map's name: with an extension and a NUL it must fit the programs' buffer of 4096.
_LONGEST_NAME = 4092


class RefusedError(SendmailCfError):
    """A file that must not be used as a map; the text is the program's own."""


# The checks.


def examine(
    path: str, need: int, *, create: bool = False, links: bool = False, regular: bool = True, trusted: int = 0
) -> Optional[os.stat_result]:
    """Whether a file may be used as a map: its facts, or None where it is not there and may be made.

    need: the bits of permission, octal, as the owner's.  create: it need not be there.  links: symbolic and hard
    ones are allowed.  regular: it must be a regular file.  trusted: the TrustedUser's number, whose files root takes
    for its own.  Warns of writable directories when root asks.  Raises RefusedError, and OSError.
    """
    directory = path[: path.rfind("/")] if "/" in path else "."
    try:
        found: Optional[os.stat_result] = os.stat(path) if links else os.lstat(path)
        problem = None
    except OSError as error:
        found, problem = None, error
    if links or not safe_directory(directory, fatal=True):
        safe_directory(directory, fatal=False)
    if found is None:
        if problem is not None and not (create and isinstance(problem, FileNotFoundError)):
            raise problem
        _may_create(directory or "/", trusted)
        return None
    if stat.S_ISLNK(found.st_mode):
        raise RefusedError("Symbolic links not allowed")
    if regular and not stat.S_ISREG(found.st_mode):
        raise RefusedError("Regular files only")
    if need & 0o222 and found.st_mode & 0o111:
        raise RefusedError("Executable files not allowed")
    if not links and found.st_nlink != 1:
        raise RefusedError("Hard links not allowed")
    need >>= _shift(found, trusted)
    if found.st_mode & need != need:
        raise _denied()
    return found


def _denied() -> RefusedError:
    return RefusedError("Permission denied")


def _may_create(directory: str, trusted: int) -> None:
    found = os.stat(directory)
    need = 0o300 >> _shift(found, trusted)
    if found.st_mode & need != need:
        raise _denied()


def _shift(found: os.stat_result, trusted: int) -> int:
    """By how many bits the class of permissions that counts for us stands to the right of the owner's."""
    me = os.getuid()
    if found.st_uid == me or (me == 0 and found.st_uid == trusted):
        return 0
    return 3 if found.st_gid == os.getgid() or _member(found.st_gid) else 6


def _member(group: int) -> bool:
    import grp
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name in grp.getgrgid(group).gr_mem
    except KeyError:
        return False


def safe_directory(
    path: str, *, fatal: bool, warn: Callable[[bytes], None] = complain, level: int = 0, start: int = 0
) -> bool:
    """Whether only its owners can write to a directory and to those above it, link by link.

    fatal: False is returned for one that others can write to, and where the way is barred; else root is warned of
    the one, and RefusedError or OSError raised for the other.  level, start: how many links led here, and how much
    of the path was looked at before.
    """
    try:
        if level > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        for place in _places(path or "/", start):
            found = os.lstat(place)
            if stat.S_ISLNK(found.st_mode):
                target = os.readlink(place)
                start = _common(place, target) if target.startswith("/") else place.rfind("/") + 1
                if not target.startswith("/"):
                    target = place[:start] + target
                if not safe_directory(target, fatal=fatal, warn=warn, level=level + 1, start=start):
                    return False
                continue
            if found.st_mode & 0o022 and (fatal or os.getuid() == 0):
                if fatal:
                    return False
                who = b"World" if found.st_mode & 0o002 else b"Group"
                warn(b"WARNING: %s writable directory %s" % (who, os.fsencode(place)))
            if os.geteuid() == 0 and not _passable(found):
                raise _denied()
    except (OSError, RefusedError):
        if fatal:
            return False
        raise
    return True


def _places(path: str, start: int) -> Iterator[str]:
    """A path, and those of the directories above it, from the top; `.` and `..` count only where they begin it."""
    at = start
    while at < len(path):
        end = path.find("/", at)
        if end < 0:
            end = len(path)
        place = path[:end] if end else "/"
        at = end + 1
        if not place.endswith(("/.", "/..")):
            yield place


def _common(place: str, target: str) -> int:
    """Up to where an absolute link and its target are the same whole directories."""
    same = 0
    while place[same : same + 1] == target[same : same + 1] != "":
        same += 1
    return place.rfind("/", 0, same) + 1


def _passable(found: os.stat_result) -> bool:
    if found.st_uid == os.getuid() and found.st_mode & 0o100:
        return True
    if found.st_mode & 0o010 and (found.st_gid == os.getgid() or _member(found.st_gid)):
        return True
    return bool(found.st_mode & 0o001)


class InvalidError(RefusedError):
    """A file that is no database, or none of the kind that was asked for."""

    def __init__(self, text: str = "Invalid argument") -> None:
        super().__init__(text)


#: Types of the command line, and what a file of each may be.
TYPES = {"hash": ("hash", "hash185"), "btree": ("btree",), "hash185": ("hash185",), "cdb": ("cdb",)}
#: What the type `implicit` tries.
IMPLICIT = ("hash", "btree")


def types_of(program: bytes, kind: bytes, name: bytes, *, cdb: bool = False) -> Sequence[str]:
    """The types to try for one of the command line.  cdb: it may be used.  Raises StopError."""
    known = os.fsdecode(kind)
    if known == "implicit":
        return IMPLICIT
    if known == "dbm" or (known == "cdb" and not cdb):
        # The installed programs are built without cdb; whoever calls this one in their stead gets their answer.
        define = b"NDBM" if known == "dbm" else b"CDB"
        text = b"%s: Need to recompile with -D%s for %s support" % (program, define, kind)
        raise StopError(EX_CANTCREAT, text)
    if known not in TYPES:
        raise refused(program, kind, name, RefusedError("Unknown database type"))
    return (known,)


def refused(program: bytes, kind: bytes, name: bytes, error: Exception) -> StopError:
    """The end of a program whose map cannot be opened."""
    text = b"%s: error opening type %s map %s: %s" % (program, kind, name, error_text(error))
    return StopError(EX_CANTCREAT, text)


def attempt(types: Sequence[str], work: Callable[[str], T]) -> T:
    """What `work` returns for the first type whose file is there and is of that type.

    Raises what `work` raises for a single type, and RefusedError where none of several will do.
    """
    for kind in types:
        try:
            return work(kind)
        except (FileNotFoundError, InvalidError):
            if len(types) == 1:
                raise
    raise RefusedError("Unknown database type")


def path_of(name: bytes, kind: str) -> str:
    """The file of a map: its name and the type's extension, once.  Raises RefusedError for a name that is too long."""
    if len(name) > _LONGEST_NAME:
        raise RefusedError("Name too long")
    extension = b".cdb" if kind == "cdb" else b".db"
    return os.fsdecode(name if name.endswith(extension) else name + extension)


def prepare(
    path: str,
    *,
    write: bool,
    create: bool = False,
    links: bool = False,
    trusted: int = 0,
    regular: bool = True,
) -> Optional[os.stat_result]:
    """Both looks that the programs take at a map's file before they open it: its facts, or None for a new one.

    The arguments are those of `examine`, and so is what is raised.
    """
    first = 0o200 if write else 0o400 if regular else 0
    examine(path, first, create=create, links=links, regular=regular, trusted=trusted)
    second = 0o600 if write else 0o400
    found = examine(path, second, create=create, links=links, regular=regular, trusted=trusted)
    if found is None:
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
    elif write:
        os.close(os.open(path, os.O_RDWR))
    return found


class Opened:
    """A map that is read: its file, held under a shared lock until it is closed."""

    def __init__(self, path: str, kind: str) -> None:
        """kind: the type it must be of, or an empty text.  Raises OSError, and InvalidError for another file."""
        import mmap

        self._lock = files.Lock(path, shared=True)
        try:
            if self._lock.fd < 0:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            if stat.S_ISDIR(os.fstat(self._lock.fd).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
            size = os.fstat(self._lock.fd).st_size
            if not size:
                raise InvalidError
            memory: Any = mmap.mmap(self._lock.fd, 0, access=mmap.ACCESS_READ)
            self.map = mapdb.load(memory)
            if kind and self.map.info.format not in TYPES[kind]:
                raise InvalidError
        except MapError as error:
            self.close()
            raise InvalidError from error
        except BaseException:
            self.close()
            raise

    @property
    def fd(self) -> int:
        """The descriptor, open for reading."""
        return self._lock.fd

    def close(self) -> None:
        """Give the lock back."""
        self._lock.__exit__()

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cut(data: bytes) -> bytes:
    """What stands before a NUL, as sendmail's programs print it."""
    return data.partition(b"\0")[0]


#: A hash file from this many bytes on is printed by two processes, where there are as many processors.
_SHARE = 8 << 20
#: What has a descriptor: a standard output as Python opens it, the latter where it shall have no buffer.
_REAL = (io.BufferedWriter, io.FileIO)


def print_source(opened: Opened, separator: bytes) -> None:
    """Print a map as a source, as `makemap -u` does.  Raises OSError, and MapError where a fault stands."""
    found: Any = opened.map
    out = sys.stdout.buffer
    if found.info.format != "hash":
        for key, value in found.pairs():
            out.write(b"%s%s%s\n" % (cut(key), separator, cut(value)))
    elif os.fstat(opened.fd).st_size >= _SHARE and isinstance(out, _REAL) and _two_can_work():
        from ..mapdb.hash.workers import print_together

        out.flush()
        print_together(out.fileno(), found.runs(separator, 0, 2), found.runs(separator, 1, 2))
    else:
        for piece in found.text(separator):
            out.write(piece)


def _two_can_work() -> bool:
    """Whether this process may start another, and use more than one processor."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return hasattr(os, "fork") and len(usable) > 1


def reopened(path: str, kind: str) -> Opened:
    """A map that is about to be changed: a change of it that was interrupted is completed first.

    Raises OSError, InvalidError, and MapError for one that cannot be completed.
    """
    try:
        return Opened(path, kind)
    except InvalidError:
        head = head_of(path)
        if head is None or head.format != "hash":
            raise
    _check_head(path)
    files.edit(path, mapdb.FORMATS["hash"].Editor)
    return Opened(path, kind)


def _check_head(path: str) -> None:
    """Raise InvalidError for a file whose beginning is not that of a hash file that can be read."""
    with open(path, "rb") as file:
        try:
            mapdb.FORMATS["hash"].Info(file.read(mapdb.HEAD_BYTES), os.fstat(file.fileno()).st_size)
        except MapError as error:
            raise InvalidError from error


#: Bytes; those of any format that has pages.
PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768)
#: Of a hash file, those that are written, and the first that is changed in place.
WRITTEN_VERSIONS, EDITED_VERSION = (5, 8, 9), 8


class Head:
    """What the first bytes of a database say, whatever the rest is like: its format, the format's version, byte order
    and page size in bytes."""

    __slots__ = ("byteorder", "format", "pagesize", "version")

    def __init__(self, data: bytes) -> None:
        """Raises MapError for no database."""
        self.format, self.version, self.byteorder = mapdb.kind(data)
        order: Any = self.byteorder
        if self.format == "hash185":
            self.pagesize = int.from_bytes(data[12:16], "big")
        else:
            self.pagesize = int.from_bytes(data[20:24], order)
        if self.format != "cdb" and self.pagesize not in PAGE_SIZES:
            raise MapError(f"{self.pagesize} is no page size")


def head_of(path: str) -> Optional[Head]:
    """The head of a file; None where it is not there or is no database.  Raises OSError where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return Head(file.read(mapdb.HEAD_BYTES))
    except (FileNotFoundError, MapError):
        return None


def several(info: Any) -> bool:
    """Whether the keys of a map may have several values."""
    return bool(getattr(info, "duplicates", False))


def builder(kind: str, head: Any = None, **options: Any) -> Any:
    """What collects records and writes a file of a format.  Raises MapError.

    head: of an existing file, or a map's info; where it is of that format, its byte order, format version and page
    size are kept.  options: duplicates, replace, byteorder, version; those that are None do not count.
    """
    kept: Dict[str, Any] = {}
    if head is not None and head.format == kind and kind != "cdb":
        kept = {"byteorder": head.byteorder, "pagesize": head.pagesize}
        if kind == "hash" and head.version in WRITTEN_VERSIONS:
            kept["version"] = head.version
    kept.update({name: value for name, value in options.items() if value is not None})
    try:
        return mapdb.FORMATS[kind].Builder(**kept)
    except TypeError:
        raise MapError(f"a {kind} file has no {' and no '.join(sorted(kept))}") from None


def new_mode() -> int:
    """The mode of a new map, octal: the programs' own, less the umask."""
    umask = os.umask(0)
    os.umask(umask)
    return NEW_MODE & ~umask


def change(path: str, kind: str, key: bytes, value: Optional[bytes], owner: int = 0) -> bool:
    """Set a key of a map, in its place where its format allows that, or remove it if value is None.

    A map whose keys may have several values gets one more.  A file that is empty or not there becomes a map.  owner:
    a user number to give the file to, or 0.  Whether a key that was to be removed was there.  Raises OSError,
    MapError, InvalidError for a map of another type, and BusyError.
    """
    state = files.state_of(path)
    if not state or not os.path.getsize(path):
        made = builder(kind)
        if value is not None:
            made.add([key], [value])
        files.replace_map(path, made.write, new_mode=new_mode(), state=state, owner=owner or None)
        return value is not None
    head = head_of(path)
    if head is None or head.format not in TYPES[kind]:
        raise InvalidError
    if head.format == "hash":
        _check_head(path)
    if head.format != "hash" or head.version < EDITED_VERSION:
        return _rebuild(path, kind, key, value, owner=owner, state=state)
    editor = mapdb.FORMATS["hash"].Editor

    def put(fd: int) -> bool:
        if owner:
            os.fchown(fd, owner, -1)
        edited = editor(fd)
        return bool(edited.remove(key) if value is None else edited.put(key, value))

    return files.edit(path, put)


def _rebuild(
    path: str, kind: str, key: bytes, value: Optional[bytes], *, owner: int, state: files.State
) -> bool:
    with reopened(path, kind) as opened:
        info, there = opened.map.info, key in opened.map
        if value is None and not there:
            if owner:
                os.fchown(opened.fd, owner, -1)
            return False
        made = builder(info.format, info, duplicates=several(info) or None)
        added = several(info) and value is not None
        mapdb.rebuilt(opened.map, made, {} if added else {key: value})
        if added:
            made.add([key], [value])
    files.replace_map(path, made.write, state=state, owner=owner or None)
    return there
