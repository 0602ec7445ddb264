"""Hash files of Berkeley DB 1.85, which the BSD systems and macOS still use: written and read, in either byte order.

The one thing to know: the first page is big endian always; the byte order that it names is that of all other pages.
An overflow page is named by 16 bits, 5 for a doubling of the table and 11 for a place after it, so a doubling has
2047 of them at most.  Layout from hash/ of Berkeley DB 1.85.
"""

from __future__ import annotations

import struct
import sys
from array import array
from itertools import islice

from ..errors import MapError
from .base import MOST_FAULTS, Collector, FileInfo, FileMap, filled
from .berkeley import Budget, check_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple, Union

    from .base import Buffer, Pair, Put

VERSION = 2
MAGIC = 0x00061561
#: func4 of the 12 bytes `%$sniglet^&` and NUL, compared when a file is opened.
CHECK_HASH = 0x956E7DE3
#: Offsets in pages are 16 bits, so that a page of 65536 bytes has no room for its own size.
PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768)
_HEADER = struct.Struct(">17I32I32H")
_ORDERS = {1234: "little", 4321: "big"}
#: Overflow pages of one doubling, and doublings.
_MOST, _DOUBLINGS = 2047, 32
#: The second word of a pair: a link to the next page, a part of a key, its end, and the end of it all.
_LINK, _PARTIAL_KEY, _FULL_KEY, _FULL_KEY_DATA, _REAL_KEY = 0, 1, 2, 3, 4
#: The fill factor that means: not known yet.
_NO_FACTOR = 65536
_SEGMENT, _DIRECTORY = 256, 256
#: Bytes of a page that no pair can use: three words, and a link to the next page.
_EMPTY = 10
#: The mean fill of a bucket's page up to which the number of buckets is not doubled.
_LOAD = 0.7


def hash_of(key: bytes) -> int:
    """func4, the hash of versions 1 to 4: 32 bits, 33 times the last plus the byte."""
    h = 0
    for byte in key:
        h = (h * 33 + byte) & 0xFFFFFFFF
    return h


