"""Map classes, and the flags that a K line gives them.

The one thing to know: only the first letter of a word of flags counts, and most classes take the text glued to it; a
few flags take the next word instead.  Facts from map.c, conf.c and readcf.c of sendmail 8.17.1.
"""

from __future__ import annotations

from typing import Tuple

from attrs import frozen

from ..record import Record

GLUED, WORD = "glued", "word"


@frozen(eq=False, repr=False)
class MapFlagRow(Record):
    """A flag.  argument: "" for none, "glued" to the letter, or "word": glued, or else the word that follows."""

    letter: str
    description: str
    argument: str = ""


@frozen(eq=False, repr=False)
class MapClassRow(Record):
    """A class of maps.

    file: what the first word behind the flags is, "" for nothing.  suffixes: what is added to a file's name.
    flags: those it knows.  one_flag: only the first word of flags is read.  makemap: whether makemap builds its files.
    """

    name: str
    description: str
    file: str
    flags: Tuple[MapFlagRow, ...]
    suffixes: Tuple[str, ...] = ()
    one_flag: bool = False
    makemap: bool = False
    since: str = ""
    needs: str = ""


def _with(flags: Tuple[MapFlagRow, ...], *own: MapFlagRow) -> Tuple[MapFlagRow, ...]:
    """Flags, of which a class has some of its own."""
    mine = {flag.letter for flag in own}
    return (*(flag for flag in flags if flag.letter not in mine), *own)


_APPEND = MapFlagRow("a", "Text put behind a value that is found", GLUED)
_NOT_DEFERRED = MapFlagRow("D", "No lookup in the delivery mode defer")
_SPACE = MapFlagRow("S", "The character between two words of a key", GLUED)
_MATCH_ONLY = MapFlagRow("m", "The result is the key, not the value")
_KEEP_CASE = MapFlagRow("f", "Do not fold keys to lower case")
_KEEP_QUOTES = MapFlagRow("q", "Keep quotes in the key")
_TEMPORARY = MapFlagRow("t", "A temporary failure is as good as not found")
_ON_FAILURE = MapFlagRow("T", "Text put behind the key at a temporary failure", GLUED)

GENERIC: Tuple[MapFlagRow, ...] = (
    MapFlagRow("A", "Merge the values of a key when an alias database is rebuilt"),
    _APPEND,
    _NOT_DEFERRED,
    MapFlagRow("d", "How long to wait; seconds unless it has a unit", GLUED),
    _KEEP_CASE,
    MapFlagRow("k", "Column of the key", WORD),
    _MATCH_ONLY,
    MapFlagRow("N", "Keys end in a NUL byte"),
    MapFlagRow("O", "Keys do not end in a NUL byte"),
    MapFlagRow("o", "A map that cannot be opened is empty"),
    _KEEP_QUOTES,
    _SPACE,
    _ON_FAILURE,
    _TEMPORARY,
    MapFlagRow("v", "Column of the value", WORD),
    MapFlagRow("z", "Character that separates columns, or values of a list; \\n and \\t are known", GLUED),
)

_SMALL = (_APPEND, _NOT_DEFERRED, _SPACE, MapFlagRow("s", "The same as S", GLUED))

_LDAP = _with(
    GENERIC,
    MapFlagRow("1", "More than one entry is as good as not found"),
    MapFlagRow("b", "Base of the search", WORD),
    MapFlagRow("c", "How long to wait for the network, seconds", WORD),
    MapFlagRow("d", "Distinguished name to bind as", WORD),
    MapFlagRow("H", "URI of the server", WORD),
    MapFlagRow("h", "Servers, a blank between them", WORD),
    MapFlagRow("K", "Replace %1 to %9 in the filter by the arguments of the lookup"),
    MapFlagRow("k", "Filter of the search; %s stands for the key", WORD),
    MapFlagRow("l", "Limit of the search, seconds", WORD),
    MapFlagRow("M", "How to bind: none, simple or krbv4", WORD),
    MapFlagRow("n", "Ask for names of attributes only"),
    MapFlagRow("P", "File with the secret", WORD),
    MapFlagRow("p", "Port", WORD),
    MapFlagRow("R", "Do not follow referrals"),
    MapFlagRow("r", "When aliases are followed: never, always, search or find", WORD),
    MapFlagRow("s", "Scope: base, one or sub", WORD),
    MapFlagRow("V", "Character between an attribute's name and value in the result", WORD),
    MapFlagRow("v", "Attributes asked for, as attribute:type:class, separated by commas", WORD),
    MapFlagRow("w", "Version of the protocol", WORD),
    MapFlagRow("x", "Use an entry whose attributes are references"),
    MapFlagRow("Z", "Limit of entries", WORD),
    MapFlagRow("z", "Separates several values in the result; without it only the first counts", GLUED),
)

