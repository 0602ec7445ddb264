"""What differs between systems: paths, byte order, and the commands that activate and verify a change.

The one thing to know: rows only; nothing here runs a command.  AIX from IBM's documentation of the System
Resource Controller, systemd and SysV from their own.
"""

from __future__ import annotations

import sys
from typing import Mapping, Tuple

from attrs import frozen

from ..record import Record


@frozen(eq=False, repr=False)
class Platform(Record):
    """A system.

    name: as `--platform` takes it.  byteorder: of databases, `big` or `little`.  cf, authinfo, access,
    default_auth_info: default paths.  activate: commands after a change.  verify: commands that show the
    state.
    """

    name: str
    byteorder: str
    activate: Tuple[str, ...]
    verify: Tuple[str, ...]
    cf: str = "/etc/mail/sendmail.cf"
    authinfo: str = "/etc/mail/authinfo"
    access: str = "/etc/mail/access"
    default_auth_info: str = "/etc/mail/default-auth-info"


PLATFORMS: Mapping[str, Platform] = {
    row.name: row
    for row in (
        Platform(
            "aix",
            "big",
            (
                "refresh -s sendmail",
                'stopsrc -s sendmail; startsrc -s sendmail -a "-bd -q30m"   # if refresh is not enough',
            ),
            ("lssrc -s sendmail", "mailq"),
        ),
        Platform(
            "linux",
            sys.byteorder,
            ("systemctl restart sendmail", "service sendmail restart   # without systemd"),
            ("systemctl status sendmail", "mailq"),
        ),
        Platform(
            "sysv", sys.byteorder, ("/etc/init.d/sendmail restart",), ("/etc/init.d/sendmail status", "mailq")
        ),
        Platform(
            "solaris",
            sys.byteorder,
            ("svcadm restart svc:/network/smtp:sendmail",),
            ("svcs svc:/network/smtp:sendmail", "mailq"),
        ),
        Platform(
            "freebsd", sys.byteorder, ("service sendmail restart",), ("service sendmail status", "mailq")
        ),
    )
}


def guessed(system: str) -> Platform:
    """The platform for a value of `sys.platform`; `sysv` where there is nothing better."""
    for prefix, name in (("aix", "aix"), ("linux", "linux"), ("sunos", "solaris"), ("freebsd", "freebsd")):
        if system.startswith(prefix):
            return PLATFORMS[name]
    return PLATFORMS["sysv"]
