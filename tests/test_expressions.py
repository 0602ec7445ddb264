"""Words, symbols, expansion and tokens: laws, and examples of what sendmail does, each seen in its test mode.

The one thing to know: that rules run alike is compared in tests/oracle/test_rewrite_oracle.py; here are the laws of
the pieces, and the cases worth a name.
"""

from __future__ import annotations

import time
from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf.errors import EditError
from sendmailcf.expressions import (
    MAX_TEXT_BYTES,
    ClassMatch,
    Conditional,
    HostLookup,
    Item,
    Macro,
    MapLookup,
    Metasymbol,
    Quoted,
    RunTimeMacro,
    Space,
    Symbol,
    Text,
    TokenError,
    Word,
    expand,
    folded,
    found_symbols,
    joined,
    operators,
    pieces,
    stripped,
    symbols,
    text_of,
    tokens,
    unquoted,
    walk,
    words,
)

OPS = operators(".:%@!^/[]+")
HOSTILE = st.text(alphabet='$*+-@={}&~?|.x1 ab"\\\n\t#(<>)é\udcff', max_size=40)


@given(HOSTILE)
def test_words_lose_nothing(text: str) -> None:
    cut = words(text)
    assert "".join(map(str, cut)) == text
    assert text_of(cut) == text
    for at, word in walk(cut):
        assert str(word)
        assert text[at : at + len(str(word))] == str(word)


@pytest.mark.parametrize(
    "cut",
    [
        [Text(text="a$*")],
        [Text(text="a"), Text(text="b")],
        [Macro(name="*")],
        [Quoted(text='"a'), Text(text="b")],
        [MapLookup(words=(), closing=None), Text(text="x")],
        [Text(text="a$"), Text(text="x")],
    ],
)
def test_words_that_would_be_other_words_are_refused(cut: List[Word]) -> None:
    with pytest.raises(EditError, match="read back"):
        text_of(cut)


@given(HOSTILE.filter(lambda text: '"' not in text))
def test_words_outside_quotes_are_the_symbols(text: str) -> None:
    # What begins an enclosed row is the symbol itself; the rest is inside, and comes by itself.
    named = [str(word)[: len(symbol_of(word))] for _, word in walk(words(text)) if symbol_of(word)]
    found = [
        item for item in symbols(text) if isinstance(item, Symbol) and item not in ("$)", "$]", "$|", "$.")
    ]
    assert [symbols(one)[0] for one in named if one not in ("$)", "$]", "$|", "$.", "$$")] == found


def symbol_of(word: Word) -> str:
    if isinstance(word, (Text, Space, Quoted)):
        return ""
    if isinstance(word, (MapLookup, HostLookup)):
        return word.opening
    if isinstance(word, Conditional):
        return word.sign + word.name
    return str(word)


