"""Our reading of COW contexts: what a walk costs, what moves leave behind, who is found and who must copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from at_random import MOVING, run_at_random
from oracles import check_world, finds, last_exit, new_world

from rmapexplorer.core.operations import (
    Exec,
    Exit,
    Fork,
    Madvise,
    Mmap,
    Mremap,
    Munmap,
    Operation,
    Reclaim,
    Spawn,
    Touch,
)
from rmapexplorer.core.units import Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.perf import load_perf

KEY = "cow_context"
SHARED = "cow_context:track=shared"
BOTH = (KEY, SHARED)
RECORDING = Path(__file__).parents[1] / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
AT = Span(10, 14)
WRITE = ((10, 14, "w"),)


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def parent(key: str = KEY) -> World:
    return run(new_world(key), Spawn(pid=1), Mmap(pid=1, span=AT), Touch(pid=1, runs=WRITE))


def move(pid: int, start: int, to: int, pages: int = 4) -> Mremap:
    return Mremap(pid=pid, span=Span(start, start + pages), new_pages=pages, to=to)


def counts(w: World) -> tuple[int, int]:
    """(contexts, records)."""
    kept = {row.kind: row.objects for row in w.footprint()}
    return kept["cow_context"], kept["remap"]


def page(w: World, pid: int, vpn: int = 10) -> int:
    return w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12


def owner(w: World, pid: int, vpn: int = 10) -> tuple[int, int]:
    at = page(w, pid, vpn)
    return int(w.page.mapping[at]), int(w.page.index[at])


def walk(w: World, pid: int, vpn: int = 10) -> Priced:
    return price(w, w.candidates(np.array([page(w, pid, vpn)], np.int64))[0])


def whole(w: World, pid: int, vpn: int = 10) -> tuple[int, int, int]:
    """(nodes, rejects, candidates) of the walk that does not stop at mapcount."""
    found = w.candidates(np.array([page(w, pid, vpn)], np.int64))[0]
    return int(found.total_nodes[0]), int(found.total_rejects[0]), len(found.mm)


def vmas(w: World, pid: int = 1) -> list[tuple[int, int]]:
    return [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mms[w.tasks[pid].mm].vmas]


# -- the tree ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 5, 100])
def test_one_context_for_each_process(n: int) -> None:
    """n children: n + 1 contexts, whatever the vmas; a page shared by all costs n + 1 nodes and probes."""
    w = run(parent(), *(Fork(pid=1, child=2 + i) for i in range(n)))
    assert counts(w) == (n + 1, 0)
    priced = walk(w, 1)
    assert (priced.nodes.tolist(), priced.probes.tolist(), priced.hits.tolist()) == ([n + 1], [n + 1], [n + 1])
    last_exit(w)


@pytest.mark.parametrize("n", [1, 4, 30])
def test_what_a_child_writes_is_the_childs(n: int) -> None:
    """AIM7 of 2010: n children write n pages each: one node and one probe a page."""
    w = run(new_world(KEY), Spawn(pid=1), Mmap(pid=1, span=Span(0, n)), Touch(pid=1, runs=((0, n, "w"),)))
    run(w, *(Fork(pid=1, child=2 + i) for i in range(n)), *(Touch(pid=2 + i, runs=((0, n, "w"),)) for i in range(n)))
    pages = w.anonymous_pages()
    theirs = pages[w.page.mapping[pages] != w.page.mapping[page(w, 1, 0)]]
    priced = price(w, w.candidates(theirs)[0])
    assert (len(theirs), int(priced.nodes.sum()), int(priced.probes.sum())) == (n * n, n * n, n * n)
    assert (priced.hits == 1).all()


def test_a_page_goes_down_when_it_is_the_writers_alone() -> None:
    """The parent copies first; the child then reuses the old page, which becomes the child's."""
    w = run(parent(), Fork(pid=1, child=2), Touch(pid=1, runs=((10, 11, "w"),)))
    assert owner(w, 2) == (0, 10)
    run(w, Touch(pid=2, runs=((10, 11, "w"),)))
    assert owner(w, 2) == (1, 10)
    assert walk(w, 2).nodes.tolist() == [1]


