"""The readiness of a host as one HTML page, for a change ticket.

The one thing to know: the page is whole in itself: no script, no picture, nothing that a browser would fetch; and
every text that comes from the host is escaped.
"""

from __future__ import annotations

import html
import socket
import time
from typing import List

from .links import ADVICE, OK, UNKNOWN, WRONG, Chain, Link

_WORDS = {OK: "ok", WRONG: "wrong", ADVICE: "advice", UNKNOWN: "not known"}
_STYLE = """
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink); background: #f5f7f9;
       margin: 0; padding: 2rem 1rem; }
main { max-width: 62rem; margin: 0 auto; background: #fff; border: 1px solid var(--line); border-radius: 8px;
       padding: 1.5rem 2rem 2rem; }
h1 { font-size: 1.35rem; margin: 0 0 .25rem; }
p.about { color: var(--soft); margin: 0 0 1.25rem; }
.verdict { border-left: 5px solid; padding: .6rem 1rem; margin: 0 0 1.25rem; border-radius: 4px; }
.verdict.ok { border-color: #1f7a45; background: #e9f6ee; }
.verdict.wrong { border-color: #b3261e; background: #fdecea; }
.verdict.unknown { border-color: #8a6100; background: #fdf5e0; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { text-align: left; vertical-align: top; padding: .5rem .6rem; border-top: 1px solid var(--line);
         overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--soft); font-size: .85rem; border-top: 0; }
th.state { width: 6.5rem; } th.link { width: 11rem; }
.mark { display: inline-block; padding: 0 .55rem; border-radius: 999px; font-size: .85rem; font-weight: 600;
        white-space: nowrap; }
.mark.ok { background: #e0f2e7; color: #14532d; } .mark.wrong { background: #b3261e; color: #fff; }
.mark.advice { background: #fdebc1; color: #5c4000; } .mark.unknown { background: #e4e8ed; color: #3c4654; }
.then { color: var(--soft); margin: .2rem 0 0; }
code { font: .88em ui-monospace, Menlo, Consolas, monospace; background: #f0f2f5; border-radius: 3px;
       padding: .1rem .35rem; overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .85rem; margin-top: 1.5rem; }
@media print { body { background: #fff; padding: 0; } main { border: 0; padding: 0; max-width: none; } }
""".strip()


def page(chain: Chain, cf_path: str, where: str, moment: str) -> str:
    """The page. cf_path: the sendmail.cf that was checked.  where: the host's name or root.  moment: when."""
    relay = chain.host or "no relay"
    rows = "\n".join(_row(link) for link in chain.links)
    told = chain.prediction
    counts = ", ".join(
        f"{len([link for link in chain.links if link.state == state])} {word}"
        for state, word in _WORDS.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{_text(f"Relay readiness: {relay}")}</title>
<style>
{_STYLE}
</style>
</head>
<body>
<main>
<h1>{_text(f"Relay readiness: {relay}")}</h1>
<p class="about">{_text(f"{cf_path} on {where}, {moment}")}</p>
<div class="verdict {_verdict(chain)}"><strong>{_text(_headline(chain))}</strong><br>
The next message: {_text(told.fate)} ({_text(told.because)}).</div>
<table>
<thead><tr><th class="state">State</th><th class="link">Link</th>
<th>What is there, what follows, the repair</th></tr></thead>
<tbody>
{rows}
</tbody>
</table>
<footer>{_text(counts)}. Made by sendmailcf relay check; it holds no password.</footer>
</main>
</body>
</html>
"""


def now() -> str:
    """This moment, with its zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S %z")


def here(root: str) -> str:
    """The name of what was checked: this host, or the directory that stands for one."""
    return socket.gethostname() if root == "/" else root


def _verdict(chain: Chain) -> str:
    if chain.broken:
        return WRONG
    return UNKNOWN if chain.prediction.authenticates is None else OK


def _headline(chain: Chain) -> str:
    broken = [link.name for link in chain.broken]
    if broken:
        return f"Not ready: {', '.join(broken)}"
    return "Ready" if chain.prediction.authenticates else "Nothing wrong is known"


def _row(link: Link) -> str:
    parts: List[str] = [_text(link.detail)]
    if link.state != OK and link.consequence:
        parts.append(f'<p class="then">{_text(link.consequence)}</p>')
    if link.state in (WRONG, ADVICE) and link.repair:
        parts.append(f'<p class="then">Repair: <code>{_text(link.repair)}</code></p>')
    mark = f'<span class="mark {link.state}">{_WORDS[link.state]}</span>'
    return f"<tr><td>{mark}</td><td>{_text(link.name)}</td><td>{''.join(parts)}</td></tr>"


def _text(text: str) -> str:
    """A text that no browser takes for anything else; bytes that are no UTF-8, and controls, as escapes."""
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    shown = "".join(one if one >= " " and one != "\x7f" else f"\\x{ord(one):02x}" for one in safe)
    return html.escape(shown)
