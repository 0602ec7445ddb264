"""What surrounds a log message: the heads that syslogs of different systems and journald put in front.

The one thing to know: a head gives time, host and process; sendmail's own words follow, and are all that explain.py
looks at.  A line without a head is a message by itself, as in what `sendmail -v` prints.
"""

from __future__ import annotations

import json
import re
from typing import Dict, Optional, Tuple

from attrs import frozen

from ..record import Record


@frozen(eq=False, repr=False)
class Entry(Record):
    """A message of a log.

    message: the words of the program.  time: as the log has it.  host: the machine that logged.  pid: the process, or
    None.  repeated: how many times syslog says it came (`message repeated 3 times`).  headed: whether there was a head.
    again: it is the message before that came so often, and this line has none.
    """

    message: str
    time: str = ""
    host: str = ""
    pid: Optional[str] = None
    repeated: int = 1
    headed: bool = False
    again: bool = False

    @property
    def day(self) -> str:
        """The part of the time that is the same for a day (`Nov 24`, `2026-11-24`, or 10^5 seconds)."""
        if "-" in self.time:
            return self.time[:10]
        return self.time[:6] if " " in self.time else self.time.partition(".")[0][:-5]


_PROGRAM = r"(?P<tag>[^ \[:]+)(?:\[(?P<pid>[0-9]+)\])?: "
#: AIX puts facility and level in front of the program, Solaris a message id behind it; AIX says who sent a line on.
_WHO = (
    r"(?P<host>\S+) (?:[Mm]essage forwarded from (?P<from>[^:]+): )?(?:[a-z0-9]+[:.|][a-z]+ )?"
    rf"{_PROGRAM}(?:\[ID [0-9]+ [a-z0-9]+\.[a-z]+\] )?(?P<message>.*)"
)
_PRIORITY = r"(?:<[0-9]{1,3}>)?"
_BSD = r"[A-Z][a-z]{2} [ 0-9][0-9](?: [0-9]{4})? [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
_ISO = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2}| [A-Z]{3,5})?"
)

#: RFC 3164 and its kin (Linux, AIX, Solaris, the BSDs; journalctl); RFC 3339 times (rsyslog, journalctl -o short-iso
#: and short-full); seconds (journalctl -o short-unix and short-monotonic); RFC 5424.
_HEADS = (
    re.compile(rf"{_PRIORITY}(?P<time>{_BSD}) {_WHO}", re.DOTALL),
    re.compile(rf"{_PRIORITY}(?:[A-Z][a-z]{{2}} )?(?P<time>{_ISO}) {_WHO}", re.DOTALL),
    re.compile(rf"(?:\[ *)?(?P<time>[0-9]{{1,11}}\.[0-9]+)\]? {_WHO}", re.DOTALL),
    re.compile(
        r"(?:<[0-9]{1,3}>[0-9]{1,2}|1(?= [0-9]{4}-)) (?P<time>\S+) (?P<host>\S+) (?P<tag>\S+) (?P<pid>\S+) \S+ "
        r"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: (?:\ufeff)?(?P<message>.*))?",
        re.DOTALL,
    ),
)
_LAST = re.compile(rf"{_PRIORITY}(?:{_BSD}|{_ISO}) .*\blast message repeated (?P<times>[0-9]+) times?")
_AGAIN = re.compile(r"message repeated (?P<times>[0-9]+) times: \[ ?(?P<message>.*?)\]?$", re.DOTALL)


def parse(line: str) -> Entry:
    """A line without its end, as an entry."""
    if line.startswith("{"):
        found = _journal(line)
        if found is not None:
            return found
    first = line[:1]
    if first in "<[" or ("0" <= first <= "9" and line[3:4] not in " -") or "A" <= first <= "Z":
        last = _LAST.match(line) if "last message repeated" in line else None
        if last is not None:
            return Entry("", repeated=int(last["times"]), headed=True, again=True)
        for head in _HEADS:
            match = head.match(line)
            if match is not None:
                return _entry(match)
    return Entry(line)


def _entry(match: re.Match[str]) -> Entry:
    parts = match.groupdict()
    message, repeated = parts["message"] or "", 1
    again = _AGAIN.match(message)
    if again is not None:
        message, repeated = again["message"], int(again["times"])
    pid = None if parts["pid"] == "-" else parts["pid"]
    return Entry(message, parts["time"], parts.get("from") or parts["host"], pid, repeated, headed=True)


def _journal(line: str) -> Optional[Entry]:
    """An entry of `journalctl -o json`."""
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, dict) or not isinstance(fields.get("MESSAGE"), str):
        return None
    pid = fields.get("_PID") or fields.get("SYSLOG_PID")
    host = str(fields.get("_HOSTNAME", ""))
    return Entry(fields["MESSAGE"], _time(fields), host, None if pid is None else str(pid), headed=True)


def _time(fields: Dict[str, object]) -> str:
    microseconds = str(fields.get("__REALTIME_TIMESTAMP", ""))
    if re.fullmatch(r"[0-9]{7,17}", microseconds) is None:
        return ""
    from datetime import datetime, timezone

    return datetime.fromtimestamp(int(microseconds) // 1_000_000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


#: A queue id: eight characters of time and sequence, then the process; and one of old versions, shorter.
QUEUE_ID = r"[0-9A-Za-z]{8}[0-9]{4,10}"
OLD_ID = r"(?=[A-Za-z]*[0-9])[0-9A-Za-z]{6,20}"
_WITH_ID = re.compile(rf"(?P<id>{OLD_ID}): ")


def split_id(message: str) -> Tuple[Optional[str], str]:
    """The queue id at the head of a message, if there is one, and the rest."""
    match = _WITH_ID.match(message)
    return (match["id"], message[match.end() :]) if match is not None else (None, message)


def process_of(queue_id: str) -> str:
    """The process that made a queue id, or the whole id where it does not tell."""
    return queue_id[8:] if re.fullmatch(QUEUE_ID, queue_id) else queue_id
