"""HQ: headers, members of classes and the files they come from, precedences, queue groups and mail filters.

The one thing to know: Q and X lines are read as M lines are, but a comma inside of a field has to be quoted, and the
same letters mean something else.
"""

from __future__ import annotations

import re
from typing import Iterable, Iterator, List, Optional, Set, Tuple

from attrs import frozen

from ...expressions import Symbol, symbols
from ...known.macros import CLASSES
from ...known.queues import FILTER_EQUATES, FILTER_TIMEOUTS, QUEUE_EQUATES, QUEUE_FLAGS
from ...nodes import (
    BadLine,
    ClassFile,
    ClassWords,
    Equate,
    Equates,
    HeaderDefinition,
    KeyFile,
    Line,
    MailerDefinition,
    MailFilter,
    Option,
    Precedence,
    QueueGroup,
    ShortOption,
    bare,
    unprotected,
    value_of,
)
from ...record import Record
from ...references import CLASS, RULESET
from ...text import number
from ...values import (
    MAX_FIELD_BYTES,
    field_list,
    field_text,
    map_class_row,
    map_flags,
    option_row,
    short_option_row,
    words,
)
from ..context import Context
from ..problem import Severity
from ..rule import RULES, Found, rule

_DEAD = "sendmail does not start"
_SPACES = " \t\n\v\f\r"
_MAX_PRECEDENCES = 25
#: With mqueue, which is there from the start.
_MAX_QUEUE_GROUPS = 50
#: The size of a local socket's name, with the NUL at its end.
_SOCKET_BYTES = 108
_NAME = re.compile(r"(?:\{[A-Za-z0-9_]{1,25}\}|[^{}\0])")


def _text(raw: Optional[str]) -> str:
    return value_of(raw).strip(_SPACES)


# Headers.


@rule("HQ001", "header-syntax", Severity.ERROR, HeaderDefinition, bad="H", reported="E", consequence=_DEAD)
def header_syntax(context: Context, index: int, node: Line) -> Iterable[Found]:
    """An H line is not well formed.

    A name of printable characters begins right behind the H, or behind a condition: flags of mailers between question
    marks, or one macro.  A colon follows.

    Bad:
        H Subject: none
    Bad:
        H?P Subject: none
    Bad:
        H?$xD?Subject: none
    Good:
        H?P?Subject: none
    """
    if not isinstance(node, HeaderDefinition):
        return (Found(index, "an H line is H, perhaps ?flags?, a name, a colon and the text"),)
    if "$" in node.name and any(isinstance(one, Symbol) for one in symbols(value_of(node.name + node.colon))):
        start = 1 + len(node.condition or "")
        return (Found(index, "a header's name holds a macro", start, start + len(node.name)),)
    if node.condition is None and node.name[:1] == "?":
        return (Found(index, "a condition has no end", 1, 2),)
    condition = value_of(node.condition)
    if (condition[:1] == "?" and condition[-1:] != "?") or condition == "?":
        return (Found(index, "a comment cuts off the end of a condition", 1, 1 + len(node.condition or "")),)
    if node.condition and _bad_condition(condition[1:-1]):
        message = "a condition is flags of mailers, or one macro and nothing else"
        return (Found(index, message, 1, 1 + len(node.condition)),)
    return ()


def _bad_condition(text: str) -> bool:
    items = symbols(text)
    if any(isinstance(one, Symbol) for one in items):
        return len(items) > 1 or getattr(items[0], "sign", "") != ""
    plain = "".join(items)
    if plain[:1] == "$":
        # Two dollars are one, which sendmail then takes for the beginning of a macro; some names make it crash.
        return not re.fullmatch(r"\{[A-Za-z0-9_]{2,25}\}|[^{$]", plain[1:]) or not plain.isascii()
    return not plain.isascii()


@rule("HQ002", "header-flag-unused", Severity.INFO)
def header_flag_unused(context: Context) -> Iterator[Found]:
    """A header is for mailers with a flag that no mailer has.

    Bad:
        H?y?X-Foo: bar
    Good:
        H?l?X-Foo: bar
    """
    flags: Set[str] = set()
    for _, mailer in context.cf.of_kind(MailerDefinition):
        given = mailer.equate("F")
        flags.update(field_text(given.value) if given else "")
    for index, node in context.cf.of_kind(HeaderDefinition):
        wanted = (node.condition or "??")[1:-1]
        if wanted.strip(" ") and "$" not in wanted and flags.isdisjoint(wanted):
            yield Found(index, f"no mailer has one of the flags {wanted}", 1, 3 + len(wanted))


def _header_checks(context: Context) -> Iterator[Tuple[int, HeaderDefinition]]:
    for index, node in context.cf.of_kind(HeaderDefinition):
        if "$>" in (node.template or "") and value_of(node.template).lstrip(_SPACES).startswith("$>"):
            yield index, node


@rule("HQ003", "header-ruleset-undefined", Severity.WARNING, consequence="the header is not checked")
def header_ruleset_undefined(context: Context) -> Iterator[Found]:
    """A header is checked by a ruleset that no line begins.

    Bad:
        HTo: $>Nope
    Good:
        HTo: $>CheckTo
        SCheckTo
        R$*<TAB>$: $1
    """
    checks = {index for index, _ in _header_checks(context)}
    defined, used = context.definitions(RULESET), context.uses(RULESET)
    for name in used:
        if name in defined or (name.lstrip("0") or "0") in defined:
            continue
        for use in used[name]:
            if use.index in checks:
                yield Found(use.index, f"no S line begins a ruleset {name}", use.start, use.end)


