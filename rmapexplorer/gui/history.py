"""The history: every operation of the current branch with its outcome; a double-click goes there."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Frame, PathChanged
from rmapexplorer.gui.filter_bar import FilterBar
from rmapexplorer.gui.models.base import DRAW, plural
from rmapexplorer.gui.models.history import START_TEXT, HistoryModel, tip
from rmapexplorer.gui.panel import Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable, TableDelegate
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Double-click or Enter goes to an operation · Ctrl+C copies"

LONGEST = 72
"""Letters of an operation that get room in any case; the list then scrolls sideways."""


class OutcomeDelegate(TableDelegate):
    """The marks of an outcome, each in its own colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Wash, then the marks from the left."""
        marks, table = index.data(DRAW), option.widget  # type: ignore[attr-defined]
        if isinstance(table, RowTable):
            table.wash.draw(painter, option.rect, table.wash.state(table, index), False)  # type: ignore[attr-defined]
        if self._theme is None or not marks:
            return
        rect, metrics = QRect(option.rect).adjusted(6, 0, -4, 0), QFontMetrics(option.font)  # type: ignore[attr-defined]
        painter.setFont(option.font)  # type: ignore[attr-defined]
        for text, token in marks:
            painter.setPen(self._theme.color(token))
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(rect.width(), 0))
            painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)
            rect = rect.adjusted(metrics.horizontalAdvance(text) + 8, 0, 0, 0)


class HistoryTable(RowTable):
    """Enter goes to the row, Ctrl+C copies, Ctrl+F or / filters."""

    seek_row = Signal(int)
    find_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The keys above; everything else is Qt's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.seek_row.emit(self.currentIndex().row())
        elif event.matches(QKeySequence.StandardKey.Find) or event.text() == "/":
            self.find_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        model = self.model()
        if isinstance(model, HistoryModel):
            rows = sorted(index.row() for index in self.selectionModel().selectedRows())
            lines = [f"{model.position_of(row)}  {tip(model.entry(row))}" for row in rows]
            QGuiApplication.clipboard().setText("\n".join(lines))


class History(QWidget):
    """The panel of operations. ``seek_requested`` carries the position to go to."""

    seek_requested = Signal(int)
    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("history")
        self.setAccessibleName("History")
        self._letters, self._marked = len(START_TEXT), False
        self.model = HistoryModel(self)
        self.table = HistoryTable()
        self.table.setAccessibleName("Operations")
        self.table.setModel(self.model)
        self._outcome = OutcomeDelegate(self.table)
        self.table.setItemDelegateForColumn(self.model.column("outcome"), self._outcome)
        self.table.header().moveSection(self.model.column("outcome"), 1)  # in sight while the text is scrolled
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.filter = FilterBar("Find an operation or an errno", self.table)
        self._build()
        self.table.doubleClicked.connect(lambda index: self._seek(index.row()))
        self.table.seek_row.connect(self._seek)
        self.table.find_requested.connect(self.filter.open)
        self.table.customContextMenuRequested.connect(self._menu)
        self.filter.changed.connect(self._filtered)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(4, 2, 4, 0)
        inside.setSpacing(0)
        inside.addWidget(self.filter)
        inside.addWidget(self.table, 1)
        body.setFocusProxy(self.table)
        self.panel = Panel("History")
        self.panel.set_body(body)
        self.panel.header_layout().addWidget(self.filter.button)
        self.panel.set_empty("Every operation will be listed here. Run one from the toolbar.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.setFocusProxy(self.table)

    def apply(self, change: PathChanged) -> None:
        """Take a change of the current branch."""
        if change.generation != self.model.path.generation:
            self._letters, self._marked = len(START_TEXT), False
        self._letters = max([self._letters, *(len(entry.text) for entry in change.entries)])
        self._marked = self._marked or any(e.error or e.differs or e.refused_merges for e in change.entries)
        self.model.apply(change)
        self._tell()

    def set_frame(self, frame: Frame) -> None:
        """Mark the frame's position and keep it in sight."""
        moved = frame.position != self.model.position
        self.model.set_position(frame.position)
        row = self.model.row_at(frame.position)
        if moved and row >= 0:
            self.table.scrollTo(self.model.index(row, 0))
        self._tell()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.table, self._outcome, self.filter):
            part.set_theme(theme)

    def _tell(self) -> None:
        total = len(self.model.path)
        self.panel.set_empty(None if total else "Every operation will be listed here. Run one from the toolbar.")
        self.panel.set_hint(plural(total, "operation"))
        self.panel.set_footer(HINT if total else "")
        samples = {"position": "0" * max(len(str(total)), 2), "text": "m" * min(self._letters, LONGEST)}
        unwanted = set() if self._marked else {"outcome"}
        if (samples, unwanted) != (self.plan.samples, self.plan.unwanted):
            self.plan.samples, self.plan.unwanted = samples, unwanted
            self.plan.plan()
        self.filter.set_count(self.model.count(), total)

    def _filtered(self, text: str) -> None:
        self.model.set_filter(text)
        row = self.model.row_at(self.model.position)
        if row >= 0:
            self.table.scrollTo(self.model.index(row, 0))
        self._tell()

    def _seek(self, row: int) -> None:
        self.seek_requested.emit(self.model.position_of(row))

    def _menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        if index.isValid():
            target = {"position": self.model.position_of(index.row())}
            self.context_requested.emit("operation", target, self.table.viewport().mapToGlobal(place))
