"""The difference of two positions as a table: what came, went and changed, with signs and colours, to be copied."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from rmapexplorer.engine.state_diff import ADDED, REMOVED, DiffRow, StateDiff
from rmapexplorer.gui import places
from rmapexplorer.gui.curves import signed
from rmapexplorer.gui.models.base import Column, Role, TableModel
from rmapexplorer.gui.panel import ElidedLabel, HeaderChoice, Panel, tone
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.tables import ColumnPlan, CopyTable
from rmapexplorer.gui.theme import Theme
from rmapexplorer.plain import tab_separated

KINDS = {"": "everything", "process": "processes", "vma": "vmas", "structure": "structures", "curve": "curves"}

SAME = "Nothing changed between the two positions."
NONE_OF_KIND = "None of these changed between the two positions."


class DiffModel(TableModel):
    """The rows of a StateDiff, of one kind or all."""

    COLUMNS = (
        Column(key="sign", title="", help="+ came, − went, ≠ changed", sample="≠"),
        Column(key="kind", title="kind", sample="structure"),
        Column(key="what", title="what", sample="anon_vma_chain 2  aaaaa000-aaaaa0000", least="worker 2  a10-a20",
               mono=True),
        Column(key="design", title="design", sample="anon_vma_chain", least="anon_vma", rank=1),
        Column(key="before", title="before", sample="2,000 vmas, 32,000 pages", least="000,000", rank=1),
        Column(key="after", title="after", sample="flags rw-p ac, pgoff a10, pages 16", least="000,000", rank=1,
               stretch=True),
        Column(key="delta", title="change", help="after minus before: pages of processes and vmas, bytes of structures",
               sample="+000,000 pages", right=True, mono=True),
    )  # fmt: skip

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[DiffRow, ...] = ()
        self.rows: tuple[DiffRow, ...] = ()

    def set_rows(self, rows: tuple[DiffRow, ...], kind: str) -> None:
        """Show these, of one kind or ("") all."""
        self.beginResetModel()
        self._all = rows
        self.rows = tuple(row for row in rows if kind in ("", row.kind))
        self.endResetModel()

    def count(self) -> int:
        """Rows shown."""
        return len(self.rows)

    def cell(self, row: int, column: int, role: int) -> Any:
        """One difference in one column."""
        item, key = self.rows[row], self.COLUMNS[column].key
        if role == Role.ForegroundRole and self.theme is not None:
            return self._tone(item, key)
        if role == Role.ToolTipRole:
            return plain_tip(places.shown().text(f"{item.before or 'not there'}  →  {item.after or 'gone'}"))
        if role != Role.DisplayRole:
            return None
        if key == "delta":
            return change(item)
        text = getattr(item, key)
        return places.shown().text(text) if key in ("what", "before", "after") else text

    def _tone(self, item: DiffRow, key: str) -> Any:
        if key == "sign":
            return self.tone({ADDED: "good", REMOVED: "bad"}.get(item.sign, "warn"))
        if key == "design" and item.design and self.theme is not None:
            return self.theme.design(item.design)
        if key == "delta" and item.delta:
            return self.tone("bad" if item.delta > 0 else "good")
        return self.tone("dim" if key in ("kind", "before", "delta") else "text")

    def tsv(self) -> str:
        """The rows shown as tab-separated text."""
        lines = [["sign", "kind", "what", "design", "before", "after", "change", "unit"]]
        lines += [
            [r.sign, r.kind, r.what, r.design, r.before, r.after, "" if r.delta is None else f"{r.delta:g}", r.unit]
            for r in self.rows
        ]
        return places.shown().text(tab_separated(lines) + "\n")


def change(row: DiffRow) -> str:
    """The change with sign and unit."""
    if row.delta is None:
        return ""
    unit = row.unit.removesuffix("s") if abs(row.delta) == 1 else row.unit
    return signed(row.delta, row.unit) + ("" if row.unit == "bytes" else f" {unit}")


def summary(found: StateDiff) -> str:
    """How much of each kind: ``processes +1 ≠1 · vmas +3``."""
    parts = []
    for kind, (added, removed, changed) in found.counts.items():
        said = [f"{sign}{n:,}" for sign, n in (("+", added), ("−", removed), ("≠", changed)) if n]
        if said:
            parts.append(f"{KINDS[kind]} {' '.join(said)}")
    return " · ".join(parts) or "nothing changed"


class DiffWindow(QDialog):
    """Not modal. ``requested`` selects what a row is about; ``swapped`` asks for the other direction."""

    requested = Signal(str, dict)
    swapped = Signal(int, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("diff")
        self.setWindowTitle("Difference")
        self.found: StateDiff | None = None
        self._theme = theme
        self.one, self.other, self.sums = ElidedLabel(), ElidedLabel(), ElidedLabel()
        tone(self.sums, "dim")
        self.model, self.table = DiffModel(self), CopyTable()
        self.table.setModel(self.model)
        self.table.setAccessibleName("What changed")
        self._plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.kind = HeaderChoice("show", KINDS)
        self.panel = Panel("Difference")
        self.panel.set_body(self.table)
        self.panel.header_layout().addWidget(self.kind)
        self.copy_button, self.swap_button = QPushButton("&Copy"), QPushButton("&Swap the two")
        self._build()
        self.kind.chosen.connect(lambda _: self._show())
        self.copy_button.clicked.connect(self.copy)
        self.table.copied.connect(self.copy)
        self.swap_button.clicked.connect(self._swap)
        self.table.activated.connect(lambda index: self._select(index.row()))
        self.set_theme(theme)
        self.resize(1080, 600)

    def _build(self) -> None:
        column, bottom = QVBoxLayout(self), QHBoxLayout()
        for label in (self.one, self.other):
            column.addWidget(label)
        column.addWidget(self.panel, 1)
        bottom.addWidget(self.sums, 1)
        for button in (self.swap_button, self.copy_button):
            button.setAutoDefault(False)
            bottom.addWidget(button)
        column.addLayout(bottom)
        self.table.setFocus()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        for part in (self.panel, self.table, self.model):
            part.set_theme(theme)

    def show_diff(self, found: StateDiff) -> None:
        """Show another difference."""
        self.found = found
        self.setWindowTitle(f"Difference from operation {found.one:,} to {found.other:,}")
        self.one.setText(f"before:  after operation {found.one:,}   {places.shown().text(found.texts[0])}")
        self.other.setText(f"after:   after operation {found.other:,}   {places.shown().text(found.texts[1])}")
        self.sums.setText(summary(found))
        self._show()

    def _show(self) -> None:
        if self.found is None:
            return
        self.model.set_rows(self.found.rows, self.kind.key)
        total = sum(sum(n) for kind, n in self.found.counts.items() if self.kind.key in ("", kind))
        self.panel.set_hint(f"showing {self.model.count():,} of {total:,} · vmas under {self.found.design}")
        self.panel.set_empty(None if self.model.count() else NONE_OF_KIND if self.found.rows else SAME)
        self.panel.set_footer(
            "Double-click or Enter selects a process or vma · Ctrl+C copies the table" if self.model.count() else ""
        )
        self._plan.plan()

    def copy(self) -> None:
        """The rows shown to the clipboard."""
        QGuiApplication.clipboard().setText(self.model.tsv())

    def _swap(self) -> None:
        if self.found is not None:
            self.swapped.emit(self.found.other, self.found.one)

    def _select(self, row: int) -> None:
        spot = self.model.rows[row].spot
        if spot is not None:
            self.requested.emit("select", {"pid": spot[0], "vpn": spot[1]})
