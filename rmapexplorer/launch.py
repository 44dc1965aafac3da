"""Where the program starts: the window at once, everything else through the command line.

The window needs none of the commands, and who waits for it notices every module that is read first.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMMANDS = (
    "run", "compare", "designs", "figures", "bench", "verify", "claims", "workload", "script", "export",
)  # fmt: skip
"""Names of the commands; what they do is in rmapexplorer.cli."""


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out what the arguments say (those of the program by default); returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or not (words[0] in COMMANDS or words[0].startswith("-h") or words[0] in ("--help", "--version")):
        code = window(words)
        if code is not None:
            return code
    from rmapexplorer import cli

    return cli.main(words)


def window(words: list[str]) -> int | None:
    """Open the window; its exit code, None where it cannot be tried: the command line then says why."""
    try:
        from rmapexplorer.gui.app import run

        return int(run(words))
    except ImportError:
        return None
    except KeyboardInterrupt:
        from rmapexplorer.terminal import CANCELLED, complain

        return complain("cancelled.", CANCELLED)
