"""What a linter says: a problem with its place, and the edits that would repair it.

The one thing to know: a fix is made of nodes, never of text, and is written under the law of edits; one that
the law refuses changes nothing at all.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Iterable, List, Optional, Tuple

from attrs import frozen

from ..document import Document
from ..errors import EditError
from ..nodes import Node
from ..record import Record


class Severity(Enum):
    """How bad a problem is."""

    #: sendmail does not start, or mail fails.
    ERROR = "error"
    #: sendmail does, silently, something that was not meant.
    WARNING = "warning"
    #: Worth knowing.
    INFO = "info"


@frozen(eq=False, repr=False)
class Edit(Record):
    """What becomes of a line.

    index: the line, counted from 0, of the document as it was when it was checked.  nodes: what stands there
    afterwards: none removes the line.  insert: the line stays, and the nodes are put before it.
    """

    index: int
    nodes: Tuple[Node, ...] = ()
    insert: bool = False


@frozen(eq=False, repr=False)
class Fix(Record):
    """A repair.

    description: what it does, as an order: "Write MaxHopCount".  edits: all of them or none are made.  safe:
    whether sendmail then does what was plainly meant, whatever else is in the file; others need to be asked
    for.
    """

    description: str
    edits: Tuple[Edit, ...]
    safe: bool = True


@frozen(kw_only=True, eq=False, repr=False)
class Problem(Record):
    """Something wrong in a file.

    code, name: of the rule, as in CF001 and line-unknown.  message: what is wrong, without any secret.  path:
    the file, or None for one that came from nowhere.  line, column: where it begins, counted from 1, columns
    in characters; end_line, end_column: where it ends, the column exclusive.  sendmail_line: the line that
    sendmail names, which is the last one of a folded line; 0 for what it says without a line.  span: the
    place in bytes of the file, the second exclusive.  index: the logical line, counted from 0, or None for the
    whole file.  consequence: what sendmail does.  hint: what was probably meant.  fix: how to repair it.
    """

    code: str
    name: str
    severity: Severity
    message: str
    path: Optional[str] = None
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1
    sendmail_line: int = 0
    span: Tuple[int, int] = (0, 0)
    index: Optional[int] = None
    consequence: str = ""
    hint: Optional[str] = None
    fix: Optional[Fix] = None

    def __str__(self) -> str:
        place = f"{self.path or '<input>'}:{self.line}:{self.column}"
        hint = f"; did you mean {self.hint}?" if self.hint else ""
        return f"{place}: {self.severity.value}: {self.code} {self.name}: {self.message}{hint}"


def apply_fixes(
    document: Document[Any], problems: Iterable[Problem], *, unsafe: bool = False
) -> List[Problem]:
    """Make the fixes of problems in the document that was checked, and give the problems whose fix was made.

    Of two fixes that touch one line the first is made: check again for the other.  A fix that the law of
    edits refuses is left out.
    """
    taken: set[int] = set()
    chosen: List[Problem] = []
    for problem in problems:
        fix = problem.fix
        if fix is None or not (fix.safe or unsafe):
            continue
        touched = {edit.index for edit in fix.edits}
        if touched & taken or not _allowed(document, fix.edits):
            continue
        taken |= touched
        chosen.append(problem)
    # A V line that is edited changes how others are read: then not all that go alone go together.
    while chosen and not _allowed(document, _edits(chosen)):
        chosen.pop()
    _make(document, _edits(chosen))
    return chosen


def _edits(problems: Iterable[Problem]) -> List[Edit]:
    return [edit for problem in problems if problem.fix for edit in problem.fix.edits]


def _allowed(document: Document[Any], edits: Iterable[Edit]) -> bool:
    trial = type(document)(str(document), document.path)
    try:
        _make(trial, edits)
    except EditError:
        return False
    return True


def _make(document: Document[Any], edits: Iterable[Edit]) -> None:
    # From the bottom up, so that the places of those still to be made stay what they were.
    for edit in sorted(edits, key=lambda edit: edit.index, reverse=True):
        if edit.insert:
            document.insert(edit.index, *edit.nodes)
        elif edit.nodes:
            document.insert(edit.index + 1, *edit.nodes[1:])
            document.replace(edit.index, edit.nodes[0])
        else:
            document.remove(edit.index)
