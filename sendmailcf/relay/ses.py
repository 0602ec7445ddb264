"""Amazon SES: its SMTP endpoints by region, hosts that look like one, and SMTP passwords made of IAM secrets.

The one thing to know: an SMTP password is derived from the secret and the region, so it is good in one region only, and
nobody can see in it which; with the secret at hand, `region_of_password` finds out.  The list of regions ages: one that
is not in it gets a warning, never a refusal.
"""

from __future__ import annotations

import re
from typing import Mapping, Optional, Tuple

from attrs import frozen

from ..errors import CredentialError
from ..record import Record
from ..text import encode

#: When the rows below were compared with their sources.
AS_OF = "2026-11"
SOURCES: Tuple[str, ...] = (
    "https://docs.aws.amazon.com/general/latest/gr/ses.html",
    "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html",
    "the endpoints of botocore 1.44.8 (regions with the SES API)",
)
STARTTLS_PORTS = (587, 2587, 25)
WRAPPED_PORTS = (465, 2465)

#: Whether a region has SMTP: documented, documented as absent, or neither.
SMTP, NO_SMTP, UNCONFIRMED = "yes", "no", "unconfirmed"


@frozen(eq=False, repr=False)
class Region(Record):
    """A region of AWS with SES.

    smtp: `yes`, `no` or `unconfirmed`.  fips: whether the host email-smtp-fips is documented; others may have it too.
    """

    code: str
    title: str
    smtp: str = SMTP
    fips: bool = False
    note: str = ""

    @property
    def host(self) -> str:
        """The host of the SMTP interface."""
        return smtp_host(self.code)

    @property
    def fips_host(self) -> str:
        """The host with FIPS 140 cryptography, or nothing."""
        return f"email-smtp-fips.{self.code}.amazonaws.com" if self.fips else ""

    @property
    def vpc_host(self) -> str:
        """What a VPC endpoint of the region is called; the first part is the endpoint's own."""
        return f"vpce-ID.email-smtp.{self.code}.vpce.amazonaws.com"


_API = "the SES API is there; an SMTP host was not seen in the documentation"
REGIONS: Mapping[str, Region] = {
    row.code: row
    for row in (
        Region("us-east-1", "US East (N. Virginia)", fips=True),
        Region("us-east-2", "US East (Ohio)"),
        Region("us-west-1", "US West (N. California)"),
        Region("us-west-2", "US West (Oregon)", fips=True),
        Region("ca-central-1", "Canada (Central)"),
        Region("sa-east-1", "South America (São Paulo)"),
        Region("eu-west-1", "Europe (Ireland)"),
        Region("eu-west-2", "Europe (London)"),
        Region("eu-west-3", "Europe (Paris)"),
        Region("eu-central-1", "Europe (Frankfurt)"),
        Region("eu-north-1", "Europe (Stockholm)"),
        Region("ap-south-1", "Asia Pacific (Mumbai)"),
        Region("ap-southeast-1", "Asia Pacific (Singapore)"),
        Region("ap-southeast-2", "Asia Pacific (Sydney)"),
        Region("ap-northeast-1", "Asia Pacific (Tokyo)"),
        Region("ap-northeast-2", "Asia Pacific (Seoul)"),
        Region("ap-northeast-3", "Asia Pacific (Osaka)"),
        Region("us-gov-west-1", "AWS GovCloud (US-West)", fips=True),
        Region("us-gov-east-1", "AWS GovCloud (US-East)"),
        Region(
            "eu-south-1",
            "Europe (Milan)",
            UNCONFIRMED,
            note="an older page says no SMTP, newer sample code names it",
        ),
        Region("af-south-1", "Africa (Cape Town)", NO_SMTP),
        Region("me-south-1", "Middle East (Bahrain)", NO_SMTP),
        Region("ap-southeast-3", "Asia Pacific (Jakarta)", NO_SMTP),
        Region("ap-east-2", "Asia Pacific (Taipei)", UNCONFIRMED, note=_API),
        Region("ap-south-2", "Asia Pacific (Hyderabad)", UNCONFIRMED, note=_API),
        Region("ap-southeast-4", "Asia Pacific (Melbourne)", UNCONFIRMED, note=_API),
        Region("ap-southeast-5", "Asia Pacific (Malaysia)", UNCONFIRMED, note=_API),
        Region("ap-southeast-6", "Asia Pacific (New Zealand)", UNCONFIRMED, note=_API),
        Region("ap-southeast-7", "Asia Pacific (Thailand)", UNCONFIRMED, note=_API),
        Region("ca-west-1", "Canada West (Calgary)", UNCONFIRMED, note=_API),
        Region("eu-central-2", "Europe (Zurich)", UNCONFIRMED, note=_API),
        Region("eu-south-2", "Europe (Spain)", UNCONFIRMED, note=_API),
        Region("il-central-1", "Israel (Tel Aviv)", UNCONFIRMED, note=_API),
        Region("me-central-1", "Middle East (UAE)", UNCONFIRMED, note=_API),
        Region("mx-central-1", "Mexico (Central)", UNCONFIRMED, note=_API),
    )
}
_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})"


