"""AuthInfo entries of a map source, and the five-line file that DefaultAuthInfo names.

The one thing to know: what stands in the source is not what is sent.  The map rewrites `%`, the address
scanner cuts items at quotes and 256 bytes, and a backslash stays; so values are encoded here such that
sendmail sends exactly the bytes given, and what cannot be sent is refused.  Facts from usersmtp.c and
map.c of sendmail 8.17.1, each of them tried on the program.
"""

from __future__ import annotations

import re
from functools import cache, partial
from typing import (
    TYPE_CHECKING,
    ClassVar,
    Iterable,
    Iterator,
    List,
    MutableMapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
)

from attrs import evolve, field, frozen

from .document import Document, unified_diff
from .errors import EditError
from .nodes import Node, from_parts, rule_name
from .record import Record
from .text import decode, encode, physical

if TYPE_CHECKING:
    from . import grammar

PREFIX = "AuthInfo:"
#: An item with its quotes, tag and delimiter holds at most 256 bytes (MAXNAME of sendmail's conf.h).
ITEM_BYTES = 252
#: The decoded bytes of the longest base64 that fits an item.
BASE64_BYTES = 189
#: makemap reads a line into 1024 bytes, its line feed and a NUL included.
LINE_BYTES = 1022
#: A line of the five-line file is read into MAXLINE bytes, its line feed and a NUL included.
DEFAULT_LINE_BYTES = 2046
#: Items after the seventh are ignored.
MAX_ITEMS = 7
MASK = "********"
#: The one problem of a value after which sendmail still asks DefaultAuthInfo.
BAD_BASE64 = "an item is not valid base64: sendmail logs `authinfo failed`"


def _words(names: Iterable[str]) -> Tuple[str, ...]:
    return tuple(names)


@frozen(eq=False, repr=False)
class Credentials(Record):
    """What a server is given: user (authorization) id, password, mechanisms, realm, authentication id.

    user: not empty.  mechanisms: SASL names; empty leaves the choice to AuthMechanisms.  realm: None for
    sendmail's default, `$j`.  authid: None for the same as `user`.  LOGIN and CRAM-MD5 send only the
    authentication id.  Text stands for bytes by UTF-8 with surrogateescape.
    """

    user: str
    password: str = field(repr=False)
    mechanisms: Tuple[str, ...] = field(default=(), converter=_words)
    realm: Optional[str] = None
    authid: Optional[str] = None


class SourceLine(Node):
    """A line of a map source."""

    __slots__ = ()

    REPEATED: ClassVar[Optional[str]] = None


@frozen(kw_only=True, eq=False, repr=False)
class AuthItem(Node):
    """One quoted item of an AuthInfo value."""

    gap: Optional[str] = None
    open: str = '"'
    tag: str
    delimiter: str = ":"
    text: Optional[str] = field(default=None, repr=False)
    close: str = '"'


@frozen(kw_only=True, eq=False, repr=False)
class AuthInfoEntry(SourceLine):
    """`AuthInfo:host "U:user" "P:password" …`."""

    REPEATED: ClassVar[Optional[str]] = "items"
    key: str
    gap: str = "\t"
    items: Tuple[AuthItem, ...]
    blank: Optional[str] = None


@frozen(kw_only=True, eq=False, repr=False)
class MapEntry(SourceLine):
    """Any other entry.  Neither field is shown: a broken AuthInfo line has its password in either."""

    key: str = field(repr=False)
    gap: Optional[str] = None
    value: Optional[str] = field(default=None, repr=False)


@frozen(kw_only=True, eq=False, repr=False)
class SourceComment(SourceLine):
    """A line that begins with `#`; it may hold an old entry, so it is not shown."""

    letter: str = "#"
    text: Optional[str] = field(default=None, repr=False)


@frozen(kw_only=True, eq=False, repr=False)
class SourceBlank(SourceLine):
    """An empty line."""


@frozen(kw_only=True, eq=False, repr=False)
class SourceBadLine(SourceLine):
    """A line that makemap refuses: it begins with white space."""

    text: str = field(repr=False)


