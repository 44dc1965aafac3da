"""Write faults on pages that are there: reuse or copy. Kernel: do_wp_page, wp_can_reuse_anon_folio, wp_page_copy, mm/memory.c 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.batches import MUNLOCK
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import (
    ONE,
    free_swap_cache,
    map_page,
    map_pages,
    new_anonymous,
    new_anonymous_page,
    release,
    release_page,
)
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON, EXCLUSIVE, Bools, Ints, each, ids

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def write_protected(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints) -> None:
    """do_wp_page: reuse what belongs to this mm alone, copy the rest. As many pages at once as do not depend on each other."""
    if len(slots) == 1:
        do_wp_page(w, mm, row, vpns.item(0), slots.item(0))
        return
    at = 0
    while at < len(slots):
        stop = at + _independent(w, row, w.pt.flat[slots[at:]] >> ENTRY_SHIFT)
        _write_group(w, mm, row, vpns[at:stop], slots[at:stop])
        at = stop


def do_wp_page(w: World, mm: Mm, row: int, vpn: int, slot: int) -> None:
    """write_protected of one page."""
    page = w.pt.at(slot) >> ENTRY_SHIFT
    if not reuses(w, page):
        _copy_one(w, mm, row, vpn, slot, page)
        return
    state = w.page.state.item(page)
    store_one(w, slot, radix.WRITE | radix.DIRTY | radix.YOUNG)
    if not state & EXCLUSIVE:
        w.page.state[page] = state | EXCLUSIVE
        w.design.pages_reused(ids(page), row, ids(vpn))
    w.counters["faults"] += 1


def _independent(w: World, row: int, pages: Ints) -> int:
    # how many of the first pages cannot drain or fill a batch in which another of them waits
    if not w.rules.anon_exclusive or len(pages) == 1:
        return len(pages)
    if not w.batches.quiet or w.vma.flags.item(row) & vm.LOCKED:
        return 1
    first = w.batches.first_unlisted(pages)
    return len(pages) if first < 0 else max(first, 1)


def _write_group(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints) -> None:
    pages = w.pt.flat[slots] >> ENTRY_SHIFT
    reuse = may_reuse(w, pages)
    if reuse.any():
        mine = pages[reuse]
        fresh = (w.page.state[mine] & EXCLUSIVE) == 0
        w.page.state[mine] |= EXCLUSIVE
        store(w, slots[reuse], radix.WRITE | radix.DIRTY | radix.YOUNG)
        if fresh.any():
            w.design.pages_reused(mine[fresh], row, vpns[reuse][fresh])
        w.counters["faults"] += len(mine)
    if not reuse.all():
        _copy(w, mm, row, vpns[~reuse], slots[~reuse], pages[~reuse])


def may_reuse(w: World, pages: Ints) -> Bools:
    """Mask: the page is marked exclusive, or nothing but its one pte and the swap cache refers to it (wp_can_reuse_anon_folio)."""
    state = w.page.state[pages]
    if not w.rules.anon_exclusive:
        return _mapped_once(w, pages)
    if w.batches.first_unlisted(pages) >= 0:
        w.batches.drain()
    alone = ((state & ANON) != 0) & (w.page.mapcount[pages] == 1) & ((state & EXCLUSIVE) == 0)
    if not w.batches.quiet:
        alone &= np.array([not w.batches.held(page) for page in pages.tolist()], np.bool_)
    for at in np.flatnonzero(alone & (w.page.swap[pages] >= 0)).tolist():
        alone[at] = free_swap_cache(w, int(pages[at]))
    mask: Bools = ((state & EXCLUSIVE) != 0) & ((state & ANON) != 0) | alone
    return mask


def reuses(w: World, page: int) -> bool:
    """may_reuse of one page."""
    state = w.page.state.item(page)
    if not state & ANON:
        return False
    if w.rules.anon_exclusive:
        if state & EXCLUSIVE:
            return True
        if w.batches.unlisted(page):
            w.batches.drain()
    if w.page.mapcount.item(page) != 1:
        return False
    if w.rules.anon_exclusive and not w.batches.quiet and w.batches.held(page):
        return False
    return w.page.swap.item(page) < 0 or free_swap_cache(w, page)


def _mapped_once(w: World, pages: Ints) -> Bools:
    """Before 5.19, reuse_swap_page: mapcount and swap count together are 1; other references do not matter."""
    once: Bools = ((w.page.state[pages] & ANON) != 0) & (w.page.mapcount[pages] == 1)
    for at in np.flatnonzero(once & (w.page.swap[pages] >= 0)).tolist():
        once[at] = free_swap_cache(w, int(pages[at]))
    return once


def _copy(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints, old: Ints) -> None:
    """wp_page_copy: a page of its own for each pte; the old one loses this pte."""
    tokens = np.where((w.pt.flat[slots] & radix.FREED) != 0, 0, w.page.token[old])
    w.pt.flat[slots] = 0
    np.subtract.at(w.page.mapcount, old, ONE)
    mm.rss -= len(old)
    anonymous = int(((w.page.state[old] & ANON) != 0).sum())
    w.design.ptes_cleared(old, np.full(len(old), row, np.int64), vpns, slots, "cow")
    new_pages(w, mm, row, vpns, slots, tokens, "cow")
    if w.vma.flags.item(row) & vm.LOCKED:
        w.batches.lock(old, MUNLOCK)
    w.counters["copied_by_write"] += anonymous
    release(w, old)


def _copy_one(w: World, mm: Mm, row: int, vpn: int, slot: int, old: int) -> None:
    # _copy of one page
    token = 0 if w.pt.at(slot) & radix.FREED else w.page.token.item(old)
    w.pt.put(slot, 0)
    w.page.mapcount[old] -= 1
    mm.rss -= 1
    anonymous = w.page.state.item(old) & ANON != 0
    pages, where = ids(old), each(row, vpn, slot)
    vmas, vpns, slots = where
    w.design.ptes_cleared(pages, vmas, vpns, slots, "cow")
    new_page(w, mm, row, where, token, "cow")
    if w.vma.flags.item(row) & vm.LOCKED:
        w.batches.lock(pages, MUNLOCK)
    w.counters["copied_by_write"] += anonymous
    release_page(w, old)


def store(w: World, slots: Ints, bits: int) -> None:
    """A write access through ptes that may be written: they get ``bits``; the pages what is written, if anything is.

    Calls that only fault pages in for writing (mlock, MADV_POPULATE_WRITE) leave the contents, given up ones too.
    """
    entries = w.pt.flat[slots] | bits
    if w.stores:
        entries &= ~np.int64(radix.FREED)
        w.page.token[entries >> ENTRY_SHIFT] = w.serial
    w.pt.flat[slots] = entries


def store_one(w: World, slot: int, bits: int) -> None:
    """store through one pte."""
    entry = w.pt.at(slot) | bits
    if w.stores:
        entry &= ~radix.FREED
        w.page.token[entry >> ENTRY_SHIFT] = w.serial
    w.pt.put(slot, entry)


def prepare(w: World, row: int) -> None:
    """anon_vma_prepare, for a vma about to get its first anonymous page."""
    w.design.prepare(row)
    w.vma.touched[row] = True


def new_pages(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints, tokens: Ints, cause: str) -> None:
    """Map a fresh page at each slot, which holds none; ``tokens``: contents of each where nothing is written to it."""
    locked = bool(w.vma.flags.item(row) & vm.LOCKED)
    pages = new_anonymous(w, len(vpns), w.serial if w.stores else tokens, locked)
    bits = radix.PRESENT | radix.WRITE | radix.DIRTY | radix.YOUNG
    map_pages(w, mm, row, vpns, slots, pages, bits, cause)
    w.counters["faults"] += len(vpns)


def new_page(w: World, mm: Mm, row: int, where: Ints, token: int, cause: str) -> None:
    """new_pages of one page; ``where``: vma, page number and slot (table.each)."""
    page = new_anonymous_page(w, w.serial if w.stores else token, bool(w.vma.flags.item(row) & vm.LOCKED))
    map_page(w, mm, where, page, radix.PRESENT | radix.WRITE | radix.DIRTY | radix.YOUNG, cause)
    w.counters["faults"] += 1
