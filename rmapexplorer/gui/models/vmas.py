"""The vmas of one process as a table, and as the text of /proc/PID/maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, Qt

from rmapexplorer.core.flags import GROWSDOWN, SHARED, WORDS, perms
from rmapexplorer.core.units import PAGE_SHIFT
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import places
from rmapexplorer.gui.memory_geometry import moved
from rmapexplorer.gui.models.base import DRAW, SORT, Column, Role, TableModel, compact, plural
from rmapexplorer.gui.owner_words import owner_word

COPIED = ("birth", "start", "end", "pgoff", "flags", "file", "label", "anon", "links", "anon_pages", "file_pages",
          "swap_pages")  # fmt: skip


def words(flags: int) -> str:
    """The flags by their kernel names: ``VM_READ | VM_WRITE``."""
    return " | ".join(word for bit, word in WORDS.items() if flags & bit) or "no flags"


def maps_line(start: int, end: int, flags: int, pgoff: int, name: str, file: bool) -> str:
    """One line as /proc/PID/maps prints it, addresses in bytes; device and inode are not simulated and stay 0."""
    offset = pgoff << PAGE_SHIFT if file else 0
    head = f"{start << PAGE_SHIFT:08x}-{end << PAGE_SHIFT:08x} {perms(flags)} {offset:08x} 00:00 0 "
    return f"{head:<73}{name}".rstrip() if name else head


def _differing(one: Rows, other: Rows) -> tuple[int, int]:
    # the first and the last of the rows both have that do not show the same: few of a long list, and often out of sight
    count = min(len(one[1]), len(other[1]))
    at, to = one[1][:count], other[1][:count]
    differs = np.zeros(count, bool)
    for name in one[0]:
        differs |= one[0][name][at] != other[0][name][to]
    found = np.flatnonzero(differs)
    return (int(found[0]), int(found[-1])) if len(found) else (0, -1)


Rows = tuple[dict[str, np.ndarray], np.ndarray]
"""Columns of all vmas of a process, and which of them are shown in which order."""


def _marks(cut: dict[str, np.ndarray], frame: Frame, pid: int) -> dict[int, list[str]]:
    # index of a vma -> what the recorded kernel had there instead, a line each
    marks: dict[int, list[str]] = {}
    for d in frame.kernel or ():
        if d.spot is not None and d.spot[0] == pid:
            for at in np.flatnonzero((cut["start"] <= d.spot[1]) & (d.spot[1] < cut["end"])).tolist():
                marks.setdefault(at, []).append(f"kernel 6.18, {d.level}: {d.kernel}; ours: {d.ours}")
    return marks


class VmaModel(TableModel):
    """Rows are the vmas of ``pid`` in the design in view."""

    COLUMNS = (
        Column(key="span", title="start–end", help="from here up to there, in pages or bytes: View > Addresses", mono=True,
               sample="aaaa-aaaa", whole=True),
        Column(key="perm", title="perm", help="r read, w write, x execute, p private, s shared", sample="rwxp",
               mono=True),
        Column(key="pgoff", title="pgoff", help="vm_pgoff: page number within the file; of an anonymous vma where it "
               "was first mapped", right=True, mono=True, rank=8),
        Column(key="anon", title="anon_vma", help="the object of the design that the vma hangs on", sample="■ A0",
               right=True, mono=True),
        Column(key="pages", title="pages", help="resident pages, anonymous and file", right=True, mono=True, rank=3),
        Column(key="file", title="file", help="what is mapped", sample="x86_64-linux-gnu/libc.so.6", least="lib…so.6",
               stretch=True),
        Column(key="links", title="links", help="how many links the design keeps for the vma (avcs, list entries)",
               sample="00", right=True, mono=True, rank=4),
        Column(key="swap", title="swap", help="pages swapped out", sample="000", right=True, mono=True, rank=5),
        Column(key="size", title="size", help="length in pages", sample="0000", right=True, mono=True, rank=7,
               shown=False),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pid = 0
        self._cut: dict[str, np.ndarray] = {}
        self._away = np.empty(0, dtype=bool)
        self._order = np.empty(0, dtype=np.int64)
        self._files: tuple[str, ...] = ()
        self._labels: tuple[str, ...] = ()
        self._view = ""
        self._kernel: dict[int, list[str]] = {}
        self._sort = (0, Qt.SortOrder.AscendingOrder)
        self._filter = ""

    @property
    def total(self) -> int:
        """Number of vmas of the process, those filtered out too."""
        return len(self._cut["start"]) if self._cut else 0

    def set_filter(self, text: str) -> None:
        """Show only vmas that ``text`` fits: a page, an address, a span, A3, part of the name or of the protection."""
        if text.strip() != self._filter:
            self.beginResetModel()
            self._filter = text.strip()
            self._order = self._sorted(self._cut) if self._cut else self._order
            self.endResetModel()

    def count(self) -> int:
        """Number of vmas."""
        return len(self._order)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame, pid: int) -> None:
        """Show the vmas of process ``pid`` (none where it is not alive)."""
        at = np.flatnonzero(frame.tasks.pid == pid)
        low, high = (int(frame.vmas.first[at[0]]), int(frame.vmas.first[at[0] + 1])) if len(at) else (0, 0)
        cut = {name: getattr(frame.vmas, name)[low:high] for name in COPIED}
        order = self._arranged(cut, frame)
        if not self._cut or pid != self.pid:
            self.beginResetModel()
            self._take(cut, frame, pid)
            self._order = order
            self.endResetModel()
            return
        before, had = (self._cut, self._order), (self._kernel, self._files, self._labels, self._view)
        old, new = len(self._order), len(order)
        if new < old:
            self.beginRemoveRows(QModelIndex(), new, old - 1)
            self._order = self._order[:new]
            self.endRemoveRows()
        self._take(cut, frame, pid)
        self._order = order[:old]
        if had == (self._kernel, self._files, self._labels, self._view) and not self._kernel:
            self.touch_rows(*_differing(before, (cut, order)))
        else:
            self.touch_rows(0, min(old, new) - 1)
        if new > old:
            self.beginInsertRows(QModelIndex(), old, new - 1)
            self._order = order
            self.endInsertRows()

    def _take(self, cut: dict[str, np.ndarray], frame: Frame, pid: int) -> None:
        self._cut, self._files, self._labels, self.pid = cut, frame.files, frame.labels, pid
        self._kernel, self._view = _marks(cut, frame, pid), frame.view
        stack = cut["label"] == (frame.labels.index("[stack]") if "[stack]" in frame.labels else -2)
        self._away = moved(cut["start"], cut["pgoff"], cut["flags"], cut["file"]) & ~stack

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Arrange by the numbers of a column."""
        self._sort = (column, order)
        if not self._cut:
            return
        self.layoutAboutToBeChanged.emit()
        places = self.persistentIndexList()
        vmas = [int(self._order[i.row()]) for i in places]
        self._order = self._sorted(self._cut)
        back = {int(vma): row for row, vma in enumerate(self._order)}
        after = [self.index(back[v], i.column()) for v, i in zip(vmas, places, strict=True)]
        self.changePersistentIndexList(places, after)
        self.layoutChanged.emit()

    def _arranged(self, cut: dict[str, np.ndarray], frame: Frame) -> np.ndarray:
        files, labels, self._files, self._labels = self._files, self._labels, frame.files, frame.labels
        order = self._sorted(cut)
        self._files, self._labels = files, labels
        return order

    def _sorted(self, cut: dict[str, np.ndarray]) -> np.ndarray:
        order = np.argsort(self._keys(cut), kind="stable")
        order = order if self._sort[1] == Qt.SortOrder.AscendingOrder else order[::-1]
        return order[self._fitting(cut)[order]] if self._filter else order

    def _fitting(self, cut: dict[str, np.ndarray]) -> np.ndarray:
        """True for each vma that the filter fits."""
        from rmapexplorer.gui.find_search import parse  # not needed before somebody filters

        query = parse(self._filter)
        pairs = zip(cut["file"].tolist(), cut["label"].tolist(), cut["flags"].tolist(), strict=True)
        words = (f"{self._name(file, label)} {perms(flags)}".lower() for file, label, flags in pairs)
        fits = np.fromiter((query.text in word for word in words), bool, len(cut["start"]))
        for page in query.pages:
            fits |= (cut["start"] <= page) & (page < cut["end"])
        if query.span is not None:
            fits |= (cut["start"] < query.span[1]) & (query.span[0] < cut["end"])
        if query.anon >= 0:
            fits |= cut["anon"] == query.anon
        return fits

    def _keys(self, cut: dict[str, np.ndarray]) -> np.ndarray:
        key = self.COLUMNS[self._sort[0]].key if self._sort[0] >= 0 else "span"
        if key == "file":
            pairs = zip(cut["file"].tolist(), cut["label"].tolist(), strict=True)
            return np.array([self._name(f, x) for f, x in pairs], dtype=str)
        if key == "pages":
            return cut["anon_pages"] + cut["file_pages"]
        if key == "size":
            return cut["end"] - cut["start"]
        names = {"span": "start", "perm": "flags", "swap": "swap_pages"}
        return cut[names.get(key, key)]

    def span_of(self, row: int) -> tuple[int, int]:
        """(first page, end page) of the vma in a row."""
        return self._at(row, "start"), self._at(row, "end")

    def vm_flags(self, row: int) -> int:
        """vm_flags of the vma in a row, bits of core.flags."""
        return self._at(row, "flags")

    def row_with(self, vpn: int) -> int:
        """Row of the vma that covers page number ``vpn``; -1 for none."""
        if not len(self._order):
            return -1
        at = np.flatnonzero((self._cut["start"] <= vpn) & (vpn < self._cut["end"]))
        rows = np.flatnonzero(self._order == at[0]) if len(at) else at
        return int(rows[0]) if len(rows) else -1

    def kind(self, row: int) -> str:
        """What the vma is of, as core.operations.KINDS."""
        what = "file" if self._at(row, "file") >= 0 else "anon"
        shared = bool(self._at(row, "flags") & SHARED)
        return f"{what}-shared" if shared else "file-private" if what == "file" else "anon"

    def moved(self, row: int) -> bool:
        """True where mremap left private anonymous memory with the pgoff of another place."""
        return bool(self._away[self._order[row]])

    def any_moved(self) -> bool:
        """True where some row is ``moved``."""
        return bool(self._away.any())

    def differs(self, row: int) -> bool:
        """True where the recorded kernel had something else here."""
        return int(self._order[row]) in self._kernel

    def _exec_moved(self, row: int) -> bool:
        """True for a stack that exec moved to its place, as it does with every one."""
        grows = self._at(row, "flags") & GROWSDOWN or self.name(row) == "[stack]"
        return bool(grows) and self._at(row, "pgoff") not in (0, self._at(row, "start"))

    def idle(self) -> set[str]:
        """Columns that say nothing at the moment: no vma has a page in swap, or a name."""
        if not self._cut:
            return {"swap"}
        named = bool((self._cut["file"] >= 0).any() or (self._cut["label"] >= 0).any())
        return ({"swap"} if not self._cut["swap_pages"].any() else set()) | (set() if named else {"file"})

    def widest(self) -> dict[str, str]:
        """Sample texts as wide as the widest of a column."""
        if not self.count():
            return {}
        last = int(self._cut["end"].max())
        return {"span": places.shown().span(last, last), "pgoff": f"{max(int(self._cut['pgoff'].max()), 0xFFFF):x}"}

    def maps(self, rows: Sequence[int]) -> str:
        """These rows as lines of /proc/PID/maps, in address order."""
        lines = []
        for row in sorted(set(rows), key=lambda r: self._at(r, "start")):
            file = self._at(row, "file") >= 0
            fields = (self._at(row, "flags"), self._at(row, "pgoff"), self.name(row), file)
            lines.append(maps_line(*self.span_of(row), *fields))
        return "\n".join(lines)

    def name(self, row: int) -> str:
        """File or label ([heap], [stack]) of a row; empty for anonymous memory without one."""
        return self._name(self._at(row, "file"), self._at(row, "label"))

    def _name(self, file: int, label: int) -> str:
        return self._files[file] if file >= 0 else self._labels[label] if label >= 0 else ""

    def _at(self, row: int, name: str) -> int:
        return int(self._cut[name][self._order[row]])

    # -- cells --------------------------------------------------------------------------------------------------------

    def cell(self, row: int, column: int, role: int) -> Any:
        """One vma in one column."""
        key = self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return self._text(row, key)
        if role == SORT:
            return self._keys(self._cut)[self._order[row]].item() if column == self._sort[0] else self._at(row, "start")
        if role == DRAW and key == "anon":
            return self._at(row, "anon")
        if role == Role.ToolTipRole:
            return self._tip(row, key)
        if role == Role.AccessibleTextRole and key == "span":
            return self._tip(row, "")
        if role == Role.ForegroundRole:
            return self._colour(row, key)
        return None

    def _text(self, row: int, key: str) -> str:
        if key == "span":
            return places.shown().span(*self.span_of(row))
        if key == "perm":
            return perms(self._at(row, "flags"))
        if key == "pgoff":
            return f"{self._at(row, 'pgoff'):x}"
        if key == "anon":
            return owner_word(self._view, self._at(row, "anon"), "–")
        if key == "file":
            return self.name(row)
        if key == "pages":
            return compact(self._at(row, "anon_pages") + self._at(row, "file_pages"))
        if key == "size":
            return compact(self._at(row, "end") - self._at(row, "start"))
        return compact(self._at(row, {"swap": "swap_pages"}.get(key, key)))

    def _tip(self, row: int, key: str) -> str:
        start, end = self.span_of(row)
        lines = [
            f"{places.shown().span(start, end)}, {plural(end - start, 'page')}{', ' + self.name(row) if self.name(row) else ''}"
        ]
        lines.append(words(self._at(row, "flags")))
        counts = {"anonymous": "anon_pages", "file": "file_pages", "swapped": "swap_pages"}
        lines.append(", ".join(f"{self._at(row, field):,} {word}" for word, field in counts.items()) + " pages")
        if self.moved(row):
            lines.append(f"{self._home(row)}, moved by mremap")
        elif self._exec_moved(row):
            lines.append(f"{self._home(row)}; exec moves every stack to its place")
        lines += map(places.shown().text, self._kernel.get(int(self._order[row]), []))
        if key == "anon" and self._at(row, "anon") < 0:
            lines.append("no anon_vma: nothing was written here yet" if not self.kind(row).startswith("file") else
                         "no anon_vma: found through its file")  # fmt: skip
        return "\n".join(lines)

    def _home(self, row: int) -> str:
        """Where the pgoff of anonymous memory says that it was mapped."""
        pgoff = self._at(row, "pgoff")
        return places.shown().text(f"pgoff {pgoff:x}: mapped at page {pgoff:x}")

    def _colour(self, row: int, key: str) -> Any:
        if self.theme is None:
            return None
        if key == "span" and self.differs(row):
            return self.theme.color("bad")
        if key == "pgoff" and self.moved(row):
            return self.theme.color("warn")
        if key == "anon":
            number = self._at(row, "anon")
            return self.theme.family(number) if number >= 0 else self.theme.color("faint")
        return self.theme.color("dim") if key in ("perm", "pgoff", "file", "links", "swap", "size") else None
