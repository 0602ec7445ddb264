"""MP: maps.

The one thing to know: when it reads the file, sendmail looks at the class of a map and at its flags; it opens
no map.
"""

from __future__ import annotations

import difflib
from typing import Iterator

from ...known.maps import MAP_CLASSES
from ...nodes import KeyFile
from ...values import map_class_row
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"


@rule("MP001", "map-class-unknown", Severity.ERROR, KeyFile, reported="E", consequence=_DEAD)
def map_class_unknown(context: Context, index: int, node: KeyFile) -> Iterator[Found]:
    """A K line declares a map of a class that this sendmail does not have.

    Bad:
        Kx zork /etc/mail/x
    Bad:
        Kx cdb /etc/mail/x
    Good:
        Kx hash /etc/mail/x
    Good (version 8.16; with CDB):
        Kx cdb /etc/mail/x
    """
    if "$" in node.name + node.map_class:
        return
    row = map_class_row(node.map_class.lower())
    why = "" if row is None else context.settings.missing(row)
    if row is not None and not why:
        return
    start = 1 + len((node.blank or "") + node.name + node.gap)
    here = [one.name for one in MAP_CLASSES if not context.settings.missing(one)]
    near = difflib.get_close_matches(node.map_class.lower(), here, 1)
    message = f"no maps of class {node.map_class}" + (f": {why}" if why else "")
    yield Found(
        index, message, start, start + len(node.map_class), hint=near[0] if near and not why else None
    )
