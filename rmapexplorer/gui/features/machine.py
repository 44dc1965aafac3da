"""The machine of the session (Designs > Machine…): RAM, swap and vm.max_map_count, shown and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

if TYPE_CHECKING:
    from rmapexplorer.engine.frames import Frame
    from rmapexplorer.gui.machine_dialog import MachineDialog
    from rmapexplorer.gui.window import MainWindow


class MachineFeature(Feature):
    """Makes the dialog when it is first opened."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="machine", text="&Machine…", menu="Designs", handler="machine",
               tip="RAM, swap and vm.max_map_count: what the log is replayed on"),
    )  # fmt: skip

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.dialog: MachineDialog | None = None

    def do_machine(self, record: Action, given: dict[str, Any]) -> None:
        """Open the dialog on the machine as it is."""
        frame = self.window.frame
        if frame is None:
            return
        if self.dialog is None:
            from rmapexplorer.gui.machine_dialog import MachineDialog

            self.dialog = MachineDialog(self.window)
            self.dialog.changed.connect(self.window.bridge.set_machine)
        self.dialog.fill(frame.machine)
        self.dialog.show()
        self.dialog.raise_()

    def set_frame(self, frame: Frame) -> None:
        """The dialog says what holds: another era may bring another number."""
        if self.dialog is not None and self.dialog.isVisible():
            self.dialog.follow(frame.machine)

    def closing(self) -> None:
        """The dialog goes with the window."""
        if self.dialog is not None:
            self.dialog.close()
