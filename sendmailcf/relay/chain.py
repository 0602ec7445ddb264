"""Walk the AUTH chain of a host, link by link: is it ready, and if not, which link is broken?

The one thing to know: a link that depends on a broken one is not judged but "unknown", so that the first wrong
link is the one to repair.  No line ever holds a password.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Dict, List, Mapping, Optional, Tuple

from .. import mapdb, reading
from ..authinfo import (
    MASK,
    PREFIX,
    DefaultAuthInfo,
    Reading,
    host_problem,
    lookup_keys,
    mechanisms_problem,
    surprises,
)
from ..config import Config
from ..errors import MapError
from ..nodes import KeyFile
from ..values import map_arguments
from . import ses
from .credentials import judge
from .host import (
    CLEAR,
    FORMATS,
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
    records_of,
)
from .links import ADVICE, OK, UNKNOWN, WRONG, Chain, Link
from .permissions import refused_default_auth_info, unsafe_map
from .ports import SMTP_PORT, STARTTLS_PORTS, WRAPPED_PORTS, port_of
from .predict import (
    DEFAULT_MECHANISMS,
    Predictor,
    client_modifiers,
    default_auth_info,
    mechanism_words,
    offered_by,
)
from .providers import family, provider_of
from .readiness import Readiness, certificates, option_of
from .rewrite import LookupFailedError

if TYPE_CHECKING:
    from .. import makemap
    from .live import Live


def check(
    cf: Config,
    look: Look,
    *,
    host: Optional[str] = None,
    tls: str = "required",
    live: Optional[Live] = None,
    read: Optional[reading.Reading] = None,
) -> Chain:
    """The chain of a host.

    host: the relay that shall be used; None for whatever DS says.  tls: the policy the guard shall keep.  live: what
    the running host said; None where only its files are there.  read: see Host.
    """
    return _Walk(Host(cf, look, read=read), host, tls, live).walk()



def _missing_file(file: str) -> str:
    """The rule that tells of a missing database: where its path is not a full one, that is the cause."""
    return "map-missing-file" if file.startswith("/") else "auth-map-path"


def _foreign(node: Optional[KeyFile], data: bytes) -> str:
    """The rule that tells of a database which cannot be read: another kind of file, or a damaged one."""
    try:
        kind = mapdb.kind(data[: mapdb.HEAD_BYTES])[0].replace("hash185", "hash")
    except MapError:
        return "map-type-mismatch"
    same = node is not None and kind == node.map_class.lower().replace("implicit", "hash")
    return "auth-map-corrupt" if same else "map-type-mismatch"


def _refused_line(problem: makemap.Problem) -> str:
    """The rule that tells of a line which makemap refuses."""
    if problem.key is not None:
        return "source-duplicate"
    if "leading space" in problem.safe:
        return "source-leading-blank"
    return "source-no-value" if "without a value" in problem.safe else "source-line-long"


def _unsaid(text: str) -> str:
    return re.sub("^.*@", f"{MASK}@", text, flags=re.DOTALL)


class _Walk:
    def __init__(self, view: Host, host: Optional[str], tls: str, live: Optional[Live]) -> None:
        self.view, self.cf, self.look, self.tls, self.live = view, view.cf, view.look, tls, live
        self.cf_path = self.cf.path or "sendmail.cf"
        self.smart = self.view.smart_host()
        self.wanted = host
        found = self.smart.name if self.smart else ""
        # The name that counts is the one after MX and CNAME, where the host could ask for it.
        asked = live is not None and (host is None or host.lower() == found.lower())
        named = live.server_name.strip("[]") if live is not None and asked else ""
        self.led = bool(named) and named.lower() != found.lower()
        # What stands before an @ may be a password.
        self.host = (named or host or found).rpartition("@")[2]
        self.server = Server.of(self.host)
        self.links: List[Link] = []
        self.has_ruleset = "authinfo" in self.cf.rulesets
        self.apply = f"sendmailcf relay apply --host {self.host or 'HOST'} --user USER --password-stdin"

    def walk(self) -> Chain:
        self._smart_host()
        self._mailer()
        self._endpoint()
        node = self._map_node
        by_option = not self.has_ruleset and bool(default_auth_info(self.cf))
        entry = self._read_five_lines() if by_option else self._entry_in_use()
        stale = ""
        self._mechanisms(entry)
        self.before_map = len(self.links)
        if by_option:
            self._five_lines()
        else:
            self._declaration(node)
            self._ruleset(node)
            self._map_file(node)
            self._permissions(node)
            stale = self._source(node)
            self._key(node)
        altered = self._entry(entry, by_option) or stale
        altered = altered or self._kind(entry)
        self._guard(entry, by_option)
        self._every_server(node, by_option)
        verification = certificates(self.cf, self.look, self.tls)
        self.links.append(verification)
        self.links += Readiness(self.view, self.smart, self.host, live=self.live).links()
        predictor = Predictor(
            self.view,
            self.smart,
            self.wanted,
            self.server,
            altered=altered,
            verifies=verification.state == OK,
        )
        return Chain(self.host, tuple(self.links), predictor.predict(), self._meant)

    def _add(
        self, name: str, state: str, detail: str, consequence: str = "", repair: str = "", *, rule: str = ""
    ) -> None:
        self.links.append(Link(name, state, detail, consequence, repair, rule=rule))

    @cached_property
    def _meant(self) -> bool:
        """Whether anything shows that sendmail should authenticate: a provider's relay, DefaultAuthInfo, a map
        authinfo, or AuthInfo entries."""
        known = provider_of(self.host) is not None or ses.endpoint(self.host) is not None
        if self.smart is not None and (known or "authinfo" in self.cf.maps):
            return True
        node = self._map_node
        _, source, _ = self._facts(node)
        text = (source.data if source is not None else None) or b""
        prefix = PREFIX.lower().encode()
        return (
            bool(default_auth_info(self.cf))
            or (self.smart is not None and self.has_ruleset and self._undeclared() != "")
            or any(key.lower().startswith(prefix) for key in self._records(node) or ())
            or re.search(rb"^[ \t]*" + prefix, text, re.MULTILINE | re.IGNORECASE) is not None
        )

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
                rule="smarthost-unused",
            )
            return
        text, found = _unsaid(self.smart.text), self.smart.name
        if self.wanted and found.lower() != self.wanted.lower():
            self._add(
                name,
                WRONG,
                f"DS{text} leads to {_unsaid(found)}, not to {self.wanted}",
                "mail goes there",
                self.apply,
            )
        elif self.smart.stray_port not in (None, self._port()):
            self._add(
                name,
                WRONG,
                f"DS{text}: a colon separates hosts, it does not set a port",
                f"sendmail connects to port {self._port()}",
                f"{self.apply} --port {self.smart.stray_port}",
                rule="smarthost-port",
            )
        elif re.fullmatch("[0-9]+", found):
            self._add(
                name,
                WRONG,
                f"DS{text}: what stands before a colon is a mailer, so the host is {found}",
                "mail bounces: host unknown",
                f"sendmailcf relay apply --host {self.smart.mailer} --port {found} --user USER --password-stdin",
                rule="smarthost-one-word-colon",
            )
        elif "@" in self.smart.host:
            self._add(
                name,
                WRONG,
                f"DS{text} holds an address, not a host",
                "mail bounces: host unknown",
                f"sendmailcf set {self.cf_path} D.S {self.smart.host.rpartition('@')[2]}",
                rule="smarthost-user",
            )
        elif self._is_tcp() and "$" not in found and host_problem(found.rstrip(".")) is not None:
            self._add(
                name,
                WRONG,
                f"DS{text}: {found!r} is no name of a host; is it a placeholder?",
                "mail bounces: host unknown",
                self.apply,
                rule="smarthost-not-a-name",
            )
        else:
            self._add(name, OK, f"DS{text}")

    def _is_tcp(self) -> bool:
        mailer = self.cf.mailers.get(self.smart.mailer) if self.smart else None
        return mailer is not None and mailer.path == "[IPC]"

    def _port(self) -> Optional[int]:
        mailer = self.cf.mailers.get(self.smart.mailer) if self.smart else None
        return port_of(mailer.arguments or "") if mailer is not None else None

    def _mailer(self) -> None:
        name = "mailer and port"
        if self.smart is None:
            self._add(name, UNKNOWN, "no smart host")
            return
        if self.smart.mailer.lower() == "error":
            self._add(
                name,
                WRONG,
                "DS selects the mailer error",
                "sendmail refuses every message to another host",
                self.apply,
                rule="smarthost-error",
            )
            return
        try:
            mailer = self.cf.mailers[self.smart.mailer]
        except KeyError:
            self._add(
                name,
                WRONG,
                f"DS selects the mailer {self.smart.mailer}, which is not defined",
                "every message bounces: unknown mailer",
                self.apply,
                rule="smarthost-mailer-unknown",
            )
            return
        arguments, where = mailer.arguments or "", f"mailer {mailer.name}"
        port, off = port_of(arguments), client_modifiers(self.cf)
        if mailer.path != "[IPC]" or arguments.split()[:1] not in (["TCP"], ["IPC"]):
            self._add(
                name,
                WRONG,
                f"{where} speaks no SMTP over TCP",
                "there is no AUTH",
                "give DS another mailer",
                rule="smarthost-error",
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
                rule="relay-port-wrapped",
            )
        elif port not in STARTTLS_PORTS and provider_of(self.host) is None:
            self._add(
                name,
                ADVICE,
                f"{where}, port {port}: relays usually take STARTTLS on {', '.join(map(str, STARTTLS_PORTS))}",
                "sendmail defers the mail unless the relay listens there",
                f"{self.apply} --port 587",
                rule="relay-port-unusual",
            )
        elif set(off) & {"A", "S"}:
            what = "authenticate" if "A" in off else "use STARTTLS"
            self._add(
                name,
                WRONG,
                f"ClientPortOptions has the modifiers {off}",
                f"sendmail does not {what} as a client: the relay answers 530",
                f"take A and S out of the Modifiers of ClientPortOptions in {self.cf_path}",
                rule="auth-client-off",
            )
        elif port == SMTP_PORT and self._meant:  # mail without AUTH goes to port 25 as it should
            ses_host = ses.endpoint(self.host) is not None
            self._add(
                name,
                ADVICE,
                f"{where}, port {port}: relays take authenticated mail on port 587",
                "where port 25 is closed or throttled, as in most clouds, mail is deferred",
                f"{self.apply} --port 587",
                rule="ses-port-25" if ses_host else "relay-port-default",
            )
        else:
            self._add(name, OK, f"{where}, port {port}")

    def _mechanisms(self, entry: Reading) -> None:
        name = "mechanisms"
        words, source = mechanism_words(self.cf, entry)
        deferred = "all mail to servers that offer AUTH is deferred: no worthy mechanisms"
        spoiled = mechanisms_problem(words)
        if spoiled:
            self._add(
                name,
                WRONG,
                f"{' '.join(words) or 'none'} ({source}): names are separated by blanks, without quotes",
                deferred,
                f"sendmailcf set {self.cf_path} O.AuthMechanisms 'LOGIN PLAIN'",
                rule=spoiled,
            )
        elif entry.credentials is None and words == list(DEFAULT_MECHANISMS):
            self._add(name, UNKNOWN, f"{' '.join(words)} ({source}), unless the entry names others")
        elif not {word.upper() for word in words} & set(offered_by(self.host)):
            self._add(
                name,
                WRONG,
                f"{' '.join(words)} ({source}): none of {' '.join(offered_by(self.host))}, which the relay offers",
                deferred,
                f"sendmailcf set {self.cf_path} O.AuthMechanisms 'LOGIN PLAIN'",
                rule="auth-mech-default",
            )
        else:
            self._add(name, OK, f"{' '.join(words)} ({source})")

    # The map and its ruleset.
    @cached_property
    def _map_node(self) -> Optional[KeyFile]:
        """The K line of the map in which the ruleset looks for this server, or of the map `authinfo`."""
        asked = self.view.maps_asked(self.server) if self.has_ruleset else set()
        held = [name for name in sorted(asked) if name in self.cf.maps]
        for name in held:
            try:
                records = self.view.database(self.cf.maps[name].node)
            except LookupFailedError:
                continue
            if any(self._raw(key, records) is not None for key in self._keys(name)):
                return self.cf.maps[name].node
        if asked and not held:
            return None
        for name in ("authinfo", *held, "access"):
            if name in self.cf.maps:
                return self.cf.maps[name].node
        return None

    def _keys(self, name: str) -> List[str]:
        """The keys that sendmail looks up in a map for this server, folded unless the map has -f."""
        asked = [key for at, key in self.view.keys_asked(self.server) if at == name.lower()]
        keys = asked or lookup_keys(self.server.name, self.server.addr, access=name.lower() == "access")
        fold = name not in self.cf.maps or "f" not in map_arguments(self.cf.maps[name].node).flags
        return list(dict.fromkeys(key.lower() if fold else key for key in keys))

    @staticmethod
    def _raw(key: str, records: Mapping[bytes, bytes]) -> Optional[bytes]:
        """The key as the records hold it, with a NUL or without; None if they do not."""
        raw = key.encode("utf-8", "surrogateescape")
        return next((one for one in (raw, raw + b"\0") if one in records), None)

    def _declaration(self, node: Optional[KeyFile]) -> None:
        name = "map declaration"
        if node is None:
            asked = ", ".join(sorted(self.view.maps_asked(self.server))) if self.has_ruleset else ""
            detail = f"the ruleset reads {asked}, which no K line declares" if asked else "no map authinfo"
            option = default_auth_info(self.cf)
            if option:
                detail += f"; DefaultAuthInfo={option} is no map, and ignored while a ruleset authinfo exists"
            consequence = "no credentials are found: the relay answers 530"
            rule = "map-undefined" if asked else self._no_entry()
            self._add(name, WRONG, detail, consequence, self.apply, rule=rule)
            return
        flags, file = map_arguments(node).flags, map_file(node)
        if node.map_class.lower() not in FORMATS:
            self._add(name, UNKNOWN, f"{node.name} is of class {node.map_class}, which cannot be read here")
        elif "m" in flags:
            self._add(
                name,
                WRONG,
                f"{node.name} has the flag -m, which gives the key in place of the value",
                "authinfo failed: no authentication, the relay answers 530",
                f"take -m out of the K line of {node.name} in {self.cf_path}",
                rule="auth-map-keys-only",
            )
        elif file is None or not file.startswith("/"):
            self._add(
                name,
                WRONG,
                f"{node.name} names no file by its full path",
                "the map cannot be opened",
                self.apply,
                rule="auth-map-path",
            )
        elif "o" in flags and self.look(file + ".db").missing:
            self._add(
                name,
                WRONG,
                f"{node.name} has the flag -o, and {file}.db is missing",
                "no credentials are found, and nothing is logged",
                _build(node, file),
                rule="auth-map-missing",
            )
        else:
            self._add(name, OK, str(node).strip())

    def _ruleset(self, node: Optional[KeyFile]) -> None:
        name, option = "ruleset", default_auth_info(self.cf)
        if not self.has_ruleset:
            self._add(
                name,
                WRONG,
                "there is no ruleset authinfo, and no DefaultAuthInfo"
                + ("" if node is None else f"; the map {node.name} is never asked"),
                "sendmail never authenticates: the relay answers 530",
                self.apply,
                rule="auth-map-unused" if node is not None else self._no_entry(),
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
                rule="auth-ruleset-empty",
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
                + (f"in {node.name}" if node is not None else "in any map")
                + self._undeclared(),
                "no credentials are found: the relay answers 530",
                self.apply,
                rule=self._deaf(node),
            )

    def _no_entry(self) -> str:
        """The rule that tells why the ruleset looks in no map."""
        if not self.has_ruleset:
            return "auth-ruleset-none"
        return self._deaf(None) if len(self.cf.rulesets["authinfo"]) else "auth-ruleset-empty"

    def _deaf(self, node: Optional[KeyFile]) -> str:
        """The rule that tells why the ruleset does not find the entry."""
        if self._undeclared():
            return "map-undefined"
        if node is not None and "m" in map_arguments(node).flags:
            return "auth-map-keys-only"
        colon = "OperatorChars" not in self.cf.options or ":" in option_of(self.cf, "OperatorChars")
        if not colon:
            return "option-opchars-essential"
        return "auth-ruleset-deaf"

    def _undeclared(self) -> str:
        names = [
            name
            for rule in self.cf.rulesets["authinfo"]
            for name in re.findall(r"\$\(([A-Za-z0-9_]+)", rule.rhs)
            if name.lower() not in {one.lower() for one in self.cf.maps}
        ]
        if not names:
            return ""
        return f"; it asks {', '.join(dict.fromkeys(names))}, which no K line declares"

    def _facts(self, node: Optional[KeyFile]) -> Tuple[str, Optional[Facts], Optional[Facts]]:
        file = map_file(node) if node is not None and node.map_class.lower() in FORMATS else None
        return (file, self.look(file), self.look(file + ".db")) if file else ("", None, None)

    def _records(self, node: Optional[KeyFile]) -> Optional[Dict[bytes, bytes]]:
        _, _, database = self._facts(node)
        if node is None or database is None or database.data is None:
            return None
        try:
            return dict(records_of(node, database.data).items())
        except MapError:
            return None

    def _map_file(self, node: Optional[KeyFile]) -> None:
        name = "map file"
        file, source, database = self._facts(node)
        if node is None or database is None or source is None:
            self._add(name, UNKNOWN, "no map to look for")
            return
        path, build = file + ".db", _build(node, file)
        failed = "the lookup fails: no authentication, the relay answers 530"
        if database.data is None:
            state = WRONG if database.missing else UNKNOWN
            hidden = node is not None and "o" in map_arguments(node).flags
            rule = "" if state != WRONG else "auth-map-missing" if hidden else _missing_file(file)
            self._add(name, state, f"{path}: {database.problem}", failed, build, rule=rule)
            return
        try:
            records = records_of(node, database.data)
            self._add(name, OK, f"{path}: {len(records)} entries, {records.info.byteorder} endian")
        except MapError as error:
            self._add(name, WRONG, f"{path}: {error}", failed, build, rule=_foreign(node, database.data))

    def _permissions(self, node: Optional[KeyFile]) -> None:
        name = "permissions"
        file, source, database = self._facts(node)
        if database is None or source is None:
            self._add(name, UNKNOWN, "no map to look for")
            return
        refusal = unsafe_map(self.cf, self.look, database)
        if refusal is not None:
            words = f"unsafe map file: {refusal.words}; the relay answers 530"
            self._add(name, WRONG, refusal.detail, words, refusal.repair, rule="auth-map-unsafe")
            return
        for facts in (source, database):
            path = facts.path
            if facts.data is not None and facts.links > 1:
                self._add(
                    name,
                    WRONG,
                    f"{path} has {facts.links} names (hard links)",
                    "sendmail reads it, makemap refuses to build it again, and others may hold it by the other name",
                    f"make {path} a file of its own",
                    rule="auth-file-links",
                )
                return
            if facts.data is not None and facts.mode & 0o007:
                self._add(
                    name,
                    WRONG,
                    f"{path} has mode {facts.mode:04o}",
                    "every user of this host can read or change the password; sendmail does not check it",
                    f"chmod 600 {path}",
                    rule="auth-file-mode",
                )
                return
            if facts.data is not None and facts.mode & 0o020:
                self._add(
                    name,
                    WRONG,
                    f"{path} has mode {facts.mode:04o}",
                    "its group can change where the password goes; sendmail does not check it",
                    f"chmod g-w {path}",
                    rule="auth-file-mode",
                )
                return
        if database.data is None and source.data is None:
            self._add(name, UNKNOWN, f"neither {file} nor {file}.db can be read")
        else:
            shown = [
                f"{facts.path} {facts.mode:04o}" for facts in (source, database) if facts.data is not None
            ]
            self._add(name, OK, ", ".join(shown))

    def _source(self, node: Optional[KeyFile]) -> str:
        """The link of database and source; why this host's entry is not what the source says, if so."""
        name = "database and source"
        file, source, database = self._facts(node)
        records = self._records(node)
        if node is None or source is None or database is None or records is None:
            self._add(name, UNKNOWN, "no database to compare")
            return ""
        build = _build(node, file)
        if source.data is None:
            self._add(name, UNKNOWN, f"{file}: {source.problem}")
            return ""
        from .. import makemap

        flags = map_arguments(node).flags
        built_folded = "f" in flags and dict(makemap.read(source.data).pairs) == records
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
                rule=_refused_line(problem),
            )
            return ""
        if wanted == records:
            self._add(name, OK, f"{file}.db holds what {file} says")
            return ""
        if built_folded:
            self._add(
                name,
                WRONG,
                f"{file}.db was built without makemap -f, and the K line of {node.name} has -f",
                "keys with capital letters are not found: the relay answers 530",
                f"take -f out of the K line of {node.name} in {self.cf_path}",
                rule="auth-map-fold",
            )
            return ""
        missing = len([key for key in wanted if key not in records])
        extra = len([key for key in records if key not in wanted])
        other = len(wanted) - missing - len([key for key in wanted if records.get(key) == wanted[key]])
        parts = [f"{missing} missing", f"{other} different", f"{extra} not in the source"]
        said = ", ".join(part for part in parts if not part.startswith("0 "))
        self._add(
            name,
            WRONG,
            f"{file}.db is not what {file} says: {said}",
            "sendmail uses the old entries",
            build,
            rule="map-stale",
        )
        for one in self._keys(node.name):
            old, new = self._raw(one, records), self._raw(one, wanted)
            if old is not None and new is not None:
                return "" if records[old] == wanted[new] else f"{file}.db has not the entry that {file} has"
        return ""

    def _key(self, node: Optional[KeyFile]) -> None:
        name, key = "key", PREFIX + self.host
        records = self._records(node)
        if node is None or records is None or not self.host:
            self._add(name, UNKNOWN, f"{key} is what sendmail will look for")
            return
        for one in self._keys(node.name):
            if self._raw(one, records) is not None:
                exact = one.lower() != PREFIX.lower()
                said = "it must be the canonical name of the server" if exact else "the catch-all"
                self._add(name, OK, f"{one} is found; {said}")
                return
        led = f" (DS{self.smart.text} leads to {self.host} by MX or CNAME)" if self.led and self.smart else ""
        others = len([key for key in records if key.lower().startswith(PREFIX.lower().encode())])
        near = self._near(records)
        self._add(
            name,
            WRONG,
            f"{key}{led} is not in {map_file(node)}.db, which has {others} AuthInfo entries{near}",
            "no credentials are found: the relay answers 530",
            self.apply,
            # Where the flag -f is the cause, it has been told.
            rule="auth-map-fold" if self.links[-1].rule == "auth-map-fold" else "auth-key-missing",
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

    def _entry(self, entry: Reading, by_option: bool) -> str:
        """The link of the entry; why what is sent is not what was meant, if so."""
        name = "entry"
        if entry.credentials is None:
            known = not entry.cause and any(link.state in (WRONG, UNKNOWN) for link in self.links[self.before_map :])
            self._add(
                name,
                UNKNOWN if known else WRONG,
                entry.problem or "no entry",
                "the relay answers 530",
                self.apply,
                rule="" if known else self._spoiled(entry.cause, by_option),
            )
            return ""
        used = None if by_option else self.view.used(self.server)
        found = surprises(used[2]) if used is not None else []
        if found:
            texts, altered = "; ".join(one.text for one in found), any(one.altered for one in found)
            consequence = "the relay gets another user or password than the one written" if altered else ""
            self._add(
                name,
                WRONG,
                texts,
                consequence or "sendmail does not use all that is written",
                self.apply,
                rule=self._spoiled(found[0].cause, by_option),
            )
            return found[0].text if altered else ""
        self._add(name, OK, f"user {entry.credentials.user!r}, with a password")
        return ""

    def _spoiled(self, cause: str, by_option: bool) -> str:
        """The rule that tells of an entry by the cause."""
        if any(link.rule == "auth-map-keys-only" for link in self.links):
            return "auth-map-keys-only"
        if by_option:
            return "default-auth-info-is-map-source" if cause == "source" else "auth-option-lines"
        return f"auth-value-{cause}" if cause else "auth-entry-missing"

    def _endpoint(self) -> None:
        """Whether the host and port are a relay's, as far as its provider is known."""
        name, judged = "endpoint", judge(self.host, None, None, port=self._port())
        wrong = next((link for state in (WRONG, ADVICE) for link in judged if link.state == state), None)
        if wrong is not None:
            self._add(name, wrong.state, wrong.detail, wrong.consequence, wrong.repair, rule=wrong.rule)
        else:
            self._add(name, OK, "; ".join(link.detail for link in judged if link.name != "port"))

    def _kind(self, entry: Reading) -> str:
        """Whether user and password are of the kind that the provider gives; if not, why they are not."""
        name, found = "credentials", entry.credentials
        if found is None:
            self._add(name, UNKNOWN, "none are known")
            return ""
        provider = provider_of(self.host)
        if provider is None:
            self._add(name, OK, "no provider of that relay is known, so they may be of any shape")
            return ""
        user = found.user if found.authid is None else found.authid
        shapes = (
            ("user", provider.user.mistake(user)),
            ("password", provider.password.mistake(found.password)),
        )
        mistakes = [(what, mistake) for what, mistake in shapes if mistake is not None]
        if not mistakes:
            self._add(name, OK, f"of the shape that {provider.title} gives")
            return ""
        detail = "; ".join(f"the {what} is {mistake.title}" for what, mistake in mistakes)
        sure = [mistake for _, mistake in mistakes if not mistake.guess]
        repair = "; ".join(dict.fromkeys(mistake.repair for _, mistake in mistakes))
        first = next((what for what, mistake in mistakes if not mistake.guess), "credentials-odd")
        rule, consequence = f"{family(provider)}-{first}", "the relay answers 535, and then 530"
        self._add(name, WRONG if sure else ADVICE, detail, consequence, repair, rule=rule)
        return detail if sure else ""

    def _every_server(self, node: Optional[KeyFile], by_option: bool) -> None:
        """The catch-all, which sendmail offers to whatever server asks."""
        name = "other servers"
        records = self._records(node)
        if by_option:
            self._add(
                name,
                ADVICE,
                "DefaultAuthInfo knows no hosts",
                "the password is offered to every server that asks for authentication",
                f"{self.apply} --store authinfo",
                rule="auth-option-any-host",
            )
        elif records is None or node is None:
            self._add(name, UNKNOWN, "no database to look for a catch-all")
        elif {PREFIX.lower().encode(), PREFIX.lower().encode() + b"\0"} & set(records):
            self._add(
                name,
                WRONG,
                f"{PREFIX} without a host, the catch-all, is in {map_file(node)}.db",
                "the password is offered to every server that asks for authentication",
                f"write {PREFIX}{self.host or 'HOST'} in {map_file(node)}, then "
                + _build(node, map_file(node) or ""),
                rule="auth-catch-all",
            )
        else:
            self._add(name, OK, "no catch-all: the password is offered to the hosts of the entries alone")

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
        if not self.view.tries_tls(self.server):
            self._add(
                name,
                WRONG,
                "the ruleset try_tls keeps sendmail from STARTTLS",
                "the relay answers 530: Must issue a STARTTLS command first",
                f"repair the rules of try_tls in {self.cf_path}",
                rule="auth-tls-off",
            )
        elif CLEAR in given and CLEAR not in allowed:
            self._add(
                name,
                WRONG,
                "nothing demands encryption",
                "the password is sent in clear whenever the server offers no STARTTLS",
                repair,
                rule="auth-plain-cleartext",
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
            self._add(
                name,
                WRONG,
                "no session is good enough for the guard",
                "all mail is deferred",
                repair,
                rule="auth-guard-shut",
            )
        else:
            self._add(
                name,
                OK,
                f"the password leaves {given[0].name}" + (" or better" if len(given) > 1 else " only"),
            )

    # DefaultAuthInfo, where no ruleset authinfo exists.
    def _read_five_lines(self) -> Reading:
        facts = self.look(default_auth_info(self.cf))
        if facts.data is None:
            return Reading(None, f"{facts.path}: {facts.problem}")
        return DefaultAuthInfo(facts.data).reading()

    def _five_lines(self) -> None:
        path = default_auth_info(self.cf)
        self._add("map declaration", OK, "not used: DefaultAuthInfo is set, and there is no ruleset authinfo")
        self._add("ruleset", OK, "none, so DefaultAuthInfo is used for every server")
        facts, queued = self.look(path), "all mail to servers that offer AUTH stays in the queue"
        if not path.startswith("/"):
            self._add("map file", UNKNOWN, f"DefaultAuthInfo={path} is no absolute path")
            return
        if facts.data is None:
            self._add(
                "map file",
                WRONG if facts.missing or facts.irregular else UNKNOWN,
                f"{path}: {facts.problem}",
                queued,
                self.apply,
                rule="auth-option-missing" if facts.missing or facts.irregular else "",
            )
            return
        self._add("map file", OK, f"{path}, five lines")
        refusal = refused_default_auth_info(self.cf, facts)
        if refusal is not None:
            self._add(
                "permissions",
                WRONG,
                refusal.detail,
                f"can't open {path}: {refusal.words}: {queued}",
                refusal.repair,
                rule="auth-option-mode",
            )
        else:
            self._add("permissions", OK, f"{path} {facts.mode:04o}")


def _build(node: KeyFile, file: str) -> str:
    """The command that builds the database of a map from its source."""
    return f"sendmailcf makemap {FORMATS.get(node.map_class.lower(), 'hash')} {file} < {file}"
