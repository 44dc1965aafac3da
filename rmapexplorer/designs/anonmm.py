"""anonmm (Hugh Dickins): the page remembers its address and the mm that first mapped it; mms of one exec form a group.

As merged in rmap 10 and 11 between 2.6.6 and 2.6.7: pages that mremap moves while they are shared are copied first
(variant 4e). The forms before it lose them (4a, 4c), chain their further addresses (4b), or copy what is on swap too
(4d). Kernel: mm/rmap.c, mm/mremap.c after rmap 11; anobjrmap 4/6, 5/6 (2003-03-20), 5/6, 7/6 (2004-03).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import evolve

from rmapexplorer.core.design import Design, Footprint, Incidence, Option, Picture
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.long_walks import price_all
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, NONE, Bools, Ints, Table
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import Walk, no_walk
from rmapexplorer.core.world import World
from rmapexplorer.designs import anonmm_report
from rmapexplorer.designs.anonmm_chain import AddressChains
from rmapexplorer.designs.anonmm_walk import (
    Addresses,
    Members,
    Starts,
    address_walk,
    first_mms,
    grouping,
    index_walk,
    is_long,
    with_direct,
)
from rmapexplorer.designs.losses import ONE_ADDRESS


class AnonMms(Table):
    """struct anonmm: ``mm`` -1 once it exited, ``head`` of its group, ``count`` references (the mm, its pages, a head its members)."""

    COLUMNS = {"mm": (np.int64, -1), "head": (np.int64, -1), "count": (np.int64, 0)}
    mm: Ints
    head: Ints
    count: Ints


class AnonMm(Design):
    """Hugh's design as merged (4e), its earlier forms, and Linus' without the hint which mm mapped the page first."""

    key: ClassVar[str] = "anonmm"
    title: ClassVar[str] = "anonmm"
    era: ClassVar[str] = "rmap 11"
    when: ClassVar[str] = "2003 and 2004, in no release"
    story: ClassVar[str] = "the page remembers its address in a group of mms; mremap must copy what is shared"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="variant", values=("4e", "4a", "4b", "4c", "4d"),
               help="what mremap does with shared pages. 4e: copies them (rmap 11). 4a: loses them (2003-03). 4b: chains their "
                    "further addresses (2003-03). 4c: loses them (2004-03-18). 4d: copies those on swap too (2004-03-22)"),
        Option(name="group", values=("own", "none"),
               help="own: the page names the mm that mapped it first, walks begin there. none: it names its group alone (Linus)"),
    )  # fmt: skip
    LOSES = ONE_ADDRESS
    ANON_PGOFF: ClassVar[bool] = False
    TOLD_OF_FORKED_PTES: bool = False
    OWNER: ClassVar[str] = "anonmm"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "anonmm": {
            I386: Size(24, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
            X86_64: Size(40, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
        },
        "rmap_chain": {
            I386: Size(32, "slot[7], next: mm/rmap.c of anobjrmap 5/6, 2003-03-20"),
            X86_64: Size(64, "slot[7], next: mm/rmap.c of anobjrmap 5/6, 2003-03-20"),
        },
        "rmap_chain spare (per CPU)": {
            I386: Size(32, "rmap_get_cpu keeps one block ready: mm/rmap.c of anobjrmap 5/6, 2003-03-20"),
            X86_64: Size(64, "rmap_get_cpu keeps one block ready: mm/rmap.c of anobjrmap 5/6, 2003-03-20"),
        },
    }
    GROUPS: ClassVar[bool] = True
    LOOK: ClassVar[tuple[str, str, str]] = ("anonmm", "triangle", "dash")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.variant = self.options.get("variant", "")
        self.hints = self.options.get("group", "own") == "own"
        self.chains = AddressChains() if self.variant == "4b" else None
        self.anonmm = AnonMms()
        self.groups = Chains()  # head -> all anonmms of the group, the head first
        self.of_mm: dict[int, int] = {}

    # -- tasks ------------------------------------------------------------------------------------

    def _new(self, mm: int, head: int) -> int:
        row = self.anonmm.new(mm=mm, head=head, count=1)
        if head < 0:
            self.anonmm.head[row], self.anonmm.count[row] = row, 2
            head = row
        else:
            self.anonmm.count[head] += 1
        self.groups.add_tail(head, row)
        self.of_mm[mm] = row
        self._allocated(1)
        return row

    def mm_created(self, mm: int) -> None:
        """exec: a group of its own."""
        self._new(mm, -1)

    def mm_forked(self, child: int, parent: int) -> None:
        """anonmm_fork: the child's joins the tail of the parent's group."""
        self._new(child, int(self.anonmm.head[self.of_mm[parent]]))

    def mm_gone(self, mm: int) -> None:
        """exit_rmap: the mm's reference goes; with pages left it stays on the list as an orphan."""
        row = self.of_mm.pop(mm)
        self.anonmm.mm[row] = -1
        self._put(row, 1)

    def _put(self, row: int, references: int) -> None:
        self.anonmm.count[row] -= references
        head = int(self.anonmm.head[row])
        if row != head and self.anonmm.count[row] == 0:
            self._free(row)
            self.anonmm.count[head] -= 1
        # the head holds itself: it goes when that is all there is
        if self.anonmm.count[head] == 1 and self.anonmm.mm[head] < 0:
            self._free(head)

    def _free(self, row: int) -> None:
        self.groups.remove(row)
        self.anonmm.free(row)
        self.anonmm.count[row] = 0
        self.w.counters["objs_free"] += 1

    # -- pages ------------------------------------------------------------------------------------

    def _owner(self, mm: int) -> int:
        # what a page that this mm maps first will point at: its anonmm, or (Linus) the group
        row = self.of_mm[mm]
        return row if self.hints else int(self.anonmm.head[row])

    def _owners(self, vmas: Ints) -> Ints:
        mms = self.w.vma.mm[vmas]
        if len(mms) and (mms == mms[0]).all():
            return np.full(len(mms), self._owner(int(mms[0])), np.int64)
        return np.array([self._owner(mm) for mm in mms.tolist()], np.int64)

    def index_of(self, vmas: Ints, vpns: Ints) -> Ints:
        """page->index of pages first mapped there: the address."""
        return vpns

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_add_anon_rmap: with mapcount 0 before, the faulting mm's own anonmm, and the address as index."""
        if cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            if self.chains:
                self._chain(pages[~fresh], vpns[~fresh])
            pages, vmas, vpns = pages[fresh], vmas[fresh], vpns[fresh]
        elif cause == "file" and self.chains:
            self._allocated(self.chains.get_cpu(np.zeros(len(pages), np.bool_)))  # do_no_page, for nonlinear pages
        if cause in ("first_write", "cow", "swap_in"):
            self._unbind(pages)
            self.w.page.index[pages] = self.index_of(vmas, vpns)
            if len(pages) == 1:
                owner = self._owner(self.w.vma.mm.item(vmas.item(0)))
                self.w.page.mapping[pages] = owner
                self.anonmm.count[owner] += 1
                return
            owners = self._owners(vmas)
            self.w.page.mapping[pages] = owners
            np.add.at(self.anonmm.count, owners, np.int64(1))

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_remove_rmap: with the last pte the page lets go of its anonmm, and of its chain."""
        if len(pages) == 1 and self.w.page.mapcount.item(pages.item(0)):
            return
        last = pages[(self.w.page.mapcount[pages] == 0) & ((self.w.page.state[pages] & ANON) != 0)]
        if len(last):
            last = np.unique(last) if len(last) > 1 else last
            self._unbind(last)
            if self.chains:
                self.w.counters["objs_free"] += self.chains.drop(last)

    def pages_reused(self, pages: Ints, vma: int, vpns: Ints) -> None:
        """page_turn_rmap (2003 only): a page left to one mm points at that mm's anonmm; its index stays."""
        if self.variant in ("4a", "4b"):
            self._rebind(pages, self.w.vma.mm.item(vma))

    def _unbind(self, pages: Ints) -> None:
        if len(pages) == 1:
            owner = self.w.page.mapping.item(pages.item(0))
            if owner >= 0:
                self.w.page.mapping[pages] = -1
                self._put(owner, 1)
            return
        owners = self.w.page.mapping[pages]
        self.w.page.mapping[pages] = -1
        rows, counts = np.unique(owners[owners >= 0], return_counts=True)
        for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
            self._put(row, count)

    def _rebind(self, pages: Ints, mm: int) -> None:
        owner = self._owner(mm)
        self.anonmm.count[owner] += len(pages)
        self._unbind(pages)
        self.w.page.mapping[pages] = owner

    def _chain(self, pages: Ints, vpns: Ints) -> None:
        # page_add_rmap at a further address, one page after another
        assert self.chains
        odd = self.w.page.index[pages] != vpns
        took = np.zeros(len(pages), np.bool_)
        took[odd] = self.chains.add(pages[odd], vpns[odd])
        if len(pages):
            self._allocated(self.chains.get_cpu(took))

    def _allocated(self, blocks: int) -> None:
        self.w.counters["objs_alloc"] += blocks
        self.w.counters["sleeping_allocs"] += blocks

    # -- mremap -----------------------------------------------------------------------------------

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        """4e: a page that others map too; at swap-in one that is mapped elsewhere already. 4d: what any other pte or slot shares."""
        w, numbers = self.w, entries >> ENTRY_SHIFT
        none = np.zeros(len(entries), np.bool_)
        if self.variant not in ("4d", "4e"):
            return none
        if cause == "swap_in":
            elsewhere: Bools = w.page.index[w.swap.page[numbers]] != vpns
            return elsewhere
        if cause == "mremap_swapped":
            cached = w.swap.page[numbers]
            users = w.swap.count[numbers] + np.where(cached >= 0, w.page.mapcount[cached], 0)
            return users > 1 if self.variant == "4d" else none
        users = w.page.mapcount[numbers]
        if self.variant == "4d":
            users = users + np.where(w.page.swap[numbers] >= 0, w.swap.count[w.page.swap[numbers]], 0)
        shared: Bools = ((w.page.state[numbers] & ANON) != 0) & (users > 1)
        return shared

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """A page mapped here alone gets its new address; of a shared one 4a and 4c keep the old, 4b chains the new."""
        anonymous = (self.w.page.state[pages] & ANON) != 0
        alone = anonymous & (self.w.page.mapcount[pages] == 1)
        if self.chains:
            alone[alone] = self.chains.count(pages[alone]) == 0
            further = np.flatnonzero(anonymous & ~alone & (self.w.page.index[pages] != vpns))
            self.chains.moved(vpns[further], self.chains.add(pages[further], vpns[further]))
        mine = pages[alone]
        if len(mine):
            self.w.page.index[mine] = vpns[alone]
            if not self.chains:  # page_move_rmap of 4b leaves the anonmm
                self._rebind(mine, self.w.vma.mm.item(target))

    def span_moved(self, source: int, old_start: int, target: int, start: int, pages: int) -> None:
        """4b: the spare blocks of move_one_page."""
        if self.chains:
            self._allocated(self.chains.end_of_move(start))

    # -- walks ------------------------------------------------------------------------------------

    def anon_candidates(self, pages: Ints) -> Walk:
        """The page's own anonmm first, then round the group; mms that exited or map nothing are skipped."""
        mms, vpns = self.anonmm.mm[self.w.page.mapping[pages]], self.w.page.index[pages]
        direct = self._ends_at_once(pages, mms, vpns)
        if not direct.any():
            return self.around(pages)
        rest = pages[~direct]
        return with_direct(pages, direct, mms, vpns, self.around(rest) if len(rest) else no_walk(rest))

    def _ends_at_once(self, pages: Ints, mms: Ints, vpns: Ints) -> Bools:
        # mapped once, by the mm that is looked into first: no need to list what lies behind
        w = self.w
        sure: Bools = self.plain(mms) & (w.page.mapcount[pages] == 1)
        slots = w.pt.locate(mms[sure], vpns[sure])
        entries = np.where(slots >= 0, w.pt.flat[slots], 0)
        sure[sure] = is_page(entries) & (entries >> ENTRY_SHIFT == pages[sure])
        return sure

    def plain(self, mms: Ints) -> Bools:
        """Mask: live mms in which a page's index is the address where it is looked for first, at no further cost."""
        alive: Bools = mms >= 0
        return alive

    def around(self, pages: Ints) -> Walk:
        """The walks of pages listed in full."""
        mapping, index = self.w.page.mapping[pages], self.w.page.index[pages]
        chained = self.chains.count(pages) if self.chains else np.zeros(len(pages), np.int64)
        g = grouping(self.anonmm.head[mapping], index, np.where(chained > 0, pages, -1) if self.chains else None)
        members, own = self.walkable(np.unique(g.head), mapping)
        if not self.chains and is_long(pages, g, members):
            return index_walk(self.w, pages, g, own, members)
        count = chained[g.sample] + 1
        first = np.r_[0, np.cumsum(count)]
        vpn, cost = np.empty(first[-1], np.int64), np.zeros(first[-1], np.int64)
        vpn[first[:-1]] = g.index
        if self.chains:
            further = np.ones(len(vpn), np.bool_)
            further[first[:-1]] = False
            vpn[further], cost[further] = self.chains.addresses(pages[g.sample])
        addresses = Addresses(first=first, vpn=vpn, cost=cost, whole=cost[first[1:] - 1])
        return address_walk(pages, g, own, members, addresses)

    def walkable(self, heads: Ints, mapping: Ints) -> tuple[dict[int, Members], Starts]:
        """Of each group what walks visit; and where those begin that start at the anonmms ``mapping``."""
        place, before = np.zeros(self.anonmm.capacity, np.int64), np.zeros(self.anonmm.capacity, np.int64)
        out: dict[int, Members] = {}
        for head in heads.tolist():
            rows = self.groups.members(head)
            mms = self.anonmm.mm[rows]
            alive = np.array([mm >= 0 and self.w.mms[mm].rss > 0 for mm in mms.tolist()], np.bool_)
            place[rows] = np.cumsum(alive) - alive
            before[rows] = np.arange(len(rows))
            out[head] = Members(mm=mms[alive], reach=np.flatnonzero(alive) + 1, total=len(rows))
        return out, Starts(nodes=before[mapping], walkable=place[mapping])

    def walked(self, pages: Ints, hits: Ints, purpose: str) -> None:
        """page_referenced: pages of an orphan move to the first live mm where they were found, so that orphans drain."""
        if purpose != "referenced" or not self.hints:
            return
        anonymous = (self.w.page.state[pages] & ANON) != 0
        pages, hits = pages[anonymous], hits[anonymous]
        orphaned = pages[(hits > 0) & (self.anonmm.mm[self.w.page.mapping[pages]] < 0)]
        if not len(orphaned):
            return
        found = first_mms(price_all(self.w, orphaned, self.anon_candidates))
        for page, at in zip(orphaned.tolist(), found.tolist(), strict=True):
            own, row = self.w.page.mapping.item(page), self.of_mm[at]
            self.anonmm.count[row] += 1
            self.w.page.mapping[page] = row
            self._put(own, 1)

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """anonmms, orphans included; under 4b the blocks of addresses and the one kept ready."""
        rows = (self.footprint_row("anonmm", len(self.anonmm)),)
        if not self.chains:
            return rows
        spare = self.footprint_row("rmap_chain spare (per CPU)", self.chains.spare)
        return (*rows, self.footprint_row("rmap_chain", len(self.chains.block)), spare)

    def _mapped(self) -> Ints:
        pages = self.w.page.live()
        mapped: Ints = pages[((self.w.page.state[pages] & ANON) != 0) & (self.w.page.mapcount[pages] > 0)]
        return mapped

    def _page_refs(self) -> Ints:
        pages = self.w.page.live()
        pages = pages[(self.w.page.state[pages] & ANON) != 0]
        owners = self.w.page.mapping[pages]
        return np.bincount(owners[owners >= 0], minlength=self.anonmm.capacity)

    def recount(self) -> dict[str, int]:
        """Those of live mms, those pages point at, and the heads of both."""
        rows = set(self.of_mm.values()) | set(np.flatnonzero(self._page_refs()).tolist())
        found = {"anonmm": len(rows | {int(self.anonmm.head[row]) for row in rows})}
        if self.chains:
            found |= {
                "rmap_chain": self.chains.recount(self._mapped()),
                "rmap_chain spare (per CPU)": self.chains.spare,
            }
        return found

    def check(self) -> None:
        """References: the mm, the pages, a head itself and its members."""
        pages = self._page_refs()
        for row in self.anonmm.live().tolist():
            head = int(self.anonmm.head[row])
            held = int(pages[row]) + (self.anonmm.mm[row] >= 0)
            held += self.groups.size(head) if row == head else 0
            if self.anonmm.count[row] != held:
                raise Corruption(f"anonmm {row} counts {self.anonmm.count[row]} references, {held} are held")
        if self.chains:
            mapped = self._mapped()
            self.chains.check(mapped, self.w.page.index[mapped])

    def digest_parts(self) -> tuple[bytes, ...]:
        """The anonmms and their groups."""
        rows = self.anonmm.live()
        columns = (rows, self.anonmm.mm[rows], self.anonmm.head[rows], self.anonmm.count[rows])
        lists = tuple(self.groups.members(head).tobytes() for head in np.unique(self.anonmm.head[rows]).tolist())
        chains = self.chains.digest_parts(self._mapped()) if self.chains else ()
        return (*(column.tobytes() for column in columns), *lists, *chains)

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """The anonmm of the vma's mm, where the vma holds anonymous pages."""
        if not len(vmas):
            return NONE
        owners = np.array([self._owner(mm) for mm in self.w.vma.mm[vmas].tolist()], np.int64)
        return np.where(self.w.vma.touched[vmas], owners, -1)

    def incidence(self) -> Incidence:
        """The anonmm of each vma's mm; the head of its group stands above each."""
        rows = self.anonmm.live()
        head = self.anonmm.head[rows]
        return evolve(super().incidence(), objects=rows, parents=np.where(head == rows, -1, head))

    def chained_pages(self) -> Ints:
        """Pages with an rmap_chain of addresses (4b)."""
        mapped = self._mapped() if self.chains else NONE
        return mapped[self.chains.count(mapped) > 0] if self.chains else NONE

    def owner_name(self, owner: int) -> str:
        """M0, M1 ..."""
        return f"M{owner}" if owner >= 0 else "—"

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The anonmm behind the page, or of the vma's mm."""
        return anonmm_report.owner_fields(self, page, vma)

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The group of the page, and the vmas where walks look for it in each mm."""
        return anonmm_report.picture(self, page, limit) or super().picture(page, vma, limit)
