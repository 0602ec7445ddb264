"""Killed anywhere, the commands on maps leave the old map or the new one, and can be run again.

The one thing to know: each point is one call into the operating system, as in tests/test_crash.py.  Written in its
place, a map may also be left as a file that nobody takes for one.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import pytest
from test_crash import KILLED, deadly, in_child

from sendmailcf import mapdb
from sendmailcf.cli import main
from sendmailcf.errors import MapError

OLD = {b"a": b"1", b"b": b"2", b"long": b"v" * 3000}
MORE = b"".join(b"key%d\tvalue %d\n" % (at, at) for at in range(150))
SOURCE = b"a\tnew\n" + MORE
NEW = {b"a": b"new", **{b"key%d" % at: b"value %d" % at for at in range(150)}}
#: The command, what it reads, and the map that it should leave.
WORK: Dict[str, Any] = {
    "makemap": (["makemap", "-C", "/dev/null", "{kind}", "{map}"], SOURCE, NEW),
    "in-place": (["makemap", "-C", "/dev/null", "--in-place", "{kind}", "{map}"], SOURCE, NEW),
    "append": (["makemap", "-C", "/dev/null", "-o", "-r", "{kind}", "{map}"], SOURCE, {**OLD, **NEW}),
    "editmap-u": (
        ["editmap", "-C", "/dev/null", "-u", "{kind}", "{map}", "a", "new"],
        b"",
        {**OLD, b"a": b"new"},
    ),
    "editmap-x": (
        ["editmap", "-C", "/dev/null", "-x", "{kind}", "{map}", "long"],
        b"",
        {b"a": b"1", b"b": b"2"},
    ),
    "set": (["map", "set", "{map}.db", "a", "new", "c", "3"], b"", {**OLD, b"a": b"new", b"c": b"3"}),
}


def run(words: List[str], source: bytes) -> int:
    """A command in this process, its output thrown away."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(source))
    sys.stdout = sys.stderr = open(os.devnull, "w")
    return main(words)


def fresh(directory: Path, kind: str) -> Path:
    directory.mkdir()
    path = directory / "m.db"
    path.write_bytes(mapdb.FORMATS[kind].build(OLD.items()))
    path.chmod(0o640)
    return path


def held(path: Path, *, sound: bool) -> Optional[Dict[bytes, bytes]]:
    """What a map holds; None for a file that is no map, or is marked as half-changed.  sound: it has no fault."""
    try:
        with mapdb.open(str(path)) as found:
            assert found.verify() == [] or not sound
            return dict(found.pairs())
    except MapError:
        return None


@pytest.mark.parametrize("when", ["before", "middle", "after"])
@pytest.mark.parametrize(
    ("work", "kind"),
    [
        *((work, "hash") for work in WORK),
        ("makemap", "btree"),
        ("editmap-u", "btree"),
        ("editmap-x", "btree"),
    ],
)
def test_killed_at_every_call(tmp_path: Path, work: str, kind: str, when: str) -> None:
    command, source, new = WORK[work]
    in_place = work == "in-place" or (work.startswith("editmap") and kind == "hash")

    def words(path: Path) -> List[str]:
        return [word.format(kind=kind, map=str(path)[: -len(".db")]) for word in command]

    point, seen = 0, []
    while True:
        point += 1
        root = tmp_path / f"at{point}"
        path = fresh(root, kind)

        def die(path: Path = path, root: Path = root, point: int = point) -> int:
            deadly(point, when, str(root))
            return run(words(path), source)

        status = in_child(die)
        assert status in (0, KILLED)
        left = held(path, sound=not in_place)
        assert left in (OLD, new) or (left is None and in_place), point
        if status == 0:
            break
        seen.append(left)
        assert in_child(lambda path=path: run(words(path), source)) == 0  # type: ignore[misc]
        assert held(path, sound=True) == new, point
        assert oct(path.stat().st_mode)[-3:] == "640"
        assert [one.name for one in root.iterdir()] == ["m.db"], "what the dead left was swept"
    assert len(seen) >= 6, "so few calls cannot be all"
    assert OLD in seen
    assert new in seen
