"""The kinds of files that are checked, and how each is read.

The one thing to know: a kind is guessed from the name of a file; where the name says nothing, it is a
sendmail.cf.  The files that a sendmail.cf names are of the kind that their use there makes them.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Type, Union

from attrs import field, frozen

from ..authinfo import MASK, SourceLines
from ..config import Config
from ..document import Document
from ..nodes import ClassFile, KeyFile, Node, value_of
from ..record import Record
from ..text import physical
from ..values import map_arguments, map_class_row

#: What every comment to the linter holds.
MARK = "sendmailcf:"
CF, AUTHINFO, ACCESS, MAP, ALIASES = "cf", "authinfo", "access", "map", "aliases"
FIVE_LINES, CLASS_FILE = "default-auth-info", "class-file"
#: Map sources whose name says what their values are.
NAMED_SOURCES = (
    AUTHINFO, ACCESS, "mailertable", "virtusertable", "genericstable", "domaintable", "bitdomain", "uudomain", "userdb",
)  # fmt: skip
KINDS = (CF, *NAMED_SOURCES, MAP, ALIASES, FIVE_LINES, CLASS_FILE)


@frozen(kw_only=True, eq=False, repr=False)
class PlainLine(Node):
    """A line of a file without a grammar."""

    text: Optional[str] = field(default=None, repr=False)


class PlainLines(Document[PlainLine]):
    """The physical lines of a file that has no grammar here."""

    @staticmethod
    def _cut(text: str) -> List[str]:
        return physical(text)

    def _parse(self, text: str, index: int) -> PlainLine:
        return PlainLine(text=text or None)


class FiveLines(PlainLines):
    """The file of DefaultAuthInfo: every line that counts may be a secret."""

    @staticmethod
    def _shown(text: str) -> str:
        return text if text == "" else ("#" if text[0] == "#" else "") + MASK


AnyDocument = Union[Config, SourceLines, PlainLines]
_CLASSES: Mapping[str, Type[AnyDocument]] = {
    CF: Config,
    ALIASES: PlainLines,
    CLASS_FILE: PlainLines,
    FIVE_LINES: FiveLines,
}


def document(data: Union[bytes, str], kind: str, path: Optional[str] = None) -> AnyDocument:
    """The document of a file.  Raises ValueError for no kind."""
    if kind not in KINDS:
        raise ValueError(f"no kind of file: {kind}; there are {', '.join(KINDS)}")
    return _CLASSES.get(kind, SourceLines)(data, path)


def kind_of(path: str) -> str:
    """The kind of a file by its name."""
    name = path.rpartition("/")[2].lower()
    stem = re.sub(r"\.(?:txt|src|in|orig|bak|new)$", "", name)
    if stem in (FIVE_LINES, "auth-info", "defaultauthinfo"):
        return FIVE_LINES
    if stem in ("local-host-names", "relay-domains", "trusted-users", "sendmail.cw", "sendmail.ct"):
        return CLASS_FILE
    return stem if stem in (*NAMED_SOURCES, ALIASES) else CF


def kind_of_document(document: Document[Any], path: Optional[str]) -> str:
    """The kind of a document by its class and its name."""
    if isinstance(document, Config):
        return CF
    named = kind_of(path or "")
    plain = FIVE_LINES if isinstance(document, FiveLines) else CLASS_FILE
    return named if named != CF else MAP if isinstance(document, SourceLines) else plain


@frozen(eq=False, repr=False)
class Source(Record):
    """A file that a sendmail.cf names.

    path: as the file calls it.  kind: what it is.  index: the line that names it.
    """

    path: str
    kind: str
    index: int


def sources(config: Config) -> Iterator[Source]:
    """The text files that a sendmail.cf names by an absolute path, each once, in the order of the lines.

    A file that is both a map source and something else is a map source.
    """
    found: Dict[str, Source] = {}
    for index, node in config.of_kind(KeyFile):
        row = map_class_row(node.map_class.lower())
        file = map_arguments(node).file
        if row is not None and (row.makemap or row.name in ("implicit", "text")) and file and file[0] == "/":
            name = node.name.lower().replace("access_db", ACCESS)
            path = re.sub(r"\.db$", "", file)
            found.setdefault(path, Source(path, name if name in NAMED_SOURCES else MAP, index))
    for path, kind, index in (*_aliases(config), *_five_lines(config), *_class_files(config)):
        if path[:1] == "/":
            found.setdefault(path, Source(path, kind, index))
    yield from sorted(found.values(), key=lambda one: one.index)


def _aliases(config: Config) -> Iterator[Tuple[str, str, int]]:
    for one in config.options.all("AliasFile"):
        for part in one.value.split(","):
            spec = re.sub(r"^[ \t]*(?:[A-Za-z]+:)?(?:-[^ \t]*[ \t]+)*", "", part)
            yield spec, ALIASES, one.index


def _five_lines(config: Config) -> Iterator[Tuple[str, str, int]]:
    for one in config.options.all("DefaultAuthInfo")[-1:]:
        yield one.value, FIVE_LINES, one.index


def _class_files(config: Config) -> Iterator[Tuple[str, str, int]]:
    for index, node in config.of_kind(ClassFile):
        yield value_of(node.source).strip('"'), CLASS_FILE, index