TABLE: List[Tuple[str, List[Word]]] = [
    ("$*", [Metasymbol(text="$*")]),
    ("$=w$~{x}", [ClassMatch(name="w"), ClassMatch(sign="$~", name="{x}")]),
    ("$j${name}$&j$1", [Macro(name="j"), Macro(name="{name}"), RunTimeMacro(name="j"), Metasymbol(text="$1")]),
    ("$(m $1 $: ? $)", [MapLookup(words=(
        Text(text="m"), Space(text=" "), Metasymbol(text="$1"), Space(text=" "), Metasymbol(text="$:"),
        Space(text=" "), Text(text="?"), Space(text=" ")))]),
    ("$[$1", [HostLookup(words=(Metasymbol(text="$1"),), closing=None)]),
    ("$?{x}a$|b$.", [Conditional(name="{x}", words=(Text(text="a"),), otherwise="$|", other_words=(Text(text="b"),))]),
    ("$?a$?b$|$.$|c$.", [Conditional(
        name="a", words=(Conditional(name="b", otherwise="$|"),), otherwise="$|", other_words=(Text(text="c"),))]),
    ("$| $. $) $]", [Metasymbol(text="$|"), Space(text=" "), Metasymbol(text="$."), Space(text=" "),
                     Metasymbol(text="$)"), Space(text=" "), Metasymbol(text="$]")]),
    ("$#smtp $@ h", [Metasymbol(text="$#"), Text(text="smtp"), Space(text=" "), Metasymbol(text="$@"), Space(text=" "),
                     Text(text="h")]),
    ('a"b \\" $1"c', [Text(text="a"), Quoted(text='"b \\" $1"'), Text(text="c")]),
    ('"open $1\\', [Quoted(text='"open $1\\')]),
    ("$$a\\$*", [Metasymbol(text="$$"), Text(text="a\\"), Metasymbol(text="$*")]),
    ("$", [Text(text="$")]),
    ("a\\", [Text(text="a\\")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cut"), TABLE, ids=[text for text, _ in TABLE])
def test_table_in_both_directions(text: str, cut: List[Word]) -> None:
    assert list(words(text)) == cut
    assert "".join(map(str, cut)) == text


def test_the_map_of_a_lookup() -> None:
    names = [
        word.map_name
        for word in words("$(storage {x}$) $( m.x 1 $) $($1$) $($)")
        if isinstance(word, MapLookup)
    ]
    assert names == ["storage", "m", "", ""]


def test_symbols_are_told_from_text_that_looks_so() -> None:
    items = symbols("$$*$*")
    assert [isinstance(item, Symbol) for item in items] == [False, False, True]
    assert symbols("${x}") == ["$x"]
    assert symbols("$&{server_name}")[0].name == "server_name"  # type: ignore[union-attr]
    assert symbols("a${b$") == ["a", "${", "b$"]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("a.b@c", ["a", ".", "b", "@", "c"]),
        ('x"q r"y', ["x", '"q r"', "y"]),
        ('"open', ['"open"']),
        ('"open\\', ['"open\\""']),
        ('"a\\"b"', ['"a\\"b"']),
        ('"\\!"', ['"\\!"']),
        ("a\\@b", ["a\\@b"]),
        ("a\\ b", ["a\\ b"]),
        ("a\\!b", ["a", "!", "b"]),
        ("a\\", ["a"]),
        ("a<\\", ["a", "<", "\\>", ">"]),
        ("a(b)c", ["a", "c"]),
        ("a(b(c)d)e", ["a", "e"]),
        ("a(b\\)c)d", ["a", "d"]),
        ("a(b", ["a"]),
        ("a)b", ["ab"]),
        ('("x")y', ["y"]),
        ("<a", ["<", "a", ">"]),
        ("a>b", ["ab"]),
        ("<<a>b>c", ["<", "<", "a", ">", "b", ">", "c"]),
        (" a\tb\r\nc ", ["a", "b", "c"]),
        ("(all)", []),
        ("", []),
    ],
)
def test_text_from_outside(text: str, cut: List[str]) -> None:
    assert tokens([text], OPS, comments=True, repair=True) == cut


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("(a <", ["(", "a", "<"]),
        ("a > b)", ["a", ">", "b", ")"]),
        ('"open $*', ['"open $*']),
        ('"a $1 b" $1', ['"a $1 b"', "$1"]),
        ("a$|b", ["a", "$|", "b"]),
        ("a\\$1", ["a\\$1"]),
    ],
)
def test_text_of_rules(text: str, cut: List[str]) -> None:
    assert tokens(symbols(text), OPS) == cut


def test_below_level_9_rules_have_comments() -> None:
    assert tokens(["(a) b > (c"], OPS, comments=True) == ["b", ">"]


@given(st.text(alphabet='ab.@<>()"\\! \té', max_size=60))
def test_repaired_text_is_balanced_and_stays_so(text: str) -> None:
    cut = tokens([text], OPS, comments=True, repair=True)
    assert cut.count("<") == cut.count(">")
    assert all(not token.startswith('"') or (len(token) > 1 and token.endswith('"')) for token in cut)
    assert "(" not in cut
    assert ")" not in cut
    assert tokens([joined(cut, OPS, " ")], OPS, comments=True, repair=True) == cut


@given(st.lists(st.sampled_from([*"$=~&?{}x*1@\n", "$$", "${x}", "$={y}"]), max_size=20).map("".join))
def test_symbols_that_name_something_are_found_alike(text: str) -> None:
    some = [one for one in found_symbols(text) if one[1].sign or one[1].is_macro]
    assert list(found_symbols(text, named=True)) == some
    assert all(text[at : at + len(name)] == name for at, _, name in some)


@given(
    st.lists(st.sampled_from([*'ab.@<>()"\\! \té$', "$*", "$|", "$1", "${x}", "$=w"]), max_size=40).map("".join),
    st.booleans(),
    st.booleans(),
)
def test_text_is_cut_alike_behind_much_other_text(text: str, comments: bool, repair: bool) -> None:
    # Short and easy text is cut in another way.
    before = "." * 300
    alone, behind = (tokens(symbols(one), OPS, comments=comments, repair=repair) for one in (text, before + text))
    assert behind == [*before, *alone]


