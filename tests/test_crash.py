"""Killed anywhere, `relay apply` leaves each file old or new, never gives a password away, and can be run again.

The one thing to know: each point is one call into the operating system, and the process dies before it, after it,
or, for a write, in the middle of it.  `tests/oracle/test_crash_oracle.py` does the same with real signals.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any, Callable, List, Set

import pytest
from hosts import HOST, PASSWORD, SHAPES, contents, make_host

from sendmailcf.authinfo import DefaultAuthInfo
from sendmailcf.cli import main
from sendmailcf.cli.relay import looker
from sendmailcf.relay.host import CLEAR, Host, Server, credentials_in
from sendmailcf.relay.plan import load_cf

CALLS = (
    "open",
    "write",
    "fsync",
    "fchmod",
    "fchown",
    "rename",
    "unlink",
    "utime",
    "close",
    "setxattr",
    "ftruncate",
    "pwrite",
)
KILLED = 9


class Input(io.TextIOWrapper):
    """Standard input with a password in it."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(PASSWORD.encode() + b"\n"), encoding="utf-8")


def apply(root: Path, *arguments: str) -> int:
    """`relay apply` in this process, its output thrown away."""
    sys.stdin = Input()
    sys.stdout = open(os.devnull, "w")
    return main(["relay", "apply", "--root", str(root), "--host", HOST, "--user", "me", "--password-stdin", "--platform",
                 "linux", *arguments])  # fmt: skip


def deadly(point: int, when: str, root: str) -> None:
    """Let this process die at the `point`-th call that concerns `root`."""
    count = 0
    ours: Set[int] = set()

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **words: Any) -> Any:
            nonlocal count
            first = arguments[0]
            concerned = first in ours if isinstance(first, int) else str(first).startswith(root)
            if not concerned:
                return real(*arguments, **words)
            count += 1
            if count == point:
                if when == "middle" and name in ("write", "pwrite"):
                    real(first, bytes(arguments[1])[: len(arguments[1]) // 2], *arguments[2:])
                try:
                    if when == "after":
                        real(*arguments, **words)
                finally:
                    os._exit(KILLED)
            made = real(*arguments, **words)
            if name == "open":
                ours.add(made)
            elif name == "close":
                ours.discard(first)
            return made

        return call

    for name in CALLS:
        if hasattr(os, name):
            setattr(os, name, wrap(name, getattr(os, name)))


def in_child(work: Callable[[], int]) -> int:
    """Run something in a child process; its exit status."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def gives_away(root: Path) -> bool:
    """Whether the files as they are would send our password without encryption."""
    look = looker(str(root))
    cf = load_cf("/etc/mail/sendmail.cf", look)
    if "authinfo" not in cf.rulesets:
        option = cf.options.all("DefaultAuthInfo")
        if not option or not option[-1].value:
            return False
        data = look(option[-1].value).data or b""
        if HOST.encode() in data and b'"U:me"' in data:
            return True  # lines of a map, sent as they are
        found = DefaultAuthInfo(data).reading().credentials
        host = Host(cf, look)
        return (
            found is not None
            and found.password == PASSWORD
            and host.tls_server_allows(Server.of(HOST), CLEAR)
        )
    found = credentials_in(Host(cf, look).authinfo(Server.of(HOST), CLEAR)).credentials
    return found is not None and found.password == PASSWORD


CASES = [(shape, ()) for shape in SHAPES] + [
    ("access", ("--store", "access")),
    ("absent", ("--store", "default-auth-info")),
    ("map", ("--backup",)),
]


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "middle", "after"])
@pytest.mark.parametrize(
    ("shape", "arguments"), CASES, ids=lambda one: one if isinstance(one, str) else "".join(one) or "plain"
)
def test_killed_at_every_call(tmp_path: Path, shape: str, arguments: tuple[str, ...], when: str) -> None:
    def fresh(name: str) -> Path:
        return make_host(tmp_path / name, shape)

    old = contents(fresh("old"))
    done = fresh("done")
    assert in_child(lambda: apply(tmp_path / "done", *arguments)) == 0
    new = contents(done)
    assert new != old
    states: List[dict[str, object]] = []
    point = 0
    while True:
        point += 1
        mail = fresh(f"at{point}")
        root = tmp_path / f"at{point}"

        def die(point: int = point, root: Path = root) -> int:
            deadly(point, when, str(root))
            return apply(root, *arguments)

        status = in_child(die)
        assert status in (0, KILLED)
        if status == 0:
            break
        left = {name: data for name, data in contents(mail).items() if not name.startswith(".")}
        states.append(left)
        for name, data in left.items():
            # The guard may be there already, and the rest not yet.
            assert data in (old.get(name), new.get(name)) or name == "sendmail.cf", (point, name)
        assert not gives_away(root), point
        assert in_child(lambda root=root: apply(root, *arguments)) == 0  # type: ignore[misc]
        after = contents(mail)
        if "--backup" in arguments:
            after = {name: data for name, data in after.items() if not name.endswith(".bak")}
            assert after == {name: data for name, data in new.items() if not name.endswith(".bak")}, point
        else:
            assert after == new, point
    assert point > 20, "so few calls cannot be all"
    cfs = {state["sendmail.cf"] for state in states}
    assert len(cfs) <= 3
