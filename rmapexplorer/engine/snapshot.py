"""A world as the columns of a frame: processes and vmas, read with a few vector statements."""

from __future__ import annotations

from typing import TypeVar

import attrs
import numpy as np

from rmapexplorer.core.objects import Task
from rmapexplorer.core.table import NONE, Bools, Ints
from rmapexplorer.core.world import World
from rmapexplorer.engine.frames import TaskRows, VmaRows
from rmapexplorer.engine.lens import Columns
from rmapexplorer.engine.page_runs import PageRuns, page_runs
from rmapexplorer.engine.page_tables import PageTables

R = TypeVar("R", TaskRows, VmaRows)


def columns(world: World, before: Columns | None) -> Columns:
    """The present state of a world; arrays equal to those of ``before`` are the same objects."""
    tasks = leaders(world)
    rows, first = _rows(world, tasks)
    owners = world.design.vma_owner(rows)
    tables = before.tables if before is not None and before.tables is not None else PageTables()
    tables.update(world, _owned(world, rows, owners))
    anon, file, swap, shared = tables.totals
    table = world.vma
    vmas = VmaRows(
        first=first,
        birth=table.birth[rows],
        start=table.start[rows],
        end=table.end[rows],
        pgoff=table.pgoff[rows],
        flags=table.flags[rows].astype(np.int64),
        file=table.file[rows].astype(np.int64),
        label=table.label[rows].astype(np.int64),
        anon=owners,
        links=world.design.vma_links(rows),
        anon_pages=anon[rows],
        file_pages=file[rows],
        swap_pages=swap[rows],
        shared_pages=shared[rows],
        pages=_kept(page_runs(tables.runs, rows, world.vma.used), before.vmas.pages if before else None),
    )
    task_rows = _task_rows(world, tasks, vmas)
    return Columns(
        tasks=_shared(task_rows, before.tasks if before else None),
        vmas=_shared(vmas, before.vmas if before else None),
        files=tuple(file.name for file in world.files),
        labels=tuple(world.labels),
        tables=tables,
    )


def _owned(world: World, rows: Ints, owners: Ints) -> Bools:
    # by vma id, whether it has an owner
    owned = np.zeros(max(world.vma.used, 1), np.bool_)
    owned[rows] = owners >= 0
    return owned


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


def _kept(runs: PageRuns | None, before: PageRuns | None) -> PageRuns | None:
    # the object of the frame before where nothing changed
    return before if runs is not None and before is not None and runs.equals(before) else runs


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
