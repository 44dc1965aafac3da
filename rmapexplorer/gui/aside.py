"""The window's side of heavy work that runs in a process of its own: its messages as signals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from rmapexplorer.aside import Aside, Ended

LOOK_MS = 30
"""Between two looks for messages, in milliseconds."""


class Watcher(QObject):
    """Runs one piece of work at a time. ``ended`` carries a sentence where the work did not come to its end."""

    told = Signal(object)
    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._aside: Aside | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        held = self._held = [self._aside]  # outlives the object: what still runs ends with it
        self.destroyed.connect(lambda: _stop(held))

    @property
    def running(self) -> bool:
        """True from ``run`` until ``ended`` or ``cancel``."""
        return self._aside is not None

    def run(self, work: Callable[..., None], *args: Any) -> None:
        """Start ``work(tell, *args)`` in place of what runs."""
        self.cancel()
        self._aside = self._held[0] = Aside(work, *args)
        self._timer.start()

    def cancel(self) -> None:
        """End what runs; nothing more is told of it, ``ended`` neither."""
        self._timer.stop()
        _stop(self._held)
        self._aside = None

    def _look(self) -> None:
        aside = self._aside
        for message in aside.take() if aside is not None else ():
            if self._aside is not aside:
                return  # somebody who listens has cancelled it
            if isinstance(message, Ended):
                self._timer.stop()
                self._aside = self._held[0] = None
                self.ended.emit(message.trouble)
            else:
                self.told.emit(message)


def _stop(held: list[Aside | None]) -> None:
    if held[0] is not None:
        held[0].cancel()
    held[0] = None
