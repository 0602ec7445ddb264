"""Our btree, cdb, 1.85 hash and text files in the hands of other programs, and theirs in ours.

The one thing to know: each format has two judges that know nothing of each other.  Btree: Berkeley DB's programs,
makemap, editmap and sendmail, and the binding `berkeleydb`.  cdb: tinycdb, and `pure-cdb`, which is written in Python.
1.85 hash: the engine of NSS, whose key and certificate files have that format, and files of the original library.
"""

from __future__ import annotations

import io
import random
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from conftest import FUZZ, absent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendmail import test_mode

from sendmailcf import mapdb
from sendmailcf.errors import MapError
from sendmailcf.mapdb import btree, cdb, hash185, text

pytestmark = pytest.mark.oracle

Pairs = List[Tuple[bytes, bytes]]
Run = Callable[..., bytes]
ORDERS = {"little": 1234, "big": 4321}
SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
#: How many files with one changed byte are given to both verifiers.
CHANGED = 250 * FUZZ


@pytest.fixture
def run(program: Callable[[str], str], tmp_path: Path) -> Run:
    """Run one of the real programs in an empty directory; what it prints.  It must succeed."""
    (tmp_path / "test.cf").touch()

    def call(name: str, *arguments: str, source: bytes = b"") -> bytes:
        first = [program(name)] + (["-C", "test.cf"] if name in ("makemap", "editmap") else [])
        done = subprocess.run(
            [*first, *arguments], cwd=tmp_path, input=source, capture_output=True, check=False
        )
        assert done.returncode == 0, (name, done.stderr)
        return done.stdout

    return call


@pytest.fixture(scope="session")
def library() -> Any:
    """Berkeley DB's C library, by its Python binding."""
    try:
        from berkeleydb import db
    except ImportError:
        absent("the Python package berkeleydb")
    return db


def opened(
    library: Any,
    path: Path,
    *,
    create: bool = False,
    pagesize: int = 0,
    byteorder: str = "",
    duplicates: bool = False,
) -> Any:
    found = library.DB()
    if create:
        found.set_pagesize(pagesize)
        found.set_lorder(ORDERS[byteorder])
        if duplicates:
            found.set_flags(library.DB_DUP)
    found.open(str(path), None, library.DB_BTREE, library.DB_CREATE if create else 0)
    return found


def everything(found: Any) -> Pairs:
    """All pairs that a cursor of the C library finds."""
    cursor, out = found.cursor(), []
    pair = cursor.first()
    while pair is not None:
        out.append(pair)
        pair = cursor.next()
    cursor.close()
    return out


def dumped(run: Run, name: str) -> Pairs:
    """What db5.3_dump prints."""
    lines = [line for line in run("db5.3_dump", name).split(b"\n") if line.startswith(b" ")]
    items = [bytes.fromhex(line.decode()) for line in lines]
    return list(zip(items[::2], items[1::2]))


