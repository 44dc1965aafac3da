"""The bubble next to a drag in the memory map: what is dragged where, the verdict on it, and the keys.

It floats over the whole window, so that it covers neither the row nor the place where the vma is to go.
"""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from rmapexplorer.gui.memory_drag import Live
from rmapexplorer.gui.memory_paint_live import tone_of
from rmapexplorer.gui.memory_scene import Scene

WIDEST = 360.0
"""Longer verdicts go on in the next line; in device-independent pixels."""
_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft)


class Bubble(QWidget):
    """Takes no input; is a child of the window while it shows."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._scene: Scene | None = None
        self._live: Live | None = None
        self.setObjectName("map_bubble")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def tell(self, scene: Scene, live: Live, row: tuple[float, float]) -> None:
        """Show ``live`` above or below the row that lies between these two heights of the owner."""
        self._scene, self._live = scene, live
        window = self._owner.window()
        if self.parentWidget() is not window:
            self.setParent(window)
        body, mono = QFontMetricsF(scene.fonts.row), scene.fonts.mono_metrics
        words = body.boundingRect(QRectF(0, 0, min(WIDEST, window.width() - 40), 400), _WRAP, self._text())
        small = QFontMetricsF(scene.fonts.small)
        width = max(words.width(), mono.horizontalAdvance(live.drag.title), small.horizontalAdvance(live.keys)) + 28
        height = mono.height() + words.height() + small.height() + 22
        at = self._owner.mapTo(window, QPoint(round(live.x) + 10, round(row[1]) + 6))
        above = self._owner.mapTo(window, QPoint(0, round(row[0] - height) - 6)).y()
        y = at.y() if at.y() + height <= window.height() - 4 or above < 4 else above
        self.setGeometry(max(4, min(at.x(), round(window.width() - width) - 6)), y, round(width), round(height))
        self.setAccessibleName(f"{live.drag.title}: {self._text()}")
        self.show()
        self.raise_()
        self.update()

    def dismiss(self) -> None:
        """Go away, back to the owner."""
        if not self.isHidden():
            self.hide()
            self.setParent(self._owner)

    def _text(self) -> str:
        return (self._live.text if self._live is not None else "") or "trying it …"

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """Title, verdict and keys behind a bar in the verdict's colour."""
        s, live = self._scene, self._live
        if s is None or live is None:
            return
        tone = s.color(tone_of(live))
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(tone, 1.2))
        p.setBrush(s.color("raised"))
        p.drawRoundedRect(box, 6, 6)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(tone)
        p.drawRoundedRect(QRectF(box.left() + 4, box.top() + 6, 3, box.height() - 12), 1.5, 1.5)
        inner = box.adjusted(15, 6, -8, -6)
        p.setFont(s.fonts.mono)
        p.setPen(s.color("dim"))
        p.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop), live.drag.title)
        known = live.fresh or not live.drag.operations
        p.setFont(s.fonts.row)
        p.setPen(s.color(live.tone if known and live.tone in ("bad", "warn") else "text" if known else "dim"))
        p.drawText(inner.adjusted(0, s.fonts.mono_metrics.height() + 4, 2, 0), _WRAP, self._text())
        p.setFont(s.fonts.small)
        p.setPen(s.color("dim"))
        p.drawText(inner, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom), live.keys)
        p.end()
