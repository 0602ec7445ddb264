"""The command against the recorded cases of the real makemap, and against the one that is installed.

The one thing to know: a case is replayed twice, on the installed makemap and on ours, so that a record that no
longer holds is told apart from a fault of ours.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from conftest import SHARED

from sendmailcf import mapdb

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(os.geteuid() != 0, reason="the cases were recorded as root, and concern ownership"),
]

CASES = SHARED / "spec" / "makemap-cases"
OURS = [sys.executable, "-m", "sendmailcf", "makemap"]
LATER_FLAGS = {"-d", "-o", "-l", "-L", "-x", "-i"}
#: What waits for in-place writing.
LATER = {"097-hardlink-db"}


def applies(case: Dict[str, Any]) -> bool:
    """Whether a case keeps to hash maps and to what the command does today."""
    if "user" in case or case["name"] in LATER:
        return False
    for step in case["steps"]:
        argv = step["argv"]
        if argv[0] != "makemap" or LATER_FLAGS & set(argv):
            return False
        if {"btree", "dbm", "cdb", "cf", "CF"} & set(argv):
            return False
    return True


def cases() -> List[Any]:
    if not CASES.is_dir():
        return []
    found = [json.loads(path.read_text("utf-8")) for path in sorted(CASES.glob("*.json"))]
    return [pytest.param(case, id=case["name"]) for case in found if applies(case)]


def latin(text: str) -> bytes:
    """Case files hold bytes as the characters of the same number."""
    return text.encode("latin-1")


def prepare(case: Dict[str, Any], directory: Path, makemap: str) -> None:
    directory.mkdir()
    (directory / "test.cf").write_text(case.get("cf", ""))
    for one in case.get("setup", ()):
        path = directory / one.get("path", "")
        if one["op"] == "run":
            argv = [makemap, *one["argv"][1:]]
            subprocess.run(
                argv, cwd=directory, input=latin(one.get("stdin", "")), check=True, capture_output=True
            )
        elif one["op"] == "file":
            path.write_bytes(latin(one.get("data", "")))
        elif one["op"] == "link":
            os.link(directory / one["to"], path)
        elif one["op"] == "symlink":
            path.symlink_to(one["to"])
        elif one["op"] == "mkdir":
            path.mkdir()
        elif one["op"] == "chmod":
            path.chmod(int(one["mode"], 8))
        elif one["op"] == "chown":
            shutil.chown(path, one["owner"])
        else:
            raise AssertionError(one)
    if "dirowner" in case:
        shutil.chown(directory, case["dirowner"])
    if "dirmode" in case:
        directory.chmod(int(case["dirmode"], 8))


def play(case: Dict[str, Any], directory: Path, command: List[str], executable: str) -> List[Dict[str, Any]]:
    out = []
    for step in case["steps"]:
        done = subprocess.run(
            [*command, *(argument.encode("utf-8") for argument in step["argv"][1:])], executable=executable,
            cwd=directory, input=latin(step.get("stdin", "")), capture_output=True, check=False,
        )  # fmt: skip
        found: Dict[str, Any] = {"exit": done.returncode, "stderr": done.stderr.decode("latin-1")}
        text = done.stdout.decode("latin-1")
        if "stdout_sorted_lines" in step:
            found["stdout_sorted_lines"] = sorted(line for line in text.split("\n") if line)
        else:
            found["stdout"] = text
        out.append(found)
    return out


def state(case: Dict[str, Any], directory: Path) -> Dict[str, Any]:
    """The maps and files that a case speaks of, as it speaks of them."""
    found: Dict[str, Any] = {}
    for name, wanted in case.get("dump", {}).items():
        path = directory / name
        if wanted is None:
            assert not path.exists(), name
        else:
            records = [
                [key.decode("latin-1"), value.decode("latin-1")]
                for key, value in mapdb.open(str(path)).items()
            ]
            found[name] = sorted(records)
    for name, wanted in case.get("stat", {}).items():
        path = directory / name
        if wanted is None:
            assert not path.exists(), name
        else:
            facts = path.stat()
            found["stat " + name] = [f"{facts.st_mode & 0o7777:04o}", pwd.getpwuid(facts.st_uid).pw_name]
    return found


def recorded(case: Dict[str, Any]) -> Dict[str, Any]:
    found: Dict[str, Any] = {
        name: sorted(one["records"]) for name, one in case.get("dump", {}).items() if one
    }
    for name, one in case.get("stat", {}).items():
        if one is not None:
            found["stat " + name] = [one["mode"], one["owner"]]
    return found


@pytest.mark.parametrize("case", cases())
def test_recorded_cases(case: Dict[str, Any], program: Callable[[str], str], tmp_path: Path) -> None:
    makemap = program("makemap")
    wanted = [{key: one[key] for key in one if key not in ("argv", "stdin")} for one in case["steps"]]
    # makemap calls itself in messages as it was called.
    for who, command, executable in (("real", ["makemap"], makemap), ("ours", OURS, sys.executable)):
        directory = tmp_path / who
        prepare(case, directory, makemap)
        assert play(case, directory, command, executable) == wanted, who
        assert state(case, directory) == recorded(case), who


def test_enough_cases_apply(shared: Path) -> None:
    assert len(cases()) >= 70
