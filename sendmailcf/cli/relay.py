"""`sendmailcf relay plan | apply | check`: make a host send through an authenticated relay, and prove it.

The one thing to know: the password is read from standard input or a file, never from an argument, and is
in nothing that is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from functools import cache
from typing import Any, Callable, Dict, List, Sequence

from .. import files, running
from ..authinfo import Credentials
from ..errors import PlanError
from ..relay import report
from ..relay.chain import check
from ..relay.links import ADVICE, OK, UNKNOWN, WRONG, Chain, Link
from ..relay.plan import Intent, Plan, Write, load_cf, plan
from ..relay.platforms import PLATFORMS, Platform, guessed
from ..text import decode


def main(arguments: Sequence[str]) -> int:
    """Run `relay plan`, `apply` or `check`; the exit status."""
    args = _parser().parse_args(arguments)
    platform = PLATFORMS[args.platform] if args.platform else guessed(sys.platform)
    root = os.path.abspath(args.root)
    look = looker(root)
    cf = _inside(args.cf, root) if args.cf else _default_cf(platform, look)
    if args.command == "check":
        read = load_cf(cf, look)
        live = running.ask(read) if root == "/" else None
        chain = check(read, look, host=args.host, tls=args.tls, live=live)
        if args.html:
            files.replace(
                args.html, report.page(chain, cf, report.here(root), report.now()).encode(), new_mode=0o644
            )
        _show_chain(chain, as_json=args.json)
        return status_of(chain)
    intent = Intent(
        host=args.host,
        port=args.port,
        credentials=Credentials(args.user, _password(args), tuple(args.mechanisms.replace(",", " ").split())),
        tls=args.tls,
        store=args.store,
        cf=cf,
        source=_inside(args.authinfo, root) if args.authinfo else None,
        platform=platform,
    )
    made = plan(intent, look)
    if args.command == "apply":
        write(made, root, backup=args.backup)
        look = looker(root)
    broken: List[Dict[str, str]] = []
    if args.command == "apply":
        after = check(load_cf(cf, look), look, host=args.host, tls=args.tls)
        broken = [_link(one) for one in after.broken]
    _show_plan(made, args, platform, broken)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sendmailcf relay", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("plan", "print the unified diff of what apply would do; change nothing"),
        ("apply", "change the files; a second run changes nothing"),
        (
            "check",
            "walk the AUTH chain, a line a link; exit status 1 if one is broken, 2 if it could not look",
        ),
    ):
        one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        changing = name != "check"
        one.add_argument("--host", required=changing, help="the relay's canonical host name, or its address")
        if changing:
            one.add_argument("--port", type=int, default=587, help="default: %(default)s")
            one.add_argument("--user", required=True, help="the SMTP user name")
            secret = one.add_mutually_exclusive_group(required=True)
            secret.add_argument("--password-stdin", action="store_true", help="read the password from stdin")
            secret.add_argument("--password-file", metavar="F", help="read the password from a file")
            one.add_argument("--mechanisms", default="LOGIN,PLAIN", help="default: %(default)s")
            one.add_argument(
                "--store",
                choices=["authinfo", "access", "default-auth-info"],
                default="authinfo",
                help="where the entry goes: default %(default)s",
            )
            one.add_argument("--authinfo", metavar="F", help="the source, as sendmail.cf names it")
            one.add_argument("--diff", action="store_true", help="print the diff, passwords masked")
            one.add_argument("--backup", action="store_true", help="keep each old file as FILE.bak")
        one.add_argument(
            "--tls",
            choices=["required", "verified", "optional"],
            default="required",
            help="required: the password never leaves without encryption; default: %(default)s",
        )
        one.add_argument("--root", metavar="DIR", default="/", help="stands for /: files are DIR/etc/mail/…")
        one.add_argument("--cf", metavar="F", help="default: /etc/mail/sendmail.cf")
        one.add_argument("--platform", choices=sorted(PLATFORMS), help="default: this system")
        one.add_argument("--json", action="store_true", help="print JSON")
        if not changing:
            one.add_argument(
                "--html", metavar="FILE", help="also write a report: one page, nothing outside it"
            )
    return parser


def looker(root: str) -> Callable[[str], files.Facts]:
    """Facts of files below `root`, each looked at once."""

    @cache
    def look(path: str) -> files.Facts:
        return files.Facts(path, root)

    return look


def _inside(path: str, root: str) -> str:
    """A path as it is seen from `root`."""
    base = root.rstrip("/")
    whole = os.path.abspath(path)
    if base and whole.startswith(base + "/"):
        return whole[len(base) :]
    return os.path.normpath(path) if os.path.isabs(path) else whole


def _default_cf(platform: Platform, look: Callable[[str], files.Facts]) -> str:
    # Before AIX 5 and in old hand-made systems the file stands one level higher.
    old = "/etc/sendmail.cf"
    return old if look(platform.cf).missing and not look(old).missing else platform.cf


def _password(args: argparse.Namespace) -> str:
    if args.password_file is not None:
        data = files.read(args.password_file)
        where = args.password_file
    else:
        data, where = sys.stdin.buffer.read(), "standard input"
    for eol in (b"\r\n", b"\n"):
        if data.endswith(eol):
            data = data[: -len(eol)]
            break
    if not data:
        raise PlanError(f"{where}: the password is empty")
    if b"\n" in data:
        raise PlanError(f"{where}: more than one line; the password must stand alone on the first")
    return decode(data)


def write(made: Plan, root: str, *, backup: bool = False) -> None:
    """Carry a plan out, in its order.  Raises OSError or BusyError; each file is then either old or new.

    All new contents are on the disk before the first file is replaced.
    """
    for directory in {os.path.dirname(files.resolve(path, root)) for path in made.files}:
        files.sweep(directory)
    with contextlib.ExitStack() as stack:
        prepared = []
        for at, one in enumerate(made.writes):
            # A file that is written twice keeps its first contents as the backup.
            first = one.path not in [before.path for before in made.writes[:at]]
            prepared.append(
                stack.enter_context(
                    files.Replacement(
                        files.resolve(one.path, root),
                        one.new,
                        new_mode=one.new_mode,
                        is_map=one.kind == "database",
                        backup=backup and first,
                        expected=one.old or b"",
                    )
                )
            )
        for replacement in prepared:
            replacement.commit()


def status_of(chain: Chain) -> int:
    """0 all links hold, 1 one is broken, 2 a file could not be looked at and no link is known to be broken."""
    if chain.broken:
        return 1
    return 2 if any(link.state == UNKNOWN and not link.live for link in chain.links) else 0


def _link(link: Link) -> Dict[str, str]:
    return {
        "name": link.name,
        "state": link.state,
        "detail": link.detail,
        "consequence": link.consequence,
        "repair": link.repair,
    }


def chain_lines(chain: Chain) -> List[str]:
    """A line a link: ok, or what is wrong, what sendmail will do because of it, and how to repair it."""
    marks = {OK: "ok     ", WRONG: "WRONG  ", UNKNOWN: "unknown", ADVICE: "advice "}
    lines = []
    for link in chain.links:
        text = f"{marks[link.state]} {link.name}: {link.detail}"
        if link.state != OK and link.consequence:
            text += f" -> {link.consequence}"
        if link.state in (WRONG, ADVICE) and link.repair:
            text += f"; repair: {link.repair}"
        lines.append(_one_line(text))
    told = chain.prediction
    lines.append(_one_line(f"the next message: {told.fate} ({told.because})"))
    return lines


def _one_line(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\n", "\\n")


def _show_chain(chain: Chain, *, as_json: bool) -> None:
    if as_json:
        told = chain.prediction
        found = {
            "host": chain.host,
            "ok": not chain.broken,
            "links": [_link(one) for one in chain.links],
            "prediction": {"authenticates": told.authenticates, "fate": told.fate, "because": told.because},
        }
        print(json.dumps(found, indent=1))
        return
    print("\n".join(chain_lines(chain)))


def _show_plan(
    made: Plan, args: argparse.Namespace, platform: Platform, broken: List[Dict[str, str]]
) -> None:
    diff = made.diff.encode("utf-8", "backslashreplace").decode("utf-8")
    shown = args.diff or args.command == "plan"
    if args.json:
        found: Dict[str, Any] = {
            "changed": made.changed,
            "files": [_file(one) for one in made.writes],
            "notes": list(made.notes),
            "broken": broken,
            "commands": {"activate": list(platform.activate), "verify": list(platform.verify)},
        }
        if shown:
            found["diff"] = diff
        print(json.dumps(found, indent=1))
        return
    if shown:
        sys.stdout.write(diff)
    for note in made.notes:
        print(f"note: {note}")
    if args.command == "apply":
        for one in made.writes:
            print(f"{'created' if one.old is None else 'replaced'} {one.path}")
    for link in broken:
        print(
            f"still broken: {link['name']}: {link['detail']} -> {link['consequence']}; repair: {link['repair']}"
        )
    print(f"changed: {str(made.changed).lower()}")
    if made.changed:
        print("to activate: " + "\n             ".join(platform.activate))
        print("to verify:   " + "\n             ".join((*platform.verify, "sendmailcf relay check")))


def _file(one: Write) -> Dict[str, str]:
    return {"path": one.path, "kind": one.kind, "action": "create" if one.old is None else "replace"}
