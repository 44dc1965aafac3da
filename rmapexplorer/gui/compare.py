"""The Compare panel: two to four designs in columns on one timeline, one selection and one step for all of them."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QScrollArea, QSplitter, QVBoxLayout, QWidget

from rmapexplorer.engine.comparison import MOST, Compare, Comparison
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui import memory_geometry as geo
from rmapexplorer.gui import places
from rmapexplorer.gui.compare_side import SideColumn
from rmapexplorer.gui.inspector_parts import span
from rmapexplorer.gui.models.base import plural
from rmapexplorer.gui.models.compare import DifferenceModel
from rmapexplorer.gui.panel import HeaderButton, Panel, scaled
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes

EMPTY = "Compare needs two designs that run. Choose more in the Designs menu."
HINT = (
    "Click a page or a candidate to select it in every column · the first column is what the others are compared with"
)


class CompareView(QWidget):
    """``asked`` carries the question for the engine and what takes its answer."""

    asked = Signal(object, object)
    requested = Signal(str, dict)
    seek_requested = Signal(int)
    context_requested = Signal(str, dict, QPoint)

    def __init__(self, selection: Selection, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compare")
        self.setAccessibleName("Compare designs")
        self._selection, self._theme = selection, themes.current
        self._chosen: tuple[str, ...] = ()
        self._running: tuple[str, ...] = ()
        self._key: object = None
        self._fresh = True
        """Another page or position: its walk is shown as a whole until it is stepped."""
        self.comparison: Comparison | None = None
        self.revealed = 0
        self.columns: list[SideColumn] = []
        self.model = DifferenceModel(self)
        self.table = RowTable()
        self.table.setAccessibleName("Differences")
        self.table.setModel(self.model)
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.partings = PlainLabel()
        self.partings.setWordWrap(True)
        self.partings.setTextFormat(Qt.TextFormat.RichText)
        self.partings.setFont(scaled(self.font(), 0.95))
        self.partings.linkActivated.connect(lambda link: self.seek_requested.emit(int(link)))
        self.which = HeaderButton("designs", "Which designs stand beside each other, two to four")
        self.which.setPopupMode(HeaderButton.ToolButtonPopupMode.InstantPopup)
        self.which.setMenu(QMenu(self.which))
        self.step = HeaderButton("step", "Visit the next candidate in every column")
        self.run = HeaderButton("run", "Visit all candidates, or begin again")
        self.copy = HeaderButton("copy", "Copy the table of differences as text")
        self._build()
        self.step.clicked.connect(lambda: self.reveal(self.revealed + 1))
        self.run.clicked.connect(self._run)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.model.text()))
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)

    def _build(self) -> None:
        self._holder = QWidget()
        self._row = QHBoxLayout(self._holder)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self._holder)
        scroll.viewport().setAutoFillBackground(False)
        self._holder.setAutoFillBackground(False)
        lower = self._lower = QWidget()
        below = QVBoxLayout(lower)
        below.setContentsMargins(8, 4, 8, 0)
        below.setSpacing(4)
        below.addWidget(self.partings)
        below.addWidget(self.table, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(scroll)
        self.splitter.addWidget(lower)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setSizes([600, 400])
        self.splitter.setChildrenCollapsible(False)
        self.panel = Panel("Compare")
        self.panel.set_body(self.splitter)
        self.panel.set_footer(HINT)
        self.panel.set_empty(EMPTY)
        for button in (self.which, self.step, self.run, self.copy):
            self.panel.header_layout().addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)

    # what it is told

    def set_frame(self, frame: Frame) -> None:
        """Ask for the comparison at the frame's position."""
        self._running = tuple(state.key for state in frame.designs)
        if not set(self._chosen) <= set(self._running) or not self._chosen:
            self._chosen = ()
        self._fill_menu()
        designs = self.designs
        self.panel.set_empty(EMPTY if len(designs) < 2 else None)
        if len(designs) < 2 or frame.busy:
            return
        pid, vpn = (frame.detail.pid, frame.detail.vpn) if frame.detail is not None else (self._selection.pid, -1)
        key = (frame.generation, frame.branch, frame.position, pid, vpn)
        if key != self._key:
            self._key, self._fresh = key, True
        self.asked.emit(Compare(designs=designs, pid=pid, vpn=vpn), self.show_comparison)

    @property
    def designs(self) -> tuple[str, ...]:
        """Keys of the designs compared: those chosen, else the last four that run."""
        return self._chosen or self._running[-MOST:]

    def choose(self, designs: tuple[str, ...]) -> None:
        """Compare these, in this order; the engine is asked when the next frame comes, or now if there was one."""
        self._chosen = designs
        self._fill_menu()
        if self.comparison is not None:
            question = Compare(designs=self.designs, pid=self.comparison.pid, vpn=self.comparison.vpn)
            self.asked.emit(question, self.show_comparison)

    def show_comparison(self, comparison: Any) -> None:
        """The engine's answer."""
        if not isinstance(comparison, Comparison):
            return
        self.comparison = comparison
        while len(self.columns) < len(comparison.sides):
            self._add_column()
        for number, column in enumerate(self.columns):
            column.setVisible(number < len(comparison.sides))
        axis = _axis(comparison)
        spot = (comparison.pid, comparison.vpn)
        if self._fresh:
            self._fresh = False
            self.revealed = max((len(side.walk.steps) for side in comparison.sides if side.walk), default=0)
        for column, side in zip(self.columns, comparison.sides, strict=False):
            column.set_side(side, axis, spot, self.revealed)
        if self.model.set_comparison(comparison):
            self.plan.plan()
        self._tell()

    def inherit(self, old: CompareView) -> None:
        """Go on as the view that this one replaces."""
        self._chosen, self._key, self._fresh, self.revealed = old._chosen, old._key, old._fresh, old.revealed

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        for part in (self.panel, self.model, self.table, *self.columns):
            part.set_theme(theme)
        self._tell()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """Words that wrap need their height: a splitter does not ask for it."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        words = self.partings.heightForWidth(max(60, self.width() - 24))
        wanted = max(words, 0) + 3 * self.table.verticalHeader().defaultSectionSize()
        self._lower.setMinimumHeight(min(wanted, self.height() // 2))

    def _add_column(self) -> None:
        column = SideColumn()
        column.set_theme(self._theme)
        column.picked.connect(self._selection.select)
        self.columns.append(column)
        self._row.addWidget(column, 1)

    # stepping

    def reveal(self, count: int) -> None:
        """The first ``count`` candidates in every column."""
        self.revealed = max(0, min(count, self.longest))
        for column in self.columns:
            column.reveal(self.revealed)
        self._tell()

    @property
    def longest(self) -> int:
        """Candidates of the longest walk shown."""
        shown = len(self.comparison.sides) if self.comparison is not None else 0
        return max((column.steps for column in self.columns[:shown]), default=0)

    def _run(self) -> None:
        self.reveal(0 if self.revealed >= self.longest else self.longest)

    def _tell(self) -> None:
        one = self.comparison
        self.step.setEnabled(self.revealed < self.longest)
        self.run.setEnabled(self.longest > 0)
        self.run.setText("again" if 0 < self.longest <= self.revealed else "run")
        if one is None:
            return
        where = (
            f"{places.shown().page(one.vpn)} of {one.pid}" if one.vpn >= 0 else f"process {one.pid}" if one.pid else ""
        )
        shown = len(one.sides[0].strips) if one.sides else 0
        counted = f"showing {shown} of {plural(one.processes, 'process').replace('processs', 'processes')}"
        self.panel.set_hint(" · ".join(part for part in (where, counted) if part))
        self.partings.setText(self._parting_lines(one))
        self._make_room()

    def _parting_lines(self, one: Comparison) -> str:
        color = self._theme.color
        if not one.partings:
            return span("These designs do the same so far: same results, vmas, copies and losses.", color("dim"))
        lines = [span("They differ first in: ", color("dim"))]
        for part in one.partings:
            values = escape(" / ".join(part.values))
            link = f'<a href="{part.position}" style="color:{color("accent").name()}">operation {part.position}</a>'
            lines.append(f"{span(part.what, color('text'))} after {link} ({values})")
        return lines[0] + " &nbsp;·&nbsp; ".join(lines[1:])

    # choosing

    def _fill_menu(self) -> None:
        menu = self.which.menu()
        shown = [(action.data(), action.isChecked()) for action in menu.actions()]
        wanted = [(key, key in self.designs) for key in self._running]
        if shown == wanted:
            return
        menu.clear()
        for key, on in wanted:
            action = menu.addAction(key)
            action.setCheckable(True)
            action.setChecked(on)
            action.setData(key)
            action.setEnabled(on or len(self.designs) < MOST)
            action.setToolTip("" if action.isEnabled() else f"At most {MOST} designs stand beside each other.")
            action.triggered.connect(lambda _=False, k=key: self._toggle(k))
        menu.setToolTipsVisible(True)

    def _toggle(self, key: str) -> None:
        now = self.designs
        kept = tuple(one for one in now if one != key) if key in now else (*now, key)
        if 2 <= len(kept) <= MOST:
            self.choose(tuple(one for one in self._running if one in kept))
        else:
            self.which.menu().clear()
            self._fill_menu()


def _axis(comparison: Comparison) -> geo.Axis:
    # one axis for all columns: the union of everything shown
    strips = [strip for side in comparison.sides for strip in side.strips]
    start = np.concatenate([strip.start for strip in strips] or [np.empty(0, np.int64)])
    end = np.concatenate([strip.end for strip in strips] or [np.empty(0, np.int64)])
    favoured = np.array([comparison.vpn], np.int64) if comparison.vpn >= 0 and len(start) else None
    return geo.build_axis(start, end, favoured)
