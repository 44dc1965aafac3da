"""What each design costs, over the operations: a row of plots, or the same figures at the cursor as a table.

pyqtgraph is imported after the view was first shown, so that the window is there before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, QSize, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QStackedLayout, QToolButton, QWidget

from rmapexplorer.engine.frames import Frame, Metric, MetricRows
from rmapexplorer.engine.metrics import KEYS, METRICS
from rmapexplorer.gui.curves import CurveStore, figure
from rmapexplorer.gui.models.base import Column, Role, TableModel
from rmapexplorer.gui.panel import HeaderButton, Panel, scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes

if TYPE_CHECKING:
    from rmapexplorer.gui.overhead_plot import MetricPlot

DEFAULT = ("bytes", "probe_nodes", "pages_copied")
MOST_PLOTS = 6
NO_DATA = "Curves appear with the first operation."


class MetricButton(HeaderButton):
    """A plot's title that is also the choice of what it shows."""

    chosen = Signal(str)

    def __init__(self, key: str, parent: QWidget | None = None) -> None:
        super().__init__("", parent=parent)
        self.setFont(scaled(self.font(), 1.08, bold=True))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu, group = QMenu(self), QActionGroup(self)
        menu.setToolTipsVisible(True)
        seen = ""
        for metric in METRICS:
            if metric.group != seen:
                menu.addSection(metric.group)
                seen = metric.group
            action = menu.addAction(metric.title)
            action.setData(metric.key)
            action.setToolTip(metric.help)
            action.setCheckable(True)
            group.addAction(action)
        menu.triggered.connect(self._picked)
        self.setMenu(menu)
        self.set_key(key)

    def set_key(self, key: str) -> None:
        """Show ``key`` without telling anyone."""
        metric = METRICS[KEYS.index(key)]
        self.setText(metric.title)
        self.setToolTip(f"{metric.help} ({metric.unit}). Click to plot something else")
        self.setAccessibleName(f"Plotted: {metric.title}")
        for action in self.menu().actions():
            action.setChecked(action.data() == key)
        self.updateGeometry()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No air at the sides: the words stand where other panels' titles do."""
        return super().sizeHint() - QSize(10, 0)

    def set_theme(self, theme: Theme) -> None:
        """As a title: in the colour of text, not dim."""
        super().set_theme(theme)
        self._dim = theme.color("text")

    def _picked(self, action: QAction) -> None:
        self.set_key(action.data())
        self.chosen.emit(action.data())


class PlotCard(Panel):
    """A panel with one plot, empty until pyqtgraph is there."""

    removed = Signal()

    def __init__(self, key: str, store: CurveStore) -> None:
        super().__init__("")
        self._store, self.key = store, key
        self.plot: MetricPlot | None = None
        self.button = MetricButton(key)
        self.button.chosen.connect(self.set_key)
        self.set_title_widget(self.button)
        self.reset = HeaderButton("reset view", "Show all operations and values again")
        self.reset.setVisible(False)
        self.close_button = HeaderButton("−", "Take this plot away")
        for button in (self.reset, self.close_button):
            self.header_layout().addWidget(button)
        self.close_button.clicked.connect(self.removed)
        self.setObjectName(f"plot-{key}")
        self.set_key(key)

    @property
    def measure(self) -> Metric:
        """What is plotted."""
        return METRICS[KEYS.index(self.key)]

    def set_key(self, key: str) -> None:
        """Plot another metric."""
        self.key = key
        self.button.set_key(key)
        self.set_hint(self.measure.unit)
        if self.plot is not None:
            self.plot.set_metric(self.measure, KEYS.index(key))

    def build(self, theme: Theme) -> MetricPlot:
        """Make the plot."""
        from rmapexplorer.gui.overhead_plot import MetricPlot

        self.plot = MetricPlot(self._store, self.measure, KEYS.index(self.key), theme)
        self.plot.zoomed.connect(self.reset.setVisible)
        self.reset.clicked.connect(self.plot.home)
        self.set_body(self.plot)
        return self.plot


