"""Questions that look things up: who maps a page, the operations of the log, the figures of smaps."""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.operations import Exit, Fork, Mmap, Operation, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World
from rmapexplorer.engine.lookups import PSS_SHIFT, MappersOf, OperationsAt, SmapsOf, SmapsRow

from .test_dry_run import stage_of

KIB = 1024


def log(*more: Operation) -> list[Operation]:
    """Process 1 writes 8 anonymous pages and reads 2 of a file of 4; process 2 is forked and writes 3 of the 8."""
    return [
        Spawn(pid=1, comm="server"),
        Mmap(pid=1, span=Span(16, 24)),
        Mmap(pid=1, span=Span(32, 36), kind="file-private", file="/lib/libc"),
        Touch(pid=1, runs=((16, 24, "w"), (32, 33, "r"))),
        Fork(pid=1, child=2),
        Touch(pid=2, runs=((16, 19, "w"),)),
        *more,
    ]


def by_start(rows: tuple[SmapsRow, ...] | None) -> dict[int, SmapsRow]:
    assert rows is not None
    return {row.span.start: row for row in rows}


def test_the_mappers_are_those_of_the_page_tables() -> None:
    stage = stage_of(log())
    world = stage.shown.world
    assert isinstance(world, World)
    shared = [page for page in world.anonymous_pages().tolist() if world.page.mapcount[page] == 2]
    assert len(shared) == 5
    answer = MappersOf(shared[0]).answer(stage)
    assert (answer.design, answer.total) == ("anon_vma_chain", 2)
    assert {pid for pid, _ in answer.spots} == {1, 2}
    assert len({vpn for _, vpn in answer.spots}) == 1


def test_a_page_that_is_not_there_is_mapped_nowhere() -> None:
    stage = stage_of(log())
    for page in (-1, 10**9):
        assert MappersOf(page).answer(stage).spots == ()


def test_operations_come_in_order_and_those_beyond_the_ends_are_left_out() -> None:
    stage, made = stage_of(log()), log()
    assert OperationsAt((5, 1, 0, 99)).answer(stage) == (made[0], made[4])


def test_smaps_counts_shares_as_the_kernel_does() -> None:
    stage = stage_of(log())
    heap = by_start(SmapsOf(2).answer(stage))[16]
    assert heap.rss == 32 * KIB and heap.anonymous == 32 * KIB
    assert heap.private_dirty == 12 * KIB and heap.shared_dirty == 20 * KIB
    assert heap.private_clean == heap.shared_clean == 0
    assert heap.pss >> PSS_SHIFT == 22 * KIB  # 3 pages alone, 5 of two processes
    file = by_start(SmapsOf(1).answer(stage))[32]
    assert file.anonymous == 0 and file.shared_dirty == file.private_dirty == 0
    assert file.rss == file.private_clean + file.shared_clean > 0


def test_rss_is_the_sum_of_its_four_parts_and_pss_adds_up_over_all_processes() -> None:
    stage = stage_of(log(Fork(pid=2, child=3), Touch(pid=3, runs=((20, 22, "w"),))))
    world = stage.shown.world
    assert isinstance(world, World)
    rows = [row for pid in (1, 2, 3) for row in by_start(SmapsOf(pid).answer(stage)).values()]
    for row in rows:
        assert row.rss == row.shared_clean + row.shared_dirty + row.private_clean + row.private_dirty
    resident = np.count_nonzero(world.page.mapcount[world.page.live()] > 0)
    assert abs((sum(row.pss for row in rows) >> PSS_SHIFT) - resident * 4 * KIB) < len(rows) * 8


def test_what_is_swapped_out_is_counted_apart() -> None:
    heap = by_start(SmapsOf(1).answer(stage_of(log(Reclaim()))))[16]
    assert heap.rss == 0 and heap.swap == 32 * KIB
    assert heap.swap_pss >> PSS_SHIFT == 22 * KIB


def test_a_process_that_is_gone_has_no_smaps() -> None:
    assert SmapsOf(2).answer(stage_of(log(Exit(pid=2)))) is None
    assert SmapsOf(77).answer(stage_of(log())) is None
