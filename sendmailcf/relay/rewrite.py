"""Run rulesets as sendmail runs them: for proof, not for delivery.

The one thing to know: nothing here is guessed from the look of a rule.  Rules are compiled with the macros
defined at the place where they stand, matched with sendmail's own backtracking, and looked up in whatever maps
the caller has; what cannot be followed makes the evaluation fail with a reason.  Facts from parseaddr.c
(rewrite, callsubr) and map.c of sendmail 8.17.1.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Sequence, Set, Tuple

from attrs import field, frozen

from ..config import map_arguments
from ..expressions import (
    DEFAULT_OPERATORS,
    Item,
    Symbol,
    TokenError,
    expand,
    joined,
    operators,
    pieces,
    symbols,
    tokens,
    unquoted,
)
from ..nodes import (
    ClassWords,
    KeyFile,
    Line,
    MacroDefinition,
    Option,
    RewritingRule,
    Ruleset,
    ShortOption,
    bare,
    value_of,
)

Lookup = Callable[[str, str], Optional[str]]

MAX_RULE_LOOPS = 100
MAX_RECURSION = 50
MAX_STEPS = 200_000


class LookupFailedError(Exception):
    """A map cannot be opened, or not by us."""


class _FailedError(Exception):
    pass


@frozen
class Result:
    """What a ruleset returned.  No field is shown: the tokens may hold a password.

    tokens: symbols are Symbol.  failed: sendmail, or we, could not evaluate it; `reason` says why.
    """

    tokens: Tuple[str, ...] = field(repr=False)
    failed: bool = False
    reason: str = ""
    ops: FrozenSet[str] = field(default=frozenset(), repr=False)

    @property
    def text(self) -> str:
        """The tokens as `sendmail -bt` prints them."""
        return " ".join(self.tokens)

    def _part(self, start: str) -> Optional[str]:
        if self.tokens[:1] != ("$#",):
            return None
        part: Optional[List[str]] = None
        for token in self.tokens:
            if isinstance(token, Symbol) and token in ("$#", "$@", "$:"):
                if part is not None:
                    break
                part = [] if token == start else None
            elif part is not None:
                part.append(token)
        return None if part is None else joined(part, self.ops, " ")

    @property
    def mailer(self) -> Optional[str]:
        """The mailer after `$#`, or None."""
        return self._part("$#")

    @property
    def host(self) -> Optional[str]:
        """The host after `$@`, or None."""
        return self._part("$@")

    @property
    def user(self) -> Optional[str]:
        """The user after `$:`, or None."""
        return self._part("$:")


@frozen
class _Rule:
    lhs: Tuple[str, ...]
    rhs: Tuple[str, ...]


class Rewriter:
    """The rulesets of a file, ready to run.

    lines: all lines of a file, in order.  lookup: the value of a key in a map, by the map's name in lower case;
    None for no such key; raises LookupFailedError.  classes: members from elsewhere, by class name.  macros: values
    that sendmail sets itself, by name without braces; the file's definitions win.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        *,
        lookup: Lookup,
        classes: Optional[Mapping[str, Iterable[str]]] = None,
        macros: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._lookup = lookup
        self._macros: Dict[str, List[Item]] = {name: [value] for name, value in (macros or {}).items()}
        self._classes: Dict[str, Set[str]] = {n: {w.lower() for w in ws} for n, ws in (classes or {}).items()}
        self._ops = operators(DEFAULT_OPERATORS)
        self._space = " "
        self._rulesets: Dict[str, List[_Rule]] = {}
        self._maps: Dict[str, KeyFile] = {}
        self._stored: Dict[str, str] = {}
        self._run_time: Dict[str, str] = {}
        self._steps = 0
        self._broken: Dict[int, str] = {}
        self._read(lines)

    # Reading a file.
    def _read(self, lines: Iterable[Line]) -> None:
        current: Optional[List[_Rule]] = None
        for node in lines:
            if isinstance(node, MacroDefinition):
                self._macros[bare(node.name)] = symbols(unquoted(value_of(node.value)))
            elif isinstance(node, ClassWords):
                self._add_words(bare(node.name), value_of(node.words))
            elif isinstance(node, KeyFile):
                self._maps[node.name.lower()] = node
            elif isinstance(node, (Option, ShortOption)):
                self._option(node)
            elif isinstance(node, Ruleset):
                current = self._ruleset(node)
            elif isinstance(node, RewritingRule) and current is not None:
                try:
                    current.append(_Rule(self._side(node.lhs), self._side(node.rhs)))
                except (RecursionError, TokenError) as error:
                    self._broken[id(current)] = str(error)

    def _add_words(self, name: str, words: str) -> None:
        members = self._classes.setdefault(name, set())
        for word in re.split(r"[ \t\n\v\f\r]+", words):
            items = symbols(word)
            if len(items) == 1 and isinstance(items[0], Symbol) and items[0].sign == "=":
                members |= self._classes.get(items[0].name, set())
            elif word:
                text = "".join(str(one) for one in self._expanded(items))
                members.update(part.lower() for part in text.split())

    def _option(self, node: Option | ShortOption) -> None:
        name = (
            node.name
            if isinstance(node, Option)
            else {"o": "OperatorChars", "B": "BlankSub"}.get(node.flag, "")
        )
        value = value_of(node.value)
        if name.lower() == "operatorchars" and not self._rulesets:
            self._ops = operators(unquoted(value))
        elif name.lower() == "blanksub":
            self._space = value[:1] or " "

    def _ruleset(self, node: Ruleset) -> List[_Rule]:
        name = node.name.lstrip("0") or "0" if node.name[0] in "0123456789" else node.name
        number = node.number and (node.number.lstrip("0") or "0")
        found = self._rulesets.get(name)
        if found is None and number:
            found = self._rulesets.get(number)
        if found is None:
            found = []
        self._rulesets.setdefault(name, found)
        if number:
            self._rulesets.setdefault(number, found)
        return found

    def _expanded(self, items: List[Item]) -> List[Item]:
        return expand(items, self._macros.get)

    def _side(self, raw: str) -> Tuple[str, ...]:
        return tuple(tokens(self._expanded(symbols(value_of(raw))), self._ops))

    # Running.
    def run(self, ruleset: str, workspace: str, macros: Optional[Mapping[str, str]] = None) -> Result:
        """Run one ruleset, by name or number, on a text in which `$|`, `$#`, `$@`, `$:` are symbols.

        macros: run-time values for `$&x`, by name without braces.
        """
        try:
            space = tokens(symbols(workspace), self._ops)
        except TokenError as error:
            return Result((), True, str(error), self._ops)
        return self.run_tokens(ruleset, space, macros)

    def run_tokens(
        self, ruleset: str, space: Sequence[str], macros: Optional[Mapping[str, str]] = None
    ) -> Result:
        """The same on what another ruleset returned."""
        self._run_time = dict(macros or {})
        self._stored = {}
        self._steps = 0
        try:
            if ruleset not in self._rulesets:
                raise _FailedError(f"there is no ruleset {ruleset}")
            return Result(tuple(self._rewrite(ruleset, list(space), 0)), ops=self._ops)
        except (_FailedError, LookupFailedError, TokenError, RecursionError) as error:
            return Result((), True, str(error), self._ops)

    def _macro_value(self, name: str) -> str:
        if name in self._stored:
            return self._stored[name]
        if name in self._run_time:
            return self._run_time[name]
        return "".join(str(one) for one in self._expanded(self._macros.get(name, [])))

    def _rewrite(self, name: str, space: List[str], depth: int) -> List[str]:
        if depth > MAX_RECURSION:
            raise _FailedError(f"the rulesets call each other more than {MAX_RECURSION} deep, in {name}")
        rules = self._rulesets[name]
        if id(rules) in self._broken:
            raise _FailedError(f"a rule of {name} cannot be read: {self._broken[id(rules)]}")
        at = loops = 0
        # Text that begins with $# is resolved: no rule of any ruleset is applied to it.
        while at < len(rules) and not (space and _is(space[0], "$#")):
            rule = rules[at]
            matched = self._match(rule.lhs, space)
            if matched is None:
                at, loops = at + 1, 0
                continue
            loops += 1
            if loops > MAX_RULE_LOOPS:
                raise _FailedError(f"infinite loop in ruleset {name}, rule {at + 1}")
            rhs = list(rule.rhs)
            head = rhs[0] if rhs and isinstance(rhs[0], Symbol) else None
            if head in ("$@", "$:"):
                rhs = rhs[1:]
            space = self._calls(self._lookups(self._substitute(rhs, space, matched)), depth)
            if head in ("$@", "$#"):
                return space
            if head == "$:":
                at, loops = at + 1, 0
        return space

    # Matching: sendmail's own, minimal first and extended from the right.
    def _match(self, lhs: Sequence[str], space: Sequence[str]) -> Optional[List[Tuple[int, int]]]:
        """The stretch [first, last) of each wildcard, or None."""
        bound: List[List[int]] = []  # [place in the pattern, first, end)
        at = place = 0
        while place < len(lhs) or at < len(space):
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise _FailedError("the rules take too many steps")
            step = self._step(lhs, place, space, at, bound)
            if step is None:
                step = self._back_up(lhs, space, bound)
                if step is None:
                    return None
            place, at = step
        return [(first, end) for _, first, end in bound]

    def _step(
        self, lhs: Sequence[str], place: int, space: Sequence[str], at: int, bound: List[List[int]]
    ) -> Optional[Tuple[int, int]]:
        if place == len(lhs):
            return None
        want = lhs[place]
        if not isinstance(want, Symbol):
            if at < len(space) and not _is_special(space[at]) and space[at].lower() == want.lower():
                return place + 1, at + 1
            return None
        if want.sign == "=":
            end = self._phrase(want.name, space, at, at)
            if end is None:
                return None
            bound.append([place, at, end])
            return place + 1, end
        if want.sign == "&":
            end = self._match_macro(want.name, space, at)
            return None if end is None else (place + 1, end)
        if want == "$*":
            bound.append([place, at, at])
            return place + 1, at
        if want == "$@":
            return place + 1, at
        if at >= len(space):
            return None
        if want.sign == "~":
            if space[at].lower() in self._classes.get(want.name, ()):
                return None
            bound.append([place, at, at + 1])
            return place + 1, at + 1
        if want in ("$+", "$-"):
            bound.append([place, at, at + 1])
            return place + 1, at + 1
        return (place + 1, at + 1) if isinstance(space[at], Symbol) and space[at] == want else None

    def _back_up(
        self, lhs: Sequence[str], space: Sequence[str], bound: List[List[int]]
    ) -> Optional[Tuple[int, int]]:
        """Extend the last wildcard that can grow; where to go on, or None."""
        while bound:
            place, first, end = bound.pop()
            want = lhs[place]
            if not isinstance(want, Symbol) or end >= len(space):
                continue
            if want.sign == "=":
                longer = self._phrase(want.name, space, first, end)
                if longer is not None:
                    bound.append([place, first, longer])
                    return place + 1, longer
            elif want in ("$*", "$+"):
                bound.append([place, first, end + 1])
                return place + 1, end + 1
        return None

    def _phrase(self, name: str, space: Sequence[str], first: int, after: int) -> Optional[int]:
        """The end of the shortest stretch from `first`, longer than to `after`, that is in class `name`."""
        members = self._classes.get(name, set())
        longest = max(map(len, members), default=0)
        text = "".join(space[first:after]).lower()
        for end in range(after + 1, len(space) + 1):
            text += space[end - 1].lower()
            if len(text) > longest:
                return None
            if text in members:
                return end
        return None

    def _match_macro(self, name: str, space: Sequence[str], at: int) -> Optional[int]:
        rest = self._macro_value(name).lower()
        while rest:
            if at >= len(space) or not rest.startswith(space[at].lower()):
                return None
            rest = rest[len(space[at]) :]
            at += 1
        return at

    # The right side.
    def _substitute(
        self, rhs: Sequence[str], space: Sequence[str], matched: List[Tuple[int, int]]
    ) -> List[str]:
        out: List[str] = []
        for token in rhs:
            if not isinstance(token, Symbol):
                out.append(token)
            elif token.sign == "&":
                out.extend(tokens([self._macro_value(token.name)], self._ops, comments=True))
            elif token.sign == "" and token.name in "123456789":
                number = int(token.name)
                if number > len(matched):
                    raise _FailedError(f"replacement ${number} out of bounds")
                first, end = matched[number - 1]
                out.extend(space[first:end])
            else:
                out.append(token)
        return out

    def _lookups(self, space: List[str]) -> List[str]:
        out: List[str] = []
        at = 0
        while at < len(space):
            token = space[at]
            closing = {"$(": "$)", "$[": "$]"}.get(token) if isinstance(token, Symbol) else None
            if closing is None:
                out.append(token)
                at += 1
                continue
            end = next((i for i in range(at + 1, len(space)) if _is(space[i], closing)), None)
            if end is None:
                raise _FailedError("a map lookup has no end")
            out.extend(self._look_up(space[at + 1 : end], is_host=closing == "$]"))
            at = end + 1
        return out

    def _look_up(self, inner: List[str], *, is_host: bool) -> List[str]:
        name = "host" if is_host else (inner[0].lower() if inner else "")
        parts: List[List[str]] = [[]]
        default: Optional[List[str]] = None
        for token in inner if is_host else inner[1:]:
            if default is not None:
                default.append(token)
            elif _is(token, "$:"):
                default = []
            elif _is(token, "$@"):
                parts.append([])
            else:
                parts[-1].append(token)
        node = self._maps.get(name)
        flags = map_arguments(node).flags if node is not None else {}
        space = flags.get("S", "")[:1] or self._space
        texts = [joined(part, self._ops, space) for part in parts]
        key = (
            texts[0]
            if "q" in flags or (node and node.map_class.lower() == "dequote")
            else texts[0].replace('"', "")
        )
        try:
            value = self._value(name, node, key, texts[1:])
        except LookupFailedError:
            if "T" not in flags or "t" in flags:
                raise
            return [*parts[0], *tokens([flags["T"]], self._ops)]
        if value is None:
            if default is None:
                return parts[0]
            # The default is put together and cut anew, as text from outside.
            return tokens(pieces(default, self._ops, self._space), self._ops, comments=True)
        if "m" in flags:
            value = key
        arguments = [key, *texts[1:]]
        text = re.sub(r"%([0-9%])", lambda m: _argument(m.group(1), arguments), value) + flags.get("a", "")
        return tokens([text], self._ops, comments=True)

    def _value(self, name: str, node: Optional[KeyFile], key: str, arguments: List[str]) -> Optional[str]:
        cls = node.map_class.lower() if node is not None else name
        builtin = _BUILTIN.get(cls)
        if builtin is not None:
            return builtin(key, arguments)
        if cls == "macro":
            if arguments:
                self._stored[bare(key)] = arguments[0]
            else:
                self._stored.pop(bare(key), None)
            return ""
        if node is None:
            raise LookupFailedError(f"there is no map {name}")
        return self._lookup(name, key)

    def _calls(self, space: List[str], depth: int) -> List[str]:
        """Calls of other rulesets, from right to left: each takes all that follows it."""
        for at in range(len(space) - 1, -1, -1):
            if not _is(space[at], "$>") or at + 1 >= len(space):
                continue
            name = space[at + 1].strip('"')
            number = re.match(r"0*([0-9]+)", name)
            name = number.group(1) if number else name  # what follows a number is ignored
            rest = space[at + 2 :]
            if name in self._rulesets:
                rest = self._rewrite(name, rest, depth + 1)
            elif number is None:
                raise _FailedError(f"unknown ruleset {name}")
            space = [*space[:at], *rest]
        return space


