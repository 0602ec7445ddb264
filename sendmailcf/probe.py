"""Talk to a relay as sendmail would, up to the first word of a message, and say what sendmail would do next.

The one thing to know: no credential leaves without TLS, whatever this host's rules allow; where sendmail would send one
in clear, that is said instead.  Every wait has its limit.  RFC 5321, 3207 and 4954; what sendmail makes of each reply
was seen with sendmail 8.17.1.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import errno
import re
import socket
import ssl
import time
from typing import Callable, Container, List, Optional, Tuple, Union

from attrs import evolve, frozen

from . import certificate, sasl
from .authinfo import Credentials
from .errors import SendmailCfError
from .record import Record
from .relay.host import CLEAR, TLS, VERIFIED, Server
from .relay.host import Session as Encryption
from .relay.links import ACCEPTED, BOUNCED, DEFERRED, OPEN, Prediction
from .relay.predict import Found, Outcome
from .relay.session import Session, Step, cause_of
from .resolver import HostUnknownError, NameServerError, Resolver, Route

_LONGEST_REPLY = 65536
_SOON = datetime.timedelta(days=14)


@frozen(eq=False, repr=False)
class Rules(Record):
    """What this host's sendmail.cf says, for a server and the encryption of the session.

    refused: what becomes of the mail if `tls_server` refuses the session; None if it does not.  credentials: those
    stored for the server, or what becomes of the mail; None to log in with none.  mechanisms: those that may be
    used with credentials.  rulesets: the names of those there are.
    """

    refused: Callable[[Server, Encryption], Optional[Outcome]]
    credentials: Optional[Callable[[Server, Encryption], Union[Found, Outcome]]]
    mechanisms: Callable[[Found], Tuple[str, ...]]
    rulesets: Container[str] = ()


@frozen(eq=False, repr=False)
class Ask(Record):
    """What to ask of a relay.

    host: with brackets or without, as in DS.  port: TCP port.  rules: of this host.  helo: the name to greet with.
    seconds: the longest wait for a connection and for each reply.  starttls: whether sendmail would use it.  ca_file,
    ca_path: those of sendmail.cf; without both, sendmail verifies no certificate.
    """

    host: str
    port: int
    rules: Rules
    helo: str
    seconds: float = 30.0
    starttls: bool = True
    ca_file: str = ""
    ca_path: str = ""


class _EndedError(Exception):
    """The session is over, and this becomes of the mail."""

    def __init__(self, fate: str, because: str) -> None:
        super().__init__(because)
        self.outcome: Outcome = (False, fate, because)


@frozen(eq=False, repr=False)
class _Reply(Record):
    code: int
    lines: Tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.code} {' '.join(self.lines)}".strip()


class _Wire:
    """Commands out, replies in; each reply within `seconds`, however slowly its bytes come."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self.sock, self.seconds = sock, seconds
        self.buffer = b""

    def _line(self, end: float) -> bytes:
        while b"\n" not in self.buffer:
            if len(self.buffer) > _LONGEST_REPLY:
                raise OSError(errno.EPROTO, "a line without end")
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(errno.ETIMEDOUT, "no answer in time")
            self.sock.settimeout(left)
            more = self.sock.recv(4096)
            if not more:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed the connection")
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def reply(self) -> _Reply:
        lines: List[str] = []
        size, end = 0, time.monotonic() + self.seconds
        while True:
            line = self._line(end)
            size += len(line)
            found = re.match(rb"([2-5][0-9][0-9])([ -]?)(.*)", line, re.DOTALL)
            if found is None or size > _LONGEST_REPLY:
                raise OSError(errno.EPROTO, "no reply of SMTP")
            lines.append(found.group(3).decode("utf-8", "backslashreplace"))
            if found.group(2) != b"-":
                return _Reply(int(found.group(1)), tuple(lines))

    def say(self, words: bytes) -> _Reply:
        self.sock.settimeout(self.seconds)
        self.sock.sendall(words + b"\r\n")
        return self.reply()


