"""Page faults: first touch, zero page, fault-around, copy-on-write, swap-in. Kernel: handle_mm_fault, mm/memory.c 6.18.

A touched run is served vma by vma; entries of the same kind are served together, which gives what the
kernel gives page by page because no page of a run depends on another of it (fault-around apart, which is in order).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.cow import new_pages, prepare, store, write_protected
from rmapexplorer.core.objects import File, Mm
from rmapexplorer.core.operations import Touch
from rmapexplorer.core.pages import (
    cached,
    clear,
    free_swap_cache,
    is_page,
    map_pages,
    new_anonymous,
    new_file_page,
    release,
)
from rmapexplorer.core.pte_fault import handle_pte_fault
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import BATCH, MOST_PAGES, PAGE_BYTES, make_room, table_room
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.table import ANON, CHARGED, EXCLUSIVE, MLOCKED, READ_BACK, REFAULTED, Ints, ids
from rmapexplorer.core.units import TABLE_ENTRIES, KernelError
from rmapexplorer.core.vmas import Bounds, resize

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def touch(w: World, op: Touch) -> None:
    """Accesses in order; stops at the first that faults fatally, with what was done before it counted."""
    mm = w.mm_of(op.pid)
    w.stores = True
    try:
        for start, end, access in op.runs:
            _run(w, mm, start, end, access == "w")
    finally:
        w.stores = False


def _run(w: World, mm: Mm, start: int, end: int, write: bool) -> None:
    at = start
    while at < end:
        row = w.vma_at(mm, at)
        if row < 0:
            row = _grow_stack(w, mm, at)
        flags = w.vma.flags.item(row)
        if not flags & (vm.WRITE if write else vm.ACCESS):
            raise _signal(
                "SIGSEGV", f"page {at:x} is mapped {vm.perms(flags)}: no {'write' if write else 'read'} access"
            )
        stop = min(end, w.vma.end.item(row))
        reach, signal = fault_in(w, mm, row, at, stop, write, counted=True)
        if signal:
            why = "is a guard page" if signal == "SIGSEGV" else "lies beyond the end of its file"
            raise _signal(signal, f"page {reach:x} {why}")
        at = stop


def fault_in(w: World, mm: Mm, row: int, start: int, stop: int, write: bool, counted: bool = False) -> tuple[int, str]:
    """Fault in pages of one vma that may be accessed; returns where that ended, and SIGSEGV (guard page) or SIGBUS if early."""
    if stop - start == 1 and handle_pte_fault(w, mm, row, start, write):
        w.done += counted
        return stop, ""
    limit = _first_beyond(w, mm, row, start, stop)
    guard = _first_guard(w, mm, start, stop)
    reach = max(start, min(stop, limit, guard))
    for low, high in _pieces(w, start, reach):
        _room_for(w, mm, low, high, write)
        (write_span if write else read_span)(w, mm, row, low, high)
        w.done += (high - low) * counted
    if reach == stop:
        return stop, ""
    if guard == reach:
        return reach, "SIGSEGV"
    if not write:
        fault_around(w, mm, row, reach)  # do_read_fault maps what is there before it asks for this page
    elif not w.vma.flags.item(row) & vm.SHARED:
        prepare(w, row)  # do_cow_fault prepares before it asks the file
    return reach, "SIGBUS"


def _pieces(w: World, start: int, end: int) -> Iterator[tuple[int, int]]:
    # at once, or where RAM is limited a batch at a time, so that reclaim can run in between
    step = max(end - start, 1) if w.machine.ram_pages is None else BATCH
    for low in range(start, end, step):
        yield low, min(low + step, end)


def _room_for(w: World, mm: Mm, start: int, end: int, write: bool) -> None:
    # frames the accesses need at most: pages that are mapped already (for writing: writably) need none
    table_room(w, mm, start, end)
    if w.machine.ram_pages is None and len(w.page) + end - start <= MOST_PAGES:
        ROOM.ask((end - start) * PAGE_BYTES)
        return
    _, slots = w.pt.span(mm.tables, start, end)
    served = radix.WRITE if write else radix.PRESENT | radix.PROTNONE
    make_room(w, end - start - int(((w.pt.flat[slots] & served) != 0).sum()))


def _signal(name: str, rule: str) -> KernelError:
    return KernelError(name, rule, "runs")


def _first_guard(w: World, mm: Mm, start: int, end: int) -> int:
    vpns, slots = w.pt.span(mm.tables, start, end)
    if len(slots):
        marked = (w.pt.flat[slots] & radix.MARKER) != 0
        if marked.any():
            return int(vpns[np.argmax(marked)])
    return end


def _first_beyond(w: World, mm: Mm, row: int, start: int, end: int) -> int:
    # first page of [start, end) that shows no page of its file because that ends before it
    file = w.vma.file.item(row)
    size = w.files[file].size if file >= 0 else None
    if size is None:
        return end
    if not w.vma.flags.item(row) & vm.NONLINEAR:
        return w.vma.start.item(row) + max(size - w.vma.pgoff.item(row), 0)
    index = w.vma.pgoff.item(row) + np.arange(start, end) - w.vma.start.item(row)
    vpns, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    index[vpns - start] = np.where((entries & radix.OFFSET) != 0, entries >> ENTRY_SHIFT, 0)  # what is mapped is there
    beyond = np.flatnonzero(index >= size)
    return start + int(beyond[0]) if len(beyond) else end


def _grow_stack(w: World, mm: Mm, vpn: int) -> int:
    """expand_stack: the next vma above grows down to ``vpn`` if it is a stack with room and limit for it."""
    row = mm.order.next(vpn + 1) if vpn >= 0 else -1
    if row < 0 or not w.vma.flags.item(row) & vm.GROWSDOWN:
        raise _signal("SIGSEGV", f"nothing is mapped at page {vpn:x}")
    start, end = w.vma.start.item(row), w.vma.end.item(row)
    before = mm.order.last(vpn)
    room = vpn - w.vma.end.item(before) if before >= 0 else vpn
    guarded = before >= 0 and w.vma.flags.item(before) & vm.ACCESS and not w.vma.flags.item(before) & vm.GROWSDOWN
    if (guarded and room < w.rules.stack_guard_pages) or end - vpn > w.rules.stack_limit_pages:
        raise _signal("SIGSEGV", f"the stack may not grow to page {vpn:x}: its guard gap or RLIMIT_STACK forbids it")
    prepare(w, row)
    shared = w.vma.file.item(row) >= 0
    grown = w.vma.pgoff.item(row) - (start - vpn) if shared or w.design.ANON_PGOFF else 0
    if grown < 0 and w.rules.pgoff_never_wraps:
        raise _signal("SIGSEGV", f"the stack may not grow to page {vpn:x}: its vm_pgoff would fall below 0")
    if grown < 0 and shared:  # the kernel grew the vma all the same, by pages that no file has
        raise _signal("SIGBUS", f"page {vpn:x} would lie before the beginning of the shared memory")
    resize(w, mm, (Bounds(row, vpn, end, grown),))
    return row


def _vacant(w: World, mm: Mm, start: int, end: int) -> Ints:
    # page numbers of [start, end) without an entry
    vpns, _ = w.pt.span(mm.tables, start, end)
    if not len(vpns):
        return np.arange(start, end)
    if len(vpns) == end - start:
        return np.empty(0, np.int64)
    free = np.ones(end - start, np.bool_)
    free[vpns - start] = False
    return np.flatnonzero(free) + start


# -- reads --------------------------------------------------------------------------------------------


def read_span(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    """Read every page of [start, end), which lies in vma ``row`` and within its file."""
    _map_offsets(w, mm, row, start, end)
    vpns, slots = w.pt.span(mm.tables, start, end)
    if len(slots):
        entries = w.pt.flat[slots]
        present = (entries & radix.PRESENT) != 0
        w.pt.flat[slots[present]] |= radix.YOUNG
        for vpn, slot in zip(
            vpns[(entries & radix.SWAP) != 0].tolist(), slots[(entries & radix.SWAP) != 0].tolist(), strict=True
        ):
            swap_in(w, mm, row, vpn, slot, write=False)
    vacant = _vacant(w, mm, start, end)
    if not len(vacant):
        return
    if w.vma.file[row] >= 0:
        _read_file(w, mm, row, vacant)
        return
    slots = w.pt.make_slots(mm.tables, vacant)
    w.pt.flat[slots] = radix.PRESENT | radix.ZERO | radix.YOUNG
    w.counters["faults"] += len(vacant)


def _map_offsets(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    """do_file_page: entries of a nonlinear vma that hold a file offset get that page."""
    if not w.vma.flags.item(row) & vm.NONLINEAR:
        return
    vpns, slots = w.pt.span(mm.tables, start, end)
    odd = (w.pt.flat[slots] & radix.OFFSET) != 0
    for vpn, slot in zip(vpns[odd].tolist(), slots[odd].tolist(), strict=True):
        install_page(w, mm, row, vpn, w.pt.flat.item(slot) >> ENTRY_SHIFT)
        w.counters["faults"] += 1


def install_page(w: World, mm: Mm, row: int, vpn: int, index: int) -> None:
    """install_page: page ``index`` of the vma's file at ``vpn``, whatever was there."""
    slot = w.pt.make_slot(mm.tables, vpn)
    clear(w, mm, row, ids(vpn), ids(slot), "unmap")
    page = cache_page(w, w.files[w.vma.file.item(row)], index)
    bits = radix.PRESENT | radix.YOUNG | _shared_write(w, row)
    map_pages(w, mm, row, ids(vpn), ids(slot), ids(page), bits, "file")


