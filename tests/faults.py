"""Hosts that are ready for a relay, and all the ways to break one link of the chain.

The one thing to know: a fault is a function that changes the files of a healthy host; the seed chooses what the
fault leaves open (names, numbers, other entries), so a fault may be tried in any number of variants.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from pathlib import Path
from random import Random
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from hosts import LOOKUPS, make_host

from sendmailcf import makemap
from sendmailcf.cli import main
from sendmailcf.mapdb import btree
from sendmailcf.mapdb import hash as hash_format

HOST = "relay.example.com"
USER = "me"
PASSWORD = "inv3nted/Pa55w0rd+forTests"
ENTRY = f'"U:{USER}" "P:{PASSWORD}" "M:LOGIN PLAIN"'

#: Kinds of healthy host, with the policy that each keeps.
BASES = {"ours": "required", "feature": "optional", "access": "optional", "five-lines": "required"}
FIVE_LINES = "/etc/mail/default-auth-info"


class Case:
    """A host to be broken."""

    def __init__(self, root: Path, base: str, random: Random) -> None:
        self.root, self.base, self.random = root, base, random
        self.mail = root / "etc" / "mail"
        self.store = "access" if base == "access" else "authinfo"
        self.tls = BASES[base]

    # The text of files.
    def cf(self, pattern: str, new: str) -> None:
        """Replace in sendmail.cf; the pattern must be there."""
        path = self.mail / "sendmail.cf"
        text, count = re.subn(pattern, lambda _: new, path.read_text(), flags=re.MULTILINE)
        assert count, pattern
        path.write_text(text)

    def option(self, name: str, value: Optional[str]) -> None:
        """Set an option, or take it out."""
        path = self.mail / "sendmail.cf"
        text = re.sub(f"^O {name}[=:].*\n", "", path.read_text(), flags=re.MULTILINE)
        if value is not None:
            text = text.replace("\nO TempFileMode", f"\nO {name}={value}\nO TempFileMode", 1)
        path.write_text(text)

    def rules(self, text: str) -> None:
        """Rules of one's own in the ruleset authinfo, with no others."""
        path = self.mail / "sendmail.cf"
        lines: List[str] = []
        skip = False
        for line in path.read_text().split("\n"):
            if line.startswith("S"):
                skip = line == "Sauthinfo"
            if not (skip and line[:1] in ("R", "S")):
                lines.append(line)
        path.write_text("\n".join(lines) + ("\nSauthinfo\n" + text if text else ""))

    def source(self, text: str, *, build: bool = True) -> None:
        """The source of the map, and its database made of the lines that makemap takes."""
        path = self.mail / self.store
        path.write_text(text)
        path.chmod(0o600)
        if build:
            self.build()

    def entry(self, value: str, key: str = f"AuthInfo:{HOST}") -> None:
        """An entry in place of the host's own."""
        self.source(f"{self.others()}{key}\t{value}\n")

    def others(self) -> str:
        """Entries for other hosts."""
        names = [f"r{self.random.randrange(1000)}.example.net" for _ in range(self.random.randrange(3))]
        return "".join(f'AuthInfo:{name}\t"U:other" "P:other"\n' for name in dict.fromkeys(names))

    def build(self) -> None:
        """The database of the source as makemap makes it: its good lines."""
        read = makemap.read((self.mail / self.store).read_bytes())
        records: Dict[bytes, bytes] = {}
        for key, value in read.pairs:
            records.setdefault(key, value)
        self.db.write_bytes(hash_format.build(records.items()))

    @property
    def db(self) -> Path:
        return self.mail / (self.store + ".db")

    @property
    def five(self) -> Path:
        return self.mail / "default-auth-info"

    def lines(self, *lines: str) -> None:
        """The five-line file."""
        self.five.write_text("".join(line + "\n" for line in lines))


class Fault(NamedTuple):
    """What is broken.

    link: the first link that must be wrong.  cause: a pattern in what is said of it.  bases: where it can happen.
    """

    name: str
    link: str
    cause: str
    do: Callable[[Case], object]
    bases: Tuple[str, ...] = ("ours", "feature", "access")


ALL = tuple(BASES)
MAPS = ("ours", "feature")
FIVE = ("five-lines",)
PLAIN = ("feature", "access")


