"""Hash files built at once: pairs to bytes, or to a file.

The one thing to know: a file is built in two passes over compact blobs, not over objects.  Records are hashed many
at a time, as lanes of one big integer, and put in 256 partitions by their lowest bits; then each partition's buckets
become pages.  The number of buckets is not needed before the second pass, so a pipe does as well as a file.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from binascii import crc32
from collections import deque
from itertools import accumulate, chain, islice
from operator import add, eq

from ...errors import MapError
from .hashing import LANE_BITS, hashes_of
from .layout import (
    CHECK_HASH,
    MAGIC,
    META,
    PAGE_HEADER,
    PAGE_SIZES,
    VERSION,
    VERSION_2X,
    header,
    page_order,
)
from .pages import Maker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Container, Dict, Iterable, List, Sequence, Tuple

    Put = Callable[[int, bytes], object]
    Record = Tuple[int, int, bytes, bytes]  # hash, line, key, value

#: makemap's size hint, which Berkeley DB takes as the first value of the counter of elements.
_NELEM_START = 4096
#: The mean fill of a bucket's page up to which the number of buckets is not doubled.
_LOAD = 0.9
_MAX_KEY_PAGE = 65536


class Builder:
    """Collects records, then writes them as one file.

    byteorder: `little` or `big`.  pagesize: bytes, a power of two from 512 to 65536; raised where a key would
    else not fit a quarter of a page.  replace: of equal keys the last wins, not the first.  duplicates: all pairs are
    kept, those of one key in the order in which they came; then replace has no meaning, as with makemap.  version:
    9, 8 for Berkeley DB before 4.6, or 5 for Berkeley DB 2.  Raises MapError for any other.
    """

    def __init__(
        self,
        byteorder: str = sys.byteorder,
        pagesize: int = 4096,
        *,
        replace: bool = False,
        duplicates: bool = False,
        version: int = VERSION,
    ) -> None:
        if byteorder not in ("little", "big"):
            raise MapError(f"{byteorder!r} is no byte order: little or big")
        if pagesize not in PAGE_SIZES:
            raise MapError(f"{pagesize} is no page size: a power of two from 512 to 65536")
        if version not in (VERSION, 8, VERSION_2X):
            raise MapError(f"hash version {version} cannot be written: 9, 8 and 5 can")
        self._order = "<" if byteorder == "little" else ">"
        self._swap = byteorder != sys.byteorder
        self._pagesize = pagesize
        self._replace, self._several, self._version = replace, duplicates, version
        self._blobs: List[List[bytes]] = [[] for _ in range(256)]
        self._metas: List[bytearray] = [bytearray() for _ in range(256)]
        self._odd: List[Record] = []
        self._count = self._payload = self._longest = 0
        self._file_id = 0
        self._duplicates: List[Tuple[int, bytes]] = []

    def add(self, keys: Sequence[bytes], values: Sequence[bytes], lines: Sequence[int] = ()) -> None:
        """Add records.  lines: where they come from, for the report of duplicates; counted on if not given."""
        count = len(keys)
        if not count:
            return
        numbers = array("I", lines or range(self._count, self._count + count))
        key_bytes, value_bytes = b"".join(keys), b"".join(values)
        self._count += count
        self._payload += len(key_bytes) + len(value_bytes) + 6 * count
        self._longest = max(self._longest, *map(len, keys))
        hashes = hashes_of(keys)
        # 0xFF separates key and value in a blob, and a line feed records; records that hold them go apart.
        if b"\xff" in key_bytes or b"\xff" in value_bytes or b"\n" in key_bytes or b"\n" in value_bytes:
            self._odd.extend(zip(hashes, numbers, keys, values))
            return
        self._file_id = crc32(value_bytes, crc32(key_bytes, self._file_id))
        both = array("I", bytes(8 * count))
        both[0::2], both[1::2] = hashes, numbers
        lists: List[List[bytes]] = [[] for _ in range(256)]
        packed: List[List[int]] = [[] for _ in range(256)]
        low = both.tobytes()[0::8] if sys.byteorder == "little" else both.tobytes()[3::8]
        records = [key + b"\xff" + value for key, value in zip(keys, values)]
        deque(map(list.append, map(lists.__getitem__, low), records), 0)
        pairs = array("Q")
        pairs.frombytes(both.tobytes())
        deque(map(list.append, map(packed.__getitem__, low), pairs), 0)
        for at, found in enumerate(lists):
            if found:
                self._blobs[at].append(b"\n".join(found))
                self._metas[at] += array("Q", packed[at]).tobytes()

    def write(self, fd: int) -> List[Tuple[int, bytes]]:
        """Write the file to a new, empty file descriptor; the records left out, by line: key seen before.

        The first page is written last, so a file that was not finished is none.  Raises OSError.
        """
        pages = self._pages(lambda at, data: _write_at(fd, at, data))
        self._fill(pages)
        os.ftruncate(fd, pages.size)
        pages.finish(self._file_id, self._several)
        return sorted(self._duplicates)

    def image(self) -> bytes:
        """The bytes of the file."""
        parts: Dict[int, bytes] = {}
        pages = self._pages(parts.__setitem__)
        self._fill(pages)
        pages.finish(self._file_id, self._several)
        image = bytearray(pages.size)
        for at, data in parts.items():
            image[at : at + len(data)] = data
        return bytes(image)

    @property
    def duplicates(self) -> List[Tuple[int, bytes]]:
        """After writing: the line and key of each record left out."""
        return sorted(self._duplicates)

    def _pages(self, put: Put) -> _Pages:
        return _Pages(self._order, self._page_size(), self._version, self._buckets(), put)

    def _page_size(self) -> int:
        size = self._pagesize
        # A key off its page and one on it, of which one begins the other, are lost by the C library itself.
        while size // 4 < self._longest and size < _MAX_KEY_PAGE:
            size *= 2
        return size

    def _buckets(self) -> int:
        room, buckets = (self._page_size() - PAGE_HEADER) * _LOAD, 2
        while buckets * room < self._payload and buckets <= 1 << (LANE_BITS - 1):
            buckets *= 2
        return buckets

    def _fill(self, pages: _Pages) -> None:
        # With fewer buckets than partitions, several partitions share a bucket.
        parts = min(256, pages.buckets)
        odd: List[List[Record]] = [[] for _ in range(parts)]
        for record in self._odd:
            self._file_id = crc32(record[3], crc32(record[2], self._file_id))
            odd[record[0] & (parts - 1)].append(record)
        for first in range(parts):
            blobs: List[bytes] = []
            metas = array("Q")
            for at in range(first, 256, parts):
                blobs += self._blobs[at]
                metas.frombytes(bytes(self._metas[at]))
                self._blobs[at], self._metas[at] = [], bytearray()
            records = b"\n".join(blobs).split(b"\n") if blobs else []
            self._partition(pages, records, metas, odd[first])

    def _partition(self, pages: _Pages, records: List[bytes], metas: array[int], odd: List[Record]) -> None:
        mask = pages.buckets - 1
        shift = 32 if sys.byteorder == "big" else 0
        ids = [meta & (mask << shift) for meta in metas]
        found: Dict[int, List[bytes]] = {one: [] for one in ids}
        deque(map(list.append, map(found.__getitem__, ids), records), 0)
        strange: Dict[int, List[Record]] = {}
        for record in odd:
            strange.setdefault(record[0] & mask, []).append(record)
        buckets = [one >> shift for one in found]
        again = set(pages.simple(buckets, list(found.values()), strange)) | set(strange)
        if again:
            # Keys that stand twice are told apart by their lines, which only the metas know.
            for one, meta, plain in zip(ids, metas, records):
                if one >> shift in again:
                    strange.setdefault(one >> shift, []).append(_unpacked(meta, plain))
        for bucket, whole in strange.items():
            pages.exact(bucket, self._unique(whole))

    def _unique(self, records: List[Record]) -> Dict[bytes, List[bytes]]:
        kept: Dict[bytes, List[bytes]] = {}
        for _, line, key, value in sorted(records, key=lambda record: record[1]):
            if key not in kept or (self._replace and not self._several):
                kept[key] = [value]
            elif self._several:
                kept[key].append(value)
            else:
                self._duplicates.append((line, key))
        return kept


def _unpacked(meta: int, record: bytes) -> Record:
    key, _, value = record.partition(b"\xff")
    high, low = meta >> 32, meta & 0xFFFFFFFF
    return (low, high, key, value) if sys.byteorder == "little" else (high, low, key, value)


def _write_at(fd: int, at: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done


class _Pages:
    """The pages of one file: bucket b on page b + 1, chains, overflow items and trees of duplicates after them."""

    def __init__(self, order: str, size: int, version: int, buckets: int, put: Put) -> None:
        self.pagesize, self.buckets = size, buckets
        self._order, self._put, self._version = order, put, version
        self._header = header(order)
        self._indices: Dict[int, struct.Struct] = {}
        self._next = buckets + 1
        self._count = 0
        self._maker = Maker(
            order, size, version, self._allocate, lambda number, data: put(number * size, data)
        )

    @property
    def size(self) -> int:
        """Of the file so far, in bytes."""
        return self._next * self.pagesize

    def _allocate(self) -> int:
        self._next += 1
        return self._next - 1

    def _put_page(self, number: int, offsets: List[int], body: bytes) -> None:
        count = len(offsets)
        index = self._indices.get(count)
        if index is None:
            index = self._indices[count] = struct.Struct(f"{self._order}{count}H")
        low = self.pagesize - len(body)
        head = self._header.pack(0, 1, number, 0, 0, count, low & 0xFFFF, 0, self._maker.kind)
        gap = low - PAGE_HEADER - 2 * count
        self._put(number * self.pagesize, b"".join((head, index.pack(*offsets), bytes(gap), body)))

    def simple(self, buckets: List[int], groups: List[List[bytes]], strange: Container[int]) -> List[int]:
        """Write buckets of `key 0xFF value` records, but for those in `strange`, and those in which a key stands
        twice, which are returned."""
        deque(map(list.sort, groups), 0)  # 0xFF after every key puts the longer of two first
        # One cut, one measurement and one body for all, of which each page takes a slice.
        items = b"\xff".join(chain.from_iterable(groups)).split(b"\xff") if groups else []
        keys = items[::2]
        lengths = list(map(len, items))
        ends = list(map(add, accumulate(lengths), range(1, len(items) + 1)))
        body = b"\1" + b"\1".join(reversed(items))
        whole, size = len(body), self.pagesize
        room, longest = size - PAGE_HEADER, max(lengths, default=0)
        twice = any(map(eq, keys, islice(keys, 1, None)))
        left, first, before = [], 0, 0
        for bucket, group in zip(buckets, groups):
            end = first + 2 * len(group)
            after = ends[end - 1]
            if bucket in strange or (twice and len(set(items[first:end:2])) < len(group)):
                left.append(bucket)
            elif after - before + 2 * (end - first) > room or longest > size // 4:
                self.exact(
                    bucket,
                    {key: [value] for key, value in zip(items[first:end:2], items[first + 1 : end : 2])},
                )
            else:
                self._count += len(group)
                base = size + before
                offsets = [base - one for one in ends[first:end]]
                self._put_page(bucket + 1, offsets, body[whole - after : whole - before])
            first, before = end, after
        return left

    def exact(self, bucket: int, records: Dict[bytes, List[bytes]]) -> None:
        """Write a bucket, whatever it holds: off-page items, sets of duplicates, a chain of pages."""
        self._count += len(records)
        room = self.pagesize - PAGE_HEADER
        chain: List[List[Tuple[bytes, bytes, bytes]]] = [[]]
        used = [0]
        for key, values in records.items():
            entry = (page_order(key), self._maker.item(key), b"")
            entry = (*entry[:2], self._maker.values(values, room - 4 - len(entry[1])))
            need = len(entry[1]) + len(entry[2]) + 4
            at = next((i for i, full in enumerate(used) if full + need <= room), None)
            if at is None:
                chain.append([])
                used.append(0)
                at = len(used) - 1
            chain[at].append(entry)
            used[at] += need
        numbers = [bucket + 1, *(self._allocate() for _ in chain[1:])]
        for at, entries in enumerate(chain):
            entries.sort(key=lambda entry: entry[0], reverse=True)
            items = [item for entry in entries for item in entry[1:]]
            previous = numbers[at - 1] if at else 0
            following = numbers[at + 1] if at + 1 < len(numbers) else 0
            page = self._maker.hash_page(numbers[at], items, previous, following)
            self._put(numbers[at] * self.pagesize, page)

    def finish(self, file_id: int, duplicates: bool) -> None:
        """Write page 0."""
        order, top = self._order, self.buckets - 1
        doublings = top.bit_length()
        fields = order + "IIIIII"
        masks = struct.pack(order + "III", top, top, top >> 1)
        counts = struct.pack(order + "III", 0, _NELEM_START + self._count, CHECK_HASH)
        unique = struct.pack("=IIIII", file_id, self._count, 0, 0, 0)
        if self._version == VERSION_2X:
            spares = [0] * 32
            spares[doublings] = self._next - 1 - self.buckets
            head = struct.pack(fields, 0, 0, 0, MAGIC, self._version, self.pagesize)
            head += struct.pack(order + "II", doublings, 0) + masks + counts
            head += struct.pack(order + "33I", duplicates, *spares) + unique
        else:
            spares = [1] * (doublings + 1) + [0] * (31 - doublings)
            head = struct.pack(fields, 0, 1, 0, MAGIC, self._version, self.pagesize)
            head += bytes((0, META, 0, 0))
            head += struct.pack(fields, 0, self._next - 1, 0, 0, 0, duplicates) + unique
            head += masks + counts + struct.pack(order + "32I", *spares)
        self._put(0, head.ljust(self.pagesize, b"\0"))


def build(
    pairs: Iterable[Tuple[bytes, bytes]],
    *,
    byteorder: str = sys.byteorder,
    pagesize: int = 4096,
    duplicates: bool = False,
    version: int = VERSION,
) -> bytes:
    """The bytes of a hash file with these pairs.  Raises MapError for a key that stands twice, but with duplicates."""
    builder = Builder(byteorder, pagesize, duplicates=duplicates, version=version)
    keys, values = [], []
    for key, value in pairs:
        keys.append(key)
        values.append(value)
    for at in range(0, len(keys), 8192):
        builder.add(keys[at : at + 8192], values[at : at + 8192])
    image = builder.image()
    if builder.duplicates:
        raise MapError(f"{len(builder.duplicates)} keys stand more than once")
    return image
