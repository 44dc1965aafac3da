"""The strip that says what one is looking at, until it is dismissed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.panel import ElidedLabel
from rmapexplorer.gui.theme import Theme

STORY = (
    "To free a page, Linux must find all who map it. Six operations show how four designs do that, and what breaks one."
)
"""What is on show, short enough for a window of 1280 pixels."""
WHY = (
    "A server forks a worker; the worker writes, then moves pages that both share with mremap. One index in the page cannot "
    "say two addresses: anonmm copies the page, the other designs find it."
)
BEFORE = "Before the first of {} operations. The sentence at the timeline says what each does; watch the memory map."
TELLING = "Operation {} of {}. The sentence at the timeline says what it does; watch the memory map."
TOLD = "That was all. Step back to 5 (Alt+Left) and choose anonmm above: it had to copy what moved. Or take the tour."
DONE = 'anonmm copied: a line above the four pages at a20, and "copied by mremap" rises to 4. The others have neither.'
"""Where what ``TOLD`` proposes was done: what to look at."""
LESSON = "A lesson in {} operations. Play it, or step (Alt+Right) and read at the timeline what each does."
LESSON_TOLD = (
    "That was all. Step back (Alt+Left) to look again; another design above shows how it would have been under that."
)
PLAY, AGAIN, PLAY_LESSON = "Play it", "Play again", "Play it as a story (Shift+F5)"


class Welcome(QFrame):
    """One line with ways on. ``chosen`` carries the id of an action: tell, tour, gallery, open, new; "" for dismissed."""

    chosen = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        self.setAccessibleName("Welcome")
        self.story = ElidedLabel(STORY)
        self.story.setToolTip(WHY)
        self.lesson = False
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 8, 5)
        row.addWidget(self.story, 1)
        self.buttons = {}
        for id_, text in (
            ("tell", PLAY),
            ("tour", "Tour"),
            ("gallery", "Gallery"),
            ("open", "Open a recording"),
            ("new", "Blank session"),
        ):
            button = QPushButton(text)
            button.setFlat(id_ != "tell")
            button.clicked.connect(lambda _=False, name=id_: self.chosen.emit(name))
            row.addWidget(button)
            self.buttons[id_] = button
        self.close_button = QToolButton()
        self.close_button.setProperty("quiet", True)
        self._name_close("Do not show this again")
        self.close_button.clicked.connect(lambda: self.chosen.emit(""))
        row.addWidget(self.close_button)
        self.set_theme(theme)

    def told(self, position: int, head: int) -> None:
        """The story is at ``position``: say so, and at the end what could be next."""
        end = position >= head
        last = LESSON_TOLD if self.lesson else TOLD
        self.story.setText(last if end else TELLING.format(position, head) if position else BEFORE.format(head))
        self.buttons["tell"].setText(AGAIN if end else PLAY)

    def tried(self, done: bool) -> None:
        """What is proposed at the end of the letter's story is on show: say what to look at; gone again, what it was about."""
        said = self.story.full_text()
        if done and said == TOLD:
            self.story.setText(DONE)
        elif not done and said == DONE:
            self.story.setText(STORY)

    def offer(self, operations: int) -> None:
        """A lesson was opened at its beginning: how to go through it."""
        self.lesson = True
        self.story.setText(LESSON.format(operations))
        self.story.setToolTip("")
        self.buttons["tell"].setText(PLAY_LESSON)
        self._name_close("Close")

    def reset(self) -> None:
        """As at the beginning."""
        self.lesson = False
        self.story.setText(STORY)
        self.story.setToolTip(WHY)
        self.buttons["tell"].setText(PLAY)
        self._name_close("Do not show this again")

    def _name_close(self, name: str) -> None:
        self.close_button.setToolTip(name)
        self.close_button.setAccessibleName(name)

    def set_theme(self, theme: Theme) -> None:
        """Colour the picture anew."""
        self.close_button.setIcon(icon("close", theme, 12))
