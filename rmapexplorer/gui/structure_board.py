"""A board: a picture larger than its widget, to be zoomed, panned and walked with the keyboard; with a minimap when zoomed.

Forest and matrix are boards. A board holds no numbers of its own: what it shows has an extent in units of its own.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme

ZOOM = 1.2
Key = Qt.Key
_ARROWS = {Key.Key_Left: (-1, 0), Key.Key_Right: (1, 0), Key.Key_Up: (0, -1), Key.Key_Down: (0, 1)}
MAP_WIDE, MAP_HIGH, MAP_GAP = 116.0, 66.0, 9.0
MAP_SHARE = 0.2
"""The minimap's share of the board's height at most; on a board too low for that there is none."""
STALE, STALE_MS = 0.4, 150
"""A picture of what was before is pale, but not for a blink."""


class Board(QWidget):
    """Zoom, pan, minimap, keys. A subclass says what is where and paints it."""

    context_requested = Signal(str, dict, QPoint)
    moved = Signal()
    """Another part, or another size of it, is shown."""
    SAME_SCALE = True
    """One scale for both axes."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._theme: Theme | None = None
        self.extent = (1.0, 1.0)
        self.gutter = (0.0, 0.0)
        """Pixels left and above that do not move."""
        self.zx = self.zy = 1.0
        self.offset = QPointF(0, 0)
        """Pixel where the extent's origin is, gutter included."""
        self.fitted = True
        self.stale = False
        """What is drawn was so before, the new picture is not there yet."""
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(STALE_MS)
        self._late.timeout.connect(self._pale)
        self._press: QPointF | None = None
        self._last = QPointF()
        self._panning = self._mapping = False
        self.marquee: QRectF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 90)

    # --- what a subclass says

    def largest(self) -> tuple[float, float]:
        """Pixels a unit has at most, across and down."""
        return 4.0, 4.0

    def hover(self, at: QPointF | None) -> None:
        """The mouse is there, or left."""

    def click(self, at: QPointF, shift: bool) -> None:
        """The left button was pressed and released there."""

    def step(self, across: int, down: int) -> None:
        """An arrow key."""

    def enter(self) -> None:
        """Enter: select what the cursor is on."""

    def toggle(self) -> None:
        """Space."""

    def words_at(self, at: QPointF) -> str:
        """The tooltip there."""
        return ""

    def target_at(self, at: QPointF | None) -> tuple[int, int] | None:
        """(pid, page number) of what is there, None: of what the cursor is on."""
        return None

    def selected_area(self, area: QRectF) -> None:
        """Shift and a drag drew a frame round ``area``, in units of the extent."""

    def paint_thumbnail(self, p: QPainter, box: QRectF) -> None:
        """The whole picture, in the minimap."""

    def outdated(self, old: bool = True) -> None:
        """What is drawn is not so any more: unless the new picture comes soon, the old one turns pale."""
        if not old:
            self._late.stop()
            self.stale = False
        elif not self.stale and not self._late.isActive():
            self._late.start()

    def _pale(self) -> None:
        self.stale = True
        self._moved()

    # --- scale

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def room(self) -> QRectF:
        """The part of the widget that moves."""
        return QRectF(self.gutter[0], self.gutter[1], self.width() - self.gutter[0], self.height() - self.gutter[1])

    def fit_scales(self) -> tuple[float, float]:
        """Scales at which all of it is seen."""
        room = self.room()
        zx, zy = room.width() / max(self.extent[0], 1e-9), room.height() / max(self.extent[1], 1e-9)
        if self.SAME_SCALE:
            zx = zy = min(zx, zy, 1.0)
        return zx, zy

    def fit(self) -> None:
        """All of it."""
        self.zx, self.zy = self.fit_scales()
        self.fitted = True
        self.place_fitted()
        self._moved()

    def place_fitted(self) -> None:
        """In the middle."""
        room = self.room()
        x = room.left() + max(0.0, (room.width() - self.extent[0] * self.zx) / 2)
        y = room.top() + max(0.0, (room.height() - self.extent[1] * self.zy) / 2)
        self.offset = QPointF(x, y)

    def zoom(self, factor: float, at: QPointF, across: bool = True, down: bool = True) -> None:
        """Zoom about ``at``, which stays where it is."""
        low, high = self.fit_scales(), self.largest()
        low = (min(low[0], high[0]), min(low[1], high[1]))
        here = self.to_extent(at)
        if across:
            self.zx = min(max(self.zx * factor, low[0]), max(high[0], low[0]))
        if down:
            self.zy = min(max(self.zy * factor, low[1]), max(high[1], low[1]))
        if self.SAME_SCALE:
            self.zx = self.zy
        self.fitted = self.zx <= low[0] * 1.0001 and self.zy <= low[1] * 1.0001
        self.offset = QPointF(at.x() - here.x() * self.zx, at.y() - here.y() * self.zy)
        self.clamp()
        self._moved()

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by so many pixels."""
        self.offset += QPointF(dx, dy)
        self.clamp()
        self._moved()

    def clamp(self) -> None:
        """Never out of sight."""
        room = self.room()
        wide, high = self.extent[0] * self.zx, self.extent[1] * self.zy
        x, y = self.offset.x(), self.offset.y()
        slack = 0.0 if not self.SAME_SCALE else 40.0
        under = slack or min(MAP_HIGH, self.height() * MAP_SHARE) + 2 * MAP_GAP  # what lies below the minimap comes out
        if wide <= room.width():
            x = room.left() + (room.width() - wide) / 2 if self.SAME_SCALE else room.left()
        else:
            x = min(room.left() + slack, max(x, room.right() - wide - slack))
        if high <= room.height():
            y = room.top() + (room.height() - high) / 2 if self.SAME_SCALE else room.top()
        else:
            y = min(room.top() + slack, max(y, room.bottom() - high - under))
        self.offset = QPointF(x, y)

    def _moved(self) -> None:
        self.update()
        self.moved.emit()

    def to_extent(self, at: QPointF) -> QPointF:
        """Widget pixels to units of the extent."""
        return QPointF((at.x() - self.offset.x()) / self.zx, (at.y() - self.offset.y()) / self.zy)

    def to_widget(self, at: QPointF) -> QPointF:
        """Units of the extent to widget pixels."""
        return QPointF(at.x() * self.zx + self.offset.x(), at.y() * self.zy + self.offset.y())

    def seen(self) -> QRectF:
        """The part of the extent that is seen."""
        room = self.room()
        return QRectF(self.to_extent(room.topLeft()), self.to_extent(room.bottomRight()))

    def bring_in(self, box: QRectF) -> None:
        """Pan so that ``box`` (in units of the extent) is seen."""
        area = self.room().adjusted(16, 12, -16, -12)
        a, b = self.to_widget(box.topLeft()), self.to_widget(box.bottomRight())
        dx = area.left() - a.x() if a.x() < area.left() else min(0.0, area.right() - b.x())
        dy = area.top() - a.y() if a.y() < area.top() else min(0.0, area.bottom() - b.y())
        if dx or dy:
            self.pan(dx, dy)

    # --- minimap

    def map_box(self) -> QRectF | None:
        """Where the minimap is; None where all is seen anyway."""
        seen = self.seen()
        if seen.width() >= self.extent[0] * 0.98 and seen.height() >= self.extent[1] * 0.98:
            return None
        wide, high = MAP_WIDE, min(MAP_HIGH, self.height() * MAP_SHARE)
        if self.width() < 2.5 * MAP_WIDE or high < MAP_HIGH / 3:
            return None
        if self.SAME_SCALE:
            scale = min(wide / self.extent[0], high / self.extent[1])
            wide, high = max(24.0, self.extent[0] * scale), max(16.0, self.extent[1] * scale)
        return QRectF(self.width() - wide - MAP_GAP, self.height() - high - MAP_GAP, wide, high)

    def paint_map(self, p: QPainter) -> None:
        """The minimap, and what part of it is seen."""
        box = self.map_box()
        if box is None or self._theme is None:
            return
        theme, seen = self._theme, self.seen()
        back = QColor(theme.color("panel"))
        back.setAlphaF(0.94)
        p.setPen(QPen(theme.color("line"), 1))
        p.setBrush(back)
        p.drawRoundedRect(box.adjusted(-4, -4, 4, 4), 5, 5)
        p.save()
        p.setClipRect(box)
        self.paint_thumbnail(p, box)
        sx, sy = box.width() / self.extent[0], box.height() / self.extent[1]
        part = QRectF(box.x() + seen.x() * sx, box.y() + seen.y() * sy, seen.width() * sx, seen.height() * sy)
        part = part.intersected(box)
        part.setSize(part.size().expandedTo(QRectF(0, 0, 4, 4).size()))
        wash = theme.color("accent")
        wash.setAlphaF(0.16)
        p.setPen(QPen(theme.color("accent"), 1.4))
        p.setBrush(wash)
        p.drawRect(part.adjusted(0.7, 0.7, -0.7, -0.7))
        p.restore()

    def _map_to(self, at: QPointF) -> None:
        box = self.map_box()
        if box is not None:
            room = self.room()
            x = (at.x() - box.x()) / box.width() * self.extent[0]
            y = (at.y() - box.y()) / box.height() * self.extent[1]
            self.offset = room.center() - QPointF(x * self.zx, y * self.zy)
            self.clamp()
            self._moved()

    # --- events

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """All of it stays in, where it was."""
        super().resizeEvent(event)
        if self.fitted:
            self.fit()
        else:
            self.clamp()
            self._moved()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom; with Shift only across."""
        turn = event.angleDelta().y() or event.angleDelta().x()
        if turn:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier) and not self.SAME_SCALE
            self.zoom(ZOOM ** (turn / 120), event.position(), down=not shift)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click, a drag, a frame or a jump in the minimap begins."""
        box = self.map_box()
        at = event.position()
        if event.button() == Qt.MouseButton.LeftButton and box is not None and box.contains(at):
            self._mapping = True
            self._map_to(at)
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = self._last = at
            self._panning = event.button() == Qt.MouseButton.MiddleButton
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not self._panning:
                self.marquee = QRectF(at, at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag, draw the frame, or hover."""
        at = event.position()
        if self._mapping:
            self._map_to(at)
        elif self.marquee is not None:
            self.marquee = QRectF(self.marquee.topLeft(), at)
            self.update()
        elif self._press is not None:
            far = (at - self._press).manhattanLength() >= QApplication.startDragDistance()
            if far and not self._panning:
                self._panning = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
            if self._panning:
                self.pan(at.x() - self._last.x(), at.y() - self._last.y())
                self._last = at
        else:
            box = self.map_box()
            self.hover(None if box is not None and box.contains(at) else at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The end of it."""
        frame, self.marquee = self.marquee, None
        pressed, self._press = self._press, None
        panned, self._panning = self._panning, False
        if self._mapping:
            self._mapping = False
            return
        if panned:
            self.unsetCursor()
        elif frame is not None and frame.normalized().width() + frame.normalized().height() > 6:
            area = frame.normalized().intersected(self.room())
            self.selected_area(QRectF(self.to_extent(area.topLeft()), self.to_extent(area.bottomRight())))
        elif pressed is not None and event.button() == Qt.MouseButton.LeftButton:
            self.click(event.position(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move the cursor, Enter selects, plus, minus and 0 zoom, Escape drops a frame."""
        key = Key(event.key())
        if key in _ARROWS:
            self.step(*_ARROWS[key])
        elif key in (Key.Key_Return, Key.Key_Enter):
            self.enter()
        elif key == Key.Key_Space:
            self.toggle()
        elif key in (Key.Key_Plus, Key.Key_Equal, Key.Key_Minus):
            self.zoom(1 / ZOOM if key == Key.Key_Minus else ZOOM, self.room().center())
        elif key == Key.Key_0:
            self.fit()
        elif key == Key.Key_Escape and self.marquee is not None:
            self.marquee = self._press = None
            self.update()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Tooltips."""
        if event.type() == QEvent.Type.Leave:
            self.hover(None)
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), plain_tip(self.words_at(QPointF(event.pos()))), self)
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of what is there."""
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        target = self.target_at(None if keyboard else QPointF(event.pos()))
        if target is not None:
            pid, vpn = target
            self._selection.select(pid, vpn)
            values = {"pid": pid, "vpn": vpn} if vpn >= 0 else {"pid": pid}
            self.context_requested.emit("vma" if vpn >= 0 else "process", values, event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Hide it again."""
        super().focusOutEvent(event)
        self.update()
