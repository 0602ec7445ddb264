"""Whole files, read by us and by the real sendmail: macros, classes, maps, options, mailers and rules must be the same.

The one thing to know: lines that sendmail complains about are taken out first, for what it then holds is an accident; but
each line that we cannot read must be among them.
"""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import Callable, List, Set

import pytest
import reader
from conftest import FUZZ, SHARED
from hypothesis import HealthCheck, assume, given, settings

import sendmailcf
from sendmailcf import strategies
from sendmailcf.nodes import BadLine
from sendmailcf.text import fold

pytestmark = pytest.mark.oracle

CASES = sorted((SHARED / "spec" / "cases").glob("*.cf"))
STOCK = Path("/usr/share/sendmail/cf")
#: Cases in which the two sides differ by what sendmail prints, not by what it holds.
PRINTED = {
    "s03-space-name": "sendmail has no name to print for the macro of the name blank",
    "s04-mailbox-db": "sendmail ends at once: it knows no such database",
    "s06-user-group-name": "sendmail's own fault with a group's name overwrites another mailer",
    "s07-file-format-two": "sendmail crashes",
    "s04-timeout-unknown": "test mode says nothing of an unknown timeout; -bC does",
    "s04-delivery-bad": "sendmail ends at once: a fatal error",
}


def without(data: bytes, complained: Set[int]) -> bytes:
    """A file without the logical lines that end on these physical lines."""
    kept, at = [], 0
    for line in fold(data.decode("utf-8", "surrogateescape")):
        at += max(1, line.count("\n"))
        kept.append("" if at in complained else line)
    return "".join(kept).encode("utf-8", "surrogateescape")


def complaints_of(told: reader.Told) -> Set[int]:
    # A level that is too high, an abbreviation, or a bad unit of a time: sendmail takes the line all the same.
    harmless = re.compile(
        r"used as abbreviation|Invalid time unit|cf version level|unsafe|cannot open|expand: recursion"
    )
    return {
        int(one.split(": line ")[1].split(":")[0]) for one in told["complaints"] if not harmless.search(one)
    }


