"""A picture of the window as soon as it shows everything: the session loaded, the walk in, the curves with their probes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from rmapexplorer.engine.frames import Notice, SessionOpened
from rmapexplorer.gui.calm import Calm
from rmapexplorer.gui.export_pictures import write_picture
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.usage import BAD_FILE, complain

LIMIT_MS = 600_000
"""A recording that takes longer is not waited for."""


class Screenshot:
    """Waits, takes it, ends the application."""

    def __init__(self, window: MainWindow, path: str) -> None:
        self._window, self._path = window, path
        self._opened = False
        self._problem = ""
        self._calm = Calm(window)
        self._timer = QTimer()
        self._timer.setInterval(50)
        self._timer.timeout.connect(self._look)
        window.bridge.opened.connect(self._on_opened)
        window.bridge.notice.connect(self._on_notice)

    def take(self, app: QApplication) -> int:
        """Run until it is done; the exit code, with a sentence on stderr where there is no picture."""
        if not Path(self._path).resolve().parent.is_dir():
            return self._say(f"the folder of {self._path} does not exist; nothing was written.")
        QTimer.singleShot(LIMIT_MS, self._timer, self._late)
        self._timer.start()
        app.exec()
        self._timer.stop()
        if self._problem:
            return self._say(self._problem)
        trouble = write_picture(self._window.grab().toImage(), self._path)
        return self._say(trouble) if trouble else 0

    def _on_opened(self, message: SessionOpened) -> None:
        self._opened = True

    def _on_notice(self, notice: Notice) -> None:
        if notice.level in ("error", "internal"):
            self._fail(notice.text)

    def _look(self) -> None:
        if self._calm.look() and self._opened:
            QApplication.exit(0)

    def _late(self) -> None:
        waits = self._calm.trouble() or "the session is being loaded"
        self._fail(f"no picture after {LIMIT_MS // 60_000} minutes: {waits}.")

    def _fail(self, sentence: str) -> None:
        self._problem = self._problem or sentence
        QApplication.exit(1)

    def _say(self, sentence: str) -> int:
        return complain(sentence, BAD_FILE)
