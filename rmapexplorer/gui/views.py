"""The views of the window by the name of their dock: the one place that knows all of them."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from rmapexplorer.gui.claims import Claims
from rmapexplorer.gui.compare import CompareView
from rmapexplorer.gui.history import History
from rmapexplorer.gui.inspector import Inspector
from rmapexplorer.gui.memory_map import MemoryMap
from rmapexplorer.gui.overhead import Overhead
from rmapexplorer.gui.processes import Processes
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.sizes import Sizes
from rmapexplorer.gui.structures import Structures
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.timeline import Timeline
from rmapexplorer.gui.vmas import Vmas


def make_views(selection: Selection, themes: Themes) -> dict[str, QWidget]:
    """One of each, sharing the selection and the theme."""
    kinds = {
        "processes": Processes,
        "vmas": Vmas,
        "memory_map": MemoryMap,
        "structures": Structures,
        "inspector": Inspector,
        "history": History,
        "timeline": Timeline,
        "overhead": Overhead,
        "claims": Claims,
        "sizes": Sizes,
        "compare": CompareView,
    }
    return {name: kind(selection, themes) for name, kind in kinds.items()}
