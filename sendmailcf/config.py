"""`Config`: a sendmail.cf by what it says: every kind of declaration, read and set.

The one thing to know: the views hold nothing.  They look the lines up each time, and set a line by
replacing it under the law of edits.  Where sendmail lets the last line win, reading gives the last one
and setting changes that one.
"""

from __future__ import annotations

import re
from bisect import bisect
from datetime import timedelta
from itertools import chain
from typing import (
    Any,
    Callable,
    ClassVar,
    Dict,
    FrozenSet,
    Generic,
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
    overload,
)

from attrs import evolve, frozen

from .document import COMMENTS_LEVEL, CfLines
from .errors import EditError
from .expressions import Symbol, symbols
from .known.options import OptionRow
from .nodes import (
    Blank,
    ClassFile,
    ClassWords,
    Comment,
    Environment,
    Equate,
    HeaderDefinition,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    MailFilter,
    Option,
    Precedence,
    QueueGroup,
    RewritingRule,
    Ruleset,
    ShortOption,
    TrustedUsers,
    Version,
    bare,
    braced,
    unprotected,
    value_of,
)
from .reading import Reading
from .record import Record
from .references import MAILER, MAP, RULESET, Reference, references
from .text import meaning, number
from .values import (
    MapArguments,
    OptionValue,
    arguments_text,
    escape,
    exact_option_row,
    field_text,
    interval,
    interval_text,
    map_arguments,
    map_class_row,
    option_row,
    quoted_field,
    short_option_row,
    typed,
    unknown_option,
    words,
    written,
)

L = TypeVar("L", bound=Line)
E = TypeVar("E", MailerDefinition, QueueGroup, MailFilter)
V = TypeVar("V")


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
    def classes(self) -> Classes:
        """Classes by name: members wherever they are declared, and the files that more come from."""
        return Classes(self)

    @property
    def maps(self) -> Maps:
        """K lines by map name, in any case."""
        return Maps(self)

    @property
    def mailers(self) -> Mailers:
        """M lines by mailer name, in any case."""
        return Mailers(self)

    @property
    def queue_groups(self) -> QueueGroups:
        """Q lines by name, in any case."""
        return QueueGroups(self)

    @property
    def filters(self) -> Filters:
        """X lines by name."""
        return Filters(self)

    @property
    def headers(self) -> Headers:
        """H lines by field name, in any case."""
        return Headers(self)

    @property
    def precedences(self) -> Precedences:
        """P lines: the number that a Precedence: field gives a message."""
        return Precedences(self)

    @property
    def environment(self) -> Variables:
        """E lines: variables of sendmail and its children; None for one taken from the caller."""
        return Variables(self)

    @property
    def trusted_users(self) -> Class:
        """Class t: who may set a sender with -f without a warning, from T and C lines."""
        return self.classes["t"]

    @property
    def version(self) -> Optional[Version]:
        """The V line that rules at the end of the file, or None."""
        found = [node for _, node in self.of_kind(Version)]
        return found[-1] if found else None

    def reading(self) -> Reading:
        """What sendmail holds after it has read this file: macros expanded where it expands them."""
        return Reading(self)

    def references(self, name: Optional[str] = None, kind: Optional[str] = None) -> List[Reference]:
        """Every place that defines or uses a name, in the order of the lines.

        name: with or without braces; maps and mailers in any case; the number of a ruleset finds its name, too.
        kind: "macro", "class", "map", "mailer" or "ruleset"; None for all.
        """
        if name is None and kind is None:
            return list(references(self))
        wanted = None if name is None else bare(name)
        sets = self.reading().rulesets if wanted is not None and kind in (None, RULESET) else {}
        same = {one for one, rules in sets.items() if rules is sets.get(wanted or "")}

        def meant(found: Reference) -> bool:
            if wanted is None or found.name == wanted:
                return True
            if found.kind in (MAP, MAILER):
                return found.name.lower() == wanted.lower()
            return found.kind == RULESET and found.name in same

        return [one for one in references(self) if kind in (None, one.kind) and meant(one)]

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
        """The last comment line that `pattern` matches from its `#` on, end of line included."""
        found = None
        for index in self.indices(Comment):
            if pattern.match(self.raw(index)):
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

    def field(self, text: str, index: int) -> Optional[str]:
        """`text` as a value field of line `index`, None for no text; raises EditError where no spelling would give
        sendmail this text."""
        old = self.level(index) < COMMENTS_LEVEL
        raw = text if old else escape(text)
        if (
            text.rstrip(" \t\n\v\f\r") != text
            or (not old and meaning(raw) != text)
            or "\0" in text
            or "\r" in text
        ):
            raise EditError(
                "the value would not reach sendmail whole: it holds a NUL or CR, white space at its end, "
                'or "#" after "$"'
            )
        return raw or None


