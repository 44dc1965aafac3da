"""What the kernel would choose, chosen once and written into the log: addresses, and pids of children.

A place must be free in every world, so that one log drives all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from rmapexplorer.core.operations import Clone, Fork, Mmap, Mremap, Operation, Spawn
from rmapexplorer.core.places import SMALL
from rmapexplorer.core.units import KernelError, Span
from rmapexplorer.core.world import World

MMAP_BASE = 0x7FFFF7FF0
"""mm->mmap_base as a page number: mappings are placed below it, top down (arch_pick_mmap_layout, no randomisation)."""

FIRST, GAP = 0x10, 0x10
"""Of such a drawing: the first page number used, and the grain that leaves a visible gap."""


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
    used = merged([span for world in worlds for span in _used(world, pid, False)])
    place = -1
    if all(world.vma.end[world.vma.live()].max(initial=0) < SMALL for world in worlds):
        below = merged([span for world in worlds for span in _used(world, pid, True)])
        place = beside(used, max((end for _, end in below), default=0), pages)
    if place < 0:
        place = top_down(used, pages)
    if place < 0:
        raise KernelError("ENOMEM", f"no hole of {pages} pages is free in every design", "span")
    return place


def _used(world: World, pid: int, without_stack: bool) -> list[tuple[int, int]]:
    task = world.tasks.get(pid)
    if task is None:
        return []
    stack = world.labels.index("[stack]") if without_stack and "[stack]" in world.labels else -2
    table = world.vma
    return [
        (int(table.start[row]), int(table.end[row])) for row in world.mms[task.mm].vmas if table.label[row] != stack
    ]


def merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The union of half-open spans, ascending."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def beside(used: list[tuple[int, int]], highest: int, pages: int) -> int:
    """A round place a little above page number ``highest``; -1 where it would not stay a drawing."""
    place = max(FIRST, -(-(highest + GAP // 2) // GAP) * GAP) if highest else FIRST
    for start, end in used:
        if start < place + pages and place < end:
            place = -(-(end + GAP // 2) // GAP) * GAP
    return place if place + pages <= SMALL else -1


def top_down(used: list[tuple[int, int]], pages: int) -> int:
    """The highest free place below MMAP_BASE (vm_unmapped_area top-down); -1 where there is none."""
    ceiling = MMAP_BASE
    for start, end in reversed(used):
        if end <= ceiling and ceiling - end >= pages:
            return ceiling - pages
        ceiling = min(ceiling, start)
    return ceiling - pages if ceiling - pages >= FIRST else -1
