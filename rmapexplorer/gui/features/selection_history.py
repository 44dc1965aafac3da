"""Back and forward through what was selected, with keys and with the mouse's own buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from rmapexplorer.engine.frames import Notice, SessionOpened
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

KEPT = 100
"""Selections that are remembered."""


def _keeps_presses(widget: QWidget) -> bool:
    """Whether a press ends at this widget; from others it goes up to the view. A filter sees every event: few have one."""
    parent = widget.parentWidget()
    if isinstance(parent, QAbstractScrollArea) and parent.viewport() is widget:
        return True
    return any("mousePressEvent" in kind.__dict__ for kind in type(widget).__mro__ if "PySide6" not in kind.__module__)


class SelectionHistory(Feature):
    """Selections in order with a place in them; a new selection drops those after it."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="selection_back", text="&Back to the selection before", menu="Edit", handler="selection_step",
               shortcut=("Alt+Up",), values={"by": -1}, ruled=True,
               tip="Select what was selected before (also the mouse's back button)"),
        Action(id="selection_forward", text="F&orward to the next selection", menu="Edit", handler="selection_step",
               shortcut=("Alt+Down",), values={"by": 1},
               tip="Undo going back (also the mouse's forward button)"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.places: list[tuple[int, int]] = []
        self.at = -1
        self._going = False
        window.selection.changed.connect(self._selected)

    def built(self) -> None:
        """Listen for the mouse's buttons over every view."""
        self.window.installEventFilter(self)
        self.views_changed()

    def views_changed(self) -> None:
        """The views are new: listen to them."""
        for view in self.window.views.values():
            for widget in (view, *filter(_keeps_presses, view.findChildren(QWidget))):
                widget.installEventFilter(self)

    def told(self, message: Any) -> None:
        """Another session begins with nothing to go back to."""
        if isinstance(message, SessionOpened):
            self.places, self.at = [], -1

    def _selected(self, pid: int, vpn: int) -> None:
        if self._going or pid == 0 or self.window.selection.following:
            return
        del self.places[self.at + 1 :]
        self.places.append((pid, vpn))
        del self.places[:-KEPT]
        self.at = len(self.places) - 1

    def do_selection_step(self, record: Action, given: dict[str, Any]) -> None:
        """Go back or forward; at an end say so."""
        at = self.at + given["by"]
        if not 0 <= at < len(self.places):
            which = "before" if given["by"] < 0 else "after"
            self.window.show_notice(Notice(level="info", text=f"Nothing was selected {which} this."))
            return
        self.at, self._going = at, True
        self.window.selection.select(*self.places[at])
        self._going = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Back and forward buttons of the mouse; everything else goes on its way."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(event, QMouseEvent):
            ways = {Qt.MouseButton.BackButton: "selection_back", Qt.MouseButton.ForwardButton: "selection_forward"}
            if event.button() in ways:
                self.window.commands.run(ways[event.button()], {})
                return True
        return False
