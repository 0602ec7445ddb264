"""AuthInfo entries and the five-line file: what is written is what would be sent, and no password is shown.

The one thing to know: `tests/oracle/test_authinfo_oracle.py` asks the real sendmail the same questions.
"""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf.authinfo import (
    LINES,
    AuthInfo,
    AuthInfoEntry,
    AuthItem,
    Credentials,
    DefaultAuthInfo,
    MapEntry,
    SourceBadLine,
    SourceBlank,
    SourceComment,
    host_problem,
    lookup_keys,
    masked,
    parse,
    read_value,
)
from sendmailcf.errors import EditError

HOST = "relay.example"
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\n"), min_size=1, max_size=40)
CREDENTIALS = st.builds(
    Credentials,
    user=TEXT,
    password=TEXT,
    mechanisms=st.lists(st.sampled_from(["LOGIN", "PLAIN", "CRAM-MD5"]), max_size=3, unique=True),
    realm=st.none() | TEXT,
    authid=st.none() | TEXT,
)

TABLE = [
    ("", SourceBlank()),
    ("# c", SourceComment(text=" c")),
    (" x y", SourceBadLine(text=" x y")),
    ("To:a RELAY ", MapEntry(key="To:a", gap=" ", value="RELAY ")),
    ("key", MapEntry(key="key")),
    (
        'AuthInfo:h\t"U:me" "P=cHc=" ',
        AuthInfoEntry(
            key="AuthInfo:h",
            items=(AuthItem(tag="U", text="me"), AuthItem(gap=" ", tag="P", delimiter="=", text="cHc=")),
            blank=" ",
        ),
    ),
    (
        'AuthInfo:h "U:a\\"b"',
        AuthInfoEntry(key="AuthInfo:h", gap=" ", items=(AuthItem(tag="U", text='a\\"b'),)),
    ),
    ("authinfo:h U:me", MapEntry(key="authinfo:h", gap=" ", value="U:me")),
]


@pytest.mark.parametrize(("text", "node"), TABLE)
def test_table_in_both_directions(text: str, node: object) -> None:
    assert parse(text) == node
    assert str(node) == text


def test_every_class_has_an_example() -> None:
    assert {type(node) for _, node in TABLE} == set(LINES)


@given(st.text(alphabet='AuthInfo:hUP"= \t\\#x%\r', max_size=40))
def test_no_text_is_lost(text: str) -> None:
    assert str(parse(text)) == text


@given(st.binary())
def test_any_bytes_come_back(data: bytes) -> None:
    assert bytes(AuthInfo(data)) == data
    assert bytes(DefaultAuthInfo(data)) == data


@given(CREDENTIALS)
def test_credentials_read_back(credentials: Credentials) -> None:
    auth = AuthInfo("# first\nTo:x RELAY\n")
    auth[HOST] = credentials
    back = AuthInfo(bytes(auth))[HOST]
    assert (back.user, back.password, back.realm) == (
        credentials.user,
        credentials.password,
        credentials.realm,
    )
    assert back.mechanisms == credentials.mechanisms
    assert (back.authid or back.user) == (credentials.authid or credentials.user)
    lines = str(auth).split("\n")
    assert lines[:2] == ["# first", "To:x RELAY"]
    assert len(lines) == 4
    again = AuthInfo(bytes(auth))
    again[HOST] = credentials
    assert not again.changed


@given(CREDENTIALS.filter(lambda one: len(one.password) > 5))
def test_no_password_is_shown(credentials: Credentials) -> None:
    password = "q7" + credentials.password
    auth = AuthInfo()
    auth[HOST] = Credentials(credentials.user, password, credentials.mechanisms)
    shown = auth.diff() + repr(auth) + repr(list(auth.lines)) + repr(auth[HOST]) + repr(auth.reading(HOST))
    hidden = base64.b64encode(password.encode()).decode()
    assert password not in shown
    assert hidden not in shown
    five = DefaultAuthInfo()
    if password[:1] != "#" and "\0" not in password:
        try:
            five.credentials = Credentials("me", password)
        except EditError as error:
            assert password not in str(error)
        assert password not in five.diff() + repr(five)


@pytest.mark.parametrize(
    "line",
    [
        'AuthInfo:h "U:me" "P:secretpw"',
        'AuthInfo:h "U:me" "p=secretpw',
        "AuthInfo:h U:me P:secretpw",
        "AuthInfo:h 'U:me' 'P:secretpw'",
        '"P:secretpw" "M:LOGIN"',
        '  "U:me" "P:secretpw"',
        '# AuthInfo:h "U:me" "P:secretpw"',
        '#"P:secretpw"',
        "#P:secretpw",
        "P:secretpw",
    ],
)
def test_broken_entries_are_masked(line: str) -> None:
    assert "secretpw" not in masked(line)
    auth = AuthInfo(line + "\n")
    auth["other.example"] = Credentials("u", "p")
    assert "secretpw" not in auth.diff() + repr(list(auth.lines))


