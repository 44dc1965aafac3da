"""Where the window stands: never larger than what the screen has free, never beyond its edges, frame and all."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, QTimer
from PySide6.QtWidgets import QMainWindow

WISH = QSize(1440, 900)
"""Size of the window on its first start, where the screen has the room, in device-independent pixels."""

LEAST = QSize(640, 400)
"""The window is never smaller, whatever its panels would like, in device-independent pixels."""

FRAME = QSize(12, 44)
"""What the window manager's frame takes, about, before the window is shown and it is known."""

SETTLE_MS = 150
"""After the window was shown; by then the window manager has put its frame round it."""


def within(room: QRect, at: QPoint, size: QSize) -> QRect:
    """The rectangle ``size`` at ``at``, made no larger than ``room`` and moved into it."""
    size = size.boundedTo(room.size())
    left = min(max(at.x(), room.left()), room.right() + 1 - size.width())
    top = min(max(at.y(), room.top()), room.bottom() + 1 - size.height())
    return QRect(QPoint(left, top), size)


def fit(window: QMainWindow) -> None:
    """Before it is shown: no larger than the screen's free part less a frame; once it is shown: frame and all inside."""
    room = window.screen().availableGeometry()
    if not _filling(window):
        window.resize(window.size().boundedTo(room.size() - FRAME))
    QTimer.singleShot(SETTLE_MS, window, lambda: pull_in(window))


def pull_in(window: QMainWindow) -> None:
    """Make the window smaller and move it until its frame lies on the free part of its screen."""
    if _filling(window):
        return
    outer, inner = window.frameGeometry(), window.geometry()
    goal = within(window.screen().availableGeometry(), outer.topLeft(), outer.size())
    if goal != outer:
        window.resize(inner.size() + goal.size() - outer.size())
        window.move(goal.topLeft())


def _filling(window: QMainWindow) -> bool:
    return window.isMaximized() or window.isFullScreen()
