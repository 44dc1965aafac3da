"""Unmapping a span, and the checks that calls on spans share. Kernel: do_vmi_munmap, mm/vma.c 6.18."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core.map_count import refuse_hole
from rmapexplorer.core.objects import Mm
from rmapexplorer.core.pages import zap
from rmapexplorer.core.units import TASK_SIZE_PAGES, KernelError, Span
from rmapexplorer.core.vmas import isolate, split, unlink_many

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def check_span(span: Span, beyond: str = "EINVAL", field: str = "span") -> None:
    """:raises KernelError: EINVAL for an empty span, ``beyond`` for one outside the user address space."""
    if span.end <= span.start:
        raise KernelError("EINVAL", f"the span {span} is empty", field)
    if span.start < 0 or span.end > TASK_SIZE_PAGES:
        raise KernelError(
            beyond, f"the span {span} leaves the address space, which ends at page {TASK_SIZE_PAGES:x}", field
        )


def check_length(span: Span) -> None:
    """For calls that go over the span vma by vma, and find no vma beyond the address space either.

    :raises KernelError: EINVAL for an empty span, ENOMEM for one that begins below address 0.
    """
    if span.end <= span.start:
        raise KernelError("EINVAL", f"the span {span} is empty", "span")
    if span.start < 0:
        raise KernelError("ENOMEM", f"the span {span} begins below address 0", "span")


def refuse_sealed(w: World, rows: list[int]) -> None:
    """:raises KernelError: EPERM where one of the vmas is sealed (can_modify_vma)."""
    for row in rows:
        if w.vma.flags.item(row) & vm.SEALED:
            raise KernelError("EPERM", f"the vma at page {w.vma.start.item(row):x} is sealed", "span")


def refuse_to_unmap(w: World, mm: Mm, start: int, end: int) -> None:
    """do_vmi_munmap: EINVAL for a span that leaves the address space.

    vms_gather_munmap_vmas: ENOMEM for a hole at vm.max_map_count; EPERM where a vma of [start, end) is sealed; the split at
    ``start`` is done by then and stays.

    :raises KernelError: EINVAL, ENOMEM, EPERM
    """
    check_span(Span(start, end))
    inside = w.vmas_in(mm, start, end)
    refuse_hole(w, mm, start, end)
    refuse_sealed(w, inside[:1])
    if len(inside) > 1 and w.vma.start[inside[0]] < start and (w.vma.flags[inside] & vm.SEALED).any():
        split(w, mm, inside[0], start, new_below=True, counted=not w.rules.munmap_passes_limit)
    refuse_sealed(w, inside[1:])


def munmap_span(w: World, mm: Mm, start: int, end: int) -> None:
    """Split at the edges, drop the ptes inside, unlink the vmas inside. An empty span changes nothing, splits neither."""
    inside = isolate(w, mm, start, end)
    if not inside:
        return
    for row in inside:
        zap(w, mm, row, w.vma.start.item(row), w.vma.end.item(row))
    unlink_many(w, mm, np.array(inside, np.int64))
    w.pt.drop_empty(mm.tables, start, end)
