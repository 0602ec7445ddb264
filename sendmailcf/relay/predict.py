"""What sendmail will do with the next message: log in or not, and what becomes of the message.

The one thing to know: the relay is taken to be well, that is, it listens on the ports of submission, offers and
demands STARTTLS and AUTH with LOGIN and PLAIN, and takes the user and password.  So what is foretold is what this
host's files come to; a relay that is not well is found by `sendmailcf relay probe`.
"""

from __future__ import annotations

import re
from typing import List, Optional, Tuple, Union

from attrs import frozen

from ..authinfo import BAD_BASE64, DefaultAuthInfo, Reading, host_problem
from ..config import Config
from ..record import Record
from .host import (
    CLEAR,
    FORMATS,
    TLS,
    VERIFIED,
    Host,
    Server,
    Session,
    SmartHost,
    credentials_in,
    map_file,
)
from .links import ACCEPTED, BOUNCED, DEFERRED, ELSEWHERE, OPEN, Prediction
from .permissions import refused_default_auth_info, unsafe_map
from .ports import STARTTLS_PORTS, WRAPPED_PORTS, port_of
from .providers import provider_of
from .rewrite import LookupFailedError

#: What sendmail offers when AuthMechanisms is not set (sendmail/conf.c).
DEFAULT_MECHANISMS = ("EXTERNAL", "GSSAPI", "KERBEROS_V4", "DIGEST-MD5", "CRAM-MD5")
#: What relays offer, where nothing better is known of them.
OFFERED = ("LOGIN", "PLAIN")
#: Classes whose maps sendmail reads and we do not.
FILE_CLASSES = (
    "dbm",
    "cdb",
    "text",
    "ldap",
    "nis",
    "nisplus",
    "hesiod",
    "socket",
    "program",
    "sequence",
)
_SILENT = "no credentials are found, and the relay answers 530"

Outcome = Tuple[Optional[bool], str, str]


def client_modifiers(cf: Config) -> str:
    """The letters of Modifiers in ClientPortOptions, which sendmail's client goes by."""
    letters = ""
    for option in cf.options.all("ClientPortOptions"):
        for part in option.value.split(","):
            key, equals, value = part.strip(" \t").partition("=")
            if equals and key[:1] in ("M", "m"):
                letters += value.strip(" \t")
    return letters


def offered_by(host: str) -> Tuple[str, ...]:
    """The mechanisms that a relay offers."""
    provider = provider_of(host)
    return (provider.mechanisms if provider is not None else ()) or OFFERED


def mechanism_words(cf: Config, reading: Reading) -> Tuple[List[str], str]:
    """The mechanisms that sendmail may use with an entry, and where they come from."""
    own = reading.credentials.mechanisms if reading.credentials else ()
    option = cf.options.all("AuthMechanisms")
    if own:
        return list(own), "of the entry"
    if option:
        return [word for word in option[-1].value.split(" ") if word], "of AuthMechanisms"
    return list(DEFAULT_MECHANISMS), "by default"


def default_auth_info(cf: Config) -> str:
    """The value of DefaultAuthInfo; empty where there is none."""
    found = cf.options.all("DefaultAuthInfo")
    return found[-1].value if found else ""


@frozen(eq=False, repr=False)
class Found(Record):
    """reading: the credentials that sendmail has, or why it has none.  without: the fate of the mail if they do not
    serve: deferred for those of the ruleset, bounced for the others, with which it goes on unauthenticated."""

    reading: Reading
    without: str


