"""MP: maps, and the sources that makemap makes them of.

The one thing to know: when it reads the file, sendmail looks at the class of a map and at its flags; it opens
no map.  What is wrong with a file is told at the first lookup, mail by mail.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Sequence, Set, Tuple

from attrs import frozen

from ...authinfo import (
    LINE_BYTES,
    AuthInfoEntry,
    MapEntry,
    SourceBadLine,
    SourceBlank,
    SourceComment,
    SourceLine,
)
from ...errors import MapError
from ...expressions import Symbol, expand, found_symbols, symbols
from ...known.maps import MAP_CLASSES, MapClassRow
from ...nodes import BadLine, KeyFile, Line, value_of
from ...record import Record
from ...references import MAP, Reference
from ...text import encode, nearest, short_number, stored
from ...values import map_class_row, map_flags, split_arguments
from ..context import Context
from ..documents import ACCESS, NAMED_SOURCES
from ..documents import MAP as MAP_SOURCE
from ..problem import Severity
from ..rule import Found, rule

if TYPE_CHECKING:
    from ...relay.host import Facts

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
#: Bytes of a K line; the rest is cut off silently.
_MAX_BYTES = 2047
_MAX_ATTRIBUTES = 64


_ENTRIES = (MapEntry, AuthInfoEntry, SourceComment, SourceBadLine)
#: Sources whose values are no free text.
_TABLES = ("mailertable", "virtusertable", "genericstable", "domaintable")
#: The words before the colon of a key of access, as stock files look for them.
_TAGS = {one.lower(): one for one in (
    "AuthInfo", "CertIssuer", "CertSubject", "ClientConn", "ClientRate", "Clt_Features", "Compat", "Connect", "From",
    "GreetPause", "IPv6", "QGRP", "Spam", "Srv_Features", "TLS_Clt", "TLS_Clt_features", "TLS_Rcpt", "TLS_Srv",
    "TLS_Srv_features", "To", "Try_TLS",
)}  # fmt: skip
_ACTIONS = frozenset({
    "OK", "RELAY", "REJECT", "DISCARD", "SKIP", "FRIEND", "HATER", "SUBJECT", "YES", "NO", "SUBDOMAIN", "QUARANTINE",
})  # fmt: skip
#: All kinds of files that makemap reads.
_SOURCES = (*NAMED_SOURCES, MAP_SOURCE)


@frozen(eq=False, repr=False)
class _Declared(Record):
    """What a K line says, with macros expanded.

    row: of the class, or None for one that this sendmail does not have.  text: the arguments.  flags, rest: the same,
    split.
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
    if len(text) + len(node.space or "") > _MAX_BYTES // 5:
        # The whole line is cut.
        begin = encode((node.blank or "") + node.name + node.gap + node.map_class + (node.space or ""))
        text = encode(text)[: max(_MAX_BYTES - len(begin), 0)].decode("utf-8", "surrogateescape")
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


def _unavailable(context: Context, node: KeyFile) -> Tuple[str, Optional[str]]:
    """The class of a map, and why there is none of this name: "" where nobody has it, None where there is one."""
    real = context.reading.expanded_map(node)
    if not isinstance(real, KeyFile):
        return "", None
    row = map_class_row(real.map_class.lower())
    return real.map_class, "" if row is None else context.settings.missing(row) or None


