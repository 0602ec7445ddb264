"""CF: lines and bytes, and the V line.

The one thing to know: sendmail refuses each line that cannot be read; where no other rule has said why, the
last rule here says that it does.
"""

from __future__ import annotations

from typing import Iterator

from ...nodes import BY_LETTER, BadLine, VendorLine, Version
from ...values import number
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

#: The newest version that a sendmail.cf may have.
NEWEST_LEVEL = 10
_DEAD = "sendmail does not start"


@rule("CF001", "line-unknown", Severity.ERROR, BadLine, reported="E", consequence=_DEAD)
def line_unknown(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A line begins with a character that is no command.

    sendmail refuses the line, and with it the whole file.  Commands are upper-case letters.

    Bad:
        Zfoo
    Bad:
        dAfoo
    Good:
        DAfoo
    """
    letter = node.text[:1]
    if letter in (*BY_LETTER, "O") or letter in " \t\n\ufeff":
        return
    upper = letter.upper()
    known = letter.isascii() and (upper in BY_LETTER or upper == "O")
    yield Found(index, f"no command begins with {letter!r}", 0, 1, hint=upper if known else None)


@rule("CF002", "line-blank-indent", Severity.ERROR, BadLine, reported="E", consequence=_DEAD)
def line_blank_indent(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """An indented line stands below an empty one.

    An indented line continues the line above, and an empty line that goes on is no comment and no command:
    sendmail refuses it, even where the indented line holds nothing but blanks.

    Bad:
        DAx

         y
    Good:
        DAx
         y
    """
    if node.text[:1] == "\n":
        yield Found(index, "an indented line continues the empty line above it")


@rule("CF003", "line-indent-first", Severity.ERROR, BadLine, reported="E", consequence=_DEAD)
def line_indent_first(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """The first line of the file begins with white space.

    There is no line that it could continue: sendmail refuses it.

    Bad (start):
        <SP># a file
        V10/Berkeley
    Good (start):
        # a file
        V10/Berkeley
    """
    if node.text[:1] in (" ", "\t"):
        yield Found(index, "the first line begins with white space", 0, 1)


@rule("CF004", "line-bom", Severity.ERROR, BadLine, reported="E", consequence=_DEAD)
def line_bom(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """The file begins with a byte order mark.

    The mark is part of the first line, which sendmail then does not know; where that was the V line, the
    whole file is read as one of level 0.

    Bad (start):
        <BOM># a file
        V10/Berkeley
    Good (start):
        # a file
        V10/Berkeley
    """
    if node.text[:1] == "\ufeff":
        yield Found(index, "the file begins with a byte order mark (EF BB BF)", 0, 1)


@rule("CF010", "version-new", Severity.ERROR, Version, reported="E", consequence=_DEAD)
def version_new(context: Context, index: int, node: Version) -> Iterator[Found]:
    """The version of the file is newer than any sendmail knows.

    Bad (start):
        V11/Berkeley
    Good (start):
        V10/Berkeley
    """
    if number(node.level) > NEWEST_LEVEL:
        start = 1 + len(node.blank or "")
        message = f"version {node.level}: sendmail knows none above {NEWEST_LEVEL}"
        yield Found(index, message, start, start + len(node.level), hint=str(NEWEST_LEVEL))


@rule("CF011", "version-bad", Severity.ERROR, bad="V", reported="E", consequence=_DEAD)
def version_bad(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A V line has no number.

    Bad:
        Vx
    Good (start):
        V10/Berkeley
    """
    yield Found(index, "a V line is V, a number and perhaps a slash and a vendor, as in V10/Berkeley")


@rule("CF012", "version-vendor", Severity.ERROR, Version, reported="E", consequence=_DEAD)
def version_vendor(context: Context, index: int, node: Version) -> Iterator[Found]:
    """The vendor of the V line is not the one whose sendmail reads the file.

    sendmail of sendmail.org is of the vendor Berkeley; only that of Sun reads Sun's files.

    Bad (start):
        V10/Sun
    Bad (start):
        V10/ Berkeley
    Good (start):
        V10/Berkeley
    """
    vendor, known = (node.vendor or "")[1:], context.settings.vendor
    start = len(f"V{node.blank or ''}{node.level}") + 1
    if vendor and vendor.lower() not in (known.lower(), "berkeley"):
        yield Found(index, f"this sendmail knows no vendor {vendor}", start, start + len(vendor), hint=known)
    elif not vendor and (node.ignored or "")[:1] == "/":
        yield Found(index, "the vendor behind the slash is missing", start - 1, start, hint=known)


@rule("CF013", "version-missing", Severity.WARNING, reported="W")
def version_missing(context: Context) -> Iterator[Found]:
    """The file has no V line.

    sendmail reads it as one of level 0: a `#` inside a line begins no comment, and text in parentheses is
    none of a rule.

    Bad (start):
        # no V line
    Good (start):
        V10/Berkeley
    """
    if context.cf.version is None:
        yield Found(None, "there is no V line, so the file is read as one of level 0", hint="V10/Berkeley")


@rule("CF020", "line-of-sun", Severity.ERROR, VendorLine, reported="E", consequence=_DEAD)
def line_of_sun(context: Context, index: int, node: VendorLine) -> Iterator[Found]:
    """An L or G line stands in a file for a sendmail that is not Sun's.

    Bad:
        LAfoo
    Good:
        CAfoo
    """
    if context.settings.vendor.lower() != "sun":
        yield Found(index, f"only Sun's sendmail knows lines that begin with {node.letter}", 0, 1)


@rule("CF099", "line-unreadable", Severity.ERROR, reported="E", consequence=_DEAD)
def line_unreadable(context: Context) -> Iterator[Found]:
    """A line begins as a command does, and cannot be read as one.

    Bad:
        C#x
    Good:
        Cxx
    """
    for index in context.unreadable:
        # The rules on rulesets know of each S line whether it is taken.
        if index not in context.refused and context.cf.text(index)[:1] != "S":
            yield Found(index, f"sendmail cannot read this {context.cf.text(index)[:1]} line")
