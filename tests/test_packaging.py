"""What is installed: every package, grammar and example, from a wheel that is built from the sdist.

The one thing to know: the wheel is compared with the source tree in both directions.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import sendmailcf


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An sdist, and the wheel built from it."""
    out = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("source") / "tree"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True,
    ).stdout.decode().split("\0")  # fmt: skip
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def wanted() -> set[str]:
    """Every file that must be in the wheel, by its name there."""
    names = set()
    for path in (ROOT / "sendmailcf").rglob("*"):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and "__pycache__" not in name:
            names.add(name)
    for path in (ROOT / "grammars").iterdir():
        if path.suffix in (".lark", ".py"):
            names.add("sendmailcf/grammars/" + path.name)
    return names


def test_the_wheel_holds_exactly_the_packages(distributions: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(distributions[1]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == wanted()
    assert "sendmailcf/grammars/cf.lark" in names
    assert "sendmailcf/example/etc/mail/sendmail.cf" in names
    assert "sendmailcf/py.typed" in names


def test_the_sdist_holds_what_the_wheel_is_made_of(distributions: tuple[Path, Path]) -> None:
    with tarfile.open(distributions[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    for name in wanted():
        assert name.replace("sendmailcf/grammars/", "grammars/") in names
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_the_wheel_works_where_it_is_installed(distributions: tuple[Path, Path], tmp_path: Path) -> None:
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*command, str(distributions[1])], check=True)
    script = "import sendmailcf; print(sendmailcf.__file__); import sendmailcf.cli as c; raise SystemExit(c.main(['demo']))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": str(target)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(target))


def test_the_version_is_told_in_one_place() -> None:
    assert f"## {sendmailcf.__version__}" in (ROOT / "CHANGELOG.md").read_text()
