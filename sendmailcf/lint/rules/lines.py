"""CF: lines and bytes, and the V line.

The one thing to know: sendmail refuses each line that cannot be read; where no other rule has said why, the
last rule here says that it does.
"""

from __future__ import annotations

import re
from typing import Iterator, Optional, Tuple

from ...document import COMMENTS_LEVEL
from ...nodes import (
    BY_LETTER,
    BadLine,
    Blank,
    ClassWords,
    Comment,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    Option,
    RewritingRule,
    Ruleset,
    VendorLine,
    Version,
    value_of,
)
from ...text import blanked, short_number
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
    # Of several V lines, the last one is judged when the file is read.
    if short_number(node.level) > NEWEST_LEVEL and [*context.cf.of_kind(Version)][-1][0] == index:
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


# What sendmail takes silently.


def _lines(context: Context, *patterns: re.Pattern[str]) -> Iterator[Tuple[int, Line, str, re.Match[str]]]:
    """The lines that can be read and in which one of the patterns is found, which is never more than a line holds."""
    cf = context.cf
    text = str(cf)
    places = {cf.index_at(found.start()) for pattern in patterns for found in pattern.finditer(text)}
    for index in sorted(places):
        node, text = cf[index], cf.text(index)
        at = next(filter(None, (pattern.search(text) for pattern in patterns)), None)
        if at and not isinstance(node, (Blank, BadLine)):
            yield index, node, text, at


_NUL = re.compile("\0")
_BACKSLASH = re.compile(r"\\\r?\Z|\\\r?\n")
_INDENTED_COMMENT = re.compile(r"\n[ \t]+#")
_WHITE_LINE = re.compile(r"\n[ \t][ \t\v\f\r]*(?=\n|\Z)")
_LONE_CR = re.compile(r"\r(?=[^\r\n])")
#: Where a `#` may be meant as one: behind a character that protects nothing, and in quotes.
_GLUED = re.compile(r"#(?<=[^ \t\v\f\r\n#$=~&?\\]#)")
_QUOTED = re.compile(r'"[^"\n#]*#[^"\n]*"')


@rule("CF005", "line-nul", Severity.WARNING)
def line_nul(context: Context) -> Iterator[Found]:
    """A line holds a NUL byte.

    For sendmail the line ends there; indented lines below it are lost, too.

    Bad:
        DAone<NUL>two
    Good:
        DAone two
    """
    for index, _, _, found in _lines(context, _NUL):
        yield Found(index, "the line ends for sendmail at a NUL byte", *found.span())


@rule("CF006", "line-backslash-continuation", Severity.WARNING)
def line_backslash_continuation(context: Context) -> Iterator[Found]:
    """A line ends in a backslash.

    It does not go on in the next line: only a blank or a tab at the beginning of a line continues the one above.

    Bad:
        DAone \\
        DBtwo
    Good:
        DAone
         two
    """
    for index, node, text, _ in _lines(context, _BACKSLASH):
        if text.endswith("\\") and not isinstance(node, (Comment, KeyFile)):
            yield Found(index, "a backslash does not continue a line", len(text) - 1, len(text))


_COMMAND = re.compile(
    r"\n[ \t]+(?:D(?:[A-Zjmnw]|\{\w+\})\S|C(?:[A-Zw]|\{\w+\})[^ \t]|O [A-Z][A-Za-z.]+=|K[a-z]\w* [a-z]+ |M\w+, |"
    r"S[a-z_A-Z]\w*=?[0-9]*$|R\$[^\n]*\t|V[0-9]+/)",
    re.MULTILINE | re.ASCII,
)


@rule("CF007", "line-indented-after-comment", Severity.WARNING)
def line_indented_after_comment(context: Context) -> Iterator[Found]:
    """An indented command stands below a comment.

    An indented line continues the line above: the command is part of the comment, and dead.

    Bad:
        # the relay
         DSrelay.example.com
    Good:
        # the relay
        DSrelay.example.com
    """
    for index, node, _, found in _lines(context, _COMMAND):
        if isinstance(node, Comment):
            place = found.start() + 1, found.end()
            yield Found(index, "the indented command is part of the comment above it", *place)


