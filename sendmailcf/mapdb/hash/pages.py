"""Pages of items: how keys, values and sets of duplicates are laid down.

The one thing to know: what is longer than a quarter of a page stands on pages of its own, and so does a set of
duplicates that grows longer than that; where these pages come from is the caller's affair.
"""

from __future__ import annotations

import struct

from .layout import (
    DUPLICATES,
    DUPLICATES_2X,
    INLINE,
    LEAF_INLINE,
    LEAF_OVERFLOW,
    OFF_DUPLICATES,
    OFF_PAGE,
    OVERFLOW,
    PAGE_HEADER,
    RECNO_INTERNAL,
    RECNO_LEAF,
    SORTED,
    UNSORTED,
    VERSION,
    VERSION_2X,
    header,
    leaf_limit,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Sequence, Tuple


class Maker:
    """Makes the pages of one file.

    order: `<` or `>`.  size: of a page, in bytes.  allocate: gives the number of a page that is free.  put: takes the
    number of a page and all its bytes.
    """

    def __init__(
        self,
        order: str,
        size: int,
        version: int,
        allocate: Callable[[], int],
        put: Callable[[int, bytes], object],
    ) -> None:
        self._order, self._size, self._version = order, size, version
        self._allocate, self._put = allocate, put
        self._header = header(order)
        #: The type of a bucket's pages: libraries before 4.6 do not know the sorted one.
        self.kind = SORTED if version >= VERSION else UNSORTED

    def hash_page(
        self, number: int, items: Sequence[bytes], previous: int = 0, following: int = 0, kind: int = 0
    ) -> bytes:
        """A bucket's page of items: key, value, key, value; in the order in which they are given."""
        return self._page(number, kind or self.kind, items, (previous, following))

    def _page(
        self, number: int, kind: int, items: Sequence[bytes], links: Tuple[int, int], level: int = 0
    ) -> bytes:
        at, offsets = self._size, []
        for item in items:
            at -= len(item)
            offsets.append(at)
        head = self._header.pack(0, 1, number, *links, len(items), at & 0xFFFF, level, kind)
        index = struct.pack(f"{self._order}{len(items)}H", *offsets)
        return (head + index).ljust(at, b"\0") + b"".join(reversed(items))

    def item(self, data: bytes) -> bytes:
        """The item of a key or value: inline, or the place of its overflow pages, which are made."""
        # The limit is on the data, not on the item with its type byte (hash.h, ISBIG).
        if len(data) <= self._size // 4:
            return b"\1" + data
        return struct.pack(self._order + "B3xII", OFF_PAGE, self._overflow(data), len(data))

    def _overflow(self, data: bytes) -> int:
        room = self._size - PAGE_HEADER
        numbers = [self._allocate() for _ in range(0, len(data), room)]
        for at, number in enumerate(numbers):
            piece = data[at * room : (at + 1) * room]
            previous = numbers[at - 1] if at else 0
            following = numbers[at + 1] if at + 1 < len(numbers) else 0
            head = self._header.pack(0, 1, number, previous, following, 1, len(piece), 0, OVERFLOW)
            self._put(number, (head + piece).ljust(self._size, b"\0"))
        return numbers[0]

    def values(self, values: Sequence[bytes], room: int) -> bytes:
        """The item of all the values of a key: one, a set of duplicates, or a tree of them, whose pages are made.

        room: the bytes that the item may have.
        """
        if len(values) == 1:
            return self.item(values[0])
        limit = self._size // 4
        if sum(map(len, values)) + 4 * len(values) <= min(limit, room - 1):
            length = struct.Struct(self._order + "H")
            pieces = []
            for value in values:
                count = length.pack(len(value))
                pieces += [count, value, count]
            return bytes((DUPLICATES,)) + b"".join(pieces)
        leaves = self._leaves(values)
        root = leaves[0][0] if self._version == VERSION_2X else self._tree(leaves)
        return struct.pack(self._order + "B3xI", OFF_DUPLICATES, root)

    def _leaves(self, values: Sequence[bytes]) -> List[Tuple[int, int]]:
        """Linked pages with the elements, in their order; the number of each, and how many stand on it."""
        limit, room = leaf_limit(self._size), self._size - PAGE_HEADER
        pages: List[List[bytes]] = [[]]
        used = 0
        for value in values:
            if len(value) > limit:
                item = struct.pack(self._order + "HBxII", 0, LEAF_OVERFLOW, self._overflow(value), len(value))
            else:
                item = struct.pack(self._order + "HB", len(value), LEAF_INLINE) + value
                item = item.ljust(len(item) + 3 & ~3, b"\0")
            if used + len(item) + 2 > room:
                pages.append([])
                used = 0
            pages[-1].append(item)
            used += len(item) + 2
        kind, level = (DUPLICATES_2X, 0) if self._version == VERSION_2X else (RECNO_LEAF, 1)
        numbers = [self._allocate() for _ in pages]
        for at, number in enumerate(numbers):
            previous = numbers[at - 1] if at else 0
            following = numbers[at + 1] if at + 1 < len(numbers) else 0
            self._put(number, self._page(number, kind, pages[at], (previous, following), level))
        return list(zip(numbers, map(len, pages)))

    def _tree(self, leaves: List[Tuple[int, int]]) -> int:
        """Levels of pages above the leaves, up to one root, whose number is given back."""
        most, level = (self._size - PAGE_HEADER) // 10, 2
        while len(leaves) > 1:
            above = []
            for at in range(0, len(leaves), most):
                below = leaves[at : at + most]
                number, records = self._allocate(), sum(count for _, count in below)
                items = [struct.pack(self._order + "II", *one) for one in below]
                # The field of the previous page holds the number of records below (RE_NREC).
                self._put(number, self._page(number, RECNO_INTERNAL, items, (records, 0), level))
                above.append((number, records))
            leaves, level = above, level + 1
        return leaves[0][0]


def inline(data: bytes) -> bytes:
    """An item that stands on its page."""
    return bytes((INLINE,)) + data
