"""Walk the AUTH chain of a host, link by link: is it ready, and if not, which link is broken?

The one thing to know: a link that depends on a broken one is not judged but "unknown", so that the first wrong
link is the one to repair.  No line ever holds a password.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple

from attrs import frozen

from .. import makemap, mapdb
from ..authinfo import PREFIX, DefaultAuthInfo, Reading, lookup_keys
from ..config import Config
from ..errors import MapError
from ..nodes import KeyFile
from ..values import map_arguments
from .host import (
    CLEAR,
    HASH_CLASSES,
    POLICIES,
    SESSIONS,
    TLS,
    VERIFIED,
    Facts,
    Host,
    Look,
    Server,
    credentials_in,
    map_file,
)
from .plan import WRAPPED_PORTS, port_of
from .rewrite import LookupFailedError

OK, WRONG, UNKNOWN = "ok", "wrong", "unknown"

#: What sendmail offers when AuthMechanisms is not set (sendmail/conf.c).
DEFAULT_MECHANISMS = ("EXTERNAL", "GSSAPI", "KERBEROS_V4", "DIGEST-MD5", "CRAM-MD5")


@frozen
class Link:
    """One link of the chain.

    name: which.  state: ok, wrong or unknown.  detail: what is there.  consequence: what sendmail will do
    because of it.  repair: a command, or what to change.
    """

    name: str
    state: str
    detail: str
    consequence: str = ""
    repair: str = ""


@frozen
class Chain:
    """All links, in the order of the chain, for one host."""

    host: str
    links: Tuple[Link, ...]

    @property
    def broken(self) -> Tuple[Link, ...]:
        """The links that are wrong."""
        return tuple(link for link in self.links if link.state == WRONG)


def check(cf: Config, look: Look, *, host: Optional[str] = None, tls: str = "required") -> Chain:
    """The chain of a host.

    host: the relay that shall be used; None for whatever DS says.  tls: the policy the guard shall keep.
    """
    return _Walk(cf, look, host, tls).walk()


class _Walk:
    def __init__(self, cf: Config, look: Look, host: Optional[str], tls: str) -> None:
        self.cf, self.look, self.tls = cf, look, tls
        self.cf_path = cf.path or "sendmail.cf"
        self.view = Host(cf, look)
        self.smart = self.view.smart_host()
        self.wanted = host
        self.host = host or (self.smart.name if self.smart else "")
        self.server = Server.of(self.host)
        self.links: List[Link] = []
        self.has_ruleset = "authinfo" in cf.rulesets
        self.apply = f"sendmailcf relay apply --host {self.host or 'HOST'} --user USER --password-stdin"

    def walk(self) -> Chain:
        self._smart_host()
        self._mailer()
        node = self._map_node()
        by_option = not self.has_ruleset and bool(self._default_auth_info())
        entry = self._read_five_lines() if by_option else self._entry_in_use()
        self._mechanisms(entry)
        if by_option:
            self._five_lines()
        else:
            self._declaration(node)
            self._ruleset(node)
            self._map_file(node)
            self._permissions(node)
            self._source(node)
            self._key(node)
        self._entry(entry)
        self._guard(entry, by_option)
        return Chain(self.host, tuple(self.links))

    def _add(self, name: str, state: str, detail: str, consequence: str = "", repair: str = "") -> None:
        self.links.append(Link(name, state, detail, consequence, repair))

    # The relay.
    def _smart_host(self) -> None:
        name = "smart host"
        if self.smart is None:
            self._add(
                name,
                WRONG,
                "DS is empty" if not self.cf.macros.get("S") else "the rules do not use DS",
                "mail goes straight to the servers of its recipients",
                self.apply,
            )
            return
        text, found = self.smart.text, self.smart.name
        if self.wanted and found.lower() != self.wanted.lower():
            self._add(
                name, WRONG, f"DS{text} leads to {found}, not to {self.wanted}", "mail goes there", self.apply
            )
        elif self.smart.stray_port not in (None, self._port()):
            self._add(
                name,
                WRONG,
                f"DS{text}: a colon separates hosts, it does not set a port",
                f"sendmail connects to port {self._port()}",
                f"{self.apply} --port {self.smart.stray_port}",
            )
        elif "@" in found:
            self._add(
                name,
                WRONG,
                f"DS{text} holds an address, not a host",
                "mail bounces: host unknown",
                f"sendmailcf set {self.cf_path} D.S {found.rpartition('@')[2]}",
            )
        else:
            self._add(name, OK, f"DS{text}")

    def _port(self) -> Optional[int]:
        mailer = self.cf.mailers.get(self.smart.mailer) if self.smart else None
        return port_of(mailer.arguments or "") if mailer is not None else None

    def _mailer(self) -> None:
        name = "mailer and port"
        if self.smart is None:
            self._add(name, UNKNOWN, "no smart host")
            return
        try:
            mailer = self.cf.mailers[self.smart.mailer]
        except KeyError:
            self._add(
                name,
                WRONG,
                f"DS{self.smart.text} selects the mailer {self.smart.mailer}, which is not defined",
                "every message bounces: unknown mailer",
                self.apply,
            )
            return
        arguments, where = mailer.arguments or "", f"mailer {mailer.name}"
        port = port_of(arguments)
        if mailer.path != "[IPC]" or arguments.split()[:1] not in (["TCP"], ["IPC"]):
            self._add(
                name, WRONG, f"{where} speaks no SMTP over TCP", "there is no AUTH", "give DS another mailer"
            )
        elif port is None:
            self._add(name, UNKNOWN, f"{where}, a port of a name not known here: {arguments}")
        elif port in WRAPPED_PORTS:
            self._add(
                name,
                WRONG,
                f"{where}, port {port}: there TLS begins with the first byte",
                "sendmail waits for a greeting that never comes, and defers the mail",
                f"{self.apply} --port 587",
            )
        else:
            self._add(name, OK, f"{where}, port {port}")

    def _mechanisms(self, entry: Reading) -> None:
        name, option = "mechanisms", self.cf.options.all("AuthMechanisms")
        own = entry.credentials.mechanisms if entry.credentials else ()
        deferred = "all mail to servers that offer AUTH is deferred: no worthy mechanisms"
        if own:
            words, source = list(own), "of the entry"
        elif option:
            words, source = [word for word in option[-1].value.split(" ") if word], "of AuthMechanisms"
        else:
            words, source = list(DEFAULT_MECHANISMS), "by default"
        bad = [word for word in words if set(word) & set(',\t"')]
        if bad or not words:
            self._add(
                name,
                WRONG,
                f"{' '.join(words) or 'none'} ({source}): names are separated by blanks, without quotes",
                deferred,
                f"sendmailcf set {self.cf_path} O.AuthMechanisms 'LOGIN PLAIN'",
            )
        elif not {word.upper() for word in words} & {"LOGIN", "PLAIN"}:
            self._add(
                name,
                WRONG,
                f"{' '.join(words)} ({source}): neither LOGIN nor PLAIN, the ones that relays offer",
                deferred,
                f"sendmailcf set {self.cf_path} O.AuthMechanisms 'LOGIN PLAIN'",
            )
        else:
            self._add(name, OK, f"{' '.join(words)} ({source})")

    # The map and its ruleset.
    def _map_node(self) -> Optional[KeyFile]:
        """The K line of the map in which the ruleset looks for this server, or of the map `authinfo`."""
        asked = self.view.maps_asked(self.server) if self.has_ruleset else set()
        held = [name for name in sorted(asked) if name in self.cf.maps]
        for name in held:
            try:
                records = self.view.database(self.cf.maps[name].node)
            except LookupFailedError:
                continue
            keys = [
                key.encode("utf-8", "surrogateescape")
                for key in lookup_keys(self.server.name, self.server.addr)
            ]
            if any(key in records or key + b"\0" in records for key in keys):
                return self.cf.maps[name].node
        for name in ("authinfo", *held):
            if name in self.cf.maps:
                return self.cf.maps[name].node
        return None

    def _default_auth_info(self) -> str:
        found = self.cf.options.all("DefaultAuthInfo")
        return found[-1].value if found else ""

    def _declaration(self, node: Optional[KeyFile]) -> None:
        name = "map declaration"
        if node is None:
            asked = ", ".join(sorted(self.view.maps_asked(self.server))) if self.has_ruleset else ""
            detail = f"the ruleset reads {asked}, which no K line declares" if asked else "no map authinfo"
            option = self._default_auth_info()
            if option:
                detail += f"; DefaultAuthInfo={option} is no map, and ignored while a ruleset authinfo exists"
            self._add(name, WRONG, detail, "no credentials are found: the relay answers 530", self.apply)
            return
        flags, file = map_arguments(node).flags, map_file(node)
        if node.map_class.lower() not in HASH_CLASSES:
            self._add(name, UNKNOWN, f"{node.name} is of class {node.map_class}, which cannot be read here")
        elif file is None or not file.startswith("/"):
            self._add(
                name,
                WRONG,
                f"{node.name} names no file by its full path",
                "the map cannot be opened",
                self.apply,
            )
        elif "o" in flags and self.look(file + ".db").missing:
            self._add(
                name,
                WRONG,
                f"{node.name} has the flag -o, and {file}.db is missing",
                "no credentials are found, and nothing is logged",
                f"sendmailcf makemap hash {file} < {file}",
            )
        else:
            self._add(name, OK, str(node).strip())

    def _ruleset(self, node: Optional[KeyFile]) -> None:
        name, option = "ruleset", self._default_auth_info()
        if not self.has_ruleset:
            self._add(
                name,
                WRONG,
                "there is no ruleset authinfo, and no DefaultAuthInfo",
                "sendmail never authenticates: the relay answers 530",
                self.apply,
            )
            return
        if len(self.cf.rulesets["authinfo"]) == 0:
            self._add(
                name,
                WRONG,
                "the ruleset authinfo is empty"
                + (f"; while it exists, DefaultAuthInfo={option} is ignored" if option else ""),
                "sendmail never authenticates: the relay answers 530",
                self.apply,
            )
            return
        probe = self.view.authinfo(self.server, VERIFIED, lambda *_: None)
        asked = self.view.maps_asked(self.server)
        if probe.failed:
            self._add(name, UNKNOWN, f"the ruleset authinfo cannot be followed: {probe.reason}")
        elif node is not None and self.view.sends(
            self.server, VERIFIED, {node.name.lower()}, PREFIX + self.host
        ):
            note = f"; DefaultAuthInfo={option} beside it is ignored" if option else ""
            self._add(name, OK, f"authinfo reads {', '.join(sorted(asked))}{note}")
        else:
            self._add(
                name,
                WRONG,
                f"the ruleset authinfo does not find {PREFIX}{self.host} "
                + (f"in {node.name}" if node is not None else "in any map"),
                "no credentials are found: the relay answers 530",
                self.apply,
            )

    def _facts(self, node: Optional[KeyFile]) -> Tuple[str, Optional[Facts], Optional[Facts]]:
        file = map_file(node) if node is not None and node.map_class.lower() in HASH_CLASSES else None
        return (file, self.look(file), self.look(file + ".db")) if file else ("", None, None)

    def _records(self, node: Optional[KeyFile]) -> Optional[Dict[bytes, bytes]]:
        _, _, database = self._facts(node)
        if database is None or database.data is None:
            return None
        try:
            return dict(mapdb.load(database.data).items())
        except MapError:
            return None

    def _map_file(self, node: Optional[KeyFile]) -> None:
        name = "map file"
        file, source, database = self._facts(node)
        if database is None or source is None:
            self._add(name, UNKNOWN, "no map to look for")
            return
        path, build = file + ".db", f"sendmailcf makemap hash {file} < {file}"
        failed = "the lookup fails: no authentication, the relay answers 530"
        if database.data is None:
            state = WRONG if database.missing else UNKNOWN
            self._add(name, state, f"{path}: {database.problem}", failed, build)
            return
        try:
            records = mapdb.load(database.data)
            self._add(name, OK, f"{path}: {len(records)} entries, {records.info.byteorder} endian")
        except MapError as error:
            self._add(name, WRONG, f"{path}: {error}", failed, build)

    def _permissions(self, node: Optional[KeyFile]) -> None:
        name = "permissions"
        file, source, database = self._facts(node)
        if database is None or source is None:
            self._add(name, UNKNOWN, "no map to look for")
            return
        problem = self._unsafe(database)
        if problem:
            self._add(name, *problem)
            return
        for facts in (source, database):
            path = facts.path
            if facts.data is not None and facts.mode & 0o007:
                self._add(
                    name,
                    WRONG,
                    f"{path} has mode {facts.mode:04o}",
                    "every user of this host can read or change the password; sendmail does not check it",
                    f"chmod 600 {path}",
                )
                return
            if facts.data is not None and facts.mode & 0o020:
                self._add(
                    name,
                    WRONG,
                    f"{path} has mode {facts.mode:04o}",
                    "its group can change where the password goes; sendmail does not check it",
                    f"chmod g-w {path}",
                )
                return
        if database.data is None and source.data is None:
            self._add(name, UNKNOWN, f"neither {file} nor {file}.db can be read")
        else:
            shown = [
                f"{facts.path} {facts.mode:04o}" for facts in (source, database) if facts.data is not None
            ]
            self._add(name, OK, ", ".join(shown))

    def _blamed(self) -> set[str]:
        found = self.cf.options.all("DontBlameSendmail")
        words = [word for one in found for word in one.value.replace(",", " ").split()]
        return {word.lower() for word in words}

    def _unsafe(self, facts: Facts) -> Optional[Tuple[str, str, str, str]]:
        """What makes sendmail refuse a map file: a writable directory on the way, an owner it does not trust."""
        blamed = self._blamed()
        for path, mode, _ in facts.directories:
            if mode & 0o022 and "mapinunsafedirpath" not in blamed:
                if not mode & 0o002 and "groupwritabledirpathsafe" in blamed:
                    continue
                who = "World" if mode & 0o002 else "Group"
                return (
                    WRONG,
                    f"the directory {path} has mode {mode:04o}",
                    f"unsafe map file: {who} writable directory; the relay answers 530",
                    f"chmod go-w {path}",
                )
        if facts.data is not None and facts.links > 1:
            return (
                WRONG,
                f"{facts.path} has {facts.links} names (hard links)",
                "unsafe map file: no hard links allowed",
                f"make {facts.path} a file of its own",
            )
        trusted = {0, *self._trusted()}
        if facts.data is not None and facts.judged and facts.uid not in trusted and not facts.mode & 0o004:
            return (
                WRONG,
                f"{facts.path} belongs to user {facts.uid}",
                "unsafe map file: Permission denied; the relay answers 530",
                f"chown root {facts.path}",
            )
        return None

    def _trusted(self) -> List[int]:
        found = self.cf.options.all("TrustedUser")
        value = found[-1].value if found else ""
        if value.isascii() and value.isdecimal():
            return [int(value)]
        facts = self.look("/etc/passwd").data if value else None
        for line in (facts or b"").decode("utf-8", "surrogateescape").split("\n"):
            parts = line.split(":")
            if len(parts) > 2 and parts[0] == value and parts[2].isascii() and parts[2].isdecimal():
                return [int(parts[2])]
        return []

    def _source(self, node: Optional[KeyFile]) -> None:
        name = "database and source"
        file, source, database = self._facts(node)
        records = self._records(node)
        if node is None or source is None or database is None or records is None:
            self._add(name, UNKNOWN, "no database to compare")
            return
        build = f"sendmailcf makemap hash {file} < {file}"
        if source.data is None:
            self._add(name, UNKNOWN, f"{file}: {source.problem}")
            return
        flags = map_arguments(node).flags
        null = "N" in flags or any(key.endswith(b"\0") for key in records)
        read = makemap.read(source.data, fold="f" not in flags, null=null)
        wanted = dict(read.pairs)
        for problem in read.problems:
            self._add(
                name,
                WRONG,
                f"{file}: line {problem.line}: {problem.safe}",
                "makemap leaves the line out, or takes it for something else",
                f"repair the line, then {build}",
            )
            return
        if wanted == records:
            self._add(name, OK, f"{file}.db holds what {file} says")
            return
        missing = len([key for key in wanted if key not in records])
        extra = len([key for key in records if key not in wanted])
        other = len(wanted) - missing - len([key for key in wanted if records.get(key) == wanted[key]])
        parts = [f"{missing} missing", f"{other} different", f"{extra} not in the source"]
        said = ", ".join(part for part in parts if not part.startswith("0 "))
        self._add(
            name, WRONG, f"{file}.db is not what {file} says: {said}", "sendmail uses the old entries", build
        )

    def _key(self, node: Optional[KeyFile]) -> None:
        name, key = "key", PREFIX + self.host
        records = self._records(node)
        if node is None or records is None or not self.host:
            self._add(name, UNKNOWN, f"{key} is what sendmail will look for")
            return
        keys = lookup_keys(self.server.name, self.server.addr, access=node.name.lower() == "access")
        if map_arguments(node).flags.get("f") is not None:
            keys = [key, PREFIX]
        for one in keys:
            raw = one.encode("utf-8", "surrogateescape")
            if raw in records or raw + b"\0" in records:
                suffix = ""
                if one.lower() == PREFIX.lower():
                    suffix = ": the catch-all, which offers the password to every server"
                self._add(name, OK, f"{one} is found{suffix}; it must be the canonical name of the server")
                return
        others = len([key for key in records if key.lower().startswith(PREFIX.lower().encode())])
        near = self._near(records)
        self._add(
            name,
            WRONG,
            f"{key} is not in {map_file(node)}.db, which has {others} AuthInfo entries{near}",
            "no credentials are found: the relay answers 530",
            self.apply,
        )

    def _near(self, records: Dict[bytes, bytes]) -> str:
        lower, host = [key.decode("utf-8", "replace").rstrip("\0") for key in records], self.host.lower()
        for key in lower:
            if key.lower() == f"authinfo:[{host}]":
                return "; there is one with brackets, which is never looked up for a name"
            if key.lower().startswith(f"authinfo:{host}:"):
                return "; there is one with a port, which is never looked up"
            if key.lower() == host:
                return f"; there is one without `{PREFIX}`"
        return ""

    # The entry and the guard.
    def _entry_in_use(self) -> Reading:
        if not self.has_ruleset:
            return Reading(None, "there is no ruleset authinfo")
        result = self.view.authinfo(self.server, VERIFIED)
        if result.failed:
            return Reading(None, f"the lookup fails: {result.reason}")
        return credentials_in(result)

    def _entry(self, entry: Reading) -> None:
        name = "entry"
        if entry.credentials is None:
            known = any(link.state == WRONG for link in self.links[3:])
            self._add(
                name,
                UNKNOWN if known else WRONG,
                entry.problem or "no entry",
                "the relay answers 530",
                self.apply,
            )
        else:
            self._add(name, OK, f"user {entry.credentials.user!r}, with a password")

    def _guard(self, entry: Reading, by_option: bool) -> None:
        name, allowed = "TLS guard", POLICIES[self.tls]
        if entry.credentials is None:
            self._add(name, UNKNOWN, "no credentials to guard")
            return
        given = []
        for session in SESSIONS:
            result = self.view.authinfo(self.server, session) if not by_option else None
            sent = by_option or (result is not None and credentials_in(result).credentials is not None)
            if sent and self.view.tls_server_allows(self.server, session):
                given.append(session)
        repair = f"{self.apply} --tls {self.tls}"
        if CLEAR in given and CLEAR not in allowed:
            self._add(
                name,
                WRONG,
                "nothing demands encryption",
                "the password is sent in clear whenever the server offers no STARTTLS",
                repair,
            )
        elif TLS in given and TLS not in allowed:
            self._add(
                name,
                WRONG,
                "encryption is demanded, a verified certificate is not",
                "the password is sent to whoever answers in the relay's place",
                repair,
            )
        elif not given:
            self._add(name, WRONG, "no session is good enough for the guard", "all mail is deferred", repair)
        else:
            self._add(
                name,
                OK,
                f"the password leaves {given[0].name}" + (" or better" if len(given) > 1 else " only"),
            )

    # DefaultAuthInfo, where no ruleset authinfo exists.
    def _read_five_lines(self) -> Reading:
        facts = self.look(self._default_auth_info())
        if facts.data is None:
            return Reading(None, f"{facts.path}: {facts.problem}")
        return DefaultAuthInfo(facts.data).reading()

    def _five_lines(self) -> None:
        path = self._default_auth_info()
        self._add("map declaration", OK, "not used: DefaultAuthInfo is set, and there is no ruleset authinfo")
        self._add("ruleset", OK, "none, so DefaultAuthInfo is used for every server")
        facts, queued = self.look(path), "all mail to servers that offer AUTH stays in the queue"
        if not path.startswith("/"):
            self._add("map file", UNKNOWN, f"DefaultAuthInfo={path} is no absolute path")
            return
        if facts.data is None:
            self._add(
                "map file",
                WRONG if facts.missing else UNKNOWN,
                f"{path}: {facts.problem}",
                queued,
                self.apply,
            )
            return
        self._add("map file", OK, f"{path}, five lines")
        readable = 0o037 if "groupreadabledefaultauthinfofile" in self._blamed() else 0o077
        unsafe = self._unsafe(facts)
        if unsafe:
            self._add("permissions", *unsafe)
        elif facts.mode & readable:
            self._add("permissions", WRONG, f"{path} has mode {facts.mode:04o}", queued, f"chmod 600 {path}")
        else:
            self._add("permissions", OK, f"{path} {facts.mode:04o}")
