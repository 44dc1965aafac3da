"""Side files: what a dead process leaves, what is offered of it, and the way back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Fork, Spawn
from rmapexplorer.engine.journal import Journal
from rmapexplorer.formats.open import load_any
from rmapexplorer.formats.session import Session, save_session
from rmapexplorer.gui.features.autosave import Autosave
from rmapexplorer.gui.recovery import Orphan, Slot, orphans, recovery_folder
from rmapexplorer.gui.recovery_bar import RecoveryBar, sentence
from rmapexplorer.gui.theme import Themes
from rmapexplorer.resources import resource
from tests.engine.real_driver import Hand
from tests.gui.real_window import at_rest, window
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell", "window"]

LETTER = Path(str(resource("scenarios/the-letter-in-six-operations.rmap")))
DAMAGED = Path(__file__).parents[1] / "data" / "recovery"


def session(count: int = 3, title: str = "mine") -> Session:
    forks = tuple(Fork(pid=1, child=2 + i) for i in range(count - 1))
    return Session(title=title, operations=(Spawn(pid=1, comm="init"), *forks), position=count)


def leave(folder: Path, made: Session, path: str = "") -> Slot:
    """A side file as a process that was killed leaves it: nothing holds its lock."""
    slot = Slot(folder)
    journal = Journal(slot)
    hand = Hand(made.operations, made.position)
    hand.stage.title = made.title
    hand.conductor.keeper = journal
    journal.arm(1, path)
    hand.conductor.turn(0.001)
    assert journal.close(5, keep=True) and not journal.trouble
    assert slot._held is not None
    slot._held.close()
    return slot


def leave_old(folder: Path, made: Session, path: str = "", name: str = "77-1-0123abcd") -> None:
    """A side file as versions up to 0.8 left it."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.lock").touch()
    save_session(made, str(folder / f"{name}-{made.title}.rmap"))
    note = {"title": made.title, "path": path, "operations": len(made.operations), "saved": time.time() - 60,
            "session": f"{name}-{made.title}.rmap", "pid": 77, "version": "0.8"}  # fmt: skip
    (folder / f"{name}.json").write_text(json.dumps(note))


