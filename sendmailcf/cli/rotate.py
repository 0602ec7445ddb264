"""`sendmailcf relay rotate`: give the stored entry of a relay a new password, once the relay has accepted it.

The one thing to know: until the relay has taken the new credentials nothing is written; then source and database change
in one transaction, so that at every moment the database holds the old credentials or the new.
"""

from __future__ import annotations

import argparse
import json
import sys

from attrs import evolve

from ..authinfo import Credentials
from ..errors import PlanError
from ..relay.credentials import stored
from ..relay.host import Host, Look, Server
from ..relay.links import OPEN
from ..relay.plan import Intent, Plan, rotation
from .probe import as_json, asked, examine, lines


def run(args: argparse.Namespace, look: Look, password: str) -> int:
    """Probe with the new credentials, then write them; 0 done, 1 the relay refuses them, 2 it cannot be told."""
    from .relay import write

    question = asked(args, look)
    cf = question.cf
    if cf is None:
        raise PlanError(f"{args.cf}: {look(args.cf).problem}; name the right file with --cf, or --root")

    def new(server: Server) -> Credentials:
        reading = stored(Host(cf, look), server)
        old = reading.credentials
        if old is None:
            raise PlanError(
                f"{cf.path}: nothing is stored for {server.name} ({reading.problem}), so there is nothing to rotate: "
                "use relay apply"
            )
        if args.user is None:
            return evolve(old, password=password)
        return evolve(old, user=args.user, password=password, authid=None)

    question.given = new
    session = examine(question, look)
    accepted = session.verdict.authenticates is True
    made = Plan((), (), "", ())
    if accepted:
        server = Server(session.server_name, session.server_addr)
        intent = Intent(session.server_name.strip("[]"), new(server), args.platform, cf=args.cf)
        made = rotation(intent, server, look)
        write(made, args.root, backup=args.backup)
    if args.json:
        found = {"accepted": accepted, "changed": made.changed, "files": [one.path for one in made.writes]}
        print(json.dumps({**found, "probe": as_json(session)}, indent=1))
    else:
        print("\n".join(lines(session)))
        for one in made.writes:
            print(f"replaced {one.path}")
        print(f"changed: {str(made.changed).lower()}")
    if not accepted:
        print(
            "sendmailcf: the relay did not take the new credentials; the old ones stay as they are",
            file=sys.stderr,
        )
        return 2 if session.verdict.fate == OPEN else 1
    return 0
