"""The process tree: TaskRows as parents and children. Nodes are birth numbers, so a reused pid is a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Signal

from rmapexplorer.engine.frames import Frame, TaskRows
from rmapexplorer.gui.models.base import DRAW, SORT, Cells, Column, Index, Role, compact, plural
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme

ROOT = -1
"""The invisible parent of processes whose own parent is unknown or gone."""

RESET_ABOVE = 64
"""More processes than this appearing or going in one frame reset the model instead of changing it row by row."""

Forest = dict[int, list[int]]
"""Parent's birth number (or ROOT) -> births of its children, in order of creation."""


def forest(rows: TaskRows) -> Forest:
    """Who is whose child among the processes alive."""
    pids, births = rows.pid.tolist(), rows.birth.tolist()
    birth_of = dict(zip(pids, births, strict=True))
    children: Forest = {ROOT: []}
    for pid, ppid, birth in zip(pids, rows.ppid.tolist(), births, strict=True):
        parent = birth_of.get(ppid, ROOT) if ppid != pid else ROOT
        children.setdefault(parent, []).append(birth)
    return children


def matching(rows: TaskRows, text: str) -> set[int] | None:
    """Births of the processes whose comm contains ``text`` or whose pid begins with it, and of all their ancestors.

    None for an empty text: everything is shown.
    """
    needle = text.strip().lower()
    if not needle:
        return None
    row_of_pid = {pid: row for row, pid in enumerate(rows.pid.tolist())}
    parents, kept = rows.ppid.tolist(), set[int]()
    for row, (pid, comm) in enumerate(zip(rows.pid.tolist(), rows.comm, strict=True)):
        if not (needle in comm.lower() or str(pid).startswith(needle)):
            continue
        at: int | None = row
        while at is not None and at not in kept:
            kept.add(at)
            at = row_of_pid.get(parents[at])
    return {int(rows.birth[row]) for row in kept}


def only(children: Forest, kept: set[int] | None) -> Forest:
    """The forest without the nodes outside ``kept``, which must be closed under parents."""
    if kept is None:
        return children
    return {p: [c for c in cs if c in kept] for p, cs in children.items() if p == ROOT or p in kept}


def preorder(children: Forest) -> Iterable[tuple[int, int, int]]:
    """(parent, place among its siblings, birth), parents first."""
    stack = [(ROOT, i, c) for i, c in reversed(list(enumerate(children.get(ROOT, ()))))]
    while stack:
        parent, place, birth = stack.pop()
        yield parent, place, birth
        stack += [(birth, i, c) for i, c in reversed(list(enumerate(children.get(birth, ()))))]


