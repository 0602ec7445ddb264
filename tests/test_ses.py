"""Amazon SES and other providers: published passwords, hosts that look alike, shapes, and that no secret is told.

The one thing to know: every secret here is invented, or one of the published examples.
"""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest
from hosts import make_host
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf.cli import main
from sendmailcf.errors import CredentialError
from sendmailcf.relay import ses
from sendmailcf.relay.credentials import judge
from sendmailcf.relay.providers import PROVIDERS, provider_of, read

Run = Callable[..., Tuple[int, str, str]]
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PASSWORD = "BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"
USER = "AKIAIOSFODNN7EXAMPLE"
HOST = "email-smtp.us-east-1.amazonaws.com"
VECTORS = [
    ("some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
    ("some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
    ("another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"),
    ("another+secret+key", "us-west-1", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"),
    (SECRET, "us-east-1", PASSWORD),
    (SECRET, "ap-south-1", "BC+0XHfzX9OCIS1tbpn8R5pwm6cCZJGBRZ/nTeWUV9n+"),
]
OLD = "A" + "i" + "x" * 42


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: str, stdin: str = "") -> Tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        try:
            status = main(list(arguments))
        except SystemExit as left:
            status = int(left.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


# The password.


@pytest.mark.parametrize(("secret", "region", "password"), VECTORS)
def test_published_passwords(run: Run, secret: str, region: str, password: str) -> None:
    assert ses.derive_password(secret, region) == password
    assert ses.is_smtp_password(password)
    assert ses.region_of_password(secret, password) == region
    status, out, err = run("ses", "derive-password", "--region", region, stdin=secret + "\n")
    assert (status, out) == (0, password + "\n")
    assert ("warning" in err) is (len(secret) != 40)
    found = json.loads(run("ses", "derive-password", "--region", region, "--json", stdin=secret)[1])
    assert (found["password"], found["host"]) == (password, f"email-smtp.{region}.amazonaws.com")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60), st.sampled_from(sorted(ses.REGIONS)))
def test_a_password_has_its_shape_and_its_region(secret: str, region: str) -> None:
    try:
        password = ses.derive_password(secret, region)
    except CredentialError:
        assert ses.is_smtp_password(secret) or secret[:4] in ("AKIA", "ASIA")
        return
    raw = base64.b64decode(password, validate=True)
    assert (len(password), len(raw), raw[0]) == (44, 33, 4)
    assert ses.region_of_password(secret, password) == region
    assert provider_of(HOST).password.mistake(password) is None
    assert ses.is_raw_base64(raw.decode("utf-8", "surrogateescape"))


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "empty"), ("a b", "white space"), (SECRET + "\n" + SECRET, "more than one line"), ("é" * 40, "ASCII"), (" " + SECRET, "white space")],
)  # fmt: skip
def test_what_is_no_secret(run: Run, text: str, says: str) -> None:
    status, out, err = run("ses", "derive-password", "--region", "us-east-1", stdin=text)
    assert (status, out) == (2, "")
    assert says in err
    assert SECRET not in err


@pytest.mark.parametrize(("text", "says"), [(PASSWORD, "SMTP password already"), (USER, "access key id")])
def test_what_is_something_else(run: Run, text: str, says: str) -> None:
    status, out, err = run("ses", "derive-password", "--region", "us-east-1", stdin=text)
    assert (status, out) == (2, "")
    assert says in err
    assert text not in err


# Regions and hosts.


def test_regions(run: Run) -> None:
    named = {"us-east-1", "us-west-2", "ca-central-1", "eu-north-1", "ap-northeast-3", "us-gov-east-1"}
    assert named <= {row.code for row in ses.REGIONS.values() if row.smtp == ses.SMTP}
    assert {row.code for row in ses.REGIONS.values() if row.fips} == {"us-east-1", "us-west-2", "us-gov-west-1"}
    status, out, err = run("ses", "endpoints")
    assert (status, err) == (0, "")
    for row in ses.REGIONS.values():
        assert row.host in out
        found = ses.endpoint(row.host)
        assert found is not None
        assert (found.kind, found.relay, found.region) == ("smtp", True, row.code)
        assert provider_of(row.host) is PROVIDERS[0]
    assert re.search(r"as of 20[0-9]{2}-[0-9]{2}, from https://docs\.aws", out)
    found = json.loads(run("ses", "endpoints", "--json")[1])
    assert found["ports"] == {"starttls": [587, 2587, 25], "wrapped": [465, 2465]}
    assert len(found["regions"]) == len(ses.REGIONS)
    assert {"region", "title", "smtp", "host", "fips_host", "vpc_host", "note"} == set(found["regions"][0])


