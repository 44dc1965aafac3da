"""What measures read of a world: pages of a span, the price of their walks, whose ptes are missed, bytes kept. Changes nothing."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.core.long_walks import priced_walks
from rmapexplorer.core.pages import is_page
from rmapexplorer.core.radix import ENTRY_SHIFT
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import Span
from rmapexplorer.core.world import World

VMA_BYTES = {"i386": 64, "x86_64": 128}
"""struct vm_area_struct of 2.6.5, without what a design adds to it."""


@frozen
class Cost:
    """try_to_unmap of pages, now: nodes visited, ptes probed, ptes found and missed, in sum."""

    pages: int
    nodes: int
    probes: int
    hits: int
    missed: int

    @property
    def nodes_a_page(self) -> float:
        """Nodes visited, in the mean."""
        return self.nodes / self.pages

    @property
    def probes_a_page(self) -> float:
        """Ptes probed, in the mean."""
        return self.probes / self.pages


def pages_at(w: World, pid: int, span: Span) -> Ints:
    """Resident pages that the process maps in the span, in order of address."""
    _, slots = w.pt.span(w.mms[w.tasks[pid].mm].tables, span.start, span.end)
    entries = w.pt.flat[slots]
    pages: Ints = entries[is_page(entries)] >> ENTRY_SHIFT
    return pages


def pages_of(w: World, *places: tuple[int, Span]) -> Ints:
    """Resident pages of several (pid, span), each once."""
    return np.unique(np.concatenate([pages_at(w, pid, span) for pid, span in places]))


def cost(w: World, pages: Ints) -> Cost:
    """What unmapping these pages would cost now."""
    sums = np.zeros(4, np.int64)
    for priced in priced_walks(w, pages):
        sums += [int(part.sum()) for part in (priced.nodes, priced.probes, priced.hits, priced.missed)]
    return Cost(len(pages), *(int(part) for part in sums))


def walk_of(w: World, *places: tuple[int, Span]) -> Cost:
    """What unmapping the pages of several (pid, span) would cost now, each page once."""
    return cost(w, pages_of(w, *places))


def missed_by_pid(w: World, pages: Ints) -> dict[int, int]:
    """Process -> how many of its ptes the walks of these pages do not find."""
    seen: set[tuple[int, int]] = set()
    for priced in priced_walks(w, pages):
        walk = priced.walk
        seen.update(zip(walk.mm[priced.hit].tolist(), walk.vpn[priced.hit].tolist(), strict=True))
    out: dict[int, int] = {}
    for task in w.processes():
        ptes = 0
        for page in pages.tolist():
            mms, vpns = w.mappers(page)
            ptes += sum((task.mm, vpn) not in seen for vpn in vpns[mms == task.mm].tolist())
        out[task.pid] = ptes
    return out


def kept(w: World) -> int:
    """Bytes of reverse-mapping objects, without a CPU's spare one."""
    return sum(row.bytes for row in w.footprint() if "spare" not in row.kind)


def kept_beside(w: World, kind: str) -> int:
    """Bytes of all objects but those of one kind and the spare ones."""
    return sum(row.bytes for row in w.footprint() if "spare" not in row.kind and row.kind != kind)


def vmas_of(w: World, pid: int) -> int:
    """Number of vmas of a process."""
    return len(w.mms[w.tasks[pid].mm].vmas)


def vmas_at(w: World, pid: int, span: Span) -> list[int]:
    """The vma (by id) at each page of the span, -1 where there is none."""
    mm = w.mms[w.tasks[pid].mm]
    return [w.vma_at(mm, vpn) for vpn in span]
