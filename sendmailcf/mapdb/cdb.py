"""cdb files, the constant database that sendmail 8.17 and later can use: written and read.

The one thing to know: a cdb file has no magic number; it is recognised by its first 2048 bytes, whose tables follow
each other without a gap.  The files are those that tinycdb writes, byte for byte.  Layout from the specification at
cr.yp.to/cdb/cdb.txt.
"""

from __future__ import annotations

import struct
import sys
from array import array
from bisect import bisect_left
from itertools import islice

from ..errors import MapError
from .base import MOST_FAULTS, Collector, FileInfo, FileMap, filled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, List, Optional, Tuple

    from .base import Buffer, Pair, Put

#: Bytes of the 256 places of tables at the begin of a file.
HEAD = 2048
_LIMIT = 1 << 32
_BATCH = 4096


def hash_of(key: bytes) -> int:
    """The hash of a key, 32 bits."""
    h = 5381
    for byte in key:
        h = (h * 33 & 0xFFFFFFFF) ^ byte
    return h


class Builder(Collector):
    """Collects records, then writes them as one file, in the order they came.

    A cdb file has one byte order, little, and no pages.  replace: of equal keys the last wins, not the first.
    duplicates: all are kept.
    """

    def _lay(self, put: Put) -> Tuple[int, bytes]:
        pairs = self._kept()
        places = [array("I") for _ in range(256)]
        hashes = [array("I") for _ in range(256)]
        at = HEAD
        for first in range(0, len(pairs), _BATCH):
            parts: List[bytes] = []
            start = at
            for key, value in pairs[first : first + _BATCH]:
                h = hash_of(key)
                if at >= _LIMIT:
                    raise MapError("a cdb file holds at most 4 GiB")
                hashes[h & 255].append(h)
                places[h & 255].append(at)
                parts += (struct.pack("<II", len(key), len(value)), key, value)
                at += 8 + len(key) + len(value)
            put(start, b"".join(parts))
        head: List[int] = []
        for table in range(256):
            slots = 2 * len(places[table])
            head += (at, slots)
            if at + 8 * slots > _LIMIT:
                raise MapError("a cdb file holds at most 4 GiB")
            filled_slots = [0] * (2 * slots)
            for h, place in zip(hashes[table], places[table]):
                slot = (h >> 8) % slots
                while filled_slots[2 * slot + 1]:
                    slot = (slot + 1) % slots
                filled_slots[2 * slot : 2 * slot + 2] = h, place
            if slots:
                put(at, struct.pack(f"<{2 * slots}I", *filled_slots))
            at += 8 * slots
        return at, struct.pack("<512I", *head)


def build(pairs: Iterable[Pair], *, duplicates: bool = False) -> bytes:
    """The bytes of a cdb file with these pairs.  Raises MapError for a key that stands twice, unless duplicates."""
    return filled(Builder(duplicates=duplicates), pairs)


def recognised(head: bytes) -> bool:
    """Whether a file that begins with these 2048 bytes or more is a cdb file."""
    if len(head) < HEAD:
        return False
    place, seen = 0, False
    tables = struct.unpack_from("<512I", head)
    for at, slots in zip(tables[::2], tables[1::2]):
        if seen and at != place and (slots or at):
            return False
        if not seen and (slots or at):
            if at < HEAD:
                return False
            seen = True
            place = at
        place += 8 * slots
    return seen


class Info(FileInfo):
    """What the first bytes of a cdb file say.

    format: `cdb`.  byteorder: always little.  tables: place in bytes and number of slots of each of the 256 tables.
    end: where the records end, in bytes.  entries: the number of slots that all tables have, half of it in use.
    """

    format = "cdb"
    byteorder = "little"
    version = 0
    pagesize = 0

    def __init__(self, data: Buffer) -> None:
        size = len(data)
        if size < HEAD:
            raise MapError(f"truncated: {size} bytes are too few for a cdb file", offset=size)
        numbers = struct.unpack_from("<512I", data)
        self.tables: Tuple[Tuple[int, int], ...] = tuple(zip(numbers[::2], numbers[1::2]))
        for number, (at, slots) in enumerate(self.tables):
            if slots and not HEAD <= at <= size - 8 * slots:
                raise MapError(f"table {number} lies outside of the file", offset=8 * number)
        self.end = min((at for at, slots in self.tables if slots), default=HEAD)
        self.entries = sum(slots for _, slots in self.tables)


