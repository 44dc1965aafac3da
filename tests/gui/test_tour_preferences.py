"""The tour never blocks; the preferences apply at once and travel as a file; back and forward through selections."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSettings, QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.features import tour as tour_feature
from rmapexplorer.gui.features.preferences import PreferencesFeature
from rmapexplorer.gui.features.selection_history import KEPT, SelectionHistory
from rmapexplorer.gui.features.tour import TourFeature
from rmapexplorer.gui.preferences import REALLY, THEME_NAMES, Preferences
from rmapexplorer.gui.settings import THEMES, Settings
from rmapexplorer.gui.style import style_sheet
from rmapexplorer.gui.theme import load_themes
from rmapexplorer.gui.tour import STOPS, Tour, beside
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


# the tour


def tour_of(shell: Shell) -> TourFeature:
    return next(one for one in shell.window.features if isinstance(one, TourFeature))


def started(shell: Shell) -> Tour:
    shell.window.actions_["tour"].trigger()
    tour = tour_of(shell).tour
    assert tour is not None
    return tour


def test_every_stop_points_at_something_and_stays_inside(shell: Shell) -> None:
    tour = started(shell)
    for number, stop in enumerate(STOPS):
        assert tour.callout.title.text() == stop.title
        assert tour.callout.count.text() == f"{number + 1} of {len(STOPS)}"
        assert shell.window.rect().contains(tour.callout.geometry()), stop.title
        assert tour.ring.geometry().width() > 20
        QTest.keyClick(tour.callout, Qt.Key.Key_Right)
    assert tour_of(shell).tour is None


def test_it_blocks_nothing_and_escape_ends_it(shell: Shell, qtbot: QtBot) -> None:
    tour = started(shell)
    shell.window.actions_["step"].trigger()
    assert shell.engine.named("seek")
    assert not shell.window.findChildren(type(tour.callout))[0].isModal()
    QTest.keyClick(tour.callout, Qt.Key.Key_Escape)
    assert tour_of(shell).tour is None and shell.settings.toured


def test_arrows_go_back_and_what_is_hidden_is_passed_over(shell: Shell) -> None:
    shell.window.docks.docks["processes"].hide()
    tour = started(shell)
    QTest.keyClick(tour.callout, Qt.Key.Key_Return)
    QTest.keyClick(tour.callout, Qt.Key.Key_Return)
    assert STOPS[2].place == "processes" and tour.callout.title.text() == STOPS[3].title
    QTest.keyClick(tour.callout, Qt.Key.Key_Left)
    assert tour.callout.title.text() == STOPS[1].title
    QTest.keyClick(tour.callout, Qt.Key.Key_Left)
    QTest.keyClick(tour.callout, Qt.Key.Key_Left)
    assert tour.callout.title.text() == STOPS[0].title


def test_it_follows_the_window_and_the_text_size(shell: Shell) -> None:
    tour = started(shell)
    shell.window.resize(1000, 700)
    assert shell.window.rect().contains(tour.callout.geometry())
    tour.callout.wanted.emit(1)
    shell.window.use_text(150)
    again = tour_of(shell).tour
    assert again is not None and again is not tour and again.at == 1
    shell.window.use_text(100)


@pytest.mark.parametrize(("toured", "title", "runs"), [(False, "", True), (True, "", False), (False, "mine", False)])
def test_it_begins_by_itself_once_on_the_built_in_scenario(
    toured: bool, title: str, runs: bool, shell: Shell, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tour_feature, "CALM_MS", 0)
    shell.settings.toured = toured
    shell.window.files.title = title or shell.window.files.title
    shell.window.first_start()
    shell.window.ready.emit()
    qtbot.wait(30)
    assert (tour_of(shell).tour is not None) == runs


def test_the_callout_stands_where_there_is_room() -> None:
    room, size = QRect(0, 0, 1000, 800), QSize(300, 150)
    for target, side in (
        (QRect(0, 0, 200, 800), "left"),
        (QRect(700, 0, 300, 800), "right"),
        (QRect(0, 600, 1000, 200), "bottom"),
        (QRect(0, 0, 1000, 100), "top"),
        (QRect(0, 0, 1000, 800), ""),
    ):
        rect, got = beside(target, size, room)
        assert got == side and room.contains(rect)


# preferences


def preferences(shell: Shell) -> Preferences:
    shell.window.actions_["preferences"].trigger()
    dialog = next(one for one in shell.window.features if isinstance(one, PreferencesFeature)).dialog
    assert dialog is not None and not dialog.isModal()
    return dialog


def choose(box: object, value: object) -> None:
    box.setCurrentIndex(box.findData(value))  # type: ignore[attr-defined]
    box.activated.emit(box.currentIndex())  # type: ignore[attr-defined]


def test_every_change_applies_at_once(shell: Shell, qtbot: QtBot) -> None:
    dialog = preferences(shell)
    assert set(THEME_NAMES) == set(THEMES)
    choose(dialog.theme, "contrast")
    qtbot.waitUntil(lambda: not shell.window.looks.working)
    assert shell.window.themes.current.name == "contrast"
    choose(dialog.text, 125)
    assert shell.settings.text_percent == 125
    qtbot.waitUntil(lambda: not shell.window.looks.working)
    assert QApplication.font().pointSizeF() == pytest.approx(9.6 * 1.25)
    choose(dialog.text, 100)
    choose(dialog.speed, 8.0)
    assert shell.window.player.speed == 8
    dialog.aside.click()
    assert not shell.settings.keep_aside
    dialog.motion.click()
    assert shell.settings.reduced_motion and shell.window.actions_["reduced_motion"].isChecked()
    dialog.welcome.click()
    assert not shell.settings.welcome


def test_it_shows_what_was_changed_elsewhere(shell: Shell, qtbot: QtBot) -> None:
    dialog = preferences(shell)
    shell.window.actions_["theme_light"].trigger()
    qtbot.waitUntil(lambda: dialog.theme.currentData() == "light")
    shell.window.player.set_speed(16)
    assert dialog.speed.currentData() == 16
    shell.settings.keep_aside = False
    assert not preferences(shell).aside.isChecked()


def test_reset_asks_twice_and_puts_everything_back(shell: Shell) -> None:
    dialog = preferences(shell)
    choose(dialog.theme, "light")
    shell.settings.recent = ["/a/b.rmap"]
    dialog.reset_button.click()
    assert dialog.reset_button.text() == REALLY and shell.settings.theme == "light"
    dialog.reset_button.click()
    assert shell.settings.theme == "dark" and shell.window.themes.current.name == "dark"
    assert shell.settings.recent == [] and dialog.theme.currentData() == "dark"


def test_settings_travel_as_a_file(shell: Shell, tmp_path: Path) -> None:
    path = str(tmp_path / "mine.ini")
    dialog = preferences(shell)
    choose(dialog.theme, "light")
    choose(dialog.speed, 32.0)
    dialog.motion.click()
    shell.settings.recent = ["/secret/place.rmap"]
    shell.dialogs.path = path
    dialog.export_button.click()
    assert path in dialog.told.text() and "secret" not in Path(path).read_text()
    dialog.reset_button.click()
    dialog.reset_button.click()
    assert not shell.window.actions_["reduced_motion"].isChecked()
    dialog.import_button.click()
    assert shell.window.themes.current.name == "light" and shell.window.player.speed == 32
    assert shell.settings.reduced_motion and shell.window.actions_["reduced_motion"].isChecked()
    shell.window.use_theme("dark")


def test_a_file_without_settings_is_refused_and_nothing_changes(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ini"
    wrong.write_text("[other]\ntheme=light\n")
    dialog = preferences(shell)
    dialog.import_from(str(wrong))
    assert dialog.told.text() == f"{wrong} holds no settings; choose a file that Export wrote."
    assert shell.settings.theme == "dark"
    dialog.export_to(str(wrong / "inside.ini"))
    assert dialog.told.text() == f"{wrong / 'inside.ini'} cannot be written; choose another place."
    dialog.export_to(str(tmp_path / "fresh.ini"))
    assert "theme=dark" in (tmp_path / "fresh.ini").read_text()


def test_damaged_settings_of_a_file_read_as_defaults(tmp_path: Path) -> None:
    wrong = tmp_path / "odd.ini"
    wrong.write_text("[look]\ntheme=purple\ntext_percent=many\n")
    mine = Settings(QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat))
    assert mine.import_from(str(wrong))
    assert (mine.theme, mine.text_percent) == ("dark", 100)


@pytest.mark.parametrize("name", load_themes())
def test_a_ticked_box_can_be_told_from_an_empty_one(name: str) -> None:
    theme = load_themes()[name]
    sheet = style_sheet(theme)
    tick = re.search(r'indicator:checked .*image: url\("([^"]+)"\)', sheet)
    assert tick is not None and Path(tick[1]).is_file()
    assert ("light" in Path(tick[1]).name) == (theme.on(theme.color("accent")).lightnessF() > 0.5)


# back and forward through selections


def history_of(shell: Shell) -> SelectionHistory:
    return next(one for one in shell.window.features if isinstance(one, SelectionHistory))


def at(shell: Shell) -> tuple[int, int]:
    return shell.window.selection.pid, shell.window.selection.vpn


def test_back_forward_and_a_new_selection_drops_what_lay_ahead(shell: Shell) -> None:
    start = at(shell)
    shell.window.selection.select(3)
    shell.window.selection.select(4, 0x400)
    shell.window.actions_["selection_back"].trigger()
    assert at(shell) == (3, -1)
    shell.window.actions_["selection_back"].trigger()
    assert at(shell) == start
    shell.window.actions_["selection_forward"].trigger()
    assert at(shell) == (3, -1)
    shell.window.selection.select(1)
    shell.window.actions_["selection_forward"].trigger()
    assert at(shell) == (1, -1)
    assert shell.window.messagebar.text.text() == "Nothing was selected after this."


def test_the_mouse_has_buttons_for_it(shell: Shell) -> None:
    start = at(shell)
    shell.window.selection.select(3)
    spot, buttons = QPoint(5, 5), Qt.MouseButton
    for button, place in ((buttons.BackButton, start), (buttons.ForwardButton, (3, -1))):
        press = QMouseEvent(
            QEvent.Type.MouseButtonPress, QPointF(spot), QPointF(spot), button, button, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(shell.window.views["processes"], press)
        assert at(shell) == place


def test_only_so_many_are_kept_and_another_session_begins_anew(shell: Shell, qtbot: QtBot) -> None:
    for pid in range(KEPT + 50):
        shell.window.selection.select(1, pid)
    assert len(history_of(shell).places) == KEPT
    shell.bridge.open("b/other.rmap")
    shell.settle(qtbot)
    assert len(history_of(shell).places) <= 1
