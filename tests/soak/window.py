"""The real program at random work until somebody kills it; tells on its output what was done and what it says of the document.

Lines: ``begun``; ``submit N`` before N operations in all are asked for; ``done N TIME`` once so many are in the log;
``saved TIME`` when the window calls the session unmodified. The time is that of the machine's monotonic clock.
"""

from __future__ import annotations

import sys
import time

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication

from rmapexplorer import usage
from rmapexplorer.gui import app as program
from rmapexplorer.gui.signals import heed
from rmapexplorer.gui.window import MainWindow
from tests.soak.work import Maker


class Work:
    """A window and what is done to it, a thing every few milliseconds."""

    def __init__(self, window: MainWindow, seed: int, path: str) -> None:
        self.window, self.maker, self.path = window, Maker(seed), path
        self.told = -1
        self.clean = True
        self._timer = QTimer(window)
        self._timer.timeout.connect(self.step)

    def say(self, *words: object) -> None:
        """One line, at once."""
        print(*words, flush=True)

    def begin(self) -> None:
        """When the session is there."""
        frame = self.window.frame
        if frame is None or frame.busy or self.window.statusbar.job:
            QTimer.singleShot(20, self.window, self.begin)
            return
        self.say("begun")
        self._timer.start(5)

    def step(self) -> None:
        """Look, then do something."""
        self.look()
        dice, window = self.maker.dice, self.window
        what = dice.random()
        if what < 0.20:
            self.submit(1)
        elif what < 0.24:
            self.submit(dice.choice((5, 20, 120)))
        elif what < 0.28:
            window.bridge.seek(window.head)
        elif what < 0.33:
            window.files.save_to(self.path)
        elif what < 0.36:
            window.selection.select(1, -1)
        elif what < 0.38:
            window.bridge.view(dice.choice(window.frame.designs).key if window.frame is not None else "")
        elif what < 0.385 and window.head:
            window.bridge.undo()
        self.look()

    def submit(self, count: int) -> None:
        """So many more operations, at the end of the log."""
        self.say("submit", len(self.maker.made) + count)
        self.window.submit(list(self.maker.some(count)), "work")

    def look(self) -> None:
        """Tell what has become of it."""
        stage = self.window.bridge._engine._conductor.stage  # type: ignore[attr-defined]
        done = len(stage.line.operations) if stage is not None else 0
        if done != self.told:
            self.told = done
            self.say("done", done, time.monotonic())
        clean = not self.window.files.modified
        if clean and not self.clean:
            self.say("saved", time.monotonic())
        self.clean = clean


def main(path: str, seed: int) -> int:
    """As the program starts, then at work."""
    app = program.make_application()
    settings = program.make_settings(usage.window_parser().parse_args([path]), "")
    settings.welcome = False
    window = program.make_window(app, settings, usage.window_parser().parse_args([path]))
    signals = heed(app, window)
    assert QGuiApplication.instance() is not None
    work = Work(window, seed, path)
    work.begin()
    code = app.exec()
    signals.uninstall()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
