"""A program as our users write it, on the typed views alone: `mypy --strict` must take it without a cast.

The one thing to know: the types environment of tox checks this file, and tests/test_views.py runs it.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple

import sendmailcf
from sendmailcf.references import Reference
from sendmailcf.summary import Change, changes


def report(cf: sendmailcf.Config) -> List[str]:
    """What an inventory would ask of a file."""
    relay: Optional[str] = cf.macros.get("S")
    names: Tuple[str, ...] = cf.classes["w"].members
    trusted: Tuple[str, ...] = cf.trusted_users.members
    files: Dict[str, Tuple[str, ...]] = {name: one.files for name, one in cf.maps.items()}
    flags: Dict[str, Optional[FrozenSet[str]]] = {name: one.flags for name, one in cf.mailers.items()}
    waits: List[Optional[timedelta]] = [one.interval for one in cf.queue_groups.values()]
    timeouts: List[Optional[Mapping[str, timedelta]]] = [one.timeouts for one in cf.filters.values()]
    checks: List[Optional[str]] = [one.ruleset for one in cf.headers.values()]
    rules: int = sum(len(one) for one in cf.rulesets.distinct())
    uses: List[Reference] = cf.references("S", "macro")
    junk: int = cf.precedences.get("junk", 0)
    zone: Optional[str] = cf.environment.get("TZ")
    level: str = cf.version.level if cf.version is not None else "0"
    return [
        f"relay {relay}, used {len(uses)} times, level {level}",
        f"names {sorted(names)}, trusted {sorted(trusted)}",
        f"files {sorted(files.items())}",
        f"mailers {sorted(flags)}, waits {waits}, timeouts {timeouts}, checks {checks}",
        f"{rules} rules, junk {junk}, TZ {zone}",
    ]


def harden(cf: sendmailcf.Config) -> List[Change]:
    """Typed edits of each kind, and what they change in meaning."""
    before = sendmailcf.loads(bytes(cf))
    cf.options["AuthMechanisms"] = ["LOGIN", "PLAIN"]
    cf.options["Timeout.ident"] = timedelta(0)
    cf.options["TempFileMode"] = 0o600
    cf.options["CheckAliases"] = True
    cf.macros["S"] = "relay.example"
    cf.classes["w"].add("relayed.example")
    for mailer in cf.mailers.values():
        mailer.max_recipients = 50
    for group in cf.queue_groups.values():
        group.interval = timedelta(minutes=5)
    for one in cf.maps.values():
        if one.map_class == "hash" and "o" in one.flags:
            one.unset_flag("o")
    return changes(before, cf)


if __name__ == "__main__":
    document = sendmailcf.load(sys.argv[1])
    print("\n".join(report(document)))
    for change in harden(document):
        print(change.key, change.old, change.new)
