"""What can be typed next in a script: words of the language, processes, vmas of the process the line is about, names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QCompleter, QPlainTextEdit

from rmapexplorer.engine.frames import Frame
from rmapexplorer.formats.script import expected_at
from rmapexplorer.formats.script_heads import HEAD_EXAMPLES
from rmapexplorer.formats.script_numbers import PID, PLACE
from rmapexplorer.formats.script_operations import EXAMPLES
from rmapexplorer.gui import targets

MOST = 200
"""Suggestions shown."""
_WORD = re.compile(r"[A-Za-z0-9_]*\Z")
_HINTS = {
    **EXAMPLES, **HEAD_EXAMPLES, "let": "let n = 1000", "repeat": "repeat n: fork 1", "mark": 'mark "before the move"',
    "any": "where the kernel finds room", "new": "the next pid", "none": "PROT_NONE",
}  # fmt: skip


def suggestions(before: str, names: Iterable[str], frame: Frame | None) -> tuple[str, list[tuple[str, str]]]:
    """What can stand after ``before``, the text of the line up to the cursor.

    :return: the beginning of the word that is being typed, and (word, hint) of all that begin with it.
    """
    match = _WORD.search(before)
    begun = match.group() if match else ""
    found: dict[str, str] = {}
    known = set(names)
    for hope in expected_at(before[: len(before) - len(begun)], known):
        for word in hope.words:
            found.setdefault(word, _HINTS.get(word, ""))
        if frame is not None and hope.what == PID.what:
            found.update({str(pid): comm for pid, comm in targets.tasks(frame)})
        if frame is not None and (hope.what.startswith("a span") or hope.what == PLACE.what):
            found.update(_places(before, frame, hope.what == PLACE.what))
        if hope.what in (PID.what, PLACE.what, "a number", "a number of pages"):
            found.update(dict.fromkeys(sorted(known), "let"))
    low = begun.lower()
    return begun, [(word, hint) for word, hint in found.items() if word.lower().startswith(low) and word != begun][
        :MOST
    ]


def _places(before: str, frame: Frame, single: bool) -> dict[str, str]:
    # vmas of the process that the line names; of the place of a span only the numbers
    words = before.replace(":", " ").split()
    pid = next((int(word) for word in words[1:] if word.isdecimal() and len(word) < 10), 0)
    found = {}
    for span in targets.spans(frame, pid):
        found[f"{span.start:x}" if single else str(span)] = f"{span.pages} pages"
    return found


class Completer(QCompleter):
    """The list under the cursor. ``picked`` carries the word and how many letters of it stand there already."""

    picked = Signal(str, int)

    def __init__(self, editor: QPlainTextEdit) -> None:
        super().__init__(editor)
        self._editor = editor
        self._begun = 0
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setWidget(editor)
        self.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._list.setObjectName("suggestions")
        self._list.setAccessibleName("Suggestions")
        self.activated[QModelIndex].connect(self._picked)  # type: ignore[index]

    @property
    def _list(self) -> QAbstractItemView:
        found = self.popup()
        assert found is not None
        return found

    @property
    def open(self) -> bool:
        """Whether the list is shown."""
        return self._list.isVisible()

    @property
    def chosen(self) -> bool:
        """Whether a word of the list is marked: Enter takes it. While typing none is, Enter ends the line then."""
        return self.open and self._list.currentIndex().isValid()

    def hide(self) -> None:
        """Close the list."""
        self._list.hide()

    def take(self) -> None:
        """Take the word that is marked, else the first one."""
        index = self._list.currentIndex()
        self._picked(index if index.isValid() else self._list.model().index(0, 0))

    def words(self) -> list[str]:
        """The words shown."""
        return [self._model.item(row).data(Qt.ItemDataRole.UserRole) for row in range(self._model.rowCount())]

    def offer(self, begun: str, found: list[tuple[str, str]], at: QRect, choose: bool = False) -> None:
        """Show these under the rectangle of the cursor; nothing hides the list. ``choose`` marks the first."""
        self._begun = len(begun)
        self._model.clear()
        for word, hint in found:
            item = QStandardItem(f"{word}   {hint}" if hint and hint != word else word)
            item.setData(word, Qt.ItemDataRole.UserRole)
            self._model.appendRow(item)
        if not found:
            self.hide()
            return
        popup = self._list
        width = popup.sizeHintForColumn(0) + popup.verticalScrollBar().sizeHint().width() + 16
        at.setWidth(min(max(width, 120), 560))
        self.complete(at)
        popup.setCurrentIndex(popup.model().index(0, 0) if choose else QModelIndex())

    def _picked(self, index: QModelIndex) -> None:
        word = index.data(Qt.ItemDataRole.UserRole)
        self.hide()
        self.picked.emit(word, self._begun)
