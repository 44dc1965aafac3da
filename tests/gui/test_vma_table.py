"""The vma table: figures sorted as numbers, the moved vma stands out, text as /proc/PID/maps, one selection."""

from __future__ import annotations

import pytest
from attrs import evolve
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.core import flags as fl
from rmapexplorer.core.units import Span
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.models.vmas import VmaModel, maps_line, words
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import PAD
from rmapexplorer.gui.theme import Themes, mono
from rmapexplorer.gui.vmas import MOVED, Vmas
from tests.gui import frame_factory as ff

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
DESCENDING = Qt.SortOrder.DescendingOrder


def column(model: VmaModel, key: str) -> list[str]:
    number = model.column(key)
    return [model.data(model.index(row, number)) for row in range(model.count())]


def model_of(pid: int = 2) -> VmaModel:
    model = VmaModel()
    QAbstractItemModelTester(model, FATAL)
    model.set_frame(ff.letter(), pid)
    return model


def test_rows_are_the_vmas_of_one_process_by_address() -> None:
    model = model_of(2)
    assert column(model, "span")[:3] == ["400-448", "600-604", "a10-a18"]
    assert column(model, "perm")[0] == "r-xp"
    assert column(model, "anon")[1:4] == ["A9", "A3", "A3"]
    assert column(model, "anon")[5] == "–"
    assert column(model, "file")[-1] == "[stack]"
    model.set_frame(ff.letter(), 99)
    assert model.count() == 0


def test_columns_sort_by_number_and_not_by_text() -> None:
    model = model_of(2)
    model.sort(model.column("pages"), DESCENDING)
    assert column(model, "pages") == ["30", "8", "8", "4", "4", "3", "0"]
    model.sort(model.column("span"), DESCENDING)
    assert column(model, "span")[0].startswith("7fff")


def test_another_frame_keeps_the_order_chosen() -> None:
    model = model_of(2)
    model.sort(model.column("pages"), DESCENDING)
    model.set_frame(ff.letter(), 3)
    assert column(model, "pages") == ["30", "16", "4", "3"] or column(model, "pages")[0] == "30"
    pages = [int(text) for text in column(model, "pages")]
    assert pages == sorted(pages, reverse=True)


def test_the_moved_vma_shows_its_pgoff_in_the_warm_colour() -> None:
    model, theme = model_of(2), Themes().current
    model.set_theme(theme)
    pgoff = model.column("pgoff")
    colours = [model.data(model.index(row, pgoff), Role.ForegroundRole).name() for row in range(model.count())]
    warm = theme.color("warn").name()
    assert [row for row, colour in enumerate(colours) if colour == warm] == [model.row_with(0xC42)]
    assert "moved by mremap" in model.data(model.index(model.row_with(0xC42), 0), Role.ToolTipRole)


def test_a_file_mapping_is_never_called_moved() -> None:
    model = model_of(1)  # text at pgoff 0, data at pgoff 200
    assert not model.any_moved()


def test_neither_a_stack_nor_a_pgoff_without_meaning_is_called_moved() -> None:
    stack = ff.V(0x7FFDB83D3, 0x7FFDB83F4, anon=1, pgoff=0x7FFFFFFDE, label="[stack]")  # exec moved it
    model = VmaModel()
    model.set_frame(ff.build([ff.P(7, "redis", (ff.V(0xA10, 0xA20, anon=0, pgoff=0), stack))]), 7)
    assert not model.any_moved()
    tips = [model.data(model.index(row, 0), Role.ToolTipRole) for row in (0, 1)]
    assert "≠" not in tips[0]
    assert "pgoff 7ffffffde: mapped at page 7ffffffde; exec moves every stack" in tips[1]


