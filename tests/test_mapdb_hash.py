"""Hash files: what is built is read back, and no bytes at all make the reader fail otherwise than by MapError.

The one thing to know: `tests/oracle/test_mapdb_oracle.py` lets Berkeley DB and makemap judge the same files.
"""

from __future__ import annotations

import os
import random
import re
import struct
import sys
from pathlib import Path
from typing import Iterable, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sendmailcf import mapdb
from sendmailcf.errors import MapError
from sendmailcf.mapdb import hash as hash_format
from sendmailcf.mapdb.base import MOST_FAULTS
from sendmailcf.mapdb.hash import Builder, Editor, HashMap, edit
from sendmailcf.mapdb.hash.hashing import hashes_of
from sendmailcf.mapdb.hash.workers import print_together

ORDERS = st.sampled_from(["little", "big"])
SIZES = st.sampled_from([512, 1024, 2048, 4096, 8192, 16384, 32768, 65536])
VERSIONS = st.sampled_from([9, 8, 5])
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


def grouped(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """The values of each key, in order."""
    out: dict[bytes, list[bytes]] = {}
    for key, value in pairs:
        out.setdefault(key, []).append(value)
    return out


def built(pairs: list[tuple[bytes, bytes]], **options: object) -> bytes:
    builder = Builder(**options)  # type: ignore[arg-type]
    builder.add([key for key, _ in pairs], [value for _, value in pairs])
    return builder.image()


KEYS = st.one_of(st.sampled_from([b"a", b"b", b"ab", b"\xff", b"k" * 200]), BYTES)


@given(st.lists(st.tuples(KEYS, BYTES), max_size=80), ORDERS, SIZES, VERSIONS)
@settings(max_examples=120)
def test_duplicates_are_all_kept_in_their_order(
    pairs: list[tuple[bytes, bytes]], byteorder: str, pagesize: int, version: int
) -> None:
    image = built(pairs, byteorder=byteorder, pagesize=pagesize, version=version, duplicates=True)
    found = mapdb.load(image)
    assert (found.info.version, found.info.byteorder, found.info.duplicates) == (version, byteorder, True)
    assert grouped(found.pairs()) == grouped(pairs)
    assert len(found) == len(pairs)
    for key, values in grouped(pairs).items():
        assert found[key] == values[0]
    assert found.verify() == []


@pytest.mark.parametrize("version", [9, 8, 5])
@pytest.mark.parametrize("pagesize", [512, 4096, 65536])
def test_a_set_of_many_duplicates_is_a_tree(pagesize: int, version: int) -> None:
    values = [b"%d" % at * (at % 60 + 1) for at in range(20_000)] + [b"large" * pagesize]
    image = built([(b"key", value) for value in values], pagesize=pagesize, version=version, duplicates=True)
    found = mapdb.load(image)
    assert [value for _, value in found.pairs()] == values
    assert found[b"key"] == values[0]
    assert found.verify() == []


@given(st.dictionaries(BYTES, BYTES, max_size=60), ORDERS, SIZES, VERSIONS)
def test_every_version_is_read_and_sound(
    pairs: dict[bytes, bytes], byteorder: str, pagesize: int, version: int
) -> None:
    found = mapdb.load(built(list(pairs.items()), byteorder=byteorder, pagesize=pagesize, version=version))
    assert dict(found.pairs()) == pairs
    assert all(found[key] == value for key, value in pairs.items())
    assert found.verify() == []
    text = b"".join(
        key.split(b"\0")[0] + b"=" + value.split(b"\0")[0] + b"\n" for key, value in found.pairs()
    )
    assert b"".join(found.text(b"=")) == text


def test_many_keys_of_one_bucket_make_a_long_chain() -> None:
    found_keys = (b"key%d" % at for at in range(1_000_000))
    keys = [key for key in found_keys if hash_format.hash_of(key) & 0xFFF == 7][:200]
    pairs = [(key, b"v" * 90) for key in keys]
    found = mapdb.load(built(pairs, pagesize=512))
    assert max(sum(1 for _ in found._reader.chain(at)) for at in range(found.info.max_bucket + 1)) >= 40
    assert dict(found.pairs()) == dict(pairs)
    assert all(found[key] == value for key, value in pairs)
    assert found.verify() == []


@pytest.mark.parametrize(("count", "odd"), [(50_000, 50), (30_000, 5001), (30_000, 1 << 30), (33_000, 1 << 30)])
def test_a_file_is_the_same_whether_its_records_were_in_memory_or_not(count: int, odd: int) -> None:
    shares = []
    pairs = [
        (b"key%d\xff" % at if at % odd == 0 else b"key%d" % (at % (count - 9000)), b"v%d" % at)
        for at in range(1, count + 1)
    ]
    images = []
    for memory in (1 << 30, 0, 300_000):
        builder = Builder(memory=memory, progress=shares.append)
        for at in range(0, len(pairs), 5000):
            some = pairs[at : at + 5000]
            builder.add([key for key, _ in some], [value for _, value in some], range(at + 1, at + 5001))
        images.append(builder.image())
        assert len(builder.duplicates) == len(pairs) - len(dict(pairs))
        assert all(pairs[line - 1][0] == key for line, key in builder.duplicates)
    assert images[0] == images[1] == images[2]
    assert shares[-1] == 1.0


def printed_by_two(image: bytes, path: Path) -> Tuple[bytes, str]:
    """What two processes print of a map, and what they raise."""
    found, fault = HashMap(image), ""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        print_together(fd, found.runs(b":", 0, 2), found.runs(b":", 1, 2))
    except MapError as error:
        fault = str(error)
    finally:
        os.close(fd)
    return path.read_bytes(), fault


@pytest.mark.parametrize("count", [0, 1, 300, 1000, 3000, 30_000])
def test_two_processes_print_what_one_prints(tmp_path: Path, count: int) -> None:
    chance = random.Random(count)
    keys = [b"key%d" % at for at in range(count)]
    values = [b"v" * chance.choice([1, 40, 400]) + b"\0x" * (at % 50 == 7) for at in range(count)]
    image = hash_format.build(zip(keys, values), pagesize=512)
    text = b"".join(HashMap(image).text(b":"))
    assert text.count(b"\n") == count
    assert printed_by_two(image, tmp_path / "out") == (text, "")


@pytest.mark.parametrize("batch", [0, 1, 15, 16, 17, 31, 32, 40, 50, 63])
def test_two_processes_print_what_stands_before_a_fault(tmp_path: Path, batch: int) -> None:
    keys = [b"key%d.%s" % (at, b"k" * 60) for at in range(6000)]
    image = bytearray(hash_format.build(zip(keys, keys), pagesize=512))
    assert mapdb.load(bytes(image)).info.max_bucket == 4 * 512 - 1
    # Buckets follow each other from page 1 on, 32 of them in a piece.
    image[(1 + 32 * batch) * 512 + 25] = 99
    with pytest.raises(MapError) as raised:
        list(HashMap(bytes(image)).text(b":"))
    before = HashMap(bytes(image)).text(b":")
    pieces = [next(before) for _ in range(batch)]
    assert printed_by_two(bytes(image), tmp_path / "out") == (b"".join(pieces), str(raised.value))


def test_more_lookups_than_a_table_is_worth() -> None:
    pairs = {b"key%d" % at: b"%d" % at for at in range(3000)}
    found = mapdb.load(hash_format.build(pairs.items()))
    assert all(found[key] == value for key, value in pairs.items())
    assert found._steps is not None
    assert all(found[key] == value for key, value in pairs.items())
    assert not any(key + b"x" in found for key in pairs)


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "keep", "remove"]), KEYS, BYTES), min_size=1, max_size=25
)


