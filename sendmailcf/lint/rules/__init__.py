"""The rules, a module for each family.

The one thing to know: importing a module here is what registers its rules, and the order below is the order
in which they look at a line.
"""

from __future__ import annotations

from . import (
    auth,
    headers,
    lines,
    macros,
    mailers,
    maps,
    options,
    ports,
    relaying,
    rulesets,
    security,
    ses,
    unreadable,
)

__all__ = [
    "auth",
    "headers",
    "lines",
    "macros",
    "mailers",
    "maps",
    "options",
    "ports",
    "relaying",
    "rulesets",
    "security",
    "ses",
    "unreadable",
]