def test_flags_are_told_in_the_kernels_words() -> None:
    assert words(fl.READ | fl.WRITE | fl.GROWSDOWN) == "VM_READ | VM_WRITE | VM_GROWSDOWN"
    model = model_of(2)
    assert "VM_READ | VM_EXEC" in model.data(model.index(0, 0), Role.ToolTipRole)


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((0x400, 0x448, fl.READ | fl.EXEC, 0, "/bin/cat", True), "00400000-00448000 r-xp 00000000 00:00 0"),
        ((0x600, 0x604, fl.READ | fl.WRITE, 0x200, "/bin/cat", True), "00600000-00604000 rw-p 00200000 00:00 0"),
        ((0xC40, 0xC44, fl.READ | fl.WRITE, 0xA18, "", False), "00c40000-00c44000 rw-p 00000000 00:00 0"),
    ],
)
def test_lines_are_those_of_proc_maps(args: tuple[int, int, int, int, str, bool], line: str) -> None:
    made = maps_line(*args)
    assert made.startswith(line)
    name = args[4]
    assert (made.index(name) == 73) if name else made == line + " "


def view(qtbot: QtBot, width: int = 400) -> tuple[Vmas, Selection]:
    selection = Selection()
    widget = Vmas(selection, Themes())
    qtbot.addWidget(widget)
    widget.resize(width, 320)
    widget.show()
    qtbot.waitExposed(widget)
    return widget, selection


def spot(widget: Vmas, vpn: int) -> QPoint:
    return widget.table.visualRect(widget.model.index(widget.model.row_with(vpn), 0)).center()


def test_a_click_selects_the_first_page_but_keeps_a_page_inside(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    selection.select(2, 0xC42)
    widget.set_frame(ff.letter())
    QTest.mouseClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=spot(widget, 0xC42))
    assert selection.vpn == 0xC42
    QTest.mouseClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=spot(widget, 0xA10))
    assert (selection.pid, selection.vpn) == (2, 0xA10)


