"""How a file keeps the vmas that map it: the two lists of 2.6, or the interval tree of 3.7.

Both answer the same questions; what differs is the order of a walk and what it costs. Only the order
and the cost are simulated, the nodes of the interval tree by the formula ceil(log2(n + 1)) + overlapping.
Kernel: i_mmap and i_mmap_shared (include/linux/fs.h, 2.6), mm/interval_tree.c (3.7).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import ClassVar, Protocol

import numpy as np
from attrs import frozen

from rmapexplorer.core.flags import SHARED
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.long_walks import bound
from rmapexplorer.core.table import Ints, VmaTable
from rmapexplorer.core.walk import ranges


class FileIndex(Protocol):
    """What a world asks of the order of a file's vmas. Vmas are ids, files are ids."""

    KIND: ClassVar[str]

    def __init__(self, vma: VmaTable) -> None: ...

    def copy(self, vma: VmaTable) -> FileIndex:
        """An independent copy that reads the vmas of ``vma``."""

    def insert(self, row: int) -> None:
        """A new vma of its file (vma_link_file)."""

    def insert_forked(self, parents: Ints, children: Ints) -> None:
        """Children's vmas beside their parents' (dup_mmap)."""

    def remove(self, row: int) -> None:
        """The vma leaves (unlink_file_vma)."""

    def remove_many(self, rows: Ints) -> None:
        """Many vmas leave at once."""

    def order(self, file: int) -> Ints:
        """All vmas of a file, in the order of a walk."""

    def size(self, file: int) -> int:
        """Number of vmas of a file."""

    def in_order(self, file: int) -> bool:
        """The invariant of its structure holds (for the audit)."""

    def stab(self, file: int, indexes: Ints) -> list[Stab]:
        """For each page of the file the vmas whose span covers it, in walking order, with what finding them visits."""


@frozen(eq=False)
class Stab:
    """Answer to one stabbing query: covering ``vmas`` in order; ``nodes`` visited up to and including each; ``total``
    visited by a walk that never stops early; ``rejects``: visited members that do not cover, cumulative likewise."""

    vmas: Ints
    nodes: Ints
    total: int
    rejects: Ints
    total_rejects: int


def stab_list(vma: VmaTable, order: Ints, indexes: Ints) -> list[Stab]:
    """Stabbing queries on a list: every member is a node visited.

    Costs members and answers, not members times queries: 18,000 queries to 576,000 vmas are one sort of the answers.
    """
    if len(indexes) == 1:
        return [_stab_one(vma, order, int(indexes[0]))]
    pgoff = vma.pgoff[order]
    sort = np.argsort(indexes, kind="stable")
    low = np.searchsorted(indexes[sort], pgoff)
    high = np.searchsorted(indexes[sort], pgoff + vma.end[order] - vma.start[order])
    bound(int((high - low).sum()), len(indexes))
    member = np.repeat(np.arange(len(order)), high - low)
    query = sort[ranges(low, high)]
    by_query = np.argsort(query, kind="stable")
    member = member[by_query]
    bounds = np.searchsorted(query[by_query], np.arange(len(indexes) + 1)).tolist()
    rows, place, total = order[member], member + 1, len(order)
    rank = np.arange(1, len(member) + 1)
    out = []
    for first, last in zip(bounds, bounds[1:], strict=False):
        seen = place[first:last]
        out.append(Stab(rows[first:last], seen, total, seen - rank[: last - first], total - (last - first)))
    return out


def _stab_one(vma: VmaTable, order: Ints, index: int) -> Stab:
    pgoff = vma.pgoff[order]
    at = np.flatnonzero((pgoff <= index) & (index < pgoff + vma.end[order] - vma.start[order]))
    place = at + 1
    return Stab(order[at], place, len(order), place - np.arange(1, len(at) + 1), len(order) - len(at))


