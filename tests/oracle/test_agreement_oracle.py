"""Lines that are written in odd ways: the linter and `sendmail -bC` agree on each of them.

The one thing to know: each stands between a beginning and an end that are right, as the examples of rules do; whatever
the two sides once did not agree on stands here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Tuple

import pytest
from conftest import FUZZ
from lintcases import HEAD, TAIL
from odd_lines import KINDS, odd_line
from test_lint_oracle import differences, facts  # noqa: F401  (a fixture)

from sendmailcf.files import Facts

pytestmark = pytest.mark.oracle

#: A line or several, by what is odd in them.
LINES: List[Tuple[str, bytes]] = [
    # Headers.
    ("header-macro-of-two-dollars", b"H?$$x?Subject: x"),
    ("header-long-macro-of-two-dollars", b"H?$${foo}?Subject: x"),
    ("header-short-macro-in-braces", b"H?$${x}?Subject: x"),
    ("header-three-dollars-crash", b"H?$$$?Subject: x"),
    ("header-two-dollars-brace", b"H?$$}?X: y"),
    ("header-two-dollars-blank", b"H?$$ ?X: y"),
    ("header-two-dollars-byte", b"H?$$\xe9?X: y"),
    ("header-flag-dollar", b"H?a$$?Subject: x"),
    ("header-comment-in-condition", b"H?#??: x"),
    ("header-condition-goes-on", b"H?#?Subject: x\n ?: y"),
    ("header-protected-hash", b"H?\\#?Subject: x"),
    ("header-colon-below", b"HSubject\n : x"),
    ("header-comment-before-colon", b"HSubject # c\n : x"),
    *((f"header-ruleset-behind-{n}", b"HX: " + b" " * n + b"$>100") for n in (43, 44, 45, 46, 47, 48)),
    *(
        (f"header-ruleset-number-behind-{n}", b"HX:" + b" " * n + b"$>" + b"a" * 20 + b"=100")
        for n in range(23, 29)
    ),
    ("header-ruleset-behind-a-macro", b"DA" + b" " * 47 + b"\nHX:$A$>100"),
    # Fields.
    ("field-quote-goes-on", b'Mx, P=/bin/true, F="ls\n\t, A=true $u'),
    ("field-quote-over-lines", b'Mx, P=/bin/true, F="ls,\n\tA=true $u"\n\t, A=x'),
    ("field-quote-takes-argv", b'Mx, P=/bin/true, F="ls,\n\tA=true $u"\n\t, S=10'),
    ("field-comment-in-quotes", b'Mx, P=/bin/true, F="ls # c\n , A=true $u" ,A=x'),
    ("field-comment-takes-quote", b'Mx, P=/bin/true, F="ls # c"\n , A=true $u'),
    ("field-open-quote-at-end", b'Mx, P=/bin/true, A=x, F=" #x'),
    ("field-open-quote-below", b'Mx, P=/bin/true, A=x, F="a\n #x\n Z=,b'),
    ("field-of-2047", b"Mx, P=/bin/true, A=true $u, D=/" + b"a" * 2046),
    ("field-of-2048", b"Mx, P=/bin/true, A=true $u, D=/" + b"a" * 2047),
    ("field-rest-is-a-field", b"Mx, P=/bin/true, A=true $u, D=/" + b"a" * 2046 + b"C=x"),
    ("field-rest-is-unknown", b"Mx, P=/bin/true, A=true $u, D=/" + b"a" * 2046 + b"Z=x"),
    ("field-rest-is-argv", b"Mx, P=/bin/true, D=/" + b"a" * 2046 + b"A=true"),
    ("field-long-in-quotes", b'Mx, P=/bin/true, A=true $u, D="/' + b"a" * 2046 + b'b, C=x"'),
    ("field-long-of-symbols", b"Mx, P=/bin/true, A=" + b"$u" * 1024),
    ("field-fits-in-symbols", b"Mx, P=/bin/true, A=" + b"$u" * 1023),
    ("field-fits-in-long-names", b"Mx, P=/bin/true, A=" + b"${mail_addr}" * 1023),
    ("field-long-of-a-queue", b"Qx, P=/var/spool/mqueue, F=" + b"f" * 2048),
    ("field-long-of-a-filter", b"Xx, S=local:/run/x, F=" + b"T" * 2048),
    # Queue groups.
    ("queue-no-name", b"Q"),
    ("queue-no-name-but-fields", b"Q ,P=/var/spool/mqueue"),
    ("queue-comma", b"Qx,"),
    ("queue-two-commas", b"Qx,,"),
    ("queue-field-and-comma", b"Qx, R=1,"),
    ("queue-no-key", b"Qx, =5"),
    ("queue-no-name-no-key", b"Q, =5"),
    ("queue-no-name-unknown-key", b"Q, Z=5"),
    ("queue-no-name-no-path", b'Q, P="'),
    ("queue-no-name-outside", b"Q, P=/var/spool/other"),
    ("queue-no-name-relative", b"Q\t, P=other"),
    ("queue-outside-then-inside", b"Qa, P=/var/spool/other\nQA, P=/var/spool/mqueue"),
    ("queue-outside-then-none", b"Qa, P=/var/spool/other\nQa"),
    ("queue-two-paths", b"Qa, P=/var/spool/other, P=/var/spool/mqueue"),
    ("queue-of-relative-directory", b"O QueueDirectory=\nQa\nO QueueDirectory=/var/spool/mqueue"),
    # Numbers.
    ("version-of-33-bits", b"V4294967306"),
    ("version-of-33-bits-new", b"V4294967307"),
    ("version-negative", b"V2147483648"),
    ("version-huge", b"V" + b"9" * 5000),
    ("ruleset-huge", b"S" + b"9" * 5000),
    ("ruleset-number-huge", b"Sa=" + b"9" * 5000),
    ("mailer-ruleset-huge", b"Mx, P=/x, A=x, S=" + b"9" * 2000),
    ("time-huge", b"O Timeout.mail=" + b"9" * 5000 + b"x"),
    ("int-huge", b"O MaxHopCount=" + b"9" * 5000),
    ("header-length-huge", b"O MaxMimeHeaderLength=" + b"9" * 5000),
    ("regex-group-huge", b"Kx regex -s" + b"9" * 1900 + b" (a)"),
    ("connect-port-huge", b"O ConnectOnlyTo=" + b"9" * 5000 + b"@127.0.0.1"),
    ("connect-address-huge", b"O ConnectOnlyTo=" + b"9" * 5000),
    ("family-huge", b"O DaemonPortOptions=Port=" + b"9" * 5000 + b", F=" + b"9" * 5000),
    ("filter-address-huge", b"Xf, S=inet:1@[" + b"9" * 500 + b"]"),
    # Names of macros and classes.
    ("name-of-two-bytes", "D\u00e9x".encode()),
    ("class-of-two-bytes", "C\u00e9x y".encode()),
    ("name-missing-behind-blank", b"D \r"),
    ("class-missing-behind-blank", b"C\t #x"),
    ("name-is-a-line-feed", b"D#x\n y"),
    ("file-class-is-a-comment", b"F#-o x"),
    ("file-class-is-a-blank", b"F # -o x"),
    ("class-is-a-dollar", b"C$$= x"),
    ("class-copy-without-a-name", b"C\\#$= x"),
    ("comment-ends-in-a-class", b"TA#$="),
    ("rule-comment-ends-in-a-class", b"Sq\nR$-\t$>f#oo ,\t$="),
    ("macro-option-comment", b"OM#x"),
    # Dollars before a comment.
    ("rule-dollar-blank-comment", b"Sq\nR$*\t$ #error $@ 5.7.1"),
    ("rule-dollar-blanks-comment", b"Sq\nR+\t$  # c"),
    ("rule-run-time-blank-comment", b"Sq\nR$*$-\t$& # c"),
    ("rule-class-blank-comment", b'Sq\nR$=w\t"q" $= # c'),
    ("rule-text-dollar-blank-comment", b"Sq\nR$*\tx $ #error"),
    *((f"rule-code-{code:x}-left", b"Sq\nR$%cx\ty" % code) for code in range(0x80, 0xA0)),
    *((f"rule-code-{code:x}-right", b"Sq\nR$*\ty $%cx" % code) for code in range(0x80, 0xA0)),
    *((f"rule-code-{code:x}-alone", b"Sq\nR$*\t$%c" % code) for code in range(0x80, 0xA0)),
    *((f"rule-code-{code:x}-last", b"Sq\nR$*\ty $%c" % code) for code in range(0x80, 0xA0)),
    *(
        (f"rule-{count}-of-{name}", b"Sq\nR$*\t" + part * count)
        for name, part in [
            ("words", b"a "),
            ("dots", b"."),
            ("symbols", b"$1"),
            ("macros", b"$B a"),
            ("long", b"abcdefg "),
        ]
        for count in [200, 417, 625, 1000, 1001]
    ),
    *((f"rule-{count}-words-left", b"Sq\nR" + b"a " * count + b"\tx") for count in [625, 626, 1000, 1001]),
    ("rule-words-out-of-a-macro", b"DAa.a.a.a.a.\nSq\nRx\t" + b"$A" * 100),
    ("rule-too-many-words-out-of-a-macro", b"DAa.a.a.a.a.\nSq\nRx\t" + b"$A" * 101),
    ("rule-token-of-256", b"Sq\nR$*\t" + b"a" * 256),
    ("rule-token-of-257", b"Sq\nR$*\t" + b"a" * 257),
    ("rule-token-of-a-plain-byte", b"Sq\nR$*\t" + b"a" * 13 + b"\xa5" + b"a" * 243),
    ("rule-token-of-a-quoted-byte", b"Sq\nR$*\t" + b"a" * 13 + b"\x9a" + b"a" * 243),
    ("rule-token-long-behind-a-byte", b"Sq\nR$*\t" + b"a" * 13 + b"\x9a" + b"a" * 258),
    ("rule-code-before-a-digit", b"Sq\nR$*\ty $\x951"),
    ("rule-code-before-a-symbol", b"Sq\nR$* $| $\x99$*\t\t$#$2"),
    ("rule-code-of-a-class", b"Sq\nR$*\t\t$: < $\x94&{client_resolve} >"),
    ("rule-macro-of-two-bytes", "Sq\nR$-\t$\u00e9\t# c".encode()),
    ("rule-comment-takes-the-tab", b"Sq\nR$&x$~w\t\t#\n c"),
    ("rule-comment-takes-the-tab-and-a-tab-follows", b"Sq\nR$*\t# c\n\tfoo"),
    ("rule-tab-and-a-line-below", b"Sq\nR$*\t\n foo"),
    ("rule-tab-and-a-tab-below", b"Sq\nR$*\t\n\tfoo"),
    ("rule-backslash-blank-left", b"Sq\nR\\$B \tx"),
    ("rule-backslash-blank-right", b"Sq\nR$*\t\\ \tc"),
    ("rule-backslash-right", b"Sq\nR$*\t\\\tc"),
    ("queue-field-of-a-comma", b"Q , N=$, Z=1"),
    ("queue-field-of-a-class", b"Q , N=$=w, Z=1"),
    # Conditions.
    ("rule-condition-on-a-symbol", b"Sq\nR$*\t$?#esmtp $@ a"),
    ("rule-condition-on-a-symbol-else", b"Sq\nR$*\t$?#$| a"),
    ("rule-condition-on-a-symbol-alone", b"Sq\nR$*\t$?#"),
    ("rule-condition-on-a-symbol-left", b"Sq\nR$?#x\ty"),
    ("rule-condition-on-a-wildcard", b"Sq\nR$*\t$?:a"),
    ("rule-condition-on-nothing", b"Sq\nR$*\t$?zy"),
    # Files.
    ("file-optional-twice", b"F{A}-o -o /nosuch"),
    ("file-optional-twice-quote", b'F{A}-o -o x "'),
    ("file-optional-open-quote", b'F{A}-o "x'),
    ("file-backslash-at-end", b"F{A}-o /nosuch\\"),
    ("file-backslash-before-format", b"F{A}/etc/passwd\\ %s"),
    ("file-backslash-inside", b"F{A}/etc/pass\\wd"),
    ("file-program-backslash", b'F{A}"|/bin/echo a"\\'),
    ("file-slash-at-end", b"F{A}/etc/passwd/"),
    ("file-map-no-arguments", b"F{A}- k@null:"),
    ("file-map-ldap-format", b"F{A}k@LDAP x"),
    ("file-map-optional-outside", b"F{A}-o k@hash:/nosuch"),
    ("file-map-optional-inside", b"F{A}k@hash:-o /nosuch"),
    ("file-map-no-file", b"F{A}k@hash:"),
    ("file-map-flag", b"F{A}k@null:-Z x"),
    ("file-map-missing", b"F{A}k@implicit:/nosuch"),
    ("file-map-stab-missing", b"F{A}k@stab:/nosuch"),
    ("file-map-text-relative", b"F{A}k@text:x"),
    ("file-map-text", b"F{A}k@text:-z: /etc/passwd"),
    ("file-map-regex", b"F{A}k@regex:(a"),
    ("file-map-sequence", b"F{A}k@sequence:x"),
    ("file-map-ldap-filter", b"F{A}k@ldap:"),
    ("file-map-macro-crashes", b"F{A}k@macro:"),
    ("file-map-arith-crashes", b"F{A}k@arith:"),
    ("file-two-conversions-crash", b"F{A}/etc/passwd %[^:]:%s"),
    # Maps.
    ("map-name-is-a-macro", b"K ${j}\ttext -f"),
    ("map-name-ends-in-a-macro", b"Ktext$x hash"),
    ("map-sequence-of-itself", b"K a$x sequence a**"),
    ("ldap-defaults", b"O LDAPDefaultSpec=-h x -b dc=x\nKa ldap -k (uid=%0)"),
    ("ldap-defaults-no-filter", b"O LDAPDefaultSpec=-h x\nKa ldap -b x"),
    ("ldap-defaults-server", b"O LDAPDefaultSpec=-h x\nKa ldap -H ldap://x -k x"),
    ("ldap-defaults-twice", b"O LDAPDefaultSpec=-h x\nO LDAPDefaultSpec=-H ldap://y\nKa ldap -k x"),
    ("ldap-defaults-value", b"O LDAPDefaultSpec=-h x\nKa ldap -k x -M q"),
    *(
        (f"ldap-defaults{flag.decode()}", b"O LDAPDefaultSpec=-h x " + flag + b"\nKa ldap -k (uid=%0)")
        for flag in [
            b"-k x",
            b"-v x",
            b"-v",
            b"-Q",
            b"-#",
            b"-",
            b"- x",
            b"-f",
            b"-ax",
            b"-S.",
            b"-1",
            b"-A",
            b"-n",
            b"-z,",
            b"-M none",
            b"-M x",
            b"-s x",
            b"-w 9",
            b"-P /nosuch",
            b"-P /nosuch -M none",
            b"-H ldap://y",
            b'"-Q"',
            b"x -Q",
        ]
    ),
    ("ldap-secret-missing", b"Ka ldap -k x -P /nosuch"),
    ("ldap-secret-empty", b"Ka ldap -k x -P"),
    ("ldap-secret-quoted", b'Ka ldap -k x -P "/nosuch'),
    ("ldap-secret-unread", b"Ka ldap -k x -P /nosuch -M krbv4"),
    ("ldap-secret-last", b"Ka ldap -k x -P /nosuch -P /etc/passwd"),
    *((f"map-file-behind-{n}", b"Kx hash " + b" " * n + b"/x") for n in (2039, 2040)),
    *((f"map-pattern-of-{n}", b"Kx regex " + b"a" * n + b"(") for n in (2037, 2038, 2039)),
    *((f"ruleset-number-behind-{n}", b"Sa" + b" " * n + b"=100") for n in (2042, 2043, 2044, 2045, 2046)),
    # Ports.
    *(
        (f"ldap-{n}-attributes", b"Kx ldap -k x -v " + b",".join(b"a%d" % at for at in range(n)))
        for n in (63, 64, 65)
    ),
    *(
        (f"ldap-attributes-{text.decode()}", b"Kx ldap -k x -v " + text)
        for text in [
            b"a:DN",
            b"a:URL:b",
            b"a:NORMAL:x",
            b"a,b:DN",
            b"a:DN,b",
            b"a::x",
            b":DN",
            b"a:,b:DN",
            b",a:DN",
            b"a:DN,",
            b"a:dn -v b",
        ]
    ),
    *(
        (f"ldap{flags.decode()}", b"Kx ldap -k x " + flags)
        for flags in [
            b"-M simplex",
            b"-M simpl",
            b"-M LDAP_AUTH_SIMPLEX",
            b'-M "simple"',
            b"-s subtree",
            b"-s LDAP_SCOPE_SUBTREE",
            b"-s on",
            b'-s "sub"',
            b"-r neverx",
            b'-r "never"',
            b"-M",
            b"-w 3x",
            b"-w x",
            b"-P /nosuch -M simplex",
            b"-P /nosuch -M nonex",
        ]
    ),
    ("class-copy-behind-two-bytes", "C\u00e9$= x".encode()),
    ("ldap-empty-attributes", b"Kx ldap -k x -v " + b"," * 70 + b"a"),
    *(
        (f"port-path-of-{size}-{option.decode()}", b"O %s=F=unix,Addr=/%s" % (option, b"a" * (size - 1)))
        for option in (b"DaemonPortOptions", b"ClientPortOptions")
        for size in (107, 108)
    ),
    ("port-path-long-and-family-behind", b"O DaemonPortOptions=Addr=/" + b"a" * 120 + b",F=unix"),
    ("port-path-long-then-short", b"O DaemonPortOptions=F=unix,A=/" + b"a" * 120 + b",A=/x"),
    ("port-broadcast-address", b"O DaemonPortOptions=Addr=255.255.255.255"),
    # Bytes.
    *(
        (f"{name}-{flag!r}", b"O %s=%s" % (option, flag))
        for name, option in [("privacy", b"PrivacyOptions"), ("blame", b"DontBlameSendmail")]
        for flag in [
            b"\x01",
            b"safe \x01",
            b"safe\x01",
            b"safe,\xe9",
            b"safe\xe9safe",
            b"safe\xc3\xa9safe",
            b"safe\x80",
        ]
    ),
    ("mailer-user-of-a-byte", b"Mx, P=/x, U=\xff:2, A=x"),
    ("map-gap-of-two-bytes", b"Ka\xc3\xa9hash x"),
    ("map-gap-of-a-byte", b"Ka\xa9hash x"),
    ("map-gap-of-a-quoted-byte", b"Ka\x80hash x"),
    ("map-space-of-two-bytes", b"Ka hash\xc3\xa9x"),
    ("name-is-a-brace", b"D}x"),
    ("macro-option-brace", b"OM}x"),
    # Versions.
    ("version-new-then-right", b"V100\nV10/Berkeley"),
    ("version-right-then-new", b"V10/Berkeley\nV100"),
    # Comments.
    ("precedence-comment-in-name", b"Pfoo # c\n =x"),
    ("environment-comment-in-name", b"Efoo # c\n =x"),
    ("environment-comment-first", b"E#x\n y=b"),
]


@pytest.mark.parametrize("lines", [one for _, one in LINES], ids=[name for name, _ in LINES])
def test_odd_lines(
    program: Callable[[str], str],
    tmp_path: Path,
    facts: Callable[[str], Facts],  # noqa: F811
    lines: bytes,
) -> None:
    data = HEAD + lines + b"\n" + TAIL
    assert differences(program("sendmail"), tmp_path / "t.cf", data, facts) == ([], [])


@pytest.mark.parametrize(
    "line", [b"Qa", b"Qmqueue", b"Q,", b"Qa, P=", b"Qa, Z=1", b"Qa, P=/var/spool/mqueue", b"Qa\nQa"]
)
def test_queue_groups_above_the_directory(
    program: Callable[[str], str],
    tmp_path: Path,
    facts: Callable[[str], Facts],  # noqa: F811
    line: bytes,
) -> None:
    data = HEAD.replace(b"O Queue", line + b"\nO Queue") + TAIL
    assert differences(program("sendmail"), tmp_path / "t.cf", data, facts) == ([], [])


@pytest.mark.parametrize(
    "name", [b"{A-b}", b"{A b}", b"{A", b"{" + b"a" * 26 + b"}", b"{a}", b"{Name1}", b"{Name-1}", b"{Other}"]
)
def test_names_count_without_their_bad_characters(
    program: Callable[[str], str],
    tmp_path: Path,
    facts: Callable[[str], Facts],  # noqa: F811
    name: bytes,
) -> None:
    for count in (89, 93, 94):
        lines = b"".join(b"D{Name%d}x\n" % at for at in range(count))
        data = HEAD + b"D" + name + b"x\n" + lines + TAIL
        assert differences(program("sendmail"), tmp_path / "t.cf", data, facts) == ([], [])


@pytest.mark.parametrize("seed", range(8 * FUZZ))
@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_odd_parts(
    program: Callable[[str], str],
    tmp_path: Path,
    facts: Callable[[str], Facts],  # noqa: F811
    kind: str,
    seed: int,
) -> None:
    data = HEAD + odd_line(kind, seed) + b"\n" + TAIL
    found, _ = differences(program("sendmail"), tmp_path / "t.cf", data, facts)
    assert found == []
