"""The columns of a frame against a plain recount, cell by cell."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from at_random import random_log

from rmapexplorer.core import radix, table
from rmapexplorer.core.operations import Clone, Fork, Mmap, Spawn, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.snapshot import columns

from .worlds import letter, world_of


def _counts(world, mm, start, end):
    anon = file = swap = 0
    for vpn in range(start, end):
        entry = world.pt.get(mm.tables, vpn)
        if entry & (radix.PRESENT | radix.PROTNONE) and not entry & radix.ZERO:
            if world.page.state[entry >> radix.ENTRY_SHIFT] & table.ANON:
                anon += 1
            else:
                file += 1
        elif entry & radix.SWAP:
            swap += 1
    return anon, file, swap


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
@pytest.mark.parametrize("seed", range(4))
def test_every_cell_as_a_plain_loop_reads_it(design, seed):
    world = world_of(design, random_log(seed, 120))
    seen = columns(world, None)
    tasks, vmas = seen.tasks, seen.vmas
    assert tasks.pid.tolist() == [task.pid for task in world.processes()]
    for row, pid in enumerate(tasks.pid.tolist()):
        task = world.tasks[pid]
        mm = world.mms[task.mm]
        assert tasks.threads[row] == sum(other.leader == pid for other in world.tasks.values())
        low, high = int(vmas.first[row]), int(vmas.first[row + 1])
        assert vmas.start[low:high].tolist() == mm.starts
        assert vmas.birth[low:high].tolist() == [world.vma.birth[vma] for vma in mm.vmas]
        totals = np.zeros(3, int)
        for at, vma in zip(range(low, high), mm.vmas, strict=True):
            for name in ("start", "end", "pgoff", "flags", "file", "label"):
                assert getattr(vmas, name)[at] == getattr(world.vma, name)[vma]
            counts = _counts(world, mm, int(world.vma.start[vma]), int(world.vma.end[vma]))
            assert (vmas.anon_pages[at], vmas.file_pages[at], vmas.swap_pages[at]) == counts
            totals += counts
        assert [tasks.anon_pages[row], tasks.file_pages[row], tasks.swap_pages[row]] == totals.tolist()


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
def test_arrays_are_shared_where_nothing_changed_and_always_read_only(design):
    world = world_of(design, letter())
    one = columns(world, None)
    world.apply(Touch(pid=1, runs=((20, 22, "w"),)))
    two = columns(world, one)
    assert two.vmas.start is one.vmas.start
    assert two.tasks.birth is one.tasks.birth
    assert two.vmas.anon_pages is not one.vmas.anon_pages
    for rows in (two.vmas, two.tasks):
        for name in (field.name for field in attrs.fields(type(rows))):
            value = getattr(rows, name)
            if isinstance(value, np.ndarray):
                assert value.dtype == np.int64
                assert not value.flags.writeable


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
def test_looking_changes_nothing(design):
    world = world_of(design, random_log(9, 80))
    before = world.digest()
    seen = columns(world, None)
    kept = seen.vmas.start.copy()
    world.apply(Spawn(pid=90))
    world.apply(Mmap(pid=90, span=Span(1, 2)))
    assert np.array_equal(seen.vmas.start, kept)
    assert before != world.digest()
    assert columns(world_of(design, random_log(9, 80)), None).vmas.start.tolist() == kept.tolist()


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
def test_threads_count_in_their_leader_and_a_vfork_child_shows_the_shared_mm(design):
    log = [
        Spawn(pid=1, comm="p"),
        Mmap(pid=1, span=Span(4, 8)),
        Clone(pid=1, child=2, thread=True),
        Clone(pid=1, child=3, thread=False),
        Fork(pid=1, child=4),
    ]
    tasks = columns(world_of(design, log), None).tasks
    assert tasks.pid.tolist() == [1, 3, 4]
    assert tasks.threads.tolist() == [2, 1, 1]
    assert tasks.mm[0] == tasks.mm[1] != tasks.mm[2]
    assert tasks.vmas.tolist() == [1, 1, 1]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
def test_an_empty_world(design):
    seen = columns(world_of(design, []), None)
    assert len(seen.tasks.pid) == 0
    assert seen.vmas.first.tolist() == [0]
