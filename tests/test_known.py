"""The tables of what sendmail knows: whole, without doubles, and true to the recorded list of options.

The one thing to know: what the tables say is compared with the real program in tests/oracle/test_known_oracle.py; here
their form is tested.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any, Dict, Sequence

import pytest

from sendmailcf.known import macros, mailers, maps, options, policies, queues, rulesets
from sendmailcf.known.options import OPTIONS

TABLES: Dict[str, Sequence[Any]] = {
    "options": OPTIONS,
    "macros": macros.MACROS,
    "classes": macros.CLASSES,
    "symbols": macros.SYMBOLS,
    "map classes": maps.MAP_CLASSES,
    **{f"flags of {row.name}": row.flags for row in maps.MAP_CLASSES},
    "mailer equates": mailers.MAILER_EQUATES,
    "mailer flags": mailers.MAILER_FLAGS,
    "mailers": mailers.PREDEFINED_MAILERS,
    "queue equates": queues.QUEUE_EQUATES,
    "queue flags": queues.QUEUE_FLAGS,
    "filter equates": queues.FILTER_EQUATES,
    "filter flags": queues.FILTER_FLAGS,
    "filter timeouts": queues.FILTER_TIMEOUTS,
    "rulesets": rulesets.RULESETS,
    "privacy": policies.PRIVACY_OPTIONS,
    "trust": policies.DONT_BLAME_SENDMAIL,
    "auth": policies.AUTH_OPTIONS,
    "tls": policies.TLS_SRV_OPTIONS,
    "resolver": policies.RESOLVER_OPTIONS,
    "ssl": policies.SSL_OPTIONS,
    "ports": policies.PORT_KEYS,
    "daemon": policies.DAEMON_MODIFIERS,
    "client": policies.CLIENT_MODIFIERS,
}


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_whole(name: str) -> None:
    rows = TABLES[name]
    keys = [getattr(row, "letter", "") or row.name for row in rows]
    assert len(set(keys)) == len(keys)
    for row in rows:
        for text in [row.description] if hasattr(row, "description") else [row.left or row.right]:
            assert re.fullmatch(r"(?! )[^\n]{1,118}[^ .\n]", text), row
        assert re.fullmatch(r"|<?8(\.\d+)+", getattr(row, "since", "")), row


def test_the_recorded_list_of_options(shared: Path) -> None:
    with open(shared / "spec" / "options.csv", newline="", encoding="utf-8") as stream:
        recorded = list(csv.DictReader(stream))
    names = [(row["name"], row["letter"]) for row in recorded]
    assert [(row.name, row.letter) for row in OPTIONS] == names
    for row, old in zip(OPTIONS, recorded):
        assert row.unit == old["default_unit"], row.name
        for kind in ("bool", "time", "int"):
            assert (row.kind == kind) == (old["type"] == kind), row.name
        assert row.needs == old["compile_flag"], row.name
        assert row.safe == old["safe"].startswith("yes"), row.name
        # Release notes know a few that the record leaves open.
        assert old["since_version_if_known"] in (row.since, "") or row.name == "ConnectOnlyTo", row.name
        default = re.match(r"default ([^\s;]+)(?:$|;| \()", old["note"])
        if default and default.group(1) not in ("", "implicit", "none"):
            assert row.default.lower() == default.group(1).lower(), row.name


def test_words_of_a_list_stand_once() -> None:
    row = next(row for row in OPTIONS if row.name == "PrivacyOptions")
    assert row.choices == tuple(word.name for word in policies.PRIVACY_OPTIONS)
    assert options.names(policies.AUTH_OPTIONS) == ("A", "a", "c", "d", "f", "m", "p", "y")
