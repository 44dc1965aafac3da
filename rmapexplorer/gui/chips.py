"""A word in a coloured pill in a cell of a table: what the cell's DRAW role says as (text, colour token, note).

The note stands below where rows are two lines high.
"""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from rmapexplorer.gui.models.base import DRAW
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.tables import PAD, RowTable, TableDelegate
from rmapexplorer.gui.theme import Theme, between


class ChipDelegate(TableDelegate):
    """Draws the pill over the row's wash."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Wash, pill, words."""
        table, drawn, rect = option.widget, index.data(DRAW), option.rect  # type: ignore[attr-defined]
        if isinstance(table, RowTable):
            table.wash.draw(painter, rect, table.wash.state(table, index), False)  # type: ignore[arg-type]
        if self._theme is None or drawn is None:
            return
        words, token, note = drawn
        color = self._theme.color(token)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(scaled(option.font, 0.92))  # type: ignore[attr-defined]
        metrics = painter.fontMetrics()
        room = rect.width() - 2 * PAD
        middle = rect.center().y()
        if rect.height() > 2 * metrics.height():
            below = QRectF(rect.left() + PAD, middle, room, metrics.height() + 2)
            middle = rect.top() + metrics.height() * 0.8
            painter.setPen(self._theme.color("dim"))
            painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, note)
        box = QRectF(rect.left() + PAD - 2, middle - metrics.height() / 2 - 0.5, 0, metrics.height() + 2)
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room - 8)
        box.setWidth(metrics.horizontalAdvance(words) + 12)
        if token != "faint":
            painter.setPen(QPen(between(color, self._theme.color("panel"), 0.45), 1))
            painter.setBrush(QColor(between(color, self._theme.color("panel"), 0.86)))
            painter.drawRoundedRect(box, 5, 5)
        painter.setPen(color)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()
