"""What the commands of the terminal share: one sentence of trouble, progress, tables, JSON."""

from __future__ import annotations

import os
import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rmapexplorer import report
from rmapexplorer.usage import BAD_FILE, BUG, CANCELLED, FAILED, OK, USAGE, complain

__all__ = [
    "BAD_FILE", "BUG", "CANCELLED", "FAILED", "OK", "USAGE", "Trouble", "columns", "complain", "progress_bars", "show", "write_json",
]  # fmt: skip

PIPE_COLUMNS = 160
"""Width of tables where there is no terminal to ask."""

LEAST_COLUMNS, MOST_COLUMNS = 40, 1000
"""Tables are no narrower, since columns would lose their numbers (a narrower terminal wraps the lines), and no wider."""


class Trouble(Exception):
    """The command cannot be carried out: one sentence, and the exit code."""

    def __init__(self, sentence: str, code: int) -> None:
        super().__init__(sentence)
        self.code = code


def progress_bars() -> Progress:
    """Bars on the error output, gone at the end; none where that is no terminal."""
    console = Console(stderr=True, width=None if "COLUMNS" not in os.environ else _asked_columns() or LEAST_COLUMNS)
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _console() -> Console:
    return Console(width=columns(), markup=False, highlight=False, emoji=False)


def columns() -> int:
    """Characters in a line of what ``show`` prints: those of COLUMNS or the terminal, within what tables can use."""
    wanted = _asked_columns()
    if not wanted and (sys.stdout is None or not sys.stdout.isatty()):
        return PIPE_COLUMNS
    return min(
        max(wanted or os.get_terminal_size(sys.stdout.fileno()).columns or LEAST_COLUMNS, LEAST_COLUMNS), MOST_COLUMNS
    )


def _asked_columns() -> int:
    # of the environment; 0, no number or nothing leaves it to the terminal
    words = os.environ.get("COLUMNS", "")
    return int(words) if words.isdecimal() and len(words) < 10 else 0


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