class _ByName(Mapping[str, V], Generic[L, V]):
    """Lines of one class by the name that each declares."""

    _kind: ClassVar[Type[Line]]
    _last_wins = True

    def __init__(self, config: Config) -> None:
        self._config = config

    @staticmethod
    def _key(name: str) -> str:
        return name.lower()

    def _made(self, index: int, node: L) -> V:
        """What the view gives for a line."""
        return cast(V, node)

    def _lines(self) -> Iterator[Tuple[int, L]]:
        return cast(Iterator[Tuple[int, L]], self._config.of_kind(self._kind))

    def _name(self, node: L) -> str:
        return unprotected(cast(Any, node).name)

    def _found(self, name: str) -> List[Tuple[int, L]]:
        wanted = self._key(name)
        return [(index, node) for index, node in self._lines() if self._key(self._name(node)) == wanted]

    def __getitem__(self, name: str) -> V:
        found = self._found(name)
        if not found:
            raise KeyError(name)
        return self._made(*found[-1 if self._last_wins else 0])

    def all(self, name: str) -> List[V]:
        """What every line of this name says, in file order."""
        return [self._made(index, node) for index, node in self._found(name)]

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for _, node in self._lines():
            name = self._name(node)
            if self._key(name) not in seen:
                seen.add(self._key(name))
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._found(name))

    def __delitem__(self, name: str) -> None:
        """Remove every line of this name.  Raises KeyError."""
        found = self._found(name)
        if not found:
            raise KeyError(name)
        for index, _ in reversed(found):
            self._config.remove(index)

    def _put(self, name: str, node: L) -> None:
        """Replace the line that counts, or add one."""
        if self._key(self._name(node)) != self._key(name):
            raise EditError(f"the line declares {self._name(node)}, not {name}")
        found = self._found(name)
        if found:
            self._config.replace(found[-1 if self._last_wins else 0][0], node)
        else:
            self._config.insert(self._config.place(None, self._kind), node)


# Options


@frozen(eq=False, repr=False)
class Setting(Record):
    """An option as a file sets it: `value` is always the text, `typed` what sendmail makes of it."""

    row: OptionRow
    index: int
    value: str

    @property
    def typed(self) -> OptionValue:
        """bool, int, timedelta, a whole word, a tuple of words or a mapping of keys, by the option's kind."""
        return typed(self.row, self.value)


