"""sendmailcf: the configuration of sendmail, read and edited without losing a byte.

The one thing to know: importing this package costs next to nothing.  Names are fetched from their rooms
when they are first used, so `sendmailcf makemap` never pays for a parser.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    from . import makemap, mapdb
    from .authinfo import AuthInfo, Credentials, DefaultAuthInfo
    from .config import Config
    from .errors import SendmailCfError
    from .files import load, save
    from .lint import Problem, Severity, lint

__version__ = "0.1.0"

__all__ = [
    "AuthInfo",
    "Config",
    "Credentials",
    "DefaultAuthInfo",
    "Problem",
    "SendmailCfError",
    "Severity",
    "dumps",
    "lint",
    "load",
    "loads",
    "makemap",
    "mapdb",
    "save",
]

_ROOMS = {
    "AuthInfo": "authinfo",
    "Config": "config",
    "Credentials": "authinfo",
    "DefaultAuthInfo": "authinfo",
    "Problem": "lint",
    "SendmailCfError": "errors",
    "Severity": "lint",
    "load": "files",
    "save": "files",
}


def loads(data: Union[bytes, str]) -> Config:
    """A Config from the bytes or the text of a sendmail.cf.  Never raises for what stands in it."""
    from .config import Config

    return Config(data)


def dumps(config: Config) -> bytes:
    """The bytes of a Config: exactly those it was loaded from, but for the edits."""
    return bytes(config)


def __getattr__(name: str) -> object:
    # Not by importlib.import_module: each start of makemap would wait for its package.
    if name in ("lint", "makemap", "mapdb"):
        return __import__(f"{__name__}.{name}", fromlist=["__name__"])
    if name in _ROOMS:
        return getattr(__import__(f"{__name__}.{_ROOMS[name]}", fromlist=[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