@pytest.mark.parametrize(
    "line", ["To:x RELAY", "# how to: see the manual", 'AuthInfo:h "U:me" "M:LOGIN"', ""]
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert masked(line) == line


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('"U:me" "P:pw"', ("me", "pw")),
        ('"I:me" "P:pw"', ("me", "pw")),
        ('"U:a""P:b"', ("a", "b")),
        ('"U:me" "P:one" "P:two"', ("me", "two")),
        ('"u:me" "p=cHc=" ', ("me", "pw")),
        ('"U:me" "P:p%1w%%"', ("me", "pw%")),
        ('"U:me" "P:%0"', ("me", "authinfo:k")),
        ('"U:me" "P:pw" M:LOGIN', ("me", "pw")),
        ('"U:me" "P:pw', ("me", "pw")),
        ('"U:me" "P:a\\"b"', ("me", 'a\\"b')),
        ('"U:me" "P: pw "', ("me", " pw ")),
        ("U:me P:pw", None),
        ('"U:me", "P:pw"', None),
        ('"U:me"', None),
        ('"P:pw"', None),
        ('"U:me" "P:"', None),
        ('"U:" "P:pw"', None),
        ('"U:me" "X:y" "P:pw"', None),
        ('"U:me" "P pw"', None),
        ('"U:me" "P=pw"', None),
        ('"U:me" "P:' + "x" * 252 + '"', ("me", "x" * 252)),
        ('"U:me" "P:' + "x" * 253 + '"', None),
        ('"U:a" "I:a" "R:r" "M:m" "R:r" "M:m" "U:me" "P:late"', None),
    ],
)
def test_values_are_read_as_sendmail_reads_them(value: str, expected: tuple[str, str] | None) -> None:
    reading = read_value(value, "authinfo:k")
    assert (reading.credentials is None) == (reading.problem is not None)
    found = reading.credentials and (reading.credentials.user, reading.credentials.password)
    assert found == expected


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials("", "pw"),
        Credentials("me", ""),
        Credentials("me", "a\0b"),
        Credentials("me", "x" * 253),
        Credentials("me", "\\" * 190),
        Credentials("me", "pw", ("LOGIN,PLAIN",)),
        Credentials("me", "pw", ("",)),
        Credentials("u" * 252, "p" * 252, (), "r" * 252, "i" * 252),
    ],
    ids=["no-user", "no-password", "nul", "long", "long-base64", "comma", "empty-mechanism", "long-line"],
)
def test_what_cannot_be_sent_is_refused(credentials: Credentials) -> None:
    auth = AuthInfo()
    with pytest.raises(EditError) as refused:
        auth[HOST] = credentials
    assert credentials.password == "" or credentials.password not in str(refused.value)
    assert not auth.changed


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("relay.example:587", "port 587 apart"),
        ("[192.0.2.1]", "192.0.2.1"),
        ("[relay.example]", "relay.example"),
        ("", "empty"),
        ("a b", "no host name"),
        ("relay.example.", "trailing dot"),
        ("a..b", "empty label"),
        ("réseau.example", "ASCII"),
    ],
)
def test_hosts_that_are_never_looked_up(host: str, says: str) -> None:
    assert says in (host_problem(host) or "")
    with pytest.raises(EditError):
        AuthInfo()[host] = Credentials("u", "p")


def test_the_first_of_two_entries_counts() -> None:
    auth = AuthInfo('AuthInfo:H "U:a" "P:1"\nAUTHINFO:h "U:b" "P:2"\n')
    assert list(auth) == ["H"]
    assert auth["h"].user == "a"
    auth["h"] = Credentials("c", "3")
    assert str(auth) == 'AuthInfo:H "U:c" "P:3"\nAUTHINFO:h "U:b" "P:2"\n'
    del auth["h"]
    assert str(auth) == ""


def test_entries_are_found_as_sendmail_finds_them() -> None:
    auth = AuthInfo('AuthInfo:example "U:a" "P:1"\nAuthInfo: "U:b" "P:2"\nAuthInfo:192.0.2 "U:c" "P:3"\n')
    assert auth.lookup("mail.example", "198.51.100.1") == ""
    assert auth.lookup("mail.example", "198.51.100.1", access=True) == "example"
    assert auth.lookup("other", "192.0.2.7", access=True) == "192.0.2"
    assert AuthInfo("To:x y\n").lookup("mail.example") is None
    assert lookup_keys("A.b", "192.0.2.1") == ["authinfo:a.b", "authinfo:192.0.2.1", "authinfo:"]


@given(CREDENTIALS)
def test_the_five_lines_read_back(credentials: Credentials) -> None:
    file = DefaultAuthInfo("# kept\nold\n")
    try:
        file.credentials = credentials
    except EditError:
        assert not file.changed
        return
    back = DefaultAuthInfo(bytes(file)).credentials
    assert back is not None
    assert (back.user, back.password, back.mechanisms) == (
        credentials.user, credentials.password, credentials.mechanisms,
    )  # fmt: skip
    assert str(file).startswith("# kept\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "id"),
        ("u\n", "password"),
        ("u\nu\n", "third"),
        ("\n\np\n", "empty"),
        ('AuthInfo:h "U:u"\nx\ny\n', "map source"),
    ],
)
def test_short_and_foreign_five_line_files(text: str, says: str) -> None:
    reading = DefaultAuthInfo(text).reading()
    assert reading.credentials is None
    assert says in (reading.problem or "")


def test_comments_do_not_count_and_empty_lines_do() -> None:
    found = DefaultAuthInfo("#c\nu\n\np#w\n\nLOGIN PLAIN\nmore\n").credentials
    assert found == Credentials("u", "p#w", ("LOGIN", "PLAIN"), None, "")