@rule("MP001", "map-class-unknown", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_class_unknown(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A K line declares a map of a class that does not exist.

    Bad:
        Kx hsah /etc/mail/x
    Good:
        Kx hash /etc/mail/x
    """
    name, why = _unavailable(context, node)
    if why == "" and node.gap[0] in _SPACES:
        here = [one.name for one in MAP_CLASSES if not context.settings.missing(one)]
        near = nearest(name.lower(), here)
        message = f"no maps of class {name}"
        yield Found(index, message, *_class_place(node), hint=near)


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
    name, why = _unavailable(context, node)
    if why:
        yield Found(index, f"no maps of class {name}: {why}", *_class_place(node))


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
    if "$" in node.name + node.map_class:
        real = context.reading.expanded_map(node)
        if not isinstance(real, KeyFile):
            return
        node = real
    row = map_class_row(node.map_class.lower())
    if row is None or row.name not in _COMMON or not row.file:
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
    if _unavailable(context, node)[1] == "" and node.gap[0] not in _SPACES:
        message = f"the name ends before {node.gap[0]!r}: this is a map {node.name} of class {node.map_class}"
        yield Found(index, message, 1, _class_place(node)[1])


@rule("MP013", "map-duplicate", Severity.WARNING, KeyFile)
def map_duplicate(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map is declared twice.

    Its class and file are those of the last line, but flags of the first stay set.  A line that says the same again is
    harmless.

    Bad:
        Kx hash -o /etc/mail/x
        KX hash /etc/mail/y
    Good:
        Kx hash -o /etc/mail/x
        Ky hash /etc/mail/y
    """
    old = context.reading.maps.get(node.name.lower())
    if old is None:
        return
    same = old.cls == node.map_class.lower() and old.arguments == split_arguments(
        node.map_class, _declared(context, node).text
    )
    if not same:
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
    real = context.reading.expanded_map(node) if "$" in node.name else node
    names = [*maps, real.name.lower() if isinstance(real, KeyFile) else ""]
    for member in split_arguments("sequence", _declared(context, node).text).rest:
        if member.lower() not in names:
            near = nearest(member.lower(), maps)
            message = f"no line above declares a map {member}"
            yield Found(index, message, *_arguments_place(node, member), hint=near)


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
    from .. import posix

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
            group = short_number(one)
            if not 0 <= group <= count:
                message = f"-s asks for group {group}, and there are {count}"
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
    """What an ldap map says; None for other maps."""
    if node.map_class.lower() != "ldap":
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
    if declared is None:
        return
    given = {letter for letter, _ in declared.flags}
    if given.isdisjoint("hH"):
        return
    # A map begins with what the last LDAPDefaultSpec above it says.
    above = [one.value for one in context.options.get("LDAPDefaultSpec", ()) if one.index < index]
    given.update(letter for letter, _ in (map_flags("ldap", above[-1])[0] if above else ()))
    if {"h", "H"} <= given:
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
            if not _LDAP_VERSIONS[0] <= short_number(text) <= _LDAP_VERSIONS[1]:
                yield Found(index, f"-w, the version, is 2 or 3, not {text!r}", *_arguments_place(node, text))
                return
        elif letter in _LDAP_WORDS:
            prefix, known, what = _LDAP_WORDS[letter]
            word = text[len(prefix) :] if text[: len(prefix)].upper() == prefix else text
            # The beginning decides, and quotes are not removed here.
            quoted = re.search(rf'-{letter}[{_SPACES}]*"', declared.text) if declared is not None else None
            if quoted or not word.lower().startswith(known):
                message = f"-{letter}, {what}, is one of {', '.join(known)}, not {text!r}"
                yield Found(index, message, *_arguments_place(node, text))
                return


@rule("MP028", "map-ldap-attribute", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_attribute(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """An attribute of an ldap map has an unknown type, or is given twice, or none is of type NORMAL.

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
    kinds: Set[str] = set()
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
        if one:
            kinds.add(kind.upper() or "NORMAL")
        if name:
            seen.append(name.lower())
        if len(seen) >= _MAX_ATTRIBUTES:
            yield Found(index, f"{_MAX_ATTRIBUTES - 1} attributes are the most", *_arguments_place(node, one))
            return
    if kinds and "NORMAL" not in kinds:
        message = "each attribute is searched on, and none of type NORMAL can be returned"
        yield Found(index, message, *_arguments_place(node, text or ""))


@rule("MP032", "map-ldap-secret", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_ldap_secret(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The file of an ldap map's password cannot be read, or others may write into it.

    It is read at once, unless the map binds with -M none or krbv4.

    Bad:
        Kx ldap -k (uid=%0) -P
    Bad:
        --- /etc/mail/sendmail.cf
        Kx ldap -k (uid=%0) -P /etc/mail/ldap-secret
    Good:
        --- /etc/mail/sendmail.cf
        Kx ldap -k (uid=%0) -P /etc/mail/ldap-secret
        --- /etc/mail/ldap-secret
        invented
    """
    if "-P" not in (node.arguments or ""):
        return
    declared = _ldap(context, node)
    path = declared.flag("P") if declared is not None else None
    if declared is None or path is None:
        return
    word = (declared.flag("M") or "simple").lower()
    if not word.removeprefix("ldap_auth_").startswith("simple"):
        return
    place = _arguments_place(node, "-P")
    facts = context.file(path) if path else None
    if not path:
        yield Found(index, "-P names no file", *place)
    elif facts is None:
        return
    elif path[0] != "/":
        yield Found(index, f"{path} is looked for in the directory where sendmail is started", *place)
    elif facts.missing:
        yield Found(index, f"there is no file {path}", *place)
    elif facts.judged and facts.data is not None and facts.mode & 0o022:
        yield Found(index, f"others may write into {path}", *place)


@rule("MP033", "map-ldap-defaults", Severity.ERROR, reported="E", consequence=_DEAD)
def map_ldap_defaults(context: Context) -> Iterator[Found]:
    """LDAPDefaultSpec has a flag that an ldap map does not have, or that belongs to one map.

    It says where the server is and how to ask it, not what to ask.

    Bad:
        O LDAPDefaultSpec=-h ldap.example.com -k (uid=%0)
    Bad:
        O LDAPDefaultSpec=-h ldap.example.com -o
    Bad:
        O LDAPDefaultSpec=-h ldap.example.com -M plain
    Good:
        O LDAPDefaultSpec=-h ldap.example.com -b dc=example,dc=com
        Kx ldap -k (uid=%0)
    """
    for one in context.options.get("LDAPDefaultSpec", ()):
        node = KeyFile(name="{ldap}", map_class="ldap", arguments=one.value.strip(_SPACES) or None)
        flags = [letter for letter, _ in map_flags("ldap", one.value)[0]]
        why = next((f"-{letter} belongs to one map" for letter in flags if letter in _OF_ONE_MAP), "")
        why = why or ("-h and -H exclude each other" if {"h", "H"} <= set(flags) else "")
        for check in (map_flag_unknown, map_ldap_value, map_ldap_secret):
            why = why or next((told.message for told in check(context, one.index, node)), "")
        if why:
            yield Found(one.index, f"LDAPDefaultSpec: {why}", *one.place())


#: The flags of an ldap map that are not of LDAP, and what is asked for.
_OF_ONE_MAP = frozenset("1AaDfmNOoqSTtkv")


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


@rule("MP024", "map-no-class", Severity.ERROR, KeyFile, bad="K", reported="E", consequence=_DEAD)
def map_no_class(context: Context, index: int, node: Line) -> Iterator[Found]:
    """A K line gives its map no class.

    Bad:
        Kx
    Good:
        Kx hash /etc/mail/x
    """
    if isinstance(node, BadLine):
        found = _begins_a_name(context, node)
    else:
        found = isinstance(node, KeyFile) and (
            # One byte is taken for the gap behind the name.
            (node.gap[0] > "\x7f" and len(stored(node.gap[0])) > 1)
            or (
                "$" in node.name + node.map_class
                and not isinstance(context.reading.expanded_map(node), KeyFile)
            )
        )
    if found:
        yield Found(index, "the map has no class")


def _begins_a_name(context: Context, node: BadLine) -> bool:
    items = expand(symbols(value_of(node.text[1:].partition("\0")[0])), context.reading.macros.get)
    return re.match(r"[ \t\n\v\f\r]*[A-Za-z0-9]", "".join(items)) is not None


#: Maps that are there without a K line.
_BUILT_IN = frozenset({"host", "aliases"})


# Database files, where it is known what the host has.

#: Larger sources are not compared with their databases.
_COMPARED_BYTES = 1 << 22


def _database(context: Context, node: KeyFile) -> Optional[Tuple[_Declared, str, Facts]]:
    """What a K line says, the whole path of its file, and what is known of the database; None without facts."""
    row = map_class_row(node.map_class.lower())
    if row is None or row.name not in ("hash", "btree", "cdb", "text", "stab") or context.facts is None:
        return None
    declared = _declared(context, node)
    file = declared.rest.partition(" ")[0]
    if declared.row is None or file[:1] != "/":
        return None
    suffix = row.suffixes[0] if row.suffixes else ""
    facts = context.file(file if file.endswith(suffix) else file + suffix)
    return None if facts is None else (declared, file, facts)


def _pairs(facts: Facts) -> Optional[Dict[bytes, bytes]]:
    """What a database holds, without the NULs that may end keys and values; None for one that cannot be read."""
    from ...mapdb import load  # only where there is a database to read

    try:
        return {key.rstrip(b"\0"): value.rstrip(b"\0") for key, value in load(facts.data or b"").items()}
    except MapError:
        return None


@rule("MP014", "map-missing-file", Severity.WARNING, KeyFile, consequence=_FAILS)
def map_missing_file(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The file of a map is not there, and the map is not optional.

    Bad:
        --- /etc/mail/sendmail.cf
        Kx hash /etc/mail/x
        --- /etc/mail/x
        a b
    Good:
        --- /etc/mail/sendmail.cf
        Kx hash -o /etc/mail/x
        --- /etc/mail/x
        a b
    """
    found = _database(context, node)
    if found is not None:
        declared, file, facts = found
        if facts.missing and declared.flag("o") is None and not _suffixed(context, node, file):
            yield Found(index, f"{facts.path} is not there", *_arguments_place(node, file))


def _suffixed(context: Context, node: KeyFile, file: str) -> Optional[str]:
    """The file without its ending, where the database is there under that name."""
    stem, dot, ending = file.rpartition(".")
    if not dot or "/" in ending or ending == "db":
        return None
    facts = context.file(f"{stem}.db")
    return stem if facts is not None and not facts.missing else None


@rule("MP016", "map-suffix", Severity.WARNING, KeyFile, consequence=_FAILS)
def map_suffix(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A map names its source, and the database has another name.

    The name of the database is the whole name in the K line, and .db behind it.

    Bad:
        --- /etc/mail/sendmail.cf
        Kx hash /etc/mail/x.txt
        --- /etc/mail/x.db
        not looked into
    Good:
        --- /etc/mail/sendmail.cf
        Kx hash -o /etc/mail/x
        --- /etc/mail/y
        a b
    """
    found = _database(context, node) if node.map_class.lower() in ("hash", "btree") else None
    if found is not None:
        _, file, facts = found
        stem = _suffixed(context, node, file) if facts.missing else None
        if stem:
            yield Found(index, f"{facts.path} is not there", *_arguments_place(node, file), hint=stem)


@rule("MP017", "map-type-mismatch", Severity.ERROR, KeyFile, consequence=_FAILS)
def map_type_mismatch(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """The file of a map is a database of another class, or none.

    Bad:
        --- /etc/mail/sendmail.cf
        Kx hash /etc/mail/x
        --- /etc/mail/x.db
        this is text
    Good:
        --- /etc/mail/sendmail.cf
        Kx text /etc/mail/x
        --- /etc/mail/x
        this is text
    """
    found = _database(context, node) if node.map_class.lower() in ("hash", "btree") else None
    if found is not None and found[2].data is not None:
        from ...mapdb import HEAD_BYTES, kind  # only where there is a database to read

        try:
            real = kind(found[2].data[:HEAD_BYTES])[0]
        except MapError as error:
            yield Found(index, f"{found[2].path}: {error}", *_class_place(node))
            return
        # Both formats of hash files are of one class: which of them a host reads is a matter of its library.
        if real.replace("hash185", "hash") != node.map_class.lower():
            yield Found(index, f"{found[2].path} is a {real} database", *_class_place(node), hint=real)


@rule(
    "MP015", "map-stale", Severity.WARNING, kinds=_SOURCES, consequence="sendmail uses what the database has"
)
def map_stale(context: Context) -> Iterator[Found]:
    """The database of a source holds something else than the source.

    Bad:
        --- /etc/mail/sendmail.cf
        Kmailertable hash /etc/mail/mailertable
        --- /etc/mail/mailertable
        example.org local:new
        --- /etc/mail/mailertable.db made=hash
        example.org local:old
    Good:
        --- /etc/mail/sendmail.cf
        Kmailertable hash -o /etc/mail/mailertable
        --- /etc/mail/mailertable
        example.org local:new
    """
    node = context.declaration
    found = _database(context, node) if node is not None and context.config is not None else None
    if found is None or node is None or found[2].data is None:
        return
    data = bytes(context.document)
    held = _pairs(found[2]) if len(data) <= _COMPARED_BYTES else None
    from ...makemap import read

    if held is None or any(dict(read(data, fold=fold).pairs) == held for fold in (True, False)):
        return
    made = dict(read(data, fold=True).pairs)
    folded = {key.lower(): value for key, value in held.items()}
    count = sum(folded.get(key) != value for key, value in made.items()) + len(set(folded) - set(made))
    if count:
        yield Found(None, f"{count} entries differ from those in {found[2].path}: run makemap")


@rule("MP022", "map-fold", Severity.WARNING, KeyFile, consequence="these entries are never found")
def map_fold(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A database has keys with capitals, and the map folds what it looks for.

    makemap -f and the flag f of the map belong together.

    Bad:
        --- /etc/mail/sendmail.cf
        Kx hash /etc/mail/x
        --- /etc/mail/x.db made=hash
        Example b
    Good:
        --- /etc/mail/sendmail.cf
        Kx hash -f -o /etc/mail/x
        --- /etc/mail/y
        a b
    """
    found = _database(context, node) if node.map_class.lower() == "hash" else None
    if found is None or found[2].data is None or found[0].flag("f") is not None:
        return
    held = _pairs(found[2]) if len(found[2].data) <= 4 * _COMPARED_BYTES else None
    count = sum(key != key.lower() for key in held or ())
    if count:
        message = f"{count} keys of {found[2].path} have capitals, and the map is without -f"
        yield Found(index, message, *_arguments_place(node))


# Names.


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
    for use, name in context.once(_asked):
        if "." in name and name.lower() in context.definitions(MAP):
            message = f"a rule cannot name the map {name}: this asks {use.name}"
            yield Found(use.index, message, use.start, use.start + len(name))


_WRITTEN = re.compile(r"[A-Za-z0-9_.]+")


def _asked(context: Context) -> List[Tuple[Reference, str]]:
    """Where a rule asks a map, and the name as it is written, with what sendmail cuts off at a dot."""
    asked, cf = [], context.cf
    for uses in context.uses(MAP).values():
        for use in uses:
            text = cf.text(use.index)
            found = _WRITTEN.match(text, use.start)
            if text[:1] == "R" and found:
                asked.append((use, found.group()))
    return asked


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
    for use, written in context.once(_asked):
        name = use.name.lower()
        if not {name, written.lower()} & {*known, *_BUILT_IN}:
            near = nearest(name, known)
            message = f"there is no map {use.name}"
            yield Found(use.index, message, use.start, use.end, hint=near)


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
    uses, defined = context.uses(MAP), context.definitions(MAP)
    for name in defined:
        if name not in uses and name not in _BUILT_IN and "." not in name:
            first = defined[name][0]
            yield Found(first.index, f"nothing asks the map {first.name}", first.start, first.end)


# Sources.


def _made_by_makemap(context: Context) -> bool:
    node = context.declaration
    row = map_class_row(node.map_class.lower()) if node is not None else None
    return row is None or row.makemap or row.name == "implicit"


@rule(
    "MP040", "source-leading-blank", Severity.ERROR, SourceBadLine, SourceBlank, kinds=_SOURCES,
    consequence="makemap leaves the line out, and fails",
)  # fmt: skip
def source_leading_blank(context: Context, index: int, node: SourceLine) -> Iterator[Found]:
    """A line of a source begins with white space.

    A line of nothing but a carriage return, as other systems end lines, is one of these.

    Bad (as mailertable):
        example.org local:one
         example.com local:two
    Bad (as mailertable):
        example.org local:one
        <CR>
    Good (as mailertable):
        example.org local:one

        example.com local:two
    """
    blank = context.document.raw(index).rstrip("\n")
    if blank and _made_by_makemap(context):
        yield Found(index, "the line begins with white space", 0, len(blank) - len(blank.lstrip(_SPACES)))


@rule(
    "MP041", "source-no-value", Severity.ERROR, MapEntry, kinds=_SOURCES,
    consequence="makemap leaves the line out, and fails",
)  # fmt: skip
def source_no_value(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """A line of a source has a key and no value.

    Bad (as access):
        example.org
    Good (as access):
        example.org<TAB>REJECT
    """
    # makemap knows more white space than lines are split at here.
    if len(encode(context.document.text(index)).split(None, 1)) < 2 and _made_by_makemap(context):
        yield Found(index, "a key without a value", 0, len(node.key))


@rule(
    "MP042", "source-duplicate", Severity.WARNING, kinds=_SOURCES,
    consequence="makemap keeps the first, and fails",
)  # fmt: skip
def source_duplicate(context: Context) -> Iterator[Found]:
    """Two lines of a source have one key.

    Upper and lower case are one, unless the map has the flag f.

    Bad (as access):
        Connect:example.org<TAB>OK
        connect:example.org<TAB>REJECT
    Good (as access):
        Connect:example.org<TAB>OK
        From:example.org<TAB>REJECT
    """
    node = context.declaration
    fold = node is None or node.map_class.lower() == "text" or _declared(context, node).flag("f") is None
    seen: Dict[bytes, int] = {}
    for index, line in enumerate(context.document):
        if isinstance(line, (MapEntry, AuthInfoEntry)):
            key, *value = encode(context.document.text(index)).split(None, 1)
            if not value:
                continue
            first = seen.setdefault(key.lower() if fold else key, index)
            if first != index and _made_by_makemap(context):
                at = context.document.line_number(first)
                yield Found(index, f"line {at} has this key already", 0, len(line.key))


@rule(
    "MP043", "source-line-long", Severity.ERROR, *_ENTRIES, kinds=_SOURCES,
    consequence="makemap leaves it out, and fails",
)  # fmt: skip
def source_line_long(context: Context, index: int, node: SourceLine) -> Iterator[Found]:
    """A line of a source is longer than makemap takes, or holds a NUL.

    Bad (as access):
        example.org<TAB>550 <a*1023>
    Good (as access):
        example.org<TAB>550 <a*900>
    """
    text = context.document.text(index)
    if (len(text) > LINE_BYTES // 4 and len(encode(text)) > LINE_BYTES) or "\0" in text:
        why = "a NUL" if "\0" in text else f"more than {LINE_BYTES} bytes"
        yield Found(index, f"the line holds {why}")


@rule("MP049", "source-carriage-return", Severity.WARNING, *_ENTRIES, kinds=_SOURCES)
def source_carriage_return(context: Context, index: int, node: SourceLine) -> Iterator[Found]:
    """A line of a source ends with a carriage return.

    makemap takes it for a part of the value.

    Bad (as access):
        example.org<TAB>REJECT<CR>
    Good (as access):
        example.org<TAB>REJECT
    """
    if context.document.raw(index).endswith("\r\n") and isinstance(node, (MapEntry, AuthInfoEntry)):
        yield Found(index, "the carriage return at the end becomes a part of the value")


@rule("MP044", "source-comment", Severity.WARNING, MapEntry, kinds=_TABLES)
def source_comment(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """A comment stands behind an entry.

    Only a line that begins with # is one: here it is part of the value.

    Bad (as mailertable):
        example.org<TAB>smtp:[mail.example.org] # the old host
    Good (as mailertable):
        # the old host
        example.org<TAB>smtp:[mail.example.org]
    """
    found = re.search(r"[ \t]#", node.value or "")
    if found:
        start = len(node.key + (node.gap or "")) + found.start() + 1
        yield Found(index, "a comment behind an entry becomes a part of its value", start)


@rule(
    "MP045",
    "source-key-dead",
    Severity.WARNING,
    MapEntry,
    kinds=(ACCESS, *_TABLES),
    consequence="it is never found",
)
def source_key_dead(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """A key is written in a way in which nothing is looked for.

    Networks are whole octets without a dot at the end, as 192.0.2; all hosts of a domain are the domain, or in
    a mailertable the domain with a dot before it.

    Bad (as access):
        Connect:192.0.2.0/24<TAB>REJECT
    Bad (as access):
        192.0.2.<TAB>REJECT
    Bad (as mailertable):
        *.example.org<TAB>smtp:mail.example.org
    Bad (as virtusertable):
        example.org<TAB>info
    Good (as access):
        Connect:192.0.2<TAB>REJECT
    Good (as mailertable):
        .example.org<TAB>smtp:mail.example.org
    Good (as virtusertable):
        @example.org<TAB>info
    """
    tag, colon, rest = node.key.partition(":")
    key = rest if context.kind == ACCESS and colon and tag.lower() in _TAGS else node.key
    hint, why = None, ""
    if key[:2] == "*.":
        why, hint = "a * stands for itself", "." + key[2:] if context.kind == "mailertable" else key[2:]
    elif context.kind == ACCESS and re.fullmatch(r"[0-9]+(?:\.[0-9]+){0,3}/[0-9]+", key):
        octets, bits = key.partition("/")[0].split("."), int(key.partition("/")[2])
        why = "a length of a network is not looked at"
        hint = ".".join(octets[: bits // 8]) if bits in (8, 16, 24, 32) else None
    elif context.kind == ACCESS and re.fullmatch(r"[0-9]+(?:\.[0-9]+){0,2}\.", key):
        why, hint = "a dot ends the network", key[:-1]
    elif context.kind == "virtusertable" and "@" not in key:
        why, hint = "an address has an @", "@" + key
    elif context.kind in ("mailertable", "domaintable") and "@" in key:
        why = "a domain has no @"
    if why:
        yield Found(
            index, f"{why}: this key is never looked for", len(node.key) - len(key), len(node.key), hint=hint
        )


@rule(
    "MP046",
    "access-tag-unknown",
    Severity.WARNING,
    MapEntry,
    kinds=(ACCESS,),
    consequence="it is never found",
)
def access_tag_unknown(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """The word before the colon of a key is nearly one that is looked for.

    Bad (as access):
        Conect:example.org<TAB>REJECT
    Good (as access):
        Connect:example.org<TAB>REJECT
    """
    tag, colon, _ = node.key.partition(":")
    if colon and tag.lower() not in _TAGS:
        near = nearest(tag.lower(), _TAGS, 0.75)
        if near:
            yield Found(index, "no ruleset looks for keys with this word", 0, len(tag), hint=_TAGS[near])


@rule(
    "MP047", "access-action-unknown", Severity.WARNING, MapEntry, kinds=(ACCESS,),
    consequence="mail is refused, with this word as the text",
)  # fmt: skip
def access_action_unknown(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """The value of an entry is one word, and none that means something.

    Bad (as access):
        Connect:example.org<TAB>ALLOW
    Bad (as access):
        From:spam@example.org<TAB>REJET
    Good (as access):
        Connect:example.org<TAB>OK
    """
    tag, colon, _ = node.key.partition(":")
    value = node.value or ""
    if colon and tag.lower() not in ("connect", "from", "to"):
        return
    if re.fullmatch("[A-Za-z]+", value) and value.upper() not in _ACTIONS:
        near = nearest(value.upper(), _ACTIONS)
        hint = near if near else "OK" if value.upper() in ("ALLOW", "ACCEPT", "PERMIT", "PASS") else None
        start = len(node.key + (node.gap or ""))
        yield Found(index, "the word is no action", start, start + len(value), hint=hint)


@rule("MP048", "access-number", Severity.WARNING, MapEntry, kinds=(ACCESS,))
def access_number(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """A limit or a pause in access is no number.

    Bad (as access):
        ClientRate:192.0.2.1<TAB>ten
    Good (as access):
        ClientRate:192.0.2.1<TAB>10
    """
    tag = node.key.partition(":")[0].lower()
    if tag in ("clientrate", "clientconn", "greetpause") and not re.fullmatch("[0-9]+", node.value or "0"):
        yield Found(index, f"the value of {_TAGS[tag]} is a number", len(node.key + (node.gap or "")))


@rule(
    "MP050", "mailertable-mailer", Severity.ERROR, MapEntry, kinds=("mailertable",),
    consequence="mail for the domain fails: unknown mailer",
)  # fmt: skip
def mailertable_mailer(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """A mailertable names a mailer that sendmail.cf does not define.

    Bad:
        --- /etc/mail/sendmail.cf
        Kmailertable hash -o /etc/mail/mailertable
        --- /etc/mail/mailertable
        example.org<TAB>smpt:mail.example.org
    Good:
        --- /etc/mail/sendmail.cf
        Kmailertable hash -o /etc/mail/mailertable
        --- /etc/mail/mailertable
        example.org<TAB>local:user
    """
    name, colon, _ = (node.value or "").partition(":")
    if context.config is None or not colon or not re.fullmatch("[A-Za-z0-9_-]+", name):
        return
    known = [*context.config.mailers, "error", "discard"]
    if name.lower() not in [one.lower() for one in known]:
        near = nearest(name, known)
        start = len(node.key + (node.gap or ""))
        message = f"sendmail.cf defines no mailer {name}"
        yield Found(index, message, start, start + len(name), hint=near)
