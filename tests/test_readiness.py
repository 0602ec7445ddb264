"""What `relay check` says beside the AUTH chain: the running host, the queue, and the report in HTML.

The one thing to know: the running host is a value here; the texts of mailq are those that sendmail 8.17.1 printed.
"""

from __future__ import annotations

import html.parser
import json
import os
import sys
from pathlib import Path
from random import Random
from typing import Dict, List, Optional, Tuple

import pytest
from faults import BASES, HOST, Case, copy_base, make_base
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf import loads, running
from sendmailcf.cli import main
from sendmailcf.cli.relay import looker, status_of
from sendmailcf.relay import report
from sendmailcf.relay.chain import check
from sendmailcf.relay.links import ADVICE, OK, UNKNOWN, WRONG, Chain, Link, Prediction
from sendmailcf.relay.live import NOT_KNOWN, RUNNING, STOPPED, Live, Queue, Service, read_mailq
from sendmailcf.relay.plan import load_cf

MAILQ = """\
\t\t/var/spool/mqueue (3 requests)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
6AONVcFs026911*      15 Tue Nov 24 23:31 <sender@client.example.net>
                 (Deferred: Temporary AUTH failure)
\t\t\t\t\t <rcpt@example.com>
6AONVcFs026912       15 Tue Nov 24 23:31 <sender@client.example.net>
      8BITMIME   (Deferred: Temporary AUTH failure)
\t\t\t\t\t <rcpt@example.com>
                 (host map: lookup (example.org): deferred)
\t\t\t\t\t <rcpt@example.org>
6AONVcFs026913       15 Tue Nov 24 23:31 <sender@client.example.net>
\t\t\t\t\t <rcpt@example.com>
\t\tTotal requests: 3
"""


def test_mailq_is_read() -> None:
    queue = read_mailq(MAILQ)
    assert queue is not None
    assert queue.messages == 3
    assert queue.reasons[0] == ("Deferred: Temporary AUTH failure", 2)
    assert ("host map: lookup (example.org): deferred", 1) in queue.reasons
    assert sum(count for _, count in queue.reasons) == 4
    assert read_mailq("Mail queue is empty\n") == Queue(0, ())
    assert read_mailq("/var/spool/mqueue is empty\n\t\tTotal requests: 0\n") == Queue(0, ())
    assert read_mailq("You are not permitted to see the queue\n") is None
    assert read_mailq("") is None


@given(st.text())
def test_any_text_is_no_queue_or_one(text: str) -> None:
    queue = read_mailq(text)
    assert queue is None or queue.messages >= 0


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("bases")
    for base in BASES:
        make_base(top / base, base)
    return top


@pytest.fixture
def case(bases: Path, tmp_path: Path) -> Case:
    copy_base(bases / "ours", tmp_path / "h")
    return Case(tmp_path / "h", "ours", Random(0))


def links(case: Case, *, live: Optional[Live] = None, tls: str = "required") -> Dict[str, Link]:
    look = looker(str(case.root))
    chain = check(load_cf("/etc/mail/sendmail.cf", look), look, host=HOST, tls=tls, live=live)
    return {link.name: link for link in chain.links}


EMPTY = Queue(0, ())


@pytest.mark.parametrize(
    ("live", "service", "queue"),
    [
        (None, UNKNOWN, UNKNOWN),
        (Live(Service(RUNNING, "systemd"), EMPTY), OK, OK),
        (Live(Service(RUNNING, "lssrc", 1.0), EMPTY), WRONG, OK),
        (Live(Service(RUNNING, "lssrc", 4e9), EMPTY), OK, OK),
        (Live(Service(STOPPED, "lssrc"), Queue(2, (("Deferred: x", 2),))), WRONG, ADVICE),
        (Live(Service(NOT_KNOWN, "there is no program lssrc"), None, "there is no program mailq"), UNKNOWN, UNKNOWN),
    ],
)
def test_the_running_host(case: Case, live: Optional[Live], service: str, queue: str) -> None:
    found = links(case, live=live)
    assert (found["service"].state, found["queue"].state) == (service, queue)
    assert status_of(list(found.values())) == (1 if service == WRONG else 0)
    if live is not None and live.queue is not None and live.queue.messages:
        assert "2 x Deferred: x" in found["queue"].detail


@pytest.mark.parametrize(
    ("key", "server_name", "state"),
    [(HOST, "", OK), (HOST, HOST, OK), (HOST, "mx1.example.net", WRONG), ("mx1.example.net", "mx1.example.net", OK)],
)
def test_the_name_that_the_dns_leads_to_counts(case: Case, key: str, server_name: str, state: str) -> None:
    case.entry('"U:me" "P:x" "M:LOGIN"', f"AuthInfo:{key}")
    look = looker(str(case.root))
    live = Live(Service(RUNNING, "x"), EMPTY, server_name=server_name)
    chain = check(load_cf("/etc/mail/sendmail.cf", look), look, live=live)
    link = {link.name: link for link in chain.links}["key"]
    assert link.state == state, link
    assert chain.prediction.authenticates is (state == OK)
    if state == WRONG:
        assert "leads to mx1.example.net by MX or CNAME" in link.detail


