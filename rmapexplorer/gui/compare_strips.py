"""The vmas of a few processes under one design as strips: the picture of one column of the Compare panel."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from rmapexplorer.core import flags as fl
from rmapexplorer.engine.comparison import Side, Strip
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_paint import faded
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme

PITCH = 2.5
"""Height of a strip with its air, in heights of a line of text."""
ROUND = 4.0
"""Corner of a box, in device-independent pixels."""
MOST_BOXES = 3000
"""Boxes drawn one by one; of more, neighbours of one colour are joined."""


class Strips(QWidget):
    """Strips on the axis that all columns share. ``picked`` carries (pid, page number)."""

    picked = Signal(int, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side: Side | None = None
        self._axis: geo.Axis | None = None
        self._theme: Theme | None = None
        self._spot = (0, -1)
        self._reached: frozenset[tuple[int, int]] = frozenset()
        self._missed: frozenset[tuple[int, int]] = frozenset()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Address spaces")
        self.setMouseTracking(True)

    def set_side(self, side: Side, axis: geo.Axis, spot: tuple[int, int]) -> None:
        """Show a side on the common axis; ``spot`` is the page selected."""
        self._side, self._axis, self._spot = side, axis, spot
        walk = side.walk
        found = {(step.pid, step.vpn) for step in walk.steps if step.hit} if walk is not None else set()
        spots = set(walk.spots) if walk is not None else set()
        self._reached, self._missed = frozenset(spots & found), frozenset(spots - found)
        names = ", ".join(f"{strip.comm} {strip.pid}: {plural(len(strip.start), 'vma')}" for strip in side.strips)
        self.setAccessibleDescription(names)
        self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """A line for each process."""
        count = len(self._side.strips) if self._side is not None else 1
        return QSize(200, round(count * self._pitch()) + 4)

    minimumSizeHint = sizeHint  # noqa: N815

    def _pitch(self) -> float:
        return self.fontMetrics().height() * PITCH

    def _gutter(self) -> float:
        metrics = QFontMetricsF(scaled(self.font(), 0.9, bold=True))  # as the chosen one is written
        names = [f"{strip.comm} {strip.pid}" for strip in self._side.strips] if self._side is not None else [""]
        return min(max((metrics.horizontalAdvance(name) for name in names), default=0) + 10, self.width() * 0.36)

    def _window(self) -> geo.Window:
        assert self._axis is not None
        return geo.Window.fit(self._axis.length, max(20.0, self.width() - self._gutter() - 4))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Names on the left, boxes on the axis."""
        if self._theme is None or self._side is None or self._axis is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gutter, window = self._gutter(), self._window()
        for row, strip in enumerate(self._side.strips):
            top = row * self._pitch() + 3
            self._name(painter, strip, QRectF(0, top, gutter - 6, self._pitch() - 8))
            painter.save()
            painter.translate(gutter, top)
            self._boxes(painter, strip, window, self._pitch() - 8)
            painter.restore()
        painter.end()

    def _name(self, painter: QPainter, strip: Strip, box: QRectF) -> None:
        assert self._theme is not None
        chosen = strip.pid == self._spot[0]
        painter.setFont(scaled(self.font(), 0.9, bold=chosen))
        painter.setPen(self._theme.color("text" if chosen else "dim"))
        words = painter.fontMetrics().elidedText(
            f"{strip.comm} {strip.pid}", Qt.TextElideMode.ElideMiddle, round(box.width())
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, words)

    def _boxes(self, painter: QPainter, strip: Strip, window: geo.Window, height: float) -> None:
        theme, axis = self._theme, self._axis
        assert theme is not None and axis is not None
        if not len(strip.start):
            painter.setPen(theme.color("dim"))
            painter.drawText(QRectF(2, 0, 300, height), Qt.AlignmentFlag.AlignVCenter, "nothing is mapped")
            return
        x0, x1 = window.x(axis.unit(strip.start)), window.x(axis.unit(strip.end))
        away = geo.moved(strip.start, strip.pgoff, strip.flags, strip.file)
        kinds = np.where(strip.file >= 0, -2, np.where(strip.owner >= 0, strip.owner % 6, -1))
        if len(x0) > MOST_BOXES:
            keep = np.r_[True, (kinds[1:] != kinds[:-1]) | (x0[1:] - x1[:-1] > 1)]
            last = np.r_[keep[1:], True]
            x0, x1, kinds, away = x0[keep], x1[last], kinds[keep], away[keep]
        for left, right, kind, shifted in zip(x0.tolist(), x1.tolist(), kinds.tolist(), away.tolist(), strict=True):
            box = QRectF(left, 0, max(right - left - 1, 1.5), height)
            color = self._color(kind)
            painter.setPen(QPen(color, 1.2) if kind == -1 else Qt.PenStyle.NoPen)
            painter.setBrush(faded(color, 0.3) if kind == -1 else color)
            radius = min(ROUND, box.width() / 5)
            painter.drawRoundedRect(box, radius, radius)
            if shifted and box.width() > 6:
                painter.setPen(QPen(theme.on(color), 1.4, Qt.PenStyle.DotLine))
                painter.drawLine(QPointF(box.left() + 3, height - 3), QPointF(box.right() - 3, height - 3))
        self._marks(painter, strip, window, height)

    def _color(self, kind: int) -> QColor:
        assert self._theme is not None
        return self._theme.color("file" if kind == -2 else "other") if kind < 0 else self._theme.family(kind)

    def _marks(self, painter: QPainter, strip: Strip, window: geo.Window, height: float) -> None:
        # the page: a bar where it is mapped, a tick where the walk finds it, a cross where it does not
        theme, axis = self._theme, self._axis
        assert theme is not None and axis is not None
        for spots, token in ((self._reached, "good"), (self._missed, "bad")):
            for pid, vpn in spots:
                if pid != strip.pid:
                    continue
                x = float(window.x(axis.unit(vpn + 0.5)))
                painter.fillRect(QRectF(x - 3.5, -2, 7, height + 4), theme.color("panel"))
                painter.fillRect(QRectF(x - 2, -2, 4, height + 4), theme.color(token))
                if token == "bad":
                    painter.setPen(QPen(theme.color(token), 2))
                    painter.drawLine(QPointF(x - 5, height / 2 - 5), QPointF(x + 5, height / 2 + 5))
                    painter.drawLine(QPointF(x - 5, height / 2 + 5), QPointF(x + 5, height / 2 - 5))
        if strip.pid == self._spot[0] and self._spot[1] >= 0:
            x = float(window.x(axis.unit(self._spot[1] + 0.5)))
            painter.setPen(QPen(theme.color("warn"), 1.6))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(x - 5, -3, 10, height + 6), 3, 3)

    def place_at(self, x: float, y: float) -> tuple[int, int] | None:
        """(pid, page number) under a point of the widget, page -1 where nothing is mapped; None outside of all."""
        if self._side is None or self._axis is None:
            return None
        row = int(y // self._pitch())
        if not 0 <= row < len(self._side.strips):
            return None
        strip, left = self._side.strips[row], x - self._gutter()
        if left < 0:
            return strip.pid, -1
        vpn = self._axis.page(self._window().unit(left))
        at = int(np.searchsorted(strip.start, vpn, side="right")) - 1
        return strip.pid, vpn if at >= 0 and vpn < strip.end[at] else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Select what is clicked."""
        place = self.place_at(event.position().x(), event.position().y())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(*place)

    def event(self, event: QEvent) -> bool:
        """The vma under the mouse in words."""
        if isinstance(event, QHelpEvent):
            text = self._words(event.pos().x(), event.pos().y())
            QToolTip.showText(event.globalPos(), plain_tip(text), self)
            return True
        return super().event(event)

    def _words(self, x: float, y: float) -> str:
        place = self.place_at(x, y)
        if place is None or self._side is None or place[1] < 0:
            return ""
        strip = next(one for one in self._side.strips if one.pid == place[0])
        i = int(np.searchsorted(strip.start, place[1], side="right")) - 1
        span = places.shown().span(int(strip.start[i]), int(strip.end[i]))
        return f"{strip.comm} {strip.pid}  {span} {fl.perms(int(strip.flags[i]))} pgoff {int(strip.pgoff[i]):x}"
