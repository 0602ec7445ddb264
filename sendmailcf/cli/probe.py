"""`sendmailcf relay probe`: does the relay take this name and password, now?

The one thing to know: no message is sent, but with --send; and no password leaves without TLS, nor is one printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import socket
import subprocess
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from .. import files
from ..authinfo import MASK, Credentials, Reading
from ..config import Config
from ..errors import PlanError
from ..probe import Ask, Rules, probe
from ..relay.host import Host, Look, Server
from ..relay.host import Session as Encryption
from ..relay.links import ACCEPTED, BOUNCED, DEFERRED, OPEN
from ..relay.plan import load_cf
from ..relay.ports import port_of
from ..relay.predict import Found, Outcome, Predictor, client_modifiers, mechanism_words
from ..relay.readiness import option_of
from ..relay.session import Session, Step
from ..resolver import Resolver

SUBMISSION = 587
#: sendmail's own patience is longer than anybody's at a terminal.
SEND_SECONDS = 300
#: Words of the client that stand alone on their line and are no answer in AUTH.
_VERBS = ("DATA", "QUIT", "RSET", "STARTTLS", "NOOP", "VERB", ".")


def run(args: argparse.Namespace, look: Look, password: Callable[[], str]) -> int:
    """Probe, tell, and give the exit status: 0 sendmail would deliver, 1 it would not, 2 it cannot be told."""
    question = asked(args, look)
    if args.user:
        given = Credentials(args.user, password(), tuple(args.mechanisms.replace(",", " ").split()))
        question.given = lambda server: given
    question.none = args.no_credentials
    if args.send and (args.root != "/" or any(re.search("[\r\n]", one) for one in args.send)):
        raise PlanError("--send takes two addresses, and works on the running host only, not below --root")
    session = examine(question, look)
    sent = send(args.send[0], args.send[1], args.cf) if args.send else None
    if args.json:
        print(json.dumps(as_json(session, sent), indent=1))
    else:
        print("\n".join(lines(session, sent)))
    fate = sent["fate"] if sent is not None else session.verdict.fate
    return {ACCEPTED: 0, OPEN: 2}.get(fate, 1)


class Question:
    """What is to be probed.

    cf: the rules, or None where there are none.  host: with its brackets.  port: TCP port.  given: credentials
    for a server, to use in place of the stored ones.  none: use no credentials.  seconds: of patience.  resolver:
    of names.  helo: the name to greet with.
    """

    def __init__(self, cf: Optional[Config], host: str, port: int, args: argparse.Namespace) -> None:
        self.cf, self.host, self.port = cf, host, port
        self.given: Optional[Callable[[Server], Credentials]] = None
        self.none = False
        self.seconds = args.timeout
        self.resolver = Resolver(args.resolver, seconds=min(args.timeout, 5.0))
        self.helo = args.helo or self.resolver.canonical(socket.gethostname())
        self._root = args.root

    def file_of(self, option: str) -> str:
        """Where on this machine the file of an option is; empty if it is not set."""
        value = option_of(self.cf, option) if self.cf is not None else ""
        return files.resolve(value, self._root) if value else ""


def asked(args: argparse.Namespace, look: Look) -> Question:
    """The relay that the arguments mean, and the port that the mailer uses."""
    cf = None if look(args.cf).missing and args.relay else load_cf(args.cf, look)
    smart = Host(cf, look).smart_host() if cf is not None else None
    host = args.relay or (smart.first if smart else "")
    if not host:
        raise PlanError(f"{args.cf}: there is no smart host (DS is empty): name the relay")
    port = args.port
    if port is None and cf is not None and smart is not None and smart.mailer in cf.mailers:
        port = port_of(cf.mailers[smart.mailer].arguments or "")
    return Question(cf, host, port or SUBMISSION, args)


def examine(question: Question, look: Look) -> Session:
    """The session with a relay, by the rules of the host."""
    cf = question.cf
    off = client_modifiers(cf) if cf is not None else ""
    view = Host(cf, look) if cf is not None else None
    ask = Ask(
        host=question.host,
        port=question.port,
        rules=_rules(view, question, off),
        helo=question.helo,
        seconds=question.seconds,
        starttls="S" not in off and (view is None or view.tries_tls(Server.of(question.host.strip("[]")))),
        ca_file=question.file_of("CACertFile"),
        ca_path=question.file_of("CACertPath"),
    )
    return probe(ask, question.resolver)


def _rules(view: Optional[Host], question: Question, off: str) -> Rules:
    def predictor(server: Server) -> Optional[Predictor]:
        return None if view is None else Predictor(view, None, None, server, altered="", verifies=False)

    def refused(server: Server, encryption: Encryption) -> Optional[Outcome]:
        asked = predictor(server)
        return None if asked is None else asked.refused(encryption)

    def credentials(server: Server, encryption: Encryption) -> Union[Found, Outcome]:
        if question.given is not None:
            return Found(Reading(question.given(server)), DEFERRED)
        if "A" in off:
            return Found(Reading(None, "ClientPortOptions has the modifier A"), BOUNCED)
        asked = predictor(server)
        return Found(Reading(None, "no file"), BOUNCED) if asked is None else asked.credentials(encryption)

    def mechanisms(found: Found) -> Tuple[str, ...]:
        own = found.reading.credentials.mechanisms if found.reading.credentials else ()
        if own or view is None or question.given is not None:
            return own or ("DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN")
        return tuple(mechanism_words(view.cf, found.reading)[0])

    none = question.none or (view is None and question.given is None)
    return Rules(
        refused, None if none else credentials, mechanisms, view.cf.rulesets if view is not None else ()
    )


# A real message
def send(sender: str, recipient: str, cf_path: str) -> Dict[str, Any]:
    """Send one test message with the real sendmail, in the foreground, and read what became of it.

    `-Am` makes it use sendmail.cf, not submit.cf.  Passwords in its dialogue are masked.
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib", "/usr/lib/sendmail"])
    command = [
        "sendmail",
        "-Am",
        "-C",
        cf_path,
        "-v",
        "-odi",
        "-oi",
        "-N",
        "never",
        "-f",
        sender,
        "--",
        recipient,
    ]
    text = f"From: {sender}\nTo: {recipient}\nSubject: test of the mail relay\n\nA test message.\n"
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=SEND_SECONDS,
            env={"PATH": search, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise PlanError("there is no program sendmail on this host") from None
    except subprocess.TimeoutExpired:
        raise PlanError(f"sendmail did not finish within {SEND_SECONDS} seconds") from None
    dialogue = masked(done.stdout.decode("utf-8", "backslashreplace").split("\n"))
    return {"fate": _fate(dialogue, done.returncode), "exit": done.returncode, "dialogue": dialogue}


def masked(dialogue: List[str]) -> List[str]:
    """The lines of `sendmail -v`, what the client says in AUTH covered."""
    return [_masked(line) for line in dialogue]


def _masked(line: str) -> str:
    if not line.startswith(">>> "):
        return line
    words = line[4:].split(" ")
    if words[0] == "AUTH" and len(words) > 2:
        return f">>> AUTH {words[1]} {MASK}"
    return f">>> {MASK}" if len(words) == 1 and words[0] not in _VERBS else line


def _fate(dialogue: List[str], status: int) -> str:
    for line in reversed(dialogue):
        found = re.search(r"\.\.\. (Sent|Deferred|queued)", line)
        if found is not None:
            return ACCEPTED if found.group(1) == "Sent" else DEFERRED
    return DEFERRED if status == os.EX_TEMPFAIL else BOUNCED if status else OPEN


# What is printed
def as_json(session: Session, sent: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
    """The session as JSON can carry it."""
    told = session.verdict
    found: Dict[str, Any] = {
        "host": session.host,
        "port": session.port,
        "server_name": session.server_name,
        "server_addr": session.server_addr,
        "key": session.key,
        "steps": [
            {
                "name": step.name,
                "ok": step.ok,
                "seconds": step.seconds,
                "detail": step.detail,
                "explain": _explained(step, session.server_name),
            }
            for step in session.steps
        ],
        "verdict": {"authenticates": told.authenticates, "fate": told.fate, "because": told.because},
    }
    if sent is not None:
        found["sent"] = sent
    return found


def lines(session: Session, sent: Optional[Dict[str, Any]] = None) -> List[str]:
    """The session, a line a step."""
    told = [_line(step, session.server_name) for step in session.steps]
    if session.key:
        told.append(f"key: {session.key}")
    told.append(f"sendmail would have the next message {session.verdict.fate} ({session.verdict.because})")
    if sent is not None:
        told += [*sent["dialogue"], f"the test message: {sent['fate']}, exit status {sent['exit']}"]
    return [line.encode("utf-8", "backslashreplace").decode("utf-8").replace("\n", "\\n") for line in told]


def _line(step: Step, host: str) -> str:
    mark = {True: "ok    ", False: "FAILED", None: "      "}[step.ok]
    text = f"{mark} {step.name}: {step.detail} [{step.seconds:.3f} s]"
    found = _explained(step, host)
    if found is not None:
        text += f" -> {found['title']}; repair: {found['repair']}"
    return text


def _explained(step: Step, host: str) -> Optional[Dict[str, str]]:
    row = step.explained
    if row is None:
        return None
    texts = {"title": row.title, "did": row.did, "sure": row.sure, "repair": row.repair}
    filled = {
        key: text.replace("{host}", host or "HOST").replace("{file}", "F") for key, text in texts.items()
    }
    return {"name": row.name, **filled}
