"""The Sizes dock: every structure with its source, live counts of a frame, sort, filter and copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from attrs import evolve
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.core.sizes import slab_objects, slub_objects
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.frames import FootprintRow, Frame
from rmapexplorer.gui.models.sizes import SizeModel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.sizes import Sizes
from rmapexplorer.gui.style import app_font
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
LEFT = Qt.MouseButton.LeftButton


def frame_with(**footprint: int) -> Frame:
    """anon_vma runs twice, as it is and with an option, and keeps so many objects in the first."""
    frame = ff.letter()
    state = next(one for one in frame.designs if one.key == "anon_vma")
    rows = tuple(
        FootprintRow(kind=kind.replace("_vma_linkage", "vma linkage"), objects=n, bytes=n * 24, size=24, slab_pages=1, source="there")
        for kind, n in footprint.items()
    )  # fmt: skip
    variant = evolve(state, key="anon_vma:adopt=none", footprint=())
    return evolve(frame, designs=(evolve(state, footprint=rows), variant))


@pytest.fixture
def dock(qtbot: QtBot, qapp: QApplication) -> Iterator[Sizes]:
    qapp.setFont(app_font())
    made = Sizes(Selection(), Themes("light"))
    qtbot.addWidget(made)
    made.resize(1000, 420)
    made.show()
    qtbot.waitExposed(made)
    yield made


def column(model: SizeModel, key: str) -> list[str]:
    return [model.data(model.index(row, model.column(key))) for row in range(model.count())]


def test_every_size_of_every_design_is_there_with_its_source() -> None:
    model = SizeModel()
    tester = QAbstractItemModelTester(model, FATAL)
    shown = {(row.design, row.kind): row for row in model.rows}
    for kind in DESIGNS:
        for name, sizes in kind.SIZES.items():
            row = shown[kind.key, name]
            assert (row.size("i386"), row.size("x86_64")) == (sizes["i386"].bytes, sizes["x86_64"].bytes)
            assert all(size.source in row.source for size in sizes.values())
    assert shown["pte_chain", "pte_chain"].size("i386") == 32
    assert all(row.source for row in model.rows) and tester


def test_objects_on_a_slab_page_are_those_of_the_allocator() -> None:
    rows = {(row.design, row.kind): row for row in SizeModel().rows}
    old, new, part = rows["anonmm", "anonmm"], rows["anon_vma_chain", "anon_vma_chain"], rows["anon_vma", "vma linkage"]
    assert old.on_slab("i386") == slab_objects(24, "i386")
    assert new.on_slab("x86_64") == slub_objects(64)
    assert part.on_slab("i386") == -1


def test_what_lives_now_is_counted_for_each_world(dock: Sizes) -> None:
    tester = QAbstractItemModelTester(dock.model, FATAL)
    dock.set_frame(frame_with(anon_vma=7))
    rows = [row for row in dock.model.rows if row.design == "anon_vma" and row.kind == "anon_vma"]
    assert [(row.world, row.objects, row.bytes) for row in rows] == [
        ("anon_vma", 7, 168),
        ("anon_vma:adopt=none", 0, 0),
    ]
    assert all(row.objects == -1 for row in dock.model.rows if row.design == "cow_context") and tester


def test_a_world_with_options_has_the_sizes_of_its_form(dock: Sizes) -> None:
    """anon_vma_chain of 3.0 is smaller than that of 6.18, and says so where it runs."""
    frame = ff.letter()
    today = next(one for one in frame.designs if one.key == "anon_vma_chain")
    dock.set_frame(evolve(frame, designs=(today, evolve(today, key="anon_vma_chain:era=3.0"))))
    sizes = {row.world: row.size("x86_64") for row in dock.model.rows if row.kind == "anon_vma_chain"}
    assert (sizes["anon_vma_chain"], sizes["anon_vma_chain:era=3.0"]) == (64, 48)


def test_a_title_sorts_numbers_as_numbers(dock: Sizes, qtbot: QtBot) -> None:
    header = dock.table.header()
    number = dock.model.column("x86_64")
    x = header.sectionViewportPosition(number) + 10
    for _ in range(2):
        qtbot.mouseClick(header.viewport(), LEFT, pos=QPoint(x, 8))
    sizes = [int(text) for text in column(dock.model, "x86_64")]
    assert sizes in (sorted(sizes), sorted(sizes, reverse=True)) and len(set(sizes)) > 3


def test_filter_copy_and_source(dock: Sizes, qtbot: QtBot) -> None:
    qtbot.mouseClick(dock.filter.button, LEFT)
    qtbot.keyClicks(dock.filter.line, "cow_context")
    assert set(column(dock.model, "design")) == {"cow_context"}
    qtbot.mouseClick(dock.copy_button, LEFT)
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == 1 + dock.model.count() and lines[0].startswith("design\tstructure\ti386")
    place = dock.table.visualRect(dock.model.index(0, 1)).center()
    qtbot.mouseClick(dock.table.viewport(), LEFT, pos=place)
    assert "nothing was published" in dock.source.text() and dock.source.isVisible()
    qtbot.keyClick(dock.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().split("\n")) == 2


@pytest.mark.parametrize("width", [285, 345, 1000])
def test_nothing_runs_out_of_the_panel(dock: Sizes, qtbot: QtBot, width: int) -> None:
    dock.resize(width, 420)
    qtbot.wait(20)
    assert dock.table.horizontalScrollBar().maximum() == 0
    wanted = {285: {"objects"}, 345: {"objects", "bytes"}, 1000: {"objects", "bytes", "i386", "x86_64", "source"}}
    assert {"design", "kind"} | wanted[width] <= set(dock.plan.visible())
