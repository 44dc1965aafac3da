"""The docks keep their parts of the window when the window changes its size, however small it was in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDockWidget, QMainWindow

SETTLE_MS = 30
"""After a change of size; by then Qt has laid the docks out."""

LEVEL = ("timeline",)
"""Docks that are as high as their lines of text, whatever the window's height."""


Parts = dict[str, tuple[float, float]]


class Shares(QObject):
    """``default`` shares out as the perspective says; it is used until the user moved something. ``stack`` is called first.

    Qt gives what a larger window has to whichever dock wants it, and takes it from others when it shrinks.
    """

    def __init__(
        self,
        window: QMainWindow,
        docks: Mapping[str, QDockWidget],
        default: Callable[[], None],
        stack: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._docks, self._default, self._stack = window, docks, default, stack
        self.parts: Parts = {}
        """Dock -> its width and height as parts of the window's; empty as long as the default is in use."""
        self._before: dict[str, tuple[int, int]] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._twice)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Follow the window's size; presses and releases of the mouse that reach the window are those between docks."""
        if event.type() == QEvent.Type.Resize:
            self.soon()
        elif event.type() == QEvent.Type.MouseButtonPress:
            self._before = self._sizes()
        elif event.type() == QEvent.Type.MouseButtonRelease and self._sizes() != self._before:
            self.note()
        return False

    def soon(self) -> None:
        """The window or its text has another size: share it out once everybody knows."""
        self._soon.start(0)

    def _twice(self) -> None:
        self._stack()
        # the sizes of a column are shared out within what the row had before: the second time it has the new one
        self.follow()
        self._window.layout().activate()
        QTimer.singleShot(SETTLE_MS, self, self.follow)

    def forget(self) -> None:
        """The docks stand as the perspective says."""
        self.parts = {}

    def note(self) -> None:
        """The docks stand as the user wants them."""
        width, height = max(self._window.width(), 1), max(self._window.height(), 1)
        self.parts = {name: (wide / width, high / height) for name, (wide, high) in self._sizes().items()}

    def follow(self) -> None:
        """Share the window's present size out."""
        if not self.parts:
            self._default()
            return
        shown = {name: self.parts[name] for name in self._sizes() if name in self.parts}
        docks = [self._docks[name] for name in shown]
        widths = [round(wide * self._window.width()) for wide, _ in shown.values()]
        highs = [
            self._docks[name].sizeHint().height() if name in LEVEL else round(high * self._window.height())
            for name, (_, high) in shown.items()
        ]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
        self._window.resizeDocks(docks, highs, Qt.Orientation.Vertical)

    def _sizes(self) -> dict[str, tuple[int, int]]:
        shown = {name: dock for name, dock in self._docks.items() if not aside(dock)}
        return {name: (dock.width(), dock.height()) for name, dock in shown.items()}


def aside(dock: QDockWidget) -> bool:
    """Whether it takes no room between the others: floating, hidden or behind a tab."""
    return dock.isFloating() or dock.visibleRegion().isEmpty()
