"""PM: who may read and change the files, and what the host gives away.

The one thing to know: sendmail refuses what others could change, and never looks at who can read a secret; both are
judged here, the one as it does, the other as it should be.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Union

from ...nodes import ClassWords, Option, RewritingRule, TrustedUsers, bare, value_of
from ...values import option_row
from ..chain import told
from ..context import Context
from ..documents import CLASS_FILE, PlainLine
from ..problem import Severity
from ..rule import Found, rule

#: Domains under which anybody can have a name.
_WIDE = frozenset(
    """
    com net org edu gov mil int info biz name mobi app dev io co online shop site xyz top club cloud
    de uk fr nl it es ru pl ch at be se no dk fi cz in cn jp kr br mx ca au nz za eu us
    """.split()  # noqa: SIM905
)
#: Users of the system that usually may set the sender.
_SYSTEM_USERS = frozenset(
    """
    root daemon uucp mail mailnull smmsp smmta sendmail www www-data apache nobody news majordom
    majordomo listserv mailman list postmaster bin adm
    """.split()  # noqa: SIM905
)


@rule(
    "PM001", "perm-cf", Severity.WARNING, consequence="sendmail warns, and whoever can write it becomes root"
)
def perm_cf(context: Context) -> Iterator[Found]:
    """sendmail.cf can be written by its group or by everybody.

    Bad:
        --- /etc/mail/sendmail.cf mode=0664
        O AuthMechanisms=PLAIN
    Good:
        --- /etc/mail/sendmail.cf mode=0644
        O AuthMechanisms=PLAIN
    """
    facts = context.file(context.path) if context.path else None
    if facts is not None and facts.data is not None and facts.mode & 0o022:
        yield Found(None, f"{context.path} has mode {facts.mode:04o}: others can write it")


@rule(
    "PM002",
    "perm-key",
    Severity.WARNING,
    Option,
    consequence="sendmail does not use it, and has no STARTTLS then",
)
def perm_key(context: Context, index: int, node: Option) -> Iterator[Found]:
    """The file of a private key can be read by others than its owner.

    sendmail says so in its log when it starts.  DontBlameSendmail=GroupReadableKeyFile allows it to the group.

    Bad:
        --- /etc/mail/sendmail.cf
        O ServerKeyFile=/etc/mail/certs/host.key
        --- /etc/mail/certs/host.key mode=0644
        invented
    Good:
        --- /etc/mail/sendmail.cf
        O ServerKeyFile=/etc/mail/certs/host.key
        --- /etc/mail/certs/host.key mode=0600
        invented
    """
    row = option_row(node.name)
    if context.facts is None or row is None or row.name not in ("ServerKeyFile", "ClientKeyFile"):
        return
    from ...relay.permissions import blamed

    bits = 0o007 if "groupreadablekeyfile" in blamed(context.cf) else 0o077
    for path in value_of(node.value).split(","):
        facts = context.file(path.strip(" "))
        if facts is not None and facts.data is not None and facts.mode & bits:
            yield Found(index, f"{facts.path} has mode {facts.mode:04o}")


@rule(
    "PM003", "privacy-none", Severity.INFO, consequence="VRFY and EXPN tell which users and lists there are"
)
def privacy_none(context: Context) -> Iterator[Found]:
    """sendmail listens, and PrivacyOptions is not set.

    Bad:
        O DaemonPortOptions=Name=MTA
    Good:
        O DaemonPortOptions=Name=MTA
        O PrivacyOptions=goaway
    """
    if context.cf.options.all("DaemonPortOptions") and not context.cf.options.all("PrivacyOptions"):
        yield Found(None, "PrivacyOptions is not set")


def _below(context: Context) -> bool:
    """Whether the rules let hosts below those of class R relay."""
    config = context.config
    return config is None or any("$* $=R" in node.lhs for _, node in config.of_kind(RewritingRule))


def _is_wide(word: str) -> bool:
    return word.strip(".").lower() in _WIDE or word in (".", "*", "0")


@rule(
    "PM004",
    "relay-open",
    Severity.WARNING,
    ClassWords,
    consequence="mail from or to anybody there is relayed",
)
def relay_open(context: Context, index: int, node: ClassWords) -> Iterator[Found]:
    """Class R, whose domains may relay through this host, has a top-level domain.

    All hosts below a domain of that class may relay, unless the file was made with FEATURE(relay_hosts_only).

    Bad:
        CR com
        SRelay_ok
        R$* $=R<TAB>$@ RELAY
    Good:
        CR com
        SRelay_ok
        R$=R<TAB>$@ RELAY
    """
    if bare(node.name) != "R" or not _below(context):
        return
    for word in value_of(node.words).split():
        if _is_wide(word):
            yield Found(index, f"everybody below {word} may relay")


@rule("PM005", "relay-open-file", Severity.WARNING, PlainLine, kinds=(CLASS_FILE,),
      consequence="mail from or to anybody there is relayed")  # fmt: skip
def relay_open_file(context: Context, index: int, node: PlainLine) -> Iterator[Found]:
    """The file of domains that may relay has a top-level domain.

    Bad:
        --- /etc/mail/relay-domains
        com
    Good:
        --- /etc/mail/relay-domains
        example.com
    """
    if (context.path or "").endswith("relay-domains") and _below(context):
        words: List[str] = (node.text or "").split()
        if words and words[0][:1] != "#" and _is_wide(words[0]):
            yield Found(index, f"everybody below {words[0]} may relay")


@rule("PM006", "trusted-users", Severity.INFO, TrustedUsers, ClassWords)
def trusted_users(context: Context, index: int, node: Union[TrustedUsers, ClassWords]) -> Iterator[Found]:
    """A user who is not one of the system is trusted.

    He may set the sender of mail without a warning in it.

    Bad:
        Tjdoe
    Good:
        Troot
    """
    if isinstance(node, ClassWords) and bare(node.name) != "t":
        return
    for word in str(node.words or "").split():
        if word.lower() not in _SYSTEM_USERS:
            yield Found(index, f"{word} may set the sender of mail")


@rule("PM007", "tls-old", Severity.INFO, Option, consequence="old protocols are offered")
def tls_old(context: Context, index: int, node: Option) -> Iterator[Found]:
    """A list of SSL options does not forbid SSLv3 or TLSv1.

    A list that is set replaces the options that sendmail has by itself.

    Bad:
        O ServerSSLOptions=+SSL_OP_NO_SSLv2
    Good:
        O ServerSSLOptions=+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1
    """
    row = option_row(node.name)
    if row is None or row.name not in ("ServerSSLOptions", "ClientSSLOptions"):
        return
    words = {word.lstrip("+").upper() for word in re.split("[ ,]", value_of(node.value))}
    missing = [name for name in ("SSL_OP_NO_SSLv3", "SSL_OP_NO_TLSv1") if name.upper() not in words]
    if missing and words != {""} and not any(re.match("[0-9-]", word) for word in words):
        yield Found(index, f"{' and '.join(missing)} not set")


@rule("PM008", "auth-map-unsafe", Severity.ERROR)
def auth_map_unsafe(context: Context) -> Iterator[Found]:
    """sendmail refuses the database of credentials: others can write a directory on the way, or own the file.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/ mode=0775
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-map-unsafe", alone=False)


