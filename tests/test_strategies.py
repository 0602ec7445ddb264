"""The public strategies: what they draw is what they say, and every kind comes up.

The one thing to know: they are used by the other tests too; here are only their own promises.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sendmailcf
from sendmailcf import makemap, nodes, strategies
from sendmailcf.authinfo import AuthInfoEntry, Credentials, parse
from sendmailcf.nodes import BadLine


@pytest.mark.parametrize("kind", nodes.LINES, ids=lambda kind: kind.__name__)
def test_lines_are_of_their_kind(kind: type[nodes.Line]) -> None:
    @given(strategies.cf_lines(kind))
    @settings(max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
    def check(line: str) -> None:
        cf = sendmailcf.loads("V10\n" + line + "\n")
        assert type(cf[1]) is kind
        assert str(cf[1]) == line

    check()


@given(strategies.cf_files())
@settings(max_examples=60)
def test_files_come_back_and_say_something(data: bytes) -> None:
    cf = sendmailcf.loads(data)
    assert bytes(cf) == data
    assert cf.version is not None
    assert not any(isinstance(node, BadLine) for node in cf)


@given(strategies.options())
def test_options_can_be_set(drawn: tuple[str, object]) -> None:
    name, value = drawn
    cf = sendmailcf.loads("V10\n")
    cf.options[name] = value  # type: ignore[assignment]
    assert name in cf.options


@given(strategies.credentials())
def test_credentials_can_be_stored(drawn: Credentials) -> None:
    auth = sendmailcf.AuthInfo(b"")
    auth["relay.example"] = drawn
    assert auth["relay.example"].password == drawn.password


@given(strategies.authinfo_entries())
def test_entries_are_entries(line: str) -> None:
    assert isinstance(parse(line), AuthInfoEntry)


@given(strategies.map_sources(), st.booleans())
def test_sources_are_read(data: bytes, fold: bool) -> None:
    assert bytes(sendmailcf.AuthInfo(data)) == data
    makemap.read(data, fold=fold)
