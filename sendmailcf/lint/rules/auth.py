"""AU: authinfo and AUTH.

The one thing to know: sendmail reports none of this when it reads the file; mail fails later.  What the chain of
`relay check` knows is asked of it, by the name of the rule; no message may hold a part of a value.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, Iterator, List, Mapping, Optional, Tuple, Union

from attrs import evolve

from ...authinfo import (
    PREFIX,
    AuthInfoEntry,
    Credentials,
    DefaultAuthInfo,
    MapEntry,
    host_problem,
    items_of,
    mechanisms_problem,
    parse,
    read_value,
    surprises,
)
from ...config import Config
from ...errors import EditError
from ...known.policies import SASL_MECHANISMS
from ...nodes import Option, value_of
from ...text import nearest
from ...values import map_arguments, option_row
from ..chain import SOURCES, sources_seen, told
from ..context import Context
from ..documents import AUTHINFO, FIVE_LINES, FiveLines
from ..problem import Edit, Fix, Severity
from ..rule import Found, named, rule

_FAILED = "sendmail logs that authinfo failed, and sends the mail without authentication"
_NOT_FOUND = "no credentials are found: the relay answers 530"
Entry = Union[AuthInfoEntry, MapEntry]


def _is_entry(node: Entry) -> bool:
    return node.key[: len(PREFIX)].lower() == PREFIX.lower()


def _value(node: Entry) -> str:
    return str(node)[len(node.key) + len(node.gap or "") :]


@lru_cache(maxsize=1)
def _causes(key: str, value: str) -> Mapping[str, str]:
    """What is wrong with the value of an entry: messages by cause."""
    reading = read_value(value, key)
    found: Dict[str, str] = (
        {} if reading.problem is None else {reading.cause: reading.problem.partition(":")[0]}
    )
    for one in surprises(value) if reading.problem is None else ():
        found.setdefault(one.cause, one.text)
    return found


def _told(index: int, node: Entry, cause: str, fix: Optional[Fix] = None) -> Iterator[Found]:
    if _is_entry(node):
        message = _causes(node.key, _value(node)).get(cause)
        if message is not None:
            yield Found(index, message, 0, len(node.key), fix=fix)


def _rewritten(index: int, node: Entry, value: str, what: str, *, safe: bool = True) -> Fix:
    return Fix(what, (Edit(index, (parse(f"{node.key}{node.gap or chr(9)}{value}"),)),), safe=safe)


# The value of an entry.

_WORD = r"""[ \t]*("[^"\\]*"|'[^'\\]*'|\u201c[^\u201d\\]*\u201d|[^ \t\r"'\u201c\u201d,;\\]+)"""


def _quoted(value: str) -> Optional[str]:
    """The same items in double quotes, or None where it is not certain which they are."""
    from base64 import b64decode

    word_at = re.compile(_WORD).match
    found: Dict[str, str] = {}
    last, at, text = "", 0, value.rstrip(" \t\r")
    while at < len(text):
        word = word_at(text, at)
        if word is None:
            return None
        at, part = word.end(), word.group(1)
        part = part[1:-1] if part[0] in "\"'\u201c" else part
        if re.match("[UuIiPpRrMm][:=]", part):
            last = part[0].upper()
            if last in found:
                return None
            try:
                content = part[2:] if part[1] == ":" else b64decode(part[2:], validate=True).decode()
            except ValueError:
                return None
            found[last] = content
        elif last == "M" and re.fullmatch(r"[A-Za-z0-9-]+", part):
            found["M"] += f" {part}"
        else:
            return None
    user = found.get("U", found.get("I"))
    if user is None or "P" not in found:
        return None
    words = tuple(found.get("M", "").split(" ")) if found.get("M") else ()
    try:
        items = items_of(
            Credentials(user, found["P"], words, found.get("R"), found.get("I") if "U" in found else None)
        )
    except EditError:
        return None
    return "".join(map(str, items))


