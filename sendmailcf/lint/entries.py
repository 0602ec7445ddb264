"""AuthInfo entries as the provider of their host sees them.

The one thing to know: what is found is what `relay check` finds of the same host, user and
password; none of it holds one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Iterator, Tuple

from ..authinfo import PREFIX, AuthInfoEntry, read_value
from .rule import Found

if TYPE_CHECKING:
    from ..relay.links import Link


@lru_cache(maxsize=1)
def _links(key: str, value: str) -> Tuple[Link, ...]:
    from ..relay.credentials import judge  # it loads much

    found = read_value(value, key).credentials
    user = None if found is None else found.user if found.authid is None else found.authid
    return judge(key[len(PREFIX) :], user, None if found is None else found.password)


def judged(index: int, node: AuthInfoEntry, rule: str) -> Iterator[Found]:
    """What is wrong with an entry's host, user or password, under the name of a rule."""
    host = node.key[len(PREFIX) :]
    if "." not in host:
        return
    from ..relay.links import WRONG

    for link in _links(node.key, str(node)[len(node.key) + len(node.gap) :]):
        if link.state == WRONG and link.rule == rule:
            what = "" if link.name in ("host", "region") else f"{link.name}: "
            yield Found(index, what + link.detail, 0, len(node.key), consequence=link.consequence)
