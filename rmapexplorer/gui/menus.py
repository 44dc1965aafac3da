"""The menus made from what is at hand: docks, designs, recent files; and the context menus."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.calls_menu import CallsMenu
from rmapexplorer.gui.designs_menu import DesignsMenu
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.settings import THEMES
from rmapexplorer.gui.theme import Theme
from rmapexplorer.gui.windows import Windows

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


class Menus(QObject):
    """Fills them, and keeps their check marks true."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._theme = window.themes.current
        menus = window.actions_.menus
        self.recent = QMenu("Open &recent", window)
        menus["File"].insertMenu(window.actions_["save"], self.recent)
        self.recent.aboutToShow.connect(self.fill_recent)
        self.designs = DesignsMenu(menus["Designs"], window.bridge.designs, window, self._theme)
        self.designs.viewed.connect(window.bridge.view)
        self.designs.chosen.connect(self._choose)
        self.calls = CallsMenu(menus["Designs"], window)
        self.calls.chosen.connect(window.bridge.set_calls)
        self._end_designs(menus["Designs"])
        self.windows = Windows(window)
        self.docks: dict[str, QAction] = {}
        self._fill_view(menus["View"])
        self._mark_theme()
        self.fill_recent()
        window.files.recent_changed.connect(self.fill_recent)

    def _fill_view(self, menu: QMenu) -> None:
        """Arrangement first, looks after it: the panels are many and have a menu of their own."""
        first = menu.actions()[0]
        menu.insertMenu(first, self._window.actions_.menus["Perspective"])
        self.panels = QMenu("Pa&nels", self._window)
        menu.insertMenu(first, self.panels)
        for place in PLACES:
            action = self._window.docks.docks[place.name].toggleViewAction()
            action.setText(f"{place.title}\t{place.shortcut}")  # the menu shows it; the key itself does more
            key = QShortcut(QKeySequence(place.shortcut), self._window)
            key.activated.connect(partial(self._to_panel, place.name))
            self._window.addAction(action)
            self.docks[place.name] = action
            self.panels.addAction(action)

    def _to_panel(self, name: str) -> None:
        """The panel to the front, with the keyboard; away with it where it has the keyboard already."""
        from rmapexplorer.gui.palette_entries import show_panel

        dock, focus = self._window.docks.docks[name], QApplication.focusWidget()
        if not dock.isHidden() and focus is not None and dock.isAncestorOf(focus):
            dock.close()
        else:
            show_panel(self._window, name)

    def _end_designs(self, menu: QMenu) -> None:
        pressure = self._window.actions_["pressure"]
        menu.addSeparator()
        menu.addAction(pressure)

    def _choose(self, worlds: list[tuple[str, dict[str, str]]]) -> None:
        self._window.bridge.set_designs(worlds)

    def set_frame(self, frame: Frame) -> None:
        """Tick what runs and what is shown, and the calls in force."""
        if frame.calls != self.calls.era:
            self.calls.set_era(frame.calls)
        self.designs.set_worlds([state.key for state in frame.designs], frame.view)

    def fill_recent(self) -> None:
        """The recent files, newest first, and a way to forget them."""
        self.recent.clear()
        paths = self._window.files.recent
        for number, path in enumerate(paths, start=1):
            action = self.recent.addAction(f"&{number % 10}  {Path(path).name}")
            action.setToolTip(plain_tip(path))
            action.triggered.connect(lambda _=False, p=path: self._window.commands.run("open", {"path": p}))
        if paths:
            self.recent.addSeparator()
            self.recent.addAction("&Forget these", self._window.files.forget)
        self.recent.setToolTipsVisible(True)
        self.recent.setEnabled(bool(paths))

    def popup(self, kind: str, target: dict[str, Any], place: QPoint) -> QMenu:
        """Open the context menu of one process, vma, span, page or operation."""
        menu = self._window.actions_.context_menu(kind, target, self._window)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)
        return menu

    def set_theme(self, theme: Theme) -> None:
        """Colour the markers anew and tick the theme."""
        self._theme = theme
        self.designs.set_theme(theme)
        self._mark_theme()

    def _mark_theme(self) -> None:
        for name in THEMES:
            self._window.actions_[f"theme_{name}"].setChecked(self._window.settings.theme == name)
