"""The small window of one operation: filled from the selection, checked, submitted, and open until it succeeded."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.core.operations import Mremap, Operation, describe
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import HistoryEntry, Notice
from rmapexplorer.gui import places
from rmapexplorer.gui.form_fields import FieldError, Line, PidEditor
from rmapexplorer.gui.icons import grown, icon
from rmapexplorer.gui.operations import FAULTS, FORMS, Form, Invalid
from rmapexplorer.gui.panel import ElidedLabel
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.theme import Theme, mono

WIDTH = 372
"""Of the form at 100 percent, in device-independent pixels."""


def described(op: Operation) -> str:
    """The operation as one line, with "?" for what the kernel will choose."""
    text = describe(op)
    span = getattr(op, "span", None)
    if span is not None and span.start == -1:
        text = text.replace(str(span), f"? + {span.pages:,}")
    if isinstance(op, Mremap) and op.to == -1:
        text = text.replace(f"→ {Span(-1, -1 + op.new_pages)}", f"→ ? + {op.new_pages:,}")
    return places.shown().text(text).replace("→ 0)", "→ ?)").replace("spawn(0", "spawn(?")


class OperationForm(QFrame):
    """A form over the window's content. ``submitted`` carries the operations; the window tells it how they fared.

    Enter submits, Esc closes. ``refused`` marks the field at fault and keeps the form open, ``succeeded`` closes it.
    """

    submitted = Signal(list, str)
    closed = Signal()
    culprit_requested = Signal(int, int)
    """Select (pid, page number): what refused the operation."""

    def __init__(self, key: str, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.key = key
        self.form: Form = FORMS[key]
        self.waiting = False
        self.verdict: Notice | None = None
        """The refusal of the operation submitted last."""
        self._drag: QPoint | None = None
        self.setObjectName("form")
        self.setAccessibleName(f"{self.form.title} form")
        self._width = min(grown(WIDTH), max(WIDTH, parent.width() - 32))
        self.setFixedWidth(self._width)
        self.lines = {field.key: Line(field) for field in self.form.fields}
        self._problem = PlainLabel()
        self._problem.setProperty("role", "error")
        self._problem.setWordWrap(True)
        self._problem.hide()
        self.show_button = QPushButton("Show me")
        self.show_button.setFlat(True)
        self.show_button.clicked.connect(self._show_culprit)
        self.show_button.hide()
        self.preview = ElidedLabel()
        self.preview.setObjectName("preview")
        self.preview.setFont(mono())
        self.run = QPushButton(self.form.title)
        self.run.setProperty("primary", True)
        self.run.clicked.connect(self.submit)
        self._head = self._make_head(theme)
        self._assemble()
        self._shadow(theme)
        for line in self.lines.values():
            if line.field.default is not None:
                line.editor.set_value(line.field.default)
            line.editor.changed.connect(self._edited)
        self._edited()

    def _make_head(self, theme: Theme) -> QWidget:
        head = QWidget()
        head.setObjectName("formhead")
        head.setCursor(Qt.CursorShape.SizeAllCursor)
        title = PlainLabel(self.form.title)
        title.setProperty("role", "title")
        close = QToolButton()
        close.setProperty("quiet", True)
        close.setIcon(icon("close", theme, 12))
        close.setToolTip("Close (Esc)")
        close.setAccessibleName("Close the form")
        close.setCursor(Qt.CursorShape.ArrowCursor)
        close.clicked.connect(self.shut)
        row = QHBoxLayout(head)
        row.setContentsMargins(14, 8, 8, 7)
        row.addWidget(title)
        row.addStretch()
        row.addWidget(close)
        head.installEventFilter(self)
        return head

    def _assemble(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(self._head)
        body = QVBoxLayout()
        body.setContentsMargins(14, 12, 14, 12)
        body.setSpacing(9)
        labels = max((line.label.sizeHint().width() for line in self.lines.values()), default=0)
        for line in self.lines.values():
            line.align(labels)
            body.addWidget(line)
        body.addWidget(self._problem)
        body.addWidget(self.show_button, 0, Qt.AlignmentFlag.AlignLeft)
        foot = QHBoxLayout()
        foot.addWidget(self.preview, 1)
        foot.addWidget(self.run)
        body.addSpacing(2)
        body.addLayout(foot)
        column.addLayout(body)

    def _shadow(self, theme: Theme) -> None:
        effect = QGraphicsDropShadowEffect(self)
        effect.setBlurRadius(28)
        effect.setOffset(0, 6)
        effect.setColor(QColor(0, 0, 0, 150 if theme.dark else 60))
        self.setGraphicsEffect(effect)

    def fill(self, values: dict[str, Any], tasks: list[tuple[int, str]]) -> None:
        """Offer the living processes and enter what is known (keys of the fields; others are ignored)."""
        self.offer(tasks)
        for key, value in values.items():
            if key in self.lines and value is not None:
                self.lines[key].editor.set_value(value)
        self._edited()

    def offer(self, tasks: list[tuple[int, str]]) -> None:
        """The living processes (pid, name)."""
        for line in self.lines.values():
            if isinstance(line.editor, PidEditor):
                line.editor.set_tasks(tasks)

    def operations(self) -> list[Operation]:
        """What the form says now. Invalid names the field that cannot be understood."""
        values = {}
        for key, line in self.lines.items():
            shown = not line.isHidden()
            try:
                values[key] = line.editor.value() if shown else line.field.default
            except FieldError as error:
                raise Invalid(field=key, sentence=str(error)) from None
        return self.form.build(values)

    def submit(self) -> None:
        """Check, and hand the operations over; a value that cannot be understood is marked instead."""
        self.clear_marks()
        try:
            ops = self.operations()
        except Invalid as fault:
            self.mark(fault.field, fault.sentence)
            return
        self.waiting, self.verdict = True, None
        self.submitted.emit(
            ops, self.form.title.lower() if len(ops) == 1 else f"{self.form.title.lower()} × {len(ops)}"
        )

    def refused(self, notice: Notice) -> None:
        """The kernel said no: mark the field at fault with errno and rule."""
        self.waiting, self.verdict = False, notice
        text = notice.text if notice.text.startswith(notice.errno) else f"{notice.errno}: {notice.text}"
        text = places.shown().text(text)
        self.mark(notice.field, text)
        if notice.spot is not None:
            self.show_button.setText(f"Show {notice.culprit.partition(',')[0]}")
            self.show_button.show()
            self._fit()

    def _show_culprit(self) -> None:
        if self.verdict is not None and self.verdict.spot is not None:
            self.culprit_requested.emit(*self.verdict.spot)

    def told(self, entries: tuple[HistoryEntry, ...]) -> bool:
        """What became of the operation in the design in view; True where it succeeded there, and the form is closed."""
        if not entries or not (self.waiting or self.verdict):
            return False
        bad = next((entry for entry in entries if entry.error), None)
        if bad is None:
            self.shut()
            return True
        if self.waiting:
            self.waiting, self.verdict = False, Notice(level="refused", text=bad.rule, errno=bad.error or "")
            self.mark("", f"{bad.error}: {bad.rule}")
        return False

    def mark(self, field: str, sentence: str) -> None:
        """Show ``sentence`` at ``field`` (as an operation or this form names it), or below all fields."""
        self.clear_marks()
        line = self.lines.get(field) or self.lines.get(FAULTS.get(field, ""))
        if line is None or line.isHidden():
            self._problem.setText(sentence)
            self._problem.show()
        else:
            line.mark(sentence)
            line.editor.setFocus()
        self._fit()

    def clear_marks(self) -> None:
        """Take every mark away."""
        self.show_button.hide()
        self._problem.hide()
        self._problem.setText("")
        for line in self.lines.values():
            if line.marked:
                line.mark("")

    @property
    def problem(self) -> str:
        """The sentence shown that belongs to no field."""
        return self._problem.text()

    def shut(self) -> None:
        """Close for good."""
        self.closed.emit()
        self.hide()
        self.deleteLater()

    def _edited(self) -> None:
        for line in self.lines.values():
            if line.field.only is not None:
                other, values = line.field.only
                line.setVisible(self.lines[other].editor.value() in values)
        try:
            ops = self.operations()
        except Invalid:
            self.preview.setText("")
        else:
            text = described(ops[0])
            self.preview.setText(f"{text} × {len(ops)}" if len(ops) > 1 else text)
        self._fit()

    def _fit(self) -> None:
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.resize(
            self._width,
            layout.totalHeightForWidth(self._width) if layout.hasHeightForWidth() else self.sizeHint().height(),
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Enter submits, Esc closes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit()
        elif event.key() == Qt.Key.Key_Escape:
            self.shut()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802
        """Dragging the head moves the form, kept inside the window."""
        if watched is self._head and isinstance(event, QMouseEvent):
            where = event.globalPosition().toPoint()
            if event.type() == QEvent.Type.MouseButtonPress:
                self._drag = where - self.pos()
            elif event.type() == QEvent.Type.MouseMove and self._drag is not None:
                self.place(where - self._drag)
            elif event.type() == QEvent.Type.MouseButtonRelease:
                self._drag = None
        return super().eventFilter(watched, event)

    def place(self, spot: QPoint) -> None:
        """Move to ``spot`` in the window, or as near as it fits."""
        room = self.parentWidget().size()
        x = min(max(8, spot.x()), max(8, room.width() - self.width() - 8))
        y = min(max(8, spot.y()), max(8, room.height() - self.height() - 8))
        self.move(x, y)
