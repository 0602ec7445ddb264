"""`sendmailcf map migrate`: the records of a map in another format, and the K lines that use it changed with it.

The one thing to know: the new file is made and read back before anything is written, and the sendmail.cf changes last.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
from typing import Any, Iterable, List, Tuple

from attrs import evolve

from .. import files, mapdb
from ..config import Config, Map
from ..errors import EditError, MapError
from ..mapdb.text import DELIMITER, TextMap
from ..text import encode
from ..values import arguments_text, map_arguments
from .mapfile import Opened, builder, cut, path_of, several

#: The formats that a file can have, and what each is called in a K line.
CLASSES = {"hash": "hash", "hash185": "hash", "btree": "btree", "cdb": "cdb", "text": "text"}
Pair = Tuple[bytes, bytes]


def migrate(args: argparse.Namespace) -> int:
    """Run `map migrate`; the exit status.  Raises EditError, MapError and OSError."""
    path, state = args.database, files.state_of(args.database)
    with Opened(path, "") as opened:
        info, pairs = opened.map.info, list(opened.map.pairs())
    to = args.to or _proposed()
    base = _base(path)
    target = base if to == "text" else os.fsdecode(path_of(os.fsencode(base), to))
    there = False
    if to == "text":
        pairs = [(cut(key), cut(value)) for key, value in pairs]
        there = os.path.exists(target) and _says(target, pairs)
        if os.path.exists(target) and not there:
            target = base + ".text"
    image = _image(to, info, pairs)
    cf = files.load(args.cf) if args.cf else None
    if cf is not None:
        _change_lines(cf, args, base, target, to)
        if args.diff:
            sys.stdout.buffer.write(encode(cf.diff()))
    if not args.dry_run:
        same = os.path.exists(target) and os.path.samefile(path, target)
        new = None
        with contextlib.ExitStack() as stack:
            if cf is not None and cf.changed:
                real = files.resolve(os.path.abspath(args.cf))
                new = stack.enter_context(files.Replacement(real, bytes(cf), expected=cf.original))
            if not there:
                real = files.resolve(os.path.abspath(target))
                files.replace_map(real, image, state=state if same else None, like=path)
            if new is not None:
                new.commit()
    would = "would be" if args.dry_run else "is"
    print(f"{path}: {len(pairs)} records, {info.format}; {target} {would} {to}", file=sys.stderr)
    if cf is None:
        words = ["-k0", "-v1", "-z\\t", target] if to == "text" else [base]
        print("its K line:", "Kname", CLASSES[to], *words, file=sys.stderr)
    return 0


def _base(path: str) -> str:
    """The name of a map's file without the extension of a database."""
    for extension in (".cdb", ".db"):
        if path.endswith(extension):
            return path[: -len(extension)]
    return path


def _says(source: str, pairs: List[Pair]) -> bool:
    """Whether a file read as a text map gives exactly these records."""
    with open(source, "rb") as file:
        held = TextMap(file.read(), delimiter=DELIMITER)
    # Keys of a text map are found in any case.
    return sorted(_lower(held.pairs())) == sorted(_lower(pairs))


def _lower(pairs: Iterable[Pair]) -> List[Pair]:
    return [(key.lower(), value) for key, value in pairs]


def _image(kind: str, info: Any, pairs: List[Pair]) -> bytes:
    """The bytes of the new file, which was read back.  Raises MapError where it would not hold the same."""
    made = builder(kind, info, duplicates=several(info) or None)
    made.add([key for key, _ in pairs], [value for _, value in pairs])
    image: bytes = made.image()
    again = TextMap(image, delimiter=DELIMITER) if kind == "text" else mapdb.load(image)
    faults = again.verify()
    if faults or sorted(again.pairs()) != sorted(pairs):
        raise MapError(f"as a {kind} file {faults[0] if faults else 'it would not hold the same'}")
    return image


def _change_lines(cf: Config, args: argparse.Namespace, base: str, target: str, to: str) -> None:
    """Let the K lines that use the database use the new one."""
    used = [one for one in map(cf.maps.__getitem__, cf.maps) if _uses(one, args, base)]
    if not used:
        raise EditError(f"{args.cf}: no K line keeps its map in {base}: name it with --map")
    for one in used:
        flags = dict(one.flags)
        file = _base(one.file or base)
        if to == "text":
            flags.pop("N", None)
            flags.update({"k": "0", "v": "1", "z": "\\t"})
            file += target[len(base) :]
        else:
            for letter in "kvz" if one.map_class == "text" else "":
                flags.pop(letter, None)
        wanted = evolve(one.arguments, flags=flags, file=file)
        node = evolve(one.node, map_class=CLASSES[to], arguments=arguments_text(wanted))
        if map_arguments(node) != wanted:
            raise EditError(
                f"{args.cf}: the K line of {one.name} cannot be rewritten for the class {CLASSES[to]}"
            )
        cf.maps[one.name] = node


def _uses(one: Map, args: argparse.Namespace, base: str) -> bool:
    if args.map is not None:
        return one.name.lower() == str(args.map).lower()
    file_maps = {*CLASSES.values(), "dbm", "implicit"}
    return str(one.map_class) in file_maps and _base(one.file or "") in (base, os.path.abspath(base))


def _proposed() -> str:
    """The format that the makemap of this host can make, or text, which needs no library.  Raises EditError."""
    place = shutil.which(
        "makemap", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/sendmail"])
    )
    if place is None:
        raise EditError("there is no makemap to ask what this host can use: say --to")
    listed = (
        subprocess.run([place, "-l"], capture_output=True, check=False, timeout=60).stdout.decode().split()
    )
    return next((one for one in ("hash", "cdb", "btree") if one in listed), "text")
