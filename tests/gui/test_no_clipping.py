"""No word is cut off and no panel covers another: every perspective at several sizes of the window and its text."""

from __future__ import annotations

import itertools
import math

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QComboBox, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.panel import ElidedLabel, HeaderButton
from rmapexplorer.gui.perspectives import PERSPECTIVES
from rmapexplorer.gui.shares import aside
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import calm, settings, window

__all__ = ["settings", "window"]

SLACK = 2
"""Pixels that rounding may cost."""


def in_scroll_area(widget: QWidget) -> bool:
    """Whether scrolling can bring it into sight."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QAbstractScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def cut(widget: QWidget) -> str:
    """Why its words cannot be read in full, empty where they can (elided words have a tip)."""
    if isinstance(widget, ElidedLabel):
        short = widget.height() < QFontMetrics(widget.font()).height() - SLACK
        return "too low" if short and widget.text() else ""
    if isinstance(widget, QLabel):
        if widget.wordWrap() or not widget.text() or "<" in widget.text():
            low = widget.hasHeightForWidth() and widget.height() + SLACK < widget.heightForWidth(widget.width())
            return "too low" if low and not in_scroll_area(widget) else ""
        needed = widget.fontMetrics().horizontalAdvance(widget.text())
        return "" if needed <= widget.contentsRect().width() + SLACK else f"needs {needed}, has {widget.width()}"
    if isinstance(widget, HeaderButton):
        return "" if widget.width() + SLACK >= widget.sizeHint().width() - 12 else "header button too narrow"
    bare = isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonIconOnly
    if bare and not widget.icon().isNull():
        return ""
    if isinstance(widget, QAbstractButton) and widget.text():
        needed = widget.fontMetrics().horizontalAdvance(widget.text().replace("&", ""))
        return "" if needed <= widget.width() + SLACK else f"needs {needed}, has {widget.width()}"
    if isinstance(widget, QComboBox):
        needed = widget.fontMetrics().horizontalAdvance(widget.currentText())
        return "" if needed <= widget.width() + SLACK else f"needs {needed}, has {widget.width()}"
    return ""


def outside(widget: QWidget) -> str:
    """Whether part of it lies outside of its parent or the window, where it cannot be scrolled to."""
    parent = widget.parentWidget()
    if parent is None or widget.isWindow() or in_scroll_area(widget):
        return ""
    box, room = widget.geometry(), QRect(0, 0, parent.width(), parent.height())
    over = room.adjusted(-SLACK, -SLACK, SLACK, SLACK)
    return "" if over.contains(box) else f"{box.getRect()} in {room.getRect()}"


def troubles(window: MainWindow) -> list[str]:
    """Every visible word that is cut."""
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.visibleRegion().isEmpty():
            continue
        why = cut(widget)
        if not why and isinstance(widget, (QLabel, QAbstractButton)) and getattr(widget, "text", lambda: "")():
            why = outside(widget)
        if why:
            text = widget.text() if hasattr(widget, "text") else ""
            found.append(f"{type(widget).__name__} {widget.objectName()} {text!r}: {why}")
    return found


SAMPLE = (((1024, 700), 100), ((1024, 700), 200), ((1280, 800), 200), ((1920, 1080), 100))
"""Sizes of the window with the percent of its text."""


@pytest.mark.parametrize(("size", "percent"), SAMPLE)
def test_nothing_is_cut(size: tuple[int, int], percent: int, window: MainWindow, qtbot: QtBot) -> None:
    window.resize(*size)
    window.use_text(percent)
    for name in PERSPECTIVES:
        window.commands.run(f"perspective_{name.lower()}", {})
        calm(qtbot, window)
        assert (window.width(), window.height()) == size, f"{name} must fit the screen"
        assert troubles(window) == [], name
        assert overlaps(window) == [], name


def test_all_text_takes_another_size(window: MainWindow, qtbot: QtBot) -> None:
    window.use_text(200)
    calm(qtbot, window)
    limit = 0.6 * window.font().pointSizeF()
    small = [w for w in window.findChildren(QWidget) if w.isVisible() and w.font().pointSizeF() < limit]
    assert [f"{type(w).__name__} {w.font().pointSizeF():g} pt" for w in small] == []


def overlaps(window: MainWindow) -> list[str]:
    """Pairs of panels in sight that cover each other, and panels beyond the window's edges."""
    shown = [dock for dock in window.docks.docks.values() if not aside(dock)]
    pairs = [f"{a.windowTitle()} and {b.windowTitle()}" for a in shown for b in shown
             if a is not b and a.geometry().intersects(b.geometry())]  # fmt: skip
    return pairs + [dock.windowTitle() for dock in shown if not window.rect().contains(dock.geometry())]


@pytest.mark.parametrize("percent", [100, 200])
def test_the_memory_map_has_three_rows(percent: int, window: MainWindow, qtbot: QtBot) -> None:
    window.use_text(percent)
    for size, name in itertools.product([(1024, 700), (1280, 800)], ["Explore", "Teach"]):
        window.resize(*size)
        window.commands.run(f"perspective_{name.lower()}", {})
        calm(qtbot, window)
        canvas = window.views["memory_map"].canvas
        assert not canvas.visibleRegion().isEmpty(), f"{name}: the map is not in front"
        line = math.ceil(canvas.scene.fonts.row_metrics.height())
        rows = (canvas.viewport().height() - canvas.scene.top) / (line + 9)  # rows of many processes are that high
        assert rows >= 3, f"{name} at {size}: {rows:.1f} rows"
        assert (window.width(), window.height()) == size
        if name == "Explore":
            window.docks.docks["overhead"].raise_()
            calm(qtbot, window)
            assert window.docks.docks["overhead"].height() >= 5 * window.fontMetrics().lineSpacing()


def test_panels_stack_again_when_the_text_is_small(window: MainWindow, qtbot: QtBot) -> None:
    window.docks.reset()
    calm(qtbot, window)
    before = {name: dock.geometry() for name, dock in window.docks.docks.items() if not aside(dock)}
    window.docks.docks["sizes"].close()
    window.use_text(200)
    calm(qtbot, window)
    docks = window.docks.docks
    assert docks["overhead"] in window.tabifiedDockWidgets(docks["structures"])
    window.use_text(100)
    calm(qtbot, window)
    assert {name: dock.geometry() for name, dock in docks.items() if not aside(dock)} == before
    assert docks["sizes"].isHidden(), "what was hidden stays so"


def test_the_check_finds_a_cut_word(qtbot: QtBot) -> None:
    label = QLabel("much too long for so little room")
    qtbot.addWidget(label)
    label.setFixedWidth(40)
    assert cut(label).startswith("needs")
