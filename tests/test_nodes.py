"""The kinds of line: each example is read as its node, and the node's text is the example.

The one thing to know: byte identity proves no split right, so the table is tested in both directions.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Tuple

import attrs
import lark
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import sendmailcf
from sendmailcf import authinfo, grammar, nodes
from sendmailcf.document import kind, parse
from sendmailcf.expressions import words
from sendmailcf.nodes import (
    BadLine,
    Blank,
    ClassFile,
    ClassWords,
    Comment,
    Environment,
    Equate,
    HeaderDefinition,
    KeyFile,
    Line,
    MacroDefinition,
    MailerDefinition,
    MailFilter,
    Option,
    Precedence,
    QueueGroup,
    RewritingRule,
    Ruleset,
    ShortOption,
    TrustedUsers,
    VendorLine,
    Version,
    value_of,
)

TABLE = [
    ("", Blank()),
    ("\0Mlocal\0", Blank(ignored="\0Mlocal\0")),
    ("#", Comment()),
    ("# text\n DAx", Comment(text=" text\n DAx")),
    ("DSrelay.example", MacroDefinition(name="S", value="relay.example")),
    ("DS", MacroDefinition(name="S")),
    ("D{my_name} v # c", MacroDefinition(name="{my_name}", value=" v", comment=" # c")),
    ("D Afoo", MacroDefinition(name=" ", value="Afoo")),
    ("DAone # c\n two", MacroDefinition(name="A", value="one # c\n two")),
    ("DAx\0rest", MacroDefinition(name="A", value="x", comment="\0rest")),
    ("DAx # c\0d\n e", MacroDefinition(name="A", value="x", comment=" # c\0d\n e")),
    ("Cwa b", ClassWords(name="w", words="a b")),
    ("C{E} root", ClassWords(name="{E}", words=" root")),
    (
        "Fw-o /etc/mail/names %[^\\#]",
        ClassFile(name="w", optional="-o ", source="/etc/mail/names", gap=" ", format="%[^\\#]"),
    ),
    ("Fw/f", ClassFile(name="w", source="/f")),
    (
        "F{x} -ouncanny\t/a\tb c # d",
        ClassFile(
            name="{x}", blank=" ", optional="-ouncanny\t", source="/a\tb", gap=" ", format="c", comment=" # d"
        ),
    ),
    ('F{x}"|/bin/p a b"', ClassFile(name="{x}", source='"|/bin/p a b"')),
    ("F{x}|/bin/p a", ClassFile(name="{x}", source="|/bin/p", gap=" ", format="a")),
    ("F{x}key@hash:/f -o g", ClassFile(name="{x}", source="key@hash:/f -o g")),
    # Only a blank ends a file's name: not the end of a physical line.
    ("F{x}/f\n %s", ClassFile(name="{x}", source="/f\n", gap=" ", format="%s")),
    ("F{x}k@LDAP\n x", ClassFile(name="{x}", source="k@LDAP\n", gap=" ", format="x")),
    ("F{x}@LDAP", ClassFile(name="{x}", source="@LDAP")),
    ("F{x}a@b", ClassFile(name="{x}", source="a@b")),
    ("S$A", Ruleset(name="$A")),
    ("Sa${b}c=3", Ruleset(name="a${b}c", equals="=", number="3")),
    ("K$n ${c} $a", KeyFile(name="$n", map_class="${c}", arguments="$a")),
    ("Lmail.table x", VendorLine(letter="L", value="mail.table x")),
    ("G", VendorLine(letter="G")),
    ("Troot daemon", TrustedUsers(words="root daemon")),
    ("HSubject: $>check", HeaderDefinition(name="Subject", template="$>check")),
    ("H?P?Return-Path: <$g>", HeaderDefinition(condition="?P?", name="Return-Path", template="<$g>")),
    ("H??X :", HeaderDefinition(condition="??", name="X", colon=" :")),
    ("Kmap hash -o /f", KeyFile(name="map", map_class="hash", arguments="-o /f")),
    ("Kdequote dequote", KeyFile(name="dequote", map_class="dequote", space=None)),
    ("Ex\n y=z", Environment(name="x\n y", value="z", equals="=")),
    ('Mx, P="/x, A=y', MailerDefinition(name="x", equates=(Equate(key="P", value='"/x, A=y'),))),
    ("Kdequote dequote\\", KeyFile(name="dequote", map_class="dequote", space="\\")),
    ("Kx null: # c", KeyFile(name="x", map_class="null", space=":", comment=" # c")),
    (r"Kx\#null\#", KeyFile(name="x", gap=r"\#", map_class="null", space=r"\#")),
    (r"Kx hash\#/y", KeyFile(name="x", map_class="hash", space=r"\#", arguments="/y")),
    ("Kfoo-bar hash x", KeyFile(name="foo", gap="-", map_class="bar", arguments="hash x")),
    ("Kfoo hash:/etc/x", KeyFile(name="foo", map_class="hash", space=":", arguments="/etc/x")),
    (
        "K  m  h  a # c",
        KeyFile(blank="  ", name="m", gap="  ", map_class="h", space="  ", arguments="a", comment=" # c"),
    ),
    (
        "Mrelay,\t\tP=[IPC],\n\t\tA=TCP $h 587",
        MailerDefinition(
            name="relay",
            equates=(
                Equate(gap=",\t\t", key="P", value="[IPC]"),
                Equate(gap=",\n\t\t", key="A", value="TCP $h 587"),
            ),
        ),
    ),
    (
        'Mx, Path = "a, b", A=c\\,d, F=',
        MailerDefinition(
            name="x",
            equates=(
                Equate(key="Path ", equals="= ", value='"a, b"'),
                Equate(key="A", value="c\\,d"),
                Equate(key="F"),
            ),
        ),
    ),
    (
        "Mlocal P=/bin/x\n , A=y",
        MailerDefinition(
            name="local",
            equates=(Equate(gap=" ", key="P", value="/bin/x\n "), Equate(gap=", ", key="A", value="y")),
        ),
    ),
    (
        'Mx, E=\\\\#r, P="a\\#, b" # c',
        MailerDefinition(
            name="x",
            equates=(Equate(key="E", value="\\\\#r"), Equate(key="P", value='"a\\#, b"')),
            comment=" # c",
        ),
    ),
    ("Mbare", MailerDefinition(name="bare")),
    ("O Timeout.ident=5s", Option(name="Timeout.ident", value="5s")),
    ("O Name", Option(name="Name", equals=None)),
    ("O Name = v", Option(name="Name", equals=" = ", value="v")),
    ("O Name value", Option(name="Name value", equals=None)),
    ("O  Name=v", Option(name=" Name", value="v")),
    ("O A=\tb", Option(name="A", value="\tb")),
    ("O A\t=b", Option(name="A\t", value="b")),
    ("O A= # c", Option(name="A", equals="= ", comment="# c")),
    ("OQ/var/spool", ShortOption(flag="Q", value="/var/spool")),
    ("OMaxHopCount=30", ShortOption(flag="M", value="axHopCount=30")),
    ("Pjunk=-100", Precedence(name="junk", value="-100")),
    ("\\#DBx", Comment(letter="\\#", text="DBx")),
    ("D\n\tx", MacroDefinition(name="\n", value="\tx")),
    ("P=5", Precedence(value="5")),
    ("E", Environment()),
    ("E=x", Environment(equals="=", value="x")),
    ("EA\\#B=x", Environment(name="A\\#B", equals="=", value="x")),
    ("D\\#x", MacroDefinition(name="\\#", value="x")),
    ("Mx\\#y, P=/z", MailerDefinition(name="x\\#y", equates=(Equate(key="P", value="/z"),))),
    ("HX\\#: a", HeaderDefinition(name="X\\#", colon=": ", template="a")),
    ("R$*\t$\\#foo $1 # c", RewritingRule(lhs="$*", rhs="$\\#foo $1", comment=" # c")),
    ("Pjunk = -1", Precedence(name="junk ", value=" -1")),
    ("Qq, P=/x", QueueGroup(name="q", equates=(Equate(key="P", value="/x"),))),
    ("Sauthinfo", Ruleset(name="authinfo")),
    ("S3", Ruleset(name="3")),
    ("Sparse=0 x", Ruleset(name="parse", equals="=", number="0", ignored=" x")),
    ("S a = 5", Ruleset(blank=" ", name="a", equals=" = ", number="5")),
    ("Sx-y", Ruleset(name="x", ignored="-y")),
    ("R$*\t\t$@ $1\t\tcomment", RewritingRule(lhs="$*", tabs="\t\t", rhs="$@ $1", comment="\t\tcomment")),
    ("R$* $| $*\t$# $1", RewritingRule(lhs="$* $| $*", rhs="$# $1")),
    ("R$*\n\t$1", RewritingRule(lhs="$*", tabs="\n\t", rhs="$1")),
    ("R$* # c\n\t$1 # d", RewritingRule(lhs="$*", tabs=" # c\n\t", rhs="$1", comment=" # d")),
    ("R$*  $*\t a  b ", RewritingRule(lhs="$*  $*", rhs=" a  b", comment=" ")),
    ("V10/Berkeley", Version(level="10", vendor="/Berkeley")),
    ("V 9 x", Version(blank=" ", level="9", ignored=" x")),
    ("Xf, S=local:/s", MailFilter(name="f", equates=(Equate(key="S", value="local:/s"),))),
    ("ETZ=UTC", Environment(name="TZ", equals="=", value="UTC")),
    ("EHOME", Environment(name="HOME")),
    ("EHOME # c", Environment(name="HOME", comment=" # c")),
    ("E A =x", Environment(name=" A ", equals="=", value="x")),
]

BAD = [
    " DAx", "\n x", "x", "N", "D", "D{}x", "D{a-b}x", "D{" + "a" * 26 + "}x", "Pjunk", "K", "Kname", "Mx, P", "Mx, A=y,",
    "S", "S!", "Sa=", "R$*", "R$* $1", "R$*\t", "R$*\t# x", "R\t$1", "V", "Vx", "O", "O =x", "\ufeffV10", "M", "H", "Hname",
    'Fw"/f', "Fw-o/f", "Fw",
]  # fmt: skip


@pytest.mark.parametrize(("text", "node"), TABLE)
def test_table_in_both_directions(text: str, node: Line) -> None:
    assert parse(text) == node
    assert str(node) == text


@pytest.mark.parametrize("text", BAD)
def test_what_cannot_be_read_is_kept(text: str) -> None:
    assert parse(text) == BadLine(text=text)
    assert str(parse(text)) == text


def test_every_class_has_an_example() -> None:
    assert {type(node) for _, node in TABLE} | {BadLine} == set(nodes.LINES)


@pytest.mark.parametrize(
    ("name", "classes"),
    [("cf", {*nodes.LINES, nodes.Equate}), ("mapsource", {*authinfo.LINES, authinfo.AuthItem})],
)
def test_rules_and_classes_are_the_same(name: str, classes: set[type[nodes.Node]]) -> None:
    rules = set(re.findall(r"^([a-z_]+):", grammar.source(name), re.MULTILINE))
    assert rules == {nodes.rule_name(cls) for cls in classes}


@pytest.mark.parametrize("cls", [*nodes.LINES, nodes.Equate, *authinfo.LINES, authinfo.AuthItem])
def test_nodes_are_frozen_and_slotted(cls: type[nodes.Node]) -> None:
    assert cls.__setattr__ is not object.__setattr__
    assert "__dict__" not in dir(cls)
    assert attrs.has(cls)


@given(st.text(alphabet='DCKMOSRVPEHF#{}=,. \t\n\\"$xw1:;?\0\r\v', max_size=30))
def test_no_text_is_lost_whatever_it_is_read_as(text: str) -> None:
    assert str(parse(text)) == text


@given(st.sampled_from("DCFTHKMOPQSRVXE"), st.text(max_size=60))
def test_no_text_is_lost_behind_a_command_letter(letter: str, rest: str) -> None:
    assert str(parse(letter + rest)) == letter + rest


def test_the_kind_is_known_without_parsing() -> None:
    for text, node in TABLE:
        assert kind(text) is type(node)


@pytest.mark.parametrize(
    "hostile",
    [
        "D{x}" + "${" * 50_000,
        "R" + "$" * 100_000,
        "Mx, A=" + '"' * 100_001,
        "Mx" + ", " * 50_000,
        "Mx, A=" + '"a\\' * 33_000,
        "DA" + " " * 100_000 + "#",
        "DA" + "\n " * 50_000,
        "DA" + " # x\n" * 20_000 + " y",
        "O " + "a " * 50_000,
        "R$*" + " \t" * 50_000,
        "Cw" + "\\#" * 50_000,
        "R$*\t" + "$(a " * 30_000,
        "R$*\t" + "$\udc81" * 30_000,
        "R$*\t" + "$\udc93x" * 30_000,
        "R$*\t" + "$?x " * 30_000,
        "R$*\t" + "$# " * 30_000,
        "R$*\t" + "$(a $: $[b $@ " * 10_000,
        "R$*\t" + '"' * 100_001,
        "Fw/" + "x\n" * 50_000 + " %s",
        "Fw" + '"a' * 50_000,
        "Hx: " + "$?x$|$." * 14_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_lines_take_linear_time(hostile: str) -> None:
    begin = time.process_time()
    node = parse(hostile)
    value_of(getattr(node, "value", None))
    cf = sendmailcf.loads("V10\nSx\n" + hostile)
    cf.references()
    cf.reading()
    for name in ("lhs", "rhs", "value", "template"):
        text = getattr(node, name, None) or ""
        assert "".join(map(str, words(text))) == text
    assert str(node) == hostile
    assert time.process_time() - begin < 5, (
        "a quadratic pattern takes minutes here, a linear one milliseconds"
    )


RULES = {
    "cf": [nodes.rule_name(cls) for cls in nodes.LINES],
    "mapsource": [nodes.rule_name(cls) for cls in authinfo.LINES],
}
PIECES = st.sampled_from(
    ['"', "\\", "\\#", "#", "$", "${", "}", "$$", "$=", "$&{x}", "\0", "\r", "\v", "\n", "\n ", "\n\t# c", "\t", "\t\t", " ",
     " # c", "=", " = ", ",", ", ", "/", "?", ":", "a", "Name", "AuthInfo:h", "U:u", "10", "-", "\udcff", "é"]
)  # fmt: skip


@pytest.mark.parametrize(("name", "rule"), [(name, rule) for name, rules in RULES.items() for rule in rules])
@given(letter=st.sampled_from([*"DCFTHKMOPQSRVXE#", ""]), rest=st.lists(PIECES, max_size=12).map("".join))
def test_a_pattern_reads_what_the_parser_reads(name: str, rule: str, letter: str, rest: str) -> None:
    """The patterns made of a grammar's terminals against lark's own parser."""
    text = letter + rest
    assert pattern_grammar(name).parse(rule, text) == by_lark(name, rule, text)


@functools.cache
def pattern_grammar(name: str) -> grammar.Grammar:
    rules = re.findall(r"^([a-z_]+):", grammar.source(name), re.MULTILINE)
    return grammar.Grammar(name, RULES[name], {rule: functools.partial(labelled, rule) for rule in rules})


def labelled(rule: str, parts: List[Any]) -> Tuple[Any, ...]:
    return (rule, *(part if part is None or isinstance(part, tuple) else str(part) for part in parts))


@functools.cache
def lark_parser(name: str) -> lark.Lark:
    rules = re.findall(r"^([a-z_]+):", grammar.source(name), re.MULTILINE)
    return lark.Lark(
        grammar.source(name), parser="lalr", start=RULES[name], keep_all_tokens=True, maybe_placeholders=True,
        transformer=SimpleNamespace(**{rule: functools.partial(labelled, rule) for rule in rules}),
    )  # fmt: skip


def by_lark(name: str, rule: str, text: str) -> Any:
    try:
        return lark_parser(name).parse(text, start=rule)
    except lark.exceptions.UnexpectedInput:
        return None


@pytest.mark.parametrize("name", ["cf", "mapsource"])
def test_the_grammar_is_strict(name: str) -> None:
    """No two terminals of equal priority that could match the same text where both are expected."""
    pytest.importorskip("interegular")
    classes = {"cf": [*nodes.LINES, nodes.Equate], "mapsource": [*authinfo.LINES, authinfo.AuthItem]}[name]
    rules = {nodes.rule_name(cls): list for cls in classes}
    starts = [nodes.rule_name(cls) for cls in classes]
    assert grammar.Grammar(name, starts, rules, strict=True).lark


def test_a_rule_of_another_shape_is_read_by_lark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "source", lambda name: 'row: A (pair | A)\npair: A B\nA: "a"\nB: /b+/\n')
    made = grammar.Grammar("row", ["row", "pair"], {"row": tuple, "pair": tuple})
    assert made.parse("row", "aab") == ("a", ("a", "b"))
    assert made.parse("row", "aa") == ("a", "a")
    assert made.parse("row", "ab") is None
    assert made.parse("pair", "abb") == ("a", "bb")


def test_the_grammars_are_found_in_a_checkout_too(tmp_path: Path) -> None:
    """Where the package is not installed, they stand beside it."""
    copy = tmp_path / "checkout"
    for part in ("sendmailcf", "grammars"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    code = "import sys; sys.path.insert(0, '.'); import sendmailcf; print(sendmailcf.loads(b'DSx')[0].name, sendmailcf.__file__)"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=copy, capture_output=True, text=True, check=False, env={
        "PYTHONPATH": str(Path(attrs.__file__).parent.parent)})  # fmt: skip
    assert done.stdout.startswith(f"S {copy}"), done.stderr
