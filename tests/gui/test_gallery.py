"""The gallery: every scenario is a card, pictures come in without freezing, filter, keyboard, open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.gallery import LESSONS, OF_CLAIMS, WORKLOADS, Gallery, Painter, scenarios
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes, load_themes
from rmapexplorer.resources import resource
from tests.gui import frame_factory as ff

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def gallery(qtbot: QtBot, qapp: QApplication) -> Iterator[Gallery]:
    qapp.setFont(app_font())
    made = Gallery(Themes("dark"))
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def test_every_scenario_file_has_a_card() -> None:
    here = {one.name for one in scenarios()}
    root = resource("scenarios").parent
    assert here == {path.relative_to(root).as_posix() for path in (root / "scenarios").rglob("*.rmap*")}
    assert sum(one.section == LESSONS for one in scenarios()) == 2
    assert sum(one.section == WORKLOADS for one in scenarios()) == 11
    assert sum(one.section == OF_CLAIMS for one in scenarios()) == 18
    assert all(one.title and one.lesson and one.finding for one in scenarios())


def test_cards_say_which_forms_lose_ptes_by_design() -> None:
    said = {
        one.title.partition(":")[0]: one.finding.rpartition(". ")[2]
        for one in scenarios()
        if "by design" in one.finding
    }
    assert said["C2"] == "anonmm:variant=4a and anonmm:variant=4c lose ptes by design."
    assert set(said) == {"C1", "C2", "C7", "C8", "C11", "C12"}


def test_pictures_come_in_and_the_window_answers_meanwhile(gallery: Gallery, qtbot: QtBot) -> None:
    gaps: list[float] = []
    clock, timer = QElapsedTimer(), QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: gaps.append(clock.restart()))
    clock.start()
    timer.start()
    qtbot.waitUntil(lambda: not gallery.watcher.running, timeout=40_000)
    timer.stop()
    assert all(not card.picture.pixmap().isNull() for card in gallery.cards)
    gaps.sort()
    assert gaps[int(len(gaps) * 0.95)] < 60


def test_closing_stops_the_pictures(gallery: Gallery, qtbot: QtBot) -> None:
    assert gallery.watcher.running
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Escape)
    assert not gallery.isVisible() and not gallery.watcher.running


def test_the_filter_leaves_what_matches(gallery: Gallery, qtbot: QtBot) -> None:
    qtbot.mouseClick(gallery.filter, LEFT)
    qtbot.keyClicks(gallery.filter, "abuse GFP_atomic")
    assert [card.scenario.title for card in gallery.cards if card.isVisible()] == ["C15: pte_chains abuse GFP_ATOMIC"]
    qtbot.keyClicks(gallery.filter, "xyz")
    assert not any(card.isVisible() for card in gallery.cards) and gallery.nothing.isVisible()
    gallery.filter.clear()
    assert all(card.isVisible() for card in gallery.cards) and not gallery.nothing.isVisible()


def test_arrows_move_and_enter_opens(gallery: Gallery, qtbot: QtBot, qapp: QApplication) -> None:
    gallery.activateWindow()
    qtbot.waitUntil(gallery.filter.hasFocus)
    qtbot.keyClick(gallery.filter, Qt.Key.Key_Down)
    assert gallery.cards[0].hasFocus()
    qtbot.keyClick(gallery.cards[0], Qt.Key.Key_Right)
    assert gallery.cards[1].hasFocus()
    qtbot.keyClick(gallery.cards[1], Qt.Key.Key_Down)
    assert gallery.cards[3].hasFocus(), "the second of the next section"
    qtbot.keyClick(gallery.cards[3], Qt.Key.Key_Down)
    below = gallery.cards[3 + gallery._columns]
    assert below.hasFocus()
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.keyClick(below, Qt.Key.Key_Return)
    assert Path(chosen.args[0]).is_file() and chosen.args[0].endswith(below.scenario.name)
    assert not gallery.isVisible()


def test_open_is_a_click(gallery: Gallery, qtbot: QtBot) -> None:
    with qtbot.waitSignal(gallery.chosen) as chosen:
        qtbot.mouseClick(gallery.cards[0].button, LEFT)
    assert chosen.args[0].endswith("fork-and-copy-on-write.rmap")


@pytest.mark.parametrize("width", [420, 760, 1200])
def test_no_words_are_clipped_at_any_width(gallery: Gallery, qtbot: QtBot, width: int) -> None:
    gallery.resize(width, 700)
    qtbot.wait(50)
    for card in gallery.cards:
        right = card.mapTo(gallery.area.viewport(), card.rect().topRight()).x()
        assert right <= gallery.area.viewport().width()
        for label in card.findChildren(QLabel):
            if label is not card.picture:
                assert label.height() >= label.heightForWidth(label.width()), label.text()


def test_a_picture_has_the_colours_of_the_theme(qapp: QApplication) -> None:
    painter = Painter()
    dark, light = (painter.paint(ff.letter(), load_themes()[name], 1.0).toImage() for name in ("dark", "light"))
    painter.close()
    assert dark.size() == light.size()
    assert dark.pixelColor(2, 2).lightness() < 60 < 200 < light.pixelColor(2, 2).lightness()
    assert len({dark.pixelColor(x, y).name() for x in range(0, 292, 3) for y in range(0, 128, 3)}) > 6
