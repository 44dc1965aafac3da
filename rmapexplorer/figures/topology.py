"""Objects of anon_vma_chain that were counted in a running kernel, or that grew without end before 4.0."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rmapexplorer.core.operations import Exit, Fork, Operation
from rmapexplorer.core.world import World
from rmapexplorer.figures.record import X86_64, Lab, Published, count_of, family

MEASURED = "read with BPF out of Linux 6.18.44"
GROWTH = "Daniel Forrest, 2012-08; closed form of anon_vma_fork before 7a3ef208e662 (4.0)"
NOW, BEFORE = "anon_vma_chain", "anon_vma_chain:era=3.7"
GENERATIONS = 24


def line(children: int) -> Iterable[Operation]:
    """Everyone forks one child, and lives on."""
    yield from family(0)
    yield from (Fork(pid=1 + at, child=2 + at) for at in range(children))


def tree(processes: int) -> Iterable[Operation]:
    """Everyone forks two."""
    yield from family(0)
    yield from (Fork(pid=child // 2, child=child) for child in range(2, processes + 1))


def endless(generations: int) -> Iterable[Operation]:
    """Everyone forks one child and exits (Forrest's program)."""
    yield from family(0)
    for pid in range(1, 1 + generations):
        yield Fork(pid=pid, child=pid + 1)
        yield Exit(pid=pid)


def _counted(kind: str, design: str, operations: Callable[[], Iterable[Operation]]) -> Callable[[Lab], float]:
    def compute(lab: Lab) -> float:
        world: World = lab.world(design, X86_64, operations(), "chains")
        return count_of(world, kind)

    return compute


def _row(id_: str, what: str, published: int, source: str, compute: Callable[[Lab], float], kind: str) -> Published:
    return Published(id=id_, what=what, published=published, unit=kind, source=source, compute=compute)


def _both(id_: str, what: str, avcs: int, anon_vmas: int, design: str, source: str,
          operations: Callable[[], Iterable[Operation]]) -> tuple[Published, ...]:  # fmt: skip
    return (
        _row(f"{id_}-avc", what, avcs, source, _counted("anon_vma_chain", design, operations), "avcs"),
        _row(f"{id_}-av", what, anon_vmas, source, _counted("anon_vma", design, operations), "anon_vmas"),
    )


TOPOLOGY: tuple[Published, ...] = (
    *_both("A4-line", "24 descendants in a line, all alive", 325, 25, NOW, MEASURED, lambda: line(24)),
    *_both("A4-siblings", "24 children of one parent", 49, 25, NOW, MEASURED, lambda: family(24)),
    _both("A4-tree", "a binary tree of 31 processes", 129, 31, NOW, MEASURED, lambda: tree(31))[0],
    *_both(
        "FORREST", "24 generations, each parent exits: from 4.0 on", 3, 3, NOW, MEASURED, lambda: endless(GENERATIONS)
    ),
    *_both("FORREST-3.7", "the same before 4.0", 25, 25, BEFORE, GROWTH, lambda: endless(GENERATIONS)),
)
