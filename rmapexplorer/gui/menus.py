"""The menus made from what is at hand: docks, designs, recent files; and the context menus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.theme import Theme

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

World = tuple[str, dict[str, str]]
"""A design's key and its options, as the engine takes them."""


def world_key(world: World) -> str:
    """The key of a world: ``anonmm:variant=4c``."""
    key, options = world
    return ":".join([key, ",".join(f"{name}={value}" for name, value in sorted(options.items()))]) if options else key


def worlds(designs: tuple[Any, ...]) -> list[tuple[World, str]]:
    """Every world that can run, with its menu text: each design, then each of its options off the default."""
    found: list[tuple[World, str]] = []
    for design in designs:
        found.append(((design.key, {}), f"{design.key} ({design.era})"))
        for option in design.OPTIONS:
            for value in option.values[1:]:
                found.append(
                    ((design.key, {option.name: value}), f"{design.key}, {option.name} {value}: {option.help}")
                )
    return found


class Menus(QObject):
    """Fills them, and keeps their check marks true."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._theme = window.themes.current
        menus = window.actions_.menus
        self.recent = QMenu("Open &Recent", window)
        menus["File"].insertMenu(window.actions_["save"], self.recent)
        self.recent.aboutToShow.connect(self.fill_recent)
        self.designs = menus["Designs"]
        self.designs.setToolTipsVisible(True)
        menus["Operate"].setToolTipsVisible(True)
        self.docks: dict[str, QAction] = {}
        self._fill_view(menus["View"])
        self.shown: dict[str, QAction] = {}
        self.running: dict[str, QAction] = {}
        self._fill_designs()
        self._mark_theme()
        self.fill_recent()
        window.files.recent_changed.connect(self.fill_recent)

    def _fill_view(self, menu: QMenu) -> None:
        first = menu.actions()[0] if menu.actions() else None
        for place in PLACES:
            action = self._window.docks.docks[place.name].toggleViewAction()
            action.setShortcut(QKeySequence(place.shortcut))
            self._window.addAction(action)
            self.docks[place.name] = action
            if first is None:
                menu.addAction(action)
            else:
                menu.insertAction(first, action)

    def _fill_designs(self) -> None:
        self._view_group = QActionGroup(self)
        self.designs.addSection("Show")
        for number, design in enumerate(self._window.bridge.designs, start=1):
            action = self.designs.addAction(f"&{number}  {design.key}")
            action.setToolTip(design.story)
            action.setCheckable(True)
            action.setShortcut(QKeySequence(f"Ctrl+{number}"))
            action.setIcon(marker(design.key, self._theme))
            action.triggered.connect(lambda _=False, key=design.key: self._window.bridge.view(key))
            self._view_group.addAction(action)
            self._window.addAction(action)
            self.shown[design.key] = action
        self.designs.addSection("Run")
        for world, text in worlds(self._window.bridge.designs):
            action = self.designs.addAction(text)
            action.setCheckable(True)
            action.setData(world)
            action.triggered.connect(self._choose)
            self.running[world_key(world)] = action

    def _choose(self) -> None:
        chosen = [action.data() for action in self.running.values() if action.isChecked()]
        if chosen:
            self._window.bridge.set_designs([(key, dict(options)) for key, options in chosen])
        elif self._window.frame is not None:
            self.set_frame(self._window.frame)

    def set_frame(self, frame: Frame) -> None:
        """Tick what runs and what is shown."""
        keys = {state.key for state in frame.designs}
        for key, action in self.running.items():
            action.setChecked(key in keys)
        for key, action in self.shown.items():
            action.setEnabled(key in keys)
            action.setChecked(key == frame.view)

    def fill_recent(self) -> None:
        """The recent files, newest first, and a way to forget them."""
        self.recent.clear()
        paths = self._window.files.recent
        for number, path in enumerate(paths, start=1):
            action = self.recent.addAction(f"&{number % 10}  {Path(path).name}")
            action.setToolTip(path)
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
        for key, action in self.shown.items():
            action.setIcon(marker(key, theme))
        self._mark_theme()

    def _mark_theme(self) -> None:
        for name in ("dark", "light", "system"):
            self._window.actions_[f"theme_{name}"].setChecked(self._window.settings.theme == name)
