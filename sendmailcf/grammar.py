"""The grammars, opened once each and on first use.

The one thing to know: lark is imported here and nowhere else, and only when a first line is parsed.
Never turn on lark's cache: it keeps pickles in a temporary directory, and root runs this library.
"""

from __future__ import annotations

import os
import pkgutil
from types import SimpleNamespace
from typing import Any, Callable, List, Mapping, Optional, Sequence

from lark import Lark
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
        self._lark = Lark(
            source(name),
            parser="lalr",
            lexer="contextual",
            start=list(starts),
            keep_all_tokens=True,
            maybe_placeholders=True,
            transformer=SimpleNamespace(**callbacks),
            strict=strict,
        )

    def parse(self, start: str, text: str) -> Optional[Any]:
        """What the rule `start` builds from the whole of `text`; None where it cannot be read."""
        try:
            return self._lark.parse(text, start=start)
        except UnexpectedInput:
            return None
