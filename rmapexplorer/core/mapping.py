"""New memory at a free place, for mmap, brk and remap_file_pages: merged or a vma of its own, then faulted in where asked.

Kernel: __mmap_region, mm/mmap.c; mm_populate, mm/gup.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmapexplorer.core import flags as vm
from rmapexplorer.core.design import Proposal
from rmapexplorer.core.faults import fault_in
from rmapexplorer.core.merge import insert_new, merge_new
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import Mmap
from rmapexplorer.core.units import KernelError

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def refuse_to_grow(w: World, op: Mmap) -> None:
    """do_mmap: MAP_GROWSDOWN is for private anonymous memory; shared memory took it until 3.3.

    :raises KernelError: EINVAL
    """
    private = op.kind == "anon" or (op.kind == "anon-shared" and not w.rules.shared_never_grows)
    if "growsdown" in op.flags and not private:
        raise KernelError("EINVAL", "MAP_GROWSDOWN works on private anonymous memory only", "flags")


def map_region(w: World, mm: Mm, op: Mmap) -> None:
    """__mmap_region over a free span: merge with what touches it or make a vma, then populate."""
    start, end = op.span.start, op.span.end
    refuse_to_grow(w, op)
    flags = _vma_flags(op)
    if mm.merge_any and not flags & (vm.SHARED | vm.SPECIAL):
        flags |= vm.MERGEABLE
    file, pgoff = -1, w.design.pgoff_for(mm.id, start, -1)
    if op.offset and pgoff:
        pgoff = op.offset  # exec moved the stack here: its pgoff is that of where it was set up
    if op.kind.startswith("file"):
        file, pgoff = w.file_named(op.file).id, op.offset
    elif op.kind == "anon-shared":
        file, pgoff = w.file_named(f"shared anonymous {w.serial}", shmem=True).id, 0
        w.files[file].size = end - start
    prev, next_ = w.around(mm, start, end)
    p = Proposal(mm=mm.id, start=start, end=end, flags=flags, file=file, pgoff=pgoff, prev=prev, next=next_)
    row = merge_new(w, mm, p)
    if row < 0:
        row = insert_new(w, mm, p, w.label_id(op.label))
    if "populate" in op.flags or "locked" in op.flags:
        populate(w, mm, start, end)


_BITS = {
    "noreserve": vm.NORESERVE, "locked": vm.LOCKED, "growsdown": vm.GROWSDOWN, "stack": vm.NOHUGEPAGE, "special": vm.SPECIAL,
}  # fmt: skip
"""Bits of a vma that words of an mmap set."""


def _vma_flags(op: Mmap) -> int:
    flags = vm.access(op.prot)
    if op.kind.endswith("shared"):
        flags |= vm.SHARED
    for word in op.flags:
        flags |= _BITS.get(word, 0)
    if flags & (vm.NORESERVE | vm.SHARED | vm.WRITE) == vm.WRITE and not flags & vm.SPECIAL:
        flags |= vm.ACCOUNT
    return flags


def populate(w: World, mm: Mm, start: int, end: int, strict: bool = False) -> None:
    """mm_populate: fault everything in, for writing where the vma is private and writable.

    What cannot be faulted in is passed over; with ``strict`` it ends the call. :raises KernelError: ENOMEM, if strict.
    """
    for row in w.vmas_in(mm, start, end):
        low, stop = max(start, w.vma.start.item(row)), min(end, w.vma.end.item(row))
        flags = w.vma.flags.item(row)
        if flags & (vm.SPECIAL | vm.LOCKONFAULT):
            continue
        failed = not flags & vm.ACCESS
        if not failed:
            failed = bool(fault_in(w, mm, row, low, stop, flags & (vm.WRITE | vm.SHARED) == vm.WRITE)[1])
            w.batches.drain()
        if strict and failed:
            raise KernelError("ENOMEM", f"not everything from page {low:x} on can be faulted in", "span")