class Options(Mapping[str, Setting]):
    """`cf.options`: reading gives a Setting, setting takes text or a value of the option's kind."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def _found(self, row: OptionRow) -> List[Setting]:
        found = []
        # Only a line whose name could be (an abbreviation of) this one is worth parsing.
        for index in self._config.option_lines(row.name[:1]):
            setting = self._setting(index)
            if setting is not None and setting.row is row:
                found.append(setting)
        return found

    def _setting(self, index: int) -> Optional[Setting]:
        node = self._config[index]
        if isinstance(node, Option):
            row = option_row(node.name)
        elif isinstance(node, ShortOption):
            row = short_option_row(node.flag)
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
        row = exact_option_row(name)
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
        default = re.compile(rf"#[ \t]*O[ \t]+{re.escape(row.name)}[ \t]*(?:[=\r\n]|\Z)", re.IGNORECASE)
        index = self._config.place(default, Option, ShortOption)
        self._config.insert(index, Option(name=row.name, value=self._config.field(text, index)))

    def _replace(self, old: Setting, text: str) -> None:
        node = self._config[old.index]
        if old.value == text:
            return
        if isinstance(node, Option) and node.equals is None:
            node = evolve(node, equals="=")
        if isinstance(node, (Option, ShortOption)):
            self._config.replace(old.index, evolve(node, value=self._config.field(text, old.index)))

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


# Macros and classes


class Macros(_ByName[MacroDefinition, str], MutableMapping[str, str]):
    """`cf.macros`: the values of D lines, as they stand in the file without comments."""

    _kind = MacroDefinition

    @staticmethod
    def _key(name: str) -> str:
        return bare(name)

    def _name(self, node: MacroDefinition) -> str:
        return bare(node.name)

    def _made(self, index: int, node: MacroDefinition) -> str:
        return value_of(node.value)

    def __setitem__(self, name: str, value: str) -> None:
        """Sets the last definition that stands before the rules, for a rule takes the value it finds
        when it is read.  Raises EditError for a name or value that sendmail would not take whole."""
        config = self._config
        limit = config.first_rule
        early = [found for found in self._found(name) if found[0] < limit]
        if early:
            index, node = early[-1]
            if value_of(node.value) != value:
                config.replace(index, evolve(node, value=config.field(value, index)))
            return
        written_name = braced(bare(name))
        index = config.place(re.compile("#[ \t]*D" + re.escape(written_name)), MacroDefinition)
        config.insert(index, MacroDefinition(name=written_name, value=config.field(value, index)))


class Class:
    """`cf.classes[name]`: a class, whatever lines it comes from."""

    def __init__(self, config: Config, name: str) -> None:
        self._config, self.name = config, bare(name)

    def _word_lines(self) -> List[Tuple[int, Union[ClassWords, TrustedUsers]]]:
        config = self._config
        found: List[Tuple[int, Union[ClassWords, TrustedUsers]]] = [
            (index, node) for index, node in config.of_kind(ClassWords) if bare(node.name) == self.name
        ]
        if self.name == "t":
            found += list(config.of_kind(TrustedUsers))
        return sorted(found, key=lambda one: one[0])

    @property
    def members(self) -> Tuple[str, ...]:
        """The words of C and T lines as sendmail stores them: macros expanded, other classes copied as they were
        at that line.  What a file or program holds is not among them."""
        return tuple(self._config.reading().classes.get(self.name, ()))

    @property
    def files(self) -> List[ClassFile]:
        """The F lines of this class."""
        return [node for _, node in self._config.of_kind(ClassFile) if bare(node.name) == self.name]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and word.lower() in {one.lower() for one in self.members}

    def __iter__(self) -> Iterator[str]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def add(self, *new: str) -> None:
        """Add words, on a line below the last of this class.  Raises EditError for a word with white space."""
        config = self._config
        missing = [word for word in new if word not in self]
        if any(words(word) != (word,) for word in missing):
            raise EditError("a word of a class holds no white space")
        if not missing:
            return
        lines = self._word_lines()
        index = lines[-1][0] + 1 if lines else config.place(None, ClassWords)
        node = ClassWords(name=braced(self.name), words=config.field(" ".join(missing), index))
        config.insert(index, node)

    def discard(self, word: str) -> None:
        """Remove a word, in any case, from every C and T line that spells it out; an emptied line goes."""
        config = self._config
        for index, node in reversed(self._word_lines()):
            kept = [one for one in words(value_of(node.words)) if one.lower() != word.lower()]
            if len(kept) == len(words(value_of(node.words))):
                continue
            if kept:
                config.replace(index, evolve(node, words=config.field(" ".join(kept), index)))
            else:
                config.remove(index)


class Classes(Mapping[str, Class]):
    """`cf.classes`: every class that a C, F or T line fills."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def __getitem__(self, name: str) -> Class:
        """The class of this name; one that no line fills is empty, as for sendmail."""
        return Class(self._config, name)

    def __iter__(self) -> Iterator[str]:
        config, names = self._config, []
        for index in config.indices(ClassWords, ClassFile, TrustedUsers):
            node = config[index]
            if isinstance(node, (ClassWords, ClassFile)):
                names.append(bare(node.name))
            elif isinstance(node, TrustedUsers):
                names.append("t")
        return iter(dict.fromkeys(names))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bare(name) in set(self)


# Maps, headers, precedences, environment


