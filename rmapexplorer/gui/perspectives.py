"""The arrangements of the docks with a name: Explore, Teach, Measure and Compare; with large text they stack less."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

from attrs import frozen
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow

Docks = Mapping[str, QDockWidget]

_LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
_RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
_DOWN, _ACROSS = Qt.Orientation.Vertical, Qt.Orientation.Horizontal

STRIPS = 150
"""Height of menus, toolbar and status bar together, about, in device-independent pixels."""

SIDE, SIDE_MOST = 0.295, 384
"""Share of the width, and width in device-independent pixels, that the lists of Explore want: addresses of 48 bits are long."""


LEAST = 25
"""Lines of text that a window is high below which most panels share a place."""

NARROW = 95
"""Letters of text that a window is wide below which there are two columns and not three."""


class Room(Enum):
    """How many lines of text the window has: with large text a stack of panels would show a line of each and no more."""

    AMPLE = "every panel has its place"
    FEW = "curves and structures share a place"
    FEWEST = "memory map, structures and curves share a place"

    @classmethod
    def of(cls, window: QMainWindow, low: int) -> Room:
        """The room of a window at its present size and text; ``low``: lines below which it is not ample."""
        lines = window.height() / max(window.fontMetrics().lineSpacing(), 1)
        return cls.AMPLE if lines >= low else cls.FEW if lines >= LEAST else cls.FEWEST


def narrow(window: QMainWindow) -> bool:
    """Whether the lists and the inspector stand in one column."""
    return window.width() < NARROW * max(window.fontMetrics().averageCharWidth(), 1)


Place = Callable[[QMainWindow, Docks, Room], None]


@frozen
class Perspective:
    """``place`` puts the docks, ``share`` gives them their parts of the window's size."""

    tip: str
    place: Place
    share: Place
    low: int
    """Lines of text that a window is high below which panels begin to share a place: the memory map has three rows."""


def _show(docks: Docks, names: Sequence[str], front: Sequence[str]) -> None:
    for name, dock in docks.items():
        dock.setVisible(name in names)
    for name in front:
        docks[name].raise_()


def _tabs(window: QMainWindow, docks: Docks, first: str, others: Sequence[str]) -> None:
    # docks that a perspective does not show have their place too, so that asking for one opens it there
    for name in others:
        window.addDockWidget(_RIGHT, docks[name])
        window.tabifyDockWidget(docks[first], docks[name])


def _rest(docks: Docks, *placed: str) -> list[str]:
    return [name for name in docks if name not in placed]


def _thin(docks: Docks) -> int:
    dock = docks["timeline"]
    strip = dock.titleBarWidget()
    inside = max(dock.widget().minimumSizeHint().height(), dock.widget().sizeHint().height())
    return inside + (strip.maximumHeight() if strip is not None else 0)


def _behind(window: QMainWindow, docks: Docks, first: str, *others: str) -> None:
    """Put docks behind one that has its place, in this order."""
    for before, name in zip((first, *others), others, strict=False):
        window.tabifyDockWidget(docks[before], docks[name])


def _explore(window: QMainWindow, docks: Docks, room: Room) -> None:
    slim = room is not Room.AMPLE and narrow(window)
    window.addDockWidget(_LEFT, docks["processes"])
    if slim:
        window.splitDockWidget(docks["processes"], docks["inspector"], _DOWN)
        _behind(window, docks, "processes", "vmas")
    else:
        window.splitDockWidget(docks["processes"], docks["vmas"], _DOWN)
    window.addDockWidget(_RIGHT, docks["memory_map"])
    if not slim:
        window.splitDockWidget(docks["memory_map"], docks["inspector"], _ACROSS)
    if room is Room.FEWEST:
        _behind(window, docks, "memory_map", "structures", "overhead")
    else:
        window.splitDockWidget(docks["memory_map"], docks["structures"], _DOWN)
    window.addDockWidget(_BOTTOM, docks["timeline"])
    if room is Room.AMPLE:
        window.splitDockWidget(docks["timeline"], docks["overhead"], _DOWN)
    elif room is Room.FEW:
        _behind(window, docks, "structures", "overhead")
    rest = _rest(docks, "processes", "vmas", "memory_map", "structures", "inspector", "timeline", "overhead")
    _tabs(window, docks, "inspector", rest)
    _show(docks, [*docks], ["inspector", "processes", "structures", "memory_map"])


def _share_explore(window: QMainWindow, docks: Docks, room: Room) -> None:
    width, height = window.width(), window.height()
    side = round(max(width * 0.205, min(width * SIDE, SIDE_MOST)))
    slim = room is not Room.AMPLE and narrow(window)
    inspector = 0 if slim else round(width * 0.245)
    across = {"processes": side, "memory_map": width - side - inspector - 40}
    _resize(window, docks, across | ({"inspector": inspector} if inspector else {}), _ACROSS)
    thin = _thin(docks)
    curves = round((height - STRIPS) * 0.27) if room is Room.AMPLE else 0
    upper = height - STRIPS - thin - curves
    half = {Room.AMPLE: 0.48, Room.FEW: 0.6, Room.FEWEST: 1.0}[room]
    parts = {"memory_map": round(upper * half), "structures": round(upper * (1 - half))}
    lists = {"processes": round(upper * 0.46), "inspector" if slim else "vmas": round(upper * 0.54)}
    _resize(window, docks, lists, _DOWN)
    if room is Room.FEWEST:
        del parts["structures"]
    else:
        _resize(window, docks, parts, _DOWN)
    _resize(window, docks, parts | {"timeline": thin} | ({"overhead": curves} if curves else {}), _DOWN)


