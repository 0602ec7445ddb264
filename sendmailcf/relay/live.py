"""What the running host says: its service, and its queue as `mailq` prints it.

The one thing to know: values and their reading only; the commands are run by `sendmailcf.running`.  mailq prints a
line for each directory with its count, then for each message a line that begins with its identifier, the reason for
which it waits in parentheses below, and its recipients.
"""

from __future__ import annotations

import re
from typing import Dict, Optional, Tuple

from attrs import frozen

RUNNING, STOPPED, NOT_KNOWN = "running", "stopped", "not known"


@frozen
class Service:
    """The daemon.

    state: running, stopped or not known.  by: who says so.  started: seconds since the epoch, or None.
    """

    state: str
    by: str
    started: Optional[float] = None


@frozen
class Queue:
    """messages: how many wait.  reasons: why, as sendmail says it, with the count of each, the most frequent first."""

    messages: int
    reasons: Tuple[Tuple[str, int], ...]


@frozen
class Live:
    """service, queue: None where it could not be asked; `problem` then says why."""

    service: Service
    queue: Optional[Queue]
    problem: str = ""


_ENTRY = re.compile(r"([A-Za-z0-9]{8,})([*X?-]?)(?: +[0-9]+| +\(|$| )")
_REASON = re.compile(r"[ \t]+\((.*)\)$")
_EMPTY = re.compile(r"\S.* is empty$")
_TOTAL = re.compile(r"\t\tTotal requests: ([0-9]+)$")


def read_mailq(text: str) -> Optional[Queue]:
    """The queue in the words of `mailq` (of `mailq -v`, too); None if this is no output of it."""
    reasons: Dict[str, int] = {}
    messages, total, seen = 0, None, False
    pending = False
    for line in text.split("\n"):
        counted = _TOTAL.match(line)
        if counted is not None:
            total, seen = (total or 0) + int(counted.group(1)), True
        elif _EMPTY.match(line) or re.match(r"Mail queue is empty", line):
            seen = True
        elif _ENTRY.match(line) and not line.startswith("-"):
            if pending:
                _count(reasons, "no attempt yet")
            messages, pending, seen = messages + 1, True, True
        elif pending:
            reason = _REASON.match(line)
            if reason is not None:
                _count(reasons, reason.group(1))
                pending = False
    if pending:
        _count(reasons, "no attempt yet")
    if not seen:
        return None
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return Queue(max(messages, total or 0), tuple(ordered))


def _count(reasons: Dict[str, int], reason: str) -> None:
    reasons[reason] = reasons.get(reason, 0) + 1
