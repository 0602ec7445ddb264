"""The grammars, opened once each and on first use.

The one thing to know: lark is imported here and nowhere else, and only when a first line is parsed.  A rule that is a
row of terminals, as most are, is read by one pattern made of them, some four times as fast as by lark's parser, which
reads the rest; a test holds the two against each other.  Never turn on lark's cache: it keeps pickles in a temporary
directory, and root runs this library.
"""

from __future__ import annotations

import os
import pkgutil
import re
from functools import partial
from types import SimpleNamespace
from typing import Any, Callable, Dict, List, Mapping, Optional, Pattern, Sequence

from lark import Lark, Token
from lark.exceptions import UnexpectedInput

from .errors import SendmailCfError


def source(name: str) -> str:
    """The text of grammar `name`.  Raises SendmailCfError where the package was shipped without it."""
    data = pkgutil.get_data("sendmailcf.grammars", name + ".lark") or _beside_the_package(name)
    if data is None:
        raise SendmailCfError(f"the grammar {name}.lark is missing from this installation")
    return data.decode("utf-8")


def _beside_the_package(name: str) -> Optional[bytes]:
    # In a checkout the grammars stand at the top, where `python -m sendmailcf` does not look for a package.
    path = os.path.join(
        os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "grammars", name + ".lark"
    )
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _built(make: Callable[[List[Any]], Any], parts: List[Any]) -> Any:
    return make([str(part) if isinstance(part, Token) else part for part in parts])


class Grammar:
    """One grammar, whose rules build values through callbacks of the same names."""

    def __init__(
        self,
        name: str,
        starts: Sequence[str],
        callbacks: Mapping[str, Callable[[List[Any]], Any]],
        *,
        strict: bool = False,
    ) -> None:
        self._source = source(name)
        self._callbacks = callbacks
        self._patterns: Dict[str, Optional[Pattern[str]]] = {}
        #: The parser, whose terminals and rules others may read.
        self.lark = Lark(
            self._source,
            parser="lalr",
            lexer="contextual",
            start=list(starts),
            keep_all_tokens=True,
            maybe_placeholders=True,
            transformer=SimpleNamespace(**{name: partial(_built, make) for name, make in callbacks.items()}),
            strict=strict,
        )

    def parse(self, start: str, text: str) -> Optional[Any]:
        """What the rule `start` builds from the whole of `text`; None where it cannot be read."""
        try:
            pattern = self._patterns[start]
        except KeyError:
            pattern = self._patterns[start] = self._flat(start)
        if pattern is not None:
            found = pattern.fullmatch(text)
            return None if found is None else self._callbacks[start](list(found.groups()))
        try:
            return self.lark.parse(text, start=start)
        except UnexpectedInput:
            return None

    def _flat(self, rule: str) -> Optional[Pattern[str]]:
        """The pattern of a rule that is terminals and optional rows of them; None for any other rule."""
        found = re.search(rf"^{rule}:(.*)$", self._source, re.MULTILINE)
        text = found.group(1) if found else ""
        if found is None or re.search(r"[^A-Z_\[\] ]", text):
            return None
        terminals = {one.name: one.pattern.to_regexp() for one in self.lark.terminals}
        words, out, first, count = re.findall(r"[A-Z_]+|[\[\]]", text), [], [], 0
        for at, word in enumerate(words):
            if word == "[":
                # What begins an optional row must go on with it, as in a parser that never steps back.
                first.append(terminals[words[at + 1]])
                out.append("(?:")
            elif word == "]":
                out.append(f"|(?!{first.pop()}))")
            else:
                count += 1
                # A lookahead is never tried a second time: a terminal is as long as it is alone.
                out.append(f"(?=({terminals[word]}))(?:\\{count})")
        return re.compile("".join(out))
