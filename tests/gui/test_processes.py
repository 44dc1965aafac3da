"""The process tree: rows change in place, a reused pid is a stranger, filter keeps ancestors, one selection."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.models.base import compact
from rmapexplorer.gui.models.tasks import RESET_ABOVE, TaskTreeModel
from rmapexplorer.gui.processes import Processes
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


def tasks(*rows: tuple[int, int, int, str], position: int = 1, generation: int = 1) -> Frame:
    """A frame of (pid, ppid, birth, comm), each with one page."""
    frame = ff.build([ff.P(pid, comm, (ff.V(0x10, 0x11, anon=0),), ppid=ppid) for pid, ppid, _, comm in rows])
    births = ff.ints([birth for _, _, birth, _ in rows])
    return evolve(frame, tasks=evolve(frame.tasks, birth=births), position=position, generation=generation)


def lines(model: TaskTreeModel, parent: QModelIndex | None = None, depth: int = 0) -> list[str]:
    """The tree as indented text."""
    parent = parent or QModelIndex()
    found = []
    for row in range(model.rowCount(parent)):
        index = model.index(row, 0, parent)
        found.append(f"{'  ' * depth}{model.data(index)} {model.pid(index)}")
        found += lines(model, index, depth + 1)
    return found


FAMILY = ((1, 0, 1, "init"), (2, 1, 2, "sh"), (3, 2, 3, "cc"), (4, 1, 4, "cron"))


def test_the_tree_is_the_one_of_ppids_in_order_of_creation() -> None:
    model = TaskTreeModel()
    QAbstractItemModelTester(model, FATAL)
    model.set_frame(tasks(*FAMILY))
    assert lines(model) == ["init 1", "  sh 2", "    cc 3", "  cron 4"]


def test_a_process_whose_parent_is_gone_stands_at_the_top() -> None:
    model = TaskTreeModel()
    model.set_frame(tasks((1, 0, 1, "init"), (9, 77, 5, "orphan"), (5, 5, 6, "own parent")))
    assert lines(model) == ["init 1", "orphan 9", "own parent 5"]


def test_fork_and_exit_change_rows_in_place() -> None:
    model = TaskTreeModel()
    QAbstractItemModelTester(model, FATAL)
    model.set_frame(tasks(*FAMILY))
    resets, inserted, removed = (
        QSignalSpy(model.modelReset),
        QSignalSpy(model.rowsInserted),
        QSignalSpy(model.rowsRemoved),
    )
    model.set_frame(tasks(*FAMILY, (5, 3, 5, "as"), position=2))
    assert (resets.count(), inserted.count(), removed.count()) == (0, 1, 0)
    assert lines(model)[3] == "      as 5"
    model.set_frame(tasks(*FAMILY[:2], FAMILY[3], position=3))  # cc and its child have gone
    assert (resets.count(), removed.count()) == (0, 1)
    assert lines(model) == ["init 1", "  sh 2", "  cron 4"]


def test_many_changes_at_once_reset_the_model() -> None:
    model = TaskTreeModel()
    model.set_frame(tasks(*FAMILY))
    resets = QSignalSpy(model.modelReset)
    model.set_frame(tasks(*FAMILY, *((100 + i, 1, 100 + i, "child") for i in range(RESET_ABOVE + 1)), position=2))
    assert resets.count() == 1
    assert model.total == len(FAMILY) + RESET_ABOVE + 1


def test_a_reused_pid_is_another_process() -> None:
    model = TaskTreeModel()
    model.set_frame(tasks(*FAMILY))
    persistent = model.find(4)
    old = model.birth(persistent)
    model.set_frame(tasks(*FAMILY[:3], (4, 1, 40, "cron"), position=2))
    assert model.birth(model.find(4)) == 40
    assert not model.at(old).isValid()


@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=8), min_size=1, max_size=5))
def test_any_sequence_of_frames_leaves_the_tree_of_the_last_one(plan: list[list[tuple[int, bool]]]) -> None:
    model, fresh = TaskTreeModel(), TaskTreeModel()
    QAbstractItemModelTester(model, FATAL)
    frame = None
    for step, rows in enumerate(plan):
        made = [(i + 1, min(parent, i), 10 * (i + 1) + old, "t") for i, (parent, old) in enumerate(rows)]
        frame = tasks(*made, position=step) if made else ff.build([], position=step)
        model.set_frame(frame)
    fresh.set_frame(frame)  # type: ignore[arg-type]
    assert lines(model) == lines(fresh)
    assert model.births() == fresh.births()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("cc", ["init 1", "  sh 2", "    cc 3"]), ("4", ["init 1", "  cron 4"]), ("nobody", []), (" ", None)],
)
def test_the_filter_finds_comm_or_pid_and_keeps_ancestors(text: str, expected: list[str] | None) -> None:
    model = TaskTreeModel()
    QAbstractItemModelTester(model, FATAL)
    model.set_frame(tasks(*FAMILY))
    model.set_filter(text)
    assert lines(model) == (["init 1", "  sh 2", "    cc 3", "  cron 4"] if expected is None else expected)


def test_only_a_step_forward_makes_a_process_new() -> None:
    model = TaskTreeModel()
    model.set_frame(tasks(*FAMILY[:3], position=5))
    assert model.fresh == set()  # the first frame of all
    model.set_frame(tasks(*FAMILY, position=6))
    assert model.fresh == {4}
    model.set_frame(tasks(*FAMILY[:3], position=5))
    assert model.fresh == set()  # back
    model.set_frame(tasks(*FAMILY, position=9, generation=2))
    assert model.fresh == set()  # another session


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (999, "999"), (1234, "1.2k"), (9_960, "10k"), (999_600, "1.0M"), (2_001_998, "2.0M")]
)
def test_counts_fit_their_column(number: int, text: str) -> None:
    assert compact(number) == text


def view(qtbot: QtBot) -> tuple[Processes, Selection]:
    selection = Selection()
    widget = Processes(selection, Themes())
    qtbot.addWidget(widget)
    widget.resize(320, 300)
    widget.show()
    qtbot.waitExposed(widget)
    return widget, selection


def spot(widget: Processes, pid: int) -> QPoint:
    return widget.tree.visualRect(widget.model.find(pid)).center()


def test_a_click_selects_the_process_and_a_selection_elsewhere_is_followed(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    widget.set_frame(ff.letter())
    QTest.mouseClick(widget.tree.viewport(), Qt.MouseButton.LeftButton, pos=spot(widget, 3))
    assert (selection.pid, selection.vpn) == (3, -1)
    selection.select(2, 0xC42)
    assert widget.model.pid(widget.tree.currentIndex()) == 2
    QTest.mouseClick(widget.tree.viewport(), Qt.MouseButton.LeftButton, pos=spot(widget, 2))
    assert selection.vpn == 0xC42  # the page stays selected: it is in this process


def test_arrow_keys_select(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    widget.set_frame(ff.letter())
    selection.select(1)
    QTest.keyClick(widget.tree, Qt.Key.Key_Down)
    assert selection.pid == 2


def test_a_frame_never_changes_the_selection(qtbot: QtBot) -> None:
    widget, selection = view(qtbot)
    widget.set_frame(ff.letter())
    selection.select(4)
    widget.set_frame(ff.small(position=6))  # pid 4 is gone
    assert selection.pid == 4
    widget.set_frame(ff.letter(position=7))
    assert widget.model.pid(widget.tree.currentIndex()) == 4


def test_a_branch_folded_by_the_user_stays_folded(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(tasks(*FAMILY))
    widget.tree.collapse(widget.model.find(2))
    many = tuple((100 + i, 1, 100 + i, "child") for i in range(RESET_ABOVE + 1))
    widget.set_frame(tasks(*FAMILY, *many, position=2))  # a reset
    assert not widget.tree.isExpanded(widget.model.find(2))
    assert widget.tree.isExpanded(widget.model.find(1))


def test_the_context_menu_is_asked_for_the_process_under_the_mouse(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(ff.letter())
    with qtbot.waitSignal(widget.context_requested) as asked:
        widget.tree.customContextMenuRequested.emit(spot(widget, 4))
    assert asked.args[:2] == ["process", {"pid": 4}]


def test_the_chip_says_that_a_filter_is_on_and_takes_it_off(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(ff.letter())
    QTest.keyClick(widget.tree, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(widget.filter.line, "cgi")
    assert widget.filter.chip.isVisible()
    assert widget.filter.chip.text().startswith("filter on: 3 of 4")
    QTest.mouseClick(widget.filter.chip, Qt.MouseButton.LeftButton)
    assert not widget.filter.chip.isVisible()
    assert widget.model.births() == [100, 101, 102, 103]


def test_swap_has_a_column_only_where_there_is_any(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.resize(500, 300)
    widget.set_frame(ff.letter())
    assert "swap" not in widget.plan.visible()
    widget.set_frame(ff.small())
    assert "swap" in widget.plan.visible()


def test_columns_chosen_in_the_header_stay(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(ff.letter())
    menu = widget.plan.menu()
    next(a for a in menu.actions() if a.data() == "pid").trigger()
    menu.close()
    widget.resize(200, 300)
    assert "pid" in widget.plan.visible()


def test_thousands_of_processes_are_shown_at_once(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(ff.huge(3000, 1))
    assert widget.panel.hint() == "3,000 tasks"
    assert widget.model.rowCount(widget.model.find(1)) == 2999


def test_an_empty_machine_says_what_to_do(qtbot: QtBot) -> None:
    widget, _ = view(qtbot)
    widget.set_frame(ff.build([]))
    assert not widget.tree.isVisible()
    widget.set_frame(ff.letter())
    assert widget.tree.isVisible()


def test_a_view_that_is_gone_does_not_listen_any_more(qtbot: QtBot) -> None:
    selection = Selection()
    view = Processes(selection, Themes())
    view.set_frame(ff.letter())
    view.deleteLater()
    QCoreApplication.sendPostedEvents(view, QEvent.Type.DeferredDelete)
    with qtbot.captureExceptions() as raised:
        selection.select(3)
    assert raised == []


def test_the_keyboard_is_in_the_tree_once_there_is_one_and_selects_nothing(qtbot: QtBot) -> None:
    selection = Selection()
    widget = Processes(selection, Themes("dark"))
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    widget.activateWindow()
    widget.filter.button.setFocus()
    qtbot.waitUntil(widget.filter.button.hasFocus)
    selection.select(2)
    widget.set_frame(tasks((1, 1, 0, "server"), (2, 2, 1, "worker")))
    assert widget.tree.hasFocus() and selection.pid == 2
    assert widget.model.pid(widget.tree.currentIndex()) == 2
