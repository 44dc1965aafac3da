"""One plot of the overhead curves: axes, curves, names, timeline cursor and crosshair.

Everything drawn here comes from a CurveStore; the plot decides only which part of it is in sight.
Imported late, as overhead_items.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Metric
from rmapexplorer.gui.curves import CurveStore, figure, squash
from rmapexplorer.gui.overhead_items import EndLabels, PositionAxis, SeekBox, StepCurves, ValueAxis, pg, short
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.theme import Theme, mono


class Overlay(QWidget):
    """Cursor and crosshair over a plot, and the box of values beside the crosshair."""

    def __init__(self, plot: MetricPlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Lines first, the box on top."""
        plot, painter = self._plot, QPainter(self)
        area, theme = plot.area(), plot.theme
        for position, pen in (
            (plot.position, QPen(theme.color("accent"), 1)),
            (plot.hovered, QPen(theme.color("faint"), 1, Qt.PenStyle.DotLine)),
        ):
            x = plot.pixel(position)
            if position >= 0 and area.left() - 1 <= x <= area.right() + 1:
                painter.setPen(pen)
                painter.drawLine(QPointF(round(x) + 0.5, area.top()), QPointF(round(x) + 0.5, area.bottom()))
        if plot.pointed and plot.hovered >= 0:
            self._box(painter, area, theme)
        painter.end()

    def _box(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        rows = self._plot.readings()
        words, digits = scaled(self.font(), 0.9), mono(self.font().pointSizeF() * 0.9)
        head = f"after {self._plot.hovered:,}"
        word_m, digit_m = QFontMetricsF(words), QFontMetricsF(digits)
        left = max([word_m.horizontalAdvance(head)] + [word_m.horizontalAdvance(short(d)) for d, _ in rows])
        right = max([0.0] + [digit_m.horizontalAdvance(v) for _, v in rows])
        line = word_m.height() + 2
        box = QRectF(0, 0, left + right + 34, line * (len(rows) + 1) + 10)
        x = self._plot.pixel(self._plot.hovered)
        box.moveTopLeft(
            QPointF(x + 10 if x + 10 + box.width() < self.width() else x - 10 - box.width(), area.top() + 2)
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("line"))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(box, 5, 5)
        row = QRectF(box.left() + 9, box.top() + 5, box.width() - 18, line)
        painter.setFont(words)
        painter.setPen(theme.color("dim"))
        painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, head)
        for design, value in rows:
            row.translate(0, line)
            painter.setFont(words)
            painter.setPen(theme.design(design))
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter, short(design))
            painter.setFont(digits)
            painter.setPen(theme.color("text"))
            painter.drawText(row, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, value)


