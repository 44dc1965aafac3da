"""The table twin of a picture: what is drawn as rows that can be sorted, read aloud and copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from rmapexplorer.gui.models.base import Column, Role, TableModel
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import RowTable

Target = tuple[int, int] | None


class TwinModel(TableModel):
    """Columns of numbers or words; sorting makes an order, nothing is copied."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values: list[np.ndarray] = []
        self._targets: Sequence[Target] = ()
        self._order = np.empty(0, np.int64)
        self._sorted = (-1, Qt.SortOrder.AscendingOrder)

    def set_table(self, heads: Sequence[str], values: list[np.ndarray], targets: Sequence[Target]) -> None:
        """Show these; the order chosen stays where the columns do."""
        self.beginResetModel()
        if tuple(heads) != tuple(column.title for column in self.COLUMNS):
            self._sorted = (-1, Qt.SortOrder.AscendingOrder)
        self.COLUMNS = tuple(
            Column(key=head, title=head, right=column.dtype != object, mono=column.dtype != object)
            for head, column in zip(heads, values, strict=True)
        )
        self._values, self._targets = values, targets
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        number, order = self._sorted
        count = len(self._values[0]) if self._values else 0
        self._order = np.arange(count)
        if 0 <= number < len(self._values):
            column = self._values[number]
            keys = np.array([str(word) for word in column]) if column.dtype == object else column
            self._order = np.argsort(keys, kind="stable")
            if order == Qt.SortOrder.DescendingOrder:
                self._order = self._order[::-1]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By one column."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        old = self._order
        self._sorted = (column, order)
        self._arrange()
        place = np.empty(len(old), np.int64)
        place[self._order] = np.arange(len(old))
        self.changePersistentIndexList(before, [self.index(int(place[old[at.row()]]), at.column()) for at in before])
        self.layoutChanged.emit()

    def count(self) -> int:
        """Rows."""
        return len(self._order)

    def cell(self, row: int, column: int, role: int) -> Any:
        """Words, or numbers with separators."""
        if role in (Role.DisplayRole, Role.ToolTipRole):
            value = self._values[column][self._order[row]]
            text = value if isinstance(value, str) else f"{int(value):,}"
            return plain_tip(text) if role == Role.ToolTipRole else text
        return None

    def target(self, row: int) -> Target:
        """What the row selects."""
        at = int(self._order[row])
        return self._targets[at] if at < len(self._targets) else None


class TwinTable(RowTable):
    """Enter, or a click, selects what the row stands for."""

    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self.model_ = TwinModel(self)
        self.setModel(self.model_)
        self.setObjectName("structures_table")
        self.setAccessibleName("What the picture shows, as a table")
        self.setSelectionBehavior(RowTable.SelectionBehavior.SelectRows)
        self.setSortingEnabled(True)
        self.header().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.clicked.connect(self._choose)
        self.activated.connect(self._choose)
        self.model_.modelReset.connect(self._widths)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As small as the pictures."""
        return QSize(120, 60)

    def _widths(self) -> None:
        metrics = self.fontMetrics()
        for number, column in enumerate(self.model_.COLUMNS):
            rows = range(0, self.model_.count(), max(1, self.model_.count() // 40))
            words = [str(self.model_.cell(row, number, Role.DisplayRole)) for row in rows]
            wide = max([metrics.horizontalAdvance(word) for word in [*words, column.title + " ▾"]])
            self.header().resizeSection(number, min(wide + 26, 320))
        self.header().setStretchLastSection(True)

    def _choose(self, index: QModelIndex) -> None:
        target = self.model_.target(index.row())
        if target is not None:
            self._selection.select(*target)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """The menu of what the row stands for."""
        index = self.indexAt(event.pos())
        target = self.model_.target(index.row()) if index.isValid() else None
        if target is not None:
            self._selection.select(*target)
            pid, vpn = target
            values = {"pid": pid, "vpn": vpn} if vpn >= 0 else {"pid": pid}
            self.context_requested.emit("vma" if vpn >= 0 else "process", values, event.globalPos())
