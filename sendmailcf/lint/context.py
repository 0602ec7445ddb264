"""What a rule may look at: the file, what sendmail holds at the line, and the files around.

The one thing to know: `reading` is the state at the line that is being checked, read once for all rules;
whatever costs more is made when the first rule asks for it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set, Tuple, TypeVar, Union

from attrs import frozen

from ..config import Config
from ..document import Document
from ..known.options import OptionRow
from ..nodes import KeyFile, Line, Option, ShortOption, value_of
from ..reading import OWN_CLASSES, OWN_NAMES, Reading, Refusal
from ..record import Record
from ..references import DEFINITION, USE, Names, by_name
from ..text import encode
from ..values import short_option_row
from . import documents
from .documents import AnyDocument
from .problem import Problem
from .rule import Found, Rule
from .settings import Settings

if TYPE_CHECKING:
    from ..relay.host import Facts, Look
    from ..relay.links import Chain
    from .suppress import Suppressions

T = TypeVar("T")


@frozen(eq=False, repr=False)
class Unseen(Record):
    """A file of which nothing is known."""

    path: str
    data: Optional[bytes] = None
    problem: Optional[str] = "not looked at"
    missing: bool = False
    irregular: bool = False
    mode: int = 0
    uid: int = 0
    links: int = 1
    modified: float = 0.0
    directories: Tuple[Tuple[str, int, int], ...] = ()
    judged: bool = False


@frozen(eq=False, repr=False)
class OptionLine(Record):
    """A line that sets an option which this sendmail has.

    row: the option.  sub: its suboption as it is spelled, "" for none.  value: as sendmail takes it.  start: where
    the value begins, in characters of the line.
    """

    index: int
    node: Union[Option, ShortOption]
    row: OptionRow
    sub: str
    value: str
    start: int

    def place(self, word: str = "") -> Tuple[int, int]:
        """Where a word of the value stands, or all of the value."""
        raw = self.node.value or ""
        at = max(raw.find(word), 0) if word else 0
        return self.start + at, self.start + at + len(word or raw)


class Watch:
    """A context that knows whether a rule has asked it for what differs between files or places in them.

    The settings do not, nor, for lines that are kept apart by them, `level`, `refused` and `begun` of the reading.
    What has asked for nothing else and has found nothing in a line finds nothing in any equal line.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.settings, self.option_row = context.settings, context.option_row
        #: Holds something when it was asked; the reading tells it here, and so needs not to know this context.
        self.asked: List[str] = []
        self.reading = _WatchedReading(self.asked, context.reading)

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._context, name)


class _WatchedReading:
    def __init__(self, asked: List[str], reading: Reading) -> None:
        self._asked, self._reading = asked, reading

    def __getattr__(self, name: str) -> Any:
        if name not in ("level", "refused", "begun"):
            self._asked.append(name)
        return getattr(self._reading, name)


