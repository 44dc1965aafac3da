"""Tasks: spawn, fork, clone, exec, exit. Kernel: dup_mmap, kernel/fork.c."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmapexplorer.core import flags as vm
from rmapexplorer.core.copy_range import copy_page_range
from rmapexplorer.core.objects import Mm, Task
from rmapexplorer.core.operations import Clone, Exec, Exit, Fork, Spawn
from rmapexplorer.core.order import Order
from rmapexplorer.core.pages import clear
from rmapexplorer.core.radix import Tables
from rmapexplorer.core.reclaim import ENTRY_BYTES, VMA_BYTES, room_for_tables
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.table import Ints
from rmapexplorer.core.units import TABLE_ENTRIES, KernelError
from rmapexplorer.core.vmas import index_insert_forked, unlink_many

if TYPE_CHECKING:
    from rmapexplorer.core.world import World


def _new_mm(w: World) -> Mm:
    number = w.mm_births
    w.mm_births += 1
    w.mms[number] = Mm(id=number, tables=Tables(number))
    return w.mms[number]


def _new_task(w: World, pid: int, ppid: int, leader: int, mm: int, comm: str) -> None:
    if pid in w.tasks:
        raise KernelError("EEXIST", f"process {pid} exists already", "child")
    if pid <= 0:
        raise KernelError("EINVAL", "a pid is a number above 0", "child")
    w.tasks[pid] = Task(pid, ppid, leader, mm, comm, w.task_births)
    w.task_births += 1
    w.highest_pid = max(w.highest_pid, pid)
    w.parents.add(ppid)


def spawn(w: World, op: Spawn) -> None:
    """A first process with an empty mm."""
    _new_task(w, op.pid, 0, op.pid, -1, op.comm)
    mm = _new_mm(w)
    w.tasks[op.pid].mm = mm.id
    w.design.mm_created(mm.id)


def clone(w: World, op: Clone) -> None:
    """clone(CLONE_VM): one user more of the same mm."""
    parent = w.task(op.pid)
    leader = parent.leader if op.thread else op.child
    _new_task(w, op.child, parent.ppid if op.thread else parent.leader, leader, parent.mm, parent.comm)
    w.mms[parent.mm].users += 1


def exec_(w: World, op: Exec) -> None:
    """execve: the task gets an empty mm; other threads of it end."""
    task = w.task(op.pid)
    _de_thread(w, task)
    old = w.mms[task.mm]
    mm = _new_mm(w)
    task.mm, mm.merge_any = mm.id, old.merge_any
    w.design.mm_created(mm.id)
    _mmput(w, old)
    if op.comm:
        task.comm = op.comm


def _de_thread(w: World, task: Task) -> None:
    # the process goes on with this thread alone, which takes the place and the pid of its leader
    for other in [t for t in w.tasks.values() if t.leader == task.leader and t is not task and not t.zombie]:
        _leave(w, other)
    leader = w.tasks[task.leader]
    if leader is not task:
        del w.tasks[task.pid]
        task.pid, task.ppid, task.birth = leader.pid, leader.ppid, leader.birth
        w.tasks[leader.pid] = task


def exit_(w: World, op: Exit) -> None:
    """exit of one task; children go to pid 1 where there is one, else keep an unknown parent."""
    _leave(w, w.task(op.pid))


def _leave(w: World, task: Task) -> None:
    mm = w.mms[task.mm]
    others: list[Task] = []
    if mm.users > 1 or task.pid != task.leader:  # threads share their leader's mm
        others = [t for t in w.tasks.values() if t.leader == task.leader and t is not task]
    if task.pid == task.leader and others:
        task.zombie = True  # its threads live on: the process keeps its pid until the last of them ends
        return _mmput(w, mm)
    del w.tasks[task.pid]
    if len(others) == 1 and others[0].zombie:
        del w.tasks[task.leader]
    if task.leader not in w.tasks and task.leader in w.parents:
        heir = 1 if 1 in w.tasks else 0
        w.parents.add(heir)
        for child in w.tasks.values():
            if child.ppid == task.leader:
                child.ppid = heir
    return _mmput(w, mm)


def _mmput(w: World, mm: Mm) -> None:
    mm.users -= 1
    if mm.users:
        return
    exit_mmap(w, mm)
    w.design.mm_gone(mm.id)
    w.map_counts.drop(mm.id)
    del w.mms[mm.id]


def exit_mmap(w: World, mm: Mm) -> None:
    """Unmap everything of an mm: all ptes in one sweep, then the vmas."""
    rows = np.array(mm.vmas, np.int64)
    if mm.tables.rows:
        _, tables = w.pt.tables_of(mm.tables)
        at, columns = np.nonzero(w.pt.entries[tables])
        slots = tables[at] * TABLE_ENTRIES + columns
        if len(slots):
            vpns = w.pt.base[tables[at]] + columns
            owners = rows[np.searchsorted(np.array(mm.starts, np.int64), vpns, "right") - 1]
            clear(w, mm, owners, vpns, slots, "unmap")
        w.pt.drop_all(mm.tables)
    unlink_many(w, mm, rows)


def fork(w: World, op: Fork) -> None:
    """fork: dup_mmap of the caller's mm, page tables shared copy-on-write."""
    parent_task = w.task(op.pid)
    parent = w.mms[parent_task.mm]
    room_for_tables(w, len(parent.tables.rows))
    ROOM.ask(parent.order.count * VMA_BYTES + parent.rss * ENTRY_BYTES + len(parent.tables.rows) * TABLE_ENTRIES * 8)
    _new_task(w, op.child, parent_task.leader, op.child, -1, op.comm or parent_task.comm)
    child = _new_mm(w)
    w.tasks[op.child].mm = child.id
    child.brk_start, child.brk_end, child.merge_any = parent.brk_start, parent.brk_end, parent.merge_any
    w.design.mm_forked(child.id, parent.id)
    old = np.array(parent.vmas, np.int64)
    old = old[(w.vma.flags[old] & vm.DONTCOPY) == 0]
    if not len(old):
        return
    new = _dup_vmas(w, parent, child, old)
    wiped = (w.vma.flags[old] & vm.WIPEONFORK) != 0
    w.vma.touched[new[wiped]] = False
    w.design.vmas_forked(old[~wiped], new[~wiped])
    _link_files(w, old, new)
    copy_page_range(w, parent, child, old[~wiped], new[~wiped])


def _dup_vmas(w: World, parent: Mm, child: Mm, old: Ints) -> Ints:
    new = w.vma.copy_rows(old)
    w.vma.mm[new] = child.id
    w.vma.flags[new] &= ~(vm.LOCKED | vm.LOCKONFAULT)
    starts = parent.starts if len(old) == parent.order.count else w.vma.start[new].tolist()  # the same numbers
    child.order = Order.of(starts, new.tolist())
    return new


def _link_files(w: World, old: Ints, new: Ints) -> None:
    on_file = w.vma.file[old] >= 0
    if on_file.any():
        index_insert_forked(w, old[on_file], new[on_file])
        for file in w.vma.file[old[on_file]].tolist():
            w.files[file].users += 1
