"""The words inside a rule side or a macro value: `$` symbols, expansion, and tokens.

The one thing to know: sendmail does this in two steps.  When a line is read, `$` sequences become symbols and
macros are expanded; then the text is cut into tokens at operator characters, and only tokens are matched.
Facts from readcf.c, macro.c and parseaddr.c (prescan) of sendmail 8.17.1.
"""

from __future__ import annotations

import re
from typing import Callable, FrozenSet, List, Optional, Tuple, Union

#: Characters that always are tokens of their own, beside those of OperatorChars.
DELIMITERS = "()<>,;\r\n"
DEFAULT_OPERATORS = ".:@[]"
MAX_TOKEN_BYTES = 256
_BLANKS = " \t\n\v\f\r"
_MAX_EXPANSION = 10

_SYMBOL = re.compile(r"\$(?:\$|([=~&?]?)(?:\{([^${}\n]*)\}|([^\n])))", re.DOTALL)


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


Item = Union[str, Symbol]


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
        sign, long, short = found.groups()
        if found.group() == "$$":
            items.append("$")
        else:
            items.append(Symbol(sign or "", long if long is not None else short))
    if at < len(text):
        items.append(text[at:])
    return items


def is_macro(symbol: Symbol) -> bool:
    """Whether a symbol without sign names a macro, not one of the symbols with a meaning of their own."""
    return symbol.sign == "" and (len(symbol.name) != 1 or symbol.name not in "*+-@0123456789#:>[]()|.")


def expand(items: List[Item], value: Callable[[str], Optional[List[Item]]], depth: int = 0) -> List[Item]:
    """Expand macros and conditionals, `$?x … $| … $.`; `$&x` stays.

    value: the items of a macro by its name, or None.  Raises RecursionError beyond ten levels, as sendmail does.
    """
    if depth > _MAX_EXPANSION:
        raise RecursionError("expand: recursion too deep (10 max)")
    out: List[Item] = []
    level = skipped = 0
    skipping = False
    for item in items:
        if not isinstance(item, Symbol):
            if not skipping:
                out.append(item)
        elif item.sign == "?":
            level += 1
            if skipping:
                skipped += 1
            else:
                # True if the macro is defined and not empty.
                skipping = not value(item.name)
        elif item == "$|" and level and item.sign == "":
            skipping = skipping if skipped else not skipping
        elif item == "$." and level and item.sign == "":
            level -= 1
            if skipped:
                skipped -= 1
            else:
                skipping = False
        elif skipping:
            continue
        elif is_macro(item):
            out.extend(expand(value(item.name) or [], value, depth + 1))
        else:
            out.append(item)
    return out


def unquoted(text: str) -> str:
    """The value of a D line or mailer field: quotes removed, backslashes taken."""
    controls = {"n": "\n", "r": "\r", "f": "\f", "b": "\b"}
    return re.sub(
        r'\\(.)|"',
        lambda m: controls.get(m.group(1), m.group(1)) if m.group(1) else "",
        text,
        flags=re.DOTALL,
    )


def operators(chars: str) -> FrozenSet[str]:
    """The characters that are tokens of their own, for a value of OperatorChars."""
    return frozenset(chars + DELIMITERS)


class TokenError(ValueError):
    """A token of more than 256 bytes: sendmail gives up the whole text."""


def tokens(items: List[Item], ops: FrozenSet[str], *, comments: bool = False) -> List[str]:
    """Cut expanded text into tokens.

    comments: drop text in parentheses and balance angle brackets, as in addresses and results of maps; in rules
    they are tokens like others.  Raises TokenError.
    """
    out: List[str] = []
    depth = angles = 0
    for item in items:
        if isinstance(item, Symbol):
            if not depth:
                out.append(item)
        else:
            found, depth, angles = _text_tokens(item, ops, comments, depth, angles)
            out.extend(found)
    return out + [">"] * (angles if comments else 0)


def _text_tokens(
    text: str, ops: FrozenSet[str], comments: bool, depth: int, angles: int
) -> Tuple[List[str], int, int]:
    """The tokens of a piece of text; and how many comments and angle brackets are open before and after it."""
    out: List[str] = []
    word: List[str] = []

    def end() -> None:
        if word:
            token = "".join(word)
            if len(token.encode("utf-8", "surrogateescape")) > MAX_TOKEN_BYTES:
                raise TokenError("a token is longer than 256 bytes")
            out.append(token)
            word.clear()

    at = 0
    while at < len(text):
        c = text[at]
        at += 1
        if c == "\\":
            protected = text[at : at + 1]
            at += 1
            if not depth:
                word.append(protected if protected == "!" else c + protected)
        elif comments and c == "(":
            end()
            depth += 1
        elif comments and c == ")":
            depth = max(0, depth - 1)
        elif depth:
            continue
        elif c == '"':
            end()
            quoted, at = _quoted(text, at)
            word.append(quoted)
            end()
        elif c in _BLANKS and c not in ops:
            end()
        elif c in ops:
            end()
            angles += {"<": 1, ">": -1}.get(c, 0)
            if comments and angles < 0:
                angles = 0
            elif c not in _BLANKS:
                out.append(c)
        else:
            word.append(c)
    end()
    return out, depth, angles


def _quoted(text: str, at: int) -> Tuple[str, int]:
    """A quoted token that began before `at`, its missing end supplied, and where it stops."""
    found = re.compile(r'(?:[^"\\]|\\.)*"?', re.DOTALL).match(text, at)
    body = found.group() if found else ""
    stop = at + len(body)
    if not body.endswith('"') or re.search(r"(?<!\\)(?:\\\\)*\\\"$", body):
        body += '"'
    return '"' + body, stop


def pieces(parts: List[str], ops: FrozenSet[str], space: str) -> List[Item]:
    """Tokens as text again, symbols apart: `space` goes between two words, nothing elsewhere (cataddr)."""
    out: List[Item] = []
    text: List[str] = []
    last_is_word = False
    for part in parts:
        if isinstance(part, Symbol):
            out += ["".join(text), part]
            text = []
            last_is_word = False
            continue
        is_word = part[:1] not in ops and part[:1] != '"'
        text.append(space + part if last_is_word and is_word else part)
        last_is_word = is_word
    return [*out, "".join(text)]


def joined(parts: List[str], ops: FrozenSet[str], space: str) -> str:
    """The same as one text: the key of a lookup, or a class member."""
    return "".join(pieces(parts, ops, space))
