"""Damaged map files, by the million: every operation of every reader ends with a result or with MapError.

The one thing to know: a case is its seed, format and number, nothing else; what fails is told as a command that runs
that case alone.

    python tests/fuzz/readers.py --format btree --count 1000000 --seed 1 --processes 2

Each damaged file is opened, read from begin to end, searched for keys that are there and for others, verified and,
where the format is changed in place, changed.  Each case has a bound of time; the process has a bound of memory, and
one case in a hundred is measured: no more is allocated than the file's size times a constant.  A file in which
`verify` finds no fault must be readable whole, and each of its keys must be found.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from sendmailcf import mapdb
from sendmailcf.errors import MapError
from sendmailcf.mapdb import btree, cdb, hash185, text
from sendmailcf.mapdb import hash as hash_format

#: Wall seconds that one case may take, on a busy machine.
SECONDS = 20.0
#: Bytes that the process may have on top of what it had before the first case.
PROCESS_BYTES = 256 << 20
#: Bytes that a measured case may allocate: so many times the file's, and these.
TIMES, BYTES = 64, 1 << 20
MEASURED_EVERY = 100
#: The part of hash files that are changed too: that takes as long as all else.
EDITED = 0.2
_ORDERS = ("little", "big")

Pairs = List[Tuple[bytes, bytes]]


class Hang(BaseException):
    """A case took longer than its bound; no `except Exception` holds it up."""


class Tally:
    """What became of the cases: refused when opened, while read or by `verify`, and sound ones."""

    def __init__(self) -> None:
        self.cases = self.refused = self.broken = self.faulty = self.sound = 0
        self.slowest = self.largest = 0.0

    def add(self, other: Tally) -> None:
        for name in ("cases", "refused", "broken", "faulty", "sound"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.slowest, self.largest = max(self.slowest, other.slowest), max(self.largest, other.largest)

    def __str__(self) -> str:
        return (
            f"{self.cases} files: {self.refused} refused when opened, {self.broken} while read, {self.faulty} only by"
            f" verify, {self.sound} sound; slowest {self.slowest:.3f} s, most memory {self.largest:.1f} times the file (of 4096 bytes or more)"
        )


def _pairs(count: int, sizes: Sequence[int], seed: int) -> Pairs:
    chance = random.Random(seed)
    made: Dict[bytes, bytes] = {}
    while len(made) < count:
        stem = chance.choice([b"k", b"host.example.com", b"From:"])
        key = (stem + b"%d" % len(made)).ljust(chance.choice([0, 0, 0, *sizes]), b"x")
        made[key] = chance.randbytes(chance.choice([0, 3, 20, *sizes]))
    return list(made.items())


def _repeated(pairs: Pairs, counts: Sequence[int]) -> Pairs:
    return [(key, value + b"%d" % n) for (key, value), count in zip(pairs, counts) for n in range(count)]


def good_files(name: str) -> List[bytes]:
    """Sound files of a format, small and of every shape that it has."""
    small, mixed, many = _pairs(3, [], 1), _pairs(14, [150, 700, 1300], 2), _pairs(70, [40], 3)
    several = _repeated(_pairs(5, [], 4), [1, 3, 40, 150, 2])
    if name == "hash":
        made = [hash_format.build(pairs, byteorder=order, pagesize=512)
                for order in _ORDERS for pairs in ([], small, mixed, many)]  # fmt: skip
        for order in _ORDERS:
            for version in (5, 8, 9):
                for pairs, duplicates in ((mixed, False), (several, version > 5)):
                    if duplicates or pairs is mixed:
                        builder = hash_format.Builder(order, 512, duplicates=duplicates, version=version)
                        builder.add(*zip(*pairs))
                        made.append(builder.image())
        return made
    if name == "btree":
        return [
            btree.build(pairs, byteorder=order, pagesize=512, duplicates=pairs is several)
            for order in _ORDERS for pairs in ([], small, mixed, many, several)
        ]  # fmt: skip
    if name == "hash185":
        return [hash185.build(pairs, byteorder=order, pagesize=512)
                for order in _ORDERS for pairs in ([], small, mixed, many)]  # fmt: skip
    if name == "cdb":
        return [cdb.build(pairs, duplicates=True) for pairs in ([], small, mixed, many, several)]
    plain = [(key[:200], value.hex().encode()[:200]) for key, value in many]
    return [text.build(plain), b"# comment\n key  one two\n\tx\ny:z:0\n" + b"w" * 3000 + b" v\nlast"]


def damaged(good: Sequence[bytes], chance: random.Random) -> bytes:
    """One of these files with a few bytes, numbers or pages changed, or cut off."""
    data = bytearray(chance.choice(good))
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        size = len(data)
        # Headers and index arrays are where it hurts; and in the first page the numbers.
        page = chance.randrange(-(-size // 512)) * 512
        at = min(size - 1, page + chance.randrange(chance.choice([28, 28, 60, 120, 512])))
        way = chance.randrange(10)
        if way < 3:
            data[at] = chance.randrange(256)
        elif way < 5:
            data[at] ^= 1 << chance.randrange(8)
        elif way < 8:
            width = chance.choice([2, 4])
            at -= at % width
            numbers = [
                0,
                1,
                2,
                3,
                4,
                5,
                13,
                26,
                28,
                511,
                512,
                513,
                65535,
                1 << 31,
                (1 << 32) - 1,
                size,
                size // 512,
            ]
            number = chance.choice([*numbers, chance.randrange(max(1, size // 512)), chance.randrange(size)])
            number &= (1 << 8 * width) - 1
            data[at : at + width] = number.to_bytes(width, chance.choice(_ORDERS))  # type: ignore[arg-type]
        elif way == 8:
            other = chance.randrange(-(-size // 512)) * 512
            data[page : page + 512] = data[other : other + 512]
        else:
            data = (
                data[: chance.randrange(size)]
                if chance.random() < 0.3
                else data + bytes(chance.choice([1, 512]))
            )
        if not data:
            break
    return bytes(data)


def _opened(name: str, data: bytes, chance: random.Random) -> mapdb.AnyMap:
    if name != "text":
        return mapdb.load(data)
    columns, delimiter = (chance.randrange(3), chance.randrange(3)), chance.choice([b"", b"\t", b":"])
    return text.TextMap(data, key_column=columns[0], value_column=columns[1], delimiter=delimiter)


def check(error: MapError, size: int) -> None:
    """An error names a place that the file has."""
    assert error.offset is None or 0 <= error.offset <= size, error


def run_case(name: str, data: bytes, chance: random.Random, tally: Tally) -> None:
    """Every operation on one file.  Raises AssertionError, or whatever a reader lets through."""
    tally.cases += 1
    try:
        found = _opened(name, data, chance)
    except MapError as error:
        check(error, len(data))
        tally.refused += 1
        return
    if found.info.format != name:
        return  # damaged so that it is of another format
    readable = True
    first: Dict[bytes, bytes] = {}
    try:
        for key, value in found.pairs():
            first.setdefault(key, value)
    except MapError as error:
        check(error, len(data))
        readable = False
    missing = 0
    for key in [*list(first)[:: 1 + len(first) // 20], b"", b"k1", b"no such key", bytes(3000)]:
        try:
            value = found.get(key)
            missing += key in first and value != first[key]
        except MapError as error:
            check(error, len(data))
            missing += key in first
    try:
        assert len(found) >= len(first)
    except MapError as error:
        check(error, len(data))
    faults = found.verify()
    for fault in faults:
        assert isinstance(fault, MapError)
        check(fault, len(data))
    if not readable:
        tally.broken += 1
    elif faults:
        tally.faulty += 1
    else:
        tally.sound += 1
    if name != "text":
        # Of lines with equal keys the first one counts, and that may have no value.
        assert faults or (readable and not missing), (
            "verify found no fault in a file that cannot be read whole"
        )
    if name == "hash" and chance.random() < EDITED:
        _edit(data)


def _edit(data: bytes) -> None:
    """Change one key in place, and take it out again."""
    with tempfile.TemporaryFile(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as file:
        file.write(data)
        file.flush()
        try:
            editor = hash_format.Editor(file.fileno())
            editor.put(b"k1", b"another value")
            editor.put(b"new", b"v" * 700)
            editor.remove(b"k2")
        except MapError as error:
            check(error, max(len(data), os.fstat(file.fileno()).st_size))


def _alarm(*_: object) -> None:
    raise Hang("a case took too long")


def run(name: str, seed: int, numbers: Sequence[int]) -> Tuple[Tally, Optional[Tuple[int, str]]]:
    """Run cases by number; what became of them, and the first that failed, with its fault."""
    good, tally = good_files(name), Tally()
    for data in good:
        # What is imported on first use is not measured; and nothing is wrong with a sound file.
        run_case(name, data, random.Random(0), Tally())
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    limit = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30) + PROCESS_BYTES, limit[1]))
    signal.signal(signal.SIGALRM, _alarm)
    try:
        for number in numbers:
            chance = random.Random(f"{seed}/{name}/{number}")
            data = damaged(good, chance)
            measured = number % MEASURED_EVERY == 0
            started = time.perf_counter()
            try:
                if measured:
                    tracemalloc.start()
                signal.setitimer(signal.ITIMER_REAL, SECONDS)
                run_case(name, data, chance, tally)
                signal.setitimer(signal.ITIMER_REAL, 0)
                if measured:
                    peak = tracemalloc.get_traced_memory()[1]
                    assert peak <= TIMES * len(data) + BYTES, f"{peak} bytes for a file of {len(data)}"
                    if len(data) >= 4096:
                        tally.largest = max(tally.largest, peak / len(data))
                else:
                    tally.slowest = max(tally.slowest, time.perf_counter() - started)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                return tally, (number, f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})")
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                tracemalloc.stop()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limit)
    return tally, None


def _blocks(count: int, size: int = 5000) -> Iterator[range]:
    return (range(at, min(at + size, count)) for at in range(0, count, size))


def main(arguments: Optional[Sequence[str]] = None, *, say: Callable[[str], object] = print) -> int:
    """The command; its exit status: 1 when a case failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--format", choices=list(mapdb.FORMATS), action="append", help="one or more; all of them"
    )
    parser.add_argument("--count", type=int, default=1_000_000, help="of cases of each format")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--only", type=int, help="run the case of this number alone")
    asked = parser.parse_args(arguments)
    for name in asked.format or list(mapdb.FORMATS):
        started, tally = time.perf_counter(), Tally()
        blocks = [range(asked.only, asked.only + 1)] if asked.only is not None else list(_blocks(asked.count))
        with ProcessPoolExecutor(asked.processes) as pool:
            names, seeds = [name] * len(blocks), [asked.seed] * len(blocks)
            for done, failed in pool.map(run, names, seeds, blocks):
                tally.add(done)
                if failed is not None:
                    number, fault = failed
                    say(f"{name}: case {number} failed: {fault}")
                    say(f"python tests/fuzz/readers.py --format {name} --seed {asked.seed} --only {number}")
                    pool.shutdown(cancel_futures=True)
                    return 1
        say(f"{name}: {tally}; {time.perf_counter() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