def _read_file(w: World, mm: Mm, row: int, vacant: Ints) -> None:
    # each fault maps the cached pages of its window; later ones of the run find theirs mapped
    todo = vacant.tolist()
    reached = -1
    for vpn in todo:
        if vpn < reached and w.pt.get(mm.tables, vpn):
            continue
        reached = fault_around(w, mm, row, vpn)
        if not w.pt.get(mm.tables, vpn):
            _map_file_page(w, mm, row, vpn)
        w.counters["faults"] += 1


def fault_around(w: World, mm: Mm, row: int, vpn: int) -> int:
    """do_fault_around: map what is cached of the aligned window of 16 ptes, clamped to vma, file and page table; returns its end."""
    file = w.files[w.vma.file.item(row)]
    width = w.rules.fault_around
    if width <= 1:
        return vpn
    start, pgoff = w.vma.start.item(row), w.vma.pgoff.item(row)
    column = vpn % TABLE_ENTRIES
    inside = vpn - start
    first = max(column - column % width, column - min(column, inside))
    last = min(first + width, TABLE_ENTRIES, column + w.vma.end.item(row) - vpn)
    low, high = vpn - column + first, vpn - column + last
    if file.size is not None:
        high = min(high, start + file.size - pgoff)
    free = _vacant(w, mm, low, high) if high > low else np.empty(0, np.int64)
    pages = np.array([cached(w, file, pgoff + at - start) for at in free.tolist()], np.int64)
    if len(pages) and (pages >= 0).any():
        free, pages = free[pages >= 0], pages[pages >= 0]
        bits = radix.PRESENT | _shared_write(w, row)
        map_pages(w, mm, row, free, w.pt.make_slots(mm.tables, free), pages, bits, "file")
        slot = w.pt.slot(mm.tables, vpn)
        if slot >= 0 and w.pt.flat[slot]:
            w.pt.flat[slot] |= radix.YOUNG
    return high


