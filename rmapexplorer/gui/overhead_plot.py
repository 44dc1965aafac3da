"""One plot of the overhead curves: axes, curves, names, timeline cursor and crosshair.

Everything drawn here comes from a CurveStore; the plot decides only which part of it is in sight.
Imported late, as overhead_items.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rmapexplorer.core.metrics import Metric
from rmapexplorer.gui.curves import CurveStore, figure, signed, squash
from rmapexplorer.gui.overhead_items import (
    EndLabels,
    PositionAxis,
    SeekBox,
    StepCurves,
    StillView,
    ValueAxis,
    pg,
    short,
)
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.theme import Theme, mono

TREAD, SHORT = 0.04, 40
"""How much of the width the last state of a log has, and up to how many operations it has any."""

GRIP = 5
"""So near to a marker the mouse takes hold of it, in device-independent pixels."""

FLAGS = ("A", "B")
"""Names of the two markers."""


class Overlay(QWidget):
    """Markers, cursor and crosshair over a plot, and the box of values beside the crosshair."""

    def __init__(self, plot: MetricPlot) -> None:
        super().__init__(plot)
        self._plot = plot
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Lines first, the box on top."""
        plot, painter = self._plot, QPainter(self)
        area, theme = plot.area(), plot.theme
        self._markers(painter, area, theme)
        for position, pen in (
            (plot.position, QPen(theme.color("accent"), 1)),
            (plot.hovered, QPen(theme.color("faint"), 1, Qt.PenStyle.DotLine)),
        ):
            x = plot.pixel(position)
            if position >= 0 and area.left() - 1 <= x <= area.right() + 1:
                painter.setPen(pen)
                painter.drawLine(QPointF(round(x) + 0.5, area.top()), QPointF(round(x) + 0.5, area.bottom()))
        if plot.hovered >= 0 and plot.store.length:
            self._box(painter, area, theme)
        if plot.ringed:
            painter.setPen(QPen(theme.color("accent"), 1.3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 5, 5)
        painter.end()

    def _markers(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        places = [self._plot.pixel(p) if p is not None else None for p in self._plot.markers]
        if places[0] is not None and places[1] is not None:
            left, right = sorted(max(min(x, area.right()), area.left()) for x in places if x is not None)
            wash = QColor(theme.color("warn"))
            wash.setAlpha(26)
            painter.fillRect(QRectF(left, area.top(), right - left, area.height()), wash)
        painter.setFont(scaled(self.font(), 0.82, bold=True))
        metrics = QFontMetricsF(painter.font())
        for name, x in zip(FLAGS, places, strict=True):
            if x is None or not area.left() - 1 <= x <= area.right() + 1:
                continue
            painter.setPen(QPen(theme.color("warn"), 1.4))
            painter.drawLine(QPointF(round(x) + 0.5, area.top()), QPointF(round(x) + 0.5, area.bottom()))
            flag = QRectF(round(x) - 0.5, area.bottom() - metrics.height(), metrics.horizontalAdvance(name) + 7, 0)
            flag.setHeight(metrics.height())
            if flag.right() > area.right():
                flag.moveRight(round(x) + 1)
            painter.fillRect(flag, theme.color("warn"))
            painter.setPen(theme.color("panel"))
            painter.drawText(flag, Qt.AlignmentFlag.AlignCenter, name)

    def _box(self, painter: QPainter, area: QRectF, theme: Theme) -> None:
        rows = self._plot.readings()
        words, digits = scaled(self.font(), 0.9), mono(self.font().pointSizeF() * 0.9)
        head = self._plot.heading()
        word_m, digit_m = QFontMetricsF(words), QFontMetricsF(digits)
        left = max([word_m.horizontalAdvance(head)] + [word_m.horizontalAdvance(short(d)) for d, _ in rows])
        right = max([0.0] + [digit_m.horizontalAdvance(v) for _, v in rows])
        line = word_m.height() + 2
        box = QRectF(0, 0, left + right + 34, line * (len(rows) + 1) + 10)
        x = self._plot.pixel(self._plot.hovered)
        if not (self._plot.pointed or self._plot.ringed) and area.width() < 2.4 * box.width():
            return  # it would hide the curves that another plot is compared with
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
    marked = Signal(int, int)
    """(0 for A, 1 for B; position): the user moved a marker."""
    menu = Signal(int, QPoint)
    """The context menu of a position is wanted, there on the screen."""

    def __init__(self, store: CurveStore, metric: Metric, number: int, theme: Theme) -> None:
        super().__init__()
        self.store, self.measure, self.number, self.theme = store, metric, number, theme
        self.position, self.hovered, self.pointed = 0, -1, False
        self.markers: tuple[int | None, int | None] = (None, None)
        self._held, self.ringed = -1, False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._free = [False, False]
        self.box, self.axis, self.below = SeekBox(), ValueAxis(), PositionAxis()
        self.curves, self.labels = StepCurves(store), EndLabels(self.box, store)
        self.view = StillView()
        for part in (self.view, self.view.viewport()):
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._arrange()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 4, 2)
        layout.addWidget(self.view)
        self.overlay = Overlay(self)
        self.box.clicked.connect(lambda x: self.seek.emit(self.snap(x)))
        self.box.menu_wanted.connect(lambda x, spot: self.menu.emit(self.snap(x), spot))
        self.labels.clicked.connect(self.toggled)
        self.box.zoomed.connect(self._zoomed)
        self.box.sigResized.connect(lambda *_: self._draw())
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
        self._draw()

    def set_position(self, position: int) -> None:
        """Where the timeline stands."""
        before, self.position = self.position, position
        for place in (before, position):
            x = self.pixel(place)
            if -2 < x < self.width() + 2:
                self.overlay.update(round(x) - 1, 0, 3, self.height())

    def set_markers(self, markers: tuple[int | None, int | None]) -> None:
        """Where the markers A and B stand; None where one is not set."""
        self.markers = markers
        self._name_ends()
        self._draw()

    def set_hovered(self, position: int) -> None:
        """The crosshair, wherever the mouse is; -1 for none."""
        if max(position, self.hovered) >= 0:
            self.hovered = position
            self.overlay.update()

    def renew(self) -> None:
        """The store has changed: range (unless the user zoomed) and draw anew."""
        if not self._free[0]:
            self.box.setXRange(0, self._end(), padding=0)
        self._range_values()
        self.curves.renew()
        self._name_ends()
        self._draw()

    def _draw(self) -> None:
        self.view.renew()
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

    def _end(self) -> float:
        # a little more than the last operation, so that what it did is a step with a tread and not the plot's border
        last = max(self.store.length - 1, 1)
        return last * (1 + TREAD) if last <= SHORT else last

    def _zoomed(self, axis: int) -> None:
        self._free[axis] = True
        if axis == 0:
            self._keep_inside()
            first, last = self.box.viewRange()[0]
            self._range_values()
            self.ranged.emit((first, last))
        self.curves.renew()
        self._name_ends()
        self._draw()
        self.zoomed.emit(True)

    def _keep_inside(self) -> None:
        first, last = self.box.viewRange()[0]
        whole = self._end()
        width = min(max(last - first, 1.0), whole)
        first = min(max(first, 0.0), whole - width)
        self.box.setXRange(first, first + width, padding=0)

    def _range_values(self) -> None:
        if self._free[1]:
            return
        first, last = self.box.viewRange()[0]
        low, high = self.store.extent(self.number, int(first), int(last) + 2)
        self.axis.whole = not self.store.divided(self.number)
        least = 1.0 if self.axis.whole or not high else 0.0
        bottom, top = (float(squash(v, self.curves.log)) for v in (min(low, 0.0), max(high, least)))
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
        self.labels.show_ends(ends, self._differences())

    def _differences(self) -> dict[str, str]:
        """B minus A of each curve, where both markers are set."""
        a, b = self.markers
        if a is None or b is None or not self.store.length:
            return {}
        gone = self.store.at(min(b, self.store.length - 1)) - self.store.at(min(a, self.store.length - 1))
        return {
            design: signed(float(gone[self.number, at]), self.measure.unit)
            for at, design in enumerate(self.store.designs)
        }

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

    def read_at(self) -> int:
        """The position whose values the crosshair reads: its own, for points the last one measured before it."""
        at = self.store.measured(self.number, self.hovered) if self.store.sparse(self.number) else -1
        return at if at >= 0 else self.hovered

    def heading(self) -> str:
        """Where the values under the crosshair were measured."""
        at = self.read_at()
        return f"after {at:,}" if at == self.hovered else f"last probe: after {at:,}"

    def readings(self) -> list[tuple[str, str]]:
        """(design, value) under the crosshair, largest first."""
        values = self.store.at(self.read_at())[self.number] if self.store.length else ()
        pairs = sorted(zip(self.store.designs, values, strict=False), key=lambda p: -p[1] if p[1] == p[1] else 1.0)
        return [(design, figure(float(value), self.measure.unit)) for design, value in pairs]

    def marker_near(self, x: float) -> int:
        """Which marker is under a place of this widget: 0 for A, 1 for B, -1 for none."""
        away = [abs(self.pixel(p) - x) if p is not None else GRIP + 1.0 for p in self.markers]
        nearest = min(range(2), key=lambda n: away[n])
        return nearest if away[nearest] <= GRIP else -1

    def eventFilter(self, watched: Any, event: QEvent) -> bool:  # noqa: N802
        """Follow the mouse over the curves; a marker under it can be dragged."""
        kind = event.type()
        if kind in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease):
            return self._moused(event)
        if kind == QEvent.Type.Leave:
            self.pointed = False
            self.hover.emit(-1)
        return False

    def _moused(self, event: Any) -> bool:
        spot = event.position().toPoint()
        place = self.view.mapToScene(spot)
        over = self.snap(self.box.mapSceneToView(place).x())
        near = self.marker_near(spot.x() + self.view.pos().x())
        if event.type() == QEvent.Type.MouseButtonPress:
            self._held = near if event.button() == Qt.MouseButton.LeftButton else -1
            return self._held >= 0
        if event.type() == QEvent.Type.MouseButtonRelease:
            held, self._held = self._held, -1
            return held >= 0
        inside = self.box.sceneBoundingRect().contains(place) and self.store.length > 0
        self.pointed = inside
        self.hover.emit(over if inside else -1)
        if self._held >= 0:
            self.marked.emit(self._held, over)
            return True
        shape = Qt.CursorShape.SizeHorCursor if near >= 0 else Qt.CursorShape.ArrowCursor
        if self.view.viewport().cursor().shape() != shape:
            self.view.viewport().setCursor(shape)
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Arrows move the crosshair, Enter goes there, A and B set a marker there, the menu key opens the menu."""
        here = self.hovered if self.hovered >= 0 else self.position
        first, last = self.box.viewRange()[0]
        stride = max(1, round((last - first) / (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 100)))
        moves = {
            Qt.Key.Key_Left: here - stride, Qt.Key.Key_Right: here + stride,
            Qt.Key.Key_Home: round(first), Qt.Key.Key_End: round(last),
        }  # fmt: skip
        key = Qt.Key(event.key())
        if key in moves:
            self.hover.emit(self.snap(moves[key]))
            self.setAccessibleDescription(self._told())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.seek.emit(here)
        elif key in (Qt.Key.Key_A, Qt.Key.Key_B) and not event.modifiers():
            self.marked.emit(0 if key == Qt.Key.Key_A else 1, here)
        elif key == Qt.Key.Key_Menu:
            spot = self.area().center().toPoint()
            self.menu.emit(here, self.mapToGlobal(QPoint(round(self.pixel(here)), spot.y())))
        elif key == Qt.Key.Key_Escape and self.hovered >= 0:
            self.hover.emit(-1)
        else:
            super().keyPressEvent(event)

    def _told(self) -> str:
        said = ", ".join(f"{short(design)} {value}" for design, value in self.readings())
        return f"{self.heading()}: {said}"

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show the ring."""
        super().focusInEvent(event)
        self.ringed = event.reason() != Qt.FocusReason.MouseFocusReason
        self.overlay.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """The ring and the crosshair of the keys go."""
        super().focusOutEvent(event)
        self.ringed = False
        if not self.pointed and self.hovered >= 0:
            self.hover.emit(-1)
        self.overlay.update()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """The overlay covers everything."""
        super().resizeEvent(event)
        self.overlay.setGeometry(self.rect())
        self.overlay.raise_()
