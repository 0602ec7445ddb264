"""Deliver one message on each of many hosts with the real sendmail, and print what became of it, as JSON.

The one thing to know: the harness moves its process into namespaces for good, so this is a script of its own; one
process for all hosts, for that is what takes the time.  Arguments: the directory `shared`, the relay's name, a user,
and a password; on standard input a list of directories that stand for /etc/mail, with owners and modes that are kept.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

KEYS = ("ok", "accepted", "authenticated", "auth_sent_in_clear", "dsn", "reply", "stat", "queued", "exit_code", "ports",
        "mechanism", "log")  # fmt: skip


def main(shared: str, host: str, user: str, password: str) -> None:
    sys.path.insert(0, str(Path(shared) / "e2e"))
    import fake_relay
    import relay_harness

    options = fake_relay.RelayOptions(users={user.encode(): password.encode()})
    found = []
    with relay_harness.Sandbox([host], options) as box:
        for directory in json.load(sys.stdin):
            box.load(directory, keep_permissions=True)
            for path in [Path(directory), *Path(directory).rglob("*")]:
                owner = path.lstat()
                os.chown(box.etc / path.relative_to(directory), owner.st_uid, owner.st_gid, follow_symlinks=False)
            kept = Path(directory) / "kept"
            if kept.exists():  # another name of the database, which a copy does not keep
                (box.etc / "kept").unlink()
                os.link(next(box.etc.glob("*.db")), box.etc / "kept")
            result = box.deliver().result
            found.append({key: result[key] for key in KEYS})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