LINES: Tuple[Type[SourceLine], ...] = (AuthInfoEntry, MapEntry, SourceComment, SourceBlank, SourceBadLine)


@cache
def _grammar() -> grammar.Grammar:
    from . import grammar

    classes: Sequence[Type[Node]] = (*LINES, AuthItem)
    return grammar.Grammar(
        "mapsource",
        [rule_name(cls) for cls in LINES],
        {rule_name(cls): partial(from_parts, cls) for cls in classes},
    )


def parse(text: str) -> SourceLine:
    """The node of one line of a map source, without its end of line."""
    if text == "":
        return SourceBlank()
    if text[0] == "#":
        kinds: Tuple[Type[SourceLine], ...] = (SourceComment,)
    elif text[0] in " \t\v\f\r":
        kinds = ()
    else:
        named = text[: len(PREFIX)].lower() == PREFIX.lower()
        kinds = (AuthInfoEntry, MapEntry) if named else (MapEntry,)
    for cls in kinds:
        made = _grammar().parse(rule_name(cls), text)
        if isinstance(made, SourceLine):
            return made
    return SourceBadLine(text=text)


def masked(line: str) -> str:
    """A line of a source as it may be shown: what is or might be a password is covered."""
    node = parse(line)
    if isinstance(node, AuthInfoEntry):
        parts = [node.key, node.gap]
        for one in node.items:
            secret = one.tag in "Pp"
            text = MASK if secret else one.text or ""
            parts += [one.gap or "", one.open, one.tag, one.delimiter, text, one.close]
        return "".join(parts)
    if isinstance(node, SourceComment):
        inner = (node.text or "").lstrip("# \t")
        if inner[: len(PREFIX)].lower() == PREFIX.lower():
            return line[: len(line) - len(inner)] + masked(inner)
        return line if '"' not in line and not re.search(r"[PpUuIi][:=]", line) else f"#{MASK}"
    if isinstance(node, MapEntry):
        if node.key[: len(PREFIX)].lower() == PREFIX.lower():
            return f"{node.key}{node.gap or ''}{MASK if node.value else ''}"
        if '"' in line or re.match(r"[PpUuIi][:=]", node.key):
            return MASK
    return MASK if isinstance(node, SourceBadLine) else line


# Values


def _item(tag: str, text: str, what: str) -> AuthItem:
    """The item that makes sendmail use exactly `text`."""
    data = encode(text)
    if b"\0" in data:
        raise EditError(f"the {what} holds a NUL, which sendmail cannot send")
    plain = re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", text) is not None and not set(text) & set('"\\%')
    if (plain or not data) and len(data) <= ITEM_BYTES:
        return AuthItem(tag=tag, text=text or None)
    if len(data) <= BASE64_BYTES:
        from base64 import b64encode

        return AuthItem(tag=tag, delimiter="=", text=b64encode(data).decode("ascii"))
    # Too long for base64; as it stands it may still fit, if nothing on the way would change it.
    rewritten = text.replace("%", "%%")
    if len(data) <= ITEM_BYTES and not re.search(rb'["\\\xff\x00-\x1f\x7f-\x9f]', data):
        return AuthItem(tag=tag, text=rewritten)
    raise EditError(
        f"the {what} is too long: sendmail takes {ITEM_BYTES} bytes of plain text, {BASE64_BYTES} of any "
        f"other, and would send nothing at all for these {len(data)}"
    )


def items_of(credentials: Credentials) -> Tuple[AuthItem, ...]:
    """The items of an entry.  Raises EditError for what sendmail would not send exactly."""
    _check_credentials(credentials)
    made = [_item("U", credentials.user, "user name")]
    if credentials.authid is not None:
        made.append(_item("I", credentials.authid, "authentication id"))
    made.append(_item("P", credentials.password, "password"))
    if credentials.realm is not None:
        made.append(_item("R", credentials.realm, "realm"))
    if credentials.mechanisms:
        made.append(_item("M", " ".join(credentials.mechanisms), "list of mechanisms"))
    return (made[0], *(evolve(one, gap=" ") for one in made[1:]))


