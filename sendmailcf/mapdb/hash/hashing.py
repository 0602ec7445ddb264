"""The hash that says in which bucket a key belongs: of one key, and of many at once.

The one thing to know: the low bits of a step depend on low bits alone, so that for a bucket's number, which is made of
the low bits, a short multiplier does, and one multiplication of one big integer serves thousands of keys.
"""

from __future__ import annotations

import sys
from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Sequence, Tuple

#: How many of the lowest bits `hashes_of` gives.
LANE_BITS = 23
_LANE_MASK = (1 << LANE_BITS) - 1
#: Keys longer than this are hashed one by one: in a lane they would cost every other key as many steps.
_LANE_BYTES = 64


def hash_of(key: bytes) -> int:
    """func5, the hash of version 5 and later: FNV-1 with a start value of 0, 32 bits."""
    h = 0
    for byte in key:
        h = (h * 16777619 & 0xFFFFFFFF) ^ byte
    return h


_lane_constants: Dict[int, Tuple[int, int]] = {}


def hashes_of(keys: Sequence[bytes], longest: int) -> array[int]:
    """The lowest 23 bits of `hash_of` for many keys, none of more bytes than `longest`.

    In these bits the multiplier may be taken modulo 2**23, 403, so a product needs 32 bits: a lane.  Keys are filled
    up with NULs on the left, which a hash that starts at 0 does not notice.
    """
    if longest > _LANE_BYTES:
        made = hashes_of([key if len(key) <= _LANE_BYTES else b"" for key in keys], _LANE_BYTES)
        for at, key in enumerate(keys):
            if len(key) > _LANE_BYTES:
                made[at] = hash_of(key) & _LANE_MASK
        return made
    count = len(keys)
    words = (longest + 3) // 4 or 1
    lanes = array("I")
    width = words * 4
    lanes.frombytes(b"".join([key.rjust(width, b"\0") for key in keys]))
    if count not in _lane_constants:
        if len(_lane_constants) > 8:
            _lane_constants.clear()
        ones = int.from_bytes(b"\1\0\0\0" * count, "little")
        _lane_constants[count] = (ones * _LANE_MASK, ones * 0xFF)
    mask, low = _lane_constants[count]
    h = 0
    for word in range(words):
        column = int.from_bytes(lanes[word::words].tobytes(), "little")
        h = ((h * 403) & mask) ^ (column & low)
        h = ((h * 403) & mask) ^ ((column >> 8) & low)
        h = ((h * 403) & mask) ^ ((column >> 16) & low)
        h = ((h * 403) & mask) ^ ((column >> 24) & low)
    made = array("I")
    made.frombytes((h & mask).to_bytes(4 * count, "little"))
    if sys.byteorder == "big":
        made.byteswap()
    return made