def smtp_host(region: str) -> str:
    """The SMTP host of a region, known or not."""
    return f"email-smtp.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")


def region_warning(region: str) -> str:
    """What must be said of a region, or nothing.  Raises CredentialError for what cannot be a region's code."""
    if re.fullmatch(_REGION, region) is None:
        zone = re.fullmatch(_REGION + "[a-z]", region)
        hint = f"; {region} is a zone of {zone['region']}" if zone is not None else ", as in us-east-1"
        raise CredentialError(f"{region!r} is no code of a region{hint}")
    row = REGIONS.get(region)
    if row is None:
        return f"{region} is not among the regions known in {AS_OF}; it may be newer"
    if row.smtp == NO_SMTP:
        return f"{region} has no SMTP host, says Amazon's documentation as of {AS_OF}"
    return f"{region}: {row.note}" if row.smtp == UNCONFIRMED else ""


@frozen(eq=False, repr=False)
class Endpoint(Record):
    """What a host name of Amazon is.  relay: whether sendmail can send through it.  repair: else, what to use."""

    kind: str
    relay: bool
    region: str = ""
    title: str = ""
    repair: str = ""


#: Kind, whole name, whether it is a relay, what it is, what to use instead ({host}: the SMTP host of that region).
_ENDPOINTS: Tuple[Tuple[str, str, bool, str, str], ...] = (
    ("smtp", rf"email-smtp\.{_REGION}\.amazonaws\.com", True, "the SMTP host of {region}", ""),
    ("fips", rf"email-smtp-fips\.{_REGION}\.amazonaws\.com", True, "the FIPS host of {region}", ""),
    ("vpc", rf"vpce-[0-9a-z-]+\.email-smtp\.{_REGION}\.vpce\.amazonaws\.com", True, "a VPC endpoint in {region}", ""),
    ("dual-stack", rf"email-smtp(?:-fips)?\.{_REGION}\.api\.aws", True,
     "the dual-stack host of {region} (seen in others' code, not in the documentation)", ""),
    ("china", r"email-smtp\.(?P<region>cn-[a-z]+-[0-9])\.amazonaws\.com\.cn", True,
     "an SMTP host in China (seen in others' code, not in the documentation)", ""),
    ("api", rf"email(?:-fips)?\.{_REGION}\.(?:amazonaws\.com|api\.aws)", False,
     "the HTTPS API, which speaks no SMTP", "{host}"),
    ("inbound", rf"inbound-smtp\.{_REGION}\.amazonaws\.com", False, "for mail that is received, not sent", "{host}"),
    ("feedback", rf"feedback-smtp\.{_REGION}\.amazonses\.com", False, "for returned mail (MX of MAIL FROM)", "{host}"),
    ("mail-manager", r".+\.mail-manager-smtp\.amazonaws\.com", False, "an ingress endpoint of Mail Manager", "{host}"),
    ("workmail", rf"(?:smtp|imap)\.mail\.{_REGION}\.awsapps\.com", False, "Amazon WorkMail, not SES", "{host}"),
    ("zone", rf"email-smtp\.{_REGION}[a-z]\.amazonaws\.com", False, "a zone, not a region, in its name", "{host}"),
    ("no-region", r"email-smtp(?:-fips)?\.amazonaws\.com", False, "without a region", "{host}"),
    # Not whatever is in Amazon's domain: a relay of one's own may be, behind a load balancer, say.
    ("look-alike",
     r"(?:.*\.)?email-smtp[a-z0-9-]*\..*|(?:smtp|mail|email|ses)\.(?:.*\.)?[a-z]*amazon(?:aws|ses)\..*",
     False, "like one of Amazon SES, but none", "{host}"),
)  # fmt: skip


