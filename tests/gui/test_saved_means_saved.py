"""Save in the real window on the real engine: what it calls saved is in the file, whatever was under way."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from PySide6.QtWidgets import QMessageBox
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Mmap, Spawn
from rmapexplorer.core.units import Span
from rmapexplorer.formats.session import load_session, save_session
from rmapexplorer.gui.files import QtDialogs
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window
from tests.gui.shell import FakeDialogs

__all__ = ["settings", "window"]


def maps(count: int) -> list[Mmap]:
    return [Mmap(pid=1, span=Span(0x10000 + 4 * n, 0x10002 + 4 * n)) for n in range(count)]


@pytest.mark.parametrize("count", [1, 300])
def test_saved_right_behind_what_was_submitted(qtbot: QtBot, window: MainWindow, tmp_path: Path, count: int) -> None:
    files, path = window.files, tmp_path / "mine.rmap"
    files.path = str(path)
    window.submit(list(maps(count)))
    files.save()
    assert files.modified
    qtbot.waitUntil(lambda: not files.saving, timeout=20_000)
    assert not files.modified and len(load_session(str(path)).operations) == 6 + count
    at_rest(qtbot, window)


def test_changed_again_before_it_is_written_it_stays_modified(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    files, path = window.files, tmp_path / "mine.rmap"
    files.path = str(path)
    window.submit(list(maps(100)))
    files.save()
    window.submit([maps(101)[-1]])
    qtbot.waitUntil(lambda: not files.saving, timeout=20_000)
    assert files.modified and len(load_session(str(path)).operations) == 106
    files.save()
    qtbot.waitUntil(lambda: not files.saving, timeout=20_000)
    assert not files.modified and len(load_session(str(path)).operations) == 107
    at_rest(qtbot, window)


def test_saved_on_leaving_and_then_left(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    files, path = window.files, tmp_path / "mine.rmap"
    files.path = str(path)
    assert isinstance(files.dialogs, FakeDialogs)
    files.dialogs.answer = "save"
    window.submit(list(maps(200)))
    assert not window.close()
    qtbot.waitUntil(lambda: not window.isVisible(), timeout=20_000)
    assert len(load_session(str(path)).operations) == 206


def test_a_save_that_is_stopped_leaves_the_mark(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    files, path = window.files, tmp_path / "mine.rmap"
    files.path = str(path)
    job = window.bridge.submit(list(maps(2000)))
    files.save()
    window.bridge.cancel(job + 1)
    window.bridge.cancel(job)
    qtbot.waitUntil(lambda: not files.saving, timeout=20_000)
    assert files.modified and not path.exists() and not list(tmp_path.glob(".*"))
    at_rest(qtbot, window)


class TestSomebodyElseWroteIt:
    @pytest.fixture
    def mine(self, qtbot: QtBot, window: MainWindow, tmp_path: Path) -> Path:
        """Saved here, then written by somebody else, then changed here."""
        path = tmp_path / "mine.rmap"
        window.files.save_to(str(path))
        qtbot.waitUntil(lambda: not window.files.saving, timeout=20_000)
        other = evolve(
            load_session(str(path)),
            operations=(Spawn(pid=9, comm="other"),),
            position=1,
            branches={},
            selection=None,
            notes=(),
        )
        save_session(other, str(path))
        window.submit(list(maps(2)))
        return path

    def save(self, qtbot: QtBot, window: MainWindow, answer: str) -> None:
        dialogs = window.files.dialogs
        assert isinstance(dialogs, FakeDialogs)
        dialogs.answer = answer
        window.files.save()
        qtbot.waitUntil(lambda: "changed" in dialogs.asked and not window.files.saving, timeout=20_000)
        at_rest(qtbot, window)

    def test_cancel_writes_nothing(self, qtbot: QtBot, window: MainWindow, mine: Path) -> None:
        self.save(qtbot, window, "stay")
        assert window.files.modified and len(load_session(str(mine)).operations) == 1
        assert not [path for path in mine.parent.iterdir() if path.name.startswith(".mine")]

    def test_overwrite_writes_ours_and_asks_no_more(self, qtbot: QtBot, window: MainWindow, mine: Path) -> None:
        self.save(qtbot, window, "overwrite")
        assert not window.files.modified and len(load_session(str(mine)).operations) == 8
        window.files.save()
        qtbot.waitUntil(lambda: not window.files.saving, timeout=20_000)
        assert window.files.dialogs.asked.count("changed") == 1  # type: ignore[attr-defined]

    def test_elsewhere_keeps_both(self, qtbot: QtBot, window: MainWindow, mine: Path) -> None:
        window.files.dialogs.path = str(mine.with_name("ours.rmap"))  # type: ignore[attr-defined]
        self.save(qtbot, window, "elsewhere")
        assert not window.files.modified and len(load_session(str(mine)).operations) == 1
        assert len(load_session(str(mine.with_name("ours.rmap"))).operations) == 8

    def test_reload_shows_theirs(self, qtbot: QtBot, window: MainWindow, mine: Path) -> None:
        self.save(qtbot, window, "reload")
        qtbot.waitUntil(lambda: window.head == 1, timeout=20_000)
        assert not window.files.modified and len(load_session(str(mine)).operations) == 1
        at_rest(qtbot, window)

    def test_a_file_that_is_gone_is_written_again(self, qtbot: QtBot, window: MainWindow, mine: Path) -> None:
        mine.unlink()
        window.files.save()
        qtbot.waitUntil(lambda: not window.files.modified, timeout=20_000)
        assert len(load_session(str(mine)).operations) == 8


def test_the_question_about_a_changed_file_says_what_is_lost(qtbot: QtBot, window: MainWindow) -> None:
    answers: list[str] = []
    QtDialogs(window).ask_changed("<b>mine</b>.rmap", answers.append)
    (box,) = window.findChildren(QMessageBox)
    assert "<b>mine</b>.rmap was written by another" in box.text() and "loses" in box.informativeText()
    next(button for button in box.buttons() if "Overwrite" in button.text()).click()
    qtbot.waitUntil(lambda: answers == ["overwrite"], timeout=2000)
