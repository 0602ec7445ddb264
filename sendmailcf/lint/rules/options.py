"""OP: options.

The one thing to know: sendmail takes a name in any case, and any abbreviation that begins just one of the
options that it was built with.  Few values are checked: garbage is silently 0, False, or a strange path.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from attrs import evolve

from ...expressions import symbols, unquoted
from ...known.maps import WORD, MapClassRow
from ...known.options import OPTIONS, OptionRow
from ...nodes import BadLine, KeyFile, Option, RewritingRule, ShortOption
from ...text import nearest, number, stored
from ...values import (
    interval,
    map_class_row,
    option_row,
    short_option_row,
    split_arguments,
)
from ..context import Context, OptionLine
from ..host import group, user
from ..problem import Edit, Fix, Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"
_BLANKS = " \t\n\v\f\r"


def _place(node: Option) -> Tuple[int, int]:
    start = 1 + len(node.blank)
    return start, start + len(node.name)


def _near(name: str, known: Iterable[str]) -> Optional[str]:
    """The word that was probably meant, in its own spelling."""
    lower = {one.lower(): one for one in known}
    found = nearest(name.lower(), lower)
    return lower[found] if found else None


def _spelled(index: int, node: Option, name: str, better: str) -> Fix:
    """Another name for an option: plainly meant where few letters differ."""
    from difflib import SequenceMatcher

    alike = SequenceMatcher(None, name.lower(), better.lower()).ratio()
    return Fix(f"Write {better}", (Edit(index, (evolve(node, name=better),)),), safe=alike >= _ALIKE)


_ALIKE = 0.85


def _lines(context: Context, *names: str) -> Iterator[OptionLine]:
    """The lines that set one of these options."""
    for name in names:
        yield from context.options.get(name, ())


def _all(context: Context, *kinds: str) -> Iterator[OptionLine]:
    """The lines that set an option whose value is of one of these kinds; for Timeout that of its suboption."""
    for lines in context.options.values():
        for one in lines:
            row = _row(one)
            if row is not None and row.kind in kinds:
                yield one


def _row(one: OptionLine) -> Optional[OptionRow]:
    """The row of what a line sets: of the suboption, where there is one."""
    return option_row(f"{one.row.name}.{one.sub}") if one.row.kind == "suboptions" and one.sub else one.row


def _last(context: Context, name: str) -> Optional[OptionLine]:
    lines = context.options.get(name)
    return lines[-1] if lines else None


def _true(context: Context, name: str) -> Optional[OptionLine]:
    """The line that sets a boolean option to True, if it is so in the end."""
    last = _last(context, name)
    return last if last is not None and last.value[:1] in ("", *"tTyY") else None


@rule("OP001", "option-unknown", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_unknown(context: Context, index: int, node: Option) -> Iterator[Found]:
    """An O line sets an option that sendmail does not have.

    Bad:
        O MaxHopCuont=30
    Bad (version 8.16):
        O CheckAliasses=True
    Good:
        O MaxHopCount=30
    """
    head, dot, sub = node.name.partition(".")
    if context.settings.meant(head) or node.name[0] in _BLANKS or _absent(head):
        return
    if node.equals is None and _without_equals(context, node) is not None:
        return
    hint = _near(head, (row.name for row in context.settings.options.values()))
    fix = _spelled(index, node, head, hint + dot + sub) if hint else None
    yield Found(index, f"there is no option {node.name}", *_place(node), hint=hint, fix=fix)


def _absent(name: str) -> Optional[str]:
    """The option of another release or build that a name is."""
    return next((row.name for row in OPTIONS if row.name.lower() == name.lower() and row.name), None)


@rule("OP010", "option-version", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_version(context: Context, index: int, node: Option) -> Iterator[Found]:
    """An option is of a newer sendmail, or of one that was built in another way.

    Such an option is unknown, and sendmail does not start.

    Bad (version 8.15):
        O CRLPath=/etc/mail/certs
    Bad:
        O DANE=True
    Good (version 8.16; with DANE):
        O DANE=True
    """
    head = node.name.partition(".")[0]
    name = None if context.settings.meant(head) else _absent(head)
    if name:
        row = option_row(name)
        why = context.settings.missing(row) if row is not None else ""
        yield Found(index, f"there is no option {name} here: {why}", *_place(node))


@rule("OP002", "option-ambiguous", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_ambiguous(context: Context, index: int, node: Option) -> Iterator[Found]:
    """The name of an option is an abbreviation of several.

    Bad:
        O Max=30
    Good:
        O MaxHopCount=30
    """
    head = node.name.partition(".")[0]
    meant = context.settings.meant(head)
    if len(meant) > 1:
        shown = ", ".join(row.name for row in meant)
        yield Found(index, f"{head} begins several options: {shown}", *_place(node))


@rule("OP003", "option-abbreviated", Severity.WARNING, Option, reported="N")
def option_abbreviated(context: Context, index: int, node: Option) -> Iterator[Found]:
    """The name of an option is abbreviated.

    sendmail takes it, until a release has a second option that begins so; then it does not start.

    Bad:
        O MaxHop=30
    Good:
        O MaxHopCount=30
    """
    head, dot, rest = node.name.partition(".")
    meant = context.settings.meant(head)
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
    Bad:
        ONiceQueueRun=1
    Good:
        O MaxHopCount=30
    """
    row = short_option_row(node.flag)
    if (row is None or context.settings.missing(row)) and node.flag not in _BLANKS:
        long = _long_name(context, node)
        yield Found(
            index, f"there is no option of the letter {node.flag!r}", 1, 2, hint=f"O {long.name}" if long else None,
            fix=Fix("Put a blank behind O", (Edit(index, (long,)),)) if long else None,
        )  # fmt: skip


def _long_name(context: Context, node: ShortOption) -> Optional[Option]:
    """What the line would be with a blank behind the O, if that sets an option."""
    name, equals, value = (node.flag + (node.value or "")).partition("=")
    found = re.fullmatch(r"([A-Za-z0-9.]+)( *)", name)
    if (
        found is None
        or len(found.group(1)) < 4
        or len(context.settings.meant(found.group(1).partition(".")[0])) != 1
    ):
        return None
    blanks = re.match(r" *", value)
    gap = blanks.group() if blanks else ""
    return Option(
        name=found.group(1), equals=(found.group(2) + "=" + gap) if equals else None,
        value=value[len(gap) :] or None, comment=node.comment,
    )  # fmt: skip


