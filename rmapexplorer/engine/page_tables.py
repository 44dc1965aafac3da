"""What a frame reads of the page tables, kept from frame to frame: only tables whose picture may have changed are read again.

Nobody tells what an operation changed: the entries, and the columns of pages and vmas that the picture hangs on, are compared
with copies of the last time. That is a few passes at the speed of memory instead of dozens.
"""

from __future__ import annotations

import numpy as np
from attrs import define, field

from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON, NONE, Bools, Ints
from rmapexplorer.core.units import TABLE_ENTRIES, TABLE_SHIFT
from rmapexplorer.core.world import World
from rmapexplorer.engine.page_runs import KEY_SHIFT, Entries, Runs, entries_of, runs_of

_PAGES = ("state", "mapcount", "mapping", "copied")
_VMAS = ("mm", "start", "end", "alive")


@define(eq=False)
class Counts:
    """Pages by kind in each piece of a table that one vma covers; pieces in order of their tables."""

    table: Ints = field(factory=lambda: NONE)
    vma: Ints = field(factory=lambda: NONE)
    pages: Ints = field(factory=lambda: np.zeros((4, 0), np.int64))
    """[anonymous, of files, in swap, shared; pieces]"""


@define(eq=False)
class PageTables:
    """The runs of like pages and the pages by vma of one world after another; ``update`` brings them up to date."""

    runs: Runs = field(factory=Runs)
    """Cut at the borders of tables, in order of their tables."""
    totals: Ints = field(factory=lambda: np.zeros((4, 0), np.int64))
    """[anonymous, of files, in swap, shared; vma ids]"""
    read: int = 0
    """Tables read by the last update."""
    _counts: Counts = field(factory=Counts)
    _entries: Ints = field(factory=lambda: np.zeros((0, TABLE_ENTRIES), np.int64))
    _where: Ints = field(factory=lambda: np.zeros((2, 0), np.int64))
    # owner and base of each table, of ``_tables``
    _tables: int = 0
    _low: Ints = field(factory=lambda: np.zeros(0, np.int64))
    _high: Ints = field(factory=lambda: np.zeros(0, np.int64))
    # page frames of each table lie in [low, high]
    _page: dict[str, np.ndarray] = field(factory=dict)
    _pages: int = 0
    # page frames known in those columns
    _vma: dict[str, np.ndarray] = field(factory=dict)

    def update(self, world: World, owned: Bools) -> None:
        """Read what may have changed. ``owned``: by vma id, whether the vma has an owner."""
        changed = self._changed_entries(world)
        stale = changed.copy()
        self._mark_pages(world, stale)
        self._mark_vmas(world, owned, stale)
        tables = np.flatnonzero(stale)
        self.read = len(tables)
        self._keep_entries(world, np.flatnonzero(changed))
        entries = entries_of(world, tables)
        self._keep_reach(tables, entries)
        self.runs = self.runs.replaced(stale, runs_of(world, entries, owned))
        self._count(world, stale, entries)

    # -- what changed -----------------------------------------------------------------------------

    def _changed_entries(self, world: World) -> Bools:
        # tables whose entries, owner or base are others than last time; those that are gone need no mark
        pt, used, known = world.pt, world.pt.used, min(world.pt.used, self._tables)
        changed = np.ones(used, np.bool_)
        same = pt.entries[:known] == self._entries[:known]
        where = np.stack([pt.owner[:known], pt.base[:known]])
        changed[:known] = ~same.all(axis=1) | (where != self._where[:, :known]).any(axis=0)
        return changed

    def _mark_pages(self, world: World, stale: Bools) -> None:
        # tables that map a page whose picture changed
        pages = self._changed_pages(world)
        if not len(pages):
            return
        known = min(len(stale), self._tables)
        near = np.searchsorted(pages, self._high[:known], "right") > np.searchsorted(pages, self._low[:known], "left")
        near &= ~stale[:known]
        marked = np.zeros(world.page.used, np.bool_)
        marked[pages] = True
        tables = np.flatnonzero(near)
        for at in range(0, len(tables), TABLE_ENTRIES):
            part = tables[at : at + TABLE_ENTRIES]
            frames = world.pt.entries[part] >> ENTRY_SHIFT
            stale[part] = marked[np.minimum(frames, len(marked) - 1)].any(axis=1)

    def _changed_pages(self, world: World) -> Ints:
        # pages that look otherwise than last time; new ones are found by the entries that map them
        page, used = world.page, world.page.used
        known = min(used, self._pages)
        differs = np.zeros(known, np.bool_)
        for name in _PAGES if known else ():
            now, before = getattr(page, name), self._page[name]
            at = np.flatnonzero(now[:known] != before[:known])
            if name == "state":
                differs[at[((now[at] ^ before[at]) & ANON) != 0]] = True
            elif name == "mapcount":
                differs[at[(now[at] > 1) != (before[at] > 1)]] = True
            else:
                differs[at] = True
            before[at] = now[at]
        for name in _PAGES:
            column = getattr(page, name)
            self._page[name] = _roomy(self._page.get(name, column[:0]), used)
            self._page[name][known:used] = column[known:used]
        self._pages = used
        return np.flatnonzero(differs)

    def _mark_vmas(self, world: World, owned: Bools, stale: Bools) -> None:
        # tables under a vma that came, went, moved its ends or got an owner: by where it was and by where it is
        now = {name: getattr(world.vma, name)[: world.vma.used] for name in _VMAS} | {"owned": owned[: world.vma.used]}
        before, self._vma = self._vma, {name: column.copy() for name, column in now.items()}
        if not before:
            return
        known = min(len(now["mm"]), len(before["mm"]))
        differs = np.zeros(known, np.bool_)
        for name, column in now.items():
            differs |= column[:known] != before[name][:known]
        at = np.flatnonzero(differs)
        spans = [np.zeros((3, 0), np.int64)]
        for state in (before, now):
            rows = np.r_[at, np.arange(known, len(state["mm"]))]
            rows = rows[state["alive"][rows]]
            spans.append(np.stack([state[name][rows].astype(np.int64) for name in ("mm", "start", "end")]))
        _mark_spans(world, np.concatenate(spans, axis=1), stale)

    # -- what is kept -----------------------------------------------------------------------------

    def _keep_entries(self, world: World, tables: Ints) -> None:
        pt, used = world.pt, world.pt.used
        self._entries, self._tables = _roomy(self._entries, used), used
        self._entries[tables] = pt.entries[tables]
        self._where = np.stack([pt.owner[:used], pt.base[:used]])

    def _keep_reach(self, tables: Ints, entries: Entries) -> None:
        self._low, self._high = _roomy(self._low, self._tables), _roomy(self._high, self._tables)
        self._low[tables], self._high[tables] = np.iinfo(np.int64).max, -1
        at, pages = entries.table[entries.mapped], entries.page[entries.mapped]
        np.minimum.at(self._low, at, pages)
        np.maximum.at(self._high, at, pages)

    def _count(self, world: World, stale: Bools, entries: Entries) -> None:
        old, size = self._counts, max(world.vma.used, self.totals.shape[1], 1)
        gone = _gone(old.table, stale)
        totals = np.zeros((4, size), np.int64)
        totals[:, : self.totals.shape[1]] = self.totals
        fresh = _pieces(entries)
        for kind in range(4):
            np.subtract.at(totals[kind], old.vma[gone], old.pages[kind][gone])
            np.add.at(totals[kind], fresh.vma, fresh.pages[kind])
        self.totals = totals
        kept = ~gone
        at = np.searchsorted(old.table[kept], fresh.table)
        self._counts = Counts(
            np.insert(old.table[kept], at, fresh.table),
            np.insert(old.vma[kept], at, fresh.vma),
            np.insert(old.pages[:, kept], at, fresh.pages, axis=1),
        )


