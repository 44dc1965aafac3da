"""The system calls on mappings: mmap, munmap, mprotect, brk, mlock, mseal. And CALLS, the table of all operations.

Kernel: mm/mmap.c, mm/mprotect.c, mm/mlock.c, mm/mseal.c of 6.18.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import evolve

from rmapexplorer.core import flags as vm
from rmapexplorer.core import operations as o
from rmapexplorer.core import radix
from rmapexplorer.core.advise import ftruncate, madvise, punch
from rmapexplorer.core.batches import MLOCK, MUNLOCK
from rmapexplorer.core.design import Proposal
from rmapexplorer.core.faults import touch
from rmapexplorer.core.fork import clone, exec_, exit_, fork, spawn
from rmapexplorer.core.map_count import refuse_new
from rmapexplorer.core.mapping import map_region, populate, refuse_to_grow
from rmapexplorer.core.merge import insert_new, merge_new, modify
from rmapexplorer.core.mremap import mremap
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import KINDS, Brk, Ksm, Mlock, Mmap, Mprotect, Mseal, Munlock, Munmap
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import reclaim
from rmapexplorer.core.remap import remap_file_pages, swapoff
from rmapexplorer.core.rules import CHANGES, too_new
from rmapexplorer.core.table import EXCLUSIVE
from rmapexplorer.core.units import TASK_SIZE_PAGES, KernelError, Span
from rmapexplorer.core.unmap import check_length, check_span, munmap_span, refuse_sealed, refuse_to_unmap
from rmapexplorer.core.vmas import is_private_anonymous

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def mmap(w: World, op: Mmap) -> None:
    """mmap at a fixed place, replacing what is there."""
    mm = w.mm_of(op.pid)
    check_span(op.span, "ENOMEM")
    start, end = op.span.start, op.span.end
    if op.kind not in KINDS:
        raise KernelError("EINVAL", f"{op.kind!r} is no kind of mapping; known: {', '.join(KINDS)}", "kind")
    if op.kind.startswith("file") and not op.file:
        raise KernelError("EBADF", "a file mapping needs the name of its file", "file")
    if op.offset < 0:
        raise KernelError("EINVAL", "the offset into the file is negative", "offset")
    refuse_new(w, mm)
    if w.rules.growsdown_checked_first:
        refuse_to_grow(w, op)
    inside = w.vmas_in(mm, start, end)
    if inside and "noreplace" in op.flags and not w.rules.fixed_noreplace:
        map_region(w, mm, evolve(op, span=_hole_above(w, mm, op.span)))
        return
    if inside and "noreplace" in op.flags:
        raise KernelError("EEXIST", f"pages {op.span} are mapped already and MAP_FIXED_NOREPLACE was given", "span")
    if inside:
        refuse_to_unmap(w, mm, start, end)
        munmap_span(w, mm, start, end)
    map_region(w, mm, op)


def _hole_above(w: World, mm: Mm, span: Span) -> Span:
    # where a hint leads whose pages are taken: the next hole above it that is large enough
    at = span.start
    while inside := w.vmas_in(mm, at, at + len(span)):
        at = int(w.vma.end[inside[-1]])
    if at + len(span) > TASK_SIZE_PAGES:
        raise KernelError("ENOMEM", f"there is no hole of {len(span)} pages above page {span.start:x}", "span")
    return span.moved(at)


def munmap(w: World, op: Munmap) -> None:
    """munmap; unmapped parts of the span are no error."""
    mm = w.mm_of(op.pid)
    check_span(op.span)
    refuse_to_unmap(w, mm, op.span.start, op.span.end)
    munmap_span(w, mm, op.span.start, op.span.end)


def mprotect(w: World, op: Mprotect) -> None:
    """mprotect, vma by vma; a hole ends it with ENOMEM, what lies before is done."""
    mm = w.mm_of(op.pid)
    if op.span.end <= op.span.start:
        _refuse_backwards(op.span, "ENOMEM")
        return
    check_length(op.span)
    for row, start, end in each_part(w, mm, op.span.start, op.span.end):
        refuse_sealed(w, [row])
        _mprotect_fixup(w, mm, row, start, end, vm.access(op.prot))


def _refuse_backwards(span: Span, errno: str) -> None:
    # a length of 0 does nothing; one that wraps round is an error
    if span.end < span.start:
        raise KernelError(errno, f"the span {span} ends before it begins", "span")


def each_part(w: World, mm: Mm, start: int, end: int) -> Any:
    """Yield (vma, start, end) over [start, end), looking afresh each time. :raises KernelError: ENOMEM at a hole."""
    at = start
    while at < end:
        row = w.vma_at(mm, at)
        if row < 0:
            raise KernelError("ENOMEM", f"nothing is mapped at page {at:x}", "span")
        stop = min(end, w.vma.end.item(row))
        yield row, at, stop
        at = stop


def _mprotect_fixup(w: World, mm: Mm, row: int, start: int, end: int, access: int) -> None:
    old = w.vma.flags.item(row)
    new = old & ~vm.ACCESS | access
    if new == old:
        return
    if new & vm.WRITE:
        if not old & (vm.ACCOUNT | vm.WRITE | vm.SHARED | vm.NORESERVE):
            new |= vm.ACCOUNT
    elif (
        w.rules.unfaulted_unaccounted
        and old & vm.ACCOUNT
        and is_private_anonymous(w, row)
        and not w.design.has_anon(row)
    ):
        new &= ~vm.ACCOUNT
    row = modify(w, mm, row, start, end, new)
    w.vma.flags[row] = new
    _change_protection(w, mm, row, start, end)
    if old & (vm.WRITE | vm.SHARED | vm.LOCKED) == vm.LOCKED and new & vm.WRITE:
        populate(w, mm, start, end)


def _change_protection(w: World, mm: Mm, row: int, start: int, end: int) -> None:
    # change_pte_range: PROT_NONE entries lose the present bit; exclusive pages of a writable private vma get write at once
    flags = w.vma.flags.item(row)
    _, slots = w.pt.span(mm.tables, start, end)
    if not len(slots):
        return
    entries = w.pt.flat[slots]
    mapped = (entries & (radix.PRESENT | radix.PROTNONE)) != 0
    kept = entries & ~(radix.PRESENT | radix.PROTNONE | radix.WRITE)
    kept |= radix.PRESENT if flags & vm.ACCESS else radix.PROTNONE
    if flags & vm.WRITE:
        writable = mapped & ((entries & radix.ZERO) == 0)
        if not flags & vm.SHARED:
            pages = np.where(writable, entries >> ENTRY_SHIFT, 0)
            writable &= w.rules.mprotect_maps_writable & ((w.page.state[pages] & EXCLUSIVE) != 0)
        kept = np.where(writable, kept | radix.WRITE, kept)
    w.pt.flat[slots] = np.where(mapped, kept, entries)


def brk(w: World, op: Brk) -> None:
    """brk: grow or shrink the heap, page-wise."""
    mm = w.mm_of(op.pid)
    if op.end > TASK_SIZE_PAGES:
        raise KernelError("ENOMEM", f"the address space ends at page {TASK_SIZE_PAGES:x}", "end")
    if op.start is not None and mm.brk_start is None:
        mm.brk_start = mm.brk_end = op.start
    if mm.brk_start is None:
        mm.brk_start = mm.brk_end = op.end
    if op.end < mm.brk_start:
        raise KernelError("EINVAL", f"the break may not go below its start, page {mm.brk_start:x}", "end")
    old = mm.brk_end
    if op.end < old:
        refuse_to_unmap(w, mm, op.end, old)
        munmap_span(w, mm, op.end, old)
    elif op.end > old:
        if w.vmas_in(mm, old, op.end):
            raise KernelError("ENOMEM", f"pages {old:x}-{op.end:x} are not free for the heap", "end")
        refuse_new(w, mm)
        flags = vm.READ | vm.WRITE | vm.ACCOUNT
        prev, next_ = w.around(mm, old, op.end)
        p = Proposal(mm=mm.id, start=old, end=op.end, flags=flags, file=-1, pgoff=w.design.pgoff_for(mm.id, old, -1),
                     prev=prev, next=next_)  # fmt: skip
        if merge_new(w, mm, p, expand_only=not w.design.BRK_MERGES_RIGHT) < 0:
            insert_new(w, mm, p, w.label_id("[heap]"))
    mm.brk_end = op.end


def mlock(w: World, op: Mlock) -> None:
    """mlock: flags first, vma by vma; then everything is faulted in."""
    mm = w.mm_of(op.pid)
    if op.onfault and not w.rules.onfault:
        raise too_new("ENOSYS", "mlock2 with MLOCK_ONFAULT", CHANGES["onfault"].since, w.rules, "onfault")
    if op.span.end == op.span.start:
        return
    check_length(op.span)
    _apply_lock(w, mm, op.span.start, op.span.end, vm.LOCKED | (vm.LOCKONFAULT if op.onfault else 0))
    populate(w, mm, op.span.start, op.span.end, strict=True)


def munlock(w: World, op: Munlock) -> None:
    """munlock."""
    mm = w.mm_of(op.pid)
    if op.span.end == op.span.start:
        return
    check_length(op.span)
    _apply_lock(w, mm, op.span.start, op.span.end, 0)


def _apply_lock(w: World, mm: Mm, start: int, end: int, lock: int) -> None:
    for row, low, high in each_part(w, mm, start, end):
        old = w.vma.flags.item(row)
        if old & vm.SPECIAL:
            continue
        new = old & ~(vm.LOCKED | vm.LOCKONFAULT) | lock
        if new != old:
            row = modify(w, mm, row, low, high, new)
            w.vma.flags[row] = new
            if (old ^ new) & vm.LOCKED:
                _mark_locked(w, mm, low, high, bool(lock))


def _mark_locked(w: World, mm: Mm, start: int, end: int, locked: bool) -> None:
    # mlock_vma_pages_range: pages mapped already become unevictable, or evictable again
    w.batches.drain()
    _, slots = w.pt.span(mm.tables, start, end)
    entries = w.pt.flat[slots]
    w.batches.lock(entries[is_page(entries)] >> ENTRY_SHIFT, MLOCK if locked else MUNLOCK)
    w.batches.drain()


def ksm(w: World, op: Ksm) -> None:
    """ksm_enable_merge_any, ksm_disable_merge_any: flags change without any merge of vmas."""
    mm = w.mm_of(op.pid)
    if not w.rules.ksm_merge_any:
        raise too_new("EINVAL", "PR_SET_MEMORY_MERGE", CHANGES["ksm_merge_any"].since, w.rules)
    if mm.merge_any == op.enable:
        return
    mm.merge_any = op.enable
    for row in mm.vmas:
        if not w.vma.flags.item(row) & (vm.SHARED | vm.SPECIAL):
            w.vma.flags[row] = w.vma.flags.item(row) & ~vm.MERGEABLE | (vm.MERGEABLE if op.enable else 0)


def mseal(w: World, op: Mseal) -> None:
    """mseal: nothing of the span may be unmapped, moved or changed any more."""
    mm = w.mm_of(op.pid)
    if not w.rules.mseal:
        raise too_new("ENOSYS", "mseal", CHANGES["mseal"].since, w.rules)
    if op.span.end == op.span.start:
        return
    check_length(op.span)
    for _ in each_part(w, mm, op.span.start, op.span.end):
        pass
    for row, low, high in each_part(w, mm, op.span.start, op.span.end):
        new = w.vma.flags.item(row) | vm.SEALED
        if new != w.vma.flags.item(row):
            row = modify(w, mm, row, low, high, new)
            w.vma.flags[row] = new


CALLS: dict[type, Callable[[World, Any], None]] = {
    o.Spawn: spawn, o.Fork: fork, o.Clone: clone, o.Exec: exec_, o.Exit: exit_, o.Mmap: mmap, o.Munmap: munmap,
    o.Mprotect: mprotect, o.Mremap: mremap, o.Brk: brk, o.Madvise: madvise, o.Touch: touch, o.Reclaim: reclaim,
    o.Mlock: mlock, o.Munlock: munlock, o.Mseal: mseal, o.Ftruncate: ftruncate, o.Punch: punch,
    o.RemapFilePages: remap_file_pages, o.Swapoff: swapoff, o.Ksm: ksm,
}  # fmt: skip
"""Operation -> the call that does it."""