class ListIndex:
    """i_mmap and i_mmap_shared, two lists; a walk goes through the first, then the second (2.4 to 2.6.6)."""

    KIND: ClassVar[str] = "list"

    def __init__(self, vma: VmaTable) -> None:
        self.vma = vma
        self.lists = Chains()

    def copy(self, vma: VmaTable) -> ListIndex:
        """An independent copy that reads the vmas of ``vma``."""
        other = ListIndex(vma)
        other.lists = self.lists.copy()
        return other

    def insert(self, row: int) -> None:
        """list_add_tail on the list of its kind (__vma_link_file)."""
        shared = bool(self.vma.flags[row] & SHARED)
        self.lists.add_tail(2 * self.vma.file.item(row) + shared, row)

    def insert_forked(self, parents: Ints, children: Ints) -> None:
        """dup_mmap: list_add_tail(&child->shared, &parent->shared), that is right before the parent's."""
        self.lists.add_beside_many(parents, children, after=False)

    def remove(self, row: int) -> None:
        """list_del (__remove_shared_vm_struct)."""
        self.lists.remove(row)

    def remove_many(self, rows: Ints) -> None:
        """list_del of many."""
        self.lists.remove_many(rows)

    def order(self, file: int) -> Ints:
        """i_mmap, then i_mmap_shared."""
        return np.concatenate([self.lists.members(2 * file), self.lists.members(2 * file + 1)])

    def size(self, file: int) -> int:
        """Length of both lists."""
        return self.lists.size(2 * file) + self.lists.size(2 * file + 1)

    def in_order(self, file: int) -> bool:
        """A list has no order to break."""
        return True

    def stab(self, file: int, indexes: Ints) -> list[Stab]:
        """Every member of both lists is looked at."""
        return stab_list(self.vma, self.order(file), indexes)


class IntervalIndex:
    """The interval tree keyed by pgoff: in-order, equal keys in order of insertion, a fork's right after its parent's."""

    KIND: ClassVar[str] = "interval tree"

    def __init__(self, vma: VmaTable) -> None:
        self.vma = vma
        self.line = Chains()
        self.keys: dict[int, list[int]] = {}
        self.last: dict[tuple[int, int], int] = {}
        self.key_of: dict[int, int] = {}

    def copy(self, vma: VmaTable) -> IntervalIndex:
        """An independent copy that reads the vmas of ``vma``."""
        other = IntervalIndex(vma)
        other.line = self.line.copy()
        other.keys = {file: keys.copy() for file, keys in self.keys.items()}
        other.last, other.key_of = self.last.copy(), self.key_of.copy()
        return other

    def insert(self, row: int) -> None:
        """vma_interval_tree_insert: behind all with an equal or smaller start."""
        file, key = self.vma.file.item(row), self.vma.pgoff.item(row)
        keys = self.keys.setdefault(file, [])
        if (file, key) in self.last:
            self.line.add_after(self.last[file, key], row)
        else:
            at = bisect_left(keys, key)
            if at:
                self.line.add_after(self.last[file, keys[at - 1]], row)
            else:
                self.line.add_head(file, row)
            insort(keys, key)
        self.last[file, key] = row
        self.key_of[row] = key

    def insert_forked(self, parents: Ints, children: Ints) -> None:
        """vma_interval_tree_insert_after: the in-order successor of the parent's."""
        self.line.add_beside_many(parents, children, after=True)
        files = self.vma.file[children].tolist()
        for parent, child, file in zip(parents.tolist(), children.tolist(), files, strict=True):
            key = self.key_of[parent]
            self.key_of[child] = key
            if self.last[file, key] == parent:
                self.last[file, key] = child

    def remove(self, row: int) -> None:
        """vma_interval_tree_remove."""
        key = self.key_of.pop(row, None)
        if key is None:
            return
        file, before = int(self.line.owner[row]), int(self.line.prev[row])
        if self.last[file, key] == row:
            if before >= 0 and self.key_of[before] == key:
                self.last[file, key] = before
            else:
                del self.last[file, key]
                keys = self.keys[file]
                del keys[bisect_left(keys, key)]
        self.line.remove(row)

    def remove_many(self, rows: Ints) -> None:
        """vma_interval_tree_remove of many."""
        for row in rows.tolist():
            self.remove(row)

    def order(self, file: int) -> Ints:
        """In-order, the order of vma_interval_tree_foreach."""
        return self.line.members(file)

    def size(self, file: int) -> int:
        """Number of vmas in the tree."""
        return self.line.size(file)

    def in_order(self, file: int) -> bool:
        """pgoff never falls."""
        return not bool((np.diff(self.vma.pgoff[self.order(file)]) < 0).any())

    def stab(self, file: int, indexes: Ints) -> list[Stab]:
        """The descent by formula, then a node for each vma reported."""
        out = []
        for found in stab_list(self.vma, self.order(file), indexes):
            rank = np.arange(1, len(found.vmas) + 1)
            descent = nodes_of_tree(self.size(file), 0)
            out.append(Stab(found.vmas, descent + rank, descent + len(rank), np.zeros(len(rank), np.int64), 0))
        return out


def nodes_of_tree(size: int, overlapping: int) -> int:
    """Formula for the nodes an interval tree of ``size`` looks at to report ``overlapping``."""
    return size.bit_length() + overlapping if size else 0
