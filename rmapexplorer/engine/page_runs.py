"""The pages of a world as the memory map draws them: runs of like pages, vma by vma, from one pass over all page tables."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.table import ANON, NONE, Bools, Ints
from rmapexplorer.core.units import TABLE_SHIFT
from rmapexplorer.core.world import World

OWN, SHARED, COPIED, SWAPPED = range(4)
"""What a page is to the process: mapped by it alone; by others too; by it alone, and made as a copy; in swap."""
STATES = 4

MOST_RUNS = 200_000
"""Where there are more the map is told of vmas only: nobody sees them one by one, and frames stay small."""

_KEY_SHIFT = 36  # page numbers have fewer bits on x86_64 (TASK_SIZE_PAGES is 1 << 35)


@frozen(kw_only=True, eq=False)
class Entries:
    """The page table entries of all processes that are not none, and what each refers to."""

    vpn: Ints
    vma: Ints
    """Id of the vma over it, -1 where none is."""
    page: Ints
    """Page frame, 0 where none is mapped."""
    mapped: Bools
    anon: Bools
    swap: Bools
    shared: Bools
    """Resident, and more than one pte maps the page."""


@frozen(kw_only=True, eq=False)
class PageRuns:
    """Runs of like pages, grouped as the vmas of a frame are, then by address. Pages that hold nothing are in no run."""

    first: Ints
    """[vmas + 1]: the runs of vma row i are first[i]:first[i+1]."""
    start: Ints
    end: Ints
    state: np.ndarray
    """OWN, SHARED, COPIED or SWAPPED; uint8."""
    owner: Ints
    """The object that the pages point at (numbers as VmaRows.anon), -1 none."""
    before: Ints
    """[states, runs + 1]: pages of each state in all runs before this one."""

    def equals(self, other: PageRuns) -> bool:
        """Whether both say the same."""
        names = ("first", "start", "end", "state", "owner")
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)


def entries_of(world: World) -> Entries:
    """All entries of all page tables."""
    table = world.pt
    slots = np.flatnonzero(table.flat[: table.used << TABLE_SHIFT])  # free rows are empty
    entries, vpns = table.flat[slots], table.vpn_of(slots)
    vma = vmas_of(world, table.owner_of(slots), vpns)
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0) & (vma >= 0)
    pages = np.where(mapped, entries >> radix.ENTRY_SHIFT, 0)
    return Entries(
        vpn=vpns,
        vma=vma,
        page=pages,
        mapped=mapped,
        anon=mapped & ((world.page.state[pages] & ANON) != 0),
        swap=((entries & radix.SWAP) != 0) & ~mapped & (vma >= 0),
        shared=mapped & (world.page.mapcount[pages] > 1),
    )


def page_runs(world: World, entries: Entries, rows: Ints, owners: Ints) -> PageRuns | None:
    """The runs of the vmas ``rows`` with these ``owners``, in that order; None where there are more than MOST_RUNS."""
    keep = entries.mapped | entries.swap
    vma, vpn, page = entries.vma[keep], entries.vpn[keep], entries.page[keep]
    state = np.where(world.page.copied[page], np.uint8(COPIED), np.uint8(OWN))
    state[entries.shared[keep]] = SHARED
    state[entries.swap[keep]] = SWAPPED
    has_owner = np.zeros(max(world.vma.used, 1), np.bool_)
    has_owner[rows] = owners >= 0
    owner = np.where(entries.anon[keep] & has_owner[vma], world.design.page_owner(page), -1)
    cut = np.flatnonzero(np.r_[True, _differs(vpn, 1) | _differs(vma) | _differs(state) | _differs(owner)][: len(vpn)])
    if len(cut) > MOST_RUNS:
        return None
    end = vpn[np.r_[cut[1:], len(vpn)] - 1] + 1 if len(cut) else NONE
    order = np.lexsort((vpn[cut], vma[cut]))
    cut, end = cut[order], end[order]
    count = np.bincount(vma[cut], minlength=max(world.vma.used, 1))
    place = np.r_[0, np.cumsum(count)]
    first = np.r_[0, np.cumsum(count[rows])].astype(np.int64)
    at = np.repeat(place[rows] - first[:-1], count[rows]) + np.arange(first[-1])
    return _made(first, vpn[cut][at], end[at], state[cut][at], owner[cut][at])


def _differs(values: Ints, step: int = 0) -> Bools:
    # whether each value but the first is another than the one before (plus the step)
    found: Bools = values[1:] != values[:-1] + step
    return found


def _made(first: Ints, start: Ints, end: Ints, state: Ints, owner: Ints) -> PageRuns:
    before = np.zeros((STATES, len(start) + 1), np.int64)
    np.cumsum((state == np.arange(STATES)[:, None]) * (end - start), axis=1, out=before[:, 1:])
    runs = PageRuns(first=first, start=start, end=end, state=state, owner=owner, before=before)
    for column in (runs.first, runs.start, runs.end, runs.state, runs.owner, runs.before):
        column.flags.writeable = False
    return runs


def vmas_of(world: World, mms: Ints, vpns: Ints) -> Ints:
    """The vma that holds each (mm, page number); -1 where none does."""
    present: list[Mm] = list(world.mms.values())
    lists = [np.array(mm.vmas, np.int64) for mm in present]
    rows = np.concatenate(lists) if lists else NONE
    if not len(rows):
        return np.full(len(vpns), -1, np.int64)
    rank = np.full(max(world.mms) + 2, len(present), np.int64)
    rank[[mm.id for mm in present]] = np.arange(len(present))
    keys = np.repeat(np.arange(len(present)) << _KEY_SHIFT, [len(part) for part in lists]) | world.vma.start[rows]
    at = np.searchsorted(keys, (rank[mms] << _KEY_SHIFT) | vpns, "right") - 1
    found = rows[np.maximum(at, 0)]
    inside = (at >= 0) & (world.vma.mm[found] == mms) & (vpns < world.vma.end[found])
    return np.where(inside, found, -1)
