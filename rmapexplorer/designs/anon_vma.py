"""anon_vma as merged in 2.6.7: one object for all vmas that descend from one, the page remembers its offset.

Andrea Arcangeli's design in its final form: allocated at the first write fault (or borrowed from a
neighbour), a child's vma joins its parent's list at fork. File pages go by the file's prio_tree.
Kernel: mm/rmap.c, mm/mmap.c, mm/mremap.c of 2.6.7 (rmap 39 and 40). The forms it had before are options:

RFC2 of 2004-03-11: alloc=fork, direct=naive (or fixup, which it lacked), adopt=none, stop=never, files=list
the SUSE tree of spring 2004: adopt=merge, stop=never, files=list
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core.design import Design, Footprint, Option, Picture, Proposal, StructNode
from rmapexplorer.core.flags import ACCESS
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.index.files import FileIndex, ListIndex
from rmapexplorer.core.index.prio_tree import PrioTreeIndex
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, NONE, Bools, Ints, Table
from rmapexplorer.core.units import Corruption, KernelError
from rmapexplorer.core.walk import Walk, no_walk
from rmapexplorer.core.world import World
from rmapexplorer.designs import direct_pages
from rmapexplorer.designs.common import counted, foremost, grouped_list_walk, joined, reach_field, vma_node
from rmapexplorer.designs.losses import NAIVE

SOURCE = "is_mergeable_anon_vma, mm/mmap.c 2.6.7"


class Heads(Table):
    """struct anon_vma: a lock and a list head; nothing else to keep."""


class AnonVma(Design):
    """The design of Linux 2.6.7 to 2.6.33."""

    key: ClassVar[str] = "anon_vma"
    title: ClassVar[str] = "anon_vma"
    era: ClassVar[str] = "2.6.7"
    when: ClassVar[str] = "2004 to 2010, Linux 2.6.7 to 2.6.33"
    story: ClassVar[str] = "the page remembers its offset in a group of vmas that fork, split and mremap keep together"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="adopt", values=("neighbour", "none", "merge"),
               help="Which vmas share an anon_vma so that they can merge later. neighbour: at the first write (2.6.7). merge: where "
                    "a merge was tried (SUSE; our reading). none: those that descend from one (RFC2)"),
        Option(name="alloc", values=("first_write", "fork"),
               help="fork: an anon_vma only when a fork shares pages, which until then must be direct (RFC2)"),
        Option(name="direct", values=("no", "naive", "fixup"),
               help="Pages that were never shared point at their vma. naive: even if that was split, merged or moved since, and "
                    "they are lost. fixup: each page is touched then"),
        Option(name="stop", values=("mapcount", "never"),
               help="never: page_referenced looks at all vmas although every pte was found (RFC2, SUSE)"),
        Option(name="files", values=("prio_tree", "list"), help="How the vmas of a file are found (prio_tree: 2.6.7 to 3.6)"),
    )  # fmt: skip
    LOSES = NAIVE
    FILE_INDEX: type[FileIndex] = PrioTreeIndex
    OWNER: ClassVar[str] = "anon_vma"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "anon_vma": {
            I386: Size(12, "spinlock, list_head: field list of include/linux/rmap.h, 2.6.7, SMP"),
            X86_64: Size(24, "spinlock, list_head: field list of include/linux/rmap.h, 2.6.7, SMP"),
        },
        "vma linkage": {
            I386: Size(12, "vma->anon_vma_node and vma->anon_vma: include/linux/mm.h, 2.6.7"),
            X86_64: Size(24, "vma->anon_vma_node and vma->anon_vma: include/linux/mm.h, 2.6.7"),
        },
    }
    LOOK: ClassVar[tuple[str, str, str]] = ("anon_vma", "circle", "dash dot")

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        if self.options["alloc"] == "fork" and self.options["direct"] == "no":
            raise KernelError(
                "EINVAL",
                "anon_vma with alloc=fork needs direct=naive or direct=fixup: pages have nothing else to point at",
                "alloc",
            )
        if self.options["files"] == "list":
            self.FILE_INDEX = ListIndex
        if self.options["stop"] == "never":
            self.REFERENCED_STOPS = False
        self.direct = self.options["direct"] != "no"
        self.fixup = self.options["direct"] == "fixup"
        self.TOLD_OF_FORKED_PTES = self.direct

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.bounds: dict[int, tuple[int, int]] = {}  # of vmas being resized, before
        self.av = Heads()
        self.lists = Chains()  # anon_vma -> its vmas, head first
        self.turn = np.zeros(64, np.int64)  # of each vma on its list: greater is nearer to the head
        self.turns = 0
        self.adopted = [-1, -1]

    def _reach(self) -> None:
        need = self.w.vma.capacity
        self.lists._reach(0, need - 1)
        if need > len(self.turn):
            grown = np.zeros(need, np.int64)
            grown[: len(self.turn)] = self.turn
            self.turn = grown

    @property
    def own(self) -> Ints:
        """vma->anon_vma by vma id, -1 NULL."""
        self._reach()
        return self.lists.owner

    def has_anon(self, vma: int) -> bool:
        """vma->anon_vma != NULL, or direct pages may be there."""
        return bool(self.own[vma] >= 0) or (self.direct and bool(self.w.vma.touched[vma]))

    def has_anon_many(self, vmas: Ints) -> Bools:
        """has_anon for many."""
        mask: Bools = (self.own[vmas] >= 0) | (self.w.vma.touched[vmas] & np.bool_(self.direct))
        return mask

    # -- vmas -------------------------------------------------------------------------------------

    def _join(self, av: int, vma: int) -> None:
        # __anon_vma_link: list_add at the head
        self._reach()
        self.lists.add_head(av, vma)
        self.turns += 1
        self.turn[vma] = self.turns

    def prepare(self, vma: int) -> None:
        """anon_vma_prepare: adopt a neighbour's or allocate (may sleep)."""
        if self.own.item(vma) < 0 and self.options["alloc"] == "first_write":
            self._give(vma)

    def _give(self, vma: int) -> None:
        av = self._mergeable(vma, self.w.vma.flags.item(vma)) if self.options["adopt"] == "neighbour" else -1
        if av < 0:
            av = self.av.new()
            self.w.counters["objs_alloc"] += 1
            self.w.counters["sleeping_allocs"] += 1
        self._join(av, vma)

    def share_with_neighbours(self, vma: int, flags: int) -> None:
        """adopt=merge: a vma that just failed to merge shares the anon_vma of a neighbour it could be mprotected into."""
        if self.options["adopt"] == "merge" and self.own[vma] < 0:
            av = self._mergeable(vma, flags)
            if av >= 0:
                self._join(av, vma)

    def _mergeable(self, vma: int, flags: int) -> int:
        """find_mergeable_anon_vma: next, then prev; flags may differ in read, write, exec."""
        v, own = self.w.vma, self.own
        mm = self.w.mms[v.mm.item(vma)]
        prev, next_ = self.w.around(mm, v.start.item(vma), v.end.item(vma))
        for low, high, neighbour in ((vma, next_, next_), (prev, vma, prev)):
            if neighbour < 0 or own[neighbour] < 0 or v.end[low] != v.start[high] or v.file[low] != v.file[high]:
                continue
            same = not (flags ^ v.flags.item(neighbour)) & ~ACCESS
            if same and v.pgoff[high] == v.pgoff[low] + v.end[low] - v.start[low]:
                return int(own[neighbour])
        return -1

    def vma_cloned(self, old: int, new: int) -> None:
        """split_vma, copy_vma: the new part joins the list."""
        if self.own[old] >= 0:
            self._join(self.own.item(old), new)
        if self.fixup:
            direct_pages.tie_span(self.w, new, self.w.vma.start.item(new), self.w.vma.end.item(new))

    def vmas_resizing(self, vmas: tuple[int, ...]) -> None:
        """Remember what each vma holds."""
        if self.fixup:
            self.bounds = {row: (self.w.vma.start.item(row), self.w.vma.end.item(row)) for row in vmas}

    def vmas_resized(self, vmas: tuple[int, ...]) -> None:
        """Pages that a vma took over are tied to it."""
        for row, (start, end) in self.bounds.items():
            direct_pages.tie_span(self.w, row, self.w.vma.start.item(row), start)
            direct_pages.tie_span(self.w, row, end, self.w.vma.end.item(row))
        self.bounds = {}

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """anon_vma_link of each child's vma; where pages were direct so far parent and child get an anon_vma now."""
        if self.direct:
            bare = parents[(self.own[parents] < 0) & self.w.vma.touched[parents]]
            for vma in bare.tolist():
                if direct_pages.holds_anonymous(self.w, vma):
                    self._give(vma)
        own = self.own[parents]
        joined, owners = children[own >= 0], own[own >= 0]
        self.lists.add_head_many(owners, joined)
        self.turn[joined] = self.turns + 1 + np.arange(len(joined))
        self.turns += len(joined)

    def anon_vma_adopted(self, target: int, source: int) -> None:
        """vma_adjust: an unfaulted vma that takes in part of another joins its list."""
        if self.own[target] < 0 and self.own[source] >= 0:
            self._join(self.own.item(source), target)
            self.adopted = [target, source]

    def vma_merged(self, kept: int, gone: int) -> None:
        """__anon_vma_merge: the dying vma leaves the list; a survivor that had no anon_vma takes its place there."""
        if self.adopted == [kept, gone]:
            self.lists.remove(kept)
            self.lists.add_after(gone, kept)
            self.turn[kept] = self.turn[gone]
        elif self.own[kept] < 0 <= self.own[gone]:  # only where direct pages do not tell who had one
            self._join(self.own.item(gone), kept)
        self.vmas_unlinked(np.array([gone], np.int64))

    def vmas_unlinked(self, vmas: Ints) -> None:
        """anon_vma_unlink: list_del, and the anon_vma goes with its last vma."""
        self._reach()
        if len(vmas) == 1:
            self._unlink(vmas.item(0))
        else:
            self._unlink_many(vmas)

    def _unlink_many(self, vmas: Ints) -> None:
        owners = np.unique(self.lists.remove_many(vmas))
        dead = owners[(owners >= 0)]
        dead = dead[self.lists.count[dead] == 0]
        self.av.free_many(dead)
        self.w.counters["objs_free"] += len(dead)

    def _unlink(self, vma: int) -> None:
        owner = self.lists.remove(vma)
        if owner >= 0 and not self.lists.count.item(owner):
            self.av.free(owner)
            self.w.counters["objs_free"] += 1

    def may_merge(self, target: int, proposal: Proposal, side: str) -> Refusal | None:
        """is_mergeable_anon_vma: one of the two has none, or they are the same."""
        mine = int(self.own[proposal.anon_from]) if proposal.anon_from >= 0 else -1
        return self._compare(mine, self.own.item(target))

    def may_join(self, prev: int, next: int) -> Refusal | None:
        """The test of case 1 and 6 of vma_merge: prev and next agree too."""
        return self._compare(self.own.item(prev), self.own.item(next))

    def _compare(self, mine: int, theirs: int) -> Refusal | None:
        if mine < 0 or theirs < 0 or mine == theirs:
            return None
        names = self.owner_name(mine), self.owner_name(theirs)
        return Refusal("anon_vma", f"different anon_vma: {names[0]} and {names[1]}", *names, SOURCE)

    # -- pages ------------------------------------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """page_add_anon_rmap with mapcount 0 before: mapping and index. A direct page that gets shared: its anon_vma."""
        if cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            self._shared(pages[~fresh], vmas[~fresh])
            pages, vmas, vpns = pages[fresh], vmas[fresh], vpns[fresh]
        if cause in ("first_write", "cow") and len(pages) == 1 and not self.direct:
            self._bind_one(pages.item(0), vmas.item(0), vpns.item(0))
        elif cause in ("first_write", "cow", "swap_in"):
            v = self.w.vma
            self.w.page.mapping[pages] = direct_pages.tokens(self.w, vmas) if self.direct else self.own[vmas]
            self.w.page.index[pages] = v.pgoff[vmas] + vpns - v.start[vmas]
        elif cause == "fork":
            self._shared(pages, vmas)

    def _bind_one(self, page: int, vma: int, vpn: int) -> None:
        v = self.w.vma
        self.w.page.mapping[page] = self.own.item(vma)
        self.w.page.index[page] = v.pgoff.item(vma) + vpn - v.start.item(vma)

    def _shared(self, pages: Ints, vmas: Ints) -> None:
        if self.direct:
            turned = ((self.w.page.state[pages] & ANON) != 0) & direct_pages.is_direct(self.w.page.mapping[pages])
            self.w.page.mapping[pages[turned]] = self.own[vmas[turned]]

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """mremap: the index stays; a direct page has another vma now."""
        if self.fixup:
            direct_pages.tie(self.w, pages, target)

    def anon_candidates(self, pages: Ints) -> Walk:
        """The vmas of the page's anon_vma, head first; those whose range misses the index are rejected."""
        direct = direct_pages.is_direct(self.w.page.mapping[pages])
        if direct.any():
            rest = pages[~direct]
            listed = self._listed(rest) if len(rest) else no_walk(rest)
            return joined(listed, direct_pages.direct_walk(self.w, pages[direct]))
        return self._listed(pages)

    def _listed(self, pages: Ints) -> Walk:
        owners = np.unique(self.w.page.mapping[pages])
        if len(owners) < 64:
            lists = [self.lists.members(owner) for owner in owners.tolist()]
            first = np.cumsum([0, *map(len, lists)])
            return grouped_list_walk(self.w, pages, owners, first, np.concatenate(lists) if lists else NONE)
        vmas = self.w.vma.live()
        own = self.own[vmas]
        wanted = np.zeros(self.av.capacity, np.bool_)
        wanted[owners] = True
        vmas = vmas[(own >= 0) & wanted[np.maximum(own, 0)]]
        vmas = vmas[np.lexsort((-self.turn[vmas], self.own[vmas]))]
        first = np.append(np.searchsorted(self.own[vmas], owners), len(vmas))
        return grouped_list_walk(self.w, pages, owners, first, vmas)

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """anon_vmas, and the linkage inside the vmas that are on a list."""
        linked = int(self.lists.count.sum())
        return (
            self.footprint_row("anon_vma", len(self.av)),
            self.footprint_row("vma linkage", linked, slab=False),
        )

    def recount(self) -> dict[str, int]:
        """What live vmas reach."""
        own = self.own[self.w.vma.live()]
        return {"anon_vma": len(np.unique(own[own >= 0])), "vma linkage": int((own >= 0).sum())}

    def check(self) -> None:
        """Every list holds exactly the vmas that name it; with fix-ups every direct page points at its vma."""
        if self.fixup:
            direct_pages.check(self.w)
        own = self.own[self.w.vma.live()]
        counts = np.bincount(own[own >= 0], minlength=len(self.lists.count))
        if not np.array_equal(counts, self.lists.count[: len(counts)]):
            raise Corruption("an anon_vma's list differs from the vmas that name it")

    def digest_parts(self) -> tuple[bytes, ...]:
        """Owners and turns of the live vmas."""
        live = self.w.vma.live()
        return (self.av.live().tobytes(), self.own[live].astype(np.int64).tobytes(), self.turn[live].tobytes())

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """vma->anon_vma."""
        return self.own[vmas].astype(np.int64)

    def vma_links(self, vmas: Ints) -> Ints:
        """1 where the vma is on a list."""
        return (self.own[vmas] >= 0).astype(np.int64)

    def owner_name(self, owner: int) -> str:
        """A0, A1 ..."""
        return f"A{owner}" if owner >= 0 else "—"

    def _owner_of(self, page: int, vma: int) -> int:
        if page >= 0 and self.w.page.state[page] & ANON:
            return self.w.page.mapping.item(page)
        return self.own.item(vma) if vma >= 0 else -1

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The anon_vma behind the page or vma."""
        av = self._owner_of(page, vma)
        if av <= -2:
            row = int(direct_pages.rows_of(self.w, np.array([av], np.int64))[0])
            span = f"{self.w.vma.start.item(row):x}-{self.w.vma.end.item(row):x}" if row >= 0 else "gone"
            return "direct page", [("vma", span, "the page points at this vma: no fork has shared it")]
        if av < 0:
            return "", []
        return f"anon_vma {self.owner_name(av)}", [
            (
                "head",
                counted(self.lists.size(av), "vma"),
                "all that descend from the vma it was made for, newest first",
            ),
            ("lock", "its own spinlock", "taken by faults that prepare it, forks of its vmas and walks of its pages"),
            reach_field(self.w, self.lists.members(av)),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The anon_vma and its list, in walking order."""
        av = self._owner_of(page, vma)
        if av < 0:
            row = int(direct_pages.rows_of(self.w, np.array([av], np.int64))[0]) if av <= -2 else -1
            if row < 0:
                return super().picture(page, vma, limit)
            headings = ("page", "", "vma it points at", "task")
            return Picture(nodes=(vma_node(self.w, row, -1),), links=(("page", f"v{row}"),), total=1, headings=headings)
        members = self.lists.members(av)
        anon = page >= 0 and bool(self.w.page.state[page] & ANON)
        shown = foremost(self.w, page if anon else -1, members, limit)
        nodes = [
            StructNode(
                key=f"A{av}", rank=1, title=self.owner_name(av), subtitle=counted(len(members), "vma"), family=av
            )
        ]
        nodes += [vma_node(self.w, row, av) for row in shown]
        links = [("page", f"A{av}")] if anon else []
        links += [(f"A{av}", f"v{row}") for row in shown]
        headings = ("page", "anon_vma", "vmas on its list", "task")
        return Picture(nodes=tuple(nodes), links=tuple(links), total=len(members), headings=headings)
