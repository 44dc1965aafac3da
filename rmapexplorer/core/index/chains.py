"""Doubly linked lists in columns: list_head for any number of owners, with bulk insertion and removal.

A node is on at most one list. Order is that of the kernel's list_add (head), list_add_tail and
insertion beside another node. Kernel: include/linux/list.h.
"""

from __future__ import annotations

from typing import Self

import numpy as np

from rmapexplorer.core.room import ROOM
from rmapexplorer.core.table import NONE, ONE, Bools, Ints, capacity_for, narrow


class Chains:
    """Lists of nodes (ids of some table), one list an owner (ids of another)."""

    def __init__(self) -> None:
        self.next = narrow(64)
        self.prev = narrow(64)
        self.owner = narrow(64)
        self.head = narrow(16)
        self.tail = narrow(16)
        self.count = narrow(16, 0)

    def copy(self) -> Self:
        """An independent copy."""
        other = object.__new__(type(self))
        for name, column in vars(self).items():
            setattr(other, name, column.copy())
        return other

    def cost_bytes(self) -> int:
        """Memory of a copy."""
        return sum(column.nbytes for column in vars(self).values())

    def _reach(self, owner: int, node: int) -> None:
        if node >= len(self.next):
            for name in ("next", "prev", "owner"):
                setattr(self, name, _longer(getattr(self, name), node + 1, -1))
        if owner >= len(self.head):
            for name, fresh in (("head", -1), ("tail", -1), ("count", 0)):
                setattr(self, name, _longer(getattr(self, name), owner + 1, fresh))

    def add_head(self, owner: int, node: int) -> None:
        """list_add: the node becomes the first of the list."""
        self._reach(owner, node)
        first = self.head.item(owner)
        self._place(owner, node, -1, first)

    def add_tail(self, owner: int, node: int) -> None:
        """list_add_tail: the node becomes the last of the list."""
        self._reach(owner, node)
        self._place(owner, node, self.tail.item(owner), -1)

    def add_after(self, other: int, node: int) -> None:
        """The node comes right after ``other``, on its list."""
        owner = self.owner.item(other)
        self._reach(owner, node)
        self._place(owner, node, other, self.next.item(other))

    def add_before(self, other: int, node: int) -> None:
        """The node comes right before ``other``, on its list."""
        owner = self.owner.item(other)
        self._reach(owner, node)
        self._place(owner, node, self.prev.item(other), other)

    def _place(self, owner: int, node: int, before: int, after: int) -> None:
        self.owner[node], self.prev[node], self.next[node] = owner, before, after
        if before >= 0:
            self.next[before] = node
        else:
            self.head[owner] = node
        if after >= 0:
            self.prev[after] = node
        else:
            self.tail[owner] = node
        self.count[owner] += 1

    def remove(self, node: int) -> int:
        """list_del; returns the owner. A node on no list: -1, nothing happens."""
        owner = self.owner.item(node) if node < len(self.owner) else -1
        if owner < 0:
            return -1
        before, after = self.prev.item(node), self.next.item(node)
        if before >= 0:
            self.next[before] = after
        else:
            self.head[owner] = after
        if after >= 0:
            self.prev[after] = before
        else:
            self.tail[owner] = before
        self.owner[node] = self.next[node] = self.prev[node] = -1
        self.count[owner] -= 1
        return owner

    def add_head_many(self, owners: Ints, nodes: Ints) -> None:
        """As add_head for each pair in turn: of several nodes for one owner the last is first."""
        if not len(nodes):
            return
        self._reach(int(owners.max()), int(nodes.max()))
        order = np.lexsort((-np.arange(len(nodes)), owners))
        own, node = owners[order], nodes[order]
        first = np.r_[True, own[1:] != own[:-1]]
        last = np.r_[first[1:], True]
        self.owner[node] = own
        self.next[node[:-1]] = node[1:]
        self.prev[node[1:]] = node[:-1]
        self.prev[node[first]] = -1
        behind = self.head[own[last]]
        self.next[node[last]] = behind
        self.prev[behind[behind >= 0]] = node[last][behind >= 0]
        self.tail[own[last][behind < 0]] = node[last][behind < 0]
        self.head[own[first]] = node[first]
        np.add.at(self.count, own, ONE)

    def add_beside_many(self, others: Ints, nodes: Ints, after: bool) -> None:
        """add_after (add_before) for each pair; ``others`` are distinct: what fork does to a file's vmas."""
        if not len(nodes):
            return
        owners = self.owner[others]
        self._reach(int(owners.max()), int(nodes.max()))
        forth, back, end = (self.next, self.prev, self.tail) if after else (self.prev, self.next, self.head)
        beyond = forth[others]
        self.owner[nodes] = owners
        forth[nodes], back[nodes] = beyond, others
        forth[others] = nodes
        inner = beyond >= 0
        back[beyond[inner]] = nodes[inner]
        end[owners[~inner]] = nodes[~inner]
        np.add.at(self.count, owners, ONE)

    def remove_many(self, nodes: Ints) -> Ints:
        """list_del of many nodes at once; returns the owners they had (-1: none)."""
        if len(nodes) < 8:
            had = (self.remove(node) for node in nodes.tolist())
            return np.array([owner for owner in had if owner >= 0], np.int64)
        known = nodes[nodes < len(self.owner)]
        nodes = known[self.owner[known] >= 0]
        owners = self.owner[nodes]
        gone: Bools = np.zeros(len(self.next), np.bool_)
        gone[nodes] = True
        before, after = _skip(self.prev, nodes, gone), _skip(self.next, nodes, gone)
        linked = before >= 0
        self.next[before[linked]] = after[linked]
        self.head[owners[~linked]] = after[~linked]
        linked = after >= 0
        self.prev[after[linked]] = before[linked]
        self.tail[owners[~linked]] = before[~linked]
        self.owner[nodes] = self.next[nodes] = self.prev[nodes] = -1
        np.subtract.at(self.count, owners, ONE)
        return owners

    def members(self, owner: int) -> Ints:
        """The nodes of one list, in order."""
        if owner >= len(self.head):
            return NONE
        out, node, follow = [], self.head.item(owner), self.next
        while node >= 0:
            out.append(node)
            node = follow.item(node)
        return np.array(out, np.int64) if out else NONE

    def size(self, owner: int) -> int:
        """Number of nodes of one list."""
        return self.count.item(owner) if owner < len(self.count) else 0


def _longer(column: Ints, need: int, fresh: int) -> Ints:
    ROOM.ask(4 * capacity_for(need))
    new = narrow(capacity_for(need), fresh)
    new[: len(column)] = column
    return new


def _skip(forth: Ints, nodes: Ints, gone: Bools) -> Ints:
    # pointer jumping: in log2(longest run) rounds every removed node points at the first that stays
    while True:
        target = forth[nodes]
        jump = (target >= 0) & gone[target]
        if not jump.any():
            return target
        forth[nodes[jump]] = forth[target[jump]]
