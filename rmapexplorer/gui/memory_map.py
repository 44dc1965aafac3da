"""The memory map: every process a strip on one address axis, the selected page a warm bar in all of them.

Mouse and keys become selections and requests for menus here; geometry is in memory_geometry, painting in memory_paint.
"""

from __future__ import annotations

import numpy as np
from attrs import define, frozen
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui.memory_surface import MapSurface
from rmapexplorer.gui.panel import HeaderButton, HeaderChoice, Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Theme, Themes

SNAP = 3.0
"""A click this many pixels beside a vma still means it."""
ZOOM = 1.2
"""Of one notch of the wheel."""

Key = Qt.Key
Shift, Control = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@frozen
class Hit:
    """What lies under a point: row, process (row of TaskRows), vma (-1 none), page number (-1: the name)."""

    row: int
    task: int
    vma: int
    vpn: int


@define
class Gesture:
    """A mouse press on its way: "press" until it moves, then "pan" or "span"."""

    kind: str
    at: QPointF
    last: QPointF
    hit: Hit | None
    vpn: int = -1


class MapCanvas(MapSurface):
    """The surface with mouse and keys. New gestures (dragging a vma, say) are chosen in ``_gesture``."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self._gesture_now: Gesture | None = None

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

    def _gesture(self, event: QMouseEvent, hit: Hit | None) -> str:
        """What a drag that starts here will be."""
        return "span" if event.modifiers() & Shift and hit is not None and hit.vpn >= 0 else "pan"

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Nothing happens until it is clear what it is: a click or a drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            hit = self.hit(event.position())
            self._gesture_now = Gesture("press", event.position(), event.position(), hit)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Carry on with a gesture, or highlight what is under the mouse."""
        g = self._gesture_now
        if g is None:
            self._hover(self.hit(event.position()))
            return
        far = (event.position() - g.at).manhattanLength() >= QApplication.startDragDistance()
        if g.kind == "press" and far:
            g.kind = self._gesture(event, g.hit)
        if g.kind == "pan":
            self._pan(event.position() - g.last)
        elif g.kind == "span":
            self._mark(g, event.position())
        g.last = event.position()

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
        """A click selects; a marked span asks for its menu."""
        g, self._gesture_now, s = self._gesture_now, None, self.scene
        if g is None or s is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if g.kind == "span" and s.span is not None:
            task, low, high = s.span
            pid = int(s.frame.tasks.pid[task])
            self.context_requested.emit("span", {"pid": pid, "span": Span(low, high)}, event.globalPosition().toPoint())
        elif g.kind == "press":
            s.span = None
            self._click(g.hit)
        self.viewport().update()

    def _click(self, hit: Hit | None) -> None:
        s = self.scene
        if hit is None or s is None:
            return
        if s.rows.folded[hit.row] or (hit.task in s.unfolded and hit.vpn < 0):
            self.toggle(hit.task)
        else:
            self._selection.select(int(s.frame.tasks.pid[hit.task]), hit.vpn if hit.vma >= 0 else -1)

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
        """Zoom at the cursor; over the names scroll the rows, sideways pan."""
        s, turn = self.scene, event.angleDelta()
        if s is None:
            return
        if abs(turn.x()) > abs(turn.y()) or event.modifiers() & Shift:
            self._look(s.window.panned((turn.x() or turn.y()) / 2))
        elif event.position().x() < s.gutter:
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() - round(turn.y() / 120 * s.pitch * 3))
        else:
            self.zoom(ZOOM ** (turn.y() / 120), event.position().x())
        event.accept()

    def _hover(self, hit: Hit | None) -> None:
        s = self.scene
        if s is None:
            return
        over = (hit.row, hit.vma) if hit is not None and hit.vma >= 0 and not s.rows.folded[hit.row] else None
        if over != s.hover:
            s.hover = over
            self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
            self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of the vma, the marked span or the process under the mouse."""
        hit = self.hit(QPointF(event.pos()))
        if hit is not None:
            self._ask_menu(hit, event.globalPos())

    def _ask_menu(self, hit: Hit, where: QPoint) -> None:
        s = self.scene
        assert s is not None
        pid = int(s.frame.tasks.pid[hit.task])
        if s.span is not None and s.span[0] == hit.task and s.span[1] <= hit.vpn < s.span[2]:
            self.context_requested.emit("span", {"pid": pid, "span": Span(s.span[1], s.span[2])}, where)
        elif hit.vma >= 0:
            self._selection.select(pid, hit.vpn)
            span = Span(int(s.frame.vmas.start[hit.vma]), int(s.frame.vmas.end[hit.vma]))
            self.context_requested.emit("vma", {"pid": pid, "span": span, "vpn": hit.vpn}, where)
        else:
            self._selection.select(pid)
            self.context_requested.emit("process", {"pid": pid}, where)

    def viewportEvent(self, event: QEvent) -> bool:  # noqa: N802
        """Tooltips of vmas and folded rows; the highlight goes with the mouse."""
        if event.type() == QEvent.Type.Leave:
            self._hover(None)
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.tip(self.hit(QPointF(event.pos()))), self.viewport())
            return True
        return super().viewportEvent(event)

    def tip(self, hit: Hit | None) -> str:
        """The tooltip for what is under a point."""
        s = self.scene
        if s is None or hit is None:
            return ""
        tasks = s.frame.tasks
        if s.rows.folded[hit.row]:
            n = int(s.rows.count[hit.row])
            return (
                f"{n:,} processes with the same vmas as {tasks.comm[hit.task]} {tasks.pid[hit.task]}: click to unfold"
            )
        if hit.vma >= 0:
            return style.tooltip(s.frame, hit.task, hit.vma, hit.vpn)
        return f"{tasks.comm[hit.task]} {tasks.pid[hit.task]}, {tasks.vmas[hit.task]:,} vmas" if hit.vpn < 0 else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move the selection, Enter opens the menu, plus, minus and 0 zoom."""
        s, key = self.scene, event.key()
        if s is None:
            return
        along = {Key.Key_Left: -1, Key.Key_Right: 1}.get(Key(key), 0) * (-1 if s.window.flipped else 1)
        down = {Key.Key_Up: -1, Key.Key_Down: 1}.get(Key(key), 0)
        if along:
            self._step(along, bool(event.modifiers() & Control))
        elif down:
            self._change_row(down)
        elif key in (Key.Key_Return, Key.Key_Enter):
            self._menu_of_selection()
        elif key in (Key.Key_Plus, Key.Key_Equal, Key.Key_Minus):
            x = self._selected_point().x() if s.vpn >= 0 else s.gutter + s.window.width / 2
            self.zoom(1 / ZOOM if key == Key.Key_Minus else ZOOM, x)
        elif key == Key.Key_0:
            self.reset()
        elif key == Key.Key_Escape and s.span is not None:
            s.span = None
            self.viewport().update()
        else:
            super().keyPressEvent(event)

    def _step(self, by: int, whole: bool) -> None:
        """To the next page, or with ``whole`` to the next vma, in the selected process."""
        s = self.scene
        if s is None or s.task < 0 or s.vmas(s.task).start == s.vmas(s.task).stop:
            return
        v, mine, vma = s.frame.vmas, s.vmas(s.task), s.vma_at(s.task, s.vpn)
        if vma >= 0 and not whole and v.start[vma] <= s.vpn + by < v.end[vma]:
            self._selection.select(self._selection.pid, s.vpn + by)
            return
        if vma < 0:
            after = int(np.searchsorted(v.start[mine], s.vpn, side="right")) + mine.start
            vma = after if by > 0 else after - 1
        else:
            vma += by
        if mine.start <= vma < mine.stop:
            to = v.start[vma] if by > 0 or whole else v.end[vma] - 1
            self._selection.select(self._selection.pid, int(to))

    def _change_row(self, by: int) -> None:
        s = self.scene
        if s is None or not len(s.rows):
            return
        row = int(s.rows.of_task[s.task]) + by if s.task >= 0 else 0
        while 0 <= row < len(s.rows) and s.rows.folded[row]:
            row += by
        if not 0 <= row < len(s.rows):
            return
        task = int(s.rows.task[row])
        self._selection.select(int(s.frame.tasks.pid[task]), self._nearest(task, s.vpn))

    def _nearest(self, task: int, vpn: int) -> int:
        """The page of ``task`` that is mapped and nearest to ``vpn``; -1 stays -1."""
        s = self.scene
        assert s is not None
        v, mine = s.frame.vmas, s.vmas(task)
        if vpn < 0 or mine.start == mine.stop:
            return -1
        inside = np.clip(vpn, v.start[mine], v.end[mine] - 1)
        return int(inside[np.abs(inside - vpn).argmin()])

    def _selected_point(self) -> QPointF:
        s = self.scene
        assert s is not None
        x = float(s.window.x(s.axis.unit(s.vpn + 0.5))) if s.vpn >= 0 else -s.gutter / 2
        return QPointF(s.gutter + x, s.y(int(s.rows.of_task[s.task])) + s.box_height / 2)

    def _menu_of_selection(self) -> None:
        s = self.scene
        if s is not None and s.task >= 0:
            at = self._selected_point()
            vma = s.vma_at(s.task, s.vpn) if s.vpn >= 0 else -1
            hit = Hit(int(s.rows.of_task[s.task]), s.task, vma, s.vpn)
            self._ask_menu(hit, self.viewport().mapToGlobal(at.toPoint()))


