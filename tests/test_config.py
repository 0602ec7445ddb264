"""Views on a sendmail.cf: what is read is what sendmail reads, and what is set can be found where it counts.

The one thing to know: every refused value is one that sendmail would misread without a word.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sendmailcf
from sendmailcf.errors import EditError
from sendmailcf.known.options import OPTIONS
from sendmailcf.nodes import KeyFile, RewritingRule
from sendmailcf.text import fold
from sendmailcf.values import option_row, written

CF = """\
V10/Berkeley
# smart host
DSold.example
Kdequote dequote
# level 9 (except where noted)
#O Timeout.ident=5s
O Timeout.connect=1m
O PrivacyOptions=authwarnings
#O AuthMechanisms=EXTERNAL GSSAPI
OL9
O MaxHop=17
O Maxhopcount=18
Scanonify=3
R$*	$: $1
Sparse=0
R$*	$#relay $@ $S $: $1
Scanonify
R$@	$@ <@>
Mrelay,	P=[IPC], F=mDF,
	A=TCP $h
"""


def lines(cf: sendmailcf.Config) -> list[str]:
    return str(cf).split("\n")


def added(cf: sendmailcf.Config) -> list[str]:
    return [line for line in lines(cf) if line not in CF.split("\n")]


def test_options_are_read_as_sendmail_reads_them() -> None:
    options = sendmailcf.loads(CF).options
    assert options["maxhopcount"].value == "18"
    assert [one.value for one in options.all("MaxHopCount")] == ["17", "18"]
    assert options["LogLevel"].typed == 9
    assert options["timeout.CONNECT"].typed == timedelta(minutes=1)
    assert options["PrivacyOptions"].typed == ("authwarnings",)
    assert list(options) == ["Timeout.connect", "PrivacyOptions", "LogLevel", "MaxHopCount"]
    with pytest.raises(KeyError):
        options["AuthMechanisms"]


def test_a_new_option_stands_below_its_commented_default() -> None:
    cf = sendmailcf.loads(CF)
    cf.options["AuthMechanisms"] = ["LOGIN", "PLAIN"]
    cf.options["Timeout.ident"] = timedelta(0)
    cf.options["MaxMessageSize"] = 1000
    text = lines(cf)
    assert text[text.index("#O AuthMechanisms=EXTERNAL GSSAPI") + 1] == "O AuthMechanisms=LOGIN PLAIN"
    assert text[text.index("#O Timeout.ident=5s") + 1] == "O Timeout.ident=0s"
    assert text[text.index("O Maxhopcount=18") + 1] == "O MaxMessageSize=1000"
    assert len(added(cf)) == 3


def test_setting_changes_the_line_that_counts() -> None:
    cf = sendmailcf.loads(CF)
    cf.options["MaxHopCount"] = 20
    cf.options["LogLevel"] = 14
    assert "O MaxHop=17\nO Maxhopcount=20\n" in str(cf)
    assert "OL14\n" in str(cf)
    del cf.options["MaxHopCount"]
    assert "opcount" not in str(cf)


def test_what_adds_up_is_not_set_by_guess() -> None:
    cf = sendmailcf.loads(CF + "O PrivacyOptions=noexpn\n")
    with pytest.raises(EditError, match="lines 8, 21"):
        cf.options["PrivacyOptions"] = ["goaway"]
    assert bytes(cf) == (CF + "O PrivacyOptions=noexpn\n").encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AuthMechanism", "LOGIN"),
        ("Timeout", "5m"),
        ("AuthMechanisms", "LOGIN,PLAIN"),
        ("AuthMechanisms", '"LOGIN PLAIN"'),
        ("AuthMechanisms", ["LOGIN PLAIN"]),
        ("AuthMechanisms", ["LOGIN", ""]),
        ("SuperSafe", "1"),
        ("CheckAliases", "on"),
        ("MaxMessageSize", "10M"),
        ("MaxMessageSize", True),
        ("Timeout.ident", "5 m"),
        ("Timeout.ident", "1.5h"),
        ("Timeout.ident", timedelta(seconds=-3)),
        ("TempFileMode", "0888"),
        ("DeliveryMode", "banana"),
        ("DeliveryMode", "Background"),
        ("QueueSortOrder", ""),
        ("NoRecipientAction", "add"),
        ("PrivacyOptions", "noexpn,novrffy"),
        ("DontBlameSendmail", "GroupReadableAuthInfoFile"),
        ("AuthOptions", "x"),
        ("DefaultAuthInfo", "authinfo"),
        ("HelpFile", " x"),
        ("HelpFile", "x "),
        ("HelpFile", "x\nDSy"),
        ("HelpFile", "x\0y"),
    ],
)
def test_values_that_sendmail_would_misread_are_refused(name: str, value: object) -> None:
    cf = sendmailcf.loads(CF)
    with pytest.raises(EditError):
        cf.options[name] = value  # type: ignore[assignment]
    assert not cf.changed


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("SuperSafe", True, "True"),
        ("SuperSafe", "i", "i"),
        ("SuperSafe", "interactive", "interactive"),
        ("DeliveryMode", "q", "q"),
        ("QueueSortOrder", "Host", "Host"),
        ("TempFileMode", 0o600, "0600"),
        ("Timeout.queuereturn", "now", "now"),
        ("Timeout.ident", timedelta(hours=1, seconds=3), "3603s"),
        ("Timeout.ident", "1h30m", "1h30m"),
        ("PrivacyOptions", ["goaway", "noetrn"], "goaway,noetrn"),
        ("ResolverOptions", ["+AAONLY", "-DNSRCH"], "+AAONLY -DNSRCH"),
        ("DontBlameSendmail", "GroupReadableDefaultAuthInfoFile", "GroupReadableDefaultAuthInfoFile"),
        ("AuthOptions", "A p,y", "A p,y"),
        ("ServerSSLOptions", "+SSL_OP_NO_SSLv3,-0x10", "+SSL_OP_NO_SSLv3,-0x10"),
        ("MaxQueueRunSize", -1, "-1"),
        ("HelpFile", "/a#b", "/a#b"),
    ],
)
def test_values_are_written_as_sendmail_reads_them(name: str, value: object, text: str) -> None:
    cf = sendmailcf.loads("O QueueDirectory=/q\n")
    cf.options[name] = value  # type: ignore[assignment]
    assert cf.options[name].value == text
    assert sendmailcf.loads(bytes(cf)).options[name].value == text


@given(st.sampled_from([row for row in OPTIONS if row.name]), st.text(max_size=12))
def test_an_option_reads_back_or_is_refused(row: object, value: str) -> None:
    cf = sendmailcf.loads(CF)
    name = row.name  # type: ignore[attr-defined]
    try:
        cf.options[name] = value
    except EditError:
        assert not cf.changed
        return
    assert sendmailcf.loads(bytes(cf)).options[name].value == value


@given(st.text(max_size=12))
def test_a_macro_reads_back_or_is_refused(value: str) -> None:
    cf = sendmailcf.loads(CF)
    try:
        cf.macros["S"] = value
    except EditError:
        assert not cf.changed
        return
    assert sendmailcf.loads(bytes(cf)).macros["S"] == value
    others = [line for line in fold(CF) if not line.startswith("DS")]
    # A value may be continued on a line of its own.
    assert [line for line in fold(str(cf)) if not line.startswith("DS")] == others


def test_abbreviations_follow_the_table() -> None:
    assert option_row("SSLEngine") is not None
    assert option_row("SSLEngine").name == "SSLEngine"  # type: ignore[union-attr]
    assert option_row("MaxHop").name == "MaxHopCount"  # type: ignore[union-attr]
    assert option_row("Max") is None
    assert option_row("Timeout.nothing") is None
    assert option_row("HelpFile.x").name == "HelpFile"  # type: ignore[union-attr]
    assert option_row("") is None


def test_a_macro_is_set_where_rules_see_it() -> None:
    cf = sendmailcf.loads(CF + "DSdead.example\n")
    assert cf.macros["S"] == "dead.example"
    cf.macros["S"] = "new.example"
    assert "DSnew.example\nKdequote" in str(cf)
    assert str(cf).endswith("DSdead.example\n")
    cf.macros["my_name"] = "x"
    assert "DSnew.example\nD{my_name}x\n" in str(cf)


def test_maps_mailers_and_their_edits() -> None:
    cf = sendmailcf.loads(CF)
    cf.maps["authinfo"] = KeyFile(name="authinfo", map_class="hash", arguments="-o /etc/mail/authinfo")
    assert "Kdequote dequote\nKauthinfo hash -o /etc/mail/authinfo\n" in str(cf)
    assert (dict(cf.maps["AUTHINFO"].flags), cf.maps["AUTHINFO"].file) == ({"o": ""}, "/etc/mail/authinfo")
    with pytest.raises(EditError):
        cf.maps["other"] = KeyFile(name="authinfo", map_class="hash", arguments="/x")
    assert cf.mailers["RELAY"].path == "[IPC]"
    cf.mailers["relay"].arguments = "TCP $h 587"
    cf.mailers["relay"].set("r", "50")
    assert str(cf).endswith("\tA=TCP $h 587, r=50\n")
    with pytest.raises(EditError):
        cf.mailers["relay"].arguments = "TCP $h\0 587"
    cf.mailers["relay"].arguments = "TCP $h, 587"
    assert (cf.mailers["relay"].arguments, cf.mailers["relay"].max_recipients) == ("TCP $h, 587", 50)
    assert str(cf).endswith('\tA="TCP $h, 587", r=50\n')
    with pytest.raises(KeyError):
        cf.mailers["none"]


def test_rulesets_join_their_parts() -> None:
    cf = sendmailcf.loads(CF)
    rules = cf.rulesets["canonify"]
    assert [rule.lhs for rule in rules] == ["$*", "$@"]
    assert [rule.lhs for rule in cf.rulesets["3"]] == ["$*", "$@"]
    assert len(rules.starts) == 2
    rules.insert(0, RewritingRule(lhs="$-", rhs="$1"))
    rules.insert(3, RewritingRule(lhs="$+", rhs="$1"))
    assert [rule.lhs for rule in cf.rulesets["canonify"]] == ["$-", "$*", "$@", "$+"]
    cf.rulesets.add("authinfo", [RewritingRule(lhs="$*", rhs="$@ no")])
    assert str(cf).endswith("\n\nSauthinfo\nR$*\t$@ no\n")
    with pytest.raises(EditError, match="already"):
        cf.rulesets.add("parse", [])
    with pytest.raises(EditError, match="move"):
        cf.rulesets.add("new", [], index=rules.starts[0] + 1)
    cf.rulesets["authinfo"].remove()
    assert "authinfo" not in cf.rulesets


def test_a_number_gives_no_second_name() -> None:
    cf = sendmailcf.loads("S0=1\nR$*\t$1\nSx=007\nR$-\t$1\nS7\nR$+\t$1\n")
    assert {name: len(rules) for name, rules in cf.rulesets.items()} == {"0": 1, "x": 2, "7": 2}
    assert {name: len(rules) for name, rules in cf.reading().rulesets.items()} == {"0": 1, "x": 2, "7": 2}


def test_a_time_keeps_sendmail_s_units() -> None:
    row = option_row("Timeout.queuereturn")
    assert row is not None
    cf = sendmailcf.loads("O Timeout.queuereturn=5\nO Timeout.ident=1h30\nO Timeout.queuewarn=4\n")
    assert cf.options["Timeout.queuereturn"].typed == timedelta(days=5)
    assert cf.options["Timeout.ident"].typed == timedelta(hours=1, minutes=30)
    assert cf.options["Timeout.queuewarn"].typed == timedelta(hours=4)
    assert written(row, timedelta(days=1)) == "86400s"