def compare(sendmail: str, path: Path, data: bytes) -> None:
    """Both readings of a file, first as it is, then without what sendmail complains about."""
    path.write_bytes(data)
    complained = complaints_of(reader.told(sendmail, path, []))
    cf = sendmailcf.loads(data)
    unread = {
        cf.line_number(i) + cf.raw(i)[:-1].count("\n")
        for i, node in enumerate(cf)
        if isinstance(node, BadLine)
    }
    assert unread <= complained, "a line that we cannot read, and sendmail can"
    path.write_bytes(without(data, complained))
    ours = reader.ours(path.read_bytes())
    told = reader.told(sendmail, path, [name[2:] for name in ours if name.startswith("=S")])
    told.pop("complaints")
    assert told["events"] == ours["events"]
    if sendmailcf.loads(path.read_bytes()).reading().level >= 6:
        # Below, sendmail adds flags to the mailer local.
        assert told["mailers"] == ours["mailers"]
    assert {name: rules for name, rules in told.items() if name.startswith("=S")} == {
        name: rules for name, rules in ours.items() if name.startswith("=S")
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_recorded_cases(program: Callable[[str], str], tmp_path: Path, case: Path) -> None:
    if case.stem in PRINTED:
        return
    compare(program("sendmail"), tmp_path / "t.cf", case.read_bytes())


def generated(source: str, directory: Path) -> bytes:
    done = subprocess.run(
        ["m4", f"-D_CF_DIR_={STOCK}/", str(STOCK / "m4" / "cf.m4"), "-"],
        input=source.encode(), cwd=directory, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    # Some features complain about others, and are left out.
    assert b"\nV10" in done.stdout, done.stderr
    return done.stdout


@pytest.mark.parametrize("mc", sorted((STOCK / "cf").glob("*.mc")), ids=lambda mc: mc.stem)
def test_stock_files(program: Callable[[str], str], tmp_path: Path, mc: Path) -> None:
    data = generated(mc.read_text("latin-1"), mc.parent)
    assert bytes(sendmailcf.loads(data)) == data
    compare(program("sendmail"), tmp_path / "t.cf", data)


#: What a slip of the hand, or of another program, leaves in a file.
SLIPS: List[bytes] = [
    b"\t", b" ", b"#", b"\\", b'"', b"$", b"{", b"}", b",", b"=", b"\n", b"\n ", b"\n\t", b"\r", b"\r\n", b"$*", b"$=w", b"${x}",
    b"-o ", b"-", b":", b"/", b"@", b"\xe9", b"\0", b"1", b"?", b"\\#", b"$&x", b"$$", b".",
]  # fmt: skip


def mutated(seed: int) -> bytes:
    """A recorded case with a few slips in it."""
    pick = random.Random(seed)
    data = pick.choice([case for case in CASES if case.stem not in PRINTED]).read_bytes()
    for _ in range(pick.randrange(1, 4)):
        at = pick.randrange(len(data) + 1)
        lines = data.split(b"\n")
        lines.insert(pick.randrange(len(lines)), pick.choice(lines))
        slip = pick.choice(SLIPS)
        if data[data.rfind(b"\n", 0, at) + 1 :][:1] in (b"K", b"M", b"F", b"C"):
            # There sendmail prints a symbol as the code that it is in memory.
            slip = slip.replace(b"$", b"")
        data = pick.choice(
            [
                data[:at] + data[at + 1 :],
                data[:at] + slip + data[at:],
                data[:at] + slip + data[at + 1 :],
                b"\n".join(lines),
            ]
        )
    return data.rstrip(b"\r\n") + b"\n"


@pytest.mark.parametrize("seed", range(60 * FUZZ))
def test_mutated_cases(program: Callable[[str], str], tmp_path: Path, seed: int) -> None:
    data = mutated(seed)
    # Words of a program cannot be told from those of the lines below; and -bt says nothing of an unknown timeout.
    if re.search(rb"\|/?bin|(?m:^O *[Tt]imeout)", data):
        return
    try:
        compare(program("sendmail"), tmp_path / "t.cf", data)
    except reader.EndedError:
        assert b"EightBitMode" in data or b"DeliveryMode" in data, "only these options end it"


FEATURES: List[str] = [
    "FEATURE(`access_db')", "FEATURE(`authinfo')", "FEATURE(`mailertable')", "FEATURE(`virtusertable')",
    "FEATURE(`genericstable')", "FEATURE(`domaintable')", "FEATURE(`bitdomain')", "FEATURE(`uucpdomain')",
    "FEATURE(`use_cw_file')", "FEATURE(`use_ct_file')", "FEATURE(`redirect')", "FEATURE(`nouucp', `reject')",
    "FEATURE(`always_add_domain')", "FEATURE(`masquerade_envelope')", "FEATURE(`masquerade_entire_domain')",
    "FEATURE(`allmasquerade')", "FEATURE(`limited_masquerade')", "FEATURE(`blocklist_recipients')",
    "FEATURE(`accept_unqualified_senders')", "FEATURE(`accept_unresolvable_domains')", "FEATURE(`relay_entire_domain')",
    "FEATURE(`relay_hosts_only')", "FEATURE(`relay_based_on_MX')", "FEATURE(`promiscuous_relay')",
    "FEATURE(`delay_checks')", "FEATURE(`greet_pause', `1000')", "FEATURE(`ratecontrol')", "FEATURE(`conncontrol')",
    "FEATURE(`dnsbl', `dnsbl.example.net')", "FEATURE(`enhdnsbl', `bl.example.net', `', `t', `127.0.0.2.')",
    "FEATURE(`queuegroup')", "FEATURE(`badmx')", "FEATURE(`block_bad_helo')", "FEATURE(`require_rdns')",
    "FEATURE(`use_client_ptr')", "FEATURE(`preserve_local_plus_detail')", "FEATURE(`preserve_luser_host')",
    "FEATURE(`compat_check')", "FEATURE(`lookupdotdomain')", "FEATURE(`no_default_msa')", "FEATURE(`stickyhost')",
    "FEATURE(`nocanonify', `canonify_hosts')", "FEATURE(`nodns')", "FEATURE(`notsticky')", "FEATURE(`smrsh')",
    "FEATURE(`local_procmail')", "FEATURE(`ldap_routing')", "FEATURE(`tls_session_features')",
    "define(`SMART_HOST', `smtp8:[relay.example]')", "define(`MAIL_HUB', `hub.example')", "define(`LUSER_RELAY', `error')",
    "define(`confAUTH_MECHANISMS', `LOGIN PLAIN')", "define(`confDEF_AUTH_INFO', `/etc/mail/default-auth')",
    "define(`confPRIVACY_FLAGS', `goaway,restrictmailq')", "define(`confLOG_LEVEL', `14')", "define(`confTO_IDENT', `0')",
    "define(`confDOMAIN_NAME', `$w.$m')", "define(`confDOUBLE_BOUNCE_ADDRESS', `')", "define(`confMAX_MESSAGE_SIZE', `0')",
    "define(`confOPERATORS', `.:%@!^/[]+=')", "define(`confSMTP_LOGIN_MSG', `$j Mailer; $b')",
    "define(`RELAY_MAILER_ARGS', `TCP $h 587')", "define(`confCOPY_ERRORS_TO', `postmaster')",
    "MASQUERADE_AS(`example.org')", "EXPOSED_USER(`root daemon')", "RELAY_DOMAIN(`example.org example.net')",
    "CANONIFY_DOMAIN(`example.org')", "GENERICS_DOMAIN(`example.org')", "VIRTUSER_DOMAIN(`example.org')",
    "LOCAL_DOMAIN(`mail.example.org')", "INPUT_MAIL_FILTER(`f', `S=local:/run/f, F=T, T=C:5m;R:3m')",
    "TRUST_AUTH_MECH(`LOGIN PLAIN')", "DAEMON_OPTIONS(`Name=X, Port=2525, M=Ea')", "CLIENT_OPTIONS(`Family=inet, M=h')",
    "QUEUE_GROUP(`g', `P=/var/spool/mqueue, F=f, R=3, I=5m')", "SITE(`x')",
]  # fmt: skip
MAILERS = ["local", "smtp", "procmail", "usenet", "fax", "cyrusv2", "qpage", "pop", "mail11"]


@pytest.mark.parametrize("seed", range(25))
def test_random_features(program: Callable[[str], str], tmp_path: Path, seed: int) -> None:
    pick = random.Random(seed)
    lines = [
        "divert(0)dnl",
        f"OSTYPE(`{pick.choice(['linux', 'aix5', 'solaris8', 'freebsd6', 'hpux11', 'bsd4.4'])}')dnl",
    ]
    lines += pick.sample(FEATURES, pick.randrange(1, 20))
    lines += [f"MAILER(`{one}')" for one in ["local", "smtp", *pick.sample(MAILERS[2:], pick.randrange(3))]]
    data = generated("\n".join(lines) + "\n", STOCK / "cf")
    assert bytes(sendmailcf.loads(data)) == data
    compare(program("sendmail"), tmp_path / "t.cf", data)


@settings(
    max_examples=60 * FUZZ, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=strategies.cf_files())
def test_generated_files(program: Callable[[str], str], tmp_path: Path, data: bytes) -> None:
    # With the first its own output is of seven bits, and a bad value of the others ends it at once.
    assume(not re.search(rb"(?i:sevenbit|eightbit|deliverymode)|\nO[78d]", data))
    # Words of a program cannot be told from those of the lines below.
    assume(b"|/bin" not in data)
    # Without an end of line sendmail counts the last line with the one above; and it prints byte 0xff in its own way.
    compare(program("sendmail"), tmp_path / "t.cf", data.rstrip(b"\r\n").replace(b"\xff", b"\xe9") + b"\n")