def test_a_context_outlives_its_mm_while_pages_point_at_it() -> None:
    """The parent exits: its context is passed through, not probed; with the last of its pages it goes."""
    w = run(parent(), Fork(pid=1, child=2), Fork(pid=2, child=3), Exit(pid=1))
    assert counts(w) == (3, 0)
    assert whole(w, 2) == (3, 0, 2)
    run(w, Touch(pid=2, runs=WRITE), Touch(pid=3, runs=WRITE))
    assert counts(w) == (2, 0)
    check_world(w)
    last_exit(w)


@pytest.mark.parametrize("writes", [False, True])
def test_an_endless_chain_stays_short(writes: bool) -> None:
    """Parent forks and exits, 24 generations: the first, which the pages name, and the last; or the last alone."""
    w = parent()
    for n in range(1, 25):
        run(w, Fork(pid=n, child=n + 1), *([Touch(pid=n + 1, runs=WRITE)] if writes else []), Exit(pid=n))
    assert counts(w) == ((1, 0) if writes else (2, 0))


def test_exec_begins_a_tree() -> None:
    w = run(parent(), Fork(pid=1, child=2), Exec(pid=2), Mmap(pid=2, span=AT), Touch(pid=2, runs=WRITE))
    assert whole(w, 1) == (1, 0, 1)
    assert whole(w, 2) == (1, 0, 1)


# -- moves -------------------------------------------------------------------------------------------


def test_the_letters_scenario_without_a_copy() -> None:
    """fork, the child moves: the page keeps (parent, 10); the child's context has one record, 10 at 100; both are found."""
    w = run(parent(), Fork(pid=1, child=2), move(2, 10, 100))
    assert owner(w, 1) == (0, 10)
    assert counts(w) == (2, 1)
    assert w.counters["copied_by_mremap"] == 0
    found = w.candidates(np.array([page(w, 1)], np.int64))[0]
    assert list(zip(found.mm.tolist(), found.vpn.tolist(), strict=True)) == [(0, 10), (1, 10), (1, 100)]
    priced = walk(w, 1)
    assert (priced.nodes.tolist(), priced.hits.tolist()) == ([3], [2])
    check_world(w)


@pytest.mark.parametrize("n", [1, 2, 5, 20])
@pytest.mark.parametrize("key", BOTH)
def test_memory_that_moves_again_and_again(n: int, key: str) -> None:
    """every: n moves leave n records, all looked at. shared: pages of one process need none."""
    w = run(parent(key), *(move(1, 10 + 10 * i, 20 + 10 * i) for i in range(n)))
    last = 10 + 10 * n
    assert counts(w) == ((1, n) if key == KEY else (1, 0))
    assert owner(w, 1, last) == ((0, 10) if key == KEY else (0, last))
    assert whole(w, 1, last) == ((n + 1, n - 1, 2) if key == KEY else (1, 0, 1))
    check_world(w)
    run(w, Munmap(pid=1, span=Span(last, last + 4)))
    assert counts(w) == (1, 0)


@pytest.mark.parametrize("key", BOTH)
@pytest.mark.parametrize("n", [1, 3, 10])
def test_contexts_times_remaps(n: int, key: str) -> None:
    """The criticism: a shared page that moved n times before n forks: n + 1 contexts with n records each are looked at."""
    w = run(parent(key), Fork(pid=1, child=2), *(move(1, 10 + 10 * i, 20 + 10 * i) for i in range(n)))
    run(w, *(Fork(pid=1, child=3 + i) for i in range(n)))
    last = 10 + 10 * n
    assert counts(w) == (n + 2, n * (n + 1))
    nodes, rejects, _ = whole(w, 1, last)
    assert nodes == n + 2 + n * (n + 1)
    assert rejects == (n - 1) * (n + 1)
    assert walk(w, 1, last).hits.tolist() == [n + 2]
    check_world(w)


def test_moving_home_leaves_nothing_of_the_way() -> None:
    """10 to 100 and back: a record that would say 10 is at 10 is none; the one for memory faulted at 100 stays."""
    w = run(parent(), move(1, 10, 100), move(1, 100, 10))
    assert w.design.remaps[0].tolist() == [[100, 10, 4]]  # type: ignore[attr-defined]
    check_world(w)


