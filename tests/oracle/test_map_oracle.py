"""Maps that `sendmailcf map` made or migrated, looked up by the real sendmail through the K line that it wrote.

The one thing to know: the installed sendmail reads hash, btree and text maps; it has neither cdb nor the 1.85 library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

import pytest
from conftest import ROOT
from programs import ours, real
from sendmail import test_mode

from sendmailcf import files

pytestmark = pytest.mark.oracle

CF = """V10/Berkeley
O DontBlameSendmail=MapInUnsafeDirPath,GroupWritableDirPathSafe
Kacc hash -o {map}
Mlocal, P=/bin/true, F=l, A=x
Mprog, P=/bin/true, F=l, A=x
"""
VALUES = {
    "relay.example": "RELAY",
    "two words": "a  value of several words",
    "@x": '"U:me" "P:invented"',
    "%": "%%x",
    "é": "ü",
}


def found(block: str) -> str:
    """What a `/map` command found, or the rest of what it said."""
    said = block.split("\n")[1] if block.count("\n") > 1 else block
    return said.partition(" returns ")[2].rpartition(" (")[0] if " returns " in said else said


@pytest.mark.parametrize(
    "steps",
    [[], ["btree"], ["text"], ["btree", "text"], ["cdb", "hash"], ["hash185", "hash"], ["cdb", "text"]],
)
def test_sendmail_finds_every_key(program: Callable[[str], str], tmp_path: Path, steps: list[str]) -> None:
    base = tmp_path / "acc"
    (tmp_path / "cf").write_text(CF.format(map=base))
    (tmp_path / "source").write_text("".join(f"{key}={value}\n" for key, value in VALUES.items()))
    assert ours(["map", "build", "-t", "=", "source", f"{base}.db"], cwd=tmp_path) == (0, b"", b"")
    extension = ".db"
    for step in steps:
        done = ours(["map", "migrate", f"{base}{extension}", "--to", step, "--cf", "cf"], cwd=tmp_path)
        assert (done.exit, done.out) == (0, b""), done
        extension = {"cdb": ".cdb", "text": ""}.get(step, ".db")
    blocks = test_mode(program("sendmail"), tmp_path / "cf", [f"/map acc {key}" for key in VALUES])
    assert [found(block) for block in blocks] == [value.replace("%%", "%") for value in VALUES.values()]
    assert " no match " in test_mode(program("sendmail"), tmp_path / "cf", ["/map acc nothing"])[0]


def test_what_is_changed_in_place_is_sound_to_berkeley_db(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    records = {f"key{at}": "v" * (at % 700) + "." for at in range(160)}
    (tmp_path / "source").write_text("".join(f"{key} {value}\n" for key, value in records.items()))
    for kind in ("hash", "btree"):
        assert ours(["map", "build", "source", f"{kind}.db", "--format", kind], cwd=tmp_path).exit == 0
        for at in range(0, 160, 40):
            assert ours(["map", "set", f"{kind}.db", f"key{at}", "w" * 900], cwd=tmp_path).exit == 0
            assert (
                ours(
                    ["editmap", "-C", "/dev/null", "-u", kind, kind, f"new{at}", "x" * 3000], cwd=tmp_path
                ).exit
                == 0
            )
            assert ours(["map", "rm", f"{kind}.db", f"key{at + 1}"], cwd=tmp_path).exit == 0
        verified = real(program("db5.3_verify"), ["db5.3_verify", "-q", f"{kind}.db"], cwd=tmp_path)
        assert (verified.exit, verified.out) == (0, b""), verified
        theirs = real(program("makemap"), ["makemap", "-C", "/dev/null", "-u", kind, kind], cwd=tmp_path)
        mine = ours(["map", "dump", f"{kind}.db"], cwd=tmp_path)
        assert sorted(theirs.out.split(b"\n")) == sorted(mine.out.split(b"\n"))
        assert mine.out.count(b"\n") == 160


def test_editmap_waits_for_our_lock(program: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "source").write_text("a 1\n")
    assert ours(["map", "build", "source", "m.db"], cwd=tmp_path).exit == 0
    words = ["timeout", "0.5", program("editmap"), "-C", "/dev/null", "-q", "hash", "m", "a"]
    assert real("/usr/bin/timeout", words, cwd=tmp_path) == (0, b"1\n", b"")
    with files.Lock(str(tmp_path / "m.db")):
        assert real("/usr/bin/timeout", words, cwd=tmp_path).exit == 124
    with files.Lock(str(tmp_path / "m.db"), shared=True):
        assert real("/usr/bin/timeout", words, cwd=tmp_path).exit == 0


def test_killed_at_any_time_the_old_map_or_the_new_one_is_there(
    program: Callable[[str], str], tmp_path: Path
) -> None:
    """By a signal from outside; tests/test_map_crash.py goes through every call."""
    sizes = {}
    for name, count in (("old", 1000), ("new", 20_000)):
        lines = b"".join(b"key%d\tvalue %s\n" % (at, name.encode()) for at in range(count))
        (tmp_path / name).write_bytes(lines)
        sizes[name] = sorted(lines.split(b"\n"))
    words = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "/dev/null", "hash", "m"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    begin = time.monotonic()
    subprocess.run(words, cwd=tmp_path, stdin=open(tmp_path / "new"), check=True, env=environment)
    whole = time.monotonic() - begin
    found = []
    for turn in range(12):
        (tmp_path / "m.db").unlink()
        assert ours(["map", "build", "old", "m.db"], cwd=tmp_path).exit == 0
        started = subprocess.Popen(words, cwd=tmp_path, stdin=open(tmp_path / "new"), env=environment)
        time.sleep(whole * (turn + 1) / 12)
        started.kill()
        started.wait()
        assert real(program("db5.3_verify"), ["db5.3_verify", "-q", "m.db"], cwd=tmp_path).exit == 0
        left = real(program("makemap"), ["makemap", "-C", "/dev/null", "-u", "hash", "m"], cwd=tmp_path)
        found.append(next(name for name, lines in sizes.items() if sorted(left.out.split(b"\n")) == lines))
    assert ours(["map", "build", "new", "m.db"], cwd=tmp_path).exit == 0
    assert sorted(os.listdir(tmp_path)) == ["m.db", "new", "old"], "what the dead left is swept by the next"
    assert "old" in found
