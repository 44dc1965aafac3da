"""The real window on the real engine, opened on the letter's scenario: for journeys with real mouse and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.calm import Calm
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.resources import resource
from tests.gui.shell import FakeDialogs, settings

__all__ = ["at_rest", "calm", "click", "digests", "settings", "window"]

LETTER = "scenarios/the-letter-in-six-operations.rmap"


def at_rest(qtbot: QtBot, window: MainWindow, position: int | None = None, limit: int = 20_000) -> None:
    """Until the engine has shown all it has to, at ``position`` if one is given."""

    def there() -> bool:
        frame = window.frame
        calm = frame is not None and not frame.busy and window.statusbar.job == 0 and not window.looks.working
        return calm and (position is None or (frame is not None and frame.position == position))

    qtbot.waitUntil(there, timeout=limit)


def calm(qtbot: QtBot, window: MainWindow, limit: int = 30_000) -> None:
    """Until the window shows all it has to: probes made, curves drawn, panels laid out."""
    watch = Calm(window)
    qtbot.waitUntil(watch.look, timeout=limit)


def click(widget: QWidget, at: QPoint | None = None, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """A real click, in the middle unless said otherwise."""
    QTest.mouseClick(widget, button, Qt.KeyboardModifier.NoModifier, at if at is not None else widget.rect().center())


class Digests:
    """The question: the digest of every world."""

    key = "digests"

    def answer(self, stage: Any) -> dict[str, str]:
        """Design -> digest."""
        return {key: world.digest() for key, world in stage.worlds.items()}


def digests(qtbot: QtBot, window: MainWindow) -> dict[str, str]:
    """The digest of every world at the position shown."""
    answers: list[dict[str, str]] = []
    window.bridge.ask(Digests(), answers.append)
    qtbot.waitUntil(lambda: bool(answers), timeout=10_000)
    return answers[0]


@pytest.fixture
def window(qtbot: QtBot, settings: Settings, qapp: QApplication) -> Iterator[MainWindow]:
    """After the letter's mremap, page a22 of process 2 selected."""
    bridge = Bridge(Engine(), tuple(DESIGNS))
    settings.welcome = False
    made = MainWindow(bridge, settings, Themes("dark"), FakeDialogs())
    bridge.start()
    made.resize(1280, 800)
    made.show()
    bridge.open(str(resource(LETTER)))
    at_rest(qtbot, made, 5)
    yield made
    made._sure = True
    made.close()
    bridge.stop()
    made.deleteLater()
    qapp.setFont(app_font())  # a test may have made it larger
