"""Small plots, one a measure: what each design pays for a page reclaimed against the number of children, log-log.

Zero has no logarithm: it stands on a line of its own at the bottom. Imported late, as overhead_items.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QPalette
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from rmapexplorer.figures.pressure import Pressure
from rmapexplorer.gui.models.pressure import MEASURES, Measure
from rmapexplorer.gui.overhead_items import LINE, EndLabels, pg, tick_text
from rmapexplorer.gui.panel import ElidedLabel, scaled
from rmapexplorer.gui.theme import Theme, look, mono

TURN_MS = 25
"""Between two plots that are drawn, in milliseconds."""

COLUMNS = 3
"""Plots side by side."""


def decades(low: float, high: float) -> list[int]:
    """Whole powers of ten from below ``low`` to above ``high`` (both logarithms)."""
    return list(range(math.floor(low + 1e-9), max(math.ceil(high - 1e-9), math.floor(low + 1e-9) + 1) + 1))


class LogAxis(pg.AxisItem):  # type: ignore[misc]
    """Powers of ten; ``zero`` is the place that stands for 0, None where it does not occur."""

    def __init__(self, side: str) -> None:
        super().__init__(side, showValues=True)
        self.zero: float | None = None
        self.unit = ""
        self.places: list[float] = []
        self.setStyle(tickLength=0, tickTextOffset=5 if side == "left" else 3, autoExpandTextSpace=False,
                      hideOverlappingLabels=False)  # fmt: skip

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802, N803
        """The places that were set and are in sight, not more than there is room for."""
        seen = [p for p in self.places if minVal - 1e-6 <= p <= maxVal + 1e-6]
        room = 22 if self.orientation == "left" else 44
        every = max(1, math.ceil(len(seen) / max(size / room, 1)))
        kept = [p for p in seen if p != self.zero][::every]
        return [(1.0, kept + [p for p in seen if p == self.zero])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802
        """The values themselves."""
        return ["0" if v == self.zero else _power(v, self.unit) for v in values]


def _power(place: float, unit: str) -> str:
    value = 10.0**place
    return f"{value:g}" if value < 1 else tick_text(round(value), "" if unit == "bytes" else unit)


class PressurePlot(QWidget):
    """One measure."""

    def __init__(self, measure: Measure, theme: Theme) -> None:
        super().__init__()
        self.measure, self.theme = measure, theme
        self.curves: dict[str, list[tuple[float, float]]] = {}
        """Design -> (children, value), by children."""
        self.setAccessibleName(f"{measure.title} for each page reclaimed against children")
        self.title = ElidedLabel(f"{measure.title} per page")
        self.title.setFont(scaled(self.font(), 0.95, bold=True))
        self.view = pg.GraphicsLayoutWidget(show=False)
        self.view.setMinimumSize(120, 90)
        self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0.0)
        self.box.disableAutoRange()
        self.left, self.below, self.labels = LogAxis("left"), LogAxis("bottom"), EndLabels(self.box)
        self.left.unit = measure.unit
        self.below.setHeight(17)
        grid = self.view.ci
        grid.setContentsMargins(2, 4, 2, 0)
        grid.setSpacing(0)
        grid.addItem(self.left, 0, 0)
        grid.addItem(self.box, 0, 1)
        grid.addItem(self.labels, 0, 2)
        grid.addItem(self.below, 1, 1)
        self.left.linkToView(self.box)
        self.below.linkToView(self.box)
        self._items: list[Any] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 4, 2)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.view, 1)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.theme = theme
        self.view.setBackground(theme.color("panel"))
        for axis in (self.left, self.below):
            axis.setPen(pg.mkPen(theme.color("line"), width=1))
            axis.setTextPen(theme.color("dim"))
            axis.setStyle(tickFont=mono(self.font().pointSizeF() * 0.84))
            axis.setTickPen(pg.mkPen(theme.color("line"), width=1))
        self.left.setGrid(255)
        self.left.setZValue(-1000)
        self.labels.set_theme(theme)
        self._draw()

    def show_runs(self, rows: Sequence[Pressure]) -> None:
        """Draw these runs, all of one workload."""
        self.curves = {}
        for row in sorted(rows, key=lambda row: row.children):
            self.curves.setdefault(row.design, []).append((row.children, self.measure.of(row)))
        self._draw()

    def place(self, value: float) -> float:
        """Where a value is drawn, from bottom to top."""
        return math.log10(value) if value > 0 else float(self.left.zero or 0.0)

    def _draw(self) -> None:
        for item in self._items:
            self.box.removeItem(item)
        self._items = []
        self._range()
        for design, points in self.curves.items():
            style, color = look(design), self.theme.design(design)
            item = pg.PlotDataItem(
                [math.log10(children) for children, _ in points], [self.place(value) for _, value in points],
                pen=pg.mkPen(color, width=LINE, style=style.dash), symbol=style.marker, symbolSize=7,
                symbolBrush=color, symbolPen=None, antialias=True,
            )  # fmt: skip
            self.box.addItem(item, ignoreBounds=True)
            self._items.append(item)
        self.labels.show_ends([(design, self.place(points[-1][1])) for design, points in self.curves.items()])

    def _range(self) -> None:
        values = [value for points in self.curves.values() for _, value in points]
        children = [count for points in self.curves.values() for count, _ in points]
        positive = [math.log10(value) for value in values if value > 0]
        rows = decades(min(positive), max(positive)) if positive else [0, 1]
        self.left.zero = float(rows[0] - 1) if len(positive) < len(values) or not values else None
        self.left.places = [float(row) for row in rows] + ([self.left.zero] if self.left.zero is not None else [])
        low, high = min(self.left.places), max(self.left.places)
        self.box.setYRange(low - 0.06 * (high - low), high + 0.06 * (high - low), padding=0)
        counts = sorted(set(children)) or [10, 1000]
        first, last = math.log10(counts[0]), math.log10(counts[-1])
        air = max(0.05 * (last - first), 0.15)
        self.below.places = [math.log10(count) for count in counts]
        self.box.setXRange(first - air, last + air, padding=0)
        metrics = QFontMetricsF(mono(self.font().pointSizeF() * 0.84))
        words = self.left.tickStrings(self.left.places, 1.0, 1.0)
        self.left.setWidth(max(metrics.horizontalAdvance(word) for word in words) + 10)


class PressurePlots(QWidget):
    """All measures of one workload."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.plots = [PressurePlot(measure, theme) for measure in MEASURES]
        self._rows: list[Pressure] = []
        self._waiting: list[PressurePlot] = []
        self._turns = QTimer(self)
        self._turns.setInterval(TURN_MS)
        self._turns.timeout.connect(self._next)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(4, 2, 4, 2)
        grid.setSpacing(4)
        for number, plot in enumerate(self.plots):
            plot.setToolTip(f"{plot.measure.help}; for each page reclaimed")
            grid.addWidget(plot, number // COLUMNS, number % COLUMNS)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for plot in self.plots:
            plot.set_theme(theme)

    def show_runs(self, rows: Sequence[Pressure]) -> None:
        """Draw these runs, all of one workload; one plot after another, so that the window answers in between."""
        self._rows, self._waiting = list(rows), list(self.plots)
        self._turns.start()

    @property
    def drawn(self) -> bool:
        """Every plot shows what it was last told to."""
        return not self._waiting

    def _next(self) -> None:
        self._waiting.pop(0).show_runs(self._rows)
        if not self._waiting:
            self._turns.stop()
