"""The document: saved and opened where the user says, never lost, never half replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Exit
from rmapexplorer.engine.frames import Notice
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "program.perf.txt"
    path.write_text("x")
    return path


def edit(shell: Shell, qtbot: QtBot) -> None:
    shell.window.submit([Exit(pid=4)], "exit")
    shell.settle(qtbot)
    assert shell.window.files.modified


def test_the_title_names_the_session_and_marks_changes(shell: Shell, qtbot: QtBot) -> None:
    assert shell.window.windowTitle() == "the-letter-in-six-operations[*] — rmapexplorer"
    assert not shell.window.isWindowModified()
    edit(shell, qtbot)
    assert shell.window.isWindowModified()


def test_save_asks_for_a_name_once_and_adds_the_suffix(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    shell.window.files.path = None
    edit(shell, qtbot)
    shell.dialogs.path = str(tmp_path / "mine")
    shell.window.actions_["save"].trigger()
    shell.settle(qtbot)
    assert shell.engine.named("save") == [("save", str(tmp_path / "mine.rmap"))]
    assert not shell.window.isWindowModified()
    assert shell.window.windowTitle().startswith("mine[*]")
    edit(shell, qtbot)
    shell.window.actions_["save"].trigger()
    shell.settle(qtbot)
    assert shell.dialogs.asked == ["save"]
    assert len(shell.engine.named("save")) == 2


def test_a_dialog_that_is_closed_saves_nothing(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["save_as"].trigger()
    assert shell.engine.named("save") == []
    assert shell.dialogs.suggestion.endswith("the-letter-in-six-operations.rmap")


def test_a_change_made_while_saving_is_still_unsaved(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    edit(shell, qtbot)
    shell.dialogs.path = str(tmp_path / "a.rmap")
    shell.window.files.save_as()
    shell.window.submit([Exit(pid=3)], "exit")
    shell.settle(qtbot)
    assert shell.window.files.modified


def test_saving_that_fails_keeps_the_mark(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    edit(shell, qtbot)
    shell.engine.trouble = "The disk is full."
    shell.dialogs.path = str(tmp_path / "a.rmap")
    shell.window.files.save_as()
    shell.settle(qtbot)
    assert shell.window.files.modified
    assert shell.window.messagebar.text.text() == "The disk is full."


@pytest.mark.parametrize(("answer", "opens", "saves"), [("discard", 1, 0), ("stay", 0, 0), ("save", 1, 1)])
def test_unsaved_changes_are_asked_about(
    answer: str, opens: int, saves: int, shell: Shell, qtbot: QtBot, recording: Path, tmp_path: Path
) -> None:
    edit(shell, qtbot)
    shell.dialogs.answer = answer
    shell.window.files.path = str(tmp_path / "kept.rmap")
    shell.engine.calls.clear()
    shell.window.files.open(str(recording))
    shell.settle(qtbot)
    assert shell.dialogs.asked == ["unsaved"]
    assert len(shell.engine.named("open")) == opens
    assert len(shell.engine.named("save")) == saves


def test_nothing_is_asked_without_changes(shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_["new"].trigger()
    assert shell.dialogs.asked == []
    assert len(shell.engine.named("new")) == 1


def test_closing_with_changes_asks_and_stays(shell: Shell, qtbot: QtBot) -> None:
    edit(shell, qtbot)
    assert not shell.window.close()
    assert shell.window.isVisible()
    assert shell.engine.running
    shell.dialogs.answer = "discard"
    shell.window.close()
    qtbot.waitUntil(lambda: not shell.window.isVisible(), timeout=2000)
    assert not shell.engine.running


def test_a_file_that_is_gone_is_one_sentence_and_changes_nothing(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.calls.clear()
    shell.window.files.open("/nowhere/x.rmap")
    assert shell.engine.named("open") == []
    assert shell.window.messagebar.text.text() == "/nowhere/x.rmap is not there any more; nothing was opened."
    assert shell.window.files.title == "the-letter-in-six-operations"


def test_trouble_while_opening_leaves_the_session(shell: Shell, qtbot: QtBot, recording: Path) -> None:
    shell.engine.trouble = "program.perf.txt, line 1: is no recording."
    before = shell.window.frame
    shell.window.files.open(str(recording))
    shell.settle(qtbot)
    assert shell.window.frame is before
    assert shell.window.files.title == "the-letter-in-six-operations"
    assert "is no recording" in shell.window.messagebar.text.text()


def test_a_dropped_file_is_opened(shell: Shell, qtbot: QtBot, recording: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(recording))])
    event = QDropEvent(
        QPointF(50, 50),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    shell.window.dropEvent(event)
    shell.settle(qtbot)
    assert shell.engine.named("open")[-1] == ("open", str(recording))
    assert shell.window.files.title == "program.perf.txt"


def test_recent_files_newest_first_without_the_vanished(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    for name in ("a.rmap", "b.rmap"):
        (tmp_path / name).write_text("x")
        shell.window.files.open(str(tmp_path / name))
        shell.settle(qtbot)
    assert [Path(path).name for path in shell.window.files.recent] == ["b.rmap", "a.rmap"]
    shell.window.menus.fill_recent()
    assert shell.window.menus.recent.actions()[0].text() == "&1  b.rmap"
    (tmp_path / "b.rmap").unlink()
    assert [Path(path).name for path in shell.window.files.recent] == ["a.rmap"]
    shell.window.menus.recent.actions()[1].trigger()
    shell.settle(qtbot)
    assert shell.engine.named("open")[-1] == ("open", str(tmp_path / "a.rmap"))
    shell.window.files.forget()
    assert not shell.window.menus.recent.isEnabled()


def test_an_error_about_a_file_goes_when_another_one_opens(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    shell.engine.post(Notice(level="error", text="x.rmap is damaged; choose another file."))
    shell.settle(qtbot)
    assert shell.window.messagebar.notice is not None
    (tmp_path / "a.rmap").write_text("x")
    shell.window.files.open(str(tmp_path / "a.rmap"))
    shell.settle(qtbot)
    assert shell.window.messagebar.notice is None


def test_a_recording_is_not_written_over_by_save(shell: Shell, qtbot: QtBot, recording: Path) -> None:
    shell.window.files.open(str(recording))
    shell.settle(qtbot)
    assert shell.window.files.path is None


def test_a_scenario_of_the_program_is_not_written_over_by_save(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    folder = tmp_path / "resources" / "scenarios"
    folder.mkdir(parents=True)
    (folder / "x.rmap").write_text("x")
    shell.window.files.open(str(folder / "x.rmap"))
    shell.settle(qtbot)
    assert shell.window.files.path is None
    assert shell.window.files.recent == []


def test_trouble_of_something_else_is_none_of_a_save_under_way(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    """The save succeeds after an unrelated error was told; what was to follow it follows."""
    edit(shell, qtbot)
    save, held = shell.engine.save, list[tuple[str, int]]()
    shell.engine.save = lambda path, revision=0, over=False: held.append((path, revision)) or 4711  # type: ignore[method-assign, func-returns-value]
    shell.window.files.path = str(tmp_path / "a.rmap")
    done: list[str] = []
    shell.window.files.save(lambda: done.append("then"))
    shell.engine.post(Notice(level="error", text="An export failed."))
    shell.settle(qtbot)
    assert shell.window.files.modified and shell.window.files.saving
    shell.engine.jobs = 4710
    save(*held[0])
    shell.settle(qtbot)
    assert not shell.window.files.modified and not shell.window.files.saving
    assert done == ["then"]


def test_what_is_done_while_another_session_is_opening_is_not_taken_for_saved(
    shell: Shell, qtbot: QtBot, recording: Path
) -> None:
    shell.window.files.open(str(recording))
    shell.window.submit([Exit(pid=3)], "exit")
    shell.settle(qtbot)
    assert shell.window.files.title == "program.perf.txt" and shell.window.files.modified


def test_closing_waits_for_what_is_being_written(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    edit(shell, qtbot)
    save, held = shell.engine.save, list[tuple[str, int]]()
    shell.engine.save = lambda path, revision=0, over=False: held.append((path, revision)) or 4711  # type: ignore[method-assign, func-returns-value]
    shell.window.files.path = str(tmp_path / "a.rmap")
    shell.window.files.save()
    assert not shell.window.close() and shell.dialogs.asked == []
    shell.engine.jobs = 4710
    save(*held[0])
    qtbot.waitUntil(lambda: not shell.window.isVisible(), timeout=2000)
    assert shell.dialogs.asked == [], "all is saved: nothing to ask"
