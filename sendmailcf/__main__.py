"""`python -m sendmailcf`: the command line, where no script is installed.

The one thing to know: it is the same program as `sendmailcf`.
"""

import sys

from .cli import program

if __name__ == "__main__":
    sys.exit(program())
