"""The grammars, opened once each and on first use.

The one thing to know: a rule that is a row of terminals, or has another such rule repeated in it, is read by patterns
made of them, some four times as fast as by lark's parser, and without importing it; a test holds the two against each
other.  lark reads what is left, and is imported here and nowhere else.  Never turn on its cache: it keeps pickles in a
temporary directory, and root runs this library.
"""

from __future__ import annotations

import os
import re
from functools import cached_property, partial
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Pattern, Sequence, Tuple

from .errors import SendmailCfError

if TYPE_CHECKING:
    from lark import Lark

_TERMINAL = re.compile(
    r"""^([A-Z_]+)(?:\.[0-9]+)?:\ (?:"((?:[^"\\\n]|\\.)+)"|/([^\n]+)/)$""", re.MULTILINE | re.VERBOSE
)

_RULE = re.compile(r"^([a-z_]+):([^\n]*)$", re.MULTILINE)
Reader = Callable[[str], Optional[List[Any]]]
_REPEATED = re.compile(r"([^a-z]*)([a-z_]+)([*+])([^a-z]*)")


def source(name: str) -> str:
    """The text of grammar `name`.  Raises SendmailCfError where the package was shipped without it."""
    data = _in_the_package(name) or _beside_the_package(name)
    if data is None:
        raise SendmailCfError(f"the grammar {name}.lark is missing from this installation")
    return data.decode("utf-8")


def _in_the_package(name: str) -> Optional[bytes]:
    # As pkgutil.get_data, which takes longer to be imported than all that is read here.
    try:
        package: Any = import_module("sendmailcf.grammars")
    except ImportError:
        return None
    data: bytes = package.__loader__.get_data(os.path.join(os.path.dirname(package.__file__), name + ".lark"))
    return data


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
    # Tokens of lark are strings of a class of their own.
    return make([str(part) if isinstance(part, str) else part for part in parts])


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
        self._starts = starts
        self._callbacks = callbacks
        self._strict = strict
        self._rules = dict(_RULE.findall(self._source))
        self._terminals = {
            name: re.escape(re.sub(r"\\(.)", r"\1", literal)) if literal else pattern
            for name, literal, pattern in _TERMINAL.findall(self._source)
        }
        self._readers: Dict[str, Optional[Reader]] = {}

    @cached_property
    def lark(self) -> Lark:
        """The parser by lark."""
        from lark import Lark

        return Lark(
            self._source,
            parser="lalr",
            lexer="contextual",
            start=list(self._starts),
            keep_all_tokens=True,
            maybe_placeholders=True,
            transformer=SimpleNamespace(
                **{name: partial(_built, make) for name, make in self._callbacks.items()}
            ),
            strict=self._strict,
        )

    def parse(self, start: str, text: str) -> Optional[Any]:
        """What the rule `start` builds from the whole of `text`; None where it cannot be read."""
        try:
            reader = self._readers[start]
        except KeyError:
            reader = self._readers[start] = self._reader(start)
        if reader is None:
            return self._by_lark(start, text)
        parts = reader(text)
        return None if parts is None else self._callbacks[start](parts)

    def _reader(self, rule: str) -> Optional[Reader]:
        """A function from a text to the parts that the rule finds in it; None for a rule of no shape known here."""
        body = self._rules[rule]
        repeated = _REPEATED.fullmatch(body)
        if repeated and not re.search("[a-z]", self._rules[repeated.group(2)]):
            head, name, sign, tail = repeated.groups()
            patterns = (self._row(head), self._row(self._rules[name]), self._row(tail))
            return partial(_repeated, patterns, self._callbacks[name], sign == "+")
        return None if re.search(r"[^A-Z_\[\] ]", body) else partial(_whole, self._row(body))

    def _by_lark(self, rule: str, text: str) -> Optional[Any]:
        from lark.exceptions import UnexpectedInput

        try:
            return self.lark.parse(text, start=rule)
        except UnexpectedInput:
            return None

    def _row(self, text: str) -> Pattern[str]:
        """The pattern of a row of terminals and optional rows of them."""
        words = re.findall(r"\[[A-Z_]+\]|[A-Z_]+|[\[\]]", text)
        out, first, count = [], [], 0
        for at, word in enumerate(words):
            if word == "[":
                # What begins an optional row must go on with it, as in a parser that never steps back.
                first.append(self._terminals[words[at + 1]])
                out.append("(?:")
            elif word == "]":
                out.append(f"|(?!{first.pop()}))")
            else:
                count += 1
                # A lookahead is never tried a second time: a terminal is as long as it is alone.
                if word[0] == "[":
                    out.append(f"(?=({self._terminals[word[1:-1]]})?)(?({count})\\{count})")
                else:
                    out.append(f"(?=({self._terminals[word]}))(?:\\{count})")
        return re.compile("".join(out))


def _whole(row: Pattern[str], text: str) -> Optional[List[Any]]:
    found = row.fullmatch(text)
    return None if found is None else list(found.groups())


def _repeated(
    patterns: Tuple[Pattern[str], Pattern[str], Pattern[str]],
    make: Callable[[List[Any]], Any],
    once: bool,
    text: str,
) -> Optional[List[Any]]:
    """A head, one thing repeated, and an end."""
    head, item, tail = patterns
    found = head.match(text)
    if found is None:
        return None
    parts: List[Any] = list(found.groups())
    least = len(parts) + once
    at = found.end()
    while True:
        end = tail.fullmatch(text, at)
        if end is not None and len(parts) >= least:
            return [*parts, *end.groups()]
        found = item.match(text, at)
        if found is None:
            return None
        parts.append(make(list(found.groups())))
        at = found.end()
