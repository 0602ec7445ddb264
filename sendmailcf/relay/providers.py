"""What is known of the relays that providers run: hosts, ports, mechanisms, shapes of credentials, limits.

The one thing to know: facts that age.  Each row names its sources and the day on which they were read; a provider that
is not here, or a company's own relay, is one more row, which `read` takes from JSON.  A shape says what a credential
looks like, never whether it is right: that only the relay knows.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from attrs import Attribute, field, fields, frozen

from ..errors import CredentialError
from ..record import Record


@frozen(eq=False, repr=False)
class Mistake(Record):
    """A shape that tells what a credential is instead.

    pattern: of the whole value.  title: what it is then.  guess: whether the shape tells only what it is not.
    """

    pattern: str
    title: str
    repair: str
    guess: bool = False


@frozen(eq=False, repr=False)
class Shape(Record):
    """What a credential looks like.  pattern: of the whole value; None: anything.  says: the same in words."""

    says: str = ""
    pattern: Optional[str] = None
    mistakes: Tuple[Mistake, ...] = ()

    def mistake(self, value: str) -> Optional[Mistake]:
        """What is wrong with a value, or None.  Nothing that is returned holds the value."""
        if self.pattern is not None and re.fullmatch(self.pattern, value):
            return None
        for row in self.mistakes:
            if re.fullmatch(row.pattern, value, re.DOTALL):
                return row
        if self.pattern is None:
            return None
        return Mistake("", "of another shape", f"it should be {self.says}", guess=True)


@frozen(eq=False, repr=False)
class Source(Record):
    """Where facts are from.

    tells: which (`hosts`, `ports`, `mechanisms`, `credentials`, `limits`, `notes`).  read: the day or month.
    """

    tells: str
    address: str
    read: str = "2026-11"


@frozen(eq=False, repr=False)
class Provider(Record):
    """A relay.

    name: a stable word.  hosts: patterns of host names, `*` for any characters.  starttls_ports: those that sendmail
    can use.  wrapped_ports: those where TLS begins with the first byte, which it cannot.  tls: required, or offered.
    mechanisms: those it offers and a password can be used with; empty if not known.  recipients: the most in one
    message; message_bytes: of a message as sent; None if not known.  notes: what else matters to a relaying host.
    """

    name: str
    title: str
    hosts: Tuple[str, ...]
    starttls_ports: Tuple[int, ...] = (25, 587)
    wrapped_ports: Tuple[int, ...] = (465,)
    tls: str = "required"
    mechanisms: Tuple[str, ...] = ("PLAIN", "LOGIN")
    user: Shape = Shape()
    password: Shape = Shape()
    recipients: Optional[int] = None
    message_bytes: Optional[int] = None
    notes: Tuple[str, ...] = ()
    sources: Tuple[Source, ...] = field(default=())

    def serves(self, host: str) -> bool:
        """Whether a host name is one of this provider's relays."""
        name = host.lower()
        return any(_ends_like(name, pattern) and fnmatchcase(name, pattern) for pattern in self.hosts)


def _ends_like(name: str, pattern: str) -> bool:
    """Whether the end of a name may be that of a pattern: most hosts need no more to be told apart."""
    end = pattern.rpartition("*")[2]
    return "?" in end or "]" in end or name.endswith(end)


_ADDRESS = r"[^@\s]+@[^@\s]+"
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_BLANKS = Mistake(r"[ \t\r\n].*|.*[ \t\r\n]", "with white space around it", "remove it")
_QUOTED = Mistake(r"'.*'|\".*\"|<.*>", "with quotes or brackets around it", "remove them")
_SES_DERIVE = "derive the SMTP password from it: sendmailcf ses derive-password --region REGION"
_SES_NEW = "make SMTP credentials in the SES console (SMTP settings), in the region of the host"

