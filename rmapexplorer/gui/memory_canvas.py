"""The memory map under the mouse: clicks, panning, marked spans, and vmas dragged to another place.

Which gesture a press becomes is decided in ``_gesture``; what a drag means is memory_drag's.
"""

from __future__ import annotations

from attrs import define
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_drag as dragging
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_keys import ZOOM, Control, Hit, Key, MapKeys, Shift
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.selection import Selection

SNAP = 3.0
"""A click this many pixels beside a vma still means it."""
FRINGE = 24.0
"""A drag this near to an end of the strips pans them, a little every FRINGE_MS milliseconds."""
FRINGE_MS = 33

Alt = Qt.KeyboardModifier.AltModifier
Cursor = Qt.CursorShape


@define
class Gesture:
    """A mouse press on its way: "press" until it moves, then "pan", "span" or "drag"."""

    kind: str
    at: QPointF
    last: QPointF
    hit: Hit | None
    button: Qt.MouseButton = Qt.MouseButton.LeftButton


class MapCanvas(MapKeys):
    """The surface with mouse and keys."""

    cut_requested = Signal(object, QPoint)
    """A span was marked with Alt (a Drag): what is to be done to it, and where to ask."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self._gesture_now: Gesture | None = None
        self._space = False
        self._fringe = QTimer(self)
        self._fringe.setInterval(FRINGE_MS)
        self._fringe.timeout.connect(self._creep)

    def set_frame(self, frame: Frame) -> None:
        """Show ``frame``; what changed by one operation moves there, where motion is wanted."""
        before = self.scene.frame if self.scene is not None else None
        super().set_frame(frame)
        if not self.laying_out:
            self.motion.begin(before, frame)

    def hit(self, at: QPointF) -> Hit | None:
        """What is under a point of the viewport; None outside the rows."""
        s = self.scene
        if s is None or at.y() < s.top:
            return None
        row = int((at.y() - s.top + s.scroll) // s.pitch)
        if not 0 <= row < len(s.rows):
            return None
        task, x = int(s.rows.task[row]), at.x() - s.gutter
        if x < 0:
            return Hit(row, task, -1, -1)
        vpn = s.axis.page(s.window.unit(min(x, s.window.width)))
        vma = s.vma_at(task, vpn)
        for offset in (-SNAP, SNAP) if vma < 0 else ():
            near = s.axis.page(s.window.unit(min(max(x + offset, 0.0), s.window.width)))
            i = s.vma_at(task, near)
            if i >= 0:
                return Hit(row, task, i, near)
        return Hit(row, task, vma, vpn)

    # --- gestures

    def _gesture(self, event: QMouseEvent, g: Gesture) -> str:
        """What a drag that started as ``g`` will be."""
        s, hit = self.scene, g.hit
        pans = g.button == Qt.MouseButton.MiddleButton or self._space
        if s is None or pans or hit is None or hit.vpn < 0 or s.rows.folded[hit.row]:
            return "pan"
        if event.modifiers() & Shift:
            return "span"
        drag = None
        if event.modifiers() & Alt:
            pid = int(s.frame.tasks.pid[hit.task])
            span = Span(hit.vpn, hit.vpn + 1)
            drag = dragging.Drag(kind="cut", task=hit.task, pid=pid, span=span, grab=hit.vpn, to=hit.vpn)
        elif hit.vma >= 0:
            drag = dragging.grip(s, hit.task, hit.vma, g.at.x() - s.gutter, hit.vpn)
        if drag is None:
            return "pan"
        s.live, s.hover = dragging.Live(drag, g.at.x(), g.at.y()), None
        QToolTip.hideText()
        return "drag"

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Nothing happens until it is clear what it is: a click or a drag."""
        self.settle()
        if self.abandon():
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            hit = self.hit(event.position())
            self._gesture_now = Gesture("press", event.position(), event.position(), hit, event.button())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Carry on with a gesture, or highlight what is under the mouse."""
        g, s = self._gesture_now, self.scene
        if g is None:
            if s is None or s.live is None:
                self._hover(self.hit(event.position()), event.position())
            return
        far = (event.position() - g.at).manhattanLength() >= QApplication.startDragDistance()
        if g.kind == "press" and far:
            g.kind = self._gesture(event, g)
            self.viewport().setCursor(self._held(g.kind))
        if g.kind == "pan":
            self._pan(event.position() - g.last)
        elif g.kind == "span":
            self._mark(g, event.position())
        g.last = event.position()
        if g.kind == "drag":
            self._drag_on(g.last, bool(event.modifiers() & Control), bool(event.modifiers() & Shift))

    def _held(self, kind: str) -> Cursor:
        live = self.scene.live if self.scene is not None else None
        if kind == "drag" and live is not None:
            ends = {"move": Cursor.ClosedHandCursor, "cut": Cursor.CrossCursor}
            return ends.get(live.drag.kind, Cursor.SizeHorCursor)
        return Cursor.ClosedHandCursor if kind == "pan" else Cursor.CrossCursor

    def _drag_on(self, at: QPointF, may_move: bool, free: bool) -> None:
        s = self.scene
        if s is None or s.live is None:
            return
        x = at.x() - s.gutter
        if s.window.is_fit or FRINGE <= x <= s.window.width - FRINGE:
            self._fringe.stop()
        elif not self._fringe.isActive():
            self._fringe.start()
        self.carry(self._drag_at(s.live, at, may_move, free), at)

    def _creep(self) -> None:
        """The pointer rests at an end of the strips with a vma in hand: what lies beyond comes into view."""
        s, g = self.scene, self._gesture_now
        if s is None or s.live is None or g is None or g.kind != "drag":
            self._fringe.stop()
            return
        left = s.window.left
        self._look(s.window.panned(14.0 if g.last.x() - s.gutter < FRINGE else -14.0))
        if s.window.left == left:
            self._fringe.stop()
        self.carry(self._drag_at(s.live, g.last, s.live.drag.may_move, s.live.drag.free), g.last)

    def _pan(self, by: QPointF) -> None:
        if self.scene is not None:
            self._look(self.scene.window.panned(by.x()))
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() - round(by.y()))

    def _mark(self, g: Gesture, at: QPointF) -> None:
        s = self.scene
        if s is None or g.hit is None:
            return
        vpn = s.axis.page(s.window.unit(min(max(at.x() - s.gutter, 0.0), s.window.width)))
        s.span = (g.hit.task, min(vpn, g.hit.vpn), max(vpn, g.hit.vpn) + 1)
        self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click selects; a marked span asks for its menu; what is dragged drops."""
        g, s = self._gesture_now, self.scene
        if g is None or s is None or event.button() != g.button:
            return
        self._gesture_now = None
        where = event.globalPosition().toPoint()
        if g.kind == "span" and s.span is not None:
            task, low, high = s.span
            pid = int(s.frame.tasks.pid[task])
            self.context_requested.emit("span", {"pid": pid, "span": Span(low, high)}, where)
        elif g.kind == "drag" and s.live is not None:
            if s.live.drag.kind == "cut":
                self.cut_requested.emit(s.live.drag, where)
            else:
                self.drop()
        elif g.kind == "press" and g.button == Qt.MouseButton.LeftButton:
            s.span = None
            self._click(g.hit)
        self._hover(self.hit(event.position()), event.position())
        self.viewport().update()

    def _click(self, hit: Hit | None) -> None:
        s = self.scene
        if hit is None or s is None:
            return
        if s.rows.folded[hit.row] or (hit.task in s.unfolded and hit.vpn < 0):
            self.toggle(hit.task)
        else:
            self._selection.select(int(s.frame.tasks.pid[hit.task]), hit.vpn if hit.vma >= 0 else -1)

    def abandon(self) -> bool:
        """Forget the drag, if any, and the press it came from."""
        if not super().abandon():
            return False
        self._gesture_now = None
        self.viewport().unsetCursor()
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space held pans; the rest is for MapKeys."""
        if event.key() == Key.Key_Space:
            self._space = True
            self.viewport().setCursor(Cursor.OpenHandCursor)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Space let go."""
        if event.key() == Key.Key_Space and not event.isAutoRepeat():
            self._space = False
            self.viewport().unsetCursor()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Keys let go elsewhere are let go."""
        super().focusOutEvent(event)
        self._space = False

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Zoom to the vma, or back out on the background."""
        hit = self.hit(event.position())
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self.scene is not None and hit is not None and hit.vma >= 0:
            vmas = self.scene.frame.vmas
            self.zoom_to(int(vmas.start[hit.vma]), int(vmas.end[hit.vma]))
        elif hit is None or hit.vpn >= 0:
            self.reset()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom at the cursor; over the names scroll the rows, sideways pan. A drag stays under way."""
        s, turn = self.scene, event.angleDelta()
        if s is None:
            return
        self.settle()
        if abs(turn.x()) > abs(turn.y()) or event.modifiers() & Shift:
            self._look(s.window.panned((turn.x() or turn.y()) / 2))
        elif event.position().x() < s.gutter and not event.modifiers() & Control:
            super().wheelEvent(event)
            return
        else:
            self.zoom(ZOOM ** (turn.y() / 120), event.position().x())
        if s.live is not None and self._gesture_now is not None:
            self._drag_on(event.position(), s.live.drag.may_move, s.live.drag.free)
        event.accept()

    # --- hover and menus

    def _hover(self, hit: Hit | None, at: QPointF | None = None) -> None:
        s = self.scene
        if s is None or s.live is not None:
            return
        over = (hit.row, hit.vma) if hit is not None and hit.vma >= 0 and not s.rows.folded[hit.row] else None
        self.viewport().setCursor(self._shape(hit, at) if over else Cursor.ArrowCursor)
        if over != s.hover:
            s.hover = over
            self.viewport().update()

    def _shape(self, hit: Hit | None, at: QPointF | None) -> Cursor:
        s = self.scene
        if s is None or hit is None or at is None:
            return Cursor.PointingHandCursor
        drag = dragging.grip(s, hit.task, hit.vma, at.x() - s.gutter, hit.vpn)
        return Cursor.SizeHorCursor if drag is not None and drag.kind != "move" else Cursor.PointingHandCursor

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of the vma, the marked span or the process under the mouse."""
        hit = self.hit(QPointF(event.pos()))
        if hit is not None and not self.abandon():
            self._ask_menu(hit, event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        """Tooltips of vmas and folded rows; the highlight goes with the mouse."""
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = QPointF(event.pos())
            QToolTip.showText(event.globalPos(), plain_tip(self.tip(self.hit(at), at)), self.viewport())
            return True
        return super().viewportEvent(event)

    def tip(self, hit: Hit | None, at: QPointF | None = None) -> str:
        """The tooltip for what is under a point."""
        s = self.scene
        if s is None or hit is None or s.live is not None:
            return ""
        tasks = s.frame.tasks
        if s.rows.folded[hit.row]:
            n = int(s.rows.count[hit.row])
            return (
                f"{n:,} processes with the same vmas as {tasks.comm[hit.task]} {tasks.pid[hit.task]}: click to unfold"
            )
        if hit.vma >= 0:
            return style.tooltip(s.frame, hit.task, hit.vma, hit.vpn)
        if hit.vpn < 0:
            return f"{tasks.comm[hit.task]} {tasks.pid[hit.task]}, {plural(int(tasks.vmas[hit.task]), 'vma')}"
        if at is None:
            return ""
        return style.left_behind(s.frame, s.vmas(hit.task), hit.vpn) or self._gap(at)

    def _gap(self, at: QPointF) -> str:
        """How long the squeezed gap under a point is."""
        s = self.scene
        assert s is not None
        unit = s.window.unit(at.x() - s.gutter)
        if s.axis.kind_at(unit) != geo.BREAK:
            return ""
        low, high = s.axis.piece(unit)
        return f"{places.shown().span(low, high)}: a gap of {high - low:,} pages, squeezed"
