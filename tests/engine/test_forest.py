"""Forests as arrays: preorder, folding with its counts, places without overlaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.operations import Fork, Mmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.forest import BETWEEN, FOLDED, MORE, MOST_DRAWN, NODE, Folding, Preorder, fold, place, preorder
from rmapexplorer.engine.incidence import Atlas, Chart, ForestPicture, ForestQuestion
from tests.engine.test_incidence import charted
from tests.engine.worlds import world_of


def ordered(parents: list[int]) -> Preorder:
    return [tree for tree in preorder(np.array(parents, np.int64)) if tree is not None][-1]


trees = st.lists(st.integers(-1, 10**6), min_size=1, max_size=120).map(
    lambda seed: [-1 if number < 0 or i == 0 else number % (i + 1) - 1 for i, number in enumerate(seed)]
)


@given(trees)
def test_a_subtree_is_a_range_of_the_preorder(parents: list[int]) -> None:
    tree = ordered(parents)
    old = tree.order.tolist()
    assert sorted(old) == list(range(len(parents)))
    for node, before in enumerate(old):
        assert (old[tree.parent[node]] if tree.parent[node] >= 0 else -1) == parents[before]
        below = {node} | {n for n in range(len(old)) if any(a == node for a in up(tree, n))}
        assert below == set(range(node, node + int(tree.size[node])))
        assert tree.depth[node] == len(up(tree, node))


def up(tree: Preorder, node: int) -> list[int]:
    out = []
    while (node := int(tree.parent[node])) >= 0:
        out.append(node)
    return out


def folded(parents: list[int], folding: Folding, must: tuple[int, ...] = ()) -> tuple[Preorder, list, list]:
    tree = ordered(parents)
    return tree, *fold(tree, np.arange(len(parents)), folding, must)


def stands_for(tree: Preorder, glyph) -> set[int]:
    if glyph.kind == NODE:
        return {glyph.node}
    if glyph.kind == FOLDED:
        return set(range(glyph.node, glyph.node + int(tree.size[glyph.node])))
    if glyph.kind == BETWEEN:
        whole = set(range(glyph.node, glyph.node + int(tree.size[glyph.node])))
        return whole - set(range(int(glyph.hidden[0]), int(glyph.hidden[0] + tree.size[glyph.hidden[0]])))
    return {n for root in glyph.hidden.tolist() for n in range(root, root + int(tree.size[root]))}


foldings = st.builds(
    Folding,
    opened=st.frozensets(st.integers(0, 119), max_size=4), closed=st.frozensets(st.integers(0, 119), max_size=4),
    wider=st.frozensets(st.integers(-1, 119), max_size=3), budget=st.integers(4, 60), wide=st.integers(3, 12),
)  # fmt: skip


@given(trees, foldings, st.lists(st.integers(0, 119), max_size=3))
def test_every_object_is_in_exactly_one_glyph(parents: list[int], folding: Folding, must: list[int]) -> None:
    wanted = tuple(node for node in must if node < len(parents))
    tree, glyphs, top = folded(parents, folding, wanted)
    parts = [stands_for(tree, glyph) for glyph in glyphs]
    assert sum(len(part) for part in parts) == len(parents) == len(set().union(*parts))
    for number, glyph in enumerate(glyphs):
        assert all(glyphs[kid].parent == number for kid in glyph.children)
        assert (glyph.parent < 0) == (number in top)
    if not folding.closed:
        drawn = {glyph.node for glyph in glyphs if glyph.kind in (NODE, FOLDED)}
        assert set(wanted) <= drawn


@given(trees, foldings, st.floats(80, 2000), st.floats(60, 1200))
def test_places_do_not_overlap_and_are_the_same_again(parents: list[int], folding: Folding, w: float, h: float) -> None:
    _, glyphs, top = folded(parents, folding)
    level, row = place(glyphs, top, (w, h), (120.0, 34.0))
    for a in range(len(glyphs)):
        near = (np.abs(level - level[a]) < 0.999) & (np.abs(row - row[a]) < 0.999)
        assert near.sum() == 1, np.flatnonzero(near)
    assert level.min() >= 0 and row.min() >= 0
    again = place(*fold(ordered(parents), np.arange(len(parents)), folding), (w, h), (120.0, 34.0))
    assert (again[0] == level).all() and (again[1] == row).all()


def test_a_line_of_a_thousand_keeps_to_the_budget_although_its_end_must_be_seen() -> None:
    line = list(range(-1, 999))
    tree, glyphs, _ = folded(line, Folding(), must=(500,))
    assert len(glyphs) <= Folding().budget + 20
    assert any(glyph.kind == NODE and glyph.node == 500 for glyph in glyphs)
    between = [glyph for glyph in glyphs if glyph.kind == BETWEEN]
    assert len(between) == 1 and len(stands_for(tree, between[0])) > 450
    _, opened, _ = folded(line, Folding(opened=frozenset({between[0].node})), must=(500,))
    assert not any(glyph.kind == BETWEEN for glyph in opened) and 500 < len(opened) <= MOST_DRAWN


def test_a_deep_line_goes_on_below_like_text() -> None:
    _, glyphs, top = folded(list(range(-1, 99)), Folding())
    level, row = place(glyphs, top, (600.0, 300.0), (150.0, 40.0))
    assert level.max() < 8 and row.max() > 10
    assert (np.diff(row) >= 0).all()


def test_many_children_stand_in_columns_and_the_rest_in_one_glyph() -> None:
    _, glyphs, _ = folded([-1] + [0] * 300, Folding())
    more = [glyph for glyph in glyphs if glyph.kind == MORE]
    assert len(glyphs) == 25 and len(more) == 1 and len(more[0].hidden) == 300 - 23
    _, wider, top = folded([-1] + [0] * 300, Folding(wider=frozenset({0}), opened=frozenset({0})))
    level, row = place(wider, top, (600.0, 300.0), (120.0, 34.0))
    assert len(wider) == 301 and level.max() < 8 and row.max() < 60


def test_trees_of_one_object_stand_together_beside_the_others() -> None:
    parents = [-1, 0, 0, 0, 0, 0, *[-1] * 10]
    _, glyphs, top = folded(parents, Folding())
    level, row = place(glyphs, top, (900.0, 200.0), (120.0, 34.0))
    single = [number for number in top if not glyphs[number].children]
    assert len(single) == 10 and len(np.unique(level[single])) == 3
    assert row[single].max() == 3 and level[single].min() > level[[n for n in range(16) if n not in single]].max()


def test_what_is_closed_stays_closed() -> None:
    parents = [-1, 0, 1, 0]
    tree, glyphs, _ = folded(parents, Folding(closed=frozenset({0})))
    assert [glyph.kind for glyph in glyphs] == [FOLDED] and stands_for(tree, glyphs[0]) == {0, 1, 2, 3}


def family(children: int) -> list[Operation]:
    out: list[Operation] = [Spawn(pid=1), Mmap(pid=1, span=Span(0, 8)), Touch(pid=1, runs=((0, 8, "w"),))]
    for pid in range(2, children + 2):
        out += [Fork(pid=max(1, pid // 2), child=pid), Touch(pid=pid, runs=((0, 2, "w"),))]
    return out


def sums(chart: Chart, picture: ForestPicture) -> None:
    assert picture.objects.sum() == chart.columns
    for mine, all_of in ((picture.vmas, chart.vmas), (picture.links, chart.links), (picture.pages, chart.pages)):
        assert mine.sum() == all_of.sum()
    for number in np.flatnonzero(picture.kind == NODE).tolist():
        column = picture.column[number]
        assert picture.objects[number] == 1 and picture.links[number] == chart.links[column]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
@pytest.mark.parametrize("budget", [6, 40, 500])
def test_folds_count_what_is_in_them(design: type, budget: int) -> None:
    chart = charted(world_of(design, family(90)), design.key)
    if not chart.columns:
        pytest.skip("the design has no objects")
    question = ForestQuestion(atlas=Atlas(), folding=Folding(budget=budget, wide=7))
    picture = question.drawn(chart)
    sums(chart, picture)
    assert picture.cards == (chart.tree.parent < 0).all()
    seen = ForestQuestion(atlas=Atlas(), folding=Folding(budget=budget), must=(int(chart.names[-1]),)).drawn(chart)
    sums(chart, seen)
    assert chart.columns - 1 in seen.column[seen.kind < MORE]