def test_an_unknown_region_is_a_warning(run: Run) -> None:
    status, out, err = run("ses", "endpoints", "--region", "zz-new-1")
    assert status == 0
    assert "email-smtp.zz-new-1.amazonaws.com" in out
    assert "warning" in err
    status, out, err = run("ses", "derive-password", "--region", "zz-new-1", stdin=SECRET)
    assert (status, len(out)) == (0, 45)
    assert "warning" in err
    for region in ("us-east-1a", "US East", "", "us-east-1\n"):
        status, out, err = run("ses", "derive-password", "--region", region, stdin=SECRET)
        assert (status, out) == (2, "")
        assert "no code of a region" in err
    assert "zone of us-east-1" in run("ses", "endpoints", "--region", "us-east-1a")[2]
    assert "no SMTP" in run("ses", "endpoints", "--region", "me-south-1")[2]


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("email-smtp-fips.us-gov-west-1.amazonaws.com", "fips"),
        ("EMAIL-SMTP.us-east-1.amazonaws.com.", "smtp"),
        ("vpce-0a1b-2c3d.email-smtp.eu-west-1.vpce.amazonaws.com", "vpc"),
        ("email-smtp.us-east-1.api.aws", "dual-stack"),
        ("email-smtp.cn-north-1.amazonaws.com.cn", "china"),
        ("email.us-east-1.amazonaws.com", "api"),
        ("email.us-east-1.api.aws", "api"),
        ("inbound-smtp.us-east-1.amazonaws.com", "inbound"),
        ("feedback-smtp.us-east-1.amazonses.com", "feedback"),
        ("abc.fips.xyz.mail-manager-smtp.amazonaws.com", "mail-manager"),
        ("smtp.mail.us-east-1.awsapps.com", "workmail"),
        ("email-smtp.us-east-1b.amazonaws.com", "zone"),
        ("email-smtp.amazonaws.com", "no-region"),
        ("email-smtp.us-east-1.amazonaws.com.example.net", "look-alike"),
        ("email-smtp.us-east-1.amazonaw.com", "look-alike"),
        ("email-smtp-us-east-1.amazonaws.com", "look-alike"),
        ("smtp.us-east-1.amazonaws.com", "look-alike"),
        ("ses.us-east-1.amazonaws.com", "look-alike"),
        ("email-smtp.us-east-1.arnazonaws.com", "look-alike"),
        ("email-smtp.us-east-1.amazonaws.com.cn", "look-alike"),
    ],
)
def test_hosts(host: str, kind: str) -> None:
    found = ses.endpoint(host)
    assert found is not None
    assert found.kind == kind
    assert found.relay is (kind in ("smtp", "fips", "vpc", "dual-stack", "china"))
    link = judge(host, None, None)[0]
    assert link.state == ("ok" if found.relay else "wrong")
    assert found.relay or "email-smtp." in link.repair


@given(st.data(), st.sampled_from([pattern for _, pattern, *_ in ses._ENDPOINTS]))
def test_no_host_of_a_pattern_is_passed_over(data: st.DataObject, pattern: str) -> None:
    host = data.draw(st.from_regex(pattern, fullmatch=True, alphabet=st.characters(codec="ascii")))
    assert ses.endpoint(host) is not None or host.endswith(".") or host != host.lower()


@pytest.mark.parametrize("host", ["relay.example.com", "ses.example.com", "smtp.gmail.com", "mail.session.example", "amazon.example", "", "ec2-192-0-2-1.compute-1.amazonaws.com", "smtp-lb-1.elb.us-east-1.amazonaws.com"])
def test_other_hosts(host: str) -> None:
    assert ses.endpoint(host) is None


# The check.


def states(host: str, user: str = USER, password: str = PASSWORD, secret: str | None = None) -> Dict[str, str]:
    links = judge(host, user, password, secret=secret)
    text = repr(links)
    assert password not in text
    assert secret is None or secret not in text
    return {link.name: link.state for link in links}


