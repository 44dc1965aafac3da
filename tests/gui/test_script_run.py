"""The script panel runs what differs from the log, keeps what was typed as it was typed, and goes to files and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest

from rmapexplorer.core.operations import Fork, Mmap
from rmapexplorer.core.units import Span
from rmapexplorer.formats.script_session import load_script
from rmapexplorer.gui import script_follow
from tests.gui.script_rig import LINES, START, Rig, rig

__all__ = ["rig"]

# -- running ---------------------------------------------------------------------------------------------


def test_what_is_there_already_is_not_run_again(rig: Rig) -> None:
    rig.open(START)
    rig.add("munmap 2 a10-a12")
    assert rig.view.panel.hint() == "edited"
    rig.run()
    assert (rig.head, rig.position) == (5, 5) and len(rig.branches) == 1
    assert rig.text.splitlines() == [*LINES, "munmap 2 a10-a12"] and not rig.view.edited


def test_an_edit_in_the_middle_begins_a_branch(rig: Rig) -> None:
    rig.open(START)
    rig.put(START.replace("touch 1 a10-a20 w", "touch 1 a10-a14 w"))
    rig.run()
    assert rig.head == 4 and len(rig.branches) == 2
    old = rig.other_branch()
    rig.bridge.branch(old)
    rig.settle()
    assert rig.text.splitlines() == LINES, "what was there is kept in the other branch"


def test_a_move_under_way_does_not_change_where_it_runs(rig: Rig) -> None:
    rig.open(START)
    rig.add("munmap 2 a10-a12")
    rig.bridge.seek(1)
    rig.run()
    assert (rig.head, rig.position) == (5, 5) and len(rig.branches) == 1


def test_a_loop_stays_as_it_was_typed(rig: Rig) -> None:
    rig.open(START)
    rig.add("repeat 3: fork 1 -> new")
    rig.run()
    assert rig.head == 7 and rig.text.splitlines()[-1] == "repeat 3: fork 1 -> new"
    assert rig.view.editor.current == 4
    rig.bridge.seek(5)
    rig.settle()
    assert rig.view.editor.current == 4 and rig.view.follower.position_of(4) == 7
    rig.bridge.seek(7)
    rig.bridge.submit([Fork(pid=1, child=9)])
    rig.settle()
    assert rig.text.splitlines()[-2:] == ["repeat 3: fork 1 -> new", "fork 1 -> 9"]
    rig.add("repeat 2: fork 1 -> new")
    rig.run()
    assert rig.head == 10 and len(rig.branches) == 1


def test_what_the_kernel_chose_is_not_run_again(rig: Rig) -> None:
    rig.open(START)
    rig.add("mmap 1 4 pages at any rw private")
    rig.run()
    assert rig.head == 5 and rig.text.splitlines()[-1] == "mmap 1 4 pages at any rw private"
    rig.add("fork 1 -> new")
    rig.run()
    assert rig.head == 6 and len(rig.branches) == 1


def test_up_to_the_cursor(rig: Rig) -> None:
    rig.open(START)
    rig.put(START + "repeat 2: fork 1 -> new\nmunmap 1 a10-a12\n")
    editor = rig.view.editor
    cursor = QTextCursor(editor.document().findBlockByNumber(4))
    editor.setTextCursor(cursor)
    rig.view.run_to_cursor()
    rig.settle()
    assert (rig.head, rig.position) == (6, 6) and rig.view.edited
    assert rig.text.endswith("munmap 1 a10-a12\n"), "what was not run stays"
    rig.run()
    assert rig.head == 7 and len(rig.branches) == 1 and not rig.view.edited


def test_up_to_the_cursor_of_what_was_run_already_is_a_seek(rig: Rig) -> None:
    rig.open(START)
    rig.view.editor.setTextCursor(QTextCursor(rig.view.editor.document().findBlockByNumber(1)))
    rig.view.run_to_cursor()
    rig.settle()
    assert (rig.position, rig.head) == (2, 4) and rig.text.splitlines() == LINES and not rig.view.edited
    rig.add("munmap 2 a10-a12")
    rig.run()
    assert (rig.position, rig.head) == (5, 5), "it can be run on from there"


def test_lines_taken_away_are_a_seek_back(rig: Rig) -> None:
    rig.open(START)
    rig.put("\n".join(LINES[:2]))
    rig.run()
    assert (rig.position, rig.head) == (2, 4) and len(rig.branches) == 1
    assert rig.text.splitlines() == LINES[:2] and rig.view.panel.hint() == "2 of 4"
    rig.put("")
    rig.run()
    assert rig.position == 0 and rig.head == 4
    rig.view.discard()
    rig.settle()
    assert rig.text.splitlines() == LINES


def test_a_double_click_on_a_number_goes_there(rig: Rig) -> None:
    rig.open(START)
    rig.view.seek_requested.connect(rig.bridge.seek)
    editor = rig.view.editor
    top = editor.cursorRect(QTextCursor(editor.document().findBlockByNumber(1))).center().y()
    QTest.mouseDClick(editor.gutter, Qt.MouseButton.LeftButton, pos=QPoint(8, top))
    rig.settle()
    assert rig.position == 2


def test_many_faults_are_listed(rig: Rig) -> None:
    rig.open(START)
    rig.put(START + "fokr 1\n" * 250)
    assert rig.view.problems.count() == 100 and rig.view.panel.hint() == "100 faults"
    assert rig.view.problems.height() <= rig.view.height() // 3 + 4
    rig.put(START)
    assert rig.view.problems.isHidden()


def test_a_call_that_is_refused_says_so_behind_its_line(rig: Rig) -> None:
    rig.open(START)
    rig.add("munmap 77 a10-a12")
    rig.run()
    assert rig.head == 5
    assert rig.view.editor.remark_of(4).startswith("ESRCH") and rig.view.editor.remark_of(3) == ""
    rig.add("repeat 3: munmap 78 a10")
    assert rig.view.editor.remark_of(4) == "", "while there are edits nothing is said"
    rig.run()
    assert rig.view.editor.remark_of(5).endswith("(and 2 more)")


def test_the_edits_are_discarded(rig: Rig) -> None:
    rig.open(START)
    rig.add("fokr")
    assert rig.view.discard_button.isEnabled()
    QTest.mouseClick(rig.view.discard_button, Qt.MouseButton.LeftButton)
    rig.settle()
    assert rig.text.splitlines() == LINES and not rig.view.edited
    assert rig.view.editor.faults == [] and rig.view.problems.isHidden()


def test_a_long_run_is_cancelled_and_taken_up_again(rig: Rig) -> None:
    rig.open('spawn 1 "s"\n')
    rig.put('spawn 1 "s"\nrepeat 6000 as i: mmap 1 (1000 + 2*i) rw private\n')
    rig.view.run()
    rig.qtbot.waitUntil(lambda: rig.view.job != 0 and rig.head > 1, timeout=5000)
    rig.bridge.cancel(rig.view.job)
    rig.settle()
    assert 1 < rig.head < 6001 and rig.view.edited and rig.view.panel.hint() == "edited"
    assert rig.text.count("\n") == 2, "the text stays as it was typed"
    done = rig.head
    rig.put(f'spawn 1 "s"\nrepeat {done + 5} as i: mmap 1 (1000 + 2*i) rw private\n')
    rig.run()
    assert rig.head == done + 6 and len(rig.branches) == 1


def test_what_is_typed_while_it_runs_is_not_taken_for_run(rig: Rig) -> None:
    rig.open('spawn 1 "s"\n')
    rig.put('spawn 1 "s"\nrepeat 1500 as i: mmap 1 (1000 + 2*i) rw private\n')
    rig.view.run()
    rig.qtbot.waitUntil(lambda: rig.view.follower.running, timeout=5000)
    rig.view.editor.appendPlainText("fork 1 -> new")
    rig.settle()
    assert rig.head == 1501 and rig.view.edited
    rig.run()
    assert rig.head == 1502 and not rig.view.edited


def test_kernel_and_designs_of_the_text_are_taken(rig: Rig) -> None:
    rig.open("designs pte_chain anon_vma_chain\n" + START)
    rig.put("calls 4.0\ndesigns anon_vma\nmachine ram=4096\n" + START)
    rig.run()
    rig.qtbot.waitUntil(lambda: rig.frame is not None and len(rig.frame.designs) == 1, timeout=5000)
    assert rig.frame is not None and rig.frame.designs[0].key.startswith("anon_vma")
    assert rig.head == 4 and not rig.view.edited
    assert rig.view.editor.remark_of(2).startswith("· only where a new session begins")
    assert rig.view.editor.remark_of(0) == rig.view.editor.remark_of(1) == ""


# -- files and text sizes --------------------------------------------------------------------------------


def test_a_script_is_opened_as_it_was_written(rig: Rig) -> None:
    text = '# mine\ndesigns anon_vma\nlet n = 3\nspawn 1 "s"\nrepeat n:\n    fork 1 -> new  # again\n'
    rig.open(text, plain=False)
    assert rig.text == text.rstrip("\n") and rig.head == 4 and not rig.view.edited
    rig.bridge.submit([Mmap(pid=1, span=Span(0xA10, 0xA20))])
    rig.settle()
    assert rig.text.splitlines()[:-1] == text.splitlines() and rig.text.splitlines()[-1].startswith("mmap 1 a10-a20")
    rig.open(START)
    assert rig.text.splitlines() == LINES, "the next session has its own"


def test_a_long_script_is_shown_as_it_was_written(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(script_follow, "WHOLE", 60)
    monkeypatch.setattr(script_follow, "WINDOW", 20)
    text = 'spawn 1 "s"\nrepeat 1200 as i: mmap 1 (1000 + 2*i) rw private'
    rig.open(text, plain=False)
    assert rig.head == 1201 and rig.text == text
    assert rig.view.panel.hint() == "in step" and rig.view.follower.position_of(1) == 1201


def test_a_script_is_saved(rig: Rig, tmp_path: Path) -> None:
    rig.open("designs anon_vma\n" + START)
    target = tmp_path / "kept.rmaps"
    rig.files.dialogs.path = str(target)
    rig.feature.do_script_save(None, {})  # type: ignore[arg-type]
    rig.qtbot.waitUntil(lambda: any("Saved the script" in notice.text for notice in rig.notices), timeout=5000)
    made = load_script(target.read_bytes(), str(target))
    assert len(made.operations) == 4 and [key for key, _ in made.designs] == ["anon_vma"]
    rig.add("repeat 3: fork 1 -> new")
    rig.feature.do_script_save(None, {})  # type: ignore[arg-type]
    rig.qtbot.waitUntil(lambda: "repeat 3" in target.read_text(), timeout=5000)
    made = load_script(target.read_bytes(), str(target))
    assert len(made.operations) == 7 and [key for key, _ in made.designs] == ["anon_vma"]


def test_a_script_that_cannot_be_saved_says_why(rig: Rig, tmp_path: Path) -> None:
    rig.open(START)
    rig.files.dialogs.path = str(tmp_path / "no" / "folder.rmaps")
    rig.feature.do_script_save(None, {})  # type: ignore[arg-type]
    rig.qtbot.waitUntil(lambda: bool(rig.notices), timeout=5000)
    assert rig.notices[-1].level == "error" and "folder.rmaps" in rig.notices[-1].text


def test_another_text_size_keeps_text_cursor_and_undo(rig: Rig) -> None:
    rig.open(START)
    rig.add("fokr 1")
    rig.view.editor.textCursor().clearSelection()
    at = rig.view.editor.textCursor().position()
    rig.remake()
    rig.qtbot.wait(20)
    view = rig.view
    assert rig.text.splitlines() == [*LINES, "fokr 1"] and view.edited
    assert view.editor.faults[0].line == 5 and view.problems.isVisible()
    assert view.editor.textCursor().position() == at
    view.editor.setFocus()
    rig.add("fork 1 -> new")
    assert len(view.editor.faults) == 1, "faults are still found"
    view.editor.undo()
    view.discard()
    rig.settle()
    assert rig.text.splitlines() == LINES
    rig.bridge.submit([Fork(pid=1, child=3)])
    rig.settle()
    assert rig.text.splitlines() == [*LINES, "fork 1 -> 3"], "it follows the log"


def test_another_text_size_while_a_script_runs(rig: Rig) -> None:
    rig.open('spawn 1 "s"\n')
    rig.put('spawn 1 "s"\nrepeat 1500 as i: mmap 1 (1000 + 2*i) rw private\n')
    rig.view.run()
    rig.qtbot.waitUntil(lambda: rig.view.follower.running, timeout=5000)
    rig.remake()
    rig.settle()
    assert rig.head == 1501 and not rig.view.edited
    assert rig.text.splitlines()[1].startswith("repeat 1500")
