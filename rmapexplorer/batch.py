"""A session run from end to end in one world per design, and what came out: figures, tasks, where designs part.

No Qt, no engine thread: what the commands of the terminal need.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.ma  # noqa: F401  np.unique reads it when it is first called, which each process would do for itself
from attrs import define, field, frozen

from rmapexplorer.core import memory, metrics
from rmapexplorer.core.flags import perms
from rmapexplorer.core.operations import Brk, Clone, Exec, Exit, Fork, Mmap, Mremap, Operation, Spawn, Touch
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.rules import STACK_LIMIT_PAGES
from rmapexplorer.core.units import TASK_SIZE_PAGES, Machine, Span
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import USUAL, design_named, world_key
from rmapexplorer.formats.session import Session

Tell = Callable[[int, int], None]
"""Told (operations done, operations in all)."""

Each = Callable[[World, int, Operation, Outcome], None]
"""Called after every operation with the world, its index, itself and how it ended."""

OPERATIONS_BETWEEN_TELLING = 64

EVERYTHING = Span(0, TASK_SIZE_PAGES)


@define(eq=False)
class Run:
    """One design's world after the whole log. ``refused``: index of the operation -> its outcome, where it was no success."""

    name: str
    world: World
    operations: int = 0
    refused: dict[int, Outcome] = field(factory=dict)
    seconds: float = 0.0


@frozen(kw_only=True, eq=False)
class Result:
    """What a run came to, without its world: it can be sent from one process to another.

    :param entry: what is written to JSON for it, as text; empty where none is wanted. :param image: for a comparison.
    """

    name: str
    refused: dict[int, Outcome]
    figures: dict[str, Any]
    entry: str = ""
    image: memory.Image | None = None


@frozen
class Parting:
    """The first operation whose outcome differs between designs; ``outcomes`` by world, "done" or errno and rule."""

    index: int
    operation: Operation
    outcomes: dict[str, str]


@frozen
class Verdict:
    """``difference``: the first difference of memory between two worlds where outcomes were equal, None if there is none."""

    parting: Parting | None
    difference: str | None


def operations_of(session: Session) -> tuple[Operation, ...]:
    """The operations of the current branch, in order, those after the position included."""
    if session.parents is None:  # one straight line
        return session.operations[: session.branches[session.branch] + 1]
    return tuple(session.operations[index] for index in session.line())


def names_of(session: Session) -> list[str]:
    """World keys of the session's designs, of all designs where it names none.

    :raises KernelError: EINVAL, for a design or option that does not exist.
    """
    names = []
    for key, options in session.designs or [(design.key, {}) for design in USUAL]:
        words = ",".join(f"{name}={value}" for name, value in options.items())
        design_named(f"{key}:{words}")
        names.append(world_key(key, options))
    return list(dict.fromkeys(names))


def run(name: str, machine: Machine, operations: Sequence[Operation], tell: Tell, each: Each | None = None) -> Run:
    """All operations in a fresh world of the design ``name``; ``seconds`` counts the time of ``each`` too.

    :raises KernelError: EINVAL, for a design or an era of the calls that is not known.
    """
    done = Run(name, World(design_named(name), machine))
    apply, refused = done.world.apply, done.refused
    tell(0, len(operations))
    start = time.perf_counter()
    for index, op in enumerate(operations):
        outcome = apply(op)
        if outcome.error is not None:
            refused[index] = outcome
        if each is not None:
            each(done.world, index, op, outcome)
        if not index % OPERATIONS_BETWEEN_TELLING:
            tell(index, len(operations))
    done.seconds = time.perf_counter() - start
    done.operations = len(operations)
    tell(len(operations), len(operations))
    return done


# -- figures ------------------------------------------------------------------------------------------


def figures(done: Run, seconds: bool = False) -> dict[str, Any]:
    """What ``--json`` gives for one world, but the tasks: its metrics by their names in all files, and all its counters.

    With ``seconds``, how long it took, too.
    """
    world = done.world
    return {
        "operations": done.operations,
        "refused": len(done.refused),
        "figures": metrics.figures(world),
        "footprint": {row.kind: {"objects": row.objects, "bytes": row.bytes} for row in world.footprint()},
        "counters": dict(world.counters),
    } | ({"seconds": round(done.seconds, 6)} if seconds else {})


