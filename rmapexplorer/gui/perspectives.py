"""The arrangements of the docks with a name: Explore, Teach, Measure and Compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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


@frozen
class Perspective:
    """``place`` puts the docks, ``share`` gives them their parts of the window's size."""

    tip: str
    place: Callable[[QMainWindow, Docks], None]
    share: Callable[[QMainWindow, Docks], None]


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


def _explore(window: QMainWindow, docks: Docks) -> None:
    window.addDockWidget(_LEFT, docks["processes"])
    window.splitDockWidget(docks["processes"], docks["vmas"], _DOWN)
    window.addDockWidget(_RIGHT, docks["memory_map"])
    window.splitDockWidget(docks["memory_map"], docks["inspector"], _ACROSS)
    window.splitDockWidget(docks["memory_map"], docks["structures"], _DOWN)
    window.addDockWidget(_BOTTOM, docks["timeline"])
    window.splitDockWidget(docks["timeline"], docks["overhead"], _DOWN)
    rest = _rest(docks, "processes", "vmas", "memory_map", "structures", "inspector", "timeline", "overhead")
    _tabs(window, docks, "inspector", rest)
    _show(docks, [*docks], ["inspector"])


def _share_explore(window: QMainWindow, docks: Docks) -> None:
    width, height = window.width(), window.height()
    side = round(max(width * 0.205, min(width * SIDE, SIDE_MOST)))
    inspector = round(width * 0.245)
    across = [docks["processes"], docks["memory_map"], docks["inspector"]]
    window.resizeDocks(across, [side, width - side - inspector - 40, inspector], _ACROSS)
    room = height - STRIPS
    thin, curves = _thin(docks), round(room * 0.27)
    upper = room - thin - curves
    for column in (("processes", "vmas"), ("memory_map", "structures")):
        window.resizeDocks([docks[n] for n in column], [round(upper * 0.46), round(upper * 0.54)], _DOWN)
    heights = [round(upper * 0.46), round(upper * 0.54), thin, curves]
    window.resizeDocks([docks[n] for n in ("memory_map", "structures", "timeline", "overhead")], heights, _DOWN)


def _teach(window: QMainWindow, docks: Docks) -> None:
    window.addDockWidget(_LEFT, docks["processes"])
    window.addDockWidget(_RIGHT, docks["memory_map"])
    window.splitDockWidget(docks["memory_map"], docks["inspector"], _ACROSS)
    window.splitDockWidget(docks["memory_map"], docks["structures"], _DOWN)
    window.addDockWidget(_BOTTOM, docks["timeline"])
    rest = _rest(docks, "processes", "memory_map", "structures", "inspector", "timeline")
    _tabs(window, docks, "inspector", rest)
    _show(docks, ["processes", "memory_map", "structures", "inspector", "timeline", "history"], ["inspector"])


def _share_teach(window: QMainWindow, docks: Docks) -> None:
    width, room = window.width(), window.height() - STRIPS
    across = [docks["processes"], docks["memory_map"], docks["inspector"]]
    window.resizeDocks(across, [round(width * 0.16), round(width * 0.56), round(width * 0.28)], _ACROSS)
    thin = _thin(docks)
    upper = room - thin
    heights = [round(upper * 0.44), round(upper * 0.56), thin]
    window.resizeDocks([docks[n] for n in ("memory_map", "structures", "timeline")], heights, _DOWN)


def _measure(window: QMainWindow, docks: Docks) -> None:
    window.addDockWidget(_LEFT, docks["history"])
    window.addDockWidget(_RIGHT, docks["overhead"])
    window.splitDockWidget(docks["overhead"], docks["sizes"], _DOWN)
    window.addDockWidget(_BOTTOM, docks["timeline"])
    _tabs(window, docks, "sizes", _rest(docks, "history", "overhead", "sizes", "timeline"))
    _show(docks, ["history", "overhead", "sizes", "claims", "processes", "timeline"], ["sizes"])


def _share_measure(window: QMainWindow, docks: Docks) -> None:
    width, room = window.width(), window.height() - STRIPS
    window.resizeDocks([docks["history"], docks["overhead"]], [round(width * 0.26), round(width * 0.74)], _ACROSS)
    upper = room - _thin(docks)
    heights = [round(upper * 0.6), round(upper * 0.4), _thin(docks)]
    window.resizeDocks([docks[n] for n in ("overhead", "sizes", "timeline")], heights, _DOWN)


def _compare(window: QMainWindow, docks: Docks) -> None:
    window.addDockWidget(_LEFT, docks["compare"])
    window.addDockWidget(_RIGHT, docks["processes"])
    window.splitDockWidget(docks["processes"], docks["history"], _DOWN)
    window.addDockWidget(_BOTTOM, docks["timeline"])
    window.splitDockWidget(docks["timeline"], docks["overhead"], _DOWN)
    _tabs(window, docks, "history", _rest(docks, "compare", "processes", "history", "timeline", "overhead"))
    _show(docks, ["compare", "processes", "history", "vmas", "inspector", "timeline", "overhead"], ["history"])


def _share_compare(window: QMainWindow, docks: Docks) -> None:
    width, room = window.width(), window.height() - STRIPS
    window.resizeDocks([docks["compare"], docks["processes"]], [round(width * 0.78), round(width * 0.22)], _ACROSS)
    thin, curves = _thin(docks), round(room * 0.25)
    upper = room - thin - curves
    window.resizeDocks([docks["processes"], docks["history"]], [round(upper * 0.4), round(upper * 0.6)], _DOWN)
    window.resizeDocks([docks[n] for n in ("compare", "timeline", "overhead")], [upper, thin, curves], _DOWN)


EXPLORE = "Explore"
PERSPECTIVES: dict[str, Perspective] = {
    EXPLORE: Perspective("Everything at hand: lists, map, structures, inspector, curves", _explore, _share_explore),
    "Teach": Perspective("For a lecture: map, structures and inspector large, nothing else", _teach, _share_teach),
    "Measure": Perspective("Curves large, with history, sizes and claims", _measure, _share_measure),
    "Compare": Perspective("Two to four designs in columns on one timeline", _compare, _share_compare),
}
