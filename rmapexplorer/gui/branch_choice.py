"""The button that names the branch shown and leads to the others; hidden while there is only one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from rmapexplorer.gui.menu_tools import emptied
from rmapexplorer.gui.panel import HeaderButton
from rmapexplorer.gui.plain_text import plain_tip


class BranchChoice(HeaderButton):
    """``chosen`` carries the name of the branch picked."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            "", "Acting in the past started a branch: the operations of the others are all kept here", parent
        )
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))
        self._names: tuple[str, ...] = ()
        self._now = ""
        self._group: QActionGroup | None = None
        self.set_branches((), "")

    def set_branches(self, names: tuple[str, ...], now: str) -> None:
        """There are these branches; ``now`` is shown."""
        self.setVisible(len(names) > 1)
        if (names, now) == (self._names, self._now):
            return
        self._names, self._now = names, now
        self.setText(now)
        self.setAccessibleName(f"Branch: {now}")
        self.updateGeometry()
        menu = emptied(self.menu())
        self._group = QActionGroup(menu)
        for name in names:
            action = menu.addAction(name.replace("&", "&&"))
            action.setToolTip(plain_tip(name))
            action.setCheckable(True)
            self._group.addAction(action)
            action.setChecked(name == now)
            action.triggered.connect(lambda _=False, n=name: self._picked(n))

    def _picked(self, name: str) -> None:
        if name != self._now:
            self.chosen.emit(name)