def tasks(world: World) -> list[dict[str, Any]]:
    """The processes alive with their vmas, in page numbers; no threads, no zombies."""
    return [
        {
            "pid": task.pid, "ppid": task.ppid, "comm": task.comm, "vmas": _vmas(world, task.mm),
            "anonymous_pages": memory.resident_anonymous(world, task.pid),
        }
        for task in memory.living(world)
    ]  # fmt: skip


def _vmas(world: World, mm: int) -> list[dict[str, Any]]:
    rows = np.array(world.mms[mm].vmas, np.int64)
    columns = (getattr(world.vma, name)[rows].tolist() for name in ("start", "end", "flags", "pgoff"))
    return [
        {"start": start, "end": end, "perms": perms(flags), "pgoff": pgoff}
        for start, end, flags, pgoff in zip(*columns, strict=True)
    ]


# -- comparison ---------------------------------------------------------------------------------------


def compare(results: Sequence[Result], operations: Sequence[Operation]) -> Verdict:
    """Whether outcomes and memory are equal in all worlds; memory that an operation of unequal outcome touched is left out.

    :param results: with their images.
    """
    refused = sorted({index for done in results for index in done.refused})
    parted = [index for index in refused if _parted(results, index)]
    parting = None
    if parted:
        outcomes = {done.name: _words(done.refused.get(parted[0])) for done in results}
        parting = Parting(parted[0], operations[parted[0]], outcomes)
    apart = apart_of(operations, set(parted), set(refused)) if parted else {}
    first, *others = (done.image for done in results)
    found = (memory.images_differ(first, other, apart) for other in others if first and other)
    return Verdict(parting, next((sentence for sentence in found if sentence), None))


def _parted(results: Sequence[Result], index: int) -> bool:
    outcomes = [done.refused.get(index) for done in results]
    return len({outcome.error if outcome is not None else None for outcome in outcomes}) > 1


def _words(outcome: Outcome | None) -> str:
    return "done" if outcome is None else f"{outcome.error} ({outcome.rule})"


def apart_of(operations: Iterable[Operation], parted: set[int], refused: set[int]) -> dict[int, list[Span]]:
    """Pid -> spans on which worlds may differ, since operations ``parted`` (their indexes) had unequal outcomes there.

    What is forked, shared or moved from there is apart too. Operations ``refused`` but not parted did nothing anywhere.
    """
    operations = list(operations)
    grows = any("growsdown" in op.flags for op in operations if isinstance(op, Mmap))
    spans: dict[int, list[Span]] = {}
    for index, op in enumerate(operations):
        pid = getattr(op, "pid", 0)
        mine = spans.setdefault(pid, [])
        if index in parted:
            mine += _touched(op)
            if grows and isinstance(op, Touch):  # a stack above may have grown down to there, in some worlds
                mine += [Span(start, start + STACK_LIMIT_PAGES) for start, _, _ in op.runs]
            if isinstance(op, (Fork, Clone)):
                spans[op.child] = [EVERYTHING]
        elif index not in refused:
            _spread(spans, mine, op)
    return {pid: mine for pid, mine in spans.items() if mine}


def _spread(spans: dict[int, list[Span]], mine: list[Span], op: Operation) -> None:
    if isinstance(op, Fork):
        spans[op.child] = mine.copy()
    elif isinstance(op, Clone):
        spans[op.child] = mine
    elif isinstance(op, (Spawn, Exec)):
        spans[op.pid] = []
    elif isinstance(op, Exit):
        del spans[op.pid]
    elif isinstance(op, Mremap) and op.to is not None and any(span.overlaps(op.span) for span in mine):
        mine.append(Span(op.to, op.to + op.new_pages))


def _touched(op: Operation) -> list[Span]:
    if isinstance(op, (Spawn, Fork, Clone, Exec, Exit, Brk)):
        return [EVERYTHING]
    if isinstance(op, Touch):
        return [Span(start, end) for start, end, _ in op.runs]
    if isinstance(op, Mremap):
        to = op.span.start if op.to is None else op.to
        return [op.span, Span(to, to + op.new_pages)]
    span: Span | None = getattr(op, "span", None)
    return [span] if span is not None else []
