"""Resolve the built wheel and all that it needs at run time as pure wheels: it must install on AIX.

The one thing to know: pip resolves here for a platform that nobody has, so a compiled wheel is never taken.
Usage: python tests/pure_wheels.py DIRECTORY-OF-THE-WHEEL
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

#: The oldest Python, the newest, and the one that runs this.
PYTHONS = ("3.9", "3.13", f"{sys.version_info.major}.{sys.version_info.minor}")


def main(directory: str) -> int:
    wheels = list(Path(directory).glob("sendmailcf-*.whl"))
    if len(wheels) != 1 or not wheels[0].name.endswith("-py3-none-any.whl"):
        print(f"not one pure wheel in {directory}: {[wheel.name for wheel in wheels]}")
        return 1
    for python in dict.fromkeys(PYTHONS):
        with tempfile.TemporaryDirectory() as target:
            command = [
                sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--platform", "any",
                "--implementation", "py", "--abi", "none", "--python-version", python, "--dest", target,
                str(wheels[0]),
            ]  # fmt: skip
            if subprocess.run(command, check=False).returncode:
                print(f"for Python {python}, something is no pure wheel")
                return 1
            found = sorted(path.name for path in Path(target).iterdir())
            impure = [name for name in found if not name.endswith("-none-any.whl")]
            print(f"Python {python}: {', '.join(found)}")
            if impure or len(found) < 3:
                print(f"not pure, or not all: {impure}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
