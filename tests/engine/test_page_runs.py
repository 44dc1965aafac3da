"""Runs of like pages: what a fork and a write make of the pages of both processes, and what does not depend on it."""

from __future__ import annotations

import numpy as np
import pytest

from rmapexplorer.core.operations import Fork, Mmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.engine import page_runs
from rmapexplorer.engine.page_runs import COPIED, OWN, SHARED, SWAPPED, PageRuns
from rmapexplorer.engine.snapshot import columns

FORKED: tuple[Operation, ...] = (
    Spawn(pid=1, comm="server"),
    Mmap(pid=1, span=Span(10, 30)),
    Touch(pid=1, runs=((10, 26, "w"),)),
    Fork(pid=1, child=2),
)
WRITE = Touch(pid=2, runs=((11, 16, "w"),))


def world(*more: Operation, design: str = "anon_vma") -> World:
    made = World(design_named(design), Machine())
    for op in (*FORKED, *more):
        assert made.apply(op).error is None
    return made


def runs_of(w: World) -> PageRuns:
    found = columns(w, None).vmas.pages
    assert found is not None
    return found


def told(runs: PageRuns, vma: int) -> list[tuple[int, int, int]]:
    low, high = int(runs.first[vma]), int(runs.first[vma + 1])
    return list(zip(*(column[low:high].tolist() for column in (runs.start, runs.end, runs.state)), strict=True))


@pytest.mark.parametrize("design", ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"])
def test_a_write_after_fork_makes_copies_there_and_own_pages_in_the_parent(design: str) -> None:
    assert told(runs_of(world(design=design)), 0) == [(10, 26, SHARED)]
    runs = runs_of(world(WRITE, design=design))
    assert told(runs, 0) == [(10, 11, SHARED), (11, 16, OWN), (16, 26, SHARED)]
    assert told(runs, 1) == [(10, 11, SHARED), (11, 16, COPIED), (16, 26, SHARED)]


def test_pages_name_the_object_they_hang_on_where_it_is_another_than_that_of_the_vma() -> None:
    w = world(WRITE, design="anon_vma_chain")
    shown = columns(w, None).vmas
    assert shown.pages is not None and shown.anon.tolist() == [0, 1]
    assert shown.pages.owner.tolist() == [0, 0, 0, 0, 1, 0]


def test_swapped_pages_are_told_and_sums_before_each_run_add_up() -> None:
    runs = runs_of(world(WRITE, Reclaim(pages=None)))
    assert set(runs.state.tolist()) == {SWAPPED}
    runs = runs_of(world(WRITE))
    assert runs.before[:, -1].tolist() == [5, 22, 5, 0]
    sizes = runs.end - runs.start
    for state in range(4):
        assert np.array_equal(np.diff(runs.before[state]), np.where(runs.state == state, sizes, 0))


def test_equal_runs_stay_the_same_object_and_too_many_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    w = world(WRITE)
    shown = columns(w, None)
    assert columns(w, shown).vmas.pages is shown.vmas.pages
    monkeypatch.setattr(page_runs, "MOST_RUNS", 3)
    assert columns(w, None).vmas.pages is None


def test_how_a_page_came_to_be_is_no_part_of_the_digest() -> None:
    w = world(WRITE)
    before = w.digest()
    assert w.page.copied.any()
    w.page.copied[:] = False
    assert w.digest() == before
