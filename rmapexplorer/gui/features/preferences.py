"""The preferences (Ctrl+,), and making the window follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.gui.preferences import Preferences
    from rmapexplorer.gui.window import MainWindow


class PreferencesFeature(Feature):
    """Makes the dialog when it is first opened."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="preferences", text="Pr&eferences…", menu="Edit", handler="preferences", shortcut=("Ctrl+,",),
               tip="Theme, text size, motion, speed, keeping work aside; export, import, reset"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.dialog: Preferences | None = None

    def do_preferences(self, record: Action, given: dict[str, Any]) -> None:
        """Open the dialog."""
        if self.dialog is None:
            from rmapexplorer.gui.preferences import Preferences

            self.dialog = Preferences(self.window, self.follow)
        self.dialog.fill()
        self.dialog.show()
        self.dialog.raise_()

    def follow(self) -> None:
        """Let the window look as the settings say; they were replaced as a whole."""
        window, settings = self.window, self.window.settings
        window.looks.use_settings()
        window.player.set_speed(settings.speed)
        wanted = settings.reduced_motion
        if window.actions_["reduced_motion"].isChecked() != wanted:
            settings.reduced_motion = not wanted  # the action turns it round
            window.commands.run("reduced_motion", {})
        window.menus.fill_recent()
        if settings.layout.isEmpty():
            window.docks.reset()

    def closing(self) -> None:
        """The dialog goes with the window."""
        if self.dialog is not None:
            self.dialog.close()
