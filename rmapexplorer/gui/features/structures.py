"""The pictures of all structures ask the engine; this is the wire. Reduced motion holds for them too."""

from __future__ import annotations

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.features.base import Feature


class StructurePictures(Feature):
    """Joins the structures panel to the engine."""

    def built(self) -> None:
        """The window is complete."""
        self.view_made("structures")

    def view_made(self, name: str) -> None:
        """Listen to the panel that is there now."""
        view = self.window.views["structures"]
        if name == "structures" and hasattr(view, "asker"):
            view.asker.asked.connect(self.window.bridge.ask)
            view.set_reduced_motion(self.window.settings.reduced_motion)

    def set_frame(self, frame: Frame) -> None:
        """The preference may have changed."""
        view = self.window.views["structures"]
        if hasattr(view, "asker"):
            view.set_reduced_motion(self.window.settings.reduced_motion)