class TaskTreeModel(Cells, QAbstractItemModel):
    """Processes as a tree. ``internalId`` is the birth number + 1."""

    rebuilt = Signal()
    """After a reset: the view restores expansion and selection."""

    COLUMNS = (
        Column(key="task", title="task", help="comm, pid and what the kinds of pages are", sample="worker 000",
               stretch=True),
        Column(key="pid", title="pid", help="process id", sample="00000", right=True, mono=True, rank=4, shown=False),
        Column(key="vmas", title="vmas", help="vmas of its address space", sample="00", right=True, mono=True, rank=1),
        Column(key="pages", title="pages", help="resident anonymous pages", sample="0.0k", right=True, mono=True,
               rank=1),
        Column(key="swap", title="swap", help="pages swapped out", sample="000", right=True, mono=True, rank=3),
        Column(key="kinds", title="kinds", help="anonymous, file and swapped pages, on one scale",
               sample="000000", rank=2),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: TaskRows | None = None
        self._row: dict[int, int] = {}
        self._children: Forest = {ROOT: []}
        self._parent: dict[int, int] = {}
        self._place: dict[int, int] = {}
        self._filter = ""
        self._largest = 1
        self._stamp = (-1, -1)
        self.fresh: set[int] = set()
        self._limit = ""
        """Births that appeared with the last step forward."""

    # -- what views ask -------------------------------------------------------------------------------------------

    def row_of(self, index: Index) -> int:
        """Row of TaskRows, -1 for a process that is just going."""
        return self._row.get(index.internalId() - 1, -1)

    def birth(self, index: Index) -> int:
        """Birth number of the process at ``index``."""
        return index.internalId() - 1

    def pid(self, index: Index) -> int:
        """pid of the process at ``index``; 0 where there is none."""
        row = self.row_of(index) if index.isValid() else -1
        return int(self._rows.pid[row]) if self._rows is not None and row >= 0 else 0

    def find(self, pid: int) -> QModelIndex:
        """Where a pid is shown; invalid where it is not alive or filtered out."""
        if self._rows is None:
            return QModelIndex()
        at = np.flatnonzero(self._rows.pid == pid)
        return self.at(int(self._rows.birth[at[0]])) if len(at) else QModelIndex()

    def at(self, birth: int) -> QModelIndex:
        """Index of a birth number, invalid where it is not shown."""
        if birth not in self._place:
            return QModelIndex()
        return self.createIndex(self._place[birth], 0, birth + 1)

    def births(self) -> list[int]:
        """All births shown, parents first."""
        return [birth for _, _, birth in preorder(self._children)]

    @property
    def total(self) -> int:
        """Processes alive, shown or not."""
        return len(self._row)

    @property
    def any_swap(self) -> bool:
        """True where some process has pages in swap."""
        return self._rows is not None and bool(self._rows.swap_pages.any())

    # -- Qt's questions ---------------------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        """Index of a child."""
        siblings = self._children.get(self._id(parent), ())
        if not (0 <= row < len(siblings) and 0 <= column < len(self.COLUMNS)):
            return QModelIndex()
        return self.createIndex(row, column, siblings[row] + 1)

    def parent(self, index: Index = None) -> Any:  # type: ignore[assignment,override]
        """Index of the parent; without an argument QObject's parent."""
        if index is None:
            return QObject.parent(self)
        up = self._parent.get(self._id(index), ROOT)
        return self.createIndex(self._place[up], 0, up + 1) if up != ROOT else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008
        """Number of children."""
        return 0 if parent.column() > 0 else len(self._children.get(self._id(parent), ()))

    def cell(self, row: int, column: int, role: int) -> Any:
        """One process in one column."""
        rows = self._rows
        if rows is None or row < 0:
            return None
        key = self.COLUMNS[column].key
        if role in (Role.DisplayRole, SORT):
            return self._text(rows, row, key, role)
        if role == DRAW:
            return self._drawn(rows, row, key)
        if role == Role.ToolTipRole:
            return plain_tip(self._tip(rows, row))
        if role == Role.AccessibleTextRole and key == "task":
            return self._tip(rows, row).replace("\n", ", ")
        if role == Role.ForegroundRole and key in ("pid", "swap"):
            return self.tone("dim")
        return None

    def _text(self, rows: TaskRows, row: int, key: str, role: int) -> Any:
        if key == "task":
            return rows.comm[row] or "?"
        if key == "kinds":
            return None if role == Role.DisplayRole else int(rows.anon_pages[row] + rows.file_pages[row])
        names = {"pid": rows.pid, "vmas": rows.vmas, "pages": rows.anon_pages, "swap": rows.swap_pages}
        number = int(names[key][row])
        return number if role == SORT else str(number) if key == "pid" else compact(number)

    def _drawn(self, rows: TaskRows, row: int, key: str) -> Any:
        if key == "task":
            return int(rows.pid[row]), int(rows.birth[row]) in self.fresh
        if key == "kinds":
            return int(rows.anon_pages[row]), int(rows.file_pages[row]), int(rows.swap_pages[row]), self._largest
        return None

    def _tip(self, rows: TaskRows, row: int) -> str:
        parts = [
            f"{rows.comm[row] or '?'}, pid {rows.pid[row]}, parent {rows.ppid[row] or 'none'}",
            f"{plural(int(rows.vmas[row]), 'vma')}{self._limit}, {plural(int(rows.threads[row]), 'thread')}",
            f"{rows.anon_pages[row]:,} anonymous and {rows.file_pages[row]:,} file pages",
            f"{rows.swap_pages[row]:,} pages in swap",
        ]
        if int(rows.birth[row]) in self.fresh:
            parts.append("new with the last operation")
        return "\n".join(parts)

    def _id(self, index: Index) -> int:
        return index.internalId() - 1 if index.isValid() else ROOT

    # -- frames and filter --------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Colours from now on."""
        self.theme = theme

    def set_filter(self, text: str) -> None:
        """Show only the processes that match ``text``, and their ancestors."""
        if text.strip() != self._filter:
            self._filter = text.strip()
            if self._rows is not None:
                self._reset(self._wanted(self._rows))

    def set_frame(self, frame: Frame) -> None:
        """Take the processes of ``frame``: in place where little changed."""
        rows, before = frame.tasks, self._rows
        limit = frame.machine.max_map_count
        self._limit = f" of {limit:,}" if limit is not None else ""
        stamp = (frame.generation, frame.position)
        self._mark_fresh(rows, stamp)
        if rows is before:
            return
        self._rows = rows
        self._row = {birth: row for row, birth in enumerate(rows.birth.tolist())}
        totals = rows.anon_pages + rows.file_pages + rows.swap_pages
        self._largest = max(int(totals.max()) if len(totals) else 0, 1)
        if before is not None and _same_tree(before, rows) and not self._filter:
            self._changed(before, rows)
            return
        self._restructure(self._wanted(rows))

    def _mark_fresh(self, rows: TaskRows, stamp: tuple[int, int]) -> None:
        if stamp == self._stamp:
            return
        forward = stamp[0] == self._stamp[0] and stamp[1] > self._stamp[1] >= 0
        old, self.fresh = self.fresh, set(rows.birth.tolist()) - set(self._row) if forward and self._row else set()
        self._stamp = stamp
        for birth in old:
            if birth in self._place:
                self.dataChanged.emit(self.at(birth), self.at(birth))

    def _wanted(self, rows: TaskRows) -> Forest:
        return only(forest(rows), matching(rows, self._filter))

    def _restructure(self, wanted: Forest) -> None:
        parents = {c: p for p, cs in wanted.items() for c in cs}
        gone = [b for b in self._parent if b not in parents]
        come = [b for b in parents if b not in self._parent]
        moved = any(self._parent[b] != p for b, p in parents.items() if b in self._parent)
        if moved or len(gone) + len(come) > RESET_ABOVE:
            self._reset(wanted)
            return
        self._remove(set(gone))
        self._insert(wanted, set(come))
        if self._children.get(ROOT, []) != wanted.get(ROOT, []) or self._unlike(wanted):
            self._reset(wanted)
            return
        self._repaint_all()

    def _unlike(self, wanted: Forest) -> bool:
        return any(self._children.get(p, []) != cs for p, cs in wanted.items())

    def _reset(self, wanted: Forest) -> None:
        self.beginResetModel()
        self._children = {p: list(cs) for p, cs in wanted.items()}
        self._parent = {c: p for p, cs in wanted.items() for c in cs}
        self._place = {c: i for cs in wanted.values() for i, c in enumerate(cs)}
        self.endResetModel()
        self.rebuilt.emit()

    def _remove(self, gone: set[int]) -> None:
        for birth in [b for b in gone if self._parent[b] not in gone]:
            up, place = self._parent[birth], self._place[birth]
            self.beginRemoveRows(self.at(up) if up != ROOT else QModelIndex(), place, place)
            self._children[up].pop(place)
            self._renumber(up, place)
            self._forget(birth)
            self.endRemoveRows()

    def _forget(self, birth: int) -> None:
        stack = [birth]
        while stack:
            b = stack.pop()
            stack += self._children.pop(b, [])
            del self._parent[b], self._place[b]

    def _insert(self, wanted: Forest, come: set[int]) -> None:
        if not come:
            return
        for up, place, birth in list(preorder(wanted)):
            if birth not in come:
                continue
            siblings = self._children.setdefault(up, [])
            place = min(place, len(siblings))
            self.beginInsertRows(self.at(up) if up != ROOT else QModelIndex(), place, place)
            siblings.insert(place, birth)
            self._parent[birth] = up
            self._renumber(up, place)
            self.endInsertRows()

    def _renumber(self, up: int, start: int) -> None:
        for place, birth in enumerate(self._children[up][start:], start):
            self._place[birth] = place

    def _changed(self, before: TaskRows, after: TaskRows) -> None:
        names = ("vmas", "anon_pages", "file_pages", "swap_pages", "threads")
        differs = np.zeros(len(after.pid), dtype=bool)
        for name in names:
            differs |= getattr(before, name) != getattr(after, name)
        births = after.birth[differs].tolist()
        births += [b for b, x, y in zip(after.birth.tolist(), before.comm, after.comm, strict=True) if x != y]
        self._repaint(births)

    def _repaint_all(self) -> None:
        self._repaint(list(self._place))

    def _repaint(self, births: list[int]) -> None:
        spread: dict[int, list[int]] = {}
        for birth in births:
            spread.setdefault(self._parent[birth], []).append(self._place[birth])
        last = len(self.COLUMNS) - 1
        for up, places in spread.items():
            siblings, low, high = self._children[up], min(places), max(places)
            self.dataChanged.emit(
                self.createIndex(low, 0, siblings[low] + 1), self.createIndex(high, last, siblings[high] + 1)
            )


def _same_tree(a: TaskRows, b: TaskRows) -> bool:
    return len(a.birth) == len(b.birth) and bool((a.birth == b.birth).all() and (a.ppid == b.ppid).all())