MAP_CLASSES: Tuple[MapClassRow, ...] = (
    MapClassRow("hash", "Hash file of Berkeley DB", "file", GENERIC, (".db",), makemap=True, needs="NEWDB"),
    MapClassRow("btree", "B-tree file of Berkeley DB", "file", GENERIC, (".db",), makemap=True,
        needs="NEWDB"),
    MapClassRow("dbm", "Pair of files of ndbm", "file", GENERIC, (".dir", ".pag"), makemap=True,
        needs="NDBM"),
    MapClassRow("cdb", "Constant database", "file", GENERIC, (".cdb",), makemap=True, since="8.16.1",
        needs="CDB"),
    MapClassRow("implicit", "The first of hash, dbm and cdb that is there", "file", GENERIC,
        (".db", ".pag", ".cdb")),
    MapClassRow("text", "Text file, read at each lookup; k and v are numbers of columns from 0", "file", GENERIC,
        since="8.7"),
    MapClassRow("stab", "File of aliases, kept in memory", "file", GENERIC),
    MapClassRow("nis", "Map of NIS, as map or map@domain", "map", GENERIC, needs="NIS"),
    MapClassRow("nisplus", "Table of NIS+; k and v are names of columns", "table", GENERIC, since="8.7",
        needs="NISPLUS"),
    MapClassRow("hesiod", "Hesiod", "name", GENERIC, since="8.7", needs="HESIOD"),
    MapClassRow("netinfo", "NetInfo", "directory", GENERIC, since="8.7", needs="NETINFO"),
    MapClassRow("nsd", "Name service daemon of IRIX", "map", GENERIC, needs="MAP_NSD"),
    MapClassRow("user", "Users of the host; v is name, passwd, uid, gid, gecos, dir or shell", "", GENERIC,
        since="8.7"),
    MapClassRow("userdb", "User database", "file", GENERIC, since="8.7", needs="USERDB"),
    MapClassRow("program", "A program, run with the key as its last argument; the first line it prints is the value",
        "program", GENERIC, since="8.7"),
    MapClassRow("bestmx", "The best MX host of a domain; with z all of them", "", GENERIC, since="8.7",
        needs="NAMED_BIND"),
    MapClassRow("switch", "The maps that the service switch names, as map.service", "service", GENERIC,
        since="8.7"),
    MapClassRow("null", "Never finds anything", "", GENERIC),
    MapClassRow("socket", "A server on a socket: inet:port@host, inet6:port@host, local:path or unix:path", "socket",
        GENERIC, since="8.13.0", needs="SOCKETMAP"),
    MapClassRow("sequence", "Other maps, asked in order; 12 at most", "map", (), since="8.7"),
    MapClassRow("regex", "A regular expression, which is all of the rest of the line", "",
        (
            MapFlagRow("n", "Found is what does not match"),
            MapFlagRow("f", "Upper and lower case differ"),
            MapFlagRow("b", "Basic regular expression, not extended"),
    MapFlagRow("s", "The result is what matched in parentheses, or those of a list of numbers", GLUED),
            MapFlagRow("d", "What stands between several results; $| by default", GLUED),
            _APPEND, _MATCH_ONLY, _KEEP_QUOTES, _SPACE, _NOT_DEFERRED,
        ), since="8.9.0", needs="MAP_REGEX"),
    MapClassRow("dns", "Records of the DNS, of the type that R gives", "",
        (
            MapFlagRow("R", "Type of record: A AAAA AFSDB CNAME DS MX NS PTR SRV TLSA TXT", WORD),
            MapFlagRow("B", "Domain put behind the key", WORD),
            MapFlagRow("A", "Merge the values of a key"),
            MapFlagRow("d", "How long to wait; seconds unless it has a unit", GLUED),
            MapFlagRow("N", "Keys end in a NUL byte"),
            MapFlagRow("O", "Keys do not end in a NUL byte"),
            MapFlagRow("o", "A map that cannot be opened is empty"),
            MapFlagRow("r", "How often to ask", GLUED),
            MapFlagRow("Z", "Limit of results", WORD),
            MapFlagRow("z", "Character between several results; without it only the first counts", GLUED),
            _APPEND, _KEEP_CASE, _MATCH_ONLY, _KEEP_QUOTES, _SPACE, _ON_FAILURE, _TEMPORARY,
        ), since="8.12.0", needs="NAMED_BIND and DNSMAP"),
    MapClassRow("host", "Canonical names of hosts; declared by sendmail if no file does", "",
        (
            MapFlagRow("d", "How long to wait; seconds unless it has a unit", GLUED),
            MapFlagRow("r", "How often to ask", GLUED),
            _APPEND, _ON_FAILURE, _MATCH_ONLY, _TEMPORARY, _SPACE, _NOT_DEFERRED,
        )),
    MapClassRow("ldap", "LDAP", "", _LDAP, needs="LDAPMAP"),
    MapClassRow("ph", "Phone book server", "",
        _with(
            GENERIC,
            MapFlagRow("h", "Servers", WORD),
            MapFlagRow("k", "Fields that are searched", WORD),
            MapFlagRow("l", "How long to wait, seconds", WORD),
        ), since="8.10.0", needs="PH_MAP"),
    MapClassRow("syslog", "Writes the key to the log", "",
        (MapFlagRow("L", "Level, as EMERG to DEBUG, with or without LOG_", WORD), _NOT_DEFERRED, _SPACE)),
    MapClassRow("dequote", "Takes quotes off the key", "", _SMALL, one_flag=True),
    MapClassRow("macro", "Stores its first argument in the macro that the key names, in braces", "", _SMALL,
        one_flag=True),
    MapClassRow("arith", "Calculates: the key is + - * / % | & l = or r, the numbers are arguments", "", _SMALL,
        one_flag=True, since="8.10.0"),
    MapClassRow("arpa", "Turns an address round, as for the DNS", "", _SMALL, one_flag=True, since="8.15.1"),
)  # fmt: skip
