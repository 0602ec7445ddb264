"""A map source as makemap reads it, and the command on its own ground: files, modes, messages.

The one thing to know: `tests/oracle/test_makemap_oracle.py` runs the recorded cases and the real makemap.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf import makemap, mapdb
from sendmailcf.makemap import Rules
from sendmailcf.mapdb import hash as hash_format
from sendmailcf.mapdb import hash185


def run(cwd: Path, *arguments: str, source: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command, in a directory."""
    (cwd / "test.cf").touch()
    command = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "test.cf", *arguments]
    return subprocess.run(command, cwd=cwd, input=source, capture_output=True, check=False)


@pytest.mark.parametrize(
    ("source", "pairs", "lines"),
    [
        (b"", {}, []),
        (b"Key  value \n", {b"key": b"value "}, []),
        (b"a\tb\r\n", {b"a": b"b\r"}, []),
        (b"# c\n\na b", {b"a": b"b"}, []),
        (b" a b\nc d\n", {b"c": b"d"}, [1]),
        (b"a\nb c\n", {b"b": b"c"}, [1]),
        (b"a 1\nA 2\n", {b"a": b"1"}, [2]),
        (b"a " + b"x" * 1020 + b"\n", {b"a": b"x" * 1020}, []),
        (b"a " + b"x" * 1021 + b"\nb c\n", {b"b": b"c"}, [1]),
        (b"k " + b"x" * 1021 + b"t u\nb c\n", {b"t": b"u", b"b": b"c"}, [1]),
        (b"a b\0c\nd e\n", {b"d": b"e"}, [1]),
        (b"a b\0c", {b"a": b"b"}, []),
        (b"\xc3\x84 \xff\n", {b"\xc3\x84": b"\xff"}, []),
    ],
)
def test_sources(source: bytes, pairs: dict[bytes, bytes], lines: list[int]) -> None:
    found = makemap.read(source)
    assert dict(found.pairs) == pairs
    assert [problem.line for problem in found.problems] == lines


def test_messages_name_keys_and_safe_ones_do_not() -> None:
    found = makemap.read(b'"P:secretpw"\n"P:secretpw" x\n"p:secretpw" y\n')
    assert all("secretpw" in problem.message for problem in found.problems)
    assert "secretpw" not in repr(found) + repr(found.problems) + "".join(
        problem.safe for problem in found.problems
    )


@given(
    st.text(alphabet="ab# \t\r\n\0\f", max_size=60),
    st.integers(1, 7),
    st.booleans(),
    st.sampled_from([None, b"a", b"\t"]),
)
def test_pieces_of_any_size_read_the_same(text: str, size: int, null: bool, separator: bytes | None) -> None:
    data, rules = text.encode(), Rules(null=null, separator=separator)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]

    def flat(parts: list[bytes]) -> list[tuple[bytes, bytes, int]]:
        return [
            row for keys, values, lines, _ in makemap.parse(parts, rules) for row in zip(keys, values, lines)
        ]

    assert flat(chunks) == flat([data])
    assert len(flat([data])) <= data.count(b"\n") + 1


@given(
    st.lists(st.tuples(st.text("abcAB.", min_size=1, max_size=4), st.text("xyz \t", max_size=6)), max_size=30)
)
def test_the_quick_way_and_the_careful_way_agree(rows: list[tuple[str, str]]) -> None:
    data = "".join(f"{key}\t{value}\n" for key, value in rows).encode()
    quick = list(makemap.parse([data], Rules(allow_empty=True)))
    careful = list(makemap.parse([data + b"z\0\n"], Rules(allow_empty=True)))
    assert [list(part) for part in quick[0][:3]] == [list(part) for part in careful[0][:3]] if quick else True


