"""What a file says, and what two files say differently.

The one thing to know: layout never counts, and whatever sendmail would take differently does.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sendmailcf
from sendmailcf.cli import main
from sendmailcf.summary import changes, said

CF = """V10/Berkeley
Cwlocalhost mail
Fw-o /etc/mail/local-host-names %[^\\#]
Troot
DSrelay.example
D{Long}x
Kauthinfo hash -o /etc/mail/authinfo
O MaxHopCount=25
O PrivacyOptions=authwarnings
O PrivacyOptions=noexpn
O Timeout.ident=0
O OperatorChars=.:@[]
ETZ=UTC
Pjunk=-100
H?P?Return-Path: <$g>
HSubject: $>Check
Qq, P=/var/spool/mqueue, I=5m
Xf, S=local:/run/f, F=T
Mrelay, P=[IPC], F=ma, E=\\r\\n, A=TCP $h 587
Sparse=0
R$* <@>	$#relay $@ $S $: $1	a comment
"""

SAME = [
    ("Cwlocalhost mail", "CwMAIL\nCwlocalhost"),
    ("O MaxHopCount=25", "Oh25\n# a comment"),
    ("O MaxHopCount=25", "O MaxHopCount=5\nO maxhopcount = 25"),
    ("O Timeout.ident=0", "O Timeout.ident=0m"),
    ("-o /etc/mail/authinfo", "-o   /etc/mail/authinfo # c"),
    ("F=ma, E=", "F=am,\n\tE="),
    ("A=TCP $h 587", "A=TCP\t$h 587"),
    ("R$* <@>\t$#relay $@ $S $: $1\ta comment", "R$*<@>\t\t$#relay $@  $S $: $1"),
    ("V10/Berkeley", "# x\nV10/Berkeley"),
]
DIFFERENT = [
    ("Cwlocalhost mail", "Cwlocalhost", "C.w"),
    ("%[^\\#]", "%s", "F.w"),
    ("DSrelay.example", "DSRelay.example", "D.S"),
    ("D{Long}x", "", "D.{Long}"),
    ("hash -o", "hash", "K.authinfo"),
    ("MaxHopCount=25", "MaxHopCount=26", "O.MaxHopCount"),
    ("O PrivacyOptions=noexpn", "", "O.PrivacyOptions"),
    ("ETZ=UTC", "ETZ", "E.TZ"),
    ("Pjunk=-100", "Pjunk=1", "P.junk"),
    ("H?P?Return", "H?D?Return", "H.Return-Path"),
    ("$>Check", "$>+Check", "H.Subject"),
    ("I=5m", "I=6m", "Q.q.I"),
    ("S=local:/run/f", "S=local:/run/g", "X.f.S"),
    ("587", "588", "M.relay.A"),
    ("F=ma", "F=m", "M.relay.F"),
    ("$: $1\t", "$: $1 x\t", "S.parse"),
    ("V10", "V9", "V"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_layout_makes_no_difference(old: str, new: str) -> None:
    assert old in CF
    assert changes(sendmailcf.loads(CF), sendmailcf.loads(CF.replace(old, new))) == []


@pytest.mark.parametrize(("old", "new", "key"), DIFFERENT)
def test_meaning_does(old: str, new: str, key: str) -> None:
    assert old in CF
    a, b = sendmailcf.loads(CF), sendmailcf.loads(CF.replace(old, new))
    (found,) = changes(a, b)
    assert (found.key, found.old) == (key, said(a)[key].text)
    (back,) = changes(b, a)
    assert (back.key, back.old, back.new) == (key, found.new, found.old)


def test_get_reaches_every_view(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "t.cf"
    file.write_text(CF)

    def get(*key: str) -> str:
        assert main(["get", str(file), *key]) == 0
        return capsys.readouterr().out

    assert get("C.w") == "localhost\nmail\n"
    assert get("F.w") == "-o /etc/mail/local-host-names %[^#]\n"
    assert get("K.AuthInfo") == "hash -o /etc/mail/authinfo\n"
    assert get("M.Relay.A") == "TCP $h 587\n"
    assert get("M.relay.E") == "\\r\\n\n"
    assert get("M.relay") == "M.relay.P=[IPC]\nM.relay.F=ma\nM.relay.E=\\r\\n\nM.relay.A=TCP $h 587\n"
    assert get("O.privacyoptions") == "authwarnings\nnoexpn\n"
    assert get("S.parse") == "$* <@>\t$#relay $@ $S $: $1\n"
    assert get("P.junk") == "-100\n"
    assert get("V") == "10/Berkeley\n"
    assert get("Q.q.I") == "5m\n"
    every = get()
    keys = [line.partition("=")[0] for line in every.split("\n") if line]
    assert list(dict.fromkeys(keys)) == list(said(sendmailcf.loads(CF)))
    assert json.loads(get("--json"))["C.t"] == ["root"]
    assert get("O").startswith("O.MaxHopCount=25\n")
    assert main(["get", str(file), "K.none"]) == 1
    assert main(["get", str(file), "Z.x"]) == 2


def test_diff_shows_what_went_and_came(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    old.write_text(CF)
    new.write_text(CF.replace("25", "30").replace("Sparse=0\n", "Sparse=0\nR$-\t$1\n"))
    assert main(["diff", str(old), str(old)]) == 0
    assert main(["diff", str(old), str(new)]) == 1
    assert capsys.readouterr().out == "- O.MaxHopCount=25\n+ O.MaxHopCount=30\n+ S.parse=$-\t$1\n"
    assert main(["diff", "--json", str(new), str(old)]) == 1
    assert json.loads(capsys.readouterr().out)[0] == {"key": "O.MaxHopCount", "old": ["30"], "new": ["25"]}
    assert main(["diff", str(old), str(tmp_path / "none")]) == 2
