"""What the palette lists: every entry of every menu, every panel, the designs, the scenarios, the pages of the help."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from rmapexplorer.gui import places
from rmapexplorer.gui.actions import BY_ID, RULES
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.palette import Entry
from rmapexplorer.resources import resource

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow

ITSELF = "palette"


def entries(window: MainWindow) -> list[Entry]:
    """Everything, in the order of the menus."""
    parts = (_of_menus, _panels, _bookmarks, _designs, _scenarios, _pages, _topics)
    return [entry for part in parts for entry in part(window)]


def plain(text: str) -> str:
    """The text of a menu entry without its mnemonic, ``&&`` as ``&``."""
    return text.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _of_menus(window: MainWindow) -> Iterator[Entry]:
    docks = set(window.menus.docks.values())
    for action in window.menuBar().actions():
        menu = action.menu()
        if isinstance(menu, QMenu):
            yield from _of_menu(menu, plain(action.text()), docks)


def _of_menu(menu: QMenu, path: str, docks: set[QAction]) -> Iterator[Entry]:
    for action in menu.actions():
        inner = action.menu()
        if isinstance(inner, QMenu):
            yield from _of_menu(inner, f"{path} › {plain(inner.title())}", docks)
        elif not action.isSeparator() and action not in docks and action.objectName() != ITSELF:
            yield of_action(action, path)


def of_action(action: QAction, path: str) -> Entry:
    """The entry of one action; where it is disabled its rule says why."""
    record = BY_ID.get(action.objectName())
    reason = ""
    if not action.isEnabled():
        reason = (RULES[record.needs].reason if record is not None else "") or "This cannot be done now."
    ticked = " ✓" if action.isCheckable() and action.isChecked() else ""
    return Entry(
        key=action.objectName() or f"{path}/{action.text()}",
        title=plain(action.text()) + ticked,
        where=path,
        keys=action.shortcut().toString(),
        reason=reason,
        words=record.tip if record is not None else action.toolTip(),
        run=action.trigger,
        weight=2,
    )


def show_panel(window: MainWindow, name: str) -> None:
    """Bring the panel to the front and give it the keyboard."""
    dock = window.docks.docks[name]
    dock.show()
    dock.raise_()
    window.views[name].setFocus()


def _panels(window: MainWindow) -> Iterator[Entry]:
    for place in PLACES:
        yield Entry(
            key=f"panel/{place.name}", title=f"Show {place.title}", where="Panel", keys=place.shortcut,
            run=partial(show_panel, window, place.name), words="go to dock view",
        )  # fmt: skip


def _bookmarks(window: MainWindow) -> Iterator[Entry]:
    for mark in window.frame.bookmarks if window.frame is not None else ():
        if not mark.branch:
            yield Entry(
                key=f"bookmark/{mark.position}", title=mark.text or f"Bookmark at operation {mark.position:,}",
                where=f"Bookmark, operation {mark.position:,}", words="go to bookmark", weight=3,
                run=partial(window.commands.run, "seek", {"position": mark.position}),
            )  # fmt: skip


def _designs(window: MainWindow) -> Iterator[Entry]:
    for state in window.frame.designs if window.frame is not None else ():
        shown = window.frame is not None and state.key == window.frame.view
        yield Entry(
            key=f"view/{state.key}", title=f"View {state.key}", where="Design", words=state.title,
            run=partial(window.bridge.view, state.key), reason="This design is in view already." if shown else "",
        )  # fmt: skip
    for design in window.bridge.designs:
        yield Entry(
            key=f"about/{design.key}", title=f"About {design.key}", where="Page of the design", words=design.title,
            run=partial(window.menus.windows.show_design, design.key),
        )  # fmt: skip


def _scenarios(window: MainWindow) -> Iterator[Entry]:
    from rmapexplorer.gui.gallery import scenarios

    for one in scenarios():
        yield Entry(
            key=one.name, title=one.title, where="Scenario", words=f"open gallery {one.lesson}",
            run=partial(_open, window, one.name), weight=-4,
        )  # fmt: skip


def _open(window: MainWindow, name: str) -> None:
    window.files.pick(str(resource(name)))


def _pages(window: MainWindow) -> Iterator[Entry]:
    from rmapexplorer.gui.help_text import TITLES

    for key, title in TITLES.items():
        yield Entry(
            key=f"help/{key}", title=title, where="Help page", words="help read guide",
            run=partial(window.show_page, key), weight=-2,
        )  # fmt: skip


def _topics(window: MainWindow) -> Iterator[Entry]:
    """What somebody asks for who does not know what it is called here."""
    lesson, letter = "scenarios/fork-and-copy-on-write.rmap", "scenarios/the-letter-in-six-operations.rmap"
    topics = (
        ("Copy on write: see it happen", "cow fork shared pages copied write lesson", partial(_open, window, lesson)),
        ("Why vmas do not merge: the inspector says", "why merge not merged refused neighbours vma_merge",
         partial(show_panel, window, "inspector")),
        ("What a reverse map is for", "rmap reverse mapping introduction why purpose begin",
         partial(window.show_page, "why")),
        ("Why mremap is a problem for anonmm", "move moved two addresses index", partial(_open, window, letter)),
        ("What the colours of the memory map mean", "legend colours hatching dashes shared faded pale copied swapped",
         partial(window.show_page, "panels")),
        ("Who maps this page: the walk", "find mappers try_to_unmap rmap_walk processes",
         partial(show_panel, window, "inspector")),
        ("What each design costs", "overhead bytes memory price compare", partial(show_panel, window, "overhead")),
    )  # fmt: skip
    for title, words, run in topics:
        yield Entry(key=f"topic/{title}", title=title, where="Question", words=words, run=run, weight=-1)


def position_entry(window: MainWindow, text: str, path: Any) -> list[Entry]:
    """A number typed is the position to go to, if there is one."""
    if not text.isdigit() or not window.head:
        return []
    position = int(text)
    beyond = position > window.head
    what = (
        places.shown().text(path.entries[position - 1].text) if 0 < position <= len(path.entries) else "the beginning"
    )
    return [
        Entry(
            key="position", title=f"Go to operation {position:,}", where=what, weight=100,
            reason=f"The last operation is number {window.head:,}." if beyond else "",
            run=partial(window.commands.run, "seek", {"position": position}),
        )
    ]  # fmt: skip
