"""A picture made of items: rectangles that are hovered, clicked, walked over with the arrow keys and explained by a tooltip."""

from __future__ import annotations

from attrs import frozen
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtGui import QResizeEvent as ResizeEvent
from PySide6.QtWidgets import QScrollArea, QToolTip, QWidget

from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_paint import Brushes
from rmapexplorer.gui.theme import Theme

Key = Qt.Key


@frozen(kw_only=True)
class Item:
    """One of them: where, what it says, and what it selects."""

    box: QRectF
    words: str
    target: tuple[int, int] | None = None


class Items(QWidget):
    """A subclass fills ``items`` in ``arrange`` and paints them."""

    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._theme: Theme | None = None
        self._look: Brushes | None = None
        self.items: list[Item] = []
        self.tall = 0.0
        self.hovered = self.caret = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def arrange(self) -> None:
        """Fill ``items`` and say how ``tall`` it all is, for the present width."""

    def paint(self, p: QPainter, look: Brushes) -> None:
        """Draw it."""

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme, self._look = theme, Brushes.of(theme, self.font())
        self.update()

    def renew(self) -> None:
        """The contents changed."""
        self.arrange()
        self.caret = min(self.caret, len(self.items) - 1)
        self.hovered = -1
        self.setMinimumHeight(round(self.tall))
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As tall as the items are."""
        return QSize(400, round(max(self.tall, 90)))

    def resizeEvent(self, event: ResizeEvent) -> None:  # noqa: N802
        """Arrange for the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width() or not self.items:
            self.renew()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The picture and the keyboard's ring."""
        if self._look is None:
            return
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(p, self._look)
        if self.hasFocus() and 0 <= self.caret < len(self.items):
            self._look.paint_focus(p, self.items[self.caret].box, 1.0)
        p.end()

    def item_at(self, at: QPointF) -> int:
        """The item there, -1 for none."""
        return next((n for n, item in enumerate(self.items) if item.box.contains(at)), -1)

    def choose(self, number: int) -> None:
        """Select what an item stands for."""
        self.caret = number
        target = self.items[number].target
        if target is not None:
            self._selection.select(*target)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Light up."""
        number = self.item_at(event.position())
        if number != self.hovered:
            self.hovered = number
            hand = number >= 0 and self.items[number].target is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click selects."""
        number = self.item_at(event.position())
        if number >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self.choose(number)

    def event(self, event: QEvent) -> bool:
        """Tooltips."""
        if event.type() == QEvent.Type.Leave:
            self.hovered = -1
            self.update()
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self.item_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), plain_tip(self.items[number].words) if number >= 0 else "", self)
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of what is there."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        number = self.caret if keyboard else self.item_at(QPointF(event.pos()))
        target = self.items[number].target if 0 <= number < len(self.items) else None
        if target is not None:
            self._selection.select(*target)
            self.context_requested.emit("page", {"pid": target[0], "vpn": target[1]}, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows to the nearest item that way, Enter selects."""
        ways = {Key.Key_Left: (-1, 0), Key.Key_Right: (1, 0), Key.Key_Up: (0, -1), Key.Key_Down: (0, 1)}
        key = Key(event.key())
        if key in ways and self.items:
            self._step(*ways[key])
        elif key in (Key.Key_Return, Key.Key_Enter, Key.Key_Space) and 0 <= self.caret < len(self.items):
            self.choose(self.caret)
        else:
            super().keyPressEvent(event)

    def _step(self, across: int, down: int) -> None:
        if self.caret < 0:
            self.caret = 0
        else:
            here = self.items[self.caret].box.center()
            best = []
            for number, item in enumerate(self.items):
                way = item.box.center() - here
                along = way.x() * across + way.y() * down
                if along > 1:
                    best.append((along + 3 * abs(way.x() * down + way.y() * across), number))
            self.caret = min(best)[1] if best else self.caret
        item = self.items[self.caret]
        self.setAccessibleDescription(item.words.replace("\n", ", "))
        area = self.parentWidget().parentWidget() if self.parentWidget() is not None else None
        if isinstance(area, QScrollArea):
            area.ensureVisible(round(item.box.center().x()), round(item.box.center().y()), 40, 40)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.caret = max(self.caret, 0) if self.items else -1
        self.update()


def scrolling(inside: Items) -> QScrollArea:
    """The items in an area that scrolls up and down."""
    area = QScrollArea()
    area.setWidget(inside)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusProxy(inside)
    area.viewport().setAutoFillBackground(False)
    inside.setAutoFillBackground(False)
    area.setStyleSheet("QScrollArea { background: transparent; }")
    return area
