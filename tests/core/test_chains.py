"""Lists in columns against plain Python lists: every operation at random, single and in bulk."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from rmapexplorer.core.index.chains import Chains

OWNERS = 5
NODES = 120
"""More than the columns hold at first, so that they grow."""

owners = st.integers(0, OWNERS - 1) | st.just(40)
nodes = st.integers(0, NODES - 1)


class Lists(RuleBasedStateMachine):
    """The model is a dict of lists."""

    def __init__(self) -> None:
        super().__init__()
        self.chains = Chains()
        self.model: dict[int, list[int]] = {}

    def free(self, seed: int) -> int:
        taken = {node for line in self.model.values() for node in line}
        return next(n % NODES for n in range(seed, seed + NODES) if n % NODES not in taken)

    def linked(self) -> list[int]:
        return [node for line in self.model.values() for node in line]

    def line_of(self, node: int) -> list[int]:
        return next(line for line in self.model.values() if node in line)

    @precondition(lambda self: len(self.linked()) < NODES)
    @rule(owner=owners, seed=nodes, head=st.booleans())
    def add(self, owner, seed, head):
        node = self.free(seed)
        line = self.model.setdefault(owner, [])
        (self.chains.add_head if head else self.chains.add_tail)(owner, node)
        line.insert(0 if head else len(line), node)

    @precondition(lambda self: self.linked() and len(self.linked()) < NODES)
    @rule(seed=nodes, which=nodes, after=st.booleans())
    def add_beside(self, seed, which, after):
        node, linked = self.free(seed), self.linked()
        other = linked[which % len(linked)]
        (self.chains.add_after if after else self.chains.add_before)(other, node)
        line = self.line_of(other)
        line.insert(line.index(other) + after, node)

    @rule(node=nodes)
    def remove(self, node):
        owner = next((o for o, line in self.model.items() if node in line), -1)
        assert self.chains.remove(node) == owner
        if owner >= 0:
            self.model[owner].remove(node)

    @rule(pairs=st.lists(st.tuples(owners, nodes), max_size=30, unique_by=lambda pair: pair[1]))
    def add_head_many(self, pairs):
        taken = set(self.linked())
        pairs = [(owner, node) for owner, node in pairs if node not in taken]
        own, new = (np.array([pair[at] for pair in pairs], np.int64) for at in (0, 1))
        self.chains.add_head_many(own, new)
        for owner, node in pairs:
            self.model.setdefault(owner, []).insert(0, node)

    @precondition(lambda self: self.linked())
    @rule(which=st.sets(nodes, max_size=40), after=st.booleans())
    def add_beside_many(self, which, after):
        linked = self.linked()
        others = sorted({linked[n % len(linked)] for n in which})
        free = [n for n in range(NODES) if n not in set(linked)]
        others = others[: len(free)]
        self.chains.add_beside_many(np.array(others, np.int64), np.array(free[: len(others)], np.int64), after)
        for other, node in zip(others, free, strict=False):
            line = self.line_of(other)
            line.insert(line.index(other) + after, node)

    @rule(gone=st.sets(nodes, max_size=60))
    def remove_many(self, gone):
        found = self.chains.remove_many(np.array(sorted(gone), np.int64))
        had = [owner for owner, line in self.model.items() for node in line if node in gone]
        assert sorted(found[found >= 0].tolist()) == sorted(had)
        for line in self.model.values():
            line[:] = [node for node in line if node not in gone]

    @rule()
    def a_copy_is_independent(self):
        twin = self.chains.copy()
        for node in self.linked():
            self.chains.remove(node)
        self.chains = twin

    @invariant()
    def same(self):
        for owner in [*range(OWNERS), 40]:
            line = self.model.get(owner, [])
            assert self.chains.members(owner).tolist() == line
            assert self.chains.size(owner) == len(line)
            assert self._backwards(owner) == line[::-1]

    def _backwards(self, owner: int) -> list[int]:
        out, node = [], int(self.chains.tail[owner]) if owner < len(self.chains.tail) else -1
        while node >= 0:
            assert self.chains.owner[node] == owner
            out.append(node)
            node = int(self.chains.prev[node])
        return out


TestLists = Lists.TestCase
