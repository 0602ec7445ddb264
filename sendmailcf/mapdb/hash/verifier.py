"""Every structural fault of a hash file.

The one thing to know: this follows Berkeley DB's own verifier: first each page alone, then, if all of them can be
followed safely, what they say of each other.  Beyond that, it reports what the C library relies on and its verifier
passes over or only prints: the order of keys in a page, the field of the lowest offset, lengths of off-page items, and
pages with data that nothing leads to.
"""

from __future__ import annotations

import struct
from array import array

from ...errors import MapError
from ..base import MOST_FAULTS
from .hashing import LANE_BITS, hash_of, hashes_of
from .layout import (
    AT_FREE,
    AT_LAST_PAGE,
    AT_MAX_BUCKET,
    AT_META_FLAGS,
    AT_NELEM,
    AT_SPARES,
    AT_TYPE,
    DUPLICATES,
    DUPLICATES_2X,
    FREE,
    INLINE,
    INTERNAL,
    LEAF_DELETED,
    LEAF_INLINE,
    LEAF_OVERFLOW,
    META_SIZE,
    OFF_DUPLICATES,
    OFF_PAGE,
    OVERFLOW,
    PAGE_HEADER,
    RECNO_INTERNAL,
    RECNO_LEAF,
    SORTED,
    SORTED_DUPLICATES,
    UNSORTED,
    VERSION_2X,
    duplicates_of,
    header,
    page_order,
)
from .read import Reader, info_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, Optional, Tuple

    from ..base import Buffer
    from .read import Info

_HASH = (SORTED, UNSORTED)
_LEAVES = (RECNO_LEAF, SORTED_DUPLICATES, DUPLICATES_2X)
_INTERNALS = (RECNO_INTERNAL, INTERNAL)
_KNOWN = (*_HASH, *_INTERNALS, RECNO_LEAF, SORTED_DUPLICATES, OVERFLOW)
#: The bytes that the smallest item of a page takes, with its place in the index.
_SMALLEST = {SORTED: 3, UNSORTED: 3, RECNO_INTERNAL: 10, INTERNAL: 14, RECNO_LEAF: 6, SORTED_DUPLICATES: 6}
_BATCH = 8192


def verify(data: Buffer) -> List[MapError]:
    """The faults of a file, in the order in which they were found, the first 1000; none for a sound one."""
    try:
        info = info_of(data)
    except MapError as error:
        return [error]
    return _Verifier(data, info).run()


class _EnoughError(Exception):
    """As many faults as are told were found."""


