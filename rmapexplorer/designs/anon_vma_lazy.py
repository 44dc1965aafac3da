"""Our reading of ANON_VMA_LAZY (Honor, May 2026, not merged): no anon_vma before a fork needs one.

Pages of a vma that never forked point at the mm, and their index is their address. At fork the parent's vma gets the
anon_vma it went without, and its resident pages are tied to it; the child's vma hangs on the anon_vmas of its parent
but gets none of its own until it forks itself. What the child writes points at the child's mm. Everything else is
anon_vma_chain of 6.18.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import evolve

from rmapexplorer.core.design import Option, Picture, StructNode
from rmapexplorer.core.table import EXCLUSIVE, NONE, Bools, Ints
from rmapexplorer.core.walk import Walk, no_walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.anon_vma_chain import AnonVmaChain
from rmapexplorer.designs.common import vma_node

LAZY = 1 << 40
"""page->mapping of a page that points at an mm: LAZY + id of the mm."""

PUBLISHED = {
    "after boot": {"anon_vma": (20426.4, 613.75), "anon_vma_chain": (18865.8, 8112.06)},
    "with 24 apps": {"anon_vma": (33280.0, 2648.12), "anon_vma_chain": (31477.1, 15576.8)},
}
"""Slab memory of a phone in KB, (before, after): cover letter of the series, linux-kernel, 27 May 2026."""


def chains_after(before: float, anon_vma: tuple[float, float], anon_vma_bytes: int, avc_bytes: int = 64) -> float:
    """KB of avcs left, from KB of avcs before and of anon_vmas (before, after): each anon_vma saved saves one avc, its own."""
    return before - (anon_vma[0] - anon_vma[1]) * avc_bytes / anon_vma_bytes


class AnonVmaLazy(AnonVmaChain):
    """anon_vma_chain of 6.18 that makes anon_vmas at fork."""

    key: ClassVar[str] = "anon_vma_lazy"
    title: ClassVar[str] = "anon_vma lazy (our reading)"
    era: ClassVar[str] = "RFC 2026"
    when: ClassVar[str] = "2026, proposed"
    story: ClassVar[str] = "our reading of a proposal: pages point at their mm until fork makes the anon_vma they need"
    OPTIONS: ClassVar[tuple[Option, ...]] = ()
    TOLD_OF_FORKED_PTES: bool = True
    OWNER: ClassVar[str] = "mm or anon_vma"
    LOOK: ClassVar[tuple[str, str, str]] = ("avc", "star", "dot")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.lazy = np.zeros(64, np.bool_)  # of each vma: prepared, without an anon_vma of its own

    def _reach(self) -> None:
        super()._reach()
        if len(self.own) > len(self.lazy):
            self.lazy = np.concatenate([self.lazy, np.zeros(len(self.own) - len(self.lazy), np.bool_)])

    def has_anon(self, vma: int) -> bool:
        """Prepared: with an anon_vma or without."""
        self._reach()
        return bool(self.own[vma] >= 0 or self.lazy[vma])

    def has_anon_many(self, vmas: Ints) -> Bools:
        """has_anon for many."""
        self._reach()
        return (self.own[vmas] >= 0) | self.lazy[vmas]

    def prepare(self, vma: int) -> None:
        """vma_prepare_anon_vma_lazy: nothing is allocated."""
        self._reach()
        self.lazy[vma] |= self.own[vma] < 0

    # -- vmas -------------------------------------------------------------------------------------

    def vma_cloned(self, old: int, new: int) -> None:
        """The new part is as the old one."""
        super().vma_cloned(old, new)
        self.lazy[new] = self.lazy[old]

    def anon_vma_adopted(self, target: int, source: int) -> None:
        """dup_anon_vma: a vma on no anon_vma takes the chain of what it takes in."""
        self._reach()
        if self.chain[target] < 0 <= self.chain[source]:
            self.own[target] = self.own[source]
            self._clone(target, source, fork=False)
        self.lazy[target] = self.has_anon(target) or self.lazy[source]
        self.lazy[target] &= self.own[target] < 0

    def vma_merged(self, kept: int, gone: int) -> None:
        """The chain of a vma taken in whole goes to the survivor if that has none: its pages may need it."""
        self.anon_vma_adopted(kept, gone)
        self._unlink(gone)
        self.lazy[gone] = False

    def vmas_unlinked(self, vmas: Ints) -> None:
        """unlink_anon_vmas."""
        super().vmas_unlinked(vmas)
        self.lazy[vmas] = False

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """The parents' vmas get the anon_vmas they went without; the children's are linked to all of theirs."""
        self._reach()
        self.own[children] = self.chain[children] = -1
        self.lazy[children] = False
        faulted = self.has_anon_many(parents)
        parents, children = parents[faulted], children[faulted]
        for vma in parents[self.own[parents] < 0].tolist():
            self._upgrade(vma)
        self.lazy[children] = True
        self._link_children(children, self._levels(parents))

    def _upgrade(self, vma: int) -> None:
        # as anon_vma_prepare where it hangs on none, as anon_vma_fork of today below its parent's
        own = self._mergeable(vma) if self.chain[vma] < 0 else self._unused(vma)
        if own < 0:
            own = self._new_root() if self.chain[vma] < 0 else self._new_below(self._identity(vma))
        if own not in self.avc.anon_vma[self.links(vma)]:
            self._link(vma, own)
        self.own[vma], self.lazy[vma] = own, False
        self.av.active[own] += 1

    def _unused(self, vma: int) -> int:
        avs = self.avc.anon_vma[self.links(vma)[::-1]]
        free = avs[self.rules.reuse(self.av, avs, avs)]
        return int(free[0]) if len(free) else -1

    def _new_below(self, parent: int) -> int:
        root = int(self.av.root[parent])
        av = self.av.new(root=root, parent=parent, refs=1)
        self.av.refs[root] += 1
        self.av.children[parent] += 1
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1
        return av

    def _link_children(self, children: Ints, levels: Ints) -> None:
        # anon_vma_clone of each child in turn, oldest link first; levels are [depth, vma], newest first, -1 below the end
        depth = len(levels)
        turn = self.seq + np.arange(len(children)) * depth
        for age in range(depth):
            have = levels[depth - 1 - age] >= 0
            links = self.avc.new_many(int(have.sum()))
            self.avc.vma[links] = children[have]
            self.avc.anon_vma[links] = self.avc.anon_vma[levels[depth - 1 - age][have]]
            self.avc.seq[links] = turn[have] + age
            self.avc.below[links] = self.chain[children[have]]
            self.chain[children[have]] = links
            self.trees.add_head_many(self.avc.anon_vma[links], links)
            self.w.counters["objs_alloc"] += len(links)
            self.w.counters["sleeping_allocs"] += len(links)
        self.seq += depth * len(children)

    def _identity(self, vma: int) -> int:
        # the newest anon_vma it hangs on: equal ones in one mm mean equal chains
        return int(self.avc.anon_vma[self.chain[vma]]) if self.chain[vma] >= 0 else -1

    def _fork_child(self, vma: int) -> bool:
        return vma >= 0 and bool(self.chain[vma] >= 0) and (len(self.links(vma)) > 1 or bool(self.own[vma] < 0))

    # -- pages ------------------------------------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """New pages: the vma's own anon_vma or the mm. Of the pages a fork shares those that pointed at the mm are tied now."""
        self._reach()
        if cause in ("first_write", "cow"):
            self._place(pages, vmas, vpns, self.own[vmas])
        elif cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            for page, vma, vpn in zip(pages[fresh], vmas[fresh], vpns[fresh], strict=True):
                top = self._identity(int(vma))
                shared = top >= 0 and not self.w.page.state[page] & EXCLUSIVE
                owner = self.av.root[top] if shared else self.own[vma]
                self._place(page[None], vma[None], vpn[None], np.array([owner]))
        elif cause == "fork":
            tied = self.w.page.mapping[pages] >= LAZY
            pages, vmas, vpns = pages[tied], vmas[tied], vpns[tied]
            self._bind(pages, vmas, vpns, self.avc.anon_vma[self.chain[vmas]])
            self.w.counters["pages_touched_for_fixup"] += len(pages)

    def _place(self, pages: Ints, vmas: Ints, vpns: Ints, owner: Ints) -> None:
        # to an anon_vma, or where that is -1 to the mm and the address
        self._bind(pages, vmas, vpns, owner)
        alone = owner < 0
        self.w.page.mapping[pages[alone]] = np.int64(LAZY) + self.w.vma.mm[vmas[alone]]
        self.w.page.index[pages[alone]] = vpns[alone]

    def pages_reused(self, pages: Ints, vma: int, vpns: Ints) -> None:
        """folio_move_anon_rmap: to the writer's anon_vma, or its mm."""
        vmas = np.full(len(pages), vma, np.int64)
        self._place(pages, vmas, vpns, self.own[vmas])

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """The address is the index of a page that points at its mm."""
        alone = self.w.page.mapping[pages] >= LAZY
        self.w.page.index[pages[alone]] = vpns[alone]

    # -- walks ------------------------------------------------------------------------------------

    def anon_candidates(self, pages: Ints) -> Walk:
        """A page that points at its mm is in that mm, at its index: one node, one pte. Others as in 6.18."""
        mapping = self.w.page.mapping[pages]
        alone = mapping >= LAZY
        some = pages[~alone]
        tree = super().anon_candidates(some) if len(some) else no_walk(NONE)
        count, groups = int(alone.sum()), len(tree.first) - 1
        group = np.empty(len(pages), np.int64)
        group[~alone], group[alone] = tree.group, groups + np.arange(count)
        one, zero = np.ones(count, np.int64), np.zeros(count, np.int64)
        return evolve(
            tree, pages=pages, group=group, start=np.zeros(len(pages), np.int64),
            first=np.r_[tree.first, tree.first[-1] + 1 + np.arange(count)], mm=np.r_[tree.mm, mapping[alone] - LAZY],
            vma=np.r_[tree.vma, -one], vpn=np.r_[tree.vpn, self.w.page.index[pages[alone]]],
            nodes=np.r_[tree.nodes, one], rejects=np.r_[tree.rejects, zero], total_nodes=np.r_[tree.total_nodes, one],
            total_rejects=np.r_[tree.total_rejects, zero], find_vma_per_hit=alone,
        )  # fmt: skip

    def digest_parts(self) -> tuple[bytes, ...]:
        """And which vmas go without."""
        self._reach()
        return (*super().digest_parts(), self.lazy[self.w.vma.live()].tobytes())

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """The newest anon_vma the vma hangs on."""
        self._reach()
        return np.where(self.chain[vmas] >= 0, self.avc.anon_vma[self.chain[vmas]], -1)

    def owner_name(self, owner: int) -> str:
        """A0, A1 ... or mm 0, mm 1 ..."""
        return f"mm {owner - LAZY}" if owner >= LAZY else super().owner_name(owner)

    def _alone(self, page: int) -> bool:
        return page >= 0 and bool(self.w.page.mapping[page] >= LAZY)

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The mm a page points at, or the anon_vma."""
        if not self._alone(page):
            return super().owner_fields(page, vma)
        name, index = self.owner_name(int(self.w.page.mapping[page])), int(self.w.page.index[page])
        return name, [("index", f"{index:x}", "the address: it was never shared, so there is no anon_vma yet")]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The page's mm and the one vma; or the anon_vmas."""
        if not self._alone(page):
            return super().picture(page, vma, limit)
        owner = int(self.w.page.mapping[page])
        mm = owner - LAZY
        row = self.w.vma_at(self.w.mms[mm], int(self.w.page.index[page]))
        node = StructNode(key=f"M{mm}", rank=1, title=self.owner_name(owner), subtitle="no anon_vma yet", mm=mm)
        return Picture(
            nodes=(node, vma_node(self.w, row, -1)), links=(("page", f"M{mm}"), (f"M{mm}", f"v{row}")), total=1,
            headings=("page", "mm", "vma at its address", "task"),
        )  # fmt: skip
