"""Questions that look something up for find and copy: who maps a page frame, the operations themselves, smaps figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import frozen

from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.table import ANON, DIRTY
from rmapexplorer.core.units import PAGE_BYTES, Span
from rmapexplorer.core.world import World
from rmapexplorer.engine.picture import processes_of
from rmapexplorer.engine.stage import Stage

SPOTS = 5000
"""Places of one page that are told at most."""
PSS_SHIFT = 12
"""Bits after the point in the kernel's sum of shares (PSS_SHIFT, fs/proc/task_mmu.c)."""


@frozen
class Mappers:
    """Who maps a page frame of the design in view: ``spots`` are (pid, page number), the first SPOTS of ``total``."""

    page: int
    design: str
    total: int
    spots: tuple[tuple[int, int], ...]


@frozen
class MappersOf:
    """Asks for the places where page frame ``page`` is mapped; read from the page tables, so nothing is missed."""

    page: int
    key: str = "mappers"

    def answer(self, stage: Stage) -> Mappers:
        """The places by pid."""
        world = stage.shown.world
        assert isinstance(world, World)
        spots: list[tuple[int, int]] = []
        if 0 <= self.page < world.page.used and world.page.mapcount[self.page] > 0:
            processes = processes_of(world)
            mms, vpns = world.mappers(self.page)
            pairs = zip(mms.tolist(), vpns.tolist(), strict=True)
            spots = sorted((processes[mm][0], vpn) for mm, vpn in pairs if mm in processes)
        return Mappers(self.page, stage.shown.kind.key, len(spots), tuple(spots[:SPOTS]))


@frozen
class OperationsAt:
    """Asks for the operations that lead to these positions of the current branch, in order; others are left out."""

    positions: Sequence[int]
    key: str = "operations"

    def answer(self, stage: Stage) -> tuple[Operation, ...]:
        """The records of the log."""
        path = stage.line.path
        return tuple(
            stage.line.operations[path[position - 1]]
            for position in sorted(self.positions)
            if 0 < position <= len(path)
        )


@frozen(kw_only=True)
class SmapsRow:
    """The figures of one vma as smaps counts them, in bytes; Pss in bytes << PSS_SHIFT."""

    span: Span
    rss: int
    pss: int
    pss_dirty: int
    shared_clean: int
    shared_dirty: int
    private_clean: int
    private_dirty: int
    referenced: int
    anonymous: int
    swap: int
    swap_pss: int


@frozen
class SmapsOf:
    """Asks for the smaps figures of all vmas of one process in the design in view."""

    pid: int
    key: str = "smaps"

    def answer(self, stage: Stage) -> tuple[SmapsRow, ...] | None:
        """By address; None where there is no such process."""
        world = stage.shown.world
        assert isinstance(world, World)
        task = world.tasks.get(self.pid)
        if task is None or task.mm not in world.mms:
            return None
        mm = world.mms[task.mm]
        vpns, entries = _entries(world, mm)
        return tuple(_row(world, row, vpns, entries) for row in mm.vmas)


def _entries(world: World, mm: Mm) -> tuple[np.ndarray, np.ndarray]:
    # every entry that is not empty, by page number
    numbers = sorted(mm.tables.rows)
    if not numbers:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.array([mm.tables.rows[number] for number in numbers], np.int64)
    entries = world.pt.entries[rows]
    at, column = np.nonzero(entries)
    return world.pt.base[rows[at]] + column, entries[at, column]


def _row(world: World, row: int, vpns: np.ndarray, entries: np.ndarray) -> SmapsRow:
    start, end = int(world.vma.start[row]), int(world.vma.end[row])
    low, high = np.searchsorted(vpns, (start, end))
    mine = entries[low:high]
    mapped = mine[((mine & (radix.PRESENT | radix.PROTNONE)) != 0) & ((mine & radix.ZERO) == 0)]
    pages = mapped >> radix.ENTRY_SHIFT
    count, state = world.page.mapcount[pages], world.page.state[pages]
    dirty = ((mapped & radix.DIRTY) != 0) | ((state & DIRTY) != 0)
    shared = count > 1  # as smaps_account: a page of one pte is private
    share = (PAGE_BYTES << PSS_SHIFT) // np.maximum(count, 1)
    out = mine[((mine & radix.SWAP) != 0) & ((mine & (radix.PRESENT | radix.PROTNONE)) == 0)] >> radix.ENTRY_SHIFT
    slots = np.maximum(world.swap.count[out], 1) if len(out) else out

    def size(mask: np.ndarray) -> int:
        return int(mask.sum()) * PAGE_BYTES

    return SmapsRow(
        span=Span(start, end), rss=len(mapped) * PAGE_BYTES, pss=int(share.sum()), pss_dirty=int(share[dirty].sum()),
        shared_clean=size(shared & ~dirty), shared_dirty=size(shared & dirty), private_clean=size(~shared & ~dirty),
        private_dirty=size(~shared & dirty), referenced=size((mapped & radix.YOUNG) != 0),
        anonymous=size((state & ANON) != 0), swap=len(out) * PAGE_BYTES,
        swap_pss=int(((PAGE_BYTES << PSS_SHIFT) // slots).sum()) if len(out) else 0,
    )  # fmt: skip
