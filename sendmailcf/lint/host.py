"""What the files of a host say of its users, groups and services.

The one thing to know: None means that it cannot be told, because there are no facts, or because the host asks others
than its files; no rule may then say that a name is unknown.
"""

from __future__ import annotations

import re
from typing import Optional, Tuple

from .context import Context

#: The services of nsswitch.conf that know no more names than the files.
_LOCAL = frozenset({"files", "systemd", "db"})


def user(context: Context, name: str) -> Optional[Tuple[int, int]]:
    """The user and group numbers of a user; (-1, -1) if there is none; None if it cannot be told."""
    row = _row(context, "passwd", name)
    if row is None:
        return None
    return (int(row[2]), int(row[3])) if len(row) > 3 else (-1, -1)


def group(context: Context, name: str) -> Optional[int]:
    """The number of a group; -1 if there is none; None if it cannot be told."""
    row = _row(context, "group", name)
    if row is None:
        return None
    return int(row[2]) if len(row) > 2 else -1


def service(context: Context, name: str) -> Optional[bool]:
    """Whether a TCP service has this name, which is compared as it stands; None if it cannot be told."""
    text = _text(context, "services")
    if text is None:
        return None
    for line in text.split("\n"):
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[1].endswith("/tcp") and name in (words[0], *words[2:]):
            return True
    return False


def _row(context: Context, database: str, name: str) -> Optional[Tuple[str, ...]]:
    """The line of a user or group; an empty one if there is none; None if it cannot be told."""
    text = _text(context, database)
    if text is None:
        return None
    lines = (line.split(":") for line in text.split("\n"))
    return next((tuple(line) for line in lines if line[0] == name and name), ())


def _text(context: Context, database: str) -> Optional[str]:
    """The file of a database; None where that is not all there is."""
    switch, file = context.file("/etc/nsswitch.conf"), context.file(f"/etc/{database}")
    if switch is None or file is None or file.data is None:
        return None
    if switch.data is not None:
        found = re.search(rb"^" + database.encode() + rb":([^\n#]*)", switch.data, re.MULTILINE)
        if found and not set(found.group(1).decode("latin-1").split()) <= _LOCAL:
            return None
    return file.data.decode("utf-8", "surrogateescape")
