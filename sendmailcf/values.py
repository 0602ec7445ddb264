"""Values: the text of an option, map, mailer field or header as sendmail reads it, and typed values as text.

The one thing to know: reading follows sendmail even where it is absurd (a word but True is false, garbage is 0), and
writing refuses what would then be misread.  Nothing here knows a file; facts from readcf.c, map.c, daemon.c, conf.c and
milter.c of sendmail 8.17.1.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple, Union

from attrs import frozen

from .errors import EditError
from .expressions import Item, Symbol, symbols, unquoted
from .known.maps import GENERIC, MAP_CLASSES, WORD, MapClassRow
from .known.options import OPTIONS, OptionRow
from .known.policies import PORT_KEYS
from .nodes import KeyFile, value_of
from .record import Record
from .text import nearest, number

OptionValue = Union[str, bool, int, timedelta, Sequence[str], Mapping[str, str]]
_BLANKS = re.compile(r"[ \t\n\v\f\r]+")


def words(text: str) -> Tuple[str, ...]:
    """The words of a text between white space."""
    return tuple(word for word in _BLANKS.split(text) if word)


def escape(text: str) -> str:
    """A value as it must stand in a line: a `#` that would begin a comment gets a backslash."""
    return re.sub(r"(?<!\$)#", r"\\#", text)


@cache
def _tables() -> Tuple[Dict[str, OptionRow], Dict[str, OptionRow]]:
    return (
        {row.name.lower(): row for row in OPTIONS if row.name},
        {row.letter: row for row in OPTIONS if row.letter},
    )


def exact_option_row(name: str) -> Optional[OptionRow]:
    """The row of an option whose whole name this is, in any case."""
    return _tables()[0].get(name.lower())


def short_option_row(letter: str) -> Optional[OptionRow]:
    """The row of a one-letter option."""
    return _tables()[1].get(letter)


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


def unknown_option(name: str) -> str:
    """What to say of a name that is no option's, with the one that was probably meant."""
    names = {row.name.lower(): row.name for row in OPTIONS if row.name}
    near = nearest(name.lower(), names)
    hint = f"; did you mean {names[near]}?" if near else ""
    return f"sendmail has no option {name!r}{hint}"


def _as_text(row: OptionRow, text: str) -> OptionValue:
    return text


def _as_bool(row: OptionRow, text: str) -> OptionValue:
    return text == "" or text[0] in "tTyY"


def _as_int(row: OptionRow, text: str) -> OptionValue:
    return number(text)


def _as_octal(row: OptionRow, text: str) -> OptionValue:
    found = re.match(r"[0-7]+", text)
    return int(found.group(), 8) & 0o777 if found else 0


#: What a timedelta holds, seconds.
_LONGEST_INTERVAL = timedelta.max // timedelta(seconds=1)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}


def interval(text: str, unit: str = "s") -> timedelta:
    """A time as sendmail converts it: numbers with the units w, d, h, m and s, or, without one, `unit`."""
    if text.lower() == "now":
        return timedelta(seconds=-1)
    negative, total = text.startswith("-"), 0
    for digits, letter in re.findall(r"([0-9]*)([^0-9]?)", text[negative:]):
        if digits or letter:
            total += number(digits) * _SECONDS.get(letter, _SECONDS[unit])
    total = min(total, _LONGEST_INTERVAL)
    return timedelta(seconds=-total if negative else total)


def interval_text(value: timedelta) -> str:
    """A time in whole seconds.  Raises EditError for a part of a second or less than none."""
    seconds = value.total_seconds()
    if seconds != int(seconds) or seconds < 0:
        raise EditError("sendmail's times are whole seconds, 0 or more")
    return f"{int(seconds)}s"


def _as_time(row: OptionRow, text: str) -> OptionValue:
    return interval(text, row.unit or "s")


def _as_words(row: OptionRow, text: str) -> OptionValue:
    return words(text)


def _as_choice(row: OptionRow, text: str) -> OptionValue:
    # One letter is enough for sendmail; the whole word is what a reader wants.
    return next((one for one in row.choices if text and one[0] == text[0]), text)


def _as_flags(row: OptionRow, text: str) -> OptionValue:
    if row.name in ("PrivacyOptions", "DontBlameSendmail"):
        return tuple(re.findall(r"[A-Za-z0-9]+", text))
    return tuple(word for word in re.split(r"[ \t\n\v\f\r,]+", text) if word)


def _as_names(row: OptionRow, text: str) -> OptionValue:
    return tuple(word.lstrip(" \t\n\v\f\r") for word in re.split(r"[,;]", text) if word)


#: The keys of a port option, by the letters that count.
_PORT_NAMES = {letter: row.name for row in PORT_KEYS for letter in row.letters}


