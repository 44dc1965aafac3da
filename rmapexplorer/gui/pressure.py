"""The figure nobody published: the designs under memory pressure, run here, as plots and as a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.aside import Seldom
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.figures.job import Running, run_pressure
from rmapexplorer.figures.pressure import CHILDREN, LOADS, Pressure
from rmapexplorer.figures.pressure import DESIGNS as USUAL
from rmapexplorer.formats import writing
from rmapexplorer.gui.aside import Watcher
from rmapexplorer.gui.export_pictures import write_picture
from rmapexplorer.gui.files import Dialogs
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.models.pressure import PressureModel, as_csv
from rmapexplorer.gui.panel import ElidedLabel, HeaderTabs, Panel
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.pressure_plot import PressurePlots
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme, Themes

MOST_CHILDREN = 30_000
"""Children of a run; a list of them is walked for every page reclaimed."""

DRAW_MS = 400
"""Runs that end within this many milliseconds are drawn together."""

INTRO = "RAM for half of the working set, swap without end; all numbers are per page reclaimed."


def counts(text: str) -> list[int]:
    """Numbers of children from words like "10, 100", ascending. :raises ValueError: a sentence."""
    words = text.replace(",", " ").split()
    numbers = [int(word) if word.isdecimal() else 0 for word in words]
    if not words or not all(1 <= number <= MOST_CHILDREN for number in numbers):
        raise ValueError(f"Children are numbers from 1 to {MOST_CHILDREN:,} with blanks between them, such as 10 100.")
    return sorted(set(numbers))


class PressureWindow(QDialog):
    """Not modal. ``wrote`` carries a path that was written."""

    wrote = Signal(str)

    def __init__(self, themes: Themes, dialogs: Dialogs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pressure")
        self.setWindowTitle("Under memory pressure")
        self._dialogs = dialogs
        self.model, self.table = PressureModel(self), RowTable()
        self.watcher = Watcher(self)
        self.boxes = {kind.key: QCheckBox(kind.key) for kind in DESIGNS}
        self.children_line = QLineEdit(" ".join(str(count) for count in CHILDREN))
        self.run_button, self.cancel_button = QPushButton("Run"), QPushButton("Cancel")
        self.csv_button, self.png_button = QPushButton("Save table…"), QPushButton("Save picture…")
        self.bar, self.doing = QProgressBar(), ElidedLabel(INTRO)
        self.tabs, self.plots = HeaderTabs(), PressurePlots(themes.current)
        self.panel, self.table_panel = Panel("Plots"), Panel("Table")
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(DRAW_MS)
        self._later.timeout.connect(self._draw)
        self._build()
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.children_line.returnPressed.connect(self.run)
        self.children_line.textChanged.connect(lambda _: self._fault(""))
        self.csv_button.clicked.connect(self._ask_csv)
        self.png_button.clicked.connect(self._ask_png)
        self.tabs.currentChanged.connect(lambda _: self._draw())
        self.watcher.told.connect(self._told)
        self.watcher.ended.connect(self._ended)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)
        self._idle()
        self.resize(1120, 760)

    def _build(self) -> None:
        choice = QGridLayout()
        choice.setHorizontalSpacing(16)
        for number, (key, box) in enumerate(self.boxes.items()):
            box.setChecked(key in USUAL)
            box.setIconSize(QSize(11, 11))
            choice.addWidget(box, number // 6, number % 6)
        self.children_line.setAccessibleName("Numbers of children")
        self.children_line.setMaximumWidth(260)
        self.run_button.setProperty("primary", True)
        self.run_button.setDefault(True)
        self.bar.setTextVisible(False)
        row = QHBoxLayout()
        label = PlainLabel("&Children")
        label.setBuddy(self.children_line)
        for widget in (label, self.children_line, self.run_button, self.cancel_button, self.bar):
            row.addWidget(widget)
        row.addWidget(self.doing, 1)
        row.addWidget(self.csv_button)
        row.addWidget(self.png_button)
        for load in LOADS:
            self.tabs.addTab(f"{load.workload.number} {load.workload.title}")
        self.panel.set_title_widget(self.tabs)
        self.panel.set_hint("log-log; 0 has its own line")
        self.panel.set_body(self.plots)
        self.table.setModel(self.model)
        self.table.setAccessibleName("Runs, per page reclaimed")
        self.plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.table.setIconSize(QSize(11, 11))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.table_panel.set_body(self.table)
        self.table_panel.set_hint("per page reclaimed")
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.setChildrenCollapsible(False)
        halves.addWidget(self.panel)
        halves.addWidget(self.table_panel)
        halves.setSizes([440, 190])
        column = QVBoxLayout(self)
        column.addLayout(choice)
        column.addLayout(row)
        column.addWidget(halves, 1)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        for part in (self.panel, self.table_panel, self.table, self.model, self.plots, self.tabs):
            part.set_theme(theme)
        for key, box in self.boxes.items():
            box.setIcon(marker(key, theme))

    # -- running ------------------------------------------------------------------------------------------------------

    def chosen(self) -> list[str]:
        """Keys of the designs ticked."""
        return [key for key, box in self.boxes.items() if box.isChecked()]

    def run(self) -> None:
        """Run what is chosen; a sentence says what is wrong with it."""
        try:
            children = counts(self.children_line.text())
        except ValueError as error:
            self._fault(str(error))
            return
        if not self.chosen():
            self.doing.setText("Tick at least one design.")
            return
        self.model.clear()
        self._draw()
        self.bar.setValue(0)
        self.doing.setText("starting")
        self.watcher.run(run_pressure, tuple(self.chosen()), tuple(children), Seldom())
        self._idle()

    def cancel(self) -> None:
        """Stop; the runs that are done stay."""
        if self.watcher.running:
            self.watcher.cancel()
            self._draw()
            self.doing.setText(f"Stopped after {len(self.model.rows)} runs; they stay.")
            self._idle()

    def _told(self, message: Any) -> None:
        if isinstance(message, Running):
            share = message.done / message.total if message.total else 0.0
            self.bar.setValue(round(1000 * (message.run + share) / message.runs))
            self.doing.setText(f"{message.run + 1} of {message.runs}: {message.title}")
        elif isinstance(message, Pressure):
            self.model.add(message)
            if not self._later.isActive():
                self._later.start()
            self._idle()

    def _ended(self, trouble: str) -> None:
        self.doing.setText(trouble or INTRO)
        self._draw()
        self._idle()

    def _idle(self) -> None:
        busy = self.watcher.running
        self.run_button.setEnabled(not busy)
        self.cancel_button.setVisible(busy)
        self.bar.setVisible(busy)
        self.bar.setRange(0, 1000)
        for button in (self.csv_button, self.png_button):
            button.setEnabled(bool(self.model.rows))
        empty = None if self.model.rows else "Choose designs and numbers of children, then Run."
        self.panel.set_empty(empty)
        self.table_panel.set_empty(None if self.model.rows else "Every run will be a row here.")

    def _fault(self, sentence: str) -> None:
        if bool(self.children_line.property("fault")) != bool(sentence):
            self.children_line.setProperty("fault", bool(sentence))
            self.children_line.style().unpolish(self.children_line)
            self.children_line.style().polish(self.children_line)
        if sentence or not self.watcher.running:
            self.doing.setText(sentence or INTRO)

    def _draw(self) -> None:
        self._later.stop()
        number = LOADS[max(self.tabs.currentIndex(), 0)].workload.number
        self.plots.show_runs([row for row in self.model.rows if row.workload == number])

    # -- files --------------------------------------------------------------------------------------------------------

    def _ask_csv(self) -> None:
        self._dialogs.ask_save("under-pressure.csv", "Tables (*.csv)", "csv", self.save_csv)

    def _ask_png(self) -> None:
        self._dialogs.ask_save("under-pressure.png", "Pictures (*.png)", "png", self.save_png)

    def save_csv(self, path: str) -> None:
        """Write all runs as CSV."""
        try:
            writing.write(path, (as_csv(self.model.rows),))
        except OSError as error:
            self._say(writing.trouble(path, error))
        else:
            self.wrote.emit(path)
            self._say(f"Saved {path}.")

    def save_png(self, path: str) -> None:
        """Write the plots in sight as a picture."""
        if trouble := write_picture(self.plots.grab().toImage(), path):
            self._say(trouble)
        else:
            self.wrote.emit(path)
            self._say(f"Saved {path}.")

    def _say(self, sentence: str) -> None:
        self.doing.setText(sentence)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 (Qt's name)
        """Nothing runs on unseen."""
        self.cancel()
        super().closeEvent(event)

    def reject(self) -> None:
        """Escape closes, too."""
        self.cancel()
        super().reject()
