"""`sendmailcf get`, `set` and `unset`: what a sendmail.cf says, thing by thing.

The one thing to know: a key is the letter of a line and a name: O.AuthMechanisms, O.Timeout.ident, D.S, D.{name}; to
read, also C.w (members), F.w (files), K.authinfo, M.relay, M.relay.A, Q., X., H., P., E., S.canonify (rules) and V.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any, Optional, Sequence, Tuple

from .. import files
from ..config import Config
from ..errors import EditError
from ..nodes import bare, braced
from ..summary import said
from ..values import option_row, unknown_option


def main(arguments: Sequence[str]) -> int:
    """Run `get`, `set` or `unset`; the exit status."""
    parser = argparse.ArgumentParser(prog="sendmailcf", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    get = commands.add_parser("get", help="print a value, or all there are; exit status 1 if it is not set")
    for one in (
        get,
        commands.add_parser("set", help="set a value"),
        commands.add_parser("unset", help="remove it"),
    ):
        one.add_argument("file", metavar="FILE", help="a sendmail.cf")
        keys = "O.AuthMechanisms, O.Timeout.ident, D.S, D.{name}"
        if one is get:
            one.add_argument(
                "key", metavar="KEY", nargs="?", help=f"{keys}, C.w, K.name, M.name, S.name …; none: all"
            )
            one.add_argument("--json", action="store_true", help="keys and lists of values as JSON")
        else:
            one.add_argument("key", metavar="KEY", help=keys)
            one.add_argument("--diff", action="store_true", help="print what changes")
            one.add_argument("--dry-run", "-n", action="store_true", help="write nothing")
            one.add_argument("--backup", action="store_true", help="keep the old file as FILE.bak")
    commands.choices["set"].add_argument("value", metavar="VALUE")
    args = parser.parse_args(arguments)
    cf = files.load(args.file)
    try:
        if args.command == "get":
            return _get(cf, args.key, args.json)
        kind, name = _key(args.key)
        view: Any = cf.options if kind == "O" else cf.macros
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
    if kind == "O":
        _option(name)
    return kind, name


def _get(cf: Config, key: Optional[str], as_json: bool) -> int:
    found = {one.key: list(one.text) for one in said(cf).values()}
    if key is not None:
        wanted = _canonical(key)
        found = {one: text for one, text in found.items() if one == wanted or one.startswith(wanted + ".")}
    if as_json:
        json.dump(found, sys.stdout, indent=1)
        print()
    else:
        for one, text in found.items():
            shown = text if key is not None and len(found) == 1 else [f"{one}={value}" for value in text]
            for value in shown:
                print(value.encode("utf-8", "backslashreplace").decode("utf-8"))
    if key is not None and not found:
        print(f"sendmailcf: {cf.path}: {key} is not set", file=sys.stderr)
    return 0 if found or key is None else 1


def _canonical(key: str) -> str:
    """A key as the table spells it."""
    letter, dot, name = key.partition(".")
    if len(letter) != 1 or letter not in "ODCFKMQXHPESV" or (dot and not name):
        raise EditError(
            f"{key!r} is no key: write the letter of a line and a name, as in O.AuthMechanisms or D.S"
        )
    if letter == "O" and name:
        return f"O.{_option(name)}"
    if letter in "DCF" and name:
        return f"{letter}.{braced(bare(name))}"
    if letter in "KMQX":
        first, rest, last = name.partition(".")
        return (
            (f"{letter}.{first.lower()}{rest}{last}" if letter != "K" else f"K.{name.lower()}")
            if name
            else letter
        )
    return key


def _option(name: str) -> str:
    row = option_row(name)
    if row is None:
        raise EditError(unknown_option(name))
    return row.name or row.letter
