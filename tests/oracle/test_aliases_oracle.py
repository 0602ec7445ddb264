"""newaliases against the real one (`sendmail -bi`): the same messages, exit status, mode and records.

The one thing to know: sendmail refuses alias files below directories that others can write to, so both run in a
mount namespace of their own, where the test's directory is /mnt.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, List, Sequence, Tuple

import pytest
from conftest import FUZZ, ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sendmail import NAME, make_cf

from sendmailcf import mapdb

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace and the owner of the database need root"),
]

LISTED = [
    b"foo ",
    b"foo (c1) ",
    *rb"""foo,bar
foo "Q r"
"Q r" foo
(c)%localhost
""
"x"
"x@y"
"(x)"
"<x>"
"a\"b"
" lead"
"trail "
"a.b"
"a,b"
"a:b"
"Quoted Name"
foo;bar
.foo
foo.
foo..bar
foo @ localhost
|prog
/file/x
foo$bar
foo\ bar
user@[127.0.0.1]
user%localhost
foo@
a@b@localhost
(only comment)
"unbal
un(bal
un)bal
<foo
foo>
Full Name <foo3>
foo=bar
foo_bar-baz
foo*bar
foo#bar
foo'bar
[foo]
$x
$&x
foo/bar
foo&bar
foo?bar
~foo
foo!localhost
localhost!foo9
user@client.example.net.
USER@CLIENT.example.net
"X Y"@localhost
a b c
<@localhost:foo>
<a@localhost>
foo(c1)(c2)
x+y@localhost
user@LOCALHOST
user@localhost.
user@localhost.localdomain
user@client
Root
foo bar
a.b
user@remote.org
\esc
par(comment)en
<ang>
plus+detail
per%cent
bang!user
POSTMASTER
,comma
@dom
@
a"b c"d
MAILER-DAEMON
1234
-dash
_under""".split(b"\n"),
]
LINES = b"""# comment
 going on
bar: a,   b,
   c,@
\td
list: :include:/etc/mail/list
prog: "|/bin/cat -n"
dup: one
DUP: two
novalue:
nocolon
  leading continuation
  more

  x: y
  z: y
empty:@@@
back: s1,\\
s2,\\
 s3
