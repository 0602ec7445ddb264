"""Regular expressions against the C library's regcomp: taken or not, and how many groups.

The one thing to know: regcomp is called through ctypes, in tests only; it is the GNU one that the reader follows.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import platform
import random
from typing import Optional

import pytest
from conftest import FUZZ

from sendmailcf.lint.posix import RegexError, groups

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="not the GNU C library"),
]
SIGNS = "aab()()[]{}*+?|^$\\.,-12:=.[]\\(\\)"
NAMED = (
    "[[:alpha:]]",
    "[[:alpah:]]",
    "[[.a.]]",
    "[[.ab.]]",
    "[[=a=]]",
    "[[=ab=]]",
    "[a-[:alpha:]]",
    "[[.a.]-z]",
    "[[:",
)


class _Regex(ctypes.Structure):
    _fields_ = (
        ("buffer", ctypes.c_void_p), ("allocated", ctypes.c_ulong), ("used", ctypes.c_ulong), ("syntax", ctypes.c_ulong),
        ("fastmap", ctypes.c_void_p), ("translate", ctypes.c_void_p), ("groups", ctypes.c_size_t),
        ("more", ctypes.c_char * 64),
    )  # fmt: skip


def regcomp(pattern: str, basic: bool) -> Optional[int]:
    """The number of groups, or None where it is refused."""
    libc, made = ctypes.CDLL(None), _Regex()
    if libc.regcomp(ctypes.byref(made), pattern.encode("latin-1"), 0 if basic else 1):
        return None
    libc.regfree(ctypes.byref(made))
    return int(made.groups)


def ours(pattern: str, basic: bool) -> Optional[int]:
    try:
        return groups(pattern, basic=basic)
    except RegexError:
        return None


@pytest.mark.parametrize("basic", [False, True])
def test_expressions(basic: bool) -> None:
    pick = random.Random(basic)
    made = ("".join(pick.choices(SIGNS, k=pick.randrange(10))) for _ in range(20000 * FUZZ))
    for pattern in (*NAMED, "a{32768}", "a{9,8}", *made):
        assert ours(pattern, basic) == regcomp(pattern, basic), pattern
