"""The real window with a real engine, driven by events; what waits here runs the event loop meanwhile."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, QSettings, Qt, QTimer
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from rmapexplorer.gui import app as start
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.window import MainWindow

SIZE = (1440, 900)


class TooLong(Exception):
    """Something that the measurement waits for did not come."""


class Rig:
    """The window, on settings of its own in ``scratch``."""

    def __init__(self, scratch: Path, file: str = "") -> None:
        self.app = start.make_application()
        settings = Settings(QSettings(str(scratch / "settings.ini"), QSettings.Format.IniFormat))
        settings.welcome = False
        settings.keep_aside = False
        options = argparse.Namespace(file=file or None, screenshot=None, size=SIZE, theme="dark", reset_settings=False)
        self.window: MainWindow = start.make_window(self.app, settings, options)
        start.calm_garbage_collection()
        self.ticks = Ticks()

    def open(self, path: str, operations: int, limit: float = 300.0) -> None:
        """Open a file and wait until it is loaded."""
        self.window.bridge.open(path)
        self.wait(lambda: self._loaded(operations), limit, f"{path} did not load")

    def _loaded(self, operations: int) -> bool:
        frame = self.window.frame
        return frame is not None and not frame.busy and frame.head == operations and not self.window.statusbar.job

    def pause(self, seconds: float) -> None:
        """Let events run for a while."""
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def wait(self, condition: Callable[[], bool], limit: float, trouble: str) -> None:
        """Let events run until ``condition`` holds; TooLong after ``limit`` seconds."""
        deadline = time.perf_counter() + limit
        while not condition():
            if time.perf_counter() > deadline:
                raise TooLong(f"{trouble} within {limit:g} s.")
            self.pause(0.02)

    def wait_quickly(self, condition: Callable[[], bool], limit: float = 5.0) -> None:
        """As ``wait``, but looks again after every event."""
        loop, deadline = QEventLoop(), time.perf_counter() + limit
        while not condition():
            if time.perf_counter() > deadline:
                raise TooLong(f"no state arrived within {limit:g} s.")
            QTimer.singleShot(1, loop.quit)
            loop.exec()

    def only(self, name: str) -> QWidget:
        """Give one panel the whole window; its largest part that takes the wheel."""
        docks = self.window.docks.docks
        for other, dock in docks.items():
            dock.setVisible(other == name)
        self.pause(0.6)
        return self.picture(name)

    def picture(self, name: str) -> QWidget:
        """The part of a panel that is painted: what lies in the middle of it."""
        view = self.window.views[name]
        inner = view.childAt(view.rect().center())
        return inner if inner is not None else view

    def close(self) -> None:
        """Close without questions; stop the engine."""
        self.window._sure = True  # nothing here is worth a question
        self.window.close()
        self.window.bridge.stop()
        if self.window.trouble is not None:
            self.window.trouble.uninstall()


class Ticks(QObject):
    """How long the event loop was busy at a time: gaps between the ticks of a fast timer, in ms."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(10)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin anew."""
        self.gaps, self._last = [], time.perf_counter()
        self._timer.start()

    def stop(self) -> list[float]:
        """The gaps so far."""
        self._timer.stop()
        return self.gaps

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(1000 * (now - self._last))
        self._last = now


class Turns(QObject):
    """What each turn of the event loop took this thread, in ms of its own time: other programs do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._last = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._turn)

    def start(self) -> None:
        """Begin anew."""
        self.taken, self._last = [], time.thread_time()
        self._timer.start()

    def stop(self) -> list[float]:
        """The turns so far."""
        self._timer.stop()
        return self.taken

    def _turn(self) -> None:
        now = time.thread_time()
        self.taken.append(1000 * (now - self._last))
        self._last = now


class Paints(QObject):
    """Counts the paint events of one widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """One more."""
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return False


def wheel(widget: QWidget, steps: int, at: QPoint) -> float:
    """Turn the wheel over a point and paint; the ms that took."""
    before = time.perf_counter()
    place = QPointF(at)
    event = QWheelEvent(
        place, QPointF(widget.mapToGlobal(at)), QPoint(0, 0), QPoint(0, 120 * steps), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)
    widget.repaint()
    return 1000 * (time.perf_counter() - before)


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, button: Qt.MouseButton) -> float:
    """Press, move or release and paint; the ms that took."""
    before = time.perf_counter()
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else button
    changed = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button
    event = QMouseEvent(
        kind, QPointF(at), QPointF(widget.mapToGlobal(at)), changed, held, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    widget.repaint()
    return 1000 * (time.perf_counter() - before)
