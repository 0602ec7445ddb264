"""One hash file built by several processes, or printed by two.

The one thing to know: to build, each process reads a share of the source into heaps of its own, then lays down every so
many of all heaps; what it holds of the others' goes to them through files without names.  Pages behind the buckets are
taken by turns, page numbers of one remainder for each process, and those that are left over become the list of free
pages.
"""

from __future__ import annotations

import marshal
import os

from ...errors import MapError
from .heaps import HEAPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, List, Optional, Tuple, Union

    from .builder import Builder

    #: Given the number of a share, adds it to the builder; gives back what marshal can write, and how many lines.
    Fill = Callable[[int], Tuple[Any, int]]


def write_together(builder: Builder, fd: int, fill: Fill, jobs: int) -> List[Tuple[Any, int]]:
    """Fill a builder with `jobs` shares, each in a process, and write its file; what `fill` gave back for each.

    jobs: a power of two up to 256.  Raises what went wrong in any of the processes: OSError or MapError.
    """
    if jobs not in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        raise MapError(f"{jobs} processes: it is a power of two up to {HEAPS}")
    import tempfile

    files = [tempfile.TemporaryFile(dir=builder.scratch) for _ in range(jobs)]  # noqa: SIM115 - closed below

    def work(share: int, pipe: Union[_End, _Local]) -> List[Tuple[Any, int]]:
        """What every process does."""
        builder.begin_share(files[share], jobs)
        report, lines = fill(share)
        shares = pipe.exchange((builder.share(share, jobs), (report, lines)))
        builder.join([held for held, _ in shares], [lines for _, (_, lines) in shares], share, files)
        done = pipe.exchange(builder.write_share(fd, share, jobs))
        if share == 0:
            builder.finish_shares(fd, done)
        return [back for _, back in shares]

    children: List[_Child] = []
    try:
        for share in range(1, jobs):
            children.append(_Child(share, work))
        return work(0, _Local(children))
    finally:
        for child in children:
            child.end()
        for file in files:
            file.close()


def print_together(fd: int, first: Iterable[Iterator[bytes]], second: Iterable[Iterator[bytes]]) -> None:
    """Write runs of pieces that two processes make, by turns: one of `first`, then one of `second`, and so on.

    second: runs in a process of its own; as long as `first`, or shorter by one.  While one process writes a run, the
    other makes its next.  What goes wrong in either, OSError or MapError, is raised when all before it is written.
    """

    def work(_: int, end: _End) -> None:
        for run in second:
            pieces, fault = _made(run)
            if not end.receive():
                return
            _write_run(fd, pieces, fault)
            end.send((True,))
        if end.receive():
            end.send((True,))

    child = _Child(1, work)
    waiting = False
    try:
        for run in first:
            pieces, fault = _made(run)
            if waiting:
                waiting = False
                child.receive()
            _write_run(fd, pieces, fault)
            child.send(True)
            waiting = True
        if waiting:
            child.receive()
    finally:
        child.end()


def _made(run: Iterator[bytes]) -> Tuple[List[bytes], Optional[MapError]]:
    """The pieces of a run, up to a fault."""
    pieces: List[bytes] = []
    try:
        for piece in run:
            pieces.append(piece)
    except MapError as error:
        return pieces, error
    return pieces, None


def _write_run(fd: int, pieces: List[bytes], fault: Optional[MapError]) -> None:
    for piece in pieces:
        _write_all(fd, piece)
    if fault is not None:
        raise fault


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class _Child:
    """A process, and the two pipes between it and this one."""

    def __init__(self, share: int, work: Callable[[int, _End], object]) -> None:
        to_child, self._down = os.pipe()
        self._up, to_parent = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self._down)
                os.close(self._up)
                end = _End(to_child, to_parent)
                try:
                    work(share, end)
                    status = 0
                except (OSError, MapError) as error:
                    end.send((None, getattr(error, "errno", None), str(error)))
                    end.receive()  # who is about to send something else must find somebody here
            finally:
                os._exit(status)
        os.close(to_child)
        os.close(to_parent)
        self._ends = _End(self._up, self._down)

    def receive(self) -> Any:
        """What the process sends; raises the error that it met."""
        found = self._ends.receive()
        if found is None:
            raise MapError("a process ended before its work was done")
        if found[0] is None:
            raise MapError(found[2]) if found[1] is None else OSError(found[1], os.strerror(found[1]))
        return found[0]

    def send(self, value: Any) -> None:
        self._ends.send(value)

    def end(self) -> None:
        """End the process, if it has not ended by itself."""
        self._ends.close()
        if os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            import signal

            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


class _End:
    """One end of two pipes: whole values go and come."""

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target = open(source, "rb"), open(target, "wb")  # noqa: SIM115 - closed in close

    def send(self, value: Any) -> None:
        data = marshal.dumps(value)
        self._target.write(len(data).to_bytes(8, "big"))
        self._target.write(data)
        self._target.flush()

    def receive(self) -> Any:
        """A value, or None at the end of the pipe."""
        head = self._source.read(8)
        size = int.from_bytes(head, "big")
        data = self._source.read(size) if len(head) == 8 else b""
        # Of our own process: nobody else can write to the pipe.
        return marshal.loads(data) if data and len(data) == size else None  # noqa: S302

    def exchange(self, value: Any) -> List[Any]:
        """Send a value; the values of all processes."""
        self.send((value,))
        found = self.receive()
        if found is None:
            raise MapError("the first process ended before its work was done")
        return list(found)

    def close(self) -> None:
        self._source.close()
        self._target.close()


class _Local:
    """The same for the process that started the others."""

    def __init__(self, children: List[_Child]) -> None:
        self._children = children

    def exchange(self, value: Any) -> List[Any]:
        """The values of all processes, which get them, too."""
        found = [value, *(child.receive() for child in self._children)]
        for child in self._children:
            child.send(found)
        return found
