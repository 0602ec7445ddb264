"""What the real sendmail says that it read from a file, and the same from our reading of it.

The one thing to know: with -d37.8,35.9 sendmail tells each macro, class word, map and option in the order of the lines,
and test mode prints mailers and rules; so both sides become lists of texts, which are compared.
"""

from __future__ import annotations

import pwd
import re
import subprocess
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from sendmail import NAME

import sendmailcf
from sendmailcf.config import Mailer
from sendmailcf.document import parse
from sendmailcf.expressions import Item, Symbol, expand, symbols, unquoted
from sendmailcf.nodes import (
    ClassFile,
    ClassWords,
    KeyFile,
    Line,
    MacroDefinition,
    Option,
    ShortOption,
    TrustedUsers,
    Version,
    bare,
    value_of,
)
from sendmailcf.reading import Reading
from sendmailcf.values import option_row, short_option_row, words

Told = Dict[str, List[str]]
#: What sendmail sets by itself, in test mode and on this host, before it reads the file.
OWN = {
    "w": NAME,
    "j": NAME,
    "m": NAME.partition(".")[2],
    "k": NAME,
    "n": "MAILER-DAEMON",
    "v": "8.17.1.9",
    "opMode": "t",
}
#: The mailers that sendmail has of itself, which a file may replace.
PREDEFINED = {
    "prog": "prog: P=/bin/sh S=0/0 R=0/0 M=0 U=-1:-1 F=9Dloqsu L=0 E=\\n T=X-Unix/X-Unix/X-Unix r=100 A=sh -c $u",
    "*file*": "*file*: P=[FILE] S=0/0 R=0/0 M=0 U=-1:-1 F=9DEFMPloqsu L=0 E=\\n T=X-Unix/X-Unix/X-Unix r=100 A=FILE $u",
    "*include*": "*include*: P=/dev/null S=0/0 R=0/0 M=0 U=-1:-1 F=su L=0 E=\\n "
    "T=<undefined>/<undefined>/<undefined> r=100 A=INCLUDE $u",
}
_EVENT = re.compile(
    r"^(?:(?:re)?define\(.*\)|setclass\(.*\)|setoption .*|map .*,\n.*|fileclass\(.*\))$", re.MULTILINE
)
_MAP = re.compile(r"map (.*), class (\S+), flags \S+, file (.*),\n\tapp (.*), domain .*")
_NONE = "(null)"
#: Words of classes are told as they are in memory: those with a symbol, or with bytes that look so, are left out.
_SYMBOL = "\udc90"
_CODE = re.compile("[\x80-\x9f\udc80-\udc9f\udcff$]")


class EndedError(Exception):
    """sendmail ended while it read the file."""


