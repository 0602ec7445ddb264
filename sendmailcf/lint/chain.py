"""What the AUTH chain of a host says, as findings.

The one thing to know: nothing is judged here.  Each link that is not well names the rule that tells of it, and that
rule asks for it by its name; so `relay check` and `check` cannot differ.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Iterator, Optional, Type, TypeVar

from ..config import Config
from ..nodes import KeyFile, Line, MacroDefinition, MailerDefinition, Option, Ruleset, bare
from ..values import option_row
from .context import Context
from .documents import ACCESS, AUTHINFO, MAP, sources
from .rule import Found

L = TypeVar("L", bound=Line)

#: Links on the smart host itself, which are told of every host that has one.
ALWAYS = ("smart host", "mailer and port")
#: Links that say nothing of a host without a smart host.
OF_A_RELAY = (
    "mailer and port", "map declaration", "mechanisms", "endpoint", "ruleset", "key", "entry", "credentials",
    "TLS guard", "recipients per message",
)  # fmt: skip
#: The kinds of map sources that may hold AuthInfo entries.
SOURCES = (AUTHINFO, ACCESS, MAP)


def told(context: Context, rule: str, *, alone: bool = True) -> Iterator[Found]:
    """What the chain says under the name of a rule.  alone: whether sendmail.cf without any other file tells it."""
    if context.facts is None and not alone:
        return
    chain = context.chain
    for link in chain.links if chain is not None else ():
        if link.rule != rule or chain is None:
            continue
        if not chain.meant and not (link.name in ALWAYS and context.cf.macros.get("S")):
            continue
        if link.name in OF_A_RELAY and not context.cf.macros.get("S"):
            continue
        yield Found(_place(context.cf, link.name), f"{link.name}: {link.detail}", consequence=link.consequence)
        return


def sources_seen(context: Context) -> bool:
    """Whether a source of a map with AuthInfo entries is there, so that rules on its lines tell what is wrong in it."""
    return any(
        one.kind in SOURCES and context.other(one.path, one.kind) is not None for one in sources(context.cf)
    )


def _place(cf: Config, link: str) -> Optional[int]:
    """The line that a link is about, or None."""
    if link in ("smart host", "endpoint"):
        return _last(cf, MacroDefinition, lambda node: bare(node.name) == "S")
    if link in ("mailer and port", "recipients per message"):
        smart = (cf.macros.get("S") or "").partition(":")
        name = smart[0].lower() if smart[1] and smart[0].lower() in cf.mailers else "relay"
        found = _last(cf, MailerDefinition, lambda node: node.name.lower() == name)
        return found if found is not None else _place(cf, "smart host")
    if link in ("ruleset", "entry", "TLS guard"):
        return _last(cf, Ruleset, lambda node: node.name == "authinfo")
    if link == "mechanisms":
        return _option(cf, "AuthMechanisms")
    if link in ("LogLevel", "DontBlameSendmail"):
        return _option(cf, link)
    if link in ("map declaration", "map file", "permissions", "database and source", "key", "other servers",
                "missing maps are reported"):  # fmt: skip
        for name in ("authinfo", "access"):
            found = _last(cf, KeyFile, partial(_named, name))
            if found is not None:
                return found
        return _option(cf, "DefaultAuthInfo")
    return None


def _option(cf: Config, name: str) -> Optional[int]:
    def named(node: Option) -> bool:
        row = option_row(node.name)
        return row is not None and row.name == name

    return _last(cf, Option, named)


def _named(name: str, node: KeyFile) -> bool:
    return node.name.lower() == name


def _last(cf: Config, cls: Type[L], test: Callable[[L], bool]) -> Optional[int]:
    found = [index for index, node in cf.of_kind(cls) if test(node)]
    return found[-1] if found else None