def test_credentials_as_they_should_be() -> None:
    assert states(HOST) == {"host": "ok", "region": "ok", "user": "ok", "password": "ok"}
    assert states(HOST, secret=SECRET)["password's region"] == "ok"
    assert states("email-smtp.eu-west-1.amazonaws.com", secret=SECRET)["password's region"] == "wrong"
    assert states(HOST, secret=SECRET[::-1])["password's region"] == "wrong"
    assert states(HOST, password=SECRET, secret=SECRET)["password's region"] == "unknown"
    new = ses.derive_password(SECRET, "zz-new-1")
    assert states("email-smtp.zz-new-1.amazonaws.com", password=new, secret=SECRET)["password's region"] == "ok"
    assert states("email-smtp.me-south-1.amazonaws.com")["region"] == "wrong"


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ("ASIAIOSFODNN7EXAMPLE", "temporary"),
        ("AIDAIOSFODNN7EXAMPLE", "IAM user or role"),
        ("inp-abcdef", "Mail Manager"),
        ("me@example.com", "mail address"),
        ("ses-smtp-user.20201010-101010", "name of the IAM user"),
        (USER + " ", "white space"),
        (f"'{USER}'", "quotes"),
        (USER.lower(), "another shape"),
        (USER + "X", "another shape"),
    ],
)
def test_wrong_users(user: str, says: str) -> None:
    link = next(link for link in judge(HOST, user, None) if link.name == "user")
    assert link.state == "wrong"
    assert says in link.detail
    assert link.repair


@pytest.mark.parametrize(
    ("password", "says", "repair"),
    [
        (SECRET, "IAM secret access key", "derive-password --region us-east-1"),
        ("Summer2026!", "console user", "us-east-1|region"),
        (OLD, "old kind", "console"),
        (USER, "access key id", ""),
        (base64.b64encode(PASSWORD.encode()).decode(), "once more", "decode"),
        (base64.b64decode(PASSWORD).decode("utf-8", "surrogateescape"), "after `P=`", "relay apply"),
        (PASSWORD + "\n", "white space", "remove"),
        (f'"{PASSWORD}"', "quotes", "remove"),
        ("IQoJb3JpZ2lu" + "x" * 200, "session token", ""),
        ("C" + PASSWORD[1:], "another shape", "44 characters"),
        (PASSWORD[:-1] + "!", "another shape", "44 characters"),
    ],
)
def test_wrong_passwords(password: str, says: str, repair: str) -> None:
    link = next(link for link in judge(HOST, USER, password) if link.name == "password")
    assert link.state == "wrong"
    assert says in link.detail
    assert re.search(repair, link.repair)
    assert password not in repr(link)


def test_ports() -> None:
    for port, state in ((587, "ok"), (2587, "ok"), (25, "ok"), (465, "wrong"), (2465, "wrong"), (26, "wrong")):
        link = next(link for link in judge(HOST, None, None, port=port) if link.name == "port")
        assert link.state == state


# Through the command.


def put(root: Path, host: str, user: str, password: str, *, port: int = 587) -> None:
    make_host(root, "absent")
    assert main(["relay", "apply", "--root", str(root), "--host", host, "--user", user, "--password-file", password,
                 "--port", str(port), "--platform", "linux", "--json"]) == 0  # fmt: skip


