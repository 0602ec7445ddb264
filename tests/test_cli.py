"""The command line: what it prints, its exit status, and that bad input changes nothing.

The one thing to know: commands run in this process through `main`, as the installed script runs them.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, Tuple

import pytest
from hosts import HOST, PASSWORD, SHAPES, contents, make_host

from sendmailcf.cli import main
from sendmailcf.cli.demo import HOST as DEMO_HOST
from sendmailcf.mapdb import btree
from sendmailcf.mapdb import hash as hash_format

Run = Callable[..., Tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command: exit status, standard output, standard error."""

    def call(*arguments: str, stdin: bytes = PASSWORD.encode() + b"\n") -> Tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        try:
            status = main(list(arguments))
        except SystemExit as left:  # argparse's own
            status = int(left.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def cf(tmp_path: Path) -> Path:
    return make_host(tmp_path / "root", "absent") / "sendmail.cf"


def relay(root: Path, command: str, *arguments: str) -> list[str]:
    words = ["relay", command, "--root", str(root), "--platform", "linux"]
    if command != "check" and "--host" not in arguments:
        words += ["--host", HOST]
    if command != "check":
        words += ["--user", "me"] if "--user" not in arguments else []
        words += ["--password-stdin"] if "--password-file" not in arguments else []
    return [*words, *arguments]


def test_version_and_help(run: Run) -> None:
    assert run("--version")[0:2] == (0, "sendmailcf 0.1.0\n")
    assert "relay check" in run("--help")[1]
    assert run()[0] == 2
    assert run("nonsense")[0] == 2
    for command in ("relay", "get", "makemap", "demo", "explain", "ses", "providers"):
        assert run(command, "--help")[0] == 0


def test_get_set_unset(run: Run, cf: Path) -> None:
    path = str(cf)
    assert run("get", path, "O.Timeout.connect") == (0, "1m\n", "")
    assert run("get", path, "D.S") == (0, "mailhost.example.com\n", "")
    status, out, err = run("get", path, "O.AuthMechanisms")
    assert (status, out) == (1, "")
    assert "not set" in err
    before = cf.read_bytes()
    status, out, _ = run("set", path, "O.AuthMechanisms", "LOGIN PLAIN", "--diff", "--dry-run")
    assert "+O AuthMechanisms=LOGIN PLAIN\n" in out
    assert cf.read_bytes() == before
    assert run("set", path, "O.AuthMechanisms", "LOGIN PLAIN", "--backup") == (0, "", "")
    assert cf.with_suffix(".cf.bak").read_bytes() == before
    assert run("get", path, "O.authmechanisms")[1] == "LOGIN PLAIN\n"
    assert run("set", path, "D.{my_name}", "x")[0] == 0
    assert run("get", path, "D.{my_name}")[1] == "x\n"
    assert run("unset", path, "D.{my_name}", "--diff")[1].count("-D{my_name}x\n") == 1
    assert run("unset", path, "O.AuthMechanisms")[0] == 0
    assert run("unset", path, "O.AuthMechanisms")[0] == 0
    assert cf.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["set", "{cf}", "O.AuthMechanism", "LOGIN"], "did you mean AuthMechanisms"),
        (["set", "{cf}", "O.AuthMechanisms", "LOGIN,PLAIN"], "blanks"),
        (["set", "{cf}", "O.MaxMessageSize", "10M"], "no suffixes"),
        (["set", "{cf}", "D.S", "a\nDSb"], "line"),
        (["set", "{cf}", "X.S", "a"], "no key"),
        (["get", "{cf}", "AuthMechanisms"], "no key"),
        (["get", "{cf}.gone", "D.S"], "No such file"),
        (["get", "{dir}", "D.S"], "directory"),
        (["parse", "{cf}.gone"], "No such file"),
    ],
)
def test_bad_edits_are_told_and_change_nothing(run: Run, cf: Path, arguments: list[str], says: str) -> None:
    before = cf.read_bytes()
    status, out, err = run(*[one.format(cf=cf, dir=cf.parent) for one in arguments])
    assert (status, out) == (2, "")
    assert says in err
    assert cf.read_bytes() == before


