"""Berkeley DB hash files: version 9 written in bulk, versions 7 to 10 read, in either byte order.

The one thing to know: within a page keys are sorted bytewise, but of two keys of which one begins with the
other the LONGER comes first.  The C library searches by that order and its verifier does not check it, so a
page in plain order passes every check and loses keys.  Layout from dbinc/db_page.h and hash/hash_page.c of
Berkeley DB 5.3.

A file is built in two passes over compact blobs, not over objects: records are hashed many at a time, as
lanes of one big integer, and put in 256 partitions by their lowest bits; then each partition's buckets become
pages.  The number of buckets is not needed before the second pass, so a pipe does as well as a file.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from binascii import crc32
from collections import deque
from collections.abc import ItemsView, Mapping
from itertools import accumulate, chain, islice
from operator import add, eq, sub

from ..errors import MapError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from typing import Callable, Container, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

    Put = Callable[[int, bytes], object]
    Buffer = Union[bytes, mmap.mmap]
    Record = Tuple[int, int, bytes, bytes]  # hash, line, key, value

VERSION = 9
MAGIC = 0x00061561
#: func5 of the 12 bytes `%$sniglet^&` and NUL; the verifier compares it.
CHECK_HASH = 0x5E688DD1
_PAGE_HEADER = 26
_META_SIZE = 512
_TYPE_META, _TYPE_UNSORTED, _TYPE_SORTED, _TYPE_OVERFLOW = 8, 2, 13, 7
_INLINE, _DUPLICATES, _OFF_PAGE, _OFF_DUPLICATES = 1, 2, 3, 4
#: makemap's size hint, which Berkeley DB takes as the first value of the counter of elements.
_NELEM_START = 4096
#: The mean fill of a bucket's page up to which the number of buckets is not doubled.
_LOAD = 0.9
_LANE_BITS = 23
_LANE_MASK = (1 << _LANE_BITS) - 1
#: Keys longer than this are hashed one by one: in a lane they would cost every other key as many steps.
_LANE_BYTES = 128
_MAX_KEY_PAGE = 65536


def hash_of(key: bytes) -> int:
    """func5, the hash of version 5 and later: FNV-1 with a start value of 0, 32 bits."""
    h = 0
    for byte in key:
        h = (h * 16777619 & 0xFFFFFFFF) ^ byte
    return h


_lane_constants: Dict[int, Tuple[int, int]] = {}


def hashes_of(keys: Sequence[bytes]) -> array[int]:
    """The lowest 23 bits of `hash_of` for many keys.

    The low bits of a step depend on low bits alone, and there the multiplier may be taken modulo 2**23, 403;
    so a product needs 32 bits, and one multiplication of one big integer serves all keys.  Keys are filled up
    with NULs on the left, which a hash that starts at 0 does not notice.
    """
    if any(map(_LANE_BYTES.__lt__, map(len, keys))):
        return array("I", [hash_of(key) & _LANE_MASK for key in keys])
    count = len(keys)
    words = (max(map(len, keys), default=0) + 3) // 4 or 1
    width = words * 4
    lanes = array("I")
    if lanes.itemsize != 4:
        return array("I", [hash_of(key) & _LANE_MASK for key in keys])
    lanes.frombytes(b"".join([key.rjust(width, b"\0") for key in keys]))
    if count not in _lane_constants:
        if len(_lane_constants) > 8:
            _lane_constants.clear()
        ones = int.from_bytes(b"\1\0\0\0" * count, "little")
        _lane_constants[count] = (ones * _LANE_MASK, ones * 0xFF)
    mask, low = _lane_constants[count]
    h = 0
    for word in range(words):
        column = int.from_bytes(lanes[word::words].tobytes(), "little")
        h = ((h * 403) & mask) ^ (column & low)
        h = ((h * 403) & mask) ^ ((column >> 8) & low)
        h = ((h * 403) & mask) ^ ((column >> 16) & low)
        h = ((h * 403) & mask) ^ ((column >> 24) & low)
    made = array("I")
    made.frombytes((h & mask).to_bytes(4 * count, "little"))
    if sys.byteorder == "big":
        made.byteswap()
    return made


_COMPLEMENT = bytes(255 - i for i in range(256))


def _page_order(key: bytes) -> bytes:
    """Sorted descending by this, keys stand as a page needs them: the longer first where one begins the other."""
    return key.translate(_COMPLEMENT)


class Builder:
    """Collects records, then writes them as one file.

    byteorder: `little` or `big`.  pagesize: bytes, a power of two from 512 to 65536; raised where a key would
    else not fit a quarter of a page.  replace: of equal keys the last wins, not the first.
    """

    def __init__(
        self, byteorder: str = sys.byteorder, pagesize: int = 4096, *, replace: bool = False
    ) -> None:
        if byteorder not in ("little", "big"):
            raise MapError(f"{byteorder!r} is no byte order: little or big")
        if pagesize not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
            raise MapError(f"{pagesize} is no page size: a power of two from 512 to 65536")
        self._order = "<" if byteorder == "little" else ">"
        self._swap = byteorder != sys.byteorder
        self._pagesize = pagesize
        self._replace = replace
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
        pages = _Pages(
            self._order, self._page_size(), self._buckets(), lambda at, data: _write_at(fd, at, data)
        )
        self._fill(pages)
        os.ftruncate(fd, pages.size)
        pages.finish(self._file_id)
        return sorted(self._duplicates)

    def image(self) -> bytes:
        """The bytes of the file."""
        parts: Dict[int, bytes] = {}
        pages = _Pages(self._order, self._page_size(), self._buckets(), parts.__setitem__)
        self._fill(pages)
        pages.finish(self._file_id)
        image = bytearray(pages.size)
        for at, data in parts.items():
            image[at : at + len(data)] = data
        return bytes(image)

    @property
    def duplicates(self) -> List[Tuple[int, bytes]]:
        """After writing: the line and key of each record left out."""
        return sorted(self._duplicates)

    def _page_size(self) -> int:
        size = self._pagesize
        # A key off its page and one on it, of which one begins the other, are lost by the C library itself.
        while size // 4 < self._longest and size < _MAX_KEY_PAGE:
            size *= 2
        return size

    def _buckets(self) -> int:
        room, buckets = (self._page_size() - _PAGE_HEADER) * _LOAD, 2
        while buckets * room < self._payload and buckets <= _LANE_MASK >> 1:
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

    def _unique(self, records: List[Record]) -> List[Tuple[bytes, bytes]]:
        kept: Dict[bytes, bytes] = {}
        for _, line, key, value in sorted(records, key=lambda record: record[1]):
            if key in kept and not self._replace:
                self._duplicates.append((line, key))
                continue
            kept[key] = value
        return list(kept.items())


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
    """The pages of one file: bucket b on page b + 1, chains and overflow items after them."""

    def __init__(self, order: str, size: int, buckets: int, put: Put) -> None:
        self.pagesize, self.buckets = size, buckets
        self._order, self._put = order, put
        self._header = struct.Struct(order + "IIIIIHHBB")
        self._indices: Dict[int, struct.Struct] = {}
        self._next = buckets + 1
        self._count = 0

    @property
    def size(self) -> int:
        """Of the file so far, in bytes."""
        return self._next * self.pagesize

    def _put_page(
        self, number: int, offsets: List[int], body: bytes, previous: int = 0, following: int = 0
    ) -> None:
        count = len(offsets)
        index = self._indices.get(count)
        if index is None:
            index = self._indices[count] = struct.Struct(f"{self._order}{count}H")
        low = self.pagesize - len(body)
        head = self._header.pack(0, 1, number, previous, following, count, low & 0xFFFF, 0, _TYPE_SORTED)
        gap = low - _PAGE_HEADER - 2 * count
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
        room, longest = size - _PAGE_HEADER, max(lengths, default=0)
        twice = any(map(eq, keys, islice(keys, 1, None)))
        left, first, before = [], 0, 0
        for bucket, group in zip(buckets, groups):
            end = first + 2 * len(group)
            after = ends[end - 1]
            if bucket in strange or (twice and len(set(items[first:end:2])) < len(group)):
                left.append(bucket)
            elif after - before + 2 * (end - first) > room or longest > size // 4:
                self.exact(bucket, list(zip(items[first:end:2], items[first + 1 : end : 2])))
            else:
                self._count += len(group)
                base = size + before
                offsets = [base - one for one in ends[first:end]]
                self._put_page(bucket + 1, offsets, body[whole - after : whole - before])
            first, before = end, after
        return left

    def exact(self, bucket: int, pairs: List[Tuple[bytes, bytes]]) -> None:
        """Write a bucket of distinct keys, whatever they hold: off-page items, a chain of pages."""
        self._count += len(pairs)
        room = self.pagesize - _PAGE_HEADER
        chain: List[List[Tuple[bytes, bytes, bytes]]] = [[]]
        used = [0]
        for key, value in pairs:
            entry = (key, self._item(key), self._item(value))
            need = len(entry[1]) + len(entry[2]) + 4
            at = next((i for i, full in enumerate(used) if full + need <= room), None)
            if at is None:
                chain.append([])
                used.append(0)
                at = len(used) - 1
            chain[at].append(entry)
            used[at] += need
        numbers = [bucket + 1, *range(self._next, self._next + len(chain) - 1)]
        self._next += len(chain) - 1
        for at, entries in enumerate(chain):
            entries.sort(key=lambda entry: _page_order(entry[0]), reverse=True)
            items = [item for entry in entries for item in entry[1:]]
            offsets = list(accumulate(map(len, items), sub, initial=self.pagesize))[1:]
            previous = numbers[at - 1] if at else 0
            following = numbers[at + 1] if at + 1 < len(numbers) else 0
            body = b"".join(reversed(items))
            self._put_page(numbers[at], offsets, body, previous, following)

    def _item(self, data: bytes) -> bytes:
        """The item of a key or value: inline, or the place of its overflow pages."""
        # The limit is on the data, not on the item with its type byte (hash.h, ISBIG).
        if len(data) <= self.pagesize // 4:
            return b"\1" + data
        room = self.pagesize - _PAGE_HEADER
        first, count = self._next, -(-len(data) // room)
        self._next += count
        for at in range(count):
            piece = data[at * room : (at + 1) * room]
            number = first + at
            head = self._header.pack(
                0,
                1,
                number,
                number - 1 if at else 0,
                number + 1 if at + 1 < count else 0,
                1,
                len(piece),
                0,
                7,
            )
            self._put(number * self.pagesize, (head + piece).ljust(self.pagesize, b"\0"))
        return struct.pack(self._order + "B3xII", _OFF_PAGE, first, len(data))

    def finish(self, file_id: int) -> None:
        """Write page 0."""
        order, top = self._order, self.buckets - 1
        spares = [0] * 32
        for doubling in range(self.buckets.bit_length()):
            spares[doubling] = 1
        head = struct.pack(order + "IIIIII", 0, 1, 0, MAGIC, VERSION, self.pagesize)
        head += bytes((0, _TYPE_META, 0, 0))
        head += struct.pack(order + "IIIIII", 0, self._next - 1, 0, 0, 0, 0)
        head += struct.pack("=IIIII", file_id, self._count, 0, 0, 0)
        masks = (top, top, top >> 1)
        head += struct.pack(order + "IIIIII", *masks, 0, _NELEM_START + self._count, CHECK_HASH)
        head += struct.pack(order + "32I", *spares)
        self._put(0, head.ljust(self.pagesize, b"\0"))


def build(
    pairs: Iterable[Tuple[bytes, bytes]], *, byteorder: str = sys.byteorder, pagesize: int = 4096
) -> bytes:
    """The bytes of a hash file, version 9, with these pairs.  Raises MapError for a key that stands twice."""
    builder = Builder(byteorder, pagesize)
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


class Info:
    """What the first page of a hash file says.

    byteorder: little or big.  version: 7 to 10.  pagesize: bytes.  nelem: a counter of elements, a statistic.
    max_bucket, high_mask, low_mask, spares: how buckets are addressed.  last_page: its number.  duplicates:
    whether keys may have several values.
    """

    __slots__ = (
        "byteorder",
        "duplicates",
        "high_mask",
        "last_page",
        "low_mask",
        "max_bucket",
        "nelem",
        "pagesize",
        "spares",
        "version",
    )

    def __init__(self, data: Buffer, size: int) -> None:
        if size < _META_SIZE:
            raise MapError(f"truncated: {size} bytes are too few for a database", offset=size)
        self.byteorder = "little" if data[12:16] == struct.pack("<I", MAGIC) else "big"
        order = "<" if self.byteorder == "little" else ">"
        self.version, self.pagesize = struct.unpack_from(order + "II", data, 16)
        if not 7 <= self.version <= 10:
            raise MapError(f"hash version {self.version} cannot be read; 7 to 10 can", offset=16)
        if self.pagesize not in (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536):
            raise MapError(f"{self.pagesize} is no page size", offset=20)
        if data[25] != _TYPE_META:
            raise MapError(f"the first page has type {data[25]}, not {_TYPE_META}", offset=25)
        if data[24] or data[26] & 1:
            raise MapError("encrypted or checksummed files cannot be read; sendmail makes none", offset=24)
        (flags,) = struct.unpack_from(order + "I", data, 48)
        if flags & 2 or data[26] & 6:
            raise MapError("a file of several databases or partitions; sendmail makes none", offset=48)
        self.duplicates = bool(flags & 1)
        self.max_bucket, self.high_mask, self.low_mask, _, self.nelem, check = struct.unpack_from(
            order + "6I", data, 72
        )
        self.spares = struct.unpack_from(order + "32I", data, 96)
        if check != CHECK_HASH:
            raise MapError("the file was made with another hash function", offset=92)
        if size % self.pagesize:
            raise MapError(f"truncated: {size} bytes are no whole number of pages", offset=size)
        self.last_page = size // int(self.pagesize) - 1
        if self.version > 7 and struct.unpack_from(order + "I", data, 32)[0] > self.last_page:
            raise MapError("truncated: its last page is missing", offset=size)
        good_masks = self.low_mask == self.high_mask >> 1 and self.high_mask & (self.high_mask + 1) == 0
        if not good_masks or not self.low_mask <= self.max_bucket <= self.high_mask:
            raise MapError("the masks and the number of buckets do not fit each other", offset=72)
        if self.page_of(self.max_bucket) > self.last_page or self.max_bucket > self.last_page:
            raise MapError("truncated: the last bucket is missing", offset=72)

    def page_of(self, bucket: int) -> int:
        """The number of the first page of a bucket."""
        return bucket + int(self.spares[bucket.bit_length()])


class _Items(ItemsView[bytes, bytes]):
    """Every pair of a hash file, those of a key with several values included."""

    _mapping: HashMap

    def __iter__(self) -> Iterator[Tuple[bytes, bytes]]:
        return self._mapping.pairs()


class HashMap(Mapping[bytes, bytes]):
    """A hash file, read-only: a mapping of keys to values, both bytes.

    data: the whole file, or a memory mapping of it.  Where a key has several values, `get` gives the first and
    iteration gives all.  Whatever stands in the file, reading ends with a result or with MapError, which names
    the offset in bytes.
    """

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._size = len(data)
        self.info = Info(data, self._size)
        self._order = "<" if self.info.byteorder == "little" else ">"
        self._header = struct.Struct(self._order + "IIIHHBB")

    def __repr__(self) -> str:
        return f"<HashMap version {self.info.version}, {self.info.byteorder} endian, {self._size} bytes>"

    def __len__(self) -> int:
        return sum(1 for _ in self.pairs())

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.pairs())

    def items(self) -> ItemsView[bytes, bytes]:
        """Every pair, in the order of buckets: that of `makemap -u`."""
        return _Items(self)

    def pairs(self) -> Iterator[Tuple[bytes, bytes]]:
        """The same, one after the other."""
        for bucket in range(self.info.max_bucket + 1):
            for page, offsets in self._chain(bucket):
                for at in range(0, len(offsets), 2):
                    key = self._item(page, offsets, at)[0]
                    for value in self._item(page, offsets, at + 1):
                        yield key, value

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._find(key) is not None

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def _find(self, key: bytes) -> Optional[bytes]:
        h, info = hash_of(key), self.info
        bucket = h & info.high_mask
        if bucket > info.max_bucket:
            bucket &= info.low_mask
        for page, offsets in self._chain(bucket):
            for at in range(0, len(offsets), 2):
                if self._item(page, offsets, at)[0] == key:
                    return self._item(page, offsets, at + 1)[0]
        return None

    def _chain(self, bucket: int) -> Iterator[Tuple[int, Tuple[int, ...]]]:
        """The pages of a bucket: where each begins, in bytes, and the offsets of its items."""
        info, number, seen = self.info, self.info.page_of(bucket), 0
        while True:
            page = self._place(number)
            _, _, following, count, _, _, kind = self._header.unpack_from(self._data, page + 8)
            if kind == 0 and count == 0:
                return  # a page that was never written: an empty bucket
            if kind not in (_TYPE_SORTED, _TYPE_UNSORTED):
                raise MapError(f"a page of type {kind} where a hash page belongs", offset=page + 25)
            if count % 2 or _PAGE_HEADER + 2 * count > info.pagesize:
                raise MapError(f"a page with {count} items", offset=page + 20)
            offsets = struct.unpack_from(f"{self._order}{count}H", self._data, page + _PAGE_HEADER)
            yield page, offsets
            seen += 1
            if not following:
                return
            if seen > info.last_page:
                raise MapError("the pages of a bucket form a circle", offset=page + 16)
            number = following

    def _place(self, number: int) -> int:
        if not 0 < number <= self.info.last_page:
            raise MapError(f"there is no page {number}", offset=min(number * self.info.pagesize, self._size))
        return number * int(self.info.pagesize)

    def _item(self, page: int, offsets: Tuple[int, ...], at: int) -> List[bytes]:
        """The values of an item: one, or those of a set of duplicates."""
        end = offsets[at - 1] if at else self.info.pagesize
        start = offsets[at]
        if not _PAGE_HEADER + 2 * len(offsets) <= start < end <= self.info.pagesize:
            raise MapError(f"item {at} of the page lies outside of it", offset=page + _PAGE_HEADER + 2 * at)
        data = self._data[page + start : page + end]
        kind = data[0]
        if kind == _INLINE:
            return [bytes(data[1:])]
        if kind == _OFF_PAGE and len(data) == 12:
            first, length = struct.unpack(self._order + "4xII", data)
            return [self._overflow(int(first), int(length), page + start)]
        if kind == _DUPLICATES:
            return self._duplicates(data, page + start)
        what = "off-page duplicates, which cannot be read yet" if kind == _OFF_DUPLICATES else f"type {kind}"
        raise MapError(f"an item of {what}", offset=page + start)

    def _duplicates(self, data: bytes, offset: int) -> List[bytes]:
        out, at = [], 1
        while at + 4 <= len(data):
            (length,) = struct.unpack_from(self._order + "H", data, at)
            if at + 4 + length > len(data):
                break
            out.append(data[at + 2 : at + 2 + length])
            at += 4 + length
        if at != len(data) or not out:
            raise MapError("a set of duplicates that does not add up", offset=offset)
        return out

    def _overflow(self, number: int, length: int, offset: int) -> bytes:
        if length > self._size:
            raise MapError(f"an item of {length} bytes is larger than the file", offset=offset)
        pieces, left, seen = [], length, 0
        while left:
            page = self._place(number)
            _, _, following, _, size, _, kind = self._header.unpack_from(self._data, page + 8)
            room = self.info.pagesize - _PAGE_HEADER
            if kind != _TYPE_OVERFLOW or not 0 < size <= min(room, left):
                raise MapError("a page that holds no part of a large item", offset=page)
            pieces.append(self._data[page + _PAGE_HEADER : page + _PAGE_HEADER + size])
            left, number, seen = left - size, following, seen + 1
        return b"".join(pieces)
