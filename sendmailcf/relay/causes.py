"""Why mail for a relay fails, as rows: the causes, the signs of them in texts, and which signs prove which cause.

The one thing to know: rows only, no logic.  Each sign was seen in what sendmail 8.17.1 wrote when it met that fault (a
test lets it meet them again); the texts of providers are from their documentation.  Where signs leave several causes
open, the row names all of them, the most common first.
"""

from __future__ import annotations

from typing import FrozenSet, Mapping, Optional, Tuple

from attrs import field, frozen

from ..record import Record

BOUNCED, QUEUED, SENT, OTHER = "bounced", "queued", "sent", "other"

#: What each fate means for the mail, and when sendmail tries again (op.me, Timeout.queuereturn and queuewarn).
FATES: Mapping[str, str] = {
    BOUNCED: "returned to its sender, and not tried again; a return that needs the same relay fails in the same way",
    QUEUED: "kept in the queue and tried again at every queue run (the interval after -q, as in -q30m; at once with "
    "`sendmail -q -v`), until Timeout.queuereturn: 5 days unless set",
    SENT: "handed over; sendmail is done with it",
    OTHER: "not told by this text",
}


@frozen(eq=False, repr=False)
class Cause(Record):
    """A cause.  In texts, {host} stands for the relay, {file} for the source of the map or the file that is at fault.

    name: a stable word.  title: the cause.  fate: what becomes of the mail.  did: what sendmail did.  sure: how to be
    sure.  repair: what to change.
    """

    name: str
    title: str
    fate: str
    did: str
    sure: str
    repair: str


_CHECK = "sendmailcf relay check --host {host}"
_APPLY = "sendmailcf relay apply --host {host} --user USER --password-stdin"
_VERBOSE = (
    "`sendmail -v -f SENDER RECIPIENT < MESSAGE` shows it (and the password in base64: do not pass it on)"
)
_BUILD = "sendmailcf makemap hash {file} < {file}"
_NO_LOGIN = "sent the mail without logging in; the relay answered 530"
_GAVE_UP = "closed the connection before MAIL"

