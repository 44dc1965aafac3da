"""Rows drawn alike in every tree and table: quiet headers, one wash and an accent bar for what is selected.

``ColumnPlan`` decides which columns fit; the user's own choice in the header's menu wins over it.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QTreeView,
    QWidget,
)

from rmapexplorer.gui.models.base import STATE, Cells, Column, Role, alignment
from rmapexplorer.gui.panel import scaled
from rmapexplorer.gui.theme import Theme, mono
from rmapexplorer.plain import tab_separated

PAD = 6
"""Room at both sides of a cell's text, in device-independent pixels."""

ROW_AIR = 9
"""Height of a row beyond its text, in device-independent pixels."""


class FlatHeader(QHeaderView):
    """Column titles as dim small words, without buttons drawn around them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._dim, self._text = QColor("gray"), QColor("gray")
        self.setFont(scaled(self.font(), 0.88))
        self.viewport().setBackgroundRole(QPalette.ColorRole.Base)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(24)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._dim, self._text = theme.color("dim"), theme.color("text")
        self.viewport().update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One line and some air."""
        return QSize(super().sizeHint().width(), self.fontMetrics().height() + 8)

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:  # noqa: N802
        """The title, elided, and the sort arrow."""
        model, axis = self.model(), Qt.Orientation.Horizontal
        title = str(model.headerData(section, axis) or "")
        if self.isSortIndicatorShown() and self.sortIndicatorSection() == section:
            title += " ▴" if self.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder else " ▾"
        align = model.headerData(section, axis, Qt.ItemDataRole.TextAlignmentRole)
        box = rect.adjusted(PAD, 0, -PAD, 0)
        painter.fillRect(rect, self.palette().color(QPalette.ColorRole.Base))
        painter.setFont(self.font())
        painter.setPen(self._text if title.endswith(("▴", "▾")) else self._dim)
        painter.drawText(
            box, int(align), self.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, box.width())
        )


class RowDelegate(QStyledItemDelegate):
    """Draws a cell's text; the wash of the row is drawn by ``draw_wash``."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:  # noqa: N802
        """The style draws text only: no highlight, no focus frame of its own."""
        super().initStyleOption(option, index)
        flags = QStyle.StateFlag
        option.state &= ~(flags.State_Selected | flags.State_HasFocus | flags.State_MouseOver)  # type: ignore[attr-defined]

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        """Rows of one height."""
        return QSize(super().sizeHint(option, index).width(), option.fontMetrics.height() + ROW_AIR)  # type: ignore[attr-defined]


class TableDelegate(RowDelegate):
    """Cells of a RowTable: wash below, text above."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """The part of the row's wash that lies in this cell, then the text."""
        table = option.widget  # type: ignore[attr-defined]
        if isinstance(table, RowTable) and (state := table.state_of(index)):
            first = table.header().visualIndex(index.column()) == table.first_visible()
            table.wash.draw(painter, option.rect, state, first)  # type: ignore[attr-defined]
        model = index.model()
        if isinstance(model, Cells) and type(model).data is Cells.data and self._write(painter, option, index, model):
            return
        inner = QStyleOptionViewItem(option)
        inner.rect = option.rect.adjusted(PAD - 3, 0, 3 - PAD, 0)  # type: ignore[attr-defined]
        super().paint(painter, inner, index)

    def _write(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        model: Cells,
    ) -> bool:
        # what the style would do with plain text, at a quarter of its price: many cells change with every frame
        row, number = model.row_of(index), index.column()
        text, column = model.cell(row, number, Role.DisplayRole), model.COLUMNS[number]
        if not isinstance(text, str) or model.cell(row, number, Role.DecorationRole) is not None:
            return False
        rect = option.rect.adjusted(PAD, 0, -PAD, 0)  # type: ignore[attr-defined]
        painter.setFont(mono() if column.mono else option.font)  # type: ignore[attr-defined]
        color = model.cell(row, number, Role.ForegroundRole)
        painter.setPen(color or option.palette.color(QPalette.ColorRole.Text))  # type: ignore[attr-defined]
        metrics = painter.fontMetrics()
        if metrics.horizontalAdvance(text) > rect.width():
            if option.widget.wordWrap() and rect.height() >= 2 * metrics.lineSpacing():  # type: ignore[attr-defined]
                return False  # the style breaks lines
            text = metrics.elidedText(text, option.textElideMode, rect.width())  # type: ignore[attr-defined]
        painter.drawText(rect, int(alignment(column)), text)
        return True


