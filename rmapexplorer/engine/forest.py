"""A forest as arrays: its preorder, which part of it is drawn, and where. Plain functions; the same in gives the same out.

Trees grow to the right; leaves take a row each, a parent stands in the middle of its children. What would be too much
is folded: a subtree into one glyph, the rest of many siblings into another.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from rmapexplorer.core.table import Ints
from rmapexplorer.core.walk import ranges

NODE, FOLDED, MORE, BETWEEN = range(4)
"""Kinds of glyphs: one object, an object with its subtree folded, further siblings, ancestors left out."""

MOST_DRAWN = 700
"""Glyphs drawn at most, whatever the user unfolds."""

KEPT = 8
"""Ancestors drawn on either side of those left out."""

LEVELS_A_STEP = 64
NODES_A_STEP = 1 << 17


@frozen(kw_only=True, eq=False)
class Preorder:
    """Nodes renumbered so that a subtree is a range: node i has the nodes i + 1 .. i + size[i] - 1 below it."""

    order: Ints
    """Node number i here was number order[i] before."""
    parent: Ints
    """-1 for a root."""
    depth: Ints
    size: Ints
    """Nodes of the subtree, itself included."""
    roots: Ints


@define
class _Pause:
    # when so many levels or nodes were done
    levels: int = 0
    nodes: int = 0

    def due(self, nodes: int) -> bool:
        self.levels, self.nodes = self.levels + 1, self.nodes + nodes
        if self.levels < LEVELS_A_STEP and self.nodes < NODES_A_STEP:
            return False
        self.levels = self.nodes = 0
        return True


def preorder(parent: Ints) -> Iterator[Preorder | None]:
    """Siblings keep the order of their numbers. Yields None between steps of work, the result last.

    :param parent: number of the parent of each node, -1 for none.
    """
    n = len(parent)
    kids = np.argsort(parent, kind="stable")
    yield None
    first = np.searchsorted(parent[kids], np.arange(n + 1))
    levels = [np.flatnonzero(parent < 0)]
    depth, size, place = np.zeros(n, np.int64), np.ones(n, np.int64), np.zeros(n, np.int64)
    pause = _Pause()
    while len(level := kids[ranges(first[levels[-1]], first[levels[-1] + 1])]):
        depth[level] = len(levels)
        levels.append(level)
        if pause.due(len(level)):
            yield None
    yield None
    for level in reversed(levels[1:]):
        np.add.at(size, parent[level], size[level])
        if pause.due(len(level)):
            yield None
    place[levels[0]] = np.cumsum(size[levels[0]]) - size[levels[0]]
    yield None
    for level in levels[1:]:
        before = np.cumsum(size[level]) - size[level]
        above = parent[level]
        fresh = np.r_[True, above[1:] != above[:-1]]
        if len(level) > NODES_A_STEP:
            yield None
        start = before[fresh][np.cumsum(fresh) - 1]
        place[level] = place[above] + 1 + before - start
        if pause.due(len(level)):
            yield None
    order = np.empty(n, np.int64)
    order[place] = np.arange(n)
    above = parent[order]
    yield None
    yield Preorder(
        order=order, parent=np.where(above >= 0, place[above], -1), depth=depth[order], size=size[order],
        roots=place[levels[0]],
    )  # fmt: skip


@frozen(kw_only=True)
class Folding:
    """What the user asked for: objects unfolded and folded by hand, and how many further siblings are shown of whom."""

    opened: frozenset[int] = frozenset()
    closed: frozenset[int] = frozenset()
    wider: frozenset[int] = frozenset()
    """Objects all of whose children are shown; -1: all roots."""
    budget: int = 110
    """Glyphs up to which subtrees are unfolded of their own accord, in breadth, larger ones first."""
    wide: int = 24
    """Siblings shown at most."""


@define
class Glyph:
    """Something drawn. ``node`` is a preorder number; of MORE and BETWEEN the first that is left out."""

    kind: int
    node: int
    parent: int
    """Number of the glyph it hangs on, -1 for none."""
    depth: int
    hidden: Ints | None = None
    """Of MORE: roots of the subtrees left out; of BETWEEN: the next object that is drawn."""
    children: list[int] = field(factory=list)


class _Fold:
    # opens subtrees one after another until the budget is used up

    def __init__(self, tree: Preorder, names: Ints, folding: Folding, must: Collection[int]) -> None:
        self.tree, self.names, self.folding = tree, names, folding
        self.glyphs: list[Glyph] = []
        self.top: list[int] = []
        self.must = {-1}
        for node in must:
            while node >= 0 and node not in self.must:
                self.must.add(node)
                node = int(tree.parent[node])
        self.skipped = _skipped(tree, names, folding, self.must, set(must))
        self.heap: list[tuple[int, int, int, int]] = []

    def run(self) -> None:
        tree, folding = self.tree, self.folding
        self.top = self._list(-1, tree.roots, -1)
        while self.heap:
            urgency, _, _, number = heapq.heappop(self.heap)
            glyph = self.glyphs[number]
            node = glyph.node
            kids = self._kids(node)
            room = folding.budget if urgency == 2 else MOST_DRAWN
            if len(self.glyphs) + min(len(kids), folding.wide) > room:
                continue
            glyph.kind = NODE
            glyph.children = self._list(number, kids, node)

    def _kids(self, node: int) -> Ints:
        # subtree by subtree; all children of a node that has few, and no more than will be listed of one that has many
        tree, at, end, out = self.tree, node + 1, node + int(self.tree.size[node]), []
        if end - node > 4096:
            return np.flatnonzero(tree.parent[node + 1 : end] == node) + node + 1
        while at < end:
            out.append(at)
            at += int(tree.size[at])
        return np.array(out, np.int64)

    def _list(self, parent: int, kids: Ints, node: int) -> list[int]:
        tree, folding = self.tree, self.folding
        name = int(self.names[node]) if node >= 0 else -1
        wide = MOST_DRAWN if name in folding.wider else folding.wide
        wide = min(wide, max(MOST_DRAWN - len(self.glyphs), 4))
        rest = np.empty(0, np.int64)
        if len(kids) > wide:
            wanted = np.isin(kids, np.fromiter(self.must, np.int64))
            rank = np.lexsort((kids, -tree.size[kids], ~wanted))
            shown = np.sort(rank[: wide - 1])
            hidden = np.ones(len(kids), np.bool_)
            hidden[shown] = False
            kids, rest = kids[shown], kids[hidden]
        depth = self.glyphs[parent].depth + 1 if parent >= 0 else 0
        numbers = []
        for kid in kids.tolist():
            numbers.append(len(self.glyphs))
            if kid in self.skipped:
                below = np.array([self.skipped[kid]])
                glyph = Glyph(BETWEEN, kid, parent, depth, hidden=below)
                self.glyphs.append(glyph)
                glyph.children = self._list(numbers[-1], below, kid)
                continue
            leaf = tree.size[kid] == 1
            self.glyphs.append(Glyph(NODE if leaf else FOLDED, kid, parent, depth))
            if not leaf:
                self._offer(kid, depth, numbers[-1])
        if len(rest):
            numbers.append(len(self.glyphs))
            self.glyphs.append(Glyph(MORE, int(rest[0]), parent, depth, hidden=rest))
        return numbers

    def _offer(self, node: int, depth: int, number: int) -> None:
        name = int(self.names[node])
        if name in self.folding.closed:
            return
        urgency = 0 if name in self.folding.opened else 1 if node in self.must else 2
        heapq.heappush(self.heap, (urgency, depth, -int(self.tree.size[node]), number))


def _skipped(tree: Preorder, names: Ints, folding: Folding, must: set[int], wanted: set[int]) -> dict[int, int]:
    # long lines of ancestors that are drawn only because of somebody far below: first left out -> next drawn
    if len(must) <= folding.budget // 2:
        return {}
    below: dict[int, list[int]] = {}
    for node in sorted(must - {-1}):
        below.setdefault(int(tree.parent[node]), []).append(node)
    out: dict[int, int] = {}
    heads = list(below.get(-1, []))
    while heads:
        line = [heads.pop()]
        while line[-1] not in wanted and len(below.get(line[-1], [])) == 1:
            line += below[line[-1]]
        heads += below.get(line[-1], [])
        if len(line) > 3 * KEPT and int(names[line[KEPT]]) not in folding.opened:
            out[line[KEPT]] = line[-KEPT]
    return out


def fold(tree: Preorder, names: Ints, folding: Folding, must: Collection[int] = ()) -> tuple[list[Glyph], list[int]]:
    """The glyphs to draw, and which of them are roots, in order.

    :param names: ids of the objects, in preorder: what ``folding`` speaks of.
    :param must: preorder numbers that are to be seen, with all above them.
    """
    state = _Fold(tree, names, folding, must)
    state.run()
    return state.glyphs, state.top


Reals = npt.NDArray[np.float64]


def place(
    glyphs: list[Glyph], top: list[int], size: tuple[float, float], pitch: tuple[float, float]
) -> tuple[Reals, Reals]:
    """(level, row) of every glyph: fractions, as a parent stands between its children and columns have gaps.

    Trees follow one another downwards; as many columns of them as make the picture about as wide as ``size`` says.
    Many leaves of one parent stand in several columns; what is deeper than the panel is wide goes on below, like text.

    :param size: of the panel. :param pitch: width of a level and height of a row, in the same unit.
    """
    wrap = max(4, int(size[1] / pitch[1]) - 1)
    row, level = np.zeros(len(glyphs), np.float64), np.array([glyph.depth for glyph in glyphs], np.float64)
    blocks: list[Block] = []
    for root in top:
        members, stack, leaves = [], [root], 0
        while stack:
            number = stack.pop()
            members.append(number)
            kids = glyphs[number].children
            if len(kids) > wrap and not any(glyphs[kid].children for kid in kids):
                order, tall = np.arange(len(kids)), _even(len(kids), wrap)
                row[kids] = leaves + order % tall
                level[kids] += order // tall
                leaves += tall
                members.extend(kids)
                continue
            if not kids:
                row[number] = leaves
                leaves += 1
            stack.extend(reversed(kids))
        for number in reversed(members):
            kids = glyphs[number].children
            if kids:
                row[number] = (row[kids].min() + row[kids].max()) / 2
        at = np.array(members, np.int64)
        leaves, deepest = _banded(row, level, at, leaves, max(3, int(size[0] / (BAND_SCALE * pitch[0]))))
        blocks.append((members, leaves, 1 + deepest))
    for members, first, x in _packed(_gathered(blocks, row, level), size[0] / max(size[1], 1.0), *pitch):
        level[members] += x
        row[members] += first
    return level, row


def _banded(row: Reals, level: Reals, at: Ints, rows: int, across: int) -> tuple[int, int]:
    # a tree deeper than ``across`` levels in bands one below the other; (rows, deepest level) it takes
    deepest = int(level[at].max())
    if deepest < across * 1.5:
        return rows, deepest
    band, used = (level[at] // across).astype(np.int64), 0.0
    for number in range(int(band.max()) + 1):
        mine = at[band == number]
        low, high = float(row[mine].min()), float(row[mine].max())
        row[mine] += used - low
        used += high - low + 1 + BAND_GAP
    level[at] -= band * across
    return int(np.ceil(used - BAND_GAP)), across - 1


def _even(count: int, high: int) -> int:
    # height of columns that are all about as high, none higher than ``high``
    return -(-count // -(-count // high))


def _gathered(blocks: list[Block], row: Reals, level: Reals) -> list[Block]:
    # trees of one glyph beside others stand together, in columns as high as the highest of the others
    large = [block for block in blocks if len(block[0]) > 1]
    single = [block[0][0] for block in blocks if len(block[0]) == 1]
    if not large or len(single) < 4:
        return blocks
    high = _even(len(single), max(4, max(rows for _, rows, _ in large)))
    order = np.arange(len(single))
    row[single] = order % high
    level[single] += order // high
    return [*large, (single, min(high, len(single)), 1 + int(order[-1]) // high)]


def _packed(blocks: list[Block], aspect: float, across: float, down: float) -> list[Placed]:
    # (members, first row, first level) of each block: columns filled downwards, all about as high
    total = sum(rows for _, rows, _ in blocks)
    tall = max((rows for _, rows, _ in blocks), default=1)
    best: list[Placed] = []
    off = np.inf
    for columns in range(1, min(len(blocks), MOST_COLUMNS) + 1):
        out, width, used = _filled(blocks, max(tall, -(-total // columns)))
        error = abs(np.log((width * across) / (used * down) / aspect))
        if error < off:
            best, off = out, error
    return best


def _filled(blocks: list[Block], high: int) -> tuple[list[Placed], float, int]:
    out: list[Placed] = []
    used, x, levels, tallest = 0, 0.0, 0, 1
    for members, rows, depth in blocks:
        if used and used + rows > high:
            used, x, levels = 0, x + levels + GAP, 0
        out.append((members, used, x))
        used, levels = used + rows, max(levels, depth)
        tallest = max(tallest, used)
    return out, x + levels, tallest


BAND_SCALE, BAND_GAP = 0.8, 0.6
"""Scale at which a band fills the panel; rows of room between two bands."""
GAP = 0.35
"""Levels of room between two columns of trees."""
MOST_COLUMNS = 40

Block = tuple[list[int], int, int]
"""Glyphs of a tree, rows and levels it takes."""
Placed = tuple[list[int], int, float]
