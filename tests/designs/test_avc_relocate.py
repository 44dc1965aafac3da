"""Our reading of MREMAP_RELOCATE_ANON: moved vmas merge where nothing is shared, and move as today where something may be."""

from __future__ import annotations

from pathlib import Path

import pytest
from at_random import MOVING, run_at_random
from oracles import check_world, finds, last_exit, new_world

from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.perf import load_perf

KEY = "avc_relocate"
MUST = "avc_relocate:must=on"
TODAY = "anon_vma_chain"
RECORDING = Path(__file__).parents[1] / "data" / "recordings" / "shell-pipeline.perf.txt.gz"
HOME, AWAY = Span(10, 14), Span(100, 104)
MOVE = Mremap(pid=1, span=AWAY, new_pages=4, to=14)


def run(w: World, *ops: Operation) -> World:
    for op in ops:
        outcome = w.apply(op)
        assert outcome.ok, (op, outcome)
    return w


def two(key: str) -> World:
    """Two written vmas far apart; MOVE brings the second beside the first."""
    w = run(new_world(key), Spawn(pid=1), Mmap(pid=1, span=HOME), Mmap(pid=1, span=AWAY))
    return run(w, Touch(pid=1, runs=((10, 14, "w"), (100, 104, "w"))))


def vmas(w: World, pid: int = 1) -> list[tuple[int, int, int]]:
    """(start, end, pgoff)."""
    v = w.vma
    return [(int(v.start[row]), int(v.end[row]), int(v.pgoff[row])) for row in w.mms[w.tasks[pid].mm].vmas]


def relocated(w: World) -> tuple[int, int]:
    return w.counters["pages_relocated"], w.counters["relocations_refused"]


def page(w: World, vpn: int) -> tuple[int, int]:
    """(mapping, index)."""
    at = w.pt.get(w.mms[w.tasks[1].mm].tables, vpn) >> 12
    return int(w.page.mapping[at]), int(w.page.index[at])


def test_a_faulted_vma_merges_where_it_arrives() -> None:
    """Today it stays a vma with a foreign pgoff; relocated, the four pages are the neighbour's, index and all."""
    today = run(two(TODAY), MOVE)
    assert vmas(today) == [(10, 14, 10), (14, 18, 100)]
    w = run(two(KEY), MOVE)
    assert vmas(w) == [(10, 18, 10)]
    assert [page(w, vpn) for vpn in range(10, 18)] == [(page(w, 10)[0], vpn) for vpn in range(10, 18)]
    assert relocated(w) == (4, 0)
    check_world(w)
    assert [row.objects for row in w.footprint()] == [1, 1]
    last_exit(w)


def test_alone_it_gets_an_anon_vma_and_pgoff_of_its_new_place() -> None:
    w = run(two(KEY), Mremap(pid=1, span=AWAY, new_pages=4, to=200))
    assert vmas(w) == [(10, 14, 10), (200, 204, 200)]
    assert page(w, 200)[1] == 200
    check_world(w)


def test_a_part_moves_beside_its_own_rest() -> None:
    """The tail of a vma moves away and comes back: one vma again, which is so today; and beside another it merges too."""
    w = run(two(KEY), Mremap(pid=1, span=Span(12, 14), new_pages=2, to=104))
    assert vmas(w) == [(10, 12, 10), (100, 106, 100)]
    w = run(w, Mremap(pid=1, span=Span(104, 106), new_pages=2, to=12))
    assert vmas(w) == [(10, 14, 10), (100, 104, 100)]
    check_world(w)


@pytest.mark.parametrize("who", [1, 2])
def test_nobody_relocates_what_fork_may_share(who: int) -> None:
    """Parent and child alike: moved as today, counted; with must=on EFAULT, and nothing moved."""
    op = Mremap(pid=who, span=AWAY, new_pages=4, to=14)
    w = run(two(KEY), Fork(pid=1, child=2), op)
    assert vmas(w, who) == [(10, 14, 10), (14, 18, 100)]
    assert relocated(w) == (0, 1)
    check_world(w)
    w = run(two(MUST), Fork(pid=1, child=2))
    outcome = w.apply(op)
    assert (outcome.error, outcome.field) == ("EFAULT", "span")
    assert "share them" in outcome.rule
    assert vmas(w, who) == [(10, 14, 10), (100, 104, 100)]
    assert relocated(w) == (0, 0)
    check_world(w)


def test_it_works_again_when_the_child_is_gone() -> None:
    w = run(two(MUST), Fork(pid=1, child=2), Exit(pid=2), MOVE)
    assert vmas(w) == [(10, 18, 10)]
    check_world(w)


def test_untouched_memory_must_not_be_relocated() -> None:
    w = run(new_world(MUST), Spawn(pid=1), Mmap(pid=1, span=AWAY), MOVE)
    assert relocated(w) == (0, 0)


def test_private_pages_of_files_stay_the_files() -> None:
    ops = (Mmap(pid=1, span=AWAY, kind="file-private", file="f"), Touch(pid=1, runs=((100, 101, "w"),)))
    w = run(new_world(KEY), Spawn(pid=1), *ops, MOVE)
    assert relocated(w) == (0, 1)
    w = run(new_world(MUST), Spawn(pid=1), *ops)
    assert w.apply(MOVE).error == "EFAULT"


def test_swapped_pages_come_back_at_the_new_index() -> None:
    w = run(two(KEY), Reclaim(), MOVE, Touch(pid=1, runs=((14, 18, "r"),)))
    assert vmas(w) == [(10, 18, 10)]
    assert [page(w, vpn)[1] for vpn in range(14, 18)] == [14, 15, 16, 17]
    check_world(w)


def test_a_page_left_in_the_swap_cache_is_bound_anew() -> None:
    """The child read the page back and exited; the parent's entry moves away and finds the same page in the swap cache."""
    w = run(two(KEY), Fork(pid=1, child=2), Reclaim(), Touch(pid=2, runs=((100, 104, "r"),)), Exit(pid=2))
    run(w, MOVE, Touch(pid=1, runs=((14, 18, "r"),)))
    assert vmas(w) == [(10, 18, 10)]
    check_world(w)


@pytest.mark.parametrize("n", [1, 10, 50])
def test_a_collector_that_moves_its_heap_keeps_one_vma(n: int) -> None:
    """n pieces written apart and moved side by side: n vmas today, one when relocated; n pages written, once each."""
    counts = {}
    for key in (TODAY, KEY):
        w = run(new_world(key), Spawn(pid=1))
        for i in range(n):
            at = 1000 + 3 * i
            run(w, Mmap(pid=1, span=Span(at, at + 1)), Touch(pid=1, runs=((at, at + 1, "w"),)))
        run(w, *(Mremap(pid=1, span=Span(1000 + 3 * i, 1001 + 3 * i), new_pages=1, to=10 + i) for i in range(n)))
        counts[key] = len(vmas(w))
        assert relocated(w) == ((n, 0) if key == KEY else (0, 0))
    assert counts == {TODAY: n, KEY: 1}


@pytest.mark.parametrize("key", [KEY, MUST])
@pytest.mark.parametrize(("seed", "memory"), [(3, {}), (4, {"ram_pages": 48, "swap_pages": 24})])
def test_at_random(key: str, seed: int, memory: dict[str, int]) -> None:
    assert len(run_at_random((TODAY, key), seed, 250, mix=MOVING, **memory).log) > 100


def test_a_real_program() -> None:
    session = load_perf(str(RECORDING))
    w = World(design_named(KEY), session.machine)
    for op in session.operations:
        w.apply(op)
    assert finds(w) == 0
    last_exit(w)