def drawn(count: int, seed: int, pagesize: int, *, duplicates: bool = False) -> Pairs:
    """Pairs of any bytes, empty ones, NULs, items larger than a page, and keys that begin with each other."""
    chance = random.Random(seed)
    long = [pagesize // 4 - 16, pagesize // 4, pagesize, 3 * pagesize] if count <= 300 else [60]
    pairs: Pairs = []
    stem = b""
    for _ in range(count):
        key = chance.randbytes(chance.choice([0, 1, 2, 3, 8, 30, chance.choice(long)]))
        stem = stem + key[:1] if chance.random() < 0.3 and len(stem) < 80 else key
        pairs.append((stem, chance.randbytes(chance.choice([0, 1, 10, 60, chance.choice(long)]))))
        if duplicates and chance.random() < 0.1:
            more = chance.choice([1, 2, 20, 3000 if count < 100 else 2])
            pairs += [(stem, chance.randbytes(chance.choice([0, 3, 8]))) for _ in range(more)]
    return pairs if duplicates else list(dict(pairs).items())


def by_key(pairs: Pairs) -> Pairs:
    return sorted(pairs, key=lambda pair: pair[0])


@pytest.mark.parametrize("byteorder", ORDERS)
@pytest.mark.parametrize("pagesize", SIZES)
@pytest.mark.parametrize("duplicates", [False, True], ids=["unique", "duplicates"])
def test_the_c_library_reads_our_btree_and_goes_on(
    run: Run, library: Any, tmp_path: Path, byteorder: str, pagesize: int, duplicates: bool
) -> None:
    for count in (0, 1, 3, 40, 700):
        pairs = drawn(count, count + pagesize, pagesize, duplicates=duplicates)
        path = tmp_path / f"m{count}.db"
        path.write_bytes(btree.build(pairs, byteorder=byteorder, pagesize=pagesize, duplicates=duplicates))
        assert run("db5.3_verify", "-q", path.name) == b""
        assert dumped(run, path.name) == by_key(pairs)
        found = opened(library, path)
        assert everything(found) == by_key(pairs)
        for key, value in dict(reversed(pairs)).items():
            assert found.get(key) == value
        # It goes on: new keys, which split pages, others replaced, others taken out.
        kept = {key for key, _ in pairs}
        for key, value in drawn(300, count + 1, pagesize):
            if key not in kept:
                found.put(key, value)
                pairs.append((key, value))
        gone = sorted(kept)[::3]
        for key in gone:
            found.delete(key)
        found.close()
        pairs = [(key, value) for key, value in pairs if key not in gone]
        assert run("db5.3_verify", "-q", path.name) == b""
        with mapdb.open(str(path)) as again:
            assert list(again.pairs()) == by_key(pairs)
            assert again.verify() == []
            assert all(again[key] == value for key, value in dict(reversed(pairs)).items())


@given(
    st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=700)), max_size=80),
    st.sampled_from(list(ORDERS)),
    st.sampled_from(SIZES),
    st.booleans(),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_drawn_btrees_both_ways(
    library: Any, tmp_path: Path, pairs: Pairs, byteorder: str, pagesize: int, duplicates: bool
) -> None:
    if not duplicates:
        pairs = list(dict(pairs).items())
    path = tmp_path / "ours.db"
    path.write_bytes(btree.build(pairs, byteorder=byteorder, pagesize=pagesize, duplicates=duplicates))
    library.DB().verify(str(path))
    found = opened(library, path)
    assert everything(found) == by_key(pairs)
    found.close()
    path = tmp_path / "theirs.db"
    path.unlink(missing_ok=True)
    made = opened(library, path, create=True, pagesize=pagesize, byteorder=byteorder, duplicates=duplicates)
    for key, value in pairs:
        made.put(key, value)
    made.close()
    ours = mapdb.load(path.read_bytes())
    assert list(ours.pairs()) == by_key(pairs)
    assert ours.verify() == []


def test_200_000_pairs_in_a_btree(run: Run, library: Any, tmp_path: Path) -> None:
    pairs = drawn(200_000, 9, 4096)
    (tmp_path / "m.db").write_bytes(btree.build(pairs))
    assert run("db5.3_verify", "-q", "m.db") == b""
    found = opened(library, tmp_path / "m.db")
    assert everything(found) == by_key(pairs)
    found.close()


def test_makemap_and_editmap_on_a_btree(run: Run, tmp_path: Path) -> None:
    chance = random.Random(3)
    pairs = {b"key%d.%s" % (at, chance.randbytes(3).hex().encode()): b"value %d" % at for at in range(5_000)}
    source = b"".join(b"%s\t%s\n" % pair for pair in pairs.items())
    (tmp_path / "m.db").write_bytes(btree.build(pairs.items()))
    assert (
        dict(line.split(b"\t", 1) for line in run("makemap", "-u", "btree", "m").split(b"\n") if line)
        == pairs
    )
    run("makemap", "-o", "btree", "m", source=b"new one\nnewer two\n")
    run("editmap", "-u", "btree", "m", "key1.x", "edited")
    run("editmap", "-u", "btree", "m", "long", "y" * 20_000)
    first = next(iter(pairs))
    assert run("editmap", "-q", "btree", "m", first.decode()) == pairs[first] + b"\n"
    run("editmap", "-x", "btree", "m", first.decode())
    pairs.update({b"new": b"one", b"newer": b"two", b"key1.x": b"edited", b"long": b"y" * 20_000})
    del pairs[first]
    assert run("db5.3_verify", "-q", "m.db") == b""
    assert dict(mapdb.open(str(tmp_path / "m.db")).items()) == pairs
    # What makemap makes itself, with duplicates too.
    run("makemap", "btree", "t", source=source)
    made = dict(line.split(b"\t", 1) for line in source.split(b"\n") if line)
    assert dict(mapdb.open(str(tmp_path / "t.db")).items()) == made
    run(
        "makemap",
        "-d",
        "btree",
        "d",
        source=b"a 1\nb 2\na 3\na 1\n" + b"".join(b"c %0900d\n" % at for at in range(20)),
    )
    wanted = [
        (b"a", b"1"),
        (b"a", b"3"),
        (b"a", b"1"),
        (b"b", b"2"),
        *((b"c", b"%0900d" % at) for at in range(20)),
    ]
    with mapdb.open(str(tmp_path / "d.db")) as found:
        assert list(found.pairs()) == wanted
        assert found.verify() == []
        assert btree.build(found.pairs(), duplicates=True)


