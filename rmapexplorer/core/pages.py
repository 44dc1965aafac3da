"""ptes and pages: setting, clearing and moving entries with mapcount, rss and the design kept in step.

Kernel: set_pte_at with folio_add_*_rmap, zap_pte_range, free_swap_and_cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.batches import MLOCK, MLOCK_NEW, MUNLOCK
from rmapexplorer.core.objects import File, Mm
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import ANON, DIRTY, EXCLUSIVE, FILE, READ_BACK, SHMEM, Bools, Ints, each, ids

if TYPE_CHECKING:
    from rmapexplorer.core.world import World

ONE = np.int64(1)
WHOLE_FILE = 1 << 52
"""Beyond the last page a file can have."""


def is_page(entries: Ints) -> Bools:
    """Mask: entries that map a page (present or PROT_NONE, the zero page not)."""
    mask: Bools = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0)
    return mask


def new_anonymous(w: World, count: int, tokens: Ints | int, locked: bool = False) -> Ints:
    """Fresh anonymous pages, exclusive, on their way to the inactive list's tail; for ``locked`` memory to none yet. Not mapped."""
    pages = w.page.new_many(count)
    w.page.state[pages] = ANON | EXCLUSIVE
    w.page.token[pages] = tokens
    w.page.lru[pages] = np.arange(w.lru_clock, w.lru_clock + count)
    w.lru_clock += count
    if not locked:
        w.batches.add(pages)
    return pages


def new_anonymous_page(w: World, token: int, locked: bool = False) -> int:
    """new_anonymous of one page."""
    page = w.page.new(state=ANON | EXCLUSIVE, token=token, lru=w.lru_clock)
    w.lru_clock += 1
    if not locked:
        w.batches.add_one(page)
    return page


def cached(w: World, file: File, index: int) -> int:
    """The page of a file in the page cache, -1 where there is none. A file's (not shmem's) pages are all cached: made on sight."""
    entry = w.cache.get(file.cache, index)
    if entry & radix.PRESENT:
        return entry >> ENTRY_SHIFT
    if entry or not file.in_cache_at_first(index) or (file.size is not None and index >= file.size):
        return -1
    return new_file_page(w, file, index)


def new_file_page(w: World, file: File, index: int, token: int = 0) -> int:
    """A fresh page-cache page, with what was saved of it if it was dropped before."""
    file.holes.discard(index)
    token = file.saved.pop(index, token)
    page = w.page.new(state=FILE | (SHMEM if file.shmem else 0), mapping=file.id, index=index, token=token)
    w.page.lru[page] = w.lru_clock
    w.lru_clock += 1
    slot = w.cache.make_slot(file.cache, index)  # first: it may grow the pool
    w.cache.flat[slot] = page << ENTRY_SHIFT | radix.PRESENT
    return page


def map_pages(w: World, mm: Mm, vma: int, vpns: Ints, slots: Ints, pages: Ints, bits: Ints | int, cause: str) -> None:
    """Set ptes for pages of one vma and tell the design; the slots must be none or hold what was already cleared."""
    w.pt.flat[slots] = (pages << ENTRY_SHIFT) | bits
    np.add.at(w.page.mapcount, pages, ONE)
    mm.rss += len(pages)
    if w.vma.flags.item(vma) & vm.LOCKED:
        known = pages[(w.page.state[pages] & READ_BACK) == 0]  # what swap-in maps first is left to reclaim to lock
        w.batches.lock(known, MLOCK_NEW if cause in ("first_write", "cow") else MLOCK)
    if cause == "swap_in":
        w.page.state[pages] &= ~READ_BACK
    elif cause == "cow":
        w.page.copied[pages] = True
    w.design.ptes_set(pages, np.full(len(pages), vma, np.int64), vpns, slots, cause)


def map_page(w: World, mm: Mm, where: Ints, page: int, bits: int, cause: str) -> None:
    """map_pages of one page; ``where``: vma, page number and slot (table.each)."""
    vmas, vpns, slots = where
    vma, slot = vmas.item(0), slots.item(0)
    w.pt.put(slot, page << ENTRY_SHIFT | bits)
    w.page.mapcount[page] += 1
    mm.rss += 1
    pages = ids(page)
    if w.vma.flags.item(vma) & vm.LOCKED and not w.page.state.item(page) & READ_BACK:
        w.batches.lock(pages, MLOCK_NEW if cause in ("first_write", "cow") else MLOCK)
    if cause == "swap_in":
        w.page.state[page] &= ~READ_BACK
    elif cause == "cow":
        w.page.copied[page] = True
    w.design.ptes_set(pages, vmas, vpns, slots, cause)


def clear(w: World, mm: Mm, vmas: Ints | int, vpns: Ints, slots: Ints, cause: str) -> None:
    """Zap entries of one mm: unmap pages, drop swap entries, forget markers. ``vmas``: the one, or one for each slot."""
    if len(slots) == 1:
        clear_one(w, mm, vmas if isinstance(vmas, int) else vmas.item(0), vpns.item(0), slots.item(0), cause)
    elif len(slots):
        _clear_many(w, mm, vmas, vpns, slots, cause)


