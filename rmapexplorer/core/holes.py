"""Holes of one process that are free in every world, for what the kernel would place by itself.

Kernel: vm_unmapped_area, which finds the highest hole that is large enough by the gaps kept in its tree. Here a search that
found none above some page is remembered: nothing can be there as long as no world gave pages up (Mm.unmaps).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from attrs import frozen

from rmapexplorer.core.objects import Mm
from rmapexplorer.core.places import SMALL

if TYPE_CHECKING:
    from rmapexplorer.core.world import World

GAP = 0x10
"""The grain of a drawing, which leaves a visible gap."""

TRIES = 16
"""Vmas stepped over one by one before all are looked at together."""

MOST_SEARCHED = 64
"""Lengths whose searches are remembered."""


@frozen
class Space:
    """The address space of the process in one world."""

    world: World
    mm: Mm

    def lowest(self, start: int, end: int) -> int:
        """Start of the first vma that overlaps [start, end); -1 where none does."""
        inside = self.world.vmas_in(self.mm, start, end)
        return int(self.world.vma.start[inside[0]]) if inside else -1

    def end_of(self, start: int, end: int) -> int:
        """End of the first vma that overlaps [start, end); -1 where none does."""
        inside = self.world.vmas_in(self.mm, start, end)
        return int(self.world.vma.end[inside[0]]) if inside else -1


def beside(spaces: Sequence[Space], place: int, pages: int) -> int:
    """A round place at ``place`` or above what lies there; -1 where it would not stay a drawing."""
    while place + pages <= SMALL:
        end = max((space.end_of(place, place + pages) for space in spaces), default=-1)
        if end < 0:
            return place
        while (further := max(space.end_of(end, end + 1) for space in spaces)) >= 0:
            end = further
        place = -(-(end + GAP // 2) // GAP) * GAP
    return -1


def top_down(spaces: Sequence[Space], pages: int, floor: int, ceiling: int) -> int:
    """The highest place of so many pages in [floor, ceiling) that is free in every space; -1 where there is none."""
    if not spaces:
        return ceiling - pages if ceiling - pages >= floor else -1
    now = tuple((space.world.number, space.mm.id, space.mm.unmaps) for space in spaces)
    first = spaces[0].mm
    if first.searched[0] != now or len(first.searched[1]) >= MOST_SEARCHED:
        first.searched = now, {}
    known = first.searched[1]
    below = min((end for length, end in known.items() if length <= pages), default=ceiling)
    place = _step_down(spaces, pages, below)
    if place is None:
        place = _search(spaces, pages, below)
    place = place if place >= floor else -1
    if place >= 0:
        known[pages] = place + pages
    return place


def _step_down(spaces: Sequence[Space], pages: int, ceiling: int) -> int | None:
    # below the vmas that are in the way, a few of them; None: there are more
    for _ in range(TRIES):
        inside = [space.lowest(ceiling - pages, ceiling) for space in spaces]
        if max(inside) < 0:
            return ceiling - pages
        ceiling = min(start for start in inside if start >= 0)
    return None


def _search(spaces: Sequence[Space], pages: int, ceiling: int) -> int:
    # all holes of the union at once
    starts = np.concatenate([np.array(space.mm.starts, np.int64) for space in spaces])
    ends = np.concatenate([space.world.vma.end[np.array(space.mm.vmas, np.int64)] for space in spaces])
    order = np.argsort(starts, kind="stable")
    above = np.minimum(np.r_[starts[order], ceiling], ceiling)
    under = np.r_[0, np.maximum.accumulate(ends[order])]
    fits = np.flatnonzero(above - under >= pages)
    return int(above[fits[-1]]) - pages if len(fits) else -1
