"""A file `relay.toml`: which relays a host shall use and how, without any secret.

The one thing to know: the password is never in the file, but named: a file, an environment variable, or a command that
prints it; so the file can stand in version control.  Whatever is not known in it is refused.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from attrs import field, frozen

from ..errors import PlanError
from ..record import Record
from .host import POLICIES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

STORES = ("authinfo", "access", "default-auth-info")


@frozen(eq=False, repr=False)
class Secret(Record):
    """Where a password comes from.  kind: file, env or command.  words: a path, a name, or a program with arguments."""

    kind: str
    words: Tuple[str, ...]


@frozen(eq=False, repr=False)
class Wanted(Record):
    """One relay of the file.

    smart_host: whether mail for other hosts goes there; exactly one relay of a file is it.  The others have an entry,
    and nothing else.  authinfo: the source, as sendmail.cf names it, or None.
    """

    host: str
    user: str
    password: Secret
    port: int = 587
    mechanisms: Tuple[str, ...] = ("LOGIN", "PLAIN")
    store: str = "authinfo"
    tls: str = "required"
    authinfo: Optional[str] = None
    smart_host: bool = True


@frozen(eq=False, repr=False)
class _Key(Record):
    check: Callable[[Any], bool]
    wants: str
    required: bool = field(default=False)


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


_KEYS: Mapping[str, _Key] = {
    "host": _Key(_text, "a host name", required=True),
    "user": _Key(_text, "a user name", required=True),
    "password": _Key(lambda value: isinstance(value, dict), "a table", required=True),
    "port": _Key(
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536,
        "a port number",
    ),
    "mechanisms": _Key(
        lambda value: isinstance(value, list) and value != [] and all(map(_text, value)), "a list of names"
    ),
    "store": _Key(lambda value: value in STORES, f"one of {', '.join(STORES)}"),
    "tls": _Key(lambda value: value in POLICIES, f"one of {', '.join(POLICIES)}"),
    "authinfo": _Key(_text, "a path"),
    "smart_host": _Key(lambda value: isinstance(value, bool), "true or false"),
}
_SOURCES = {"file": "a path", "env": "a name", "command": "a list: program and arguments"}
_ELSEWHERE = (
    'a password does not belong into this file: write password = { file = "PATH" }, { env = "NAME" } or '
    '{ command = ["PROGRAM", "ARGUMENT"] }'
)


def read(data: bytes, path: str) -> List[Wanted]:
    """The relays of a file, the smart host first.  Raises PlanError, which names file, relay and key."""
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise PlanError(f"{path}: this is no UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's words may quote the line, and the line may hold what should not be there.
        place = str(error).rpartition("(at ")[2].rstrip(")")
        raise PlanError(f"{path}: this is no TOML: at {place}") from None
    for key in found:
        if key != "relay":
            raise PlanError(f"{path}: unknown key {key!r}: a file has tables [[relay]], and nothing else")
    tables = found.get("relay")
    if not isinstance(tables, list) or not tables:
        raise PlanError(f"{path}: there is no table [[relay]]")
    several = len(tables) > 1
    wanted = [
        _one(table, f"{path}: relay {number}", several=several) for number, table in enumerate(tables, 1)
    ]
    smart = [one for one in wanted if one.smart_host]
    if len(smart) != 1:
        raise PlanError(f"{path}: of several relays exactly one has smart_host = true, not {len(smart)}")
    return smart + [one for one in wanted if not one.smart_host]


def _one(table: Any, where: str, *, several: bool) -> Wanted:
    if not isinstance(table, dict):
        raise PlanError(f"{where}: no table")
    values: Dict[str, Any] = {"smart_host": not several}
    for name, value in table.items():
        key = _KEYS.get(name)
        if key is None:
            raise PlanError(f"{where}: unknown key {name!r}; known are {', '.join(_KEYS)}")
        if name == "password" and not isinstance(value, dict):
            raise PlanError(f"{where}: {_ELSEWHERE}")
        if not key.check(value):
            raise PlanError(f"{where}: {name} wants {key.wants}")
        values[name] = tuple(value) if name == "mechanisms" else value
    for name, key in _KEYS.items():
        if key.required and name not in values:
            raise PlanError(f"{where}: {name} is missing: {key.wants}")
    values["password"] = _secret(values["password"], where)
    return Wanted(**values)


def _secret(table: Mapping[str, Any], where: str) -> Secret:
    for name in table:
        if name not in _SOURCES:
            raise PlanError(f"{where}: password: unknown key {name!r}: {_ELSEWHERE}")
    if len(table) != 1:
        raise PlanError(f"{where}: password: exactly one of {', '.join(_SOURCES)}")
    [(kind, value)] = table.items()
    if kind == "command":
        if not (isinstance(value, list) and value and all(map(_text, value))):
            raise PlanError(f"{where}: password: command wants {_SOURCES[kind]}")
        return Secret(kind, tuple(value))
    if not _text(value):
        raise PlanError(f"{where}: password: {kind} wants {_SOURCES[kind]}")
    return Secret(kind, (value,))
