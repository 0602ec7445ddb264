"""Hash files read: a mapping over the bytes of a file, or over a memory mapping of it.

The one thing to know: nothing in the file is trusted.  Every page number, offset and length is held against the file
before it is followed, and a chain of pages is followed no further than there are pages.
"""

from __future__ import annotations

import struct

from ...errors import MapError
from ..base import FileInfo, FileMap
from .hashing import hash_of
from .layout import (
    AT_CHECK_HASH,
    AT_CHECK_HASH_2X,
    AT_FLAGS,
    AT_FLAGS_2X,
    AT_FREE,
    AT_LAST_PAGE,
    AT_MAGIC,
    AT_MAX_BUCKET,
    AT_MAX_BUCKET_2X,
    AT_META_FLAGS,
    AT_NELEM,
    AT_NELEM_2X,
    AT_PAGE_SIZE,
    AT_SPARES,
    AT_SPARES_2X,
    AT_TYPE,
    AT_VERSION,
    CHECK_HASH,
    DUPLICATES,
    DUPLICATES_2X,
    INLINE,
    INTERNAL,
    JOURNAL,
    JOURNAL_TAIL,
    LEAF_DELETED,
    LEAF_INLINE,
    LEAF_OVERFLOW,
    MAGIC,
    META,
    META_SIZE,
    OFF_DUPLICATES,
    OFF_PAGE,
    OVERFLOW,
    PAGE_HEADER,
    PAGE_SIZES,
    RECNO_INTERNAL,
    RECNO_LEAF,
    SORTED,
    SORTED_DUPLICATES,
    UNSORTED,
    VERSION_2X,
    duplicates_of,
    header,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

    from ..base import Buffer, Pair

    Chain = Iterator[Tuple[int, bytes, Tuple[int, ...]]]

#: Lookups before a table of the hash's steps is made, which costs as much as some hundreds of them.
_FEW = 500
_TABLE_BITS = 16
_HASH_PAGES = (SORTED, UNSORTED)
#: Buckets whose items are cut at once, and those of a run: one of two processes prints a run before the other goes on.
_BATCH, _RUN = 32, 512


class Info(FileInfo):
    """What the first page of a hash file says.

    format: `hash`.  byteorder: little or big.  version: 5, 7 to 10.  pagesize: bytes.  nelem: a counter of elements, a
    statistic.  max_bucket, high_mask, low_mask, spares: how buckets are addressed.  firsts: by the
    number of bits of a bucket's number, what to add to it for its page's.  last_page: the number of the last
    page in the file.  said_pages: how many pages it says it has.  duplicates: whether keys may have several values.
    free: the first page of the list of free ones, 0 for none.

    head: the first 512 bytes.  size: of the file, in bytes.  Raises MapError for what cannot be a hash file.
    """

    __slots__ = (
        "byteorder",
        "duplicates",
        "firsts",
        "format",
        "free",
        "high_mask",
        "last_page",
        "low_mask",
        "max_bucket",
        "nelem",
        "pagesize",
        "said_pages",
        "spares",
        "version",
    )

    firsts: Tuple[int, ...]
    spares: Tuple[int, ...]
    version: int
    pagesize: int
    said_pages: int

    def __init__(self, head: bytes, size: int) -> None:
        if size < META_SIZE:
            raise MapError(f"truncated: {size} bytes are too few for a database", offset=size)
        self.format = "hash"
        if head[AT_MAGIC:AT_VERSION] not in (struct.pack("<I", MAGIC), struct.pack(">I", MAGIC)):
            raise MapError("no Berkeley DB hash file: its magic number is not there", offset=AT_MAGIC)
        self.byteorder = "little" if head[AT_MAGIC:AT_VERSION] == struct.pack("<I", MAGIC) else "big"
        order = "<" if self.byteorder == "little" else ">"
        self.version, self.pagesize = struct.unpack_from(order + "II", head, AT_VERSION)
        if self.version != VERSION_2X and not 7 <= self.version <= 10:
            raise MapError(
                f"hash version {self.version} cannot be read; 5 and 7 to 10 can", offset=AT_VERSION
            )
        if self.pagesize not in PAGE_SIZES:
            raise MapError(f"{self.pagesize} is no page size", offset=AT_PAGE_SIZE)
        if size % self.pagesize:
            raise MapError(f"truncated: {size} bytes are no whole number of pages", offset=size)
        self.last_page = size // self.pagesize - 1
        self.free, self.said_pages = 0, self.last_page + 1
        if self.version == VERSION_2X:
            at_buckets, at_nelem, at_flags = AT_MAX_BUCKET_2X, AT_NELEM_2X, AT_FLAGS_2X
            at_check, at_spares = AT_CHECK_HASH_2X, AT_SPARES_2X
        else:
            at_buckets, at_nelem, at_flags = AT_MAX_BUCKET, AT_NELEM, AT_FLAGS
            at_check, at_spares = AT_CHECK_HASH, AT_SPARES
            self._later(head, size, order)
        (flags,) = struct.unpack_from(order + "I", head, at_flags)
        if flags & 2:
            raise MapError("a file of several databases; sendmail makes none", offset=at_flags)
        self.duplicates = bool(flags & 1)
        self.max_bucket, self.high_mask, self.low_mask = struct.unpack_from(order + "3I", head, at_buckets)
        (self.nelem,) = struct.unpack_from(order + "I", head, at_nelem)
        self.spares = struct.unpack_from(order + "32I", head, at_spares)
        if self.version == VERSION_2X:
            self.firsts = (1, *(spare + 1 for spare in self.spares))
        else:
            self.firsts = self.spares
        if struct.unpack_from(order + "I", head, at_check)[0] != CHECK_HASH:
            raise MapError("the file was made with another hash function", offset=at_check)
        good_masks = self.low_mask == self.high_mask >> 1 and self.high_mask & (self.high_mask + 1) == 0
        if not good_masks or not self.low_mask <= self.max_bucket <= self.high_mask:
            raise MapError("the masks and the number of buckets do not fit each other", offset=at_buckets)
        if self.max_bucket > self.last_page or self.page_of(self.max_bucket) > self.last_page:
            raise MapError("truncated: the last bucket is missing", offset=at_buckets)

    def _later(self, head: bytes, size: int, order: str) -> None:
        """What versions 7 and later say."""
        if head[AT_TYPE] != META:
            raise MapError(f"the first page has type {head[AT_TYPE]}, not {META}", offset=AT_TYPE)
        if head[AT_TYPE - 1] or head[AT_META_FLAGS] & 1:
            raise MapError("encrypted or checksummed files cannot be read; sendmail makes none", offset=24)
        if head[AT_META_FLAGS] & 6:
            raise MapError("a file of several partitions; sendmail makes none", offset=AT_META_FLAGS)
        (self.free,) = struct.unpack_from(order + "I", head, AT_FREE)
        if self.version > 7:
            self.said_pages = struct.unpack_from(order + "I", head, AT_LAST_PAGE)[0] + 1
            # db_upgrade counts one page too many.
            if self.said_pages > self.last_page + 2:
                raise MapError("truncated: its last page is missing", offset=size)

    def page_of(self, bucket: int) -> int:
        """The number of the first page of a bucket."""
        return bucket + self.firsts[bucket.bit_length()]


def info_of(data: Buffer) -> Info:
    """What the first page of a whole file says.  Raises MapError for a file whose change was interrupted, too."""
    size = len(data)
    info = Info(bytes(data[:META_SIZE]), size)
    if size > info.said_pages * info.pagesize and data[-JOURNAL_TAIL:][: len(JOURNAL)] == JOURNAL:
        raise MapError("a change of this file was interrupted; the next change completes it", offset=size)
    return info


class Reader:
    """Follows the pages of a hash file, wherever they come from.

    page: gives the bytes of a page that exists.
    """

    def __init__(self, info: Info, page: Callable[[int], bytes]) -> None:
        self.info, self._page = info, page
        self.order = "<" if info.byteorder == "little" else ">"
        self._header = header(self.order)

    def page(self, number: int) -> bytes:
        """The bytes of a page; raises MapError if there is none of this number."""
        if not 0 < number <= self.info.last_page:
            size = (self.info.last_page + 1) * self.info.pagesize
            raise MapError(f"there is no page {number}", offset=min(number * self.info.pagesize, size))
        return self._page(number)

    def bucket(self, key: bytes) -> int:
        """The number of the bucket of a key."""
        bucket: int = hash_of(key) & self.info.high_mask
        return bucket if bucket <= self.info.max_bucket else bucket & self.info.low_mask

    def chain(self, bucket: int) -> Chain:
        """The pages of a bucket: number, bytes, and the offsets of the items.  A damaged one raises MapError."""
        number, seen = self.info.page_of(bucket), 0
        while number:
            page = self.page(number)
            _, _, own, _, following, count, _, _, kind = self._header.unpack_from(page)
            here = number * self.info.pagesize
            if own == 0 and not (count and kind in _HASH_PAGES):
                return  # a page that was never written: an empty bucket, as the library has it, too
            if own == 0:
                raise MapError("a page with items that says it is page 0", offset=here + 8)
            if kind not in _HASH_PAGES:
                raise MapError(f"a page of type {kind} where a hash page belongs", offset=here + AT_TYPE)
            if count % 2 or PAGE_HEADER + 2 * count > self.info.pagesize:
                raise MapError(f"a page with {count} items", offset=here + 20)
            yield number, page, struct.unpack_from(f"{self.order}{count}H", page, PAGE_HEADER)
            seen += 1
            if following and seen > self.info.last_page:
                raise MapError("the pages of a bucket form a circle", offset=here + 16)
            number = following

    def item(self, number: int, page: bytes, offsets: Sequence[int], at: int) -> bytes:
        """An item of a bucket's page with its type byte."""
        end = offsets[at - 1] if at else self.info.pagesize
        start = offsets[at]
        if not PAGE_HEADER + 2 * len(offsets) <= start < end <= self.info.pagesize:
            offset = number * self.info.pagesize + PAGE_HEADER + 2 * at
            raise MapError(f"item {at} of the page lies outside of it", offset=offset)
        return page[start:end]

    def key(self, number: int, page: bytes, offsets: Sequence[int], at: int) -> bytes:
        """A key of a bucket's page."""
        item = self.item(number, page, offsets, at)
        if item[0] == INLINE:
            return item[1:]
        if item[0] == OFF_PAGE and len(item) == 12:
            return self._off_page(item, number * self.info.pagesize + offsets[at])
        raise MapError(f"a key of type {item[0]}", offset=number * self.info.pagesize + offsets[at])

    def values(self, number: int, page: bytes, offsets: Sequence[int], at: int) -> Iterable[bytes]:
        """The values of an item of a bucket's page: one, or those of a set of duplicates."""
        item, offset = self.item(number, page, offsets, at), number * self.info.pagesize + offsets[at]
        kind = item[0]
        if kind == INLINE:
            return [item[1:]]
        if kind == OFF_PAGE and len(item) == 12:
            return [self._off_page(item, offset)]
        if kind in (DUPLICATES, OFF_DUPLICATES) and not self.info.duplicates:
            raise MapError("several values for a key in a file that allows one", offset=offset)
        if kind == DUPLICATES:
            found = duplicates_of(item[1:], self.order)
            if not found:
                raise MapError("a set of duplicates that does not add up", offset=offset)
            return found
        if kind == OFF_DUPLICATES and len(item) == 8:
            return self._elements(struct.unpack(self.order + "4xI", item)[0])
        raise MapError(f"an item of type {kind}", offset=offset)

    def _off_page(self, item: bytes, offset: int) -> bytes:
        first, length = struct.unpack(self.order + "4xII", item)
        return b"".join(piece for _, piece in self.pieces(int(first), int(length), offset))

    def pieces(self, number: int, length: int, offset: int) -> Iterator[Tuple[int, bytes]]:
        """The pages of a large item, each with its part.  offset: where it is named."""
        if length > (self.info.last_page + 1) * self.info.pagesize:
            raise MapError(f"an item of {length} bytes is larger than the file", offset=offset)
        room, seen = self.info.pagesize - PAGE_HEADER, 0
        while length:
            page = self.page(number)
            seen += 1
            _, _, _, _, following, _, size, _, kind = self._header.unpack_from(page)
            if kind != OVERFLOW or not 0 < size <= min(room, length) or seen > self.info.last_page:
                raise MapError(
                    "a page that holds no part of a large item", offset=number * self.info.pagesize
                )
            yield number, page[PAGE_HEADER : PAGE_HEADER + size]
            length, number = length - size, following

    def leaves(self, root: int) -> Iterator[Tuple[int, List[Tuple[int, bytes]]]]:
        """The pages with the elements of a tree of duplicates, in order: number, offsets and items."""
        number, seen = root, 0
        kind, following, items = self.tree_page(number)
        while kind in (RECNO_INTERNAL, INTERNAL):
            seen += 1
            if not items or seen > self.info.last_page:
                raise MapError("a tree of duplicates without leaves", offset=number * self.info.pagesize)
            # A number stands first in the one, after a length and a type in the other.
            number = struct.unpack_from(self.order + "I", items[0][1], 0 if kind == RECNO_INTERNAL else 4)[0]
            kind, following, items = self.tree_page(number)
        while True:
            place = number * self.info.pagesize
            if kind in (RECNO_INTERNAL, INTERNAL):
                raise MapError(f"a page of type {kind} among the leaves of a tree", offset=place + AT_TYPE)
            yield number, items
            number, seen = following, seen + 1
            if not number:
                return
            if seen > self.info.last_page:
                raise MapError("the pages of a set of duplicates form a circle", offset=place + 16)
            kind, following, items = self.tree_page(number)

    def tree_page(self, number: int) -> Tuple[int, int, List[Tuple[int, bytes]]]:
        """Of a page of a tree of duplicates: its type, the page after it, and the items with their offsets."""
        page = self.page(number)
        kind, place = page[AT_TYPE], number * self.info.pagesize + AT_TYPE
        if kind not in (RECNO_INTERNAL, INTERNAL, RECNO_LEAF, SORTED_DUPLICATES, DUPLICATES_2X):
            raise MapError(f"a page of type {kind} in a set of duplicates", offset=place)
        (following,) = struct.unpack_from(self.order + "I", page, 16)
        return kind, following, self._leaf_items(number, page, {RECNO_INTERNAL: 8, INTERNAL: 12}.get(kind, 0))

    def _leaf_items(self, number: int, page: bytes, length: int) -> List[Tuple[int, bytes]]:
        """The offsets and items of a page of a tree; length: of each item in bytes, 0 if the items tell."""
        (count,) = struct.unpack_from(self.order + "H", page, 20)
        low, size = PAGE_HEADER + 2 * count, self.info.pagesize
        here, out = number * size, []
        if low > size:
            raise MapError(f"a page with {count} items", offset=here + 20)
        for at in struct.unpack_from(f"{self.order}{count}H", page, PAGE_HEADER):
            long = length
            if low <= at <= size - 4 and not length:
                long, kind = struct.unpack_from(self.order + "HB", page, at)
                long = 12 if kind & ~LEAF_DELETED == LEAF_OVERFLOW else long + 3
            if not low <= at <= size - max(long, 4):
                raise MapError("an item of a set of duplicates lies outside of its page", offset=here)
            out.append((at, page[at : at + long]))
        return out

    def _elements(self, root: int) -> Iterator[bytes]:
        """The values of a tree of duplicates.  They share no pages, so they are no longer than the file."""
        left = (self.info.last_page + 1) * self.info.pagesize
        for number, items in self.leaves(root):
            for at, item in items:
                place, kind = number * self.info.pagesize + at, item[2]
                if kind & LEAF_DELETED:
                    continue
                if kind == LEAF_INLINE:
                    value = item[3:]
                elif kind == LEAF_OVERFLOW:
                    value = self._off_page(item, place)
                else:
                    raise MapError(f"an item of type {kind} in a set of duplicates", offset=place)
                left -= len(value)
                if left < 0:
                    raise MapError("a set of duplicates is larger than the file", offset=place)
                yield value


class HashMap(FileMap):
    """A hash file, read-only, as every `FileMap` is."""

    info: Info

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        self.info = info_of(data)
        self._reader = Reader(self.info, self._page)
        #: A longer key stands on pages of its own (hash.h, ISBIG).
        self._limit = self.info.pagesize // 4
        self._short_header = struct.Struct(self._reader.order + "16xIH3xB").unpack_from
        self._half = struct.Struct(self._reader.order + "H").unpack_from
        self._indices: Dict[int, Callable[[bytes, int], Tuple[int, ...]]] = {}
        self._lookups = 0
        self._steps: Optional[List[int]] = None

    def __repr__(self) -> str:
        return f"<HashMap version {self.info.version}, {self.info.byteorder} endian, {self._size} bytes>"

    def _page(self, number: int) -> bytes:
        size = self.info.pagesize
        return self._data[number * size : (number + 1) * size]

    def _whole(self) -> Reader:
        """For one reading of the whole file, in which no page of a sound file is met twice."""
        left = self.info.last_page

        def page(number: int) -> bytes:
            nonlocal left
            left -= 1
            if left < 0:
                offset = number * self.info.pagesize
                raise MapError("pages form a circle: the same ones are met again and again", offset=offset)
            return self._page(number)

        return Reader(self.info, page)

    def __len__(self) -> int:
        if self.info.duplicates:
            return sum(len(items) // 2 for items in self._batches())
        reader = self._whole()
        return sum(
            len(offsets) // 2
            for bucket in range(self.info.max_bucket + 1)
            for _, _, offsets in reader.chain(bucket)
        )

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order of buckets: that of `makemap -u`.  Raises MapError."""
        for items in self._batches():
            yield from zip(items[::2], items[1::2])

    def text(self, separator: bytes = b"\t") -> Iterator[bytes]:
        """Pieces of the source that `makemap -u` would print: lines of key, separator, value, both cut at a NUL."""
        for run in self.runs(separator):
            yield from run

    def runs(self, separator: bytes = b"\t", share: int = 0, shares: int = 1) -> Iterator[Iterator[bytes]]:
        """The same, run by run: each `shares`th run, from number `share` on."""
        line = b"%b" + separator.replace(b"%", b"%%") + b"%b\n"
        reader, top = self._whole(), self.info.max_bucket + 1
        for first in range(share * _RUN, top, shares * _RUN):
            yield self._lines(line, reader, range(first, min(first + _RUN, top)))

    def _lines(self, line: bytes, reader: Reader, buckets: range) -> Iterator[bytes]:
        for items in self._batches(reader, buckets):
            piece = line * (len(items) // 2) % tuple(items)
            if b"\0" in piece:
                piece = line * (len(items) // 2) % tuple(item.partition(b"\0")[0] for item in items)
            yield piece

    def _batches(self, reader: Optional[Reader] = None, some: Optional[range] = None) -> Iterator[List[bytes]]:
        """Keys and values in turn, of some buckets at a time; of all buckets if not told."""
        reader, some = reader or self._whole(), some or range(self.info.max_bucket + 1)
        for first in range(0, len(some), _BATCH):
            buckets = some[first : first + _BATCH]
            items = self._cut(buckets)
            if items is None:
                items = []
                for bucket in buckets:
                    for number, page, offsets in reader.chain(bucket):
                        for at in range(0, len(offsets), 2):
                            key = reader.key(number, page, offsets, at)
                            for value in reader.values(number, page, offsets, at + 1):
                                items += (key, value)
            yield items

    def _cut(self, buckets: Sequence[int]) -> Optional[List[bytes]]:
        """The same of some buckets in one cut, if all their items stand on the pages themselves; else None."""
        data, size, last, firsts = self._data, self.info.pagesize, self.info.last_page, self.info.firsts
        bodies, total, pages = [], 0, 0
        for bucket in buckets:
            number = firsts[bucket.bit_length()] + bucket
            while number:
                base = number * size
                if number > last or pages > 4 * len(buckets):
                    return None  # a circle, perhaps
                following, count, kind = self._short_header(data, base)
                index = base + PAGE_HEADER + 2 * count
                if kind not in _HASH_PAGES or count % 2 or index > base + size:
                    return None
                if count:
                    (low,) = self._half(data, index - 2)
                    bodies.append(data[base + low : base + size])
                    total += count
                number, pages = following, pages + 1
        bodies.reverse()
        # Items stand from the end of a page to its front.  If each byte of 1 begins one, a cut gives them all.
        whole = b"".join(bodies)
        items = whole.split(b"\1")
        if len(items) != total + 1 or b"\3" in whole:
            return None
        if self.info.duplicates and (b"\2" in whole or b"\4" in whole):
            return None
        items.reverse()
        items.pop()
        return items

    def verify(self) -> List[MapError]:
        """Every fault of the structure, with its offset in bytes, the first 1000; none in a sound file."""
        from .verifier import verify

        return verify(self._data)

    def _large(self, key: bytes) -> Optional[bytes]:
        """The first value of a key, by looking at each: of one that stands on pages of its own, or in odd pages."""
        reader = self._reader
        for number, page, offsets in reader.chain(reader.bucket(key)):
            for at in range(0, len(offsets), 2):
                if reader.key(number, page, offsets, at) == key:
                    return next(iter(reader.values(number, page, offsets, at + 1)))
        return None

    def _find(self, key: bytes) -> Optional[bytes]:
        """The first value of a key, by halves in each page: the longer key stands first, where one begins the other."""
        if len(key) > self._limit:
            return self._large(key)
        info, steps = self.info, self._steps
        size, last, firsts = info.pagesize, info.last_page, info.firsts
        if steps is None:
            h = self._first_hash(key)
        else:
            h = 0
            for byte in key:
                h = steps[h] ^ byte
        bucket = h & info.high_mask
        if bucket > info.max_bucket:
            bucket &= info.low_mask
        number, seen = firsts[bucket.bit_length()] + bucket, 0
        while 0 < number <= last and seen <= last:
            page = self._data[number * size : (number + 1) * size]
            following, count, kind = self._short_header(page)
            if kind != SORTED or count % 2 or PAGE_HEADER + 2 * count > size:
                break
            if count not in self._indices:
                self._indices[count] = struct.Struct(f"{self._reader.order}{count}H").unpack_from
            offsets = self._indices[count](page, PAGE_HEADER)
            low, high = 0, count
            while low < high:
                middle = (low + high) >> 2 << 1
                start, end = offsets[middle], offsets[middle - 1] if middle else size
                if not start < end <= size or page[start] != INLINE:
                    return self._large(key)  # an off-page key has another order, and a damaged one none
                found = page[start + 1 : end]
                if found == key:
                    end, start = start, offsets[middle + 1]
                    if start < end and page[start] == INLINE:
                        return page[start + 1 : end]
                    return next(iter(self._reader.values(number, page, offsets, middle + 1)))
                if not key.startswith(found) if found < key else found.startswith(key):
                    low = middle + 2
                else:
                    high = middle
            if not following:
                return None
            number, seen = following, seen + 1
        return self._large(key)

    def _first_hash(self, key: bytes) -> int:
        """The hash of a key while there is no table of the steps; after some hundred lookups it is made."""
        self._lookups += 1
        if self._lookups > _FEW and self.info.high_mask < 1 << _TABLE_BITS:
            mask = self.info.high_mask | 0xFF
            self._steps = [h * 403 & mask for h in range(mask + 1)]
        return hash_of(key)
