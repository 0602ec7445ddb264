"""Explaining: every kind of text, the heads of syslogs, many processes at once, bounds, and secrets.

The one thing to know: what sendmail writes for each fault is tried with the real program in tests/oracle; here are the
laws, and what no single delivery shows.
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Callable, Iterator, List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf.cli import main
from sendmailcf.cli.explain import read_lines
from sendmailcf.relay.causes import CAUSES, FATES, OUTCOMES, SIGNS, VERDICTS
from sendmailcf.relay.explain import MAX_EXAMPLE, MAX_HOSTS, Report, explain, masked
from sendmailcf.relay.maillog import Entry, parse

Run = Callable[..., Tuple[int, str, str]]
SECRET = "Inv3nted/p4ss+word"
RELAY = "relay.example.com"
TO = "to=<user@example.org>, ctladdr=<me@example.net> (1000/1000), delay=00:00:01, xdelay=00:00:01, mailer=relay, pri=30093"
REFUSED = f"{TO}, relay={RELAY} [192.0.2.1], dsn=5.0.0, reply=530 Authentication required, stat=Service unavailable"
ABORTED = "auth-temporary no-common-mechanism plugin-missing default-auth-info guard"
NO_LOGIN = f"AUTH=client, relay={RELAY}, mech=, bits=0"


def named(report: Report) -> List[Tuple[str, ...]]:
    return [group.causes for group in report.groups]


def one(text: str) -> Tuple[str, ...]:
    (group,) = explain(text.split("\n")).groups
    return group.causes


# The rows.


def test_rows_name_what_exists() -> None:
    for row in (*SIGNS, *OUTCOMES):
        assert row.cause is None or row.cause in CAUSES
    outcomes = {row.name for row in OUTCOMES}
    signs = {row.name for row in SIGNS}
    for verdict in VERDICTS:
        assert verdict.outcome in outcomes
        assert set(verdict.causes) <= set(CAUSES)
        assert bool(verdict.tell) is (len(verdict.causes) > 1)
        for sign in verdict.needs | verdict.without:
            assert sign in signs or re.match(r"from-|asked-|saw-", sign)
    reached = {row.cause for row in (*SIGNS, *OUTCOMES)}
    for verdict in VERDICTS:
        reached |= set(verdict.causes)
    assert reached - {None} == set(CAUSES), "a cause that nothing leads to"


def test_texts_of_rows_are_whole() -> None:
    for row in CAUSES.values():
        assert row.fate in FATES
        for text in (row.title, row.did, row.sure, row.repair):
            assert text
            assert set(re.findall(r"\{[^}]*\}", text)) <= {"{host}", "{file}"}


def test_the_page_has_every_cause() -> None:
    page = (Path(__file__).parent.parent / "docs" / "explain.md").read_text("utf-8")
    found = re.findall(r"^\| `([a-z-]+)` \| (.*) \| (\w+) \|$", page, re.MULTILINE)
    assert found == [(row.name, row.title, row.fate) for row in CAUSES.values()]


# Replies and messages, alone.


@pytest.mark.parametrize(
    ("text", "causes"),
    [
        ("535 Authentication Credentials Invalid", "wrong-credentials"),
        ("535 5.7.8 Error: authentication failed", "wrong-credentials"),
        ("535-5.7.8 Username and Password not accepted. Learn more at\n535 5.7.8  https://s.example/?p=BadCredentials", "wrong-credentials"),
        ("534-5.7.9 Application-specific password required. Learn more at\n534 5.7.9  https://s.example/", "app-password"),
        ("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.", "app-password"),
        ("538 5.7.11 Encryption required for requested authentication mechanism", "auth-needs-tls"),
        ("530 Must issue a STARTTLS command first", "starttls-not-offered starttls-refused"),
        ("530 5.7.0 Must issue a STARTTLS command first. - gsmtp", "starttls-not-offered starttls-refused"),
        ("454 TLS not available due to temporary reason", "starttls-refused"),
        ("454 Temporary authentication failure", "auth-temporary"),
        ("454 4.7.0 Temporary authentication failure: generic failure", "auth-temporary"),
        ("454 Throttling failure: Maximum sending rate exceeded.", "throttled"),
        ("454 Throttling failure: Daily message quota exceeded.", "throttled"),
        ("451 Authentication failed: Maximum credits exceeded", "throttled"),
        ("421 Too many concurrent SMTP connections", "relay-busy"),
        ("451 Temporary service failure", "other-temporary"),
        ("552 Message is too long.", "too-big"),
        ("553 Invalid email address", "bad-address"),
        ("501 Invalid MAIL FROM address provided", "bad-address"),
        ("554 Message rejected: Email address is not verified.", "not-verified"),
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "not-verified"),
        ("403 You are not authorized to send from that email address", "not-verified"),
        ("554 Message rejected: Sending paused for this account.", "sending-paused"),
        ("554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail'", "not-authorised"),
        ("554 Transaction failed: Recipient count exceeds 50.", "too-many-recipients"),
        ("550 5.1.1 <x@example.org>... User unknown", "recipient-refused"),
        ("550 5.7.1 <x@example.org>... Relaying denied", "relaying-denied"),
        ("554 5.7.1 <x@example.org>: Relay access denied", "relaying-denied"),
        ("554 Transaction failed", "other-permanent"),
        ("250 Ok 0100018f-0001", "no-failure"),
        ("235 Authentication successful.", "no-failure"),
        ("354 End data with <CR><LF>.<CR><LF>", "no-failure"),
        ('SYSERR(root): hash map "authinfo": missing map file /etc/mail/authinfo.db: No such file or directory', "map-missing"),
        ('hash map "authinfo": unsafe map file /etc/mail/authinfo.db: Group writable directory', "map-directory"),
        ('hash map "authinfo": unsafe map file /etc/mail/authinfo.db: World writable directory', "map-directory"),
        ('hash map "authinfo": unsafe map file /etc/mail/authinfo.db: Permission denied', "map-owner"),
        ('hash map "authinfo": unsafe map file /etc/mail/authinfo.db: Regular files only', "map-unsafe"),
        ("Cannot open hash database /etc/mail/authinfo.db: Invalid argument", "map-not-a-database"),
        ('451 4.0.0 hash map "authinfo": missing map file /etc/mail/authinfo.db: No such file or directory', "map-missing"),
        ("makemap: /etc/mail/authinfo: line 2: syntax error (leading space)", "map-source"),
        ("makemap: authinfo: line 3: key authinfo:h: duplicate key", "map-source"),
        ("AUTH=client, error: can't open /etc/mail/default-auth-info: Group readable file", "default-auth-info"),
        ("AUTH=client, error: can't read password from /etc/mail/default-auth-info", "default-auth-info"),
        ("AUTH=client, available mechanisms= do not fulfill requirements", "no-common-mechanism"),
        ("AUTH=client, available mechanisms=XOAUTH2 do not fulfill requirements", "plugin-missing"),
        (f"AUTH=client, relay={RELAY} [192.0.2.1], authinfo failed", "bad-entry"),
        (NO_LOGIN, "no-credentials"),
        (f"AUTH=client, relay={RELAY}, mech=PLAIN, bits=0", "logged-in"),
        (f"AUTH=client, relay={RELAY}, temporary failure, connection abort", ABORTED),
        ("Temporary AUTH failure", ABORTED),
        ("stat=Deferred: Temporary AUTH failure", ABORTED),
        ("(Deferred: Temporary AUTH failure)", ABORTED),
        (f"STARTTLS=client, relay={RELAY}, version=TLSv1.3, verify=FAIL, cipher=X, bits=256/256", "encrypted-unverified"),
        (f"STARTTLS=client, relay={RELAY}, version=TLSv1.3, verify=OK, cipher=X, bits=256/256", "encrypted"),
        ("STARTTLS=client, error: connect failed=-1, reason=wrong version number, SSL_error=1, errno=0, retry=-1", "tls-handshake"),
        (f"timeout waiting for input from {RELAY} during client greeting", "no-greeting"),
        ("Deferred: Connection refused by [127.0.0.1]", "local-daemon"),
        ("Deferred: Connection refused by relay.example.com", "connection-refused"),
        ("(Deferred: Connection timed out with relay.example.com)", "connection-timeout"),
        ("(Deferred: relay.example.com: No route to host)", "unreachable"),
        ("(host map: lookup (example.com): deferred)", "dns-down"),
        ("(Deferred: Name server: relay.example.com.: host name lookup failure)", "dns-down"),
        ("Host unknown (Name server: nowhere.example: host not found)", "host-unknown"),
        ("454 4.7.0 TLS handshake failed.", "tls-handshake"),
        ("exit status 68", "host-unknown"),
        ("sendmail: exited with code 65", "bad-address"),
        ("EX_NOUSER", "recipient-refused"),
        ("exit 75", "other-temporary"),
        ("exit 71", "map-missing map-directory map-owner map-not-a-database"),
        ("454 4.7.0 encryption too weak 0 less than 112", "tls-too-weak"),
        ("454 4.7.0 authentication failed", "tls-unverified"),
    ],
)  # fmt: skip
def test_texts_alone(text: str, causes: str) -> None:
    assert one(text) == tuple(causes.split())


def test_a_bare_530_names_all_that_end_in_it() -> None:
    causes = one("530 Authentication required")
    assert causes[:2] == ("no-credentials", "wrong-credentials")
    assert set(causes) - set(one("exit status 69")) == {name for name in causes if name.startswith("map-")}
    assert {"bad-entry", "map-missing", "map-directory", "map-owner", "item-too-long", "no-auth-offered"} <= set(causes)
    # So does a line of a log without those before it; in a log, a fault of the map would have been seen.
    line = f"Nov 24 09:08:07 host sendmail[1]: 6AONSLPg000001: {REFUSED}"
    assert one(line) == causes
    assert one(f"Nov 24 09:08:06 host sendmail[1]: 6AONSLPg000001: from=x, size=1\n{line}") == causes[:2] + causes[-1:] + causes[-2:-1]


def test_a_returned_message() -> None:
    text = f"""   ----- The following addresses had permanent fatal errors -----
