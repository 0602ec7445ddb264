"""Which files sendmail refuses because of their owners and modes.

The one thing to know: sendmail refuses a map for what could be changed by others (a writable directory on the way,
an owner it does not trust), and never for what can be read by others; the latter is for the caller to judge.  Facts
from safefile.c of sendmail 8.17.1, each tried on the program.
"""

from __future__ import annotations

from typing import List, Optional, Set

from attrs import frozen

from ..config import Config
from ..record import Record
from .host import Facts, Look


@frozen(eq=False, repr=False)
class Refusal(Record):
    """Why sendmail refuses a file: what is there, the words of its log, and the repair."""

    detail: str
    words: str
    repair: str


def blamed(cf: Config) -> Set[str]:
    """The words of DontBlameSendmail in lower case, of all its lines (they add up)."""
    found = cf.options.all("DontBlameSendmail")
    words = [word for one in found for word in one.value.replace(",", " ").split()]
    return {word.lower() for word in words}


def unsafe_map(cf: Config, look: Look, facts: Facts) -> Optional[Refusal]:
    """What makes sendmail refuse a map file, or None."""
    words = blamed(cf)
    directory = unsafe_directory(facts, words, "mapinunsafedirpath")
    if directory is not None:
        return directory
    trusted = {0, *_trusted(cf, look)}
    if facts.data is not None and facts.judged and facts.uid not in trusted and not facts.mode & 0o004:
        return Refusal(
            f"{facts.path} belongs to user {facts.uid}", "Permission denied", f"chown root {facts.path}"
        )
    return None


def unsafe_directory(facts: Facts, words: Set[str], allowed_by: str = "") -> Optional[Refusal]:
    """The first directory on the way to a file that others can write, unless DontBlameSendmail (`words`) allows it."""
    for path, mode, _ in facts.directories:
        if mode & 0o022 and allowed_by not in words:
            if not mode & 0o002 and "groupwritabledirpathsafe" in words:
                continue
            if mode & 0o1000 and "truststickybit" in words:
                continue
            who = "World" if mode & 0o002 else "Group"
            return Refusal(
                f"the directory {path} has mode {mode:04o}", f"{who} writable directory", f"chmod go-w {path}"
            )
    return None


def refused_default_auth_info(cf: Config, facts: Facts) -> Optional[Refusal]:
    """What makes sendmail refuse a DefaultAuthInfo file that is there, or None."""
    words = blamed(cf)
    directory = unsafe_directory(facts, words)
    if directory is not None:
        return directory
    group = 0o020 if "groupreadabledefaultauthinfofile" in words else 0o060
    for bits, reason in (
        (0o002, "World writable file"),
        (group & 0o020, "Group writable file"),
        (0o004, "World readable file"),
        (group & 0o040, "Group readable file"),
    ):
        if facts.data is not None and facts.mode & bits:
            return Refusal(f"{facts.path} has mode {facts.mode:04o}", reason, f"chmod 600 {facts.path}")
    return None


def _trusted(cf: Config, look: Look) -> List[int]:
    found = cf.options.all("TrustedUser")
    value = found[-1].value if found else ""
    if value.isascii() and value.isdecimal():
        return [int(value)]
    facts = look("/etc/passwd").data if value else None
    for line in (facts or b"").decode("utf-8", "surrogateescape").split("\n"):
        parts = line.split(":")
        if len(parts) > 2 and parts[0] == value and parts[2].isascii() and parts[2].isdecimal():
            return [int(parts[2])]
    return []
