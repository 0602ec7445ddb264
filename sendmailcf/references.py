"""Where a file defines and uses its macros, classes, maps, mailers and rulesets.

The one thing to know: places are those of the name itself, in characters of the logical line, so that a tool can
point at it or change it there.  Only what sendmail would expand or call is a use; comments are none.
"""

from __future__ import annotations

import re
from typing import AbstractSet, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

from attrs import frozen

from .document import CfLines
from .expressions import (
    BLANK,
    QUOTED,
    SYMBOL,
    TEXT,
    found_symbols,
    pieces_of,
)
from .nodes import (
    ClassFile,
    ClassWords,
    Comment,
    Equates,
    HeaderDefinition,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    Node,
    Option,
    RewritingRule,
    Ruleset,
    ShortOption,
    TrustedUsers,
    Uncut,
    bare,
    field_names,
)
from .record import Record
from .text import blanked

MACRO, CLASS, MAP, MAILER, RULESET = "macro", "class", "map", "mailer", "ruleset"
KINDS = (MACRO, CLASS, MAP, MAILER, RULESET)
DEFINITION, USE = "definition", "use"
_ANY_CASE = frozenset((kind, role) for kind in (MAP, MAILER) for role in (DEFINITION, USE))
#: Kind and role, name, start and end of a Reference; and all those of a line.
Place = Tuple[Tuple[str, str], str, int, int]
Kept = Tuple[Place, ...]

#: The fields in which sendmail looks for macros, by class of line; in all others a `$` is text.
_EXPANDED = {
    MacroDefinition: ("value",),
    ClassWords: ("words",),
    HeaderDefinition: ("condition", "template"),
    KeyFile: ("name", "map_class", "arguments"),
    Option: ("value",),
    ShortOption: ("value",),
    Ruleset: ("name", "ignored"),
}
_RULESET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9]+")
_MAILER_NAME = re.compile(r"[^ \t\n\v\f\r:,;\"]+")
_STORED = re.compile(r"\{[A-Za-z0-9_]+\}")
_MAP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")
_LOOKED_UP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")
_CALL = re.compile(r"\$[\[(#>]")


@frozen(eq=False, repr=False)
class Reference(Record):
    """A name in a file.

    kind: "macro", "class", "map", "mailer" or "ruleset".  name: as it is spelled, without braces.  role:
    "definition" or "use"; a rule that stores into a macro defines it.  index: the line, counted from 0.  start, end:
    characters of that line's text, the second exclusive.
    """

    kind: str
    name: str
    role: str
    index: int
    start: int
    end: int


def references(lines: CfLines) -> Iterator[Reference]:
    """Every name that a file defines or uses, in the order of the lines."""
    for index, found in _named_by_line(lines):
        for (kind, role), name, start, end in found:
            yield Reference(kind, name, role, index, start, end)


class Names(Mapping[str, List[Reference]]):
    """The places of names of one kind, those of maps and mailers in lower case; each is made when it is asked for."""

    def __init__(self) -> None:
        self._places: Dict[str, List[Tuple[int, Place]]] = {}

    def __getitem__(self, name: str) -> List[Reference]:
        return [
            Reference(kind, name, role, index, start, end)
            for index, ((kind, role), name, start, end) in self._places[name]
        ]

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def by_name(lines: CfLines) -> Dict[Tuple[str, str], Names]:
    """The same as `references`, by kind and role."""
    made: Dict[Tuple[str, str], Names] = {(kind, role): Names() for kind in KINDS for role in (DEFINITION, USE)}
    groups = {key: names._places for key, names in made.items()}
    for index, found in _named_by_line(lines):
        for one in found:
            kind, name = one[0], one[1]
            places = groups[kind]
            if kind in _ANY_CASE:
                name = name.lower()
            if name in places:
                places[name].append((index, one))
            else:
                places[name] = [(index, one)]
    return made


Found = Tuple[str, str, str, int]
#: What lines name, by what that depends on and by the line; a fleet of files is mostly the same lines, and equal lines
#: are mostly one node.  The node is kept, so that no other gets its id.
_KEPT: Dict[Tuple[FrozenSet[str], FrozenSet[str]], Dict[int, Tuple[Line, Kept]]] = {}
_MOST_KEPT = 16384


def _named_by_line(lines: CfLines) -> Iterator[Tuple[int, Kept]]:
    stores = frozenset(
        node.name.lower()
        for node in map(lines.__getitem__, lines.indices(KeyFile))
        if isinstance(node, KeyFile) and node.map_class.lower() == "macro"
    )
    mailers = frozenset(
        node.name.lower()
        for node in map(lines.__getitem__, lines.indices(MailerDefinition))
        if isinstance(node, MailerDefinition)
    )
    known = _KEPT.setdefault((stores, mailers), {})
    for index, node in enumerate(lines):
        if type(node) is Comment:
            continue
        kept = known.get(id(node))
        if kept is None:
            if sum(map(len, _KEPT.values())) >= _MOST_KEPT:
                _KEPT.clear()
                known = _KEPT.setdefault((stores, mailers), {})
            kept = known[id(node)] = node, tuple(
                ((kind, role), bare(name), start, start + len(name))
                for kind, name, role, start in _of_line(node, stores, mailers)
            )
        if kept[1]:
            yield index, kept[1]


