"""Every option of sendmail, in the order of sendmail's own table.

The one thing to know: the order matters.  A name that is not in the table but begins several names is
ambiguous, and sendmail reports the first two of this order; one that begins just one is taken for it.
Facts from readcf.c of sendmail 8.17.1 and op.me; a row without `since` belongs to a build option.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen


@frozen
class OptionRow:
    """An option, or a suboption of Timeout or Milter under its full name.

    letter: the one-letter form, or "".  name: "" for the two that have only a letter.
    kind: bool, int, octal, time, text, path, words (blank separated), flags (words of a closed list),
    letters (words of which the first letter counts), letter (one of `choices` by first letter), enum,
    enum-or-bool, names (separated by commas), suboptions.
    unit: of a time without one: s, m, h or d.  choices: the values known, or ().
    needs: the compile-time condition, or "".  since: the first release known to have it, or "".
    safe: may be given on the command line without dropping privileges.
    cumulative: a repeated line adds to the first instead of replacing it.
    """

    name: str
    letter: str
    kind: str
    unit: str = ""
    choices: Tuple[str, ...] = ()
    needs: str = ""
    since: str = ""
    safe: bool = False
    cumulative: bool = False


PRIVACY = (
    "public", "needmailhelo", "needexpnhelo", "needvrfyhelo", "noexpn", "novrfy", "restrictexpand",
    "restrictmailq", "restrictqrun", "noetrn", "noverb", "authwarnings", "noreceipts", "nobodyreturn",
    "goaway", "noactualrecipient",
)  # fmt: skip

DONT_BLAME = (
    "safe", "assumesafechown", "groupwritabledirpathsafe", "groupwritableforwardfilesafe",
    "groupwritableincludefilesafe", "groupwritablealiasfile", "worldwritablealiasfile",
    "forwardfileinunsafedirpath", "includefileinunsafedirpath", "mapinunsafedirpath",
    "linkedaliasfileinwritabledir", "linkedclassfileinwritabledir", "linkedforwardfileinwritabledir",
    "linkedincludefileinwritabledir", "linkedmapinwritabledir", "linkedserviceswitchfileinwritabledir",
    "filedeliverytohardlink", "filedeliverytosymlink", "writemaptohardlink", "writemaptosymlink",
    "writestatstohardlink", "writestatstosymlink", "forwardfileingroupwritabledirpath",
    "includefileingroupwritabledirpath", "classfileinunsafedirpath", "errorheaderinunsafedirpath",
    "helpfileinunsafedirpath", "forwardfileinunsafedirpathsafe", "includefileinunsafedirpathsafe",
    "runprograminunsafedirpath", "runwritableprogram", "nonrootsafeaddr", "truststickybit",
    "dontwarnforwardfileinunsafedirpath", "insufficiententropy", "groupreadablesasldbfile",
    "groupwritablesasldbfile", "groupwritableforwardfile", "groupwritableincludefile",
    "worldwritableforwardfile", "worldwritableincludefile", "groupreadablekeyfile",
    "groupreadabledefaultauthinfofile",
)  # fmt: skip

RESOLVER = (
    "debug", "aaonly", "usevc", "primary", "igntc", "recurse", "defnames", "stayopen", "dnsrch",
    "use_inet6", "use_edns0", "use_dnssec", "trustad", "true", "HasWildcardMX", "WorkAroundBrokenAAAA",
)  # fmt: skip

SSL_OPTIONS = (
    "SSL_OP_MICROSOFT_SESS_ID_BUG", "SSL_OP_NETSCAPE_CHALLENGE_BUG", "SSL_OP_LEGACY_SERVER_CONNECT",
    "SSL_OP_NETSCAPE_REUSE_CIPHER_CHANGE_BUG", "SSL_OP_SSLREF2_REUSE_CERT_TYPE_BUG",
    "SSL_OP_MICROSOFT_BIG_SSLV3_BUFFER", "SSL_OP_MSIE_SSLV2_RSA_PADDING",
    "SSL_OP_SSLEAY_080_CLIENT_DH_BUG", "SSL_OP_TLS_D5_BUG", "SSL_OP_TLS_BLOCK_PADDING_BUG",
    "SSL_OP_DONT_INSERT_EMPTY_FRAGMENTS", "SSL_OP_ALL", "SSL_OP_NO_QUERY_MTU", "SSL_OP_COOKIE_EXCHANGE",
    "SSL_OP_NO_TICKET", "SSL_OP_CISCO_ANYCONNECT", "SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION",
    "SSL_OP_NO_COMPRESSION", "SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION", "SSL_OP_SINGLE_ECDH_USE",
    "SSL_OP_SINGLE_DH_USE", "SSL_OP_EPHEMERAL_RSA", "SSL_OP_CIPHER_SERVER_PREFERENCE",
    "SSL_OP_TLS_ROLLBACK_BUG", "SSL_OP_NO_SSLv2", "SSL_OP_NO_SSLv3", "SSL_OP_NO_TLSv1",
    "SSL_OP_NO_TLSv1_3", "SSL_OP_NO_TLSv1_2", "SSL_OP_NO_TLSv1_1", "SSL_OP_PKCS1_CHECK_1",
    "SSL_OP_PKCS1_CHECK_2", "SSL_OP_NETSCAPE_CA_DN_BUG", "SSL_OP_NETSCAPE_DEMO_CIPHER_CHANGE_BUG",
    "SSL_OP_CRYPTOPRO_TLSEXT_BUG", "SSL_OP_TLSEXT_PADDING", "SSL_OP_NO_RENEGOTIATION",
    "SSL_OP_NO_ANTI_REPLAY", "SSL_OP_ALLOW_NO_DHE_KEX", "SSL_OP_NO_ENCRYPT_THEN_MAC",
    "SSL_OP_ENABLE_MIDDLEBOX_COMPAT", "SSL_OP_PRIORITIZE_CHACHA",
)  # fmt: skip

OPTIONS: Tuple[OptionRow, ...] = (
    OptionRow("RemoteMode", ">", "text", needs="SUN_EXTENSIONS and REMOTE_MODE"),
    OptionRow("SevenBitInput", "7", "bool", since="8.7", safe=True),
    OptionRow(
        "EightBitMode", "8", "letter", choices=("pass", "mime", "strict"), needs="MIME8TO7",
        since="8.7", safe=True
    ),
    OptionRow("AliasFile", "A", "text", since="8.7", cumulative=True),
    OptionRow("AliasWait", "a", "time", unit="m", since="8.7"),
    OptionRow("BlankSub", "B", "text", since="8.7"),
    OptionRow("MinFreeBlocks", "b", "text", since="8.7", safe=True),
    OptionRow("CheckpointInterval", "C", "int", since="8.7", safe=True),
    OptionRow("HoldExpensive", "c", "bool", since="8.7"),
    OptionRow(
        "DeliveryMode", "d", "letter", choices=("background", "interactive", "queue", "defer"),
        since="8.7", safe=True
    ),
    OptionRow("ErrorHeader", "E", "text", since="8.7"),
    OptionRow(
        "ErrorMode", "e", "letter", choices=("print", "quiet", "mail", "write", "eberknet"),
        since="8.7", safe=True
    ),
    OptionRow("TempFileMode", "F", "octal", since="8.7"),
    OptionRow("SaveFromLine", "f", "bool", since="8.7"),
    OptionRow("MatchGECOS", "G", "bool", needs="MATCHGECOS (code)", since="8.7"),
    OptionRow("", "g", "text", since="<8.7"),
    OptionRow("HelpFile", "H", "path", since="8.7"),
    OptionRow("MaxHopCount", "h", "int", since="8.7"),
    OptionRow(
        "ResolverOptions", "I", "flags", choices=RESOLVER, needs="NAMED_BIND", since="8.7",
        cumulative=True
    ),
    OptionRow("IgnoreDots", "i", "bool", since="8.7", safe=True),
    OptionRow("ForwardPath", "J", "text", since="8.7"),
    OptionRow("SendMimeErrors", "j", "bool", since="8.7", safe=True),
    OptionRow("ConnectionCacheSize", "k", "int", since="8.7"),
    OptionRow("ConnectionCacheTimeout", "K", "time", unit="m", since="8.7"),
    OptionRow("UseErrorsTo", "l", "bool", since="8.7"),
    OptionRow("LogLevel", "L", "int", since="8.7", safe=True),
    OptionRow("MeToo", "m", "bool", since="8.7", safe=True),
    OptionRow("", "M", "text", since="<8.7"),
    OptionRow("CheckAliases", "n", "bool", since="8.7"),
    OptionRow("OldStyleHeaders", "o", "bool", since="8.7", safe=True),
    OptionRow("DaemonPortOptions", "O", "text", since="8.7", cumulative=True),
    OptionRow("PrivacyOptions", "p", "flags", choices=PRIVACY, since="8.7", safe=True, cumulative=True),
    OptionRow("PostmasterCopy", "P", "text", since="8.7"),
    OptionRow("QueueFactor", "q", "int", since="8.7"),
    OptionRow("QueueDirectory", "Q", "path", since="8.7"),
    OptionRow("DontPruneRoutes", "R", "bool", since="8.7"),
    OptionRow("Timeout", "r", "suboptions", unit="m", since="8.7"),
    OptionRow("StatusFile", "S", "path", since="8.7"),
    OptionRow(
        "SuperSafe", "s", "enum-or-bool", choices=("True", "False", "interactive", "postmilter"),
        needs="PostMilter needs MILTER", since="8.7", safe=True
    ),
    OptionRow("QueueTimeout", "T", "text", unit="d", since="8.7"),
    OptionRow("TimeZoneSpec", "t", "text", since="8.7"),
    OptionRow("UserDatabaseSpec", "U", "text", needs="USERDB", since="8.7"),
    OptionRow("DefaultUser", "u", "text", since="8.7"),
    OptionRow("FallbackMXhost", "V", "text", since="8.7"),
    OptionRow("Verbose", "v", "bool", since="8.7", safe=True),
    OptionRow("TryNullMXList", "w", "bool", since="8.7"),
    OptionRow("QueueLA", "x", "int", since="8.7"),
    OptionRow("RefuseLA", "X", "int", since="8.7"),
    OptionRow("RecipientFactor", "y", "int", since="8.7"),
    OptionRow("ForkEachJob", "Y", "bool", since="8.7"),
    OptionRow("ClassFactor", "z", "int", since="8.7"),
    OptionRow("RetryFactor", "Z", "int", since="8.7"),
    OptionRow(
        "QueueSortOrder", "", "letter", choices=("host", "filename", "time", "random",
        "modification", "none", "priority", "shuffle"), since="8.7", safe=True
    ),
    OptionRow("HostsFile", "", "path", since="8.7"),
    OptionRow("MinQueueAge", "", "time", unit="m", since="8.7", safe=True),
    OptionRow("DefaultCharSet", "", "text", since="8.7", safe=True),
    OptionRow("ServiceSwitchFile", "", "path", since="8.7"),
    OptionRow("DialDelay", "", "time", unit="s", since="8.7", safe=True),
    OptionRow(
        "NoRecipientAction", "", "enum", choices=("none", "add-to", "add-apparently-to", "add-bcc",
        "add-to-undisclosed"), since="8.7", safe=True
    ),
    OptionRow("SafeFileEnvironment", "", "path", since="8.7"),
    OptionRow("MaxMessageSize", "", "int", since="8.7"),
    OptionRow("ColonOkInAddr", "", "bool", since="8.7", safe=True),
    OptionRow("MaxQueueRunSize", "", "int", since="8.7", safe=True),
    OptionRow("MaxDaemonChildren", "", "int", since="8.8.0"),
    OptionRow("DontExpandCnames", "", "bool", since="8.7"),
    OptionRow("MustQuoteChars", "", "text", since="8.8.0"),
    OptionRow("SmtpGreetingMessage", "", "text", since="8.7"),
    OptionRow("UnixFromLine", "", "text", since="8.7"),
    OptionRow("OperatorChars", "", "text", since="8.7"),
    OptionRow("DontInitGroups", "", "bool", since="8.8.4"),
    OptionRow("SingleLineFromHeader", "", "bool", since="8.8.0", safe=True),
    OptionRow("AllowBogusHELO", "", "bool", since="8.8.0", safe=True),
    OptionRow("ConnectionRateThrottle", "", "int", since="8.8.0"),
    OptionRow("UnsafeGroupWrites", "", "bool", since="8.8.0"),
    OptionRow("DoubleBounceAddress", "", "text", since="8.8.0"),
    OptionRow("HostStatusDirectory", "", "path", since="8.8.0"),
    OptionRow("SingleThreadDelivery", "", "bool", since="8.8.0"),
    OptionRow("RunAsUser", "", "text", since="8.8.0"),
    OptionRow("RrtImpliesDsn", "", "bool", since="8.10.0"),
    OptionRow("PidFile", "", "path", since="8.10.0"),
    OptionRow("DontBlameSendmail", "", "flags", choices=DONT_BLAME, since="8.9.0", cumulative=True),
    OptionRow(
        "DontProbeInterfaces", "", "enum-or-bool", choices=("True", "False", "loopback"),
        since="8.9.0"
    ),
    OptionRow("MaxRecipientsPerMessage", "", "int", since="8.9.0", safe=True),
    OptionRow("DeadLetterDrop", "", "path", since="8.10.0"),
    OptionRow("DontLockFilesForRead", "", "bool", needs="_FFR_DONTLOCKFILESFORREAD_OPTION"),
    OptionRow("MaxAliasRecursion", "", "int", since="8.10.0"),
    OptionRow("ConnectOnlyTo", "", "text", needs="NETINET or NETINET6"),
    OptionRow("TrustedUser", "", "text", since="8.10.0"),
    OptionRow("MaxMimeHeaderLength", "", "text", since="8.10.0"),
    OptionRow("ControlSocketName", "", "path", since="8.10.0"),
    OptionRow("MaxHeadersLength", "", "int", since="8.10.0"),
    OptionRow("MaxForwardEntries", "", "int", needs="_FFR_MAX_FORWARD_ENTRIES"),
    OptionRow("ProcessTitlePrefix", "", "text", since="8.10.0"),
    OptionRow("DefaultAuthInfo", "", "path", needs="SASL", since="8.10.0"),
    OptionRow("AuthMechanisms", "", "words", needs="SASL", since="8.10.0"),
    OptionRow("ClientPortOptions", "", "text", since="8.10.0", cumulative=True),
    OptionRow("DataFileBufferSize", "", "int", since="8.10.0"),
    OptionRow("XscriptFileBufferSize", "", "int", since="8.10.0"),
    OptionRow("LDAPDefaultSpec", "", "text", needs="LDAPMAP", since="8.10.0"),
    OptionRow("ServerCertFile", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("ServerKeyFile", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("ClientCertFile", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("ClientKeyFile", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("CACertFile", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("CACertPath", "", "path", needs="STARTTLS", since="8.11.0"),
    OptionRow("DHParameters", "", "text", needs="STARTTLS", since="8.11.0"),
    OptionRow("InputMailFilters", "", "names", needs="MILTER", since="8.12.0"),
    OptionRow("Milter", "", "suboptions", needs="MILTER", since="8.12.0"),
    OptionRow(
        "AuthOptions", "", "letters", choices=("A", "a", "c", "d", "f", "m", "p", "y"),
        needs="SASL", since="8.10.0", cumulative=True
    ),
    OptionRow("QueueFileMode", "", "octal", since="8.12.0"),
    OptionRow("CertFingerprintAlgorithm", "", "text", needs="STARTTLS", since="8.15.1"),
    OptionRow("CipherList", "", "text", needs="STARTTLS", since="8.15.1"),
    OptionRow("RandFile", "", "text", needs="STARTTLS", since="8.11.0"),
    OptionRow(
        "TLSSrvOptions", "", "letters", choices=("V", "C"), needs="STARTTLS", since="8.12.0",
        cumulative=True
    ),
    OptionRow("BadRcptThrottle", "", "int", since="8.12.0", safe=True),
    OptionRow("DeliverByMin", "", "time", unit="s", since="8.12.0"),
    OptionRow("MaxQueueChildren", "", "int", since="8.12.0"),
    OptionRow("MaxRunnersPerQueue", "", "int", since="8.12.0"),
    OptionRow("DirectSubmissionModifiers", "", "text", since="8.12.0"),
    OptionRow("NiceQueueRun", "", "int", needs="HASNICE", since="8.12.0"),
    OptionRow("SharedMemoryKey", "", "int", needs="SM_CONF_SHM", since="8.12.0"),
    OptionRow("AuthMaxBits", "", "int", needs="SASL", since="8.12.0"),
    OptionRow("MailboxDatabase", "", "text", since="8.12.0"),
    OptionRow("UseMSP", "", "bool", since="8.12.0"),
    OptionRow("DelayLA", "", "int", since="8.12.0"),
    OptionRow("FastSplit", "", "int", since="8.12.0"),
    OptionRow("SoftBounce", "", "bool", since="8.14.0"),
    OptionRow("SharedMemoryKeyFile", "", "path", needs="SM_CONF_SHM", since="8.14.0"),
    OptionRow("RejectLogInterval", "", "time", unit="h", since="8.13.0"),
    OptionRow("RequiresDirfsync", "", "bool", needs="REQUIRES_DIR_FSYNC (else ignored)", since="8.13.0"),
    OptionRow("ConnectionRateWindowSize", "", "time", unit="s", since="8.13.0"),
    OptionRow("CRLFile", "", "path", needs="STARTTLS", since="8.13.0"),
    OptionRow("FallbackSmartHost", "", "text", since="8.13.0"),
    OptionRow("AuthRealm", "", "text", needs="SASL", since="8.13.0"),
    OptionRow("CRLPath", "", "path", needs="STARTTLS", since="8.16.1"),
    OptionRow("HeloName", "", "text", since="8.14.0"),
    OptionRow("RefuseLowMem", "", "int", needs="_FFR_MEMSTAT"),
    OptionRow("QueueLowMem", "", "int", needs="_FFR_MEMSTAT"),
    OptionRow("MemoryResource", "", "text", needs="_FFR_MEMSTAT"),
    OptionRow("MaxNOOPCommands", "", "int", since="8.14.0"),
    OptionRow("MessageAccept", "", "text", needs="_FFR_MSG_ACCEPT"),
    OptionRow("CheckQueueRunners", "", "int", needs="_FFR_QUEUE_RUN_PARANOIA"),
    OptionRow("EightBitAddrOK", "", "bool", needs="_FFR_EIGHT_BIT_ADDR_OK"),
    OptionRow("AddrTypeModes", "", "bool", needs="_FFR_ADDR_TYPE_MODES"),
    OptionRow("BadRcptShutdown", "", "int", needs="_FFR_BADRCPT_SHUTDOWN", safe=True),
    OptionRow("BadRcptShutdownGood", "", "int", needs="_FFR_BADRCPT_SHUTDOWN", safe=True),
    OptionRow(
        "ServerSSLOptions", "", "flags", choices=SSL_OPTIONS, needs="STARTTLS", since="8.15.1",
        cumulative=True
    ),
    OptionRow(
        "ClientSSLOptions", "", "flags", choices=SSL_OPTIONS, needs="STARTTLS", since="8.15.1",
        cumulative=True
    ),
    OptionRow("MaxQueueAge", "", "time", unit="m", since="8.15.1"),
    OptionRow("BadRcptThrottleDelay", "", "int", needs="_FFR_RCPTTHROTDELAY", safe=True),
    OptionRow("InetQoS", "", "text", needs="disabled in the source"),
    OptionRow("FIPSMode", "", "bool", needs="STARTTLS and _FFR_FIPSMODE"),
    OptionRow("RejectNUL", "", "bool", needs="_FFR_REJECT_NUL_BYTE", safe=True),
    OptionRow("BounceQueue", "", "text", needs="_FFR_BOUNCE_QUEUE"),
    OptionRow("AddBcc", "", "bool", needs="_FFR_ADD_BCC"),
    OptionRow("UseCompressedIPv6Addresses", "", "bool", since="8.15.2"),
    OptionRow("SSLEngine", "", "text", needs="STARTTLS, not OPENSSL_NO_ENGINE", since="8.16.1"),
    OptionRow("SSLEnginePath", "", "path", needs="STARTTLS, not OPENSSL_NO_ENGINE", since="8.16.1"),
    OptionRow("TLSFallbacktoClear", "", "bool", needs="STARTTLS", since="8.16.1"),
    OptionRow("NameServer", "", "text", needs="DNSSEC_TEST"),
    OptionRow("DANE", "", "enum-or-bool", choices=("True", "False", "always"), needs="DANE", since="8.16.1"),
    OptionRow("NameSearchList", "", "text", needs="DNSSEC_TEST"),
    OptionRow("Hacks", "", "int", needs="_FFR_BLANKENV_MACV"),
    OptionRow("KeepBcc", "", "bool", needs="_FFR_KEEPBCC"),
    OptionRow("ClientCACertFile", "", "path", needs="_FFR_CLIENTCA and STARTTLS"),
    OptionRow("ClientCACertPath", "", "path", needs="_FFR_CLIENTCA and STARTTLS"),
    OptionRow("SetCertAltnames", "", "bool", needs="_FFR_TLS_ALTNAMES"),
    OptionRow(
        "SmtpUTF8", "", "text", needs="USE_EAI (else true is an error and false a warning)",
        since="8.17.1"
    ),
    OptionRow("StrictTransportSecurity", "", "bool", needs="_FFR_MTA_STS", since="8.17.1"),
    OptionRow("CipherSuites", "", "text", needs="STARTTLS with TLS 1.3 (MTA_HAVE_TLSv1_3)"),
    OptionRow("Timeout.initial", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.mail", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.rcpt", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.datainit", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.datablock", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.datafinal", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.command", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.rset", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.helo", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.quit", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.misc", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.ident", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.fileopen", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.connect", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.iconnect", "", "time", unit="m"),
    OptionRow("Timeout.aconnect", "", "time", unit="m"),
    OptionRow("Timeout.control", "", "time", unit="m"),
    OptionRow("Timeout.lhlo", "", "time", unit="m"),
    OptionRow("Timeout.auth", "", "time", unit="m", needs="SASL"),
    OptionRow("Timeout.starttls", "", "time", unit="m", needs="STARTTLS"),
    OptionRow("Timeout.hoststatus", "", "time", unit="m", since="8.7"),
    OptionRow("Timeout.queuewarn", "", "time", unit="h", since="8.7"),
    OptionRow("Timeout.queuewarn.*", "", "time", unit="h", since="8.7"),
    OptionRow("Timeout.queuewarn.normal", "", "time", unit="h", since="8.7"),
    OptionRow("Timeout.queuewarn.urgent", "", "time", unit="h", since="8.7"),
    OptionRow("Timeout.queuewarn.non-urgent", "", "time", unit="h", since="8.7"),
    OptionRow("Timeout.queuewarn.dsn", "", "time", unit="h", since="8.13.0"),
    OptionRow("Timeout.queuereturn", "", "time", unit="d", since="8.7"),
    OptionRow("Timeout.queuereturn.*", "", "time", unit="d", since="8.7"),
    OptionRow("Timeout.queuereturn.normal", "", "time", unit="d", since="8.7"),
    OptionRow("Timeout.queuereturn.urgent", "", "time", unit="d", since="8.7"),
    OptionRow("Timeout.queuereturn.non-urgent", "", "time", unit="d", since="8.7"),
    OptionRow("Timeout.queuereturn.dsn", "", "time", unit="d", since="8.13.0"),
    OptionRow("Timeout.resolver.retrans", "", "time", unit="s", since="8.10.0"),
    OptionRow("Timeout.resolver.retrans.normal", "", "time", unit="s", since="8.10.0"),
    OptionRow("Timeout.resolver.retrans.first", "", "time", unit="s", since="8.10.0"),
    OptionRow("Timeout.resolver.retry", "", "int", since="8.10.0"),
    OptionRow("Timeout.resolver.retry.normal", "", "int", since="8.10.0"),
    OptionRow("Timeout.resolver.retry.first", "", "int", since="8.10.0"),
    OptionRow("Milter.LogLevel", "", "int", needs="MILTER", since="8.12.0"),
    OptionRow("Milter.macros.connect", "", "words", needs="MILTER", since="8.12.0"),
    OptionRow("Milter.macros.helo", "", "words", needs="MILTER", since="8.12.0"),
    OptionRow("Milter.macros.envfrom", "", "words", needs="MILTER", since="8.12.0"),
    OptionRow("Milter.macros.envrcpt", "", "words", needs="MILTER", since="8.12.0"),
    OptionRow("Milter.macros.data", "", "words", needs="MILTER", since="8.14.1"),
    OptionRow("Milter.macros.eoh", "", "words", needs="MILTER", since="8.14.1"),
    OptionRow("Milter.macros.eom", "", "words", needs="MILTER", since="8.12.0"),
)
