"""The table twin of the memory map: every vma of every process as a row, for those who rather read than look."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, QPoint, Signal
from PySide6.QtWidgets import QWidget

from rmapexplorer.core.flags import perms
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import places
from rmapexplorer.gui.models.base import SORT, Column, Role, TableModel
from rmapexplorer.gui.owner_words import owner_word
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme


class MapModel(TableModel):
    """Rows are the vmas of all processes, in the order of the map; nothing is copied from the frame."""

    COLUMNS = (
        Column(key="pid", title="pid", help="the process", right=True, mono=True, sample="000000", whole=True),
        Column(key="comm", title="process", help="its name", sample="a-server", rank=1),
        Column(key="start", title="start", help="first page number", right=True, mono=True, sample="7fffffffe"),
        Column(key="end", title="end", help="the page number after the last", right=True, mono=True, sample="7fffffffe"),
        Column(key="perms", title="perms", help="r read, w write, x execute, p private, s shared", sample="rwxp",
               mono=True, rank=1),
        Column(key="pgoff", title="pgoff", help="vm_pgoff: page number within the file; of an anonymous vma where it "
               "was first mapped", right=True, mono=True, sample="7fffffffe", rank=2),
        Column(key="anon", title="anon_vma", help="the object of the design that the vma hangs on", right=True,
               mono=True, sample="A0000", rank=2),
        Column(key="pages", title="pages", help="resident pages, anonymous and file", right=True, mono=True, rank=3),
        Column(key="shared", title="shared", help="resident pages that more than one pte maps", right=True, mono=True,
               rank=4),
        Column(key="swap", title="swap", help="pages swapped out", right=True, mono=True, rank=5),
        Column(key="name", title="name", help="what is mapped", sample="/usr/lib/x86", rank=6, stretch=True),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._frame: Frame | None = None

    def count(self) -> int:
        """Number of vmas."""
        return len(self._frame.vmas.start) if self._frame is not None else 0

    def set_frame(self, frame: Frame) -> None:
        """Show all vmas of ``frame``."""
        before = self._frame
        if before is not None and len(before.vmas.start) == len(frame.vmas.start):
            self._frame = frame
            self.touch_rows(0, self.count() - 1)
            return
        self.beginResetModel()
        self._frame = frame
        self.endResetModel()

    def task_of(self, row: int) -> int:
        """Row of TaskRows of the vma in a row."""
        assert self._frame is not None
        return int(np.searchsorted(self._frame.vmas.first, row, side="right")) - 1

    def target(self, row: int) -> tuple[int, Span]:
        """(pid, span) of the vma in a row."""
        assert self._frame is not None
        v = self._frame.vmas
        return int(self._frame.tasks.pid[self.task_of(row)]), Span(int(v.start[row]), int(v.end[row]))

    def row_with(self, pid: int, vpn: int) -> int:
        """Row of the vma of ``pid`` that covers page number ``vpn``; -1 for none."""
        if self._frame is None or vpn < 0:
            return -1
        v = self._frame.vmas
        tasks = np.flatnonzero(self._frame.tasks.pid == pid)
        if not len(tasks):
            return -1
        low, high = int(v.first[tasks[0]]), int(v.first[tasks[0] + 1])
        at = low + int(np.searchsorted(v.start[low:high], vpn, side="right")) - 1
        return at if at >= low and vpn < v.end[at] else -1

    def cell(self, row: int, column: int, role: int) -> Any:
        """One vma in one column."""
        key = self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return self._text(row, key)
        if role == SORT:
            return row
        if role == Role.ForegroundRole and self.theme is not None:
            number = self._number(row, "anon")
            if key == "anon":
                return self.theme.family(number) if number >= 0 else self.theme.color("faint")
            return self.theme.color("dim") if key in ("perms", "pgoff", "swap", "shared", "name") else None
        return None

    def _number(self, row: int, name: str) -> int:
        assert self._frame is not None
        column = getattr(self._frame.vmas, name)
        return int(column[row]) if row < len(column) else 0

    def _text(self, row: int, key: str) -> str:
        frame = self._frame
        assert frame is not None
        if key in ("pid", "comm"):
            task = self.task_of(row)
            return str(frame.tasks.pid[task]) if key == "pid" else frame.tasks.comm[task]
        if key == "perms":
            return perms(self._number(row, "flags"))
        if key in ("start", "end"):
            return places.shown().at(self._number(row, key))
        if key == "pgoff":
            return f"{self._number(row, key):x}"
        if key == "anon":
            number = self._number(row, "anon")
            return owner_word(frame.view, number, "–")
        if key == "name":
            file, label = self._number(row, "file"), self._number(row, "label")
            return frame.files[file] if file >= 0 else frame.labels[label] if label >= 0 else ""
        if key == "pages":
            return f"{self._number(row, 'anon_pages') + self._number(row, 'file_pages'):,}"
        return f"{self._number(row, {'swap': 'swap_pages', 'shared': 'shared_pages'}[key]):,}"


class MapTable(RowTable):
    """The table itself. Told of frames only while it shows."""

    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection, self._following = selection, False
        self.map_model = MapModel(self)
        self.setModel(self.map_model)
        self.setAccessibleName("Memory map as a table")
        self.setObjectName("memory_map_table")
        self.plan = ColumnPlan(self, self.header(), self.map_model)
        self.selectionModel().currentRowChanged.connect(self._picked)
        self.customContextMenuRequested.connect(self._menu)
        selection.changed.connect(self._follow)

    def set_frame(self, frame: Frame) -> None:
        """Show all vmas of ``frame``."""
        self._following = True
        self.map_model.set_frame(frame)
        self._following = False
        self.plan.plan()
        self._follow(self._selection.pid, self._selection.vpn)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        super().set_theme(theme)
        self.map_model.set_theme(theme)

    def _follow(self, pid: int, vpn: int) -> None:
        row = self.map_model.row_with(pid, vpn) if self.isVisible() else -1
        if row >= 0 and row != self.currentIndex().row():
            self._following = True
            self.selectRow(row)
            self.scrollTo(self.map_model.index(row, 0))
            self._following = False

    def _picked(self, now: QModelIndex, before: QModelIndex) -> None:
        if self._following or not now.isValid():
            return
        pid, span = self.map_model.target(now.row())
        if not (self._selection.pid == pid and self._selection.vpn in span):
            self._selection.select(pid, span.start)

    def _menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        if index.isValid():
            pid, span = self.map_model.target(index.row())
            where = self.viewport().mapToGlobal(place)
            self.context_requested.emit("vma", {"pid": pid, "span": span, "vpn": span.start}, where)
