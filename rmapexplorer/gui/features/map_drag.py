"""Dragging in the memory map: verdicts are asked of the engine while it lasts, and what is dropped is submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPoint, QTimer
from PySide6.QtWidgets import QMenu

from rmapexplorer.gui import places
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.engine.frames import Frame
    from rmapexplorer.gui.memory_drag import Drag
    from rmapexplorer.gui.window import MainWindow

ASK_MS = 30
"""The engine is asked for a verdict at most once in so many milliseconds, and once the last answer is there."""


class MapDrag(Feature):
    """Joins the memory map's drags with the engine. It has no actions: what is dropped is an operation like any other."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._canvas: Any = None
        self._waiting = False
        self._next: tuple[Any, ...] | None = None
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(ASK_MS)
        self._pause.timeout.connect(self._ask_next)

    def built(self) -> None:
        """Listen to the map."""
        self.view_made("memory_map")

    def view_made(self, name: str) -> None:
        """Listen to the map, where the window has a real one."""
        if name != "memory_map":
            return
        self._canvas = getattr(self.window.views.get("memory_map"), "canvas", None)
        if self._canvas is None:
            return
        self._canvas.asked.connect(self._asked)
        self._canvas.dropped.connect(self._dropped)
        self._canvas.cut_requested.connect(self._cut)
        self._canvas.motion.wanted = not self.window.settings.reduced_motion

    def set_frame(self, frame: Frame) -> None:
        """The wish for less motion may have changed."""
        if self._canvas is not None:
            self._canvas.motion.wanted = not self.window.settings.reduced_motion

    def _asked(self, operations: tuple[Any, ...]) -> None:
        self._next = operations
        if not self._waiting and not self._pause.isActive():
            self._ask_next()

    def _ask_next(self) -> None:
        from rmapexplorer.engine.dry_run import DryRun

        if self._waiting:
            return  # what is told then asks on
        operations, self._next = self._next, None
        if operations is None:
            return
        self._waiting = True
        self._pause.start()
        self.window.bridge.ask(DryRun(operations), lambda verdict: self._told(operations, verdict))

    def _told(self, operations: tuple[Any, ...], verdict: Any) -> None:
        self._waiting = False
        if verdict is not None and self._canvas is not None:
            self._canvas.set_verdict(operations, places.shown().text(verdict.text), verdict.tone)
        if self._next is not None and not self._pause.isActive():
            self._ask_next()

    def _dropped(self, operations: tuple[Any, ...]) -> None:
        self._next = None
        self.window.submit(list(operations), operations[0].name)

    def _cut(self, drag: Drag, where: QPoint) -> None:
        """Ask what is to be done to the span; the entry under the pointer has its verdict in the map."""
        from rmapexplorer.gui.memory_drag import choices

        canvas = self._canvas
        menu = QMenu(canvas)
        menu.setObjectName("map_cut")
        for text, operation in choices(drag):
            action = menu.addAction(text)
            action.setData(operation)
            action.triggered.connect(lambda checked=False, op=operation: self._dropped((op,)))
            action.hovered.connect(lambda op=operation: canvas.consider((op,)))
        menu.addSeparator()
        more = menu.addAction("More …")
        values = {"pid": drag.pid, "span": drag.span}
        more.triggered.connect(lambda checked=False: canvas.context_requested.emit("span", values, where))
        menu.aboutToHide.connect(canvas.abandon)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(where)
