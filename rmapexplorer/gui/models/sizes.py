"""Every structure of every design with its size, and how many of them there are now."""

from __future__ import annotations

from typing import Any

from attrs import evolve, frozen
from PySide6.QtCore import QObject, Qt

from rmapexplorer.core.sizes import I386, X86_64
from rmapexplorer.core.structures import Structure
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.designs.structure_sizes import design_sizes, world_sizes
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.models.base import SORT, Column, Role, TableModel
from rmapexplorer.plain import tab_separated

NONE = "–"


@frozen(kw_only=True)
class Row:
    """One structure. ``objects`` and ``bytes`` are those of now, -1 where the design does not run."""

    design: str
    world: str
    structure: Structure
    objects: int = -1
    bytes: int = -1

    @property
    def kind(self) -> str:
        """The kernel's name."""
        return self.structure.name

    def size(self, arch: str) -> int:
        """Bytes of one; -1 where no figure is known."""
        size = self.structure.bytes_on(arch)
        return -1 if size is None else size

    def on_slab(self, arch: str) -> int:
        """How many lie on a slab of one page; -1 for what is a part of other structures or does not fit."""
        number = self.structure.per_page(arch)
        return -1 if number is None else number

    @property
    def inside(self) -> bool:
        """It is a part of another structure and has no slab of its own."""
        return not self.structure.home

    @property
    def source(self) -> str:
        """Where the sizes are from; both, where the two architectures have different ones."""
        return self.structure.source


def all_rows() -> list[Row]:
    """Every structure of every design in the form that is tried first, oldest design first, nothing running."""
    rows: dict[tuple[str, str], Row] = {}
    for kind in DESIGNS:
        for found in design_sizes(kind):
            rows.setdefault((kind.key, found.name), Row(design=kind.key, world=kind.key, structure=found))
    return list(rows.values())


class SizeModel(TableModel):
    """Sorted and filtered here; ``set_frame`` fills in what lives now."""

    COLUMNS = (
        Column(key="design", title="design", help="whose structure it is", sample="anon_vma_chain mm", least="anonmm"),
        Column(key="kind", title="structure", help="the kernel's name",
               sample="swap_address (in mm_struct)", least="anon_vma"),
        Column(key="i386", title="i386", help="bytes of one on i386", sample="000", right=True, mono=True, rank=3),
        Column(key="x86_64", title="x86_64", help="bytes of one on x86_64", sample="000", right=True, mono=True,
               rank=2),
        Column(key="objects", title="now", help="objects at the operation shown", sample="00,000", right=True,
               mono=True, whole=True),
        Column(key="bytes", title="bytes", help="bytes of them", sample="000,000", right=True, mono=True, rank=1),
        Column(key="slab", title="per slab page", help="objects on a slab of one page: i386 / x86_64",
               sample="000 / 000", right=True, mono=True, rank=4),
        Column(key="source", title="source", help="where the sizes are from", sample="field list of include/linux/rmap.h",
               rank=5, stretch=True),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._static = all_rows()
        self._of_world: dict[str, dict[str, Structure]] = {}
        self._all = list(self._static)
        self.rows = list(self._all)
        self._needle, self._by = "", (-1, Qt.SortOrder.AscendingOrder)

    @property
    def total(self) -> int:
        """Structures there are, filter or not."""
        return len(self._all)

    def count(self) -> int:
        """Rows shown."""
        return len(self.rows)

    def set_frame(self, frame: Frame) -> None:
        """Count what lives in each world; of a design that runs several times, each has its rows."""
        rows: list[Row] = []
        for row in self._static:
            worlds = [state for state in frame.designs if state.key.partition(":")[0] == row.design]
            for state in worlds:
                mine = [f for f in state.footprint if f.kind == row.kind]
                rows.append(
                    evolve(row, world=state.key, structure=self._sizes(state.key).get(row.kind, row.structure),
                           objects=sum(f.objects for f in mine), bytes=sum(f.bytes for f in mine))
                )  # fmt: skip
            rows += [] if worlds else [row]
        if rows != self._all:
            self._all = rows
            self._arrange()

    def _sizes(self, key: str) -> dict[str, Structure]:
        # those of a world are the same at every operation
        if key not in self._of_world:
            self._of_world[key] = {found.name: found for found in world_sizes(key)}
        return self._of_world[key]

    def set_filter(self, text: str) -> None:
        """Show only rows that contain ``text`` in any column."""
        self._needle = text.strip().lower()
        self._arrange()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; numbers as numbers."""
        self._by = (column, order)
        self._arrange()

    def _arrange(self) -> None:
        rows = [row for row in self._all if self._needle in self._words(row).lower()]
        column, order = self._by
        if column >= 0:
            rows.sort(key=lambda row: self._key(row, column), reverse=order == Qt.SortOrder.DescendingOrder)
        if len(rows) == len(self.rows) and [(r.world, r.kind) for r in rows] == [(r.world, r.kind) for r in self.rows]:
            self.rows = rows
            self.touch_rows(0, len(rows) - 1)
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def _words(self, row: Row) -> str:
        return " ".join(self.shown(row, column.key) for column in self.COLUMNS)

    def _key(self, row: Row, column: int) -> Any:
        key = self.COLUMNS[column].key
        numbers = {"i386": row.size(I386), "x86_64": row.size(X86_64), "objects": row.objects, "bytes": row.bytes,
                   "slab": row.on_slab(I386)}  # fmt: skip
        if key == "design":
            return [kind.key for kind in DESIGNS].index(row.design), row.world
        return numbers.get(key, self.shown(row, key).lower())

    def shown(self, row: Row, key: str) -> str:
        """The words of one cell."""
        if key in (I386, X86_64):
            size = row.size(key)
            return str(size) if size >= 0 else NONE
        if key == "slab":
            pair = [row.on_slab(arch) for arch in (I386, X86_64)]
            return " / ".join(str(n) if n >= 0 else NONE for n in pair) if max(pair) >= 0 else NONE
        if key in ("objects", "bytes"):
            value = getattr(row, key)
            return f"{value:,}" if value >= 0 else NONE
        if key == "design":
            return " ".join([row.design, *(p.partition("=")[2] for p in row.world.partition(":")[2].split(",") if p)])
        return str(getattr(row, key))

    def text(self, rows: list[int]) -> str:
        """A line of titles and these rows, separated by tabs."""
        lines = [[column.title for column in self.COLUMNS]]
        lines += [[self.shown(self.rows[row], column.key) for column in self.COLUMNS] for row in rows]
        return tab_separated(lines)

    def cell(self, row: int, column: int, role: int) -> Any:
        """One structure in one column."""
        one, key = self.rows[row], self.COLUMNS[column].key
        if role == Role.DisplayRole:
            return self.shown(one, key)
        if role == SORT:
            return self._key(one, column)
        if role == Role.ToolTipRole:
            part = "\nA part of another structure: it has no slab of its own." if one.inside else ""
            return f"{one.kind} of {one.world}\n{one.source}{part}"
        if role == Role.DecorationRole and key == "design" and self.theme is not None:
            return marker(one.world, self.theme)
        if role == Role.ForegroundRole:
            return self.tone("dim" if key in ("source", "slab") or one.objects < 0 else "text")
        return None
