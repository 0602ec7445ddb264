"""Building a database, the whole process against the real makemap, in the same run; then reading and changing it.

The one thing to know: ratios of medians are printed, never asserted; on a busy machine, look at processor time.
Usage: python tests/bench/bench_makemap.py [--sizes 1000,100000,1000000,10000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple

from sendmailcf import mapdb
from sendmailcf.mapdb.hash import Editor


def make_source(path: Path, count: int) -> None:
    """Entries of about 100 bytes."""
    chance = random.Random(count)
    with open(path, "wb") as file:
        for number in range(count):
            key = b"user%07d.%06x@host%d.example.com" % (number, chance.getrandbits(24), number % 977)
            file.write(b"%s\tRELAY some value text, about forty bytes %08x\n" % (key, chance.getrandbits(32)))


def timed(
    command: List[str], source: Path, directory: str, output: str = os.devnull
) -> Tuple[float, float, float]:
    """Seconds, seconds of processor time, and the largest memory in MB."""
    if output != os.devnull and os.path.exists(output):
        os.unlink(output)  # to cut it off would be part of the time
    begin = time.perf_counter()
    child = os.posix_spawnp(
        command[0], command, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, str(source), os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
            # Both warn of the directory for temporary files, which everybody can write.
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
    )  # fmt: skip
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{command}: status {status}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def read_and_change(makemap: str, ours: List[str], source: Path, directory: str) -> None:
    """Lookups, a dump and single changes of a database that is there."""
    name = os.path.join(directory, "m2")
    with open(source, "rb") as file:
        keys = [line.partition(b"\t")[0] for line in file]
    some = random.Random(1).sample(keys, min(len(keys), 200_000))
    with mapdb.open(name + ".db") as found:
        gc.disable()
        begin = time.perf_counter()
        for key in some:
            found[key]
        each = (time.perf_counter() - begin) / len(some)
        gc.enable()
        hits = reads = 0
        for key in some[:20_000]:
            for _, page, offsets in found._reader.chain(found._reader.bucket(key)):
                reads += 1
                if any(found._reader.key(1, page, offsets, at) == key for at in range(0, len(offsets), 2)):
                    hits += 1
                    break
    print(f"  lookups {1 / each:10,.0f} a second, {reads / hits:.3f} pages read for each")
    times: Dict[str, List[float]] = {"makemap -u": [], "our makemap -u": [], "map dump": []}
    for _ in range(5):
        for what, command in (
            ("makemap -u", [makemap, "-s", "-C", "/dev/null", "-u", "hash", name]),
            ("our makemap -u", [*ours, "-s", "-C", "/dev/null", "-u", "hash", name]),
            ("map dump", [ours[0], "map", "dump", name + ".db"]),
        ):
            times[what].append(
                timed(command, Path(os.devnull), directory, os.path.join(directory, "dump"))[0]
            )
    theirs = statistics.median(times["makemap -u"])
    for what, found_times in times.items():
        middle = statistics.median(found_times)
        print(f"  {what:14} {middle:7.3f} s, {theirs / middle:.2f} times as fast as makemap -u")
    fd = os.open(name + ".db", os.O_RDWR)
    editor, spent = Editor(fd), []
    for number, key in enumerate(some[:300]):
        begin = time.perf_counter()
        if number % 3 == 2:
            editor.remove(key)
        else:
            editor.put(key if number % 3 else key + b"new", b"another value %d" % number)
        spent.append(time.perf_counter() - begin)
    os.close(fd)
    print(
        f"  change  {statistics.median(spent) * 1e3:7.3f} ms of one key in place, with what reaches the disk"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    makemap = shutil.which("makemap", path=os.environ["PATH"] + ":/usr/sbin") or "makemap"
    ours = [str(Path(sys.executable).with_name("sendmailcf")), "makemap"]
    for size in map(int, args.sizes.split(",")):
        with tempfile.TemporaryDirectory() as directory:
            source = Path(directory, "source")
            make_source(source, size)
            commands = {
                "makemap": [makemap],
                "makemap -c 256M": [makemap, "-c", str(256 << 20)],
                "sendmailcf makemap": ours,
                "with -j 2": [*ours, "-j", "2"],
            }
            times: Dict[str, List[float]] = {name: [] for name in commands}
            work: Dict[str, List[float]] = {name: [] for name in commands}
            memory: Dict[str, float] = {}
            for _ in range(args.rounds):
                for at, (name, command) in enumerate(commands.items()):
                    target = os.path.join(directory, f"m{at}")
                    if os.path.exists(target + ".db"):
                        os.unlink(target + ".db")
                    seconds, processor, memory[name] = timed(
                        [*command, "-s", "-C", "/dev/null", "hash", target], source, directory
                    )
                    times[name].append(seconds)
                    work[name].append(processor)
            print(f"{size} entries, {source.stat().st_size / size:.0f} bytes each")
            middle = {name: statistics.median(found) for name, found in times.items()}
            for at, name in enumerate(commands):
                ratio = middle["makemap"] / middle[name]
                bytes_ = os.path.getsize(os.path.join(directory, f"m{at}.db"))
                print(f"  {name:20} {middle[name]:7.3f} s  {ratio:5.2f} times as fast as makemap, "
                      f"{statistics.median(work[name]):7.3f} s of processor, "
                      f"{memory[name]:4.0f} MB of memory, a file of {bytes_ >> 10} KB")  # fmt: skip
            read_and_change(makemap, ours, source, directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
