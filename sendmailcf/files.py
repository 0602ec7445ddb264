"""The one room that touches files: read, replace whole, lock, and the facts that permissions are judged by.

The one thing to know: the new contents of a file go to a temporary file beside it, reach the disk, and are renamed
over it; for a map database the old inode then gets a new time stamp, without which a running sendmail would keep
reading the unlinked file.  A map database is written in its place only where its inode must stay (hard links, a
directory that cannot be written to) and where one key of it changes.
"""

from __future__ import annotations

import errno
import os
import stat
import time

try:
    import fcntl
except ImportError:  # not a POSIX system: reading still works
    fcntl = None  # type: ignore[assignment]

from .errors import SendmailCfError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Tuple, TypeVar, Union

    from .config import Config

    Writer = Union[bytes, Callable[[int], object]]
    State = Tuple[int, ...]
    T = TypeVar("T")

_TEMPORARY = ".sendmailcf"
_MAX_LINKS = 40


class BusyError(SendmailCfError):
    """The file changed while it was being worked on; nothing was written."""


def resolve(path: str, root: str = "/") -> str:
    """The real path of `path` (absolute, as seen from `root`), symbolic links followed inside `root`.

    The last component need not exist.  Raises OSError (ELOOP) for a loop of links.
    """
    todo = [part for part in path.split("/") if part]
    done: List[str] = []
    links = 0
    base = root.rstrip("/")
    while todo:
        part = todo.pop(0)
        if part == ".":
            continue
        if part == "..":
            done[-1:] = []
            continue
        here = "/".join([base, *done, part])
        try:
            target = os.readlink(here)
        except OSError:
            done.append(part)
            continue
        links += 1
        if links > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if target.startswith("/"):
            done = []
        todo[:0] = [one for one in target.split("/") if one]
    return "/".join([base, *done]) or "/"


def read(path: str) -> bytes:
    """The bytes of a regular file.  Raises OSError, also for anything that is not a regular file."""
    # Without O_NONBLOCK, opening a FIFO would wait for ever.
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with os.fdopen(fd, "rb") as file:
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        return file.read()


def load(path: str) -> Config:
    """The sendmail.cf at `path`.  Raises OSError; what cannot be read in it becomes BadLine nodes."""
    from .config import Config

    return Config(read(path), path)


def save(config: Config, path: Optional[str] = None, *, backup: bool = False) -> None:
    """Write a Config to `path`, or back to where it came from: whole, with owner and mode kept.

    A new file gets mode 0644.  backup: keep the old file as `path.bak`.  Raises OSError, and ValueError for
    a Config that came from no file when `path` is not given.
    """
    target = path or config.path
    if target is None:
        raise ValueError("this Config came from no file: give a path")
    replace(resolve(os.path.abspath(target)), bytes(config), new_mode=0o644, backup=backup)


class Facts:
    """What there is to know of one file without reading the others; the contents are never shown.

    path: the name by which a sendmail.cf calls it.  real: where it is on this machine, links followed.
    data: its bytes, or None; then `problem` is the system's word for why, `missing` whether it is not
    there, and `irregular` whether it is no regular file.  mode: permission bits, octal.  uid, gid: numbers.
    links: hard links.  modified: seconds since the epoch.  directories: (path, mode, uid) of every directory
    on the way, from the top.  judged: whether owners mean anything, that is, whether the file stands where
    sendmail would find it.
    """

    __slots__ = ("data", "directories", "gid", "irregular", "judged", "links", "missing", "mode", "modified", "path",
                 "problem", "real", "uid")  # fmt: skip

    def __init__(self, path: str, root: str = "/") -> None:
        self.path = path
        self.data: Optional[bytes] = None
        self.problem: Optional[str] = None
        self.missing = self.irregular = False
        self.mode = self.uid = self.gid = self.links = 0
        self.directories: List[Tuple[str, int, int]] = []
        self.modified = 0.0
        self.judged = root == "/" or os.geteuid() == 0
        self.real = path
        try:
            self.real = resolve(path, root)
            self._directories(root)
            found = os.stat(self.real)
            self.mode, self.uid = stat.S_IMODE(found.st_mode), found.st_uid
            self.gid, self.links, self.modified = found.st_gid, found.st_nlink, found.st_mtime
            self.irregular = not stat.S_ISREG(found.st_mode)
            self.data = read(self.real)
        except FileNotFoundError as error:
            self.missing, self.problem = True, error.strerror
        except OSError as error:
            self.problem = error.strerror or str(error)

    def holding(self, data: bytes, new_mode: int) -> Facts:
        """The facts as they will be when the file holds `data`, with `new_mode` if it is new."""
        import copy

        other = copy.copy(self)
        if self.missing:
            other.mode, other.uid, other.gid, other.links = new_mode, os.geteuid(), os.getegid(), 1
        other.data, other.problem, other.missing = data, None, False
        return other

    def _directories(self, root: str) -> None:
        base = root.rstrip("/")
        inside = os.path.dirname(self.real)[len(base) :].strip("/")
        at = base or "/"
        for part in ["", *inside.split("/")] if inside else [""]:
            at = os.path.join(at, part) if part else at
            found = os.stat(at)
            self.directories.append((at[len(base) :] or "/", stat.S_IMODE(found.st_mode), found.st_uid))


