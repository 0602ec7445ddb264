"""A file as its lines: insert, replace, remove, and the one law of edits.

The one thing to know: an edited line must read back as itself.  It is checked here and only here, so
that a value with a line feed never becomes a second line and a `#` never cuts a value short.  Lines
are addressed by index; positions are counted when asked for.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from array import array
from bisect import bisect
from collections import defaultdict
from contextlib import contextmanager
from functools import cache, partial
from itertools import accumulate, chain, islice
from typing import (
    TYPE_CHECKING,
    Callable,
    Dict,
    Generic,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    Union,
)

from . import nodes
from .errors import EditError
from .nodes import BadLine, Comment, Line, Node, uncut
from .text import decode, encode, fold, hidden, physical, short_number, split_eol

if TYPE_CHECKING:
    from . import grammar

N = TypeVar("N", bound=Node)


class Lines:
    """The lines of a text, as a list of them would be, but only their places are kept until one of them is edited."""

    __slots__ = ("_ends", "_feeds", "_list", "_text")

    def __init__(self, text: str, cut: Callable[[str], List[str]]) -> None:
        self._text = text
        self._ends = array("I" if len(text) < 1 << 32 else "Q", accumulate(map(len, cut(text))))
        self._list: Optional[List[str]] = None
        #: Where each physical line ends, once somebody has asked for one.
        self._feeds: Optional[List[int]] = None

    def __len__(self) -> int:
        return len(self._ends if self._list is None else self._list)

    def __getitem__(self, index: int) -> str:
        if self._list is not None:
            return self._list[index]
        ends = self._ends
        end = ends[index]
        if index < 0:
            index += len(ends)
        return self._text[ends[index - 1] if index else 0 : end]

    def __iter__(self) -> Iterator[str]:
        if self._list is not None:
            return iter(self._list)
        return map(self._text.__getitem__, map(slice, chain((0,), self._ends), self._ends))

    def texts(self) -> Iterator[str]:
        """Each line without its end."""
        if self._list is not None or "\r" in self._text or self._text[-1:] != "\n":
            return (split_eol(line)[0] for line in self)
        stops = map((-1).__add__, self._ends)
        return map(self._text.__getitem__, map(slice, chain((0,), self._ends), stops))

    def heads(self) -> Iterator[str]:
        """The first character of each line."""
        if self._list is not None:
            return (line[:1] for line in self._list)
        return map(self._text.__getitem__, islice(chain((0,), self._ends), len(self._ends)))

    def ends_above(self, index: int) -> int:
        """The line feeds above line `index`."""
        if self._list is not None:
            return sum(line.count("\n") for line in self._list[:index])
        if self._feeds is None:
            self._feeds = list(accumulate(map((1).__add__, map(len, self._text.split("\n")))))
        return bisect(self._feeds, self._ends[index - 1] if index else 0)

    def bytes_above(self, index: int) -> int:
        """The bytes above line `index`."""
        if self._list is not None:
            return sum(len(encode(line)) for line in self._list[:index])
        end = self._ends[index - 1] if index else 0
        return end if self._text.isascii() else len(encode(self._text[:end]))

    def index_at(self, offset: int) -> int:
        """The line that holds the character at `offset`."""
        ends: Sequence[int] = self._ends if self._list is None else list(accumulate(map(len, self._list)))
        return bisect(ends, offset)

    def edited(self) -> List[str]:
        """The list of the lines, to be edited."""
        if self._list is None:
            self._list = list(self)
            self._text, self._ends, self._feeds = "", array("I"), None
        return self._list

    def __str__(self) -> str:
        return self._text if self._list is None else "".join(self._list)


class Document(ABC, Generic[N]):
    """The lines of one file, of whatever language a subclass reads.

    data: the whole file, bytes or text.  path: where it came from, for messages and for saving.
    """

    def __init__(self, data: Union[bytes, str] = "", path: Optional[str] = None) -> None:
        self.path = path
        self._original = decode(data)
        self._lines = Lines(self._original, self._cut)
        self._nodes: Optional[List[N]] = None

    # What a language is: how its text is cut, how one line is read, how a line is told in a message.
    @staticmethod
    @abstractmethod
    def _cut(text: str) -> List[str]:
        """The lines of a text, each with its end of line."""

    @abstractmethod
    def _parse(self, text: str, index: int) -> N:
        """The node of one line without its end of line, if it stands at `index`."""

    def _edited(self) -> None:
        """Called when lines have changed: a language that remembers something about them forgets it here."""

    @staticmethod
    def _shown(text: str) -> str:
        """A line as messages and diffs may show it: a language with passwords masks them here."""
        return text

    # Reading.
    def __str__(self) -> str:
        return str(self._lines)

    def __bytes__(self) -> bytes:
        return encode(str(self))

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, index: int) -> N:
        """The node of line `index`, counted from 0; it is parsed now if it never was."""
        if self._nodes is not None:
            return self._nodes[index]
        return self._parse(self.text(index), range(len(self._lines))[index])

    def __iter__(self) -> Iterator[N]:
        return self._read() if self._nodes is None else iter(self._nodes)

    @contextmanager
    def read_once(self) -> Iterator[None]:
        """Within it each line is read but once, for those who look at all lines several times and edit none."""
        self._nodes = list(self._read())
        try:
            yield
        finally:
            self._nodes = None

    def _read(self) -> Iterator[N]:
        """The nodes of all lines, each read now."""
        for index, text in enumerate(self._lines.texts()):
            yield self._parse(text, index)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path or 'without a path'}: {len(self)} lines>"

    def text(self, index: int) -> str:
        """Line `index` without its end of line."""
        return split_eol(self._lines[index])[0]

    def raw(self, index: int) -> str:
        """Line `index` with its end of line."""
        return self._lines[index]

    def line_number(self, index: int) -> int:
        """The physical line on which logical line `index` begins, counted from 1."""
        return 1 + self._lines.ends_above(range(len(self._lines))[index])

    def index_at(self, offset: int) -> int:
        """The line that holds the character at an offset of the text."""
        return self._lines.index_at(offset)

    def span(self, index: int) -> Tuple[int, int]:
        """Where line `index` lies, its end of line included: byte offsets, the second exclusive."""
        start = self._lines.bytes_above(range(len(self._lines))[index])
        return start, start + len(encode(self._lines[index]))

    @property
    def original(self) -> bytes:
        """The bytes that were loaded."""
        return encode(self._original)

    @property
    def changed(self) -> bool:
        """Whether the text differs from what was loaded."""
        return str(self) != self._original

    def diff(self) -> str:
        """A unified diff against what was loaded; passwords are masked."""
        return unified_diff(self._original, str(self), self.path or "file", self._shown)

    # Editing.
    def replace(self, index: int, node: N) -> None:
        """Put `node` in the place of line `index`; its end of line stays.

        Raises EditError if the new line would not read back as `node`.
        """
        eol = split_eol(self._lines[index])[1]
        # An empty line is nothing but its end, so here the last line of a file gets one.
        self._lines.edited()[index] = self._proved(node, eol, index) + eol or self._eol_near(index)
        self._edited()

    def insert(self, index: int, *new: N) -> None:
        """Insert lines before line `index` (`len(document)` appends), with the neighbour's end of line.

        Raises EditError if a line would not read back as itself, or would swallow the one below it.
        """
        index = range(len(self._lines) + 1)[index] if index != len(self._lines) else index
        if index < len(self._lines) and self._lines[index][:1] in (" ", "\t") and self._folds():
            raise EditError("the line below begins with a blank and would continue the new one")
        eol = self._eol_near(index)
        made = [self._proved(node, eol, index) + eol for node in new]
        lines = self._lines.edited()
        if index == len(lines) and made and lines and not split_eol(lines[-1])[1]:
            # A file without a last line feed stays one: its last line gets an end, the new last has none,
            # unless that is an empty line, which is nothing but its end.
            lines[-1] += eol
            made[-1] = self._proved(new[-1], "", index) or eol
        lines[index:index] = made
        self._edited()

    def remove(self, index: int) -> None:
        """Remove line `index`, with its end of line."""
        del self._lines.edited()[index]
        self._edited()

    def _folds(self) -> bool:
        return len(self._cut("x\n y")) == 1

    def _eol_near(self, index: int) -> str:
        for near in (index - 1, index):
            if 0 <= near < len(self._lines):
                eol = split_eol(self._lines[near])[1]
                if eol:
                    return eol
        return next((e for e in (split_eol(line)[1] for line in self._lines) if e), "\n")

    def _proved(self, node: N, eol: str, index: int) -> str:
        """The law: the text of `node`, if it reads back as `node` and as exactly one line."""
        text = str(node)
        try:
            encode(text)
        except UnicodeEncodeError:
            raise EditError("the line holds a character that no byte stands for") from None
        # The first line of a file may begin with a blank, any other would continue the one above.
        cut = self._cut("x\n" + text + eol)
        if text and (len(cut) != 2 or split_eol(cut[1]) != (text, eol)):
            raise EditError(f"the edit would not stay a line of its own: {self._shown(text)!r}")
        back = self._parse(text, index)
        if isinstance(node, BadLine):
            raise EditError(f"a line that cannot be read is never written: {self._shown(text)!r}")
        if back != node:
            raise EditError(
                f"the line would not read back as itself: {self._shown(text)!r} would be a "
                f"{type(back).__name__} of other fields"
            )
        return text


_CONTEXT = 3


def unified_diff(old: str, new: str, path: str, shown: Callable[[str], str]) -> str:
    """The differences of two texts, line by line, each as `shown` gives it; "" if there are none."""
    before, after = physical(old), physical(new)
    if before == after:
        return ""
    # What both ends share is left out at once, but for the context: an edit concerns few lines.
    short = min(len(before), len(after))
    head = next((i for i in range(short) if before[i] != after[i]), short)
    tail = next((i for i in range(short - head) if before[-1 - i] != after[-1 - i]), short - head)
    skip, keep = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    before, after = before[skip : len(before) - keep], after[skip : len(after) - keep]
    out = [f"--- {path}\n+++ {path}\n"]

    def show(sign: str, lines: List[str]) -> None:
        for line in lines:
            body, eol = split_eol(line)
            out.append(sign + shown(body) + (eol or "\n\\ No newline at end of file\n"))

    def place(start: int, stop: int) -> str:
        count = stop - start
        return f"{start + skip + (1 if count else 0)}" + ("" if count == 1 else f",{count}")

    from difflib import SequenceMatcher

    # Without autojunk: empty lines are many in a sendmail.cf, and still lines.
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        _, first, _, first_new, _ = group[0]
        _, _, last, _, last_new = group[-1]
        out.append(f"@@ -{place(first, last)} +{place(first_new, last_new)} @@\n")
        for tag, a, b, c, d in group:
            if tag == "equal":
                show(" ", before[a:b])
            else:
                show("-", before[a:b])
                show("+", after[c:d])
    return "".join(out)


class CfLines(Document[Line]):
    """The lines of a sendmail.cf, without any view on their meaning."""

    _levels: Optional[List[Tuple[int, int]]] = None
    _places: Optional[Dict[str, List[int]]] = None
    _initials: Optional[Dict[str, List[int]]] = None

    @staticmethod
    def _cut(text: str) -> List[str]:
        return fold(text)

    def _parse(self, text: str, index: int) -> Line:
        if "#" in text and text[0] != "#" and self.level(index) < COMMENTS_LEVEL:
            return _parse_uncut(text)
        return parse(text)

    def _read(self) -> Iterator[Line]:
        parsed, level = _PARSED.get, 0
        for text in self._lines.texts():
            if level < COMMENTS_LEVEL and "#" in text and text[0] != "#":
                yield _parse_uncut(text)
            else:
                yield parsed(text) or parse(text)
            if text[:1] == "V":
                found = _LEVEL.match(text)
                level = short_number(found.group(1)) if found else level

    def _edited(self) -> None:
        self._levels = self._places = self._initials = None

    def level(self, index: int) -> int:
        """The version level in force at line `index`: that of the last V line above it, 0 without one."""
        if self._levels is None:
            found = [(at, _LEVEL.match(self._lines[at])) for at in self._by_head().get("V", ())]
            self._levels = [(at, short_number(match.group(1))) for at, match in found if match]
        return next((level for at, level in reversed(self._levels) if at < index), 0)

    def kind(self, index: int) -> Type[Line]:
        """The class of line `index` by its first letter, without parsing it."""
        return kind(self._lines[index])

    def indices(self, *kinds: Type[Line]) -> Iterator[int]:
        """The lines of these kinds, judged by their letter."""
        letters = {letter for letter, cls in nodes.BY_LETTER.items() if cls in kinds}
        if nodes.Option in kinds or nodes.ShortOption in kinds:
            letters.add("O")
        if nodes.Blank in kinds or nodes.BadLine in kinds:
            letters |= set(self._by_head()) - set(nodes.BY_LETTER)
        places = self._by_head()
        found = [places[letter] for letter in letters if letter in places]
        every = found[0] if len(found) == 1 else sorted(chain.from_iterable(found))
        if letters <= nodes.BY_LETTER.keys():
            yield from every
            return
        for index in every:
            head = self._lines[index][:1]
            if head in nodes.BY_LETTER or kind(self._lines[index]) in kinds:
                yield index

    def option_lines(self, initial: str) -> List[int]:
        """The O lines whose option may begin with this letter, in either case: short ones may be of any name."""
        if self._initials is None:
            made: Dict[str, List[int]] = {}
            for index in self._by_head().get("O", ()):
                line = self._lines[index]
                made.setdefault(line[2:3].lower() if line[1:2] == " " else "", []).append(index)
            self._initials = made
        named, short = self._initials.get(initial.lower(), []), self._initials.get("", [])
        return sorted(named + short) if short else named

    def _by_head(self) -> Dict[str, List[int]]:
        """The lines by their first character."""
        if self._places is None:
            made: Dict[str, List[int]] = defaultdict(list)
            for index, head in enumerate(self._lines.heads()):
                made[head].append(index)
            self._places = dict(made)
        return self._places


#: From this level on a `#` inside a line begins a comment (op.me, 5.9).
COMMENTS_LEVEL = 3
_LEVEL = re.compile(r"V[ \t\n\v\f\r]*([0-9]{1,9})")


def kind(line: str) -> Type[Line]:
    """The class of a logical line by its first letter; a line that cannot be read may still be bad."""
    first = line[:1]
    found = nodes.BY_LETTER.get(first)
    if found is not None:
        return found
    if line[:2] == "\\#":
        return Comment  # what is left without the backslash is one
    if first == "O":
        return nodes.Option if line[1:2] == " " else nodes.ShortOption
    return nodes.Blank if first == "\0" or split_eol(line)[0] == "" else BadLine


#: The grammar rule of each class.
_RULES = {cls: nodes.rule_name(cls) for cls in nodes.LINES}
_NO_COMMENT = Comment()
#: Lines that were parsed, by their text: a fleet of files is mostly the same lines.  When it is full it is emptied.
_PARSED: Dict[str, Line] = {}
_REMEMBERED = 8192


def parse(text: str) -> Line:
    """The node of a logical line (no end of line); a BadLine where the grammar cannot read it."""
    found = _PARSED.get(text)
    if found is None:
        if text[:1] == "#":
            # All text, as the grammar says: nothing to cut, and nothing worth remembering.
            return Comment(text=text[1:]) if len(text) > 1 else _NO_COMMENT
        cls = kind(text)
        made = None if cls is BadLine else _grammar().parse(_RULES[cls], text)
        found = made if isinstance(made, Line) else BadLine(text=text)
        if len(_PARSED) >= _REMEMBERED:
            _PARSED.clear()
        _PARSED[text] = found
    return found


def forget() -> None:
    """Forget all lines that were parsed."""
    _PARSED.clear()


def _parse_uncut(text: str) -> Line:
    """The node of a line in force below level 3."""
    inner, stand_in = hidden(text[1:])
    return uncut(parse(text[:1] + inner), stand_in)


@cache
def _grammar() -> grammar.Grammar:
    from . import grammar

    classes: Sequence[Type[Node]] = (*nodes.LINES, nodes.Equate)
    return grammar.Grammar(
        "cf",
        list(_RULES.values()),
        {nodes.rule_name(cls): partial(nodes.from_parts, cls) for cls in classes},
    )
