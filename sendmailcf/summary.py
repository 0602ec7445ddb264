"""What a sendmail.cf says, as one flat table: for `get`, and for telling two files apart by meaning.

The one thing to know: each entry has the file's own text, to show, and what sendmail makes of it, to compare; so
layout, the order of flags or members, and `True` for `T` make no difference, and the order of rules does.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Hashable, Iterator, List, Mapping, Optional, Tuple

from attrs import field, frozen

from .config import Class, Config, Declaration
from .expressions import DEFAULT_OPERATORS, TokenError, folded, operators, symbols, tokens
from .nodes import ClassFile, braced, value_of
from .record import Record
from .values import OptionValue, field_text, words


@frozen(eq=False, repr=False)
class Said(Record):
    """One thing that a file says.

    key: the letter of its lines and its name, as in `O.MaxHopCount`, `C.w`, `M.relay.A`, `S.canonify`.  text: its value
    as it stands in the file, an entry for each that adds up.
    """

    key: str
    text: Tuple[str, ...]
    meaning: Hashable = field(repr=False)


@frozen(eq=False, repr=False)
class Change(Record):
    """A difference in meaning: `old` or `new` is None where a file does not say anything of it."""

    key: str
    old: Optional[Tuple[str, ...]]
    new: Optional[Tuple[str, ...]]


def said(cf: Config) -> Dict[str, Said]:
    """All that a file says, by key, in the order of sendmail's letters and of the file."""
    return {one.key: one for one in _said(cf)}


def changes(old: Config, new: Config) -> List[Change]:
    """What differs in meaning, in the order of `old`, then what only `new` says."""
    before, after = said(old), said(new)
    found = []
    for key, one in before.items():
        other = after.get(key)
        if other is None:
            found.append(Change(key, one.text, None))
        elif other.meaning != one.meaning:
            found.append(Change(key, one.text, other.text))
    return found + [Change(key, None, one.text) for key, one in after.items() if key not in before]


def _said(cf: Config) -> Iterator[Said]:
    version = cf.version
    if version is not None:
        text = version.level + (version.vendor or "")
        yield Said("V", (text,), text.lower())
    for name, value in cf.macros.items():
        yield Said(f"D.{braced(name)}", (value,), value)
    members = cf.reading().classes
    for name, one in cf.classes.items():
        yield from _class(one, tuple(members.get(name, ())))
    for name, declared_map in cf.maps.items():
        node, read = declared_map.node, declared_map.arguments
        text = f"{node.map_class} {value_of(node.arguments)}".rstrip(" ")
        flags = frozenset(read.flags.items())
        yield Said(f"K.{name.lower()}", (text,), (declared_map.map_class, flags, read.file, read.rest))
    for name in cf.options:
        settings = cf.options.all(name)
        counting = settings if settings[-1].row.cumulative else settings[-1:]
        yield Said(
            f"O.{name}",
            tuple(one.value for one in counting),
            tuple(_comparable(one.typed) for one in counting),
        )
    views: Tuple[Tuple[str, Mapping[str, Declaration[Any]]], ...]
    views = (("M", cf.mailers), ("Q", cf.queue_groups), ("X", cf.filters))
    for letter, view in views:
        for declared in view.values():
            yield from _declaration(letter, declared)
    for name in cf.headers:
        headers = cf.headers.all(name)
        shown = tuple((one.node.condition or "") + one.template for one in headers)
        yield Said(f"H.{name}", shown, tuple((one.flags, one.macro, one.template) for one in headers))
    for name, number in cf.precedences.items():
        yield Said(f"P.{name}", (str(number),), number)
    for name, variable in cf.environment.items():
        yield Said(f"E.{name}", () if variable is None else (variable,), variable)
    chars = cf.options["OperatorChars"].value if "OperatorChars" in cf.options else DEFAULT_OPERATORS
    ops = operators(field_text(chars))
    for rules in cf.rulesets.distinct():
        sides = [(value_of(rule.lhs), value_of(rule.rhs)) for rule in rules]
        cut = tuple((tuple(folded(one) for one in _cut(lhs, ops)), _cut(rhs, ops)) for lhs, rhs in sides)
        yield Said(f"S.{rules.name}", tuple(f"{lhs}\t{rhs}" for lhs, rhs in sides), cut)


def _class(one: Class, members: Tuple[str, ...]) -> Iterator[Said]:
    if members:
        yield Said(f"C.{braced(one.name)}", members, frozenset(member.lower() for member in members))
    if one.files:
        shown = tuple(_source(node) for node in one.files)
        yield Said(f"F.{braced(one.name)}", shown, shown)


def _source(node: ClassFile) -> str:
    parts = ("-o" if node.optional else "", value_of(node.source), value_of(node.format))
    return " ".join(part for part in parts if part)


def _declaration(letter: str, declared: Declaration[Any]) -> Iterator[Said]:
    for key in dict.fromkeys(equate.key[:1] for equate in declared.node.equates):
        text = declared.get(key) or ""
        spelled = [value_of(one.value) for one in declared.node.equates if one.key[:1] == key]
        meaning: Hashable = (
            frozenset("".join(words(text))) if key == "F" else words(text) if key == "A" else text
        )
        shown = "".join(spelled) if key == "F" else spelled[-1]
        yield Said(f"{letter}.{declared.name.lower()}.{key}", (shown,), meaning)


def _comparable(value: OptionValue) -> Hashable:
    if isinstance(value, Mapping):
        return tuple(sorted(value.items()))
    return value if isinstance(value, Hashable) else tuple(value)


def _cut(side: str, ops: FrozenSet[str]) -> Tuple[str, ...]:
    try:
        return tuple(tokens(symbols(side), ops))
    except TokenError:
        return (side,)