def test_a_host_s_entry_is_checked(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    for text, status, says in ((PASSWORD, 0, "44 characters"), (SECRET, 1, "IAM secret access key")):
        kept.write_text(text + "\n")
        root = tmp_path / says[:2]
        put(root, HOST, USER, str(kept), port=2587)
        capsys.readouterr()
        found = run("ses", "check", "--root", str(root))
        assert found[0] == status
        assert says in found[1]
        assert "port: 2587" in found[1]
        assert text not in found[1] + found[2]
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    status, out, _ = run("ses", "check", "--root", str(tmp_path / "44"), "--secret-file", str(secret), "--json")
    assert status == 0
    found_json = json.loads(out)
    assert (found_json["host"], found_json["ok"]) == (HOST, True)
    assert [link["name"] for link in found_json["links"]] == ["host", "region", "port", "user", "password", "password's region"]
    status, out, err = run("ses", "check", "--root", str(tmp_path / "44"), "--host", "email-smtp.eu-west-1.amazonaws.com")
    assert (status, out) == (2, "")
    assert "no credentials for email-smtp.eu-west-1" in err


def test_a_default_auth_info_file_is_checked(run: Run, tmp_path: Path) -> None:
    mail = make_host(tmp_path, "absent")
    cf = mail / "sendmail.cf"
    text = cf.read_text().replace("#O CACertFile", "O DefaultAuthInfo=/etc/mail/dai\n#O CACertFile")
    cf.write_text(re.sub(r"(?m)^DS.*$", f"DS{HOST}", text))
    (mail / "dai").write_text(f"{USER}\n{USER}\n{SECRET}\n")
    status, out, err = run("ses", "check", "--root", str(tmp_path))
    assert (status, err) == (1, "")
    assert "IAM secret access key" in out
    assert SECRET not in out


def test_what_is_given_is_checked(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("ses", "check", "--host", HOST, "--user", USER, "--password-stdin", stdin=PASSWORD + "\n")
    assert status == 0
    assert out.count("ok ") == 4
    assert run("ses", "check", "--host", HOST, "--user", "ASIAIOSFODNN7EXAMPLE")[0] == 1
    assert run("ses", "check", "--host", "relay.example.com", "--user", "me")[0] == 2
    assert run("ses", "check", "--host", "smtp.gmail.com", "--user", "me@gmail.com", "--password-stdin", stdin="abcdefghijklmnop")[0] == 0
    assert "app password" in run("ses", "check", "--host", "smtp.gmail.com", "--user", "me@gmail.com", "--password-stdin", stdin="hunter2")[1]
    status, out, err = run("ses", "check", "--root", str(tmp_path))
    assert (status, out) == (2, "")
    assert "sendmail.cf" in err


# Providers.


def test_rows_of_providers() -> None:
    names = [row.name for row in PROVIDERS]
    assert len(set(names)) == len(names)
    assert {"amazon-ses", "gmail", "google-relay", "office365", "sendgrid", "mailgun", "postmark", "mandrill"} <= set(names)
    for row in PROVIDERS:
        told = {word for source in row.sources for word in source.tells.split()}
        facts = {"hosts", "ports", "credentials"}
        facts |= {"mechanisms"} if row.mechanisms else set()
        facts |= {"limits"} if row.recipients or row.message_bytes else set()
        facts |= {"notes"} if row.notes else set()
        assert told == facts, row.name
        for source in row.sources:
            assert source.address
            assert re.fullmatch(r"20[0-9]{2}-[0-9]{2}", source.read)
        assert row.tls in ("required", "offered")
        assert not set(row.starttls_ports) & set(row.wrapped_ports)
        for shape in (row.user, row.password):
            re.compile(shape.pattern or "")
            for mistake in shape.mistakes:
                re.compile(mistake.pattern)
                assert mistake.title
                assert mistake.repair


@pytest.mark.parametrize(
    ("host", "user", "password", "wrong"),
    [
        ("smtp.sendgrid.net", "apikey", "SG." + "a" * 22 + "." + "b" * 43, []),
        ("smtp.sendgrid.net", "me@example.com", "hunter2", ["user", "password"]),
        ("smtp.eu.mailgun.org", "postmaster@mg.example.com", "Invented1", []),
        ("smtp.mailgun.org", "postmaster", "0123456789abcdef0123456789abcdef-01234567-89abcdef", ["user", "password"]),
        ("smtp.postmarkapp.com", "6b1f4a38-0000-4000-8000-00000000abcd", "6b1f4a38-0000-4000-8000-00000000abcd", []),
        ("smtp.postmarkapp.com", "me@example.com", "x", ["user"]),
        ("smtp.mandrillapp.com", "me@example.com", "invented_key", []),
        ("smtp.office365.com", "me", "x", ["user"]),
        ("smtp-relay.gmail.com", "me@example.com", "x", []),
        ("smtp.gmail.com", "me@example.com", "abcd efgh ijkl mnop", ["password"]),
    ],
)
def test_shapes_of_other_providers(host: str, user: str, password: str, wrong: List[str]) -> None:
    links = judge(host, user, password)
    assert [link.name for link in links if link.state == "wrong"] == wrong
    assert links[0].state == "ok"


OWN = [{"name": "own", "title": "Our relay", "hosts": ["*.Relay.example"], "starttls_ports": [2525], "recipients": 10,
        "user": {"says": "the host's name", "pattern": "[a-z]+"}, "notes": ["ask Joe"]}]  # fmt: skip


def test_own_providers(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    path.write_text(json.dumps(OWN))
    status, out, _ = run("providers", "mx.relay.example", "--providers", str(path))
    assert status == 0
    assert "Our relay  [own]" in out
    assert "10 recipients a message" in out
    check = ["ses", "check", "--host", "mx.relay.example", "--providers", str(path)]
    assert run(*check, "--user", "box")[0] == 0
    assert run(*check, "--user", "Box1")[0] == 1
    assert run("providers", "mx.relay.example")[0] == 1
    # A row of one's own is believed, whatever its hosts look like.
    path.write_text(json.dumps([{"name": "proxy", "hosts": ["email-smtp.example"]}]))
    assert run("ses", "check", "--host", "email-smtp.example", "--user", "x", "--providers", str(path))[0] == 0
    assert run("ses", "check", "--host", "email-smtp.example", "--user", "x")[0] == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("{}", "a list"),
        ("[1]", "provider 1: an object"),
        ('[{"name": "x"}]', "hosts is missing"),
        ('[{"name": "x", "hosts": "h"}]', "hosts: a list of texts"),
        ('[{"name": "x", "hosts": ["h"], "recipients": "many"}]', "recipients: a number"),
        ('[{"name": "x", "hosts": ["h"], "recipients": true}]', "recipients: a number"),
        ('[{"name": "x", "hosts": ["h"], "colour": "red"}]', "'colour' is not known"),
        ('[{"name": "x", "hosts": ["h"], "tls": "no"}]', "tls is required or offered"),
        ('[{"name": "x", "hosts": ["h"], "user": {"pattern": "("}}]', "user: pattern"),
        ('[{"name": "x", "hosts": ["h"], "user": []}]', "user: an object"),
    ],
)
def test_bad_rows_are_told(text: str, says: str) -> None:
    with pytest.raises(CredentialError, match="own.json") as caught:
        read(text, "own.json")
    assert says in str(caught.value)


def test_the_list_of_providers(run: Run) -> None:
    status, out, _ = run("providers")
    assert status == 0
    for row in PROVIDERS:
        assert f"[{row.name}]" in out
    found = json.loads(run("providers", "smtp.gmail.com", "--json")[1])
    assert [row["name"] for row in found] == ["gmail"]
    assert "mistakes" not in found[0]["user"]


# Secrets.


@pytest.mark.parametrize(
    "arguments",
    [
        ["ses", "derive-password", "--region", "us-east-1", SECRET],
        ["ses", "derive-password", "--region", "us-east-1", f"--secret={SECRET}"],
        ["ses", "derive-password", SECRET],
        ["ses", "check", "--password", SECRET],
        ["ses", "check", f"--password-stdin={SECRET}"],
        ["ses", SECRET],
        ["providers", "h", SECRET],
        ["explain", f"--password={SECRET}", "535 no"],
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(run: Run, arguments: List[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert SECRET not in err
    assert "usage:" in err


def test_no_secret_in_outputs_tracebacks_or_the_process_list(tmp_path: Path) -> None:
    """The commands run as they are installed, with each secret by each way, also where they fail."""
    for name, text in (("password", SECRET), ("secret", SECRET), ("two", f"{SECRET}\n{SECRET}\n"), ("derived", PASSWORD)):
        (tmp_path / name).write_text(text + "\n")
    base = ["ses", "check", "--host", HOST, "--user", USER]
    commands: List[Tuple[List[str], str]] = [
        ([*base, "--password-stdin"], SECRET),
        ([*base, "--password-stdin", "--json"], SECRET),
        ([*base, "--password-file", str(tmp_path / "password"), "--secret-file", str(tmp_path / "secret")], ""),
        ([*base, "--password-file", str(tmp_path / "derived"), "--secret-file", str(tmp_path / "secret")], ""),
        ([*base, "--password-file", str(tmp_path / "two")], ""),
        (["ses", "derive-password", "--region", "no region"], SECRET),
        (["ses", "derive-password", "--region", "us-east-1", "--json"], SECRET),
        (["ses", "derive-password", "--region", "us-east-1"], f"{SECRET}\n{SECRET}"),
        (["explain", "-"], f">>> AUTH PLAIN {base64.b64encode(SECRET.encode()).decode()}\n535 no: password={SECRET}\n"),
    ]
    forms = [SECRET, SECRET[:20], base64.b64encode(SECRET.encode()).decode(), SECRET.encode().hex()]
    see = (
        "import os, sys, sendmailcf.cli as c; me = open('/proc/self/cmdline').read() + open('/proc/self/environ').read()\n"
        "status = c.main(sys.argv[1:]); me += open('/proc/self/cmdline').read(); sys.stderr.write(me); sys.exit(status)"
    )
    for command, stdin in commands:
        done = subprocess.run(
            [sys.executable, "-c", see, *command], input=stdin.encode(), capture_output=True, check=False, cwd="/"
        )
        shown = (done.stdout + done.stderr).decode()
        assert "Traceback" not in shown
        for form in forms:
            assert form not in shown, command
        if command[1] != "derive-password":
            assert PASSWORD not in shown
