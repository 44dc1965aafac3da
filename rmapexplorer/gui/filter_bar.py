"""A filter line that folds away, and the chip that says a filter is on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from rmapexplorer.gui.panel import HeaderButton, scaled
from rmapexplorer.gui.theme import Theme


class Chip(QToolButton):
    """``3 of 120 ✕`` in the accent colour; a click takes the filter off."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(scaled(self.font(), 0.88))
        self.setToolTip("A filter is on. Click to show everything")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._accent, self._wash = QColor("gray"), QColor("gray")

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._accent, self._wash = theme.color("accent"), theme.color("sel")
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for the text and the round ends."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 18, metrics.height() + 6)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """A pill with its text."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._accent, 1.6 if self.hasFocus() else 1))
        painter.setBrush(self._wash)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        painter.setPen(self._accent)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()


class FilterLine(QLineEdit):
    """Escape clears and folds away; Down goes on into the list."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Escape and Down; everything else is typing."""
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class FilterBar(QWidget):
    """The line and its chip. ``button`` opens and closes it and belongs into the panel's header."""

    changed = Signal(str)

    def __init__(self, placeholder: str, target: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._target = target
        self.line = FilterLine()
        self.line.setPlaceholderText(placeholder)
        self.line.setAccessibleName(placeholder)
        self.chip = Chip()
        self.chip.setVisible(False)
        self.button = HeaderButton("filter", placeholder)
        self.button.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 8, 2)
        row.addWidget(self.line, 1)
        row.addWidget(self.chip)
        self.setVisible(False)
        self.line.textChanged.connect(self.changed)
        self.line.left.connect(self._leave)
        self.chip.clicked.connect(self.clear)
        self.button.clicked.connect(self.open)

    @property
    def text(self) -> str:
        """What is filtered for, without blanks around it."""
        return self.line.text().strip()

    def open(self, on: bool = True) -> None:
        """Unfold and put the cursor in, or clear and fold away."""
        self.button.setChecked(on)
        self.setVisible(on)
        if on:
            self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.line.selectAll()
        else:
            self.line.clear()
            self._target.setFocus(Qt.FocusReason.OtherFocusReason)

    def clear(self) -> None:
        """Take the filter off."""
        self.line.clear()

    def reset(self) -> None:
        """Clear and fold away; the cursor stays where it is."""
        self.button.setChecked(False)
        self.setVisible(False)
        self.line.clear()

    def set_count(self, shown: int, total: int) -> None:
        """Say how much the filter leaves."""
        self.chip.setText(f"filter on: {shown:,} of {total:,}  ✕")
        self.chip.setAccessibleName(f"filter on, {shown} of {total} shown; press to clear")
        self.chip.setVisible(bool(self.text))
        self.chip.updateGeometry()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.chip.set_theme(theme)
        self.button.set_theme(theme)

    def _leave(self) -> None:
        if not self.text:
            self.open(False)
        else:
            self._target.setFocus(Qt.FocusReason.OtherFocusReason)


def opens_filter(event: QKeyEvent) -> bool:
    """Whether the key is one that opens the filter of a list: Ctrl+F or /."""
    return event.matches(QKeySequence.StandardKey.Find) or event.text() == "/"


def below_filter(bar: FilterBar, view: QWidget, *more: QWidget, edge: bool = True) -> QWidget:
    """The body of a panel: the filter line, the list, and what stands below it; ``edge``: with a little air around."""
    body = QWidget()
    inside = QVBoxLayout(body)
    inside.setContentsMargins(*((4, 2, 4, 0) if edge else (0, 0, 0, 0)))
    inside.setSpacing(0)
    inside.addWidget(bar)
    inside.addWidget(view, 1)
    for part in more:
        inside.addWidget(part)
    body.setFocusProxy(view)
    return body
