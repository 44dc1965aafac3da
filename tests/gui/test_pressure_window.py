"""Under memory pressure: run with clicks, plots and table agree, cancel, export, and mistakes are sentences."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QElapsedTimer, Qt, QTimer
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton
from pytestqt.qtbot import QtBot

from rmapexplorer.figures.pressure import Pressure
from rmapexplorer.gui.models.pressure import MEASURES, PressureModel, as_csv
from rmapexplorer.gui.pressure import PressureWindow, counts
from rmapexplorer.gui.pressure_plot import PressurePlots, decades
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes
from tests.gui.shell import FakeDialogs

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
LEFT = Qt.MouseButton.LeftButton


def result(design: str, children: int, nodes: int, workload: str = "W4") -> Pressure:
    return Pressure(
        workload=workload, design=design, children=children, working_set=100, ram=50, reclaimed=10, nodes=nodes,
        ptes=20, false_probes=0, copied=0, missed=0, metadata=1000, refused=0, seconds=0.5,
    )  # fmt: skip


@pytest.fixture
def dialogs() -> FakeDialogs:
    return FakeDialogs()


@pytest.fixture
def window(qtbot: QtBot, qapp: QApplication, dialogs: FakeDialogs) -> Iterator[PressureWindow]:
    qapp.setFont(app_font())
    made = PressureWindow(Themes("dark"), dialogs)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()


def enter(qtbot: QtBot, window: PressureWindow, text: str) -> None:
    window.children_line.selectAll()
    qtbot.keyClicks(window.children_line, text)


def test_a_run_fills_plots_and_table_and_is_saved(
    window: PressureWindow, dialogs: FakeDialogs, qtbot: QtBot, tmp_path: Path
) -> None:
    assert not window.csv_button.isEnabled()
    enter(qtbot, window, "5 20")
    qtbot.mouseClick(window.run_button, LEFT)
    assert window.cancel_button.isVisible() and not window.run_button.isEnabled()
    qtbot.waitUntil(lambda: not window.watcher.running, timeout=30_000)
    qtbot.waitUntil(lambda: window.plots.drawn)
    assert window.model.count() == 4 * 2 * 2
    nodes = window.plots.plots[0]
    assert set(nodes.curves) == {"pte_chain", "anonmm", "anon_vma", "anon_vma_chain"}
    assert [count for count, _ in nodes.curves["anonmm"]] == [5, 20]
    dialogs.path = str(tmp_path / "p.csv")
    qtbot.mouseClick(window.csv_button, LEFT)
    rows = list(csv.DictReader((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 16 and float(rows[0]["nodes_per_page"]) == pytest.approx(
        int(rows[0]["nodes"]) / int(rows[0]["reclaimed"]), rel=1e-4
    )
    dialogs.path = str(tmp_path / "p.png")
    qtbot.mouseClick(window.png_button, LEFT)
    assert QImage(dialogs.path).width() > 400


def test_cancel_keeps_what_is_done(window: PressureWindow, qtbot: QtBot) -> None:
    enter(qtbot, window, "5 3000")
    qtbot.mouseClick(window.run_button, LEFT)
    qtbot.waitUntil(lambda: window.model.count() >= 8, timeout=30_000)
    qtbot.mouseClick(window.cancel_button, LEFT)
    assert not window.watcher.running and window.run_button.isEnabled()
    assert window.model.count() >= 8 and "Stopped after" in window.doing.full_text()


def test_the_window_answers_while_it_runs(window: PressureWindow, qtbot: QtBot) -> None:
    gaps: list[float] = []
    clock, timer = QElapsedTimer(), QTimer()
    timer.setInterval(5)
    timer.timeout.connect(lambda: gaps.append(clock.restart()))
    enter(qtbot, window, "1000")
    qtbot.mouseClick(window.run_button, LEFT)
    clock.start()
    timer.start()
    qtbot.wait(2000)
    timer.stop()
    gaps.sort()
    assert gaps[int(len(gaps) * 0.95)] < 60
    window.close()
    assert not window.watcher.running


@pytest.mark.parametrize("text", ["", "ten", "0", "10 30001"])
def test_wrong_numbers_are_a_sentence_and_nothing_runs(window: PressureWindow, qtbot: QtBot, text: str) -> None:
    window.children_line.clear()
    qtbot.keyClicks(window.children_line, text)
    qtbot.mouseClick(window.run_button, LEFT)
    assert "from 1 to 30,000" in window.doing.full_text() and not window.watcher.running
    qtbot.keyClicks(window.children_line, " ")
    assert not window.children_line.property("fault")


def test_no_design_is_a_sentence(window: PressureWindow, qtbot: QtBot) -> None:
    for box in window.boxes.values():
        box.setChecked(False)
    qtbot.mouseClick(window.run_button, LEFT)
    assert window.doing.full_text() == "Tick at least one design." and not window.watcher.running


def test_a_place_that_cannot_be_written_is_a_sentence(window: PressureWindow, tmp_path: Path) -> None:
    window.save_csv(str(tmp_path / "none" / "p.csv"))
    assert "cannot be written" in window.doing.full_text()
    window.save_png(str(tmp_path / "none" / "p.png"))
    assert "choose another place" in window.doing.full_text()


def test_the_scales_are_logarithms_and_zero_has_its_line(qtbot: QtBot, qapp: QApplication) -> None:
    plots = PressurePlots(Themes("light").current)
    qtbot.addWidget(plots)
    plots.show_runs([result("anonmm", 10, 50), result("anonmm", 1000, 5000), result("anon_vma", 10, 0)])
    qtbot.waitUntil(lambda: plots.drawn)
    nodes = plots.plots[0]
    assert nodes.place(500.0) - nodes.place(50.0) == pytest.approx(1.0)
    assert nodes.left.zero is not None and nodes.place(0.0) < math.log10(5)
    assert nodes.left.tickStrings([nodes.left.zero, 1.0, 3.0], 1.0, 1.0) == ["0", "10", "1000"]
    assert nodes.below.tickStrings([1.0, 3.0], 1.0, 1.0) == ["10", "1000"]
    assert [design for design, _ in nodes.labels.items_] == ["anonmm", "anon_vma"]


@pytest.mark.parametrize(
    ("low", "high", "rows"), [(0.2, 0.3, [0, 1]), (0.0, 0.0, [0, 1]), (-1.5, 2.1, [-2, -1, 0, 1, 2, 3])]
)
def test_decades_hold_all_values(low: float, high: float, rows: list[int]) -> None:
    assert decades(low, high) == rows


def test_the_model_is_sound_and_sorts_numbers() -> None:
    model = PressureModel()
    tester = QAbstractItemModelTester(model, FATAL)
    for children, nodes in ((10, 300), (100, 20), (1000, 4000)):
        model.add(result("anonmm", children, nodes))
    model.sort(model.column("nodes"), Qt.SortOrder.DescendingOrder)
    assert [row.nodes for row in model.rows] == [4000, 300, 20]
    assert model.data(model.index(0, model.column("nodes"))) == "400.00"
    model.clear()
    assert model.count() == 0 and tester
    assert as_csv([]).count("\n") == 1 and all(f"{m.key}_per_page" in as_csv([]) for m in MEASURES)


def test_counts_are_sorted_and_each_once() -> None:
    assert counts("100, 10 10") == [10, 100]


def test_no_words_are_clipped(window: PressureWindow, qtbot: QtBot) -> None:
    window.resize(window.minimumSizeHint())
    qtbot.wait(20)
    for button in window.findChildren(QPushButton) + window.findChildren(QCheckBox):
        if button.isVisible():
            assert button.width() >= QFontMetrics(button.font()).horizontalAdvance(button.text().replace("&", ""))
            assert button.mapTo(window, button.rect().topRight()).x() <= window.width()
