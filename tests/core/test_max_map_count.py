"""vm.max_map_count as Linux 6.18 keeps to it: a C program made 65,530 vmas and tried every call there; the table says what it saw.

The rules do not hang on the number, so a small limit does here.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmapexplorer.core.map_count import MapCounts
from rmapexplorer.core.metrics import figures
from rmapexplorer.core.operations import (
    Brk,
    Exit,
    Fork,
    Madvise,
    Mlock,
    Mmap,
    Mprotect,
    Mremap,
    Mseal,
    Munmap,
    Spawn,
    Touch,
)
from rmapexplorer.core.rules import ERAS
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import DESIGNS, design_named

LIMIT = 40
X = 0x1000
OTHER = 0x5000
FREE = 0x8000
HEAP = 0x4000


def world_at(count: int, *first, calls: str = "6.18", design: str = "anon_vma_chain") -> World:
    """A process with so many vmas, those of ``first`` among them."""
    world = World(design_named(design), Machine(max_map_count=LIMIT, calls=calls))
    for op in (Spawn(pid=1), Brk(pid=1, start=HEAP, end=HEAP), *first):
        assert world.apply(op).ok
    at = 0x100000
    while len(world.mms[0].vmas) < count:
        assert world.apply(Mmap(pid=1, span=Span(at, at + 1))).ok
        at += 2
    return world


AREA = Mmap(pid=1, span=Span(X, X + 20))
CUT = Mprotect(pid=1, span=Span(X + 4, X + 5), prot="x")
"""Makes three vmas of the area."""


def area(start: int, end: int) -> Span:
    return Span(X + start, X + end)


SEEN = [
    # call, the area made ready, {vmas over the limit before: (errno, vmas more)}
    ("mmap", Mmap(pid=1, span=Span(FREE, FREE + 1)), (AREA,), {-1: ("", 1), 0: ("", 1), 1: ("ENOMEM", 0)}),
    ("mmap that merges", Mmap(pid=1, span=area(20, 21)), (AREA,), {0: ("", 0), 1: ("ENOMEM", 0)}),
    ("mmap over a whole vma", Mmap(pid=1, span=area(4, 5), prot="wx"), (AREA, CUT), {0: ("", 0), 1: ("ENOMEM", 0)}),
    ("mmap inside a vma", Mmap(pid=1, span=area(4, 5), prot="wx"), (AREA,), {-1: ("", 2), 0: ("ENOMEM", 0)}),
    ("mmap at an edge", Mmap(pid=1, span=area(0, 1), prot="wx"), (AREA,), {-1: ("", 1), 0: ("", 1), 1: ("ENOMEM", 0)}),
    ("mmap where taken", Mmap(pid=1, span=area(0, 1), flags=("noreplace",)), (AREA,), {0: ("EEXIST", 0), 1: ("ENOMEM", 0)}),
    ("munmap of a vma", Munmap(pid=1, span=area(0, 20)), (AREA,), {0: ("", -1), 1: ("", -1)}),
    ("munmap inside", Munmap(pid=1, span=area(4, 5)), (AREA,), {-1: ("", 1), 0: ("ENOMEM", 0), 1: ("ENOMEM", 0)}),
    ("munmap of a head", Munmap(pid=1, span=area(0, 1)), (AREA,), {0: ("", 0), 1: ("", 0)}),
    ("munmap of a tail", Munmap(pid=1, span=area(19, 20)), (AREA,), {0: ("", 0), 1: ("", 0)}),
    ("munmap over several", Munmap(pid=1, span=area(2, 12)), (AREA, CUT), {0: ("", -1), 1: ("", -1)}),
    ("mprotect inside", Mprotect(pid=1, span=area(4, 5), prot="x"), (AREA,),
     {-2: ("", 2), -1: ("ENOMEM", 1), 0: ("ENOMEM", 0)}),
    ("mprotect at an edge", Mprotect(pid=1, span=area(0, 1), prot="x"), (AREA,), {-1: ("", 1), 0: ("ENOMEM", 0)}),
    ("mprotect of a vma", Mprotect(pid=1, span=area(0, 20), prot="x"), (AREA,), {0: ("", 0), 1: ("", 0)}),
    ("mprotect that merges", Mprotect(pid=1, span=area(4, 5), prot="rw"), (AREA, CUT), {0: ("", -2), 1: ("", -2)}),
    ("madvise", Madvise(pid=1, span=area(4, 5), advice="dontfork"), (AREA,), {-1: ("EAGAIN", 1), 0: ("EAGAIN", 0)}),
    ("mlock", Mlock(pid=1, span=area(4, 5)), (AREA,), {-1: ("ENOMEM", 1), 0: ("ENOMEM", 0)}),
    ("mseal", Mseal(pid=1, span=area(4, 5)), (AREA,), {-1: ("ENOMEM", 1), 0: ("ENOMEM", 0)}),
    ("munmap inside what is sealed", Munmap(pid=1, span=area(4, 5)), (AREA, Mseal(pid=1, span=area(0, 20))),
     {-1: ("EPERM", 0), 0: ("ENOMEM", 0)}),
    ("brk, first", Brk(pid=1, end=HEAP + 1), (), {0: ("", 1), 1: ("ENOMEM", 0)}),
    ("brk, more", Brk(pid=1, end=HEAP + 2), (Brk(pid=1, end=HEAP + 1),), {0: ("", 0), 1: ("ENOMEM", 0)}),
    ("brk, less", Brk(pid=1, end=HEAP + 1), (Brk(pid=1, end=HEAP + 2),), {0: ("", 0), 1: ("", 0)}),
    ("mremap, longer", Mremap(pid=1, span=area(0, 20), new_pages=22), (AREA,), {0: ("", 0), 1: ("", 0)}),
    ("mremap, shorter", Mremap(pid=1, span=area(0, 20), new_pages=12), (AREA,), {0: ("", 0), 1: ("", 0)}),
    ("mremap, shorter inside", Mremap(pid=1, span=area(0, 10), new_pages=5), (AREA,), {-1: ("", 1), 0: ("ENOMEM", 0)}),
    ("mremap, move", Mremap(pid=1, span=area(0, 20), new_pages=20, to=FREE), (AREA,), {-6: ("", 0), -5: ("ENOMEM", 0)}),
    ("mremap, part", Mremap(pid=1, span=area(4, 6), new_pages=2, to=FREE), (AREA,), {-6: ("", 2), -5: ("ENOMEM", 0)}),
    ("mremap, edge", Mremap(pid=1, span=area(0, 2), new_pages=2, to=FREE), (AREA,), {-6: ("", 1), -5: ("ENOMEM", 0)}),
    ("mremap, several", Mremap(pid=1, span=area(0, 20), new_pages=20, to=FREE), (AREA, CUT),
     {-6: ("", 0), -5: ("ENOMEM", 0)}),
    ("mremap, dontunmap", Mremap(pid=1, span=area(0, 20), new_pages=20, to=FREE, dontunmap=True), (AREA,),
     {-6: ("", 1), -5: ("ENOMEM", 0)}),
    ("mremap of nothing", Mremap(pid=1, span=Span(FREE, FREE + 1), new_pages=1, to=FREE + 9), (AREA,),
     {-6: ("EFAULT", 0), -5: ("ENOMEM", 0)}),
    ("mremap onto itself", Mremap(pid=1, span=area(0, 2), new_pages=2, to=X + 1), (AREA,), {1: ("EINVAL", 0)}),
    ("write", Touch(pid=1, runs=((X, X + 1, "w"),)), (AREA,), {1: ("", 0)}),
    ("fork", Fork(pid=1, child=2), (AREA,), {1: ("", 0)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("op", "ready", "over", "errno", "more"),
    [
        pytest.param(op, ready, over, errno, more, id=f"{what} at {over:+d}")
        for what, op, ready, seen in SEEN
        for over, (errno, more) in seen.items()
    ],
)
def test_as_the_kernel_did(op, ready, over, errno, more):
    world = world_at(LIMIT + over, *ready)
    before = len(world.mms[0].vmas)
    assert before == LIMIT + over
    outcome = world.apply(op)
    assert outcome.error == (errno or None), outcome.rule
    assert len(world.mms[0].vmas) == before + more
    if errno in ("ENOMEM", "EAGAIN"):
        assert outcome.rule == f"vm.max_map_count (40) reached: {before + more} vmas"


def test_before_2_6_33_every_split_of_munmap_counted():
    world = world_at(LIMIT, AREA, calls="2.6.7")
    assert world.apply(Munmap(pid=1, span=area(19, 20))).error == "ENOMEM"
    assert world_at(LIMIT, AREA, calls="2.6.34").apply(Munmap(pid=1, span=area(19, 20))).ok


def test_before_5_1_a_move_had_unmapped_its_target_when_it_was_refused():
    other = Mmap(pid=1, span=Span(OTHER, OTHER + 20), prot="r")
    move = Mremap(pid=1, span=area(0, 20), new_pages=20, to=OTHER)
    old, new = (world_at(LIMIT - 2, AREA, other, calls=calls) for calls in ("4.0", "6.18"))
    assert old.apply(move).error == new.apply(move).error == "ENOMEM"
    assert old.vma_at(old.mms[0], OTHER) == -1 != new.vma_at(new.mms[0], OTHER)


def test_the_number_of_each_era():
    assert {rules.era: rules.max_map_count for rules in ERAS} == {
        "2.6.7": 65536, "2.6.34": 65530, "3.0": 65530, "4.0": 65530, "6.0": 65530, "6.18": 65530,
    }  # fmt: skip


@pytest.mark.parametrize("design", [kind.key for kind in DESIGNS])
def test_every_design_is_held_to_it_and_none_without(design):
    pages = [Mprotect(pid=1, span=area(at, at + 1), prot="r") for at in range(1, 200, 2)]
    ready = Mmap(pid=1, span=area(0, 200)), Touch(pid=1, runs=((X, X + 200, "w"),))
    world = world_at(1, *ready, design=design)
    refused = [world.apply(op).error for op in pages]
    assert refused.count("ENOMEM") == 81 and len(world.mms[0].vmas) == LIMIT
    free = World(design_named(design), Machine())
    assert all(free.apply(op).ok for op in (Spawn(pid=1), *ready, *pages)) and len(free.mms[0].vmas) == 200


def test_the_curve_says_how_many_vmas_the_largest_process_has():
    world = world_at(12, AREA)
    for op in (
        Fork(pid=1, child=2),
        Mmap(pid=2, span=Span(FREE, FREE + 1)),
        Mmap(pid=2, span=Span(FREE + 2, FREE + 3)),
    ):
        world.apply(op)
    assert figures(world)["most_vmas"] == 14 and figures(world.copy())["most_vmas"] == 14
    world.apply(Exit(pid=2))
    assert figures(world)["most_vmas"] == 12
    world.apply(Exit(pid=1))
    assert figures(world)["most_vmas"] == 0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-1, 9))))
def test_the_most_of_what_was_told(told):
    counts, plain = MapCounts(), {}
    for mm, count in told:
        if count < 0:
            counts.drop(mm)
            plain.pop(mm, None)
        else:
            counts.tell(mm, count)
            plain[mm] = count
        assert counts.most == max(plain.values(), default=0) and counts.copy() == counts
