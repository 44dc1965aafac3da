"""The views of the window by the name of their dock: the one place that knows all of them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from rmapexplorer.gui.history import History
from rmapexplorer.gui.inspector import Inspector
from rmapexplorer.gui.later import Later
from rmapexplorer.gui.memory_map import MemoryMap
from rmapexplorer.gui.overhead import Overhead
from rmapexplorer.gui.processes import Processes
from rmapexplorer.gui.script import ScriptView
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.structures import Structures
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.timeline import Timeline
from rmapexplorer.gui.vmas import Vmas


def make_views(selection: Selection, themes: Themes) -> dict[str, QWidget]:
    """One of each, sharing the selection and the theme; those behind others are made when they are first shown."""
    kinds = {
        "processes": Processes,
        "vmas": Vmas,
        "memory_map": MemoryMap,
        "structures": Structures,
        "inspector": Inspector,
        "history": History,
        "script": ScriptView,
        "timeline": Timeline,
        "overhead": Overhead,
    }
    views: dict[str, QWidget] = {name: kind(selection, themes) for name, kind in kinds.items()}
    for name, make in (("claims", _claims), ("sizes", _sizes), ("compare", _compare)):
        views[name] = Later(lambda make=make: make(selection, themes), name)  # type: ignore[misc]
    return views


def _claims(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.claims import Claims

    return Claims(selection, themes)


def _sizes(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.sizes import Sizes

    return Sizes(selection, themes)


def _compare(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.compare import CompareView

    return CompareView(selection, themes)
