"""`sendmailcf ses endpoints | derive-password | check` and `sendmailcf providers`: what relays' providers want.

The one thing to know: secrets come from standard input or a file; the one thing printed that is secret is the SMTP
password that derive-password is asked for.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

from attrs import asdict

from .. import files
from ..errors import CredentialError
from ..relay import ses
from ..relay.credentials import judge, stored
from ..relay.host import Host, Server
from ..relay.links import WRONG
from ..relay.plan import load_cf
from ..relay.platforms import guessed
from ..relay.ports import port_of
from ..relay.providers import PROVIDERS, Provider, provider_of, read
from ..text import decode
from . import secrets
from .quiet import Parser
from .relay import _default_cf, _inside, link_lines, looker, status_of


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; the exit status."""
    args = _parser().parse_args(arguments)
    if args.room == "providers":
        return _providers(args)
    if args.command == "endpoints":
        return _endpoints(args)
    return _derive(args) if args.command == "derive-password" else _check(args)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="sendmailcf", description=__doc__, allow_abbrev=False)
    rooms = parser.add_subparsers(dest="room", required=True)
    commands = rooms.add_parser(
        "ses", help="Amazon SES", description=__doc__, allow_abbrev=False
    ).add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        one.add_argument("--json", action="store_true", help="print JSON")
        return one

    endpoints = command("endpoints", f"regions with their SMTP hosts and ports, as of {ses.AS_OF}")
    endpoints.add_argument("--region", help="only this one; one that is not known gets a warning")
    derive = command(
        "derive-password",
        "print the SMTP password of the IAM secret access key on standard input, for one region",
    )
    derive.add_argument("--region", required=True, help="the region of the SMTP host, as in us-east-1")
    check = command(
        "check",
        "are the host, the user name and the password of the right kind?  Exit status 1 if one is not, 2 if it "
        "could not be told",
    )
    check.add_argument("--host", help="default: where sendmail.cf sends mail")
    check.add_argument("--user", help="default: that of the host's entry")
    secret = check.add_mutually_exclusive_group()
    secret.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    secret.add_argument(
        "--password-file", metavar="F", help="read it from a file; default: that of the entry"
    )
    check.add_argument(
        "--secret-file", metavar="F", help="the IAM secret access key: tells the password's region"
    )
    check.add_argument("--providers", metavar="F.json", help="more providers")
    check.add_argument("--root", metavar="DIR", default="/", help="stands for /: files are DIR/etc/mail/…")
    check.add_argument("--cf", metavar="F", help="default: /etc/mail/sendmail.cf")
    text = "hosts, ports, credentials and limits of known relays"
    providers = rooms.add_parser("providers", help=text, description=text, allow_abbrev=False)
    providers.add_argument("host", metavar="HOST", nargs="?", help="only that of this host")
    providers.add_argument("--providers", metavar="F.json", help="more providers")
    providers.add_argument("--json", action="store_true", help="print JSON")
    return parser


# Endpoints


def _endpoints(args: argparse.Namespace) -> int:
    rows = list(ses.REGIONS.values())
    warning = ""
    if args.region is not None:
        warning = ses.region_warning(args.region)
        rows = [ses.REGIONS.get(args.region) or ses.Region(args.region, "", ses.UNCONFIRMED)]
    _warn(warning)
    if args.json:
        found = {
            "as_of": ses.AS_OF,
            "sources": list(ses.SOURCES),
            "ports": {"starttls": list(ses.STARTTLS_PORTS), "wrapped": list(ses.WRAPPED_PORTS)},
            "warnings": [warning] if warning else [],
            "regions": [_region(row) for row in rows],
        }
        print(json.dumps(found, indent=1))
        return 0
    width = max(len(row.host) for row in rows)
    for row in rows:
        more = {ses.SMTP: "", ses.NO_SMTP: "no SMTP"}.get(
            row.smtp, "unconfirmed" + (f": {row.note}" if row.note else "")
        )
        print(f"{row.code:15} {row.host:{width}}  {row.title}{f'  ({more})' if more else ''}")
        if row.fips:
            print(f"{'':15} {row.fips_host:{width}}  FIPS")
    print(
        f"\nports: {_ports(ses.STARTTLS_PORTS)} with STARTTLS; not {_ports(ses.WRAPPED_PORTS)}, where TLS begins with"
    )
    print("the first byte, which sendmail's client does not do.  VPC: " + rows[0].vpc_host)
    print(f"as of {ses.AS_OF}, from {', '.join(ses.SOURCES)}")
    return 0


def _region(row: ses.Region) -> Dict[str, Any]:
    hosts = {"host": row.host, "fips_host": row.fips_host or None, "vpc_host": row.vpc_host}
    return {"region": row.code, "title": row.title, "smtp": row.smtp, **hosts, "note": row.note}