def _resize(window: QMainWindow, docks: Docks, sizes: Mapping[str, int], along: Qt.Orientation) -> None:
    window.resizeDocks([docks[name] for name in sizes], list(sizes.values()), along)


def _teach(window: QMainWindow, docks: Docks, room: Room) -> None:
    window.addDockWidget(_LEFT, docks["processes"])
    window.addDockWidget(_RIGHT, docks["memory_map"])
    window.splitDockWidget(docks["memory_map"], docks["inspector"], _ACROSS)
    if room is Room.AMPLE:
        window.splitDockWidget(docks["memory_map"], docks["structures"], _DOWN)
    else:
        _behind(window, docks, "memory_map", "structures")
    window.addDockWidget(_BOTTOM, docks["timeline"])
    rest = _rest(docks, "processes", "memory_map", "structures", "inspector", "timeline")
    _tabs(window, docks, "inspector", rest)
    shown = ["processes", "memory_map", "structures", "inspector", "timeline", "history"]
    _show(docks, shown, ["inspector", "structures", "memory_map"])


def _share_teach(window: QMainWindow, docks: Docks, room: Room) -> None:
    width, high = window.width(), window.height() - STRIPS
    across = {"processes": 0.16, "memory_map": 0.56, "inspector": 0.28}
    _resize(window, docks, {name: round(width * part) for name, part in across.items()}, _ACROSS)
    thin = _thin(docks)
    upper = high - thin
    parts = {"memory_map": round(upper * 0.44), "structures": round(upper * 0.56)}
    _resize(window, docks, (parts if room is Room.AMPLE else {"memory_map": upper}) | {"timeline": thin}, _DOWN)


def _measure(window: QMainWindow, docks: Docks, room: Room) -> None:
    window.addDockWidget(_LEFT, docks["history"])
    window.addDockWidget(_RIGHT, docks["overhead"])
    if room is Room.AMPLE:
        window.splitDockWidget(docks["overhead"], docks["sizes"], _DOWN)
    else:
        _behind(window, docks, "overhead", "sizes")
    window.addDockWidget(_BOTTOM, docks["timeline"])
    _tabs(window, docks, "sizes", _rest(docks, "history", "overhead", "sizes", "timeline"))
    _show(docks, ["history", "overhead", "sizes", "claims", "processes", "timeline"], ["sizes", "overhead"])


def _share_measure(window: QMainWindow, docks: Docks, room: Room) -> None:
    width, high = window.width(), window.height() - STRIPS
    _resize(window, docks, {"history": round(width * 0.26), "overhead": round(width * 0.74)}, _ACROSS)
    upper = high - _thin(docks)
    parts = {"overhead": round(upper * 0.6), "sizes": round(upper * 0.4)}
    _resize(window, docks, (parts if room is Room.AMPLE else {"overhead": upper}) | {"timeline": _thin(docks)}, _DOWN)


def _compare(window: QMainWindow, docks: Docks, room: Room) -> None:
    window.addDockWidget(_LEFT, docks["compare"])
    window.addDockWidget(_RIGHT, docks["processes"])
    if room is Room.AMPLE:
        window.splitDockWidget(docks["processes"], docks["history"], _DOWN)
    else:
        _behind(window, docks, "processes", "history")
    window.addDockWidget(_BOTTOM, docks["timeline"])
    if room is Room.AMPLE:
        window.splitDockWidget(docks["timeline"], docks["overhead"], _DOWN)
    else:
        _behind(window, docks, "compare", "overhead")
    _tabs(window, docks, "history", _rest(docks, "compare", "processes", "history", "timeline", "overhead"))
    front = ["history", "compare"] if room is Room.AMPLE else ["processes", "compare"]
    _show(docks, ["compare", "processes", "history", "vmas", "inspector", "timeline", "overhead"], front)


def _share_compare(window: QMainWindow, docks: Docks, room: Room) -> None:
    width, high = window.width(), window.height() - STRIPS
    _resize(window, docks, {"compare": round(width * 0.78), "processes": round(width * 0.22)}, _ACROSS)
    thin, curves = _thin(docks), round(high * 0.25) if room is Room.AMPLE else 0
    upper = high - thin - curves
    if room is Room.AMPLE:
        _resize(window, docks, {"processes": round(upper * 0.4), "history": round(upper * 0.6)}, _DOWN)
    _resize(window, docks, {"compare": upper, "timeline": thin} | ({"overhead": curves} if curves else {}), _DOWN)


EXPLORE = "Explore"
PERSPECTIVES: dict[str, Perspective] = {
    EXPLORE: Perspective("Everything at hand: lists, map, structures, inspector, curves", _explore, _share_explore, 48),
    "Teach": Perspective("For a lecture: map, structures and inspector large, nothing else", _teach, _share_teach, 38),
    "Measure": Perspective("Curves large, with history, sizes and claims", _measure, _share_measure, 36),
    "Compare": Perspective("Two to four designs in columns on one timeline", _compare, _share_compare, 40),
}