@given(
    st.lists(st.tuples(KEYS, BYTES), max_size=30),
    OPERATIONS,
    st.booleans(),
    ORDERS,
    SIZES,
    st.sampled_from([9, 8]),
)
@settings(max_examples=80)
def test_single_keys_are_changed_in_place(
    pairs: list[tuple[bytes, bytes]],
    operations: list[tuple[str, bytes, bytes]],
    several: bool,
    byteorder: str,
    pagesize: int,
    version: int,
) -> None:
    model = grouped(pairs) if several else {key: [value] for key, value in dict(reversed(pairs)).items()}
    image = built(pairs, byteorder=byteorder, pagesize=pagesize, version=version, duplicates=several)
    with memory_file(image) as fd:
        editor = Editor(fd)
        for what, key, value in operations:
            if what == "remove":
                assert editor.remove(key) == (key in model)
                model.pop(key, None)
            elif editor.put(key, value, replace=what == "put"):
                model[key] = [*model.get(key, []), value] if several else [value]
            else:
                assert (what, key in model, several) == ("keep", True, False)
            assert editor.get(key) == model.get(key, [None])[0]
        found = mapdb.load(whole(fd))
        assert found.verify() == []
        assert grouped(found.pairs()) == model


class memory_file:  # noqa: N801 - it reads as a function
    """A file with some bytes, open for reading and writing, without a name."""

    def __init__(self, data: bytes) -> None:
        import tempfile

        self._file = tempfile.TemporaryFile()
        self._file.write(data)
        self._file.flush()

    def __enter__(self) -> int:
        return self._file.fileno()

    def __exit__(self, *_: object) -> None:
        self._file.close()


