"""Does sendmail send exactly the user name and password that we wrote?  A fake relay tells.

The one thing to know: entry and database are both ours; sendmail and the relay are not.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from sendmailcf.authinfo import AuthInfo, Credentials, DefaultAuthInfo
from sendmailcf.errors import EditError
from sendmailcf.text import decode

pytestmark = pytest.mark.oracle

HOST = "email-smtp.ap-south-1.amazonaws.com"
ASCII = "".join(map(chr, range(32, 127)))
BEYOND = "äöüßéñçøÅЖдяשלוםمرحبا日本語한국어€—…🙂𝒜\x7f\x80\x9f\u00a0\u2028\ufeff"


def value_of(credentials: Credentials) -> bytes:
    auth = AuthInfo()
    auth[HOST] = credentials
    return bytes(auth).partition(b"\t")[2][:-1]


def ask(shared: Path, rows: list[Credentials]) -> list[dict[str, object]]:
    """What the relay received for each."""
    lines = []
    for one in rows:
        user, password = (text.encode("utf-8", "surrogateescape").hex() for text in (one.user, one.password))
        lines.append(
            json.dumps({"value_hex": value_of(one).hex(), "username_hex": user, "password_hex": password})
        )
    done = subprocess.run(
        [sys.executable, str(shared / "e2e" / "check_values.py"), "--python-db", "values_db:build"],
        input="\n".join(lines).encode(), capture_output=True, cwd=Path(__file__).parent, check=False,
    )  # fmt: skip
    found = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    assert len(found) == len(rows), done.stderr.decode()[-2000:]
    return found


def wrong(rows: list[Credentials], found: list[dict[str, object]]) -> list[tuple[int, Credentials]]:
    return [(at, row) for at, (row, one) in enumerate(zip(rows, found)) if not one["ok"]]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_random_passwords_arrive_exactly(shared: Path, program: object, seed: int) -> None:
    chance = random.Random(seed)
    rows = []
    for _ in range(250):
        letters = chance.choice([ASCII, ASCII, '"\\%$#()<>@:, \tx1', ASCII + BEYOND, BEYOND])
        password = "".join(chance.choices(letters, k=chance.choice([1, 2, 8, 20, 44, 60])))
        while len(password.encode()) > 180:
            password = password[:-1]
        rows.append(
            Credentials(
                chance.choice(["me", "AKIAEXAMPLE0DEMO0KEY", "u@example.org", 'a"b%1']), password, ("LOGIN",)
            )
        )
    assert wrong(rows, ask(shared, rows)) == []


def test_the_limits_are_sendmail_s(shared: Path, program: object) -> None:
    rows = [
        Credentials("me", "x" * 252),
        Credentials("me", '"' * 189),
        Credentials("me", "%" * 200),
        Credentials("me", "ä" * 120 + "%1"),
        Credentials("me", " " * 200),
        Credentials("me", "x ä " * 40),
        Credentials("me", "trailing\\"),
        Credentials("me", "\r"),
        Credentials("me", "a\nb"),
        Credentials("me", decode(bytes(range(1, 190)))),
        Credentials("me", decode(bytes(range(128, 256)))),
        Credentials("u" * 252, "p" * 252),
        Credentials("user", "pw", (), "realm.example", "the-id"),
    ]
    found = ask(shared, [Credentials(one.user, one.password, one.mechanisms, one.realm) for one in rows])
    assert wrong(rows, found) == []
    for password in ("x" * 253, '"' * 190):
        with pytest.raises(EditError):
            value_of(Credentials("me", password))


def test_the_five_lines_are_sent_exactly(shared: Path, program: object, tmp_path: Path) -> None:
    sys_path = str(shared / "e2e")
    cf = subprocess.run(
        [sys.executable, sys_path + "/make_cf.py", "--line", "define(`confDEF_AUTH_INFO', `/etc/mail/default-auth-info')"],
        capture_output=True, check=True,
    ).stdout.replace(b"\nSauthinfo\n", b"\n")  # fmt: skip
    for password in ("simple", ' "q" %1 \\ # ', "ä€" * 20, "p" * 500):
        (tmp_path / "sendmail.cf").write_bytes(cf)
        file = DefaultAuthInfo("# a comment\n")
        file.credentials = Credentials("me", password, ("LOGIN",))
        (tmp_path / "default-auth-info").write_bytes(bytes(file))
        (tmp_path / "default-auth-info").chmod(0o600)
        done = subprocess.run(
            [sys.executable, sys_path + "/relay_harness.py", str(tmp_path), "--user", "me", "--password", password, "--brief"],
            capture_output=True, check=False,
        )  # fmt: skip
        assert json.loads(done.stdout)["ok"], len(password)
