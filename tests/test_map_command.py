"""`sendmailcf map`: every command on every format, and what it answers to files that are none.

The one thing to know: passwords of AuthInfo entries are printed by `get` and `dump`, which are asked for them, and by
nothing else.
"""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, List, Tuple

import pytest

import sendmailcf
from sendmailcf import mapdb
from sendmailcf.cli import main

SOURCE = b"""# relays
AuthInfo:relay.example "U:me" "P:invented1" "M:LOGIN"
Foo\tbar  baz
key\tval
"""
RECORDS = {b"authinfo:relay.example": b'"U:me" "P:invented1" "M:LOGIN"', b"foo": b"bar  baz", b"key": b"val"}
DATABASES = ["hash", "hash185", "btree", "cdb"]
NAMES = {"hash": "m.db", "hash185": "m.db", "btree": "m.db", "cdb": "m.cdb"}


class Shell:
    """Runs commands in a directory."""

    def __init__(self, directory: Path, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory, self._captured, self._patch = directory, capfdbinary, monkeypatch
        monkeypatch.chdir(directory)
        (directory / "source").write_bytes(SOURCE)

    def __call__(self, *words: str, stdin: bytes = b"") -> Tuple[int, bytes, bytes]:
        self._patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with open(1, "w", closefd=False) as out, open(2, "w", closefd=False) as err:
            self._patch.setattr(sys, "stdout", out)
            self._patch.setattr(sys, "stderr", err)
            try:
                status = main(["map", *words])
            except SystemExit as stop:
                status = int(stop.code or 0)
            out.flush()
        found = self._captured.readouterr()
        return status, found.out, found.err

    def records(self, name: str) -> Any:
        return dict(mapdb.open(str(self.directory / name)).pairs())

    def left(self) -> List[str]:
        return sorted(os.listdir(self.directory))


@pytest.fixture
def shell(tmp_path: Path, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch) -> Shell:
    return Shell(tmp_path, capfdbinary, monkeypatch)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_life_of_a_database(shell: Shell, kind: str) -> None:
    name = NAMES[kind]
    assert shell("build", "source", name, "--format", kind) == (0, b"", b"")
    assert shell.records(name) == RECORDS
    assert stat.S_IMODE((shell.directory / name).stat().st_mode) == 0o640
    status, out, _ = shell("dump", name)
    assert sorted(out.split(b"\n")[:-1]) == sorted(b"%s\t%s" % pair for pair in RECORDS.items())
    assert dict(json.loads(shell("dump", "--json", name)[1])) == {
        key.decode(): value.decode() for key, value in RECORDS.items()
    }
    assert shell("get", name, "FOO") == (0, b"bar  baz\n", b"")
    assert shell("get", "-f", name, "FOO")[0] == 1
    assert json.loads(shell("get", "--json", name, "key", "none")[1]) == {"key": "val", "none": None}
    assert shell("diff", "source", name) == (0, b"", b"")
    assert shell("set", name, "Key", "new") == (0, b"", b"")
    assert shell("set", name, "a", "1", "b", "2") == (0, b"", b"")
    assert shell("set", name, "AuthInfo:relay.example", "-", stdin=b'"U:me" "P:invented2"\n') == (0, b"", b"")
    assert shell.records(name)[b"authinfo:relay.example"] == b'"U:me" "P:invented2"'
    status, out, _ = shell("diff", "source", name)
    assert status == 1
    assert b"+a\t1\n" in out
    assert b"-key\tval\n+key\tnew\n" in out
    assert b"invented" not in out
    assert b"invented" not in shell("diff", "--json", "source", name)[1]
    assert b"invented1" in shell("diff", "--show-secrets", "source", name)[1]
    assert shell("rm", name, "a") == (0, b"", b"")
    assert shell("rm", name, "b", "none")[:2] == (1, b"")
    assert shell("rm", name, "none")[:2] == (1, b"")
    assert set(shell.records(name)) == set(RECORDS)
    assert shell("verify", name) == (0, b"", b"")
    info = json.loads(shell("info", "--json", name)[1])
    assert (info["format"], info["records"], info["bytes"]) == (
        kind,
        3,
        (shell.directory / name).stat().st_size,
    )
    assert f"format: {kind}\n".encode() in shell("info", name)[1]
    assert shell.left() == [name, "source"]


@pytest.mark.parametrize("kind", ["hash", "hash185", "btree"])
def test_the_kind_of_a_database_stays(shell: Shell, kind: str) -> None:
    assert shell("build", "source", "m.db", "--format", kind, "--byte-order", "big")[0] == 0
    for change in (
        ["build", "source", "m.db"],
        ["set", "m.db", "a", "b"],
        ["set", "m.db", "a", "1", "c", "2"],
        ["rm", "m.db", "a"],
    ):
        assert shell(*change)[0] == 0
        info = mapdb.open("m.db").info
        assert (info.format, info.byteorder) == (kind, "big")
    assert shell("build", "source", "m.db", "--byte-order", "little")[0] == 0
    assert mapdb.open("m.db").info.byteorder == "little"


@pytest.mark.parametrize("version", [5, 8, 9])
def test_versions_of_hash_files(shell: Shell, version: int) -> None:
    assert shell("build", "source", "m.db", "--format-version", str(version))[0] == 0
    for change in (
        ["set", "m.db", "a", "1"],
        ["set", "m.db", "b", "1", "c", "2"],
        ["build", "source", "m.db"],
    ):
        assert shell(*change)[0] == 0
        assert mapdb.open("m.db").info.version == version
    assert shell.records("m.db") == RECORDS


@pytest.mark.parametrize("kind", ["hash", "btree"])
def test_several_values_of_a_key(shell: Shell, kind: str) -> None:
    (shell.directory / "source").write_bytes(b"a 1\nA 2\na 1\nb 3\n")
    status, out, err = shell("build", "source", "m.db", "--format", kind)
    assert (status, out) == (1, b"")
    assert (
        err
        == b"source: line 2: this key stands on a line above, too\nsource: line 3: this key stands on a line above, too\n"
    )
    assert shell.records("m.db") == {b"a": b"1", b"b": b"3"}
    assert shell("diff", "-r", "source", "m.db")[0] == 0
    (shell.directory / "source").write_bytes(b"a 0\nA 1\nb 3\n")
    assert shell("diff", "source", "m.db")[0] == 1
    assert shell("build", "-r", "source", "m.db") == (0, b"", b"")
    assert shell("diff", "-r", "source", "m.db")[0] == 0
    assert shell.records("m.db") == {b"a": b"1", b"b": b"3"}
    (shell.directory / "source").write_bytes(b"a 1\nA 2\na 1\nb 3\n")
    assert shell("build", "-d", "source", "m.db", "--format", kind) == (0, b"", b"")
    assert sorted(shell("dump", "m.db")[1].split()) == [b"1", b"1", b"2", b"3", b"a", b"a", b"a", b"b"]
    assert shell("diff", "source", "m.db")[0] == 0
    assert shell("set", "m.db", "a", "9")[0] == 0
    assert shell.records("m.db") == {b"a": b"9", b"b": b"3"}
    assert shell("diff", "source", "m.db")[:2] == (1, b"-a\t1\n-a\t2\n-a\t1\n+a\t9\n")
    assert shell("rm", "m.db", "a")[0] == 0
    assert shell.records("m.db") == {b"b": b"3"}


def test_keys_that_end_with_a_nul(shell: Shell) -> None:
    assert shell("build", "-N", "source", "m.db")[0] == 0
    assert shell("get", "m.db", "foo")[1] == b"bar  baz\n"
    assert shell("diff", "-N", "source", "m.db")[0] == 0
    assert shell("diff", "source", "m.db")[0] == 0
    assert shell("set", "m.db", "foo", "x")[0] == 0
    assert shell("set", "m.db", "a", "x", "b", "y")[0] == 0
    assert shell("rm", "m.db", "a")[0] == 0
    assert all(key.endswith(b"\0") and value.endswith(b"\0") for key, value in shell.records("m.db").items())
    assert shell("dump", "-t", "=", "m.db")[1].count(b"=") == 4


def test_bad_lines_are_told_without_what_they_hold(shell: Shell) -> None:
    (shell.directory / "source").write_bytes(b'"P:invented"\n ok\nfine 1\n' + b"x" * 2000 + b"\n")
    status, _, err = shell("build", "source", "m.db")
    assert status == 1
    assert b"invented" not in err
    assert b"source: line 1: a key without a value\n" in err
    assert shell.records("m.db") == {b"fine": b"1"}
    assert shell("build", "-", "n.db", stdin=b"a 1\n")[0] == 0
    assert shell.records("n.db") == {b"a": b"1"}


def test_what_cannot_be_done(shell: Shell) -> None:
    (shell.directory / "junk.db").write_bytes(b"no database, and long enough to be one" * 1000)
    shell("build", "source", "m.db")
    before = (shell.directory / "m.db").read_bytes()
    for words, says in (
        (["dump", "none.db"], b"none.db: No such file"),
        (["dump", "junk.db"], b"junk.db: "),
        (["info", "junk.db"], b"junk.db: "),
        (["get", "junk.db", "a"], b"junk.db: "),
        (["set", "junk.db", "a", "b"], b"junk.db: "),
        (["set", "none.db", "a", "b"], b"none.db: No such file"),
        (["build", "none", "m.db"], b"none: No such file"),
        (["diff", "none", "m.db"], b"none: No such file"),
        (["build", "source", "dir/m.db"], b"dir: No such file"),
        (["build", "source", "x.cdb", "--byte-order", "big"], b"x.cdb: a cdb file has no byteorder"),
        (["build", "source", "x.db", "--format", "hash185", "-d"], b"x.db: "),
        (["set", "m.db", "a"], b"KEY VALUE"),
        (["set", "m.db", "AuthInfo:x", "invented"], b"standard input"),
        (["migrate", "m.db", "--to", "hash", "--cf", "none.cf"], b"none.cf: No such file"),
        (["migrate", "m.db", "--to", "hash", "--cf", "source"], b"no K line"),
        (["build", "source", "m.db", "--format", "ndbm"], b"invalid choice"),
    ):
        status, out, err = shell(*words)
        assert (status, out) == (2, b""), words
        assert says in err, words
        assert b"invented" not in err
    assert (shell.directory / "m.db").read_bytes() == before
    assert shell.left() == ["junk.db", "m.db", "source"]
    status, out, _ = shell("verify", "m.db", "junk.db")
    assert status == 1
    assert out.startswith(b"junk.db: ")
    assert json.loads(shell("verify", "--json", "m.db", "junk.db")[1])["m.db"] == []


CF = b"Kacc hash -o -T<TMPF> PATH/m\nKother btree /x\nKagain Hash -m PATH/m.db\nKseq sequence acc other\n"


@pytest.mark.parametrize("to", ["hash185", "btree", "cdb", "text"])
def test_migration_and_back(shell: Shell, to: str) -> None:
    path = str(shell.directory)
    shell("build", "source", "m.db")
    (shell.directory / "m.db").chmod(0o600)
    cf = shell.directory / "cf"
    cf.write_bytes(CF.replace(b"PATH", os.fsencode(path)))
    before = cf.read_bytes()
    status, out, _ = shell("migrate", f"{path}/m.db", "--to", to, "--cf", "cf", "--dry-run", "--diff")
    assert status == 0
    assert cf.read_bytes() == before
    assert shell.left() == ["cf", "m.db", "source"]
    status, again, _ = shell("migrate", f"{path}/m.db", "--to", to, "--cf", "cf", "--diff")
    assert (status, again) == (0, out)
    made = sendmailcf.load(str(cf))
    name = "m" if to == "text" else NAMES[to]
    expected = {"hash185": "hash"}.get(to, to)
    for one in ("acc", "again"):
        assert made.maps[one].map_class == expected
        assert f"{path}/{name}" in (made.maps[one].file, *made.maps[one].files)
    assert made.maps["acc"].flags["T"] == "<TMPF>"
    assert made.maps["other"].map_class == "btree"
    assert stat.S_IMODE((shell.directory / name).stat().st_mode) == 0o600
    if to == "text":
        assert made.maps["acc"].flags["z"] == "\\t"
        assert sorted((shell.directory / "m").read_bytes().split(b"\n")[:-1]) == sorted(
            b"%s\t%s" % pair for pair in RECORDS.items()
        )
        assert shell("migrate", f"{path}/m.db", "--to", "hash", "--map", "acc", "--cf", "cf")[0] == 0
    else:
        assert shell.records(name) == RECORDS
        assert shell("migrate", f"{path}/{name}", "--to", "hash", "--cf", "cf")[0] == 0
    assert sendmailcf.load(str(cf)).maps["acc"].map_class == "hash"
    assert set(sendmailcf.load(str(cf)).maps["acc"].flags) == {"o", "T"}
    assert shell.records("m.db") == RECORDS


def test_a_source_that_will_do_as_a_text_map_is_used(shell: Shell) -> None:
    path = str(shell.directory)
    source = b"Foo\tbar baz\n# comment\nkey\tval\n"
    (shell.directory / "m").write_bytes(source)
    shell("build", "m", "m.db")
    assert shell("migrate", f"{path}/m.db", "--to", "text")[0] == 0
    assert (shell.directory / "m").read_bytes() == source
    (shell.directory / "m").write_bytes(
        source.replace(b"key\t", b"key ")
    )  # this sendmail would read otherwise
    status, _, err = shell("migrate", f"{path}/m.db", "--to", "text")
    assert status == 0
    assert b"text -k0 -v1 -z\\t " + os.fsencode(path) + b"/m.text" in err
    assert (shell.directory / "m.text").read_bytes() in (
        b"foo\tbar baz\nkey\tval\n",
        b"key\tval\nfoo\tbar baz\n",
    )


def test_what_text_cannot_hold_is_refused(shell: Shell) -> None:
    (shell.directory / "source").write_bytes(b"a 1\t2\n")
    shell("build", "source", "m.db")
    status, _, err = shell("migrate", "m.db", "--to", "text")
    assert status == 2
    assert b"TAB" in err
    assert shell.left() == ["m.db", "source"]


@pytest.mark.parametrize(
    ("types", "wanted"),
    [("hash\nbtree\nimplicit", "hash"), ("cdb\nimplicit", "cdb"), ("implicit", "text"), ("", "text")],
)
def test_what_is_proposed(shell: Shell, types: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = shell.directory / "tools"
    tools.mkdir()
    (tools / "makemap").write_text(f"#!/bin/sh\ntest \"$1\" = -l && printf '{types}\\n'\n")
    (tools / "makemap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    shell("build", "source", "m.db")
    status, _, err = shell("migrate", "-n", "m.db")
    assert status == 0
    assert f"would be {wanted}\n".encode() in err


def test_half_a_change_is_completed_by_the_next_command(shell: Shell) -> None:
    from test_crash import deadly, in_child

    marked = 0
    for point in range(1, 12):
        for name in shell.left():
            if name != "source":
                (shell.directory / name).unlink()
        shell("build", "source", "m.db")

        def die(point: int = point) -> int:
            deadly(point, "after", str(shell.directory))
            return main(["map", "set", str(shell.directory / "m.db"), "key", "new"])

        in_child(die)
        marked += shell("dump", "m.db")[0] == 2
        assert shell("set", "m.db", "foo", "1")[0] == 0
        assert shell.records("m.db") in ({**RECORDS, b"foo": b"1"}, {**RECORDS, b"key": b"new", b"foo": b"1"})
    assert marked, "one of these points leaves a file that is marked as half-changed"
