"""The history: appended and cut in place, the current row marked, outcomes told, Enter goes there."""

from __future__ import annotations

import time

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Bookmark, HistoryEntry, PathChanged
from rmapexplorer.gui.history import History
from rmapexplorer.gui.models.base import STATE, Role
from rmapexplorer.gui.models.history import HistoryModel, outcome_text, tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes, mono
from tests.gui import frame_factory as ff

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal


def change(keep: int, *texts: str, generation: int = 1) -> PathChanged:
    entries = tuple(
        HistoryEntry(position=keep + n, name="touch", text=text, error=None) for n, text in enumerate(texts, 1)
    )
    return PathChanged(generation=generation, keep=keep, entries=entries)


def texts(model: HistoryModel) -> list[str]:
    return [model.data(model.index(row, 1)) for row in range(model.rowCount())]


def test_row_zero_is_the_start_and_rows_are_positions() -> None:
    model = HistoryModel()
    QAbstractItemModelTester(model, FATAL)
    model.apply(change(0, "a", "b"))
    assert texts(model)[1:] == ["a", "b"]
    assert [model.position_of(r) for r in range(3)] == [0, 1, 2]
    assert model.entry(0) is None


def test_a_branch_cuts_the_tail_without_a_reset() -> None:
    model = HistoryModel()
    QAbstractItemModelTester(model, FATAL)
    model.apply(change(0, "a", "b", "c"))
    resets = QSignalSpy(model.modelReset)
    model.apply(change(1, "x"))
    assert texts(model)[1:] == ["a", "x"]
    assert resets.count() == 0


def test_an_older_session_is_ignored_and_a_newer_one_replaces_all() -> None:
    model = HistoryModel()
    model.apply(change(0, "a", "b", generation=2))
    model.apply(change(1, "late", generation=1))
    assert texts(model)[1:] == ["a", "b"]
    model.apply(change(0, "n", generation=3))
    assert texts(model)[1:] == ["n"]


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5)), max_size=12), st.sampled_from(["", "1"]))
def test_any_changes_leave_what_a_plain_list_would_hold(plan: list[tuple[float, int]], needle: str) -> None:
    model, plain = HistoryModel(), list[str]()
    QAbstractItemModelTester(model, FATAL)
    model.apply(change(0))
    model.set_filter(needle)
    for number, (where, count) in enumerate(plan):
        keep = round(where * len(plain))
        new = [f"{number}.{n}" for n in range(count)]
        plain[keep:] = new
        model.apply(change(keep, *new))
    expected = [t for t in plain if needle in t]
    assert (texts(model) if needle else texts(model)[1:]) == expected


def test_the_current_row_is_marked_and_later_rows_are_dim() -> None:
    model, theme = HistoryModel(), Themes().current
    model.set_theme(theme)
    model.apply(change(0, "a", "b", "c"))
    model.set_position(2)
    assert [model.data(model.index(r, 0), STATE) for r in range(4)] == ["", "", "current", ""]
    colours = [model.data(model.index(r, 1), Role.ForegroundRole).name() for r in range(4)]
    assert colours[2] == theme.color("text").name()
    assert colours[3] == theme.color("faint").name()


def test_outcomes_are_told_in_words() -> None:
    entry = ff.history(7).entries[-1]
    told = evolve(entry, rule="Page 0 is not mapped.", differs=True, refused_merges=1)
    assert outcome_text(told) == "EINVAL, designs differ, 1 merge refused"
    assert "EINVAL: Page 0 is not mapped." in tip(told).splitlines()


