"""The name under which sendmail will know a server: hosts file, MX, CNAME and address, asked of the name servers.

The one thing to know: sendmail asks the DNS itself, so this does too.  Without brackets a host stands for its MX
hosts, and ${server_name} is the name of the MX host; without MX it is the host's own name, even if the DNS calls that
an alias (one of the hosts file counts, where the DNS was asked first).  With brackets a host stands for itself, and the
name is what is left after the aliases.  All of it was tried on sendmail 8.17.1.  Only questions for MX, A and AAAA are
asked, over UDP, and over TCP where an answer was cut short (RFC 1035).
"""

from __future__ import annotations

import os
import random
import re
import socket
import struct
import time
from typing import Dict, List, Optional, Sequence, Tuple

from attrs import frozen

from .errors import SendmailCfError
from .record import Record

A, CNAME, MX, AAAA = 1, 5, 15, 28
_MAX_ALIASES = 8
_NO_SUCH_NAME = 3


class HostUnknownError(SendmailCfError):
    """There is no such host: sendmail gives the mail back."""


class NameServerError(SendmailCfError):
    """No name server answers: sendmail keeps the mail."""


@frozen(eq=False, repr=False)
class Route(Record):
    """One server to try: its name as ${server_name} will be, its addresses, and how it was found."""

    name: str
    addresses: Tuple[str, ...]
    found: str


@frozen(eq=False, repr=False)
class _Record(Record):
    name: str
    kind: int
    text: str
    preference: int = 0


class Resolver:
    """Names to servers.

    servers: addresses of name servers, `address` or `address:port` (IPv4); None for those of resolv.conf.  seconds:
    how long to wait for one answer.  etc: the directory of hosts, nsswitch.conf and resolv.conf.
    """

    def __init__(
        self, servers: Optional[Sequence[str]] = None, *, seconds: float = 5.0, etc: str = "/etc"
    ) -> None:
        self._etc, self._seconds = etc, seconds
        self._servers = [_endpoint(one) for one in servers or self._configured()]
        self._use_dns = servers is not None or "dns" in self._sources()
        self._hosts = self._read_hosts()

    def routes(self, host: str) -> List[Route]:
        """The servers that sendmail tries for the host of a mailer, in order.

        Raises HostUnknownError and NameServerError.
        """
        if host.startswith("["):
            inner = host.strip("[]")
            if _is_address(inner):
                return [Route(host, (inner.rpartition("IPv6:")[2],), "an address in brackets")]
            return [self._direct(inner, "in brackets: no MX is asked for", canonical=True)]
        exchangers, aliased = self._exchangers(host) if self._use_dns else ([], False)
        if not exchangers:
            return [self._direct(host, "no MX", canonical=self._use_dns and not aliased)]
        found, problem = [], None
        for one in exchangers:
            try:
                found.append(self._direct(one.text, f"MX {one.preference} of {host}"))
            except SendmailCfError as error:
                problem = error
        if not found and problem is not None:
            raise problem
        return found

    def canonical(self, host: str) -> str:
        """The name with a domain that the hosts file has for a host; else the host as it is."""
        first, _ = self._hosts.get(host.lower(), (host, []))
        return first if "." in first and "." not in host else host

    def _exchangers(self, host: str) -> Tuple[List[_Record], bool]:
        """The MX records, the best first, and whether the host is an alias in the DNS."""
        try:
            records, name = self._answers(host, MX)
        except HostUnknownError:
            return [], False  # it may stand in the hosts file
        ordered = sorted((one for one in records if one.kind == MX), key=lambda one: one.preference)
        return ordered, name.lower() != host.rstrip(".").lower()

    def _direct(self, host: str, found: str, *, canonical: bool = False) -> Route:
        first, addresses = self._hosts.get(host.lower().rstrip("."), (host, []))
        own = host.rstrip(".")
        if addresses:
            return Route(first.rstrip(".") if canonical else own, tuple(addresses), f"{found}, hosts file")
        if not self._use_dns:
            raise HostUnknownError(f"{host}: host not found in {self._etc}/hosts")
        addresses, name = [], host
        unknown: Optional[HostUnknownError] = None
        for kind in (A, AAAA):
            try:
                records, name = self._answers(host, kind)
                addresses += [one.text for one in records if one.kind == kind]
            except HostUnknownError as error:
                unknown = error
            except NameServerError:
                if not addresses:
                    raise
        if not addresses:
            raise unknown or HostUnknownError(f"{host}: no address")
        name = name.rstrip(".")
        alias = f", an alias of {name}" if name.lower() != own.lower() and not canonical else ""
        return Route(name if canonical else own, tuple(addresses), found + alias)

    # The system's files.
    def _text(self, name: str) -> List[str]:
        try:
            with open(os.path.join(self._etc, name), encoding="utf-8", errors="surrogateescape") as file:
                return [line.partition("#")[0] for line in file.read().split("\n")]
        except OSError:
            return []

    def _configured(self) -> List[str]:
        words = [line.split() for line in self._text("resolv.conf")]
        found = [word[1] for word in words if len(word) > 1 and word[0] == "nameserver"]
        return found or ["127.0.0.1"]

    def _sources(self) -> List[str]:
        for line in self._text("nsswitch.conf"):
            words = line.split()
            if words and words[0] == "hosts:":
                return words[1:]
        return ["files", "dns"]

    def _read_hosts(self) -> Dict[str, Tuple[str, List[str]]]:
        found: Dict[str, Tuple[str, List[str]]] = {}
        for line in self._text("hosts"):
            words = line.split()
            for name in words[1:]:
                found.setdefault(name.lower(), (words[1], []))[1].append(words[0])
        return found

    # The DNS.
    def _answers(self, host: str, kind: int) -> Tuple[List[_Record], str]:
        """The records of a name, CNAMEs followed, and the name at which they ended."""
        name, known = host.rstrip("."), []
        for _ in range(_MAX_ALIASES):
            known += self._ask(name, kind)
            seen = {name.lower()}
            while True:
                alias = next((r for r in known if r.kind == CNAME and r.name == name.lower()), None)
                if alias is None or alias.text.lower() in seen:
                    break
                name = alias.text
                seen.add(name.lower())
            mine = [one for one in known if one.kind == kind and one.name == name.lower()]
            if mine or len(seen) == 1:
                return mine, name
        raise HostUnknownError(f"{host}: the aliases do not end")

    def _ask(self, name: str, kind: int) -> List[_Record]:
        serial = random.SystemRandom().randrange(65536)
        query = (
            struct.pack(">HHHHHH", serial, 0x0100, 1, 0, 0, 0) + _packed(name) + struct.pack(">HH", kind, 1)
        )
        problem = "no name server"
        for server in self._servers:
            try:
                answer = self._over_udp(server, query)
                if answer[2] & 0x02:
                    answer = self._over_tcp(server, query)
                return _read(answer, name, len(query))
            except (OSError, struct.error, IndexError, ValueError) as error:
                problem = f"{server[0]}: {error or type(error).__name__}"
        raise NameServerError(f"{name}: no name server answers ({problem})")

    def _over_udp(self, server: Tuple[str, int], query: bytes) -> bytes:
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect(server)
            sock.send(query)
            end = time.monotonic() + self._seconds
            while True:
                sock.settimeout(max(end - time.monotonic(), 0.001))
                answer = sock.recv(65535)
                if answer[:2] == query[:2] and len(answer) >= len(query):
                    return answer

    def _over_tcp(self, server: Tuple[str, int], query: bytes) -> bytes:
        with socket.create_connection(server, self._seconds) as sock:
            sock.sendall(struct.pack(">H", len(query)) + query)
            (length,) = struct.unpack(">H", _exactly(sock, 2))
            return _exactly(sock, length)


