"""Berkeley DB hash files: versions 9, 8 and 5 written, 5 and 7 to 10 read, changed in place and verified.

The one thing to know: within a page keys are sorted bytewise, but of two keys of which one begins with the
other the LONGER comes first.  The C library searches by that order and its verifier only prints what breaks it, so
a page in plain order passes every check and loses keys.

`layout` holds what all of the others agree on; `pages` makes pages of items; `build` makes a whole file at once,
`read` reads one, `edit` changes one, `verify` looks for faults.
"""

from __future__ import annotations

from .build import SEPARATOR, Builder, build
from .hashing import hash_of
from .layout import VERSION
from .read import HashMap, Info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .edit import Editor

__all__ = ["SEPARATOR", "VERSION", "Builder", "Editor", "HashMap", "Info", "build", "hash_of"]


def __getattr__(name: str) -> object:
    # Whoever only builds a map does not pay for what changes one.
    if name == "Editor":
        from .edit import Editor

        return Editor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
