"""Hands the engine's messages to the views: at once, or in turns while a job runs; hidden views wait until shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer

from rmapexplorer.engine.frames import Frame, MetricRows, PathChanged
from rmapexplorer.gui.fence import Fence

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

FED_BY: dict[type, tuple[str, ...]] = {PathChanged: ("history", "timeline"), MetricRows: ("overhead",)}
"""Messages that are queued, never skipped -> the views that take them with ``apply``."""

WALKER = "inspector"
"""The view that knows how far the walk is revealed."""

TURN_MS = 5
"""Between two views that take turns, in milliseconds."""


class Feeder(QObject):
    """Knows what each view was told; asks the window which views there are."""

    def __init__(self, window: MainWindow, names: list[str]) -> None:
        super().__init__(window)
        self._window = window
        self._stale: set[str] = set()
        self._order = names
        self._told: list[PathChanged | MetricRows] = []
        self.reveal = False
        """The walk of a selection that came with the session is shown as a whole."""
        self._turns = QTimer(self)
        self._turns.setInterval(TURN_MS)
        self._turns.timeout.connect(self._next_view)

    def set_frame(self, frame: Frame) -> None:
        """A frame for all of them."""
        self._stale.update(self._window.views)
        if frame.busy:
            if not self._turns.isActive():
                self._turns.start()
        else:
            self._turns.stop()
            self._refresh_all()

    def renewed(self, name: str) -> None:
        """A view is new: tell it all that the one before was told."""
        view = self._window.views[name]
        for message in self._told:
            if name in FED_BY[type(message)]:
                view.apply(message)
        self._stale.add(name)
        if name in self._waiting():
            self.refresh(name)
        elif name == WALKER:
            self._follow_walk()

    def forget(self) -> None:
        """Another session begins: how the one before was looked at is no guide to it."""
        self._told.clear()
        for view in self._window.views.values():
            if hasattr(type(view), "new_session"):  # asking the view itself would make those that wait to be shown
                view.new_session()

    def feed(self, message: PathChanged | MetricRows) -> None:
        """A message that no view may miss."""
        self._told.append(message)
        self._give(message)

    def _give(self, message: PathChanged | MetricRows) -> None:
        views: Mapping[str, Any] = self._window.views
        with Fence() as fence:
            for name in FED_BY[type(message)]:
                fence.call(views[name].apply, message)

    def _refresh_all(self) -> None:
        with Fence() as fence:
            for name in self._waiting():
                fence.call(self.refresh, name)
            fence.call(self._follow_walk)

    def _waiting(self) -> list[str]:
        """Views to be refreshed, the one that waits longest first; hidden ones wait until they are shown."""
        window = self._window
        docks = window.docks.docks
        visible = (n for n in self._order if not docks[n].visibleRegion().isEmpty() or not window.isVisible())
        return [name for name in visible if name in self._stale]

    def _next_view(self) -> None:
        """While a job runs the views take turns, so that the window answers in between."""
        waiting = self._waiting()
        if waiting:
            self.refresh(waiting[0])
        if len(waiting) < 2:
            self._turns.stop()

    def refresh(self, name: str) -> None:
        """Give a view the newest frame, if it has not seen it."""
        window = self._window
        if name in self._stale and window.frame is not None:
            self._stale.discard(name)
            self._order.remove(name)
            self._order.append(name)
            window.views[name].set_frame(window.frame)
            if name == WALKER:
                self._run_first()

    def _follow_walk(self) -> None:
        """A hidden inspector waits, but not its walk: the pictures in sight are marked as far as it is revealed."""
        window = self._window
        if WALKER in self._stale and window.frame is not None:
            window.views[WALKER].follow_walk(window.frame)
            self._run_first()

    def _run_first(self) -> None:
        if self.reveal:
            self.reveal = False
            self._window.views[WALKER].run_walk()
