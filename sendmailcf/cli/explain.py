"""`sendmailcf explain TEXT | -`: what a reply, a log line, a `mailq` line, an error message or a whole log means.

The one thing to know: standard input is read a line at a time, and nothing of it is shown but one line for each cause,
without secrets.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from typing import BinaryIO, Iterator, List, Sequence

from ..relay.causes import BOUNCED, FATES, QUEUED, SENT
from ..relay.explain import Group, Report, explain
from ..text import decode
from .quiet import Parser

#: Bytes of a line that are read; the rest of a longer one is passed over.
_MAX_LINE = 65536


def main(arguments: Sequence[str]) -> int:
    """Run `explain`; the exit status: 0 explained, 1 nothing in it is known."""
    parser = Parser(prog="sendmailcf explain", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="+",
        help="a reply, a line, a message; - for standard input, a whole log too",
    )
    parser.add_argument("--mask", action="store_true", help="cover mail addresses; secrets are always covered")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(arguments)
    from_stdin = args.text == ["-"]
    lines = read_lines(sys.stdin.buffer) if from_stdin else iter(" ".join(args.text).split("\n"))
    report = explain(lines, mask_addresses=args.mask)
    if args.json:
        print(json.dumps(report.as_json(), indent=1))
    elif report.groups:
        print("\n".join(report_lines(report)))
    if report.groups:
        return 0
    where = f"the {report.lines} lines of standard input" if from_stdin else "that text"
    hint = "; to explain a file: sendmailcf explain - < FILE" if os.path.exists(" ".join(args.text)) else ""
    print(f"sendmailcf: nothing is known of {where}{'' if from_stdin else hint}", file=sys.stderr)
    return 1


def read_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a stream without their ends, each cut at 65536 bytes; nothing else of it is kept."""
    while True:
        data = stream.readline(_MAX_LINE)
        if not data:
            return
        yield decode(data).rstrip("\r\n")
        while not data.endswith(b"\n") and len(data) == _MAX_LINE:
            data = stream.readline(_MAX_LINE)


def report_lines(report: Report) -> List[str]:
    """The report as text: the failures, or else what there is beside mail that was sent."""
    lines: List[str] = []
    if report.lines > 1:
        counted = [f"{report.total(fate)} {fate}" for fate in (SENT, BOUNCED, QUEUED) if report.total(fate)]
        lines += [f"{report.lines} lines" + (": " + ", ".join(counted) if counted else ""), ""]
    groups = report.failures or tuple(one for one in report.groups if one.fate != SENT or report.lines == 1)
    for group in groups:
        lines += [*_group(group, alone=report.lines == 1), ""]
    return lines[:-1] if groups else [*lines[:-1], "no failure"]


def _group(group: Group, *, alone: bool) -> Iterator[str]:
    rows = group.rows
    count = "" if alone else f"{group.count} x  "
    if len(rows) == 1:
        yield f"{count}{rows[0].title}  [{rows[0].name}]"
    else:
        yield f"{count}one of {len(rows)} causes; this text does not tell which (the most common first):"
    if group.first:
        yield f"  when:     {group.first}" + (f" to {group.last}" if group.last != group.first else "")
    if group.hosts:
        hosts = sorted(group.hosts.items(), key=lambda item: (-item[1], item[0]))
        shown = [f"{host} ({times})" if not alone else host for host, times in hosts[:10]]
        more = group.other_hosts + sum(times for _, times in hosts[10:])
        yield f"  relay:    {', '.join(shown)}" + (f", and others ({more})" if more else "")
    yield f"  text:     {group.example}"
    if group.evidence not in ("", group.example):
        yield f"  and:      {group.evidence}"
    yield from _wrapped("mail:", f"{group.fate}: {FATES[group.fate]}")
    if group.tell:
        yield from _wrapped("to tell:", group.tell)
    for number, row in enumerate(rows, 1):
        if len(rows) > 1:
            yield f"  {number}. {row.title}  [{row.name}]"
        else:
            yield from _wrapped("sendmail:", row.did)
        yield from _wrapped("sure:", group.text(row.sure))
        yield from _wrapped("repair:", group.text(row.repair))


def _wrapped(label: str, text: str) -> List[str]:
    # A command is not broken at its hyphens.
    return textwrap.wrap(
        text,
        110,
        initial_indent=f"  {label:<10}",
        subsequent_indent=" " * 12,
        break_long_words=False,
        break_on_hyphens=False,
    )
