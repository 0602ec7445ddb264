"""Equates and flags of queue groups (Q) and mail filters (X).

The one thing to know: they are written as a mailer's are, but the same letter means something else.  Facts from queue.c
and milter.c of sendmail 8.17.1.
"""

from __future__ import annotations

from typing import Tuple

from .mailers import EquateRow
from .rows import Row

QUEUE_EQUATES: Tuple[EquateRow, ...] = (
    EquateRow("P", "Path", "path", "The directory; a * at its end stands for several", default="QueueDirectory",
        since="8.12.0"),
    EquateRow("F", "Flags", "flags", "Flags", since="8.12.0"),
    EquateRow("I", "Interval", "time", "Time between two queue runs", unit="m", since="8.12.0"),
    EquateRow("N", "Nice", "int", "Added to the priority of a runner, as nice does", default="NiceQueueRun",
        since="8.12.0"),
    EquateRow("R", "Runners", "int", "Runners at a time", default="MaxRunnersPerQueue", since="8.12.0"),
    EquateRow("J", "Jobs", "int", "Messages in one run", default="0, for no limit", since="8.12.0"),
    EquateRow("r", "recipients", "int", "Recipients in one envelope", default="0, for no limit",
        since="8.12.0"),
    EquateRow("S", "Sortorder", "text", "QueueSortOrder of the group", needs="_FFR_QUEUE_GROUP_SORTORDER"),
)  # fmt: skip

QUEUE_FLAGS: Tuple[Row, ...] = (
    Row("f", "Runners are processes of their own, as many as R= says", since="8.12.0"),
)

FILTER_EQUATES: Tuple[EquateRow, ...] = (
    EquateRow("S", "Socket", "socket", "inet:port@host, inet6:port@host, local:path, unix:path or a path; required",
        since="8.12.0"),
    EquateRow("F", "Flags", "flags", "What a filter that fails means; without it, mail is accepted",
        since="8.12.0"),
    EquateRow("T", "Timeouts", "timeouts", "Timeouts as letter:time, separated by semicolons",
        default="C:5m;S:10s;R:10s;E:5m", unit="s", since="8.12.0"),
)  # fmt: skip

FILTER_FLAGS: Tuple[Row, ...] = (
    Row("R", "Refuse the message for good", since="8.12.0"),
    Row("T", "Refuse it for now", since="8.12.0"),
    Row("4", "End the connection with 421"),
)

FILTER_TIMEOUTS: Tuple[Row, ...] = (
    Row("C", "To connect; 5m", since="8.12.0"),
    Row("S", "To send; 10s", since="8.12.0"),
    Row("R", "To read the reply; 10s", since="8.12.0"),
    Row("E", "From the end of the message to the last reply; 5m", since="8.12.0"),
)
