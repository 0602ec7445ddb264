"""Some thousand damaged files of each format; `tests/fuzz/readers.py` is the command for millions.

The one thing to know: a failure names the command that runs its case alone.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from conftest import FUZZ

sys.path.insert(0, str(Path(__file__).resolve().parent / "fuzz"))
import readers

from sendmailcf import mapdb
from sendmailcf.errors import MapError

COUNT = 1_500 * FUZZ


@pytest.mark.parametrize("name", list(mapdb.FORMATS))
def test_damaged_files_are_read_or_refused(name: str) -> None:
    tally, failed = readers.run(name, 1, range(COUNT))
    assert failed is None, (
        f"python tests/fuzz/readers.py --format {name} --seed 1 --only {failed and failed[0]}"
    )
    assert tally.cases == COUNT
    # Sound files, and those in which only `verify` finds a fault, are there too: the laws on them were asked.
    assert tally.sound > COUNT // 50
    assert tally.faulty > COUNT // 50


@pytest.mark.parametrize("name", list(mapdb.FORMATS))
def test_a_reader_that_fails_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise IndexError("as a careless reader would")

    kinds = {"hash": "HashMap", "btree": "BtreeMap", "hash185": "Hash185Map", "cdb": "CdbMap", "text": "TextMap"}
    monkeypatch.setattr(getattr(mapdb.FORMATS[name], kinds[name]), "get", broken)
    with pytest.raises(IndexError):
        readers.run(name, 1, range(1))


@pytest.mark.parametrize("name", ["hash", "btree", "hash185", "cdb"])
def test_random_bytes_behind_a_good_begin(name: str) -> None:
    chance = random.Random(2)
    for image in readers.good_files(name):
        for _ in range(20):
            at = chance.choice([at for at in (512, 2048, len(image) // 2) if at < len(image)])
            data = image[:at] + chance.randbytes(len(image) - at)
            try:
                found = mapdb.load(data)
                list(found.pairs())
            except MapError as error:
                readers.check(error, len(data))
            else:
                found.verify()