def _is_address(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", text) is not None or ":" in text


def _endpoint(text: str) -> Tuple[str, int]:
    found = re.fullmatch(r"([0-9.]+):([0-9]{1,5})", text)
    return (found.group(1), int(found.group(2))) if found else (text, 53)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise OSError("the name server closed the connection")
        data += more
    return data


def _packed(name: str) -> bytes:
    labels = [label.encode("ascii", "strict") for label in name.split(".") if label]
    if any(len(label) > 63 for label in labels) or sum(map(len, labels)) + len(labels) > 253:
        raise HostUnknownError(f"{name}: no name that the DNS can hold")
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _name(data: bytes, at: int) -> Tuple[str, int]:
    """A name in an answer, and where it ends; pointers lead backwards only (RFC 1035, 4.1.4)."""
    labels: List[str] = []
    end, least = -1, at
    while True:
        length = data[at]
        if length & 0xC0 == 0xC0:
            end = at + 2 if end < 0 else end
            at = (length & 0x3F) << 8 | data[at + 1]
            if at >= least:
                raise ValueError("a pointer that leads nowhere")
            least = at
        elif length:
            labels.append(data[at + 1 : at + 1 + length].decode("ascii", "backslashreplace"))
            at += 1 + length
        else:
            return ".".join(labels), at + 1 if end < 0 else end


def _read(answer: bytes, name: str, question: int) -> List[_Record]:
    code, count = answer[3] & 0x0F, struct.unpack(">H", answer[6:8])[0]
    if code == _NO_SUCH_NAME:
        raise HostUnknownError(f"{name}: host not found")
    if code:
        raise ValueError(f"it answers with the error {code}")
    at, found = question, []
    for _ in range(count):
        owner, at = _name(answer, at)
        kind, _, _, length = struct.unpack(">HHIH", answer[at : at + 10])
        at += 10
        data = answer[at : at + length]
        if kind == A and length == 4:
            found.append(_Record(owner.lower(), A, socket.inet_ntop(socket.AF_INET, data)))
        elif kind == AAAA and length == 16:
            found.append(_Record(owner.lower(), AAAA, socket.inet_ntop(socket.AF_INET6, data)))
        elif kind == CNAME:
            found.append(_Record(owner.lower(), CNAME, _name(answer, at)[0]))
        elif kind == MX:
            text = _name(answer, at + 2)[0]
            found.append(_Record(owner.lower(), MX, text, struct.unpack(">H", data[:2])[0]))
        at += length
    return found
