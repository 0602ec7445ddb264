"""Rotate the password of a host while the relay takes the old, both, and the new; deliver after each, print JSON.

The one thing to know: the harness moves its process into namespaces for good, so this is a script of its own.
Arguments: the directory `shared`, a directory that stands for /etc/mail, the relay's name, a user, the old password
and the new one.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path


def rotate(password: str) -> int:
    from sendmailcf.cli import main

    sys.stdin = io.TextIOWrapper(io.BytesIO(password.encode() + b"\n"), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(["relay", "rotate", "--password-stdin", "--timeout", "3"])


def main(shared: str, mail: str, host: str, user: str, old: str, new: str) -> None:
    sys.path.insert(0, str(Path(shared) / "e2e"))
    import fake_relay
    import relay_harness

    found = []
    account = user.encode()
    with relay_harness.Sandbox([host], fake_relay.RelayOptions()) as box:
        box.load(mail)

        def step(password: str | None, taken: str) -> None:
            """Rotate while the relay takes one password, deliver while it takes one; the same for both."""
            box.relay.options.users = {account: taken.encode()}
            status = rotate(password) if password is not None else None
            found.append({"status": status, "ok": box.deliver().ok})

        step(None, old)
        step(new, old)
        step(None, old)
        step(new, new)
        step(None, old)
        step(None, new)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
