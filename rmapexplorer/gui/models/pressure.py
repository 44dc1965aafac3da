"""The runs under memory pressure as a table: what each design paid for a page reclaimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from PySide6.QtCore import QObject, Qt

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.exports.tables import Table, csv_pieces
from rmapexplorer.figures.pressure import Pressure
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.models.base import SORT, Column, Role, TableModel


@frozen
class Measure:
    """One thing that is compared: attribute of Pressure, its title and what it means."""

    key: str
    title: str
    help: str
    unit: str = ""

    def of(self, row: Pressure) -> float:
        """The value for each page reclaimed."""
        return row.per_page(getattr(row, self.key))


MEASURES: tuple[Measure, ...] = (
    Measure("nodes", "nodes visited", "list entries, tree nodes and address spaces looked at"),
    Measure("ptes", "ptes probed", "page table entries looked at"),
    Measure("false_probes", "false probes", "ptes looked at that did not map the page"),
    Measure(
        "copied",
        "copied early",
        "pages copied although nobody wrote to them: by mremap, or when they came back from swap",
    ),
    Measure("missed", "not unmapped", "times a page could not be unmapped since a pte was not found"),
    Measure("metadata", "bytes of metadata", "most bytes of reverse mapping objects at any time", "bytes"),
)
"""What is plotted, each for a page reclaimed."""


class PressureModel(TableModel):
    """One row a run, in the order they came until a title is clicked."""

    COLUMNS = (
        Column(key="workload", title="", help="W4: the fork server. W5: the mremap storm", sample="W4", mono=True),
        Column(key="children", title="children", sample="00,000", right=True, mono=True),
        Column(key="design", title="design", sample="anon_vma_chain", least="anon_vma", stretch=True),
        Column(key="reclaimed", title="reclaimed", help="pages written to swap", sample="000,000", right=True, mono=True,
               rank=1),
        *(Column(key=m.key, title=m.title, help=f"{m.help}; for each page reclaimed", sample="00,000.00", right=True,
                 mono=True) for m in MEASURES),
        Column(key="refused", title="refused", help="operations that failed for want of memory", sample="0000",
               right=True, mono=True, rank=2),
        Column(key="seconds", title="seconds", help="time of the run here", sample="000.00", right=True, mono=True,
               rank=3),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[Pressure] = []

    def count(self) -> int:
        """Runs that are done."""
        return len(self.rows)

    def clear(self) -> None:
        """Forget all runs."""
        self.beginResetModel()
        self.rows = []
        self.endResetModel()

    def add(self, row: Pressure) -> None:
        """One more run is done."""
        self.beginInsertRows(self.index(-1, -1), len(self.rows), len(self.rows))
        self.rows.append(row)
        self.endInsertRows()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; numbers as numbers."""
        if column < 0 or not self.rows:
            return
        self.beginResetModel()
        backwards = order == Qt.SortOrder.DescendingOrder
        self.rows = sorted(self.rows, key=lambda row: self.value(row, self.COLUMNS[column].key), reverse=backwards)
        self.endResetModel()

    def value(self, row: Pressure, key: str) -> Any:
        """What a cell sorts by."""
        measure = next((m for m in MEASURES if m.key == key), None)
        if measure is not None:
            return measure.of(row)
        if key == "design":
            return [kind.key for kind in DESIGNS].index(row.design)
        return getattr(row, key)

    def cell(self, row: int, column: int, role: int) -> Any:
        """One run in one column."""
        run, key = self.rows[row], self.COLUMNS[column].key
        if role == Role.DisplayRole:
            if key in ("workload", "design"):
                return getattr(run, key)
            value = self.value(run, key)
            return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
        if role == SORT:
            return self.value(run, key)
        if role == Role.ToolTipRole:
            return f"{run.workload}, {run.children:,} children, {run.design}: RAM for {run.ram:,} of {run.working_set:,} pages"
        if role == Role.DecorationRole and key == "design" and self.theme is not None:
            return marker(run.design, self.theme)
        if role == Role.ForegroundRole:
            if key == "design" and self.theme is not None:
                return self.theme.design(run.design)
            return self.tone("dim" if key in ("workload", "seconds", "refused") else "text")
        return None


def as_csv(rows: Sequence[Pressure]) -> str:
    """All runs with all their numbers, sums and per page reclaimed."""
    sums = ("workload", "design", "children", "working_set", "ram", "reclaimed", *(m.key for m in MEASURES), "refused",
            "seconds")  # fmt: skip
    head = (*sums, *(f"{m.key}_per_page" for m in MEASURES))
    cells = [[*(str(getattr(row, name)) for name in sums), *(f"{m.of(row):.6g}" for m in MEASURES)] for row in rows]
    return "".join(csv_pieces(Table(head=head, rows=cells)))
