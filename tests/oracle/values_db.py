"""A database of AuthInfo values, as the oracle of the shared harness asks for one: made by us, not by makemap.

The one thing to know: the oracle imports this file by name, so it takes a mapping and returns bytes.
"""

from __future__ import annotations

from typing import Mapping

from sendmailcf.mapdb import hash as hash_format


def build(records: Mapping[bytes, bytes]) -> bytes:
    """The bytes of a hash file with these records."""
    return hash_format.build(records.items())
