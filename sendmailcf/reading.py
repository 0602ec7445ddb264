"""What sendmail holds after it has read a file: macros, classes, maps, and rules ready to run.

The one thing to know: a line is read with what the lines above it have set.  A rule, a class line, a map and the name
of a ruleset are expanded there and then; the value of a macro is expanded whenever it is used.  So the lines are
gone through once, in order.  Facts from readcf.c of sendmail 8.17.1, each seen with -d35.9, -d37.8 or in test mode.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Tuple, Type

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
from .record import Record
from .text import number, short_number
from .values import MapArguments, map_class_row, option_row, short_option_row, split_arguments, words

#: Stand-ins for what sendmail finds out of its host before it reads a file: values of macros, and members of classes.
OWN_NAMES: Mapping[str, str] = {
    "j": "this-host.localdomain.invalid",
    "w": "this-host",
    "m": "localdomain.invalid",
    "k": "this-host",
    "n": "MAILER-DAEMON",
    "v": "8.17.1",
    "b": "Thu, 1 Jan 1970 00:00:00 GMT",
}
OWN_CLASSES: Mapping[str, Tuple[str, ...]] = {"w": (OWN_NAMES["w"], OWN_NAMES["j"])}

MAX_WILDCARDS = 9
MAX_MAP_ARGUMENTS = 9
#: Rulesets by number, from 0; names without a number get those above.
MAX_RULESETS = 100

#: Bytes of an expanded side, class line, map line or ruleset line; the rest is cut off silently.
_LINE_BYTES = 2047
#: Bytes behind the colon of an H line in which sendmail looks for the name of a ruleset.
_CHECK_BYTES = 49
_NOT_LEFT = frozenset("0123456789:>.[]()")
_NOT_RIGHT = frozenset("*+-")
#: Map classes whose K line sendmail reads in another way; they keep quotes in keys.
UNPARSED = frozenset({"dequote", "macro", "arith"})
_SPACES = " \t\n\v\f\r"
_RULESET = re.compile(
    r"(?P<digits>[0-9]+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)[ \t\n\v\f\r]*(?P<equals>=[ \t\n\v\f\r]*)?"
)
#: A header with a longer name is not looked at.
_HEADER_NAME_BYTES = 100
#: Flags of a map that stay set when its name is declared again.
_STICKY = frozenset("fmNOoqt")


class Refusal(str):
    """Why sendmail refuses a line; "" if it does not.  cause: the same in one word, which does not change."""

    cause: str

    def __new__(cls, cause: str, text: str) -> Refusal:
        made = super().__new__(cls, text)
        made.cause = cause
        return made


ACCEPTED = Refusal("", "")


@frozen(eq=False, repr=False)
class ReadRule(Record):
    """A rule as tokens, with macros expanded and symbols as Symbol.

    pattern: the left side in lower case, as it is matched.  needed: its tokens that are no symbols; text that has not
    all of them does not match.
    """

    lhs: Tuple[str, ...]
    pattern: Tuple[str, ...]
    rhs: Tuple[str, ...]
    needed: FrozenSet[str]


class ReadRules(List[ReadRule]):
    """The rules of one set; why sendmail refuses one of them, if it does."""

    refused: str = ""


class RulesetNumbers:
    """The numbers of rulesets as names get them, in the order of the file (strtorwset of parseaddr.c).

    S lines, S= and R= of mailers, and checks of headers all name rulesets, and so make them.
    """

    def __init__(self) -> None:
        self._of: Dict[str, int] = {}
        self._next = 2 * MAX_RULESETS

    def enter(self, text: str) -> Tuple[Refusal, str]:
        """Why sendmail takes no ruleset from a text that begins with one, and what follows it there."""
        text = text.lstrip(_SPACES)
        found = _RULESET.match(text)
        if found is None:
            return Refusal("bad-name", f"{text[:20]!r} is no name of a ruleset"), ""
        rest = text[found.end() :]
        if found.group("digits"):
            return self._within(found.group("digits"))[0], rest
        name = found.group("name")
        known = self._of.get(name, -1)
        if found.group("equals"):
            given = re.match("[0-9]+", rest)
            if given is None:
                return Refusal("bad-number", f"{name}= gives no number"), ""
            refusal, new = self._within(given.group())
            if refusal:
                return refusal, ""
            if known not in (-1, new):
                was = f"{name} has the number {known} already"
                return Refusal("renumbered", f"{was}, and cannot be {new}"), rest[given.end() :]
            known, rest = new, rest[given.end() :]
        elif known < 0:
            self._next -= 1
            if self._next < MAX_RULESETS:
                return Refusal("too-many", f"{name}: there are {MAX_RULESETS} rulesets with names alone"), ""
            known = self._next
        self._of[name] = known
        return ACCEPTED, rest

    @staticmethod
    def _within(digits: str) -> Tuple[Refusal, int]:
        # What strtol gives, as much of it as an int holds.
        value = number(digits) & 0xFFFFFFFF
        if value < MAX_RULESETS:
            return ACCEPTED, value
        return Refusal("bad-number", f"ruleset {digits}: the numbers end at {MAX_RULESETS - 1}"), 0


@frozen(eq=False, repr=False)
class ReadMap(Record):
    """A map: its class in lower case, its arguments, and what stands between two words of a key."""

    cls: str
    arguments: MapArguments
    space: str


class Reading:
    """The state after lines are read: all of a file at once, or one after another with `read`.

    lines: of a file, in order.  macros: values that sendmail sets itself before, by name without braces; the
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
        self._kept: Optional[Dict[int, _Kept]] = None
        #: The set to which the next rule is added; None where sendmail would refuse it.
        self.current: Optional[ReadRules] = None
        #: The R line that was read last: None where it could not be cut into tokens.
        self.rule: Optional[ReadRule] = None
        #: Why sendmail refuses the R, S, M or H line that was read last, for its rule or the ruleset that it names.
        self.refused = ACCEPTED
        self._numbers = RulesetNumbers()
        for node in lines:
            self.read(node)

    def read(self, node: Line) -> None:
        """Take the next line."""
        reader = READERS.get(type(node))
        if reader is not None:
            reader(self, node)

    @property
    def begun(self) -> bool:
        """Whether the next rule belongs to a set; sendmail would refuse it elsewhere."""
        return self.current is not None

    def value(self, name: str) -> str:
        """The value of a macro with the macros in it expanded; "" for none.  Raises RecursionError."""
        return self._text(self.macros.get(name, []))

    def _rewriting_rule(self, node: RewritingRule) -> None:
        rule, refused = self.rule, self.refused = self.judged(node)
        current = self.current
        if current is not None:
            if refused and not current.refused:
                current.refused = refused
            if rule is not None:
                current.append(rule)

    def _begin(self, node: Ruleset) -> None:
        self.current = self._ruleset(node)

    def _bad_line(self, node: BadLine) -> None:
        if node.text[:1] != "S":
            return
        text = self._text(symbols(value_of(node.text[1:].partition("\0")[0])))
        self.refused, _ = self._numbers.enter(text)
        name = re.match(r"[0-9]+|[A-Za-z0-9_]+", text.lstrip(_SPACES))
        self.current = None
        if name and not self.refused:
            found = ruleset_number(name.group()) or name.group()
            self.current = self.rulesets.setdefault(found, ReadRules())

    def _macro(self, node: MacroDefinition) -> None:
        self.macros[bare(node.name)] = unquoted(symbols(value_of(node.value)))

    def _class_words(self, node: ClassWords) -> None:
        self._add_words(bare(node.name), self._expanded(symbols(value_of(node.words))))

    def _trusted(self, node: TrustedUsers) -> None:
        self.classes.setdefault("t", {}).update(dict.fromkeys(words(value_of(node.words))))

    def _mailer(self, node: MailerDefinition) -> None:
        self.refused = self._names_of_mailer(node)

    def _header(self, node: HeaderDefinition) -> None:
        self.refused = self._name_of_header(node)

    def _names_of_mailer(self, node: MailerDefinition) -> Refusal:
        for one in node.equates:
            if one.key[:1] in ("S", "R"):
                refusal, rest = self._named("".join(unquoted(symbols(value_of(one.value)))))
                if not refusal and rest[:1] == "/":
                    refusal, _ = self._named(rest[1:])
                if refusal:
                    # sendmail reads no further in this line.
                    return refusal
        return ACCEPTED

    def _name_of_header(self, node: HeaderDefinition) -> Refusal:
        if "$" not in (node.template or "") or len(node.name) > _HEADER_NAME_BYTES:
            return ACCEPTED
        expanded = self._expanded(symbols(value_of(node.template)))
        left = max(_CHECK_BYTES - len(node.colon.partition(":")[2]), 0)
        for at, one in enumerate(expanded):
            size = one.size if isinstance(one, Symbol) else len(one)
            if size > left:
                expanded[at:] = [] if isinstance(one, Symbol) else [one[:left]]
                break
            left -= size
        items = [one for one in expanded if isinstance(one, Symbol) or one.strip(_SPACES)]
        if not items or items[0] != "$>" or not isinstance(items[0], Symbol):
            return ACCEPTED
        return self._named("".join(items[1:]).removeprefix("+"))[0]

    def _named(self, text: str) -> Tuple[Refusal, str]:
        """A ruleset that a mailer or header names exists from then on, if only as an empty one."""
        refusal, rest = self._numbers.enter(text)
        name = re.match(r"[A-Za-z][A-Za-z0-9_]*", text.lstrip(_SPACES))
        if name and not refusal:
            self.rulesets.setdefault(name.group(), ReadRules())
        return refusal, rest

    def _version(self, node: Version) -> None:
        self.level = short_number(node.level)
        self._kept = None
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

    def expanded_map(self, node: KeyFile) -> Line:
        """A K line with the macros in its name and class expanded; another line where it is none then."""
        if "$" not in node.name + node.map_class:
            return node
        # The whole line is expanded before it is split.
        text = str(evolve(node, arguments=value_of(node.arguments) or None, comment=None))[1:]
        return parse("K" + self._text(symbols(text)).rstrip(_SPACES))

    def _key_file(self, line: KeyFile) -> None:
        node = self.expanded_map(line)
        if not isinstance(node, KeyFile):
            return
        # One that was expanded as a whole is not expanded again.
        expanded = self._text(symbols(value_of(node.arguments))) if node is line else node.arguments or ""
        arguments = _cut(expanded)
        read = split_arguments(node.map_class, arguments)
        if map_class_row(node.map_class.lower()) is None:
            return
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
                self._macro(defined)
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
        text = str(evolve(node, ignored=value_of(node.ignored) or None, comment=None))[1:]
        if "$" in text:
            text = self._text(symbols(text))
            expanded = parse("S" + text)
            self.refused, _ = self._numbers.enter(_cut(text))
            if not isinstance(expanded, Ruleset):
                return None
            node = expanded
        else:
            self.refused, _ = self._numbers.enter(_cut(text))
        if self.refused and self.refused.cause != "renumbered":
            return None
        name, number = node.both
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

    def judged(self, node: RewritingRule) -> ReadOrRefused:
        """A rule as it would be read next, and why sendmail refuses it, if it does."""
        kept = self._kept
        if kept is None:
            kept = self._kept = _kept(self.operators(), self.level < 9)
        rule = kept.get(id(node)) or _keep(kept, node, self.operators(), self.level < 9)
        # Most rules use no macros, and hardly a file defines `$*`.
        if self.macros.keys().isdisjoint(rule.names):
            return rule.read
        return _read_rule(rule.sides, self.operators(), self.level < 9, value=self.macros.get)