def _check_credentials(credentials: Credentials) -> None:
    if not credentials.user:
        raise EditError("the user name is empty: sendmail would not authenticate")
    if not credentials.password:
        raise EditError("the password is empty: sendmail would silently not authenticate")
    for name in credentials.mechanisms:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,20}", name):
            raise EditError(f"{name!r} is no name of a SASL mechanism: letters, digits, - and _, up to 20")


def rewritten(value: str, key: str) -> str:
    """A map value after the lookup: `%0` is the key, other `%digit` nothing, `%%` a percent sign."""
    return re.sub(
        r"%([0-9%])", lambda m: "%" if m.group(1) == "%" else key if m.group(1) == "0" else "", value
    )


@frozen(eq=False, repr=False)
class Reading(Record):
    """What sendmail makes of a value: credentials, or the reason why there are none, and a word for it."""

    credentials: Optional[Credentials]
    problem: Optional[str] = None
    cause: str = ""


def read_value(value: str, key: str = "") -> Reading:
    """What sendmail would send for the value of `key`, found in a map.  No reason names a secret."""
    return read_items(rewritten(value, key))


def read_items(text: str) -> Reading:
    """What sendmail would send for what the ruleset `authinfo` returned after `$#`."""
    found: dict[str, str] = {}
    rest = re.sub(r"^[ \t\v\f\r\n]+", "", text)
    count = 0
    while rest and count < MAX_ITEMS:
        token = re.match(r'"(?:[^"\\]|\\.)*(?:"|\\?$)', rest, re.DOTALL)
        if token is None:
            if "P" in found and ("U" in found or "I" in found):
                break  # an unquoted word ends the list, silently
            if rest[0] == ",":
                return Reading(None, "a comma stands between items: sendmail logs `authinfo failed`", "comma")
            return Reading(
                None, "an item is not in double quotes: sendmail logs `authinfo failed`", "unquoted"
            )
        item = token.group()
        rest = re.sub(r"^[ \t\v\f\r\n]+", "", rest[token.end() :])
        count += 1
        if len(encode(item)) > ITEM_BYTES + 4:
            return Reading(None, "an item is longer than 256 bytes: sendmail silently sends nothing", "long")
        body = item[1:-1] if len(item) > 1 and item.endswith('"') else item[1:]
        tag = body[:1].upper()
        if tag not in ("U", "I", "P", "R", "M") or body[1:2] not in (":", "="):
            return Reading(
                None, "an item has an unknown tag or delimiter: sendmail logs `authinfo failed`", "tag"
            )
        content = body[2:]
        if body[1] == "=":
            from base64 import b64decode

            try:
                content = decode(b64decode(content.encode("ascii"), validate=True))
            except ValueError:
                return Reading(None, BAD_BASE64, "base64")
        found[tag] = content
    if "P" not in found or not ("U" in found or "I" in found):
        return Reading(None, "no password, or neither user (U) nor authentication id (I)", "missing")
    user, authid = found.get("U", found.get("I", "")), found.get("I")
    if not found["P"] or not (user or authid):
        return Reading(
            None, "the password or the user is empty: sendmail silently does not authenticate", "empty"
        )
    words = tuple(word for word in found.get("M", "").split(" ") if word)
    made = Credentials(user, found["P"], words, found.get("R"), None if authid == user else authid)
    return Reading(made)


def mechanisms_problem(words: Sequence[str]) -> str:
    """The rule of the linter that a list of mechanisms breaks by its form, or nothing: names are separated by blanks
    and by nothing else."""
    if not words:
        return "auth-mech-none"
    text = " ".join(words)
    return (
        "auth-mech-quotes" if set(text) & set("\"'") else "auth-mech-sep" if set(text) & set(",;\t") else ""
    )


@frozen(eq=False, repr=False)
class Surprise(Record):
    """What sendmail does with a value that its writer did not mean.

    text: without the secret.  altered: whether another user or password is sent than the one written.  cause: a word
    for it.
    """

    text: str
    altered: bool = False
    cause: str = ""


