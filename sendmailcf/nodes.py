"""The kinds of line of sendmail.cf, one frozen class for each.

The one thing to know: a node is its fields in file order, and its text is their concatenation, so
there is no serialiser.  A field that is None stands for nothing at all; "" would be an empty text.
Every field holds the file's own spelling; properties give what sendmail makes of it.
"""

from __future__ import annotations

from sys import intern
from typing import Any, ClassVar, Dict, Iterator, Optional, Tuple, Type, cast

from attrs import field, fields, frozen

from .record import Record
from .text import hidden, meaning


def _shared(text: str) -> str:
    """One string for all texts that are equal: for a field that says the same in most lines."""
    return intern(text) if type(text) is str else text


class Node(Record):
    """A line, or a part of one: every class below is frozen, has slots, and is made with names for its fields."""

    __slots__ = ()

    def __str__(self) -> str:
        return "".join(_texts(self))


def _texts(node: Node) -> Iterator[str]:
    for name in field_names(type(node)):
        value = getattr(node, name)
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            for part in value:
                yield from _texts(part)


_FIELD_NAMES: Dict[type, Tuple[str, ...]] = {}


def field_names(cls: Type[Node]) -> Tuple[str, ...]:
    """The fields of a class, in file order."""
    found = _FIELD_NAMES.get(cls)
    if found is None:
        found = _FIELD_NAMES[cls] = tuple(one.name for one in fields(cast(Any, cls)))
    return found


def bare(name: str) -> str:
    """The name of a macro or class without braces, `{x}` and `x` are one name, or the backslash that `#` needs."""
    return name[1:-1] if name.startswith("{") else "#" if name == "\\#" else name


def braced(name: str) -> str:
    """The name of a macro or class as it stands in a line: with braces unless it is one character."""
    if name == "#":
        return "\\#"
    return name if len(name) == 1 else "{" + name + "}"


def unprotected(name: Optional[str]) -> str:
    """A name as sendmail takes it, without the backslash that a `#` needs; "" for None."""
    return "" if name is None else name.replace("\\#", "#")


class Line(Node):
    """A logical line of sendmail.cf, without its end of line."""

    __slots__ = ()

    #: The name of the part that repeats, if any.
    REPEATED: ClassVar[Optional[str]] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class MacroDefinition(Line):
    """`Dxvalue`, `D{name}value`: the value is expanded whenever the macro is used."""

    letter: str = "D"
    name: str
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class ClassWords(Line):
    """`Cxword word`: words separated by white space, added to the class."""

    letter: str = "C"
    name: str
    words: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class ClassFile(Line):
    """`Fx [-o] source [format]`: words of a class read from a file, a program or a map.

    optional: a word that begins with `-o`, with the white space behind it.  Only a blank ends a file's name.
    """

    letter: str = "F"
    name: str
    blank: Optional[str] = None
    optional: Optional[str] = None
    source: str
    gap: Optional[str] = None
    format: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class TrustedUsers(Line):
    """`Tuser user`: the same as adding to class t."""

    letter: str = "T"
    words: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class HeaderDefinition(Line):
    """`H?flags?Name: template`."""

    letter: str = "H"
    condition: Optional[str] = None
    name: str
    colon: str = ": "
    template: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class KeyFile(Line):
    """`Kname class arguments`: the declaration of a map."""

    letter: str = "K"
    blank: Optional[str] = None
    name: str
    gap: str = " "
    map_class: str
    space: Optional[str] = " "
    arguments: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Equate(Node):
    """One `key=value` of a mailer, queue group or filter; only the key's first character counts."""

    gap: str = ", "
    key: str
    equals: str = "="
    value: Optional[str] = None


