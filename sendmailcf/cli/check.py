"""`sendmailcf check`: what sendmail would say of configuration files, and mistakes on which it is silent.

The one thing to know: a file is looked at, and only --fix or --unsafe-fixes change it; then whole, and never such that
it would read worse.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import List, Mapping, Optional, Sequence, TextIO

from .. import files
from ..lint import KINDS, Severity
from ..lint.findings import Finding, tally
from ..lint.selection import PROFILES
from ..lint.settings import VERSIONS
from .checker import Checker, Outcome, run_all
from .places import default_paths, jobs

#: Columns of the help: asking the terminal takes longer than anything else in the parser.
_WIDTH = 100
#: More files than this are shared among the processors unless -j says otherwise.
_FEW = 24
_FORMATS = (
    "full", "concise", "json", "json-lines", "sarif", "github", "gitlab", "junit", "checkstyle", "gcc",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Run `check`; 0 nothing is wrong, 1 there are errors or warnings, 2 something could not be done."""
    args = _parser().parse_args(arguments)
    checker = Checker(args)
    todo = list(jobs(args.paths or default_paths(checker.root), checker.root, checker.settings))
    processes = args.jobs if args.jobs is not None else (os.cpu_count() or 1) if len(todo) > _FEW else 1
    telling = not args.quiet and sys.stderr.isatty()
    outcomes = list(run_all(checker, todo, processes, telling=telling))
    for failure in [one.failure for one in outcomes if one.failure]:
        print(f"sendmailcf: {_printable(failure)}", file=sys.stderr)
    failed = any(one.failure for one in outcomes)
    found = _each_once(outcomes)
    if args.write_baseline:
        _write_baseline(args.write_baseline, found)
        return 2 if failed else 0
    known = args.baseline or _baseline_of(checker)
    if known:
        found = _without_baseline(known, found, quiet=args.quiet)
    _show(args, found, outcomes)
    if failed:
        return 2
    wrong = any(one.problem.severity is not Severity.INFO for one in found)
    return int(not args.exit_zero and (wrong or (args.diff and any(one.diff for one in outcomes))))


def _each_once(outcomes: Sequence[Outcome]) -> List[Finding]:
    """What was found; a file that two files name is told of once."""
    seen = set()
    found = []
    for outcome in outcomes:
        for one in outcome.found:
            key = (one.path, one.alike, one.count)
            if key not in seen:
                seen.add(key)
                found.append(one)
    return found


def _show(args: argparse.Namespace, found: Sequence[Finding], outcomes: Sequence[Outcome]) -> None:
    from ..lint import reports

    paths = list(dict.fromkeys(path for one in outcomes for path in one.paths))
    out: List[str] = []
    to_file = args.output not in (None, "-")
    if args.diff:
        out += [_printable(one.diff) for one in outcomes]
        found = [one for one in found if one.problem.fix is None]
    run = reports.Run(found, paths, not to_file and _colour(args.color, os.environ, sys.stdout))
    if args.statistics:
        out.append(reports.statistics(run))
    else:
        out.append(reports.report(_format(args, to_file), run))
    fixed_input = [one.output for one in outcomes if one.output]
    if to_file:
        files.replace(files.resolve(os.path.abspath(args.output)), "".join(out).encode(), new_mode=0o644)
    elif fixed_input and (args.fix or args.unsafe_fixes) and not args.diff:
        # The file itself is what is asked for, as of a filter.
        sys.stderr.write("".join(out))
        sys.stdout.flush()
        sys.stdout.buffer.write(fixed_input[0])
    else:
        sys.stdout.write("".join(out))
    if not args.quiet:
        sys.stdout.flush()
        summary = _summary(found, sum(one.fixed for one in outcomes), len(paths), args)
        sys.stderr.write(summary)


def _summary(found: Sequence[Finding], fixed: int, count: int, args: argparse.Namespace) -> str:
    counts = tally(found)
    parts = [f"{counts[word]} {word}{'' if counts[word] == 1 else 's'}" for word in ("error", "warning", "info")]
    text = f"{count} file{'' if count == 1 else 's'} checked: {', '.join(parts)}"
    if fixed:
        text += f"; {fixed} {'can be' if args.diff else 'were'} fixed"
    if counts["fixable"]:
        text += f"; --fix mends {counts['fixable']}"
    return text + "\n"


def _format(args: argparse.Namespace, to_file: bool) -> str:
    if args.format:
        return str(args.format)
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" and not to_file else "full"


