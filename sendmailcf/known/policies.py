"""The words of sendmail's closed lists: privacy, trust in files, authentication, TLS, the resolver, and ports.

The one thing to know: the lists do not agree on how words are separated and compared; options.py says which option
takes which list, and its kind how it is read.  Facts from conf.c, readcf.c, tls.c and daemon.c of sendmail 8.17.1.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen

from ..record import Record
from .rows import Row

PRIVACY_OPTIONS: Tuple[Row, ...] = (
    Row("public", "No restriction at all"),
    Row("needmailhelo", "Refuse MAIL before HELO or EHLO"),
    Row("needexpnhelo", "Refuse EXPN before HELO or EHLO"),
    Row("needvrfyhelo", "Refuse VRFY before HELO or EHLO"),
    Row("noexpn", "Refuse EXPN, and with it VERB"),
    Row("novrfy", "Refuse VRFY"),
    Row(
        "restrictexpand",
        "Drop privileges for users who ask for -bv or -v and are not root or trusted",
        since="8.12.0",
    ),
    Row("restrictmailq", "Only members of the queue directory's group may list the queue"),
    Row("restrictqrun", "Only root and the owner of the queue directory may run the queue", since="8.6"),
    Row("noetrn", "Refuse ETRN", since="8.9.0"),
    Row("noverb", "Refuse VERB", since="8.9.0"),
    Row("authwarnings", "Add X-Authentication-Warning: fields to suspicious messages"),
    Row("noreceipts", "No delivery status notifications of success", since="8.6.9"),
    Row("nobodyreturn", "Bounces do not carry the body of the message", since="8.10.0"),
    Row(
        "goaway",
        "All flags but noreceipts, nobodyreturn, noetrn, noactualrecipient and those that begin with restrict",
    ),
    Row("noactualrecipient", "Notifications do not tell the recipient behind an alias", since="8.14.0"),
)

DONT_BLAME_SENDMAIL: Tuple[Row, ...] = (
    Row("safe", "All checks are made: clears what was set before", since="8.9.0"),
    Row("assumesafechown", "Believe that only root can give files away on this system", since="8.9.0"),
    Row("groupwritabledirpathsafe", "A directory that its group can write is taken for safe", since="8.9.0"),
    Row(
        "groupwritableforwardfilesafe",
        "A .forward file that its group can write may run programs and write files",
        since="8.9.0",
    ),
    Row(
        "groupwritableincludefilesafe",
        "An :include: file that its group can write may run programs and write files",
        since="8.9.0",
    ),
    Row("groupwritablealiasfile", "Accept an alias file that its group can write", since="8.9.0"),
    Row("worldwritablealiasfile", "Accept an alias file that everybody can write", since="8.9.0"),
    Row(
        "forwardfileinunsafedirpath",
        "Accept a .forward file below a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "includefileinunsafedirpath",
        "Accept an :include: file below a directory that others can write",
        since="8.9.0",
    ),
    Row("mapinunsafedirpath", "Accept map files below a directory that others can write", since="8.9.0"),
    Row(
        "linkedaliasfileinwritabledir",
        "Accept an alias file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "linkedclassfileinwritabledir",
        "Accept a class file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "linkedforwardfileinwritabledir",
        "Accept a .forward file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "linkedincludefileinwritabledir",
        "Accept an :include: file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "linkedmapinwritabledir",
        "Accept a map file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "linkedserviceswitchfileinwritabledir",
        "Accept a service switch file that is a link in a directory that others can write",
        since="8.9.0",
    ),
    Row("filedeliverytohardlink", "Deliver to files that have several names", since="8.9.0"),
    Row("filedeliverytosymlink", "Deliver to files that are symbolic links", since="8.9.0"),
    Row("writemaptohardlink", "Write maps to files that have several names", since="8.9.0"),
    Row("writemaptosymlink", "Write maps to files that are symbolic links", since="8.9.0"),
    Row("writestatstohardlink", "Write the statistics to a file that has several names", since="8.9.0"),
    Row("writestatstosymlink", "Write the statistics to a file that is a symbolic link", since="8.9.0"),
    Row(
        "forwardfileingroupwritabledirpath",
        "Accept a .forward file below a directory that its group can write",
        since="8.9.0",
    ),
    Row(
        "includefileingroupwritabledirpath",
        "Accept an :include: file below a directory that its group can write",
        since="8.9.0",
    ),
    Row(
        "classfileinunsafedirpath",
        "Accept a class file below a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "errorheaderinunsafedirpath",
        "Accept an error header file below a directory that others can write",
        since="8.9.0",
    ),
    Row(
        "helpfileinunsafedirpath", "Accept a help file below a directory that others can write", since="8.9.0"
    ),
    Row(
        "forwardfileinunsafedirpathsafe",
        "A .forward file below an unsafe directory may run programs and write files",
        since="8.9.0",
    ),
    Row(
        "includefileinunsafedirpathsafe",
        "An :include: file below an unsafe directory may run programs and write files",
        since="8.9.0",
    ),
    Row(
        "runprograminunsafedirpath",
        "Run programs below a directory that others can write, without a log entry",
        since="8.9.0",
    ),
    Row(
        "runwritableprogram",
        "Run programs that their group or everybody can write, without a log entry",
        since="8.9.0",
    ),
    Row(
        "nonrootsafeaddr",
        "Files and programs may be addressed although sendmail does not run as root",
        since="8.10.0",
    ),
    Row("truststickybit", "A directory that all can write is safe if its sticky bit is set", since="8.10.0"),
    Row(
        "dontwarnforwardfileinunsafedirpath",
        "No log entry for a .forward file below an unsafe directory",
        since="8.10.0",
    ),
    Row(
        "insufficiententropy",
        "Use TLS although the random numbers of the system are not good enough",
        since="8.11.0",
    ),
    Row("groupreadablesasldbfile", "Accept a SASL password file that its group can read", since="8.12.0"),
    Row("groupwritablesasldbfile", "Accept a SASL password file that its group can write", since="8.12.0"),
    Row("groupwritableforwardfile", "Read a .forward file that its group can write", since="8.12.0"),
    Row("groupwritableincludefile", "Read an :include: file that its group can write", since="8.12.0"),
    Row("worldwritableforwardfile", "Read a .forward file that everybody can write", since="8.12.0"),
    Row("worldwritableincludefile", "Read an :include: file that everybody can write", since="8.12.0"),
    Row("groupreadablekeyfile", "Accept a private TLS key that its group can read", since="8.12.0"),
    Row(
        "groupreadabledefaultauthinfofile",
        "Accept a DefaultAuthInfo file that its group can read",
        since="8.15.1",
    ),
)

AUTH_OPTIONS: Tuple[Row, ...] = (
    Row("A", "Client: send AUTH= with MAIL only after authentication succeeded"),
    Row("a", "Server: only mechanisms that resist active attacks"),
    Row("c", "Server: only mechanisms that can pass on the client's credentials"),
    Row("d", "Server: no mechanism whose passwords can be guessed from what is overheard"),
    Row("f", "Server: forward secrecy between sessions"),
    Row("m", "Server: the server must prove itself, too", since="8.13.0"),
    Row("p", "Server: no plain text mechanism unless TLS or another layer encrypts"),
    Row("y", "Server: no anonymous login"),
)

TLS_SRV_OPTIONS: Tuple[Row, ...] = (
    Row("V", "The server asks clients for no certificate"),
    Row("C", "The server may do TLS without a certificate of its own", since="8.15.1"),
)

RESOLVER_OPTIONS: Tuple[Row, ...] = (
    Row("debug", "The resolver prints what it does"),
    Row("aaonly", "Only answers of an authoritative server"),
    Row("usevc", "Ask over TCP"),
    Row("primary", "Ask the primary server only"),
    Row("igntc", "Accept answers that were cut short"),
    Row("recurse", "Ask servers to resolve the whole name"),
    Row("defnames", "Append the default domain to single words"),
    Row("stayopen", "Keep a TCP connection for further questions"),
    Row("dnsrch", "Search the local domain and its parents"),
    Row("use_inet6", "Ask for IPv6 addresses in the C library", needs="RES_USE_INET6 of the resolver"),
    Row("use_edns0", "Send EDNS0, for larger answers", needs="RES_USE_EDNS0 of the resolver"),
    Row("use_dnssec", "Ask for DNSSEC records", needs="RES_USE_DNSSEC of the resolver"),
    Row("trustad", "Believe a server that says it has checked DNSSEC", needs="RES_TRUSTAD of the resolver"),
    Row("true", "Nothing: an old way to write the option"),
    Row("HasWildcardMX", "Do not look for MX records when a name is made canonical"),
    Row(
        "WorkAroundBrokenAAAA", "Ask for other types after a server failed on an AAAA record", since="8.12.0"
    ),
)

_OLD = "Of no effect in present OpenSSL: was a way around a fault of a peer"

SSL_OPTIONS: Tuple[Row, ...] = (
    Row("SSL_OP_MICROSOFT_SESS_ID_BUG", _OLD),
    Row("SSL_OP_NETSCAPE_CHALLENGE_BUG", _OLD),
    Row("SSL_OP_LEGACY_SERVER_CONNECT", "Connect to servers without secure renegotiation"),
    Row("SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG", _OLD),
    Row("SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG", _OLD),
    Row("SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER", _OLD),
    Row("SSL_OP_MSIE_SSLV2_RSA_PADDING", _OLD),
    Row("SSL_OP_SSLEAY_080_CLIENT_DH_BUG", _OLD),
    Row("SSL_OP_TLS_D5_BUG", _OLD),
    Row("SSL_OP_TLS_BLOCK_PADDING_BUG", _OLD),
    Row("SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS",
        "No empty fragments against attacks on CBC ciphers of SSLv3 and TLSv1"),
    Row("SSL_OP_ALL", "All ways around faults of peers that are thought harmless"),
    Row("SSL_OP_NO_QUERY_MTU", "DTLS: do not ask for the size of packets"),
    Row("SSL_OP_COOKIE_EXCHANGE", "DTLS: exchange cookies"),
    Row("SSL_OP_NO_TICKET", "No session tickets"),
    Row("SSL_OP_CISCO_ANYCONNECT", "DTLS: speak as an old Cisco client does"),
    Row("SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION", "Start a new session at each renegotiation"),
    Row("SSL_OP_NO_COMPRESSION", "No compression"),
    Row("SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION",
        "Allow renegotiation with peers that cannot do it securely"),
    Row("SSL_OP_SINGLE_ECDH_USE", "A new ECDH key for each connection; always so in present OpenSSL"),
    Row("SSL_OP_SINGLE_DH_USE", "A new DH key for each connection; always so in present OpenSSL"),
    Row("SSL_OP_EPHEMERAL_RSA", _OLD),
    Row("SSL_OP_CIPHER_SERVER_PREFERENCE", "The server's order of ciphers counts, not the client's"),
    Row("SSL_OP_TLS_ROLLBACK_BUG", "Do not check the version against rollback attacks"),
    Row("SSL_OP_NO_SSLv2", "No SSLv2"),
    Row("SSL_OP_NO_SSLv3", "No SSLv3"),
    Row("SSL_OP_NO_TLSv1", "No TLSv1"),
    Row("SSL_OP_NO_TLSv1_3", "No TLSv1.3"),
    Row("SSL_OP_NO_TLSv1_2", "No TLSv1.2"),
    Row("SSL_OP_NO_TLSv1_1", "No TLSv1.1"),
    Row("SSL_OP_PKCS1_CHECK_1", _OLD),
    Row("SSL_OP_PKCS1_CHECK_2", _OLD),
    Row("SSL_OP_NETSCAPE_CA_DN_BUG", _OLD),
    Row("SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG", _OLD),
    Row("SSL_OP_CRYPTOPRO_TLSEXT_BUG", "A way around a fault of CryptoPro servers"),
    Row("SSL_OP_TLSEXT_PADDING", "Pad the client's first message against a fault of some servers"),
    Row("SSL_OP_NO_RENEGOTIATION", "No renegotiation"),
    Row("SSL_OP_NO_ANTI_REPLAY", "TLSv1.3: no protection against replayed early data"),
    Row("SSL_OP_ALLOW_NO_DHE_KEX", "TLSv1.3: allow resumption without a new key exchange"),
    Row("SSL_OP_NO_ENCRYPT_THEN_MAC", "No encrypt-then-MAC"),
    Row("SSL_OP_ENABLE_MIDDLEBOX_COMPAT", "TLSv1.3: look like TLSv1.2 to what stands in between"),
    Row("SSL_OP_PRIORITIZE_CHACHA", "Prefer ChaCha20 where the client does"),
)  # fmt: skip


@frozen(eq=False, repr=False)
class PortKeyRow(Record):
    """A key of DaemonPortOptions and ClientPortOptions.

    name: in op.me.  letters: the first letters by which sendmail knows it.  daemon, client: where it has a meaning.
    """

    name: str
    letters: str
    description: str
    daemon: bool = True
    client: bool = False
    since: str = ""
    needs: str = ""


PORT_KEYS: Tuple[PortKeyRow, ...] = (
    PortKeyRow(
        "Name", "Nn", "What the daemon is called in logs and in ${daemon_name}", client=True, since="8.10.0"
    ),
    PortKeyRow("Port", "Pp", "Port number, or name of a TCP service", client=True),
    PortKeyRow("Addr", "Aa", "Address or host name, or path of a local socket", client=True),
    PortKeyRow("Family", "Ff", "inet, inet6, unix, local, or a number", client=True),
    PortKeyRow("Listen", "Ll", "Connections that may wait; 10 by default"),
    PortKeyRow(
        "Modifiers", "Mm", "Letters that change what the daemon or client does", client=True, since="8.10.0"
    ),
    PortKeyRow("SndBufSize", "Ss", "Bytes of the TCP send buffer", client=True),
    PortKeyRow("RcvBufSize", "R", "Bytes of the TCP receive buffer", client=True),
    PortKeyRow(
        "refuseLA", "r", "Load at which this daemon refuses connections, instead of RefuseLA", since="8.14.0"
    ),
    PortKeyRow("queueLA", "q", "Load at which this daemon only queues, instead of QueueLA", since="8.14.0"),
    PortKeyRow("delayLA", "d", "Load at which this daemon slows down, instead of DelayLA", since="8.14.0"),
    PortKeyRow(
        "children", "c", "Children of this daemon at a time, instead of MaxDaemonChildren", since="8.14.0"
    ),
    PortKeyRow("DeliveryMode", "D", "First letter of a delivery mode: b, i, q or d", since="8.14.0"),
    PortKeyRow("InputMailFilters", "Ii", "Filters of this daemon, separated by semicolons", since="8.13.0"),
    PortKeyRow("SuperSafe", "T", "SuperSafe for this daemon", needs="_FFR_SS_PER_DAEMON"),
)

DAEMON_MODIFIERS: Tuple[Row, ...] = (
    Row("a", "Clients must authenticate"),
    Row("b", "Mail goes out by the interface on which it came in"),
    Row("c", "Rulesets make host names canonical"),
    Row("f", "Rulesets want a fully qualified host name"),
    Row("h", "The interface's name is used in HELO"),
    Row("r", "Rulesets want recipients with a domain"),
    Row("s", "TLS from the first byte, as for smtps", since="8.13.0"),
    Row("u", "Rulesets allow addresses without a domain"),
    Row("A", "AUTH is not offered; wins over a", since="8.12.0"),
    Row("C", "Rulesets do not make host names canonical"),
    Row("E", "ETRN is not offered"),
    Row("O", "If the socket cannot be opened, go on without it", since="8.12.0"),
    Row("S", "STARTTLS is not offered", since="8.12.0"),
)

CLIENT_MODIFIERS: Tuple[Row, ...] = (
    Row("h", "The interface's name is used in HELO"),
    Row("A", "The client does not authenticate", since="8.12.0"),
    Row("S", "The client does not use STARTTLS", since="8.12.0"),
    Row("D", "The client does not use DANE"),
    Row("M", "The client does not use MTA-STS"),
)

#: Names of SASL mechanisms: those registered with IANA that a plug-in has, and LOGIN, NTLM and XOAUTH2, which are not.
SASL_MECHANISMS: Tuple[str, ...] = (
    "EXTERNAL", "GSSAPI", "GSS-SPNEGO", "GS2-KRB5", "GS2-KRB5-PLUS", "GS2-IAKERB", "GS2-IAKERB-PLUS", "KERBEROS_V4",
    "KERBEROS_V5", "DIGEST-MD5", "CRAM-MD5", "NTLM", "OTP", "SKEY", "SRP", "PASSDSS-3DES-1", "ANONYMOUS", "LOGIN",
    "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-224", "SCRAM-SHA-224-PLUS", "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS", "SCRAM-SHA-384", "SCRAM-SHA-384-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS",
    "OAUTHBEARER", "XOAUTH", "XOAUTH2", "OPENID20", "SAML20", "SECURID", "ECDSA-NIST256P-CHALLENGE",
)  # fmt: skip
