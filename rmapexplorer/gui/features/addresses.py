"""Byte addresses or page numbers: one choice for the session, in all that the window shows, reads, copies and exports.

Recordings begin with the byte addresses of /proc, drawings (small addresses, as in lessons) with page numbers. What was
chosen for a file is kept in the settings and not in the file: it is a way to look at it, and older versions open it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtGui import QActionGroup

from rmapexplorer.core.places import BYTES, PAGES
from rmapexplorer.engine.frames import SessionOpened
from rmapexplorer.gui import places
from rmapexplorer.gui.action_records import Action
from rmapexplorer.gui.features.base import Feature

TIP = "In all panels, forms, copies and exports; typed places may be either: 0xa10000 is an address, p a10 a page"


class Addresses(Feature):
    """The two entries of the View menu."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(id="addresses_bytes", text="&Byte addresses, as /proc prints them", menu="View", handler="addresses",
               submenu="&Addresses", values={"kind": BYTES}, checkable=True, tip=TIP),
        Action(id="addresses_pages", text="&Page numbers", menu="View", handler="addresses", submenu="&Addresses",
               values={"kind": PAGES}, checkable=True, tip=TIP),
    )  # fmt: skip

    _path: str = ""

    def built(self) -> None:
        """One of the two is ticked."""
        group = QActionGroup(self)
        for kind in (BYTES, PAGES):
            group.addAction(self.window.actions_[f"addresses_{kind}"])
        self._use(PAGES)

    def told(self, message: Any) -> None:
        """Another session: as its file was looked at last, else as suits it."""
        if isinstance(message, SessionOpened):
            self._path = message.path or ""
            usual = PAGES if message.drawing else BYTES
            self._use(self.window.settings.addresses.get(self._path, usual))

    def _use(self, kind: str) -> bool:
        changed = places.shown().kind != kind
        places.show(kind)
        self.window.actions_[f"addresses_{kind}"].setChecked(True)
        return changed

    def do_addresses(self, record: Action, given: dict[str, Any]) -> None:
        """Write places the other way from now on, everywhere."""
        kind = given["kind"]
        if self._path:
            self.window.settings.keep_addresses(self._path, kind)
        if self._use(kind):
            self.window.commands.close_form()
            self.window.rebuild()
            if self.window.frame is not None:
                self.window.statusbar.set_frame(self.window.frame)