class Predictor:
    """Foretells for one host and one relay.

    smart: where mail goes.  wanted: where it shall go, or None.  altered: why the user or password that is sent is not
    the one that was meant, or an empty text.  verifies: whether sendmail can verify certificates.
    """

    def __init__(
        self,
        view: Host,
        smart: Optional[SmartHost],
        wanted: Optional[str],
        server: Server,
        *,
        altered: str,
        verifies: bool,
    ) -> None:
        self.view, self.look, self.cf = view, view.look, view.cf
        self.smart, self.wanted, self.server = smart, wanted, server
        self.altered, self.verifies = altered, verifies
        self._unseen = ""

    def predict(self) -> Prediction:
        """What becomes of the next message for another host."""
        before = self._way()
        if before is not None:
            return before
        outcomes = [self._outcome(session) for session in self._sessions()]
        if len({one[:2] for one in outcomes}) > 1:
            return Prediction(None, OPEN, "it depends on whether the relay's certificate is verified")
        return Prediction(*outcomes[0])

    def _way(self) -> Optional[Prediction]:
        """What becomes of it before a relay is greeted."""
        smart = self.smart
        if smart is None:
            return Prediction(False, ELSEWHERE, "mail goes straight to the servers of its recipients")
        if smart.mailer.lower() not in {name.lower() for name in self.cf.mailers}:
            return Prediction(False, BOUNCED, f"there is no mailer {smart.mailer}")
        mailer = self.cf.mailers[smart.mailer]
        if mailer.path != "[IPC]":
            return Prediction(False, ELSEWHERE, f"the mailer {smart.mailer} speaks no SMTP over TCP")
        if "@" in smart.host or ("$" not in smart.name and host_problem(smart.name.rstrip("."))):
            return Prediction(False, BOUNCED, "the smart host is no name of a host")
        if self.wanted and smart.name.lower() != self.wanted.lower():
            return Prediction(False, ELSEWHERE, f"mail goes to {smart.name}")
        port = port_of(mailer.arguments or "")
        if port is None:
            return Prediction(None, OPEN, f"the port of the mailer {smart.mailer} is not known here")
        provider = provider_of(smart.name)
        if port in WRAPPED_PORTS or (provider is not None and port not in provider.starttls_ports):
            return Prediction(False, DEFERRED, f"the relay takes no STARTTLS on port {port}")
        if provider is None and port not in STARTTLS_PORTS:
            return Prediction(None, OPEN, f"whether the relay listens on port {port} is not known here")
        return None

    def _sessions(self) -> List[Session]:
        if "S" in client_modifiers(self.cf) or not self.view.tries_tls(self.server):
            return [CLEAR]
        return [TLS, VERIFIED] if self.verifies else [TLS]

    def _outcome(self, session: Session) -> Outcome:
        refused = self.refused(session)
        if refused is not None:
            return refused
        if session is CLEAR:
            return False, BOUNCED, "sendmail does not use STARTTLS here, and the relay demands it: 530"
        if "A" in client_modifiers(self.cf):
            return False, BOUNCED, "ClientPortOptions has the modifier A, and the relay answers 530"
        found = self.credentials(session)
        return self._login(found.reading, found.without) if isinstance(found, Found) else found

    def credentials(self, session: Session) -> Union[Found, Outcome]:
        """What sendmail has for a server that offers AUTH; or what becomes of the mail before it logs in."""
        if "authinfo" not in self.cf.rulesets:
            return self._by_option()
        result = self.view.authinfo(self.server, session, self._lookup)
        if self._unseen:
            return None, OPEN, self._unseen
        reading = credentials_in(result)
        if result.failed or result.status or reading.problem == BAD_BASE64:
            why = result.reason if result.failed else reading.problem
            if default_auth_info(self.cf):
                return self._by_option()
            return Found(Reading(None, f"{why}"), BOUNCED)
        if result.tokens[:1] == ("$#",) and result.tokens[1:2] and result.tokens[1][:4].lower() == "temp":
            return False, DEFERRED, "the ruleset authinfo defers: Temporary AUTH failure"
        return Found(reading, DEFERRED)

    def refused(self, session: Session) -> Optional[Outcome]:
        """What becomes of the mail if the ruleset `tls_server` refuses a session; None if it does not."""
        if "tls_server" not in self.cf.rulesets:
            return None
        result = self.view.tls_server(self.server, session)
        if result.failed or result.mailer != "error":
            return None
        code = re.search(r"[245]", (result.host or "") + (result.user or ""))
        fate = BOUNCED if code is not None and code.group() == "5" else DEFERRED
        return False, fate, "the ruleset tls_server refuses the session"

    def _lookup(self, name: str, key: str) -> Optional[str]:
        """A lookup, with the files that sendmail refuses to open refused."""
        found = self.cf.maps.get(name)
        if found is not None and found.node.map_class.lower() in FORMATS:
            facts = self.look(f"{map_file(found.node)}.db")
            if facts.data is None and not facts.missing:
                self._unseen = f"{facts.path}: {facts.problem}"
            refusal = unsafe_map(self.cf, self.look, facts) if facts.data is not None else None
            if refusal is not None:
                raise LookupFailedError(f"unsafe map file {facts.path}: {refusal.words}")
        elif found is not None and found.node.map_class.lower() in FILE_CLASSES:
            self._unseen = f"the map {name} is of class {found.node.map_class}, which cannot be read here"
        return self.view.value_in_map(name, key)

    def _login(self, reading: Reading, without: str) -> Outcome:
        """What becomes of credentials; `without` is the fate where no mechanism is left."""
        if reading.credentials is None:
            return False, BOUNCED, f"{reading.problem}: {_SILENT}"
        words, source = mechanism_words(self.cf, reading)
        if not {word.upper() for word in words} & set(offered_by(self.server.name)):
            return False, without, f"none of the mechanisms ({source}) is one that relays offer"
        if self.altered:
            return False, BOUNCED, f"{self.altered}: the relay does not take it and answers 530"
        return True, ACCEPTED, "sendmail logs in"

    def _by_option(self) -> Union[Found, Outcome]:
        path = default_auth_info(self.cf)
        if not path:
            return Found(Reading(None, "there is no ruleset authinfo"), BOUNCED)
        facts = self.look(path)
        refusal = refused_default_auth_info(self.cf, facts)
        if facts.data is None or refusal is not None:
            why = refusal.words if refusal is not None else facts.problem
            return False, DEFERRED, f"can't open {path}: {why}: Temporary AUTH failure"
        file = DefaultAuthInfo(facts.data)
        if file.counted < 2:
            return False, DEFERRED, f"{path} is too short: Temporary AUTH failure"
        return Found(file.reading(), BOUNCED)