@rule(
    "AU001",
    "auth-value-unquoted",
    Severity.ERROR,
    AuthInfoEntry,
    MapEntry,
    kinds=SOURCES,
    consequence=_FAILED,
)
def auth_value_unquoted(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An item of an AuthInfo entry is not in double quotes.

    Single quotes and the quotes of a word processor are no quotes.

    Bad:
        AuthInfo:relay.example<TAB>U:user P:invented
    Bad:
        AuthInfo:relay.example<TAB>'U:user' 'P:invented'
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    for found in _told(index, node, "unquoted"):
        value = _quoted(_value(node))
        fix = None if value is None else _rewritten(index, node, value, "Write each item in double quotes")
        yield evolve(found, fix=fix)


@rule("AU004", "auth-value-comma", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES)
def auth_value_comma(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """A comma stands between the items of an entry.

    It ends the list: what follows is ignored, and if the password is not before it, authinfo fails.

    Bad:
        AuthInfo:relay.example<TAB>"U:user","P:invented"
    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:invented", "M:LOGIN"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented" "M:LOGIN"
    """
    for found in _told(index, node, "comma"):
        items = re.findall(r'"[^"\\]*"', _value(node))
        certain = re.fullmatch(r'"[^"\\]*"(?:[ \t]*,?[ \t]*"[^"\\]*")*[ \t]*', _value(node)) is not None
        fix = _rewritten(index, node, " ".join(items), "Write blanks for the commas") if certain else None
        yield evolve(found, fix=fix)


@rule("AU005", "auth-value-tag", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES, consequence=_FAILED)
def auth_value_tag(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An item has an unknown tag or delimiter.

    Tags are U, I, P, R and M, in any case; behind them stands a colon for text, or = for base64.

    Bad:
        AuthInfo:relay.example<TAB>"user:user" "P:invented"
    Bad:
        AuthInfo:relay.example<TAB>"U user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    return _told(index, node, "tag")


@rule(
    "AU006", "auth-value-missing", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES, consequence=_FAILED
)
def auth_value_missing(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An entry has no password, or neither U nor I.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "M:LOGIN"
    Bad:
        AuthInfo:relay.example<TAB>"P:invented"
    Good:
        AuthInfo:relay.example<TAB>"I:user" "P:invented"
    """
    if not _is_entry(node) or _value(node):
        yield from _told(index, node, "missing")


@rule(
    "AU007", "auth-value-empty", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="sendmail silently does not authenticate",
)  # fmt: skip
def auth_value_empty(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """The password of an entry is empty, or all that names its user.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:"
    Good:
        AuthInfo:relay.example<TAB>"U:" "I:user" "P:invented"
    """
    return _told(index, node, "empty")


@rule(
    "AU008", "auth-value-duplicate", Severity.WARNING, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="sendmail uses the last one",
)  # fmt: skip
def auth_value_duplicate(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """A tag is given twice in one entry.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "U:other" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    return _told(index, node, "duplicate")


@rule(
    "AU009", "auth-value-base64", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="authinfo fails, and sendmail uses DefaultAuthInfo if it is set, else no authentication",
)  # fmt: skip
def auth_value_base64(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """What stands behind = is no base64.

    Missing padding is enough.  Plain text stands behind a colon.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P=invented!"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented!"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P=aW52ZW50ZWQh"
    """
    return _told(index, node, "base64")


def _as_base64(index: int, node: Entry) -> Optional[Fix]:
    """The items with base64 for every text that is not sent as it stands."""
    from base64 import b64encode

    items: List[str] = []
    for one in re.findall(r'"(?:[^"\\]|\\.)*"', _value(node)):
        text = one[3:-1]
        if one[2:3] == ":" and re.search(r"[%\\]", text):
            meant = re.sub(r'\\(["\\])', r"\1", text)
            data = b64encode(meant.encode("utf-8", "surrogateescape")).decode("ascii")
            items.append(f'"{one[1]}={data}"')
        else:
            items.append(one)
    value = " ".join(items)
    return (
        _rewritten(index, node, value, "Write it as base64", safe=False)
        if read_value(value).credentials
        else None
    )


@rule(
    "AU010", "auth-value-percent", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="the lookup rewrites it, and another password is sent",
)  # fmt: skip
def auth_value_percent(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """A user or password has a percent sign before a digit.

    The lookup of a map puts arguments there: %0 is the key, the others are empty.  Write it as base64.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:inv%1ented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P=aW52JTFlbnRlZA=="
    """
    return _told(index, node, "percent", _as_base64(index, node) if "%" in _value(node) else None)


@rule(
    "AU011", "auth-value-backslash", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="the backslash is sent, too",
)  # fmt: skip
def auth_value_backslash(context: Context, index: int, node: Entry) -> Iterator[Found]:
    r"""A user or password has a backslash before a quote or another backslash.

    The backslash keeps the quote from ending the item, but stays in what is sent.  Write it as base64.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:inv\"ented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P=aW52ImVudGVk"
    """
    return _told(index, node, "backslash", _as_base64(index, node) if "\\" in _value(node) else None)


@rule(
    "AU012", "auth-value-long", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="sendmail silently does not authenticate",
)  # fmt: skip
def auth_value_long(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An item is longer than 256 bytes, its quotes and tag included.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:<a*253>"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:<a*252>"
    """
    return _told(index, node, "long")


@rule("AU014", "auth-value-ends", Severity.WARNING, AuthInfoEntry, MapEntry, kinds=SOURCES)
def auth_value_ends(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """A word without quotes stands behind the user and password of an entry.

    It ends the list, silently: it and all behind it is ignored.  A comment is such a word.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:invented" M:LOGIN
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented" "M:LOGIN"
    """
    return _told(index, node, "ends")


@rule(
    "AU015", "auth-value-raw", Severity.WARNING, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="sendmail decodes it, and sends what comes out",
)  # fmt: skip
def auth_value_raw(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """A password behind = is base64 of something that is no text.

    A password that happens to be base64, as those of Amazon SES are, stands behind a colon like any other.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P=/////w=="
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P://///w=="
    """
    return _told(index, node, "raw")


@rule("AU016", "auth-value-no-authid", Severity.INFO, AuthInfoEntry, kinds=SOURCES)
def auth_value_no_authid(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """An entry has U, the user (authorization) id, and not I, the authentication id.

    Servers log in the authentication id.  Where it is not given sendmail takes U for it, so the entry works; in other
    instructions the name stands behind I, and U is the local user on whose behalf it logs in.

    Bad:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"I:user" "P:invented"
    """
    tags = {one.tag.upper() for one in node.items}
    if "U" in tags and "I" not in tags:
        yield Found(index, "U is given and I is not: sendmail logs in with U", 0, len(node.key))


# Mechanisms.

_SEPARATED = "no mechanism matches: all mail to servers that offer AUTH is deferred"


def _option(node: Option, name: str) -> Optional[str]:
    row = option_row(node.name)
    return value_of(node.value) if row is not None and row.name == name else None


def _mechanism_lists(context: Context) -> Iterator[Tuple[int, List[str]]]:
    """Every list of mechanisms in a file: of AuthMechanisms, of an entry, of the five-line file."""
    if isinstance(context.document, Config):
        for option in context.document.options.all("AuthMechanisms"):
            yield option.index, [word for word in option.value.split(" ") if word]
        return
    for index, node in enumerate(context.document):
        if isinstance(node, AuthInfoEntry):
            read = read_value(_value(node), node.key).credentials
            if read is not None and read.mechanisms:
                yield index, list(read.mechanisms)
    if isinstance(context.document, FiveLines):
        read = DefaultAuthInfo(bytes(context.document)).credentials
        if read is not None and read.mechanisms:
            counted = [at for at, node in enumerate(context.document) if str(node)[:1] != "#"]
            yield counted[4], list(read.mechanisms)


def _spoiled(context: Context, name: str) -> Iterator[Found]:
    for index, words in _mechanism_lists(context):
        if mechanisms_problem(words) == name:
            yield Found(
                index, "names of mechanisms are separated by blanks alone", fix=_separated(context, index)
            )


def _separated(context: Context, index: int) -> Optional[Fix]:
    node = context.document[index]
    if not isinstance(node, Option):
        return None
    words = re.findall(r"[^\s,;\"']+", value_of(node.value))
    return (
        Fix("Separate the names by blanks", (Edit(index, (evolve(node, value=" ".join(words)),)),))
        if words
        else None
    )


@rule("AU017", "auth-mech-sep", Severity.ERROR, kinds=("cf", *SOURCES, FIVE_LINES), consequence=_SEPARATED)
def auth_mech_sep(context: Context) -> Iterator[Found]:
    """Mechanisms are separated by commas, semicolons or tabs.

    Bad:
        O AuthMechanisms=LOGIN,PLAIN
    Bad (as authinfo):
        AuthInfo:relay.example<TAB>"U:user" "P:invented" "M:LOGIN,PLAIN"
    Good:
        O AuthMechanisms=LOGIN PLAIN
    """
    return _spoiled(context, "auth-mech-sep")


@rule("AU018", "auth-mech-quotes", Severity.ERROR, kinds=("cf", *SOURCES, FIVE_LINES), consequence=_SEPARATED)
def auth_mech_quotes(context: Context) -> Iterator[Found]:
    """Mechanisms stand in quotes.

    The quotes become part of the names.

    Bad:
        O AuthMechanisms="LOGIN PLAIN"
    Good:
        O AuthMechanisms=LOGIN PLAIN
    """
    return _spoiled(context, "auth-mech-quotes")


@rule("AU019", "auth-mech-unknown", Severity.WARNING, kinds=("cf", *SOURCES, FIVE_LINES))
def auth_mech_unknown(context: Context) -> Iterator[Found]:
    """The name of a mechanism is none that is known.

    No server offers it, and no plug-in has it.

    Bad:
        O AuthMechanisms=LOGIN PLAN
    Good:
        O AuthMechanisms=LOGIN PLAIN
    """
    for index, words in _mechanism_lists(context):
        for word in words:
            if word.upper() not in SASL_MECHANISMS and re.fullmatch("[A-Za-z0-9_-]+", word):
                near = nearest(word.upper(), SASL_MECHANISMS)
                shown = (
                    f"{word} is no mechanism" if context.kind == "cf" else "a mechanism of an unknown name"
                )
                yield Found(index, shown, hint=near)


@rule("AU020", "auth-mech-default", Severity.WARNING)
def auth_mech_default(context: Context) -> Iterator[Found]:
    """Neither LOGIN nor PLAIN may be used, and nearly all relays offer only these.

    Without AuthMechanisms sendmail has EXTERNAL, GSSAPI, KERBEROS_V4, DIGEST-MD5 and CRAM-MD5.  An M: in the entry
    counts in its place.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        O AuthMechanisms=DIGEST-MD5 CRAM-MD5
    Good (relay):
        --- /etc/mail/sendmail.cf
        O AuthMechanisms=CRAM-MD5 PLAIN
    """
    return told(context, "auth-mech-default", alone=False)


@rule("AU021", "auth-mech-none", Severity.ERROR, consequence=_SEPARATED)
def auth_mech_none(context: Context) -> Iterator[Found]:
    """AuthMechanisms is empty, and credentials are there.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        O AuthMechanisms=
    Good (relay):
        --- /etc/mail/sendmail.cf
        O AuthMechanisms=PLAIN
    """
    return told(context, "auth-mech-none", alone=False)


# Keys.


@rule(
    "AU022", "auth-key-form", Severity.ERROR, MapEntry, AuthInfoEntry, kinds=SOURCES, consequence=_NOT_FOUND
)
def auth_key_form(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An entry with a user and password has a key that does not begin with AuthInfo:.

    With the flag -f on the K line the case of the letters counts, too.

    Bad:
        relay.example<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    Bad:
        --- /etc/mail/sendmail.cf
        Kauthinfo hash -f /etc/mail/authinfo
        --- /etc/mail/authinfo
        authinfo:relay.example<TAB>"U:user" "P:invented"
        --- /etc/mail/authinfo.db made=hash
        authinfo:relay.example<TAB>"U:user" "P:invented"
    """
    if _is_entry(node):
        declared = context.declaration
        if not node.key.startswith(PREFIX) and declared is not None and "f" in map_arguments(declared).flags:
            yield Found(
                index, f"the map has the flag -f, and the key does not begin with {PREFIX}", 0, len(PREFIX)
            )
    elif read_value(_value(node)).credentials is not None:
        fix = None
        # The key of a line that was torn in two is a password.
        if context.kind == AUTHINFO and not host_problem(node.key):
            fix = Fix(f"Write {PREFIX} before it", (Edit(index, (parse(PREFIX + str(node)),)),), safe=False)
        yield Found(
            index, f"the key of these credentials does not begin with {PREFIX}", 0, len(node.key), fix=fix
        )


def _keyed(index: int, node: Entry, host: str, message: str) -> Found:
    fix = Fix(
        "Write the host alone",
        (Edit(index, (parse(PREFIX + host + str(node)[len(node.key) :]),)),),
        safe=False,
    )
    return Found(index, message, len(PREFIX), len(node.key), fix=fix)


@rule(
    "AU023", "auth-key-port", Severity.ERROR, AuthInfoEntry, MapEntry, kinds=SOURCES, consequence=_NOT_FOUND
)
def auth_key_port(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """The key of an entry has a port.

    sendmail looks for the name of the server, then its address, never with a port.

    Bad:
        AuthInfo:relay.example:587<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    found = re.fullmatch(r"\[?([^:\[\]]+)\]?:[0-9]+", node.key[len(PREFIX) :]) if _is_entry(node) else None
    if found is not None:
        yield _keyed(index, node, found.group(1), "a key has no port")


@rule("AU024", "auth-key-brackets", Severity.INFO, AuthInfoEntry, MapEntry, kinds=SOURCES)
def auth_key_brackets(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """The key of an entry is an address in brackets.

    It is found where DS names the server in the same way, as [192.0.2.1].  Without brackets it is found, too.

    Bad:
        AuthInfo:[192.0.2.1]<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:192.0.2.1<TAB>"U:user" "P:invented"
    """
    if _is_entry(node) and re.fullmatch(r"\[[0-9.]+\]", node.key[len(PREFIX) :]):
        yield Found(
            index, "the address of this key is found without brackets, too", len(PREFIX), len(node.key)
        )


@rule(
    "AU025",
    "auth-key-not-a-name",
    Severity.ERROR,
    AuthInfoEntry,
    MapEntry,
    kinds=SOURCES,
    consequence=_NOT_FOUND,
)
def auth_key_not_a_name(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """The key of an entry is no name of a host and no address.

    sendmail looks for the canonical name of the server, without brackets and without a dot at its end.

    Bad:
        AuthInfo:[relay.example]<TAB>"U:user" "P:invented"
    Bad:
        AuthInfo:relay.example.<TAB>"U:user" "P:invented"
    Bad:
        AuthInfo:smtp://relay.example<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    host = node.key[len(PREFIX) :] if _is_entry(node) else ""
    partial = context.kind != AUTHINFO and host.endswith(".") is False and not host_problem(host.rstrip(".:"))
    if not host or partial or not host_problem(host) or re.fullmatch(r"\[[0-9.]+\]|.*:[0-9]+", host):
        return
    better = re.sub(r"^[a-z]+://", "", host.lower()).strip("[]./")
    if host_problem(better):
        yield Found(index, "the key is no name of a host", len(PREFIX), len(node.key))
    else:
        yield _keyed(index, node, better, "the key is no name of a host as sendmail looks for it")


@rule("AU026", "auth-key-missing", Severity.ERROR)
def auth_key_missing(context: Context) -> Iterator[Found]:
    """The database has no entry for the smart host.

    The key is the name of the server that sendmail is connected to: an alias or a mail domain is not looked up.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo
        AuthInfo:mail.example<TAB>"U:user" "P:invented"
        --- /etc/mail/authinfo.db made=hash
        authinfo:mail.example<TAB>"U:user" "P:invented"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-key-missing", alone=False)


@rule(
    "AU027", "auth-catch-all", Severity.WARNING, AuthInfoEntry, MapEntry, kinds=SOURCES,
    consequence="the password is offered to every server that asks for authentication",
)  # fmt: skip
def auth_catch_all(context: Context, index: int, node: Entry) -> Iterator[Found]:
    """An entry has no host in its key.

    Bad:
        AuthInfo:<TAB>"U:user" "P:invented"
    Good:
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    if _is_entry(node) and len(node.key) == len(PREFIX):
        yield Found(index, f"{PREFIX} without a host is used for every server", 0, len(node.key))



# DefaultAuthInfo.


@rule("AU002", "auth-option-dead", Severity.WARNING, Option)
def auth_option_dead(context: Context, index: int, node: Option) -> Iterator[Found]:
    """DefaultAuthInfo is set beside a ruleset authinfo.

    While that ruleset exists, even without a rule, sendmail never looks at the option.

    Bad:
        O DefaultAuthInfo=/etc/mail/default-auth-info
        Sauthinfo
        R$*<TAB>$# no
    Good:
        O DefaultAuthInfo=/etc/mail/default-auth-info
    """
    if _option(node, "DefaultAuthInfo") and "authinfo" in context.cf.rulesets:
        yield Found(index, "the ruleset authinfo makes sendmail ignore DefaultAuthInfo")


@rule("AU003", "default-auth-info-is-map-source", Severity.ERROR, Option)
def default_auth_info_is_map_source(context: Context, index: int, node: Option) -> Iterator[Found]:
    """DefaultAuthInfo names the source of a map.

    The option takes a file of five plain lines: user, authentication id, password, realm, mechanisms.  Lines
    that begin with AuthInfo: belong into a map, which a ruleset authinfo reads.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info
        AuthInfo:relay.example "U:user" "P:invented"
        AuthInfo:one.example "U:user" "P:invented"
        AuthInfo:two.example "U:user" "P:invented"
    Good:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0600
        user
        user
        invented
    """
    path = _option(node, "DefaultAuthInfo")
    lines = context.other(path, FIVE_LINES) if path else None
    if lines is None or not any(_looks_like_source(lines.text(at)) for at in range(len(lines))):
        return
    dead = "authinfo" in context.cf.rulesets
    sent = "sendmail takes whole entries, passwords included, for user and password"
    yield Found(
        index, f"{path} is the source of a map",
        consequence="sendmail ignores it, and nothing reads these entries" if dead else sent,
    )  # fmt: skip


def _looks_like_source(line: str) -> bool:
    return line[: len(PREFIX)].lower() == PREFIX.lower()


@rule("AU029", "auth-option-lines", Severity.ERROR, kinds=("cf", FIVE_LINES))
def auth_option_lines(context: Context) -> Iterator[Found]:
    """The file of DefaultAuthInfo has too few lines, or empty ones.

    Line 1 is the user, 2 the authentication id, 3 the password.  With less than two, mail to every server that offers
    AUTH stays in the queue; without a password or user, sendmail silently does not authenticate.

    Bad (as default-auth-info):
        user
    Bad (as default-auth-info):
        user
        user
    Good (as default-auth-info):
        user
        user
        invented
    """
    if context.kind == "cf":
        seen = any(context.other(one.value, FIVE_LINES) for one in context.cf.options.all("DefaultAuthInfo"))
        if not seen:
            yield from told(context, "auth-option-lines")
        return
    if context.config is not None and "authinfo" in context.config.rulesets:
        return
    reading = DefaultAuthInfo(bytes(context.document)).reading()
    if reading.cause == "lines":
        yield Found(None, reading.problem or "")


@rule("AU030", "auth-option-mode", Severity.ERROR)
def auth_option_mode(context: Context) -> Iterator[Found]:
    """sendmail refuses the file of DefaultAuthInfo for its mode, or that of a directory.

    Only its owner may read it, and nobody else write it or a directory on the way.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0644
        user
        user
        invented
    Good:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0600
        user
        user
        invented
    """
    return told(context, "auth-option-mode")


@rule("AU031", "auth-option-missing", Severity.ERROR)
def auth_option_missing(context: Context) -> Iterator[Found]:
    """The file of DefaultAuthInfo is missing.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
    Good:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0600
        user
        user
        invented
    """
    return told(context, "auth-option-missing")


@rule("AU032", "auth-option-any-host", Severity.INFO)
def auth_option_any_host(context: Context) -> Iterator[Found]:
    """DefaultAuthInfo knows no hosts.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0600
        user
        user
        invented
    Good:
        O AuthMechanisms=PLAIN
    """
    return told(context, "auth-option-any-host")


@rule(
    "AU056", "auth-option-cr", Severity.ERROR, kinds=(FIVE_LINES,),
    consequence="the carriage return is part of what sendmail sends",
)  # fmt: skip
def auth_option_cr(context: Context) -> Iterator[Found]:
    """A line of the file of DefaultAuthInfo ends in a carriage return.

    Bad (as default-auth-info):
        user<CR>
        user<CR>
        invented<CR>
    Good (as default-auth-info):
        user
        user
        invented
    """
    lines = [context.document.raw(at).rstrip("\n") for at in range(len(context.document))]
    counted = [at for at, line in enumerate(lines) if line[:1] != "#"][:5]
    bad = [at for at in counted if lines[at].endswith("\r")]
    if bad:
        yield Found(bad[0], "the line ends in a carriage return")


# The chain: ruleset, map, entry, guard.


@rule("AU033", "auth-ruleset-none", Severity.ERROR)
def auth_ruleset_none(context: Context) -> Iterator[Found]:
    """The relay demands authentication, and there is neither a ruleset authinfo nor DefaultAuthInfo.

    Bad (relay bare):
        DS[email-smtp.us-east-1.amazonaws.com]
    Good (relay bare):
        O DefaultAuthInfo=/etc/mail/default-auth-info
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "auth-ruleset-none")


@rule("AU034", "auth-map-unused", Severity.ERROR)
def auth_map_unused(context: Context) -> Iterator[Found]:
    """A map authinfo is declared, and there is no ruleset authinfo that asks it.

    Bad (relay bare):
        Kauthinfo hash /etc/mail/authinfo
    Good (relay bare):
        Kauthinfo hash /etc/mail/authinfo
        Sauthinfo
        R$*<TAB>$: <$(authinfo AuthInfo:$&{server_name} $: ? $)>
        R<?><TAB>$@ no
        R<$*><TAB>$# $1
    """
    return told(context, "auth-map-unused")


@rule("AU037", "auth-ruleset-empty", Severity.ERROR)
def auth_ruleset_empty(context: Context) -> Iterator[Found]:
    """The ruleset authinfo has no rule, and the relay demands authentication.

    Files that m4 makes without FEATURE(authinfo) or FEATURE(access_db) have such a ruleset.

    Bad (relay bare):
        DS[email-smtp.us-east-1.amazonaws.com]
        Sauthinfo
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "auth-ruleset-empty")


@rule("AU038", "auth-ruleset-deaf", Severity.ERROR)
def auth_ruleset_deaf(context: Context) -> Iterator[Found]:
    """The ruleset authinfo does not find the entry of the smart host.

    It is tried: with an entry in its map and none elsewhere, it returns no credentials.

    Bad (relay bare):
        Kauthinfo hash /etc/mail/authinfo
        Sauthinfo
        R$*<TAB>$: <$(authinfo $&{server_name} $: ? $)>
        R<?><TAB>$@ no
        R<$*><TAB>$# $1
    Good (relay bare):
        Kauthinfo hash /etc/mail/authinfo
        Sauthinfo
        R$*<TAB>$: <$(authinfo AuthInfo:$&{server_name} $: ? $)>
        R<?><TAB>$@ no
        R<$*><TAB>$# $1
    """
    return told(context, "auth-ruleset-deaf")


@rule("AU040", "auth-map-keys-only", Severity.ERROR)
def auth_map_keys_only(context: Context) -> Iterator[Found]:
    """The map of credentials has the flag -m, which gives the key in place of the value.

    Bad (relay):
        Kauthinfo hash -m /etc/mail/authinfo
    Good (relay):
        Kauthinfo hash /etc/mail/authinfo
    """
    return told(context, "auth-map-keys-only")


@rule("AU041", "auth-map-path", Severity.ERROR)
def auth_map_path(context: Context) -> Iterator[Found]:
    """The map of credentials names no file by its full path.

    A daemon works in the directory of its queue, and looks there.

    Bad (relay):
        Kauthinfo hash authinfo
    Good (relay):
        Kauthinfo hash /etc/mail/authinfo
    """
    return told(context, "auth-map-path")


@rule("AU042", "auth-map-missing", Severity.ERROR)
def auth_map_missing(context: Context) -> Iterator[Found]:
    """The database of the map of credentials is missing, and the flag -o hides it.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        Kauthinfo hash -o /etc/mail/authinfo
        --- /etc/mail/authinfo.db missing=1
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-map-missing", alone=False)


@rule("AU043", "auth-map-corrupt", Severity.ERROR)
def auth_map_corrupt(context: Context) -> Iterator[Found]:
    """The database of the map of credentials is damaged.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo.db made=hash cut=6000
        authinfo:relay.example<TAB>"U:user" "P:invented"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-map-corrupt", alone=False)


@rule("AU045", "auth-map-fold", Severity.ERROR)
def auth_map_fold(context: Context) -> Iterator[Found]:
    """The map of credentials has the flag -f, and its database was built without.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        Kauthinfo hash -f /etc/mail/authinfo
    Good (relay):
        --- /etc/mail/sendmail.cf
        Kauthinfo hash /etc/mail/authinfo
    """
    return told(context, "auth-map-fold", alone=False)


@rule("AU046", "auth-map-optional", Severity.INFO)
def auth_map_optional(context: Context) -> Iterator[Found]:
    """A map of credentials has the flag -o.

    Bad (relay):
        Kauthinfo hash -o /etc/mail/authinfo
    Good (relay):
        Kauthinfo hash /etc/mail/authinfo
    """
    return told(context, "auth-map-optional")


@rule("AU047", "auth-entry-missing", Severity.ERROR)
def auth_entry_missing(context: Context) -> Iterator[Found]:
    """The entry that is found for the smart host is of no use, and its source is not there to be checked.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo missing=1
        --- /etc/mail/authinfo.db made=hash
        authinfo:relay.example<TAB>U:user P:invented
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo missing=1
    """
    yield from told(context, "auth-entry-missing", alone=False)
    if context.facts is None or context.chain is None or sources_seen(context):
        return
    for link in context.chain.links:
        known = named(link.rule)
        if known is not None and "cf" not in known.kinds:
            yield from told(context, link.rule)


@rule("AU048", "auth-client-off", Severity.WARNING)
def auth_client_off(context: Context) -> Iterator[Found]:
    """ClientPortOptions forbids the client to authenticate, or to use STARTTLS.

    Bad (relay):
        O ClientPortOptions=Modifiers=A
    Good (relay):
        O ClientPortOptions=Family=inet
    """
    return told(context, "auth-client-off")


@rule("AU050", "auth-plain-cleartext", Severity.WARNING)
def auth_plain_cleartext(context: Context) -> Iterator[Found]:
    """Nothing demands encryption before the password is sent.

    sendmail authenticates on any connection on which AUTH is offered.  AuthOptions=p is for servers.  A guard in the
    ruleset authinfo helps, or TLS_Srv: in the access map.

    Bad (relay bare):
        --- /etc/mail/sendmail.cf
        Kauthinfo hash /etc/mail/authinfo
        Sauthinfo
        R$*<TAB>$: <$(authinfo AuthInfo:$&{server_name} $: ? $)>
        R<?><TAB>$@ no
        R<$*><TAB>$# $1
        --- /etc/mail/authinfo
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
        --- /etc/mail/authinfo.db made=hash
        authinfo:relay.example<TAB>"U:user" "P:invented"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-plain-cleartext", alone=False)


@rule("AU051", "auth-tls-off", Severity.ERROR)
def auth_tls_off(context: Context) -> Iterator[Found]:
    """The ruleset try_tls keeps sendmail from STARTTLS.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        Stry_tls
        R$*<TAB>$#error $@ 5.7.1 $: "550 do not try TLS"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-tls-off", alone=False)


@rule("AU052", "auth-guard-shut", Severity.ERROR)
def auth_guard_shut(context: Context) -> Iterator[Found]:
    """No session, not even one with a verified certificate, may see the password.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        Stls_server
        R$*<TAB>$#error $@ 4.7.0 $: "454 never"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-guard-shut", alone=False)


@rule("AU053", "auth-log-level", Severity.INFO)
def auth_log_level(context: Context) -> Iterator[Found]:
    """LogLevel is below 10: the log does not say whether sendmail authenticated.

    Bad (relay):
        O LogLevel=9
    Good (relay):
        O LogLevel=10
    """
    return told(context, "auth-log-level")


# The server.


@rule("AU054", "auth-server-plain", Severity.INFO)
def auth_server_plain(context: Context) -> Iterator[Found]:
    """As a server, sendmail offers PLAIN or LOGIN without encryption.

    AuthMechanisms is for both sides; AuthOptions with a p keeps the server from offering them in clear.

    Bad:
        O AuthMechanisms=LOGIN PLAIN
    Good:
        O AuthMechanisms=LOGIN PLAIN
        O AuthOptions=p
    """
    found = context.cf.options.all("AuthMechanisms")
    if found and {"PLAIN", "LOGIN"} & set(found[-1].value.upper().split()):
        letters = {
            word[0]
            for one in context.cf.options.all("AuthOptions")
            for word in re.findall("[A-Za-z]+", one.value)
        }
        if "p" not in letters:
            yield Found(found[-1].index, "clients may send a password in clear: AuthOptions has no p")


@rule("AU055", "auth-starttls-certs", Severity.INFO)
def auth_starttls_certs(context: Context) -> Iterator[Found]:
    """AuthMechanisms is set, and there is no certificate for the server side.

    Without ServerCertFile and ServerKeyFile sendmail offers no STARTTLS to its clients.

    Bad:
        O AuthMechanisms=LOGIN PLAIN
    Good:
        O AuthMechanisms=LOGIN PLAIN
        O ServerCertFile=/etc/mail/certs/host.pem
        O ServerKeyFile=/etc/mail/certs/host.key
    """
    found = context.cf.options.all("AuthMechanisms")
    if found and not context.cf.options.all("ServerCertFile"):
        yield Found(found[-1].index, "there is no ServerCertFile: clients are offered no STARTTLS")
