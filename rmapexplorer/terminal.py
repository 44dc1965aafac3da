"""What the commands of the terminal share: one sentence of trouble, progress, tables, JSON."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rmapexplorer import workers
from rmapexplorer.core.room import MEGABYTES, ROOM
from rmapexplorer.formats import writing
from rmapexplorer.formats.writing import STDOUT, Pieces
from rmapexplorer.plain import visible
from rmapexplorer.usage import BAD_FILE, BUG, CANCELLED, FAILED, OK, USAGE, complain

__all__ = [
    "BAD_FILE", "BUG", "CANCELLED", "FAILED", "OK", "USAGE", "Trouble", "columns", "complain", "progress_bars", "show",
    "Memory", "NoRoom", "write_json", "write_out",
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


MOST_MEMORY = 320 << 20
"""Bytes that reading and the worlds may take before a run is given up: the next operation may need half as much again."""
BETWEEN_WEIGHING = 0.5
"""Seconds between two looks at what a process has for itself, which takes a millisecond."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class NoRoom(MemoryError):
    """The memory allowed does not suffice; one sentence."""


class Memory:
    """How much memory was taken since it was made, by all processes at work."""

    def __init__(self) -> None:
        self._before = self._anonymous()
        self._shared = self._copied = 0
        self._weighed = 0.0

    @staticmethod
    def _anonymous() -> int:
        # resident, without pages of files: a forked process has none of those until it touches them
        with open("/proc/self/statm", "rb") as file:
            _, resident, shared, *_ = map(int, file.read().split())
        return (resident - shared) * _PAGE

    def begin(self) -> None:
        """Work begins. In a process of its own, what it has from its parent counts once for all such processes."""
        if workers.apart():
            now = self._anonymous()
            # what the parent gave back in between is nothing that a child may take more
            self._shared, self._before, self._weighed = max(now - self._before, 0), now, time.monotonic()

    def check(self, path: str, done: int) -> None:
        """Asked now and then while operations run. :raises NoRoom: the worlds need more than they may have."""
        grown = self._anonymous() - self._before
        if workers.apart() and time.monotonic() - self._weighed > BETWEEN_WEIGHING:
            self._copied = max(workers.own_bytes() - grown, 0)  # of what was shared, it wrote to some
            self._weighed = time.monotonic()
        mine = grown + self._copied
        # for a large file, or since the user says so
        more = 0 if ROOM.limit is None else ROOM.limit - (MEGABYTES << 20)
        if self._shared + mine + workers.taken_by_others(mine) > MOST_MEMORY + more:
            raise NoRoom(
                f"{path}: at operation {done:,} the worlds need more memory than 500 MB allow; run fewer designs with "
                "--design, or fewer operations."
            )


class _Bars(Progress):
    def add_task(self, description: str, *args: Any, **more: Any) -> TaskID:
        return super().add_task(visible(description), *args, **more)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars on the error output, gone at the end; none where that is no terminal."""
    console = Console(stderr=True, width=None if "COLUMNS" not in os.environ else _asked_columns() or LEAST_COLUMNS)
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    progress = _Bars(*columns, console=console, transient=True, disable=not console.is_terminal)
    if progress.disable:
        yield progress  # not begun: before 14.3 rich ends a line of bars that it never showed
        return
    with progress:
        yield progress


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
    """Print tables and lines, as wide as the terminal; of what a file says, only what can be read."""
    if sys.stdout is None:
        return
    console = _console()
    with console.capture() as capture:
        for part in parts:
            shown = visible(part) if isinstance(part, str) else _visible(part)
            console.print(shown, soft_wrap=isinstance(part, str))  # sentences with a path stay lines
    _put(capture.get())


def _visible(table: Table) -> Table:
    for part in (table, *table.columns):
        for name in ("title", "caption", "header", "footer"):
            if isinstance(text := getattr(part, name, None), str):
                setattr(part, name, visible(text, lines=True))
    for column in table.columns:
        column._cells = [visible(cell, lines=True) if isinstance(cell, str) else cell for cell in column.cells]
    return table


def _put(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def write_out(path: str | None, pieces: Pieces) -> None:
    """Write to the file, to standard output for ``-``, nowhere for None. :raises Trouble: it cannot be."""
    if path is None:
        return
    if path != STDOUT:
        try:
            writing.write(path, pieces)
        except OSError as error:
            raise Trouble(writing.trouble(path, error), BAD_FILE) from error
    elif sys.stdout is not None:
        watched = sys.stdout.isatty()
        for piece in pieces:
            text = piece if isinstance(piece, str) else piece.decode("utf-8", "replace")
            _put(visible(text, lines=True) if watched else text)


def write_json(path: str | None, text: str) -> None:
    """``write_out`` of one text."""
    write_out(path, (text,))
