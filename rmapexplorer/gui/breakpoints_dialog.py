"""The breakpoints: a line to write a condition in, what is wrong with it as one types, and the list of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCompleter,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.engine.conditions import Condition, Malformed, completions, meaning, parse
from rmapexplorer.gui.models.base import Column, Role, TableModel
from rmapexplorer.gui.panel import HeaderButton, Panel, tone
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.tables import ColumnPlan, RowTable
from rmapexplorer.gui.theme import Theme

EXAMPLES = (
    "walk visits > 100", "merge refused", "atomic allocation", "pte missed", "call refused", "vmas > 1000",
    "operation mremap", "designs differ", "bytes > 64 KiB in anon_vma_chain", "operation fork and allocations > 10",
)  # fmt: skip

HINT = "A figure and a number, or an event; join with and, name a design with in. Click an example to begin."
EMPTY = "No breakpoints yet. Write a condition above, or take an example."


class BreakpointsModel(TableModel):
    """The lines of the settings: condition, and what it means or what is wrong with it."""

    COLUMNS = (
        Column(key="on", title="on", help="whether it stops a run", sample="on  "),
        Column(key="text", title="condition", help="as it was written", sample="operation mremap and merge re",
               mono=True, least="walk visits > 100"),
        Column(key="meaning", title="meaning", help="in words", sample="Stops after the operation", stretch=True,
               rank=1, least="Stops after"),
    )  # fmt: skip

    def __init__(self, settings: Settings, parent: Any = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.lines: list[str] = list(settings.breakpoints)
        self.designs: tuple[str, ...] = ()

    def count(self) -> int:
        """Number of breakpoints."""
        return len(self.lines)

    def on(self, row: int) -> bool:
        """Whether it stops a run."""
        return not self.lines[row].startswith("-")

    def text(self, row: int) -> str:
        """The condition as written."""
        return self.lines[row].lstrip("-")

    def add(self, text: str) -> None:
        """Another one, on."""
        self.beginInsertRows(self.index(-1, -1), len(self.lines), len(self.lines))
        self.lines.append(text)
        self.endInsertRows()
        self._keep()

    def remove(self, row: int) -> None:
        """Take one away."""
        self.beginRemoveRows(self.index(-1, -1), row, row)
        del self.lines[row]
        self.endRemoveRows()
        self._keep()

    def switch(self, row: int) -> None:
        """On becomes off and the other way round."""
        self.lines[row] = self.text(row) if not self.on(row) else "-" + self.text(row)
        self.touch_rows(row, row)
        self._keep()

    def _keep(self) -> None:
        self._settings.breakpoints = self.lines

    def cell(self, row: int, column: int, role: int) -> Any:
        """One breakpoint in one column."""
        key = self.COLUMNS[column].key
        if role == Role.ForegroundRole:
            return self.tone("bad" if key == "meaning" and self.trouble(row) else "text" if self.on(row) else "faint")
        if role == Role.AccessibleTextRole and key == "on":
            return "on" if self.on(row) else "off"
        if role not in (Role.DisplayRole, Role.ToolTipRole):
            return None
        if key == "on":
            return ("☑" if self.on(row) else "☐") if role == Role.DisplayRole else "Space or a click switches it"
        text = self.text(row) if key == "text" else self.trouble(row) or meaning(parse(self.text(row)))
        return plain_tip(text) if role == Role.ToolTipRole else text

    def trouble(self, row: int) -> str:
        """Why it never stops, empty where it may."""
        try:
            condition = parse(self.text(row))
        except Malformed as error:
            return str(error)
        return absent(condition, self.designs)


def absent(condition: Condition, designs: Sequence[str]) -> str:
    """A sentence where the condition names a design that does not run."""
    if not designs or any(condition.meant(key) for key in designs):
        return ""
    return f"{condition.design} does not run now: add it in the Designs menu, or the condition never holds."


class _List(RowTable):
    switched = Signal(int)
    removed = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 (Qt's name)
        """Space switches, Delete removes."""
        row = self.currentIndex().row()
        if event.key() == Qt.Key.Key_Space and row >= 0:
            self.switched.emit(row)
        elif event.key() == Qt.Key.Key_Delete and row >= 0:
            self.removed.emit(row)
        else:
            super().keyPressEvent(event)


class BreakpointsDialog(QDialog):
    """Not modal. ``requested`` carries an action and its values."""

    requested = Signal(str, dict)

    def __init__(self, settings: Settings, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("breakpoints")
        self.setWindowTitle("Breakpoints")
        self._theme = theme
        self._edited = ""
        self.model, self.table = BreakpointsModel(settings, self), _List()
        self.line, self.fault = QLineEdit(), PlainLabel(HINT)
        self.add_button = QPushButton("&Add")
        self.remove_button = QPushButton("&Remove")
        self.on_button, self.back_button = QPushButton("Run &fast  (F7)"), QPushButton("Run &back  (Shift+F7)")
        self.examples = HeaderButton("examples", "Conditions to begin with")
        self._words = QStringListModel(self)
        self._build()
        self.line.textEdited.connect(self._typed)
        self.line.returnPressed.connect(self.add)
        self.add_button.clicked.connect(self.add)
        self.remove_button.clicked.connect(lambda: self._remove(self.table.currentIndex().row()))
        self.table.clicked.connect(lambda index: self.model.switch(index.row()) if index.column() == 0 else None)
        self.table.switched.connect(self.model.switch)
        self.table.removed.connect(self._remove)
        self.table.doubleClicked.connect(lambda index: self._edit(index.row()) if index.column() else None)
        for button, id_ in ((self.on_button, "run_fast"), (self.back_button, "run_back")):
            button.clicked.connect(lambda _=False, name=id_: self.requested.emit(name, {}))
        self.set_theme(theme)
        self._tell()
        self.resize(780, 420)

    def _build(self) -> None:
        self.line.setPlaceholderText("walk visits > 100 in anon_vma")
        self.line.setAccessibleName("Condition of a breakpoint")
        completer = QCompleter(self._words, self)
        completer.setMaxVisibleItems(12)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseSensitive)
        self.line.setCompleter(completer)
        self.fault.setWordWrap(True)
        for button in (self.add_button, self.remove_button, self.on_button, self.back_button):
            button.setAutoDefault(False)
        self.add_button.setProperty("primary", True)
        top, bottom, column = QHBoxLayout(), QHBoxLayout(), QVBoxLayout(self)
        top.addWidget(self.line, 1)
        top.addWidget(self.add_button)
        self.table.setModel(self.model)
        self.table.setAccessibleName("Breakpoints")
        self._plan = ColumnPlan(self.table, self.table.header(), self.model)
        self.panel = Panel("Breakpoints")
        self.panel.set_body(self.table)
        self.panel.set_footer("Space switches one · Delete removes it · Double-click to change it")
        menu = QMenu(self.examples)
        for text in EXAMPLES:
            menu.addAction(text).triggered.connect(lambda _=False, words=text: self._begin(words))
        self.examples.setMenu(menu)
        self.examples.setPopupMode(HeaderButton.ToolButtonPopupMode.InstantPopup)
        self.panel.header_layout().addWidget(self.examples)
        for button in (self.on_button, self.back_button):
            bottom.addWidget(button)
        bottom.addStretch(1)
        bottom.addWidget(self.remove_button)
        column.addLayout(top)
        column.addWidget(self.fault)
        column.addWidget(self.panel, 1)
        column.addLayout(bottom)

    def set_designs(self, designs: tuple[str, ...]) -> None:
        """Keys of the designs that run."""
        if designs != self.model.designs:
            self.model.designs = designs
            self.model.touch_rows(0, self.model.count() - 1)

    def set_theme(self, theme: Theme) -> None:
        """Take the colours of ``theme``."""
        self._theme = theme
        for part in (self.panel, self.table, self.model):
            part.set_theme(theme)
        self._judge(self.line.text())

    def add(self) -> None:
        """Take the condition into the list, or say what is wrong with it."""
        try:
            condition = parse(self.line.text())
        except Malformed as trouble:
            self._say(str(trouble), "bad")
            self.line.setCursorPosition(min(trouble.column, len(self.line.text())))
            self.line.setFocus()
            return
        if condition.text not in map(self.model.text, range(self.model.count())):
            self.model.add(condition.text)
        if self._edited not in ("", condition.text):
            self._drop(self._edited)
        self._edited = ""
        self.line.clear()
        self._say(absent(condition, self.model.designs) or f"Added. {meaning(condition)}", "dim")
        self._tell()

    def _typed(self, text: str) -> None:
        self._words.setStringList(completions(text, self.model.designs))
        self._judge(text)

    def _judge(self, text: str) -> None:
        if not text.strip():
            self._say(HINT, "dim")
            return
        try:
            condition = parse(text)
        except Malformed as trouble:
            self._say(str(trouble), "warn" if not trouble.found else "bad")
            return
        missing = absent(condition, self.model.designs)
        self._say(missing or meaning(condition), "warn" if missing else "good")

    def _say(self, sentence: str, token: str) -> None:
        self.fault.setText(sentence)
        tone(self.fault, token)

    def _begin(self, text: str) -> None:
        self._edited = ""
        self.line.setText(text)
        self._judge(text)
        self.line.setFocus()

    def _edit(self, row: int) -> None:
        """What is being changed stays in the list until its new form is taken in."""
        self._begin(self.model.text(row))
        self._edited = self.model.text(row)

    def _drop(self, text: str) -> None:
        rows = [row for row in range(self.model.count()) if self.model.text(row) == text]
        if rows:
            self.model.remove(rows[0])

    def _remove(self, row: int) -> None:
        if 0 <= row < self.model.count():
            self.model.remove(row)
            self._tell()

    def _tell(self) -> None:
        self.panel.set_empty(None if self.model.count() else EMPTY)
        self.remove_button.setEnabled(self.model.count() > 0)
        self._plan.plan()
