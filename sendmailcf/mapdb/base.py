"""What the map formats have in common: a read-only mapping over the bytes of a file, and records waiting to be written.

The one thing to know: a file's first bytes are written last, so that a file which was not finished is recognised by
nobody.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import ItemsView, Mapping

from ..errors import MapError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import mmap
    from types import TracebackType
    from typing import Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Type, Union

    Buffer = Union[bytes, mmap.mmap]
    Put = Callable[[int, bytes], object]
    Pair = Tuple[bytes, bytes]


#: Of a damaged file no more faults are told: a list of them must not be larger than the file.
MOST_FAULTS = 1000


class FileInfo:
    """What the first bytes of a map file say.

    format: a name of `mapdb.FORMATS`.  version: of the format, 0 where it has none.  byteorder: little or big.
    pagesize: bytes, 0 where the format has no pages.
    """

    __slots__ = ()

    format: str
    version: int
    byteorder: str
    pagesize: int


class _Items(ItemsView[bytes, bytes]):
    """Every pair of a file, those of a key with several values included."""

    _mapping: FileMap

    def __iter__(self) -> Iterator[Pair]:
        return self._mapping.pairs()


class FileMap(Mapping[bytes, bytes]):
    """A map file, read-only: a mapping of keys to values, both bytes.

    data: the whole file, or a memory mapping of it.  Where a key has several values, `get` gives the first and
    iteration gives all.  Whatever stands in the file, reading ends with a result or with MapError, which names the
    offset in bytes.
    """

    info: FileInfo

    def __init__(self, data: Buffer) -> None:
        self._data = data
        self._size = len(data)

    @abstractmethod
    def pairs(self) -> Iterator[Pair]:
        """Every pair, in the file's own order: that of `makemap -u`.  Raises MapError."""

    @abstractmethod
    def verify(self) -> List[MapError]:
        """Every fault of the structure, with its offset in bytes, the first 1000; none in a sound file."""

    @abstractmethod
    def _find(self, key: bytes) -> Optional[bytes]:
        """The first value of a key, or None."""

    def items(self) -> ItemsView[bytes, bytes]:
        """Every pair, as `pairs` gives them."""
        return _Items(self)

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _ in self.pairs())

    def __len__(self) -> int:
        return sum(1 for _ in self.pairs())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self._find(key) is not None

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def close(self) -> None:
        """Give the memory mapping back; nothing can be read any more."""
        if not isinstance(self._data, bytes):
            self._data.close()

    def __enter__(self) -> FileMap:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()


class Collector(ABC):
    """Records in the order they came, written as one file when all are there.

    replace: of equal keys the last one counts, not the first.  duplicates: all of them are kept.
    """

    def __init__(self, *, replace: bool = False, duplicates: bool = False) -> None:
        self._replace, self._keeps_all = replace, duplicates
        self._keys: List[bytes] = []
        self._values: List[bytes] = []
        self._lines: List[int] = []
        self._left_out: List[Tuple[int, bytes]] = []

    def add(self, keys: Sequence[bytes], values: Sequence[bytes], lines: Sequence[int] = ()) -> None:
        """Add records.  lines: where they come from, for the report of duplicates; counted on if not given."""
        self._lines += lines or range(len(self._keys), len(self._keys) + len(keys))
        self._keys += keys
        self._values += values

    @property
    def duplicates(self) -> List[Tuple[int, bytes]]:
        """After writing: the line and key of each record left out, by line."""
        return sorted(self._left_out)

    def write(self, fd: int) -> List[Tuple[int, bytes]]:
        """Write the file to a new, empty file descriptor; the records left out, by line: key seen before.

        Raises OSError, and MapError for what the format cannot hold.
        """
        size, head = self._lay(lambda at, data: write_at(fd, at, data))
        os.ftruncate(fd, size)
        write_at(fd, 0, head)
        return self.duplicates

    def image(self) -> bytes:
        """The bytes of the file.  Raises MapError for what the format cannot hold."""
        parts: Dict[int, bytes] = {}
        size, head = self._lay(parts.__setitem__)
        image = bytearray(size)
        parts[0] = head
        for at, data in parts.items():
            image[at : at + len(data)] = data
        return bytes(image)

    @abstractmethod
    def _lay(self, put: Put) -> Tuple[int, bytes]:
        """Put all but the head of the file in place; its size in bytes, and the head."""

    @staticmethod
    def _same(key: bytes) -> bytes:
        """What is the same of keys that are taken for equal."""
        return key

    def _kept(self) -> List[Pair]:
        """The records that are stored, in order."""
        pairs = list(zip(self._keys, self._values))
        if self._keeps_all:
            return pairs
        kept: Dict[bytes, Pair] = {}
        self._left_out = []
        for line, pair in zip(self._lines, pairs):
            same = self._same(pair[0])
            if same not in kept:
                kept[same] = pair
            elif self._replace:
                # A writer that replaces takes the old record out and puts the new one at the end.
                del kept[same]
                kept[same] = pair
            else:
                self._left_out.append((line, pair[0]))
        return list(kept.values())


def filled(builder: Collector, pairs: Iterable[Pair]) -> bytes:
    """The file of these pairs.  Raises MapError for a key that stands twice where the builder keeps one."""
    keys, values = [], []
    for key, value in pairs:
        keys.append(key)
        values.append(value)
    builder.add(keys, values)
    image = builder.image()
    if builder.duplicates:
        raise MapError(f"{len(builder.duplicates)} keys stand more than once")
    return image


def write_at(fd: int, at: int, data: bytes) -> None:
    """Write all of `data` at an offset in bytes.  Raises OSError."""
    view = memoryview(data)
    while view:
        done = os.pwrite(fd, view, at)
        view, at = view[done:], at + done
