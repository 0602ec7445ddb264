"""What a reply, a log line, a `mailq` line, an error message, a `sendmail -v` dialogue or a whole log means.

The one thing to know: sendmail spreads the evidence over several lines of one process, and the line that tells the
outcome comes last; so signs are kept for each process until an outcome comes, and rows (causes.py) say what both mean
together.  Memory is bounded: a fixed number of processes, groups and hosts is kept, whatever the length of the log.
No secret is in what comes out.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from functools import lru_cache
from typing import Dict, Iterable, List, Optional, Set, Tuple

from attrs import define, field, frozen

from ..authinfo import MASK
from ..record import Record
from .causes import BOUNCED, CAUSES, FATES, OTHER, OUTCOMES, QUEUED, SENT, SIGNS, VERDICTS, Cause
from .maillog import OLD_ID, QUEUE_ID, Entry, parse, process_of, split_id

#: Processes whose signs are kept, hosts counted by name in a group, and characters of an example.
MAX_PROCESSES = 4096
MAX_HOSTS = 256
MAX_EXAMPLE = 400
#: Connections of one process whose signs are kept; lines of a text that is short.
_MAX_CONNECTIONS = 64
_HEAD = 20

_OUTCOMES = [(row, re.compile(row.pattern)) for row in OUTCOMES]
_SIGNS = [(row, re.compile(row.pattern)) for row in SIGNS]
#: What a line with a sign holds; all other lines are passed over at once.
_MAY_BE_SIGN = re.compile(
    r"AUTH=client|STARTTLS|SYSERR|map |timeout waiting|available mechanisms|ruleset=tls_server|NOQUEUE: connect|"
    r"outgoing connect|done; delay|tls_clt_features|Cannot open|: line [0-9]|BDB[0-9]"
)
_DELIVERY = re.compile(
    r"to=.*?(?:, relay=(?P<relay>[^,]*))?(?P<tail>, (?:dsn=[0-9.]+, |reply=|stat=).*)", re.DOTALL
)
_DSN = re.compile(r", dsn=([0-9])")
_RELAY = re.compile(r"\b(?:relay=|input from )(?P<host>[^\s,]+)")
#: A relay's name in the words of an outcome.
_IN_WORDS = re.compile(
    r"(?:refused by|timed out with|reset by|error from|Name server:) \(?(?P<host>[^\s,:;()]+)"
    r"|Deferred: (?P<first>[^\s,:;()]+): "
)

_MAILQ_HEAD = re.compile(
    r"[ \t]*-+Q-ID-+ |[ \t]*\S+ \([0-9]+ requests?\)$|\S+ is empty$|[ \t]*Total requests: "
)
_MAILQ_ENTRY = re.compile(rf"{QUEUE_ID}[*X+-]*[ \t]+(?P<rest>.*)")
_MAILQ_OLD_ENTRY = re.compile(rf"{OLD_ID}[*X+-]*[ \t]+(?P<rest>.*)")
_MAILQ_TIME = re.compile(r"(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}")
#: The body type may stand before the reason.  In a returned message `(reason:` repeats what its transcript has.
_MAILQ_REASON = re.compile(r"[ \t]*(?:[0-9A-Z]{4,10} +)?\((?!reason: )(?P<reason>.+?)\)?$")

_CONNECTING = re.compile(r".*\.\.\. Connecting to (?P<host>\S+?)\.?(?: port [0-9]+)? via ")
_TALKING = re.compile(r"\.\.\. while talking to (?P<host>\S+?)\.?:?$")
_COMMAND = re.compile(r">>> (?P<command>.*)", re.DOTALL)
_REPLY = re.compile(r"(?:<<< )?(?P<code>[1-5][0-9]{2})(?P<more>[ -]|$)(?P<text>.*)", re.DOTALL)
_CLOSING = re.compile(r"Closing connection to \S")
_RESULT = re.compile(
    r"[^ ]+(?: [^ ]+)?\.\.\. "
    r"(?P<stat>(?:Deferred|Sent|User unknown|Host unknown|Service unavailable|Transient parse error)\b.*)"
)
_VERBS = frozenset(
    ("EHLO", "HELO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", ".", "RSET", "NOOP", "VERB", "QUIT")
)
#: The file that a line blames; of a map the source.
_FILE = re.compile(r"(?P<file>/[^\s:]+?)(?:\.db)?(?=[:\s]|$)")


@define(eq=False, repr=False)
class Group:
    """All that has one explanation.

    causes: names, the most common first; several if the text does not tell.  tell: what would tell then.  fate: what
    became of the mail.  count: of lines that tell an outcome.  first, last: times as the log has them.
    hosts: relays with counts, at most 256.  example: the line of an outcome, without secrets.  evidence: another line
    that tells the cause, or nothing.
    """

    causes: Tuple[str, ...]
    tell: str
    fate: str
    example: str
    count: int = 0
    first: str = ""
    last: str = ""
    hosts: Dict[str, int] = field(factory=dict)
    other_hosts: int = 0
    evidence: str = ""

    @property
    def rows(self) -> List[Cause]:
        """The causes in full."""
        return [CAUSES[name] for name in self.causes]

    def text(self, template: str) -> str:
        """A text of a row with the relay's name in it, if there is but one, and the file that is at fault."""
        host = next(iter(self.hosts)) if len(self.hosts) == 1 else "HOST"
        file = _FILE.search(self.evidence)
        return template.replace("{host}", host).replace("{file}", file["file"] if file is not None else "F")

    def as_json(self) -> Dict[str, object]:
        """The group as JSON takes it."""
        return {
            "causes": [
                {
                    "name": row.name,
                    "title": row.title,
                    "did": row.did,
                    "sure": self.text(row.sure),
                    "repair": self.text(row.repair),
                }
                for row in self.rows
            ],
            "certain": len(self.causes) == 1,
            "tell": self.tell,
            "fate": self.fate,
            "then": FATES[self.fate],
            "count": self.count,
            "first": self.first,
            "last": self.last,
            "hosts": dict(sorted(self.hosts.items(), key=lambda item: (-item[1], item[0]))),
            "other_hosts": self.other_hosts,
            "example": self.example,
            "evidence": self.evidence,
        }


