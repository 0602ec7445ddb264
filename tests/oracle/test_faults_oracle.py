"""Every way to break a host's chain: `relay check` names the link, and the real sendmail does what is foretold.

The one thing to know: all hosts are made first and delivered in one process of the harness; a test is one host.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any, Dict, List, NamedTuple, Optional

import pytest
from faults import (
    BASES,
    ENTRY,
    FAULTS,
    HOST,
    PASSWORD,
    PERMISSIONS,
    USER,
    Case,
    Fault,
    copy_base,
    make_base,
    read_pairs,
)
from sendmail import make_cf

from sendmailcf.cli.relay import looker
from sendmailcf.mapdb import btree
from sendmailcf.relay.chain import check
from sendmailcf.relay.links import UNKNOWN, Chain
from sendmailcf.relay.plan import load_cf

pytestmark = pytest.mark.oracle

SEEDS = 140
HEALTHY = [*(f"healthy {base}" for base in BASES), "btree"]
#: Faults tried on a stock file, too, with FEATURE(authinfo): every second one of those that are faults there.
NO_FAULT_THERE = ("ds file mailer", "declared twice", "tls_server refuses for good", "tls_server refuses", "mailer is a program",
                  "try_tls refuses")  # fmt: skip
STOCK = [one for one in FAULTS if "feature" in one.bases and one.name not in NO_FAULT_THERE][::2]


class Host(NamedTuple):
    """A host, what is broken in it, what is said of it, and what sendmail did."""

    fault: Optional[Fault]
    chain: Chain
    result: Dict[str, Any]


def fault_of(seed: int) -> tuple[Fault, str]:
    """The fault and the base of a seed: every fault comes up before one comes up again."""
    fault = FAULTS[seed % len(FAULTS)]
    return fault, Random(seed).choice(fault.bases)


def checked(root: Path, tls: str) -> Chain:
    look = looker(str(root))
    return check(load_cf("/etc/mail/sendmail.cf", look), look, host=HOST, tls=tls)


def make_stock(shared: Path, root: Path) -> None:
    """A host with a stock file, FEATURE(authinfo), and an entry."""
    mail = root / "etc" / "mail"
    mail.mkdir(parents=True)
    for directory in (root, mail.parent, mail):
        directory.chmod(0o755)
    (mail / "sendmail.cf").write_bytes(make_cf(shared, "--authinfo", "--smart-host", HOST))
    case = Case(root, "feature", Random(0))
    case.entry(ENTRY)
    case.db.chmod(0o640)


@pytest.fixture(scope="module")
def hosts(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Dict[object, Host]:
    """Hosts by seed, and the healthy ones by name."""
    top = tmp_path_factory.mktemp("hosts")
    for base in BASES:
        make_base(top / base, base)
    make_stock(shared, top / "stock")
    names: List[object] = [*HEALTHY, *range(SEEDS), *PERMISSIONS, *(f"stock {fault.name}" for fault in STOCK)]
    on_stock = {f"stock {fault.name}": fault for fault in STOCK}
    faults: List[Optional[Fault]] = []
    chains, mails = [], []
    for name in names:
        fault, base = fault_of(name) if isinstance(name, int) else (None, str(name).partition("healthy ")[2] or "ours")
        fault, base = (on_stock[str(name)], "feature") if name in on_stock else (fault, base)
        root = top / f"at{len(mails)}"
        copy_base(top / ("stock" if name in on_stock else base), root)
        case = Case(root, base, Random(str(name)))
        if fault is not None:
            fault.do(case)
        if name == "btree":
            case.cf("(?<=^Kauthinfo )hash", "btree")
            case.db.write_bytes(btree.build(read_pairs(case)))
        if isinstance(name, tuple):
            case.option("DontBlameSendmail", name[1])
            case.mail.chmod(name[0])
        faults.append(fault)
        chains.append(checked(root, case.tls))
        mails.append(str(case.mail))
    script = Path(__file__).with_name("deliver_many.py")
    done = subprocess.run(
        [sys.executable, str(script), str(shared), HOST, USER, PASSWORD],
        input=json.dumps(mails).encode(), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return {
        name: Host(fault, chain, result)
        for name, fault, chain, result in zip(names, faults, chains, json.loads(done.stdout))
    }


@pytest.mark.parametrize(
    "name",
    [*range(SEEDS), *(f"stock {fault.name}" for fault in STOCK)],
    ids=lambda one: (f"{one}-{fault_of(one)[0].name}" if isinstance(one, int) else one).replace(" ", "_"),
)
def test_the_broken_link_is_named_and_its_outcome_foretold(hosts: Dict[object, Host], name: object) -> None:
    fault, chain, result = hosts[name]
    assert fault is not None
    assert chain.broken
    first = chain.broken[0]
    assert first.name == fault.link, chain.broken
    assert re.search(fault.cause, f"{first.detail} {first.consequence}"), first
    assert first.repair
    happened = "accepted" if result["accepted"] else "deferred" if result["queued"] else "bounced"
    told = chain.prediction
    assert told.authenticates is result["authenticated"], (told, result)
    assert told.fate in (happened, "elsewhere"), (told, result)
    if told.fate == "elsewhere":
        assert not result["accepted"]


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_found_on_a_healthy_host(hosts: Dict[object, Host], name: str) -> None:
    _, chain, result = hosts[name]
    assert chain.broken == ()
    assert [link for link in chain.links if link.state == UNKNOWN and not link.live] == []
    assert (chain.prediction.authenticates, chain.prediction.fate) == (True, "accepted")
    assert result["ok"], result


@pytest.mark.parametrize(("mode", "words"), PERMISSIONS, ids=lambda one: f"{one:o}" if isinstance(one, int) else str(one))
def test_directories_are_judged_as_sendmail_judges_them(hosts: Dict[object, Host], mode: int, words: Optional[str]) -> None:
    _, chain, result = hosts[mode, words]
    assert chain.prediction.authenticates is result["authenticated"], (chain.prediction, result["log"])
    assert ("permissions" in [link.name for link in chain.broken]) is not result["authenticated"]


def test_every_fault_is_tried() -> None:
    assert len(FAULTS) >= 100
    assert {fault_of(seed)[0].name for seed in range(SEEDS)} == {fault.name for fault in FAULTS}
