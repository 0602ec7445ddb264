"""Building a database, the whole process against the real makemap, in the same run.

The one thing to know: ratios of medians are printed, never asserted.  Usage: python tests/bench/bench_makemap.py
[--sizes 1000,100000,1000000]
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List, Tuple


def make_source(path: Path, count: int) -> None:
    """Entries of about 100 bytes."""
    chance = random.Random(count)
    with open(path, "wb") as file:
        for number in range(count):
            key = b"user%07d.%06x@host%d.example.com" % (number, chance.getrandbits(24), number % 977)
            file.write(b"%s\tRELAY some value text, about forty bytes %08x\n" % (key, chance.getrandbits(32)))


def timed(command: List[str], source: Path, directory: str) -> Tuple[float, float]:
    """Seconds, and the largest memory in MB."""
    begin = time.perf_counter()
    child = os.posix_spawnp(
        command[0], command, {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, str(source), os.O_RDONLY, 0)],
    )  # fmt: skip
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{command}: status {status}")
    return time.perf_counter() - begin, usage.ru_maxrss / 1024


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
            }
            times: Dict[str, List[float]] = {name: [] for name in commands}
            memory: Dict[str, float] = {}
            for _ in range(args.rounds):
                for at, (name, command) in enumerate(commands.items()):
                    target = os.path.join(directory, f"m{at}")
                    if os.path.exists(target + ".db"):
                        os.unlink(target + ".db")
                    seconds, memory[name] = timed(
                        [*command, "-s", "-C", "/dev/null", "hash", target], source, directory
                    )
                    times[name].append(seconds)
            print(f"{size} entries, {source.stat().st_size / size:.0f} bytes each")
            middle = {name: statistics.median(found) for name, found in times.items()}
            for at, name in enumerate(commands):
                ratio = middle["makemap"] / middle[name]
                bytes_ = os.path.getsize(os.path.join(directory, f"m{at}.db"))
                print(f"  {name:20} {middle[name]:7.3f} s  {ratio:5.2f} times as fast as makemap, "
                      f"{memory[name]:4.0f} MB of memory, a file of {bytes_ >> 10} KB")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
