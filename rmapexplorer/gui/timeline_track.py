"""The track of the timeline: every operation of the branch, and the handle that says which of them have happened.

Few operations are dots with their names, many are marks, higher where they change vmas. Geometry is in plain functions.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from rmapexplorer.engine.frames import HistoryEntry, PathChanged
from rmapexplorer.gui import timeline_marks as pins
from rmapexplorer.gui.models.history import Path, tip
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme
from rmapexplorer.gui.timeline_marks import Markers, Marks, labelled, place, position_at, word

FEW = 40
"""Up to so many operations are dots; beyond, marks."""

COALESCE_MS = 25
"""While dragging, at most one seek in this time."""

SNAP = 4
"""A click so near to a bookmark's flag goes to the bookmark, in device-independent pixels."""

MARGIN = 16
"""Room at both ends of the track, in device-independent pixels."""


class Track(QWidget):
    """The line with its handle: drag, click, wheel and keys."""

    seek_requested = Signal(int)
    menu_requested = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = Path()
        self.position, self.head = 0, 0
        self.bookmarks: dict[int, str] = {}
        self.markers: Markers = (None, None)
        self.pending = -1
        """Where the user has put the handle and no frame has come back yet; -1 for none."""
        self._theme: Theme | None = None
        self._hover, self._dragging, self._sent = -1, False, -1
        self._marks: tuple[int, Marks] | None = None
        self._drawn: tuple[object, tuple[QPixmap, QPixmap]] | None = None
        self._timer = QTimer(self, interval=COALESCE_MS, singleShot=True)
        self._timer.timeout.connect(self._send)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAccessibleName("Timeline position")
        self._names = scaled(self.font(), 0.88)

    # -- state --------------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def set_path(self, change: PathChanged) -> None:
        """Take a change of the branch."""
        self.path.apply(change)
        self._marks = None
        self.update()

    def set_place(self, position: int, head: int) -> None:
        """Where the engine is."""
        self.position, self.head = position, head
        if not self._dragging:
            self.pending = -1
        self.update()

    def set_marks(self, bookmarks: dict[int, str], markers: Markers) -> None:
        """What is pinned to the track."""
        if (bookmarks, markers) != (self.bookmarks, self.markers):
            self.bookmarks, self.markers = bookmarks, markers
            self.update()

    @property
    def shown(self) -> int:
        """The position of the handle."""
        return self.pending if self.pending >= 0 else self.position

    def entry(self, position: int) -> HistoryEntry | None:
        """The operation that led to ``position``; None at the start."""
        return self.path.entries[position - 1] if 0 < position <= len(self.path) else None

    # -- geometry -----------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for the handle and one line of names."""
        return QSize(400, 28 + QFontMetrics(self._names).height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Never lower than its names."""
        return QSize(120, self.sizeHint().height())

    def line(self) -> tuple[float, float, float]:
        """(left, width, y) of the track."""
        spare = self.height() - 16 - QFontMetrics(self._names).height()
        return float(MARGIN), float(max(self.width() - 2 * MARGIN, 1)), max(spare / 2, 2.0) + 7.0

    def x_of(self, position: int) -> float:
        """x of a position, in pixels of this widget."""
        left, width, _ = self.line()
        return place(position, self.head, left, width)

    def _at(self, x: float) -> int:
        left, width, _ = self.line()
        return position_at(x, self.head, left, width)

    def _snapped(self, x: float) -> int:
        """The position at ``x``, or that of a bookmark whose flag is there."""
        near = min(self.bookmarks, key=lambda p: abs(self.x_of(p) - x), default=-1)
        return near if near >= 0 and abs(self.x_of(near) - x) <= SNAP else self._at(x)

    # -- painting -----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Track, operations, handle."""
        if self._theme is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, width, y = self.line()
        accent = self._theme.color("accent")
        pins.draw_span(painter, self._theme, self.markers, self.x_of, y)
        for end, color in ((left + width, self._theme.color("line")), (self.x_of(self.shown), accent)):
            painter.setPen(QPen(color, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QPointF(left, y), QPointF(max(end, left), y))
        if self.head <= FEW:
            self._draw_dots(painter, y)
        else:
            self._draw_marks(painter, y)
        pins.draw_bookmarks(painter, self._theme, self.bookmarks, self.x_of, y)
        pins.draw_markers(painter, self._theme, self.markers, self.x_of, y, scaled(self.font(), 0.78, bold=True))
        self._draw_handle(painter, y)
        painter.end()

    def _draw_dots(self, painter: QPainter, y: float) -> None:
        theme = self._theme
        assert theme is not None
        for position in range(self.head + 1):
            entry, x = self.entry(position), self.x_of(position)
            token = "accent" if position <= self.shown else "faint"
            if entry is not None and entry.error:
                painter.setPen(QPen(theme.color("bad"), 2))
                painter.drawLine(QPointF(x - 3.5, y - 3.5), QPointF(x + 3.5, y + 3.5))
                painter.drawLine(QPointF(x - 3.5, y + 3.5), QPointF(x + 3.5, y - 3.5))
                continue
            grown = 1.0 if position == self._hover else 0.0
            painter.setPen(QPen(theme.color(token), 2) if position == 0 else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("panel" if position == 0 else token))
            painter.drawEllipse(QPointF(x, y), 3.5 + grown, 3.5 + grown)
        self._draw_names(painter, theme)

    def _draw_names(self, painter: QPainter, theme: Theme) -> None:
        entries = [self.entry(p) for p in range(self.head + 1)]
        names = [word(e) for e in entries]
        bold = scaled(self.font(), 0.88, bold=True)
        metrics, heavy = QFontMetrics(self._names), QFontMetrics(bold)
        now = self.shown
        widths = [float((heavy if p == now else metrics).horizontalAdvance(n)) for p, n in enumerate(names)]
        top = self.line()[2] + 9
        for p in labelled([self.x_of(p) for p in range(self.head + 1)], widths, now):
            entry, x = entries[p], self.x_of(p) - widths[p] / 2
            x = min(max(x, 0.0), self.width() - widths[p])
            token = "bad" if entry is not None and entry.error else "text" if p == now else "dim"
            painter.setFont(bold if p == now else self._names)
            painter.setPen(theme.color(token))
            painter.drawText(QRectF(x, top, widths[p] + 2, metrics.height()), Qt.AlignmentFlag.AlignVCenter, names[p])

    def _draw_marks(self, painter: QPainter, y: float) -> None:
        theme = self._theme
        assert theme is not None
        left, width, _ = self.line()
        ratio, now = self.devicePixelRatioF(), int(self.x_of(self.shown)) + 1
        for picture, first, last in zip(self._pictures(theme), (0, now), (now, self.width()), strict=True):
            wanted = QRectF(first, 0, last - first, self.height())
            source = QRectF(first * ratio, 0, wanted.width() * ratio, wanted.height() * ratio)
            painter.drawPixmap(wanted, picture, source)
        painter.setFont(self._names)
        painter.setPen(theme.color("dim"))
        text = QRectF(left, y + 13, width, QFontMetrics(self._names).height())
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft, "start")
        painter.drawText(text, Qt.AlignmentFlag.AlignRight, f"{self.head:,}")

    def _pictures(self, theme: Theme) -> tuple[QPixmap, QPixmap]:
        """All marks as they look before the handle, and as they look behind it."""
        ratio, (left, width, y) = self.devicePixelRatioF(), self.line()
        key = (self.size(), ratio, theme.name, self._binned(int(width)))
        if self._drawn is None or self._drawn[0] != key:
            made = [QPixmap(self.size() * ratio) for _ in range(2)]
            for picture, token in zip(made, ("accent", "faint"), strict=True):
                picture.setDevicePixelRatio(ratio)
                picture.fill(Qt.GlobalColor.transparent)
                painter = QPainter(picture)
                pins.draw_marks(painter, theme, token, self._binned(int(width)), left, y)
                painter.end()
            self._drawn = (key, (made[0], made[1]))
        return self._drawn[1]

    def _binned(self, bins: int) -> Marks:
        if self._marks is None or self._marks[0] != bins:
            self._marks = (bins, pins.binned(self.path.entries, max(bins, 1)))
        return self._marks[1]

    def _draw_handle(self, painter: QPainter, y: float) -> None:
        theme = self._theme
        assert theme is not None
        x = self.x_of(self.shown)
        painter.setPen(QPen(theme.color("panel"), 1.5))
        painter.setBrush(theme.color("accent"))
        painter.drawEllipse(QPointF(x, y), 7, 7)
        if self.hasFocus():
            painter.setPen(QPen(theme.color("text"), 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), 9.5, 9.5)
        if self.head > FEW and self._hover >= 0 and not self._dragging:
            painter.setPen(QPen(theme.color("faint"), 1))
            painter.drawLine(QPointF(self.x_of(self._hover), y - 8), QPointF(self.x_of(self._hover), y + 8))

    # -- mouse and keys -----------------------------------------------------------------------------------------------

    def go(self, position: int) -> None:
        """Put the handle at a position and ask for it, at most once in COALESCE_MS."""
        position = min(max(position, 0), self.head)
        if position == self.shown:
            return
        self.pending = position
        self.update()
        if not self._timer.isActive():
            self._send()
            self._timer.start()

    def _send(self) -> None:
        if self.pending >= 0 and self.pending != self._sent:
            self._sent = self.pending
            self.seek_requested.emit(self.pending)
            self._timer.start()
        elif not self._dragging:
            self._sent = -1

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The handle comes to the mouse."""
        if event.button() == Qt.MouseButton.LeftButton and self.head:
            self._dragging, self._sent = True, -1
            self.go(self._snapped(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag, or light up what is under the mouse."""
        over = self._at(event.position().x())
        if self._dragging:
            self.go(over)
        elif over != self._hover:
            self._hover = over
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """The last place counts, however fast the mouse was."""
        if event.button() == Qt.MouseButton.LeftButton and self._dragging:
            self._dragging = False
            self._send()
            self._sent = -1

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Nothing is under the mouse."""
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """One operation a notch."""
        turn = event.angleDelta().y() or event.angleDelta().x()
        if turn:
            self._sent = -1
            self.go(self.shown + (-1 if turn > 0 else 1))
            event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows, Home, End, Page up and down."""
        page = max(1, self.head // 10)
        moves = {
            Qt.Key.Key_Left: self.shown - 1,
            Qt.Key.Key_Right: self.shown + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: self.head,
            Qt.Key.Key_PageUp: self.shown - page,
            Qt.Key.Key_PageDown: self.shown + page,
        }
        target = moves.get(Qt.Key(event.key()))
        if target is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            super().keyPressEvent(event)
            return
        self._sent = -1
        self.go(target)

    def event(self, event: QEvent) -> bool:
        """The tooltip names the operation under the mouse."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.head:
            position = self._snapped(event.pos().x())
            near = [p for p in self.bookmarks if abs(self.x_of(p) - event.pos().x()) < 6]
            notes = "".join(f"\n⚑ {p:,}  {self.bookmarks[p]}".rstrip() for p in near)
            QToolTip.showText(event.globalPos(), plain_tip(f"{position:,}  {tip(self.entry(position))}{notes}"), self)
            return True
        if event.type() == QEvent.Type.ContextMenu and self.head:
            self.menu_requested.emit(self._at(event.pos().x()), event.globalPos())  # type: ignore[attr-defined]
            return True
        return super().event(event)
