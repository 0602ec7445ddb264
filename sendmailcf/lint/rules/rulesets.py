"""RS: rulesets and rules.

The one thing to know: a rule is read with its macros expanded, so what sendmail refuses may not stand in the
line itself; `context.reading` has cut it into tokens as sendmail does, and says why it is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Dict, Iterable, Iterator, List, Optional, Set, Tuple

from attrs import evolve

from ...expressions import QUOTED, Symbol, pieces_of
from ...known.rulesets import RULESETS
from ...nodes import (
    BadLine,
    HeaderDefinition,
    Line,
    MailerDefinition,
    RewritingRule,
    Ruleset,
    value_of,
)
from ...reading import ruleset_number
from ...references import RULESET, Reference
from ...text import nearest
from ..context import Context
from ..problem import Edit, Fix, Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"
#: Rulesets that sendmail calls, by all their names.
_HOOKS = frozenset(name for row in RULESETS for name in (row.name, row.stock_name) if name)
_SIGNED = r"\$(?:[=~&]?\{[^}]*\}|[=~&]?.)"


def _refused(context: Context, index: int, node: Line, cause: str) -> Iterable[Found]:
    """The problem of a line that sendmail refuses for this cause."""
    why = context.reading.refused
    if why.cause != cause or (isinstance(node, RewritingRule) and not context.reading.begun):
        return ()
    start, end = None, None
    named = re.match(_SIGNED, why)
    if named and isinstance(node, RewritingRule):
        text = context.document.text(index)
        middle = 1 + len(node.lhs)
        at = text.find(named.group(), *((1, middle) if why.endswith("left side") else (middle, len(text))))
        start, end = (at, at + len(named.group())) if at >= 0 else (None, None)
    return (Found(index, str(why), start, end),)


# Rules.


@rule("RS001", "rule-no-tab", Severity.ERROR, bad="R", reported="E", consequence=_DEAD)
def rule_no_tab(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A rule has no tab between its sides.

    Only tabs separate the two sides of a rule and its comment; blanks are part of a side.

    Bad:
        Sfoo
        R$*    $: $1
    Bad:
        Sfoo
        R$* < @ $* >    $: $1    a comment
    Good:
        Sfoo
        R$*<TAB>$: $1
    """
    if "\t" in node.text:
        return
    fix = None
    # One run of blanks is the place of the tabs, and a second one, if what follows is plain text, of the comment.
    parts = re.fullmatch(r"R([^\n]*?[^ \n])(  +)([^ \n][^\n]*?)(?:(  +)([^ $\n][^$\n]*))?", node.text)
    if parts and "  " not in parts.group(1) + " " * bool(parts.group(4)) and "  " not in parts.group(3):
        lhs, _, rhs, gap, comment = parts.groups()
        made = RewritingRule(lhs=lhs, tabs="\t", rhs=rhs, comment=f"\t{comment}" if gap else None)
        if not context.reading.judged(made)[1]:
            fix = Fix("Put a tab between the sides", (Edit(index, (made,)),))
    yield Found(index, "no tab between the sides of the rule", fix=fix)


