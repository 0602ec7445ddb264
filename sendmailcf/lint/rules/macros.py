"""MA: macros and classes.

The one thing to know: a name is one character, or several in braces; sendmail numbers them, and a name that
it cannot number is an error wherever it stands.
"""

from __future__ import annotations

import re
from typing import Iterator

from ...nodes import BadLine
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule


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
    elif found and not found.group().endswith("}"):
        yield Found(index, "the name in braces has no end", 1, 1 + found.end())
    elif found and not re.fullmatch(r"\{[A-Za-z0-9_]{1,25}\}", found.group()):
        message = f"{found.group()} is no name: up to 25 letters, digits and underscores"
        yield Found(index, message, 1, 1 + found.end())
