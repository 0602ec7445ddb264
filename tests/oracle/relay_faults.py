"""Every fault of a relay, or of a host behind one, and what the real sendmail writes when it meets it.

    relay_faults.py SHARED [--dns-down]       a JSON object: fault -> level -> log, mailq, dialogue, fate; and what came back

The one thing to know: the rows tell how to make a fault and what explaining must then name; run as a program, this makes
them all in one process, which moves itself into private namespaces for good.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

HOST = "email-smtp.ap-south-1.amazonaws.com"
USER, PASSWORD = "user", "Inv3nted+secret"
ENTRY = f'AuthInfo:{HOST} "U:{USER}" "P:{PASSWORD}" "M:LOGIN"\n'
#: The sendmail.cf: with lookups in a map; also with FEATURE(access_db); with the ruleset authinfo as stock files have
#: it, empty; without it, and with DefaultAuthInfo.
MAPPED, ACCESS, STOCK, DEFAULT = "mapped", "access", "stock", "default"

RULES = (
    "Kauthinfo hash{flags} /etc/mail/authinfo\n"
    "Sauthinfo\n"
    "R$*\t\t$: <$(authinfo AuthInfo:$&{{server_name}} $: ? $)>\n"
    "R<?>\t\t$: <$(authinfo AuthInfo:$&{{server_addr}} $: ? $)>\n"
    "R<?>\t\t$@ no\n"
)
OPEN = "R<$*>\t\t$# $1\n"
GUARDED = "R<$*>\t\t$: <$&{cipher_bits}> $1\nR<> $*\t\t$# temp\nR<$+> $*\t$# $2\n"
VERIFIED = "R<$*>\t\t$: <$&{verify}> $1\nR<OK> $*\t$# $1\nR<$*> $*\t$# temp\n"

#: Causes that no log tells apart, for a reason: neither a 535 nor what the relay offers is ever logged.
UNTOLD = ("wrong-credentials", "no-auth-offered", "item-too-long")
LEVEL_9 = ("no-credentials", *UNTOLD)
NO_TLS = ("starttls-not-offered", "starttls-refused")
ABORTED = ("auth-temporary", "no-common-mechanism", "plugin-missing", "default-auth-info", "guard")


class Fault(NamedTuple):
    """How to make a fault, and what must be named.

    log: the causes from the log at LogLevel 14; log_9: at 9, the default, where it differs.  mailq: from mailq alone;
    None for mail that does not stay in the queue.  spoken: from `sendmail -v`; None: no more than the fault is in it.
    """

    log: Tuple[str, ...]
    mailq: Optional[Tuple[str, ...]] = None
    log_9: Optional[Tuple[str, ...]] = None
    spoken: Optional[str] = None
    cf: str = MAPPED
    rules: str = OPEN
    flags: str = ""
    authinfo: Optional[str] = ENTRY
    access: Optional[str] = None
    default: Optional[str] = None
    default_mode: int = 0o600
    smart_host: str = HOST
    spoil: Optional[Callable[[Path], object]] = None
    server: Dict[str, Any] = {}  # noqa: RUF012 - never changed


def _own(path: Path) -> None:
    os.chown(path, 1234, 1234)
    path.chmod(0o600)


DB = "authinfo.db"
PLAIN: Dict[str, Any] = {"starttls": False, "require_tls": False, "auth_in_clear": "accept"}
FAULTS: Dict[str, Fault] = {
    "no-entry": Fault(("no-credentials",), log_9=LEVEL_9, authinfo=ENTRY.replace(HOST, "other.example")),
    "empty-ruleset": Fault(("no-credentials",), log_9=LEVEL_9, cf=STOCK),
    "wrong-password": Fault(UNTOLD, log_9=LEVEL_9, spoken="wrong-credentials", authinfo=ENTRY.replace(PASSWORD, "wr0ng")),
    "wrong-user": Fault(UNTOLD, log_9=LEVEL_9, spoken="wrong-credentials", authinfo=ENTRY.replace(USER, "nobody")),
    "auth-454": Fault(("auth-temporary",), ABORTED, spoken="auth-temporary",
                      server={"auth_reply": "454 Temporary authentication failure"}),
    "auth-451": Fault(("auth-temporary",), ABORTED, spoken="auth-temporary", server={"auth_reply": "451 Not now"}),
    "no-mechanism": Fault(("no-common-mechanism",), ABORTED, server={"mechanisms": ["CRAM-MD5"]}),
    "no-plugin": Fault(("plugin-missing",), ABORTED, authinfo=ENTRY.replace("LOGIN", "XOAUTH2"),
                       server={"mechanisms": ["XOAUTH2"]}),
    "bad-base64": Fault(("bad-entry",), authinfo=ENTRY.replace("P:" + PASSWORD, "P=!!!")),
    "unknown-tag": Fault(("bad-entry",), authinfo=ENTRY.replace("U:", "X:")),
    "no-password": Fault(("bad-entry",), authinfo=ENTRY.replace(f'"P:{PASSWORD}" ', "")),
    "too-long": Fault(UNTOLD, log_9=LEVEL_9, authinfo=ENTRY.replace(PASSWORD, "s" * 254)),
    "no-auth": Fault(UNTOLD, log_9=LEVEL_9, spoken="no-auth-offered", server={"mechanisms": []}),
    "default-missing": Fault(("default-auth-info",), ABORTED, cf=DEFAULT, authinfo=None),
    "default-group-readable": Fault(("default-auth-info",), ABORTED, cf=DEFAULT, authinfo=None,
                                    default="u\nu\np\n", default_mode=0o640),
    "default-short": Fault(("default-auth-info",), ABORTED, cf=DEFAULT, authinfo=None, default="u\n"),
    "default-empty": Fault(("default-auth-info",), ABORTED, cf=DEFAULT, authinfo=None, default=""),
    "map-missing": Fault(("map-missing",), spoil=lambda mail: (mail / DB).unlink()),
    "map-missing-optional": Fault(("no-credentials",), log_9=LEVEL_9, flags=" -o",
                                  spoil=lambda mail: (mail / DB).unlink()),
    "group-writable": Fault(("map-directory",), spoil=lambda mail: mail.chmod(0o775)),
    "world-writable": Fault(("map-directory",), spoil=lambda mail: mail.chmod(0o757)),
    "wrong-owner": Fault(("map-owner",), spoil=lambda mail: _own(mail / DB)),
    "not-a-hash": Fault(("map-not-a-database",), spoken="map-not-a-database",
                        spoil=lambda mail: (mail / DB).write_bytes(b"not a database " * 900)),
    "truncated": Fault(("map-not-a-database",), spoken="map-not-a-database",
                       spoil=lambda mail: os.truncate(mail / DB, 5000)),
    "empty": Fault(("map-not-a-database",), spoil=lambda mail: os.truncate(mail / DB, 0)),
    "starttls-454": Fault(("starttls-refused",), log_9=NO_TLS, spoken="starttls-refused",
                          server={"starttls_reply": "454 TLS not available due to temporary reason"}),
    "starttls-absent": Fault(("starttls-not-offered",), log_9=NO_TLS, spoken="starttls-not-offered",
                             server={"starttls": False}),
    "handshake": Fault(("tls-handshake",), ("tls-handshake",), spoken="tls-handshake", server={"tls_fail": True}),
    "encryption-demanded": Fault(("tls-too-weak",), ("tls-too-weak",), spoken="tls-too-weak", cf=ACCESS,
                                 access=f"TLS_Srv:{HOST}\tENCR:112\n", server=PLAIN),
    "verification-demanded": Fault(("tls-unverified",), ("tls-unverified",), spoken="tls-unverified", cf=ACCESS,
                                   access=f"TLS_Srv:{HOST}\tVERIFY\n"),
    "guard": Fault(("guard",), ABORTED, rules=GUARDED, server=PLAIN),
    "guard-verified": Fault(("guard",), ABORTED, rules=VERIFIED),
    "refused": Fault(("connection-refused",), ("connection-refused",), spoken="connection-refused",
                     smart_host="refused.example"),
    "timeout": Fault(("connection-timeout",), ("connection-timeout",), spoken="connection-timeout",
                     smart_host="silent.example"),
    "no-route": Fault(("unreachable",), ("unreachable",), spoken="unreachable", smart_host="far.example"),
    "greeting-timeout": Fault(("no-greeting",), ("no-greeting", "no-answer"), spoken="no-greeting",
                              server={"greeting_delay": 3.0}),
    "unknown-host": Fault(("host-unknown",), smart_host="nowhere.example"),
    "greeting-421": Fault(("relay-busy",), ("relay-busy",), spoken="relay-busy",
                          server={"greeting_reply": "421 Too many concurrent SMTP connections"}),
    "greeting-554": Fault(("greeting-refused",), spoken="greeting-refused", server={"greeting_reply": "554 No service"}),
    "throttled-mail": Fault(("throttled",), ("throttled",), spoken="throttled",
                            server={"mail_reply": "454 Throttling failure: Maximum sending rate exceeded."}),
    "throttled-data": Fault(("throttled",), ("throttled",), spoken="throttled",
                            server={"data_reply": "454 Throttling failure: Daily message quota exceeded."}),
    "not-verified": Fault(("not-verified",), spoken="not-verified", server={
        "data_reply": "554 Message rejected: Email address is not verified. The following identities failed the "
                      "check in region AP-SOUTH-1: sender@client.example.net"}),
    "recipients": Fault(("too-many-recipients",), spoken="too-many-recipients",
                        server={"data_reply": "554 Transaction failed: Recipient count exceeds 50."}),
    "too-big": Fault(("too-big",), spoken="too-big", server={"data_reply": "552 Message is too long."}),
    "bad-address": Fault(("bad-address",), spoken="bad-address", server={"rcpt_reply": "553 Invalid email address"}),
    "no-user": Fault(("recipient-refused",), spoken="recipient-refused", server={"rcpt_reply": "550 5.1.1 No such user"}),
    "relaying-denied": Fault(("relaying-denied",), spoken="relaying-denied",
                             server={"rcpt_reply": "550 5.7.1 Relaying denied"}),
    "relaying-denied-no-entry": Fault(("no-credentials",), log_9=("relaying-denied",),
                                      authinfo=ENTRY.replace(HOST, "other.example"),
                                      server={"rcpt_reply": "554 5.7.1 Relay access denied", "require_auth": False}),
    "temporary": Fault(("other-temporary",), ("other-temporary",), spoken="other-temporary",
                       server={"mail_reply": "451 Requested action aborted"}),
    "sent": Fault(("sent",), spoken="sent"),
}  # fmt: skip
#: Made in a process of its own: there the name server is stopped, in others there is none at all.
DNS_DOWN = {"dns-down": Fault(("dns-down",), ("dns-down",), spoken="dns-down", smart_host="somewhere.example")}
LEVELS = ("14", "9")
#: Those that are also met by a queue run.
RUNS = ("no-entry", "wrong-password", "auth-454", "no-mechanism", "map-missing", "starttls-absent", "handshake", "guard",
        "refused", "unknown-host", "greeting-421", "greeting-554", "throttled-mail", "sent")  # fmt: skip
QUICK = ["-O", "Timeout.initial=1s", "-O", "Timeout.connect=1s", "-O", "Timeout.iconnect=1s"]


def _fill(made: Path, cf: str, fault: Fault) -> list[str]:
    """Write the files of a host; the maps to build."""
    if fault.cf in (MAPPED, ACCESS):
        cf += RULES.format(flags=fault.flags) + fault.rules
    (made / "sendmail.cf").write_text(cf.replace(f"\nDS{HOST}\n", f"\nDS{fault.smart_host}\n"))
    texts = {"authinfo": fault.authinfo, "access": fault.access, "default-auth-info": fault.default}
    for name, text in texts.items():
        if text is not None:
            (made / name).write_text(text)
            (made / name).chmod(fault.default_mode)
    made.chmod(0o755)
    return [name for name in ("authinfo", "access") if texts[name] is not None]


def _fill_backlog(address: str) -> list[socket.socket]:
    """Make an address take no more connections, so that attempts time out."""
    listener = socket.socket()
    listener.bind((address, 587))
    listener.listen(0)
    held = [listener]
    for _ in range(4):
        held.append(socket.socket())
        held[-1].setblocking(False)
        held[-1].connect_ex((address, 587))
    return held


def _queue_run(box: Any) -> list[str]:
    """The log of a queue run with two messages: the second is not tried where the first has failed."""
    for left in box.queue.iterdir():
        left.unlink()
    for name in ("one", "two"):
        box.run(["-odq", "-oi", "-f", "sender@client.example.net", f"{name}@example.com"], b"Subject: x\n\nx\n")
    log: list[str] = box.run(["-q", "-v", "-N", "never", *QUICK, "-O", "MinQueueAge=0"])["log"]
    return log


def _returned(box: Any) -> str:
    """The message that comes back to the sender; it waits in the queue, as nobody has a mailbox here."""
    box.deliver(sender="root@client.example.net", extra=[*QUICK, "-N", "failure", "-O", "ErrorMode=m"])
    return "".join(path.read_text() for path in box.queue.glob("df*"))


def main() -> None:
    sys.path.insert(0, str(Path(sys.argv[1]) / "e2e"))
    import fake_relay
    import make_cf
    import relay_harness

    down = "--dns-down" in sys.argv
    stock = make_cf.stock_cf()
    cfs = {
        MAPPED: stock,
        STOCK: stock,
        ACCESS: make_cf.stock_cf(access="hash /etc/mail/access"),
        DEFAULT: stock.replace("\nSauthinfo\n", "\nO DefaultAuthInfo=/etc/mail/default-auth-info\n"),
    }
    hosts = ["127.0.0.2 refused.example", "127.0.0.3 silent.example", "192.0.2.1 far.example"]
    users = {USER.encode(): PASSWORD.encode()}
    dns = ["unused.example A 127.0.0.1"] if down else []
    box = relay_harness.Sandbox(relay=fake_relay.RelayOptions(users=users), hosts=hosts, dns=dns)
    if down:
        box.dns.close()
    held = _fill_backlog("127.0.0.3")
    out: Dict[str, Any] = {}
    for name, fault in (DNS_DOWN if down else FAULTS).items():
        with tempfile.TemporaryDirectory() as made:
            maps = _fill(Path(made), cfs[fault.cf], fault)
            box.etc.chmod(0o755)
            box.load(made, makemap=maps, keep_permissions=True)
        if fault.spoil is not None:
            fault.spoil(box.etc)
        before = dict(vars(box.relay.options))
        vars(box.relay.options).update(fault.server)
        found = {level: box.deliver(extra=[*QUICK, "-O", f"LogLevel={level}"]).result for level in LEVELS}
        returned = "" if found["14"]["queued"] or name == "sent" else _returned(box)
        run = _queue_run(box) if name in RUNS else []
        vars(box.relay.options).update(before)
        keys = ("log", "mailq", "transcript", "queued", "dsn")
        out[name] = {level: {key: result[key] for key in keys} for level, result in found.items()}
        out[name]["run"] = run
        out[name]["returned"] = returned.split("\n")
    print(json.dumps(out))
    for one in held:
        one.close()
    box.close()


if __name__ == "__main__":
    main()
