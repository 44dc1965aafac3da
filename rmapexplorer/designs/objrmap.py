"""Partial object-based rmap: pages of files are found through the file's list of vmas, anonymous ones through pte_chains.

Dave McCracken's patch of 2003 and Andrea Arcangeli's objrmap-core-1 of 2004-03-08. A vma says where a page of its file
lies in it: start + index - pgoff; so a file page needs no chain, only a count. Nonlinear vmas (remap_file_pages) break
that rule, and four ways of living with them are options. Kernel: mm/rmap.c of 2.5.66-mm3, mm/objrmap.c of SUSE 9.1,
mm/rmap.c after "rmap 8" and "rmap 18" of 2004-05-22.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from attrs import evolve

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.design import Option, Picture, StructNode
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.reclaim import unmap_ptes
from rmapexplorer.core.table import ANON, Bools, Ints, ids
from rmapexplorer.core.units import TABLE_SHIFT
from rmapexplorer.core.walk import Walk, price
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import counted, foremost, vma_node
from rmapexplorer.designs.pte_chain import PteChain

CLUSTER = 32
"""Ptes one step of a sweep looks at (CLUSTER_SIZE)."""


class ObjRmap(PteChain):
    """i_mmap for pages of files, pte_chain for the others."""

    key: ClassVar[str] = "objrmap"
    title: ClassVar[str] = "objrmap"
    era: ClassVar[str] = "objrmap-core-1"
    when: ClassVar[str] = "2004, Linux 2.6.7 for files"
    story: ClassVar[str] = (
        "file pages are found through the file's vmas, at no bytes a page; anonymous ones keep pte_chains"
    )
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="early_stop", values=("on", "off"),
               help="on: page_referenced ends when mapcount ptes were found (2.6.7). off: it always goes through the whole list (2003)"),
        Option(name="nonlinear", values=("convert", "sweep", "cluster", "own-list"),
               help="convert: their pages get pte_chains (2003). sweep: unmap the whole vma (SUSE 9.1). cluster: 32 ptes at a time "
                    "(rmap 8). own-list: the same, on a list apart (rmap 18)"),
    )  # fmt: skip
    OWNER: ClassVar[str] = "i_mmap"
    LOOK: ClassVar[tuple[str, str, str]] = ("file", "pentagon", "dash dot")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.REFERENCED_STOPS = self.options["early_stop"] == "on"
        self.nonlinear = self.options["nonlinear"]
        self.converted = np.zeros(64, np.bool_)  # file pages that page_convert_anon gave chains
        self.cursor: dict[int, int] = {}  # vma -> where its next cluster begins (vm_private_data)

    def _reach(self) -> None:
        super()._reach()
        if len(self.store.kind) > len(self.converted):
            self.converted = np.r_[self.converted, np.zeros(len(self.store.kind) - len(self.converted), np.bool_)]

    def _on_chains(self, pages: Ints) -> Bools:
        mask: Bools = ((self.w.page.state[pages] & ANON) != 0) | self.converted[pages]
        return mask

    def chained(self, pages: Ints) -> Ints:
        """Anonymous pages, and those of nonlinear vmas that were converted."""
        return pages[self._on_chains(pages)]

    # -- page_add_rmap, page_remove_rmap ----------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """Of file pages only mapcount knows; under ``convert`` a pte at another place than its index says changes that."""
        self._reach()
        if self.nonlinear == "convert":
            v = self.w.vma
            odd = ((v.flags[vmas] & vm.NONLINEAR) != 0) & ~self._on_chains(pages)
            odd &= v.pgoff[vmas] + vpns - v.start[vmas] != self.w.page.index[pages]
            for page in np.unique(pages[odd]).tolist():
                self._convert(page, slots)
        mine = self._on_chains(pages)
        super().ptes_set(pages[mine], vmas[mine], vpns[mine], slots[mine], cause)

    def _convert(self, page: int, batch: Ints) -> None:
        # page_convert_anon: all vmas of the file are looked through, each pte found gets a slot on the new chain
        priced = price(self.w, evolve(self._linear(self.w.file_candidates(ids(page)), at_index=True), early_stop=False))
        c = self.w.counters
        c["walks"] += 1
        for name in ("nodes", "rejects", "probes", "hits"):
            counter = {"nodes": "list_nodes", "rejects": "range_rejects", "probes": "pte_probes"}.get(name, name)
            c[counter] += int(getattr(priced, name).sum())
        c["false_probes"] += int((priced.probes - priced.hits).sum())
        found = priced.slots[priced.hit]
        found = found[~np.isin(found, batch)]
        self.converted[page] = True
        super().ptes_set(np.full(len(found), page, np.int64), found, found, found, "file")

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """Chains lose their ptes; a converted page that nothing maps any more is an ordinary one again."""
        self._reach()
        mine = self._on_chains(pages)
        super().ptes_cleared(pages[mine], vmas[mine], vpns[mine], slots[mine], cause)
        self.converted[pages[self.w.page.mapcount[pages] == 0]] = False

    def vma_cloned(self, old: int, new: int) -> None:
        """The copy has its original's vm_private_data."""
        if old in self.cursor:
            self.cursor[new] = self.cursor[old]

    def vma_merged(self, kept: int, gone: int) -> None:
        """Its cursor goes with it."""
        self.cursor.pop(gone, None)

    def vmas_unlinked(self, vmas: Ints) -> None:
        """Their cursors go with them."""
        for row in vmas.tolist() if self.cursor else []:
            self.cursor.pop(row, None)

    # -- walks ------------------------------------------------------------------------------------

    def file_candidates(self, pages: Ints) -> Walk:
        """Every vma of the file whose span covers the page; of nonlinear ones every pte, or the page's chain."""
        if self.nonlinear != "convert":
            return self.w.file_candidates(pages)
        self._reach()
        chained = self.converted[pages]
        walks = []
        if not chained.all():
            walks.append(self._linear(self.w.file_candidates(pages[~chained]), at_index=True))
        if chained.any():
            walks.append(self.anon_candidates(pages[chained]))
        return walks[0] if len(walks) == 1 else _joined(walks[0], walks[1])

    def _linear(self, walk: Walk, at_index: bool) -> Walk:
        # without the sweep of nonlinear vmas; ``at_index``: they are asked too, where the page would be were they linear
        odd = (self.w.vma.flags[walk.vma] & vm.NONLINEAR) != 0
        groups = len(walk.first) - 1
        group = np.repeat(np.arange(groups), np.diff(walk.first))
        index, behind = np.zeros(groups, np.int64), np.zeros(groups, np.int64)
        index[walk.group] = self.w.page.index[walk.pages]
        behind[walk.group] = [len(self.w.nonlinear.get(file, [])) for file in self.w.page.mapping[walk.pages].tolist()]
        keep = ~odd
        if at_index:
            keep |= self.w.vma.pgoff[walk.vma] + walk.vpn - self.w.vma.start[walk.vma] == index[group]
        return evolve(
            walk, first=np.r_[0, np.cumsum(np.bincount(group[keep], minlength=groups))], mm=walk.mm[keep],
            vma=walk.vma[keep], vpn=walk.vpn[keep], nodes=walk.nodes[keep], rejects=walk.rejects[keep],
            total_nodes=walk.total_nodes - (behind if self.nonlinear == "own-list" else 0),
        )  # fmt: skip

    def walk_for(self, walk: Walk, purpose: str) -> Walk:
        """page_referenced and the first part of try_to_unmap leave nonlinear vmas aside."""
        if self.nonlinear == "convert" or not self.w.nonlinear or self.w.page.state[walk.pages[0]] & ANON:
            return walk
        return evolve(self._linear(walk, at_index=False), partial=True)

    def unmap_rest(self, pages: Ints) -> None:
        """try_to_unmap_file, second part: nobody knows where nonlinear vmas map the page, so ptes of any page go."""
        if self.nonlinear == "convert":
            return
        for page in pages[(self.w.page.state[pages] & ANON) == 0].tolist():
            rows = self.w.nonlinear.get(int(self.w.page.mapping[page]), [])
            rows = [row for row in rows if not int(self.w.vma.flags[row]) & vm.LOCKED]
            if not rows or not self.w.page.mapcount[page]:
                continue
            if self.nonlinear == "sweep":
                self._whole(page, rows)
            else:
                self._clusters(page, rows)

    def _whole(self, page: int, rows: list[int]) -> None:
        # try_to_unmap_nonlinear (SUSE): all of each nonlinear vma met, until the page happens to be gone
        for row in rows:
            self._sweep(page, row, int(self.w.vma.start[row]), int(self.w.vma.end[row]))
            if not self.w.page.mapcount[page]:
                return

    def _clusters(self, page: int, rows: list[int]) -> None:
        # every vma has a cursor; clusters go in turn, the least advanced vma first, until mapcount ptes of whatever page went
        v, wanted = self.w.vma, int(self.w.page.mapcount[page])
        size = {row: int(v.end[row] - v.start[row]) for row in rows}
        reach = max(*(self.cursor.get(row, 0) for row in rows), CLUSTER)
        aside = 0 if self.nonlinear == "own-list" else self.w.imap.size(int(v.file[rows[0]]))
        self.w.counters["list_nodes"] += len(rows) if self.nonlinear == "own-list" else 0
        while reach <= -(-max(size.values()) // CLUSTER) * CLUSTER:
            self.w.counters["list_nodes"] += aside
            for row in rows:
                self.w.counters["list_nodes"] += 1
                at = self.cursor.get(row, 0)
                while at < min(reach, size[row]):
                    start = int(v.start[row])
                    low = (start + at) // CLUSTER * CLUSTER
                    wanted -= self._sweep(page, row, max(low, start), min(low + CLUSTER, start + size[row]))
                    at += CLUSTER
                    self.cursor[row] = at
                    if wanted <= 0:
                        return
                self.cursor[row] = reach
            reach += CLUSTER
        for row in rows:  # all were swept to the end: the cursors begin anew
            self.cursor[row] = 0

    def _sweep(self, page: int, row: int, start: int, end: int) -> int:
        # try_to_unmap_cluster: young ptes are aged, the others unmapped, whatever page they map; returns how many went
        w, mm = self.w, self.w.mms[int(self.w.vma.mm[row])]
        for number in mm.tables.numbers(start, end):
            base = number << TABLE_SHIFT
            w.counters["pte_probes"] += min(end, base + (1 << TABLE_SHIFT)) - max(start, base)
            w.counters["false_probes"] += min(end, base + (1 << TABLE_SHIFT)) - max(start, base)
        vpns, slots = w.pt.span(mm.tables, start, end)
        there = is_page(w.pt.flat[slots])
        vpns, slots = vpns[there], slots[there]
        young = (w.pt.flat[slots] & radix.YOUNG) != 0
        w.pt.flat[slots[young]] &= ~np.int64(radix.YOUNG)
        vpns, slots = vpns[~young], slots[~young]
        pages = w.pt.flat[slots] >> ENTRY_SHIFT
        count = len(pages)
        found = int((pages == page).sum())
        w.counters["hits"] += found
        w.counters["false_probes"] -= found
        rows = np.full(count, row, np.int64)
        unmap_ptes(w, pages, slots, np.arange(count), rows, np.full(count, mm.id, np.int64), vpns, False)
        return count

    # -- accounting -------------------------------------------------------------------------------

    def digest_parts(self) -> tuple[bytes, ...]:
        """The chains, which file pages are on some, and the cursors."""
        self._reach()
        live = self.w.page.live()
        return (*super().digest_parts(), self.converted[live].tobytes(), repr(sorted(self.cursor.items())).encode())

    # -- pictures and words -----------------------------------------------------------------------

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The file's list behind a page of a file, the chain of another."""
        self._reach()
        if page < 0 or self._on_chains(ids(page))[0]:
            return super().owner_fields(page, vma)
        file = int(self.w.page.mapping[page])
        odd = len(self.w.nonlinear.get(file, []))
        return f"i_mmap of {self.w.files[file].name}", [
            ("mapcount", str(int(self.w.page.mapcount[page])), "ptes that map the page: all that is kept of them"),
            ("vmas", str(self.w.imap.size(file) + odd), "of the file: a walk may have to look at them all"),
            ("nonlinear", str(odd), "of them in which the index does not tell the place"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The file and those of its vmas that cover the page."""
        self._reach()
        if page < 0 or self._on_chains(ids(page))[0]:
            return super().picture(page, vma, limit)
        file = self.w.files[int(self.w.page.mapping[page])]
        rows = np.array(list(dict.fromkeys(self.file_candidates(ids(page)).vma.tolist())), np.int64)
        shown = foremost(self.w, page, rows, limit)
        nodes = [StructNode(key="f", rank=1, title=file.name, subtitle=counted(file.users, "vma"))]
        nodes += [vma_node(self.w, row, -1) for row in shown]
        links = [("page", "f"), *(("f", f"v{row}") for row in shown)]
        return Picture(nodes=tuple(nodes), links=tuple(links), total=len(rows),
                       headings=("page", "i_mmap", "vmas that cover it", "task"))  # fmt: skip


def _joined(one: Walk, two: Walk) -> Walk:
    # two walks as one: the groups of the second come behind those of the first
    columns = ("pages", "start", "mm", "vma", "vpn", "nodes", "rejects", "total_nodes", "total_rejects")
    both: dict[str, Any] = {name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in columns}
    each = [np.full(len(walk.pages), walk.find_vma_per_hit) for walk in (one, two)]
    return evolve(
        one, **both, group=np.r_[one.group, two.group + len(one.first) - 1],
        first=np.r_[one.first, two.first[1:] + one.first[-1]], find_vma_per_hit=np.concatenate(each),
    )  # fmt: skip


__all__ = ["CLUSTER", "ObjRmap"]
