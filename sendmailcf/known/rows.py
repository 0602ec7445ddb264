"""The shape of a row, where a name and what it means is all there is.

The one thing to know: a description is one line without a full stop; `since` is the first release known to have the
thing, and `needs` the vendor or compile-time condition, each "" where nothing is known or nothing is needed.
"""

from __future__ import annotations

from typing import Sequence, Tuple

from attrs import frozen

from ..record import Record


@frozen(eq=False, repr=False)
class Row(Record):
    """A word, letter or name that sendmail knows."""

    name: str
    description: str
    since: str = ""
    needs: str = ""


def names(rows: Sequence[Row]) -> Tuple[str, ...]:
    """The names of rows, in their order."""
    return tuple(row.name for row in rows)
