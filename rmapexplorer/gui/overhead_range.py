"""What lies between the markers A and B: a bar that names them and can take them away, and a table of statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from rmapexplorer.core.metrics import KEYS, METRICS
from rmapexplorer.gui.curves import CurveStore, figure, signed
from rmapexplorer.gui.filter_bar import Chip
from rmapexplorer.gui.models.base import Column, Role, TableModel, plural
from rmapexplorer.gui.panel import ElidedLabel, HeaderButton, Panel, tone
from rmapexplorer.gui.tables import ColumnPlan, CopyTable
from rmapexplorer.gui.theme import Theme
from rmapexplorer.plain import tab_separated

NO_RANGE = "Set marker A and marker B (Time menu, or A and B in a plot): their statistics stand here."


class RangeBar(QWidget):
    """One line below the plots while a marker is set."""

    requested = Signal(str, dict)
    zoom_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Markers A and B")
        self.where = ElidedLabel()
        tone(self.where, "dim")
        self.chip = Chip()
        self.chip.setToolTip("Take the markers away; the history shows everything again")
        self.buttons = {
            "statistics": HeaderButton("statistics", "Smallest, mean, largest value of every curve from A to B"),
            "zoom": HeaderButton("zoom", "Show only the operations from A to B"),
            "diff_markers": HeaderButton("what changed…", "What changed from A to B: processes, vmas, structures"),
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 10, 0)
        row.addWidget(self.chip)
        row.addWidget(self.where, 1)
        for id_, button in self.buttons.items():
            row.addWidget(button)
            if id_ != "zoom":
                button.clicked.connect(lambda _=False, name=id_: self.requested.emit(name, {}))
        self.buttons["zoom"].clicked.connect(self.zoom_requested)
        self.chip.clicked.connect(lambda: self.requested.emit("markers_clear", {}))
        self.setVisible(False)

    def set_markers(self, a: int | None, b: int | None) -> None:
        """Name them; hidden where none is set."""
        self.setVisible(a is not None or b is not None)
        both = a is not None and b is not None
        self.chip.setText(f"{range_text(a, b)}  ✕")
        self.chip.setAccessibleName(f"{range_text(a, b)}; press to take the markers away")
        self.chip.updateGeometry()
        self.where.setText(
            f"{plural(abs(b - a), 'operation')} between them; the differences stand behind the names"
            if a is not None and b is not None else
            f"Set marker {'A' if a is None else 'B'} too: then every plot tells the difference"
        )  # fmt: skip
        for button in self.buttons.values():
            button.setVisible(both)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.chip.set_theme(theme)
        for button in self.buttons.values():
            button.set_theme(theme)


def range_text(a: int | None, b: int | None) -> str:
    """``A 12 · B 40``, without what is not set."""
    return " · ".join(f"{name} {at:,}" for name, at in (("A", a), ("B", b)) if at is not None)


class StatisticsModel(TableModel):
    """A row for each curve; each figure is computed when it is first looked at."""

    COLUMNS = (
        Column(key="metric", title="curve", sample="probe: ptes missed", least="rmap met…"),
        Column(key="design", title="design", sample="anon_vma_chain", least="anon_vma", stretch=True),
        *(
            Column(key=key, title=title, help=help_, sample="000,000,000", least="0,000.00", right=True, mono=True, rank=rank)
            for key, title, help_, rank in (
                ("a", "at A", "value at marker A", 1), ("b", "at B", "value at marker B", 1),
                ("delta", "B − A", "the difference", 0), ("min", "min", "smallest value from A to B", 1),
                ("mean", "mean", "mean over the positions from A to B", 1),
                ("p95", "p95", "95 of 100 positions have at most this", 2),
                ("max", "max", "largest value from A to B", 1),
                ("sum", "sum", "sum over the positions; for figures of single operations", 2),
            )
        ),
    )  # fmt: skip

    def __init__(self, store: CurveStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._curves: list[tuple[int, int]] = []
        self._span = (0, 0)
        self._known: dict[tuple[int, int], dict[str, float]] = {}

    def renew(self, metrics: Sequence[str], a: int, b: int) -> None:
        """Other curves, or another range; ``b`` may lie before ``a``."""
        shown = [n for n, design in enumerate(self._store.designs) if design not in self._store.hidden]
        curves = [(KEYS.index(key), design) for key in dict.fromkeys(metrics) for design in shown]
        self._known.clear()
        self._span = (a, b)
        if curves != self._curves:
            self.beginResetModel()
            self._curves = curves
            self.endResetModel()
        self.touch_rows(0, len(curves) - 1)

    def count(self) -> int:
        """Number of curves."""
        return len(self._curves)

    def figures(self, row: int) -> dict[str, float]:
        """All figures of one curve, by key of their column; NaN where nothing was measured."""
        curve = self._curves[row]
        if curve not in self._known:
            self._known[curve] = statistics(self._store.values(*curve), *self._span)
        return self._known[curve]

    def cell(self, row: int, column: int, role: int) -> Any:
        """One figure with its unit."""
        metric, design = self._curves[row]
        key, name = self.COLUMNS[column].key, self._store.designs[design]
        if role == Role.ForegroundRole and self.theme is not None:
            return self.theme.design(name) if key == "design" else self._tone(row, key)
        if role == Role.ToolTipRole and key == "metric":
            return METRICS[metric].help
        if role != Role.DisplayRole:
            return None
        if key in ("metric", "design"):
            return METRICS[metric].title if key == "metric" else name
        value = self.figures(row)[key]
        return signed(value, METRICS[metric].unit) if key == "delta" else figure(value, METRICS[metric].unit)

    def _tone(self, row: int, key: str) -> Any:
        if key != "delta":
            return self.tone("text")
        delta = self.figures(row)["delta"]
        return self.tone("bad" if delta > 0 else "good" if delta < 0 else "dim")

    def tsv(self) -> str:
        """The table as tab-separated text, figures in full."""
        keys = [column.key for column in self.COLUMNS[2:]]
        lines = [["curve", "unit", "design", *(column.title for column in self.COLUMNS[2:])]]
        for row, (metric, design) in enumerate(self._curves):
            values = ["" if v != v else f"{v:.12g}" for v in (self.figures(row)[key] for key in keys)]
            lines.append([METRICS[metric].title, METRICS[metric].unit, self._store.designs[design], *values])
        return tab_separated(lines) + "\n"


def statistics(values: np.ndarray, a: int, b: int) -> dict[str, float]:
    """Figures of one curve from position ``a`` to ``b``, both included; NaN positions do not count."""
    last = len(values) - 1
    low, high = max(min(a, b), 0), min(max(a, b), last)
    part = values[low : high + 1]
    known = part[~np.isnan(part)]
    found = dict.fromkeys(("a", "b", "delta", "min", "mean", "p95", "max", "sum"), float("nan"))
    if not len(known):
        return found
    found["a"], found["b"] = (float(values[min(max(p, 0), last)]) for p in (a, b))
    found["delta"] = found["b"] - found["a"]
    found["min"], found["max"] = float(known.min()), float(known.max())
    found["mean"], found["sum"] = float(known.mean()), float(known.sum())
    at = min(int(np.ceil(0.95 * len(known))) - 1, len(known) - 1)
    found["p95"] = float(np.partition(known, max(at, 0))[max(at, 0)])
    return found


class Statistics(QWidget):
    """The panel with the table; ``left`` leads back to the plots."""

    left = Signal()

    def __init__(self, store: CurveStore, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = StatisticsModel(store, self)
        self.table = CopyTable()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Statistics from marker A to marker B")
        self.table.copied.connect(self.copy)
        self._plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.panel = Panel("Statistics from A to B")
        self.panel.set_body(self.table)
        self.copy_button = HeaderButton("copy", "Copy the table as tab-separated text")
        self.back_button = HeaderButton("curves", "Back to the plots")
        for button, slot in ((self.copy_button, self.copy), (self.back_button, self.left.emit)):
            self.panel.header_layout().addWidget(button)
            button.clicked.connect(slot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.panel)
        self.setFocusProxy(self.table)

    def renew(self, metrics: Sequence[str], a: int | None, b: int | None) -> None:
        """Show these curves between the markers; what to do where one is not set."""
        if a is None or b is None:
            self.panel.set_empty(NO_RANGE)
            self.panel.set_hint("")
            return
        self.panel.set_empty(None)
        self.panel.set_hint(f"{range_text(a, b)} · {plural(abs(b - a) + 1, 'position')}")
        self.model.renew(metrics, a, b)
        self._plan.plan()

    def copy(self) -> None:
        """The table to the clipboard."""
        QGuiApplication.clipboard().setText(self.model.tsv())

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.table):
            part.set_theme(theme)
