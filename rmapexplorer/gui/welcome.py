"""The strip that says what one is looking at, until it is dismissed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.panel import ElidedLabel
from rmapexplorer.gui.theme import Theme

STORY = "You are looking at what broke anonmm: after a fork, mremap moved a page that two processes share."
"""What is on show, short enough for a window of 1280 pixels."""
WHY = "One index in the page cannot say two addresses: anonmm copies the page, the other designs find it."


class Welcome(QFrame):
    """One line with ways on. ``chosen`` carries the id of an action: play, tour, gallery, open, new; "" for dismissed."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setAccessibleName("Welcome")
        self.story = ElidedLabel(STORY)
        self.story.setToolTip(WHY)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 8, 5)
        row.addWidget(self.story, 1)
        self.buttons = {}
        for id_, text in (
            ("play", "Play it"),
            ("tour", "Tour"),
            ("gallery", "Gallery"),
            ("open", "Open a recording"),
            ("new", "Blank session"),
        ):
            button = QPushButton(text)
            button.setFlat(id_ != "play")
            button.clicked.connect(lambda _=False, name=id_: self.chosen.emit(name))
            row.addWidget(button)
            self.buttons[id_] = button
        self.close_button = QToolButton()
        self.close_button.setProperty("quiet", True)
        self.close_button.setToolTip("Do not show this again")
        self.close_button.setAccessibleName("Do not show this again")
        self.close_button.clicked.connect(lambda: self.chosen.emit(""))
        row.addWidget(self.close_button)
        self.set_theme(theme)

    def set_theme(self, theme: Theme) -> None:
        """Colour the picture anew."""
        self.close_button.setIcon(icon("close", theme, 12))
