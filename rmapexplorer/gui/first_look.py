"""What is selected where nobody selected anything yet: in a session that was just opened, and while it still loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmapexplorer.engine.frames import Frame, SessionOpened
from rmapexplorer.gui import targets

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


class FirstLook:
    """Leads the selection until the session is there or the user selects something, whichever comes first.

    While a session loads the busiest process is shown as soon as there is one, and another one when it ends.
    """

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._open = True
        self._leads = False
        self._led = False
        self._own: tuple[int, int] | None = None

    def opened(self, message: SessionOpened) -> None:
        """A session begins; a selection of its own is not overruled while it loads."""
        self._select(0, -1)
        self._open, self._own, self._led = True, message.selection, False

    def chosen(self) -> None:
        """Something was selected: unless that was here, there is no more to lead."""
        self._open = self._open and self._leads

    def framed(self, frame: Frame) -> None:
        """The state after another piece of the log, or at the end of it."""
        if not self._open:
            return
        detail = frame.detail
        if not frame.busy:
            own = detail if not self._led else None
            self._window.feeder.reveal = own is not None
            self._select(*((own.pid, own.vpn) if own is not None else targets.interesting(frame)))
            self._open = False
        elif self._own is not None:
            if detail is not None and (detail.pid, detail.vpn) == self._own:
                self._select(*self._own)
                self._led = False
        elif not targets.alive(frame, self._window.selection.pid):
            self._select(*targets.interesting(frame))

    def _select(self, pid: int, vpn: int) -> None:
        self._leads = self._led = True
        self._window.selection.select(pid, vpn)
        self._leads = False
