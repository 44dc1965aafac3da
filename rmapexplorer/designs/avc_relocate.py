"""Our reading of MREMAP_RELOCATE_ANON (Lorenzo Stoakes, RFC March 2025): mremap rewrites index and owner of what moves.

A faulted vma that moves can then merge at its new place, which today it hardly ever can. It works for pages no other
process may share; where one might, mremap moves as it does today, or with ``must=on`` (MREMAP_MUST_RELOCATE_ANON) fails.
Every mremap that moves is taken to have the flag. Kernel: the proposal, on mm/rmap.c 6.18.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core import radix
from rmapexplorer.core.design import Option
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import KernelError
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain


class AvcRelocate(AnonVmaChain):
    """anon_vma_chain of 6.18 with the proposed flag on every move."""

    key: ClassVar[str] = "avc_relocate"
    title: ClassVar[str] = "avc + relocate (our reading)"
    era: ClassVar[str] = "RFC 2025"
    when: ClassVar[str] = "2025, proposed"
    story: ClassVar[str] = (
        "our reading of a proposal: mremap rewrites owner and index of unshared pages, so moved vmas merge"
    )
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="must", values=("off", "on"),
               help="what a move does whose pages may be shared. off: as today, without rewriting. on: EFAULT"),
    )  # fmt: skip
    LOOK: ClassVar[tuple[str, str, str]] = ("avc", "plus", "dash")

    relocating = False

    def relocates(self, vma: int, start: int, end: int) -> bool:
        """The vma is anonymous, was never forked, and no page of the span is anyone else's."""
        why = self._obstacle(vma, start, end)
        if why and self.options["must"] == "on":
            raise KernelError("EFAULT", f"pages {start:x}-{end:x} cannot be relocated: {why}", "span")
        self.relocating = not why
        self.w.counters["relocations_refused"] += bool(why)
        return self.relocating

    def _obstacle(self, vma: int, start: int, end: int) -> str:
        own = int(self.own[vma])
        if self.w.vma.file[vma] >= 0:
            return "the vma maps a file, whose offsets are the index of its pages"
        if self._fork_child(vma):
            return "the vma was forked: its parent may share them"
        if self.av.children[own] > 1:
            return "the vma has forked: its children may share them"
        _, slots = self.w.pt.span(self.w.mms[int(self.w.vma.mm[vma])].tables, start, end)
        entries = self.w.pt.flat[slots]
        pages = entries[is_page(entries)] >> ENTRY_SHIFT
        shared = (self.w.page.mapcount[pages] > 1).any()
        swapped = entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT
        return "a page is mapped more than once" if shared or (self.w.swap.count[swapped] > 1).any() else ""

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """relocate_anon_folio: owner and index as if faulted at the new place."""
        if self.relocating:
            self._bind(pages, np.full(len(pages), target, np.int64), vpns, self.own[np.full(len(pages), target)])
            self.w.counters["pages_relocated"] += len(pages)

    def span_moved(self, source: int, old_start: int, target: int, start: int, pages: int) -> None:
        """The move is done."""
        self.relocating = False

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """As today; a page of the swap cache that nothing maps may have moved meanwhile and is bound anew."""
        if cause == "swap_in":
            self.w.page.mapping[pages[self.w.page.mapcount[pages] == 1]] = -1
        super().ptes_set(pages, vmas, vpns, slots, cause)
