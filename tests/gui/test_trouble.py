"""Errors at three levels: refused calls lead to what refused, jobs can be tried again, faults become one file."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Fork, Operation, Spawn
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Notice
from rmapexplorer.formats.session import Session, load_session
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.trouble import FAULT, SAYS, Trouble, report_session, system_info
from rmapexplorer.gui.window import MainWindow
from tests.gui.shell import FakeDialogs, Shell, plain_views, settings, shell

__all__ = ["settings", "shell"]

REFUSED = Notice(
    level="refused", text="the span is not mapped.", errno="ENOMEM", field="span", culprit="page c48 of worker 2",
    spot=(1, 0xA12),
)  # fmt: skip
SESSION = Session(title="mine", operations=(Spawn(pid=1, comm="init"),), position=1)


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


def test_the_bar_shows_what_refused(shell: Shell) -> None:
    shell.window.show_notice(REFUSED)
    bar = shell.window.messagebar
    assert "ENOMEM" in bar.text.text() and "page c48 of worker 2" in bar.show_button.toolTip()
    click(bar.show_button)
    assert (shell.window.selection.pid, shell.window.selection.vpn) == (1, 0xA12)


def test_the_form_shows_what_refused(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.refusal = REFUSED
    shell.window.commands.run("munmap", {"span": (0xC48, 0xC4C), "pid": 2})
    form = shell.window.commands.form
    assert form is not None
    assert form.show_button.isHidden()
    form.refused(REFUSED)
    assert form.show_button.isVisible() and "page c48" in form.show_button.text()
    assert form.rect().contains(form.show_button.geometry())
    click(form.show_button)
    assert shell.window.selection.vpn == 0xA12
    form.clear_marks()
    assert form.show_button.isHidden()


def test_only_what_helps_is_offered(shell: Shell) -> None:
    bar = shell.window.messagebar
    shell.window.show_notice(Notice(level="info", text="Saved."))
    assert bar.show_button.isHidden() and bar.retry_button.isHidden() and bar.report_button.isHidden()


def test_opening_can_be_tried_again(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "late.rmap"
    path.write_text("{}")
    shell.window.show_notice(Notice(level="error", text="cannot be read", retry=("open", str(path))))
    click(shell.window.messagebar.retry_button)
    assert shell.engine.named("open")[-1] == ("open", str(path))
    assert shell.window.messagebar.isHidden()


def test_saving_can_be_tried_again(shell: Shell) -> None:
    shell.window.show_notice(Notice(level="error", text="cannot be written", retry=("save", "/x/y.rmap")))
    click(shell.window.messagebar.retry_button)
    assert shell.engine.named("save") == [("save", "/x/y.rmap")]


def test_a_fault_is_saved_as_one_file_that_opens(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    shell.engine.answers["report"] = SESSION
    shell.dialogs.path = str(tmp_path / "report.rmap")
    bar = shell.window.messagebar
    shell.window.show_notice(Notice(level="internal", text=SAYS, details="Traceback\n  boom"))
    click(bar.report_button)
    qtbot.waitUntil(lambda: bar.notice is not None and bar.notice.level == "info")
    assert [path.name for path in tmp_path.iterdir() if path.is_file() and "settings" not in path.name] == [
        "report.rmap"
    ]
    saved = load_session(shell.dialogs.path)
    assert saved.operations == SESSION.operations and saved.title == "report of mine"
    assert saved.report[0].startswith(FAULT) and "  boom" in saved.report
    assert any(line.startswith("PySide6") for line in saved.report)


def test_a_report_that_cannot_be_written_is_told(shell: Shell, qtbot: QtBot, tmp_path: Path) -> None:
    shell.engine.answers["report"] = SESSION
    shell.dialogs.path = str(tmp_path / "nowhere" / "report.rmap")
    shell.window.commands.run("save_report", {})
    qtbot.waitUntil(lambda: shell.window.messagebar.notice is not None)
    assert "cannot be written" in shell.window.messagebar.text.text()


def test_a_report_holds_whatever_a_traceback_holds() -> None:
    nasty = "x" * 100_000 + "\nnul \0 half \ud800 <script>"
    made = report_session(None, nasty)
    assert made.operations == () and max(map(len, made.report)) <= 2000
    assert not any("\0" in line for line in made.report)


def test_other_threads_are_heard(shell: Shell, qtbot: QtBot) -> None:
    trouble = Trouble()
    trouble.notice.connect(shell.window.show_notice)
    trouble.install()
    try:
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
    finally:
        trouble.uninstall()
    qtbot.waitUntil(lambda: shell.window.messagebar.notice is not None)
    assert "ZeroDivisionError" in shell.window.messagebar.details.toPlainText()


def test_system_info_is_copied(shell: Shell) -> None:
    shell.window.commands.run("copy_system_info", {})
    assert QGuiApplication.clipboard().text() == system_info()
    assert "PySide6" in system_info() and str(Path.home()) not in system_info()


def test_a_broken_invariant_stops_at_the_last_good_position(
    settings: Settings, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real engine: the bar is red, the log ends before the operation at fault, and the report opens again."""
    honest = World.apply

    def apply(world: World, op: Operation) -> Outcome:
        if isinstance(op, Fork) and op.child == 13:
            raise Corruption("planted")
        return honest(world, op)

    monkeypatch.setattr(World, "apply", apply)
    dialogs = FakeDialogs()
    dialogs.path, dialogs.answer = str(tmp_path / "report.rmap"), "discard"
    window = MainWindow(Bridge(Engine(), DESIGNS), settings, Themes("dark"), dialogs, plain_views)
    window.bridge.start()
    window.show()
    window.bridge.new_blank()
    qtbot.waitUntil(lambda: window.position == 1)
    window.submit([Fork(pid=1, child=child, comm="") for child in (12, 13, 14)])
    bar = window.messagebar
    qtbot.waitUntil(lambda: bar.notice is not None and bar.notice.level == "internal")
    assert "planted" in bar.details.toPlainText() and bar.property("level") == "internal"
    qtbot.waitUntil(lambda: window.frame is not None and not window.frame.busy and window.position == 2)
    click(bar.report_button)
    qtbot.waitUntil(lambda: bar.notice is not None and bar.notice.level == "info")
    saved = load_session(dialogs.path)
    assert [op.name for op in saved.operations] == ["spawn", "fork"]
    assert any("planted" in line for line in saved.report)
    window.close()
    qtbot.waitUntil(lambda: not window.isVisible())
    window.deleteLater()
