"""A file as JSON and back: byte for byte, or refused with the entry's place.

The one thing to know: the law holds for any bytes, and an edited JSON obeys the law of edits.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sendmailcf
from sendmailcf.asjson import config_of, lines_of
from sendmailcf.cli import main
from sendmailcf.errors import EditError

CF = b"V10\nDSa\xff # c\r\nMx, P=[IPC], A=TCP $h\n\n#\n\tx\nO A=b\x00c\nnonsense"


@given(st.one_of(st.binary(max_size=80), st.text('DCMSRO{}=,. \n\t#"$x1:\0\r', max_size=80).map(str.encode)))
def test_any_bytes_come_back(data: bytes) -> None:
    text = json.dumps(lines_of(sendmailcf.loads(data)))
    assert bytes(config_of(json.loads(text))) == data


def test_an_edit_in_json_is_an_edit_of_the_file() -> None:
    value = lines_of(sendmailcf.loads(CF))
    value["lines"][1]["fields"]["value"] = "relay.example"
    assert bytes(config_of(value)) == CF.replace(b"DSa\xff", b"DSrelay.example")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v["lines"][1]["fields"].update(value="x\nDTy"), r"lines\[1\] would not read back"),
        (lambda v: v["lines"][1]["fields"].update(value="x #"), r"lines\[1\] would not read back"),
        (lambda v: v["lines"][1]["fields"].update(value="\ud800"), "no byte"),
        (lambda v: v["lines"][1]["fields"].update(value=3), r"lines\[1\].value is neither"),
        (lambda v: v["lines"][1]["fields"].update(colour="x"), r"lines\[1\]: the fields of a MacroDefinition are"),
        (lambda v: v["lines"][1]["fields"].pop("name"), r"lines\[1\]: the fields of"),
        (lambda v: v["lines"][2].update(kind="Mailer"), r"lines\[2\]: there is no kind"),
        (lambda v: v["lines"][2].update(eol="\r"), r'lines\[2\]: "eol"'),
        (lambda v: v["lines"][2]["fields"].update(equates=[{"key": "P", "x": "y"}]), "the fields of a Equate"),
        (lambda v: v["lines"][0].update(eol=""), r"lines\[0\] would not read back"),
        (lambda v: v["lines"].__setitem__(0, 3), r"lines\[0\] is no line"),
        (lambda v: v.update(lines="x"), "a list"),
    ],
)  # fmt: skip
def test_what_would_not_read_back_is_refused(change: Callable[[Any], Any], message: str) -> None:
    value = lines_of(sendmailcf.loads(CF))
    change(value)
    with pytest.raises(EditError, match=message):
        config_of(value)


def test_parse_and_build(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "t.cf"
    file.write_bytes(CF)
    assert main(["parse", str(file), "--format", "json"]) == 0
    out = capsysbinary.readouterr().out
    (tmp_path / "t.json").write_bytes(out)
    assert main(["build", str(tmp_path / "t.json")]) == 0
    assert capsysbinary.readouterr().out == CF
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    assert main(["build", "-"]) == 2
    found = capsysbinary.readouterr()
    assert found.out == b""
    assert b"no JSON" in found.err