def surprises(value: str) -> List[Surprise]:
    """What in a value is taken otherwise than it looks (`%` and digits, backslashes, order)."""
    items = re.findall(r'"(?:[^"\\]|\\.)*(?:"|\\?$)', value, re.DOTALL)
    found = []
    for tag, what in (("P", "password"), ("U", "user"), ("I", "authentication id")):
        texts = [one[3:-1] for one in items if one[1:3].upper() == tag + ":" and one[-1:] == '"']
        if any(re.search("%[0-9]", text) for text in texts):
            found.append(
                Surprise(f"the {what} holds % and a digit, which the map lookup rewrites", True, "percent")
            )
        if any(re.search(r'\\["\\]', text) for text in texts):
            found.append(
                Surprise(f"a backslash before a quote or backslash stays in the {what}", True, "backslash")
            )
    for one in items:
        if re.match('"[Pp]=', one) and not _is_text(one[3:].rstrip('"')):
            text = "base64 that is no text: was the password written as it is after P=?"
            found.append(Surprise(text, True, "raw"))
    tags = [one[1:2].upper() for one in items[:MAX_ITEMS]]
    for tag in dict.fromkeys(tags):
        if tags.count(tag) > 1:
            found.append(
                Surprise(f"{tag} is given {tags.count(tag)} times: the last one wins", False, "duplicate")
            )
    if len(items) > MAX_ITEMS:
        found.append(Surprise(f"of {len(items)} items those after the seventh are ignored", False, "many"))
    # A first item without quotes is no surprise but an error, which reading reports.
    outside = re.sub(r'"(?:[^"\\]|\\.)*(?:"|\\?$)', '"', value, flags=re.DOTALL)
    ending = re.search(r'"[ \t]*([^" \t\r\n])', outside)
    if ending is not None:
        what, cause = ("comma", "comma") if ending.group(1) == "," else ("word without quotes", "ends")
        found.append(Surprise(f"a {what} ends the list: what follows is ignored", False, cause))
    return found


def _is_text(base64_text: str) -> bool:
    from base64 import b64decode

    try:
        b64decode(base64_text.encode("utf-8", "surrogateescape")).decode("utf-8")
    except ValueError:
        return False
    return True


def host_problem(host: str) -> Optional[str]:
    """Why `host` cannot be the host of an AuthInfo key, and what is meant instead; or None."""
    if not host:
        return "the host is empty; `AuthInfo:` alone would offer the password to every server"
    if host[0] == "[" or host[-1] == "]":
        return f"{host!r} has brackets, which belong to DS and not to the key: write {host.strip('[]')!r}"
    if re.search(r":[0-9]+$", host) and host.count(":") == 1:
        name, _, port = host.partition(":")
        return f"{host!r} has a port, which no key has: write {name!r} and give the port {port} apart"
    if not re.fullmatch(r"[A-Za-z0-9_](?:[A-Za-z0-9_.:-]*[A-Za-z0-9_])?", host):
        return f"{host!r} is no host name or address (no blanks, no trailing dot, ASCII letters only)"
    if ".." in host:
        return f"{host!r} has an empty label"
    return None


def lookup_keys(server_name: str, server_addr: str = "", *, access: bool = False) -> List[str]:
    """The keys that sendmail's own rules look up, in order, folded as the lookup folds them.

    server_name, server_addr: what `${server_name}` and `${server_addr}` will be.  access: the rules of
    FEATURE(access_db), which try the parent domains and the shorter prefixes of the address too.
    """
    prefix = PREFIX.lower()
    name, addr = _fold(server_name), _fold(server_addr)
    keys = [prefix + name]
    if access:
        labels = name.split(".")
        keys += [prefix + ".".join(labels[at:]) for at in range(1, len(labels))]
    if addr:
        keys.append(prefix + addr)
        if access:
            separator = ":" if addr.startswith("ipv6:") else "."
            parts = addr.split(separator)
            keys += [prefix + separator.join(parts[:at]) for at in range(len(parts) - 1, 0, -1)]
    keys.append(prefix)
    return list(dict.fromkeys(keys))


