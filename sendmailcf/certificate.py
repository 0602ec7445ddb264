"""What a server's certificate says of itself: names, issuer, dates.

The one thing to know: it is read from its DER as it came, believed or not; the `ssl` module tells the contents of a
certificate only after it has verified it.  X.509 as RFC 5280 gives it; what cannot be read is left empty.
"""

from __future__ import annotations

import datetime
import socket
from typing import Iterator, List, Optional, Tuple

from attrs import frozen

from .record import Record

_COMMON_NAME = bytes((0x55, 0x04, 0x03))
_ORGANISATION = bytes((0x55, 0x04, 0x0A))
_ALT_NAME = bytes((0x55, 0x1D, 0x11))
_SEQUENCE, _SET, _OID, _OCTETS, _UTC_TIME = 0x30, 0x31, 0x06, 0x04, 0x17
_VERSION, _EXTENSIONS, _DNS_NAME, _IP_NAME = 0xA0, 0xA3, 0x82, 0x87


@frozen(eq=False, repr=False)
class Certificate(Record):
    """subject, issuer: common name, else organisation.  names: of hosts and addresses it is for.

    not_before, not_after: in UTC; None if unreadable.
    """

    subject: str
    issuer: str
    names: Tuple[str, ...]
    not_before: Optional[datetime.datetime]
    not_after: Optional[datetime.datetime]

    def is_for(self, host: str) -> bool:
        """Whether a host is among the names; a `*` stands for one first label (RFC 6125)."""
        host = host.strip("[]").rstrip(".").lower()
        for name in self.names or (self.subject,):
            known = name.lower()
            if known == host or (known.startswith("*.") and host.partition(".")[2] == known[2:]):
                return True
        return False


def read(der: bytes) -> Certificate:
    """The certificate in DER.  Raises ValueError for bytes that are none."""
    try:
        outer = next(_parts(der))[1]
        parts = list(_parts(next(_parts(outer))[1]))
        if parts[0][0] == _VERSION:
            parts = parts[1:]
        issuer, validity, subject = parts[2][1], parts[3][1], parts[4][1]
        extensions = next((body for tag, body in parts if tag == _EXTENSIONS), b"")
        begin, end = [_moment(tag, body) for tag, body in _parts(validity)]
        return Certificate(_named(subject), _named(issuer), tuple(_names(extensions)), begin, end)
    except (IndexError, StopIteration, UnicodeDecodeError) as error:
        raise ValueError("no certificate in DER") from error


def _parts(data: bytes) -> Iterator[Tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[at : at + count], "big")
            at += count
        if at + length > len(data):
            raise IndexError("cut short")
        yield tag, data[at : at + length]
        at += length


def _named(name: bytes) -> str:
    found = {}
    for _, group in _parts(name):
        for _, pair in _parts(group):
            (_, kind), (_, value) = list(_parts(pair))[:2]
            found[kind] = value.decode("utf-8", "backslashreplace")
    return found.get(_COMMON_NAME) or found.get(_ORGANISATION) or ""


def _names(extensions: bytes) -> List[str]:
    found: List[str] = []
    for _, all_of_them in _parts(extensions):
        for _, one in _parts(all_of_them):
            parts = list(_parts(one))
            if parts[0][1] != _ALT_NAME:
                continue
            for _, names in _parts(parts[-1][1]):
                for tag, body in _parts(names):
                    if tag == _DNS_NAME:
                        found.append(body.decode("ascii", "backslashreplace"))
                    elif tag == _IP_NAME and len(body) in (4, 16):
                        family = socket.AF_INET if len(body) == 4 else socket.AF_INET6
                        found.append(socket.inet_ntop(family, body))
    return found


def _moment(tag: int, body: bytes) -> Optional[datetime.datetime]:
    text = body.decode("ascii", "replace")
    if tag == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    try:
        return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