tr: trailing@@@
8bit\xe9: \xe9x
cr: x\r
#c \\
still: comment
last: line""".replace(b"@", b" ")


class Host:
    """A directory with a sendmail.cf, in which both programs build the same sources."""

    def __init__(self, sendmail: str, cf: bytes) -> None:
        self._sendmail = sendmail
        self.directory = Path(tempfile.mkdtemp(prefix="aliases."))
        self.directory.chmod(0o755)
        (self.directory / "sendmail.cf").write_bytes(cf)

    def both(self, source: bytes, *given: str) -> Tuple[Any, Any]:
        """What the real program did and what ours did: status, output, mode, owner, records."""
        mine = [sys.executable, "-m", "sendmailcf", "newaliases"]
        theirs = [self._sendmail, "-bi"]
        return self._one(theirs, source, given), self._one(mine, source, given)

    def _one(self, program: List[str], source: bytes, given: Sequence[str]) -> Any:
        (self.directory / "aliases").write_bytes(source)
        database = self.directory / "aliases.db"
        database.unlink(missing_ok=True)
        script = 'mount --bind "$1" /mnt && hostname "$2" && shift 2 && exec "$@"'
        words = [*program, "-C", "/mnt/sendmail.cf", *(given or ("-oA/mnt/aliases",))]
        done = subprocess.run(
            ["unshare", "-m", "-u", "sh", "-c", script, "sh", str(self.directory), NAME, *words],
            capture_output=True, timeout=60, check=False, cwd="/", env={**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"},
        )  # fmt: skip
        found = None
        if database.exists():
            facts = database.stat()
            opened = mapdb.open(str(database))
            found = (f"{facts.st_mode:o}", facts.st_uid, opened.info.format, sorted(opened.pairs()))
        return done.returncode, done.stdout.split(b"\n"), done.stderr, found


@pytest.fixture(scope="module")
def host(program: Callable[[str], str], shared: Path) -> Any:
    made = Host(program("sendmail"), make_cf(shared))
    yield made
    shutil.rmtree(made.directory)


def test_every_kind_of_name_and_line(host: Host) -> None:
    theirs, mine = host.both(b"".join(name + b": x\n" for name in LISTED) + LINES)
    assert len(theirs[3][3]) > 60
    assert theirs[0] == 64
    assert mine == theirs


@pytest.mark.parametrize(
    "source",
    [b"", b"a: b\n", b"a: b", b"a: b\\\n", b"a: b\\", b"a: b\n ", b"a: b\0c\nd: e\nf: g\n", b"\\\na: b\n", b"a\\\nb: c\n",
     b"a:\n b\n", b"a: b,\\\n\\\n c\n", b"a:\v\fb\n", b"@: @\n", b": x\n", b"a : b : c\n", b"a: b \n \n\tc\n",
     b"a: " + b"0" * 8187 + b"\nb: c\n", b"a: " + b"0" * 8188 + b"\nb: c\n", b"a: " + b"0" * 8187 + b"\n bb\nb: c\n",
     b"a: " + b"0" * 9000 + b"\\\nmore\n  more\nb: c\n"],
    ids=lambda source: repr(source[:20]),
)  # fmt: skip
def test_where_lines_end(host: Host, source: bytes) -> None:
    theirs, mine = host.both(source)
    assert mine == theirs


@pytest.mark.parametrize(
    "given",
    ["hash:/mnt/aliases", "btree:/mnt/aliases", "hash:-N /mnt/aliases", "hash: -f -A /mnt/aliases", "/mnt/aliases, /mnt/none",
     "hash:-o /mnt/none,/mnt/aliases", "nosuch:/mnt/aliases", "implicit:/mnt/aliases", ""],
)  # fmt: skip
def test_what_aliasfile_may_say(host: Host, given: str) -> None:
    theirs, mine = host.both(b"A: b\na: c\nPostMaster: d\n", "-O", "AliasFile=" + given)
    assert mine == theirs


def test_the_database_belongs_to_the_trusted_user(program: Callable[[str], str], shared: Path) -> None:
    cf = make_cf(shared).replace(b"#O TrustedUser=root", b"O TrustedUser=daemon")
    made = Host(
        program("sendmail"), cf.replace(b"O AliasFile=/etc/mail/aliases", b"O AliasFile=/mnt/aliases")
    )
    theirs, mine = made.both(b"a: b\n", "-v")
    assert theirs[3][1] == 1
    assert mine == theirs
    shutil.rmtree(made.directory)


#: What our reader does not try to answer as the rules do: names that no alias file has.
sane = st.lists(
    st.sampled_from([b"foo", b"Bar", b"a.b", b"-", b"_", b"+x", b'"Q r"', b" ", b"(c)", b"9", b"\xe9"]),
    min_size=1,
    max_size=4,
)
names = st.one_of(
    sane.map(b"".join),
    st.tuples(
        sane.map(b"".join),
        st.sampled_from([b"@localhost", b"@remote.org", b"@LOCALHOST", b"%localhost", b"@"]),
    ).map(b"".join),
    st.sampled_from(LISTED),
)
entries = st.one_of(
    st.tuples(
        names,
        st.sampled_from([b":", b": ", b" : ", b":\t"]),
        st.sampled_from([b"x", b"y, z", b'"|/p a"', b"", b" ", b":include:/l"]),
    ).map(b"".join),
    st.sampled_from([b"", b"# c", b" more", b"\tmore,", b"end\\", b"no colon", b"a: b\\", b"#\\", b"  "]),
)


@settings(
    max_examples=25 * FUZZ, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.lists(entries, max_size=30), st.sampled_from([b"", b"\n"]))
def test_random_sources(host: Host, lines: List[bytes], end: bytes) -> None:
    theirs, mine = host.both(b"\n".join(lines) + end)
    assert mine == theirs
