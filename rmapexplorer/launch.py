"""Where the program starts: the version at once, one command with what it needs, and the window without any command.

Who waits for the window, or for a word, notices every module that is read first.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rmapexplorer import __version__, usage


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out what the arguments say (those of the program by default); returns the exit code."""
    open_closed_streams()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["--version"]:
            print(f"rmapexplorer {__version__}", flush=True)
            return usage.OK
        if words[:1] in (["-h"], ["--help"]):
            print(usage.overview().format_help(), end="", flush=True)
            return usage.OK
        if words and words[0] in usage.COMMANDS:
            with ended_by_interrupts():
                from rmapexplorer import cli

                cli.parser(words[0])  # reads what the command needs
            return cli.main(words)
        with ended_by_interrupts():
            return window(words)
    except KeyboardInterrupt:
        return usage.complain("cancelled.", usage.CANCELLED)
    except OSError as error:
        return usage.no_output(error)


def window(words: list[str]) -> int:
    """Open the window; its exit code."""
    try:
        from rmapexplorer.gui.app import run  # Qt is needed for the window only

        return int(run(words))
    except ImportError as error:
        if (error.name or "").startswith("rmapexplorer"):
            raise
        from rmapexplorer import screen

        return usage.complain(screen.not_loaded(error), usage.NO_START)
    except SystemExit as ended:
        return int(ended.code or 0)


@contextmanager
def ended_by_interrupts() -> Iterator[None]:
    """While modules are read, Ctrl+C ends the program at once and in silence: there is nothing to finish or to save."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def open_closed_streams() -> None:
    """Give standard streams that are closed (``2>&-``) to nobody, so that no file gets their number and what is said there."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free is this one
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