def _fold(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


class SourceLines(Document[SourceLine]):
    """The lines of a map source; messages and diffs of it mask passwords."""

    @staticmethod
    def _cut(text: str) -> List[str]:
        return physical(text)

    def _parse(self, text: str, index: int) -> SourceLine:
        return parse(text)

    @staticmethod
    def _shown(text: str) -> str:
        return masked(text)


class AuthInfo(MutableMapping[str, Credentials]):
    """A map source with AuthInfo entries, by host: `auth["relay.example"] = Credentials(…)`.

    `lines` is the file; entries of other kinds are kept as they are.  Of two entries with one key makemap
    keeps the first, so reading gives that one.  An entry that sendmail could not use is listed, but
    reading it raises KeyError: `reading` tells why.
    """

    def __init__(self, data: Union[bytes, str] = "", path: Optional[str] = None) -> None:
        self.lines = SourceLines(data, path)

    def __bytes__(self) -> bytes:
        return bytes(self.lines)

    def __str__(self) -> str:
        return str(self.lines)

    def __repr__(self) -> str:
        return f"<AuthInfo {self.lines.path or 'without a path'}: {len(self)} entries>"

    @property
    def changed(self) -> bool:
        """Whether the text differs from what was loaded."""
        return self.lines.changed

    def diff(self) -> str:
        """A unified diff against what was loaded; passwords are masked."""
        return self.lines.diff()

    def _entries(self) -> Iterator[Tuple[int, str, SourceLine]]:
        for index, node in enumerate(self.lines):
            if isinstance(node, (AuthInfoEntry, MapEntry)) and _fold(node.key).startswith(PREFIX.lower()):
                yield index, node.key[len(PREFIX) :], node

    def index(self, host: str) -> Optional[int]:
        """The line of a host's entry, counted from 0, or None."""
        return next((i for i, name, _ in self._entries() if _fold(name) == _fold(host)), None)

    def reading(self, host: str) -> Optional[Reading]:
        """What sendmail would make of a host's entry; None where there is none."""
        index = self.index(host)
        if index is None:
            return None
        node = self.lines[index]
        if isinstance(node, MapEntry):
            return read_value(node.value or "", node.key)
        value = str(node)[len(node.key) + len(node.gap) :] if isinstance(node, AuthInfoEntry) else ""
        return read_value(value, PREFIX + host)

    def lookup(self, server_name: str, server_addr: str = "", *, access: bool = False) -> Optional[str]:
        """The host part of the entry that would be found for a server, as in the file; None: no entry."""
        names = {_fold(PREFIX + name): name for _, name, _ in reversed(list(self._entries()))}
        keys = lookup_keys(server_name, server_addr, access=access)
        return next((names[key] for key in keys if key in names), None)

    def __getitem__(self, host: str) -> Credentials:
        reading = self.reading(host)
        if reading is None or reading.credentials is None:
            raise KeyError(host)
        return reading.credentials

    def __setitem__(self, host: str, credentials: Credentials) -> None:
        """Raises EditError for a host that is never looked up, and for what sendmail would not send exactly.

        An entry that already says the same stays as it is, whatever its spelling.
        """
        problem = host_problem(host)
        if problem:
            raise EditError(problem)
        items = items_of(credentials)
        reading, index = self.reading(host), self.index(host)
        if reading is not None and reading.credentials == normal(credentials):
            return
        old = None if index is None else self.lines[index]
        key = old.key if isinstance(old, (AuthInfoEntry, MapEntry)) else PREFIX + host
        gap = (old.gap if isinstance(old, (AuthInfoEntry, MapEntry)) else None) or "\t"
        node = AuthInfoEntry(key=key, gap=gap, items=items)
        if len(encode(str(node))) > LINE_BYTES:
            raise EditError(f"the entry for {host} would be longer than makemap's {LINE_BYTES} bytes a line")
        if index is None:
            last = [i for i, _, _ in self._entries()]
            self.lines.insert(last[-1] + 1 if last else len(self.lines), node)
        else:
            self.lines.replace(index, node)

    def __delitem__(self, host: str) -> None:
        index = self.index(host)
        if index is None:
            raise KeyError(host)
        while index is not None:
            self.lines.remove(index)
            index = self.index(host)

    def __iter__(self) -> Iterator[str]:
        seen = set()
        for _, name, _ in self._entries():
            if _fold(name) not in seen:
                seen.add(_fold(name))
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)


