"""What the kernel would choose, chosen once and written into the log: addresses, and pids of children.

A place must be free in every world, so that one log drives all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rmapexplorer.core import holes
from rmapexplorer.core.holes import GAP, Space
from rmapexplorer.core.operations import Clone, Fork, Mmap, Mremap, Operation, Spawn
from rmapexplorer.core.places import SMALL
from rmapexplorer.core.units import KernelError, Span
from rmapexplorer.core.world import World

MMAP_BASE = 0x7FFFF7FF0
"""mm->mmap_base as a page number: mappings are placed below it, top down (arch_pick_mmap_layout, no randomisation)."""

FIRST = 0x10
"""The first page number used."""


def undecided(op: Operation) -> bool:
    """True where the kernel has something to choose."""
    match op:
        case Mmap():
            return op.span.start == -1
        case Mremap():
            return op.to == -1
        case Fork() | Clone():
            return op.child == 0
        case Spawn():
            return op.pid == 0
    return False


def resolve(op: Operation, worlds: Sequence[World]) -> Operation:
    """The operation with every choice made. :raises KernelError: there is no such process, or no room."""
    if not undecided(op):
        return op
    match op:
        case Mmap():
            return attrs.evolve(op, span=Span(-1, -1 + op.span.pages).moved(_place(op.pid, op.span.pages, worlds)))
        case Mremap():
            return attrs.evolve(op, to=_place(op.pid, op.new_pages, worlds))
        case Fork() | Clone():
            return attrs.evolve(op, child=next_pid(worlds))
        case Spawn():
            return attrs.evolve(op, pid=next_pid(worlds))
    return op


def next_pid(worlds: Sequence[World]) -> int:
    """One above every pid that a task ever had in any of the worlds (alloc_pid hands them out upwards)."""
    return max((world.highest_pid for world in worlds), default=0) + 1


def _place(pid: int, pages: int, worlds: Sequence[World]) -> int:
    if pages <= 0:
        raise KernelError("EINVAL", "the length must be at least one page", "span")
    if all(pid not in world.tasks for world in worlds):
        raise KernelError("ESRCH", f"there is no process {pid}", "pid")
    spaces = [Space(world, world.mms[world.tasks[pid].mm]) for world in worlds if pid in world.tasks]
    place = -1
    if all(_is_small(world) for world in worlds):
        highest = max(_highest(space) for space in spaces)
        place = holes.beside(spaces, max(FIRST, -(-(highest + GAP // 2) // GAP) * GAP) if highest else FIRST, pages)
    if place < 0:
        place = holes.top_down(spaces, pages, FIRST, MMAP_BASE)
    if place < 0:
        raise KernelError("ENOMEM", f"no hole of {pages} pages is free in every design", "span")
    return place


def _is_small(world: World) -> bool:
    # all that is mapped lies where drawings do
    return all(not mm.order.count or world.vma.end[next(mm.order.descending())] < SMALL for mm in world.mms.values())


def _highest(space: Space) -> int:
    # end of the last vma but the stack, 0 where there is none
    table, stack = space.world.vma, space.world.label_ids.get("[stack]", -2)
    return next((int(table.end[row]) for row in space.mm.order.descending() if table.label[row] != stack), 0)
