"""Another session opens with views that suit it, not with those that were set for the one before."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from rmapexplorer.gui.memory_style import MODES
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.resources import resource
from tests.gui.real_window import LETTER, at_rest, settings, window

__all__ = ["settings", "window"]


def test_views_and_filters_begin_anew(qtbot: QtBot, window: MainWindow) -> None:
    views = window.views
    structures, memory_map, history = views["structures"], views["memory_map"], views["history"]
    structures.tabs.setCurrentIndex(2)
    structures.twin.setChecked(True)
    memory_map.colour._picked(memory_map.colour._actions["sharing"])
    history.set_kind("refused")
    for name, text in (("processes", "9"), ("vmas", "nothing"), ("history", "fork")):
        views[name].filter.open()
        views[name].filter.line.setText(text)
    at_rest(qtbot, window)
    assert (structures.tab, memory_map.colour.key) == ("Matrix", "sharing")
    with qtbot.waitSignal(window.bridge.opened, timeout=3000):
        window.bridge.open(str(resource(LETTER)))
    at_rest(qtbot, window, 5)
    assert structures.tab == "Neighbourhood" and not structures.twin.isChecked()
    assert memory_map.colour.key == memory_map.canvas.scene.mode == next(iter(MODES))
    assert history.model.sieve.kind == "" and history.model.count() == len(history.model.path) + 1, "and the start"
    for name in ("processes", "vmas", "history"):
        assert views[name].filter.text == "" and not views[name].filter.isVisible()
    assert views["processes"].model.total == 2 and views["vmas"].model.count() == views["vmas"].model.total > 0
    assert not views["claims"].made, "panels that were never shown are not made for it"


def test_in_one_session_they_stay(qtbot: QtBot, window: MainWindow) -> None:
    window.views["structures"].tabs.setCurrentIndex(2)
    window.bridge.seek(3)
    at_rest(qtbot, window, 3)
    assert window.views["structures"].tab == "Matrix"
