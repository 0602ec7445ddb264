"""Plan a change: from a host and an intent to the new contents of its files, in the order to write them.

The one thing to know: the plan is proved before it is handed out.  The new rules are run with the new map,
and must give the credentials in the sessions that the policy allows, and in no other.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Optional, Tuple

from attrs import evolve, field, frozen

from .. import makemap, mapdb
from ..authinfo import PREFIX, AuthInfo, Credentials, DefaultAuthInfo, host_problem, normal
from ..config import Config
from ..errors import EditError, MapError, PlanError
from ..mapdb import hash as hash_format
from ..nodes import BadLine, KeyFile, MailerDefinition, RewritingRule, Ruleset
from ..record import Record
from ..values import map_arguments
from .host import (
    HASH_CLASSES,
    POLICIES,
    SESSIONS,
    Facts,
    Host,
    Look,
    Server,
    Session,
    SmartHost,
    credentials_in,
    is_address,
    map_file,
)
from .platforms import Platform
from .ports import WRAPPED_PORTS, port_of
from .rules import ENTRIES, authinfo_rules, ours, tls_server_rules


@frozen(eq=False, repr=False)
class Intent(Record):
    """What a host shall do: authenticate to `host` on `port` with `credentials`, under the policy `tls`.

    store: authinfo, access or default-auth-info.  tls: required, verified or optional.  cf, source: paths as
    sendmail.cf names them; source None for the one that is in use or the platform's.  smart_host: whether mail for
    other hosts goes there; else only the entry is made, and the port is no matter.
    """

    host: str
    credentials: Credentials
    platform: Platform
    port: int = 587
    tls: str = "required"
    store: str = "authinfo"
    cf: str = "/etc/mail/sendmail.cf"
    source: Optional[str] = None
    smart_host: bool = True


@frozen(eq=False, repr=False)
class Write(Record):
    """One file to replace: its path as sendmail.cf names it, what it holds now (None: no file) and shall hold.

    kind: cf, source or database.  A cf may be written twice: with its guard first, whole at the end.
    """

    path: str
    kind: str
    old: Optional[bytes] = field(repr=False)
    new: bytes = field(repr=False)

    @property
    def new_mode(self) -> int:
        """The octal mode of the file if it is new: nobody else may read a password."""
        return 0o644 if self.kind == "cf" else 0o600


@frozen(eq=False, repr=False)
class Plan(Record):
    """writes: in the order in which every moment in between is safe.  notes: what was found and why.

    diff: unified, passwords masked.  files: every file that the plan is about, written or not.
    """

    writes: Tuple[Write, ...]
    notes: Tuple[str, ...]
    diff: str
    files: Tuple[str, ...]

    @property
    def changed(self) -> bool:
        return bool(self.writes)


def plan(intent: Intent, look: Look) -> Plan:
    """The plan that makes a host do what `intent` says.  Raises PlanError, which names file and remedy."""
    return _Planner(intent, look).plan()


def rotation(intent: Intent, server: Server, look: Look) -> Plan:
    """The plan that gives the entry which sendmail uses for `server` other credentials, and changes nothing else.

    Raises PlanError where there is no such entry.
    """
    return _Planner(intent, look).rotate(server)


def load_cf(path: str, look: Look) -> Config:
    """The sendmail.cf at `path`.  Raises PlanError if it cannot be read or is none."""
    facts = look(path)
    if facts.data is None:
        raise PlanError(f"{path}: {facts.problem}; name the right file with --cf, or --root")
    cf = Config(facts.data, path)
    if b"\0" in facts.data[:4096] or not any(True for _ in cf.of_kind(MailerDefinition)):
        raise PlanError(f"{path}: this is no sendmail.cf: no mailer is defined in it")
    for index, node in enumerate(cf):
        if isinstance(node, BadLine):
            text = node.text[:60]
            raise PlanError(
                f"{path}: line {cf.line_number(index)}: sendmail cannot read this line: {text!r}; "
                f"repair it first (`sendmail -bC -C {path}` shows what it says)"
            )
    return cf


class _Planner:
    def __init__(self, intent: Intent, look: Look) -> None:
        self.intent, self.look = intent, look
        self.notes: List[str] = []
        self.writes: List[Write] = []
        self.diffs: List[str] = []
        self.files: List[str] = []
        self.server = Server.of(intent.host)
        self.key = PREFIX + intent.host
        self.policy: Tuple[Session, ...] = POLICIES[intent.tls]
        problem = host_problem(intent.host)
        if problem:
            raise PlanError(problem)
        if not 0 < intent.port < 65536:
            raise PlanError(f"{intent.port} is no port; use 587, 2587 or 25")
        if intent.port in WRAPPED_PORTS:
            raise PlanError(
                f"port {intent.port} speaks TLS from the first byte, which sendmail's client does not: "
                "use 587 or 2587"
            )
        self.cf = load_cf(intent.cf, look)
        self.original = bytes(self.cf)

    def plan(self) -> Plan:
        try:
            if self.intent.smart_host:
                self._smart_host()
            self._mechanisms()
            by_option = self.intent.store == "default-auth-info"
            guarded = self._default_auth_info() if by_option else self._map()
        except EditError as error:
            raise PlanError(f"{self.intent.cf}: {error}") from error
        # The guard goes in before the entry that old rules would hand out, the rest of the file after it.
        first = self._cf_write(self.original, guarded or self.original)
        last = self._cf_write(guarded or self.original, bytes(self.cf))
        diffs = [self.cf.diff(), *self.diffs]
        files = (self.intent.cf, *self.files)
        return Plan((*first, *self.writes, *last), tuple(self.notes), "".join(diffs), files)

    def rotate(self, server: Server) -> Plan:
        self.server = server
        host = Host(self.cf, self.look)
        self.policy = tuple(
            one
            for one in SESSIONS
            if "authinfo" in self.cf.rulesets and credentials_in(host.authinfo(server, one)).credentials
        )
        try:
            if "authinfo" not in self.cf.rulesets and self.cf.options.all("DefaultAuthInfo"):
                self._five_lines(self._five_line_path())
            else:
                self._rotate_entry(host)
        except EditError as error:
            raise PlanError(f"{self.intent.cf}: {error}") from error
        return Plan(tuple(self.writes), tuple(self.notes), "".join(self.diffs), tuple(self.files))

    def _rotate_entry(self, host: Host) -> None:
        used = host.used(self.server)
        if used is None or not self.policy:
            raise self._fail(
                f"no entry is found for {self.server.name}, so there is nothing to rotate: use relay apply"
            )
        name, key, _ = used
        entry = key[len(PREFIX) :]
        if not entry:
            raise self._fail(
                f"the entry in use for {self.server.name} is the catch-all, which every server gets: use relay apply"
            )
        node = self.cf.maps[name].node
        source = self._source_of(node)
        self.files += [source, source + ".db"]
        if self.look(source).data is None:
            raise PlanError(f"{source}: {self.look(source).problem}; the database cannot be built without it")
        self.intent = evolve(self.intent, host=entry)
        self._prove(source, self._database(node, source))

    def _cf_write(self, old: bytes, new: bytes) -> Tuple[Write, ...]:
        return (Write(self.intent.cf, "cf", old, new),) if old != new else ()

    def _fail(self, message: str) -> PlanError:
        return PlanError(f"{self.intent.cf}: {message}")

    def _fresh(self) -> Config:
        return Config(self.original, self.intent.cf)

    # The relay itself.
    def _smart_host(self) -> None:
        intent, cf = self.intent, self.cf
        smart = Host(cf, self.look).smart_host()
        if smart is None or smart.name.lower() != intent.host.lower() or smart.stray_port is not None:
            cf.macros["S"] = self._smart_text(cf.macros.get("S", ""))
            smart = Host(cf, self.look).smart_host()
            if smart is None or smart.name.lower() != intent.host.lower():
                raise self._fail(
                    "the rules of this file do not send mail to the smart host in DS; generate it with "
                    "SMART_HOST, or add rules that use $S"
                )
        self._port(smart)

    def _smart_text(self, old: str) -> str:
        mailer, colon, rest = old.partition(":")
        prefixed = bool(colon) and mailer in self.cf.mailers and re.fullmatch("[0-9]*", rest) is None
        host = self.intent.host
        bracketed = is_address(host) or (rest if prefixed else old).startswith("[")
        return (f"{mailer}:" if prefixed else "") + (f"[{host}]" if bracketed else host)

    def _port(self, smart: SmartHost) -> None:
        port = self.intent.port
        try:
            mailer = self.cf.mailers[smart.mailer]
        except KeyError:
            raise self._fail(
                f"DS{smart.text} selects a mailer {smart.mailer!r}, which is not defined"
            ) from None
        arguments = mailer.arguments or ""
        if mailer.path != "[IPC]" or arguments.split()[:1] not in (["TCP"], ["IPC"]):
            raise self._fail(f"the mailer {mailer.name} speaks no SMTP over TCP: give DS another mailer")
        if port_of(arguments) == port:
            return
        found = re.match(r"[^ \t\n]+[ \t\n]+[^ \t\n]+", arguments)
        if found is None:
            raise self._fail(f"A= of the mailer {mailer.name} names no host: it should be `TCP $h`")
        rest = re.sub(r"^[ \t\n]+[^ \t\n]+", "", arguments[found.end() :])
        mailer.arguments = f"{found.group()} {port}{rest}"

    def _mechanisms(self) -> None:
        wanted = self.intent.credentials.mechanisms
        found = self.cf.options.all("AuthMechanisms")
        words = [word for word in (found[-1].value if found else "").split(" ") if word]
        if any(re.fullmatch(r"[A-Za-z0-9_-]+", word) is None for word in words):
            self.notes.append(
                "AuthMechanisms held names with commas, tabs or quotes, which match nothing; it is set anew: "
                "sendmail takes names separated by blanks"
            )
            words = []
        known = [word.upper() for word in words]
        missing = [word for word in wanted if word.upper() not in known]
        if missing:
            self.cf.options["AuthMechanisms"] = [*words, *missing]

    # Stores read through a map.
    def _map(self) -> Optional[bytes]:
        """Plan rules, source and database; the cf with nothing but its guard where that must go first."""
        node = self._declared()
        source = self._source_of(node)
        self.files += [source, source + ".db"]
        self._drop_default_auth_info(source)
        self._rules(self.cf, node, self.notes.append)
        database = self._database(node, source)
        self._prove(source, database)
        return self._guard_first(node, source)

    def _declared(self) -> KeyFile:
        """The K line of the map to use, added if there is none."""
        intent, cf = self.intent, self.cf
        name = "access" if intent.store == "access" else "authinfo"
        if name in cf.maps:
            return cf.maps[name].node
        if name == "access":
            raise self._fail(
                "there is no map `access` in this file; use --store authinfo, or generate it with "
                "FEATURE(`access_db')"
            )
        asked = Host(cf, self.look).maps_asked(self.server) if "authinfo" in cf.rulesets else set()
        others = sorted(one for one in asked if one != "access" and one in cf.maps)
        if others:
            return cf.maps[others[0]].node
        node = KeyFile(name=name, map_class="hash", arguments=intent.source or intent.platform.authinfo)
        cf.maps[name] = node
        return node

    def _source_of(self, node: KeyFile) -> str:
        source, arguments = map_file(node), map_arguments(node)
        where = f"the map {node.name}"
        if node.map_class.lower() not in HASH_CLASSES:
            raise self._fail(
                f"{where} is of class {node.map_class}; only hash can be built: declare it as hash"
            )
        if source is None or not source.startswith("/"):
            raise self._fail(f"{where} names no file by its full path")
        if self.intent.source is not None and self.intent.source != source:
            raise self._fail(
                f"{where} reads {source}, not {self.intent.source}: leave --authinfo out, or change the K line"
            )
        if "m" in arguments.flags or "a" in arguments.flags:
            raise self._fail(f"{where} has a flag -m or -a, which changes every value: declare it without")
        if "o" in arguments.flags:
            self.notes.append(
                f"the map {node.name} has the flag -o: were {source}.db missing, nothing would say so"
            )
        return source

    def _drop_default_auth_info(self, source: str) -> None:
        found = self.cf.options.all("DefaultAuthInfo")
        if not found or not found[-1].value:
            return
        value = found[-1].value
        text = (self.look(value).data or b"").decode("utf-8", "surrogateescape")
        if value in (source, source + ".db") or re.search(r"(?im)^authinfo:", text):
            self.notes.append(
                f"DefaultAuthInfo pointed at {value}, a map source: it takes a file of five plain lines, and a "
                "ruleset named authinfo, even an empty one, makes sendmail ignore it; the option is removed and "
                "the map is read by the ruleset"
            )
        else:
            self.notes.append(
                f"DefaultAuthInfo={value} is removed: beside a ruleset authinfo it is used only when the ruleset "
                "fails, and then for every server, encrypted or not"
            )
        del self.cf.options["DefaultAuthInfo"]

    def _rules(self, cf: Config, node: KeyFile, note: Callable[[str], None]) -> None:
        """Make the ruleset `authinfo` find entries of the map, and hand them out as the policy says."""
        tls, names, host = self.intent.tls, {node.name.lower()}, Host(cf, self.look)
        exists = "authinfo" in cf.rulesets
        sent = tuple(one for one in SESSIONS if exists and host.sends(self.server, one, names, self.key))
        mine = ours(cf)
        if sent == self.policy:
            return
        if sent and set(sent) < set(self.policy) and mine is None:
            note(
                "the ruleset authinfo already guards the password more strictly than asked; it stays as it is"
            )
            self.policy = sent
        elif mine is not None:
            map_name, entries, _ = mine
            start = cf.rulesets["authinfo"].starts[0]
            for index in reversed(cf.rulesets["authinfo"].indices):
                cf.remove(index)
            cf.insert(start + 1, *authinfo_rules(map_name if sent else node.name, entries, tls))
        elif not exists:
            cf.rulesets.add("authinfo", authinfo_rules(node.name, None, tls))
        elif len(cf.rulesets["authinfo"]) == 0:
            note(
                "the ruleset authinfo was empty: sendmail then finds no entry, and ignores DefaultAuthInfo too"
            )
            cf.rulesets["authinfo"].insert(0, *authinfo_rules(node.name, None, tls))
        else:
            self._move_rules(cf, authinfo_rules(None if sent else node.name, ENTRIES, tls))

    def _move_rules(self, cf: Config, rules: List[RewritingRule]) -> None:
        """Rename the host's own ruleset, and put ours directly before it."""
        if ENTRIES in cf.rulesets:
            raise self._fail(f"there is a ruleset {ENTRIES} already, of other rules: rename it")
        starts = cf.rulesets["authinfo"].starts
        for index in starts:
            old = cf[index]
            if isinstance(old, Ruleset):
                cf.replace(index, evolve(old, name=ENTRIES))
        cf.insert(starts[0], Ruleset(name="authinfo"), *rules)

    def _guard_first(self, node: KeyFile, source: str) -> Optional[bytes]:
        """The old cf with the new guard alone, if with the old one the new entry would leave unguarded."""
        if not self.writes:
            return None
        old = self._fresh()
        # Read as five plain lines, the source would be sent to any server, our entry with it.
        option = old.options.get("DefaultAuthInfo")
        if option is not None and option.value in (source, source + ".db"):
            del old.options["DefaultAuthInfo"]
        if "authinfo" in old.rulesets and node.name in old.maps:
            host, names = Host(old, self.look), {node.name.lower()}
            forbidden = [one for one in SESSIONS if one not in self.policy]
            if any(host.sends(self.server, one, names, self.key) for one in forbidden):
                self._rules(old, node, lambda _: None)
        return bytes(old)

    def _database(self, node: KeyFile, source: str) -> bytes:
        """Plan the source and its database; the contents that the database will have."""
        facts, flags = self._readable(source), map_arguments(node).flags
        fold, null = "f" not in flags, "N" in flags
        for problem in makemap.read(facts.data or b"", fold=fold, null=null).problems:
            raise PlanError(
                f"{source}: line {problem.line}: {problem.safe}; makemap would refuse this line: repair it first"
            )
        auth = AuthInfo(facts.data or b"", source)
        try:
            auth[self.intent.host] = self.intent.credentials
        except EditError as error:
            raise PlanError(f"{source}: {error}") from None
        read = makemap.read(bytes(auth), fold=fold, null=null)
        if auth.changed or facts.data is None:
            self.writes.append(Write(source, "source", facts.data, bytes(auth)))
            self.diffs.append(auth.diff())
        return self._built(source, dict(read.pairs), source_missing=facts.data is None)

    def _readable(self, path: str) -> Facts:
        facts = self.look(path)
        if facts.data is None and not facts.missing:
            raise PlanError(f"{path}: {facts.problem}")
        return facts

    def _built(self, source: str, records: Dict[bytes, bytes], *, source_missing: bool) -> bytes:
        path = source + ".db"
        facts, byteorder = self._readable(path), self.intent.platform.byteorder
        if facts.data is not None:
            rebuild = f"rebuild it with `sendmailcf makemap hash {source} < {source}`"
            try:
                old = mapdb.load(facts.data)
            except MapError as error:
                raise PlanError(f"{path}: {error}; remove it, or {rebuild}") from None
            if old.info.format != "hash":
                raise PlanError(
                    f"{path}: a {old.info.format} file, which a map of class hash cannot be: {rebuild}"
                )
            if old.info.version != hash_format.VERSION:
                raise PlanError(
                    f"{path}: a hash file of version {old.info.version}, which cannot be written: {rebuild} "
                    "with the makemap of this host"
                )
            held = dict(old.items())
            lost = len([key for key in held if key not in records])
            if lost:
                raise PlanError(
                    f"{path}: {lost} of its {len(held)} entries are not in {source}"
                    f"{', which does not exist' if source_missing else ''}, and would be lost: add them there "
                    f"(`makemap -u hash {source}` prints them), or {rebuild} to drop them"
                )
            if held == records:
                return facts.data
            byteorder = old.info.byteorder
        new = hash_format.build(records.items(), byteorder=byteorder)
        self.writes.append(Write(path, "database", facts.data, new))
        self.diffs.append(f"Binary file {path}: built from {source}, entries: {len(records)}\n")
        return new

    def _prove(self, source: str, database: bytes) -> None:
        """Run the new rules with the new database: the credentials, where the policy allows, and only there."""
        held = mapdb.load(database)
        host = Host(self.cf, self.look, {source: held})
        wanted = normal(self.intent.credentials)
        for session in SESSIONS:
            result = host.authinfo(self.server, session)
            got = credentials_in(result).credentials
            if (got == wanted) is not (session in self.policy) or (got is not None and got != wanted):
                why = result.reason if result.failed else "the ruleset authinfo finds something else"
                raise self._fail(
                    f"the changed rules would not do what is asked {session.name} ({why}); nothing was written: "
                    "look at the ruleset authinfo by hand"
                )

    # The five-line file.
    def _default_auth_info(self) -> Optional[bytes]:
        intent, cf = self.intent, self.cf
        if "authinfo" in cf.rulesets:
            if len(cf.rulesets["authinfo"]):
                raise self._fail(
                    "a ruleset authinfo with rules makes sendmail ignore DefaultAuthInfo: use --store authinfo"
                )
            cf.rulesets["authinfo"].remove()
            self.notes.append(
                "the empty ruleset authinfo is removed: with it sendmail ignores DefaultAuthInfo"
            )
        path = intent.source or self._five_line_path()
        changed = self._five_lines(path)
        cf.options["DefaultAuthInfo"] = path
        self._refuse_sessions(cf)
        self.notes.append(
            "DefaultAuthInfo offers the password to every server that asks for authentication, so the policy "
            f"--tls {intent.tls} holds for every server, too"
        )
        old = self._fresh()
        exposed = "authinfo" not in old.rulesets and old.options.all("DefaultAuthInfo")
        if not exposed or not changed:
            return None
        self._refuse_sessions(old)
        return bytes(old)

    def _five_lines(self, path: str) -> bool:
        """Plan the five-line file; whether it changes."""
        self.files.append(path)
        facts = self._readable(path)
        if facts.data is not None and facts.mode & 0o077:
            raise PlanError(
                f"{path}: mode {facts.mode:04o}: sendmail refuses it if others may read or write it: "
                f"`chmod 600 {path}`"
            )
        file = DefaultAuthInfo(facts.data or b"", path)
        try:
            file.credentials = self.intent.credentials
        except EditError as error:
            raise PlanError(f"{path}: {error}") from None
        if file.changed:
            self.writes.append(Write(path, "source", facts.data, bytes(file)))
            self.diffs.append(file.diff())
        return file.changed

    def _five_line_path(self) -> str:
        found = self.cf.options.all("DefaultAuthInfo")
        value = found[-1].value if found else ""
        if value.startswith("/") and b"authinfo:" not in (self.look(value).data or b"").lower():
            return value
        if value:
            self.notes.append(f"DefaultAuthInfo pointed at {value}, which is no file of five plain lines")
        return self.intent.platform.default_auth_info

    def _refuse_sessions(self, cf: Config) -> None:
        """Let `tls_server` end the sessions that the policy forbids: DefaultAuthInfo has no guard of its own."""
        host = Host(cf, self.look)
        forbidden = [one for one in SESSIONS if one not in self.policy]
        if not any(host.tls_server_allows(self.server, one) for one in forbidden):
            return
        rules = tls_server_rules(self.intent.tls)
        if "tls_server" in cf.rulesets:
            cf.rulesets["tls_server"].insert(0, *rules)
        else:
            cf.rulesets.add("tls_server", rules)
