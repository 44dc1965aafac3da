"""The fault of one page, the short way: what most accesses of a program are. Kernel: handle_pte_fault, mm/memory.c 6.18.

Does what ``read_span`` and ``write_span`` of faults.py do for a span of this one page. What is rare is left to them:
pages on swap, guards, nonlinear vmas, page tables or frames that may run out, reads of files that map what lies around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.cow import do_wp_page, new_page, prepare, store_one
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.reclaim import MOST_PAGES, MOST_TABLES
from rmapexplorer.core.table import each

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def handle_pte_fault(w: World, mm: Mm, row: int, vpn: int, write: bool) -> bool:
    """An access to page ``vpn`` of vma ``row``, which allows it. False: nothing was done, the page needs the long way."""
    flags, file = w.vma.flags.item(row), w.vma.file.item(row)
    if _scarce(w) or flags & vm.NONLINEAR or (file >= 0 and _beyond(w, row, file, vpn)):
        return False
    slot = w.pt.slot(mm.tables, vpn)
    entry = w.pt.at(slot) if slot >= 0 else 0
    if not entry:
        return _do_pte_missing(w, mm, row, vpn, flags, file, write)
    if entry & (radix.SWAP | radix.MARKER | radix.OFFSET):
        return False
    if not write:
        if entry & radix.PRESENT:
            w.pt.put(slot, entry | radix.YOUNG)
    elif flags & vm.SHARED:
        store_one(w, slot, radix.WRITE | radix.DIRTY | radix.YOUNG)
    elif entry & radix.WRITE:
        store_one(w, slot, radix.DIRTY | radix.YOUNG)
    else:
        prepare(w, row)
        if entry & radix.ZERO:
            w.pt.put(slot, 0)
            new_page(w, mm, row, each(row, vpn, slot), 0, "first_write")
        else:
            do_wp_page(w, mm, row, vpn, slot)
    return True


def _beyond(w: World, row: int, file: int, vpn: int) -> bool:
    # the file ends before the page
    size = w.files[file].size
    return size is not None and vpn - w.vma.start.item(row) + w.vma.pgoff.item(row) >= size


def _scarce(w: World) -> bool:
    # a frame or a page table more may be one too many
    return w.machine.ram_pages is not None or w.page.live_count >= MOST_PAGES or w.pt.live_count >= MOST_TABLES


def _do_pte_missing(w: World, mm: Mm, row: int, vpn: int, flags: int, file: int, write: bool) -> bool:
    # do_anonymous_page; do_cow_fault of a file whose pages are all in its cache
    if file >= 0:
        f = w.files[file]
        if not write or not w.stores or flags & vm.SHARED or f.shmem or f.filled is not None or f.punched:
            return False
    if not write:
        w.pt.put(w.pt.make_slot(mm.tables, vpn), radix.PRESENT | radix.ZERO | radix.YOUNG)
        w.counters["faults"] += 1
        return True
    prepare(w, row)
    new_page(w, mm, row, each(row, vpn, w.pt.make_slot(mm.tables, vpn)), 0, "first_write")
    return True
