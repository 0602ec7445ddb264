"""Every exception that sendmailcf raises on purpose.

The one thing to know: a fault in a user's file is not an exception but data (a `BadLine`, a
broken link of the AUTH chain).  Exceptions are for what cannot be done: an edit that would not
read back as itself, a database that is not one.  Failures of the operating system stay `OSError`.
No message ever holds a password.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


class SendmailCfError(Exception):
    """The base of all of them."""


class EditError(SendmailCfError, ValueError):
    """An edit was refused: the line would not read back as itself, or sendmail would not take the value.

    The message says what the line would have become, or why the value is dead.
    """


class MapError(SendmailCfError, ValueError):
    """A map database or a map source cannot be read or built.

    offset: where in the database, in bytes, or None.
    line: where in the source, a physical line counted from 1, or None.
    """

    def __init__(self, message: str, *, offset: Optional[int] = None, line: Optional[int] = None) -> None:
        place = "" if offset is None else f" (at byte {offset})"
        super().__init__((f"line {line}: " if line is not None else "") + message + place)
        self.offset = offset
        self.line = line


class PlanError(SendmailCfError):
    """A host's files cannot be changed as asked; the message names the file and the remedy."""


class CredentialError(SendmailCfError, ValueError):
    """A user name, password, secret, region or provider's row cannot be used.  The message never has the secret."""


class SettingsError(SendmailCfError):
    """What the linter is told to do makes no sense: a key, a rule or a value there is not; with file and line."""