class Equates(Line):
    """What M, Q and X lines share: a name, then equates separated by commas."""

    __slots__ = ()

    REPEATED: ClassVar[Optional[str]] = "equates"

    def equate(self, key: str) -> Optional[Equate]:
        """The last equate whose key begins with `key`: of several, sendmail takes that one."""
        found = [one for one in self.equates if one.key[:1] == key]  # type: ignore[attr-defined]
        return found[-1] if found else None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class MailerDefinition(Equates):
    """`Mname, P=…, F=…, A=…`."""

    letter: str = "M"
    name: str
    equates: Tuple[Equate, ...] = ()
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class QueueGroup(Equates):
    """`Qname, P=…`."""

    letter: str = "Q"
    name: str
    equates: Tuple[Equate, ...] = ()
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class MailFilter(Equates):
    """`Xname, S=…`."""

    letter: str = "X"
    name: str
    equates: Tuple[Equate, ...] = ()
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Option(Line):
    """`O Name=value`; the name may carry a suboption, as in `Timeout.ident`."""

    letter: str = "O"
    blank: str = " "
    name: str
    equals: Optional[str] = "="
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class ShortOption(Line):
    """`Oxvalue`: the value begins right after the letter, and no `=` is removed."""

    letter: str = "O"
    flag: str
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Precedence(Line):
    """`Pname=number`; blanks belong to the name."""

    letter: str = "P"
    name: Optional[str] = None
    equals: str = "="
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Ruleset(Line):
    """`Sname`, `Snumber`, `Sname=number`; what follows the name, or a number, is ignored by sendmail."""

    letter: str = "S"
    blank: Optional[str] = None
    name: str
    equals: Optional[str] = None
    number: Optional[str] = None
    ignored: Optional[str] = None
    comment: Optional[str] = None

    @property
    def both(self) -> Tuple[Optional[str], Optional[str]]:
        """The name and the number that it gives, each without leading zeros, or None."""
        if self.name[0] in "0123456789":
            return None, self.name.lstrip("0") or "0"
        return self.name, None if self.number is None else self.number.lstrip("0") or "0"


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class RewritingRule(Line):
    """`Rlhs<TAB>rhs<TAB>comment`: only tabs separate the fields."""

    letter: str = "R"
    lhs: str
    tabs: str = field(default="\t", converter=_shared)
    rhs: str
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Version(Line):
    """`Vlevel/vendor`: the level acts on the lines below."""

    letter: str = "V"
    blank: Optional[str] = None
    level: str
    vendor: Optional[str] = None
    ignored: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Environment(Line):
    """`ENAME=value`; without `=` the variable is taken from the caller's environment."""

    letter: str = "E"
    name: Optional[str] = None
    equals: Optional[str] = None
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class VendorLine(Line):
    """`L…` and `G…`: macros and classes from NIS+, only in Sun's sendmail; plain builds refuse the line."""

    letter: str
    value: Optional[str] = None
    comment: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Comment(Line):
    """`#` and the rest of the logical line, indented lines below it included."""

    letter: str = "#"
    text: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class Blank(Line):
    """An empty line; one that begins with a NUL is empty, too: sendmail sees nothing of what follows."""

    ignored: Optional[str] = None


@frozen(kw_only=True, weakref_slot=False, eq=False, repr=False)
class BadLine(Line):
    """A line that sendmail would refuse or cannot be meant: kept as it is."""

    text: str = field()


LINES: Tuple[Type[Line], ...] = (
    MacroDefinition, ClassWords, ClassFile, TrustedUsers, HeaderDefinition, KeyFile, MailerDefinition,
    Option, ShortOption, Precedence, QueueGroup, Ruleset, RewritingRule, Version, MailFilter,
    Environment, VendorLine, Comment, Blank, BadLine,
)  # fmt: skip

#: The class of a line by its first letter; O has two, told apart by the blank that follows it.
BY_LETTER: Dict[str, Type[Line]] = {
    "D": MacroDefinition, "C": ClassWords, "F": ClassFile, "T": TrustedUsers, "H": HeaderDefinition,
    "K": KeyFile, "M": MailerDefinition, "P": Precedence, "Q": QueueGroup, "S": Ruleset,
    "R": RewritingRule, "V": Version, "X": MailFilter, "E": Environment, "L": VendorLine, "G": VendorLine, "#": Comment,
}  # fmt: skip


def rule_name(cls: Type[Node]) -> str:
    """The grammar rule of a class: `MacroDefinition` is built by `macro_definition`."""
    name = cls.__name__
    return "".join(("_" if i and c.isupper() else "") + c.lower() for i, c in enumerate(name))


def from_parts(cls: Type[Node], parts: list[Any]) -> Node:
    """A node from its fields in file order, as a grammar delivers them."""
    names = field_names(cls)
    repeated = getattr(cls, "REPEATED", None)
    if repeated is not None:
        at, after = names.index(repeated), len(names) - names.index(repeated) - 1
        end = len(parts) - after
        parts[at:end] = [tuple(parts[at:end])]
    return cls(**dict(zip(names, parts)))


class Uncut(str):
    """A field of a line in force below level 3, where `#` begins no comment but in the first column."""

    __slots__ = ()


def uncut(node: Line, stand_in: str) -> Line:
    """A node whose fields hold `#` again where `stand_in` was."""

    def restored(value: Any) -> Any:
        if isinstance(value, str):
            return Uncut(value.replace(stand_in, "#"))
        if isinstance(value, tuple):
            return tuple(restored(part) for part in value)
        if isinstance(value, Node):
            return type(value)(**{name: restored(getattr(value, name)) for name in field_names(type(value))})
        return value

    made: Line = restored(node)
    return made


def value_of(raw: Optional[str]) -> str:
    """The text that sendmail makes of a value field: without inline comments; "" for None."""
    if raw is None:
        return ""
    if isinstance(raw, Uncut):
        text, stand_in = hidden(raw)
        return meaning(text).replace(stand_in, "#")
    return meaning(raw)
