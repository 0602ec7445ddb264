"""What every test may lean on: the real programs, and the design's shared cases.

The one thing to know: on a developer's machine an absent oracle skips its tests and says so; where
CI=true it fails them, because what CI skips is not tested.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Callable

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/sendmail", "/sbin"])
#: How many times as many generated cases as usual: for long runs by hand.
FUZZ = int(os.environ.get("SENDMAILCF_FUZZ", "1"))
IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def absent(what: str) -> None:
    """Skip the running test because `what` is missing, or fail it in CI."""
    if IN_CI:
        pytest.fail(f"{what} is absent, and CI must not skip it")
    pytest.skip(f"{what} is absent")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The directory of specification, recorded cases and delivery harness beside the project."""
    if not SHARED.is_dir():
        absent("the directory `shared` beside the project")
    return SHARED


@pytest.fixture(scope="session")
def program() -> Callable[[str], str]:
    """A function from a program's name (sendmail, makemap, db5.3_verify …) to its path."""

    def find(name: str) -> str:
        found = shutil.which(name, path=SBIN)
        if found is None:
            absent(f"the program {name}")
        return str(found)

    return find


# In CI the same cases are drawn each time, so that it judges the change and not the draw; elsewhere new ones.
settings.register_profile("default", deadline=None, print_blob=True, derandomize=IN_CI)
settings.register_profile("short", deadline=None, print_blob=True, derandomize=IN_CI, max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
