"""The overhead view: a click seeks, zoom is the user's, names do not overlap, the table tells the same figures."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.core.metrics import KEYS, METRICS
from rmapexplorer.engine.frames import MetricRows
from rmapexplorer.gui.overhead import DEFAULT, MOST_PLOTS, Overhead
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff

DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def rows(count: int = 7, start: int = 0, *, generation: int = 1, truncate: bool = False) -> MetricRows:
    """Every value is position * 100 + design * 10 + metric."""
    values = np.arange(start, start + count)[:, None, None] * 100.0
    values = values + np.arange(4)[None, :, None] * 10 + np.arange(len(METRICS))[None, None, :]
    return MetricRows(generation=generation, start=start, designs=DESIGNS, values=values, truncate=truncate)


def view(qtbot: QtBot, count: int = 7) -> Overhead:
    widget = Overhead(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.resize(1360, 220)
    widget.show()
    qtbot.waitExposed(widget)
    widget.load()
    widget.apply(rows(count))
    widget.set_frame(ff.letter(head=count - 1))
    widget.renew()
    QApplication.sendPostedEvents()
    return widget


def spot(widget: Overhead, card: int, position: float) -> QPoint:
    plot = widget.cards[card].plot
    assert plot is not None
    area = plot.area()
    inside = QPointF(plot.pixel(position), area.center().y()) - QPointF(plot.view.pos())
    return inside.toPoint()


def turn(widget: Overhead, card: int, position: float, steps: int) -> None:
    viewport = widget.cards[card].plot.view.viewport()  # type: ignore[union-attr]
    place = QPointF(spot(widget, card, position))
    event = QWheelEvent(
        place,
        QPointF(viewport.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def ranges(widget: Overhead) -> list[tuple[float, float]]:
    return [tuple(card.plot.box.viewRange()[0]) for card in widget.cards]  # type: ignore[union-attr]


def test_importing_the_view_does_not_import_pyqtgraph() -> None:
    code = "import sys, rmapexplorer.gui.overhead; sys.exit('pyqtgraph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_rows_that_come_before_the_plots_are_kept(qtbot: QtBot) -> None:
    widget = Overhead(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.apply(rows())
    assert widget.cards[0].plot is None
    widget.show()
    qtbot.waitUntil(lambda: widget.cards[0].plot is not None)
    assert [design for design, _ in widget.cards[0].plot.labels.items_] == list(DESIGNS)  # type: ignore[union-attr]


def test_three_metrics_by_default_and_each_can_be_changed(qtbot: QtBot) -> None:
    widget = view(qtbot)
    assert widget.plotted() == list(DEFAULT)
    menu = widget.cards[0].button.menu()
    next(a for a in menu.actions() if a.data() == "probe_missed").trigger()
    assert widget.plotted()[0] == "probe_missed"
    plot = widget.cards[0].plot
    assert plot is not None
    assert plot.number == KEYS.index("probe_missed")
    assert widget.cards[0].hint() == "ptes"


def click_name(widget: Overhead, card: int, design: str) -> None:
    plot = widget.cards[card].plot
    assert plot is not None
    labels = plot.labels
    y = labels.places()[[name for name, _ in labels.items_].index(design)]
    place = plot.view.mapFromScene(labels.mapToScene(QPointF(20, y)))
    QTest.mouseClick(plot.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)


def test_a_click_on_a_name_hides_its_curve_in_all_plots_and_ranges_the_rest(qtbot: QtBot) -> None:
    widget = view(qtbot)
    values = rows().values.copy()
    values[:, 3] *= 100
    widget.apply(MetricRows(generation=2, start=0, designs=DESIGNS, values=values, truncate=True))
    widget.renew()
    plots = [card.plot for card in widget.cards]
    high = [plot.box.viewRange()[1][1] for plot in plots]  # type: ignore[union-attr]
    qtbot.wait(50)
    click_name(widget, 0, "anon_vma_chain")
    qtbot.waitUntil(lambda: widget.store.hidden == {"anon_vma_chain"}, timeout=2000)
    for plot, before in zip(plots, high, strict=True):
        assert plot is not None
        assert plot.box.viewRange()[1][1] < before / 50
        assert [name for name, *_ in plot.curves._made()] == list(DESIGNS[:3])
        assert [name for name, _ in plot.labels.items_] == list(DESIGNS)  # the name stays, to bring it back
    assert not widget.grab().isNull()
    widget.toggle("anon_vma_chain")
    assert [plot.box.viewRange()[1][1] for plot in plots] == high  # type: ignore[union-attr]


def test_plus_and_minus_change_the_number_of_plots(qtbot: QtBot) -> None:
    widget = view(qtbot)
    for _ in range(10):
        widget.add_button.click()
    assert len(widget.cards) == MOST_PLOTS
    assert len(set(widget.plotted())) == MOST_PLOTS
    assert not widget.add_button.isEnabled()
    while len(widget.cards) > 1:
        widget.cards[-1].close_button.click()
    widget.remove_plot(widget.cards[0])
    assert len(widget.cards) == 1
    assert widget.add_button.isVisible()


def test_a_click_on_a_plot_seeks_to_the_nearest_operation(qtbot: QtBot) -> None:
    widget = view(qtbot)
    with qtbot.waitSignal(widget.seek_requested) as sought:
        viewport = widget.cards[1].plot.view.viewport()  # type: ignore[union-attr]
        QTest.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=spot(widget, 1, 3.2))
    assert sought.args == [3]


def test_hovering_shows_the_values_of_all_designs_in_every_plot(qtbot: QtBot) -> None:
    widget = view(qtbot)
    QTest.mouseMove(widget.cards[0].plot.view.viewport(), spot(widget, 0, 4.1))  # type: ignore[union-attr]
    plots = [card.plot for card in widget.cards]
    qtbot.waitUntil(lambda: all(plot is not None and plot.hovered == 4 for plot in plots))
    assert plots[0] is not None
    assert plots[0].readings()[0] == ("anon_vma_chain", "430 B")
    assert [plot.pointed for plot in plots if plot is not None] == [True, False, False]


def test_the_wheel_zooms_all_plots_and_new_rows_do_not_undo_it(qtbot: QtBot) -> None:
    widget = view(qtbot, 1000)
    turn(widget, 0, 500, 5)
    zoomed = ranges(widget)
    assert zoomed[0][1] - zoomed[0][0] < 900
    assert zoomed[1] == zoomed[0] == zoomed[2]
    assert all(card.reset.isVisible() for card in widget.cards)
    widget.apply(rows(500, 1000))
    widget.renew()
    assert ranges(widget) == zoomed
    widget.cards[1].reset.click()
    assert ranges(widget) == [(0, 1499)] * 3
    assert not any(card.reset.isVisible() for card in widget.cards)


def test_zooming_out_stops_at_all_operations(qtbot: QtBot) -> None:
    widget = view(qtbot, 100)
    turn(widget, 0, 50, -10)
    assert ranges(widget)[0] == (0, 99)


def test_the_last_operation_is_a_step_and_not_the_border_of_the_plot(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.grab()
    plot = widget.cards[0].plot
    assert plot is not None
    right = plot.pixel(6)
    assert plot.store.length == 7 and right < plot.area().right() - 8
    ends = [path.boundingRect().right() for _, path, _, _ in plot.curves._made()]
    assert ends == [pytest.approx(plot.box.viewRange()[0][1])] * len(DESIGNS)


def test_the_range_follows_the_head_while_nobody_zooms(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.apply(rows(50, 7))
    widget.renew()
    assert ranges(widget) == [(0, 56)] * 3
    widget.apply(rows(2, 3, truncate=True))  # a branch at 3
    widget.renew()
    assert ranges(widget) == [(0, pytest.approx(4, rel=0.05))] * 3


def test_names_at_the_ends_do_not_overlap(qtbot: QtBot) -> None:
    widget = view(qtbot)
    plot = widget.cards[2].plot
    assert plot is not None
    places = sorted(plot.labels.places())
    assert len(places) == 4
    assert min(b - a for a, b in zip(places, places[1:], strict=False)) >= plot.labels.line_height() - 0.01


def test_a_log_scale_keeps_zero_at_the_bottom(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.log_button.click()
    plot = widget.cards[0].plot
    assert plot is not None
    low, high = plot.box.viewRange()[1]
    assert -0.5 < low < 0 < 2.5 < high < 3.5
    assert plot.axis.tickStrings([0.0], 1, 1) == ["0 B"]


def test_the_table_tells_the_values_at_the_cursor(qtbot: QtBot) -> None:
    widget = view(qtbot)
    QAbstractItemModelTester(widget._values, QAbstractItemModelTester.FailureReportingMode.Fatal)
    widget.table_button.click()
    model = widget._values
    assert widget.twin.isVisible()
    assert [model.data(model.index(r, 0)) for r in range(model.rowCount())] == list(DESIGNS)
    assert model.data(model.index(3, 1 + KEYS.index("vmas"))) == "532"
    widget.set_frame(ff.letter(position=2))
    assert model.data(model.index(3, 1 + KEYS.index("vmas"))) == "232"
    assert widget.twin.title() == "Values after operation 2"
    widget.curves_button.click()
    assert not widget.twin.isVisible()


def test_another_session_clears_the_curves(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(ff.letter(generation=2, position=0))
    assert widget.store.length == 0
    widget.apply(rows(3))  # late rows of the old one
    assert widget.store.length == 0
    widget.apply(rows(3, generation=2))
    assert widget.store.length == 3


def test_many_rows_in_one_turn_are_drawn_once(qtbot: QtBot) -> None:
    widget = view(qtbot)
    plot = widget.cards[0].plot
    assert plot is not None
    spy = QSignalSpy(plot.box.sigXRangeChanged)
    for start in range(7, 300):
        widget.apply(rows(1, start))
    qtbot.waitUntil(lambda: ranges(widget)[0][1] == 299)
    assert spy.count() == 1


def test_100_000_operations_are_drawn_within_a_frame(qtbot: QtBot) -> None:
    widget = view(qtbot)
    for _ in range(3):
        widget.add_button.click()
    rng = np.random.default_rng(2)
    values = np.abs(np.cumsum(rng.normal(0, 9, size=(100_000, 4, len(METRICS))), axis=0))
    widget.apply(MetricRows(generation=1, start=0, designs=DESIGNS, values=values))
    widget.resize(1800, 400)
    times = []
    for _ in range(6):
        began = time.perf_counter()
        widget.renew()
        widget.cards[0].parentWidget().grab()
        times.append(time.perf_counter() - began)
    assert min(times) < 0.15  # grab() paints six cards into an image; the curves' own share is measured in test_curves


def test_moving_the_cursor_does_not_draw_the_curves_again(qtbot: QtBot) -> None:
    widget = view(qtbot, 1000)
    plots = [card.plot for card in widget.cards]
    drawn = [0]
    while drawn != (drawn := [plot.view.pictures for plot in plots]) or min(drawn) < 1:  # type: ignore[union-attr]
        qtbot.wait(60)
    before = plots[0].grab().toImage()  # type: ignore[union-attr]
    for position in (10, 500, 900):
        widget.set_frame(ff.letter(position=position, head=999))
        qtbot.wait(20)
    after = plots[0].grab().toImage()  # type: ignore[union-attr]
    assert [plot.view.pictures for plot in plots] == drawn  # type: ignore[union-attr]
    assert before != after  # the cursor is elsewhere
    widget.apply(rows(10, 1000))
    qtbot.waitUntil(lambda: all(p.view.pictures > n for p, n in zip(plots, drawn, strict=True)))  # type: ignore[union-attr]


def test_only_plots_whose_values_changed_are_drawn_again(qtbot: QtBot) -> None:
    widget = view(qtbot, 100)
    plots = [card.plot for card in widget.cards]
    drawn = [-1]
    while drawn != (drawn := [plot.view.pictures for plot in plots]):  # type: ignore[union-attr]
        qtbot.wait(60)
    values = rows(1, 40).values.copy()
    values[:, :, KEYS.index(widget.plotted()[1])] += 5000
    widget.apply(MetricRows(generation=1, start=40, designs=DESIGNS, values=values, truncate=False))
    assert widget.store.fresh == {KEYS.index(widget.plotted()[1])}
    qtbot.waitUntil(lambda: plots[1].view.pictures > drawn[1])  # type: ignore[union-attr]
    assert widget.store.fresh == set()
    assert [plot.view.pictures for plot in plots][::2] == drawn[::2]  # type: ignore[union-attr]


def test_the_statistics_between_the_markers_and_their_copy(qtbot: QtBot) -> None:
    widget = view(qtbot, 101)
    widget.show_statistics()
    assert not widget.statistics.table.isVisible()  # what to do stands there
    widget.set_markers(80, 20)
    model = widget.statistics.model
    assert model.count() == len(DEFAULT) * len(DESIGNS)
    key = KEYS.index(widget.plotted()[0])
    figures = model.figures(1)  # anonmm: position * 100 + 10 + metric
    assert figures["a"] == 8010 + key
    assert figures["b"] == 2010 + key
    assert figures["delta"] == -6000
    assert (figures["min"], figures["max"]) == (2010 + key, 8010 + key)
    assert figures["mean"] == 5010 + key
    assert figures["p95"] == 7710 + key  # the 58th of 61
    assert figures["sum"] == 61 * (5010 + key)
    widget.statistics.copy_button.click()
    lines = QApplication.clipboard().text().splitlines()
    assert len(lines) == 1 + model.count()
    cells = dict(zip(lines[0].split("\t"), lines[2].split("\t"), strict=True))
    assert (cells["design"], cells["B − A"], cells["mean"]) == ("anonmm", "-6000", str(5010 + key))
    widget.statistics.back_button.click()
    assert widget.cards[0].isVisible()
    plot = widget.cards[0].plot
    assert plot is not None
    assert plot.labels.notes["anonmm"] == "−5.9 KiB"  # the differences stand behind the names
    widget.bar.buttons["zoom"].click()
    assert ranges(widget) == [(20, 80)] * 3


def test_a_plot_of_nothing_but_zero_leaves_its_width_to_the_others(qtbot: QtBot) -> None:
    widget = view(qtbot, 2)
    wide, zeros = widget.cards[0].width(), KEYS.index(DEFAULT[2])
    values = rows(30).values.copy()
    values[:, :, zeros] = 0
    widget.apply(MetricRows(generation=2, start=0, designs=DESIGNS, values=values, truncate=True))
    qtbot.waitUntil(lambda: widget.cards[2].isHidden() and widget.cards[0].width() > wide * 1.3)
    assert widget.zero_button.isVisible() and widget.zero_button.text() == "copied by mremap: 0"
    assert widget.add_button.isVisible(), "the tools moved to the last plot in sight"
    assert not any("copied_by_mremap" in name for name in widget.visible_values()[0])
    values[20:, 1, zeros] = 4
    widget.apply(MetricRows(generation=2, start=0, designs=DESIGNS, values=values, truncate=True))
    qtbot.waitUntil(lambda: widget.cards[2].isVisible())
    assert not widget.zero_button.isVisible()
    values[:] = 0
    widget.apply(MetricRows(generation=2, start=0, designs=DESIGNS, values=values, truncate=True))
    qtbot.waitUntil(lambda: widget.cards[2].isHidden())
    assert [card.isVisible() for card in widget.cards] == [True, False, False], "one plot stays"
    QTest.mouseClick(widget.zero_button, Qt.MouseButton.LeftButton)
    assert all(card.isVisible() for card in widget.cards) and not widget.zero_button.isVisible()
