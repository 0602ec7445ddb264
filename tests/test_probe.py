"""The rooms of the probe, each alone: names, certificates, mechanisms, and servers that do not behave.

The one thing to know: what a whole session comes to is tried against the real sendmail, in
`tests/oracle/test_probe_oracle.py`; here are the vectors of the standards and hostile input.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, List

import pytest
from hosts import HOST, make_host
from hypothesis import given
from hypothesis import strategies as st

from sendmailcf import certificate, resolver, sasl
from sendmailcf.authinfo import Credentials
from sendmailcf.cli import main
from sendmailcf.cli.probe import masked
from sendmailcf.resolver import AAAA, CNAME, MX, A, HostUnknownError, NameServerError, Resolver

# Mechanisms


def test_cram_md5_as_in_its_rfc() -> None:
    tim = Credentials("tim", "tanstaaftanstaaf")
    challenge = b"<1896.697170952@postoffice.reston.mci.net>"
    assert sasl.answer("CRAM-MD5", tim, "h", 0, challenge) == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_digest_md5_as_in_its_rfc() -> None:
    challenge = (
        b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8'
    )
    answer = sasl.digest_answer(
        challenge, Credentials("chris", "secret"), "imap/elwood.innosoft.com", "OA6MHXh6VqTrRk"
    )
    assert b"response=d388dad90d4bbd760a152321f2143af7" in answer
    assert b'username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh"' in answer
    assert sasl.answer("DIGEST-MD5", Credentials("chris", "secret"), "h", 1, b"rspauth=x") == b""


def test_plain_and_login() -> None:
    me = Credentials("me", "pw é")
    assert sasl.answer("PLAIN", me, "h", 0, b"") == b"\0me\0pw \xc3\xa9"
    other = Credentials("me", "pw", authid="id")
    assert sasl.answer("PLAIN", other, "h", 0, b"") == b"me\0id\0pw"
    assert [sasl.answer("LOGIN", other, "h", at, b"User Name\0") for at in (0, 1)] == [b"id", b"pw"]


@pytest.mark.parametrize(
    ("name", "at", "challenge"),
    [("PLAIN", 1, b""), ("LOGIN", 2, b""), ("CRAM-MD5", 1, b""), ("DIGEST-MD5", 0, b"none"), ("DIGEST-MD5", 2, b"")],
)
def test_a_server_that_asks_too_much(name: str, at: int, challenge: bytes) -> None:
    with pytest.raises(sasl.ChallengeError) as caught:
        sasl.answer(name, Credentials("u", "a secret"), "h", at, challenge)
    assert "a secret" not in str(caught.value)


def test_the_strongest_mechanism_is_first() -> None:
    assert sasl.usable(["login", "PLAIN", "CRAM-MD5"], ["PLAIN", "LOGIN", "GSSAPI"]) == ["PLAIN", "LOGIN"]
    assert sasl.usable(["LOGIN", "CRAM-MD5", "DIGEST-MD5"], ["LOGIN", "cram-md5", "DIGEST-MD5"])[:2] == ["DIGEST-MD5", "CRAM-MD5"]
    assert sasl.usable(["GSSAPI"], ["GSSAPI"]) == []


# Names


def packet(query: bytes, *records: tuple[str, int, bytes], code: int = 0, cut: bool = False) -> bytes:
    """An answer to a query."""
    question = query[12:]
    flags = 0x8180 | code | (0x0200 if cut else 0)
    body = b"".join(
        resolver._packed(name) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for name, kind, data in records
    )
    return query[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question + body


@contextlib.contextmanager
def name_server(answer: Callable[[bytes, str, int, bool], bytes]) -> Iterator[str]:
    """A name server of one function: query, name, type, over TCP?"""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    tcp = socket.create_server(udp.getsockname())

    def asked(query: bytes) -> tuple[str, int]:
        name, end = resolver._name(query, 12)
        return name, struct.unpack(">H", query[end : end + 2])[0]

    def over_udp() -> None:
        with contextlib.suppress(OSError):
            while True:
                query, peer = udp.recvfrom(4096)
                udp.sendto(answer(query, *asked(query), False), peer)

    def over_tcp() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = tcp.accept()
                with sock:
                    query = sock.recv(4096)[2:]
                    made = answer(query, *asked(query), True)
                    sock.sendall(struct.pack(">H", len(made)) + made)

    for work in (over_udp, over_tcp):
        threading.Thread(target=work, daemon=True).start()
    try:
        yield f"127.0.0.1:{udp.getsockname()[1]}"
    finally:
        udp.close()
        tcp.close()


def zone(query: bytes, name: str, kind: int, over_tcp: bool) -> bytes:
    address = socket.inet_aton("192.0.2.9")
    if name == "big.example" and kind == A:
        return packet(query, ("big.example", A, address)) if over_tcp else packet(query, cut=True)
    if name == "loop.example":
        return packet(query, ("loop.example", CNAME, resolver._packed("loop.example")))
    if name == "alias.example":
        return packet(query, (name, CNAME, resolver._packed("real.example")))
    if name in ("real.example", "mx1.example") and kind == A:
        return packet(query, (name.upper(), A, address))
    if name == "six.example" and kind == AAAA:
        return packet(query, (name, AAAA, socket.inet_pton(socket.AF_INET6, "2001:db8::1")))
    if name == "domain.example" and kind == MX:
        records = [(20, "gone.example"), (5, "mx1.example"), (10, "real.example")]
        return packet(query, *((name, MX, struct.pack(">H", rank) + resolver._packed(to)) for rank, to in records))
    if name in ("big.example", "real.example", "mx1.example", "six.example", "domain.example"):
        return packet(query)
    if name == "broken.example":
        return packet(query, code=2)
    return packet(query, code=3)


def routes(host: str, etc: Path) -> List[tuple[str, tuple[str, ...]]]:
    with name_server(zone) as server:
        found = Resolver([server], seconds=2, etc=str(etc)).routes(host)
    return [(one.name, one.addresses) for one in found]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("real.example", [("real.example", ("192.0.2.9",))]),
        ("alias.example", [("alias.example", ("192.0.2.9",))]),
        ("[alias.example]", [("real.example", ("192.0.2.9",))]),
        ("domain.example", [("mx1.example", ("192.0.2.9",)), ("real.example", ("192.0.2.9",))]),
        ("big.example", [("big.example", ("192.0.2.9",))]),
        ("six.example", [("six.example", ("2001:db8::1",))]),
        ("[192.0.2.1]", [("[192.0.2.1]", ("192.0.2.1",))]),
        ("[IPv6:2001:db8::2]", [("[IPv6:2001:db8::2]", ("2001:db8::2",))]),
    ],
)
def test_routes(tmp_path: Path, host: str, found: object) -> None:
    assert routes(host, tmp_path) == found


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("gone.example", HostUnknownError),
        ("[gone.example]", HostUnknownError),
        ("[domain.example]", HostUnknownError),
        ("loop.example", HostUnknownError),
        ("x" * 64 + ".example", HostUnknownError),
        ("broken.example", NameServerError),
        ("[broken.example]", NameServerError),
    ],
)
def test_no_route(tmp_path: Path, host: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        routes(host, tmp_path)


def test_the_hosts_file_and_the_order_of_sources(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("192.0.2.3\tcanon.example also.example # c\n192.0.2.4 canon.example\n127.0.1.1 h.example h\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files\n")
    plain = Resolver(etc=str(tmp_path))
    assert plain.routes("also.example")[0].name == "also.example"
    assert plain.routes("[ALSO.example]")[0] == resolver.Route(
        "canon.example", ("192.0.2.3",), "in brackets: no MX is asked for, hosts file"
    )
    assert [plain.canonical(name) for name in ("also.example", "other", "h")] == ["also.example", "other", "h.example"]
    assert plain.routes("canon.example")[0].addresses == ("192.0.2.3", "192.0.2.4")
    with pytest.raises(HostUnknownError):
        plain.routes("other.example")


def test_a_name_server_that_says_nothing_is_not_waited_for_long(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        with pytest.raises(NameServerError):
            Resolver([f"127.0.0.1:{deaf.getsockname()[1]}"], seconds=0.2, etc=str(tmp_path)).routes("[a.example]")
        assert time.monotonic() - begun < 2


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_answer_is_read_or_refused(head: bytes, tail: bytes) -> None:
    query = struct.pack(">HHHHHH", 1, 0, 1, 0, 0, 0) + resolver._packed("a.example") + struct.pack(">HH", A, 1)
    for data in (head, packet(query)[:6] + b"\0\7" + packet(query)[8:] + tail):
        with contextlib.suppress(struct.error, IndexError, ValueError, HostUnknownError):
            resolver._read(data, "a.example", len(query))


# Certificates


@given(st.binary(max_size=300))
def test_bytes_that_are_no_certificate(data: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        certificate.read(data)


def test_a_name_with_a_star() -> None:
    made = certificate.Certificate("x", "y", ("*.example.com", "exact.example.net"), None, None)
    assert made.is_for("relay.EXAMPLE.com.")
    assert made.is_for("exact.example.net")
    assert not made.is_for("a.b.example.com")
    assert not made.is_for("example.com")
    assert not made.is_for("x")


BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.mark.skipif(not BUNDLE.exists(), reason="no bundle of certificates on this system")
def test_the_certificates_of_the_system_are_read_as_openssl_reads_them(tmp_path: Path) -> None:
    parts = [part + "-----END CERTIFICATE-----\n" for part in BUNDLE.read_text().split("-----END CERTIFICATE-----\n")[:-1]]
    assert len(parts) > 50
    for part in parts:
        (tmp_path / "one.pem").write_text(part)
        known = ssl._ssl._test_decode_cert(str(tmp_path / "one.pem"))  # type: ignore[attr-defined]
        found = certificate.read(ssl.PEM_cert_to_DER_cert(part))
        names = {key: value for group in known["subject"] for key, value in group}
        assert found.subject == names.get("commonName", names.get("organizationName", ""))
        assert found.not_after is not None
        assert found.not_after.timestamp() == ssl.cert_time_to_seconds(known["notAfter"])
        assert found.not_before is not None
        assert found.not_before.timestamp() == ssl.cert_time_to_seconds(known["notBefore"])


# Servers that do not behave


@contextlib.contextmanager
def server(*words: bytes, close: bool = True) -> Iterator[int]:
    """A server that says these words, one before and one after each line it hears; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                with sock, contextlib.suppress(OSError):
                    for word in words:
                        sock.sendall(word)
                        if not sock.recv(4096):
                            break
                    if not close:
                        time.sleep(3)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