@rule("CF008", "line-indented-comment", Severity.INFO)
def line_indented_comment(context: Context) -> Iterator[Found]:
    """An indented comment stands below a command.

    It continues the command, which is harmless; but an indented line below it is a part of the command again.

    Bad:
        DAone
         # a comment
    Good:
        DAone
        # a comment
    """
    for index, node, _, found in _lines(context, _INDENTED_COMMENT):
        if not isinstance(node, Comment):
            place = found.start() + 1, found.end()
            yield Found(index, "the indented comment is part of the command above it", *place)


@rule("CF009", "line-whitespace-only", Severity.INFO)
def line_whitespace_only(context: Context) -> Iterator[Found]:
    """A line of nothing but white space stands below a command.

    It continues the command, which is harmless; below an empty line it would be an error.

    Bad:
        DAone
        <SP><SP>
        DBtwo
    Good:
        DAone

        DBtwo
    """
    for index, _, _, found in _lines(context, _WHITE_LINE):
        yield Found(
            index, "a line of white space continues the line above it", found.start() + 1, found.end()
        )


@rule("CF014", "line-cr", Severity.WARNING)
def line_cr(context: Context) -> Iterator[Found]:
    """A carriage return stands inside a line.

    Only a line feed ends a line, alone or behind a carriage return: what follows the lone one is part of this line.

    Bad:
        DAone<CR>DBtwo
    Good:
        DAone
        DBtwo
    """
    for index, _, _, found in _lines(context, _LONE_CR):
        yield Found(index, "a carriage return does not end a line", *found.span())


@rule("CF015", "line-crlf", Severity.INFO)
def line_crlf(context: Context) -> Iterator[Found]:
    """Lines end in CR LF, all or some of them.

    sendmail takes both.  A file with both was probably edited by two programs.

    Bad:
        DAone<CR>
    Good:
        DAone
    """
    text = str(context.document)
    crlf = text.count("\r\n")
    if crlf:
        both = "" if crlf == text.count("\n") else f", {crlf} of {text.count(chr(10))} of them"
        yield Found(None, f"lines end in CR LF{both}")


@rule(
    "CF016", "line-8bit", Severity.INFO, RewritingRule, Ruleset, MacroDefinition, ClassWords, MailerDefinition
)
def line_8bit(
    context: Context,
    index: int,
    node: RewritingRule | Ruleset | MacroDefinition | ClassWords | MailerDefinition,
) -> Iterator[Found]:
    """A rule or a name holds characters that are not ASCII.

    sendmail compares bytes, folds the case of none of these, and marks some of them internally.

    Bad:
        Sx
        Rcaf\u00e9<TAB>$@ ok
    Good:
        Sx
        Rcafe<TAB>$@ ok
    """
    texts = (node.lhs, node.rhs) if isinstance(node, RewritingRule) else (node.name,)
    if not all(map(str.isascii, texts)):
        yield Found(index, "a rule or name holds characters that are not ASCII")


#: Bytes of a line or value; the rest is cut off silently.
_MAX_BYTES = 2047


@rule("CF017", "line-too-long", Severity.WARNING, MacroDefinition, ClassWords, KeyFile, MailerDefinition)
def line_too_long(
    context: Context, index: int, node: MacroDefinition | ClassWords | KeyFile | MailerDefinition
) -> Iterator[Found]:
    """A value has more than 2047 bytes.

    sendmail cuts the rest off: a class loses members, and its last one may be half a word.

    Bad:
        C{Big}a <b*2048>
    Good:
        C{Big}a
        C{Big}<b*2000>
    """
    text = context.document.text(index)
    if len(text) <= _MAX_BYTES:
        return
    if isinstance(node, MailerDefinition):
        parts = [value_of(one.value) for one in node.equates]
    elif isinstance(node, MacroDefinition):
        parts = [value_of(node.value)]
    else:
        parts = [value_of(node.words if isinstance(node, ClassWords) else text[1:])]
    longest = max((len(part.encode("utf-8", "surrogateescape")) for part in parts), default=0)
    if longest > _MAX_BYTES:
        yield Found(index, f"sendmail cuts off {longest - _MAX_BYTES} of the {longest} bytes")


