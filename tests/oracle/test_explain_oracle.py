"""Every fault is made with the real sendmail, and what it writes is explained: from the log, from mailq, from `-v`.

The one thing to know: where the text cannot tell (several faults write the same words), all of them must be named, no
more, and it must be said that the text does not tell.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from relay_faults import DNS_DOWN, FAULTS, HOST, LEVELS, PASSWORD, RUNS

from sendmailcf.relay.causes import CAUSES
from sendmailcf.relay.explain import Report, explain

pytestmark = pytest.mark.oracle

Made = Dict[str, Dict[str, Any]]
ALL = {**FAULTS, **DNS_DOWN}


@pytest.fixture(scope="module")
def made(shared: Path) -> Made:
    """All faults, made once: about fifteen seconds."""
    script = Path(__file__).with_name("relay_faults.py")
    found: Made = {}
    for more in ([], ["--dns-down"]):
        done = subprocess.run(
            [sys.executable, str(script), str(shared), *more], capture_output=True, timeout=180, check=False
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        found.update(json.loads(done.stdout))
    return found


def named(report: Report) -> List[tuple[str, ...]]:
    return [group.causes for group in report.groups]


def hosts_of(name: str) -> Dict[str, int]:
    # Without a name server sendmail does not come to the point of choosing a relay.
    return {} if name in DNS_DOWN else {ALL[name].smart_host: 1}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ALL)
def test_the_log_alone(made: Made, name: str, level: str) -> None:
    fault, seen = ALL[name], made[name][level]
    wanted = fault.log if level == "14" or fault.log_9 is None else fault.log_9
    report = explain(seen["log"])
    assert named(report) == [wanted], seen["log"]
    (group,) = report.groups
    assert group.hosts == hosts_of(name)
    assert group.as_json()["certain"] is (len(wanted) == 1)
    assert bool(group.tell) is (len(wanted) > 1)
    # What became of the mail, as the queue says it.
    assert group.fate == ("queued" if seen["queued"] else "sent" if name == "sent" else "bounced")
    assert all(CAUSES[cause].fate == group.fate for cause in wanted)


@pytest.mark.parametrize("name", ALL)
def test_mailq_alone(made: Made, name: str) -> None:
    fault, seen = ALL[name], made[name]["14"]
    report = explain(seen["mailq"])
    if fault.mailq is None:
        assert not seen["queued"]
        assert named(report) == [("queue-empty",)], "it must be said that mailq does not tell"
        return
    assert named(report) == [fault.mailq], seen["mailq"]
    (group,) = report.groups
    assert set(fault.log) <= set(group.causes)
    assert group.fate == "queued"
    assert bool(group.tell) is (len(fault.mailq) > 1)
    assert re.fullmatch(r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}", group.first)


@pytest.mark.parametrize("name", [name for name in ALL if name != "unknown-host"])
def test_the_dialogue_alone(made: Made, name: str) -> None:
    fault, seen = ALL[name], made[name]["14"]
    report = explain(seen["transcript"])
    assert len(report.groups) == 1, seen["transcript"]
    causes = report.groups[0].causes
    if fault.spoken is not None:
        assert causes == (fault.spoken,), seen["transcript"]
    else:
        assert len(causes) > 1
        assert set(causes) & set(fault.log)
    assert report.groups[0].hosts == hosts_of(name)


@pytest.mark.parametrize("name", [name for name, fault in ALL.items() if fault.mailq is None and name != "sent"])
def test_the_returned_message_alone(made: Made, name: str) -> None:
    fault, text = ALL[name], made[name]["returned"]
    assert any("Transcript of session" in line for line in text)
    report = explain(text)
    assert len(report.groups) == 1, text
    (group,) = report.groups
    assert group.fate == "bounced"
    assert group.hosts == hosts_of(name)
    # It has less than the dialogue has: neither what the relay offered, nor the 535.
    assert set(group.causes) & {*fault.log, *(fault.log_9 or ())}, group.causes
    assert fault.spoken is None or fault.spoken in group.causes
    assert bool(group.tell) is (len(group.causes) > 1)


@pytest.mark.parametrize("name", RUNS)
def test_a_queue_run(made: Made, name: str) -> None:
    lines = made[name]["run"]
    assert sum(", stat=" in line and "mailer=relay" in line for line in lines) == 2
    for head in ("", "Nov 24 10:11:12 client sendmail[4242]: "):
        report = explain([head + line for line in lines])
        found = {group.causes: (group.count, dict(group.hosts)) for group in report.groups if group.hosts}
        assert found == {ALL[name].log: (2, {ALL[name].smart_host: 2})}, lines


@pytest.mark.parametrize("level", LEVELS)
def test_all_in_one_log(made: Made, level: str) -> None:
    """Interleaved, as a log of many processes is: each line finds its own."""
    queues = []
    for at, name in enumerate(ALL):
        lines = [f"Nov 24 10:{at:02}:00 client sendmail[{9000 + at}]: {line}" for line in made[name][level]["log"]]
        queues.append(lines)
    mixed = []
    while any(queues):
        for lines in queues:
            if lines:
                mixed.append(lines.pop(0))
    report = explain(mixed)
    wanted: Dict[tuple[str, ...], int] = {}
    for fault in ALL.values():
        causes = fault.log if level == "14" or fault.log_9 is None else fault.log_9
        wanted[causes] = wanted.get(causes, 0) + 1
    assert {group.causes: group.count for group in report.groups} == wanted


@pytest.mark.parametrize("part", ["log", "mailq", "transcript"])
def test_no_password_comes_out(made: Made, part: str) -> None:
    secrets = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), base64.b64encode(b"wr0ng").decode(), "wr0ng"]
    seen = "\n".join(line for one in made.values() for line in one["14"][part])
    assert part != "transcript" or secrets[1] in seen, "the test must have something to find"
    for arguments in ([], ["--json"], ["--mask"], ["--mask", "--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "sendmailcf", "explain", *arguments, "-"],
            input=seen.encode(), capture_output=True, check=False, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        for secret in secrets:
            assert secret.encode() not in done.stdout + done.stderr
        if "--mask" in arguments:
            assert b"rcpt@" not in done.stdout
            assert b"sender@" not in done.stdout
        assert part != "log" or HOST.encode() in done.stdout
