"""The tour of the window: once at the first start, and from the Help menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature
from rmapexplorer.resources import resource

if TYPE_CHECKING:
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.tour import Tour
    from rmapexplorer.gui.window import MainWindow

SCENARIO = "the-letter-in-six-operations"
CALM_MS = 700
"""After the first picture, before the tour begins by itself, in milliseconds."""


class TourFeature(Feature):
    """Makes the tour when it is asked for."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="tour", text="&Tour of the window", menu="Help", handler="tour", shortcut=("Ctrl+Alt+T",),
               tip="What a reverse map is for, then the panels one by one; the window stays usable"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.tour: Tour | None = None

    def first_start(self) -> None:
        """Begin once the first picture is there, if it never was shown; not over a message."""
        if not self.window.settings.toured and self.window.settings.welcome:
            self.window.ready.connect(self._calm)

    def _calm(self) -> None:
        self.window.ready.disconnect(self._calm)
        QTimer.singleShot(CALM_MS, self, self._begin)

    def _begin(self) -> None:
        window = self.window
        busy = window.commands.form is not None or not window.messagebar.isHidden()
        if window.isVisible() and window.files.title == SCENARIO and not window.files.modified and not busy:
            self._start()

    def do_tour(self, record: Action, given: dict[str, Any]) -> None:
        """Begin, on the letter's scenario unless that would lose unsaved work."""
        if self.window.files.title != SCENARIO and not self.window.files.modified:
            self.window.files.open(str(resource(f"scenarios/{SCENARIO}.rmap")))
        self._start()

    def _start(self) -> None:
        from rmapexplorer.gui.tour import Tour

        self.window.settings.toured = True
        self._end()
        self.tour = Tour(self.window, self._part)
        self.tour.ended.connect(self._end)
        self.tour.start()

    def _end(self) -> None:
        if self.tour is not None:
            for part in (self.tour.callout, self.tour.ring):
                part.hide()
                part.deleteLater()
            self.tour.deleteLater()
            self.tour = None

    def _part(self, place: str) -> QWidget | None:
        if place == "[designs]":
            return self.window.toolbar.row
        if place == "[palette]":
            return self.window.findChild(QWidget, "palette_button")
        return self.window.docks.docks.get(place)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the callout."""
        if self.tour is not None:
            self.tour.set_theme(theme)

    def views_changed(self) -> None:
        """Another text size: the callout is made anew at the same stop."""
        if self.tour is not None:
            at = self.tour.at
            self._start()
            self.tour.at = at - 1
            self.tour.callout.wanted.emit(1)

    def closing(self) -> None:
        """Nothing is left over the window."""
        self._end()
