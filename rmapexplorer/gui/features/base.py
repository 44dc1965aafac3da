"""What a feature is: a part of the window that brings actions of its own, and hears what the engine says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QObject

from rmapexplorer.gui.action_records import Action

if TYPE_CHECKING:
    from rmapexplorer.engine.frames import Frame
    from rmapexplorer.gui.theme import Theme
    from rmapexplorer.gui.window import MainWindow


class Feature(QObject):
    """One feature of one window. Its action records name ``do_<handler>(record, given)`` methods of it.

    The module of a feature is imported at start-up: what is heavy (dialogs, exporters) is imported by the handlers.
    """

    ACTIONS: ClassVar[tuple[Action, ...]] = ()

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window

    def built(self) -> None:
        """The window is complete: views, docks and menus exist."""

    def first_start(self) -> None:
        """A person started the program, not a test or a picture."""

    def set_frame(self, frame: Frame) -> None:
        """A frame arrived and was handed to the views, or waits for those that take turns."""

    def told(self, message: Any) -> None:
        """Any other message of the engine, after the window has seen it (a record of engine.frames)."""

    def set_theme(self, theme: Theme) -> None:
        """The colours changed."""

    def view_made(self, name: str) -> None:
        """That view was made anew, the others not yet; it asks and tells from now on."""

    def views_changed(self) -> None:
        """The views were made anew (another text size)."""

    def context(self, kind: str, target: dict[str, Any]) -> dict[str, Any]:
        """What it adds to the target of a context menu before its actions see it; nothing by default."""
        return target

    def closing(self) -> None:
        """The window closes for good."""
