"""Pages as all files of Berkeley DB since 2.x have them: headers, items off their page, trees of duplicates.

The one thing to know: no number that stands in a file is believed.  Every walk pays for each page it visits from a
budget of the file's own size, so pages that form a circle, or are used by many, end it.  Layout from dbinc/db_page.h
of Berkeley DB 5.3.
"""

from __future__ import annotations

import struct
import sys

from ..errors import MapError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Sequence, Tuple

    from .base import Buffer, Put

PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
#: Bytes of a page before its index of items.
HEADER = 26
#: Bytes of the first page that mean something.
META_SIZE = 512
#: Types of pages.
INVALID, INTERNAL, RECNO_INTERNAL, LEAF, RECNO_LEAF, OVERFLOW, BTREE_META, DUPLICATES_LEAF = (
    0, 3, 4, 5, 6, 7, 9, 12,
)  # fmt: skip
#: Types of items on btree and recno pages, and the bit of one that was deleted.
INLINE, OFF_DUPLICATES, OFF_PAGE, DELETED = 1, 2, 3, 0x80


def check_order(byteorder: str, pagesize: int) -> str:
    """The sign of a byte order for `struct`.  Raises MapError for no byte order, or no page size in bytes."""
    if byteorder not in ("little", "big"):
        raise MapError(f"{byteorder!r} is no byte order: little or big")
    if pagesize not in PAGE_SIZES:
        raise MapError(f"{pagesize} is no page size: a power of two from 512 to 65536")
    return "<" if byteorder == "little" else ">"


def longest_inline(pagesize: int) -> int:
    """The bytes of an item above which it leaves its btree or recno page: four must fit a page."""
    return (pagesize - HEADER) // 4 - 10


class Budget:
    """The bytes that one walk through a file may visit."""

    __slots__ = ("_left",)

    def __init__(self, size: int) -> None:
        self._left = size

    def take(self, size: int, offset: int) -> None:
        """Pay for a page or an item of `size` bytes.  Raises MapError when nothing is left."""
        self._left -= size
        if self._left < 0:
            raise MapError("pages form a circle, or belong to several items", offset=offset)


