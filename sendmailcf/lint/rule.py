"""What a rule is, and the register of all rules.

The one thing to know: a rule is a function with a decorator, and its docstring is its documentation.  It is
registered once, there, and its examples are read from the docstring only when somebody asks for them.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterable, List, Mapping, Optional, Tuple, Type

from attrs import field, frozen

from ..nodes import Node
from ..record import Record
from .problem import Fix, Severity

#: The prefix of a code, and what rules of that family are about.
FAMILIES: Mapping[str, str] = {
    "CF": "lines and bytes",
    "MA": "macros and classes",
    "OP": "options",
    "MP": "maps",
    "ML": "mailers",
    "RS": "rulesets and rules",
    "HQ": "headers, queues, filters",
    "AU": "authinfo and AUTH",
    "RL": "relay and ports",
    "PM": "permissions and security",
    "SE": "Amazon SES",
}


@frozen(eq=False, repr=False)
class Found(Record):
    """What a rule found.

    index: the line, counted from 0; None for the file as a whole.  message: what is wrong, in one sentence
    without a full stop; no secret.  start, end: the place in characters of the line's text
    (`document.text(index)`); both None for the whole line.  consequence: what sendmail does here, if it is
    not what the rule always says.  hint: what was probably meant, only the word itself.
    """

    index: Optional[int]
    message: str
    start: Optional[int] = None
    end: Optional[int] = None
    consequence: str = ""
    hint: Optional[str] = None
    fix: Optional[Fix] = None


@frozen(eq=False, repr=False)
class Example(Record):
    """A Bad or Good example of a rule.

    what: "Bad" or "Good".  files: contents by name; the name "" is a file of the rule's own kind.  facts:
    words on a file by its name, such as mode and uid.  words: what stands in parentheses behind `Bad`, such
    as `version` or `with`, with its value: `whole` for a cf file that is all there is and `start` for the
    beginning of one, else it is a part of one.
    """

    what: str
    files: Mapping[str, bytes]
    facts: Mapping[str, Mapping[str, str]] = field(factory=dict)
    words: Mapping[str, str] = field(factory=dict)


Check = Callable[..., Iterable[Found]]


@frozen(eq=False)
class Rule:
    """A rule.

    check: called as check(context, index, node) for each line of a class in `on`, and each line that cannot
    be read and begins with a letter of `bad`; as check(context), after the last line, where both are empty.
    refused: of a class in `on`, only lines that sendmail refuses, as `reading.refused` says.
    kinds: the kinds of documents it looks at.  reported: how sendmail itself reports it when it reads the
    file: "E" error, "F" error at which it stops, "U" a message of a user's fault, "W" warning, "N" notice, ""
    not at all.
    """

    code: str
    name: str
    severity: Severity
    check: Check
    on: Tuple[Type[Node], ...]
    bad: str
    refused: bool
    kinds: Tuple[str, ...]
    reported: str
    consequence: str

    @property
    def documentation(self) -> str:
        """What it looks for and what sendmail does there, with examples."""
        from inspect import getdoc  # it loads much, and only documentation needs it

        return getdoc(self.check) or ""

    @property
    def text(self) -> str:
        """The documentation, without the examples."""
        return re.split(_HEADING, self.documentation)[0].strip("\n")

    @property
    def examples(self) -> List[Example]:
        """The examples of the documentation, in their order."""
        doc = self.documentation
        heads = list(re.finditer(_HEADING, doc))
        ends = [*(head.start() for head in heads[1:]), len(doc)]
        return [_example(head, doc[head.end() : end]) for head, end in zip(heads, ends)]


#: All rules, by code.
RULES: Dict[str, Rule] = {}
_NAMES: Dict[str, Rule] = {}


def rule(
    code: str,
    name: str,
    severity: Severity,
    *on: Type[Node],
    bad: str = "",
    refused: bool = False,
    kinds: Tuple[str, ...] = ("cf",),
    reported: str = "",
    consequence: str = "",
) -> Callable[[Check], Check]:
    """Register a function as a rule; the arguments are those of Rule."""

    def register(check: Check) -> Check:
        if code in RULES or name in _NAMES:
            raise ValueError(f"two rules {code} {name}")
        RULES[code] = _NAMES[name] = Rule(
            code, name, severity, check, on, bad, refused, kinds, reported, consequence
        )
        return check

    return register


def named(text: str) -> Optional[Rule]:
    """The rule of a code or a name, in any case."""
    return RULES.get(text.upper()) or _NAMES.get(text.lower())


# Examples.

#: Patterns of documentation, compiled when somebody reads it.
_HEADING = r"(?m)^(Bad|Good)(?: \(([^)]*)\))?:\n"
_INDENT = "    "
_FILE = r"--- (\S+)((?: \S+=\S+)*)"
_SIGN = r"<(?:(TAB|SP|CR|FF|NUL|BOM)|0x([0-9a-f]{2})|(.)\*([0-9]+))>"
_SIGNS = {"TAB": b"\t", "SP": b" ", "CR": b"\r", "FF": b"\f", "NUL": b"\0", "BOM": b"\xef\xbb\xbf"}


def _bytes(text: str) -> bytes:
    """The bytes of an example's text: `<TAB>`, `<SP>`, `<CR>`, `<FF>`, `<NUL>`, `<BOM>` and `<0x80>` stand for bytes,
    `<a*2048>` for many of one."""
    out, at = [], 0
    for found in re.finditer(_SIGN, text):
        name, number, char, count = found.groups()
        made = _SIGNS[name] if name else bytes([int(number, 16)]) if number else char.encode() * int(count)
        out += [text[at : found.start()].encode(), made]
        at = found.end()
    return b"".join([*out, text[at:].encode()])


def _example(head: re.Match[str], block: str) -> Example:
    words: Dict[str, str] = {}
    for part in (head.group(2) or "").split(";"):
        word, _, value = part.strip().partition(" ")
        if word:
            words[word] = value
    files: Dict[str, List[str]] = {"": []}
    facts: Dict[str, Mapping[str, str]] = {}
    lines = files[""]
    for line in block.split("\n"):
        if line and not line.startswith(_INDENT):
            break
        body = line[len(_INDENT) :]
        found = re.fullmatch(_FILE, body)
        if found is None:
            lines.append(body + "\n")
            continue
        lines = files[found.group(1)] = []
        facts[found.group(1)] = dict(word.split("=", 1) for word in found.group(2).split())
    made = {
        name: _bytes("".join(lines).rstrip("\n") + "\n") for name, lines in files.items() if name or lines
    }
    return Example(head.group(1), made, facts, words)