@pytest.mark.parametrize(
    ("options", "name", "state", "says"),
    [
        ({"LogLevel": "10"}, "LogLevel", OK, "10"),
        ({"LogLevel": "9"}, "LogLevel", ADVICE, "9"),
        ({"LogLevel": None}, "LogLevel", ADVICE, "9"),
        ({"DontBlameSendmail": "safe"}, "DontBlameSendmail", OK, "safe"),
        ({"DontBlameSendmail": "GroupWritableDirPathSafe"}, "DontBlameSendmail", ADVICE, "groupwritabledirpathsafe"),
        ({"DontBlameSendmail": "Sloppy"}, "DontBlameSendmail", ADVICE, "no such word"),
        ({"CACertFile": "/etc/mail/ca.pem"}, "certificates", ADVICE, "CACertPath not set"),
        ({"CACertPath": "/etc/mail/certs"}, "certificates", ADVICE, "CACertFile not set"),
        ({"CACertFile": "/etc/mail/no.pem", "CACertPath": "/x"}, "certificates", ADVICE, "No such file"),
        ({"CACertFile": "/etc/mail/aliases", "CACertPath": "/x"}, "certificates", ADVICE, "holds no certificate"),
        ({"CACertFile": "/etc/mail/ca.pem", "CACertPath": "/x"}, "certificates", OK, "ca.pem"),
    ],
)
def test_what_hides_or_weakens(
    case: Case, options: Dict[str, Optional[str]], name: str, state: str, says: str
) -> None:
    (case.mail / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    for option, value in options.items():
        case.option(option, value)
    link = links(case)[name]
    assert (link.state, says in link.detail) == (state, True), link
    assert bool(link.repair) is (state != OK)


def test_certificates_are_a_must_where_the_policy_says_so(case: Case) -> None:
    assert links(case, tls="verified")["certificates"].state == WRONG
    assert links(case)["certificates"].state == ADVICE


def test_the_map_of_credentials_that_may_be_missing(case: Case) -> None:
    case.cf("(?<=^Kauthinfo hash )", "-o ")
    assert links(case)["missing maps are reported"].state == ADVICE


@pytest.mark.parametrize(
    ("host", "r", "state"),
    [("email-smtp.eu-west-1.amazonaws.com", "", ADVICE), ("email-smtp.eu-west-1.amazonaws.com", "r=50, ", OK),
     ("email-smtp.eu-west-1.amazonaws.com", "r=51, ", ADVICE), (HOST, "", OK)],
)  # fmt: skip
def test_recipients_of_a_message(case: Case, host: str, r: str, state: str) -> None:
    case.cf(r"^Mrelay,\t", f"Mrelay,\t{r}")
    case.cf("^DS.*$", f"DS{host}")
    look = looker(str(case.root))
    chain = check(load_cf("/etc/mail/sendmail.cf", look), look)
    assert {link.name: link.state for link in chain.links}["recipients per message"] == state


SES = "email-smtp.eu-west-1.amazonaws.com"
GOOD_USER, GOOD = "AKIAEXAMPLE0DEMO0KEY", "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"


@pytest.mark.parametrize(
    ("user", "password", "state", "says"),
    [
        (GOOD_USER, GOOD, OK, "of the shape"),
        ("ASIAEXAMPLE0DEMO0KEY", GOOD, WRONG, "temporary key"),
        ("me@example.com", GOOD, WRONG, "mail address"),
        (GOOD_USER, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", WRONG, "the password is an IAM secret"),
        ("me", "whatever this is", ADVICE, "of another shape"),
        (GOOD_USER, "whatever this is", ADVICE, "console user, perhaps"),
    ],
)
def test_credentials_of_the_wrong_kind(case: Case, user: str, password: str, state: str, says: str) -> None:
    case.cf("^DS.*$", f"DS{SES}")
    case.entry(f'"U:{user}" "P:{password}" "M:LOGIN"', f"AuthInfo:{SES}")
    look = looker(str(case.root))
    chain = check(load_cf("/etc/mail/sendmail.cf", look), look)
    link = {link.name: link for link in chain.links}["credentials"]
    assert (link.state, says in link.detail) == (state, True), link
    assert password not in str(chain)
    assert chain.prediction.fate == ("bounced" if state == WRONG else "accepted")


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("email.eu-west-1.amazonaws.com", 587, "HTTPS API"),
        ("email-smtp.eu-west-1a.amazonaws.com", 587, "zone"),
        (SES, 588, "not a port of this provider"),
    ],
)
def test_endpoints_that_are_none(case: Case, host: str, port: int, says: str) -> None:
    case.cf("^DS.*$", f"DS{host}")
    case.cf("(?<=TCP .h )587", str(port))
    look = looker(str(case.root))
    chain = check(load_cf("/etc/mail/sendmail.cf", look), look)
    link = {link.name: link for link in chain.links}["endpoint"]
    assert (link.state, says in link.detail) == (WRONG, True), link


