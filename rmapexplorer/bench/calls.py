"""Work that is measured in a process of its own: calls of a few large or many small things, with twins in twin.c.

All figures are microseconds of processor time, one for each repeat: other programs that run meanwhile do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rmapexplorer.core.operations import Exit, Fork, Madvise, Mmap, Mprotect, Mremap, Munmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named

FIRST = 0x100000000
"""First page of what is mapped."""

USUAL = "anon_vma_chain"
"""The design of the kernel that the twin runs on."""


def world_of(design: str = USUAL) -> World:
    """A world with one process, pid 1."""
    w = World(design_named(design), Machine())
    do(w, Spawn(pid=1, comm="bench"))
    return w


def do(w: World, op: Operation) -> None:
    """Do it; what is refused would be measured as nothing. :raises RuntimeError: it was refused."""
    outcome = w.apply(op)
    if outcome.error is not None:
        raise RuntimeError(f"{op.name} was refused: {outcome.error} ({outcome.rule})")


def write(start: int, pages: int) -> Touch:
    """A write to each of these pages."""
    return Touch(pid=1, runs=((start, start + pages, "w"),))


def timed(w: World, op: Operation) -> float:
    """Do it; microseconds it took."""
    before = time.thread_time()
    do(w, op)
    return 1e6 * (time.thread_time() - before)


def timed_all(w: World, ops: Iterable[Operation]) -> float:
    """Do them; microseconds they took together, making them not counted."""
    ops = list(ops)
    before = time.thread_time()
    for op in ops:
        do(w, op)
    return 1e6 * (time.thread_time() - before)


def filled(w: World, vmas: int, pages: int) -> None:
    """So many vmas, apart from each other, every page written."""
    for vma in range(vmas):
        start = FIRST + vma * (pages + 1)
        do(w, Mmap(pid=1, span=Span(start, start + pages)))
        do(w, write(start, pages))


def fork(vmas: int, pages: int, children: int) -> dict[str, Any]:
    """fork of a process with touched vmas, all children alive; then the exit of each of them."""
    w = world_of()
    filled(w, vmas, pages)
    pids = range(2, 2 + children)
    forks = [timed(w, Fork(pid=1, child=pid)) for pid in pids]
    return {"fork": forks, "exit": [timed(w, Exit(pid=pid)) for pid in pids]}


def small(beside: int, triples: int, repeats: int) -> dict[str, Any]:
    """mmap, touch a page, munmap: the average of one, while ``beside`` other vmas are there."""
    w = world_of()
    for vma in range(beside):
        do(w, Mmap(pid=1, span=Span(FIRST + 2 * vma, FIRST + 2 * vma + 1)))
    ops: list[Operation] = []
    for triple in range(triples):
        start = 2 * FIRST + 3 * triple
        span = Span(start, start + 1)
        ops += [Mmap(pid=1, span=span), write(start, 1), Munmap(pid=1, span=span)]
    return {"small": [timed_all(w, ops) / len(ops) for _ in range(repeats)]}


def mremap(pages: int, repeats: int) -> dict[str, Any]:
    """A touched vma moves to another place."""
    w = world_of()
    filled(w, 1, pages)
    places = [FIRST, 2 * FIRST]
    taken = []
    for repeat in range(repeats):
        old, new = places[repeat % 2], places[1 - repeat % 2]
        taken.append(timed(w, Mremap(pid=1, span=Span(old, old + pages), new_pages=pages, to=new)))
    return {"mremap": taken}


def every_second_page(calls: int) -> list[Operation]:
    """mprotect of every second page of ``2 * calls`` pages from FIRST on."""
    return [Mprotect(pid=1, span=Span(page, page + 1), prot="r") for page in range(FIRST, FIRST + 2 * calls, 2)]


def protect(calls: int, repeats: int) -> dict[str, Any]:
    """Every second page of a touched vma becomes read-only: all calls together."""
    taken = []
    for _ in range(repeats):
        w = world_of()
        filled(w, 1, 2 * calls)
        taken.append(timed_all(w, every_second_page(calls)))
    return {"protect": taken}


def pageout(pages: int, repeats: int) -> dict[str, Any]:
    """MADV_PAGEOUT of touched pages."""
    w, taken = world_of(), []
    span = Span(FIRST, FIRST + pages)
    do(w, Mmap(pid=1, span=span))
    for _ in range(repeats):
        do(w, write(FIRST, pages))
        taken.append(timed(w, Madvise(pid=1, span=span, advice="pageout")))
    return {"pageout": taken}


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "fork": fork, "small": small, "mremap": mremap, "protect": protect, "pageout": pageout,
}  # fmt: skip
