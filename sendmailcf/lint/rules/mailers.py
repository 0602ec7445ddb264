"""ML: mailers.

The one thing to know: P= and A= are what a mailer cannot be without, and local is the mailer that sendmail
cannot be without.  A field ends at a comma and nowhere else.
"""

from __future__ import annotations

import re
from bisect import bisect
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Tuple

from attrs import evolve, frozen

from ...expressions import Symbol
from ...known.mailers import MAILER_EQUATES
from ...nodes import BadLine, Equate, MailerDefinition, QueueGroup, Ruleset, value_of
from ...record import Record
from ...references import MAILER
from ...text import nearest, short_number, stored
from ...values import MAX_FIELD_BYTES, field_items, field_list, field_text
from ..context import Context
from ..host import group, user
from ..problem import Edit, Fix, Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"
#: Mailers that there are without a definition.
PREDEFINED = ("prog", "*file*", "*include*")
MAX_MAILERS = 25
#: Words behind $# that no mailer has to be defined for.
_HANDLED = (*PREDEFINED, "error", "discard")
_KEYS: Dict[str, str] = {row.letter: row.name for row in MAILER_EQUATES}
#: The fields that must not be empty, with what sendmail calls them.
_NOT_EMPTY = {
    "E": "end of a line", "C": "character set", "D": "working directory", "/": "root directory", "Q": "queue group",
}  # fmt: skip
#: Rulesets whose $# names a mailer, whatever calls them; other rulesets return other words so.
_PARSING = frozenset({"0", "parse", "Parse0", "Parse1", "ParseLocal", "98", "localaddr", "5"})
_MAX_RULESET = 99
_BLANKS = " \t\n\v\f\r"


@frozen(eq=False, repr=False)
class _Field(Record):
    """A field: its key's first character, its text as sendmail stores it, and where it stands.

    One without `=`, which only a line with a field that is too long has here, has the key "".
    """

    key: str
    text: str
    equate: Equate
    start: int
    end: int


@lru_cache(maxsize=32)
def _fields(node: MailerDefinition) -> Tuple[_Field, ...]:
    at, found = 1 + len(node.name), []
    for one in node.equates:
        start, at = at + len(one.gap), at + len(str(one))
        found.append(_Field(one.key[0], field_text(one.value), one, start, at))
    if at > MAX_FIELD_BYTES and any(len(one.text) * 2 > MAX_FIELD_BYTES for one in found):
        rest = value_of("".join(map(str, node.equates)))
        found = [
            _Field(key if text is not None else "", text or "", Equate(key=key, value=text), 1, at)
            for key, text in field_list(rest)
        ]
    return tuple(found)


def _last(node: MailerDefinition, key: str) -> str:
    """The text of the last field of a key that is not empty: an empty P= or A= changes nothing."""
    return next((one.text for one in reversed(_fields(node)) if one.key == key and one.text), "")


def _argv(node: MailerDefinition) -> List[str]:
    text = _last(node, "A")
    return re.split(f"[{_BLANKS}]+", text.rstrip(_BLANKS)) if text else []


def _place(node: MailerDefinition) -> Tuple[int, int]:
    return 1, 1 + len(node.name)