def whole(fd: int) -> bytes:
    return os.pread(fd, os.fstat(fd).st_size, 0)


class Stopped(Exception):  # noqa: N818 - what a power failure is called here
    pass


def stop_after(monkeypatch: pytest.MonkeyPatch, sectors: int) -> None:
    """Let the machine stop when so many sectors of 512 bytes were written, or changes of length were made."""
    left = [sectors]
    pwrite, ftruncate = os.pwrite, os.ftruncate

    def write(fd: int, data: bytes, at: int) -> int:
        done = 0
        while done < len(data):
            if left[0] == 0:
                raise Stopped
            left[0] -= 1
            done += pwrite(fd, bytes(data)[done : done + 512], at + done)
        return done

    def cut(fd: int, size: int) -> None:
        if left[0] == 0:
            raise Stopped
        left[0] -= 1
        ftruncate(fd, size)

    monkeypatch.setattr(edit.os, "pwrite", write)
    monkeypatch.setattr(edit.os, "ftruncate", cut)


@pytest.mark.parametrize("what", ["replace", "insert", "new page", "large", "remove", "tree"])
def test_a_change_is_made_whole_or_not_at_all(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    several = what == "tree"
    pairs = [(b"key%d" % at, b"v" * 60) for at in range(20)] + [(b"large", b"L" * 3000)]
    pairs += [(b"several", b"w%d" % at) for at in range(200)] * several
    before = built(pairs, pagesize=512, duplicates=several)

    def change(fd: int) -> None:
        editor = Editor(fd)
        if what == "remove":
            assert editor.remove(b"large")
        elif what == "tree":
            assert editor.remove(b"several")
        else:
            value = {"replace": b"V" * 60, "insert": b"", "new page": b"n" * 100, "large": b"x" * 2000}[what]
            assert editor.put(b"key5" if what == "replace" else b"new", value)

    with memory_file(before) as fd:
        change(fd)
        after = whole(fd)
    old, new = grouped(mapdb.load(before).pairs()), grouped(mapdb.load(after).pairs())
    assert old != new
    sectors, refused, outcomes = 0, 0, set()
    while True:
        with memory_file(before) as fd:
            try:
                with monkeypatch.context() as context:
                    stop_after(context, sectors)
                    change(fd)
                break
            except Stopped:
                pass
            try:
                assert grouped(mapdb.load(whole(fd)).pairs()) in (old, new)
            except MapError as error:
                assert "interrupted" in str(error)
                refused += 1
            # The machine stops in the middle of the repair, too.
            for more in range(0, 12, 3):
                try:
                    with monkeypatch.context() as context:
                        stop_after(context, more)
                        Editor(fd)
                except Stopped:
                    continue
            Editor(fd)
            found = mapdb.load(whole(fd))
            assert found.verify() == []
            outcomes.add(grouped(found.pairs()) == new)
            assert grouped(found.pairs()) in (old, new)
        sectors += 1
    assert outcomes == {True, False}
    assert refused > 0


def test_a_file_that_went_on_after_an_interrupted_change_is_not_repaired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with memory_file(built([(b"a", b"1")], pagesize=512)) as fd:
        with monkeypatch.context() as context:
            stop_after(context, 5)  # four of the journal, one of the page
            editor = Editor(fd)
            with pytest.raises(Stopped):
                editor.put(b"a", b"2")
        os.pwrite(fd, b"X", (2 if hash_format.hash_of(b"a") & 1 else 1) * 512 + 500)
        held = whole(fd)
        with pytest.raises(MapError, match="rebuild"):
            Editor(fd)
        assert whole(fd) == held


@pytest.mark.parametrize("version", [5])
def test_old_versions_are_not_changed_in_place(version: int) -> None:
    with memory_file(built([(b"a", b"1")], version=version)) as fd, pytest.raises(MapError, match="rebuild"):
        Editor(fd)


#: Where the page of the first bucket begins in the file of the next test, in bytes.
PAGE = 512


@pytest.mark.parametrize(
    ("offset", "size", "value", "says"),
    [
        (8, 4, 7, "own number"),
        (28, 4, 9, "free pages"),
        (32, 4, 2, "pages are said"),
        (76, 4, 31, "mask"),
        (88, 4, 0x80000001, "too many"),
        (96 + 8, 4, 200, "bucket|doubling"),
        (PAGE + 8, 4, 99, "it says that it is page 99"),
        (PAGE + 12, 4, 2, "previous"),
        (PAGE + 16, 4, 99, "next page"),
        (PAGE + 16, 4, 2, "leads to it"),
        (PAGE + 20, 2, 3, "no value"),
        (PAGE + 20, 2, 800, "cannot be|do not fit"),
        (PAGE + 22, 2, 77, "lowest"),
        (PAGE + 24, 1, 1, "level"),
        (PAGE + 25, 1, 99, "type 99"),
        (PAGE + 26, 2, 600, "out of its place"),
        (PAGE + 511, 1, 0, "a key of bucket"),
    ],
)  # fmt: skip
def test_each_fault_is_reported(offset: int, size: int, value: int, says: str) -> None:
    pairs = [(b"key%d" % at, b"v" * 60) for at in range(40)]
    image = bytearray(built(pairs, pagesize=512, byteorder="little"))
    assert HashMap(bytes(image)).verify() == []
    assert image[PAGE + 20] >= 4
    image[offset : offset + size] = value.to_bytes(size, "little")
    faults = hash_format.verify(bytes(image))
    assert any(re.search(says, str(fault)) for fault in faults), [str(fault) for fault in faults]
    assert all(0 <= fault.offset <= len(image) for fault in faults if fault.offset is not None)


def test_no_more_faults_are_told_than_a_thousand() -> None:
    image = bytearray(hash_format.build([(b"%d" % at, b"v" * 200) for at in range(3000)], pagesize=512))
    for page in range(1, len(image) // 512):
        image[page * 512 + 8] ^= 0xFF
    assert len(hash_format.verify(bytes(image))) == MOST_FAULTS


def test_a_page_in_plain_order_is_reported() -> None:
    image = bytearray(built([(b"ab", b"1"), (b"a", b"2")], pagesize=512, byteorder="little"))
    page = image.index(b"\x01ab") // 512 * 512
    if hash_format.hash_of(b"a") & 1 != hash_format.hash_of(b"ab") & 1:
        pytest.skip("two buckets")
    first, second = b"\x012\x01a\x011\x01ab", b"\x011\x01ab\x012\x01a"
    image[page + 512 - len(first) : page + 512] = second
    struct.pack_into("<4H", image, page + 26, 510, 508, 505, 503)
    assert ["out of order" in str(fault) for fault in hash_format.verify(bytes(image))] == [True]


def everything(data: bytes) -> None:
    """Read all there is; only MapError may come of it."""
    faults = hash_format.verify(data)
    assert all(0 <= fault.offset <= len(data) for fault in faults if fault.offset is not None)
    try:
        found = mapdb.load(data)
        size = 0
        for key, value in found.items():
            size += len(key) + len(value)
        len(found)
        for piece in found.text():
            size += len(piece)
        found.get(b"key")
        found.get(b"key7")
        found.get(b"k" * 9000)
    except MapError as error:
        assert error.offset is None or 0 <= error.offset <= len(data)
    with memory_file(data) as fd:
        try:
            editor = Editor(fd)
            editor.get(b"key3")
            editor.put(b"key3", b"x" * 200)
            editor.put(b"new", b"x" * 2000)
            editor.remove(b"key7")
        except MapError:
            pass


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    everything(data)


@given(st.integers(0, 2**32), st.integers(1, 6), st.booleans(), VERSIONS)
@settings(max_examples=150)
def test_damaged_files_are_read_or_refused(seed: int, count: int, several: bool, version: int) -> None:
    chance = random.Random(seed)
    pairs = [(b"key%d" % i, b"v" * chance.choice([1, 30, 200, 700])) for i in range(40)]
    pairs += [(b"key7", b"w" * chance.choice([1, 30, 200])) for _ in range(60)] * several
    image = bytearray(
        built(
            pairs,
            byteorder=chance.choice(["little", "big"]),
            pagesize=512,
            version=version,
            duplicates=several,
        )
    )
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
