"""The settings of a project: where they are found, and how they are read.

The one thing to know: the first directory upward from a file that has a .sendmailcf.toml, or a pyproject.toml with a
table [tool.sendmailcf], decides; directories above it are not asked.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Optional

from .. import files
from ..errors import SettingsError
from ..lint.selection import Configured, configured
from ..text import decode

_OWN, _SHARED = ".sendmailcf.toml", "pyproject.toml"


def settings_for(directory: str, known: Dict[str, Configured]) -> Configured:
    """The settings that are found upward from an absolute directory.

    known: those of directories that were asked for before; they are added.  Raises OSError and SettingsError.
    """
    if directory not in known:
        above = os.path.dirname(directory)
        found = _settings_of(directory)
        if found is None:
            found = Configured() if above == directory else settings_for(above, known)
        known[directory] = found
    return known[directory]


def _settings_of(directory: str) -> Optional[Configured]:
    paths = [os.path.join(directory, name) for name in (_OWN, _SHARED)]
    return next(filter(None, map(settings_in, filter(os.path.isfile, paths))), None)


def settings_in(path: str) -> Optional[Configured]:
    """The settings of one file; None for a pyproject.toml without any.  Raises OSError and SettingsError."""
    text = decode(files.read(path)).replace("\r\n", "\n")
    shared = os.path.basename(path) == _SHARED
    if shared and "sendmailcf" not in text:
        return None
    table = _toml(text, path)
    if shared:
        table = table.get("tool", {}).get("sendmailcf")
        if table is None:
            return None
    return configured(table, text, path, os.path.dirname(os.path.abspath(path)))


def _toml(text: str, path: str) -> Dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
