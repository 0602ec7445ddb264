"""SE: Amazon SES.

The one thing to know: what is known of SES stands in `relay.ses` and `relay.providers`; the rules here only say where
in a file it matters.
"""

from __future__ import annotations

from typing import Iterator

from ...authinfo import AuthInfoEntry
from ..chain import SOURCES, told
from ..context import Context
from ..entries import judged
from ..problem import Severity
from ..rule import Found, rule


@rule("SE001", "ses-host", Severity.ERROR)
def ses_host(context: Context) -> Iterator[Found]:
    """The smart host is a host of Amazon that takes no mail, or looks like one.

    The SMTP hosts of SES are called email-smtp.REGION.amazonaws.com.

    Bad (relay):
        DS[email.us-east-1.amazonaws.com]
    Bad (relay):
        DS[email-smtp.us-east-1a.amazonaws.com]
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "ses-host")


@rule("SE002", "ses-region", Severity.ERROR)
def ses_region(context: Context) -> Iterator[Found]:
    """The smart host is of a region that has no SMTP host.

    Bad (relay):
        DS[email-smtp.af-south-1.amazonaws.com]
    Good (relay):
        DS[email-smtp.eu-west-1.amazonaws.com]
    """
    return told(context, "ses-region")


@rule("SE003", "ses-region-unknown", Severity.INFO)
def ses_region_unknown(context: Context) -> Iterator[Found]:
    """The smart host is of a region that is not known to have an SMTP host.

    Bad (relay):
        DS[email-smtp.us-east-9.amazonaws.com]
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "ses-region-unknown")


@rule("SE004", "ses-port", Severity.ERROR)
def ses_port(context: Context) -> Iterator[Found]:
    """SES does not listen on the port of the mailer.

    Bad (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 5870
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "ses-port")


@rule("SE005", "ses-port-25", Severity.WARNING)
def ses_port_25(context: Context) -> Iterator[Found]:
    """Mail goes to port 25 of SES: the mailer has no port.

    Amazon throttles that port for its own hosts, and many networks close it.

    Bad (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    """
    return told(context, "ses-port-25")


@rule("SE006", "ses-user", Severity.ERROR, AuthInfoEntry, kinds=SOURCES)
def ses_user(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """The user of an entry for SES is no SMTP user name.

    It is the id of an access key, 20 characters that begin with AKIA; a temporary key, ASIA, does not work.

    Bad:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:ASIAINVENTEDINVENTED" "P:BM<x*42>"
    Good:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:BM<x*42>"
    """
    return judged(index, node, "ses-user")


@rule("SE007", "ses-password", Severity.ERROR, AuthInfoEntry, kinds=SOURCES)
def ses_password(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """The password of an entry for SES is no SMTP password.

    It is derived from the secret access key and the region, and is not the key itself; it stands behind a colon, since
    behind = its base64 would be decoded.

    Bad:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:<x*40>"
    Good:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:BM<x*42>"
    """
    return judged(index, node, "ses-password")


@rule("SE009", "ses-credentials-odd", Severity.INFO, AuthInfoEntry, kinds=SOURCES)
def ses_credentials_odd(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """A user or password for SES does not look like those of SES, and like nothing known.

    Bad:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:invented"
    Good:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:BM<x*42>"
    """
    return judged(index, node, "ses-credentials-odd")


@rule(
    "SE011",
    "ses-key-host",
    Severity.ERROR,
    AuthInfoEntry,
    kinds=SOURCES,
    consequence="the entry is never looked up",
)
def ses_key_host(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """The key of an entry is a host of Amazon that takes no mail, or looks like one.

    Bad:
        AuthInfo:email-smtp.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:BM<x*42>"
    Good:
        AuthInfo:email-smtp.us-east-1.amazonaws.com<TAB>"U:AKIAINVENTEDINVENTED" "P:BM<x*42>"
    """
    for name in ("ses-host", "ses-region"):
        yield from judged(index, node, name)
