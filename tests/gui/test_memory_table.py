"""The table twin of the memory map: every vma as a row, the same selection, the same menus."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest

from rmapexplorer.core import flags as fl
from rmapexplorer.core.units import Span
from rmapexplorer.gui import memory_style as style
from rmapexplorer.gui.memory_table import MapModel
from tests.gui import frame_factory as ff
from tests.gui.test_memory_map import Bench


def row_text(model: MapModel, row: int) -> list[str]:
    return [model.index(row, column).data() for column in range(model.columnCount())]


def test_the_model_obeys_qt_and_shows_every_vma(qtbot: Any) -> None:
    model = MapModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_frame(ff.letter())
    assert tester is not None and model.rowCount() == 18
    moved = model.row_with(2, 0xC42)
    assert row_text(model, moved)[:8] == ["2", "worker", "c40", "c44", "rw-p", "a18", "A3", "4"]
    assert model.row_with(2, 0xC50) == model.row_with(9, 0xC42) == model.row_with(2, -1) == -1
    model.set_frame(ff.small(serial=2))
    assert model.rowCount() == 7 and row_text(model, 0)[-1] == "/usr/bin/cat"


def test_the_table_takes_the_place_of_the_strips_and_shares_the_selection(qtbot: Any) -> None:
    bench = Bench(qtbot, ff.letter())
    bench.selection.select(2, 0xC42)
    QTest.mouseClick(bench.map.as_table, Qt.MouseButton.LeftButton)
    table = bench.map.table
    assert table.isVisible() and not bench.canvas.isVisible() and bench.map.hint() == "18 vmas"
    assert table.map_model.target(table.currentIndex().row()) == (2, Span(0xC40, 0xC44))
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert bench.selected == (2, 0xC44)
    bench.selection.select(3, 0xA1A)
    assert table.map_model.target(table.currentIndex().row()) == (3, Span(0xA10, 0xA20))
    at = table.visualRect(table.currentIndex()).center()
    table.customContextMenuRequested.emit(QPoint(at))
    assert bench.asked == [("vma", {"pid": 3, "span": Span(0xA10, 0xA20), "vpn": 0xA10})]
    bench.map.set_frame(ff.small(serial=2))
    assert table.map_model.rowCount() == 7
    QTest.mouseClick(bench.map.as_table, Qt.MouseButton.LeftButton)
    assert bench.canvas.isVisible()


def test_sharing_and_state_have_classes_of_their_own() -> None:
    flags = (ff.RW, ff.RW | fl.DONTCOPY, ff.RW | fl.LOCKED, ff.RW | fl.SEALED, ff.RW | fl.WIPEONFORK)
    vmas = tuple(ff.V(16 * i, 16 * i + 4, f, anon=1) for i, f in enumerate(flags, 1))
    away = ff.V(0x100, 0x104, anon=1, pgoff=0x50)
    none, swapped = ff.V(0x200, 0x204), ff.V(0x300, 0x304, anon=2, anon_pages=1, swap_pages=3)
    frame = ff.build([ff.P(1, "a", (*vmas, away, none, swapped))])
    rows = slice(0, 8)
    words = [style.CLASSES["state"][k].word for k in style.classes("state", frame.vmas, rows, ())]
    assert words == ["at home", "dontfork", "locked", "sealed", "wipeonfork", "moved", "untouched", "swapped"]
    shared = ff.ints([0, 1, 2, 3, 4, 4, 0, 0])
    told = evolve(frame.vmas, shared_pages=shared)
    words = [style.CLASSES["sharing"][k].word for k in style.classes("sharing", told, rows, ())]
    assert words == ["not shared", "some shared", "most shared", "most shared", "all shared", "all shared", "no pages",
                     "not shared"]  # fmt: skip
    assert "4 mapped more than once" in style.tooltip(evolve(frame, vmas=told), 0, 4, 0x51)
    assert "VM_DONTCOPY" in style.tooltip(frame, 0, 1, 0x21)


def test_a_view_made_anew_looks_as_the_old_one(qtbot: Any) -> None:
    old, new = Bench(qtbot, ff.letter()), Bench(qtbot, ff.letter())
    old.map.colour.set_key("state")
    QTest.mouseClick(old.map.flip, Qt.MouseButton.LeftButton)
    old.map.as_table.setChecked(True)
    new.map.inherit(old.map)
    assert (new.map.colour.key, new.map.flip.text(), new.map.as_table.isChecked()) == (
        "state",
        "low address right",
        True,
    )
    assert new.scene.mode == "state" and new.scene.window.flipped
