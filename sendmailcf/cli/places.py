"""Where the files are that shall be checked, and how the files that they name are found.

The one thing to know: a sendmail.cf that stands where sendmail reads it is checked with all it names; one in a
directory that was given, with those files of it that lie in that directory; any other alone.
"""

from __future__ import annotations

import os
import re
from functools import cache
from typing import TYPE_CHECKING, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from attrs import frozen

from .. import files
from ..errors import SettingsError
from ..lint.documents import CF, kind_of, sources
from ..lint.selection import Configured, matches
from ..record import Record

if TYPE_CHECKING:
    from ..relay.host import Facts

MAIL = "/etc/mail"
_HOME = re.compile(r"(.*)/etc(?:/mail)?/[^/]+\.cf")
_NOT_OURS = {"main.cf", "master.cf", "dynamicmaps.cf"}
_LOOKS_LIKE = rb"(?m)^(?:V[0-9]+|O [A-Z]|S[0-9A-Za-z]|M[a-z]+, *P=|D[a-zA-Z{])"


@frozen(eq=False, repr=False)
class Job(Record):
    """A file to check.

    path: as it was given or found; "-" for standard input.  around: the files that it may see: "" none, else the
    root, or for `copy` the directory, of which they are.
    """

    path: str
    around: str = ""
    copy: bool = False

    def look(self) -> Optional[Callable[[str], Facts]]:
        """A function from a path, as a sendmail.cf has it, to what is known of that file."""
        if not self.around:
            return None
        return cache(lambda path: Copy(path, self.around) if self.copy else files.Facts(path, self.around))

    def shown(self, path: str) -> str:
        """The name on this machine of a file that a sendmail.cf names."""
        if self.copy:
            return os.path.join(self.around, os.path.basename(path))
        return path if self.around == "/" else self.around.rstrip("/") + path


class Copy:
    """Facts of a file of which only a copy is here: its contents, but nothing of its owner and mode.

    What does not lie in /etc/mail is not known, which is not to say that it is missing.
    """

    def __init__(self, path: str, directory: str) -> None:
        self.path = path
        self.data: Optional[bytes] = None
        self.problem: Optional[str] = "there is no copy of it"
        self.missing = self.irregular = self.judged = False
        self.modified = 0.0
        self.mode, self.uid, self.gid, self.links = 0o600, 0, 0, 1
        self.directories: Sequence[Tuple[str, int, int]] = ()
        self.real = os.path.join(directory, os.path.basename(path))
        if os.path.dirname(path) == MAIL and os.path.isfile(self.real):
            try:
                self.data, self.problem = files.read(self.real), None
            except OSError as error:
                self.problem = error.strerror


def jobs(
    paths: Sequence[str], root: Optional[str], settings: Callable[[str], Configured]
) -> Iterator[Job]:
    """What there is to check, in the order of the paths; each file once.

    paths: files, directories, or - for standard input.  root: the directory that stands for /, or None to judge by
    the paths.  settings: those of a directory.  Raises OSError for a path that is not there.
    """
    seen: Dict[str, None] = {}
    for path in paths:
        if path == "-":
            yield Job(path, root or "")
        elif os.path.isdir(path):
            for one in _inside(path, root, settings):
                if os.path.abspath(one.path) not in seen:
                    seen[os.path.abspath(one.path)] = None
                    yield one
        else:
            home = _HOME.fullmatch(os.path.abspath(path))
            here = root or ("/" if home and not home.group(1) else "")
            if os.path.abspath(path) not in seen:
                seen[os.path.abspath(path)] = None
                yield Job(path, here)


def _inside(top: str, root: Optional[str], settings: Callable[[str], Configured]) -> Iterator[Job]:
    """The files of a directory and those below it that sendmail reads, by their names."""
    count = 0
    for directory, below, names in os.walk(top):
        below[:] = sorted(name for name in below if not name.startswith("."))
        told = settings(os.path.abspath(directory))

        def wanted(name: str, directory: str = directory, told: Configured = told) -> bool:
            path = os.path.join(directory, name)
            from_base = os.path.relpath(os.path.abspath(path), told.base or os.getcwd())
            return os.path.isfile(path) and not any(matches(from_base, one) for one in told.exclude)

        configs = [name for name in sorted(names) if _is_config(directory, name) and wanted(name)]
        if configs or directory == top or os.path.basename(directory) in ("mail", "sendmail"):
            around, copy = _around(directory, root)
            others = [name for name in sorted(names) if _is_source(name, told) and wanted(name)]
            named = _named(directory, configs, around, copy) if others else set()
            others = [name for name in others if os.path.join(directory, name) not in named]
            for name in [*configs, *others]:
                count += 1
                yield Job(os.path.join(directory, name), around, copy)
    if not count:
        raise SettingsError(f"{top}: there is no file of sendmail in it")


def _named(directory: str, configs: Sequence[str], around: str, copy: bool) -> Set[str]:
    """The files that are checked with the sendmail.cf that names them."""
    found: Set[str] = set()
    for name in configs:
        job = Job(os.path.join(directory, name), around, copy)
        try:
            config = files.load(job.path)
        except OSError:
            continue
        found |= {job.shown(one.path) for one in sources(config)}
    return found


def _around(directory: str, root: Optional[str]) -> Tuple[str, bool]:
    if root is not None:
        return root, False
    if os.path.abspath(directory) == MAIL:
        return "/", False
    return directory, True


def _is_config(directory: str, name: str) -> bool:
    if not name.endswith(".cf") or name in _NOT_OURS:
        return False
    try:
        return re.search(_LOOKS_LIKE, files.read(os.path.join(directory, name))) is not None
    except OSError:
        return True  # checking it will say why it cannot be read


def _is_source(name: str, told: Configured) -> bool:
    return kind_of(name) != CF or any(matches(name, pattern) for pattern in told.kinds)


def kind_for(path: str, data: bytes, kinds: Mapping[str, str], from_base: str) -> str:
    """The kind of a file: by the settings, by its name, or by its first entry."""
    for pattern, kind in kinds.items():
        if matches(from_base, pattern):
            return kind
    kind = kind_of(path)
    if kind == CF and re.match(rb"(?:#[^\n]*\n|\n)*authinfo:", data[:65536].lower()):
        return "authinfo"
    return kind


def default_paths(root: Optional[str]) -> List[str]:
    """What is checked where no path is given: /etc/mail."""
    return [(root or "").rstrip("/") + MAIL]
