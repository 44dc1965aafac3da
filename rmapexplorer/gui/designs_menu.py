"""The Designs menu: what runs and is shown, and every design there is with its options, made from their Option records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from rmapexplorer.core.units import KernelError
from rmapexplorer.gui.icons import marker
from rmapexplorer.gui.menu_tools import emptied
from rmapexplorer.gui.panel import wrapped
from rmapexplorer.gui.statusbar import chip_text
from rmapexplorer.gui.theme import Theme

MOST = 8
"""Worlds that run at most."""

FULL = f"{MOST} run already, which is the most: stop one first."
LAST = "It is the only one that runs."


@frozen
class World:
    """A design's key and the options that are not its default."""

    design: str
    options: Mapping[str, str]

    @property
    def key(self) -> str:
        """As the engine names it: ``anonmm:variant=4c``."""
        words = ",".join(f"{name}={value}" for name, value in self.options.items())
        return f"{self.design}:{words}" if words else self.design


def world_of(key: str) -> World:
    """The world with this key."""
    design, _, words = key.partition(":")
    return World(design, dict(word.partition("=")[::2] for word in words.split(",")) if words else {})


def having(design: Any, world: World, option: str, value: str) -> World:
    """``world`` of ``design`` with one option set to ``value``; defaults are left out, the rest in the design's order."""
    wanted = {**world.options, option: value}
    options = {o.name: wanted[o.name] for o in design.OPTIONS if wanted.get(o.name, o.values[0]) != o.values[0]}
    return World(world.design, options)


def refusal(design: Any, world: World) -> str:
    """Why ``design`` cannot run with these options together; empty where it can."""
    try:
        design(**world.options)
    except KernelError as refused:
        return f"{refused.rule}."
    return ""


