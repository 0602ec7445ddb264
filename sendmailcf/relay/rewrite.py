"""Run rulesets as sendmail runs them: for proof, not for delivery.

The one thing to know: nothing here is guessed from the look of a rule.  Rules are compiled with the macros
defined at the place where they stand, matched with sendmail's own backtracking, and looked up in whatever maps
the caller has; what cannot be followed makes the evaluation fail with a reason.  Facts from parseaddr.c
(rewrite, callsubr), readcf.c and map.c of sendmail 8.17.1, each seen in its test mode.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Set, Tuple

from attrs import field, frozen

from ..expressions import (
    MAX_KEY_BYTES,
    MAX_TOKENS,
    Item,
    Symbol,
    TokenError,
    folded,
    is_word,
    joined,
    pieces,
    stripped,
    symbols,
    tokens,
)
from ..nodes import (
    bare,
)
from ..reading import MAX_MAP_ARGUMENTS, UNPARSED, Reading, ReadMap, ReadRules, ruleset_number
from ..record import Record

Lookup = Callable[[str, str], Optional[str]]

MAX_RULE_LOOPS = 100
MAX_RECURSION = 50
MAX_CALLS = 15
MAX_STEPS = 200_000

#: Statuses of an evaluation, as `sendmail -bt` prints them (sysexits.h).
OK, DATA_ERROR, TEMPORARY, CONFIGURATION = 0, 65, 75, 78


class LookupFailedError(Exception):
    """A map cannot be opened, or not by us."""


class _FailedError(Exception):
    def __init__(self, reason: str, status: int = CONFIGURATION) -> None:
        super().__init__(reason)
        self.status = status


@frozen(eq=False, repr=False)
class Result(Record):
    """What a ruleset returned.  The tokens are not shown: they may hold a password.

    tokens: symbols are Symbol; empty where the evaluation was given up.  failed: sendmail, or we, could not evaluate
    it, and `reason` says why.  status: 0, or what sendmail reports: 65 for text it cannot cut, 75 for a map it
    cannot read, 78 for rules it cannot follow.  A map with -T gives a text for the rules to act on, so the
    evaluation did not fail; its status is 75 all the same, and sendmail takes a ruleset `authinfo` that ends so for
    missing.
    """

    tokens: Tuple[str, ...] = field(repr=False)
    failed: bool = False
    reason: str = ""
    ops: FrozenSet[str] = field(default=frozenset(), repr=False)
    status: int = OK

    @property
    def text(self) -> str:
        """The tokens as `sendmail -bt` prints them."""
        return " ".join(self.tokens)

    def _part(self, start: str) -> Optional[str]:
        if not self.tokens or not _is(self.tokens[0], "$#"):
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


class Rewriter:
    """The rulesets of a file, ready to run.

    read: the file; several may share it, for nothing in it changes.  lookup: the value of a key in a map, by the
    map's name in lower case, as it stands in the file: the flags -a, -m, -q, -S, -T and -t are applied here, those
    that change the key that is looked for are the caller's; None for no such key; raises LookupFailedError.  A map
    that no K line declares holds nothing.
    """

    def __init__(self, read: Reading, *, lookup: Lookup) -> None:
        self._lookup = lookup
        self._read = read
        self._classes: Dict[str, Set[str]] = {
            name: {folded(word) for word in members} for name, members in read.classes.items()
        }
        self._longest = {name: max(map(len, members), default=0) for name, members in self._classes.items()}
        self._run_time: Dict[str, List[Item]] = {}
        self._steps = 0
        self._status = OK
        self._reason = ""

    def run(self, ruleset: str, workspace: str, macros: Optional[Mapping[str, str]] = None) -> Result:
        """Run one ruleset, by name or number, on a text in which `$|`, `$#`, `$@`, `$:` are symbols.

        The text is cut as test mode does it: quotes and angle brackets are balanced, and parentheses are tokens from
        level 9 on.  macros: run-time values for `$&x`, by name without braces.
        """
        ops = self._read.operators()
        try:
            space = tokens(symbols(workspace), ops, comments=self._read.level < 9, repair=True)
        except TokenError as error:
            return Result((), True, str(error), ops, DATA_ERROR)
        return self.run_tokens(ruleset, space, macros)

    def run_tokens(
        self, ruleset: str, space: Sequence[str], macros: Optional[Mapping[str, str]] = None
    ) -> Result:
        """The same on what another ruleset returned."""
        ops = self._read.operators()
        self._run_time = {name: [value] for name, value in (macros or {}).items()}
        self._steps, self._status, self._reason = 0, OK, ""
        try:
            rules = self._called(ruleset)
            if rules is None:
                raise _FailedError(f"there is no ruleset {ruleset}")
            out = tuple(self._rewrite(ruleset, rules, list(space), 0, MAX_TOKENS))
        except _FailedError as error:
            return Result((), True, str(error), ops, error.status)
        except TokenError as error:
            return Result((), True, str(error), ops, DATA_ERROR)
        return Result(out, bool(self._reason), self._reason, ops, self._status)

    def _work(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise _FailedError("the rules take too many steps")

    def _macro_value(self, name: str) -> List[Item]:
        """The value at run time, in which macros are not expanded."""
        found = self._run_time.get(name)
        return self._read.macros.get(name, []) if found is None else found

    def _called(self, name: str) -> Optional[ReadRules]:
        """The rules of a name or number; what follows either is ignored.  None for a name that does not exist."""
        found = re.match(r"([0-9]+)|([A-Za-z][A-Za-z0-9_]*)", name)
        if found is None:
            return None
        if found.group(2):
            return self._read.rulesets.get(found.group(2))
        number = ruleset_number(found.group(1))
        return None if number is None else self._read.rulesets.get(number, ReadRules())

    def _rewrite(self, name: str, rules: ReadRules, space: List[str], depth: int, room: int) -> List[str]:
        if depth > MAX_RECURSION:
            raise _FailedError(f"the rulesets call each other more than {MAX_RECURSION} deep, in {name}")
        if rules.refused:
            raise _FailedError(f"sendmail refuses a rule of {name}: {rules.refused}")
        at = tries = 0
        low = [one if isinstance(one, Symbol) else folded(one) for one in space]
        held = frozenset(low)
        # Text that begins with $# is resolved: no rule of any ruleset is applied to it.
        while at < len(rules) and not (space and _is(space[0], "$#")):
            rule = rules[at]
            tries += 1
            if tries > MAX_RULE_LOOPS:
                # sendmail goes on with what it has.
                self._reason = self._reason or f"infinite loop in ruleset {name}, rule {at + 1}"
                break
            matched = self._match(rule.pattern, low) if rule.needed <= held else None
            if matched is None:
                at, tries = at + 1, 0
                continue
            rhs: Sequence[str] = rule.rhs
            head = rhs[0] if rhs and isinstance(rhs[0], Symbol) else None
            if head in ("$@", "$:"):
                rhs = rhs[1:]
            out = self._substitute(rhs, space, matched, room)
            space = self._calls(self._lookups(out, room), depth)
            self._work(len(space))
            if head == "$@":
                break
            if head == "$:":
                at, tries = at + 1, 0
            low = [one if isinstance(one, Symbol) else folded(one) for one in space]
            held = frozenset(low)
        return space

    # Matching: sendmail's own, minimal first and extended from the right.
    def _match(self, lhs: Sequence[str], space: Sequence[str]) -> Optional[List[Tuple[int, int]]]:
        """The stretch [first, end) of each wildcard, or None.  Both sides are folded."""
        bound: List[Tuple[int, int, int]] = []  # place in the pattern, first, end
        at = place = 0
        while place < len(lhs) or at < len(space):
            self._work(1)
            step = self._step(lhs, place, space, at, bound) or self._back_up(lhs, space, bound)
            if step is None:
                return None
            place, at = step
        return [(first, end) for _, first, end in bound]

    def _step(
        self,
        lhs: Sequence[str],
        place: int,
        space: Sequence[str],
        at: int,
        bound: List[Tuple[int, int, int]],
    ) -> Optional[Tuple[int, int]]:
        if place == len(lhs):
            return None
        want = lhs[place]
        if not isinstance(want, Symbol):
            if at < len(space) and space[at] == want and not isinstance(space[at], Symbol):
                return place + 1, at + 1
            return None
        if want == "$*":
            bound.append((place, at, at))
            return place + 1, at
        if want == "$@":
            return place + 1, at
        # At the end even a macro without value matches nothing.
        if at >= len(space):
            return None
        end = at + 1
        if want.sign == "=":
            found = self._phrase(want.name, space, at, at)
            if found is None:
                return None
            end = found
        elif want.sign == "&":
            after = self._match_macro(want.name, space, at)
            return None if after is None else (place + 1, after)
        elif want.sign == "~":
            if space[at] in self._classes.get(want.name, ()):
                return None
        elif want not in ("$+", "$-"):
            return (place + 1, end) if _is(space[at], want) else None
        bound.append((place, at, end))
        return place + 1, end

    def _back_up(
        self,
        lhs: Sequence[str],
        space: Sequence[str],
        bound: List[Tuple[int, int, int]],
    ) -> Optional[Tuple[int, int]]:
        """Extend the last wildcard that can grow; where to go on, or None."""
        while bound:
            place, first, end = bound.pop()
            want = lhs[place]
            if not isinstance(want, Symbol) or end >= len(space):
                continue
            longer: Optional[int] = None
            if want.sign == "=":
                longer = self._phrase(want.name, space, first, end)
            elif want in ("$*", "$+"):
                longer = end + 1
            if longer is not None:
                bound.append((place, first, longer))
                return place + 1, longer
        return None

    def _phrase(self, name: str, space: Sequence[str], first: int, after: int) -> Optional[int]:
        """The end of the shortest stretch from `first`, longer than to `after`, that is in class `name`."""
        members = self._classes.get(name)
        if not members:
            return None
        text: List[str] = []
        size = 0
        last_is_word = False
        for end in range(first + 1, len(space) + 1):
            self._work(1)
            word = is_word(space[end - 1], self._read.operators())
            if word and last_is_word:
                text.append(folded(self._read.space))
                size += 1
            last_is_word = word
            text.append(space[end - 1])
            size += len(space[end - 1])
            if size > self._longest[name]:
                return None
            if end > after and "".join(text) in members:
                return end
        return None

    def _match_macro(self, name: str, space: Sequence[str], at: int) -> Optional[int]:
        rest = folded("".join(self._macro_value(name)))
        done = 0
        while done < len(rest):
            if at >= len(space) or not rest.startswith(space[at], done):
                return None
            done += len(space[at])
            at += 1
        return at

    # The right side.
    def _substitute(
        self, rhs: Sequence[str], space: Sequence[str], matched: List[Tuple[int, int]], room: int
    ) -> List[str]:
        out: List[str] = []
        for token in rhs:
            if isinstance(token, Symbol) and token.sign == "&":
                value = self._macro_value(token.name)
                if any(isinstance(one, Symbol) for one in value):
                    # sendmail inserts the symbol's code, for which nobody writes rules.
                    raise _FailedError(f"the value of {token} holds a symbol, which is not expanded there")
                if any(value):
                    out.extend(self._cut(value))
                    _fits(len(out) + 1, room)
            elif isinstance(token, Symbol) and token.sign == "" and token.name in "123456789":
                first, end = matched[int(token.name) - 1]
                out.extend(space[first:end])
            else:
                out.append(token)
            _fits(len(out), room)
        return out

    def _cut(self, items: Sequence[Item]) -> List[str]:
        """Text from outside as tokens.  Where nothing is left of it, sendmail gives the ruleset up."""
        found = tokens(items, self._read.operators(), comments=True, repair=True)
        if not found:
            raise TokenError("a value holds nothing but blanks or a comment")
        return found

    def _lookups(self, space: List[str], room: int) -> List[str]:
        if not any(_is(one, "$(") or _is(one, "$[") for one in space):
            return space
        out: List[str] = []
        at = 0
        while at < len(space):
            token = space[at]
            closing = {"$(": "$)", "$[": "$]"}.get(token) if isinstance(token, Symbol) else None
            if closing is None:
                out.append(token)
                at += 1
                continue
            end = next((i for i in range(at + 1, len(space)) if _is(space[i], closing)), len(space))
            out.extend(self._look_up(space[at + 1 : end], is_host=closing == "$]"))
            self._work(end - at)
            at = end + 1
            _fits(len(out) + max(0, len(space) - at) + 1, room)
        return out

    def _look_up(self, inner: List[str], *, is_host: bool) -> List[str]:
        if not is_host and not inner:
            raise _FailedError("a lookup names no map")
        name = "host" if is_host else inner[0].lower()
        parts: List[List[str]] = [[]]
        default: Optional[List[str]] = None
        target = parts[0]
        for token in inner if is_host else inner[1:]:
            if _is(token, "$:"):
                target = default = []
            elif _is(token, "$@"):
                target = []
                parts.append(target)
            else:
                target.append(token)
        found = self._read.maps.get(name)
        flags: Mapping[str, str] = found.arguments.flags if found is not None else {}
        space = (found.space if found is not None else "") or self._read.space
        key = joined(parts[0], self._read.operators(), space, MAX_KEY_BYTES)
        if found is not None and "q" not in flags and found.cls not in UNPARSED:
            key = stripped(key)
        arguments = [joined(part, self._read.operators(), self._read.space) for part in parts[1:]]
        value: Optional[str] = None
        try:
            if found is not None and found.cls == "macro":
                # The name has one character, or braces.  Without a value what was defined before shows again.
                macro = bare(key) if key.startswith("{") else key[:1]
                self._run_time.pop(macro, None)
                if arguments:
                    self._run_time[macro] = pieces(parts[1], self._read.operators(), self._read.space)
                return []
            if found is not None:
                value = self._value(name, found, key, arguments[:MAX_MAP_ARGUMENTS], 0)
        except LookupFailedError as error:
            if "t" not in flags:
                self._status = TEMPORARY
                if "T" not in flags:
                    self._reason = self._reason or str(error)
            if "T" in flags:
                value = key + flags["T"]
        if value is not None:
            if any(isinstance(one, Symbol) for part in parts for one in part):
                raise _FailedError("the key or an argument of a lookup holds a symbol")
            return self._cut([value]) if value else []
        if default is None:
            return parts[0]
        # The default is put together and cut anew.
        put_together = pieces(default, self._read.operators(), self._read.space, MAX_KEY_BYTES)
        return self._cut(put_together) if any(put_together) else []

    def _value(self, name: str, found: ReadMap, key: str, arguments: List[str], depth: int) -> Optional[str]:
        """What the map returns, -a and the arguments put in.  Raises LookupFailedError."""
        flags = found.arguments.flags
        if found.cls in ("null", "host"):
            # Names are not resolved here, so the host map finds nothing.
            return None
        if found.cls == "arith":
            return _arith(key, arguments)
        if found.cls == "dequote":
            # It takes -a and does nothing with it.
            return _dequote(key, found.space)
        if found.cls == "sequence":
            return self._sequence(found, key, arguments, depth)
        value = self._lookup(name, key)
        if value is None:
            return None
        if "m" in flags:
            text = key
        else:
            every = [key, *arguments]
            text = re.sub(r"%([0-9%])", lambda m: _argument(m.group(1), every), value.partition("\0")[0])
        return text + flags.get("a", "")

    def _sequence(self, found: ReadMap, key: str, arguments: List[str], depth: int) -> Optional[str]:
        """The first map of several that knows the key; one that cannot be read is passed over."""
        if depth > MAX_RECURSION:
            raise _FailedError("maps of class sequence name each other")
        failure: Optional[LookupFailedError] = None
        members = [one for one in (found.arguments.file, *found.arguments.rest) if one]
        for member in members:
            self._work(1)
            one = self._read.maps.get(member.lower())
            if one is None:
                continue
            try:
                value = self._value(member.lower(), one, key, arguments, depth + 1)
            except LookupFailedError as error:
                failure = failure or error
                continue
            if value is not None:
                return value
        if failure is not None:
            raise failure
        return None

    def _calls(self, space: List[str], depth: int) -> List[str]:
        """Calls of other rulesets, from right to left: each takes all that follows it."""
        calls: List[Tuple[int, str, ReadRules]] = []
        at = 0
        while at < len(space):
            if _is(space[at], "$>") and at + 1 < len(space):
                name = stripped(space[at + 1])
                rules = self._called(name)
                if rules is None:
                    raise _FailedError(f"unknown ruleset {name}")
                if rules or rules.refused:
                    calls.append((at, name, rules))
                else:
                    # An empty ruleset is not called; sendmail does not look at the token that moves up.
                    del space[at : at + 2]
            at += 1
        if len(calls) > MAX_CALLS:
            raise _FailedError(f"more than {MAX_CALLS} rulesets called in one rule")
        for at, name, rules in reversed(calls):
            space = space[:at] + self._rewrite(name, rules, space[at + 2 :], depth + 1, MAX_TOKENS - at)
        return space


def _is(token: str, symbol: str) -> bool:
    return isinstance(token, Symbol) and token == symbol


def _fits(count: int, room: int) -> None:
    if count > room:
        raise TokenError("a rule makes the text longer than sendmail's 1000 tokens")


def _argument(digit: str, arguments: List[str]) -> str:
    if digit == "%":
        return "%"
    return arguments[int(digit)] if int(digit) < len(arguments) else ""


def _dequote(key: str, space: str) -> Optional[str]:
    """Text without quotes, if it had any, is balanced and holds no blank (map class dequote)."""
    out: List[str] = []
    angles = comments = quotes = 0
    protected = False
    for c in key:
        if protected:
            protected = False
            out.append(c)
            continue
        char = space if c == " " and space else c
        if char == "\\":
            protected = True
        elif char == "(":
            comments += 1
        elif char == ")":
            if comments <= 0:
                return None
            comments -= 1
        elif char in " \t":
            return None
        if comments <= 0:
            if char == '"':
                quotes += 1
                continue
            if char == "<":
                angles += 1
            elif char == ">":
                if angles <= 0:
                    return None
                angles -= 1
        out.append(char)
    if angles or comments or protected or quotes == 0 or quotes % 2:
        return None
    return "".join(out)


def _long(text: str) -> int:
    """A C long from the digits at the beginning."""
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]{1,30})", text)
    return max(-(2**63), min(2**63 - 1, int(found.group(1)))) if found else 0


def _arith(key: str, arguments: List[str]) -> Optional[str]:
    """The map class arith; `r`, a random number, is not followed."""
    if len(arguments) < 2 or not key:
        return None
    first, second = _long(arguments[0]), _long(arguments[1])
    operator = key[0]
    if operator == "r":
        raise _FailedError("a rule asks for a random number")
    if operator in "l=":
        return "TRUE" if (first < second if operator == "l" else first == second) else "FALSE"
    if operator in "/%" and second == 0:
        return None
    whole = 0
    if second:
        whole = abs(first) // abs(second) * (1 if (first < 0) == (second < 0) else -1)
    results = {
        "+": first + second,
        "-": first - second,
        "*": first * second,
        "/": whole,
        "%": first - whole * second,
        "|": first | second,
        "&": first & second,
    }
    if operator not in results:
        return None
    return str((results[operator] + 2**63) % 2**64 - 2**63)
