"""MP: maps, and the sources that makemap makes them of.

The one thing to know: when it reads the file, sendmail looks at the class of a map and at its flags; it opens
no map.  What is wrong with a file is told at the first lookup, mail by mail.
"""

from __future__ import annotations

import difflib
import re
from typing import Iterator, List, Optional, Sequence, Tuple

from attrs import frozen

from ...expressions import Symbol, expand, found_symbols, symbols
from ...known.maps import MAP_CLASSES, MapClassRow
from ...nodes import BadLine, KeyFile, value_of
from ...references import MAP, Reference
from ...values import map_class_row, map_flags, split_arguments
from .. import posix
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"
_FAILS = "each lookup fails for now, and mail waits"
_SPACES = " \t\n\v\f\r"
#: Classes whose K line sendmail reads in the common way, so that it refuses flags that it does not know.
_COMMON = frozenset({
    "hash", "btree", "dbm", "cdb", "nis", "nisplus", "nsd", "hesiod", "netinfo", "bestmx", "text", "stab", "implicit",
    "user", "userdb", "program", "switch", "null", "socket",
})  # fmt: skip
_STRICT = frozenset({*_COMMON, "ldap", "ph", "syslog"})
_DNS_TYPES = frozenset(["A", "AAAA", "AFSDB", "CNAME", "DS", "MX", "NS", "PTR", "SRV", "TLSA", "TXT"])
_PRIORITIES = frozenset(["EMERG", "ALERT", "CRIT", "ERR", "WARNING", "NOTICE", "INFO", "DEBUG"])
_LDAP_VERSIONS = (2, 3)
_LDAP_TYPES = ("NORMAL", "DN", "FILTER", "URL")
_LDAP_WORDS = {
    "M": ("LDAP_AUTH_", ("none", "simple", "krbv4"), "how to bind"),
    "r": ("LDAP_DEREF_", ("never", "always", "search", "find"), "when to follow aliases"),
    "s": ("LDAP_SCOPE_", ("base", "one", "sub"), "the scope"),
}
_MAX_SUBSTRINGS = 31


@frozen
class _Declared:
    """What a K line says, with macros expanded.

    row: of the class, or None for one that this sendmail does not have.  symbols: those that stay in the arguments.
    """

    row: Optional[MapClassRow]
    text: str
    flags: Sequence[Tuple[str, str]]
    rest: str

    def flag(self, letter: str) -> Optional[str]:
        """The text of a flag, the last one of several; None where it is not given."""
        return next((text for one, text in reversed(self.flags) if one == letter), None)


def _declared(context: Context, node: KeyFile) -> _Declared:
    cls = node.map_class.lower()
    row = map_class_row(cls)
    if row is not None and context.settings.missing(row):
        row = None
    # A symbol that means something in rules only is one byte here, and no text.
    items = expand(symbols(value_of(node.arguments)), context.reading.macros.get)
    text = "".join("\x80" if isinstance(one, Symbol) else one for one in items)
    return _Declared(row, text, *map_flags(cls, text))


def _class_place(node: KeyFile) -> Tuple[int, int]:
    start = 1 + len((node.blank or "") + node.name + node.gap)
    return start, start + len(node.map_class)


def _arguments_place(node: KeyFile, part: str = "") -> Tuple[int, int]:
    """Where the arguments stand, or a part of them."""
    start, text = _class_place(node)[1] + len(node.space or ""), node.arguments or ""
    at = text.find(part) if part else -1
    return (start + at, start + at + len(part)) if at >= 0 else (start, start + len(text))


# The declaration.


def _unavailable(context: Context, node: KeyFile) -> Optional[str]:
    """Why there is no class of this name; "" where none has it; None where there is one, or a macro hides it."""
    if "$" in node.name + node.map_class:
        return None
    row = map_class_row(node.map_class.lower())
    return "" if row is None else context.settings.missing(row) or None