<user@example.org>
    (reason: 530 Authentication required)

   ----- Transcript of session follows -----
... while talking to {RELAY}.:
>>> MAIL From:<me@example.net> SIZE=412 AUTH=me@example.net
<<< 530 Authentication required
554 5.0.0 Service unavailable"""
    (group,) = explain(text.split("\n")).groups
    assert group.hosts == {RELAY: 1}
    assert "no-auth-offered" not in group.causes, "AUTH= in MAIL means that AUTH was offered"
    (group,) = explain(text.replace(" AUTH=me@example.net", "").split("\n")).groups
    assert group.causes == ("no-auth-offered",)


def test_mail_that_goes_out_without_login() -> None:
    text = f"""x... Connecting to {RELAY}. port 587 via relay...
220 hello
>>> EHLO client
250-there
250 AUTH PLAIN
>>> AUTH PLAIN =
535 no
>>> MAIL From:<me@example.net> SIZE=1 AUTH=<>
250 ok
x... Sent (250 ok)
Closing connection to {RELAY}."""
    (group,) = explain(text.split("\n")).groups
    assert (group.causes, group.fate, group.hosts) == (("sent-without-login",), "sent", {RELAY: 1})


# Heads.

HEADS = {
    "linux": "Nov 24 09:08:07 host sendmail[4242]: {}",
    "linux, raw": "<22>Nov 24 09:08:07 host sendmail[4242]: {}",
    "one-digit day": "Nov  4 09:08:07 host sm-mta[4242]: {}",
    "aix": "Nov 24 09:08:07 host mail:info sendmail[4242]: {}",
    "aix, sent on": "Nov 24 09:08:07 loghost Message forwarded from host: sendmail[4242]: {}",
    "solaris": "Nov 24 09:08:07 host sendmail[4242]: [ID 801593 mail.info] {}",
    "rsyslog": "2026-11-24T09:08:07.123456+01:00 host sendmail[4242]: {}",
    "journalctl short-iso": "2026-11-24T09:08:07+0100 host sendmail[4242]: {}",
    "journalctl short-precise": "Nov 24 09:08:07.123456 host sendmail[4242]: {}",
    "journalctl short-unix": "1795507687.123456 host sendmail[4242]: {}",
    "journalctl short-full": "Tue 2026-11-24 09:08:07 UTC host sendmail[4242]: {}",
    "journalctl short-monotonic": "[  909.087123] host sendmail[4242]: {}",
    "a year": "Nov 24 2026 09:08:07 host sendmail[4242]: {}",
    "rfc 5424, no priority": "1 2026-11-24T09:08:07.123Z host sendmail 4242 - - {}",
    "rfc 5424": "<22>1 2026-11-24T09:08:07.123Z host sendmail 4242 - - {}",
    "rfc 5424, data": '<22>1 2026-11-24T09:08:07Z host sendmail 4242 ID47 [a@1 x="]\\"y"][b z="1"] \ufeff{}',
}


@pytest.mark.parametrize("name", HEADS)
def test_heads(name: str) -> None:
    entry = parse(HEADS[name].format("6AONSLPg004242: " + REFUSED))
    assert entry.message == "6AONSLPg004242: " + REFUSED
    assert (entry.host, entry.pid, entry.headed) == ("host", "4242", True)
    assert re.search(r"09:08:07|1795507687|909", entry.time)
    report = explain([HEADS[name].format(line) for line in (NO_LOGIN, "6AONSLPg004242: " + REFUSED)])
    assert named(report) == [("no-credentials",)]
    assert report.groups[0].first == entry.time


def test_journal_as_json() -> None:
    def line(message: str) -> str:
        fields = {"MESSAGE": message, "_PID": "4242", "_HOSTNAME": "host", "__REALTIME_TIMESTAMP": "1795507687123456"}
        return json.dumps(fields)

    report = explain([line(NO_LOGIN), line("6AONSLPg004242: " + REFUSED)])
    assert named(report) == [("no-credentials",)]
    assert report.groups[0].first == "2026-11-24T08:08:07Z"
    assert parse('{"MESSAGE": [1, 2]}').headed is False
    assert parse("{not json").headed is False


def test_repeated_messages_count() -> None:
    head = "Nov 24 09:08:07 host "
    lines = [head + f"sendmail[1]: 6AONSLPg000001: {REFUSED}", head + "last message repeated 3 times"]
    assert explain(lines).groups[0].count == 4
    assert explain([lines[0], head + "sendmail[1]: other", lines[1]]).groups[0].count == 1
    again = head + f"sendmail[1]: message repeated 5 times: [ 6AONSLPg000001: {REFUSED}]"
    assert explain([again]).groups[0].count == 5
    empty = [head + "sendmail[1]: ", "<22>1 2026-11-24T09:08:07Z host sendmail 1 - -"]
    assert explain([lines[0], *empty]).groups[0].count == 1


# Many processes, many messages.


def log(pid: int, *messages: str, host: str = "host") -> Iterator[str]:
    for message in messages:
        yield f"Nov 24 09:08:07 {host} sendmail[{pid}]: {message}"


def test_signs_stay_with_their_process() -> None:
    lines = [
        *log(1, NO_LOGIN),
        *log(2, "6AONSLPg000002: AUTH=client, available mechanisms= do not fulfill requirements"),
        *log(1, NO_LOGIN, host="other"),
        *log(1, f"6AONSLPg000001: {REFUSED}"),
        *log(2, f"6AONSLPg000002: {TO}, relay={RELAY} [192.0.2.1], dsn=4.3.0, stat=Deferred: Temporary AUTH failure"),
        *log(3, f"6AONSLPg000003: {REFUSED}"),
    ]
    found = {(group.causes, group.fate): group.count for group in explain(lines).groups}
    assert found == {
        (("no-credentials",), "bounced"): 1,
        (("no-common-mechanism",), "queued"): 1,
        (("no-credentials", "wrong-credentials", "no-auth-offered", "item-too-long"), "bounced"): 1,
        (("no-credentials",), "other"): 1,  # the other host's line, which no outcome follows
    }


def test_a_host_that_failed_is_remembered() -> None:
    first = f"{TO}, relay={RELAY} [192.0.2.1], dsn=4.7.0, stat=Deferred: 454 4.7.0 TLS handshake failed."
    second = f"{TO}, relay={RELAY}, dsn=4.7.0, stat=Deferred"
    lines = [*log(1, f"6AONSLPg000001: {first}", f"6AONSLPh000001: {second}"), *log(2, f"6AONSLPi000002: {second}")]
    assert {group.causes: group.count for group in explain(lines).groups} == {("tls-handshake",): 3}
    assert named(explain(lines[1:])) == [("held-back",)]
    assert named(explain(list(log(1, f"6AONSLPi000001: {second}", host="other")) + lines[:1])) == [("held-back",), ("tls-handshake",)]


def test_process_ids_are_used_again() -> None:
    error = 'SYSERR(root): hash map "authinfo": missing map file /etc/mail/authinfo.db: No such file or directory'
    lines = [*log(1, f"6AONSLPg000001: {error}", f"6AONSLPg000001: {REFUSED}")]
    for when, groups in (("Nov 24 23:59:59", 1), ("Nov 25 09:08:07", 2)):
        again = [*lines, f"{when} host sendmail[1]: 6AONSLPh000001: {REFUSED}"]
        assert len(explain(again).groups) == groups
    days = [parse(f"{when} host sendmail[1]: x").day for when in ("Nov  4 09:08:07", "2026-11-24T09:08:07Z", "1795507687.1")]
    assert days == ["Nov  4", "2026-11-24", "17955"]


def test_a_new_connection_starts_anew_and_a_kept_one_does_not() -> None:
    sent = f"{TO}, relay={RELAY} [192.0.2.1], dsn=2.0.0, stat=Sent (ok)"
    login = f"AUTH=client, relay={RELAY}, mech=PLAIN, bits=0"
    lines = [
        *log(1, NO_LOGIN, f"6AONSLPg000001: {REFUSED}"),
        *log(1, f"6AONSLPh000001: {REFUSED}"),  # over the same connection
        *log(1, login, f"6AONSLPi000001: {sent}"),
        *log(1, f"6AONSLPj000001: {REFUSED}"),  # logged in, and yet
    ]
    found = {group.causes: group.count for group in explain(lines).groups}
    assert found == {("no-credentials",): 2, ("sent",): 1, ("other-permanent",): 1}


def test_a_map_that_failed_once_fails_for_the_process() -> None:
    error = 'SYSERR(root): hash map "authinfo": missing map file /etc/mail/authinfo.db: No such file or directory'
    lines = [*log(1, f"6AONSLPg000001: {error}", f"6AONSLPg000001: {REFUSED}", f"6AONSLPh000001: {REFUSED}")]
    (group,) = explain(lines).groups
    assert (group.causes, group.count) == (("map-missing",), 2)
    assert "/etc/mail/authinfo.db" in group.evidence
    assert group.text(CAUSES["map-missing"].repair) == "build it: sendmailcf makemap hash /etc/mail/authinfo < /etc/mail/authinfo"


def test_a_fault_without_an_outcome_is_told() -> None:
    error = 'SYSERR(root): hash map "access": missing map file /etc/mail/access.db: No such file or directory'
    sent = f"{TO}, relay={RELAY} [192.0.2.1], dsn=2.0.0, stat=Sent (ok)"
    lines = [*log(1, f"6AONSLPg000001: {error}", f"6AONSLPg000001: {sent}")]
    report = explain(lines)
    assert sorted(named(report)) == [("map-missing",), ("sent",)]
    assert (report.total("sent"), report.total("bounced"), report.total("other")) == (1, 0, 1)


def test_times_and_hosts() -> None:
    lines = []
    for minute in range(30):
        relay = f"r{minute % 3}.example"
        text = REFUSED.replace(RELAY, relay)
        lines.append(f"Nov 24 09:{minute:02}:00 host sendmail[{minute}]: 6AONSLPg0000{minute:02}: {text}")
    (group,) = explain(lines).groups
    assert (group.count, group.first, group.last) == (30, "Nov 24 09:00:00", "Nov 24 09:29:00")
    assert group.hosts == {"r0.example": 10, "r1.example": 10, "r2.example": 10}
    assert "HOST" in group.text("{host}")


def test_the_outcomes_of_a_mailq() -> None:
    text = """\t\t/var/spool/mqueue (4 requests)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
