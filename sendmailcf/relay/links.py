"""A link of the readiness chain: what was looked at, what was found, what follows, and the repair.

The one thing to know: "wrong" is what stops the mail or gives the password away; what merely should be better is
"advice", and changes no exit status.  No text of a link ever holds a password.
"""

from __future__ import annotations

from typing import Optional, Tuple

from attrs import frozen

from ..record import Record

OK, WRONG, ADVICE, UNKNOWN = "ok", "wrong", "advice", "unknown"


@frozen(eq=False, repr=False)
class Link(Record):
    """One link.

    name: which.  state: ok, wrong, advice or unknown.  detail: what is there.  consequence: what sendmail will do
    because of it.  repair: a command, or what to change.  live: whether only the running host can tell, so that not
    knowing it is no fault of its files.  rule: the rule of the linter that tells of it; empty where nothing is wrong.
    """

    name: str
    state: str
    detail: str
    consequence: str = ""
    repair: str = ""
    live: bool = False
    rule: str = ""


#: What becomes of a message that goes through the relay.
ACCEPTED, BOUNCED, DEFERRED, ELSEWHERE, OPEN = "accepted", "bounced", "deferred", "elsewhere", "unknown"


@frozen(eq=False, repr=False)
class Prediction(Record):
    """What sendmail will do with the next message, if the relay is well and takes the user and password.

    authenticates: whether it logs in; None if that cannot be told.  fate: accepted, bounced, deferred (queued and
    tried again), elsewhere (it goes to another host), unknown.  because: why, in a sentence.
    """

    authenticates: Optional[bool]
    fate: str
    because: str


@frozen(eq=False, repr=False)
class Chain(Record):
    """All links, in the order of the chain, for one host, and what they come to.

    meant: whether anything in the files shows that sendmail should authenticate; without it, a chain that is broken is
    just a host that does not.
    """

    host: str
    links: Tuple[Link, ...]
    prediction: Prediction
    meant: bool = True

    @property
    def broken(self) -> Tuple[Link, ...]:
        """The links that are wrong."""
        return tuple(link for link in self.links if link.state == WRONG)
