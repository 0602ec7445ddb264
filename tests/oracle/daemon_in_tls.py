"""A daemon that is given a message over TLS and relays it: does the first session's TLS count for the second?

The one thing to know: the harness moves its process into namespaces for good, so this is a script of its own.
Arguments: the directory `shared`, a directory that stands for /etc/mail (its sendmail.cf names c.pem and k.pem there),
and a DeliveryMode.  It prints JSON: what became of the message, and whether a password came in clear.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import subprocess
import sys
import time
from pathlib import Path

PORT = 2526


def connected(seconds: float) -> smtplib.SMTP:
    """A session with the daemon, which takes a moment to listen."""
    end = time.monotonic() + seconds
    while True:
        try:
            return smtplib.SMTP("127.0.0.1", PORT, timeout=10)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main(shared: str, mail: str, mode: str) -> None:
    sys.path.insert(0, str(Path(shared) / "e2e"))
    import fake_relay
    import relay_harness

    pem = Path(fake_relay.make_certificate(mail, ["client.example.net"])).read_bytes()
    for name in ("c.pem", "k.pem"):
        (Path(mail) / name).write_bytes(pem)
        (Path(mail) / name).chmod(0o600)
    relay = fake_relay.RelayOptions(
        users={b"me": b"pw"}, starttls=False, require_tls=False, auth_in_clear="accept"
    )
    box = relay_harness.Sandbox(relay=relay)
    box.load(mail)
    trace = box.base / "trace"
    trace.touch()
    options = [*box.options(), "-O", f"DeliveryMode={mode}"]
    command = [box.sendmail, "-C", "/etc/mail/sendmail.cf", "-D", str(trace), "-d89.8", *options, "-bD"]
    daemon = subprocess.Popen(
        command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
    )
    try:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        session = connected(20)
        session.starttls(context=context)
        session.sendmail("a@client.example.net", ["x@example.org"], "Subject: t\n\nt\n")
        end = time.monotonic() + 20
        while ": to=<x@" not in trace.read_text(errors="replace") and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        daemon.kill()
    log = trace.read_text(errors="replace").splitlines()
    clear = [event["event"] for event in box.relay.events if event["event"] in ("auth", "clear-auth")]
    print(
        json.dumps(
            {
                "inbound": [line for line in log if "STARTTLS=server, relay=" in line],
                "stat": [line.partition("stat=")[2] for line in log if "stat=" in line and "to=<x@" in line],
                "auth": clear,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
