"""Which rules count, how bad each is, and for which files: the settings of a project, and its profiles.

The one thing to know: all rules are always run; what is chosen here is which of their problems are told.  What is
ignored stays ignored, whatever else chooses it.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from attrs import evolve, field, frozen

from ..errors import SettingsError
from ..record import Record
from ..text import nearest
from .documents import KINDS
from .problem import Problem, Severity
from .rule import RULES
from .settings import VERSIONS
from .suppress import codes_of, rule_meant

ALL = "ALL"
#: Selectors of a profile, and those whose infos are warnings there.
PROFILES: Mapping[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "default": ((ALL,), ()),
    "strict": ((ALL,), (ALL,)),
    "ses": ((ALL,), ("AU", "RL", "SE")),
    "security": (("AU", "RL", "PM"), ("AU", "RL", "PM")),
}


def codes(selectors: Iterable[str], where: str = "") -> FrozenSet[str]:
    """The codes of rules that selectors mean: codes, names, beginnings of codes as OP or OP0, or ALL.

    where: what a message begins with.  Raises SettingsError for one that means no rule.
    """
    found: List[str] = []
    for one in selectors:
        meant = frozenset(RULES) if one.upper() == ALL else codes_of(one)
        if not meant:
            near = rule_meant(one)
            hint = f"; did you mean {near}?" if near else ""
            raise SettingsError(f"{where}there is no rule {one}{hint}")
        found += meant
    return frozenset(found)


@frozen(eq=False, repr=False)
class Configured(Record):
    """What a project says to the linter.

    profile: of PROFILES.  select: selectors that stand for the profile's.  extend_select: more.  ignore: what is
    not told.  per_file_ignores: by a pattern of file names.  severity: by selector.  version, flags, vendor: of
    lint.Settings.  baseline: a file.  exclude: patterns of files that are not looked for in directories.  kinds:
    kinds of files by a pattern of their names.  base: the directory that names are relative to; "" for the one the
    program runs in.
    """

    profile: str = "default"
    select: Optional[Tuple[str, ...]] = None
    extend_select: Tuple[str, ...] = ()
    ignore: Tuple[str, ...] = ()
    per_file_ignores: Mapping[str, Tuple[str, ...]] = field(factory=dict)
    severity: Mapping[str, str] = field(factory=dict)
    version: Optional[str] = None
    flags: Optional[Tuple[str, ...]] = None
    vendor: Optional[str] = None
    baseline: Optional[str] = None
    exclude: Tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(factory=dict)
    base: str = ""


def configured(table: Mapping[str, Any], text: str, path: str, base: str) -> Configured:
    """The settings of a table of TOML.

    text, path: of the file that has it, for messages; base: its directory.  Raises SettingsError, with the line where
    it can be found, for a key, a value or a rule that there is not.
    """
    made: Dict[str, Any] = {}
    for key, value in table.items():
        where = f"{path}:{_line_of(key, text)}: "
        row = _KEYS.get(key)
        if row is None:
            near = _near(key, _KEYS)
            raise SettingsError(f"{where}there is no setting {key}{near}")
        name, read = row
        made[name] = read(value, where + key, text, path)
    return Configured(**made, base=base)


def _line_of(key: str, text: str) -> int:
    """The line on which a key of a file stands, 1 where it cannot be told."""
    spelled = rf"^[ \t]*(?:\[.*)?[\"']?{re.escape(key)}[\"']?[ \t]*[=\]]"
    found = re.search(spelled, text, re.MULTILINE)
    return 1 + text.count("\n", 0, found.end()) if found else 1


def _near(word: str, words: Iterable[str]) -> str:
    known = list(words)
    close = nearest(word, known)
    return f"; did you mean {close}?" if close else f"; there are {', '.join(known)}"


def _text(value: Any, where: str, text: str, path: str) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{where} must be a string")
    return value


def _words(value: Any, where: str, text: str, path: str) -> Tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise SettingsError(f"{where} must be a list of strings")
    return tuple(value)


def _rules(value: Any, where: str, text: str, path: str) -> Tuple[str, ...]:
    words = _words(value, where, text, path)
    codes(words, where + ": ")
    return words


def _one_of(words: Iterable[str]) -> Callable[..., str]:
    known = tuple(words)

    def read(value: Any, where: str, text: str, path: str) -> str:
        if _text(value, where, text, path) not in known:
            raise SettingsError(f"{where}: there is no {value}{_near(value, known)}")
        return str(value)

    return read


def _table_of(read: Callable[..., Any], *, of_rules: bool = False) -> Callable[..., Mapping[str, Any]]:
    def table(value: Any, where: str, text: str, path: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise SettingsError(f"{where} must be a table")
        made = {}
        for key, one in value.items():
            at = f"{path}:{_line_of(key, text)}: {key}"
            if of_rules:
                codes((key,), at[: -len(key)])
            made[key] = read(one, at, text, path)
        return made

    return table


_KEYS: Mapping[str, Tuple[str, Callable[..., Any]]] = {
    "profile": ("profile", _one_of(PROFILES)),
    "select": ("select", _rules),
    "extend-select": ("extend_select", _rules),
    "ignore": ("ignore", _rules),
    "per-file-ignores": ("per_file_ignores", _table_of(_rules)),
    "severity": ("severity", _table_of(_one_of(one.value for one in Severity), of_rules=True)),
    "sendmail-version": ("version", _one_of(VERSIONS)),
    "with": ("flags", _words),
    "vendor": ("vendor", _text),
    "baseline": ("baseline", _text),
    "exclude": ("exclude", _words),
    "kinds": ("kinds", _table_of(_one_of(KINDS))),
}


def matches(path: str, pattern: str) -> bool:
    """Whether a pattern means a file: its path from the base, a directory above it, or, without a slash, its name."""
    if "/" not in pattern.rstrip("/"):
        return any(fnmatchcase(part, pattern.rstrip("/")) for part in path.split("/"))
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.rstrip("/") + "/*")


class Selection:
    """The problems that are told, of all that were found."""

    def __init__(self, settings: Configured) -> None:
        """Raises SettingsError for a rule that there is not."""
        usual, raised = PROFILES[settings.profile]
        chosen = codes(usual if settings.select is None else settings.select)
        self.codes = (chosen | codes(settings.extend_select)) - codes(settings.ignore)
        self.severities: Dict[str, Severity] = {
            code: Severity.WARNING for code in codes(raised) if RULES[code].severity is Severity.INFO
        }
        # What says less comes first, so that a rule's own setting wins over that of its family.
        for one in sorted(settings.severity, key=lambda one: -len(codes((one,)))):
            for code in codes((one,)):
                self.severities[code] = Severity(settings.severity[one])
        self._by_file = [(glob, codes(some)) for glob, some in settings.per_file_ignores.items()]

    def told(self, problems: Iterable[Problem], path: str) -> List[Problem]:
        """The problems of one file that are told, as bad as they count here.  path: from the base of the settings."""
        off = [some for glob, some in self._by_file if matches(path, glob)]
        left = self.codes.difference(*off) if off else self.codes
        return [
            evolve(one, severity=self.severities[one.code]) if one.code in self.severities else one
            for one in problems
            if one.code in left
        ]