PROVIDERS: Tuple[Provider, ...] = (
    Provider(
        "amazon-ses",
        "Amazon SES",
        (
            "email-smtp.*.amazonaws.com",
            "email-smtp-fips.*.amazonaws.com",
            "email-smtp.*.amazonaws.com.cn",
            "email-smtp.*.api.aws",
            "email-smtp-fips.*.api.aws",
            "*.email-smtp.*.vpce.amazonaws.com",
        ),
        starttls_ports=(25, 587, 2587),
        wrapped_ports=(465, 2465),
        user=Shape(
            "an access key id: AKIA and 16 capital letters and digits",
            r"AKIA[A-Z0-9]{16}",
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    r"ASIA[A-Z0-9]{16}",
                    "the id of a temporary key, which SES does not take for SMTP",
                    "use the key of an IAM user (AKIA...), and its SMTP password",
                ),
                Mistake(
                    r"(?:AIDA|AROA|AGPA|ANPA|ARN:|arn:).*",
                    "the id of an IAM user or role, not of its key",
                    _SES_NEW,
                ),
                Mistake(r"inp-.*", "a user of an ingress endpoint of Mail Manager, not of SES", _SES_NEW),
                Mistake(_ADDRESS, "a mail address; SES wants the access key id", _SES_NEW),
                Mistake(
                    r"ses-smtp-user\..*", "the name of the IAM user; SES wants its access key id", _SES_NEW
                ),
            ),
        ),
        password=Shape(
            "44 characters of base64 that begin with B",
            r"B[A-P][A-Za-z0-9+/]{42}",
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    r"A[g-v][A-Za-z0-9+/]{42}",
                    "an SMTP password of the old kind (version 2), bound to no region; it was replaced in 2019",
                    _SES_NEW,
                ),
                Mistake(
                    r"[A-Za-z0-9+/]{40}",
                    "an IAM secret access key, which is not the SMTP password",
                    _SES_DERIVE,
                ),
                Mistake(r"(?:AKIA|ASIA)[A-Z0-9]{16}", "an access key id: that is the user name", _SES_NEW),
                Mistake(r"(?:IQoJ|FwoG|FQoG).{100,}", "a session token of temporary credentials", _SES_NEW),
                Mistake(
                    r"Q[kl][A-Za-z0-9+/]{57}=?",
                    "an SMTP password encoded in base64 once more",
                    'write it as it is after "P:, or decode it once',
                ),
                Mistake(
                    r".{1,39}",
                    "too short: the password of a console user, perhaps, which SES does not take",
                    _SES_NEW,
                    guess=True,
                ),
            ),
        ),
        recipients=50,
        message_bytes=40 * 1000 * 1000,
        notes=(
            "a sandbox account sends 200 messages a day, one a second, to verified recipients only",
            "port 25 is throttled in Amazon's own cloud and in many others",
        ),
        sources=(
            Source("hosts", "https://docs.aws.amazon.com/general/latest/gr/ses.html"),
            Source("ports", "https://docs.aws.amazon.com/ses/latest/dg/smtp-connect.html"),
            Source("mechanisms", "https://docs.aws.amazon.com/ses/latest/dg/send-email-sendmail.html"),
            Source("credentials", "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html"),
            Source("limits notes", "https://docs.aws.amazon.com/ses/latest/dg/quotas.html"),
        ),
    ),
    Provider(
        "gmail",
        "Gmail, with the account of a user",
        ("smtp.gmail.com", "smtp.googlemail.com"),
        starttls_ports=(587, 25),
        user=Shape("the whole mail address", _ADDRESS, (_BLANKS, _QUOTED)),
        password=Shape(
            "an app password: 16 small letters",
            r"[a-z]{16}",
            (
                Mistake(
                    r"[a-z]{4}(?: [a-z]{4}){3}",
                    "an app password with the blanks it is shown with",
                    "leave them out",
                ),
                _BLANKS,
                _QUOTED,
                Mistake(
                    r".*",
                    "no app password; the account's own password is not taken",
                    "make an app password (the account needs 2-step verification)",
                    guess=True,
                ),
            ),
        ),
        notes=("500 messages a day, 2000 in Google Workspace",),
        sources=(
            Source(
                "hosts ports credentials notes",
                "https://mailflowauthority.com/email-infrastructure/gmail-smtp-server-settings",
            ),
            Source("mechanisms", "the EHLO replies in several public transcripts"),
        ),
    ),
    Provider(
        "google-relay",
        "Google Workspace, the SMTP relay service",
        ("smtp-relay.gmail.com", "smtp-relay.google.com"),
        tls="offered",
        mechanisms=(),
        user=Shape("the whole mail address", _ADDRESS, (_BLANKS, _QUOTED)),
        password=Shape("the password, or an app password, of a Workspace user", None, (_BLANKS, _QUOTED)),
        notes=(
            "may go by this host's address instead of a login; without TLS it must",
            "10000 messages and recipients a day for each user",
        ),
        sources=(Source("hosts ports credentials notes", "https://support.google.com/a/answer/2956491"),),
    ),
    Provider(
        "office365",
        "Microsoft 365 (Exchange Online), client submission",
        ("smtp.office365.com", "smtp-mail.outlook.com", "outlook.office365.com"),
        starttls_ports=(587, 25),
        wrapped_ports=(),
        mechanisms=("LOGIN",),
        user=Shape("the whole address of the mailbox", _ADDRESS, (_BLANKS, _QUOTED)),
        password=Shape("the password, or an app password, of the mailbox", None, (_BLANKS, _QUOTED)),
        notes=(
            "SMTP AUTH is off unless the tenant and the mailbox allow it, and logins with a password are being retired "
            "there in 2026: a connector that trusts this host's address needs none",
            "30 messages a minute, 10000 recipients a day",
        ),
        sources=(
            Source(
                "hosts ports mechanisms credentials", "https://smtptester.org/guides/outlook-365-smtp-test/"
            ),
            Source("hosts notes", "https://developer.nylas.com/docs/cookbook/email/outlook-smtp-settings/"),
        ),
    ),
    Provider(
        "sendgrid",
        "Twilio SendGrid",
        ("smtp.sendgrid.net", "smtp.eu.sendgrid.net"),
        starttls_ports=(587, 25, 2525),
        tls="offered",
        mechanisms=(),
        user=Shape(
            "the word apikey",
            r"apikey",
            (Mistake(r".*", "not the word apikey", "the user is the word apikey", guess=True),),
        ),
        password=Shape(
            "an API key: SG., 22 characters, a dot, 43 characters",
            r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    r"(?!SG\.).*",
                    "no API key; the account's own password is not taken",
                    "make one with the right Mail Send",
                    guess=True,
                ),
            ),
        ),
        notes=("many guides put the entry into /etc/mail/access, which is usually readable for everybody",),
        sources=(
            Source(
                "hosts ports credentials",
                "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api",
            ),
            Source("notes", "public guides and questions"),
        ),
    ),
    Provider(
        "mailgun",
        "Mailgun",
        ("smtp.mailgun.org", "smtp.eu.mailgun.org"),
        starttls_ports=(587, 25, 2525),
        tls="offered",
        user=Shape(
            "the SMTP user of the domain, as in postmaster@mg.example.com", _ADDRESS, (_BLANKS, _QUOTED)
        ),
        password=Shape(
            "the SMTP password of that user",
            None,
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    r"key-[0-9a-f]{32}|[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}",
                    "an API key, which is not the SMTP password",
                    "reset the password under SMTP credentials of the domain",
                ),
            ),
        ),
        notes=("a domain of the EU region is served by smtp.eu.mailgun.org only",),
        sources=(
            Source("hosts mechanisms credentials notes", "https://smtptester.org/guides/mailgun-smtp-test/"),
            Source("ports", "https://kb.umbhost.net/email-smtp/sending-email-via-mailgun-smtp/"),
        ),
    ),
    Provider(
        "postmark",
        "Postmark",
        ("smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"),
        starttls_ports=(587, 25, 2525),
        wrapped_ports=(),
        tls="offered",
        mechanisms=("PLAIN", "CRAM-MD5"),
        user=Shape(
            "the server API token, or the access key of an SMTP token",
            None,
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    _ADDRESS, "a mail address, not a token", "the server API token, as user and password"
                ),
            ),
        ),
        password=Shape(
            "the server API token (the same as the user), or the secret key of an SMTP token",
            None,
            (_BLANKS, _QUOTED),
        ),
        notes=("the token of a server, not of the account",),
        sources=(
            Source(
                "hosts ports credentials",
                "https://postmarkapp.com/support/article/811-what-are-the-smtp-details-credentials-i-should-be-using",
            ),
            Source("mechanisms", "http://developer.postmarkapp.com/developer-send-smtp.html"),
            Source("notes", "https://postmarkapp.com/support/article/common-smtp-connection-errors"),
        ),
    ),
    Provider(
        "mandrill",
        "Mailchimp Transactional (Mandrill)",
        ("smtp.mandrillapp.com",),
        starttls_ports=(587, 25, 2525),
        tls="offered",
        mechanisms=(),
        user=Shape("any; the address of the account is usual", None, (_BLANKS, _QUOTED)),
        password=Shape(
            "an API key",
            None,
            (
                _BLANKS,
                _QUOTED,
                Mistake(
                    r"[0-9a-f]{32}-us[0-9]+",
                    "an API key of Mailchimp Marketing",
                    "make one of Mailchimp Transactional",
                ),
            ),
        ),
        sources=(
            Source(
                "hosts ports credentials",
                "https://mailchimp.com/developer/transactional/docs/smtp-integration/",
            ),
        ),
    ),
)


