"""The figure nobody published: the designs under memory pressure, per page that reclaim freed.

The fork server (W4) and the mremap storm (W5) run with RAM for a part of their working set, and swap without end.
Whatever does not fit is reclaimed on the way, by the same lists and batches for every design; only the walks differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from attrs import frozen

from rmapexplorer.core.counters import copied_early
from rmapexplorer.core.operations import Fork
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.workloads.families import FORK_SERVER, MREMAP_STORM, fork_server_pages, mremap_storm_pages
from rmapexplorer.workloads.workload import Values, Workload, limited

DESIGNS = ("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")

CHILDREN = (10, 100, 1_000, 3_000)

Tell = Callable[[int, int], None]
"""Told (operations done, operations in all)."""

OPERATIONS_BETWEEN_TELLING = 64


@frozen
class Load:
    """A workload under pressure: ``sizes`` but for the children, and how many pages it works on."""

    workload: Workload
    sizes: dict[str, int]
    pages: Callable[[Values], int]


LOADS: tuple[Load, ...] = (
    # 16 pages a child: 3,000 children are 48,064 pages, and a run under each design takes seconds
    Load(FORK_SERVER, {"pages": 64, "written": 8, "new": 8, "inherited": 1}, fork_server_pages),
    Load(MREMAP_STORM, {"pages": 64, "moved": 8, "own": 16, "moves": 1}, mremap_storm_pages),
)


@frozen(kw_only=True)
class Pressure:
    """One run. Sums over all of it; ``per_page`` divides by ``reclaimed``, the pages written to swap.

    :param missed: pages that could not be unmapped since a pte was not found, each time it was tried.
    :param metadata: most bytes of rmap objects at any time, looked at after every fork.
    :param refused: operations that failed, all of them for want of memory.
    """

    workload: str
    design: str
    children: int
    working_set: int
    ram: int
    reclaimed: int
    nodes: int
    ptes: int
    false_probes: int
    copied: int
    missed: int
    metadata: int
    refused: int
    seconds: float

    def per_page(self, sum_: int) -> float:
        """A sum divided by the pages reclaimed; 0 where there were none."""
        return sum_ / self.reclaimed if self.reclaimed else 0.0


def run(load: Load, design: str, children: int, tell: Tell, share: float = 0.5) -> Pressure:
    """One workload under one design with RAM for ``share`` of its working set.

    :raises KernelError: EINVAL, for a design that does not exist.
    """
    values = load.workload.values(full=False, **load.sizes, children=children, reclaim=0)
    working_set = load.pages(values)
    ram = int(working_set * share)
    world = World(design_named(design), limited(load.workload.machine(values), ram))
    operations = list(load.workload.operations(values))
    refused, metadata, start = 0, 0, time.perf_counter()
    for index, op in enumerate(operations):
        refused += not world.apply(op).ok
        if isinstance(op, Fork):
            metadata = max(metadata, world.footprint_bytes())
        if not index % OPERATIONS_BETWEEN_TELLING:
            tell(index, len(operations))
    seconds = time.perf_counter() - start
    tell(len(operations), len(operations))
    c = world.counters
    return Pressure(
        workload=load.workload.number, design=design, children=children, working_set=working_set, ram=ram,
        reclaimed=c["swap_outs"], nodes=c["list_nodes"], ptes=c["pte_probes"], false_probes=c["false_probes"],
        copied=copied_early(c), missed=c["pages_unswappable"], metadata=metadata, refused=refused,
        seconds=seconds,
    )  # fmt: skip


def runs(designs: Sequence[str], children: Sequence[int]) -> list[tuple[Load, str, int]]:
    """What there is to run, in the order of the table."""
    return [(load, design, count) for load in LOADS for count in children for design in designs]
