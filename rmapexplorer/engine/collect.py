"""One row of the overhead curves, read off a world: engine.metrics.METRICS as numbers."""

from __future__ import annotations

import numpy as np

from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import FootprintRow
from rmapexplorer.engine.metrics import KEYS, METRICS

_COUNTED = [(index, metric.counter) for index, metric in enumerate(METRICS) if metric.counter]
_AT = {key: index for index, key in enumerate(KEYS)}


def measure(world: World) -> np.ndarray:
    """The row of the present state; NaN in what only a probe knows."""
    row = np.full(len(KEYS), np.nan)
    kept = world.footprint()
    row[_AT["bytes"]] = sum(kind.objects * kind.size for kind in kept)
    row[_AT["objects"]] = sum(kind.objects for kind in kept)
    row[_AT["vmas"]] = vmas(world)
    row[_AT["pages"]] = len(world.page)
    row[_AT["processes"]] = len(world.mms)
    for index, counter in _COUNTED:
        row[index] = world.counters[counter]
    return row


def probe(world: World, row: np.ndarray) -> None:
    """Fill in what try_to_unmap of every resident anonymous page would cost now. Changes nothing in the world."""
    cost = world.probe()
    row[_AT["lost"]] = cost.missed
    row[_AT["probe_nodes"]] = cost.nodes
    row[_AT["probe_ptes"]] = cost.ptes


def vmas(world: World) -> int:
    """Number of vmas alive."""
    return len(world.vma)


def footprint(world: World) -> tuple[FootprintRow, ...]:
    """The design's objects by kind, as frames carry them."""
    return tuple(
        FootprintRow(
            kind=kept.kind,
            objects=kept.objects,
            bytes=kept.objects * kept.size,
            size=kept.size,
            slab_pages=kept.slab_pages,
            source=kept.source,
        )
        for kept in world.footprint()
    )
