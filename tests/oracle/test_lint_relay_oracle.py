"""The well-known recipe, mistake by mistake, and stock files that shall be left alone.

The one thing to know: what the real sendmail does with the variants of the recipe is recorded beside them; the stock files
are made by the real m4.
"""

from __future__ import annotations

import subprocess
from typing import Callable

import pytest
from conftest import SHARED
from lintcases import HEAD, TAIL, FakeFacts
from test_lint_relay import recipe, serious
from test_reading_oracle import STOCK, generated

from sendmailcf.authinfo import SourceLines
from sendmailcf.config import Config
from sendmailcf.lint import Example, lint, lint_host

pytestmark = pytest.mark.oracle

ARTICLE = {
    "s09-article-0644": {"default-auth-info-is-map-source", "auth-option-lines", "auth-option-mode"},
    "s09-article-one-line": {"default-auth-info-is-map-source", "auth-option-lines"},
    "s09-article-two-lines": {"default-auth-info-is-map-source", "auth-option-lines"},
    "s09-article-stock-ruleset": {"default-auth-info-is-map-source", "auth-option-dead"},
}


@pytest.mark.parametrize("name", ARTICLE)
def test_recorded_variants_of_the_recipe(name: str) -> None:
    case = SHARED / "spec" / "cases" / name
    told = case.with_suffix(".txt").read_text().split("\n")
    mode = next(line for line in told if line.startswith("fixture: /etc/mail/authinfo mode")).split()[-1]
    lines = [line[3:] for line in told if line.startswith("  |")]
    problems = recipe(case.with_suffix(".cf").read_bytes(), "\n".join([*lines, ""]).encode(), mode)
    assert serious(problems) == ARTICLE[name]


def test_each_mistake_of_the_recipe_has_its_finding() -> None:
    """DefaultAuthInfo at a map source, no port, an ellipsis for the host, U where I is meant."""
    lines = b"define(`SMART_HOST', `\xe2\x80\xa6')dnl\n"
    mc = "divert(0)dnl\nOSTYPE(`linux')dnl\n" + lines.decode() + "MAILER(`local')\nMAILER(`smtp')\n"
    cf = generated(mc, STOCK / "cf") + b"O DefaultAuthInfo=/etc/mail/authinfo\n"
    entry = b'AuthInfo:email-smtp.us-east-1.amazonaws.com "U:AKIAINVENTEDINVENTED" "P:BMinvented" "M:LOGIN"\n'
    problems = recipe(cf, entry, "0600")
    by_name = {one.name: one for one in problems}
    assert set(by_name) >= {
        "default-auth-info-is-map-source", "auth-option-dead", "smarthost-not-a-name", "relay-port-default",
    }  # fmt: skip
    assert Config(cf).text(by_name["smarthost-not-a-name"].index or 0) == "DS\u2026"
    assert Config(cf).text(by_name["relay-port-default"].index or 0).startswith("Mrelay,")
    source = lint(SourceLines(entry), kind="authinfo")
    assert "auth-value-no-authid" in {one.name for one in source}


@pytest.mark.parametrize("name", ["authinfo", "access_db", "smart"])
def test_a_stock_file_with_a_smart_host_and_nothing_else_is_clean(name: str) -> None:
    feature = "" if name == "smart" else f"FEATURE(`{name}')\n"
    mc = f"divert(0)dnl\nOSTYPE(`linux')dnl\ndefine(`SMART_HOST', `relay.example')\n{feature}MAILER(`local')\nMAILER(`smtp')\n"
    cf = Config(generated(mc, STOCK / "cf"), "/etc/mail/sendmail.cf")
    assert serious(lint(cf)) == set()
    example = Example("Good", {})
    host = lint_host(cf, lambda path: FakeFacts(path, example))
    assert serious(host) == ({"map-missing-file"} if name != "smart" else set())


KEY = """
hostname host.example.com; mount -t tmpfs -o mode=755 none /etc/mail; cd /etc/mail
openssl req -x509 -newkey rsa:2048 -nodes -keyout host.key -out host.pem -subj /CN=host.example.com -days 2 2>/dev/null
chmod "$1" host.key; cat > sendmail.cf
(printf 'EHLO client.example\\r\\n'; sleep 0.5; printf 'QUIT\\r\\n') |
    sendmail -bs -C /etc/mail/sendmail.cf -O QueueDirectory=/etc/mail 2>/dev/null
"""


@pytest.mark.parametrize("words", ["safe", "GroupReadableKeyFile"])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_key_that_others_can_read_is_not_used(program: Callable[[str], str], mode: int, words: str) -> None:
    certificates = "O CACertFile=/etc/mail/host.pem\nO CACertPath=/etc/mail\nO ServerCertFile=/etc/mail/host.pem\n"
    options = f"{certificates}O ServerKeyFile=/etc/mail/host.key\nO DontBlameSendmail={words}\n"
    cf = HEAD + options.encode() + TAIL
    done = subprocess.run(
        ["unshare", "-u", "-m", "-n", "sh", "-c", KEY, program("sendmail"), f"{mode:o}"],
        input=cf, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert b"250" in done.stdout
    example = Example("Bad", {"/etc/mail/host.key": b"key"}, {"/etc/mail/host.key": {"mode": f"{mode:o}"}})
    found = serious(lint(Config(cf), facts=lambda path: FakeFacts(path, example)))
    assert found == (set() if b"STARTTLS" in done.stdout else {"perm-key"})
