"""RS: rulesets and rules.

The one thing to know: a rule is read with its macros expanded, so what sendmail refuses may not stand in the
line itself; `context.reading` has cut it into tokens as sendmail does.
"""

from __future__ import annotations

import re
from typing import Iterator

from ...nodes import BadLine, RewritingRule
from ..context import Context
from ..problem import Edit, Fix, Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"


@rule("RS001", "rule-no-tab", Severity.ERROR, bad="R", reported="E", consequence=_DEAD)
def rule_no_tab(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A rule has no tab between its sides.

    Only tabs separate the two sides of a rule and its comment; blanks are part of a side.

    Bad:
        Sfoo
        R$*    $: $1
    Good:
        Sfoo
        R$*<TAB>$: $1
    """
    if "\t" in node.text:
        return
    two = re.fullmatch(r"R([^ \n]+)  +([^ \n][^\n]*)", node.text)
    fix = None
    if two and "  " not in two.group(2):
        made = RewritingRule(lhs=two.group(1), tabs="\t", rhs=two.group(2))
        fix = Fix("Put a tab between the sides", (Edit(index, (made,)),))
    yield Found(index, "no tab between the sides of the rule", fix=fix)


@rule("RS002", "rule-orphan", Severity.ERROR, RewritingRule, reported="E", consequence=_DEAD)
def rule_orphan(context: Context, index: int, node: RewritingRule) -> Iterator[Found]:
    """A rule belongs to no ruleset.

    No S line stands above it, or the one above is refused itself.

    Bad:
        R$*<TAB>$: $1
    Good:
        Sfoo
        R$*<TAB>$: $1
    """
    if context.reading.current is None:
        yield Found(index, "no ruleset has begun to which this rule could belong")


@rule("RS003", "rule-refused", Severity.ERROR, RewritingRule, reported="E", consequence=_DEAD)
def rule_refused(context: Context, index: int, node: RewritingRule) -> Iterator[Found]:
    """A rule is not well formed.

    Bad:
        Sfoo
        R$*<TAB>$2
    Good:
        Sfoo
        R$*<TAB>$1
    """
    if context.reading.refused:
        yield Found(index, context.reading.refused)
