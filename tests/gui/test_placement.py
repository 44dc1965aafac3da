"""The window fits its screen, file dialogs begin where the user's files are and have our own pictures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, QStandardPaths
from PySide6.QtWidgets import QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.file_dialog import BUTTONS, dress
from rmapexplorer.gui.placement import fit, within
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.theme import load_themes
from rmapexplorer.gui.window import restore
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

ROOM = QRect(0, 30, 1280, 770)


def test_a_window_is_made_smaller_and_moved_until_it_fits() -> None:
    assert within(ROOM, QPoint(-40, 0), QSize(1440, 900)) == ROOM
    assert within(ROOM, QPoint(900, 500), QSize(800, 600)) == QRect(480, 200, 800, 600)
    assert within(ROOM, QPoint(100, 100), QSize(800, 600)) == QRect(100, 100, 800, 600), "what fits stays"


def test_it_never_opens_larger_than_the_screen(shell: Shell, qtbot: QtBot) -> None:
    window = shell.window
    room = window.screen().availableGeometry()
    window.resize(4000, 3000)
    shell.settings.geometry = window.saveGeometry()
    restore(window)
    fit(window)
    assert window.width() < room.width() and window.height() < room.height(), "the frame has its room too"
    window.move(room.right() - 20, room.bottom() - 20)
    fit(window)
    qtbot.waitUntil(lambda: room.contains(window.frameGeometry()))


def test_a_maximised_window_stays_so(shell: Shell) -> None:
    shell.window.showMaximized()
    size = shell.window.size()
    fit(shell.window)
    assert shell.window.size() == size


def test_dialogs_begin_in_the_last_folder_or_the_users_own(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    documents = tmp_path / "documents"
    monkeypatch.setattr(QStandardPaths, "writableLocation", lambda kind: str(documents))
    assert settings.folder == str(Path.home()), "not where the program was started"
    documents.mkdir()
    assert settings.folder == str(documents)
    last = tmp_path / "sessions"
    last.mkdir()
    settings.folder = str(last)
    assert settings.folder == str(last)
    last.rmdir()
    assert settings.folder == str(documents), "the folder is gone"


def test_the_file_dialog_has_our_own_pictures(qtbot: QtBot) -> None:
    dialog = QFileDialog()
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    before = {name: dialog.findChild(QToolButton, name).icon().cacheKey() for name in BUTTONS}
    dress(dialog, load_themes()["dark"])
    assert all(dialog.findChild(QToolButton, name).icon().cacheKey() != before[name] for name in BUTTONS)