@pytest.mark.parametrize(
    ("text", "in_rules", "in_addresses"),
    [
        ("x" * 256, True, True),
        ("x" * 257, False, False),
        ("é" * 128, True, True),
        ("é" * 129, False, False),
        ("." * 625, True, True),
        ("." * 626, True, False),
        ("." * 1000, True, False),
        ("." * 1001, False, False),
        (("x" * 249 + ".") * 4 + "y" * 242, True, True),
        (("x" * 249 + ".") * 4 + "y" * 243, True, False),
    ],
)
def test_limits_of_tokens(text: str, in_rules: bool, in_addresses: bool) -> None:
    for repair, fits in ((False, in_rules), (True, in_addresses)):
        if fits:
            assert "".join(tokens([text], OPS, repair=repair)) == text
        else:
            with pytest.raises(TokenError):
                tokens([text], OPS, repair=repair)


def test_hostile_text_is_refused_early() -> None:
    begin = time.process_time()
    for text in ("." * 10**6, "x" * 10**6, '"' * 10**6, "<" * 10**6, "\\" * 10**6):
        with pytest.raises(TokenError):
            tokens([text], OPS, comments=True, repair=True)
    assert tokens(["(" * 10**6], OPS, comments=True, repair=True) == []
    words('$"' * 10**5 + '"\\' * 10**5)
    assert time.process_time() - begin < 10


def test_conditionals_nest() -> None:
    values: dict[str, List[Item]] = {"a": ["A"], "b": []}
    text = "$?a yes$?b B$|no$.$|never$.!"
    assert "".join(expand(symbols(text), values.get)) == " yesno!"
    assert expand(symbols("x$|y$."), values.get) == ["x", "$|", "y", "$."]
    assert "".join(expand(symbols("a$?b skipped"), values.get)) == "a"


def test_values_are_expanded_when_used() -> None:
    values = {"a": symbols("$?b<$b>$."), "b": symbols("$c$&c"), "c": symbols("C$1")}
    assert "".join(expand(symbols("$a"), values.get)) == "<C$1$&c>"
    # D1one takes the place of $1.
    assert "".join(expand(symbols("$c"), {**values, "1": ["one"]}.get)) == "Cone"


@pytest.mark.parametrize(("last", "most"), [("end", 11), ("$1", 10)])
def test_macros_nest_as_deep_as_in_sendmail(last: str, most: int) -> None:
    def chain(length: int) -> dict[str, List[Item]]:
        links: dict[str, List[Item]] = {f"c{n}": symbols(f"${{c{n + 1}}}") for n in range(1, length)}
        return {**links, f"c{length}": symbols(last)}

    assert expand(symbols("${c1}"), chain(most).get) == [last]
    with pytest.raises(RecursionError):
        expand(symbols("${c1}"), chain(most + 1).get)


def test_macros_cannot_grow_without_bound() -> None:
    begin = time.process_time()
    bomb = {f"x{n}": symbols(f"${{x{n + 1}}}" * 200) for n in range(9)}
    assert expand(symbols("${x0}"), {**bomb, "x9": ["text" * 10**5]}.get)
    with pytest.raises(RecursionError):
        expand(symbols("$a$a"), {"a": symbols("$a$a$a")}.get)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('a "b\\n" \\"c\\q', 'a b\n "cq'),
        ("a\\", "a"),
        ('"open', "open"),
        ('"a$x"', "a$x"),
        ("\\$x", "$x"),
        ("\\r\\f\\b", "\r\f\b"),
    ],
)
def test_values_are_unquoted(text: str, value: str) -> None:
    assert "".join(unquoted(symbols(text))) == value


def test_tokens_are_put_together() -> None:
    assert joined(["a", "b", ".", "c", '"q"', "d", "(", "e"], OPS, "_") == 'a_b.c"q"d(e'
    assert pieces(["a", Symbol("", "|"), "b"], OPS, " ") == ["a", "$|", "b"]
    assert joined(["aé", "é"], OPS, " ", 4) == "aé "
    assert len(joined(["x" * 200] * 20, OPS, " ", 1021)) == 1021 < MAX_TEXT_BYTES


@pytest.mark.parametrize(
    ("key", "bare"), [('a"b c"', "ab c"), ("a\\@b\\\\", "a@b\\"), ('\\"', '"'), ("a\\", "a")]
)
def test_keys_lose_quotes_and_backslashes(key: str, bare: str) -> None:
    assert stripped(key) == bare


def test_only_ascii_is_folded() -> None:
    assert folded("ÀÉA\udcc9") == "ÀÉa\udcc9"
