"""Comments in a file that switch rules off, and what is wrong with such comments.

The one thing to know: `# sendmailcf: disable=OP004` acts on the next logical line, or, where a comment further
down says `enable=OP004`, on all lines between the two; behind the text of a line it acts on that line alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, FrozenSet, Iterator, List, Optional, Tuple

from attrs import define, field, frozen

from ..document import COMMENTS_LEVEL, CfLines, Document
from ..nodes import RewritingRule
from ..record import Record
from ..text import blanked, nearest
from .documents import KINDS, MARK
from .problem import Problem, Severity
from .rule import RULES, Found, named, rule

if TYPE_CHECKING:
    from .context import Context

#: Compiled where a file holds the word at all.
_COMMENT = (
    r"#[# \t]*sendmailcf:[ \t]*(?P<verb>(?:disable-file|disable|enable)(?![\w-])|[\w-]+(?=[ \t]*=))"
    r"(?:[ \t]*=[ \t]*(?P<names>[\w-]+(?:[ \t]*,[ \t]*[\w-]+)*))?"
)
_VERBS = ("disable-file", "disable", "enable")


def codes_of(text: str) -> FrozenSet[str]:
    """The codes of the rules that a code, a name or the beginning of codes (OP, OP0) means; none if it is nothing."""
    one = named(text)
    if one is not None:
        return frozenset((one.code,))
    prefix = text.upper()
    return frozenset(code for code in RULES if len(prefix) > 1 and code.startswith(prefix))


@frozen(eq=False, repr=False)
class Comment(Record):
    """A comment to the linter.

    index: its logical line.  start, end: its place in the text of that line.  verb: what it orders.  names: the
    rules as it has them, with their places; none for all rules.  own: whether it is all of its line.  text:
    whether it is no comment to sendmail, but part of what the line says.
    """

    index: int
    start: int
    end: int
    verb: str
    names: Tuple[Tuple[str, int], ...]
    own: bool
    text: bool = False


@define(eq=False, repr=False)
class Entry:
    """Rules that are off on some lines.

    comment: which says so.  name: the rule as it has it, "" for all.  place: where that stands, from and to.
    codes: of the rules, or None for all.  first, last: the lines, both included; last None for all of the file.
    used: whether it has covered a problem.
    """

    comment: Comment
    name: str
    place: Tuple[int, int]
    codes: Optional[FrozenSet[str]]
    first: int
    last: Optional[int]
    used: bool = field(default=False, init=False)

    def covers(self, problem: Problem) -> bool:
        """Whether a problem is one that shall not be told."""
        if self.codes is not None and problem.code not in self.codes:
            return False
        return self.last is None or (problem.index is not None and self.first <= problem.index <= self.last)


class Suppressions:
    """What the comments of a file switch off.

    comments: all of them, in their order.  entries: what they switch off.  unmatched: those that end what nothing
    has begun.
    """

    def __init__(self, document: Document[Any]) -> None:
        self.comments = list(_comments(document))
        self.entries: List[Entry] = []
        self.unmatched: List[Comment] = []
        own = {one.index for one in self.comments if one.own}
        for one in self.comments:
            if one.text or one.verb not in _VERBS:
                continue
            if one.verb == "enable":
                self._end(one)
                continue
            first, last = one.index, one.index
            if one.own:
                first = last = next(at for at in range(one.index + 1, len(document) + 1) if at not in own)
            names = one.names or (("", one.start),)
            for name, at in names:
                place = (at, at + len(name)) if name else (one.start, one.end)
                codes = codes_of(name) if name else None
                whole = one.verb == "disable-file"
                if codes is None or codes:
                    self.entries.append(Entry(one, name, place, codes, first, None if whole else last))

    def _end(self, end: Comment) -> None:
        for name in [name for name, _ in end.names] or [""]:
            codes = codes_of(name) if name else None
            begun = [
                entry for entry in self.entries
                if entry.comment.own and entry.comment.verb == "disable" and entry.codes == codes
            ]  # fmt: skip
            if begun:
                begun[-1].last = end.index
            elif codes is None or codes:
                self.unmatched.append(end)

    def covers(self, problem: Problem) -> bool:
        """Whether a problem shall not be told; each entry that says so is marked as used."""
        found = [entry for entry in self.entries if entry.covers(problem)]
        for entry in found:
            entry.used = True
        return bool(found)


def _comments(document: Document[Any]) -> Iterator[Comment]:
    for index in range(len(document)):
        text = document.raw(index)
        if MARK not in text:
            continue
        text = document.text(index)
        for found in re.finditer(_COMMENT, text):
            start = found.start()
            own = start == 0
            names = tuple(
                (one.group(), found.start("names") + one.start())
                for one in re.finditer(r"[\w-]+", found.group("names") or "")
            )
            comment = own or _is_comment(document, index, text, start)
            yield Comment(index, start, found.end(), found.group("verb"), names, own, not comment)


def _is_comment(document: Document[Any], index: int, text: str, at: int) -> bool:
    """Whether sendmail takes what begins at a place within a line as a comment."""
    if not isinstance(document, CfLines):
        return False
    if text[0] == "#":
        return True
    node = document[index]
    if isinstance(node, RewritingRule) and node.comment and at >= len(text) - len(node.comment):
        return True
    return document.level(index) >= COMMENTS_LEVEL and blanked(text[1:])[at - 1] == " "


@rule("CF900", "suppression-unused", Severity.INFO, kinds=KINDS)
def suppression_unused(context: Context) -> Iterator[Found]:
    """A comment switches a rule off that finds nothing there.

    The mistake was mended, or the comment stands in the wrong place.  A rule that needs the files around finds
    nothing where a file is checked alone.

    Bad:
        # sendmailcf: disable=OP001
        O MaxHopCount=30
    Good:
        # sendmailcf: disable=OP017
        O CheckAliases=1
    Good:
        # sendmailcf: disable=option-bool
        O CheckAliases=1
        # sendmailcf: enable=option-bool
    """
    made = context.suppressions
    if made is None:
        return
    for problem in context.problems:
        made.covers(problem)
    for entry in made.entries:
        if not entry.used and not (entry.codes and all(code.startswith("CF90") for code in entry.codes)):
            what = entry.name or "rule"
            yield Found(entry.comment.index, f"no {what} is found here that could be disabled", *entry.place)
    for comment in made.unmatched:
        message = "nothing was disabled above that could be enabled again"
        yield Found(comment.index, message, comment.start, comment.end)


@rule("CF901", "suppression-unknown", Severity.WARNING, kinds=KINDS)
def suppression_unknown(context: Context) -> Iterator[Found]:
    """A comment to the linter names no rule, or orders what there is not.

    Nothing is switched off by it.

    Bad:
        # sendmailcf: disable=OP1001
        O MaxHopCount=30
    Bad:
        # sendmailcf: ignore=OP001
        O MaxHopCount=30
    Good:
        # sendmailcf: disable=OP017
        O CheckAliases=1
    """
    for one in () if context.suppressions is None else context.suppressions.comments:
        if one.text:
            continue
        if one.verb not in _VERBS:
            message = f"there is no {one.verb}: write disable, enable or disable-file"
            yield Found(one.index, message, one.start, one.end, hint="disable")
            continue
        if not one.own and one.verb != "disable":
            yield Found(one.index, f"{one.verb} must stand on a line of its own", one.start, one.end)
        for name, at in one.names:
            if not codes_of(name):
                yield Found(one.index, f"there is no rule {name}", at, at + len(name), hint=rule_meant(name))


@rule("CF902", "suppression-not-comment", Severity.WARNING, kinds=KINDS)
def suppression_not_comment(context: Context) -> Iterator[Found]:
    """What looks like a comment to the linter is part of the line.

    In a map source a `#` begins a comment only where it is the first character of a line; in a sendmail.cf of a
    version below 3, too.  Here it is part of the value.

    Bad (as access):
        example.com<TAB>RELAY # sendmailcf: disable=OP001
    Good (as access):
        # sendmailcf: disable-file=CF900
        example.com<TAB>RELAY
    """
    for one in () if context.suppressions is None else context.suppressions.comments:
        if one.text:
            yield Found(one.index, "this is no comment but part of the line", one.start, one.end)


def rule_meant(text: str) -> Optional[str]:
    """The code or name of a rule that was probably meant."""
    words = [*RULES, *(one.name for one in RULES.values())]
    cased = text.upper() if len(text) < 7 else text.lower()
    return nearest(cased, words)
