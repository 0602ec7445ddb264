"""The source itself as a map, read at each lookup: sendmail's class `text`, for hosts without a database library.

The one thing to know: sendmail cuts a key and a value at 256 bytes, and without a delimiter a blank at the begin of a
line is the end of a first, empty column for every column but the first.  Facts from map.c and util.c of sendmail
8.17.1, asked of the real program.
"""

from __future__ import annotations

from itertools import islice

from ..errors import MapError
from .base import MOST_FAULTS, Collector, FileInfo, FileMap, filled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

    from .base import Buffer, Pair, Put

#: The bytes of a line that sendmail reads at once; what follows is a line of its own.
LINE_BYTES = 2047
#: The bytes of a key or value; the rest is cut off.
COLUMN_BYTES = 256
#: What a builder writes between key and value; in a K line, `-z\t`.
DELIMITER = b"\t"
_SPACE = b" \t\n\v\f\r"


class Builder(Collector):
    """Collects records, then writes them as lines of key, TAB and value: for a K line with `-k0 -v1 -z\\t`.

    replace: of equal keys the last wins, not the first.  Keys are equal without regard to case, as sendmail compares
    them.  `add` raises MapError for a record that such a line cannot hold.
    """

    def __init__(self, *, replace: bool = False, duplicates: bool = False) -> None:
        super().__init__(replace=replace)
        if duplicates:
            raise MapError("in a text map the first of several equal keys is found, and no other")

    def add(self, keys: Sequence[bytes], values: Sequence[bytes], lines: Sequence[int] = ()) -> None:
        """Add records.  Raises MapError, with the line, for one that cannot be told from others in a text file."""
        lines = lines or range(len(self._keys) + 1, len(self._keys) + len(keys) + 1)
        for key, value, line in zip(keys, values, lines):
            if not key or key[:1] == b"#":
                raise MapError("a key of a text map is not empty, and does not begin with #", line=line)
            for what, column in (("key", key), ("value", value)):
                if len(column) > COLUMN_BYTES:
                    raise MapError(f"a {what} of a text map has at most {COLUMN_BYTES} bytes", line=line)
                if any(byte in column for byte in b"\t\n\0"):
                    raise MapError(f"a {what} of a text map holds no TAB, line feed or NUL", line=line)
        super().add(keys, values, lines)

    @staticmethod
    def _same(key: bytes) -> bytes:
        return key.lower()

    def _lay(self, put: Put) -> Tuple[int, bytes]:
        # There is no head that marks a file as whole: all of it is the head.
        image = b"".join([b"%s\t%s\n" % pair for pair in self._kept()])
        return len(image), image


def build(pairs: Iterable[Pair]) -> bytes:
    """The bytes of a text map with these pairs.  Raises MapError for a key that stands twice."""
    return filled(Builder(), pairs)


class Info(FileInfo):
    """How a text map is read.

    format: `text`.  key_column, value_column: numbers of columns, from 0 (-k, -v).  delimiter: one byte that ends a
    column, or empty for blanks (-z).
    """

    format = "text"
    byteorder = ""
    version = 0
    pagesize = 0

    def __init__(self, key_column: int, value_column: int, delimiter: bytes) -> None:
        self.key_column, self.value_column, self.delimiter = key_column, value_column, delimiter


class TextMap(FileMap):
    """A text file as a map, read-only: the first line whose key column is the key, without regard to case.

    key_column, value_column: numbers of columns, from 0.  delimiter: one byte, or empty for any blanks.  Raises
    MapError for other arguments.
    """

    info: Info

    def __init__(
        self, data: Buffer, *, key_column: int = 0, value_column: int = 1, delimiter: bytes = DELIMITER
    ) -> None:
        super().__init__(data)
        if key_column < 0 or value_column < 0:
            raise MapError("columns are counted from 0")
        if len(delimiter) > 1:
            raise MapError("a delimiter is one byte, or none")
        self.info = Info(key_column, value_column, delimiter)

    def __repr__(self) -> str:
        return f"<TextMap, {self._size} bytes>"

    def pairs(self) -> Iterator[Pair]:
        """The pair of every line that has both columns, in the order of lines."""
        for _, line in self._lines():
            key, value = self._column(line, self.info.key_column), self._column(line, self.info.value_column)
            if key is not None and value is not None:
                yield key[:COLUMN_BYTES], value[:COLUMN_BYTES]

    def _lines(self) -> Iterator[Tuple[int, bytes]]:
        """Where each line begins that is no comment, and its bytes, as sendmail reads them."""
        at = 0
        while at < self._size:
            end = self._data.find(b"\n", at, at + LINE_BYTES)
            after = end + 1 if end >= 0 else min(at + LINE_BYTES, self._size)
            line = self._data[at : end if end >= 0 else after]
            if line[:1] != b"#":
                yield at, line.split(b"\0", 1)[0]
            at = after

    def _column(self, line: bytes, number: int) -> Optional[bytes]:
        """One column of a line, uncut, or None where the line has no such column."""
        delimiter = self.info.delimiter
        if not line or (number == 0 and delimiter and line[:1] == delimiter):
            return None
        at = 0
        if not delimiter and number == 0:
            at = _skip(line, at)
        for _ in range(number):
            at = _next(line, at, delimiter)
            if at < 0:
                return None
            at += 1
            if not delimiter:
                at = _skip(line, at)
        end = _next(line, at, delimiter)
        return line[at : end if end >= 0 else len(line)]

    def _find(self, key: bytes) -> Optional[bytes]:
        wanted = key[:COLUMN_BYTES].lower()
        for _, line in self._lines():
            column = self._column(line, self.info.key_column)
            if column is not None and column[:COLUMN_BYTES].lower() == wanted:
                value = self._column(line, self.info.value_column)
                return None if value is None else value[:COLUMN_BYTES]
        return None

    def verify(self) -> List[MapError]:
        """What sendmail reads otherwise than it stands there, the first 1000: NULs, and what is cut off."""
        return list(islice(self._faults(), MOST_FAULTS))

    def _faults(self) -> Iterator[MapError]:
        for at, line in self._lines():
            if len(line) == LINE_BYTES and self._data[at + LINE_BYTES : at + LINE_BYTES + 1] not in (
                b"",
                b"\n",
            ):
                yield MapError(f"a line of more than {LINE_BYTES} bytes", offset=at)
            if self._data[at + len(line) : at + len(line) + 1] == b"\0":
                yield MapError("a NUL ends the line for sendmail", offset=at + len(line))
            for number in (self.info.key_column, self.info.value_column):
                if len(self._column(line, number) or b"") > COLUMN_BYTES:
                    yield MapError(f"a column of more than {COLUMN_BYTES} bytes", offset=at)


def _skip(line: bytes, at: int) -> int:
    while at < len(line) and line[at] in _SPACE:
        at += 1
    return at


def _next(line: bytes, at: int, delimiter: bytes) -> int:
    """Where the next delimiter stands from `at` on, or -1."""
    if delimiter:
        return line.find(delimiter, at)
    return min(
        (found for found in (line.find(blank, at) for blank in (b" ", b"\t")) if found >= 0), default=-1
    )