CAUSES: Mapping[str, Cause] = {
    row.name: row
    for row in (
        # The credentials.
        Cause(
            "no-credentials",
            "no credentials were found: the map has no entry for the relay, or the ruleset authinfo is empty",
            BOUNCED,
            _NO_LOGIN,
            f"{_CHECK}; from LogLevel 10 the log has `AUTH=client, relay={{host}}, mech=, bits=0`: mech= is empty",
            f"{_APPLY}; the key is the name of the server itself, after MX and CNAME, without port and brackets",
        ),
        Cause(
            "wrong-credentials",
            "the relay refused the user name or the password (535)",
            BOUNCED,
            "tried each mechanism, then sent the mail without logging in; the relay answered 530. A 535 is in no log",
            f"{_VERBOSE}: a 535 after AUTH",
            f"{_APPLY}, with credentials of the right kind: for Amazon SES see `sendmailcf ses check`, elsewhere an "
            "SMTP password, an app password or an API key, not the one for the web site",
        ),
        Cause(
            "bad-entry",
            "the entry for the relay cannot be read: an unknown tag, bad base64 after P=, or a user without password",
            BOUNCED,
            _NO_LOGIN,
            f"the log has `AUTH=client, relay={{host}} [address], authinfo failed`; {_CHECK}",
            f"{_APPLY}, which writes the entry so that sendmail reads back what was given",
        ),
        Cause(
            "item-too-long",
            "an item of the entry is longer than 256 bytes, quotes and tag included",
            BOUNCED,
            f"{_NO_LOGIN}; nothing is logged about the entry",
            _CHECK,
            "a shorter password (at most 252 bytes of text, or 189 bytes written as base64)",
        ),
        Cause(
            "no-auth-offered",
            "the relay does not offer AUTH, at least not in this session",
            BOUNCED,
            "sent MAIL without the parameter AUTH=; the relay answered 530",
            f"{_VERBOSE}: no 250-AUTH after the last EHLO",
            "the right port (587, not 25) and STARTTLS: many relays offer AUTH only after it; else ask its owner",
        ),
        Cause(
            "auth-temporary",
            "the relay could not check the password now: it answered 4yz to AUTH",
            QUEUED,
            _GAVE_UP,
            "the log line has reply=454 or another 4yz beside `Temporary AUTH failure`",
            "wait; if it stays so, ask the relay's owner: too many logins, or a fault there",
        ),
        Cause(
            "no-common-mechanism",
            "sendmail and the relay have no AUTH mechanism in common",
            QUEUED,
            _GAVE_UP,
            "the log has `available mechanisms= do not fulfill requirements`, with nothing after `mechanisms=`",
            'name mechanisms of the relay in the entry ("M:LOGIN PLAIN", blanks between) or in AuthMechanisms: '
            "sendmailcf set /etc/mail/sendmail.cf O.AuthMechanisms 'LOGIN PLAIN'",
        ),
        Cause(
            "plugin-missing",
            "the SASL library has no plug-in for the mechanism that sendmail and the relay have in common",
            QUEUED,
            _GAVE_UP,
            "the log has `available mechanisms=NAME do not fulfill requirements`: NAME is agreed on but not to be had",
            "install the plug-ins of Cyrus SASL (libsasl2-modules on Debian, cyrus-sasl-plain on Red Hat), or name "
            "another mechanism in the entry",
        ),
        Cause(
            "default-auth-info",
            "the file of DefaultAuthInfo is missing, unreadable, readable for others, or has fewer than three lines",
            QUEUED,
            f"{_GAVE_UP}; so with every server that offers AUTH",
            "the log has `AUTH=client, error: can't open FILE: reason` or `can't read password from FILE`",
            f"five lines (user, login, password, realm, mechanisms), mode 0600; better, an entry in a map: {_APPLY}",
        ),
        # The map.
        Cause(
            "map-missing",
            "the map's database is missing",
            BOUNCED,
            f"could not look anything up, so {_NO_LOGIN}",
            "the log has `SYSERR(root): hash map NAME: missing map file {file}.db`",
            f"build it: {_BUILD}",
        ),
        Cause(
            "map-directory",
            "a directory on the way to the map can be written by its group or by anyone, so sendmail does not trust it",
            BOUNCED,
            f"did not open the map, so {_NO_LOGIN}",
            "the log has `unsafe map file {file}.db: Group writable directory` or `World writable directory`",
            "chmod go-w on /, /etc and /etc/mail, whichever it is (ls -ld / /etc /etc/mail)",
        ),
        Cause(
            "map-owner",
            "the map's database belongs to another user, so sendmail does not trust it",
            BOUNCED,
            f"did not open the map, so {_NO_LOGIN}",
            "the log has `unsafe map file {file}.db: Permission denied`",
            "chown root {file}.db, or the user of the option TrustedUser; then chmod 640 {file}.db",
        ),
        Cause(
            "map-unsafe",
            "sendmail does not trust the map's database",
            BOUNCED,
            f"did not open the map, so {_NO_LOGIN}",
            "the reason stands in the log after `unsafe map file {file}.db:`",
            "owner root, mode 0640, a regular file, and no directory above it that others can write",
        ),
        Cause(
            "map-not-a-database",
            "the map's file is no database of its class: empty, cut off, or made by something else",
            BOUNCED,
            f"could not open the map, so {_NO_LOGIN}",
            "the log has `SYSERR(root): Cannot open hash database {file}.db: Invalid argument`",
            f"build it anew: {_BUILD}",
        ),
        Cause(
            "map-class-missing",
            "this sendmail is built without the class of the map",
            BOUNCED,
            f"could not open the map, so {_NO_LOGIN}",
            "`sendmail -bt -d0.1 < /dev/null` lists the classes it is built with (NEWDB is hash and btree)",
            "name a class it has in the K line, and build the map with that sendmail's own makemap",
        ),
        Cause(
            "map-source",
            "a line of the map's source was not stored: it begins with white space, has no value, is too long, or its "
            "key is there twice",
            OTHER,
            "is not involved: makemap said so, stored the other lines, and ended with status 65",
            "look at the line of that number in the source",
            'one line an entry, no blank in front, the password in quotes ("P:..."); then build the map again',
        ),
        # TLS.
        Cause(
            "starttls-not-offered",
            "the relay insists on TLS, but did not offer STARTTLS on this port or to this client",
            BOUNCED,
            "went on without TLS; the relay answered 530",
            f"{_VERBOSE}: no 250-STARTTLS after EHLO",
            "another port of the relay (587); else something on the way (a firewall that inspects SMTP) hides STARTTLS",
        ),
        Cause(
            "starttls-refused",
            "the relay offered STARTTLS and then could not do it (454)",
            BOUNCED,
            "went on without TLS; the relay answered 530",
            f"{_VERBOSE}: `454 TLS not available` after STARTTLS",
            "wait, or ask the relay's owner; to keep such mail in the queue instead, demand TLS: an access map entry "
            "`TLS_Srv:{host} ENCR:112`, or `sendmailcf relay apply --tls required`",
        ),
        Cause(
            "tls-handshake",
            "the TLS handshake failed",
            QUEUED,
            _GAVE_UP,
            "the log has `STARTTLS=client, error: connect failed=-1, reason=...`; "
            "`openssl s_client -starttls smtp -connect {host}:587` shows the same",
            "by the reason: `wrong version number`, no TLS is spoken there; `handshake failure` or `unsupported "
            "protocol`, no cipher or version in common (CipherList, ClientSSLOptions); else ask the relay's owner",
        ),
        Cause(
            "tls-too-weak",
            "this host demands encryption for the relay (TLS_Srv in the access map); the session had none or too weak",
            QUEUED,
            _GAVE_UP,
            "the log has `encryption too weak N less than M`",
            "find out why there is no STARTTLS: port, firewall, relay; the demand is what keeps the password here",
        ),
        Cause(
            "tls-unverified",
            "this host demands a verified certificate of the relay, and could not verify it",
            QUEUED,
            _GAVE_UP,
            "the line `STARTTLS=client, relay={host}, ... verify=` says FAIL or NO instead of OK",
            "set CACertFile and CACertPath, both, to the certificates of the authorities that are trusted",
        ),
        Cause(
            "guard",
            "the ruleset authinfo keeps the password here: the session is not encrypted, or the relay not verified",
            QUEUED,
            "did not log in, and closed the connection",
            "the log has `AUTH=client, relay={host}, temporary failure, connection abort` and no "
            "`STARTTLS=client, relay={host}` before it",
            "find out why there is no STARTTLS (port, firewall, relay); to verify a relay, CACertFile and CACertPath",
        ),
        # The connection.
        Cause(
            "local-daemon",
            "the sendmail daemon of this host does not run, or not on that port",
            QUEUED,
            "kept the mail in the client queue (/var/spool/clientmqueue)",
            "`mailq -Ac` lists it; nothing listens on 127.0.0.1 port 25",
            "start the daemon (systemctl start sendmail; on AIX: startsrc -s sendmail -a '-bd -q30m')",
        ),
        Cause(
            "connection-refused",
            "nothing listens on that port of the relay, or a firewall says so",
            QUEUED,
            "could not connect",
            "`telnet {host} 587` fails in the same way",
            "the port in `A=TCP $h PORT` of the mailer, and the firewall between",
        ),
        Cause(
            "connection-timeout",
            "no answer to the attempt to connect: a firewall drops it, or the host is down",
            QUEUED,
            "gave up after Timeout.connect",
            "`telnet {host} 587` hangs in the same way",
            "let port 587 out of the firewall; hosts in a cloud often may not use port 25",
        ),
        Cause(
            "unreachable",
            "there is no route to the relay",
            QUEUED,
            "could not connect",
            "`ping {host}`, `netstat -rn`",
            "the network of this host; where only an IPv6 address of the relay fails, "
            "O ClientPortOptions=Family=inet keeps sendmail to IPv4",
        ),
        Cause(
            "no-greeting",
            "the relay took the connection but sent no greeting in time",
            QUEUED,
            "gave up after Timeout.initial (or Timeout.connect)",
            "the log has `timeout waiting for input from {host} during client greeting`",
            "not port 465 or 2465: there TLS begins with the first byte, which sendmail's client does not do; use 587. "
            "Else the relay is slow, or a firewall took the connection",
        ),
        Cause(
            "no-answer",
            "the relay stopped answering in the middle of the session, or the connection broke",
            QUEUED,
            "gave up after the Timeout of that command",
            "the log says during which command: `timeout waiting for input from {host} during client ...`",
            "wait; if it is always at the same command, a firewall or an MTU on the way",
        ),
        Cause(
            "host-unknown",
            "DNS knows no such host",
            BOUNCED,
            "had no address to connect to",
            "`dig {host} MX`, `dig {host} A`; the name is that of DS in sendmail.cf",
            "the right name: sendmailcf relay apply --host NAME ..., or sendmailcf set /etc/mail/sendmail.cf D.S NAME",
        ),
        Cause(
            "dns-down",
            "the name server did not answer",
            QUEUED,
            "had no address to connect to",
            "`dig {host}` with the name server of /etc/resolv.conf",
            "the name servers in /etc/resolv.conf, and port 53 out of the firewall",
        ),
        # What the relay says.
        Cause(
            "relay-busy",
            "the relay turned the connection away for now (421): too many connections, or a fault there",
            QUEUED,
            "closed the connection",
            "the words after 421",
            "wait; if it is often so, fewer at a time: MaxDaemonChildren, MaxQueueChildren, ConnectionRateThrottle",
        ),
        Cause(
            "greeting-refused",
            "the relay greeted with 554: it takes no mail from this host, or is no relay",
            BOUNCED,
            "closed the connection",
            "`telnet {host} 587` shows the greeting",
            "the name of the relay (not its inbound host or its API); an address that the relay blocks: ask its owner",
        ),
        Cause(
            "throttled",
            "the relay's limit is reached: messages a second, or a day",
            QUEUED,
            "kept the mail",
            "the words of the reply; for Amazon SES: the sending quota of the account in that region",
            "wait; a rate that is reached often wants fewer queue runners, or a higher quota",
        ),
        Cause(
            "not-verified",
            "the relay does not accept the sender (or, in the Amazon SES sandbox, the recipient): it is not verified",
            BOUNCED,
            "logged in; the relay refused the message",
            "the words of the reply name the addresses and the region",
            "verify the sender's domain with the relay, in that region; or let sendmail rewrite the sender "
            "(masquerading, genericstable); for the SES sandbox ask for production access",
        ),
        Cause(
            "sending-paused",
            "the relay has stopped this account's sending",
            BOUNCED,
            "logged in; the relay refused the message",
            "the words of the reply; the account's page at the relay",
            "settle it with the relay: bounces, complaints, payment",
        ),
        Cause(
            "not-authorised",
            "the user may log in but not send",
            BOUNCED,
            "logged in; the relay refused the message",
            "the words of the reply; for Amazon SES the IAM policy of the user, which must allow ses:SendRawEmail",
            "give the user that right, or use another",
        ),
        Cause(
            "too-many-recipients",
            "more recipients in one message than the relay takes (Amazon SES: 50; sendmail's default is 100)",
            BOUNCED,
            "sent them in one message",
            "the words of the reply; r= of the mailer",
            "r=50 in the mailer: define(`RELAY_MAILER_MAXRCPTS', `50') in the .mc",
        ),
        Cause(
            "too-big",
            "the message is longer than the relay takes",
            BOUNCED,
            "sent it, or saw the limit in the relay's SIZE",
            "the words of the reply; size= in the log line of from=",
            "send less, or set MaxMessageSize or the mailer's M= so that the sender is told at once",
        ),
        Cause(
            "bad-address",
            "the relay cannot read an address of the envelope or of a header",
            BOUNCED,
            "sent it as it was",
            "the words of the reply",
            "the address in the message; a sender without a domain wants masquerading",
        ),
        Cause(
            "recipient-refused",
            "the recipient is refused",
            BOUNCED,
            "asked for the recipient",
            "the words of the reply",
            "the address",
        ),
        Cause(
            "relaying-denied",
            "the relay does not relay for this session: it does not count it as logged in, or this user may not",
            BOUNCED,
            "asked for the recipient",
            f"the log at LogLevel 10: `AUTH=client, relay={{host}}, mech=` with a name means logged in; {_CHECK}",
            f"if it was not logged in: {_APPLY}; else ask the relay's owner",
        ),
        Cause(
            "app-password",
            "the relay wants an app password or OAuth2 in place of the account's own password",
            BOUNCED,
            "tried to log in, then sent the mail without; a 534 or 535 is in no log",
            f"{_VERBOSE}: the reply after AUTH",
            "make an app password for this host; where the relay takes OAuth2 alone (Office 365 without SMTP AUTH), "
            "another relay, or a connector that trusts this host's address",
        ),
        Cause(
            "auth-needs-tls",
            "the relay takes AUTH only over TLS (538), or the mechanism is refused there (504)",
            BOUNCED,
            "tried to log in, then sent the mail without",
            f"{_VERBOSE}: the reply after AUTH",
            "see why there was no STARTTLS before; name another mechanism in the entry",
        ),
        Cause(
            "held-back",
            "held back without a try: the relay had failed for another message just before",
            QUEUED,
            "did not connect again; it tries a host that failed once in a queue run (Timeout.hoststatus: 30 minutes)",
            "the line with to= of that other message, the same relay, before this one: it has the words",
            "as for that other message",
        ),
        Cause(
            "waiting",
            "not tried yet, or being tried now (mailq marks that with *)",
            QUEUED,
            "has nothing to tell about it yet",
            "`sendmail -q -v` runs the queue and shows what happens; a daemon without -q never does",
            "if it stays: is a daemon running with -q?",
        ),
        Cause(
            "sent-without-login",
            "the login failed, but the relay took the mail without it",
            SENT,
            "sent the mail without logging in",
            f"{_VERBOSE}: the reply after AUTH",
            f"{_APPLY}, with the right credentials: the relay may count such mail as a stranger's",
        ),
        Cause(
            "queue-empty",
            "nothing waits: the queue does not tell whether mail was sent or has bounced",
            OTHER,
            "is done with all mail that it was given; what the relay refused for good has gone back to its sender",
            "the log: stat=Sent, or a dsn= that begins with 5; and the other queue, `mailq -Ac`",
            "none for the queue; for a bounce see what the log says",
        ),
        Cause("sent", "sent", SENT, "delivered it", "stat=Sent", "nothing"),
        Cause(
            "logged-in",
            "no failure: sendmail logged in to the relay",
            OTHER,
            "logged in with the mechanism after `mech=`, and went on with MAIL",
            "the next line with to= of the same process",
            "nothing",
        ),
        Cause(
            "encrypted",
            "no failure: the session is encrypted, and the relay's certificate verified",
            OTHER,
            "went on with EHLO and AUTH",
            "the next line with to= of the same process",
            "nothing",
        ),
        Cause(
            "encrypted-unverified",
            "no failure: the session is encrypted; the relay's certificate is not verified, which stops nothing unless "
            "it is demanded",
            OTHER,
            "went on with EHLO and AUTH",
            "verify=FAIL: no authority that is trusted has signed it; verify=NO: none was shown",
            "to verify relays, CACertFile and CACertPath, and TLS_Srv:{host} VERIFY in the access map (or "
            "sendmailcf relay apply --tls verified)",
        ),
        Cause(
            "no-failure",
            "no failure: 2yz means done, 3yz means go on",
            OTHER,
            "went on",
            "the reply to the next command",
            "nothing",
        ),
        Cause(
            "handed-on",
            "handed to the daemon of this host, which sends it on under another queue id",
            SENT,
            "passed it from the client queue to the daemon",
            "the queue id after `Sent (`",
            "nothing; look for that queue id",
        ),
        Cause(
            "other-temporary",
            "the mail was put off: the words say why",
            QUEUED,
            "kept the mail",
            "the words of the reply",
            "as the words say; else wait",
        ),
        Cause(
            "other-permanent",
            "the mail was refused: the words say why",
            BOUNCED,
            "gave up",
            "the words of the reply",
            "as the words say",
        ),
    )
}


