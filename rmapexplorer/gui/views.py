"""The views of the window by the name of their dock: the one place that knows all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

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


class Views(Mapping[str, QWidget]):
    """Every view by its name, made when it is taken out."""

    def __init__(self, makers: dict[str, Callable[[], QWidget]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> QWidget:
        """A view of its own each time."""
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._makers)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._makers)


def make_views(selection: Selection, themes: Themes) -> Views:
    """One of each, sharing the selection and the theme; those behind others are made when they are first shown."""
    kinds: dict[str, Callable[[Selection, Themes], QWidget]] = {
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
    later = {"claims": _claims, "sizes": _sizes, "compare": _compare}
    makers: dict[str, Callable[[], QWidget]] = {n: partial(kind, selection, themes) for n, kind in kinds.items()}
    makers |= {n: partial(Later, partial(make, selection, themes), n) for n, make in later.items()}
    return Views(makers)


def _claims(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.claims import Claims

    return Claims(selection, themes)


def _sizes(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.sizes import Sizes

    return Sizes(selection, themes)


def _compare(selection: Selection, themes: Themes) -> QWidget:
    from rmapexplorer.gui.compare import CompareView

    return CompareView(selection, themes)