def view(qtbot: QtBot) -> History:
    widget = History(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.resize(420, 300)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_double_click_and_enter_seek(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.apply(ff.history(8))
    spy = QSignalSpy(widget.seek_requested)
    place = widget.table.visualRect(widget.model.index(3, 1)).center()
    QTest.mouseClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert spy.count() == 0
    QTest.mouseDClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [spy.at(i)[0] for i in range(spy.count())] == [3]
    QTest.keyClick(widget.table, Qt.Key.Key_Down)
    QTest.keyClick(widget.table, Qt.Key.Key_Return)
    assert spy.at(spy.count() - 1)[0] == 4


def test_under_a_filter_the_row_still_knows_its_position(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.apply(ff.history(8))
    QTest.keyClick(widget.table, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(widget.filter.line, "einval")
    assert widget.model.count() == 1
    place = widget.table.visualRect(widget.model.index(0, 1)).center()
    QTest.mouseClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(widget.seek_requested) as sought:
        QTest.mouseDClick(widget.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert sought.args == [7]


def test_copy_gives_text_with_the_reason(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.apply(ff.history(8))
    widget.table.selectRow(7)
    QTest.keyClick(widget.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert "EINVAL: a rule." in QGuiApplication.clipboard().text()


def test_long_operations_are_whole_and_what_was_refused_stays_in_sight(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.resize(330, 300)
    long = "mremap(26901, 55e020a2f-55e020a8e → 7f96db0fc-7f96db9fc)"
    widget.apply(change(0, "touch(1, a10-a11)", long))
    assert "outcome" not in widget.plan.visible()  # nothing to tell
    text = widget.model.column("text")
    header = widget.table.header()
    assert header.sectionSize(text) >= QFontMetrics(mono()).horizontalAdvance(long)
    qtbot.waitUntil(lambda: widget.table.horizontalScrollBar().maximum() > 0)
    entry = HistoryEntry(position=3, name="mremap", text=long, error="EINVAL", rule="a rule.")
    widget.apply(PathChanged(generation=1, keep=2, entries=(entry,)))
    outcome = widget.model.column("outcome")
    place = header.sectionViewportPosition(outcome) + header.sectionSize(outcome)
    assert 0 < place <= widget.table.viewport().width()


def test_thirty_thousand_operations_are_no_trouble(qtbot: QtBot) -> None:
    widget = view(qtbot)
    began = time.perf_counter()
    widget.apply(ff.history(30_000))
    made = ff.letter(position=29_000, head=30_000)
    widget.set_frame(made)
    widget.table.grab()
    assert widget.table.rowAt(widget.table.viewport().height() // 2) > 28_000
    widget.filter.line.setText("einval")
    assert time.perf_counter() - began < 3.0
    assert widget.model.count() == 30_000 // 7


def test_the_history_is_narrowed_by_each_kind_and_by_the_markers(qtbot: QtBot) -> None:
    selection = Selection()
    widget = History(selection, Themes())
    qtbot.addWidget(widget)
    widget.resize(420, 400)
    widget.show()
    entries = [
        HistoryEntry(
            position=n, name="touch", text=f"op {n}", error="EINVAL" if n % 5 == 0 else None, differs=n % 4 == 0,
            refused_merges=1 if n == 7 else 0, pid=1 + n % 2,
        )
        for n in range(1, 13)
    ]  # fmt: skip
    widget.apply(PathChanged(generation=1, keep=0, entries=tuple(entries)))
    marks = (
        Bookmark(position=3, text="three"),
        Bookmark(position=9, text=""),
        Bookmark(position=2, text="", branch="b"),
    )
    widget.set_frame(evolve(ff.letter(position=6, head=12), bookmarks=marks))
    selection.select(2, -1)

    def shown() -> list[int]:
        return [widget.model.position_of(row) for row in range(widget.model.count())]

    wanted = {
        "refused": [5, 10],
        "merges": [7],
        "differs": [4, 8, 12],
        "bookmarks": [3, 9],
        "process": [1, 3, 5, 7, 9, 11],
    }
    for kind, positions in wanted.items():
        widget.set_kind(kind)
        assert shown() == positions, kind
        assert widget.kind_chip.isVisible()
    selection.select(1, -1)
    assert shown() == [2, 4, 6, 8, 10, 12]
    widget.set_kind("differs")
    widget.set_markers(9, 5)
    assert shown() == [8]
    assert widget.span_chip.text().startswith("A 5 · B 9")
    assert "1 of 12" in widget.panel.hint()
    widget.kind_chip.click()
    assert shown() == [5, 6, 7, 8, 9]
    assert not widget.kind_chip.isVisible()
    with qtbot.waitSignal(widget.requested) as asked:
        widget.span_chip.click()
    assert asked.args[0] == "markers_clear"
    widget.set_markers(None, None)
    assert len(shown()) == 13
    widget.set_kind("merges")
    widget.apply(PathChanged(generation=1, keep=6, entries=()))
    assert shown() == []
    assert widget.nothing.isVisible()
