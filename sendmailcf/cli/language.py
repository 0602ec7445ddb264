"""`sendmailcf parse`, `build` and `diff`: a whole sendmail.cf as JSON and back, and two files compared by meaning.

The one thing to know: `build` writes to standard output what `parse` was given, byte for byte; nothing if it cannot.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Sequence

from .. import files
from ..asjson import config_of, lines_of
from ..config import Config
from ..errors import EditError
from ..summary import Change, changes


def main(arguments: Sequence[str]) -> int:
    """Run `parse`, `build` or `diff`; the exit status."""
    parser = argparse.ArgumentParser(prog="sendmailcf", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    parse = commands.add_parser("parse", help="every line with its kind, fields and place, as JSON")
    parse.add_argument("file", metavar="FILE", help="a sendmail.cf; - for standard input")
    parse.add_argument("--format", choices=["json"], default="json")
    build = commands.add_parser("build", help="the file that such JSON describes, on standard output")
    build.add_argument("file", metavar="FILE.json", help="what parse wrote; - for standard input")
    diff = commands.add_parser("diff", help="what two files say differently; exit status 1 if they do")
    diff.add_argument("old", metavar="A", help="a sendmail.cf; - for standard input")
    diff.add_argument("new", metavar="B", help="another")
    diff.add_argument("--json", action="store_true", help="a list of key, old and new values as JSON")
    args = parser.parse_args(arguments)
    if args.command == "parse":
        json.dump(lines_of(Config(_read(args.file), args.file)), sys.stdout, indent=1)
        print()
        return 0
    if args.command == "build":
        return _build(args.file)
    found = changes(Config(_read(args.old), args.old), Config(_read(args.new), args.new))
    if args.json:
        json.dump([{"key": one.key, "old": one.old, "new": one.new} for one in found], sys.stdout, indent=1)
        print()
    else:
        for one in found:
            _show(one)
    return 1 if found else 0


def _read(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else files.read(name)


def _build(name: str) -> int:
    try:
        data = json.loads(_read(name))
    except ValueError as error:
        raise EditError(f"{name}: no JSON: {error}") from None
    try:
        made = bytes(config_of(data))
    except EditError as error:
        raise EditError(f"{name}: {error}") from None
    sys.stdout.buffer.write(made)
    return 0


def _show(change: Change) -> None:
    """The values that went and came; of a ruleset only the rules that did."""
    old, new = change.old or (), change.new or ()
    kept = set(old) & set(new)
    for sign, values, there in (("-", old, change.old), ("+", new, change.new)):
        different = [value for value in values if value not in kept] or (
            list(values) if set(old) == set(new) else []
        )
        for value in different:
            print(f"{sign} {change.key}={value}".encode("utf-8", "backslashreplace").decode("utf-8"))
        if there is not None and not values:
            print(f"{sign} {change.key}")
