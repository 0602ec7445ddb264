"""`relay probe` against a relay with each of its faults: what it foretells is what the real sendmail then does.

The one thing to know: all cases run in one process of the harness; a test is one case.  The relay keeps a record, and
in it no word of AUTH may stand that came in clear from the probe.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, Dict

import pytest
from faults import BASES, HOST, PASSWORD, USER, Case, apply, copy_base, make_base

pytestmark = pytest.mark.oracle

#: Certificates that are not the relay's.
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
#: Faults of the relay: options, and the cause that the probe must name (nothing: none).
RELAYS: Dict[str, tuple[Dict[str, Any], str]] = {
    "well": ({}, ""),
    "no starttls": ({"starttls": False, "require_tls": False}, "starttls-not-offered"),
    "no starttls, auth in clear": ({"starttls": False, "require_tls": False, "auth_in_clear": "accept"}, "starttls-not-offered"),
    "no starttls, auth offered": ({"starttls": False, "require_tls": False, "auth_in_clear": "offer"}, "starttls-not-offered"),
    "no starttls, insists": ({"starttls": False, "require_tls": True}, "starttls-not-offered"),
    "auth before tls too": ({"auth_in_clear": "accept", "require_tls": False}, ""),
    "starttls refused": ({"starttls_reply": "454 TLS not available due to temporary reason"}, "starttls-refused"),
    "starttls refused for good": ({"starttls_reply": "501 no"}, "starttls-refused"),
    "starttls refused, auth in clear": ({"starttls_reply": "454 no", "auth_in_clear": "accept", "require_tls": False}, "starttls-refused"),
    "handshake fails": ({"tls_fail": True}, "tls-handshake"),
    "greeting 421": ({"greeting_reply": "421 Too many connections"}, "relay-busy"),
    "greeting 554": ({"greeting_reply": "554 No mail from here"}, "greeting-refused"),
    "greeting late": ({"greeting_delay": 4.0}, "no-greeting"),
    "wrong password": ({"users": {}}, "wrong-credentials"),
    "auth 535": ({"auth_reply": "535 Authentication Credentials Invalid"}, "wrong-credentials"),
    "auth 454": ({"auth_reply": "454 Temporary authentication failure"}, "auth-temporary"),
    "auth 501": ({"auth_reply": "501 no"}, "wrong-credentials"),
    "no auth": ({"mechanisms": []}, "no-auth-offered"),
    "no auth needed": ({"mechanisms": [], "require_auth": False}, "no-auth-offered"),
    "wrong password, not needed": ({"users": {}, "require_auth": False}, "wrong-credentials"),
    "other mechanism": ({"mechanisms": ["CRAM-MD5"]}, "no-common-mechanism"),
    "login only": ({"mechanisms": ["LOGIN"]}, ""),
    "mail 454": ({"mail_reply": "454 Throttling failure: Maximum sending rate exceeded."}, "throttled"),
    "mail 550": ({"mail_reply": "550 no"}, ""),
}  # fmt: skip
#: Each of them with a host that guards its password, one that does not, and one with five lines; waiting once is enough.
BOTH = [(base, name) for base in ("ours", "feature", "five-lines") for name in RELAYS if base == "ours" or "late" not in name]
#: What DS says, and whether the name can be found.
NAMES = ["real.example", "[real.example]", "alias.example", "[alias.example]", "chain.example", "domain.example",
         "[domain.example]", "two.example", "mxalias.example", "[127.0.0.1]", "nowhere.example", "[nowhere.example]",
         "refused.example", "[refused.example]", HOST, f"[{HOST}]", "also.example", "[also.example]"]  # fmt: skip


def cases(top: Path) -> Dict[str, Dict[str, Any]]:
    for base in BASES:
        make_base(top / base, base)
    found: Dict[str, Dict[str, Any]] = {}

    def add(name: str, base: str, **more: Any) -> Case:
        root = top / f"at{len(found)}"
        copy_base(top / base, root)
        case = Case(root, base, Random(name))
        found[name] = {"mail": str(case.mail), **more}
        return case

    for base, name in BOTH:
        add(f"{base}: {name}", base, relay=RELAYS[name][0], plainly=base == "ours" and "late" not in name)
    for name in NAMES:
        case = add(f"name {name}", "feature", names=True)
        case.cf("^DS.*$", f"DS{name}")
        case.entry(f'"U:{USER}" "P:{PASSWORD}" "M:LOGIN PLAIN"', "AuthInfo:")
    add("no entry", "ours").source("# nothing\n")
    add("no database", "ours").db.unlink()
    add("refused port", "ours").cf("(?<=TCP .h )587", "588")
    add("another user", "ours", arguments=["--user", USER, "--password-file", str(top / "password")])
    (top / "password").write_text(PASSWORD + "\n")
    add("sent", "ours", arguments=["--send", "sender@client.example.net", "rcpt@example.com"])
    add("sent and refused", "ours", relay={"auth_reply": "535 no"},
        arguments=["--send", "sender@client.example.net", "rcpt@example.com"])  # fmt: skip
    add("sent and deferred", "ours", relay={"auth_reply": "454 no"},
        arguments=["--send", "sender@client.example.net", "rcpt@example.com"])  # fmt: skip
    for name in ("verified", "not verified"):
        case = add(name, "ours", trust=name == "verified")
        apply(case.root, "--tls", "verified")
        case.option("CACertFile", "/etc/mail/ca.pem")
        case.option("CACertPath", "/etc/mail")
        shutil.copy(BUNDLE, case.mail / "ca.pem")
    case = add("name server gone", "feature", dns=False)
    case.cf("^DS.*$", "DSreal.example")
    return found


@pytest.fixture(scope="module")
def results(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Dict[str, Any]]:
    """What the probe and sendmail did, by the name of the case."""
    wanted = cases(tmp_path_factory.mktemp("hosts"))
    script = Path(__file__).with_name("probe_and_deliver.py")
    done = subprocess.run(
        [sys.executable, str(script), str(shared), HOST, USER, PASSWORD],
        input=json.dumps(list(wanted.values())).encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return dict(zip(wanted, json.loads(done.stdout)))


def agrees(result: Dict[str, Any]) -> Dict[str, Any]:
    """Assert that the probe foretold what sendmail did; the probe's findings."""
    found, done = result["probe"], result["delivery"]
    verdict = found["verdict"]
    happened = "accepted" if done["accepted"] else "deferred" if done["queued"] else "bounced"
    if verdict["fate"] == "unknown":
        assert "in clear" in verdict["because"]
        assert done["auth_sent_in_clear"], "what the probe would not do, sendmail did"
    else:
        assert (verdict["fate"], verdict["authenticates"]) == (happened, done["authenticated"]), (verdict, done)
        assert not done["auth_sent_in_clear"]
    assert not [event for event in result["events"] if event["event"] == "clear-auth"]
    assert [event for event in result["events"] if event["event"] == "auth" and not event["tls"]] == []
    assert not [event for event in result["events"] if event["event"] == "message"] or "sent" in found
    assert all(step["seconds"] < 3 for step in found["steps"])
    return dict(found)


