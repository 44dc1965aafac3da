"""The sizes of all structures, with their sources, and what lives now."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.filter_bar import FilterBar, below_filter, opens_filter
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.sizes import SizeModel
from rmapexplorer.gui.panel import HeaderButton, Panel, scaled, tone
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Click: its source · / finds · Ctrl+C copies"


class SizeTable(RowTable):
    """Ctrl+C copies the selected rows, or all; / and Ctrl+F find."""

    find_requested = Signal()
    copy_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The keys above; everything else is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_requested.emit()
        elif opens_filter(event):
            self.find_requested.emit()
        else:
            super().keyPressEvent(event)


class Sizes(QWidget):
    """The panel. Below the table stands where the size of the selected structure is from."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sizes")
        self.setAccessibleName("Sizes of structures")
        self.model = SizeModel(self)
        self.table = SizeTable()
        self.table.setAccessibleName("Sizes")
        self.table.setModel(self.model)
        self.table.setIconSize(QSize(11, 11))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.filter = FilterBar("Find a structure, a design or a source", self.table)
        self.copy_button = HeaderButton("copy", "Copy the table as text (Ctrl+C: the selected rows)")
        self.source = PlainLabel()
        tone(self.source, "dim")
        self.source.setWordWrap(True)
        self.source.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.source.setFont(scaled(self.font(), 0.92))
        self.source.setContentsMargins(9, 5, 9, 2)
        self._build()
        self.table.find_requested.connect(self.filter.open)
        self.table.copy_requested.connect(self._copy_selected)
        self.copy_button.clicked.connect(self.copy_all)
        self.filter.changed.connect(self._filtered)
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._tell())
        self.model.modelReset.connect(self._tell)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)
        self._tell()

    def _build(self) -> None:
        self.panel = Panel("Sizes")
        self.panel.set_body(below_filter(self.filter, self.table, self.source))
        self.panel.set_footer(HINT)
        self.panel.header_layout().addWidget(self.filter.button)
        self.panel.header_layout().addWidget(self.copy_button)
        self.panel.fill(self, self.table)

    def set_frame(self, frame: Frame) -> None:
        """Count what lives at the frame's position."""
        chosen = self.table.currentIndex().row()
        key = (self.model.rows[chosen].world, self.model.rows[chosen].kind) if chosen >= 0 else None
        self.model.set_frame(frame)
        rows = [(row.world, row.kind) for row in self.model.rows]
        if key in rows and self.table.currentIndex().row() < 0:
            self.table.selectRow(rows.index(key))
        self.plan.plan()
        self._tell()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.table, self.filter):
            part.set_theme(theme)

    def copy_all(self) -> None:
        """All rows shown to the clipboard."""
        QGuiApplication.clipboard().setText(self.model.text(list(range(self.model.count()))))

    def _copy_selected(self) -> None:
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        QGuiApplication.clipboard().setText(self.model.text(rows or list(range(self.model.count()))))

    def _filtered(self, text: str) -> None:
        self.model.set_filter(text)
        self._tell()

    def _tell(self) -> None:
        row = self.table.currentIndex().row()
        if 0 <= row < self.model.count():
            one = self.model.rows[row]
            self.source.setText(f"{one.kind}: {one.source}" + (" (a part of another structure)" if one.inside else ""))
        self.source.setVisible(0 <= row < self.model.count())
        self.panel.set_hint(plural(self.model.total, "structure"))
        self.filter.set_count(self.model.count(), self.model.total)
