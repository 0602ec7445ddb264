"""Run a command of ours and write down what its child processes are given: their arguments and environments.

The one thing to know: an audit hook sees every program that is started, whoever starts it, and what it is given.
Arguments: a file to append to, then the command's own.  An argument `--crash MODULE:NAME` before them makes that
function fail, for a traceback that nobody caught.
"""

from __future__ import annotations

import importlib
import json
import os
import sys


def main(record: str, arguments: list[str]) -> int:
    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system"):
            with open(record, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(json.dumps([event, repr(arguments), dict(os.environ) if arguments[-1] is None else {}]) + "\n")

    if arguments[0] == "--crash":
        module, _, name = arguments[1].partition(":")
        arguments = arguments[2:]

        def crash(*_: object, **__: object) -> None:
            raise RuntimeError("on purpose")

        setattr(importlib.import_module(module), name, crash)
    sys.addaudithook(hook)
    from sendmailcf.cli import main as command

    with open("/proc/self/cmdline", "rb") as own, open(record, "a", encoding="utf-8") as file:
        file.write(json.dumps(["self", own.read().decode()]) + "\n")
    return command(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
