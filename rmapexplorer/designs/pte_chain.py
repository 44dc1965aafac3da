"""pte_chain as in 2.6.0 to 2.6.5: every page keeps a list of the ptes that map it, anonymous or of a file.

One mapping: page.pte.direct (PG_direct), no allocation. More: blocks of one cache line with NRPTE slots, filled from
the high end; only the head block has free slots. Kernel: mm/rmap.c, include/asm-generic/rmap.h, 2.6.5. The options are
its earlier forms: pairs of pointers (2.5.27), without PG_direct (the first day), other sizes of the blocks.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core.design import Design, Footprint, Option, PageChains, Picture, StructNode
from rmapexplorer.core.sizes import chain_slots, slab_objects, slab_pages
from rmapexplorer.core.table import NONE, Ints
from rmapexplorer.core.units import Corruption, KernelError
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.chain_store import CHAIN, NOTHING, ArrayStore, Blocks, PairStore
from rmapexplorer.designs.common import vma_node

SPARE = "pte_chain spare (per CPU)"
FAILING = {"never": 0, "every-10th": 10, "every-2nd": 2}
"""Value of fail_atomic -> which GFP_ATOMIC allocation fails, 0 for none."""


class PteChain(Design):
    """The design of Linux 2.6.0 to 2.6.5, and its forms since 2002."""

    key: ClassVar[str] = "pte_chain"
    title: ClassVar[str] = "pte_chain"
    era: ClassVar[str] = "2.6.5"
    when: ClassVar[str] = "2002 to 2004, Linux 2.5.27 to 2.6.6"
    story: ClassVar[str] = "every page keeps the list of its ptes: exact, and paid for page by page"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="layout", values=("array", "linked"),
               help="array: blocks of a cache line (2.5.34). linked: a pair of pointers for each pte, allocated at once (2.5.27)"),
        Option(name="direct", values=("on", "off"),
               help="on: the only pte of a page needs no block (PG_direct). off: it does, as in the first patch of 2002-07-18"),
        Option(name="slots", values=("line", "7", "15", "31"),
               help="line: as many ptes a block as a cache line of the machine holds. 7, 15, 31: those of 32, 64, 128 bytes on i386"),
        Option(name="fail_atomic", values=tuple(FAILING),
               help="which GFP_ATOMIC allocations fail, so that locks are dropped and GFP_KERNEL is tried"),
    )  # fmt: skip
    ANON_PGOFF: ClassVar[bool] = False
    FILE_PAGES_OWN_WAY: ClassVar[bool] = True
    OWNER: ClassVar[str] = "pte_chain"
    LOOK: ClassVar[tuple[str, str, str]] = ("pte_chain", "square", "solid")

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        if options.get("layout") == "linked" and options.get("slots", "line") != "line":
            raise KernelError(
                "EINVAL", "pte_chain with layout=linked has a pair for each pte: slots cannot be chosen", "slots"
            )

    def attach(self, world: World) -> None:
        """Called once. :raises KernelError: EINVAL for blocks that hold one pte."""
        super().attach(world)
        o = {option.name: option.values[0] for option in PteChain.OPTIONS} | self.options
        machine = world.machine
        self.linked = o["layout"] == "linked"
        self.failing = FAILING[o["fail_atomic"]]
        self.spare = 0
        direct = o["direct"] == "on"
        if self.linked:
            self.bytes = 2 * machine.word_bytes
            self.store: ArrayStore = PairStore(direct)
            return
        line = o["slots"] == "line"
        slots = (
            chain_slots(machine.cache_line_bytes, machine.word_bytes, machine.word_bytes) if line else int(o["slots"])
        )
        self.bytes = machine.cache_line_bytes if line else (slots + 1) * machine.word_bytes
        if slots < 2:
            raise KernelError(
                "EINVAL",
                "pte_chain needs cache lines that hold two ptes; choose a machine with longer ones",
                "cache_line_bytes",
            )
        self.store = ArrayStore(slots, direct)

    @property
    def block(self) -> Blocks:
        """The table of blocks."""
        return self.store.block

    def _reach(self) -> None:
        if self.w.page.capacity > len(self.store.kind):
            self.store.reach(self.w.page.capacity)

    # -- allocations ------------------------------------------------------------------------------

    def _took(self, blocks: int) -> None:
        # pte_chain_alloc: the one-deep per-CPU cache first, then the slab; pairs came from the slab, atomically
        taken = min(blocks, self.spare)
        self.spare -= taken
        self.w.counters["objs_alloc"] += blocks - taken
        if self.linked:
            self._atomic(blocks)

    def _dropped(self, blocks: int) -> None:
        # pte_chain_free: one stays in the per-CPU cache
        kept = 0 if self.linked else min(blocks, 1 - self.spare)
        self.spare += kept
        self.w.counters["objs_free"] += blocks - kept

    def _atomic(self, tries: int) -> None:
        # every n-th fails: page_table_locks are dropped, GFP_KERNEL gives the block (in 2002 nothing did, and it oopsed)
        before = self.w.counters["atomic_allocs"]
        self.w.counters["atomic_allocs"] += tries
        if self.failing:
            failed = (before + tries) // self.failing - before // self.failing
            self.w.counters["atomic_failures"] += failed
            self.w.counters["sleeping_allocs"] += failed

    def _try_spare(self, atomic: int, sleeping: int) -> None:
        # the allocation before the lock: counted whether it is used or not; an unused one fills the per-CPU cache
        if self.linked:
            return
        self._atomic(atomic)
        self.w.counters["sleeping_allocs"] += sleeping
        if (atomic or sleeping) and not self.spare:
            self.spare = 1
            self.w.counters["objs_alloc"] += 1

    # -- page_add_rmap, page_remove_rmap ----------------------------------------------------------

    def fork_spares(self, vmas: int, ptes: int) -> None:
        """copy_page_range: per vma one GFP_ATOMIC allocation up front; one more follows each that is consumed."""
        self._try_spare(vmas, 0)

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_add_rmap of each pte."""
        self._reach()
        if cause == "first_write":
            self._try_spare(len(pages), 0)
        elif cause != "fork":
            self._try_spare(0, len(pages))
        if len(pages) == 1:
            self._added(self.store.add_one(pages.item(0), slots.item(0)), cause)
            return
        while len(pages):  # a page twice in one batch is added in rounds
            _, first = np.unique(pages, return_index=True)
            self._added(self.store.add(pages[first], slots[first]), cause)
            pages, slots = _rest(pages, slots, first)

    def _added(self, used: int, cause: str) -> None:
        self._took(used)
        if cause == "fork":
            self._try_spare(used, 0)

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_remove_rmap of each pte."""
        self._reach()
        if len(pages) == 1:
            self._removed(*self.store.remove_one(pages.item(0), slots.item(0)))
            return
        while len(pages):
            _, first = np.unique(pages, return_index=True)
            self._removed(*self.store.remove(pages[first], slots[first]))
            pages, slots = _rest(pages, slots, first)

    def _removed(self, freed: int, compared: int) -> None:
        self._dropped(freed)
        self.w.counters["slots_compared"] += compared

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """move_one_page: page_remove_rmap of the old pte, page_add_rmap of the new, one spare allocated for each."""
        owners = np.full(len(pages), target, np.int64)
        self.ptes_cleared(pages, owners, old_vpns, old_slots, "mremap")
        self.ptes_set(pages, owners, vpns, slots, "mremap")

    # -- walks ------------------------------------------------------------------------------------

    def anon_candidates(self, pages: Ints) -> Walk:
        """The ptes of the page's chain, nothing else; page tables give (mm, address) of each."""
        self._reach()
        place, slots, nodes = self.store.ptes_of(pages)
        count = np.bincount(place, minlength=len(pages))
        first = np.r_[0, np.cumsum(count)]
        total = np.zeros(len(pages), np.int64)
        total[count > 0] = nodes[first[1:][count > 0] - 1]
        zero = np.zeros(len(slots), np.int64)
        return Walk(
            pages=pages, group=np.arange(len(pages)), start=np.zeros(len(pages), np.int64), first=first,
            mm=self.w.pt.owner_of(slots), vma=np.full(len(slots), -1, np.int64), vpn=self.w.pt.vpn_of(slots),
            nodes=nodes, rejects=zero, total_nodes=total, total_rejects=np.zeros(len(pages), np.int64),
            find_vma_per_hit=True,
        )  # fmt: skip

    def file_candidates(self, pages: Ints) -> Walk:
        """Pages of files are on chains like all others."""
        return self.anon_candidates(pages)

    def walked(self, pages: Ints, hits: Ints, purpose: str) -> None:
        """page_referenced: a chain with one pte left becomes PG_direct again."""
        if purpose == "referenced":
            self._reach()
            self._dropped(self.store.collapse(pages))

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """Chain blocks; the block of the per-CPU cache is named apart."""
        source = "L1_CACHE_BYTES: one cache line a block, mm/rmap.c 2.6.5"
        if self.linked:
            source = "next and ptep, mm/rmap.c 2.5.27"
        elif self.options.get("slots", "line") != "line":
            source = f"{self.store.slots} ptes and next_and_idx, mm/rmap.c 2.6.5"
        count = len(self.store.block)
        packed = slab_pages(count, slab_objects(self.bytes, self.w.machine.arch))
        blocks = Footprint(kind="pte_chain", objects=count, size=self.bytes, source=source, slab_pages=packed)
        if self.linked:
            return (blocks,)
        return (blocks, Footprint(kind=SPARE, objects=self.spare, size=self.bytes, source=source))

    def recount(self) -> dict[str, int]:
        """Blocks reached from the pages."""
        self._reach()
        return {"pte_chain": self.store.reached()} | ({} if self.linked else {SPARE: self.spare})

    def chained(self, pages: Ints) -> Ints:
        """Those of the pages whose ptes are on chains: here all."""
        return pages

    def check(self) -> None:
        """As many ptes on the chain as the mapcount says."""
        self._reach()
        live = self.chained(self.w.page.live())
        place, _, _ = self.store.ptes_of(live)
        if not np.array_equal(np.bincount(place, minlength=len(live)), self.w.page.mapcount[live]):
            raise Corruption("a pte_chain holds another number of ptes than the page's mapcount")
        others = np.ones(len(self.store.kind), np.bool_)
        others[live] = False
        if (self.store.kind[others] != NOTHING).any():
            raise Corruption("a page that is free, or not for chains, has a pte_chain")

    def digest_parts(self) -> tuple[bytes, ...]:
        """Pages' heads, the blocks, and the spare one."""
        self._reach()
        return (*self.store.digest_parts(self.w.page.live()), bytes([self.spare]))

    # -- pictures and words -----------------------------------------------------------------------

    def page_chains(self) -> PageChains:
        """As many ptes on each page's chain as its mapcount says."""
        pages = self.chained(self.w.page.live())
        ptes = self.w.page.mapcount[pages]
        slots = 1 if self.linked else self.store.slots
        return PageChains(ptes=ptes[ptes > 0], slots=slots, block_bytes=self.bytes, direct=self.store.direct)

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """page.pte of the page."""
        if page < 0:
            return "", []
        self._reach()
        store = self.store
        kind = int(store.kind[page])
        if kind != CHAIN:
            word = "the one pte that maps it (PG_direct)" if kind else "nothing maps it"
            return "page.pte", [("direct", f"{store.ref[page]:x}" if kind else "0", word)]
        blocks, block = 0, int(store.ref[page])
        first = int(store.block.idx[block])
        while block >= 0:
            blocks, block = blocks + 1, int(store.block.next[block])
        if self.linked:
            return "pte_chain", [("pairs", str(blocks), f"of a next pointer and a pte, {self.bytes} bytes each")]
        return "pte_chain", [
            ("blocks", str(blocks), f"of {store.slots} slots, {self.bytes} bytes each"),
            ("next_and_idx", str(first), "first used slot of the head block; the lower ones are free"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The chain of the page: block by block, and the vma each pte lies in."""
        if page < 0:
            return super().picture(page, vma, limit)
        self._reach()
        _, slots, depth = self.store.ptes_of(np.array([page], np.int64))
        nodes, links, seen = [], [], set()
        for at, (slot, block) in enumerate(zip(slots[:limit].tolist(), depth[:limit].tolist(), strict=True)):
            key = f"b{block}"
            if key not in seen:
                seen.add(key)
                title = f"block {block}" if block else "PG_direct"
                nodes.append(StructNode(key=key, rank=1, title=title, subtitle=f"{int((depth == block).sum())} ptes"))
                links.append(("page" if block < 2 else f"b{block - 1}", key))
            mm = int(self.w.pt.owner_of(np.array([slot]))[0])
            row = self.w.vma_at(self.w.mms[mm], int(self.w.pt.vpn_of(np.array([slot]))[0]))
            if f"v{row}" not in seen:
                seen.add(f"v{row}")
                nodes.append(vma_node(self.w, row, -1))
            links.append((key, f"v{row}"))
            if at + 1 >= limit:
                break
        return Picture(
            nodes=tuple(nodes),
            links=tuple(links),
            total=len(slots),
            headings=("page", "pte_chain", "pte in vma", "task"),
        )


def _rest(pages: Ints, slots: Ints, done: Ints) -> tuple[Ints, Ints]:
    # what a round leaves, which is nothing where no page came twice
    if len(done) == len(pages):
        return NONE, NONE
    return np.delete(pages, done), np.delete(slots, done)