6AONSM8o022601       16 Tue Nov 24 23:28 <me@example.net>
                 (Deferred: Connection refused by relay.example.com)
\t\t\t\t\t <user@example.org>
6AONSM8o022602*      16 Tue Nov 24 23:29 <me@example.net>
\t\t\t\t\t <user@example.org>
6AONSM8o022603       16 Tue Nov 24 23:30 <me@example.net>
      8BITMIME   (Deferred: 421 Too many connections)
\t\t\t\t\t <user@example.org>
6AONSM8o022604     1600 Tue Nov 24 23:31 <me@example.net>
                 (Deferred: Connection refused by relay.example.com)
\t\t\t\t\t <user@example.org>
\t\tTotal requests: 4
"""
    report = explain(text.split("\n"))
    found = {group.causes: (group.count, group.first, group.last) for group in report.groups}
    assert found == {
        ("connection-refused",): (2, "Tue Nov 24 23:28", "Tue Nov 24 23:31"),
        ("waiting",): (1, "Tue Nov 24 23:29", "Tue Nov 24 23:29"),
        ("relay-busy",): (1, "Tue Nov 24 23:30", "Tue Nov 24 23:30"),
    }
    assert report.total("queued") == 4
    assert named(explain(["/var/spool/mqueue is empty", "\t\tTotal requests: 0"])) == [("queue-empty",)]


def test_old_queue_ids_and_queues() -> None:
    line = f"Nov 24 09:08:07 host sendmail[1]: NAA12345: {REFUSED}"
    assert explain([*log(1, NO_LOGIN), line]).groups[0].causes == ("no-credentials",)
    assert explain([NO_LOGIN, f"NAA12345: {REFUSED}"]).groups[0].causes == ("no-credentials",)
    text = """                Mail Queue (2 requests)
