"""The Bad and Good examples of a rule, as files that can be checked.

The one thing to know: an example of a sendmail.cf is put between a beginning and an end that are right in themselves, so that
it shows the rule's own problem and no other; one that is marked `whole` stands alone, and one that is marked `start` is
the beginning of a file, its V line included.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Dict, Iterator, List, Tuple

from sendmailcf import makemap
from sendmailcf.config import Config
from sendmailcf.lint import RULES, Example, Problem, Rule, Settings, document, kind_of, lint, lint_host
from sendmailcf.lint.documents import CF
from sendmailcf.lint.settings import DEFAULT_FLAGS
from sendmailcf.mapdb import hash as hash_format
from sendmailcf.relay.rules import authinfo_rules

#: The directory that there is, beside those of an example.
QUEUE = "/var/spool/mqueue"
VERSION = b"V10/Berkeley\n"
HEAD = VERSION + f"O QueueDirectory={QUEUE}\nDjhost.example.com\n".encode()
TAIL = b"Mlocal, P=/bin/true, F=lsDFM, A=true $u\nS3\nR$*\t$@ $1\nS0\nR$*\t$#local $: $1\nS4\nR$*\t$@ $1\n"


#: A host that sends through a relay, for examples marked `relay`; those marked `relay bare` have neither map nor ruleset
#: for AUTH.
RELAY_HEAD = (
    b"O AuthMechanisms=LOGIN PLAIN\nO LogLevel=10\nDS[relay.example]\n"
    b"Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 587\n"
)
RELAY_MAP = b"Kauthinfo hash /etc/mail/authinfo\n"
RELAY_RULES = b"".join(
    [b"Sauthinfo\n", *(str(one).encode() + b"\n" for one in authinfo_rules("authinfo", None, "required"))]
)
ENTRY = b'AuthInfo:relay.example\t"U:user" "P:invented"\n'
RELAY_FILES = {"/etc/mail/authinfo": ENTRY, "/etc/mail/authinfo.db": hash_format.build(makemap.read(ENTRY).pairs)}


class FakeFacts:
    """What an example says of a file: owner root, mode 0600, directories 0755, and no other files."""

    def __init__(self, path: str, example: Example) -> None:
        words = example.facts.get(path, {})
        self.path = path
        self.data = files_of(example).get(path)
        directory = path == QUEUE or f"{path}/" in example.facts
        self.missing = self.data is None and not directory
        self.problem = (
            "No such file or directory" if self.missing else "Is a directory" if directory else None
        )
        self.mode = int(words.get("mode", "0600"), 8)
        self.uid = int(words.get("uid", "0"))
        self.gid = int(words.get("gid", "0"))
        self.links = int(words.get("links", "1"))
        self.irregular = False
        self.modified = float(words.get("modified", "0"))
        self.judged = True
        self.directories: List[Tuple[str, int, int]] = []
        for parent in reversed(PurePosixPath(path).parents):
            of = example.facts.get(f"{parent}/", {})
            self.directories.append((str(parent), int(of.get("mode", "0755"), 8), int(of.get("uid", "0"))))


def settings_of(example: Example) -> Settings:
    """For which sendmail an example is: `(version 8.16; with NEWDB,CDB)`; `with` adds to the usual flags."""
    more = example.words.get("with", "").replace(",", " ").split()
    fewer = set(example.words.get("without", "").replace(",", " ").split())
    return Settings(
        version=example.words.get("version", "8.17"),
        flags=(DEFAULT_FLAGS | set(more)) - fewer,
        vendor=example.words.get("vendor", "Berkeley"),
    )


def files_of(example: Example) -> Dict[str, bytes]:
    """The files of an example: with `made=hash` a database of the source that stands there, with `cut` only its first
    bytes."""
    found = {**(RELAY_FILES if example.words.get("relay") == "" else {}), **example.files}
    for path, words in example.facts.items():
        if words.get("made") == "hash":
            found[path] = hash_format.build(makemap.read(found[path], fold=False).pairs)
        if "cut" in words:
            found[path] = found[path][: int(words["cut"])]
        if "missing" in words:
            found.pop(path, None)
    return found


def _relaying(data: bytes, *, bare: bool) -> bytes:
    """A host that sends through a relay, with the lines of an example in place of its own."""

    starts = [re.match(rb"O +\w+|Mrelay|DS|K\w+|S\w+", line) for line in data.split(b"\n")]
    own = {start.group() for start in starts if start}

    def rest(block: bytes) -> bytes:
        lines = [line for line in block.split(b"\n") if line]
        return b"".join(
            line + b"\n"
            for line in lines
            if not any(line.startswith(start) for start in own if start[:1] != b"S")
        )

    tail = TAIL.replace(b"$#local $: $1", b"$#relay $@ $S $: $1")
    if b"S0" in own:
        tail = re.sub(rb"S0\nR.*\n", b"", tail)
    head = RELAY_HEAD + (b"" if bare else RELAY_MAP)
    return HEAD + rest(head) + data + (b"" if bare else RELAY_RULES) + tail


def content(example: Example, data: bytes, kind: str) -> bytes:
    """The file of an example, with what it leaves out."""
    if kind != CF or "whole" in example.words:
        return data
    if "relay" in example.words:
        return _relaying(data, bare=example.words["relay"] == "bare")
    return data + HEAD[len(VERSION) :] + TAIL if "start" in example.words else HEAD + data + TAIL


def problems(rule: Rule, example: Example) -> List[Problem]:
    """What the linter says of an example, of all its files.

    The first file is checked with all that it names; where it is no sendmail.cf, alone.
    """
    name, data = next(one for one in example.files.items() if not one[0].endswith("/"))
    kind = example.words.get("as") or (kind_of(name) if name else rule.kinds[0])
    path = name or None
    made = document(content(example, data, kind), kind, path)
    settings = settings_of(example)
    if not name or not isinstance(made, Config):
        known: Dict[str, FakeFacts] = {}
        facts = (lambda asked: known.setdefault(asked, FakeFacts(asked, example))) if name else None
        return lint(made, kind=kind, settings=settings, facts=facts)
    return lint_host(made, lambda asked: FakeFacts(asked, example), settings=settings)


def examples() -> Iterator[Tuple[str, Rule, Example]]:
    """Every example of every rule, with a name for a test."""
    for rule in RULES.values():
        for number, example in enumerate(rule.examples, 1):
            yield f"{rule.code}-{example.what}-{number}", rule, example


def listed() -> str:
    """Every rule with its severity, a line a rule, in the order of the codes."""
    rows = [f"{one.code} {one.name} {one.severity.value} {one.reported or '-'}\n" for one in RULES.values()]
    return "".join(sorted(rows))


if __name__ == "__main__":
    print(listed(), end="")
