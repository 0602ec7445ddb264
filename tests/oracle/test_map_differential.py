"""Random work for makemap, editmap and praliases, given to the installed program and to ours: the same must come out.

The one thing to know: both work in directories of their own that were prepared in the same way; compared are exit
status, output, and of every file the type, mode, owner and records.  For a long run: SENDMAILCF_FUZZ=20 pytest FILE.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest
from conftest import FUZZ
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from programs import Done, ours, real
from test_makemap_oracle import contents

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(os.geteuid() != 0, reason="ownership is half of what is compared"),
]

Step = Tuple[List[bytes], bytes]
#: Where reaching the disk costs nothing, if there is such a place.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
CF = b"""O TrustedUser=daemon
Kone hash ./m
Ktwo btree -o /etc/mail/n.db
Kthree\thash\t./o
Kfour  hash -m ./sub/p.map
Kbad
K hash ./q
O TrustedUser = 2
Kfive btree ./sub/o
"""
CFS = [b"", CF, b"O TrustedUser=nosuchuser\n", b"Ox\nO TrustedUser\nOTrustedUser=daemon\n"]
NAMES = [
    b"m",
    b"./m",
    b"n",
    b"m.db",
    b"sub/p",
    b"sub/p.map",
    b"./o",
    b"link",
    b"hard",
    b"",
    b"none/m",
    b"sub//m",
]

words = st.one_of(
    st.sampled_from(
        [b"a", b"A", b"b", b"key", b"Key:x", b"@", b"\xc4", b"a:b", b"'", b'"q"', b"%s", b"#", b"x" * 300]
    ),
    st.binary(min_size=1, max_size=6).map(lambda data: data.replace(b"\n", b"").replace(b"\0", b"") or b"k"),
)
gaps = st.sampled_from([b"\t", b" ", b"  \t", b":", b"::", b"", b"\v", b"\r", b" :"])
lines = st.one_of(
    st.tuples(words, gaps, words).map(b"".join),
    st.tuples(words, gaps, words, gaps, words).map(b"".join),
    st.sampled_from([b"", b"# c", b" lead", b"\t", b"lonely", b"k \t ", b"nul\0 x", b";c", b"\r", b"a\t1\r"]),
    st.integers(1015, 1030).map(lambda size: b"long\t".ljust(size, b"v")),
    st.integers(2040, 2056).map(lambda size: b"l\t".ljust(size, b"v")),
)
sources = st.tuples(st.lists(lines, max_size=12), st.sampled_from([b"\n", b"", b"\r\n"])).map(
    lambda both: both[1].join(both[0]) if both[1] else b"\n".join(both[0])
) | st.lists(lines, max_size=40).map(lambda found: b"".join(line + b"\n" for line in found))

makemap_flags = st.lists(
    st.one_of(
        st.sampled_from([[b"-" + flag] for flag in (b"d", b"e", b"f", b"N", b"o", b"r", b"s", b"u", b"v")]),
        st.sampled_from([b":", b"=", b"", b" ", b"ab"]).map(lambda one: [b"-t", one]),
        st.sampled_from([b";", b"#", b"", b"a"]).map(lambda one: [b"-D" + one] if one else [b"-D", one]),
        st.sampled_from(
            [[b"-c", b"1000000"], [b"-i", b"hash"], [b"-i", b"btree"], [b"-i", b"odd"], [b"-orv"], [b"-Q"]]
        ),
    ),
    max_size=4,
)
kinds = st.sampled_from(
    [b"hash"] * 6
    + [b"btree"] * 3
    + [b"implicit", b"cf", b"CF", b"Cf", b"HASH", b"dbm", b"cdb", b"", b"hash:"]
)
names = st.sampled_from([*NAMES, b"m", b"m", b"m", b"m"])


@st.composite
def makemap_steps(draw: Any) -> Step:
    flags = [word for flag in draw(makemap_flags) for word in flag]
    operands = [draw(kinds), draw(names)]
    if draw(st.integers(0, 30)) == 0:
        operands = operands[:1]
    argv = [b"makemap", b"-C", b"test.cf", *flags, *operands]
    if draw(st.booleans()):
        argv = [
            b"makemap",
            b"-C",
            b"test.cf",
            *operands,
            *flags,
        ]  # getopt takes options after the operands, too
    return argv, draw(sources)


keys = words.filter(lambda word: word[:1] != b"-") | st.sampled_from([b"", b"k" * 1500])


@st.composite
def editmap_steps(draw: Any) -> Step:
    flags = draw(st.lists(st.sampled_from([b"-f", b"-N"]), max_size=2))
    work = draw(st.sampled_from([[b"-q"], [b"-u"], [b"-u"], [b"-x"], [b"-q", b"-x"], []]))
    operands = [draw(kinds), draw(names), draw(keys)]
    if work == [b"-u"] or draw(st.integers(0, 9)) == 0:
        operands.append(draw(keys))
    return [b"editmap", b"-C", b"test.cf", *flags, *work, *operands], b""


SPECIFICATIONS = [b"m", b"hash:m", b"btree:m", b"sub/p", b"n", b"dbm:m", b"ldap:x", b"", b":m", b"hash:", b"hash:-N -o m", b"hash: m ",
                  b"link", b"hard", b"sub", b"none", b"implicit:m", b" m", b"m.db"]  # fmt: skip


@st.composite
def praliases_steps(draw: Any) -> Step:
    if draw(st.booleans()):
        argv = [b"praliases", b"-f", draw(st.sampled_from(SPECIFICATIONS)), *draw(st.lists(keys, max_size=3))]
    else:
        argv = [b"praliases", b"-C", b"aliases.cf", *draw(st.lists(keys, max_size=2))]
    return argv, b""


def prepare(directory: Path, cf: bytes, changes: List[Tuple[str, int, int]]) -> None:
    directory.mkdir(mode=0o755)
    (directory / "test.cf").write_bytes(cf)
    (directory / "aliases.cf").write_bytes(
        b'O AliasFile=m, hash:n ,btree:-o sub/p\nOAhash:m\nO aliasfile = ldap:"a,b",m\nO AliasFile\n'
    )
    (directory / "daemon.cf").write_bytes(b"O TrustedUser=daemon\n")
    (directory / "sub").mkdir()
    (directory / "link.db").symlink_to("m.db")
    (directory / "hard.db").write_bytes(b"")
    os.link(directory / "hard.db", directory / "hard2.db")
    for name, mode, owner in changes:
        path = directory / name
        if name.endswith(".db") and not path.exists():
            path.write_bytes(b"")
        os.chown(path, owner, -1)
        path.chmod(mode)


def look(directory: Path) -> Dict[str, Any]:
    """Every file: what it is, its mode and owner, and the records of a map."""
    found: Dict[str, Any] = {}
    for path in sorted(directory.rglob("*")):
        facts = path.lstat()
        name = str(path.relative_to(directory))
        held = contents(path) if stat.S_ISREG(facts.st_mode) and path.suffix == ".db" else None
        found[name] = (
            stat.S_IFMT(facts.st_mode),
            f"{stat.S_IMODE(facts.st_mode):o}",
            facts.st_uid,
            facts.st_nlink,
            held,
        )
    return found


def said(done: Done, kind: bytes) -> Any:
    # The order of a hash map is that of its buckets, of which there may be another number.
    out = done.out if kind == b"btree" else sorted(done.out.split(b"\n"))
    return done.exit, out, done.err


@pytest.fixture(scope="module")
def compare(program: Callable[[str], str]) -> Callable[..., None]:
    """Takes both programs through the same steps, and compares after each."""

    def both(
        cf: bytes, changes: List[Tuple[str, int, int]], steps: List[Step], user: Any, umask: int
    ) -> None:
        top = Path(tempfile.mkdtemp(prefix="maps.", dir=MEMORY))
        try:
            top.chmod(0o755)
            for who in ("real", "ours"):
                prepare(top / who, cf, changes)
            for argv, stdin in steps:
                how: Dict[str, Any] = {"user": user, "umask": umask}
                theirs = real(program(argv[0].decode()), argv, stdin, cwd=top / "real", **how)
                mine = ours(argv, stdin, cwd=top / "ours", **how)
                kind = b"btree" if argv[0] == b"makemap" and b"btree" in argv else b""
                assert said(mine, kind) == said(theirs, kind), argv
                assert look(top / "ours") == look(top / "real"), argv
        finally:
            shutil.rmtree(top)

    return both


@settings(max_examples=60 * FUZZ, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CFS), st.lists(makemap_steps(), min_size=1, max_size=4))
def test_makemap(compare: Callable[..., None], cf: bytes, steps: List[Step]) -> None:
    compare(cf, [], steps, None, 0o022)


@settings(max_examples=40 * FUZZ, suppress_health_check=[HealthCheck.too_slow])
@example(
    cf=b"", steps=[([b"makemap", b"-C", b"test.cf", b"btree", b"m"], b"a b\n"), ([b"editmap", b"-C", b"daemon.cf", b"-x", b"btree", b"m", b"c"], b"")],
)  # fmt: skip
@given(
    st.sampled_from(CFS),
    st.lists(makemap_steps() | editmap_steps() | editmap_steps() | praliases_steps(), min_size=2, max_size=8),
)
def test_editmap(compare: Callable[..., None], cf: bytes, steps: List[Step]) -> None:
    compare(cf, [], steps, None, 0o022)


MODES = [0o640, 0o600, 0o644, 0o660, 0o444, 0o666, 0o755, 0o400, 0o000, 0o640, 0o620]
DIRECTORY_MODES = [0o755, 0o755, 0o777, 0o775, 0o1777, 0o700, 0o711, 0o750, 0o555, 0o2755, 0o773]
OWNERS = [0, 0, 1, 2, 65534]
changes = st.tuples(
    st.tuples(st.just("m.db"), st.sampled_from(MODES), st.sampled_from(OWNERS)),
    st.tuples(st.just("sub"), st.sampled_from(DIRECTORY_MODES), st.sampled_from(OWNERS)),
    st.tuples(st.just("."), st.sampled_from(DIRECTORY_MODES), st.sampled_from(OWNERS)),
).flatmap(lambda all_three: st.lists(st.sampled_from(all_three), max_size=3))


@settings(max_examples=60 * FUZZ, suppress_health_check=[HealthCheck.too_slow])
@example(
    cf=b"", found=[("sub", 0o773, 0)], steps=[([b"makemap", b"-C", b"test.cf", b"hash", b"sub/p"], b"a b\n")] * 2,
    user="nobody", umask=0o022,
)  # fmt: skip
@given(
    st.sampled_from(CFS),
    changes,
    st.lists(makemap_steps() | editmap_steps() | praliases_steps(), min_size=1, max_size=3),
    st.sampled_from([None, None, "nobody", "daemon"]),
    st.sampled_from([0o022, 0o077, 0o000, 0o027]),
)
def test_permissions(
    compare: Callable[..., None], cf: bytes, found: Any, steps: List[Step], user: Any, umask: int
) -> None:
    compare(cf, found, steps, user, umask)
