"""What every value of this package is made of: two are equal if their fields are, and it shows its fields.

The one thing to know: attrs would write these methods anew for each class, and compiling them is more than half of
what a class costs; a command that starts and ends has no time for that, so all classes share one of each.
"""

from __future__ import annotations

from typing import Any, Tuple

from attrs import fields


class Record:
    """The base of classes under `@frozen(eq=False, repr=False)`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash((self.__class__, _values(self)))

    def __repr__(self) -> str:
        cls = self.__class__
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in fields(cls) if one.repr)  # type: ignore[arg-type]
        return f"{cls.__qualname__}({shown})"


def _values(record: Any) -> Tuple[Any, ...]:
    return tuple([getattr(record, one.name) for one in record.__attrs_attrs__])
