"""Which vma hangs on which object, for the pictures of everything: questions, answered from arrays worked out in steps.

An ``Atlas`` belongs to one view and keeps the ``Chart`` of the world asked about last; it is touched on the engine
thread only. What takes longer than a slice is answered with ``Pending``: whoever asks then asks again.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import define, field, frozen

from rmapexplorer.core.table import ANON, Ints
from rmapexplorer.core.world import World
from rmapexplorer.engine.forest import BETWEEN, FOLDED, MORE, Folding, Preorder, fold, place, preorder
from rmapexplorer.engine.snapshot import leaders
from rmapexplorer.engine.stage import Stage

SLICE_S = 0.012
"""Seconds of work in one answer."""
STEP = 1 << 17
"""Links taken in one step."""
BLOCK = 4096
"""Links of which the first and last row are noted together."""

Small = npt.NDArray[np.int32]


@frozen(kw_only=True, eq=False)
class Chart:
    """All links of one world at one position, by row (vma) and column (object). Read-only."""

    design: str
    owner: str
    """What the design calls its objects."""
    link: str
    """What the design calls a link."""
    letter: str
    """What comes before the number of an object."""
    pids: tuple[int, ...]
    """Processes in the order of the tree; those that share an mm are shown once."""
    comms: tuple[str, ...]
    first: Ints
    """[processes + 1]: vmas of process i are the rows first[i]:first[i + 1], by address."""
    names: Ints
    """Object of each column, in the order of the forest."""
    tree: Preorder
    roots: Ints
    """[roots + 1]: columns of root i are roots[i]:roots[i + 1]."""
    row: Small
    column: Small
    """Of each link."""
    own: npt.NDArray[np.bool_]
    """The link's object is the vma's own."""
    vmas: Ints
    links: Ints
    pages: Ints
    """Of each column: vmas whose own object it is, links, resident pages that point at it."""
    lowest: Small
    highest: Small
    """Of each BLOCK of links: the first and the last row."""
    home: Ints
    """Of each column: the first row whose own object it is, else the first linked; -1 none."""

    @property
    def rows(self) -> int:
        """Vmas."""
        return int(self.first[-1])

    @property
    def columns(self) -> int:
        """Objects."""
        return len(self.names)

    def process(self, row: int) -> int:
        """Number of the process that a row belongs to."""
        return int(np.searchsorted(self.first, row, "right")) - 1

    def name(self, column: int) -> str:
        """The object as the design writes it."""
        return f"{self.letter}{self.names[column]}"


@frozen
class Pending:
    """Not worked out yet: ask again."""

    share: float


@define(eq=False)
class Atlas:
    """The chart of the world asked about last, and the work on the next one. For the engine thread only."""

    _of: Any = None
    _key: tuple[int, str] = (-2, "")
    _work: Iterator[Chart | None] | None = None
    _chart: Chart | None = None
    _done: int = 0

    def chart(self, stage: Stage, until: float) -> Chart | Pending:
        """The chart of the design in view as it is now.

        :param until: when to stop, in seconds of ``time.perf_counter``.
        """
        lane = stage.shown
        key = (lane.node, lane.kind.key)
        if self._of is None or self._of() is not lane.world or self._key != key:
            self._of, self._key = weakref.ref(lane.world), key
            self._chart, self._done = None, 0
            self._work = _charted(lane.world, lane.kind.key)  # type: ignore[arg-type]
        while self._chart is None:
            assert self._work is not None
            self._chart = next(self._work)
            self._done += 1
            if self._chart is None and time.perf_counter() > until:
                return Pending(self._done / (self._done + 20))
        return self._chart


def _charted(world: World, key: str) -> Iterator[Chart | None]:
    # the work on a chart: yields None between steps
    design, table = world.design, world.vma
    pids, comms, lists = _processes(world)
    first = np.zeros(len(lists) + 1, np.int64)
    np.cumsum([len(rows) for rows in lists], out=first[1:])
    rank = np.full(max(table.capacity, 1), -1, np.int32)
    for number, rows in enumerate(lists):
        rank[np.array(rows, np.int64)] = np.arange(first[number], first[number + 1])
        if number % 128 == 127:
            yield None
    yield None
    found = design.incidence()
    yield None
    objects, above = found.objects, found.parents
    position = np.full(int(objects.max(initial=-1)) + 2, -1, np.int64)
    position[objects] = np.arange(len(objects))
    tree: Preorder | None = None
    for tree in preorder(np.where(above >= 0, position[above], -1)):
        if tree is None:
            yield None
    assert tree is not None
    yield None
    names = objects[tree.order]
    position[names] = np.arange(len(names))
    yield None
    row, column = np.empty(len(found.vmas), np.int32), np.empty(len(found.vmas), np.int32)
    for at in range(0, len(row), STEP):
        row[at : at + STEP] = rank[found.vmas[at : at + STEP]]
        column[at : at + STEP] = position[found.owners[at : at + STEP]]
        yield None
    own = np.zeros(len(row), np.bool_)
    for at in range(0, len(row), STEP):
        part = slice(at, at + STEP)
        own[part] = design.vma_owner(found.vmas[part]) == found.owners[part]
        yield None
    yield from _counted(world, (key, found.link), pids, comms, first, names, tree, row, column, own, position)


def _counted(
    world: World, words: tuple[str, str], pids: list[int], comms: list[str], first: Ints, names: Ints, tree: Preorder, row: Small,
    column: Small, own: npt.NDArray[np.bool_], position: Ints,
) -> Iterator[Chart | None]:  # fmt: skip
    design, count = world.design, len(names)
    links = np.bincount(column, minlength=count)
    yield None
    vmas = np.bincount(column[own], minlength=count)
    yield None
    pages = _pages(world, position, count)
    yield None
    home = np.full(count, np.iinfo(np.int64).max)
    for at in range(0, len(row), STEP):
        part = slice(at, at + STEP)
        np.minimum.at(home, column[part], row[part] + np.where(own[part], 0, 1 << 40))
        yield None
    home = np.where(home == np.iinfo(np.int64).max, -1, home & ((1 << 40) - 1))
    starts = np.arange(0, len(row), BLOCK)
    lowest, highest = (
        (np.minimum if low else np.maximum).reduceat(row, starts) if len(row) else row for low in (True, False)
    )
    arrays = (first, names, row, column, own, vmas, links, pages, home)
    for array in arrays:
        array.flags.writeable = False
    yield Chart(
        design=words[0], owner=design.OWNER, link=words[1], letter=design.owner_name(0).removesuffix("0"),
        pids=tuple(pids),
        comms=tuple(comms), first=first, names=names, tree=tree, roots=np.append(tree.roots, count), row=row,
        column=column, own=own, vmas=vmas, links=links, pages=pages, home=home,
        lowest=lowest, highest=highest,
    )  # fmt: skip


def _processes(world: World) -> tuple[list[int], list[str], list[list[int]]]:
    # pid, comm and vmas of every mm's first process, parents before children
    tasks = leaders(world)
    known = {task.pid for task in tasks}
    below: dict[int, list[Any]] = {}
    for task in tasks:
        below.setdefault(task.ppid if task.ppid in known and task.ppid != task.pid else 0, []).append(task)
    pids, comms, lists, seen = [], [], [], set()
    stack = list(reversed(below.get(0, [])))
    while stack:
        task = stack.pop()
        stack.extend(reversed(below.pop(task.pid, [])))
        if task.mm in world.mms and task.mm not in seen:
            seen.add(task.mm)
            pids.append(task.pid)
            comms.append(task.comm)
            lists.append(world.mms[task.mm].vmas)
    return pids, comms, lists


def _pages(world: World, position: Ints, count: int) -> Ints:
    pages = world.page.live()
    pages = pages[((world.page.state[pages] & ANON) != 0) & (world.page.mapcount[pages] > 0)]
    owner = world.page.mapping[pages]
    owner = position[owner[(owner >= 0) & (owner < len(position))]]
    return np.bincount(owner[owner >= 0], minlength=count)


# --- the forest ----------------------------------------------------------------------------------------------------


@frozen(kw_only=True, eq=False)
class ForestPicture:
    """What is drawn of a forest, one element a glyph."""

    chart: Chart
    kind: Ints
    column: Ints
    """Column of the glyph's object in the chart; of MORE and BETWEEN that of the first left out."""
    parent: Ints
    """Number of the glyph above, -1 none."""
    level: npt.NDArray[np.float64]
    row: npt.NDArray[np.float64]
    objects: Ints
    """Objects the glyph stands for."""
    vmas: Ints
    links: Ints
    pages: Ints
    cards: bool
    """No object has a parent: cards, the fullest first."""


