"""Records sorted into 256 heaps by the lowest bits of their hashes, in memory or in a file.

The one thing to know: a heap is bytes, not objects: a million records cost little more than their text.  Beside each
record only 15 more bits of its hash are kept, which with the number of the heap say its bucket.
"""

from __future__ import annotations

import os
import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Container, Iterable, List, Optional, Sequence, Tuple

    Extents = List[Tuple[int, int, int]]  # descriptor, offset, length

HEAPS = 256
#: So many records are not worth the sorting, if they take no more than a sixteenth of the memory.
_FEW, _FEW_SHARE = 1 << 15, 16
_LOW = 0 if sys.byteorder == "little" else 3


class Heaps:
    """The heaps.

    memory: the bytes of records above which they are written to a file without a name in the directory `scratch`.
    """

    def __init__(self, memory: int, scratch: Optional[str]) -> None:
        self._memory, self._scratch = memory, scratch
        self._blobs: List[List[bytes]] = [[] for _ in range(HEAPS)]
        self._high = [array("H") for _ in range(HEAPS)]
        self._extents: List[List[Tuple[int, int]]] = [[] for _ in range(HEAPS)]
        # What other processes have of each heap: records that come before those here, and behind them.
        self._before: List[Extents] = [[] for _ in range(HEAPS)]
        self._after: List[Extents] = [[] for _ in range(HEAPS)]
        self._held = self._end = 0
        #: Of all records, in bytes.
        self.size = 0
        self._file: Optional[IO[bytes]] = None
        # The records as they came, and their hashes, until they are too many.
        self._few: Optional[List[bytes]] = []
        self._hashes = array("I")

    def add(self, records: Sequence[bytes], hashes: array[int]) -> bytes:
        """Add records without line feeds, and the lowest 23 bits of their hashes; gives the heap of each."""
        if self._few is None:
            self.size += self._sort(records, hashes)
        else:
            self._few += records
            self._hashes += hashes
            self.size += sum(map(len, records))
            if len(self._few) > _FEW or self.size > self._memory // _FEW_SHARE:
                self._sort_few()
        return hashes.tobytes()[_LOW::4]

    def few(self) -> Optional[Tuple[List[bytes], array[int]]]:
        """All records with their hashes, in the order in which they came, if they are not in heaps."""
        return None if self._few is None else (self._few, self._hashes)

    def _sort_few(self) -> None:
        few, self._few = self._few, None
        if few:
            self._sort(few, self._hashes)
            self._hashes = array("I")

    def _sort(self, records: Sequence[bytes], hashes: array[int]) -> int:
        """Put records into their heaps; their bytes."""
        raw = hashes.tobytes()
        low = raw[_LOW::4]
        middle = bytearray(2 * len(low))
        middle[0::2], middle[1::2] = raw[1::4], raw[2::4]
        high = array("H")
        high.frombytes(middle)
        heaps: List[List[bytes]] = [[] for _ in range(HEAPS)]
        held = 0
        # Both give None for each, so that `any` goes through all.
        any(map(list.append, map(heaps.__getitem__, low), records))
        any(map(array.append, map(self._high.__getitem__, low), high))
        for blobs, heap in zip(self._blobs, heaps):
            if heap:
                blob = b"\n".join(heap)
                held += len(blob) + 1
                blobs.append(blob)
        self._held += held
        if self._held > self._memory:
            self._spill(range(HEAPS))
        return held - len(records)

    def _spill(self, numbers: Iterable[int]) -> None:
        if self._file is None:
            import tempfile

            self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - close() closes it
        for number in numbers:
            if self._blobs[number]:
                piece = b"\n".join(self._blobs[number])
                self._blobs[number] = []
                self._extents[number].append((self._end, len(piece)))
                self._end += len(piece)
                self._file.write(piece)
        self._file.flush()
        self._held = 0

    def take(self, number: int) -> Tuple[List[bytes], array[int]]:
        """The records of a heap, in the order in which they came, with bits 8 to 22 of their hashes; once."""
        blobs = [os.pread(fd, length, at) for fd, at, length in self._before[number]]
        if self._file is not None:
            blobs += [os.pread(self._file.fileno(), length, at) for at, length in self._extents[number]]
        blobs += self._blobs[number]
        blobs += [os.pread(fd, length, at) for fd, at, length in self._after[number]]
        high = self._high[number]
        self._blobs[number], self._high[number] = [], array("H")
        return b"\n".join(blobs).split(b"\n") if high else [], high

    # Heaps shared by several processes.

    def use(self, file: IO[bytes], memory: int) -> None:
        """Write to this file, from now on; memory: the bytes to keep."""
        self._sort_few()
        self._file, self._memory = file, memory

    def give(self, mine: Container[int]) -> Tuple[List[List[Tuple[int, int]]], List[bytes]]:
        """Write all heaps but some to the file: where they are there, and the bits of hashes."""
        self._spill([number for number in range(HEAPS) if number not in mine])
        return self._extents, [high.tobytes() for high in self._high]

    def receive(
        self, given: Tuple[List[List[Tuple[int, int]]], List[bytes]], fd: int, *, after: bool
    ) -> None:
        """Take over what another process gave.  fd: of its file.  after: its records follow those that are here."""
        for number, (extents, raw) in enumerate(zip(*given)):
            (self._after if after else self._before)[number] += [(fd, at, length) for at, length in extents]
            high = array("H")
            high.frombytes(raw)
            self._high[number] = self._high[number] + high if after else high + self._high[number]

    def close(self) -> None:
        """Give up the file, if there is one."""
        if self._file is not None:
            self._file.close()
