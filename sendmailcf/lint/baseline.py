"""A baseline: the problems that a project had when it took the linter on, which are not told again.

The one thing to know: it holds fingerprints, no line numbers and no text of the files, so it survives edits
elsewhere in a file and tells nothing of what stands in it.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Callable, Dict, Iterable, List, Mapping, Tuple

from ..errors import SettingsError
from .findings import Finding

_VERSION = 1
Known = Mapping[str, Mapping[str, str]]


def written(found: Iterable[Finding], name: Callable[[str], str]) -> str:
    """The text of a baseline that holds all these.  name: a file's name as the baseline has it."""
    files: Dict[str, Dict[str, str]] = {}
    for one in found:
        files.setdefault(name(one.path), {})[one.fingerprint] = one.problem.code
    ordered = {path: dict(sorted(files[path].items())) for path in sorted(files)}
    return json.dumps({"version": _VERSION, "files": ordered}, indent=1) + "\n"


def read(text: str, path: str) -> Known:
    """What a baseline holds: codes by fingerprint, by file.  Raises SettingsError for something else."""
    try:
        made = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path}: no baseline: {error}") from None
    if (
        not isinstance(made, dict)
        or made.get("version") != _VERSION
        or not isinstance(made.get("files"), dict)
    ):
        raise SettingsError(f"{path}: no baseline of version {_VERSION}: write it anew with --write-baseline")
    files: Known = made["files"]
    return files


def without(found: Iterable[Finding], known: Known, name: Callable[[str], str]) -> Tuple[List[Finding], int]:
    """The problems that a baseline does not hold, and how many it holds that are no longer there."""
    left, used = [], Counter[str]()
    for one in found:
        path = name(one.path)
        if one.fingerprint in known.get(path, ()):
            used[path] += 1
        else:
            left.append(one)
    gone = sum(len(known[path]) - count for path, count in used.items())
    return left, gone
