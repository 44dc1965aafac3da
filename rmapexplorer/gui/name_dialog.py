"""A small dialog that asks for a name and says below the line why one cannot be used."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLineEdit, QVBoxLayout, QWidget

from rmapexplorer.gui.plain_text import PlainLabel

LONGEST = 400
"""Letters of a name."""


class NameDialog(QDialog):
    """``named`` carries the text once it is accepted.

    :param problem: why a text cannot be used, empty where it can.
    """

    named = Signal(str)

    def __init__(self, title: str, text: str, problem: Callable[[str], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("name")
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self._problem = problem
        self.line = QLineEdit(text)
        self.line.setMaxLength(LONGEST)
        self.line.setAccessibleName(title)
        self.line.selectAll()
        self.fault = PlainLabel()
        self.fault.setWordWrap(True)
        self.fault.setProperty("role", "dim")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        column = QVBoxLayout(self)
        label = PlainLabel(title)
        label.setBuddy(self.line)
        for part in (label, self.line, self.fault, self.buttons):
            column.addWidget(part)
        self.line.textChanged.connect(self._check)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.accepted.connect(lambda: self.named.emit(self.line.text().strip()))
        self._check(text)
        self.setMinimumWidth(380)

    def offer_removal(self, words: str, then: Callable[[], None]) -> None:
        """A third button: instead of giving it another name, what is named is taken away."""
        self.remove_button = self.buttons.addButton(words, QDialogButtonBox.ButtonRole.ResetRole)
        self.remove_button.setAutoDefault(False)
        self.remove_button.clicked.connect(self.reject)
        self.remove_button.clicked.connect(then)

    def _check(self, text: str) -> None:
        fault = self._problem(text.strip())
        self.fault.setText(fault)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not fault)
