"""MA: macros and classes.

The one thing to know: a name is one character, or several in braces; sendmail numbers them, and a name that
it cannot number is an error wherever it stands.
"""

from __future__ import annotations

import re
from typing import Iterator

from ...document import COMMENTS_LEVEL
from ...nodes import LINES, BadLine, Blank, Comment, Line
from ...text import blanked
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

#: A name in braces behind a dollar, as far as it goes.
_BRACED = re.compile(r"\$(?:\$|[=~&?]?(?:(?P<name>\{[^}]*\}?)|.))", re.DOTALL)
_NAME = re.compile(r"\{[A-Za-z0-9_]{1,25}\}")
_EXPANDING = tuple(cls for cls in LINES if cls not in (Blank, Comment))


@rule(
    "MA001", "macro-bad-name", Severity.ERROR, bad="DCF", reported="E", consequence="sendmail does not start"
)
def macro_bad_name(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A D, C or F line has no name that sendmail takes.

    Bad:
        D{a-b}x
    Bad:
        D{}x
    Bad:
        C{ab x
    Good:
        D{a_b}x
    """
    text = node.text
    found = re.match(r"\{[^}\n]*\}?", text[1:])
    if text[1:2] in ("", "\n", "\0", "}"):
        yield Found(index, f"the {text[0]} line has no name")
    elif found and not _NAME.fullmatch(found.group()):
        yield Found(index, _bad_name(found.group()), 1, 1 + found.end())


@rule(
    "MA002",
    "macro-bad-reference",
    Severity.ERROR,
    *_EXPANDING,
    reported="E",
    consequence="sendmail does not start",
)
def macro_bad_reference(context: Context, index: int, node: Line) -> Iterator[Found]:
    """A macro or class is named in braces, and the name is none that sendmail takes.

    sendmail looks for names behind a dollar in every line, also where it then has no use for them.

    Bad:
        DA${a b}
    Bad:
        O HelpFile=/etc/mail/${x
    Good:
        DA${a_b}
    """
    text = context.document.text(index)
    if "{" not in text:
        return
    if context.reading.level >= COMMENTS_LEVEL:
        text = text[:1] + blanked(text[1:])
    for found in _BRACED.finditer(text):
        name = found.group("name")
        if name is not None and not _NAME.fullmatch(name):
            yield Found(index, _bad_name(name), *found.span("name"))


def _bad_name(name: str) -> str:
    if not name.endswith("}"):
        return "the name in braces has no end"
    return f"{name} is no name: 1 to 25 letters, digits and underscores"
