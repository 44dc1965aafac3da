"""The figures of a world: one table of names for curves, CSV, JSON and tables, and how each is read off a world."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np
from attrs import field, frozen

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


@frozen(kw_only=True)
class Metric:
    """One figure: the name it has in files (``key``), the name people read, its unit, and what it says."""

    key: str
    title: str
    unit: str
    help: str
    group: str = ""
    counter: str = field(default="")
    """The core counter it shows, of the same name; empty where it is computed otherwise."""
    probed: bool = False
    """A probe of all pages tells it, which is dear: only some positions of a long log have it."""

    @property
    def label(self) -> str:
        """The title, with the unit where the value alone would not tell it."""
        return f"{self.title} [B]" if self.unit == "bytes" else self.title


METRICS: tuple[Metric, ...] = (
    Metric(key="bytes", title="rmap metadata", unit="bytes", group="memory",
           help="count x size of every structure the design keeps for reverse mapping"),
    Metric(key="objects", title="rmap objects", unit="objects", group="memory",
           help="live objects of every kind the design allocates"),
    Metric(key="vmas", title="vmas", unit="vmas", group="memory", help="vmas of all processes"),
    Metric(key="most_vmas", title="most vmas", unit="vmas", group="vmas",
           help="vmas of the process that has most of them; vm.max_map_count says how many it may have"),
    Metric(key="objs_alloc", title="allocations", unit="allocations", group="memory", counter="objs_alloc",
           help="rmap objects allocated so far"),
    Metric(key="merges_refused", title="merges refused", unit="merges", group="vmas", counter="merges_refused",
           help="touching vmas that the design's rules keep apart, so far"),
    Metric(key="copied_by_write", title="copied by write", unit="pages", group="copies", counter="copied_by_write",
           help="anonymous pages that write faults copied, so far"),
    Metric(key="copied_by_mremap", title="copied by mremap", unit="pages", group="copies", counter="copied_by_mremap",
           help="pages that mremap copied early because it moved them while they were shared, so far"),
    Metric(key="copied_by_design", title="copied by design", unit="pages", group="copies",
           counter="copied_by_design",
           help="pages copied on their way back from swap because the design cannot find them at their address, so far"),
    Metric(key="list_nodes", title="walks: nodes", unit="nodes", group="walks", counter="list_nodes",
           help="list and tree nodes that real walks visited so far"),
    Metric(key="pte_probes", title="walks: ptes", unit="ptes", group="walks", counter="pte_probes",
           help="page-table walks that real walks did so far"),
    Metric(key="probe_nodes", title="probe: nodes", unit="nodes", group="probe", probed=True,
           help="nodes of lists and trees to visit to find all who map the pages: try_to_unmap of every resident anonymous page"),
    Metric(key="probe_ptes", title="probe: ptes", unit="ptes", group="probe", probed=True,
           help="ptes to look at to find all who map the pages: try_to_unmap of every resident anonymous page"),
    Metric(key="probe_missed", title="probe: ptes missed", unit="ptes", group="probe", probed=True,
           help="ptes that the walk of no page finds: what a probe of every resident anonymous page misses now"),
    Metric(key="pages", title="page frames", unit="pages", group="memory",
           help="page frames in use, of anonymous memory and of files"),
    Metric(key="processes", title="address spaces", unit="processes", group="memory",
           help="mms alive: processes, threads counted once"),
)  # fmt: skip

KEYS: tuple[str, ...] = tuple(metric.key for metric in METRICS)

_COUNTED = [(index, metric.counter) for index, metric in enumerate(METRICS) if metric.counter]
_AT = {key: index for index, key in enumerate(KEYS)}

PROBED: tuple[int, ...] = tuple(index for index, metric in enumerate(METRICS) if metric.probed)
"""Numbers of the metrics that only a probe tells."""


def measure(world: World) -> np.ndarray:
    """The row of the present state; NaN in what only a probe knows."""
    row = np.full(len(KEYS), np.nan)
    kept = world.footprint()
    row[_AT["bytes"]] = sum(kind.objects * kind.size for kind in kept)
    row[_AT["objects"]] = sum(kind.objects for kind in kept)
    row[_AT["vmas"]] = len(world.vma)
    row[_AT["most_vmas"]] = world.map_counts.most
    row[_AT["pages"]] = len(world.page)
    row[_AT["processes"]] = len(world.mms)
    for index, counter in _COUNTED:
        row[index] = world.counters[counter]
    return row


def probe(world: World, row: np.ndarray) -> Generator[None, None, None]:
    """Fill in what try_to_unmap of every resident anonymous page would cost now, some pages at each step. Changes nothing."""
    cost = yield from world.probing()
    row[_AT["probe_missed"]] = cost.missed
    row[_AT["probe_nodes"]] = cost.nodes
    row[_AT["probe_ptes"]] = cost.ptes


def figures(world: World) -> dict[str, int]:
    """All metrics of the present state by key, those of the probe too."""
    row = measure(world)
    for _ in probe(world, row):
        pass
    return {key: int(value) for key, value in zip(KEYS, row.tolist(), strict=True)}
