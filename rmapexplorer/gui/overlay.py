"""A line with a list below it, laid over the window: what the palette and the find bar have in common.

The line keeps the keyboard all the time; arrows, Page Up and Page Down go to the list. Esc or a click elsewhere closes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFocusEvent, QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsDropShadowEffect,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.gui.models.base import DRAW, Role
from rmapexplorer.gui.panel import ElidedLabel, scaled
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme, mono

ROWS = 13
"""Rows in sight at most."""
WIDTH = 92
"""Width in letters of the average size."""
AIR = 9
"""Height of a row beyond its text, in device-independent pixels."""


@frozen(kw_only=True)
class Row:
    """One line of the list. ``heading``: not to be chosen; ``marks``: letters of the title that were found.

    :param detail: dim words after the title. :param right: shortcut or number at the right. :param enabled: False: faint.
    """

    title: str
    detail: str = ""
    right: str = ""
    enabled: bool = True
    heading: bool = False
    marks: tuple[int, ...] = ()
    mono: bool = False
    value: Any = None

    def spoken(self) -> str:
        """The row for a screen reader."""
        return ", ".join(part for part in (self.title, self.detail, self.right) if part)


class RowList(QAbstractListModel):
    """The rows as a model."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[Row] = ()

    def show(self, rows: Sequence[Row]) -> None:
        """Replace all of them."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: N802, B008
        """How many there are."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Role.DisplayRole) -> Any:
        """The record itself for the painter, words for everyone else."""
        if not index.isValid():
            return None
        row = self.rows[index.row()]
        if role == DRAW:
            return row
        if role == Role.DisplayRole:
            return row.title
        if role == Role.AccessibleTextRole:
            return plain_tip(row.spoken())
        if role == Role.ToolTipRole:
            return plain_tip(row.spoken())
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        """Headings cannot be chosen; what is disabled can, to say why."""
        if not index.isValid() or self.rows[index.row()].heading:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class RowPainter(QStyledItemDelegate):
    """Title with the letters found in bold, detail, and what stands at the right; everything elided where room is short."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme: Theme | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """One line and some air."""
        return QSize(100, option.fontMetrics.height() + AIR)  # type: ignore[attr-defined]

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Draw one row."""
        row, theme = index.data(DRAW), self.theme
        if row is None or theme is None:
            return
        rect: QRect = option.rect  # type: ignore[attr-defined]
        selected = bool(option.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("sel"))
            painter.drawRoundedRect(rect.adjusted(4, 1, -4, -1), 5, 5)
            painter.setBrush(theme.color("accent"))
            painter.drawRoundedRect(QRect(rect.left() + 5, rect.top() + 4, 3, rect.height() - 8), 1.5, 1.5)
        box = rect.adjusted(18, 0, -16, 0)
        if row.heading and not row.detail:
            self._heading(painter, box, row, option, theme)
        else:
            self._row(painter, box, row, option, theme)
        painter.restore()

    def _heading(self, painter: QPainter, box: QRect, row: Row, option: Any, theme: Theme) -> None:
        painter.setFont(scaled(option.font, 0.88, bold=True))
        painter.setPen(theme.color("dim"))
        painter.drawText(box.adjusted(-6, 0, 0, 0), _LEFT, row.title)
        painter.setPen(theme.color("faint"))
        painter.setFont(scaled(option.font, 0.88))
        painter.drawText(box, _RIGHT, row.right)

    def _row(self, painter: QPainter, box: QRect, row: Row, option: Any, theme: Theme) -> None:
        small, face = scaled(option.font, 0.92), mono() if row.mono else option.font
        metrics, narrow = QFontMetrics(face), QFontMetrics(small)
        right = narrow.elidedText(row.right, Qt.TextElideMode.ElideRight, box.width() // 3)
        taken = narrow.horizontalAdvance(right) + 14 if right else 0
        painter.setFont(small)
        painter.setPen(theme.color("dim"))
        painter.drawText(box, _RIGHT, right)
        room = box.width() - taken
        title = metrics.elidedText(row.title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(theme.color("text" if row.enabled else "faint"))
        used = self._title(painter, box, title, row, face, theme)
        if row.detail and room - used > narrow.averageCharWidth() * 6:
            painter.setFont(small)
            painter.setPen(theme.color("dim" if row.enabled else "warn"))
            rest = box.adjusted(used + 12, 0, -taken, 0)
            painter.drawText(rest, _LEFT, narrow.elidedText(row.detail, Qt.TextElideMode.ElideRight, rest.width()))

    def _title(self, painter: QPainter, box: QRect, title: str, row: Row, face: Any, theme: Theme) -> int:
        # runs of found and other letters, one after the other; returns the width used
        at, x = 0, box.left()
        marks = {mark for mark in row.marks if mark < len(title)}
        base, bold = painter.pen().color(), theme.color("accent")
        strong = scaled(face, 1.0, bold=True)
        while at < len(title):
            end, found = at, at in marks
            while end < len(title) and (end in marks) == found:
                end += 1
            font = strong if found else face
            painter.setFont(font)
            painter.setPen(bold if found and row.enabled else base)
            painter.drawText(QRect(x, box.top(), box.right() - x + 40, box.height()), _LEFT, title[at:end])
            x += QFontMetrics(font).horizontalAdvance(title[at:end])
            at = end
        return x - box.left()


_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_DOWN = (Qt.Key.Key_Down, Qt.Key.Key_Tab)
_UP = (Qt.Key.Key_Up, Qt.Key.Key_Backtab)


class OverlayLine(QLineEdit):
    """The line; it tells when the focus goes elsewhere in the window."""

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 (Qt's name)
        """Another window or a menu is not elsewhere: one comes back from it."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason):
            self.left.emit()


class Overlay(QFrame):
    """The line and its list. Subclasses say what is listed (``typed``) and what choosing does (``choose``)."""

    def __init__(self, title: str, placeholder: str, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("overlay")
        self.setAccessibleName(title)
        self._host = window
        self._before: QWidget | None = None
        self.line = OverlayLine()
        self.line.setPlaceholderText(placeholder)
        self.line.setAccessibleName(placeholder)
        self.line.setClearButtonEnabled(True)
        self.list = QListView()
        self.list.setAccessibleName(f"{title}: results")
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.model = RowList(self)
        self.list.setModel(self.model)
        self._painter = RowPainter(self.list)
        self.list.setItemDelegate(self._painter)
        self.foot = ElidedLabel()
        self.foot.setFont(scaled(self.font(), 0.92))
        self.foot.setProperty("role", "dim")
        self._assemble()
        self.line.textChanged.connect(self._typed)
        self.line.left.connect(self.shut)
        self.line.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._chosen(index.row()))
        window.installEventFilter(self)
        self.set_theme(theme)
        self.hide()

    def _assemble(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 8, 1, 6)
        column.setSpacing(5)
        for widget, margin in ((self.line, 8), (self.foot, 16)):
            row = QHBoxLayout()
            row.setContentsMargins(margin, 0, margin, 0)
            row.addWidget(widget)
            column.addLayout(row)
        column.insertWidget(1, self.list, 1)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._painter.theme = theme
        panel, line, bg = (theme.color(name).name() for name in ("panel", "faint", "bg"))
        self.setStyleSheet(
            f"QFrame#overlay {{ background: {panel}; border: 1px solid {line}; border-radius: 9px; }}"
            f" QListView {{ background: {panel}; border: none; outline: none; }}"
            f" QLineEdit {{ background: {bg}; padding: 6px 9px; }}"
        )
        shadow = QGraphicsDropShadowEffect(self)
        shadow.setBlurRadius(28)
        shadow.setOffset(0, 8)
        shadow.setColor(QColor(0, 0, 0, 150 if theme.dark else 70))
        self.setGraphicsEffect(shadow)

    # -- opening and closing ------------------------------------------------------------------------------------------

    def open(self, text: str = "") -> None:
        """Show it with ``text`` in the line, which gets the keyboard; another one that is open closes."""
        for other in self._host.findChildren(Overlay, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if other is not self:
                other.shut()
        if not self.isVisible():
            self._before = self.window().focusWidget()
        self.line.setText(text)
        self.line.selectAll()
        self._typed(text)
        self.show()
        self.raise_()
        self.place()
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def shut(self) -> None:
        """Close it; the keyboard goes back to where it was."""
        if not self.isVisible():
            return
        inside = self.line.hasFocus()
        self.hide()
        before, self._before = self._before, None
        if inside and before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def hideEvent(self, event: Any) -> None:  # noqa: N802
        """What is under way for the list is no longer wanted."""
        super().hideEvent(event)
        self.closed()

    def place(self) -> None:
        """Below the menu bar in the middle of the window, as high as its rows need."""
        window = self._host
        letters = self.fontMetrics().averageCharWidth()
        width = min(WIDTH * letters + 60, window.width() - 32)
        rows = min(len(self.model.rows), ROWS)
        row = self.fontMetrics().height() + AIR
        fixed = self.line.sizeHint().height() + self.foot.sizeHint().height() + 26
        height = min(fixed + max(rows, 1) * row, window.height() - 60)
        self.setGeometry((window.width() - width) // 2, min(52, window.height() // 12), width, height)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def show_rows(self, rows: Sequence[Row], foot: str) -> None:
        """Fill the list; the first that can be chosen is current, or the one that was and still is."""
        before = self.current()
        self.model.show(rows)
        self.foot.setText(foot)
        place = next((n for n, row in enumerate(rows) if before is not None and row.value == before.value), -1)
        self._select(place if place >= 0 and self._keeps else self._next(-1, 1))
        if self.isVisible():
            self.place()

    _keeps = False

    def current(self) -> Row | None:
        """The row that Enter chooses."""
        at = self.list.currentIndex().row()
        return self.model.rows[at] if 0 <= at < len(self.model.rows) else None

    def _select(self, row: int) -> None:
        if row >= 0:
            self.list.setCurrentIndex(self.model.index(row))
            self.list.scrollTo(self.model.index(max(row - 1, 0) if row == self._next(-1, 1) else row))

    def _next(self, at: int, step: int) -> int:
        # the next row in that direction that can be chosen; where there is none the last one that can
        rows = range(at + 1, len(self.model.rows)) if step > 0 else range(at - 1, -1, -1)
        found = [row for row in rows if not self.model.rows[row].heading]
        return found[min(abs(step), len(found)) - 1] if found else at

    def _typed(self, text: str) -> None:
        self.typed(text.strip())

    def _chosen(self, row: int) -> None:
        if 0 <= row < len(self.model.rows) and not self.model.rows[row].heading:
            self.choose(self.model.rows[row])

    def typed(self, text: str) -> None:
        """The line changed: fill the list."""
        raise NotImplementedError

    def choose(self, row: Row) -> None:
        """A row was chosen."""
        raise NotImplementedError

    def closed(self) -> None:
        """It was closed."""

    # -- keys ---------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keys of the line that belong to the list; the size of the window."""
        kind = event.type()
        if watched is self.line and isinstance(event, QKeyEvent):
            if kind == QEvent.Type.ShortcutOverride and self.takes(event):
                event.accept()
                return True
            if kind == QEvent.Type.KeyPress:
                return self.key(event)
        elif kind == QEvent.Type.Resize and watched is self._host and self.isVisible():
            self.place()
        return False

    def takes(self, event: QKeyEvent) -> bool:
        """Whether the key is for the overlay although a shortcut of the window has it too."""
        return event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)

    def key(self, event: QKeyEvent) -> bool:
        """Arrows and pages move, Enter chooses, Esc closes; everything else is typing (False)."""
        key, at = event.key(), self.list.currentIndex().row()
        steps = {Qt.Key.Key_PageDown: ROWS - 1, Qt.Key.Key_PageUp: 1 - ROWS}
        if key in _DOWN or key in _UP:
            self._select(self._next(at, 1 if key in _DOWN else -1))
        elif key in steps:
            self._select(self._next(at, steps[Qt.Key(key)]))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._chosen(at)
        elif key == Qt.Key.Key_Escape:
            self.shut()
        else:
            return False
        return True
