"""The large sessions that are measured, as files that the program then opens like any other. Needs no Qt."""

from __future__ import annotations

from pathlib import Path

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.formats.session import Session, save_session

GRID = 0x10000
"""First page of the grid's vmas."""


def grid(processes: int, vmas: int) -> list[Operation]:
    """A parent with ``vmas`` written vmas of one page, apart from each other, and children by fork."""
    spans = [(GRID + 3 * i, GRID + 3 * i + 1) for i in range(vmas)]
    ops: list[Operation] = [Spawn(pid=100, comm="grid")]
    ops += [Mmap(pid=100, span=Span(low, high)) for low, high in spans]
    ops.append(Touch(pid=100, runs=tuple((low, high, "w") for low, high in spans)))
    ops += [Fork(pid=100, child=101 + n) for n in range(processes - 1)]
    return ops


def long_log(operations: int) -> list[Operation]:
    """A log of many small calls of few processes: maps, writes, moves and forks in turn."""
    ops: list[Operation] = [Spawn(pid=1, comm="long")]
    child, low = 2, GRID
    while len(ops) < operations:
        ops.append(Mmap(pid=1, span=Span(low, low + 8)))
        ops.append(Touch(pid=1, runs=((low, low + 4, "w"),)))
        ops.append(Mremap(pid=1, span=Span(low + 4, low + 8), new_pages=4, to=low + 0x100000))
        if len(ops) % 3000 < 3 and child < 12:
            ops.append(Fork(pid=1, child=child))
            child += 1
        ops.append(Touch(pid=1, runs=((low, low + 2, "r"), (low + 0x100000, low + 0x100002, "w"))))
        low = GRID + (low - GRID + 16) % 0x4000
    return ops[:operations]


def write(path: Path, title: str, operations: list[Operation], designs: tuple[str, ...], at: int = -1) -> None:
    """Save it as a session that opens after ``at`` operations (-1: all)."""
    session = Session(
        title=title,
        machine=Machine(),
        designs=tuple((key, {}) for key in designs),
        operations=tuple(operations),
        position=len(operations) if at < 0 else at,
    )
    save_session(session, str(path))