def test_a_move_cuts_records() -> None:
    """The middle of what moved moves on: the record for it leads on, the others stay where they were."""
    w = run(parent(), move(1, 10, 100), move(1, 101, 201, 2))
    remaps = sorted(w.design.remaps[0].tolist())  # type: ignore[attr-defined]
    assert remaps == [[10, 100, 1], [11, 201, 2], [13, 103, 1], [101, 201, 2]]
    check_world(w)


def test_children_know_of_moves_before_the_fork_only() -> None:
    w = run(parent(), move(1, 10, 100), Fork(pid=1, child=2), move(1, 100, 200))
    assert counts(w) == (2, 1 + 2)
    assert walk(w, 2, 100).hits.tolist() == [2]
    check_world(w)


@pytest.mark.parametrize("advice", ["dontfork", "wipeonfork"])
def test_children_do_not_know_of_moves_to_what_they_did_not_get(advice: str) -> None:
    """The upper half of what moved stays with the parent: the child's record ends before it."""
    half = Madvise(pid=1, span=Span(102, 104), advice=advice)
    w = run(parent(), move(1, 10, 100), half, Fork(pid=1, child=2))
    remaps = w.design.remaps  # type: ignore[attr-defined]
    assert (remaps[0].tolist(), remaps[1].tolist()) == ([[10, 100, 4]], [[10, 100, 2]])
    check_world(w)


def test_vmas_merge_wherever_they_land() -> None:
    """No pgoff, no anon_vma: what arrives beside equal memory joins it, forked or not."""
    w = run(parent(), Mmap(pid=1, span=Span(100, 104)), Touch(pid=1, runs=((100, 104, "w"),)), Fork(pid=1, child=2))
    run(w, move(1, 100, 14), move(2, 100, 14))
    assert (vmas(w, 1), vmas(w, 2)) == ([(10, 18)], [(10, 18)])
    assert w.counters["merges_refused"] == 0
    check_world(w)


# -- swap --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", BOTH)
def test_swapped_pages_of_relatives(key: str) -> None:
    """At one address the relatives share what was read back; the one that moved meanwhile gets a copy, or a record finds it."""
    w = run(parent(key), Fork(pid=1, child=2), Fork(pid=1, child=3), Reclaim(), move(2, 10, 100))
    run(w, *(Touch(pid=pid, runs=((at, at + 4, "r"),)) for pid, at in ((1, 10), (3, 10), (2, 100))))
    assert page(w, 1) == page(w, 3)
    assert owner(w, 1) == (0, 10)
    assert (page(w, 2, 100) == page(w, 1)) == (key == KEY)
    assert w.counters["copied_by_design"] == (0 if key == KEY else 4)
    check_world(w)
    run(w, Reclaim())
    assert w.counters["missed_ptes"] == 0
    last_exit(w)


# -- everything at random ----------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "memory"), [(3, {}), (4, {}), (5, {"ram_pages": 48, "swap_pages": 24})])
def test_at_random(seed: int, memory: dict[str, int]) -> None:
    assert len(run_at_random(("anon_vma_chain", *BOTH), seed, 250, mix=MOVING, **memory).log) > 100


@pytest.mark.parametrize("key", BOTH)
def test_a_real_program(key: str) -> None:
    session = load_perf(str(RECORDING))
    w = World(design_named(key), session.machine)
    for op in session.operations:
        w.apply(op)
    assert finds(w) == 0
    last_exit(w)


def test_the_picture_goes_down_the_tree() -> None:
    w = run(parent(), Fork(pid=1, child=2), move(2, 10, 100))
    shown = w.design.picture(page(w, 1), -1, 10)
    assert {node.key for node in shown.nodes if node.rank == 1} == {"C0", "C1"}
    assert [node.title for node in shown.nodes if node.rank == 2] == ["a-e", "64-68"]
    assert ("C0", "C1") in shown.links
    assert w.design.owner_fields(page(w, 1), -1)[0] == "COW context C0"
