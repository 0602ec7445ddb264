"""Equates and flags of mailers, and the mailers that sendmail has of itself.

The one thing to know: any character may be a flag; those without a meaning here are for H lines.  Facts from mailer
definitions in readcf.c, deliver.c and conf.c of sendmail 8.17.1 and op.me.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen

from ..record import Record
from .rows import Row


@frozen(eq=False, repr=False)
class EquateRow(Record):
    """A key of an M, Q or X line.

    letter: all that sendmail looks at.  name: the whole word in op.me.  kind: path, flags, arguments, rulesets, text,
    int, time, types, paths, user, name, socket or timeouts.  unit: of a time without one.  default: what holds
    without it.
    """

    letter: str
    name: str
    kind: str
    description: str
    default: str = ""
    unit: str = ""
    since: str = ""
    needs: str = ""


MAILER_EQUATES: Tuple[EquateRow, ...] = (
    EquateRow("P", "Path", "path", "The program, or [IPC] for the network, or [FILE]; required"),
    EquateRow("F", "Flags", "flags", "Flags, each a character; several of them on a line add up"),
    EquateRow("A", "Argv", "arguments", "The arguments, macros expanded at delivery; required"),
    EquateRow("S", "Sender", "rulesets", "Rulesets for senders, of envelope/header"),
    EquateRow("R", "Recipient", "rulesets", "Rulesets for recipients, of envelope/header"),
    EquateRow("E", "Eol", "text", "End of a line", default="\\n if A has $u, else \\r\\n"),
    EquateRow("L", "Linelimit", "int", "Longest line, bytes; longer ones are broken",
        default="0, for no limit"),
    EquateRow("M", "Maxsize", "int", "Largest message, bytes", default="0, for no limit"),
    EquateRow("m", "maxmessages", "int", "Messages in one connection", default="0, for no limit",
        since="8.10.0"),
    EquateRow("r", "recipients", "int", "Recipients in one envelope", default="100", since="8.12.0"),
    EquateRow("N", "Nice", "int", "Added to the priority of the program, as nice does", default="0"),
    EquateRow("C", "Charset", "text", "Character set of eight-bit text without one",
        default="DefaultCharSet"),
    EquateRow("T", "Type", "types", "Types of MTA, address and diagnostic in notifications",
        default="dns/rfc822/smtp"),
    EquateRow("D", "Directory", "paths", "Directories to try as the working directory, separated by colons"),
    EquateRow("U", "Userid", "user", "User, or user:group, of the program; the group as a number",
        default="DefaultUser"),
    EquateRow("W", "Wait", "time", "How long to wait for the program", unit="s", default="0, for ever",
        since="8.10.0"),
    EquateRow("Q", "Queuegroup", "name", "Queue group of its messages", since="8.12.0"),
    EquateRow("/", "", "path", "Directory that is / for the program", since="8.10.0"),
)  # fmt: skip

MAILER_FLAGS: Tuple[Row, ...] = (
    Row("!", "No special handling of messages that MH made", since="8.14.8"),
    Row("%", "Hold messages until ETRN or a queue run that asks for them", since="8.10.0"),
    Row("+", "Kept for m4"),
    Row("-", "Kept for m4"),
    Row("/", "Addresses that begin with / are files"),
    Row("0", "Do not look up MX records", since="8.8.0"),
    Row("1", "Strip NUL bytes", since="8.12.0"),
    Row("2", "Speak SMTP although ESMTP is offered", since="8.12.0"),
    Row("3", "Quoted-printable escapes what EBCDIC changes, too", since="8.7"),
    Row("5", "Ruleset 5 for recipients without an alias", since="8.7"),
    Row("6", "Strip header fields to seven bits", since="8.10.0"),
    Row("7", "Strip everything to seven bits"),
    Row("8", "Eight-bit data may be sent as it is", since="8.7"),
    Row("9", "Turn seven-bit MIME back into eight bits, where it can be done", since="8.7"),
    Row(":", "Addresses that begin with :include: are lists"),
    Row("@", "Addresses are looked up in the user database"),
    Row("A", "Addresses may have aliases"),
    Row("B", "Strip all backslashes at the beginning of an address", since="8.13.0"),
    Row("C", "Addresses without a domain get the sender's"),
    Row("D", "Wants Date:, for H lines"),
    Row("E", "Put > before lines that begin with From"),
    Row("F", "Wants From:, for H lines"),
    Row("H", "Preview the header, for mail11"),
    Row("I", "Deprecated: a log entry and nothing else"),
    Row("K", "Kept: has no effect"),
    Row("L", "Lines of 990 bytes at most"),
    Row("M", "Wants Message-Id:, for H lines"),
    Row("N", "A status for each recipient after DATA, for mail11"),
    Row("P", "Wants Return-Path:, for H lines"),
    Row("R", "Connect from a port below 1024"),
    Row("S", "Run as the user that is set, not as the caller"),
    Row("U", "From lines with remote from, for UUCP"),
    Row("V", "Addresses are made relative for UUCP, by generated rules"),
    Row("W", "Do not look at the stored state of hosts", since="8.13.0"),
    Row("X", "A line that begins with a dot gets another, as in SMTP"),
    Row("Z", "DialDelay applies", since="8.12.0"),
    Row("a", "Speak ESMTP"),
    Row("b", "An empty line at the end of a message"),
    Row("c", "No comments in addresses"),
    Row("d", "No angle brackets around addresses with a route", since="8.7"),
    Row("e", "Expensive: see HoldExpensive"),
    Row("f", "Give the sender with -f"),
    Row("g", "Bounces come from $g, not from <>"),
    Row("h", "Keep upper case in host names"),
    Row("i", "Senders of the envelope are looked up in the user database"),
    Row("j", "Recipients are looked up in the user database"),
    Row("k", "Connect to oneself without an error"),
    Row("l", "Local: delivery is final"),
    Row("m", "Several recipients at once"),
    Row("n", "No From line at the top"),
    Row("o", "Run as the recipient"),
    Row("p", "MAIL names the route back"),
    Row("q", "VRFY answers 250, not 252"),
    Row("r", "Give the sender with -r"),
    Row("s", "Strip quotes"),
    Row("u", "Keep upper case in user names"),
    Row("v", "Content-Length: is added"),
    Row("w", "The user must have an account"),
    Row("x", "Wants Full-Name:, for H lines"),
    Row("z", "Speak LMTP", since="8.9.0"),
    Row("|", "Addresses that begin with | are programs"),
    Row("~", "The home directory must exist", needs="IRIX"),
)

#: Mailers that exist without an M line.
PREDEFINED_MAILERS: Tuple[Row, ...] = (
    Row("prog", "Programs in aliases: /bin/sh"),
    Row("*file*", "Files in aliases: [FILE]"),
    Row("*include*", "Lists in aliases"),
    Row("error", "Only in rules: the message is refused"),
    Row("discard", "Only in rules: the message is thrown away", since="8.9.0"),
)
