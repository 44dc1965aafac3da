"""Sharing page tables at a fork, table by table: copy_page_range of mm/memory.c.

What copy_pte_range does to one pte is done to whole rows of 512. Where a table holds ptes of vmas that are not copied,
or shared ones, which stay writable, a mask says which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import ONE, is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import EXCLUSIVE, Bools, Ints
from rmapexplorer.core.units import TABLE_ENTRIES, TABLE_SHIFT

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def copy_page_range(w: World, parent: Mm, child: Mm, old: Ints, new: Ints) -> None:
    """The ptes of the parent's vmas ``old`` for their copies ``new``, in address order both; the child has no tables yet."""
    copies = _needs_copy(w, old)
    old, new = old[copies], new[copies]
    if not len(old) or not parent.tables.rows:
        return
    numbers, tables = w.pt.tables_of(parent.tables)
    theirs = w.pt.entries[tables]
    ours = _write_protect(w, parent, old, numbers, theirs)
    w.pt.entries[tables] = theirs
    used = ours.any(axis=1)
    if not used.all():
        numbers, ours = numbers[used], ours[used]
    if len(numbers):
        rows = w.pt.add_tables(child.tables, numbers)
        w.pt.entries[rows] = ours
        _count(w, child, old, new, rows, ours)


def _needs_copy(w: World, rows: Ints) -> Bools:
    # vma_needs_copy: what a fault can fill in again is not copied; in nonlinear vmas none could
    if not w.rules.fork_skips_file_ptes:
        return np.ones(len(rows), np.bool_)
    nonlinear = (w.vma.flags[rows] & vm.NONLINEAR) != 0
    mask: Bools = w.design.has_anon_many(rows) | w.vma.guarded[rows] | nonlinear
    return mask


def _write_protect(w: World, parent: Mm, old: Ints, numbers: Ints, theirs: Ints) -> Ints:
    """Private pages lose the write bit, swap entries their exclusive bit, in ``theirs``; returns the child's: old, too."""
    shared = (w.vma.flags[old] & vm.SHARED) != 0
    if len(old) == parent.order.count and not shared.any():
        theirs &= ~np.int64(radix.WRITE | radix.EXCLUSIVE)
        return theirs & ~np.int64(radix.YOUNG)
    in_private, in_shared = _inside(w, old[~shared], numbers), _inside(w, old[shared], numbers)
    theirs &= ~np.where(in_private, radix.WRITE | radix.EXCLUSIVE, np.where(in_shared, radix.EXCLUSIVE, 0))
    return np.where(in_private | in_shared, theirs & ~np.int64(radix.YOUNG), 0)


def _inside(w: World, rows: Ints, numbers: Ints) -> Bools:
    # [table, 512]: which entries lie in these vmas; each is a step up and a step down in the tables laid end to end
    steps = np.zeros(len(numbers) * TABLE_ENTRIES + 1, np.int64)
    np.add.at(steps, _place(numbers, w.vma.start[rows]), ONE)
    np.subtract.at(steps, _place(numbers, w.vma.end[rows]), ONE)
    mask: Bools = np.cumsum(steps[:-1]).reshape(-1, TABLE_ENTRIES) > 0
    return mask


def _place(numbers: Ints, vpns: Ints) -> Ints:
    # the first entry of these tables, laid end to end, that is at or after each page number
    at = np.searchsorted(numbers, vpns >> TABLE_SHIFT)
    there = numbers[np.minimum(at, len(numbers) - 1)] == vpns >> TABLE_SHIFT
    return at * TABLE_ENTRIES + np.where(there, vpns & (TABLE_ENTRIES - 1), 0)


def _count(w: World, child: Mm, old: Ints, new: Ints, rows: Ints, entries: Ints) -> None:
    # one mapping more of each page, one entry more of each swap slot, in the child's new tables ``rows``
    mapping = is_page(entries)
    pages = entries[mapping] >> ENTRY_SHIFT
    if len(pages):
        exclusive = pages[(w.page.state[pages] & EXCLUSIVE) != 0]
        w.page.state[exclusive] &= ~EXCLUSIVE
        np.add.at(w.page.mapcount, pages, ONE)
        child.rss += len(pages)
        w.design.fork_spares(len(old), len(pages))
        if w.design.TOLD_OF_FORKED_PTES:
            at, columns = np.nonzero(mapping)
            vpns, slots = w.pt.base[rows[at]] + columns, rows[at] * TABLE_ENTRIES + columns
            vmas = new[np.searchsorted(w.vma.start[old], vpns, "right") - 1]
            w.design.ptes_set(pages, vmas, vpns, slots, "fork")
    swapped = entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT
    if len(swapped):
        np.add.at(w.swap.count, swapped, ONE)
