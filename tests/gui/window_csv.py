"""The curves as the real window writes them: ``python -m tests.gui.window_csv FILE OUT.csv``, without a screen.

For comparing with ``rmapexplorer export FILE --csv OUT.csv`` by hand, on files too large for a test.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.features.exports import Exports
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.window import MainWindow
from tests.gui.shell import FakeDialogs


@contextmanager
def opened(settings: Settings, path: str) -> Iterator[MainWindow]:
    """A window with that file on its way."""
    bridge = Bridge(Engine(), tuple(DESIGNS))
    settings.welcome = False
    window = MainWindow(bridge, settings, Themes("dark"), FakeDialogs())
    bridge.start()
    window.show()
    bridge.open(path)
    yield window
    window._sure = True
    window.close()
    bridge.stop()
    window.deleteLater()


def export_curves(window: MainWindow, path: str, limit_ms: int = 60_000) -> str:
    """File > Export > Curves as CSV to ``path``, when all is loaded; what the window told of trouble, "" for none."""
    loop, told = QEventLoop(), [""]

    def ended(_: str, trouble: str) -> None:
        told[0] = trouble
        loop.quit()

    exports = next(one for one in window.features if isinstance(one, Exports))
    exports.ended.connect(ended)
    QTimer.singleShot(limit_ms, loop, lambda: loop.exit(1))
    window.files.dialogs.path = path  # type: ignore[attr-defined]
    window.commands.run("export_curves", {})
    if loop.exec():
        told[0] = f"{path} was not written after {limit_ms / 1000:g} seconds"
    exports.ended.disconnect(ended)
    return told[0]


def wait_for_session(window: MainWindow, limit_ms: int = 600_000) -> None:
    """Until the file that was opened has been run to its end."""
    loop, timer = QEventLoop(), QTimer()
    timer.timeout.connect(lambda: loop.quit() if _loaded(window) else None)
    timer.start(20)
    QTimer.singleShot(limit_ms, loop, loop.quit)
    loop.exec()


def _loaded(window: MainWindow) -> bool:
    frame = window.frame
    return frame is not None and frame.head > 0 and not frame.busy and window.statusbar.job == 0


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        store = QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat)
        with opened(Settings(store), os.path.abspath(sys.argv[1])) as window_:
            wait_for_session(window_)
            trouble_ = export_curves(window_, os.path.abspath(sys.argv[2]), 1_800_000)
    sys.exit(trouble_ or 0)
