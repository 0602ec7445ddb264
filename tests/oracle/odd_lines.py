"""Lines put together of parts that are odd, or right, by kind of line.

The one thing to know: a line is one word of each of the columns of its kind, so that most of what sendmail does with a
kind of line is met, in combinations that nobody thought of.
"""

from __future__ import annotations

import random
from typing import Dict, Sequence

from sendmailcf.known.maps import MAP_CLASSES
from sendmailcf.known.options import OPTIONS

Column = Sequence[str]

_NAMES: Column = [row.name for row in OPTIONS if row.name]
_LETTERS: Column = [row.letter for row in OPTIONS if row.letter]
_VALUES: Column = [
    "", "0", "1", "-1", "True", "t", "no", " true", "5m", "1h30m", "1.5h", "5 m", "now", "5M", "10M", "9" * 20, "0x10", "abc",
    "/nosuch", "/etc/passwd", "/tmp", "[127.0.0.1]", "mail", "nosuchuser", "mail:mail", "mail.mail", "mail:nosuch", "0:0",
    "a,b", "a b", "a;b", "a\tb", "\tx", '"q"', '"a b', "a\\", "\\a", "$j", "${x}", "$&x", "$", "$$", "a#b", "a\\#b", "%", "b", "i",
    "q", "d", "p", "m", "s", "host", "add-to", "add-bcc ", "authwarnings,noexpn", "no-expn", "+AAONLY", "-DNSRCH,", "+SSL_OP_ALL",
    "-0x10", "Apy", "x" * 2100, "25/40", "1/2/3", "/var/spool/mqueue/q*", "q*", "hash:/etc/aliases", "zork:x", "/a,/b", "5@127.0.0.1",
    "::1", "127.0.0.1", "256.1.1.1", "Port=25", "Port=25, Name=MTA", "Family=inet6, Addr=::1", "Family=unix, Addr=/x", "X=1", "pw",
    "-h x -k y", "safe", "\u00e9", "1\0002", "x\r", "$=w", "${", "${a-b}", "j, _, {daemon_name}", "5d/4h", "mail:5m,rcpt=3m", "mail=5x",
    "foo:3m", "-", "+", ".", "?", "*",
]  # fmt: skip
_FIELDS: Column = [
    "P", "F", "S", "R", "E", "L", "A", "M", "m", "r", "N", "C", "T", "D", "U", "W", "/", "Z", "p", "Path", "", " ", "=", "J", "I",
]  # fmt: skip
_FIELD_VALUES: Column = [
    "/bin/true", "[IPC]", "[TCP]", "[FILE]", "true $u", "TCP $h", "TCP", "FILE $u", "FILE $u x", "lsDFM", "", "10", "100", "a/b", "a/",
    "/a", "1a", "_x", "x=5", "x=", "x=100", "x = 5/y", "$x", "\\r\\n", '"a,b"', '"a', 'a"', "\\,", "\\", "5m", "5x", "8:8", "0x8", ":8",
    "/tmp", "mqueue", "990", " x", " ", "x ", "#x", "a#b", "a\\#b", "$", "a$", "\u00e9", "x" * 2047, "x" * 2048, "a\tb",
    "/var/spool/mqueue", "/var/spool/other", "local:/run/f", "inet:1@[127.0.0.1]", "inet:1", "tcp:1@x", "C:5m;S:3s", "C5m", "Z:1",
]  # fmt: skip
_GAPS: Column = [", ", ", ", ",", " , ", ",,", " ", "\n ", ",\n\t", "\n ,"]
_EQUALS: Column = ["=", "=", "=", " = ", "= ", "", "==", "\n ="]
_LEFT: Column = [
    "$*", "$+", "$-", "$=w", "$~w", "$={Foo}", "$@", "$#", "$:", "$[", "$(", "$)", "$1", "$0", "$|", "$?x", "$.", "$&x", "$x", "${j}", "a",
    "@", "<", '"q"', '"q', "(", "\\", "\\!", "$", "$$", "$=", "$~", "$&", "$?", "\u00e9", "$= ", "\\#", "#", " ", ".", ",", "\x01", "${",
    "${a-b}", "x" * 256, "x" * 257, "$?x a$|b$.", "",
]  # fmt: skip
_RIGHT: Column = [
    *_LEFT, "$2", "$#error", "$@ ", "$: x", "$>foo", "$>3", "$(x $1 $)", "$(x $1 $: d $)", "$(x $@ a $@ b$)", "$[ $1 $]", "$(x",
    "$(x $[a$]$)", "$(x $)$(y $)", "$( $]",
]  # fmt: skip