class Map:
    """`cf.maps[name]`: one K line; setting an attribute edits that line."""

    def __init__(self, config: Config, index: int, node: KeyFile) -> None:
        self._config, self._index = config, index
        self.node = node

    @property
    def name(self) -> str:
        """The name as the line spells it."""
        return self.node.name

    @property
    def map_class(self) -> str:
        """The class, in lower case."""
        return self.node.map_class.lower()

    @property
    def arguments(self) -> MapArguments:
        """Flags, file and what else there is, as the class splits them; macros are not expanded."""
        return map_arguments(self.node)

    @property
    def flags(self) -> Mapping[str, str]:
        """The text that each flag has, by its letter."""
        return self.arguments.flags

    @property
    def file(self) -> Optional[str]:
        """The file, or whatever the class makes of the first word; None for none."""
        return self.arguments.file

    @file.setter
    def file(self, path: str) -> None:
        self._write(evolve(self.arguments, file=path))

    @property
    def files(self) -> Tuple[str, ...]:
        """The files that the class opens: the name with each suffix, () for a class without files."""
        row = map_class_row(self.map_class)
        file = self.file
        if row is None or row.file != "file" or file is None:
            return ()
        return tuple(file if file.endswith(suffix) else file + suffix for suffix in row.suffixes) or (file,)

    def set_flag(self, letter: str, argument: str = "") -> None:
        """Give the map a flag.  Raises EditError if its class would not read it so."""
        self._write(evolve(self.arguments, flags={**self.flags, letter: argument}))

    def unset_flag(self, letter: str) -> None:
        """Take a flag away.  Raises KeyError if it is not set."""
        flags = dict(self.flags)
        del flags[letter]
        self._write(evolve(self.arguments, flags=flags))

    def _write(self, wanted: MapArguments) -> None:
        if wanted == self.arguments:
            return
        raw = self._config.field(arguments_text(wanted), self._index)
        node = evolve(self.node, space=self.node.space or " ", arguments=raw)
        if map_arguments(node) != wanted:
            raise EditError(f"the class {self.map_class} would not read these flags and names so")
        self._config.replace(self._index, node)
        self.node = node


class Maps(_ByName[KeyFile, Map]):
    """`cf.maps`: K lines by name."""

    _kind = KeyFile

    def _made(self, index: int, node: KeyFile) -> Map:
        return Map(self._config, index, node)

    def __setitem__(self, name: str, node: KeyFile) -> None:
        """Raises EditError if the node declares a map of another name."""
        self._put(name, node)


@frozen(eq=False, repr=False)
class Header(Record):
    """An H line: what is added to messages, or what ruleset looks at a field."""

    index: int
    node: HeaderDefinition

    @property
    def name(self) -> str:
        """The field's name; `*` stands for all that have no ruleset of their own."""
        return unprotected(self.node.name)

    @property
    def flags(self) -> Optional[FrozenSet[str]]:
        """The mailer flags of which one must be set, or None for no condition on flags."""
        condition = (self.node.condition or "")[1:-1]
        return (
            None if self.node.condition is None or "$" in condition else frozenset(condition.replace(" ", ""))
        )

    @property
    def macro(self) -> Optional[str]:
        """The macro that must be set, or None."""
        condition = (self.node.condition or "")[1:-1]
        return bare(condition[1:]) if condition.startswith("$") else None

    @property
    def ruleset(self) -> Optional[str]:
        """The ruleset that checks the field (`$>name`, `$>+name`), or None for a template."""
        found = re.match(r"\$>\+?[ \t]*([A-Za-z][A-Za-z0-9_]*|[0-9]+)", value_of(self.node.template))
        return found.group(1) if found else None

    @property
    def keeps_comments(self) -> bool:
        """Whether the ruleset is given the field with comments in parentheses."""
        return value_of(self.node.template).startswith("$>+")

    @property
    def template(self) -> str:
        """The text of the field, in which macros are expanded when a message is sent."""
        return value_of(self.node.template)


class Headers(_ByName[HeaderDefinition, Header]):
    """`cf.headers`: H lines by field name; of several the last counts, but for trace fields, which are all kept."""

    _kind = HeaderDefinition

    def _made(self, index: int, node: HeaderDefinition) -> Header:
        return Header(index, node)

    def __setitem__(self, name: str, node: HeaderDefinition) -> None:
        """Raises EditError if the node is for another field."""
        self._put(name, node)