def told(sendmail: str, cf: Path, rulesets: List[str]) -> Told:
    """Events, mailers, rules and complaints as sendmail tells them.  Raises EndedError."""
    commands = ["=M", *("=S" + name for name in rulesets)]
    done = subprocess.run(
        ["unshare", "-u", "-n", "-m", "sh", "-c", f'hostname {NAME}; mount -t tmpfs none /etc/mail; exec "$0" -bt -v -C "$1" -d37.8,35.9', sendmail, str(cf)],
        input="".join(command + "\n" for command in commands).encode("utf-8", "surrogateescape"),
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    text = done.stdout.decode("utf-8", "surrogateescape")
    head, *blocks = re.split(r"^> ", text, flags=re.MULTILINE)
    if not blocks:
        raise EndedError(head)
    complaints = re.findall(rf"^{re.escape(str(cf))}: line \d+: .*$", head, re.MULTILINE)
    head = re.sub(r"(?s)\A.*?^setoption Verbose.*?\n", "", head, flags=re.MULTILINE)
    # After the file sendmail declares the map host, if the file did not, and sets more of its own.
    head = re.split(
        r"^(?:map host, class host, flags \w+, file \(null\),\n\tapp (?:\.|\(null\)), domain|define\(_ as )",
        head,
        maxsplit=1,
        flags=re.MULTILINE,
    )[0]
    found = {"events": list(_events(head)), "mailers": [], "complaints": complaints}
    for mailer in re.findall(r"^mailer \d+ \((.*?)\): (.*?)\n?(?=^mailer \d|\Z)", blocks[0], re.MULTILINE | re.DOTALL):
        # A mailer's name and path are printed as they are in memory, with a code for the dollar of a symbol.
        found["mailers"].append(f"{mailer[0]}: {mailer[1]}".replace("\udc81", "$"))
    for name, block in zip(rulesets, blocks[1:]):
        found["=S" + name] = [line[1:] for line in block.split("\n") if line.startswith("R")]
    return found


def _events(text: str) -> Iterator[str]:
    from_program = False
    for one in _EVENT.findall(text):
        if one.startswith("setclass(") and from_program:
            continue
        from_program = one.startswith("fileclass(|")
        # A name that begins a symbol, or is no printable byte, has no print.
        if one.startswith(("define(***UNDEFINED", "redefine(***UNDEFINED")):
            continue
        # The letter M is told as an option without a name, and then as the macro that it defines.
        if re.match(r"map (?:aliases|Alias)|(?:re)?define\((?:deliveryMode|daemon_flags) |setoption  \(M\)", one):
            continue
        declared = _MAP.match(one)
        if declared:
            yield "map {}, class {}, file {}, app {}".format(*declared.groups())
        elif one.startswith("fileclass("):
            yield one.replace("\udc81", "$")
        else:
            plain = re.sub(r"^redefine", "define", re.sub(r"^(setoption \w+) \(\S*?\)", r"\1", one))
            # -v on the command line fixes the option Verbose.
            plain = re.sub(r"^(setoption Verbose=.*) \(ignored\)$", r"\1", plain)
            if not (plain.startswith("setclass(") and _CODE.search(plain)):
                yield plain


def _definition(node: MacroDefinition) -> List[str]:
    name = bare(node.name)
    if (name == "$" and node.value) or name == " " or not name.isprintable() or not name.isascii():
        return []
    return [f"define({bare(node.name)} as {shown(unquoted(symbols(value_of(node.value))))})"]


def _members(name: str, found: Iterable[str]) -> List[str]:
    return [f"setclass({name}, {word})" for word in found if not _CODE.search(word)]


def shown(items: Iterable[Item]) -> str:
    """Text as sendmail's xputs prints it."""
    out = []
    for item in items:
        if isinstance(item, Symbol):
            out.append(str(item))
            continue
        for byte in item.encode("utf-8", "surrogateescape"):
            char = chr(byte & 0x7F)
            out.append("M-" * (byte >= 0x80))
            control = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char)
            out.append(control or (char if " " <= char <= "~" else "^" + chr(ord(char) ^ 0x40)))
    return "".join(out)


