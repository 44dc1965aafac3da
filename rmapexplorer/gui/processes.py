"""The process tree: who is whose child, how many vmas and pages, and of what kind the pages are."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractAnimation,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRectF,
    Qt,
    QVariantAnimation,
    Signal,
)
from PySide6.QtGui import QBrush, QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.filter_bar import FilterBar, below_filter, opens_filter
from rmapexplorer.gui.models.base import DRAW, plural
from rmapexplorer.gui.models.tasks import TaskTreeModel
from rmapexplorer.gui.panel import Panel, scaled
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowDelegate, RowTree
from rmapexplorer.gui.theme import Theme, Themes, mono

FLASH_MS = 360
"""How long a new process lights up."""

HINT = "Right-click a process for fork, exec, exit …"
EMPTY = "No process lives at this operation. Step on, start one with Operate > New process, or open a scenario."


class KindsDelegate(RowDelegate):
    """A bar of anonymous, file and swapped pages (swap hatched), all bars to one scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The bar; at least two pixels for every kind that is there."""
        figures = index.data(DRAW)
        if self._theme is None or figures is None:
            return
        *parts, largest = figures
        room = QRectF(option.rect).adjusted(6, 0, -8, 0)  # type: ignore[attr-defined]
        left, top = room.left(), room.center().y() - 3.5
        brushes = (QBrush(self._theme.family(0)), QBrush(self._theme.color("file")), self._hatch())
        for part, brush in zip(parts, brushes, strict=True):
            if part:
                width = max(2.0, room.width() * part / largest)
                painter.fillRect(QRectF(left, top, width, 7), brush)
                left += width

    def _hatch(self) -> QBrush:
        assert self._theme is not None
        return QBrush(self._theme.color("warn"), Qt.BrushStyle.Dense4Pattern)


class TaskDelegate(RowDelegate):
    """comm, then the pid smaller and dim, then "new"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self.glow = 0.0
        """How far new processes light up, 1 to 0."""

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Three pieces of text, the comm elided first."""
        drawn, theme = index.data(DRAW), self._theme
        if theme is None or drawn is None:
            return
        pid, new = drawn
        rect = option.rect.adjusted(4, 0, -4, 0)  # type: ignore[attr-defined]
        if new and self.glow > 0:
            wash = QColor(theme.color("good"))
            wash.setAlphaF(0.35 * self.glow)
            painter.fillRect(option.rect.adjusted(0, 1, 0, -1), wash)  # type: ignore[attr-defined]
        digits, small = mono(), scaled(option.font, 0.88)  # type: ignore[attr-defined]
        from_metrics = type(option.fontMetrics)  # type: ignore[attr-defined]
        tail = from_metrics(digits).horizontalAdvance(f" {pid}")
        metrics = option.fontMetrics  # type: ignore[attr-defined]
        mark = from_metrics(small).horizontalAdvance("  new")
        new = new and metrics.horizontalAdvance(str(index.data())) + tail + mark + 6 <= rect.width()  # the name first
        tail += mark if new else 0
        comm = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, max(rect.width() - tail - 6, 24))
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for text, font, token in ((comm, option.font, "text"), (f"{pid}", digits, "dim"), ("new", small, "good")):  # type: ignore[attr-defined]
            if token == "good" and not new:
                continue
            painter.setFont(font)
            painter.setPen(theme.color(token))
            painter.drawText(rect, align, text)
            rect = rect.adjusted(painter.fontMetrics().horizontalAdvance(text) + 7, 0, 0, 0)


class ProcessTree(RowTree):
    """The tree itself; typing Ctrl+F or / opens the filter."""

    find_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Find; everything else is Qt's."""
        if opens_filter(event):
            self.find_requested.emit()
            return
        super().keyPressEvent(event)


