"""A session with a relay as values: its steps, what they cost, and what sendmail would do next.

The one thing to know: a step's `words` are what sendmail would write to its log about the same failure, so that they
can be explained as a log line is.  No value here holds a password.
"""

from __future__ import annotations

from typing import Optional, Tuple

from attrs import frozen

from .links import Prediction


@frozen
class Step:
    """One step.

    name: resolve, connect, greeting, EHLO, STARTTLS, certificate, EHLO over TLS, credentials, AUTH …, sender, QUIT.
    ok: whether it succeeded; None where it only tells.  seconds: how long it took.  detail: what was seen.  words: of a
    failure, in sendmail's terms.  cause, repair: what they mean; empty for what needs no explanation.
    """

    name: str
    ok: Optional[bool]
    seconds: float
    detail: str
    words: str = ""
    cause: str = ""
    repair: str = ""


@frozen
class Session:
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
