"""What each design is: its story and its options, in a window of their own; and the menu of a design's chip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import (
    QDialog,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.statusbar import chip_text
from rmapexplorer.gui.theme import Theme, Themes
from rmapexplorer.resources import resource


def page(design: Any) -> str:
    """The page of a design as Markdown: its story (one sentence where no longer one is written) and its options."""
    try:
        text = resource(f"designs/{design.key}.md").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        text = f"# {design.key}: {design.title}\n\n{design.story[:1].upper()}{design.story[1:]}."
    heading, _, story = text.partition("\n")
    parts = [heading, f"*{design.title}, {design.era}*", story.strip()]
    if design.OPTIONS:
        lines = [f"- **{o.name}** ({_values(o.values)}): {o.help}" for o in design.OPTIONS]
        parts.append("\n".join(["## Options", "", *lines]))
    else:
        parts.append("It has no options.")
    if design.LOSES:
        lines = [f"- **{loss.option}={loss.value}**: {loss.words}." for loss in design.LOSES]
        parts.append("\n".join(["## Forms that lose ptes", "", *lines]))
    return "\n\n".join(parts)


def _values(values: tuple[str, ...]) -> str:
    return ", ".join([f"{values[0]} by default", *values[1:]])


class DesignPages(QDialog):
    """Not modal: the designs on the left, oldest first, the page of the selected one on the right."""

    def __init__(self, themes: Themes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("design_pages")
        self.setWindowTitle("Designs")
        self.resize(920, 680)
        self.list = QListWidget()
        self.list.setAccessibleName("Designs, oldest first")
        self.list.setIconSize(QSize(12, 12))
        self.browser = QTextBrowser()
        self.browser.setOpenLinks(False)
        self.browser.setAccessibleName("The design's story and options")
        for design in DESIGNS:
            item = QListWidgetItem(design.key)
            item.setToolTip(f"{design.title} ({design.era})")
            item.setData(Qt.ItemDataRole.UserRole, design.key)
            self.list.addItem(item)
        self.list.setMinimumWidth(self.list.sizeHintForColumn(0) + 52)
        halves = QSplitter()
        halves.setChildrenCollapsible(False)
        halves.addWidget(self.list)
        halves.addWidget(self.browser)
        halves.setStretchFactor(1, 1)
        column = QVBoxLayout(self)
        column.addWidget(halves)
        self.list.currentRowChanged.connect(self._show)
        themes.changed.connect(self.set_theme)
        self.set_theme(themes.current)
        self.list.setCurrentRow(0)

    def set_theme(self, theme: Theme) -> None:
        """Colour the markers; the page is written anew, as links and headings keep their colours."""
        names = {name: theme.color(name).name() for name in ("panel", "line", "text", "sel", "raised")}
        self.list.setStyleSheet(
            "QListWidget {{ background: {panel}; color: {text}; border: 1px solid {line}; border-radius: 8px;"
            " padding: 6px; outline: none; }} QListWidget::item {{ padding: 5px 4px; border-radius: 4px; }}"
            " QListWidget::item:selected {{ background: {sel}; color: {text}; }}"
            " QListWidget::item:hover:!selected {{ background: {raised}; }}".format(**names)
        )
        for row in range(self.list.count()):
            self.list.item(row).setIcon(marker(self.list.item(row).data(Qt.ItemDataRole.UserRole), theme))
        if self.list.currentRow() >= 0:
            self._show(self.list.currentRow())

    def show_design(self, key: str) -> None:
        """Open at the page of a design; ``key`` may be that of a world with options."""
        keys = [design.key for design in DESIGNS]
        name = key.partition(":")[0]
        if name in keys:
            self.list.setCurrentRow(keys.index(name))
        self.show()
        self.raise_()
        self.list.setFocus()

    def _show(self, row: int) -> None:
        self.browser.setMarkdown(page(DESIGNS[row]))


class ChipMenu(QObject):
    """Gives the chips of the toolbar a context menu: show the design, read about it."""

    def __init__(self, row: QWidget, view: Callable[[str], None], about: Callable[[str], None]) -> None:
        super().__init__(row)
        self._row, self._view, self._about = row, view, about
        row.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """A chip leaves the event to its row, where it is caught."""
        if event.type() != QEvent.Type.ContextMenu or not isinstance(event, QContextMenuEvent):
            return False
        key = self._key_at(event.pos())
        if not key:
            return False
        self.menu(key).popup(event.globalPos())
        event.accept()
        return True

    def _key_at(self, place: QPoint) -> str:
        return str(getattr(self._row.childAt(place), "key", ""))

    def menu(self, key: str) -> QMenu:
        """The menu of one design's chip."""
        menu = QMenu(self._row)
        menu.setObjectName("chip_menu")
        menu.setToolTipsVisible(True)
        menu.aboutToHide.connect(menu.deleteLater)
        show = menu.addAction(f"&Show {chip_text(key)}", lambda: self._view(key))
        show.setObjectName("show")
        about = menu.addAction(f"&About {key.partition(':')[0]}…", lambda: self._about(key))
        about.setObjectName("about")
        about.setToolTip("Its story, its structures, its options")
        return menu
