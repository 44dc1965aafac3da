"""Small real worlds and random operations for the readers of worlds."""

from __future__ import annotations

import random
from collections.abc import Iterable

from rmapexplorer.core.design import Design
from rmapexplorer.core.operations import (
    Brk,
    Clone,
    Exec,
    Exit,
    Fork,
    Madvise,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Operation,
    Reclaim,
    Spawn,
    Touch,
)
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


def random_operations(seed: int, count: int) -> list[Operation]:
    """A log over few pids and few pages, so that calls meet, split, merge and are refused."""
    dice = random.Random(seed)
    log: list[Operation] = [Spawn(pid=1, comm="init"), Mmap(pid=1, span=Span(16, 48)), Brk(pid=1, start=200, end=210)]
    top = 1
    while len(log) < count:
        start = dice.randrange(16, 120)
        span, pid = Span(start, start + dice.randrange(1, 24)), dice.randrange(1, top + 1)
        choice = dice.randrange(16)
        if choice == 0 and top < 8:
            top += 1
            log.append(Fork(pid=pid, child=top) if dice.random() < 0.8 else Clone(pid=pid, child=top))
        elif choice == 1:
            log.append(Munmap(pid=pid, span=span))
        elif choice in (2, 3, 4):
            kind = dice.choice(("anon", "anon", "file-private", "file-shared", "anon-shared"))
            file = dice.choice(("libc", "data")) if kind.startswith("file") else ""
            log.append(Mmap(pid=pid, span=span, kind=kind, file=file, prot=dice.choice(("rw", "r", "rwx"))))
        elif choice == 5:
            log.append(Mprotect(pid=pid, span=span, prot=dice.choice(("r", "rw"))))
        elif choice in (6, 7):
            log.append(Mremap(pid=pid, span=span, new_pages=span.pages, to=dice.randrange(120, 160)))
        elif choice == 8:
            log.append(Madvise(pid=pid, span=span, advice=dice.choice(("dontneed", "dontfork", "pageout"))))
        elif choice == 9:
            log.append(Reclaim(pages=dice.randrange(1, 6)))
        elif choice == 10 and pid > 1:
            log.append(dice.choice((Exit, Exec))(pid=pid))
        else:
            log.append(Touch(pid=pid, runs=((span.start, span.end, dice.choice("rww")),)))
    return log