@pytest.mark.parametrize(("base", "name"), BOTH)
def test_each_fault_of_the_relay(results: Dict[str, Dict[str, Any]], base: str, name: str) -> None:
    found = agrees(results[f"{base}: {name}"])
    causes = [step["explain"]["name"] for step in found["steps"] if step["explain"]]
    if RELAYS[name][1]:
        assert RELAYS[name][1] in causes
    elif not RELAYS[name][0].get("mail_reply"):
        assert causes == []


@pytest.mark.parametrize("name", NAMES)
def test_the_name_is_sendmail_s(results: Dict[str, Dict[str, Any]], name: str) -> None:
    result = results[f"name {name}"]
    found = agrees(result)
    if result["server_name"]:
        assert found["server_name"] == result["server_name"]
        assert found["key"] == f"AuthInfo:{result['server_name']}"


@pytest.mark.parametrize("name", ["no entry", "no database", "refused port", "another user", "name server gone",
                                  "verified", "not verified"])
def test_faults_of_the_host(results: Dict[str, Dict[str, Any]], name: str) -> None:
    found = agrees(results[name])
    if name == "verified":
        assert found["verdict"]["authenticates"]
        assert [step["ok"] for step in found["steps"] if step["name"] == "certificate"] == [True]
    if name == "not verified":
        assert found["verdict"]["fate"] == "deferred"


@pytest.mark.parametrize(("name", "fate"), [("sent", "accepted"), ("sent and refused", "bounced"), ("sent and deferred", "deferred")])
def test_a_message_is_sent_and_its_outcome_read(results: Dict[str, Dict[str, Any]], name: str, fate: str) -> None:
    found = agrees(results[name])
    assert found["sent"]["fate"] == fate
    assert any(">>> AUTH" in line for line in found["sent"]["dialogue"])


def test_no_password_is_printed(results: Dict[str, Dict[str, Any]]) -> None:
    plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    for result in results.values():
        for secret in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(), plain, plain[:12]):
            assert secret not in result["printed"]
