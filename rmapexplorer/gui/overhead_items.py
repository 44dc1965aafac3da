"""What a plot is made of: the box that seeks, axes with round values, the curves, the names at their ends.

Imported late: pyqtgraph takes half a second.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np  # noqa: E402
import pyqtgraph as pg  # noqa: E402
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal  # noqa: E402
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF  # noqa: E402
from PySide6.QtWidgets import QSizePolicy  # noqa: E402

from rmapexplorer.gui.curves import CurveStore, figure, spread, squash, ticks, unsquash  # noqa: E402
from rmapexplorer.gui.panel import scaled  # noqa: E402
from rmapexplorer.gui.theme import Theme, look, mono  # noqa: E402

LINE = 2.0
"""Width of a curve, in device-independent pixels."""
THIN, DOT = 0.8, 4.5
"""Width of the line between measured points, where there is no value, and of the points."""


def short(design: str) -> str:
    """A design's key as written at its curve: ``anonmm 4c``."""
    key, _, options = design.partition(":")
    return " ".join([key, *(o.partition("=")[2] or o for o in options.split(",") if o)])


class SeekBox(pg.ViewBox):  # type: ignore[misc]
    """The wheel zooms over the operations, dragging moves, a click goes there."""

    clicked = Signal(float)
    menu_wanted = Signal(float, QPoint)
    """The context menu is wanted: x, and where on the screen."""
    zoomed = Signal(int)
    """The user changed the range: 0 of the operations, 1 of the values."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, defaultPadding=0.0)
        self.disableAutoRange()

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: N802 (Qt's name)
        """Over the values' axis the values, otherwise the operations."""
        super().wheelEvent(ev, axis=0 if axis is None else axis)
        self.zoomed.emit(axis or 0)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:  # noqa: N802
        """Move along the operations (right button: zoom)."""
        super().mouseDragEvent(ev, axis=0 if axis is None else axis)
        self.zoomed.emit(axis or 0)

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802
        """Tell where."""
        x = self.mapSceneToView(ev.scenePos()).x()
        if ev.button() == Qt.MouseButton.LeftButton:
            ev.accept()
            self.clicked.emit(x)
        elif ev.button() == Qt.MouseButton.RightButton:
            ev.accept()
            self.menu_wanted.emit(x, ev.screenPos().toPoint())


