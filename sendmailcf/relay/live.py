"""What the running host says: its service, and its queue as `mailq` prints it.

The one thing to know: values only; the commands are run by `sendmailcf.running`, and the words of mailq are read as
`sendmailcf explain` reads them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Optional, Tuple

from attrs import frozen

from ..record import Record

if TYPE_CHECKING:
    from .explain import Group

RUNNING, STOPPED, NOT_KNOWN = "running", "stopped", "not known"


@frozen(eq=False, repr=False)
class Service(Record):
    """The daemon.

    state: running, stopped or not known.  by: who says so.  started: seconds since the epoch, or None.
    """

    state: str
    by: str
    started: Optional[float] = None


@frozen(eq=False, repr=False)
class Queue(Record):
    """messages: how many wait.  reasons: why, as sendmail says it, with counts, the most frequent first.

    A message whose recipients wait for several reasons counts for each.
    """

    messages: int
    reasons: Tuple[Tuple[str, int], ...]


@frozen(eq=False, repr=False)
class Live(Record):
    """queue: None where it could not be asked; `problem` then says why.  server_name: as ${server_name} will be for the
    host of DS, asked of the DNS; empty where that gave nothing."""

    service: Service
    queue: Optional[Queue]
    problem: str = ""
    server_name: str = ""


_TOTAL = r"(?m)^[ \t]*Total requests: ([0-9]+)"
#: What sendmail before 8.12 says.
_EMPTY = "Mail queue is empty"


def read_mailq(text: str) -> Optional[Queue]:
    """The queue in the words of `mailq` (of `mailq -v`, too); None if this is no output of it."""
    from .causes import QUEUED
    from .explain import explain

    found = explain(text.split("\n"))
    totals = [int(count) for count in re.findall(_TOTAL, text)]
    if _EMPTY not in text and "mailq" not in found.read:
        return None
    waiting = [group for group in found.groups if group.fate == QUEUED]
    counted = sum(group.count for group in waiting)
    reasons = sorted(((_reason(group), group.count) for group in waiting), key=lambda one: (-one[1], one[0]))
    return Queue(sum(totals) if totals else counted, tuple(reasons))


def _reason(group: Group) -> str:
    said = re.fullmatch(r"\((.*)\)", group.example)
    return said.group(1) if said is not None else group.rows[0].title
