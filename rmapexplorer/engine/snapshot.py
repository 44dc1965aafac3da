"""A world as the columns of a frame: processes and vmas, read with a few vector statements."""

from __future__ import annotations

from typing import TypeVar

import attrs
import numpy as np

from rmapexplorer.core import radix
from rmapexplorer.core.objects import Mm, Task
from rmapexplorer.core.table import ANON, NONE, Ints
from rmapexplorer.core.units import TABLE_SHIFT
from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import TaskRows, VmaRows
from rmapexplorer.engine.lens import Columns

_KEY_SHIFT = 36  # page numbers have fewer bits on x86_64 (TASK_SIZE_PAGES is 1 << 35)

R = TypeVar("R", TaskRows, VmaRows)


def columns(world: World, before: Columns | None) -> Columns:
    """The present state of a world; arrays equal to those of ``before`` are the same objects."""
    tasks = leaders(world)
    rows, first = _rows(world, tasks)
    anon, file, swap, shared = page_counts(world)
    table = world.vma
    vmas = VmaRows(
        first=first,
        birth=table.birth[rows],
        start=table.start[rows],
        end=table.end[rows],
        pgoff=table.pgoff[rows],
        flags=table.flags[rows],
        file=table.file[rows],
        label=table.label[rows],
        anon=world.design.vma_owner(rows),
        links=world.design.vma_links(rows),
        anon_pages=anon[rows],
        file_pages=file[rows],
        swap_pages=swap[rows],
        shared_pages=shared[rows],
    )
    task_rows = _task_rows(world, tasks, vmas)
    return Columns(
        tasks=_shared(task_rows, before.tasks if before else None),
        vmas=_shared(vmas, before.vmas if before else None),
        files=tuple(file.name for file in world.files),
        labels=tuple(world.labels),
    )


def leaders(world: World) -> list[Task]:
    """One task a process, in order of creation: its leader, or the oldest thread left where that one has exited."""
    seen: dict[int, Task] = {}
    for task in world.tasks.values():
        if task.leader not in seen or task.pid == task.leader:
            seen[task.leader] = task
    return list(seen.values())


def _rows(world: World, tasks: list[Task]) -> tuple[Ints, Ints]:
    # ids of the vmas of all processes, and where each process begins; two processes of a vfork share an mm
    lists: dict[int, Ints] = {}
    for task in tasks:
        if task.mm not in lists:
            lists[task.mm] = np.array(world.mms[task.mm].vmas, np.int64) if task.mm in world.mms else NONE
    parts = [lists[task.mm] for task in tasks]
    first = np.zeros(len(tasks) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=first[1:])
    return (np.concatenate(parts) if parts else NONE), first


def _task_rows(world: World, tasks: list[Task], vmas: VmaRows) -> TaskRows:
    threads: dict[int, int] = {}
    for task in world.tasks.values():
        threads[task.leader] = threads.get(task.leader, 0) + 1

    def of(values: list[int]) -> Ints:
        return np.array(values, np.int64)

    return TaskRows(
        pid=of([task.pid for task in tasks]),
        ppid=of([task.ppid for task in tasks]),
        mm=of([task.mm for task in tasks]),
        birth=of([task.birth for task in tasks]),
        vmas=np.diff(vmas.first),
        anon_pages=_sums(vmas.anon_pages, vmas.first),
        file_pages=_sums(vmas.file_pages, vmas.first),
        swap_pages=_sums(vmas.swap_pages, vmas.first),
        threads=of([threads[task.leader] for task in tasks]),
        comm=tuple(task.comm for task in tasks),
    )


def _sums(values: Ints, first: Ints) -> Ints:
    total = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=total[1:])
    return np.diff(total[first])


def page_counts(world: World) -> tuple[Ints, Ints, Ints, Ints]:
    """Per vma id: resident anonymous pages, pages of files (shared anonymous memory too), swap entries, shared pages.

    Shared are those resident that more than one pte maps.
    """
    table = world.pt
    size = max(world.vma.used, 1)
    slots = np.flatnonzero(table.flat[: table.used << TABLE_SHIFT])  # free rows are empty
    if not len(slots):
        none = np.zeros(size, np.int64)
        return none, none, none, none
    entries = table.flat[slots]
    vma = vmas_of(world, table.owner_of(slots), table.vpn_of(slots))
    mapped = ((entries & (radix.PRESENT | radix.PROTNONE)) != 0) & ((entries & radix.ZERO) == 0) & (vma >= 0)
    pages = np.where(mapped, entries >> radix.ENTRY_SHIFT, 0)
    anon = mapped & ((world.page.state[pages] & ANON) != 0)
    swap = ((entries & radix.SWAP) != 0) & ~mapped & (vma >= 0)
    shared = mapped & (world.page.mapcount[pages] > 1)
    counts = [np.bincount(vma[mask], minlength=size) for mask in (anon, mapped & ~anon, swap, shared)]
    return counts[0], counts[1], counts[2], counts[3]


def vmas_of(world: World, mms: Ints, vpns: Ints) -> Ints:
    """The vma that holds each (mm, page number); -1 where none does."""
    present: list[Mm] = list(world.mms.values())
    lists = [np.array(mm.vmas, np.int64) for mm in present]
    rows = np.concatenate(lists) if lists else NONE
    if not len(rows):
        return np.full(len(vpns), -1, np.int64)
    rank = np.full(max(world.mms) + 2, len(present), np.int64)
    rank[[mm.id for mm in present]] = np.arange(len(present))
    keys = np.repeat(np.arange(len(present)) << _KEY_SHIFT, [len(part) for part in lists]) | world.vma.start[rows]
    at = np.searchsorted(keys, (rank[mms] << _KEY_SHIFT) | vpns, "right") - 1
    found = rows[np.maximum(at, 0)]
    inside = (at >= 0) & (world.vma.mm[found] == mms) & (vpns < world.vma.end[found])
    return np.where(inside, found, -1)


def _shared(rows: R, before: R | None) -> R:
    # arrays equal to the frame before stay the same objects; all are read-only
    changes = {}
    for name in (one.name for one in attrs.fields(type(rows))):
        value = getattr(rows, name)
        old = getattr(before, name, None)
        if not isinstance(value, np.ndarray):
            continue
        value = value.astype(np.int64, copy=False)
        if isinstance(old, np.ndarray) and old.shape == value.shape and np.array_equal(old, value):
            value = old
        value.flags.writeable = False
        changes[name] = value
    return attrs.evolve(rows, **changes)
