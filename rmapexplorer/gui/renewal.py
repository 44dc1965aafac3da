"""New views in the place of the present ones, one at a time: they measure text when they are made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from rmapexplorer.gui.window import MainWindow


def renewed(window: MainWindow) -> Iterator[None]:
    """Make every view of ``window`` anew, told all that the one before was told; events may run between two of them."""
    old, made = dict(window.views), window.view_maker(window.selection, window.themes)
    focused = next((name for name, view in old.items() if _has_focus(view)), "")
    for name in made:
        view = window.views[name] = made[name]
        window.docks.docks[name].set_view(view)
        for feature in window.features:
            feature.view_made(name)
        if hasattr(view, "inherit"):
            view.inherit(old[name])
        window.listen(view)
        window.feeder.renewed(name)
        yield
    for view in old.values():
        view.deleteLater()
    for feature in window.features:
        feature.views_changed()
    if focused:
        window.views[focused].setFocus()
    yield


def _has_focus(view: QWidget) -> bool:
    focus = view.window().focusWidget()
    return focus is not None and (view is focus or view.isAncestorOf(focus))
