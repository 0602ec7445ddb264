"""Berkeley DB hash files: versions 9, 8 and 5 written, 5 and 7 to 10 read, changed in place and verified.

The one thing to know: within a page keys are sorted bytewise, but of two keys of which one begins with the
other the LONGER comes first.  The C library searches by that order and its verifier only prints what breaks it, so
a page in plain order passes every check and loses keys.

`layout` holds what all of the others agree on; `pages` makes pages of items; `builder` makes a whole file at once,
`read` reads one, `edit` changes one, `verifier` looks for faults.
"""

from __future__ import annotations

from .builder import SEPARATOR, Builder, build
from .hashing import hash_of
from .layout import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .edit import Editor
    from .read import HashMap, Info
    from .verifier import verify

__all__ = ["SEPARATOR", "VERSION", "Builder", "Editor", "HashMap", "Info", "build", "hash_of", "verify"]

_ELSEWHERE = {"Editor": "edit", "HashMap": "read", "Info": "read", "verify": "verifier"}


def __getattr__(name: str) -> object:
    # Whoever only builds a map does not wait for what reads or changes one.
    if name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(__import__(f"{__name__}.{_ELSEWHERE[name]}", fromlist=[name]), name)
