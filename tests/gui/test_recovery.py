"""Side files: what is written when, what a dead process leaves, and the way back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Fork, Spawn
from rmapexplorer.engine.steps import Steps
from rmapexplorer.formats.session import Session, load_session, to_text
from rmapexplorer.gui.bridge import BATCH
from rmapexplorer.gui.features.autosave import Autosave
from rmapexplorer.gui.recovery import Orphan, Slot, orphans, recovery_folder
from rmapexplorer.gui.recovery_bar import RecoveryBar, sentence
from rmapexplorer.gui.theme import Themes
from rmapexplorer.resources import resource
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

LETTER = Path(str(resource("scenarios/the-letter-in-six-operations.rmap")))


def session(count: int = 3, title: str = "mine") -> Session:
    forks = tuple(Fork(pid=1, child=2 + i) for i in range(count - 1))
    return Session(title=title, operations=(Spawn(pid=1, comm="init"), *forks), position=count)


def finish(work: Iterator[None]) -> None:
    for _ in work:
        pass


def leave(folder: Path, made: Session, path: str = "") -> Slot:
    """A side file as a process that was killed leaves it: nothing holds its lock."""
    slot = Slot(folder)
    finish(slot.writing(made, made.title, path))
    assert slot._held is not None
    slot._held.close()
    return slot


class TestSlot:
    def test_a_side_file_is_the_session(self, tmp_path: Path) -> None:
        slot = leave(tmp_path, session(450), "/home/me/mine.rmap")
        (found,) = orphans(tmp_path)
        assert load_session(str(found.path)) == session(450)
        assert (found.about.title, found.about.path, found.about.operations) == ("mine", "/home/me/mine.rmap", 450)
        assert str(os.getpid()) in found.path.name and "mine" in found.path.name
        assert slot.written and not slot.trouble

    def test_the_pieces_are_what_save_writes(self) -> None:
        for made in (session(1), session(401), evolve(session(5), operations=(), position=0, branches={})):
            assert "".join(to_text(made)).endswith("\n]\n}\n") or not made.operations
            assert json.loads(to_text(made))["title"] == "mine"

    def test_one_whose_window_lives_is_not_offered(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path)
        finish(slot.writing(session(), "mine", ""))
        assert orphans(tmp_path) == []
        slot.close()
        assert list(tmp_path.iterdir()) == []

    def test_two_windows_never_share_one(self, tmp_path: Path) -> None:
        leave(tmp_path, session(title="one"))
        leave(tmp_path, session(title="two"))
        assert sorted(found.about.title for found in orphans(tmp_path)) == ["one", "two"]

    def test_a_newer_writing_stops_an_older_one(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path)
        old = slot.writing(session(1000), "old", "")
        next(old)
        finish(slot.writing(session(2), "new", ""))
        finish(old)
        assert [path.name for path in tmp_path.glob("*.rmap")] == [f"{slot.name}-new.rmap"]
        assert not list(tmp_path.glob("*.tmp"))
        slot.close()

    def test_what_was_cleared_does_not_come_back(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path)
        work = slot.writing(session(1000), "mine", "")
        next(work)
        slot.clear()
        finish(work)
        assert not slot.written and not list(tmp_path.glob("*.rmap"))
        late = slot.writing(session(), "mine", "")
        slot.close()
        finish(late)
        assert list(tmp_path.iterdir()) == []

    def test_the_old_side_file_stays_until_the_new_one_is_whole(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path)
        finish(slot.writing(session(2), "a", ""))
        work = slot.writing(session(900), "b", "")
        next(work)
        (path,) = tmp_path.glob("*.rmap")
        assert load_session(str(path)) == session(2)
        finish(work)
        (path,) = tmp_path.glob("*.rmap")
        assert len(load_session(str(path)).operations) == 900
        slot.close()

    def test_where_nothing_can_be_written_it_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        slot = Slot(tmp_path / "file")
        finish(slot.writing(session(), "mine", ""))
        assert "can be kept" in slot.trouble and slot.trouble.endswith("save it yourself.")
        assert not slot.written
        slot.close()

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"title": 3}', '{"session": "../../etc/passwd"}'])
    def test_a_damaged_note_is_no_session(self, tmp_path: Path, text: str) -> None:
        slot = leave(tmp_path, session())
        (tmp_path / f"{slot.name}.json").write_text(text)
        assert orphans(tmp_path) == []

    def test_only_one_can_claim_it(self, tmp_path: Path) -> None:
        leave(tmp_path, session())
        (one,), (other,) = orphans(tmp_path), orphans(tmp_path)
        assert one.claim() and not other.claim()
        one.release()
        assert other.claim()
        other.discard()
        assert list(tmp_path.iterdir()) == []


@pytest.fixture
def bar(qtbot: QtBot) -> RecoveryBar:
    made = RecoveryBar(Themes("dark").current)
    qtbot.addWidget(made)
    return made


class TestBar:
    def test_it_says_which_session_it_is(self, tmp_path: Path) -> None:
        leave(tmp_path, session(3, "my day"), "/home/me/day.rmap")
        text = sentence(orphans(tmp_path)[0])
        for word in ("my day", "3 operations", "your file day.rmap is as you saved it"):
            assert word in text

    def test_three_are_listed_and_the_rest_are_counted(self, tmp_path: Path, bar: RecoveryBar) -> None:
        for number in range(5):
            leave(tmp_path, session(title=f"s{number}"))
        bar.offer(orphans(tmp_path))
        assert len(bar.buttons) == 3 and "2 older" in bar.texts[-1].full_text()
        bar.offer([])
        assert bar.isHidden() and not bar.buttons

    def test_the_buttons_say_what_and_which(self, tmp_path: Path, bar: RecoveryBar, qtbot: QtBot) -> None:
        leave(tmp_path, session())
        (found,) = orphans(tmp_path)
        bar.offer([found])
        heard: list[tuple[str, Orphan]] = []
        bar.chosen.connect(lambda what, which: heard.append((what, which)))
        for key in ("recover", "show", "discard"):
            QTest.mouseClick(bar.buttons[0][key], Qt.MouseButton.LeftButton)
        assert heard == [("recover", found), ("show", found), ("discard", found)]


def autosave(shell: Shell) -> Autosave:
    return next(one for one in shell.window.features if isinstance(one, Autosave))


class TestFeature:
    def test_changes_are_kept_after_the_time_set(self, shell: Shell, qtbot: QtBot) -> None:
        shell.engine.answers["side file"] = session()
        feature = autosave(shell)
        shell.bridge.submit([Fork(pid=1, child=9)])
        assert feature._due.isActive() and feature._due.interval() == 30_000
        feature._due.setInterval(1)
        qtbot.waitUntil(lambda: feature.slot.written)
        shell.settle(qtbot)
        assert not feature._due.isActive()

    def test_never_where_it_is_switched_off(self, shell: Shell) -> None:
        shell.settings.autosave_seconds = 0
        shell.bridge.submit([Fork(pid=1, child=9)])
        assert not autosave(shell)._due.isActive()

    def test_saving_removes_it(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        shell.engine.answers["side file"] = session()
        shell.bridge.submit([Fork(pid=1, child=9)])
        autosave(shell).keep()
        qtbot.waitUntil(lambda: autosave(shell).slot.written)
        shell.dialogs.path = str(tmp_path / "mine.rmap")
        shell.window.files.save()
        shell.settle(qtbot)
        assert not autosave(shell).slot.written

    def test_a_batch_waits_for_the_copy(self, shell: Shell, qtbot: QtBot) -> None:
        many = [Fork(pid=1, child=0) for _ in range(BATCH + 1)]
        shell.bridge.submit(many)
        assert not shell.engine.named("job"), "nothing was changed before: the file is the copy"
        shell.bridge.submit(many)
        names = [call[0] for call in shell.engine.calls if call[0] in ("job", "submit")]
        assert names == ["submit", "job", "submit"]
        ((_, job),) = shell.engine.named("job")
        assert isinstance(job, Steps) and job.quiet

    def test_a_small_one_does_not(self, shell: Shell) -> None:
        shell.bridge.submit([Fork(pid=1, child=9)])
        shell.bridge.submit([Fork(pid=1, child=0) for _ in range(BATCH)])
        assert not shell.engine.named("job")

    def test_a_folder_that_cannot_be_made_is_told_once(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        feature = autosave(shell)
        feature.slot = Slot(tmp_path / "file")
        shell.engine.answers["side file"] = session()
        shell.bridge.submit([Fork(pid=1, child=9)])
        feature.keep()
        qtbot.waitUntil(lambda: shell.window.messagebar.notice is not None)
        assert "save it yourself" in shell.window.messagebar.text.text()

    def test_discarding_deletes_and_skipping_does_not(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        for title in ("one", "two"):
            leave(tmp_path, session(title=title))
        feature = autosave(shell)
        feature.found = orphans(tmp_path)
        feature._offer()
        assert feature.bar is not None and feature.bar.isVisible() and not shell.window.welcome.isVisible()
        QTest.mouseClick(feature.bar.buttons[0]["discard"], Qt.MouseButton.LeftButton)
        (rest,) = orphans(tmp_path)
        assert len(feature.bar.buttons) == 1
        feature.bar.skipped.emit()
        assert feature.bar.isHidden() and rest.path.is_file()

    def test_one_that_another_window_took_is_told(self, shell: Shell, tmp_path: Path) -> None:
        leave(tmp_path, session())
        (other,) = orphans(tmp_path)
        feature = autosave(shell)
        feature.found = orphans(tmp_path)
        feature._offer()
        assert other.claim() and feature.bar is not None
        QTest.mouseClick(feature.bar.buttons[0]["recover"], Qt.MouseButton.LeftButton)
        assert "another window" in shell.window.messagebar.text.text()
        other.release()

    def test_one_that_cannot_be_opened_stays_on_offer(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        leave(tmp_path, session())
        feature = autosave(shell)
        feature.found = orphans(tmp_path)
        feature._offer()
        assert feature.bar is not None
        shell.engine.trouble = "x.rmap: is damaged JSON."
        for _ in range(2):
            QTest.mouseClick(feature.bar.buttons[0]["recover"], Qt.MouseButton.LeftButton)
            shell.settle(qtbot)
            assert "damaged" in shell.window.messagebar.text.text() and feature.bar.isVisible()
        (rest,) = orphans(tmp_path)
        assert rest.claim()
        rest.release()

    def test_a_side_file_opened_by_hand_is_not_the_users_file(self, shell: Shell, qtbot: QtBot) -> None:
        shell.bridge.open(str(recovery_folder() / "1-1-abc-mine.rmap"))
        shell.settle(qtbot)
        assert shell.window.files.path is None

    def test_a_recovered_session_is_modified_and_has_no_file(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        leave(tmp_path, session(title="my day"), "/home/me/day.rmap")
        shell.engine.answers["side file"] = session(title="my day")
        feature = autosave(shell)
        feature.found = orphans(tmp_path)
        feature._offer()
        assert feature.bar is not None
        QTest.mouseClick(feature.bar.buttons[0]["recover"], Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: feature.slot.written)
        files = shell.window.files
        assert (files.title, files.path, files.modified) == ("my day", None, True)
        qtbot.waitUntil(lambda: not list(tmp_path.glob("*.rmap")))  # ours holds it now
        assert not any(str(tmp_path) in path for path in files.recent)
        files.save()
        assert shell.dialogs.asked[-1] == "save" and shell.dialogs.suggestion == "/home/me/day.rmap"


def drive(what: str, path: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.gui.recovery_driver", what, str(path)],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_killed_and_recovered_the_session_is_the_same(tmp_path: Path) -> None:
    """The program is killed after three forks; started again it offers them, and every world has the same digest."""
    mine = tmp_path / "mine.rmap"
    shutil.copy(LETTER, mine)
    before = mine.read_bytes()
    ended, was = drive("work", mine)
    assert ended == -9
    ended, now = drive("recover", mine)
    assert ended == 0
    assert now["digests"] == was["digests"] and len(was["digests"]) > 1
    assert (now["position"], now["head"]) == (9, 9)
    assert now["modified"] and now["path"] is None and now["suggestion"] == str(mine)
    assert "9 operations" in now["offered"] and not now["welcome"] and not now["bar"]
    assert mine.read_bytes() == before
    assert orphans() == []
    assert threading.active_count() < 10