#: What a line of each class does to the state; a line of any other class does nothing.
READERS: Mapping[Type[Line], Callable[[Reading, Any], None]] = {
    RewritingRule: Reading._rewriting_rule,
    Ruleset: Reading._begin,
    BadLine: Reading._bad_line,
    MacroDefinition: Reading._macro,
    ClassWords: Reading._class_words,
    TrustedUsers: Reading._trusted,
    KeyFile: Reading._key_file,
    Option: Reading._option,
    ShortOption: Reading._option,
    Version: Reading._version,
    MailerDefinition: Reading._mailer,
    HeaderDefinition: Reading._header,
}

ReadOrRefused = Tuple[Optional[ReadRule], Refusal]
Value = Callable[[str], Optional[List[Item]]]


class _Kept:
    """A rule as it is read where no macro in it has a value; the node is kept so that no other gets its id.

    names: the macros of which none may have a value for this to be so.
    """

    __slots__ = ("names", "node", "read", "sides")

    def __init__(self, node: RewritingRule, ops: FrozenSet[str], comments: bool) -> None:
        self.node = node
        comment = node.comment or ""
        end = "" if "\t" not in comment else "\t" if comment[0] == "\t" else " \t"
        if node.rhs[-1:] in (" ", "\v", "\f", "\r"):
            # A blank behind a dollar is its name, and goes with a comment behind it.
            end = "\t"
        self.sides = _side(node.lhs, "\t" if node.tabs[0] == "\t" else " \t"), _side(node.rhs, end)
        found = [one for side in self.sides for one in side if isinstance(one, Symbol)]
        self.names = frozenset([one.name for one in found if one.sign in ("", "?")])
        plain = not any(one.is_macro or one.sign == "?" for one in found)
        self.read = _read_rule(self.sides, ops, comments, value=None if plain else lambda name: None)


