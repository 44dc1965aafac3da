"""What the memory map derives from all vmas of a frame: the layout hash of every process, and the one address axis.

The work is cut into steps of a few milliseconds: a million vmas are laid out between two paintings, not in one go.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from attrs import define, field

from rmapexplorer.core import flags as fl
from rmapexplorer.core.units import TASK_SIZE_PAGES
from rmapexplorer.engine.frames import VmaRows
from rmapexplorer.gui import memory_geometry as geo

CHUNK = 40_000
"""Vmas that one step takes."""
AT_ONCE = 40_000
"""Frames of at most so many vmas are laid out in one go."""
MOST_FAVOURED = 20_000
"""Anonymous memory gets more room than files, in frames of at most so many vmas."""
MOST_HOMES = 2000
"""Homes of moved vmas get room on the axis while there are at most so many."""
MOST_SPANS = 60_000
"""Spans kept between two steps; beyond, the shortest gaps between them are closed."""
MARGIN = 16
"""Pages of free room that show at both ends of the axis, so that a vma can be dragged there."""


@define(kw_only=True, eq=False)
class MapLayout:
    """The hashes and the axis of a frame's vmas; complete when ``steps`` has run out."""

    vmas: VmaRows
    hashes: np.ndarray = field(factory=lambda: np.empty(0, np.uint64))
    axis: geo.Axis = field(factory=lambda: geo.build_axis(np.empty(0, np.int64), np.empty(0, np.int64)))

    @property
    def small(self) -> bool:
        """True where it is laid out at once."""
        return len(self.vmas.start) <= AT_ONCE

    def steps(self) -> Iterator[None]:
        """The work, a few milliseconds between two yields."""
        v = self.vmas
        parts = []
        for low, high in _chunks(v.first):
            cut = slice(int(v.first[low]), int(v.first[high]))
            first = v.first[low : high + 1] - v.first[low]
            parts.append(geo.layout_hashes(first, v.start[cut], v.end[cut], v.flags[cut]))
            yield
        self.hashes = np.concatenate(parts) if parts else np.empty(0, np.uint64)
        leaders = np.sort(np.unique(self.hashes, return_index=True)[1])
        yield
        if self.small:
            self.axis = _axis(v, leaders)
            return
        starts = ends = np.empty(0, np.int64)
        for group in np.array_split(leaders, max(1, int(np.diff(v.first)[leaders].sum()) // CHUNK)):
            start, end = _of_tasks(v.first, group, v.start), _of_tasks(v.first, group, v.end)
            start, end = geo.union(start, end)
            yield
            starts, ends = _close(*geo.union(np.concatenate([starts, start]), np.concatenate([ends, end])))
            yield
        self.axis = geo.build_axis(starts, ends, None)

    def run(self) -> None:
        """All of it now."""
        for _ in self.steps():
            pass


def _chunks(first: np.ndarray) -> Iterator[tuple[int, int]]:
    # ranges of tasks with about CHUNK vmas each
    low, n = 0, len(first) - 1
    while low < n:
        high = min(max(int(np.searchsorted(first, first[low] + CHUNK, side="right")) - 1, low + 1), n)
        yield low, high
        low = high


def _close(start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # at most MOST_SPANS disjoint spans: the axis draws fewer pieces than that anyway
    if len(start) <= MOST_SPANS:
        return start, end
    gaps = start[1:] - end[:-1]
    cut = np.flatnonzero(gaps > np.partition(gaps, -MOST_SPANS)[-MOST_SPANS])
    return start[np.r_[0, cut + 1]], end[np.r_[cut, len(end) - 1]]


def _axis(v: VmaRows, leaders: np.ndarray) -> geo.Axis:
    """The axis of these processes' vmas and of the homes of moved ones, with more room for anonymous memory."""
    columns = (v.start, v.end, v.pgoff, v.flags, v.file)
    if len(leaders) < len(v.first) - 1:
        columns = tuple(_of_tasks(v.first, leaders, column) for column in columns)  # type: ignore[assignment]
    start, end, pgoff, flags, file = columns
    favoured = start[(file < 0) & ((flags & fl.GROWSDOWN) == 0)] if len(start) <= MOST_FAVOURED else None
    away = np.flatnonzero(geo.moved(start, pgoff, flags, file))
    if 0 < len(away) <= MOST_HOMES:
        home, pages = pgoff[away], end[away] - start[away]
        start, end = np.concatenate([start, home]), np.concatenate([end, home + pages])
    return with_margins(geo.build_axis(start, end, favoured))


def with_margins(axis: geo.Axis) -> geo.Axis:
    """The axis with a little free room at both ends; none where nothing is mapped or the address space ends."""
    if not len(axis.clusters):
        return axis
    low = max(0, int(axis.pages[0]) - MARGIN)
    high = min(TASK_SIZE_PAGES, int(axis.pages[-1]) + MARGIN)
    room = (0.08 if len(axis.clusters) <= 3 else 0.035) * axis.length
    pages, units, kinds = [axis.pages], [axis.units], [axis.kinds]
    if low < axis.pages[0]:
        pages, units, kinds = [np.array([low]), *pages], [axis.units[:1] - room, *units], [np.array([geo.GAP]), *kinds]
    if high > axis.pages[-1]:
        pages, units, kinds = (
            [*pages, np.array([high])],
            [*units, axis.units[-1:] + room],
            [*kinds, np.array([geo.GAP])],
        )
    joined = np.concatenate(units)
    return geo.Axis(
        pages=np.concatenate(pages),
        units=joined - joined[0],
        kinds=np.concatenate(kinds).astype(np.int8),
        clusters=axis.clusters,
    )


def _of_tasks(first: np.ndarray, tasks: np.ndarray, column: np.ndarray) -> np.ndarray:
    """The cells of a vma column that belong to some rows of TaskRows."""
    if not len(tasks):
        return column[:0]
    return np.concatenate([column[first[t] : first[t + 1]] for t in tasks.tolist()])