def test_sendmail_looks_up_in_a_btree(run: Run, program: Callable[[str], str], tmp_path: Path) -> None:
    pairs = {b"p" * n: b"v%d" % n for n in range(1, 120)}
    pairs.update({b"p" * n + b".x": b"w%d" % n for n in range(1, 120)})
    (tmp_path / "m.db").write_bytes(btree.build(pairs.items(), pagesize=512))
    cf = tmp_path / "map.cf"
    cf.write_text("V10\nO QueueDirectory=/var/spool/mqueue\nMlocal, P=/bin/true, A=true\nKm btree m\n")
    blocks = test_mode(program("sendmail"), cf, [f"/map m {key.decode()}" for key in pairs], cwd=tmp_path)
    for (key, value), block in zip(pairs.items(), blocks):
        assert f"returns {value.decode()} (0)" in block, key


def btree_files(library: Any, path: Path) -> Iterator[bytes]:
    """Sound btree files of every shape, ours and the library's, in pages of 512 bytes."""
    for byteorder in ORDERS:
        for count, duplicates in ((3, False), (40, False), (300, False), (60, True)):
            pairs = drawn(count, count, 512, duplicates=duplicates)
            yield btree.build(pairs, byteorder=byteorder, pagesize=512, duplicates=duplicates)
            path.unlink(missing_ok=True)
            made = opened(
                library, path, create=True, pagesize=512, byteorder=byteorder, duplicates=duplicates
            )
            for key, value in pairs:
                made.put(key, value)
            for key in sorted({key for key, _ in pairs})[::4]:
                made.delete(key)
            made.close()
            yield path.read_bytes()


def explained(image: bytes, at: int, theirs: bool) -> str:
    """Why the two verifiers may differ on a file whose byte `at` was changed; empty for no reason."""
    if at == 26 and not theirs:
        return "a partitioned file: the library verifies one without its partitions, sendmail has none, we read none"
    place = at // 512 * 512
    if place and place + 8 <= at < place + 12 and image[place + 8 : place + 12] == bytes(4) and not theirs:
        return "a page of a large item that says it is page 0: the library takes it for one never written"
    return ""