_MOST_KEPT = 8192


@lru_cache(maxsize=8)
def _kept(ops: FrozenSet[str], comments: bool) -> Dict[int, _Kept]:
    """The rules that were read with these operators: a fleet of files is mostly the same rules."""
    return {}


def _keep(kept: Dict[int, _Kept], node: RewritingRule, ops: FrozenSet[str], comments: bool) -> _Kept:
    if len(kept) >= _MOST_KEPT:
        kept.clear()
    made = kept[id(node)] = _Kept(node, ops, comments)
    return made


Sides = Tuple[List[Item], List[Item]]


#: What may be the beginning of a symbol, and so has to be read with what follows.
_OPEN = frozenset("$=~&?")


def _side(raw: str, end: str) -> List[Item]:
    """A side, with symbols.  end: the tab that follows it, if any, and a blank before it, which a backslash at the end
    would protect."""
    text = value_of(raw)
    # A dollar before the tab that ends a side is a macro of that name, one at the end of the line is a dollar.
    open_end = text[-1:] in _OPEN or "\\" in text or not text.isascii()
    return symbols(text + end if open_end else text)


def _read_rule(sides: Sides, ops: FrozenSet[str], comments: bool, *, value: Optional[Value]) -> ReadOrRefused:
    """A rule of two sides.  value: the items of a macro; None where nothing is to be expanded."""
    try:
        left, right = [tuple(tokens(_cut_side(side, value), ops, comments=comments)) for side in sides]
    except (RecursionError, TokenError) as error:
        return None, Refusal("token-long", str(error))
    pattern = tuple(one if isinstance(one, Symbol) else folded(one) for one in left)
    needed = frozenset([one for one in pattern if not isinstance(one, Symbol)])
    return ReadRule(left, pattern, right, needed), _refused(left, right)


