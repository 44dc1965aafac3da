"""The pages of a world as the memory map draws them: runs of like pages, vma by vma, read from the page tables."""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

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

KEY_SHIFT = 36  # page numbers have fewer bits on x86_64 (TASK_SIZE_PAGES is 1 << 35)


@frozen(kw_only=True, eq=False)
class Entries:
    """Page table entries that are not none, and what each refers to."""

    table: Ints
    """Row of the page table it stands in."""
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


def entries_of(world: World, tables: Ints) -> Entries:
    """All entries of these page tables, in this order."""
    table = world.pt
    if len(tables) == table.used:
        slots = np.flatnonzero(table.flat[: table.used << TABLE_SHIFT])  # free rows are empty
    else:
        at, column = np.nonzero(table.entries[tables])
        slots = (tables[at] << TABLE_SHIFT) + column
    entries, vpns = table.flat[slots], table.vpn_of(slots)
    vma = vmas_of(world, table.owner_of(slots), vpns)
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0) & (vma >= 0)
    pages = np.where(mapped, entries >> radix.ENTRY_SHIFT, 0)
    return Entries(
        table=slots >> TABLE_SHIFT,
        vpn=vpns,
        vma=vma,
        page=pages,
        mapped=mapped,
        anon=mapped & ((world.page.state[pages] & ANON) != 0),
        swap=((entries & radix.SWAP) != 0) & ~mapped & (vma >= 0),
        shared=mapped & (world.page.mapcount[pages] > 1),
    )


@frozen(eq=False)
class Runs:
    """Runs of like pages, each within one page table, in order of the tables and then by address."""

    table: Ints = field(factory=lambda: NONE)
    vma: Ints = field(factory=lambda: NONE)
    start: Ints = field(factory=lambda: NONE)
    end: Ints = field(factory=lambda: NONE)
    state: np.ndarray = field(factory=lambda: np.zeros(0, np.uint8))
    owner: Ints = field(factory=lambda: NONE)

    def replaced(self, stale: Bools, fresh: Runs) -> Runs:
        """With ``fresh`` in the place of the runs of stale tables, and of tables beyond them, which are no more."""
        beyond = self.table >= len(stale)
        kept = ~beyond & ~stale[np.where(beyond, 0, self.table)] if len(stale) else np.zeros(len(self.table), np.bool_)
        at = np.searchsorted(self.table[kept], fresh.table)
        return Runs(*(np.insert(mine[kept], at, new) for mine, new in zip(self._all(), fresh._all(), strict=True)))

    def joined(self) -> Runs:
        """By vma, then by address, and whole: those that touch across the border of two tables are one."""
        order = np.lexsort((self.start, self.vma))
        table, vma, start, end, state, owner = (column[order] for column in self._all())
        if not len(vma):
            return Runs()
        same = (vma[1:] == vma[:-1]) & (start[1:] == end[:-1]) & (state[1:] == state[:-1]) & (owner[1:] == owner[:-1])
        cut = np.flatnonzero(np.r_[True, ~same])
        return Runs(table[cut], vma[cut], start[cut], end[np.r_[cut[1:], len(vma)] - 1], state[cut], owner[cut])

    def _all(self) -> tuple[np.ndarray, ...]:
        return self.table, self.vma, self.start, self.end, self.state, self.owner


def runs_of(world: World, entries: Entries, owned: Bools) -> Runs:
    """The runs of these entries. ``owned``: by vma id, whether the vma has an owner."""
    keep = entries.mapped | entries.swap
    table, vma, vpn, page = entries.table[keep], entries.vma[keep], entries.vpn[keep], entries.page[keep]
    if not len(vpn):
        return Runs()
    state = np.where(world.page.copied[page], np.uint8(COPIED), np.uint8(OWN))
    state[entries.shared[keep]] = SHARED
    state[entries.swap[keep]] = SWAPPED
    owner = np.where(entries.anon[keep] & owned[vma], world.design.page_owner(page), -1)
    ends = _differs(vpn, 1) | _differs(vma) | _differs(state) | _differs(owner) | _differs(table)
    cut = np.flatnonzero(np.r_[True, ends])
    last = np.r_[cut[1:], len(vpn)] - 1
    return Runs(table[cut], vma[cut], vpn[cut], vpn[last] + 1, state[cut], owner[cut])


def page_runs(runs: Runs, rows: Ints, used: int) -> PageRuns | None:
    """The runs of the vmas ``rows`` in that order, of ``used`` vma ids; None where there are more than MOST_RUNS."""
    whole = runs.joined()
    if len(whole.vma) > MOST_RUNS:
        return None
    count = np.bincount(whole.vma, minlength=max(used, 1))
    place = np.r_[0, np.cumsum(count)]
    first = np.r_[0, np.cumsum(count[rows])].astype(np.int64)
    at = np.repeat(place[rows] - first[:-1], count[rows]) + np.arange(first[-1])
    return _made(first, whole.start[at], whole.end[at], whole.state[at], whole.owner[at])


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
    keys = np.repeat(np.arange(len(present)) << KEY_SHIFT, [len(part) for part in lists]) | world.vma.start[rows]
    at = np.searchsorted(keys, (rank[mms] << KEY_SHIFT) | vpns, "right") - 1
    found = rows[np.maximum(at, 0)]
    inside = (at >= 0) & (world.vma.mm[found] == mms) & (vpns < world.vma.end[found])
    return np.where(inside, found, -1)
