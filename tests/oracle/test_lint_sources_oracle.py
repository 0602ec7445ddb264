"""What the linter says of a source against what makemap says of it, line by line.

The one thing to know: makemap names a line by its number, and reads a long one as several; so long lines stand last here.
"""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path
from typing import Callable, Set

import pytest
from conftest import FUZZ

from sendmailcf.lint import document, lint

pytestmark = pytest.mark.oracle
REPORTED = ("MP040", "MP041", "MP042", "MP043")
PIECES = ("a", "B", "b.c", "@d", "\t", " ", "  ", "#", "x y", ":", "\v", "\r", "é", '"', "Ab", "\0")


def told(makemap: str, path: Path) -> Set[int]:
    """The lines that makemap complains of."""
    path.with_name("sendmail.cf").write_bytes(b"V10\n")
    done = subprocess.run(
        [makemap, "-C", str(path.with_name("sendmail.cf")), "hash", str(path)], stdin=path.open("rb"), capture_output=True,
        check=False,
    )  # fmt: skip
    return {int(one) for one in re.findall(rb": line ([0-9]+): ", done.stderr)}


@pytest.mark.parametrize("seed", range(40 * FUZZ))
def test_makemap_complains_of_the_same_lines(program: Callable[[str], str], tmp_path: Path, seed: int) -> None:
    pick = random.Random(seed)
    tail = pick.choice(["", "k " + "x" * 1020, "k " + "x" * 1021, "k " + "x" * 1022])
    lines = ["".join(pick.choices(PIECES, k=pick.randrange(7))) for _ in range(pick.randrange(1, 12))]
    text = "\n".join([*lines, tail]) + "\n" * pick.randrange(2)
    path = tmp_path / "map"
    path.write_bytes(text.encode("utf-8"))
    found = lint(document(text, "map", "map"), kind="map")
    # What is too long for a line is a line of its own for makemap.
    last = len(lines) + 1
    real = {line for line in told(program("makemap"), path) if line <= last}
    assert {one.line for one in found if one.code in REPORTED} == real, text
