"""Work that grows with the number of what is asked for, not with what was done before: steps are counted, never time."""

from __future__ import annotations

from math import log2

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core import reclaim
from rmapexplorer.core.intervals import Intervals
from rmapexplorer.core.operations import Fork, Madvise, Mmap, Punch, Reclaim, Spawn, Touch
from rmapexplorer.core.resolve import resolve
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named


def world_of(*operations) -> World:
    world = World(design_named("anon_vma_chain"), Machine())
    for op in (Spawn(pid=1, comm="a"), *operations):
        assert world.apply(op).ok
    return world


class Sliced(list):
    """A list that counts the items its slices copy."""

    copied = 0

    def __getitem__(self, at):
        found = super().__getitem__(at)
        if isinstance(at, slice):
            self.copied += len(found)
        return found


def test_looking_up_a_span_copies_only_the_vmas_of_it():
    world = world_of(*(Mmap(pid=1, span=Span(at, at + 1)) for at in range(4000, 0, -2)))
    mm = world.mm_of(1)
    order = mm.order
    order.blocks = [(starts, Sliced(rows)) for starts, rows in order.blocks]
    found = world.vmas_in(mm, 10, 15)
    assert [(int(world.vma.start[row]), int(world.vma.end[row])) for row in found] == [(10, 11), (12, 13), (14, 15)]
    assert world.vmas_in(mm, 11, 12) == world.vmas_in(mm, 12, 12) == world.vmas_in(mm, 0, 2) == []
    assert [int(world.vma.start[row]) for row in world.vmas_in(mm, 0, 3)] == [2]
    assert sum(rows.copied for _, rows in order.blocks) == 4 and order.count == 2000


class Held(dict):
    """A dict that may be looked up, not gone over."""

    def __iter__(self):
        raise AssertionError("every task was looked at")

    keys = values = items = __iter__  # type: ignore[assignment]


def test_the_next_pid_is_known_without_looking_at_any_task():
    world = world_of(*(Fork(pid=1, child=child) for child in range(2, 50)))
    world.tasks = Held(world.tasks)
    assert resolve(Fork(pid=1, child=0), [world]) == Fork(pid=1, child=50)


def test_a_hole_punched_over_and_over_is_kept_once():
    world = world_of(Mmap(pid=1, span=Span(16, 4112), kind="file-shared", file="f", prot="rw"))
    for at in [*range(400), *range(400)]:
        assert world.apply(Punch(pid=1, file="f", offset=at, pages=2)).ok
    assert world.files[0].punched.ranges() == [(0, 401)]


class Compared(int):
    """A number that counts how often it is compared."""

    times = 0

    def __lt__(self, other):
        Compared.times += 1
        return int(self) < int(other)


def test_a_page_is_found_among_holes_in_logarithmic_time():
    holes = Intervals()
    for at in range(0, 8192, 2):
        holes.add(at, at + 1)
    holes.starts = [Compared(start) for start in holes.starts]
    Compared.times = 0
    assert Compared(4000) in holes and Compared(4001) not in holes
    assert Compared.times <= 2 * (log2(4096) + 2)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30))
def test_ranges_hold_what_was_added(added):
    ranges, numbers = Intervals(), set()
    for first, pages in added:
        ranges.add(first, first + pages)
        numbers |= set(range(first, first + pages))
    assert {number for number in range(80) if number in ranges} == numbers
    kept = ranges.ranges()
    assert all(first < last for first, last in kept)
    assert all(one[1] < other[0] for one, other in zip(kept, kept[1:], strict=False))


def searches(pages: int, monkeypatch) -> int:
    """How often reclaim of so many pages of MADV_FREE searches an array."""
    span, count = Span(16, 16 + pages), 0
    runs = ((span.start, span.end, "w"),)
    world = world_of(Mmap(pid=1, span=span), Touch(pid=1, runs=runs), Madvise(pid=1, span=span, advice="free"))

    class Counting:
        def __getattr__(self, name):
            nonlocal count
            count += name in ("flatnonzero", "nonzero", "searchsorted", "argsort", "unique")
            return getattr(np, name)

    with monkeypatch.context() as patch:
        patch.setattr(reclaim, "np", Counting())
        assert world.apply(Reclaim()).ok
    assert not len(world.page)
    return count


def test_reclaim_of_lazily_freed_pages_does_not_search_for_each(monkeypatch):
    assert searches(64, monkeypatch) == searches(256, monkeypatch)
