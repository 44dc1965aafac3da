"""One plot of the overhead with its frame: the title chooses what is plotted, and on which scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from rmapexplorer.core.metrics import KEYS, METRICS, Metric
from rmapexplorer.gui.curves import CurveStore
from rmapexplorer.gui.panel import HeaderButton, Panel, scaled
from rmapexplorer.gui.theme import Theme

if TYPE_CHECKING:
    from rmapexplorer.gui.overhead_plot import MetricPlot

PER = {"": "total", "pages": "page", "processes": "process"}
"""What the values may be divided by: a metric, and how the choice is worded."""


class MetricButton(HeaderButton):
    """A plot's title that is also the choice of what it shows."""

    chosen = Signal(str)
    log_wanted = Signal(bool)

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
        menu.addSection("scale")
        self.log_action = menu.addAction("logarithmic")
        self.log_action.setCheckable(True)
        self.log_action.setToolTip("log10(1 + value) in this plot: zero stays zero")
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
            if action is not self.log_action:
                action.setChecked(action.data() == key)
        self.updateGeometry()

    def set_theme(self, theme: Theme) -> None:
        """As a title: in the colour of text, not dim."""
        super().set_theme(theme)
        self._dim = theme.color("text")

    def _picked(self, action: QAction) -> None:
        if action is self.log_action:
            self.log_wanted.emit(action.isChecked())
            return
        self.set_key(action.data())
        self.chosen.emit(action.data())


class PlotCard(Panel):
    """A panel with one plot, empty until pyqtgraph is there."""

    removed = Signal()

    def __init__(self, key: str, store: CurveStore) -> None:
        super().__init__("")
        self._store, self.key, self.log = store, key, False
        self.plot: MetricPlot | None = None
        self.wanted = False
        """Somebody asked for it: it keeps its place even where all its values are 0."""
        self.button = MetricButton(key)
        self.button.chosen.connect(self._choose)
        self.button.log_wanted.connect(self.set_log)
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

    def _choose(self, key: str) -> None:
        self.wanted = True
        self.set_key(key)

    def set_key(self, key: str) -> None:
        """Plot another metric."""
        self.key = key
        self.button.set_key(key)
        self.tell_unit()
        if self.plot is not None:
            self.plot.set_metric(self.measure, KEYS.index(key))

    def set_log(self, log: bool) -> None:
        """Scale of the values of this plot."""
        self.log = log
        self.button.log_action.setChecked(log)
        self.tell_unit()
        if self.plot is not None:
            self.plot.set_log(log)

    def tell_unit(self) -> None:
        """The unit, per what, and the scale where it is not linear, at the right of the header."""
        divided = self._store.divided(KEYS.index(self.key))
        per = f" per {PER[KEYS[self._store.per]]}" if divided else ""
        self.set_hint(f"{self.measure.unit}{per}{', log' if self.log else ''}")

    def build(self, theme: Theme) -> MetricPlot:
        """Make the plot."""
        from rmapexplorer.gui.overhead_plot import MetricPlot

        self.plot = MetricPlot(self._store, self.measure, KEYS.index(self.key), theme)
        self.plot.zoomed.connect(self.reset.setVisible)
        self.reset.clicked.connect(self.plot.home)
        self.set_body(self.plot)
        return self.plot
