"""What the inspector says of an anon_vma: whom its walks may reach and with whom it shares a lock, era by era."""

from __future__ import annotations

import pytest

from rmapexplorer.core.operations import Exit, Fork, Mmap, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named


def family(key: str) -> World:
    """A parent and two children that all wrote one page of the same vma."""
    world = World(design_named(key), Machine())
    ops = [Spawn(pid=1, comm="a"), Mmap(pid=1, span=Span(16, 20)), Touch(pid=1, runs=((16, 17, "w"),))]
    ops += [Fork(pid=1, child=2), Fork(pid=1, child=3)]
    ops += [Touch(pid=pid, runs=((16, 17, "w"),)) for pid in (2, 3)]
    for op in ops:
        assert world.apply(op).ok
    return world


def fields(world: World, pid: int) -> dict[str, str]:
    """Name -> value for the vma of a process."""
    row = world.mms[world.tasks[pid].mm].vmas[0]
    return {name: value for name, value, _ in world.design.owner_fields(-1, row)[1]}


def test_a_root_reaches_the_family_and_a_child_itself() -> None:
    world = family("anon_vma_chain")
    assert fields(world, 1)["reaches"] == "3 vmas of pid 1, 2, 3"
    assert fields(world, 2)["reaches"] == "1 vma of pid 2"
    assert fields(world, 1)["rwsem"] == "its own, shared with 2 more"
    assert fields(world, 2)["rwsem"] == "of A0, shared with 2 more"
    assert world.apply(Exit(pid=3)).ok
    assert fields(world, 1)["reaches"] == "2 vmas of pid 1, 2"


@pytest.mark.parametrize(
    ("era", "lock"), [("2.6.34", "spinlock"), ("3.0", "mutex"), ("4.0", "rwsem"), ("6.18", "rwsem")]
)
def test_the_lock_is_that_of_the_era(era: str, lock: str) -> None:
    found = fields(family(f"anon_vma_chain:era={era}"), 2)
    assert [name for name in found if name in ("spinlock", "mutex", "rwsem")] == [lock]
    assert (found[lock] == "its own") == (era == "2.6.34"), "roots share their lock since 2.6.36"


def test_2004_has_one_list_and_one_lock() -> None:
    found = fields(family("anon_vma"), 2)
    assert found["reaches"] == "3 vmas of pid 1, 2, 3" and found["lock"] == "its own spinlock"


def test_many_processes_are_counted() -> None:
    world = family("anon_vma")
    for child in range(10, 20):
        assert world.apply(Fork(pid=1, child=child)).ok
    assert fields(world, 1)["reaches"] == "13 vmas of pid 1, 2, 3, 10, 11, 12 and 7 more"
