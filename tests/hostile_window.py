"""Hostile files opened one after the other in one real window, offscreen, the way a drop or File > Open does it."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rmapexplorer.core.room import MEGABYTES
from tests.hostile import Taken, fresh_peak, peak

PATIENCE = 60.0
"""Seconds of the clock after which what a file started is cancelled."""
HEARD = 10.0
"""Seconds of the clock in which it then has to end."""


class Driver:
    """Opens files and watches what the window says."""

    def __init__(self, app: Any, window: Any) -> None:
        self.app, self.window = app, window
        self.said: list[Any] = []
        self.opened = 0
        window.bridge.notice.connect(self.said.append)
        window.trouble.notice.connect(self.said.append)

    def _until(self, done: Any, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while not done():
            self.app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > end:
                return False
        return True

    def settle(self) -> bool:
        """Until the engine has nothing more to do; cancelled after PATIENCE."""
        conductor = self.window.bridge._engine._conductor
        if self._until(lambda: conductor.idle, PATIENCE):
            return True
        for job in list(conductor.jobs):
            self.window.bridge.cancel(job.number)
        return self._until(lambda: not conductor.busy, HEARD)

    def open(self, path: Path) -> str:
        """Open the file; what is wrong with how that went, "" for nothing."""
        self.said.clear()
        answers: list[Any] = []
        self.window.bridge.open(str(path), answers.append)
        if not self._until(lambda: answers, PATIENCE):
            return "no answer"
        if not self.settle():
            return "goes on after it was cancelled"
        self._until(lambda: False, 0.05)  # what it then says and paints
        self.opened += answers[0] is not None
        bad = [m for m in self.said if m.level == "internal" or "\n" in m.text or set(m.text) & set("\x1b\x07\u202e")]
        if bad:
            return f"{bad[0].level}: {bad[0].text} {bad[0].details[-300:]}"
        if answers[0] is None and len([m for m in self.said if m.level == "error"]) != 1:
            return f"refused with {len(self.said)} messages: {[m.text for m in self.said]}"
        return ""


def opened(folder: Path, files: Iterable[tuple[str, bytes]], taken: Taken, factor: float = 1.0) -> Iterator[str]:
    """Every file in one window; what went wrong, a line each."""
    home = tempfile.mkdtemp(dir=folder)
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home}
    os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication

    from rmapexplorer.gui.app import make_window
    from rmapexplorer.gui.settings import Settings

    app = QApplication.instance() or QApplication(["rmapexplorer"])
    settings = Settings(QSettings(str(Path(home) / "settings.ini"), QSettings.Format.IniFormat))
    settings.welcome = False
    options = argparse.Namespace(file="", screenshot=None, size=(1280, 800), theme=None)
    window = make_window(app, settings, options)  # type: ignore[arg-type]
    driver = Driver(app, window)
    driver.settle()
    for name, data in files:
        path = folder / name
        path.write_bytes(data)
        fresh_peak()
        began = time.process_time()
        problem = driver.open(path)
        seconds = time.process_time() - began
        taken.note("window", seconds, peak(), name)
        if problem:
            yield f"{name}: window: {problem}"
        if peak() > MEGABYTES:
            yield f"{name}: window: {peak()} MB"
        path.unlink()
    yield from () if driver.opened else ("no file was opened",)
    window.bridge.stop()
