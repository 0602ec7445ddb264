"""RL: the smart host, its mailer and port, and whom it lets in.

The one thing to know: DS is a mailer, a colon and hosts; a second colon separates hosts, so a port never stands there
but in A= of the mailer.
"""

from __future__ import annotations

import re
from typing import Iterator

from ...authinfo import AuthInfoEntry
from ...nodes import MacroDefinition, Option, bare, value_of
from ...values import option_row
from ..chain import SOURCES, told
from ..context import Context
from ..entries import judged
from ..problem import Severity
from ..rule import Found, rule

_UNKNOWN_HOST = "mail bounces: host unknown"


@rule("RL001", "smarthost-no-brackets", Severity.INFO, MacroDefinition)
def smarthost_no_brackets(context: Context, index: int, node: MacroDefinition) -> Iterator[Found]:
    """The smart host stands without brackets.

    sendmail then looks for its MX records first, and connects to what they name.

    Bad (relay):
        DSrelay.example
    Good (relay):
        DS[relay.example]
    """
    value = value_of(node.value)
    if bare(node.name) == "S" and re.fullmatch(
        r"(?:[A-Za-z0-9]+:)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\.?", value
    ):
        yield Found(index, "the smart host has no brackets, so its MX records are used")


@rule("RL002", "smarthost-port", Severity.ERROR)
def smarthost_port(context: Context) -> Iterator[Found]:
    """DS has a port.

    A colon separates hosts: the port is taken for a second host, and the first is connected to on the port of the
    mailer.  The port stands in A= of the mailer, as in A=TCP $h 587.

    Bad (relay):
        DS[relay.example]:2587
    Good (relay):
        DS[relay.example]
    """
    return told(context, "smarthost-port")


@rule("RL003", "smarthost-one-word-colon", Severity.ERROR, consequence=_UNKNOWN_HOST)
def smarthost_one_word_colon(context: Context) -> Iterator[Found]:
    """DS is one word, a colon and a port.

    What stands before the colon is taken for a mailer, and the port for a host.

    Bad (relay bare):
        Mgateway, P=[IPC], F=mDFMuXa8, A=TCP $h
        DSgateway:587
        S0
        R$*<TAB>$#gateway $@ 587 $: $1
    Good (relay bare):
        DS[gateway.example]
    """
    return told(context, "smarthost-one-word-colon")


@rule("RL004", "smarthost-mailer-unknown", Severity.ERROR)
def smarthost_mailer_unknown(context: Context) -> Iterator[Found]:
    """DS names a mailer that is not defined.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        DSsmpt:[relay.example]
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
        S3
        S4
        S0
        R$+ < @ $+ ><TAB>$#local $: $1
    Good (relay):
        DSrelay:[relay.example]
    """
    return told(context, "smarthost-mailer-unknown")


@rule("RL005", "smarthost-error", Severity.INFO)
def smarthost_error(context: Context) -> Iterator[Found]:
    """DS selects a mailer that speaks no SMTP.

    That is legal: error refuses all mail for other hosts, local gives it to one user.

    Bad:
        DSlocal:postmaster
    Good (relay):
        DS[relay.example]
    """
    return told(context, "smarthost-error")


@rule("RL006", "smarthost-user", Severity.ERROR, consequence=_UNKNOWN_HOST)
def smarthost_user(context: Context) -> Iterator[Found]:
    """DS has an address where a host belongs.

    Bad (relay):
        DSuser@relay.example
    Good (relay):
        DS[relay.example]
    """
    return told(context, "smarthost-user")


@rule("RL007", "smarthost-not-a-name", Severity.ERROR, consequence=_UNKNOWN_HOST)
def smarthost_not_a_name(context: Context) -> Iterator[Found]:
    """DS is no name of a host and no address.

    A placeholder was copied, such as an ellipsis, or a scheme was written before the host.

    Bad (relay):
        DS…
    Bad (relay):
        DS[smtp.....example]
    Good (relay):
        DS[relay.example]
    """
    return told(context, "smarthost-not-a-name")


@rule("RL008", "smarthost-unused", Severity.INFO)
def smarthost_unused(context: Context) -> Iterator[Found]:
    """Credentials are there, and mail does not go to a smart host.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info
        user
        user
        invented
    Good (relay):
        DS[relay.example]
    """
    return told(context, "smarthost-unused", alone=False)