@rule("ML001", "mailer-no-path", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_no_path(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has no P=.

    Bad:
        Mx, F=l, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    if not _last(node, "P"):
        yield Found(index, f"the mailer {node.name} has no P=", *_place(node))


@rule("ML002", "mailer-no-argv", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_no_argv(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has no A=.

    Bad:
        Mx, P=/bin/true, F=l
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    if _last(node, "P") and not _last(node, "A"):
        yield Found(index, f"the mailer {node.name} has no A=", *_place(node))


@rule("ML003", "mailer-local-missing", Severity.ERROR, reported="E", consequence=_DEAD)
def mailer_local_missing(context: Context) -> Iterator[Found]:
    """No mailer is named local.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    if "local" not in context.cf.mailers:
        yield Found(None, "there is no mailer local")


@rule("ML004", "mailer-no-name", Severity.ERROR, bad="M", reported="E", consequence=_DEAD)
def mailer_no_name(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A mailer has no name.

    Bad:
        M, P=/bin/true, F=l, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    if node.text[1:2] in ("", ",", "\0", *_BLANKS):
        yield Found(index, "the mailer has no name")


@rule(
    "ML005",
    "mailer-trailing-comma",
    Severity.ERROR,
    MailerDefinition,
    bad="M",
    reported="E",
    consequence=_DEAD,
)
def mailer_trailing_comma(context: Context, index: int, node: MailerDefinition | BadLine) -> Iterator[Found]:
    """A mailer's line ends in a comma, or has a field without `=`.

    Behind each comma sendmail wants another field, and drops the whole mailer where there is none.  A field of more
    than 2047 bytes is cut, and its rest taken for the next one.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u,
    Bad:
        Mx, P=/bin/true, lsDFM, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    if isinstance(node, MailerDefinition):
        if any(not one.key for one in _fields(node)):
            yield Found(index, f"a field has more than {MAX_FIELD_BYTES} bytes, and no = stands in its rest")
        return
    if index in context.refused:
        return
    text = node.text.rstrip(_BLANKS)
    if text.endswith(","):
        yield Found(index, "the line ends in a comma", len(text) - 1, len(text))
    else:
        yield Found(index, "a field of the mailer has no =")


@rule("ML006", "mailer-key-unknown", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_key_unknown(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A field of a mailer has a key that there is not.

    Only the first character counts, and its case does: m= and M= are different fields, and p= is none.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, Z=1
    Bad:
        Mx, P=/bin/true, F=l, A=true $u, s=10
    Good:
        Mx, P=/bin/true, F=l, A=true $u, S=10, m=5
        S10
        R$*<TAB>$@ $1
    """
    for one in _fields(node):
        # A repair of a second S= could not be told from the first.
        if one.key and one.key not in _KEYS and not _unread(node, one):
            upper = one.key.upper()
            hint = upper if upper in _KEYS and node.equate(upper) is None else None
            fix = None
            if hint is not None:
                key = hint + one.equate.key[1:]
                equates = tuple(evolve(e, key=key) if e is one.equate else e for e in node.equates)
                fix = Fix(f"Write {key}=", (Edit(index, (evolve(node, equates=equates),)),), safe=False)
            end = one.start + len(one.equate.key)
            yield Found(index, f"mailers have no field {one.equate.key}=", one.start, end, hint=hint, fix=fix)


def _unread(node: MailerDefinition, field: _Field) -> bool:
    """Whether a field stands behind one at which sendmail gives the mailer up."""
    return any(
        one.key in ("S", "R") and _bad_ruleset(one.text) for one in _fields(node) if one.start < field.start
    )


@rule("ML007", "mailer-field-empty", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_field_empty(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A field that must have a value is empty.

    E=, C=, D=, Q= and /= may be left out, but not be empty.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, E=
    Good:
        Mx, P=/bin/true, F=l, A=true $u, E=@
    """
    for one in _fields(node):
        if one.key in _NOT_EMPTY and not one.text and not _unread(node, one):
            yield Found(index, f"the {_NOT_EMPTY[one.key]} of the mailer is empty", one.start, one.end)


@rule("ML008", "mailer-ruleset-bad", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_ruleset_bad(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """S= or R= of a mailer names no ruleset.

    A name begins with a letter; a number is 0 to 99; behind a slash stands the second of the two.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, S=100
    Bad:
        Mx, P=/bin/true, F=l, A=true $u, S=_x
    Bad:
        Mx, P=/bin/true, F=l, A=true $u, R=10/
        S10
        R$*<TAB>$@ $1
    Good:
        Mx, P=/bin/true, F=l, A=true $u, S=10/HdrFrom
        S10
        R$*<TAB>$@ $1
        SHdrFrom
        R$*<TAB>$@ $1
    """
    for one in _fields(node):
        if one.key in ("S", "R"):
            why = _bad_ruleset(one.text)
            if why:
                yield Found(index, why, one.start, one.end)
                return


_RULESET = re.compile(
    rf"[{_BLANKS}]*(?:(?P<number>[0-9]+)|(?P<name>[A-Za-z][A-Za-z0-9_]*)[{_BLANKS}]*"
    rf"(?P<equals>=[{_BLANKS}]*(?P<value>[0-9]+)?)?)"
)


def _bad_ruleset(text: str) -> str:
    """Why sendmail takes no rulesets from S= or R=; "" if it does.  What stands behind a name is ignored."""
    for part in range(2):
        found = _RULESET.match(text)
        if found is None:
            return f"{text!r} names no ruleset" if text else "a ruleset is missing"
        number = found.group("number") or found.group("value")
        if found.group("equals") and number is None:
            return f"behind {found.group('name')}= stands no number"
        if number is not None and short_number(number) & 0xFFFFFFFF > _MAX_RULESET:
            return f"there is no ruleset {number}: numbers are 0 to {_MAX_RULESET}"
        text = text[found.end() :]
        if part or text[:1] != "/":
            break
        text = text[1:]
    return ""


@rule("ML009", "mailer-tcp", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_tcp(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer of the network has P=[TCP].

    It is [IPC] since 8.10.

    Bad:
        Mx, P=[TCP], F=l, A=TCP $h
    Good:
        Mx, P=[IPC], F=l, A=TCP $h
    """
    if _last(node, "P") == "[TCP]" and _argv(node):
        fix = Fix("Write P=[IPC]", (Edit(index, (_with(node, "P", "[IPC]"),)),))
        yield Found(index, "[TCP] is now [IPC]", *_of(node, "P"), hint="[IPC]", fix=fix)


def _of(node: MailerDefinition, key: str) -> Tuple[int, int]:
    """Where the last field of a key stands."""
    return next((one.start, one.end) for one in reversed(_fields(node)) if one.key == key)


def _with(node: MailerDefinition, key: str, value: str) -> MailerDefinition:
    """The mailer with another value for the fields of a key."""
    return evolve(node, equates=tuple(evolve(e, value=value) if e.key[0] == key else e for e in node.equates))


@rule("ML010", "mailer-ipc-few", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_ipc_few(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer of the network has no host in A=.

    Bad:
        Mx, P=[IPC], F=l, A=TCP
    Good:
        Mx, P=[IPC], F=l, A=TCP $h
    """
    if _last(node, "P") == "[IPC]" and len(_argv(node)) == 1:
        yield Found(index, "A= of an [IPC] mailer is TCP and a host, or FILE and a path", *_of(node, "A"))


@rule(
    "ML011",
    "mailer-ipc-argv",
    Severity.WARNING,
    MailerDefinition,
    reported="W",
    consequence="sendmail takes TCP",
)
def mailer_ipc_argv(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A= of a mailer of the network begins with neither TCP nor FILE.

    Case counts.

    Bad:
        Mx, P=[IPC], F=l, A=IPC $h
    Bad:
        Mx, P=[IPC], F=l, A=tcp $h
    Good:
        Mx, P=[IPC], F=l, A=TCP $h
    """
    argv = _argv(node)
    if _last(node, "P") == "[IPC]" and len(argv) > 1 and argv[0] not in ("TCP", "FILE"):
        yield Found(
            index,
            f"A= of an [IPC] mailer begins with TCP or FILE, not {argv[0]}",
            *_of(node, "A"),
            hint="TCP",
        )


@rule("ML012", "mailer-file-argv", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_file_argv(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A= of a mailer with P=[FILE] is not FILE and one word.

    Bad:
        Mx, P=[FILE], F=l, A=FILE
    Bad:
        Mx, P=[FILE], F=l, A=FILE $u x
    Bad:
        Mx, P=[FILE], F=l, A=file $u
    Good:
        Mx, P=[FILE], F=l, A=FILE $u
    """
    argv = _argv(node)
    if _last(node, "P") == "[FILE]" and argv and (len(argv) != 2 or argv[0] != "FILE"):
        yield Found(index, "A= of a [FILE] mailer is FILE and one more word", *_of(node, "A"))


@rule("ML013", "mailer-too-many", Severity.ERROR, reported="E", consequence=_DEAD)
def mailer_too_many(context: Context) -> Iterator[Found]:
    """There are more than 25 mailers, with the three that sendmail has itself.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
        Ma, P=/x, A=a
        Mb, P=/x, A=a
        Mc, P=/x, A=a
        Md, P=/x, A=a
        Me, P=/x, A=a
        Mf, P=/x, A=a
        Mg, P=/x, A=a
        Mh, P=/x, A=a
        Mi, P=/x, A=a
        Mj, P=/x, A=a
        Mk, P=/x, A=a
        Ml, P=/x, A=a
        Mm, P=/x, A=a
        Mn, P=/x, A=a
        Mo, P=/x, A=a
        Mp, P=/x, A=a
        Mq, P=/x, A=a
        Mr, P=/x, A=a
        Ms, P=/x, A=a
        Mt, P=/x, A=a
        Mu, P=/x, A=a
        Mv, P=/x, A=a
    Good:
        Ma, P=/x, A=a
        Mprog, P=/bin/true, A=true $u
    """
    names = set(PREDEFINED)
    for index, node in context.cf.of_kind(MailerDefinition):
        if index in context.refused:
            continue
        if len(names) >= MAX_MAILERS:
            yield Found(index, f"there are more than {MAX_MAILERS} mailers", *_place(node))
        names.add(node.name.lower())


@rule("ML014", "mailer-queue-unknown", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_queue_unknown(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """Q= of a mailer names a queue group that is not defined above it.

    The group mqueue is always there.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, Q=nosuch
    Good:
        Qlater, P=/var/spool/mqueue
        Mx, P=/bin/true, F=l, A=true $u, Q=later
    """
    for one in _fields(node):
        if one.key == "Q" and one.text and not _unread(node, one):
            groups = {q.name.lower(): at for at, q in reversed(list(context.cf.of_kind(QueueGroup)))}
            at = -1 if one.text.lower() == "mqueue" else groups.get(one.text.lower())
            if at is None or at > index:
                why = "there is no queue group" if at is None else "only below is defined the queue group"
                yield Found(index, f"{why} {one.text}", one.start, one.end, hint=_near(one.text, groups))


def _near(name: str, names: Dict[str, int]) -> Optional[str]:
    return nearest(name.lower(), names)


@rule("ML015", "mailer-user-unknown", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_user_unknown(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """U= of a mailer names a user or group that the host does not have.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, U=
    Bad:
        --- /etc/mail/sendmail.cf
        Mx, P=/bin/true, F=l, A=true $u, U=nosuch
        --- /etc/passwd
        root:x:0:0:root:/root:/bin/sh
        mail:x:8:8:mail:/var/mail:/bin/sh
    Good:
        --- /etc/mail/sendmail.cf
        Mx, P=/bin/true, F=l, A=true $u, U=mail:8
        --- /etc/passwd
        root:x:0:0:root:/root:/bin/sh
        mail:x:8:8:mail:/var/mail:/bin/sh
    """
    for one in _fields(node):
        if one.key == "U" and not _unread(node, one):
            named, grouped = _user_group(one.text)
            if named == "":
                yield Found(index, "U= names no user", one.start, one.end)
            elif named is not None and user(context, named) == (-1, -1):
                yield Found(index, f"there is no user {named}", one.start, one.end)
            elif grouped == "":
                yield Found(index, "U= names no group", one.start, one.end)
            elif grouped is not None and group(context, grouped) == -1:
                yield Found(index, f"there is no group {grouped}", one.start, one.end)


def _user_group(text: str) -> Tuple[Optional[str], Optional[str]]:
    """The names in U=: None where a number stands or nothing at all, "" where a name is missing."""
    named: Optional[str] = None
    if not text.isascii():
        text = stored(text).decode("latin-1")
    if text[:1].isascii() and text[:1] not in tuple("0123456789"):
        found = re.match(r"[A-Za-z0-9_-]*", text)
        named = found.group() if found else ""
    else:
        found = re.match(r"[+-]?(?:0[xX][0-9A-Fa-f]+|[0-9]+)|", text)
    rest = text[found.end() if found else 0 :].lstrip(_BLANKS)[1:].lstrip(_BLANKS)
    if not rest or not rest[0].isascii() or rest[0] in "0123456789":
        return named, None
    group_found = re.match(r"[A-Za-z0-9_.-]*", rest)
    return named, group_found.group() if group_found else ""


@rule("ML020", "mailer-comma", Severity.WARNING, MailerDefinition)
def mailer_comma(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A comma is missing between two fields of a mailer.

    The second field becomes part of the value of the first.

    Bad:
        Mx, P=/bin/true, F=l S=10, A=true $u
    Good:
        Mx, P=/bin/true, F=l, S=10, A=true $u
        S10
        R$*<TAB>$@ $1
    """
    for one in _fields(node):
        found = re.search(f"[{_BLANKS}]([A-Z/mr])=", one.text) if one.key != "A" else None
        if found and found.group(1) in _KEYS:
            yield Found(
                index,
                f"{found.group(1)}= is part of {one.equate.key}=: a comma is missing",
                one.start,
                one.end,
            )


@rule("ML021", "mailer-comma-first", Severity.WARNING, MailerDefinition)
def mailer_comma_first(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A comma stands at the beginning of a line, or behind a blank.

    A field runs to its comma: the white space before it, and the end of the line, become part of the value.  So
    `P=[IPC] ,` is a program of that name.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u
        <TAB>, S=10
        S10
        R$*<TAB>$@ $1
    Good:
        Mx, P=/bin/true, F=l, A=true $u,
        <TAB>S=10
        S10
        R$*<TAB>$@ $1
    """
    for one in _fields(node):
        raw = one.equate.value or ""
        if raw != raw.rstrip(_BLANKS) and (
            one.key not in ("A", "F") or "\n" in raw[len(raw.rstrip(_BLANKS)) :]
        ):
            yield Found(
                index, f"white space before the comma is part of {one.equate.key}=", one.start, one.end
            )


@rule("ML022", "mailer-ipc-case", Severity.WARNING, MailerDefinition)
def mailer_ipc_case(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """P= is [IPC] or [FILE] in another case, or another word in brackets.

    sendmail takes it for the path of a program, and each delivery fails.

    Bad:
        Mx, P=[ipc], F=l, A=TCP $h
    Bad:
        Mx, P=[LPC], F=l, A=TCP $h
    Good:
        Mx, P=[IPC], F=l, A=TCP $h
    """
    path = _last(node, "P")
    if re.fullmatch(r"\[[A-Za-z]*\]", path) and path not in ("[IPC]", "[FILE]", "[TCP]"):
        hint = next((one for one in ("[IPC]", "[FILE]") if one == path.upper()), None)
        fix = Fix(f"Write P={hint}", (Edit(index, (_with(node, "P", hint),)),), safe=False) if hint else None
        yield Found(index, f"{path} is the path of a program here", *_of(node, "P"), hint=hint, fix=fix)


@rule("ML023", "mailer-flag-l", Severity.INFO, MailerDefinition)
def mailer_flag_l(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has the flag L and no L=.

    The flag limits lines to 990 bytes.

    Bad:
        Mx, P=/bin/true, F=lL, A=true $u
    Good:
        Mx, P=/bin/true, F=lL, L=990, A=true $u
    """
    if node.equate("L") is None:
        for one in _fields(node):
            if one.key == "F" and "L" in one.text:
                yield Found(index, "the flag L breaks lines of more than 990 bytes", one.start, one.end)


@rule("ML024", "mailer-flag-i", Severity.WARNING, MailerDefinition)
def mailer_flag_i(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has the flag I.

    It was for talking to another sendmail, does nothing since 8.15, and sendmail writes a warning to the log.

    Bad:
        Mx, P=/bin/true, F=lI, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    for one in _fields(node):
        if one.key == "F" and "I" in one.text:
            yield Found(index, "the flag I is deprecated", one.start, one.end)


@rule("ML025", "mailer-duplicate", Severity.WARNING)
def mailer_duplicate(context: Context) -> Iterator[Found]:
    """A mailer is defined twice.

    The last definition takes the place of the first as a whole.  Case does not count in names.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u
        MX, P=/bin/false, F=l, A=false $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
        My, P=/bin/false, F=l, A=false $u
    """
    seen: Dict[str, int] = {}
    for index, node in context.cf.of_kind(MailerDefinition):
        name = node.name.lower()
        if name in seen:
            line = context.cf.line_number(seen[name])
            yield Found(index, f"the mailer {node.name} is already defined on line {line}", *_place(node))
        seen[name] = index


@rule("ML026", "mailer-undefined", Severity.WARNING, consequence="mail that comes to this rule fails")
def mailer_undefined(context: Context) -> Iterator[Found]:
    """A rule that resolves addresses names a mailer that is not defined.

    sendmail finds out when the rule is used: `buildaddr: unknown mailer`.

    Bad:
        S5
        Rx<TAB>$#nosuch $: x
    Good:
        S5
        Rx<TAB>$#error $@ 5.1.1 $: no such user
    """
    known = context.definitions(MAILER)
    starts = [(at, node) for at, node in context.cf.of_kind(Ruleset)]
    places = [at for at, _ in starts]
    used = context.uses(MAILER)
    for name in used:
        if name in known or name in _HANDLED:
            continue
        for use in used[name]:
            at = bisect(places, use.index)
            if at and not _PARSING.isdisjoint(starts[at - 1][1].both):
                hint = nearest(name, [*known, "error", "discard"])
                yield Found(use.index, f"there is no mailer {use.name}", use.start, use.end, hint=hint)


@rule("ML027", "mailer-ruleset-undefined", Severity.WARNING)
def mailer_ruleset_undefined(context: Context) -> Iterator[Found]:
    """S= or R= of a mailer names a ruleset without rules.

    sendmail rewrites nothing then, and says nothing.  Numbers are not judged: files of the package sendmail-cf name
    some that have no rules.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, S=EnvFormX
    Good:
        Mx, P=/bin/true, F=l, A=true $u, S=EnvFromX
        SEnvFromX
        R$*<TAB>$@ $1
    """
    rulesets = context.reading.rulesets
    for index, node in context.cf.of_kind(MailerDefinition):
        for one in _fields(node):
            if one.key not in ("S", "R") or _bad_ruleset(one.text):
                continue
            for part in one.text.split("/")[:2]:
                found = _RULESET.match(part)
                name = found and found.group("name")
                if name and not rulesets.get(name):
                    full = [key for key, rules in rulesets.items() if rules]
                    hint = nearest(name, full)
                    yield Found(index, f"the ruleset {name} has no rules", one.start, one.end, hint=hint)


@rule("ML028", "mailer-user-group-name", Severity.INFO, MailerDefinition)
def mailer_user_group_name(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """U= of a mailer gives a group by its name.

    sendmail 8.17.1 then reads on behind the end of the field, and may overwrite another mailer.  Give a number.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, U=mail:mail
    Good:
        Mx, P=/bin/true, F=l, A=true $u, U=mail:8
    """
    for one in _fields(node):
        if one.key == "U" and _user_group(one.text)[1]:
            yield Found(index, "a group in U= has to be a number", one.start, one.end)


@rule("ML029", "mailer-number", Severity.WARNING, MailerDefinition)
def mailer_number(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A field that is a number holds something else.

    sendmail reads digits as far as they go, and knows no suffixes: M=10k are ten bytes.

    Bad:
        Mx, P=/bin/true, F=l, A=true $u, M=10k
    Good:
        Mx, P=/bin/true, F=l, A=true $u, M=10240
    """
    for one in _fields(node):
        if one.key in ("M", "L", "m", "r", "N") and not re.fullmatch(r"[+-]?[0-9]+[ \t\n\v\f\r]*", one.text):
            yield Found(index, f"{one.text!r} is no number", one.start, one.end)


@rule("ML030", "mailer-macro-in-path", Severity.WARNING, MailerDefinition)
def mailer_macro_in_path(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """P= of a mailer holds a macro.

    sendmail does not expand it: A=, D= and /= are expanded, P= is not.

    Bad:
        DX/bin/true
        Mx, P=$X, F=l, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    for one in _fields(node):
        if one.key == "P" and any(isinstance(item, Symbol) for item in field_items(one.equate.value)):
            yield Found(index, "a macro in P= is not expanded", one.start, one.end)


@rule("ML031", "mailer-shell", Severity.INFO, MailerDefinition)
def mailer_shell(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """The mailer prog runs a shell.

    Any program can then be named in aliases and .forward files; smrsh runs only those of one directory.

    Bad:
        Mprog, P=/bin/sh, F=lsDFMoqeu9, A=sh -c $u
    Good:
        Mprog, P=/usr/lib/sm.bin/smrsh, F=lsDFMoqeu9, A=smrsh -c $u
    """
    path = _last(node, "P")
    if node.name.lower() == "prog" and path.endswith("sh") and not path.endswith("smrsh"):
        yield Found(index, "the mailer prog runs any program", *_of(node, "P"))
