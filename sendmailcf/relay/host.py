"""A host as values: its sendmail.cf, the files that names, and what the rules say with them.

The one thing to know: questions about the rules are not guessed from their look but put to them.  The
ruleset `authinfo` is run as sendmail would run it, with the maps of the host, once without encryption, once
with, and once with a verified certificate.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Set, Tuple

from attrs import frozen

from .. import mapdb, reading
from ..authinfo import PREFIX, Reading, read_items
from ..config import Config
from ..errors import MapError
from ..nodes import ClassFile, KeyFile, bare, value_of
from ..reading import OWN_CLASSES, OWN_NAMES
from ..record import Record
from ..values import map_arguments
from .rewrite import LookupFailedError, Result, Rewriter

#: Map classes whose files are Berkeley DB hash files, which we build; and the format of each class that is read here.
HASH_CLASSES = ("hash", "implicit")
FORMATS = {"hash": "hash", "implicit": "hash", "btree": "btree"}


class Facts(Protocol):
    """What is known of a file: see `sendmailcf.files.Facts`, which is one."""

    @property
    def path(self) -> str: ...
    @property
    def data(self) -> Optional[bytes]: ...
    @property
    def problem(self) -> Optional[str]: ...
    @property
    def missing(self) -> bool: ...
    @property
    def irregular(self) -> bool: ...
    @property
    def mode(self) -> int: ...
    @property
    def uid(self) -> int: ...
    @property
    def links(self) -> int: ...
    @property
    def modified(self) -> float: ...
    @property
    def directories(self) -> Sequence[Tuple[str, int, int]]: ...
    @property
    def judged(self) -> bool: ...


Look = Callable[[str], Facts]


@frozen(eq=False)
class Session:
    """What the connection to the server is when the ruleset is asked."""

    name: str
    macros: Mapping[str, str]


#: Without STARTTLS, ${verify} is NONE and the cipher macros are empty (op.me, 5.1.4.8 and 5.2).
CLEAR = Session("without TLS", {"verify": "NONE", "cipher_bits": "", "cipher": "", "tls_version": ""})
TLS = Session(
    "over TLS",
    {"verify": "FAIL", "cipher_bits": "256", "cipher": "TLS_AES_256_GCM_SHA384", "tls_version": "TLSv1.3"},
)
VERIFIED = Session("over verified TLS", {**TLS.macros, "verify": "OK"})
SESSIONS = (CLEAR, TLS, VERIFIED)

#: Which sessions may see the password, by policy.
POLICIES: Mapping[str, Tuple[Session, ...]] = {
    "optional": (CLEAR, TLS, VERIFIED),
    "required": (TLS, VERIFIED),
    "verified": (VERIFIED,),
}

_ADDRESS = "192.0.2.1"
_PROBE = "postmaster@relay.invalid"


def is_address(host: str) -> bool:
    """Whether a host is an IPv4 or IPv6 address."""
    return re.fullmatch(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", host) is not None or ":" in host


@frozen(eq=False, repr=False)
class Server(Record):
    """A server as the rules see it: `${server_name}` and `${server_addr}`."""

    name: str
    addr: str

    @classmethod
    def of(cls, host: str) -> Server:
        """The server for a host of an AuthInfo key; the address of a name is one nobody has."""
        if is_address(host):
            return cls(f"[{host}]", host)
        return cls(host, _ADDRESS)


@frozen(eq=False, repr=False)
class SmartHost(Record):
    """Where mail for other hosts goes: the text of DS, and the mailer and host the rules make of it."""

    text: str
    mailer: str
    host: str

    @property
    def _all(self) -> List[str]:
        return re.findall(r"\[[^]]*\]|[^:]+", self.host)

    @property
    def hosts(self) -> List[str]:
        """The hosts without brackets: a colon outside of brackets separates several, tried in order."""
        return [one.strip("[]") for one in self._all]

    @property
    def first(self) -> str:
        """The host that is tried first, with its brackets."""
        return self._all[0] if self._all else ""

    @property
    def name(self) -> str:
        """The host that is tried first."""
        return self.hosts[0] if self.hosts else ""

    @property
    def stray_port(self) -> Optional[int]:
        """A number where a second host belongs: somebody meant a port."""
        return next((int(one) for one in self.hosts[1:] if re.fullmatch(r"[0-9]{1,5}", one)), None)


def map_file(node: KeyFile) -> Optional[str]:
    """The source of a map by its declaration, without `.db`; None if it names no file."""
    file = map_arguments(node).file
    return file[:-3] if file is not None and file.endswith(".db") else file


def records_of(node: KeyFile, data: bytes) -> mapdb.AnyMap:
    """The records of the file of a map.

    Raises MapError for a file that is damaged, or of another format than the class of the map: sendmail cannot open it.
    """
    found = mapdb.load(data)
    wanted = FORMATS[node.map_class.lower()]
    if found.info.format != wanted:
        raise MapError(f"a {found.info.format} file, and the map {node.name} is of class {node.map_class}")
    return found


class Host:
    """A sendmail.cf with the files beside it.

    look: gives the facts of a file by the name that sendmail.cf calls it.  databases: records of maps that
    are not yet on the disk, by their file without `.db`.  read: the file as it was read with OWN_NAMES and OWN_CLASSES,
    where nothing is known of the files that hold members of classes.
    """

    def __init__(
        self,
        cf: Config,
        look: Look,
        databases: Optional[Mapping[str, Mapping[bytes, bytes]]] = None,
        read: Optional[reading.Reading] = None,
    ) -> None:
        self.cf = cf
        self.look = look
        self._read = read
        self._databases: Dict[str, Mapping[bytes, bytes]] = dict(databases or {})
        self._asked: Dict[Server, List[Tuple[str, str]]] = {}

    # Running rules.
    def _classes(self) -> Dict[str, List[str]]:
        found = {name: list(members) for name, members in OWN_CLASSES.items()}
        for _, node in self.cf.of_kind(ClassFile):
            words = value_of(node.source).split()
            if words and words[0].startswith("-o"):
                words.pop(0)
            if words and words[0].startswith("/") and "@" not in words[0]:
                data = self.look(words[0]).data or b""
                lines = [line.split() for line in data.decode("utf-8", "surrogateescape").split("\n")]
                members = [line[0] for line in lines if line and not line[0].startswith("#")]
                found.setdefault(bare(node.name), []).extend(members)
        return found

    def run(
        self,
        ruleset: str,
        workspace: str,
        macros: Mapping[str, str],
        lookup: Optional[Callable[[str, str], Optional[str]]] = None,
    ) -> Result:
        """Run a ruleset with the maps of this host, or with `lookup` in their place."""
        return self._rewriter(lookup).run(ruleset, workspace, macros)

    def _rewriter(self, lookup: Optional[Callable[[str, str], Optional[str]]] = None) -> Rewriter:
        return Rewriter(self._reading, lookup=lookup or self.value_in_map)

    @cached_property
    def _reading(self) -> reading.Reading:
        return self._read or reading.Reading(self.cf, classes=self._classes(), macros=OWN_NAMES)

    def authinfo(
        self,
        server: Server,
        session: Session,
        lookup: Optional[Callable[[str, str], Optional[str]]] = None,
    ) -> Result:
        """What the ruleset `authinfo` returns for a server (op.me, 5.1.4: it is given name $| address)."""
        return self.run("authinfo", f"{server.name} $| {server.addr}", self._macros(server, session), lookup)

    @staticmethod
    def _macros(server: Server, session: Session) -> Dict[str, str]:
        return {**session.macros, "server_name": server.name, "server_addr": server.addr}

    def tls_server(self, server: Server, session: Session) -> Result:
        """What the ruleset `tls_server` returns after STARTTLS, or without it; it is given ${verify}."""
        return self.run("tls_server", session.macros["verify"], self._macros(server, session))

    def tls_server_allows(self, server: Server, session: Session) -> bool:
        """Whether the ruleset `tls_server` lets the session go on; without one, everything may."""
        if "tls_server" not in self.cf.rulesets:
            return True
        result = self.tls_server(server, session)
        return result.failed or result.tokens[:1] != ("$#",)

    def tries_tls(self, server: Server) -> bool:
        """Whether the ruleset `try_tls` lets sendmail use STARTTLS; without one, it may."""
        if "try_tls" not in self.cf.rulesets:
            return True
        result = self.run("try_tls", server.name, self._macros(server, CLEAR))
        return result.failed or result.tokens[:1] != ("$#",)

    def smart_host(self) -> Optional[SmartHost]:
        """Where the rules send an address of a host elsewhere; None if not to the smart host."""
        text = self.cf.macros.get("S", "")
        if not text:
            return None
        rewriter = self._rewriter()
        marked = rewriter.run("3", _PROBE)
        resolved = marked if marked.failed else rewriter.run_tokens("0", marked.tokens)
        if resolved.failed or not resolved.mailer:
            mailer, colon, host = text.partition(":")
            return SmartHost(text, mailer if colon else "relay", host if colon else text)
        return SmartHost(text, resolved.mailer, resolved.host or "")

    # Maps.
    def database(self, node: KeyFile) -> Mapping[bytes, bytes]:
        """The records of a map.  Raises LookupFailedError where sendmail could not open it, or we cannot."""
        file = map_file(node)
        if node.map_class.lower() not in FORMATS or file is None:
            raise LookupFailedError(f"maps of class {node.map_class} cannot be looked up here")
        if file not in self._databases:
            facts = self.look(file + ".db")
            if facts.data is None:
                raise LookupFailedError(f"{file}.db: {facts.problem}")
            try:
                self._databases[file] = records_of(node, facts.data)
            except MapError as error:
                raise LookupFailedError(f"{file}.db: {error}") from None
        return self._databases[file]

    def value_in_map(self, name: str, key: str) -> Optional[str]:
        """A lookup as sendmail makes it: folded unless -f, without and with a NUL at the end of the key."""
        found = self.cf.maps.get(name)
        if found is None:
            raise LookupFailedError(f"there is no map {name}")
        node = found.node
        flags = map_arguments(node).flags
        raw = key.encode("utf-8", "surrogateescape")
        raw = raw if "f" in flags else raw.lower()
        try:
            records = self.database(node)
        except LookupFailedError:
            if "o" in flags and self.look(f"{map_file(node)}.db").missing:
                return None
            raise
        for tried in ([raw] if "N" not in flags else []) + ([raw + b"\0"] if "O" not in flags else []):
            value = records.get(tried)
            if value is not None:
                if tried.endswith(b"\0") and value.endswith(b"\0"):
                    value = value[:-1]
                return value.decode("utf-8", "surrogateescape")
        return None

    # What the ruleset authinfo is, found by asking it.
    def keys_asked(self, server: Server) -> List[Tuple[str, str]]:
        """What the ruleset `authinfo` looks up for a server as long as it finds nothing: maps and AuthInfo keys."""
        if server in self._asked:
            return self._asked[server]
        asked: List[Tuple[str, str]] = []

        def lookup(name: str, key: str) -> Optional[str]:
            if key.lower().startswith(PREFIX.lower()):
                asked.append((name.lower(), key))
            return None

        self.authinfo(server, TLS, lookup)
        self._asked[server] = asked
        return asked

    def maps_asked(self, server: Server) -> Set[str]:
        """The maps in which the ruleset `authinfo` looks for the server's own key."""
        wanted = {(PREFIX + key).lower() for key in (server.name, server.addr)}
        return {name for name, key in self.keys_asked(server) if key.lower() in wanted}

    def used(self, server: Server) -> Optional[Tuple[str, str, str]]:
        """The map, key and value that the ruleset `authinfo` takes for a server; None if it finds none."""
        found: Optional[Tuple[str, str, str]] = None

        def lookup(name: str, key: str) -> Optional[str]:
            nonlocal found
            value = self.value_in_map(name, key)
            if value is not None and key.lower().startswith(PREFIX.lower()):
                found = (name, key, value)
            return value

        self.authinfo(server, VERIFIED, lookup)
        return found

    def sends(self, server: Server, session: Session, maps: Set[str], key: str) -> bool:
        """Whether an entry under `key` in one of `maps` would be used in a session, all else being empty."""
        marker = '"U:marker" "P:marker"'

        def lookup(name: str, asked: str) -> Optional[str]:
            return marker if name.lower() in maps and asked.lower() == key.lower() else None

        result = self.authinfo(server, session, lookup)
        return not result.failed and credentials_in(result).credentials is not None


def credentials_in(result: Result) -> Reading:
    """What sendmail makes of the result of the ruleset `authinfo`; a status other than 0 is no result to it."""
    if result.status or result.tokens[:1] != ("$#",):
        return Reading(None, "the ruleset finds no entry")
    if result.tokens[1:2] and result.tokens[1][:4].lower() == "temp":
        return Reading(None, "the ruleset defers the mail: Temporary AUTH failure")
    return read_items(" ".join(result.tokens[1:]))