def _ports(ports: Sequence[int]) -> str:
    return ", ".join(map(str, ports))


def _warn(warning: str) -> None:
    if warning:
        print(f"sendmailcf: warning: {warning}", file=sys.stderr)


# The password


def _one_line(path: Optional[str]) -> str:
    """A secret from a file, or from standard input."""
    return secrets.from_stdin() if path is None else secrets.from_file(path)


def _derive(args: argparse.Namespace) -> int:
    warnings = [ses.region_warning(args.region)]
    secret = _one_line(None)
    password = ses.derive_password(secret, args.region)
    warnings = [warning for warning in (*warnings, ses.secret_warning(secret)) if warning]
    for warning in warnings:
        _warn(warning)
    if args.json:
        found = {
            "region": args.region,
            "host": ses.smtp_host(args.region),
            "password": password,
            "warnings": warnings,
        }
        print(json.dumps(found, indent=1))
    else:
        print(password)
    return 0


# The check


def _check(args: argparse.Namespace) -> int:
    host, user, port = args.host, args.user, None
    given = args.password_stdin or args.password_file is not None
    password = _one_line(args.password_file) if given else None
    secret = _one_line(args.secret_file) if args.secret_file is not None else None
    if host is None or args.cf is not None or args.root != "/" or (user is None and password is None):
        view = _host(args)
        smart = view.smart_host()
        if host is None and smart is None:
            raise CredentialError(f"{view.cf.path}: mail goes to no relay; name one with --host")
        host = host or (smart.name if smart is not None else "")
        if smart is not None and smart.name.lower() == host.lower() and smart.mailer in view.cf.mailers:
            port = port_of(view.cf.mailers[smart.mailer].arguments or "")
        if user is None and password is None:
            reading = stored(view, Server.of(host))
            if reading.credentials is None:
                raise CredentialError(f"{view.cf.path}: no credentials for {host}: {reading.problem}")
            user, password = (
                reading.credentials.authid or reading.credentials.user,
                reading.credentials.password,
            )
    links = judge(host, user, password, secret=secret, port=port, more=_more(args))
    if args.json:
        good = all(link.state != WRONG for link in links)
        print(json.dumps({"host": host, "ok": good, "links": [asdict(link) for link in links]}, indent=1))
    else:
        print("\n".join(link_lines(links)))
    return status_of(links)


def _host(args: argparse.Namespace) -> Host:
    look = looker(args.root)
    cf = _inside(args.cf, args.root) if args.cf else _default_cf(guessed(sys.platform), look)
    return Host(load_cf(cf, look), look)


def _more(args: argparse.Namespace) -> List[Provider]:
    return read(decode(files.read(args.providers)), args.providers) if args.providers is not None else []


# Providers


def _providers(args: argparse.Namespace) -> int:
    more = _more(args)
    rows: Tuple[Provider, ...] = (*more, *PROVIDERS)
    if args.host is not None:
        found = provider_of(args.host, more)
        if found is None:
            print(f"sendmailcf: no provider of that host is known ({len(rows)} are)", file=sys.stderr)
            return 1
        rows = (found,)
    if args.json:
        print(json.dumps([_provider(row) for row in rows], indent=1))
        return 0
    print("\n\n".join("\n".join(_described(row)) for row in rows))
    return 0


def _provider(row: Provider) -> Dict[str, Any]:
    found: Dict[str, Any] = asdict(row)
    for name in ("user", "password"):
        shape = found[name]
        found[name] = {"says": shape["says"], "pattern": shape["pattern"]}
    return found


def _described(row: Provider) -> List[str]:
    lines = [f"{row.title}  [{row.name}]", f"  hosts:       {', '.join(row.hosts)}"]
    wrapped = f"; not {_ports(row.wrapped_ports)}, TLS from the first byte" if row.wrapped_ports else ""
    lines.append(f"  ports:       {_ports(row.starttls_ports)}, STARTTLS {row.tls}{wrapped}")
    lines.append(f"  mechanisms:  {' '.join(row.mechanisms) or 'not known'}")
    lines.append(f"  user:        {row.user.says or 'not known'}")
    lines.append(f"  password:    {row.password.says or 'not known'}")
    limits = [f"{row.recipients} recipients a message"] if row.recipients is not None else []
    limits += [f"{row.message_bytes} bytes a message"] if row.message_bytes is not None else []
    lines += [f"  limits:      {', '.join(limits)}"] if limits else []
    lines += [f"  note:        {note}" for note in row.notes]
    lines += [
        f"  source:      {one.address} (read {one.read}): {', '.join(one.tells.split())}"
        for one in row.sources
    ]
    return lines
