"""The difference table: a line a figure, a column a design, and how far each is from the first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from attrs import frozen
from PySide6.QtCore import QObject

from rmapexplorer.core.metrics import METRICS
from rmapexplorer.engine.comparison import Comparison
from rmapexplorer.gui.models.base import SORT, Column, Role, TableModel
from rmapexplorer.plain import tab_separated

NONE = "–"


@frozen(kw_only=True)
class Figure:
    """One line: its name, unit and meaning, and a value a design (NaN: not measured)."""

    name: str
    unit: str
    help: str
    values: tuple[float, ...]


def figures(comparison: Comparison) -> list[Figure]:
    """The lines of a comparison: the selected page's walk first, then the metrics at the position."""
    out = []
    walks = [side.walk for side in comparison.sides]
    if any(walks):
        for name, unit, meaning, key in (
            ("walk: nodes", "nodes", "list and tree nodes that the walk of the selected page visits", "nodes"),
            ("walk: ptes", "ptes", "page-table walks of the walk of the selected page", "probes"),
            ("walk: hits", "ptes", "ptes of the selected page that the walk finds", "hits"),
            ("walk: missed", "ptes", "ptes that map the selected page and are not found", "missed"),
        ):
            values = tuple(float(getattr(walk, key)) if walk is not None else math.nan for walk in walks)
            out.append(Figure(name=name, unit=unit, help=meaning, values=values))
    for number, metric in enumerate(METRICS):
        values = tuple(float(value) for value in comparison.metrics[:, number])
        out.append(Figure(name=metric.title, unit=metric.unit, help=metric.help, values=values))
    return out


class DifferenceModel(TableModel):
    """Columns follow the designs compared; everything is compared with the first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Figure] = []
        self.designs: tuple[str, ...] = ()
        self._columns(())

    def _columns(self, titles: tuple[str, ...]) -> None:
        first = Column(key="name", title="figure", help="what is counted", sample="probe: ptes missed",
                       least="walk: nodes")  # fmt: skip
        unit = Column(key="unit", title="unit", sample="allocations", rank=3)
        # a value and its distance need this much together
        rest = tuple(
            Column(key=f"design{n}", title=title, sample="000,000,000" + "  +000,000" * (n > 0), least="0,000 +00",
                   right=True, mono=True)
            for n, title in enumerate(titles)
        )  # fmt: skip
        self.COLUMNS = (first, *rest, unit)

    def count(self) -> int:
        """Lines."""
        return len(self.rows)

    def set_comparison(self, comparison: Comparison) -> bool:
        """Show it; True where the columns are others than before."""
        designs = tuple(side.design for side in comparison.sides)
        rows = figures(comparison)
        same = designs == self.designs and [row.name for row in rows] == [row.name for row in self.rows]
        if same:
            self.rows = rows
            self.touch_rows(0, len(rows) - 1)
            return False
        self.beginResetModel()
        self.rows, self.designs = rows, designs
        self._columns(designs)
        self.endResetModel()
        return True

    def cell(self, row: int, column: int, role: int) -> Any:
        """One figure of one design."""
        figure = self.rows[row]
        key = self.COLUMNS[column].key
        if not key.startswith("design"):
            if role in (Role.DisplayRole, SORT):
                return figure.name if key == "name" else figure.unit
            if role == Role.ToolTipRole:
                return figure.help
            return self.tone("dim" if key == "unit" else "text") if role == Role.ForegroundRole else None
        number = int(key[6:])
        if role == Role.DisplayRole:
            return shown(figure.values, number)
        if role == SORT:
            return figure.values[number]
        if role == Role.ForegroundRole:
            return self.tone(tone_of(figure, number))
        return f"{figure.help}\nunder {self.designs[number]}" if role == Role.ToolTipRole else None

    def text(self) -> str:
        """The whole table as lines of values separated by tabs."""
        lines = [[column.title for column in self.COLUMNS]]
        lines += [
            [str(self.cell(r, c, Role.DisplayRole)) for c in range(len(self.COLUMNS))] for r in range(self.count())
        ]
        return tab_separated(lines)


def shown(values: tuple[float, ...], number: int) -> str:
    """The value, and with a sign how far it is from the first design's."""
    value, first = values[number], values[0]
    if math.isnan(value):
        return NONE
    if number == 0 or math.isnan(first) or value == first:
        return f"{value:,.0f}"
    return f"{value:,.0f}  {value - first:+,.0f}"


def tone_of(figure: Figure, number: int) -> str:
    """Token of a cell: lost ptes are bad; else less than the first is blue, more is amber."""
    values = figure.values
    value = values[number]
    if "missed" in figure.name or "lost" in figure.name:
        return "bad" if value > 0 else "text"
    if number == 0 or bool(np.isnan([value, values[0]]).any()) or value == values[0]:
        return "text"
    if figure.name == "walk: hits":
        return "text"
    return "accent" if value < values[0] else "warn"
