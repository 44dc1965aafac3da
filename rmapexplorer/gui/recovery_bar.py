"""The bar that offers sessions left by a program that did not end well: one line each, in the place of the welcome strip."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QToolButton, QWidget

from rmapexplorer.gui.icons import grown, icon
from rmapexplorer.gui.panel import ElidedLabel
from rmapexplorer.gui.plain_text import PlainLabel, plain_tip
from rmapexplorer.gui.recovery import Orphan
from rmapexplorer.gui.theme import Theme

LINES = 3
"""Sessions listed; older ones come into sight when these are dealt with."""


class RecoveryBar(QFrame):
    """``chosen`` carries "recover", "show" or "discard" and the Orphan; ``skipped``: not now, the files stay."""

    chosen = Signal(str, object)
    skipped = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("recovery")
        self.setAccessibleName("Unsaved sessions found")
        self.buttons: list[dict[str, QPushButton]] = []
        """Per line: recover, show, discard."""
        self.texts: list[ElidedLabel] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(14, 5, 8, 5)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._picture = PlainLabel()
        self._close = QToolButton()
        self._close.setProperty("quiet", True)
        self._close.setToolTip("Not now: the sessions are kept and offered again at the next start")
        self._close.setAccessibleName("Not now")
        self._close.clicked.connect(self.skipped)
        self._grid.addWidget(self._picture, 0, 0)
        self._grid.addWidget(self._close, 0, 6)
        self.set_theme(theme)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Colour the pictures anew."""
        self._picture.setPixmap(icon("warning", theme, 16).pixmap(grown(16), grown(16)))
        self._close.setIcon(icon("close", theme, 12))

    def offer(self, found: Sequence[Orphan]) -> None:
        """List these sessions, newest first; none hides the bar."""
        for text, line in zip(self.texts, self.buttons, strict=True):
            for widget in (text, *line.values()):
                self._grid.removeWidget(widget)
                widget.hide()
                widget.deleteLater()
        self.texts, self.buttons = [], []
        for row, orphan in enumerate(found[:LINES]):
            more = len(found) - LINES if row == LINES - 1 else 0
            self._add(row, orphan, f" ({more} older ones wait behind it)" if more > 0 else "")
        self.setVisible(bool(found))

    def _add(self, row: int, orphan: Orphan, more: str) -> None:
        text = ElidedLabel(sentence(orphan) + more)
        self._grid.addWidget(text, row, 1)
        line: dict[str, QPushButton] = {}
        for column, (key, word, tip) in enumerate(
            (
                ("recover", "Recover", "Open it as a modified session without a file; save it where you like"),
                ("show", "Show in folder", str(orphan.path)),
                ("discard", "Discard", "Delete it"),
            ),
            2,
        ):
            button = QPushButton(word)
            button.setFlat(key != "recover")
            button.setToolTip(plain_tip(tip))
            button.setAccessibleDescription(sentence(orphan))
            button.clicked.connect(self._choice(key, orphan))
            self._grid.addWidget(button, row, column)
            line[key] = button
        self.texts.append(text)
        self.buttons.append(line)

    def _choice(self, key: str, orphan: Orphan) -> Callable[[], None]:
        return lambda: self.chosen.emit(key, orphan)


def sentence(orphan: Orphan) -> str:
    """Which session it is: title, when, how much, and whose file it would have become."""
    about = orphan.about
    when = time.strftime("%d %b %H:%M", time.localtime(about.saved))
    count = f"{about.operations:,} operation{'' if about.operations == 1 else 's'}"
    where = f"; your file {Path(about.path).name} is as you saved it" if about.path else ""
    return f"“{about.title}” was not saved before the program ended: {count}, kept on {when}{where}."
