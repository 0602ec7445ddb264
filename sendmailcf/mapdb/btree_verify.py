"""Whether the structure of a btree file is sound: what Berkeley DB's verifier checks, told with offsets.

The one thing to know: a first pass looks at each page by itself, so that the second, which follows the tree, the
chains and the list of free pages, may rely on every page that was found sound.  Checks as in btree/bt_verify.c and
db/db_vrfy.c of Berkeley DB 5.3.
"""

from __future__ import annotations

import struct
from array import array
from itertools import islice

from ..errors import MapError
from .base import MOST_FAULTS
from .berkeley import (
    DELETED,
    DUPLICATES_LEAF,
    HEADER,
    INLINE,
    INTERNAL,
    INVALID,
    LEAF,
    OFF_DUPLICATES,
    OFF_PAGE,
    OVERFLOW,
    RECNO_INTERNAL,
    RECNO_LEAF,
)  # fmt: skip
from .btree import DUPLICATES, FIXED, RECNUM, RENUMBER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Tuple

    from .btree import BtreeMap

#: In `kinds`: a page that is not sound, and one that was never written.
_BAD, _ZERO = 255, 254
_INTERNALS = (INTERNAL, RECNO_INTERNAL)
_LEAVES = (LEAF, RECNO_LEAF, DUPLICATES_LEAF)


def faults(found: BtreeMap) -> List[MapError]:
    """Every fault, the first 1000."""
    return list(islice(_Verifier(found).run(), MOST_FAULTS))


