"""mremap: in place, shrink, grow, move, several vmas at once, MREMAP_DONTUNMAP. Kernel: mm/mremap.c 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.cow import prepare
from rmapexplorer.core.design import Proposal
from rmapexplorer.core.faults import fault_in, swap_in
from rmapexplorer.core.map_count import TARGET_SPARE, refuse_move
from rmapexplorer.core.merge import merge_extend, merge_new
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import Mremap
from rmapexplorer.core.pages import ONE, is_page, new_anonymous, release
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import make_room
from rmapexplorer.core.rules import CHANGES, too_new
from rmapexplorer.core.table import Ints, ids
from rmapexplorer.core.units import TASK_SIZE_PAGES, KernelError, Span
from rmapexplorer.core.unmap import munmap_span, refuse_sealed, refuse_to_unmap
from rmapexplorer.core.vmas import link, pgoff_at

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def mremap(w: World, op: Mremap) -> None:
    """mremap(2); ``to`` None is a call without flags, otherwise MREMAP_MAYMOVE | MREMAP_FIXED."""
    mm = w.mm_of(op.pid)
    if op.dontunmap and not w.rules.dontunmap:
        raise too_new("EINVAL", "MREMAP_DONTUNMAP", CHANGES["dontunmap"].since, w.rules, "dontunmap")
    _check_params(op)
    if op.to is not None and w.rules.mremap_counts_first:
        refuse_move(w, mm, TARGET_SPARE)
    old = op.span.end - op.span.start
    if op.to is None:
        _in_place(w, mm, op.span.start, old, op.new_pages)
    elif old == op.new_pages and w.rules.mremap_many:
        _move_each(w, mm, op)
    else:
        if w.rules.mremap_checks_first:
            _prepare_one(w, mm, op.span.start, old, op.new_pages, op.dontunmap, True)
        _mremap_to(w, mm, op.span.start, old, op.new_pages, op.to, op.dontunmap)


def _check_params(op: Mremap) -> None:
    old = op.span.end - op.span.start
    if op.dontunmap and (op.to is None or old != op.new_pages):
        raise KernelError("EINVAL", "MREMAP_DONTUNMAP needs a move that keeps the size", "dontunmap")
    if op.new_pages <= 0:
        raise KernelError("EINVAL", "the new size must be at least one page", "new_pages")
    if old < 0 or op.span.start < 0 or op.new_pages > TASK_SIZE_PAGES:
        raise KernelError("EINVAL", f"the span {op.span} leaves the address space", "new_pages")
    if op.to is None:
        return
    if op.to < 0 or op.to > TASK_SIZE_PAGES - op.new_pages:
        raise KernelError("EINVAL", f"the new place, page {op.to:x}, leaves the address space", "to")
    if op.span.end > op.to and op.to + op.new_pages > op.span.start:
        new = Span(op.to, op.to + op.new_pages)
        raise KernelError("EINVAL", f"the new place {new} overlaps the old one {op.span}", "to")


def _prepare_one(w: World, mm: Mm, start: int, old: int, new: int, dontunmap: bool, moves: bool) -> int:
    """check_prep_vma: what the kernel asks of the one vma at ``start``; returns it."""
    row = w.vma_at(mm, start)
    if row < 0:
        raise KernelError("EFAULT", f"nothing is mapped at page {start:x}", "span")
    refuse_sealed(w, [row])
    flags = w.vma.flags.item(row)
    if not moves and new <= old:
        return row
    if not old and not flags & vm.SHARED and not w.rules.mremap_duplicates_private:
        raise KernelError("EINVAL", "a size of 0 duplicates shared mappings only", "span")
    if dontunmap and flags & vm.SPECIAL:
        raise KernelError("EINVAL", "MREMAP_DONTUNMAP does not work on special mappings", "dontunmap")
    if min(old, new) > w.vma.end.item(row) - start:  # what a shrink cuts off may lie in other vmas
        end = w.vma.end.item(row)
        raise KernelError("EFAULT", f"the span reaches beyond the vma, which ends at page {end:x}", "span")
    if new > old and flags & vm.SPECIAL:
        raise KernelError("EFAULT", "a special mapping cannot grow", "new_pages")
    return row


def _in_place(w: World, mm: Mm, start: int, old: int, new: int) -> None:
    row = _prepare_one(w, mm, start, old, new, False, False)
    if new < old:
        refuse_to_unmap(w, mm, start + new, start + old)
        munmap_span(w, mm, start + new, start + old)
    elif new > old:
        end, delta = w.vma.end.item(row), new - old
        if start + old != end:
            raise KernelError(
                "ENOMEM", f"only the end of a vma can grow, and this one ends at page {end:x}", "new_pages"
            )
        if w.vmas_in(mm, end, end + delta) or end + delta > TASK_SIZE_PAGES:
            raise KernelError("ENOMEM", f"pages {end:x}-{end + delta:x} are not free", "new_pages")
        if merge_extend(w, mm, row, delta) < 0:
            raise KernelError("ENOMEM", "the vma could not take in the new pages", "new_pages")
        if int(w.vma.flags[w.vma_at(mm, start)]) & vm.LOCKED:
            _populate(w, mm, end, end + delta)


def _populate(w: World, mm: Mm, start: int, end: int) -> None:
    row = w.vma_at(mm, start)
    flags = w.vma.flags.item(row)
    if flags & vm.ACCESS and not flags & vm.LOCKONFAULT:
        fault_in(w, mm, row, start, end, flags & (vm.WRITE | vm.SHARED) == vm.WRITE)
        w.batches.drain()


def _move_each(w: World, mm: Mm, op: Mremap) -> None:
    """remap_move: vma by vma; gaps of the source stay gaps."""
    assert op.to is not None
    start, end, target = op.span.start, op.span.end, op.to
    at, last_end, seen = start, start, False
    while at < end:
        row = w.vma_at(mm, at)
        if row < 0:
            row = mm.order.next(at + 1)
            if row < 0 or w.vma.start[row] >= end:
                break
        first, stop = max(at, w.vma.start.item(row)), w.vma.end.item(row)
        if not seen and first > start:
            raise KernelError("EFAULT", f"nothing is mapped at page {start:x}", "span")
        length = min(end, stop) - first
        place = target + (w.vma.start.item(row) - last_end if seen else 0)
        last_end = stop
        _prepare_one(w, mm, first, length, length, op.dontunmap, True)
        _mremap_to(w, mm, first, length, length, place, op.dontunmap)
        target, at, seen = place + length, first + length, True
    if not seen:
        raise KernelError("EFAULT", f"nothing is mapped at page {start:x}", "span")


def _mremap_to(w: World, mm: Mm, start: int, old: int, new: int, to: int, dontunmap: bool) -> None:
    refuse_to_unmap(w, mm, to, to + new)
    munmap_span(w, mm, to, to + new)
    if w.vma_at(mm, start) < 0:
        raise KernelError("EFAULT", f"nothing is mapped at page {start:x}", "span")
    if new < old:
        refuse_to_unmap(w, mm, start + new, start + old)
        munmap_span(w, mm, start + new, start + old)
        old = new
    if not w.rules.mremap_checks_first:
        _prepare_one(w, mm, start, old, new, dontunmap, True)
    _move_vma(w, mm, w.vma_at(mm, start), start, old, new, to, dontunmap)


def _move_vma(w: World, mm: Mm, row: int, start: int, old: int, new: int, to: int, dontunmap: bool) -> None:
    """move_vma: copy_vma at the new place, move the ptes, unmap the source (or leave it empty)."""
    refuse_move(w, mm)
    whole = w.vma.start.item(row) == start and w.vma.end.item(row) == start + old
    target = _copy_vma(w, mm, row, start, old, to, new)
    if w.vma_at(mm, start) == target:
        row = target
    try:
        _move_ptes(w, mm, row, target, start, to, old)
    except KernelError:  # no room for early copies: every pte is where it was; the new place goes, not the old
        munmap_span(w, mm, to, to + new)
        raise
    w.design.span_moved(row, start, target, to, old)
    if dontunmap:
        w.vma.flags[row] &= ~(vm.LOCKED | vm.LOCKONFAULT)
        if target != row and whole:
            w.design.vmas_unlinked(ids(row))
            w.vma.touched[row] = False
    else:
        munmap_span(w, mm, start, start + old)
    w.pt.drop_empty(mm.tables, start, start + old)
    if new > old and int(w.vma.flags[w.vma_at(mm, to)]) & vm.LOCKED:
        _populate(w, mm, to + old, to + new)


def _copy_vma(w: World, mm: Mm, row: int, start: int, old: int, to: int, pages: int) -> int:
    """copy_vma: merge the copy at the new place or make it a vma; returns the vma there."""
    vma = w.vma
    pgoff, source = pgoff_at(w, row, start), row
    fresh = w.design.has_anon(row) and w.design.relocates(row, start, start + old)
    if fresh:
        source = -1
    if vma.file[row] < 0 and (fresh or not w.design.has_anon(row)):
        pgoff = w.design.pgoff_for(mm.id, to, row)
    prev, next_ = w.around(mm, to, to + pages)
    p = Proposal(mm=mm.id, start=to, end=to + pages, flags=vma.flags.item(row), file=vma.file.item(row), pgoff=pgoff,
                 anon_from=source, copied_from=source, prev=prev, next=next_)  # fmt: skip
    new = merge_new(w, mm, p)
    if new < 0:
        new = int(vma.copy_rows(ids(row))[0])
        vma.start[new], vma.end[new], vma.pgoff[new] = to, to + pages, pgoff
        if not fresh:
            w.design.vma_cloned(row, new)
        link(w, mm, new)
        w.design.share_with_neighbours(new, p.flags)
    if fresh:
        prepare(w, new)
    return new


def _move_ptes(w: World, mm: Mm, row: int, target: int, start: int, to: int, pages: int) -> None:
    """move_page_tables: every entry goes to its new slot; pages the design could not find there are copied first."""
    vpns, slots = w.pt.span(mm.tables, start, start + pages)
    if not len(slots):
        return
    _copy_early(w, row, vpns, slots)
    _copy_swapped_early(w, mm, row, vpns, slots)
    entries = w.pt.flat[slots]
    new_vpns = vpns + (to - start)
    new_slots = w.pt.make_slots(mm.tables, new_vpns)
    w.pt.flat[slots] = 0
    w.pt.flat[new_slots] = entries
    mask = is_page(entries)
    if mask.any():
        w.design.ptes_moved(
            entries[mask] >> ENTRY_SHIFT, row, target, vpns[mask], new_vpns[mask], slots[mask], new_slots[mask]
        )


def _copy_swapped_early(w: World, mm: Mm, row: int, vpns: Ints, slots: Ints) -> None:
    # entries whose pages must be copied too: read back one at a time, so that reclaim cannot undo it
    swapped = np.flatnonzero((w.pt.flat[slots] & radix.SWAP) != 0)
    if not len(swapped):
        return
    wanted = w.design.must_copy(w.pt.flat[slots[swapped]], row, vpns[swapped], "mremap_swapped")
    for at in swapped[wanted].tolist():
        make_room(w, 2)
        swap_in(w, mm, row, int(vpns[at]), int(slots[at]), write=False)
        _copy_early(w, row, vpns[at : at + 1], slots[at : at + 1])


def _copy_early(w: World, row: int, vpns: Ints, slots: Ints) -> None:
    entries = w.pt.flat[slots]
    mapped = is_page(entries)
    wanted = np.zeros(len(slots), np.bool_)
    wanted[mapped] = w.design.must_copy(entries[mapped], row, vpns[mapped], "mremap")
    if not wanted.any():
        return
    make_room(w, int(wanted.sum()))
    entries = w.pt.flat[slots]  # room may have been made with the very pages
    wanted &= is_page(entries)
    old = entries[wanted] >> ENTRY_SHIFT
    bits = entries[wanted] & ((1 << ENTRY_SHIFT) - 1)
    if w.vma.flags.item(row) & vm.WRITE:
        bits |= radix.WRITE
    np.subtract.at(w.page.mapcount, old, ONE)
    owners = np.full(len(old), row, np.int64)
    w.design.ptes_cleared(old, owners, vpns[wanted], slots[wanted], "cow")
    copies = new_anonymous(w, len(old), w.page.token[old])
    w.page.copied[copies] = True
    w.pt.flat[slots[wanted]] = (copies << ENTRY_SHIFT) | bits
    np.add.at(w.page.mapcount, copies, ONE)
    w.design.ptes_set(copies, owners, vpns[wanted], slots[wanted], "cow")
    w.counters["copied_by_mremap"] += len(old)
    release(w, old)
