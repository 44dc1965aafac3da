"""remap_file_pages and swapoff: two calls that change many ptes at once. Kernel: mm/fremap.c 2.6.7, mm/swapfile.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.faults import cache_page, install_page, swap_in
from rmapexplorer.core.map_count import refuse_new
from rmapexplorer.core.mapping import map_region
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.operations import Mmap, RemapFilePages, Swapoff
from rmapexplorer.core.pages import WHOLE_FILE, free_swap_cache
from rmapexplorer.core.reclaim import make_room
from rmapexplorer.core.units import KernelError
from rmapexplorer.core.unmap import check_span, munmap_span
from rmapexplorer.core.vmas import index_insert, index_remove

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def remap_file_pages(w: World, op: RemapFilePages) -> None:
    """The span shows other pages of its file: in place (nonlinear) or, since 4.0, as a mapping of its own."""
    mm = w.mm_of(op.pid)
    check_span(op.span)
    row = w.vma_at(mm, op.span.start)
    if row < 0 or w.vma.file[row] < 0 or not w.vma.flags.item(row) & vm.SHARED:
        raise KernelError("EINVAL", f"page {op.span.start:x} is no shared mapping of a file", "span")
    if op.span.end > w.vma.end.item(row):
        raise KernelError(
            "EINVAL", f"the span reaches beyond the vma, which ends at page {w.vma.end.item(row):x}", "span"
        )
    if op.offset < 0:
        raise KernelError("EINVAL", "the offset into the file is negative", "offset")
    size = w.files[w.vma.file.item(row)].size
    if w.rules.nonlinear:
        if size is not None and op.offset + len(op.span) > size:
            raise KernelError("EINVAL", f"the file has {size} pages", "offset")
        _install(w, mm, row, op)
    else:
        _remap(w, mm, row, op)


def _install(w: World, mm: Mm, row: int, op: RemapFilePages) -> None:
    linear = w.vma.pgoff.item(row) + op.span.start - w.vma.start.item(row)
    if op.offset != linear and not w.vma.flags.item(row) & vm.NONLINEAR:
        index_remove(w, row)
        w.vma.flags[row] |= vm.NONLINEAR
        index_insert(w, row)
    for at in range(len(op.span)):
        make_room(w, 1)
        install_page(w, mm, row, op.span.start + at, op.offset + at)


def _remap(w: World, mm: Mm, row: int, op: RemapFilePages) -> None:
    flags = w.vma.flags.item(row)
    letters = "".join(letter for letter, bit in (("r", vm.READ), ("w", vm.WRITE), ("x", vm.EXEC)) if flags & bit)
    file = w.files[w.vma.file.item(row)].name
    refuse_new(w, mm)
    munmap_span(w, mm, op.span.start, op.span.end)
    map_region(w, mm, Mmap(pid=op.pid, span=op.span, prot=letters, kind="file-shared", file=file, offset=op.offset,
                           flags=("populate",)))  # fmt: skip


def swapoff(w: World, op: Swapoff) -> None:
    """try_to_unuse: every swap entry gets its page back, mm by mm; then swap is gone."""
    make_room(w, len(w.swap))
    w.swap_pages = 0
    for mm in list(w.mms.values()):
        vpns, slots = w.pt.span(mm.tables, 0, 1 << 36)
        swapped = (w.pt.flat[slots] & radix.SWAP) != 0
        for vpn, slot in zip(vpns[swapped].tolist(), slots[swapped].tolist(), strict=True):
            swap_in(w, mm, w.vma_at(mm, vpn), vpn, slot, write=False)
    for slot in w.swap.live().tolist():
        if w.swap.page[slot] >= 0:
            free_swap_cache(w, w.swap.page.item(slot))
    for file in w.files:
        indexes, slots = w.cache.span(file.cache, 0, WHOLE_FILE)
        for index in indexes[(w.cache.flat[slots] & radix.SWAP) != 0].tolist():
            cache_page(w, file, index)
