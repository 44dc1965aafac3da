"""anon_vmas and the avcs that tie vmas to them: linking, unlinking and forking, one vma or many at once.

Kernel: anon_vma_chain_link, anon_vma_clone, unlink_anon_vmas and anon_vma_fork, mm/rmap.c.
"""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.design import Design
from rmapexplorer.core.index.chains import Chains
from rmapexplorer.core.table import ONE, Ints, ids, narrow
from rmapexplorer.core.world import World
from rmapexplorer.designs.avc_eras import Era
from rmapexplorer.designs.avc_tables import FEW_TURNS, AnonVmas, Avcs


class AvcLinks(Design):
    """A design whose vmas hang on anon_vmas through avcs."""

    rules: Era

    def attach(self, world: World) -> None:
        """Called once, when the world is made."""
        super().attach(world)
        self.av = AnonVmas()
        self.avc = Avcs()
        self.trees = Chains()  # anon_vma -> its avcs, unordered: a tree's order is (pgoff, seq), a list's seq
        self.seq = 0
        self.own, self.chain = narrow(64), narrow(64)

    def _reach(self) -> None:
        if (need := self.w.vma.capacity) > len(self.own):
            more = narrow(need - len(self.own))
            self.own, self.chain = np.concatenate([self.own, more]), np.concatenate([self.chain, more])
        if self.seq > FEW_TURNS:
            self.avc.widen_turns()

    def links(self, vma: int) -> list[int]:
        """The avcs of a vma, newest first, the root's last (vma->anon_vma_chain)."""
        self._reach()
        out, avc, below = [], self.chain.item(vma), self.avc.below
        while avc >= 0:
            out.append(avc)
            avc = below.item(avc)
        return out

    def _new_root(self) -> int:
        av = self.av.new(refs=1, children=1)
        self.av.root[av] = self.av.parent[av] = av
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1
        return av

    def _link(self, vma: int, av: int) -> None:
        # anon_vma_chain_link: head of the vma's chain, into the tree behind equals
        avc = self.avc.new(vma=vma, anon_vma=av, below=self.chain.item(vma), seq=self.seq)
        self.seq += 1
        self.chain[vma] = avc
        self.trees.add_head(av, avc)
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1

    def _clone(self, target: int, source: int, fork: bool) -> None:
        """anon_vma_clone: link target to all of source's, oldest first; a fork may reuse one that nobody uses."""
        for avc in reversed(self.links(source)):
            av = self.avc.anon_vma.item(avc)
            self._link(target, av)
            if fork and self.own.item(target) < 0 and self.rules.reuse(self.av, ids(av), self.own[ids(source)])[0]:
                self.own[target] = av
        if self.own[target] >= 0:
            self.av.active[self.own[target]] += 1

    def _unlink(self, vma: int) -> None:
        links = self.links(vma)
        if not links:
            return
        avs = self.avc.anon_vma[links].tolist()
        for avc in links:
            self.trees.remove(avc)
            self.avc.free(avc)
        self.w.counters["objs_free"] += len(links)
        own = self.own.item(vma)
        if own >= 0:
            self.av.active[own] -= 1
        self.own[vma] = self.chain[vma] = -1
        if len(avs) == 1:
            self._put_one(avs[0])
        else:
            self._put(np.array(avs, np.int64))

    def _unlink_many(self, vmas: Ints) -> None:
        levels, current = [], self.chain[vmas]
        while (current >= 0).any():
            current = current[current >= 0]
            levels.append(current)
            current = self.avc.below[current]
        links = np.concatenate(levels)
        avs = self.avc.anon_vma[links]
        self.trees.remove_many(links)
        self.avc.free_many(links)
        self.w.counters["objs_free"] += len(links)
        own = self.own[vmas]
        np.subtract.at(self.av.active, own[own >= 0], ONE)
        self.own[vmas] = self.chain[vmas] = -1
        self._put(avs)

    def _put(self, avs: Ints) -> None:
        # anon_vmas whose tree became empty leave their parent and drop their reference; a root goes with its last descendant
        avs = np.unique(avs) if len(avs) > 1 else avs
        empty = avs[self.trees.count[avs] == 0]
        if not len(empty):
            return
        np.subtract.at(self.av.children, self.av.parent[empty], ONE)
        np.subtract.at(self.av.refs, empty, ONE)
        dying = empty[self.av.refs[empty] == 0]
        inner = dying[self.av.root[dying] != dying]
        roots = self.av.root[inner]
        np.subtract.at(self.av.refs, roots, ONE)
        outer = np.unique(np.concatenate([dying[self.av.root[dying] == dying], roots[self.av.refs[roots] == 0]]))
        for gone in (inner, outer):
            self.av.free_many(gone)
            self.w.counters["objs_free"] += len(gone)

    def _put_one(self, av: int) -> None:
        # _put of one
        if self.trees.count.item(av):
            return
        self.av.children[self.av.parent.item(av)] -= 1
        self.av.refs[av] -= 1
        if self.av.refs.item(av):
            return
        root = self.av.root.item(av)
        dying = [av]
        if root != av:
            self.av.refs[root] -= 1
            if not self.av.refs.item(root):
                dying.append(root)
        for gone in dying:
            self.av.free(gone)
        self.w.counters["objs_free"] += len(dying)

    # -- fork -------------------------------------------------------------------------------------

    def _levels(self, vmas: Ints) -> Ints:
        # [depth, vma]: the chains, newest first, -1 below their end
        rows, current = [], self.chain[vmas]
        while (current >= 0).any():
            rows.append(current)
            current = np.where(current >= 0, self.avc.below[np.maximum(current, 0)], -1)
        return np.array(rows)

    def _fork_one(self, parent: int, child: int) -> None:
        self._clone(child, parent, fork=True)
        if self.own[child] >= 0:
            return
        source = self.own.item(parent)
        av = self.av.new(root=self.av.root.item(source), parent=source, refs=1, active=1)
        self.w.counters["objs_alloc"] += 1
        self.w.counters["sleeping_allocs"] += 1
        self.av.refs[self.av.root[source]] += 1
        self.own[child] = av
        self._link(child, av)
        self.av.children[source] += 1

    def _fork_many(self, parents: Ints, children: Ints, levels: Ints) -> None:
        # as _fork_one for each in turn, where none of them can reuse an anon_vma
        (depth, count), source = levels.shape, self.own[parents]
        new = self.av.new_many(count)
        self.av.root[new], self.av.parent[new], self.av.active[new] = self.av.root[source], source, 1
        np.add.at(self.av.refs, self.av.root[source], ONE)
        np.add.at(self.av.children, source, ONE)
        self.own[children] = new
        mask = levels >= 0
        above = np.full(count, -1, np.int64)
        total = int(mask.sum()) + count
        avcs = self.avc.new_many(total)
        top, rest = avcs[:count], avcs[count:]
        self.avc.vma[top], self.avc.anon_vma[top] = children, new
        self.avc.seq[top] = self.seq + np.arange(count) * (depth + 1) + depth
        self.chain[children] = top
        above, used = top, 0
        for level in range(depth):
            have = mask[level]
            mine = rest[used : used + int(have.sum())]
            used += len(mine)
            self.avc.vma[mine] = children[have]
            self.avc.anon_vma[mine] = self.avc.anon_vma[levels[level][have]]
            self.avc.seq[mine] = self.seq + np.flatnonzero(have) * (depth + 1) + depth - 1 - level
            self.avc.below[above[have]] = mine
            above = above.copy()
            above[have] = mine
        self.avc.below[above] = -1
        self.seq += count * (depth + 1)
        self.trees.add_head_many(self.avc.anon_vma[avcs], avcs)
        self.w.counters["objs_alloc"] += total + count
        self.w.counters["sleeping_allocs"] += total + count
