"""`sendmailcf relay check | plan | apply | probe | rotate`: make a host send through a relay, and prove it.

The one thing to know: the password is read from standard input, a file, or what a `relay.toml` names, never from an
argument, and is in nothing that is printed.
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
from ..relay import intent, report
from ..relay.chain import check
from ..relay.host import POLICIES, Host
from ..relay.links import ADVICE, OK, UNKNOWN, WRONG, Chain, Link
from ..relay.plan import Intent, Plan, Write, load_cf, plan
from ..relay.platforms import PLATFORMS, Platform, guessed
from . import secrets

Look = Callable[[str], files.Facts]


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; the exit status."""
    args = _parser().parse_args(arguments)
    args.platform = PLATFORMS[args.platform] if args.platform else guessed(sys.platform)
    args.root = os.path.abspath(args.root)
    look = looker(args.root)
    args.cf = _inside(args.cf, args.root) if args.cf else _default_cf(args.platform, look)
    run: Callable[[argparse.Namespace, Look], int] = args.run
    return run(args, look)


def _check(args: argparse.Namespace, look: Look) -> int:
    cf = load_cf(args.cf, look)
    smart = Host(cf, look).smart_host()
    live = running.ask(cf, smart.first if smart is not None else "") if args.root == "/" else None
    chain = check(cf, look, host=args.host, tls=args.tls, live=live)
    if args.html:
        page = report.page(chain, args.cf, report.here(args.root), report.now())
        files.replace(args.html, page.encode(), new_mode=0o644)
    _show_chain(chain, as_json=args.json)
    return status_of(chain.links)


def _change(args: argparse.Namespace, look: Look) -> int:
    """plan and apply."""
    intents = _intents(args)
    made = plans(intents, look)
    broken: List[Dict[str, str]] = []
    if args.command == "apply":
        write(made, args.root, backup=args.backup)
        look = looker(args.root)
        after = check(load_cf(args.cf, look), look, host=intents[0].host, tls=intents[0].tls)
        broken = [_link(one) for one in after.broken]
    _show_plan(made, args, broken)
    return 0


def plans(intents: Sequence[Intent], look: Look) -> Plan:
    """One plan for several relays: each is planned with what those before it will have written."""
    made = [plan(intents[0], look)]
    for wanted in intents[1:]:
        made.append(plan(wanted, _planned(look, [write for one in made for write in one.writes])))
    return Plan(
        tuple(write for one in made for write in one.writes),
        tuple(dict.fromkeys(note for one in made for note in one.notes)),
        "".join(one.diff for one in made),
        tuple(dict.fromkeys(path for one in made for path in one.files)),
    )


def _planned(look: Look, writes: Sequence[Write]) -> Look:
    """The files as they will be."""
    later = {write.path: write for write in writes}

    def planned(path: str) -> files.Facts:
        facts = look(path)
        write = later.get(path)
        return facts if write is None else facts.holding(write.new, write.new_mode)

    return planned


def _intents(args: argparse.Namespace) -> List[Intent]:
    """What is asked for: the relays of a file, or the one of the arguments."""
    if args.file is not None:
        given = [
            name for name in ("host", "user", "password_file", "authinfo") if getattr(args, name) is not None
        ]
        if given or args.password_stdin:
            raise PlanError(
                f"{args.file}: a file says all: give no --host, --user, --password-* or --authinfo"
            )
        wanted = intent.read(files.read(args.file), args.file)
        hidden = {one.password.words[0] for one in wanted if one.password.kind == "env"}
        return [
            Intent(
                host=one.host,
                port=one.port,
                credentials=Credentials(one.user, secrets.fetch(one.password, hidden), one.mechanisms),
                tls=one.tls,
                store=one.store,
                cf=args.cf,
                source=one.authinfo,
                platform=args.platform,
                smart_host=one.smart_host,
            )
            for one in wanted
        ]
    if args.host is None or args.user is None or not (args.password_stdin or args.password_file is not None):
        raise PlanError("give a FILE, or --host, --user and one of --password-stdin and --password-file")
    mechanisms = tuple(args.mechanisms.replace(",", " ").split())
    return [
        Intent(
            host=args.host,
            port=args.port,
            credentials=Credentials(args.user, _password(args), mechanisms),
            tls=args.tls,
            store=args.store,
            cf=args.cf,
            source=_inside(args.authinfo, args.root) if args.authinfo else None,
            platform=args.platform,
        )
    ]


def _probe(args: argparse.Namespace, look: Look) -> int:
    from . import probe

    return probe.run(args, look, lambda: _password(args))


