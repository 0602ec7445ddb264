"""A session with a relay as values: its steps, what they cost, and what sendmail would do next.

The one thing to know: a step that failed names its cause, one of the rows by which a log is explained, too.  No value
here holds a password.
"""

from __future__ import annotations

from typing import Optional, Tuple

from attrs import frozen

from ..record import Record
from .causes import CAUSES, Cause
from .explain import explain
from .links import Prediction


@frozen(eq=False, repr=False)
class Step(Record):
    """One step.

    name: resolve, connect, greeting, EHLO, STARTTLS, certificate, EHLO over TLS, credentials, AUTH …, sender, QUIT.
    ok: whether it succeeded; None where it only tells.  seconds: how long it took.  detail: what was seen.  cause: the
    name of a row of CAUSES, or nothing.
    """

    name: str
    ok: Optional[bool]
    seconds: float
    detail: str
    cause: str = ""

    @property
    def explained(self) -> Optional[Cause]:
        """The cause in full."""
        return CAUSES.get(self.cause)


def cause_of(reply: str) -> str:
    """The cause of a reply to MAIL, if the words of the reply leave but one; else nothing."""
    groups = explain([reply]).failures
    return groups[0].causes[0] if groups and len(groups[0].causes) == 1 else ""


@frozen(eq=False, repr=False)
class Session(Record):
    """A whole session.

    host: as sendmail.cf has it.  port: TCP port.  server_name, server_addr: as ${server_name} and ${server_addr} will
    be; empty where it came to no connection.  verdict: what sendmail would do with a message now.
    """

    host: str
    port: int
    server_name: str
    server_addr: str
    steps: Tuple[Step, ...]
    verdict: Prediction

    @property
    def key(self) -> str:
        """The first key that sendmail looks up for this server."""
        return f"AuthInfo:{self.server_name}" if self.server_name else ""

    @property
    def failed(self) -> Tuple[Step, ...]:
        """The steps that failed."""
        return tuple(step for step in self.steps if step.ok is False)