class ValuesModel(TableModel):
    """Designs by metrics at one position."""

    COLUMNS = (
        Column(key="design", title="design", sample="anon_vma_chain", least="anon_vma", stretch=True),
        *(
            Column(
                key=m.key, title=m.title, help=f"{m.help} ({m.unit})", sample="000.0 KiB", right=True, mono=True, rank=2
            )
            for m in METRICS
        ),
    )

    def __init__(self, store: CurveStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._position, self._rows = store, 0, 0

    def renew(self, position: int) -> None:
        """Other values, or other designs."""
        self._position = position
        if len(self._store.designs) != self._rows:
            self.beginResetModel()
            self._rows = len(self._store.designs)
            self.endResetModel()
        self.touch_rows(0, self._rows - 1)

    def count(self) -> int:
        """Number of designs."""
        return self._rows

    def cell(self, row: int, column: int, role: int) -> Any:
        """One value with its unit."""
        design = self._store.designs[row] if row < len(self._store.designs) else ""
        if column == 0:
            if role == Role.ForegroundRole and self.theme is not None:
                return self.theme.design(design)
            return design if role == Role.DisplayRole else None
        if role == Role.DisplayRole:
            return figure(float(self._store.at(self._position)[column - 1, row]), METRICS[column - 1].unit)
        return METRICS[column - 1].help if role == Role.ToolTipRole else None


class Overhead(QWidget):
    """The row of plots. ``seek_requested`` carries the position clicked."""

    seek_requested = Signal(int)
    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("overhead")
        self.setAccessibleName("Overhead of the designs")
        self.store = CurveStore(len(METRICS))
        self.cards: list[PlotCard] = []
        self._theme, self._position, self._loaded, self._dirty = themes.current, 0, False, False
        self._log = False
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
        plots.setLayout(self._row)
        self._tools = QWidget(self)
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(0)
        self.log_button = HeaderButton("log", "Scale of the values: log10(1 + value), zero stays zero")
        self.log_button.setCheckable(True)
        self.table_button = HeaderButton("table", "The values at the cursor as a table")
        self.add_button = HeaderButton("+", "Add a plot")
        for button in (self.log_button, self.table_button, self.add_button):
            tools.addWidget(button)
        self.log_button.toggled.connect(self.set_log)
        self.table_button.clicked.connect(lambda: self.show_table(True))
        self.add_button.clicked.connect(lambda: self.add_plot(self._unplotted()))
        self._table.setModel(self._values)
        self._table.setAccessibleName("Values of all designs at the cursor")
        self._plan = ColumnPlan(self._table, self._table.header(), self._values)
        self.twin = Panel("Values")
        self.twin.set_body(self._table)
        self.curves_button = HeaderButton("curves", "Back to the plots")
        self.curves_button.clicked.connect(lambda: self.show_table(False))
        self.twin.header_layout().addWidget(self.curves_button)
        self._pages.addWidget(plots)
        self._pages.addWidget(self.twin)

    # -- data ---------------------------------------------------------------------------------------------------------

    def apply(self, rows: MetricRows) -> None:
        """Take rows of the curves; drawn at most once for all that arrive together."""
        if self.store.apply(rows):
            self._renew_soon()

    def set_frame(self, frame: Frame) -> None:
        """Move the cursor to the frame's position."""
        if frame.generation > self.store.generation:
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
        self.twin.set_theme(theme)
        for card in self.cards:
            card.set_theme(theme)
            if card.plot is not None:
                card.plot.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Load the plots once the window is painted."""
        super().showEvent(event)
        if not self._loaded:
            QTimer.singleShot(0, self, self.load)

    def load(self) -> None:
        """Make the plots now."""
        self._loaded = True
        for card in self.cards:
            if card.plot is None:
                self._make(card)

    # -- plots --------------------------------------------------------------------------------------------------------

    def add_plot(self, key: str) -> None:
        """Another plot at the right, up to MOST_PLOTS."""
        if len(self.cards) >= MOST_PLOTS:
            return
        card = PlotCard(key, self.store)
        card.removed.connect(lambda: self.remove_plot(card))
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

    def set_log(self, log: bool) -> None:
        """Scale of all plots' values."""
        self._log = log
        self.log_button.setChecked(log)
        for card in self.cards:
            if card.plot is not None:
                card.plot.set_log(log)

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
        plot.set_log(self._log)
        plot.set_position(self._position)
        plot.seek.connect(self.seek_requested)
        plot.toggled.connect(self.toggle)
        plot.hover.connect(self._hovered)
        plot.ranged.connect(lambda span: self._ranged(card, span))
        card.reset.clicked.connect(self._home)

    def _place_tools(self) -> None:
        self.cards[-1].header_layout().addWidget(self._tools)
        self._tools.show()
        self.add_button.setEnabled(len(self.cards) < MOST_PLOTS)
        for card in self.cards:
            card.close_button.setVisible(len(self.cards) > 1)
            card.set_theme(self._theme)

    def _hovered(self, position: int) -> None:
        for card in self.cards:
            if card.plot is not None:
                card.plot.set_hovered(position)

    def _ranged(self, source: PlotCard, span: tuple[float, float]) -> None:
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
            QTimer.singleShot(0, self, self.renew)

    def renew(self) -> None:
        """Draw what has arrived."""
        self._dirty = False
        for card in self.cards:
            card.set_empty(NO_DATA if not self.store.length else None)
            if card.plot is not None:
                card.plot.renew()
        self._renew_table()

    def _renew_table(self) -> None:
        if self._pages.currentIndex() == 1:
            self.twin.set_title(f"Values after operation {self._position:,}")
            self._values.renew(self._position)
            self._plan.plan()