@frozen(eq=False, repr=False)
class Sign(Record):
    """A sign in a line that is not the outcome.

    scope: `connection` for what a session with one server shows, `process` for what holds for all that the process
    does.  pattern: matched anywhere in the line.  cause: what the line alone tells; None: nothing by itself.
    """

    name: str
    scope: str
    pattern: str
    cause: Optional[str] = None


#: In the order in which one is believed when no outcome follows.
SIGNS: Tuple[Sign, ...] = (
    Sign("map-missing", "process", r'map "[^"]*": missing map file ', "map-missing"),
    Sign(
        "map-directory", "process", r"unsafe map file .*: (?:Group|World) writable directory", "map-directory"
    ),
    Sign("map-owner", "process", r"unsafe map file .*: Permission denied", "map-owner"),
    Sign("map-unsafe", "process", r"unsafe map file ", "map-unsafe"),
    Sign("map-bad", "process", r"Cannot open \w+ database .*: |^BDB[0-9]{4} ", "map-not-a-database"),
    Sign(
        "map-class",
        "process",
        r"map \S+ not found|class \S+ not available|unknown map type",
        "map-class-missing",
    ),
    Sign(
        "map-source",
        "process",
        r": line [0-9]+: (?:syntax error \(leading space\)|no RHS for LHS|key .*: duplicate key|line too long)",
        "map-source",
    ),
    Sign("authinfo-failed", "connection", r"AUTH=client, .*authinfo failed", "bad-entry"),
    Sign("default-auth-info", "connection", r"AUTH=client, error: can't (?:open|read) ", "default-auth-info"),
    Sign("no-mechanism", "connection", r"available mechanisms= do not fulfill", "no-common-mechanism"),
    Sign("no-plugin", "connection", r"available mechanisms=\S.* do not fulfill", "plugin-missing"),
    Sign(
        "no-greeting",
        "connection",
        r"timeout waiting for input from .* during client greeting",
        "no-greeting",
    ),
    Sign(
        "no-answer",
        "connection",
        r"timeout waiting for input from .* during client |STARTTLS: read error=timeout",
        "no-answer",
    ),
    Sign(
        "handshake",
        "connection",
        r"STARTTLS=client, error: connect failed|reject=.*TLS handshake failed",
        "tls-handshake",
    ),
    Sign("too-weak", "connection", r"ruleset=tls_server, .*reject=.*encryption too weak", "tls-too-weak"),
    Sign(
        "unverified", "connection", r"ruleset=tls_server, .*reject=.*authentication failed", "tls-unverified"
    ),
    Sign("no-login", "connection", r"AUTH=client, relay=.*, mech=, bits=", "no-credentials"),
    Sign("login", "connection", r"AUTH=client, relay=.*, mech=[^,]"),
    Sign("auth-abort", "connection", r"AUTH=client, relay=.*, temporary failure, connection abort"),
    Sign("encrypted", "connection", r"STARTTLS=client, relay=.*, version="),
    Sign("starttls-tried", "connection", r"tls_clt_features="),
    # Lines that appear from LogLevel 10 only: then the absence of an AUTH line tells something, too.
    Sign(
        "level-10",
        "process",
        r"NOQUEUE: connect from |outgoing connect on |: done; delay=|tls_clt_features=|AUTH=client, relay=.*, mech=",
    ),
)


