"""Find: what is typed is read in every way it makes sense; all is counted, little is listed, F3 reaches all of it."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Frame, HistoryEntry
from rmapexplorer.engine.lookups import Mappers
from rmapexplorer.gui.features.find import Find
from rmapexplorer.gui.find_bar import SHOWN, FindBar
from rmapexplorer.gui.find_search import Found, parse, search, share
from tests.gui import frame_factory
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


def found(text: str, frame: Frame | None = None, entries: Sequence[HistoryEntry] = ()) -> Found:
    *_, last = search(frame or frame_factory.letter(), entries, text)
    return last


def hits(text: str, frame: Frame | None = None, entries: Sequence[HistoryEntry] = ()) -> list[tuple[int, int, int]]:
    all_ = found(text, frame, entries)
    return [(hit.pid, hit.vpn, hit.position) for hit in map(all_.hit, range(all_.total))]


def test_a_query_is_read_in_every_way() -> None:
    assert parse("2").pid == 2 and parse("2").pages == (2,)
    assert parse("c42").pages == (0xC42,)
    assert parse("0xc42000").pages == (0xC42, 0xC42000)
    assert parse(" A18-a1C ").span == (0xA18, 0xA1C)
    assert parse("00a18000-00a1c000").span == (0xA18, 0xA1C)
    assert parse("0xa18000-0xa1c000").span == (0xA18, 0xA1C)
    assert parse("a1c-a18").span is None
    assert parse("A12").anon == 12
    assert parse("#42").page == 42 and parse("pfn 0x2a").page == 42
    assert parse("mremap").pages == () and parse("mremap").pid == -1


def test_a_process_by_pid_or_name() -> None:
    assert hits("worker") == [(2, -1, -1), (3, -1, -1)]
    assert (4, -1, -1) in hits("4")
    assert hits("cgi 4") == [(4, -1, -1)]
    assert found("worker").counts() == "2 processes"


def test_a_page_in_every_process_that_maps_something_there() -> None:
    assert hits("a1a") == [(1, 0xA1A, -1), (3, 0xA1A, -1)]
    assert hits("0xa1a000") == hits("a1a")
    only = found("c42")
    assert only.groups[0].heading == "vmas that hold page c42"
    assert only.hit(0).title == "c40-c44 rw-p" and only.hit(0).right == "page c42"


def test_the_vmas_of_a_span_of_an_anon_vma_and_of_a_name() -> None:
    assert hits("a18-a20") == [(1, 0xA10, -1), (2, 0xA1C, -1), (3, 0xA10, -1)]
    assert [vpn for _, vpn, _ in hits("A3")] == [0xA10, 0xA1C, 0xC40]
    assert {pid for pid, _, _ in hits("[stack]")} == {1, 2, 3, 4}
    assert {pid for pid, _, _ in hits("cgi-bin")} == {4}


def test_operations_by_their_text_and_errno() -> None:
    entries = frame_factory.history(20).entries
    assert hits("mremap", entries=entries) == [(0, -1, 5)]
    assert hits("einval", entries=entries) == [(0, -1, 7), (0, -1, 14)]


def test_nothing_is_found_for_nothing() -> None:
    assert found("").total == 0
    assert found("no such thing").total == 0 and found("no such thing").whole
    with pytest.raises(IndexError):
        found("worker").hit(2)


def test_a_long_history_is_searched_in_slices() -> None:
    entries = frame_factory.history(20_000).entries
    steps = list(search(None, entries, "touch"))
    assert len(steps) > 4
    assert [step.whole for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1].counts() == "19,995 operations"
    assert steps[1].total < steps[-1].total


def test_few_of_each_kind_are_shown_and_the_rest_goes_to_the_first() -> None:
    assert share([3, 12, 400], 50) == [3, 12, 35]
    assert share([400, 400], 50) == [40, 10]
    assert share([1], 50) == [1]


def test_a_million_vmas_do_not_keep_the_window() -> None:
    frame = frame_factory.huge()
    frame_factory.frame(frame.tasks, frame.vmas)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        first = next(search(frame, (), "10003"))
        seconds.append(time.perf_counter() - start)
    assert first.counts().endswith("1,000 vmas")
    assert min(seconds) < 0.05


def bar_of(shell: Shell) -> FindBar:
    feature = next(one for one in shell.window.features if isinstance(one, Find))
    assert feature.bar is not None
    return feature.bar


def test_the_bar_lists_by_kind_and_enter_goes_there(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "a1a")
    bar.finish()
    rows = bar.model.rows
    assert [row.title for row in rows] == ["vmas that hold page a1a", "a10-a20 rw-p", "a10-a20 rw-p"]
    assert rows[0].heading and rows[0].right == "2"
    assert bar.foot.full_text().startswith("2 vmas · Enter goes there")
    QTest.keyClick(bar.line, Qt.Key.Key_Down)
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert not bar.isVisible()
    assert (shell.window.selection.pid, shell.window.selection.vpn) == (3, 0xA1A)


def test_f3_goes_round_and_shift_f3_back(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "a1a")
    bar.finish()
    bar.shut()
    went = []
    for action in ("find_next", "find_next", "find_next", "find_previous"):
        shell.window.actions_[action].trigger()
        went.append(shell.window.selection.pid)
    assert went == [1, 3, 1, 3]


def test_an_operation_found_is_gone_to(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "mremap")
    bar.finish()
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert shell.engine.named("seek")[-1] == ("seek", 5)


def test_the_engine_is_asked_who_maps_a_page_frame(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.answers["mappers"] = Mappers(42, "anonmm", 2, ((1, 0xA1A), (2, 0xC42)))
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "#42")
    shell.settle(qtbot)
    bar.finish()
    assert [row.title for row in bar.model.rows] == ["page frame #42 in anonmm", "page a1a", "page c42"]
    bar.line.setText("#4")
    bar.line.setText("")
    shell.settle(qtbot)
    assert not any("page frame" in row.title for row in bar.model.rows)  # an old answer does not come back


def test_many_hits_are_counted_whole_and_listed_in_part(shell: Shell, qtbot: QtBot) -> None:
    shell.window.frame = frame_factory.huge(100, 100)
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "child")
    bar.finish()
    assert sum(not row.heading for row in bar.model.rows) == SHOWN
    assert bar.foot.full_text().startswith(f"99 processes · showing {SHOWN}")
    assert bar.step(-1)
    assert shell.window.selection.pid == 100


def test_with_nothing_typed_it_says_what_can_be(shell: Shell) -> None:
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    assert len(bar.model.rows) == 8 and all(row.heading and row.detail for row in bar.model.rows)
    assert bar.current() is None
    QTest.keyClick(bar.line, Qt.Key.Key_Return)
    assert bar.isVisible()


def test_with_the_keyboard_alone(shell: Shell, qtbot: QtBot) -> None:
    window, here = shell.window, shell.window.views["processes"]
    here.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    here.setFocus()

    def press(key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
        QTest.keyClick(QApplication.focusWidget(), key, *modifiers)

    press(Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    bar = bar_of(shell)
    assert QApplication.focusWidget() is bar.line
    QTest.keyClicks(bar.line, "a1a")
    press(Qt.Key.Key_F3)
    press(Qt.Key.Key_F3)
    assert (window.selection.pid, bar.isVisible()) == (3, True)
    press(Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is here
    press(Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert window.selection.pid == 1
    press(Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(QApplication.focusWidget(), "last")
    press(Qt.Key.Key_Return)
    assert shell.engine.named("seek")[-1] == ("seek", 6)
    assert QApplication.focusWidget() is here


def test_f3_without_a_word_opens_the_bar_and_without_a_hit_says_so(shell: Shell) -> None:
    shell.window.actions_["find_next"].trigger()
    bar = bar_of(shell)
    assert bar.isVisible()
    QTest.keyClicks(bar.line, "nowhere")
    bar.finish()
    assert bar.foot.full_text() == "Nothing is found."
    bar.shut()
    shell.window.actions_["find_next"].trigger()
    assert shell.window.messagebar.text.text() == "Nothing is found for “nowhere”."


def test_another_session_forgets_what_was_found(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["find"].trigger()
    bar = bar_of(shell)
    QTest.keyClicks(bar.line, "worker")
    shell.bridge.open("b/other.rmap")
    shell.settle(qtbot)
    assert bar.line.text() == "" and bar.found.total == 0
