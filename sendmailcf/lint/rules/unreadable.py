"""CF: the lines that sendmail refuses, where no rule has said why.

The one thing to know: this module is imported last, so that its rule looks last.
"""

from __future__ import annotations

from typing import Iterator

from ..context import Context
from ..problem import Severity
from ..rule import Found, rule


@rule("CF099", "line-unreadable", Severity.ERROR, reported="E", consequence="sendmail does not start")
def line_unreadable(context: Context) -> Iterator[Found]:
    """A line begins as a command does, and cannot be read as one.

    Bad:
        C#x
    Good:
        Cxx
    """
    for index in context.unreadable:
        # The rules on rulesets and queue groups know of each S and Q line whether it is taken.
        if index not in context.refused and context.cf.text(index)[:1] not in ("S", "Q"):
            yield Found(index, f"sendmail cannot read this {context.cf.text(index)[:1]} line")