def test_a_new_map_is_readable_to_owner_and_group(tmp_path: Path) -> None:
    done = run(tmp_path, "hash", "m", source=b"a b\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert (tmp_path / "m.db").stat().st_mode & 0o777 == 0o640
    assert dict(mapdb.open(tmp_path / "m.db").items()) == {b"a": b"b"}
    assert sorted(os.listdir(tmp_path)) == ["m.db", "test.cf"]


def test_the_kind_mode_and_owner_of_an_old_map_stay(tmp_path: Path) -> None:
    old = tmp_path / "m.db"
    old.write_bytes(hash_format.build([(b"old", b"1")], byteorder="big"))
    old.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(old, 0, 1234)
    assert run(tmp_path, "hash", "m.db", source=b"new 2\n").returncode == 0
    found = mapdb.open(old)
    assert (found.info.byteorder, dict(found.items())) == ("big", {b"new": b"2"})
    assert old.stat().st_mode & 0o777 == 0o604
    if os.geteuid() == 0:
        assert old.stat().st_gid == 1234
    assert run(tmp_path, "--byte-order", "little", "hash", "m", source=b"new 2\n").returncode == 0
    assert mapdb.open(old).info.byteorder == "little"


def test_a_running_sendmail_will_notice(tmp_path: Path) -> None:
    run(tmp_path, "hash", "m", source=b"a 1\n")
    with open(tmp_path / "m.db", "rb") as held:
        before = os.fstat(held.fileno())
        run(tmp_path, "hash", "m", source=b"a 2\n")
        after = os.fstat(held.fileno())
    assert after.st_ino != (tmp_path / "m.db").stat().st_ino
    assert int(after.st_mtime) > int(before.st_mtime)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["hash"], 64, b"type mapname"),
        (["-Q", "hash", "m"], 64, b"invalid option -- 'Q'"),
        (["-o", "hash", "m"], 73, b"No such file"),
        (["--byte-order", "odd", "hash", "m"], 64, b"little or big"),
        (["--byte-order"], 64, b"requires an argument"),
        (["--in-place=yes", "hash", "m"], 64, b"doesn't allow an argument"),
        (["--odd", "hash", "m"], 64, b"invalid option -- '-'"),
        (["--format-version", "7", "hash", "m"], 64, b"it is 9, 8 or 5"),
        (["--format", "ndbm", "hash", "m"], 64, b"no such format"),
        (["cdb", "m"], 73, b"recompile with -DCDB"),
        (["HASH", "m"], 73, b"Unknown database type"),
        (["-C", "gone.cf", "hash", "m"], 66, b"gone.cf"),
        (["hash", "dir/m"], 73, b"No such file"),
    ],
)
def test_what_cannot_be_done_is_told(tmp_path: Path, arguments: list[str], status: int, says: bytes) -> None:
    if status == 66 and os.geteuid() != 0:
        status, says = 0, b""
    done = run(tmp_path, *arguments, source=b"a b\n")
    assert done.returncode == status, done.stderr
    assert says in done.stderr
    assert status == 0 or sorted(os.listdir(tmp_path)) == ["test.cf"]


def test_help_is_help(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    assert b"usage: sendmailcf makemap" in done.stdout


def test_links_and_executables_are_refused(tmp_path: Path) -> None:
    run(tmp_path, "hash", "m", source=b"a 1\n")
    before = (tmp_path / "m.db").read_bytes()
    (tmp_path / "s.db").symlink_to("m.db")
    assert b"Symbolic links not allowed" in run(tmp_path, "hash", "s", source=b"a 2\n").stderr
    (tmp_path / "m.db").chmod(0o755)
    assert b"Executable files not allowed" in run(tmp_path, "hash", "m", source=b"a 2\n").stderr
    (tmp_path / "m.db").chmod(0o640)
    os.link(tmp_path / "m.db", tmp_path / "h.db")
    assert b"Hard links not allowed" in run(tmp_path, "hash", "m", source=b"a 2\n").stderr
    (tmp_path / "d.db").mkdir()
    assert b"Regular files only" in run(tmp_path, "hash", "d", source=b"a 2\n").stderr
    assert (tmp_path / "m.db").read_bytes() == before


def test_unmake_prints_what_was_made(tmp_path: Path) -> None:
    run(tmp_path, "-N", "hash", "m", source=b"A b c \nd e\n")
    done = run(tmp_path, "-u", "-t", ":", "hash", "m")
    assert sorted(done.stdout.split(b"\n")) == [b"", b"a:b c ", b"d:e"]
    (tmp_path / "m.db").write_bytes(b"garbage" * 1000)
    broken = run(tmp_path, "-u", "hash", "m")
    assert broken.returncode == 73
    assert broken.stderr == b"makemap: error opening type hash map m: Invalid argument\n"


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)])
def test_with_closed_descriptors_nothing_is_written_into_a_map(tmp_path: Path, closed: Tuple[int, ...]) -> None:
    run(tmp_path, "hash", "old", source=b"k v\n")
    old = (tmp_path / "old.db").read_bytes()
    for words, status in (
        (["-v", "hash", "m"], 74 if 0 in closed else 0),
        (["-v", "hash", "old"], 74 if 0 in closed else 0),
        (["-u", "hash", "old"], 0),
        (["hash", "none/m"], 73),
    ):
        command = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "test.cf", *words]
        done = subprocess.run(
            command, cwd=tmp_path, input=b"k v\n", capture_output=True, check=False,
            preexec_fn=lambda: [os.close(fd) for fd in closed],
        )  # fmt: skip
        assert done.returncode == status, words
        assert b"Traceback" not in done.stderr
    assert (tmp_path / "old.db").read_bytes() == old
    assert (tmp_path / "m.db").exists() == (0 not in closed)


