"""The words inside a rule side or a macro value: `$` symbols, expansion, and tokens.

The one thing to know: sendmail does this in two steps.  When a line is read, `$` sequences become symbols and
macros are expanded; then the text is cut into tokens at operator characters, and only tokens are matched.
Both languages are regular, so each is one pattern: no grammar is loaded to read a rule.  `words` shows what stands
in the file, `symbols` and `tokens` what sendmail makes of it.
Facts from readcf.c, macro.c, parseaddr.c (prescan, cataddr) and util.c of sendmail 8.17.1.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Generator,
    Iterable,
    Iterator,
    List,
    Optional,
    Pattern,
    Sequence,
    Tuple,
    Type,
    Union,
    cast,
)

from attrs import frozen

from .errors import EditError
from .nodes import Node, field_names
from .text import decode, stored

#: Characters that always are tokens of their own, beside those of OperatorChars.
DELIMITERS = "()<>,;\r\n"
DEFAULT_OPERATORS = ".:@[]"
#: Bytes of one token, bytes of a tokenised address or result of a map with one more for each token, the same for a side
#: of a rule, and tokens (MAXNAME, PSBUFSIZE, MAXLINE + MAXATOM, MAXATOM).
MAX_TOKEN_BYTES = 256
MAX_TEXT_BYTES = 1251
MAX_SIDE_BYTES = 3043
MAX_TOKENS = 1000
#: Bytes of the key or the default of a lookup, cut silently (MAXKEY).
MAX_KEY_BYTES = 1021
#: How deep `words` nests; what is opened deeper stands by itself.  sendmail nests no lookups at all.
MAX_DEPTH = 40
_MAX_PASSES = 11
_MAX_EXPANDED = 4095
_BLANKS = " \t\n\v\f\r"
_META = frozenset("*+-@0123456789#:>[]()|.")

_SYMBOL = re.compile(r"(\$(?:\$|[=~&?]?(?:\{[^${}\n]*\}|.)))", re.DOTALL)
#: `$$`, or a symbol that is not one of rules alone.
_NAMED = re.compile(
    r"\$(?:\$|[=~&?](?:\{[^${}\n]*\}|.)|\{[^${}\n]*\}|[^" + re.escape("".join(sorted(_META))) + "])", re.DOTALL
)
_WORD = re.compile(
    r"""(?P<symbol>\$(?:\$|(?P<sign>[=~&?]?)(?P<name>\{[^${}\n]*\}|.)))
       | (?P<blank>[ \t\n\v\f\r]+)
       | (?P<quoted>"(?:[^"\\]|\\.)*(?:"|\\?\Z))
       | (?P<text>(?:[^$"\\ \t\n\v\f\r]|\\(?:[^$]|(?=\$)|\Z)|\$\Z)+)""",
    re.VERBOSE | re.DOTALL,
)


class Symbol(str):
    """A symbol such as `$*`, `$=w`, `$&{server_name}` or `$#`; text that merely looks so is a plain str."""

    __slots__ = ("is_macro", "name", "sign", "size")

    sign: str
    name: str
    #: Whether it stands for a macro's value, and not for itself as `$*`, `$1`, `$#`, `$=w` do.
    is_macro: bool
    #: The bytes of its internal code, which count where sendmail measures text.
    size: int

    def __new__(cls, sign: str, name: str) -> Symbol:
        """sign: "" (a macro or one-character symbol), "=", "~", "&" or "?".  name: without braces."""
        made = super().__new__(cls, f"${sign}" + (name if len(name) == 1 else "{" + name + "}"))
        made.sign, made.name = sign, name
        made.is_macro = sign == "" and name not in _META
        made.size = 1 if sign == "" and name in _META and name not in "0123456789" else 2
        return made


Item = Union[str, Symbol]


# Words: what stands in a line, losslessly.


class Word(Node):
    """A piece of a rule side, macro value, header template or mailer argument, as it stands in the file."""

    __slots__ = ()


@frozen(kw_only=True, eq=False, repr=False)
class Text(Word):
    """Text without a symbol; tokens are cut from it only after macros are expanded (`tokens`)."""

    text: str


@frozen(kw_only=True, eq=False, repr=False)
class Space(Word):
    """White space."""

    text: str


@frozen(kw_only=True, eq=False, repr=False)
class Quoted(Word):
    """A string in double quotes: one token.  One without an end runs to the end of the text."""

    text: str


@frozen(kw_only=True, eq=False, repr=False)
class Macro(Word):
    """`$x` or `${name}`: the value of a macro."""

    sign: str = "$"
    name: str


@frozen(kw_only=True, eq=False, repr=False)
class RunTimeMacro(Word):
    """`$&x`: the value that a macro has when the rule is run."""

    sign: str = "$&"
    name: str


@frozen(kw_only=True, eq=False, repr=False)
class ClassMatch(Word):
    """`$=x`: a phrase that is a member of a class; `$~x`: a token that is none."""

    sign: str = "$="
    name: str


@frozen(kw_only=True, eq=False, repr=False)
class Metasymbol(Word):
    """`$*`, `$1`, `$#`, `$>` and the like, and the dollar `$$`."""

    text: str


@frozen(kw_only=True, eq=False, repr=False)
class Enclosed(Word):
    """Words between two symbols; without an end they run to the end of the text."""

    words: Tuple[Word, ...] = ()


@frozen(kw_only=True, eq=False, repr=False)
class MapLookup(Enclosed):
    """`$(map key $@ argument $: default $)`."""

    opening: str = "$("
    words: Tuple[Word, ...] = ()
    closing: Optional[str] = "$)"

    @property
    def map_name(self) -> str:
        """The map's name, or "" where something else than text stands in its place."""
        first = next((word for word in self.words if not isinstance(word, Space)), None)
        found = _MAP_NAME.match(first.text) if isinstance(first, Text) else None
        return found.group() if found else ""


@frozen(kw_only=True, eq=False, repr=False)
class HostLookup(Enclosed):
    """`$[host$]`: the canonical name of a host."""

    opening: str = "$["
    words: Tuple[Word, ...] = ()
    closing: Optional[str] = "$]"


@frozen(kw_only=True, eq=False, repr=False)
class Conditional(Enclosed):
    """`$?x text $| other text $.`: one of two texts by whether a macro has a value."""

    sign: str = "$?"
    name: str
    words: Tuple[Word, ...] = ()
    otherwise: Optional[str] = None
    other_words: Tuple[Word, ...] = ()
    closing: Optional[str] = "$."


_MAP_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


TEXT, QUOTED, BLANK, SYMBOL = "text", "quoted", "blank", "symbol"


def pieces_of(text: str) -> List[Tuple[int, str, str]]:
    """The same as `words`, flat: where each piece begins, its kind (TEXT, QUOTED, BLANK, SYMBOL), and the piece."""
    return [(found.start(), found.lastgroup or TEXT, found.group()) for found in _WORD.finditer(text)]


@lru_cache(maxsize=8192)
def words(text: str) -> Tuple[Word, ...]:
    """Cut a text into words; the concatenation of their texts is `text`.

    >>> [type(word).__name__ for word in words('$* <@$j> "a b"$&{x}$(m $1 $)')]
    ['Metasymbol', 'Space', 'Text', 'Macro', 'Text', 'Space', 'Quoted', 'RunTimeMacro', 'MapLookup']
    """
    # What is open: the class, its first fields, and the words of both its parts.
    open_now: List[Tuple[Type[Enclosed], Dict[str, Any]]] = []
    top: List[Word] = []
    here = top
    for found in _WORD.finditer(text):
        piece, kind = found.group(), found.lastgroup
        if kind != "symbol":
            here.append(_PLAIN[kind or TEXT](text=piece))
            continue
        sign, name = found.group("sign"), found.group("name")
        if (piece in _OPENING or sign == "?") and len(open_now) < MAX_DEPTH:
            here = []
            fields: Dict[str, Any] = {"sign": "$?", "name": name} if sign == "?" else {"opening": piece}
            open_now.append((_OPENING.get(piece, Conditional), {**fields, "words": here}))
        elif (
            piece == "$|"
            and open_now
            and open_now[-1][0] is Conditional
            and "otherwise" not in open_now[-1][1]
        ):
            here = []
            open_now[-1][1].update(otherwise=piece, other_words=here)
        elif open_now and piece == _CLOSING[open_now[-1][0]]:
            here = _close(open_now, top, piece)
        elif sign and sign != "?":
            here.append(RunTimeMacro(name=name) if sign == "&" else ClassMatch(sign="$" + sign, name=name))
        elif name is None or sign or (name in _META and len(piece) == 2):
            here.append(Metasymbol(text=piece))
        else:
            here.append(Macro(name=name))
    while open_now:
        _close(open_now, top, None)
    return tuple(top)


def text_of(these: Sequence[Word]) -> str:
    """The text of words, to be put into a line.  Raises EditError if it would be cut into other words."""
    text = "".join(map(str, these))
    if words(text) != tuple(these):
        raise EditError(f"the words would not read back as themselves: {text!r}")
    return text


def _close(
    open_now: List[Tuple[Type[Enclosed], Dict[str, Any]]], top: List[Word], closing: Optional[str]
) -> List[Word]:
    """Put what was opened last into what holds it; the words that then go on."""
    cls, fields = open_now.pop()
    make = cast(Callable[..., Word], cls)
    made = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    outer = open_now[-1][1] if open_now else {}
    into: List[Word] = outer.get("other_words", outer.get("words", top))
    into.append(make(**made, closing=closing))
    return into


def walk(these: Sequence[Word], start: int = 0) -> Generator[Tuple[int, Word], None, int]:
    """Each word with its place in the text, counted in characters from `start`; those inside others follow them.
    It returns where the last ends."""
    for word in these:
        yield start, word
        for name in field_names(type(word)):
            value = getattr(word, name)
            if isinstance(value, tuple):
                start = yield from walk(value, start)
            elif value is not None:
                start += len(value)
    return start


_PLAIN: Dict[str, Callable[..., Word]] = {"text": Text, "blank": Space, "quoted": Quoted}
_OPENING: Dict[str, Type[Enclosed]] = {"$(": MapLookup, "$[": HostLookup}
_CLOSING: Dict[Type[Enclosed], str] = {MapLookup: "$)", HostLookup: "$]", Conditional: "$."}


# Symbols: what sendmail makes of them when it reads a line.


@lru_cache(maxsize=4096)
def _symbol(text: str) -> Union[str, Symbol]:
    """The symbol that is spelled so: `$*`, `$=w`, `${x}`; but `$$` is a dollar."""
    if text == "$$":
        return "$"
    sign = text[1] if text[1] in "=~&?" and len(text) > 2 else ""
    name = text[1 + len(sign) :]
    return Symbol(sign, name if len(name) == 1 else name[1:-1])


def symbols(text: str) -> List[Item]:
    """Cut a text into plain pieces and symbols, as sendmail does when it reads a line: `$$` is a dollar.

    >>> symbols("a$*$=wb$$c")
    ['a', '$*', '$=w', 'b', '$', 'c']
    """
    if "$" not in text:
        return [text] if text else []
    if text.isascii():
        pieces: List[Item] = list(_SYMBOL.split(text))
        pieces[1::2] = map(_symbol, pieces[1::2])
        return [piece for piece in pieces if piece]
    return _symbols_of_odd_bytes(text)


def _symbols_of_odd_bytes(text: str) -> List[Item]:
    items: List[Item] = []
    last = 0
    while True:
        found = _SYMBOL.search(text, last)
        if found is None:
            break
        piece = found.group()
        if len(piece) == 2 and piece[1] in _CODES:
            code, rest = _CODES[piece[1]], text[found.end() :]
            if piece[1] == _REPLACED and rest[:1] not in tuple("0123456789"):
                code = "$0"
            elif code in ("$", "$=", "$~") and not rest:
                # Without a name it is a symbol all the same.
                code += "\t"
            items += [text[last : found.start()]] if found.start() > last else []
            text, last = code + rest, 0
            continue
        if found.start() > last:
            items.append(text[last : found.start()])
        last = found.end()
        if piece[-1] > "\x7f":
            items += _of_first_byte(piece[1:-1], piece[-1])
        else:
            items.append(_symbol(piece))
    if last < len(text):
        items.append(text[last:])
    return items


#: The code of what a wildcard matched.
_REPLACED = "\udc95"
#: Bytes that sendmail takes for the codes of its symbols where a dollar, as it were, stands before them: it is the byte
#: that protects them, and not they, that becomes the name.
_CODES: Dict[str, str] = {
    chr(0xDC00 + code): symbol
    for code, symbol in (
        (0x81, "$"), (0x85, "$("), (0x86, "$)"), (0x90, "$*"), (0x91, "$+"), (0x92, "$-"), (0x93, "$="), (0x94, "$~"),
        (0x95, "$"), (0x96, "$#"), (0x97, "$@"), (0x98, "$:"), (0x99, "$>"), (0x9A, "$?"), (0x9B, "$|"), (0x9C, "$."),
        (0x9D, "$["), (0x9E, "$]"),
    )
}  # fmt: skip


def _of_first_byte(sign: str, char: str) -> List[Item]:
    """A symbol whose name is the first byte of a character, and the other bytes; some are stored behind a 0xff."""
    raw = char.encode("utf-8", "surrogateescape")
    raw = stored(decode(raw[:1])) + raw[1:]
    rest = raw[1:].decode("ascii", "surrogateescape")
    return [Symbol(sign, raw[:1].decode("ascii", "surrogateescape")), *([rest] if rest else [])]


def found_symbols(text: str, *, named: bool = False) -> Iterator[Tuple[int, Symbol, str]]:
    """The symbols of a text but `$$`: where the name of each begins, the symbol, and the name as it is spelled.

    named: only those that name a macro or a class.
    """
    for found in (_NAMED if named else _SYMBOL).finditer(text):
        symbol = _symbol(found.group())
        if isinstance(symbol, Symbol):
            at = found.start() + 1 + len(symbol.sign)
            yield at, symbol, text[at : found.end()]


def expand(items: Sequence[Item], value: Callable[[str], Optional[List[Item]]]) -> List[Item]:
    """Expand macros and conditionals, `$?x … $| … $.`; `$&x` stays.  More than 4095 characters are cut off.

    value: the items of a macro by its name, or None.  A one-character symbol that has a value is expanded too: a
    D line can redefine `$*`.  Raises RecursionError where macros nest too deep: sendmail does not run then.
    """
    now = items
    for _ in range(_MAX_PASSES):
        made, again = _pass(now, value)
        if not again:
            return made
        now = made
    raise RecursionError("expand: recursion too deep (10 max)")


def _pass(items: Sequence[Item], value: Callable[[str], Optional[List[Item]]]) -> Tuple[List[Item], bool]:
    """Every macro replaced once; and whether a value held symbols, for which sendmail makes another pass."""
    out: List[Item] = []
    level = skipped = 0
    left = _MAX_EXPANDED
    skipping = again = False
    for item in items:
        if not isinstance(item, Symbol):
            if not skipping:
                if left <= 0:
                    return out, again
                out.append(item[:left])
                left -= len(item)
            continue
        if item.sign == "?":
            level += 1
            if skipping:
                skipped += 1
            else:
                # True if the macro is defined and not empty; symbols are macros, too.
                defined = value(item.name)
                skipping = item.name not in _META if defined is None else not defined
            continue
        if level and item == "$|":
            skipping = skipping if skipped else not skipping
            continue
        if level and item == "$.":
            level -= 1
            if skipped:
                skipped -= 1
            else:
                skipping = False
            continue
        inserted = value(item.name) if item.sign == "" else None
        if inserted is None:
            if item.is_macro:
                continue
            inserted = [item]
        elif any(isinstance(one, Symbol) for one in inserted):
            again = True
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


@lru_cache(maxsize=32)
def _cutter(ops: FrozenSet[str]) -> Callable[[str], List[str]]:
    """Cuts text without quotes, backslashes and comments."""
    signs = re.escape("".join(sorted(ops - set(_BLANKS))))
    return re.compile(f"[{signs}]|[^{signs}{_BLANKS}]+").findall


def _cut_at_once(items: Sequence[Item], ops: FrozenSet[str], hard: str) -> Optional[List[str]]:
    """The tokens of text in which each character is looked at alone: it holds no quote, no backslash and none of
    `hard`, and is too short for any limit.  None for other text."""
    out: List[str] = []
    cut, text, size = _cutter(ops), "", 0
    for item in items:
        if isinstance(item, Symbol):
            if text:
                out += cut(text)
                text = ""
            out.append(item)
            size += 3
        elif '"' in item or "\\" in item or not item.isascii() or (hard and any(c in item for c in hard)):
            return None
        else:
            text += item
            size += 2 * len(item)
    out += cut(text)
    return out if size < 2 * MAX_TOKEN_BYTES else None


class _Scan:
    """One text being cut (prescan): what is open, and how much was stored."""

    def __init__(self, ops: FrozenSet[str], comments: bool, repair: bool) -> None:
        self.ops, self.comments, self.repair = ops, comments, repair
        self.out: List[str] = []
        self.word: List[str] = []
        self.most = MAX_TEXT_BYTES if repair else MAX_SIDE_BYTES
        self.stored = self.depth = self.angles = 0
        self.in_quotes = self.protected = False

    def end(self) -> None:
        if self.word:
            self.token("".join(self.word))
            self.word.clear()

    def token(self, text: str) -> None:
        raw = text.encode("utf-8", "surrogateescape")
        size = len(raw)
        self.stored += size + 1
        # A byte that is stored behind a 0xff ends what is measured.
        if size > MAX_TOKEN_BYTES and max(map(len, re.split(rb"[\x80-\x9f\xff]", raw))) > MAX_TOKEN_BYTES:
            raise TokenError(f"a token is longer than {MAX_TOKEN_BYTES} bytes")
        if self.stored > self.most or len(self.out) >= MAX_TOKENS:
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
            if self.stored > self.most or len(self.out) > MAX_TOKENS:
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
    every = list(items)
    quick = _cut_at_once(every, ops, "()" * comments + "<>" * repair)
    if quick is not None:
        return quick
    scan = _Scan(ops, comments, repair)
    for item in every:
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
