"""Hosts to work on: a directory that stands for /, with an /etc/mail of each shape that a file can have.

The one thing to know: they are made from the example that the package carries, so they need no other program.
"""

from __future__ import annotations

from pathlib import Path
from typing import Dict, Mapping

import sendmailcf
from sendmailcf.cli.demo import unpack
from sendmailcf.cli.relay import looker
from sendmailcf.mapdb import hash as hash_format

HOST = "relay.example.com"
PASSWORD = 'kJ"4%1\\ invented é'

LOOKUPS = """
R$*\t\t$: <$({0} AuthInfo:$&{{server_name}} $: ? $)>
R<?>\t\t$: <$({0} AuthInfo:$&{{server_addr}} $: ? $)>
R<?>\t\t$: <$({0} AuthInfo: $: ? $)>
R<?>\t\t$@ no
R<$*>\t\t$# $1
"""
OTHER = 'AuthInfo:other.example.net\t"U:other" "P:not this one"\n'
SHAPES: Mapping[str, Dict[str, str]] = {
    "absent": {},
    "empty": {"rules": "\nSauthinfo\n"},
    "map": {
        "maps": "Kauthinfo hash /etc/mail/authinfo\n",
        "rules": "\nSauthinfo" + LOOKUPS.format("authinfo"),
        "authinfo": OTHER,
    },
    "access": {
        "maps": "Kaccess hash -T<TMPF> /etc/mail/access\n",
        "rules": "\nSauthinfo" + LOOKUPS.format("access"),
        "access": "Connect:192.0.2\tRELAY\n" + OTHER,
    },
    "recipe-absent": {
        "options": "O DefaultAuthInfo=/etc/mail/authinfo\n",
        "authinfo": f'# relays\n{OTHER}AuthInfo:{HOST} "U:old" "P:old and wrong" "M:LOGIN"\n',
    },
    "recipe": {
        "options": "O DefaultAuthInfo=/etc/mail/authinfo\n",
        "rules": "\nSauthinfo\n",
        "authinfo": f'AuthInfo:{HOST} "U:old" "P:old and wrong" "M:LOGIN"\n',
    },
}


def make_host(root: Path, shape: str) -> Path:
    """An /etc/mail of this shape below `root`; its directory."""
    unpack(str(root))
    mail, parts = root / "etc" / "mail", SHAPES[shape]
    cf = (mail / "sendmail.cf").read_text()
    cf = cf.replace("Kdequote dequote", parts.get("maps", "") + "Kdequote dequote")
    cf = cf.replace("#O CACertFile", parts.get("options", "") + "#O CACertFile")
    (mail / "sendmail.cf").write_text(cf + parts.get("rules", ""))
    for name in ("authinfo", "access"):
        if name in parts:
            (mail / name).write_text(parts[name])
            (mail / name).chmod(0o600)
            pairs = [
                line.split(None, 1) for line in parts[name].encode().split(b"\n") if line and line[:1] != b"#"
            ]
            image = hash_format.build([(key.lower(), value) for key, value in pairs])
            (mail / (name + ".db")).write_bytes(image)
            (mail / (name + ".db")).chmod(0o640)
    return mail


def contents(mail: Path) -> Dict[str, object]:
    """Every file by name: bytes, and the records of a database, whose order is no matter."""
    found: Dict[str, object] = {}
    for path in mail.iterdir():
        data = path.read_bytes()
        found[path.name] = dict(sendmailcf.mapdb.load(data).items()) if path.suffix == ".db" else data
    return found


def look(root: Path) -> object:
    """Facts of the files of a host."""
    return looker(str(root))
