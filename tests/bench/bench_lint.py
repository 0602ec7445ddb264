"""The linter: one file cold against `python -c pass`, and a fleet against `sendmail -bC` once a file, in the same run.

The one thing to know: run it with the interpreter of an environment in which the project is installed, not as an editable
checkout, whose import hook costs by itself.  Ratios are printed, never asserted.  Needs m4, sendmail-cf, sendmail, and
the right to give sendmail a host name of its own.  Usage: python tests/bench/bench_lint.py [--files 1000]
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List

from bench_document import stock

ROUNDS = 25
BASE = Path("/usr/share/sendmail/cf")
FEATURES = (
    "FEATURE(`access_db')", "FEATURE(`mailertable')", "FEATURE(`virtusertable')", "FEATURE(`genericstable')",
    "FEATURE(`authinfo')", "FEATURE(`delay_checks')", "FEATURE(`greet_pause', `1000')", "FEATURE(`ratecontrol')",
    "FEATURE(`conncontrol')", "FEATURE(`always_add_domain')", "FEATURE(`masquerade_envelope')", "FEATURE(`smrsh')",
    "define(`SMART_HOST', `relay.example')", "define(`confMAX_HOP', `30')", "define(`confTO_IDENT', `0')",
)  # fmt: skip


def made(seed: int) -> bytes:
    """What m4 makes of a choice of features."""
    pick = random.Random(seed)
    lines = ["divert(0)dnl", "OSTYPE(`linux')dnl", *(f"{one}dnl" for one in pick.sample(FEATURES, 9))]
    text = "\n".join([*lines, "MAILER(`local')dnl", "MAILER(`smtp')dnl", ""])
    command = ["m4", f"-D_CF_DIR_={BASE}/", f"{BASE}/m4/cf.m4", "-"]
    return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout


def varied(data: bytes, number: int) -> bytes:
    """One host's file: names of its own, and an option or two."""
    own = b"host%d.example.com" % number
    return data.replace(b"relay.example", b"relay%d.example" % (number % 97)) + (
        b"Dj%s\nO MaxMessageSize=%d\nCw%s alias%d.example.com\n" % (own, 1000000 + number, own, number)
    )


def one_file(script: str, path: Path) -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "sendmailcf check": [script, "check", "--quiet", str(path)],
    }
    times: Dict[str, List[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            begin = time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            times[name].append(time.perf_counter() - begin)
    base = statistics.median(times["python -c pass"])
    print(f"one file of {path.stat().st_size} bytes, the whole process, cold (goal: at most 16, aim 9)")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"  {name:20} {middle * 1000:7.1f} ms  {middle / base:5.2f} times python -c pass")


def fleet(script: str, directory: Path, count: int) -> None:
    distinct = [made(seed) for seed in range(46)]
    paths = []
    for number in range(count):
        path = directory / f"host{number:04}.cf"
        path.write_bytes(varied(distinct[number % len(distinct)], number))
        paths.append(str(path))
    sendmail = shutil.which("sendmail", path="/usr/sbin:/usr/lib") or "sendmail"
    loop = 'hostname client.example.net; for f in "$@"; do "$0" -bC -C "$f" >/dev/null 2>&1; done'
    commands = {
        "sendmail -bC, one by one": ["unshare", "-u", "-n", "sh", "-c", loop, sendmail, *paths],
        "sendmailcf check -j 1": [script, "check", "--quiet", "-j", "1", *paths],
        "sendmailcf check -j 2": [script, "check", "--quiet", "-j", "2", *paths],
    }
    print(f"{count} files, {len(distinct)} of them distinct before they were varied (goal: faster than sendmail)")
    base = 0.0
    for name, command in commands.items():
        begin = time.perf_counter()
        subprocess.run(command, capture_output=True, check=False)
        seconds = time.perf_counter() - begin
        base = base or seconds
        print(f"  {name:25} {seconds:7.2f} s  {base / seconds:5.2f} times as fast as sendmail")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    args = parser.parse_args()
    script = str(Path(sys.executable).with_name("sendmailcf"))
    if not shutil.which(script):
        print(f"no {script}: install the project first")
        return 1
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "one.cf")
        path.write_bytes(stock())
        one_file(script, path)
        fleet(script, Path(name), args.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