def probe(ask: Ask, resolver: Resolver) -> Session:
    """Try a relay.  Raises nothing that the network can cause: a failure is a step of the session."""
    return _Probe(ask, resolver).run()


class _Probe:
    def __init__(self, ask: Ask, resolver: Resolver) -> None:
        self.ask, self.resolver = ask, resolver
        self.steps: List[Step] = []
        self.server: Optional[Server] = None
        self.encryption = CLEAR
        self.wire: Optional[_Wire] = None
        self.begun = 0.0

    def run(self) -> Session:
        ask = self.ask
        try:
            outcome = self._talk()
        except _EndedError as ended:
            outcome = ended.outcome
        except BaseException:
            self._close()
            raise
        self._quit()
        name, addr = (self.server.name, self.server.addr) if self.server else ("", "")
        return Session(ask.host, ask.port, name, addr, tuple(self.steps), Prediction(*outcome))

    # Steps
    def _start(self) -> None:
        self.begun = time.monotonic()

    def _step(self, name: str, ok: Optional[bool], detail: str, cause: str = "") -> None:
        seconds = round(time.monotonic() - self.begun, 3)
        self.steps.append(Step(name, ok, seconds, detail, cause))

    def _end(self, name: str, fate: str, detail: str, cause: str) -> _EndedError:
        self._step(name, False, detail, cause)
        return _EndedError(fate, f"{name}: {detail}")

    def _talk(self) -> Outcome:
        self._connect(self._routes())
        features = self._hello("EHLO")
        if "STARTTLS" in features and self.ask.starttls:
            if self._starttls():
                features = self._hello("EHLO over TLS")
        elif self.ask.starttls:
            self._start()
            self._step("STARTTLS", False, "not offered", "starttls-not-offered")
        refused = self.ask.rules.refused(self._server, self.encryption)
        if refused is not None:
            self._start()
            self._step("TLS policy", False, refused[2], "tls-too-weak")
            return refused
        return self._log_in(features.get("AUTH", "").split())

    @property
    def _server(self) -> Server:
        if self.server is None:
            raise AssertionError("there is a server once there is a connection")
        return self.server

    @property
    def _name(self) -> str:
        return self.server.name if self.server else self.ask.host

    @property
    def _open(self) -> _Wire:
        if self.wire is None:
            raise AssertionError("there is a connection")
        return self.wire

    def _routes(self) -> List[Route]:
        self._start()
        try:
            routes = self.resolver.routes(self.ask.host)
        except HostUnknownError as error:
            raise self._end("resolve", BOUNCED, str(error), "host-unknown") from None
        except NameServerError as error:
            raise self._end("resolve", DEFERRED, str(error), "dns-down") from None
        told = [f"{one.name} ({', '.join(one.addresses)}; {one.found})" for one in routes]
        self._step("resolve", True, ", ".join(told))
        return routes

    def _connect(self, routes: List[Route]) -> None:
        """Connect to the first server that answers, and take its greeting."""
        last: Optional[_EndedError] = None
        for route in routes:
            for address in route.addresses:
                self._start()
                name = f"{route.name} [{address}] port {self.ask.port}"
                try:
                    sock = socket.create_connection((address, self.ask.port), self.ask.seconds)
                except OSError as error:
                    last = self._end("connect", DEFERRED, f"{name}: {_said(error)}", _connecting(error))
                    continue
                self.server = Server(route.name, f"IPv6:{address}" if ":" in address else address)
                self.wire = _Wire(sock, self.ask.seconds)
                self._step("connect", True, name)
                try:
                    self._greeting()
                except _EndedError as error:
                    last = error
                    if error.outcome[1] == BOUNCED:
                        raise
                    self._close()
                    continue
                return
        raise last or _EndedError(DEFERRED, "no address to connect to")

    def _greeting(self) -> None:
        self._start()
        try:
            reply = self._open.reply()
        except OSError as error:
            cause = "no-greeting" if _is_timeout(error) else "no-answer"
            raise self._end("greeting", DEFERRED, _said(error), cause) from None
        if reply.code // 100 == 2:
            self._step("greeting", True, reply.text)
            return
        if reply.code // 100 == 4:
            raise self._end("greeting", DEFERRED, reply.text, "relay-busy")
        raise self._end("greeting", BOUNCED, reply.text, "greeting-refused")

    def _say(self, step: str, words: bytes) -> _Reply:
        """A command and its reply; a lost connection ends the session, and the mail waits."""
        self._start()
        try:
            return self._open.say(words)
        except OSError as error:
            raise self._end(step, DEFERRED, _said(error), "no-answer") from None

    def _hello(self, step: str) -> dict[str, str]:
        reply = self._say(step, b"EHLO " + self.ask.helo.encode("ascii", "replace"))
        if reply.code // 100 != 2:
            self._step(step, False, reply.text)
            reply = self._say("HELO", b"HELO " + self.ask.helo.encode("ascii", "replace"))
            if reply.code // 100 != 2:
                fate = BOUNCED if reply.code // 100 == 5 else DEFERRED
                raise self._end("HELO", fate, reply.text, cause_of(reply.text))
            self._step("HELO", True, reply.text)
            return {}
        features: dict[str, str] = {}
        for line in reply.lines[1:]:
            word, _, rest = line.partition(" ")
            features[word.upper()] = rest
        shown = [name for name in ("STARTTLS", "AUTH", "SIZE") if name in features]
        self._step(step, True, ", ".join(f"{name} {features[name]}".strip() for name in shown) or "nothing")
        return features

    # TLS
    def _starttls(self) -> bool:
        """Encrypt the session; False if the server declined, after which sendmail goes on in clear."""
        reply = self._say("STARTTLS", b"STARTTLS")
        if reply.code != 220:
            self._step("STARTTLS", False, reply.text, "starttls-refused")
            return False
        wire = self._open
        if wire.buffer:
            raise self._end("STARTTLS", DEFERRED, "more words in clear after the reply", "tls-handshake")
        try:
            wire.sock.settimeout(self.ask.seconds)
            wire.sock = _context(None, None).wrap_socket(wire.sock, server_hostname=_sni(self._name))
        except (OSError, ValueError) as error:
            raise self._end(
                "STARTTLS",
                DEFERRED,
                f"the handshake fails: {_said(error)}",
                "tls-handshake",
            ) from None
        cipher = wire.sock.cipher() or ("", "", 0)
        version = wire.sock.version() or ""
        self._step("STARTTLS", True, f"{version}, {cipher[0]}, {cipher[2]} bits")
        bits = {"cipher_bits": str(cipher[2]), "cipher": cipher[0], "tls_version": version}
        verified = self._certificate(wire.sock.getpeercert(binary_form=True))
        base = VERIFIED if verified else TLS
        self.encryption = evolve(base, macros={**base.macros, **bits})
        return True

    def _certificate(self, der: Optional[bytes]) -> bool:
        """Tell what the certificate is worth; whether this host's sendmail would call it verified."""
        self._start()
        try:
            found = certificate.read(der or b"")
        except ValueError as error:
            self._step("certificate", False, str(error), "tls-unverified")
            return False
        configured = bool(self.ask.ca_file and self.ask.ca_path)
        problem = self._chain_problem(
            self.ask.ca_file or None, self.ask.ca_path or None, configured=configured
        )
        told = [f"for {', '.join(found.names) or found.subject}", f"from {found.issuer}", _dates(found)]
        host = self._name
        if not found.is_for(host):
            told.append(f"{host} is not among its names, which sendmail does not look at")
        by = "the certificates of sendmail.cf" if configured else "the certificates of this system"
        told.append(f"verified by {by}" if problem is None else f"not verified by {by}: {problem}")
        if not configured:
            told.append("sendmail itself verifies nothing: CACertFile and CACertPath are not both set")
        good = problem is None and found.is_for(host) and _in_time(found)
        self._step("certificate", good or None, "; ".join(told))
        return configured and problem is None

    def _chain_problem(
        self, ca_file: Optional[str], ca_path: Optional[str], *, configured: bool
    ) -> Optional[str]:
        """Why the chain is not verified, found out in a session of its own; None if it is."""
        address = self._server.addr.rpartition("IPv6:")[2].strip("[]")
        try:
            context = _context(ca_file, ca_path) if configured else _context(None, None, system=True)
            with socket.create_connection((address, self.ask.port), self.ask.seconds) as sock:
                wire = _Wire(sock, self.ask.seconds)
                wire.reply()
                wire.say(b"EHLO " + self.ask.helo.encode("ascii", "replace"))
                if wire.say(b"STARTTLS").code != 220:
                    return "STARTTLS was refused the second time"
                with context.wrap_socket(sock, server_hostname=_sni(self._name)) as wrapped:
                    _Wire(wrapped, self.ask.seconds).say(b"QUIT")
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        except (OSError, ValueError) as error:
            return _said(error)
        return None

    # AUTH
    def _log_in(self, offered: List[str]) -> Outcome:
        self._start()
        if not offered:
            self._step("AUTH", False, "not offered", "no-auth-offered")
            return self._sender(authenticated=False)
        if self.ask.rules.credentials is None:
            self._step("AUTH", None, f"{' '.join(offered)} offered; no credentials are used")
            return self._sender(authenticated=False)
        found = self.ask.rules.credentials(self._server, self.encryption)
        if not isinstance(found, Found):
            self._step(
                "credentials",
                False,
                found[2],
                "guard" if found[1] == DEFERRED and "temp" in found[2].lower() else "",
            )
            return found
        credentials = found.reading.credentials
        if credentials is None:
            detail = f"none: {found.reading.problem}"
            self._step("credentials", False, detail, "no-credentials")
            return self._sender(authenticated=False)
        allowed = self.ask.rules.mechanisms(found)
        self._step("credentials", True, f"user {credentials.user!r}, mechanisms {' '.join(allowed)}")
        if self.encryption is CLEAR:
            self._start()
            self._step(
                "AUTH", False, "not tried: the session is not encrypted", "the password would go in clear"
            )
            return None, OPEN, "sendmail would send the password in clear, which the probe does not"
        usable = sasl.usable(allowed, offered)
        if not usable:
            return self._no_mechanism(found, allowed, offered)
        for mechanism in usable:
            reply = self._authenticate(mechanism, credentials)
            if reply.code == 235:
                self._step(f"AUTH {mechanism}", True, reply.text)
                return self._sender(authenticated=True)
            self._step(f"AUTH {mechanism}", False, reply.text, _refusal(reply))
            if reply.code // 100 == 4 and found.without == DEFERRED:
                return False, DEFERRED, f"{reply.text}: Temporary AUTH failure"
            if reply.code // 100 == 4:
                break
        return self._sender(authenticated=False)

    def _no_mechanism(self, found: Found, allowed: Tuple[str, ...], offered: List[str]) -> Outcome:
        self._start()
        both = {word.upper() for word in allowed} & {word.upper() for word in offered}
        if both:
            detail = f"{' '.join(sorted(both))}: the probe speaks {' '.join(sasl.MECHANISMS)}"
            self._step("AUTH", None, detail)
            return None, OPEN, "the mechanism cannot be tried here"
        self._step(
            "AUTH", False, f"{' '.join(offered)} offered, none of which may be used", "no-common-mechanism"
        )
        if found.without == DEFERRED:
            return False, DEFERRED, "no mechanism in common: Temporary AUTH failure"
        return self._sender(authenticated=False)

    def _authenticate(self, mechanism: str, credentials: Credentials) -> _Reply:
        step, command, at = f"AUTH {mechanism}", b"AUTH " + mechanism.encode(), 0
        if mechanism == "PLAIN":
            command += b" " + base64.b64encode(sasl.answer(mechanism, credentials, self._name, 0, b""))
            at = 1
        reply = self._say(step, command)
        while reply.code == 334:
            try:
                challenge = base64.b64decode(" ".join(reply.lines).encode("ascii", "replace"), validate=True)
                words = base64.b64encode(sasl.answer(mechanism, credentials, self._name, at, challenge))
            except (binascii.Error, SendmailCfError) as error:
                self._say(step, b"*")
                return _Reply(501, (f"given up: {error}",))
            at += 1
            reply = self._say(step, words)
        return reply

    def _sender(self, *, authenticated: bool) -> Outcome:
        """MAIL, then RSET: no message, but whether one could begin."""
        reply = self._say(
            "sender", b"MAIL FROM:<postmaster@" + self.ask.helo.encode("ascii", "replace") + b">"
        )
        if reply.code // 100 == 2:
            self._step("sender", True, reply.text)
            self._say("RSET", b"RSET")
            why = (
                "sendmail logs in, and the relay takes the sender"
                if authenticated
                else "the relay asks for no AUTH"
            )
            return authenticated, ACCEPTED, why
        fate = BOUNCED if reply.code // 100 == 5 else DEFERRED
        self._step("sender", False, reply.text, cause_of(reply.text))
        return authenticated, fate, reply.text

    def _quit(self) -> None:
        if self.wire is None:
            return
        self._start()
        try:
            reply = self.wire.say(b"QUIT")
            self._step("QUIT", True, reply.text)
        except (OSError, ValueError) as error:
            self._step("QUIT", None, _said(error))
        self._close()

    def _close(self) -> None:
        if self.wire is not None:
            self.wire.sock.close()
            self.wire = None


