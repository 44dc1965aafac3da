"""The script: the history as text, and text that becomes the history. What differs runs; the rest is there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.frames import Frame, Notice, PathChanged, Progress
from rmapexplorer.engine.script_questions import Difference, Ground, Rest, Standing, head_word
from rmapexplorer.formats.script_cursor import Fault
from rmapexplorer.formats.script_heads import HEADS
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.panel import HeaderButton, Panel
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.script_check import LIVE, Checked, Checker
from rmapexplorer.gui.script_complete import suggestions
from rmapexplorer.gui.script_editor import ScriptEditor
from rmapexplorer.gui.script_follow import Follower
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Ctrl+Return runs it · Ctrl+Space completes"
TYPING_MS = 180
"""A text is read so long after the last key."""
ELSEWHERE = "· only where a new session begins: save the script and open it"
ROWS = 4
"""Faults in sight below the text."""


class ScriptView(QWidget):
    """The panel. What it wants of the engine goes out as signals (gui.features.scripting)."""

    requested = Signal(str, dict)
    seek_requested = Signal(int)
    ask_requested = Signal(object, object)
    """(question, what takes the answer)."""
    run_requested = Signal(int, object)
    """(position, operations to run there); none: only go there."""
    rebuild_requested = Signal(str, object)
    """(kernel whose calls are wanted, designs): as the text says they should be; empty for what stays."""
    marks_requested = Signal(object)
    """[(position, text)] of the bookmarks that the text sets."""

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("script")
        self.setAccessibleName("Script")
        self.frame: Frame | None = None
        self.checked: Checked | None = None
        self.job = 0
        self._ended = False
        self._wanted: Checked | None = None
        self._upto = -1
        self._trouble = ""
        self.editor = ScriptEditor(themes.current, self._suggest)
        self.follower = Follower(self.editor, self.ask_requested.emit, self)
        self.checker = Checker(self.editor.document, self)
        self.editor.remark_of = self._remark
        self.notes: dict[int, str] = {}
        """Block -> what is said behind a line that is no operation."""
        self._typed = False
        self.problems = QListWidget()
        self.run_button = HeaderButton("Run", "Run what differs from the history (Ctrl+Return)")
        self.upto_button = HeaderButton("To cursor", "Run up to the line of the cursor (Ctrl+Shift+Return)")
        self.discard_button = HeaderButton("Discard", "Forget the edits: the text shows the history again")
        self._build()
        self._connect()
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)
        self._tell()

    def _build(self) -> None:
        self.problems.setObjectName("scriptfaults")
        self.problems.setAccessibleName("Faults of the script")
        self.problems.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.problems.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.problems.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.problems.setWordWrap(True)
        self.problems.viewport().installEventFilter(self)
        self.problems.hide()
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(4, 2, 4, 0)
        inside.setSpacing(0)
        inside.addWidget(self.editor, 1)
        inside.addWidget(self.problems)
        self.panel = Panel("Script")
        self.panel.set_body(body)
        self.panel.keep_title()
        for button in (self.run_button, self.upto_button, self.discard_button):
            self.panel.header_layout().addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        body.setFocusProxy(self.editor)
        self.setFocusProxy(self.editor)

    def _connect(self) -> None:
        self.run_button.clicked.connect(self.run)
        self.upto_button.clicked.connect(self.run_to_cursor)
        self.discard_button.clicked.connect(self.discard)
        self.follower.changed.connect(self._tell)
        self.follower.touched.connect(self._touched)
        self.problems.itemActivated.connect(self._go_to)
        self.problems.itemClicked.connect(self._go_to)
        self.editor.seek_wanted.connect(lambda block: self.seek_requested.emit(self.follower.position_of(block)))

    # -- what the window tells ------------------------------------------------------------------------

    def apply(self, change: PathChanged) -> None:
        """A change of the current branch."""
        if change.generation > self.follower.state.generation:
            self._typed = False
            self.notes.clear()
            self._over()
            self._set_faults([])
        self.follower.apply(change)

    def set_frame(self, frame: Frame) -> None:
        """The position shown; at rest what a run came to."""
        self.frame = frame
        if self.follower.running and not frame.busy:
            self._settle()
        self.follower.set_frame(frame)
        self._tell()

    def told(self, message: Any) -> None:
        """How a run ended."""
        if self.follower.running and isinstance(message, Progress) and message.finished and message.job == self.job:
            self._ended = True
        if self.follower.running and isinstance(message, Notice) and message.level in ("refused", "error", "internal"):
            self._ended = self._ended or not self._complete()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.panel.set_theme(theme)
        self.editor.set_theme(theme)
        line, panel, sel = (theme.color(name).name() for name in ("line", "panel", "sel"))
        self.problems.setStyleSheet(
            f"QListWidget {{ background: {panel}; border: none; border-top: 1px solid {line}; outline: none; }}"
            f"QListWidget::item {{ padding: 2px 4px; color: {theme.color('bad').name()}; }}"
            f"QListWidget::item:selected {{ background: {sel}; color: {theme.color('text').name()}; }}"
        )

    def inherit(self, old: ScriptView) -> None:
        """Take over the text of a view that is remade."""
        old.checker.stop()
        self.editor.adopt(old.editor)
        self.follower.inherit(old.follower)
        self.frame, self.checked, self.job, self.notes = old.frame, old.checked, old.job, old.notes
        self._ended, self._wanted, self._upto, self._typed = old._ended, old._wanted, old._upto, old._typed
        self._set_faults(old.editor.faults)
        self._tell()

    # -- what the user does ---------------------------------------------------------------------------

    @property
    def edited(self) -> bool:
        """Whether the text is another than the history."""
        return self.follower.state.edited

    @property
    def own_heads(self) -> bool:
        """Whether the text says itself what it runs on."""
        block = self.editor.document().firstBlock()
        while block.isValid():
            word = block.text().partition("#")[0].split(maxsplit=1)[:1]
            if word and word[0] != "let":
                return word[0] in HEADS
            block = block.next()
        return False

    def run(self) -> None:
        """Make the history what the text says: seek to where they part, run the rest."""
        self._run(-1)

    def run_to_cursor(self) -> None:
        """The same, up to the line of the cursor."""
        self._run(self.editor.textCursor().blockNumber())

    def discard(self) -> None:
        """The text of the history again."""
        self._typed = False
        self.notes.clear()
        self._over()
        self._set_faults([])
        self.follower.regenerate()
        self.editor.setFocus()

    def _run(self, upto: int) -> None:
        if self.follower.running or (self.follower.busy and not self.edited):
            return
        self._upto = upto
        self.checker.start(self._read, self._pids(), most=1 << 62)
        self._tell()

    def _pids(self) -> int | None:
        return self.follower.state.pids if not self.follower.state.first else None

    def _read(self, found: Checked) -> None:
        self._seen(found)
        if found.faults:
            self.editor.go_to(found.faults[0].line, found.faults[0].column)
            return
        self._wanted, self._typed = found, False
        if found.heads:
            heads = tuple((statement.line, head_word(statement), values) for statement, values in found.heads)
            self.ask_requested.emit(Ground(heads), self._grounded)
        else:
            self._compare(0)

    def _grounded(self, answer: Standing | None) -> None:
        if answer is None or self._wanted is None:
            return
        self.notes = {line - 1: ELSEWHERE for line in answer.elsewhere}
        if answer.calls or answer.designs:
            self.rebuild_requested.emit(answer.calls, answer.designs)
        self._compare(0)

    def _compare(self, start: int) -> None:
        assert self._wanted is not None
        operations = self._wanted.operations[: self._count()]
        question = Difference(operations, self.follower.state.first, start)
        self.ask_requested.emit(question, lambda answer: self._compared(answer, operations))

    def _count(self) -> int:
        """Operations of the text that are to be run."""
        found = self._wanted
        assert found is not None
        if self._upto < 0:
            return len(found.operations)
        hit = next((i for i, line in enumerate(found.lines) if line == self._upto), -1)
        if hit < 0:
            return next((i for i, line in enumerate(found.lines) if line > self._upto), len(found.lines))
        return next((i for i in range(hit, len(found.lines)) if found.lines[i] != self._upto), len(found.lines))

    def _compared(self, answer: tuple[int, bool] | None, operations: Sequence[Operation]) -> None:
        if answer is None or self._wanted is None:
            return
        agreed, last = answer
        if not last:
            self._compare(agreed)
            return
        state = self.follower.state
        behind = state.first + (len(state.lines) if state.lines and state.windowed else 0)
        if state.windowed and self._upto < 0 and behind < state.head:
            whole = agreed == len(operations) == len(state.lines)
            if not whole:
                rest = Rest(behind)
                self.ask_requested.emit(rest, lambda tail: self._start(operations, agreed, tuple(tail or ())))
                return
        self._start(operations, agreed, ())

    def _start(self, operations: Sequence[Operation], agreed: int, tail: tuple[Operation, ...]) -> None:
        found, state = self._wanted, self.follower.state
        if found is None:
            return
        new = [*operations[agreed:], *tail]
        self._ended = False
        whole = self._upto < 0 or len(operations) == len(found.operations)
        marks = [(state.first + p, text) for p, text, _ in found.marks if p <= len(operations)]
        if not new:
            self.run_requested.emit(state.first + len(operations), ())
            if whole:
                self._keep(found)
            else:
                self._wanted = None
        else:
            self.follower.running = True
            self.run_requested.emit(state.first + agreed, new)
        if marks:
            self.marks_requested.emit(marks)
        self._tell()

    def _keep(self, found: Checked) -> None:
        self._wanted = None
        self.follower.running = False
        if self.follower.state.windowed:
            self.follower.regenerate()
        else:
            self.follower.in_step(found)

    def _complete(self) -> bool:
        state = self.follower.state
        return self._wanted is not None and state.head >= state.first + self._count()

    def _settle(self) -> None:
        # the log is at rest: did all of the text get into it?
        if self._complete() and self._wanted is not None:
            whole = self._upto < 0 or self._count() == len(self._wanted.operations)
            if whole and not self._typed:
                self._keep(self._wanted)
            else:
                self._over()
        elif self._ended:
            self._over()

    def _over(self) -> None:
        self.follower.running = False
        self._wanted = None
        self.checker.stop()
        if self._typed:
            self._typed = False
            self._touched()

    # -- looks ----------------------------------------------------------------------------------------

    def _touched(self) -> None:
        self.notes.clear()
        self._typed = True
        if self._wanted is None:
            self.checker.start(self._seen, self._pids(), most=LIVE, wait_ms=TYPING_MS)
        self._tell()

    def _seen(self, found: Checked) -> None:
        self.checked = found
        self._set_faults(found.faults)
        self._tell()

    def _set_faults(self, faults: Sequence[Fault]) -> None:
        self.editor.set_faults(faults)
        self.problems.clear()
        for fault in faults:
            item = QListWidgetItem(f"{fault.line}:{fault.column}  {fault.text}")
            item.setToolTip(plain_tip(fault.text))
            item.setData(Qt.ItemDataRole.UserRole, fault)
            self.problems.addItem(item)
        self.problems.setVisible(bool(faults))
        self._fit_faults()

    def _fit_faults(self) -> None:
        # as high as its first faults, wrapped, need; never more than a third of the panel
        rows = min(self.problems.count(), ROWS)
        needed = sum(self.problems.visualItemRect(self.problems.item(n)).height() for n in range(rows))
        self.problems.setFixedHeight(min(needed + 4, max(self.height() // 3, self.fontMetrics().height() * 3)))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Another width of the faults: they wrap anew."""
        if event.type() == QEvent.Type.Resize:
            QTimer.singleShot(0, self, self._fit_faults)
        return super().eventFilter(watched, event)

    def _go_to(self, item: QListWidgetItem) -> None:
        fault = item.data(Qt.ItemDataRole.UserRole)
        self.editor.go_to(fault.line, fault.column)

    def _remark(self, block: int) -> str:
        return self.notes.get(block) or self.follower.remark(block)

    def _suggest(self, before: str) -> tuple[str, list[tuple[str, str]]]:
        names = self.checked.names if self.checked is not None else set()
        return suggestions(before, names, self.frame)

    def _tell(self) -> None:
        state = self.follower.state
        here = -1 if state.edited else self.follower.block_of(state.position)
        self.editor.set_current(here, not self.editor.hasFocus())
        self.editor.set_first_number(state.first + 1 if state.windowed else 1)
        self.editor.viewport().update()
        self.panel.set_hint(self._said())
        self.panel.set_footer(HINT)
        for button in (self.upto_button, self.discard_button):
            button.setEnabled(state.edited)
        empty = not state.head and not state.edited and not self.editor.hasFocus()
        self.editor.setPlaceholderText('spawn new "init"' if empty else "")

    def _said(self) -> str:
        state, found = self.follower.state, self.checked
        if self.follower.running:
            return "running…"
        if state.edited:
            count = len(found.faults) if found is not None else 0
            return plural(count, "fault") if count else "edited"
        if state.windowed:
            return f"{state.first + 1:,}–{state.end:,} of {state.head:,}"
        if state.limit >= 0:
            return f"{state.end:,} of {state.head:,}"
        return "in step" if state.head else ""
