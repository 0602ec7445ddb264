"""Where a file defines and uses its macros, classes, maps, mailers and rulesets.

The one thing to know: places are those of the name itself, in characters of the logical line, so that a tool can
point at it or change it there.  Only what sendmail would expand or call is a use; comments are none.
"""

from __future__ import annotations

import re
from typing import AbstractSet, Dict, FrozenSet, Iterator, Optional, Sequence, Tuple

from attrs import frozen

from .document import CfLines
from .expressions import (
    HostLookup,
    MapLookup,
    Metasymbol,
    Space,
    Text,
    Word,
    found_symbols,
    walk,
    words,
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
DEFINITION, USE = "definition", "use"

#: The fields in which sendmail looks for macros, by class of line; in all others a `$` is text.
_EXPANDED = {
    MacroDefinition: ("value",),
    ClassWords: ("words",),
    HeaderDefinition: ("condition", "template"),
    KeyFile: ("name", "map_class", "arguments"),
    Option: ("value",),
    ShortOption: ("value",),
    Ruleset: ("name", "ignored"),
    RewritingRule: ("lhs", "rhs"),
}
_RULESET_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9]+")
_MAILER_NAME = re.compile(r"[^ \t\n\v\f\r:,;\"]+")
_STORED = re.compile(r"\{[A-Za-z0-9_]+\}")
_MAP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*")


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
    nodes = list(lines)
    stores = frozenset(
        node.name.lower() for node in nodes if type(node) is KeyFile and node.map_class.lower() == "macro"
    )
    mailers = frozenset(node.name.lower() for node in nodes if type(node) is MailerDefinition)
    for index, node in enumerate(nodes):
        if type(node) is not Comment:
            for kind, name, role, start, end in _remembered(node, stores, mailers):
                yield Reference(kind, name, role, index, start, end)


Found = Tuple[str, str, str, int]
Kept = Tuple[Tuple[str, str, str, int, int], ...]
#: What lines name, by the line and by what it depends on; a fleet of files is mostly the same lines, and equal lines
#: are mostly one node.  The node is kept, so that no other gets its id.
_KEPT: Dict[Tuple[int, FrozenSet[str], FrozenSet[str]], Tuple[Line, Kept]] = {}
_MOST_KEPT = 16384


def _remembered(node: Line, stores: FrozenSet[str], mailers: FrozenSet[str]) -> Kept:
    key = (id(node), stores, mailers)
    kept = _KEPT.get(key)
    if kept is None:
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        made = tuple(
            (kind, bare(name), role, start, start + len(name))
            for kind, name, role, start in _of_line(node, stores, mailers)
        )
        kept = _KEPT[key] = node, made
    return kept[1]


def _of_line(node: Line, stores: AbstractSet[str], mailers: AbstractSet[str]) -> Iterator[Found]:
    yield from _definition(node)
    for owner, name, start, raw in _fields(node):
        if not isinstance(raw, str):
            continue
        text = raw if isinstance(raw, Uncut) else blanked(raw)
        if name in _EXPANDED.get(type(owner), ()) or (isinstance(node, Equates) and name == "value"):
            yield from _symbols(text, start)
        if isinstance(owner, RewritingRule) and name == "rhs":
            yield from _calls(words(text), start, stores)
        elif isinstance(owner, MacroDefinition) and name == "value":
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
    for at, symbol, name in found_symbols(text):
        if symbol.sign in ("=", "~"):
            yield CLASS, name, USE, start + at
        elif symbol.sign or symbol.is_macro:
            yield MACRO, name, USE, start + at


def _calls(these: Sequence[Word], start: int, stores: AbstractSet[str]) -> Iterator[Found]:
    """Maps, mailers and rulesets that a right side names."""
    flat = list(walk(these, start))
    for place, (at, word) in enumerate(flat):
        if isinstance(word, HostLookup):
            yield MAP, "host", USE, at
        elif isinstance(word, MapLookup) and word.map_name:
            name = word.map_name
            first = _after(flat, place)
            name_at, rest = flat[first][0], str(flat[first][1])[len(name) :]
            yield MAP, name, USE, name_at
            if name.lower() in stores:
                key_at, key = (name_at + len(name), rest) if rest else _text(flat, _after(flat, first))
                yield from _named(_STORED, key, key_at, MACRO, DEFINITION)
        elif isinstance(word, Metasymbol) and word.text in ("$#", "$>"):
            pattern, kind = (_MAILER_NAME, MAILER) if word.text == "$#" else (_RULESET_NAME, RULESET)
            text_at, text = _text(flat, _after(flat, place))
            yield from _named(pattern, text, text_at, kind)


def _after(flat: Sequence[Tuple[int, Word]], place: int) -> int:
    """The place of the next word that is no white space; the end if there is none."""
    return next((at for at in range(place + 1, len(flat)) if not isinstance(flat[at][1], Space)), len(flat))


def _text(flat: Sequence[Tuple[int, Word]], place: int) -> Tuple[int, str]:
    """Where a word begins, and its text; "" for a word that is more than text, or for none."""
    at, word = flat[place] if place < len(flat) else (0, None)
    return at, word.text if isinstance(word, Text) else ""


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
