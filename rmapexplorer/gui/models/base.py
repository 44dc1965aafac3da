"""What all item models share: columns, the one way from an index to ``cell(row, column, role)``, and number formats."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme, mono

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole

SORT = Role.UserRole + 1
"""The cell as a number (or text) to sort by."""
DRAW = Role.UserRole + 2
"""What a delegate needs beyond the text; its type is the column's business."""
STATE = Role.UserRole + 3
"""How the whole row is drawn: "" or "current"."""

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@frozen(kw_only=True)
class Column:
    """One column of a model.

    :param sample: text as wide as the column should be. :param least: as short as it may be elided (ranks 0 to 2).
    :param whole: never elided, gets its room first. :param rank: 0 is always shown, higher ranks give way first where
    room is short.
    :param stretch: takes the room that is left.
    """

    key: str
    title: str
    help: str = ""
    sample: str = "0000"
    least: str = ""
    right: bool = False
    mono: bool = False
    rank: int = 0
    whole: bool = False
    stretch: bool = False
    shown: bool = True


def alignment(column: Column) -> Qt.AlignmentFlag:
    """Where text stands in the cells of a column."""
    return _RIGHT if column.right else _LEFT


class Cells:
    """Mixin for models: ``COLUMNS``, ``row_of(index)`` and ``cell(row, column, role)`` are all a model has to give."""

    COLUMNS: tuple[Column, ...] = ()
    theme: Theme | None = None

    def row_of(self, index: Index) -> int:
        """The number ``cell`` is called with."""
        return index.row()

    def cell(self, row: int, column: int, role: int) -> Any:
        """The value of one cell for one role; None where there is none."""
        raise NotImplementedError

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Alignment and face come from the column, everything else from ``cell``."""
        if not index.isValid():
            return None
        if role == Role.TextAlignmentRole:
            return int(alignment(self.COLUMNS[index.column()]))
        if role == Role.FontRole:
            return mono() if self.COLUMNS[index.column()].mono else None
        found = self.cell(self.row_of(index), index.column(), role)
        return plain_tip(found) if role == Role.ToolTipRole and isinstance(found, str) else found

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Titles and what the columns mean."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.COLUMNS):
            return None
        column = self.COLUMNS[section]
        answers = {
            Role.DisplayRole: column.title,
            Role.ToolTipRole: column.help or None,
            Role.TextAlignmentRole: int(alignment(column)),
        }
        return answers.get(Role(role))

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """The same everywhere; tables have no children."""
        return len(self.COLUMNS)

    def column(self, key: str) -> int:
        """Number of the column called ``key``; ValueError if there is none."""
        return [c.key for c in self.COLUMNS].index(key)

    def tone(self, token: str) -> Any:
        """A colour token for ForegroundRole; None before a theme is set."""
        return self.theme.color(token) if self.theme is not None else None


class TableModel(Cells, QAbstractTableModel):
    """A flat model. Subclasses give ``count()``."""

    def count(self) -> int:
        """Number of rows."""
        return 0

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Rows of the table; cells have none."""
        return 0 if parent.isValid() else self.count()

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Columns of the table; cells have none."""
        return 0 if parent.isValid() else len(self.COLUMNS)

    def set_theme(self, theme: Theme) -> None:
        """Colours from now on."""
        self.theme = theme
        self.touch_rows(0, self.count() - 1)

    def touch_rows(self, first: int, last: int) -> None:
        """Tell the views that these rows (both included) look different."""
        first, last = max(first, 0), min(last, self.count() - 1)
        if first <= last:
            self.dataChanged.emit(self.index(first, 0), self.index(last, len(self.COLUMNS) - 1))


def compact(number: int) -> str:
    """A count in at most five letters: 999, 1.2k, 35k, 1.0M. The exact figure belongs into the tooltip."""
    size = abs(number)
    if size < 1000:
        return str(number)
    for limit, scale, letter in ((999_500, 1e3, "k"), (999_500_000, 1e6, "M"), (float("inf"), 1e9, "G")):
        if size < limit:
            value = number / scale
            return f"{value:.1f}{letter}" if abs(value) < 9.95 else f"{value:.0f}{letter}"
    raise AssertionError(number)


def plural(number: int, noun: str) -> str:
    """``1 page``, ``2,000 pages``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
