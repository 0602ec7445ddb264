"""`sendmailcf demo`: the main job on the example /etc/mail, in a temporary directory.

The one thing to know: it runs the same code as `sendmailcf relay`, on real files, and removes them at the end.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import tempfile
from typing import Sequence

from ..authinfo import Credentials
from ..errors import SendmailCfError
from ..relay.chain import check
from ..relay.links import Chain
from ..relay.plan import Intent, load_cf, plan
from ..relay.platforms import PLATFORMS
from ..relay.ses import derive_password
from .relay import chain_lines, looker, status_of, write

HOST = "email-smtp.eu-west-1.amazonaws.com"
FILES = ("sendmail.cf", "local-host-names", "aliases")
_CF = "/etc/mail/sendmail.cf"
#: The secret access key in Amazon's own examples.
_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105


def main(arguments: Sequence[str]) -> int:
    """Run the demo; exit status 0 if the example host is ready at the end."""
    parser = argparse.ArgumentParser(prog="sendmailcf demo", description=__doc__)
    parser.add_argument("--keep", metavar="DIR", help="work in this new directory, and leave it")
    args = parser.parse_args(arguments)
    if args.keep:
        os.makedirs(args.keep)
        return show(os.path.abspath(args.keep))
    with tempfile.TemporaryDirectory(prefix="sendmailcf-demo-") as root:
        return show(root)


def unpack(root: str) -> None:
    """Write the example /etc/mail below `root`, safe for sendmail: nothing writable to group or world."""
    mail = os.path.join(root, "etc", "mail")
    os.makedirs(mail)
    for name in FILES:
        data = pkgutil.get_data("sendmailcf.example", f"etc/mail/{name}")
        if data is None:
            raise SendmailCfError(f"the example {name} is missing from this installation")
        path = os.path.join(mail, name)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o644)
    for directory in (root, os.path.dirname(mail), mail):
        os.chmod(directory, 0o755)  # noqa: S103 (as /etc is; sendmail wants nothing writable)


def show(root: str) -> int:
    """The chain before, the diff, the chain after."""
    unpack(root)
    intent = Intent(
        host=HOST,
        credentials=Credentials("AKIAEXAMPLE0DEMO0KEY", derive_password(_SECRET, "eu-west-1"), ("LOGIN", "PLAIN")),
        platform=PLATFORMS["linux"],
    )
    print(f"# An example /etc/mail, below {root}.  Would it authenticate to {HOST}?\n")
    print("\n".join(chain_lines(_checked(root))))
    made = plan(intent, looker(root))
    print(f"\n# sendmailcf relay apply --host {HOST} --user … --password-stdin\n")
    print(made.diff, end="")
    for note in made.notes:
        print(f"note: {note}")
    write(made, root)
    again = plan(intent, looker(root))
    after = _checked(root)
    print("\n# And now?\n")
    print("\n".join(chain_lines(after)))
    print(f"\n# A second apply: changed: {str(again.changed).lower()}")
    return status_of(after.links) if not again.changed else 1


def _checked(root: str) -> Chain:
    look = looker(root)
    return check(load_cf(_CF, look), look, host=HOST)