class Pages:
    """The pages of a file, read with every number checked; each MapError names an offset in bytes."""

    def __init__(self, data: Buffer, byteorder: str, pagesize: int, last_page: int) -> None:
        self.data, self.pagesize, self.last_page = data, pagesize, last_page
        self.order = "<" if byteorder == "little" else ">"
        self._header = struct.Struct(self.order + "IIIHHBB")
        self._item = struct.Struct(self.order + "HB")
        self._place = struct.Struct(self.order + "4xII")

    def budget(self, times: int = 1) -> Budget:
        """A budget for one walk that may visit a page so many times."""
        return Budget(times * (self.last_page + 1) * self.pagesize)

    def start(self, number: int, offset: int) -> int:
        """Where page `number` begins; offset: where that number stands."""
        if not 0 < number <= self.last_page:
            raise MapError(f"there is no page {number}", offset=offset)
        return number * self.pagesize

    def header(self, page: int) -> Tuple[int, int, int, int, int, int, int]:
        """Own number, previous page, next page, entries, low offset, level, type of the page that begins at `page`."""
        return self._header.unpack_from(self.data, page + 8)

    def offsets(self, page: int, count: int) -> Tuple[int, ...]:
        """The index of a page with `count` entries: where its items begin, from the page's own begin."""
        if HEADER + 2 * count > self.pagesize:
            raise MapError(f"a page with {count} items", offset=page + 20)
        return struct.unpack_from(f"{self.order}{count}H", self.data, page + HEADER)

    def item(self, page: int, offset: int, count: int) -> Tuple[int, bytes]:
        """Type and bytes of a btree or recno item of a page with `count` entries; an off-page one gives its place."""
        if not HEADER + 2 * count <= offset <= self.pagesize - 3:
            raise MapError("an item lies outside of its page", offset=min(page + offset, len(self.data)))
        length, kind = self._item.unpack_from(self.data, page + offset)
        if kind & ~DELETED == INLINE:
            start, size = offset + 3, length
        elif kind & ~DELETED in (OFF_DUPLICATES, OFF_PAGE):
            start, size = offset, 12
        else:
            raise MapError(f"an item of type {kind}", offset=page + offset)
        if start + size > self.pagesize:
            raise MapError("an item lies outside of its page", offset=page + offset)
        return kind, self.data[page + start : page + start + size]

    def place(self, item: bytes) -> Tuple[int, int]:
        """First page and length in bytes of an off-page item of 12 bytes."""
        return self._place.unpack(item)

    def overflow(self, number: int, length: int, offset: int, budget: Budget) -> bytes:
        """The bytes of an item that stands on overflow pages; offset: of the item that names them."""
        budget.take(length, offset)
        pieces: List[bytes] = []
        left, room = length, self.pagesize - HEADER
        while left:
            page = self.start(number, offset)
            _, _, number, _, size, _, kind = self.header(page)
            if kind != OVERFLOW or not 0 < size <= min(room, left):
                raise MapError("a page that holds no part of a large item", offset=page)
            pieces.append(self.data[page + HEADER : page + HEADER + size])
            left -= size
        return b"".join(pieces)

    def tree(self, root: int, offset: int, budget: Budget) -> Iterator[bytes]:
        """Every value of an off-page tree of duplicates, in stored order; offset: of the item that names its root."""
        page = self.start(root, offset)
        level = self.header(page)[5]
        while True:
            _, _, _, count, _, depth, kind = self.header(page)
            if depth != level:
                raise MapError(f"a page of level {depth} where level {level} belongs", offset=page + 24)
            if kind in (RECNO_LEAF, DUPLICATES_LEAF):
                break
            if kind not in (INTERNAL, RECNO_INTERNAL) or not count or level < 2:
                raise MapError(f"a page of type {kind} in a tree of duplicates", offset=page + 25)
            budget.take(self.pagesize, page)
            page, level = self.child(page, self.offsets(page, count)[0], count, kind), level - 1
        while True:
            _, _, following, count, _, _, kind = self.header(page)
            if kind not in (RECNO_LEAF, DUPLICATES_LEAF):
                raise MapError(f"a page of type {kind} among duplicates", offset=page + 25)
            budget.take(self.pagesize, page)
            yield from self.values(page, count, budget)
            if not following:
                return
            page = self.start(following, page + 16)

    def values(self, page: int, count: int, budget: Budget) -> Iterator[bytes]:
        """The values on a leaf of duplicates."""
        room = self.pagesize
        for offset in self.offsets(page, count):
            kind, item = self.item(page, offset, count)
            room -= len(item)
            if room < 0:
                raise MapError("items overlap", offset=page + offset)
            if kind == OFF_PAGE:
                yield self.overflow(*self.place(item), page + offset, budget)
            elif kind == INLINE:
                yield item
            elif not kind & DELETED:
                raise MapError(f"an item of type {kind} among duplicates", offset=page + offset)

    def child(self, page: int, offset: int, count: int, kind: int) -> int:
        """Where the child begins that an internal page names at `offset`."""
        size, at = (8, 0) if kind == RECNO_INTERNAL else (12, 4)
        if not HEADER + 2 * count <= offset <= self.pagesize - size:
            raise MapError("an item lies outside of its page", offset=min(page + offset, len(self.data)))
        (number,) = struct.unpack_from(self.order + "I", self.data, page + offset + at)
        return self.start(number, page + offset + at)