@frozen(kw_only=True, eq=False)
class ForestQuestion:
    """The forest of the design in view, folded."""

    atlas: Atlas
    folding: Folding = field(factory=Folding)
    must: tuple[int, ...] = ()
    """Objects that are to be seen."""
    size: tuple[float, float] = (600.0, 300.0)
    """Of the panel, in the unit of ``across`` and ``down``."""
    across: float = 120.0
    down: float = 34.0
    key: str = "structures.forest"

    def answer(self, stage: Stage) -> ForestPicture | Pending:
        """From the chart of the design in view."""
        chart = self.atlas.chart(stage, time.perf_counter() + SLICE_S)
        return chart if isinstance(chart, Pending) else self.drawn(chart)

    def drawn(self, chart: Chart) -> ForestPicture:
        """Folded and laid out."""
        cards = len(chart.tree.roots) == chart.columns
        tree = _by_vmas(chart) if cards else chart.tree
        names = chart.names[tree.order] if cards else chart.names
        must = np.flatnonzero(np.isin(names, self.must)).tolist() if self.must else []
        folding = self.folding
        if cards:
            folding = Folding(wider=folding.wider, wide=folding.budget)
        glyphs, top = fold(tree, names, folding, must)
        level, row = place(glyphs, top, self.size, (self.across, self.down))
        sums = [_sums(glyphs, tree, one[tree.order] if cards else one)
                for one in (np.ones(chart.columns, np.int64), chart.vmas, chart.links, chart.pages)]  # fmt: skip
        at = np.array([glyph.node for glyph in glyphs], np.int64)
        return ForestPicture(
            chart=chart, kind=np.array([glyph.kind for glyph in glyphs], np.int64),
            column=tree.order[at] if cards else at, parent=np.array([glyph.parent for glyph in glyphs], np.int64),
            level=level, row=row, objects=sums[0], vmas=sums[1], links=sums[2], pages=sums[3], cards=cards,
        )  # fmt: skip


def _by_vmas(chart: Chart) -> Preorder:
    order = np.lexsort((chart.names, -chart.pages, -chart.links))
    n = len(order)
    return Preorder(
        order=order, parent=np.full(n, -1, np.int64), depth=np.zeros(n, np.int64), size=np.ones(n, np.int64),
        roots=np.arange(n),
    )  # fmt: skip


def _sums(glyphs: list[Any], tree: Preorder, values: Ints) -> Ints:
    """Of each glyph: its object's value; of a folded one that of its subtree; of others that of all left out."""
    total = np.r_[0, np.cumsum(values)]
    out = np.empty(len(glyphs), np.int64)
    for number, glyph in enumerate(glyphs):
        node = glyph.node
        if glyph.kind == MORE:
            out[number] = int((total[glyph.hidden + tree.size[glyph.hidden]] - total[glyph.hidden]).sum())
        elif glyph.kind == BETWEEN:
            below = int(glyph.hidden[0])
            out[number] = total[node + tree.size[node]] - total[node] - total[below + tree.size[below]] + total[below]
        else:
            end = node + (int(tree.size[node]) if glyph.kind == FOLDED else 1)
            out[number] = total[end] - total[node]
    return out