def test_parse_tells_every_line(run: Run, tmp_path: Path) -> None:
    data = b"V10/Berkeley\r\nMrelay, P=[IPC],\n\tA=TCP $h\n\xff bad\nDSx"
    path = tmp_path / "x.cf"
    path.write_bytes(data)
    found = json.loads(run("parse", str(path))[1])
    kinds = [line["kind"] for line in found["lines"]]
    assert kinds == ["Version", "MailerDefinition", "BadLine", "MacroDefinition"]
    assert [line["line"] for line in found["lines"]] == [1, 2, 4, 5]
    assert found["lines"][1]["fields"]["equates"][1] == {
        "gap": ",\n\t",
        "key": "A",
        "equals": "=",
        "value": "TCP $h",
    }
    assert b"".join(data[slice(*line["span"])] for line in found["lines"]) == data

    def text(fields: object) -> str:
        if isinstance(fields, dict):
            return "".join(map(text, fields.values()))
        return "".join(map(text, fields)) if isinstance(fields, list) else str(fields or "")

    whole = "".join(text(line["fields"]) + line["eol"] for line in found["lines"])
    assert whole.encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize("shape", SHAPES)
def test_plan_changes_nothing_and_apply_once(run: Run, tmp_path: Path, shape: str) -> None:
    mail = make_host(tmp_path, shape)
    before = contents(mail)
    status, out, _ = run(*relay(tmp_path, "plan"))
    assert status == 0
    assert f"+DS{HOST}" in out
    assert out.strip().endswith("sendmailcf relay check")
    assert contents(mail) == before
    status, out, _ = run(*relay(tmp_path, "apply", "--json"))
    assert json.loads(out)["changed"] is True
    assert "diff" not in json.loads(out)
    after = contents(mail)
    assert after != before
    status, out, _ = run(*relay(tmp_path, "apply", "--json", "--diff"))
    assert json.loads(out)["changed"] is False
    assert json.loads(out)["diff"] == ""
    assert run(*relay(tmp_path, "apply"))[1].strip().endswith("changed: false")
    assert contents(mail) == after
    status, out, _ = run(*relay(tmp_path, "check"))
    assert status == 0, out
    assert out.count("\n") == 23
    states = {line.split(": ")[0].split(None, 1)[1]: line.split()[0] for line in out.split("\n")[:-2]}
    assert {name for name, state in states.items() if state == "unknown"} == {"service", "queue"}
    assert {name for name, state in states.items() if state == "advice"} == {"certificates", "LogLevel"}
    assert out.endswith("the next message: accepted (sendmail logs in)\n")


def test_the_broken_recipe_is_explained(run: Run, tmp_path: Path) -> None:
    make_host(tmp_path, "recipe")
    status, out, _ = run(*relay(tmp_path, "check"))
    assert status == 1
    assert (
        "the ruleset authinfo is empty; while it exists, DefaultAuthInfo=/etc/mail/authinfo is ignored" in out
    )
    out = run(*relay(tmp_path, "apply"))[1]
    assert "it takes a file of five plain lines" in out
    assert "-O DefaultAuthInfo" in run(*relay(make_host(tmp_path / "b", "recipe").parent.parent, "plan"))[1]


def test_no_password_is_printed_anywhere(run: Run, tmp_path: Path) -> None:
    shown = []
    for shape in SHAPES:
        for extra in ([], ["--json"], ["--store", "access"], ["--store", "default-auth-info"]):
            make_host(tmp_path / (shape + "".join(extra)), shape)
            for command in ("plan", "apply", "check"):
                words = relay(tmp_path / (shape + "".join(extra)), command)
                shown += run(*words, *(extra if command != "check" or extra == ["--json"] else []))[1:]
    text = "\n".join(map(str, shown))
    for secret in (PASSWORD, "not this one", "old and wrong"):
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode().rstrip("=") not in text
        assert json.dumps(secret)[1:-1] not in text


def test_new_secrets_are_private_and_old_modes_stay(run: Run, tmp_path: Path) -> None:
    mail = make_host(tmp_path / "new", "absent")
    run(*relay(tmp_path / "new", "apply", "--backup"))
    assert [(mail / name).stat().st_mode & 0o777 for name in ("authinfo", "authinfo.db", "sendmail.cf")] == [
        0o600,
        0o600,
        0o644,
    ]
    assert (mail / "sendmail.cf.bak").exists()
    mail = make_host(tmp_path / "old", "map")
    (mail / "authinfo").chmod(0o640)
    (mail / "authinfo.db").chmod(0o600)
    run(*relay(tmp_path / "old", "apply"))
    assert [(mail / name).stat().st_mode & 0o777 for name in ("authinfo", "authinfo.db")] == [0o640, 0o600]


def test_links_are_followed(run: Run, tmp_path: Path) -> None:
    mail = make_host(tmp_path, "absent")
    (mail / "sendmail.cf").rename(mail / "real.cf")
    (mail / "sendmail.cf").symlink_to("/etc/mail/real.cf")
    assert run(*relay(tmp_path, "apply"))[0] == 0
    assert (mail / "sendmail.cf").is_symlink()
    assert f"DS{HOST}\n" in (mail / "real.cf").read_text()


