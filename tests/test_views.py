"""Views on every kind of declaration: typed both ways, edited in place, and put where an expert would put them.

The one thing to know: after each edit the bytes are loaded anew, so that what is tested is what sendmail would be given.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, List

import consumer
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import sendmailcf
from sendmailcf.errors import EditError
from sendmailcf.known.maps import MAP_CLASSES
from sendmailcf.nodes import (
    Equate,
    HeaderDefinition,
    KeyFile,
    MailerDefinition,
    MailFilter,
    QueueGroup,
    RewritingRule,
)

CF = """\
V10/Berkeley
# local names
Cwlocalhost
CwMail.example \\
Fw-o /etc/mail/local-host-names %[^\\#]
CP. $=w
Troot daemon
Ct uucp
D{Upper}value

# maps
Kaccess hash -T<TMPF> -o /etc/mail/access
Kalias implicit /etc/aliases
Kld ldap -k "(uid=%0)" -v mail -h ldap.example
Kre regex -a@x ^a b$
Kall sequence access alias

O QueueDirectory=/var/spool/mqueue
ETZ=UTC
EPATH
Pjunk=-100
Pjunk=5
Plist=-30
H?P?Return-Path: <$g>
H?${Upper}?X-Upper: ${Upper}
HSubject: $>+Check
HReceived: one
HReceived: two
Qslow, P=/var/spool/mqueue/s, I=90, F=f, R=2
Xscan, S=local:/run/scan, F=T, T=C:5m;R:90
Mrelay, P=[IPC], F=m D, S=EnvFromSMTP/HdrFromSMTP, R=MasqSMTP, E=\\r\\n, L=2040, T=DNS/RFC822/SMTP,
\tA=TCP $h
Sfirst
R1\tone
R2\ttwo
Ssecond=7
R9\tnine
Sfirst
R3\tthree
"""


def again(cf: sendmailcf.Config) -> sendmailcf.Config:
    return sendmailcf.loads(bytes(cf))


def changed_lines(cf: sendmailcf.Config) -> List[str]:
    return [line for line in cf.diff().split("\n")[2:] if line[:1] in ("+", "-")]


@pytest.fixture
def cf() -> sendmailcf.Config:
    return sendmailcf.loads(CF)


def test_classes(cf: sendmailcf.Config) -> None:
    assert list(cf.classes) == ["w", "P", "t"]
    names = cf.classes["w"]
    assert names.members == ("localhost", "Mail.example", "\\")
    assert [(one.source, one.format) for one in names.files] == [("/etc/mail/local-host-names", "%[^\\#]")]
    assert "MAIL.example" in names
    assert cf.classes["P"].members == (*names.members, ".")
    assert cf.trusted_users.members == ("root", "daemon", "uucp")
    names.add("localhost", "new.example")
    names.discard("mail.EXAMPLE")
    cf.trusted_users.discard("daemon")
    assert changed_lines(cf) == ["-CwMail.example \\", "+Cw\\", "+Cwnew.example", "-Troot daemon", "+Troot"]
    assert again(cf).classes["w"].members == ("localhost", "\\", "new.example")
    cf.classes["{New}"].add("a", "b")
    assert "C{New}a b\n" in str(cf)
    cf.classes["New"].discard("a")
    cf.classes["New"].discard("b")
    assert "New" not in cf.classes
    with pytest.raises(EditError):
        names.add("two words")


def test_maps(cf: sendmailcf.Config) -> None:
    one = cf.maps["ACCESS"]
    assert (one.name, one.map_class, dict(one.flags), one.file) == (
        "access",
        "hash",
        {"T": "<TMPF>", "o": ""},
        "/etc/mail/access",
    )
    assert one.files == ("/etc/mail/access.db",)
    assert cf.maps["alias"].files == ("/etc/aliases.db", "/etc/aliases.pag", "/etc/aliases.cdb")
    assert cf.maps["ld"].flags == {"k": "(uid=%0)", "v": "mail", "h": "ldap.example"}
    assert cf.maps["re"].arguments.rest == ("^a b$",)
    assert cf.maps["all"].arguments.rest == ("access", "alias")
    assert cf.maps["ld"].files == ()
    one.file = "/etc/mail/access2"
    one.unset_flag("o")
    one.set_flag("a", ".")
    assert changed_lines(cf) == [
        "-Kaccess hash -T<TMPF> -o /etc/mail/access",
        "+Kaccess hash -T<TMPF> -a. /etc/mail/access2",
    ]
    cf.maps["ld"].set_flag("b", "dc=example, dc=net")
    assert again(cf).maps["ld"].flags["b"] == "dc=example, dc=net"
    for bad in ("x y", "", "a\0"):
        with pytest.raises(EditError):
            one.file = bad
    with pytest.raises(KeyError):
        one.unset_flag("o")
    del cf.maps["all"]
    assert "sequence" not in str(cf)


@given(
    st.sampled_from(sorted({row.name for row in MAP_CLASSES} - {"sequence"})),
    st.dictionaries(st.sampled_from("aAbdfkmnoqSTtvz"), st.text(max_size=6), max_size=3),
    st.text(max_size=8),
)
def test_a_map_is_written_as_its_class_reads_it(cls: str, flags: Any, file: str) -> None:
    cf = sendmailcf.loads("V10/Berkeley\n")
    cf.maps["m"] = KeyFile(name="m", map_class=cls, space=None)
    one = cf.maps["m"]
    before = bytes(cf)
    try:
        for letter, text in flags.items():
            before = bytes(cf)
            one.set_flag(letter, text)
            assert again(cf).maps["m"].flags[letter] == text
        before = bytes(cf)
        one.file = file
    except EditError:
        assert bytes(cf) == before
    else:
        assert again(cf).maps["m"].file == file


def test_mailers(cf: sendmailcf.Config) -> None:
    one = cf.mailers["RELAY"]
    assert (one.path, one.arguments, one.flags) == ("[IPC]", "TCP $h", frozenset("mD"))
    assert one.sender_rulesets == ("EnvFromSMTP", "HdrFromSMTP")
    assert one.recipient_rulesets == ("MasqSMTP", "MasqSMTP")
    assert (one.end_of_line, one.line_limit, one.types) == ("\r\n", 2040, ("DNS", "RFC822", "SMTP"))
    assert (one.max_recipients, one.wait, one.root) == (None, None, None)
    assert one.flags is not None
    one.flags = one.flags | {"a"}
    one.max_recipients = 50
    one.wait = timedelta(minutes=5)
    one.sender_rulesets = ("A", "A")
    one.arguments = "TCP $h 587"
    one.end_of_line = "\r\n"
    fresh = again(cf).mailers["relay"]
    assert fresh.flags == frozenset("mDa")
    assert (fresh.max_recipients, fresh.wait, fresh.sender_rulesets) == (50, timedelta(minutes=5), ("A", "A"))
    assert (
        "F=Dam, S=A, R=MasqSMTP, E=\\r\\n, L=2040, T=DNS/RFC822/SMTP,\n\tA=TCP $h 587, r=50, W=300s\n"
        in str(cf)
    )
    one.unset("r")
    assert again(cf).mailers["relay"].max_recipients is None
    with pytest.raises(EditError):
        one.wait = timedelta(seconds=1.5)
    cf.mailers["esmtp"] = MailerDefinition(
        name="esmtp", equates=(Equate(key="P", value="[IPC]"), Equate(key="A", value="TCP $h"))
    )
    assert list(cf.mailers) == ["relay", "esmtp"]
    del cf.mailers["relay"]
    assert list(again(cf).mailers) == ["esmtp"]


@example(",$", "arguments")
@given(st.text(max_size=10), st.sampled_from(["arguments", "path", "end_of_line", "charset", "root"]))
def test_a_field_of_a_mailer_reads_back_or_is_refused(text: str, name: str) -> None:
    cf = sendmailcf.loads(CF)
    try:
        setattr(cf.mailers["relay"], name, text)
    except EditError:
        assert not cf.changed
        return
    assert getattr(again(cf).mailers["relay"], name) == text


def test_queue_groups_and_filters(cf: sendmailcf.Config) -> None:
    slow = cf.queue_groups["SLOW"]
    assert (slow.path, slow.interval, slow.flags, slow.runners) == (
        "/var/spool/mqueue/s", timedelta(minutes=90), frozenset("f"), 2,
    )  # fmt: skip
    slow.interval = timedelta(minutes=5)
    slow.jobs = 10
    cf.queue_groups["fast"] = QueueGroup(name="fast", equates=(Equate(key="P", value="/var/spool/mqueue/f"),))
    assert "Qslow, P=/var/spool/mqueue/s, I=300s, F=f, R=2, J=10\nQfast, P=/var/spool/mqueue/f\n" in str(cf)
    assert again(cf).queue_groups["slow"].interval == timedelta(minutes=5)
    scan = cf.filters["scan"]
    assert (scan.socket, scan.flags) == ("local:/run/scan", frozenset("T"))
    assert scan.timeouts == {"C": timedelta(minutes=5), "R": timedelta(seconds=90)}
    scan.timeouts = {"C": timedelta(seconds=30)}
    scan.socket = "inet:8891@127.0.0.1"
    assert "Xscan, S=inet:8891@127.0.0.1, F=T, T=C:30s\n" in str(cf)
    cf.filters["other"] = MailFilter(name="other", equates=(Equate(key="S", value="local:/x"),))
    del cf.filters["scan"]
    assert list(again(cf).filters) == ["other"]
    with pytest.raises(EditError):
        cf.filters["other"] = MailFilter(name="wrong", equates=())


def test_headers(cf: sendmailcf.Config) -> None:
    assert list(cf.headers) == ["Return-Path", "X-Upper", "Subject", "Received"]
    assert cf.headers["return-path"].flags == frozenset("P")
    assert cf.headers["X-Upper"].macro == "Upper"
    assert cf.headers["X-Upper"].flags is None
    assert (cf.headers["subject"].ruleset, cf.headers["subject"].keeps_comments) == ("Check", True)
    assert [one.template for one in cf.headers.all("received")] == ["one", "two"]
    cf.headers["X-New"] = HeaderDefinition(name="X-New", template="yes")
    cf.headers["Subject"] = HeaderDefinition(name="Subject", template="$>Other")
    assert changed_lines(cf) == ["-HSubject: $>+Check", "+HSubject: $>Other", "+HX-New: yes"]
    del cf.headers["Received"]
    assert "Received" not in again(cf).headers


def test_precedences_and_environment(cf: sendmailcf.Config) -> None:
    assert dict(cf.precedences) == {"junk": -100, "list": -30}
    cf.precedences["junk"] = 0
    cf.precedences["first-class"] = 10
    assert dict(again(cf).precedences) == {"junk": 0, "list": -30, "first-class": 10}
    assert dict(cf.environment) == {"TZ": "UTC", "PATH": None}
    cf.environment["PATH"] = "/bin"
    cf.environment["HOME"] = None
    cf.environment["TZ"] = "UTC"
    assert dict(again(cf).environment) == {"TZ": "UTC", "PATH": "/bin", "HOME": None}
    del cf.environment["TZ"]
    assert "TZ" not in again(cf).environment


def test_version(cf: sendmailcf.Config) -> None:
    assert cf.version is not None
    assert (cf.version.level, cf.version.vendor) == ("10", "/Berkeley")
    assert sendmailcf.loads("DSx\n").version is None


def left_sides(cf: sendmailcf.Config, name: str) -> List[str]:
    return [rule.lhs for rule in cf.rulesets[name]]


def test_rules_are_put_in_another_order(cf: sendmailcf.Config) -> None:
    rules = cf.rulesets["first"]
    rules.move(2, 0)
    assert left_sides(again(cf), "first") == ["3", "1", "2"]
    rules.move(0, 2)
    assert left_sides(again(cf), "first") == ["1", "2", "3"]
    rules[1] = RewritingRule(lhs="two", rhs="2")
    del rules[0]
    assert left_sides(again(cf), "first") == ["two", "3"]
    assert left_sides(again(cf), "second") == left_sides(again(cf), "7") == ["9"]
    assert len(cf.rulesets.distinct()) == 2
    with pytest.raises(IndexError):
        rules.move(5, 0)
    with pytest.raises(IndexError):
        rules.move(0, 5)
    assert left_sides(again(cf), "first") == ["two", "3"]


@given(st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), max_size=6))
def test_moving_rules_is_moving_in_a_list(moves: List[Any]) -> None:
    cf = sendmailcf.loads(CF)
    model = left_sides(cf, "first")
    others = left_sides(cf, "second")
    for at, to in moves:
        try:
            cf.rulesets["first"].move(at, to)
        except IndexError:
            assert not (-len(model) <= at < len(model) and -len(model) <= to < len(model))
            continue
        one = model.pop(at)
        model.insert(range(len(model) + 1)[to], one)
        assert left_sides(again(cf), "first") == model
    assert left_sides(cf, "second") == others


def test_the_sample_consumer(cf: sendmailcf.Config) -> None:
    told = consumer.report(cf)
    assert told[0] == "relay None, used 0 times, level 10"
    assert told[4] == "4 rules, junk -100, TZ UTC"
    keys = [change.key for change in consumer.harden(cf)]
    assert keys == [
        "C.w", "C.P", "K.access", "Q.slow.I", "D.S", "O.AuthMechanisms", "O.Timeout.ident", "O.TempFileMode",
        "O.CheckAliases", "M.relay.r",
    ]  # fmt: skip
