"""The context menu of a plot: what can be done at one position, and how the curves are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from rmapexplorer.gui.overhead_card import PER
from rmapexplorer.gui.overhead_items import short

if TYPE_CHECKING:
    from rmapexplorer.gui.overhead import Overhead
    from rmapexplorer.gui.overhead_card import PlotCard


def plot_menu(view: Overhead, card: PlotCard, position: int) -> QMenu:
    """The menu of ``card`` at a position."""
    menu = QMenu(view)
    menu.setObjectName("plot-menu")
    heading = menu.addAction(f"{card.measure.title}, after operation {position:,}")
    heading.setEnabled(False)
    menu.addSeparator()
    _ask(view, menu, "&Go to this operation", "seek", position)
    _ask(view, menu, "Marker &A here", "marker_a", position)
    _ask(view, menu, "Marker &B here", "marker_b", position)
    both = None not in view.markers
    for text, id_ in (
        ("&Statistics from A to B", "statistics"),
        ("W&hat changed from A to B…", "diff_markers"),
    ):
        _ask(view, menu, text, id_, position).setEnabled(both)
    zoom = menu.addAction("&Zoom to A and B", view.zoom)
    zoom.setEnabled(both)
    _ask(view, menu, "&Clear the markers", "markers_clear", position).setEnabled(view.markers != (None, None))
    menu.addSeparator()
    log = menu.addAction("&Logarithmic scale")
    log.setCheckable(True)
    log.setChecked(card.log)
    log.triggered.connect(card.set_log)
    _scales(view, menu)
    _designs(view, menu)
    menu.addSeparator()
    export = menu.addAction("&Export CSV of the visible range…")
    export.triggered.connect(lambda: view.requested.emit("export_csv", {"view": "overhead"}))
    return menu


def _ask(view: Overhead, menu: QMenu, text: str, id_: str, position: int) -> QAction:
    action = menu.addAction(text)
    action.setObjectName(id_)
    action.triggered.connect(lambda: view.requested.emit(id_, {"position": position}))
    return action


def _scales(view: Overhead, menu: QMenu) -> None:
    inner = menu.addMenu("&Per")
    group = QActionGroup(inner)
    for key, text in PER.items():
        action = inner.addAction(text)
        action.setCheckable(True)
        action.setChecked(key == view.per_choice.key)
        group.addAction(action)
        action.triggered.connect(lambda _=False, name=key: view.set_per(name))


def _designs(view: Overhead, menu: QMenu) -> None:
    inner = menu.addMenu("&Designs shown")
    for design in view.store.designs:
        action = inner.addAction(short(design))
        action.setCheckable(True)
        action.setChecked(design not in view.store.hidden)
        action.triggered.connect(lambda _=False, name=design: view.toggle(name))