EHLO = b"250-x\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 OK\r\n"


@pytest.mark.parametrize(
    ("words", "fate", "cause"),
    [
        ((b"HTTP/1.0 400 Bad Request\r\n",), "deferred", "no-answer"),
        ((b"220 " + b"x" * 200000,), "deferred", "no-answer"),
        ((b"220-x\r\n" * 20000,), "deferred", "no-answer"),
        ((b"",), "deferred", "no-greeting"),
        ((b"220 x\r\n", b"\xff\xfe\r\n"), "deferred", "no-answer"),
        ((b"220 x\r\n", b"502 no\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"221 x\r\n"), "accepted", "no-auth-offered"),
        ((b"220 x\r\n", b"502 no\r\n", b"550 no\r\n"), "bounced", None),
        ((b"220 x\r\n", b"421 no\r\n", b"421 no\r\n"), "deferred", "relay-busy"),
        ((b"220 x\r\n", EHLO, b"250 ok\r\n", b"250 ok\r\n", b"221 x\r\n"), "accepted", "starttls-not-offered"),
        ((b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"), "deferred", "tls-handshake"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_behave(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[bytes, ...], fate: str, cause: str
) -> None:
    begun = time.monotonic()
    with server(*words) as port:
        main(["relay", "probe", "[127.0.0.1]", "--port", str(port), "--no-credentials", "--timeout", "0.5",
              "--root", str(tmp_path), "--helo", "h.example", "--json"])  # fmt: skip
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"]["fate"] == fate, found
    if cause is not None:
        assert cause in [step["explain"]["name"] for step in found["steps"] if step["explain"]], found
    assert time.monotonic() - begun < 5


def test_no_password_goes_to_a_server_without_tls(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    heard: List[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        sock, _ = listener.accept()
        with sock:
            sock.sendall(b"220 x\r\n")
            while True:
                line = sock.recv(4096)
                heard.append(line)
                if not line:
                    return
                sock.sendall(EHLO if line.startswith(b"EHLO") else b"250 ok\r\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    (tmp_path / "secret").write_text("a secret\n")
    status = main(["relay", "probe", "[127.0.0.1]", "--port", str(listener.getsockname()[1]), "--user", "me",
                   "--password-file", str(tmp_path / "secret"), "--timeout", "1", "--root", str(tmp_path)])  # fmt: skip
    thread.join(5)
    listener.close()
    assert status == 2
    assert b"AUTH" not in b"".join(heard)
    assert "in clear, which the probe does not" in capsys.readouterr().out


def test_a_server_that_drips_is_not_waited_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        sock, _ = listener.accept()
        with sock, contextlib.suppress(OSError):
            while True:
                sock.sendall(b"2")
                time.sleep(0.2)

    threading.Thread(target=drip, daemon=True).start()
    begun = time.monotonic()
    main(["relay", "probe", "[127.0.0.1]", "--port", str(listener.getsockname()[1]), "--no-credentials",
          "--timeout", "0.6", "--root", str(tmp_path)])  # fmt: skip
    listener.close()
    assert "no greeting in time" in capsys.readouterr().out
    assert time.monotonic() - begun < 3


def test_nobody_listens(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert main(["relay", "probe", "[127.0.0.1]", "--port", str(port), "--no-credentials", "--root", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "FAILED connect" in printed
    assert "nothing listens on that port" in printed
    assert "deferred" in printed


def test_what_is_probed_comes_from_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mail = make_host(tmp_path, "map")
    text = (mail / "sendmail.cf").read_text().replace("DSmailhost.example.com", f"DS[{HOST}]")
    (mail / "sendmail.cf").write_text(text.replace("A=TCP $h", "A=TCP $h 2587"))
    with name_server(zone) as address:
        status = main(["relay", "probe", "--root", str(tmp_path), "--resolver", address, "--timeout", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == 1
    assert (found["host"], found["port"]) == (f"[{HOST}]", 2587)
    assert found["steps"][0]["explain"]["name"] == "host-unknown"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "No such file"),
        (("x.example", "--user", "me", "--no-credentials"), ""),
        (("x.example", "--user", "me"), "give the password by"),
        (("x.example", "--no-credentials", "--send", "a@b", "c@d"), "running host only"),
    ],
)
def test_arguments_that_do_not_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    with contextlib.suppress(SystemExit):
        assert main(["relay", "probe", *arguments, "--root", str(tmp_path)]) == 2
    assert says in capsys.readouterr().err


def test_the_dialogue_of_sendmail_is_masked() -> None:
    dialogue = [">>> EHLO me.example", ">>> AUTH PLAIN AGEAYg==", ">>> AUTH LOGIN", ">>> bWU=", ">>> .", ">>> QUIT",
                "250 ok bWU=", ">>> MAIL From:<a@b> SIZE=3"]  # fmt: skip
    assert masked(dialogue) == [
        ">>> EHLO me.example", ">>> AUTH PLAIN ********", ">>> AUTH LOGIN", ">>> ********", ">>> .", ">>> QUIT",
        "250 ok bWU=", ">>> MAIL From:<a@b> SIZE=3",
    ]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize(
    ("options", "names", "subject"),
    [
        (["-newkey", "rsa:2048", "-days", "3"], [], "plain.example"),
        (["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "12000"], ["DNS:a.example", "IP:192.0.2.1"], "a.example"),
        (["-newkey", "ed25519", "-days", "3"], ["DNS:*.example.com", "IP:2001:db8::1", "email:x@y"], "Grüße"),
    ],
)
def test_certificates_that_openssl_makes(
    program: Callable[[str], str], tmp_path: Path, options: List[str], names: List[str], subject: str
) -> None:
    extension = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
    subprocess.run(
        [program("openssl"), "req", "-x509", *options, "-nodes", "-keyout", str(tmp_path / "k"), "-out",
         str(tmp_path / "c"), "-utf8", "-subj", f"/O=Org/CN={subject}", *extension],
        check=True, capture_output=True,
    )  # fmt: skip
    known = ssl._ssl._test_decode_cert(str(tmp_path / "c"))  # type: ignore[attr-defined]
    found = certificate.read(ssl.PEM_cert_to_DER_cert((tmp_path / "c").read_text()))
    assert found.subject == found.issuer == subject
    assert [name.lower() for name in found.names] == [
        value.lower() if kind == "DNS" else str(socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, value)))
        if ":" in value else value
        for kind, value in known.get("subjectAltName", ()) if kind in ("DNS", "IP Address")
    ]  # fmt: skip
    assert found.not_after is not None
    assert found.not_after.timestamp() == ssl.cert_time_to_seconds(known["notAfter"])
