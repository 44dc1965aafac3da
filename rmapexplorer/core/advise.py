"""madvise, ftruncate and hole punching. Kernel: mm/madvise.c, mm/truncate.c of 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.cow import prepare
from rmapexplorer.core.faults import fault_in, swap_cache_page
from rmapexplorer.core.merge import modify
from rmapexplorer.core.objects import File, Mm
from rmapexplorer.core.operations import ADVICES, Ftruncate, Madvise, Punch
from rmapexplorer.core.pages import WHOLE_FILE, clear, free_swap_cache, is_page, zap, zap_nonlinear
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import table_room
from rmapexplorer.core.rules import too_new
from rmapexplorer.core.table import ANON, DIRTY
from rmapexplorer.core.units import KernelError
from rmapexplorer.core.unmap import check_length
from rmapexplorer.core.vmas import is_private_anonymous

if TYPE_CHECKING:
    from rmapexplorer.core.world import World

_SET = {
    "normal": (0, vm.SEQ_READ | vm.RAND_READ), "sequential": (vm.SEQ_READ, vm.RAND_READ),
    "random": (vm.RAND_READ, vm.SEQ_READ), "dontfork": (vm.DONTCOPY, 0), "dofork": (0, vm.DONTCOPY),
    "wipeonfork": (vm.WIPEONFORK, 0), "keeponfork": (0, vm.WIPEONFORK), "dontdump": (vm.DONTDUMP, 0),
    "dodump": (0, vm.DONTDUMP), "mergeable": (vm.MERGEABLE, 0), "unmergeable": (0, vm.MERGEABLE),
    "hugepage": (vm.HUGEPAGE, vm.NOHUGEPAGE), "nohugepage": (vm.NOHUGEPAGE, vm.HUGEPAGE),
}  # fmt: skip
"""Advice -> (flags set, flags cleared)."""

MOST_ASKED = 1 << 12
"""Pages of a file looked at to see whether one is cached."""

_DISCARDS = ("free", "dontneed", "dontneed_locked", "remove", "dontfork", "wipeonfork", "guard_install")
"""Advices that throw memory away, now or in a child: a sealed anonymous vma bears them only where it could be written."""

_LOCKED_REFUSES = ("dontneed", "free", "cold", "pageout", "guard_install")


def madvise(w: World, op: Madvise) -> None:
    """madvise: goes over the span, remembers holes (ENOMEM at the end) and stops at the first other error."""
    mm = w.mm_of(op.pid)
    if op.advice not in ADVICES:
        raise KernelError("EINVAL", f"{op.advice!r} is no advice; known: {', '.join(ADVICES)}", "advice")
    if op.advice in w.rules.missing_advices:
        raise too_new("EINVAL", f"MADV_{op.advice.upper()}", w.rules.missing_advices[op.advice], w.rules, "advice")
    if op.span.start == op.span.end:
        return
    check_length(op.span)
    try:
        _advise(w, mm, op)
    finally:
        if op.advice.startswith("populate"):  # faultin_page_range drains, whatever came of it
            w.batches.drain()


def _advise(w: World, mm: Mm, op: Madvise) -> None:
    at, hole = op.span.start, False
    while at < op.span.end:
        row = w.vma_at(mm, at)
        if row < 0:
            row = mm.order.next(at + 1)
            at = w.vma.start.item(row) if row >= 0 else op.span.end
            hole = True
            if op.advice.startswith("populate"):
                break
            continue
        stop = min(op.span.end, w.vma.end.item(row))
        _advise_part(w, mm, row, at, stop, op.advice)
        at = stop
    if hole:
        raise KernelError("ENOMEM", "part of the span is not mapped", "span")


def _advise_part(w: World, mm: Mm, row: int, start: int, end: int, advice: str) -> None:
    flags = w.vma.flags.item(row)
    if flags & vm.SEALED and advice in _DISCARDS and w.vma.file[row] < 0 and not flags & vm.WRITE:
        raise KernelError(
            "EPERM", f"the vma at page {w.vma.start.item(row):x} is sealed and may not be written", "advice"
        )
    if advice in _SET:
        _set_flags(w, mm, row, start, end, advice)
        return
    if advice in _LOCKED_REFUSES and flags & vm.LOCKED and not advice.startswith("dontneed_"):
        raise KernelError("EINVAL", f"MADV_{advice.upper()} does not work on locked memory", "advice")
    if flags & vm.SPECIAL and advice != "willneed":
        raise KernelError("EINVAL", f"MADV_{advice.upper()} does not work on special mappings", "advice")
    _PARTS[advice](w, mm, row, start, end)


def _set_flags(w: World, mm: Mm, row: int, start: int, end: int, advice: str) -> None:
    plus, minus = _SET[advice]
    old = w.vma.flags.item(row)
    if advice == "wipeonfork" and not is_private_anonymous(w, row):
        raise KernelError("EINVAL", "MADV_WIPEONFORK works on private anonymous memory only", "advice")
    if advice in ("dofork", "keeponfork", "dodump") and old & vm.SPECIAL:
        raise KernelError("EINVAL", f"MADV_{advice.upper()} does not work on special mappings", "advice")
    if advice == "mergeable" and old & (vm.SHARED | vm.SPECIAL):
        return  # not for KSM, and no error
    new = old & ~minus | plus
    if new != old:
        try:
            row = modify(w, mm, row, start, end, new)
        except KernelError as full:  # madvise says EAGAIN where it means memory of the kernel's own
            raise KernelError("EAGAIN", full.rule) from None
        w.vma.flags[row] = new


def _dontneed(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    if w.vma.flags.item(row) & vm.NONLINEAR:
        zap_nonlinear(w, mm, row, start, end, 0, WHOLE_FILE)
        return
    zap(w, mm, row, start, end, keep_guards=True)


def _free(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    # lazily freed pages stay until reclaim wants them; swap entries go at once
    if not is_private_anonymous(w, row):
        raise KernelError("EINVAL", "MADV_FREE works on private anonymous memory only", "advice")
    w.batches.drain()
    vpns, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    swapped = (entries & radix.SWAP) != 0
    clear(w, mm, row, vpns[swapped], slots[swapped], "unmap")
    mapped = is_page(entries)
    mapped[mapped] = (w.page.state[entries[mapped] >> ENTRY_SHIFT] & ANON) != 0
    w.pt.flat[slots[mapped]] |= radix.FREED
    for slot in slots[mapped].tolist():
        page = w.pt.flat.item(slot) >> ENTRY_SHIFT
        if w.page.swap[page] >= 0 or w.page.state[page] & DIRTY:
            if w.page.mapcount[page] != 1 or not free_swap_cache(w, page):
                continue
            w.page.state[page] &= ~DIRTY
        w.pt.flat[slot] &= ~(radix.DIRTY | radix.YOUNG)
        w.batches.free_lazily(page)


def _cold(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    w.batches.drain()
    _, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    w.pt.flat[slots] = entries & ~np.int64(radix.YOUNG)
    pages = entries[is_page(entries)] >> ENTRY_SHIFT
    w.batches.cool(pages[w.page.mapcount[pages] == 1])


def _pageout(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    w.batches.drain()
    _, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    pages = entries[is_page(entries)] >> ENTRY_SHIFT
    pages = pages[w.page.mapcount[pages] == 1]
    births = w.page.birth[pages]
    w.advised = True
    w.done += w.design.pageout(pages)
    w.advised = False
    w.batches.add(pages[w.page.alive[pages] & (w.page.birth[pages] == births)])  # put back


def _willneed(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    """What is in swap is read back into the swap cache, not mapped; everything of a file is cached already."""
    file = w.vma.file.item(row)
    if file < 0:
        _, slots = w.pt.span(mm.tables, start, end)
        entries = w.pt.flat[slots]
        for number in (entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT).tolist():
            swap_cache_page(w, number)
    w.batches.drain()


def _populate_read(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    _populate(w, mm, row, start, end, False)


def _populate_write(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    _populate(w, mm, row, start, end, True)


def _populate(w: World, mm: Mm, row: int, start: int, end: int, write: bool) -> None:
    if not w.vma.flags.item(row) & (vm.WRITE if write else vm.ACCESS):
        raise KernelError("EINVAL", f"page {start:x} may not be {'written' if write else 'read'}", "span")
    reach, signal = fault_in(w, mm, row, start, end, write)
    if signal:
        why = "is a guard page" if signal == "SIGSEGV" else "lies beyond the end of its file"
        raise KernelError("EFAULT", f"page {reach:x} {why}", "span")


def _remove(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    file, flags = w.vma.file.item(row), w.vma.flags.item(row)
    if flags & (vm.LOCKED | vm.NONLINEAR) or file < 0:
        raise KernelError("EINVAL", "MADV_REMOVE works on unlocked, linear file mappings only", "advice")
    if not flags & vm.SHARED:
        raise KernelError("EACCES", "MADV_REMOVE needs a shared mapping", "advice")
    first = w.vma.pgoff.item(row) + start - w.vma.start.item(row)
    _drop_cache(w, w.files[file], first, first + end - start, private_too=False)


def _guard_install(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    table_room(w, mm, start, end)
    if w.vma.file[row] < 0:
        prepare(w, row)
    zap(w, mm, row, start, end)
    w.vma.guarded[row] = True
    slots = w.pt.make_slots(mm.tables, np.arange(start, end))
    w.pt.flat[slots] = radix.MARKER


def _guard_remove(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    _, slots = w.pt.span(mm.tables, start, end)
    w.pt.flat[slots[(w.pt.flat[slots] & radix.MARKER) != 0]] = 0


_PARTS = {
    "dontneed": _dontneed, "dontneed_locked": _dontneed, "free": _free, "cold": _cold, "pageout": _pageout,
    "willneed": _willneed, "populate_read": _populate_read, "populate_write": _populate_write, "remove": _remove,
    "guard_install": _guard_install, "guard_remove": _guard_remove,
}  # fmt: skip


def ftruncate(w: World, op: Ftruncate) -> None:
    """ftruncate: the new size; what lies beyond leaves cache and page tables, private copies too."""
    w.task(op.pid)
    if op.file not in w.file_ids:
        raise KernelError("EBADF", f"there is no file {op.file}", "file")
    if op.pages < 0:
        raise KernelError("EINVAL", "a file cannot have a negative size", "pages")
    file = w.files[w.file_ids[op.file]]
    if file.size is None or file.size > op.pages:
        _drop_cache(w, file, op.pages, WHOLE_FILE, private_too=True)
    file.size = op.pages


def punch(w: World, op: Punch) -> None:
    """fallocate(FALLOC_FL_PUNCH_HOLE): cache pages and their ptes go, private copies stay."""
    w.task(op.pid)
    if op.file not in w.file_ids:
        raise KernelError("EBADF", f"there is no file {op.file}", "file")
    if op.offset < 0 or op.pages <= 0:
        raise KernelError("EINVAL", "a hole needs an offset of 0 or more and a length of 1 or more", "offset")
    _drop_cache(w, w.files[w.file_ids[op.file]], op.offset, op.offset + op.pages, private_too=False)


def _forget(saved: dict[int, int], first: int, last: int) -> None:
    # what is saved of pages [first, last) goes
    inside = range(first, last) if last - first < len(saved) else [index for index in saved if first <= index < last]
    for index in inside:
        saved.pop(index, None)


def _any_cached(file: File, first: int, last: int) -> bool:
    # of the pages that nobody has looked at yet
    end = last if file.size is None else min(last, file.size)
    return any(file.in_cache_at_first(index) for index in range(first, min(end, first + MOST_ASKED)))


def _unmap_range(w: World, file: File, first: int, last: int, private_too: bool) -> None:
    """unmap_mapping_range: the ptes of file pages [first, last) go, in every vma of the file."""
    rows = w.imap.order(file.id)
    pgoffs = w.vma.pgoff[rows]
    rows = rows[(pgoffs < last) & (pgoffs + w.vma.end[rows] - w.vma.start[rows] > first)]
    for row in rows.tolist():
        pgoff, start = w.vma.pgoff.item(row), w.vma.start.item(row)
        low, high = max(first - pgoff, 0) + start, min(last - pgoff + start, w.vma.end.item(row))
        if high <= low:
            continue
        mm = w.mms[w.vma.mm.item(row)]
        vpns, slots = w.pt.span(mm.tables, low, high)
        entries = w.pt.flat[slots]
        if not private_too:
            pages = np.where(is_page(entries), entries >> ENTRY_SHIFT, 0)
            gone = is_page(entries) & ((w.page.state[pages] & ANON) == 0)
            vpns, slots = vpns[gone], slots[gone]
        else:
            keep = (entries & radix.MARKER) == 0
            vpns, slots = vpns[keep], slots[keep]
        clear(w, mm, row, vpns, slots, "unmap")
    for row in w.nonlinear.get(file.id, []):
        mm = w.mms[w.vma.mm.item(row)]
        zap_nonlinear(w, mm, row, w.vma.start.item(row), w.vma.end.item(row), first, last)


def _drop_cache(w: World, file: File, first: int, last: int, private_too: bool) -> None:
    _unmap_range(w, file, first, last, private_too)
    _, slots = w.cache.span(file.cache, first, last)
    entries = w.cache.flat[slots]
    gone_pages = entries[(entries & radix.PRESENT) != 0] >> ENTRY_SHIFT
    if len(gone_pages) or _any_cached(file, first, last):
        w.batches.drain()
    w.swap.free_many(entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT)
    w.cache.flat[slots] = 0
    w.page.free_many(gone_pages)
    _forget(file.saved, first, last)
    if private_too:
        file.filled = first if file.filled is None else min(file.filled, first)
    else:
        file.punched.add(first, last)