class TestFolder:
    def test_a_side_file_is_the_session(self, tmp_path: Path) -> None:
        leave(tmp_path, session(45), "/home/me/mine.rmap")
        (found,) = orphans(tmp_path)
        assert load_any(str(found.path)).operations == session(45).operations
        assert (found.about.title, found.about.path, found.about.operations) == ("mine", "/home/me/mine.rmap", 45)
        assert str(os.getpid()) in found.path.name

    def test_one_of_an_older_version_is_offered_and_opens(self, tmp_path: Path) -> None:
        leave_old(tmp_path, session(4), "/home/me/mine.rmap")
        (found,) = orphans(tmp_path)
        assert (found.about.title, found.about.path, found.about.operations) == ("mine", "/home/me/mine.rmap", 4)
        assert load_any(str(found.path)) == session(4)
        assert found.claim()
        found.discard()
        assert list(tmp_path.iterdir()) == []

    def test_one_whose_window_lives_is_not_offered(self, tmp_path: Path) -> None:
        slot = Slot(tmp_path)
        slot.hold()
        slot.path.write_bytes(b"{}")
        assert orphans(tmp_path) == [] and slot.path.exists()
        slot.drop()
        slot.close()
        assert list(tmp_path.iterdir()) == []

    def test_two_windows_never_share_one(self, tmp_path: Path) -> None:
        leave(tmp_path, session(title="one"))
        leave(tmp_path, session(title="two"))
        assert sorted(found.about.title for found in orphans(tmp_path)) == ["one", "two"]

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", '{"title": 3}', '{"session": "../../etc/passwd"}', '{"saved": NaN}', '{"saved": 1e300}',
         '{"saved": -1e18, "operations": -5}', "[" * 50_000, '{"operations": 1' + "0" * 5000 + "}"],
    )  # fmt: skip
    def test_a_damaged_note_hides_neither_its_session_nor_the_others(self, tmp_path: Path, text: str) -> None:
        leave_old(tmp_path, session(4, "damaged"))
        leave(tmp_path, session(3, "sound"))
        (tmp_path / "77-1-0123abcd.json").write_text(text)
        found = orphans(tmp_path)
        assert sorted(one.about.operations for one in found)[-1] == 3 and len(found) == 2
        for one in found:
            assert "not saved before" in sentence(one)
            assert load_any(str(one.path)).operations

    def test_a_folder_full_of_damage_offers_what_is_sound(self, tmp_path: Path) -> None:
        folder = shutil.copytree(DAMAGED, tmp_path / "recovery")
        leave(folder, session(3, "sound"))
        found = orphans(folder)
        assert "sound" in [one.about.title for one in found]
        assert all("not saved before" in sentence(one) for one in found)
        assert not (folder / "g8.json").exists(), "a note without a session is rubbish"

    def test_rubbish_of_dead_writers_is_swept(self, tmp_path: Path) -> None:
        for name in ("5-1-0000abcd.lock", "5-1-0000abcd.3.tmp", "6-1-0000abcd.json.tmp", "7-1-0000abcd.base-x.rmap",
                     "8-1-0000abcd.journal", "9-1-0000abcd.json"):  # fmt: skip
            (tmp_path / name).write_bytes(b"")
        (tmp_path / "mine.txt").write_text("not ours")
        assert orphans(tmp_path) == []
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_only_one_can_claim_it(self, tmp_path: Path) -> None:
        leave(tmp_path, session())
        (one,), (other,) = orphans(tmp_path), orphans(tmp_path)
        assert one.claim() and not other.claim()
        one.release()
        assert other.claim()
        other.discard()
        assert list(tmp_path.iterdir()) == []

    def test_what_a_journal_goes_on_from_shares_its_fate(self, tmp_path: Path) -> None:
        below, above = leave(tmp_path, session(3, "below")), leave(tmp_path, session(4, "above"))
        first, rest = above.path.read_bytes().split(b"\n", 1)
        base = {"path": str(below.path), "operations": 3, "stamp": {"inode": 1, "size": 1, "changed": 1}}
        above.path.write_bytes(
            json.dumps(json.loads(first) | {"base": base}, separators=(",", ":")).encode() + b"\n" + rest
        )
        (found,) = orphans(tmp_path)
        assert found.about.title == "above" and found.below is not None
        assert found.claim() and not found.below.claim()
        found.discard()
        assert list(tmp_path.iterdir()) == []

    def test_which_windows_have_a_file_open(self, tmp_path: Path) -> None:
        one, other = Slot(tmp_path), Slot(tmp_path)
        mine = str(tmp_path / "mine.rmap")
        for slot in (one, other):
            slot.note(mine)
        assert one.others(mine) == other.others(mine) == 1
        other.note(None)
        assert one.others(mine) == 0
        one.close()
        other.close()
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
    def test_a_change_arms_it_saving_and_another_session_clear_it(
        self, shell: Shell, qtbot: QtBot, tmp_path: Path
    ) -> None:
        journal = autosave(shell).journal
        assert journal._armed == -1
        shell.bridge.submit([Fork(pid=1, child=9)])
        assert journal._armed == shell.bridge.generation
        shell.window.files.save_to(str(tmp_path / "mine.rmap"))
        shell.settle(qtbot)
        assert journal._armed == -1
        shell.bridge.submit([Fork(pid=1, child=9)])
        shell.bridge.open("other.rmap")
        shell.settle(qtbot)
        assert journal._armed == -1

    def test_never_where_it_is_switched_off(self, shell: Shell) -> None:
        shell.settings.keep_aside = False
        shell.bridge.submit([Fork(pid=1, child=9)])
        assert autosave(shell).journal._armed == -1

    def test_a_folder_that_cannot_be_made_is_told_once(self, shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("x")
        feature = autosave(shell)
        feature.journal = Journal(Slot(tmp_path / "file"), feature.wrote.emit)
        shell.bridge.submit([Fork(pid=1, child=9)])
        hand = Hand([Spawn(pid=1, comm="init")])
        feature.journal.look(hand.stage, shell.bridge.generation)
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


class TestRecovered:
    def recover(self, window: Any, qtbot: QtBot, title: str) -> Autosave:
        feature = next(one for one in window.features if isinstance(one, Autosave))
        feature.found = orphans()
        feature._offer()
        assert feature.bar is not None and feature.bar.isVisible()
        QTest.mouseClick(feature.bar.buttons[0]["recover"], Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: window.files.title == title, timeout=10_000)
        at_rest(qtbot, window)
        return feature

    @pytest.mark.parametrize("old", [False, True])
    def test_it_is_modified_has_no_file_and_is_kept_by_us(self, window: Any, qtbot: QtBot, old: bool) -> None:
        recovery_folder().mkdir(parents=True, exist_ok=True)
        (leave_old if old else leave)(recovery_folder(), session(title="my day"), "/home/me/day.rmap")
        feature = self.recover(window, qtbot, "my day")
        files = window.files
        assert (files.path, files.modified) == (None, True)
        qtbot.waitUntil(lambda: feature.journal.written, timeout=5000)
        qtbot.waitUntil(lambda: len(list(recovery_folder().glob("*"))) == 2, timeout=5000)  # ours, and nothing else
        assert load_any(str(feature.slot.path)).operations == session().operations
        assert not any(str(recovery_folder()) in path for path in files.recent)
        files.save()
        assert files.dialogs.asked[-1] == "save" and files.dialogs.suggestion == "/home/me/day.rmap"

    def test_saved_nothing_is_left_of_it(self, window: Any, qtbot: QtBot, tmp_path: Path) -> None:
        leave(recovery_folder(), session(title="my day"))
        self.recover(window, qtbot, "my day")
        window.files.save_to(str(tmp_path / "day.rmap"))
        qtbot.waitUntil(lambda: not window.files.modified, timeout=5000)
        qtbot.waitUntil(lambda: len(list(recovery_folder().glob("*"))) == 1, timeout=5000)  # our lock

    def test_two_windows_on_one_file_are_told(self, window: Any, qtbot: QtBot, tmp_path: Path) -> None:
        mine = tmp_path / "mine.rmap"
        shutil.copy(LETTER, mine)
        other = Slot()
        other.note(str(mine))
        window.files.open(str(mine))
        qtbot.waitUntil(lambda: window.messagebar.notice is not None, timeout=5000)
        assert "Another window has mine.rmap open too" in window.messagebar.text.text()
        at_rest(qtbot, window)
        other.close()


def drive(what: str, path: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.gui.recovery_driver", what, str(path)],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("end", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_ended_by_a_signal_and_recovered_the_session_is_the_same(tmp_path: Path, end: str) -> None:
    """The program is ended after three forks; started again it offers them, and every world has the same digest."""
    mine = tmp_path / "mine.rmap"
    shutil.copy(LETTER, mine)
    before = mine.read_bytes()
    ended, was = drive(f"work {end}", mine)
    number = getattr(signal, end)
    assert ended == (-number if end == "SIGKILL" else 128 + number)
    ended, now = drive("recover", mine)
    assert ended == 0
    assert now["digests"] == was["digests"] and len(was["digests"]) > 1
    assert (now["position"], now["head"]) == (9, 9)
    assert now["modified"] and now["path"] is None and now["suggestion"] == str(mine)
    assert "9 operations" in now["offered"] and not now["welcome"] and not now["bar"]
    assert mine.read_bytes() == before
    assert orphans() == [] and list(recovery_folder().iterdir()) == []
    assert threading.active_count() < 10
