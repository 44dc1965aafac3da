"""What the kernel would choose: places free in every world, pids never used before."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Clone, Exit, Fork, Mmap, Mremap, Munmap, Spawn
from rmapexplorer.core.resolve import MMAP_BASE, resolve, undecided
from rmapexplorer.core.units import KernelError, Span
from rmapexplorer.designs.registry import DESIGNS

from .worlds import world_of

BIG = [Spawn(pid=1), Mmap(pid=1, span=Span(MMAP_BASE - 100, MMAP_BASE - 50))]
SMALL = [Spawn(pid=1), Mmap(pid=1, span=Span(16, 32))]


def worlds(log):
    return [world_of(design, log) for design in DESIGNS]


def test_top_down_below_mmap_base():
    op = resolve(Mmap(pid=1, span=Span(-1, 9)), worlds(BIG))
    assert op.span == Span(MMAP_BASE - 10, MMAP_BASE)


def test_too_large_for_the_first_gap_goes_below():
    op = resolve(Mmap(pid=1, span=Span(-1, 59)), worlds(BIG))
    assert op.span == Span(MMAP_BASE - 160, MMAP_BASE - 100)


def test_free_in_every_world():
    """One world has the top, another the place below it: both are taken."""
    both = [
        world_of(DESIGNS[0], [Spawn(pid=1), Mmap(pid=1, span=Span(MMAP_BASE - 4, MMAP_BASE))]),
        world_of(DESIGNS[1], [Spawn(pid=1), Mmap(pid=1, span=Span(MMAP_BASE - 8, MMAP_BASE - 4))]),
    ]
    op = resolve(Mmap(pid=1, span=Span(-1, 3)), both)
    assert op.span == Span(MMAP_BASE - 12, MMAP_BASE - 8)


def test_small_sessions_grow_upwards_with_a_gap():
    op = resolve(Mmap(pid=1, span=Span(-1, 7)), worlds(SMALL))
    assert op.span == Span(48, 56)
    assert resolve(Mmap(pid=1, span=Span(-1, 7)), worlds([Spawn(pid=1)])).span == Span(16, 24)


def test_a_drawing_keeps_below_its_stack():
    log = [*SMALL, Mmap(pid=1, span=Span(0x1000, 0x1010), label="[stack]")]
    assert resolve(Mmap(pid=1, span=Span(-1, 7)), worlds(log)).span == Span(48, 56)


def test_mremap_finds_room_for_its_new_length():
    op = resolve(Mremap(pid=1, span=Span(16, 20), new_pages=40, to=-1), worlds(SMALL))
    assert op.to == 48


def test_no_process_no_pages_no_room():
    with pytest.raises(KernelError, match="there is no process 7"):
        resolve(Mmap(pid=7, span=Span(-1, 3)), worlds(SMALL))
    with pytest.raises(KernelError, match="EINVAL"):
        resolve(Mmap(pid=1, span=Span(-1, -1)), worlds(SMALL))
    with pytest.raises(KernelError, match="ENOMEM"):
        resolve(Mmap(pid=1, span=Span(-1, 1 << 40)), worlds(SMALL))


def test_pids_go_up_and_are_not_reused():
    log = [*SMALL, Fork(pid=1, child=5), Exit(pid=5)]
    assert resolve(Fork(pid=1, child=0), worlds(log)).child == 6
    assert resolve(Clone(pid=1, child=0), worlds(log)).child == 6
    assert resolve(Spawn(pid=0), worlds(log)).pid == 6


def test_what_is_decided_stays():
    op = Munmap(pid=1, span=Span(1, 2))
    assert not undecided(op)
    assert resolve(op, worlds(SMALL)) is op
    assert not undecided(Mremap(pid=1, span=Span(16, 20), new_pages=4))
