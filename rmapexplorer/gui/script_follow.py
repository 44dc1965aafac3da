"""Keeps the text of the script in step with the log, as long as the user leaves it alone.

The text is either made from the log (a line an operation) or the user's own (loops, names, comments) whose
operations are those of the log. What comes new is asked of the engine and appended in small batches. Of a long log
only a window of lines is shown.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPlainTextEdit

from rmapexplorer.engine.frames import Frame, HistoryEntry, PathChanged
from rmapexplorer.engine.script_questions import ScriptLines, ScriptPart
from rmapexplorer.gui.script_check import Checked, Checker

WHOLE = 20_000
"""Logs of up to so many operations are shown whole."""
WINDOW = 5_000
"""Of longer ones so many are shown, those around the position."""
PART = 1_000
"""Operations asked for at a time."""
BATCH = 25
"""Lines put into the text at a time."""
CLEARED = 400
"""Lines taken out of the text at a time."""
PAUSE_MS = 4
DIFFER = "≠ designs differ"
MOST_SOURCE = 2_000_000
"""Letters of a script that is shown as it was written."""

Ask = Callable[[Any, Callable[[Any], None]], None]


@define(eq=False)
class State:
    """What the text stands for. Operations and positions count from the start of the branch, blocks from 0.

    :param first: the operation the text begins with. :param lines: the block of each operation in the text.
    :param plain: the text was made from the log. :param edited: the user changed it since.
    :param inverse: where the text is the user's, of each block its operations in the text.
    :param limit: no more than up to this operation is shown, as the user took the rest away; -1: all.
    """

    generation: int = -1
    first: int = 0
    lines: list[int] = []  # noqa: RUF012 (replaced, never shared)
    inverse: dict[int, list[int]] = {}  # noqa: RUF012
    plain: bool = True
    edited: bool = False
    limit: int = -1
    position: int = 0
    texts: list[str] = []  # noqa: RUF012
    marks: tuple[Any, ...] = ()
    pids: int = 0
    branch: str = ""

    @property
    def head(self) -> int:
        """Operations of the branch."""
        return len(self.texts)

    @property
    def end(self) -> int:
        """The operation behind the last one of the text."""
        return self.first + len(self.lines)

    @property
    def windowed(self) -> bool:
        """Whether the text is only a part of the log."""
        return self.plain and self.head > WHOLE


def fresh(generation: int = -1) -> State:
    """Nothing yet."""
    return State(generation=generation, lines=[], inverse={}, texts=[])


class Follower(QObject):
    """Owns the text of one editor. The view asks the engine on its behalf (``ask``)."""

    changed = Signal()
    """What the text stands for is another."""
    touched = Signal()
    """The user changed the text."""

    def __init__(self, editor: QPlainTextEdit, ask: Ask, parent: QObject) -> None:
        super().__init__(parent)
        self.editor, self.ask = editor, ask
        self.state = fresh()
        self.entries: dict[int, HistoryEntry] = {}
        """Position -> its entry, where the call was refused or designs differ."""
        self.running = False
        """What the user wrote is being run: the log changes to what the text is."""
        self._ours = False
        self._asked = False
        self._remarks: dict[int, str] = {}
        self._again = True
        self._pending: list[str] = []
        self._source = False
        """The script that the session was made from, if any, is to be shown."""
        self._calm = False
        """All of the log is there."""
        self._checker = Checker(editor.document, self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._work)
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(PAUSE_MS)
        self._waiting.timeout.connect(self._wait_for_source)
        self._reading = False
        editor.document().contentsChange.connect(self._contents_changed)

    # -- what the log says ----------------------------------------------------------------------------

    def apply(self, change: PathChanged) -> None:
        """Another piece of the current branch."""
        state = self.state
        if change.generation < state.generation:
            return
        if change.generation != state.generation:
            self.forget(change.generation)
            state = self.state
        new = [entry.text for entry in change.entries]
        old, length = state.texts, len(state.texts)
        real = change.keep
        for text in new:  # the same operation has the same text object, whatever became of it
            if real >= len(old) or old[real] is not text:
                break
            real += 1
        old[change.keep :] = new
        if change.keep < length:
            for position in [p for p in self.entries if p > change.keep]:
                del self.entries[position]
        self.entries.update((entry.position, entry) for entry in change.entries if entry.error or entry.differs)
        if not self.running and not state.edited:
            state.limit = -1
            if real < state.end:
                self.cut(real)
        self._changed()

    def forget(self, generation: int) -> None:
        """Another session: an empty text, whatever was in it."""
        self.state = fresh(generation)
        self.entries.clear()
        self.running = False
        self._source, self._calm = True, False
        self._restart()

    def set_frame(self, frame: Frame) -> None:
        """The position; at rest also what is missing of the text."""
        state = self.state
        marks = tuple((m.position, m.text) for m in getattr(frame, "bookmarks", ()) if not m.branch)
        state.position, self._calm = frame.position, not frame.busy
        if frame.busy or frame.generation != state.generation or self.running:
            return
        if marks != state.marks:
            state.marks = marks
            if state.plain and not state.edited and state.lines:
                self._restart()
        if not state.edited:
            self._move_window()
            self._go_on()

    def _move_window(self) -> None:
        state = self.state
        if not state.windowed:
            if state.plain and state.first:
                state.first = 0
                self._restart()
            return
        stop = min(state.head, state.first + WINDOW)
        if not state.first <= max(state.position - 1, 0) < stop or len(state.lines) > WINDOW:
            state.first = max(0, min(state.position - WINDOW // 2, state.head - WINDOW))
            self._restart()

    def cut(self, operation: int) -> None:
        """The text from this operation on no longer holds."""
        state = self.state
        keep = max(0, operation - state.first)
        if keep >= len(state.lines):
            return
        block = state.lines[keep]
        whole = state.plain or (
            all(line < block for line in state.lines[:keep])
            and self.editor.document().findBlockByNumber(block).text()[:1] not in (" ", "\t")
        )
        if not whole:
            self.regenerate()
            return
        del state.lines[keep:]
        state.inverse = {line: found for line, found in state.inverse.items() if line < block}
        self._pending.clear()
        if not self._remove_from(block):
            self.regenerate()

    def regenerate(self) -> None:
        """Forget the text and make it from the log."""
        state = self.state
        state.plain, state.edited, state.limit = True, False, -1
        self._source = False
        self._restart()

    def _restart(self) -> None:
        self.state.lines, self.state.inverse = [], {}
        self._pending.clear()
        self._again = True
        self._timer.start()
        self._changed()

    def _changed(self) -> None:
        self._remarks.clear()
        self.changed.emit()

    # -- putting lines in -----------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether lines are on their way."""
        return self._again or self._asked or bool(self._pending) or self._checker.busy or self._timer.isActive()

    @property
    def wanted(self) -> int:
        """The operation up to which the text is to go."""
        state = self.state
        stop = min(state.head, state.first + WINDOW) if state.windowed else state.head
        return stop if state.limit < 0 else min(stop, state.limit)

    def _go_on(self) -> None:
        if not self._timer.isActive() and (self._again or self.state.end < self.wanted or self._source):
            self._timer.start()

    def _work(self) -> None:
        if self.running or self.state.edited:
            return
        if self._again:
            self._again = not self._remove_from(0)
            self._timer.start()
        elif self._pending:
            self._append(self._pending[:BATCH])
            del self._pending[:BATCH]
            self._timer.start()
        elif not self._asked and not self._checker.busy and (self.state.end < self.wanted or self._source):
            state = self.state
            if state.generation < 0 or (self._source and not self._calm):
                return
            self._asked = True
            start = 0 if self._source else state.end
            generation = state.generation
            self.ask(
                ScriptLines(start, min(max(self.wanted, 1), start + PART)),
                lambda part: self._answered(part, generation),
            )
        else:
            self.editor.setReadOnly(self._checker.busy)
            self._changed()

    def _answered(self, part: ScriptPart | None, generation: int) -> None:
        self._asked = False
        state = self.state
        if part is None or generation != state.generation or state.edited or self.running or self._again:
            self._go_on()
            return
        if part.start == 0:
            state.pids = part.pids
        if self._source and part.start == 0:
            self._source = False
            if part.source and part.head == state.head and len(part.source) <= MOST_SOURCE:
                state.plain, state.first = False, 0
                self._pending = part.source.rstrip("\n").split("\n")
                self._timer.start()
                self._wait_for_source()
                return
        if part.start != state.end:
            self._go_on()
            return
        self._take(part)
        self._timer.start()

    def _take(self, part: ScriptPart) -> None:
        state = self.state
        count = self.editor.blockCount()
        block = 0 if count == 1 and not self.editor.document().firstBlock().text() else count
        for line in part.lines:
            if not line.startswith("mark "):
                if not state.plain:
                    state.inverse.setdefault(block, []).append(len(state.lines))
                state.lines.append(block)
            block += 1
        self._pending = list(part.lines)

    def _wait_for_source(self) -> None:
        # once the text is there it is read, to know which line each operation comes from
        if self._pending:
            self._waiting.start()
        elif not self.state.plain and not self.state.edited:
            self._checker.start(self._source_read, self.state.pids, most=max(self.state.head, 1))

    def _source_read(self, found: Checked) -> None:
        state = self.state
        if found.faults or len(found.operations) != state.head or not found.whole:
            self.regenerate()
            return
        state.lines, state.inverse = found.lines, found.inverse
        self.editor.setReadOnly(False)
        self._changed()

    def _append(self, lines: Sequence[str]) -> None:
        document = self.editor.document()
        self.editor.setReadOnly(True)
        empty = document.blockCount() == 1 and not document.firstBlock().text()
        self._edit(lambda cursor: cursor.insertText(("" if empty else "\n") + "\n".join(lines)))

    def _remove_from(self, block: int) -> bool:
        # lines from the end, as many as can go at once; True where all are gone
        document = self.editor.document()
        count = document.blockCount()
        if block == 0 and count <= CLEARED:
            self._edit(_clear)
            return True
        if block == 0:
            self._drop(count - CLEARED)
            return False
        if block < count:
            self._drop(block)
        return True

    def _drop(self, block: int) -> None:
        start = self.editor.document().findBlockByNumber(block).position() - 1

        def drop(cursor: QTextCursor) -> None:
            cursor.setPosition(max(start, 0))
            cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()

        self._edit(drop)

    def _edit(self, change: Callable[[QTextCursor], Any]) -> None:
        document = self.editor.document()
        self._ours = True
        document.setUndoRedoEnabled(False)
        cursor = QTextCursor(document)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        change(cursor)
        document.setUndoRedoEnabled(True)
        self._ours = False

    def _contents_changed(self, at: int, removed: int, added: int) -> None:
        if self._ours or not (removed or added):
            return
        state = self.state
        if not state.edited:
            state.edited = True
            self._timer.stop()
        self.touched.emit()

    # -- what was run ---------------------------------------------------------------------------------

    def in_step(self, found: Checked) -> None:
        """The text is the user's, and what it comes to is in the log from ``first`` on."""
        state = self.state
        state.lines, state.inverse, state.plain, state.edited = found.lines, found.inverse, False, False
        state.limit = state.end if state.end < state.head else -1
        self._source = self._again = False
        self._changed()

    def block_of(self, position: int) -> int:
        """The block whose operation leads to a position; -1 where none does."""
        index = position - 1 - self.state.first
        return self.state.lines[index] if 0 <= index < len(self.state.lines) else -1

    def position_of(self, block: int) -> int:
        """The position after the last operation of a block or of the nearest one above it."""
        lines = self.state.lines
        if self.state.plain:
            return self.state.first + bisect_right(lines, block)
        return self.state.first + next((n + 1 for n in reversed(range(len(lines))) if lines[n] <= block), 0)

    def operations_of(self, block: int) -> Sequence[int]:
        """The operations in the text that a block stands for, counted from its first."""
        lines = self.state.lines
        if not self.state.plain:
            return self.state.inverse.get(block, ())
        index = bisect_left(lines, block)
        return (index,) if index < len(lines) and lines[index] == block else ()

    def remark(self, block: int) -> str:
        """What became of the operations of a block, where that was a refusal or differed between designs."""
        if self.state.edited:
            return ""
        if block not in self._remarks:
            first = self.state.first + 1
            self._remarks[block] = _said([self.entries.get(first + index) for index in self.operations_of(block)])
        return self._remarks[block]

    def inherit(self, old: Follower) -> None:
        """Take over from a view that is remade; its document is this editor's by now."""
        old.stop()
        document = self.editor.document()
        document.contentsChange.connect(self._contents_changed)
        self.state, self.entries, self.running = old.state, old.entries, old.running
        self._again, self._source, self._pending, self._calm = old._again, old._source, old._pending, old._calm
        self.editor.setReadOnly(old.editor.isReadOnly())
        if not self.state.edited and (self._pending or old._reading):
            self.regenerate()
        self._go_on()

    def stop(self) -> None:
        """Another one owns the text."""
        self._reading = self._checker.busy
        self._timer.stop()
        self._checker.stop()
        self._waiting.stop()


def _said(entries: Sequence[HistoryEntry | None]) -> str:
    found = [entry for entry in entries if entry is not None]
    if not found:
        return ""
    first = found[0]
    words = f"{first.error}: {first.rule}" if first.rule else first.error or ""
    if first.differs:
        words = f"{words} {DIFFER}".lstrip()
    return words if len(found) == 1 else f"{words} (and {len(found) - 1:,} more)"


def _clear(cursor: QTextCursor) -> None:
    cursor.select(QTextCursor.SelectionType.Document)
    cursor.removeSelectedText()
