"""The claims of the letter: each can be run, its figures come in world by world, and a rule makes the verdict of them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from PySide6.QtCore import QPoint, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.aside import Seldom
from rmapexplorer.claims.catalogue import CLAIMS
from rmapexplorer.claims.job import Judged, Step, run_claims
from rmapexplorer.claims.model import ADDRESS, Claim, number
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.aside import Watcher
from rmapexplorer.gui.chips import ChipDelegate
from rmapexplorer.gui.models.claims import ClaimModel, FigureModel, short_world
from rmapexplorer.gui.panel import ElidedLabel, HeaderButton, HeaderTabs, Panel
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.tables import PAD, ROW_AIR, ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes
from rmapexplorer.resources import resource

HINT = "Enter runs a claim · P opens its scenario"

Opener = Callable[[QUrl], Any]
"""Shows an address outside the program."""


class ClaimTable(RowTable):
    """Enter runs the current claim, P plays it."""

    run_requested = Signal()
    play_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """The keys above; everything else is Qt's."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.run_requested.emit()
        elif event.text().lower() == "p":
            self.play_requested.emit()
        else:
            super().keyPressEvent(event)


class FigureTable(RowTable):
    """Ctrl+C copies the selected rows, or all of them."""

    def rows_text(self) -> str:
        """The selected figures, or all of them, with tabs between the cells."""
        model = self.model()
        assert isinstance(model, FigureModel)
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return model.text(rows or list(range(model.count())))