class _Verifier:
    def __init__(self, found: BtreeMap) -> None:
        self._info, self._pages = found.info, found.pages
        self._data, self._size = found.pages.data, found.info.pagesize
        self._kinds = bytearray(found.info.last_page + 1)
        #: How many items, pages or lists name each page.
        self._uses = array("I", bytes(4 * len(self._kinds)))
        self._before = 0
        self._budget = found.pages.budget(16)

    def run(self) -> Iterator[MapError]:
        yield from self._meta()
        for number in range(1, len(self._kinds)):
            yield from self._page(number)
        if 0 < self._info.root < len(self._kinds):
            level = self._pages.header(self._info.root * self._size)[5]
            yield from self._tree(self._info.root, level, b"", None)
        yield from self._last_leaf()
        yield from self._free()
        for number in range(1, len(self._kinds)):
            kind, start = self._kinds[number], number * self._size
            if kind not in (_BAD, _ZERO):
                if not self._uses[number]:
                    yield MapError(f"nothing names page {number}", offset=start)
                elif kind == OVERFLOW and self._pages.header(start)[3] != self._uses[number]:
                    yield MapError("an overflow page is named by more or fewer items than it says", offset=start + 20)

    def _meta(self) -> Iterator[MapError]:
        info, order = self._info, self._pages.order
        (own,) = struct.unpack_from(order + "I", self._data, 8)
        (last,) = struct.unpack_from(order + "I", self._data, 32)
        (flags,) = struct.unpack_from(order + "I", self._data, 48)
        least, length = struct.unpack_from(order + "2I", self._data, 76)
        if own:
            yield MapError("the first page has another number", offset=8)
        if info.free > info.last_page:
            yield MapError(f"there is no page {info.free}, the first free one", offset=28)
        if info.version > 8 and last != info.last_page:
            yield MapError(f"the last page is {info.last_page}, not {last}", offset=32)
        if flags & RECNUM and flags & DUPLICATES:
            yield MapError("record numbers in a file with duplicates", offset=48)
        if flags & (FIXED | RENUMBER):
            yield MapError("flags of a recno file", offset=48)
        if least < 2 or least > (self._size - HEADER) // 20:
            yield MapError(f"{least} keys a page at least", offset=76)
        if length:
            yield MapError("a length of records in a file that has no fixed one", offset=80)
        if not 0 < info.root <= info.last_page:
            yield MapError(f"there is no page {info.root}, the root", offset=88)

    def _page(self, number: int) -> Iterator[MapError]:
        """The faults of a page by itself; remembers its kind."""
        start = number * self._size
        own, previous, following, count, low, level, kind = self._pages.header(start)
        wrong: Optional[Tuple[str, int]] = None
        leaf, internal = kind in _LEAVES, kind in _INTERNALS
        if kind == INVALID and not self._data[start : start + self._size].strip(b"\0"):
            self._kinds[number] = _ZERO
            return
        if own != number:
            wrong = (f"page {number} has the number {own}", 8)
        elif not (leaf or internal or kind in (INVALID, OVERFLOW)):
            wrong = (f"a page of type {kind}", 25)
        elif (leaf or kind == OVERFLOW) and previous > self._info.last_page:
            wrong = (f"there is no page {previous}", 12)
        elif not internal and following > self._info.last_page:
            wrong = (f"there is no page {following}", 16)
        elif (leaf and level != 1) or (internal and level < 2) or (kind == OVERFLOW and level):
            wrong = (f"a page of type {kind} of level {level}", 24)
        elif kind == OVERFLOW and not (count and 0 < low <= self._size - HEADER):
            wrong = (f"an overflow page of {low} bytes for {count} items", 20)
        elif (leaf or internal) and HEADER + 2 * count > self._size:
            wrong = (f"a page with {count} items", 20)
        elif (internal and not count) or (kind == LEAF and count % 2):
            wrong = (f"a page of type {kind} with {count} items", 20)
        if wrong is not None:
            self._kinds[number] = _BAD
            yield MapError(wrong[0], offset=start + wrong[1])
            return
        self._kinds[number] = kind
        if leaf or internal:
            for fault in self._items(start, count, low or 65536, kind):
                self._kinds[number] = _BAD
                yield fault

    def _items(self, start: int, count: int, low: int, kind: int) -> Iterator[MapError]:
        """Whether the items of a page fill it from `low` to its end, each of them once."""
        offsets = self._pages.offsets(start, count)
        spans = []
        for at, offset in enumerate(offsets):
            if kind == LEAF and at % 2 == 0 and at > 1 and offset == offsets[at - 2]:
                if not self._info.duplicates:
                    yield MapError("a key with several values in a file without duplicates", offset=start + 26 + 2 * at)
                continue
            try:
                if kind in _INTERNALS:
                    self._pages.child(start, offset, count, kind)
                    size = 8 if kind == RECNO_INTERNAL else self._internal_size(start, offset)
                else:
                    found, item = self._pages.item(start, offset, count)
                    size = 12 if found & ~DELETED != INLINE else len(item) + 3 + -(len(item) + 3) % 4
                    good = kind == LEAF and at % 2 and self._info.duplicates
                    if found & ~DELETED == OFF_DUPLICATES and not good:
                        raise MapError("duplicates where none belong", offset=start + offset)
            except MapError as error:
                yield error
                return
            spans.append((offset, size))
        spans.sort(reverse=True)
        end = self._size
        for offset, size in spans:
            if offset + size != end:
                yield MapError("items overlap, or leave a gap", offset=start + offset)
                return
            end = offset
        if low != end:
            yield MapError(f"the lowest item is at {end}, not at {low}", offset=start + 22)

    def _internal_size(self, start: int, offset: int) -> int:
        length, kind = struct.unpack_from(self._pages.order + "HB", self._data, start + offset)
        if kind & ~DELETED not in (INLINE, OFF_PAGE) or (kind & ~DELETED == OFF_PAGE and length != 12):
            raise MapError(f"an internal item of type {kind}", offset=start + offset)
        if offset + 12 + length > self._size:
            raise MapError("an item lies outside of its page", offset=start + offset)
        return 12 + int(length) + -int(length) % 4

    def _named(self, number: int, offset: int, kinds: Tuple[int, ...]) -> Tuple[bool, List[MapError]]:
        """Count one use of a page; whether it can be followed: for the first time, and of one of these kinds."""
        if not 0 < number < len(self._kinds):
            return False, [MapError(f"there is no page {number}", offset=offset)]
        self._uses[number] += 1
        kind = self._kinds[number]
        if kind == _BAD:
            return False, []
        if kind not in kinds:
            return False, [MapError(f"page {number} is of type {0 if kind == _ZERO else kind}", offset=offset)]
        if self._uses[number] > 1:
            return False, [] if kind == OVERFLOW else [MapError(f"page {number} is named twice", offset=offset)]
        return True, []

    def _tree(self, number: int, level: int, low: bytes, high: Optional[bytes], offset: int = 88) -> Iterator[MapError]:
        """The faults of a subtree whose keys are from `low` to below `high`; offset: of what names it."""
        go, found = self._named(number, offset, (LEAF,) if level == 1 else (INTERNAL,))
        yield from found
        if not go:
            return
        start = number * self._size
        _, _, _, count, _, depth, kind = self._pages.header(start)
        if depth != level:
            yield MapError(f"a page of level {depth} where level {level} belongs", offset=start + 24)
            return
        offsets = self._pages.offsets(start, count)
        if kind == LEAF:
            yield from self._leaf(number, offsets, low, high)
            return
        keys: List[Optional[bytes]] = []
        for at, place in enumerate(offsets):
            yield from self._internal_overflow(start, place)
            try:
                key = self._separator(start, place) if at else low
                if keys and keys[-1] is not None and at > 1 and key <= keys[-1]:
                    yield MapError("keys are not in order", offset=start + place)
                elif at and (key < low or (high is not None and key > high)):
                    yield MapError("a key that does not belong on this page", offset=start + place)
                keys.append(key)
            except MapError as error:
                yield error
                keys.append(None)
        keys.append(high)
        for at, place in enumerate(offsets):
            (child,) = struct.unpack_from(self._pages.order + "I", self._data, start + place + 4)
            yield from self._tree(child, level - 1, keys[at] or b"", keys[at + 1], start + place + 4)

    def _separator(self, start: int, place: int) -> bytes:
        length, kind = struct.unpack_from(self._pages.order + "HB", self._data, start + place)
        data = self._data[start + place + 12 : start + place + 12 + length]
        if kind & ~DELETED == OFF_PAGE:
            return self._pages.overflow(*self._pages.place(data), start + place, self._budget)
        return data

    def _internal_overflow(self, start: int, place: int) -> Iterator[MapError]:
        length, kind = struct.unpack_from(self._pages.order + "HB", self._data, start + place)
        if kind & ~DELETED == OFF_PAGE:
            data = self._data[start + place + 12 : start + place + 12 + length]
            yield from self._overflow(*self._pages.place(data), start + place)

    def _leaf(self, number: int, offsets: Tuple[int, ...], low: bytes, high: Optional[bytes]) -> Iterator[MapError]:
        start, count = number * self._size, len(offsets)
        previous = self._pages.header(start)[1]
        if previous != self._before:
            yield MapError(f"the leaf before this one is {self._before}, not {previous}", offset=start + 12)
        if self._before:
            yield from self._next_is(self._before, number)
        self._before = number
        last: Optional[bytes] = None
        for at in range(0, count, 2):
            place = offsets[at]
            if not at or place != offsets[at - 2]:
                kind, item = self._pages.item(start, place, count)
                if kind & ~DELETED == OFF_PAGE:
                    yield from self._overflow(*self._pages.place(item), start + place)
                try:
                    if kind & ~DELETED == OFF_PAGE:
                        item = self._pages.overflow(*self._pages.place(item), start + place, self._budget)
                    if last is not None and item <= last:
                        yield MapError("keys are not in order", offset=start + place)
                    elif item < low or (high is not None and item >= high):
                        yield MapError("a key that does not belong on this page", offset=start + place)
                    last = item
                except MapError as error:
                    yield error
            kind, item = self._pages.item(start, offsets[at + 1], count)
            if kind & ~DELETED == OFF_PAGE:
                yield from self._overflow(*self._pages.place(item), start + offsets[at + 1])
            elif kind & ~DELETED == OFF_DUPLICATES:
                yield from self._duplicates(self._pages.place(item)[0], start + offsets[at + 1])

    def _next_is(self, before: int, number: int) -> Iterator[MapError]:
        following = self._pages.header(before * self._size)[2]
        if following != number:
            yield MapError(f"the leaf after this one is {number}, not {following}", offset=before * self._size + 16)

    def _last_leaf(self) -> Iterator[MapError]:
        if self._before:
            yield from self._next_is(self._before, 0)

    def _overflow(self, number: int, length: int, offset: int) -> Iterator[MapError]:
        """The faults of the pages of a large item; offset: of the item."""
        go, found = self._named(number, offset, (OVERFLOW,))
        yield from found
        if not go:
            return
        previous, left = 0, length
        while True:
            start = number * self._size
            _, before, following, _, size, _, _ = self._pages.header(start)
            if before != previous:
                yield MapError(f"the page before this one is {previous}, not {before}", offset=start + 12)
            left -= size
            if not following:
                break
            go, found = self._named(following, start + 16, (OVERFLOW,))
            yield from found
            if not go:
                return
            previous, number = number, following
        if left:
            yield MapError(f"a large item of {length - left} bytes, not {length}", offset=offset)

    def _duplicates(self, root: int, offset: int) -> Iterator[MapError]:
        """The faults of an off-page tree of duplicates."""
        if not 0 < root < len(self._kinds):
            yield MapError(f"there is no page {root}", offset=offset)
            return
        whole, self._before = self._before, 0
        level = self._pages.header(root * self._size)[5]
        counts: List[int] = []
        yield from self._duplicates_below(root, level, offset, counts, root=True)
        yield from self._last_leaf()
        self._before = whole

    def _duplicates_below(
        self, number: int, level: int, offset: int, counts: List[int], *, root: bool = False
    ) -> Iterator[MapError]:
        """The same of a subtree; appends its number of records to `counts`."""
        wanted = {True: (DUPLICATES_LEAF, INTERNAL), False: (RECNO_LEAF, RECNO_INTERNAL)}[self._info.sorted_duplicates]
        go, found = self._named(number, offset, wanted[:1] if level == 1 else wanted[1:])
        yield from found
        if not go:
            return
        start = number * self._size
        _, previous, _, count, _, depth, kind = self._pages.header(start)
        if depth != level:
            yield MapError(f"a page of level {depth} where level {level} belongs", offset=start + 24)
            return
        offsets = self._pages.offsets(start, count)
        if level == 1:
            if previous != self._before:
                yield MapError(f"the leaf before this one is {self._before}, not {previous}", offset=start + 12)
            if self._before:
                yield from self._next_is(self._before, number)
            self._before = number
            for place in offsets:
                found_kind, item = self._pages.item(start, place, count)
                if found_kind & ~DELETED == OFF_PAGE:
                    yield from self._overflow(*self._pages.place(item), start + place)
            counts.append(count)
            return
        total = 0
        for place in offsets:
            if kind == INTERNAL:
                yield from self._internal_overflow(start, place)
                (child,) = struct.unpack_from(self._pages.order + "I", self._data, start + place + 4)
                yield from self._duplicates_below(child, level - 1, start + place, [])
                continue
            child, records = struct.unpack_from(self._pages.order + "2I", self._data, start + place)
            below: List[int] = []
            yield from self._duplicates_below(child, level - 1, start + place, below)
            if below and below[0] != records:
                yield MapError(f"{below[0]} records below, not {records}", offset=start + place + 4)
            total += records
        if kind == RECNO_INTERNAL:
            # The library keeps the number of all records on the root, and on no page below it.
            if root and total != previous:
                yield MapError(f"{total} records, not {previous}", offset=start + 12)
            counts.append(total)

    def _free(self) -> Iterator[MapError]:
        number, offset = self._info.free, 28
        while 0 < number < len(self._kinds):
            go, found = self._named(number, offset, (INVALID,))
            yield from found
            if not go:
                return
            offset = number * self._size + 16
            number = self._pages.header(number * self._size)[2]
