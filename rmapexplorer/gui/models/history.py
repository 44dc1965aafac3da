"""The operations of the current branch as a list. Unfiltered, row 0 is the state before the first of them."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from rmapexplorer.engine.frames import HistoryEntry, PathChanged
from rmapexplorer.gui.models.base import DRAW, STATE, Column, Role, TableModel, plural

START_TEXT = "start: nothing has happened yet"


class Path:
    """The entries of the current branch; ``apply`` is all that changes them."""

    def __init__(self) -> None:
        self.entries: list[HistoryEntry] = []
        self.generation = -1

    def __len__(self) -> int:
        return len(self.entries)

    def apply(self, change: PathChanged) -> int:
        """Take a change; :return: the first position whose entry is new. Older generations are ignored (-1)."""
        if change.generation < self.generation:
            return -1
        keep = change.keep if change.generation == self.generation else 0
        self.generation = change.generation
        del self.entries[keep:]
        self.entries.extend(change.entries)
        return keep + 1


class HistoryModel(TableModel):
    """Number, text and outcome of every operation; ``position`` is marked, what lies after it is dim."""

    COLUMNS = (
        Column(key="position", title="#", help="the state after this many operations", sample="00000", right=True,
               mono=True),
        Column(key="text", title="operation", help="what the system call was told; page numbers in hexadecimal",
               sample="mmap(2, 000-000)", mono=True, whole=True, stretch=True),
        Column(key="outcome", title="outcome", help="errno where it was refused; ≠ where the designs differ",
               sample="EINVAL ≠ 0 unmerged", least="EINVAL ≠"),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = Path()
        self.position = 0
        self._filter = ""
        self._shown: list[int] | None = None

    def count(self) -> int:
        """Rows shown."""
        if self._shown is not None:
            return len(self._shown)
        return len(self.path) + 1 if self.path.generation >= 0 else 0

    def position_of(self, row: int) -> int:
        """Position of the timeline a row stands for."""
        return row if self._shown is None else self._shown[row]

    def row_at(self, position: int) -> int:
        """Row of a position, -1 where it is filtered out."""
        if self._shown is None:
            return position if 0 <= position < self.count() else -1
        return self._shown.index(position) if position in self._shown else -1

    def entry(self, row: int) -> HistoryEntry | None:
        """The operation of a row; None for the start."""
        position = self.position_of(row)
        return self.path.entries[position - 1] if position > 0 else None

    def apply(self, change: PathChanged) -> None:
        """Take a change of the path: rows are removed and appended, never rebuilt, unless a filter is on."""
        if change.generation < self.path.generation:
            return
        if change.generation != self.path.generation or self._shown is not None:
            self.beginResetModel()
            self.path.apply(change)
            self._shown = self._matching() if self._filter else None
            self.endResetModel()
            return
        old = len(self.path)
        if change.keep < old:
            self.beginRemoveRows(self.index(-1, -1), change.keep + 1, old)
            del self.path.entries[change.keep :]
            self.endRemoveRows()
        if change.entries:
            first = len(self.path) + 1
            self.beginInsertRows(self.index(-1, -1), first, first + len(change.entries) - 1)
            self.path.entries.extend(change.entries)
            self.endInsertRows()

    def set_position(self, position: int) -> None:
        """Mark another row as the current one."""
        if position == self.position:
            return
        before, self.position = self.position, position
        rows = [self.row_at(p) for p in (before, position)]
        if -1 in rows:
            self.touch_rows(0, self.count() - 1)
        else:
            self.touch_rows(min(rows), max(rows))

    def set_filter(self, text: str) -> None:
        """Show only operations whose text, errno or rule contains ``text``."""
        needle = text.strip().lower()
        if needle == self._filter:
            return
        self.beginResetModel()
        self._filter = needle
        self._shown = self._matching() if needle else None
        self.endResetModel()

    def _matching(self) -> list[int]:
        needle = self._filter
        return [
            position
            for position, entry in enumerate(self.path.entries, 1)
            if needle in entry.text.lower() or needle in (entry.error or "").lower() or needle in entry.rule.lower()
        ]

    def cell(self, row: int, column: int, role: int) -> Any:
        """One operation in one column."""
        key, position = self.COLUMNS[column].key, self.position_of(row)
        entry = self.entry(row)
        if role == STATE:
            return "current" if position == self.position else ""
        if role == Role.ForegroundRole:
            return self._colour(position, key, entry)
        if role == Role.ToolTipRole:
            return tip(entry)
        if role == DRAW and key == "outcome":
            return self._marks(position, entry)
        if role == Role.DisplayRole:
            if key == "position":
                return str(position)
            if key == "text":
                return entry.text if entry else START_TEXT
            return outcome_text(entry)
        return None

    def _colour(self, position: int, key: str, entry: HistoryEntry | None) -> Any:
        later = position > self.position
        if key == "outcome" and entry is not None and entry.error:
            return self.tone("bad")
        if key == "text" and not later:
            return self.tone("text")
        return self.tone("faint" if later else "dim")

    def _marks(self, position: int, entry: HistoryEntry | None) -> tuple[tuple[str, str], ...]:
        if entry is None:
            return ()
        marks = [(entry.error, "bad")] if entry.error else []
        marks += [("≠", "warn")] if entry.differs else []
        marks += [(f"{entry.refused_merges} unmerged", "warn")] if entry.refused_merges else []
        return tuple(marks)


def outcome_text(entry: HistoryEntry | None) -> str:
    """The outcome in words, for copying and for screen readers."""
    if entry is None:
        return ""
    parts = [entry.error] if entry.error else []
    parts += ["designs differ"] if entry.differs else []
    parts += [f"{plural(entry.refused_merges, 'merge')} refused"] if entry.refused_merges else []
    return ", ".join(parts)


def tip(entry: HistoryEntry | None) -> str:
    """All that is known of an operation, a line each."""
    if entry is None:
        return START_TEXT
    lines = [entry.text]
    lines += [f"{entry.error}: {entry.rule}" if entry.rule else entry.error] if entry.error else []
    lines += ["≠ the outcome differs between the designs"] if entry.differs else []
    lines += [f"{plural(entry.refused_merges, 'merge')} of touching vmas refused"] if entry.refused_merges else []
    return "\n".join(lines)
