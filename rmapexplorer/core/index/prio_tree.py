"""The radix priority search tree of 2.6.7 to 3.6: a file's vmas as closed intervals [radix, heap] of its pages.

radix is vm_pgoff, heap the last page a vma maps. The greatest heap of a subtree is at its top (the smaller radix where
two are equal), and which side the others go to is told by the bits of radix from the top, then by those of the size,
heap - radix. So a set of keys has one shape whatever the order of calls, no deeper than 2 * index_bits. Vmas with equal
keys, what fork makes, share a node: one is in the tree, the others hang on it in a list (vm_set).
Kernel: Rajesh Venkatasubramanian's mm/prio_tree.c of 2.6.7 to 2.6.9, after McCreight's tree of 1985.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np

from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.index.files import Stab
from rmapexplorer.core.table import NONE, Ints, VmaTable
from rmapexplorer.core.units import Corruption

_FEW = 16


class PrioTrees:
    """prio_tree_root and prio_tree_node: any number of trees (by file id) over nodes with their own ids; -1 is no node."""

    def __init__(self) -> None:
        self.root: dict[int, int] = {}
        self.bits: dict[int, int] = {}
        self.file: list[int] = []
        self.radix: list[int] = []
        self.heap: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.up: list[int] = []
        self.free: list[int] = []

    def copy(self) -> Self:
        """An independent copy."""
        other = object.__new__(type(self))
        for name, column in vars(self).items():
            setattr(other, name, column.copy())
        return other

    def index_bits(self, file: int) -> int:
        """Bits of the greatest heap the tree has room for; 1 for an empty one."""
        return self.bits.get(file, 1)

    def new(self, file: int, radix: int, heap: int) -> int:
        """A node outside its tree. :param radix: first page of the file. :param heap: last page."""
        if not self.free:
            for column in (self.file, self.radix, self.heap, self.left, self.right, self.up):
                column.append(-1)
            self.free.append(len(self.file) - 1)
        node = self.free.pop()
        self.file[node], self.radix[node], self.heap[node] = file, radix, heap
        self.left[node] = self.right[node] = self.up[node] = -1
        return node

    def discard(self, node: int) -> None:
        """Give back a node that is outside its tree."""
        self.file[node] = -1
        self.free.append(node)

    def insert(self, node: int) -> int:
        """prio_tree_insert; returns the node with these keys: ``node``, or one the tree had before (nothing changes)."""
        file, heap, radix = self.file[node], self.heap, self.radix
        bits = self.index_bits(file)
        if file not in self.root or heap[node] >> bits:
            self._expand(node)
            return node
        inserted, at = node, self.root[file]
        for bit in range(2 * bits - 1, -1, -1):
            if heap[at] <= heap[node]:
                if heap[at] < heap[node] or radix[at] > radix[node]:
                    self._replace(at, node)
                    at, node = node, at
                elif radix[at] == radix[node]:
                    return at
            side = self.right if self._way(node, bits) >> bit & 1 else self.left
            if side[at] < 0:
                side[at] = node
                self.left[node] = self.right[node] = -1
                self.up[node] = at
                return inserted
            at = side[at]
        # all bits are used up: only the node with the same keys can be here
        if (radix[at], heap[at]) == (radix[node], heap[node]):
            return at
        raise Corruption(f"the prio_tree of file {file} is deeper than its keys have bits")

    def remove(self, node: int) -> None:
        """prio_tree_remove: on the way down from ``node`` the child with the greater heap moves up a place."""
        at = node
        while (child := self._greater(at)) >= 0:
            at = child
        above = self.up[at]
        if above < 0:
            del self.root[self.file[node]], self.bits[self.file[node]]
            return
        side = self.right if self.right[above] == at else self.left
        side[above] = -1
        while at != node:
            above = self.up[at]
            self._replace(above, at)
            at = above

    def _greater(self, at: int) -> int:
        left, right = self.left[at], self.right[at]
        if left < 0 or right < 0:
            return max(left, right)
        return left if self.heap[left] >= self.heap[right] else right

    def _way(self, node: int, bits: int) -> int:
        # the turns to take from the root down, first in the highest bit; 1 is right
        return self.radix[node] << bits | self.heap[node] - self.radix[node]

    def _replace(self, old: int, node: int) -> None:
        # prio_tree_replace: node takes the place of old, links up and down
        up, left, right = self.up[old], self.left[old], self.right[old]
        self.up[node], self.left[node], self.right[node] = up, left, right
        if up < 0:
            self.root[self.file[node]] = node
        elif self.left[up] == old:
            self.left[up] = node
        else:
            self.right[up] = node
        if left >= 0:
            self.up[left] = node
        if right >= 0:
            self.up[right] = node

    def _expand(self, node: int) -> None:
        # prio_tree_expand: every bit more is a level more above the old tree, all of whose keys begin with 0 there. The
        # new node fills the first of them, the greatest of the old tree the others.
        file = self.file[node]
        need = max(self.index_bits(file), self.heap[node].bit_length())
        spine = [node]
        for _ in range(need - self.index_bits(file) - 1):
            if file in self.root:
                spine.append(self.root[file])
                self.remove(spine[-1])
        for taken in spine:
            self.left[taken] = self.right[taken] = self.up[taken] = -1
        spine += [self.root[file]] if file in self.root else []
        for above, below in zip(spine, spine[1:], strict=False):
            self.left[above], self.up[below] = below, above
        self.root[file], self.bits[file] = node, need

    def preorder(self, file: int) -> list[int]:
        """All nodes of a tree, each before its left, then its right subtree."""
        out, stack = [], [self.root[file]] if file in self.root else []
        while stack:
            node = stack.pop()
            out.append(node)
            stack += [below for below in (self.right[node], self.left[node]) if below >= 0]
        return out

    def overlapping(self, file: int, index: int) -> tuple[list[int], list[int], int]:
        """prio_tree_first, prio_tree_next for one page of the file.

        :return: the nodes whose interval holds ``index``, in pre-order; nodes looked at up to and including each;
            nodes looked at in all. A child with too small a heap is looked at and left; a right one whose
            bits say that radix is beyond ``index`` is not looked at.
        """
        radix, heap, left, right = self.radix, self.heap, self.left, self.right
        found: list[int] = []
        place: list[int] = []
        looked = 0
        stack = [(self.root[file], 0, 1 << self.bits[file] - 1)] if file in self.root else []
        while stack:
            node, least, bit = stack.pop()
            looked += 1
            if heap[node] < index:
                continue
            if radix[node] <= index:
                found.append(node)
                place.append(looked)
            if right[node] >= 0 and least | bit <= index:
                stack.append((right[node], least | bit, bit >> 1))
            if left[node] >= 0:
                stack.append((left[node], least, bit >> 1))
        return found, place, looked

    def height(self, file: int) -> int:
        """Steps from the root to the deepest node: at most 2 * index_bits; 0 for an empty tree."""
        deepest = 0
        stack = [(self.root[file], 0)] if file in self.root else []
        while stack:
            node, depth = stack.pop()
            deepest = max(deepest, depth)
            stack += [(below, depth + 1) for below in (self.left[node], self.right[node]) if below >= 0]
        return deepest

    def in_order(self, file: int) -> bool:
        """Heap property, ties, bits on the way to each node, and links hold; every key has room in index_bits."""
        bits = self.index_bits(file)
        stack = [(self.root[file], -1, 0, 0)] if file in self.root else []
        while stack:
            node, above, depth, way = stack.pop()
            key = self.radix[node], self.heap[node]
            if self.file[node] != file or self.up[node] != above or not 0 <= key[0] <= key[1] < 1 << bits:
                return False
            if depth > 2 * bits or self._way(node, bits) >> 2 * bits - depth != way:
                return False
            if above >= 0 and (-self.heap[above], self.radix[above]) >= (-key[1], key[0]):
                return False
            for turn, below in enumerate((self.left[node], self.right[node])):
                if below >= 0:
                    stack.append((below, node, depth + 1, way << 1 | turn))
        return True


class PrioTreeIndex:
    """i_mmap as a prio_tree. Each node of the trees owns a chain: the vma in the tree, then its vm_set in order."""

    KIND: ClassVar[str] = "prio_tree"

    def __init__(self, vma: VmaTable) -> None:
        self.vma = vma
        self.trees = PrioTrees()
        self.sets = Chains()
        self.sizes: dict[int, int] = {}

    def copy(self, vma: VmaTable) -> PrioTreeIndex:
        """An independent copy that reads the vmas of ``vma``."""
        other = PrioTreeIndex(vma)
        other.trees, other.sets, other.sizes = self.trees.copy(), self.sets.copy(), self.sizes.copy()
        return other

    def insert(self, row: int) -> None:
        """vma_prio_tree_insert: into the tree, or at the end of the vm_set of the vma with its keys."""
        file, radix = int(self.vma.file[row]), int(self.vma.pgoff[row])
        mine = self.trees.new(file, radix, radix + int(self.vma.end[row]) - int(self.vma.start[row]) - 1)
        node = self.trees.insert(mine)
        if node != mine:
            self.trees.discard(mine)
        self.sets.add_tail(node, row)
        self.sizes[file] = self.sizes.get(file, 0) + 1

    def insert_forked(self, parents: Ints, children: Ints) -> None:
        """vma_prio_tree_add: behind a parent that is in a vm_set; at the end of the vm_set of one that is in the tree."""
        in_tree = self.sets.prev[parents] < 0
        self.sets.add_beside_many(parents[~in_tree], children[~in_tree], after=True)
        last = self.sets.tail[self.sets.owner[parents[in_tree]]]
        self.sets.add_beside_many(last, children[in_tree], after=True)
        for file, more in enumerate(np.bincount(self.vma.file[children]).tolist()):
            if more:
                self.sizes[file] += more

    def remove(self, row: int) -> None:
        """vma_prio_tree_remove: the first of its vm_set takes the place of a vma in the tree."""
        node = self.sets.remove(row)
        if node >= 0:
            self._removed(node, 1)

    def remove_many(self, rows: Ints) -> None:
        """vma_prio_tree_remove of many. Their order makes no difference: the keys left have one shape."""
        if len(rows) == 1:
            self.remove(int(rows[0]))
            return
        nodes, counts = np.unique(self.sets.remove_many(rows), return_counts=True)
        for node, count in zip(nodes.tolist(), counts.tolist(), strict=True):
            self._removed(node, count)

    def _removed(self, node: int, count: int) -> None:
        self.sizes[self.trees.file[node]] -= count
        if not self.sets.size(node):
            self.trees.remove(node)
            self.trees.discard(node)

    def order(self, file: int) -> Ints:
        """Pre-order of the tree, the vm_set of each node right after it."""
        return self._members(np.array(self.trees.preorder(file), np.int64))[0]

    def size(self, file: int) -> int:
        """Number of vmas in the tree and its sets."""
        return self.sizes.get(file, 0)

    def in_order(self, file: int) -> bool:
        """The tree is in order, every node stands for a vma, and all vmas of a node have its keys."""
        nodes = np.array(self.trees.preorder(file), np.int64)
        if self.trees.file.count(file) != len(nodes) or not self.trees.in_order(file):
            return False
        rows, counts = self._members(nodes)
        if len(rows) != self.size(file) or not counts.all():
            return False
        at = np.repeat(nodes, counts)
        radix, heap = np.array(self.trees.radix, np.int64)[at], np.array(self.trees.heap, np.int64)[at]
        v = self.vma
        last = v.pgoff[rows] + v.end[rows] - v.start[rows] - 1
        return bool(((v.file[rows] == file) & (v.pgoff[rows] == radix) & (last == heap)).all())

    def stab(self, file: int, indexes: Ints) -> list[Stab]:
        """vma_prio_tree_foreach: ``nodes`` are tree nodes looked at and members of the sets that are reported."""
        answers = [self.trees.overlapping(file, index) for index in indexes.tolist()]
        many = np.array([len(found) for found, _, _ in answers], np.int64)
        node = np.array([node for found, _, _ in answers for node in found], np.int64)
        looked = np.array([place for _, places, _ in answers for place in places], np.int64)
        reported = np.arange(1, len(node) + 1) - np.repeat(np.cumsum(many) - many, many)
        unique, which = np.unique(node, return_inverse=True)
        rows, lengths = self._members(unique)
        counts = lengths[which]
        start = np.cumsum(counts) - counts
        place = np.arange(counts.sum()) - np.repeat(start, counts)
        vmas = rows[np.repeat((np.cumsum(lengths) - lengths)[which], counts) + place]
        bounds = np.concatenate([[0], np.cumsum(counts)])[np.concatenate([[0], np.cumsum(many)])]
        query = np.repeat(np.arange(len(many)), many)
        rejects = np.repeat(looked - reported, counts)
        # tree nodes looked at and not reported, and every vma reported so far
        nodes = rejects + np.arange(1, len(vmas) + 1) - np.repeat(bounds[query], counts)
        out = []
        for at, (found, _, total) in enumerate(answers):
            span = slice(int(bounds[at]), int(bounds[at + 1]))
            misses = total - len(found)
            out.append(Stab(vmas[span], nodes[span], misses + span.stop - span.start, rejects[span], misses))
        return out

    def _members(self, nodes: Ints) -> tuple[Ints, Ints]:
        # the vmas of these nodes, node by node, and how many each has: all chains are followed in step
        if not len(nodes):
            return NONE, NONE
        counts = self.sets.count[nodes]
        out = np.empty(int(counts.sum()), np.int64)
        slot, row = np.cumsum(counts) - counts, self.sets.head[nodes]
        while len(row) > _FEW:
            out[slot] = row
            row = self.sets.next[row]
            more = row >= 0
            row, slot = row[more], slot[more] + 1
        for first, at in zip(row.tolist(), slot.tolist(), strict=True):
            rest = self._rest(first)
            out[at : at + len(rest)] = rest
        return out, counts

    def _rest(self, row: int) -> list[int]:
        out, follow = [], self.sets.next
        while row >= 0:
            out.append(row)
            row = int(follow[row])
        return out

    # -- what pictures and tables read ------------------------------------------------------------

    def is_node(self, row: int) -> bool:
        """The vma is in the tree itself; False: in the vm_set of one that is, or in no tree."""
        known = row < len(self.sets.owner) and self.sets.owner[row] >= 0
        return bool(known and self.sets.prev[row] < 0)

    def links(self, row: int) -> tuple[int, int, int]:
        """(parent, left, right) of the node a vma stands for or hangs on, as vmas of the tree; -1 none."""
        node = int(self.sets.owner[row])
        near = (self.trees.up[node], self.trees.left[node], self.trees.right[node])
        up, left, right = (int(self.sets.head[other]) if other >= 0 else -1 for other in near)
        return up, left, right

    def vm_set(self, row: int) -> Ints:
        """The other vmas with the keys of a vma of the tree, in order."""
        return self.sets.members(int(self.sets.owner[row]))[1:]

    def index_bits(self, file: int) -> int:
        """prio_tree_root.index_bits."""
        return self.trees.index_bits(file)

    def height(self, file: int) -> int:
        """Steps from the root to the deepest node, at most 2 * index_bits."""
        return self.trees.height(file)