class CdbMap(FileMap):
    """A cdb file, read-only: a mapping of keys to values, both bytes, in the order they were added."""

    info: Info

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        self.info = Info(data)

    def __repr__(self) -> str:
        return f"<CdbMap, {self._size} bytes>"

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order they were added."""
        at = HEAD
        while at < self.info.end:
            key, value = self._spans(at, self.info.end)
            yield self._data[key : value[0]], self._data[value[0] : value[1]]
            at = value[1]

    def _spans(self, at: int, end: int) -> Tuple[int, Tuple[int, int]]:
        """Where the key of the record at `at` begins, and where its value begins and ends."""
        if not HEAD <= at <= end - 8:
            raise MapError("a record lies outside of the file", offset=min(at, self._size))
        key_length, length = struct.unpack_from("<II", self._data, at)
        value = at + 8 + key_length
        if value + length > end:
            raise MapError("a record lies outside of the file", offset=at)
        return at + 8, (value, value + length)

    def _find(self, key: bytes) -> Optional[bytes]:
        h = hash_of(key)
        at, slots = self.info.tables[h & 255]
        for step in range(slots):
            slot = at + 8 * (((h >> 8) + step) % slots)
            found, place = struct.unpack_from("<II", self._data, slot)
            if not place:
                return None
            if found == h:
                start, (value, end) = self._spans(place, self._size)
                if value - start == len(key) and self._data[start:value] == key:
                    return self._data[value:end]
        return None

    def verify(self) -> List[MapError]:
        """Every fault of the structure, with its offset in bytes; none in a sound file.

        The tables must follow the records without a gap; every record must be found in the table of its hash, from
        its first slot on without a free slot before it, and every slot must name a record.
        """
        return list(islice(self._faults(), MOST_FAULTS))

    def _faults(self) -> Iterator[MapError]:
        places, hashes = array("I"), array("I")
        at, end = HEAD, self.info.end
        try:
            while at < end:
                key, (value, after) = self._spans(at, end)
                places.append(at)
                hashes.append(hash_of(self._data[key:value]))
                at = after
        except MapError as error:
            yield error
        named = bytearray(len(places))
        place, gaps = end, False
        for number, (at, slots) in enumerate(self.info.tables):
            if at != place and (slots or at):
                gaps = True
                yield MapError(f"table {number} does not follow the one before it", offset=8 * number)
            elif slots:
                yield from self._table_faults(number, places, hashes, named)
                place += 8 * slots
        if gaps:
            return
        if place != self._size:
            yield MapError("the file does not end with its last table", offset=min(place, self._size))
        for at, seen in zip(places, named):
            if not seen:
                yield MapError("a record that no table names", offset=at)

    def _table_faults(
        self, number: int, places: array[int], hashes: array[int], named: bytearray
    ) -> Iterator[MapError]:
        """The faults of one table; the records that it names are marked in `named`."""
        at, slots = self.info.tables[number]
        entries = array("I")
        entries.frombytes(self._data[at : at + 8 * slots])
        if sys.byteorder == "big":
            entries.byteswap()
        # How many used slots stand before each without a gap: from those, a lookup arrives.
        reach, run = array("I", bytes(4 * slots)), 0
        for step in range(2 * slots):
            slot = step % slots
            run = min(run + 1, slots) if entries[2 * slot + 1] else 0
            reach[slot] = run
        if run == slots:
            yield MapError(f"table {number} has no free slot", offset=at)
        for slot in range(slots):
            h, place = entries[2 * slot : 2 * slot + 2]
            if not place:
                continue
            offset = at + 8 * slot
            record = bisect_left(places, place)
            if record == len(places) or places[record] != place:
                yield MapError("a slot that names no record", offset=offset)
            elif named[record]:
                yield MapError("a slot that names the record of another slot", offset=offset)
            else:
                named[record] = 1
                if hashes[record] != h or h & 255 != number:
                    yield MapError("a slot with another hash than its record's", offset=offset)
                elif (slot - (h >> 8)) % slots >= reach[slot]:
                    yield MapError("a slot that no lookup reaches", offset=offset)
