"""What stands where in a hash file.

The one thing to know: version 5 (Berkeley DB 2, which Solaris still carries) has its own first page and its own
way from a bucket to a page; all later versions share one of each.  From dbinc/db_page.h and hash/hash_page.c of
Berkeley DB 5.3 and 2.7.7.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Tuple

#: The version that every library since 4.6 reads.
VERSION = 9
#: The version of Berkeley DB 2.
VERSION_2X = 5
MAGIC = 0x00061561
#: func5 of the 12 bytes `%$sniglet^&` and NUL; the library compares it.
CHECK_HASH = 0x5E688DD1
PAGE_SIZES = (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
PAGE_HEADER = 26
META_SIZE = 512

# Types of pages.
FREE, DUPLICATES_2X, UNSORTED, INTERNAL, RECNO_INTERNAL = 0, 1, 2, 3, 4
RECNO_LEAF, OVERFLOW, META, SORTED_DUPLICATES, SORTED = 6, 7, 8, 12, 13
# Types of the items of hash pages.
INLINE, DUPLICATES, OFF_PAGE, OFF_DUPLICATES = 1, 2, 3, 4
# Types of the items in trees of duplicates; a set high bit marks a deleted one.
LEAF_INLINE, LEAF_OVERFLOW, LEAF_DELETED = 1, 3, 0x80

# Where the fields of the first page begin, in bytes; of versions 6 and later, but for the last lines.
AT_MAGIC, AT_VERSION, AT_PAGE_SIZE, AT_TYPE, AT_META_FLAGS = 12, 16, 20, 25, 26
AT_FREE, AT_LAST_PAGE, AT_FLAGS = 28, 32, 48
AT_MAX_BUCKET, AT_NELEM, AT_CHECK_HASH, AT_SPARES = 72, 88, 92, 96
AT_MAX_BUCKET_2X, AT_NELEM_2X, AT_CHECK_HASH_2X, AT_FLAGS_2X, AT_SPARES_2X, AT_FILE_ID_2X = (
    32,
    48,
    52,
    56,
    60,
    188,
)

#: What begins and, with `JOURNAL_TAIL` bytes, ends the pages that `edit` puts behind a file while it changes it.
JOURNAL = b"\x00sendmailcf\xffedit"
JOURNAL_TAIL = 32


_COMPLEMENT = bytes(255 - i for i in range(256))


def page_order(key: bytes) -> bytes:
    """Sorted descending by this, keys stand as a page needs them: the longer first where one begins the other."""
    return key.translate(_COMPLEMENT)


def header(order: str) -> struct.Struct:
    """The header of a page: two numbers of the LSN, page, previous, next, entries, lowest offset, level, type.

    order: `<` or `>`.
    """
    return struct.Struct(order + "IIIIIHHBB")


def leaf_limit(page_size: int) -> int:
    """The bytes above which an element of a tree of duplicates has overflow pages of its own (btree.h)."""
    return (page_size - PAGE_HEADER) // 4 - 10


def duplicates_of(item: bytes, order: str) -> Tuple[bytes, ...]:
    """The values of a set of duplicates that stands on the page, without its type byte; () for a damaged one."""
    length = struct.Struct(order + "H")
    out, at, size = [], 0, len(item)
    while at + 4 <= size:
        (count,) = length.unpack_from(item, at)
        end = at + 2 + count
        if end + 2 > size or length.unpack_from(item, end)[0] != count:
            return ()
        out.append(item[at + 2 : end])
        at = end + 2
    return tuple(out) if at == size else ()
