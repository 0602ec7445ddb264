"""`sendmailcf get`, `set`, `unset` and `parse`: one option or macro of a sendmail.cf, or all its lines.

The one thing to know: a key is `O.` and an option's name, or `D.` and a macro's: O.AuthMechanisms,
O.Timeout.ident, D.S, D.{name}.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Dict, List, Sequence, Tuple

from attrs import fields

from .. import files
from ..config import Config
from ..errors import EditError
from ..nodes import Node
from ..text import split_eol
from ..values import option_row, unknown_option


def main(arguments: Sequence[str]) -> int:
    """Run `get`, `set`, `unset` or `parse`; the exit status."""
    parser = argparse.ArgumentParser(prog="sendmailcf", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("get", help="print a value; exit status 1 if it is not set")
    for one in (
        get,
        commands.add_parser("set", help="set a value"),
        commands.add_parser("unset", help="remove it"),
    ):
        one.add_argument("file", metavar="FILE", help="a sendmail.cf")
        one.add_argument("key", metavar="KEY", help="O.AuthMechanisms, O.Timeout.ident, D.S, D.{name}")
        if one is not get:
            one.add_argument("--diff", action="store_true", help="print what changes")
            one.add_argument("--dry-run", "-n", action="store_true", help="write nothing")
            one.add_argument("--backup", action="store_true", help="keep the old file as FILE.bak")
    commands.choices["set"].add_argument("value", metavar="VALUE")
    parse = commands.add_parser("parse", help="every line with its kind, fields and place, as JSON")
    parse.add_argument("file", metavar="FILE", help="a sendmail.cf; - for standard input")
    parse.add_argument("--format", choices=["json"], default="json")
    args = parser.parse_args(arguments)
    if args.command == "parse":
        data = sys.stdin.buffer.read() if args.file == "-" else files.read(args.file)
        json.dump(lines_of(Config(data, args.file)), sys.stdout, indent=1)
        print()
        return 0
    cf = files.load(args.file)
    kind, name = _key(args.key)
    if args.command == "get":
        return _get(cf, kind, name)
    view: Any = cf.options if kind == "O" else cf.macros
    try:
        if args.command == "set":
            view[name] = args.value
        elif name in view:
            del view[name]
    except EditError as error:
        raise EditError(f"{args.file}: {error}") from None
    if args.diff:
        sys.stdout.write(cf.diff().encode("utf-8", "backslashreplace").decode("utf-8"))
    if cf.changed and not args.dry_run:
        target = files.resolve(os.path.abspath(args.file))
        files.replace(target, bytes(cf), backup=args.backup, expected=cf.original)
    return 0


def _key(key: str) -> Tuple[str, str]:
    kind, dot, name = key.partition(".")
    if kind not in ("O", "D") or not dot or not name:
        raise EditError(f"{key!r} is no key: write O. and an option's name, or D. and a macro's, as in D.S")
    if kind == "O" and option_row(name) is None:
        raise EditError(unknown_option(name))
    return kind, name


def _get(cf: Config, kind: str, name: str) -> int:
    if kind == "O":
        found = cf.options.all(name)
        values = [one.value for one in (found if found and found[-1].row.cumulative else found[-1:])]
    else:
        values = [cf.macros[name]] if name in cf.macros else []
    for value in values:
        print(value.encode("utf-8", "backslashreplace").decode("utf-8"))
    if not values:
        print(f"sendmailcf: {cf.path}: {kind}.{name} is not set", file=sys.stderr)
    return 0 if values else 1


def lines_of(cf: Config) -> Dict[str, Any]:
    """A file as JSON holds it: every line with its kind, fields in file order, place and end of line.

    Bytes that are not UTF-8 are written as the surrogates U+DC80 to U+DCFF.  line: counted from 1.  span: byte
    offsets, the second exclusive, the end of line included.
    """
    lines: List[Dict[str, Any]] = []
    number, offset = 1, 0
    for index, node in enumerate(cf):
        raw = cf.raw(index)
        size = len(raw.encode("utf-8", "surrogateescape"))
        lines.append(
            {
                "line": number,
                "span": [offset, offset + size],
                "kind": type(node).__name__,
                "fields": _fields(node),
                "eol": split_eol(raw)[1],
            }
        )
        number += raw.count("\n")
        offset += size
    return {"file": cf.path, "lines": lines}


def _fields(node: Node) -> Dict[str, Any]:
    made: Dict[str, Any] = {}
    for one in fields(type(node)):
        value = getattr(node, one.name)
        made[one.name] = [_fields(part) for part in value] if isinstance(value, tuple) else value
    return made
