"""What menus that are filled anew each time have in common."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu


def emptied(menu: QMenu) -> QMenu:
    """The menu without anything in it: ``clear`` leaves its submenus and groups alive, one more set each time."""
    only = Qt.FindChildOption.FindDirectChildrenOnly
    for child in (*menu.findChildren(QMenu, options=only), *menu.findChildren(QActionGroup, options=only)):
        child.deleteLater()
    menu.clear()
    return menu
