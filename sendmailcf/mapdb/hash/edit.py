"""One key of a hash file changed in place, without rewriting the file.

The one thing to know: a change is either in the file whole or not at all, whenever the machine stops.  The pages that
are about to be overwritten are first put behind the end of the file, as they are and as they will be, and reach the
disk; then they are overwritten, the first page last, and reach the disk; then the file is cut back.  So:

- pages behind the end that were not finished mean that nothing was overwritten yet: they are cut off;
- finished ones mean that some pages may be new and some old, even half a page: reading refuses such a file, and the
  next change first writes the new ones again.  But where a part of a page is neither as it was nor as it should be,
  another program went on with the file in between, and it has to be rebuilt.

Programs that use the C library do not see pages behind the end.
"""

from __future__ import annotations

import os
import struct
from zlib import crc32

from ...errors import MapError
from .layout import (
    AT_FLAGS,
    AT_FREE,
    AT_LAST_PAGE,
    AT_NELEM,
    AT_TYPE,
    FREE,
    INTERNAL,
    JOURNAL,
    JOURNAL_TAIL,
    LEAF_DELETED,
    LEAF_OVERFLOW,
    META_SIZE,
    OFF_DUPLICATES,
    OFF_PAGE,
    PAGE_HEADER,
    RECNO_INTERNAL,
    SORTED,
    header,
    page_order,
)
from .pages import Maker
from .read import Info, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Set, Tuple

    Place = Tuple[int, bytes, Tuple[int, ...], int]  # page number, page, offsets, index of the key

#: What a disk writes whole, in bytes.
_SECTOR = 512
_sync = getattr(os, "fdatasync", os.fsync)


