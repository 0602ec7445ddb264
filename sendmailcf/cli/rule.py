"""`sendmailcf rule`: what a rule of the linter looks for, and all rules there are.

The one thing to know: it prints the documentation of the rules, which is also their test.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Dict, Sequence

from ..errors import SettingsError
from ..lint import FAMILIES, RULES, Rule
from ..lint.selection import codes


def main(arguments: Sequence[str]) -> int:
    """Run `rule`; the exit status."""
    parser = argparse.ArgumentParser(prog="sendmailcf rule", description=__doc__, allow_abbrev=False)
    parser.add_argument("rules", metavar="RULE", nargs="*", help="a code, a name, or the beginning of codes")
    parser.add_argument("--list", action="store_true", help="a line a rule; default: all rules")
    parser.add_argument("--json", action="store_true", help="as JSON")
    args = parser.parse_args(arguments)
    if not args.rules and not args.list:
        raise SettingsError("name a rule, as in sendmailcf rule OP001, or see sendmailcf rule --list")
    chosen = [RULES[code] for code in sorted(codes(args.rules or ["ALL"]))]
    if args.json:
        print(json.dumps([as_data(one) for one in chosen], indent=1))
    elif args.list:
        for one in chosen:
            print(f"{one.code}  {one.severity.value:7}  {one.name}")
    else:
        sys.stdout.write("\n".join(page(one) for one in chosen))
    return 0


def page(rule: Rule) -> str:
    """The documentation of a rule as text."""
    facts = [f"{rule.severity.value}, {FAMILIES[rule.code[:2]]}", f"files: {', '.join(rule.kinds)}"]
    if rule.reported:
        facts.append("sendmail reports it when it reads the file")
    if rule.consequence:
        facts.append(rule.consequence)
    return f"{rule.code} {rule.name}\n({'; '.join(facts)})\n\n{rule.documentation}\n"


def as_data(rule: Rule) -> Dict[str, Any]:
    """A rule as JSON has it."""
    return {
        "code": rule.code,
        "name": rule.name,
        "family": FAMILIES[rule.code[:2]],
        "severity": rule.severity.value,
        "reported": rule.reported,
        "kinds": list(rule.kinds),
        "consequence": rule.consequence,
        "documentation": rule.documentation,
    }