def _rotate(args: argparse.Namespace, look: Look) -> int:
    from . import rotate

    return rotate.run(args, look, _password(args))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sendmailcf relay", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace, Look], int], text: str
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.set_defaults(run=run)
        one.add_argument("--root", metavar="DIR", default="/", help="stands for /: files are DIR/etc/mail/…")
        one.add_argument("--cf", metavar="F", help="default: /etc/mail/sendmail.cf")
        one.add_argument("--platform", choices=sorted(PLATFORMS), help="default: this system")
        one.add_argument("--json", action="store_true", help="print JSON")
        return one

    one = command(
        "check",
        _check,
        "walk the AUTH chain, a line a link; exit status 1 if one is broken, 2 if it could not look",
    )
    one.add_argument("--host", help="the relay's canonical host name, or its address; default: what DS says")
    one.add_argument("--html", metavar="FILE", help="also write a report: one page, nothing outside it")
    _policy(one)
    for name, text in (
        ("plan", "print the unified diff of what apply would do; change nothing"),
        ("apply", "change the files; a second run changes nothing"),
    ):
        one = command(name, _change, text)
        one.add_argument("file", nargs="?", metavar="FILE", help="a relay.toml that says all the rest")
        one.add_argument("--host", help="the relay's canonical host name, or its address")
        one.add_argument("--port", type=int, default=587, help="default: %(default)s")
        one.add_argument("--user", help="the SMTP user name")
        _secret(one)
        one.add_argument("--mechanisms", default="LOGIN,PLAIN", help="default: %(default)s")
        one.add_argument(
            "--store",
            choices=intent.STORES,
            default="authinfo",
            help="where the entry goes: default %(default)s",
        )
        one.add_argument("--authinfo", metavar="F", help="the source, as sendmail.cf names it")
        one.add_argument("--diff", action="store_true", help="print the diff, passwords masked")
        one.add_argument("--backup", action="store_true", help="keep each old file as FILE.bak")
        _policy(one)
    one = command(
        "probe", _probe, "try the relay: TLS, AUTH, and no message; exit status 1 if mail would not pass"
    )
    one.add_argument(
        "--user", help="log in as this user, not with the stored entry; needs --password-stdin or -file"
    )
    one.add_argument("--no-credentials", action="store_true", help="do not log in")
    one.add_argument("--mechanisms", default="", help="with --user; default: all that the probe speaks")
    one.add_argument(
        "--send", nargs=2, metavar=("FROM", "TO"), help="then send one test message with the real sendmail"
    )
    _secret(one)
    _relay(one)
    one = command("rotate", _rotate, "give the stored entry another password, once the relay has accepted it")
    one.add_argument("--user", help="the new user name; default: the one of the stored entry")
    one.add_argument("--backup", action="store_true", help="keep each old file as FILE.bak")
    _secret(one)
    _relay(one)
    return parser


def _secret(parser: argparse.ArgumentParser) -> None:
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--password-stdin", action="store_true", help="read the password from stdin")
    one.add_argument("--password-file", metavar="F", help="read the password from a file")


def _policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--tls",
        choices=list(POLICIES),
        default="required",
        help="required: the password never leaves without encryption; default: %(default)s",
    )


def _relay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "relay", nargs="?", metavar="HOST", help="as in DS, brackets and all; default: what DS says"
    )
    parser.add_argument("--port", type=int, help="default: the port of the mailer, else 587")
    parser.add_argument("--helo", metavar="NAME", help="the name to greet with; default: this host's")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="S", help="seconds; default: %(default)s"
    )
    parser.add_argument("--resolver", action="append", metavar="ADDRESS", help="a name server; repeatable")


def looker(root: str) -> Look:
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


def _default_cf(platform: Platform, look: Look) -> str:
    # Before AIX 5 and in old hand-made systems the file stands one level higher.
    old = "/etc/sendmail.cf"
    return old if look(platform.cf).missing and not look(old).missing else platform.cf


def _password(args: argparse.Namespace) -> str:
    if args.password_file is not None:
        return secrets.from_file(args.password_file)
    if args.password_stdin:
        return secrets.from_stdin()
    raise PlanError("give the password by --password-stdin or --password-file")


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


def status_of(links: Sequence[Link]) -> int:
    """0 all links hold, 1 one is wrong, 2 a file could not be looked at and no link is known to be wrong."""
    states = {link.state for link in links if not (link.live and link.state == UNKNOWN)}
    return 1 if WRONG in states else 2 if UNKNOWN in states else 0


def _link(link: Link) -> Dict[str, str]:
    return {
        "name": link.name,
        "state": link.state,
        "detail": link.detail,
        "consequence": link.consequence,
        "repair": link.repair,
    }


def link_lines(links: Sequence[Link]) -> List[str]:
    """A line a link: ok, or what is wrong, what sendmail will do because of it, and how to repair it."""
    marks = {OK: "ok     ", WRONG: "WRONG  ", UNKNOWN: "unknown", ADVICE: "advice "}
    lines = []
    for link in links:
        text = f"{marks[link.state]} {link.name}: {link.detail}"
        if link.state != OK and link.consequence:
            text += f" -> {link.consequence}"
        if link.state in (WRONG, ADVICE) and link.repair:
            text += f"; repair: {link.repair}"
        lines.append(_one_line(text))
    return lines


def chain_lines(chain: Chain) -> List[str]:
    """The lines of the links, and one on what will become of the next message."""
    told = chain.prediction
    return [*link_lines(chain.links), _one_line(f"the next message: {told.fate} ({told.because})")]


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


def _show_plan(made: Plan, args: argparse.Namespace, broken: List[Dict[str, str]]) -> None:
    platform: Platform = args.platform
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
