"""Probe a relay with each of many faults, then let the real sendmail deliver through it; print both, as JSON.

The one thing to know: the harness moves its process into namespaces for good, so this is a script of its own.
Arguments: the directory `shared`, the relay's name, a user, a password; on standard input a list of cases: `mail` (a
directory that stands for /etc/mail), `relay` (options of the fake relay), `arguments` (of relay probe), `trust`
(true: ca.pem is the relay's certificate), `dns` (false: the name server is gone from here on).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

DNS = ["real.example A 127.0.0.1", "alias.example CNAME real.example", "domain.example MX 10 real.example",
       "domain.example A 127.0.0.9", "two.example MX 20 real.example", "two.example MX 10 gone.example",
       "gone.example A 127.0.0.7", "mxalias.example MX 10 alias.example", "chain.example CNAME alias.example",
       "refused.example A 127.0.0.7", "nodata.example MX 10 nowhere.example"]  # fmt: skip
KEYS = ("ok", "accepted", "authenticated", "auth_sent_in_clear", "stat", "reply", "queued", "log", "mailq")


def probed(arguments: list[str], *, plainly: bool) -> tuple[dict[str, object], str]:
    """What `relay probe` prints as JSON, and everything it prints otherwise."""
    from sendmailcf.cli import main

    out, plain, err = io.StringIO(), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(["relay", "probe", "--json", "--helo", "client.example.net", *arguments])
    if plainly:
        with contextlib.redirect_stdout(plain), contextlib.redirect_stderr(err):
            main(["relay", "probe", "--helo", "client.example.net", *arguments])
    printed = out.getvalue() + plain.getvalue() + err.getvalue()
    found = json.loads(out.getvalue()) if out.getvalue() else {}
    return {"status": status, "error": err.getvalue(), **found}, printed


def main(shared: str, host: str, user: str, password: str) -> None:
    sys.path.insert(0, str(Path(shared) / "e2e"))
    import fake_relay
    import relay_harness

    relay_harness.TIMEOUTS.update(initial="2s", connect="2s", iconnect="2s")
    plain = fake_relay.RelayOptions(users={user.encode(): password.encode()})
    results = []
    with relay_harness.Sandbox([host], plain, ["127.0.0.1 canon.example also.example"], DNS) as box:
        wrapper = box.base / "bin" / "sendmail"
        wrapper.parent.mkdir()
        options = " ".join(f"'{one}'" for one in box.options())
        wrapper.write_text(f'#!/bin/sh\nexec {box.sendmail} {options} "$@"\n')
        wrapper.chmod(0o755)
        os.environ["PATH"] = f"{wrapper.parent}:{os.environ['PATH']}"
        for case in json.load(sys.stdin):
            if not case.get("dns", True) and box.dns:
                box.dns.close()
            box.load(case["mail"], keep_permissions=True)
            if case.get("trust"):
                text = Path(box.relay.options.cert).read_text()
                (box.etc / "ca.pem").write_text(text[text.index("-----BEGIN CERTIFICATE") :])
            for name, value in case.get("relay", {}).items():
                setattr(box.relay.options, name, value)
            first = len(box.relay.events)
            found, printed = probed(["--timeout", "2", *case.get("arguments", [])], plainly=case.get("plainly", False))
            box._settled(first)
            events = box.relay.events[first:]
            # 60.1: the lookups in maps, which tell ${server_name}.
            result = box.deliver(debug=["60.1"] if case.get("names") else []).result
            name = [re.search(r"(?i)map_lookup\(authinfo, AuthInfo:([^\s,)]+)", line) for line in result["log"]]
            results.append({
                "probe": found,
                "printed": printed,
                "events": events,
                "delivery": {key: result[key] for key in KEYS},
                "server_name": next((one.group(1) for one in name if one), ""),
            })  # fmt: skip
            for field in case.get("relay", {}):
                setattr(box.relay.options, field, getattr(fake_relay.RelayOptions(), field))
            box.relay.options.users = {user.encode(): password.encode()}
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
