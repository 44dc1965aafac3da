"""The script panel: it follows the log, finds faults, colours words and completes them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from rmapexplorer.core.operations import Fork, Munmap
from rmapexplorer.core.units import Span
from rmapexplorer.gui import script_follow
from rmapexplorer.gui.script_complete import suggestions
from tests.gui.script_rig import LINES, START, Rig, rig

__all__ = ["rig"]


def many(count: int) -> str:
    """A script of so many operations, each another line."""
    return 'spawn 1 "s"\n' + "".join(
        f"mmap 1 {0x1000 + 2 * n:x}-{0x1001 + 2 * n:x} rw private\n" for n in range(count - 1)
    )


# -- following -------------------------------------------------------------------------------------------


def test_the_history_is_the_text(rig: Rig) -> None:
    rig.open(START)
    assert rig.text.splitlines() == LINES
    assert rig.view.panel.hint() == "in step" and not rig.view.edited
    assert rig.view.editor.current == 3, "the arrow stands at the operation that was done last"
    assert not rig.view.discard_button.isEnabled()


def test_an_operation_done_elsewhere_is_appended(rig: Rig) -> None:
    rig.open(START)
    rig.bridge.submit([Fork(pid=1, child=3)])
    rig.settle()
    assert rig.text.splitlines() == [*LINES, "fork 1 -> 3"]
    assert rig.view.editor.current == 4


def test_a_seek_moves_the_mark_and_leaves_the_text(rig: Rig) -> None:
    rig.open(START)
    rig.bridge.seek(2)
    rig.settle()
    assert rig.view.editor.current == 1 and rig.text.splitlines() == LINES
    rig.bridge.seek(0)
    rig.settle()
    assert rig.view.editor.current == -1


def test_another_branch_is_another_text(rig: Rig) -> None:
    rig.open(START)
    rig.bridge.seek(3)
    rig.bridge.submit([Munmap(pid=1, span=Span(0xA10, 0xA12))])
    rig.settle()
    assert rig.text.splitlines() == [*LINES[:3], "munmap 1 a10-a12"]
    other = rig.other_branch()
    rig.bridge.branch(other)
    rig.settle()
    assert rig.text.splitlines() == LINES


def test_of_a_long_log_a_window_is_shown_that_moves(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_follow, "WHOLE", 60)
    monkeypatch.setattr(script_follow, "WINDOW", 20)
    monkeypatch.setattr(script_follow, "PART", 8)
    rig.open(many(100))
    assert rig.view.editor.blockCount() == 20
    assert rig.view.panel.hint() == "81–100 of 100" and rig.view.editor.first_number == 81
    rig.bridge.seek(30)
    rig.settle()
    lines = rig.text.splitlines()
    assert len(lines) == 20 and rig.view.editor.first_number == 21
    assert lines[rig.view.editor.current] == f"mmap 1 {0x1000 + 2 * 28:x}-{0x1001 + 2 * 28:x} rw private"


def test_an_edit_in_the_window_of_a_long_log_keeps_what_is_behind_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_follow, "WHOLE", 60)
    monkeypatch.setattr(script_follow, "WINDOW", 20)
    rig.open(many(100))
    rig.bridge.seek(30)
    rig.settle()
    lines = rig.text.splitlines()
    rig.put("\n".join([*lines[:5], "fork 1 -> new", *lines[5:]]))
    rig.run()
    assert rig.head == 101 and not rig.view.edited
    rig.bridge.seek(26)
    rig.settle()
    assert rig.text.splitlines()[rig.view.editor.current] == "fork 1 -> 2"


# -- faults ----------------------------------------------------------------------------------------------


def test_a_fault_is_underlined_listed_and_gone_to(rig: Rig) -> None:
    rig.open(START)
    rig.add("fokr 1 -> new")
    view = rig.view
    fault = view.editor.faults[0]
    assert (fault.line, fault.column, fault.meant) == (5, 1, "fork") and "expected an operation" in fault.text
    marks = view.editor.extraSelections()
    assert marks[0].cursor.selectedText() == "fokr" and view.panel.hint() == "1 fault"
    assert view.problems.isVisible() and "did you mean 'fork'?" in view.problems.item(0).text()
    rig.add("mmap 1 zz")
    assert [(fault.line, fault.column) for fault in view.editor.faults] == [(5, 1), (6, 8)]
    view.editor.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.mouseClick(view.problems.viewport(), Qt.MouseButton.LeftButton,
                     pos=view.problems.visualItemRect(view.problems.item(1)).center())  # fmt: skip
    cursor = view.editor.textCursor()
    assert (cursor.blockNumber(), cursor.positionInBlock()) == (5, 7)


def test_the_list_of_faults_does_not_cover_the_cursor(rig: Rig) -> None:
    rig.open(many(60))
    editor = rig.view.editor
    rig.view.activateWindow()
    editor.setFocus()
    rig.qtbot.waitUntil(editor.hasFocus, timeout=1000)
    rig.add("mmap 1 zz")
    rig.qtbot.wait(5)
    assert rig.view.problems.isVisible()
    assert editor.cursorRect().bottom() <= editor.viewport().height()


def test_nothing_runs_while_there_is_a_fault(rig: Rig) -> None:
    rig.open(START)
    rig.add("fork 1 -> new")
    rig.add("touch 1")
    rig.run()
    assert rig.head == 4 and rig.view.edited
    assert rig.view.editor.textCursor().blockNumber() == 5


def test_the_sentences_of_faults_are_whole_in_a_narrow_panel(rig: Rig) -> None:
    rig.open(START)
    rig.view.resize(300, 500)
    rig.add("fokr 1 -> new")
    problems = rig.view.problems
    rig.qtbot.wait(5)
    row = problems.visualItemRect(problems.item(0))
    assert row.height() >= 2 * problems.fontMetrics().height(), "it wraps"
    assert problems.height() >= row.height() and row.width() <= problems.viewport().width()


# -- colours ---------------------------------------------------------------------------------------------


def colours(rig: Rig, block: int) -> dict[str, str]:
    """Word -> its colour."""
    line = rig.view.editor.document().findBlockByNumber(block)
    return {
        line.text()[f.start : f.start + f.length]: f.format.foreground().color().name() for f in line.layout().formats()
    }


def test_words_are_coloured_and_take_another_theme(rig: Rig) -> None:
    rig.open(START)
    rig.put("let n = 3\nrepeat n: fork 1 -> new  # three\n" + START)
    for name in ("dark", "light"):
        rig.themes.use(name)
        rig.qtbot.waitUntil(lambda: not rig.view.editor.highlighter.busy, timeout=2000)
        theme = rig.themes.current
        seen = colours(rig, 1)
        assert seen["repeat"] == theme.color("other").name() and seen["fork"] == theme.color("accent").name()
        assert seen["n"] == theme.color("shared").name() and seen["# three"] == theme.color("faint").name()
        assert colours(rig, 2)['"server"'] == theme.color("good").name()


# -- completion ------------------------------------------------------------------------------------------


def words(rig: Rig, before: str, names: tuple[str, ...] = ()) -> list[str]:
    """What is suggested behind ``before``."""
    return [word for word, _ in suggestions(before, names, rig.frame)[1]]


def test_operations_pids_spans_and_names_are_suggested(rig: Rig) -> None:
    rig.open(START)
    assert words(rig, "mre") == ["mremap"] and "munmap" in words(rig, "m")
    assert set(words(rig, "touch ")) >= {"1", "2"}
    assert "a10-a20" in words(rig, "touch 2 ") and "a10-a20" in words(rig, "touch 2 a1")
    assert "kid" in words(rig, "touch k", ("kid",))
    assert words(rig, "# fo") == []


@pytest.mark.qt_log_ignore("grabbing the keyboard")
def test_enter_ends_a_line_and_takes_only_what_was_chosen(rig: Rig) -> None:
    rig.open(START)
    editor = rig.view.editor
    editor.setFocus()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    QTest.keyClicks(editor, "m")
    rig.qtbot.waitUntil(lambda: editor.completer.open, timeout=1000)
    assert not editor.completer.chosen
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert rig.text.endswith("\nm\n")
    QTest.keyClicks(editor, "mre")
    rig.qtbot.waitUntil(lambda: editor.completer.open and editor.completer.words() == ["mremap"], timeout=1000)
    QTest.keyClick(editor.completer.popup(), Qt.Key.Key_Down)
    QTest.keyClick(editor.completer.popup(), Qt.Key.Key_Return)
    assert rig.text.endswith("\nmremap ") and not editor.completer.open
    QTest.keyClick(editor, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert editor.completer.chosen and editor.completer.words()[:2] == ["1", "2"]
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert rig.text.endswith("\nmremap 1 ") and not editor.completer.open


def test_tab_leaves_the_text_and_enter_indents_a_loop(rig: Rig) -> None:
    rig.open(START)
    around, other = QWidget(), QLineEdit()
    layout = QVBoxLayout(around)
    layout.addWidget(rig.view)
    layout.addWidget(other)
    around.show()
    editor = rig.view.editor
    editor.setFocus()
    editor.moveCursor(QTextCursor.MoveOperation.End)
    for line in ("", "repeat 2:", "fork 1 -> new"):
        QTest.keyClicks(editor, line)
        editor.completer.hide()
        QTest.keyClick(editor, Qt.Key.Key_Return)
    assert rig.text.splitlines()[-3:] == ["repeat 2:", "    fork 1 -> new", "    "]
    QTest.keyClick(editor, Qt.Key.Key_Backspace)
    assert rig.text.endswith("new\n"), "Backspace takes the indentation back"
    around.activateWindow()
    rig.qtbot.waitUntil(editor.hasFocus, timeout=1000)
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert not editor.hasFocus() and "\t" not in rig.text
    rig.view.setParent(None)  # type: ignore[call-overload]
    around.deleteLater()