class Precedences(_ByName[Precedence, int], MutableMapping[str, int]):
    """`cf.precedences`: numbers by name; the first line of a name counts."""

    _kind = Precedence
    _last_wins = False

    def _made(self, index: int, node: Precedence) -> int:
        return number(value_of(node.value))

    def __setitem__(self, name: str, value: int) -> None:
        found = self._found(name)
        if found and self._made(*found[0]) == value:
            return
        node = evolve(found[0][1], value=str(value)) if found else Precedence(name=name, value=str(value))
        self._put(name, node)


class Variables(_ByName[Environment, Optional[str]], MutableMapping[str, Optional[str]]):
    """`cf.environment`: values by name, None for a variable that is taken from the caller."""

    _kind = Environment

    @staticmethod
    def _key(name: str) -> str:
        return name

    def _made(self, index: int, node: Environment) -> Optional[str]:
        return None if node.equals is None else value_of(node.value)

    def __setitem__(self, name: str, value: Optional[str]) -> None:
        found = self._found(name)
        if found and self._made(*found[-1]) == value:
            return
        config = self._config
        index = found[-1][0] if found else config.place(None, Environment)
        raw = None if value is None else config.field(value, index)
        self._put(name, Environment(name=name, equals=None if value is None else "=", value=raw))


# Mailers, queue groups, filters


class _Field(Generic[V]):
    """An equate as an attribute: its letter, and how its value is read and written."""

    def __init__(self, key: str, read: Callable[[str], V], write: Callable[[V], str], doc: str) -> None:
        self._key, self._read, self._write = key, read, write
        self.__doc__ = doc

    @overload
    def __get__(self, owner: None, cls: type) -> _Field[V]: ...
    @overload
    def __get__(self, owner: Declaration[Any], cls: type) -> Optional[V]: ...
    def __get__(self, owner: Optional[Declaration[Any]], cls: type) -> Union[_Field[V], Optional[V]]:
        if owner is None:
            return self
        text = owner.get(self._key)
        return None if text is None else self._read(text)

    def __set__(self, owner: Declaration[Any], value: V) -> None:
        owner.set(self._key, self._write(value))


def _text(key: str, doc: str) -> _Field[str]:
    return _Field(key, str, str, doc)


def _number(key: str, doc: str) -> _Field[int]:
    return _Field(key, number, str, doc)


def _flag_set(text: str) -> FrozenSet[str]:
    # The dollar of a symbol has become a code by then, and so has a long name; neither is a flag.
    found = (
        one if not isinstance(one, Symbol) else one.sign + (one.name if len(one.name) == 1 else "")
        for one in symbols(text)
    )
    return frozenset("".join(words("".join(found))))


def _flags(key: str, doc: str) -> _Field[FrozenSet[str]]:
    return _Field(key, _flag_set, lambda flags: "".join(sorted(flags)), doc)


def _time(key: str, unit: str, doc: str) -> _Field[timedelta]:
    return _Field(key, lambda text: interval(text, unit), interval_text, doc)


_SET_NAME = r"(?s)([A-Za-z0-9_]*)(.*)"


def _pair(text: str) -> Tuple[str, str]:
    # A name ends at the first character that it cannot hold, and what follows is read only after a slash.
    first, rest = re.match(_SET_NAME, text).group(1, 2)  # type: ignore[union-attr]
    return first, rest[1:] if rest.startswith("/") else first


def _pair_text(pair: Tuple[str, str]) -> str:
    return pair[0] if pair[0] == pair[1] else "/".join(pair)


def _rulesets(key: str, doc: str) -> _Field[Tuple[str, str]]:
    return _Field(key, _pair, _pair_text, doc)


def _types(text: str) -> Tuple[str, str, str]:
    parts = [*text.split("/", 2), "", ""]
    return parts[0] or "dns", parts[1] or "rfc822", parts[2] or "smtp"


def _timeouts(text: str) -> Mapping[str, timedelta]:
    pairs = (part.strip(" \t\n").partition(":") for part in text.split(";"))
    return {key[0]: interval(value) for key, colon, value in pairs if key and colon}


