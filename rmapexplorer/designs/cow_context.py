"""Our reading of COW contexts (Lorenzo Stoakes, LSF/MM/BPF 2026): one context an mm, in a tree that is the tree of processes.

A page points at the context of the process that first mapped it and keeps the address it had there. Those who may map
it are the contexts below; where mremap moved memory, each context has a record of it. Nothing is kept for a vma, so vmas
merge freely. A write fault that reuses a page pushes it down to the writer's context. No code was published: fields
and rules not in the text are the simplest that find every pte. Kernel: none yet.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from attrs import evolve

from rmapexplorer.core.design import Design, Footprint, Incidence, Option, Picture, StructNode
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.index.files import FileIndex, IntervalIndex
from rmapexplorer.core.long_walks import bound
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.sizes import I386, X86_64, Size
from rmapexplorer.core.table import ANON, EXCLUSIVE, NONE, Bools, Ints, Table
from rmapexplorer.core.units import Corruption
from rmapexplorer.core.walk import Walk, ranges
from rmapexplorer.core.world import World
from rmapexplorer.designs.common import vma_node

NO_REMAPS = np.empty((0, 3), np.int64)
"""Rows of (first index, first address, pages): pages with these indexes may be at these addresses. Never changed in place."""

Offers = tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]


class Contexts(Table):
    """``mm`` -1 once it exited, ``parent`` -1 for the first of an exec, ``pages`` that point here."""

    COLUMNS = {"mm": (np.int64, -1), "parent": (np.int64, -1), "pages": (np.int64, 0)}
    mm: Ints
    parent: Ints
    pages: Ints


class CowContext(Design):
    """A tree of contexts with a record for every range that moved."""

    key: ClassVar[str] = "cow_context"
    title: ClassVar[str] = "COW context (our reading)"
    era: ClassVar[str] = "talk of 2026"
    when: ClassVar[str] = "2026, a talk"
    story: ClassVar[str] = (
        "our reading of a proposal: a page points at its first mm; walks go down the tree of processes"
    )
    OPTIONS: ClassVar[tuple[Option, ...]] = (
        Option(name="track", values=("every", "shared"),
               help="every: each move is recorded. shared: only where pages are not exclusive; the others get their new address"),
    )  # fmt: skip
    FILE_INDEX: type[FileIndex] = IntervalIndex
    ANON_PGOFF: ClassVar[bool] = False
    BRK_MERGES_RIGHT: bool = False
    TOLD_OF_FORKED_PTES: bool = False
    OWNER: ClassVar[str] = "COW context"
    SIZES: ClassVar[dict[str, dict[str, Size]]] = {
        "cow_context": {
            I386: Size(
                44, "our reading, nothing was published: mm, parent, two list_heads, refcount, lock, maple_tree"
            ),
            X86_64: Size(
                72, "our reading, nothing was published: mm, parent, two list_heads, refcount, lock, maple_tree"
            ),
        },
        "remap": {
            I386: Size(20, "our reading, nothing was published: index, address, pages, list_head"),
            X86_64: Size(40, "our reading, nothing was published: index, address, pages, list_head"),
        },
    }
    SLUB: ClassVar[bool] = True
    LOOK: ClassVar[tuple[str, str, str]] = ("other", "cross", "solid")

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.context = Contexts()
        self.below = Chains()  # context -> its children, oldest first
        self.of_mm: dict[int, int] = {}
        self.remaps: dict[int, Ints] = {}
        self.shared = False  # a page that is not exclusive is among those moving

    # -- tasks ------------------------------------------------------------------------------------

    def mm_created(self, mm: int) -> None:
        """exec: a context with nothing above."""
        self._new(mm, -1)

    def mm_forked(self, child: int, parent: int) -> None:
        """A context below the parent's."""
        above = self.of_mm[parent]
        self.below.add_tail(above, self._new(child, above))

    def vmas_forked(self, parents: Ints, children: Ints) -> None:
        """The child knows of all moves up to now, but for those to vmas it did not get."""
        if not len(parents):
            return
        v = self.w.vma
        parent = int(v.mm[parents[0]])
        remaps = self.remaps.get(self.of_mm[parent], NO_REMAPS)
        for vma in sorted(set(self.w.mms[parent].vmas) - set(parents.tolist())) if len(remaps) else ():
            remaps = _without(remaps, int(v.start[vma]), int(v.end[vma]))
        self._remember(self.of_mm[int(v.mm[children[0]])], remaps)

    def _new(self, mm: int, parent: int) -> int:
        context = self.of_mm[mm] = self.context.new(mm=mm, parent=parent)
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1
        return context

    def mm_gone(self, mm: int) -> None:
        """The context outlives its mm while pages point at it."""
        context = self.of_mm.pop(mm)
        self._remember(context, NO_REMAPS)
        self.context.mm[context] = -1
        self._put(context)

    def _put(self, context: int) -> None:
        # no mm and no pages: no walk begins or ends here, what is below moves up
        if self.context.mm[context] >= 0 or self.context.pages[context]:
            return
        parent = int(self.context.parent[context])
        for child in self.below.members(context).tolist():
            self.below.remove(child)
            self.context.parent[child] = parent
            if parent >= 0:
                self.below.add_before(context, child)
        self.below.remove(context)
        self.context.free(context)
        self.w.counters["objs_free"] += 1

    # -- pages ------------------------------------------------------------------------------------

    def ptes_set(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """New pages: the mapper's context and address. Read back from swap and maybe shared: the context at the top."""
        if cause == "swap_in":
            fresh = self.w.page.mapcount[pages] == 1
            pages, vmas, vpns = pages[fresh], vmas[fresh], vpns[fresh]
        if cause in ("first_write", "cow", "swap_in") and len(pages):
            owners = np.array([self.of_mm[mm] for mm in self.w.vma.mm[vmas].tolist()], np.int64)
            for at in np.flatnonzero((self.w.page.state[pages] & EXCLUSIVE) == 0).tolist():
                owners[at] = self._line(int(owners[at]))[-1]
            self._bind(pages, owners, vpns)

    def _line(self, context: int) -> list[int]:
        # the context and all above it
        out = [context]
        while self.context.parent[out[-1]] >= 0:
            out.append(int(self.context.parent[out[-1]]))
        return out

    def _bind(self, pages: Ints, owners: Ints, vpns: Ints) -> None:
        np.add.at(self.context.pages, owners, np.int64(1))
        self._unbind(pages)
        self.w.page.mapping[pages], self.w.page.index[pages] = owners, vpns

    def _unbind(self, pages: Ints) -> None:
        owners = self.w.page.mapping[pages]
        self.w.page.mapping[pages] = -1
        rows, counts = np.unique(owners[owners >= 0], return_counts=True)
        self.context.pages[rows] -= counts
        for row in rows.tolist():
            self._put(row)

    def ptes_cleared(self, pages: Ints, vmas: Ints, vpns: Ints, slots: Ints, cause: str) -> None:
        """With its last pte a page lets go of its context."""
        last = pages[(self.w.page.mapcount[pages] == 0) & ((self.w.page.state[pages] & ANON) != 0)]
        if len(last):
            self._unbind(np.unique(last))

    def pages_reused(self, pages: Ints, vma: int, vpns: Ints) -> None:
        """Pushed down: the page is the writer's alone, so its context and address are the page's."""
        self._bind(pages, np.full(len(pages), self.of_mm[int(self.w.vma.mm[vma])], np.int64), vpns)

    def must_copy(self, entries: Ints, vma: int, vpns: Ints, cause: str) -> Bools:
        """At swap-in a page that is mapped elsewhere and could not be found from its context at this address."""
        if cause != "swap_in":
            return np.zeros(len(entries), np.bool_)
        context = self.of_mm[int(self.w.vma.mm[vma])]
        above = self._line(context)
        pages = self.w.swap.page[entries >> ENTRY_SHIFT].tolist()
        found = [self.w.page.mapping[page] in above and vpn in self._addresses(context, int(self.w.page.index[page]))
                 for page, vpn in zip(pages, vpns.tolist(), strict=True)]  # fmt: skip
        return ~np.array(found, np.bool_)

    def _addresses(self, context: int, index: int) -> list[int]:
        moved = self.remaps.get(context, NO_REMAPS)
        moved = moved[(moved[:, 0] <= index) & (index < moved[:, 0] + moved[:, 2])]
        return [index, *(index - moved[:, 0] + moved[:, 1]).tolist()]

    # -- mremap -----------------------------------------------------------------------------------

    def ptes_moved(
        self, pages: Ints, source: int, target: int, old_vpns: Ints, vpns: Ints, old_slots: Ints, slots: Ints
    ) -> None:
        """Pages keep context and index; under ``shared`` exclusive ones get the new address instead."""
        anonymous = (self.w.page.state[pages] & ANON) != 0
        pages, vpns = pages[anonymous], vpns[anonymous]
        alone = (self.w.page.state[pages] & EXCLUSIVE) != 0
        self.shared = not alone.all()
        if self.options["track"] == "shared" and alone.any():
            owner = self.of_mm[int(self.w.vma.mm[target])]
            self._bind(pages[alone], np.full(int(alone.sum()), owner, np.int64), vpns[alone])

    def span_moved(self, source: int, old_start: int, target: int, start: int, pages: int) -> None:
        """A record of the move; records of moves that ended in this span now end at its new place."""
        context = self.of_mm[int(self.w.vma.mm[target])]
        old = self.remaps.get(context, NO_REMAPS)
        kept = _without(old, old_start, old_start + pages)
        if pages and self.w.vma.touched[target] and (self.shared or self.options["track"] == "every"):
            moved = _within(old, old_start, old_start + pages)
            moved[:, 1] += start - old_start
            moved = moved[moved[:, 0] != moved[:, 1]]
            kept = np.concatenate([kept, moved, np.array([[old_start, start, pages]], np.int64)])
        self.shared = False
        self._remember(context, kept)

    def vmas_unlinked(self, vmas: Ints) -> None:
        """Nothing is mapped there any more: records that lead there go."""
        v = self.w.vma
        for vma in vmas.tolist():
            context = self.of_mm[int(v.mm[vma])]
            if context in self.remaps:
                self._remember(context, _without(self.remaps[context], int(v.start[vma]), int(v.end[vma])))

    def _remember(self, context: int, remaps: Ints) -> None:
        more = len(remaps) - len(self.remaps.pop(context, NO_REMAPS))
        if len(remaps):
            self.remaps[context] = remaps
        self.w.counters["objs_alloc"] += max(more, 0)
        self.w.counters["sleeping_allocs"] += max(more, 0)
        self.w.counters["objs_free"] += max(-more, 0)

    # -- walks ------------------------------------------------------------------------------------

    def tree(self, context: int) -> list[int]:
        """The context and all below it, each before its children."""
        out, todo = [], [context]
        while todo:
            out.append(todo.pop())
            todo += self.below.members(out[-1])[::-1].tolist()
        return out

    def anon_candidates(self, pages: Ints) -> Walk:
        """For each context below the page's: its index as an address, then where records say such pages went."""
        mapping, index = self.w.page.mapping[pages], self.w.page.index[pages]
        order = np.lexsort((index, mapping))
        fresh = np.r_[True, (np.diff(mapping[order]) != 0) | (np.diff(index[order]) != 0)]
        group = np.empty(len(pages), np.int64)
        group[order] = np.cumsum(fresh) - 1
        owner, at = mapping[order][fresh], index[order][fresh]
        owners, first = np.unique(owner, return_index=True)
        bounds = zip(owners.tolist(), first.tolist(), [*first[1:].tolist(), len(at)], strict=True)
        parts = [self._offers(context, at[low:high]) for context, low, high in bounds]
        mm, vpn, nodes, rejects, counts, total, total_rejects = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        return Walk(
            pages=pages, group=group, start=np.zeros(len(pages), np.int64), first=np.r_[0, np.cumsum(counts)], mm=mm,
            vma=np.full(len(mm), -1, np.int64), vpn=vpn, nodes=nodes, rejects=rejects, total_nodes=total,
            total_rejects=total_rejects, find_vma_per_hit=True,
        )  # fmt: skip

    def _offers(self, context: int, index: Ints) -> Offers:
        # (mm, address, nodes, rejects of each candidate; candidates, nodes, rejects of each index): a node is a context or a record
        line = np.array(self.tree(context), np.int64)
        lengths = np.array([len(self.remaps.get(row, NO_REMAPS)) for row in line.tolist()], np.int64)
        alive = np.flatnonzero(self.context.mm[line] >= 0)
        bound(len(alive) * len(index), len(index))
        query, place = np.repeat(np.arange(len(index)), len(alive)), np.tile(alive, len(index))
        record, vpn = np.full(len(query), -1, np.int64), np.repeat(index, len(alive))
        for at in np.flatnonzero(lengths).tolist():
            first, address, count = self.remaps[int(line[at])].T
            low, high = np.searchsorted(index, first), np.searchsorted(index, first + count)
            bound(len(query) + int((high - low).sum()), len(index))
            asked, row = ranges(low, high), np.repeat(np.arange(len(first)), high - low)
            query, place = np.r_[query, asked], np.r_[place, np.full(len(asked), at)]
            record, vpn = np.r_[record, row], np.r_[vpn, address[row] + index[asked] - first[row]]
        order = np.lexsort((record, place, query))
        query, place, record = query[order], place[order], record[order]
        counts = np.bincount(query, minlength=len(index))
        looked = (np.cumsum(lengths) - lengths)[place] + record + 1
        used = np.bincount(query, record >= 0, minlength=len(index)).astype(np.int64)
        reported: Ints = np.cumsum(record >= 0) - np.repeat(np.cumsum(used) - used, counts)
        total = np.full(len(index), int(lengths.sum()))
        return (self.context.mm[line[place]], vpn[order], place + 1 + looked, looked - reported,
                counts, total + len(line), total - used)  # fmt: skip

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """Contexts, those that outlive their mm included, and records of moves."""
        records = sum(map(len, self.remaps.values()))
        return self.footprint_row("cow_context", len(self.context)), self.footprint_row("remap", records)

    def _page_refs(self) -> Ints:
        pages = self.w.page.live()
        owners = self.w.page.mapping[pages[(self.w.page.state[pages] & ANON) != 0]]
        return np.bincount(owners[owners >= 0], minlength=self.context.capacity)

    def recount(self) -> dict[str, int]:
        """Contexts of live mms and of pages; records of live mms."""
        rows = set(self.of_mm.values()) | set(np.flatnonzero(self._page_refs()).tolist())
        records = [len(self.remaps.get(self.of_mm[mm], NO_REMAPS)) for mm in self.w.mms]
        return {"cow_context": len(rows), "remap": sum(records)}

    def check(self) -> None:
        """Pages are counted, children know their parents, and no record leads where nothing is mapped."""
        pages = self._page_refs()
        for row in self.context.live().tolist():
            if self.context.pages[row] != pages[row]:
                raise Corruption(f"context {row} counts {self.context.pages[row]} pages, {pages[row]} point at it")
            if any(self.context.parent[child] != row for child in self.below.members(row).tolist()):
                raise Corruption(f"a child of context {row} names another parent")
        for row, remaps in self.remaps.items():
            mm = self.w.mms[int(self.context.mm[row])]
            if any(self.w.vma_at(mm, vpn) < 0 for _, start, n in remaps.tolist() for vpn in (start, start + n - 1)):
                raise Corruption(f"context {row} has a record of pages where nothing is mapped")

    def digest_parts(self) -> tuple[bytes, ...]:
        """The tree and the records."""
        rows = self.context.live()
        columns = (rows, self.context.mm[rows], self.context.parent[rows], self.context.pages[rows])
        lists = [self.below.members(row) for row in rows.tolist()]
        records = [self.remaps.get(row, NO_REMAPS) for row in rows.tolist()]
        return tuple(part.tobytes() for part in (*columns, *lists, *records))

    # -- pictures and words -----------------------------------------------------------------------

    def vma_owner(self, vmas: Ints) -> Ints:
        """The context of the vma's mm, where the vma holds anonymous pages."""
        owners = [self.of_mm[mm] for mm in self.w.vma.mm[vmas].tolist()]
        return np.where(self.w.vma.touched[vmas], np.array(owners, np.int64), -1) if owners else NONE

    def incidence(self) -> Incidence:
        """The context of each vma's mm, and the tree of contexts."""
        rows = self.context.live()
        return evolve(super().incidence(), objects=rows, parents=self.context.parent[rows])

    def owner_name(self, owner: int) -> str:
        """C0, C1 ..."""
        return f"C{owner}" if owner >= 0 else "—"

    def _owner_of(self, page: int, vma: int) -> int:
        if page >= 0 and self.w.page.state[page] & ANON:
            return int(self.w.page.mapping[page])
        return self.of_mm[int(self.w.vma.mm[vma])] if vma >= 0 else -1

    def owner_fields(self, page: int, vma: int) -> tuple[str, list[tuple[str, str, str]]]:
        """The context behind the page, or of the vma's mm."""
        row = self._owner_of(page, vma)
        if row < 0:
            return "", []
        alive = self.context.mm[row] >= 0
        return f"COW context {self.owner_name(row)}", [
            ("mm", "alive" if alive else "gone", "" if alive else "it exited, pages still point here"),
            ("parent", self.owner_name(int(self.context.parent[row])), "the context it was forked from"),
            ("below", str(len(self.tree(row)) - 1), "contexts a walk goes down to"),
            ("remaps", str(len(self.remaps.get(row, NO_REMAPS))), "records of moved ranges"),
            ("pages", str(self.context.pages[row]), "that were first mapped here, or pushed down to here"),
        ]

    def picture(self, page: int, vma: int, limit: int) -> Picture:
        """The page's context and those below, and the vmas at the addresses each offers."""
        row = self._owner_of(page, vma)
        if row < 0 or page < 0 or not self.w.page.state[page] & ANON:
            return super().picture(page, vma, limit)
        line, nodes, links = self.tree(row), [], [("page", f"C{row}")]
        seen: set[int] = set()
        for member in line[:limit]:
            mm = int(self.context.mm[member])
            words = "alive" if mm >= 0 else "gone"
            nodes.append(StructNode(key=f"C{member}", rank=1, title=self.owner_name(member), subtitle=words,
                                    family=member, mm=mm, state="" if mm >= 0 else "dead"))  # fmt: skip
            if member != row:
                links.append((f"C{int(self.context.parent[member])}", f"C{member}"))
            for vpn in self._addresses(member, int(self.w.page.index[page])) if mm >= 0 else ():
                found = self.w.vma_at(self.w.mms[mm], vpn)
                if found >= 0 and found not in seen:
                    seen.add(found)
                    nodes.append(vma_node(self.w, found, member))
                    links.append((f"C{member}", f"v{found}"))
        headings = ("page", "COW context", "vma at its addresses", "task")
        return Picture(nodes=tuple(nodes), links=tuple(links), total=len(line), headings=headings)


def _within(remaps: Ints, start: int, end: int) -> Ints:
    # the parts of records that lead into [start, end)
    low, high = np.maximum(remaps[:, 1], start), np.minimum(remaps[:, 1] + remaps[:, 2], end)
    parts: Ints = np.stack([remaps[:, 0] + low - remaps[:, 1], low, high - low], axis=1)
    inside: Ints = parts[high > low]
    return inside


def _without(remaps: Ints, start: int, end: int) -> Ints:
    # the parts of records that lead elsewhere
    return np.concatenate([_within(remaps, -1, start), _within(remaps, end, 1 << 62)])
