"""The live checks: ask the running host for its service and its queue.

The one thing to know: only commands that show are run, each with a limit of time, and none gets a secret.  AIX asks
its System Resource Controller, a system with systemd that, any other looks for the process of the pid file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import List, Optional, Sequence

from . import files
from .config import Config
from .errors import SendmailCfError
from .relay.live import NOT_KNOWN, RUNNING, STOPPED, Live, Service, read_mailq
from .resolver import Resolver

#: sendmail waits a minute for a qualified name of its own before it prints the queue.
SECONDS = 75
DNS_SECONDS = 3
#: Where a daemon writes its process number when PidFile is not set (conf.c; AIX and BSD have it elsewhere).
PID_FILES = ("/var/run/sendmail.pid", "/etc/mail/sendmail.pid", "/etc/sendmail.pid")
SYSTEMD = "/run/systemd/system"


def ask(cf: Config, relay: str) -> Live:
    """What the running host says of its sendmail, and of the name of a relay (as in DS, or empty)."""
    text, problem = _output(["mailq"])
    queue = read_mailq(text) if text is not None else None
    if text is not None and queue is None:
        problem = f"mailq says: {text.strip()[:200]}"
    return Live(service(cf), queue, problem, _server_name(relay) if relay else "")


def _server_name(relay: str) -> str:
    try:
        return Resolver(seconds=DNS_SECONDS).routes(relay)[0].name
    except SendmailCfError:
        return ""


def service(cf: Config) -> Service:
    """Whether the daemon runs, and since when."""
    path, pid = _pid(cf)
    started = os.stat(path).st_mtime if path else None
    if sys.platform.startswith("aix"):
        text, problem = _output(["lssrc", "-s", "sendmail"])
        if text is None:
            return Service(NOT_KNOWN, problem)
        return Service(RUNNING, "lssrc", started) if " active" in text else Service(STOPPED, "lssrc")
    if os.path.isdir(SYSTEMD):
        text, problem = _output(["systemctl", "show", "-p", "LoadState,ActiveState", "sendmail"])
        if text is not None and "LoadState=loaded" in text:
            active = "ActiveState=active" in text
            return Service(RUNNING, "systemd", started) if active else Service(STOPPED, "systemd")
    if not path:
        return Service(STOPPED, "no pid file")
    if pid is None or not files.alive(pid):
        return Service(STOPPED, f"{path} names no living process")
    return Service(RUNNING, path, started)


def _pid(cf: Config) -> tuple[str, Optional[int]]:
    found = cf.options.all("PidFile")
    for path in [found[-1].value] if found and found[-1].value else PID_FILES:
        try:
            first = files.read(path).split(b"\n")[0].strip()
        except OSError:
            continue
        return path, int(first) if re.fullmatch(rb"[0-9]+", first) else None
    return "", None


def _output(command: Sequence[str]) -> tuple[Optional[str], str]:
    """What a command prints, or None and why not."""
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", "/usr/lib/sendmail"])
    words: List[str] = list(command)
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS,
            env={"PATH": search, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return None, f"there is no program {words[0]}"
    except subprocess.TimeoutExpired:
        return None, f"{words[0]} did not answer within {SECONDS} seconds"
    except OSError as error:
        return None, f"{words[0]}: {error.strerror}"
    text = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
    return (
        (text, "") if done.returncode == 0 else (None, f"{words[0]}: {text.strip()[:200] or done.returncode}")
    )
