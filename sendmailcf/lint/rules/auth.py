"""AU: authinfo and AUTH.

The one thing to know: sendmail reports none of this when it reads the file; mail fails later.  No message may
hold a part of a value.
"""

from __future__ import annotations

from typing import Iterator

from ...authinfo import PREFIX, MapEntry, read_value
from ...nodes import Option, value_of
from ...values import option_row
from ..context import Context
from ..documents import FIVE_LINES
from ..problem import Severity
from ..rule import Found, rule


@rule("AU001", "auth-value-bad", Severity.ERROR, MapEntry, kinds=("authinfo", "access"))
def auth_value_bad(context: Context, index: int, node: MapEntry) -> Iterator[Found]:
    """The value of an AuthInfo entry is not a row of quoted items.

    sendmail logs that authinfo failed, and mail is sent without authentication.

    Bad (as authinfo):
        AuthInfo:relay.example<TAB>U:user P:invented
    Good (as authinfo):
        AuthInfo:relay.example<TAB>"U:user" "P:invented"
    """
    if node.key[: len(PREFIX)].lower() == PREFIX.lower():
        problem = read_value(node.value or "", node.key).problem
        if problem:
            yield Found(index, problem, 0, len(node.key))


@rule("AU002", "auth-option-dead", Severity.WARNING, Option)
def auth_option_dead(context: Context, index: int, node: Option) -> Iterator[Found]:
    """DefaultAuthInfo is set beside a ruleset authinfo.

    While that ruleset exists, even without a rule, sendmail never looks at the option.

    Bad:
        O DefaultAuthInfo=/etc/mail/default-auth-info
        Sauthinfo
        R$*<TAB>$# no
    Good:
        O DefaultAuthInfo=/etc/mail/default-auth-info
    """
    row = option_row(node.name)
    if row is not None and row.name == "DefaultAuthInfo" and "authinfo" in context.cf.rulesets:
        yield Found(index, "the ruleset authinfo makes sendmail ignore DefaultAuthInfo")


@rule(
    "AU003", "default-auth-info-is-map-source", Severity.ERROR, Option,
    consequence="sendmail sends whole entries, passwords included, as user and password",
)  # fmt: skip
def default_auth_info_is_map_source(context: Context, index: int, node: Option) -> Iterator[Found]:
    """DefaultAuthInfo names the source of a map.

    The option takes a file of five plain lines: user, authentication id, password, realm, mechanisms.  Lines
    that begin with AuthInfo: belong into a map, which a ruleset authinfo reads.

    Bad:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info
        AuthInfo:relay.example "U:user" "P:invented"
    Good:
        --- /etc/mail/sendmail.cf
        O DefaultAuthInfo=/etc/mail/default-auth-info
        --- /etc/mail/default-auth-info mode=0600
        user
        user
        invented
    """
    row = option_row(node.name)
    if row is None or row.name != "DefaultAuthInfo":
        return
    path = value_of(node.value)
    lines = context.other(path, FIVE_LINES)
    if lines is not None and any(
        lines.text(at).lower().startswith(PREFIX.lower()) for at in range(len(lines))
    ):
        yield Found(index, f"{path} is the source of a map")