def ours(data: bytes) -> Told:
    """The same from our reading."""
    cf = sendmailcf.loads(data)
    events: List[str] = []
    lines: List[Line] = []
    for node in cf:
        lines.append(node)
        if isinstance(node, MacroDefinition):
            events += _definition(node)
        elif isinstance(node, Version):
            before, after = (Reading(part, macros=OWN).value("w") for part in (lines[:-1], lines))
            events += [f"define(w as {after})"] if before != after else []
        elif isinstance(node, ClassWords):
            # Each word of the expanded line, one that copies a class included.
            known = Reading(lines[:-1], macros=OWN).macros
            items = expand(symbols(value_of(node.words)), known.get)
            text = "".join(_SYMBOL if isinstance(item, Symbol) else item for item in items).encode(
                "utf-8", "surrogateescape"
            )
            events += _members(bare(node.name), words(text[:2047].decode("utf-8", "surrogateescape")))
        elif isinstance(node, TrustedUsers):
            events += _members("t", words(value_of(node.words)))
        elif isinstance(node, ClassFile) and "@" not in node.source:
            source = value_of(node.source).replace('"', "")
            scan = "%s" if source.startswith("|") else value_of(node.format) or "%s"
            events.append(f"fileclass({source}, fmt={scan})".replace("$$", "$"))
        elif isinstance(node, KeyFile):
            before_maps, maps = Reading(lines[:-1], macros=OWN).maps, Reading(lines, macros=OWN).maps
            name = next(
                (n for n, m in maps.items() if before_maps.get(n) is not m and before_maps.get(n) != m),
                node.name,
            )
            found = maps[name.lower()]
            file = found.arguments.file if found.cls not in ("regex", "sequence", "dns", "ldap") else None
            spelled = (name, found.cls) if "$" in node.name + node.map_class else (node.name, node.map_class)
            events.append(
                "map {}, class {}, file {}, app {}".format(
                    *spelled, file or _NONE, found.arguments.flags.get("a", _NONE)
                )
            )
        elif isinstance(node, ShortOption) and node.flag == "M":
            defined = parse("D" + (node.value or ""))
            if isinstance(defined, MacroDefinition):
                events += _definition(defined)
        elif isinstance(node, (Option, ShortOption)):
            row = option_row(node.name) if isinstance(node, Option) else short_option_row(node.flag)
            if row is not None:
                has_sub = "." in row.name and isinstance(node, Option)
                sub = "".join(node.name.partition(".")[1:]) if has_sub else ""
                events.append(
                    f"setoption {row.name.partition('.')[0]}{sub}={shown(symbols(value_of(node.value)))}"
                )
    reading = Reading(cf, macros=OWN)
    named = {number: name for name, rules in reading.rulesets.items() for number, same in reading.rulesets.items()
             if rules is same and number.isdigit() and not name.isdigit()}  # fmt: skip
    zero = named.get("0", "0")
    mailers = {
        name: line.replace("S=0/0 R=0/0", f"S={zero}/{zero} R={zero}/{zero}")
        for name, line in PREDEFINED.items()
    }
    mailers.update({name.lower(): mailer_line(cf.mailers[name], named) for name in cf.mailers})
    found = {"events": events, "mailers": list(mailers.values())}
    for name, rules in reading.rulesets.items():
        sides = [
            (" ".join(shown([one]) for one in rule.lhs), " ".join(shown([one]) for one in rule.rhs))
            for rule in rules
        ]
        found["=S" + name] = [f"{lhs} \t\t{rhs} " for lhs, rhs in sides]
    return found


def mailer_line(mailer: Mailer, named: Dict[str, str]) -> str:
    """A mailer as test mode prints it.  named: the rulesets' names by their numbers."""

    def both(pair: Optional[Tuple[str, str]]) -> str:
        names = [canonical(name) for name in pair or ("0", "0")]
        return "/".join(named.get(name, name) for name in names)

    flags = mailer.flags or frozenset()
    if mailer.name.lower() in PREDEFINED:
        # sendmail never gives these several users at once.
        flags -= {"m"}
    arguments = mailer.arguments or ""
    limit = mailer.line_limit if mailer.line_limit is not None else 990 if "L" in flags else 0
    raw = [value_of(one.value) for one in mailer.node.equates if one.key[:1] == "A"][-1]
    end = mailer.end_of_line or ("\n" if Symbol("", "u") in symbols(raw) else "\r\n")
    types = mailer.types or (("dns", "rfc822", "smtp") if mailer.path == "[IPC]" else ("<undefined>",) * 3)
    parts = [
        f"{mailer.name}: P={mailer.path}".replace("$$", "$"), "S=" + both(mailer.sender_rulesets),
        "R=" + both(mailer.recipient_rulesets), f"M={mailer.max_size or 0}",
        f"U={ids(mailer.user)}", f"F={''.join(sorted(filter(str.isascii, flags)))}", f"L={max(0, limit)}", f"E={shown(symbols(end))}",
    ]  # fmt: skip
    if mailer.charset:
        parts.append(f"C={mailer.charset}")
    parts.append("T=" + "/".join(types))
    parts.append(f"r={mailer.max_recipients if (mailer.max_recipients or 0) > 0 else 100}")
    return " ".join([*parts, "A=" + " ".join(shown(symbols(word)) for word in words(arguments))])


def ids(user: Optional[str]) -> str:
    """User and group of U= by number; a user's name brings its own group."""
    if user is None:
        return "-1:-1"
    first, _, second = user.partition(":")
    if re.match("[0-9]", first):
        return ":".join(
            str(int(one, 16 if one[:2] == "0x" else 8 if one[:1] == "0" else 10))
            for one in (first, second or "-1")
        )
    entry = pwd.getpwnam(first)
    return f"{entry.pw_uid}:{second or entry.pw_gid}"


def canonical(name: str) -> str:
    """A ruleset name of a mailer: numbers in their one spelling."""
    return str(int(name)) if re.fullmatch("[0-9]+", name) else name or "0"