class Claims(QWidget):
    """The panel. ``requested`` asks the window to open a scenario."""

    requested = Signal(str, dict)
    context_requested = Signal(str, dict, QPoint)

    def __init__(
        self, selection: Selection, themes: Themes, parent: QWidget | None = None,
        opener: Opener = QDesktopServices.openUrl,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setObjectName("claims")
        self.setAccessibleName("Claims of the letter")
        self._opener, self._theme = opener, themes.current
        self._queue: tuple[str, ...] = ()
        self._last = ""
        self.watcher = Watcher(self)
        self.model, self.figures = ClaimModel(self), FigureModel(self)
        self.table, self.figure_table = ClaimTable(), FigureTable()
        self.text, self.tabs, self.pages = QTextBrowser(), HeaderTabs(), QStackedWidget()
        self._chips = ChipDelegate(self.table)
        self._build()
        self._connect()
        self.set_theme(themes.current)
        themes.changed.connect(self.set_theme)
        self.table.selectRow(0)

    def _build(self) -> None:
        self.table.setModel(self.model)
        self.table.setAccessibleName("Claims")
        self.table.setSelectionMode(RowTable.SelectionMode.SingleSelection)
        self.table.setItemDelegateForColumn(self.model.column("verdict"), self._chips)
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.figure_table.setModel(self.figures)
        self.figure_table.setAccessibleName("Figures of the claim")
        self.figure_table.header().moveSection(self.figures.column("design"), 0)  # figures get their room first
        self.figure_plan = ColumnPlan(self.figure_table, self.figure_table.header(), self.figures)
        self.text.setOpenLinks(False)
        self.text.setAccessibleName("What the claim says, and the verdict")
        self.text.setStyleSheet("QTextBrowser { border: none; border-radius: 0; padding: 2px 8px; }")
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.figure_table.setIconSize(QSize(11, 11))
        for part in (self.table, self._lower()):
            part.setMinimumHeight(70)
            self.splitter.addWidget(part)
            self.splitter.setStretchFactor(self.splitter.count() - 1, 2 - self.splitter.count() // 2)
        self.splitter.setSizes([340, 170])
        self.table.setWordWrap(True)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 2, 4, 0)
        column.setSpacing(0)
        column.addWidget(self._progress_row())
        column.addWidget(self.splitter, 1)
        body.setFocusProxy(self.table)
        self.panel = Panel("Claims")
        self.panel.set_body(body)
        self.panel.set_footer(HINT)
        self.buttons = {
            "run": HeaderButton("run", "Run the selected claim"),
            "all": HeaderButton("run all", "Run all claims, one after another"),
            "play": HeaderButton("play", "Open the scenario of the selected claim"),
            "letter": HeaderButton("letter", f"Show the letter in the archive: {ADDRESS}"),
        }
        for button in self.buttons.values():
            self.panel.header_layout().addWidget(button)
        self.panel.fill(self, self.table)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Where the panel is narrow rows are two lines high, and the paragraph stands below the verdict."""
        super().resizeEvent(event)
        metrics = self.table.fontMetrics()
        longest = max(metrics.horizontalAdvance(claim.title) for claim in CLAIMS)
        narrow = self.width() < longest + metrics.horizontalAdvance("C18 16, 17 ◑ only when") + 12 * PAD
        self.plan.unwanted = {"place"} if narrow else set()
        self.table.verticalHeader().setDefaultSectionSize((1 + narrow) * metrics.lineSpacing() + ROW_AIR)
        self.plan.plan()

    def _lower(self) -> QWidget:
        for words in ("verdict", "figures"):
            self.tabs.addTab(words)
        self.tabs.setAccessibleName("Verdict or figures of the selected claim")
        self.pages.addWidget(self.text)
        self.pages.addWidget(self.figure_table)
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        lower = QWidget()
        column = QVBoxLayout(lower)
        column.setContentsMargins(0, 2, 0, 0)
        column.setSpacing(2)
        row = QHBoxLayout()
        row.setContentsMargins(9, 0, 0, 0)
        row.addWidget(self.tabs)
        column.addLayout(row)
        column.addWidget(self.pages, 1)
        return lower

    def _progress_row(self) -> QWidget:
        self.progress = QWidget()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.doing = ElidedLabel()
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setAccessibleName("Stop running claims")
        row = QHBoxLayout(self.progress)
        row.setContentsMargins(8, 4, 6, 4)
        self.bar.setStyleSheet("QProgressBar { min-width: 60px; }")
        row.addWidget(self.bar, 2)
        row.addWidget(self.doing, 3)
        row.addWidget(self.cancel_button)
        self.progress.hide()
        return self.progress

    def _connect(self) -> None:
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show())
        for signal, slot in (
            (self.buttons["run"].clicked, self.run_current), (self.buttons["all"].clicked, self.run_all),
            (self.buttons["play"].clicked, self.play), (self.buttons["letter"].clicked, self.open_letter),
            (self.table.run_requested, self.run_current), (self.table.play_requested, self.play),
            (self.table.doubleClicked, self.run_current), (self.cancel_button.clicked, self.cancel),
            (self.watcher.told, self._told), (self.watcher.ended, self._ended),
            (self.text.anchorClicked, self._linked),
        ):  # fmt: skip
            signal.connect(slot)

    # -- what the window sets -----------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame) -> None:
        """Claims have scenarios of their own; the session shown does not matter."""

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        for part in (self.panel, self.model, self.figures, self.table, self.figure_table, self._chips, self.tabs):
            part.set_theme(theme)
        self._write()

    def inherit(self, before: Claims) -> None:
        """Take over what an older panel has found."""
        before.cancel()
        self.model.results = before.model.results
        self.table.selectRow(max(before.table.currentIndex().row(), 0))
        self._show()

    # -- running ------------------------------------------------------------------------------------------------------

    @property
    def claim(self) -> Claim:
        """The one selected."""
        return CLAIMS[max(self.table.currentIndex().row(), 0)]

    def run_current(self) -> None:
        """Run the selected claim; its figures show as they come."""
        self.tabs.setCurrentIndex(1)
        self.run([self.claim.id])

    def run_all(self) -> None:
        """Run every claim."""
        self.run([claim.id for claim in CLAIMS])

    def run(self, ids: list[str]) -> None:
        """Run these claims in place of what runs."""
        self.cancel()
        self._queue = tuple(ids)
        self.doing.setText("starting")
        self.bar.setValue(0)
        self._running(True)
        self.watcher.run(run_claims, self._queue, Seldom())

    def cancel(self) -> None:
        """Stop; what was judged stays."""
        if self.watcher.running:
            self.watcher.cancel()
            self._running(False)
            self.model.stopped()
            self._show()
            self.panel.set_footer("Stopped. What was judged so far stays.")

    def _told(self, message: Any) -> None:
        self.model.apply(message)
        at = self._queue.index(message.id)
        share = (at + (self.model.results[message.id].share or 0.0)) / len(self._queue)
        self.bar.setValue(round(1000 * share))
        step = message.column if isinstance(message, Step) else ""
        self.doing.setText(f"{message.id} {step}".strip())
        self.progress.setToolTip(f"{at + 1} of {len(self._queue)}: {message.id}")
        if message.id == self.claim.id and not isinstance(message, Step):
            self._show()
        if isinstance(message, Judged):
            self._last = f"{message.id} {message.kind}: {message.sentence}"

    def _ended(self, trouble: str) -> None:
        self._running(False)
        self.model.stopped()
        self._show()
        self.panel.set_footer(f"The claims could not be run: {trouble}" if trouble else self._last or HINT)

    def _running(self, on: bool) -> None:
        self.progress.setVisible(on)
        self.panel.set_footer(HINT)

    # -- the selected claim -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self.figures.show(self.claim, self.model.results[self.claim.id].figures)
        names = [short_world(column) for column in self.claim.columns]
        self.figure_plan.samples = {
            "design": max(names, key=len) + "mm",
            "figure": max((figure.name for figure in self.claim.figures), key=len),
            "unit": max((figure.unit for figure in self.claim.figures), key=len),
            "value": max((number(row[3]) for row in self.figures.rows), key=len, default="0000"),
        }
        self.figure_plan.plan()
        count = self.figures.count()
        self.tabs.setTabText(1, f"figures ({count})" if count else "figures")
        self.figure_table.setToolTip("" if count else "Run the claim to see its figures")
        self._write()

    def _write(self) -> None:
        claim, theme = self.claim, self._theme
        result = self.model.results[claim.id]
        token = self.model.verdict(claim.id)[1]
        dim = theme.color("dim").name()
        parts = [f"<p><b>{claim.id}: {escape(claim.title)}</b></p>"]
        if result.kind:
            parts.append(
                f'<p><b style="color:{theme.color(token).name()}">{escape(_capital(result.kind))}</b>: {escape(result.sentence)}</p>'
            )
        parts += [
            f"<p>{escape(claim.statement)}</p>",
            f'<p style="color:{dim}">{escape(_capital(str(claim.place)))}. '
            f'<a style="color:{theme.color("accent").name()}" href="{ADDRESS}">The letter in the archive</a></p>',
            f'<p><span style="color:{dim}">Rule:</span> {escape(claim.rule_text)}</p>',
        ]
        if claim.remark:
            parts.append(f'<p><span style="color:{dim}">Beside it:</span> {escape(claim.remark)}</p>')
        html = "".join(parts)
        if html != self.text.property("written"):
            self.text.setProperty("written", html)
            self.text.setHtml(html)

    def play(self) -> None:
        """Open the scenario of the selected claim as the session."""
        self.requested.emit("open", {"path": str(resource(self.claim.scenario))})

    def open_letter(self) -> None:
        """Show the archived letter."""
        self._opener(QUrl(ADDRESS))

    def _linked(self, url: QUrl) -> None:
        self._opener(url)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
