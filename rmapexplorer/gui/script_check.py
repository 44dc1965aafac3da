"""Reading a script of the editor without keeping the window waiting: a few milliseconds at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from attrs import define, field
from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextBlock, QTextDocument

from rmapexplorer.core.operations import Operation
from rmapexplorer.formats.script import Program, Reader, Run, Statement, expand
from rmapexplorer.formats.script_cursor import Fault, ScriptError
from rmapexplorer.formats.script_numbers import Env

SLICE = 0.004
"""Seconds of reading at a time."""
PAUSE_MS = 6
"""Milliseconds between two slices."""
LIVE = 20_000
"""Operations of a text that is being typed are counted up to here."""


@define(eq=False)
class Checked:
    """What a text comes to.

    :param lines: of each operation the block of the document (from 0). :param inverse: of each block its operations.
    :param heads: the lines at the top that say what it runs on, and their values. :param whole: False where it was not read to the end.
    """

    program: Program
    operations: list[Operation] = field(factory=list)
    lines: list[int] = field(factory=list)
    inverse: dict[int, list[int]] = field(factory=dict)
    heads: list[tuple[Statement, dict[str, Any]]] = field(factory=list)
    marks: list[tuple[int, str, int]] = field(factory=list)
    faults: list[Fault] = field(factory=list)
    names: set[str] = field(factory=set)
    whole: bool = True


def checking(document: QTextDocument, pids: int | None, most: int) -> Iterator[Checked | None]:
    """Reads and expands; None now and then, at last the result. :param pids: highest pid before it, None: not known."""
    reader = Reader()
    block: QTextBlock = document.firstBlock()
    while block.isValid():
        reader.feed(block.text())
        block = block.next()
        yield None
    program = reader.end()
    found = Checked(program, faults=list(program.faults), names=set(program.lets))
    if not found.faults:
        run = Run(env=Env(highest=pids))
        try:
            for line, op in expand(program, run):
                if op is not None:
                    if len(found.operations) >= most:
                        found.whole = False
                        break
                    found.inverse.setdefault(line - 1, []).append(len(found.operations))
                    found.operations.append(op)
                    found.lines.append(line - 1)
                yield None
        except ScriptError as error:
            found.faults.append(error.fault)
        found.marks, found.heads, found.names = run.marks, run.heads, set(run.env.names)
    yield found


class Checker(QObject):
    """Reads one document at a time; a new wish replaces the one under way."""

    def __init__(self, document: Callable[[], QTextDocument], parent: QObject) -> None:
        super().__init__(parent)
        self._document = document
        self._work: Iterator[Checked | None] | None = None
        self._then: Callable[[Checked], None] = lambda found: None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._slice)

    @property
    def busy(self) -> bool:
        """Whether a reading is under way."""
        return self._work is not None

    def start(self, then: Callable[[Checked], None], pids: int | None, most: int = LIVE, wait_ms: int = 0) -> None:
        """Read the text and tell ``then``; ``wait_ms`` later, where more may be typed before."""
        self._work, self._then = checking(self._document(), pids, most), then
        self._timer.start(wait_ms)

    def stop(self) -> None:
        """Forget it."""
        self._work = None
        self._timer.stop()

    def _slice(self) -> None:
        until = perf_counter() + SLICE
        while self._work is not None:
            found = next(self._work)
            if found is not None:
                self._work = None
                self._then(found)
                return
            if perf_counter() > until:
                self._timer.start(PAUSE_MS)
                return