class Declaration(Generic[E]):
    """A line of M, Q or X with its equates; setting an attribute edits that line."""

    #: Equates of which several on a line add up.
    _ADD_UP: ClassVar[str] = ""

    def __init__(self, config: Config, index: int, node: E) -> None:
        self._config, self._index = config, index
        self.node: E = node

    @property
    def name(self) -> str:
        """The name as the line spells it."""
        return unprotected(self.node.name)

    def get(self, key: str) -> Optional[str]:
        """The value of an equate by its letter, as sendmail stores it; the last one counts, flags add up."""
        found = [field_text(one.value) for one in self.node.equates if one.key[:1] == key]
        if not found:
            return None
        return "".join(found) if key in self._ADD_UP else found[-1]

    def set(self, key: str, value: str) -> None:
        """Change an equate, or add it.  Raises EditError if the line would not read back as itself."""
        if self.get(key) == value:
            return
        raw = self._config.field(quoted_field(value), self._index)
        if field_text(raw) != value:
            # Before a quote or another `$`, a `$` is the beginning of something else.
            raise EditError(f"no spelling of {key}= gives sendmail this text")
        same = [at for at, one in enumerate(self.node.equates) if one.key[:1] == key]
        equates = list(self.node.equates)
        if same:
            equates[same[-1]] = evolve(equates[same[-1]], value=raw)
            if key in self._ADD_UP:
                for at in reversed(same[:-1]):
                    del equates[at]
        else:
            equates.append(Equate(key=key, value=raw))
        self._write(equates)

    def unset(self, key: str) -> None:
        """Remove an equate.  Raises KeyError if there is none."""
        kept = [one for one in self.node.equates if one.key[:1] != key]
        if len(kept) == len(self.node.equates):
            raise KeyError(key)
        self._write(kept)

    def _write(self, equates: List[Equate]) -> None:
        node = cast(E, evolve(cast(Any, self.node), equates=tuple(equates)))
        self._config.replace(self._index, node)
        self.node = node


class Mailer(Declaration[MailerDefinition]):
    """`cf.mailers[name]`: one M line."""

    _ADD_UP = "F"

    path = _text("P", "P=: a program, or [IPC] or [FILE].")
    flags = _flags("F", "F=: the mailer's flags.")
    arguments = _text(
        "A", "A=: the argument vector, words separated by white space; for [IPC] `TCP $h [port]`."
    )
    sender_rulesets = _rulesets("S", "S=: rulesets for senders, of envelope and header.")
    recipient_rulesets = _rulesets("R", "R=: rulesets for recipients, of envelope and header.")
    end_of_line = _text("E", "E=: the end of a line.")
    line_limit = _number("L", "L=: the longest line, bytes.")
    max_size = _number("M", "M=: the largest message, bytes.")
    max_messages = _number("m", "m=: messages in one connection.")
    max_recipients = _number("r", "r=: recipients in one envelope.")
    nice = _number("N", "N=: added to the priority of the program.")
    charset = _text("C", "C=: the character set of unlabelled 8-bit text.")
    types: _Field[Tuple[str, str, str]] = _Field(
        "T", _types, "/".join, "T=: MTA, address and diagnostic types."
    )
    directories = _text("D", "D=: working directories, separated by colons.")
    user = _text("U", "U=: user, or user:group.")
    wait = _time("W", "s", "W=: how long to wait for the program.")
    queue = _text("Q", "Q=: the queue group of its messages.")
    root = _text("/", "/=: the directory that is / for the program.")


class QueueGroupView(Declaration[QueueGroup]):
    """`cf.queue_groups[name]`: one Q line."""

    path = _text("P", "P=: the queue directory.")
    flags = _flags("F", "F=: only `f`, a process for each directory.")
    interval = _time("I", "m", "I=: the time between queue runs.")
    nice = _number("N", "N=: added to the priority of a runner.")
    runners = _number("R", "R=: runners at a time.")
    jobs = _number("J", "J=: jobs in one run.")
    max_recipients = _number("r", "r=: recipients in one envelope.")


