"""Macros and classes that sendmail sets or reads itself, and the symbols of rules.

The one thing to know: symbols such as `$*` and `$1` are macros, too.  A D line of such a name takes the symbol away
from all rules below it.  Facts from conf.c, readcf.c, macro.c, main.c, srvrsmtp.c, tls.c and sasl.c of sendmail 8.17.1.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen

from ..record import Record
from .rows import Row


@frozen(eq=False, repr=False)
class MacroRow(Record):
    """A macro.

    name: without braces.  set_by: "start" (when sendmail starts; a file may define it anew), "message" (while it works;
    the last value wins), or "file" (only a file sets it, and sendmail reads it).
    """

    name: str
    set_by: str
    description: str
    since: str = ""
    needs: str = ""


MACROS: Tuple[MacroRow, ...] = (
    MacroRow("_", "message", "The sender's user and host as far as they were verified"),
    MacroRow("a", "message", "Date in the message's Date: field, RFC 5322 form"),
    MacroRow("b", "start", "The time now, RFC 5322 form"),
    MacroRow("c", "message", "Hops of the message so far"),
    MacroRow("d", "message", "Date of the message as ctime prints it"),
    MacroRow("e", "file", "Greeting of the SMTP server below level 7; then SmtpGreetingMessage"),
    MacroRow("f", "message", "The sender as the envelope came in"),
    MacroRow("g", "message", "The sender as the recipient may reply to it"),
    MacroRow("h", "message", "Host of the recipient"),
    MacroRow("i", "message", "Queue identifier"),
    MacroRow("j", "start", "The official host name; must contain a dot"),
    MacroRow("k", "start", "The host's UUCP name"),
    MacroRow("l", "file", "Form of the From line below level 7; then UnixFromLine"),
    MacroRow("m", "start", "The domain of the host's name"),
    MacroRow("n", "start", "The sender of bounces; MAILER-DAEMON"),
    MacroRow("o", "file", "Operator characters below level 7; then OperatorChars"),
    MacroRow("p", "message", "Process number"),
    MacroRow("q", "file", "Form of a sender's address, below level 7"),
    MacroRow("r", "message", "Protocol by which the message came in"),
    MacroRow("s", "message", "Name that the sending host gave with HELO"),
    MacroRow("t", "message", "The time now as digits, year to minute"),
    MacroRow("u", "message", "User of the recipient; in A= it makes a mailer one of programs"),
    MacroRow("v", "start", "Version of the binary"),
    MacroRow("w", "start", "The host's name; from level 5 on without its domain"),
    MacroRow("x", "message", "Full name of the sender"),
    MacroRow("y", "message", "Terminal of the sender"),
    MacroRow("z", "message", "Home directory of the recipient"),
    MacroRow("addr_type", "message", "e or h for addresses of envelope or header, and s or r for sender or recipient",
        since="8.12.0"),
    MacroRow("alg_bits", "message", "Bits of the TLS cipher's algorithm", since="8.11.0", needs="STARTTLS"),
    MacroRow("auth_authen", "message", "User who authenticated", since="8.10.0", needs="SASL"),
    MacroRow("auth_author", "message", "User in AUTH= of MAIL", since="8.10.0", needs="SASL"),
    MacroRow("auth_ssf", "message", "Bits of the SASL layer", since="8.11.0", needs="SASL"),
    MacroRow("auth_type", "message", "Mechanism of authentication", since="8.10.0", needs="SASL"),
    MacroRow("bodytype", "message", "BODY= of MAIL", since="8.8.0"),
    MacroRow("cert_altnames", "message", "Alternative names in the peer's certificate",
        needs="_FFR_TLS_ALTNAMES"),
    MacroRow("cert_fp", "message", "Fingerprint of the peer's certificate", since="8.15.1", needs="STARTTLS"),
    MacroRow("cert_issuer", "message", "Issuer of the peer's certificate", since="8.11.0", needs="STARTTLS"),
    MacroRow("cert_md5", "message", "MD5 of the peer's certificate", since="8.12.0", needs="STARTTLS"),
    MacroRow("cert_subject", "message", "Subject of the peer's certificate", since="8.11.0",
        needs="STARTTLS"),
    MacroRow("cipher", "message", "TLS cipher", since="8.11.0", needs="STARTTLS"),
    MacroRow("cipher_bits", "message", "Bits of the TLS key", since="8.11.0", needs="STARTTLS"),
    MacroRow("client_addr", "message", "Address of the client", since="8.8.0"),
    MacroRow("client_connections", "message", "Open connections of the client", since="8.13.0"),
    MacroRow("client_flags", "message", "Modifiers of ClientPortOptions for this connection", since="8.12.0"),
    MacroRow("client_name", "message", "Name of the client, [address] if it has none", since="8.8.0"),
    MacroRow("client_port", "message", "Port of the client", since="8.8.0"),
    MacroRow("client_ptr", "message", "Name that the client's address gives", since="8.13.0"),
    MacroRow("client_rate", "message", "Connections of the client in the rate window", since="8.13.0"),
    MacroRow("client_resolve", "message", "How looking up the client went: OK, FAIL, FORGED or TEMP",
        since="8.10.0"),
    MacroRow("cn_issuer", "message", "Common name of the certificate's issuer", since="8.12.0",
        needs="STARTTLS"),
    MacroRow("cn_subject", "message", "Common name of the certificate's subject", since="8.12.0",
        needs="STARTTLS"),
    MacroRow("currHeader", "message", "Text of the field that a header check looks at", since="8.10.0"),
    MacroRow("daemon_addr", "message", "Address on which the daemon listens", since="8.10.0"),
    MacroRow("daemon_family", "message", "Address family of the daemon", since="8.10.0"),
    MacroRow("daemon_flags", "message", "Modifiers of the daemon, a blank between them", since="8.10.0"),
    MacroRow("daemon_info", "message", "What the daemon does, as in the list of processes", since="8.10.0"),
    MacroRow("daemon_name", "message", "Name of the daemon", since="8.10.0"),
    MacroRow("daemon_port", "message", "Port on which the daemon listens", since="8.10.0"),
    MacroRow("deliveryMode", "message", "Letter of the delivery mode", since="8.10.0"),
    MacroRow("dsn_envid", "message", "ENVID= of MAIL", since="8.10.0"),
    MacroRow("dsn_notify", "message", "NOTIFY= of RCPT", since="8.10.0"),
    MacroRow("dsn_ret", "message", "RET= of MAIL", since="8.10.0"),
    MacroRow("envid", "message", "Envelope identifier of the sender", since="8.8.0"),
    MacroRow("hdr_name", "message", "Name of the field that a header check looks at", since="8.10.0"),
    MacroRow("hdrlen", "message", "Length of that field, bytes", since="8.10.0"),
    MacroRow("if_addr", "message", "Address of the interface on which a connection came in", since="8.10.0"),
    MacroRow("if_addr_out", "message", "Address of the interface by which a connection goes out",
        since="8.12.0"),
    MacroRow("if_family", "message", "Address family of if_addr", since="8.10.0"),
    MacroRow("if_family_out", "message", "Address family of if_addr_out", since="8.12.0"),
    MacroRow("if_name", "message", "Name of if_addr", since="8.10.0"),
    MacroRow("if_name_out", "message", "Name of if_addr_out", since="8.12.0"),
    MacroRow("load_avg", "message", "Load of the host", since="8.10.0"),
    MacroRow("mail_addr", "message", "User part of the sender as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("mail_from", "message", "Sender as MAIL gave it"),
    MacroRow("mail_host", "message", "Host part of the sender as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("mail_mailer", "message", "Mailer of the sender as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("msg_id", "message", "Message-Id: of the message", since="8.13.0"),
    MacroRow("msg_size", "message", "SIZE= of MAIL, then bytes of the message", since="8.10.0"),
    MacroRow("nbadrcpts", "message", "Refused recipients of the message", since="8.13.0"),
    MacroRow("nrcpts", "message", "Accepted recipients of the message", since="8.10.0"),
    MacroRow("ntries", "message", "Attempts to deliver", since="8.10.0"),
    MacroRow("opMode", "start", "Letter after -b", since="8.7"),
    MacroRow("quarantine", "message", "Why the message is in quarantine", since="8.13.0"),
    MacroRow("queue_interval", "start", "Time of -q", since="8.10.0"),
    MacroRow("rcpt_addr", "message", "User part of the recipient as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("rcpt_flags", "message", "Flags of the recipient", needs="not in stock builds"),
    MacroRow("rcpt_host", "message", "Host part of the recipient as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("rcpt_mailer", "message", "Mailer of the recipient as ruleset 0 resolved it", since="8.10.0"),
    MacroRow("sendmailMTACluster", "file", "Name of the cluster in LDAP searches", since="8.12.0"),
    MacroRow("server_addr", "message", "Address of the server, as a client", since="8.11.0"),
    MacroRow("server_name", "message", "Name of the server, as a client: the key of its credentials",
        since="8.11.0"),
    MacroRow("sts_sni", "message", "Name for SNI of an MTA-STS policy", needs="_FFR_MTA_STS"),
    MacroRow("time", "message", "Seconds since 1970", since="8.13.0"),
    MacroRow("tls_version", "message", "Version of TLS", since="8.11.0", needs="STARTTLS"),
    MacroRow("total_rate", "message", "Connections of all clients in the rate window", since="8.13.0"),
    MacroRow("verify", "message", "How checking the peer's certificate went: OK, NO, NOT, FAIL, NONE, TEMP, and more",
        since="8.11.0", needs="STARTTLS"),
)  # fmt: skip


CLASSES: Tuple[Row, ...] = (
    Row("b", "MIME types whose body is eight-bit data", needs="compiled in"),
    Row("e", "Content-Transfer-Encodings that can be encoded anew; 7bit, 8bit and binary at the start"),
    Row("k", "UUCP names of the host; from the start"),
    Row("m", "Domains of the host; from the start"),
    Row("n", "MIME types that are never encoded anew; multipart/signed at the start"),
    Row("q", "MIME types that are never made base64"),
    Row("s", "Subtypes of message that are looked into; rfc822 at the start"),
    Row("t", "Trusted users, who may set a sender without a warning; from T lines, too"),
    Row("w", "Names of the host, whose mail is local; names and addresses of interfaces are added"),
    Row("checkMIMEFieldHeaders", "Fields whose parameters are checked for length, name and text"),
    Row("checkMIMEHeaders", "Fields that are checked as MIME fields of the whole"),
    Row("checkMIMETextHeaders", "Fields whose text is checked for length"),
    Row("persistentMacros", "Macros that are kept in queue files", since="8.10.0"),
)  # fmt: skip


@frozen(eq=False, repr=False)
class SymbolRow(Record):
    """A symbol of rules: what it is on each side, "" where sendmail refuses it."""

    name: str
    left: str
    right: str


SYMBOLS: Tuple[SymbolRow, ...] = (
    SymbolRow("$*", "Zero or more tokens", ""),
    SymbolRow("$+", "One or more tokens", ""),
    SymbolRow("$-", "Exactly one token", ""),
    SymbolRow("$=x", "One or more tokens that are a member of class x", ""),
    SymbolRow("$~x", "One token that is no member of class x", ""),
    SymbolRow("$@", "Nothing: the workspace has no more tokens",
        "At the start, return; elsewhere a host or argument follows"),
    SymbolRow("$1", "", "What the first wildcard matched; to $9"),
    SymbolRow("$#", "Itself, where a ruleset has resolved an address", "A mailer follows; ends all rulesets"),
    SymbolRow("$:", "", "At the start, apply once; elsewhere a user or default follows"),
    SymbolRow("$>", "", "Call the ruleset that follows with the rest"),
    SymbolRow("$[", "", "Begin a lookup in the map host"),
    SymbolRow("$]", "", "End of a lookup in the map host"),
    SymbolRow("$(", "", "Begin a lookup in the map that follows"),
    SymbolRow("$)", "", "End of a lookup"),
    SymbolRow("$|", "Itself, between the parts that sendmail gives to a hook", "Itself"),
    SymbolRow("$&x", "The tokens of the value at the time; nothing if undefined",
        "The tokens of the value at the time"),
    SymbolRow("$?x", "What follows if x is set when the rule is read",
        "What follows if x is set when the rule is read"),
    SymbolRow("$.", "End of $?x", "End of $?x"),
)  # fmt: skip
