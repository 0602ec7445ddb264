"""What sendmail holds after it has read a file: macros, classes, maps, and rules ready to run.

The one thing to know: a line is read with what the lines above it have set.  A rule, a class line, a map and the name
of a ruleset are expanded there and then; the value of a macro is expanded whenever it is used.  So the lines are
gone through once, in order.  Facts from readcf.c of sendmail 8.17.1, each seen with -d35.9, -d37.8 or in test mode.
"""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple

from attrs import evolve, frozen

from .document import parse
from .expressions import (
    DEFAULT_OPERATORS,
    Item,
    Symbol,
    TokenError,
    expand,
    folded,
    operators,
    symbols,
    tokens,
    unquoted,
)
from .nodes import (
    BadLine,
    ClassWords,
    HeaderDefinition,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    Option,
    RewritingRule,
    Ruleset,
    ShortOption,
    TrustedUsers,
    Version,
    bare,
    value_of,
)
from .values import MapArguments, number, option_row, short_option_row, split_arguments, words

MAX_WILDCARDS = 9
MAX_MAP_ARGUMENTS = 9

#: Bytes of an expanded side, class line, map line or ruleset line; the rest is cut off silently.
_LINE_BYTES = 2047
_NOT_LEFT = frozenset("0123456789:>.[]()")
_NOT_RIGHT = frozenset("*+-")
_LONE_DOLLAR = re.compile(r"(?<!\$)(?:\$\$)*\$\Z")
#: Map classes whose K line sendmail reads in another way; they keep quotes in keys.
UNPARSED = frozenset({"dequote", "macro", "arith"})
#: Flags of a map that stay set when its name is declared again.
_STICKY = frozenset("fmNOoqt")


@frozen
class ReadRule:
    """A rule as tokens, with macros expanded and symbols as Symbol.

    pattern: the left side in lower case, as it is matched.
    """

    lhs: Tuple[str, ...]
    pattern: Tuple[str, ...]
    rhs: Tuple[str, ...]


class ReadRules(List[ReadRule]):
    """The rules of one set; why sendmail refuses one of them, if it does."""

    refused: str = ""


@frozen
class ReadMap:
    """A map: its class in lower case, its arguments, and what stands between two words of a key."""

    cls: str
    arguments: MapArguments
    space: str