@rule("OP005", "option-no-name", Severity.ERROR, bad="O", reported="E", consequence=_DEAD)
def option_no_name(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """An O line names no option.

    Bad:
        O =30
    Good:
        O MaxHopCount=30
    """
    yield Found(index, "the O line names no option")


@rule("OP008", "option-no-equals", Severity.ERROR, Option, reported="E", consequence=_DEAD)
def option_no_equals(context: Context, index: int, node: Option) -> Iterator[Found]:
    """A blank stands between an option and its value, where `=` belongs.

    sendmail takes all of it for the name of an option.

    Bad:
        O MaxHopCount 30
    Good:
        O MaxHopCount=30
    """
    if node.equals is None and not context.settings.meant(node.name.partition(".")[0]):
        better = _without_equals(context, node)
        if better is not None:
            fix = Fix("Put = behind the name", (Edit(index, (better,)),))
            yield Found(index, f"there is no = between {better.name} and its value", *_place(node), fix=fix)


def _without_equals(context: Context, node: Option) -> Optional[Option]:
    """The line with `=` between the name and the value, if the name is an option's."""
    found = re.fullmatch(r"([A-Za-z0-9.*-]+)[ \t]+(.+)", node.name)
    if found is None or len(context.settings.meant(found.group(1).partition(".")[0])) != 1:
        return None
    return evolve(node, name=found.group(1), equals="=", value=found.group(2))


@rule("OP009", "option-two-spaces", Severity.ERROR, Option, ShortOption, reported="E", consequence=_DEAD)
def option_two_spaces(context: Context, index: int, node: Option | ShortOption) -> Iterator[Found]:
    """Between O and the name of an option stands something else than one blank.

    A second blank is taken for a part of the name, and a tab for an option of that letter.

    Bad:
        O  MaxHopCount=30
    Bad:
        O<TAB>MaxHopCount=30
    Good:
        O MaxHopCount=30
    """
    if isinstance(node, Option) and node.name[0] in _BLANKS:
        name = node.name.lstrip(_BLANKS)
        fixed: Optional[Option] = evolve(node, name=name)
        if not context.settings.meant(name.partition(".")[0]):
            fixed = None
    elif isinstance(node, ShortOption) and node.flag in _BLANKS:
        value = (node.value or "").lstrip(_BLANKS)
        fixed = (
            _long_name(context, evolve(node, flag=value[:1] or " ", value=value[1:] or None))
            if value
            else None
        )
    else:
        return
    fix = Fix("Leave one blank", (Edit(index, (fixed,)),)) if fixed is not None else None
    yield Found(index, "behind O stands one blank, and then the name", 1, 2, fix=fix)


@rule("OP006", "option-timeout-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def option_timeout_unknown(context: Context) -> Iterator[Found]:
    """A timeout has a name that sendmail does not know.

    Bad:
        O Timeout.qeuereturn=5d
    Bad:
        O Timeout=mail:5m,foo:3m
    Good:
        O Timeout.queuereturn=5d
    """
    known = _suboptions("Timeout")
    for one in _lines(context, "Timeout"):
        for name in _timeouts(one):
            if name.lower() not in known:
                yield _unknown_suboption(one, name, known)


def _suboptions(option: str) -> Dict[str, str]:
    """The suboptions by their names in lower case."""
    head = f"{option}."
    return {
        row.name[len(head) :].lower(): row.name[len(head) :] for row in OPTIONS if row.name.startswith(head)
    }


def _timeouts(one: OptionLine) -> List[str]:
    """The names of the timeouts that a line sets."""
    if isinstance(one.node, Option) and "." in one.node.name:
        return [one.sub]
    if one.value[:1] in tuple("0123456789"):
        return []
    parts = (re.match(r"([^:=]*)[:=]", part.lstrip(_BLANKS)) for part in one.value.split(","))
    return [part.group(1) for part in parts if part]


def _unknown_suboption(one: OptionLine, name: str, known: Dict[str, str]) -> Found:
    hint, fix, place = _near(name, known.values()), None, one.place(name)
    if isinstance(one.node, Option) and name == one.sub:
        head = one.node.name.partition(".")[0]
        if hint:
            fix = _spelled(one.index, one.node, f"{head}.{name}", f"{head}.{hint}")
        end = _place(one.node)[1]
        place = end - len(name), end
    return Found(one.index, f"{one.row.name} has no {name or 'empty name'}", *place, hint=hint, fix=fix)


@rule("OP037", "option-milter-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def option_milter_unknown(context: Context) -> Iterator[Found]:
    """The option Milter has no suboption, or one that sendmail does not know.

    Bad:
        O Milter.macros.conect=j
    Bad:
        O Milter=x
    Good:
        O Milter.macros.connect=j
    """
    known = _suboptions("Milter")
    for one in _lines(context, "Milter"):
        if not (isinstance(one.node, Option) and "." in one.node.name):
            yield Found(one.index, "Milter needs a suboption, as in Milter.LogLevel", *one.place())
        elif one.sub.lower() not in known:
            yield _unknown_suboption(one, one.sub, known)


@rule("OP038", "option-milter-macros", Severity.ERROR, reported="E", consequence=_DEAD)
def option_milter_macros(context: Context) -> Iterator[Found]:
    """More than 50 macros are sent to filters at one point.

    Bad:
        O Milter.macros.connect=a b c d e f g h i j k l m n o p q r s t u v w x y z A B C D E F G H I J K L M N O P Q R S T U V W X Y
    Good:
        O Milter.macros.connect=j, _, {daemon_name}
    """  # noqa: E501
    for one in _lines(context, "Milter"):
        if (
            one.sub.lower().startswith("macros.")
            and len(re.findall(f"[^,{_BLANKS}]+", one.value)) > _MAX_MACROS
        ):
            yield Found(
                one.index, f"{one.row.name}.{one.sub} holds more than {_MAX_MACROS} macros", *one.place()
            )


_MAX_MACROS = 50


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
    if "QueueDirectory" not in context.options:
        yield Found(None, "QueueDirectory is not set")


@rule("OP046", "option-queuedir-unusable", Severity.ERROR, reported="E", consequence=_DEAD)
def option_queuedir_unusable(context: Context) -> Iterator[Found]:
    """sendmail cannot enter its queue directory.

    It goes there when it starts, as the user of RunAsUser.  A name that ends in `*` stands for all directories that
    begin so, and must be absolute.

    Bad (whole):
        --- /etc/mail/sendmail.cf
        V10/Berkeley
        O QueueDirectory=/var/spool/mqeue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    Good (whole):
        --- /etc/mail/sendmail.cf
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    last = _last(context, "QueueDirectory")
    if last is None:
        return
    path = last.value or "mqueue"
    if path.endswith("*"):
        if path[0] != "/":
            yield Found(last.index, f"{path} must be absolute where it ends in *", *last.place())
            return
        path = path.rpartition("/")[0] or "/"
    facts = context.file(path)
    if facts is None or (facts.data is None and not facts.missing and facts.problem is None):
        return
    if path[0] != "/":
        yield Found(last.index, f"the queue directory {path} is not absolute", *last.place())
    elif facts.missing:
        yield Found(last.index, f"there is no directory {path}", *last.place())
    elif facts.data is not None:
        yield Found(last.index, f"{path} is no directory", *last.place())
    elif facts.judged and not _may_enter(context, facts.mode, facts.uid, getattr(facts, "gid", -1)):
        yield Found(last.index, f"the user of RunAsUser cannot enter {path}", *last.place())


def _may_enter(context: Context, mode: int, uid: int, gid: int) -> bool:
    """Whether the user of RunAsUser may enter a directory; where it cannot be told, yes."""
    last = _last(context, "RunAsUser")
    named, grouped = _split_user(last.value) if last else ("", "")
    ids = (number(named), -1) if re.fullmatch(r"[0-9]+", named) else user(context, named)
    if ids is None or ids[0] <= 0:
        return True
    run_gid = (
        number(grouped) if re.match("[0-9]", grouped) else group(context, grouped) if grouped else ids[1]
    )
    bits = 0o100 if ids[0] == uid else 0o010 if run_gid in (gid, None) else 0o001
    return bool(mode & bits)


def _split_user(text: str) -> Tuple[str, str]:
    """The user and the group of DefaultUser or RunAsUser."""
    found = re.match(r"([^./:]*)[./:]?(.*)", text, re.DOTALL)
    return (found.group(1), found.group(2)) if found else (text, "")


@rule("OP047", "option-msp-user", Severity.ERROR, reported="E", consequence=_DEAD)
def option_msp_user(context: Context) -> Iterator[Found]:
    """UseMSP is set, and RunAsUser is not, or is root.

    A sendmail that only submits mail must not run as root; started by root, it refuses to.

    Bad:
        O UseMSP=True
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/tmp
        O UseMSP=True
        O RunAsUser=8
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    msp, last = _true(context, "UseMSP"), _last(context, "RunAsUser")
    if msp is None:
        return
    named = _split_user(last.value)[0] if last else ""
    known = user(context, named) if named and named[0] not in "0123456789" else None
    if (
        last is None
        or named in ("", "root")
        or re.match(r"0+(?![0-9])", named)
        or known in ((-1, -1), (0, 0))
    ):
        yield Found(msp.index, "UseMSP needs RunAsUser with a user that is not root", *msp.place())


# Values that sendmail refuses.


@rule("OP022", "option-enum", Severity.ERROR, reported="F", consequence="sendmail stops at this line")
def option_enum(context: Context) -> Iterator[Found]:
    """EightBitMode or DeliveryMode has a value that there is not.

    The first letter decides, in lower case.

    Bad:
        O EightBitMode=Pass
    Bad:
        O DeliveryMode=sync
    Good:
        O EightBitMode=pass8
        O DeliveryMode=background
    """
    for one in _lines(context, "EightBitMode", "DeliveryMode"):
        empty = one.row.name == "DeliveryMode" and not one.value
        if not empty and one.value[:1] not in [choice[0] for choice in one.row.choices]:
            yield Found(one.index, *_not_one_of(one), hint=_near(one.value, one.row.choices))


def _not_one_of(one: OptionLine) -> Tuple[str, int, int]:
    return (f"{one.row.name} is one of {', '.join(one.row.choices)}", *one.place())


@rule("OP023", "option-choice", Severity.ERROR, reported="E", consequence=_DEAD)
def option_choice(context: Context) -> Iterator[Found]:
    """QueueSortOrder or NoRecipientAction has a value that there is not.

    Of QueueSortOrder the first letter decides, of NoRecipientAction the whole word; case does not count.

    Bad:
        O QueueSortOrder=x
    Bad:
        O NoRecipientAction=add
    Good:
        O QueueSortOrder=Host
        O NoRecipientAction=add-to-undisclosed
    """
    for one in _lines(context, "QueueSortOrder", "NoRecipientAction"):
        word, choices = one.value.lower(), one.row.choices
        known = word in choices or (
            one.row.kind == "letter" and word[:1] in [choice[0] for choice in choices]
        )
        if not known:
            yield Found(one.index, *_not_one_of(one), hint=_near(word, choices))


@rule("OP025", "option-flag-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def option_flag_unknown(context: Context) -> Iterator[Found]:
    """A word of PrivacyOptions, DontBlameSendmail, ServerSSLOptions or ClientSSLOptions is not known.

    Words of the first two are of letters and digits, and everything else separates them.

    Bad:
        O PrivacyOptions=authwarnings,no-expn
    Bad:
        O DontBlameSendmail=GroupReadableAuthInfoFile
    Bad:
        O ServerSSLOptions=SSL_OP_NO_SSL3
    Good:
        O PrivacyOptions=authwarnings,noexpn
        O ServerSSLOptions=+SSL_OP_NO_SSLv3 -0x10
    """
    for one in _lines(context, "PrivacyOptions", "DontBlameSendmail", "ServerSSLOptions", "ClientSSLOptions"):
        known = {choice.lower() for choice in one.row.choices}
        for word in _ssl_words(one.value) if one.row.needs else _flag_words(one.value):
            if word and word.lower() not in known and not (one.row.needs and word[0] in "0123456789"):
                place = one.place(word)
                yield Found(
                    one.index, f"{one.row.name} knows no {word}", *place, hint=_near(word, one.row.choices)
                )
        if not one.row.needs and "" in _flag_words(one.value):
            yield Found(one.index, f"{one.row.name} has a character that separates no words", *one.place())


def _flag_words(text: str) -> List[str]:
    """The words of PrivacyOptions and DontBlameSendmail; one is empty where a character stands that is neither part of
    a word nor separates two."""
    if text.isascii() and text.isprintable():
        return re.findall(r"[A-Za-z0-9]+", text)
    # Any character ends a word, and is taken with it.
    separators = r"[\t-\r !-/:-@\[-`{-~]*"
    found = re.findall(
        rf"{separators}(?:([A-Za-z0-9]+).?|([^A-Za-z0-9]))", stored(text).decode("latin-1"), re.DOTALL
    )
    return [word for word, _ in found]


def _ssl_words(text: str) -> Iterator[str]:
    """The words of a list of SSL options, without + and -; an empty one where nothing stands between separators."""
    at = 0
    while at < len(text):
        found = re.compile(rf" *([+-]?)([^,{_BLANKS}]*)(.?)", re.DOTALL).match(text, at)
        if (
            found is None
            or found.end() == at
            or (not found.group(1) and not found.group(2) and not found.group(3))
        ):
            return
        yield found.group(2)
        at = found.end()


@rule("OP029", "option-ssl-blank-comma", Severity.ERROR, reported="E", consequence=_DEAD)
def option_ssl_blank_comma(context: Context) -> Iterator[Found]:
    """In a list of SSL options nothing stands between two separators.

    A comma or one blank ends a word, so a comma behind a blank is preceded by an empty word.

    Bad:
        O ServerSSLOptions=SSL_OP_NO_SSLv2 , SSL_OP_NO_SSLv3
    Good:
        O ServerSSLOptions=SSL_OP_NO_SSLv2, SSL_OP_NO_SSLv3
    """
    for one in _lines(context, "ServerSSLOptions", "ClientSSLOptions"):
        if "" in _ssl_words(one.value):
            fix = None
            better = re.sub(r" +,", ",", one.value)
            if "" not in _ssl_words(better):
                fix = Fix("Remove the blank", (Edit(one.index, (evolve(one.node, value=better),)),))
            yield Found(one.index, f"{one.row.name} has an empty word", *one.place(), fix=fix)


@rule("OP026", "option-resolver-comma", Severity.ERROR, reported="E", consequence=_DEAD)
def option_resolver_comma(context: Context) -> Iterator[Found]:
    """A word of ResolverOptions is not known, as where commas stand between the words.

    Only white space separates them.

    Bad:
        O ResolverOptions=+aaonly,-dnsrch
    Bad:
        O ResolverOptions=+aaonly -dnserch
    Good:
        O ResolverOptions=+AAonly -DNSRCH
    """
    for one in _lines(context, "ResolverOptions"):
        known = {choice.lower() for choice in one.row.choices} - {"use_inet6"}
        for word in _resolver_words(one.value):
            if word.lower() not in known:
                fix = None
                parts = [part.lstrip("+-").lower() for part in one.value.replace(",", " ").split()]
                if "," in word and set(parts) <= known:
                    better = one.value.replace(",", " ")
                    fix = Fix(
                        "Separate the words by blanks", (Edit(one.index, (evolve(one.node, value=better),)),)
                    )
                hint = _near(word, one.row.choices)
                yield Found(
                    one.index,
                    f"ResolverOptions knows no {word or 'empty word'}",
                    *one.place(word),
                    hint=hint,
                    fix=fix,
                )


def _resolver_words(text: str) -> Iterator[str]:
    """The words of ResolverOptions, without + and -; one white space ends each, and only blanks are skipped."""
    at = 0
    while True:
        at += len(text[at:]) - len(text[at:].lstrip(" "))
        if at >= len(text):
            return
        found = re.compile(rf"[+-]?([^{_BLANKS}]*).?", re.DOTALL).match(text, at)
        if found is None:
            return
        yield found.group(1)
        at = found.end()


@rule("OP032", "option-user-unknown", Severity.ERROR, reported="E", consequence=_DEAD)
def option_user_unknown(context: Context) -> Iterator[Found]:
    """DefaultUser, RunAsUser or TrustedUser names a user or group that the host does not have.

    Bad:
        O TrustedUser=
    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultUser=nosuch
        --- /etc/passwd
        root:x:0:0:root:/root:/bin/sh
        mail:x:8:8:mail:/var/mail:/bin/sh
    Good:
        --- /etc/mail/sendmail.cf
        O DefaultUser=mail:8
        --- /etc/passwd
        root:x:0:0:root:/root:/bin/sh
        mail:x:8:8:mail:/var/mail:/bin/sh
    """
    for one in _lines(context, "DefaultUser", "RunAsUser", "TrustedUser", "g"):
        name = one.row.name
        named, grouped = _split_user(one.value) if name in ("DefaultUser", "RunAsUser") else (one.value, "")
        if name == "":
            named, grouped = "0", named or " "
        if named[:1] not in tuple("0123456789") and (not named or user(context, named) == (-1, -1)):
            yield Found(one.index, f"{name}: {_there_is_no('user', named)}", *one.place(named))
        elif grouped and grouped[0] not in "0123456789" and (grouped == " " or group(context, grouped) == -1):
            yield Found(
                one.index, f"{name or 'Og'}: {_there_is_no('group', grouped.strip())}", *one.place(grouped)
            )


def _there_is_no(what: str, name: str) -> str:
    return f"there is no {what} {name}" if name else f"the name of a {what} is missing"


@rule("OP039", "option-connect-only-to", Severity.ERROR, reported="E", consequence=_DEAD)
def option_connect_only_to(context: Context) -> Iterator[Found]:
    """ConnectOnlyTo is no address, or its port is none.

    It is an IPv4 or IPv6 address, without brackets, perhaps with a port and `@` before it.

    Bad:
        O ConnectOnlyTo=localhost
    Bad:
        O ConnectOnlyTo=70000@127.0.0.1
    Good:
        O ConnectOnlyTo=2525@127.0.0.1
    """
    for one in _lines(context, "ConnectOnlyTo"):
        port, at, address = one.value.partition("@") if "@" in one.value else ("", "", one.value)
        if at and c_number(port) > 65535:
            yield Found(one.index, f"there is no port {port}", *one.place(port))
        elif not is_inet6(address) and inet_addr(address) in (None, 0xFFFFFFFF):
            yield Found(one.index, f"{address or 'an empty text'} is no IP address", *one.place(address))


def c_number(text: str) -> int:
    """A number as C's strtoul reads it with base 0, as a signed int; garbage is 0."""
    found = re.match(rf"[{_BLANKS}]*([+-]?)(0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*)", text)
    if found is None:
        return 0
    value = min(_unsigned(found.group(2)), (1 << 64) - 1)
    value = (-value if found.group(1) == "-" else value) & 0xFFFFFFFF
    return value - (1 << 32) if value >= 1 << 31 else value


def _unsigned(digits: str) -> int:
    """A number whose base its beginning tells: 0x, 0 or another digit."""
    if digits[:1] != "0":
        return number(digits)
    return int(digits, 16 if digits[:2] in ("0x", "0X") else 8)


def inet_addr(text: str) -> Optional[int]:
    """An IPv4 address as inet_addr(3) reads it: one to four numbers of any base; None if it is none."""
    found = re.match(
        rf"((?:0[xX][0-9A-Fa-f]+|[0-9]+)(?:\.(?:0[xX][0-9A-Fa-f]+|[0-9]+)){{0,3}})(?:[{_BLANKS}]|$)", text
    )
    if found is None:
        return None
    parts = found.group(1).split(".")
    if any(re.fullmatch(r"0[0-9]*[89][0-9]*", part) for part in parts):
        return None
    numbers = [_unsigned(part) for part in parts]
    if any(n > 255 for n in numbers[:-1]) or numbers[-1] >= 1 << (8 * (5 - len(numbers))):
        return None
    return sum(n << (24 - 8 * at) for at, n in enumerate(numbers[:-1])) + numbers[-1]


def is_inet6(text: str) -> bool:
    """Whether a text is an IPv6 address, perhaps with IPv6: before it."""
    text = re.sub(r"^IPv6:", "", text, flags=re.IGNORECASE)
    from socket import AF_INET6, inet_pton

    try:
        inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return False
    return True


@rule("OP040", "option-mailbox-database", Severity.ERROR, reported="F", consequence=_DEAD)
def option_mailbox_database(context: Context) -> Iterator[Found]:
    """MailboxDatabase is no kind of database that sendmail has.

    Bad:
        O MailboxDatabase=passwd
    Good:
        O MailboxDatabase=pw
    """
    last = _last(context, "MailboxDatabase")
    known = ["pw", *(["ldap"] if context.settings.has("LDAPMAP") else [])]
    if last is not None and last.value.partition(".")[0] not in known:
        yield Found(last.index, f"MailboxDatabase is one of {', '.join(known)}", *last.place())


@rule("OP041", "option-smtputf8", Severity.ERROR, reported="E", consequence=_DEAD)
def option_smtputf8(context: Context) -> Iterator[Found]:
    """SmtpUTF8 is set in a sendmail that is built without it.

    Bad:
        O SmtpUTF8=True
    Good (with USE_EAI):
        O SmtpUTF8=True
    """
    for one in _lines(context, "SmtpUTF8"):
        if one.value[:1] in ("", *"tTyY") and not context.settings.has("USE_EAI"):
            yield Found(one.index, "this sendmail is built without USE_EAI", *one.place())


@rule("OP035", "option-alias-class", Severity.ERROR, reported="E", consequence=_DEAD)
def option_alias_class(context: Context) -> Iterator[Found]:
    """A part of AliasFile names a map class that there is not, or that holds no aliases.

    Bad:
        O AliasFile=zork:/etc/mail/aliases
    Bad:
        O AliasFile=host:/etc/mail/aliases
    Good:
        O AliasFile=hash:/etc/mail/aliases, /etc/mail/lists
    """
    for one, name, _ in _alias_parts(context):
        row = map_class_row(name.lower())
        why = "there is no class" if row is None else context.settings.missing(row)
        if row is not None and not why and row.name in _NO_ALIASES:
            why = "it holds no aliases"
        if why:
            yield Found(
                one.index, f"AliasFile: map class {name or 'without a name'}: {why}", *one.place(f"{name}:")
            )


#: Map classes that cannot hold aliases (of their rows in conf.c, those without MCF_ALIASOK).
_NO_ALIASES = frozenset({
    "host", "dns", "regex", "dequote", "user", "macro", "userdb", "bestmx", "syslog", "arith", "arpa", "ph",
})  # fmt: skip


def _alias_parts(context: Context) -> Iterator[Tuple[OptionLine, str, str]]:
    """The databases of AliasFile: the line, the class, and its arguments."""
    for one in _lines(context, "AliasFile"):
        # Commas in double quotes do not separate, and the quotes stay.
        rest = (one.value or "aliases").lstrip(_BLANKS)
        while rest:
            found = re.match(r"([^ ,/:]*):|", rest)
            head = found.group(1) if found and found.group() else None
            body = rest[len(head) + 1 :] if head is not None else rest
            end = re.match(r'(?:[^",]|"[^"]*(?:"|$))*', body)
            part = end.group() if end else body
            yield one, "implicit" if head is None else head, part
            rest = body[len(part) + 1 :].lstrip(_BLANKS)


@rule("OP036", "option-alias-arguments", Severity.ERROR, reported="E", consequence=_DEAD)
def option_alias_arguments(context: Context) -> Iterator[Found]:
    """A part of AliasFile names no file, or has flags that its class does not know.

    Bad:
        O AliasFile=/etc/mail/aliases,,/etc/mail/lists
    Bad:
        O AliasFile=hash:-Q /etc/mail/aliases
    Good:
        O AliasFile=hash:-o /etc/mail/aliases
    """
    for one, name, text in _alias_parts(context):
        row = map_class_row(name.lower())
        if row is None or context.settings.missing(row) or row.name in _NO_ALIASES:
            continue
        why = ""
        arguments = split_arguments(row.name, text)
        if row.name == "sequence":
            known = {node.name.lower() for at, node in context.cf.of_kind(KeyFile) if at < one.index}
            why = next(
                (f"there is no map {name} above" for name in arguments.rest if name.lower() not in known), ""
            )
        else:
            letters = {flag.letter for flag in row.flags}
            bad = next((flag for flag in _flag_letters(row, text) if flag not in letters), None)
            if bad is not None:
                why = f"the class {row.name} knows no flag {bad!r}"
            elif row.name == "ldap":
                why = "there is no -k" if text.strip(_BLANKS) and "k" not in arguments.flags else ""
            elif arguments.file is None and row.name != "null":
                why = f"a part of the class {row.name} names no file"
        if why:
            yield Found(one.index, f"AliasFile: {why}", *one.place(text.strip(_BLANKS)))


def _flag_letters(row: MapClassRow, text: str) -> Iterator[str]:
    """The letters of the flags before the file."""
    following = {flag.letter for flag in row.flags if flag.argument == WORD}
    rest = text.lstrip(_BLANKS)
    while rest[:1] == "-":
        found = re.match(rf"-(.?)([^{_BLANKS}]*)[{_BLANKS}]*", rest, re.DOTALL)
        if found is None:
            return
        letter, glued = found.groups()
        yield letter
        rest = rest[found.end() :]
        if letter in following and not glued:
            rest = re.sub(rf"^[^{_BLANKS}]*[{_BLANKS}]*", "", rest)


# Lines and values that mean something else than what they seem to.


@rule("OP011", "option-no-space", Severity.WARNING, ShortOption)
def option_no_space(context: Context, index: int, node: ShortOption) -> Iterator[Found]:
    """The blank behind O is missing.

    sendmail sets the option of the first letter, to the rest of the line: `OMaxHopCount=30` defines the macro `a`.

    Bad:
        OMaxHopCount=30
    Good:
        O MaxHopCount=30
    """
    row, long = short_option_row(node.flag), _long_name(context, node)
    if row is not None and long is not None and not context.settings.missing(row):
        what = (
            "the macro " + (node.value or " ")[0] if node.flag == "M" else f"option {row.name or node.flag}"
        )
        fix = Fix("Put a blank behind O", (Edit(index, (long,)),), safe=False)
        yield Found(index, f"without a blank behind O this sets {what}", 0, 2, hint=f"O {long.name}", fix=fix)


@rule("OP012", "option-letter-equals", Severity.WARNING, ShortOption)
def option_letter_equals(context: Context, index: int, node: ShortOption) -> Iterator[Found]:
    """Behind the letter of an option stands `=`.

    It is a part of the value: `Oh=30` is 0.

    Bad:
        Oh=30
    Good:
        Oh30
    """
    if (node.value or "").startswith("=") and node.flag != "M":
        fix = Fix(
            "Remove the =", (Edit(index, (evolve(node, value=(node.value or "")[1:] or None),)),), safe=False
        )
        yield Found(index, f"the value of O{node.flag} begins with =", 2, 3, fix=fix)


def _letter_equals(one: OptionLine) -> bool:
    """Whether OP012 tells of the value."""
    return isinstance(one.node, ShortOption) and one.value[:1] == "="


@rule("OP013", "option-letter-form", Severity.INFO, ShortOption)
def option_letter_form(context: Context, index: int, node: ShortOption) -> Iterator[Found]:
    """An option is set by its letter.

    It works; long names are there since 8.7.

    Bad:
        Oh30
    Good:
        O MaxHopCount=30
    """
    row = short_option_row(node.flag)
    if row is not None and row.name and not (node.value or "").startswith("="):
        name = Option(name=row.name, equals="=", value=node.value, comment=node.comment)
        fix = Fix(f"Write O {row.name}=", (Edit(index, (name,)),), safe=False)
        yield Found(index, f"O{node.flag} is the option {row.name}", 0, 2, hint=f"O {row.name}", fix=fix)


@rule("OP014", "option-suboption", Severity.WARNING)
def option_suboption(context: Context) -> Iterator[Found]:
    """An option that has no suboptions is given one.

    sendmail drops the suboption silently.  Only Timeout and Milter have some.

    Bad:
        O MaxHopCount.x=1
    Good:
        O Timeout.mail=5m
    """
    for lines in context.options.values():
        for one in lines:
            if isinstance(one.node, Option) and "." in one.node.name and one.row.kind != "suboptions":
                yield Found(one.index, f"{one.row.name} has no suboptions", *_place(one.node))


@rule("OP015", "option-duplicate", Severity.WARNING)
def option_duplicate(context: Context) -> Iterator[Found]:
    """An option is set twice.

    The last line wins, silently.

    Bad:
        O MaxHopCount=30
        O MaxHopCount=25
    Good:
        O PrivacyOptions=authwarnings
        O PrivacyOptions=noexpn
    """
    for name, lines in context.options.items():
        if name == "M" or lines[0].row.cumulative:
            continue
        seen: Dict[str, OptionLine] = {}
        for one in lines:
            old = seen.get(one.sub.lower())
            seen[one.sub.lower()] = one
            if old is None or name == "OperatorChars" or (one.row.kind == "suboptions" and not one.sub):
                continue
            agree = old.value == one.value
            fix = Fix(f"Remove line {context.cf.line_number(old.index)}", (Edit(old.index),), safe=agree)
            line, same = context.cf.line_number(old.index), ", to the same" if agree else ""
            yield Found(one.index, f"{_name(one)} is already set on line {line}{same}", fix=fix)


def _name(one: OptionLine) -> str:
    return one.row.name + (f".{one.sub}" if one.sub and one.row.kind == "suboptions" else "")


@rule("OP016", "option-deprecated", Severity.INFO)
def option_deprecated(context: Context) -> Iterator[Found]:
    """An option is there only for old files.

    Bad:
        O UnsafeGroupWrites=True
    Good:
        O Timeout.queuereturn=5d
    """
    for name, instead in _DEPRECATED.items():
        for one in _lines(context, name):
            yield Found(one.index, f"{name} is deprecated: {instead}", hint=None)


_DEPRECATED = {
    "DefaultAuthInfo": "use a ruleset authinfo",
    "UnsafeGroupWrites": "use DontBlameSendmail",
    "MeToo": "senders get their copies of lists anyway",
    "UseErrorsTo": "no standard knows Errors-To:",
    "QueueTimeout": "use Timeout.queuereturn and Timeout.queuewarn",
}


@rule("OP017", "option-bool", Severity.WARNING)
def option_bool(context: Context) -> Iterator[Found]:
    """A boolean option has a value that looks true and is false.

    Only values that begin with t or y, or are empty, are true.

    Bad:
        O MatchGECOS=1
    Bad:
        O MatchGECOS="true"
    Good:
        O MatchGECOS=True
        O HoldExpensive=no
    """
    for one in _all(context, "bool", "enum-or-bool"):
        value = one.value.lower()
        if _letter_equals(one):
            continue
        spelled = [choice.lower() for choice in one.row.choices]
        if value[:1] in ("", "t", "y") or value in _FALSE or value in spelled:
            continue
        if one.row.name == "SuperSafe" and value[0] in "ip":
            continue
        yield Found(one.index, f"sendmail takes {one.value!r} for False", *one.place(), hint=_true_of(value))


_FALSE = frozenset({"false", "no", "f", "n", "off", "0", "none", "never", "disable", "disabled"})


def _true_of(value: str) -> Optional[str]:
    return "True" if value.strip("\"'") in ("1", "on", "true", "yes", "enable", "enabled") else None


@rule("OP018", "option-int", Severity.WARNING)
def option_int(context: Context) -> Iterator[Found]:
    """A number is none, or is followed by something else.

    sendmail reads digits as far as they go, knows no suffixes, and takes everything else for 0.

    Bad:
        O MaxMessageSize=10M
    Good:
        O MaxMessageSize=10485760
    """
    for one in _all(context, "int"):
        plain = re.fullmatch(rf"[{_BLANKS}]*[+-]?[0-9]+", one.value)
        if not plain and one.row.name != "Hacks" and not _letter_equals(one):
            yield Found(one.index, f"sendmail takes {one.value!r} for {_digits(one.value)}", *one.place())
    for one in _lines(context, "MinFreeBlocks", "MaxMimeHeaderLength"):
        if not re.fullmatch(r"[+-]?[0-9]+(?:/[+-]?[0-9]*)?", one.value):
            yield Found(
                one.index, f"{one.row.name} is a number, or two with a slash between them", *one.place()
            )


def _digits(text: str) -> str:
    found = re.match(r"[+-]?[0-9]+", text)
    return found.group() if found else "0"


@rule("OP019", "option-octal", Severity.WARNING)
def option_octal(context: Context) -> Iterator[Found]:
    """A mode is no octal number.

    sendmail reads the digits 0 to 7 as far as they go, and takes everything else for 0.

    Bad:
        O TempFileMode=rw
    Bad:
        O TempFileMode=0698
    Good:
        O TempFileMode=0600
    """
    for one in _all(context, "octal"):
        if not re.fullmatch(r"0*[0-7]{1,3}", one.value):
            yield Found(one.index, f"{one.value!r} is no octal mode", *one.place())


@rule(
    "OP020",
    "option-time-unit",
    Severity.WARNING,
    reported="U",
    consequence="sendmail takes the usual unit instead",
)
def option_time_unit(context: Context) -> Iterator[Found]:
    """A time has a unit that there is not, or a character that belongs to none.

    Units are w, d, h, m and s, in lower case, right behind their number.

    Bad:
        O Timeout.mail=5x
    Bad:
        O Timeout.mail=1.5h
    Good:
        O Timeout.mail=1h30m
    """
    plain = (one for one in _all(context, "time") if one.row.kind != "suboptions")
    for one in (*plain, *_lines(context, "Timeout", "QueueTimeout")):
        for text, place in _times(one):
            found = re.search(r"[^0-9wdhms]", text[text.startswith("-") :]) if text.lower() != "now" else None
            if found:
                row = _row(one)
                total = int(interval(text, (row.unit if row else "") or "m").total_seconds())
                yield Found(
                    one.index, f"{found.group()!r} is no unit of time: this is {total} seconds", *place
                )
                break


def _times(one: OptionLine) -> Iterator[Tuple[str, Tuple[int, int]]]:
    """The times that a line of a time, or of the old forms of Timeout, holds."""
    if one.row.name == "QueueTimeout":
        for text in one.value.split("/", 1):
            yield text, one.place(text)
    elif one.row.kind != "suboptions":
        yield one.value, one.place()
    elif isinstance(one.node, Option) and "." in one.node.name:
        # Numbers of attempts are read as times, too.
        if one.row.name == "Timeout" and one.sub.lower() in _suboptions("Timeout"):
            yield one.value, one.place()
    elif one.row.name == "Timeout" and one.value[:1] in tuple("0123456789"):
        yield one.value, one.place()
    elif one.row.name == "Timeout":
        for part in one.value.split(","):
            found = re.match(rf"[{_BLANKS}]*[^:=]*[:=](.*)", part, re.DOTALL)
            if found:
                yield found.group(1), one.place(found.group(1))


@rule("OP021", "option-time-no-unit", Severity.INFO)
def option_time_no_unit(context: Context) -> Iterator[Found]:
    """A time has no unit.

    Each option has its own: Timeout.queuereturn counts days, Timeout.queuewarn hours, most others minutes.

    Bad:
        O Timeout.queuereturn=5
    Good:
        O Timeout.queuereturn=5d
    """
    units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
    for one in _all(context, "time"):
        row = _row(one)
        if row is not None and re.fullmatch(r"[0-9]*[1-9][0-9]*", one.value):
            yield Found(one.index, f"{one.value} are {units[row.unit or 's']} here", *one.place())


@rule("OP024", "option-enum-silent", Severity.WARNING)
def option_enum_silent(context: Context) -> Iterator[Found]:
    """A word begins as one of the words of its option does, and is another.

    Of most such options only the first letter counts; ErrorMode ignores what it does not know.

    Bad:
        O DeliveryMode=banana
    Bad:
        O ErrorMode=x
    Good:
        O DeliveryMode=b
        O EightBitMode=pass8
    """
    for one in _all(context, "letter"):
        word = one.value.lower()
        taken = next((choice for choice in one.row.choices if word[:1] == choice[0]), None)
        if taken is None and one.row.name == "ErrorMode" and word:
            yield Found(
                one.index, f"sendmail ignores {one.value!r}", *one.place(), hint=_near(word, one.row.choices)
            )
        elif taken is not None and word[1:] and word[:3] != taken[:3]:
            yield Found(one.index, f"sendmail takes {one.value} for {taken}", *one.place())


@rule("OP027", "option-letters-glued", Severity.WARNING)
def option_letters_glued(context: Context) -> Iterator[Found]:
    """Letters of AuthOptions or TLSSrvOptions stand together.

    They are words, and of each word only the first letter counts: `Apy` is A.

    Bad:
        O AuthOptions=Apy
    Good:
        O AuthOptions=A p y
    """
    for one in _lines(context, "AuthOptions", "TLSSrvOptions"):
        for word in re.findall(r"[^, \t]+", one.value):
            if len(word) > 1:
                fix = None
                if set(word) <= set(one.row.choices):
                    edit = Edit(one.index, (evolve(one.node, value=one.value.replace(word, " ".join(word))),))
                    fix = Fix("Put blanks between the letters", (edit,), safe=False)
                yield Found(one.index, f"of {word} only {word[0]} counts", *one.place(word), fix=fix)
                break


@rule("OP028", "option-letters-unknown", Severity.WARNING, reported="W", consequence="sendmail ignores it")
def option_letters_unknown(context: Context) -> Iterator[Found]:
    """A letter of AuthOptions or TLSSrvOptions is not known.

    Bad:
        O AuthOptions=A,z
    Good:
        O AuthOptions=A,p
    """
    for one in _lines(context, "AuthOptions", "TLSSrvOptions"):
        for word in re.findall(r"[^, \t]+", one.value):
            if word[0] not in one.row.choices:
                yield Found(one.index, f"{one.row.name} knows no {word[0]}", *one.place(word))


@rule("OP030", "option-quotes", Severity.WARNING)
def option_quotes(context: Context) -> Iterator[Found]:
    """A path stands in quotes.

    They are a part of the value: no option but SmtpGreetingMessage, UnixFromLine and OperatorChars takes quotes away.

    Bad:
        O HelpFile="/etc/mail/help file"
    Good:
        O HelpFile=/etc/mail/help file
    """
    for one in _all(context, "path"):
        if one.value[:1] == '"':
            fix = None
            bare = one.value[1:-1]
            if (
                one.value.endswith('"')
                and bare
                and '"' not in bare
                and bare == bare.strip(_BLANKS)
                and "#" not in bare
            ):
                fix = Fix(
                    "Remove the quotes", (Edit(one.index, (evolve(one.node, value=bare),)),), safe=False
                )
            yield Found(one.index, "the quotes are part of the path", *one.place(), fix=fix)


@rule("OP031", "option-path-relative", Severity.WARNING)
def option_path_relative(context: Context) -> Iterator[Found]:
    """A path is not absolute.

    sendmail looks for it below the queue directory, where it is when it works.  Of HostStatusDirectory that is usual.

    Bad:
        O HelpFile=helpfile
    Good:
        O HelpFile=/etc/mail/helpfile
        O HostStatusDirectory=.hoststat
    """
    for one in _all(context, "path"):
        if one.row.name not in ("HostStatusDirectory", "DefaultAuthInfo") and one.value[:1] not in (
            "",
            *'/|$"',
        ):
            yield Found(one.index, f"{one.value} is a path below the queue directory", *one.place())


@rule(
    "OP033",
    "option-opchars-late",
    Severity.WARNING,
    reported="W",
    consequence="the rules above keep their tokens",
)
def option_opchars_late(context: Context) -> Iterator[Found]:
    """OperatorChars is set twice, or below the first rule.

    Rules are cut into tokens as they are read, with the characters that are set by then.

    Bad:
        Sx
        R$*<TAB>$@ $1
        O OperatorChars=.:%@!^/[]+
    Bad:
        O OperatorChars=.:%@!^/[]+
        O OperatorChars=.:%@!^/[]+
    Good:
        O OperatorChars=.:%@!^/[]+
        Sx
        R$*<TAB>$@ $1
    """
    lines = context.options.get("OperatorChars", [])
    first = next(context.cf.indices(RewritingRule), len(context.cf))
    for at, one in enumerate(lines):
        if at or one.index > first:
            why = "is set again" if at else "is set below the first rule"
            yield Found(one.index, f"OperatorChars {why}", *_option_place(one))


def _option_place(one: OptionLine) -> Tuple[int, int]:
    return _place(one.node) if isinstance(one.node, Option) else (0, 2)


@rule("OP034", "option-opchars-essential", Severity.WARNING)
def option_opchars_essential(context: Context) -> Iterator[Found]:
    """OperatorChars lacks a character without which addresses are not cut as the rules expect.

    Without `@`, `.` and `:` no rule matches user@host.domain, and maps are asked for other keys.

    Bad:
        O OperatorChars=@!
    Good:
        O OperatorChars=.:@[]
    """
    for one in _lines(context, "OperatorChars"):
        text = "".join(unquoted(symbols(one.value)))
        missing = [char for char in ".:@" if char not in text]
        if missing:
            yield Found(one.index, f"OperatorChars lacks {' '.join(missing)}", *one.place())


@rule("OP042", "option-supersafe", Severity.WARNING)
def option_supersafe(context: Context) -> Iterator[Found]:
    """SuperSafe is False, or interactive while the delivery mode is not.

    With False, a message that was accepted is lost when the machine stops before it is delivered.

    Bad:
        O SuperSafe=False
    Bad:
        O SuperSafe=interactive
    Good:
        O SuperSafe=interactive
        O DeliveryMode=interactive
    """
    last, mode = _last(context, "SuperSafe"), _last(context, "DeliveryMode")
    if last is not None:
        first = last.value[:1].lower()
        if first == "i" and (mode is None or mode.value[:1] not in ("", "i")):
            yield Found(last.index, "SuperSafe=interactive needs DeliveryMode=interactive", *last.place())
        elif first not in ("i", "p", "t", "y", ""):
            yield Found(last.index, "accepted mail can be lost", *last.place())


@rule("OP043", "option-host-status", Severity.WARNING, reported="W", consequence="sendmail turns it off")
def option_host_status(context: Context) -> Iterator[Found]:
    """SingleThreadDelivery is set without HostStatusDirectory, or that without a cache of connections.

    Bad:
        O SingleThreadDelivery=True
    Bad:
        O HostStatusDirectory=/var/spool/mqueue/.hoststat
        O ConnectionCacheSize=0
    Good:
        O ConnectionCacheSize=2
        O SingleThreadDelivery=False
    """
    single, status, size = (_true(context, "SingleThreadDelivery"), _last(context, "HostStatusDirectory"),
                            _last(context, "ConnectionCacheSize"))  # fmt: skip
    if status is not None and status.value and size is not None and number(size.value) <= 0:
        yield Found(
            status.index, "HostStatusDirectory needs a ConnectionCacheSize of 1 or more", *status.place()
        )
    elif single is not None and (status is None or not status.value):
        yield Found(single.index, "SingleThreadDelivery needs HostStatusDirectory", *single.place())


@rule("OP044", "option-verbose", Severity.WARNING)
def option_verbose(context: Context) -> Iterator[Found]:
    """Verbose is set in a file.

    It is for the command line: mail is then delivered while the sender waits, and what is said to servers is shown.

    Bad:
        O Verbose=True
    Good:
        O Verbose=False
    """
    one = _true(context, "Verbose")
    if one is not None:
        yield Found(one.index, "Verbose belongs on the command line", *_option_place(one))


@rule("OP045", "option-blame", Severity.INFO)
def option_blame(context: Context) -> Iterator[Found]:
    """DontBlameSendmail turns checks of files off.

    Bad:
        O DontBlameSendmail=GroupWritableAliasFile
    Good:
        O DontBlameSendmail=Safe
    """
    for one in _lines(context, "DontBlameSendmail"):
        flags = [word for word in re.findall(r"[A-Za-z0-9]+", one.value) if word.lower() != "safe"]
        if flags:
            yield Found(one.index, f"checks are not made: {', '.join(flags)}", *one.place())


@rule("OP048", "option-limit", Severity.WARNING, reported="W")
def option_limit(context: Context) -> Iterator[Found]:
    """A limit for headers is very low, or MustQuoteChars is too long.

    sendmail warns below 16384 bytes for all of a header, and 128 and 40 for a MIME field and its parameter.  Of more
    than 39 characters of MustQuoteChars it takes none.

    Bad:
        O MaxHeadersLength=1000
    Bad:
        O MaxMimeHeaderLength=100/30
    Good:
        O MaxHeadersLength=32768
        O MaxMimeHeaderLength=256/128
    """
    for one in _lines(context, "MaxHeadersLength"):
        if 0 < number(one.value) < _LOW_HEADERS:
            yield Found(one.index, f"MaxHeadersLength is below {_LOW_HEADERS}", *one.place())
    for one in _lines(context, "MaxMimeHeaderLength"):
        head, _, part = one.value.partition("/")
        length = number(head)
        parameter = number(part) if part else length // 2
        if 0 < length < _LOW_FIELD or 0 < parameter < _LOW_PARAMETER:
            yield Found(
                one.index, f"MaxMimeHeaderLength is below {_LOW_FIELD}/{_LOW_PARAMETER}", *one.place()
            )
    for one in _lines(context, "MustQuoteChars"):
        if len(one.value.encode("utf-8", "surrogateescape")) > _MUST_QUOTE:
            yield Found(one.index, f"MustQuoteChars has more than {_MUST_QUOTE} characters", *one.place())


_LOW_HEADERS, _LOW_FIELD, _LOW_PARAMETER, _MUST_QUOTE = 16384, 128, 40, 39