class _Verifier:
    def __init__(self, data: Buffer, info: Info) -> None:
        self._data, self._info = data, info
        self._size = info.pagesize
        self._order = "<" if info.byteorder == "little" else ">"
        self._header = header(self._order)
        self._reader = Reader(info, self._page)
        self._faults: List[MapError] = []
        # Of each page: its type, how often it was met, and whether it is all zeros.
        self._types = bytearray(info.last_page + 1)
        self._met = bytearray(info.last_page + 1)
        self._zeros = bytearray(info.last_page + 1)
        self._keys: List[Tuple[int, int, bytes]] = []

    def run(self) -> List[MapError]:
        try:
            self._look()
        except _EnoughError:
            pass
        return self._faults

    def _look(self) -> None:
        self._meta()
        if not self._faults:
            for number in range(1, self._info.last_page + 1):
                self._alone(number)
        # What is damaged alone cannot be followed safely.
        if not self._faults:
            self._met[0] = 1
            for bucket in range(self._info.max_bucket + 1):
                self._bucket(bucket)
            self._hashes()
            self._unused_buckets()
            self._free_list()
        if not self._faults:
            self._unreferenced()

    def _say(self, message: str, number: int, offset: int = 0) -> None:
        # A page that is named and not there has no place but the end of the file.
        place = min(number * self._size + offset, len(self._data))
        self._faults.append(MapError(f"page {number}: {message}", offset=place))
        if len(self._faults) == MOST_FAULTS:
            raise _EnoughError

    def _page(self, number: int) -> bytes:
        return self._data[number * self._size : (number + 1) * self._size]

    def _meta(self) -> None:
        """The first page, beyond what `Info` refuses."""
        info, head = self._info, bytes(self._data[:META_SIZE])
        at_buckets = AT_MAX_BUCKET if info.version > VERSION_2X else 32
        if head[8:12] != bytes(4):
            self._say("its own number is not 0", 0, 8)
        if info.high_mask != (1 << info.max_bucket.bit_length()) - 1:
            self._say(
                f"mask {info.high_mask:#x} does not fit {info.max_bucket + 1} buckets", 0, at_buckets + 4
            )
        if info.nelem > 0x80000000:
            self._say(f"{info.nelem} elements are too many", 0, AT_NELEM)
        if info.version == VERSION_2X:
            return
        if head[AT_META_FLAGS] & ~7:
            self._say(f"unknown flags {head[AT_META_FLAGS]:#x}", 0, AT_META_FLAGS)
        if info.free > info.last_page:
            self._say(f"the list of free pages begins at page {info.free}, which is not there", 0, AT_FREE)
        if info.said_pages != info.last_page + 1:
            self._say(
                f"{info.said_pages} pages are said to be there, and {info.last_page + 1} are", 0, AT_LAST_PAGE
            )
        for doubling in range(32):
            if not info.spares[doubling]:
                break
            if info.page_of((1 << doubling) - 1) > info.last_page:
                self._say(f"doubling {doubling} does not lie in the file", 0, AT_SPARES + 4 * doubling)

    # Each page alone.

    def _alone(self, number: int) -> None:
        page = self._page(number)
        _, _, own, previous, following, count, low, level, kind = self._header.unpack_from(page)
        self._types[number] = kind
        if own == 0:
            # A bucket that nothing was ever put in: its page may be a hole in the file, and is taken for empty.
            self._types[number], self._zeros[number] = SORTED, not any(page)
            if count and kind in _KNOWN:
                self._say("it says that it is page 0: the library takes it for one never written", number, 8)
            return
        if own != number:
            self._say(f"it says that it is page {own}", number, 8)
        if kind == FREE:
            return
        if kind not in _KNOWN and not (kind == DUPLICATES_2X and self._info.version == VERSION_2X):
            self._say(f"a page of type {kind} does not belong in a hash file", number, AT_TYPE)
            return
        if kind not in _INTERNALS:
            if previous > self._info.last_page or previous == number:
                self._say(f"the previous page, {previous}, cannot be", number, 12)
            if following > self._info.last_page or following == number:
                self._say(f"the next page, {following}, cannot be", number, 16)
        if not (level > 1 if kind in _INTERNALS else level == (kind in (RECNO_LEAF, SORTED_DUPLICATES))):
            self._say(f"level {level} does not belong to type {kind}", number, 24)
        if _SMALLEST.get(kind, 0) * count // 2 > self._size:
            self._say(f"{count} items cannot be", number, 20)
        elif kind == OVERFLOW:
            if count < 1:
                self._say("a page of a large item is used by none", number, 20)
        elif kind in _HASH:
            self._hash_page(number, page, count, low)
        else:
            self._tree_page(number, page, count, low)

    def _index(self, number: int, page: bytes, count: int) -> Optional[Tuple[int, ...]]:
        if PAGE_HEADER + 2 * count > self._size:
            self._say(f"the places of {count} items do not fit", number, 20)
            return None
        return struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER)

    def _hash_page(self, number: int, page: bytes, count: int, low: int) -> None:
        offsets = self._index(number, page, count)
        if offsets is None:
            return
        if count % 2:
            self._say("a key has no value", number, 20)
            return
        above = self._size
        for at, offset in enumerate(offsets):
            if offset >= above or PAGE_HEADER + 2 * at >= above:
                self._say(f"item {at} is out of its place", number, PAGE_HEADER + 2 * at)
                return
            self._item(number, at, offset, page[offset:above])
            above = offset
        if above < PAGE_HEADER + 2 * count:
            self._say("the items run into their places", number, PAGE_HEADER)
        elif low != above & 0xFFFF:
            self._say(f"the lowest item is said to be at {low} and is at {above}", number, 22)

    def _item(self, number: int, at: int, offset: int, item: bytes) -> None:
        kind = item[0]
        if kind == INLINE:
            return
        if kind == DUPLICATES:
            if at % 2 == 0:
                self._say(f"key {at} is a set of duplicates", number, offset)
            elif not duplicates_of(item[1:], self._order):
                self._say(f"the lengths in the set of duplicates {at} do not add up", number, offset)
        elif kind == OFF_PAGE or (kind == OFF_DUPLICATES and at % 2):
            if len(item) != (12 if kind == OFF_PAGE else 8):
                self._say(f"item {at} has {len(item)} bytes for a place", number, offset)
            else:
                self._place(number, at, offset, struct.unpack_from(self._order + "I", item, 4)[0])
        else:
            self._say(f"item {at} is of type {kind}", number, offset)

    def _place(self, number: int, at: int, offset: int, target: int) -> None:
        if not 0 < target <= self._info.last_page or target == number:
            self._say(f"item {at} stands on page {target}, which cannot be", number, offset)

    def _tree_page(self, number: int, page: bytes, count: int, low: int) -> None:
        """A page of a tree of duplicates: its items fill it from their lowest to its end, in any order."""
        offsets = self._index(number, page, count)
        if offsets is None:
            return
        kind, items = page[AT_TYPE], []
        for at, offset in enumerate(offsets):
            if offset % 4 or not PAGE_HEADER + 2 * count <= offset <= self._size - 4:
                self._say(f"item {at} is out of its place", number, PAGE_HEADER + 2 * at)
                return
            if kind == RECNO_INTERNAL:
                length = 8
                if offset + length <= self._size:
                    self._place(number, at, offset, struct.unpack_from(self._order + "I", page, offset)[0])
            else:
                length = self._tree_item(number, at, offset, page)
            if not length:
                return
            items.append((offset, offset + length + 3 & ~3, at))
        below = items and min(items)[0]
        end = below or self._size
        for offset, after, at in sorted(items):
            if offset != end:
                self._say(f"item {at} overlaps another or leaves a gap", number, offset)
                return
            end = after
        if end != self._size:
            self._say("the items do not end where the page does", number, PAGE_HEADER)
        elif low != (below or self._size) & 0xFFFF:
            self._say(f"the lowest item is said to be at {low}", number, 22)

    def _tree_item(self, number: int, at: int, offset: int, page: bytes) -> int:
        """The length of an item of a tree in bytes; 0 for one that cannot be."""
        length, kind = struct.unpack_from(self._order + "HB", page, offset)
        plain = kind & ~LEAF_DELETED
        inside = page[AT_TYPE] == INTERNAL
        if plain == LEAF_INLINE or inside:
            length += 12 if inside else 3
            if offset + length <= self._size and (not kind & LEAF_DELETED or page[AT_TYPE] == RECNO_LEAF):
                return int(length)
        elif plain == LEAF_OVERFLOW and offset + 12 <= self._size:
            target, length = struct.unpack_from(self._order + "II", page, offset + 4)
            self._place(number, at, offset, target)
            if length <= self._size * self._info.last_page:
                return 12
        self._say(f"item {at} is of type {kind} and cannot be", number, offset)
        return 0

    # What pages say of each other.

    def _chain(
        self, number: int, kinds: Tuple[int, ...], other: str, again: str
    ) -> Iterator[Tuple[int, bytes, int, int]]:
        """The pages that follow each other from `number` on: number, bytes, count of items, lowest offset of each.

        other, again: what there is to say of a page that is of none of these kinds, or was met before.
        """
        before = 0
        while number:
            if number > self._info.last_page or self._types[number] not in kinds:
                self._say(other, number, AT_TYPE)
                return
            if self._met[number]:
                self._say(again, number)
                return
            self._met[number], self._zeros[number] = 1, 0
            page = self._page(number)
            _, _, own, previous, following, count, low, _, _ = self._header.unpack_from(page)
            if own == 0:
                previous = following = count = 0
            if previous != before:
                self._say(f"the previous page is said to be {previous} and is {before}", number, 12)
            yield number, page, count, low
            number, before = following, number

    def _bucket(self, bucket: int) -> None:
        leads = f"bucket {bucket} leads to it, and "
        other, again = leads + "it is no page of a bucket", leads + "so does something else"
        for number, page, count, _ in self._chain(self._info.page_of(bucket), _HASH, other, again):
            faults = len(self._faults)
            offsets = struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER)
            for at in range(count):
                self._children(number, self._reader.item(number, page, offsets, at), offsets[at])
            if len(self._faults) == faults:
                keys = [self._reader.key(number, page, offsets, at) for at in range(0, count, 2)]
                self._keys += [(bucket, number, key) for key in keys]
                if len(self._keys) >= _BATCH:
                    self._hashes()
                if page[AT_TYPE] == SORTED:
                    self._sorted(number, page, keys)

    def _sorted(self, number: int, page: bytes, keys: List[bytes]) -> None:
        # Among off-page keys the library's own order is another, and mixed with others it has none.
        if max(map(len, keys), default=0) > self._size // 4:
            return
        ordered = [page_order(key) for key in keys]
        for at in range(1, len(keys)):
            if ordered[at - 1] <= ordered[at]:
                same = keys[at - 1] == keys[at]
                what = "stands twice" if same else "is out of order: the library does not find it"
                self._say(f"key {2 * at} {what}", number, PAGE_HEADER + 4 * at)

    def _hashes(self) -> None:
        """Whether the keys gathered so far belong in their buckets."""
        info, keys = self._info, self._keys
        self._keys = []
        found = [key for _, _, key in keys]
        if info.high_mask >> LANE_BITS:
            hashes = array("I", map(hash_of, found))
        else:
            hashes = hashes_of(found, max(map(len, found), default=0))
        for h, (bucket, number, _) in zip(hashes, keys):
            own = h & info.high_mask
            if (own if own <= info.max_bucket else own & info.low_mask) != bucket:
                self._say(f"a key of bucket {own} stands in bucket {bucket}", number)

    def _children(self, number: int, item: bytes, offset: int) -> None:
        kind = item[0]
        if kind == OFF_PAGE:
            target, length = struct.unpack(self._order + "4xII", item)
            self._overflow(target, length)
        elif kind in (DUPLICATES, OFF_DUPLICATES) and not self._info.duplicates:
            self._say("several values for a key in a file that allows one", number, offset)
        elif kind == OFF_DUPLICATES:
            self._tree(struct.unpack(self._order + "4xI", item)[0])

    def _overflow(self, number: int, length: int) -> None:
        last, left, faults = 0, length, len(self._faults)
        other, again = "an item leads to it, and it holds no part of a large one", "two items share it"
        for last, _, _, size in self._chain(number, (OVERFLOW,), other, again):
            if size > self._size - PAGE_HEADER:
                self._say(f"{size} bytes of a large item do not fit", last, 22)
            left -= size
        if left and len(self._faults) == faults:
            self._say(f"a large item of {length} bytes has {length - left}", last, 22)

    def _tree(self, root: int) -> None:
        """A tree of duplicates, level by level; in version 5 a chain of pages."""
        if self._types[root] == DUPLICATES_2X:
            self._duplicates_2x(root)
            return
        level, height = [(root, -1)], -1
        while level:
            kind = self._types[level[0][0]]
            below: List[Tuple[int, int]] = []
            for at, (number, records) in enumerate(level):
                if self._types[number] != kind or kind not in (*_LEAVES, *_INTERNALS):
                    self._say("a set of duplicates leads to a page of another type", number, AT_TYPE)
                    return
                if self._met[number]:
                    self._say("two things lead to it", number)
                    return
                self._met[number] = 1
                page = self._page(number)
                _, _, _, previous, following, count, _, found, _ = self._header.unpack_from(page)
                if height not in (-1, found):
                    self._say(f"level {found} where level {height} belongs", number, 24)
                    return
                if kind in _LEAVES:
                    self._large_elements(page, count)
                    before = level[at - 1][0] if at else 0
                    after = level[at + 1][0] if at + 1 < len(level) else 0
                    if (previous, following) != (before, after):
                        self._say(f"its neighbours are pages {before} and {after}", number, 12)
                else:
                    under = self._under(page, count)
                    if any(not 0 < target <= self._info.last_page for target, _ in under):
                        self._say("a set of duplicates leads to a page that is not there", number)
                        return
                    below += under
                    count = sum(values for _, values in under)
                if records not in (-1, count):
                    self._say(f"{records} values are said to be there, and {count} are", number, 20)
            level, height = below, found - 1

    def _under(self, page: bytes, count: int) -> List[Tuple[int, int]]:
        """The pages below a page of a tree, and how many values each is said to have."""
        start = 0 if page[AT_TYPE] == RECNO_INTERNAL else 4
        offsets = struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER)
        return [struct.unpack_from(self._order + "II", page, offset + start) for offset in offsets]

    def _large_elements(self, page: bytes, count: int) -> None:
        for offset in struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER):
            if page[offset + 2] & ~LEAF_DELETED == LEAF_OVERFLOW:
                self._overflow(*struct.unpack_from(self._order + "II", page, offset + 4))

    def _duplicates_2x(self, number: int) -> None:
        other, again = "a set of duplicates leads to a page of another type", "two things lead to it"
        for _, page, count, _ in self._chain(number, (DUPLICATES_2X,), other, again):
            self._large_elements(page, count)

    def _unused_buckets(self) -> None:
        """Pages that are set aside for buckets to come."""
        info, bucket = self._info, self._info.max_bucket + 1
        if info.version == VERSION_2X:
            return
        while bucket.bit_length() < 32 and info.spares[bucket.bit_length()]:
            number = info.page_of(bucket)
            if number <= info.last_page and self._types[number] != FREE:
                self._zeros[number] = 0
                _, _, own, _, _, count, _, _, _ = self._header.unpack_from(self._page(number))
                count *= own > 0
                if self._types[number] not in _HASH or count or self._met[number]:
                    self._say(f"it is kept for bucket {bucket}, and used", number)
                    return
                self._met[number] = 1
            bucket += 1

    def _free_list(self) -> None:
        number = self._info.free
        while number:
            if number > self._info.last_page or self._met[number] or self._types[number] != FREE:
                self._say("it is in the list of free pages, and cannot be", number)
                return
            self._met[number] = 1
            number = self._header.unpack_from(self._page(number))[4]

    def _unreferenced(self) -> None:
        for number, kind in enumerate(self._types):
            _, _, own, _, _, count, _, _, _ = self._header.unpack_from(self._page(number))
            count *= own > 0
            if kind == OVERFLOW and count != self._met[number]:
                self._say(f"it counts {count} uses and has {self._met[number]}", number, 20)
            elif not self._met[number] and (kind not in (SORTED, FREE) or (kind == SORTED and count)):
                self._say("nothing leads to it", number)
            if self._zeros[number]:
                self._say("it is all zeros", number)
