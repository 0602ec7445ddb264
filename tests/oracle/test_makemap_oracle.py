"""makemap, editmap and praliases against the recorded cases of the real ones, and against those that are installed.

The one thing to know: a case is replayed twice, on the installed programs and on ours, so that a record that no
longer holds is told apart from a fault of ours; then both get the same random work.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import SHARED
from programs import Done, ours, real

from sendmailcf import mapdb
from sendmailcf.errors import MapError
from sendmailcf.mapdb.hash import build

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(os.geteuid() != 0, reason="the cases were recorded as root, and concern ownership"),
]

CASES = SHARED / "spec" / "makemap-cases"
Run = Callable[..., Done]


def cases() -> List[Any]:
    if not CASES.is_dir():
        return []
    found = [json.loads(path.read_text("utf-8")) for path in sorted(CASES.glob("*.json"))]
    return [pytest.param(case, id=case["name"]) for case in found]


def latin(text: str) -> bytes:
    """Case files hold bytes as the characters of the same number."""
    return text.encode("latin-1")


def prepare(case: Dict[str, Any], directory: Path, run: Run) -> None:
    directory.mkdir()
    (directory / "test.cf").write_text(case.get("cf", ""))
    for one in case.get("setup", ()):
        path = directory / one.get("path", "")
        if one["op"] == "run":
            assert (
                run([latin(word) for word in one["argv"]], latin(one.get("stdin", "")), cwd=directory).exit
                == 0
            )
        elif one["op"] == "file":
            path.write_bytes(latin(one.get("data", "")))
            path.chmod(int(one.get("mode", "0644"), 8))
        elif one["op"] == "link":
            os.link(directory / one["to"], path)
        elif one["op"] == "symlink":
            path.symlink_to(one["to"])
        elif one["op"] == "mkdir":
            path.mkdir()
            path.chmod(int(one.get("mode", "0755"), 8))
        elif one["op"] == "chmod":
            path.chmod(int(one["mode"], 8))
        elif one["op"] == "chown":
            shutil.chown(path, one.get("owner"), one.get("group"))
        else:
            raise AssertionError(one)
    directory.chmod(int(case.get("dirmode", "0755"), 8))
    if "dirowner" in case:
        shutil.chown(directory, case["dirowner"])


def play(case: Dict[str, Any], directory: Path, run: Run) -> List[Dict[str, Any]]:
    out = []
    for step in case["steps"]:
        words = [latin(word) for word in step["argv"]]
        done = run(words, latin(step.get("stdin", "")), cwd=directory, user=case.get("user"))
        found: Dict[str, Any] = {"exit": done.exit, "stderr": done.err.decode("latin-1")}
        text = done.out.decode("latin-1")
        if "stdout_sorted_lines" in step:
            found["stdout_sorted_lines"] = sorted(line for line in text.split("\n") if line)
        else:
            found["stdout"] = text
        out.append(found)
    return out


def contents(path: Path) -> Any:
    """A map as the cases describe it."""
    try:
        found = mapdb.open(str(path))
    except MapError:
        return "error"
    records = sorted([key.decode("latin-1"), value.decode("latin-1")] for key, value in found.pairs())
    return [found.info.format, bool(getattr(found.info, "duplicates", False)), records]


def state(case: Dict[str, Any], directory: Path) -> Dict[str, Any]:
    """The maps and files that a case speaks of, as it speaks of them."""
    found: Dict[str, Any] = {}
    for name in case.get("dump", {}):
        path = directory / name
        found[name] = contents(path) if path.exists() else None
    for name in case.get("stat", {}):
        path = directory / name
        found["stat " + name] = None
        if path.exists():
            facts = path.lstat()
            found["stat " + name] = [f"{stat.S_IMODE(facts.st_mode):04o}", pwd.getpwuid(facts.st_uid).pw_name]
    return found


def recorded(case: Dict[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for name, one in case.get("dump", {}).items():
        if one is None or "error" in one:
            found[name] = one and "error"
        else:
            found[name] = [one["type"], one["duplicates"], sorted(one["records"])]
    for name, one in case.get("stat", {}).items():
        found["stat " + name] = one and [one["mode"], one["owner"]]
    return found


@pytest.fixture(scope="module")
def installed(program: Callable[[str], str]) -> Run:
    """Runs an installed program as `ours` runs one of ours."""

    def run(argv: List[bytes], stdin: bytes = b"", **how: Any) -> Done:
        return real(program(argv[0].decode()), argv, stdin, **how)

    return run


@pytest.mark.parametrize("case", cases())
def test_recorded_cases(case: Dict[str, Any], installed: Run, tmp_path: Path) -> None:
    wanted = [{key: one[key] for key in one if key not in ("argv", "stdin")} for one in case["steps"]]
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)  # another user must get there
    for who, run in (("real", installed), ("ours", ours)):
        directory = tmp_path / who
        prepare(case, directory, run)
        assert play(case, directory, run) == wanted, who
        assert state(case, directory) == recorded(case), who


@pytest.mark.parametrize("kind", [b"cf", b"CF"])
def test_a_map_is_found_by_its_name_in_a_cf(installed: Run, tmp_path: Path, kind: bytes) -> None:
    names = ["m", "./m", "m.x", "m.x.y", "m.x.db", "m.db.db", ".m", "m.", "m..", "a.b/m.x", "mm"]
    for who in ("real", "ours"):
        (tmp_path / who / "a.b").mkdir(parents=True)
    for word in names:
        for name in names:
            found = []
            for who, run in (("real", installed), ("ours", ours)):
                (tmp_path / who / "test.cf").write_text(f"Kone btree -o {word}\n")
                argv = [b"makemap", b"-C", b"test.cf", kind, name.encode()]
                found.append(run(argv, b"a b\n", cwd=tmp_path / who))
            assert found[0] == found[1], (word, name)


@pytest.mark.parametrize("at", [None, 12, 16, 20, 24, 26])
@pytest.mark.parametrize("value", [1, 2, 254])
def test_what_is_no_map_is_written_over_and_not_added_to(installed: Run, tmp_path: Path, at: Any, value: int) -> None:
    for words in ([b"makemap", b"hash"], [b"makemap", b"-o", b"hash"], [b"editmap", b"-u", b"hash"]):
        if at is not None and words == [b"makemap", b"hash"]:
            continue  # of a damaged map we make a new one, and Berkeley DB panics now and then
        found = []
        for who, run in (("real", installed), ("ours", ours)):
            directory = tmp_path / who
            directory.mkdir(exist_ok=True)
            (directory / "test.cf").touch()
            image = bytearray(bytes([value]) * 600 if at is None else build([(b"k", b"v")]))
            if at is not None:
                image[at] = 255 - value
            (directory / "m.db").write_bytes(image)
            argv = [words[0], b"-C", b"test.cf", *words[1:], b"m"] + [b"a", b"b"] * (words[0] == b"editmap")
            found.append((run(argv, b"a b\n", cwd=directory), contents(directory / "m.db")))
        assert found[0] == found[1], words


@pytest.mark.parametrize("size", [4092, 4093, 6000])
def test_names_that_are_too_long(installed: Run, tmp_path: Path, size: int) -> None:
    (tmp_path / "test.cf").touch()
    name = (b"a/" * size)[: size - 1] + b"x"
    for words in ([b"makemap", b"hash", name], [b"makemap", b"implicit", name], [b"editmap", b"-q", b"hash", name, b"k"],
                  [b"praliases", b"-f", name]):  # fmt: skip
        argv = [words[0], b"-C", b"test.cf", *words[1:]]
        assert ours(argv, cwd=tmp_path) == installed(argv, cwd=tmp_path)


def test_enough_cases_are_there(shared: Path) -> None:
    assert len(cases()) >= 130
