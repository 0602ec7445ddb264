"""The rules that we write: a ruleset `authinfo` that reads a map and guards what it finds.

The one thing to know: existing rules are never rewritten.  They move, whole, to a ruleset of their own, which
ours asks; so what they found before is still found, and passes the same guard.
"""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence, Tuple

from ..config import Config
from ..nodes import RewritingRule

#: The ruleset that the host's own rules move to.
ENTRIES = "authinfo_entries"
_COLUMN = 3  # tab stops


def _rule(lhs: str, rhs: str, comment: Optional[str] = None) -> RewritingRule:
    tabs = "\t" * max(1, _COLUMN - (1 + len(lhs)) // 8)
    return RewritingRule(lhs=lhs, tabs=tabs, rhs=rhs, comment=None if comment is None else "\t" + comment)


def authinfo_rules(map_name: Optional[str], entries: Optional[str], tls: str) -> List[RewritingRule]:
    """The rules of `authinfo`: look in a map, if one is named, ask the ruleset `entries`, if one is, and hand
    out what was found under the policy `tls` (optional, required, verified)."""
    rules = []
    if map_name is not None:
        found = f"<$({map_name} {{}} $: ? $)>"
        rules.append(
            _rule("$*", "$: " + found.format("AuthInfo:$&{server_name}") + " $1", "by the server's name")
        )
        rules.append(
            _rule("<?> $*", "$: " + found.format("AuthInfo:$&{server_addr}") + " $1", "by its address")
        )
        if entries is None:
            rules.append(_rule("<?> $*", "$: " + found.format("AuthInfo:") + " $1", "for every server"))
    if entries is not None:
        # A mark stays in front: no rule is applied to text that begins with $#.
        rules.append(_rule("$*" if map_name is None else "<?> $*", f"$: <?> $>{entries} $1", "as before"))
        rules.append(_rule("<?> $# $*", "$: <$1>"))
    rules.append(_rule("<?> $*", "$@ no", "no entry"))
    if tls == "required":
        rules.append(_rule("<$*> $*", "$: <$&{cipher_bits}> <$1>", "is the session encrypted?"))
        rules.append(_rule("<> $*", "$# temp", "no: keep the password, defer"))
        rules.append(_rule("<0> $*", "$# temp"))
        rules.append(_rule("<$*> <$*>", "$# $2"))
    elif tls == "verified":
        rules.append(_rule("<$*> $*", "$: <$&{verify}> <$1>", "is the certificate verified?"))
        rules.append(_rule("<OK> <$*>", "$# $1"))
        rules.append(_rule("<$*> <$*>", "$# temp", "no: keep the password, defer"))
    else:
        rules.append(_rule("<$*> $*", "$# $1"))
    return rules


def tls_server_rules(tls: str) -> List[RewritingRule]:
    """Rules for the head of `tls_server` that end a session the policy does not allow, before any AUTH."""
    refused = '$#error $@ 4.7.0 $: "454 4.7.0 '
    if tls == "verified":
        return [
            _rule("$*", "$: <$1> $1", "is the certificate verified?"),
            _rule("<OK> $*", "$: $1"),
            _rule("<$*> $*", refused + 'the relay has no verified certificate"'),
        ]
    return [
        _rule("$*", "$: <$&{cipher_bits}> $1", "is the session encrypted?"),
        _rule("<> $*", refused + 'no encryption, so no password"'),
        _rule("<0> $*", refused + 'no encryption, so no password"'),
        _rule("<$*> $*", "$: $2"),
    ]


def _bare(rules: Iterable[RewritingRule]) -> List[Tuple[str, str]]:
    return [(rule.lhs, rule.rhs) for rule in rules]


def ours(cf: Config) -> Optional[Tuple[Optional[str], Optional[str], str]]:
    """Whether the ruleset `authinfo` is one of ours: its map, its ruleset of entries and its policy."""
    if "authinfo" not in cf.rulesets:
        return None
    rules = _bare(cf.rulesets["authinfo"])
    maps: Sequence[Optional[str]] = (None, *cf.maps)
    for entries in (None, ENTRIES):
        for map_name in maps:
            for tls in ("required", "verified", "optional"):
                if (map_name or entries) and rules == _bare(authinfo_rules(map_name, entries, tls)):
                    return map_name, entries, tls
    return None
