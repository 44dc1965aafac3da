"""Journeys through the real window with real mouse and key events: what a user does, and what must be there after it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Fork
from rmapexplorer.gui.compare import CompareView
from rmapexplorer.gui.inspector_parts import MergeCard
from rmapexplorer.gui.renewal import renewed
from rmapexplorer.gui.structures import Structures
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.resources import resource
from tests.gui.real_window import LETTER, at_rest, click, digests, settings, window

__all__ = ["settings", "window"]

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"


def test_a_walk_is_stepped(window: MainWindow, qtbot: QtBot) -> None:
    walk = window.views["inspector"].walk
    click(walk.run)  # it was shown as a whole: begin again
    assert walk.revealed == 0 and "to visit" in walk.text.text()
    click(walk.step)
    assert walk.revealed == 1
    assert [step.hit for step in walk.list.steps.steps[:1]] == [True]
    assert "to go" in walk.text.text()
    walk.step.setFocus()
    QTest.keyClick(walk.step, Qt.Key.Key_Space)
    assert walk.revealed == len(walk.list.steps.steps) == 2
    assert not walk.step.isEnabled() and "2 hits" in walk.text.text() and "0 missed" in walk.text.text()


def test_a_walk_stays_while_its_page_and_position_are_shown(window: MainWindow, qtbot: QtBot) -> None:
    def shown() -> tuple[int, int, int]:
        views = window.views
        return views["inspector"].walk.revealed, views["memory_map"].canvas.revealed, _marked(views["structures"])

    whole = shown()
    assert whole[:2] == (2, 2)
    window.views["inspector"].walk.reveal(1)
    one = shown()
    assert one[:2] == (1, 1) and one[2] < whole[2]
    for action in ("presentation", "presentation", "perspective_measure", "perspective_compare", "perspective_explore"):
        window.actions_[action].trigger()
        at_rest(qtbot, window)
        assert shown() == one, action
    window.actions_["perspective_measure"].trigger()  # the inspector is hidden
    window.bridge.seek(4)
    at_rest(qtbot, window, 4)
    assert shown()[:2] == (0, 0)


def _marked(structures: Structures) -> int:
    return sum(node.state in ("hit", "miss", "now hit", "now miss") for node in structures.picture.structure.nodes)


def test_why_two_vmas_did_not_merge(window: MainWindow, qtbot: QtBot) -> None:
    table = window.views["vmas"].table
    row = next(
        index for n in range(table.model().rowCount()) if "a1c-a20" in str((index := table.model().index(n, 0)).data())
    )
    click(table.viewport(), table.visualRect(row).center())
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.detail is not None
                    and window.frame.detail.vma_span == (0xA1C, 0xA20))  # fmt: skip

    def refused() -> list[MergeCard]:
        cards = window.views["inspector"].findChildren(MergeCard)
        return [card for card in cards if card.isVisible() and card.verdict.refusal is not None]

    qtbot.waitUntil(lambda: len(refused()) == 1, timeout=5000)
    cards = refused()
    why = cards[0].verdict.refusal
    assert why is not None and why.rule == "pgoff" and (why.mine, why.theirs) == ("a20", "a18")
    assert cards[0].verdict.remedy.startswith("Move it with mremap")
    assert "pgoff is not linear" in cards[0].text.text().replace("\u200b", "")


def test_two_designs_are_compared(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    view = window.views["compare"].view
    assert isinstance(view, CompareView)
    qtbot.waitUntil(lambda: view.comparison is not None and view.comparison.position == 5, timeout=10_000)
    for action in view.which.menu().actions():
        if action.data() in ("pte_chain", "anon_vma"):
            action.trigger()
    qtbot.waitUntil(lambda: view.comparison is not None and len(view.comparison.sides) == 2, timeout=10_000)
    comparison = view.comparison
    assert comparison is not None and [side.design for side in comparison.sides] == ["anonmm", "anon_vma_chain"]
    first = {part.what: part.position for part in comparison.partings}
    assert first["copied by mremap"] == 5
    view.partings.linkActivated.emit(str(first["copied by mremap"] - 1))
    at_rest(qtbot, window, 4)
    qtbot.waitUntil(lambda: view.comparison is not None and view.comparison.position == 4, timeout=10_000)
    names = [row.name for row in view.model.rows]
    copied = view.model.rows[names.index("copied by mremap")]
    assert copied.values == (0.0, 0.0), "before the mremap they are alike"


def test_a_recording_is_opened_and_cancelled(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    before = digests(qtbot, window)
    text = gzip.decompress((RECORDINGS / "python-pool.perf.txt.gz").read_bytes())
    large = tmp_path / "large.perf.txt"
    large.write_bytes(text * 6)
    window.bridge.open(str(large))
    qtbot.waitUntil(lambda: window.statusbar.job != 0 and window.statusbar.cancel.isVisible(), timeout=20_000)
    click(window.statusbar.cancel)
    at_rest(qtbot, window)
    qtbot.waitUntil(lambda: window.messagebar.notice is not None, timeout=10_000)
    assert window.messagebar.notice is not None and "Stopped" in window.messagebar.notice.text
    assert window.frame is not None
    if window.frame.head == 6:  # it was still being read: the session before is untouched
        assert window.frame.position == 5 and digests(qtbot, window) == before
    else:  # it was already running: what was done stays, the rest waits
        assert 0 < window.frame.position < window.frame.head
    with qtbot.waitSignal(window.bridge.opened, timeout=10_000):
        window.bridge.open(str(resource(LETTER)))
    at_rest(qtbot, window, 5)
    assert digests(qtbot, window) == before, "everything goes on as before"


def test_a_session_is_changed_saved_and_opened_again(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.views["processes"].setFocus()
    QTest.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    at_rest(qtbot, window, 6)
    assert window.frame is not None and len(window.frame.tasks.pid) == 3 and window.isWindowModified()
    window.files.dialogs.path = str(tmp_path / "mine.rmap")
    QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: not window.isWindowModified(), timeout=10_000)
    kept = digests(qtbot, window)
    window.files.new()
    at_rest(qtbot, window, 1)
    assert digests(qtbot, window) != kept
    with qtbot.waitSignal(window.bridge.opened, timeout=10_000):
        window.files.open(str(tmp_path / "mine.rmap"))
    at_rest(qtbot, window, 6)
    assert digests(qtbot, window) == kept
    assert "mine" in window.windowTitle() and not window.isWindowModified()


def test_the_keyboard_reaches_every_panel(window: MainWindow, qtbot: QtBot) -> None:
    reached = set()
    window.activateWindow()
    window.views["processes"].setFocus()
    for _ in range(120):
        focus = QApplication.focusWidget()
        while focus is not None and focus not in window.views.values():
            focus = focus.parentWidget()
        if focus is not None:
            reached.add(focus.objectName() or type(focus).__name__)
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
    shown = {"processes", "vmas", "memory_map", "structures", "timeline", "overhead"}
    names = {name for name, view in window.views.items() if (view.objectName() or type(view).__name__) in reached}
    assert shown <= names, f"Tab does not reach {shown - names}"


def test_a_script_is_edited_and_run(window: MainWindow, qtbot: QtBot) -> None:
    view = window.views["script"]
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: view.editor.hasFocus() and not view.follower.busy, timeout=5000)
    assert view.editor.blockCount() == 13
    kept = view.editor.toPlainText()
    QTest.keyClick(view.editor, Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(view.editor, Qt.Key.Key_Return)
    QTest.keyClicks(view.editor, "repeat 3: fokr 1 -> new")
    qtbot.waitUntil(lambda: bool(view.editor.faults), timeout=5000)
    fault = view.editor.faults[0]
    assert (fault.line, fault.column) == (14, 11) and "did you mean 'fork'?" in view.problems.item(0).text()
    QTest.keyClick(view.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    qtbot.wait(300)
    assert window.frame is not None and window.frame.head == 6, "nothing runs before it is right"
    cursor = view.editor.textCursor()
    assert cursor.positionInBlock() == 10, "the cursor goes to the fault"
    for _ in range(4):
        QTest.keyClick(view.editor, Qt.Key.Key_Delete)
    QTest.keyClicks(view.editor, "fork")
    qtbot.waitUntil(lambda: not view.editor.faults, timeout=5000)
    QTest.keyClick(view.editor, Qt.Key.Key_Escape)
    QTest.keyClick(view.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    at_rest(qtbot, window, 9)
    assert window.frame is not None and window.frame.tasks.pid.tolist() == [1, 2, 3, 4, 5]
    qtbot.waitUntil(lambda: not view.edited, timeout=5000)
    assert view.editor.toPlainText() == f"{kept}\nrepeat 3: fork 1 -> new", "what was typed stays as it was typed"
    assert window.frame.branches == ("main",), "all of it was there already but the new line"


def test_a_script_is_opened_and_keeps_its_text(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    text = '# mine\nlet n = 2\nspawn 1 "s"\nrepeat n: fork 1 -> new  # again'
    mine = tmp_path / "mine.rmaps"
    mine.write_text(text, encoding="utf-8")
    window.files.dialogs.path = str(mine)
    QTest.keyClick(window, Qt.Key.Key_O, Qt.KeyboardModifier.ControlModifier)
    at_rest(qtbot, window, 3)
    QTest.keyClick(window, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
    view = window.views["script"]
    qtbot.waitUntil(lambda: not view.follower.busy, timeout=5000)
    assert view.editor.toPlainText() == text and not view.edited
    QTest.keyClick(window, Qt.Key.Key_Plus, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: window.views["script"] is not view, timeout=5000)
    larger = window.views["script"]
    assert larger.editor.toPlainText() == text and larger.editor.font().pointSizeF() > 0
    window.bridge.submit([Fork(pid=1, child=9)])
    at_rest(qtbot, window, 4)
    qtbot.waitUntil(lambda: larger.editor.toPlainText() == f"{text}\nfork 1 -> 9", timeout=5000)


@pytest.mark.parametrize("name", ["script", "structures"])
def test_a_panel_made_anew_asks_before_the_others_are(
    name: str, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(window.bridge, "ask", lambda question, reply: asked.append(question))
    old, heard = window.views[name], []
    for _ in renewed(window):
        view = window.views[name]
        if view is not old and not heard:
            ask = view.ask_requested if name == "script" else view.asker.asked
            ask.emit("mine", list.append)
            heard.append(asked.count("mine"))
    assert heard == [1]


def test_selection_is_one_in_all_panels(window: MainWindow, qtbot: QtBot) -> None:
    canvas = window.views["memory_map"].canvas
    scene = canvas.scene
    x = scene.gutter + float(scene.window.x(scene.axis.unit(0xA12 + 0.5)))
    row = int(scene.rows.of_task[scene.frame.tasks.pid.tolist().index(1)])
    click(canvas.viewport(), QPoint(round(x), round(scene.y(row) + scene.box_height / 2)))
    qtbot.waitUntil(lambda: (window.selection.pid, window.selection.vpn) == (1, 0xA12), timeout=5000)
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.detail is not None
                    and window.frame.detail.vpn == 0xA12, timeout=5000)  # fmt: skip
    assert "a12 of server 1" in window.views["inspector"].panel.hint()
    assert "1" in window.views["vmas"].panel.title()