class Filter(Declaration[MailFilter]):
    """`cf.filters[name]`: one X line."""

    socket = _text("S", "S=: `inet:port@host`, `inet6:port@host`, `local:path`, or a path.")
    flags = _flags("F", "F=: what a failure means: R rejects, T defers, 4 ends the session with 421.")
    timeouts: _Field[Mapping[str, timedelta]] = _Field(
        "T", _timeouts, lambda times: ";".join(f"{key}:{interval_text(value)}" for key, value in times.items()),
        "T=: timeouts by letter: C connect, S send, R read, E end of message.",
    )  # fmt: skip


class Mailers(_ByName[MailerDefinition, Mailer]):
    """`cf.mailers`: M lines by name."""

    _kind = MailerDefinition

    def _made(self, index: int, node: MailerDefinition) -> Mailer:
        return Mailer(self._config, index, node)

    def __setitem__(self, name: str, node: MailerDefinition) -> None:
        """Raises EditError if the node declares another mailer."""
        self._put(name, node)


class QueueGroups(_ByName[QueueGroup, QueueGroupView]):
    """`cf.queue_groups`: Q lines by name."""

    _kind = QueueGroup

    def _made(self, index: int, node: QueueGroup) -> QueueGroupView:
        return QueueGroupView(self._config, index, node)

    def __setitem__(self, name: str, node: QueueGroup) -> None:
        """Raises EditError if the node declares another group."""
        self._put(name, node)


class Filters(_ByName[MailFilter, Filter]):
    """`cf.filters`: X lines by name."""

    _kind = MailFilter

    @staticmethod
    def _key(name: str) -> str:
        return name

    def _made(self, index: int, node: MailFilter) -> Filter:
        return Filter(self._config, index, node)

    def __setitem__(self, name: str, node: MailFilter) -> None:
        """Raises EditError if the node declares another filter."""
        self._put(name, node)


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
        self._refresh()

    def __setitem__(self, at: int, rule: RewritingRule) -> None:
        """Replace rule `at`, counted from 0."""
        self._config.replace(self.indices[at], rule)

    def __delitem__(self, at: int) -> None:
        """Remove rule `at`, counted from 0."""
        self._config.remove(self.indices[at])
        self._refresh()

    def move(self, at: int, to: int) -> None:
        """Move rule `at` so that it becomes rule `to`, both counted from 0.  Raises IndexError."""
        rule, target = self[at], range(len(self))[to]
        del self[at]
        self.insert(target, rule)

    def _refresh(self) -> None:
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

    def _stretches(self) -> Dict[str, List[Tuple[int, int]]]:
        """The lines of each ruleset, by all its names: from an S line up to the next."""
        config, found = self._config, {}  # type: Config, Dict[str, List[Tuple[int, int]]]
        starts = list(config.indices(Ruleset))
        for index, end in zip(starts, [*starts[1:], len(config)]):
            node = config[index]
            if isinstance(node, Ruleset):  # after a bad S line sendmail has no ruleset to add rules to
                names = [one for one in node.both if one is not None]
                stretches = next((found[one] for one in names if one in found), [])
                for one in names:
                    found.setdefault(one, stretches)
                stretches.append((index, end))
        return found

    def _made(self, name: str, stretches: Sequence[Tuple[int, int]]) -> Rules:
        config = self._config
        rules = list(config.indices(RewritingRule))
        inside = chain.from_iterable(rules[bisect(rules, a) : bisect(rules, b)] for a, b in stretches)
        indices = [index for index in inside if isinstance(config[index], RewritingRule)]
        return Rules(config, name, [start for start, _ in stretches], indices)

    def distinct(self) -> List[Rules]:
        """Each ruleset once, whatever names and numbers it has, in the order of the file."""
        sets: Dict[int, Rules] = {}
        for name, stretches in self._stretches().items():
            if id(stretches) not in sets:
                sets[id(stretches)] = self._made(name, stretches)
        return list(sets.values())

    def __getitem__(self, name: str) -> Rules:
        every = self._stretches()
        stretches = every[name]
        return self._made(next(one for one in every if every[one] is stretches), stretches)

    def __contains__(self, name: object) -> bool:
        return name in self._stretches()

    def __iter__(self) -> Iterator[str]:
        return iter(self._stretches())

    def __len__(self) -> int:
        return len(self._stretches())

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
