"""`sendmailcf map`: map databases of any format: build, print, look up, change, compare, verify, migrate.

The one thing to know: every command takes the file itself (`access.db`), recognises its format by its bytes, and keeps
that format, byte order and page size when it writes.  Values of AuthInfo entries hold passwords: `diff` covers them,
and `set` reads them from standard input only.  What parses a sendmail.cf is imported only by what needs it: a map is
printed in less time than that takes.
"""

from __future__ import annotations

import argparse
import os
import sys

from .. import files, mapdb
from ..errors import EditError, MapError
from ..makemap import Rules, build, duplicate, parse
from ..mapdb.hash import Builder as HashBuilder
from ..text import decode, encode
from .mapfile import (
    InvalidError,
    Opened,
    builder,
    change,
    cut,
    head_of,
    new_mode,
    print_source,
    reopened,
    several,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence

    from ..makemap import Problem


def main(arguments: Sequence[str]) -> int:
    """Run `map build`, `dump`, `get`, `set`, `rm`, `diff`, `verify`, `info` or `migrate`; the exit status.

    0: done, or the same; 1: a line was left out, a key is missing, contents differ, a fault was found.
    """
    args = _parser().parse_args(arguments)
    try:
        status: int = args.work(args)
    except (InvalidError, MapError) as error:
        # Messages of the formats do not know the file's name.
        raise MapError(f"{args.database}: {error.__cause__ or error}") from None
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sendmailcf map", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, work: Any, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.set_defaults(work=work)
        return one

    build = command("build", _build, "build a database from a source, as makemap does")
    build.add_argument("source", metavar="SOURCE", help="a file of keys and values, or - for standard input")
    build.add_argument("database", metavar="DB", help="the file to write: access.db, access.cdb …")
    build.add_argument("--format", choices=list(mapdb.FORMATS), help="default: that of the old file, else hash")
    build.add_argument(
        "--byte-order", choices=["big", "little"], help="default: that of the old file, else ours"
    )
    build.add_argument("--format-version", type=int, choices=[9, 8, 5], help="of a hash file")
    build.add_argument("--duplicates", "-d", action="store_true", help="keep all values of a key")
    build.add_argument("--in-place", action="store_true", help="write over the file instead of replacing it")
    diff = command("diff", _diff, "is the database what its source says? exit status 1 if not")
    diff.add_argument("source", metavar="SOURCE")
    diff.add_argument("database", metavar="DB")
    diff.add_argument("--show-secrets", action="store_true", help="print the values of AuthInfo entries")
    for one in (build, diff):
        one.add_argument(
            "--replace", "-r", action="store_true", help="of two values for a key the last one counts"
        )
        one.add_argument("--null", "-N", action="store_true", help="a NUL ends keys and values")
        one.add_argument("--empty", "-e", action="store_true", help="a key may have no value")
        one.add_argument("--separator", "-t", metavar="C", help="the character between key and value")
        one.add_argument("--comment", "-D", metavar="C", default="#", help="the comment character: default #")
    dump = command("dump", _dump, "print keys and values, as makemap -u does")
    dump.add_argument(
        "--separator", "-t", metavar="C", default="\t", help="between key and value: default a TAB"
    )
    get = command(
        "get", _get, "print the value of each key, as sendmail finds it; exit status 1 if one has none"
    )
    put = command("set", _set, "give each key one value")
    remove = command("rm", _remove, "remove keys; exit status 1 if one is not there")
    verify = command(
        "verify", _verify, "look for faults in the structure of the files; exit status 1 if there are"
    )
    info = command("info", _info, "print what kind of file it is, and how much is in it")
    migrate = command(
        "migrate", _migrate, "rebuild a database in another format, and change the K line that uses it"
    )
    for one in (dump, get, put, remove, info, migrate):
        one.add_argument("database", metavar="DB")
    for one in (get, remove):
        one.add_argument("keys", metavar="KEY", nargs="+")
    put.add_argument(
        "pairs", metavar="KEY VALUE", nargs="+", help="VALUE - is read from standard input, a line each"
    )
    verify.add_argument("databases", metavar="DB", nargs="+")
    for one in (build, diff, get, put, remove):
        one.add_argument("--no-fold", "-f", action="store_true", help="do not fold keys to lower case")
    for one in (diff, dump, get, verify, info):
        one.add_argument("--json", action="store_true", help="print JSON")
    migrate.add_argument("--to", choices=list(mapdb.FORMATS), help="default: what makemap of this host can make")
    migrate.add_argument("--cf", metavar="F", help="the sendmail.cf whose K lines are changed")
    migrate.add_argument("--map", metavar="NAME", help="the K line, where its file has another name than DB")
    migrate.add_argument("--diff", action="store_true", help="print what changes in the sendmail.cf")
    migrate.add_argument("--dry-run", "-n", action="store_true", help="write nothing")
    return parser


def _print_json(value: object) -> None:
    import json

    print(json.dumps(value, indent=2, ensure_ascii=True))


# Sources.


def _rules(args: argparse.Namespace) -> Rules:
    return Rules(
        fold=not args.no_fold,
        null=args.null,
        separator=encode(args.separator)[:1] if args.separator else None,
        comment=encode(args.comment)[:1],
        allow_empty=args.empty,
    )


def _chunks(args: argparse.Namespace) -> Iterator[bytes]:
    """The source, in pieces."""
    with sys.stdin.buffer if args.source == "-" else open(args.source, "rb") as source:
        yield from iter(lambda: source.read(1 << 20), b"")


def _tell(args: argparse.Namespace, problems: List[Problem]) -> None:
    """Report lines, without what they hold, for it may be a password."""
    for problem in sorted(problems, key=lambda one: one.line):
        print(f"{args.source}: line {problem.line}: {problem.safe}", file=sys.stderr)


def _build(args: argparse.Namespace) -> int:
    path, head = args.database, head_of(args.database)
    kind = args.format or (head.format if head else "cdb" if path.endswith(".cdb") else "hash")
    made = builder(
        kind, head, byteorder=args.byte_order, version=args.format_version, duplicates=args.duplicates or None,
        replace=args.replace or None,
    )  # fmt: skip

    problems: List[Problem] = []

    def fill(fd: int) -> None:
        if isinstance(made, HashBuilder):
            problems.extend(build(_chunks(args), _rules(args), made))
        else:
            for keys, values, lines, found in parse(_chunks(args), _rules(args)):
                problems.extend(found)
                made.add(keys, values, lines)
        problems.extend(duplicate(line, key) for line, key in made.write(fd))

    files.replace_map(files.resolve(os.path.abspath(path)), fill, new_mode=new_mode(), in_place=args.in_place)
    _tell(args, problems)
    return 1 if problems else 0


def _diff(args: argparse.Namespace) -> int:
    wanted: Dict[bytes, List[bytes]] = {}
    with Opened(args.database, "") as opened:
        all_values = several(opened.map.info)
        args.null = args.null or bool(_end(opened.map))
        for keys, values, _, problems in parse(_chunks(args), _rules(args)):
            _tell(args, problems)
            for key, value in zip(keys, values):
                if all_values:
                    wanted.setdefault(key, []).append(value)
                elif args.replace or key not in wanted:
                    wanted[key] = [value]
        found: Dict[bytes, List[bytes]] = {}
        for key, value in opened.map.pairs():
            found.setdefault(key, []).append(value)
    changes: List[Dict[str, Any]] = [
        {"key": key, "source": wanted.get(key, []), "database": found.get(key, [])}
        for key in sorted({*wanted, *found})
        if wanted.get(key) != found.get(key)
    ]
    if args.json:
        _print_json([_shown(one, show=args.show_secrets) for one in changes])
    else:
        for one in changes:
            for sign, side in (("-", "source"), ("+", "database")):
                for value in _shown(one, show=args.show_secrets)[side]:
                    _write(f"{sign}{decode(cut(one['key']))}\t{value}\n")
    return 1 if changes else 0


def _shown(change_found: Dict[str, Any], *, show: bool) -> Dict[str, Any]:
    """One difference as it may be printed."""
    from ..authinfo import MASK, PREFIX, masked

    key = decode(cut(change_found["key"]))

    def text(value: bytes) -> str:
        plain = decode(cut(value))
        if show or key[: len(PREFIX)].lower() != PREFIX.lower():
            return plain
        return masked(f"{key}\t{plain}").partition("\t")[2] or MASK

    return {
        "key": key,
        **{side: [text(one) for one in change_found[side]] for side in ("source", "database")},
    }


def _write(text: str) -> None:
    sys.stdout.buffer.write(encode(text))


# Looking.


def _dump(args: argparse.Namespace) -> int:
    with Opened(args.database, "") as opened:
        if args.json:
            _print_json([[decode(cut(part)) for part in pair] for pair in opened.map.pairs()])
            return 0
        print_source(opened, encode(args.separator)[:1])
    return 0


def _folded(args: argparse.Namespace, key: str) -> bytes:
    return encode(key) if args.no_fold else encode(key).lower()


def _get(args: argparse.Namespace) -> int:
    found: Dict[str, Optional[str]] = {}
    with Opened(args.database, "") as opened:
        for given in args.keys:
            key = _folded(args, given)
            value = opened.map.get(key)
            if value is None:
                value = opened.map.get(key + b"\0")
            found[given] = None if value is None else decode(cut(value))
    if args.json:
        _print_json(found)
    for given, text in found.items():
        if text is None:
            print(f"{args.database}: there is no key {given!r}", file=sys.stderr)
        elif not args.json:
            _write(text + "\n")
    return 1 if None in found.values() else 0


def _verify(args: argparse.Namespace) -> int:
    found: Dict[str, List[Dict[str, Any]]] = {}
    for name in args.databases:
        data = files.read(name)
        try:
            faults = mapdb.load(data).verify()
        except MapError as error:
            faults = [error]
        found[name] = [{"message": str(fault), "offset": fault.offset} for fault in faults]
    if args.json:
        _print_json(found)
    else:
        for name, listed in found.items():
            for one in listed:
                print(f"{name}: {one['message']}")
    return 1 if any(found.values()) else 0


def _info(args: argparse.Namespace) -> int:
    with Opened(args.database, "") as opened:
        info = opened.map.info
        slots = [name for kind in type(info).__mro__ for name in getattr(kind, "__slots__", ())]
        names = dict.fromkeys(("format", "version", "byteorder", "pagesize", *slots, *vars_of(info)))
        said = {
            name: getattr(info, name) for name in names if isinstance(getattr(info, name, None), (int, str))
        }
        said["records"] = len(opened.map)
        said["bytes"] = os.fstat(opened.fd).st_size
    if args.json:
        _print_json(said)
    else:
        for name, value in said.items():
            print(f"{name}: {value}")
    return 0


def vars_of(info: object) -> Iterable[str]:
    """The names of the attributes of an object that has no slots."""
    return getattr(info, "__dict__", {})


# Changing.


def _end(found: Any) -> bytes:
    """What ends the keys and values of a map: a NUL or nothing, as its first key tells."""
    return b"\0" if next(iter(found), b"").endswith(b"\0") else b""


def _changes(args: argparse.Namespace, wanted: Dict[str, Optional[bytes]]) -> int:
    """Set or remove keys; a NUL ends them if it ends the keys that are there.  The number that was missing."""
    path = files.resolve(os.path.abspath(args.database))
    state = files.state_of(path)
    with reopened(path, "") as opened:
        info = opened.map.info
        end = _end(opened.map)
        changes = {
            _folded(args, key) + end: None if value is None else value + end for key, value in wanted.items()
        }
        missing = [key for key, value in changes.items() if value is None and key not in opened.map]
        for key in missing:
            print(f"{args.database}: there is no key {decode(cut(key))!r}", file=sys.stderr)
            del changes[key]
        made = None
        if len(changes) > 1 or several(info):
            made = builder(info.format, info, duplicates=several(info) or None)
            mapdb.rebuilt(opened.map, made, changes)
    if made is not None:
        files.replace_map(path, made.write, state=state)
    else:
        for key, value in changes.items():
            change(path, info.format, key, value)
    return len(missing)


def _set(args: argparse.Namespace) -> int:
    if len(args.pairs) % 2:
        raise EditError("a key without a value: give KEY VALUE, and more of them")
    from ..authinfo import PREFIX

    wanted: Dict[str, Optional[bytes]] = {}
    for key, value in zip(args.pairs[::2], args.pairs[1::2]):
        if value == "-":
            wanted[key] = sys.stdin.buffer.readline().rstrip(b"\n")
        elif key[: len(PREFIX)].lower() == PREFIX.lower():
            raise EditError(
                f"{key}: what is an argument can be seen by all; give -, and the value on standard input"
            )
        else:
            wanted[key] = encode(value)
    _changes(args, wanted)
    return 0


def _remove(args: argparse.Namespace) -> int:
    return 1 if _changes(args, dict.fromkeys(args.keys)) else 0


def _migrate(args: argparse.Namespace) -> int:
    from .migrate import migrate

    return migrate(args)