class Writer:
    """New pages of a file, in any order; `next` is the first number that is free."""

    def __init__(self, order: str, pagesize: int, put: Put, first: int) -> None:
        self.order, self.pagesize, self.next = order, pagesize, first
        self._put = put
        self._header = struct.Struct(order + "IIIIIHHBB")

    def take(self) -> int:
        """The number of a new page."""
        self.next += 1
        return self.next - 1

    def page(
        self,
        number: int,
        kind: int,
        level: int,
        items: Sequence[Optional[bytes]],
        around: Tuple[int, int] = (0, 0),
    ) -> None:
        """Write a page of items, first item at the end; None is the item two places before, once more.

        around: the previous and the next page.
        """
        low = self.pagesize
        index: List[int] = []
        parts: List[bytes] = []
        for item in items:
            if item is None:
                index.append(index[-2])
                continue
            low -= len(item)
            index.append(low)
            parts.append(item)
        parts.reverse()
        count = len(index)
        # The offset of an empty page of 65536 bytes is stored as 0.
        head = self._header.pack(0, 1, number, *around, count, low & 0xFFFF, level, kind)
        places = struct.pack(f"{self.order}{count}H", *index)
        gap = bytes(low - HEADER - 2 * count)
        self._put(number * self.pagesize, b"".join([head, places, gap, *parts]))

    def overflow(self, data: bytes) -> int:
        """Write the pages of a large item; the number of the first."""
        room = self.pagesize - HEADER
        first, count = self.next, -(-len(data) // room)
        self.next += count
        for at in range(count):
            piece, number = data[at * room : (at + 1) * room], first + at
            previous, following = number - 1 if at else 0, number + 1 if at + 1 < count else 0
            head = self._header.pack(0, 1, number, previous, following, 1, len(piece), 0, OVERFLOW)
            self._put(number * self.pagesize, (head + piece).ljust(self.pagesize, b"\0"))
        return first

    def item(self, data: bytes) -> bytes:
        """A btree or recno item: inline and filled up to a multiple of 4 bytes, or the place of its own pages."""
        if len(data) > longest_inline(self.pagesize):
            return self.placed(OFF_PAGE, self.overflow(data), len(data))
        return struct.pack(self.order + "HB", len(data), INLINE) + data + bytes(-(len(data) + 3) % 4)

    def placed(self, kind: int, number: int, length: int) -> bytes:
        """An item that names another page."""
        return struct.pack(self.order + "HBxII", 0, kind, number, length)

    def tree(self, values: Sequence[bytes]) -> int:
        """Write an off-page tree of unsorted duplicates, which is a recno tree; the number of its root."""
        level, kind = 1, RECNO_LEAF
        below = [(self.item(value), 1) for value in values]
        while True:
            groups: List[List[Tuple[bytes, int]]] = [[]]
            left = self.pagesize - HEADER
            for entry in below:
                left -= len(entry[0]) + 2
                if left < 0:
                    groups.append([])
                    left = self.pagesize - HEADER - len(entry[0]) - 2
                groups[-1].append(entry)
            first = self.next
            self.next += len(groups)
            below = []
            for number, group in enumerate(groups, first):
                records = sum(count for _, count in group)
                previous = following = 0
                if kind == RECNO_LEAF:
                    previous = number - 1 if number > first else 0
                    following = number + 1 if number + 1 < first + len(groups) else 0
                else:
                    previous = records  # an internal page keeps the number of its records there
                self.page(number, kind, level, [item for item, _ in group], (previous, following))
                below.append((struct.pack(self.order + "II", number, records), records))
            if len(groups) == 1:
                return first
            level, kind = level + 1, RECNO_INTERNAL

    def meta(self, magic: int, version: int, kind: int, flags: int, file_id: int) -> bytes:
        """The first 72 bytes of a file, which all formats share, when all its pages are written."""
        head = struct.pack(self.order + "6I", 0, 1, 0, magic, version, self.pagesize) + bytes((0, kind, 0, 0))
        head += struct.pack(self.order + "6I", 0, self.next - 1, 0, 0, 0, flags)
        # The library never swaps the file's own mark; it need only differ from other files'.
        return head + file_id.to_bytes(4, sys.byteorder) + bytes(16)
