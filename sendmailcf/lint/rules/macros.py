"""MA: macros and classes.

The one thing to know: a name is one character, or several in braces; sendmail numbers them, and a name that
it cannot number is an error wherever it stands.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Set, Tuple

from ...document import COMMENTS_LEVEL
from ...expressions import Conditional, Metasymbol, expand, symbols, walk, words
from ...known.macros import CLASSES, MACROS
from ...nodes import (
    Blank,
    ClassWords,
    Comment,
    HeaderDefinition,
    KeyFile,
    MacroDefinition,
    Option,
    RewritingRule,
    Ruleset,
    ShortOption,
    Version,
    bare,
    value_of,
)
from ...references import MACRO, Reference
from ...text import blanked, nearest, short_number
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"
_BLANKS = " \t\n\v\f\r"

#: A name in braces behind a dollar, as far as it goes.
_BRACED = re.compile(r"\$(?:\$|[=~&?]?(?:(?P<name>\{[^}]*\}?)|.))", re.DOTALL)
_NAME = re.compile(r"\{[A-Za-z0-9_]{1,25}\}")
#: An opening brace behind which stands no name that sendmail takes.
_NOT_NAMED = re.compile(r"\{(?![A-Za-z0-9_]{1,25}\})")
#: A symbol whose name is missing, or white space.
_NO_NAME = re.compile(rf"\$[=~&?](?:[{_BLANKS}\0]|\Z)")
#: A name that is white space, at the beginning of a line.
_BLANK_NAME = re.compile(rf"\n[DC][{_BLANKS}]")
#: The long names that a file may have beside those that sendmail registers before and after it reads one.
MAX_NAMES = 94
_LONGEST_NAME = 25
_REGISTERED = frozenset({"deliveryMode", "load_avg", "opMode"})
_REGISTERED_LAST = frozenset(
    {"checkMIMEFieldHeaders", "checkMIMETextHeaders", "checkMIMEHeaders", "persistentMacros"}
)
#: Options whose value is expanded when the line is read.
_EXPANDED = frozenset({
    "ServerCertFile", "ServerKeyFile", "ClientCertFile", "ClientKeyFile", "CACertFile", "CACertPath", "CRLFile",
    "CRLPath", "DHParameters", "CipherList", "CipherSuites", "CertFingerprintAlgorithm", "SSLEnginePath",
    "SharedMemoryKeyFile",
})  # fmt: skip
#: The symbols of rules, which are macros.
_META = frozenset("*+-@0123456789#:>[]()|.?=~&")
#: What sendmail knows of itself.
_KNOWN = {row.name: row for row in MACROS}

_Name = Tuple[int, str, int, int]


def _in_force(context: Context) -> Iterator[Tuple[int, str]]:
    """Each line that is no comment, with blanks in the place of its comments."""
    level = 0
    for index, node in enumerate(context.cf):
        if isinstance(node, (Comment, Blank)):
            continue
        text = context.cf.text(index)
        yield index, text[:1] + blanked(text[1:]) if level >= COMMENTS_LEVEL else text
        if isinstance(node, Version):
            level = short_number(node.level)


def _bad_names(context: Context) -> Tuple[_Name, ...]:
    """The names that sendmail does not take: the line, the name, and where it stands."""
    text = str(context.cf)
    return tuple(_find_bad_names(context)) if _NOT_NAMED.search(text) or _NO_NAME.search(text) else ()


def _find_bad_names(context: Context) -> Iterator[_Name]:
    for index, text in _in_force(context):
        if _NOT_NAMED.search(text):
            for found in _BRACED.finditer(text):
                name = found.group("name")
                if name is not None and not _NAME.fullmatch(name):
                    yield (index, name, *found.span("name"))
        raw = context.cf.text(index).partition("\0")[0]
        tail, last = raw[-2:], text[len(raw) - 2 : len(raw)]
        if tail in ("$=", "$~", "$&", "$?") and tail == last and [*_BRACED.finditer(raw)][-1].group() == tail:
            yield index, "{}", len(raw) - 2, len(raw)
        elif text[0] == "C" and _NO_NAME.search(text):
            # In a class line `$=` must be followed by a name in the same word.
            name = re.match(r"C(?:\{\w+\}|\\#|\$\$|.)", text, re.DOTALL)
            start = name.end() if name else 1
            for found in _BRACED.finditer(text, start):
                # Of a character only the first byte is the name.
                first = found.start() == start and text[1].isascii()
                alone = first or text[found.start() - 1] in _BLANKS
                if found.group()[:2] == "$=" and found.group()[2:] in (*_BLANKS,) and alone:
                    yield (index, "{}", found.start(), found.start() + 2)
                    break


def _defined(text: str) -> str:
    """The name behind the letter of a D, C or F line, if sendmail does not take it."""
    found = re.match(r"\{[^}\n\0]*\}?", text)
    if text[:1] in ("", "\n", "\0"):
        return "{}"
    return found.group() if found and not _NAME.fullmatch(found.group()) else ""


def _why(name: str) -> str:
    """Why sendmail does not take a name, as the name of a rule."""
    inner = name[1:].rstrip("}") if name.endswith("}") else name[1:]
    if re.search(r"[^A-Za-z0-9_]", inner):
        return "macro-bad-char"
    if not name.endswith("}"):
        return "macro-unbalanced"
    return "macro-name-long" if inner else "macro-no-name"


def _told(context: Context, why: str) -> Iterator[Tuple[int, str, int, int]]:
    """The names that a rule is about, in references and definitions."""
    for one in context.once(_bad_names):
        if _why(one[1]) == why:
            yield one
    for index in context.unreadable:
        text = context.cf.text(index)
        if text[:1] in ("D", "C", "F"):
            text = _uncommented(context, index) if text[1:2] in (*_BLANKS,) else text
            yield from _told_at(index, text, 1, why)
    for line in context.options.get("M", ()):
        yield from _told_at(line.index, _uncommented(context, line.index), 2, why)
    if why == "macro-no-name" and _BLANK_NAME.search("\n" + str(context.cf)):
        # White space behind the letter is a name only where something follows.
        names = [(index, node.name) for index, node in context.cf.of_kind(MacroDefinition)]
        names += [(index, node.name) for index, node in context.cf.of_kind(ClassWords)]
        for index, name in names:
            if name in _BLANKS and not _uncommented(context, index)[1:].strip(_BLANKS):
                yield index, "{}", 0, 1


def _uncommented(context: Context, index: int) -> str:
    text = context.cf.text(index)
    return text[:1] + blanked(text[1:]).rstrip(_BLANKS) if context.cf.level(index) >= COMMENTS_LEVEL else text


def _told_at(index: int, text: str, start: int, why: str) -> Iterator[Tuple[int, str, int, int]]:
    name = _defined(text[start:])
    if name and _why(name) == why:
        yield index, name, start if name != "{}" else 0, start + len(name) if name != "{}" else start


@rule("MA001", "macro-no-name", Severity.ERROR, reported="E", consequence=_DEAD)
def macro_no_name(context: Context) -> Iterator[Found]:
    """A macro or class has no name.

    Bad:
        D
    Bad:
        D{}x
    Bad:
        DA${}
    Bad:
        DA$=
    Bad:
        C{x}one $= two
    Good:
        DAx
    """
    for index, _, start, end in _told(context, "macro-no-name"):
        yield Found(index, "the name of a macro or class is missing", start, end)


@rule("MA002", "macro-bad-char", Severity.ERROR, reported="E", consequence=_DEAD)
def macro_bad_char(context: Context) -> Iterator[Found]:
    """The name of a macro or class holds a character that is none of a name.

    Between braces stand letters, digits and underscores.  sendmail looks for names behind a dollar in every line,
    also where it then has no use for them.

    Bad:
        D{a-b}x
    Bad:
        DA${a b}
    Good:
        D{a_b}x
    """
    for index, name, start, end in _told(context, "macro-bad-char"):
        yield Found(index, f"{name} is no name: 1 to 25 letters, digits and underscores", start, end)


@rule("MA003", "macro-unbalanced", Severity.ERROR, reported="E", consequence=_DEAD)
def macro_unbalanced(context: Context) -> Iterator[Found]:
    """A name in braces has no end.

    Bad:
        C{ab
    Bad:
        O HelpFile=/etc/mail/${x
    Good:
        C{ab}x
    """
    for index, _, start, end in _told(context, "macro-unbalanced"):
        yield Found(index, "the name in braces has no end", start, end)


@rule("MA004", "macro-name-long", Severity.ERROR, reported="E", consequence=_DEAD)
def macro_name_long(context: Context) -> Iterator[Found]:
    """The name of a macro or class has more than 25 characters.

    Bad:
        D{AbcdefghijAbcdefghijAbcdef}x
    Good:
        D{AbcdefghijAbcdefghijAbcde}x
    """
    for index, name, start, end in _told(context, "macro-name-long"):
        yield Found(index, f"{name} has more than 25 characters", start, end)


@rule("MA005", "macro-too-many", Severity.ERROR, reported="E", consequence=_DEAD)
def macro_too_many(context: Context) -> Iterator[Found]:
    """The file names more macros and classes in braces than sendmail has room for.

    There is room for 94 of its own, used or defined; four of these sendmail takes for classes of its own when the
    file is read, and many more when it runs: a file should stay far below.

    Bad:
        D{a0}$&{b0}$&{b1}$&{b2}$&{b3}$&{b4}$&{b5}$&{b6}$&{b7}$&{b8}$&{b9}$&{c0}$&{c1}$&{c2}$&{c3}$&{c4}$&{c5}$&{c6}$&{c7}$&{c8}$&{c9}
        D{a1}$&{d0}$&{d1}$&{d2}$&{d3}$&{d4}$&{d5}$&{d6}$&{d7}$&{d8}$&{d9}$&{e0}$&{e1}$&{e2}$&{e3}$&{e4}$&{e5}$&{e6}$&{e7}$&{e8}$&{e9}
        D{a2}$&{f0}$&{f1}$&{f2}$&{f3}$&{f4}$&{f5}$&{f6}$&{f7}$&{f8}$&{f9}$&{g0}$&{g1}$&{g2}$&{g3}$&{g4}$&{g5}$&{g6}$&{g7}$&{g8}$&{g9}
        D{a3}$&{h0}$&{h1}$&{h2}$&{h3}$&{h4}$&{h5}$&{h6}$&{h7}$&{h8}$&{h9}$&{i0}$&{i1}$&{i2}$&{i3}$&{i4}$&{i5}$&{i6}$&{i7}$&{i8}$&{i9}
        D{a4}$&{j0}$&{j1}$&{j2}$&{j3}$&{j4}$&{j5}$&{j6}$&{j7}$&{j8}$&{j9}
    Good:
        D{Own}x
    """
    text = str(context.cf)
    if len(set(re.findall(r"\{([^}\n]{2,})\}", text)) - _REGISTERED) <= MAX_NAMES - len(_REGISTERED_LAST):
        return
    names: Set[str] = set()
    for index, line in _in_force(context):
        here = [found.group("name") for found in _BRACED.finditer(line)]
        if line[:1] in ("D", "C", "F"):
            here += re.findall(r"\A.(\{[^}]*\})", line)
        for name in here:
            # A character that is none of a name is dropped.
            one = re.sub(r"[^A-Za-z0-9_]", "", name) if name and name.endswith("}") else ""
            one = one if len(one) <= _LONGEST_NAME else ""
            if len(one) > 1 and one not in _REGISTERED and one not in names:
                if len(names) >= MAX_NAMES:
                    yield Found(index, f"there is no room for the name {name}")
                    break
                names.add(one)
    if len(names | _REGISTERED_LAST) > MAX_NAMES:
        yield Found(None, f"the file has {len(names)} long names, and sendmail no room for its own")


@rule("MA006", "macro-recursive", Severity.ERROR, ClassWords, KeyFile, Ruleset, HeaderDefinition, Option, ShortOption,
      reported="E", consequence=_DEAD)  # fmt: skip
def macro_recursive(
    context: Context,
    index: int,
    node: ClassWords | KeyFile | Ruleset | HeaderDefinition | Option | ShortOption,
) -> Iterator[Found]:
    """A macro that is expanded here contains itself, or others more than ten deep.

    Bad:
        DA$A
        CB$A
    Bad:
        DA$B
        DB$A
        O ServerCertFile=/etc/mail/$A
    Good:
        DA$A
        DB$B
    """
    if isinstance(node, (Option, ShortOption)):
        row = context.option_row(node)
        if row is None or row.name not in _EXPANDED:
            return
    text = str(node)
    if "$" in text:
        try:
            expand(symbols(value_of(text[1:])), context.reading.macros.get)
        except RecursionError:
            yield Found(index, "macros are expanded more than ten deep")


# What sendmail takes silently.


@rule("MA010", "macro-space", Severity.WARNING, MacroDefinition, ClassWords)
def macro_space(context: Context, index: int, node: MacroDefinition | ClassWords) -> Iterator[Found]:
    """A blank stands behind the letter of a D or C line.

    The blank is the name: `D Afoo` defines the macro called blank.

    Bad:
        D Afoo
    Good:
        DAfoo
    """
    if node.name in (*_BLANKS,):
        yield Found(index, f"the name of this {node.letter} line is a blank", 1, 2)


@rule("MA011", "macro-metasymbol", Severity.WARNING, MacroDefinition, ShortOption)
def macro_metasymbol(context: Context, index: int, node: MacroDefinition | ShortOption) -> Iterator[Found]:
    """A D line redefines a symbol of rules.

    `$*`, `$+` and `$1` are macros: behind `D+x` no rule can match with `$+` any more.

    Bad:
        D+foo
    Good:
        DSfoo
    """
    if isinstance(node, MacroDefinition) and bare(node.name) in _META:
        yield Found(
            index, f"${bare(node.name)} is no symbol in the rules below any more", 1, 1 + len(node.name)
        )


def _user_macro(name: str) -> bool:
    """Whether a macro is neither a symbol nor one that sendmail sets or reads itself."""
    return name not in _KNOWN and name not in _META and name not in _BLANKS


@rule("MA012", "macro-undefined", Severity.WARNING)
def macro_undefined(context: Context) -> Iterator[Found]:
    """A macro is used that nothing defines.

    It expands to nothing.  Macros with names of one character are not judged, since files of the package sendmail-cf
    use such without defining them, nor those that a condition asks for.

    Bad:
        D{SmartHost}[relay.example.com]
        Sx
        R$*<TAB>$: $1 @ ${SmratHost}
    Good:
        D{SmartHost}[relay.example.com]
        Sx
        R$*<TAB>$: $1 @ ${SmartHost}
    """
    known, used = context.definitions(MACRO), context.uses(MACRO)
    for name in used:
        if name in known or not re.fullmatch(r"[A-Za-z0-9_]{2,}", name) or not _user_macro(name):
            continue
        uses = used[name]
        signs = {_sign(context, use) for use in uses}
        if "?" in signs or "&" in signs:
            continue
        for use in uses:
            hint = nearest(name, [n for n in known if len(n) > 1])
            yield Found(use.index, f"nothing defines ${{{name}}}", use.start, use.end, hint=hint)


def _sign(context: Context, use: Reference) -> str:
    """The character before a name: the sign of its symbol, or the dollar."""
    return context.cf.text(use.index)[use.start - 1 : use.start]


def _eager(context: Context, names: Iterable[str]) -> Iterator[Tuple[str, Reference]]:
    """The uses of macros that are expanded when their line is read."""
    lines, used = (RewritingRule, ClassWords, KeyFile, Ruleset), context.uses(MACRO)
    for name in names:
        for use in used.get(name, ()):
            if isinstance(context.cf[use.index], lines) and _sign(context, use) in ("$", "?"):
                yield name, use


@rule("MA013", "macro-used-before-definition", Severity.WARNING)
def macro_used_before_definition(context: Context) -> Iterator[Found]:
    """A macro is used above the line that defines it, where it is expanded at once.

    In R, S, C and K lines the value that holds at that line counts, here none.

    Bad:
        Kx hash /etc/mail/$D
        DDmaps
    Good:
        DDmaps
        Kx hash /etc/mail/$D
    """
    known = context.definitions(MACRO)
    late: Dict[str, int] = {}
    for name, places in known.items():
        plain = [one.index for one in places if not isinstance(context.cf[one.index], RewritingRule)]
        # A rule stores into a macro when it is run.
        if plain and len(plain) == len(places) and _user_macro(name):
            late[name] = min(plain)
    for name, use in _eager(context, late):
        if use.index < late.get(name, 0):
            line = context.cf.line_number(late[name])
            yield Found(use.index, f"{_shown(name)} is defined on line {line} only", use.start, use.end)


def _shown(name: str) -> str:
    return f"${name}" if len(name) == 1 else f"${{{name}}}"


@rule("MA014", "macro-redefined", Severity.WARNING)
def macro_redefined(context: Context) -> Iterator[Found]:
    """A macro is defined twice, and the first value is never used.

    The last value holds for all that is expanded later, as headers are and the arguments of mailers.

    Bad:
        DSfirst.example.com
        DSsecond.example.com
        Sx
        R$*<TAB>$: $1 @ $S
    Good:
        DSfirst.example.com
        Sx
        R$*<TAB>$: $1 @ $S
        DSsecond.example.com
        R$*<TAB>$: $1 @ $S
    """
    lines: Dict[str, List[Tuple[int, str]]] = {}
    for index, node in context.cf.of_kind(MacroDefinition):
        lines.setdefault(bare(node.name), []).append((index, value_of(node.value)))
    twice = {name: found for name, found in lines.items() if len(found) > 1}
    used = [(name, use.index) for name, use in _eager(context, twice)]
    for name, found in twice.items():
        for (first, old), (second, new) in zip(found, found[1:]):
            between = any(one == name and first < at < second for one, at in used)
            if old != new and not between:
                line = context.cf.line_number(first)
                yield Found(second, f"{_shown(name)} has another value on line {line}, which is never used")


@rule("MA015", "macro-unused", Severity.INFO)
def macro_unused(context: Context) -> Iterator[Found]:
    """A macro is defined and never used.

    Bad:
        D{Unused}x
    Good:
        D{Used}x
        HX-Used: ${Used}
    """
    uses, defined = context.uses(MACRO), context.definitions(MACRO)
    for name in defined:
        if name not in uses and _user_macro(name):
            for place in defined[name]:
                yield Found(place.index, f"{_shown(name)} is never used", place.start, place.end)


@rule("MA016", "macro-reserved", Severity.INFO, MacroDefinition, ClassWords)
def macro_reserved(context: Context, index: int, node: MacroDefinition | ClassWords) -> Iterator[Found]:
    """A macro or class of the file's own begins with a lower-case letter.

    Such names are kept for sendmail: a later release may use one of them.

    Bad:
        D{myMacro}x
    Good:
        D{MyMacro}x
    """
    name = bare(node.name)
    if len(name) > 1 and name[0].islower() and name not in _KNOWN and name not in _CLASS_NAMES:
        yield Found(index, f"{name} begins with a lower-case letter", 1, 1 + len(node.name))


_CLASS_NAMES = frozenset(row.name for row in CLASSES)


@rule("MA017", "macro-quotes", Severity.INFO, MacroDefinition)
def macro_quotes(context: Context, index: int, node: MacroDefinition) -> Iterator[Found]:
    """The value of a macro begins with a blank, or stands in quotes.

    The blank is kept and the quotes are removed.

    Bad:
        DA "x"
    Good:
        DAx
    """
    value = node.value or ""
    if value[:1] in (" ", "\t", '"'):
        start = 1 + len(node.name)
        why = "the blank belongs to the value" if value[0] != '"' else "quotes are not part of the value"
        yield Found(index, why, start, start + 1)


@rule("MA018", "macro-old", Severity.WARNING, MacroDefinition)
def macro_old(context: Context, index: int, node: MacroDefinition) -> Iterator[Found]:
    """A D line sets what is an option since level 7.

    sendmail ignores $e, $l and $o in such files.

    Bad:
        De$j Sendmail $v ready at $b
    Good:
        O SmtpGreetingMessage=$j Sendmail $v ready at $b
    """
    option = _OLD.get(bare(node.name))
    if option and context.reading.level >= _OPTIONS_LEVEL:
        yield Found(index, f"${bare(node.name)} is now the option {option}", 1, 2, hint=f"O {option}")


_OLD = {"e": "SmtpGreetingMessage", "l": "UnixFromLine", "o": "OperatorChars"}
_OPTIONS_LEVEL = 7


@rule("MA019", "macro-j-unqualified", Severity.WARNING, reported="W")
def macro_j_unqualified(context: Context) -> Iterator[Found]:
    """The host's own name, $j, has no dot.

    From level 5 on $w is the name without its domain.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Djmail
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Djmail.example.com
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    places = context.definitions(MACRO).get("j")
    if places:
        try:
            name = context.reading.value("j")
        except RecursionError:
            return
        if "." not in name:
            last = places[-1]
            yield Found(last.index, f"{name} has no domain", last.start, last.end)


_HOLDS_CONDITIONS = (MacroDefinition, HeaderDefinition, RewritingRule, ClassWords, KeyFile, Option)


@rule("MA020", "cond-unbalanced", Severity.WARNING, *_HOLDS_CONDITIONS)
def cond_unbalanced(
    context: Context,
    index: int,
    node: MacroDefinition | HeaderDefinition | RewritingRule | ClassWords | KeyFile | Option,
) -> Iterator[Found]:
    """A condition has no end, or an end no condition.

    A condition is `$?x text $| other text $.`; without its end it runs to the end of the value.

    Bad:
        DA$?j one $| two
    Good:
        DA$?j one $| two $.
    """
    text = str(node)
    if "$?" not in text and "$." not in text:
        return
    clean = blanked(text[1:]) if context.reading.level >= COMMENTS_LEVEL else text[1:]
    for part, start in _sides(node, clean):
        for at, word in walk(words(part), start):
            if isinstance(word, Conditional) and word.closing is None:
                yield Found(
                    index,
                    f"the condition on {_shown(bare(word.name))} has no end",
                    at,
                    at + 2 + len(word.name),
                )
            elif isinstance(word, Metasymbol) and word.text == "$." and not isinstance(node, RewritingRule):
                yield Found(index, "a condition ends here that never began", at, at + 2)


def _sides(node: object, text: str) -> List[Tuple[str, int]]:
    """The texts of a line in which conditions stand, and where they begin."""
    if isinstance(node, RewritingRule):
        return [(text[: len(node.lhs)], 1), (node.rhs, 1 + len(node.lhs) + len(node.tabs))]
    return [(text, 1)]