class Lock:
    """The lock that sendmail, makemap and editmap take on a map database, both kinds of it.

    Which kind they take was decided when sendmail was built (flock or fcntl), so both are taken; where the
    system makes them one, the second is the same lock again.  shared: as a reader takes it, else as a writer.
    fd is open for reading, and for writing where it is not shared; it is -1 where the file does not exist.
    wait: for whoever holds it, else BlockingIOError is raised.
    Nothing else may open and close the file meanwhile: an fcntl lock ends with the first descriptor that does.
    """

    def __init__(self, path: str, *, shared: bool = False, wait: bool = True) -> None:
        self.fd = -1
        while True:
            try:
                mode = os.O_RDONLY if shared else os.O_RDWR
                fd = os.open(path, mode | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
            except FileNotFoundError:
                return
            try:
                _lock(fd, shared, wait)
                if os.path.samestat(os.fstat(fd), os.stat(path)):
                    self.fd = fd
                    return
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(fd)
                raise
            os.close(fd)  # replaced while we waited: lock the one that is there now

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, *_: object) -> None:
        if self.fd >= 0:
            if fcntl is not None:
                try:
                    fcntl.flock(self.fd, fcntl.LOCK_UN)  # a memory mapping may hold a copy of the descriptor
                except OSError:
                    pass  # a file system without locks
            os.close(self.fd)
            self.fd = -1


def _lock(fd: int, shared: bool, wait: bool) -> None:
    if fcntl is None:
        return
    kind = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB)
    for take in (fcntl.lockf, fcntl.flock):
        try:
            take(fd, kind)
        except OSError as error:
            # A file system that knows no locks: sendmail goes on without one, too.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOLCK):
                raise


def edit(path: str, change: Callable[[int], T]) -> T:
    """Change a map database in its place, under its lock; what `change`, given a descriptor, returned.

    A running sendmail takes it for changed at its next lookup.  Raises OSError, FileNotFoundError among them.
    """
    with Lock(path) as lock:
        if lock.fd < 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        before = os.fstat(lock.fd)
        done = change(lock.fd)
        _touch(lock.fd, before)
        return done


def overwrite(
    path: str, contents: Writer, *, state: Optional[State] = None, owner: Optional[int] = None
) -> None:
    """Write a map database anew in its place, under its lock, so that all names of its inode lead to it.

    The contents are made first, elsewhere.  While they are copied the file begins with bytes that no database
    begins with, and its beginning is written last: a reader that takes no lock sees no database, never half of
    one; after a crash meanwhile it stays so until it is built again.  state, owner: as of a Replacement.
    Raises OSError, and BusyError.
    """
    import tempfile

    with tempfile.TemporaryFile() as made:
        if callable(contents):
            contents(made.fileno())
        else:
            _write_all(made.fileno(), contents)
        with Lock(path) as lock:
            if lock.fd < 0:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            _unchanged(path, lock.fd, state)
            before = os.fstat(lock.fd)
            _copy_over(made.fileno(), lock.fd)
            if owner is not None and before.st_uid != owner:
                os.fchown(lock.fd, owner, -1)
            _touch(lock.fd, before)


_HEAD = 4096  # more than the head of any format; that of cdb is the longest, 2048 bytes


def _copy_over(source: int, target: int) -> None:
    old, size = os.fstat(target).st_size, os.fstat(source).st_size
    if size > old and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(target, old, size - old)  # a full disk is found before anything is lost
        except OSError as error:
            os.ftruncate(target, old)
            if error.errno in (errno.ENOSPC, errno.EFBIG):
                raise
    _write_at(target, b"\xff" * min(size, _HEAD), 0)
    os.ftruncate(target, size)
    os.fsync(target)
    at = _HEAD
    while at < size:
        data = os.pread(source, 1 << 20, at)
        _write_at(target, data, at)
        at += len(data)
    os.fsync(target)
    _write_at(target, os.pread(source, _HEAD, 0), 0)
    os.fsync(target)