@rule("PM009", "auth-file-mode", Severity.ERROR)
def auth_file_mode(context: Context) -> Iterator[Found]:
    """The source or database of credentials can be read by everybody, or written by its group.

    sendmail does not check it.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo mode=0644
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-file-mode", alone=False)


@rule("PM010", "auth-file-links", Severity.WARNING)
def auth_file_links(context: Context) -> Iterator[Found]:
    """The source or database of credentials has a second name, a hard link.

    Bad (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
        --- /etc/mail/authinfo links=2
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    Good (relay):
        --- /etc/mail/sendmail.cf
        # nothing else
    """
    return told(context, "auth-file-links", alone=False)


@rule("PM011", "blame-loose", Severity.INFO)
def blame_loose(context: Context) -> Iterator[Found]:
    """DontBlameSendmail allows files of credentials that others can change or read.

    Bad (relay):
        O DontBlameSendmail=MapInUnsafeDirPath
    Good (relay):
        O DontBlameSendmail=safe
    """
    return told(context, "blame-loose")


@rule("PM012", "tls-unverified", Severity.INFO)
def tls_unverified(context: Context) -> Iterator[Found]:
    """The certificate of the relay cannot be verified.

    That needs both CACertFile and CACertPath.

    Bad (relay):
        O CACertFile=/etc/ssl/certs/ca-certificates.crt
    Good (relay):
        O CACertFile=/etc/ssl/certs/ca-certificates.crt
        O CACertPath=/etc/ssl/certs
    """
    return told(context, "tls-unverified")


@rule("PM013", "macro-source-newer", Severity.WARNING)
def macro_source_newer(context: Context) -> Iterator[Found]:
    """The .mc file beside sendmail.cf is newer.

    Bad (relay):
        --- /etc/mail/sendmail.cf modified=1
        # nothing else
        --- /etc/mail/sendmail.mc modified=2
        dnl
    Good (relay):
        --- /etc/mail/sendmail.cf modified=2
        # nothing else
        --- /etc/mail/sendmail.mc modified=1
        dnl
    """
    return told(context, "macro-source-newer", alone=False)
