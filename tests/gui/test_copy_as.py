"""Copy as: the texts are what a kernel, Python and the script reader take; menus, keys and empty places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.engine.lookups import PSS_SHIFT, OperationsAt, SmapsRow
from rmapexplorer.engine.snapshot import columns
from rmapexplorer.gui import copy_text
from rmapexplorer.gui.features.copy_as import CopyAs
from rmapexplorer.gui.history import History
from rmapexplorer.gui.tables import RowTable
from tests.gui import frame_factory
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

OPS: tuple[o.Operation, ...] = (
    o.Spawn(pid=1, comm="server"),
    o.Mmap(pid=1, span=Span(0xA10, 0xA20), label="[heap]"),
    o.Mmap(pid=1, span=Span(0x40, 0x48), prot="rx", kind="file-private", file="/bin/cat", offset=2, flags=("locked",)),
    o.Touch(pid=1, runs=((0xA10, 0xA12, "w"), (0xA14, 0xA15, "r"))),
    o.Touch(pid=1, runs=((0xA10, 0xA12, "w"),)),
    o.Fork(pid=1, child=2),
    o.Mremap(pid=2, span=Span(0xA10, 0xA12), new_pages=2, to=0xC40),
    o.Mremap(pid=2, span=Span(0xA14, 0xA16), new_pages=3),
    o.Brk(pid=1, end=0xA24, start=0xA10),
    o.Reclaim(),
    o.Reclaim(pages=3),
    o.Ftruncate(pid=1, file="/bin/cat", pages=3),
    o.Punch(pid=1, file="/bin/cat", offset=1, pages=2),
    o.Swapoff(),
)


def clipboard() -> str:
    return QApplication.clipboard().text()


def test_maps_are_the_lines_of_the_kernel() -> None:
    frame = frame_factory.small()
    assert copy_text.maps(frame, copy_text.rows_of(frame, 7)).splitlines() == [
        "00400000-00410000 r-xp 00000000 00:00 0                                  /usr/bin/cat",
        "00a00000-00a10000 rw-p 00000000 00:00 0                                  [heap]",
        "7f0000000000-7f0000040000 rw-s 00000000 00:00 0                          /dev/shm/ring",
        "7ffffffde000-7ffffffe2000 rw-p 00000000 00:00 0                          [stack]",
    ]


def test_the_part_of_a_span_is_the_vmas_that_overlap_it() -> None:
    frame = frame_factory.letter()
    starts = [int(frame.vmas.start[row]) for row in copy_text.rows_of(frame, 2, Span(0xA17, 0xC40))]
    assert starts == [0xA10, 0xA1C]
    assert copy_text.rows_of(frame, 99) == []


def row(span: Span, **sizes: int) -> SmapsRow:
    names = ("rss", "pss", "pss_dirty", "shared_clean", "shared_dirty", "private_clean", "private_dirty", "referenced",
             "anonymous", "swap", "swap_pss")  # fmt: skip
    return SmapsRow(span=span, **{name: sizes.get(name, 0) for name in names})


def test_smaps_are_the_lines_of_the_kernel() -> None:
    frame = frame_factory.small()
    figures = [row(Span(0xA00, 0xA10), rss=16384, pss=(10 << 10) << PSS_SHIFT, private_dirty=16384, swap=49152)]
    lines = copy_text.smaps(frame, copy_text.rows_of(frame, 7), figures).splitlines()
    assert lines[0].startswith("00a00000-00a10000 rw-p") and lines[0].endswith("[heap]")
    assert lines[1:6] == [
        "Size:                 64 kB", "KernelPageSize:        4 kB", "MMUPageSize:           4 kB",
        "Rss:                  16 kB", "Pss:                  10 kB",
    ]  # fmt: skip
    assert "Private_Dirty:        16 kB" in lines and "Swap:                 48 kB" in lines
    assert lines[-1] == "VmFlags: rd wr "
    assert not any(line.startswith(("KSM", "AnonHugePages", "THPeligible")) for line in lines)


def test_python_runs_and_gives_the_same_operations() -> None:
    names: dict[str, Any] = {}
    exec(copy_text.python(OPS), names)
    assert names["operations"] == list(OPS)
    assert copy_text.constructor(OPS[6]) == "Mremap(pid=2, span=Span(0xa10, 0xa12), new_pages=2, to=0xc40)"


def test_the_operations_of_a_process_map_the_same_again() -> None:
    world = World(design_named("anon_vma_chain"), Machine())
    for op in OPS[:4]:
        assert world.apply(op).error is None
    shown = columns(world, None)
    frame = frame_factory.frame(shown.tasks, shown.vmas, shown.files, shown.labels)
    again = World(design_named("anon_vma_chain"), Machine())
    for op in copy_text.mmaps(frame, 1, copy_text.rows_of(frame, 1), spawn=True):
        assert again.apply(op).error is None
    copy = columns(again, None)
    for name in ("start", "end", "flags", "pgoff"):
        assert np.array_equal(getattr(copy.vmas, name), getattr(shown.vmas, name)), name
    assert (copy.files, copy.labels) == (shown.files, shown.labels)


def test_plain_text_begins_with_the_process_and_has_a_line_a_vma() -> None:
    frame = frame_factory.letter()
    lines = copy_text.plain(frame, 2, copy_text.rows_of(frame, 2), True).splitlines()
    assert lines[0].startswith("worker 2: child of 1, 7 vmas")
    assert lines[5] == "c40-c44 rw-p pgoff a18 A3 4 pages"


@pytest.mark.parametrize(
    ("kind", "target", "first"),
    [
        ("process", {"pid": 3}, "00400000-00448000"),
        ("vma", {"pid": 2, "span": Span(0xC40, 0xC44)}, "00c40000-00c44000"),
        ("page", {"pid": 2, "vpn": 0xC42}, "00c40000-00c44000"),
        ("span", {"pid": 2, "span": Span(0xC41, 0xC46)}, "00c40000-00c44000"),
    ],
)
def test_context_menus_copy_their_target(
    kind: str, target: dict[str, Any], first: str, shell: Shell, qtbot: QtBot
) -> None:
    menu = shell.window.actions_.context_menu(kind, target, shell.window)
    inner = menu.findChild(QMenu, "Copy &as")
    next(q for q in inner.actions() if q.objectName() == "copy_maps").trigger()
    assert clipboard().startswith(first)
    menu.deleteLater()


def test_from_the_menu_bar_it_is_about_the_selection(shell: Shell) -> None:
    shell.window.actions_["copy_plain"].trigger()
    assert clipboard() == "c40-c44 rw-p pgoff a18 A3 4 pages\n"
    shell.window.selection.select(4)
    shell.window.actions_["copy_maps"].trigger()
    assert len(clipboard().splitlines()) == 3


def test_smaps_and_operations_come_from_the_engine(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.answers["smaps"] = (row(Span(0xC40, 0xC44), rss=4096),)
    shell.window.actions_["copy_smaps"].trigger()
    shell.settle(qtbot)
    assert "Rss:                   4 kB" in clipboard()
    shell.engine.answers["operations"] = (OPS[6],)
    for form, text in (
        ("python", "    Mremap(pid=2, span=Span(0xa10, 0xa12), new_pages=2, to=0xc40),"),
        ("plain", "mremap(2, a10-a12 → c40-c42)"),
        ("script", "mremap 2"),
    ):
        shell.window.commands.run(f"copy_{form}", {"position": 5})
        shell.settle(qtbot)
        assert text in clipboard(), form
    assert shell.engine.named("ask")[-1] == ("ask", OperationsAt((5,)))


def test_all_operations_selected_in_the_history_are_copied(shell: Shell, qtbot: QtBot) -> None:
    view = History(shell.window.selection, shell.window.themes)
    qtbot.addWidget(view)
    view.apply(frame_factory.history(6))
    shell.window.views["history"] = view
    for row in (2, 4, 5):
        view.table.selectionModel().select(
            view.model.index(row, 0), QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        )
    feature = next(one for one in shell.window.features if isinstance(one, CopyAs))
    target = feature.context("operation", {"position": 4})
    assert target == {"position": 4, "positions": (2, 4, 5)}
    assert feature.context("operation", {"position": 3}) == {"position": 3}  # a click beside the selection
    shell.window.commands.run("copy_plain", target)
    assert shell.engine.named("ask")[-1] == ("ask", OperationsAt((2, 4, 5)))
    shell.settle(qtbot)


def test_what_is_not_there_is_said_and_the_clipboard_kept(shell: Shell, qtbot: QtBot) -> None:
    QApplication.clipboard().setText("kept")
    shell.window.commands.run("copy_maps", {"pid": 99})
    assert "Process 99 maps nothing there" in shell.window.messagebar.text.text()
    shell.window.commands.run("copy_python", {"position": 0})
    shell.settle(qtbot)
    assert "no operation to copy" in shell.window.messagebar.text.text()
    assert clipboard() == "kept"


def test_rows_of_a_table_are_copied_with_tabs(qtbot: QtBot) -> None:
    table = RowTable()
    qtbot.addWidget(table)
    model = QStandardItemModel(0, 3, table)
    for line in (("a", "1", "x"), ("b", "2", "y"), ("c", "3", "z")):
        model.appendRow([QStandardItem(word) for word in line])
    table.setModel(model)
    table.header().moveSection(2, 0)
    table.header().setSectionHidden(1, True)
    table.selectAll()
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert clipboard() == "x\ta\ny\tb\nz\tc\n"


def test_copy_takes_the_rows_of_the_table_that_has_the_keyboard(
    shell: Shell, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = RowTable(shell.window)
    model = QStandardItemModel(table)
    model.appendRow([QStandardItem("one"), QStandardItem("two")])
    table.setModel(model)
    monkeypatch.setattr(QApplication, "focusWidget", staticmethod(lambda: table))
    shell.window.actions_["copy"].trigger()
    assert clipboard() == "worker 2 vma c40-c44 page c42"  # nothing is selected in it
    table.selectAll()
    shell.window.actions_["copy"].trigger()
    assert clipboard() == "one\ttwo\n"
