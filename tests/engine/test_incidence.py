"""Charts, tiles and patches of all links against a recount, for every design after random operations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from at_random import BUSY, random_log
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.operations import Exit, Fork, Mmap, Operation, Spawn, Touch
from rmapexplorer.core.table import ANON
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.incidence import BLOCK, Atlas, Chart, Pending
from rmapexplorer.engine.patch import MOST_VMAS, PatchQuestion, patch
from rmapexplorer.engine.tiles import INHERITED, OWN, MatrixQuestion, edges, tile
from tests.engine.worlds import world_of

KEYS = [design.key for design in DESIGNS]


def stage(world: World, key: str, node: int = 1) -> Any:
    """As much of a stage as the questions look at."""
    return SimpleNamespace(shown=SimpleNamespace(node=node, kind=SimpleNamespace(key=key), world=world))


def charted(world: World, key: str) -> Chart:
    answer = Atlas().chart(stage(world, key), 1e12)
    assert isinstance(answer, Chart)
    return answer


def at_random(key: str, seed: int) -> World:
    kind = next(design for design in DESIGNS if design.key == key)
    world = World(kind(), Machine(files={"f": 16}))
    for op in random_log(seed, 150, BUSY):
        world.apply(op)
    return world


def forked(children: int) -> list[Operation]:
    """A parent of three vmas, and children that write in one of them."""
    out: list[Operation] = [Spawn(pid=1, comm="sh")]
    for at in (16, 64, 96):
        out += [Mmap(pid=1, span=Span(at, at + 8)), Touch(pid=1, runs=((at, at + 4, "w"),))]
    for pid in range(2, children + 2):
        out += [Fork(pid=1, child=pid), Touch(pid=pid, runs=((16, 18, "w"),))]
    return out


@pytest.fixture(scope="module")
def family() -> tuple[World, Chart]:
    kind = next(design for design in DESIGNS if design.key == "anon_vma_chain")
    world = world_of(kind, forked(12))
    return world, charted(world, "anon_vma_chain")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_chart_holds_exactly_the_links_of_the_design(key: str, seed: int) -> None:
    world = at_random(key, seed)
    chart, found = charted(world, key), world.design.incidence()
    rows = [vma for pid in chart.pids for vma in world.mms[world.tasks[pid].mm].vmas]
    assert len(rows) == chart.rows and sorted(rows) == world.vma.live().tolist()
    drawn = sorted(
        (rows[r], int(chart.names[c])) for r, c in zip(chart.row.tolist(), chart.column.tolist(), strict=True)
    )
    assert drawn == sorted(zip(found.vmas.tolist(), found.owners.tolist(), strict=True))
    assert sorted(chart.names.tolist()) == found.objects.tolist()
    own = {(vma, owner) for vma, owner in drawn if int(world.design.vma_owner(np.array([vma]))[0]) == owner}
    assert {
        (rows[r], int(chart.names[c])) for r, c in zip(chart.row[chart.own], chart.column[chart.own], strict=True)
    } == own
    for column, name in enumerate(chart.names.tolist()):
        assert chart.links[column] == sum(owner == name for _, owner in drawn)
        assert chart.vmas[column] == sum(owner == name for _, owner in own)
        linked = [r for r, vma in enumerate(rows) if (vma, name) in drawn]
        mine = [r for r in linked if (rows[r], name) in own]
        assert chart.home[column] == next(iter(mine or linked), -1)


@pytest.mark.parametrize("key", KEYS)
def test_the_tree_of_a_chart_is_that_of_the_design_and_pages_are_those_that_point_there(key: str) -> None:
    world = at_random(key, 3)
    chart, found = charted(world, key), world.design.incidence()
    parents = dict(zip(found.objects.tolist(), found.parents.tolist(), strict=True))
    for column, name in enumerate(chart.names.tolist()):
        above = int(chart.tree.parent[column])
        assert (int(chart.names[above]) if above >= 0 else -1) == parents[name]
        below = range(column + 1, column + int(chart.tree.size[column]))
        assert all(chart.tree.parent[other] in range(column, other) for other in below)
    pages: dict[int, int] = {}
    for page in world.page.live().tolist():
        if world.page.state[page] & ANON and world.page.mapcount[page] > 0:
            owner = int(world.page.mapping[page])
            pages[owner] = pages.get(owner, 0) + 1
    assert chart.pages.tolist() == [pages.get(name, 0) for name in chart.names.tolist()]


def test_processes_come_as_the_tree_has_them_with_their_names(family: tuple[World, Chart]) -> None:
    world, chart = family
    assert chart.pids == (1, *range(2, 14)) and set(chart.comms) == {"sh"}
    assert [chart.process(row) for row in (0, 2, 3, chart.rows - 1)] == [0, 0, 1, 12]
    assert np.diff(chart.first).tolist() == [len(world.mms[world.tasks[pid].mm].vmas) for pid in chart.pids]
    assert not chart.row.flags.writeable and chart.name(0) == "A0"


def test_a_chart_is_kept_until_the_position_or_the_design_changes(family: tuple[World, Chart]) -> None:
    world, _ = family
    atlas, key = Atlas(), "anon_vma_chain"
    first = atlas.chart(stage(world, key), 1e12)
    assert atlas.chart(stage(world, key), 0.0) is first
    assert isinstance(atlas.chart(stage(world, key, 2), 0.0), Pending), "no time for it in one answer"
    asked = 0
    while isinstance(answer := atlas.chart(stage(world, key, 2), 0.0), Pending):
        asked += 1
        assert 0 < answer.share < 1
    assert asked and answer is not first and (answer.row == first.row).all()


def recount(chart: Chart, answer: Any) -> np.ndarray:
    counts = np.zeros((len(answer.row_edges) - 1, len(answer.column_edges) - 1), int)
    for r, c in zip(chart.row.tolist(), chart.column.tolist(), strict=True):
        i = int(np.searchsorted(answer.row_edges, r, "right")) - 1
        j = int(np.searchsorted(answer.column_edges, c, "right")) - 1
        if 0 <= i < counts.shape[0] and 0 <= j < counts.shape[1]:
            counts[i, j] += 1
    return counts


@pytest.mark.parametrize("tall", [0.01, 0.2, 0.8, 2.0, 6.0, 20.0])
@pytest.mark.parametrize("wide", [0.05, 0.9, 8.0])
def test_a_tile_counts_every_link_in_its_cell(family: tuple[World, Chart], tall: float, wide: float) -> None:
    chart = family[1]
    for rows, columns in (((0, 1 << 62), (0, 1 << 62)), ((5, 17), (2, 7)), ((9, 10), (0, 1)), ((400, 500), (3, 9))):
        answer = tile(chart, rows, columns, tall, wide)
        assert (answer.counts == recount(chart, answer)).all()
        assert answer.shown == answer.counts.sum() and answer.most == answer.counts.max(initial=0)
        assert ((answer.shades > 0) == (answer.counts > 0)).all()


def test_of_many_links_only_those_near_the_rows_are_looked_at_and_none_is_missed() -> None:
    kind = next(design for design in DESIGNS if design.key == "anon_vma_chain")
    chart = charted(world_of(kind, [Spawn(pid=1), Mmap(pid=1, span=Span(0, 4)), Touch(pid=1, runs=((0, 4, "w"),)),
                                    *(op for pid in range(1, 190) for op in (
                                        Fork(pid=pid, child=pid + 1), Touch(pid=pid + 1, runs=((0, 1, "w"),))))]),
                    "anon_vma_chain")  # fmt: skip
    assert len(chart.row) > 4 * BLOCK
    for rows in ((0, 3), (100, 120), (185, 190), (30, 160)):
        answer = tile(chart, rows, (0, chart.columns), 8.0, 8.0)
        assert answer.shown == ((chart.row >= rows[0]) & (chart.row < rows[1])).sum()
        assert (answer.counts == recount(chart, answer)).all()


def test_single_links_are_told_apart_by_whose_object_it_is(family: tuple[World, Chart]) -> None:
    chart = family[1]
    answer = tile(chart, (0, chart.rows), (0, chart.columns), 10.0, 10.0)
    assert (answer.rows_by, answer.columns_by) == ("vma", "anon_vma") and answer.most == 1
    for r, c, own in zip(chart.row.tolist(), chart.column.tolist(), chart.own.tolist(), strict=True):
        assert answer.shades[r, c] == (OWN if own else INHERITED)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=30), st.integers(-5, 400), st.integers(-5, 400),
    st.floats(0.001, 30),
)  # fmt: skip
def test_edges_rise_and_cover_the_span(sizes: list[int], low: int, high: int, pixels: float) -> None:
    units = np.r_[0, np.cumsum(sizes)]
    got, words = edges(units, (low, high), pixels, ("vma", "process"))
    assert (np.diff(got) > 0).all() and words
    begin, end = max(0, min(low, int(units[-1]))), max(0, min(high, int(units[-1])))
    if len(got) > 1 and end > begin:
        assert got[0] <= begin and got[-1] >= min(end, begin + 2800) and got[-1] <= units[-1]


def test_nothing_is_nothing() -> None:
    kind = next(design for design in DESIGNS if design.key == "anon_vma_chain")
    world = world_of(kind, [Spawn(pid=1), Mmap(pid=1, span=Span(0, 4)), Exit(pid=1)])
    answer = MatrixQuestion(atlas=Atlas()).answer(stage(world, "anon_vma_chain"))
    assert isinstance(answer, tuple) and len(answer[0].row) == 0 and answer[1].shown == 0 and answer[1].most == 0


def test_a_patch_is_the_links_framed_as_boxes(family: tuple[World, Chart]) -> None:
    world, chart = family
    asked = PatchQuestion(atlas=Atlas(), rows=(0, 9), columns=(0, 4))
    while isinstance(found := asked.answer(stage(world, "anon_vma_chain")), Pending):
        pass
    inside = (chart.row < 9) & (chart.column < 4)
    links = {(f"o{c}", f"r{r}") for r, c in zip(chart.row[inside].tolist(), chart.column[inside].tolist(), strict=True)}
    assert {(link.source, link.target) for link in found.links if link.source.startswith("o")} == links
    for node in found.nodes:
        if node.rank == 2:
            row = int(node.key[1:])
            pid = chart.pids[chart.process(row)]
            vma = world.mms[world.tasks[pid].mm].vmas[row - int(chart.first[chart.process(row)])]
            assert node.target == (pid, int(world.vma.start[vma])) and f"sh {pid}" in node.subtitle
    assert f"{inside.sum()} links framed" in found.note and found.left_out == (0, 0, 0, 0)


def test_a_patch_of_too_much_says_what_is_left_out() -> None:
    kind = next(design for design in DESIGNS if design.key == "anon_vma_chain")
    world = world_of(kind, forked(60))
    chart = charted(world, "anon_vma_chain")
    spans = {pid: [(int(world.vma.start[v]), int(world.vma.end[v])) for v in world.mms[world.tasks[pid].mm].vmas]
             for pid in chart.pids}  # fmt: skip
    found = patch(chart, spans, (0, chart.rows), (0, chart.columns))
    vmas = sum(node.rank == 2 for node in found.nodes)
    objects = sum(node.rank == 1 for node in found.nodes)
    assert vmas <= MOST_VMAS and found.shown == vmas + objects
    assert found.left_out == (0, chart.columns - objects, chart.rows - vmas, 0)
    assert found.total == chart.rows + chart.columns
    assert patch(chart, spans, (0, 1), (chart.columns - 1, chart.columns)).nodes == ()
