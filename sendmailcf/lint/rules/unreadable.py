"""CF: the lines that sendmail refuses, where no rule has said why.

The one thing to know: this module is imported last, so that its rule looks last.
"""

from __future__ import annotations

import re
from typing import Iterator

from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

#: The rules know of each S, Q and F line whether it is taken.  The first byte of a character is a name, and so is a
#: line feed behind a comment.
_TAKEN = re.compile(r"[SQ]|F(?!#)|[DCF](?:[^\0-\x7f]|#[^\n\0]*\n[ \t\n\v\f\r]*[^# \t\n\v\f\r\0])")


@rule("CF099", "line-unreadable", Severity.ERROR, reported="E", consequence="sendmail does not start")
def line_unreadable(context: Context) -> Iterator[Found]:
    """A line begins as a command does, and cannot be read as one.

    Bad:
        C#x
    Good:
        Cxx
    """
    for index in context.unreadable:
        if index not in context.refused and not _TAKEN.match(context.cf.text(index)):
            yield Found(index, f"sendmail cannot read this {context.cf.text(index)[:1]} line")
