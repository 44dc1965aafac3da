"""Panels are held by their headers, keep their shares of the window, and have one title."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QMenu
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.layout import PLACES, STRIP
from rmapexplorer.gui.panel import HeaderButton
from rmapexplorer.gui.panel_header import Header
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]

SHOWN = ("processes", "vmas", "memory_map", "structures", "inspector", "timeline", "overhead")


def sizes(window: MainWindow) -> dict[str, tuple[int, int]]:
    return {name: (window.docks.docks[name].width(), window.docks.docks[name].height()) for name in SHOWN}


def resized(window: MainWindow, qtbot: QtBot, width: int, height: int) -> dict[str, tuple[int, int]]:
    window.resize(width, height)
    before: dict[str, tuple[int, int]] = {}
    found, same = sizes(window), 0
    while same < 3:  # the caption takes a line more or less once it knows its width
        qtbot.wait(100)
        before, found = found, sizes(window)
        same = same + 1 if found == before else 0
    return found


def near(one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]]) -> bool:
    return all(abs(a - b) <= 6 for name in SHOWN for a, b in zip(one[name], other[name], strict=True))


def test_docks_have_their_shares_again_after_a_small_window(window: MainWindow, qtbot: QtBot) -> None:
    before = resized(window, qtbot, 1280, 800)
    large = resized(window, qtbot, 1920, 1080)
    assert large["processes"][0] < 0.31 * 1920
    assert abs(large["timeline"][1] - before["timeline"][1]) <= window.fontMetrics().lineSpacing()
    resized(window, qtbot, 700, 450)
    assert near(resized(window, qtbot, 1280, 800), before)


def test_shares_that_the_user_made_are_kept_too(window: MainWindow, qtbot: QtBot) -> None:
    resized(window, qtbot, 1280, 800)
    docks = window.docks.docks
    window.resizeDocks([docks["processes"], docks["memory_map"]], [250, 700], Qt.Orientation.Horizontal)
    window.docks.shares.note()
    mine = sizes(window)
    large = resized(window, qtbot, 1920, 1080)
    assert abs(large["processes"][0] / 1920 - mine["processes"][0] / 1280) < 0.02
    resized(window, qtbot, 760, 500)
    assert near(resized(window, qtbot, 1280, 800), mine)


def header(dock: QDockWidget) -> Header:
    return next(one for one in dock.findChildren(Header) if one.isVisible())


def test_a_double_click_on_the_title_floats_a_panel_and_puts_it_back(window: MainWindow, qtbot: QtBot) -> None:
    dock = window.docks.docks["processes"]
    title = next(label for label in header(dock).findChildren(QLabel) if label.text() == "Processes")
    QTest.mouseDClick(title, Qt.MouseButton.LeftButton)
    assert dock.isFloating()
    words = [label.text() for label in dock.findChildren(QLabel) if label.isVisibleTo(dock)]
    assert words.count("Processes") == 1
    QTest.mouseDClick(title, Qt.MouseButton.LeftButton)
    assert not dock.isFloating()


@pytest.mark.qt_log_ignore("does not support")
def test_a_panel_is_dragged_by_its_title(window: MainWindow, qtbot: QtBot) -> None:
    dock = window.docks.docks["vmas"]
    bar = header(dock)
    start = QPoint(20, bar.height() // 2)

    def send(kind: QEvent.Type, at: QPoint, buttons: Qt.MouseButton) -> None:
        spot, button = bar.mapToGlobal(at), Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, QPointF(at), QPointF(spot), button, buttons, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(bar, event)

    send(QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton)
    for step in range(1, 12):
        send(QEvent.Type.MouseMove, start + QPoint(12 * step, 8 * step), Qt.MouseButton.LeftButton)
        qtbot.wait(5)
    assert dock.isFloating(), "it came off"
    send(QEvent.Type.MouseButtonRelease, start + QPoint(132, 88), Qt.MouseButton.NoButton)
    at_rest(qtbot, window)
    window.docks.reset()


def test_a_right_click_gives_the_panels_menu(window: MainWindow) -> None:
    handle = window.docks.docks["processes"].handle
    assert handle.height() >= STRIP >= 10, "wide enough to be hit"
    menu = handle.menu()
    assert [action.text() for action in menu.actions() if action.text()] == ["Float", "Hide", "Panels"]
    panels = menu.findChildren(QMenu)[0]
    assert {action.text().partition("\t")[0] for action in panels.actions()} == {place.title for place in PLACES}
    menu.actions()[0].trigger()
    assert window.docks.docks["processes"].isFloating()
    assert handle.menu().actions()[0].text() == "Put back"
    window.docks.docks["processes"].setFloating(False)


def test_what_was_pressed_stays_under_the_mouse(window: MainWindow, qtbot: QtBot) -> None:
    for name in ("memory_map", "structures"):
        view = window.views[name]
        button = next(one for one in view.findChildren(HeaderButton) if one.text() == "table" and one.isVisible())
        at = button.mapTo(window, QPoint(0, 0))
        for _ in range(2):
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            qtbot.wait(60)
            assert abs(button.mapTo(window, QPoint(0, 0)).x() - at.x()) <= button.width() // 4, name


def test_designs_stay_in_reach_with_large_text(window: MainWindow, qtbot: QtBot) -> None:
    resized(window, qtbot, 1280, 800)
    window.use_text(200)
    qtbot.wait(100)
    bar = window.toolbar
    row = bar.row
    assert row.isVisible() and bar.rect().contains(row.geometry())
    shown = [chip for chip in bar.chips.values() if chip.isVisible()]
    assert [chip.key for chip in shown if chip.isChecked()] == ["anon_vma_chain"]
    assert not row.hidden_keys() or row.more.isVisible()


def test_words_that_are_buttons_have_an_outline(window: MainWindow) -> None:
    button = next(one for one in window.views["vmas"].findChildren(HeaderButton) if one.text() == "filter")
    picture = button.grab().toImage()
    middle = picture.pixelColor(picture.width() // 2, 0)
    assert middle != picture.pixelColor(picture.width() // 2, 2), "a line along its edge"


def test_an_arrangement_nobody_changed_is_not_kept_as_the_users_own(window: MainWindow, qtbot: QtBot) -> None:
    resized(window, qtbot, 1280, 800)
    assert window.docks.save().isEmpty(), "the next start, or a larger text, arranges by the perspective again"
    window.docks.docks["overhead"].hide()
    assert not window.docks.save().isEmpty()
    window.docks.docks["overhead"].show()
    window.docks.shares.note()
    assert not window.docks.save().isEmpty()
