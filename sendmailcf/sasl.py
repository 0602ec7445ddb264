"""The client's words of the AUTH mechanisms that relays offer: PLAIN, LOGIN, CRAM-MD5, DIGEST-MD5.

The one thing to know: sendmail's SASL library does not go by the order of any list but takes the strongest that both
sides have, and after a refusal the next: DIGEST-MD5, CRAM-MD5, PLAIN, LOGIN.  RFC 4616, 2195 and 2831; LOGIN has none.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Iterable, List, Optional

from .authinfo import Credentials
from .errors import SendmailCfError
from .text import encode

#: In the order in which the library takes them.
MECHANISMS = ("DIGEST-MD5", "CRAM-MD5", "PLAIN", "LOGIN")


class ChallengeError(SendmailCfError):
    """The server's challenge is none of this mechanism."""


def usable(allowed: Iterable[str], offered: Iterable[str]) -> List[str]:
    """The mechanisms that both sides have and this module speaks, in the order in which they are tried."""
    both = {word.upper() for word in allowed} & {word.upper() for word in offered}
    return [name for name in MECHANISMS if name in both]


def answer(mechanism: str, credentials: Credentials, host: str, at: int, challenge: bytes) -> bytes:
    """The client's words for the `at`-th challenge of the server, counted from 0, both decoded.

    PLAIN has its words without a challenge: the 0th.  Raises ChallengeError for a challenge that is none.
    """
    authid = credentials.user if credentials.authid is None else credentials.authid
    user, name, password = encode(credentials.user), encode(authid), encode(credentials.password)
    if mechanism == "PLAIN" and at == 0:
        return b"\0".join((user if user != name else b"", name, password))
    if mechanism == "LOGIN" and at < 2:
        return password if at else name
    if mechanism == "CRAM-MD5" and at == 0:
        return name + b" " + hmac.new(password, challenge, "md5").hexdigest().encode()
    if mechanism == "DIGEST-MD5" and at < 2:
        return b"" if at else digest_answer(challenge, credentials, f"smtp/{host}")
    raise ChallengeError(f"the server asks once more than {mechanism} has answers")


def digest_answer(
    challenge: bytes, credentials: Credentials, uri: str, cnonce: Optional[str] = None
) -> bytes:
    """The answer of DIGEST-MD5 to a challenge (RFC 2831, 2.1.2), for authentication alone, no layer.

    uri: service and host, as in smtp/host.  cnonce: the client's own word, else a random one.
    """
    found = dict(re.findall(rb'([a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|)', challenge))
    if b"nonce" not in found:
        raise ChallengeError("the challenge of DIGEST-MD5 has no nonce")
    realm = found.get(b"realm", encode(credentials.realm or ""))
    authid = credentials.user if credentials.authid is None else credentials.authid
    name, fresh = encode(authid), (cnonce or secrets.token_hex(16)).encode()
    target, count = uri.encode(), b"00000001"
    secret = hashlib.md5(b":".join((name, realm, encode(credentials.password)))).digest()  # noqa: S324
    first = b":".join((secret, found[b"nonce"], fresh))
    if authid != credentials.user:
        first += b":" + encode(credentials.user)
    second = b"AUTHENTICATE:" + target
    parts = (_hex(first), found[b"nonce"], count, fresh, b"auth", _hex(second))
    fields = [
        b'username="%s"' % name,
        b'realm="%s"' % realm,
        b'nonce="%s"' % found[b"nonce"],
        b'cnonce="%s"' % fresh,
        b"nc=" + count,
        b"qop=auth",
        b'digest-uri="%s"' % target,
        b"response=" + _hex(b":".join(parts)),
        b"charset=utf-8",
    ]
    if authid != credentials.user:
        fields.append(b'authzid="%s"' % encode(credentials.user))
    return b",".join(fields)


def _hex(data: bytes) -> bytes:
    return hashlib.md5(data).hexdigest().encode()  # noqa: S324 (the mechanism's own)
