"""What the commands of the terminal share: exit codes, one sentence of trouble, progress, tables, JSON."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from attrs import frozen
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rmapexplorer import report

OK, FAILED, USAGE, BAD_FILE, CANCELLED = 0, 1, 2, 3, 130

PIPE_COLUMNS = 160
"""Width of tables where there is no terminal to ask."""


class Trouble(Exception):
    """The command cannot be carried out: one sentence, and the exit code."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


@frozen
class Command:
    """A subcommand: its help, what declares its arguments, and what carries it out and returns the exit code."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    carry_out: Callable[[argparse.Namespace], int]


def complain(sentence: str, code: int) -> int:
    """Say it on the error output; returns ``code``."""
    print(f"rmapexplorer: {sentence}", file=sys.stderr)
    return code


def progress_bars() -> Progress:
    """Bars on the error output, gone at the end; none where that is no terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _console() -> Console:
    asked = sys.stdout is not None and (sys.stdout.isatty() or "COLUMNS" in os.environ)
    return Console(width=None if asked else PIPE_COLUMNS, markup=False, highlight=False, emoji=False)


def columns() -> int:
    """Characters in a line of what ``show`` prints."""
    return _console().width


def show(*parts: Table | str) -> None:
    """Print tables and lines, as wide as the terminal."""
    if sys.stdout is None:
        return
    console = _console()
    with console.capture() as capture:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, str))  # sentences with a path stay lines
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(capture.get().encode(encoding, "replace").decode(encoding))


def write_json(path: str | None, text: str) -> None:
    """Write the text to the file, to standard output for ``-``, nowhere for None. :raises Trouble: it cannot be."""
    if path == "-":
        if sys.stdout is not None:
            sys.stdout.write(text)
    elif path is not None:
        try:
            report.write_text(path, text)
        except OSError as error:
            raise Trouble(
                f"{path}: cannot be written ({error.strerror or error}); choose another place.", BAD_FILE
            ) from error
