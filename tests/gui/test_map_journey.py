"""A journey with the real engine: a vma is dragged with real mouse events, the verdict comes true, Esc cancels."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Mremap
from rmapexplorer.core.units import Span
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import settings, window

__all__ = ["settings", "window"]

Left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def point(canvas: Any, pid: int, vpn: float) -> QPoint:
    """The middle of page number ``vpn`` in the strip of a process."""
    s = canvas.scene
    task = s.frame.tasks.pid.tolist().index(pid)
    x = s.gutter + float(s.window.x(s.axis.unit(vpn + 0.5)))
    return QPointF(x, s.y(int(s.rows.of_task[task])) + s.box_height / 2).toPoint()


def drag(canvas: Any, a: QPoint, b: QPoint) -> None:
    """Press at ``a`` and move to ``b`` in steps; the button stays down."""
    view = canvas.viewport()
    QTest.mousePress(view, Left, none, a)
    for part in range(1, 6):
        at = QPointF(a + (b - a) * part / 5)
        where = QPointF(view.mapToGlobal(at.toPoint()))
        QApplication.sendEvent(view, QMouseEvent(QEvent.Type.MouseMove, at, where, Qt.MouseButton.NoButton, Left, none))


def test_dragging_a_vma_is_an_mremap_that_does_what_was_said(window: MainWindow, qtbot: QtBot) -> None:
    canvas = window.views["memory_map"].canvas
    submitted: list[Any] = []
    submit = window.bridge.submit
    window.bridge.submit = lambda ops, title="": (submitted.extend(ops), submit(ops, title))[1]  # type: ignore[method-assign]

    drag(canvas, point(canvas, 2, 0xA12), point(canvas, 2, 0xA26))
    qtbot.waitUntil(lambda: canvas.scene.live.fresh)
    assert canvas.bubble.isVisible() and canvas.scene.live.drag.to == 0xA24
    focus = QApplication.focusWidget()
    assert focus is canvas, "the press gave it the keyboard"
    QTest.keyClick(focus, Qt.Key.Key_Escape)
    QTest.mouseRelease(canvas.viewport(), Left, none, point(canvas, 2, 0xA26))
    assert submitted == [] and not canvas.bubble.isVisible() and window.position == 5

    drag(canvas, point(canvas, 2, 0xA12), point(canvas, 2, 0xA26))
    qtbot.waitUntil(lambda: canvas.scene.live.fresh)
    live = canvas.scene.live
    assert (live.text, live.tone) == ("moves 8 pages to page a24 – cannot merge left: pgoff is not linear", "warn")
    QTest.mouseRelease(canvas.viewport(), Left, none, QPoint(round(live.x), round(live.y)))
    assert submitted == [Mremap(pid=2, span=Span(0xA10, 0xA18), new_pages=8, to=0xA24)]
    qtbot.waitUntil(lambda: window.frame is not None and "a24-a2c" in window.frame.op_text)
    frame = window.frame
    assert frame is not None
    outcome = next(design.outcome for design in frame.designs if design.key == frame.view)
    assert outcome is not None and outcome.ok and [why.rule for why in outcome.refusals] == ["pgoff"]
    cut = slice(int(frame.vmas.first[1]), int(frame.vmas.first[2]))
    spans = list(zip(frame.vmas.start[cut].tolist(), frame.vmas.end[cut].tolist(), strict=True))
    assert spans == [(0xA1C, 0xA20), (0xA20, 0xA24), (0xA24, 0xA2C)]
    assert int(frame.vmas.shared_pages[cut][0]) > 0, "pages the parent maps too"
