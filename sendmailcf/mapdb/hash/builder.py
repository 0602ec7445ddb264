"""Hash files built at once: pairs to bytes, or to a file.

The one thing to know: a file is built in two passes over compact blobs, not over objects.  Records are hashed many
at a time and put in 256 heaps by the lowest bits of their hashes, in memory or, above a limit, in a temporary file;
then the buckets of one or several heaps, a part, become pages.  The number of buckets is not needed before the second
pass, so a pipe does as well as a file.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from binascii import crc32
from itertools import accumulate, chain, islice
from operator import eq

from ...errors import MapError
from .hashing import LANE_BITS, hashes_of
from .heaps import HEAPS, Heaps
from .layout import (
    CHECK_HASH,
    FREE,
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
    from typing import (
        IO,
        Any,
        Callable,
        Container,
        Dict,
        Iterable,
        Iterator,
        List,
        Optional,
        Sequence,
        Set,
        Tuple,
    )

    Put = Callable[[int, bytes], object]
    Record = Tuple[int, int, bytes, bytes]  # hash, number, key, value
    #: Counts; odd records; runs with their lines; where the heaps are.
    _Share = Tuple[Tuple[int, int, int, int], List[Record], List[Any], Any]

#: makemap's size hint, which Berkeley DB takes as the first value of the counter of elements.
_NELEM_START = 4096
#: The mean fill of a bucket's page up to which the number of buckets is not doubled.
_LOAD = 0.9
_MAX_KEY_PAGE = 65536
#: Between a key and a value in a blob: a byte that sorts behind all others, and the type of an item on its page.
SEPARATOR = b"\xff\1"
#: The bytes of blobs that are kept in memory, if no other limit is given.
_MEMORY = 98 << 20
#: How many records of a small file are laid down together, at least, and how many bytes at most.
_PART, _PART_BYTES = 1024, 1 << 24
_LOW_BYTE = 0 if sys.byteorder == "little" else 1
#: For each mask of 0 to 8 bits, what it leaves of each byte.
_MASKS = {(1 << bits) - 1: bytes(i & ((1 << bits) - 1) for i in range(256)) for bits in range(9)}


class Builder:
    """Collects records, then writes them as one file.

    byteorder: `little` or `big`.  pagesize: bytes, a power of two from 512 to 65536; raised where a key would
    else not fit a quarter of a page.  replace: of equal keys the last wins, not the first.  duplicates: all pairs are
    kept, those of one key in the order in which they came; then replace has no meaning, as with makemap.  version:
    9, 8 for Berkeley DB before 4.6, or 5 for Berkeley DB 2.  memory: the bytes of records above which they go to a
    temporary file without a name, in the directory `scratch`.  progress: called while writing, with the share that is
    written, from 0.0 to 1.0.  Raises MapError for a value that is none of these.
    """

    def __init__(
        self,
        byteorder: str = sys.byteorder,
        pagesize: int = 4096,
        *,
        replace: bool = False,
        duplicates: bool = False,
        version: int = VERSION,
        memory: int = _MEMORY,
        scratch: Optional[str] = None,
        progress: Optional[Callable[[float], object]] = None,
    ) -> None:
        if byteorder not in ("little", "big"):
            raise MapError(f"{byteorder!r} is no byte order: little or big")
        if pagesize not in PAGE_SIZES:
            raise MapError(f"{pagesize} is no page size: a power of two from 512 to 65536")
        if version not in (VERSION, 8, VERSION_2X):
            raise MapError(f"hash version {version} cannot be written: 9, 8 and 5 can")
        self._order = "<" if byteorder == "little" else ">"
        self._pagesize = pagesize
        self._replace, self._several, self._version = replace, duplicates, version
        self._memory, self.scratch = memory, scratch
        self._heaps = Heaps(memory, scratch)
        self._progress = progress
        self._odd: List[Record] = []
        #: Of each run of records: the number of the first, the heap of each (None for odd ones), their lines.
        self._runs: List[Tuple[int, Optional[bytes], Sequence[int]]] = []
        self._count = self._payload = self._longest = 0
        self._file_id = 0
        self._left_out: List[Tuple[int, bytes]] = []

    def add(self, keys: Sequence[bytes], values: Sequence[bytes], lines: Sequence[int] = ()) -> None:
        """Add records.  lines: where they come from, for the report of duplicates; counted on if not given."""
        key_bytes, value_bytes = b"".join(keys), b"".join(values)
        # 0xFF separates key and value in a blob, and a line feed records; records that hold them go apart.
        odd = b"\xff" in key_bytes or b"\xff" in value_bytes or b"\n" in key_bytes or b"\n" in value_bytes
        limit = self._pagesize // 4
        if values and max(map(len, values)) > limit:
            # These leave their page.
            self._payload -= sum(len(value) - 12 for value in values if len(value) > limit)
        if not odd:
            self.add_records(keys, [key + SEPARATOR + value for key, value in zip(keys, values)], lines)
            return
        hashes = self._hash(keys)
        self._odd.extend(zip(hashes, range(self._count, self._count + len(keys)), keys, values))
        self._note(hashes, len(key_bytes) + len(value_bytes), None, lines)

    def add_records(self, keys: Sequence[bytes], records: Sequence[bytes], lines: Sequence[int] = ()) -> None:
        """Add records that are joined already: key, `SEPARATOR` and value, with no other 0xFF and no line feed."""
        if not keys:
            return
        hashes = self._hash(keys)
        size = self._heaps.size
        low = self._heaps.add(records, hashes)
        self._note(hashes, self._heaps.size - size - len(SEPARATOR) * len(records), low, lines)

    def _hash(self, keys: Sequence[bytes]) -> array[int]:
        longest = max(map(len, keys))
        self._longest = max(self._longest, longest)
        return hashes_of(keys, longest)

    def _note(self, hashes: array[int], size: int, low: Optional[bytes], lines: Sequence[int]) -> None:
        count = len(hashes)
        self._runs.append((self._count, low, lines or range(self._count, self._count + count)))
        self._count += count
        self._payload += size + 6 * count  # two types, two places in the index
        self._file_id = crc32(hashes.tobytes(), self._file_id)

    def write(self, fd: int) -> List[Tuple[int, bytes]]:
        """Write the file to a new, empty file descriptor; the records left out, by line: key seen before.

        The first page is written last, so a file that was not finished is none.  Raises OSError.
        """
        pages = self._pages(lambda at, data: _write_at(fd, at, data))
        self._fill(pages)
        os.ftruncate(fd, pages.size)
        pages.finish(self._file_id, self._several)
        return self.duplicates

    # The same, by several processes: see `workers`.

    def begin_share(self, file: IO[bytes], jobs: int) -> None:
        """Make this the builder of one share; file: for heaps."""
        self._heaps.use(file, self._memory // jobs)

    def share(self, mine: int, jobs: int) -> _Share:
        """What there is to know of a share that was added, once its heaps but each `jobs`th are in its file."""
        runs = [
            (first, low, (lines[0], len(lines)) if isinstance(lines, range) else array("Q", lines).tobytes())
            for first, low, lines in self._runs
        ]
        counts = (self._count, self._payload, self._longest, self._file_id)
        return counts, self._odd, runs, self._heaps.give(range(mine, HEAPS, jobs))

    def join(self, shares: List[_Share], lines: List[int], mine: int, files: Sequence[IO[bytes]]) -> None:
        """Know of all shares, of which this builder has one.  lines: how many each has."""
        self._count = self._payload = self._longest = self._file_id = number = line = 0
        self._odd, self._runs = [], []
        for share, ((count, payload, longest, file_id), odd, runs, given) in enumerate(shares):
            self._count, self._payload = self._count + count, self._payload + payload
            self._longest = max(self._longest, longest)
            self._file_id = crc32(struct.pack("<I", file_id), self._file_id)
            self._odd += [(h, number + at, key, value) for h, at, key, value in odd]
            for first, low, held in runs:
                if isinstance(held, tuple):
                    at: Sequence[int] = range(held[0] + line, held[0] + held[1] + line)
                else:
                    at = [one + line for one in array("Q", held)]
                self._runs.append((number + first, low, at))
            if share != mine:
                self._heaps.receive(given, files[share].fileno(), after=share > mine)
            number, line = number + count, line + lines[share]

    def write_share(self, fd: int, mine: int, jobs: int) -> Tuple[int, int, List[Tuple[int, bytes]]]:
        """Write the pages of each `jobs`th part: records, the next page it would take, and the records left out."""
        pages = self._pages(lambda at, data: _write_at(fd, at, data), mine, jobs)
        self._fill(pages, mine, jobs)
        return pages.count, pages.next, self._left_out

    def finish_shares(self, fd: int, done: List[Tuple[int, int, List[Tuple[int, bytes]]]]) -> None:
        """Write page 0, when all shares are written."""
        pages = self._pages(lambda at, data: _write_at(fd, at, data), 0, len(done))
        self._left_out = [one for _, _, left_out in done for one in left_out]
        os.ftruncate(fd, pages.close_ranks([following for _, following, _ in done]) * pages.pagesize)
        pages.count = sum(count for count, _, _ in done)
        pages.finish(self._file_id, self._several)

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
        if not self._left_out:
            return []
        from bisect import bisect_right

        firsts = [first for first, _, _ in self._runs]
        found = []
        for number, key in sorted(self._left_out):
            first, _, lines = self._runs[bisect_right(firsts, number) - 1]
            found.append((lines[number - first], key))
        return found

    def _pages(self, put: Put, mine: int = 0, jobs: int = 1) -> _Pages:
        pages = _Pages(self._order, self._page_size(), self._version, self._buckets(jobs), put)
        pages.next, pages.step = pages.next + mine, jobs
        return pages

    def _page_size(self) -> int:
        size = self._pagesize
        # A key off its page and one on it, of which one begins the other, are lost by the C library itself.
        while size // 4 < self._longest and size < _MAX_KEY_PAGE:
            size *= 2
        return size

    def _buckets(self, least: int) -> int:
        room, buckets = (self._page_size() - PAGE_HEADER) * _LOAD, max(least, 2)
        while buckets * room < self._payload and buckets < 1 << LANE_BITS:
            buckets *= 2
        return buckets

    def _fill(self, pages: _Pages, mine: int = 0, jobs: int = 1) -> None:
        """Write all buckets, part by part: what a part needs in memory serves the next one, too."""
        # Parts of some hundred records: fewer than there are heaps if the file is small.
        parts, top = jobs, min(HEAPS, pages.buckets)
        while parts < top and (parts * _PART < self._count or parts * _PART_BYTES < self._payload):
            parts *= 2
        odd: Dict[int, List[Record]] = {}
        for record in self._odd:
            odd.setdefault(record[0] & (parts - 1), []).append(record)
        few, places, groups = self._heaps.few(), [], []  # type: Any, List[int], List[List[bytes]]
        if few is not None:
            mask = pages.buckets - 1
            places = [one & mask for one in few[1]]
            groups = _grouped(few[0], places, pages.buckets)
        for part in range(mine, parts, jobs):
            buckets = range(part, pages.buckets, parts)
            if few is not None:
                plain = zip(few[0], places, self._in_order())
                self._write(pages, buckets, groups[part::parts], odd.pop(part, ()), plain)
            else:
                self._write_heaps(pages, buckets, odd.pop(part, ()))
            if self._progress is not None:
                self._progress((part - mine + jobs) / parts)
        self._heaps.close()

    def _write_heaps(self, pages: _Pages, buckets: range, odd: Iterable[Record]) -> None:
        """Write the buckets of some heaps."""
        heaps = range(buckets.start, HEAPS, buckets.step)
        records: List[bytes] = []
        places: List[int] = []
        for heap in heaps:
            more, high = self._heaps.take(heap)
            records += more
            places += self._places(heap, high, buckets.step, pages.buckets)
        groups = _grouped(records, places, len(buckets))
        plain = zip(records, map(buckets.__getitem__, places), self._numbers(heaps))
        self._write(pages, buckets, groups, odd, plain)

    def _write(
        self,
        pages: _Pages,
        buckets: range,
        groups: List[List[bytes]],
        odd: Iterable[Record],
        plain: Iterable[Tuple[bytes, int, int]],
    ) -> None:
        """Write some buckets.

        groups: the plain records of each.  odd: the odd ones of all.  plain: these plain ones again, perhaps with
        others, each with its bucket and its number.
        """
        strange: Dict[int, List[Record]] = {}
        for record in odd:
            strange.setdefault(record[0] & (pages.buckets - 1), []).append(record)
        again = pages.simple(buckets, groups, strange)
        if not again and not strange:
            return
        again |= strange.keys()
        for joined, bucket, number in plain:
            if bucket in again:
                key, _, value = joined.partition(SEPARATOR)
                strange.setdefault(bucket, []).append((0, number, key, value))
        for bucket, whole in strange.items():
            pages.exact(bucket, self._unique(whole))

    def _places(self, heap: int, high: array[int], parts: int, buckets: int) -> Iterable[int]:
        """For the records of a heap: which bucket of their part each belongs in, counted from 0."""
        own, step = (heap & (buckets - 1)) // parts, HEAPS // parts
        mask = max(buckets // HEAPS, 1) - 1
        if mask > 255 or step > 1:
            return [(one & mask) * step + own for one in high]
        return high.tobytes()[_LOW_BYTE::2].translate(_MASKS[mask])

    def _numbers(self, heaps: Sequence[int]) -> Iterator[int]:
        """The numbers of all records of some heaps, heap by heap, as they were counted when they were added."""
        for heap in heaps:
            one = bytes((heap,))
            for first, low, _ in self._runs:
                at = -1 if low is None else low.find(one)
                while at >= 0:
                    yield first + at
                    at = low.find(one, at + 1) if low is not None else -1

    def _in_order(self) -> Iterator[int]:
        """The same of all records that are in no heap."""
        return chain.from_iterable(range(first, first + len(low)) for first, low, _ in self._runs if low is not None)

    def _unique(self, records: List[Record]) -> Dict[bytes, List[bytes]]:
        kept: Dict[bytes, List[bytes]] = {}
        for _, number, key, value in sorted(records, key=lambda record: record[1]):
            if key not in kept or (self._replace and not self._several):
                kept[key] = [value]
            elif self._several:
                kept[key].append(value)
            else:
                self._left_out.append((number, key))
        return kept


def _grouped(records: List[bytes], places: List[int], count: int) -> List[List[bytes]]:
    """The records of each of some buckets, which are counted from 0.  places: the bucket of each record."""
    groups: List[List[bytes]] = [[] for _ in range(count)]
    # Both give None for each, so that `any` goes through all.
    any(map(list.append, map(groups.__getitem__, places), records))
    return groups


def _write_at(fd: int, at: int, data: bytes) -> None:
    if os.pwrite(fd, data, at) == len(data):
        return
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
        #: The next page to take, and how many to go on then.
        self.next, self.step = buckets + 1, 1
        self._free = 0
        #: Of records written.
        self.count = 0
        self._maker = Maker(
            order, size, version, self._allocate, lambda number, data: put(number * size, data)
        )

    @property
    def size(self) -> int:
        """Of the file so far, in bytes."""
        return self.next * self.pagesize

    def _allocate(self) -> int:
        self.next += self.step
        return self.next - self.step

    def close_ranks(self, nexts: List[int]) -> int:
        """Make free pages of those that some processes took less of than others; how many pages there are."""
        end = max(nexts) - self.step + 1
        for first in nexts:
            for number in range(first, end, self.step):
                head = self._header.pack(0, 1, number, 0, self._free, 0, self.pagesize & 0xFFFF, 0, FREE)
                self._put(number * self.pagesize, head.ljust(self.pagesize, b"\0"))
                self._free = number
        self.next = max(end, self.buckets + 1)
        return self.next

    def simple(self, buckets: Sequence[int], groups: List[List[bytes]], strange: Container[int]) -> Set[int]:
        """Write some buckets, each with its group of records: key, SEPARATOR, value.

        Buckets in `strange`, and those in which a key stands twice, are not written; the latter are given back.
        """
        again: Set[int] = set()
        if not any(groups):
            return again
        # Each gives None, so that `any` goes through all.  0xFF behind every key puts the longer of two first.
        any(map(list.sort, groups))
        # One cut, one measurement and one body for all, of which each page takes a slice.
        items = (b"\1" + b"\xff\1".join(chain.from_iterable(groups))).split(b"\xff")
        keys = items[::2]
        twice = any(map(eq, keys, islice(keys, 1, None)))
        ends = array("I", list(accumulate(map(len, items))))
        limit = self.pagesize // 4
        long = max(map(len, chain.from_iterable(groups))) > limit and max(map(len, items)) > limit + 1
        items.reverse()
        body = b"".join(items)
        items.reverse()
        index = self._index(ends, groups)
        size, whole, first, before = self.pagesize, len(body), 0, 0
        kind, room = self._maker.kind, size - PAGE_HEADER
        for at, group in enumerate(groups):
            if not group:
                continue
            bucket, end = buckets[at], first + 2 * len(group)
            after = ends[end - 1]
            used = after - before + 2 * (end - first)
            if bucket in strange:
                pass
            elif twice and len(set(items[first:end:2])) < len(group):
                again.add(bucket)
            elif long:
                self.exact(bucket, {items[one][1:]: [items[one + 1][1:]] for one in range(first, end, 2)})
            elif used > room:
                self.count += len(group)
                self._chain(bucket, self._cut(items[first:end]))
            else:
                self.count += len(group)
                low = size - after + before
                head = self._header.pack(0, 1, bucket + 1, 0, 0, end - first, low & 0xFFFF, 0, kind)
                gap, own = bytes(room - used), body[whole - after : whole - before]
                self._put((bucket + 1) * size, b"".join((head, index[2 * first : 2 * end], gap, own)))
            first, before = end, after
        return again

    def _index(self, ends: array[int], groups: List[List[bytes]]) -> bytes:
        """Where each item of each group begins on its page, as the page tells it; all at once, in lanes."""
        bases, first, before = [], 0, 0
        for group in groups:
            if group:
                # The high bit keeps one lane from borrowing of the next.
                bases.append(struct.pack("<I", 1 << 31 | self.pagesize + before) * (2 * len(group)))
                first += 2 * len(group)
                before = ends[first - 1]
        if sys.byteorder == "big":
            ends = ends[:]
            ends.byteswap()
        lanes = ends.tobytes()
        difference = int.from_bytes(b"".join(bases), "little") - int.from_bytes(lanes, "little")
        low = difference.to_bytes(len(lanes), "little")
        out = bytearray(len(lanes) // 2)
        out[0::2], out[1::2] = (low[0::4], low[1::4]) if self._order == "<" else (low[1::4], low[0::4])
        return bytes(out)

    def exact(self, bucket: int, records: Dict[bytes, List[bytes]]) -> None:
        """Write a bucket, whatever it holds: off-page items, sets of duplicates, a chain of pages."""
        self.count += len(records)
        room = self.pagesize - PAGE_HEADER
        chain: List[List[Tuple[bytes, bytes, bytes]]] = [[]]
        used = [0]
        for key, values in records.items():
            entry = (page_order(key), self._maker.item(key), b"")
            entry = (*entry[:2], self._maker.values(values, room - 4 - len(entry[1])))
            need = len(entry[1]) + len(entry[2]) + 4
            # Only the last pages are looked at: a bucket may have thousands.
            at = next((i for i in range(max(0, len(used) - 4), len(used)) if used[i] + need <= room), None)
            if at is None:
                chain.append([])
                used.append(0)
                at = len(used) - 1
            chain[at].append(entry)
            used[at] += need
        for entries in chain:
            entries.sort(key=lambda entry: entry[0], reverse=True)
        self._chain(bucket, [[item for entry in entries for item in entry[1:]] for entries in chain])

    def _cut(self, items: List[bytes]) -> List[List[bytes]]:
        """Items of a bucket that do not fit one page, as they fit several."""
        pages: List[List[bytes]] = []
        first = used = 0
        for at in range(0, len(items), 2):
            need = len(items[at]) + len(items[at + 1]) + 4
            if used + need > self.pagesize - PAGE_HEADER:
                pages.append(items[first:at])
                first, used = at, 0
            used += need
        pages.append(items[first:])
        return pages

    def _chain(self, bucket: int, pages: List[List[bytes]]) -> None:
        """Write the pages of a bucket."""
        numbers = [bucket + 1, *(self._allocate() for _ in pages[1:])]
        for at, items in enumerate(pages):
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
        counts = struct.pack(order + "III", 0, _NELEM_START + self.count, CHECK_HASH)
        unique = struct.pack("=IIIII", file_id, self.count, 0, 0, 0)
        if self._version == VERSION_2X:
            spares = [0] * 32
            spares[doublings] = self.next - 1 - self.buckets
            head = struct.pack(fields, 0, 0, 0, MAGIC, self._version, self.pagesize)
            head += struct.pack(order + "II", doublings, self._free) + masks + counts
            head += struct.pack(order + "33I", duplicates, *spares) + unique
        else:
            spares = [1] * (doublings + 1) + [0] * (31 - doublings)
            head = struct.pack(fields, 0, 1, 0, MAGIC, self._version, self.pagesize)
            head += bytes((0, META, 0, 0))
            head += struct.pack(fields, self._free, self.next - 1, 0, 0, 0, duplicates) + unique
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