class DesignsMenu(QObject):
    """Fills ``menu`` anew whenever other worlds run. ``chosen`` carries the worlds to run, ``viewed`` the one to show."""

    chosen = Signal(list)
    viewed = Signal(str)

    def __init__(self, menu: QMenu, designs: Sequence[Any], owner: QWidget, theme: Theme) -> None:
        super().__init__(owner)
        self._menu, self._designs, self._owner, self._theme = menu, tuple(designs), owner, theme
        self.worlds: list[World] = []
        self.shown: dict[str, QAction] = {}
        """The worlds that run, by key: triggering one shows it."""
        self.menus: dict[str, QMenu] = {}
        """The submenu of each design, by key."""
        self._view = ""
        menu.setToolTipsVisible(True)
        self._places = [self._place(number) for number in range(1, MOST + 1)]
        self._group = QActionGroup(self)
        for action in self._places:
            self._group.addAction(action)
        _heading(menu, "Running; choose one to show it")
        menu.addActions(self._places)
        menu.addSeparator()
        _heading(menu, "All designs")
        for design in self._designs:
            inner = menu.addMenu(design.key)
            inner.setToolTipsVisible(True)
            inner.menuAction().setToolTip(wrapped(f"{design.title} ({design.era}). {design.story}"))
            inner.aboutToShow.connect(lambda d=design: self._fill(d))
            self.menus[design.key] = inner
        self.set_theme(theme)

    def _place(self, number: int) -> QAction:
        action = QAction(self)
        action.setCheckable(True)
        action.setVisible(False)
        action.setShortcut(QKeySequence(f"Ctrl+{number}"))
        action.triggered.connect(lambda: self.viewed.emit(action.data()))
        self._owner.addAction(action)
        return action

    # -- what runs ----------------------------------------------------------------------------------------------------

    def set_worlds(self, keys: Sequence[str], view: str) -> None:
        """These run, and ``view`` is shown."""
        if [world.key for world in self.worlds] != list(keys):
            self.worlds = [world_of(key) for key in keys]
            self.shown = dict(zip(keys, self._places, strict=False))
            for number, action in enumerate(self._places, 1):
                key = keys[number - 1] if number <= len(keys) else ""
                action.setVisible(bool(key))
                action.setEnabled(bool(key))
                action.setData(key)
                action.setText(f"&{number}  {chip_text(key)}" if key else "")
                action.setIcon(marker(key, self._theme) if key else QIcon())
            running = {world.design for world in self.worlds}
            for key, menu in self.menus.items():
                menu.setTitle(f"{key}  ✓" if key in running else key)
        self._view = view
        for key, action in self.shown.items():
            action.setChecked(key == view)
            font = action.font()
            font.setBold(key == view)
            action.setFont(font)  # beside its marker there is no room for a tick

    def set_theme(self, theme: Theme) -> None:
        """Colour the markers anew."""
        self._theme = theme
        for key, action in self.shown.items():
            action.setIcon(marker(key, theme))
        for key, menu in self.menus.items():
            menu.menuAction().setIcon(marker(key, theme))

    def of(self, design: str) -> list[World]:
        """The worlds of one design that run."""
        return [world for world in self.worlds if world.design == design]

    def at_hand(self, design: str) -> World | None:
        """The world of a design that its options are about: the one in view, else the first that runs."""
        mine = self.of(design)
        return next((world for world in mine if world.key == self._view), mine[0] if mine else None)

    # -- one design ---------------------------------------------------------------------------------------------------

    def open(self, design: str) -> QMenu:
        """The submenu of a design, filled as it is when it opens."""
        self._fill(next(d for d in self._designs if d.key == design))
        return self.menus[design]

    def _fill(self, design: Any) -> None:
        menu = emptied(self.menus[design.key])
        mine, hand = self.of(design.key), self.at_hand(design.key)
        for world in mine or [World(design.key, {})]:
            action = self._item(menu, f"Run {chip_text(world.key)}", design.story, lambda w=world: self._toggle(w))
            action.setCheckable(True)
            action.setChecked(bool(mine))
            self._allow(action, len(self.worlds) > 1 if mine else len(self.worlds) < MOST, LAST if mine else FULL)
        if design.OPTIONS:
            menu.addSeparator()
            _heading(menu, f"Options of {chip_text(hand.key if hand else design.key)}")
        for option in design.OPTIONS:
            self._radios(menu, design, option, hand or World(design.key, {}), bool(mine))
        if design.OPTIONS and mine:
            menu.addSeparator()
            self._variants(menu.addMenu("&Add a variant"), design, hand or mine[0])

    def _radios(self, menu: QMenu, design: Any, option: Any, world: World, runs: bool) -> None:
        now = world.options.get(option.name, option.values[0])
        inner = menu.addMenu(f"{option.name}: {now}")
        inner.setObjectName(option.name)
        inner.setToolTipsVisible(True)
        inner.menuAction().setToolTip(wrapped(option.help))
        group = QActionGroup(inner)
        for value in option.values:
            other = having(design, world, option.name, value)
            text = f"{value} (default)" if value == option.values[0] else value
            action = self._item(inner, text, option.help, lambda o=other: self._change(world, o))
            action.setCheckable(True)
            group.addAction(action)
            action.setChecked(runs and value == now)
            taken = any(w.key == other.key for w in self.worlds) and other.key != world.key
            self._allow(action, not taken, f"{chip_text(other.key)} runs already.")
            self._allow(action, not (why := refusal(design, other)), why)
            if not runs:
                self._allow(action, len(self.worlds) < MOST, FULL)

    def _variants(self, menu: QMenu, design: Any, world: World) -> None:
        menu.setToolTipsVisible(True)
        running = {w.key for w in self.worlds}
        for option in design.OPTIONS:
            for value in option.values:
                other = having(design, world, option.name, value)
                if other.key not in running:
                    running.add(other.key)
                    text = f"{option.name}: {value}"
                    action = self._item(menu, text, option.help, lambda o=other: self._add(o))
                    self._allow(action, len(self.worlds) < MOST, FULL)
                    self._allow(action, not (why := refusal(design, other)), why)

    @staticmethod
    def _item(menu: QMenu, text: str, tip: str, work: Callable[[], None]) -> QAction:
        action = menu.addAction(text)
        action.setToolTip(wrapped(tip))
        action.triggered.connect(lambda _=False: work())
        return action

    @staticmethod
    def _allow(action: QAction, allowed: bool, reason: str) -> None:
        if not allowed:
            action.setEnabled(False)
            action.setToolTip(reason)

    # -- choices ------------------------------------------------------------------------------------------------------

    def _toggle(self, world: World) -> None:
        left = [w for w in self.worlds if w.key != world.key]
        if len(left) == len(self.worlds):
            self._add(world)
        elif left:
            self._choose(left)

    def _change(self, world: World, other: World) -> None:
        if world.key not in [w.key for w in self.worlds]:
            self._add(other)
        elif other.key != world.key:
            self._choose([other if w.key == world.key else w for w in self.worlds])

    def _add(self, world: World) -> None:
        if len(self.worlds) < MOST:
            order = [design.key for design in self._designs]
            self._choose(sorted([*self.worlds, world], key=lambda w: order.index(w.design)))

    def _choose(self, worlds: list[World]) -> None:
        self.chosen.emit([(world.design, dict(world.options)) for world in worlds])


def _heading(menu: QMenu, text: str) -> None:
    """A line that can only be read: the style sheet draws sections without their words."""
    menu.addAction(text).setEnabled(False)