def read_pairs(case: Case) -> List[Tuple[bytes, bytes]]:
    """The pairs of the source, in the order that a btree wants."""
    return sorted(makemap.read((case.mail / case.store).read_bytes()).pairs)


def _second_k(case: Case) -> None:
    line = f"Kauthinfo hash /etc/mail/other{case.random.randrange(100)}\n"
    case.cf(r"^Kdequote", line + "Kdequote")


def _hard_link(case: Case) -> None:
    os.link(case.db, case.mail / "kept")


def _foreign(case: Case) -> None:
    case.db.chmod(0o600)
    os.chown(case.db, case.random.choice([1, 33, 65534]), 0)


def _directory(case: Case) -> None:
    case.five.unlink()
    case.five.mkdir()


def _add_rule(case: Case, ruleset: str, rule: str) -> None:
    case.cf(r"\Z", f"\nS{ruleset}\n{rule}\n")


def _newer_mc(case: Case) -> None:
    path = case.mail / "sendmail.mc"
    path.write_text("divert(0)dnl\n")
    moment = (case.mail / "sendmail.cf").stat().st_mtime + case.random.randrange(2, 100000)
    os.utime(path, (moment, moment))


def _item(text: str) -> str:
    return ENTRY.replace(f'"P:{PASSWORD}"', text)


def _bytes(case: Case, cut: Callable[[bytes], bytes]) -> None:
    case.db.write_bytes(cut(case.db.read_bytes()))


