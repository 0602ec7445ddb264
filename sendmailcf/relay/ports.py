"""TCP ports of relays, and the one that a mailer connects to.

The one thing to know: sendmail's client begins in clear text and asks for STARTTLS, so a port on which TLS begins with
the first byte is none that it can use.
"""

from __future__ import annotations

import re
from typing import Optional

#: Where a mailer connects to if nobody sets a port.
SMTP_PORT = 25
#: Ports on which a relay speaks TLS from the first byte.
WRAPPED_PORTS = (465, 2465)
#: Ports on which relays take STARTTLS, where nothing better is known of them.
STARTTLS_PORTS = (25, 587, 2525, 2587)
_SERVICES = {"smtp": SMTP_PORT, "submission": 587, "smtps": 465, "submissions": 465}


def port_of(arguments: str) -> Optional[int]:
    """The port in an [IPC] mailer's A=; 25 without one; None for an unknown service name."""
    words = arguments.split()
    if len(words) < 3:
        return SMTP_PORT
    return int(words[2]) if re.fullmatch(r"[0-9]+", words[2]) else _SERVICES.get(words[2].lower())
