"""The linter: what sendmail would say of a file, and the mistakes on which it is silent.

The one thing to know: it is a function from values to values.  It opens no file; what a rule wants to know of
the host it asks the `facts` that it was given.  `sendmailcf.lint` is both this package and its function
`lint`.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple, Type

from ..config import Config
from ..document import Document
from ..nodes import BadLine, Node, RewritingRule
from . import rules  # noqa: F401  (registers them)
from .context import Context
from .documents import CF, KINDS, document, kind_of, kind_of_document, sources
from .problem import Edit, Fix, Problem, Severity, apply_fixes
from .rule import FAMILIES, RULES, Example, Found, Rule, named
from .settings import Settings

if TYPE_CHECKING:
    from ..relay.host import Look

__all__ = [
    "FAMILIES",
    "KINDS",
    "RULES",
    "Context",
    "Edit",
    "Example",
    "Fix",
    "Found",
    "Problem",
    "Rule",
    "Settings",
    "Severity",
    "apply_fixes",
    "document",
    "kind_of",
    "lint",
    "lint_host",
    "named",
    "sources",
]


@cache
def _dispatch(kind: str) -> Tuple[Dict[Type[Node], List[Rule]], Dict[str, List[Rule]], List[Rule]]:
    """Rules of a kind of file: by class of line, by the first letter of one that cannot be read, of all of it."""
    by_class: Dict[Type[Node], List[Rule]] = {}
    by_letter: Dict[str, List[Rule]] = {}
    whole: List[Rule] = []
    for rule in RULES.values():
        if kind not in rule.kinds:
            continue
        for cls in rule.on:
            by_class.setdefault(cls, []).append(rule)
        for letter in rule.bad:
            by_letter.setdefault(letter, []).append(rule)
        if not rule.on and not rule.bad:
            whole.append(rule)
    return by_class, by_letter, whole


def lint(
    document: Document[Any],
    *,
    path: Optional[str] = None,
    kind: Optional[str] = None,
    facts: Optional[Look] = None,
    settings: Optional[Settings] = None,
    config: Optional[Config] = None,
    declared: Optional[int] = None,
) -> List[Problem]:
    """What is wrong in one file, in the order of its lines; what concerns it as a whole stands at the end.

    document: a Config, or the lines of another kind of file (`lint.document`).  path: its name in problems;
    by default that of the document.  kind: one of KINDS; by default by the class and name of the document.
    facts: a function from a path to what is known of that file, such as `files.Facts`; without it no rule
    judges other files.  settings: for which sendmail.  config, declared: for a file that a sendmail.cf names,
    that file, and the index of the line that names it.  Raises ValueError for no kind.
    """
    name = path if path is not None else document.path
    kind = kind or kind_of_document(document, name)
    context = Context(
        document, kind, path=name, facts=facts, settings=settings, config=config, declared=declared
    )
    by_class, by_letter, whole = _dispatch(kind)
    problems: List[Problem] = []

    def run(rule: Rule, *line: object) -> None:
        for found in rule.check(context, *line):
            problems.append(context.placed(rule, found))
            if rule.reported in ("E", "F") and found.index is not None:
                context.refused.add(found.index)

    read, none = context.read if kind == CF else None, ()
    for index, node in enumerate(document):
        cls = type(node)
        if read is not None and cls is RewritingRule:
            read(node)
        if cls is BadLine:
            context.unreadable.append(index)
            for rule in by_letter.get(node.text[:1], none):
                run(rule, index, node)
        for rule in by_class.get(cls, none):
            run(rule, index, node)
        if read is not None and cls is not RewritingRule:
            read(node)
    for rule in whole:
        run(rule)
    # Stable: of one line, and of the file as a whole, in the order of the rules.
    problems.sort(key=lambda one: (one.index is None, one.span[0]))
    return problems


def lint_host(
    config: Config, facts: Look, *, path: Optional[str] = None, settings: Optional[Settings] = None
) -> List[Problem]:
    """What is wrong in a sendmail.cf and in the text files that it names, file by file.

    facts: a function from a path, as sendmail.cf has it, to what is known of that file.
    """
    problems = lint(config, path=path, facts=facts, settings=settings)
    for source in sources(config):
        data = facts(source.path).data
        if data is not None:
            problems += lint(
                document(data, source.kind, source.path),
                kind=source.kind,
                facts=facts,
                settings=settings,
                config=config,
                declared=source.index,
            )
    return problems


class _Package(ModuleType):
    """This package as `sendmailcf.lint(config)`: an attribute cannot be a package and a function in any other way."""

    __call__ = staticmethod(lint)


sys.modules[__name__].__class__ = _Package
