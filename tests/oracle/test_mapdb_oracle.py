"""Our hash files in the hands of Berkeley DB, makemap, editmap and sendmail.

The one thing to know: the verifier does not check the order of keys within a page, so every key is also looked
up by the C library.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Tuple

import pytest
from conftest import FUZZ, absent
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sendmail import test_mode

from sendmailcf import mapdb
from sendmailcf.mapdb import hash as hash_format
from sendmailcf.mapdb.hash import Builder, Editor, HashMap

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


def test_a_large_map_is_printed_as_makemap_prints_it(run: Run, tmp_path: Path) -> None:
    source = b"".join(b"%s\t%s%700d\n" % (key, value, 0) for key, value in random_pairs(13_000, 7).items())
    run("makemap", "hash", "theirs", source=source)
    ours = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "test.cf"]
    subprocess.run([*ours, "hash", "m"], cwd=tmp_path, input=source, check=True)
    for name in ("theirs", "m"):
        assert (tmp_path / f"{name}.db").stat().st_size > 8 << 20
        printed = subprocess.run([*ours, "-u", "hash", name], cwd=tmp_path, capture_output=True, check=True).stdout
        assert printed == run("makemap", "-u", "hash", name).stdout


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


# The C library itself, through its binding.

try:
    import berkeleydb.db as library
except ImportError:
    library = None

Values = Dict[bytes, List[bytes]]


def random_value(chance: random.Random, pagesize: int) -> bytes:
    if chance.random() < 0.2:
        return chance.randbytes(chance.choice([0, 5, pagesize // 4, pagesize // 4 + 1, 3 * pagesize]))
    return chance.randbytes(chance.randrange(30))


def random_key(chance: random.Random, pagesize: int) -> bytes:
    """One of some hundred keys; short ones of any bytes, and many that begin with each other, among them.

    None is empty: the library itself puts an empty key first on a page, now and then, and does not find it again.
    """
    return chance.choice(
        [
            b"k%d" % chance.randrange(300),
            chance.randbytes(chance.randrange(1, 4)),
            b"p" * chance.randrange(1, pagesize // 4),
        ]
    )


class Kind:
    """A random kind of file."""

    def __init__(self, chance: random.Random) -> None:
        self.pagesize = chance.choice([512, 512, 1024, 4096])
        self.several = chance.random() < 0.5
        self.version = chance.choice([9, 9, 8])
        self.byteorder = chance.choice(["little", "big"])

    def build(self, values: Values) -> bytes:
        made = Builder(self.byteorder, self.pagesize, duplicates=self.several, version=self.version)
        pairs = [(key, value) for key, found in values.items() for value in found]
        made.add([key for key, _ in pairs], [value for _, value in pairs])
        return made.image()

    def create(self, path: Path, values: Values) -> None:
        """The same by the C library."""
        made = library.DB()
        made.set_pagesize(self.pagesize)
        made.set_lorder(1234 if self.byteorder == "little" else 4321)
        if self.several:
            made.set_flags(library.DB_DUP)
        made.open(str(path), None, library.DB_HASH, library.DB_CREATE)
        for key, found in values.items():
            for value in found:
                made.put(key, value)
        made.close()


def random_values(chance: random.Random, kind: Kind) -> Values:
    found: Values = {}
    for _ in range(chance.choice([0, 3, 30, 300])):
        count = chance.choice([1, 1, 1, 3, 60]) if kind.several else 1
        found[random_key(chance, kind.pagesize)] = [random_value(chance, kind.pagesize) for _ in range(count)]
    return found


def opened(path: Path) -> Any:
    if library is None:
        absent("the binding berkeleydb")
    found = library.DB()
    found.open(str(path), None, library.DB_HASH, 0)
    return found


def grouped(pairs: Iterable[Tuple[bytes, bytes]]) -> Values:
    """The values of each key, in order."""
    out: Values = {}
    for key, value in pairs:
        out.setdefault(key, []).append(value)
    return out


def all_of(found: Any) -> Values:
    cursor, pairs = found.cursor(), []
    pair = cursor.first()
    while pair:
        pairs.append(pair)
        pair = cursor.next()
    cursor.close()
    return grouped(pairs)


def change(chance: random.Random, kind: Kind, model: Values, put: Any, remove: Any, count: int) -> None:
    """Random changes, made in the model, too."""
    for _ in range(count):
        key = random_key(chance, kind.pagesize)
        if chance.random() < 0.6:
            value = random_value(chance, kind.pagesize)
            put(key, value)
            model[key] = [*model.get(key, []), value] if kind.several else [value]
        elif key in model:
            remove(key)
            del model[key]


def sound(run: Run, path: Path, model: Values) -> None:
    """Both verifiers find nothing, and our reader finds all."""
    verify(run)
    data = path.read_bytes()
    assert hash_format.verify(data) == []
    assert grouped(HashMap(data).pairs()) == model


@pytest.mark.parametrize("seed", range(8 * FUZZ))
def test_the_library_and_ours_take_turns(run: Run, tmp_path: Path, seed: int) -> None:
    if library is None:
        absent("the binding berkeleydb")
    chance, path = random.Random(seed), tmp_path / "m.db"
    kind = Kind(chance)
    model = random_values(chance, kind)
    if seed % 3:
        path.write_bytes(kind.build(model))
    else:
        kind.create(path, model)
    for _ in range(3):
        sound(run, path, model)
        theirs = opened(path)
        assert all_of(theirs) == model
        assert all(theirs.get(key) == values[0] for key, values in model.items())
        change(chance, kind, model, theirs.put, theirs.delete, chance.choice([5, 100, 500]))
        theirs.close()
        sound(run, path, model)
        fd = os.open(path, os.O_RDWR)
        try:
            editor = Editor(fd)
            change(chance, kind, model, editor.put, editor.remove, chance.choice([5, 60]))
        finally:
            os.close(fd)


# Drawn sets of any size, both ways.


def of_one_bucket(chance: random.Random) -> bytes:
    """One of many keys whose hashes end with the same 16 bits."""
    while True:
        start = chance.randbytes(5)
        for byte in range(256):
            h = hash_format.hash_of(start + bytes((byte,))) * 16777619
            if h & 0xFF00 == 0x1200:
                return start + bytes((byte, h & 0xFF ^ 0x34))


def any_bytes(chance: random.Random, pagesize: int, count: int) -> bytes:
    """Empty, short, of any bytes, with a NUL at the end, larger than a page where that does not cost too much."""
    size = chance.choice([0, 1, 2, 8, 30, 60])
    if count < 3000 and chance.random() < 0.1:
        size = chance.choice([pagesize // 4 - 1, pagesize // 4, pagesize // 4 + 1, pagesize, 3 * pagesize])
    data = chance.randbytes(size)
    return data + b"\0" if chance.random() < 0.1 else data


def drawn(chance: random.Random, count: int, kind: Kind, shape: str) -> Values:
    """Keys and their values.  shape: `bytes`, `lines` as a map source has them, or `bucket`: many of one bucket."""
    found: Values = {b"": [b"of an empty key"]} if count > 5 and chance.random() < 0.5 else {}
    stem = b""
    while len(found) < count:
        if shape == "lines":
            key, one = b"user%d@host%d.example" % (len(found), chance.randrange(900)), b"relay:[%d]" % chance.randrange(1 << 40)
        else:
            key = of_one_bucket(chance) if shape == "bucket" and len(found) < 1500 else any_bytes(chance, kind.pagesize, count)
            if chance.random() < 0.2 and len(stem) < 80:
                key = stem + key[:1]
            stem, one = key, any_bytes(chance, kind.pagesize, count)
        found[key] = [one]
        if kind.several and chance.random() < 0.05:
            more = chance.choice([1, 3, 20, 900 if count < 3000 else 4])
            found[key] += [any_bytes(chance, 512, count) if shape != "lines" else b"%d" % at for at in range(more)]
    return found


def dumped(run: Run) -> Values:
    """What db5.3_dump prints."""
    lines = [line for line in run("db5.3_dump", "m.db").stdout.split(b"\n") if line.startswith(b" ")]
    items = [bytes.fromhex(line.decode()) for line in lines]
    return grouped(zip(items[::2], items[1::2]))


def _no_large_ones(model: Values, kind: Kind) -> Values:
    """A set with duplicates as the library itself stores it.

    With large keys and values beside sets of duplicates it uses a page for two things: it loses data, or dies.
    """
    most = kind.pagesize // 4
    return {key: [value[:most] for value in values] for key, values in model.items() if len(key) <= most}


#: More than that takes seconds; the largest set is an example of its own.
MANY = 16_000 if FUZZ == 1 else 200_000

COUNTS = st.one_of(st.integers(0, 40), st.integers(41, 2500), st.integers(2501, MANY))


@given(st.integers(0, 2**64), COUNTS, st.sampled_from(["bytes", "lines", "bucket"]))
@example(1, 200_000, "bytes")
@example(4, 20_000, "bucket")
@example(0, 2501, "bytes")
@example(120, 1592, "bytes")
@settings(
    max_examples=12 * FUZZ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)
def test_drawn_sets_both_ways(run: Run, tmp_path: Path, seed: int, count: int, shape: str) -> None:
    if library is None:
        absent("the binding berkeleydb")
    chance, path = random.Random(seed), tmp_path / "m.db"
    kind = Kind(chance)
    model = drawn(chance, count, kind, shape)
    for by_us in (True, False):
        path.unlink(missing_ok=True)
        if by_us:
            path.write_bytes(kind.build(model))
        else:
            model = _no_large_ones(model, kind) if kind.several else model
            kind.create(path, model)
        # Of its own files, too, it prints now and then that a key off its page is out of order.
        printed = run("db5.3_verify", "-q", "m.db").stdout
        assert not (by_us and printed)
        assert dumped(run) == model
        theirs = opened(path)
        assert all_of(theirs) == model
        if by_us:  # the library itself loses an empty key now and then
            assert all(theirs.get(key) == values[0] for key, values in model.items())
        theirs.close()
        with mapdb.open(path) as ours:
            assert grouped(ours.pairs()) == model
            assert all(ours[key] == values[0] for key, values in model.items())
            assert [fault for fault in ours.verify() if by_us or "out of order" not in str(fault)] == []
            assert b"".join(ours.text()) == run("makemap", "-u", "hash", "m").stdout
        for key in [key for key in model if key and b"\0" not in key][:2]:
            asked = subprocess.run(
                ["editmap", "-C", "test.cf", "-f", "-q", "hash", "m", key], cwd=tmp_path, capture_output=True, check=False
            )
            assert asked.stdout.startswith(model[key][0].partition(b"\0")[0])


#: Where our verifier says more than the library's, by what it says, and why.
STRICTER = {
    "the lowest item is said": "the library reads by the index alone, and would write over data with such a field",
    "out of order": "the library's verifier prints it, and succeeds",
    "pages are said to be there": "the library takes the field as it is when it adds a page",
    "its last page is missing": "the same, of a file that is too short for the field",
    "several databases": "the library opens no such file as a hash map",
    "bytes for a place": "the library reads 12 or 8 bytes of an item that names a page, whatever its length",
    "it is page 0": "the library takes such a page for an empty one, whatever else stands there",
    "run into their places": "the library compares an item with the places before its own alone",
}


@pytest.mark.parametrize("seed", range(4 * FUZZ))
def test_both_verifiers_agree_on_files_with_one_byte_changed(
    program: Callable[[str], str], tmp_path: Path, seed: int
) -> None:
    chance, path = random.Random(seed), tmp_path / "m.db"
    judge = program("db5.3_verify")
    agreed = 0
    for _ in range(8):
        kind = Kind(chance)
        if chance.random() < 0.5 or library is None:
            path.write_bytes(kind.build(random_values(chance, kind)))
        else:
            path.unlink(missing_ok=True)
            kind.create(path, random_values(chance, kind))
        data = path.read_bytes()
        for _ in range(12):
            changed = bytearray(data)
            # The first bytes of a page are where it hurts.
            at = chance.randrange(len(data) // 512) * 512 * (chance.random() < 0.7)
            at += chance.choice([chance.randrange(26), chance.randrange(60), chance.randrange(512)])
            changed[at] = chance.choice(
                [changed[at] ^ 1 << chance.randrange(8), chance.randrange(256), 0, 255]
            )
            path.write_bytes(changed)
            try:
                theirs = subprocess.run(
                    [judge, "-q", str(path)], capture_output=True, check=False, timeout=3
                ).returncode
            except subprocess.TimeoutExpired:
                theirs = 1  # it goes round in circles
            ours = [str(fault) for fault in hash_format.verify(bytes(changed))]
            if theirs:
                assert ours, (at, data[at], changed[at])
            else:
                unknown = [fault for fault in ours if not any(known in fault for known in STRICTER)]
                assert unknown == [], (at, data[at], changed[at])
            agreed += bool(theirs) == bool(ours)
    assert agreed > 80


@pytest.mark.parametrize("several", [False, True])
def test_a_file_for_solaris_is_read_after_an_upgrade(run: Run, tmp_path: Path, several: bool) -> None:
    chance = random.Random(several)
    pairs = [(b"key%d" % at, chance.randbytes(chance.choice([3, 30, 1100]))) for at in range(2000)]
    pairs += [(b"key%d" % (at % 7), b"again %d" % at * (at % 9)) for at in range(500)] * several
    made = Builder(version=5, duplicates=several)  # db5.3_upgrade refuses the other byte order
    made.add([key for key, _ in pairs], [value for _, value in pairs])
    (tmp_path / "m.db").write_bytes(made.image())
    expected = grouped(pairs)
    run("db5.3_upgrade", "m.db")
    verify(run)
    upgraded = mapdb.open(tmp_path / "m.db")
    assert grouped(upgraded.pairs()) == expected
    # The upgrade counts one page too many, which is all that is wrong.
    assert ["pages are said to be there" in str(fault) for fault in upgraded.verify()] == [True]
    lines = [line for line in run("db5.3_dump", "m.db").stdout.split(b"\n") if line.startswith(b" ")]
    items = [bytes.fromhex(line.decode()) for line in lines]
    assert grouped(zip(items[::2], items[1::2])) == expected


def test_duplicates_stand_as_makemap_stores_them(run: Run, tmp_path: Path) -> None:
    chance = random.Random(1)
    pairs: List[Tuple[bytes, bytes]] = []
    for at in range(3000):
        pairs.append(
            (b"key%d" % chance.randrange(at // 3 + 1), b"v%d" % chance.randrange(9) * chance.choice([1, 40]))
        )
    pairs += [(b"many", b"value %d" % (at % 400)) for at in range(900)]
    source = b"".join(b"%s\t%s\n" % pair for pair in pairs)
    run("makemap", "-d", "hash", "real", source=source)
    made = Builder(duplicates=True)
    made.add([key for key, _ in pairs], [value for _, value in pairs])
    (tmp_path / "m.db").write_bytes(made.image())
    verify(run)
    # The order of keys is that of buckets, which are not as many; that of one key's values is the same.
    printed = [sorted(run("makemap", "-u", "hash", name).stdout.split(b"\n"), key=lambda line: line.split(b"\t")[0])
               for name in ("real", "m")]  # fmt: skip
    assert printed[0] == printed[1]
    real = mapdb.open(tmp_path / "real.db")
    assert sorted(real.pairs()) == sorted(pairs)
    assert real.verify() == []
    assert b"".join(real.text()) == run("makemap", "-u", "hash", "real").stdout
    run("editmap", "-u", "hash", "m", "key1", "one more")
    assert [value for key, value in mapdb.open(tmp_path / "m.db").pairs() if key == b"key1"] == [
        *(value for key, value in pairs if key == b"key1"),
        b"one more",
    ]


def test_editmap_and_ours_change_the_same_file(run: Run, tmp_path: Path) -> None:
    pairs = {b"key%d" % at: b"v%d" % at for at in range(20_000)}
    run("makemap", "hash", "m", source=b"".join(b"%s\t%s\n" % pair for pair in pairs.items()))
    fd = os.open(tmp_path / "m.db", os.O_RDWR)
    try:
        editor = Editor(fd)
        for at in range(60):
            assert editor.put(b"new%d" % at, b"n" * at * 30)
            assert editor.remove(b"key%d" % at)
    finally:
        os.close(fd)
    assert run("editmap", "-q", "hash", "m", "new59").stdout == b"n" * 59 * 30 + b"\n"
    run("editmap", "-u", "hash", "m", "new3", "x")
    run("editmap", "-x", "hash", "m", "new4")
    verify(run)
    model = {key: value for key, value in pairs.items() if int(key[3:]) >= 60}
    model.update({b"new%d" % at: b"n" * at * 30 for at in range(60) if at != 4})
    model[b"new3"] = b"x"
    assert dict(mapdb.open(tmp_path / "m.db").pairs()) == model
