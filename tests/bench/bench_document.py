"""Loading, parsing and editing a sendmail.cf, against peers on files of as many lines, in the same run.

The one thing to know: ratios of medians are printed, never asserted; where a peer's file has another size, they are per
megabyte.  Usage: python tests/bench/bench_document.py [FILE]; without a file, a stock sendmail.cf of about 60 KB is
generated with m4 from the installed sendmail-cf.  Needs tomlkit, configupdater and ruamel.yaml.
"""

from __future__ import annotations

import io
import re
import statistics
import subprocess
import sys
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List

import tomlkit
from configupdater import ConfigUpdater
from ruamel.yaml import YAML

import sendmailcf
from sendmailcf.document import forget
from sendmailcf.expressions import words
from sendmailcf.nodes import RewritingRule

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
#: One pass that cuts a file into letter, name and rest, and knows nothing of the language.
ONE_PASS = re.compile(r"^(?:#.*|([A-Z])[ \t]*(\{\w+\}|\w+)?(.*(?:\n[ \t].*)*)|.*)$", re.MULTILINE)


def stock() -> bytes:
    base = "/usr/share/sendmail/cf/"
    command = ["m4", f"-D_CF_DIR_={base}", base + "m4/cf.m4", "-"]
    return subprocess.run(command, input=MC.encode(), capture_output=True, check=True).stdout


def like(lines: int, section: str, entry: str) -> str:
    """A peer's file of as many lines, a comment for every third and a section here and there."""
    out = []
    for number in range(lines):
        if number % 50 == 0:
            out.append(section.format(number))
        elif number % 3 == 0:
            out.append(f"# a comment on line {number}, as long as such comments are")
        else:
            out.append(entry.format(number))
    return "\n".join(out) + "\n"


def medians(work: Dict[str, Callable[[], object]], rounds: int = ROUNDS) -> Dict[str, float]:
    """Seconds of each, the rounds interleaved."""
    times: Dict[str, List[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, one in work.items():
            begin = time.perf_counter()
            one()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in times.items()}


def retained(make: Callable[[], object]) -> int:
    """Bytes that are still held after `make`, by what it returns."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = make()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    return held


def everything(data: bytes) -> int:
    """Every line, and every rule side as words."""
    count = 0
    for node in sendmailcf.loads(data):
        if type(node) is RewritingRule:
            count += len(words(node.lhs)) + len(words(node.rhs))
    return count


def cold(data: bytes) -> int:
    forget()
    words.cache_clear()
    return everything(data)


def load(data: bytes) -> object:
    cf = sendmailcf.loads(data)
    return [cf.kind(index) for index in range(len(cf))]


def main() -> int:
    data = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else stock()
    lines = data.count(b"\n")
    toml = like(lines, "[table{0}]", 'key{0} = "a value of line {0}"')
    ini = like(lines, "[table{0}]", "key{0} = a value of line {0}")
    yaml_text = like(lines, "table{0}:", "  key{0}: a value of line {0}")
    text = data.decode("utf-8", "surrogateescape")
    sizes = {"tomlkit": len(toml), "configupdater": len(ini), "ruamel": len(yaml_text)}
    updater = ConfigUpdater()
    yaml = YAML()

    def edit() -> bytes:
        cf = sendmailcf.loads(data)
        cf.options["MaxHopCount"] = 30
        return bytes(cf)

    def edit_toml() -> str:
        document = tomlkit.parse(toml)
        document["table0"]["key1"] = "changed"  # type: ignore[index]
        return tomlkit.dumps(document)

    def edit_ini() -> str:
        document = ConfigUpdater()
        document.read_string(ini)
        document["table0"]["key1"].value = "changed"
        return str(document)

    def edit_yaml() -> str:
        document = yaml.load(yaml_text)
        document["table0"]["key1"] = "changed"
        out = io.StringIO()
        yaml.dump(document, out)
        return out.getvalue()

    edit()
    found = medians(
        {
            "load": lambda: load(data),
            "one pass": lambda: [one.groups() for one in ONE_PASS.finditer(text)],
            "everything": lambda: cold(data),
            "edit": edit,
            "tomlkit": lambda: tomlkit.parse(toml),
            "configupdater": lambda: updater.read_string(ini),
            "tomlkit edit": edit_toml,
            "configupdater edit": edit_ini,
        }
    )
    found.update(medians({"ruamel": lambda: yaml.load(yaml_text), "ruamel edit": edit_yaml}, 3))
    print(f"{len(data)} bytes, {lines} lines")
    for name, seconds in found.items():
        print(f"{name:20} {seconds * 1000:8.2f} ms")

    def faster(peer: str, ours: str) -> float:
        return found[peer] / sizes[peer] / (found[ours] / len(data))

    print(
        f"load with kinds: {found['load'] / found['one pass']:.1f} times the time of one pass (goal: under 4)"
    )
    print(
        f"load with kinds: {faster('tomlkit', 'load'):.0f} times as fast as tomlkit, per megabyte (goal 15)"
    )
    print(f"load with kinds: {faster('configupdater', 'load'):.1f} times as fast as ConfigUpdater (goal 2.5)")
    print(
        f"every line and side, cold: {faster('tomlkit', 'everything'):.1f} times as fast as tomlkit (goal 2)"
    )
    print(
        f"every line and side, cold: {faster('ruamel', 'everything'):.1f} times as fast as ruamel.yaml (goal 3)"
    )
    for peer, goal in (("tomlkit", 35), ("configupdater", 5), ("ruamel", 90)):
        print(
            f"one option, text to text: {found[peer + ' edit'] / found['edit']:.0f} times as fast as {peer} (goal {goal})"
        )

    forget()
    words.cache_clear()
    big = b"".join(line.replace(b"\n", b" %d\n" % n) for n in range(10) for line in data.splitlines(True))
    held = retained(lambda: sendmailcf.loads(data))
    print(f"held after loading: {held / len(data):.2f} times the file (goal: under 2)")
    held = retained(lambda: [cf := sendmailcf.loads(data), list(cf)])
    print(f"with every node:    {held / len(data):.2f} times the file (goal: under 7)")
    forget()
    held = retained(lambda: [cf := sendmailcf.loads(big), list(cf)])
    print(f"with every node:    {held / len(big):.2f} times the file (goal: under 7)")

    for name, work in (("load", load), ("everything, cold", cold)):
        times = [medians({"x": partial(work, data * factor)}, 3)["x"] for factor in (16, 160)]
        print(
            f"{name}, {len(data) * 160 / 1e6:.0f} MB against a tenth: "
            f"{times[1] / times[0]:.1f} times the time (goal: at most 13)"
        )

    cold(data)
    fleet = [data.replace(b"relay.example", b"relay%d.example" % n) for n in range(20)]
    first = medians({"x": lambda: cold(data)}, 5)["x"]
    begin = time.perf_counter()
    for one_host in fleet:
        everything(one_host)
    each = (time.perf_counter() - begin) / len(fleet)
    print(f"each further file of a fleet: {first / each:.1f} times as fast as the first (goal 8)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
