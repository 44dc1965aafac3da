"""The editors that forms are made of: each reads a value, says in a sentence what is wrong with it, can be marked."""

from __future__ import annotations

from typing import Any

from attrs import frozen
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.core.places import PlaceError, Places
from rmapexplorer.core.units import TASK_SIZE_PAGES, Span
from rmapexplorer.gui import places
from rmapexplorer.gui.plain_text import PlainLabel
from rmapexplorer.gui.theme import mono


class FieldError(Exception):
    """A value that cannot be understood; the text is one sentence for the user."""


@frozen(kw_only=True)
class Field:
    """One line of a form.

    :param key: field of the operation. :param kind: key of EDITORS. :param choices: for "choice".
    :param only: (other key, values): shown only while that field has one of these values.
    """

    key: str
    label: str
    kind: str
    default: Any = None
    choices: tuple[str, ...] = ()
    only: tuple[str, tuple[Any, ...]] | None = None
    hint: str = ""
    most: int = 1_000_000


def parse_page(text: str, what: str = "The place", how: Places | None = None) -> int:
    """The page number of a place that was typed, as core.places reads it. FieldError says what is wrong."""
    try:
        return (how or places.shown()).parse(text, what)
    except PlaceError as trouble:
        raise FieldError(str(trouble)) from None


class Editor(QWidget):
    """Base of the editors. ``changed`` after every edit; ``value`` may raise FieldError."""

    changed = Signal()

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(6)

    def value(self) -> Any:
        """What is entered."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Enter a value."""
        raise NotImplementedError


class PageEditor(Editor):
    """A place; empty where the kernel may choose (value -1) unless the field has a default of None."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.edit = _line(field)
        self.edit.setPlaceholderText(self._example(field.hint))
        self.edit.setFont(mono())
        self.edit.textChanged.connect(self.changed)
        self.row.addWidget(self.edit)
        self.setFocusProxy(self.edit)

    def _places(self) -> Places:
        return places.shown()

    def _example(self, hint: str) -> str:
        return f"e.g. {self._places().at(int(hint[5:], 16))}" if hint.startswith("e.g. ") else hint

    def value(self) -> int:
        """The page number, -1 for "the kernel chooses"."""
        if not self.edit.text().strip() and self.field.default == -1:
            return -1
        return parse_page(
            self.edit.text(), "The place" if self._places() is places.shown() else "The page", self._places()
        )

    def set_value(self, value: Any) -> None:
        """Show a page number; -1 and None as empty."""
        self.edit.setText("" if value is None or value < 0 else self._places().at(value))


IN_FILE = Places()


class FilePageEditor(PageEditor):
    """A page of a file, counted from its beginning: an offset is no place in memory, and never shown in bytes."""

    def _places(self) -> Places:
        return IN_FILE


def parse_count(text: str, what: str, least: int, most: int) -> int:
    """A whole decimal number from ``least`` to ``most``; blanks and commas may group its digits."""
    word = text.strip().replace(",", "").replace(" ", "").replace("_", "")
    if not (word.isascii() and word.isdigit()):
        raise FieldError(f"{what} is a whole number, for example 16.")
    number = int(word)
    if not least <= number <= most:
        raise FieldError(f"{what} goes from {least:,} to {most:,}.")
    return number


class SpanEditor(Editor):
    """First page (hexadecimal) and how many pages (decimal)."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.start = _line(field)
        self.pages = _line(field)
        if field.hint.startswith("e.g. "):
            self.start.setPlaceholderText(f"e.g. {places.shown().at(int(field.hint[5:], 16))}")
        self.pages.setPlaceholderText("")
        self.pages.setText("16" if field.default == -1 else "1")
        self.pages.setAccessibleName(f"{field.label}: how many")
        for edit, share in ((self.start, 5), (self.pages, 3)):
            edit.setFont(mono())
            edit.textChanged.connect(self.changed)
            self.row.addWidget(edit, share)
        self.row.addWidget(PlainLabel("pages"))
        self.setFocusProxy(self.start)

    def value(self) -> Span:
        """The span; start -1 for "the kernel chooses" where the field's default is -1."""
        pages = parse_count(self.pages.text(), "The number of pages", 1, TASK_SIZE_PAGES)
        if not self.start.text().strip() and self.field.default == -1:
            return Span(-1, -1 + pages)
        first = parse_page(self.start.text(), "The first page")
        return Span(first, first + pages)

    def set_value(self, value: Any) -> None:
        """Show a Span or a pair (first page, end page)."""
        if value is None or value == -1:
            return
        start, end = (value.start, value.end) if isinstance(value, Span) else value
        self.start.setText("" if start < 0 else places.shown().at(start))
        self.pages.setText(str(end - start))


