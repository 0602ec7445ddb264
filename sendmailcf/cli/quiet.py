"""An argument parser that does not repeat what it was given: a secret may have been written in the wrong place.

The one thing to know: an argument can be seen by every user of the machine while the program runs, so a secret is never
taken from one; but who tries must not find it in a log of errors, too.
"""

from __future__ import annotations

import argparse
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Says what is wrong with arguments without their values."""

    def error(self, message: str) -> NoReturn:
        """End the program with status 2."""
        if (
            not message.startswith("the following arguments are required")
            and "not allowed with" not in message
        ):
            message = (
                "an argument is not understood (it is not repeated here); a password or a secret is read from "
                "standard input or a file, never from an argument"
            )
        super().error(message)