#: Each pattern above holds one of these: most hosts need no pattern.
_IN_ALL = ("amazon", "aws", "email-smtp")


def endpoint(host: str) -> Optional[Endpoint]:
    """What a host is to Amazon SES; None for a host that has nothing to do with it."""
    name = host.lower().rstrip(".")
    if not any(part in name for part in _IN_ALL):
        return None
    for kind, pattern, relay, title, repair in _ENDPOINTS:
        match = re.fullmatch(pattern, name)
        if match is not None:
            region = match.groupdict().get("region") or ""
            better = repair.replace("{host}", smtp_host(region or "REGION"))
            return Endpoint(kind, relay, region, title.replace("{region}", region), better)
    return None


#: An SMTP password made by the algorithm in use, and one by the old.
_SHAPE = r"B[A-P][A-Za-z0-9+/]{42}"
_SECRET_LENGTH = 40


def derive_password(secret: str, region: str) -> str:
    """The SMTP password of an IAM secret access key in a region (Signature Version 4 of a fixed message).

    Raises CredentialError if `secret` is no secret, or `region` no code of a region; the message does not have it.
    """
    import hmac
    from base64 import b64encode

    region_warning(region)
    if is_smtp_password(secret):
        raise CredentialError("this is an SMTP password already, not an IAM secret access key")
    if re.fullmatch(r"A(?:KIA|SIA)[A-Z0-9]{16}", secret):
        raise CredentialError("this is an access key id; the secret access key beside it is wanted")
    if re.search(r"[^!-~]", secret) or not secret:
        raise CredentialError("a secret access key is one word of ASCII characters, without white space")
    key = encode("AWS4" + secret)
    for word in ("11111111", region, "ses", "aws4_request", "SendRawEmail"):
        key = hmac.digest(key, encode(word), "sha256")
    return b64encode(b"\x04" + key).decode("ascii")


def secret_warning(secret: str) -> str:
    """What must be said of a secret's shape, or nothing."""
    if re.fullmatch(rf"[A-Za-z0-9+/]{{{_SECRET_LENGTH}}}", secret):
        return ""
    return f"an IAM secret access key has {_SECRET_LENGTH} letters, digits, + and /; this has another shape"


def is_smtp_password(value: str) -> bool:
    """Whether a value has the shape of an SMTP password as it is made now."""
    return re.fullmatch(_SHAPE, value) is not None


def is_raw_base64(value: str) -> bool:
    """Whether a value is what sendmail sends when an SMTP password stands after `P=` instead of `P:`."""
    from base64 import b64encode

    return is_smtp_password(b64encode(encode(value)).decode("ascii"))


def region_of_password(secret: str, password: str) -> Optional[str]:
    """For which of the known regions the password was derived from the secret; None: for none of them."""
    from hmac import compare_digest

    for region in REGIONS:
        if compare_digest(encode(derive_password(secret, region)), encode(password)):
            return region
    return None
