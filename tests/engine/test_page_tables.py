"""A frame reads only the page tables that may look otherwise than in the frame before, and shows what a fresh look shows."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from at_random import random_log

from rmapexplorer.core.operations import Fork, Mmap, Mprotect, Munmap, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.snapshot import columns

from .worlds import world_of


def assert_alike(seen, fresh) -> None:
    """Every cell of both, the pages too."""
    for one, other in ((seen.vmas, fresh.vmas), (seen.tasks, fresh.tasks)):
        for name in (field.name for field in attrs.fields(type(one))):
            mine, theirs = getattr(one, name), getattr(other, name)
            if isinstance(mine, np.ndarray):
                assert np.array_equal(mine, theirs), name
            elif name == "pages":
                assert mine.equals(theirs) and np.array_equal(mine.before, theirs.before)
            else:
                assert mine == theirs, name


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
@pytest.mark.parametrize("seed", range(2))
def test_frame_after_frame_as_a_fresh_look(design, seed):
    world, seen, copies = world_of(design, []), None, []
    for number, op in enumerate(random_log(seed, 120)):
        world.apply(op)
        if number % 20 == 0:
            copies.append(world.copy())
        if number % 3 == 0:
            seen = columns(world, seen)
            assert_alike(seen, columns(world, None))
    for other in (*copies[::-1], *copies[::2], world):  # back and forth, as a hand on the timeline goes
        seen = columns(other, seen)
        assert_alike(seen, columns(other, None))


def test_another_design_in_view_is_a_fresh_look():
    log = random_log(5, 120)
    seen = None
    for design in DESIGNS:
        world = world_of(design, log)
        seen = columns(world, seen)
        assert_alike(seen, columns(world, None))


BIG = Span(1 << 20, (1 << 20) + 64 * 512)


def test_one_write_reads_the_tables_that_map_the_page_and_no_other():
    log = [Spawn(pid=1), Mmap(pid=1, span=BIG), Touch(pid=1, runs=((BIG.start, BIG.end, "w"),)), Fork(pid=1, child=2)]
    world = world_of(DESIGNS[2], log)
    seen = columns(world, None)
    assert seen.tables.read == 128
    for op, read in (
        (
            Touch(pid=2, runs=((BIG.start + 700, BIG.start + 701, "w"),)),
            2,
        ),  # a copy there; the parent's page is its own
        (Touch(pid=2, runs=((BIG.start + 700, BIG.start + 701, "r"),)), 0),
        (Mprotect(pid=1, span=Span(BIG.start, BIG.start + 512), prot="r"), 64),  # two vmas: all tables of one are asked
        (Munmap(pid=2, span=Span(BIG.end - 512, BIG.end)), 65),  # the other's pages are its own, and a vma is shorter
        (Spawn(pid=3), 0),
    ):
        assert world.apply(op).ok
        seen = columns(world, seen)
        assert seen.tables.read == read, op
        assert_alike(seen, columns(world, None))
