"""The installed PySide6 is one that we trust: within our pin, and it does not use up None.

PySide6 6.12.0 drops one reference to None in every call that returns nothing; before Python 3.12 (where None became
immortal) that ends the process after seconds of drawing. The pin is in pyproject.toml.
"""

from __future__ import annotations

import gc
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

REPAINTS = 300
EMITS = 3000
SLACK = 100
"""References that other code may drop meanwhile; the fault costs several thousand here."""

mortal_none = pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal since Python 3.12")


class Painting(QWidget):
    """Draws a few things in every repaint."""

    repaints = 0

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for line in range(5):
            painter.setPen(QColor(line * 40, 80, 120))
            painter.drawRect(QRect(line, line, 20, 20))
            painter.drawLine(0, line, 50, line)
        painter.end()
        self.repaints += 1


class Source(QObject):
    """Emits a signal and listens to it."""

    happened = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.happened.connect(self._count)

    def _count(self, number: int) -> None:
        self.count += 1


def _none_references() -> int:
    gc.collect()
    return sys.getrefcount(None)


@mortal_none
def test_repaints_do_not_use_up_none(qtbot: QtBot) -> None:
    widget = Painting()
    qtbot.addWidget(widget)
    widget.resize(60, 60)
    with qtbot.waitExposed(widget):
        widget.show()
    before = _none_references()
    for _ in range(REPAINTS):
        widget.repaint()
    assert widget.repaints >= REPAINTS
    assert _none_references() > before - SLACK


@mortal_none
def test_signals_do_not_use_up_none() -> None:
    source = Source()
    before = _none_references()
    for number in range(EMITS):
        source.happened.emit(number)
    assert source.count == EMITS
    assert _none_references() > before - SLACK


def test_installed_qt_satisfies_the_pin() -> None:
    text = (Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    every = [Requirement(words) for words in tomllib.loads(text)["project"]["dependencies"]]
    wanted = {r.name: r for r in every if r.marker is None or r.marker.evaluate()}
    for name in ("PySide6-Essentials", "pyqtgraph"):
        assert wanted[name].specifier.contains(version(name)), f"{name} {version(name)}: wanted {wanted[name]}"
    old = [
        r
        for r in every
        if r.name == "PySide6-Essentials" and r.marker and r.marker.evaluate({"python_version": "3.11"})
    ]
    assert len(old) == 1 and not old[0].specifier.contains("6.12.0"), "it ends Python 3.11"