def _as_ports(row: OptionRow, text: str) -> OptionValue:
    found: Dict[str, str] = {}
    for part in text.split(","):
        key, equals, value = part.lstrip(" \t\n\v\f\r").partition("=")
        if equals and key:
            found[_PORT_NAMES.get(key[0], key)] = value.lstrip(" \t\n\v\f\r")
    return found


_READ: Dict[str, Callable[[OptionRow, str], OptionValue]] = {
    "bool": _as_bool,
    "int": _as_int,
    "octal": _as_octal,
    "time": _as_time,
    "words": _as_words,
    "flags": _as_flags,
    "letters": _as_flags,
    "names": _as_names,
    "letter": _as_choice,
    "ports": _as_ports,
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
        text = interval_text(value)
    elif isinstance(value, int):
        text = f"{value:04o}" if row.kind == "octal" else str(value)
    elif isinstance(value, str):
        text = value
    elif isinstance(value, Mapping):
        text = _ports_text(row, value)
    else:
        separator = "," if row.kind in ("flags", "names") and row.name != "ResolverOptions" else " "
        parts = list(value)
        if any(not word or set(word) & set(" \t\n\v\f\r,;") for word in parts):
            raise EditError(f"a word of {row.name} is empty or holds a separator")
        text = separator.join(parts)
    problem = misread(row, text)
    if problem:
        raise EditError(f"{row.name}={text}: {problem}")
    return text


def _ports_text(row: OptionRow, value: Mapping[str, str]) -> str:
    if row.kind != "ports":
        raise EditError(f"{row.name} is not a list of keys and values")
    for key, part in value.items():
        if key not in _PORT_NAMES.values():
            raise EditError(
                f"{row.name} has no key {key}; known are {', '.join(one.name for one in PORT_KEYS)}"
            )
        if "," in part or part != part.strip(" \t\n\v\f\r"):
            raise EditError(f"{key} of {row.name}: a comma or a blank at an end would not stay in the value")
    return ", ".join(f"{key}={part}" for key, part in value.items())


def misread(row: OptionRow, text: str) -> Optional[str]:
    """What is wrong with a value: why sendmail would refuse it or take it for something else, or None."""
    kind, lower = row.kind, text.lower()
    if text[:1] == " ":
        return "sendmail drops the blank at its beginning"
    if kind == "suboptions":
        return f"set one of its suboptions, as in {row.name}.NAME"
    if kind in ("bool", "enum-or-bool"):
        spelled = [one.lower() for one in row.choices] or ["true", "false"]
        spelled += [one[0] for one in spelled if row.name == "SuperSafe"]
        if text and lower not in (*spelled, "yes", "no", "t", "f", "y", "n"):
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


def typed(row: OptionRow, text: str) -> OptionValue:
    """What sendmail makes of an option's text: bool, int, timedelta, the whole word of a choice, a tuple of words, the
    keys and values of a port; else the text itself."""
    return _READ.get(row.kind, _as_text)(row, text)


# Maps


@frozen(eq=False, repr=False)
class MapArguments(Record):
    """The arguments of a K line as sendmail splits them: flags, then one word, then the rest.

    flags: each by its letter, with the text glued to it (or, for flags that take a word, the word that follows).
    file: the file of a class that has one, or whatever the first word means to the class; None for none.
    rest: the words behind it; for the class regex the pattern, for sequence the members.
    """

    flags: Mapping[str, str]
    file: Optional[str]
    rest: Tuple[str, ...]


@cache
def map_class_row(name: str) -> Optional[MapClassRow]:
    """The row of a map class, by its name in lower case; None for a class that sendmail has not."""
    return next((row for row in MAP_CLASSES if row.name == name), None)


@cache
def _take_a_word(name: str) -> FrozenSet[str]:
    """The flags of a class whose text may be the next word."""
    row = map_class_row(name)
    return frozenset(flag.letter for flag in (row.flags if row else GENERIC) if flag.argument == WORD)


def map_arguments(node: KeyFile) -> MapArguments:
    """Split the arguments of a map declaration as its class does (map.c: one flag a word)."""
    return split_arguments(node.map_class, value_of(node.arguments))


def split_arguments(map_class: str, text: str) -> MapArguments:
    """The same for a text in which macros are expanded."""
    cls, row = map_class.lower(), map_class_row(map_class.lower())
    if cls == "sequence":
        return MapArguments({}, None, tuple(re.findall(r"[A-Za-z0-9][A-Za-z0-9_.]*", text)))
    given, rest = map_flags(cls, text)
    flags = {letter: argument for letter, argument in given[: 1 if row and row.one_flag else None] if letter}
    if cls == "regex":
        return MapArguments(flags, None, (rest,) if rest else ())
    left = words(rest)
    return MapArguments(flags, left[0] if left else None, left[1:])


def map_flags(map_class: str, text: str) -> Tuple[Sequence[Tuple[str, str]], str]:
    """The flags of a map declaration in their order, each with its text, and what follows them.

    A dash alone is a flag without a letter.
    """
    cls = map_class.lower()
    following = _take_a_word(cls)
    word = re.compile(r'(?:[^ \t\n\v\f\r"]|"[^"]*"?)+' if cls == "ldap" else r"[^ \t\n\v\f\r]+")
    flags = []
    at = _skip(text, 0)
    while text[at : at + 1] == "-":
        found = word.match(text, at)
        one = found.group() if found else ""
        letter, argument = one[1:2], one[2:]
        at = _skip(text, at + len(one))
        if letter and letter in following and not argument:
            found = word.match(text, at)
            argument = found.group() if found else ""
            at = _skip(text, at + len(argument))
        flags.append((letter, argument.replace('"', "") if cls == "ldap" else argument))
    return flags, text[at:]


def arguments_text(arguments: MapArguments) -> str:
    """The arguments of a map declaration as text, a blank between them."""
    spelled = [f"-{letter}{_quoted(text)}" for letter, text in arguments.flags.items()]
    return " ".join([*spelled, *([] if arguments.file is None else [arguments.file]), *arguments.rest])


def _quoted(text: str) -> str:
    """The text of a flag; quotes keep blanks together, where a class knows them."""
    return f'"{text}"' if _BLANKS.search(text) else text


def _skip(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


# Mailer fields


def field_text(raw: Optional[str]) -> str:
    """A field of a mailer, queue group or filter as sendmail stores it: without quotes and backslashes.

    White space before the comma that ends the field belongs to it.
    """
    return "".join(field_items(raw))


def field_items(raw: Optional[str]) -> List[Item]:
    """The same as pieces of text and symbols."""
    # A mark at the end keeps white space there from being taken for the end of the line.
    return [] if raw is None else unquoted(symbols(value_of(type(raw)(raw + "x"))[:-1]))


#: Bytes of a field; what follows is read as the next one.
MAX_FIELD_BYTES = 2047
_FIELD_START = re.compile(r"[, \t\n\v\f\r]*([^=,]?)[^=,]*(=?)[ \t\n\v\f\r]*", re.DOTALL)


def field_list(text: str) -> List[Tuple[str, Optional[str]]]:
    """The fields behind the name of a mailer, queue group or filter, of any text: the character of the key that counts
    and the text, or None where `=` is missing, behind which nothing is read.

    text: without inline comments (`value_of`).
    """
    # A dollar that begins a symbol is one byte, and so is a long name: characters that nothing else is.
    long: Dict[str, str] = {_SIGN: "$"}
    flat = ""
    for one in symbols(text):
        if not isinstance(one, Symbol):
            flat += one
            continue
        name = one.name
        if len(name) != 1:
            name = chr(ord(_SIGN) + len(long))
            long[name] = "{" + one.name + "}"
        flat += _SIGN + one.sign + name
    found: List[Tuple[str, Optional[str]]] = []
    at = 0
    while at < len(flat):
        start = _FIELD_START.match(flat, at)
        key = start.group(1) if start else ""
        if start is None or not start.group(2):
            found.append((key, None))
            break
        stored, at = _munched(flat, start.end())
        # A field without a key has its = in the place of one.
        found.append((key or "=", "".join(long.get(c, c) for c in stored)))
    return found


def _munched(flat: str, at: int) -> Tuple[str, int]:
    """A field as it is stored, and where reading it ended (munchstring of readcf.c)."""
    stored: List[str] = []
    left, protected, quoted = MAX_FIELD_BYTES, False, False
    while at < len(flat):
        c = flat[at]
        size = 1 if c >= _SIGN else len(c.encode("utf-8", "surrogateescape"))
        if size > left:
            break
        if protected:
            c, protected = _CONTROLS.get(c, c), False
        elif c == "\\":
            protected, c, size = True, "", 0
        elif c == '"':
            quoted, c, size = not quoted, "", 0
        elif c == "," and not quoted:
            break
        stored.append(c)
        left -= size
        at += 1
    return "".join(stored), at


_SIGN = chr(0x100000)
_CONTROLS = {"n": "\n", "r": "\r", "f": "\f", "b": "\b"}


def quoted_field(text: str) -> str:
    """The spelling of a field that sendmail stores as `text`."""
    spelled = re.sub(r'[\\"]', r"\\\g<0>", text)
    for control, letter in (("\n", "n"), ("\r", "r"), ("\f", "f"), ("\b", "b")):
        spelled = spelled.replace(control, "\\" + letter)
    needs = any(c in spelled for c in ",") or spelled != spelled.strip(" \t\v")
    return f'"{spelled}"' if needs else spelled