def _context(ca_file: Optional[str], ca_path: Optional[str], *, system: bool = False) -> ssl.SSLContext:
    """A context as sendmail's client has it: any protocol and cipher that the library allows, no look at names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.verify_mode = ssl.CERT_NONE
    if system:
        context.load_default_certs()
    if ca_file or ca_path:
        context.load_verify_locations(ca_file, ca_path)
    if system or ca_file or ca_path:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _sni(name: str) -> Optional[str]:
    return None if name.startswith("[") or ":" in name else name


def _is_timeout(error: BaseException) -> bool:
    return isinstance(error, (TimeoutError, socket.timeout))


def _said(error: BaseException) -> str:
    if _is_timeout(error):
        return "no answer in time"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _connecting(error: OSError) -> str:
    if _is_timeout(error) or error.errno == errno.ETIMEDOUT:
        return "connection-timeout"
    return "connection-refused" if error.errno == errno.ECONNREFUSED else "unreachable"


def _refusal(reply: _Reply) -> str:
    """The cause of a refused AUTH."""
    if reply.code // 100 == 4:
        return "auth-temporary"
    return "auth-needs-tls" if reply.code in (504, 538) else "wrong-credentials"


def _in_time(found: certificate.Certificate) -> bool:
    now = datetime.datetime.now(datetime.timezone.utc)
    return (found.not_before or now) <= now <= (found.not_after or now)


def _dates(found: certificate.Certificate) -> str:
    if found.not_before is None or found.not_after is None:
        return "dates unreadable"
    now = datetime.datetime.now(datetime.timezone.utc)
    if now < found.not_before:
        return f"valid only from {found.not_before:%Y-%m-%d}"
    if now > found.not_after:
        return f"expired on {found.not_after:%Y-%m-%d}"
    soon = f", in {(found.not_after - now).days} days" if found.not_after - now < _SOON else ""
    return f"valid until {found.not_after:%Y-%m-%d}{soon}"