def _of_line(node: Line, stores: AbstractSet[str], mailers: AbstractSet[str]) -> Iterator[Found]:
    if isinstance(node, RewritingRule):
        start = len(node.letter)
        yield from _symbols(_seen(node.lhs), start)
        right, start = _seen(node.rhs), start + len(node.lhs) + len(node.tabs)
        yield from _symbols(right, start)
        if _CALL.search(right):
            yield from _calls(right, start, stores)
        return
    yield from _definition(node)
    for owner, name, start, raw in _fields(node):
        if not isinstance(raw, str):
            continue
        text = _seen(raw)
        if name in _EXPANDED.get(type(owner), ()) or (isinstance(node, Equates) and name == "value"):
            yield from _symbols(text, start)
        if isinstance(owner, MacroDefinition) and name == "value":
            found = _MAILER_NAME.match(text)
            if found and text[found.end() : found.end() + 1] == ":" and found.group().lower() in mailers:
                yield MAILER, found.group(), USE, start
        elif isinstance(owner, HeaderDefinition) and name == "template":
            called = re.match(r"\$>\+?[ \t]*", text)
            if called:
                yield from _named(_RULESET_NAME, text[called.end() :], start + called.end(), RULESET)
        elif isinstance(owner, KeyFile) and name == "arguments" and owner.map_class.lower() == "sequence":
            for member in _MAP_NAME.finditer(text):
                yield MAP, member.group(), USE, start + member.start()
    if isinstance(node, MailerDefinition):
        yield from _rulesets_of(node)


def _seen(raw: str) -> str:
    """What sendmail sees of a field, every character in its place."""
    return raw if isinstance(raw, Uncut) else blanked(raw)


def _fields(node: Node, start: int = 0) -> Iterator[Tuple[Node, str, int, Optional[str]]]:
    """Each field that is text: its node, its name, where it begins, and the text."""
    for name in field_names(type(node)):
        value = getattr(node, name)
        if isinstance(value, tuple):
            for part in value:
                yield from _fields(part, start)
                start += len(str(part))
        else:
            yield node, name, start, value
            start += len(value or "")


def _definition(node: Line) -> Iterator[Found]:
    if isinstance(node, TrustedUsers):
        yield CLASS, "t", DEFINITION, 0
        return
    if isinstance(node, ShortOption) and node.flag == "M":
        found = re.match(r"\{[A-Za-z0-9_]+\}|.", node.value or "", re.DOTALL)
        if found:
            yield MACRO, found.group(), DEFINITION, 2
        return
    kind = _DEFINES.get(type(node))
    if kind is None:
        return
    for _, name, start, raw in _fields(node):
        if name == "name" or (name == "number" and isinstance(node, Ruleset) and all(node.both)):
            yield kind, raw or "", DEFINITION, start


_DEFINES = {
    MacroDefinition: MACRO, ClassWords: CLASS, ClassFile: CLASS, KeyFile: MAP, MailerDefinition: MAILER,
    Ruleset: RULESET,
}  # fmt: skip


def _symbols(text: str, start: int) -> Iterator[Found]:
    for at, symbol, name in found_symbols(text, named=True):
        if symbol.sign in ("=", "~"):
            yield CLASS, name, USE, start + at
        else:
            yield MACRO, name, USE, start + at


def _calls(text: str, start: int, stores: AbstractSet[str]) -> Iterator[Found]:
    """Maps, mailers and rulesets that a right side names."""
    pieces = pieces_of(text)
    for place, (at, kind, piece) in enumerate(pieces):
        if kind != SYMBOL:
            continue
        if piece == "$[":
            yield MAP, "host", USE, start + at
        elif piece == "$(":
            name_at, text = _text(pieces, place + 1)
            name = _LOOKED_UP.match(text)
            if name is None:
                continue
            yield MAP, name.group(), USE, start + name_at
            if name.group().lower() in stores:
                key_at, key = name_at + name.end(), text[name.end() :]
                if not key:
                    key_at, key = _text(pieces, place + 1, skip=1)
                yield from _named(_STORED, key, start + key_at, MACRO, DEFINITION)
        elif piece == "$#":
            name_at, text = _text(pieces, place + 1)
            yield from _named(_MAILER_NAME, text, start + name_at, MAILER)
        elif piece == "$>":
            # The name of a ruleset may stand in quotes, those of maps and mailers may not.
            name_at, text = _text(pieces, place + 1, quoted=True)
            yield from _named(_RULESET_NAME, text, start + name_at, RULESET)


def _text(
    pieces: Sequence[Tuple[int, str, str]], place: int, *, skip: int = 0, quoted: bool = False
) -> Tuple[int, str]:
    """Where the text at a place or behind blanks there begins, and the text; "" for anything else.

    skip: how many pieces that are not blank to pass over.  quoted: whether it may be in quotes, which are left out.
    """
    for index in range(place, len(pieces)):
        at, kind, piece = pieces[index]
        if kind == BLANK:
            continue
        if skip:
            skip -= 1
        elif kind == QUOTED and quoted:
            return at + 1, piece[1:].removesuffix('"')
        else:
            return at, piece if kind == TEXT else ""
    return 0, ""


def _named(pattern: re.Pattern[str], text: str, start: int, kind: str, role: str = USE) -> Iterator[Found]:
    """The name at the beginning of a text that begins at `start`."""
    found = pattern.match(text)
    if found:
        yield kind, found.group(), role, start + found.start()


def _rulesets_of(node: MailerDefinition) -> Iterator[Found]:
    for owner, name, start, raw in _fields(node):
        key = getattr(owner, "key", "")
        if name == "value" and key[:1] in ("S", "R") and raw:
            for found in re.finditer(r"[A-Za-z0-9_]+", raw.partition("#")[0]):
                yield RULESET, found.group(), USE, start + found.start()