def _shared_write(w: World, row: int) -> int:
    both = vm.SHARED | vm.WRITE
    return radix.WRITE if w.vma.flags.item(row) & both == both else 0


def file_page_at(w: World, row: int, vpn: int) -> int:
    """The page-cache page of a vma's file at ``vpn``; shared anonymous memory gets one where it has none, or reads it back."""
    return cache_page(w, w.files[w.vma.file.item(row)], w.vma.pgoff.item(row) + vpn - w.vma.start.item(row))


def cache_page(w: World, file: File, index: int) -> int:
    """The page-cache page ``index`` of a file, read in where it is missing."""
    page = cached(w, file, index)
    if page >= 0:
        return page
    entry = w.cache.get(file.cache, index)
    if not entry & radix.SWAP:
        page = new_file_page(w, file, index)
        w.page.state[page] |= 0 if file.original(index) else CHARGED
        w.batches.add(ids(page))
        return page
    slot = entry >> ENTRY_SHIFT
    token = w.swap.token.item(slot)
    w.swap.free(slot)
    w.counters["swap_ins"] += 1
    page = new_file_page(w, file, index, token)
    w.batches.add(ids(page))
    return page


def _map_file_page(w: World, mm: Mm, row: int, vpn: int) -> None:
    page = file_page_at(w, row, vpn)
    bits = radix.PRESENT | radix.YOUNG | _shared_write(w, row)
    map_pages(w, mm, row, ids(vpn), ids(w.pt.make_slot(mm.tables, vpn)), ids(page), bits, "file")