def state_of(path: str) -> State:
    """What tells whether a file was changed or replaced: device, inode, size in bytes, time stamp in nanoseconds;
    nothing for a file that is not there."""
    try:
        return _state(os.stat(path))
    except FileNotFoundError:
        return ()


def _state(found: os.stat_result) -> State:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _unchanged(path: str, fd: int, state: Optional[State]) -> None:
    if state is not None and state != (_state(os.fstat(fd)) if fd >= 0 else ()):
        raise _busy(path)


def _busy(path: str) -> BusyError:
    return BusyError(f"{path} was changed by somebody else and left as it is: run the command again")


def replace(path: str, contents: Writer, **how: object) -> None:
    """Replace one file whole, or create it: a `Replacement`, made and committed.

    Raises OSError, or BusyError; in either case the file is untouched.
    """
    with Replacement(path, contents, **how) as made:  # type: ignore[arg-type]
        made.commit()


def replace_map(
    path: str, contents: Writer, *, new_mode: int = 0o640, state: Optional[State] = None, owner: Optional[int] = None,
    like: Optional[str] = None, in_place: bool = False,
) -> None:  # fmt: skip
    """Replace a map database, or create it.  The arguments are those of a Replacement.

    in_place: write it anew where it stands.  So are files of several names (hard links), of somebody else, and in
    directories that cannot be written to.  Raises OSError, or BusyError.
    """
    if os.path.exists(path) and (in_place or not _replaceable(path)):
        overwrite(path, contents, state=state, owner=owner)
    else:
        replace(path, contents, new_mode=new_mode, is_map=True, state=state, owner=owner, like=like)


def _replaceable(path: str) -> bool:
    found = os.stat(path)
    ours = os.geteuid() in (0, found.st_uid)  # or the new file could not be given to its owner
    return ours and found.st_nlink == 1 and os.access(os.path.dirname(path) or ".", os.W_OK | os.X_OK)