@frozen(eq=False, repr=False)
class Report(Record):
    """What was found.

    read: of `log`, `line` (of a log), `mailq`, `dialogue` and `reply`, those seen.  lines: how many were read.
    """

    read: Tuple[str, ...]
    lines: int
    groups: Tuple[Group, ...]

    @property
    def failures(self) -> Tuple[Group, ...]:
        """The groups that are no success, the largest first."""
        return tuple(one for one in self.groups if one.causes not in _SUCCESSES)

    def total(self, fate: str) -> int:
        """How many had this fate."""
        return sum(one.count for one in self.groups if one.fate == fate)

    def as_json(self) -> Dict[str, object]:
        """The report as JSON takes it."""
        return {
            "read": list(self.read),
            "lines": self.lines,
            "totals": {fate: self.total(fate) for fate in (SENT, BOUNCED, QUEUED, OTHER)},
            "groups": [one.as_json() for one in self.groups],
        }


_SUCCESSES = tuple(
    (name,)
    for name in (
        "sent",
        "handed-on",
        "queue-empty",
        "logged-in",
        "encrypted",
        "encrypted-unverified",
        "no-failure",
    )
)


def explain(lines: Iterable[str], *, mask_addresses: bool = False) -> Report:
    """Explain lines, each without its end.

    mask_addresses: cover mail addresses in the examples.  Secrets are always covered.
    """
    reader = _Reader(mask_addresses)
    for line in lines:
        reader.feed(line)
    return reader.report()


# Judging


@lru_cache(maxsize=4096)
def _outcome(text: str) -> Optional[Tuple[str, str]]:
    """The sign that the words of an outcome are, and the cause that it is by itself."""
    for row, pattern in _OUTCOMES:
        if pattern.search(text):
            return row.name, row.cause
    return None


#: The causes that a text leaves open, and what would tell between them.
Found = Tuple[Tuple[str, ...], str]
#: Causes that say no more than the fate.
_VAGUE = ("held-back", "other-temporary", "other-permanent")


def _verdict(words: str, read: str, signs: Iterable[str]) -> Optional[Found]:
    """What the words of an outcome mean beside signs; None if they are no outcome.  read: the kind of text."""
    outcome = _outcome(words)
    if outcome is None:
        return None
    name, cause = outcome
    seen = frozenset((*signs, f"from-{read}"))
    for row in VERDICTS:
        if row.outcome == name and row.needs <= seen and not row.without & seen:
            return row.causes, row.tell
    return (cause,), ""


