"""The script panel on the real engine, without the window around it: for tests that type, run and look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import attrs
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Frame, Notice
from rmapexplorer.formats.script_session import load_script
from rmapexplorer.formats.session import save_session
from rmapexplorer.gui import script
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.features.scripting import Scripting
from rmapexplorer.gui.script import ScriptView
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.gui.shell import FakeDialogs

START = """\
spawn 1 "server"
mmap 1 a10-a20 rw private
touch 1 a10-a20 w
fork 1 -> 2 "worker"
"""
LINES = START.splitlines()


class Rig(QObject):
    """What the feature needs of a window, and short names for what a user does in the panel."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        super().__init__()
        self.qtbot, self.folder = qtbot, folder
        self.engine = Engine()
        self.bridge = Bridge(self.engine, tuple(DESIGNS))
        self.themes, self.selection = Themes("dark"), Selection()
        self.view = ScriptView(self.selection, self.themes)
        self.views = {"script": self.view}
        self.frame: Frame | None = None
        self.notices: list[Notice] = []
        self.player = SimpleNamespace(pause=lambda: None)
        self.docks = SimpleNamespace(docks={"script": SimpleNamespace(show=list, raise_=list)})
        self.settings = SimpleNamespace(folder=str(folder))
        self.files = SimpleNamespace(title="mine", dialogs=FakeDialogs())
        self.feature = Scripting(self)  # type: ignore[arg-type]
        self.feature.built()
        self.bridge.frame.connect(self._framed)
        for told in (self.bridge.path, self.bridge.progress, self.bridge.notice, self.bridge.opened):
            told.connect(self.feature.told)
        self.bridge.notice.connect(self.notices.append)
        self.bridge.start()
        self.view.resize(360, 420)
        self.view.show()

    @property
    def position(self) -> int:
        """As the window says it."""
        return self.frame.position if self.frame is not None else 0

    @property
    def head(self) -> int:
        """Operations of the branch."""
        return self.frame.head if self.frame is not None else 0

    def show_notice(self, notice: Notice) -> None:
        """As the window shows it."""
        self.notices.append(notice)

    def _framed(self, frame: Frame) -> None:
        self.frame = frame
        self.view.set_frame(frame)

    def open(self, text: str, plain: bool = True) -> None:
        """A session of this script; ``plain``: without the script it came from."""
        path = self.folder / ("one.rmap" if plain else "one.rmaps")
        if plain:
            session = load_script(text.encode(), "one.rmaps")
            save_session(attrs.evolve(session, script=""), str(path))
        else:
            path.write_text(text, encoding="utf-8")
        self.frame = None
        self.bridge.open(str(path))
        self.qtbot.waitUntil(lambda: self.frame is not None, timeout=5000)
        self.settle()

    def settle(self) -> None:
        """Until engine and panel have nothing more to do."""
        view = self.view

        def calm() -> bool:
            frame, follower = self.frame, view.follower
            at_rest = frame is not None and not frame.busy and not follower.running and not view.checker.busy
            return at_rest and (follower.state.edited or not follower.busy) and not self.bridge._replies

        for _ in range(2):
            self.qtbot.waitUntil(calm, timeout=8000)
            assert self.engine.wait_idle(8.0)
            self.bridge.drain()
            self.qtbot.wait(5)
        self.qtbot.waitUntil(calm, timeout=8000)

    @property
    def text(self) -> str:
        """The text of the panel."""
        return self.view.editor.toPlainText()

    def put(self, text: str) -> None:
        """Replace all of the text, as a user would by pasting."""
        cursor = QTextCursor(self.view.editor.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.settle()

    def add(self, line: str) -> None:
        """Type another line below the last one."""
        editor = self.view.editor
        editor.moveCursor(QTextCursor.MoveOperation.End)
        QTest.keyClick(editor, Qt.Key.Key_Return)
        QTest.keyClicks(editor, line)
        editor.completer.hide()
        self.settle()

    def run(self) -> None:
        """Run the script to its end."""
        self.view.run()
        self.settle()

    def remake(self) -> None:
        """Another view in the place of this one, as a change of the text size makes."""
        old, self.view = self.view, ScriptView(self.selection, self.themes)
        self.views["script"] = self.view
        self.view.inherit(old)
        old.deleteLater()
        self.view.resize(360, 420)
        self.view.show()
        if self.frame is not None:
            self.view.set_frame(self.frame)
        self.feature.view_made("script")

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        assert self.frame is not None
        return self.frame.branches

    def other_branch(self) -> str:
        """The name of one that is not shown."""
        assert self.frame is not None
        return next(name for name in self.branches if name != self.frame.branch)

    def end(self) -> None:
        """Stop the engine."""
        self.bridge.stop()
        self.view.close()
        self.view.deleteLater()


@pytest.fixture
def rig(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """The panel, nothing open. It reads a text as soon as the last key was pressed."""
    monkeypatch.setattr(script, "TYPING_MS", 5)
    made = Rig(qtbot, tmp_path)
    yield made
    made.end()
