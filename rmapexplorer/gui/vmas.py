"""The vma table: the selected process as /proc/PID/maps, with what the design in view hangs on every vma."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from rmapexplorer.core.flags import perms
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.filter_bar import FilterBar, below_filter, opens_filter
from rmapexplorer.gui.models.base import DRAW
from rmapexplorer.gui.models.vmas import VmaModel
from rmapexplorer.gui.panel import Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable, TableDelegate
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Right-click to remap, protect, unmap · Ctrl+C copies"
MOVED = "pgoff ≠ address: moved by mremap"


class AnonDelegate(TableDelegate):
    """The number of the anon_vma behind a swatch of its family's colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Text as ever, the swatch left of it."""
        super().paint(painter, option, index)
        number = index.data(DRAW)
        if self._theme is None or number is None or number < 0:
            return
        self.initStyleOption(option, index)
        width = option.fontMetrics.horizontalAdvance(str(index.data()))  # type: ignore[attr-defined]
        rect = QRectF(option.rect)  # type: ignore[attr-defined]
        left = rect.right() - width - 21
        if left > rect.left():
            painter.fillRect(QRectF(left, rect.center().y() - 4, 8, 8), QColor(self._theme.family(number)))


class VmaTable(RowTable):
    """The table itself; Ctrl+C copies the selected rows as text of /proc/PID/maps, / opens the filter."""

    find_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The filter; everything else is a table's."""
        if opens_filter(event):
            self.find_requested.emit()
            return
        super().keyPressEvent(event)

    def rows_text(self) -> str:
        """The selected vmas, or all of them, as /proc/PID/maps prints them."""
        model = self.model()
        assert isinstance(model, VmaModel)
        rows = [index.row() for index in self.selectionModel().selectedRows()]
        return model.maps(rows or range(model.count()))


class Vmas(QWidget):
    """The panel of the selected process's vmas."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("vmas")
        self.setAccessibleName("VMAs of the selected process")
        self._selection = selection
        self._frame: Frame | None = None
        self._following = False
        self.model = VmaModel(self)
        self.table = VmaTable()
        self.table.setAccessibleName("VMA table")
        self.table.setModel(self.model)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # the name of a file is at the end of its path
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self._anon = AnonDelegate(self.table)
        self.table.setItemDelegateForColumn(self.model.column("anon"), self._anon)
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.panel = Panel("VMAs")
        self.filter = FilterBar("Find by page, span, A3, name or rw-p", self.table)
        self._build()
        self.panel.set_empty("Select a process to see its vmas.")
        self.panel.fill(self, self.table)
        self.table.selectionModel().currentRowChanged.connect(self._picked)
        self.table.clicked.connect(self._clicked)
        self.table.customContextMenuRequested.connect(self._menu)
        selection.changed.connect(self._select)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        self.panel.set_body(below_filter(self.filter, self.table, edge=False))
        self.panel.header_layout().addWidget(self.filter.button)
        self.table.find_requested.connect(self.filter.open)
        self.filter.changed.connect(self._filtered)

    # -- frames -------------------------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame) -> None:
        """Show the selected process of ``frame``."""
        self._frame = frame
        self._show()

    def new_session(self) -> None:
        """Another session begins: nothing is hidden."""
        self.filter.reset()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.table, self._anon, self.filter):
            part.set_theme(theme)
        self.table.viewport().update()

    def _select(self, pid: int, vpn: int) -> None:
        if pid != self.model.pid:
            self._show()
        else:
            self._follow()

    def _show(self) -> None:
        if self._frame is None:
            return
        pid, tasks = self._selection.pid, self._frame.tasks
        rows = [row for row, number in enumerate(tasks.pid.tolist()) if number == pid]
        self._following = True
        place = self.table.verticalScrollBar().value() if pid == self.model.pid else 0
        self.model.set_frame(self._frame, pid)
        self.table.verticalScrollBar().setValue(place)
        self._following = False
        self.panel.set_title(f"VMAs of {tasks.comm[rows[0]]} {pid}" if rows else "VMAs")
        self.panel.set_hint(f"/proc/{pid}/maps" if rows else "")
        self.panel.set_empty(self._why_empty(pid, bool(rows)))
        self._say_moved()
        self.plan.samples = self.model.widest()
        self.plan.unwanted = self.model.idle()
        self.plan.plan()
        self._follow()
        self.filter.set_count(self.model.count(), self.model.total)

    def _filtered(self, text: str) -> None:
        self._following = True
        self.model.set_filter(text)
        self._following = False
        self.filter.set_count(self.model.count(), self.model.total)
        self._follow()

    def _why_empty(self, pid: int, alive: bool) -> str | None:
        if alive:
            return None if self.model.total else f"Process {pid} maps nothing. Right-click it to mmap."
        gone = f"Process {pid} is not alive at this operation. Step to another one, or select another process."
        return gone if pid else "Select a process to see its vmas."

    def _say_moved(self) -> None:
        moved = self.model.any_moved()
        self.panel.set_footer(MOVED if moved else HINT if self.model.count() else "")
        self.panel.set_footer_tone("warn" if moved else "dim")

    # -- selection ----------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        row = self.model.row_with(self._selection.vpn) if self._selection.vpn >= 0 else -1
        chosen = self.table.selectionModel()
        self._following = True
        if row < 0:
            chosen.clear()
        elif not chosen.isRowSelected(row, QModelIndex()):
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            chosen.setCurrentIndex(self.model.index(row, 0), flags)
            self.table.scrollTo(self.model.index(row, 0))
            self.table.viewport().update()
        self._following = False

    def _picked(self, now: QModelIndex, before: QModelIndex) -> None:
        if not self._following and now.isValid():
            self._clicked(now)

    def _clicked(self, index: QModelIndex) -> None:
        start, end = self.model.span_of(index.row())
        if not (self._selection.pid == self.model.pid and start <= self._selection.vpn < end):
            self._selection.select(self.model.pid, start)

    def _menu(self, place: QPoint) -> None:
        index, spot = self.table.indexAt(place), self.table.viewport().mapToGlobal(place)
        if not index.isValid():
            self.context_requested.emit("process", {"pid": self.model.pid}, spot)
            return
        row = index.row()
        target = {
            "pid": self.model.pid,
            "span": Span(*self.model.span_of(row)),
            "prot": perms(self.model.vm_flags(row))[:3].replace("-", ""),
            "kind": self.model.kind(row),
        }
        self.context_requested.emit("vma", target, spot)