FAULTS: Sequence[Fault] = (
    # The relay
    Fault("ds empty", "smart host", "DS is empty", lambda c: c.cf("^DS.*$", "DS"), ALL),
    Fault("ds other", "smart host", "not to relay", lambda c: c.cf("^DS.*$", f"DSr{c.random.random()}.example"), ALL),
    Fault("ds port", "smart host", "a colon separates hosts",
          lambda c: c.cf("^DS.*$", f"DS{HOST}:{c.random.choice([588, 465, 2588])}"), ALL),
    Fault("ds address", "smart host", r"leads to \*+@", lambda c: c.cf("^DS.*$", f"DSuser@{HOST}"), ALL),
    Fault("ds one word and a port", "smart host", "leads to 587", lambda c: c.cf("^DS.*$", "DSrelay:587"), ALL),
    Fault("ds below its rules", "smart host", "DS|rules",
          lambda c: (c.cf("^DS.*\n", ""), c.cf(r"\Z", f"\nDS{HOST}\n")), ALL),
    Fault("ds unknown mailer", "mailer and port", "not defined", lambda c: c.cf("^DS.*$", f"DSfoo:{HOST}"), ALL),
    Fault("ds file mailer", "mailer and port", "no SMTP over TCP", lambda c: c.cf("^DS.*$", f"DSlocal:{HOST}"), ALL),
    Fault("port of tls wrapper", "mailer and port", "TLS begins with the first byte",
          lambda c: c.cf("(?<=TCP .h )587", str(c.random.choice([465, 2465]))), ALL),
    Fault("port by name", "mailer and port", "TLS begins", lambda c: c.cf("(?<=TCP .h )587", "smtps"), ALL),
    Fault("mailer gone", "mailer and port", "not defined", lambda c: c.cf("^Mrelay", "Mrelax"), ALL),
    Fault("mailer is a program", "mailer and port", "no SMTP over TCP",
          lambda c: c.cf(r"^Mrelay,\tP=\[IPC\]", "Mrelay,\tP=/bin/false"), ALL),
    Fault("client without auth", "mailer and port", "not authenticate",
          lambda c: c.option("ClientPortOptions", c.random.choice(["Family=inet, Modifiers=A", "M=A", "M=hA"])), ALL),
    Fault("client without tls", "mailer and port", "not use STARTTLS",
          lambda c: c.option("ClientPortOptions", "Modifiers=S"), ALL),
    # Mechanisms
    Fault("mechanisms by comma", "mechanisms", "separated by blanks",
          lambda c: (c.entry(_item(f'"P:{PASSWORD}"').replace(' "M:LOGIN PLAIN"', "")), c.option("AuthMechanisms", "LOGIN,PLAIN"))),
    Fault("mechanisms by tab", "mechanisms", "separated by blanks",
          lambda c: (c.entry(f'"U:{USER}" "P:{PASSWORD}"'), c.option("AuthMechanisms", "LOGIN\tPLAIN"))),
    Fault("mechanisms in quotes", "mechanisms", "without quotes",
          lambda c: (c.entry(f'"U:{USER}" "P:{PASSWORD}"'), c.option("AuthMechanisms", '"LOGIN PLAIN"'))),
    Fault("mechanisms by default", "mechanisms", "none of LOGIN PLAIN",
          lambda c: (c.entry(f'"U:{USER}" "P:{PASSWORD}"'), c.option("AuthMechanisms", None))),
    Fault("mechanisms unknown", "mechanisms", "none of LOGIN PLAIN",
          lambda c: (c.entry(f'"U:{USER}" "P:{PASSWORD}"'), c.option("AuthMechanisms", "LOGON PLAN"))),
    Fault("mechanisms empty", "mechanisms", "none",
          lambda c: (c.entry(f'"U:{USER}" "P:{PASSWORD}"'), c.option("AuthMechanisms", ""))),
    Fault("entry's mechanisms by comma", "mechanisms", "separated by blanks",
          lambda c: c.entry(ENTRY.replace("LOGIN PLAIN", "LOGIN,PLAIN"))),
    Fault("entry's mechanisms by tab", "mechanisms", "separated by blanks",
          lambda c: c.entry(ENTRY.replace("LOGIN PLAIN", "LOGIN\tPLAIN"))),
    Fault("entry's mechanisms not offered", "mechanisms", "none of LOGIN PLAIN",
          lambda c: c.entry(ENTRY.replace("LOGIN PLAIN", c.random.choice(["CRAM-MD5", "DIGEST-MD5 CRAM-MD5", "GSSAPI"])))),
    Fault("entry's mechanisms without quotes", "mechanisms", "none of LOGIN PLAIN",
          lambda c: (c.entry(ENTRY.replace('"M:LOGIN PLAIN"', "M:LOGIN")), c.option("AuthMechanisms", "CRAM-MD5"))),
    # The K line
    Fault("map not declared", "map declaration", "no K line declares|no map", lambda c: c.cf("^K(authinfo|access).*\n", "")),
    Fault("missing and optional", "map declaration", "flag -o",
          lambda c: (c.cf("^(?=K(authinfo|access))", ""), c.cf("hash (?=(-T<TMPF> )?/etc/mail)", "hash -o "), c.db.unlink())),
    Fault("relative file", "map declaration", "full path", lambda c: c.cf("(?<= )/etc/mail/(?=authinfo$|access$)", "")),
    Fault("class of another format", "map file", "a hash file", lambda c: c.cf("(?<=^Kauthinfo )hash", "btree"), MAPS),
    Fault("file of another format", "map file", "a btree file", lambda c: c.db.write_bytes(btree.build(read_pairs(c)))),
    Fault("other file", "map file", "No such file", lambda c: c.cf("(?<=^Kauthinfo hash /etc/mail/).*", "auth-info"), MAPS),
    Fault("declared twice", "map file", "No such file", _second_k, ("feature",)),
    Fault("case is kept", "database and source", "has -f", lambda c: c.cf("(?<=^Kauthinfo hash )", "-f "), MAPS),
    Fault("match only", "map declaration", "-m", lambda c: c.cf("(?<=^Kauthinfo hash )", "-m "), MAPS),
    # The ruleset
    Fault("ruleset of another name", "ruleset", "no ruleset authinfo",
          lambda c: c.cf("^Sauthinfo$", c.random.choice(["Sauth_info", "SAuthinfo", "Sauthinfo2"]))),
    Fault("ruleset empty", "ruleset", "is empty", lambda c: c.rules("\n")),
    Fault("ruleset that says no first", "ruleset", "does not find",
          lambda c: c.cf("^Sauthinfo$", "Sauthinfo\nR$*\t\t$@ no")),
    Fault("second block", "ruleset", "does not find",
          lambda c: c.cf(r"^Sauthinfo$", "Sauthinfo\nR$*\t$@ no\n\nSother\nR$-\t$1\n\nSauthinfo")),
    Fault("undeclared map", "ruleset", "which no K line declares",
          lambda c: c.rules(LOOKUPS.format("secrets").lstrip())),
    Fault("lookup without prefix", "ruleset", "does not find",
          lambda c: c.rules(LOOKUPS.format(c.store).lstrip().replace("AuthInfo:", ""))),
    Fault("lookup by address alone", "ruleset", "does not find",
          lambda c: c.rules("".join(LOOKUPS.format(c.store).lstrip().partition("R<?>")[0].replace("server_name", "server_addr")
                                    + "R<?>\t$@ no\nR<$*>\t$# $1\n"))),
    Fault("result without $#", "ruleset", "does not find",
          lambda c: c.rules(LOOKUPS.format(c.store).lstrip().replace("$# $1", "$@ $1"))),
    Fault("always temp", "ruleset", "does not find", lambda c: c.rules("R$*\t$# temp\n")),
    Fault("rules go to another ruleset", "ruleset", "is empty",
          lambda c: c.cf("^Sauthinfo$", "Sauthinfo\n\nSother_rules")),
    Fault("operators", "ruleset", "does not find", lambda c: c.option("OperatorChars", ".%@!^/[]+"), PLAIN),
    # The five-line file
    Fault("five lines for all to read", "permissions", "World readable file", lambda c: c.five.chmod(0o644), FIVE),
    Fault("five lines for a group to read", "permissions", "Group readable file", lambda c: c.five.chmod(0o640), FIVE),
    Fault("five lines for a group to write", "permissions", "Group writable file", lambda c: c.five.chmod(0o620), FIVE),
    Fault("five lines for all to write", "permissions", "World writable file", lambda c: c.five.chmod(0o602), FIVE),
    Fault("five lines missing", "map file", "No such file", lambda c: c.five.unlink(), FIVE),
    Fault("five lines is a directory", "map file", "directory", _directory, FIVE),
    Fault("five lines empty", "entry", "can't read the authentication id", lambda c: c.lines(), FIVE),
    Fault("five lines of comments", "entry", "can't read the authentication id", lambda c: c.lines("# me", "# me", "# pw"), FIVE),
    Fault("one line", "entry", "can't read the password", lambda c: c.lines(USER), FIVE),
    Fault("two lines", "entry", "password, is missing", lambda c: c.lines(USER, USER), FIVE),
    Fault("five lines without ids", "entry", "ids", lambda c: c.lines("", "", PASSWORD), FIVE),
    Fault("five lines without password", "entry", "password", lambda c: c.lines(USER, USER, "", "", "LOGIN"), FIVE),
    Fault("five lines is a map source", "entry", "map source",
          lambda c: c.lines(*(f"AuthInfo:r{n}.example {ENTRY}" for n in range(3))), FIVE),
    Fault("five lines of dos", "mechanisms", "LOGIN",
          lambda c: c.five.write_text(f"{USER}\n{USER}\n{PASSWORD}\n\nLOGIN\r\n"), FIVE),
    Fault("five lines, mechanisms by comma", "mechanisms", "separated by blanks",
          lambda c: c.lines(USER, USER, PASSWORD, "", "LOGIN,PLAIN"), FIVE),
    Fault("five lines in an open directory", "permissions", "World writable directory", lambda c: c.mail.chmod(0o777), FIVE),
    Fault("five lines and a ruleset", "map declaration", "ignored while a ruleset authinfo exists",
          lambda c: c.cf(r"\Z", "\nSauthinfo\n"), FIVE),
    # The database
    Fault("database missing", "map file", "No such file", lambda c: c.db.unlink()),
    Fault("database cut short", "map file", "", lambda c: _bytes(c, lambda data: data[: c.random.randrange(100, len(data))])),
    Fault("database empty", "map file", "", lambda c: _bytes(c, lambda data: b"")),
    Fault("database is text", "map file", "", lambda c: c.db.write_bytes((c.mail / c.store).read_bytes() * 200)),
    Fault("database of other bytes", "map file", "", lambda c: _bytes(c, lambda data: b"\x01\x02\x03\x04" * (len(data) // 4))),
    # Permissions
    Fault("directory of a group", "permissions", "Group writable directory",
          lambda c: c.mail.chmod(c.random.choice([0o775, 0o770, 0o2775]))),
    Fault("directory of all", "permissions", "World writable directory", lambda c: c.mail.chmod(c.random.choice([0o777, 0o757, 0o1777]))),
    Fault("two names", "permissions", "hard link", _hard_link),
    Fault("owner", "permissions", "belongs to user", _foreign),
    Fault("database for all to read", "permissions", "every user of this host", lambda c: c.db.chmod(0o644)),
    Fault("source for all to read", "permissions", "every user of this host", lambda c: (c.mail / c.store).chmod(0o644)),
    Fault("database for all to write", "permissions", "every user of this host", lambda c: c.db.chmod(0o666)),
    Fault("database for a group to write", "permissions", "its group", lambda c: c.db.chmod(0o660)),
    # Database and source
    Fault("not built again", "database and source", "1 different",
          lambda c: (c.entry(ENTRY.replace(PASSWORD, "old one")),
                     c.source((c.mail / c.store).read_text().replace("old one", PASSWORD), build=False))),
    Fault("never built with the entry", "database and source", "1 missing",
          lambda c: (c.source(c.others()), c.source((c.mail / c.store).read_text() + f"AuthInfo:{HOST}\t{ENTRY}\n", build=False))),
    Fault("entry gone from the source", "database and source", "not in the source",
          lambda c: c.source("# nothing\n", build=False), MAPS),
    Fault("leading space", "database and source", "leading space", lambda c: c.source(f" AuthInfo:{HOST}\t{ENTRY}\n")),
    Fault("no value", "database and source", "without a value", lambda c: c.source(f"AuthInfo:{HOST}\n{c.others()}")),
    Fault("duplicate", "database and source", "on a line above",
          lambda c: c.source(f'AuthInfo:{HOST}\t{ENTRY}\nAuthInfo:{HOST}\t"U:x" "P:x"\n')),
    Fault("line too long", "database and source", "too long",
          lambda c: c.source(f"AuthInfo:{HOST}\t{ENTRY} {'x' * c.random.randrange(1000, 3000)}\n")),
    Fault("split, indented", "database and source", "without a value",
          lambda c: c.source(f'AuthInfo:{HOST}\n\t{ENTRY}\n')),
    Fault("split, not indented", "entry", "no password",
          lambda c: c.source(f'AuthInfo:{HOST}\t"U:{USER}"\n"P:{PASSWORD}"\t"M:LOGIN"\n')),
    # The key
    Fault("key with port", "key", "with a port", lambda c: c.entry(ENTRY, f"AuthInfo:{HOST}:{c.random.choice([25, 587])}")),
    Fault("key in brackets", "key", "brackets", lambda c: c.entry(ENTRY, f"AuthInfo:[{HOST}]")),
    Fault("key without prefix", "key", "without `AuthInfo:`", lambda c: c.entry(ENTRY, HOST)),
    Fault("key of another host", "key", "is not in", lambda c: c.entry(ENTRY, f"AuthInfo:smtp{c.random.randrange(9)}.example.com")),
    Fault("key with a dot", "key", "is not in", lambda c: c.entry(ENTRY, f"AuthInfo:{HOST}."), MAPS),
    Fault("key of the domain", "key", "is not in", lambda c: c.entry(ENTRY, "AuthInfo:example.com")),
    Fault("key in quotes", "key", "is not in", lambda c: c.entry(ENTRY, f'"AuthInfo:{HOST}"')),
    Fault("key with a blank", "entry", "not in double quotes", lambda c: c.entry(f"{HOST} {ENTRY}", "AuthInfo:")),
    Fault("catch-all", "other servers", "catch-all", lambda c: c.entry(ENTRY, "AuthInfo:")),
    Fault("catch-all beside", "other servers", "catch-all",
          lambda c: c.source(f"AuthInfo:{HOST}\t{ENTRY}\nAuthInfo:\t{ENTRY}\n")),
    # The value
    Fault("without quotes", "entry", "not in double quotes", lambda c: c.entry(f"U:{USER} P:{PASSWORD}")),
    Fault("single quotes", "entry", "not in double quotes", lambda c: c.entry(ENTRY.replace('"', "'"))),
    Fault("commas", "entry", "comma|no password", lambda c: c.entry(f'"U:{USER}", "P:{PASSWORD}"')),
    Fault("unknown tag", "entry", "unknown tag", lambda c: c.entry(_item(f'"X:{PASSWORD}"'))),
    Fault("unknown delimiter", "entry", "unknown tag or delimiter", lambda c: c.entry(_item(f'"P{c.random.choice(";- .")}{PASSWORD}"'))),
    Fault("no password", "entry", "no password", lambda c: c.entry(f'"U:{USER}" "M:LOGIN"')),
    Fault("no user", "entry", "neither user", lambda c: c.entry(f'"P:{PASSWORD}" "M:LOGIN"')),
    Fault("empty password", "entry", "empty", lambda c: c.entry(f'"U:{USER}" "P:"')),
    Fault("bad base64", "entry", "base64", lambda c: c.entry(_item('"P=not base64 at all!"'))),
    Fault("base64 without padding", "entry", "base64", lambda c: c.entry(_item('"P=' + "QUJDRA" + '"'))),
    Fault("raw after P=", "entry", "as it is after P=", lambda c: c.entry(_item('"P=BLBM/9hSUELfq8Gw+rU1YcBjkOxGbhT2XG763xVLGWL9"'))),
    Fault("item too long", "entry", "longer than 256", lambda c: c.entry(_item(f'"P:{"x" * c.random.randrange(253, 600)}"'))),
    Fault("percent", "entry", "% and a digit", lambda c: c.entry(_item(f'"P:{PASSWORD[:5]}%{c.random.randrange(1, 10)}{PASSWORD[5:]}x"'))),
    Fault("backslash", "entry", "backslash", lambda c: c.entry(_item(f'"P:{PASSWORD}\\""'))),
    Fault("given twice", "entry", "the last one wins", lambda c: c.entry(_item(f'"P:other" "P:{PASSWORD}"'))),
    Fault("eight items", "entry", "after the seventh",
          lambda c: c.entry(f'"U:{USER}" "I:{USER}" "P:{PASSWORD}" "R:x" "M:LOGIN" "R:y" "R:x" "M:CRAM-MD5"')),
    Fault("tail without quotes", "entry", "without quotes ends the list", lambda c: c.entry(f'"U:{USER}" "P:{PASSWORD}" M:LOGIN')),
    # TLS
    Fault("no guard", "TLS guard", "nothing demands encryption", lambda c: setattr(c, "tls", "required"), PLAIN),
    Fault("no certificates", "TLS guard", "verified certificate is not", lambda c: setattr(c, "tls", "verified"), ("ours",)),
    Fault("tls_server refuses for good", "TLS guard", "no session",
          lambda c: _add_rule(c, "tls_server", 'R$*\t$#error $@ 5.7.0 $: "554 no"')),
    Fault("tls_server refuses", "TLS guard", "no session",
          lambda c: _add_rule(c, "tls_server", 'R$*\t$#error $@ 4.7.0 $: "454 no"')),
    Fault("try_tls refuses", "TLS guard", "try_tls", lambda c: _add_rule(c, "try_tls", 'R$*\t$#error $@ 5.7.1 $: "550 no"'), ALL),
    # Around it
    Fault("newer macro source", "macro source", "is newer", _newer_mc, ALL),
)  # fmt: skip


#: Modes of /etc/mail, and words of DontBlameSendmail: who wins is the program's to say.
PERMISSIONS = [
    (mode, words)
    for mode in (0o755, 0o775, 0o757, 0o777, 0o1777, 0o1775)
    for words in (None, "safe", "MapInUnsafeDirPath", "GroupWritableDirPathSafe", "TrustStickyBit",
                  "GroupWritableDirPathSafe,TrustStickyBit")
]  # fmt: skip


def make_base(root: Path, base: str) -> None:
    """A healthy host below `root`."""
    shape = {"ours": "absent", "feature": "map", "access": "access", "five-lines": "absent"}[base]
    make_host(root, shape)
    if base in ("ours", "five-lines"):
        apply(root, *({"five-lines": ["--store", "default-auth-info"]}.get(base, [])))
        return
    case = Case(root, base, Random(0))
    case.cf("^DS.*$", f"DS{HOST}")
    case.cf("(?<=A=TCP .h)$", " 587")
    case.option("AuthMechanisms", "LOGIN PLAIN")
    case.entry(ENTRY)


def apply(root: Path, *arguments: str) -> None:
    """`relay apply` for our relay, user and password."""
    words = ["--host", HOST, "--user", USER, "--password-stdin", "--platform", "linux", *arguments]
    stdin, stdout = sys.stdin, sys.stdout
    try:
        sys.stdin = io.TextIOWrapper(io.BytesIO(PASSWORD.encode()))
        sys.stdout = io.StringIO()
        assert main(["relay", "apply", "--root", str(root), *words]) == 0
    finally:
        sys.stdin, sys.stdout = stdin, stdout


def copy_base(base: Path, root: Path) -> None:
    """A copy of a healthy host, owners and times kept."""
    shutil.copytree(base, root, symlinks=True)