class Context:
    """One file while it is checked.

    document: the file.  kind: one of documents.KINDS.  path: its name in problems.  facts: a function from a
    path to what is known of that file (as `files.Facts`), or None where nothing may be asked of the host.
    settings: for which sendmail.  config: the sendmail.cf: the file itself, or the one that names it, or None.
    declared: for a source, the index of the line of `config` that names it, or None.
    """

    def __init__(
        self,
        document: Document[Any],
        kind: str,
        *,
        path: Optional[str] = None,
        facts: Optional[Look] = None,
        settings: Optional[Settings] = None,
        config: Optional[Config] = None,
        declared: Optional[int] = None,
    ) -> None:
        self.document = document
        self.kind = kind
        self.path = path if path is not None else document.path
        self.facts = facts
        self.settings = settings or Settings()
        self.config = document if isinstance(document, Config) else config
        self.declared = declared
        #: What sendmail holds: all lines above the one that is being checked, and that line too if it is an R,
        #: S, M or H line, so that `reading.rule` and `reading.refused` tell of it.  For a rule of the whole
        #: file, all lines.
        self.reading = Reading((), macros=OWN_NAMES, classes=OWN_CLASSES)
        #: Whether all lines are read.
        self.finished = False
        #: The lines for which a rule has reported an error of sendmail's own.
        self.refused: Set[int] = set()
        #: The lines so far that cannot be read.
        self.unreadable: List[int] = []
        #: What was found so far.
        self.problems: List[Problem] = []
        self._documents: Dict[Tuple[str, str], Optional[AnyDocument]] = {}
        self._made: Dict[Callable[[Context], Any], Any] = {}

    @property
    def cf(self) -> Config:
        """The sendmail.cf, for rules that only see such files."""
        if self.config is None:
            raise TypeError("a rule of sendmail.cf was asked of another file")
        return self.config

    def read(self, node: Line) -> None:
        """Take the next line into the state; one that nests macros too deep leaves it as it is."""
        try:
            self.reading.read(node)
        except RecursionError as error:
            self.reading.rule, self.reading.refused = None, Refusal("macro-nested", str(error))

    @cached_property
    def options(self) -> Dict[str, List[OptionLine]]:
        """The lines that set options, by the option's name, or by its letter where it has no name."""
        found: Dict[str, List[OptionLine]] = {}
        nodes: Dict[int, Union[Option, ShortOption]] = dict(self.cf.of_kind(Option))
        nodes.update(self.cf.of_kind(ShortOption))
        for index, node in sorted(nodes.items()):
            sub, start = "", 2
            if isinstance(node, Option):
                sub = node.name.partition(".")[2]
                start = 1 + len(node.blank + node.name + (node.equals or ""))
            row = self.option_row(node)
            if row is not None:
                line = OptionLine(index, node, row, sub, value_of(node.value), start)
                found.setdefault(row.name or row.letter, []).append(line)
        return found

    def option_row(self, node: Union[Option, ShortOption]) -> Optional[OptionRow]:
        """The option that a line sets, or None where this sendmail has none."""
        if isinstance(node, Option):
            meant = self.settings.meant(node.name.partition(".")[0])
            return meant[0] if len(meant) == 1 else None
        row = short_option_row(node.flag)
        return None if row is None or self.settings.missing(row) else row

    def once(self, make: Callable[[Context], T]) -> T:
        """What a function makes of this context, made for the first rule that asks and kept for the others."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    # Names.
    @cached_property
    def _by_name(self) -> Dict[Tuple[str, str], Names]:
        return by_name(self.cf)

    def definitions(self, kind: str) -> Names:
        """Where names of a kind (of sendmailcf.references: MACRO, CLASS, MAP, MAILER, RULESET) are defined, by
        name: without braces, those of maps and mailers in lower case."""
        return self._by_name[kind, DEFINITION]

    def uses(self, kind: str) -> Names:
        """Where names of a kind are used, by the same."""
        return self._by_name[kind, USE]

    # Other files.
    def file(self, path: str) -> Optional[Facts]:
        """What is known of a file, or None where nothing may be asked."""
        return None if self.facts is None else self.facts(path)

    def other(self, path: str, kind: str) -> Optional[AnyDocument]:
        """Another file as a document, or None where it cannot be had."""
        if (path, kind) not in self._documents:
            facts = self.file(path)
            there = facts is not None and facts.data is not None
            self._documents[path, kind] = (
                documents.document(facts.data or b"", kind, path) if facts and there else None
            )
        return self._documents[path, kind]

    @property
    def declaration(self) -> Optional[KeyFile]:
        """For a map source, the K line that names it."""
        node = None if self.config is None or self.declared is None else self.config[self.declared]
        return node if isinstance(node, KeyFile) else None

    @cached_property
    def chain(self) -> Optional[Chain]:
        """The AUTH chain of the host, as `relay check` walks it, for a sendmail.cf that may have one.

        Without facts, nothing is known of any other file, and links that depend on one say so.
        """
        if not isinstance(self.document, Config):
            return None
        cf, maps = self.document, ("authinfo", "access") if self.facts is not None else ()
        if not (
            cf.macros.get("S") or "DefaultAuthInfo" in cf.options or any(name in cf.maps for name in maps)
        ):
            return None
        from ..relay.chain import check

        # With facts, the files of classes are known, and rules may read otherwise.
        read = self.reading if self.finished and self.facts is None else None
        return check(cf, self.facts or Unseen, read=read)

    @cached_property
    def suppressions(self) -> Optional[Suppressions]:
        """What comments to the linter switch off; None where there are none."""
        if documents.MARK not in str(self.document):
            return None
        from .suppress import Suppressions

        return Suppressions(self.document)

    # Places.
    def placed(self, rule: Rule, found: Found) -> Problem:
        """A problem, with its place in the file."""
        where: Dict[str, Any] = {}
        if found.index is not None:
            where = self._place(found.index, found.start, found.end)
        return Problem(
            code=rule.code,
            name=rule.name,
            severity=rule.severity,
            message=found.message,
            path=self.path,
            index=found.index,
            consequence=found.consequence or rule.consequence,
            hint=found.hint,
            fix=found.fix,
            **where,
        )

    def _place(self, index: int, start: Optional[int], end: Optional[int]) -> Dict[str, Any]:
        text = self.document.text(index)
        begin = 0 if start is None else start
        stop = len(text) if end is None else end
        first = self.document.line_number(index)
        offset = self.document.span(index)[0]
        return {
            "line": first + text.count("\n", 0, begin),
            "column": 1 + begin - (text.rfind("\n", 0, begin) + 1),
            "end_line": first + text.count("\n", 0, stop),
            "end_column": 1 + stop - (text.rfind("\n", 0, stop) + 1),
            # It counts ends of lines, and a last line may have none.
            "sendmail_line": first + text.count("\n") - (self.document.raw(index) == text),
            "span": (offset + len(encode(text[:begin])), offset + len(encode(text[:stop]))),
        }
