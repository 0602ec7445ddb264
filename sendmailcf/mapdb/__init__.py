"""Map database files, one module for each format: pairs to bytes and back.

The one thing to know: a format is recognised by its bytes, never by the file's name.  Hash files of Berkeley DB
are read and written; the other formats that sendmail can use are recognised, and refused by name.
"""

from __future__ import annotations

from ..errors import MapError
from . import hash as _hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from .hash import HashMap

__all__ = ["load", "open"]

_read = open


def load(data: bytes) -> HashMap:
    """The map whose file has these bytes.  Raises MapError for a file that is none, or of another format."""
    _recognise(data)
    return _hash.HashMap(data)


def open(path: Union[str, bytes]) -> HashMap:
    """The map in a file, read through a memory mapping.  Raises OSError, and MapError as `load` does."""
    import mmap

    with _read(path, "rb") as file:
        head = file.read(512)
        _recognise(head)
        return _hash.HashMap(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _recognise(data: bytes) -> None:
    if len(data) == 0:
        raise MapError("the file is empty: no database", offset=0)
    magics = {data[12:16], data[12:16][::-1]}
    if b"\x00\x06\x15\x61" in magics:
        return
    if b"\x00\x05\x31\x62" in magics:
        raise MapError("a Berkeley DB btree file, which cannot be read yet", offset=12)
    if data[:4] in (b"\x00\x06\x15\x61", b"\x61\x15\x06\x00"):
        raise MapError("a Berkeley DB 1.85 hash file, which cannot be read yet", offset=0)
    if len(data) < 512:
        raise MapError(f"truncated: {len(data)} bytes are too few for a database", offset=len(data))
    raise MapError("no Berkeley DB hash file: its magic number is not there", offset=12)
