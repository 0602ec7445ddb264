"""What starting costs: nobody pays for a parser who does not parse.

The one thing to know: modules are counted here, seconds in tests/bench/bench_startup.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = "import json, sys; {code}; sys.stderr.write(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"


def modules(code: str, cwd: Path, stdin: bytes = b"") -> set[str]:
    """The top-level modules that are loaded after some code."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(code=code)], input=stdin, capture_output=True, cwd=cwd, check=True
    )
    return set(json.loads(done.stderr.decode().split("\n")[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import sendmailcf",
        "import sendmailcf.cli as c; c.main(['--version'])",
        "import sendmailcf.cli as c; c.main(['--help'])",
        "import sendmailcf.cli as c; c.main(['makemap', '-C', '/dev/null', 'hash', 'm'])",
        "import sendmailcf.cli as c; c.main(['makemap', '-C', '/dev/null', 'btree', 'm'])",
        "import sendmailcf.cli as c; [c.main(['editmap', '-C', '/dev/null', *w, 'v']) for w in (['-u', 'hash', 'm', 'k'], ['-q', 'hash', 'm'])]",
        "import sendmailcf.cli as c; c.main(['praliases', '-f', 'm'])",
        "import sendmailcf.cli as c; c.main(['newaliases', '-C', '/dev/null', '-oAm'])",
        "import sendmailcf; sendmailcf.mapdb.load; sendmailcf.makemap.read",
    ],
)
def test_what_does_not_parse_loads_no_parser(code: str, tmp_path: Path) -> None:
    loaded = modules(code, tmp_path, b"key value\n")
    assert "sendmailcf" in loaded
    # Some environments load a few of them before any program starts.
    assert not (loaded - modules("pass", tmp_path)) & {
        "lark",
        "attr",
        "attrs",
        "argparse",
        "copy",
        "importlib",
        "typing",
        "tempfile",
        "subprocess",
        "difflib",
    }


def test_whoever_prints_a_map_loads_no_parser(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"key value\n")
    code = "import sendmailcf.cli as c; c.main(['map', 'build', 'm', 'm.db']); c.main(['map', 'dump', 'm.db']); c.main(['map', 'get', 'm.db', 'key'])"
    loaded = modules(code, tmp_path)
    assert "argparse" in loaded
    assert not loaded & {"lark", "attr", "attrs", "subprocess", "difflib"}


def test_no_line_of_these_languages_needs_lark(tmp_path: Path) -> None:
    code = "import sendmailcf; sendmailcf.lint(sendmailcf.loads(b'V10\\nDSx\\nMx, P=y, A=z\\nSx\\nR$*\\t$1'))"
    loaded = modules(code, tmp_path)
    assert "attr" in loaded
    assert "lark" not in loaded


def test_a_check_of_one_file_loads_what_it_needs(tmp_path: Path) -> None:
    tmp_path.joinpath("x.cf").write_text("V10/Berkeley\nMlocal, P=/bin/true, F=lsDFM, A=true $u\nSx\nR$*\t$: $1\n")
    loaded = modules("import sendmailcf.cli as c; c.main(['check', '-q', 'x.cf'])", tmp_path)
    assert "attr" in loaded
    assert not (loaded - modules("import attrs, argparse, json", tmp_path)) & {
        "base64", "difflib", "hashlib", "lark", "multiprocessing", "pickle", "pkgutil", "signal", "subprocess", "tempfile",
    }  # fmt: skip
