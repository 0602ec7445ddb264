"""What the real `sendmail -bC` says of a file, line by line.

The one thing to know: sendmail names the last physical line of a folded one, and says some things without a line.  Its words
show how bad a thing is; only the exit status tells whether it would start.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import List, Tuple

from attrs import evolve, frozen
from sendmail import NAME

#: What is said where it stops and ends with this status (EX_USAGE), and is of class E where it goes on.
_STOPS, _USAGE = r"Unknown delivery mode|Unknown 8-bit mode", 64
#: A message of a class other than E, by its words.
_CLASSES: Tuple[Tuple[str, str], ...] = (
    ("F", r"initialize mailbox database"),
    ("U", r"Invalid time unit"),
    ("N", r"used as abbreviation for"),
    ("E", r"version level .* exceeds"),
    ("W", r"^(?:Warning|WARNING|         )|: Warning: |WARNING: |^\tbut flag|exceeds MaxQueueChildren"),
)
#: What comes behind a message that was given before it.
_ECHO = "Unable to assign macro/class ID"


@frozen
class Said:
    """A message.

    line: the last physical line of what it is about, counted from 1; 0 where sendmail names none.  text: its words, without
    file and line.  severity: E error, F error at which it stops, U a user's fault, W warning, N notice.
    """

    line: int
    text: str
    severity: str


def check(sendmail: str, cf: Path) -> Tuple[int, List[Said]]:
    """The exit status of `sendmail -bC`, and its messages in their order; a negative status is a signal's."""
    done = _run(sendmail, "-bC", "-C", str(cf))
    text = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
    # A message may hold a line feed of the file: what does not begin as a message goes on.
    start = re.compile(rf"{re.escape(str(cf))}: (?:line (\d+): )?")
    said: List[Said] = []
    for line in text.split("\n"):
        found = start.match(line)
        body = line[found.end() :] if found else line
        if _ECHO in body or not body:
            continue
        if not found and said and said[-1].text.count('"') % 2:
            said[-1] = evolve(said[-1], text=f"{said[-1].text}\n{body}")
            continue
        said.append(Said(int(found.group(1) or 0) if found else 0, body, severity(body, done.returncode)))
    return done.returncode, said


def severity(text: str, status: int) -> str:
    """How bad a message is, by its words and the status with which sendmail ended."""
    if status == _USAGE and re.search(_STOPS, text):
        return "F"
    return next((letter for letter, words in _CLASSES if re.search(words, text)), "E")


def options(sendmail: str) -> List[str]:
    """The names of the options that the program has."""
    return [name for name in _run(sendmail, "-bO").stdout.decode().split("\n") if name]


def _run(sendmail: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    script = f'hostname {NAME}; mount -t tmpfs -o mode=755 none /etc/mail; exec "$0" "$@"'
    return subprocess.run(
        ["unshare", "-u", "-n", "-m", "sh", "-c", script, sendmail, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
