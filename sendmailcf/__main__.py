"""`python -m sendmailcf`: the command line, where no script is installed.

The one thing to know: it is the same program as `sendmailcf`.
"""

from .cli import run

if __name__ == "__main__":
    run()
