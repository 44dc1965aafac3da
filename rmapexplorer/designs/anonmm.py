"""anonmm (Hugh Dickins): the page remembers its address and the mm that first mapped it; mms of one exec form a group.

As merged in rmap 10 and 11 between 2.6.6 and 2.6.7: pages that mremap moves while they are shared are copied first
(variant 4e). Variant 4c of 2004-03-18 does not copy and loses them. Kernel: mm/rmap.c, mm/mremap.c after rmap 11.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core.design import Design, Footprint, Option, Picture, StructNode
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, NONE, Bools, Ints, Table
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import vma_node


class AnonMms(Table):
    """struct anonmm: ``mm`` -1 once it exited, ``head`` of its group, ``count`` references (the mm, its pages, a head its members)."""

    COLUMNS = {"mm": (np.int64, -1), "head": (np.int64, -1), "count": (np.int64, 0)}
    mm: Ints
    head: Ints
    count: Ints


class AnonMm(Design):
    """Hugh's design as merged (4e), or the lossy form it had for four days (4c)."""

    key: ClassVar[str] = "anonmm"
    title: ClassVar[str] = "anonmm"
    era: ClassVar[str] = "rmap 11"
    story: ClassVar[str] = "the page remembers its address in a group of mms; mremap must copy what is shared"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="variant", values=("4e", "4c"),
               help="4e: mremap copies shared pages (rmap 11). 4c: it does not, and they cannot be found any more (2004-03-18)"),
    )  # fmt: skip
    ANON_PGOFF: ClassVar[bool] = False
    OWNER: ClassVar[str] = "anonmm"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "anonmm": {
            I386: Size(24, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
            X86_64: Size(40, "count, lock, mm, head, list: mm/rmap.c after rmap 11, SMP"),
        }
    }
    LOOK: ClassVar[tuple[str, str, str]] = ("anonmm", "triangle", "dash")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.lossy = self.options["variant"] == "4c"
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
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1
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

    def _mine(self, vmas: Ints) -> Ints:
        # the anonmm of each vma's mm
        mms = self.w.vma.mm[vmas]
        if len(mms) and (mms == mms[0]).all():
            return np.full(len(mms), self.of_mm[int(mms[0])], np.int64)
        return np.array([self.of_mm[mm] for mm in mms.tolist()], np.int64)

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_add_anon_rmap with mapcount 0 before: the faulting mm's own anonmm, and the address as index."""
        if cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            pages, vmas, vpns = pages[fresh], vmas[fresh], vpns[fresh]
        if cause in ("first_write", "cow", "swap_in"):
            self._unbind(pages)
            owners = self._mine(vmas)
            self.w.page.mapping[pages] = owners
            self.w.page.index[pages] = vpns
            np.add.at(self.anonmm.count, owners, np.int64(1))

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_remove_rmap: with the last pte the page lets go of its anonmm."""
        last = pages[(self.w.page.mapcount[pages] == 0) & ((self.w.page.state[pages] & ANON) != 0)]
        if len(last):
            self._unbind(np.unique(last))

    def _unbind(self, pages: Ints) -> None:
        owners = self.w.page.mapping[pages]
        self.w.page.mapping[pages] = -1
        rows, counts = np.unique(owners[owners >= 0], return_counts=True)
        for row, count in zip(rows.tolist(), counts.tolist(), strict=True):
            self._put(row, count)

    # -- mremap -----------------------------------------------------------------------------------

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        """4e: a page that others map too; at swap-in a page that is mapped at another address already."""
        if self.lossy:
            return np.zeros(len(entries), np.bool_)
        if cause == "swap_in":
            pages = self.w.swap.page[entries >> 12]
            elsewhere: Bools = self.w.page.index[pages] != vpns
            return elsewhere
        pages = entries >> 12
        anonymous = (self.w.page.state[pages] & ANON) != 0
        shared: Bools = anonymous & (self.w.page.mapcount[pages] != 1)
        return shared

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """page_update_anon_rmap: a page mapped here alone gets its new address; under 4c a shared one keeps the old."""
        alone = ((self.w.page.state[pages] & ANON) != 0) & (self.w.page.mapcount[pages] == 1)
        mine, where = pages[alone], vpns[alone]
        if not len(mine):
            return
        self.w.page.index[mine] = where
        owner = self.of_mm[int(self.w.vma.mm[target])]
        self.anonmm.count[owner] += len(mine)
        self._unbind(mine)
        self.w.page.mapping[mine] = owner

    # -- walks ------------------------------------------------------------------------------------

    def anon_candidates(self, pages: Ints) -> Walk:
        """The page's own anonmm first, then round the group; mms that exited or map nothing are skipped."""
        mapping, index = self.w.page.mapping[pages], self.w.page.index[pages]
        head = self.anonmm.head[mapping]
        keys, group = np.unique(np.stack([head, index]), axis=1, return_inverse=True)
        group = group.reshape(-1)
        mms, vpn, nodes, first, total = [], [], [], [0], []
        place, before = np.zeros(self.anonmm.capacity, np.int64), np.zeros(self.anonmm.capacity, np.int64)
        for number in np.unique(keys[0]).tolist():
            members = self.groups.members(number)
            alive = self._walkable(members)
            mm = self.anonmm.mm[members[alive]]
            # a candidate's start: how many walkable members stand before the page's own
            place[members] = np.cumsum(alive) - alive
            before[members] = np.arange(len(members))
            reach = np.flatnonzero(alive) + 1
            for at in keys[1][keys[0] == number].tolist():
                mms.append(mm)
                vpn.append(np.full(len(mm), at, np.int64))
                nodes.append(reach)
                first.append(first[-1] + len(mm))
                total.append(len(members))
        count = np.diff(np.array(first, np.int64))[group]
        start = np.where(count > 0, place[mapping] % np.maximum(count, 1), 0)
        flat = np.concatenate(mms) if mms else NONE
        return Walk(
            pages=pages, group=group, start=start, first=np.array(first, np.int64), mm=flat,
            vma=np.full(len(flat), -1, np.int64), vpn=np.concatenate(vpn) if vpn else NONE,
            nodes=np.concatenate(nodes) if nodes else NONE, rejects=np.zeros(len(flat), np.int64),
            total_nodes=np.array(total, np.int64), total_rejects=np.zeros(len(total), np.int64), before=before[mapping],
            find_vma_per_hit=True,
        )  # fmt: skip

    def _walkable(self, members: Ints) -> Bools:
        mms = self.anonmm.mm[members]
        return np.array([mm >= 0 and self.w.mms[mm].rss > 0 for mm in mms.tolist()], np.bool_)

    def walked(self, pages: Ints, hits: Ints, purpose: str) -> None:
        """page_referenced: pages of an orphan move to the first live mm where they were found, so that orphans drain."""
        if purpose != "referenced":
            return
        anonymous = (self.w.page.state[pages] & ANON) != 0
        pages, hits = pages[anonymous], hits[anonymous]
        orphaned = pages[(hits > 0) & (self.anonmm.mm[self.w.page.mapping[pages]] < 0)]
        for page in orphaned.tolist():
            self._rehome(page)

    def _rehome(self, page: int) -> None:
        own = int(self.w.page.mapping[page])
        members = self.groups.members(int(self.anonmm.head[own]))
        turn = int(np.flatnonzero(members == own)[0])
        vpn = int(self.w.page.index[page])
        for row in np.roll(members, -turn).tolist():
            mm = self.w.mms.get(int(self.anonmm.mm[row]))
            entry = self.w.pt.get(mm.tables, vpn) if mm else 0
            if entry & 1 and entry >> 12 == page and not entry & 32:
                self.anonmm.count[row] += 1
                self.w.page.mapping[page] = row
                self._put(own, 1)
                return

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """anonmms, orphans included."""
        return (self.footprint_row("anonmm", len(self.anonmm)),)

    def _page_refs(self) -> Ints:
        pages = self.w.page.live()
        pages = pages[(self.w.page.state[pages] & ANON) != 0]
        owners = self.w.page.mapping[pages]
        return np.bincount(owners[owners >= 0], minlength=self.anonmm.capacity)

    def recount(self) -> dict[str, int]:
        """Those of live mms, those pages point at, and the heads of both."""
        rows = set(self.of_mm.values()) | set(np.flatnonzero(self._page_refs()).tolist())
        return {"anonmm": len(rows | {int(self.anonmm.head[row]) for row in rows})}

    def check(self) -> None:
        """References: the mm, the pages, a head itself and its members."""
        pages = self._page_refs()
        for row in self.anonmm.live().tolist():
            head = int(self.anonmm.head[row])
            held = int(pages[row]) + (self.anonmm.mm[row] >= 0)
            held += self.groups.size(head) if row == head else 0
            if self.anonmm.count[row] != held:
                raise Corruption(f"anonmm {row} counts {self.anonmm.count[row]} references, {held} are held")

    def digest_parts(self) -> tuple[bytes, ...]:
        """The anonmms and their groups."""
        rows = self.anonmm.live()
        columns = (rows, self.anonmm.mm[rows], self.anonmm.head[rows], self.anonmm.count[rows])
        lists = tuple(self.groups.members(head).tobytes() for head in np.unique(self.anonmm.head[rows]).tolist())
        return tuple(column.tobytes() for column in columns) + lists

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """The anonmm of the vma's mm, where the vma holds anonymous pages."""
        if not len(vmas):
            return NONE
        owners = np.array([self.of_mm[mm] for mm in self.w.vma.mm[vmas].tolist()], np.int64)
        return np.where(self.w.vma.touched[vmas], owners, -1)

    def owner_name(self, owner: int) -> str:
        """M0, M1 ..."""
        return f"M{owner}" if owner >= 0 else "—"

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The anonmm behind the page, or of the vma's mm."""
        row = -1
        if page >= 0 and self.w.page.state[page] & ANON:
            row = int(self.w.page.mapping[page])
        elif vma >= 0:
            row = self.of_mm[int(self.w.vma.mm[vma])]
        if row < 0:
            return "", []
        head = int(self.anonmm.head[row])
        alive = self.anonmm.mm[row] >= 0
        return f"anonmm {self.owner_name(row)}", [
            ("mm", "alive" if alive else "NULL", "" if alive else "an orphan: it exited, pages still point here"),
            ("head", self.owner_name(head), f"of a group of {self.groups.size(head)} that one exec began"),
            ("count", str(self.anonmm.count[row]), "references: the mm, its pages; a head also its members"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The group of the page, and the vma at its address in each mm."""
        row = -1
        if page >= 0 and self.w.page.state[page] & ANON:
            row = int(self.w.page.mapping[page])
        if row < 0:
            return super().picture(page, vma, limit)
        members = self.groups.members(int(self.anonmm.head[row]))
        turn = int(np.flatnonzero(members == row)[0])
        vpn = int(self.w.page.index[page])
        nodes, links = [], [("page", f"M{row}")]
        for at, member in enumerate(np.roll(members, -turn)[:limit].tolist()):
            mm = int(self.anonmm.mm[member])
            words = ("own, " if member == row else "") + ("alive" if mm >= 0 else "orphan")
            nodes.append(StructNode(key=f"M{member}", rank=1, title=self.owner_name(member), subtitle=words,
                                    family=member, mm=mm, state="" if mm >= 0 else "dead"))  # fmt: skip
            if at:
                links.append((f"M{row}", f"M{member}"))
            found = self.w.vma_at(self.w.mms[mm], vpn) if mm >= 0 else -1
            if found >= 0:
                nodes.append(vma_node(self.w, found, member))
                links.append((f"M{member}", f"v{found}"))
        return Picture(
            nodes=tuple(nodes),
            links=tuple(links),
            total=len(members),
            headings=("page", "anonmm", "vma at its address", "task"),
        )