def _colour(wish: str, environ: Mapping[str, str], out: TextIO) -> bool:
    """Whether colours are wanted: what was asked for, NO_COLOR, FORCE_COLOR, or a terminal that knows them."""
    if wish != "auto":
        return wish == "always"
    if environ.get("NO_COLOR"):
        return False
    return bool(environ.get("FORCE_COLOR")) or (out.isatty() and environ.get("TERM") != "dumb")


def _baseline_of(checker: Checker) -> Optional[str]:
    settings = checker.settings(os.getcwd())
    return None if settings.baseline is None else os.path.join(settings.base, settings.baseline)


def _write_baseline(path: str, found: Sequence[Finding]) -> None:
    from ..lint import baseline

    base = os.path.dirname(os.path.abspath(path))
    text = baseline.written(found, lambda one: os.path.relpath(os.path.abspath(one), base))
    files.replace(files.resolve(os.path.abspath(path)), text.encode(), new_mode=0o644)


def _without_baseline(path: str, found: Sequence[Finding], *, quiet: bool) -> List[Finding]:
    from ..lint import baseline

    base = os.path.dirname(os.path.abspath(path))
    known = baseline.read(files.read(path).decode("utf-8", "replace"), path)
    left, gone = baseline.without(found, known, lambda one: os.path.relpath(os.path.abspath(one), base))
    if gone and not quiet:
        print(f"{_printable(path)}: {gone} of its problems are no more: write it anew", file=sys.stderr)
    return left


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sendmailcf check", description=__doc__.partition("\n")[0], allow_abbrev=False,
        formatter_class=partial(argparse.HelpFormatter, width=_WIDTH),
        epilog="Exit status: 0 nothing is wrong, 1 there are errors or warnings, 2 it could not be done.",
    )  # fmt: skip
    parser.add_argument(
        "paths", metavar="PATH", nargs="*", help="a file, a directory, or - for standard input; default: /etc/mail"
    )
    what = parser.add_argument_group("what is checked, and for which sendmail")
    what.add_argument("--as", dest="kind", metavar="KIND", choices=KINDS, help=f"one of {', '.join(KINDS)}; "
                      "default: by the name of the file")  # fmt: skip
    what.add_argument("--stdin-filename", metavar="NAME", help="what standard input is called")
    what.add_argument("--root", metavar="DIR", help="stands for /: the files that a sendmail.cf names are below it")
    what.add_argument("--sendmail-version", choices=VERSIONS, help="default: 8.17")
    what.add_argument(
        "--with", dest="flags", metavar="FLAG,…", help="compile flags, as sendmail -d0.10 has them"
    )
    what.add_argument("--probe", action="store_true", help="ask the sendmail that is installed for both")
    what.add_argument("--sendmail", metavar="PROGRAM", help="ask this one")
    rules = parser.add_argument_group("which rules (codes, names, or beginnings of codes; see sendmailcf rule --list)")
    rules.add_argument("--profile", choices=list(PROFILES), help="default: default")
    rules.add_argument("--select", metavar="RULE,…", help="these, and not those of the profile")
    rules.add_argument("--extend-select", metavar="RULE,…", help="these, too")
    rules.add_argument("--ignore", metavar="RULE,…", help="not these, whatever else chooses them")
    where = rules.add_mutually_exclusive_group()
    where.add_argument("--config", metavar="FILE", help="settings, instead of those found upward from each file")
    where.add_argument("--isolated", action="store_true", help="no settings of a project")
    base = rules.add_mutually_exclusive_group()
    base.add_argument("--baseline", metavar="FILE", help="do not tell the problems that it holds")
    base.add_argument("--write-baseline", metavar="FILE", help="write all problems there, and tell none")
    fixes = parser.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="make those that are safe")
    fixes.add_argument("--unsafe-fixes", action="store_true", help="make the others, too")
    fixes.add_argument("--diff", action="store_true", help="print what the fixes would change, and the problems "
                       "that have none; change nothing")  # fmt: skip
    output = parser.add_argument_group("output")
    output.add_argument("--format", choices=_FORMATS, help="default: full; in GitHub Actions: github")
    output.add_argument("-o", "--output", metavar="FILE", help="write the report there")
    output.add_argument("--statistics", action="store_true", help="only how often each rule found something")
    output.add_argument("--color", choices=["auto", "always", "never"], default="auto", help="default: %(default)s")
    output.add_argument("-q", "--quiet", action="store_true", help="no summary and no progress")
    output.add_argument("--exit-zero", action="store_true", help="exit 0 whatever is found")
    output.add_argument("-j", "--jobs", type=_count, metavar="N", help="processes; default: one for each "
                        "processor where there are many files")  # fmt: skip
    return parser