class MemoryMap(Panel):
    """The panel: header with the colouring and the direction of the axis, the strips below."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__("Memory map", parent)
        self.setObjectName("memory_map")
        self.canvas = MapCanvas(selection)
        self.set_body(self.canvas)
        self.colour = HeaderChoice("colour", style.MODES)
        self.colour.setToolTip("What the colours of the vmas stand for")
        self.flip = HeaderButton("low address left", "Turn the address axis round")
        self.whole = HeaderButton("show all", "Zoom out to all addresses (0)")
        before: QWidget = self.canvas
        for button in (self.whole, self.colour, self.flip):
            self.header_layout().addWidget(button)
            QWidget.setTabOrder(before, button)
            before = button
        self.set_hint("gaps squeezed")
        self.set_footer("Click a page · double-click zooms to a vma, wheel zooms, drag pans · Shift-drag marks a span")
        self.colour.chosen.connect(self.canvas.set_mode)
        self.flip.clicked.connect(self._turn)
        self.whole.clicked.connect(self.canvas.reset)
        self.canvas.window_changed.connect(self._zoomed)
        self.canvas.context_requested.connect(self.context_requested)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)
        self.set_empty("No process yet: create one with Spawn, or open a scenario")
        self._zoomed()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self.canvas.set_theme(theme)

    def set_frame(self, frame: Frame) -> None:
        """Show the processes of ``frame``."""
        self.canvas.set_frame(frame)
        n = len(frame.tasks.pid)
        self.set_empty(None if n else "No process yet: create one with Spawn, or open a scenario")
        self._zoomed()

    def set_walk_step(self, revealed: int) -> None:
        """Outline what the first ``revealed`` steps of the walk visit."""
        self.canvas.set_walk_step(revealed)

    def _turn(self) -> None:
        flipped = not self.flip.text().endswith("right")
        self.flip.setText("low address right" if flipped else "low address left")
        self.canvas.set_flipped(flipped)

    def _zoomed(self) -> None:
        scene = self.canvas.scene
        self.whole.setVisible(scene is not None and not scene.window.is_fit)
