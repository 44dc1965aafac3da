"""A view that is made when it is first looked at: panels behind others cost nothing at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

PROBED = ("apply", "walk_step_changed", "told", "levelled")
"""What others only want to know whether a view has it: panels that come later have none of these."""


class Later(QWidget):
    """Stands for a view until it is shown. What is asked of it that only the view knows makes the view."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)
    seek_requested = Signal(int)
    asked = Signal(object, object)

    def __init__(self, make: Callable[[], QWidget], name: str) -> None:
        super().__init__()
        self._make = make
        self._view: Any = None
        self._frame: Any = None
        self._still = False
        self.setObjectName(f"{name}_later")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    @property
    def made(self) -> bool:
        """Whether the view exists."""
        return self._view is not None

    @property
    def view(self) -> Any:
        """The view, made if it was not."""
        if self._view is None:
            self._view = self._make()
            self._column.addWidget(self._view)
            self.setFocusProxy(self._view)
            for name in ("requested", "context_requested", "seek_requested", "asked"):
                if hasattr(self._view, name):
                    getattr(self._view, name).connect(getattr(self, name))
            self._view.reduced_motion = self._still
            if self._frame is not None:
                self._view.set_frame(self._frame)
        return self._view

    @property
    def reduced_motion(self) -> bool:
        """Whether nothing is to move by itself."""
        return self._still

    @reduced_motion.setter
    def reduced_motion(self, still: bool) -> None:
        self._still = still
        if self._view is not None:
            self._view.reduced_motion = still

    def set_frame(self, frame: Any) -> None:
        """Kept until there is a view to show it."""
        self._frame = frame
        if self._view is not None:
            self._view.set_frame(frame)

    def inherit(self, old: Later) -> None:
        """Go on as the one that this replaces, if anybody has seen that."""
        if old.made:
            if hasattr(old.view, "inherit"):
                self.view.inherit(old.view)
            else:
                assert self.view is not None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """It is in sight: a panel behind another is shown to Qt, but never painted."""
        if self._view is None:
            QTimer.singleShot(0, self, self._make_seen)

    def _make_seen(self) -> None:
        # while panels are put elsewhere each of them is in sight for a moment
        if not self.visibleRegion().isEmpty():
            assert self.view is not None

    def __getattr__(self, name: str) -> Any:
        """Anything else is the view's."""
        if name.startswith("_") or (self._view is None and name in PROBED):
            raise AttributeError(name)
        return getattr(self.view, name)
