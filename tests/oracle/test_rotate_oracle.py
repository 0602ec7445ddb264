"""`relay rotate` between a fake relay and the real sendmail: refused, nothing changes; taken, the new one is used.

The one thing to know: the relay takes one password at a time, so which one sendmail sent is seen by what it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from faults import BASES, HOST, PASSWORD, USER, make_base

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("base", BASES)
def test_the_new_password_is_used_once_the_relay_takes_it(shared: Path, tmp_path: Path, base: str) -> None:
    make_base(tmp_path, base)
    script = Path(__file__).with_name("rotate_and_deliver.py")
    done = subprocess.run(
        [sys.executable, str(script), str(shared), str(tmp_path / "etc/mail"), HOST, USER, PASSWORD, 'n%1w \\"é'],
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert [one["status"] for one in found] == [None, 1, None, 0, None, None]
    assert [one["ok"] for one in found] == [True, True, True, True, False, True]