@rule("MP001", "map-class-unknown", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_class_unknown(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A K line declares a map of a class that does not exist.

    Bad:
        Kx hsah /etc/mail/x
    Good:
        Kx hash /etc/mail/x
    """
    if _unavailable(context, node) == "" and node.gap[0] in _SPACES:
        here = [one.name for one in MAP_CLASSES if not context.settings.missing(one)]
        near = difflib.get_close_matches(node.map_class.lower(), here, 1)
        message = f"no maps of class {node.map_class}"
        yield Found(index, message, *_class_place(node), hint=near[0] if near else None)


@rule("MP002", "map-class-build", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_class_build(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A K line declares a map of a class that this sendmail was not built with, or that its release lacks.

    Bad:
        Kx cdb /etc/mail/x
    Bad:
        Kx dbm /etc/mail/x
    Good (version 8.16; with CDB):
        Kx cdb /etc/mail/x
    """
    why = _unavailable(context, node)
    if why:
        yield Found(index, f"no maps of class {node.map_class}: {why}", *_class_place(node))


@rule("MP003", "map-no-file", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_no_file(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map of a class that needs a file, or the like, names none.

    The flags k and v take the next word, if nothing is glued to them.

    Bad:
        Kx hash
    Bad:
        Kx hash -k /etc/mail/x
    Good:
        Kx hash -o /etc/mail/x
    """
    row = map_class_row(node.map_class.lower())
    if row is None or row.name not in _COMMON or not row.file or "$" in node.name:
        return
    declared, old = _declared(context, node), context.reading.maps.get(node.name.lower())
    if declared.row is None or declared.rest or (old is not None and old.arguments.file):
        return
    eaten = [letter for letter, text in declared.flags if letter in "kv" and text[:1] == "/"]
    why = f": -{eaten[-1]} has taken it" if eaten else ""
    yield Found(index, f"the map {node.name} has no {row.file}{why}", *_arguments_place(node))


@rule("MP004", "map-flag-unknown", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_flag_unknown(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map is given a flag that its class does not have.

    Bad:
        Kx hash -Q /etc/mail/x
    Bad:
        Kx syslog -Q
    Good:
        Kx hash -q /etc/mail/x
    """
    if "-" not in (node.arguments or "") or node.map_class.lower() not in _STRICT:
        return
    declared = _declared(context, node)
    if declared.row is not None:
        known = {flag.letter for flag in declared.row.flags}
        bad = next((letter for letter, _ in declared.flags if letter not in known), None)
        if bad is not None:
            message = (
                f"maps of class {declared.row.name} have no flag -{bad}" if bad else "a dash without a flag"
            )
            yield Found(index, message, *_arguments_place(node, "-" + bad))


@rule("MP005", "map-flag-ignored", Severity.WARNING, KeyFile)
def map_flag_ignored(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map is given a flag that its class does not have, and sendmail says nothing of it.

    Bad:
        Kx dequote -Q
    Bad:
        Kx dns -R MX -Q
    Good:
        Kx dns -R MX -q
    """
    if "-" not in (node.arguments or "") or node.map_class.lower() in {*_STRICT, "sequence"}:
        return
    declared = _declared(context, node)
    if declared.row is not None:
        known = {flag.letter for flag in declared.row.flags}
        for letter, _ in declared.flags[: 1 if declared.row.one_flag else None]:
            if letter not in known:
                message = f"maps of class {declared.row.name} have no flag -{letter}"
                yield Found(index, message, *_arguments_place(node, "-" + letter))


@rule("MP006", "map-flags-glued", Severity.WARNING, KeyFile)
def map_flags_glued(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """Several flags of a map stand in one word.

    Only the first letter of a word is a flag.

    Bad:
        Kx hash -of /etc/mail/x
    Good:
        Kx hash -o -f /etc/mail/x
    """
    if "-" not in (node.arguments or ""):
        return
    declared = _declared(context, node)
    if declared.row is not None and declared.row.name != "sequence":
        plain = {flag.letter for flag in declared.row.flags if not flag.argument and flag.letter != "S"}
        for letter, text in declared.flags:
            if text and letter in plain:
                message = f"sendmail ignores {text!r} behind the flag -{letter}"
                yield Found(index, message, *_arguments_place(node, f"-{letter}{text}"))


@rule("MP007", "map-flag-eats-file", Severity.WARNING, KeyFile)
def map_flag_eats_file(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A word stands between the flags of a map and its file.

    It is taken for the file, and what follows is ignored.  The text of -a, -T and -d is glued to the letter.

    Bad:
        Kx hash -a .found /etc/mail/x
    Good:
        Kx hash -a.found /etc/mail/x
    """
    row = map_class_row(node.map_class.lower())
    if row is None or row.name not in _COMMON or row.file != "file":
        return
    file, _, rest = _declared(context, node).rest.partition(" ")
    if rest.strip(_SPACES) and re.search(r"(?:^|[ \t])/", rest):
        yield Found(index, f"{file!r} is taken for the file of the map", *_arguments_place(node, file))


@rule("MP008", "map-second-flag-ignored", Severity.WARNING, KeyFile)
def map_second_flag_ignored(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map of a class that reads one word of flags is given more.

    Bad:
        Kx dequote -s_ -a.found
    Good:
        Kx dequote -s_
    """
    row = map_class_row(node.map_class.lower())
    if row is not None and row.one_flag:
        flags = _declared(context, node).flags
        if len(flags) > 1:
            letter, text = flags[1]
            message = f"maps of class {row.name} read one flag: -{letter}{text} is ignored"
            yield Found(index, message, *_arguments_place(node, f"-{letter}{text}"))


@rule("MP009", "map-name-dash", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_name_dash(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The name of a map ends earlier than it seems.

    A name has letters, digits, dots and underscores; what ends it is dropped, and the class begins behind it.

    Bad:
        Kfoo-bar hash /etc/mail/x
    Good:
        Kfoo_bar hash /etc/mail/x
    """
    if _unavailable(context, node) == "" and node.gap[0] not in _SPACES:
        message = f"the name ends before {node.gap[0]!r}: this is a map {node.name} of class {node.map_class}"
        yield Found(index, message, 1, _class_place(node)[1])


@rule("MP013", "map-duplicate", Severity.WARNING, KeyFile)
def map_duplicate(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map is declared twice.

    Its class and file are those of the last line, but flags of the first stay set.

    Bad:
        Kx hash -o /etc/mail/x
        KX hash /etc/mail/y
    Good:
        Kx hash -o /etc/mail/x
        Ky hash /etc/mail/y
    """
    if node.name.lower() in context.reading.maps:
        start = 1 + len(node.blank or "")
        yield Found(index, f"there is a map {node.name} already", start, start + len(node.name))


@rule("MP018", "map-text-columns", Severity.ERROR, KeyFile, consequence=_FAILS)
def map_text_columns(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A column of a text map is no number.

    Bad:
        Kx text -k name -v 1 /etc/mail/x
    Good:
        Kx text -k 0 -v 1 /etc/mail/x
    """
    if node.map_class.lower() == "text":
        declared = _declared(context, node)
        for letter in "kv":
            text = declared.flag(letter)
            if text is not None and not re.match("[0-9]", text):
                yield Found(
                    index, f"-{letter} takes the number of a column, from 0", *_arguments_place(node, text)
                )


@rule("MP031", "map-text-path", Severity.ERROR, KeyFile, consequence=_FAILS)
def map_text_path(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The file of a text map is not named by a whole path.

    Bad:
        Kx text x
    Good:
        Kx text /etc/mail/x
    """
    if node.map_class.lower() == "text":
        file = _declared(context, node).rest.partition(" ")[0]
        if file and file[0] != "/":
            yield Found(index, f"{file!r} is no whole path", *_arguments_place(node, file))


@rule("MP019", "map-sequence-member", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_sequence_member(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map of the class sequence names a map that no line above declares.

    It has no flags: the letter of one would be the name of a map.

    Bad:
        Ky sequence x
        Kx hash /etc/mail/x
    Good:
        Kx hash /etc/mail/x
        Ky sequence x
    """
    if node.map_class.lower() != "sequence":
        return
    maps = context.reading.maps
    names = [*maps, node.name.lower()]
    for member in split_arguments("sequence", _declared(context, node).text).rest:
        if member.lower() not in names:
            near = difflib.get_close_matches(member.lower(), maps, 1)
            message = f"no line above declares a map {member}"
            yield Found(index, message, *_arguments_place(node, member), hint=near[0] if near else None)


@rule("MP020", "map-dns-type", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_dns_type(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map of the class dns has no type of record, or one that sendmail does not know.

    Bad:
        Kx dns
    Bad:
        Kx dns -R ANY
    Good:
        Kx dns -R MX
    """
    if node.map_class.lower() != "dns":
        return
    declared = _declared(context, node)
    if declared.row is None:
        return
    # Only a blank ends the type.
    given = re.findall(r"(?:^|[ \t])-R[ \t]*([^ ]*)", declared.text) if declared.flag("R") is not None else []
    bad = next((one for one in given if one.upper() not in _DNS_TYPES), None)
    if bad:
        known = ", ".join(sorted(_DNS_TYPES))
        yield Found(index, f"no type of record {bad!r}: there are {known}", *_arguments_place(node, bad))
    elif not given or bad == "":
        yield Found(index, "-R, the type of record, is missing", *_arguments_place(node))


@rule("MP021", "map-regex", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_regex(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The regular expression of a map is none, or has fewer groups than are asked for.

    Bad:
        Kx regex -a@MATCH ^(a|b
    Bad:
        Kx regex -s2 ^(a)
    Good:
        Kx regex -s1 ^(a|b)
    """
    if node.map_class.lower() != "regex":
        return
    declared = _declared(context, node)
    if declared.row is None:
        return
    try:
        count = posix.groups(declared.rest, basic=declared.flag("b") is not None)
    except posix.RegexError as error:
        yield Found(index, f"the regular expression: {error}", *_arguments_place(node, declared.rest))
        return
    wanted = declared.flag("s")
    if wanted is None:
        return
    if count >= _MAX_SUBSTRINGS:
        yield Found(index, f"{count} groups: {_MAX_SUBSTRINGS - 1} is the most", *_arguments_place(node))
    elif wanted:
        for one in wanted.split(","):
            found = re.match(r"[+-]?[0-9]+", one)
            number = int(found.group()) if found else 0
            if not 0 <= number <= count:
                message = f"-s asks for group {number}, and there are {count}"
                yield Found(index, message, *_arguments_place(node, "-s" + wanted))
                return


@rule("MP030", "map-regex-dollar", Severity.WARNING, KeyFile)
def map_regex_dollar(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A dollar in a regular expression is taken for the beginning of a macro.

    One that is not the last character of the line is written twice.

    Bad:
        Kx regex -a@MATCH ^(a$|b)
    Good:
        Kx regex -a@MATCH ^(a$$|b)$
    """
    if node.map_class.lower() == "regex" and "$" in (node.arguments or ""):
        start, _ = _arguments_place(node)
        for at, symbol, name in found_symbols(value_of(node.arguments)):
            if not (symbol.is_macro and name in context.reading.macros):
                yield Found(index, f"{symbol} is taken for a symbol of sendmail.cf", start + at - 1)
                return


# LDAP and syslog.


def _ldap(context: Context, node: KeyFile) -> Optional[_Declared]:
    """What an ldap map says; None for other maps, and behind a LDAPDefaultSpec, which all of them inherit."""
    if node.map_class.lower() != "ldap" or "LDAPDefaultSpec" in context.cf.options:
        return None
    declared = _declared(context, node)
    return None if declared.row is None else declared


@rule("MP025", "map-ldap-filter", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_filter(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """An ldap map has no filter.

    Bad:
        Kx ldap -h ldap.example.com
    Good:
        Kx ldap -h ldap.example.com -k (uid=%0)
    """
    declared = _ldap(context, node)
    if declared is not None and declared.flag("k") is None:
        yield Found(
            index, f"the map {node.name} has no -k, the filter of its searches", *_arguments_place(node)
        )


@rule("MP026", "map-ldap-server", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_server(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """An ldap map names its server both as a host and as a URI.

    Bad:
        Kx ldap -h ldap.example.com -H ldap://ldap.example.com -k (uid=%0)
    Good:
        Kx ldap -H ldap://ldap.example.com -k (uid=%0)
    """
    declared = _ldap(context, node)
    if declared is not None and declared.flag("h") is not None and declared.flag("H") is not None:
        yield Found(index, "-h and -H exclude each other", *_arguments_place(node))


@rule("MP027", "map-ldap-value", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_value(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A flag of an ldap map has a value that sendmail does not know.

    Bad:
        Kx ldap -k (uid=%0) -M plain
    Bad:
        Kx ldap -k (uid=%0) -w 9
    Good:
        Kx ldap -k (uid=%0) -M simple -s sub -w 3
    """
    declared = _ldap(context, node)
    for letter, text in declared.flags if declared is not None else ():
        if letter == "w":
            found = re.match(r"[+-]?[0-9]+", text)
            if not _LDAP_VERSIONS[0] <= (int(found.group()) if found else 0) <= _LDAP_VERSIONS[1]:
                yield Found(index, f"-w, the version, is 2 or 3, not {text!r}", *_arguments_place(node, text))
                return
        elif letter in _LDAP_WORDS:
            prefix, known, what = _LDAP_WORDS[letter]
            word = text[len(prefix) :] if text[: len(prefix)].upper() == prefix else text
            if word.lower() not in known:
                message = f"-{letter}, {what}, is one of {', '.join(known)}, not {text!r}"
                yield Found(index, message, *_arguments_place(node, text))
                return


@rule("MP028", "map-ldap-attribute", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_attribute(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """An attribute of an ldap map has an unknown type, or is given twice.

    Bad:
        Kx ldap -k (uid=%0) -v mail:TEXT
    Bad:
        Kx ldap -k (uid=%0) -v mail,mail
    Good:
        Kx ldap -k (uid=%0) -v mail:NORMAL,uid
    """
    declared = _ldap(context, node)
    text = declared.flag("v") if declared is not None else None
    seen: List[str] = []
    for one in (text or "").split(","):
        name, _, more = one.partition(":")
        kind = more.partition(":")[0]
        if kind and kind.upper() not in _LDAP_TYPES:
            message = f"the type of an attribute is one of {', '.join(_LDAP_TYPES)}, not {kind!r}"
            yield Found(index, message, *_arguments_place(node, one))
            return
        if name and name.lower() in seen:
            yield Found(index, f"the attribute {name} is given twice", *_arguments_place(node, one))
            return
        seen.append(name.lower())


@rule("MP029", "map-syslog-priority", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_syslog_priority(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map of the class syslog has a priority that does not exist.

    Bad:
        Kx syslog -L URGENT
    Good:
        Kx syslog -L NOTICE
    """
    if node.map_class.lower() != "syslog":
        return
    for letter, text in _declared(context, node).flags:
        if letter == "L" and text:
            word = text[4:] if text[:4].upper() == "LOG_" else text
            if word.upper() not in _PRIORITIES:
                known = ", ".join(sorted(_PRIORITIES))
                yield Found(index, f"no priority {text!r}: there are {known}", *_arguments_place(node, text))


@rule("MP023", "map-no-name", Severity.ERROR, bad="K", reported="E", consequence=_DEAD)
def map_no_name(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A K line names no map.

    Bad:
        K_x hash /etc/mail/x
    Good:
        Kx hash /etc/mail/x
    """
    if not _begins_a_name(context, node):
        yield Found(index, "the K line has no name: one begins with a letter or a digit")


@rule("MP024", "map-no-class", Severity.ERROR, bad="K", reported="E", consequence=_DEAD)
def map_no_class(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A K line gives its map no class.

    Bad:
        Kx
    Good:
        Kx hash /etc/mail/x
    """
    if _begins_a_name(context, node):
        yield Found(index, "the map has no class")


def _begins_a_name(context: Context, node: BadLine) -> bool:
    items = expand(symbols(value_of(node.text[1:].partition("\0")[0])), context.reading.macros.get)
    return re.match(r"[ \t\n\v\f\r]*[A-Za-z0-9]", "".join(items)) is not None


# Names.

#: Maps that are there without a K line.
_BUILT_IN = frozenset({"host", "aliases"})


@rule(
    "MP010",
    "map-name-dot",
    Severity.ERROR,
    consequence="sendmail finds no such map, and takes nothing as found",
)
def map_name_dot(context: Context) -> Iterator[Found]:
    """A rule asks a map whose name has a dot.

    A rule is cut into words at dots, so that its lookup asks another map, of the name before the dot.

    Bad:
        Ka.b hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(a.b $1 $)
    Good:
        Ka_b hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(a_b $1 $)
    """
    for use, name in _asked(context):
        if "." in name and name.lower() in context.definitions(MAP):
            message = f"a rule cannot name the map {name}: this asks {use.name}"
            yield Found(use.index, message, use.start, use.start + len(name))


def _asked(context: Context) -> Iterator[Tuple[Reference, str]]:
    """Where a rule asks a map, and the name as it is written, with what sendmail cuts off at a dot."""
    for uses in context.uses(MAP).values():
        for use in uses:
            text = context.cf.text(use.index)
            found = re.compile(r"[A-Za-z0-9_.]+").match(text, use.start)
            if text[:1] == "R" and found:
                yield use, found.group()


@rule("MP011", "map-undefined", Severity.ERROR, consequence="sendmail takes nothing as found")
def map_undefined(context: Context) -> Iterator[Found]:
    """A rule asks a map that no K line declares.

    Bad:
        Sfoo
        R$*<TAB>$: $(nomap $1 $: none $)
    Good:
        Knomap hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(nomap $1 $: none $)
    """
    known = context.definitions(MAP)
    if any("$" in name for name in known):
        return
    for use, written in _asked(context):
        name = use.name.lower()
        if not {name, written.lower()} & {*known, *_BUILT_IN}:
            near = difflib.get_close_matches(name, known, 1)
            message = f"there is no map {use.name}"
            yield Found(use.index, message, use.start, use.end, hint=near[0] if near else None)


@rule("MP012", "map-unused", Severity.INFO)
def map_unused(context: Context) -> Iterator[Found]:
    """Nothing asks a map.

    Bad:
        Kx hash /etc/mail/x
    Good:
        Kx hash /etc/mail/x
        Sfoo
        R$*<TAB>$: $(x $1 $)
    """
    uses = context.uses(MAP)
    for name, defined in context.definitions(MAP).items():
        if name not in uses and name not in _BUILT_IN and "." not in name:
            first = defined[0]
            yield Found(first.index, f"nothing asks the map {first.name}", first.start, first.end)
