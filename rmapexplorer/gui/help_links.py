"""Links of the help: ``scenario:``, ``claim:``, ``design:``, ``help:``, ``dock:``, ``action:`` and addresses on the net.

``known`` says whether a link leads anywhere, ``follow`` goes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui import help_text
from rmapexplorer.gui.actions import BY_ID, RULES
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.resources import resource

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


def known(link: str) -> bool:
    """Whether there is something behind the link."""
    kind, _, name = link.partition(":")
    if kind == "https":
        return True
    if kind == "scenario":
        try:
            return resource(f"scenarios/{name}.rmap").is_file()
        except FileNotFoundError:
            return False
    if kind == "claim":
        from rmapexplorer.claims.catalogue import CLAIMS

        return any(claim.id == name for claim in CLAIMS)
    places = {
        "design": lambda: help_text.DESIGN + name in help_text.design_keys(),
        "help": lambda: name in help_text.TITLES,
        "dock": lambda: any(place.name == name for place in PLACES),
        "action": lambda: name in BY_ID,
    }
    return kind in places and places[kind]()


def page_of(link: str) -> str:
    """Key of the page of the help that the link leads to, empty where it leads elsewhere."""
    kind, _, name = link.partition(":")
    return name if kind == "help" else help_text.DESIGN + name if kind == "design" else ""


def follow(window: MainWindow, link: str) -> None:
    """Go where the link leads, if it leads out of the help."""
    kind, _, name = link.partition(":")
    if kind == "https":
        QDesktopServices.openUrl(QUrl(link))
    elif kind == "scenario":
        window.files.open(str(resource(f"scenarios/{name}.rmap")))
    elif kind == "claim":
        _claim(window, name)
    elif kind == "dock":
        _dock(window, name)
    elif kind == "action":
        _action(window, name)


def _dock(window: MainWindow, name: str) -> None:
    dock = window.docks.docks[name]
    dock.show()
    dock.raise_()
    window.raise_()


def _claim(window: MainWindow, name: str) -> None:
    from rmapexplorer.claims.catalogue import CLAIMS

    _dock(window, "claims")
    table = getattr(window.views["claims"], "table", None)
    if table is not None:
        table.selectRow([claim.id for claim in CLAIMS].index(name))


def _action(window: MainWindow, name: str) -> None:
    action = window.actions_[name]
    if action.isEnabled():
        action.trigger()
    else:
        window.show_notice(Notice(level="info", text=RULES[BY_ID[name].needs].reason))
