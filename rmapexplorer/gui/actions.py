"""One registry of everything the user can do: it feeds menus, toolbar, context menus, palette and shortcut sheet."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from rmapexplorer.gui import places
from rmapexplorer.gui.action_lists import (
    EDIT,
    FILE,
    HELP,
    MENUS,
    OPERATE,
    TIME,
    TOOLBAR_OPERATIONS,
    TOOLBAR_TIME,
    VIEW,
)
from rmapexplorer.gui.action_records import RULES, Action, Rule, State
from rmapexplorer.gui.features import FEATURES
from rmapexplorer.gui.icons import icon
from rmapexplorer.gui.plain_text import plain_tip
from rmapexplorer.gui.theme import Theme

__all__ = [
    "ACTIONS", "BY_ID", "RULES", "TOOLBAR_OPERATIONS", "TOOLBAR_TIME", "Action", "ActionSet", "Rule", "State",
    "shortcut_sheet",
]  # fmt: skip

_OWN = (FILE, EDIT, OPERATE, TIME, VIEW, HELP)

ACTIONS: tuple[Action, ...] = tuple(a for part in (*_OWN, *(kind.ACTIONS for kind in FEATURES)) for a in part)
"""Everything there is; menus of docks, designs and recent files are made from what is at hand."""

LAST = ("palette", "preferences", "quit", "about")
"""At the end of their menus, below what features add."""

NESTED = ("Loc&ks", "F&iles", "Copy &as")
"""Submenus that context menus have too."""

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


class ActionSet(QObject):
    """The registry as QActions. ``triggered`` carries the action's id and what a context menu knew about its target."""

    triggered = Signal(str, dict)

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._actions = {action.id: self._make(action) for action in ACTIONS}
        self._allowed: dict[str, bool] = {}
        self.menus: dict[str, QMenu] = {}
        self.set_theme(theme)
        self.update_state(State())

    def __getitem__(self, id_: str) -> QAction:
        return self._actions[id_]

    def all(self) -> list[QAction]:
        """Every QAction, for the window to listen to their shortcuts."""
        return list(self._actions.values())

    def set_theme(self, theme: Theme) -> None:
        """Colour the icons anew."""
        for action in ACTIONS:
            if action.icon:
                self._actions[action.id].setIcon(icon(action.icon, theme))

    def update_state(self, state: State) -> None:
        """Enable what may be used now; the tip of the rest says why not."""
        now = {needs: rule.test(state) for needs, rule in RULES.items()}
        changed = {needs for needs, allowed in now.items() if self._allowed.get(needs) != allowed}
        self._allowed = now
        for action in ACTIONS:
            if action.needs not in changed:
                continue
            rule, q, allowed = RULES[action.needs], self._actions[action.id], now[action.needs]
            q.setEnabled(allowed)
            keys = f"  ({action.shortcut[0]})" if action.shortcut else ""
            q.setToolTip(f"{action.tip}{keys}" if allowed else rule.reason)
            q.setStatusTip("")

    def build_menus(self, bar: QMenuBar) -> None:
        """Fill the menu bar; ``menus`` then holds each menu and submenu by its plain title."""
        for title in MENUS:
            menu = self.menus[title.replace("&", "")] = bar.addMenu(title)
            menu.setToolTipsVisible(True)
        for action in sorted(ACTIONS, key=lambda action: action.id in LAST):
            if action.menu:
                self._place(action)

    def context_menu(self, kind: str, target: dict[str, Any], parent: Any) -> QMenu:
        """The menu of what can be done to one process, vma, span, page or operation."""
        menu = QMenu(parent)
        menu.setObjectName("context")
        heading = menu.addAction(_heading(kind, target))
        heading.setToolTip(plain_tip(heading.text()))
        heading.setEnabled(False)
        menu.addSeparator()
        known = {key: value for key, value in target.items() if key != "comm"}  # of the target, not of a child to be
        group = ""
        for action in sorted(ACTIONS, key=_copies):
            if kind in action.context:
                if group and group != _GROUPS[action.id]:
                    menu.addSeparator()
                group = _GROUPS[action.id]
                keys = f"\t{action.shortcut[0]}" if action.shortcut else ""
                item = _within(menu, action).addAction(f"{action.text}{keys}")
                item.setToolTip(action.tip)
                item.setObjectName(action.id)
                item.triggered.connect(lambda _=False, a=action: self.triggered.emit(a.id, dict(known)))
        return menu

    def _make(self, action: Action) -> QAction:
        q = QAction(action.text, self)
        q.setObjectName(action.id)
        q.setIconText(action.title.partition(":")[0].rstrip("…"))
        q.setShortcuts([QKeySequence(keys) for keys in action.shortcut])
        q.setCheckable(action.checkable)
        q.triggered.connect(lambda _=False: self.triggered.emit(action.id, {}))
        return q

    def _place(self, action: Action) -> None:
        menu = self.menus[action.menu]
        if action.submenu:
            key = action.submenu.replace("&", "")
            if key not in self.menus:
                if action.ruled:
                    menu.addSeparator()
                self.menus[key] = menu.addMenu(action.submenu)
                self.menus[key].setToolTipsVisible(True)
            menu = self.menus[key]
        elif action.ruled:
            menu.addSeparator()
        menu.addAction(self._actions[action.id])


def _copies(action: Action) -> bool:
    """Whether it copies: that stands last in a context menu."""
    return bool(action.id == "copy" or action.submenu == "Copy &as")


def _groups() -> dict[str, str]:
    """The group of each action by its id: a separator stands between two groups of a context menu."""
    found, number = {}, 0
    for action in ACTIONS:
        number += action.ruled
        found[action.id] = "copy" if _copies(action) else f"{action.menu or 'own'} {number}"
    return found


_GROUPS = _groups()


def _within(menu: QMenu, action: Action) -> QMenu:
    """The menu itself, or its submenu for the action."""
    if action.submenu not in NESTED:
        return menu
    inner = menu.findChild(QMenu, action.submenu, Qt.FindChildOption.FindDirectChildrenOnly)
    if inner is None:
        inner = menu.addMenu(action.submenu)
        inner.setObjectName(action.submenu)
    return inner


def _heading(kind: str, target: dict[str, Any]) -> str:
    where = target.get("span", places.shown().at(target["vpn"]) if isinstance(target.get("vpn"), int) else "")
    who = f"{target.get('comm', '')} {target['pid']}".strip() if target.get("pid") else ""
    if kind == "operation":
        return f"operation {target.get('position', '')}".strip()
    if kind == "process":
        return f"process {who}".strip()
    return " · ".join(part for part in (f"{kind} {where}".strip(), who) if part)


def shortcut_sheet() -> str:
    """The registry as Markdown: every action with its shortcut and what it does, a table a menu."""
    parts = []
    for title in (menu.replace("&", "") for menu in MENUS):
        rows = [action for action in ACTIONS if action.menu == title]
        if rows:
            lines = [f"| {a.title} | {' or '.join(a.shortcut) or '–'} | {a.tip.replace('|', 'and')} |" for a in rows]
            parts.append("\n".join([f"### {title}", "", "| action | keys | what it does |", "|---|---|---|", *lines]))
    return "\n\n".join(parts)