class Reading:
    """The state after all lines are read.

    lines: all lines of a file, in order.  macros: values that sendmail sets itself before, by name without braces; the
    file's definitions win.  classes: members from elsewhere, by class name.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        *,
        macros: Optional[Mapping[str, str]] = None,
        classes: Optional[Mapping[str, Iterable[str]]] = None,
    ) -> None:
        #: The value of each macro, not expanded, by its name without braces.
        self.macros: Dict[str, List[Item]] = {name: [value] for name, value in (macros or {}).items()}
        #: The members of each class in the order in which they came, as they were written.
        self.classes: Dict[str, Dict[str, None]] = {n: dict.fromkeys(ws) for n, ws in (classes or {}).items()}
        #: The maps by name, in lower case.
        self.maps: Dict[str, ReadMap] = {}
        #: The rules by name and by number; the two names of one set have the same list.
        self.rulesets: Dict[str, ReadRules] = {}
        self.level = 0
        #: What stands between two words when text is put together: BlankSub.
        self.space = " "
        self._operator_chars: Optional[str] = None
        self._ops: Optional[FrozenSet[str]] = None
        current: Optional[ReadRules] = None
        for node in lines:
            if isinstance(node, RewritingRule):
                if current is not None:
                    self._rule(node, current)
            elif isinstance(node, Ruleset):
                current = self._ruleset(node)
            elif isinstance(node, BadLine) and node.text[:1] == "S":
                current = None
            else:
                self._read(node)

    def value(self, name: str) -> str:
        """The value of a macro with the macros in it expanded; "" for none.  Raises RecursionError."""
        return self._text(self.macros.get(name, []))

    def _read(self, node: Line) -> None:
        if isinstance(node, MacroDefinition):
            self.macros[bare(node.name)] = unquoted(symbols(value_of(node.value)))
        elif isinstance(node, ClassWords):
            self._add_words(bare(node.name), self._expanded(symbols(value_of(node.words))))
        elif isinstance(node, TrustedUsers):
            self.classes.setdefault("t", {}).update(dict.fromkeys(words(value_of(node.words))))
        elif isinstance(node, KeyFile):
            self._key_file(node)
        elif isinstance(node, (Option, ShortOption)):
            self._option(node)
        elif isinstance(node, Version):
            self._version(node)
        elif isinstance(node, MailerDefinition):
            for one in node.equates:
                if one.key[:1] in ("S", "R"):
                    self._known(value_of(one.value).split("/"))
        elif isinstance(node, HeaderDefinition):
            self._known(re.findall(r"^\$>\+?[ \t]*([A-Za-z][A-Za-z0-9_]*)", value_of(node.template)))

    def _known(self, names: Iterable[str]) -> None:
        """Names that exist, if only as empty rulesets, because a mailer or header names them."""
        for name in names:
            if re.match(r"[A-Za-z]", name):
                self.rulesets.setdefault(name, ReadRules())

    def _version(self, node: Version) -> None:
        self.level = number(node.level)
        host = self.value("w")
        if self.level >= 5 and "." in host:
            self.macros["w"] = [host.partition(".")[0]]

    def _add_words(self, name: str, items: Iterable[Item]) -> None:
        members = self.classes.setdefault(name, {})
        text: List[str] = []
        for item in items:
            if isinstance(item, Symbol) and item.sign == "=":
                # The members that class has now; nothing may stand before it in the word.
                if not text or text[-1][-1:] in ("", " ", "\t", "\n", "\v", "\f", "\r"):
                    members.update(self.classes.get(item.name, {}))
            else:
                text.append(item)
        members.update(dict.fromkeys(words(_cut("".join(text)))))

    def _key_file(self, node: KeyFile) -> None:
        if "$" in node.name + node.map_class:
            # The whole line is expanded before it is split.
            text = str(evolve(node, arguments=value_of(node.arguments) or None, comment=None))[1:]
            expanded = parse("K" + self._text(symbols(text)).rstrip(" \t\n\v\f\r"))
            if not isinstance(expanded, KeyFile):
                return
            node, arguments = expanded, expanded.arguments or ""
        else:
            arguments = _cut(self._text(symbols(value_of(node.arguments))))
        read = split_arguments(node.map_class, arguments)
        old = self.maps.get(node.name.lower())
        if old is not None:
            sticky = {flag: text for flag, text in old.arguments.flags.items() if flag in _STICKY}
            read = evolve(read, flags={**sticky, **read.flags}, file=read.file or old.arguments.file)
        cls = node.map_class.lower()
        if cls in UNPARSED:
            # One letter in either case, and by default what is in force at the lookup.
            space = (read.flags.get("s") or read.flags.get("S") or "")[:1]
        else:
            space = read.flags.get("S", "")[:1] or self.space
        self.maps[node.name.lower()] = ReadMap(cls, read, space)

    def _option(self, node: Option | ShortOption) -> None:
        if isinstance(node, ShortOption) and node.flag == "M":
            # The letter M is no option: it defines a macro.
            defined = parse("D" + (node.value or ""))
            if isinstance(defined, MacroDefinition):
                self._read(defined)
            return
        row = option_row(node.name) if isinstance(node, Option) else short_option_row(node.flag)
        name = row.name if row is not None else ""
        value = value_of(node.value)
        if name == "OperatorChars":
            self._operator_chars = self._text(unquoted(symbols(value)))
        elif name == "BlankSub":
            self.space = value[:1] or " "

    def operators(self) -> FrozenSet[str]:
        """The operator characters, which are fixed when the first rule or address is read."""
        if self._ops is None:
            chars = self._operator_chars
            if chars is None and self.level < 7 and "o" in self.macros:
                chars = self.value("o")
            self._ops = operators(DEFAULT_OPERATORS if chars is None else chars)
        return self._ops

    def _ruleset(self, node: Ruleset) -> Optional[ReadRules]:
        if "$" in node.name:
            text = str(evolve(node, ignored=value_of(node.ignored) or None, comment=None))[1:]
            expanded = parse("S" + self._text(symbols(text)))
            if not isinstance(expanded, Ruleset):
                return None
            node = expanded
        name, number = node.both
        if number is not None and ruleset_number(number) is None:
            return None
        if name is None or number is None:
            return self.rulesets.setdefault(name or number or "", ReadRules())
        found = self.rulesets.get(name)
        if not found:
            # New, or named before by a mailer or a rule-less S line.
            shared = self.rulesets.setdefault(number, ReadRules() if found is None else found)
            found = self.rulesets[name] = shared
        return found

    def _expanded(self, items: Sequence[Item]) -> List[Item]:
        return expand(items, self.macros.get)

    def _text(self, items: Sequence[Item]) -> str:
        return "".join(self._expanded(items))

    def _rule(self, node: RewritingRule, rules: ReadRules) -> None:
        try:
            last = node.comment is None or "\t" not in node.comment
            lhs, rhs = self._side(node.lhs), self._side(node.rhs, last)
        except (RecursionError, TokenError) as error:
            rules.refused = rules.refused or str(error)
            return
        rules.refused = rules.refused or _refused(lhs, rhs)
        rules.append(
            ReadRule(lhs, tuple(one if isinstance(one, Symbol) else folded(one) for one in lhs), rhs)
        )

    def _side(self, raw: str, last: bool = False) -> Tuple[str, ...]:
        """The tokens of a side.  last: no tab follows it."""
        items: List[Item] = []
        left = _LINE_BYTES
        read = symbols(value_of(raw))
        if not last and read and not isinstance(read[-1], Symbol) and _LONE_DOLLAR.search(raw):
            # It has taken the tab for a name by then, and stands for nothing.
            read[-1] = read[-1][:-1]
        for item in self._expanded(read):
            # A tab out of a macro ends the side.
            text = item if isinstance(item, Symbol) else item.partition("\t")[0][:left]
            items.append(text)
            left -= len(text)
            if left <= 0 or text != item:
                break
        return tuple(tokens(items, self.operators(), comments=self.level < 9))


def _cut(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return text if len(raw) <= _LINE_BYTES else raw[:_LINE_BYTES].decode("utf-8", "surrogateescape")


def ruleset_number(digits: str) -> Optional[str]:
    """A ruleset number in its one spelling; None where it is too large."""
    short = digits.lstrip("0") or "0"
    return short if len(short) <= 2 else None


def _refused(lhs: Sequence[str], rhs: Sequence[str]) -> str:
    """Why sendmail refuses a rule, and the whole file with it; "" if it does not."""
    wild = 0
    for one in lhs:
        if isinstance(one, Symbol):
            wild += one.sign in ("=", "~") or (one.sign == "" and one.name in _NOT_RIGHT)
            if one.sign == "" and one.name in _NOT_LEFT:
                return f"{one} on the left side"
    if not lhs or not rhs:
        return "a side is empty"
    if wild > MAX_WILDCARDS:
        return "too many wildcards"
    closing, arguments = "", 0
    for one in rhs:
        if not isinstance(one, Symbol):
            continue
        if one.sign in ("=", "~") or (one.sign == "" and one.name in _NOT_RIGHT):
            return f"{one} on the right side"
        if one.sign:
            continue
        if one.name in "0123456789" and not 0 < int(one.name) <= wild:
            return f"replacement {one} out of bounds"
        if one in ("$(", "$["):
            if closing:
                return "nested lookups"
            closing, arguments = ("$)" if one == "$(" else "$]"), 0
        elif one == closing:
            closing = ""
        elif one == "$@" and closing:
            arguments += 1
            if arguments > MAX_MAP_ARGUMENTS:
                return "too many arguments for a lookup"
    return "a lookup has no end" if closing else ""