@frozen(eq=False, repr=False)
class Outcome(Record):
    """What the words of a reply, a `stat=`, or a reason of mailq mean.

    name: the sign.  pattern: in `dsn=… reply=… stat=…` of a log line, in `reply=` and a reply, or in a reason.
    cause: the cause, unless a verdict knows better.
    """

    name: str
    pattern: str
    cause: str


_R = r"(?:reply=|Deferred: |reply: |^)"
_EXIT = r"\b(?:[Ee]xit(?:ed)?|status|code)\b[a-z :=]* {}$|\bEX_{}\b"

#: The first that matches counts.
OUTCOMES: Tuple[Outcome, ...] = (
    Outcome(
        "handed-on",
        r"relay=\[127\.0\.0\.1\].*stat=Sent|stat=Sent \(\w+ Message accepted for delivery\)",
        "handed-on",
    ),
    Outcome("sent", r"stat=Sent\b|^Sent \(", "sent"),
    Outcome("auth-4yz", r"reply=4.*Temporary AUTH failure", "auth-temporary"),
    Outcome(
        "temporary-auth", r"Temporary AUTH failure|temporary failure, connection abort", "auth-temporary"
    ),
    Outcome(
        "need-tls", _R + r"530[ -].*STARTTLS|Must issue a STARTTLS command first", "starttls-not-offered"
    ),
    Outcome(
        "need-auth",
        _R
        + r"530[ -]|[Aa]uthentication [Rr]equired|[Nn]ot [Aa]uthenticated|[Nn]ot logged in|[Mm]ust authenticate",
        "wrong-credentials",
    ),
    Outcome(
        "app-password",
        r"Application-specific password|SmtpClientAuthentication is disabled|5\.7\.139|basic authentication is dis",
        "app-password",
    ),
    Outcome("app-password", _R + r"534[ -]", "app-password"),
    Outcome("bad-login", _R + r"535[ -]", "wrong-credentials"),
    Outcome("auth-mechanism", _R + r"(?:538|504)[ -]", "auth-needs-tls"),
    Outcome("handshake", r"TLS handshake failed", "tls-handshake"),
    Outcome("too-weak", r"encryption too weak", "tls-too-weak"),
    Outcome("unverified", r"4\.7\.0 authentication failed", "tls-unverified"),
    Outcome("tls-refused", _R + r"454[ -].*TLS", "starttls-refused"),
    Outcome("auth-4yz", _R + r"4[0-9][0-9][ -].*[Tt]emporary auth", "auth-temporary"),
    Outcome(
        "throttled",
        _R + r"4[0-9][0-9][ -].*(?:[Tt]hrottl|rate exceeded|[Qq]uota exceed|[Rr]ate limit|credits)",
        "throttled",
    ),
    Outcome("local-daemon", r"Connection refused by (?:\[127\.0\.0\.1\]|localhost)", "local-daemon"),
    Outcome("refused", r"Connection refused", "connection-refused"),
    Outcome("no-greeting", r"dsn=4\.4\.2.*Connection timed out with|reply: read error from", "no-greeting"),
    Outcome("timed-out", r"Connection timed out", "connection-timeout"),
    Outcome(
        "unreachable", r"Network is unreachable|No route to host|Network is down|Host is down", "unreachable"
    ),
    Outcome(
        "broken", r"Connection reset|Broken pipe|Connection closed|premature EOM|timeout during", "no-answer"
    ),
    Outcome("host-unknown", r"Host unknown|host not found", "host-unknown"),
    Outcome(
        "dns",
        r"lookup \([^)]*\): deferred|dsn=4\.4\.3|name lookup failure|Name server timeout|Transient parse error",
        "dns-down",
    ),
    Outcome("queued", r"stat=queued", "waiting"),
    Outcome("held-back", r"stat=Deferred$", "held-back"),
    Outcome("not-tried", r"^\(not tried\)$", "waiting"),
    Outcome("greeting-421", r"dsn=4\.5\.0.*reply=421|" + _R + r"421[ -]", "relay-busy"),
    Outcome("greeting-554", r"dsn=5\.5\.0.*reply=554|No SMTP service here", "greeting-refused"),
    Outcome(
        "not-verified",
        r"not verified|not a verified|verified Sender|Sender Identity|to send (?:as this sender|from that email)",
        "not-verified",
    ),
    Outcome(
        "paused", r"Sending (?:paused|suspended)|Account (?:is )?(?:disabled|suspended)", "sending-paused"
    ),
    Outcome(
        "not-authorised",
        r"Access denied|is not authorized to perform|not authorized to send",
        "not-authorised",
    ),
    Outcome("recipients", r"Recipient count exceeds|[Tt]oo many recipients", "too-many-recipients"),
    Outcome(
        "size",
        _R + r"552[ -]|[Mm]essage (?:is )?too (?:long|large|big)|exceeds (?:fixed )?maximum",
        "too-big",
    ),
    Outcome(
        "address",
        _R + r"(?:553|501)[ -]|[Ii]nvalid (?:email address|MAIL FROM)|Missing final|illegal|dsn=5\.1\.[378]",
        "bad-address",
    ),
    Outcome(
        "relaying",
        r"[Rr]elay(?:ing)? (?:access )?(?:denied|not permitted|not allowed)|not relay",
        "relaying-denied",
    ),
    Outcome("recipient", r"User unknown|" + _R + r"55[01][ -]", "recipient-refused"),
    Outcome("other-4yz", r"stat=Deferred|^Deferred|dsn=4|" + _R + r"4[0-9][0-9][ -]", "other-temporary"),
    Outcome("other-5yz", r"dsn=5|" + _R + r"5[0-9][0-9][ -]|Service unavailable", "other-permanent"),
    Outcome("logged-in", r"AUTH=client, relay=.*, mech=[^,]", "logged-in"),
    Outcome("encrypted", r"STARTTLS=client, relay=.*, verify=OK", "encrypted"),
    Outcome("encrypted", r"STARTTLS=client, relay=.*, verify=", "encrypted-unverified"),
    Outcome("queue-empty", r"^\S+ is empty$", "queue-empty"),
    # Exit statuses of the sendmail command (sysexits.h); mail that is queued ends in 0.
    Outcome("exit-refused", _EXIT.format(69, "UNAVAILABLE"), "other-permanent"),
    Outcome("exit-system", _EXIT.format(71, "OSERR"), "map-missing"),
    Outcome("exit-host", _EXIT.format(68, "NOHOST"), "host-unknown"),
    Outcome("exit-user", _EXIT.format(67, "NOUSER"), "recipient-refused"),
    Outcome("exit-data", _EXIT.format(65, "DATAERR"), "bad-address"),
    Outcome("exit-temporary", _EXIT.format(75, "TEMPFAIL"), "other-temporary"),
    Outcome("no-failure", r"^(?:reply=)?[23][0-9][0-9](?:[ -]|$)", "no-failure"),
)


