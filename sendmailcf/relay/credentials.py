"""What can be said of a relay's host, user name and password before the relay has seen them.

The one thing to know: shapes only.  A password of the right shape may still be wrong; one of a wrong shape is wrong for
certain, and its shape often tells what it is instead.  No line holds a password or a secret.
"""

from __future__ import annotations

from typing import Iterable, List, Optional, Tuple

from attrs import evolve

from ..authinfo import DefaultAuthInfo, Reading
from . import ses
from .host import VERIFIED, Host, Server, credentials_in
from .links import ADVICE, OK, UNKNOWN, WRONG, Link
from .providers import Mistake, Provider, Shape, family, provider_of

_REFUSED = "the relay answers 535, and then 530, which bounces the mail"


def stored(view: Host, server: Server) -> Reading:
    """What sendmail would send to a server: by the ruleset `authinfo`, or without one by DefaultAuthInfo."""
    if "authinfo" in view.cf.rulesets:
        result = view.authinfo(server, VERIFIED)
        return (
            Reading(None, f"the lookup fails: {result.reason}") if result.failed else credentials_in(result)
        )
    option = view.cf.options.all("DefaultAuthInfo")
    if not option or not option[-1].value:
        return Reading(None, "there is neither a ruleset authinfo nor DefaultAuthInfo")
    facts = view.look(option[-1].value)
    if facts.data is None:
        return Reading(None, f"{facts.path}: {facts.problem}")
    return DefaultAuthInfo(facts.data).reading()


def judge(
    host: str,
    user: Optional[str],
    password: Optional[str],
    *,
    secret: Optional[str] = None,
    port: Optional[int] = None,
    more: Iterable[Provider] = (),
) -> Tuple[Link, ...]:
    """What is right and wrong with a host, a user name and a password, a line each; None: not given, not judged.

    secret: the IAM secret access key, to find the region of an SMTP password of Amazon SES.  port: that sendmail
    connects to.  more: providers that come before those known here.
    """
    rows = tuple(more)
    found = None if any(row.serves(host) for row in rows) else ses.endpoint(host)
    # What only looks like a host of Amazon SES is meant to be one.
    provider = provider_of(host, rows) or (
        provider_of(ses.smtp_host("us-east-1")) if found is not None else None
    )
    links = [_host(host, found, provider), *_region(found)]
    if provider is None:
        return tuple(links)
    region = (found.region if found is not None else "") or "REGION"
    if port is not None:
        links.append(_port(port, provider))
    if user is not None:
        links.append(_shape("user", user, provider.user, provider))
    if password is not None:
        links.append(_password(password, provider))
        if secret is not None and found is not None:
            links.append(_derived(password, secret, found.region))
    return tuple(evolve(link, repair=link.repair.replace("REGION", region)) for link in links)


def _host(host: str, found: Optional[ses.Endpoint], provider: Optional[Provider]) -> Link:
    if found is not None and not found.relay:
        return Link(
            "host",
            WRONG,
            f"{host} is {found.title}",
            "no mail goes through it",
            f"sendmailcf relay apply --host {found.repair} --user USER --password-stdin",
            rule="ses-host",
        )
    if provider is None:
        return Link("host", UNKNOWN, f"{host or 'no host'}: no provider of that name is known here")
    return Link("host", OK, f"{host}: {provider.title}" + (f", {found.title}" if found is not None else ""))


def _region(found: Optional[ses.Endpoint]) -> List[Link]:
    if found is None or not found.region:
        return []
    warning = ses.region_warning(found.region)
    row = ses.REGIONS.get(found.region)
    if row is not None and row.smtp == ses.NO_SMTP:
        return [
            Link(
                "region",
                WRONG,
                warning,
                "the host is unknown: mail bounces",
                "use a region that has one",
                rule="ses-region",
            )
        ]
    if warning:
        return [
            Link(
                "region",
                ADVICE,
                warning,
                "the host may be unknown",
                "see Amazon's list",
                rule="ses-region-unknown",
            )
        ]
    return [Link("region", OK, f"{found.region}, {row.title if row else ''}")]


def _port(port: int, provider: Provider) -> Link:
    if port in provider.starttls_ports:
        return Link("port", OK, str(port))
    wrapped = port in provider.wrapped_ports
    says = "there TLS begins with the first byte" if wrapped else "not a port of this provider"
    better = " or ".join(map(str, provider.starttls_ports))
    return Link(
        "port",
        WRONG,
        f"{port}: {says}",
        "sendmail waits for a greeting, and defers the mail",
        f"use {better}",
        rule="relay-port-wrapped" if wrapped else f"{family(provider)}-port",
    )


def _shape(name: str, value: str, shape: Shape, provider: Provider) -> Link:
    mistake = shape.mistake(value)
    return (
        Link(name, OK, shape.says or "of any shape")
        if mistake is None
        else _mistaken(name, mistake, provider)
    )


def _mistaken(name: str, mistake: Mistake, provider: Provider) -> Link:
    what = "credentials-odd" if mistake.guess else name
    return Link(
        name, WRONG, f"it is {mistake.title}", _REFUSED, mistake.repair, rule=f"{family(provider)}-{what}"
    )


def _password(password: str, provider: Provider) -> Link:
    if provider.name == "amazon-ses" and ses.is_raw_base64(password):
        raw = Mistake(
            "",
            "what an SMTP password becomes after `P=`, which decodes it",
            'write it after "P:, as it is; sendmailcf relay apply does',
        )
        return _mistaken("password", raw, provider)
    link = _shape("password", password, provider.password, provider)
    if provider.name == "amazon-ses" and link.state == OK:
        return Link("password", OK, f"{link.detail}; for which region cannot be seen in it")
    return link


def _derived(password: str, secret: str, region: str) -> Link:
    name = "password's region"
    if not ses.is_smtp_password(password):
        return Link(name, UNKNOWN, "the password is none that is derived")
    made_for = ses.region_of_password(secret, password)
    again = f"sendmailcf ses derive-password --region {region or 'REGION'}"
    if made_for is None and region and ses.derive_password(secret, region) == password:
        made_for = region
    if made_for is None:
        return Link(name, WRONG, "it is not derived from that secret, for no region known", _REFUSED, again)
    if region and made_for != region:
        return Link(name, WRONG, f"it is for {made_for}, the host is in {region}", _REFUSED, again)
    return Link(name, OK, f"{made_for}, derived from that secret")
