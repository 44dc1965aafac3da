"""The values of all designs at one position, as a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from rmapexplorer.core.metrics import METRICS
from rmapexplorer.gui.curves import CurveStore, figure
from rmapexplorer.gui.models.base import Column, Role, TableModel


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