def provider_of(host: str, more: Iterable[Provider] = ()) -> Optional[Provider]:
    """The provider of a relay, or None.  more: rows that come first."""
    return next((row for row in (*more, *PROVIDERS) if row.serves(host)), None)


def family(provider: Provider) -> str:
    """How rules of the linter on the provider's relay begin."""
    return "ses" if provider.name == "amazon-ses" else "relay"


# Rows from a file

_KINDS: Mapping[str, Tuple[type, str]] = {
    "name": (str, "a text"),
    "title": (str, "a text"),
    "hosts": (str, "a list of texts"),
    "starttls_ports": (int, "a list of numbers"),
    "wrapped_ports": (int, "a list of numbers"),
    "tls": (str, "required or offered"),
    "mechanisms": (str, "a list of texts"),
    "recipients": (int, "a number"),
    "message_bytes": (int, "a number"),
    "notes": (str, "a list of texts"),
}


def read(text: str, where: str) -> List[Provider]:
    """The providers of a JSON text: a list of objects with the fields of Provider.

    `user` and `password` are objects with `says` and `pattern`.  where: the file, for messages.
    Raises CredentialError.
    """
    import json

    try:
        rows = json.loads(text)
    except ValueError as error:
        raise CredentialError(f"{where}: no JSON: {error}") from None
    if not isinstance(rows, list):
        raise CredentialError(f"{where}: a list of providers is wanted")
    return [_row(row, f"{where}: provider {number}") for number, row in enumerate(rows, 1)]