class Builder(Collector):
    """Collects records, then writes them as one file.

    byteorder: `little` or `big`, of all pages but the first.  pagesize: bytes, a power of two from 512 to 32768;
    raised where large items would else need more overflow pages than the format can name.  replace: of equal keys
    the last wins, not the first.  The format knows no duplicates.  Raises MapError for other arguments.
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
        super().__init__(replace=replace)
        if duplicates:
            raise MapError("a 1.85 hash file has no room for duplicates; a btree has")
        if version != VERSION:
            raise MapError(f"version {version} of 1.85 hash files cannot be written; {VERSION} can")
        self._order = check_order(byteorder, pagesize)
        if pagesize not in PAGE_SIZES:
            raise MapError(f"{pagesize} is no page size of a 1.85 hash file: at most 32768")
        self._pagesize = pagesize

    def _lay(self, put: Put) -> Tuple[int, bytes]:
        pairs = self._kept()
        hashes = array("I", [hash_of(key) for key, _ in pairs])
        for pagesize in PAGE_SIZES[PAGE_SIZES.index(self._pagesize) :]:
            # A large item leaves its bucket's page, and has a bucket for itself, that chains be short.
            payload = sum(min(len(key) + len(value) + 4, pagesize - _EMPTY) for key, value in pairs)
            doubling = 1
            while (1 << doubling) * (pagesize - _EMPTY) * _LOAD < payload:
                doubling += 1
            most = 2 << doubling
            while doubling < _DOUBLINGS - 1 and 1 << doubling <= most:
                pages = _Pages(self._order, pagesize, doubling)
                overflow = pages.plan(pairs, hashes)
                if overflow <= _MOST * (doubling + 1):
                    return pages.write(pairs, put)
                # Each doubling can name more of them; but buckets that stand empty for that are bounded.
                most = max(most, overflow)
                doubling = max(doubling + 1, -(-overflow // _MOST) - 1)
        raise MapError("more large items than a 1.85 hash file can name pages for")


def build(pairs: Iterable[Pair], *, byteorder: str = sys.byteorder, pagesize: int = 4096) -> bytes:
    """The bytes of a 1.85 hash file with these pairs.  Raises MapError for a key that stands twice."""
    return filled(Builder(byteorder, pagesize), pairs)


class _Pages:
    """The pages of one file of 2**doubling buckets, one page before them and their overflow pages between them."""

    def __init__(self, order: str, pagesize: int, doubling: int) -> None:
        self._order, self._pagesize, self._doubling = order, pagesize, doubling
        self._buckets: Dict[int, List[int]] = {}
        self._spares: List[int] = []
        self._maps: List[int] = []

    def plan(self, pairs: List[Pair], hashes: array[int]) -> int:
        """Give each bucket its records, and doublings their overflow pages; how many of those are needed."""
        mask = (1 << self._doubling) - 1
        for at, h in enumerate(hashes):
            self._buckets.setdefault(h & mask, []).append(at)
        needed = 0
        for records in self._buckets.values():
            needed += sum(1 for _ in self._chain([pairs[at] for at in records])) - 1
        bits = self._pagesize * 8
        # The first page that each bitmap speaks of is that bitmap itself.
        maps = -(-needed // (bits - 1)) or 1
        total = needed + maps
        self._maps = [number * bits for number in range(maps)]
        left, self._spares = total, [0] * _DOUBLINGS
        for doubling in range(self._doubling, -1, -1):
            self._spares[doubling] = min(left, _MOST)
            left -= self._spares[doubling]
        for doubling in range(1, self._doubling + 1):
            self._spares[doubling] += self._spares[doubling - 1]
        # The library looks one doubling ahead.
        self._spares[self._doubling + 1] = total
        return total

    def write(self, pairs: List[Pair], put: Put) -> Tuple[int, bytes]:
        """Write all pages but the first; the size of the file in bytes, and the first page."""
        total, size = self._spares[self._doubling], self._pagesize
        free = (number for number in range(total) if number not in self._maps)
        for bucket, records in self._buckets.items():
            place = self._bucket_place(bucket)
            for page, last in self._chain([pairs[at] for at in records]):
                if last:
                    put(place * size, page.image(self._order, 0))
                    break
                number = next(free)
                put(place * size, page.image(self._order, self._address(number)))
                place = self._place(number)
        for number in self._maps:
            # All bits set: what exists is in use, and the rest does not exist.
            put(self._place(number) * size, b"\xff" * size)
        return (self._last_place() + 1) * size, self._header(len(pairs))

    def _chain(self, pairs: List[Pair]) -> Iterator[Tuple[_Page, bool]]:
        """The pages of a bucket, and whether each is the last."""
        page, large = _Page(self._pagesize), []
        for key, value in pairs:
            if len(key) + len(value) + 4 > self._pagesize - _EMPTY:
                large.append((key, value))
                continue
            if not page.fits(key, value):
                yield page, False
                page = _Page(self._pagesize)
            page.pair(key, value)
        for key, value in large:
            # A large item begins on a page of its own.
            yield page, False
            page = _Page(self._pagesize)
            left = memoryview(key)
            while True:
                # A key that fills its last page has its value on the next, and there a value has one byte at least.
                room = page.room() - (1 if not value and len(left) == page.room() else 0)
                page.part(left[:room], _PARTIAL_KEY)
                left = left[room:]
                if not left:
                    break
                yield page, False
                page = _Page(self._pagesize)
            room = page.room_for_value()
            # A value that ends on the page of its key must leave a byte free: else it seems to go on.
            if room and room != len(value):
                page.value(value[:room])
                rest = memoryview(value)[room:]
            else:
                page.end_key()
                rest = memoryview(value)
            yield page, False
            page = _Page(self._pagesize)
            whole = len(rest) == len(value)
            while rest:
                room = page.room() - (1 if whole and len(rest) == len(value) == page.room() else 0)
                page.part(rest[:room], _FULL_KEY if len(rest) > room else _FULL_KEY_DATA)
                if len(rest) > room:
                    yield page, False
                    page = _Page(self._pagesize)
                rest = rest[room:]
        yield page, True

    def _bucket_place(self, bucket: int) -> int:
        return bucket + 1 + (self._spares[bucket.bit_length() - 1] if bucket else 0)

    def _address(self, number: int) -> int:
        """The 16 bits that name an overflow page: its doubling and its place there, from 1."""
        doubling = next(at for at, spares in enumerate(self._spares) if number < spares)
        before = self._spares[doubling - 1] if doubling else 0
        return doubling << 11 | number - before + 1

    def _place(self, number: int) -> int:
        address = self._address(number)
        return self._bucket_place((1 << (address >> 11)) - 1) + (address & 2047)

    def _last_place(self) -> int:
        top = (1 << self._doubling) - 1
        return max(self._bucket_place(top), self._place(self._spares[self._doubling] - 1))

    def _header(self, count: int) -> bytes:
        buckets = 1 << self._doubling
        maps = [self._address(number) for number in self._maps]
        head = _HEADER.pack(
            MAGIC, VERSION, 1234 if self._order == "<" else 4321, self._pagesize, self._pagesize.bit_length() - 1,
            max(_DIRECTORY, buckets // _SEGMENT), _SEGMENT, _SEGMENT.bit_length() - 1, self._doubling,
            self._spares[self._doubling], buckets - 1, 2 * buckets - 1, buckets - 1, _NO_FACTOR, count, 1, CHECK_HASH,
            *self._spares, *maps, *bytes(32 - len(maps)),
        )  # fmt: skip
        return head.ljust(self._pagesize, b"\0")


class _Page:
    """One page while it is filled: words of the index from its begin, bytes from its end."""

    def __init__(self, size: int) -> None:
        self._size = self._low = size
        self._words: List[int] = []
        self._parts: List[bytes] = []
        self._link_at = -1

    def _free(self) -> int:
        return self._low - 2 * (len(self._words) + 3)

    def fits(self, key: bytes, value: bytes) -> bool:
        """Whether a pair fits, and a link after it."""
        return len(key) + len(value) + 8 <= self._free()

    def _push(self, data: Union[bytes, memoryview]) -> int:
        self._low -= len(data)
        self._parts.append(bytes(data))
        return self._low

    def pair(self, key: bytes, value: bytes) -> None:
        """Add a pair."""
        self._words += (self._push(key), self._push(value))

    def room(self) -> int:
        """The bytes of a part of a large item that fit."""
        return self._free() - 8

    def part(self, data: Union[bytes, memoryview], kind: int) -> None:
        """Add the only part of a large item that this page holds."""
        self._words += (self._push(data), kind)

    def room_for_value(self) -> int:
        """The bytes of a value that fit after the end of its key, when the link is there."""
        return self._free() - 4

    def value(self, data: bytes) -> None:
        """Add the begin of a value after the end of its key."""
        self._words[1] = _FULL_KEY_DATA
        self._link_at = self._push(data)

    def end_key(self) -> None:
        """Say that the key ends here, and its value begins on the next page."""
        self._words[1] = _FULL_KEY

    def image(self, order: str, following: int) -> bytes:
        """The bytes of the page; following: the address of the next one, 0 for none."""
        words = [*self._words]
        if following:
            words += (following, self._link_at if self._link_at >= 0 else _LINK)
        count = len(words)
        words = [count, *words, self._low - 2 * (count + 3), self._low]
        head = struct.pack(f"{order}{count + 3}H", *words)
        return b"".join([head, bytes(self._low - len(head)), *reversed(self._parts)])


class Info(FileInfo):
    """What the first page of a 1.85 hash file says.

    format: `hash185`.  byteorder: of all pages but the first, little or big.  version: 1 or 2.  pagesize: bytes of a
    bucket's page.  doubling: of the table, to which new overflow pages belong.  last_freed: the first overflow page
    that may be free.  max_bucket, high_mask, low_mask: how buckets are addressed.  fill_factor: pairs of a bucket
    above which the table grows; 65536 while it is not known.  nkeys: the number of pairs.  header_pages: pages before
    the first bucket.  spares: overflow pages up to the end of each doubling.  bitmaps: addresses of the pages that
    tell which overflow pages are in use.  pages: number of pages of the file.
    """

    format = "hash185"
    doubling: int
    spares: Tuple[int, ...]
    bitmaps: Tuple[int, ...]

    def __init__(self, data: Buffer) -> None:
        size = len(data)
        if size < 512:
            raise MapError(f"truncated: {size} bytes are too few for a database", offset=size)
        numbers = _HEADER.unpack_from(data)
        magic, self.version, order, self.pagesize, shift, _, segment, _, self.doubling = numbers[:9]
        self.last_freed, self.max_bucket, self.high_mask, self.low_mask = numbers[9:13]
        self.fill_factor, self.nkeys, self.header_pages, check = numbers[13:17]
        self.spares, self.bitmaps = numbers[17:49], numbers[49:]
        if magic != MAGIC:
            raise MapError("no 1.85 hash file: its magic number is not there", offset=0)
        if self.version not in (1, VERSION):
            raise MapError(f"1.85 hash version {self.version} cannot be read; 1 and 2 can", offset=4)
        if order not in _ORDERS:
            raise MapError(f"{order} is no byte order", offset=8)
        self.byteorder = _ORDERS[order]
        if self.pagesize not in PAGE_SIZES or shift != self.pagesize.bit_length() - 1:
            raise MapError(f"{self.pagesize} is no page size, or {shift} not its logarithm", offset=12)
        if not segment:
            raise MapError("a directory of segments without a bucket", offset=24)
        if self.doubling >= _DOUBLINGS:
            raise MapError(f"there is no doubling {self.doubling}", offset=32)
        good_masks = self.high_mask & (self.high_mask + 1) == 0 and self.low_mask == self.high_mask >> 1
        if not good_masks or not self.low_mask <= self.max_bucket <= self.high_mask or self.max_bucket >> 31:
            raise MapError("the masks and the number of buckets do not fit each other", offset=40)
        if self.header_pages != 1:
            raise MapError(f"{self.header_pages} pages before the first bucket; there is one", offset=60)
        if check != CHECK_HASH:
            raise MapError("the file was made with another hash function", offset=64)
        used = self.spares[: max(self.doubling, self.max_bucket.bit_length() - 1) + 1]
        for at in range(1, len(used)):
            if not used[at - 1] <= used[at] <= used[at - 1] + _MOST:
                raise MapError("overflow pages of the doublings do not add up", offset=68 + 4 * at)
        if used[0] > _MOST:
            raise MapError("too many overflow pages for a doubling", offset=68)
        if size % self.pagesize:
            raise MapError(f"truncated: {size} bytes are no whole number of pages", offset=size)
        self.pages = size // self.pagesize

    def page_of(self, bucket: int) -> int:
        """The number of the first page of a bucket; the file may end before it, then the bucket is empty."""
        return bucket + 1 + (self.spares[bucket.bit_length() - 1] if bucket else 0)

    def overflow_page(self, address: int) -> int:
        """The number of an overflow page."""
        before = self.page_of((1 << (address >> 11)) - 1)
        return before + (address & _MOST)


class Hash185Map(FileMap):
    """A 1.85 hash file, read-only: a mapping of keys to values, both bytes, in the order of buckets."""

    info: Info

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        self.info = Info(data)
        self._order = "<" if self.info.byteorder == "little" else ">"

    def __repr__(self) -> str:
        return f"<Hash185Map version {self.info.version}, {self.info.byteorder} endian, {self._size} bytes>"

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order of buckets."""
        budget = Budget(self._size)
        for bucket in self._buckets():
            for _, key, value in self._bucket(bucket, budget):
                yield key, value

    def _buckets(self) -> Iterator[int]:
        """Every bucket whose first page stands in the file."""
        info = self.info
        first = 0
        while first <= info.max_bucket:
            # The buckets of one doubling stand on pages one after the other.
            last = min((1 << first.bit_length()) - 1 if first else 0, info.max_bucket)
            yield from range(first, min(last, first + info.pages - 1 - info.page_of(first)) + 1)
            first = last + 1

    def _find(self, key: bytes) -> Optional[bytes]:
        h, info = hash_of(key), self.info
        bucket = h & info.high_mask
        if bucket > info.max_bucket:
            bucket &= info.low_mask
        if info.page_of(bucket) >= info.pages:
            return None
        for _, found, value in self._bucket(bucket, Budget(self._size)):
            if found == key:
                return value
        return None

    def _bucket(
        self, bucket: int, budget: Budget, seen: Optional[List[int]] = None
    ) -> Iterator[Tuple[int, bytes, bytes]]:
        """The pairs of a bucket, with where the page stands, in bytes, on which each begins.

        seen: gets the address of every overflow page.
        """
        following: Optional[int] = self.info.page_of(bucket) * self.info.pagesize
        while following is not None:
            page, following = following, None
            words = self._words(page, budget)
            end = self.info.pagesize
            for at in range(1, words[0], 2):
                key, value = words[at], words[at + 1]
                if value >= _REAL_KEY:
                    if not 2 * (words[0] + 3) <= value <= key <= end:
                        raise MapError("a pair lies outside of its page", offset=page + 2 * at)
                    yield page, self._data[page + key : page + end], self._data[page + value : page + key]
                    end = value
                    continue
                if at != (words[0] - 1 if value == _LINK else 1):
                    raise MapError("a link or a large item in the middle of a page", offset=page + 2 * at)
                if value == _LINK:
                    following = self._follow(key, page + 2 * at, seen)
                else:
                    key_bytes, value_bytes, following = self._large(page, words, budget, seen)
                    yield page, key_bytes, value_bytes
                break

    def _words(self, page: int, budget: Budget) -> Tuple[int, ...]:
        """The index of a page: the number of words of pairs, those words, the free bytes, the lowest byte in use."""
        budget.take(self.info.pagesize, page)
        (count,) = struct.unpack_from(self._order + "H", self._data, page)
        if count % 2 or 2 * (count + 3) > self.info.pagesize:
            raise MapError(f"a page with {count} words of pairs", offset=page)
        return struct.unpack_from(f"{self._order}{count + 3}H", self._data, page)

    def _follow(self, address: int, offset: int, seen: Optional[List[int]]) -> int:
        """Where the overflow page of an address begins; offset: where that address stands."""
        info = self.info
        doubling, place = address >> 11, address & _MOST
        before = info.spares[doubling - 1] if doubling else 0
        if not place or doubling > info.doubling or place > info.spares[doubling] - before:
            raise MapError(f"there is no overflow page {doubling}/{place}", offset=offset)
        page = info.overflow_page(address)
        if page >= info.pages:
            raise MapError(f"truncated: overflow page {doubling}/{place} is missing", offset=offset)
        if seen is not None:
            seen.append(address)
        return page * info.pagesize

    def _large(
        self, page: int, words: Tuple[int, ...], budget: Budget, seen: Optional[List[int]]
    ) -> Tuple[bytes, bytes, Optional[int]]:
        """A large item that begins on a page with these words, and where the page after it begins."""
        keys: List[bytes] = []
        values: List[bytes] = []
        size = self.info.pagesize

        def part(words: Tuple[int, ...]) -> Tuple[int, int]:
            """First byte and kind of the only part on a page."""
            if words[0] not in (2, 4) or not 2 * (words[0] + 3) <= words[1] <= size:
                raise MapError("a page that holds no part of a large item", offset=page)
            return words[1], words[2]

        def after(words: Tuple[int, ...]) -> int:
            if words[0] != 4:
                raise MapError("a large item breaks off", offset=page)
            return self._follow(words[3], page + 6, seen)

        start, kind = part(words)
        while kind == _PARTIAL_KEY:
            keys.append(self._data[page + start : page + size])
            page = after(words)
            words = self._words(page, budget)
            start, kind = part(words)
        if kind not in (_FULL_KEY, _FULL_KEY_DATA):
            raise MapError("a page that holds no part of a large item", offset=page)
        keys.append(self._data[page + start : page + size])
        following: Optional[int] = after(words)
        if kind == _FULL_KEY_DATA:
            if not 2 * (words[0] + 3) <= words[4] <= start:
                raise MapError("a value lies outside of its page", offset=page + 8)
            values.append(self._data[page + words[4] : page + start])
            if words[5]:
                # A byte is free, so the value ends here.
                return b"".join(keys), values[0], following
        while following is not None:
            page = following
            words = self._words(page, budget)
            start, kind = part(words)
            values.append(self._data[page + start : page + size])
            following = after(words) if kind == _FULL_KEY or words[0] == 4 else None
            if kind == _FULL_KEY_DATA:
                break
            if kind != _FULL_KEY:
                raise MapError("a page that holds no part of a large item", offset=page)
        return b"".join(keys), b"".join(values), following

    def verify(self) -> List[MapError]:
        """Every fault of the structure, with its offset in bytes, the first 1000; none in a sound file.

        Chains, the bucket of each key, the words of each page that tell its free bytes, the bitmaps, and the number
        of pairs.
        """
        return list(islice(self._faults(), MOST_FAULTS))

    def _faults(self) -> Iterator[MapError]:
        info = self.info
        budget = Budget(self._size)
        used = bytearray(info.spares[info.doubling])
        count, whole = 0, True
        for bucket in self._buckets():
            addresses: List[int] = []
            keys: Set[bytes] = set()
            try:
                for page, key, _ in self._bucket(bucket, budget, addresses):
                    count += 1
                    h = hash_of(key)
                    if (
                        h & info.high_mask if h & info.high_mask <= info.max_bucket else h & info.low_mask
                    ) != bucket:
                        yield MapError(f"a key in bucket {bucket} that belongs into another", offset=page)
                    if key in keys:
                        yield MapError("a key stands twice", offset=page)
                    keys.add(key)
            except MapError as error:
                whole = False
                yield error
            yield from self._page_faults(info.page_of(bucket) * info.pagesize)
            for address in addresses:
                yield from self._page_faults(info.overflow_page(address) * info.pagesize)
                yield from self._mark(used, address, info.overflow_page(address) * info.pagesize)
        for address in info.bitmaps[: self._bitmaps()]:
            try:
                yield from self._mark(used, address, self._follow(address, 196, None))
            except MapError as error:
                whole = False
                yield error
        if whole:
            yield from self._bitmap_faults(used)
            if count != info.nkeys:
                yield MapError(f"{count} pairs where the first page tells {info.nkeys}", offset=56)

    def _bitmaps(self) -> int:
        """How many bitmaps the file has."""
        return -(-self.info.spares[self.info.doubling] // (self.info.pagesize * 8))

    def _number(self, address: int) -> int:
        """Which overflow page an address names, counted over all doublings from 0."""
        doubling, place = address >> 11, address & _MOST
        return place - 1 + (self.info.spares[doubling - 1] if doubling else 0)

    def _mark(self, used: bytearray, address: int, page: int) -> Iterator[MapError]:
        if used[self._number(address)]:
            yield MapError("an overflow page is used twice", offset=page)
        used[self._number(address)] = 1

    def _page_faults(self, page: int) -> Iterator[MapError]:
        """Whether the last words of a page's index tell its lowest byte in use, and its free bytes."""
        words = struct.unpack_from(f"{self._order}H", self._data, page)
        count = words[0]
        if not count or count % 2 or 2 * (count + 3) > self.info.pagesize:
            return  # told before; an empty page need not have them
        words = struct.unpack_from(f"{self._order}{count + 3}H", self._data, page)
        offsets = [word for at in range(1, count, 2) for word in self._offsets(words, at)]
        low = min(offsets, default=self.info.pagesize)
        if not offsets and words[count + 2] == low - 1:
            return  # so the library leaves a page from which it deleted a large item
        if words[count + 2] != low:
            yield MapError("the lowest byte in use is another", offset=page + 2 * (count + 2))
        if words[count + 1] != low - 2 * (count + 3):
            yield MapError("the number of free bytes is another", offset=page + 2 * (count + 1))

    @staticmethod
    def _offsets(words: Tuple[int, ...], at: int) -> Tuple[int, ...]:
        """Those words of a pair that are offsets of bytes."""
        first, second = words[at : at + 2]
        if second >= _REAL_KEY:
            # The link of a page on which a large value begins tells its offset in its second word.
            return (second,) if at > 1 and words[2] < _REAL_KEY else (first, second)
        return (first,) if second != _LINK else ()

    def _bitmap_faults(self, used: bytearray) -> Iterator[MapError]:
        bits = self.info.pagesize * 8
        for number, seen in enumerate(used):
            page = self.info.overflow_page(self.info.bitmaps[number // bits]) * self.info.pagesize
            word = page + number % bits // 32 * 4
            (mask,) = struct.unpack_from(self._order + "I", self._data, word)
            marked = mask >> number % 32 & 1
            if seen and not marked:
                yield MapError(f"overflow page {number} is used, and said to be free", offset=word)
            elif marked and not seen:
                yield MapError(
                    f"overflow page {number} is said to be used, and nothing names it", offset=word
                )