class Wash:
    """The background of rows: selected, under the mouse, current."""

    def __init__(self) -> None:
        self.hover = -1
        self._theme: Theme | None = None

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme

    def state(self, view: QAbstractItemView, index: QModelIndex | QPersistentModelIndex) -> str:
        """ "selected", "current", "hover" or ""."""
        chosen = view.selectionModel()
        if chosen is not None and chosen.isRowSelected(index.row(), index.parent()):
            return "selected"
        if index.siblingAtColumn(0).data(STATE):
            return "current"
        return "hover" if isinstance(view, RowTable) and index.row() == self.hover else ""

    def draw(self, painter: QPainter, rect: QRect, state: str, bar: bool) -> None:
        """Fill ``rect``; ``bar`` adds the accent bar at its left end."""
        if self._theme is None or not state:
            return
        painter.fillRect(rect.adjusted(0, 1, 0, -1), self._theme.color("raised" if state == "hover" else "sel"))
        if bar and state != "hover":
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent"))
            painter.drawRoundedRect(QRectF(rect.left() + 1, rect.top() + 3, 3, rect.height() - 6), 1.5, 1.5)


def quiet_palette(view: QWidget) -> None:
    """No highlight of the style's: rows have their wash. All other colours stay those of the application's palette."""
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Highlight, QColor(0, 0, 0, 0))
    view.setPalette(palette)


def _quiet(view: QTableView | QTreeView) -> None:
    quiet_palette(view)
    view.setFrameShape(view.Shape.NoFrame)
    view.setMouseTracking(True)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)


def selected_text(view: QTableView | QTreeView, header: FlatHeader) -> str:
    """The selected rows with tabs between the cells shown, as they stand on the screen; empty where none is selected."""
    model, rows = view.model(), view.selectionModel().selectedRows() if view.selectionModel() else []
    order = sorted(range(header.count()), key=header.visualIndex)
    columns = [column for column in order if not header.isSectionHidden(column)]
    places = sorted(rows, key=lambda index: (view.visualRect(index).top(), index.row()))
    text = tab_separated([model.index(at.row(), c, at.parent()).data() for c in columns] for at in places)
    return f"{text}\n" if places else ""