def test_password_file(run: Run, tmp_path: Path) -> None:
    make_host(tmp_path, "absent")
    secret = tmp_path / "secret"
    secret.write_bytes(PASSWORD.encode() + b"\r\n")
    assert run(*relay(tmp_path, "apply", "--password-file", str(secret)))[0] == 0
    assert run(*relay(tmp_path, "apply"))[1].strip().endswith("changed: false")
    for data in (b"", b"\n", b"one\ntwo\n"):
        secret.write_bytes(data)
        assert run(*relay(tmp_path, "apply", "--password-file", str(secret)))[0] == 2


def garbage(mail: Path) -> None:
    (mail / "authinfo.db").write_bytes(b"this is no database")


def truncated(mail: Path) -> None:
    image = hash_format.build([(b"authinfo:%d" % i, b"v" * 200) for i in range(100)])
    (mail / "authinfo.db").write_bytes(image[:5000])


def foreign(mail: Path) -> None:
    (mail / "authinfo.db").write_bytes(b"\0" * 12 + b"\x62\x31\x05\x00" + b"\0" * 5000)


def loop(mail: Path) -> None:
    (mail / "authinfo").symlink_to("loop")
    (mail / "loop").symlink_to("authinfo")


def replaced(old: bytes, new: bytes) -> Callable[[Path], None]:
    def change(mail: Path) -> None:
        data = (mail / "sendmail.cf").read_bytes()
        assert old in data
        (mail / "sendmail.cf").write_bytes(data.replace(old, new))

    return change


def written(name: str, data: bytes) -> Callable[[Path], None]:
    return lambda mail: (mail / name).write_bytes(data) and None


BAD = [
    ("unreadable line", replaced(b"V10/Berkeley\n", b"V10/Berkeley\nnonsense here\n"), [], "sendmail.cf: line 2:"),
    ("not a cf", written("sendmail.cf", b"hello\nworld\n"), [], "no sendmail.cf"),
    ("binary", written("sendmail.cf", bytes(range(256)) * 50), [], "no sendmail.cf"),
    ("empty", written("sendmail.cf", b""), [], "no sendmail.cf"),
    ("missing", lambda mail: (mail / "sendmail.cf").unlink(), [], "No such file"),
    ("loop", loop, [], "symbolic links"),
    ("garbage db", garbage, [], "authinfo.db"),
    ("btree db", written("authinfo.db", btree.build([(b"authinfo:x", b'"U:a" "P:b"')])), [], "a btree file"),
    ("truncated db", truncated, [], "truncated"),
    ("foreign db", foreign, [], "btree"),
    ("indented entry", written("authinfo", b' AuthInfo:x "U:a" "P:secretpw"\n'), [], "authinfo: line 1"),
    ("split entry", written("authinfo", b'AuthInfo:x "U:a"\n"P:secretpw"\n'), [], "authinfo: line 2"),
    ("twice", written("authinfo", b'AuthInfo:x "U:a" "P:b"\nAuthInfo:X "U:a" "P:secretpw"\n'), [], "authinfo: line 2"),
    ("directory", lambda mail: (mail / "authinfo").mkdir(), [], "directory"),
    ("empty user", lambda mail: None, ["--user", ""], "user name is empty"),
    ("port in host", lambda mail: None, ["--host", "relay.example.com:587"], "give the port 587 apart"),
    ("brackets", lambda mail: None, ["--host", "[192.0.2.1]"], "write '192.0.2.1'"),
    ("empty host", lambda mail: None, ["--host", ""], "host is empty"),
    ("wrapped port", lambda mail: None, ["--port", "465"], "587"),
    ("port", lambda mail: None, ["--port", "0"], "no port"),
    ("mechanisms", lambda mail: None, ["--mechanisms", "LOG/IN"], "no name of a SASL mechanism"),
    ("no access map", lambda mail: None, ["--store", "access"], "no map `access`"),
    ("other source", replaced(b"Kdequote", b"Kauthinfo hash /etc/mail/elsewhere\nKdequote"),
     ["--authinfo", "/etc/mail/authinfo"], "reads /etc/mail/elsewhere"),
    ("other class", replaced(b"Kdequote", b"Kauthinfo dbm /etc/mail/authinfo\nKdequote"), [], "class dbm"),
    ("no rules for DS", replaced(b"$>smart_host < $S > $1", b"$>smart_host < > $1"), [], "smart host"),
    ("unknown mailer", replaced(b"$#relay $@ $1", b"$#nothing $@ $1"), [], "not defined"),
    ("not SMTP", replaced(b"$#relay $@ $1", b"$#prog $@ $1"), [], "no SMTP"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "arguments", "says"), BAD, ids=[one[0] for one in BAD])
