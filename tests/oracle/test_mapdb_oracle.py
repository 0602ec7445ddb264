"""Our hash files in the hands of Berkeley DB, makemap, editmap and sendmail.

The one thing to know: the verifier does not check the order of keys within a page, so every key is also looked
up by the C library.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path
from typing import Callable, Dict

import pytest
from sendmail import test_mode

from sendmailcf import mapdb
from sendmailcf.mapdb import hash as hash_format

pytestmark = pytest.mark.oracle

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]
LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789.-@"


@pytest.fixture
def run(program: Callable[[str], str], tmp_path: Path) -> Run:
    """Run one of the real programs in an empty directory; it must succeed."""
    (tmp_path / "test.cf").touch()

    def call(name: str, *arguments: str, source: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        first = [program(name)] + (["-C", "test.cf"] if name in ("makemap", "editmap") else [])
        done = subprocess.run(
            [*first, *arguments], cwd=tmp_path, input=source, capture_output=True, check=False
        )
        assert done.returncode == 0, (name, done.stderr)
        return done

    return call


def random_pairs(count: int, seed: int) -> Dict[bytes, bytes]:
    """Pairs as a map source could hold them: any length, and many keys that begin with each other."""
    chance = random.Random(seed)
    pairs: Dict[bytes, bytes] = {}
    stem = b""
    while len(pairs) < count:
        key = bytes(chance.choices(LETTERS, k=chance.choice([1, 3, 8, 30, 60])))
        stem = stem + key[:1] if chance.random() < 0.3 and len(stem) < 80 else key
        value = bytes(chance.choices(LETTERS + b" \xc3\xa9:\"'", k=chance.choice([1, 10, 60, 200])))
        pairs[stem] = b"v" + value
    return pairs


def dump(run: Run) -> Dict[bytes, bytes]:
    """What the C library finds, by makemap -u."""
    out = run("makemap", "-u", "hash", "m").stdout
    return dict(line.split(b"\t", 1) for line in out.split(b"\n") if line)


def verify(run: Run) -> None:
    # It complains of the order in a page on standard output alone.
    assert run("db5.3_verify", "-q", "m.db").stdout == b""


@pytest.mark.parametrize("byteorder", ["little", "big"])
@pytest.mark.parametrize("count", [0, 1, 10, 1_000, 100_000])
def test_the_c_library_reads_and_goes_on(
    run: Run, program: Callable[[str], str], tmp_path: Path, count: int, byteorder: str
) -> None:
    pairs = random_pairs(count, count)
    (tmp_path / "m.db").write_bytes(hash_format.build(pairs.items(), byteorder=byteorder))
    verify(run)
    assert dump(run) == pairs
    # Inserting a key that is there fails, so a run in which all fail found all: 65 is makemap's word for it.
    again = b"".join(key + b"\tx\n" for key in pairs)
    done = subprocess.run(
        [program("makemap"), "-C", "test.cf", "-f", "-o", "hash", "m"],
        cwd=tmp_path, input=again, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == (65 if pairs else 0)
    assert done.stderr.count(b"duplicate key") == len(pairs)
    # It goes on inserting and splitting, and replacing.
    more = {b"new%d.%d" % (i, i * 7919 % 1000): b"n%d" % i for i in range(min(20_000, 2 * count + 50))}
    run("makemap", "-o", "hash", "m", source=b"".join(b"%s\t%s\n" % pair for pair in more.items()))
    run("editmap", "-u", "hash", "m", "edited", "by editmap")
    pairs.update(more)
    pairs[b"edited"] = b"by editmap"
    verify(run)
    assert dump(run) == pairs
    found = mapdb.open(tmp_path / "m.db")
    assert dict(found.items()) == pairs
    assert found.info.byteorder == byteorder


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_sendmail_finds_every_key(
    run: Run, program: Callable[[str], str], tmp_path: Path, byteorder: str
) -> None:
    pairs = {b"p" * n: b"v%d" % n for n in range(1, 120)}
    pairs.update({b"p" * n + b".x": b"w%d" % n for n in range(1, 120)})
    (tmp_path / "m.db").write_bytes(hash_format.build(pairs.items(), byteorder=byteorder))
    cf = tmp_path / "map.cf"
    cf.write_text("V10\nO QueueDirectory=/var/spool/mqueue\nMlocal, P=/bin/true, A=true\nKm hash m\n")
    blocks = test_mode(program("sendmail"), cf, [f"/map m {key.decode()}" for key in pairs], cwd=tmp_path)
    for (key, value), block in zip(pairs.items(), blocks):
        assert f"returns {value.decode()} (0)" in block, key


def test_we_read_what_makemap_writes(run: Run, tmp_path: Path) -> None:
    pairs = random_pairs(5_000, 7)
    run("makemap", "-f", "hash", "m", source=b"".join(b"%s\t%s\n" % pair for pair in pairs.items()))
    run("editmap", "-u", "hash", "m", "big", "x" * 20_000)
    run("editmap", "-x", "hash", "m", next(iter(pairs)).decode())
    del pairs[next(iter(pairs))]
    pairs[b"big"] = b"x" * 20_000
    found = mapdb.open(tmp_path / "m.db")
    assert dict(found.items()) == pairs
    assert all(found[key] == value for key, value in pairs.items())


def test_large_items_and_any_bytes(run: Run, tmp_path: Path) -> None:
    chance = random.Random(3)
    pairs = {chance.randbytes(chance.choice([0, 1, 5, 300, 2000])): chance.randbytes(chance.choice([0, 1, 1024, 1025, 9000]))
             for _ in range(300)}  # fmt: skip
    for byteorder in ("little", "big"):
        (tmp_path / "m.db").write_bytes(hash_format.build(pairs.items(), byteorder=byteorder))
        verify(run)
        lines = [line for line in run("db5.3_dump", "m.db").stdout.split(b"\n") if line.startswith(b" ")]
        items = [bytes.fromhex(line.decode()) for line in lines]
        assert dict(zip(items[::2], items[1::2])) == pairs


def test_files_are_no_larger_than_makemap_s(run: Run, tmp_path: Path) -> None:
    pairs = random_pairs(20_000, 11)
    run("makemap", "-f", "hash", "m", source=b"".join(b"%s\t%s\n" % pair for pair in pairs.items()))
    assert len(hash_format.build(pairs.items())) <= (tmp_path / "m.db").stat().st_size
