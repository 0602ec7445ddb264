"""Rulesets run by us and by the real sendmail must return the same.

The one thing to know: each disagreement found so far was ours, and is an example in tests/test_rewrite.py.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Callable, Dict, Optional

import pytest
from sendmail import NAME, make_cf, returned, test_mode

from sendmailcf.config import Config
from sendmailcf.relay.rewrite import Rewriter

pytestmark = pytest.mark.oracle

ADDRESSES = [
    "user@example.org", "root", "root@localhost", f"root@{NAME}", "a!b!c", "a!b@c.d", "x%y@z.org", "x%y", '"a b"@c.d',
    "<@x,@y:u@z.e>", "<a@b>", "u@[192.0.2.1]", "u@[unknown.example]", "x@y.uucp", "a.b+c@d.e", "@", "<>", "MAILER-DAEMON",
    "postmaster@relay.invalid", "a@b (comment)", "Full Name <a@b.c>", "a@b@c", "a:b@c", "list:;", "a@.", "a@b.", "@b:c",
    "/etc/passwd", "|prog arg", "UPPER@EXAMPLE.ORG", "a\\@b@c", "x/y@z", "user@com", "u@very.long.sub.domain.example.org",
]  # fmt: skip
OWN = {"j": NAME, "w": "client", "m": "example.net", "k": NAME}
CLASSES = {"w": ["localhost", NAME, "[127.0.0.1]", "client"]}


def rewriter(cf: Config, table: Optional[Dict[str, str]] = None) -> Rewriter:
    return Rewriter(
        list(cf), lookup=lambda name, key: (table or {}).get(key.lower()), classes=CLASSES, macros=OWN
    )


@pytest.mark.parametrize("features", [[], ["--authinfo"], ["--access"]], ids=["plain", "authinfo", "access"])
@pytest.mark.parametrize(
    "smart", ["relay.example", "[relay.example]", "esmtp:[relay.example]", "smtp8:relay.example", ""]
)
def test_stock_files_route_addresses_alike(
    shared: Path, program: Callable[[str], str], tmp_path: Path, features: list[str], smart: str
) -> None:
    data = make_cf(shared, "--smart-host", smart, *features)
    # No DNS and no maps: the answers must not depend on this machine.
    data = data.replace(b"\nKaccess hash -T<TMPF>  ", b"\nKaccess hash -o ").replace(
        b"\nKauthinfo hash ", b"\nKauthinfo hash -o "
    )
    cf_file = tmp_path / "sendmail.cf"
    cf_file.write_bytes(data)
    cf = Config(data)
    ours = rewriter(cf)
    blocks = test_mode(program("sendmail"), cf_file, [f"3,0 {one}" for one in ADDRESSES])
    assert len(blocks) == len(ADDRESSES)
    for address, block in zip(ADDRESSES, blocks):
        first = ours.run("3", address)
        second = ours.run_tokens("0", first.tokens)
        assert not second.failed, (address, second.reason)
        assert second.text == returned(block), address


WORDS_LEFT = [
    "$*",
    "$+",
    "$-",
    "$=c",
    "$~c",
    "a",
    "b",
    "c",
    "<",
    ">",
    "@",
    ".",
    "$@",
    "$&{m}",
    '"q r"',
    "A",
    "$|",
]
WORDS_RIGHT = ["$1", "$2", "x", "<", ">", "@", "$&{m}", "a", "b", '"q r"', "$|", "$(t $1 $: none $)", "$(t a $)",
               "$(t $1 $@ y $: <$1> $)", "$>Two $1", "$>Three"]  # fmt: skip


def random_file(chance: random.Random) -> str:
    lines = ["V10/Berkeley", "O OperatorChars=.:%@!^/[]+", "O QueueDirectory=/var/spool/mqueue", "Mlocal, P=/bin/true, A=t",
             "Cca b.a x.y", "D{m}a.b", "DMmacro", "Kt hash -o t"]  # fmt: skip
    for name in ("One", "Two", "Three"):
        lines.append(f"S{name}")
        for _ in range(chance.randint(1, 4)):
            left = " ".join(chance.choices(WORDS_LEFT, k=chance.randint(1, 5)))
            wild = sum(left.split(" ").count(one) for one in ("$*", "$+", "$-", "$=c", "$~c"))
            right = [
                w for w in chance.choices(WORDS_RIGHT, k=chance.randint(1, 4)) if wild > 1 or "$2" not in w
            ]
            right = [w for w in right if wild or "$1" not in w] or ["z"]
            head = chance.choice(["$@ ", "$: ", "$: ", "$# mailer $: ", ""])
            if name != "One":
                right = [w for w in right if "$>" not in w] or ["z"]
            lines.append(f"R{left}\t{head}{' '.join(right)}\t\tcomment")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("seed", range(8))
def test_random_rules_agree(program: Callable[[str], str], tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    table = {"a": "A <%0> 100%% %1", "b": '"q" x.y', "a.b": "found %1 (dropped) end", "x": "y@z"}
    source = "".join(f"{key}\t{value}\n" for key, value in table.items())
    subprocess.run(
        [program("makemap"), "-C", "/dev/null", "hash", "t"], input=source.encode(), cwd=tmp_path, check=True
    )
    inputs = [
        "a",
        "b",
        "a b",
        "a.b",
        "x @ y",
        "< a >",
        "a @ b.a . c",
        '"q r" a',
        "A.B.C",
        "c",
        "x.y",
        "a < b > c",
        "b b",
    ]
    compared = 0
    for number in range(25):
        text = random_file(chance)
        cf_file = tmp_path / f"{number}.cf"
        cf_file.write_text(text)
        ours = rewriter(Config(text), table)
        blocks = test_mode(program("sendmail"), cf_file, [f"One {one}" for one in inputs], cwd=tmp_path)
        for one, block in zip(inputs, blocks):
            result = ours.run("One", one)
            if result.failed:
                assert "nfinite loop" in block or "returns" not in block or "rewrite:" in block or "expand" in block, (
                    result.reason, block, text,
                )  # fmt: skip
                continue
            assert result.text == returned(block), (one, block, text)
            compared += 1
    assert compared > 200
