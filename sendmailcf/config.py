"""`Config`: a sendmail.cf by what it says: options, macros, maps, mailers and rulesets, read and set.

The one thing to know: the views hold nothing.  They look the lines up each time, and set a line by
replacing it under the law of edits.  Where sendmail lets the last line win, reading gives the last one
and setting changes that one.
"""

from __future__ import annotations

import difflib
import re
from datetime import timedelta
from functools import cache
from typing import (
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    MutableMapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    TypeVar,
    Union,
    cast,
)

from attrs import evolve, frozen

from .document import CfLines
from .errors import EditError
from .known.options import OPTIONS, OptionRow
from .nodes import (
    Blank,
    ClassFile,
    ClassWords,
    Comment,
    Equate,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    Option,
    RewritingRule,
    Ruleset,
    ShortOption,
    Version,
    bare,
    value_of,
)
from .text import meaning

OptionValue = Union[str, bool, int, timedelta, Sequence[str]]
L = TypeVar("L", bound=Line)


class Config(CfLines):
    """A sendmail.cf: its lines, and views on what they mean."""

    @property
    def options(self) -> Options:
        """Options by name, whatever the spelling in the file."""
        return Options(self)

    @property
    def macros(self) -> Macros:
        """D lines by macro name: `S`, or `server_name` with or without braces."""
        return Macros(self)

    @property
    def maps(self) -> Maps:
        """K lines by map name, in any case."""
        return Maps(self)

    @property
    def mailers(self) -> Mailers:
        """M lines by mailer name, in any case."""
        return Mailers(self)

    @property
    def rulesets(self) -> Rulesets:
        """Rulesets by name or number; the rules of one name in several places belong together."""
        return Rulesets(self)

    @property
    def first_rule(self) -> int:
        """The index of the first S or R line, or the number of lines where there is none."""
        return next(self.indices(Ruleset, RewritingRule), len(self))

    def of_kind(self, cls: Type[L]) -> Iterator[Tuple[int, L]]:
        """The readable lines of one class, with their indices."""
        for index in self.indices(cls):
            node = self[index]
            if isinstance(node, cls):
                yield index, node

    def commented(self, pattern: re.Pattern[str]) -> Optional[int]:
        """The last comment line that `pattern` matches from its `#` on: a commented-out default."""
        found = None
        for index in self.indices(Comment):
            if pattern.match(self.text(index)):
                found = index
        return found

    def place(self, commented: Optional[re.Pattern[str]], *kinds: Type[Line]) -> int:
        """Where an expert would put a new declaration: below its commented-out default, else below the
        last line of these kinds that stands before the rules, else before the rules."""
        limit = self.first_rule
        if commented is not None:
            default = self.commented(commented)
            if default is not None and default < limit:
                return default + 1
        settings = (Option, ShortOption, KeyFile, MacroDefinition, ClassWords, ClassFile, Version)
        for wanted in (kinds, settings):
            last = -1
            for index in self.indices(*wanted):
                if index < limit:
                    last = index
            if last >= 0:
                return last + 1
        return limit


def escape(text: str) -> str:
    """A value as it must stand in a line: a `#` that would begin a comment gets a backslash."""
    return re.sub(r"(?<!\$)#", r"\\#", text)


def _field(text: str) -> Optional[str]:
    """`text` as a value field; raises EditError where no spelling would give sendmail this text."""
    raw = escape(text)
    if meaning(raw) != text:
        raise EditError(
            "the value would not reach sendmail whole: it holds a NUL or CR, white space at its end, "
            'or "#" after "$"'
        )
    return raw or None


# Options


@cache
def _tables() -> Tuple[Dict[str, OptionRow], Dict[str, OptionRow]]:
    return (
        {row.name.lower(): row for row in OPTIONS if row.name},
        {row.letter: row for row in OPTIONS if row.letter},
    )


def option_row(name: str) -> Optional[OptionRow]:
    """The row of an option as sendmail takes a name from a file: any case, an abbreviation that begins
    just one name; a suboption of anything but Timeout and Milter is dropped.  None: unknown, ambiguous."""
    names, _ = _tables()
    head, dot, sub = name.partition(".")
    row = names.get(head.lower())
    if row is None:
        plain = [one for one in OPTIONS if one.name and "." not in one.name]
        near = [one for one in plain if head and one.name.lower().startswith(head.lower())]
        row = near[0] if len(near) == 1 else None
    if row is not None and dot and row.kind == "suboptions":
        return names.get(f"{row.name}.{sub}".lower())
    return row