def _is(token: str, symbol: str) -> bool:
    return isinstance(token, Symbol) and token == symbol


def _is_special(token: str) -> bool:
    return isinstance(token, Symbol)


def _argument(digit: str, arguments: List[str]) -> str:
    if digit == "%":
        return "%"
    return arguments[int(digit)] if int(digit) < len(arguments) else ""


def _dequote(key: str, arguments: List[str]) -> Optional[str]:
    return key.replace('"', "") if key.count('"') >= 2 and key.count('"') % 2 == 0 else None


def _arith(key: str, arguments: List[str]) -> Optional[str]:
    if len(arguments) < 2:
        return None
    first, second = (int(m.group()) if (m := re.match(r"[+-]?[0-9]+", one)) else 0 for one in arguments[:2])
    if key in ("/", "%") and second == 0:
        return None
    whole = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1) if second else 0
    return {
        "+": str(first + second),
        "-": str(first - second),
        "*": str(first * second),
        "/": str(whole),
        "%": str(first - whole * second),
        "|": str(first | second),
        "&": str(first & second),
        "l": "TRUE" if first < second else "FALSE",
        "=": "TRUE" if first == second else "FALSE",
    }.get(key[:1])


def _not_found(key: str, arguments: List[str]) -> Optional[str]:
    return None


#: Map classes that need no file.  Names are not resolved here, so the host map finds nothing.
_BUILTIN: Dict[str, Callable[[str, List[str]], Optional[str]]] = {
    "dequote": _dequote,
    "arith": _arith,
    "null": _not_found,
    "host": _not_found,
}