# Masking

_SECRETS = (
    (re.compile(r"(?<!250[- ])\b(AUTH [A-Za-z0-9_-]+ )\S+"), rf"\1{MASK}"),
    (re.compile(r"(\"[Pp][:=])(?:\\.|[^\"\\])*\"?"), rf"\1{MASK}"),
    (re.compile(r"(?i)(\bAuthInfo:\S*[ \t]+)(?=\S*[:=\"']).*", re.DOTALL), rf"\1{MASK}"),
    # makemap names the key of a line it refuses; of a broken entry that may be the password.
    (re.compile(r"(no RHS for LHS |line [0-9]+: key )(?!(?i:authinfo):).*?(?=: duplicate|$)"), rf"\1{MASK}"),
    (
        re.compile(r"(?i)\b((?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_]?key)[\"']? ?[:=] ?)\S+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"\bSG\.[\w-]{8,}\.[\w-]{8,}"), MASK),
    (
        re.compile(
            r"(?<![A-Za-z0-9+/])(?=[A-Za-z+/]*[0-9])(?=[0-9A-Z+/]*[a-z])(?=[0-9a-z+/]*[A-Z])"
            r"[A-Za-z0-9+/]{40,}={0,2}"
        ),
        MASK,
    ),
    (re.compile(r"^((?:>>> |334 )?)[A-Za-z0-9+/]{4,}={0,2}$"), rf"\1{MASK}"),
)
_ADDRESS = re.compile(r"[^\s<>,;:()\"'=]+@[^\s<>,;()\"']+")
_ADDRESS_FIELD = re.compile(r"\b(to|from|ctladdr|msgid)=(.*?)(?=, [a-z]+=|$)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def masked(text: str, *, addresses: bool = False) -> str:
    """A line as it may be shown: secrets covered, on request addresses too, control characters written out."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    if addresses:
        text = _ADDRESS_FIELD.sub(rf"\1={MASK}", text)
        text = _ADDRESS.sub(f"{MASK}@{MASK}", text)
        text = re.sub(r"^[^ ]+(?=\.\.\. )", MASK, text)
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    text = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", text)
    return text if len(text) <= MAX_EXAMPLE else text[:MAX_EXAMPLE] + "…"


# Reading


class _Process:
    """The signs of one process: for all it does, for each server it talks to, and those not yet of a server."""

    __slots__ = ("alone", "connections", "day", "done", "facts", "loose")

    def __init__(self, day: str = "") -> None:
        self.day = day
        self.facts: Set[str] = set()
        self.connections: Dict[str, Set[str]] = {}
        self.loose: Set[str] = set()
        #: Servers whose connection has led to an outcome: the next sign is of a new connection.
        self.done: Set[str] = set()
        #: Signs that are a fault by themselves, until an outcome explains them: cause, scope, host, entry.
        self.alone: Dict[str, Tuple[str, str, Entry]] = {}

    def of(self, host: str) -> Set[str]:
        if host in self.done:
            self.done.discard(host)
            self.connections.pop(host, None)
        if len(self.connections) >= _MAX_CONNECTIONS and host not in self.connections:
            self.connections.clear()
        found = self.connections.setdefault(host, set())
        found |= self.loose
        self.loose.clear()
        return found


class _Dialogue:
    """What `sendmail -v`, or the transcript in a returned message, shows of one session."""

    def __init__(self, host: str = "") -> None:
        self.host = host
        self.signs: Set[str] = set()
        self.verb = ""
        self.offers: Set[str] = set()
        self.reply: List[str] = []
        #: The reply that tells: the last failure that is not of AUTH or STARTTLS; else the last of these; its words.
        self.failure = ""
        self.lesser = ""
        self.result = ""
        #: A line of another kind that tells something, such as an error of Berkeley DB.
        self.evidence = ""
        #: Whether replies are marked with `<<<`: then those without are sendmail's own words about them.
        self.quoted = False
        self.open = bool(host)

    def command(self, text: str) -> None:
        self.open = True
        verb = text.split(" ", 1)[0].upper()
        if verb not in _VERBS:
            return  # an answer of the AUTH dialogue
        self.verb = verb
        if verb in ("EHLO", "HELO"):
            self.signs.add("asked-ehlo")
            self.offers.clear()
        elif verb == "AUTH":
            self.signs.add("asked-auth")
        elif verb == "MAIL":
            self.signs.add("asked-mail-auth" if re.search(r" AUTH=", text) else "saw-no-auth")
            if self.offers and "STARTTLS" not in self.offers and "encrypted" not in self.signs:
                self.signs.add("saw-no-starttls")

    def answer(self, code: str, text: str) -> None:
        if self.verb == "EHLO" and code == "250":
            self.offers.add(text.split(" ", 1)[0].upper())
        elif self.verb == "AUTH" and code[0] in "245":
            self.signs.add("saw-auth-4yz" if code[0] == "4" else f"saw-{code}")
        elif self.verb == "STARTTLS":
            self.signs.add("encrypted" if code == "220" else "saw-454-tls")
        if code[0] in "45" and self.verb not in ("QUIT", "RSET"):
            whole = f"reply={code} {text}"
            if self.verb in ("AUTH", "STARTTLS"):
                self.lesser = whole
            else:
                self.failure = whole if self.verb or not self.host else f"dsn={code[0]}.5.0 {whole}"

    @property
    def words(self) -> str:
        """What the outcome is judged by."""
        if self.result.startswith("Sent"):
            return self.result
        if self.result.startswith("Deferred: 4") or not self.failure:
            return self.result or self.lesser
        return self.failure


class _Reader:
    def __init__(self, mask_addresses: bool) -> None:
        self.mask_addresses = mask_addresses
        self.lines = 0
        self.read: Set[str] = set()
        self.groups: Dict[Tuple[Tuple[str, ...], str, str], Group] = {}
        self.processes: OrderedDict[Tuple[str, str], _Process] = OrderedDict()
        #: Lines without a process, until one with a queue id says whose they are.
        self.floating: List[Entry] = []
        self.repeat: Optional[Tuple[Group, str]] = None
        self.dialogue = _Dialogue()
        #: Errors of maps that came as replies, before the dialogue that they belong to.
        self.heralds: List[str] = []
        self.in_mailq = False
        #: The entry of mailq that has no reason yet: its time.
        self.waiting: Optional[str] = None
        self.mailq_time = ""
        #: Relays with the causes of their last failure, for each machine that logs.
        self.failed: OrderedDict[Tuple[str, str], Found] = OrderedDict()
        #: The last outcome of a log: words, entry, host, fate.
        self.delivered: Optional[Tuple[str, Entry, str, str]] = None
        #: The first lines, for a short text in which nothing else is found.
        self.head: List[str] = []

    def feed(self, line: str) -> None:
        self.lines += 1
        line = line.rstrip("\r\n")
        if len(self.head) < _HEAD:
            self.head.append(line)
        entry = parse(line)
        if not entry.headed and self._mailq(line):
            return
        if entry.again:
            if self.repeat is not None:
                group, host = self.repeat
                self._count(group, host, group.last, entry.repeated)
            return
        self.repeat = None
        if not entry.headed and self._spoken(line):
            return
        self._logged(entry)

    def report(self) -> Report:
        self._end_dialogue()
        self._end_mailq_entry()
        for entry in (*self.floating, *map(Entry, self.heralds)):
            self._sign(entry, _Process(), flush=True)
        for process in self.processes.values():
            self._flush(process)
        if self.lines == 1 and self.delivered is not None:
            # Of a line by itself nobody knows what came before it.
            words, entry, host, fate = self.delivered
            self.groups.clear()
            self.read.clear()
            self._judge(words, entry, "line", host=host, fate=fate)
        if not self.groups and self.lines <= _HEAD:
            for line in self.head:
                # Words of an outcome without anything around.
                entry = parse(line)
                self._judge(entry.message.strip(), entry, "reply")
        ranked = sorted(self.groups.values(), key=lambda one: (one.causes in _SUCCESSES, -one.count))
        return Report(tuple(sorted(self.read)), self.lines, tuple(ranked))

    # Counting.
    def _judge(
        self,
        words: str,
        entry: Entry,
        read: str,
        *,
        signs: Iterable[str] = (),
        host: str = "",
        fate: str = "",
    ) -> Optional[Group]:
        """Judge the words of an outcome and count it; its group, or None if they are no outcome."""
        found = _verdict(words, read, signs)
        return None if found is None else self._found(found, read, entry, host=host, fate=fate, words=words)

    def _found(
        self, found: Found, read: str, entry: Entry, *, host: str = "", fate: str = "", words: str = ""
    ) -> Group:
        causes, tell = found
        self.read.add(read)
        fate, host = fate or CAUSES[causes[0]].fate, host or _host_in(words)
        group = self.groups.get((causes, tell, fate))
        if group is None:
            group = Group(causes, tell, fate, self._shown(entry.message), first=entry.time)
            self.groups[causes, tell, fate] = group
        self._count(group, host, entry.time, entry.repeated)
        self.repeat = (group, host)
        return group

    def _shown(self, text: str) -> str:
        return masked(text, addresses=self.mask_addresses)

    @staticmethod
    def _count(group: Group, host: str, time: str, times: int) -> None:
        group.count += times
        group.last = time
        if not host:
            return
        if host in group.hosts or len(group.hosts) < MAX_HOSTS:
            group.hosts[host] = group.hosts.get(host, 0) + times
        else:
            group.other_hosts += times

    # A log.
    def _logged(self, entry: Entry) -> None:
        queue_id, rest = split_id(entry.message)
        delivery = _DELIVERY.match(rest) if "stat=" in rest and rest.startswith("to=") else None
        if delivery is None and _MAY_BE_SIGN.search(entry.message) is None:
            return
        if entry.pid is not None:
            process = self._process(entry, entry.pid)
        elif queue_id is not None:
            process = self._process(entry, process_of(queue_id))
            for before in self.floating:
                self._sign(before, process)
            self.floating.clear()
        else:
            self.floating.append(entry)
            del self.floating[:-_MAX_CONNECTIONS]
            return
        if delivery is None:
            self._sign(entry, process)
        else:
            self._delivered(entry, delivery, process)

    def _process(self, entry: Entry, pid: str) -> _Process:
        key = (entry.host, pid.lstrip("0"))
        process = self.processes.get(key)
        # Process ids are used again: what was seen on another day counts as another process.
        if process is not None and process.day != entry.day:
            self._flush(self.processes.pop(key))
            process = None
        if process is None:
            process = self.processes[key] = _Process(entry.day)
            if len(self.processes) > MAX_PROCESSES:
                self._flush(self.processes.popitem(last=False)[1])
        else:
            self.processes.move_to_end(key)
        return process

    def _sign(self, entry: Entry, process: _Process, *, flush: bool = False) -> None:
        match = _RELAY.search(entry.message)
        host = match["host"].lower() if match is not None else ""
        first = True
        for row, pattern in _SIGNS:
            if not pattern.search(entry.message):
                continue
            self.read.add("log")
            if row.scope == "process":
                process.facts.add(row.name)
            else:
                (process.of(host) if host else process.loose).add(row.name)
            if first and row.cause is not None:
                process.alone[row.cause] = (row.scope, host, entry)
            first = first and row.cause is None
        if flush:
            self._flush(process)

    def _flush(self, process: _Process) -> None:
        """Count the faults that no outcome has followed; in a log with outcomes they are of no mail that is known."""
        for cause, (_, host, entry) in process.alone.items():
            fate = OTHER if self.delivered is not None else CAUSES[cause].fate
            group = self._found(((cause,), ""), "log", entry, host=host, fate=fate)
            group.evidence = group.evidence or group.example
        process.alone.clear()

    def _delivered(self, entry: Entry, delivery: re.Match[str], process: _Process) -> None:
        relay, tail = delivery["relay"] or "", delivery["tail"]
        host = relay.partition(" ")[0].lower()
        # A message over a connection that is kept open has no signs of its own.
        kept = host in process.done and not process.loose
        signs = process.connections.get(host, set()) if kept else process.of(host)
        words = f"relay={relay}{tail}" if relay else tail
        dsn = _DSN.match(tail)
        fate = {"2": SENT, "4": QUEUED, "5": BOUNCED}.get(dsn[1], "") if dsn is not None else ""
        found = _verdict(words, "log", signs | process.facts)
        key = (entry.host, host)
        if found is not None and fate != SENT:
            # Without an address there was no connection: sendmail remembers that the host failed for another message.
            told = len(found[0]) == 1 and found[0][0] not in _VAGUE
            if relay and " " not in relay and not told:
                found = self.failed.get(key, found)
            self._remember(key, found)
        group = (
            self._found(found, "log", entry, host=host, fate=fate, words=words) if found is not None else None
        )
        self.delivered = (words, entry, host, fate)
        process.done.add(host)
        # What this outcome has explained is no fault by itself; nor is what a connection showed that led to another.
        for cause, (scope, _, line) in list(process.alone.items()):
            blamed = group is not None and group.causes == (cause,)
            if group is not None and blamed:
                group.evidence = group.evidence or self._shown(line.message)
            if blamed or scope == "connection":
                del process.alone[cause]

    def _remember(self, key: Tuple[str, str], found: Found) -> None:
        self.failed[key] = found
        self.failed.move_to_end(key)
        if len(self.failed) > MAX_HOSTS:
            self.failed.popitem(last=False)

    # mailq.
    def _mailq(self, line: str) -> bool:
        if _MAILQ_HEAD.match(line):
            self.in_mailq = "Total requests" not in line
            self.read.add("mailq")
            self._end_mailq_entry()
            self._judge(line, Entry(line), "mailq")
            return True
        entry = (_MAILQ_OLD_ENTRY if self.in_mailq else _MAILQ_ENTRY).match(line)
        if entry is not None:
            self._end_mailq_entry()
            time = _MAILQ_TIME.search(entry["rest"])
            self.in_mailq, self.waiting = True, line
            self.mailq_time = time[0] if time is not None else ""
            return True
        reason = _MAILQ_REASON.match(line)
        if reason is None or not (self.in_mailq or line[:1] in " \t("):
            return False
        self.waiting = None
        told = self._judge(reason["reason"], Entry(line.strip(), self.mailq_time), "mailq", fate=QUEUED)
        return told is not None or self.in_mailq

    def _end_mailq_entry(self) -> None:
        if self.waiting is not None:
            self._judge("(not tried)", Entry(self.waiting, self.mailq_time), "mailq")
        self.waiting = None

    # A dialogue, or a reply.
    def _spoken(self, line: str) -> bool:
        if line.startswith("050 "):
            line = line[4:]
        start = _CONNECTING.match(line) or _TALKING.match(line)
        if start is not None:
            self._end_dialogue()
            self.dialogue = _Dialogue(start["host"].lower())
            for before in self.heralds:
                self._aside(before)
            self.heralds.clear()
            return True
        command = _COMMAND.match(line)
        if command is not None:
            self.dialogue.command(command["command"])
            return True
        result = _RESULT.match(line)
        if result is not None:
            self.dialogue.result, self.dialogue.open = result["stat"], True
            return True
        if _CLOSING.match(line):
            self.dialogue.signs.add("saw-closing")
            return True
        if self._aside(line):
            return True
        reply = _REPLY.match(line)
        if reply is None:
            return False
        if line.startswith("<<<"):
            self.dialogue.quoted = True
        elif self.dialogue.quoted:
            return True
        said = self.dialogue.reply
        said.append(reply["text"].strip())
        if self.dialogue.verb == "EHLO" or reply["more"] != "-" or len(said) > 64:
            text = " ".join(said)
            said.clear()
            if self.dialogue.open:
                self.dialogue.answer(reply["code"], text)
            else:
                whole = f"{reply['code']} {text}"
                self._judge(f"reply={whole}", Entry(whole), "reply")
        return True

    def _aside(self, line: str) -> bool:
        """Take an error of a map that stands in a dialogue, or, in a returned message, before it."""
        if not (_REPLY.match(line) or self.dialogue.open) or _MAY_BE_SIGN.search(line) is None:
            return False
        found = {row.name for row, pattern in _SIGNS if row.scope == "process" and pattern.search(line)}
        if split_id(line)[0] is not None or not found:
            return False
        if self.dialogue.open:
            self.dialogue.signs |= found
            self.dialogue.evidence = self.dialogue.evidence or line
        else:
            self.heralds.append(line)
            del self.heralds[:-_MAX_CONNECTIONS]
        return True

    def _end_dialogue(self) -> None:
        ended, self.dialogue = self.dialogue, _Dialogue()
        if ended.open and ended.words:
            group = self._judge(
                ended.words, Entry(ended.words), "dialogue", signs=ended.signs, host=ended.host
            )
            if group is not None and ended.evidence:
                group.evidence = group.evidence or self._shown(ended.evidence)


def _host_in(words: str) -> str:
    match = _IN_WORDS.search(words)
    return (match["host"] or match["first"]).lower().rstrip(".") if match is not None else ""