class Editor:
    """Changes single keys of a hash file of versions 8 to 10.

    fd: a descriptor, open for reading and writing; whoever calls holds the lock that sendmail takes, for as long as
    the Editor is used.  A change that was interrupted is completed first.  Raises MapError for a file that is damaged,
    or of another version (rebuild it), and OSError.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        _repair(fd)
        _Change(fd)

    def get(self, key: bytes) -> Optional[bytes]:
        """The value of a key, the first of several; or None."""
        change = _Change(self._fd)
        place = change.find(key)
        return next(iter(change.values(place))) if place else None

    def put(self, key: bytes, value: bytes, *, replace: bool = True) -> bool:
        """Store a value; where keys may have several, beside the others.

        replace: whether the value of a key that is there is replaced.  False is returned if that would have been
        needed and was not allowed; then nothing was written.
        """
        change = _Change(self._fd)
        place = change.find(key)
        if place is None:
            change.insert(key, [value])
        elif change.info.duplicates:
            change.replace(place, key, [*change.values(place), value])
        elif replace:
            change.replace(place, key, [value])
        else:
            return False
        change.commit()
        return True

    def remove(self, key: bytes) -> bool:
        """Remove a key with all its values; whether it was there."""
        change = _Change(self._fd)
        place = change.find(key)
        if place is None:
            return False
        change.remove(place)
        change.commit()
        return True


class _Change:
    """The pages that one change makes, before anything is written."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        head, size = os.pread(fd, META_SIZE, 0), os.fstat(fd).st_size
        self.info = info = Info(head, size)
        self._order = "<" if info.byteorder == "little" else ">"
        if info.version < 8:
            raise MapError(
                f"a file of version {info.version} cannot be changed in place: rebuild it", offset=16
            )
        if struct.unpack_from(self._order + "I", head, AT_FLAGS)[0] & 4:
            raise MapError(
                "sorted duplicates cannot be changed in place; sendmail makes none", offset=AT_FLAGS
            )
        if info.said_pages != info.last_page + 1:
            raise MapError("there are more pages than the file says: rebuild it", offset=AT_LAST_PAGE)
        self._header = header(self._order)
        self._old: Dict[int, bytes] = {}
        self._new: Dict[int, bytes] = {}
        self._taken: Set[int] = set()
        #: Pages that become free.  They are not used again in the same change: until it is done, something leads there.
        self._released: List[int] = []
        self._elements, self._free, self._pages = 0, info.free, info.said_pages
        self._reader = Reader(info, self._page)
        self._maker = Maker(self._order, info.pagesize, info.version, self._allocate, self._new.__setitem__)

    def _page(self, number: int) -> bytes:
        return self._new[number] if number in self._new else self._before(number)

    def _before(self, number: int) -> bytes:
        """A page as it stands in the file; zeros for one behind its end."""
        size = self.info.pagesize
        if number >= self.info.said_pages:
            return bytes(size)
        if number not in self._old:
            page = os.pread(self._fd, size, number * size)
            if len(page) != size:
                raise MapError(f"page {number} cannot be read whole", offset=number * size)
            self._old[number] = page
        return self._old[number]

    def _allocate(self) -> int:
        number = self._free
        if number:
            page = self._reader.page(number)
            if page[AT_TYPE] != FREE or number in self._taken:
                place = number * self.info.pagesize
                raise MapError("the list of free pages leads to a page in use", offset=place)
            (self._free,) = struct.unpack_from(self._order + "I", page, 16)
        else:
            number = self._pages
            self._pages += 1
        self._taken.add(number)
        return number

    def find(self, key: bytes) -> Optional[Place]:
        """Where a key stands."""
        for number, page, offsets in self._reader.chain(self._reader.bucket(key)):
            for at in range(0, len(offsets), 2):
                if self._reader.key(number, page, offsets, at) == key:
                    return number, page, offsets, at
        return None

    def values(self, place: Place) -> List[bytes]:
        """The values of a key that was found."""
        number, page, offsets, at = place
        return list(self._reader.values(number, page, offsets, at + 1))

    def _items(self, number: int) -> List[bytes]:
        page = self._page(number)
        count = self._header.unpack_from(page)[5]
        offsets = struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER)
        return [self._reader.item(number, page, offsets, at) for at in range(count)]

    def _write(self, number: int, items: List[bytes], links: Tuple[int, int]) -> None:
        self._new[number] = self._maker.hash_page(number, items, *links, self._page(number)[AT_TYPE])

    def _links(self, number: int) -> Tuple[int, int]:
        _, _, _, previous, following, _, _, _, _ = self._header.unpack_from(self._page(number))
        return previous, following

    def _fits(self, items: List[bytes]) -> bool:
        return PAGE_HEADER + sum(map(len, items)) + 2 * len(items) <= self.info.pagesize

    def _value(self, key_item: bytes, values: List[bytes]) -> bytes:
        return self._maker.values(values, self.info.pagesize - PAGE_HEADER - 4 - len(key_item))

    def insert(self, key: bytes, values: List[bytes]) -> None:
        """Put a new key with its values in its bucket."""
        item = self._maker.item(key)
        self._elements += 1
        self._place(key, [item, self._value(item, values)])

    def _place(self, key: bytes, pair: List[bytes]) -> None:
        """On the first page of the bucket with room, or on a new one at its end."""
        bucket = self._reader.bucket(key)
        number = self.info.page_of(bucket)
        pages = [number for number, _, _ in self._reader.chain(bucket)]
        if not pages:  # a hole: its type is 0, and it gets that of the version
            self._write(number, pair, (0, 0))
            return
        for number in pages:
            items = self._items(number)
            if self._fits(items + pair):
                at = self._position(number, key)
                self._write(number, items[:at] + pair + items[at:], self._links(number))
                return
        added = self._allocate()
        self._new[added] = self._maker.hash_page(added, pair, number)
        self._link(number, following=added)

    def _position(self, number: int, key: bytes) -> int:
        """Where in a page the items of a key belong: in order, or at the end of an unsorted page."""
        page = self._page(number)
        count = self._header.unpack_from(page)[5]
        if page[AT_TYPE] != SORTED:
            return int(count)
        offsets = struct.unpack_from(f"{self._order}{count}H", page, PAGE_HEADER)
        order = page_order(key)
        for at in range(0, count, 2):
            if page_order(self._reader.key(number, page, offsets, at)) < order:
                return at
        return int(count)

    def replace(self, place: Place, key: bytes, values: List[bytes]) -> None:
        """Give a key other values."""
        number, _, _, at = place
        items = self._items(number)
        self._release_item(items[at + 1])
        pair = [items[at], self._value(items[at], values)]
        items[at : at + 2] = pair
        if self._fits(items):
            self._write(number, items, self._links(number))
            return
        del items[at : at + 2]
        self._shorten(number, items)
        self._place(key, pair)

    def remove(self, place: Place) -> None:
        """Take a key and its values out of its bucket."""
        number, _, _, at = place
        items = self._items(number)
        for item in items[at : at + 2]:
            self._release_item(item)
        del items[at : at + 2]
        self._elements -= 1
        self._shorten(number, items)

    def _shorten(self, number: int, items: List[bytes]) -> None:
        """Write a page that lost a pair; an empty one leaves the chain, if another can take its part."""
        previous, following = self._links(number)
        if items or not (previous or following):
            self._write(number, items, (previous, following))
        elif previous:
            self._link(previous, following=following)
            if following:
                self._link(following, previous=previous)
            self._released.append(number)
        else:
            after = self._links(following)[1]
            # The page moves as it is, an unsorted one, too.
            page = self._page(following)
            links = struct.pack(self._order + "III", number, 0, after)
            self._new[number] = page[:8] + links + page[20:]
            if after:
                self._link(after, previous=number)
            self._released.append(following)

    def _link(self, number: int, *, previous: Optional[int] = None, following: Optional[int] = None) -> None:
        """Change the neighbours of a page."""
        page = bytearray(self._page(number))
        if previous is not None:
            struct.pack_into(self._order + "I", page, 12, previous)
        if following is not None:
            struct.pack_into(self._order + "I", page, 16, following)
        self._new[number] = bytes(page)

    def _release_item(self, item: bytes) -> None:
        """Free the pages of an item of a bucket's page."""
        if item[0] == OFF_PAGE:
            self._release_large(*struct.unpack(self._order + "4xII", item))
        elif item[0] == OFF_DUPLICATES:
            self._release_tree(struct.unpack(self._order + "4xI", item)[0])

    def _release_large(self, first: int, length: int) -> None:
        for number in [number for number, _ in self._reader.pieces(first, length, 0)]:
            self._released.append(number)

    def _release_tree(self, root: int) -> None:
        todo, found = [root], 0
        while todo:
            number, found = todo.pop(), found + 1
            if found > self.info.last_page:
                raise MapError(
                    "the pages of a set of duplicates form a circle", offset=number * self.info.pagesize
                )
            kind, _, items = self._reader.tree_page(number)
            if kind == INTERNAL:
                raise MapError("a set of sorted duplicates", offset=number * self.info.pagesize)
            for _, item in items:
                if kind == RECNO_INTERNAL:
                    todo.append(struct.unpack_from(self._order + "I", item)[0])
                elif item[2] & ~LEAF_DELETED == LEAF_OVERFLOW:
                    self._release_large(*struct.unpack_from(self._order + "II", item, 4))
            self._released.append(number)

    # Writing.

    def commit(self) -> None:
        """Write what was changed."""
        size = self.info.pagesize
        for number in self._released:
            free = self._header.pack(0, 1, number, 0, self._free, 0, size & 0xFFFF, 0, FREE)
            self._new[number], self._free = free.ljust(size, b"\0"), number
        head = bytearray(self._page(0))
        elements = min(max(0, self.info.nelem + self._elements), 0xFFFFFFFF)
        struct.pack_into(self._order + "I", head, AT_NELEM, elements)
        struct.pack_into(self._order + "I", head, AT_FREE, self._free)
        struct.pack_into(self._order + "I", head, AT_LAST_PAGE, self._pages - 1)
        self._new[0] = bytes(head)
        # What leads to others is written after them, and before what it no longer leads to.
        released = set(self._released)
        ranks = {
            number: 0 if number in self._taken else 2 if number in released else 1 for number in self._new
        }
        ranks[0] = 3
        numbers = sorted(self._new, key=lambda number: (ranks[number], number))
        pages = [(number, self._before(number), self._new[number]) for number in numbers]
        pages = [(number, old, new) for number, old, new in pages if old != new]
        if pages:
            _write(self._fd, _journal(pages, self._pages, size), self._pages * size)
            _sync(self._fd)
            _apply(self._fd, pages, self._pages, size)


