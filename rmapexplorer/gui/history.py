"""The history: every operation of the current branch with its outcome; a double-click goes there."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QStyleOptionViewItem, QVBoxLayout, QWidget

from rmapexplorer.engine.frames import Frame, PathChanged
from rmapexplorer.gui.filter_bar import Chip, FilterBar, opens_filter
from rmapexplorer.gui.models.base import DRAW, plural
from rmapexplorer.gui.models.history import KINDS, START_TEXT, HistoryModel, tip
from rmapexplorer.gui.overhead_range import range_text
from rmapexplorer.gui.panel import HeaderChoice, Panel
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable, TableDelegate
from rmapexplorer.gui.theme import Theme, Themes

HINT = "Double-click or Enter goes there · Ctrl+B bookmarks · / filters · Ctrl+C copies"

NOTHING_LEFT = {
    "": "No operation passes the filter. Take it off, or look for something else.",
    "bookmarks": "No bookmarks here yet. Ctrl+B sets one at the operation shown.",
    "refused": "No call was refused in the design in view.",
    "merges": "No merge was refused in the design in view.",
    "differs": "Every operation had the same outcome under all designs.",
    "process": "The selected process made no call here. Select another one.",
}
"""What stands in the list where nothing is left of it, by kind."""

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
        elif opens_filter(event):
            self.find_requested.emit()
        else:
            super().keyPressEvent(event)

    def rows_text(self) -> str:
        """The selected operations with their numbers and outcomes."""
        model = self.model()
        assert isinstance(model, HistoryModel)
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return "\n".join(f"{model.position_of(row)}  {tip(model.entry(row))}" for row in rows)


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
        self._selection = selection
        self.model = HistoryModel(self)
        self.table = HistoryTable()
        self.table.setAccessibleName("Operations")
        self.table.setModel(self.model)
        self._outcome = OutcomeDelegate(self.table)
        self.table.setItemDelegateForColumn(self.model.column("outcome"), self._outcome)
        self.table.header().moveSection(self.model.column("outcome"), 1)  # in sight while the text is scrolled
        self.table.header().moveSection(self.table.header().visualIndex(self.model.column("kernel")), 1)
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.filter = FilterBar("Find an operation or an errno", self.table)
        self._build()
        self.table.doubleClicked.connect(lambda index: self._seek(index.row()))
        self.table.seek_row.connect(self._seek)
        self.table.find_requested.connect(self.filter.open)
        self.table.customContextMenuRequested.connect(self._menu)
        self.filter.changed.connect(lambda text: self._sift(text=text))
        self.kind.chosen.connect(self.set_kind)
        self.span_chip.clicked.connect(lambda: self.requested.emit("markers_clear", {}))
        selection.changed.connect(self._selected)
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        body = QWidget()
        inside = QVBoxLayout(body)
        inside.setContentsMargins(4, 2, 4, 0)
        inside.setSpacing(0)
        self.kind = HeaderChoice("show", KINDS)
        self.kind.setToolTip("Narrow the list down")
        self._build_chips()
        self.nothing = PlainLabel()
        self.nothing.setWordWrap(True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setMargin(12)
        self.nothing.setProperty("role", "dim")
        self.nothing.hide()
        for part in (self.filter, self._chips):
            inside.addWidget(part)
        for part in (self.table, self.nothing):
            inside.addWidget(part, 1)
        body.setFocusProxy(self.table)
        self.panel = Panel("History")
        self.panel.set_body(body)
        for button in (self.kind, self.filter.button):
            self.panel.header_layout().addWidget(button)
        self.panel.set_empty("Every operation will be listed here. Run one from the toolbar.")
        self.panel.fill(self, self.table)

    def _build_chips(self) -> None:
        self.span_chip, self.kind_chip, self._chips = Chip(), Chip(), QWidget()
        self.span_chip.setToolTip("Only operations between the markers are listed. Click to take the markers away")
        self.kind_chip.setToolTip("Only these operations are listed. Click to show all")
        self.kind_chip.clicked.connect(lambda: self.set_kind(""))
        row = QHBoxLayout(self._chips)
        row.setContentsMargins(8, 4, 8, 2)
        for chip in (self.span_chip, self.kind_chip):
            row.addWidget(chip)
            chip.hide()
        row.addStretch(1)
        self._chips.hide()

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
        self.model.set_bookmarks({mark.position: mark.text for mark in frame.bookmarks if not mark.branch})
        self.model.set_position(frame.position)
        self.model.set_kernel(frame.kernel_steps, frame.kernel_length)
        row = self.model.row_at(frame.position)
        if moved and row >= 0:
            self.table.scrollTo(self.model.index(row, 0))
        self._tell()

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.model, self.table, self._outcome, self.filter, self.span_chip, self.kind_chip):
            part.set_theme(theme)

    def inherit(self, old: History) -> None:
        """The filter of the view before."""
        self.set_kind(old.model.sieve.kind)
        if old.filter.text:
            self.filter.open()
            self.filter.line.setText(old.filter.text)

    def new_session(self) -> None:
        """Another session begins: all of it is listed."""
        self.filter.reset()
        self.set_kind("")

    def set_kind(self, kind: str) -> None:
        """Narrow to a kind of operations: a key of KINDS, "" for all."""
        self.kind.set_key(kind)
        self._sift(kind=kind, pid=self._selection.pid if kind == "process" else 0)

    def set_markers(self, a: int | None, b: int | None) -> None:
        """Where both markers are set only the operations from the one to the other are listed."""
        self._sift(span=(min(a, b), max(a, b)) if a is not None and b is not None else None)

    def _selected(self, pid: int, vpn: object) -> None:
        if self.model.sieve.kind == "process":
            self._sift(pid=pid)

    def _sift(self, **changes: Any) -> None:
        self.model.set_sieve(evolve(self.model.sieve, **changes))
        row = self.model.row_at(self.model.position)
        if row >= 0:
            self.table.scrollTo(self.model.index(row, 0))
        self._tell()

    def _tell_chips(self) -> None:
        sieve = self.model.sieve
        words = KINDS[sieve.kind] if sieve.kind != "process" else f"process {sieve.pid}"
        self.kind_chip.setText(f"{words}  ✕")
        self.kind_chip.setAccessibleName(f"only {words}; press to show all")
        if sieve.span is not None:
            self.span_chip.setText(f"{range_text(*sieve.span)}  ✕")
            self.span_chip.setAccessibleName(f"only from {range_text(*sieve.span)}; press to take the markers away")
        self.kind_chip.setVisible(bool(sieve.kind))
        self.span_chip.setVisible(sieve.span is not None)
        self._chips.setVisible(bool(sieve.kind) or sieve.span is not None)

    def _tell(self) -> None:
        total = len(self.model.path)
        self.panel.set_empty(None if total else "Every operation will be listed here. Run one from the toolbar.")
        left, narrowed = self.model.count(), self.model.sieve.on
        self._tell_chips()
        self.nothing.setText(NOTHING_LEFT["" if self.filter.text else self.model.sieve.kind])
        self.nothing.setVisible(bool(total) and not left)
        self.table.setVisible(not total or bool(left))
        self.panel.set_hint(f"{left:,} of {total:,}" if narrowed else plural(total, "operation"))
        self.panel.set_footer(HINT if total else "")
        letters = max([self._letters, *(len(note) + self._letters + 4 for note in self.model.bookmarks.values())])
        samples = {"position": "0" * max(len(str(total)), 2), "text": "m" * min(letters, LONGEST)}
        unwanted = (set() if self._marked else {"outcome"}) | (set() if self.model.recorded else {"kernel"})
        if (samples, unwanted) != (self.plan.samples, self.plan.unwanted):
            self.plan.samples, self.plan.unwanted = samples, unwanted
            self.plan.plan()
        self.filter.set_count(self.model.count(), total)

    def _seek(self, row: int) -> None:
        self.seek_requested.emit(self.model.position_of(row))

    def _menu(self, place: QPoint) -> None:
        index = self.table.indexAt(place)
        if index.isValid():
            target = {"position": self.model.position_of(index.row())}
            self.context_requested.emit("operation", target, self.table.viewport().mapToGlobal(place))
