"""Bytes and lines, as sendmail reads them: decoding, folding into logical lines, inline comments.

The one thing to know: sendmail takes a file as logical lines, a physical line and the indented
ones below it, and everything else in this package starts from that cut.  Only a line feed ends a
line; form feeds, lone carriage returns and NULs are data.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, List, Optional, Tuple, Union

_WHITE = " \t\n\v\f\r"
_LONGEST = (1 << 63) - 1
_LOGICAL = re.compile(r"[^\n]*(?:\n[ \t][^\n]*)*\n?")
_PHYSICAL = re.compile(r"[^\n]*\n?")
_MEANING = re.compile(
    r"""(?P<protected>\\\#)
      | (?P<shielded>\$[=~&?]?)\\\#
      | \$(?:\$|[=~&?]?(?:\{[^${}\n]*\}|[^\n]))
      | (?P<removed>[ \t\v\f\r]+\#[^\n]*|\#[^\n]*)
      | [ \t\v\f\r]+
      | (?P<crlf>\r(?=\n))""",
    re.VERBOSE,
)


def decode(data: Union[bytes, str]) -> str:
    """Text of any bytes at all; `encode` gives exactly these bytes back.

    >>> decode(b"D{x}\\xff")
    'D{x}\\udcff'
    """
    return data if isinstance(data, str) else data.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes of a text.  Raises UnicodeEncodeError for a surrogate that stands for no byte."""
    return text.encode("utf-8", "surrogateescape")


def fold(text: str) -> List[str]:
    """Cut into logical lines, each with its end of line; their concatenation is `text`.

    A physical line that begins with a blank or a tab continues the one above, whatever that is:
    a comment and an empty line can be continued too.
    """
    lines: List[str] = _LOGICAL.findall(text)
    lines.pop()  # the empty match at the end of the text
    return lines


def physical(text: str) -> List[str]:
    """Cut into physical lines, each with its end of line: what makemap reads."""
    lines: List[str] = _PHYSICAL.findall(text)
    lines.pop()
    return lines


def split_eol(line: str) -> Tuple[str, str]:
    """A line without its end, and the end: a line feed, CR LF, or nothing at the end of a file."""
    if line.endswith("\r\n"):
        return line[:-2], "\r\n"
    if line.endswith("\n"):
        return line[:-1], "\n"
    return line, ""


def meaning(raw: str) -> str:
    """What sendmail takes from a piece of a line: inline comments and protecting backslashes removed.

    The first byte of `raw` must not be the first of the line (a `#` there makes a comment line).
    White space at the end goes too; that of a folded line stays, with its line feed.
    """
    if "#" not in raw and "\0" not in raw and "\r" not in raw:
        return raw.rstrip(" \t\n\v\f\r")
    cut = raw.partition("\0")[0]

    def replace(found: re.Match[str]) -> str:
        if found.group("protected"):
            return "#"
        if found.group("shielded"):
            return found.group("shielded") + "#"
        return "" if found.group("removed") or found.group("crlf") else found.group()

    return _MEANING.sub(replace, cut).rstrip(" \t\n\v\f\r").replace("\r\n", "\n")


def blanked(raw: str) -> str:
    """`raw` with blanks in the place of inline comments and of all behind a NUL, so that places stay the same."""
    if "#" not in raw and "\0" not in raw:
        return raw
    cut = raw.partition("\0")[0]

    def replace(found: re.Match[str]) -> str:
        return " " * len(found.group()) if found.group("removed") else found.group()

    return _MEANING.sub(replace, cut).ljust(len(raw))


def hidden(text: str) -> Tuple[str, str]:
    """`text` with a character that it does not hold in the place of each `#`, and that character."""
    stand_in = next(c for c in map(chr, range(1, 0x110000)) if c not in text and c not in _WHITE)
    return text.replace("#", stand_in), stand_in


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> Optional[str]:
    """The known word that was probably meant; None where none is as much alike, from 0 to 1, as `alike`."""
    from difflib import get_close_matches  # which loads much, and is needed where something is wrong

    return next(iter(get_close_matches(word, list(known), 1, alike)), None)


def stored(text: str) -> bytes:
    """The bytes of a text as sendmail holds them: those that mean something to it stand behind a 0xff."""
    return re.sub(rb"[\x80-\x9f\xff]", b"\xff\\g<0>", encode(text))


def number(text: str) -> int:
    """A number as C's atol reads it: leading blanks, a sign, digits; garbage is 0, and the largest has 63 bits."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]*)", text)
    sign, digits = found.groups() if found else ("", "")
    value = int(digits or "0") if len(digits) < 20 else _LONGEST + 1
    return max(-value, -_LONGEST - 1) if sign == "-" else min(value, _LONGEST)


def short_number(text: str) -> int:
    """A number as C's atoi reads it: of the same number, what an int of 32 bits holds."""
    return ((number(text) + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
