"""The rest of the readiness list: what does not break the AUTH chain by itself, but hides, weakens or undoes it.

The one thing to know: sendmail verifies a certificate only with CACertFile *and* CACertPath; the path need not exist,
the file must (tried on sendmail 8.17.1).  What only the running host can tell is "unknown" where just its files are
there.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, List, Optional

from ..config import Config
from ..known.policies import DONT_BLAME_SENDMAIL
from ..values import map_arguments
from .host import Facts, Host, Look, SmartHost
from .links import ADVICE, OK, UNKNOWN, WRONG, Link
from .permissions import blamed
from .providers import provider_of

if TYPE_CHECKING:
    from .live import Live

#: From this LogLevel on, sendmail logs whether it authenticated.
AUTH_LOG_LEVEL = 10
DEFAULT_LOG_LEVEL = 9
#: Recipients in one envelope where the mailer has no r= (sendmail/conf.h, DEFAULT_MAX_RCPT).
DEFAULT_RECIPIENTS = 100
#: Words of DontBlameSendmail that let others change what is looked up, or read the password.
LOOSE = (
    "mapinunsafedirpath",
    "groupwritabledirpathsafe",
    "groupreadabledefaultauthinfofile",
    "truststickybit",
    "classfileinunsafedirpath",
)


def option_of(cf: Config, name: str) -> str:
    """The value of an option as the last line gives it; empty where there is none."""
    found = cf.options.all(name)
    return found[-1].value if found else ""


def certificates(cf: Config, look: Look, tls: str) -> Link:
    """Whether sendmail can verify the relay's certificate; wrong only where the policy demands it."""
    name, file, path = "certificates", option_of(cf, "CACertFile"), option_of(cf, "CACertPath")
    demanded, rule = tls == "verified", "tls-unverified"
    state = WRONG if demanded else ADVICE
    consequence = (
        "no certificate is ever verified, so all mail is deferred"
        if demanded
        else "no certificate is ever verified: whoever answers in the relay's place gets the password"
    )
    where = cf.path or "sendmail.cf"
    if not file or not path:
        missing = [one for one, value in (("CACertFile", file), ("CACertPath", path)) if not value]
        repair = "; ".join(f"sendmailcf set {where} O.{one} PATH" for one in missing)
        detail = f"{' and '.join(missing)} not set (both, or neither counts)"
        return Link(name, state, detail, consequence, repair, rule=rule)
    facts = look(file)
    if facts.data is None:
        known = state if facts.missing else UNKNOWN
        return Link(
            name,
            known,
            f"CACertFile {file}: {facts.problem}",
            consequence,
            f"install {file}",
            rule=rule if facts.missing else "",
        )
    if b"-----BEGIN CERTIFICATE-----" not in facts.data and b"-----BEGIN TRUSTED CERT" not in facts.data:
        return Link(
            name, state, f"CACertFile {file} holds no certificate", consequence, f"install {file}", rule=rule
        )
    return Link(name, OK, f"CACertFile {file}, CACertPath {path}")


