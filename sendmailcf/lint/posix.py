"""Regular expressions as regcomp takes them, for maps of the class regex.

The one thing to know: only whether an expression is taken counts here, and how many groups it has.  It is read as the
GNU C library reads it in the locale C; POSIX leaves much of what is odd open, so that others may take more or less.
"""

from __future__ import annotations

from typing import List, Optional, Tuple

#: The most times that an expression may be repeated.
_DUP_MAX = 0x7FFF
_CLASSES = frozenset({
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit",
})  # fmt: skip
_NAME_BYTES = 32

CHAR, END, OPEN, SHUT, ALT, DUP, BRACE, BRACE_END, ANCHOR, BRACKET, BACK = range(11)
Token = Tuple[int, str]
#: What these mean, in basic expressions with a backslash.
_SIGNS = {"(": OPEN, ")": SHUT, "|": ALT, "+": DUP, "?": DUP, "{": BRACE, "}": BRACE_END}


class RegexError(ValueError):
    """Why regcomp refuses an expression."""


def groups(pattern: str, *, basic: bool = False) -> int:
    """The number of groups in an expression.  basic: of the old kind.  Raises RegexError."""
    reader = _Reader(pattern, basic)
    reader.alternatives(0)
    return reader.opened


class _Reader:
    def __init__(self, pattern: str, basic: bool) -> None:
        self.text, self.basic = pattern, basic
        self.at = 0
        self.opened = 0
        self.done: List[int] = []
        self.token: Token = (END, "")
        self.next()

    # Tokens.

    def next(self) -> None:
        self.token, self.at = self._peek()

    def _peek(self) -> Tuple[Token, int]:
        text, at = self.text, self.at
        c = text[at : at + 1]
        if not c:
            return (END, ""), at
        if c == "\\":
            d = text[at + 1 : at + 2]
            if not d:
                raise RegexError("a backslash at its end")
            return (self._escaped(d), d), at + 2
        if c == "[":
            return (BRACKET, c), at + 1
        if c == "*":
            return (DUP, c), at + 1
        if c == ".":
            return (CHAR, "any"), at + 1
        if c == "^":
            first = at == 0 or (text[at - 1] in "|(" and not self.basic) or text[:at].endswith(("\\(", "\\|"))
            return (ANCHOR if not self.basic or first else CHAR, c), at + 1
        if c == "$":
            last = at + 1 == len(text) or text.startswith(("\\)", "\\|"), at + 1)
            return (ANCHOR if not self.basic or last else CHAR, c), at + 1
        if not self.basic and c in _SIGNS:
            return (_SIGNS[c], c), at + 1
        return (CHAR, c), at + 1

    def _escaped(self, d: str) -> int:
        if d in "123456789":
            return BACK
        if d in "<>bB`'":
            return ANCHOR
        if self.basic and d in _SIGNS:
            return _SIGNS[d]
        return CHAR

    # The grammar.

    def alternatives(self, depth: int) -> None:
        before = list(self.done)
        self.branch(depth)
        while self.token[0] == ALT:
            self.next()
            after, self.done = self.done, list(before)
            self.branch(depth)
            self.done = sorted({*after, *self.done})

    def branch(self, depth: int) -> None:
        while not (self.token[0] in (ALT, END) or (depth and self.token[0] == SHUT)):
            self.expression(depth)

    def expression(self, depth: int) -> None:
        kind, text = self.token
        if kind == OPEN:
            self.group(depth)
        elif kind == BRACKET:
            self.bracket()
            self.next()
        elif kind == BACK:
            if int(text) not in self.done:
                raise RegexError(f"\\{text} refers to no group")
            self.next()
        elif kind in (DUP, BRACE):
            if kind == BRACE or not self.basic:
                raise RegexError(f"nothing stands before {text}")
            self.next()
        elif kind == SHUT and self.basic:
            raise RegexError("a parenthesis has no beginning")
        elif kind == ANCHOR:
            self.next()
            if self.basic and text == "^" and self.token[0] == DUP:
                self.token = (CHAR, self.token[1])
            return
        else:
            self.next()
        while self.token[0] in (DUP, BRACE):
            self.repeat()
            if self.basic and self.token[0] in (DUP, BRACE) and self.token[1] in "*{":
                raise RegexError("two repetitions one after another")

    def group(self, depth: int) -> None:
        self.opened += 1
        number = self.opened
        self.next()
        if self.token[0] != SHUT:
            self.alternatives(depth + 1)
            if self.token[0] != SHUT:
                raise RegexError("a parenthesis has no end")
        self.done.append(number)
        self.next()

    def repeat(self) -> None:
        if self.token[0] == DUP:
            self.next()
            return
        start = self.number()
        if start is None:
            if self.token != (CHAR, ","):
                raise RegexError("bad text in braces")
            start = 0
        end: Optional[int] = start
        if start >= 0 and self.token == (CHAR, ","):
            end = self.number()
        if start < 0 or (end is not None and end < 0):
            raise RegexError("a brace has no end" if self.token[0] == END else "bad text in braces")
        if (end is not None and start > end) or self.token[0] != BRACE_END:
            raise RegexError("bad text in braces")
        if max(start, end or 0) > _DUP_MAX:
            raise RegexError("too many repetitions")
        self.next()

    def number(self) -> Optional[int]:
        """The number behind a brace or comma; None for none, -1 for what is no number or has no end."""
        found: Optional[int] = None
        while True:
            self.next()
            kind, c = self.token
            if kind == END:
                return -1
            if kind == BRACE_END or (kind, c) == (CHAR, ","):
                return found
            if kind != CHAR or c not in "0123456789" or found == -1:
                found = -1
            else:
                found = min(_DUP_MAX + 1, (found or 0) * 10 + int(c))

    # Brackets.

    def bracket(self) -> None:
        if self.text[self.at : self.at + 1] == "^":
            self.at += 1
        first = True
        while first or self.text[self.at : self.at + 1] != "]":
            start = self.element(hyphen=first)
            first = False
            if self.text[self.at : self.at + 1] == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                if self.at + 1 >= len(self.text):
                    raise RegexError("a bracket has no end")
                self.at += 1
                end = self.element(hyphen=True)
                if len(start) != 1 or len(end) != 1 or start > end:
                    raise RegexError("a range in brackets ends before it begins")
        self.at += 1

    def element(self, hyphen: bool) -> str:
        """One element in brackets: a character, or something longer for a class of them."""
        c, d = self.text[self.at : self.at + 1], self.text[self.at + 1 : self.at + 2]
        if not c:
            raise RegexError("a bracket has no end")
        if c == "[" and d and d in ".=:":
            return self.named(d)
        self.at += 1
        if c == "-" and not hyphen and d != "]":
            raise RegexError("a hyphen in brackets that is neither first nor last")
        return c

    def named(self, sign: str) -> str:
        end = self.text.find(sign + "]", self.at + 2)
        if end < 0 or end - self.at - 2 >= _NAME_BYTES:
            raise RegexError("a bracket has no end")
        name = self.text[self.at + 2 : end]
        self.at = end + 2
        if sign == ":":
            if name not in _CLASSES:
                raise RegexError(f"there are no characters [:{name}:]")
            return "class"
        if len(name) != 1:
            raise RegexError(f"[{sign}{name}{sign}] is no character")
        return name if sign == "." else "class"
