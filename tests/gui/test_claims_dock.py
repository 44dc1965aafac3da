"""The Claims dock: run with real clicks, figures as they come, cancel, the letter's address, nothing clipped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QElapsedTimer, QRect, Qt, QTimer, QUrl
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.claims.catalogue import CLAIMS
from rmapexplorer.claims.job import Judged, Measured, Started
from rmapexplorer.claims.model import ADDRESS
from rmapexplorer.gui.claims import Claims
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.models.claims import CHIPS, ClaimModel, FigureModel
from rmapexplorer.gui.panel import HeaderButton
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.tables import PAD, TableDelegate
from rmapexplorer.gui.theme import Themes

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
LEFT = Qt.MouseButton.LeftButton
SECONDS_20 = 20_000


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def dock(qtbot: QtBot, qapp: QApplication, opened: list[str]) -> Iterator[Claims]:
    qapp.setFont(app_font())
    made = Claims(Selection(), Themes("dark"), opener=lambda url: opened.append(url.toString()))
    qtbot.addWidget(made)
    made.resize(340, 560)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.cancel()


def click_row(qtbot: QtBot, dock: Claims, row: int) -> None:
    dock.table.scrollTo(dock.model.index(row, 0))
    place = dock.table.visualRect(dock.model.index(row, 1)).center()
    qtbot.mouseClick(dock.table.viewport(), LEFT, pos=place)


def words(dock: Claims, row: int, key: str) -> str:
    return str(dock.model.data(dock.model.index(row, dock.model.column(key))))


def test_every_claim_is_listed_with_its_paragraph_and_no_verdict(dock: Claims) -> None:
    assert [words(dock, row, "id") for row in range(18)] == [f"C{n}" for n in range(1, 19)]
    assert words(dock, 0, "place") == "2, 10"
    assert {words(dock, row, "verdict") for row in range(18)} == {"—"}


def test_a_claim_is_run_with_a_click_and_judged(dock: Claims, qtbot: QtBot) -> None:
    click_row(qtbot, dock, 2)
    qtbot.mouseClick(dock.buttons["run"], LEFT)
    assert dock.progress.isVisible()
    qtbot.waitUntil(lambda: not dock.watcher.running, timeout=SECONDS_20)
    assert words(dock, 2, "verdict") == "◑ half true"
    assert dock.figures.count() == len(CLAIMS[2].columns) * len(CLAIMS[2].figures)
    assert dock.tabs.currentIndex() == 1 and dock.figure_table.isVisible()
    assert "Half true" in dock.text.toPlainText()
    assert dock.panel._footer.full_text().startswith("C3 half true:")
    assert not dock.progress.isVisible()


def test_run_all_is_cancelled_and_what_was_judged_stays(dock: Claims, qtbot: QtBot) -> None:
    qtbot.mouseClick(dock.buttons["all"], LEFT)
    qtbot.waitUntil(lambda: words(dock, 1, "verdict") == "✓ holds", timeout=SECONDS_20)
    qtbot.mouseClick(dock.cancel_button, LEFT)
    assert not dock.watcher.running and not dock.progress.isVisible()
    assert words(dock, 1, "verdict") == "✓ holds"
    assert words(dock, 17, "verdict") == "—"
    assert "Stopped" in dock.panel._footer.full_text()


def test_the_window_answers_while_a_heavy_claim_runs(dock: Claims, qtbot: QtBot) -> None:
    gaps: list[float] = []
    clock, timer = QElapsedTimer(), QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.setInterval(5)
    timer.timeout.connect(lambda: gaps.append(clock.restart()))
    dock.run(["C10"])
    clock.start()
    timer.start()
    qtbot.wait(1500)
    timer.stop()
    gaps.sort()
    assert len(gaps) > 20
    assert gaps[int(len(gaps) * 0.95)] < 60


def test_play_asks_for_the_scenario(dock: Claims, qtbot: QtBot) -> None:
    click_row(qtbot, dock, 7)
    with qtbot.waitSignal(dock.requested) as asked:
        qtbot.mouseClick(dock.buttons["play"], LEFT)
    assert asked.args[0] == "open"
    assert asked.args[1]["path"].endswith("scenarios/claims/C08.rmap")
    with qtbot.waitSignal(dock.requested):
        qtbot.keyClick(dock.table, Qt.Key.Key_P)


def test_the_letter_is_opened_elsewhere(dock: Claims, qtbot: QtBot, opened: list[str]) -> None:
    qtbot.mouseClick(dock.buttons["letter"], LEFT)
    dock.text.anchorClicked.emit(QUrl(ADDRESS))
    assert opened == ["https://lore.kernel.org/all/20040312131103.GS30940@dualathlon.random/"] * 2


def test_models_are_sound_while_messages_come(qtbot: QtBot) -> None:
    model, figures = ClaimModel(), FigureModel()
    testers = [QAbstractItemModelTester(one, FATAL) for one in (model, figures)]
    claim = CLAIMS[0]
    model.apply(Started("C1"))
    for column in claim.columns:
        model.apply(Measured("C1", column.name, {figure.name: 1.0 for figure in claim.figures}))
        figures.show(claim, model.results["C1"].figures)
    assert figures.count() == len(claim.columns) * len(claim.figures)
    model.apply(Judged("C1", model.results["C1"].figures, "refuted", "it is not so", 0.1))
    assert model.verdict("C1") == CHIPS["refuted"]
    figures.show(CLAIMS[1], {})
    assert figures.count() == 0 and testers
    assert figures.text([]) == ""


def test_a_stopped_run_leaves_no_half_results() -> None:
    model = ClaimModel()
    model.apply(Started("C4"))
    model.apply(Measured("C4", "anonmm", {"x": 1.0}))
    model.stopped()
    assert model.results["C4"].figures == {} and model.verdict("C4")[0] == "—"


def test_a_new_panel_takes_over_what_was_found(dock: Claims, qtbot: QtBot) -> None:
    dock.model.apply(Judged("C2", {}, "holds", "because", 0.1))
    other = Claims(Selection(), Themes("light"))
    qtbot.addWidget(other)
    other.inherit(dock)
    assert words(other, 1, "verdict") == "✓ holds"


@pytest.mark.parametrize("width", [270, 340, 900])
def test_no_text_is_clipped(dock: Claims, qtbot: QtBot, width: int) -> None:
    dock.resize(width, 520)
    qtbot.wait(20)
    shown = [button for button in dock.findChildren(HeaderButton) if button.isVisible()]
    assert shown
    for button in shown:
        assert button.width() >= button.sizeHint().width()
        assert button.mapTo(dock, button.rect().topRight()).x() <= dock.width()
    assert dock.text.horizontalScrollBar().maximum() == 0
    assert dock.table.horizontalScrollBar().maximum() == 0
    metrics = dock.table.fontMetrics()
    room = dock.table.columnWidth(dock.model.column("verdict"))
    assert all(metrics.horizontalAdvance(text) + 10 <= room for text, _ in CHIPS.values())
    assert dock.model.data(dock.model.index(0, 1), Role.ToolTipRole).startswith(CLAIMS[0].title)


def test_a_narrow_panel_shows_six_claims_with_their_titles_in_two_lines(dock: Claims, qtbot: QtBot) -> None:
    dock.resize(346, 448)
    qtbot.wait(20)
    table, section = dock.table, dock.table.verticalHeader().defaultSectionSize()
    assert table.viewport().height() // section >= 6
    metrics, room = table.fontMetrics(), dock.plan._header.sectionSize(dock.model.column("title")) - 2 * PAD
    assert section >= 2 * metrics.lineSpacing()
    flags = int(Qt.TextFlag.TextWordWrap)
    high = [
        metrics.boundingRect(QRect(0, 0, room, 500), flags, words(dock, row, "title")).height() for row in range(18)
    ]
    assert sum(height <= 2 * metrics.lineSpacing() + 2 for height in high) >= 10, "the others are elided in the second"
    delegate, cell = table.itemDelegate(), dock.model.index(2, dock.model.column("title"))
    picture = table.grab(table.visualRect(cell)).toImage()
    paper = picture.pixelColor(1, 1)
    lower = range(picture.height() // 2 + 4, picture.height() - 4)
    assert isinstance(delegate, TableDelegate)
    assert any(picture.pixelColor(x, y) != paper for y in lower for x in range(picture.width())), (
        "the second line is drawn"
    )
