"""A window switched to a theme is, pixel by pixel, one that was started in it: every theme, every panel, large text too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QScrollBar
from pytestqt.qtbot import QtBot

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.style import actual_theme, app_font
from rmapexplorer.gui.theme import Themes, load_themes
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.resources import resource
from tests.gui.real_window import LETTER, at_rest
from tests.gui.shell import FakeDialogs

FRONT = {"Explore": ("history", "script", "inspector"), "Measure": ("sizes", "claims"), "Compare": ()}
"""Perspectives that together show every panel -> tabs to be brought to the front in them."""

EVERY = list(load_themes())
Pictures = dict[str, QImage]


class Windows:
    """Makes real windows on the letter's scenario, and closes them."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self._qtbot, self._folder = qtbot, folder
        self._open: list[MainWindow] = []

    def make(self, theme: str, percent: int) -> MainWindow:
        """A window as it starts with these settings."""
        settings = Settings(QSettings(str(self._folder / f"{len(self._open)}.ini"), QSettings.Format.IniFormat))
        settings.theme, settings.text_percent = theme, percent
        settings.welcome, settings.reduced_motion = False, True
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.setFont(app_font(percent))
        bridge = Bridge(Engine(), tuple(DESIGNS))
        window = MainWindow(bridge, settings, Themes(actual_theme(theme)), FakeDialogs())
        self._open.append(window)
        bridge.start()
        window.resize(1280, 800)
        window.show()
        bridge.open(str(resource(LETTER)))
        at_rest(self._qtbot, window, 5)
        window.views["processes"].setFocus()
        window.rebuild()  # views that remember nothing of the frames on the way
        window.statusbar.set_frame(window.frame)
        window.views["inspector"].run_walk()
        return window

    def pictures(self, window: MainWindow, percent: int) -> Pictures:
        """Every panel, and the window around them; with large text one perspective, as the panels are the same."""
        found = {}
        for perspective, front in [*FRONT.items()][: None if percent == 100 else 1]:
            window.commands.run(f"perspective_{perspective.lower()}", {})
            found[perspective] = self._still(window)
            for name in front:
                window.docks.docks[name].raise_()
                found[name] = self._still(window)
        return found

    def _still(self, window: MainWindow) -> QImage:
        at_rest(self._qtbot, window)
        before = QImage()
        for _ in range(40):
            for bar in window.findChildren(QScrollBar):  # panels that follow the position may scroll late
                bar.setValue(bar.minimum())
            now = window.grab().toImage()
            if now == before:
                return now
            before = now
            self._qtbot.wait(60)  # longer than docks take to settle
        raise AssertionError("the window does not come to rest")

    def wait(self, window: MainWindow) -> None:
        """Until the window has taken on its new look."""
        at_rest(self._qtbot, window)

    def close(self, window: MainWindow) -> None:
        """Without questions."""
        window._sure = True
        window.close()
        window.bridge.stop()
        window.deleteLater()
        self._open.remove(window)

    def close_all(self) -> None:
        """Those still open."""
        for window in list(self._open):
            self.close(window)


@pytest.fixture
def windows(qtbot: QtBot, tmp_path: Path, qapp: QApplication) -> Iterator[Windows]:
    """The maker of windows."""
    made, blink = Windows(qtbot, tmp_path), qapp.cursorFlashTime()
    qapp.setCursorFlashTime(0)
    yield made
    made.close_all()
    qapp.setCursorFlashTime(blink)
    qapp.setFont(app_font())


def differing(one: Pictures, other: Pictures) -> list[str]:
    """Names of the pictures that are not the same."""
    return [name for name in one if one[name] != other[name]]


@pytest.mark.parametrize("percent", [100, 200])
def test_a_switched_window_is_one_started_in_the_theme(percent: int, windows: Windows) -> None:
    started = {}
    for name in EVERY:
        window = windows.make(name, percent)
        started[name] = windows.pictures(window, percent)
        windows.close(window)
    assert all(started["dark"][n] != started["light"][n] for n in started["dark"]), "the check sees colours"
    window = windows.make("dark", percent)
    for name in (*EVERY[1:], "dark"):
        window.looks.use_theme(name, soon=True)  # as actions do: in pieces
        windows.wait(window)
        assert differing(windows.pictures(window, percent), started[name]) == [], f"switched to {name}"
    window.use_theme("system")
    assert window.themes.current.name == actual_theme("system")
