"""References: every place that names something, and nothing else.

The one thing to know: the law is that the place holds the name; that sendmail expands there is what the oracle tests of
the reading show.
"""

from __future__ import annotations

from typing import List, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sendmailcf

CF = """V10/Berkeley
DSsmtp:relay.example
D{My}$S and $?{x}$j$.
Cw localhost $S # $Z is no use
CX$=w
F{X}/etc/mail/$S
Troot
Kstore macro
Kmap hash -a$S /etc/mail/map
Kboth sequence map access
O HelpFile=/etc/$S
H?$x?Received: from $s
HSubject: $>+Check
P$S=1
Msmtp, P=[IPC], S=EnvFrom/21, A=TCP $h
Sparse=0
R$* $=X $~{w} $&{My}	$: $(map $1 $@ "$S" $) $>Other $2	$Z is no use
R$+	$(store {Mine} $@ $1 $) $#smtp $@ $[$1$] $: $1
R$-	$>0 $1 $#$1
R$-	$>"Quoted" $("map" $1 $) $#"smtp" $: $1
"""


def places(cf: sendmailcf.Config, name: str, kind: str) -> List[Tuple[int, str]]:
    return [(cf.line_number(one.index), one.role) for one in cf.references(name, kind)]


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("macro", "S", [(2, "definition"), (3, "use"), (4, "use"), (9, "use"), (11, "use"),
                        (17, "use")]),
        ("macro", "{x}", [(3, "use"), (12, "use")]),
        ("macro", "x", [(3, "use"), (12, "use")]),
        ("macro", "My", [(3, "definition"), (17, "use")]),
        ("macro", "Mine", [(18, "definition")]),
        ("macro", "Z", []),
        ("class", "w", [(4, "definition"), (5, "use"), (17, "use")]),
        ("class", "{X}", [(5, "definition"), (6, "definition"), (17, "use")]),
        ("class", "t", [(7, "definition")]),
        ("map", "MAP", [(9, "definition"), (10, "use"), (17, "use")]),
        ("map", "store", [(8, "definition"), (18, "use")]),
        ("map", "host", [(18, "use")]),
        ("mailer", "smtp", [(2, "use"), (15, "definition"), (18, "use")]),
        ("ruleset", "Check", [(13, "use")]),
        ("ruleset", "21", [(15, "use")]),
        ("ruleset", "parse", [(16, "definition"), (16, "definition"), (19, "use")]),
        ("ruleset", "Other", [(17, "use")]),
        ("ruleset", "Quoted", [(20, "use")]),
    ],
)  # fmt: skip
def test_places(kind: str, name: str, expected: List[Tuple[int, str]]) -> None:
    assert places(sendmailcf.loads(CF), name, kind) == expected


@given(st.lists(st.sampled_from([*"DCFTHKMOPQSRVXE$x{}=~&?()[]|.#>@: ,\"", "\n", "\n ", "\t", "$>", "$#", "name", "S=", "A="]),
                max_size=40).map("".join))  # fmt: skip
def test_a_place_holds_its_name(text: str) -> None:
    cf = sendmailcf.loads("V10\n" + text)
    for one in cf.references():
        if one.name not in ("host", "t"):
            assert cf.text(one.index)[one.start : one.end] in (one.name, "{" + one.name + "}")
