"""Playing a session as a story: from the beginning, at the pace at which its sentences are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.sentences import story

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

LOOK_SECONDS, LETTERS_SECOND, LONGEST_SECONDS = 1.6, 20.0, 11.0
"""A moment to look at the pictures, letters read in a second, and the most that one operation is shown."""


def reading_time(sentence: str) -> float:
    """Seconds that a sentence and its picture stay."""
    return min(LOOK_SECONDS + len(sentence) / LETTERS_SECOND, LONGEST_SECONDS)


class Story(Feature):
    """Plays with the sentences, and tells the welcome strip how far it is."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="tell", text="Play as a stor&y", menu="Time", handler="tell", shortcut=("Shift+F5",), needs="log",
               tip="From the beginning, each operation as long as it takes to read its sentence"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._telling = False

    def do_tell(self, record: Action, given: dict[str, Any]) -> None:
        """Rewind and play, slowly."""
        self.window.player.tell(self._pace)
        self._telling = self.window.player.telling

    def _pace(self) -> float:
        frame = self.window.frame
        return reading_time(story(frame)) if frame is not None else LOOK_SECONDS

    def set_frame(self, frame: Frame) -> None:
        """The strip says what is going on, and what next."""
        if self._telling and not (self.window.player.telling and frame.position >= frame.head):  # else it rewinds yet
            self.window.welcome.told(frame.position, frame.head)
            self._telling = self.window.player.telling