def _row(row: Any, where: str) -> Provider:
    if not isinstance(row, dict):
        raise CredentialError(f"{where}: an object is wanted")
    known = {one.name: one for one in fields(Provider)}
    values: Dict[str, Any] = {}
    for name, value in row.items():
        if name in ("user", "password"):
            values[name] = _shape(value, f"{where}: {name}")
        elif name in _KINDS:
            values[name] = _value(known[name], value, f"{where}: {name}")
        else:
            raise CredentialError(
                f"{where}: {name!r} is not known; there are {', '.join([*_KINDS, 'user', 'password'])}"
            )
    for name in ("name", "hosts"):
        if not values.get(name):
            raise CredentialError(f"{where}: {name} is missing")
    values.setdefault("title", values["name"])
    if values.setdefault("tls", "required") not in ("required", "offered"):
        raise CredentialError(f"{where}: tls is required or offered")
    return Provider(**values)


def _value(attribute: Attribute[Any], value: Any, where: str) -> Any:
    kind, says = _KINDS[attribute.name]
    many = says.startswith("a list")
    items = value if many and isinstance(value, list) else [value]
    if (many and not isinstance(value, list)) or not all(type(item) is kind for item in items):
        raise CredentialError(f"{where}: {says} is wanted")
    if not many:
        return value
    return tuple(item.lower() if attribute.name == "hosts" else item for item in items)


def _shape(value: Any, where: str) -> Shape:
    if (
        not isinstance(value, dict)
        or not set(value) <= {"says", "pattern"}
        or not all(type(v) is str for v in value.values())
    ):
        raise CredentialError(f"{where}: an object with the texts `says` and `pattern` is wanted")
    pattern = value.get("pattern")
    try:
        re.compile(pattern or "")
    except re.error as error:
        raise CredentialError(f"{where}: pattern: {error}") from None
    return Shape(value.get("says") or pattern or "", pattern, (_BLANKS, _QUOTED))
