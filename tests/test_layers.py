"""The house rules that a reader cannot see at a glance: who imports whom, and what is never written.

The one thing to know: a module imports only from rows above its own.  The rows are those of docs/design.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
from conftest import ROOT

#: The row of each room; the modules of one package are one room.
ROWS = {
    "errors": 0,
    "text": 0,
    "record": 0,
    "known": 1,
    "grammars": 0,
    "example": 0,
    "grammar": 1,
    "nodes": 1,
    "mapdb": 1,
    "document": 2,
    "expressions": 2,
    "values": 3,
    "authinfo": 3,
    "makemap": 3,
    "aliases": 3,
    "reading": 4,
    "references": 4,
    "config": 5,
    "asjson": 6,
    "summary": 6,
    "relay": 6,
    "lint": 7,
    "files": 8,
    "running": 9,
    "certificate": 1,
    "resolver": 1,
    "sasl": 4,
    "probe": 9,
    "strategies": 9,
    "cli": 10,
}
#: Who may import what is not of the standard library.
OUTSIDE = {
    "lark": {"grammar"},
    "attrs": {
        "record",
        "known",
        "nodes",
        "values",
        "reading",
        "references",
        "config",
        "summary",
        "authinfo",
        "relay",
        "lint",
        "certificate",
        "resolver",
        "probe",
        "document",
        "expressions",
        "cli",
    },
}
#: Narrower than the rows: pure rooms that must stay cheap, and the room of files.
ONLY = {"mapdb": {"errors"}, "grammar": {"errors"}, "nodes": {"record", "text"}, "makemap": {"mapdb", "errors"}}
FILES_MAY = 5
TOP_LEVEL = {
    "pyproject.toml", "README.md", "tox.ini", "CHANGELOG.md", "LICENSE", "docs", "grammars", "sendmailcf", "tests",
    ".ci", ".gitignore", "mkdocs.yml", ".pre-commit-hooks.yaml",
}  # fmt: skip

MODULES = sorted([*(ROOT / "sendmailcf").rglob("*.py"), *(ROOT / "grammars").glob("*.py")])


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] == "grammars" else parts[1]


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The rooms and outside packages that a module imports, with their lines; those for type checkers, too."""
    package = ["sendmailcf", *path.relative_to(ROOT / "sendmailcf").with_suffix("").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                yield (node.module or "").split(".")[0], node.lineno
                continue
            base = package[: len(package) - node.level + 1]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            for name in names:
                whole = [*base, *name.split(".")]
                yield (whole[1] if len(whole) > 1 else "__init__"), node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_come_from_rows_above(path: Path) -> None:
    if (
        path.name in ("__main__.py",)
        or path == ROOT / "sendmailcf" / "__init__.py"
        or path.parent.name == "grammars"
    ):
        return
    room = room_of(path)
    assert room in ROWS, f"{path} is no room of the design: give it a row"
    for name, line in imported(path):
        where = f"{path.relative_to(ROOT)}:{line} imports {name}"
        if name in OUTSIDE:
            assert room in OUTSIDE[name], where
        elif name in ROWS and name != room:
            most = FILES_MAY if room == "files" else ROWS[room] - 1
            assert ROWS[name] <= most, f"{where}, a row that is not above"
            assert name in ONLY.get(room, {name}), f"{where}, which this room must not"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_each_module_says_what_it_is_for(path: Path) -> None:
    doc = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert doc
    if path.parent.name != "grammars" and path.name not in ("__main__.py",):
        assert "one thing to know" in doc or path == ROOT / "sendmailcf" / "__main__.py"


def test_white_space_is_sendmail_s() -> None:
    for path in [*MODULES, *(ROOT / "grammars").glob("*.lark")]:
        for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
            assert not re.search(r"splitlines\(|\\s[*+]|\.isdigit\(|\.isspace\(", line), (
                f"{path.name}:{number}"
            )


def test_the_top_level_is_the_design_s() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in listed.split("\n") if name} <= TOP_LEVEL