@rule("RL009", "relay-port-wrapped", Severity.ERROR)
def relay_port_wrapped(context: Context) -> Iterator[Found]:
    """The mailer of the smart host connects to a port where TLS begins with the first byte.

    sendmail speaks STARTTLS alone.

    Bad (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 465
    Good (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 587
    """
    return told(context, "relay-port-wrapped")


@rule("RL010", "relay-port-unusual", Severity.INFO)
def relay_port_unusual(context: Context) -> Iterator[Found]:
    """The mailer of the smart host connects to a port on which public relays do not listen.

    Bad (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 5870
    Good (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 587
    """
    return told(context, "relay-port-unusual")


@rule("RL011", "relay-port-default", Severity.INFO)
def relay_port_default(context: Context) -> Iterator[Found]:
    """sendmail shall authenticate, and its mailer has no port, so it connects to port 25.

    Relays take authenticated mail on port 587; port 25 is closed in many networks, and throttled in clouds.  The port
    stands in A= of the mailer that DS selects.

    Bad (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h
    Good (relay):
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 587
    """
    return told(context, "relay-port-default")


@rule("RL012", "relay-port", Severity.ERROR)
def relay_port(context: Context) -> Iterator[Found]:
    """The provider of the relay does not listen on the port of its mailer.

    Bad (relay):
        DS[smtp.gmail.com]
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, A=TCP $h 2587
    Good (relay):
        DS[smtp.gmail.com]
    """
    return told(context, "relay-port")


@rule("RL013", "relay-recipients", Severity.INFO)
def relay_recipients(context: Context) -> Iterator[Found]:
    """The mailer sends more recipients at once than the relay takes.

    Amazon SES takes 50; sendmail's own limit is 100 where the mailer has no r=.

    Bad (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
    Good (relay):
        DS[email-smtp.us-east-1.amazonaws.com]
        Mrelay, P=[IPC], F=mDFMuXa8, E=\\r\\n, L=2040, r=50, A=TCP $h 587
    """
    return told(context, "relay-recipients")


@rule("RL014", "relay-user", Severity.ERROR, AuthInfoEntry, kinds=SOURCES)
def relay_user(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """The user of an entry is plainly something else than the provider of the relay gives.

    Bad:
        AuthInfo:smtp.mailgun.org<TAB>"U: postmaster@mg.example.com" "P:invented"
    Good:
        AuthInfo:smtp.mailgun.org<TAB>"U:postmaster@mg.example.com" "P:invented"
    """
    return judged(index, node, "relay-user")


@rule("RL015", "relay-password", Severity.ERROR, AuthInfoEntry, kinds=SOURCES)
def relay_password(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """The password of an entry is plainly something else than the provider of the relay gives.

    Bad:
        AuthInfo:smtp.sendgrid.net<TAB>"U:apikey" "P:'SG.invented'"
    Good:
        AuthInfo:smtp.sendgrid.net<TAB>"U:apikey" "P:SG.<x*22>.<x*43>"
    """
    return judged(index, node, "relay-password")


@rule("RL016", "relay-credentials-odd", Severity.INFO, AuthInfoEntry, kinds=SOURCES)
def relay_credentials_odd(context: Context, index: int, node: AuthInfoEntry) -> Iterator[Found]:
    """A user or password does not look like those of the provider of the relay, and like nothing known.

    Bad:
        AuthInfo:smtp.sendgrid.net<TAB>"U:apikey" "P:SG.invented"
    Good:
        AuthInfo:smtp.sendgrid.net<TAB>"U:apikey" "P:SG.<x*22>.<x*43>"
    """
    return judged(index, node, "relay-credentials-odd")


@rule("RL017", "fallback-mx", Severity.WARNING, Option, consequence="mail that cannot be delivered loops")
def fallback_mx(context: Context, index: int, node: Option) -> Iterator[Found]:
    """FallbackMXhost is this host itself.

    Bad:
        O FallbackMXhost=host.example.com
    Good:
        O FallbackMXhost=[backup.example.com]
    """
    row = option_row(node.name)
    if row is not None and row.name == "FallbackMXhost":
        own = context.cf.macros.get("j") or ""
        if "$" not in own and own and value_of(node.value).strip("[].").lower() == own.strip(".").lower():
            yield Found(index, "the fallback host is this host")