@frozen
class Setting:
    """An option as a file sets it: `value` is always the text, `typed` what sendmail makes of it."""

    row: OptionRow
    index: int
    value: str

    @property
    def typed(self) -> OptionValue:
        """bool, int, timedelta, or a tuple of words, by the option's kind; else the text itself."""
        return _READ.get(self.row.kind, _as_text)(self.row, self.value)


class Options(Mapping[str, Setting]):
    """`cf.options`: reading gives a Setting, setting takes text or a value of the option's kind."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def _found(self, row: OptionRow) -> List[Setting]:
        found, config = [], self._config
        # Only a line whose name could be (an abbreviation of) this one is worth parsing.
        letters = {row.name[:1].lower(), row.name[:1].upper()}
        for index in config.indices(Option, ShortOption):
            line = config._lines[index]
            if line[1:2] == " " and line[2:3] not in letters:
                continue
            setting = self._setting(index)
            if setting is not None and setting.row is row:
                found.append(setting)
        return found

    def _setting(self, index: int) -> Optional[Setting]:
        node = self._config[index]
        if isinstance(node, Option):
            row = option_row(node.name)
        elif isinstance(node, ShortOption):
            row = _tables()[1].get(node.flag)
        else:
            return None
        return None if row is None else Setting(row, index, value_of(node.value))

    def __getitem__(self, name: str) -> Setting:
        row = option_row(name)
        found = self._found(row) if row is not None else []
        if not found:
            raise KeyError(name)
        return found[-1]

    def all(self, name: str) -> List[Setting]:
        """Every line that sets this option, in file order: some options add up."""
        row = option_row(name)
        return self._found(row) if row is not None else []

    def __setitem__(self, name: str, value: OptionValue) -> None:
        """Raises EditError for an unknown option, a value that sendmail would misread, or, for an option
        whose lines add up, if there are several to choose from."""
        row = _tables()[0].get(name.lower())
        if row is None:
            raise EditError(unknown_option(name))
        text = written(row, value)
        found = self._found(row)
        if row.cumulative and len(found) > 1:
            numbers = ", ".join(str(self._config.line_number(one.index)) for one in found)
            raise EditError(f"{row.name} adds up over lines {numbers}: edit the line that is meant")
        if found:
            self._replace(found[-1], text)
            return
        default = re.compile(rf"#[ \t]*O[ \t]+{re.escape(row.name)}[ \t]*(?:=|$)", re.IGNORECASE)
        index = self._config.place(default, Option, ShortOption)
        self._config.insert(index, Option(name=row.name, value=_field(text)))

    def _replace(self, old: Setting, text: str) -> None:
        node = self._config[old.index]
        if old.value == text:
            return
        if isinstance(node, Option) and node.equals is None:
            node = evolve(node, equals="=")
        if isinstance(node, (Option, ShortOption)):
            self._config.replace(old.index, evolve(node, value=_field(text)))

    def __delitem__(self, name: str) -> None:
        found = self.all(name)
        if not found:
            raise KeyError(name)
        for one in reversed(found):
            self._config.remove(one.index)

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for index in self._config.indices(Option, ShortOption):
            setting = self._setting(index)
            if setting is not None and setting.row not in seen:
                seen.add(setting.row)
                yield setting.row.name or setting.row.letter

    def __len__(self) -> int:
        return sum(1 for _ in self)


def unknown_option(name: str) -> str:
    """What to say of a name that is no option's, with the one that was probably meant."""
    names = {row.name.lower(): row.name for row in OPTIONS if row.name}
    near = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"; did you mean {names[near[0]]}?" if near else ""
    return f"sendmail has no option {name!r}{hint}"


def _as_text(row: OptionRow, text: str) -> OptionValue:
    return text


def _as_bool(row: OptionRow, text: str) -> OptionValue:
    return text == "" or text[0] in "tTyY"


def _as_int(row: OptionRow, text: str) -> OptionValue:
    found = re.match(r"[ \t\n\v\f\r]*([+-]?[0-9]+)", text)
    return int(found.group(1)) if found else 0


def _as_octal(row: OptionRow, text: str) -> OptionValue:
    found = re.match(r"[0-7]+", text)
    return int(found.group(), 8) & 0o777 if found else 0


_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def _as_time(row: OptionRow, text: str) -> OptionValue:
    if text.lower() == "now":
        return timedelta(seconds=-1)
    negative, total, last = text.startswith("-"), 0, 0
    for number, unit in re.findall(r"([0-9]*)([^0-9]?)", text[negative:]):
        if number or unit:
            last = _SECONDS.get(unit, _SECONDS[row.unit or "s"])
            total += int(number or 0) * last
    return timedelta(seconds=-total if negative else total)


