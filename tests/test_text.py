"""Bytes and lines: the cut into logical lines loses nothing and is sendmail's own.

The one thing to know: expected values are sendmail's, from the recorded cases of the shared specification.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf import text

LINES = st.text(alphabet=" \t\n\r\v\f\0#\\$x\x85\u2028\udc80", max_size=40)


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert text.encode(text.decode(data)) == data


@given(LINES)
def test_folding_loses_nothing(whole: str) -> None:
    lines = text.fold(whole)
    assert "".join(lines) == whole
    assert "" not in lines
    for line in lines[1:]:
        assert line[0] not in " \t"
    for line in lines:
        body, eol = text.split_eol(line)
        assert body + eol == line
        # Every line feed inside a logical line is followed by white space.
        assert all(part[:1] in (" ", "\t") for part in body.split("\n")[1:])


@given(LINES)
def test_physical_lines_lose_nothing(whole: str) -> None:
    lines = text.physical(whole)
    assert "".join(lines) == whole
    assert [line for line in lines[:-1] if not line.endswith("\n")] == []


@pytest.mark.parametrize(
    ("whole", "lines"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n b\nc\n", ["a\n b\n", "c\n"]),
        ("#c\n DAx\n", ["#c\n DAx\n"]),
        ("\n x\n", ["\n x\n"]),
        ("\n\n", ["\n", "\n"]),
        ("a\f\n\vb\n", ["a\f\n", "\vb\n"]),
        ("a\\\nb\n", ["a\\\n", "b\n"]),
        ("a\r\n\tb\r\n", ["a\r\n\tb\r\n"]),
        ("a\x85b\u2028c\n", ["a\x85b\u2028c\n"]),
    ],
)
def test_folding(whole: str, lines: list[str]) -> None:
    assert text.fold(whole) == lines


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("a\r\n", ("a", "\r\n")),
        ("a\r\r\n", ("a\r", "\r\n")),
        ("a\n", ("a", "\n")),
        ("a\r", ("a\r", "")),
        ("", ("", "")),
    ],
)
def test_end_of_line(line: str, parts: tuple[str, str]) -> None:
    assert text.split_eol(line) == parts


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("one # c", "one"),
        (r"a\#b", "a#b"),
        (r"a\\#b", r"a\#b"),
        ("/a#b", "/a"),
        ('"550 #1"', '"550'),
        ("$#error", "$#error"),
        ("$=# x", "$=# x"),
        ("$&#", "$&#"),
        ("$$# x", "$$"),
        ("${a#b}c", "${a#b}c"),
        ("one # c\n two", "one\n two"),
        ("one  \n two", "one  \n two"),
        ("x\0y", "x"),
        ("x \t\v\f\r", "x"),
        ("a\r\n b", "a\n b"),
        ("a\rb", "a\rb"),
    ],
)
def test_inline_comments(raw: str, meant: str) -> None:
    assert text.meaning(raw) == meant