# -- writes -------------------------------------------------------------------------------------------


def write_span(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    """Write fault on every page of [start, end), which lies in vma ``row`` and within its file; World.stores: and a write."""
    if w.vma.flags.item(row) & vm.SHARED:
        _write_shared(w, mm, row, start, end)
        return
    vpns, slots = w.pt.span(mm.tables, start, end)
    vacant = _vacant(w, mm, start, end) if len(vpns) < end - start else np.empty(0, np.int64)
    if len(slots):
        _write_present(w, mm, row, vpns, slots)
    if len(vacant):
        prepare(w, row)
        _read_in(w, row, vacant)
        new_pages(w, mm, row, vacant, w.pt.make_slots(mm.tables, vacant), _file_tokens(w, row, vacant), "first_write")


def _read_in(w: World, row: int, vpns: Ints) -> None:
    # do_cow_fault reads the page it copies; only a file that may lack some in its cache notices
    file = w.vma.file.item(row)
    if file >= 0 and (w.files[file].shmem or w.files[file].filled is not None or w.files[file].punched):
        for vpn in vpns.tolist():
            file_page_at(w, row, vpn)


def _file_tokens(w: World, row: int, vpns: Ints) -> Ints:
    # what a private copy of these pages of the vma's file holds; 0 for anonymous memory
    tokens = np.zeros(len(vpns), np.int64)
    if w.vma.file[row] < 0 or w.stores:
        return tokens
    file, shift = w.files[w.vma.file.item(row)], w.vma.pgoff.item(row) - w.vma.start.item(row)
    for at, vpn in enumerate(vpns.tolist()):
        entry = w.cache.get(file.cache, vpn + shift)
        tokens[at] = w.page.token[entry >> ENTRY_SHIFT] if entry & radix.PRESENT else file.saved.get(vpn + shift, 0)
    return tokens


def _write_present(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints) -> None:
    entries = w.pt.flat[slots]
    writable = (entries & radix.WRITE) != 0
    store(w, slots[writable], radix.DIRTY | radix.YOUNG)
    if writable.all():
        return
    prepare(w, row)
    for vpn, slot in zip(
        vpns[(entries & radix.SWAP) != 0].tolist(), slots[(entries & radix.SWAP) != 0].tolist(), strict=True
    ):
        swap_in(w, mm, row, vpn, slot, write=True)
    rest = ~writable & is_page(entries)
    if rest.any():
        write_protected(w, mm, row, vpns[rest], slots[rest])
    zero = (entries & radix.ZERO) != 0
    if zero.any():
        w.pt.flat[slots[zero]] = 0
        new_pages(w, mm, row, vpns[zero], slots[zero], np.zeros(int(zero.sum()), np.int64), "first_write")


def _write_shared(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    _map_offsets(w, mm, row, start, end)
    for vpn in _vacant(w, mm, start, end).tolist():
        _map_file_page(w, mm, row, vpn)
        w.counters["faults"] += 1
    _, slots = w.pt.span(mm.tables, start, end)
    store(w, slots, radix.WRITE | radix.DIRTY | radix.YOUNG)


# -- swap ---------------------------------------------------------------------------------------------


def swap_in(w: World, mm: Mm, row: int, vpn: int, slot: int, write: bool) -> None:
    """do_swap_page: read the page back, or take it from the swap cache, and map it; then the write fault, if it was one."""
    entry = w.pt.flat.item(slot)
    number, exclusive = entry >> ENTRY_SHIFT, bool(entry & radix.EXCLUSIVE)
    page = swap_cache_page(w, number)
    w.counters["faults"] += 1
    copied = bool(w.page.mapcount[page]) and bool(w.design.must_copy(ids(entry), row, ids(vpn), "swap_in")[0])
    w.swap.count[number] -= 1
    if copied:
        _swap_in_copy(w, mm, row, vpn, slot, page, number, write)
        return
    if write and not w.batches.on_list(page):
        w.batches.drain()  # a reader does not: the batch's reference keeps a page just read in from being its own
    locked = w.vma.flags.item(row) & vm.LOCKED or w.page.state.item(page) & MLOCKED
    if locked or (write and w.batches.references(page) == 1):
        free_swap_cache(w, page)
    exclusive = w.rules.anon_exclusive and (exclusive or not w.batches.references(page))
    bits = radix.PRESENT | radix.YOUNG | (entry & radix.FREED)
    if exclusive:
        w.page.state[page] |= EXCLUSIVE
        if w.vma.flags.item(row) & vm.WRITE:
            bits |= radix.WRITE
    w.pt.flat[slot] = 0
    map_pages(w, mm, row, ids(vpn), ids(slot), ids(page), bits, "swap_in")
    if write and bits & radix.WRITE:
        store(w, ids(slot), radix.DIRTY)
    elif write:
        write_protected(w, mm, row, ids(vpn), ids(slot))


def swap_cache_page(w: World, number: int) -> int:
    """read_swap_cache_async: the page of a swap slot, read back into the swap cache if it is not there."""
    page = w.swap.page.item(number)
    if page >= 0:
        return page
    page = int(new_anonymous(w, 1, w.swap.token.item(number))[0])
    w.page.state[page] = ANON | READ_BACK | (REFAULTED if w.swap.advised[number] else 0)
    w.page.swap[page] = number
    w.swap.page[number] = page
    w.counters["swap_ins"] += 1
    return page


def _swap_in_copy(w: World, mm: Mm, row: int, vpn: int, slot: int, page: int, number: int, write: bool) -> None:
    # the design cannot find the cached page at this address: the faulting process gets a page of its own
    freed = w.pt.flat.item(slot) & radix.FREED
    w.pt.flat[slot] = 0
    locked = bool(w.vma.flags.item(row) & vm.LOCKED)
    copy = new_anonymous(w, 1, w.page.token.item(page), locked)
    bits = radix.PRESENT | radix.YOUNG | (radix.WRITE if w.vma.flags.item(row) & vm.WRITE else 0) | freed
    map_pages(w, mm, row, ids(vpn), ids(slot), copy, bits, "cow")
    if write:
        store(w, ids(slot), 0)
    w.counters["copied_by_design"] += 1
    if w.swap.count[number] == 0:
        release(w, ids(page))
