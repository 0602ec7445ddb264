"""What `sendmailcf check` does with one file, and with many.

The one thing to know: what is wrong with one file never keeps the others from being checked; a fixed file is written
whole, after it was checked again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from attrs import define, evolve, field

from .. import files
from ..config import Config
from ..errors import EditError, SendmailCfError, SettingsError
from ..lint import Checked, Settings, checked, document, lint_files
from ..lint.documents import CF
from ..lint.findings import Finding, findings
from ..lint.selection import Configured, Selection
from ..lint.settings import DEFAULT_FLAGS
from .places import Job, kind_for
from .workers import shared

#: Seconds after which a terminal is told how far the work is, and between two such words.
_PATIENCE, _STEP = 1.0, 0.1


@define(eq=False, repr=False)
class Outcome:
    """What became of one job.

    paths: the files that were checked.  found: what is told of them.  fixed: how many problems were fixed.  diff: what
    the fixes change.  failure: why something could not be done, or "".  output: standard input as it is when fixed.
    """

    paths: List[str] = field(factory=list)
    found: List[Finding] = field(factory=list)
    fixed: int = 0
    diff: str = ""
    failure: str = ""
    output: bytes = b""


def split(text: Optional[str]) -> Tuple[str, ...]:
    """The words of a list on the command line."""
    return tuple((text or "").replace(",", " ").split())


class Checker:
    """The settings of a run, and what is done with a file under them.

    args: of `sendmailcf check`.  Raises SettingsError and OSError for settings that make no sense.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self.root = None if args.root is None else os.path.abspath(args.root)
        self._args = args
        self._merged: Dict[int, Tuple[Configured, Configured, Selection]] = {}
        self._found: Dict[str, Configured] = {}
        self._given: Optional[Configured] = Configured() if args.isolated else None
        self._version: Optional[str] = args.sendmail_version
        self._flags: Optional[Tuple[str, ...]] = None if args.flags is None else split(args.flags)
        if args.config:
            from .project import settings_in

            self._given = settings_in(args.config)
            if self._given is None:
                raise SettingsError(f"{args.config}: there is no table [tool.sendmailcf]")
        if args.probe or args.sendmail:
            from .installed import probe

            version, flags = probe(args.sendmail)
            self._version = self._version or version
            self._flags = tuple(flags) if self._flags is None else self._flags

    def settings(self, directory: str) -> Configured:
        """The settings for files of an absolute directory, those of the command line on top."""
        return self._settings(directory)[1]

    def _settings(self, directory: str) -> Tuple[Configured, Configured, Selection]:
        base = self._given
        if base is None:
            from .project import settings_for

            base = settings_for(directory, self._found)
        if id(base) not in self._merged:
            args = self._args
            made = evolve(
                base,
                profile=args.profile or base.profile,
                select=split(args.select) or (None if args.profile else base.select),
                extend_select=(*base.extend_select, *split(args.extend_select)),
                ignore=(*base.ignore, *split(args.ignore)),
                version=self._version or base.version,
                flags=base.flags if self._flags is None else self._flags,
            )
            self._merged[id(base)] = base, made, Selection(made)
        return self._merged[id(base)]

    def run(self, job: Job) -> Outcome:
        """Check a file, and fix it if that is wanted.  Never raises for what is wrong with one file."""
        outcome = Outcome()
        try:
            self._run(job, outcome)
        except OSError as error:
            outcome.failure = f"{error.filename or job.path}: {error.strerror or error}"
        except SettingsError as error:
            outcome.failure = str(error)
        except SendmailCfError as error:
            outcome.failure = f"{job.path}: {error}"
        return outcome

    def _run(self, job: Job, outcome: Outcome) -> None:
        args = self._args
        given = job.path == "-"
        name = (args.stdin_filename or "<stdin>") if given else job.path
        data = sys.stdin.buffer.read() if given else files.read(job.path)
        _, settings, selection = self._settings(os.path.dirname(os.path.abspath(name)))
        from_base = _relative_to(settings.base or os.getcwd())

        def path_of(one: Checked) -> str:
            path = one.document.path or name
            return name if path == name else job.shown(path)

        def told(one: Checked) -> Checked:
            path = path_of(one)
            problems = [
                problem if problem.path == path else evolve(problem, path=path) for problem in one.problems
            ]
            return evolve(one, problems=selection.told(problems, from_base(path)))

        kind = args.kind or kind_for(name, data, settings.kinds, from_base(name))
        for one in _checked(data, name, kind, job, settings):
            path, seen = path_of(one), told(one)
            outcome.paths.append(path)
            if (args.fix or args.unsafe_fixes or args.diff) and any(problem.fix for problem in seen.problems):
                seen = self._fix(one, told, path, given, outcome)
            if given and path == name:
                outcome.output = bytes(seen.document)
            outcome.found += findings(seen, path)

    def _fix(
        self, one: Checked, told: Callable[[Checked], Checked], path: str, given: bool, outcome: Outcome
    ) -> Checked:
        from ..lint import repair

        try:
            after, fixed = repair.repaired(one, told, unsafe=self._args.unsafe_fixes)
        except EditError as error:
            outcome.failure = f"{path}: {error}"
            return told(one)
        outcome.diff += repair.diff(one, after, path)
        outcome.fixed += len(fixed)
        old, new = bytes(one.document), bytes(after.document)
        if new != old and not given and not self._args.diff:
            files.replace(files.resolve(os.path.abspath(path)), new, expected=old)
        return after


def _relative_to(base: str) -> Callable[[str], str]:
    return lambda path: os.path.relpath(os.path.abspath(path), base).replace(os.sep, "/")


def _checked(data: bytes, name: str, kind: str, job: Job, told: Configured) -> Iterable[Checked]:
    """A file, and, where it is a sendmail.cf whose files may be seen, those that it names."""
    settings = Settings(
        version=told.version or Settings().version,
        flags=DEFAULT_FLAGS if told.flags is None else told.flags,
        vendor=told.vendor or Settings().vendor,
    )
    made = document(data, kind, name)
    look = job.look() if kind == CF else None
    if look is not None and isinstance(made, Config):
        return lint_files(made, look, path=name, settings=settings)
    return [checked(made, kind, path=name, settings=settings)]


def run_all(checker: Checker, todo: Sequence[Job], processes: int, *, telling: bool) -> Iterator[Outcome]:
    """What becomes of each job, in their order.  telling: whether standard error is told how far it is."""
    begin = last = time.monotonic()
    for count, outcome in enumerate(shared(checker.run, todo, processes, _lost), 1):
        yield outcome
        now = time.monotonic()
        if telling and now - begin > _PATIENCE and now - last > _STEP:
            last = now
            sys.stderr.write(f"\r{count} of {len(todo)} files checked\x1b[K")
            sys.stderr.flush()
    if telling and last != begin:
        sys.stderr.write("\r\x1b[K")


def _lost(job: Job) -> Outcome:
    return Outcome(failure=f"{job.path}: the process that checked it has ended")
