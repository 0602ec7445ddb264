"""Deliveries by the real sendmail while the map of passwords is rebuilt without a pause; prints what came of them.

The one thing to know: it is a program of its own, for it moves itself into private namespaces for good.
Arguments: the shared harness's directory, a directory that stands for /etc/mail, how many deliveries, how many
lookups by one sendmail that keeps the map open, and what rebuilds it: `same`, always from the same source; `replace`, of another size each time; `in-place`, so, too.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import time

shared, mail, count, lookups, way = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
sys.path[:0] = [shared]

import fake_relay  # type: ignore[import-not-found]  # noqa: E402
import relay_harness  # type: ignore[import-not-found]  # noqa: E402

from sendmailcf.cli import main  # noqa: E402

SOURCE = "/etc/mail/authinfo"


def rebuild(counter: mmap.mmap) -> None:
    """Build the map again and again, until this process is killed."""
    with open(SOURCE, "rb") as file:
        entry = file.read()
    source = os.open(SOURCE + ".new", os.O_RDWR | os.O_CREAT, 0o600)
    os.dup2(source, 0)
    flags = ["--in-place"] if way == "in-place" else []
    turn = 0
    while True:
        turn += 1
        size = 0 if way == "same" else turn % 7 * 100
        os.ftruncate(0, 0)
        lines = b"".join(b'AuthInfo:other%d.example\t"U:x"\n' % at for at in range(500 + size))
        os.pwrite(0, lines + entry, 0)
        os.lseek(0, 0, os.SEEK_SET)
        sys.stdin = open(0, "rb", buffering=0, closefd=False)  # type: ignore[assignment]
        sys.stdin.buffer = sys.stdin  # type: ignore[misc]
        if main(["makemap", "-C", "/dev/null", *flags, "hash", SOURCE]) != 0:
            os._exit(1)
        counter[:8] = turn.to_bytes(8, "little")


box = relay_harness.Sandbox(relay=fake_relay.RelayOptions(users={b"me": b"invented"}))
box.load(mail, makemap=["authinfo"])
shared_count = mmap.mmap(-1, 8)
child = os.fork()
if child == 0:
    rebuild(shared_count)
# The first build puts another map in the place of the harness's: from then on it is what `way` says.
begun = time.monotonic()
while shared_count[:8] == bytes(8) and time.monotonic() < begun + 30:
    time.sleep(0.01)
found = [box.deliver() for _ in range(count)]
key = "AuthInfo:email-smtp.ap-south-1.amazonaws.com"
looked = box.run(["-bt"], f"/map authinfo {key}\n".encode() * lookups, timeout=60.0)["output"]
alive = os.waitpid(child, os.WNOHANG) == (0, 0)
if alive:
    os.kill(child, 9)
    os.waitpid(child, 0)
lost = [one for one in found if not one.ok]
reasons = [line for one in lost for line in one.log if "SYSERR" in line] or [one.stat for one in lost]
rebuilds = int.from_bytes(shared_count[:8], "little")
hits = sum(" returns " in line for line in looked)
said = {"ok": len(found) - len(lost), "rebuilds": rebuilds, "alive": alive, "hits": hits, "reasons": reasons}
print(json.dumps(said))
box.close()