class Replacement:
    """The new contents of a file, on the disk beside it, to be renamed over it or thrown away.

    path: resolved.  contents: the bytes, or a function that writes them to a file descriptor.  new_mode: octal
    mode of a file that does not exist; an existing one keeps its owner, group, mode and extended attributes.
    is_map: take sendmail's locks and leave the time stamp that makes a running sendmail open the new file.
    backup: keep the old file as `path.bak`, of the same owner and mode.  expected: what the file must still hold
    when it is replaced.  state: for a map, of the file that was read (`state_of`); it must be so still.  owner: the
    user number that the file shall belong to, new or not (makemap's TrustedUser).  like: a file whose owner, group
    and mode a new one takes.

    Several are made before the first is committed, so that a full disk is found before anything has changed.
    Raises OSError.
    """

    def __init__(
        self,
        path: str,
        contents: Writer,
        *,
        new_mode: int = 0o600,
        is_map: bool = False,
        backup: bool = False,
        expected: Optional[bytes] = None,
        state: Optional[State] = None,
        owner: Optional[int] = None,
        like: Optional[str] = None,
    ) -> None:
        self._like = like
        self._path, self._is_map, self._expected, self._state = path, is_map, expected, state
        self._directory = os.path.dirname(path) or "."
        self._temporaries: List[Tuple[str, str]] = []
        try:
            old = os.stat(path)
        except FileNotFoundError:
            old = None
        if old is not None and not stat.S_ISREG(old.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        if old is not None and old.st_nlink > 1:
            raise OSError(errno.EMLINK, "has other names (hard links) that would keep the old contents", path)
        sweep(self._directory)
        try:
            if backup and old is not None:
                self._write(path + ".bak", read(path), old, new_mode, None)
            self._write(path, contents, old, new_mode, owner)
        except BaseException:
            self.discard()
            raise

    def _write(
        self,
        target: str,
        contents: Writer,
        old: Optional[os.stat_result],
        new_mode: int,
        owner: Optional[int],
    ) -> None:
        temporary, fd = _create(target)
        self._temporaries.append((temporary, target))
        try:
            if callable(contents):
                contents(fd)
            else:
                _write_all(fd, contents)
            if old is not None:
                _keep_facts(self._path, old, fd)
            elif self._like is not None:
                _keep_facts(self._like, os.stat(self._like), fd)
            else:
                os.fchmod(fd, new_mode)
            if owner is not None and os.fstat(fd).st_uid != owner:
                os.fchown(fd, owner, -1)
            os.fsync(fd)
        finally:
            os.close(fd)

    def commit(self) -> None:
        """Rename the new file over the old.  Raises OSError, or BusyError if the old is not what was expected."""
        if not self._is_map:
            self._rename(-1)
        else:
            same = self._same()
            with Lock(self._path) as lock:
                # Nothing more before the rename than must be: a sendmail that has looked at the old file by name, and
                # waits for its lock to open it, will find the new one and refuse it.
                if self._state is not None:
                    _unchanged(self._path, lock.fd, self._state)
                if same is not None and lock.fd >= 0 and _state(os.fstat(lock.fd)) == same:
                    os.utime(lock.fd)
                    return
                self._rename(lock.fd)
                if lock.fd >= 0:
                    _touch(lock.fd, os.fstat(lock.fd))
        sync_directory(self._directory)

    def _same(self) -> Optional[State]:
        """The state of a file that is already what the new one is; it may stay, which spares sendmail a change."""
        temporary, target = self._temporaries[-1]
        try:
            with open(temporary, "rb") as new, open(target, "rb") as old:
                facts, now = os.fstat(new.fileno()), os.fstat(old.fileno())
                if (facts.st_size, facts.st_uid, facts.st_mode) != (now.st_size, now.st_uid, now.st_mode):
                    return None
                while True:
                    data = new.read(1 << 20)
                    if data != old.read(1 << 20):
                        return None
                    if not data:
                        return _state(now)
        except OSError:
            return None

    def _rename(self, locked: int) -> None:
        if self._expected is not None:
            try:
                now = _read_all(locked) if locked >= 0 else read(self._path)
            except FileNotFoundError:
                now = b""
            if now != self._expected:
                raise _busy(self._path)
        while self._temporaries:
            temporary, target = self._temporaries[0]
            try:
                os.rename(temporary, target)
            except OSError as error:
                # A file that is a mount point, or another's in a sticky directory: a locked map is written over.
                if locked < 0 or error.errno not in (errno.EBUSY, errno.EPERM, errno.EACCES):
                    raise
                with open(temporary, "rb") as made:
                    _copy_over(made.fileno(), locked)
                _unlink(temporary)
            del self._temporaries[0]

    def discard(self) -> None:
        """Throw the new contents away, if they were not committed."""
        for temporary, _ in self._temporaries:
            _unlink(temporary)
        self._temporaries = []

    def __enter__(self) -> Replacement:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()


def _create(path: str) -> Tuple[str, int]:
    directory, name = os.path.split(path)
    name = os.fsdecode(os.fsencode(name)[:200])  # names have 255 bytes at most
    while True:
        unique = f"{os.getpid()}-{time.time_ns():x}"
        temporary = os.path.join(directory, f".{name}.{unique}{_TEMPORARY}")
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
            return temporary, os.open(temporary, flags, 0o600)
        except FileExistsError:
            continue


def sweep(directory: str) -> None:
    """Remove the temporary files that a killed run has left in a directory; they may hold passwords."""
    try:
        entries = os.listdir(directory)
    except PermissionError:
        return  # files can be made in it all the same
    for entry in entries:
        if not (entry.startswith(".") and entry.endswith(_TEMPORARY)):
            continue
        pid = entry[: -len(_TEMPORARY)].rpartition(".")[2].partition("-")[0]
        if pid.isascii() and pid.isdecimal() and not alive(int(pid)):
            _unlink(os.path.join(directory, entry))


def alive(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _read_all(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


def _write_at(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _keep_facts(path: str, old: os.stat_result, fd: int) -> None:
    now = os.fstat(fd)
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        os.fchown(fd, old.st_uid, old.st_gid)
    os.fchmod(fd, stat.S_IMODE(old.st_mode))
    if not hasattr(os, "listxattr"):
        return
    try:
        for name in os.listxattr(path):
            os.setxattr(fd, name, os.getxattr(path, name))
    except OSError as error:
        # Labels that only the kernel may set, and file systems without attributes.
        if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EINVAL, errno.ENODATA):
            raise


def sync_directory(directory: str) -> None:
    """Make a rename in a directory last; file systems that cannot, and directories that may not be read, are left
    alone."""
    try:
        fd = os.open(directory, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def _touch(fd: int, before: os.stat_result) -> None:
    # sendmail reopens a map when the time of the file it holds open has moved by a whole second.
    later = max(time.time_ns(), before.st_mtime_ns + 1_000_000_000)
    try:
        os.utime(fd, ns=(later, later))
    except PermissionError:
        # Whoever may only write to a file may set its time to now, and to nothing else.
        time.sleep(min(max(0.0, int(before.st_mtime) + 1 - time.time()), 1.0))
        os.utime(fd)
