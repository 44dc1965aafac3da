"""Panels behind others are made when they are first looked at, and are then as any other."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from rmapexplorer.gui.compare import CompareView
from rmapexplorer.gui.later import Later
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]


def test_nothing_behind_others_is_made_at_the_start(window: MainWindow) -> None:
    waiting = {name: view.made for name, view in window.views.items() if isinstance(view, Later)}
    assert set(waiting) >= {"claims", "sizes", "compare"} and not any(waiting.values())


def test_looking_makes_it_and_it_knows_the_state(window: MainWindow, qtbot: QtBot) -> None:
    window.docks.docks["compare"].raise_()
    later = window.views["compare"]
    qtbot.waitUntil(lambda: later.made, timeout=5000)
    assert isinstance(later.view, CompareView)
    qtbot.waitUntil(lambda: later.view.comparison is not None, timeout=10_000)
    assert later.view.comparison.position == 5
    window.bridge.seek(3)
    at_rest(qtbot, window, 3)
    qtbot.waitUntil(lambda: later.view.comparison.position == 3, timeout=10_000)


def test_reduced_motion_and_another_text_size_reach_it(window: MainWindow, qtbot: QtBot) -> None:
    later = window.views["compare"]
    later.view.choose(("anonmm", "anon_vma"))
    later.reduced_motion = True
    assert later.view.reduced_motion
    window.use_text(125)
    again = window.views["compare"]
    assert again is not later and again.made and again.view.designs == ("anonmm", "anon_vma")
    assert not window.views["claims"].made
