"""OP: DaemonPortOptions and ClientPortOptions, which are options of their own kind.

The one thing to know: commas separate the parts, of a key only the first letter counts, and a part without `=` is
ignored without a word.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Optional, Tuple

from attrs import frozen

from ...known.policies import CLIENT_MODIFIERS, DAEMON_MODIFIERS, PORT_KEYS
from ...record import Record
from ...text import encode, short_number
from ..context import Context, OptionLine
from ..host import service
from ..problem import Severity
from ..rule import Found, rule
from .options import inet_addr, is_inet6

_DEAD = "sendmail does not start"
_BLANKS = " \t\n\v\f\r"
_KEYS = {letter: row for row in PORT_KEYS for letter in row.letters}
#: Address families by name; others are given as numbers.
_FAMILIES = {"inet": 2, "inet6": 10, "unix": 1, "local": 1}
_MAX_PORT = 65535
#: The size of a local socket's name, with the NUL at its end; that of Linux.
_SOCKET_BYTES = 108


@frozen(eq=False, repr=False)
class _Part(Record):
    """A part between commas: its key, its value, and where it stands; without `=` the value is None."""

    key: str
    value: Optional[str]
    start: int
    end: int


@frozen(eq=False, repr=False)
class _Port(Record):
    """A line, and its parts."""

    line: OptionLine
    parts: Tuple[_Part, ...]

    @property
    def daemon(self) -> bool:
        return self.line.row.name == "DaemonPortOptions"

    def last(self, name: str) -> Optional[_Part]:
        """The last part of a key, which wins."""
        letters = next(row.letters for row in PORT_KEYS if row.name == name)
        found = [part for part in self.parts if part.value is not None and part.key[:1] in tuple(letters)]
        return found[-1] if found else None

    @property
    def family(self) -> Optional[int]:
        """The address family, which is inet where none is given; None where it is not known."""
        part = self.last("Family")
        if part is None:
            return _FAMILIES["inet"]
        value = part.value or ""
        if value[:1] in tuple("0123456789"):
            return short_number(value) & 0xFFFF
        return _FAMILIES.get(value.lower())


def _ports(context: Context, *names: str) -> Iterator[_Port]:
    for name in names or ("DaemonPortOptions", "ClientPortOptions"):
        for line in context.options.get(name, ()):
            yield _Port(line, tuple(_parts(line)))


def _parts(line: OptionLine) -> Iterator[_Part]:
    at = 0
    for text in line.value.split(","):
        body = text.lstrip(_BLANKS)
        if body:
            key, equals, value = body.partition("=")
            start = line.start + at + len(text) - len(body)
            yield _Part(key, value.lstrip(_BLANKS) if equals else None, start, start + len(body))
        at += len(text) + 1


def _known(context: Context, part: _Part) -> bool:
    row = _KEYS.get(part.key[:1])
    return row is not None and (not row.needs or context.settings.has(row.needs))


@rule("OP050", "daemon-key-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_key_unknown(context: Context) -> Iterator[Found]:
    """A part of a port option has a key that there is not.

    Bad:
        O DaemonPortOptions=Port=25, X=1
    Bad:
        OO CheckAliases=False
    Good:
        O DaemonPortOptions=Name=MTA, Port=25
    """
    for port in _ports(context):
        for part in port.parts:
            if part.value is not None and not _known(context, part):
                yield Found(
                    port.line.index, f"port options have no key {part.key or '='}", part.start, part.end
                )


@rule("OP051", "daemon-comma-missing", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_comma_missing(context: Context) -> Iterator[Found]:
    """A comma is missing between two parts of a port option, or Port= is empty.

    The second part is taken for a part of the value of the first, and no service is called so.

    Bad:
        O DaemonPortOptions=Port=smtp Name=MTA
    Bad:
        O DaemonPortOptions=Port=, Name=MTA
    Good:
        O DaemonPortOptions=Port=smtp, Name=MTA
    """
    for port in _ports(context):
        part = port.last("Port")
        if part is not None and _inet(port) and not _plausible(part.value or ""):
            why = (
                "a comma is missing behind the port"
                if "=" in (part.value or "")
                else "Port= names no service"
            )
            yield Found(port.line.index, why, part.start, part.end)


def _inet(port: _Port) -> bool:
    return port.family in (_FAMILIES["inet"], _FAMILIES["inet6"])


def _plausible(value: str) -> bool:
    """Whether a port is a number, or a text that a service may be called."""
    return value[:1] in tuple("0123456789") or re.fullmatch(r"[A-Za-z][A-Za-z0-9_.+*/-]*", value) is not None


@rule("OP052", "daemon-port-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_port_unknown(context: Context) -> Iterator[Found]:
    """Port= names a service that the host does not know.

    Case counts: SMTP is none.

    Bad:
        --- /etc/mail/sendmail.cf
        O DaemonPortOptions=Port=submision
        --- /etc/services
        smtp 25/tcp mail
        submission 587/tcp
    Good:
        --- /etc/mail/sendmail.cf
        O DaemonPortOptions=Port=submission
        --- /etc/services
        smtp 25/tcp mail
        submission 587/tcp
    """
    for port in _ports(context):
        part = port.last("Port")
        value = part.value or "" if part else ""
        named = part is not None and _inet(port) and _plausible(value) and value[0] not in "0123456789"
        if part is not None and named and service(context, value) is False:
            yield Found(port.line.index, f"there is no service {value}", part.start, part.end)


@rule("OP053", "daemon-family", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_family(context: Context) -> Iterator[Found]:
    """Family= is none that sendmail knows, or does not go with Port= or Addr=.

    A local socket has a path, in Addr=, and no port.

    Bad:
        O DaemonPortOptions=Family=inet4, Port=25
    Bad:
        O DaemonPortOptions=Family=unix, Port=25
    Good:
        O DaemonPortOptions=Family=inet6, Port=25
    """
    for port in _ports(context):
        for one in port.parts:
            value = one.value or ""
            named = (
                one.key[:1] in ("F", "f") and one.value is not None and value[:1] not in tuple("0123456789")
            )
            if named and value.lower() not in _FAMILIES:
                yield Found(port.line.index, f"there is no address family {value}", one.start, one.end)
        part, address = port.last("Port"), port.last("Addr")
        family = port.family
        if family is None or _inet(port):
            continue
        if part is not None:
            yield Found(port.line.index, "Port= does not go with this address family", part.start, part.end)
        elif address is not None and family != _FAMILIES["unix"]:
            yield Found(
                port.line.index, "Addr= does not go with this address family", address.start, address.end
            )


@rule("OP054", "daemon-address", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_address(context: Context) -> Iterator[Found]:
    """Addr= is neither an address of its family nor a host name.

    An IPv6 address needs Family=inet6; addresses stand without brackets.  A host name is looked up when sendmail
    starts, and is not judged here.

    Bad:
        O DaemonPortOptions=Addr=::1
    Bad:
        O DaemonPortOptions=Addr=[127.0.0.1]
    Good:
        O DaemonPortOptions=Addr=::1, Family=inet6
        O ClientPortOptions=Addr=192.0.2.1
    """
    for port in _ports(context):
        part = port.last("Addr")
        long = part is not None and len(encode(part.value or "")) >= _SOCKET_BYTES
        if part is not None and long and port.family == _FAMILIES["unix"]:
            why = f"a local socket's name has at most {_SOCKET_BYTES - 1} bytes"
            yield Found(port.line.index, why, part.start, part.end)
        if part is None or not _inet(port):
            continue
        value, six = part.value or "", port.family == _FAMILIES["inet6"]
        fits = is_inet6(value) if six else inet_addr(value) is not None
        name = re.fullmatch(r"[A-Za-z0-9_.-]*[A-Za-z][A-Za-z0-9_.-]*", value)
        if not fits and not name:
            yield Found(port.line.index, f"{value or 'nothing'} is no address here", part.start, part.end)


@rule("OP055", "daemon-delivery-mode", Severity.ERROR, reported="E", consequence=_DEAD)
def daemon_delivery_mode(context: Context) -> Iterator[Found]:
    """DeliveryMode= of a port is none.

    Bad:
        O DaemonPortOptions=Port=25, DeliveryMode=sync
    Good:
        O DaemonPortOptions=Port=25, DeliveryMode=queue
    """
    for port in _ports(context):
        for part in port.parts:
            if part.key[:1] == "D" and part.value is not None and part.value[:1] not in ("b", "i", "q", "d"):
                yield Found(port.line.index, f"there is no delivery mode {part.value}", part.start, part.end)


@rule("OP060", "daemon-part-without-equals", Severity.WARNING)
def daemon_part_without_equals(context: Context) -> Iterator[Found]:
    """A part of a port option has no `=`.

    sendmail ignores it.

    Bad:
        O DaemonPortOptions=smtp, Name=MTA
    Good:
        O DaemonPortOptions=Port=smtp, Name=MTA
    """
    for port in _ports(context):
        for part in port.parts:
            if part.value is None:
                yield Found(port.line.index, f"{part.key} has no =, and is ignored", part.start, part.end)


@rule("OP061", "daemon-port-range", Severity.WARNING)
def daemon_port_range(context: Context) -> Iterator[Found]:
    """Port= is no number of a port.

    sendmail reads the digits, and keeps sixteen bits of the number.

    Bad:
        O DaemonPortOptions=Port=99999
    Bad:
        O DaemonPortOptions=Port=25 Name=MTA
    Good:
        O DaemonPortOptions=Port=587
    """
    for port in _ports(context):
        part = port.last("Port")
        value = (part.value or "").rstrip(_BLANKS) if part else ""
        if part is None or not _inet(port) or value[:1] not in tuple("0123456789"):
            continue
        number = short_number(value)
        if number > _MAX_PORT or not re.fullmatch(r"[0-9]+", value):
            yield Found(port.line.index, f"sendmail takes port {number & 0xFFFF}", part.start, part.end)


@rule("OP062", "daemon-duplicate", Severity.WARNING)
def daemon_duplicate(context: Context) -> Iterator[Found]:
    """Two daemons have one name, or listen at one address and port.

    The second cannot take the port, and names tell daemons apart in rules.

    Bad:
        O DaemonPortOptions=Name=MTA
        O DaemonPortOptions=Name=MTA, Port=587
    Bad:
        O DaemonPortOptions=Name=MTA, Port=25
        O DaemonPortOptions=Name=MTB
    Good:
        O DaemonPortOptions=Name=MTA
        O DaemonPortOptions=Name=MSA, Port=587
    """
    seen: Dict[Tuple[str, ...], int] = {}
    for port in _ports(context, "DaemonPortOptions"):
        values = {name: part.value or "" for name in ("Name", "Port", "Addr") if (part := port.last(name))}
        where = (str(port.family), values.get("Addr", ""), _number(values.get("Port", "25")))
        keys: List[Tuple[str, ...]] = [where] if _inet(port) else []
        if "Name" in values:
            keys.append((values["Name"],))
        for key in keys:
            if key in seen:
                line = context.cf.line_number(seen[key])
                what = f"is called {key[0]}" if len(key) == 1 else "listens there"
                yield Found(port.line.index, f"the daemon of line {line} already {what}", *port.line.place())
                break
        for key in keys:
            seen.setdefault(key, port.line.index)


def _number(port: str) -> str:
    return {"smtp": "25", "submission": "587", "smtps": "465", "submissions": "465"}.get(port, port)


@rule("OP063", "daemon-public-a", Severity.WARNING)
def daemon_public_a(context: Context) -> Iterator[Found]:
    """The daemon of port 25 wants authentication of everybody.

    Then no other server can deliver mail here; the modifier a is for the port of submission.

    Bad:
        O DaemonPortOptions=Name=MTA, Port=smtp, Modifiers=a
    Good:
        O DaemonPortOptions=Name=MSA, Port=587, Modifiers=Ea
    """
    for port in _ports(context, "DaemonPortOptions"):
        number, address, modifiers = port.last("Port"), port.last("Addr"), port.last("Modifiers")
        letters = (modifiers.value or "") if modifiers else ""
        local = address is not None and (address.value or "").startswith(
            ("127.", "::1", "localhost", "IPv6:::1")
        )
        public = _inet(port) and _number((number.value or "") if number else "25") == "25" and not local
        if modifiers is not None and "a" in letters and "A" not in letters and public:
            yield Found(
                port.line.index,
                "other servers do not authenticate to port 25",
                modifiers.start,
                modifiers.end,
            )


@rule("OP064", "daemon-modifier-unknown", Severity.WARNING)
def daemon_modifier_unknown(context: Context) -> Iterator[Found]:
    """A letter of Modifiers= is not known.

    sendmail keeps it for ${daemon_flags}, and does nothing with it.

    Bad:
        O DaemonPortOptions=Name=MTA, Modifiers=Z
    Good:
        O DaemonPortOptions=Name=MTA, Modifiers=E
    """
    for port in _ports(context):
        part = port.last("Modifiers")
        known = {row.name for row in (DAEMON_MODIFIERS if port.daemon else CLIENT_MODIFIERS)}
        for letter in dict.fromkeys((part.value or "") if part else ""):
            if part is not None and letter.isalpha() and letter not in known:
                yield Found(port.line.index, f"there is no modifier {letter}", part.start, part.end)


@rule("OP065", "daemon-key-misread", Severity.WARNING)
def daemon_key_misread(context: Context) -> Iterator[Found]:
    """The key of a part of a port option is read as another one.

    Only the first letter counts, so `Foo=1` is Family=1.

    Bad:
        O DaemonPortOptions=Name=MTA, Access=127.0.0.1
    Good:
        O DaemonPortOptions=Name=MTA, Addr=127.0.0.1
    """
    for port in _ports(context):
        for part in port.parts:
            row = _KEYS.get(part.key[:1])
            word = part.key.rstrip(_BLANKS).lower()
            if (
                part.value is not None
                and row is not None
                and len(word) > 1
                and word[:3] != row.name.lower()[:3]
            ):
                alike = _ALIKE.get(row.name, ())
                if not word.startswith(alike or ("\0",)):
                    yield Found(
                        port.line.index,
                        f"{part.key} is read as {row.name}",
                        part.start,
                        part.start + len(part.key),
                    )


#: Other spellings of keys that op.me and files have.
_ALIKE: Dict[str, Tuple[str, ...]] = {"SndBufSize": ("send",), "RcvBufSize": ("recv", "receive")}
