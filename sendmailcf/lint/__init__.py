"""The linter: what sendmail would say of a file, and the mistakes on which it is silent.

The one thing to know: it is a function from values to values.  It opens no file; what a rule wants to know of
the host it asks the `facts` that it was given.  `sendmailcf.lint` is both this package and its function
`lint`.
"""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Type

from attrs import frozen

from ..config import Config
from ..document import Document
from ..nodes import BadLine, HeaderDefinition, MailerDefinition, Node, RewritingRule, Ruleset
from ..reading import READERS
from ..record import Record
from . import rules, suppress  # noqa: F401  (registers them; those of suppress look at what the others found)
from .context import Context, Watch
from .documents import CF, KINDS, AnyDocument, document, kind_of, kind_of_document, sources
from .problem import Edit, Fix, Problem, Severity, apply_fixes
from .rule import FAMILIES, RULES, Example, Found, Rule, named
from .settings import Settings

if TYPE_CHECKING:
    from ..relay.host import Look

__all__ = [
    "FAMILIES",
    "KINDS",
    "RULES",
    "Checked",
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
    "checked",
    "document",
    "kind_of",
    "lint",
    "lint_files",
    "lint_host",
    "named",
    "sources",
]


#: The lines that are read before the rules look at them, so that these know whether sendmail refuses one.
_READ_FIRST = frozenset({RewritingRule, Ruleset, MailerDefinition, HeaderDefinition, BadLine})


class _Plan:
    """What is done with lines of a class: for whom they are, and whether they are read before or after that."""

    def __init__(self, cls: Type[Node], is_cf: bool) -> None:
        self.every: List[Rule] = []
        self.refused: List[Rule] = []
        self.early = is_cf and cls in _READ_FIRST
        self.late = is_cf and cls in READERS and not self.early


@cache
def _dispatch(kind: str) -> Tuple[Dict[Type[Node], _Plan], Dict[str, List[Rule]], List[Rule]]:
    """Rules of a kind of file: by class of line; by the first letter of a line that cannot be read; of all of it."""
    plans: Dict[Type[Node], _Plan] = {cls: _Plan(cls, True) for cls in READERS} if kind == CF else {}
    by_letter: Dict[str, List[Rule]] = {}
    whole: List[Rule] = []
    for rule in RULES.values():
        if kind not in rule.kinds:
            continue
        for cls in rule.on:
            plan = plans.setdefault(cls, _Plan(cls, kind == CF))
            plan.refused.append(rule)
            if not rule.refused:
                plan.every.append(rule)
        for letter in rule.bad:
            by_letter.setdefault(letter, []).append(rule)
        if not rule.on and not rule.bad:
            whole.append(rule)
    return plans, by_letter, whole


#: A line as it is remembered: the id of its node, and `refused`, `level` and `begun` of the reading.
Key = Tuple[int, str, int, bool]


class _Silent(Dict[Key, Tuple[Node, List[Rule]]]):
    """The rules that may find something in a line; the node is kept so that no other gets its id.

    The others depend on the line and its key alone, and have found nothing in it.  A fleet of files is mostly the same
    lines, and equal lines are mostly one node.
    """

    _MOST = 16384

    def keep(self, key: Key, node: Node, left: List[Rule]) -> None:
        if len(self) >= self._MOST:
            self.clear()
        self[key] = node, left


@lru_cache(maxsize=8)
def _silent(kind: str, settings: Settings) -> _Silent:
    return _Silent()


def _look(context: Context) -> None:
    """Run the rules, so that all that they find stands in `context.problems`."""
    plans, by_letter, whole = _dispatch(context.kind)

    def take(rule: Rule, some: Iterable[Found]) -> bool:
        told = False
        try:
            for found in some:
                told = True
                context.problems.append(context.placed(rule, found))
                if rule.reported in ("E", "F") and found.index is not None:
                    context.refused.add(found.index)
        except RecursionError:
            return True  # of text whose macros nest too deep there is no value to judge: MA006 tells that they do
        return told

    reading, silent, watch = context.reading, _silent(context.kind, context.settings), Watch(context)
    for index, node in enumerate(context.document):
        plan = plans.get(type(node))
        if plan is None:
            continue
        if plan.early:
            context.read(node)
            if isinstance(node, BadLine):
                context.unreadable.append(index)
                for rule in by_letter.get(node.text[:1], ()):
                    take(rule, rule.check(context, index, node))
        key = (id(node), reading.refused, reading.level, reading.begun)
        kept = silent.get(key)
        if kept is None:
            left = []
            for rule in plan.refused if reading.refused else plan.every:
                watch.asked.clear()
                if take(rule, rule.check(watch, index, node)) or watch.asked:
                    left.append(rule)
            silent.keep(key, node, left)
        else:
            for rule in kept[1]:
                take(rule, rule.check(context, index, node))
        if plan.late:
            context.read(node)
    context.finished = True
    for rule in whole:
        take(rule, rule.check(context))


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
    with document.read_once():
        _look(context)
    problems = context.problems
    if context.suppressions is not None:
        problems = [one for one in problems if not context.suppressions.covers(one)]
    # Stable: of one line, and of the file as a whole, in the order of the rules.
    problems.sort(key=lambda one: (one.index is None, one.span[0]))
    return problems


@frozen(eq=False, repr=False)
class Checked(Record):
    """A file that was checked, and what is wrong in it.

    kind: one of KINDS.  again: checks other contents of the same file, with the same files around it.
    """

    document: AnyDocument
    kind: str
    problems: List[Problem]
    again: Callable[[bytes], Checked]


def checked(made: AnyDocument, kind: str, **how: Any) -> Checked:
    """A document, checked.  kind, how: the arguments of `lint`."""

    def again(data: bytes) -> Checked:
        return checked(document(data, kind, made.path), kind, **how)

    return Checked(made, kind, lint(made, kind=kind, **how), again)


def lint_files(
    config: Config, facts: Look, *, path: Optional[str] = None, settings: Optional[Settings] = None
) -> Iterator[Checked]:
    """A sendmail.cf and the text files that it names, each checked with the others in sight.

    facts: a function from a path, as sendmail.cf has it, to what is known of that file.
    """
    yield checked(config, CF, path=path, facts=facts, settings=settings)
    for source in sources(config):
        data = facts(source.path).data
        if data is not None:
            made = document(data, source.kind, source.path)
            how = {"facts": facts, "settings": settings, "config": config, "declared": source.index}
            yield checked(made, source.kind, **how)


def lint_host(
    config: Config, facts: Look, *, path: Optional[str] = None, settings: Optional[Settings] = None
) -> List[Problem]:
    """What is wrong in a sendmail.cf and in the text files that it names, file by file; see `lint_files`."""
    files = lint_files(config, facts, path=path, settings=settings)
    return [problem for one in files for problem in one.problems]


class _Package(ModuleType):
    """This package as `sendmailcf.lint(config)`: an attribute cannot be a package and a function in any other way."""

    __call__ = staticmethod(lint)


sys.modules[__name__].__class__ = _Package