def _cut_side(side: Sequence[Item], value: Optional[Value]) -> List[Item]:
    """A side with its macros expanded."""
    items: List[Item] = []
    left = _LINE_BYTES
    for item in side if value is None else expand(side, value):
        if not isinstance(item, Symbol) and ("\t" in item or len(item) > left):
            # A tab out of a macro ends the side, too.
            items.append(item.partition("\t")[0][:left])
            break
        items.append(item)
        left -= len(item)
        if left <= 0:
            break
    return items


def _cut(text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return text if len(raw) <= _LINE_BYTES else raw[:_LINE_BYTES].decode("utf-8", "surrogateescape")


def ruleset_number(digits: str) -> Optional[str]:
    """A ruleset number in its one spelling; None where it is too large."""
    short = digits.lstrip("0") or "0"
    return short if len(short) <= 2 else None


def _refused(lhs: Sequence[str], rhs: Sequence[str]) -> Refusal:
    """Why sendmail refuses a rule, and the whole file with it."""
    wild = 0
    for one in lhs:
        if isinstance(one, Symbol):
            wild += one.sign in ("=", "~") or (one.sign == "" and one.name in _NOT_RIGHT)
            if one.sign == "" and one.name in _NOT_LEFT:
                return Refusal("symbol", f"{one} on the left side")
    if not lhs:
        return Refusal("empty-lhs", "the left side is empty")
    if not rhs:
        return Refusal("empty-rhs", "the right side is empty")
    if wild > MAX_WILDCARDS:
        return Refusal("wildcards", f"{wild} wildcards on the left side: {MAX_WILDCARDS} is the most")
    closing, arguments = "", 0
    for one in rhs:
        if not isinstance(one, Symbol):
            continue
        if one.sign in ("=", "~") or (one.sign == "" and one.name in _NOT_RIGHT):
            return Refusal("symbol", f"{one} on the right side")
        if one.sign:
            continue
        if one.name in "0123456789" and not 0 < int(one.name) <= wild:
            return Refusal("bounds", f"{one}: the left side has {wild or 'no'} wildcard{'s' * (wild != 1)}")
        if one in ("$(", "$["):
            if closing:
                return Refusal("map-syntax", "a lookup inside of a lookup")
            closing, arguments = ("$)" if one == "$(" else "$]"), 0
        elif one == closing:
            closing = ""
        elif one == "$@" and closing:
            arguments += 1
            if arguments > MAX_MAP_ARGUMENTS:
                return Refusal("map-syntax", f"a lookup has more than {MAX_MAP_ARGUMENTS} arguments")
    return Refusal("map-syntax", "a lookup has no end") if closing else ACCEPTED