def _signs(text: str) -> FrozenSet[str]:
    return frozenset(text.split())


def _names(text: str) -> Tuple[str, ...]:
    return tuple(text.split())


@frozen(eq=False, repr=False)
class Verdict(Record):
    """What an outcome means beside other signs.

    outcome: its name.  needs, without: signs that must be there, and must not.  causes: what it may be, the most common
    first; more than one means that the text does not tell.  tell: what would.
    """

    outcome: str
    causes: Tuple[str, ...] = field(converter=_names)
    needs: FrozenSet[str] = field(default="", converter=_signs)
    without: FrozenSet[str] = field(default="", converter=_signs)
    tell: str = ""


_TELL_LOG = "the log at LogLevel 10 (sendmail's default, 9, has no AUTH line for this); or `sendmail -v`"
_TELL_VERBOSE = (
    "`sendmail -v`: no log tells these apart, as neither a 535 nor the relay's offer is ever logged"
)
_TELL_MAILLOG = "the log: the lines AUTH=client before the one with to= (mailq shows only the last words)"

#: The first whose outcome and signs fit counts.  `from-log`, `from-line` (of a log, alone), `from-mailq`,
#: `from-dialogue` and `from-reply` say what was read; `asked-…` and `saw-…` are what a dialogue shows.
VERDICTS: Tuple[Verdict, ...] = (
    *(
        Verdict(outcome, cause, sign)
        for outcome in ("need-auth", "relaying")
        for cause, sign in (
            ("map-missing", "map-missing"),
            ("map-directory", "map-directory"),
            ("map-owner", "map-owner"),
            ("map-unsafe", "map-unsafe"),
            ("map-not-a-database", "map-bad"),
            ("map-class-missing", "map-class"),
            ("bad-entry", "authinfo-failed"),
            ("no-credentials", "no-login"),
            ("app-password", "saw-534"),
            ("wrong-credentials", "saw-535"),
            ("no-auth-offered", "saw-no-auth"),
        )
    ),
    Verdict("need-auth", "other-permanent", "saw-235"),
    *(
        Verdict(
            outcome,
            "no-credentials bad-entry item-too-long map-missing map-directory map-owner map-not-a-database",
            "asked-mail-auth asked-ehlo",
            "asked-auth",
            tell="the log: SYSERR for the map, `authinfo failed` for the entry, `mech=, bits=0` (LogLevel 10) for none",
        )
        for outcome in ("need-auth", "relaying")
    ),
    Verdict(
        "need-auth",
        "no-credentials wrong-credentials bad-entry item-too-long map-missing map-directory map-owner "
        "map-not-a-database",
        "asked-mail-auth",
        tell=_TELL_LOG,
    ),
    Verdict("need-auth", "other-permanent", "login"),
    Verdict(
        "need-auth",
        "wrong-credentials no-auth-offered item-too-long",
        "from-log level-10",
        tell=_TELL_VERBOSE,
    ),
    Verdict(
        "need-auth",
        "no-credentials wrong-credentials no-auth-offered item-too-long",
        "from-log",
        tell=_TELL_LOG,
    ),
    Verdict(
        "need-auth",
        "no-credentials wrong-credentials bad-entry map-missing map-directory map-owner map-not-a-database "
        "item-too-long no-auth-offered",
        tell="the log at LogLevel 10, or `sendmail -v`: a 530 is what all of them end in",
    ),
    Verdict("need-tls", "starttls-refused", "saw-454-tls"),
    Verdict("need-tls", "starttls-not-offered", "saw-no-starttls"),
    Verdict("need-tls", "starttls-refused", "from-log starttls-tried", "encrypted"),
    Verdict("need-tls", "starttls-not-offered", "from-log level-10", "encrypted starttls-tried"),
    Verdict(
        "need-tls",
        "starttls-not-offered starttls-refused",
        tell="`sendmail -v`, or the log at LogLevel 10: a line tls_clt_features= means that STARTTLS was tried",
    ),
    Verdict("temporary-auth", "no-common-mechanism", "no-mechanism"),
    Verdict("temporary-auth", "plugin-missing", "no-plugin"),
    Verdict("temporary-auth", "default-auth-info", "default-auth-info"),
    Verdict("temporary-auth", "auth-temporary", "saw-auth-4yz"),
    Verdict("temporary-auth", "guard", "auth-abort"),
    Verdict(
        "temporary-auth",
        "no-common-mechanism plugin-missing default-auth-info guard",
        "asked-ehlo encrypted",
        "asked-auth",
        tell=_TELL_MAILLOG,
    ),
    Verdict(
        "temporary-auth",
        "guard no-common-mechanism plugin-missing default-auth-info",
        "asked-ehlo",
        "asked-auth",
        tell=_TELL_MAILLOG,
    ),
    Verdict(
        "temporary-auth",
        "auth-temporary no-common-mechanism plugin-missing default-auth-info guard",
        tell=_TELL_MAILLOG,
    ),
    Verdict(
        "exit-refused",
        "no-credentials wrong-credentials bad-entry item-too-long no-auth-offered starttls-not-offered "
        "starttls-refused not-verified greeting-refused other-permanent",
        tell="the log, or `sendmail -v`: 69 says only that the relay refused for good",
    ),
    Verdict(
        "exit-system",
        "map-missing map-directory map-owner map-not-a-database",
        tell="the log: the SYSERR before the line with to=",
    ),
    Verdict("no-greeting", "no-greeting", "no-greeting"),
    Verdict("no-greeting", "no-answer", "no-answer"),
    Verdict("no-greeting", "no-answer", "encrypted"),
    Verdict(
        "no-greeting",
        "no-greeting no-answer",
        tell="the log: `timeout waiting for input from HOST during client ...` names the command",
    ),
    Verdict("sent", "sent-without-login", "saw-535"),
    Verdict("sent", "sent-without-login", "saw-534"),
    Verdict("timed-out", "no-greeting", "no-greeting"),
    Verdict("timed-out", "no-answer", "no-answer"),
    Verdict("timed-out", "no-answer", "asked-ehlo"),
    Verdict("timed-out", "no-greeting", "saw-closing"),
)