class Readiness:
    """The links that are not of the AUTH chain itself, for one host."""

    def __init__(self, view: Host, smart: Optional[SmartHost], host: str, *, live: Optional[Live]) -> None:
        self.cf, self.look, self.live = view.cf, view.look, live
        self.cf_path = view.cf.path or "sendmail.cf"
        self.smart, self.host = smart, host

    def links(self) -> List[Link]:
        """All of them, in a fixed order."""
        return [
            self._blame(),
            self._optional(),
            self._recipients(),
            self._logging(),
            self._macro_source(),
            self._service(),
            self._queue(),
        ]

    def _blame(self) -> Link:
        name, words = "DontBlameSendmail", blamed(self.cf)
        unknown = sorted(words - {row.name.lower() for row in DONT_BLAME_SENDMAIL})
        loose = [word for word in LOOSE if word in words]
        if unknown:
            detail = f"{', '.join(unknown)}: sendmail knows no such word"
            return Link(
                name,
                ADVICE,
                detail,
                "the word has no effect",
                f"take it out of {self.cf_path}",
            )
        if loose:
            return Link(
                name,
                ADVICE,
                f"{', '.join(loose)} is set",
                "sendmail takes files that others can change or read",
                f"make the directories safe, then sendmailcf set {self.cf_path} O.DontBlameSendmail safe",
                rule="blame-loose",
            )
        return Link(name, OK, " ".join(sorted(words)) or "not set: safe")

    def _optional(self) -> Link:
        name = "missing maps are reported"
        hidden = [
            one.node.name
            for one in self.cf.maps.values()
            if one.node.name.lower() in ("authinfo", "access") and "o" in map_arguments(one.node).flags
        ]
        if hidden:
            return Link(
                name,
                ADVICE,
                f"the map {', '.join(hidden)} has the flag -o",
                "were its database missing, no log entry would say so",
                f"take -o out of the K line in {self.cf_path}",
                rule="auth-map-optional",
            )
        return Link(name, OK, "no map of credentials has the flag -o")

    def _recipients(self) -> Link:
        name = "recipients per message"
        provider = provider_of(self.host)
        limit = provider.recipients if provider is not None else None
        mailer = self.cf.mailers.get(self.smart.mailer) if self.smart else None
        if mailer is None:
            return Link(name, UNKNOWN, "no mailer of a smart host")
        try:
            count = mailer.max_recipients
        except ValueError:
            count = None
        sent = DEFAULT_RECIPIENTS if count is None else count
        said = f"r={count}" if count is not None else f"no r=, so {DEFAULT_RECIPIENTS}"
        if limit is None:
            return Link(name, OK, f"mailer {mailer.name}: {said}; no limit of this relay is known")
        if sent > limit or sent == 0:
            return Link(
                name,
                ADVICE,
                f"mailer {mailer.name}: {said}; the relay takes {limit}",
                "a message to more recipients bounces: 554",
                f"add r={limit} to the M line of {mailer.name} in {self.cf_path}",
                rule="relay-recipients",
            )
        return Link(name, OK, f"mailer {mailer.name}: {said}; the relay takes {limit}")

    def _logging(self) -> Link:
        name, text = "LogLevel", option_of(self.cf, "LogLevel")
        level = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else DEFAULT_LOG_LEVEL if not text else 0
        if level < AUTH_LOG_LEVEL:
            return Link(
                name,
                ADVICE,
                f"{level}",
                "the log does not say whether sendmail authenticated",
                f"sendmailcf set {self.cf_path} O.LogLevel {AUTH_LOG_LEVEL}",
                rule="auth-log-level",
            )
        return Link(name, OK, f"{level}")

    def _macro_source(self) -> Link:
        name, cf = "macro source", self.look(self.cf_path)
        stem = self.cf_path[:-3] if self.cf_path.endswith(".cf") else self.cf_path
        mc: Facts = self.look(stem + ".mc")
        if mc.data is None:
            if mc.missing:
                return Link(name, OK, f"no {mc.path} from which {self.cf_path} would be made anew")
            return Link(name, UNKNOWN, f"{mc.path}: {mc.problem}")
        if mc.modified > cf.modified:
            return Link(
                name,
                WRONG,
                f"{mc.path} is newer than {self.cf_path}",
                "the next make overwrites the file, and every change made in it by hand",
                f"make {self.cf_path} now and apply again, or `touch {self.cf_path}`",
                rule="macro-source-newer",
            )
        return Link(name, OK, f"{mc.path} is older; a make would still overwrite what was changed by hand")

    def _service(self) -> Link:
        name = "service"
        if self.live is None:
            return Link(name, UNKNOWN, "only the running host can tell", live=True)
        from .live import RUNNING, STOPPED

        service = self.live.service
        if service.state == STOPPED:
            detail = f"sendmail is not running ({service.by})"
            return Link(name, WRONG, detail, "queued mail waits for ever", "start it", live=True)
        if service.state != RUNNING:
            return Link(name, UNKNOWN, service.by, live=True)
        cf = self.look(self.cf_path)
        if service.started is not None and int(cf.modified) > service.started:
            return Link(
                name,
                WRONG,
                f"sendmail runs since {_moment(service.started)}, and {self.cf_path} was changed "
                f"{_moment(cf.modified)}",
                "the daemon works by the old file",
                "restart it",
                live=True,
            )
        return Link(name, OK, f"sendmail is running ({service.by})", live=True)

    def _queue(self) -> Link:
        name = "queue"
        if self.live is None:
            return Link(name, UNKNOWN, "only the running host can tell", live=True)
        queue = self.live.queue
        if queue is None:
            return Link(name, UNKNOWN, self.live.problem, live=True)
        if queue.messages:
            reasons = "; ".join(f"{count} x {reason}" for reason, count in queue.reasons)
            return Link(
                name,
                ADVICE,
                f"messages that wait: {queue.messages}" + (f" ({reasons})" if reasons else ""),
                "",
                "sendmailcf explain the reason, then sendmail -q -v",
                live=True,
            )
        return Link(name, OK, "empty", live=True)


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
