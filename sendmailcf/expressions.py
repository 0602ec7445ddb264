"""The words inside a rule side or a macro value: `$` symbols, expansion, and tokens.

The one thing to know: sendmail does this in two steps.  When a line is read, `$` sequences become symbols and
macros are expanded; then the text is cut into tokens at operator characters, and only tokens are matched.
Both languages are regular, so each is one pattern: no grammar is loaded to read a rule.
Facts from readcf.c, macro.c, parseaddr.c (prescan, cataddr) and util.c of sendmail 8.17.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Callable, Dict, FrozenSet, Iterable, List, Optional, Pattern, Sequence, Tuple, Union

from attrs import frozen

#: Characters that always are tokens of their own, beside those of OperatorChars.
DELIMITERS = "()<>,;\r\n"
DEFAULT_OPERATORS = ".:@[]"
#: Bytes of one token, bytes of a tokenised text with one more for each token, and tokens (MAXNAME, PSBUFSIZE, MAXATOM).
MAX_TOKEN_BYTES = 256
MAX_TEXT_BYTES = 1251
MAX_TOKENS = 1000
#: Bytes of the key or the default of a lookup, cut silently (MAXKEY).
MAX_KEY_BYTES = 1021
_MAX_PASSES = 11
_MAX_EXPANDED = 4095
_BLANKS = " \t\n\v\f\r"
_META = frozenset("*+-@0123456789#:>[]()|.")

_SIGN = r"\$(?:\$|(?P<sign>[=~&?]?)(?:\{(?P<long>[^${}\n]*)\}|(?P<short>.)))"
_SYMBOL = re.compile(_SIGN, re.DOTALL)
_WORD = re.compile(
    rf"""(?P<symbol>{_SIGN})
       | (?P<blank>[ \t\n\v\f\r]+)
       | (?P<quoted>"(?:[^"\\]|\\.)*(?:"|\\?\Z))
       | (?P<text>(?:[^$"\\ \t\n\v\f\r]|\\(?:[^$]|(?=\$)|\Z)|\$\Z)+)""",
    re.VERBOSE | re.DOTALL,
)


class Symbol(str):
    """A symbol such as `$*`, `$=w`, `$&{server_name}` or `$#`; text that merely looks so is a plain str."""

    __slots__ = ("name", "sign")

    sign: str
    name: str

    def __new__(cls, sign: str, name: str) -> Symbol:
        """sign: "" (a macro or one-character symbol), "=", "~", "&" or "?".  name: without braces."""
        made = super().__new__(cls, f"${sign}" + (name if len(name) == 1 else "{" + name + "}"))
        made.sign, made.name = sign, name
        return made

    @property
    def is_macro(self) -> bool:
        """Whether it stands for a macro's value, and not for itself as `$*`, `$1`, `$#`, `$=w` do."""
        return self.sign == "" and self.name not in _META

    @property
    def size(self) -> int:
        """The bytes of its internal code, which count where sendmail measures text."""
        return 1 if self.sign == "" and self.name in _META and self.name not in "0123456789" else 2


Item = Union[str, Symbol]


@frozen
class Word:
    """A piece of a rule side or macro value, as it stands in the file.

    kind: "metasymbol" (`$*`, `$=x`, `$(`, `$?x`), "macro" (`$x`, `${name}`), "runtime" (`$&x`), "quoted", "text"
    or "blank".
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def words(side: str) -> Tuple[Word, ...]:
    """Cut a rule side or macro value into words; the concatenation of their texts is `side`.

    >>> [word.kind for word in words('$* <@$j> "a b"$&{x}')]
    ['metasymbol', 'blank', 'text', 'macro', 'text', 'blank', 'quoted', 'runtime']
    """
    return tuple(Word(_kind(found), found.group()) for found in _WORD.finditer(side))


def _kind(found: re.Match[str]) -> str:
    if found.group("symbol") is None:
        return found.lastgroup or "text"
    if found.group() == "$$":
        return "text"
    symbol = _symbol(found)
    return "runtime" if symbol.sign == "&" else "macro" if symbol.is_macro else "metasymbol"


def _symbol(found: re.Match[str]) -> Symbol:
    sign, long, short = found.group("sign", "long", "short")
    return Symbol(sign or "", long if long is not None else short)


def symbols(text: str) -> List[Item]:
    """Cut a text into plain pieces and symbols, as sendmail does when it reads a line: `$$` is a dollar.

    >>> symbols("a$*$=wb$$c")
    ['a', '$*', '$=w', 'b', '$', 'c']
    """
    items: List[Item] = []
    at = 0
    for found in _SYMBOL.finditer(text):
        if found.start() > at:
            items.append(text[at : found.start()])
        at = found.end()
        items.append("$" if found.group() == "$$" else _symbol(found))
    if at < len(text):
        items.append(text[at:])
    return items


def expand(items: Sequence[Item], value: Callable[[str], Optional[List[Item]]]) -> List[Item]:
    """Expand macros and conditionals, `$?x … $| … $.`; `$&x` stays.  More than 4095 characters are cut off.

    value: the items of a macro by its name, or None.  A one-character symbol that has a value is expanded too: a
    D line can redefine `$*`.  Raises RecursionError where macros nest too deep: sendmail does not run then.
    """
    now = list(items)
    for _ in range(_MAX_PASSES):
        now, again = _pass(now, value)
        if not again:
            return now
    raise RecursionError("expand: recursion too deep (10 max)")


def _pass(items: Sequence[Item], value: Callable[[str], Optional[List[Item]]]) -> Tuple[List[Item], bool]:
    """Every macro replaced once; and whether a value held symbols, for which sendmail makes another pass."""
    out: List[Item] = []
    level = skipped = 0
    left = _MAX_EXPANDED
    skipping = again = False
    for item in items:
        inserted: Sequence[Item] = (item,)
        if isinstance(item, Symbol):
            if item.sign == "?":
                level += 1
                if skipping:
                    skipped += 1
                else:
                    # True if the macro is defined and not empty.
                    skipping = not value(item.name)
                continue
            if item == "$|" and level:
                skipping = skipping if skipped else not skipping
                continue
            if item == "$." and level:
                level -= 1
                if skipped:
                    skipped -= 1
                else:
                    skipping = False
                continue
            found = value(item.name) if item.sign == "" else None
            if found is not None:
                inserted = found
            elif item.is_macro:
                continue
            again = again or (found is not None and any(isinstance(one, Symbol) for one in found))
        if skipping:
            continue
        for one in inserted:
            if left <= 0:
                return out, again
            out.append(one if isinstance(one, Symbol) else one[:left])
            left -= one.size if isinstance(one, Symbol) else len(one)
    return out, again


def unquoted(items: Iterable[Item]) -> List[Item]:
    """The value of a D line or mailer field: quotes removed, backslashes taken; the last backslash is dropped."""
    controls = {"n": "\n", "r": "\r", "f": "\f", "b": "\b"}
    out: List[Item] = []
    protected = False
    for item in items:
        if isinstance(item, Symbol):
            out.append(item)
            protected = False
            continue
        text: List[str] = []
        for c in item:
            if protected:
                text.append(controls.get(c, c))
                protected = False
            elif c == "\\":
                protected = True
            elif c != '"':
                text.append(c)
        if text:
            out.append("".join(text))
    return out


def operators(chars: str) -> FrozenSet[str]:
    """The characters that are tokens of their own, for a value of OperatorChars."""
    return frozenset(chars + DELIMITERS)


class TokenError(ValueError):
    """A token of more than 256 bytes, or too much text in all: sendmail gives up the whole text."""


@lru_cache(maxsize=32)
def _plain(ops: FrozenSet[str]) -> Pattern[str]:
    """A run of characters that are part of a word wherever they stand."""
    return re.compile("[^" + re.escape("".join(sorted(ops | set(_BLANKS + '"\\<>()')))) + "]+")


class _Scan:
    """One text being cut (prescan): what is open, and how much was stored."""

    def __init__(self, ops: FrozenSet[str], comments: bool, repair: bool) -> None:
        self.ops, self.comments, self.repair = ops, comments, repair
        self.out: List[str] = []
        self.word: List[str] = []
        self.stored = self.depth = self.angles = 0
        self.in_quotes = self.protected = False

    def end(self) -> None:
        if self.word:
            self.token("".join(self.word))
            self.word.clear()

    def token(self, text: str) -> None:
        size = len(text.encode("utf-8", "surrogateescape"))
        self.stored += size + 1
        if size > MAX_TOKEN_BYTES:
            raise TokenError(f"a token is longer than {MAX_TOKEN_BYTES} bytes")
        if self.stored > MAX_TEXT_BYTES or len(self.out) >= MAX_TOKENS:
            raise TokenError("the text is too long to be cut into tokens")
        self.out.append(text)

    def symbol(self, symbol: Symbol) -> None:
        if self.depth:
            self.protected = False
        elif self.in_quotes or self.protected:
            self.text(str(symbol))
        else:
            self.end()
            self.stored += symbol.size + 1
            self.out.append(symbol)
            if self.stored > MAX_TEXT_BYTES or len(self.out) > MAX_TOKENS:
                raise TokenError("the text is too long to be cut into tokens")

    def text(self, text: str) -> None:
        plain, at = _plain(self.ops), 0
        while at < len(text):
            run = None if self.in_quotes or self.protected or self.depth else plain.match(text, at)
            if run is not None:
                self.word.append(run.group())
                at = run.end()
            else:
                self.char(text[at])
                at += 1

    def char(self, c: str) -> None:
        if self.protected:
            self.protected = False
            if self.depth:
                return
            if c != "!" or self.in_quotes:
                self.word.append("\\" + c)
                return
            # \! is an ordinary exclamation mark, which may be an operator.
        if c == "\\":
            self.protected = True
        elif self.in_quotes:
            self.word.append(c)
            if c == '"':
                self.in_quotes = False
                self.end()
        elif self.comments and c == "(":
            self.depth += 1
        elif self.comments and c == ")":
            if self.depth or not self.repair:
                self.end()
            self.depth = max(0, self.depth - 1)
        elif self.depth:
            return
        elif c == '"':
            self.end()
            self.word.append(c)
            self.in_quotes = True
        elif self.repair and c == ">" and not self.angles:
            return
        elif c in _BLANKS:
            # A blank is never an operator: its place in sendmail's table is taken.
            self.end()
        elif c in self.ops:
            self.end()
            self.angles += {"<": 1, ">": -1}.get(c, 0)
            self.token(c)
        else:
            self.word.append(c)

    def close(self) -> List[str]:
        if self.repair:
            # A backslash at the end protects what is supplied, so that it has to be supplied again.
            while self.in_quotes or self.depth or self.angles:
                self.char('"' if self.in_quotes else ")" if self.depth else ">")
        self.end()
        return self.out


def tokens(
    items: Iterable[Item], ops: FrozenSet[str], *, comments: bool = False, repair: bool = False
) -> List[str]:
    """Cut expanded text into tokens.

    comments: drop text in parentheses, as in addresses and results of maps.  repair: supply missing closing quotes
    and angle brackets and drop surplus ones, as in all text that is not of a rule.  Raises TokenError.
    """
    scan = _Scan(ops, comments, repair)
    for item in items:
        if isinstance(item, Symbol):
            scan.symbol(item)
        else:
            scan.text(item)
    return scan.close()


def is_word(token: str, ops: FrozenSet[str]) -> bool:
    """Whether a token is a word: between two of them stands a blank when text is put together again."""
    return not isinstance(token, Symbol) and token[:1] not in ops and token[:1] != '"'


def pieces(parts: Iterable[str], ops: FrozenSet[str], space: str, limit: Optional[int] = None) -> List[Item]:
    """Tokens as text again, symbols apart: `space` goes between two words, nothing elsewhere (cataddr).

    limit: bytes after which the rest is cut off silently.
    """
    out: List[Item] = []
    left = limit
    last_is_word = False
    for part in parts:
        word = is_word(part, ops)
        text = space + part if last_is_word and word else part
        last_is_word = word
        if left is not None:
            raw = text.encode("utf-8", "surrogateescape")
            size = part.size if isinstance(part, Symbol) else len(raw)
            if size > left:
                if not isinstance(part, Symbol):
                    out.append(raw[:left].decode("utf-8", "surrogateescape"))
                break
            left -= size
        out.append(text)
    return out


def joined(parts: Iterable[str], ops: FrozenSet[str], space: str, limit: Optional[int] = None) -> str:
    """The same as one text: the key of a lookup, or a class member."""
    return "".join(pieces(parts, ops, space, limit))


def stripped(text: str) -> str:
    """The key of a lookup: quotes are removed, and of every backslash pair the backslash (stripquotes)."""
    if '"' not in text and "\\" not in text:
        return text
    return re.sub(r'\\(.?)|"', lambda m: m.group(1) or "", text, flags=re.DOTALL)


_UPPER: Dict[int, int] = {ord(c): ord(c.lower()) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def folded(text: str) -> str:
    """Text as sendmail compares it: only the letters A to Z are folded."""
    return text.lower() if text.isascii() else text.translate(_UPPER)
