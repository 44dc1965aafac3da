"""The real program as a process of its own, driven by key and mouse events: ``work SIGNAL`` dies by it, ``recover`` recovers.

Prints one JSON line: the digest of every world, the position, and what the window says of the document.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from attrs import frozen
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest

from rmapexplorer import usage
from rmapexplorer.engine.stage import Stage
from rmapexplorer.gui import app as program
from rmapexplorer.gui.features.autosave import Autosave
from rmapexplorer.gui.signals import heed
from rmapexplorer.gui.window import MainWindow

PATIENCE = 15.0


@frozen
class Digests:
    """Asks for the digest of every world."""

    key: str = "digests"

    def answer(self, stage: Stage) -> Any:
        """By design."""
        return {key: world.digest() for key, world in stage.worlds.items()}


def until(done: Callable[[], object]) -> None:
    """Let the program run until it is done."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            traceback.print_stack()
            sys.stderr.flush()
            os._exit(9)
        QTest.qWait(10)


def digests(window: MainWindow) -> dict[str, str]:
    """Of every world."""
    found: list[dict[str, str]] = []
    window.bridge.ask(Digests(), found.append)
    until(lambda: found)
    return found[0]


def still(window: MainWindow) -> bool:
    """Nothing is under way."""
    return window.frame is not None and not window.frame.busy and window.statusbar.job == 0


def say(window: MainWindow, **more: Any) -> None:
    """One line for the test."""
    files = window.files
    told = {"digests": digests(window), "position": window.position, "head": window.head, "title": files.title}
    told |= {"path": files.path, "modified": files.modified, "suggestion": files.suggestion}
    print(json.dumps(told | more), flush=True)


def work(window: MainWindow, autosave: Autosave, how: str) -> None:
    """Fork three times from the keyboard; die. By SIGKILL once the side file is there, by what is heard at once."""
    until(lambda: still(window) and window.head == 6)
    window.activateWindow()
    until(window.isActiveWindow)
    QTest.keyClick(window, Qt.Key.Key_End, Qt.KeyboardModifier.AltModifier)
    until(lambda: still(window) and window.position == 6)
    window.selection.select(1, -1)
    until(lambda: window.actions_["fork"].isEnabled())
    for number in range(3):
        QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        until(lambda n=number: still(window) and window.head == 7 + n)  # type: ignore[misc]
    if how == "SIGKILL":
        until(lambda: autosave.journal.written)
    say(window)
    os.kill(os.getpid(), getattr(signal, how))


def recover(window: MainWindow, autosave: Autosave, how: str) -> None:
    """Click Recover; close without saving, sure of it."""
    until(lambda: still(window) and autosave.bar is not None and autosave.bar.isVisible())
    assert autosave.bar is not None
    welcome, offered = window.welcome.isVisible(), autosave.bar.texts[0].full_text()
    QTest.mouseClick(autosave.bar.buttons[0]["recover"], Qt.MouseButton.LeftButton)
    until(lambda: still(window) and window.head == 9)
    until(lambda: autosave.journal.written and autosave._adopted is None)
    say(window, welcome=welcome, offered=offered, bar=autosave.bar.isVisible())
    QTimer.singleShot(0, window, window.close)
    window._sure = True  # as after the question


def main(what: str, path: str) -> int:
    """Start as the program does, then drive it."""
    options = usage.window_parser().parse_args([path])
    app = program.make_application()
    settings = program.make_settings(options, "")
    window = program.make_window(app, settings, options)
    autosave = next(one for one in window.features if isinstance(one, Autosave))
    what, _, how = what.partition(" ")
    signals = heed(app, window)
    try:
        {"work": work, "recover": recover}[what](window, autosave, how)
        return app.exec()
    finally:
        signals.uninstall()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
