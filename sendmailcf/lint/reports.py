"""Findings as text: for people, for editors, and for the programs that collect such things.

The one thing to know: a format is a function from the findings of all files to text, made of what a Finding holds, so
that no format can tell a secret that another does not.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from attrs import frozen

from .. import __version__
from ..record import Record
from .findings import Finding
from .problem import Severity
from .rule import RULES


@frozen(eq=False, repr=False)
class Run(Record):
    """What is reported on.

    found: what was found, file by file.  paths: all files that were checked.  colour: whether colours are wanted.
    """

    found: Sequence[Finding]
    paths: Sequence[str]
    colour: bool = False


def report(format: str, run: Run) -> str:
    """The findings in a format of FORMATS."""
    return FORMATS[format](run)


def visible(text: str) -> str:
    """Text that acts on no terminal: control characters and undecodable bytes are spelled."""
    if text.isascii() and text.isprintable():
        return text
    spelled = re.sub(
        r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]", lambda one: f"\\x{ord(one.group()):02x}", text
    )
    return spelled.encode("utf-8", "backslashreplace").decode("utf-8").replace("\\udc", "\\x")


def _message(one: Finding) -> str:
    hint = f"; did you mean {one.problem.hint}?" if one.problem.hint else ""
    return visible(one.problem.message + hint)


# For people.

_COLOURS = {Severity.ERROR: "31", Severity.WARNING: "33", Severity.INFO: "36"}
#: As many characters of a line as are shown around the place that is marked.
_BEFORE, _WIDE = 60, 160


def _concise(run: Run) -> str:
    return "".join(
        f"{visible(one.path)}:{one.problem.line}:{one.problem.column}: {one.problem.severity.value}: "
        f"{one.problem.code} {one.problem.name}: {_message(one)}\n"
        for one in run.found
    )


def _full(run: Run) -> str:
    def paint(colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if run.colour else text

    blocks = []
    for one in run.found:
        problem = one.problem
        gutter = " " * len(str(problem.line))
        head = paint(f"1;{_COLOURS[problem.severity]}", f"{problem.severity.value}[{problem.code}]")
        bar = paint("34", "|")
        lines = [
            f"{head}: {paint('1', visible(problem.message))} ({problem.name})",
            f"{gutter}{paint('34', '-->')} {visible(one.path)}:{problem.line}:{problem.column}",
        ]
        if problem.index is not None:
            text, caret = _marked(one)
            lines += [f"{gutter} {bar}", f"{paint('34', str(problem.line))} {bar} {text}".rstrip(" ")]
            mark = f"{gutter} {bar} {paint(_COLOURS[problem.severity], caret)}"
            lines += [mark] if caret else []
        notes = [
            f"did you mean {visible(problem.hint)}?" if problem.hint else "",
            visible(problem.consequence),
            f"fix: {visible(problem.fix.description)} (--{'fix' if problem.fix.safe else 'unsafe-fixes'})"
            if problem.fix
            else "",
        ]
        lines += [f"{gutter} {paint('34', '=')} {note}" for note in notes if note]
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def _marked(one: Finding) -> Tuple[str, str]:
    """The line, and a line with carets to stand below it; tabs stay tabs in both."""
    text = one.source
    if one.marked is None:
        return visible(text), ""
    start, end = one.marked
    first = max(0, start - _BEFORE) if len(text) > _WIDE else 0
    last = min(len(text), first + _WIDE)
    before = visible(text[first:start])
    inside = visible(text[start : min(end, last)])
    shown = ("…" if first else "") + before + inside + visible(text[min(end, last) : last])
    pad = re.sub(r"[^\t]", " ", ("…" if first else "") + before)
    return shown + ("…" if last < len(text) else ""), pad + "^" * max(1, len(inside))


def _gcc(run: Run) -> str:
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    return "".join(
        f"{visible(one.path)}:{one.problem.line}:{one.problem.column}: {words[one.problem.severity]}: "
        f"{_message(one)} [{one.problem.code}]\n"
        for one in run.found
    )


def statistics(run: Run) -> str:
    """How often each rule found something: a line a rule, the most frequent first; `*` has a safe fix."""
    counts: Dict[str, int] = {}
    fixable = set()
    for one in run.found:
        counts[one.problem.code] = counts.get(one.problem.code, 0) + 1
        if one.problem.fix is not None and one.problem.fix.safe:
            fixable.add(one.problem.code)
    return "".join(
        f"{count:>6}  {code}  [{'*' if code in fixable else ' '}]  {RULES[code].name}\n"
        for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


# For programs.


def as_data(one: Finding) -> Mapping[str, Any]:
    """A finding as JSON has it; lines and columns from 1, in characters, the end exclusive; the span in bytes."""
    problem = one.problem
    fix = problem.fix
    return {
        "path": visible(one.path),
        "line": problem.line,
        "column": problem.column,
        "end_line": problem.end_line,
        "end_column": problem.end_column,
        "sendmail_line": problem.sendmail_line,
        "span": list(problem.span),
        "code": problem.code,
        "name": problem.name,
        "severity": problem.severity.value,
        "message": visible(problem.message),
        "consequence": visible(problem.consequence),
        "hint": None if problem.hint is None else visible(problem.hint),
        "fix": None if fix is None else {"description": visible(fix.description), "safe": fix.safe},
        "fingerprint": one.fingerprint,
    }


def _dumped(data: object, indent: Optional[int] = 1) -> str:
    import json

    return json.dumps(data, indent=indent) + "\n"


def _json(run: Run) -> str:
    return _dumped([as_data(one) for one in run.found])


def _json_lines(run: Run) -> str:
    return "".join(_dumped(as_data(one), None) for one in run.found)


def _uri(path: str) -> str:
    from urllib.parse import quote

    return ("file://" if path.startswith("/") else "") + quote(path.encode("utf-8", "surrogateescape"))


def _sarif(run: Run) -> str:
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    used = sorted({one.problem.code for one in run.found})
    rules = [
        {
            "id": code,
            "name": RULES[code].name,
            "shortDescription": {"text": RULES[code].text.partition("\n")[0]},
            "fullDescription": {"text": RULES[code].text},
            "defaultConfiguration": {"level": levels[RULES[code].severity]},
        }
        for code in used
    ]
    results: List[Dict[str, Any]] = []
    for one in run.found:
        problem = one.problem
        place: Dict[str, Any] = {"artifactLocation": {"uri": _uri(one.path)}}
        if problem.index is not None:
            # An empty place at the end of a line is one, too.
            place["region"] = {
                "startLine": problem.line,
                "startColumn": problem.column,
                "endLine": problem.end_line,
                "endColumn": problem.end_column,
                "byteOffset": problem.span[0],
                "byteLength": problem.span[1] - problem.span[0],
            }
        results.append(
            {
                "ruleId": problem.code,
                "ruleIndex": used.index(problem.code),
                "level": levels[problem.severity],
                "message": {"text": _with_consequence(one)},
                "locations": [{"physicalLocation": place}],
                "partialFingerprints": {"sendmailcf/v1": one.fingerprint},
            }
        )
    driver = {"name": "sendmailcf", "version": __version__, "rules": rules}
    made = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }
    return _dumped(made)


def _with_consequence(one: Finding) -> str:
    return _message(one) + (f" ({visible(one.problem.consequence)})" if one.problem.consequence else "")


def _github(run: Run) -> str:
    words = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}

    def data(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    def value(text: str) -> str:
        return data(text).replace(":", "%3A").replace(",", "%2C")

    lines = []
    for one in run.found:
        problem = one.problem
        where = {"title": f"sendmailcf {problem.code} {problem.name}", "file": visible(one.path)}
        if problem.index is not None:
            where.update(line=str(problem.line), endLine=str(problem.end_line))
            # Columns of a place over several lines are refused.
            if problem.line == problem.end_line:
                where.update(col=str(problem.column), endColumn=str(problem.end_column))
        properties = ",".join(f"{key}={value(text)}" for key, text in where.items())
        lines.append(f"::{words[problem.severity]} {properties}::{data(_with_consequence(one))}\n")
    return "".join(lines)


def _gitlab(run: Run) -> str:
    from hashlib import sha256

    words = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}
    made = [
        {
            "description": _with_consequence(one),
            "check_name": f"{one.problem.code} {one.problem.name}",
            "fingerprint": sha256(f"{visible(one.path)}\0{one.fingerprint}".encode()).hexdigest()[:32],
            "severity": words[one.problem.severity],
            "location": {
                "path": visible(one.path),
                "lines": {"begin": one.problem.line, "end": one.problem.end_line},
            },
        }
        for one in run.found
    ]
    return _dumped(made)


def _by_path(run: Run) -> Iterator[Tuple[str, List[Finding]]]:
    found: Dict[str, List[Finding]] = {path: [] for path in run.paths}
    for one in run.found:
        found.setdefault(one.path, []).append(one)
    return iter(found.items())


def _xml(text: str) -> str:
    """Text of an attribute; what XML cannot hold is spelled."""
    from xml.sax.saxutils import quoteattr

    return quoteattr(re.sub(r"[\ufffe\uffff]", "?", visible(text)))


def _junit(run: Run) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    files = list(_by_path(run))
    failed = [one for one in run.found if one.problem.severity is not Severity.INFO]
    cases = sum(max(1, len(found)) for _, found in files)
    lines.append(f'<testsuites name="sendmailcf" tests="{cases}" failures="{len(failed)}" errors="0">')
    for path, found in files:
        bad = sum(one.problem.severity is not Severity.INFO for one in found)
        lines.append(
            f'<testsuite name={_xml(path)} tests="{max(1, len(found))}" failures="{bad}" errors="0">'
        )
        if not found:
            lines.append(f'<testcase name="sendmailcf" classname={_xml(path)}/>')
        for one in found:
            problem = one.problem
            name = _xml(f"{problem.code} {problem.name} line {problem.line}")
            lines.append(f'<testcase name={name} classname={_xml(path)} line="{problem.line}">')
            text = _xml(
                f"{path}:{problem.line}:{problem.column}: {problem.severity.value}: {_with_consequence(one)}"
            )
            if problem.severity is Severity.INFO:
                lines.append(f"<system-out>{_body(text)}</system-out>")
            else:
                kind = f'type="{problem.severity.value}" message={_xml(_message(one))}'
                lines.append(f"<failure {kind}>{_body(text)}</failure>")
            lines.append("</testcase>")
        lines.append("</testsuite>")
    return "\n".join([*lines, "</testsuites>", ""])


def _body(attribute: str) -> str:
    return attribute[1:-1]


def _checkstyle(run: Run) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<checkstyle version="8.0">']
    for path, found in _by_path(run):
        lines.append(f"<file name={_xml(path)}>")
        lines += [
            f'<error line="{one.problem.line}" column="{one.problem.column}" '
            f'severity="{one.problem.severity.value}" message={_xml(_with_consequence(one))} '
            f'source="sendmailcf.{one.problem.code}"/>'
            for one in found
        ]
        lines.append("</file>")
    return "\n".join([*lines, "</checkstyle>", ""])


FORMATS: Mapping[str, Callable[[Run], str]] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "json-lines": _json_lines,
    "sarif": _sarif,
    "github": _github,
    "gitlab": _gitlab,
    "junit": _junit,
    "checkstyle": _checkstyle,
    "gcc": _gcc,
}
