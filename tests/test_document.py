"""Documents: every byte comes back, and an edit changes the lines it names and no other.

The one thing to know: the state machine compares a document with a plain list of lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import sendmailcf
from sendmailcf import nodes
from sendmailcf.document import parse
from sendmailcf.errors import EditError
from sendmailcf.nodes import Blank, Comment, Line, MacroDefinition, Option, RewritingRule
from sendmailcf.text import fold, split_eol

SNIPPETS = st.lists(
    st.sampled_from(
        ["DSx", "\n", "\r\n", " ", "\t", "# c", "O A=b", "R$*\t$1", "Sx", "\0", "\f", "\r", "é", "K", "\n "]
    ),
    max_size=14,
).map("".join)


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    cf = sendmailcf.loads(data)
    assert bytes(cf) == data
    assert sendmailcf.dumps(cf) == data
    assert "".join(str(node) + split_eol(cf.raw(i))[1] for i, node in enumerate(cf)) == str(cf)


def test_every_recorded_case_comes_back(shared: Path) -> None:
    cases = sorted((shared / "spec" / "cases").glob("*.cf"))
    assert len(cases) >= 200
    for case in cases:
        data = case.read_bytes()
        cf = sendmailcf.loads(data)
        assert bytes(cf) == data
        assert [str(node) for node in cf] == [cf.text(i) for i in range(len(cf))]
        if "status: accepted\n" in case.with_suffix(".txt").read_text("utf-8", "replace"):
            assert not [node for node in cf if isinstance(node, nodes.BadLine)], case.name


@given(SNIPPETS)
def test_places_are_counted(text: str) -> None:
    cf = sendmailcf.loads(text)
    data, end = bytes(cf), 0
    for index in range(len(cf)):
        start, stop = cf.span(index)
        assert start == end
        assert data[start:stop].decode("utf-8", "surrogateescape") == cf.raw(index)
        assert cf.line_number(index) == 1 + data[:start].count(b"\n")
        end = stop
    assert end == len(data)


NODES = st.one_of(
    st.builds(lambda v: MacroDefinition(name="S", value=v), st.text("x#\n \t\\\r\0é$", max_size=6)),
    st.builds(lambda v: Option(name="HelpFile", value=v), st.text("x# \n=", max_size=6)),
    st.builds(
        lambda a, b: RewritingRule(lhs=a, rhs=b),
        st.text("$*x \t\n", max_size=5),
        st.text("$1 \t#", max_size=5),
    ),
    st.builds(lambda v: Comment(text=v), st.text("x \n\r", max_size=5)),
    st.just(Blank()),
)


class Edits(RuleBasedStateMachine):
    """Random edits on a document, against the same on a list of (text, end of line)."""

    @initialize(text=SNIPPETS)
    def load(self, text: str) -> None:
        self.cf = sendmailcf.loads(text)
        self.model = fold(text)

    @rule(at=st.integers(0, 20), node=NODES)
    def replace(self, at: int, node: Line) -> None:
        if not self.model:
            return
        at %= len(self.model)
        try:
            self.cf.replace(at, node)
        except EditError:
            return
        self.model[at] = str(node) + split_eol(self.model[at])[1]
        if not self.model[at]:
            self.model[at] = self.cf.raw(at)
            assert split_eol(self.model[at])[0] == ""

    @rule(at=st.integers(0, 20), node=NODES)
    def insert(self, at: int, node: Line) -> None:
        at %= len(self.model) + 1
        try:
            self.cf.insert(at, node)
        except EditError:
            return
        made = self.cf.raw(at)
        assert split_eol(made)[0] == str(node)
        if at == len(self.model) and self.model and not split_eol(self.model[-1])[1]:
            # The last line had no end; it needs one now, and the file still ends without.
            assert (split_eol(made)[1] == "") is (str(node) != "")
            assert self.cf.raw(at - 1) in (self.model[-1] + "\n", self.model[-1] + "\r\n")
            self.model[-1] = self.cf.raw(at - 1)
        self.model.insert(at, made)

    @rule(at=st.integers(0, 20))
    def remove(self, at: int) -> None:
        if self.model:
            del self.model[at % len(self.model)]
            self.cf.remove(at % (len(self.model) + 1))

    @invariant()
    def same_lines(self) -> None:
        assert [self.cf.raw(i) for i in range(len(self.cf))] == self.model
        assert fold(str(self.cf)) == self.model


TestEdits = Edits.TestCase
TestEdits.settings = settings(max_examples=150, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize(
    "node",
    [
        MacroDefinition(name="S", value="x\nDSy"),
        MacroDefinition(name="S", value="x # y"),
        MacroDefinition(name="S", value="x "),
        MacroDefinition(name="S", value="x\r"),
        MacroDefinition(name="S", value=""),
        MacroDefinition(name="S", value="\ud800"),
        MacroDefinition(name="{a-b}", value="x"),
        Option(name="A", value=" b"),
        Option(name="A=B", value="c"),
        RewritingRule(lhs="$*\t", rhs="x"),
        RewritingRule(lhs="$*", tabs=" ", rhs="x"),
        RewritingRule(lhs="$*", rhs="x\ty"),
        Comment(text="x\ny"),
        nodes.BadLine(text="nonsense"),
    ],
    ids=lambda node: repr(str(node)),
)
def test_the_law_of_edits(node: Line) -> None:
    cf = sendmailcf.loads("V10\nDSa\nDSb\n")
    with pytest.raises(EditError):
        cf.replace(1, node)
    with pytest.raises(EditError):
        cf.insert(2, node)
    assert bytes(cf) == b"V10\nDSa\nDSb\n"


def test_below_level_3_a_sign_inside_a_line_is_data() -> None:
    cf = sendmailcf.loads(
        "DAfoo # x\n# c\nMm, P=/a#b\nV2\nO HelpFile=/a\\#b\nV10\nDBfoo # x\nO HelpFile=/a#b\n"
    )
    assert cf.macros["A"] == "foo # x"
    assert cf.macros["B"] == "foo"
    assert [one.value for one in cf.options.all("HelpFile")] == ["/a\\#b", "/a"]
    assert cf.mailers["m"].path == "/a#b"
    cf.macros["A"] = "#"
    cf.macros["B"] = "#"
    assert (cf.text(0), cf.text(6)) == ("DA#", "DB\\# # x")
    assert [cf.macros[name] for name in "AB"] == ["#", "#"]
    assert sendmailcf.loads("D#x")[0] == MacroDefinition(name="#", value="x")


def test_nothing_is_put_before_a_line_it_would_swallow() -> None:
    cf = sendmailcf.loads(" DAx\nDBy\n")
    with pytest.raises(EditError, match="continue"):
        cf.insert(0, Comment(text=" new"))


def test_new_lines_end_like_their_neighbours() -> None:
    cf = sendmailcf.loads("DAx\r\nDBy\n")
    cf.insert(1, Comment(text=" new"))
    assert bytes(cf) == b"DAx\r\n# new\r\nDBy\n"
    whole = sendmailcf.loads("DAx\r\nDBy")
    whole.insert(2, Comment(text=" new"))
    assert bytes(whole) == b"DAx\r\nDBy\r\n# new"


def test_a_diff_is_unified_and_exact() -> None:
    cf = sendmailcf.loads("DAx\nDBy")
    assert cf.diff() == ""
    cf.replace(1, MacroDefinition(name="B", value="z"))
    assert cf.diff() == (
        "--- file\n+++ file\n@@ -1,2 +1,2 @@\n DAx\n-DBy\n\\ No newline at end of file\n"
        "+DBz\n\\ No newline at end of file\n"
    )


def test_equal_lines_are_parsed_once() -> None:
    assert parse("DSonce") is parse("DSonce")