@rule("CF018", "comment-in-quotes", Severity.WARNING)
def comment_in_quotes(context: Context) -> Iterator[Found]:
    """A `#` inside of a value begins a comment.

    It does so in quotes, too, and in the middle of a word.  `\\#` is a `#`.

    Bad:
        Sx
        R$*<TAB>$#error $@ 5.7.1 $: "550 #1 refused"
    Bad:
        DAone#two
    Good:
        Sx
        R$*<TAB>$#error $@ 5.7.1 $: "550 \\#1 refused"
    """
    if context.reading.level < COMMENTS_LEVEL:
        return
    for index, node, text, _ in _lines(context, _GLUED, _QUOTED):
        place = None if isinstance(node, Comment) else _lost(node, text)
        if place is not None:
            yield Found(index, "the # begins a comment; write \\#", place, place + 1)


def _lost(node: Line, text: str) -> Optional[int]:
    """Where a comment begins that was probably meant as text."""
    clean, at = text[:1] + blanked(text[1:]), 0
    for line in text.split("\n"):
        place = next((at + i for i, char in enumerate(line) if char == "#" and clean[at + i] != "#"), None)
        if place is not None and not (isinstance(node, RewritingRule) and place > _end_of_rule(node)):
            before, lost = text[at:place], text[place : at + len(line)]
            glued = before[-1:].strip(" \t\v\f\r") and before[1:]
            if glued or (before.count('"') % 2 and '"' in lost):
                return place
        at += len(line) + 1
    return None


def _end_of_rule(node: RewritingRule) -> int:
    """Where the third field of a rule begins, in which anything may stand."""
    return len(f"R{node.lhs}{node.tabs}{node.rhs}{(node.comment or '').partition(chr(9))[0]}")


@rule("CF019", "comment-swallows-value", Severity.INFO, Option)
def comment_swallows_value(context: Context, index: int, node: Option) -> Iterator[Found]:
    """Behind `=` stands nothing but a comment.

    The option is set, to an empty value, which is True for some.

    Bad:
        O FallbackMXhost= # none
    Good:
        #O FallbackMXhost=
    """
    if node.equals and not node.value and "#" in (node.comment or ""):
        yield Found(index, f"{node.name} is set to an empty value")


@rule("CF021", "version-late", Severity.WARNING)
def version_late(context: Context) -> Iterator[Found]:
    """Commands stand above the V line.

    They are read with level 0: a `#` inside them begins no comment, and text in parentheses is no part of a rule.
    Other commands are not judged.

    Bad (start):
        DAone # two
        V10/Berkeley
    Good (start):
        V10/Berkeley
        DAone
    """
    first = next(((at, node) for at, node in context.cf.of_kind(Version)), None)
    if first is not None:
        above = next((at for at in range(first[0]) if _needs_level(context, at)), None)
        if above is not None:
            line = context.cf.line_number(above)
            yield Found(first[0], f"the V line stands below commands, from line {line} on")


def _needs_level(context: Context, index: int) -> bool:
    """Whether a line is read in another way below level 3 or 9."""
    node = context.cf[index]
    plain = isinstance(node, (Comment, BadLine))
    return isinstance(node, RewritingRule) or (not plain and "#" in context.cf.text(index)[1:])


@rule("CF022", "version-old", Severity.WARNING, Version, reported="W")
def version_old(context: Context, index: int, node: Version) -> Iterator[Found]:
    """The version of the file is older than that of sendmail.

    sendmail reads the file by the old rules: below 9, text in parentheses is no part of a rule; below 7, `$o` sets
    the operators; below 3, a `#` inside a line begins no comment.

    Bad (start):
        V9/Berkeley
    Good (start):
        V10/Berkeley
    """
    if short_number(node.level) < NEWEST_LEVEL:
        start = 1 + len(node.blank or "")
        message = f"version {node.level} is older than {NEWEST_LEVEL}"
        yield Found(index, message, start, start + len(node.level), hint=str(NEWEST_LEVEL))


@rule("CF023", "version-twice", Severity.WARNING)
def version_twice(context: Context) -> Iterator[Found]:
    """There are two V lines.

    Each counts for the lines below it.

    Bad (start):
        V10/Berkeley
        V10/Berkeley
    Good (start):
        V10/Berkeley
    """
    lines = list(context.cf.of_kind(Version))
    for at, _ in lines[1:]:
        yield Found(at, f"there is a V line on line {context.cf.line_number(lines[0][0])}")
