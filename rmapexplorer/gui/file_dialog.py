"""The dialogs for files: our own pictures instead of the style's coloured ones."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFileSystemModel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
)

from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.theme import Theme

BUTTONS = {
    "backButton": "back", "forwardButton": "play", "toParentButton": "up", "newFolderButton": "folder-new",
    "listModeButton": "list", "detailModeButton": "details",
}  # fmt: skip
"""Qt's names of the buttons of its own dialog -> our pictures."""


class Rows(QStyledItemDelegate):
    """Files and folders of the lists in the colours of a theme."""

    def __init__(self, theme: Theme, parent: QFileDialog) -> None:
        super().__init__(parent)
        self._folder, self._file = icon("open", theme), icon("new", theme)

    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:  # noqa: N802
        """Folders and places look like folders, everything else like a file."""
        super().initStyleOption(option, index)
        model = index.model()
        plain = isinstance(model, QFileSystemModel) and not model.isDir(QModelIndex(index))
        if index.column() == 0:
            option.icon = self._file if plain else self._folder  # type: ignore[attr-defined]


def dress(dialog: QFileDialog, theme: Theme) -> None:
    """Give a dialog the pictures of ``theme``; the desktop's own dialog, where there is one, keeps its looks."""
    rows = Rows(theme, dialog)
    for view in dialog.findChildren(QAbstractItemView):
        view.setItemDelegate(rows)
    for name, picture in BUTTONS.items():
        button = dialog.findChild(QToolButton, name)
        if button is not None:
            button.setIcon(icon(picture, theme))