def normal(credentials: Credentials) -> Credentials:
    """The same credentials as they are read back: no authentication id where it is the user's."""
    same = credentials.authid == credentials.user
    return evolve(credentials, authid=None) if same else credentials


# The five-line file


class DefaultAuthInfo:
    """The file of `O DefaultAuthInfo`: user, authentication id, password, realm, mechanisms, a line each.

    Lines that begin with `#` do not count, empty ones do; lines after the fifth are ignored.  It is offered
    to every server that asks for authentication.  Setting keeps comments and what follows.
    """

    def __init__(self, data: Union[bytes, str] = "", path: Optional[str] = None) -> None:
        self.path = path
        self._original = decode(data)
        self._lines = physical(self._original)

    def __str__(self) -> str:
        return "".join(self._lines)

    def __bytes__(self) -> bytes:
        return encode(str(self))

    def __repr__(self) -> str:
        return f"<DefaultAuthInfo {self.path or 'without a path'}>"

    @property
    def changed(self) -> bool:
        """Whether the text differs from what was loaded."""
        return str(self) != self._original

    def diff(self) -> str:
        """A unified diff against what was loaded, every line that counts masked."""

        def shown(line: str) -> str:
            return line if line == "" else ("#" if line[0] == "#" else "") + MASK

        return unified_diff(self._original, str(self), self.path or "file", shown)

    @property
    def counted(self) -> int:
        """How many lines count, five at most."""
        return len(self._counted())

    def _counted(self) -> List[int]:
        return [i for i, line in enumerate(self._lines) if line[:1] != "#"][:5]

    def reading(self) -> Reading:
        """What sendmail would send with this file."""
        values = [self._lines[i].partition("\0")[0].rstrip("\n") for i in self._counted()]
        if len(values) < 2:
            what = "authentication id" if not values else "password"
            return Reading(
                None, f"sendmail can't read the {what}: mail to servers with AUTH stays queued", "lines"
            )
        if len(values) == 2 or not values[2]:
            return Reading(
                None, "the third line, the password, is missing: silently no authentication", "lines"
            )
        user, authid = values[0] or values[1], values[1]
        if not user:
            return Reading(None, "both ids, lines 1 and 2, are empty: silently no authentication", "lines")
        if values[0][: len(PREFIX)].lower() == PREFIX.lower():
            return Reading(
                None,
                "this is a map source, and DefaultAuthInfo takes five plain lines: sendmail would send whole "
                "entries, passwords included, as user and password",
                "source",
            )
        realm = values[3] if len(values) > 3 and values[3] else None
        words = tuple(word for word in (values[4] if len(values) > 4 else "").split(" ") if word)
        return Reading(Credentials(user, values[2], words, realm, None if authid == user else authid))

    @property
    def credentials(self) -> Optional[Credentials]:
        """What sendmail would send, or None; setting rewrites the five lines.

        Setting raises EditError for what the file cannot hold: a line feed or NUL, a `#` at the beginning.
        """
        return self.reading().credentials

    @credentials.setter
    def credentials(self, new: Credentials) -> None:
        _check_credentials(new)
        if self.credentials == normal(new):
            return
        authid = new.user if new.authid is None else new.authid
        values = [new.user, authid, new.password, new.realm or "", " ".join(new.mechanisms)]
        for value, what in zip(values, ("user", "authentication id", "password", "realm", "mechanisms")):
            if re.search("[\n\0]", value) or value[:1] == "#" or len(encode(value)) > DEFAULT_LINE_BYTES:
                raise EditError(
                    f"the {what} cannot stand in the five-line file: it has a line feed or NUL, begins "
                    f"with #, or is longer than {DEFAULT_LINE_BYTES} bytes"
                )
        lines = list(self._lines)
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        counted = self._counted()
        for at, value in enumerate(values):
            if at < len(counted):
                lines[counted[at]] = value + "\n"
            else:
                lines.append(value + "\n")
        self._lines = lines
