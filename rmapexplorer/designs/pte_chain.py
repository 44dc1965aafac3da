"""pte_chain as in 2.6.0 to 2.6.5: every page keeps a list of the ptes that map it, anonymous or of a file.

One mapping: page.pte.direct (PG_direct), no allocation. More: blocks of one cache line with NRPTE slots, filled from
the high end; only the head block has free slots. Kernel: mm/rmap.c, include/asm-generic/rmap.h, 2.6.5.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core.design import Design, Footprint, Picture, StructNode
from rmapexplorer.core.sizes import chain_slots, slab_objects, slab_pages
from rmapexplorer.core.table import Ints, Table
from rmapexplorer.core.units import Corruption, KernelError
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import vma_node

_NONE, _DIRECT, _CHAIN = 0, 1, 2


class Blocks(Table):
    """struct pte_chain: ``next`` block (-1 last), ``idx`` the first used slot; the slots are a matrix beside."""

    COLUMNS = {"next": (np.int64, -1), "idx": (np.int64, 0)}
    next: Ints
    idx: Ints


class PteChain(Design):
    """The design of Linux 2.6.0 to 2.6.5."""

    key: ClassVar[str] = "pte_chain"
    title: ClassVar[str] = "pte_chain"
    era: ClassVar[str] = "2.6.5"
    story: ClassVar[str] = "every page keeps the list of its ptes: exact, and paid for page by page"
    ANON_PGOFF: ClassVar[bool] = False
    OWNER: ClassVar[str] = "pte_chain"
    LOOK: ClassVar[tuple[str, str, str]] = ("pte_chain", "square", "solid")

    def attach(self, world: World) -> None:
        """Called once. :raises KernelError: EINVAL for a cache line that leaves a chain block a single slot."""
        super().attach(world)
        machine = world.machine
        self.slots = chain_slots(machine.cache_line_bytes, machine.word_bytes, machine.word_bytes)
        if self.slots < 2:
            raise KernelError(
                "EINVAL", "pte_chain needs cache lines that hold two ptes: F1 of one slot", "cache_line_bytes"
            )
        self.block = Blocks()
        self.ptes = np.full((self.block.capacity, self.slots), -1, np.int64)
        self.kind = np.zeros(64, np.int8)
        self.ref = np.full(64, -1, np.int64)
        self.spare = 0

    def _reach(self) -> None:
        need = self.w.page.capacity
        if need > len(self.kind):
            kind, ref = np.zeros(need, np.int8), np.full(need, -1, np.int64)
            kind[: len(self.kind)], ref[: len(self.ref)] = self.kind, self.ref
            self.kind, self.ref = kind, ref

    # -- blocks -----------------------------------------------------------------------------------

    def _alloc(self, count: int) -> Ints:
        # pte_chain_alloc: the one-deep per-CPU cache first, then the slab
        taken = min(count, self.spare)
        self.spare -= taken
        self.w.counters["objs_alloc"] += count - taken
        blocks = self.block.new_many(count)
        if self.block.capacity > len(self.ptes):
            grown = np.full((self.block.capacity, self.slots), -1, np.int64)
            grown[: len(self.ptes)] = self.ptes
            self.ptes = grown
        self.ptes[blocks] = -1
        return blocks

    def _drop(self, blocks: Ints) -> None:
        # pte_chain_free: one stays in the per-CPU cache
        self.block.free_many(blocks)
        kept = min(len(blocks), 1 - self.spare)
        self.spare += kept
        self.w.counters["objs_free"] += len(blocks) - kept

    def _try_spare(self, atomic: int, sleeping: int) -> None:
        # the allocation before the lock: counted whether it is used or not; an unused one fills the per-CPU cache
        self.w.counters["atomic_allocs"] += atomic
        self.w.counters["sleeping_allocs"] += sleeping
        if (atomic or sleeping) and not self.spare:
            self.spare = 1
            self.w.counters["objs_alloc"] += 1

    # -- page_add_rmap ----------------------------------------------------------------------------

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
        while len(pages):  # a page twice in one batch is added in rounds
            _, first = np.unique(pages, return_index=True)
            used = self._add(pages[first], slots[first])
            if cause == "fork":
                self._try_spare(used, 0)
            if len(first) == len(pages):
                return
            rest = np.ones(len(pages), np.bool_)
            rest[first] = False
            pages, slots = pages[rest], slots[rest]

    def _add(self, pages: Ints, slots: Ints) -> int:
        # distinct pages; returns the blocks consumed
        kind, ref = self.kind[pages], self.ref[pages]
        none = kind == _NONE
        self.kind[pages[none]], self.ref[pages[none]] = _DIRECT, slots[none]
        direct = kind == _DIRECT
        head = np.where(kind == _CHAIN, ref, 0)
        full = (kind == _CHAIN) & (self.block.idx[head] == 0)
        room = (kind == _CHAIN) & ~full
        if room.any():
            at = self.block.idx[ref[room]] - 1
            self.ptes[ref[room], at] = slots[room]
            self.block.idx[ref[room]] = at
        used = int(direct.sum() + full.sum())
        if used:
            blocks = self._alloc(used)
            two, more = blocks[: int(direct.sum())], blocks[int(direct.sum()) :]
            last = self.slots - 1
            self.ptes[two, last], self.ptes[two, last - 1] = ref[direct], slots[direct]
            self.block.idx[two] = last - 1
            self.ptes[more, last] = slots[full]
            self.block.idx[more], self.block.next[more] = last, ref[full]
            self.kind[pages[direct]] = _CHAIN
            self.ref[pages[direct]], self.ref[pages[full]] = two, more
        return used

    # -- page_remove_rmap -------------------------------------------------------------------------

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_remove_rmap of each pte."""
        self._reach()
        while len(pages):
            _, first = np.unique(pages, return_index=True)
            self._remove(pages[first], slots[first])
            if len(first) == len(pages):
                return
            rest = np.ones(len(pages), np.bool_)
            rest[first] = False
            pages, slots = pages[rest], slots[rest]

    def _remove(self, pages: Ints, slots: Ints) -> None:
        # distinct pages: find the slot from the head block on, move the head's first used entry into the hole
        direct = self.kind[pages] == _DIRECT
        if (self.ref[pages[direct]] != slots[direct]).any():
            raise Corruption("page.pte.direct is not the pte removed")
        self.kind[pages[direct]], self.ref[pages[direct]] = _NONE, -1
        pages, slots = pages[~direct], slots[~direct]
        if not len(pages):
            return
        head = self.ref[pages]
        block, column = self._find(head, slots)
        first = self.block.idx[head]
        self.ptes[block, column] = self.ptes[head, first]
        self.ptes[head, first] = -1
        self.block.idx[head] = first + 1
        empty = self.block.idx[head] == self.slots
        if empty.any():
            follow = self.block.next[head[empty]]
            self._drop(head[empty])
            owners = pages[empty]
            self.ref[owners] = follow
            self.kind[owners[follow < 0]] = _NONE

    def _find(self, head: Ints, slots: Ints) -> tuple[Ints, Ints]:
        block, column = np.full(len(head), -1, np.int64), np.zeros(len(head), np.int64)
        todo, current, compared = np.arange(len(head)), head, 0
        while len(todo):
            if (current < 0).any():
                raise Corruption("a pte is on no pte_chain of its page")
            match = self.ptes[current] == slots[todo][:, None]
            found = match.any(axis=1)
            at = match.argmax(axis=1)
            compared += int(
                np.where(found, at + 1 - self.block.idx[current], self.slots - self.block.idx[current]).sum()
            )
            block[todo[found]], column[todo[found]] = current[found], at[found]
            todo, current = todo[~found], self.block.next[current[~found]]
        self.w.counters["slots_compared"] += compared
        return block, column

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """move_one_page: page_remove_rmap of the old pte, page_add_rmap of the new, one spare allocated for each."""
        owners = np.full(len(pages), target, np.int64)
        self.ptes_cleared(pages, owners, old_vpns, old_slots, "mremap")
        self.ptes_set(pages, owners, vpns, slots, "mremap")

    # -- walks ------------------------------------------------------------------------------------

    def _chains(self, pages: Ints) -> tuple[Ints, Ints, Ints]:
        # (position of the page, slot, blocks seen so far) of every pte, page by page in the order of the chain
        self._reach()
        direct = np.flatnonzero(self.kind[pages] == _DIRECT)
        where, slot = [direct], [self.ref[pages[direct]]]
        depth, seen = 1, [np.zeros(len(direct), np.int64)]
        at = np.flatnonzero(self.kind[pages] == _CHAIN)
        current = self.ref[pages[at]]
        while len(at):
            rows, columns = np.nonzero(self.ptes[current] >= 0)
            where.append(at[rows])
            slot.append(self.ptes[current[rows], columns])
            seen.append(np.full(len(rows), depth, np.int64))
            follow = self.block.next[current]
            at, current, depth = at[follow >= 0], follow[follow >= 0], depth + 1
        place, slots, nodes = np.concatenate(where), np.concatenate(slot), np.concatenate(seen)
        order = np.argsort(place, kind="stable")
        return place[order], slots[order], nodes[order]

    def anon_candidates(self, pages: Ints) -> Walk:
        """The ptes of the page's chain, nothing else; page tables give (mm, address) of each."""
        place, slots, nodes = self._chains(pages)
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
        if purpose != "referenced":
            return
        self._reach()
        chained = pages[self.kind[pages] == _CHAIN]
        heads = self.ref[chained]
        alone = (self.block.next[heads] < 0) & (self.block.idx[heads] == self.slots - 1)
        chained, heads = chained[alone], heads[alone]
        self.kind[chained], self.ref[chained] = _DIRECT, self.ptes[heads, self.slots - 1]
        self._drop(heads)

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """Chain blocks; the block of the per-CPU cache is named apart."""
        line, arch = self.w.machine.cache_line_bytes, self.w.machine.arch
        source = "L1_CACHE_BYTES: one cache line a block, mm/rmap.c 2.6.5"
        count = len(self.block)
        packed = slab_pages(count, slab_objects(line, arch))
        return (
            Footprint(kind="pte_chain", objects=count, size=line, source=source, slab_pages=packed),
            Footprint(kind="pte_chain spare (per CPU)", objects=self.spare, size=line, source=source),
        )

    def recount(self) -> dict[str, int]:
        """Blocks reached from the pages."""
        self._reach()
        current = self.ref[np.flatnonzero(self.kind == _CHAIN)]
        blocks = 0
        while len(current):
            blocks += len(current)
            current = self.block.next[current]
            current = current[current >= 0]
        return {"pte_chain": blocks, "pte_chain spare (per CPU)": self.spare}

    def check(self) -> None:
        """As many ptes on the chain as the mapcount says."""
        self._reach()
        live = self.w.page.live()
        place, _, _ = self._chains(live)
        if not np.array_equal(np.bincount(place, minlength=len(live)), self.w.page.mapcount[live]):
            raise Corruption("a pte_chain holds another number of ptes than the page's mapcount")
        dead = np.ones(len(self.kind), np.bool_)
        dead[live] = False
        if (self.kind[dead] != _NONE).any():
            raise Corruption("a freed page still has a pte_chain")

    def digest_parts(self) -> tuple[bytes, ...]:
        """Pages' heads and the blocks."""
        self._reach()
        live, rows = self.w.page.live(), self.block.live()
        parts = (self.kind[live], self.ref[live], rows, self.block.next[rows], self.block.idx[rows], self.ptes[rows])
        return tuple(part.tobytes() for part in parts)

    # -- pictures and words -----------------------------------------------------------------------

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """page.pte of the page."""
        if page < 0:
            return "", []
        self._reach()
        kind = int(self.kind[page])
        if kind != _CHAIN:
            word = "the one pte that maps it (PG_direct)" if kind else "nothing maps it"
            return "page.pte", [("direct", f"{self.ref[page]:x}" if kind else "0", word)]
        blocks, block = 0, int(self.ref[page])
        first = int(self.block.idx[block])
        while block >= 0:
            blocks, block = blocks + 1, int(self.block.next[block])
        return "pte_chain", [
            ("blocks", str(blocks), f"of {self.slots} slots, {self.w.machine.cache_line_bytes} bytes each"),
            ("next_and_idx", str(first), "first used slot of the head block; the lower ones are free"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The chain of the page: block by block, and the vma each pte lies in."""
        if page < 0:
            return super().picture(page, vma, limit)
        _, slots, depth = self._chains(np.array([page], np.int64))
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