class Processes(QWidget):
    """The panel of processes. Click or double-click selects, right-click asks for the menu."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("processes")
        self.setAccessibleName("Processes")
        self._selection = selection
        self._collapsed: set[int] = set()
        self._following = self._met = False
        self.model = TaskTreeModel(self)
        self.tree = ProcessTree()
        self.tree.setAccessibleName("Process tree")
        self.tree.setModel(self.model)
        self.tree.setExpandsOnDoubleClick(False)
        self._tasks, self._kinds = TaskDelegate(self.tree), KindsDelegate(self.tree)
        self.tree.setItemDelegateForColumn(self.model.column("task"), self._tasks)
        self.tree.setItemDelegateForColumn(self.model.column("kinds"), self._kinds)
        header = self.tree.header()
        self.plan = ColumnPlan(self.tree, header, self.model)  # type: ignore[arg-type]
        self.filter = FilterBar("Find by pid or name", self.tree)
        self._flash = QVariantAnimation(self, startValue=1.0, endValue=0.0, duration=FLASH_MS)
        self._build()
        self._connect()
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        self.panel = Panel("Processes")
        self.panel.set_body(below_filter(self.filter, self.tree))
        self.panel.header_layout().addWidget(self.filter.button)
        self.panel.set_footer(HINT)
        self.panel.set_empty(EMPTY)
        self.panel.fill(self, self.tree)

    def _connect(self) -> None:
        self.tree.find_requested.connect(self.filter.open)
        self.filter.changed.connect(self._filtered)
        self.tree.selectionModel().currentRowChanged.connect(self._picked)
        self.tree.clicked.connect(self._clicked)
        self.tree.doubleClicked.connect(self._clicked)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.collapsed.connect(lambda index: self._collapsed.add(self.model.birth(index)))
        self.tree.expanded.connect(lambda index: self._collapsed.discard(self.model.birth(index)))
        self.model.rebuilt.connect(self._restore)
        self.model.rowsInserted.connect(self._opened)
        self._selection.changed.connect(self._selected)  # a lambda would outlive the view
        self._flash.valueChanged.connect(self._glow)

    # -- frames -------------------------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame) -> None:
        """Show the processes of ``frame``."""
        before = set(self.model.fresh)
        self._following = True
        self.model.set_frame(frame)
        self._following = False
        count = len(frame.tasks.pid)
        self.panel.set_hint(plural(count, "task"))
        self.panel.set_empty(None if count else EMPTY)
        self.plan.unwanted = set() if self.model.any_swap else {"swap"}
        self.plan.plan()
        if count and not self._met:
            self._meet()
        self._follow(self._selection.pid)
        self._count()
        if self.model.fresh - before and self.isVisible():
            self._flash.start()

    def _meet(self) -> None:
        """The first processes: the keyboard goes from the filter, all there was, to the tree, and selects nothing by it."""
        self._met = True
        if self.filter.button.hasFocus():
            self._following = True
            self.tree.setFocus()
            self._following = False

    def new_session(self) -> None:
        """Another session begins: nothing is hidden."""
        self.filter.reset()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.tree, self._tasks, self._kinds, self.filter):
            part.set_theme(theme)

    def stop_animation(self) -> None:
        """Skip what is left of the flash."""
        if self._flash.state() == QAbstractAnimation.State.Running:
            self._flash.setCurrentTime(FLASH_MS)

    # -- selection ----------------------------------------------------------------------------------------------------

    def _picked(self, now: QModelIndex, before: QModelIndex) -> None:
        if not self._following:
            self._clicked(now)

    def _clicked(self, index: QModelIndex) -> None:
        pid = self.model.pid(index)
        if pid and pid != self._selection.pid:
            self._selection.select(pid)

    def _selected(self, pid: int, vpn: int) -> None:
        self._follow(pid)

    def _follow(self, pid: int) -> None:
        chosen, index = self.tree.selectionModel(), self.model.find(pid)
        self._following = True
        if not index.isValid():
            chosen.clear()
        elif self.model.pid(chosen.currentIndex()) != pid or not chosen.isRowSelected(index.row(), index.parent()):
            flags = chosen.SelectionFlag.ClearAndSelect | chosen.SelectionFlag.Rows
            chosen.setCurrentIndex(index, flags)
            self.tree.scrollTo(index)
        self._following = False
        self.tree.viewport().update()

    def _menu(self, place: QPoint) -> None:
        pid = self.model.pid(self.tree.indexAt(place))
        self.context_requested.emit("process", {"pid": pid} if pid else {}, self.tree.viewport().mapToGlobal(place))

    # -- filter and expansion -----------------------------------------------------------------------------------------

    def _filtered(self, text: str) -> None:
        self._following = True
        self.model.set_filter(text)
        self._following = False
        self._follow(self._selection.pid)
        self._count()

    def _count(self) -> None:
        self.filter.set_count(len(self.model.births()) if self.filter.text else self.model.total, self.model.total)

    def _restore(self) -> None:
        keep = set(self._collapsed)
        closed = set() if self.filter.text else keep
        self.tree.expandAll()
        for birth in list(closed):
            index = self.model.at(birth)
            if index.isValid():
                self.tree.collapse(index)
        self._collapsed = keep
        self._follow(self._selection.pid)

    def _opened(self, parent: QModelIndex, first: int, last: int) -> None:
        if parent.isValid() and self.model.birth(parent) not in self._collapsed:
            self.tree.expand(parent)

    def _glow(self, value: float) -> None:
        self._tasks.glow = float(value)
        self.tree.viewport().update()
