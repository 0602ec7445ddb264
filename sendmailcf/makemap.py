"""A map source as makemap reads it.

The one thing to know: makemap reads into 1024 bytes, so what follows the 1023rd of a line is read as a line of its
own; a bad line is reported and left out, and all others are stored.  Facts from makemap.c of sendmail 8.17.1.
"""

from __future__ import annotations

import os
from operator import itemgetter

from .mapdb.hash import SEPARATOR, Builder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

    Chunk = Tuple[List[bytes], List[bytes], Sequence[int], "List[Problem]"]

#: The size of makemap's buffer, in bytes: a line feed and a NUL included.
BUFFER_BYTES = 1024
_BLANKS = b" \t\n\v\f\r"
#: The bytes of the first blocks of lines, and of the largest.  What is made of a small one fits memory that was used
#: before; a block grows up to this share of what was read.
_BLOCK, _MOST, _BLOCK_SHARE = 1 << 16, 1 << 20, 16
_FIRST = itemgetter(0)
_SPACE = 0x20

EX_DATAERR = 65


class Problem:
    """A line that makemap reports.

    line: counted from 1.  message: makemap's words after `makemap: MAP: `; it names the key, which may be a
    password where a line is broken.  text: the
    same without the line.  safe: the same without the key.  key: of a duplicate, else None.
    """

    __slots__ = ("key", "line", "message", "safe", "text")

    def __init__(self, line: int, text: str, safe: str, key: Optional[bytes] = None) -> None:
        self.line, self.text, self.safe, self.key = line, text, safe, key
        self.message = f"line {line}: {text}"

    def __repr__(self) -> str:
        return f"Problem(line={self.line}, safe={self.safe!r})"


class Source:
    """A source that was read: the pairs that makemap would store, in order, and what it would report."""

    __slots__ = ("pairs", "problems")

    def __init__(self, pairs: List[Tuple[bytes, bytes]], problems: List[Problem]) -> None:
        self.pairs, self.problems = pairs, problems

    def __repr__(self) -> str:
        return f"Source({len(self.pairs)} pairs, {len(self.problems)} problems)"


class Rules:
    """How a source is read: makemap's flags.

    fold: keys become lower case, ASCII letters only (not -f).  null: a NUL ends keys and values (-N).  separator:
    one byte instead of white space (-t).  comment: the byte that begins a comment in the first column, or b"" (-D).
    allow_empty: a key may have no value (-e).  replace: of two values the last one counts (-r).
    """

    __slots__ = ("allow_empty", "comment", "fold", "null", "replace", "separator")

    def __init__(
        self,
        *,
        fold: bool = True,
        null: bool = False,
        separator: Optional[bytes] = None,
        comment: bytes = b"#",
        allow_empty: bool = False,
        replace: bool = False,
    ) -> None:
        self.fold, self.null, self.separator = fold, null, separator
        self.comment, self.allow_empty, self.replace = comment, allow_empty, replace


def read(data: bytes, *, fold: bool = True, null: bool = False) -> Source:
    """A whole source, small enough to hold: pairs as they would be stored, duplicates left out and reported."""
    seen: Dict[bytes, bytes] = {}
    problems: List[Problem] = []
    for keys, values, lines, found in parse([data], Rules(fold=fold, null=null)):
        problems += found
        for key, value, line in zip(keys, values, lines):
            if key in seen:
                problems.append(duplicate(line, key))
            else:
                seen[key] = value
    problems.sort(key=lambda problem: problem.line)
    return Source(list(seen.items()), problems)


def duplicate(line: int, key: bytes) -> Problem:
    """The report of a key that was stored before."""
    shown = key.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return Problem(line, f"key {shown}: duplicate key", "this key stands on a line above, too", key)


def parse(chunks: Iterable[bytes], rules: Rules) -> Iterator[Chunk]:
    """Keys, values, their line numbers and problems, for each of many runs of lines.

    chunks: the source in pieces of any size.
    """
    number = 1
    for block, ended in _blocks(chunks):
        made, count = _parse(block, ended, number, rules)
        yield made
        number += count


def build(chunks: Iterable[bytes], rules: Rules, builder: Builder) -> List[Problem]:
    """Give a whole source to a builder; what to report, but for duplicates, which are known when it has written."""
    return _build(chunks, rules, builder)[0]


