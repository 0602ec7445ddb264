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
    from typing import IO, List, Optional, Sequence, Tuple

PARTITIONS = 256
_LOW = 0 if sys.byteorder == "little" else 3


class Partitions:
    """The heaps.

    memory: the bytes of records above which they are written to a file without a name in the directory `scratch`.
    """

    def __init__(self, memory: int, scratch: Optional[str]) -> None:
        self._memory, self._scratch = memory, scratch
        self._blobs: List[List[bytes]] = [[] for _ in range(PARTITIONS)]
        self._high = [array("H") for _ in range(PARTITIONS)]
        self._extents: List[List[Tuple[int, int]]] = [[] for _ in range(PARTITIONS)]
        self._held = self._end = 0
        #: Of all records, in bytes.
        self.size = 0
        self._file: Optional[IO[bytes]] = None

    def add(self, records: Sequence[bytes], hashes: array[int]) -> bytes:
        """Add records without line feeds, and the lowest 23 bits of their hashes; gives the heap of each."""
        raw = hashes.tobytes()
        low = raw[_LOW::4]
        middle = bytearray(2 * len(low))
        middle[0::2], middle[1::2] = raw[1::4], raw[2::4]
        high = array("H")
        high.frombytes(middle)
        heaps: List[List[bytes]] = [[] for _ in range(PARTITIONS)]
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
        self.size += held - len(records)
        if self._held > self._memory:
            self._spill()
        return low

    def _spill(self) -> None:
        if self._file is None:
            import tempfile

            self._file = tempfile.TemporaryFile(dir=self._scratch)  # noqa: SIM115 - close() closes it
        pieces = []
        for extents, blobs in zip(self._extents, self._blobs):
            if blobs:
                piece = b"\n".join(blobs)
                extents.append((self._end, len(piece)))
                self._end += len(piece)
                pieces.append(piece)
                blobs.clear()
        self._file.writelines(pieces)
        self._file.flush()
        self._held = 0

    def take(self, number: int) -> Tuple[List[bytes], array[int]]:
        """The records of a heap, in the order in which they came, with bits 8 to 22 of their hashes; once."""
        blobs: List[bytes] = []
        if self._file is not None:
            blobs += [os.pread(self._file.fileno(), length, at) for at, length in self._extents[number]]
        blobs += self._blobs[number]
        high = self._high[number]
        self._blobs[number], self._high[number] = [], array("H")
        return b"\n".join(blobs).split(b"\n") if high else [], high

    def close(self) -> None:
        """Give up the file, if there is one."""
        if self._file is not None:
            self._file.close()