def test_what_is_printed_reaches_whoever_reads_it_and_its_loss_is_told(tmp_path: Path) -> None:
    run(tmp_path, "hash", "m", source=b"k v\n")
    for words in (["makemap", "-C", "test.cf", "-u", "hash", "m"], ["praliases", "-f", "m"], ["map", "dump", "m.db"]):
        command = [sys.executable, "-m", "sendmailcf", *words]
        assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout in (b"k\tv\n", b"k:v\n")
        with open("/dev/full", "wb") as full:
            lost = subprocess.run(
                command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False,
                env={**os.environ, "PYTHONUNBUFFERED": ""},
            )  # fmt: skip
        assert lost.stderr == b"sendmailcf: standard output: No space left on device\n", words
        assert lost.returncode == 2


def test_a_large_map_is_printed_as_far_as_somebody_reads(tmp_path: Path) -> None:
    source = b"".join(b"key%d\t%s\n" % (at, b"v" * 900) for at in range(12_000))
    assert run(tmp_path, "hash", "m", source=source).returncode == 0
    printed = run(tmp_path, "-u", "hash", "m")
    assert (printed.returncode, printed.stderr) == (0, b"")
    assert printed.stdout == b"".join(mapdb.open(str(tmp_path / "m.db")).text())
    assert sorted(printed.stdout.split(b"\n")) == sorted(source.split(b"\n"))
    command = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "test.cf", "-u", "hash", "m"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as half:
        assert half.stdout is not None
        assert half.stderr is not None
        assert half.stdout.readline() in printed.stdout
        half.stdout.close()
        assert half.wait(20) == 2
        assert half.stderr.read() == b""



