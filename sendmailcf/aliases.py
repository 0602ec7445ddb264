"""A source of aliases as newaliases (`sendmail -bi`) reads it.

The one thing to know: a line goes on where the next one begins with a blank, also after a comment, and where it
ends with a backslash; the name ends at the first colon, even between quotes.  Names are read as the rules of a
stock sendmail.cf read them.  Facts from alias.c of sendmail 8.17.1 and from running it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Dict, Iterator, List, Optional, Tuple

#: The size of sendmail's buffer for a line with all that continues it, in bytes, the NUL included.
BUFFER_BYTES = 8192
#: The record that tells that a database is complete, in front of its NUL.
COMPLETE = b"@"
_BLANKS = b" \t\n\v\f\r"
EX_USAGE, EX_SOFTWARE = 64, 70


class Aliases:
    """What a source holds.

    records: keys and values in order, as they are stored but for NULs; keys in lower case.
    messages: sendmail's words, in order, without the name of the file.  status: the exit status of sysexits.h that
    the first error among them makes it end with, or 0.  count, longest, total: the statistics that newaliases
    prints: entries, and bytes of the longest value and of all keys and values.
    """

    __slots__ = ("count", "longest", "messages", "records", "status", "total")

    def __init__(self) -> None:
        self.records: List[Tuple[bytes, bytes]] = []
        self.messages: List[bytes] = []
        self.count = self.longest = self.total = self.status = 0

    def __repr__(self) -> str:
        return f"Aliases({self.count} entries, {len(self.messages)} messages)"

    def _error(self, line: int, text: bytes, status: int = EX_SOFTWARE) -> None:
        self.status = self.status or status
        self.messages.append(b"line %d: %s" % (line, text))


def read(data: bytes, local: Container[bytes], *, append: bool = False) -> Aliases:
    """Read a source.  local: host names that are this host's, in lower case.  append: the values of a name that
    stands twice are joined, the last one first (-A); else the last one counts.  Never raises."""
    out = Aliases()
    places: Dict[bytes, int] = {}
    skipping = False
    for number, line in _lines(data):
        if line is None:
            out._error(number, b"alias line too long")
            continue
        if line[:1] in (b"#", b""):
            skipping = False
            continue
        if line[:1] in (b" ", b"\t"):
            if not skipping:
                out._error(number, b"Non-continuation line starts with space")
            skipping = True
            continue
        skipping = False
        _, colon, value = line.partition(b":")
        if not colon:
            out._error(number, b"missing colon")
            continue
        name, shown, problems = _name(line, local)
        for problem, status in problems:
            out._error(number, problem, status)
        if name is None:
            continue
        value = value.lstrip(_BLANKS)
        if not value:
            out._error(number, b"%s... missing value for alias" % line[:40])
            continue
        key = name.lower()
        out.count += 1
        out.longest = max(out.longest, len(value))
        out.total += len(name) + len(value)
        if key not in places:
            places[key] = len(out.records)
            out.records.append((key, value))
            continue
        if append:
            value += b"," + out.records[places[key]][1]
        else:
            out.messages.append(b"line %d: %s... Warning: duplicate alias name %s" % (number, shown, key))
        out.records[places[key]] = key, value
    return out


def _lines(data: bytes) -> Iterator[Tuple[int, Optional[bytes]]]:
    """Each line with those that continue it, cut at a NUL, and the number of its last one; None is too long a one."""
    at, number, size = 0, 0, len(data)

    def take(room: int) -> bytes:
        nonlocal at
        end = data.find(b"\n", at, at + room) + 1 or min(at + room, size)
        at, start = end, at
        return data[start:end]

    while at < size:
        line = take(BUFFER_BYTES - 1)
        number += 1
        while True:
            text, feed, _ = line.partition(b"\0")[0].partition(b"\n")
            if feed and text.endswith(b"\\"):
                line = text[:-1]
            elif data[at : at + 1] in (b" ", b"\t") and (feed or b"\0" in line):
                line = text
            else:
                break
            if at >= size:
                break
            line += take(BUFFER_BYTES - 1 - len(line))
            number += 1
        whole = line.partition(b"\0")[0]
        if b"\n" in whole or at >= size:
            yield number, whole.partition(b"\n")[0]
            continue
        yield number, None
        # The rest of a line that was too long, or the whole next one where a NUL hid the end of this.
        while at < size:
            rest = take(size)
            if not rest.endswith(b"\\\n") and data[at : at + 1] not in (b" ", b"\t"):
                break


# The name of an alias.

#: What stands between words by itself; of two other words that a blank parts, a dot is made.
_OPERATORS = b'.:%@!^/[]+()<>,;"'
_HIDDEN = ord("x")


def _name(line: bytes, local: Container[bytes]) -> Tuple[Optional[bytes], bytes, List[Tuple[bytes, int]]]:
    """The name that a line begins with: as it is stored, or None; as messages show it; and what is wrong with it, with
    the exit status that it makes."""
    words, mask, end, unbalanced = _scan(line)
    problems = [(b"%s... Unbalanced '%c'" % (line, one), 0) for one in unbalanced]
    shown = line[:end]
    if not words:
        return None, shown, [*problems, (b"%s... illegal alias name" % line[:40], EX_SOFTWARE)]
    name, problem = _local(words, mask, local)
    if problem:
        problems.append((b"%s... %s" % (shown, problem), EX_USAGE))
    if name is None:
        problems.append((b"%s... cannot alias non-local names" % shown, EX_SOFTWARE))
    return name, shown, problems


def _scan(line: bytes) -> Tuple[bytes, bytes, int, bytes]:
    """The text of a name without comments and blanks, the same with all that is quoted made plain, where in the line
    it ends, and the signs that have no counterpart."""
    text, mask, unbalanced = bytearray(), bytearray(), bytearray()
    at = comments = angles = 0
    quoted = gap = False

    def put(piece: bytes, plain: bool) -> None:
        nonlocal gap
        quotes = text[-1:] == b'"' or piece == b'"'
        if gap and text and not quotes and mask[-1] not in _OPERATORS and not (plain and piece[0] in _OPERATORS):
            text.extend(b".")
            mask.extend(b".")
        gap = False
        text.extend(piece)
        mask.extend(piece if plain else bytes([_HIDDEN]) * len(piece))

    while at < len(line):
        one = line[at : at + 1]
        if one == b"\\" and at + 1 < len(line):
            if not comments:
                put(line[at : at + 2], False)
            at += 2
            continue
        if quoted:
            put(one, False)
            quoted = one != b'"'
        elif one == b"(":
            comments += 1
        elif one == b")":
            if comments:
                comments -= 1
                gap = True
            else:
                unbalanced += one
        elif comments:
            pass
        elif one == b":" and not angles:
            break
        elif one in (b" ", b"\t", b"\n", b"\v", b"\f", b"\r"):
            gap = True
        elif one == b">" and not angles:
            unbalanced += one
        else:
            quoted = one == b'"'
            angles += (one == b"<") - (one == b">")
            put(one, not quoted)
        at += 1
    for missing, sign in ((quoted, b'"'), (comments, b"("), (angles, b"<")):
        if missing:
            unbalanced += sign
    if quoted:
        put(b'"', False)
    return bytes(text), bytes(mask), at, bytes(unbalanced)


def _local(text: bytes, mask: bytes, local: Container[bytes]) -> Tuple[Optional[bytes], bytes]:
    """The user that a name means on this host, or None if it is none of here; and an error, or nothing."""
    if b"<" in mask:
        start = mask.rindex(b"<") + 1
        end = mask.find(b">", start) if b">" in mask[start:] else len(mask)
        text, mask = text[start:end], mask[start:end]
    if not text:
        return None, b"User address required"
    if mask[:1] == b"@" and b":" in mask:  # a route: @host:user
        start = mask.rindex(b":") + 1
        if text[1 : start - 1].lower() not in local:
            return None, b""
        text, mask = text[start:], mask[start:]
    if b"," in mask or mask.count(b"@") > 1:
        return None, b"Invalid route address"
    user, sign, host = mask.rpartition(b"@")
    if sign and text != b"@":
        if not user or not host:
            return None, b"Hostname required" if user else b"User address required"
        if text[len(user) + 1 :].lower().rstrip(b".") not in local:
            return None, b""
        text, mask = text[: len(user)], user
    elif sign:
        return b"", b""
    if b"%" in mask:
        at = mask.rindex(b"%")
        return _local(text[:at], mask[:at], local) if text[at + 1 :].lower() in local else (None, b"")
    if b"!" in mask:
        at = mask.index(b"!")
        return _local(text[at + 1 :], mask[at + 1 :], local) if text[:at].lower() in local else (None, b"")
    if mask[:1] in (b"|", b"/"):
        return None, b""
    if text == b'""':
        return None, b"User address required"
    inner = text[1:-1]
    whole = text[:1] == b'"' and mask.strip(b"x") == b"" and _closing(text) == len(text) - 1
    if whole and not set(inner) & set(b" \t()") and inner.count(b"<") == inner.count(b">"):
        return _local(inner, inner, local) if b"@" in inner or b"<" in inner else (inner, b"")
    return text, b""


def _closing(text: bytes) -> int:
    """Where the quote that begins a text is closed."""
    at = 1
    while at < len(text) and text[at : at + 1] != b'"':
        at += 2 if text[at : at + 1] == b"\\" else 1
    return at
