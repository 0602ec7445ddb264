"""Map database files, one module for each format: pairs to bytes and back.

The one thing to know: a format is recognised by the bytes of a file, never by its name; but for the two files of an
ndbm database, which have nothing else to be known by, and cannot be read yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import MapError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Dict, Iterator, Optional, Tuple, Union

    from .base import Collector, FileMap
    from .hash import Builder as HashBuilder

    AnyMap = FileMap

__all__ = ["FORMATS", "kind", "load", "open", "rebuilt"]

_read = open
#: Bytes of a file by which its format is known.
HEAD_BYTES = 2048
#: The class of each format's maps.
_CLASSES = {
    "hash": "HashMap",
    "hash185": "Hash185Map",
    "btree": "BtreeMap",
    "cdb": "CdbMap",
    "text": "TextMap",
}
#: At byte 12 of a file of Berkeley DB since 2.x, in its byte order.
_FAMILY = {0x00061561: "hash", 0x00053162: "btree", 0x00042253: "queue", 0x00074582: "heap"}
_QUEUE_HEAP = {"queue": "a Berkeley DB queue", "heap": "a Berkeley DB heap"}
#: Other files that are taken for maps: where what stands, in either byte order where it is a number.
_FOREIGN = (
    (0, b"\x00\x05\x31\x62", "a Berkeley DB 1.85 btree"),
    (0, b"\x13\x57\x9a\xcd", "a gdbm database"),
    (0, b"\x13\x57\x9a\xce", "a gdbm database"),
    (0, b"\x13\x57\x9a\xcf", "a gdbm database"),
    (0, b"\x13\x57\x9a\xd0", "a gdbm database"),
    (0, b"\x13\x57\x9a\xd1", "a gdbm database"),
    (12, b"\x00\x04\x09\x88", "a log of Berkeley DB"),
    (0, b"SQLite format 3\0", "an SQLite database"),
    (16, b"\xbe\xef\xc0\xde", "an LMDB database"),
)


class _Formats(Mapping[str, "ModuleType"]):
    """The module of each format by its name, imported when it is asked for."""

    def __getitem__(self, name: str) -> ModuleType:
        if name not in _CLASSES:
            raise KeyError(name)
        return __import__(f"{__name__}.{name}", fromlist=["Builder"])

    def __iter__(self) -> Iterator[str]:
        return iter(_CLASSES)

    def __len__(self) -> int:
        return len(_CLASSES)


FORMATS = _Formats()


def kind(head: bytes) -> Tuple[str, int, str]:
    """Format, version and byte order of a file that begins with these bytes: 2048 of them, or all there are.

    The version is that of the format: 2 of hash185, 0 of cdb, which has none.  A text map has no mark at all and is
    never found.  Raises MapError for a file that is no database, or one that sendmail does not use.
    """
    if len(head) == 0:
        raise MapError("the file is empty: no database", offset=0)
    if len(head) < 512:
        raise MapError(f"truncated: {len(head)} bytes are too few for a database", offset=len(head))
    for byteorder in ("little", "big"):
        magic = int.from_bytes(head[12:16], byteorder)
        version = int.from_bytes(head[16:20], byteorder)
        # A number of slots in a cdb file may look like a magic number; the place after it is no version.
        if magic in _FAMILY and version < HEAD_BYTES:
            name = _FAMILY[magic]
            if name in _QUEUE_HEAP:
                raise MapError(f"{_QUEUE_HEAP[name]} file, which sendmail does not use", offset=12)
            return name, version, byteorder
    if head[:4] == b"\x00\x06\x15\x61":
        order = {1234: "little", 4321: "big"}.get(int.from_bytes(head[8:12], "big"))
        if order is None:
            raise MapError("a Berkeley DB 1.85 hash file of no byte order", offset=8)
        return "hash185", int.from_bytes(head[4:8], "big"), order
    for at, mark, what in _FOREIGN:
        if head[at : at + len(mark)] in (mark, mark[::-1]):
            raise MapError(f"{what}, which cannot be read", offset=at)
    from .cdb import recognised

    if recognised(head):
        return "cdb", 0, "little"
    raise MapError("no database that sendmail uses: its magic number is not there", offset=12)


def load(data: bytes) -> FileMap:
    """The map whose file has these bytes, of any format but text.

    Raises MapError for a file that is no database, or is damaged at its begin.
    """
    name = kind(data[:HEAD_BYTES])[0]
    return getattr(FORMATS[name], _CLASSES[name])(data)  # type: ignore[no-any-return]


def open(path: Union[str, bytes]) -> FileMap:
    """The map in a file, read through a memory mapping.  Raises OSError, and MapError as `load` does."""
    import mmap
    from os import fsencode

    with _read(path, "rb") as file:
        head = file.read(HEAD_BYTES)
        if fsencode(path).endswith((b".pag", b".dir")):
            raise MapError("a file of an ndbm database, a format that is not supported yet")
        kind(head)
        return load(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))  # type: ignore[arg-type]


def rebuilt(
    found: FileMap, builder: Union[Collector, HashBuilder], changes: Mapping[bytes, Optional[bytes]]
) -> None:
    """Fill a builder with all pairs of a map, changed: each key gets one new value, or goes where that is None.

    This is how a format that is not changed in place gets one key set or removed.  Raises MapError.
    """
    keys, values = [], []
    left: Dict[bytes, bytes] = {key: value for key, value in changes.items() if value is not None}
    for key, value in found.pairs():
        if key not in changes:
            keys.append(key)
            values.append(value)
        elif key in left:
            keys.append(key)
            values.append(left.pop(key))
    builder.add([*keys, *left], [*values, *left.values()])