# The running host, asked


def fake(directory: Path, name: str, text: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / name).write_text(f"#!/bin/sh\n{text}\n")
    (directory / name).chmod(0o755)


def test_systemd_src_and_pid_files_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands, pid_file = tmp_path / "bin", tmp_path / "pid"
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    cf = loads(f"O PidFile={pid_file}\n")
    monkeypatch.setattr(running, "SYSTEMD", str(tmp_path))
    fake(commands, "systemctl", "echo LoadState=loaded; echo ActiveState=active")
    assert running.service(cf) == Service(RUNNING, "systemd")
    fake(commands, "systemctl", "echo LoadState=loaded; echo ActiveState=failed")
    assert running.service(cf) == Service(STOPPED, "systemd")
    fake(commands, "systemctl", "echo LoadState=not-found; echo ActiveState=inactive")
    assert running.service(cf).state == STOPPED
    pid_file.write_text(f"{os.getpid()}\n/usr/sbin/sendmail -bd\n")
    assert running.service(cf) == Service(RUNNING, str(pid_file), pid_file.stat().st_mtime)
    monkeypatch.setattr(running, "SYSTEMD", str(tmp_path / "none"))
    assert running.service(cf).state == RUNNING
    pid_file.write_text("99999999\n")
    assert running.service(cf) == Service(STOPPED, f"{pid_file} names no living process")
    pid_file.write_text("no number\n")
    assert running.service(cf).state == STOPPED
    monkeypatch.setattr(sys, "platform", "aix7")
    fake(commands, "lssrc", "echo ' sendmail         mail             4391274      active'")
    assert running.service(cf).state == RUNNING
    fake(commands, "lssrc", "echo ' sendmail         mail                          inoperative'")
    assert running.service(cf) == Service(STOPPED, "lssrc")
    fake(commands, "lssrc", "echo no; exit 1")
    assert running.service(cf) == Service(NOT_KNOWN, "lssrc: no")


def test_the_queue_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = tmp_path / "bin"
    fake(commands, "systemctl", "exit 1")
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    (tmp_path / "queue").write_text(MAILQ)
    fake(commands, "mailq", f"cat {tmp_path}/queue")
    found = running.ask(loads(f"O PidFile={tmp_path}/none\n"), "[127.0.0.1]")
    assert found.queue is not None
    assert found.queue.messages == 3
    assert found.server_name == "[127.0.0.1]"
    fake(commands, "mailq", "echo 'not for you'")
    assert running.ask(loads(""), "").problem == "mailq says: not for you"
    fake(commands, "mailq", "sleep 5")
    monkeypatch.setattr(running, "SECONDS", 0.2)
    assert "did not answer" in running.ask(loads(""), "").problem


# The report


class _Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: List[Tuple[str, Dict[str, Optional[str]]]] = []
        self.text: List[str] = []

    def handle_starttag(self, tag: str, attrs: List[Tuple[str, Optional[str]]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def page(text: str) -> _Page:
    found = _Page()
    found.feed(text)
    return found


SAFE_TAGS = {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "div", "strong", "br", "table", "thead",
             "tbody", "tr", "th", "td", "span", "code", "footer"}  # fmt: skip


@given(st.text(), st.sampled_from([OK, WRONG, ADVICE, UNKNOWN]))
def test_no_text_becomes_markup(text: str, state: str) -> None:
    chain = Chain(text, (Link(text, state, text, text, text),), Prediction(None, text, text))
    found = page(report.page(chain, text, text, text))
    assert {tag for tag, _ in found.tags} <= SAFE_TAGS
    for _, attributes in found.tags:
        assert set(attributes) <= {"class", "lang", "charset", "name", "content"}
    if text and text.isprintable() and text.isascii():
        assert found.text.count(text) >= 2


def test_the_report_is_whole_in_itself(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (case.mail / "authinfo").chmod(0o644)
    path = tmp_path / "report.html"
    assert main(["relay", "check", "--root", str(case.root), "--html", str(path), "--json"]) == 1
    text = path.read_text()
    found = page(text)
    for word in ("http:", "https:", "url(", "@import", "<script", "<img", "<link"):
        assert word not in text
    said = "".join(found.text)
    for link in json.loads(capsys.readouterr().out)["links"]:
        assert link["name"] in said
        assert link["detail"] in said
    assert "Not ready: permissions" in said


def test_a_report_that_cannot_be_written(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["relay", "check", "--root", str(case.root), "--html", "/not/there/report.html"]) == 2
    assert "No such file" in capsys.readouterr().err
