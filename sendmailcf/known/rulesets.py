"""Rulesets that sendmail itself calls, by name or number.

The one thing to know: all but the numbered ones are optional, and one that exists without rules may mean more than
none: an empty `authinfo` makes sendmail ignore DefaultAuthInfo.  Facts from envelope.c, parseaddr.c, srvrsmtp.c,
deliver.c, tls.c and sasl.c of sendmail 8.17.1.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen

from ..record import Record

_CHECK = "$#error, $#discard, or anything else to accept"
_TRUST = "$#error to refuse"


@frozen(eq=False, repr=False)
class RulesetRow(Record):
    """A ruleset.

    name: or its number, for those that have only a number.  stock_name: the name that generated files give a number.
    workspace: what it is called with.  result: what sendmail makes of what it returns.
    """

    name: str
    description: str
    workspace: str
    result: str
    stock_name: str = ""
    since: str = ""
    needs: str = ""


RULESETS: Tuple[RulesetRow, ...] = (
    RulesetRow("0", "Finds mailer, host and user of an address", "the address", "$# mailer $@ host $: user",
        "parse"),
    RulesetRow("1", "All senders, before the S= of the mailer", "the address", "the address"),
    RulesetRow("2", "All recipients, before the R= of the mailer", "the address", "the address"),
    RulesetRow("3", "Every address, before all others", "the address", "the address, host in < >",
        "canonify"),
    RulesetRow("4", "Every address, after all others", "the address", "the address as it is sent", "final"),
    RulesetRow("5", "Local users without an alias, for mailers with the flag 5", "the user",
        "$#, or unchanged", "localaddr"),
    RulesetRow("authinfo", "Credentials for a server, as a client", "{server_name} $| {server_addr}",
        "$# and quoted items U: I: P: R: M:", since="8.12.0", needs="SASL"),
    RulesetRow("bcc", "Copies of each message", "the recipient", "the address of the copy",
        needs="_FFR_ADD_BCC"),
    RulesetRow("check_compat", "Each delivery", "sender $| recipient", _CHECK, since="8.8.0"),
    RulesetRow("check_data", "DATA", "number of recipients", _CHECK, since="8.12.0"),
    RulesetRow("check_eoh", "End of the header", "number of fields $| bytes", _CHECK, since="8.10.0"),
    RulesetRow("check_eom", "End of the message", "bytes", _CHECK, since="8.14.0"),
    RulesetRow("check_etrn", "ETRN", "its argument", _CHECK, since="8.10.0"),
    RulesetRow("check_expn", "EXPN", "its argument", _CHECK, since="8.10.0"),
    RulesetRow("check_mail", "MAIL", "its argument", _CHECK, since="8.8.0"),
    RulesetRow("check_other", "SMTP commands without a check of their own", "command $| first digit of the reply",
        _CHECK, since="8.17.1"),
    RulesetRow("check_rcpt", "RCPT", "its argument", _CHECK, since="8.8.0"),
    RulesetRow("check_relay", "A connection", "host $| address", _CHECK, since="8.8.0"),
    RulesetRow("check_vrfy", "VRFY", "its argument", _CHECK, since="8.10.0"),
    RulesetRow("clt_features", "Features as a client, before a connection", "server name", "$# and letters D M",
        since="8.17.1"),
    RulesetRow("debug_dumpstate", "When sendmail is told to log its state", "nothing", "not looked at",
        since="8.8.0"),
    RulesetRow("greet_pause", "Before the greeting", "host $| address", "$# and milliseconds",
        since="8.13.0"),
    RulesetRow("oc_conc", "Open connections to a host", "host", "$# and a limit", needs="_FFR_OCC"),
    RulesetRow("oc_rate", "Rate of connections to a host", "host", "$# and a limit", needs="_FFR_OCC"),
    RulesetRow("queuegroup", "Which queue group a recipient is put in", "the recipient", "$# and the group",
        since="8.12.0"),
    RulesetRow("srv_features", "Features as a server, at a connection", "client name",
        "$# and letters, or $#temp", since="8.12.0"),
    RulesetRow("tls_client", "After STARTTLS and at MAIL, as a server", "{verify} $| STARTTLS or MAIL", _TRUST,
        since="8.11.0", needs="STARTTLS"),
    RulesetRow("tls_clt_features", "TLS settings as a client, before the handshake", "host $| address",
        "key=value; …", since="8.16.1", needs="STARTTLS"),
    RulesetRow("tls_rcpt", "Before RCPT, as a client", "the recipient", _TRUST, since="8.12.0",
        needs="STARTTLS"),
    RulesetRow("tls_server", "After STARTTLS, or before MAIL without it, as a client", "{verify}", _TRUST,
        since="8.11.0", needs="STARTTLS"),
    RulesetRow("tls_srv_features", "TLS settings as a server, before the handshake", "host $| address",
        "key=value; …", since="8.16.1", needs="STARTTLS"),
    RulesetRow("trust_auth", "AUTH= of MAIL", "its value", "$#error if it is not to be trusted", since="8.10.0",
        needs="SASL"),
    RulesetRow("try_tls", "Before STARTTLS, as a client", "server name", "$#error to go on without TLS", since="8.12.0",
        needs="STARTTLS"),
    RulesetRow("x_connect", "A connection, before check_relay", "host $| address", _CHECK,
        needs="_FFR_XCNCT"),
)  # fmt: skip
