"""The keyboard in the memory map: arrows walk the selection, Ctrl and arrows carry the selected vma along."""

from __future__ import annotations

import numpy as np
from attrs import evolve, frozen
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.units import Span
from rmapexplorer.gui import memory_drag as dragging
from rmapexplorer.gui.memory_bubble import Bubble
from rmapexplorer.gui.memory_scene import Scene
from rmapexplorer.gui.memory_surface import MapSurface
from rmapexplorer.gui.selection import Selection

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


class MapKeys(MapSurface):
    """The surface with a drag that keys can carry; the mouse comes in MapCanvas."""

    asked = Signal(object)
    """Operations whose verdict is wanted while a drag is under way."""
    dropped = Signal(object)
    """Operations to submit."""

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(selection, parent)
        self.bubble = Bubble(self)
        self.laid_out.connect(self.bubble.dismiss)

    # --- a drag under way, whoever moves it

    def carry(self, drag: dragging.Drag, at: QPointF) -> None:
        """Show ``drag`` with the pointer at ``at`` and ask for its verdict where that is not known."""
        s = self.scene
        if s is None:
            return
        live = s.live or dragging.Live(drag, at.x(), at.y())
        live.drag, live.x, live.y = drag, at.x(), at.y()
        s.live = live
        if not drag.operations:
            live.text, live.tone, live.known = drag.note, "bad" if drag.note == dragging.NO_FRONT else "dim", ()
        elif not live.fresh:
            self.asked.emit(drag.operations)
        self._shown(s)

    def _shown(self, s: Scene) -> None:
        """The drag, or its verdict, is another."""
        if s.live is None:
            self.bubble.dismiss()
        else:
            top = s.y(int(s.rows.of_task[s.live.drag.task]))
            self.bubble.tell(s, s.live, (top, top + s.box_height))
        self._describe(s)
        self.viewport().update()

    def consider(self, operations: tuple[Operation, ...]) -> None:
        """Show the verdict on ``operations`` in place of those that a drop would submit (the menu of a marked span)."""
        s = self.scene
        if s is not None and s.live is not None and s.live.drag.instead != operations:
            s.live.drag = evolve(s.live.drag, instead=operations)
            self.asked.emit(operations)

    def set_verdict(self, operations: object, text: str, tone: str) -> None:
        """What ``operations`` would do, in one line; tone is "good", "warn" or "bad"."""
        s = self.scene
        if s is not None and s.live is not None and s.live.drag.operations == operations:
            s.live.text, s.live.tone, s.live.known = text, tone, s.live.drag.operations
            self._shown(s)

    def drop(self) -> None:
        """Submit what is dragged, refused or not: a refused call is a result too."""
        s = self.scene
        if s is None or s.live is None:
            return
        live, s.live = s.live, None
        drag, operations = live.drag, live.drag.operations
        if operations:
            inside = self._selection.pid == drag.pid and self._selection.vpn in drag.span
            self.dropped.emit(operations)
            if inside and drag.kind == "move" and not (live.fresh and live.tone == "bad"):
                self._selection.select(drag.pid, drag.to + self._selection.vpn - drag.span.start)
        self._shown(s)

    def abandon(self) -> bool:
        """Forget the drag, if any; True where there was one."""
        s = self.scene
        if s is None or s.live is None:
            return False
        s.live = None
        self._shown(s)
        return True

    # --- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move the selection, or what is carried; Enter opens the menu or drops; plus, minus and 0 zoom."""
        s, key = self.scene, event.key()
        if s is None:
            return
        self.settle()
        if s.live is not None:
            self._carry_on(event)
        elif event.modifiers() & Control and event.modifiers() & Shift and self._along(event):
            self._extend(self._along(event))
        elif event.modifiers() & Control and key in (Key.Key_Left, Key.Key_Right, Key.Key_Up, Key.Key_Down):
            self._take_up(event)
        elif not self._plain_key(event):
            super().keyPressEvent(event)

    def _plain_key(self, event: QKeyEvent) -> bool:
        s, key = self.scene, event.key()
        assert s is not None
        along = self._along(event)
        down = {Key.Key_Up: -1, Key.Key_Down: 1}.get(Key(key), 0)
        if along:
            self._step(along, bool(event.modifiers() & Shift))
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
            return False
        return True

    def _along(self, event: QKeyEvent) -> int:
        s = self.scene
        assert s is not None
        return {Key.Key_Left: -1, Key.Key_Right: 1}.get(Key(event.key()), 0) * (-1 if s.window.flipped else 1)

    def _extend(self, by: int) -> None:
        """Ctrl, Shift and left or right mark a span from the selected page on; Enter then opens its menu."""
        s = self.scene
        if s is None or s.task < 0 or s.vpn < 0:
            return
        low, high = s.vpn, s.vpn + 1
        if s.span is not None and s.span[0] == s.task and s.span[1] <= s.vpn < s.span[2]:
            low, high = s.span[1:]
        if by > 0:
            low, high = (low + 1, high) if low < s.vpn else (low, high + 1)
        else:
            low, high = (low, high - 1) if high > s.vpn + 1 else (max(low - 1, 0), high)
        s.span = (s.task, low, high)
        self._describe(s)
        self.viewport().update()

    def _take_up(self, event: QKeyEvent) -> None:
        """Ctrl and left or right take the selected vma (or the marked span) up; up and down its end."""
        s = self.scene
        assert s is not None
        vma = s.vma_at(s.task, s.vpn) if s.task >= 0 and s.vpn >= 0 else -1
        if vma < 0:
            return
        v = s.frame.vmas
        span = Span(int(v.start[vma]), int(v.end[vma]))
        if s.span is not None and s.span[0] == s.task and s.span[1] <= s.vpn < s.span[2]:
            span = Span(s.span[1], s.span[2])
        moves = self._along(event) != 0
        s.live = dragging.Live(
            dragging.Drag(
                kind="move" if moves else "end",
                task=s.task,
                pid=self._selection.pid,
                span=span,
                grab=s.vpn,
                to=span.start if moves else span.end,
                flags=int(v.flags[vma]),
            ),
            0.0,
            0.0,
            by_keys=True,
        )
        self._carry_on(event)

    def _carry_on(self, event: QKeyEvent) -> None:
        s, key = self.scene, event.key()
        assert s is not None and s.live is not None
        drag = s.live.drag
        if key == Key.Key_Escape:
            self.abandon()
            return
        if key in (Key.Key_Return, Key.Key_Enter):
            self.drop()
            return
        pages = self._along(event) or {Key.Key_Up: 1, Key.Key_Down: -1}.get(Key(key), 0)
        borders = {Key.Key_PageUp: -1, Key.Key_PageDown: 1, Key.Key_Home: -1, Key.Key_End: 1}.get(Key(key), 0)
        if drag.kind != "cut" and (pages or borders):
            drag = dragging.stepped(s, drag, pages or borders, borders != 0)
            x = s.gutter + float(s.window.x(s.axis.unit(drag.to)))
            self._bring(drag.to)
            self.carry(drag, QPointF(x, s.y(int(s.rows.of_task[drag.task])) + s.box_height))

    def _bring(self, vpn: int) -> None:
        """Pan as little as it takes to show page number ``vpn``."""
        s = self.scene
        if s is not None and not s.window.is_fit:
            x = float(s.window.x(s.axis.unit(vpn)))
            if not 0 <= x <= s.window.width:
                self._look(s.window.panned(s.window.width / 2 - x))

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

    # --- menus

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

    def _drag_at(self, live: dragging.Live, at: QPointF, may_move: bool, free: bool) -> dragging.Drag:
        """The drag with the pointer at ``at`` of the viewport."""
        s = self.scene
        assert s is not None
        row = int((at.y() - s.top + s.scroll) // s.pitch) if at.y() >= s.top else -1
        other = 0 <= row < len(s.rows) and int(s.rows.task[row]) != live.drag.task and live.drag.kind == "move"
        drag = evolve(live.drag, outside=other, may_move=may_move, free=free)
        return dragging.dragged(s, drag, at.x() - s.gutter)
