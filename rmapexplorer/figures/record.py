"""What a published number is, and the laboratory in which the designs recompute it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any

import numpy as np
from attrs import frozen

from rmapexplorer.core.design import Design
from rmapexplorer.core.operations import Fork, Mmap, Operation, Spawn, Touch
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.core.walk import Priced, price
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.workloads.workload import Workload

Tell = Callable[[str], None]
"""Told what is being run, now and then; an exception from it ends the work."""

I386 = Machine(arch="i386", word_bytes=4, cache_line_bytes=32)
X86_64 = Machine()
MIB, GIB = 1 << 20, 1 << 30

OPERATIONS_BETWEEN_TELLING = 256


@frozen(kw_only=True)
class Published:
    """A number somebody published, or that follows from the kernel's code in closed form, and how we get it.

    :param within: half a unit of the last digit published: closer than that is equal. :param reason: why ours differs.
    :param compute: our number; never the published one in other words.
    """

    id: str
    what: str
    published: float
    unit: str
    source: str
    compute: Callable[[Lab], float]
    within: float = 0.0
    reason: str = ""


@frozen(kw_only=True)
class Found:
    """A published number and ours. ``ratio`` is ours to theirs; ``reason`` is empty where they agree."""

    id: str
    what: str
    published: float
    ours: float
    ratio: float
    unit: str
    source: str
    agrees: bool
    reason: str


def recompute(record: Published, lab: Lab) -> Found:
    """Our number beside theirs."""
    ours = record.compute(lab)
    agrees = abs(ours - record.published) <= record.within
    return Found(
        id=record.id, what=record.what, published=record.published, ours=ours, ratio=ours / record.published,
        unit=record.unit, source=record.source, agrees=agrees, reason="" if agrees else record.reason,
    )  # fmt: skip


class Lab:
    """Makes worlds and keeps those that several numbers are read from."""

    def __init__(self, tell: Tell = lambda what: None) -> None:
        self._tell = tell
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What ``make`` gives, made the first time only. Not to be changed: others read it too."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def forget(self) -> None:
        """Let go of all worlds."""
        self._kept.clear()

    def world(self, design: str | Design, machine: Machine, operations: Iterable[Operation], what: str) -> World:
        """A fresh world after all operations.

        :raises ValueError: one of them was refused, so that the numbers would be of something else.
        """
        world = World(design_named(design) if isinstance(design, str) else design, machine)
        for index, op in enumerate(operations):
            if not index % OPERATIONS_BETWEEN_TELLING:
                self._tell(f"{what}, {world.design.key}")
            outcome = world.apply(op)
            if not outcome.ok:
                raise ValueError(f"{op} was refused: {outcome.rule}")
        return world

    def workload(
        self, workload: Workload, design: str | Design, machine: Machine | None = None, **chosen: int
    ) -> World:
        """The world after a workload at full size but for what is ``chosen``; kept."""
        name = design if isinstance(design, str) else type(design).__name__
        key = (workload.key, name, machine and machine.cache_line_bytes, tuple(sorted(chosen.items())))
        values = workload.values(**chosen)  # type: ignore[arg-type]
        fitting = machine or workload.machine(values)
        world: World = self.once(
            key, lambda: self.world(design, fitting, workload.operations(values), f"{workload.number} {workload.key}")
        )
        return world

    def family(self, design: str, children: int, machine: Machine = X86_64, pages: int = 1, vmas: int = 1) -> World:
        """Process 1 with written pages in vmas that lie apart, and its children 2, 3 ...; a new world each time."""
        return self.world(design, machine, family(children, pages, vmas), f"{children} children")


def family(children: int, pages: int = 1, vmas: int = 1) -> Iterable[Operation]:
    """Operations of Lab.family."""
    yield Spawn(pid=1)
    for number in range(vmas):
        at = number * (pages + 1)
        yield Mmap(pid=1, span=Span(at, at + pages))
        yield Touch(pid=1, runs=((at, at + pages, "w"),))
    for child in range(2, 2 + children):
        yield Fork(pid=1, child=child)


def page_of(w: World, pid: int, vpn: int = 0) -> int:
    """The page that process ``pid`` has at page number ``vpn``."""
    return w.pt.get(w.mms[w.tasks[pid].mm].tables, vpn) >> 12


def walk(w: World, pages: Iterable[int]) -> Priced:
    """What unmapping these pages, all anonymous or all of files, would visit."""
    return price(w, w.candidates(np.fromiter(pages, np.int64))[0])


def mapped(w: World) -> Ints:
    """All pages that are mapped."""
    pages = w.page.live()
    found: Ints = pages[w.page.mapcount[pages] > 0]
    return found


def kept(w: World) -> int:
    """Bytes of rmap metadata, the per-CPU spare left out."""
    return sum(row.bytes for row in w.footprint() if "spare" not in row.kind)


def count_of(w: World, kind: str) -> int:
    """Objects of a kind."""
    return next(row.objects for row in w.footprint() if row.kind == kind)
