"""For which sendmail a file is judged: its release, its compile flags, its vendor.

The one thing to know: without settings a file is judged for 8.17 as Debian builds it, the program that all
facts here were tried on.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Dict, FrozenSet, Iterable, List, Mapping, Tuple

from attrs import field, frozen

from ..known.maps import MapClassRow
from ..known.options import OPTIONS, OptionRow
from ..record import Record

#: What `sendmail -d0.10` and -d0.14 tell of that program, and what its list of options shows.
DEFAULT_FLAGS: FrozenSet[str] = frozenset({
    "DNSMAP", "IPV6_FULL", "LDAPMAP", "LDAP_NETWORK_TIMEOUT", "LDAP_REFERRALS", "LOG", "MAP_REGEX", "MATCHGECOS",
    "MILTER", "MIME7TO8", "MIME8TO7", "NAMED_BIND", "NETINET", "NETINET6", "NETUNIX", "NEWDB", "NIS", "NISPLUS",
    "PIPELINING", "SASLv2", "SCANF", "SOCKETMAP", "STARTTLS", "TCPWRAPPERS", "TLS_EC", "TLS_VRFY_PER_CTX", "USERDB",
    "USE_LDAP_INIT", "XDEBUG", "HASNICE", "REQUIRES_DIR_FSYNC", "SM_CONF_SHM", "_FFR_BADRCPT_SHUTDOWN", "_FFR_MTA_STS",
    "_FFR_REJECT_NUL_BYTE", "_FFR_TLS_ALTNAMES",
})  # fmt: skip
VERSIONS = ("8.15", "8.16", "8.17", "8.18")


def _flags(names: Iterable[str]) -> FrozenSet[str]:
    return frozenset(name.partition("=")[0] for name in names)


@frozen(eq=False, repr=False)
class Settings(Record):
    """The sendmail that shall read the file.

    version: "8.15" to "8.18".  flags: what it was compiled with, named as `sendmail -d0.10` names it.
    vendor: of V10/vendor, as the program was built.
    """

    version: str = "8.17"
    flags: FrozenSet[str] = field(default=DEFAULT_FLAGS, converter=_flags)
    vendor: str = "Berkeley"

    def has(self, flag: str) -> bool:
        """Whether the program was compiled with a flag; SASL is SASLv2 or its forerunner."""
        return flag in self.flags or (flag == "SASL" and "SASLv2" in self.flags)

    @property
    def options(self) -> Mapping[str, OptionRow]:
        """The options that there are, by name in lower case, in the order of sendmail's table; no suboptions."""
        return _options(self)

    def meant(self, name: str) -> List[OptionRow]:
        """The options that a name without suboption may stand for: one, several where it is ambiguous, or none."""
        lower, here = name.lower(), self.options
        if lower in here:
            return [here[lower]]
        return [row for key, row in here.items() if lower and key.startswith(lower)]

    def missing(self, row: OptionRow | MapClassRow) -> str:
        """Why an option or map class is not in this program: a release or compile flags; "" if it is there."""
        if _release(row.since) > _release(self.version):
            return f"it is new in {row.since}"
        if row.needs == "disabled in the source":
            return row.needs
        lacks = [name for name in _conditions(row.needs) if not self.has(name)]
        either = " or " in row.needs and len(lacks) < len(_conditions(row.needs))
        return "" if either or not lacks else f"this sendmail is built without {' and '.join(lacks)}"


@cache
def _options(settings: Settings) -> Dict[str, OptionRow]:
    plain = (row for row in OPTIONS if row.name and "." not in row.name)
    return {row.name.lower(): row for row in plain if not settings.missing(row)}


def _release(text: str) -> Tuple[int, int]:
    found = re.match(r"([0-9]+)\.([0-9]+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def _conditions(needs: str) -> Tuple[str, ...]:
    """The flags without which a row is not there; some conditions are of a word of it only, or of its effect."""
    if "needs" in needs or "resolver" in needs or "(else" in needs:
        return ()
    plain = re.sub(r"\(.*|with TLS.*|not [A-Z_0-9]+", "", needs)
    return tuple(re.findall(r"_?[A-Z][A-Z0-9_]{2,}", plain))