def test_the_row_of_the_selected_page_is_selected(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    widget.set_frame(ff.letter())
    selection.select(2, 0xC43)
    assert [i.row() for i in widget.table.selectionModel().selectedRows()] == [widget.model.row_with(0xC40)]
    selection.select(2, -1)
    assert widget.table.selectionModel().selectedRows() == []


def test_title_hint_and_footer_tell_whose_and_what(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    selection.select(2)
    widget.set_frame(ff.letter())
    assert (widget.panel.title(), widget.panel.hint()) == ("VMAs of worker 2", "/proc/2/maps")
    assert widget.panel._footer.full_text() == MOVED
    selection.select(1)
    assert widget.panel.title() == "VMAs of server 1"
    assert widget.panel._footer.full_text() != MOVED


def test_a_process_that_is_gone_is_said_to_be(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    selection.select(4)
    widget.set_frame(ff.small())
    assert "not alive" in widget.panel._empty.text()
    assert selection.pid == 4


def test_copy_gives_the_selected_rows_as_maps(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    selection.select(2, 0xC42)
    widget.set_frame(ff.letter())
    QTest.keyClick(widget.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text().splitlines() == ["00c40000-00c44000 rw-p 00000000 00:00 0 "]
    selection.select(2)
    QTest.keyClick(widget.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 7


def test_the_context_menu_gets_all_that_a_form_needs(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    selection.select(2)
    widget.set_frame(ff.letter())
    with qtbot.waitSignal(widget.context_requested) as asked:
        widget.table.customContextMenuRequested.emit(spot(widget, 0xC40))
    assert asked.args[:2] == ["vma", {"pid": 2, "span": Span(0xC40, 0xC44), "prot": "rw", "kind": "anon"}]


def test_a_narrow_table_keeps_perm_anon_vma_and_file_and_drops_the_pgoff_first(qtbot: QtBot) -> None:
    widget, selection = view(qtbot, 370)
    selection.select(2)
    widget.set_frame(ff.letter())
    assert widget.plan.visible() == ["span", "perm", "anon", "file"]
    assert not widget.table.horizontalScrollBar().isVisible()
    come: list[str] = []
    for width in range(370, 900, 10):
        widget.resize(width, 320)
        come += [key for key in widget.plan.visible() if key not in come]
    assert come == ["span", "perm", "anon", "file", "pages", "links", "pgoff"]


def test_long_names_are_elided_in_the_middle(qtbot: QtBot) -> None:
    widget, _ = view(qtbot, 410)
    assert widget.table.textElideMode() == Qt.TextElideMode.ElideMiddle


@pytest.mark.parametrize("width", [340, 300, 240, 200])
def test_addresses_are_whole_before_any_other_column_gets_room(qtbot: QtBot, width: int) -> None:
    widget, selection = view(qtbot, width)
    selection.select(2)
    widget.set_frame(ff.letter())
    table, model = widget.table, widget.model
    number = model.column("span")
    widest = max(QFontMetrics(mono()).horizontalAdvance(text) for text in column(model, "span"))
    assert table.header().sectionSize(number) >= widest + 2 * PAD
    over = table.header().length() > table.viewport().width()
    qtbot.waitUntil(lambda: over == (table.horizontalScrollBar().maximum() > 0))
    assert not over or widget.plan.visible() == ["span", "perm", "anon", "file"], (
        "what there is no room for is scrolled to"
    )


def test_the_header_sorts_on_click(qtbot: QtBot) -> None:
    widget, selection = view(qtbot, 700)
    selection.select(2)
    widget.set_frame(ff.letter())
    header, pages = widget.table.header(), widget.model.column("pages")
    place = QPoint(header.sectionViewportPosition(pages) + header.sectionSize(pages) // 2, header.height() // 2)
    QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    values = [int(t) for t in column(widget.model, "pages")]
    assert values in (sorted(values), sorted(values, reverse=True))
    assert values[0] != 30 or values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("c42", [0xC40]),
        ("a17-a1d", [0xA10, 0xA1C]),
        ("A3", [0xA10, 0xA1C, 0xC40]),
        ("heap", [0xA10, 0xA1C]),
        ("r-xp", [0x400]),
        ("nothing like it", []),
    ],
)
def test_the_filter_takes_pages_spans_anon_vmas_names_and_protections(
    text: str, starts: list[int], qtbot: QtBot
) -> None:
    selection = Selection()
    view = Vmas(selection, Themes())
    qtbot.addWidget(view)
    view.set_frame(ff.letter())
    selection.select(2, 0xC42)
    view.filter.open()
    view.filter.line.setText(text)
    assert [view.model.span_of(row)[0] for row in range(view.model.count())] == starts
    assert view.filter.chip.text() == f"filter on: {len(starts)} of 7  ✕"
    view.set_frame(ff.letter(serial=2))
    assert view.model.count() == len(starts)
    view.filter.chip.click()
    assert view.model.count() == 7 and view.filter.chip.isHidden()
    assert view.model.span_of(view.table.currentIndex().row()) == (0xC40, 0xC44)


def test_the_filter_stays_for_another_process_and_keeps_the_order(qtbot: QtBot) -> None:
    selection = Selection()
    view = Vmas(selection, Themes())
    qtbot.addWidget(view)
    view.set_frame(ff.letter())
    selection.select(2)
    view.model.sort(0, Qt.SortOrder.DescendingOrder)
    view.model.set_filter("A3")
    assert [view.model.span_of(row)[0] for row in range(view.model.count())] == [0xC40, 0xA1C, 0xA10]
    selection.select(3)
    assert view.model.count() == 0 and view.model.total == 4


def test_only_rows_that_changed_are_told_and_no_row_is_built_anew() -> None:
    model = VmaModel()
    QAbstractItemModelTester(model, FATAL)
    one = ff.V(0x10, 0x20, anon=1)
    two, three, four = (evolve(one, start=s, end=s + 0x10, pgoff=s) for s in (0x40, 0x60, 0x80))

    def show(*vmas: ff.V) -> None:
        model.set_frame(ff.build([ff.P(1, "init", vmas)]), 1)

    show(one, two, three)
    resets, told = QSignalSpy(model.modelReset), QSignalSpy(model.dataChanged)
    show(one, two, three)
    assert told.count() == 0
    show(one, evolve(two, anon_pages=3), three)
    assert [(told.at(0)[0].row(), told.at(0)[1].row())] == [(1, 1)]
    show(one, two, three, four)
    assert [model.data(model.index(row, 0)) for row in range(model.rowCount())] == ["10-20", "40-50", "60-70", "80-90"]
    show(two, four)
    assert [model.data(model.index(row, 0)) for row in range(model.rowCount())] == ["40-50", "80-90"]
    show()
    assert model.rowCount() == 0
    show(one)
    assert model.rowCount() == 1
    assert resets.count() == 0