class RowTable(QTableView):
    """A table without a grid, whose rows are drawn as one. Ctrl+C copies the selected ones."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wash = Wash()
        self._states: dict[int, str] = {}
        self._header = FlatHeader(self)
        self._header.setSectionsClickable(True)
        self.setHorizontalHeader(self._header)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setMinimumSectionSize(8)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + ROW_AIR)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setItemDelegate(TableDelegate(self))
        _quiet(self)

    def header(self) -> FlatHeader:
        """The column titles."""
        return self._header

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 (Qt's name)
        """How a row is washed is asked once for all its cells."""
        self._states.clear()
        super().paintEvent(event)
        self._states.clear()

    def state_of(self, index: QModelIndex | QPersistentModelIndex) -> str:
        """How the row of a cell that is being painted looks: as Wash.state."""
        row = index.row()
        if row not in self._states:
            self._states[row] = self.wash.state(self, index)
        return self._states[row]

    def first_visible(self) -> int:
        """Visual number of the leftmost column shown."""
        header = self._header
        shown = [v for v in range(header.count()) if not header.isSectionHidden(header.logicalIndex(v))]
        return shown[0] if shown else 0

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.wash.set_theme(theme)
        self._header.set_theme(theme)
        self.viewport().update()

    def rows_text(self) -> str:
        """What Ctrl+C copies: the selected rows with tabs between the cells."""
        return selected_text(self, self._header)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Copy; everything else is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.rows_text())
            return
        super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Light up the row under the mouse."""
        super().mouseMoveEvent(event)
        self._hover(self.rowAt(event.position().toPoint().y()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """No row is under the mouse any more."""
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, row: int) -> None:
        if row != self.wash.hover:
            self.wash.hover = row
            self.viewport().update()


class CopyTable(RowTable):
    """A table whose Ctrl+C is its owner's: ``copied`` says that it was pressed."""

    copied = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Copy; everything else is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copied.emit()
        else:
            super().keyPressEvent(event)


class RowTree(QTreeView):
    """A tree whose rows are drawn as one, over the indentation too. Ctrl+C copies the selected ones."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.wash = Wash()
        self._flat = FlatHeader(self)
        self.setHeader(self._flat)
        self._flat.setStretchLastSection(False)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.setItemDelegate(RowDelegate(self))
        self.setAllColumnsShowFocus(True)
        _quiet(self)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self.wash.set_theme(theme)
        self._flat.set_theme(theme)
        self.viewport().update()

    def rows_text(self) -> str:
        """What Ctrl+C copies: the selected rows with tabs between the cells."""
        return selected_text(self, self._flat)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Copy; everything else is Qt's."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.rows_text())
            return
        super().keyPressEvent(event)

    def drawRow(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:  # noqa: N802
        """The wash over the whole width, then the row."""
        state = self.wash.state(self, index)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)  # type: ignore[attr-defined]
        rect = QRect(0, option.rect.top(), self.viewport().width(), option.rect.height())  # type: ignore[attr-defined]
        self.wash.draw(painter, rect, state or ("hover" if over else ""), True)
        super().drawRow(painter, option, index)


class ColumnPlan(QObject):
    """Which columns are shown and how wide: by rank while they fit, or as chosen in the header's menu."""

    def __init__(self, view: QTableView | QTreeView, header: FlatHeader, model: Cells) -> None:
        super().__init__(view)
        self._view, self._header, self._model = view, header, model
        self._widths: dict[str, int] = {}
        self._planning = False
        self.chosen: set[str] | None = None
        """Keys the user picked; None: as many as fit."""
        self.unwanted: set[str] = set()
        """Keys that say nothing at the moment (all zero): not shown unless chosen."""
        self.samples: dict[str, str] = {}
        """Widest text at the moment, by key, in place of the column's own sample."""
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._open)
        header.sectionResized.connect(self._resized)
        view.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Plan anew when the view got another width."""
        if event.type() == QEvent.Type.Resize:
            self.plan()
        return False

    def plan(self) -> None:
        """Show what fits and give the rest of the room to the stretching column."""
        columns, room = self._model.COLUMNS, self._view.viewport().width()
        full = {c.key: self._widths.get(c.key, self._natural(c)) for c in columns}
        width = {c.key: self._narrowest(c, full[c.key]) for c in columns}
        shown, fits = set[str](), True
        for column in sorted(columns, key=lambda c: c.rank):
            fits = fits and (width[column.key] <= room or column.key in self.unwanted or not column.shown)
            if self._wanted(column, fits):
                shown.add(column.key)
                room -= width[column.key]
        for column in columns:
            if column.key in shown and room > 0:
                grown = min(full[column.key] - width[column.key], room)
                width[column.key] += grown
                room -= grown
        visible = [c for c in columns if c.key in shown]
        taker = next((c for c in visible if c.stretch), visible[0])
        self._planning = True
        for number, column in enumerate(columns):
            self._header.setSectionHidden(number, column.key not in shown)
            self._header.resizeSection(number, width[column.key] + (max(room, 0) if column is taker else 0))
        self._planning = False

    def _wanted(self, column: Column, fits: bool) -> bool:
        if self.chosen is not None:
            return column.key in self.chosen
        return column.shown and column.key not in self.unwanted and (column.rank == 0 or fits)

    def visible(self) -> list[str]:
        """Keys of the columns shown."""
        return [c.key for n, c in enumerate(self._model.COLUMNS) if not self._header.isSectionHidden(n)]

    def menu(self) -> QMenu:
        """The column chooser."""
        menu = QMenu(self._view)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        now = set(self.visible())
        for column in self._model.COLUMNS:
            action = menu.addAction(column.title)
            action.setCheckable(True)
            action.setChecked(column.key in now)
            action.setEnabled(column.rank > 0 or not column.shown)
            action.setToolTip(column.help)
            action.setData(column.key)
        menu.addSeparator()
        automatic = menu.addAction("As many as fit")
        automatic.setCheckable(True)
        automatic.setChecked(self.chosen is None)
        menu.triggered.connect(self._picked)
        return menu

    def _picked(self, action: QAction) -> None:
        if action.data() is None:
            self.chosen = None
            self._widths.clear()
        else:
            self.chosen = set(self.visible()) ^ {action.data()}
        self.plan()

    def _open(self, place: QPoint) -> None:
        self.menu().popup(self._header.mapToGlobal(place))

    def _natural(self, column: Column) -> int:
        return self._width(column, self.samples.get(column.key, column.sample))

    def _least(self, column: Column) -> int:
        return self._widths.get(column.key, self._width(column, column.least or column.sample))

    def _narrowest(self, column: Column, full: int) -> int:
        return full if column.whole or column.rank > 2 else min(self._least(column), full)

    def _width(self, column: Column, sample: str) -> int:
        metrics = QFontMetrics(mono() if column.mono else self._view.font())
        arrow = " ▾" if self._header.isSortIndicatorShown() and self._header.sortIndicatorSection() >= 0 else ""
        title = self._header.fontMetrics().horizontalAdvance(
            column.title + arrow * (not column.right or column.rank == 0)
        )
        return int(max(metrics.horizontalAdvance(sample), title)) + 2 * PAD + 2

    def _resized(self, section: int, old: int, new: int) -> None:
        column = self._model.COLUMNS[section]
        if not self._planning and new and not column.stretch:
            self._widths[column.key] = new