def _roomy(column: np.ndarray, need: int) -> np.ndarray:
    # with room for so many rows and some more, the old ones kept
    if need <= len(column):
        return column
    room = np.zeros((max(need, 3 * len(column) // 2), *column.shape[1:]), column.dtype)
    room[: len(column)] = column
    return room


def _gone(tables: Ints, stale: Bools) -> Bools:
    # pieces of these tables are read again, or their tables are no more
    beyond = tables >= len(stale)
    gone: Bools = beyond | stale[np.where(beyond, 0, tables)] if len(stale) else np.ones(len(tables), np.bool_)
    return gone


def _mark_spans(world: World, spans: Ints, stale: Bools) -> None:
    # tables of these (mm, start, end)
    if not spans.shape[1] or not len(stale):
        return
    keys = (world.pt.owner[: len(stale)] << KEY_SHIFT) | world.pt.base[: len(stale)]
    order = np.argsort(keys, kind="stable")
    mms, starts, ends = spans
    low = np.searchsorted(keys[order], (mms << KEY_SHIFT) | (starts >> TABLE_SHIFT << TABLE_SHIFT), "left")
    high = np.searchsorted(keys[order], (mms << KEY_SHIFT) | ends, "left")
    steps = np.zeros(len(stale) + 1, np.int64)
    np.add.at(steps, low, 1)
    np.subtract.at(steps, high, 1)
    stale[order[np.cumsum(steps)[:-1] > 0]] = True


def _pieces(entries: Entries) -> Counts:
    # pages by kind of each stretch of entries in one table under one vma
    inside = entries.vma >= 0
    table, vma = entries.table[inside], entries.vma[inside]
    if not len(vma):
        return Counts()
    cut = np.flatnonzero(np.r_[True, (table[1:] != table[:-1]) | (vma[1:] != vma[:-1])])
    masks = (entries.anon, entries.mapped & ~entries.anon, entries.swap, entries.shared)
    pages = np.stack([np.add.reduceat(mask[inside].astype(np.int64), cut) for mask in masks])
    return Counts(table[cut], vma[cut], pages)