@rule("RS002", "rule-orphan", Severity.ERROR, RewritingRule, reported="E", consequence=_DEAD)
def rule_orphan(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A rule belongs to no ruleset.

    No S line stands above it, or the one above is refused itself.

    Bad:
        R$*<TAB>$: $1
    Good:
        Sfoo
        R$*<TAB>$: $1
    """
    if context.reading.begun:
        return ()
    return (Found(index, "no ruleset has begun to which this rule could belong"),)


@rule("RS003", "rule-symbol", Severity.ERROR, RewritingRule, reported="E", refused=True, consequence=_DEAD)
def rule_symbol(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A symbol stands on the side of a rule where it has no meaning.

    The left side is a pattern: wildcards, classes, $@ and plain text.  The right side may not have wildcards.

    Bad:
        Sfoo
        R$* $: x<TAB>$1
    Bad:
        Sfoo
        R$*<TAB>$* x
    Good:
        Sfoo
        R$* x<TAB>$: $1
    """
    return _refused(context, index, node, "symbol")


@rule("RS004", "rule-bounds", Severity.ERROR, RewritingRule, reported="E", refused=True, consequence=_DEAD)
def rule_bounds(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A right side names more wildcards than the left side has.

    Bad:
        Sfoo
        R$* < @ $+ ><TAB>$3
    Good:
        Sfoo
        R$* < @ $+ ><TAB>$2
    """
    return _refused(context, index, node, "bounds")


@rule("RS005", "rule-empty-lhs", Severity.ERROR, RewritingRule, bad="R", reported="E", refused=True, consequence=_DEAD)
def rule_empty_lhs(context: Context, index: int, node: Line) -> Iterable[Found]:
    """The left side of a rule is empty, or becomes so when its macros are expanded.

    The pattern that matches nothing but an empty text is $@.

    Bad:
        Sfoo
        R<TAB>x
    Bad:
        Sfoo
        R$U<TAB>x
    Good:
        Sfoo
        R$@<TAB>x
    """
    if isinstance(node, BadLine):
        empty = "\t" in node.text and not value_of(node.text[1:]).partition("\t")[0].strip(" \n\v\f\r")
        return (Found(index, "the left side of the rule is empty"),) if empty else ()
    return _refused(context, index, node, "empty-lhs")


@rule("RS006", "rule-empty-rhs", Severity.ERROR, RewritingRule, bad="R", reported="E", refused=True, consequence=_DEAD)
def rule_empty_rhs(context: Context, index: int, node: Line) -> Iterable[Found]:
    """The right side of a rule is empty, or becomes so when its macros are expanded.

    White space at the end of a line is dropped, and a comment with what stands before it, so that a rule whose
    right side is only a comment has none.  An empty text is written as $@ or $: alone.

    Bad:
        Sfoo
        R$*<TAB># nothing
    Bad:
        Sfoo
        R$*<TAB>$U
    Good:
        Sfoo
        R$*<TAB>$@
    """
    if isinstance(node, BadLine):
        left = value_of(node.text[1:]).partition("\t")[0].strip(" \n\v\f\r")
        empty = "\t" in node.text and left
        return (Found(index, "the right side of the rule is empty"),) if empty else ()
    return _refused(context, index, node, "empty-rhs")


@rule("RS007", "rule-wildcards", Severity.ERROR, RewritingRule, reported="E", refused=True, consequence=_DEAD)
def rule_wildcards(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A left side has more than nine wildcards.

    Bad:
        Sfoo
        R$- . $- . $- . $- . $- . $- . $- . $- . $- . $-<TAB>$1
    Good:
        Sfoo
        R$- . $- . $- . $- . $- . $- . $- . $- . $-<TAB>$1
    """
    return _refused(context, index, node, "wildcards")


@rule("RS008", "rule-map-syntax", Severity.ERROR, RewritingRule, reported="E", refused=True, consequence=_DEAD)
def rule_map_syntax(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A lookup in a map has no end, more than nine arguments, or another lookup inside.

    Bad:
        Kx hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(x $1 $: none
    Bad:
        Kx hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(x $[ $1 $] $)
    Good:
        Kx hash -o /etc/mail/x
        Sfoo
        R$*<TAB>$: $(x $1 $: none $)
    """
    return _refused(context, index, node, "map-syntax")


@rule("RS009", "rule-token-long", Severity.ERROR, RewritingRule, reported="E", refused=True, consequence=_DEAD)
def rule_token_long(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A word of a rule is longer than 256 bytes, or a side has too many words.

    Bad:
        Sfoo
        R<a*300><TAB>x
    Good:
        Sfoo
        R<a*200><TAB>x
    """
    return _refused(context, index, node, "token-long")


@rule("RS010", "rule-tab-after-comment", Severity.WARNING, RewritingRule)
def rule_tab_after_comment(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """Blanks stand between the sides of a rule, and a tab only before its comment.

    sendmail takes the right side for a part of the pattern, and the comment for the right side.

    Bad:
        Sfoo
        R$* < @ foo >    $@ foo<TAB>a comment
    Good:
        Sfoo
        R$* < @ foo ><TAB>$@ foo<TAB>a comment
    """
    found = re.search(r"[^ ]  +(?=\$[@#])", node.lhs) if "  " in node.lhs else None
    if found is None or "$" in node.rhs:
        return ()
    made = RewritingRule(
        lhs=node.lhs[: found.start() + 1], rhs=node.lhs[found.end() :], comment=node.tabs + node.rhs
    )
    fix = Fix("Put a tab between the sides", (Edit(index, (made,)),), safe=False)
    return (Found(index, "the tab stands before the comment, not between the sides", 1, fix=fix),)


@rule(
    "RS011", "rule-loop", Severity.WARNING, RewritingRule,
    consequence="sendmail gives up after 100 rounds and logs an infinite loop",
)  # fmt: skip
def rule_loop(context: Context, index: int, node: RewritingRule) -> Iterable[Found]:
    """A rule applies again to what it has made.

    A rule is applied as long as it matches, unless its right side begins with $: or $@.

    Bad:
        Sfoo
        R$* < @ $+ ><TAB>$1 < @ $2 >
    Bad:
        Sfoo
        R$*<TAB>x $1
    Good:
        Sfoo
        R$*<TAB>$: x $1
    """
    once = ("$@", "$:", "$#")
    if node.rhs.lstrip(" ")[:2] in once:
        return ()
    read = context.reading.rule
    if read is None or context.reading.refused or read.rhs[0] in once:
        return ()
    if read.lhs == ("$*",) and isinstance(read.lhs[0], Symbol):
        loops = "$>" not in read.rhs
    elif len(read.rhs) != len(read.lhs):
        return ()
    else:
        wild = [
            one for one in read.lhs
            if isinstance(one, Symbol) and (one.sign in ("=", "~") or one in ("$*", "$+", "$-"))
        ]  # fmt: skip
        made = [
            wild[int(one[1]) - 1] if isinstance(one, Symbol) and one[1:].isdecimal() else one
            for one in read.rhs
        ]
        loops = [one.lower() for one in made] == [one.lower() for one in read.lhs] and "$@" not in read.lhs
    return (Found(index, "the rule matches what it makes, and is not limited to one round"),) if loops else ()


@rule("RS012", "rule-quoted-digit", Severity.WARNING, RewritingRule)
def rule_quoted_digit(context: Context, index: int, node: RewritingRule) -> Iterator[Found]:
    """What a wildcard matched is named in quotes.

    Text in quotes is one word, and nothing in it is replaced when the rule is applied.

    Bad:
        Sfoo
        R$*<TAB>$#error $: "no such user $1"
    Good:
        Sfoo
        R$*<TAB>$#error $: "no such user " $1
    """
    if '"' not in node.rhs:
        return
    for at, kind, piece in pieces_of(value_of(node.rhs)):
        if kind == QUOTED and "$" in piece:
            named = re.search(r"(?<!\$)(?:\$\$)*(\$(?:[1-9]|&(?:\{[^}]*\}|.)))", piece)
            if named:
                start = 1 + len(node.lhs) + len(node.tabs) + at + named.start(1)
                yield Found(
                    index, f"{named.group(1)} in quotes stays as it is", start, start + len(named.group(1))
                )


@rule("RS013", "rule-lhs-ampersand", Severity.INFO, RewritingRule)
def rule_lhs_ampersand(context: Context, index: int, node: RewritingRule) -> Iterator[Found]:
    """A pattern holds the value that a macro has when the rule is applied.

    The value is compared as one word; where it has more than one, or the macro is not set, nothing matches.

    Bad:
        Sfoo
        R$&{client_name}<TAB>$@ me
    Good:
        Sfoo
        R$+<TAB>$@ $1
    """
    at = node.lhs.find("$&")
    if at >= 0:
        found = re.match(r"\$&(?:\{[^}]*\}|.)?", node.lhs[at:])
        end = at + (found.end() if found else 2)
        yield Found(index, f"{node.lhs[at:end]} matches a value of one word only", 1 + at, 1 + end)


@rule("RS014", "rule-unreachable", Severity.INFO)
def rule_unreachable(context: Context) -> Iterator[Found]:
    """A rule stands below one that ends the ruleset whatever the address is.

    Bad:
        Sfoo
        R$*<TAB>$@ $1
        R$* x<TAB>$@ $1
    Good:
        Sfoo
        R$* x<TAB>$@ $1
        R$*<TAB>$@ $1
    """
    #: By name: whether a rule has ended the ruleset, and None when that was told.
    ended: Dict[str, Optional[bool]] = {}
    name = ""
    for index in context.cf.indices(Ruleset, RewritingRule):
        node = context.cf[index]
        if isinstance(node, RewritingRule):
            if ended.get(name):
                ended[name] = None
                yield Found(index, "no address comes as far as this rule")
            elif "*" in node.lhs[:2] and node.lhs.strip(" ") == "$*" and node.rhs.lstrip(" ")[:2] in ("$@", "$#"):
                ended.setdefault(name, True)
        elif isinstance(node, Ruleset):
            name = node.name


# Rulesets.


@rule(
    "RS020", "ruleset-bad-name", Severity.ERROR, Ruleset,  HeaderDefinition,
    bad="S", reported="E", refused=True, consequence=_DEAD,
)  # fmt: skip
def ruleset_bad_name(context: Context, index: int, node: Line) -> Iterable[Found]:
    """What should name a ruleset is no name.

    A name begins with a letter and has letters, digits and underscores; or it is a number from 0 to 99.  The
    same holds for the check of a header.

    Bad:
        S-1
    Bad:
        S_x
    Bad:
        HX-Foo: $>-1
    Good:
        Sx_1
    """
    return _refused(context, index, node, "bad-name")


@rule(
    "RS021", "ruleset-bad-number", Severity.ERROR, Ruleset,  HeaderDefinition,
    bad="S", reported="E", refused=True, consequence=_DEAD,
)  # fmt: skip
def ruleset_bad_number(context: Context, index: int, node: Line) -> Iterable[Found]:
    """The number of a ruleset is missing or too large.

    Bad:
        S100
    Bad:
        Sfoo=bar
    Good:
        S99
    Good:
        Sfoo=98
    """
    return _refused(context, index, node, "bad-number")


@rule(
    "RS022", "ruleset-renumbered", Severity.ERROR, Ruleset, MailerDefinition, HeaderDefinition,
    reported="E", refused=True, consequence=_DEAD,
)  # fmt: skip
def ruleset_renumbered(context: Context, index: int, node: Line) -> Iterable[Found]:
    """A ruleset gets a second number.

    A name that a mailer or a header has named before has a number, too.

    Bad:
        Sfoo=30
        Sfoo=31
    Bad:
        HX-Foo: $>foo
        Sfoo=30
    Good:
        Sfoo=30
        HX-Foo: $>foo
    """
    return _refused(context, index, node, "renumbered")


@rule(
    "RS023", "ruleset-too-many", Severity.ERROR, Ruleset, MailerDefinition, HeaderDefinition,
    reported="E", refused=True, consequence=_DEAD,
)  # fmt: skip
def ruleset_too_many(context: Context, index: int, node: Line) -> Iterable[Found]:
    """There are more than 100 rulesets with a name and no number of their own.

    Bad:
        Sa00
        Sa01
        Sa02
        Sa03
        Sa04
        Sa05
        Sa06
        Sa07
        Sa08
        Sa09
        Sa10
        Sa11
        Sa12
        Sa13
        Sa14
        Sa15
        Sa16
        Sa17
        Sa18
        Sa19
        Sa20
        Sa21
        Sa22
        Sa23
        Sa24
        Sa25
        Sa26
        Sa27
        Sa28
        Sa29
        Sa30
        Sa31
        Sa32
        Sa33
        Sa34
        Sa35
        Sa36
        Sa37
        Sa38
        Sa39
        Sa40
        Sa41
        Sa42
        Sa43
        Sa44
        Sa45
        Sa46
        Sa47
        Sa48
        Sa49
        Sa50
        Sa51
        Sa52
        Sa53
        Sa54
        Sa55
        Sa56
        Sa57
        Sa58
        Sa59
        Sa60
        Sa61
        Sa62
        Sa63
        Sa64
        Sa65
        Sa66
        Sa67
        Sa68
        Sa69
        Sa70
        Sa71
        Sa72
        Sa73
        Sa74
        Sa75
        Sa76
        Sa77
        Sa78
        Sa79
        Sa80
        Sa81
        Sa82
        Sa83
        Sa84
        Sa85
        Sa86
        Sa87
        Sa88
        Sa89
        Sa90
        Sa91
        Sa92
        Sa93
        Sa94
        Sa95
        Sa96
        Sa97
        Sa98
        Sa99
        Sb00
    Good:
        Sb00
    """
    return _refused(context, index, node, "too-many")


@rule("RS024", "ruleset-name-tail", Severity.WARNING, Ruleset)
def ruleset_name_tail(context: Context, index: int, node: Ruleset) -> Iterable[Found]:
    """More than a name stands on an S line.

    sendmail ignores what follows the name, so that the ruleset has another name than it seems.

    Bad:
        Sfoo-bar
    Good:
        Sfoo_bar
    """
    tail = value_of(node.ignored).strip(" \t\n\v\f\r")
    if not tail:
        return ()
    end = len(str(evolve(node, ignored=None, comment=None)))
    message = f"sendmail ignores {tail!r} behind the name {node.name}"
    return (Found(index, message, end, end + len(node.ignored or "")),)


@rule("RS025", "ruleset-duplicate", Severity.WARNING, Ruleset, reported="W")
def ruleset_duplicate(context: Context, index: int, node: Ruleset) -> Iterable[Found]:
    """A ruleset that has rules begins once more.

    The rules below are put behind those it has.

    Bad:
        Sfoo
        R$* x<TAB>$: $1
        Sfoo
        R$* y<TAB>$: $1
    Good:
        Sfoo
        R$* x<TAB>$: $1
        R$* y<TAB>$: $1
    """
    reading = context.reading
    if reading.refused or not reading.current:
        return ()
    return (Found(index, f"the ruleset {node.name} has rules already; these are added to them", 1),)


def _rule_uses(context: Context) -> List[Reference]:
    """Where a rule calls a ruleset."""
    found, cf = [], context.cf
    for uses in context.uses(RULESET).values():
        for use in uses:
            text = cf.text(use.index)
            if text[:1] == "R" and text[use.end : use.end + 1] != "$":
                found.append(use)
    return found


def _number(use: Reference) -> bool:
    return use.name[0] in "0123456789" and ruleset_number(use.name) is not None


@rule(
    "RS026", "ruleset-undefined", Severity.ERROR,
    consequence="mail whose addresses come there fails with Unknown ruleset",
)  # fmt: skip
def ruleset_undefined(context: Context) -> Iterator[Found]:
    """A rule calls a ruleset that does not exist.

    Bad:
        Sfoo
        R$*<TAB>$: $>nosuch $1
    Bad:
        Sfoo
        R$*<TAB>$: $>100 $1
    Good:
        Sfoo
        R$*<TAB>$: $>bar $1
        Sbar
    """
    known = context.reading.rulesets
    folded = {name.lower() for name in known}
    for use in context.once(_rule_uses):
        if use.name not in known and not _number(use) and use.name.lower() not in folded:
            near = nearest(use.name, known)
            message = f"there is no ruleset {use.name}"
            yield Found(use.index, message, use.start, use.end, hint=near)


@rule(
    "RS027",
    "ruleset-number-undefined",
    Severity.INFO,
    consequence="sendmail goes on as if it had no rules",
)
def ruleset_number_undefined(context: Context) -> Iterator[Found]:
    """A rule calls a numbered ruleset that no line begins.

    Bad:
        Sfoo
        R$*<TAB>$: $>42 $1
    Good:
        Sfoo
        R$*<TAB>$: $>42 $1
        S42
    """
    known = context.reading.rulesets
    for use in context.once(_rule_uses):
        if _number(use) and (ruleset_number(use.name) or "") not in known:
            yield Found(use.index, f"there is no ruleset {use.name}", use.start, use.end)


@rule(
    "RS028", "ruleset-case", Severity.ERROR,
    consequence="mail whose addresses come there fails with Unknown ruleset",
)  # fmt: skip
def ruleset_case(context: Context) -> Iterator[Found]:
    """A rule calls a ruleset by a name that differs in upper and lower case.

    Bad:
        Sfoo
        R$*<TAB>$: $>Bar $1
        Sbar
    Good:
        Sfoo
        R$*<TAB>$: $>bar $1
        Sbar
    """
    known = context.reading.rulesets
    folded = {name.lower(): name for name in known}
    for use in context.once(_rule_uses):
        if use.name not in known and use.name.lower() in folded:
            hint = folded[use.name.lower()]
            yield Found(use.index, f"there is no ruleset {use.name}", use.start, use.end, hint=hint)


def _used(context: Context) -> Set[str]:
    """All names and numbers of rulesets that something calls."""
    return {
        ruleset_number(name) or name if name[0] in "0123456789" else name for name in context.uses(RULESET)
    }


def _defined(context: Context) -> List[Tuple[int, Ruleset, List[str]]]:
    """The first S line of each ruleset, and all names that it has anywhere."""
    names: Dict[str, List[str]] = {}
    lines: Dict[str, Tuple[int, Ruleset]] = {}
    for index, node in context.cf.of_kind(Ruleset):
        if "$" not in node.name:
            name, number = node.both
            key = number or name or ""
            names.setdefault(key, []).extend(one for one in (name, number) if one)
            lines.setdefault(key, (index, node))
    return [(index, node, names[key]) for key, (index, node) in lines.items()]


@lru_cache(maxsize=256)
def _hook_like(name: str) -> Optional[str]:
    return nearest(name, _HOOKS, 0.85)


@rule("RS029", "ruleset-hook-typo", Severity.WARNING, consequence="sendmail never calls it")
def ruleset_hook_typo(context: Context) -> Iterator[Found]:
    """A ruleset that nothing calls has nearly the name of one that sendmail itself calls.

    Bad:
        Scheck_rpct
        R$*<TAB>$: $1
    Good:
        Scheck_rcpt
        R$*<TAB>$: $1
    """
    used = context.once(_used)
    for index, node, names in context.once(_defined):
        if not used.isdisjoint(names) or not _HOOKS.isdisjoint(names) or len(node.name) < 4:
            continue
        near = _hook_like(node.name.lower())
        if near:
            yield Found(index, f"sendmail calls no ruleset {node.name}, and no rule does", 1, hint=near)


@rule("RS030", "ruleset-unused", Severity.INFO)
def ruleset_unused(context: Context) -> Iterator[Found]:
    """Nothing calls a ruleset.

    Bad:
        Sfoo
        R$* x<TAB>$: $1
    Good:
        Scheck_rcpt
        R$*<TAB>$: $>foo $>"bar" $1
        Sfoo
        R$* x<TAB>$: $1
        Sbar
        R$* y<TAB>$: $1
    """
    used = context.once(_used)
    for index, node, names in context.once(_defined):
        if used.isdisjoint(names) and _HOOKS.isdisjoint(names):
            yield Found(index, f"nothing calls the ruleset {node.name}", 1)


@rule("RS031", "ruleset-empty", Severity.INFO)
def ruleset_empty(context: Context) -> Iterator[Found]:
    """A ruleset that sendmail itself calls has no rules.

    It is as if it were not there, with one exception: an authinfo without rules makes sendmail ignore
    DefaultAuthInfo.

    Bad:
        Scheck_rcpt
    Good:
        Scheck_rcpt
        R$*<TAB>$: $1
    """
    for index, node, names in context.once(_defined):
        name = node.both[0] or node.name
        if not _HOOKS.isdisjoint(names) and context.reading.rulesets.get(name) == []:
            yield Found(index, f"the ruleset {node.name} has no rules", 1)


@rule(
    "RS032",
    "ruleset-required",
    Severity.ERROR,
    consequence="no mail is delivered: no mailer in parsed address",
)
def ruleset_required(context: Context) -> Iterator[Found]:
    """There are rulesets, and ruleset 0, which finds the mailer of an address, has no rules.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
        S3
        R$*<TAB>$@ $1
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
        S3
        R$*<TAB>$@ $1
        Sparse=0
        R$*<TAB>$#local $: $1
    """
    rulesets = context.reading.rulesets
    if any(rulesets.values()) and not rulesets.get("0"):
        yield Found(None, "ruleset 0 has no rules")