def _build(chunks: Iterable[bytes], rules: Rules, builder: Builder) -> Tuple[List[Problem], int]:
    """The same, and how many lines there were."""
    problems: List[Problem] = []
    number = 1
    joined = hasattr(builder, "add_records")
    for block, ended in _blocks(chunks):
        plain = _plain(block, rules) if joined and ended else None
        if plain is not None:
            records = block.replace(b"\t", SEPARATOR).split(b"\n")
            records.pop()
            count = len(records)
            builder.add_records(plain[0], records, range(number, number + count))
        else:
            (keys, values, lines, found), count = _parse(block, ended, number, rules)
            problems += found
            builder.add(keys, values, lines)
        number += count
    return problems, number - 1


#: A source shorter than this, in bytes, is not worth a second process.
_SHARE = 4 << 20


def build_file(source: int, target: int, rules: Rules, builder: Builder, jobs: int = 1) -> List[Problem]:
    """Build a database from a source that is a regular file, with as many processes as are worth it.

    source: a descriptor, of which all is read from where it stands.  target: a descriptor of the new, empty database.
    builder: empty, of a hash file.  jobs: processes at most; a power of two is taken.  What there is to report comes
    back, duplicates included, by line.  Raises OSError and MapError.
    """
    begin, end = os.lseek(source, 0, os.SEEK_CUR), os.fstat(source).st_size
    most = max(1, min(jobs, (end - begin) // _SHARE))
    jobs = 1 << (most.bit_length() - 1)
    marks = [_line_after(source, begin + (end - begin) * share // jobs, end) for share in range(1, jobs)]
    marks = [begin, *marks, end]

    def fill(share: int) -> Tuple[object, int]:
        problems, lines = _build(_range(source, marks[share], marks[share + 1]), rules, builder)
        return [(one.line, one.text, one.safe, one.key) for one in problems], lines

    if jobs > 1:
        from .mapdb.hash.workers import write_together

        shares = write_together(builder, target, fill, jobs)
    else:
        shares = [fill(0)]
        builder.write(target)
    problems: List[Problem] = []
    before = 0
    for found, lines in shares:
        problems += [Problem(line + before, text, safe, key) for line, text, safe, key in found]
        before += lines
    os.lseek(source, end, os.SEEK_SET)
    problems += [duplicate(line, key) for line, key in builder.duplicates]
    return sorted(problems, key=lambda problem: problem.line)


def _line_after(fd: int, at: int, end: int) -> int:
    """Where the next line begins in a file; its end, if none does."""
    while at < end:
        piece = os.pread(fd, 1 << 16, at)
        found = piece.find(b"\n") + 1
        if found or not piece:
            return min(at + found, end) if piece else end
        at += len(piece)
    return end


def _range(fd: int, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        piece = os.pread(fd, min(_MOST, end - at), at)
        if not piece:
            return
        yield piece
        at += len(piece)


def _parse(block: bytes, ended: bool, number: int, rules: Rules) -> Tuple[Chunk, int]:
    """A run of lines, and how many they are."""
    plain = _plain(block, rules) if ended else None
    if plain is not None:
        count = len(plain[0])
        return (*plain, range(number, number + count), []), count
    if b"\0" not in block and ended:
        lines = block.split(b"\n")
        lines.pop()
        made = _fast(lines, number, rules)
        if made is not None:
            return made, len(lines)
    return _careful(block, number, rules)


def _blocks(chunks: Iterable[bytes]) -> Iterator[Tuple[bytes, bool]]:
    """Pieces of whole lines; the last of them, where the source does not end with a line feed, is told apart."""
    rest: List[memoryview] = []
    size, done = _BLOCK, 0
    for chunk in chunks:
        view, at = memoryview(chunk), 0
        while at < len(chunk):
            stop = at + size
            end = chunk.rfind(b"\n", at, stop) + 1
            if end:
                yield b"".join([*rest, view[at:end]]), True
                rest = []
                done += size
                size = min(max(_BLOCK, done // _BLOCK_SHARE), _MOST)
            rest.append(view[end or at : stop])
            at = stop
    tail = b"".join(rest)
    if tail:
        yield tail, False


_ALL = set(range(256))
#: What is left out of a run of lines, and of its keys, to see whether they are plain.
_NOT_STRUCTURE = bytes(_ALL - set(b"\t\n\v\f\r\0\xff"))
_NOT_BLANK_OR_UPPER, _NOT_BLANK = bytes(_ALL - set(b" ABCDEFGHIJKLMNOPQRSTUVWXYZ")), bytes(_ALL - set(b" "))


def _plain(block: bytes, rules: Rules) -> Optional[Tuple[List[bytes], List[bytes]]]:
    """Keys and values of whole lines that are all alike: a key, one TAB, a value, with no 0xFF; or None.

    This is what most sources are made of, so each look at a byte counts.
    """
    if rules.separator is not None or rules.null:
        return None
    parts = block.replace(b"\t", b"\n").split(b"\n")
    if block.translate(None, _NOT_STRUCTURE) != b"\t\n" * (len(parts) // 2):
        return None  # not one TAB in each line, or a byte that needs care
    keys, values = parts[:-1:2], parts[1::2]
    if b"".join(keys).translate(None, _NOT_BLANK_OR_UPPER if rules.fold else _NOT_BLANK):
        return None
    try:
        firsts = set(map(_FIRST, keys))
        if _SPACE in set(map(_FIRST, values)) or (rules.comment and rules.comment[0] in firsts):
            return None
    except IndexError:
        return None  # no key, or no value
    if max(map(len, keys)) + max(map(len, values)) > BUFFER_BYTES - 3 and any(
        len(key) + len(value) > BUFFER_BYTES - 3 for key, value in zip(keys, values)
    ):
        return None  # a line too long
    return keys, values


def _fast(lines: List[bytes], number: int, rules: Rules) -> Optional[Chunk]:
    """A run of lines without anything unusual in it, or None."""
    if rules.separator is not None or not lines or max(map(len, lines)) > BUFFER_BYTES - 2:
        return None
    numbers: Sequence[int] = range(number, number + len(lines))
    firsts = set(map(itemgetter(slice(0, 1)), lines))
    if firsts & {b" ", b"\t", b"\v", b"\f", b"\r"}:
        return None
    if b"" in firsts or rules.comment in firsts:
        numbers = [number + at for at, line in enumerate(lines) if line and line[:1] != rules.comment]
        lines = [lines[one - number] for one in numbers]
    parts = [line.split(None, 1) for line in lines]
    try:
        keys, values = [key for key, _ in parts], [value for _, value in parts]
    except ValueError:
        return None  # a key without a value
    if rules.fold:
        keys = list(map(bytes.lower, keys))
    if rules.null:
        keys = [key + b"\0" for key in keys]
        values = [value + b"\0" for value in values]
    return keys, values, numbers, []


def _careful(block: bytes, number: int, rules: Rules) -> Tuple[Chunk, int]:
    """Any run of lines, piece by piece as makemap's buffer takes them; and how many pieces there were."""
    keys, values, numbers = [], [], []  # type: List[bytes], List[bytes], List[int]
    problems: List[Problem] = []
    line = number - 1
    for piece, complete in _pieces(block):
        line += 1
        cut = piece.partition(b"\0")[0] if b"\0" in piece else piece
        if not complete or (cut is not piece and piece.endswith(b"\n")):
            text = f"line too long ({BUFFER_BYTES} bytes max)"
            problems.append(Problem(line, text, text + ", or it holds a NUL"))
            continue
        text_line = cut[:-1] if cut.endswith(b"\n") else cut
        if not text_line or text_line[:1] == rules.comment:
            continue
        if rules.separator is None and text_line[:1] in (b" ", b"\t", b"\v", b"\f", b"\r"):
            problems.append(Problem(line, "syntax error (leading space)", "syntax error (leading space)"))
            continue
        key, value = _split(text_line, rules.separator)
        if rules.fold:
            key = key.lower()
        if not value and not rules.allow_empty:
            shown = key.decode("utf-8", "surrogateescape")
            problems.append(Problem(line, f"no RHS for LHS {shown}", "a key without a value"))
            continue
        end = b"\0" if rules.null else b""
        keys.append(key + end)
        values.append(value + end)
        numbers.append(line)
    return (keys, values, numbers, problems), line - number + 1


def _pieces(block: bytes) -> Iterator[Tuple[bytes, bool]]:
    """What each read of makemap's buffer gives, and whether it is a line for makemap: up to its line feed, or
    to the end of the source."""
    most = BUFFER_BYTES - 1
    at, size = 0, len(block)
    while at < size:
        end = block.find(b"\n", at, at + most) + 1
        if end:
            yield block[at:end], True
        else:
            end = min(at + most, size)
            # Only a read that stops short of a full buffer has seen the end of the file.
            yield block[at:end], end - at < most
        at = end


def _split(line: bytes, separator: Optional[bytes]) -> Tuple[bytes, bytes]:
    if separator is None:
        parts = line.split(None, 1)
        return parts[0], parts[1] if len(parts) > 1 else b""
    key, _, value = line.partition(separator)
    return key, value.lstrip(separator)
