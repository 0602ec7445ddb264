"""The example /etc/mail, judged by the real sendmail: accepted, routed right, no open relay, delivered.

The one thing to know: what authenticates in the last test is the example with the few lines a relay needs, put
there by hand, so that a fault of the example and a fault of our editing cannot hide each other.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import pytest
from conftest import absent
from sendmail import NAME, returned, test_mode

pytestmark = pytest.mark.oracle

EXAMPLE = Path(__file__).resolve().parents[2] / "sendmailcf" / "example" / "etc" / "mail"
CF = EXAMPLE / "sendmail.cf"
RELAY = "email-smtp.ap-south-1.amazonaws.com"
OLD = "mailhost.example.com"

AUTHINFO = (
    "\nKauthinfo hash /etc/mail/authinfo\n\n"
    "Sauthinfo\n"
    "R$*\t$: <$(authinfo AuthInfo:$&{server_name} $: none $)>\n"
    "R<none>\t$@ none\n"
    "R<$+>\t$# $1\n"
)


def changed(old: str, new: str, text: str) -> str:
    """`text` with its only line `old` replaced by `new`."""
    assert text.count(f"\n{old}\n") == 1, old
    return text.replace(f"\n{old}\n", f"\n{new}\n")


def with_smart_host(where: Path, smart: str) -> Path:
    cf = where / "sendmail.cf"
    cf.write_text(changed(f"DS{OLD}", f"DS{smart}", CF.read_text()))
    return cf


def spaced(host: str) -> str:
    """A host as test mode prints it: every operator is a word."""
    for operator in ".[]":
        host = host.replace(operator, f" {operator} ")
    return " ".join(host.split())


def to(mailer: str, host: str, address: str) -> str:
    user, _, domain = address.partition("@")
    return f"$# {mailer} $@ {spaced(host)} $: {user} < @ {spaced(domain)} >"


def routes(sendmail: str, cf: Path, addresses: Sequence[str]) -> List[str]:
    blocks = test_mode(sendmail, cf, [f"3,0 {one}" for one in addresses])
    assert len(blocks) == len(addresses)
    return [returned(block) for block in blocks]


def test_sendmail_reads_it_without_a_word(program: Callable[[str], str]) -> None:
    done = subprocess.run(
        ["unshare", "-u", "sh", "-c", f'hostname {NAME}; exec "$0" -bC -C "$1"', program("sendmail"), str(CF)],
        capture_output=True, timeout=50, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


REFUSED = '$# error $@ 5 . 1 . 3 $: "553 There is no such address here"'
ROUTES = {
    "user@example.org": to("relay", OLD, "user@example.org"),
    "user@example.org.": to("relay", OLD, "user@example.org"),
    "Full Name <user@example.org>": to("relay", OLD, "user@example.org"),
    "<@first.example:user@example.org>": to("relay", OLD, "user@example.org"),
    "user@[192.0.2.1]": to("relay", OLD, "user@[192.0.2.1]"),
    "root": "$# local $: root",
    "postmaster": "$# local $: postmaster",
    "MAILER-DAEMON": "$# local $: MAILER-DAEMON",
    "<>": "$# local $: MAILER-DAEMON",
    "joe.doe": "$# local $: joe . doe",
    "root@localhost": "$# local $: root",
    f"root@{NAME}": "$# local $: root",
    f"root@{NAME.upper()}.": "$# local $: root",
    f'"a@b"@{NAME}': '$# local $: "a@b"',
    f"user%example.org@{NAME}": REFUSED,
    f"user@example.org@{NAME}": REFUSED,
    f"example.org!user@{NAME}": REFUSED,
    "user@": REFUSED,
    "@example.org": REFUSED,
    "nobody:;": REFUSED,
}


def test_addresses_go_to_their_mailers(program: Callable[[str], str]) -> None:
    assert dict(zip(ROUTES, routes(program("sendmail"), CF, list(ROUTES)))) == ROUTES


@pytest.mark.parametrize(
    ("smart", "mailer", "host"),
    [
        ("new.example", "relay", "new.example"),
        ("[new.example]", "relay", "[new.example]"),
        ("relay:new.example", "relay", "new.example"),
        ("relay:[new.example]", "relay", "[new.example]"),
        ("esmtp:[192.0.2.7]", "esmtp", "[192.0.2.7]"),
        ("", "esmtp", "example.org"),
    ],
)
def test_every_form_of_smart_host(
    program: Callable[[str], str], tmp_path: Path, smart: str, mailer: str, host: str
) -> None:
    cf = with_smart_host(tmp_path, smart)
    expected = [to(mailer, host, "user@example.org"), "$# local $: root"]
    assert routes(program("sendmail"), cf, ["user@example.org", "root@localhost"]) == expected


# What sendmail makes of an address for the network (envelope and header), and for a user's mailbox.
LOOKS = [
    ("relay", "S", "root", f"root@{NAME}"),
    ("relay", "S", "root@localhost", f"root@{NAME}"),
    ("relay", "S", f"root@{NAME.partition('.')[0]}", f"root@{NAME}"),
    ("relay", "S", "user@mail.example.net.", "user@mail.example.net"),
    ("relay", "S", "<>", ""),
    ("relay", "R", "user@EXAMPLE.org.", "user@EXAMPLE.org"),
    ("relay", "HR", "root", f"root@{NAME}"),
    ("relay", "HR", "nobody:;", ""),  # nothing is added to the group
    ("relay", "HS", "user@example.org", "user@example.org"),
    ("local", "R", f"root@{NAME}", "root"),
    ("local", "S", "<>", "MAILER-DAEMON"),
    ("local", "S", "root@localhost", f"root@{NAME}"),
    ("local", "HS", "root@localhost", f"root@{NAME}"),
    ("local", "HR", "root", f"root@{NAME}"),
]


def test_addresses_on_the_wire(program: Callable[[str], str]) -> None:
    commands: List[str] = []
    for mailer, flags, address, _ in LOOKS:
        commands += [f"/tryflags {flags if len(flags) == 2 else 'E' + flags}", f"/try {mailer} {address}"]
    blocks = test_mode(program("sendmail"), CF, commands)[1::2]
    got = [returned(block).replace(" ", "") for block in blocks]
    assert got == [expected for *_, expected in LOOKS]


HOPS = [
    "<user@example.org>", "<user@example.org.>", "<@localhost:user@example.org>", f"<user%example.org@{NAME}>",
    f"<user@example.org@{NAME}>", f"<example.org!user@{NAME}>", "<example.org!user>", "<user%example.org>",
    f'<"user@example.org"@{NAME}>', '<"user@example.org">', f"<user@{NAME}@example.org>",
    f"<<user@example.org>@{NAME}>",
]  # fmt: skip
OURS = ["<root>", f"<root@{NAME}>", "<joe.doe@localhost>", "<Postmaster>", '<"joe"@localhost>']
LOCAL_CLIENTS = ["", "0", "127.0.0.1", "IPv6:::1", "IPv6:0:0:0:0:0:0:0:1"]
OTHER_CLIENTS = [
    "192.0.2.9",
    "127.0.0.10",
    "10.127.0.0.1",
    "0.0.0.1",
    "IPv6:2001:db8:0:0:0:0:0:1",
    "IPv6:::11",
]


def test_nobody_else_may_relay(program: Callable[[str], str]) -> None:
    asked: List[Tuple[str, str]] = []
    commands: List[str] = []
    for client in (*LOCAL_CLIENTS, *OTHER_CLIENTS):
        commands.append(f".D{{client_addr}}{client}")
        for recipient in (*OURS, *HOPS):
            asked.append((client, recipient))
            commands.append(f"check_rcpt {recipient}")
    answers = [
        returned(block)
        for command, block in zip(commands, test_mode(program("sendmail"), CF, commands))
        if command.startswith("check_rcpt")
    ]
    assert len(answers) == len(asked)
    for (client, recipient), answer in zip(asked, answers):
        refused = answer.startswith("$# error $@ 5 . 7 . 1")
        assert refused is (client in OTHER_CLIENTS and recipient in HOPS), (client, recipient, answer)


def test_mail_reaches_a_mailbox(program: Callable[[str], str], tmp_path: Path) -> None:
    """A user's mail is appended to the user's own file, in the user's name; without any file beside sendmail.cf."""
    user = pwd.getpwnam("mail")
    assert user.pw_dir not in ("", "/")
    (tmp_path / "queue").mkdir(mode=0o700)
    script = """
        set -e
        hostname "$NAME"
        mount --make-rprivate /
        mount --bind "$TMP/queue" /var/spool/mqueue
        mount -t tmpfs -o mode=755 none /etc/mail
        cp "$EXAMPLE"/sendmail.cf /etc/mail
        mount -t tmpfs -o "mode=755,uid=$OWNER" none "$HOME_OF_USER"
        printf 'To: Mail+x@localhost, nobody:;\\nSubject: one\\n\\nFrom here\\n' |
            "$SENDMAIL" -C /etc/mail/sendmail.cf -odi -f '<>' Mail+x@localhost
        stat -c '%u %a' "$HOME_OF_USER/mbox"
        cat "$HOME_OF_USER/mbox"
    """
    environment = {
        **os.environ, "NAME": NAME, "TMP": str(tmp_path), "EXAMPLE": str(EXAMPLE), "OWNER": str(user.pw_uid),
        "HOME_OF_USER": user.pw_dir, "SENDMAIL": program("sendmail"),
    }  # fmt: skip
    done = subprocess.run(
        ["unshare", "-m", "-n", "-u", "sh", "-c", script],
        env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert lines[0] == f"{user.pw_uid} 600"
    assert lines[1].startswith("From MAILER-DAEMON ")
    assert f"To: Mail+x@{NAME}, nobody:;" in lines
    assert ">From here" in lines


def deliver(shared: Path, mail: Path, *arguments: str) -> Dict[str, Any]:
    """Deliver through the fake relay; skips where the machine allows no namespaces."""
    done = subprocess.run(
        [sys.executable, str(shared / "e2e" / "relay_harness.py"), str(mail), *arguments],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    if done.returncode == 3:
        absent("the right to make namespaces")
    assert done.returncode in (0, 1), done.stderr
    result: Dict[str, Any] = json.loads(done.stdout)
    return result


def authenticating(where: Path, smart: str) -> Path:
    mail = where / "mail"
    shutil.copytree(EXAMPLE, mail)
    cf = with_smart_host(mail, smart)
    head, mark, tail = cf.read_text().partition("\nMrelay,")
    assert tail.count("A=TCP $h\n") == 1
    text = head + mark + tail.replace("A=TCP $h\n", "A=TCP $h 587\n")
    commented = "#O AuthMechanisms=EXTERNAL GSSAPI KERBEROS_V4 DIGEST-MD5 CRAM-MD5"
    text = changed(commented, "O AuthMechanisms=LOGIN PLAIN", text)
    cf.write_text(text + AUTHINFO)
    (mail / "authinfo").write_text(f'AuthInfo:{RELAY} "U:invented" "P:not a secret"\n')
    return mail


DELIVERIES = [
    # the smart host, the sender and recipient given, and those that the relay sees
    (RELAY, "root", "User@example.org.", f"root@{NAME}", "User@example.org"),
    (f"relay:[{RELAY}]", "user@mail.example.net", "root", "user@mail.example.net", "hostmaster@example.com"),
]


@pytest.mark.parametrize("delivery", DELIVERIES, ids=["plain", "mailer"])
def test_it_authenticates_once_told_to(
    shared: Path, tmp_path: Path, delivery: Tuple[str, str, str, str, str]
) -> None:
    smart, sender, rcpt, mail_from, rcpt_to = delivery
    result = deliver(
        shared, authenticating(tmp_path, smart), "--makemap", "authinfo", "--user", "invented",
        "--password", "not a secret", "--sender", sender, "--rcpt", rcpt,
    )  # fmt: skip
    assert result["ok"], result["stat"]
    assert result["username"] == "invented"
    assert result["ports"] == [587]
    assert not result["auth_sent_in_clear"]
    assert not result["queued"]
    [message] = [event for event in result["events"] if event["event"] == "message"]
    assert (message["mail_from"], message["rcpt_to"]) == (mail_from, [rcpt_to])
    headers = message["content"].partition("\r\n\r\n")[0].split("\r\n")
    assert f"From: {mail_from}" in headers
    assert headers[0].startswith("Received: ")


def test_as_it_is_it_does_not_authenticate(shared: Path, tmp_path: Path) -> None:
    """The state before the change: port 25 of the old smart host, and no login, though it is offered."""
    mail = tmp_path / "mail"
    shutil.copytree(EXAMPLE, mail)
    result = deliver(shared, mail, "--relay-name", OLD)
    assert result["ports"] == [25]
    assert not result["auth_attempts"]
    assert not result["ok"]