--Q-ID-- --Size-- -----Q-Time----- ------------Sender/Recipient------------
NAA12345      123 Tue Nov 24 23:28 root
                 (Deferred: Connection reset by relay.example.com)
                                   user@example.org
NAA12346 (no control file)"""
    found = {group.causes: dict(group.hosts) for group in explain(text.split("\n")).groups}
    assert found == {("no-answer",): {RELAY: 1}, ("waiting",): {}}


# Bounds.


def test_memory_does_not_grow_with_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sendmailcf.relay.explain.MAX_PROCESSES", 100)

    def lines(count: int) -> Iterator[str]:
        for number in range(count):
            text = REFUSED.replace(RELAY, f"relay{number}.example")
            yield from log(number, NO_LOGIN.replace(RELAY, f"lost{number}.example"), f"6AONSLPg{number:06}: {text}")

    def peak(count: int) -> int:
        tracemalloc.start()
        report = explain(lines(count))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        for group in report.groups:
            assert len(group.hosts) <= MAX_HOSTS
            assert sum(group.hosts.values()) + group.other_hosts == group.count
        return most

    few, many = peak(4500), peak(9000)
    assert many < few * 1.1


def test_long_lines_are_cut() -> None:
    stream = io.BytesIO(b"x" * 200_000 + b"\n530 no\n" + b"y" * 65536 + b"\nlast")
    assert [len(line) for line in read_lines(stream)] == [65536, 6, 65536, 4]


@pytest.mark.parametrize("seed", ["(" * 65536, "a, relay=" * 7000, "map " * 16000, '"P:' * 20000, "A" * 65536, "<1>1 " + "[" * 65536,
                                  "to=" + ", stat=" * 9000, "Aa0" * 20000, ">>> " + "AUTH " * 9000, "Nov 24 09:08:07 h " + "x" * 65000])  # fmt: skip
def test_hostile_lines_take_no_time(seed: str) -> None:
    start = time.perf_counter()
    explain([seed, "6AONSLPg000001: " + seed, f"6AONSLPg000001: {TO}, relay={seed}, dsn=5.0.0, stat={seed}"])
    assert time.perf_counter() - start < 2


@given(st.lists(st.text() | st.sampled_from([REFUSED, NO_LOGIN, "530 x", ">>> AUTH PLAIN x", ">>> MAIL", "(Deferred: x)"])))
def test_any_text_is_read(lines: List[str]) -> None:
    report = explain(lines)
    json.dumps(report.as_json())
    assert report.lines == len(lines)
    for group in report.groups:
        assert group.count >= 1
        assert len(group.example) <= MAX_EXAMPLE * 6 + 1
        assert not re.search(r"[\x00-\x1f\x7f]", group.example)


# Secrets.


@pytest.mark.parametrize(
    "template",
    [
        "AUTH PLAIN {b64}",
        ">>> AUTH LOGIN {b64}",
        ">>> {b64}",
        "{b64}",
        'AuthInfo:relay.example.com "U:me" "P:{secret}"',
        'authinfo:relay.example.com "U:me" "P={b64}" "M:LOGIN"',
        'SYSERR(root): map authinfo: "U:me" "P:{secret}" "M:PLAIN"',
        'bad value "P:x\\"{secret}"',
        "AuthInfo:relay.example.com U:me P:{secret}",
        "makemap: authinfo: line 2: no RHS for LHS P:{secret}",
        'makemap: authinfo: line 2: key "p:{secret}": duplicate key',
        "535 5.7.8 bad password: {secret}",
        "535 token={secret} is not known",
        "key SG.abcdefghij.{token}",
        "secret {long}",
    ],
)
def test_secrets_are_covered(template: str) -> None:
    values = {
        "secret": SECRET,
        "b64": base64.b64encode(f"\0me\0{SECRET}".encode()).decode(),
        "token": "Zx9_inventedTokenValue-1",
        "long": "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9",
    }
    shown = masked(template.format(**values))
    for value in values.values():
        assert value not in shown
    assert "****" in shown


def test_what_is_no_secret_stays() -> None:
    for text in ("makemap: authinfo: line 3: key authinfo:relay.example.com: duplicate key", "250-AUTH PLAIN LOGIN", REFUSED, NO_LOGIN, "554 Message rejected", "/usr/lib/x86_64/sendmail/very/long/path/that/has/no/digits"):
        assert masked(text) == text


def test_addresses_on_request() -> None:
    shown = masked(f"6AONSLPg000001: {REFUSED}", addresses=True)
    for part in ("user", "example.org", "me@", "example.net"):
        assert part not in shown
    assert RELAY in shown
    assert masked("x... User unknown", addresses=True) == "********... User unknown"
    assert "joe" not in masked("to=joe, delay=1, stat=Sent", addresses=True)


def test_control_characters_are_written_out() -> None:
    assert masked("530 \x1b[31mred\x07\x9b") == "530 \\x1b[31mred\\x07\\x9b"


# The command.


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, stdin: bytes = b"") -> Tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        status = main(["explain", *arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


def test_the_command(run: Run, tmp_path: Path) -> None:
    status, out, err = run("535", "Authentication", "Credentials", "Invalid")
    assert (status, err) == (0, "")
    assert out.startswith("the relay refused the user name or the password (535)  [wrong-credentials]\n")
    for label in ("text:", "mail:", "sendmail:", "sure:", "repair:"):
        assert f"  {label}" in out
    status, out, _ = run("--json", "530 Authentication required")
    found = json.loads(out)
    assert (status, found["read"], found["lines"], found["totals"]["bounced"]) == (0, ["reply"], 1, 1)
    assert found["groups"][0]["certain"] is False
    assert "LogLevel" in found["groups"][0]["tell"]
    assert {"name", "title", "did", "sure", "repair"} == set(found["groups"][0]["causes"][0])
    assert run("nothing that is known")[0:2] == (1, "")
    assert "nothing waits" in run("-", stdin=b"/var/spool/mqueue is empty\n\t\tTotal requests: 0\n")[1]
    (tmp_path / "maillog").write_text("x")
    assert "explain - <" in run(str(tmp_path / "maillog"))[2]
    status, out, err = run("-", stdin=b"\xff\xfe\n")
    assert (status, out) == (1, "")
    assert "1 lines of standard input" in err


def test_a_log_on_standard_input(run: Run) -> None:
    lines = [*log(1, NO_LOGIN, f"6AONSLPg000001: {REFUSED}"), *log(2, NO_LOGIN, f"6AONSLPg000002: {REFUSED}")]
    status, out, _ = run("-", "--mask", stdin="\n".join(lines).encode() + b"\n")
    assert status == 0
    assert out.startswith("4 lines: 2 bounced\n\n2 x  no credentials were found")
    assert f"relay:    {RELAY} (2)" in out
    assert f"--host {RELAY}" in out
    assert "user@" not in out
    sent = f"{TO}, relay={RELAY} [192.0.2.1], dsn=2.0.0, stat=Sent (ok)"
    assert run("-", stdin="\n".join(log(1, f"6AONSLPg000001: {sent}", "other")).encode())[1] == "2 lines: 1 sent\nno failure\n"


def test_entries_are_values() -> None:
    assert parse("") == Entry("")
