"""Fixing a file: fix, check again, until nothing is left to fix.

The one thing to know: what would read worse than before is never given back; the caller writes, or shows, what is.
"""

from __future__ import annotations

from typing import Callable, List, Tuple

from ..document import unified_diff
from ..errors import EditError
from . import Checked
from .documents import document as make
from .findings import shown
from .problem import Problem, Severity, apply_fixes

#: Fixes that make others possible are few; fixes that undo each other would go on for ever.
_ROUNDS = 20


def repaired(
    checked: Checked, told: Callable[[Checked], Checked], *, unsafe: bool = False
) -> Tuple[Checked, List[Problem]]:
    """A file with its fixes made, and the problems that were fixed.

    checked: as it is now, which stays as it is.  told: leaves of a checked file those problems that are told; only
    these are fixed.  Raises EditError where the file would read worse, or the fixes do not end.
    """
    now = before = told(checked)
    fixed: List[Problem] = []
    for _ in range(_ROUNDS):
        copy = make(bytes(now.document), now.kind, now.document.path)
        made = apply_fixes(copy, now.problems, unsafe=unsafe)
        if not made:
            break
        fixed += made
        now = told(checked.again(bytes(copy)))
    else:
        raise EditError("the fixes do not come to an end; nothing is changed")
    if _errors(now) > _errors(before):
        raise EditError("with the fixes there would be more errors than without; nothing is changed")
    return now, fixed


def _errors(checked: Checked) -> int:
    return sum(one.severity is Severity.ERROR for one in checked.problems)


def diff(before: Checked, after: Checked, path: str) -> str:
    """What the fixes change, as a unified diff with passwords masked; "" if nothing."""
    old, new = str(before.document), str(after.document)
    return unified_diff(old, new, path, lambda text: shown(before, text))
