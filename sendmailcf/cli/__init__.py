"""The command line: picks the command and turns what goes wrong into a message and exit status 2.

The one thing to know: a command's module is imported only when the command is called, for `--version` and
`makemap` must start as fast as Python does.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Optional, Sequence

#: The room of each command, below this package; its `main` takes the arguments after the room's name.
COMMANDS = {
    "relay": "relay",
    "check": "check",
    "rule": "rule",
    "get": "edit",
    "set": "edit",
    "unset": "edit",
    "parse": "language",
    "build": "language",
    "diff": "language",
    "map": "map",
    "makemap": "makemap",
    "explain": "explain",
    "ses": "ses",
    "providers": "ses",
    "editmap": "editmap",
    "praliases": "praliases",
    "newaliases": "newaliases",
    "demo": "demo",
}

HELP = """usage: sendmailcf COMMAND …

Read, edit and prove sendmail.cf and authinfo, and build sendmail's map databases.

commands:
  relay check     is this host ready to authenticate, and if not, which link is broken?
  relay plan      show what would make it send through an authenticated relay
  relay apply     do it; from a relay.toml, too
  relay probe     does the relay take this host's name and password, now?
  relay rotate    a new password, once the relay has accepted it
  check           what sendmail would say of a file, and mistakes on which it is silent
  rule            what a rule of check looks for; --list: all rules
  explain         what a reply, a log or mailq means: cause, fate of the mail, repair
  ses             Amazon SES: endpoints, the SMTP password of an IAM secret, are credentials of the right kind?
  providers       hosts, ports, credentials and limits of known relays
  get             what a sendmail.cf says: one thing, or all
  set, unset      an option or a macro
  parse, build    every line of a sendmail.cf as JSON, and back
  diff            what two files say differently
  map             build, print, look up, change, compare, verify or migrate a map database
  makemap         build a map database, as makemap does
  editmap         look up, set or remove one key of it, as editmap does
  newaliases      build alias databases, as newaliases does
  praliases       print alias databases, as praliases does
  demo            the main job on an example /etc/mail in a temporary directory

`sendmailcf COMMAND --help` tells more.  Exit status: 0 done, 1 a check failed, 2 it could not be done.
"""


def run() -> NoReturn:
    """The installed program: `main`, and the end of the process.

    It does not wait for the interpreter to be taken apart, which takes as long as building a small map: commands close
    what they open.
    """
    import gc
    import os

    gc.set_threshold(200_000)  # little that a command makes is circular
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Run one command; the exit status.  argv: the arguments without the program's name."""
    _open_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        (sys.stdout if arguments else sys.stderr).write(HELP)
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        from .. import __version__

        print(f"sendmailcf {__version__}")
        return 0
    room = COMMANDS.get(arguments[0])
    if room is None:
        print(f"sendmailcf: there is no command {arguments[0]!r}; see sendmailcf --help", file=sys.stderr)
        return 2
    return _run(room, arguments)


def _open_streams() -> None:
    """Open the standard streams that are closed: a map that is opened would get the descriptor of one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            import os

            # Reading fails: an empty source would empty a map.
            fd = os.open(os.devnull, os.O_WRONLY)
            setattr(sys, name, open(fd, mode, errors="backslashreplace"))  # noqa: SIM115 - for the whole run


def _run(room: str, arguments: Sequence[str]) -> int:
    from ..errors import SendmailCfError

    module = __import__(f"{__name__}.{room}", fromlist=["main"])
    try:
        # Rooms of several commands are told which one was called.
        status: int = module.main(arguments if room in ("edit", "language", "ses") else arguments[1:])
        try:
            sys.stdout.flush()
        except OSError as error:
            _drop_output()
            raise OSError(error.errno, error.strerror, "standard output") from None
        return status
    except SendmailCfError as error:
        message = str(error)
    except BrokenPipeError:
        _drop_output()
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        message = f"{where}{error.strerror or error}"
    except KeyboardInterrupt:
        return 130
    print(f"sendmailcf: {_printable(message)}", file=sys.stderr)
    return 2


def _drop_output() -> None:
    """Keep the interpreter from writing, at its end, once more what could not be written, and from complaining."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
