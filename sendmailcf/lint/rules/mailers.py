"""ML: mailers.

The one thing to know: P= and A= are what a mailer cannot be without, and local is the mailer that sendmail
cannot be without.
"""

from __future__ import annotations

from typing import Iterator

from ...nodes import MailerDefinition
from ...values import field_text
from ..context import Context
from ..problem import Severity
from ..rule import Found, rule

_DEAD = "sendmail does not start"


def _place(node: MailerDefinition) -> tuple[int, int]:
    return 1, 1 + len(node.name)


@rule("ML001", "mailer-no-path", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_no_path(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has no P=.

    Bad:
        Mx, F=l, A=true $u
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    path = node.equate("P")
    if path is None or not field_text(path.value):
        yield Found(index, f"the mailer {node.name} has no P=", *_place(node))


@rule("ML002", "mailer-no-argv", Severity.ERROR, MailerDefinition, reported="E", consequence=_DEAD)
def mailer_no_argv(context: Context, index: int, node: MailerDefinition) -> Iterator[Found]:
    """A mailer has no A=.

    Bad:
        Mx, P=/bin/true, F=l
    Good:
        Mx, P=/bin/true, F=l, A=true $u
    """
    path, arguments = node.equate("P"), node.equate("A")
    has_path = path is not None and bool(field_text(path.value))
    if has_path and (arguments is None or not field_text(arguments.value)):
        yield Found(index, f"the mailer {node.name} has no A=", *_place(node))


@rule("ML003", "mailer-local-missing", Severity.ERROR, reported="E", consequence=_DEAD)
def mailer_local_missing(context: Context) -> Iterator[Found]:
    """No mailer is named local.

    Bad (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
    Good (whole):
        V10/Berkeley
        O QueueDirectory=/var/spool/mqueue
        Mlocal, P=/bin/true, F=lsDFM, A=true $u
    """
    if "local" not in context.cf.mailers:
        yield Found(None, "there is no mailer local")
