"""mremap that runs out of memory half way: move_vma moves back, unmaps the new place and fails with ENOMEM.

Of all designs only anonmm allocates pages in mremap: shared pages are copied before they move (rmap 11), those on swap too (4d).
"""

from __future__ import annotations

import pytest
from oracles import check_world, last_exit, memory, new_world

from rmapexplorer.core import operations as o
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World

COPYING = ("anonmm", "anonmm:group=none", "anonmm:variant=4d")
RAM = 12
HERE, THERE = Span(10, 18), Span(40, 48)


def shared(key: str, *more: o.Operation, ram: int | None = RAM, swap: int | None = 0) -> World:
    """Two processes share eight written pages at HERE."""
    w = new_world(key, Machine(ram_pages=ram, swap_pages=swap if ram else None))
    for op in (
        o.Spawn(pid=1),
        o.Mmap(pid=1, span=HERE),
        o.Touch(pid=1, runs=((10, 18, "w"),)),
        *more,
        o.Fork(pid=1, child=2),
    ):
        assert w.apply(op).ok
    return w


def vmas(w: World, pid: int = 2) -> list[tuple[int, int]]:
    return [(int(w.vma.start[row]), int(w.vma.end[row])) for row in w.mm_of(pid).vmas]


@pytest.mark.parametrize("key", COPYING)
def test_without_room_for_the_copies_nothing_is_at_the_new_place(key: str) -> None:
    w = shared(key)
    before = memory(w)
    outcome = w.apply(o.Mremap(pid=2, span=HERE, new_pages=8, to=THERE.start))
    assert (outcome.error, vmas(w), w.counters["copied_by_mremap"]) == ("ENOMEM", [(10, 18)], 0)
    assert "neither RAM nor swap" in outcome.rule
    assert memory(w) == before
    check_world(w)
    last_exit(w)


@pytest.mark.parametrize("key", COPYING)
def test_with_room_the_same_move_succeeds(key: str) -> None:
    w = shared(key, ram=2 * RAM)
    assert w.apply(o.Mremap(pid=2, span=HERE, new_pages=8, to=THERE.start)).ok
    assert (vmas(w), w.counters["copied_by_mremap"]) == ([(40, 48)], 8)


@pytest.mark.parametrize("key", COPYING)
def test_a_copy_that_merged_is_split_off_again(key: str) -> None:
    """The new place touches a vma that takes the copy in; after the error that vma ends where it ended."""
    w = shared(key, o.Mmap(pid=1, span=Span(36, 40)), o.Touch(pid=1, runs=((36, 38, "w"),)))
    assert w.apply(o.Mremap(pid=2, span=HERE, new_pages=8, to=THERE.start)).error == "ENOMEM"
    assert vmas(w) == [(10, 18), (36, 40)]
    check_world(w)
    last_exit(w)


@pytest.mark.parametrize("key", COPYING)
def test_what_was_mapped_at_the_new_place_is_gone(key: str) -> None:
    """MREMAP_FIXED unmaps it before anything can fail, and the error does not bring it back."""
    w = shared(key, o.Mmap(pid=1, span=Span(42, 44), prot="r"))
    assert w.apply(o.Mremap(pid=2, span=HERE, new_pages=8, to=THERE.start)).error == "ENOMEM"
    assert (vmas(w, 1), vmas(w)) == ([(10, 18), (42, 44)], [(10, 18)])


def test_copies_made_before_the_error_stay_where_they_are() -> None:
    """Swapped pages are read back and copied one at a time (4d); those that fitted are the process's own, in place."""
    w = shared("anonmm:variant=4d", o.Reclaim(pages=40), ram=8, swap=8)
    before = memory(w)
    outcome = w.apply(o.Mremap(pid=2, span=HERE, new_pages=8, to=THERE.start))
    assert (outcome.error, vmas(w)) == ("ENOMEM", [(10, 18)])
    assert 0 < w.counters["copied_by_mremap"] < 8
    assert memory(w) == before
    check_world(w)
    last_exit(w)
