"""anon_vma_chain (2.6.34 to today): an anon_vma per process and vma, linked to vmas many-to-many.

Rik van Riel's answer of 2010 to the 2004 design's long lists: after a fork the child's new pages belong to
the child's own anon_vma, so their walk meets the child alone; inherited pages keep the parent's, and the child's
vma hangs on every anon_vma of its ancestors. The links are avcs; walks go by list, since 3.7 by interval tree. What
differs between versions stands in avc_eras.py. Kernel: mm/rmap.c 2.6.34 to 6.18.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import evolve

from rmapexplorer.core.design import Footprint, Incidence, Option, Picture, Proposal
from rmapexplorer.core.flags import ACCESS
from rmapexplorer.core.index.files import FileIndex, IntervalIndex
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.sizes import Size
from rmapexplorer.core.table import EXCLUSIVE, NONE, Bools, Ints
from rmapexplorer.core.walk import Walk
from rmapexplorer.designs import avc_report
from rmapexplorer.designs.avc_eras import ERAS, NOW, Sizes
from rmapexplorer.designs.avc_links import AvcLinks
from rmapexplorer.designs.losses import DOUBLE_REUSE

CHILD = "one side belongs to a fork child (its chain is longer than one), the other was never faulted"
NEW = "the side that would grow was never faulted: its chain is empty, not singular, and {0} is not NULL"
DIFFERENT = "different anon_vma: {0} and {1}"


class AnonVmaChain(AvcLinks):
    """The design of Linux 6.18, or of one of the versions it came through."""

    key: ClassVar[str] = "anon_vma_chain"
    title: ClassVar[str] = "anon_vma_chain"
    era: ClassVar[str] = "6.18"
    when: ClassVar[str] = "since 2010, Linux 2.6.34 to today"
    story: ClassVar[str] = "every vma hangs on its own anon_vma and on those of its ancestors; a page names one of them"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="era", values=tuple(ERAS),
               help="kernel version: 2.6.34 lists; 3.0 no merges of forked vmas; 3.7 trees; 4.0 and 6.0 reuse at fork; 6.18 merges again"),
    )  # fmt: skip
    LOSES = DOUBLE_REUSE
    FILE_INDEX: type[FileIndex] = IntervalIndex
    BRK_MERGES_RIGHT: bool = False
    TOLD_OF_FORKED_PTES: bool = False
    OWNER: ClassVar[str] = "anon_vma"
    SIZES: ClassVar[Sizes] = NOW
    SLUB: ClassVar[bool] = True
    LOOK: ClassVar[tuple[str, str, str]] = ("avc", "diamond", "solid")

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.rules = ERAS[self.options.get("era", "6.18")]
        self.FILE_INDEX = self.rules.file_index
        self.BRK_MERGES_RIGHT = self.rules.brk_merges_right

    # -- single vmas ------------------------------------------------------------------------------

    def has_anon(self, vma: int) -> bool:
        """vma->anon_vma != NULL."""
        self._reach()
        return self.own.item(vma) >= 0

    def has_anon_many(self, vmas: Ints) -> Bools:
        """has_anon for many."""
        self._reach()
        return self.own[vmas] >= 0

    def prepare(self, vma: int) -> None:
        """__anon_vma_prepare: borrow a neighbour's anon_vma or make a root."""
        self._reach()
        if self.own.item(vma) >= 0:
            return
        av = self._mergeable(vma)
        if av < 0:
            av = self._new_root()
        self.own[vma] = av
        self._link(vma, av)
        self.av.active[av] += 1

    def _mergeable(self, vma: int) -> int:
        """find_mergeable_anon_vma: next, then prev."""
        v = self.w.vma
        mm = self.w.mms[v.mm.item(vma)]
        prev, next_ = self.w.around(mm, v.start.item(vma), v.end.item(vma))
        for low, high, neighbour in ((vma, next_, next_), (prev, vma, prev)):
            if neighbour < 0 or v.end.item(low) != v.start.item(high) or v.file[low] != v.file[high]:
                continue
            if (v.flags.item(low) ^ v.flags.item(high)) & ~ACCESS:
                continue
            if v.pgoff[high] != v.pgoff[low] + v.end[low] - v.start[low]:
                continue
            if self.own[neighbour] >= 0 and len(self.links(neighbour)) == 1:
                return self.own.item(neighbour)
        return -1

    def vma_cloned(self, old: int, new: int) -> None:
        """anon_vma_clone of __split_vma and copy_vma."""
        self._reach()
        self.chain[new] = -1
        self.own[new] = self.own[old]
        self._clone(new, old, fork=False)

    def anon_vma_adopted(self, target: int, source: int) -> None:
        """dup_anon_vma."""
        self._reach()
        if self.own[source] >= 0 and self.own[target] < 0:
            self.own[target] = self.own[source]
            self._clone(target, source, fork=False)

    def vmas_resizing(self, vmas: tuple[int, ...]) -> None:
        """anon_vma_interval_tree_pre_update_vma: the avcs leave their trees; here their turn is given anew afterwards."""

    def vmas_resized(self, vmas: tuple[int, ...]) -> None:
        """anon_vma_interval_tree_post_update_vma: back into the trees, behind equals. A list stays as it is."""
        for vma in vmas if self.rules.by_pgoff else ():
            for avc in self.links(vma):
                self.avc.seq[avc] = self.seq
                self.seq += 1

    def vma_merged(self, kept: int, gone: int) -> None:
        """unlink_anon_vmas of the vma taken in."""
        self._unlink(gone)

    def vmas_unlinked(self, vmas: Ints) -> None:
        """unlink_anon_vmas of each; many at once go in bulk."""
        self._reach()
        if len(vmas) <= 16:
            for vma in vmas.tolist():
                self._unlink(vma)
            return
        linked = vmas[self.chain[vmas] >= 0]
        if len(linked) > 16:
            self._unlink_many(linked)
        else:
            for vma in linked.tolist():
                self._unlink(vma)

    # -- fork -------------------------------------------------------------------------------------

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """anon_vma_fork for each vma that has an anon_vma."""
        self._reach()
        self.own[children] = self.chain[children] = -1
        faulted = self.own[parents] >= 0
        parents, children = parents[faulted], children[faulted]
        if not len(parents):
            return
        levels = self._levels(parents)
        avs = np.where(levels >= 0, self.avc.anon_vma[np.maximum(levels, 0)], 0)
        reusable = (levels >= 0) & self.rules.reuse(self.av, avs, self.own[parents])
        if len(parents) < 4 or reusable.any():
            for parent, child in zip(parents.tolist(), children.tolist(), strict=True):
                self._fork_one(parent, child)
        else:
            self._fork_many(parents, children, levels)

    # -- pages ------------------------------------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """__folio_set_anon for pages mapped the first time: mapping and index."""
        if cause in ("first_write", "cow"):
            if len(pages) == 1:
                self._bind_one(pages.item(0), vmas.item(0), vpns.item(0))
            else:
                self._bind(pages, vmas, vpns, self.own[vmas])
        elif cause == "swap_in":
            unbound = self.w.page.mapping[pages] < 0
            owner = self.own[vmas]
            owner = np.where((self.w.page.state[pages] & EXCLUSIVE) != 0, owner, self.av.root[owner])
            self._bind(pages[unbound], vmas[unbound], vpns[unbound], owner[unbound])

    def _bind(self, pages: Ints, vmas: Ints, vpns: Ints, owner: Ints) -> None:
        v = self.w.vma
        self.w.page.mapping[pages] = owner
        self.w.page.index[pages] = v.pgoff[vmas] + vpns - v.start[vmas]

    def _bind_one(self, page: int, vma: int, vpn: int) -> None:
        v = self.w.vma
        self.w.page.mapping[page] = self.own.item(vma)
        self.w.page.index[page] = v.pgoff.item(vma) + vpn - v.start.item(vma)

    def pages_reused(self, pages: Ints, vma: int, vpns: Ints) -> None:
        """folio_move_anon_rmap: to the writer's own anon_vma."""
        self.w.page.mapping[pages] = self.own[vma]

    # -- merging ----------------------------------------------------------------------------------

    def _identity(self, vma: int) -> int:
        # what must be equal where both sides have one
        return self.own.item(vma)

    def _fork_child(self, vma: int) -> bool:
        return vma >= 0 and len(self.links(vma)) > 1

    def may_merge(self, target: int, proposal: Proposal, side: str) -> Refusal | None:
        """is_mergeable_anon_vma: equal anon_vmas, or the era's word where one side has none."""
        self._reach()
        mine = self._identity(proposal.anon_from) if proposal.anon_from >= 0 else -1
        theirs, rules = self._identity(target), self.rules
        if theirs < 0 <= mine:
            child = any(self._fork_child(v) for v in (proposal.middle, proposal.copied_from))
            if child and not rules.new_takes_child and rules.new_takes_faulted:
                return self._refusal("fork child", CHILD, mine, theirs)
            return None if rules.new_takes_faulted else self._refusal("unfaulted", NEW, mine, theirs)
        if mine < 0 <= theirs:
            allowed = rules.child_takes_new or not self._fork_child(target)
            return None if allowed else self._refusal("fork child", CHILD, mine, theirs)
        return None if mine == theirs else self._refusal("anon_vma", DIFFERENT, mine, theirs)

    def _refusal(self, rule: str, sentence: str, mine: int, theirs: int) -> Refusal:
        names = self.owner_name(mine), self.owner_name(theirs)
        source = self.rules.source if sentence is DIFFERENT else self.rules.one_sided
        return Refusal(rule, sentence.format(*names), *names, source)

    def may_join(self, prev: int, next: int) -> Refusal | None:
        """are_anon_vmas_compatible."""
        self._reach()
        left, right = self._identity(prev), self._identity(next)
        if left < 0 or right < 0 or left == right:
            return None
        return evolve(self._refusal("anon_vma", DIFFERENT, left, right), source=self.rules.join)

    # -- walks ------------------------------------------------------------------------------------

    def _ordered(self, avcs: Ints) -> Ints:
        # by anon_vma, then pgoff where they are trees, then turn
        key = self.w.vma.pgoff[self.avc.vma[avcs]] * self.rules.by_pgoff
        return avcs[np.lexsort((self.avc.seq[avcs], key, self.avc.anon_vma[avcs]))]

    def tree(self, av: int) -> Ints:
        """The avcs of an anon_vma in walking order: those of a tree by pgoff, equals by their turn; of a list by turn."""
        return self._ordered(self.trees.members(av))

    def anon_candidates(self, pages: Ints) -> Walk:
        """rmap_walk_anon: the vmas of the page's anon_vma whose interval covers its index."""
        return self.rules.walk(self.w, pages, *self._members_of(np.unique(self.w.page.mapping[pages])))

    def _members_of(self, avs: Ints) -> tuple[Ints, Ints, Ints]:
        # (anon_vmas, start of each in the list, vmas anon_vma by anon_vma in order)
        if len(avs) < 64:
            lists = [self.avc.vma[self.tree(av)] for av in avs.tolist()]
            return avs, np.cumsum([0, *map(len, lists)]), np.concatenate(lists) if lists else NONE
        avcs = self.avc.live()
        mask = np.zeros(self.av.capacity, np.bool_)
        mask[avs] = True
        avcs = self._ordered(avcs[mask[self.avc.anon_vma[avcs]]])
        return avs, np.append(np.searchsorted(self.avc.anon_vma[avcs], avs), len(avcs)), self.avc.vma[avcs]

    # -- accounting -------------------------------------------------------------------------------

    def size_of(self, kind: str) -> Size:
        """Of the era's kernel."""
        return self.rules.sizes[kind][self.w.machine.arch]

    def footprint(self) -> tuple[Footprint, ...]:
        """anon_vmas and avcs."""
        return (
            self.footprint_row("anon_vma", len(self.av)),
            self.footprint_row("anon_vma_chain", len(self.avc)),
        )

    def recount(self) -> dict[str, int]:
        """What live vmas reach."""
        self._reach()
        vmas = self.w.vma.live()
        avcs = [avc for vma in vmas[self.chain[vmas] >= 0].tolist() for avc in self.links(vma)]
        linked = set(self.avc.anon_vma[avcs].tolist()) if avcs else set()
        linked |= {self.av.root.item(av) for av in linked}
        return {"anon_vma": len(linked), "anon_vma_chain": len(avcs)}

    def digest_parts(self) -> tuple[bytes, ...]:
        """Tables and the vmas' heads."""
        parts = [*self.av.digest_parts(), *self.avc.digest_parts()]
        self._reach()
        live = self.w.vma.live()
        return (*parts, *(head[live].astype(np.int64).tobytes() for head in (self.own, self.chain)))

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """vma->anon_vma."""
        self._reach()
        return self.own[vmas].astype(np.int64)

    def vma_links(self, vmas: Ints) -> Ints:
        """Length of vma->anon_vma_chain."""
        self._reach()
        count, current = np.zeros(len(vmas), np.int64), self.chain[vmas]
        while (current >= 0).any():
            count += current >= 0
            current = np.where(current >= 0, self.avc.below[np.maximum(current, 0)], -1)
        return count

    def owner_name(self, owner: int) -> str:
        """A0, A1 ..."""
        return f"A{owner}" if owner >= 0 else "—"

    def check(self) -> None:
        """Raise Corruption where counters and chains contradict each other."""
        avc_report.check(self)

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """Fields of the anon_vma behind the page, or of the vma's own."""
        return avc_report.owner_fields(self, page, vma)

    def incidence(self) -> Incidence:
        """Every avc, and the tree of anon_vmas."""
        return avc_report.incidence(self)

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The anon_vmas of the vma's chain (or the page's) and every vma on their trees."""
        return avc_report.picture(self, page, vma, limit)