def _clear_many(w: World, mm: Mm, vmas: Ints | int, vpns: Ints, slots: Ints, cause: str) -> None:
    entries = w.pt.flat[slots]
    w.pt.flat[slots] = 0
    mask = is_page(entries)
    pages = entries[mask] >> ENTRY_SHIFT
    if len(pages):
        np.subtract.at(w.page.mapcount, pages, ONE)
        mm.rss -= len(pages)
        owners = np.full(len(pages), vmas, np.int64) if isinstance(vmas, int) else vmas[mask]
        locked = pages[(w.vma.flags[owners] & vm.LOCKED) != 0]
        if len(locked):
            w.batches.lock(locked, MUNLOCK)
        w.design.ptes_cleared(pages, owners, vpns[mask], slots[mask], cause)
        release(w, pages)
    swapped = (entries & radix.SWAP) != 0
    if swapped.any():
        drop_swap(w, entries[swapped] >> ENTRY_SHIFT)


def clear_one(w: World, mm: Mm, vma: int, vpn: int, slot: int, cause: str) -> None:
    """clear of one entry."""
    entry = w.pt.at(slot)
    w.pt.put(slot, 0)
    if entry & (radix.PRESENT | radix.PROTNONE) and not entry & radix.ZERO:
        page = entry >> ENTRY_SHIFT
        w.page.mapcount[page] -= 1
        mm.rss -= 1
        pages, vmas, vpns, slots = each(page, vma, vpn, slot)
        if w.vma.flags.item(vma) & vm.LOCKED:
            w.batches.lock(pages, MUNLOCK)
        w.design.ptes_cleared(pages, vmas, vpns, slots, cause)
        release_page(w, page)
    if entry & radix.SWAP:
        drop_swap(w, ids(entry >> ENTRY_SHIFT))


def release_page(w: World, page: int) -> None:
    """release of one page."""
    if w.page.mapcount.item(page) or not w.page.state.item(page) & ANON:
        return
    slot = w.page.swap.item(page)
    if slot >= 0:
        if w.swap.count.item(slot) > 0:
            return
        w.swap.free(slot)
    w.design.page_gone(ids(page))
    w.page.free(page)


def release(w: World, pages: Ints) -> None:
    """Free the anonymous pages among ``pages`` that nothing maps any more; one in the swap cache stays while its slot is used."""
    dead = pages[(w.page.mapcount[pages] == 0) & ((w.page.state[pages] & ANON) != 0)]
    if not len(dead):
        return
    dead = np.unique(dead) if len(dead) > 1 else dead
    swapped = w.page.swap[dead]
    in_cache = swapped >= 0
    if in_cache.any():
        used = np.zeros(len(dead), np.bool_)
        used[in_cache] = w.swap.count[swapped[in_cache]] > 0
        slots = swapped[in_cache & ~used]
        w.swap.free_many(slots)
        dead = dead[~used]
    if len(dead):
        w.design.page_gone(dead)
        w.page.free_many(dead)


def drop_swap(w: World, slots: Ints) -> None:
    """swap_free: one reference less to each slot; slots nobody refers to go, with their unmapped swap-cache page."""
    np.subtract.at(w.swap.count, slots, ONE)
    for slot in np.unique(slots[w.swap.count[slots] == 0]).tolist():
        page = w.swap.page.item(slot)
        if page < 0:
            w.swap.free(slot)
        elif w.page.mapcount[page] == 0:
            w.swap.free(slot)
            w.design.page_gone(np.array([page], np.int64))
            w.page.free(page)


def free_swap_cache(w: World, page: int) -> bool:
    """folio_free_swap: take the page out of the swap cache if no entry refers to its slot; True if it is out."""
    slot = w.page.swap.item(page)
    if slot < 0 or w.swap.count[slot] > 0:
        return slot < 0
    w.swap.free(slot)
    w.page.swap[page] = -1
    w.page.state[page] |= DIRTY
    return True


def zap(w: World, mm: Mm, row: int, start: int, end: int, keep_guards: bool = False) -> int:
    """zap_page_range of [start, end) inside one vma; returns the entries dropped. Empty tables stay."""
    if end - start == 1:
        slot = w.pt.slot(mm.tables, start)
        entry = w.pt.at(slot) if slot >= 0 else 0
        if not entry or (keep_guards and entry & radix.MARKER):
            return 0
        clear_one(w, mm, row, start, slot, "unmap")
        return 1
    vpns, slots = w.pt.span(mm.tables, start, end)
    if keep_guards and len(slots):
        other = (w.pt.flat[slots] & radix.MARKER) == 0
        vpns, slots = vpns[other], slots[other]
    clear(w, mm, row, vpns, slots, "unmap")
    return len(slots)


def zap_nonlinear(w: World, mm: Mm, row: int, start: int, end: int, first: int, last: int) -> None:
    """zap_pte_range of [start, end) in a nonlinear vma: every pte is looked at for file pages [first, last).

    Where the address does not tell which page it was, the entry keeps its offset; entries without a page stay as they are.
    """
    vpns, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    index = np.where(is_page(entries), w.page.index[np.where(is_page(entries), entries >> ENTRY_SHIFT, 0)], -1)
    gone = is_page(entries) & (first <= index) & (index < last)
    vpns, slots, index = vpns[gone], slots[gone], index[gone]
    clear(w, mm, row, vpns, slots, "unmap")
    linear = w.vma.pgoff.item(row) + vpns - w.vma.start.item(row)
    w.pt.flat[slots] = np.where(index != linear, index << ENTRY_SHIFT | radix.OFFSET, 0)


def evict(w: World, file: File) -> None:
    """shmem_evict_inode: the last mapping of shared anonymous memory went, its pages and swap slots go with it."""
    for row in file.cache.rows.values():
        entries = w.cache.entries[row]
        cached_pages = entries[(entries & radix.PRESENT) != 0] >> ENTRY_SHIFT
        if len(cached_pages):
            w.batches.drain()
        w.page.free_many(cached_pages)
        w.swap.free_many(entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT)
    w.cache.drop_all(file.cache)