def test_verify_agrees_with_db_verify(program: Callable[[str], str], library: Any, tmp_path: Path) -> None:
    chance, verify, path = random.Random(5), program("db5.3_verify"), tmp_path / "m.db"

    def faulty(image: bytes) -> bool:
        path.write_bytes(image)
        try:
            done = subprocess.run([verify, "-q", path], capture_output=True, check=False, timeout=4)
        except subprocess.TimeoutExpired:
            return True  # on a few files it runs for minutes or for ever
        return done.returncode != 0

    def ours(image: bytes) -> bool:
        try:
            return bool(mapdb.load(image).verify())
        except MapError:
            return True

    files = list(btree_files(library, tmp_path / "made.db"))
    for image in files:
        assert not faulty(image)
        assert not ours(image)
    told: Counter[str] = Counter()
    for _ in range(CHANGED):
        image = bytearray(chance.choice(files))
        page = chance.randrange(len(image) // 512) * 512
        at = page + chance.randrange(chance.choice([40, 100, 512]))
        image[at] ^= chance.choice([1 << chance.randrange(8), chance.randrange(1, 256)])
        theirs = faulty(bytes(image))
        if theirs == ours(bytes(image)):
            told["faulty" if theirs else "sound"] += 1
        else:
            why = explained(bytes(image), at, theirs)
            assert why, f"byte {at} of a file of {len(image)}: db5.3_verify finds {theirs}"
            told[why] += 1
    assert told["faulty"] > CHANGED // 4
    assert told["sound"] > CHANGED // 20


@pytest.mark.parametrize("count", [0, 1, 3, 100, 20_000, 200_000])
def test_tinycdb_writes_the_same_bytes_and_reads_ours(run: Run, tmp_path: Path, count: int) -> None:
    pairs = drawn(count, count, 512, duplicates=count <= 100)
    source = b"".join(b"+%d,%d:%s->%s\n" % (len(key), len(value), key, value) for key, value in pairs) + b"\n"
    run("cdb", "-c", "-t", "tmp", "theirs.cdb", source=source)
    image = cdb.build(pairs, duplicates=True)
    assert (tmp_path / "theirs.cdb").read_bytes() == image
    (tmp_path / "ours.cdb").write_bytes(image)
    assert run("cdb", "-d", "ours.cdb") == source
    assert list(mapdb.load(image).pairs()) == pairs
    assert mapdb.load(image).verify() == []
    for key, value in dict(reversed(pairs[:20])).items():
        if b"\0" not in key and key:
            found = subprocess.run(
                ["cdb", "-q", "-n", "1", "ours.cdb", key], cwd=tmp_path, capture_output=True, check=True
            )
            assert found.stdout == value
    if count > 100:
        return
    # One value a key, the last: as tinycdb replaces.
    run("cdb", "-c", "-r", "-t", "tmp", "last.cdb", source=source)
    builder = cdb.Builder(replace=True)
    builder.add([key for key, _ in pairs], [value for _, value in pairs])
    assert dict(mapdb.load((tmp_path / "last.cdb").read_bytes()).items()) == dict(
        mapdb.load(builder.image()).items()
    )


@given(st.dictionaries(st.binary(max_size=30), st.binary(max_size=300), max_size=60))
def test_pure_cdb_reads_ours_and_writes_what_we_read(pairs: Dict[bytes, bytes]) -> None:
    try:
        import cdblib
    except ImportError:
        absent("the Python package pure-cdb")
    theirs = cdblib.Reader(cdb.build(pairs.items()))
    assert list(theirs.iteritems()) == list(pairs.items())
    assert all(theirs.get(key) == value for key, value in pairs.items())
    made = io.BytesIO()
    with cdblib.Writer(made) as writer:
        for key, value in pairs.items():
            writer.put(key, value)
    found = mapdb.load(made.getvalue())
    assert list(found.pairs()) == list(pairs.items())
    assert all(found[key] == value for key, value in pairs.items())
    assert found.verify() == []


@pytest.fixture
def certificates(run: Run, tmp_path: Path) -> Run:
    """A directory of NSS with three certificates in 1.85 hash files; runs certutil on it."""
    (tmp_path / "noise").write_bytes(bytes(range(200)))

    def certutil(*arguments: str) -> bytes:
        return run("certutil", *arguments, "-d", "dbm:.")

    certutil("-N", "--empty-password")
    for number in range(3):
        subject = f"CN=host{number}.example.com,O=x" + " long" * (8 * number)
        certutil(
            "-S",
            "-x",
            "-n",
            f"name{number}",
            "-s",
            subject,
            "-t",
            ",,",
            "-z",
            "noise",
            "-k",
            "ec",
            "-q",
            "nistp256",
        )
    return certutil


def test_nss_goes_on_with_1_85_files_that_we_made(certificates: Run, tmp_path: Path) -> None:
    listed, one, keys = certificates("-L"), certificates("-L", "-n", "name2", "-a"), certificates("-K")
    files = {name: (tmp_path / name).read_bytes() for name in ("cert8.db", "key3.db", "secmod.db")}
    for image in files.values():
        assert mapdb.kind(image[:2048])[0] == "hash185"
        assert mapdb.load(image).verify() == []
    for byteorder in ORDERS:
        for pagesize in hash185.PAGE_SIZES:
            for name, image in files.items():
                again = hash185.build(mapdb.load(image).pairs(), byteorder=byteorder, pagesize=pagesize)
                (tmp_path / name).write_bytes(again)
            # The order is that of buckets, of which there are others now.
            assert Counter(certificates("-L").split(b"\n")) == Counter(listed.split(b"\n"))
            assert certificates("-L", "-n", "name2", "-a") == one
            assert Counter(certificates("-K").split()) == Counter(keys.split())
            # NSS inserts into our files, and deletes from them.
            certificates(
                "-S",
                "-x",
                "-n",
                "new",
                "-s",
                "CN=new",
                "-t",
                ",,",
                "-z",
                "noise",
                "-k",
                "ec",
                "-q",
                "nistp256",
            )
            certificates("-D", "-n", "name1")
            found = mapdb.load((tmp_path / "cert8.db").read_bytes())
            assert found.verify() == []
            assert found.info.byteorder == byteorder
            values = b"".join(value for _, value in found.pairs())
            assert b"name2\0" in values
            assert b"new\0" in values
            assert b"name1\0" not in values


COLUMNS = ["", "-k0 -v1", "-k1 -v0", "-k0 -v2", "-k0 -v1 -z:", "-k2 -v0 -z:", "-k0 -v1 -z\\t"]
ALPHABET = st.sampled_from(
    [b"a", b"A", b"b", b"key", b" ", b"  ", b"\t", b":", b"::", b"#", b"\r", b"\x0b", b"x" * 300, b"\xc3\x84"]
)


@given(st.lists(st.lists(ALPHABET, max_size=7).map(b"".join), min_size=1, max_size=12))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_maps_are_read_as_sendmail_reads_them(
    program: Callable[[str], str], tmp_path: Path, lines: List[bytes]
) -> None:
    source = b"\n".join(lines)
    (tmp_path / "t").write_bytes(source)
    (tmp_path / "t").chmod(0o644)
    cf = tmp_path / "map.cf"
    cf.write_text(
        "V10\nO QueueDirectory=/var/spool/mqueue\nO DontBlameSendmail=MapInUnsafeDirPath\nMlocal, P=/bin/true, A=true\n"
        + "".join(f"Km{at} text {flags} {tmp_path}/t\n" for at, flags in enumerate(COLUMNS))
    )
    maps, asked = [], []
    for at, flags in enumerate(COLUMNS):
        numbers = {word[1]: word[2:] for word in flags.split()}
        delimiter = {"\\t": b"\t"}.get(numbers.get("z", ""), numbers.get("z", "").encode())
        found = text.TextMap(
            source,
            key_column=int(numbers.get("k", "0")),
            value_column=int(numbers.get("v", "0")),
            delimiter=delimiter,
        )
        keys = {key for key, _ in found.pairs()} | {b"a", b"key", b"akey", b"ab"}
        # Test mode takes blanks around its arguments away, and words apart.
        for key in sorted(key for key in keys if key and not set(key) & set(b" \t\r\x0b")):
            maps.append((found, key))
            asked.append(f"/map m{at} " + key.decode("utf-8", "surrogateescape"))
    for (found, key), block in zip(maps, test_mode(program("sendmail"), cf, asked, cwd=tmp_path)):
        value = found.get(key)
        if value is None:
            assert "no match" in block, (key, block)
        else:
            assert f"returns {value.decode('utf-8', 'surrogateescape')} (0)" in block, (key, block)


def test_a_built_text_map_in_sendmail(program: Callable[[str], str], tmp_path: Path) -> None:
    pairs = {b"key%d" % at: b"some words: %d" % at for at in range(50)}
    pairs.update({b"w" * 256: b"v" * 256, b"k:1": b""})
    (tmp_path / "t").write_bytes(text.build(pairs.items()))
    cf = tmp_path / "map.cf"
    cf.write_text(
        "V10\nO QueueDirectory=/var/spool/mqueue\nO DontBlameSendmail=MapInUnsafeDirPath\nMlocal, P=/bin/true, A=true\n"
        f"Km text -k0 -v1 -z\\t {tmp_path}/t\n"
    )
    blocks = test_mode(program("sendmail"), cf, [f"/map m {key.decode()}" for key in pairs], cwd=tmp_path)
    for (key, value), block in zip(pairs.items(), blocks):
        assert f"returns {value.decode()} (0)" in block, key
