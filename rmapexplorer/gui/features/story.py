"""Playing a session as a story: from the beginning, at the pace at which its sentences are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.engine.frames import Frame, SessionOpened
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.gui.sentences import story

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

TRIED = (5, "anonmm")
"""Position and design that the end of the letter's story proposes."""

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
        self._begins = False

    def told(self, message: Any) -> None:
        """A session was opened; one of the gallery's may be a story."""
        if isinstance(message, SessionOpened):
            self._telling = False
            self._begins = self.window.files.was_picked(message.path)

    def do_tell(self, record: Action, given: dict[str, Any]) -> None:
        """Rewind and play, slowly."""
        self.window.player.tell(self._pace)
        self._telling = self.window.player.telling

    def _pace(self) -> float:
        frame = self.window.frame
        return reading_time(story(frame)) if frame is not None else LOOK_SECONDS

    def set_frame(self, frame: Frame) -> None:
        """The strip says what is going on, and what next; a story that has loaded goes to its beginning."""
        if self._begins and not frame.busy:
            self._begins = False
            self._begin(frame)
        self.window.welcome.tried((frame.position, frame.view.partition(":")[0]) == TRIED)
        if self._telling and not (self.window.player.telling and frame.position >= frame.head):  # else it rewinds yet
            self.window.welcome.told(frame.position, frame.head)
            self._telling = self.window.player.telling

    def _begin(self, frame: Frame) -> None:
        told = {mark.position for mark in frame.bookmarks if mark.text and not mark.branch}
        if frame.head and told.issuperset(range(frame.head + 1)):  # a sentence for each: a story
            self.window.welcome.offer(frame.head)
            self.window.welcome.show()
            self.window.strip_changed()
            self.window.bridge.seek(0)
