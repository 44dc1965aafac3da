"""The one selection all views share: a process and, within it, a page. (pid, page number) means the same in every design."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class Selection(QObject):
    """What is selected. ``vpn`` -1: the process as a whole. Views listen to ``changed`` and never steal the focus."""

    changed = Signal(int, object)
    """(pid, vpn); pid 0 is nothing. vpn travels as object: page numbers exceed 32 bits."""

    def __init__(self) -> None:
        super().__init__()
        self.pid = 0
        self.vpn = -1
        self.following = False
        """While ``changed`` is told of a move that the user did not ask for."""

    def follow(self, pid: int, vpn: int) -> None:
        """Select what takes the place of the user's selection for a while."""
        self.following = True
        self.select(pid, vpn)
        self.following = False

    def select(self, pid: int, vpn: int = -1) -> None:
        """Select page number ``vpn`` of process ``pid``, or the process alone."""
        if (pid, vpn) != (self.pid, self.vpn):
            self.pid, self.vpn = pid, vpn
            self.changed.emit(pid, vpn)
