"""OP: options.

The one thing to know: sendmail takes a name in any case, and any abbreviation that begins just one of the
options that it was built with.
"""

from __future__ import annotations

import difflib
from typing import Iterator, List, Tuple

from attrs import evolve

from ...known.options import OPTIONS, OptionRow
from ...nodes import BadLine, Option, ShortOption
from ...values import option_row, short_option_row
from ..context import Context
from ..problem import Edit, Fix, Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"


def _meant(context: Context, name: str) -> List[OptionRow]:
    """The options that a name may stand for in this sendmail: one, several where it is ambiguous, or none."""
    head, here = name.partition(".")[0].lower(), context.settings.options
    if head in here:
        return [here[head]]
    return [row for lower, row in here.items() if head and lower.startswith(head)]


def _place(node: Option) -> Tuple[int, int]:
    start = 1 + len(node.blank)
    return start, start + len(node.name)


@rule("OP001", "option-unknown", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_unknown(context: Context, index: int, node: Option) -> Iterator[Found]:
    """An O line sets an option that sendmail does not have.

    sendmail refuses the file.  An option that another release has, or another build, is unknown too.

    Bad:
        O MaxHopCuont=30
    Bad (version 8.16):
        O CheckAliasses=True
    Good:
        O MaxHopCount=30
    """
    if _meant(context, node.name):
        return
    here = context.settings.options
    near = difflib.get_close_matches(node.name.lower(), here, 1)
    hint = here[near[0]].name if near else None
    fix = None
    if hint:
        fix = Fix(f"Write {hint}", (Edit(index, (evolve(node, name=hint),)),))
    absent = next((row for row in OPTIONS if row.name.lower() == node.name.lower()), None)
    why = context.settings.missing(absent) if absent else ""
    message = f"there is no option {node.name}" + (f" here: {why}" if why else "")
    yield Found(index, message, *_place(node), hint=hint, fix=fix)


@rule("OP002", "option-ambiguous", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_ambiguous(context: Context, index: int, node: Option) -> Iterator[Found]:
    """The name of an option is an abbreviation of several.

    Bad:
        O Max=30
    Good:
        O MaxHopCount=30
    """
    meant = _meant(context, node.name)
    if len(meant) > 1:
        shown = ", ".join(row.name for row in meant)
        yield Found(index, f"{node.name} begins several options: {shown}", *_place(node))


@rule("OP003", "option-abbreviated", Severity.WARNING, Option, reported="N")
def option_abbreviated(context: Context, index: int, node: Option) -> Iterator[Found]:
    """The name of an option is abbreviated.

    sendmail takes it, until a release has a second option that begins so; then it does not start.

    Bad:
        O MaxHop=30
    Good:
        O MaxHopCount=30
    """
    meant, (head, dot, rest) = _meant(context, node.name), node.name.partition(".")
    if len(meant) == 1 and meant[0].name.lower() != head.lower():
        name = meant[0].name
        fix = Fix(f"Write {name}", (Edit(index, (evolve(node, name=name + dot + rest),)),))
        start, _ = _place(node)
        yield Found(index, f"{head} is short for {name}", start, start + len(head), hint=name, fix=fix)


@rule("OP004", "option-letter-unknown", Severity.ERROR, ShortOption, reported="E", consequence=_DEAD)
def option_letter_unknown(context: Context, index: int, node: ShortOption) -> Iterator[Found]:
    """An O line without a blank sets an option of a letter that none has.

    Bad:
        ON
    Good:
        O MaxHopCount=30
    """
    row = short_option_row(node.flag)
    if row is None or context.settings.missing(row):
        yield Found(index, f"there is no option of the letter {node.flag!r}", 1, 2)


@rule("OP005", "option-no-name", Severity.ERROR, bad="O", reported="E", consequence=_DEAD)
def option_no_name(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """An O line names no option.

    Bad:
        O =30
    Good:
        O MaxHopCount=30
    """
    yield Found(index, "the O line names no option")


@rule("OP006", "option-suboption-unknown", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_suboption_unknown(context: Context, index: int, node: Option) -> Iterator[Found]:
    """A timeout or a setting of filters has a name that sendmail does not know.

    Bad:
        O Timeout.qeuereturn=5d
    Bad:
        O Milter.macros.conect=j
    Good:
        O Timeout.queuereturn=5d
    """
    meant, sub = _meant(context, node.name), node.name.partition(".")[2]
    if len(meant) != 1 or meant[0].kind != "suboptions" or not sub:
        return
    head = f"{meant[0].name}."
    if option_row(head + sub) is None:
        names = {row.name[len(head) :].lower(): row.name for row in OPTIONS if row.name.startswith(head)}
        near = difflib.get_close_matches(sub.lower(), names, 1)
        hint = names[near[0]] if near else None
        fix = Fix(f"Write {hint}", (Edit(index, (evolve(node, name=hint),)),)) if hint else None
        end = _place(node)[1]
        yield Found(index, f"{head} has no {sub}", end - len(sub), end, hint=hint, fix=fix)


@rule("OP007", "option-queuedir-missing", Severity.ERROR, reported="E", consequence=_DEAD)
def option_queuedir_missing(context: Context) -> Iterator[Found]:
    """QueueDirectory is not set.

    Bad (whole):
        V10/Berkeley
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    if "QueueDirectory" not in context.cf.options:
        yield Found(None, "QueueDirectory is not set")
