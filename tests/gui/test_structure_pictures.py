"""Forest, matrix, chains and groups in the panel, on real worlds: mouse, keys, table twin, minimap, themes, sizes of text."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QAbstractItemModel, QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QContextMenuEvent, QFont, QHelpEvent, QWheelEvent
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.conductor import Conductor
from rmapexplorer.engine.forest import BETWEEN, FOLDED, MORE, NODE
from rmapexplorer.engine.frames import Frame
from rmapexplorer.engine.incidence import Pending
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.real import REAL_FILES, REAL_LENS, real_kinds
from rmapexplorer.formats.session import Session
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structure_board import Board
from rmapexplorer.gui.structure_items import Items
from rmapexplorer.gui.structures import Structures
from rmapexplorer.gui.theme import Themes
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]

Key, Button, Shift = Qt.Key, Qt.MouseButton, Qt.KeyboardModifier.ShiftModifier
DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")


def family(children: int) -> list[Operation]:
    """A shell with three vmas and children that write in each; one moves pages, one exits."""
    out: list[Operation] = [Spawn(pid=1, comm="sh")]
    for at in (16, 64, 96):
        out += [Mmap(pid=1, span=Span(at, at + 8)), Touch(pid=1, runs=((at, at + 4, "w"),))]
    for pid in range(2, children + 2):
        out += [Fork(pid=max(1, pid // 2), child=pid), Touch(pid=pid, runs=((16, 18, "w"), (64, 66, "w")))]
    return [*out, Mremap(pid=2, span=Span(96, 98), new_pages=2, to=160), Exit(pid=children + 1)]


class Real:
    """The panel on a real session without threads: every question is answered at once unless ``deaf``."""

    def __init__(
        self, qtbot: QtBot, log: Sequence[Operation], view: str = "anon_vma_chain", size: tuple[int, int] = (760, 420)
    ) -> None:
        self.outbox, self.deaf = Outbox(), False
        self.conductor = Conductor(self.outbox, real_kinds, REAL_LENS, REAL_FILES, time.perf_counter, 1 << 30)
        self.selection, self.themes = Selection(), Themes("dark")
        self.view = Structures(self.selection, self.themes)
        qtbot.addWidget(self.view)
        self.view.asker.asked.connect(self._answer)
        self.selection.changed.connect(self._select)
        self.view.resize(*size)
        self.view.show()
        designs = tuple((key, {}) for key in (DESIGNS if len(log) < 60 else (view,)))
        self.conductor.new(Session(title="log", operations=tuple(log), position=len(log), designs=designs), 1)
        self.conductor.view(view)
        self.run()

    def _answer(self, question: Any, reply: Any) -> None:
        if self.deaf:
            return
        while isinstance(answer := question.answer(self.conductor.stage), Pending):
            pass
        reply(answer)

    def run(self) -> None:
        while not self.conductor.idle:
            self.conductor.turn(0.05)
        frames = [message for message in self.outbox.take() if isinstance(message, Frame)]
        if frames:
            self.view.set_frame(frames[-1])

    def _select(self, pid: int, vpn: int) -> None:
        self.conductor.select(pid, vpn)
        self.run()

    def seek(self, position: int) -> None:
        self.conductor.seek(position, False, 2)
        self.run()

    def use(self, design: str) -> None:
        self.conductor.view(design)
        self.run()

    def tab(self, title: str) -> QWidget:
        self.view.show_tab(title)
        return {"Forest": self.view.forest, "Matrix": self.view.matrix, "Chains": self.view.chains,
                "Groups": self.view.groups}.get(title, self.view.picture)  # fmt: skip

    @property
    def selected(self) -> tuple[int, int]:
        return self.selection.pid, self.selection.vpn


@pytest.fixture
def real(qtbot: QtBot) -> Real:
    return Real(qtbot, family(12))


def cell(real: Real, row: int, column: int) -> QPoint:
    return real.view.matrix.to_widget(QPointF(column + 0.5, row + 0.5)).toPoint()


def glyph(real: Real, number: int) -> QPoint:
    forest = real.view.forest
    box = forest.box_of(number)
    return forest.to_widget(QPointF(box.x() + 20, box.center().y())).toPoint()


def tip(widget: QWidget, at: QPoint) -> str:
    QApplication.sendEvent(widget, QHelpEvent(QEvent.Type.ToolTip, at, widget.mapToGlobal(at)))
    text = QToolTip.text()
    QToolTip.hideText()
    return text


def wheel(widget: QWidget, at: QPoint, turn: int, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    args = (QPoint(0, 0), QPoint(0, turn), Button.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(widget, QWheelEvent(QPointF(at), QPointF(widget.mapToGlobal(at)), *args))


def drag(widget: QWidget, a: QPoint, b: QPoint, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mousePress(widget, Button.LeftButton, keys, a)
    for part in (0.4, 0.8, 1.0):
        QTest.mouseMove(widget, a + (b - a) * part)
    QTest.mouseRelease(widget, Button.LeftButton, keys, b)


# --- the matrix


def test_the_matrix_reads_out_the_link_under_the_mouse(real: Real) -> None:
    matrix = real.tab("Matrix")
    chart = real.view.matrix.chart
    assert chart is not None and real.view.hint() == f"{len(chart.row):,} of {len(chart.row):,} links"
    for _ in range(12):
        wheel(matrix, cell(real, 0, 0), 120)
    QTest.mouseMove(matrix, cell(real, 0, 0))
    assert real.view.matrix.hovered == (0, 0)
    words = tip(matrix, cell(real, 0, 0))
    assert "anon_vma_chain" in words and "10-18 of sh 1" in words and "anon_vma: A0" in words
    assert "the vma's own" in words and "covers index 10 to 17" in words
    assert real.view.matrix.single and "vma × anon_vma" in real.view.matrix.level_words()
    QApplication.sendEvent(matrix, QEvent(QEvent.Type.Leave))
    assert real.view.matrix.hovered is None


def test_a_click_in_the_matrix_selects_the_vma_of_the_row(real: Real) -> None:
    real.tab("Matrix")
    QTest.mouseClick(real.view.matrix, Button.LeftButton, pos=cell(real, 2, 1))
    assert real.selected == (1, 96)


def test_arrows_and_enter_walk_over_the_cells(real: Real) -> None:
    matrix = real.tab("Matrix")
    assert isinstance(matrix, Board)
    matrix.setFocus()
    for _ in range(12):
        QTest.keyClick(matrix, Key.Key_Plus)
    for key in (Key.Key_Down, Key.Key_Down, Key.Key_Right, Key.Key_Up):
        QTest.keyClick(matrix, key)
    assert real.view.matrix.caret == (0, 1)
    assert "sh 1" in matrix.accessibleDescription()
    QTest.keyClick(matrix, Key.Key_Down)
    QTest.keyClick(matrix, Key.Key_Return)
    assert real.selected == (1, 64)
    QTest.keyClick(matrix, Key.Key_0)
    assert matrix.fitted


def test_wheel_zooms_where_the_mouse_is_and_shift_only_across(real: Real) -> None:
    matrix = real.tab("Matrix")
    at = cell(real, 20, 15)
    zoomed = real.view.matrix.zy
    wheel(matrix, at, 240)
    assert (cell(real, 20, 15) - at).manhattanLength() < 14 and real.view.matrix.zy > zoomed
    before = real.view.matrix.zx, real.view.matrix.zy
    wheel(matrix, at, 120, Shift)
    assert real.view.matrix.zx > before[0] and real.view.matrix.zy == before[1]
    shown, total = (int(word.replace(",", "")) for word in real.view.hint().split() if word[0].isdigit())
    assert 0 < shown < total
    QTest.mouseClick(real.view.whole, Button.LeftButton)
    assert real.view.matrix.fitted


def test_a_frame_with_shift_opens_the_links_as_boxes(real: Real) -> None:
    matrix = real.tab("Matrix")
    drag(matrix, cell(real, 0, 0), cell(real, 7, 3), Shift)
    assert real.view.tab == "Neighbourhood" and "framed in the matrix" in real.view.picture.structure.note
    assert any(node.rank == 1 and node.title == "A0" for node in real.view.picture.structure.nodes)
    real.tab("Matrix")
    QTest.mousePress(matrix, Button.LeftButton, Shift, cell(real, 0, 0))
    QTest.mouseMove(matrix, cell(real, 5, 5))
    QTest.keyClick(matrix, Key.Key_Escape)
    QTest.mouseRelease(matrix, Button.LeftButton, Shift, cell(real, 5, 5))
    assert real.view.tab == "Matrix"


def test_the_matrix_of_another_position_replaces_the_old_one_which_turns_pale_meanwhile(
    real: Real, qtbot: QtBot
) -> None:
    matrix = real.tab("Matrix")
    links = len(real.view.matrix.chart.row)
    real.deaf = True
    real.seek(8)
    qtbot.waitUntil(lambda: real.view.matrix.stale, timeout=2000)
    assert real.view.hint() == "counting links …"
    pale = matrix.grab().toImage()
    real.deaf = False
    real.view.asker.forget()
    real.seek(9)
    assert not real.view.matrix.stale and len(real.view.matrix.chart.row) < links
    assert matrix.grab().toImage() != pale


def test_space_opens_the_links_round_the_cursor(real: Real) -> None:
    matrix = real.tab("Matrix")
    QTest.keyClick(matrix, Key.Key_Space)
    assert real.view.tab == "Matrix", "there is no cursor yet"
    QTest.keyClick(matrix, Key.Key_Down)
    QTest.keyClick(matrix, Key.Key_Space)
    assert real.view.tab == "Neighbourhood" and "framed in the matrix" in real.view.picture.structure.note


def test_few_cells_do_not_fill_the_panel_and_nothing_is_drawn_beside_them(qtbot: QtBot) -> None:
    real = Real(qtbot, family(1)[:3])
    matrix = real.tab("Matrix")
    image, panel = matrix.grab().toImage(), real.themes.current.color("panel")
    assert image.pixelColor(matrix.width() - 30, matrix.height() - 30) == panel
    assert image.pixelColor(cell(real, 0, 0)) not in (panel, real.themes.current.color("hole"))


# --- the forest


def numbers(real: Real, kind: int) -> list[int]:
    picture = real.view.forest.picture
    assert picture is not None
    return np.flatnonzero(picture.kind == kind).tolist()


def test_a_click_on_an_object_selects_its_first_vma(real: Real) -> None:
    forest = real.tab("Forest")
    picture = real.view.forest.picture
    assert picture is not None and real.view.hint().endswith(f"of {picture.chart.columns} anon_vmas")
    QTest.mouseMove(forest, glyph(real, 0))
    assert real.view.forest.hovered == 0 and "anon_vma A0" in tip(forest, glyph(real, 0))
    QTest.mouseClick(forest, Button.LeftButton, pos=glyph(real, 0))
    assert real.selected == (1, 16)
    assert "selected" in real.view.forest._marks.values() or "focus" in real.view.forest._marks.values()


def test_what_is_folded_unfolds_by_click_and_by_space(qtbot: QtBot) -> None:
    real = Real(
        qtbot,
        [
            *family(1)[:7],
            *(Fork(pid=1, child=n) for n in range(2, 60)),
            *(Touch(pid=n, runs=((16, 17, "w"),)) for n in range(2, 60)),
        ],
    )
    forest = real.tab("Forest")
    more = numbers(real, MORE)[0]
    drawn = len(real.view.forest.picture.kind)
    assert "+" not in real.view.hint() and "more" in real.view.forest.words(more)
    real.view.forest.bring_in(real.view.forest.box_of(more))
    QTest.mouseClick(forest, Button.LeftButton, pos=glyph(real, more))
    assert len(real.view.forest.picture.kind) > drawn + 20 and more not in numbers(real, MORE)
    root = numbers(real, NODE)[0]
    real.view.forest.caret = root
    QTest.keyClick(forest, Key.Key_Space)
    assert real.view.forest.picture.kind[root] == FOLDED
    QTest.keyClick(forest, Key.Key_Return)
    assert real.selected[0] == 1


def test_arrows_go_along_the_lines_of_the_forest(real: Real) -> None:
    forest = real.tab("Forest")
    picture = real.view.forest.picture
    assert picture is not None and isinstance(forest, Board)
    QTest.keyClick(forest, Key.Key_Down)
    start = forest.caret = int(np.flatnonzero(picture.parent >= 0)[0])
    QTest.keyClick(forest, Key.Key_Left)
    assert forest.caret == picture.parent[start]
    QTest.keyClick(forest, Key.Key_Right)
    assert picture.parent[forest.caret] == picture.parent[start]
    QTest.keyClick(forest, Key.Key_Return)
    assert real.selected != (0, -1) and forest.accessibleDescription()


def test_a_long_line_of_forks_leaves_out_what_is_between_and_shows_it_on_a_click(qtbot: QtBot) -> None:
    log: list[Operation] = [Spawn(pid=1), Mmap(pid=1, span=Span(16, 24)), Touch(pid=1, runs=((16, 20, "w"),))]
    for pid in range(1, 160):
        log += [Fork(pid=pid, child=pid + 1), Touch(pid=pid + 1, runs=((16, 17, "w"),))]
    real = Real(qtbot, log)
    forest = real.tab("Forest")
    real.selection.select(140, 17)
    between = numbers(real, BETWEEN)
    assert len(between) == 1 and len(real.view.forest.picture.kind) < 120
    name = real.view.forest.picture.chart.name
    marked = {name(int(real.view.forest.picture.column[g])): mark for g, mark in real.view.forest._marks.items()}
    assert marked["A139"] == "selected"
    real.view.forest.bring_in(real.view.forest.box_of(between[0]))
    QTest.mouseClick(forest, Button.LeftButton, pos=glyph(real, between[0]))
    assert not numbers(real, BETWEEN) and len(real.view.forest.picture.kind) > 140


def test_the_forest_is_laid_out_anew_for_much_more_room(real: Real) -> None:
    real.tab("Forest")
    QApplication.sendPostedEvents()
    before = real.view.forest.picture
    real.view.resize(real.view.width() + 20, real.view.height())
    assert real.view.forest.picture is before
    real.view.resize(real.view.width() * 2, real.view.height())
    QApplication.sendPostedEvents()
    assert real.view.forest.picture is not before


# --- chains and groups


def test_the_bars_and_the_ptes_of_the_chains(qtbot: QtBot) -> None:
    real = Real(qtbot, family(12), "pte_chain")
    chains = real.tab("Chains")
    assert isinstance(chains, Items) and real.view.tab == "Chains"
    assert "Select a page" in chains._chain_words(real.view.chains.picture)
    assert "pages are mapped by 1 pte," in tip(chains, chains.items[0].box.center().toPoint())
    real.selection.select(1, 98)
    ptes = [item for item in chains.items if item.target is not None]
    assert len(ptes) > 3 and "pte of page 62 of sh" in tip(chains, ptes[0].box.center().toPoint())
    QTest.mouseClick(chains, Button.LeftButton, pos=ptes[1].box.center().toPoint())
    assert real.selected == ptes[1].target
    chains.setFocus()
    chains.caret = len(chains.items) - 2
    QTest.keyClick(chains, Key.Key_Right)
    target = chains.items[chains.caret].target
    QTest.keyClick(chains, Key.Key_Return)
    assert target is not None and real.selected == target


def test_members_and_exceptions_of_the_groups_select(qtbot: QtBot) -> None:
    real = Real(qtbot, family(12), "anonmm")
    groups = real.tab("Groups")
    assert isinstance(groups, Items) and real.view.hint() == "12 of 12 anonmms"
    living = [item for item in groups.items if item.target is not None]
    QTest.mouseClick(groups, Button.LeftButton, pos=living[1].box.center().toPoint())
    assert real.selected == living[1].target
    assert "pages point at it" in tip(groups, living[1].box.center().toPoint())


def test_the_tab_of_a_design_goes_with_the_design(qtbot: QtBot) -> None:
    real = Real(qtbot, family(5), "pte_chain")
    real.tab("Chains")
    real.use("anonmm")
    assert [real.view.tabs.tabText(n) for n in range(real.view.tabs.count())][3:] == ["Groups"]
    assert real.view.tab != "Chains"
    real.use("anon_vma")
    assert real.view.tabs.count() == 3
    real.tab("Forest")
    assert real.view.forest.picture.cards, "objects without parents stand as cards"


# --- all of them


def tabs_of(real: Real) -> list[str]:
    return [real.view.tabs.tabText(n) for n in range(real.view.tabs.count())]


@pytest.mark.parametrize("design", ["pte_chain", "anonmm", "anon_vma_chain"])
def test_every_tab_has_a_table_whose_rows_select(qtbot: QtBot, design: str) -> None:
    real = Real(qtbot, family(8), design)
    real.selection.select(2, 16)
    model: QAbstractItemModel = real.view.table.model_
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    QTest.mouseClick(real.view.twin, Button.LeftButton)
    for tab in tabs_of(real):
        real.tab(tab)
        if real.view._emptiness():
            continue
        assert real.view.pages.currentWidget() is real.view.table and model.rowCount() > 0, tab
        for column in range(model.columnCount()):
            real.view.table.sortByColumn(column, Qt.SortOrder.DescendingOrder)
        rows = [row for row in range(model.rowCount()) if real.view.table.model_.target(row)]
        if rows:
            target = real.view.table.model_.target(rows[-1])
            real.view.table.scrollTo(model.index(rows[-1], 0))
            QTest.mouseClick(
                real.view.table.viewport(),
                Button.LeftButton,
                pos=real.view.table.visualRect(model.index(rows[-1], 0)).center(),
            )
            assert real.selected == target, tab


@pytest.mark.parametrize("tab", ["Forest", "Matrix"])
def test_the_minimap_is_there_when_zoomed_and_jumps(real: Real, tab: str) -> None:
    board = real.tab(tab)
    assert isinstance(board, Board)
    board.fit()
    if tab == "Matrix":
        assert board.map_box() is None
    for _ in range(8):
        board.zoom(1.3, board.room().center())
    box = board.map_box()
    assert box is not None and box.height() <= 0.2 * board.height() + 1
    assert board.rect().contains(box.toRect())
    seen = board.seen().center()
    QTest.mouseClick(board, Button.LeftButton, pos=(box.topLeft() + QPointF(3, 3)).toPoint())
    assert board.seen().center().y() < seen.y() and real.selected == (0, -1)
    board.resize(board.width(), 90)
    assert board.map_box() is None, "no room for it"


@pytest.mark.parametrize("tab", ["Forest", "Matrix", "Chains", "Groups", "Neighbourhood"])
@pytest.mark.parametrize("size", [(320, 150), (1500, 800)])
def test_every_tab_paints_in_every_theme_and_takes_its_colours(qtbot: QtBot, tab: str, size: tuple[int, int]) -> None:
    real = Real(qtbot, family(8), {"Chains": "pte_chain", "Groups": "anonmm"}.get(tab, "anon_vma_chain"), size)
    real.selection.select(2, 16)
    page = real.tab(tab)
    images = []
    for theme in ("dark", "light", "contrast", "contrast_light"):
        real.themes.use(theme)
        images.append(page.grab().toImage())
    assert len({bytes(image.constBits()) for image in images}) == 4


@pytest.mark.parametrize("tab", ["Forest", "Matrix"])
def test_a_context_menu_is_asked_for_the_vma(real: Real, tab: str) -> None:
    board, asked = real.tab(tab), []
    real.view.context_requested.connect(lambda kind, values, at: asked.append((kind, values)))
    at = glyph(real, 0) if tab == "Forest" else cell(real, 0, 0)
    QApplication.sendEvent(board, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, board.mapToGlobal(at)))
    assert asked == [("vma", {"pid": 1, "vpn": 16})] and real.selected == (1, 16)


def visible(view: Structures) -> list[str]:
    return [label.text() for label in view.findChildren(QLabel) if label.isVisible()]


def test_empty_pictures_say_why(qtbot: QtBot) -> None:
    real = Real(qtbot, [Spawn(pid=1), Mmap(pid=1, span=Span(16, 24))])
    for tab in ("Forest", "Matrix"):
        real.tab(tab)
        assert any("write to anonymous memory first" in words for words in visible(real.view))
        assert not real.view.why.isVisible()
    real.use("pte_chain")
    real.tab("Forest")
    assert any("see Chains" in words for words in visible(real.view))


def test_the_why_button_tells_why_not_everything_is_drawn(real: Real) -> None:
    for tab in tabs_of(real)[1:]:
        real.tab(tab)
        assert real.view.why.isVisible()
        QTest.mouseClick(real.view.why, Button.LeftButton)
        assert QToolTip.text() == real.view.why.toolTip() and len(QToolTip.text()) > 60
        QToolTip.hideText()


def test_a_large_neighbourhood_opens_as_matrix_until_the_user_chooses(qtbot: QtBot) -> None:
    small = Real(qtbot, family(5))
    small.selection.select(1, 16)
    assert small.view.tab == "Neighbourhood"
    log = [*family(1)[:7], *(Fork(pid=1, child=n) for n in range(2, 220))]
    real = Real(qtbot, log)
    real.selection.select(1, 16)
    assert real.view._detail.structure.total > 150 and real.view.tab == "Matrix"
    real.view.tabs.setCurrentIndex(0)
    real.selection.select(2, 16)
    assert real.view.tab == "Neighbourhood"


def test_text_in_another_size_keeps_tab_folding_and_choice(real: Real, qtbot: QtBot, qapp: QApplication) -> None:
    real.tab("Forest")
    real.view.twin.setChecked(False)
    before = real.view.forest.box
    font = QFont(qapp.font())
    font.setPointSizeF(font.pointSizeF() * 1.6)
    old = qapp.font()
    qapp.setFont(font)
    try:
        other = Structures(real.selection, real.themes)
        qtbot.addWidget(other)
        other.inherit(real.view)
        assert other.tab == "Forest" and other.forest.folding == real.view.forest.folding
        assert other.forest.box[1] > before[1] and other.matrix.gutter[1] > real.view.matrix.gutter[1]
    finally:
        qapp.setFont(old)


def test_in_the_real_window_the_tabs_are_answered_by_the_engine(window: Any, qtbot: QtBot, tmp_path: Path) -> None:
    view = window.views["structures"]
    view.show_tab("matrix")
    qtbot.waitUntil(lambda: view.matrix.whole is not None, timeout=5000)
    assert view.hint() == "7 of 7 links"
    view.show_tab("forest")
    qtbot.waitUntil(lambda: view.forest.picture is not None, timeout=5000)
    assert view.hint() == "2 of 2 anon_vmas"
    window.bridge.view("pte_chain")
    qtbot.waitUntil(lambda: view.tabs.count() == 4 and window.frame.view == "pte_chain", timeout=5000)
    view.show_tab("chains")
    qtbot.waitUntil(lambda: view.chains.picture is not None, timeout=5000)
    window.bridge.seek(2)
    at_rest(qtbot, window, 2)
    qtbot.waitUntil(lambda: view.hint().endswith("of 16 ptes"), timeout=5000)
    window.settings.reduced_motion = True
    window.bridge.seek(3)
    at_rest(qtbot, window, 3)
    assert view.picture.reduced_motion


def test_a_marquee_outside_the_cells_opens_nothing(real: Real) -> None:
    matrix = real.tab("Matrix")
    real.view.matrix.selected_area(QRectF(1e6, 1e6, 5, 5))
    assert real.view.tab == "Matrix" and matrix.isVisible()
