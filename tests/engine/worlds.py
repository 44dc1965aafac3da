"""Small real worlds for the readers of worlds."""

from __future__ import annotations

from collections.abc import Iterable

from rmapexplorer.core.design import Design
from rmapexplorer.core.operations import Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World


def world_of(design: type[Design], operations: Iterable[Operation]) -> World:
    """A world that did these."""
    world = World(design(), Machine())
    for op in operations:
        world.apply(op)
    return world


def letter() -> list[Operation]:
    """Two processes, an anonymous map of 16 pages, two pages written before the fork, one moved after it."""
    return [
        Spawn(pid=1, comm="init"),
        Mmap(pid=1, span=Span(16, 32)),
        Touch(pid=1, runs=((16, 18, "w"),)),
        Fork(pid=1, child=2),
        Touch(pid=2, runs=((16, 17, "w"),)),
        Mremap(pid=2, span=Span(17, 18), new_pages=1, to=64),
    ]
