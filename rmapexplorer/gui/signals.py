"""Signals of the system that end the process, as a signal of Qt: heard also while the window stands still."""

from __future__ import annotations

import contextlib
import signal
import socket
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Signal

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from rmapexplorer.gui.window import MainWindow

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def heed(app: QApplication, window: MainWindow) -> Signals:
    """From now on the window ends in order where the process is told to end: what is not saved is kept aside."""

    def end(number: int) -> None:
        window.end()
        app.exit(128 + number)

    signals = Signals()
    signals.came.connect(end)
    signals.install()
    return signals


def _noted(number: int, frame: object) -> None:
    """Python has written the number to the socket by now."""


class Signals(QObject):
    """``came`` carries the number of the first one. A second one ends the process at once."""

    came = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._before: dict[int, object] = {}
        self._here, self._there = socket.socketpair()
        for end in (self._here, self._there):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._here.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._read)

    def install(self) -> None:
        """From now on. What the process was started to ignore (nohup) it goes on ignoring."""
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, _noted)
        self._wakeup = signal.set_wakeup_fd(self._there.fileno(), warn_on_full_buffer=False)

    def uninstall(self) -> None:
        """As it was before."""
        if self._before:
            signal.set_wakeup_fd(self._wakeup)
            for number, handler in self._before.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            self._before.clear()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            for number in self._here.recv(64):
                if number in self._before:
                    signal.signal(number, signal.SIG_DFL)
                    self.came.emit(number)
