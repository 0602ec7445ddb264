"""A problem as it leaves the linter: with the line it is about as that may be shown, and a name that stays.

The one thing to know: here passwords are masked, and everything that is printed is made from what stands here.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, List, Optional, Tuple

from attrs import evolve, frozen

from ..authinfo import MASK, PREFIX, masked
from ..config import Config
from ..nodes import BadLine
from ..record import Record
from ..text import split_eol
from . import Checked
from .documents import CF
from .problem import Problem

#: What may be a password anywhere: an item of AuthInfo.
_ITEM = re.compile(r"([\"'][Pp][:=])[^\"'\n]*")


@frozen(eq=False, repr=False)
class Finding(Record):
    """A problem that is told.

    source: the physical line on which it begins, passwords masked; "" where it is about no line.  marked: the
    characters of that line it is about, or None where they are masked.  path: the file's name.  count: which of the
    problems it is that are alike in its file, from 1.
    """

    problem: Problem
    path: str
    source: str
    marked: Optional[Tuple[int, int]]
    count: int = 1

    @property
    def alike(self) -> Tuple[str, str, str]:
        """What problems that are alike share; numbers of lines stand in some messages, and move."""
        message = self.problem.message
        if "line " in message:
            message = re.sub(r"\bline [0-9]+", "line", message)
        return self.problem.code, message, self.source

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits that stay when lines are moved, and tell it from all others of its file."""
        from hashlib import sha256  # it loads much, and few formats need it

        text = "\0".join((*self.alike, str(self.count)))
        return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def shown(checked: Checked, text: str) -> str:
    """A physical line of a file as it may be shown."""
    document = checked.document
    if checked.kind != CF:
        return document._shown(text)
    if text[: len(PREFIX)].lower() == PREFIX.lower():
        return masked(text)
    return _ITEM.sub(rf"\g<1>{MASK}", text)


def findings(checked: Checked, path: str) -> List[Finding]:
    """What is told of one file, in its order.  path: its name."""
    found = []
    seen: Dict[Tuple[str, str, str], int] = {}
    secret = bool(checked.problems) and _may_be_secret(checked)
    for problem in checked.problems:
        one = Finding(problem, path, *_line(checked, problem, secret))
        count = seen[one.alike] = seen.get(one.alike, 0) + 1
        found.append(one if count == 1 else evolve(one, count=count))
    return found


def _line(checked: Checked, problem: Problem, secret: bool) -> Tuple[str, Optional[Tuple[int, int]]]:
    if problem.index is None:
        return "", None
    document = checked.document
    lines = document.text(problem.index).split("\n")
    raw = split_eol(lines[problem.line - document.line_number(problem.index)])[0]
    if secret and isinstance(document[problem.index], BadLine):
        return MASK, None
    text = shown(checked, raw)
    start = problem.column - 1
    end = problem.end_column - 1 if problem.end_line == problem.line else len(raw)
    same = text == raw or text[:end] == raw[:end]
    return text, (start, max(end, start)) if same else None


def _may_be_secret(checked: Checked) -> bool:
    """Whether a file that is read as a sendmail.cf is something else, perhaps credentials under an odd name."""
    document = checked.document
    if not isinstance(document, Config) or document.version is not None:
        return False
    return all(isinstance(node, BadLine) for node in document if str(node) and str(node)[0] != "#")


def tally(found: Iterable[Finding]) -> Dict[str, int]:
    """How many there are of each severity, and how many of them have a fix that is safe."""
    counts = {"error": 0, "warning": 0, "info": 0, "fixable": 0}
    for one in found:
        counts[one.problem.severity.value] += 1
        counts["fixable"] += one.problem.fix is not None and one.problem.fix.safe
    return counts
