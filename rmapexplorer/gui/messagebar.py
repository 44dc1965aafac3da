"""One sentence over the panels, without stopping anyone: what was refused, what went wrong, what was done."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui import places
from rmapexplorer.gui.icons import grown, icon
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.theme import Theme, mono

INFO_MS = 8000
"""An "info" goes away by itself after this many milliseconds; the others stay until closed."""

MOST_LINES = 7
"""Lines of the details in sight; of more one scrolls."""

RANK = {"info": 0, "refused": 1, "error": 2, "internal": 3}


class MessageBar(QFrame):
    """Shows one notice; a lesser one does not push away an "error" or "internal" that nobody closed yet."""

    closed = Signal()
    show_requested = Signal(int, int)
    """Select (pid, page number): the object that refused."""
    retry_requested = Signal(str, str)
    """What is to be tried again, as Notice.retry says."""
    noticed = Signal(object)
    """A notice came, shown or not."""
    offered = Signal(str, dict)
    """The action that a notice offers, and nothing it knows besides."""
    report_requested = Signal()
    """Save a report of an internal error."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messagebar")
        self.setAccessibleName("Messages")
        self.notice: Notice | None = None
        self._picture = PlainLabel()
        self.text = PlainLabel()
        self.text.setMinimumWidth(80)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.hide()
        self._more = QPushButton("Details")
        self._more.setFlat(True)
        self._more.clicked.connect(self._toggle)
        self._copy = QPushButton("Copy")
        self._copy.setFlat(True)
        self._copy.clicked.connect(self.copy)
        self.show_button = self._button("Show me", self._show_culprit)
        self.retry_button = self._button("Retry", self._retry)
        self.report_button = self._button("Save report…", self.report_requested.emit)
        self.offer_button = self._button("", self._take_offer)
        self._close = QToolButton()
        self._close.setProperty("quiet", True)
        self._close.setToolTip("Close this message")
        self._close.setAccessibleName("Close this message")
        self._close.clicked.connect(self.dismiss)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(INFO_MS)
        self._timer.timeout.connect(self.dismiss)
        row = QHBoxLayout()
        row.addWidget(self._picture)
        row.addWidget(self.text, 1)
        for widget in self._buttons():
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 5, 8, 5)
        column.addLayout(row)
        column.addWidget(self.details)
        self.set_theme(theme)
        self.hide()

    def _button(self, text: str, does: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setFlat(True)
        button.clicked.connect(lambda: does())
        button.hide()
        return button

    def _buttons(self) -> tuple[QWidget, ...]:
        return (
            self.offer_button,
            self.show_button,
            self.retry_button,
            self.report_button,
            self._more,
            self._copy,
            self._close,
        )

    def _show_culprit(self) -> None:
        if self.notice is not None and self.notice.spot is not None:
            self.show_requested.emit(*self.notice.spot)

    def _take_offer(self) -> None:
        if self.notice is not None and self.notice.offer is not None:
            self.offered.emit(self.notice.offer[0], {})

    def _retry(self) -> None:
        if self.notice is not None and self.notice.retry is not None:
            what, path = self.notice.retry
            self.dismiss()
            self.retry_requested.emit(what, path)

    def set_theme(self, theme: Theme) -> None:
        """Colour the pictures anew."""
        self._theme = theme
        self.details.setFont(mono())
        self._close.setIcon(icon("close", theme, 12))
        self._draw()

    def show_notice(self, notice: Notice) -> None:
        """Show a notice."""
        self.noticed.emit(notice)
        if self.notice is not None and RANK[self.notice.level] >= 2 > RANK[notice.level] and self.isVisible():
            return
        self.notice = notice
        text = places.shown().text(notice.text)
        self.text.setText(f"{notice.errno}: {text}" if notice.errno and not text.startswith(notice.errno) else text)
        self.details.setPlainText(notice.details)
        lines = min(self.details.blockCount(), MOST_LINES) + 1  # a line of air, or for the scroll bar
        self.details.setFixedHeight(lines * self.details.fontMetrics().lineSpacing() + 14)
        self.details.hide()
        self._more.setText("Details")
        self._more.setVisible(bool(notice.details))
        self.show_button.setVisible(notice.spot is not None)
        self.show_button.setToolTip(plain_tip(places.shown().text(f"Select {notice.culprit}")))
        self.offer_button.setVisible(notice.offer is not None)
        self.offer_button.setText(notice.offer[1] if notice.offer is not None else "")
        self.retry_button.setVisible(notice.retry is not None)
        self.report_button.setVisible(notice.level == "internal")
        self._copy.setVisible(notice.level in ("error", "internal") or bool(notice.details))
        self.setProperty("level", notice.level)
        self.style().unpolish(self)
        self.style().polish(self)
        self._draw()
        self._wrap()
        self.show()
        if notice.level == "info":
            self._timer.start()
        else:
            self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """One line where the sentence fits, more where it does not."""
        super().resizeEvent(event)
        self._wrap()

    def _wrap(self) -> None:
        taken = sum(w.sizeHint().width() + 8 for w in self._buttons() if not w.isHidden())
        room = self.width() - taken - 60
        self.text.setWordWrap(self.text.fontMetrics().horizontalAdvance(self.text.text()) > room)

    def dismiss(self) -> None:
        """Close it."""
        self._timer.stop()
        self.notice = None
        self.hide()
        self.closed.emit()

    def copy(self) -> None:
        """The sentence and its details to the clipboard."""
        parts = [self.text.text(), self.details.toPlainText()]
        QGuiApplication.clipboard().setText("\n\n".join(part for part in parts if part))

    def _toggle(self) -> None:
        self.details.setVisible(self.details.isHidden())
        self._more.setText("Details" if self.details.isHidden() else "Hide details")

    def _draw(self) -> None:
        kind = "info" if self.notice is None or self.notice.level == "info" else "warning"
        self._picture.setPixmap(icon(kind, self._theme, 16).pixmap(grown(16), grown(16)))
