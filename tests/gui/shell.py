"""Fixtures for tests of the window: a fake engine, dialogs that answer at once, own settings, plain views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSettings, Signal
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.window import MainWindow, ViewMaker
from tests.gui.fake_engine import DESIGNS, FakeEngine


class PlainView(QWidget):
    """What the window needs of a view; notes what it was given."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)
    seek_requested = Signal(int)
    walk_step_changed = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[object] = []
        self.applied: list[object] = []
        self.walks = 0
        self.steps: list[int] = []

    def set_frame(self, frame: object) -> None:
        self.frames.append(frame)

    def apply(self, message: object) -> None:
        self.applied.append(message)

    def follow_walk(self, frame: object) -> None:
        """Nothing: it has no walk of its own."""

    def run_walk(self) -> None:
        self.walks += 1

    def set_walk_step(self, revealed: int) -> None:
        self.steps.append(revealed)


def plain_views(selection: Selection, themes: Themes) -> dict[str, QWidget]:
    """A plain view for every dock."""
    return {place.name: PlainView() for place in PLACES}


class FakeDialogs:
    """Answers at once with what the test put in; an empty path is a dialog that was closed."""

    def __init__(self) -> None:
        self.path = ""
        self.answer = "stay"
        self.asked: list[str] = []

    def ask_open(self, folder: str, then: Callable[[str], None]) -> None:
        self._path("open", then)

    def ask_save(self, suggestion: str, filters: str, suffix: str, then: Callable[[str], None]) -> None:
        self.suggestion = suggestion
        self._path("save", then)

    def ask_unsaved(self, title: str, then: Callable[[str], None]) -> None:
        self.asked.append("unsaved")
        then(self.answer)

    def ask_changed(self, name: str, then: Callable[[str], None]) -> None:
        self.asked.append("changed")
        then(self.answer)

    def _path(self, kind: str, then: Callable[[str], None]) -> None:
        self.asked.append(kind)
        if self.path:
            then(self.path)


class Shell:
    """A window with everything around it that a test wants to look at."""

    def __init__(self, settings: Settings, views: ViewMaker | None) -> None:
        self.engine = FakeEngine()
        self.settings = settings
        self.dialogs = FakeDialogs()
        self.bridge = Bridge(self.engine, DESIGNS)
        self.window = MainWindow(self.bridge, settings, Themes("dark"), self.dialogs, views)

    def begin(self, qtbot: QtBot) -> None:
        """Start, show, and open a session of six operations, five of them done, page 0xc42 of process 2 selected."""
        self.bridge.start()
        self.window.show()
        self.bridge.open("a/the-letter-in-six-operations.rmap")
        self.settle(qtbot)

    def settle(self, qtbot: QtBot) -> None:
        """Until what the engine said has arrived."""
        qtbot.waitUntil(lambda: not self.engine.queue, timeout=2000)

    def submitted(self) -> list[object]:
        """The operations submitted so far."""
        return [op for call in self.engine.named("submit") for op in call[1]]

    def end(self) -> None:
        """Close without questions."""
        self.dialogs.answer = "discard"
        self.window._sure = True
        self.window.close()
        self.bridge.stop()
        self.window.deleteLater()


@pytest.fixture
def settings(tmp_path: Path, qapp: QApplication) -> Settings:
    """Empty settings in the test's own directory; text of the default size."""
    qapp.setFont(app_font())
    return Settings(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def shell(qtbot: QtBot, settings: Settings, qapp: object) -> Iterator[Shell]:
    """A window with plain views, a session open."""
    made = Shell(settings, plain_views)
    made.begin(qtbot)
    yield made
    made.end()