class ValueAxis(pg.AxisItem):  # type: ignore[misc]
    """Round values as labels, on a linear scale or on one of log10(1 + value); faint lines across the plot."""

    def __init__(self) -> None:
        super().__init__("left", showValues=True)
        self.log, self.unit, self.whole = False, "", True
        self.setStyle(tickLength=0, tickTextOffset=6, autoExpandTextSpace=False)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802, N803
        """Places of the labels."""
        low, high = unsquash(minVal, self.log), unsquash(maxVal, self.log)
        most = int(max(2, min(5, size / 34)))
        values = ticks(low, high, most, log=self.log, binary=self.unit == "bytes", whole=self.whole)
        return [(1.0, [float(squash(v, self.log)) for v in values])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802
        """The values themselves."""
        return [tick_text(unsquash(v, self.log), self.unit) for v in values]


def tick_text(value: float, unit: str) -> str:
    """A short label: 20 KiB, 12k."""
    value = round(value, 6)
    if unit == "bytes":
        return figure(value, unit).replace(".0 ", " ")
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= limit:
            return f"{value / (1e3 if letter == 'k' else limit):g}{letter}"
    return f"{value:g}"


class PositionAxis(pg.AxisItem):  # type: ignore[misc]
    """Operation numbers below the plot."""

    def __init__(self) -> None:
        super().__init__("bottom", showValues=True)
        self.setStyle(tickLength=0, tickTextOffset=3, autoExpandTextSpace=False, hideOverlappingLabels=False)
        self.setHeight(17)

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802, N803
        """Whole numbers."""
        most = int(max(2, min(9, size / 55)))
        return [(1.0, [v for v in ticks(max(minVal, 0), maxVal, most) if v == int(v)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802
        """Plain numbers."""
        return [f"{int(v):,}" for v in values]


class StillView(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """The scene as a picture that is painted anew only after ``renew``: what lies over it can move without it."""

    def __init__(self) -> None:
        super().__init__(show=False)
        self._still: QPixmap | None = None
        self.pictures = 0
        """How often the scene was painted."""
        self.scene().changed.connect(self.renew)

    def renew(self, *_: object) -> None:
        """Something in the scene has changed."""
        self._still = None
        self.viewport().update()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Another size, another picture."""
        self._still = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """The part of the picture that is wanted."""
        place, ratio = self.viewport().rect(), self.viewport().devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatioF() != ratio:
            self.pictures += 1
            self._still = QPixmap(place.size() * ratio)
            self._still.setDevicePixelRatio(ratio)
            self._still.fill(self.backgroundBrush().color())
            inside = QPainter(self._still)
            inside.setRenderHints(self.renderHints())
            self.render(inside, QRectF(place), place)
            inside.end()
        painter, wanted = QPainter(self.viewport()), QRectF(event.rect())
        painter.drawPixmap(wanted, self._still, QRectF(wanted.topLeft() * ratio, wanted.size() * ratio))
        painter.end()


class StepCurves(pg.GraphicsObject):  # type: ignore[misc]
    """All curves of one metric. Solid ones first, so that a dashed one on top leaves both in sight."""

    def __init__(self, store: CurveStore) -> None:
        super().__init__()
        self._store = store
        self.metric, self.log = 0, False
        self._paths: list[tuple[str, Any, bool, QPolygonF | None]] | None = None
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def renew(self) -> None:
        """The data or the part of it in sight has changed."""
        self._paths = None
        self.prepareGeometryChange()
        self.update()

    def viewTransformChanged(self) -> None:  # noqa: N802
        """pyqtgraph's call after zoom and resize."""
        super().viewTransformChanged()
        self.renew()

    def boundingRect(self) -> QRectF:  # noqa: N802
        """All that is in sight."""
        return self.viewRect() or QRectF()

    def paint(self, painter: QPainter, *args: object) -> None:
        """The paths, made anew only after ``renew``."""
        if self._theme is None:
            return
        if self._paths is None:
            self._paths = self._made()
        for design, path, dense, points in self._paths:
            if points is not None:
                self._dots(painter, design, path, points)
                continue
            style = look(design)
            pen = QPen(self._theme.design(design), 1.0 if dense else LINE)
            pen.setStyle(Qt.PenStyle.SolidLine if dense else style.dash)
            pen.setCosmetic(True)
            pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, not dense)
            painter.drawPath(path)
            if dense:  # twice one pixel: Qt draws wide lines ten times as slowly
                painter.drawPath(path.translated(0, self.pixelHeight()))

    def _dots(self, painter: QPainter, design: str, path: Any, points: QPolygonF) -> None:
        # measured points, joined by a line too thin to be taken for a curve
        assert self._theme is not None
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for width, cap in ((THIN, Qt.PenCapStyle.FlatCap), (DOT, Qt.PenCapStyle.RoundCap)):
            pen = QPen(self._theme.design(design), width)
            pen.setCosmetic(True)
            pen.setCapStyle(cap)
            painter.setPen(pen)
            if width == THIN:
                painter.drawPath(path)
            else:
                painter.drawPoints(points)

    def _made(self) -> list[tuple[str, Any, bool, QPolygonF | None]]:
        view, store = self.viewRect(), self._store
        if view is None or not store.length:
            return []
        pixels = int(max(view.width() / max(self.pixelWidth() or 1.0, 1e-12), 2))
        dense, sparse = view.width() > pixels, store.sparse(self.metric)
        made = []
        for number, design in enumerate(store.designs):
            if design in store.hidden:
                continue
            if sparse:
                x, y = store.points(self.metric, number, view.left(), view.right())
            else:
                x, y = store.polyline(self.metric, number, view.left(), view.right(), pixels)
                if len(x) and x[-1] < view.right() and view.right() > store.length - 1:  # the last state lasts
                    x, y = np.append(x, view.right()), np.append(y, y[-1])
            if len(x) and not np.isnan(y).all():
                y = np.asarray(squash(y, self.log))
                spots = (
                    [QPointF(*spot) for spot in zip(x.tolist(), y.tolist(), strict=True) if spot[1] == spot[1]]
                    if sparse
                    else []
                )
                path = pg.arrayToQPath(x, y, connect="finite")
                made.append((design, path, dense, QPolygonF(spots) if sparse else None))
        return sorted(made, key=lambda m: look(m[0]).dash != Qt.PenStyle.SolidLine)


class EndLabels(pg.GraphicsWidget):  # type: ignore[misc]
    """The designs' names at the right ends of their curves, moved apart where they would overlap; ``clicked`` tells one."""

    clicked = Signal(str)

    def __init__(self, box: pg.ViewBox, store: CurveStore | None = None) -> None:
        super().__init__()
        self._box, self._store = box, store
        if store is not None:
            self.setToolTip("Click a name to hide or show its curve")
        self._theme: Theme | None = None
        self.items_: list[tuple[str, float]] = []
        """(design, drawn height of its last value in sight)."""
        self.notes: dict[str, str] = {}
        """What stands behind the names: the difference between the markers."""
        self._width, self._names = 20.0, 0.0
        self._font = scaled(self.font(), 0.9)
        self._digits = mono(self.font().pointSizeF() * 0.86)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self.update()

    def show_ends(self, ends: list[tuple[str, float]], notes: dict[str, str] | None = None) -> None:
        """Name these curves; makes room for the widest name with its note."""
        self.items_, self.notes = ends, notes or {}
        metrics, digits = QFontMetricsF(self._font), QFontMetricsF(self._digits)
        self._names = max((metrics.horizontalAdvance(short(design)) for design, _ in ends), default=0.0)
        behind = max((digits.horizontalAdvance(note) + 8 for note in self.notes.values()), default=0.0)
        width = self._names + behind + 14
        if abs(width - self._width) > 0.5:
            self._width = width
            self.updateGeometry()
        self.update()

    def places(self) -> list[float]:
        """Centres of the names, in pixels from the top."""
        (low, high), height = self._box.viewRange()[1], self.size().height()
        wanted = [height * (high - y) / max(high - low, 1e-12) for _, y in self.items_]
        return spread(wanted, self.line_height(), 0.0, height)

    def mouseClickEvent(self, ev: Any) -> None:  # noqa: N802
        """Tell which name was clicked."""
        places = self.places()
        if ev.button() != Qt.MouseButton.LeftButton or not places:
            return
        away, design = min((abs(ev.pos().y() - y), design) for (design, _), y in zip(self.items_, places, strict=True))
        if away <= self.line_height():
            ev.accept()
            self.clicked.emit(design)

    def line_height(self) -> float:
        """Height of a name."""
        return QFontMetricsF(self._font).height() * 0.95

    def sizeHint(self, which: Qt.SizeHint, constraint: QSizeF = QSizeF()) -> QSizeF:  # noqa: N802, B008
        """As wide as the widest name, any height."""
        return QSizeF(self._width, 16777215.0 if which == Qt.SizeHint.MaximumSize else 10.0)

    def paint(self, painter: QPainter, *args: object) -> None:
        """The names."""
        if self._theme is None:
            return
        crossed = QFont(self._font)
        crossed.setStrikeOut(True)
        high = QFontMetricsF(self._font).height() + 2
        for (design, _), y in zip(self.items_, self.places(), strict=True):
            hidden = self._store is not None and design in self._store.hidden
            painter.setFont(crossed if hidden else self._font)
            painter.setPen(self._theme.color("dim") if hidden else self._theme.design(design))
            box = QRectF(7, y - high / 2, self.size().width() - 7, high)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short(design))
            if note := self.notes.get(design, ""):
                painter.setFont(self._digits)
                painter.setPen(self._theme.color("text"))
                right = box.adjusted(0, 0, -7, 0)
                painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, note)
