"""Hypothesis strategies for property tests of tools that stand on this library.

The one thing to know: lines are drawn from the grammars that read them, so whatever a grammar learns is drawn, too;
only the terminals that are long texts are drawn from words that make sense.  This module needs hypothesis, which the
library itself does not: import it in tests only.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache
from typing import Dict, Optional, Set, Tuple, Type

from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from . import authinfo, document, nodes
from .authinfo import AuthInfoEntry, Credentials
from .errors import EditError
from .known.options import OPTIONS, OptionRow
from .nodes import BadLine, Line, rule_name
from .values import OptionValue, misread, written

__all__ = ["authinfo_entries", "cf_files", "cf_lines", "credentials", "map_sources", "options"]

_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True)
_HOSTS = st.sampled_from(
    ["relay.example", "mail.example.net", "[192.0.2.1]", "xn--bcher-kva.example", "Relay.Example"]
)
_SYMBOLS = st.sampled_from(
    ["$*", "$+", "$-", "$1", "$2", "$@", "$:", "$#", "$|", "$j", "${name}", "$&x", "$&{name}", "$=w", "$~{x}", "$>Set",
     "$(map $1 $: $2 $)", "$[$1$]", "$?x yes $| no $.", "$$"]
)  # fmt: skip
_PIECES = st.one_of(
    _SYMBOLS, _NAMES, _HOSTS,
    st.sampled_from(["-o", "/etc/mail/file", "587", "True", "1h30m", "<", ">", "@", ".", '"a b"', "\\#", "é",
                     "\udcff"]),
)  # fmt: skip
_TEXTS = st.lists(_PIECES, min_size=1, max_size=6).map(" ".join)
_TAILS = st.sampled_from([" # a comment", "\t# a comment", " ", "\n\t", "\n # indented", "\t\t"])


def _kept(pattern: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    whole = re.compile(pattern)
    return texts.filter(lambda text: whole.fullmatch(text) is not None)


@cache
def _explicit(grammar: str) -> Dict[str, st.SearchStrategy[str]]:
    """Strategies for the terminals whose patterns say little about what people write."""
    opened = document._grammar() if grammar == "cf" else authinfo._grammar()
    patterns = {one.name: one.pattern.to_regexp() for one in opened.lark.terminals}
    drawn = {
        "VALUE": _TEXTS, "FIELD_VALUE": _TEXTS, "SIDE": _TEXTS, "TAIL": _TAILS, "TEXT": _TEXTS,
        "SOURCE": st.sampled_from(["/etc/mail/names", "|/bin/names", '"/etc/mail/a b"', "key@LDAP", "k@hash:/m"]),
        "RULE_COMMENT": _TEXTS.map("\t".__add__), "ANYTHING": _TEXTS.map(" ".__add__), "HEADER_NAME": _NAMES,
        "TABS": st.sampled_from(["\t", "\t\t", " \t", "\n\t"]),
        "GAP": st.sampled_from([", ", ",", ",\n\t\t", "\t", "  "]), "BLANK": st.sampled_from([" ", "\t"]),
        "KEY": st.one_of(st.sampled_from(list("PFSRAELMTDUrm")), _NAMES, _HOSTS), "NAME": _NAMES,
        "OPTION_NAME": st.one_of(st.sampled_from([row.name for row in OPTIONS if row.name]), _NAMES),
        "MACRO_NAME": st.one_of(st.sampled_from("SRwjZ"), _NAMES.map(lambda name: "{" + name + "}")),
        "PRECEDENCE_NAME": _NAMES, "MAP_NAME": _NAMES, "MAP_GAP": st.just(" "), "MAP_SPACE": st.just(" "),
        "MAP_CLASS": st.sampled_from(["hash", "btree", "text", "regex", "dns", "sequence", "null", "Hash"]),
        "RULESET_NAME": st.one_of(_NAMES, st.integers(0, 99).map(str)), "NUMBER": st.integers(0, 99).map(str),
        "VENDOR": st.just("/Berkeley"), "AUTH_KEY": _HOSTS.map("AuthInfo:".__add__),
        "CONDITION": st.sampled_from(["?P?", "??", "?$x?", "?${name}?", "?DFM?"]), "OPTIONAL": st.just("-o "),
        "HASH": st.just("#"),
    }  # fmt: skip
    return {name: _kept(patterns[name], texts) for name, texts in drawn.items() if name in patterns}


def cf_lines(kind: Optional[Type[Line]] = None) -> st.SearchStrategy[str]:
    """Logical lines of a sendmail.cf, without end of line, as they are read below `V10`.

    kind: a class of `sendmailcf.nodes`; None for any but BadLine.
    """
    if kind is None:
        return st.one_of([cf_lines(cls) for cls in nodes.LINES if cls is not BadLine])
    if kind is BadLine:
        return st.one_of(_TEXTS, st.text(max_size=20)).filter(lambda text: _reads_as(text, BadLine))
    return _of_grammar("cf", rule_name(kind)).filter(lambda text: _reads_as(text, kind))


@cache
def _of_grammar(grammar: str, rule: str) -> st.SearchStrategy[str]:
    opened = document._grammar() if grammar == "cf" else authinfo._grammar()
    called: Set[str] = set()
    wanted = {rule}
    while wanted - called:
        called.add(origin := (wanted - called).pop())
        for one in opened.lark.rules:
            if one.origin.name == origin:
                wanted |= {symbol.name for symbol in one.expansion if not symbol.is_term}
    used = {symbol.name for one in opened.lark.rules if one.origin.name in called for symbol in one.expansion}
    explicit = {name: texts for name, texts in _explicit(grammar).items() if name in used}
    return from_lark(opened.lark, start=rule, explicit=explicit)


def _reads_as(text: str, kind: Type[Line]) -> bool:
    whole = document.CfLines("V10\n" + text + "\n")
    if len(whole) != 2 or whole.text(1) != text:
        return False
    return type(whole[1]) is kind


def cf_files(*, version: bool = True) -> st.SearchStrategy[bytes]:
    """Whole files.  version: begin with a V line, without which sendmail reads a file as of level 0."""
    lines = st.lists(cf_lines(), max_size=12)
    first = ["V10/Berkeley"] if version else []
    return st.builds(
        lambda drawn, eol, last: (eol.join([*first, *drawn]) + (eol if last else "")).encode(
            "utf-8", "surrogateescape"
        ),
        lines,
        st.sampled_from(["\n", "\n", "\r\n"]),
        st.booleans(),
    )


def options(row: Optional[OptionRow] = None) -> st.SearchStrategy[Tuple[str, OptionValue]]:
    """Names of options with values that can be set: text, and typed values where the kind has a type.

    row: of one option; None for any that has a name.
    """
    if row is None:
        return st.sampled_from([one for one in OPTIONS if one.name and one.kind != "suboptions"]).flatmap(
            options
        )
    chosen = row
    return st.tuples(st.just(row.name), _option_values(row).filter(lambda value: _fits(chosen, value)))


def _option_values(row: OptionRow) -> st.SearchStrategy[OptionValue]:
    if row.kind in ("bool", "enum-or-bool"):
        return st.one_of(st.booleans(), st.sampled_from(["True", "False", "t", "no"]))
    if row.kind == "int":
        return st.integers(-(2**31), 2**31 - 1)
    if row.kind == "octal":
        return st.integers(0, 0o777)
    if row.kind == "time":
        return st.one_of(
            st.integers(0, 10**6).map(lambda seconds: timedelta(seconds=seconds)),
            st.sampled_from(["1h30m", "5d"]),
        )
    if row.choices and row.kind in ("letter", "enum"):
        return st.sampled_from(row.choices)
    if row.choices:
        return st.lists(st.sampled_from(row.choices), min_size=1, max_size=4, unique=True)
    if row.kind in ("words", "names"):
        return st.lists(_NAMES, min_size=1, max_size=4)
    if row.kind == "ports":
        return st.fixed_dictionaries({"Name": _NAMES, "Port": st.integers(1, 65535).map(str)})
    return st.sampled_from(["/etc/mail/file", "text", "relay.example"])


def _fits(row: OptionRow, value: OptionValue) -> bool:
    try:
        return misread(row, written(row, value)) is None
    except EditError:
        return False


def credentials() -> st.SearchStrategy[Credentials]:
    """Credentials that an AuthInfo entry can hold."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=40)
    made = st.builds(
        Credentials,
        user=text,
        password=text,
        mechanisms=st.lists(st.sampled_from(["LOGIN", "PLAIN", "CRAM-MD5"]), max_size=3, unique=True),
        realm=st.none() | _HOSTS,
        authid=st.none() | text,
    )
    return made.filter(_holds)


def _holds(one: Credentials) -> bool:
    try:
        authinfo.items_of(one)
    except EditError:
        return False
    return True


def authinfo_entries() -> st.SearchStrategy[str]:
    """AuthInfo lines of a map source, as people write them."""
    lines = _of_grammar("mapsource", rule_name(AuthInfoEntry))
    return lines.filter(lambda text: type(authinfo.parse(text)) is AuthInfoEntry)


def map_sources() -> st.SearchStrategy[bytes]:
    """Whole map sources: entries, AuthInfo entries, comments and empty lines, some of them refused by makemap."""
    line = st.one_of(
        authinfo_entries(), *(_of_grammar("mapsource", rule_name(cls)) for cls in authinfo.LINES)
    )
    lines = st.lists(line.filter(lambda text: "\n" not in text), max_size=12)
    return st.builds(
        lambda drawn, last: ("\n".join(drawn) + ("\n" if last else "")).encode("utf-8", "surrogateescape"),
        lines,
        st.booleans(),
    )
