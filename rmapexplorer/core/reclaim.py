"""Reclaim: which pages go, through the design's walks. Kernel: shrink_folio_list, page_referenced, try_to_unmap.

Two lists, active and inactive, in batches of 32. An inactive page that any pte has used since it was last
looked at is activated; the others are unmapped, anonymous ones to swap, file pages dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from attrs import evolve

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.long_walks import priced_walks
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import Reclaim
from rmapexplorer.core.pages import ONE, clear
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.table import ACTIVE, ANON, CHARGED, DIRTY, EXCLUSIVE, LAZYFREE, MLOCKED, SHMEM, Bools, Ints
from rmapexplorer.core.units import TABLE_SHIFT, KernelError
from rmapexplorer.core.walk import Priced, Walk

if TYPE_CHECKING:
    from rmapexplorer.core.world import World

BATCH = 32
"""SWAP_CLUSTER_MAX."""

MOST_PAGES = 1 << 23
"""Pages a world holds at most where the machine has no limit of its own (32 GiB of simulated memory, some 1.2 GB of ours)."""

MOST_TABLES = 1 << 16
"""Page tables of 512 entries that a world holds at most (256 MiB): guards and zero pages need no frame, but an entry."""

PAGE_BYTES, ENTRY_BYTES, VMA_BYTES = 160, 80, 250
"""Of our memory, for each page (entry, vma) while an operation makes it, results of its vector statements included."""

MOST_SWAP = 1 << 20
"""Swap slots in use at most where the machine has no limit of its own."""


CHUNK = 4096
"""Pages looked at together: many batches whose pages do not depend on each other."""


def reclaim(w: World, op: Reclaim) -> None:
    """Reclaim ``pages`` pages by the lists; with None all that can go of anonymous and shared memory and of CHARGED file pages."""
    w.batches.drain()
    if op.pages is None:
        pages = w.page.live()
        state = w.page.state[pages]
        lazy = pages[(state & LAZYFREE) != 0]
        wanted = (state & (ANON | SHMEM)) != 0
        mapcount = w.page.mapcount[pages]
        # what is used from more places than all that must go is still active when all of that has gone
        files = ((state & CHARGED) != 0) & (mapcount <= max(1, int(mapcount[wanted].max(initial=0))))
        w.done += w.design.pageout(pages[wanted | files])
        # those of MADV_FREE that somebody had written again are backed by swap once more, and go in a second round
        w.done += w.design.pageout(lazy[w.page.alive[lazy] & (w.page.mapcount[lazy] > 0)])
        return
    if op.pages < 0:
        raise KernelError("EINVAL", "a number of pages is 0 or more", "pages")
    w.done += w.design.reclaim(op.pages)


def make_room(w: World, pages: int) -> None:
    """Before ``pages`` pages are allocated: reclaim what RAM lacks (__alloc_pages). :raises KernelError: ENOMEM."""
    ram = w.machine.ram_pages
    if ram is not None and len(w.page) + pages > ram:
        w.design.reclaim(max(len(w.page) + pages - ram, BATCH))
    limit = MOST_PAGES if ram is None else ram
    if len(w.page) + pages > limit:
        why = "neither RAM nor swap is left" if ram is not None else "the simulation holds no more"
        raise KernelError("ENOMEM", f"{why}: {limit:,} pages, {len(w.page):,} in use, {pages:,} wanted")
    ROOM.ask(pages * PAGE_BYTES)


def table_room(w: World, mm: Mm, start: int, end: int) -> None:
    """Before entries of [start, end) are made: the tables that are missing (pte_alloc). :raises KernelError: ENOMEM."""
    wanted = ((end - 1) >> TABLE_SHIFT) - (start >> TABLE_SHIFT) + 1
    if len(w.pt) + wanted > MOST_TABLES:
        room_for_tables(w, wanted - len(mm.tables.numbers(start, end)))
    ROOM.ask((end - start) * ENTRY_BYTES)


def room_for_tables(w: World, wanted: int) -> None:
    """Before this many page tables are made. :raises KernelError: ENOMEM."""
    if len(w.pt) + wanted > MOST_TABLES:
        raise KernelError(
            "ENOMEM",
            f"the simulation holds no more page tables: {MOST_TABLES:,}, {len(w.pt):,} in use, {wanted:,} wanted",
        )


def shrink(w: World, pages: int) -> int:
    """shrink_zone: the tail of the inactive list, refilled from the active one; returns the pages freed.

    Ends when two rounds over both lists freed nothing. What cannot be unmapped is passed over.
    """
    freed, barren = 0, 0
    while freed < pages and barren < 2:
        got, looked = 0, False
        for chunk in _chunks(w, _on_list(w, False), pages - freed):
            looked = True
            got += _shrink_list(w, chunk)
            if freed + got >= pages:
                break
        freed += got
        barren = 0 if got else barren + 1
        if freed < pages:
            active = _on_list(w, True)
            if not looked and not len(active):
                break
            _refill_inactive(w, active)
    return freed


def _chunks(w: World, listed: Ints, wanted: int) -> Iterator[Ints]:
    # as many whole batches as are wanted at a time; pages freed meanwhile are left out
    births = w.page.birth[listed]
    step = min(max(-(-wanted // BATCH) * BATCH, BATCH), CHUNK)
    for at in range(0, len(listed), step):
        chunk = listed[at : at + step]
        yield chunk[w.page.alive[chunk] & (w.page.birth[chunk] == births[at : at + step])]


def _on_list(w: World, active: bool) -> Ints:
    pages = w.page.live()
    state = w.page.state[pages]
    wanted = ((state & ACTIVE) != 0) == active
    wanted &= (w.page.mapcount[pages] > 0) | ((state & ANON) == 0)
    pages = pages[wanted]
    ordered: Ints = pages[np.argsort(w.page.lru[pages], kind="stable")]
    return ordered


def _shrink_list(w: World, pages: Ints) -> int:
    # shrink_inactive_list: used pages are activated, the others unmapped and freed
    used = _referenced(w, pages)
    w.page.state[pages[used]] |= ACTIVE
    _to_front(w, pages[used])
    return pageout(w, pages[~used])


def _refill_inactive(w: World, pages: Ints) -> None:
    # refill_inactive_zone: active pages are asked once, then deactivated
    if len(pages):
        _referenced(w, pages)
        w.page.state[pages] &= ~ACTIVE
        _to_front(w, pages)


def _to_front(w: World, pages: Ints) -> None:
    w.page.lru[pages] = np.arange(w.lru_clock, w.lru_clock + len(pages))
    w.lru_clock += len(pages)


def _account(w: World, priced: Priced, find_vma: bool) -> None:
    c = w.counters
    c["walks"] += len(priced.walk.pages)
    c["list_nodes"] += int(priced.nodes.sum())
    c["range_rejects"] += int(priced.rejects.sum())
    c["pte_probes"] += int(priced.probes.sum())
    c["hits"] += int(priced.hits.sum())
    c["false_probes"] += int(priced.probes.sum() - priced.hits.sum())
    if find_vma:
        c["find_vma"] += priced.find_vma


def _referenced(w: World, pages: Ints) -> Bools:
    """page_referenced: walk each page, test and clear the young bit of every pte found."""
    used = np.zeros(w.page.capacity, np.bool_)
    mapped = pages[w.page.mapcount[pages] > 0]

    def look(walk: Walk) -> Walk:
        walk = w.design.walk_for(walk, "referenced")
        return walk if w.design.REFERENCED_STOPS else evolve(walk, early_stop=False)

    for priced in priced_walks(w, mapped, look):
        walk = priced.walk
        _account(w, priced, find_vma=False)
        slots = priced.slots[priced.hit]
        owners = walk.pages[priced.hit_page[priced.hit]]
        young = (w.pt.flat[slots] & radix.YOUNG) != 0
        used[owners[young]] = True
        w.pt.flat[slots] &= ~np.int64(radix.YOUNG)
        w.design.walked(walk.pages, priced.hits, "referenced")
    return used[pages]


def pageout(w: World, pages: Ints) -> int:
    """shrink_folio_list without asking for references: unmap through the design's walk; returns the pages freed.

    Pages that a VM_LOCKED vma maps stay (SWAP_FAIL).
    """
    pages = np.sort(pages[(w.page.state[pages] & MLOCKED) == 0])
    freed = 0
    mapped = pages[w.page.mapcount[pages] > 0]
    for priced in priced_walks(w, mapped, lambda walk: w.design.walk_for(walk, "unmap")):
        freed += _unmap(w, priced)
    if len(mapped):
        w.design.unmap_rest(mapped[w.page.alive[mapped] & (w.page.mapcount[mapped] > 0)])
    bare = pages[w.page.alive[pages]]
    bare = bare[(w.page.mapcount[bare] == 0)]
    for page in bare.tolist():
        freed += drop_unmapped(w, page)
    return freed


def _unmap(w: World, priced: Priced) -> int:
    walk = priced.walk
    _account(w, priced, find_vma=True)
    at = np.flatnonzero(priced.hit)
    page_of = priced.hit_page[at]
    vmas = walk.vma[at]
    missing = np.flatnonzero(vmas < 0)
    for i in missing.tolist():
        vmas[i] = w.vma_at(w.mms[int(walk.mm[at[i]])], int(walk.vpn[at[i]]))
    locked = np.zeros(len(walk.pages), np.bool_)
    locked[page_of[(w.vma.flags[vmas] & vm.LOCKED) != 0]] = True
    if not walk.partial:
        w.counters["missed_ptes"] += int(priced.missed[~locked].sum())
        w.counters["pages_unswappable"] += int((priced.missed[~locked] > 0).sum())
    lazily, backed = _discard_lazy(w, priced, locked)
    locked |= (w.page.state[walk.pages] & LAZYFREE) != 0
    locked |= ~w.page.alive[walk.pages]
    locked |= _without_swap(w, walk.pages, locked)
    keep = ~locked[page_of]
    at, page_of, vmas = at[keep], page_of[keep], vmas[keep]
    anonymous = bool(len(walk.pages)) and bool(w.page.state[walk.pages[0]] & ANON)
    unmap_ptes(w, walk.pages, priced.slots[at], page_of, vmas, walk.mm[at], walk.vpn[at], anonymous)
    w.design.walked(walk.pages[~locked], priced.hits[~locked], "unmap")
    gone = walk.pages[~locked]
    gone = gone[w.page.mapcount[gone] == 0]
    w.page.state[np.array(backed, np.int64)] &= ~LAZYFREE
    return lazily + (_finish(w, gone) if anonymous else 0)


def _discard_lazy(w: World, priced: Priced, locked: Bools) -> tuple[int, list[int]]:
    """try_to_unmap_one of pages that MADV_FREE marked: clean ptes are dropped; a dirty one makes the page swap-backed again.

    Returns the number of pages freed, and the pages made swap-backed, which keep LAZYFREE until they were passed over.
    """
    walk, freed = priced.walk, 0
    backed: list[int] = []
    lazy = ((w.page.state[walk.pages] & (ANON | LAZYFREE)) == ANON | LAZYFREE) & ~locked
    order = np.argsort(priced.hit_page, kind="stable")  # candidates by the page they hit
    first = np.searchsorted(priced.hit_page[order], np.arange(len(walk.pages) + 1))
    for at in np.flatnonzero(lazy).tolist():
        page = int(walk.pages[at])
        for hit in order[first[at] : first[at + 1]].tolist():
            slot, vpn = priced.slots[hit : hit + 1], walk.vpn[hit : hit + 1]
            if int(w.pt.flat[slot[0]]) & radix.DIRTY or int(w.page.state[page]) & DIRTY:
                backed.append(page)
                break
            mm = w.mms[int(walk.mm[hit])]
            clear(w, mm, w.vma_at(mm, int(vpn[0])), vpn, slot, "reclaim")
        freed += not w.page.alive[page]
    return freed, backed


def _without_swap(w: World, pages: Ints, locked: Bools) -> Bools:
    # anonymous pages for which no swap slot is left (add_to_swap fails): they stay mapped
    if not len(pages) or not w.page.state[pages[0]] & ANON:
        return np.zeros(len(pages), np.bool_)
    wants = ~locked & (w.page.swap[pages] < 0)
    left = _swap_limit(w) - len(w.swap)
    return wants & (np.cumsum(wants) > left)


def _swap_limit(w: World) -> int:
    return MOST_SWAP if w.swap_pages is None else w.swap_pages


def unmap_ptes(
    w: World, pages: Ints, slots: Ints, page_of: Ints, vmas: Ints, mms: Ints, vpns: Ints, anonymous: bool
) -> None:
    """Of ``pages[page_of]`` these ptes go: swap entries take the place of anonymous pages', none or an offset of files'."""
    if not len(slots):
        return
    hit_pages = pages[page_of]
    if anonymous:
        for page in np.unique(hit_pages[w.page.swap[hit_pages] < 0]).tolist():
            slot = w.swap.new(page=page, token=int(w.page.token[page]))
            w.page.swap[page] = slot
        numbers = w.page.swap[hit_pages]
        w.swap.token[numbers] = w.page.token[hit_pages]
        exclusive = np.where((w.page.state[hit_pages] & EXCLUSIVE) != 0, radix.EXCLUSIVE, 0)
        freed = w.pt.flat[slots] & radix.FREED
        w.pt.flat[slots] = (numbers << ENTRY_SHIFT) | radix.SWAP | exclusive | freed
        np.add.at(w.swap.count, numbers, ONE)
    else:
        w.pt.flat[slots] = _file_offsets(w, hit_pages, vmas, vpns)
    np.subtract.at(w.page.mapcount, hit_pages, ONE)
    owners, counts = np.unique(mms, return_counts=True)
    for mm, count in zip(owners.tolist(), counts.tolist(), strict=True):
        w.mms[mm].rss -= count
    w.design.ptes_cleared(hit_pages, vmas, vpns, slots, "reclaim")


def _file_offsets(w: World, pages: Ints, vmas: Ints, vpns: Ints) -> Ints:
    # what takes the place of a file page's pte: none, or in a nonlinear vma the offset that its address does not tell
    linear = w.vma.pgoff[vmas] + vpns - w.vma.start[vmas] == w.page.index[pages]
    odd = ((w.vma.flags[vmas] & vm.NONLINEAR) != 0) & ~linear
    return np.where(odd, (w.page.index[pages] << ENTRY_SHIFT) | radix.OFFSET, 0)


def _finish(w: World, gone: Ints) -> int:
    # written to swap at once: nothing stays in the swap cache
    if len(gone):
        w.swap.page[w.page.swap[gone]] = -1
        w.swap.advised[w.page.swap[gone]] = w.advised
        w.counters["swap_outs"] += len(gone)
        w.design.page_gone(gone)
        w.page.free_many(gone)
    return len(gone)


def drop_unmapped(w: World, page: int) -> int:
    """A page nothing maps: out of the page cache (shared memory to swap), or out of the swap cache."""
    state = int(w.page.state[page])
    if state & ANON:
        slot = int(w.page.swap[page])
        w.swap.page[slot] = -1
        if not w.swap.count[slot]:
            w.swap.free(slot)
        w.design.page_gone(np.array([page], np.int64))
        w.page.free(page)
        return 1
    file = w.files[int(w.page.mapping[page])]
    slot = w.cache.slot(file.cache, int(w.page.index[page]))
    if state & SHMEM:
        if len(w.swap) >= _swap_limit(w):
            return 0
        number = w.swap.new(token=int(w.page.token[page]))
        w.cache.flat[slot] = number << ENTRY_SHIFT | radix.SWAP
        w.counters["swap_outs"] += 1
    else:
        index, token = int(w.page.index[page]), int(w.page.token[page])
        if token:
            file.saved[index] = token
        file.holes.add(index)
        w.cache.flat[slot] = 0
    w.page.free(page)
    return 1