@rule("HQ004", "header-ruleset-duplicate", Severity.WARNING)
def header_ruleset_duplicate(context: Context) -> Iterator[Found]:
    """Two lines give a header a check.

    The last one counts.

    Bad:
        HTo: $>CheckTo
        HTo: $>CheckTo2
        SCheckTo
        SCheckTo2
    Good:
        HTo: $>CheckTo
        SCheckTo
    """
    seen: Set[str] = set()
    for index, node in reversed(list(_header_checks(context))):
        if node.name.lower() in seen:
            yield Found(index, f"a line below gives {node.name} another check, which counts")
        seen.add(node.name.lower())


# Classes.

_KNOWN_CLASSES = frozenset(row.name for row in CLASSES)


@rule("HQ010", "class-undefined", Severity.INFO)
def class_undefined(context: Context) -> Iterator[Found]:
    """A rule looks into a class that no C or F line fills.

    $= never matches then, and $~ always does.

    Bad:
        Sfoo
        R$={Nobody}<TAB>$@ no
    Good:
        C{Nobody}nobody
        Sfoo
        R$={Nobody}<TAB>$@ no
    """
    defined, used = context.definitions(CLASS), context.uses(CLASS)
    for name in used:
        if name not in defined and name not in _KNOWN_CLASSES:
            first = used[name][0]
            yield Found(first.index, f"no line puts anything into the class {name}", first.start, first.end)


@rule("HQ011", "class-minus", Severity.ERROR, ClassWords, consequence="nothing is taken out of a class")
def class_minus(context: Context, index: int, node: ClassWords) -> Iterator[Found]:
    """A C line adds to the class of the name -.

    There is no way to take a word out of a class.

    Bad:
        C-wlocalhost
    Good:
        Cwlocalhost
    """
    if node.name == "-":
        yield Found(index, "this adds to a class named -, and takes nothing out of another", 0, 2)


@rule("HQ012", "class-copy-order", Severity.WARNING)
def class_copy_order(context: Context) -> Iterator[Found]:
    """A class is copied before all its words are in it.

    What is added to it later does not follow.

    Bad:
        C{A}one
        C{B}$={A}
        C{A}two
    Good:
        C{A}one
        C{A}two
        C{B}$={A}
    """
    defined = context.definitions(CLASS)
    for name, uses in context.uses(CLASS).items():
        for use in uses:
            if context.cf.text(use.index)[:1] == "C":
                later = next((one for one in defined.get(name, ()) if one.index > use.index), None)
                if later is not None:
                    line = context.cf.line_number(later.index)
                    message = f"line {line} adds to the class {name}, which is copied here"
                    yield Found(use.index, message, use.start, use.end)


@rule("HQ013", "class-duplicate-word", Severity.INFO, ClassWords)
def class_duplicate_word(context: Context, index: int, node: ClassWords) -> Iterator[Found]:
    """A word is put into a class twice.

    Bad:
        C{A}one one
    Good:
        C{A}one two
    Good:
        Cwlocalhost
    """
    text = value_of(node.words)
    if "$" in text:
        return
    seen = {word.lower() for word in context.reading.classes.get(bare(node.name), ())}
    for word in words(text):
        if word.lower() in seen:
            start = 1 + len(node.name) + max(0, (node.words or "").rfind(word))
            yield Found(
                index, f"the class {bare(node.name)} has the word {word} already", start, start + len(word)
            )
        seen.add(word.lower())


# Files of classes.


def _file(node: ClassFile) -> str:
    """The path of a file of words; "" for a program or a map."""
    if _map_of(node) is not None:
        return ""
    file = re.sub(r'"|\\(?= |\Z)', "", value_of(node.source))
    return "" if file[:1] == "|" else file


def _map_of(node: ClassFile) -> Optional[re.Match[str]]:
    """The map of an F line: its class in group 1, None for that of LDAP, and its arguments in group 2."""
    found = re.match(r"(?![/|])[^@]*@(?:LDAP\Z|([^:]+):(.*))", value_of(node.source), re.DOTALL)
    return found if found is None or found.group(1) is not None or node.format is None else None