class CountEditor(Editor):
    """A whole number, at least 1; empty is 0 where the field's default is 0 (its hint says what that means)."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.edit = _line(field)
        self.edit.setFont(mono())
        self.edit.textChanged.connect(self.changed)
        self.row.addWidget(self.edit)
        self.setFocusProxy(self.edit)

    def value(self) -> int:
        """The number."""
        least = 0 if self.field.default == 0 else 1
        if least == 0 and not self.edit.text().strip():
            return 0
        return parse_count(self.edit.text(), "This", least, self.field.most)

    def set_value(self, value: Any) -> None:
        """Show a number."""
        self.edit.setText(str(value) if value or self.field.default != 0 else "")


class ProtEditor(Editor):
    """Protection: three check boxes; none ticked is PROT_NONE."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.boxes = {letter: QCheckBox(word) for letter, word in (("r", "read"), ("w", "write"), ("x", "exec"))}
        for letter, box in self.boxes.items():
            box.setAccessibleName(f"{field.label} {letter}")
            box.toggled.connect(self.changed)
            self.row.addWidget(box)
        self.row.addStretch()
        self.setFocusProxy(self.boxes["r"])

    def value(self) -> str:
        """Letters of r, w, x."""
        return "".join(letter for letter, box in self.boxes.items() if box.isChecked())

    def set_value(self, value: Any) -> None:
        """Tick the letters of ``value``."""
        for letter, box in self.boxes.items():
            box.setChecked(letter in (value or ""))


class ChoiceEditor(Editor):
    """One of the field's choices."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.combo = QComboBox()
        self.combo.setAccessibleName(field.label)
        self.combo.addItems(list(field.choices))
        self.combo.currentTextChanged.connect(self.changed)
        self.row.addWidget(self.combo)
        self.setFocusProxy(self.combo)

    def value(self) -> str:
        """The choice."""
        return self.combo.currentText()

    def set_value(self, value: Any) -> None:
        """Choose ``value`` where it is a choice."""
        if value is not None and self.combo.findText(str(value)) >= 0:
            self.combo.setCurrentText(str(value))


class PidEditor(Editor):
    """A living process: pid and name."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.combo = QComboBox()
        self.combo.setAccessibleName(field.label)
        self.combo.currentIndexChanged.connect(self.changed)
        self.row.addWidget(self.combo)
        self.setFocusProxy(self.combo)

    def set_tasks(self, tasks: list[tuple[int, str]]) -> None:
        """Offer these (pid, name), keeping the choice where it is still there."""
        kept = self.combo.currentData()
        self.combo.blockSignals(True)
        self.combo.clear()
        for pid, comm in tasks:
            self.combo.addItem(f"{comm or 'task'}  {pid}", pid)
        self.combo.blockSignals(False)
        self.set_value(kept)

    def value(self) -> int:
        """The pid."""
        pid = self.combo.currentData()
        if pid is None:
            raise FieldError("There is no process; create one with Operate > New process.")
        return int(pid)

    def set_value(self, value: Any) -> None:
        """Choose the process ``value`` where it is offered."""
        row = self.combo.findData(value)
        if row >= 0:
            self.combo.setCurrentIndex(row)


class TextEditor(Editor):
    """A word: a file, a name."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.edit = _line(field)
        self.edit.textChanged.connect(self.changed)
        self.row.addWidget(self.edit)
        self.setFocusProxy(self.edit)

    def value(self) -> str:
        """The text without blanks around it."""
        return self.edit.text().strip()

    def set_value(self, value: Any) -> None:
        """Show a text."""
        self.edit.setText(value or "")


EDITORS: dict[str, type[Editor]] = {
    "page": PageEditor,
    "file_page": FilePageEditor,
    "span": SpanEditor,
    "count": CountEditor,
    "prot": ProtEditor,
    "choice": ChoiceEditor,
    "pid": PidEditor,
    "text": TextEditor,
}


class Line(QWidget):
    """Label, editor and, where marked, the error under it."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field
        self.editor = EDITORS[field.kind](field)
        self.editor.setObjectName(f"field_{field.key}")
        self.label = PlainLabel(field.label)
        self.label.setProperty("role", "dim")
        self.error = PlainLabel()
        self.error.setProperty("role", "error")
        self.error.setWordWrap(True)
        self.error.hide()
        column = QVBoxLayout()
        column.setSpacing(3)
        column.addWidget(self.editor)
        column.addWidget(self.error)
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.label, 0, 0)
        grid.addLayout(column, 0, 1)
        grid.setColumnMinimumWidth(0, 84)
        grid.setColumnStretch(1, 1)

    def align(self, width: int) -> None:
        """Give the label at least ``width``: the editors of a form stand below each other."""
        self._grid.setColumnMinimumWidth(0, max(width, 84))

    def mark(self, sentence: str) -> None:
        """Show what is wrong with this field; an empty sentence takes the mark away."""
        self.error.setText(sentence)
        self.error.setVisible(bool(sentence))
        for widget in [self.editor, *self.editor.findChildren(QWidget)]:
            widget.setProperty("fault", bool(sentence))
            widget.style().unpolish(widget)
            widget.style().polish(widget)

    @property
    def marked(self) -> bool:
        """Whether an error stands under the field."""
        return bool(self.error.text())


def _line(field: Field) -> QLineEdit:
    edit = QLineEdit()
    edit.setAccessibleName(field.label)
    edit.setPlaceholderText(field.hint)
    return edit
