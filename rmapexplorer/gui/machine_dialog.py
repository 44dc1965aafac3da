"""The machine of a session as a form: how much RAM and swap there is, and how many vmas a process may have."""

from __future__ import annotations

from attrs import frozen
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from rmapexplorer.core.rules import rules_of
from rmapexplorer.core.units import PAGE_BYTES, Machine
from rmapexplorer.formats.codec import MAX_MAP_COUNT
from rmapexplorer.gui.curves import size_text
from rmapexplorer.gui.plain_text import PlainLabel


@frozen
class Limit:
    """One line: a field of core.units.Machine that may be None for no limit."""

    field: str
    label: str
    unit: str
    least: int
    none: str
    """What an empty field stands for."""


LIMITS = (
    Limit("ram_pages", "&RAM", "pages", 1, "never runs out"),
    Limit("swap_pages", "&Swap", "pages", 0, "never runs out"),
    Limit("max_map_count", "vm.&max_map_count", "vmas", 1, "no limit"),
)


class MachineDialog(QDialog):
    """Not modal. ``changed`` carries the fields that became others: {"max_map_count": 65530}."""

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("machine")
        self.setWindowTitle("Machine")
        self._machine = Machine()
        self.lines: dict[str, QLineEdit] = {}
        self.notes: dict[str, PlainLabel] = {}
        self.told = PlainLabel("Every operation is replayed on the new machine; calls that no longer fit are refused.")
        self.told.setWordWrap(True)
        self.told.setProperty("role", "dim")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Apply | QDialogButtonBox.StandardButton.Close)
        self._build()
        self.buttons.button(QDialogButtonBox.StandardButton.Apply).clicked.connect(self.apply)
        self.buttons.rejected.connect(self.reject)
        self.fill(self._machine)

    def _build(self) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for limit in LIMITS:
            line = QLineEdit()
            line.setPlaceholderText(limit.none)
            line.setValidator(QIntValidator(limit.least, MAX_MAP_COUNT, line))
            line.setAccessibleName(limit.label.replace("&", ""))
            line.textChanged.connect(self._check)
            line.returnPressed.connect(self.apply)
            note = PlainLabel()
            note.setProperty("role", "dim")
            self.lines[limit.field], self.notes[limit.field] = line, note
            form.addRow(limit.label, line)
            form.addRow("", note)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 14)
        column.addLayout(form)
        column.addWidget(self.told)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.setMinimumWidth(420)

    def fill(self, machine: Machine) -> None:
        """Show the machine, whatever stands in the fields."""
        self._machine = machine
        for name, line in self.lines.items():
            value = getattr(machine, name)
            line.setText("" if value is None else str(value))
        self._check()

    def follow(self, machine: Machine) -> None:
        """The session has this machine now: fields that nobody is changing show it."""
        if machine is self._machine or machine == self._machine:
            return
        for name, line in self.lines.items():
            if self._value(name) == getattr(self._machine, name):
                value = getattr(machine, name)
                line.setText("" if value is None else str(value))
        self._machine = machine
        self._check()

    def apply(self) -> None:
        """Ask for what became another."""
        if changes := self._changes():
            self.changed.emit(changes)

    def _value(self, name: str) -> int | None:
        text = self.lines[name].text().strip()
        return int(text) if text else None

    def _changes(self) -> dict[str, int | None]:
        if not self._right():
            return {}
        found = {name: self._value(name) for name in self.lines}
        return {name: value for name, value in found.items() if value != getattr(self._machine, name)}

    def _right(self) -> bool:
        return all(not line.text() or line.hasAcceptableInput() for line in self.lines.values())

    def _check(self) -> None:
        for limit in LIMITS:
            self.notes[limit.field].setText(self._note(limit))
        self.buttons.button(QDialogButtonBox.StandardButton.Apply).setEnabled(bool(self._changes()))

    def _note(self, limit: Limit) -> str:
        line = self.lines[limit.field]
        if line.text() and not line.hasAcceptableInput():
            return f"a whole number of {limit.unit}, {limit.least} or more; empty: {limit.none}"
        value = self._value(limit.field)
        if limit.field == "max_map_count":
            usual = rules_of(self._machine.calls).max_map_count
            return f"vmas of a process; Linux {self._machine.calls} has {usual:,}"
        return f"pages; {size_text(value * PAGE_BYTES)}" if value is not None else f"pages; empty: {limit.none}"