@rule("HQ020", "file-missing", Severity.ERROR, ClassFile, reported="E", consequence=_DEAD)
def file_missing(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """A file of words cannot be read, and the F line does not say that it is optional.

    sendmail also takes no file that is not a regular one, or below a directory where others may write.

    Bad:
        --- /etc/mail/sendmail.cf
        F{Foo}/etc/mail/foo %[^\\#]
        --- /etc/mail/bar
        x
    Good:
        --- /etc/mail/sendmail.cf
        F{Foo}-o /etc/mail/foo %[^\\#]
        --- /etc/mail/bar
        x
    """
    path = _file(node)
    if node.optional is not None or not path:
        return
    facts = context.file(path)
    if facts is None:
        return
    if path[0] != "/":
        yield Found(index, f"{path}: it is looked for in the directory where sendmail is started")
        return
    why = facts.problem if facts.data is None else ""
    blame = [setting.value.lower() for setting in context.cf.options.all("DontBlameSendmail")]
    if (
        facts.data is not None
        and facts.judged
        and not any("unsafedirpath" in one or "dirpathsafe" in one for one in blame)
    ):
        loose = [name for name, mode, _ in facts.directories if mode & 0o022]
        why = f"others may write in {loose[0]}" if loose else ""
    if facts.data is not None and path.endswith("/"):
        why = "it is no directory"
    if why:
        start = 1 + len(node.name + (node.blank or "") + (node.optional or ""))
        yield Found(index, f"{path}: {why}", start, start + len(node.source))


@rule("HQ021", "file-optional-glued", Severity.ERROR, bad="F", reported="E", consequence=_DEAD)
def file_optional_glued(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """No blank stands between -o and the file.

    The whole word is dropped, and the file with it.

    Bad:
        F{Foo}-o/etc/mail/foo
    Good:
        F{Foo}-o /etc/mail/foo
    """
    rest = _behind_name(node)
    if rest is not None and re.fullmatch(r"-o[^ \t\n\v\f\r]+", rest):
        yield Found(index, "-o needs a blank behind it: the file is dropped with it")


@rule("HQ022", "file-quote", Severity.ERROR, ClassFile, bad="F", reported="E", consequence=_DEAD)
def file_quote(context: Context, index: int, node: Line) -> Iterator[Found]:
    """A quote in the name of a file has no end, or the name ends in a backslash with nothing behind it.

    Bad:
        F{Foo}"/etc/mail/foo
    Good:
        F{Foo}-o "/etc/mail/foo"
    """
    if isinstance(node, ClassFile):
        if node.source[-1:] == "\\" and node.format is None and _map_of(node) is None:
            yield Found(index, "the name of the file ends in a backslash")
        return
    rest = _behind_name(node) if isinstance(node, BadLine) else None
    if rest is not None:
        # The word that begins with -o is dropped once; only a blank outside of quotes ends the name.
        name = re.match('(?:"[^"]*"|[^ "])*', re.sub(f"^-o[^{_SPACES}]*[{_SPACES}]*", "", rest))
        if name is not None and name.string[name.end() :][:1] == '"':
            yield Found(index, "a quote has no end")


@rule("HQ023", "file-no-name", Severity.ERROR, ClassFile, bad="F", reported="E", consequence=_DEAD)
def file_no_name(context: Context, index: int, node: Line) -> Iterator[Found]:
    """An F line names no file.

    Bad:
        F{Foo}
    Bad:
        F{Foo}""
    Good:
        F{Foo}-o /etc/mail/foo
    """
    if isinstance(node, BadLine):
        rest = _behind_name(node)
        nothing = rest is not None and (not rest or (rest[:2] == "-o" and not rest[2:].strip(_SPACES)))
    else:
        nothing = isinstance(node, ClassFile) and value_of(node.source).replace('"', "") == ""
    if nothing:
        yield Found(index, "the F line names no file")


def _behind_name(node: BadLine) -> Optional[str]:
    """What stands behind the name of a class; None where that is no name."""
    text = value_of(node.text[1:].partition("\0")[0])
    found = _NAME.match(text)
    return None if found is None else text[found.end() :].strip(_SPACES)


@rule("HQ024", "file-map-class", Severity.ERROR, ClassFile, reported="E", consequence=_DEAD)
def file_map_class(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """An F line takes its words from a map of a class that this sendmail does not have.

    Bad:
        F{Foo}key@zork:/etc/mail/foo
    Good:
        F{Foo}key@hash:-o /etc/mail/foo
    """
    found = _map_of(node)
    if found is None or found.group(1) is None:
        return
    row = map_class_row(found.group(1).lower())
    why = "" if row is None else context.settings.missing(row)
    if row is None or why:
        start = 1 + len(node.name + (node.blank or "") + (node.optional or "")) + found.start(1)
        message = f"no maps of class {found.group(1)}" + (f": {why}" if why else "")
        yield Found(index, message, start, start + len(found.group(1)))


#: Classes of maps with a file, as F lines open them: what is appended to its name.
_FILES = {"hash": ".db", "btree": ".db", "implicit": ".db", "text": "", "stab": ""}


@rule("HQ019", "file-map-arguments", Severity.ERROR, ClassFile, reported="E", consequence=_DEAD)
def file_map_arguments(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """The map of an F line has arguments that its K line could not have, or its file is not there.

    sendmail opens the map when it reads the line.  `-o` belongs to the arguments of the map; before them it changes
    nothing.

    Bad:
        F{Foo}key@hash:
    Bad:
        F{Foo}key@hash:-Z /etc/mail/foo
    Bad:
        --- /etc/mail/sendmail.cf
        F{Foo}-o key@hash:/etc/mail/foo
    Good:
        --- /etc/mail/sendmail.cf
        F{Foo}key@hash:-o /etc/mail/foo
    """
    found = _map_of(node)
    if found is None or found.group(1) is None:
        return
    row = map_class_row(found.group(1).lower())
    if row is None or context.settings.missing(row):
        return
    declared = KeyFile(name="{class}", map_class=row.name, arguments=found.group(2).strip(_SPACES) or None)
    for one in RULES.values():
        if KeyFile in one.on and one.reported == "E":
            for told in one.check(context, index, declared):
                yield Found(index, told.message)
                return
    flags, rest = map_flags(row.name, found.group(2))
    if row.name in ("macro", "arith"):
        yield Found(index, f"sendmail crashes when it looks into a map of the class {row.name} here")
    suffix, file = _FILES.get(row.name), words(rest)
    if suffix is None or not file or any(letter == "o" for letter, _ in flags):
        return
    facts = context.file(file[0] if file[0].endswith(suffix) else file[0] + suffix)
    if row.name == "text" and file[0][0] != "/":
        yield Found(index, f"{file[0]} is no whole path")
    elif facts is not None and facts.missing:
        yield Found(index, f"the map {file[0]} of the class {row.name} is not there")


@rule(
    "HQ025", "file-format", Severity.ERROR, ClassFile, consequence="sendmail crashes when it reads the file"
)
def file_format(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """The format of an F line takes more than one text of a line.

    Bad:
        --- /etc/mail/sendmail.cf
        F{Foo}-o /etc/mail/foo %[^:] %s
        --- /etc/mail/bar
        x
    Good:
        --- /etc/mail/sendmail.cf
        F{Foo}-o /etc/mail/foo %*[^:] %s
        --- /etc/mail/bar
        x
    """
    text = value_of(node.format)
    if _file(node) and len(_conversions(text)) > 1:
        yield Found(index, f"the format {text!r} has more than one conversion")


def _conversions(text: str) -> List[str]:
    found = re.findall(r"%(%|\*?)[0-9]*[hlL]*(\[\^?\]?[^\]]*\]|.)?", text)
    return [what for how, what in found if not how]


@rule("HQ026", "file-format-kind", Severity.WARNING, ClassFile, consequence="the class stays empty")
def file_format_kind(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """The format of an F line takes no text at all.

    Bad:
        F{Foo}-o /etc/mail/foo %d
    Good:
        F{Foo}-o /etc/mail/foo %s
    """
    text = value_of(node.format)
    kinds = _conversions(text)
    if text and _file(node) and len(kinds) < 2 and not any(one[:1] in ("s", "[", "c") for one in kinds):
        yield Found(index, f"the format {text!r} takes no text")


@rule(
    "HQ027", "file-format-tab", Severity.ERROR, ClassFile,
    consequence="sendmail looks for a file of that name, and does not start where it is not optional",
)  # fmt: skip
def file_format_tab(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """A tab stands between a file and its format.

    Only a blank ends the name of a file.

    Bad:
        F{Foo}-o /etc/mail/foo<TAB>%[^\\#]
    Good:
        F{Foo}-o /etc/mail/foo %[^\\#]
    """
    at = node.source.find("\t")
    if _file(node) and at >= 0 and "%" in node.source[at:]:
        yield Found(index, "a tab does not end the name of the file: the format is taken for a part of it")


@rule("HQ028", "file-first-word", Severity.INFO, ClassFile)
def file_first_word(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """An F line without a format takes only the first word of each line.

    Bad:
        F{Foo}-o /etc/mail/foo
    Good:
        F{Foo}-o /etc/mail/foo %[^\\#]
    """
    if node.format is None and _file(node):
        yield Found(index, "only the first word of each line is taken")


@rule("HQ029", "file-program-args", Severity.ERROR, ClassFile, consequence="the program is run without them")
def file_program_args(context: Context, index: int, node: ClassFile) -> Iterator[Found]:
    """The arguments of a program are not quoted with it.

    The name of a program ends at the first blank.

    Bad:
        F{Foo}|/bin/echo one two
    Good:
        F{Foo}"|/bin/echo one two"
    """
    if node.format is not None and node.source[:1] == "|":
        yield Found(index, "the program is run without the words behind it: quote all of it")


# Precedences.


@rule("HQ030", "precedence-syntax", Severity.ERROR, bad="P", reported="E", consequence=_DEAD)
def precedence_syntax(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """A P line has no =.

    Bad:
        Pfoo 5
    Good:
        Pfoo=5
    """
    yield Found(index, "a P line is P, a name, = and a number")


@rule("HQ031", "precedence-blank", Severity.WARNING, Precedence)
def precedence_blank(context: Context, index: int, node: Precedence) -> Iterator[Found]:
    """The name of a precedence begins or ends with a blank.

    The blank is part of the name, which no Precedence: header then matches.

    Bad:
        Pjunk = -100
    Good:
        Pjunk=-100
    """
    name = node.name or ""
    if name != name.strip(_SPACES):
        yield Found(index, f"the blank is part of the name {name!r}", 1, 1 + len(name))


@rule("HQ032", "precedence-limit", Severity.ERROR, reported="E", consequence=_DEAD)
def precedence_limit(context: Context) -> Iterator[Found]:
    """There are more than 25 P lines.

    Bad:
        Pa=1
        Pb=1
        Pc=1
        Pd=1
        Pe=1
        Pf=1
        Pg=1
        Ph=1
        Pi=1
        Pj=1
        Pk=1
        Pl=1
        Pm=1
        Pn=1
        Po=1
        Pp=1
        Pq=1
        Pr=1
        Ps=1
        Pt=1
        Pu=1
        Pv=1
        Pw=1
        Px=1
        Py=1
        Pz=1
    Good:
        Pa=1
    """
    for index, _ in list(context.cf.of_kind(Precedence))[_MAX_PRECEDENCES:]:
        yield Found(index, f"{_MAX_PRECEDENCES} P lines are the most")


# Queue groups and filters.


def _equates(node: Equates) -> Iterator[Tuple[Equate, int, str]]:
    """Each field: where its key begins, and its text as sendmail stores it."""
    at = 1 + len(node.name)  # type: ignore[attr-defined]
    for one in node.equates:  # type: ignore[attr-defined]
        yield one, at + len(one.gap), field_text(one.value)
        at += len(str(one))


def _fields(node: Line) -> List[Tuple[str, Optional[str], int]]:
    """The fields of a Q or X line: the key, the text, None where `=` is missing, and where it stands."""
    if isinstance(node, (QueueGroup, MailFilter)):
        fields: List[Tuple[str, Optional[str], int]] = [
            (e.key[:1], text, at) for e, at, text in _equates(node)
        ]
        if not any(text and len(text) * 2 > MAX_FIELD_BYTES for _, text, _ in fields):
            return fields
    _, rest = _name_and_rest(node)
    return [(key, text, 1) for key, text in field_list(rest)]


def _name_and_rest(node: Line) -> Tuple[str, str]:
    """The name of a queue group or filter, and what follows it.

    A Q line whose name is empty, or that has a field without a key, cannot be read, and sendmail takes it.
    """
    if isinstance(node, (QueueGroup, MailFilter)):
        return unprotected(node.name), value_of("".join(map(str, node.equates)))
    raw = node.text if isinstance(node, BadLine) else str(node)
    text = value_of(type(raw)(raw[1:].partition("\0")[0]))
    name = re.split(f"[,{_SPACES}]", text, maxsplit=1)[0]
    # What ends the name is taken with it, so that a comma there needs no field behind it.
    return name, text[len(name) + 1 :]


@rule("HQ040", "queue-syntax", Severity.ERROR, QueueGroup, bad="Q", reported="E", consequence=_DEAD)
def queue_syntax(context: Context, index: int, node: Line) -> Iterator[Found]:
    """A Q line has no name, or a field of it has no =.

    Bad:
        Qfoo, P
    Good:
        Qfoo, P=/var/spool/mqueue
    """
    nothing = isinstance(node, BadLine) and not value_of(node.text[1:].partition("\0")[0])
    if nothing or any(text is None for _, text, _ in _fields(node)):
        yield Found(index, "a Q line is Q, a name, and fields with = and commas between them")


@rule("HQ041", "queue-key", Severity.ERROR, QueueGroup, bad="Q", reported="E", consequence=_DEAD)
def queue_key(context: Context, index: int, node: Line) -> Iterator[Found]:
    """A field of a Q line is none of P F I N R J r.

    Bad:
        Qfoo, Z=1
    Bad:
        Qfoo, =1
    Good:
        Qfoo, R=1
    """
    known = {row.letter for row in QUEUE_EQUATES if not row.needs or context.settings.has(row.needs)}
    for key, text, at in _fields(node):
        if key not in known and text is not None:
            yield Found(index, f"queue groups have no field {key}=", at, at + 1)
            return


@rule("HQ042", "queue-path", Severity.ERROR, QueueGroup, bad="Q", reported="E", consequence=_DEAD)
def queue_path(context: Context, index: int, node: Line) -> Iterator[Found]:
    """The path of a queue group is empty.

    Bad:
        Qfoo, P=
    Good:
        Qfoo, P=/var/spool/mqueue
    """
    for key, text, at in _fields(node):
        if key == "P" and text == "":
            yield Found(index, "the path of the queue group is empty", at, at + 1)


@frozen(eq=False, repr=False)
class _Group(Record):
    """A queue group as it is in the end: its name, its path, "" for none, and where the path stands."""

    index: int
    name: str
    path: str
    start: int


def _groups(context: Context) -> Iterator[_Group]:
    """The queue groups by line; a later one of the same name replaces all of an earlier one."""
    lines: List[Tuple[int, Line]] = list(context.cf.of_kind(QueueGroup))
    lines += [(at, context.cf[at]) for at in context.unreadable if context.cf.text(at)[:1] == "Q"]
    for index, node in sorted(lines, key=lambda one: one[0]):
        paths = [(text, at) for key, text, at in _fields(node) if key == "P" and text]
        yield _Group(index, _name_and_rest(node)[0], *(paths[-1] if paths else ("", 1)))


@rule("HQ043", "queue-path-outside", Severity.ERROR, reported="E", consequence=_DEAD)
def queue_path_outside(context: Context) -> Iterator[Found]:
    """The path of a queue group is not in QueueDirectory, or not there.

    sendmail does not name the line.

    Bad:
        Qfoo, P=/var/spool/foo
    Bad:
        Qfoo, P=foo
    Good:
        Qfoo, P=/var/spool/mqueue
    """
    settings = context.cf.options.all("QueueDirectory")
    if context.refused or not settings:
        return
    base = settings[-1].value or "mqueue"
    if "*" in base:
        base = base.rpartition("/")[0]
    base = base.rstrip("/")
    for one in {group.name.lower(): group for group in _groups(context)}.values():
        above = [setting.value or "mqueue" for setting in settings if setting.index < one.index]
        path = one.path or (above[-1] if above else base)
        why = ""
        if path[0] != "/":
            why = "is not absolute"
        elif not one.path and path == settings[-1].value:
            continue
        elif path.rstrip("/") != base and not path.startswith(base + "/"):
            why = f"is not in {base}"
        elif "*" not in path:
            facts = context.file(path)
            why = "is not there" if facts is not None and facts.missing else ""
        if why:
            yield Found(one.index, f"the path {path} of the queue group {one.name} {why}", one.start)
            return


@rule("HQ049", "queue-before-directory", Severity.ERROR, reported="E", consequence=_DEAD)
def queue_before_directory(context: Context) -> Iterator[Found]:
    """A queue group without a path stands above QueueDirectory.

    It takes the directory that is set at that line, and there is none.

    Bad (whole):
        V10/Berkeley
        Qfoo, R=1
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    Good:
        Qfoo, R=1
    """
    first = _first_directory(context)
    for group in _groups(context):
        if group.index < first and not group.path and group.index not in context.refused:
            message = f"the queue group {group.name} has no path, and QueueDirectory is not set above it"
            yield Found(group.index, message, 1, 1 + len(group.name))


def _first_directory(context: Context) -> int:
    """The line that sets QueueDirectory first, or the end of the file."""
    settings = context.cf.options.all("QueueDirectory")
    return settings[0].index if settings else len(context.cf)


@rule("HQ044", "queue-limit", Severity.ERROR, reported="E", consequence=_DEAD)
def queue_limit(context: Context) -> Iterator[Found]:
    """There are more than 50 queue groups, with mqueue.

    Bad:
        Qaa
        Qab
        Qac
        Qad
        Qae
        Qaf
        Qag
        Qah
        Qai
        Qaj
        Qak
        Qal
        Qam
        Qan
        Qao
        Qap
        Qaq
        Qar
        Qas
        Qat
        Qau
        Qav
        Qaw
        Qax
        Qay
        Qaz
        Qba
        Qbb
        Qbc
        Qbd
        Qbe
        Qbf
        Qbg
        Qbh
        Qbi
        Qbj
        Qbk
        Qbl
        Qbm
        Qbn
        Qbo
        Qbp
        Qbq
        Qbr
        Qbs
        Qbt
        Qbu
        Qbv
        Qbw
        Qbx
    Good:
        Qa
    """
    names = {"mqueue"}
    for index, node in context.cf.of_kind(QueueGroup):
        if len(names) >= _MAX_QUEUE_GROUPS:
            yield Found(index, f"{_MAX_QUEUE_GROUPS} queue groups are the most, with mqueue")
        names.add(node.name.lower())


@rule("HQ045", "queue-runners", Severity.WARNING, QueueGroup, reported="W")
def queue_runners(context: Context, index: int, node: QueueGroup) -> Iterator[Found]:
    """A queue group has several runners and not the flag f.

    Bad:
        Qfoo, R=5
    Good:
        Qfoo, R=5, F=f
    """
    runners, flags = node.equate("R"), node.equate("F")
    plain = flags is None or "f" not in field_text(flags.value)
    if plain and runners is not None and number(field_text(runners.value)) > 1:
        yield Found(index, f"R={field_text(runners.value)} without F=f")


@rule("HQ046", "queue-flag", Severity.INFO, QueueGroup)
def queue_flag(context: Context, index: int, node: QueueGroup) -> Iterator[Found]:
    """A queue group has a flag that sendmail does not know.

    Bad:
        Qfoo, F=z
    Good:
        Qfoo, F=f
    """
    known = {row.name for row in QUEUE_FLAGS}
    for one, at, text in _equates(node):
        bad = [flag for flag in text if flag not in known and flag not in _SPACES]
        if one.key[:1] == "F" and bad:
            yield Found(index, f"queue groups have no flag {bad[0]}", at)


@rule("HQ047", "queue-number", Severity.WARNING, QueueGroup)
def queue_number(context: Context, index: int, node: QueueGroup) -> Iterator[Found]:
    """A number of a queue group is none, so that it is 0.

    Bad:
        Qfoo, J=many
    Good:
        Qfoo, J=100
    """
    numbers = {row.letter: row.name for row in QUEUE_EQUATES if row.kind == "int"}
    for one, at, text in _equates(node):
        if one.key[:1] in numbers and not re.fullmatch(r"[ \t]*[+-]?[0-9]+[ \t]*", text):
            yield Found(index, f"{one.key[:1]}={text} is no number", at)


@rule("HQ048", "queue-late-options", Severity.WARNING)
def queue_late_options(context: Context) -> Iterator[Found]:
    """An option from which queue groups take what they do not say stands below a Q line.

    The group was made with the default of the option.

    Bad:
        Qfoo, P=/var/spool/mqueue
        O NiceQueueRun=5
    Good:
        O NiceQueueRun=5
        Qfoo, P=/var/spool/mqueue
    """
    inherits = {"NiceQueueRun": "N", "MaxRunnersPerQueue": "R", "QueueDirectory": "P"}
    groups: List[QueueGroup] = []
    for index in context.cf.indices(QueueGroup, Option, ShortOption):
        node = context.cf[index]
        if isinstance(node, QueueGroup):
            groups.append(node)
        elif groups and isinstance(node, (Option, ShortOption)):
            row = option_row(node.name) if isinstance(node, Option) else short_option_row(node.flag)
            key = inherits.get(row.name, "") if row else ""
            late = next((one for one in groups if key and one.equate(key) is None), None)
            if key == "P" and late is not None and index == _first_directory(context):
                continue  # queue_before_directory tells of it
            if row is not None and late is not None:
                yield Found(index, f"the queue group {late.name} above does not see this {row.name}")


@rule("HQ060", "milter-syntax", Severity.ERROR, MailFilter, bad="X", reported="E", consequence=_DEAD)
def milter_syntax(context: Context, index: int, node: MailFilter | BadLine) -> Iterator[Found]:
    """An X line has no name, or a field of it has no =.

    Bad:
        Xfoo, S=local:/run/foo, F
    Good:
        Xfoo, S=local:/run/foo, F=T
    """
    cut = isinstance(node, MailFilter) and any(text is None for _, text, _ in _fields(node))
    if cut and context.settings.has("MILTER"):
        yield Found(index, f"a field has more than {MAX_FIELD_BYTES} bytes, and no = stands in its rest")
    elif isinstance(node, BadLine) and not _comma_in_timeouts(node):
        yield Found(index, "an X line is X, a name, and fields with = and commas between them")


def _comma_in_timeouts(node: BadLine) -> Optional[re.Match[str]]:
    return re.search(r"T[^=,]*=[^,]*:[^,]*(,) *[CSRE]:", node.text)


@rule("HQ061", "milter-timeout-sep", Severity.ERROR, bad="X", reported="E", consequence=_DEAD)
def milter_timeout_sep(context: Context, index: int, node: BadLine) -> Iterator[Found]:
    """Commas stand between the timeouts of a filter.

    A comma ends the field; semicolons belong there.

    Bad:
        Xfoo, S=local:/run/foo, F=T, T=C:1s,S:2s
    Good:
        Xfoo, S=local:/run/foo, F=T, T=C:1s;S:2s
    """
    found = _comma_in_timeouts(node)
    if found is not None:
        yield Found(index, "semicolons stand between timeouts", *found.span(1), hint=";")


@rule("HQ062", "milter-key", Severity.ERROR, MailFilter, reported="E", consequence=_DEAD)
def milter_key(context: Context, index: int, node: MailFilter) -> Iterator[Found]:
    """A field of an X line is none of S F T.

    Bad:
        Xfoo, S=local:/run/foo, F=T, Z=1
    Good:
        Xfoo, S=local:/run/foo, F=T
    """
    known = {row.letter for row in FILTER_EQUATES}
    for key, text, at in _fields(node) if context.settings.has("MILTER") else ():
        if key not in known and text is not None:
            yield Found(index, f"filters have no field {key}=", at, at + 1)
            return


@rule("HQ063", "milter-socket", Severity.ERROR, MailFilter, reported="E", consequence=_DEAD)
def milter_socket(context: Context, index: int, node: MailFilter) -> Iterator[Found]:
    """A filter has no socket, or one that cannot be.

    It is local:path, unix:path, a path, inet:port@host or inet6:port@host.

    Bad:
        Xfoo, F=T
    Bad:
        Xfoo, S=tcp:1234@localhost, F=T
    Bad:
        Xfoo, S=inet:1234, F=T
    Bad:
        Xfoo, S=inet:1234@[300.1.1.1], F=T
    Good:
        Xfoo, S=inet:1234@[127.0.0.1], F=T
    """
    if not context.settings.has("MILTER"):
        return
    given = [(at, text) for one, at, text in _equates(node) if one.key[:1] == "S"]
    at, text = given[-1] if given else (1, "")
    why = _bad_socket(context, text)
    if why:
        yield Found(index, f"the socket of the filter {node.name}: {why}", at if given else 1)


def _bad_socket(context: Context, text: str) -> str:
    if not text:
        return "there is none"
    kind, colon, rest = text.partition(":")
    kind = kind.lower() if colon else "local"
    path = rest if colon else text
    if kind in ("", "local", "unix"):
        long = len(path.encode("utf-8", "surrogateescape")) >= _SOCKET_BYTES
        return f"a path of more than {_SOCKET_BYTES - 1} bytes" if long else ""
    if kind not in ("inet", "inet6"):
        return f"there is no kind {kind!r}; there are local, unix, inet, inet6"
    port, at, host = rest.partition("@")
    if not at:
        return f"{rest!r} is not port@host"
    if not re.match("[0-9]", port) and not _is_service(context, port):
        return f"there is no port {port!r}"
    if host[:1] == "[":
        address, bracket, _ = host[1:].partition("]")
        return "" if bracket and _is_address(kind, address) else f"{host} is no address for {kind}"
    return "" if host else "there is no host"


def _is_service(context: Context, name: str) -> bool:
    """Whether a port has this name, as far as it can be known here."""
    facts = context.file("/etc/services") if name else None
    if facts is None or facts.data is None:
        return name != ""
    for line in facts.data.decode("latin-1").split("\n"):
        entry = line.partition("#")[0].split()
        if len(entry) > 1 and entry[1].endswith("/tcp") and name in (entry[0], *entry[2:]):
            return True
    return False


def _is_address(kind: str, text: str) -> bool:
    if kind == "inet6":
        from ipaddress import AddressValueError, IPv6Address  # it loads much, and few files need it

        try:
            IPv6Address(text[5:] if text[:5].lower() == "ipv6:" else text)
        except AddressValueError:
            return False
        return True
    parts = text.split(".")
    numbers: List[int] = []
    for part in parts:
        if not re.fullmatch("0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*", part):
            return False
        numbers.append(number(part) if part[0] != "0" else int(part, 16 if part[:2] in ("0x", "0X") else 8))
    # The last number fills all bytes that are left.
    return (
        len(parts) <= 4 and all(one < 256 for one in numbers[:-1]) and numbers[-1] < 256 ** (5 - len(parts))
    )


@rule("HQ064", "milter-timeout", Severity.ERROR, MailFilter, reported="E", consequence=_DEAD)
def milter_timeout(context: Context, index: int, node: MailFilter) -> Iterator[Found]:
    """A timeout of a filter is none of C S R E, or has no colon.

    Bad:
        Xfoo, S=local:/run/foo, F=T, T=Z:1s
    Bad:
        Xfoo, S=local:/run/foo, F=T, T=C1s
    Good:
        Xfoo, S=local:/run/foo, F=T, T=C:1s
    """
    known = {row.name for row in FILTER_TIMEOUTS}
    for one, at, text in _equates(node) if context.settings.has("MILTER") else ():
        if one.key[:1] != "T":
            continue
        left = text
        while left:
            left = left.lstrip(_SPACES + ";")
            letter, (_, colon, left) = left[:1], left.partition(":")
            if not colon:
                yield Found(index, "a timeout is a letter, a colon and a time", at)
                return
            if letter not in known:
                yield Found(index, f"filters have no timeout {letter}", at)
                return
            left = "".join(left.partition(";")[1:])


@rule("HQ065", "milter-duplicate", Severity.ERROR, reported="E", consequence=_DEAD)
def milter_duplicate(context: Context) -> Iterator[Found]:
    """Two filters have one name.

    Bad:
        Xfoo, S=local:/run/foo, F=T
        Xfoo, S=local:/run/foo2, F=T
    Good:
        Xfoo, S=local:/run/foo, F=T
        Xbar, S=local:/run/bar, F=T
    """
    seen: Set[str] = set()
    for index, node in context.cf.of_kind(MailFilter) if context.settings.has("MILTER") else ():
        if node.name.lower() in seen:
            yield Found(index, f"there is a filter {node.name} already", 1, 1 + len(node.name))
        seen.add(node.name.lower())


def _wanted_filters(context: Context) -> Tuple[Optional[int], List[str]]:
    settings = context.cf.options.all("InputMailFilters")
    if not settings:
        return None, []
    names = (one.lstrip(_SPACES) for one in re.split("[;,]", settings[-1].value))
    return settings[-1].index, [one for one in names if one]


@rule("HQ066", "milter-undefined", Severity.ERROR, consequence="the daemon does not start")
def milter_undefined(context: Context) -> Iterator[Found]:
    """InputMailFilters names a filter that no X line defines.

    A blank before the comma is part of the name.

    Bad:
        O InputMailFilters=foo
    Bad:
        Xfoo, S=local:/run/foo, F=T
        Xbar, S=local:/run/bar, F=T
        O InputMailFilters=foo , bar
    Good:
        Xfoo, S=local:/run/foo, F=T
        O InputMailFilters=foo
    """
    index, names = _wanted_filters(context)
    known = {node.name.lower() for _, node in context.cf.of_kind(MailFilter)}
    for name in names:
        if name.lower() not in known:
            hint = name.strip(_SPACES) if name.strip(_SPACES).lower() in known else None
            yield Found(index, f"no X line defines the filter {name!r}", hint=hint)


@rule("HQ067", "milter-unused", Severity.WARNING, consequence="it is never called")
def milter_unused(context: Context) -> Iterator[Found]:
    """A filter is in no list of filters.

    Bad:
        Xfoo, S=local:/run/foo, F=T
        Xbar, S=local:/run/bar, F=T
        O InputMailFilters=foo
    Good:
        Xfoo, S=local:/run/foo, F=T
        O InputMailFilters=foo
    """
    if not context.cf.filters:
        return
    _, names = _wanted_filters(context)
    wanted = {name.strip(_SPACES).lower() for name in names}
    ports = " ".join(setting.value.lower() for setting in context.cf.options.all("DaemonPortOptions"))
    for index, node in context.cf.of_kind(MailFilter):
        if names and node.name.lower() not in wanted and node.name.lower() not in ports:
            yield Found(index, f"no list of filters names {node.name}", 1, 1 + len(node.name))


@rule("HQ068", "milter-no-fallback", Severity.INFO, MailFilter)
def milter_no_fallback(context: Context, index: int, node: MailFilter) -> Iterator[Found]:
    """A filter has no F=.

    Where it cannot be reached, mail is accepted as if it were not there.

    Bad:
        Xfoo, S=local:/run/foo
    Good:
        Xfoo, S=local:/run/foo, F=T
    """
    if node.equate("F") is None:
        yield Found(index, f"where the filter {node.name} fails, mail is accepted", 1, 1 + len(node.name))


@rule(
    "HQ069",
    "milter-build",
    Severity.WARNING,
    MailFilter,
    reported="W",
    consequence="the filter is never called",
)
def milter_build(context: Context, index: int, node: MailFilter) -> Iterator[Found]:
    """A filter is defined for a sendmail that was built without filters.

    Bad (without MILTER):
        Xfoo, S=local:/run/foo, F=T
    Good:
        Xfoo, S=local:/run/foo, F=T
    """
    if not context.settings.has("MILTER"):
        yield Found(index, "this sendmail is built without MILTER", 0, 1)
