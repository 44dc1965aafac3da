"""No word is cut off: every perspective at 1280x800, at the text's own size and at 200 percent."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractButton, QAbstractScrollArea, QComboBox, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.panel import ElidedLabel, HeaderButton
from rmapexplorer.gui.perspectives import PERSPECTIVES
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

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


@pytest.mark.parametrize("percent", [100, 200])
@pytest.mark.parametrize("name", PERSPECTIVES)
def test_nothing_is_cut(name: str, percent: int, window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1280, 800)
    window.use_text(percent)
    window.commands.run(f"perspective_{name.lower()}", {})
    at_rest(qtbot, window)
    qtbot.wait(120)
    assert (window.width(), window.height()) == (1280, 800), "it must fit the screen"
    assert troubles(window) == []


def test_the_check_finds_a_cut_word(qtbot: QtBot) -> None:
    label = QLabel("much too long for so little room")
    qtbot.addWidget(label)
    label.setFixedWidth(40)
    assert cut(label).startswith("needs")