def _as_words(row: OptionRow, text: str) -> OptionValue:
    return tuple(word for word in re.split(r"[ \t\n\v\f\r]+", text) if word)


def _as_flags(row: OptionRow, text: str) -> OptionValue:
    if row.name in ("PrivacyOptions", "DontBlameSendmail"):
        return tuple(re.findall(r"[A-Za-z0-9]+", text))
    return tuple(word for word in re.split(r"[ \t\n\v\f\r,]+", text) if word)


def _as_names(row: OptionRow, text: str) -> OptionValue:
    return tuple(word.lstrip(" \t\n\v\f\r") for word in re.split(r"[,;]", text) if word)


_READ: Dict[str, Callable[[OptionRow, str], OptionValue]] = {
    "bool": _as_bool,
    "int": _as_int,
    "octal": _as_octal,
    "time": _as_time,
    "words": _as_words,
    "flags": _as_flags,
    "letters": _as_flags,
    "names": _as_names,
}


def written(row: OptionRow, value: OptionValue) -> str:
    """The text of an option's value.  Raises EditError where sendmail would read something else from it.

    A list is joined as this option's words are separated; a timedelta is written in whole seconds.
    """
    if isinstance(value, bool):
        if row.kind not in ("bool", "enum-or-bool"):
            raise EditError(f"{row.name} is not a boolean")
        text = "True" if value else "False"
    elif isinstance(value, timedelta):
        if row.kind != "time":
            raise EditError(f"{row.name} is not a time")
        seconds = value.total_seconds()
        if seconds != int(seconds) or seconds < 0:
            raise EditError(f"{row.name} takes whole seconds, 0 or more")
        text = f"{int(seconds)}s"
    elif isinstance(value, int):
        text = f"{value:04o}" if row.kind == "octal" else str(value)
    elif isinstance(value, str):
        text = value
    else:
        separator = "," if row.kind in ("flags", "names") and row.name != "ResolverOptions" else " "
        words = list(value)
        if any(not word or set(word) & set(" \t\n\v\f\r,;") for word in words):
            raise EditError(f"a word of {row.name} is empty or holds a separator")
        text = separator.join(words)
    problem = misread(row, text)
    if problem:
        raise EditError(f"{row.name}={text}: {problem}")
    return text


def misread(row: OptionRow, text: str) -> Optional[str]:
    """What is wrong with a value: why sendmail would refuse it or take it for something else, or None."""
    kind, lower = row.kind, text.lower()
    if text[:1] == " ":
        return "sendmail drops the blank at its beginning"
    if kind == "suboptions":
        return f"set one of its suboptions, as in {row.name}.NAME"
    if kind in ("bool", "enum-or-bool"):
        words = [one.lower() for one in row.choices] or ["true", "false"]
        words += [one[0] for one in words if row.name == "SuperSafe"]
        if text and lower not in (*words, "yes", "no", "t", "f", "y", "n"):
            return "sendmail takes everything but True for False: write True or False" + (
                f" or one of {', '.join(row.choices)}" if row.choices else ""
            )
    elif kind == "int" and not re.fullmatch(r"[+-]?[0-9]+", text):
        return "not a whole number; sendmail knows no suffixes and takes garbage for 0"
    elif kind == "octal" and not re.fullmatch(r"0?[0-7]{1,3}", text):
        return "not an octal mode of up to three digits"
    elif kind == "time" and lower != "now" and not re.fullmatch(r"-?(?:[0-9]+[wdhms])*[0-9]+[wdhms]?", text):
        return "not a time: numbers with units w, d, h, m, s, as in 1h30m"
    elif kind in ("letter", "enum") and not _is_choice(row, text):
        return f"not one of {', '.join(row.choices)}"
    elif kind == "words" and ("," in text or '"' in text):
        return "words are separated by blanks; a comma or a quote becomes part of a name and matches nothing"
    elif kind in ("flags", "letters") and row.choices:
        return _unknown_word(row, text)
    elif row.name == "DefaultAuthInfo" and text and text[0] not in "/|":
        return "a relative path is taken from the queue directory: write an absolute one"
    return None


def _is_choice(row: OptionRow, text: str) -> bool:
    # Of the options known by their first letter, only QueueSortOrder takes upper case.
    word = text.lower() if row.kind == "enum" or row.name == "QueueSortOrder" else text
    return word in row.choices or (row.kind == "letter" and word in [one[0] for one in row.choices])


