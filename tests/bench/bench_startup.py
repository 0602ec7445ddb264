"""What a start costs, against Python's own, in the same run.

The one thing to know: run it with the interpreter of an environment in which the project is installed, not as an
editable checkout, whose import hook costs by itself.  Usage: python tests/bench/bench_startup.py
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import List

ROUNDS = 30


def main() -> int:
    script = str(Path(sys.executable).with_name("sendmailcf"))
    if not shutil.which(script):
        print(f"no {script}: install the project first")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "sendmailcf --version": [script, "--version"],
            "sendmailcf makemap": [script, "makemap", "-C", "/dev/null", "hash", directory + "/m"],
        }
        times: dict[str, List[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                begin = time.perf_counter()
                subprocess.run(command, input=b"key value\n", capture_output=True, check=True)
                times[name].append(time.perf_counter() - begin)
    base = statistics.median(times["python -c pass"])
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:22} {middle * 1000:6.1f} ms  {middle / base:.2f} times python -c pass")
    return 0


if __name__ == "__main__":
    sys.exit(main())
