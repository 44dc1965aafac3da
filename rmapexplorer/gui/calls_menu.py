"""The menu "Calls of Linux ...": the era whose system calls the log is replayed under."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from rmapexplorer.core.rules import ERAS


class CallsMenu(QObject):
    """A submenu at the end of ``menu``. ``chosen`` carries the era."""

    chosen = Signal(str)

    def __init__(self, menu: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        menu.addSeparator()
        self.menu = menu.addMenu("&Calls of Linux")
        self.menu.setObjectName("calls")
        self.menu.setToolTipsVisible(True)
        self.menu.menuAction().setToolTip(
            "The era: rules and refusals of the calls, and the version of anon_vma_chain.\n"
            "Its version can be set apart afterwards, in its own menu"
        )
        self.era = ERAS[0].era
        self._group = QActionGroup(self)
        self.items: dict[str, QAction] = {}
        for rules in ERAS:
            item = self.menu.addAction(f"{rules.era} (default)" if rules is ERAS[0] else rules.era)
            item.setToolTip(
                f"Replays every operation as Linux {rules.era} did it, with the anon_vma_chain of that time"
            )
            item.setCheckable(True)
            item.triggered.connect(lambda _=False, era=rules.era: self._choose(era))
            self._group.addAction(item)
            self.items[rules.era] = item
        self.set_era(self.era)

    def set_era(self, era: str) -> None:
        """These calls are in force."""
        self.era = era
        self.menu.setTitle(f"&Calls of Linux {era}")
        for name, item in self.items.items():
            item.setChecked(name == era)

    def _choose(self, era: str) -> None:
        wanted, now = era, self.era
        self.set_era(now)  # the tick follows once it is so
        if wanted != now:
            self.chosen.emit(wanted)