def _write(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done


def _apply(fd: int, pages: List[Tuple[int, bytes, bytes]], total: int, size: int) -> None:
    for number, _, new in pages:
        _write(fd, new, number * size)
    _sync(fd)
    os.ftruncate(fd, total * size)


def _journal(pages: List[Tuple[int, bytes, bytes]], total: int, size: int) -> bytes:
    """What is put behind the end of a file of `total` pages: a list of pages, each as it was and as it will be."""
    table = struct.pack(f">{len(pages)}I", *(number for number, _, _ in pages))
    table = (JOURNAL + table).ljust(-(-(len(JOURNAL) + len(table)) // size) * size, b"\0")
    body = table + b"".join(old + new for _, old, new in pages)
    tail = JOURNAL + struct.pack(">III", total, len(pages), crc32(body))
    return body + tail.ljust(JOURNAL_TAIL, b"\0").rjust(size, b"\0")


def _repair(fd: int) -> None:
    """Complete a change that was interrupted, or cut off one that had not begun."""
    size = os.fstat(fd).st_size
    info = Info(os.pread(fd, META_SIZE, 0), size)
    page, end = info.pagesize, info.said_pages * info.pagesize
    if size <= end:
        return
    tail = os.pread(fd, JOURNAL_TAIL, size - JOURNAL_TAIL)
    if tail[: len(JOURNAL)] == JOURNAL:
        total, count, check = struct.unpack_from(">III", tail, len(JOURNAL))
        body = os.pread(fd, max(0, size - page - total * page), total * page)
        length = len(body) - 2 * count * page
        if crc32(body) == check and length >= len(JOURNAL) + 4 * count:
            numbers = struct.unpack_from(f">{count}I", body, len(JOURNAL))
            images = [body[at : at + page] for at in range(length, len(body), page)]
            if max(numbers, default=0) >= total:
                raise MapError("an interrupted change that cannot be", offset=size - JOURNAL_TAIL)
            pages = list(zip(numbers, images[::2], images[1::2]))
            for number, old, new in pages:
                _check_sectors(number, os.pread(fd, page, number * page), old, new)
            _apply(fd, pages, total, page)
            return
    # A journal that was not finished: a hole, perhaps, and its beginning, perhaps.
    at = end
    while at < size:
        found = os.pread(fd, page, at)
        if found.startswith(JOURNAL):
            break
        if any(found):
            raise MapError("there are more pages than the file says: rebuild it", offset=at)
        at += page
    os.ftruncate(fd, end)


def _check_sectors(number: int, found: bytes, old: bytes, new: bytes) -> None:
    for at in range(0, len(old), _SECTOR):
        part = slice(at, at + _SECTOR)
        if found[part] not in (old[part], new[part]):
            offset = number * len(old) + at
            raise MapError(
                "changed by another program after a change was interrupted: rebuild it", offset=offset
            )
