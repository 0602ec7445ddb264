"""Hash files: what is built is read back, and no bytes at all make the reader fail otherwise than by MapError.

The one thing to know: `tests/oracle/test_mapdb_oracle.py` lets Berkeley DB and makemap judge the same files.
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmailcf import mapdb
from sendmailcf.errors import MapError
from sendmailcf.mapdb import hash as hash_format
from sendmailcf.mapdb.hash.hashing import hashes_of

ORDERS = st.sampled_from(["little", "big"])
SIZES = st.sampled_from([512, 1024, 4096, 8192, 65536])
BYTES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from([b"\xff", b"\xff\xff", b"\n", b"\0", b"a", b"ab", b"abc", b"\x01"]),
    st.integers(0, 9000).map(lambda n: b"x" * n),
)


@given(st.dictionaries(BYTES, BYTES, max_size=60), ORDERS, SIZES)
@settings(max_examples=150)
def test_what_is_built_is_read(pairs: dict[bytes, bytes], byteorder: str, pagesize: int) -> None:
    image = hash_format.build(pairs.items(), byteorder=byteorder, pagesize=pagesize)
    found = mapdb.load(image)
    assert dict(found.items()) == pairs
    assert len(found) == len(pairs)
    assert found.info.byteorder == byteorder
    for key, value in pairs.items():
        assert found[key] == value
    assert found.get(b"no such key, surely") is None
    assert image == hash_format.build(pairs.items(), byteorder=byteorder, pagesize=pagesize)


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_many_records_fill_many_buckets(byteorder: str) -> None:
    pairs = {b"key%d.example" % i: b"value %d" % i for i in range(30_000)}
    found = mapdb.load(hash_format.build(pairs.items(), byteorder=byteorder))
    assert found.info.max_bucket > 255
    assert dict(found.items()) == pairs


def test_keys_that_begin_with_each_other_stand_longest_first() -> None:
    keys = [b"p" * n for n in range(200)] + [b"p" * n + b"\xff" for n in range(0, 200, 7)]
    image = hash_format.build([(key, b"v") for key in keys], pagesize=65536)
    found = mapdb.load(image)
    for bucket in range(found.info.max_bucket + 1):
        for number, page, offsets in found._reader.chain(bucket):
            held = [found._reader.key(number, page, offsets, at) for at in range(0, len(offsets), 2)]
            for first, second in zip(held, held[1:]):
                longer_first = first.startswith(second)
                assert longer_first or (first < second and not second.startswith(first))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"", 0x00000000), (b"a", 0x00000061), (b"ab", 0x610098D1), (b"@\0", 0x400064C0), (b"root", 0x0CD521A8),
        (b"postmaster", 0xF8622FE8), (b"\xc3\xa4\xff", 0x57E24898), (b"%$sniglet^&\0", 0x5E688DD1),
    ],
)  # fmt: skip
def test_the_hash_is_berkeley_db_s(key: bytes, value: int) -> None:
    assert hash_format.hash_of(key) == value


@given(st.lists(st.binary(max_size=200), max_size=50))
def test_many_hashes_are_the_same_as_one_by_one(keys: list[bytes]) -> None:
    assert list(hashes_of(keys, 200)) == [hash_format.hash_of(key) % (1 << 23) for key in keys]


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(MapError, match="more than once"):
        hash_format.build([(b"a", b"1"), (b"a", b"2")])
    replaced = hash_format.Builder(replace=True)
    replaced.add([b"a", b"a"], [b"1", b"2"])
    assert dict(mapdb.load(replaced.image()).items()) == {b"a": b"2"}


def test_written_to_a_file_it_is_the_same(tmp_path: Path) -> None:
    builder = hash_format.Builder()
    builder.add([b"a", b"b", b"a"], [b"1", b"2", b"3"], [5, 6, 9])
    with open(tmp_path / "x.db", "wb+") as file:
        assert builder.write(file.fileno()) == [(9, b"a")]
    found = mapdb.open(tmp_path / "x.db")
    assert dict(found.items()) == {b"a": b"1", b"b": b"2"}
    assert (tmp_path / "x.db").stat().st_size == (found.info.last_page + 1) * 4096


def everything(data: bytes) -> None:
    """Read all there is; only MapError may come of it."""
    try:
        found = mapdb.load(data)
        list(found.items())
        found.get(b"key")
    except MapError as error:
        assert error.offset is None or 0 <= error.offset <= len(data)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    everything(data)


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=300)
def test_damaged_files_are_read_or_refused(seed: int, count: int) -> None:
    chance = random.Random(seed)
    pairs = [(b"key%d" % i, b"v" * chance.choice([1, 30, 200, 700])) for i in range(40)]
    image = bytearray(hash_format.build(pairs, byteorder=chance.choice(["little", "big"]), pagesize=512))
    for _ in range(count):
        # Headers and index arrays are where it hurts.
        page = chance.randrange(len(image) // 512) * 512
        image[page + chance.randrange(60 if chance.random() < 0.8 else 512)] = chance.choice(
            [0, 1, 2, 3, 7, 13, 127, 255]
        )
    everything(bytes(image[: chance.choice([len(image), len(image), chance.randrange(len(image))])]))


def test_a_circle_of_pages_ends() -> None:
    image = bytearray(
        hash_format.build([(b"k%d" % i, b"v" * 100) for i in range(50)], byteorder="little", pagesize=512)
    )
    struct.pack_into("<I", image, 512 + 16, 1)  # the first bucket's page follows itself
    with pytest.raises(MapError, match="circle"):
        list(mapdb.load(bytes(image)).items())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"short", "truncated"),
        (b"x" * 600, "magic"),
        (b"\0" * 12 + struct.pack("<I", 0x53162) + b"\0" * 600, "btree"),
        (struct.pack(">I", 0x61561) + b"\0" * 600, "1.85"),
        (hash_format.build([(b"a", b"b")])[:8192], "truncated"),
        (hash_format.build([(b"a", b"b")])[:5000], "truncated"),
    ],
    ids=["empty", "short", "text", "btree", "hash185", "no-last-page", "half-page"],
)
def test_foreign_and_broken_files_are_named(data: bytes, says: str) -> None:
    with pytest.raises(MapError, match=says):
        mapdb.load(data)


def test_wrong_arguments_are_told() -> None:
    with pytest.raises(MapError):
        hash_format.Builder("middle")
    with pytest.raises(MapError):
        hash_format.Builder(pagesize=1000)


def test_the_default_byte_order_is_this_machine_s() -> None:
    assert mapdb.load(hash_format.build([])).info.byteorder == sys.byteorder
