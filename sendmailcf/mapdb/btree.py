"""Berkeley DB btree files: version 9 written in bulk, versions 8 to 10 read, in either byte order.

The one thing to know: keys stand in plain order of bytes, the shorter first; the separators on internal pages are only
as long as they must be, and the first one of a page is empty.  Layout from dbinc/db_page.h and btree/ of Berkeley
DB 5.3.
"""

from __future__ import annotations

import struct
import sys
from zlib import crc32

from ..errors import MapError
from . import berkeley
from .base import Collector, FileInfo, FileMap, filled
from .berkeley import BTREE_META, DELETED, HEADER, INLINE, INTERNAL, LEAF, META_SIZE, OFF_DUPLICATES, OFF_PAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, List, Optional, Tuple

    from .base import Buffer, Pair, Put
    from .berkeley import Budget

VERSION = 9
MAGIC = 0x00053162
#: Flags of the first page: duplicates, recno, record numbers, several databases, sorted duplicates, compressed.
DUPLICATES, RECNO, RECNUM, FIXED, RENUMBER, SUBDATABASES, SORTED, COMPRESSED = 1, 2, 4, 8, 16, 32, 64, 128
#: The part of a leaf that is filled in bulk: some room is left for later inserts.
_FILL = 0.85


class Builder(Collector):
    """Collects records, then writes them as one file.

    byteorder: `little` or `big`.  pagesize: bytes, a power of two from 512 to 65536.  replace: of equal keys the last
    wins, not the first.  duplicates: all are kept, in the order they came.  Raises MapError for other arguments.
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
        super().__init__(replace=replace, duplicates=duplicates)
        self._order = berkeley.check_order(byteorder, pagesize)
        self.pagesize = pagesize
        if version != VERSION:
            raise MapError(f"btree version {version} cannot be written; {VERSION} can")

    def _lay(self, put: Put) -> Tuple[int, bytes]:
        pairs = sorted(self._kept(), key=lambda pair: pair[0])
        writer = berkeley.Writer(self._order, self.pagesize, put, 2)
        file_id = 0
        for key, value in pairs:
            file_id = crc32(value, crc32(key, file_id))
        below = _leaves(writer, _sets(pairs))
        level = 1
        while len(below) > 1:
            level += 1
            below = _level(writer, below, level)
        flags = DUPLICATES if self._keeps_all else 0
        head = writer.meta(MAGIC, VERSION, BTREE_META, flags, file_id)
        head += struct.pack(self._order + "5I", 0, 2, 0, 0x20, 1)
        return writer.next * self.pagesize, head.ljust(self.pagesize, b"\0")


def build(
    pairs: Iterable[Pair],
    *,
    byteorder: str = sys.byteorder,
    pagesize: int = 4096,
    duplicates: bool = False,
) -> bytes:
    """The bytes of a btree file with these pairs.  Raises MapError for a key that stands twice, unless duplicates."""
    return filled(Builder(byteorder, pagesize, duplicates=duplicates), pairs)


def _sets(pairs: List[Pair]) -> Iterator[Tuple[bytes, List[bytes]]]:
    """Each key of sorted pairs with all its values."""
    at = 0
    while at < len(pairs):
        end = at + 1
        while end < len(pairs) and pairs[end][0] == pairs[at][0]:
            end += 1
        yield pairs[at][0], [value for _, value in pairs[at:end]]
        at = end


def _leaves(writer: berkeley.Writer, sets: Iterator[Tuple[bytes, List[bytes]]]) -> List[Tuple[bytes, int]]:
    """Write the leaves; the separator and number of each.  One leaf alone is page 1, the root."""
    most = int((writer.pagesize - HEADER) * _FILL)
    made: List[Tuple[bytes, int]] = []
    items: List[Optional[bytes]] = []
    separator = last = b""
    number = before = used = 0
    for key, values in sets:
        entry = _entry(writer, key, values)
        size = sum(2 if item is None else len(item) + 2 for item in entry)
        if items and used + size > most:
            number = number or writer.take()
            following = writer.take()
            writer.page(number, LEAF, 1, items, (before, following))
            made.append((separator, number))
            before, number = number, following
            items, used, separator = [], 0, _shortest(last, key)
        items += entry
        used += size
        last = key
    # The root is page 1, whatever stands on it.
    number = number or 1
    writer.page(number, LEAF, 1, items, (before, 0))
    return [*made, (separator, number)]


def _entry(writer: berkeley.Writer, key: bytes, values: List[bytes]) -> List[Optional[bytes]]:
    """The items of a key on its leaf: key and value; of a set of duplicates the key is stored once."""
    first = writer.item(key)
    if len(values) == 1:
        return [first, writer.item(values[0])]
    longest = berkeley.longest_inline(writer.pagesize)
    size = len(first) + 2
    for value in values:
        size += 14 if len(value) > longest else len(value) + 5 + -(len(value) + 3) % 4
    if size >= writer.pagesize // 4:
        return [first, writer.placed(OFF_DUPLICATES, writer.tree(values), 0)]
    entry: List[Optional[bytes]] = [first]
    for value in values:
        entry += [writer.item(value), None]
    return entry[:-1]


def _shortest(last: bytes, first: bytes) -> bytes:
    """The shortest begin of `first`, the smallest key of a page, that is above `last`, the one before it."""
    for at in range(len(last)):
        if first[at] != last[at]:
            return first[: at + 1]
    return first[: len(last) + 1]


def _level(writer: berkeley.Writer, below: List[Tuple[bytes, int]], level: int) -> List[Tuple[bytes, int]]:
    """Write one level of internal pages above these; the same of each.  One page alone is page 1, the root."""
    longest = berkeley.longest_inline(writer.pagesize)
    groups: List[Tuple[bytes, List[Optional[bytes]]]] = []
    left = 0
    for separator, number in below:
        size = 14 + (12 if len(separator) > longest else len(separator) + -len(separator) % 4)
        if groups and size <= left:
            groups[-1][1].append(_child(writer, separator, number))
        else:
            size = 14
            groups.append((separator, [_child(writer, b"", number)]))
            left = writer.pagesize - HEADER
        left -= size
    if len(groups) == 1:
        writer.page(1, INTERNAL, level, groups[0][1])
        return [(b"", 1)]
    made = [(separator, writer.take()) for separator, _ in groups]
    for (_, number), (_, items) in zip(made, groups):
        writer.page(number, INTERNAL, level, items)
    return made


def _child(writer: berkeley.Writer, separator: bytes, number: int) -> bytes:
    """The item of an internal page for a child."""
    kind = INLINE
    if len(separator) > berkeley.longest_inline(writer.pagesize):
        separator, kind = writer.placed(OFF_PAGE, writer.overflow(separator), len(separator)), OFF_PAGE
    head = struct.pack(writer.order + "HBxII", len(separator), kind, number, 0)
    return head + separator + bytes(-len(separator) % 4)


class Info(FileInfo):
    """What the first page of a btree file says.

    format: `btree`.  byteorder: little or big.  version: 8 to 10.  pagesize: bytes.  root: number of the page.
    free: head of the list of free pages, or 0.  last_page: number of the last page.  duplicates, sorted_duplicates:
    whether a key may have several values, and whether those are sorted.
    """

    format = "btree"

    def __init__(self, data: Buffer) -> None:
        size = len(data)
        if size < META_SIZE:
            raise MapError(f"truncated: {size} bytes are too few for a database", offset=size)
        if data[12:16] not in (struct.pack("<I", MAGIC), struct.pack(">I", MAGIC)):
            raise MapError("no Berkeley DB btree file: its magic number is not there", offset=12)
        self.byteorder = "little" if data[12:16] == struct.pack("<I", MAGIC) else "big"
        order = "<" if self.byteorder == "little" else ">"
        self.version, self.pagesize = struct.unpack_from(order + "II", data, 16)
        if not 8 <= self.version <= 10:
            raise MapError(f"btree version {self.version} cannot be read; 8 to 10 can", offset=16)
        if self.pagesize not in berkeley.PAGE_SIZES:
            raise MapError(f"{self.pagesize} is no page size", offset=20)
        if data[24]:
            raise MapError("an encrypted file cannot be read; sendmail makes none", offset=24)
        if data[25] != BTREE_META:
            raise MapError(f"the first page has type {data[25]}, not {BTREE_META}", offset=25)
        if data[26]:
            raise MapError(
                "a file with checksums or partitions cannot be read; sendmail makes none", offset=26
            )
        (flags,) = struct.unpack_from(order + "I", data, 48)
        for flag, what in ((RECNO, "a recno file"), (SUBDATABASES, "a file of several databases"),
                           (COMPRESSED, "a compressed btree")):  # fmt: skip
            if flags & flag:
                raise MapError(f"{what} cannot be read; sendmail makes none", offset=48)
        self.duplicates, self.sorted_duplicates = bool(flags & DUPLICATES), bool(flags & SORTED)
        (self.free,) = struct.unpack_from(order + "I", data, 28)
        (self.root,) = struct.unpack_from(order + "I", data, 88)
        if size % self.pagesize:
            raise MapError(f"truncated: {size} bytes are no whole number of pages", offset=size)
        self.last_page = size // self.pagesize - 1
        # Version 8 keeps no number of the last page.
        if self.version > 8 and struct.unpack_from(order + "I", data, 32)[0] > self.last_page:
            raise MapError("truncated: its last page is missing", offset=size)


class BtreeMap(FileMap):
    """A btree file, read-only: a mapping of keys to values, both bytes, in the order of keys.

    pages: the pages of the file.
    """

    info: Info

    def __init__(self, data: Buffer) -> None:
        super().__init__(data)
        info = self.info = Info(data)
        self.pages = berkeley.Pages(data, info.byteorder, info.pagesize, info.last_page)

    def __repr__(self) -> str:
        return f"<BtreeMap version {self.info.version}, {self.info.byteorder} endian, {self._size} bytes>"

    def verify(self) -> List[MapError]:
        """Every fault of the structure, with its offset in bytes, the first 1000; none in a sound file."""
        from .btree_verify import faults

        return faults(self)

    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the order of keys; the values of one key in the order they are stored."""
        budget = self.pages.budget()
        page = self._leaf(None, budget)
        while True:
            _, _, following, count, _, _, kind = self.pages.header(page)
            if kind != LEAF:
                raise MapError(f"a page of type {kind} where a leaf belongs", offset=page + 25)
            budget.take(self.info.pagesize, page)
            yield from self._on_page(page, count, budget)
            if not following:
                return
            page = self.pages.start(following, page + 16)

    def _on_page(self, page: int, count: int, budget: Budget) -> Iterator[Pair]:
        offsets = self._offsets(page, count)
        key, place, room = b"", -1, self.info.pagesize
        for at in range(0, count, 2):
            if place != offsets[at]:
                # The key of several values is stored once.
                place = offsets[at]
                kind, item = self.pages.item(page, place, count)
                room -= len(item)
                key = self._key(kind, item, page + place, budget)
            kind, item = self.pages.item(page, offsets[at + 1], count)
            room -= len(item)
            if room < 0:
                raise MapError("items overlap", offset=page + offsets[at + 1])
            if not kind & DELETED:
                for value in self._values(kind, item, page + offsets[at + 1], budget):
                    yield key, value

    def _values(self, kind: int, item: bytes, offset: int, budget: Budget) -> Iterator[bytes]:
        if kind == INLINE:
            yield item
        elif kind == OFF_PAGE:
            yield self.pages.overflow(*self.pages.place(item), offset, budget)
        else:
            yield from self.pages.tree(self.pages.place(item)[0], offset, budget)

    def _offsets(self, page: int, count: int) -> Tuple[int, ...]:
        if count % 2:
            raise MapError(f"a leaf with {count} items", offset=page + 20)
        return self.pages.offsets(page, count)

    def _key(self, kind: int, item: bytes, offset: int, budget: Budget) -> bytes:
        if kind & ~DELETED == OFF_DUPLICATES:
            raise MapError("a key that is a tree of duplicates", offset=offset)
        if kind & ~DELETED == OFF_PAGE:
            return self.pages.overflow(*self.pages.place(item), offset, budget)
        return item

    def _find(self, key: bytes) -> Optional[bytes]:
        # The library lets a key share its pages with the separators above it.
        budget = self.pages.budget(8)
        page = self._leaf(key, budget)
        count = self.pages.header(page)[3]
        offsets = self._offsets(page, count)

        def key_at(at: int) -> bytes:
            return self._key(*self.pages.item(page, offsets[at], count), page + offsets[at], budget)

        low, high = 0, count // 2
        while low < high:
            middle = (low + high) // 2
            if key_at(2 * middle) < key:
                low = middle + 1
            else:
                high = middle
        for at in range(2 * low, count, 2):
            if key_at(at) != key:
                return None
            kind, item = self.pages.item(page, offsets[at + 1], count)
            if not kind & DELETED:
                return next(self._values(kind, item, page + offsets[at + 1], budget), None)
        return None

    def _leaf(self, key: Optional[bytes], budget: Budget) -> int:
        """Where the leaf begins on which a key belongs; the first leaf for None."""
        pages = self.pages
        page = pages.start(self.info.root, 88)
        level = pages.header(page)[5]
        while True:
            _, _, _, count, _, depth, kind = pages.header(page)
            if depth != level:
                raise MapError(f"a page of level {depth} where level {level} belongs", offset=page + 24)
            if kind == LEAF:
                return page
            if kind != INTERNAL or not count or level < 2:
                raise MapError(f"a page of type {kind} in the tree", offset=page + 25)
            offsets = pages.offsets(page, count)
            low, high = 0, count - 1
            while key is not None and low < high:
                middle = (low + high + 1) // 2
                if self._separator(page, offsets[middle], count, budget) <= key:
                    low = middle
                else:
                    high = middle - 1
            page, level = pages.child(page, offsets[low], count, INTERNAL), level - 1

    def _separator(self, page: int, offset: int, count: int, budget: Budget) -> bytes:
        """The key of an item of an internal page."""
        pages = self.pages
        pages.child(page, offset, count, INTERNAL)
        length, kind = struct.unpack_from(pages.order + "HB", self._data, page + offset)
        if offset + 12 + length > self.info.pagesize:
            raise MapError("an item lies outside of its page", offset=page + offset)
        data = self._data[page + offset + 12 : page + offset + 12 + length]
        if kind & ~DELETED == INLINE:
            return data
        if kind & ~DELETED != OFF_PAGE or length != 12:
            raise MapError(f"an internal item of type {kind}", offset=page + offset)
        return pages.overflow(*pages.place(data), page + offset, budget)
