"""Jobs shared among processes, their results in the order of the jobs.

The one thing to know: this process works, too, and takes every so many of the jobs like the others; a fork has all
modules and settings already, so that nothing is sent to it, and only results come back.
"""

from __future__ import annotations

import os
from typing import Callable, Generic, Iterator, List, Sequence, TypeVar

J = TypeVar("J")
R = TypeVar("R")


def shared(work: Callable[[J], R], jobs: Sequence[J], processes: int, lost: Callable[[J], R]) -> Iterator[R]:
    """What `work` makes of each job.

    processes: as many at most, this one counted.  lost: the result of a job whose process ended before it was done.
    """
    count = min(processes, len(jobs)) if hasattr(os, "fork") else 1
    others: List[_Other[J, R]] = []
    try:
        for number in range(1, count):
            others.append(_Other(work, jobs[number::count]))
        for at, job in enumerate(jobs):
            if at % count == 0:
                yield work(job)
                continue
            yield others[at % count - 1].result(lost, job)
    finally:
        for other in others:
            other.end()


class _Other(Generic[J, R]):
    """A process with some of the jobs."""

    def __init__(self, work: Callable[[J], R], jobs: Sequence[J]) -> None:
        import pickle  # which few commands need

        source, target = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(source)
                with open(target, "wb") as results:
                    for job in jobs:
                        pickle.dump(work(job), results, pickle.HIGHEST_PROTOCOL)
                        results.flush()
            except BaseException:
                os._exit(1)  # the first process sees the end of the results, and tells what is missing
            os._exit(0)
        os.close(target)
        self._results = open(source, "rb")  # noqa: SIM115 - closed in end

    def result(self, lost: Callable[[J], R], job: J) -> R:
        """The next result, that of `job`; `lost(job)` where the process has ended before."""
        import pickle

        try:
            # Of our own process: nobody else can write to the pipe.
            found: R = pickle.load(self._results)  # noqa: S301
        except (EOFError, pickle.UnpicklingError):
            return lost(job)
        return found

    def end(self) -> None:
        """End the process, if it has not ended by itself."""
        from signal import SIGKILL

        self._results.close()
        if os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            os.kill(self._pid, SIGKILL)
            os.waitpid(self._pid, 0)
