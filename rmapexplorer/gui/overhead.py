"""What each design costs, over the operations: a row of plots, or the same figures at the cursor as a table.

pyqtgraph is imported after the view was first shown, so that the window is there before it.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from attrs import evolve
from PySide6.QtCore import QPoint, QSize, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from rmapexplorer.core.metrics import KEYS, METRICS, PROBED
from rmapexplorer.engine.frames import Frame, MetricRows
from rmapexplorer.gui.curves import CurveStore
from rmapexplorer.gui.overhead_card import PER, PlotCard
from rmapexplorer.gui.overhead_range import RangeBar, Statistics
from rmapexplorer.gui.overhead_values import ValuesModel
from rmapexplorer.gui.panel import HeaderButton, HeaderChoice, Panel, wrapped
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes

DEFAULT = ("bytes", "probe_nodes", "copied_by_mremap")
MOST_PLOTS = 6
LETTERS = 30
"""A plot with its scale and the names of its curves is never narrower than so many letters."""
NO_DATA = "Curves appear with the first operation."

AT_LAST_MS = 400
AFTER_FRAME_MS = 30
"""The plotting library takes a quarter of a second to load: the first state is painted before."""

AT_ONCE = 2048
"""Rows taken at once; what comes in larger messages is taken bit by bit, so that no slot takes long."""


class Overhead(QWidget):
    """The row of plots. ``seek_requested`` carries the position clicked."""

    seek_requested = Signal(int)
    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("overhead")
        self.setAccessibleName("Overhead of the designs")
        self.store = CurveStore(len(METRICS), [KEYS.index(key) for key in PER if key], PROBED)
        self.cards: list[PlotCard] = []
        self._squeezed: list[PlotCard] = []
        """Plots for which the width has no room."""
        self._theme, self._position, self._loaded, self._dirty = themes.current, 0, False, False
        self._log = False
        self._coming: deque[MetricRows] = deque()
        self.markers: tuple[int | None, int | None] = (None, None)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(10)
        self._values, self._table = ValuesModel(self.store, self), RowTable()
        self._pages = QStackedLayout(self)
        self._build()
        for key in DEFAULT:
            self.add_plot(key)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        plots = QWidget()
        column = QVBoxLayout(plots)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._row, 1)
        self.bar = RangeBar()
        column.addWidget(self.bar)
        self.bar.requested.connect(self.requested)
        self.bar.zoom_requested.connect(self.zoom)
        self._tools = QWidget(self)
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(0)
        self.log_button = HeaderButton("log", "Scale of the values: log10(1 + value), zero stays zero")
        self.log_button.setCheckable(True)
        self.table_button = HeaderButton("table", "The values at the cursor as a table")
        self.add_button = HeaderButton("+", "Add a plot")
        self.per_choice = HeaderChoice("per", PER)
        self.per_choice.setToolTip("Divide the values by the page frames in use, or by the processes")
        self.zero_button = HeaderButton("", "Nothing but 0 so far: press to plot it all the same")
        self.zero_button.hide()
        self.zero_button.clicked.connect(self.show_zeros)
        self.squeezed_button = HeaderButton("")
        self.squeezed_button.hide()
        self.squeezed_button.clicked.connect(lambda: self.show_table(True))
        for button in (
            self.squeezed_button,
            self.zero_button,
            self.per_choice,
            self.log_button,
            self.table_button,
            self.add_button,
        ):
            tools.addWidget(button)
        self.log_button.clicked.connect(self.set_log)
        self.per_choice.chosen.connect(self.set_per)
        self.table_button.clicked.connect(lambda: self.show_table(True))
        self.add_button.clicked.connect(lambda: self.add_plot(self._unplotted(), wanted=True))
        self._table.setModel(self._values)
        self._table.setAccessibleName("Values of all designs at the cursor")
        self._plan = ColumnPlan(self._table, self._table.header(), self._values)
        self.twin = Panel("Values")
        self.twin.set_body(self._table)
        self.curves_button = HeaderButton("curves", "Back to the plots")
        self.curves_button.clicked.connect(lambda: self.show_table(False))
        self.twin.header_layout().addWidget(self.curves_button)
        self.statistics = Statistics(self.store)
        self.statistics.left.connect(lambda: self.show_table(False))
        for page in (plots, self.twin, self.statistics):
            self._pages.addWidget(page)

    # -- data ---------------------------------------------------------------------------------------------------------

    def apply(self, rows: MetricRows) -> None:
        """Take rows of the curves; drawn at most once for all that arrive together."""
        count = len(rows.values)
        if count <= AT_ONCE and not self._coming:
            if self.store.apply(rows):
                self._renew_soon()
            return
        if not self._coming:
            self.store.reserve(rows, rows.start + count)
            QTimer.singleShot(0, self, self._take)
        for start in range(0, max(count, 1), AT_ONCE):
            part = rows.values[start : start + AT_ONCE]
            self._coming.append(evolve(rows, start=rows.start + start, values=part))

    def _take(self) -> None:
        # one part of what came, then everybody else has a turn
        changed = self.store.apply(self._coming.popleft())
        if self._coming:
            QTimer.singleShot(0, self, self._take)
        if changed:
            self._renew_soon()

    def set_frame(self, frame: Frame) -> None:
        """Move the cursor to the frame's position."""
        if not self._loaded and self.isVisible():
            QTimer.singleShot(AFTER_FRAME_MS, self, self._load_once)
        if frame.generation > self.store.generation and not self._coming:
            self.store.generation = frame.generation
            self.store.clear()
            self._renew_soon()
        if frame.position != self._position:
            self._position = frame.position
            for card in self.cards:
                if card.plot is not None:
                    card.plot.set_position(frame.position)
        self._renew_table()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        self._table.set_theme(theme)
        self._values.set_theme(theme)
        for part in (self.twin, self.bar, self.statistics):
            part.set_theme(theme)
        for card in self.cards:
            card.set_theme(theme)
            if card.plot is not None:
                card.plot.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Load the plots once the window has painted its first state, or a little later where none comes."""
        super().showEvent(event)
        if not self._loaded:
            QTimer.singleShot(AT_LAST_MS, self, self._load_once)

    def _load_once(self) -> None:
        if not self._loaded:
            self.load()

    @property
    def working(self) -> bool:
        """True while it has something to show that is not drawn yet."""
        return self.isVisible() and (not self._loaded or self._dirty or bool(self._coming))

    def load(self) -> None:
        """Make the plots now."""
        self._loaded = True
        for card in self.cards:
            if card.plot is None:
                self._make(card)

    # -- plots --------------------------------------------------------------------------------------------------------

    def add_plot(self, key: str, wanted: bool = False) -> None:
        """Another plot at the right, up to MOST_PLOTS; one that is not ``wanted`` gives way while all of it is 0."""
        if len(self.cards) >= MOST_PLOTS:
            return
        card = PlotCard(key, self.store)
        card.wanted = wanted
        card.removed.connect(lambda: self.remove_plot(card))
        card.button.chosen.connect(self._give_way)
        card.set_log(self._log)
        self.cards.append(card)
        self._row.addWidget(card, 1)
        card.set_theme(self._theme)
        card.set_empty(NO_DATA if not self.store.length else None)
        if self._loaded:
            self._make(card)
        self._place_tools()

    def remove_plot(self, card: PlotCard) -> None:
        """Take a plot away; the last one stays."""
        if len(self.cards) <= 1 or card not in self.cards:
            return
        self.cards.remove(card)
        self._place_tools()
        self._row.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _give_way(self) -> None:
        # plots of nothing but 0 leave their width to the others and are named in the header; one plot stays in any case
        zeros = [card for card in self.cards if not card.wanted and self.store.zero(KEYS.index(card.key))]
        zeros = zeros[1:] if len(zeros) == len(self.cards) else zeros
        squeezed = [card for card in self.cards if card not in zeros][self._fitting() :]
        away = [card for card in self.cards if card in zeros or card in squeezed]
        if (away, squeezed) == ([card for card in self.cards if card.isHidden()], self._squeezed):
            return
        self._squeezed = squeezed
        for card in self.cards:
            card.setVisible(card not in away)
        self._tell_squeezed()
        titles = [card.measure.title for card in zeros]
        self.zero_button.setText(f"{', '.join(titles)}: 0" if len(titles) < 2 else f"{len(titles)} plots: 0")
        self.zero_button.setAccessibleName(f"Show the plots of nothing but 0: {', '.join(titles)}")
        self.zero_button.setVisible(bool(zeros))
        self._place_tools()

    def _tell_squeezed(self) -> None:
        titles = ", ".join(card.measure.title for card in self._squeezed)
        self.squeezed_button.setText(f"{len(self._squeezed)} more")
        tip = (
            f"No room here for {titles}. Press for the values at the cursor, or choose by a plot's title what it shows"
        )
        self.squeezed_button.setToolTip(wrapped(tip))
        self.squeezed_button.setVisible(bool(self._squeezed))

    def _fitting(self) -> int:
        """How many plots the width holds."""
        if not self.isVisible():
            return len(self.cards)
        return max(self.width() // (LETTERS * self.fontMetrics().averageCharWidth()), 1)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Another width holds other plots."""
        super().resizeEvent(event)
        self._give_way()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As narrow as one plot."""
        wide = max(card.minimumSizeHint().width() for card in self.cards)
        return QSize(wide, super().minimumSizeHint().height())

    def show_zeros(self) -> None:
        """Give every plot its place, also where all of it is 0."""
        for card in self.cards:
            card.wanted = True
        self._give_way()

    def set_log(self, log: bool) -> None:
        """Scale of all plots' values."""
        self._log = log
        self.log_button.setChecked(log)
        for card in self.cards:
            card.set_log(log)

    def set_per(self, key: str) -> None:
        """Divide all values by a metric of PER; "" for totals."""
        self.per_choice.set_key(key)
        self.store.per = KEYS.index(key) if key else -1
        for card in self.cards:
            card.tell_unit()
            if card.plot is not None:
                card.plot.set_metric(card.measure, KEYS.index(card.key))
        self._renew_range()
        self._renew_table()

    def set_markers(self, a: int | None, b: int | None) -> None:
        """Where the markers A and B stand; None where one is not set."""
        self.markers = (a, b)
        for card in self.cards:
            if card.plot is not None:
                card.plot.set_markers(self.markers)
        self.bar.set_markers(a, b)
        self._renew_range()

    def zoom(self) -> None:
        """Show the operations from marker A to marker B, in all plots."""
        a, b = self.markers
        if a is not None and b is not None and a != b:
            self._ranged(None, (float(min(a, b)), float(max(a, b))))

    def show_statistics(self) -> None:
        """The curves between the markers as figures, in place of the plots."""
        self._pages.setCurrentWidget(self.statistics)
        self._renew_range()
        self.statistics.setFocus()

    def _renew_range(self) -> None:
        if self._pages.currentWidget() is self.statistics:
            self.statistics.renew(self.plotted(), *self.markers)

    def visible_values(self) -> tuple[tuple[str, ...], int, np.ndarray]:
        """What the plots show as (names of the columns, first position, values [positions, curves]); NaN: not measured."""
        plots = [card.plot for card in self.cards if card.plot is not None and not card.isHidden()]
        first, last = plots[0].box.viewRange()[0] if plots else (0, self.store.length - 1)
        low, high = max(int(first), 0), min(int(last + 1), self.store.length)
        shown = [n for n, design in enumerate(self.store.designs) if design not in self.store.hidden]
        metrics = [KEYS.index(card.key) for card in self.cards if not card.isHidden()]
        per = [f" per {PER[KEYS[self.store.per]]}" if self.store.divided(m) else "" for m in metrics]
        names = [KEYS[m] + share for m, share in zip(metrics, per, strict=True)]
        titles = [f"{self.store.designs[d]} {name}" for name in names for d in shown]
        if high <= low:
            return tuple(titles), low, np.empty((0, len(titles)))
        values = self.store.rows(metrics, low, high)[:, :, shown]
        return tuple(titles), low, values.reshape(len(values), -1)

    def visible_table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """What the plots show as (titles, rows): one row for each operation in sight, one column for each curve."""
        titles, low, values = self.visible_values()
        rows = [(str(low + n), *("" if v != v else f"{v:.12g}" for v in row)) for n, row in enumerate(values.tolist())]
        return ("position", *titles), rows

    def show_table(self, on: bool) -> None:
        """The table instead of the plots."""
        self._pages.setCurrentIndex(1 if on else 0)
        self._renew_table()
        (self.curves_button if on else self.table_button).setFocus()

    def plotted(self) -> list[str]:
        """Keys of the metrics plotted, left to right (for the settings)."""
        return [card.key for card in self.cards]

    def _unplotted(self) -> str:
        return next((key for key in KEYS if key not in self.plotted()), KEYS[0])

    def _make(self, card: PlotCard) -> None:
        plot = card.build(self._theme)
        card.set_empty(NO_DATA if not self.store.length else None)
        plot.set_log(card.log)
        plot.set_position(self._position)
        plot.set_markers(self.markers)
        plot.seek.connect(self.seek_requested)
        plot.toggled.connect(self.toggle)
        plot.hover.connect(self._hovered)
        plot.ranged.connect(lambda span: self._ranged(card, span))
        plot.marked.connect(lambda which, at: self.requested.emit(("marker_a", "marker_b")[which], {"position": at}))
        plot.menu.connect(lambda at, spot: self._open_menu(card, at, spot))
        card.reset.clicked.connect(self._home)

    def _place_tools(self) -> None:
        shown = [card for card in self.cards if not card.isHidden()]
        (shown or self.cards)[-1].header_layout().addWidget(self._tools)
        self._tools.show()
        self.add_button.setEnabled(len(self.cards) < MOST_PLOTS)
        for card in self.cards:
            card.close_button.setVisible(len(self.cards) > 1)
            card.set_theme(self._theme)

    def _hovered(self, position: int) -> None:
        for card in self.cards:
            if card.plot is not None:
                card.plot.set_hovered(position)

    def _open_menu(self, card: PlotCard, position: int, spot: QPoint) -> None:
        from rmapexplorer.gui.overhead_menu import plot_menu

        menu = plot_menu(self, card, position)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(spot)

    def _ranged(self, source: PlotCard | None, span: tuple[float, float]) -> None:
        for card in self.cards:
            if card is not source and card.plot is not None:
                card.plot.set_range(*span)
                card.reset.setVisible(True)

    def _home(self) -> None:
        for card in self.cards:
            if card.plot is not None:
                card.plot.home()

    # -- drawing ------------------------------------------------------------------------------------------------------

    def toggle(self, design: str) -> None:
        """Hide the curves of a design in all plots, or show them again."""
        self.store.hidden ^= {design}
        self.renew()

    def _renew_soon(self) -> None:
        if not self._dirty:
            self._dirty = True
            QTimer.singleShot(0, self, self._renew_fresh)

    def _renew_fresh(self) -> None:
        fresh = self.store.fresh
        self._draw([card for card in self.cards if KEYS.index(card.key) in fresh or self.store.per in fresh])

    def renew(self) -> None:
        """Draw what there is."""
        self._draw(self.cards)

    def _draw(self, cards: list[PlotCard]) -> None:
        self._dirty = False
        self.store.fresh.clear()
        self._give_way()
        for card in cards:
            card.set_empty(NO_DATA if not self.store.length else None)
            if card.plot is not None:
                card.plot.renew()
        self._renew_table()
        self._renew_range()

    def _renew_table(self) -> None:
        if self._pages.currentIndex() == 1:
            self.twin.set_title(f"Values after operation {self._position:,}")
            self._values.renew(self._position)
            self._plan.plan()
