"""anonmm that notes which ranges mremap moved: what the letter dismisses, and what its answers proposed. Never built.

Nothing is copied and nothing lost: page->index stays what it was when the page was first mapped, and walks translate it.
Three forms: ranges kept with each vma; one tree of remaps a group, translated recursively (Rajesh Venkatasubramanian,
2004-03-12); no notes at all, but every vma of every mm of the group is looked at, by its vm_pgoff (Andrea Arcangeli,
2004-03-13). A move of pages that no other process has needs no note: their index is rewritten, as rmap 11 does.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core import radix
from rmapexplorer.core.design import Footprint, Option
from rmapexplorer.core.index.files import nodes_of_tree
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, NONE, Bools, Ints
from rmapexplorer.core.units import TASK_SIZE_PAGES, Corruption
from rmapexplorer.core.walk import Walk
from rmapexplorer.core.world import World
from rmapexplorer.designs.anonmm import AnonMm
from rmapexplorer.designs.anonmm_runs import (
    EMPTY,
    closure,
    components,
    cut,
    delta_at,
    images,
    inside,
    joined,
    pieces,
    ranks,
    recorded,
)
from rmapexplorer.designs.anonmm_walk import (
    FEW,
    LISTED,
    Addresses,
    Grouping,
    Members,
    Met,
    Turn,
    address_walk,
    grouping,
    met_walk,
    turn_walk,
)

INFERRED = "our inference: no code was written"


class AnonMmRanges(AnonMm):
    """anonmm with metadata about moved ranges, in one of three forms."""

    key: ClassVar[str] = "anonmm_ranges"
    title: ClassVar[str] = "anonmm + ranges"
    era: ClassVar[str] = "March 2004, never built"
    when: ClassVar[str] = "March 2004, never built"
    story: ClassVar[str] = "anonmm that notes the ranges mremap moved, and translates addresses on every walk"
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="form", values=("ranges", "tree", "exhaustive"),
               help="ranges: kept with each vma. tree: one tree of remaps a group, followed recursively (Rajesh). exhaustive: "
                    "none, walks look at every vma of the group by its pgoff (Andrea)"),
        Option(name="alloc", values=("atomic", "preallocated"),
               help="what mremap needs is allocated under page_table_lock (GFP_ATOMIC), or the worst case before it"),
    )  # fmt: skip
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "anonmm": AnonMm.SIZES["anonmm"],
        "range": {
            I386: Size(28, f"vma, start, len, delta and a tree node: {INFERRED}"),
            X86_64: Size(56, f"vma, start, len, delta and a tree node: {INFERRED}"),
        },
        "remap record": {
            I386: Size(24, f"old start and end, new start, prio_tree_node: {INFERRED}"),
            X86_64: Size(48, f"old start and end, new start, prio_tree_node: {INFERRED}"),
        },
    }
    LOOK: ClassVar[tuple[str, str, str]] = ("anonmm", "down", "dot")

    def __init__(self, **options: str) -> None:
        super().__init__(**options)
        self.form = self.options["form"]
        if self.form == "exhaustive":
            vars(self)["ANON_PGOFF"] = True  # where memory moved from is all that walks have

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.runs: dict[int, Ints] = {}  # mm -> (start, end, delta): form ranges
        self.records: dict[int, Ints] = {}  # head of the group -> (start, end, shift): form tree

    # -- objects ----------------------------------------------------------------------------------

    def _allocate(self, needed: int, worst: int) -> None:
        # under page_table_lock, or the worst case before and what is left freed
        c = self.w.counters
        if self.options["alloc"] == "atomic":
            c["objs_alloc"] += needed
            c["atomic_allocs"] += needed
        else:
            c["objs_alloc"] += worst
            c["sleeping_allocs"] += worst
            c["objs_free"] += worst - needed

    def _free_objects(self, objects: int) -> None:
        self.w.counters["objs_free"] += objects

    def _keep(self, mm: int, runs: Ints) -> None:
        if len(runs):
            self.runs[mm] = runs
        else:
            self.runs.pop(mm, None)

    # -- pages ------------------------------------------------------------------------------------

    def index_of(self, vmas: Ints, vpns: Ints) -> Ints:
        """The address, or what the ranges (the vma's pgoff) make of it; equal for all who share the page or its slot."""
        if self.form == "exhaustive":
            v = self.w.vma
            offsets: Ints = v.pgoff[vmas] + vpns - v.start[vmas]
            return offsets
        if not self.runs:
            return vpns
        index = vpns.copy()
        mms = self.w.vma.mm[vmas]
        for mm in np.unique(mms).tolist():
            mine = mms == mm
            index[mine] += delta_at(self.runs.get(mm, EMPTY), vpns[mine])
        return index

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        """Never."""
        return np.zeros(len(entries), np.bool_)

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """All is done for the span at once."""

    def span_moved(self, source: int, old_start: int, target: int, start: int, pages: int) -> None:
        """Note the move if another process shares any page of it; if none does, the pages get the new address as index."""
        if self.form == "exhaustive":
            return
        mm = int(self.w.vma.mm[target])
        shared, mapped, vpns = self._moved(mm, start, pages)
        if self.form == "ranges":
            self._shift(mm, target, old_start, start, pages, shared)
        elif shared:
            self._record(int(self.anonmm.head[self.of_mm[mm]]), old_start, old_start + pages, start - old_start)
        if not shared and len(mapped):
            self.w.page.index[mapped] = vpns
            self._rebind(mapped, mm)

    def _moved(self, mm: int, start: int, pages: int) -> tuple[bool, Ints, Ints]:
        # (does anything else map or swap a page of the span, its anonymous pages, their page numbers)
        w = self.w
        vpns, slots = w.pt.span(w.mms[mm].tables, start, start + pages)
        entries = w.pt.flat[slots]
        present = is_page(entries)
        mapped, vpns = entries[present] >> ENTRY_SHIFT, vpns[present]
        anonymous = (w.page.state[mapped] & ANON) != 0
        mapped, vpns = mapped[anonymous], vpns[anonymous]
        slot = w.page.swap[mapped]
        users = w.page.mapcount[mapped] + np.where(slot >= 0, w.swap.count[slot], 0)
        swapped = entries[(entries & radix.SWAP) != 0] >> ENTRY_SHIFT
        cached = w.swap.page[swapped]
        others = w.swap.count[swapped] + np.where(cached >= 0, w.page.mapcount[cached], 0)
        return bool((users > 1).any() or (others > 1).any()), mapped, vpns

    def _record(self, head: int, start: int, end: int, shift: int) -> None:
        old = self.records.get(head, EMPTY)
        new = recorded(old, start, end, shift)
        self._allocate(1, 1)
        self._free_objects(len(old) + 1 - len(new))
        self.records[head] = new

    def _shift(self, mm: int, target: int, old_start: int, start: int, pages: int, shared: bool) -> None:
        runs = self.runs.get(mm, EMPTY)
        parts = pieces(runs, old_start, old_start + pages)
        opened = cut(cut(runs, old_start), old_start + pages)
        stays = (opened[:, 0] < old_start) | (opened[:, 0] >= old_start + pages)
        added = parts + np.array([1, 1, -1]) * (start - old_start)
        added = added[added[:, 2] != 0] if shared else EMPTY
        needed = len(opened) - len(runs) + len(added)
        if shared or needed:
            self._allocate(needed, len(parts) + 2)
        rows = np.concatenate([opened[stays], added])
        rows = rows[np.argsort(rows[:, 0])]
        new = joined(rows, int(self.w.vma.start[target]), int(self.w.vma.end[target]))
        self._free_objects(int((~stays).sum()) + len(rows) - len(new))
        self._keep(mm, new)

    # -- vmas -------------------------------------------------------------------------------------

    def vmas_resized(self, vmas: tuple[int, ...]) -> None:
        """Ranges end where vmas end; within a vma equal neighbours are one. Splits may sleep."""
        mm = int(self.w.vma.mm[vmas[0]])
        runs = self.runs.get(mm)
        if runs is None:
            return
        for row in vmas:
            start, end = int(self.w.vma.start[row]), int(self.w.vma.end[row])
            opened = cut(cut(runs, start), end)
            self.w.counters["objs_alloc"] += len(opened) - len(runs)
            self.w.counters["sleeping_allocs"] += len(opened) - len(runs)
            runs = joined(opened, start, end)
            self._free_objects(len(opened) - len(runs))
        self._keep(mm, runs)

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """dup_mmap copies the ranges of every vma."""
        if not self.runs or not len(parents):
            return
        v = self.w.vma
        runs = self.runs.get(int(v.mm[parents[0]]), EMPTY)
        runs = runs[inside(runs, v.start[parents], v.end[parents])] if len(runs) else runs
        self.w.counters["objs_alloc"] += len(runs)
        self.w.counters["sleeping_allocs"] += len(runs)
        self._keep(int(v.mm[children[0]]), runs)

    def vmas_unlinked(self, vmas: Ints) -> None:
        """munmap, exit: the ranges go with their vma."""
        if not self.runs or not len(vmas):
            return
        mm = int(self.w.vma.mm[vmas[0]])
        runs = self.runs.get(mm)
        if runs is None:
            return
        vmas = vmas[np.argsort(self.w.vma.start[vmas])]
        gone = inside(runs, self.w.vma.start[vmas], self.w.vma.end[vmas])
        self._free_objects(int(gone.sum()))
        self._keep(mm, runs[~gone])

    def _free(self, row: int) -> None:
        super()._free(row)
        self._free_objects(len(self.records.pop(row, EMPTY)))

    # -- walks ------------------------------------------------------------------------------------

    def plain(self, mms: Ints) -> Bools:
        """Mms without ranges; with pgoffs none."""
        if self.form == "exhaustive":
            return np.zeros(len(mms), np.bool_)
        return super().plain(mms) & ~np.isin(mms, list(self.runs))

    def around(self, pages: Ints) -> Walk:
        """As anonmm, with the index translated to what it is in each mm."""
        if not (self.runs or self.records or self.form == "exhaustive"):
            return super().around(pages)
        mapping = self.w.page.mapping[pages]
        g = grouping(self.anonmm.head[mapping], self.w.page.index[pages])
        members, own = self.walkable(np.unique(g.head), mapping)
        if self.form == "tree":
            met = self._met(pages, g, members) if len(pages) > FEW else None
            if met is not None:
                return met_walk(pages, g, own, members, *met)
            return address_walk(pages, g, own, members, self._translated(members, g.head, g.index))
        ask = self._turn_by_pgoff if self.form == "exhaustive" else self._turn_by_ranges
        return turn_walk(pages, g, own, members, ask, rejects=self.form == "exhaustive")

    def _met(self, pages: Ints, g: Grouping, members: dict[int, Members]) -> tuple[Met, Ints, Ints] | None:
        # (ptes of the pages where records lead, addresses of each group, nodes of a turn); None: few enough to list them all
        count, whole, parts, listed = np.empty(len(g.head), np.int64), np.empty(len(g.head), np.int64), {}, 0
        for head, m in members.items():
            records, mine = self.records.get(head, EMPTY), g.head == head
            vpns, label = parts[head] = components(records, g.index[mine])
            count[mine] = np.bincount(label)[label[np.searchsorted(vpns, g.index[mine])]]
            whole[mine] = self._turn(count[mine], records)
            listed += len(m.mm) * int(count[mine].sum())
        if listed <= LISTED:
            return None
        local = np.full(self.w.page.capacity, -1, np.int64)
        local[pages] = g.group
        met = [
            self._met_in(mm, who, head, g, local, *parts[head])
            for head, m in members.items() for who, mm in enumerate(m.mm.tolist())
        ]  # fmt: skip
        group, who, rank, mms, found = (np.concatenate(column) for column in zip(*met, strict=True))
        return Met(group=group, who=who, rank=rank, mm=mms, vpn=found), count, whole

    def _met_in(
        self, mm: int, who: int, head: int, g: Grouping, local: Ints, vpns: Ints, label: Ints
    ) -> tuple[Ints, ...]:
        # group, member, rank, mm and address of every pte of the mm that a walk meets
        found, slots = self.w.pt.span(self.w.mms[mm].tables, 0, TASK_SIZE_PAGES)
        entries = self.w.pt.flat[slots]
        mapped = is_page(entries)
        found, group = found[mapped], local[entries[mapped] >> ENTRY_SHIFT]
        at = np.minimum(np.searchsorted(vpns, found), len(vpns) - 1)
        index = g.index[group]
        keep = (group >= 0) & (g.head[group] == head) & (vpns[at] == found)
        keep &= label[at] == label[np.minimum(np.searchsorted(vpns, index), len(vpns) - 1)]
        group, found = group[keep], found[keep]
        rank = ranks(self.records.get(head, EMPTY), index[keep], found)
        return group, np.full(len(group), who), rank, np.full(len(group), mm), found

    def _turn(self, count: Ints, records: Ints) -> Ints:
        # nodes of one mm's turn: every address is translated both ways, and leads to the next
        return 2 * count * nodes_of_tree(len(records), 0) + count - 1

    def _translated(self, members: dict[int, Members], heads: Ints, index: Ints) -> Addresses:
        # the index first; there is nowhere to keep the rest while locks are held: every mm's turn translates again
        vpn, sizes, prices = [], [], []
        for head in members:
            records = self.records.get(head, EMPTY)
            first, found = closure(records, index[heads == head])
            sizes.append(np.diff(first))
            prices.append(self._turn(sizes[-1], records))
            vpn.append(found)
        whole, size = np.concatenate(prices), np.concatenate(sizes)
        first, cost = np.r_[0, np.cumsum(size)], np.repeat(whole, size)
        cost[first[:-1]] = 0
        return Addresses(first=first, vpn=np.concatenate(vpn), cost=cost, whole=whole)

    def _turn_by_ranges(self, mm: int, index: Ints) -> Turn:
        # one descent of the mm's tree, and a node for each range that holds the index
        runs = self.runs.get(mm, EMPTY)
        key, vpn, through = images(runs, index)
        descent = nodes_of_tree(len(runs), 0)
        return Turn(key=key, vpn=vpn, vma=np.full(len(key), -1, np.int64), within=np.full(len(key), descent, np.int64),
                    extra=through.astype(np.int64), whole=descent)  # fmt: skip

    def _turn_by_pgoff(self, mm: int, index: Ints) -> Turn:
        # every vma of the mm is visited; shared ones and those that do not cover the index are rejected
        v, rows = self.w.vma, np.array(self.w.mms[mm].vmas, np.int64)
        at = np.flatnonzero((v.flags[rows] & vm.SHARED) == 0)
        mine = rows[at]
        low = np.searchsorted(index, v.pgoff[mine])
        high = np.searchsorted(index, v.pgoff[mine] + v.end[mine] - v.start[mine])
        key, which = _pairs(low, high)
        order = np.argsort(key, kind="stable")
        key, which = key[order], which[order]
        vma = mine[which]
        return Turn(key=key, vpn=v.start[vma] + index[key] - v.pgoff[vma], vma=vma, within=at[which] + 1,
                    extra=np.zeros(len(key), np.int64), whole=len(rows))  # fmt: skip

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """anonmms, and ranges or records."""
        rows = super().footprint()
        if self.form == "ranges":
            return (*rows, self.footprint_row("range", sum(map(len, self.runs.values()))))
        if self.form == "tree":
            return (*rows, self.footprint_row("remap record", sum(map(len, self.records.values()))))
        return rows

    def recount(self) -> dict[str, int]:
        """Ranges that lie in live vmas, records of live groups."""
        found = super().recount()
        if self.form == "ranges":
            found["range"] = sum(int((owner >= 0).sum()) for owner in map(self._vmas_of, self.w.mms))
        if self.form == "tree":
            heads = np.unique(self.anonmm.head[self.anonmm.live()]).tolist()
            found["remap record"] = sum(len(self.records.get(head, EMPTY)) for head in heads)
        return found

    def _vmas_of(self, mm: int) -> Ints:
        # the vma that each range of the mm lies in, -1
        runs, rows = self.runs.get(mm, EMPTY), np.array(self.w.mms[mm].vmas, np.int64)
        if not len(runs) or not len(rows):
            return np.full(len(runs), -1, np.int64)
        at = rows[np.maximum(np.searchsorted(self.w.vma.start[rows], runs[:, 0], "right") - 1, 0)]
        fits = (self.w.vma.start[at] <= runs[:, 0]) & (runs[:, 1] <= self.w.vma.end[at])
        return np.where(fits, at, -1)

    def check(self) -> None:
        """Ranges are in order, each within one vma, none needless; no record is empty."""
        super().check()
        for mm, runs in self.runs.items():
            owner = self._vmas_of(mm) if mm in self.w.mms else NONE
            if len(owner) != len(runs) or (owner < 0).any():
                raise Corruption(f"mm {mm} has a range outside its vmas")
            if (runs[:, 0] >= runs[:, 1]).any() or (runs[:-1, 1] > runs[1:, 0]).any() or (runs[:, 2] == 0).any():
                raise Corruption(f"ranges of mm {mm} are empty, overlap or shift by nothing")
            meet = (runs[:-1, 1] == runs[1:, 0]) & (runs[:-1, 2] == runs[1:, 2]) & (owner[:-1] == owner[1:])
            if meet.any():
                raise Corruption(f"two ranges of mm {mm} should be one")
        for head, records in self.records.items():
            if not self.anonmm.alive[head] or (records[:, 0] >= records[:, 1]).any() or (records[:, 2] == 0).any():
                raise Corruption(f"anonmm {head} has an empty remap record, or is gone")

    def digest_parts(self) -> tuple[bytes, ...]:
        """The anonmms, ranges and records."""
        notes = (*sorted(self.runs.items()), (-1, EMPTY), *sorted(self.records.items()))
        return (*super().digest_parts(), *(repr(key).encode() + rows.tobytes() for key, rows in notes))

    # -- words ------------------------------------------------------------------------------------

    def vma_links(self, vmas: Ints) -> Ints:
        """Ranges of each vma."""
        count = np.zeros(len(vmas), np.int64)
        if self.runs:
            mms = self.w.vma.mm[vmas]
            for mm in np.unique(mms).tolist():
                owner = self._vmas_of(mm)
                mine = mms == mm
                count[mine] = np.bincount(owner[owner >= 0], minlength=self.w.vma.capacity)[vmas[mine]]
        return count

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The anonmm, and what is noted about moves."""
        title, fields = super().owner_fields(page, vma)
        if title and vma >= 0 and self.form == "ranges":
            links = int(self.vma_links(np.array([vma], np.int64))[0])
            fields.append(("ranges", str(links), "of this vma: where its pages were before mremap moved them"))
        if title and self.form == "tree":
            row = self.w.page.mapping[page] if page >= 0 and self.w.page.state[page] & ANON else -1
            row = int(row) if row >= 0 else self.of_mm[int(self.w.vma.mm[vma])]
            count = len(self.records.get(int(self.anonmm.head[row]), EMPTY))
            fields.append(("remap records", str(count), "of the group: followed from address to address"))
        return title, fields


def _pairs(low: Ints, high: Ints) -> tuple[Ints, Ints]:
    # (k, i) for each k in low[i]:high[i]
    which = np.repeat(np.arange(len(low)), high - low)
    before = np.cumsum(high - low) - (high - low)
    return np.arange(len(which)) - before[which] + low[which], which
