"""Moving about in the log in the real window: running, breakpoints, markers, differences, bookmarks, names."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.breakpoints_dialog import BreakpointsDialog
from rmapexplorer.gui.diff_window import DiffWindow
from rmapexplorer.gui.features.time_travel import TimeTravel
from rmapexplorer.gui.name_dialog import NameDialog
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, click, settings, window

__all__ = ["settings", "window"]

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def travel(window: MainWindow) -> TimeTravel:
    return next(feature for feature in window.features if isinstance(feature, TimeTravel))


def go(qtbot: QtBot, window: MainWindow, position: int) -> None:
    window.commands.run("seek", {"position": position})
    at_rest(qtbot, window, position)


# -- the dialog of breakpoints ----------------------------------------------------------------------------------------


@pytest.fixture
def dialog(qtbot: QtBot, settings: Settings) -> BreakpointsDialog:
    made = BreakpointsDialog(settings, Themes("dark").current)
    qtbot.addWidget(made)
    made.set_designs(("anonmm", "anon_vma_chain"))
    made.show()
    qtbot.waitExposed(made)
    return made


def test_a_condition_is_added_with_enter_and_kept(dialog: BreakpointsDialog, settings: Settings) -> None:
    QTest.keyClicks(dialog.line, "operation mremap")
    assert "the operation is mremap" in dialog.fault.text()
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert settings.breakpoints == ["operation mremap"]
    assert dialog.line.text() == ""
    assert dialog.isVisible()
    QTest.keyClicks(dialog.line, "operation mremap")
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert settings.breakpoints == ["operation mremap"]  # once is enough


def test_a_fault_is_said_below_the_line_and_nothing_is_added(dialog: BreakpointsDialog, settings: Settings) -> None:
    QTest.keyClicks(dialog.line, "walk vists > 3")
    assert dialog.fault.text().startswith("Column 6: expected visits")
    click(dialog.add_button)
    assert settings.breakpoints == []
    assert dialog.line.text() == "walk vists > 3"
    assert dialog.line.cursorPosition() == 5


def test_a_design_that_does_not_run_is_told(dialog: BreakpointsDialog) -> None:
    QTest.keyClicks(dialog.line, "walks > 1 in objrmap")
    assert "objrmap" in dialog.fault.text()
    assert not dialog.fault.text().startswith("Stops")


def test_space_switches_one_off_and_delete_removes_it(dialog: BreakpointsDialog, settings: Settings) -> None:
    for text in ("operation fork", "call refused"):
        dialog.line.setText(text)
        dialog.add()
    dialog.table.setFocus()
    dialog.table.setCurrentIndex(dialog.model.index(0, 1))
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert settings.breakpoints == ["-operation fork", "call refused"]
    QTest.keyClick(dialog.table, Qt.Key.Key_Space)
    assert settings.breakpoints == ["operation fork", "call refused"]
    QTest.keyClick(dialog.table, Qt.Key.Key_Delete)
    assert settings.breakpoints == ["call refused"]
    click(dialog.remove_button)
    assert settings.breakpoints == []
    assert not dialog.remove_button.isEnabled()


# -- running ----------------------------------------------------------------------------------------------------------


def test_runs_stop_at_breakpoints(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(window, "show_notice", lambda notice: told.append(notice.text))
    names = [entry.name for entry in window.views["history"].model.path.entries]
    forks = [n for n, name in enumerate(names, 1) if name == "fork"]
    window.commands.run("run_back", {})
    assert "Ctrl+F7" in told.pop()  # no breakpoint yet: how to add one

    go(qtbot, window, 0)
    window.settings.breakpoints = ["-operation touch", "operation fork"]
    frames: list[int] = []
    window.bridge.frame.connect(lambda frame: frames.append(frame.position))
    window.commands.run("run_fast", {})
    at_rest(qtbot, window, forks[0])
    qtbot.waitUntil(lambda: bool(told), timeout=2000)
    assert told.pop() == f"Stopped after operation {forks[0]}: operation fork ({window.frame.designs[0].key})."
    assert set(frames) <= {0, forks[0]}  # nothing was painted on the way

    go(qtbot, window, len(names))
    window.commands.run("run_back", {})
    at_rest(qtbot, window, forks[-1])
    qtbot.waitUntil(lambda: bool(told), timeout=2000)
    assert f"after operation {forks[-1]}" in told.pop()

    go(qtbot, window, 0)
    window.player.set_speed(64)
    stops = QSignalSpy(window.player.stopped)
    window.player.toggle()
    qtbot.waitUntil(lambda: stops.count() == 1, timeout=10_000)
    assert not window.player.playing
    at_rest(qtbot, window, forks[0])


# -- markers ----------------------------------------------------------------------------------------------------------


def test_markers_are_seen_everywhere_cleared_by_the_chip_and_dragged_in_a_plot(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.commands.run("marker_a", {"position": 4})
    window.commands.run("marker_b", {"position": 2})
    timeline, overhead, history = (window.views[name] for name in ("timeline", "overhead", "history"))
    assert timeline.track.markers == overhead.markers == (4, 2)
    assert [history.model.position_of(row) for row in range(history.model.count())] == [2, 3, 4]
    window.docks.docks["history"].show()
    window.docks.docks["history"].raise_()
    qtbot.waitUntil(history.span_chip.isVisible)
    click(history.span_chip)
    assert travel(window).markers == (None, None)
    assert timeline.track.markers == overhead.markers == (None, None)
    assert history.model.count() == len(history.model.path) + 1
    drag_a_marker(qtbot, window)


def drag_a_marker(qtbot: QtBot, window: MainWindow) -> None:
    overhead = window.views["overhead"]
    window.commands.run("marker_a", {"position": 1})
    window.commands.run("marker_b", {"position": 3})
    qtbot.waitUntil(lambda: overhead.cards[0].plot is not None and overhead.store.length > 4, timeout=5000)
    plot = overhead.cards[0].plot
    port = plot.view.viewport()

    def spot(position: float) -> QPoint:
        return (QPointF(plot.pixel(position), plot.area().center().y()) - QPointF(plot.view.pos())).toPoint()

    QTest.mousePress(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot(3))
    QTest.mouseMove(port, spot(4))
    QTest.mouseMove(port, spot(5))
    QTest.mouseRelease(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, spot(5))
    assert travel(window).markers == (1, 5)
    assert window.position == 5
    assert overhead.bar.chip.text().startswith("A 1 · B 5")


# -- differences ------------------------------------------------------------------------------------------------------


def test_differences_are_narrowed_copied_selected_from_and_swapped(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(window, "show_notice", lambda notice: told.append(notice.text))
    window.commands.run("diff_markers", {})
    assert told == ["Set marker A or B first (Ctrl+Alt+A, Ctrl+Alt+B): the other end is then the state shown."]
    window.commands.run("marker_a", {"position": 2})
    window.commands.run("marker_b", {"position": 5})
    window.commands.run("diff_markers", {})
    qtbot.waitUntil(lambda: travel(window).diff is not None, timeout=5000)
    found = travel(window).diff
    assert found is not None
    double_click_selects(qtbot, window, found)
    narrow_and_copy(found)
    click(found.swap_button)
    qtbot.waitUntil(lambda: found.found is not None and found.found.one == 5, timeout=5000)
    assert found.windowTitle() == "Difference from operation 5 to 2"


def narrow_and_copy(difference: DiffWindow) -> None:
    assert difference.isVisible()
    assert (difference.found.one, difference.found.other) == (2, 5)  # type: ignore[union-attr]
    whole = difference.model.count()
    kinds = {row.kind for row in difference.model.rows}
    assert kinds >= {"process", "vma", "structure", "curve"}
    sums = 0
    for kind in sorted(kinds):
        difference.kind.set_key(kind)
        difference.kind.chosen.emit(kind)
        assert {row.kind for row in difference.model.rows} == {kind}
        sums += difference.model.count()
    assert sums == whole
    difference.table.setFocus()
    QTest.keyClick(difference.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 1 + difference.model.count()
    assert lines[0].split("\t")[:3] == ["sign", "kind", "what"]
    assert all(line.split("\t")[1] == difference.kind.key for line in lines[1:])


def double_click_selects(qtbot: QtBot, window: MainWindow, difference: DiffWindow) -> None:
    row = next(n for n, r in enumerate(difference.model.rows) if r.kind == "vma" and r.spot is not None)
    spot = difference.model.rows[row].spot
    difference.table.scrollTo(difference.model.index(row, 2))
    place = difference.table.visualRect(difference.model.index(row, 2)).center()
    port = difference.table.viewport()
    QTest.mouseClick(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseDClick(port, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    qtbot.waitUntil(lambda: (window.selection.pid, window.selection.vpn) == spot, timeout=2000)


# -- bookmarks and names ----------------------------------------------------------------------------------------------


def test_bookmarks_are_set_named_visited_taken_away_and_the_branch_renamed(qtbot: QtBot, window: MainWindow) -> None:
    track = window.views["timeline"].track
    for position in list(track.bookmarks):  # the scenario has its own
        take_away(window, position)
    qtbot.waitUntil(lambda: not track.bookmarks, timeout=3000)
    for position, text in ((2, ""), (4, "the mremap")):
        naming = ask_bookmark(window, position)
        QTest.keyClicks(naming.line, text)
        QTest.keyClick(naming.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: track.bookmarks == {2: "", 4: "the mremap"}, timeout=3000)
    for id_, position in (("bookmark_previous", 4), ("bookmark_previous", 2), ("bookmark_next", 4)):
        window.commands.run(id_, {})
        at_rest(qtbot, window, position)
    take_away(window, 4)
    qtbot.waitUntil(lambda: track.bookmarks == {2: ""}, timeout=3000)
    rename_the_branch(qtbot, window)


def ask_bookmark(window: MainWindow, position: int) -> NameDialog:
    window.commands.run("bookmark", {"position": position})
    naming = travel(window).naming
    assert naming is not None
    return naming


def take_away(window: MainWindow, position: int) -> None:
    click(ask_bookmark(window, position).remove_button)


def test_ctrl_b_at_a_bookmark_keeps_its_words(qtbot: QtBot, window: MainWindow) -> None:
    track = window.views["timeline"].track
    qtbot.waitUntil(lambda: track.bookmarks != {}, timeout=3000)
    before = dict(track.bookmarks)
    position, text = next((position, text) for position, text in before.items() if text)
    naming = ask_bookmark(window, position)
    assert naming.line.text() == text
    QTest.keyClick(naming.line, Qt.Key.Key_Escape)
    naming = ask_bookmark(window, position)
    QTest.keyClicks(naming.line, "another")
    QTest.keyClick(naming.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: track.bookmarks == {**before, position: "another"}, timeout=3000)


def test_a_breakpoint_that_is_being_changed_stays_until_its_new_form_is_taken(
    dialog: BreakpointsDialog, settings: Settings
) -> None:
    for text in ("walk visits > 100", "merge refused"):
        dialog.line.setText(text)
        dialog.add()
    dialog._edit(0)
    assert settings.breakpoints == ["walk visits > 100", "merge refused"]
    dialog.line.setText("walk visits > 50")
    dialog.add()
    assert settings.breakpoints == ["merge refused", "walk visits > 50"]


def rename_the_branch(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.run("branch_rename", {})
    naming = travel(window).naming
    assert naming is not None
    naming.line.setText(" ")
    assert naming.fault.text() == "A branch needs a name."
    assert not naming.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled()
    naming.line.setText("the letter")
    QTest.keyClick(naming.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.branch == "the letter", timeout=3000)


def test_all_words_of_the_menu_are_plain() -> None:
    for action in TimeTravel.ACTIONS:
        assert len(action.text) < 45, action.text
        assert action.text.count("…") <= 1
        assert action.text.count("&") == 1
        assert not action.tip.endswith(".")