class MetricPlot(QWidget):
    """The curves of one metric with axes, names and cursor."""

    seek = Signal(int)
    hover = Signal(int)
    """Position under the mouse, -1 where it left."""
    ranged = Signal(object)
    """The user changed the range of operations: (first, last)."""
    toggled = Signal(str)
    """The design whose name was clicked: its curve is to be hidden, or shown again."""
    zoomed = Signal(bool)
    """True from the first zoom of the user until ``home``."""

    def __init__(self, store: CurveStore, metric: Metric, number: int, theme: Theme) -> None:
        super().__init__()
        self.store, self.measure, self.number, self.theme = store, metric, number, theme
        self.position, self.hovered, self.pointed = 0, -1, False
        self._free = [False, False]
        self.box, self.axis, self.below = SeekBox(), ValueAxis(), PositionAxis()
        self.curves, self.labels = StepCurves(store), EndLabels(self.box, store)
        self.view = pg.GraphicsLayoutWidget(show=False)
        self._arrange()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 4, 2)
        layout.addWidget(self.view)
        self.overlay = Overlay(self)
        self.box.clicked.connect(lambda x: self.seek.emit(self.snap(x)))
        self.labels.clicked.connect(self.toggled)
        self.box.zoomed.connect(self._zoomed)
        self.box.sigResized.connect(lambda *_: self.overlay.update())
        self.view.viewport().installEventFilter(self)
        self.view.viewport().setMouseTracking(True)
        self.set_metric(metric, number)
        self.set_theme(theme)

    def _arrange(self) -> None:
        grid = self.view.ci
        grid.setContentsMargins(2, 4, 2, 0)
        grid.setSpacing(0)
        grid.addItem(self.axis, 0, 0)
        grid.addItem(self.box, 0, 1)
        grid.addItem(self.labels, 0, 2)
        grid.addItem(self.below, 1, 1)
        self.axis.setZValue(-1000)  # its lines lie under the curves
        self.axis.linkToView(self.box)
        self.below.linkToView(self.box)
        self.box.addItem(self.curves, ignoreBounds=True)
        self.box.setMouseEnabled(x=True, y=True)
        self.box.setBorder(None)

    # -- what the view sets -------------------------------------------------------------------------------------------

    def set_metric(self, metric: Metric, number: int) -> None:
        """Show another metric, the ``number``-th of the store; its values are ranged anew."""
        self.measure, self.number = metric, number
        self.curves.metric, self.axis.unit = number, metric.unit
        self._free[1] = False
        self.setAccessibleName(f"{metric.title} in {metric.unit} over the operations")
        self.setToolTip("")
        self.renew()

    def set_log(self, log: bool) -> None:
        """Scale of the values."""
        self.curves.log = self.axis.log = log
        self._free[1] = False
        self.renew()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.theme = theme
        self.view.setBackground(theme.color("panel"))
        for axis in (self.axis, self.below):
            axis.setPen(pg.mkPen(theme.color("line"), width=1))
            axis.setTextPen(theme.color("dim"))
            axis.setStyle(tickFont=mono(self.font().pointSizeF() * 0.84))
        self.axis.setTickPen(pg.mkPen(theme.color("line"), width=1))
        self.axis.setGrid(255)
        for item in (self.curves, self.labels):
            item.set_theme(theme)
        self.overlay.update()

    def set_position(self, position: int) -> None:
        """Where the timeline stands."""
        self.position = position
        self.overlay.update()

    def set_hovered(self, position: int) -> None:
        """The crosshair, wherever the mouse is; -1 for none."""
        self.hovered = position
        self.overlay.update()

    def renew(self) -> None:
        """The store has changed: range (unless the user zoomed) and draw anew."""
        if not self._free[0]:
            self.box.setXRange(0, max(self.store.length - 1, 1), padding=0)
        self._range_values()
        self.curves.renew()
        self._name_ends()
        self.overlay.update()

    def set_range(self, first: float, last: float) -> None:
        """Show operations ``first`` .. ``last`` because another plot does."""
        self._free[0] = True
        self.box.setXRange(first, last, padding=0)
        self.renew()

    def home(self) -> None:
        """Everything in sight again."""
        self._free = [False, False]
        self.renew()
        self.zoomed.emit(False)

    # -- ranges -------------------------------------------------------------------------------------------------------

    def _zoomed(self, axis: int) -> None:
        self._free[axis] = True
        if axis == 0:
            self._keep_inside()
            first, last = self.box.viewRange()[0]
            self._range_values()
            self.ranged.emit((first, last))
        self.curves.renew()
        self._name_ends()
        self.overlay.update()
        self.zoomed.emit(True)

    def _keep_inside(self) -> None:
        first, last = self.box.viewRange()[0]
        whole = max(self.store.length - 1, 1)
        width = min(max(last - first, 1.0), whole)
        first = min(max(first, 0.0), whole - width)
        self.box.setXRange(first, first + width, padding=0)

    def _range_values(self) -> None:
        if self._free[1]:
            return
        first, last = self.box.viewRange()[0]
        low, high = self.store.extent(self.number, int(first), int(last) + 2)
        bottom, top = (float(squash(v, self.curves.log)) for v in (min(low, 0.0), max(high, 1.0)))
        air = (top - bottom) * 0.05
        self.box.setYRange(bottom - air, top + air, padding=0)
        widest = max(self.axis.tickStrings(self._tick_places(), 1.0, 1.0), key=len, default="0")
        metrics = QFontMetricsF(mono(self.font().pointSizeF() * 0.84))
        self.axis.setWidth(metrics.horizontalAdvance(widest) + 10)

    def _tick_places(self) -> list[float]:
        low, high = self.box.viewRange()[1]
        return self.axis.tickValues(low, high, max(self.box.height(), 80))[0][1]

    def _name_ends(self) -> None:
        last = min(int(self.box.viewRange()[0][1] + 1e-9), self.store.length - 1)
        values = self.store.ends(self.number, last) if self.store.length else ()
        ends = [
            (d, float(squash(v, self.curves.log))) for d, v in zip(self.store.designs, values, strict=False) if v == v
        ]
        self.labels.show_ends(ends)

    # -- places and mouse ---------------------------------------------------------------------------------------------

    def area(self) -> QRectF:
        """Where the curves are, in this widget's pixels."""
        rect = self.view.mapFromScene(self.box.sceneBoundingRect()).boundingRect()
        return QRectF(rect.translated(self.view.pos()))

    def pixel(self, position: float) -> float:
        """x of a position, in this widget's pixels."""
        area, (first, last) = self.area(), self.box.viewRange()[0]
        return area.left() + area.width() * (position - first) / max(last - first, 1e-12)

    def snap(self, x: float) -> int:
        """The position nearest to ``x``."""
        return int(min(max(round(x), 0), max(self.store.length - 1, 0)))

    def readings(self) -> list[tuple[str, str]]:
        """(design, value) under the crosshair, largest first."""
        values = self.store.at(self.hovered)[self.number] if self.store.length else ()
        pairs = sorted(zip(self.store.designs, values, strict=False), key=lambda p: -p[1] if p[1] == p[1] else 1.0)
        return [(design, figure(float(value), self.measure.unit)) for design, value in pairs]

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802
        """Follow the mouse over the curves."""
        if event.type() == QEvent.Type.MouseMove:
            place = self.view.mapToScene(event.position().toPoint())  # type: ignore[attr-defined]
            inside = self.box.sceneBoundingRect().contains(place) and self.store.length > 0
            self.pointed = inside
            self.hover.emit(self.snap(self.box.mapSceneToView(place).x()) if inside else -1)
        elif event.type() == QEvent.Type.Leave:
            self.pointed = False
            self.hover.emit(-1)
        return False

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """The overlay covers everything."""
        super().resizeEvent(event)
        self.overlay.setGeometry(self.rect())
        self.overlay.raise_()