def _unknown_word(row: OptionRow, text: str) -> Optional[str]:
    known = {one if row.kind == "letters" else one.lower() for one in row.choices}
    for word in _as_flags(row, text):  # type: ignore[union-attr]
        name = str(word).lstrip("+-")
        if name[:2].lower() == "0x" or re.fullmatch(r"[0-9]+", name):
            continue
        if (name if row.kind == "letters" else name.lower()) not in known:
            return f"{word} is not known; known are {', '.join(row.choices)}"
    return None


# Macros, maps, mailers


class Macros(MutableMapping[str, str]):
    """`cf.macros`: the values of D lines, as they stand in the file without comments."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def _found(self, name: str) -> List[Tuple[int, MacroDefinition]]:
        wanted = bare(name)
        return [(i, node) for i, node in self._config.of_kind(MacroDefinition) if bare(node.name) == wanted]

    def __getitem__(self, name: str) -> str:
        found = self._found(name)
        if not found:
            raise KeyError(name)
        return value_of(found[-1][1].value)

    def __setitem__(self, name: str, value: str) -> None:
        """Sets the last definition that stands before the rules, for a rule takes the value it finds
        when it is read.  Raises EditError for a name or value that sendmail would not take whole."""
        config, raw = self._config, _field(value)
        limit = config.first_rule
        early = [found for found in self._found(name) if found[0] < limit]
        if early:
            index, node = early[-1]
            if value_of(node.value) != value:
                config.replace(index, evolve(node, value=raw))
            return
        short = bare(name)
        written_name = short if len(short) == 1 else "{" + short + "}"
        default = re.compile("#[ \t]*D" + re.escape(written_name))
        config.insert(config.place(default, MacroDefinition), MacroDefinition(name=written_name, value=raw))

    def __delitem__(self, name: str) -> None:
        found = self._found(name)
        if not found:
            raise KeyError(name)
        for index, _ in reversed(found):
            self._config.remove(index)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(bare(node.name) for _, node in self._config.of_kind(MacroDefinition)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Maps(MutableMapping[str, KeyFile]):
    """`cf.maps`: K lines by name."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def _found(self, name: str) -> List[Tuple[int, KeyFile]]:
        wanted = name.lower()
        return [(i, node) for i, node in self._config.of_kind(KeyFile) if node.name.lower() == wanted]

    def __getitem__(self, name: str) -> KeyFile:
        found = self._found(name)
        if not found:
            raise KeyError(name)
        return found[-1][1]

    def __setitem__(self, name: str, node: KeyFile) -> None:
        """Raises EditError if the node declares a map of another name."""
        if node.name.lower() != name.lower():
            raise EditError(f"the line declares the map {node.name}, not {name}")
        found = self._found(name)
        if found:
            self._config.replace(found[-1][0], node)
        else:
            self._config.insert(self._config.place(None, KeyFile), node)

    def __delitem__(self, name: str) -> None:
        found = self._found(name)
        if not found:
            raise KeyError(name)
        for index, _ in reversed(found):
            self._config.remove(index)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(node.name.lower() for _, node in self._config.of_kind(KeyFile)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@frozen
class MapArguments:
    """The arguments of a K line as sendmail splits them for file maps: flags, then one word, then the rest.

    flags: each by its letter, with the text glued to it (or the word that follows, for -k and -v).
    """

    flags: Mapping[str, str]
    file: Optional[str]
    rest: Tuple[str, ...]


def map_arguments(node: KeyFile) -> MapArguments:
    """Split the arguments of a map declaration (parser A of sendmail's map.c: one flag a word)."""
    words = [word for word in re.split(r"[ \t\n\v\f\r]+", value_of(node.arguments)) if word]
    flags: Dict[str, str] = {}
    while words and words[0][0] == "-":
        word = words.pop(0)
        text = word[2:]
        if word[1:2] in ("k", "v") and not text and words:
            text = words.pop(0)
        flags[word[1:2]] = text
    return MapArguments(flags, words[0] if words else None, tuple(words[1:]))


class Mailer:
    """`cf.mailers[name]`: one M line; setting an attribute edits that line's equate."""

    def __init__(self, config: Config, index: int, node: MailerDefinition) -> None:
        self._config, self._index, self.node = config, index, node

    @property
    def name(self) -> str:
        return self.node.name

    def get(self, key: str) -> Optional[str]:
        """The value of an equate by its letter, as in the file; the last one counts."""
        found = self.node.equate(key)
        return None if found is None else value_of(found.value)

    def set(self, key: str, value: str) -> None:
        """Change an equate, or add it.  Raises EditError if the line would not read back as itself."""
        found, raw = self.node.equate(key), _field(value)
        if found is not None and value_of(found.value) == value:
            return
        equates = list(self.node.equates)
        if found is None:
            equates.append(Equate(key=key, value=raw))
        else:
            at = max(i for i, one in enumerate(equates) if one is found)
            equates[at] = evolve(found, value=raw)
        node = evolve(self.node, equates=tuple(equates))
        self._config.replace(self._index, node)
        self.node = node

    @property
    def path(self) -> Optional[str]:
        """P=: a program, or [IPC] or [FILE]."""
        return self.get("P")

    @property
    def flags(self) -> Optional[str]:
        """F=: letters."""
        return self.get("F")

    @property
    def arguments(self) -> Optional[str]:
        """A=: the argument vector, words separated by white space; for [IPC] `TCP $h [port]`."""
        return self.get("A")

    @arguments.setter
    def arguments(self, value: str) -> None:
        self.set("A", value)


class Mailers(Mapping[str, Mailer]):
    """`cf.mailers`: M lines by name."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __getitem__(self, name: str) -> Mailer:
        wanted, found = name.lower(), None
        for index, node in self._config.of_kind(MailerDefinition):
            if node.name.lower() == wanted:
                found = Mailer(self._config, index, node)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(node.name for _, node in self._config.of_kind(MailerDefinition)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


# Rulesets


class Rules:
    """One ruleset: its S lines, and its rules wherever they stand, in the order in which they run."""

    def __init__(self, config: Config, name: str, starts: List[int], rules: List[int]) -> None:
        self._config, self.name, self.starts, self.indices = config, name, starts, rules

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, at: int) -> RewritingRule:
        return cast(RewritingRule, self._config[self.indices[at]])

    def __iter__(self) -> Iterator[RewritingRule]:
        return (self[at] for at in range(len(self)))

    def insert(self, at: int, *rules: RewritingRule) -> None:
        """Insert rules so that the first of them becomes rule `at`, counted from 0."""
        last = (self.indices or self.starts)[-1]
        index = self.indices[at] if at < len(self.indices) else last + 1
        self._config.insert(index, *rules)
        fresh = self._config.rulesets[self.name]
        self.starts, self.indices = fresh.starts, fresh.indices

    def remove(self) -> None:
        """Remove the ruleset: its S lines and rules."""
        for index in sorted([*self.starts, *self.indices], reverse=True):
            self._config.remove(index)
        self.starts, self.indices = [], []


class Rulesets(Mapping[str, Rules]):
    """`cf.rulesets`: rulesets by name or number, both of them where a line gives both."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def _all(self) -> Dict[str, Rules]:
        config, found = self._config, {}  # type: Config, Dict[str, Rules]
        current: Optional[Rules] = None
        for index in config.indices(Ruleset, RewritingRule):
            node = config[index]
            if isinstance(node, Ruleset):
                name = node.name.lstrip("0") or "0" if node.name[0] in "0123456789" else node.name
                current = found.get(name)
                if current is None and node.number is not None:
                    current = found.get(node.number.lstrip("0") or "0")
                if current is None:
                    current = Rules(config, name, [], [])
                found.setdefault(name, current)
                if node.number is not None:
                    found.setdefault(node.number.lstrip("0") or "0", current)
                current.starts.append(index)
            elif isinstance(node, RewritingRule):
                if current is not None:
                    current.indices.append(index)
            elif config.kind(index) is Ruleset:
                current = None  # after a bad S line sendmail has no ruleset to add rules to
        return found

    def __getitem__(self, name: str) -> Rules:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def add(self, name: str, rules: Iterable[RewritingRule], index: Optional[int] = None) -> None:
        """Add a ruleset, before line `index` or at the end, with an empty line above it.

        Raises EditError if the name exists (sendmail would append to it), or if the place lies between
        another ruleset's S line and its rules, which would move to the new one.
        """
        config = self._config
        if name in self:
            raise EditError(f"there is a ruleset {name} already; sendmail would append to it")
        at = len(config) if index is None else index
        follows = next((i for i in config.indices(Ruleset, RewritingRule) if i >= at), None)
        if follows is not None and config.kind(follows) is RewritingRule:
            raise EditError("the rules below would move to the new ruleset")
        apart = [Blank()] if at and config.kind(at - 1) is not Blank else []
        config.insert(at, *apart, Ruleset(name=name), *rules)