def test_bad_input_is_told_and_nothing_written(
    run: Run, tmp_path: Path, name: str, spoil: Callable[[Path], None], arguments: list[str], says: str
) -> None:
    mail = make_host(tmp_path, "absent")
    spoil(mail)
    before = {path.name: path.read_bytes() for path in mail.iterdir() if path.is_file()}
    status, out, err = run(*relay(tmp_path, "apply", *arguments))
    assert (status, out) == (2, "")
    assert says in err
    assert err.startswith("sendmailcf: ")
    assert err.count("\n") == 1
    assert PASSWORD not in err
    assert "secretpw" not in err
    assert {path.name: path.read_bytes() for path in mail.iterdir() if path.is_file()} == before


def test_a_password_that_cannot_be_sent_is_refused(run: Run, tmp_path: Path) -> None:
    mail = make_host(tmp_path, "absent")
    before = contents(mail)
    for data, says in ((b"a\0b\n", "NUL"), (b"x" * 300, "too long"), (b"", "empty")):
        status, _, err = run(*relay(tmp_path, "apply"), stdin=data)
        assert status == 2
        assert says in err
    assert contents(mail) == before


def test_entries_that_only_the_database_has_are_not_lost(run: Run, tmp_path: Path) -> None:
    mail = make_host(tmp_path, "map")
    (mail / "authinfo").write_text("")
    status, _, err = run(*relay(tmp_path, "apply"))
    assert status == 2
    assert "1 of its 1 entries are not in /etc/mail/authinfo" in err
    (mail / "authinfo").unlink()
    assert "does not exist" in run(*relay(tmp_path, "apply"))[2]


def test_the_password_is_no_argument(run: Run, tmp_path: Path) -> None:
    make_host(tmp_path, "absent")
    words = [word for word in relay(tmp_path, "apply") if word != "--password-stdin"]
    assert run(*words)[0] == 2
    assert run(*words, "--password", "x")[0] == 2


def test_no_permission_is_told(tmp_path: Path) -> None:
    mail = make_host(tmp_path, "absent")
    before = contents(mail)
    code = "import sys; from sendmailcf.cli import main; {0}; sys.exit(main(sys.argv[1:]))"
    if os.geteuid() == 0:
        # A plain user has no way to the libraries here, so the child gives up its rights after a first, harmless run.
        first = relay(tmp_path, "plan", "--json")
        code = code.format(
            f"import os; os.dup2(os.dup(0), 9); main({first!r}); os.setgid(65534); os.setuid(65534)"
        )
    else:
        code = code.format("None")
    mail.chmod(0o555)
    for directory in [tmp_path, *tmp_path.parents][:-2]:
        if os.geteuid() == 0:
            directory.chmod(directory.stat().st_mode | 0o055)
    secret = tmp_path / "secret"
    secret.write_bytes(b"pw\n")
    secret.chmod(0o644)
    words = relay(tmp_path, "apply", "--password-file", str(secret))
    done = subprocess.run(
        [sys.executable, "-c", code, *words], input=b"pw\n", capture_output=True, check=False, cwd="/"
    )
    assert done.returncode == 2, done.stderr
    assert b"Permission denied" in done.stderr
    assert contents(mail) == before


def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    mail = make_host(tmp_path, "map")
    before = contents(mail)
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000));"
        "from sendmailcf.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *relay(tmp_path, "apply")], input=b"pw\n", capture_output=True, check=False, cwd="/",
        env=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"File too large" in done.stderr
    assert contents(mail) == before


def test_check_could_not_look(run: Run, tmp_path: Path) -> None:
    assert run("relay", "check", "--root", str(tmp_path))[0] == 2
    mail = make_host(tmp_path / "a", "map")
    text = (mail / "sendmail.cf").read_text().replace("Kauthinfo hash", "Kauthinfo dbm")
    (mail / "sendmail.cf").write_text(text)
    out = run(*relay(tmp_path / "a", "check", "--json"))[1]
    links = {link["name"]: link for link in json.loads(out)["links"]}
    assert links["map declaration"]["state"] == "unknown"
    assert "dbm" in links["map declaration"]["detail"]


def test_demo_shows_the_whole_job(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("demo", "--keep", str(tmp_path / "kept"))
    assert status == 0
    before, _, rest = out.partition("# sendmailcf relay apply")
    diff, _, after = rest.partition("# And now?")
    assert "WRONG" in before
    assert f"+DS{DEMO_HOST}" in diff
    assert "WRONG" not in after
    assert "changed: false" in after
    assert (tmp_path / "kept/etc/mail/authinfo.db").exists()
    assert run("demo", "--keep", str(tmp_path / "kept"))[0] == 2
