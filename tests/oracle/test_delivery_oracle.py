"""Deliveries by the real sendmail find their password while its map is rebuilt without a pause.

The one thing to know: a sendmail that has looked at a map's name and not yet opened it refuses a file that was renamed
in between, and that mail fails.  It does not happen to a map that is rebuilt from the same source, which stays, nor to
one that is written in its place; where each build has other contents, and ninety follow each other within a second, it
happens to a few in a thousand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from sendmail import make_cf

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(os.geteuid() != 0, reason="the map's owner matters to sendmail"),
]
#: Deliveries, and lookups by one sendmail that keeps the map open.
COUNTS = {"same": (150, 2000), "replace": (150, 0), "in-place": (30, 2000)}
SCRIPT = Path(__file__).with_name("deliver_while_rebuilding.py")
ENTRY = b'AuthInfo:email-smtp.ap-south-1.amazonaws.com\t"U:me" "P:invented" "M:LOGIN"\n'


@pytest.mark.parametrize("way", list(COUNTS))
def test_every_delivery_finds_its_entry(shared: Path, tmp_path: Path, way: str) -> None:
    deliveries, lookups = COUNTS[way]
    (tmp_path / "sendmail.cf").write_bytes(make_cf(shared, "--authinfo"))
    (tmp_path / "authinfo").write_bytes(ENTRY)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(shared / "e2e"), str(tmp_path), str(deliveries), str(lookups), way],
        capture_output=True, check=False, timeout=300, cwd="/", env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip("no namespaces here")
    assert done.returncode == 0, done.stderr
    found: Any = json.loads(done.stdout)
    assert found["alive"]
    assert found["rebuilds"] > deliveries
    if way == "replace":
        assert found["ok"] >= deliveries - 8, found
        assert all("file changed after" in line for line in found["reasons"]), found
    else:
        assert (found["ok"], found["hits"]) == (deliveries, lookups), found
