"""When the window shows all it has to: the engine at rest with its probes, nothing under way, curves and map drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

TURNS = 8
"""So many turns of the event loop in a row find nothing to do: panels are laid out and painted in some of them.

Turns and not a time: where the machine is slow, one turn may take a second.
"""


class Calm:
    """Looks at the window once a turn of the event loop."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._turns = 0

    def look(self) -> bool:
        """Whether this was quiet enough for long enough."""
        self._turns = 0 if self.trouble() else self._turns + 1
        return self._turns >= TURNS

    def trouble(self) -> str:
        """What it waits for, in words; empty for nothing."""
        window = self._window
        frame = window.frame
        if window.looks.working:
            return "theme or text change"
        if frame is None or window.statusbar.job:
            return "the session is being loaded"
        if frame.busy or not window.bridge.resting:
            return "the engine is at work"
        if frame.detail is None and window.selection.pid and frame.position:
            return "the selection is being looked at"
        slow = [name for name, view in window.views.items() if getattr(view, "working", False)]
        return f"{' and '.join(slow)}: not drawn yet" if slow else ""