#: The columns of each kind of line; what stands above it comes first.
KINDS: Dict[str, Sequence[Column]] = {
    "option": [["O "], _NAMES, ["=", "=", "=", " = ", "=  ", "\t=", "", " ", "==", ".sub="], _VALUES],
    "letter": [["O"], [*_LETTERS, *"abcdefgNW"], _VALUES],
    "port": [
        ["O DaemonPortOptions=", "O ClientPortOptions="],
        ["Port", "Addr", "Family", "M", "D", "q", "X", "n", "", " ", "L", "I"], ["=", "=", "= ", " =", ""],
        ["25", "99999", "-1", " 25", "25 ", "inet", "INET", "unix", "2", "10", "1", "x", "127.0.0.1", "::1", "[::1]", "", "a;b"],
        ["", ", Family=inet6", ", F=unix", ",Addr=/x", ",,", " ,Port=25"],
    ],
    "map": [
        ["K"], ["", "", " "], ["x", "1a", "a_b", "a.b", "_a", "", "$w", "a$x", "\u00e9", "a,b"], [" ", " ", "\t", ":", ",", "-", "\n "],
        [*(row.name for row in MAP_CLASSES), "zork", "HASH", ""], [" ", " ", "\t", "", ":", "\n "],
        ["", "", "-o ", "-f -m ", "-k x ", "-k ", "-a.x ", "-R MX ", "-R ", "-s1 ", "-b ", "-L INFO ", "-M none ", "-Q ", "- ", "-h x -H y "],
        ["", "/etc/mail/x", "x", "^(a|b)$", "(a", "a{2,1}", "\\(a\\)", "a**", "[[:alpha:]", "/usr/bin/prog a", "$(", "a\\", "+"],
    ],
    "mailer": [["M"], ["x", "local", "prog", "", "a b", "a,", "#", "\\#"], ["", ", P=/bin/true, A=true $u"],
               _GAPS, _FIELDS, _EQUALS, _FIELD_VALUES, ["", ", "], ["", "F=x", "Z=1"]],
    "queue": [["Q"], ["x", "mqueue", "", " ", "a b", ","], _GAPS, _FIELDS, _EQUALS, _FIELD_VALUES, ["", ", "], ["", "R=1", "Z=1"]],
    "filter": [["X"], ["f", "", "a b"], _GAPS, ["S", "F", "T", "Z", ""], _EQUALS, _FIELD_VALUES, ["", ", S=/run/f", ", T=C:5m"]],
    "header": [
        ["H"], ["", "", "?P?", "??", "?$x?", "?${x}?", "?$xD?", "?P", "?$?", "? ?", "?$$x?", "?$&x?", "?#?", "?\\#?", "?\u00e9?"],
        ["Subject", "*", "", "a b", "Sub$x", "\u00e9", "a" * 101, "a\\#b", "$", "X\x01"], [":", ":", " :", "", "::", ":\n ", "\n :"],
        ["", "x", "$>Check", "$>+Check", "$>", "$>100", "$>_x", "$>a=5", "$>a=", "$>a=100", "$>$x", "$>Check x", "# c", "$", "${", "$>1a"],
    ],
    "macro": [
        ["D", "C", "OM"],
        ["A", "{Foo}", "{a-b}", "{}", "{", "", "{" + "x" * 26 + "}", " ", "\t", "#", "$", "\u00e9", "\x01", "{*}", "{a b}", "}"],
        ["", "x", " x y", '"a b"', '"a', "\\", "$A", "$=w", "$=", "$~", "$&", "$", "$$", "$= x", "x$=w", "${", "${a-b}", "$ ", "#", "\\#",
         "$#", "$=#", "x\0y", "x\n y", "x\n\ty # z\n w", "\u00e9", "$|", "\r"],
    ],
    "file": [
        ["F"], ["A", "{A}", "{", "", "@", "\\#"], ["", " ", "\t"], ["", "-o ", "-o", "-ox ", "- "],
        ["/etc/passwd", "/nosuch", "passwd", "/tmp", '"/etc/passwd"', '"/etc/passwd', '""', "|/bin/true", "|", "k@zork:/x", "k@", "k@:x",
         "k@null:", "k@hash:", "k@hash:/nosuch", "/etc/passwd\\", "/etc/pass@wd:x", "/etc/passwd#x", ""],
        ["", " %s", " %[^:]", " %s %s", "\t%s", " # c"],
    ],
    "small": [
        ["E", "P", "T", "L", "G", "V", "N"],
        ["", "FOO=bar", "FOO", "=", "=x", "foo bar=x", "foo\n bar", "foo # c\n =x", "junk=-100", "junk = 5", "root daemon", "$x", "${", "10",
         "10/Berkeley", "10/Sun", "10/", "11", "9", " 10", "-1", "10 /Berkeley", "9" * 20, "$", "A$=", "x\0y", "\0", " "],
    ],
    "rule": [
        ["", "Dx\t\n", "DAa b\n", "D*x\n", "O OperatorChars=.:\n", "V8\n"], ["Sq\nR", "Sq\nR", "R"],
        _LEFT, _LEFT, ["\t", "\t", "\t", "\t\t", " \t", "\n\t", "    ", ""], _RIGHT, _RIGHT, ["", "\tc", " # c", "\t# c", "\n c", "\t$="],
    ],
    "ruleset": [
        ["S"],
        ["foo", "3", "99", "100", "9" * 20, "foo=5", "foo = 5", "foo=", "foo=x", "foo=100", "3=foo", "a-b", "_a", "", " ", "\u00e9", "$x", "$j",
         "foo$x", "#", "foo # c", "foo\n =5", "\t5", "foo=05", "foo==5", "$=w", "\0", "$"],
        ["", "\nR$*\t$1", "\nSfoo=7\nR$*\t$1"],
    ],
}  # fmt: skip


def odd_line(kind: str, seed: int) -> bytes:
    """A line of a kind, or several; the same for the same seed."""
    pick = random.Random(f"{kind} {seed}")
    return "".join(pick.choice(column) for column in KINDS[kind]).encode()
