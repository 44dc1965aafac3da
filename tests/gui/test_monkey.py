"""Two hundred things in no order, in the real window on the real engine: no error, and every world is what its log makes of it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui.actions import ACTIONS
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]

STEPS = 200
ELSEWHERE = ("quit", "claims", "gallery", "pressure", "text_larger", "text_smaller", "text_normal", "presentation")
"""Actions that start processes or take a second each: they have tests of their own."""
KEYS = (
    Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Tab,
    Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_F, Qt.Key.Key_2,
)  # fmt: skip


class Replayed:
    """The question: the designs whose world is not what their operations make of a new one."""

    key = "replayed"

    def answer(self, stage: Any) -> list[str]:
        """Keys of those designs."""
        wrong = []
        for lane in stage.lanes:
            world = lane.kind.make()
            for node in stage.line.path[: stage.line.cursor]:
                world.apply(stage.line.operations[node])
            if world.digest() != lane.world.digest():
                wrong.append(lane.kind.key)
        return wrong


class Monkey:
    """Does one thing at a time, and writes down what."""

    def __init__(self, window: MainWindow, seed: int) -> None:
        self.window, self.random = window, random.Random(seed)
        self.done: list[str] = []
        self._closing = QTimer(window)
        self._closing.timeout.connect(self.close)
        self._closing.start(40)  # a button's menu keeps the click that opened it waiting

    def close(self) -> None:
        """Whatever is in front of the window."""
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if popup is not None:
            popup.close()

    def step(self) -> None:
        """Something."""
        kinds = [self.act] * 4 + [self.operate] * 3 + [self.click] * 3 + [self.press] * 2 + [self.move] * 4 + [self.run]
        self.random.choice(kinds)()

    def act(self) -> None:
        """An action of a menu, where it may be used."""
        action = self.random.choice([a for a in ACTIONS if a.menu and a.id not in ELSEWHERE])
        if self.window.actions_[action.id].isEnabled():
            self.done.append(action.id)
            self.window.actions_[action.id].trigger()

    def operate(self) -> None:
        """An operation with what is selected, at once."""
        action = self.random.choice([a for a in ACTIONS if a.form])
        if self.window.actions_[action.id].isEnabled():
            self.done.append(f"{action.id} now")
            self.window.commands.run(action.id, {"now": True})

    def click(self) -> None:
        """Into a panel."""
        views = [view for view in self.window.views.values() if view.isVisible()]
        place = self.random.choice(views)
        inside = [part for part in place.findChildren(QWidget) if part.isVisible() and part.width() > 2 < part.height()]
        part = self.random.choice(inside or [place])
        self.done.append(f"click {place.objectName()} {type(part).__name__}")
        at = QPoint(self.random.randrange(part.width()), self.random.randrange(part.height()))
        QTest.mouseClick(part, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)

    def press(self) -> None:
        """A key, to what has the keyboard."""
        part, key = QApplication.focusWidget(), self.random.choice(KEYS)
        if part is not None and isValid(part):
            self.done.append(f"key {key.name}")
            QTest.keyClick(part, key)

    def move(self) -> None:
        """In time, to another branch, design or page."""
        window, frame = self.window, self.window.frame
        if frame is None:
            return
        what = self.random.choice(["seek", "seek", "view", "branch", "select", "undo"])
        self.done.append(what)
        if what == "seek":
            window.bridge.seek(self.random.randrange(frame.head + 1))
        elif what == "view":
            window.bridge.view(self.random.choice(frame.designs).key)
        elif what == "branch":
            window.bridge.branch(self.random.choice(frame.branches))
        elif what == "select":
            window.selection.select(self.random.choice((1, 2)), self.random.choice((-1, 0xA10, 0xA22, 0xC42)))
        else:
            window.bridge.undo()

    def run(self) -> None:
        """Other designs."""
        self.done.append("designs")
        self.window.bridge.set_designs([(one.key, {}) for one in self.random.sample(list(DESIGNS), 3)])


@pytest.mark.qt_log_ignore("This plugin does not support grabbing", extend=True)
def test_nothing_a_monkey_does_breaks_anything(qtbot: QtBot, window: MainWindow) -> None:
    faults: list[Notice] = []
    window.bridge.notice.connect(lambda notice: faults.append(notice) if notice.level == "internal" else None)
    monkey = Monkey(window, 7)
    for _ in range(STEPS):
        monkey.step()
        qtbot.wait(monkey.random.choice((0, 0, 10)))
        assert not faults, (faults[0].details, monkey.done[-5:])
    window.bridge.cancel(window.statusbar.job)
    window.player.pause()
    at_rest(qtbot, window)
    wrong: list[list[str]] = []
    window.bridge.ask(Replayed(), wrong.append)
    qtbot.waitUntil(lambda: bool(wrong), timeout=20_000)
    assert wrong == [[]], monkey.done
