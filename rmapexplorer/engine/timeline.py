"""The log of a session as a tree of operations, one current path through it, and a cursor.

Nodes are only ever appended. Position k of the current path is the state after k operations; acting at
k < head starts a branch and the old tail stays reachable under its name. Nothing here knows a world.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from rmapexplorer.core.operations import Operation, Touch

ROOT = -1
"""Parent of a first operation: the empty state."""

MAIN = "main"


@define
class Timeline:
    """Operations with their parents, named branches, the current path and the cursor on it."""

    operations: list[Operation] = field(factory=list)
    parents: list[int] = field(factory=list)
    """parents[n]: the node before node n, ROOT for none; always smaller than n."""
    owners: list[int] = field(factory=list)
    """owners[n]: which branch node n was appended to, by its place among the names: the first one that leads through it."""
    depths: list[int] = field(factory=list)
    """depths[n]: position of the state after node n, counted from 1."""
    written: list[int] = field(factory=list)
    """written[n]: pages that the operations up to node n write to, one page as often as it is written."""
    burdens: list[int] = field(factory=list)
    """burdens[n]: the sum of ``written`` over the nodes up to n; how dear it would be to look at every page after each."""
    branches: dict[str, int] = field(factory=lambda: {MAIN: ROOT})
    """Branch name -> its last node."""
    branch: str = MAIN
    path: list[int] = field(factory=list)
    """Node ids of the current branch, oldest first."""
    cursor: int = 0
    _number: int = 0
    # place of the current branch among the names

    @property
    def head(self) -> int:
        """The last position of the current branch."""
        return len(self.path)

    @property
    def node(self) -> int:
        """The node whose state the cursor shows, ROOT at position 0."""
        return self.node_at(self.cursor)

    def node_at(self, position: int) -> int:
        """The node whose state position ``position`` of the current path is."""
        return self.path[position - 1] if position else ROOT

    def append(self, op: Operation) -> int:
        """Record ``op`` at the cursor, which moves over it; its node. Where there is a tail, a branch starts."""
        if self.cursor < len(self.path):
            self._fork()
        node = self._grow(op, self.node)
        self.owners.append(self._number)
        self.path.append(node)
        self.branches[self.branch] = node
        self.cursor += 1
        return node

    def _fork(self) -> None:
        self.branch = self._free_name()
        del self.path[self.cursor :]
        self.branches[self.branch] = self.node
        self._number = len(self.branches) - 1

    def _free_name(self) -> str:
        number = len(self.branches) + 1
        while f"branch {number}" in self.branches:
            number += 1
        return f"branch {number}"

    def _grow(self, op: Operation, parent: int) -> int:
        self.operations.append(op)
        self.parents.append(parent)
        self.depths.append(1 if parent == ROOT else self.depths[parent] + 1)
        self.written.append(_writes(op) + (0 if parent == ROOT else self.written[parent]))
        self.burdens.append(self.written[-1] + (0 if parent == ROOT else self.burdens[parent]))
        return len(self.operations) - 1

    def seek(self, position: int) -> int:
        """Move the cursor to ``position``, clamped to the path; returns where it is."""
        self.cursor = max(0, min(position, len(self.path)))
        return self.cursor

    def switch(self, name: str) -> int:
        """Make branch ``name`` the current path; the last position both have. KeyError: no such branch."""
        path = self.path_to(self.branches[name])
        common = shared_prefix(self.path, path)
        self.branch, self.path = name, path
        self._number = list(self.branches).index(name)
        self.cursor = min(self.cursor, common)
        return common

    def rename(self, old: str, new: str) -> None:
        """Call the branch ``old`` ``new``; it keeps its place among the others."""
        self.branches = {new if name == old else name: last for name, last in self.branches.items()}
        self.branch = new if self.branch == old else self.branch

    def path_to(self, node: int) -> list[int]:
        """Node ids from the first operation to ``node``."""
        nodes = []
        while node != ROOT:
            nodes.append(node)
            node = self.parents[node]
        nodes.reverse()
        return nodes

    def on_path(self, node: int) -> bool:
        """True where the current path leads through ``node``."""
        depth = 0 if node == ROOT else self.depths[node]
        return depth <= len(self.path) and self.node_at(depth) == node

    def _own(self) -> None:
        # the owners of nodes that came all at once
        self._number = list(self.branches).index(self.branch)
        self.owners = [-1] * len(self.operations)
        for number, node in enumerate(self.branches.values()):
            while node != ROOT and self.owners[node] < 0:
                self.owners[node] = number
                node = self.parents[node]

    def depth(self, node: int) -> int:
        """Position of the state after ``node``; 0 for ROOT."""
        return 0 if node == ROOT else self.depths[node]


def _writes(op: Operation) -> int:
    return sum(end - start for start, end, access in op.runs if access == "w") if isinstance(op, Touch) else 0


def shared_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """How many first elements the two paths have in common (paths of one tree: bisection)."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[middle - 1] == other[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low


def grown(
    operations: Iterable[Operation],
    parents: Sequence[int] | None = None,
    branches: Mapping[str, int] | None = None,
    branch: str | None = None,
) -> Timeline:
    """A timeline with these nodes, cursor at 0.

    :param parents: parent node of each operation; None: each follows the one before it.
    :param branches: name -> last node; without it, one branch "main" ends at the last operation.
    :param branch: the current one; None: "main", or the first named.
    :raises ValueError: a parent or a branch names no earlier node.
    """
    line = Timeline()
    for number, op in enumerate(operations):
        parent = number - 1 if parents is None else parents[number]
        if not ROOT <= parent < number:
            raise ValueError(f"operation {number + 1} follows operation {parent + 1}, which does not come before it")
        line._grow(op, parent)
    last = len(line.operations) - 1
    line.branches = dict(branches) if branches else {MAIN: last}
    for name, node in line.branches.items():
        if not ROOT <= node <= last:
            raise ValueError(f"branch {name!r} ends at operation {node + 1}, but there are only {last + 1}")
    if branch is None or branch not in line.branches:
        branch = MAIN if MAIN in line.branches else next(iter(line.branches))
    line.branch, line.path = branch, line.path_to(line.branches[branch])
    line._own()
    return line
