"""`sendmailcf check`: what sendmail would say of configuration files, and mistakes on which it is silent.

The one thing to know: files are looked at, never changed.
"""

from __future__ import annotations

import argparse
import sys
from typing import List, Sequence

from .. import files
from ..lint import KINDS, Problem, Settings, Severity, document, kind_of, lint
from ..lint.settings import DEFAULT_FLAGS, VERSIONS


def main(arguments: Sequence[str]) -> int:
    """Run `check`; 0 nothing is wrong, 1 there are errors or warnings, 2 a file could not be read."""
    args = _parser().parse_args(arguments)
    flags = DEFAULT_FLAGS if args.flags is None else args.flags.replace(",", " ").split()
    settings = Settings(version=args.sendmail_version, flags=flags)
    problems: List[Problem] = []
    for path in args.paths:
        data = sys.stdin.buffer.read() if path == "-" else files.read(path)
        name = args.stdin_filename if path == "-" else path
        kind = args.kind or kind_of(name)
        problems += lint(document(data, kind, name), kind=kind, settings=settings)
    for problem in problems:
        print(str(problem).encode("utf-8", "backslashreplace").decode("utf-8").replace("\n", "\\n"))
    return 1 if any(problem.severity is not Severity.INFO for problem in problems) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sendmailcf check", description=__doc__, allow_abbrev=False)
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a file; - for standard input")
    parser.add_argument("--as", dest="kind", choices=KINDS, help="default: by the name of the file")
    parser.add_argument("--stdin-filename", metavar="NAME", default="<stdin>", help="default: %(default)s")
    parser.add_argument("--sendmail-version", choices=VERSIONS, default="8.17", help="default: %(default)s")
    parser.add_argument(
        "--with", dest="flags", metavar="FLAG,…", help="compile flags, as sendmail -d0.10 has them"
    )
    return parser
