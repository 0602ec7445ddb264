"""A sendmail.cf as JSON, and back, byte for byte.

The one thing to know: a line is its kind, its fields in file order and its end of line; everything else that is written
(number, place) is for readers and not read back.  The result must read as the very nodes that the JSON names, so an
edited JSON cannot write a dead line either.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Type

from .config import Config
from .errors import EditError
from .nodes import LINES, Equate, Line, Node, field_names
from .text import encode, split_eol

_KINDS: Dict[str, Type[Line]] = {cls.__name__: cls for cls in LINES}


def lines_of(cf: Config) -> Dict[str, Any]:
    """A file as JSON holds it: every line with its kind, fields in file order, place and end of line.

    Bytes that are not UTF-8 are written as the surrogates U+DC80 to U+DCFF.  line: counted from 1.  span: byte
    offsets, the second exclusive, the end of line included.
    """
    lines: List[Dict[str, Any]] = []
    number, offset = 1, 0
    for index, node in enumerate(cf):
        raw = cf.raw(index)
        size = len(encode(raw))
        lines.append(
            {
                "line": number,
                "span": [offset, offset + size],
                "kind": type(node).__name__,
                "fields": _fields(node),
                "eol": split_eol(raw)[1],
            }
        )
        number += raw.count("\n")
        offset += size
    return {"file": cf.path, "lines": lines}


def _fields(node: Node) -> Dict[str, Any]:
    made: Dict[str, Any] = {}
    for name in field_names(type(node)):
        value = getattr(node, name)
        made[name] = [_fields(part) for part in value] if isinstance(value, tuple) else value
    return made


def config_of(data: Any) -> Config:
    """The file of such a JSON value.  Raises EditError, naming the entry, for one that is no line or would not read
    back as itself."""
    if not isinstance(data, Mapping) or not isinstance(data.get("lines"), list):
        raise EditError('no sendmail.cf as JSON: an object with a list "lines" is wanted')
    nodes = [_node(entry, f"lines[{at}]") for at, entry in enumerate(data["lines"])]
    raws = [
        str(node) + _eol(entry, f"lines[{at}]") for at, (node, entry) in enumerate(zip(nodes, data["lines"]))
    ]
    try:
        encode("".join(raws))
    except UnicodeEncodeError:
        raise EditError("a field holds a character that no byte stands for") from None
    made = Config("".join(raws))
    for at, (node, raw) in enumerate(zip(nodes, raws)):
        if at >= len(made) or made.raw(at) != raw or made[at] != node:
            raise EditError(
                f"lines[{at}] would not read back as itself: a {type(node).__name__} of these fields"
            )
    return made


def _node(entry: Any, where: str) -> Line:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("fields"), Mapping):
        raise EditError(f'{where} is no line: an object with "kind", "fields" and "eol" is wanted')
    cls = _KINDS.get(entry.get("kind", ""))
    if cls is None:
        raise EditError(f"{where}: there is no kind of line {entry.get('kind')!r}")
    fields = {name: _value(value, f"{where}.{name}") for name, value in entry["fields"].items()}
    line: Line = _made(cls, fields, where)
    return line


def _made(cls: Any, fields: Dict[str, Any], where: str) -> Any:
    try:
        return cls(**fields)
    except TypeError:
        names = ", ".join(field_names(cls)) or "none"
        raise EditError(f"{where}: the fields of a {cls.__name__} are {names}") from None


def _value(value: Any, where: str) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(part, Mapping) for part in value):
        return tuple(
            _made(Equate, {name: _value(one, where) for name, one in part.items()}, where) for part in value
        )
    raise EditError(f"{where} is neither text nor null")


def _eol(entry: Mapping[str, Any], where: str) -> str:
    eol = entry.get("eol")
    if eol not in ("", "\n", "\r\n"):
        raise EditError(f'{where}: "eol" is "\\n", "\\r\\n", or "" at the end of a file')
    return str(eol)
