"""Loading and editing a sendmail.cf, against tomlkit on a TOML file of as many lines, in the same run.

The one thing to know: ratios of medians are printed, never asserted.  Usage: python tests/bench/bench_document.py
[FILE]; without a file, a stock sendmail.cf of about 65 KB is generated with m4 from the installed sendmail-cf.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Dict, List

import tomlkit

import sendmailcf
from sendmailcf.document import parse

MC = """divert(0)dnl
OSTYPE(`linux')dnl
define(`SMART_HOST', `relay.example')dnl
FEATURE(`access_db')dnl
FEATURE(`authinfo')dnl
FEATURE(`mailertable')dnl
FEATURE(`virtusertable')dnl
FEATURE(`genericstable')dnl
FEATURE(`delay_checks')dnl
FEATURE(`greet_pause', `1000')dnl
FEATURE(`ratecontrol')dnl
FEATURE(`conncontrol')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
ROUNDS = 15


def stock() -> bytes:
    base = "/usr/share/sendmail/cf/"
    command = ["m4", f"-D_CF_DIR_={base}", base + "m4/cf.m4", "-"]
    return subprocess.run(command, input=MC.encode(), capture_output=True, check=True).stdout


def toml_of(lines: int) -> str:
    """A TOML file of as many lines, a comment for each comment and a table here and there."""
    out = []
    for number in range(lines):
        if number % 50 == 0:
            out.append(f"[table{number}]")
        elif number % 3 == 0:
            out.append(f"# a comment on line {number}, as long as such comments are")
        else:
            out.append(f'key{number} = "a value of line {number}"')
    return "\n".join(out) + "\n"


def medians(work: Dict[str, Callable[[], object]]) -> Dict[str, float]:
    """Seconds of each, the rounds interleaved."""
    times: Dict[str, List[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, one in work.items():
            begin = time.perf_counter()
            one()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in times.items()}


def main() -> int:
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else stock()
    lines = data.count(b"\n")
    toml = toml_of(lines)

    def load() -> object:
        cf = sendmailcf.loads(data)
        return [cf.kind(index) for index in range(len(cf))]

    def edit() -> bytes:
        cf = sendmailcf.loads(data)
        cf.options["MaxHopCount"] = 30
        return bytes(cf)

    def edit_toml() -> str:
        document = tomlkit.parse(toml)
        document["table0"]["key1"] = "changed"  # type: ignore[index]
        return tomlkit.dumps(document)

    def parse_all() -> object:
        parse.cache_clear()
        return list(sendmailcf.loads(data))

    edit()
    found = medians(
        {
            "load": load,
            "edit": edit,
            "parse all": parse_all,
            "tomlkit load": lambda: tomlkit.parse(toml),
            "tomlkit edit": edit_toml,
        }
    )
    print(f"{len(data)} bytes, {lines} lines")
    for name, seconds in found.items():
        print(f"{name:14} {seconds * 1000:8.2f} ms")
    print(
        f"loading to lines with kinds: {found['tomlkit load'] / found['load']:.0f} times as fast as tomlkit (goal 15)"
    )
    print(
        f"one option, text to text:    {found['tomlkit edit'] / found['edit']:.0f} times as fast as tomlkit (goal 30)"
    )
    print(
        f"every line parsed, cold:     {found['tomlkit load'] / found['parse all']:.2f} times as fast as tomlkit loads"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