@pytest.mark.parametrize(
    ("flags", "name", "wanted"),
    [
        (["--format", "cdb", "cdb"], "m.cdb", ("cdb", 0, "little")),
        (["hash185"], "m.db", ("hash185", 2, "ORDER")),
        (["--byte-order", "big", "hash185"], "m.db", ("hash185", 2, "big")),
        (["--format=btree", "--byte-order=big", "hash"], "m.db", ("btree", 9, "big")),
        (["--format-version", "8", "hash"], "m.db", ("hash", 8, "ORDER")),
        (["--format-version=5", "--byte-order=big", "hash"], "m.db", ("hash", 5, "big")),
        (["--verify", "--atomic", "hash"], "m.db", ("hash", 9, "ORDER")),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else None,
)
def test_formats_that_makemap_has_not(
    tmp_path: Path, flags: list[str], name: str, wanted: tuple[str, int, str]
) -> None:
    source = b"a 1\nb 2\nA 3\n"
    for again in ([], ["-r"]):  # the second time over the first file, whose kind stays
        done = run(
            tmp_path,
            *(flags if not again else flags[-1:] if "cdb" not in flags else flags),
            *again,
            "m",
            source=source,
        )
        assert (done.returncode, done.stdout) == (0 if again else 65, b"")
        found = mapdb.open(tmp_path / name)
        if again and "--format=btree" in flags:
            wanted = ("hash", 9, "ORDER")
        order = sys.byteorder if wanted[2] == "ORDER" else wanted[2]
        assert (found.info.format, found.info.version, found.info.byteorder) == (*wanted[:2], order)
        assert dict(found.pairs()) == {b"a": b"3" if again else b"1", b"b": b"2"}
        assert found.verify() == []
    unmade = run(tmp_path, *flags, "-u", "m")
    assert sorted(unmade.stdout.split(b"\n")) == [b"", b"a\t3", b"b\t2"]


def test_a_kind_that_is_kept_by_name_only(tmp_path: Path) -> None:
    (tmp_path / "m.db").write_bytes(hash185.build([(b"old", b"1")]))
    assert run(tmp_path, "hash", "m", source=b"a 1\n").returncode == 0
    assert mapdb.open(tmp_path / "m.db").info.format == "hash185"
    assert run(tmp_path, "-o", "hash", "m", source=b"b 2\n").returncode == 0
    assert dict(mapdb.open(tmp_path / "m.db").pairs()) == {b"a": b"1", b"b": b"2"}
    assert run(tmp_path, "--format", "hash", "hash", "m", source=b"a 1\n").returncode == 0
    assert mapdb.open(tmp_path / "m.db").info.format == "hash"
    assert run(tmp_path, "btree", "m", source=b"a 1\n").returncode == 0
    assert mapdb.open(tmp_path / "m.db").info.format == "btree"


@pytest.mark.parametrize("at", [12, 16, 20, 24, 72])
def test_whatever_an_old_file_is_like_it_is_made_anew(tmp_path: Path, at: int) -> None:
    old = bytearray(hash_format.build([(b"old", b"1")], byteorder="big", pagesize=1024))
    old[at : at + 4] = b"\x7f\x7f\x7f\x7f"
    (tmp_path / "m.db").write_bytes(old)
    assert run(tmp_path, "hash", "m", source=b"a 1\n").returncode == 0
    assert dict(mapdb.open(tmp_path / "m.db").pairs()) == {b"a": b"1"}
    assert mapdb.open(tmp_path / "m.db").info.byteorder == ("big" if at > 20 else sys.byteorder)


def test_several_processes_build_the_same_map(tmp_path: Path) -> None:
    lines = (
        b"".join(b"key%d\tvalue %d %s\n" % (at % 119_000, at, b"x" * 60) for at in range(120_000))
        + b" bad\nlonely\n"
    )
    (tmp_path / "source").write_bytes(lines)
    (tmp_path / "test.cf").touch()
    said, held = [], []
    for jobs in ("1", "2"):
        command = [
            sys.executable,
            "-m",
            "sendmailcf",
            "makemap",
            "-C",
            "test.cf",
            "-j",
            jobs,
            "--verify",
            "hash",
            "m",
        ]
        done = subprocess.run(
            command, cwd=tmp_path, stdin=open(tmp_path / "source"), capture_output=True, check=False
        )
        assert (done.returncode, done.stdout) == (65, b"")
        said.append(done.stderr)
        held.append(sorted(mapdb.open(tmp_path / "m.db").pairs()))
    assert said[0].count(b"\n") == 1002
    assert said[0] == said[1]
    assert held[0] == held[1]
    for wrong in ("0", "257", "x", ""):
        assert run(tmp_path, "-j", wrong, "hash", "m").returncode == 64


def test_in_place_the_inode_stays(tmp_path: Path) -> None:
    run(tmp_path, "hash", "m", source=b"a 1\n")
    before = (tmp_path / "m.db").stat()
    assert run(tmp_path, "--in-place", "hash", "m", source=b"a 2\n").returncode == 0
    assert (tmp_path / "m.db").stat().st_ino == before.st_ino
    assert dict(mapdb.open(tmp_path / "m.db").pairs()) == {b"a": b"2"}


def test_a_slow_build_tells_a_terminal_and_nobody_else(tmp_path: Path) -> None:
    lines = b"".join(b"key%d value\n" % at for at in range(2000))
    (tmp_path / "test.cf").touch()
    words = [sys.executable, "-m", "sendmailcf", "makemap", "-C", "test.cf", "hash", "m"]
    ours, theirs = os.openpty()
    started = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs, cwd=tmp_path
    )
    assert started.stdin is not None
    started.stdin.write(lines)
    started.stdin.flush()
    time.sleep(1.5)
    started.stdin.write(lines[:1000].rpartition(b"\n")[0] + b"\n")
    started.stdin.close()
    assert started.wait(timeout=60) == 65
    os.close(theirs)
    told = os.read(ours, 100_000)
    os.close(ours)
    assert b"\r\x1b[Kmakemap: m: 0 MB read\r" in told
    assert b"\r\x1b[Kmakemap: m: 100 % written" in told
    assert b"\r\x1b[Kmakemap: m: line 2001: key key0: duplicate key" in told
    assert run(tmp_path, "hash", "m", source=lines).stderr == b""


