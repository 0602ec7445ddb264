"""MkDocs hook: the reference pages, made of the tables of `sendmailcf.known` and the rules of the linter.

The one thing to know: nothing it makes is kept.  A page is a list of headings, each with the rows of one table; the
columns are the fields of the rows.
"""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import attrs
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sendmailcf.known import macros, mailers, maps, options, policies, queues, rulesets
from sendmailcf.lint import FAMILIES, RULES, Rule

Section = Tuple[str, str, Sequence[Any]]

PAGES: Sequence[Tuple[str, str, Sequence[Section]]] = (
    (
        "options",
        "Options",
        [
            (
                "",
                "The order is that of sendmail's own table: a name that begins several others is ambiguous, and "
                "sendmail reports the first two.  A time without a unit is in the unit given.",
                options.OPTIONS,
            )
        ],
    ),
    (
        "macros",
        "Macros and classes",
        [
            ("Macros", "", macros.MACROS),
            ("Classes", "", macros.CLASSES),
            ("Symbols in rules", "An empty cell: sendmail refuses the symbol on that side.", macros.SYMBOLS),
        ],
    ),
    (
        "maps",
        "Maps",
        [
            ("Classes", "", maps.MAP_CLASSES),
            ("Flags of most classes", "", maps.GENERIC),
            *(
                (f"Flags of {row.name}", "", row.flags)
                for row in maps.MAP_CLASSES
                if row.flags and row.flags != maps.GENERIC
            ),
        ],
    ),
    (
        "mailers",
        "Mailers, queue groups and filters",
        [
            ("Equates of mailers (M)", "", mailers.MAILER_EQUATES),
            ("Flags of mailers", "", mailers.MAILER_FLAGS),
            ("Mailers without an M line", "", mailers.PREDEFINED_MAILERS),
            ("Equates of queue groups (Q)", "", queues.QUEUE_EQUATES),
            ("Flags of queue groups", "", queues.QUEUE_FLAGS),
            ("Equates of filters (X)", "", queues.FILTER_EQUATES),
            ("Flags of filters", "", queues.FILTER_FLAGS),
            ("Timeouts of filters", "", queues.FILTER_TIMEOUTS),
        ],
    ),
    ("rulesets", "Rulesets that sendmail calls", [("", "", rulesets.RULESETS)]),
    (
        "policies",
        "Words of lists",
        [
            ("PrivacyOptions", "", policies.PRIVACY_OPTIONS),
            ("DontBlameSendmail", "", policies.DONT_BLAME_SENDMAIL),
            ("AuthOptions", "", policies.AUTH_OPTIONS),
            ("TLSSrvOptions", "", policies.TLS_SRV_OPTIONS),
            ("ResolverOptions", "", policies.RESOLVER_OPTIONS),
            ("ServerSSLOptions and ClientSSLOptions", "", policies.SSL_OPTIONS),
            ("Keys of DaemonPortOptions and ClientPortOptions", "", policies.PORT_KEYS),
            ("Modifiers of a daemon", "", policies.DAEMON_MODIFIERS),
            ("Modifiers of a client", "", policies.CLIENT_MODIFIERS),
        ],
    ),
)
#: Fields that are shown elsewhere: the flags of a class have tables of their own.
HIDDEN = {"flags"}
CODE = {"name", "letter", "letters", "kind", "suffixes", "choices", "default", "workspace", "result"}


def cell(name: str, value: Any) -> str:
    """A field as it stands in a table."""
    if isinstance(value, bool):
        return "yes" if value else ""
    words = [str(one) for one in value] if isinstance(value, tuple) else [str(value)] if value else []
    spelled = [one.replace("|", "&#124;").replace("<", "&lt;") for one in words]
    if name in CODE:
        spelled = [f"<code>{one.replace('*', '&#42;').replace('_', '&#95;')}</code>" for one in spelled]
    return " ".join(spelled)


def table(rows: Sequence[Any]) -> List[str]:
    """Rows as a Markdown table of those fields that any of them has."""
    names = [one.name for one in attrs.fields(type(rows[0])) if one.name not in HIDDEN]
    used = [name for name in names if any(getattr(row, name) for row in rows)]
    lines = ["| " + " | ".join(name.replace("_", " ") for name in used) + " |", "|---" * len(used) + "|"]
    return lines + ["| " + " | ".join(cell(name, getattr(row, name)) for name in used) + " |" for row in rows]


def page(title: str, sections: Sequence[Section]) -> str:
    """A page as Markdown."""
    lines = [f"# {title}", ""]
    for heading, text, rows in sections:
        lines += [f"## {heading}", ""] if heading else []
        lines += [text, ""] if text else []
        lines += [*table(rows), ""]
    return "\n".join(lines)


def rules_page() -> str:
    """All rules of the linter, a heading for each, by which `#op001` names it."""
    lines = ["# Rules of the linter", "", f"{len(RULES)} rules; `sendmailcf rule CODE` prints the same.", ""]
    for family, about in FAMILIES.items():
        chosen = [RULES[code] for code in sorted(RULES) if code.startswith(family)]
        if not chosen:
            continue
        lines += [f"## {family}: {about}", "", "| | | |", "|---|---|---|"]
        lines += [f"| [{one.code}](#{one.code.lower()}) | {one.name} | {one.severity.value} |" for one in chosen]
        for one in chosen:
            lines += ["", f'<h3 id="{one.code.lower()}">{one.code} {one.name}</h3>', "", *rule_lines(one)]
        lines += [""]
    return "\n".join(lines)


def rule_lines(rule: Rule) -> List[str]:
    """One rule as Markdown: the words of its documentation are plain text, its examples blocks."""
    said = "; sendmail reports it" if rule.reported else ""
    first = f"*{rule.severity.value}{said}{'; ' + rule.consequence if rule.consequence else ''}*"
    # Examples are indented, and so are blocks of Markdown; a line before one keeps it apart.
    body = re.sub(r"^((?:Bad|Good)(?: \([^)]*\))?:)\n", r"\n\1\n\n", rule.documentation, flags=re.MULTILINE)
    words = [line if line.startswith("    ") else html.escape(line, quote=False) for line in body.split("\n")]
    return [first, "", *words]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of this directory."""
    for name, title, sections in PAGES:
        files.append(File.generated(config, f"reference/{name}.md", content=page(title, sections)))
    files.append(File.generated(config, "reference/rules.md", content=rules_page()))
    return files