def source_of_many(count: int) -> bytes:
    """Plain lines, and every few thousand something that is not."""
    lines = [b"key%d\tvalue %d" % (at % (count - 500), at) for at in range(count)]
    for at in range(0, count, 2500):
        lines[at : at + 7] = [
            b"# comment",
            b"",
            b" blank",
            b"Upper%d   two words" % at,
            b"novalue",
            b"x" * 1500,
            b"\xff%d v" % at,
        ]
    return b"\n".join(lines) + b"\n" * (count % 2)


@pytest.mark.parametrize("jobs", [1, 2, 4])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("version", [9, 5])
def test_several_processes_build_what_one_builds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, several: bool, version: int
) -> None:
    data = source_of_many(20_001)
    builder = hash_format.Builder(duplicates=several, version=version)
    problems = makemap.build([data], makemap.Rules(), builder)
    alone = mapdb.load(builder.image())
    problems += [makemap.duplicate(line, key) for line, key in builder.duplicates]
    monkeypatch.setattr(makemap, "_SHARE", 10_000)
    (tmp_path / "source").write_bytes(b"skipped\tline\n" + data)
    builder = hash_format.Builder(duplicates=several, version=version, memory=200_000)
    with open(tmp_path / "source", "rb") as source, open(tmp_path / "m.db", "wb+") as target:
        source.seek(len(b"skipped\tline\n"))
        found = makemap.build_file(source.fileno(), target.fileno(), makemap.Rules(), builder, jobs)
    together = mapdb.open(tmp_path / "m.db")
    assert together.verify() == []
    assert sorted(together.pairs()) == sorted(alone.pairs())
    assert [value for key, value in together.pairs() if key == b"key1"] == [
        value for key, value in alone.pairs() if key == b"key1"
    ]
    assert [one.message for one in found] == sorted(
        (one.message for one in problems), key=lambda text: int(text.split()[1].strip(":"))
    )


def test_what_goes_wrong_in_another_process_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(makemap, "_SHARE", 10_000)
    (tmp_path / "source").write_bytes(source_of_many(20_000))
    plain, parent = makemap._range, os.getpid()

    def broken(fd: int, at: int, end: int) -> Iterator[bytes]:
        if os.getpid() != parent:
            raise OSError(errno.EIO, "broken")
        return plain(fd, at, end)

    monkeypatch.setattr(makemap, "_range", broken)
    with open(tmp_path / "source", "rb") as source, open(tmp_path / "m.db", "wb+") as target:
        with pytest.raises(OSError, match="Input/output error"):
            makemap.build_file(source.fileno(), target.fileno(), makemap.Rules(), hash_format.Builder(), 2)
        assert os.pread(target.fileno(), 4096, 0).strip(b"\0") == b""


def test_a_source_of_few_lines_needs_one_process(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"a b\nA c\nd\n")
    with open(tmp_path / "source", "rb") as source, open(tmp_path / "m.db", "wb+") as target:
        found = makemap.build_file(
            source.fileno(), target.fileno(), makemap.Rules(), hash_format.Builder(), 8
        )
    assert [one.message for one in found] == ["line 2: key a: duplicate key", "line 3: no RHS for LHS d"]
    assert dict(mapdb.open(tmp_path / "m.db").pairs()) == {b"a": b"b"}
