"""The world: one simulated kernel under one design. Tables, objects, and the way in: ``apply``.

What the calls do stands in calls.py, mremap.py, advise.py, faults.py, fork.py and reclaim.py as functions
over a world, which they name as a type only; the state is all here. Equal operations on equal worlds give equal digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from itertools import count

import numpy as np

from rmapexplorer.core import radix
from rmapexplorer.core.batches import Batches
from rmapexplorer.core.calls import CALLS
from rmapexplorer.core.counters import Counters
from rmapexplorer.core.design import Design, Footprint
from rmapexplorer.core.index.files import Stab
from rmapexplorer.core.long_walks import Propose, bound, price_all
from rmapexplorer.core.map_count import MapCounts, refuse_as_recorded
from rmapexplorer.core.objects import File, Mm, Task
from rmapexplorer.core.operations import Operation, Spawn
from rmapexplorer.core.outcome import Outcome, Refusal
from rmapexplorer.core.radix import Radix, Tables
from rmapexplorer.core.room import ROOM
from rmapexplorer.core.rules import CallRules, rules_of
from rmapexplorer.core.table import ANON, Ints, PageTable, SwapTable, VmaTable
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.core.walk import Probe, Walk, ranges

PROBED_AT_ONCE = 16384
"""Pages of a probe that are priced in one step."""

REFUSALS_KEPT = 8

OPERATIONS_BETWEEN_ASKING = 8
"""After so many operations a world looks how much memory is left."""

_NUMBERS = count()


class World:
    """One simulated kernel. Build with a fresh design; then only ``apply`` changes it."""

    def __init__(self, design: Design, machine: Machine) -> None:
        self.number = next(_NUMBERS)  # copies have the same: they are the same world at another time
        self.machine = machine
        self.rules: CallRules = rules_of(machine.calls)
        self.vma = VmaTable()
        self.page = PageTable()
        self.swap = SwapTable()
        self.pt = Radix()
        self.cache = Radix()
        self.tasks: dict[int, Task] = {}
        self.parents: set[int] = set()  # pids that were a parent at some time: others need not be asked for children
        self.mms: dict[int, Mm] = {}
        self.files: list[File] = []
        self.file_ids: dict[str, int] = {}
        self.labels: list[str] = []
        self.label_ids: dict[str, int] = {}
        self.counters = Counters()
        self.serial = 0
        self.task_births = 0
        self.map_counts = MapCounts()
        self.highest_pid = 0  # of all tasks there ever were
        self.mm_births = 0
        self.lru_clock = 0
        self.swap_pages = machine.swap_pages
        self.nonlinear: dict[int, list[int]] = {}
        self.batches = Batches(self.page)
        self.advised = False  # MADV_PAGEOUT is at work
        self.stores = False  # accesses write: a write fault leaves the operation's token, not the page's old contents
        self.done = 0
        self.refusals: list[Refusal] = []
        self.imap = design.FILE_INDEX(self.vma)
        self.design = design
        design.attach(self)
        for name in machine.files:
            self.file_named(name)
        for pid, comm in machine.processes:
            CALLS[Spawn](self, Spawn(pid=pid, comm=comm))

    # -- the way in -------------------------------------------------------------------------------

    def apply(self, op: Operation) -> Outcome:
        """Do one operation. A refused call is an Outcome with its errno, never an exception.

        :raises Corruption: an invariant is broken, which is our bug.
        :raises OutOfRoom: the memory allowed is used up; nothing is to be expected of this world any more.
        """
        self.serial += 1
        if not self.serial % OPERATIONS_BETWEEN_ASKING:
            ROOM.ask()
        self.done = 0
        self.refusals = []
        before = dict(self.counters)
        error: KernelError | None = None
        try:
            if getattr(op, "refused", False):
                refuse_as_recorded(self, op)  # type: ignore[arg-type]
            CALLS[type(op)](self, op)
        except KernelError as refused:
            error = refused
        self._count_vmas(op)
        deltas, refusals = self.counters.since(before), tuple(self.refusals[:REFUSALS_KEPT])
        if error is None:
            return Outcome(done=self.done, deltas=deltas, refusals=refusals)
        return Outcome(
            error=error.errno, rule=error.rule, field=error.field, done=self.done, deltas=deltas, refusals=refusals
        )

    def _count_vmas(self, op: Operation) -> None:
        # the operation changed the mm of its task and of the child it made, or ended them
        for pid in (getattr(op, "pid", 0), getattr(op, "child", 0)):
            task = self.tasks.get(pid) if pid else None
            mm = self.mms.get(task.mm) if task is not None else None
            if mm is not None:
                self.map_counts.tell(mm.id, mm.order.count)

    def refuse_merge(self, refusal: Refusal) -> None:
        """Note that two touching vmas stay two."""
        self.counters["merges_refused"] += 1
        if len(self.refusals) < REFUSALS_KEPT:
            self.refusals.append(refusal)

    # -- finding things ---------------------------------------------------------------------------

    def task(self, pid: int, field: str = "pid") -> Task:
        """The task with that pid. :raises KernelError: ESRCH."""
        task = self.tasks.get(pid)
        if task is None or task.zombie:
            raise KernelError("ESRCH", f"there is no process {pid}", field)
        return task

    def mm_of(self, pid: int) -> Mm:
        """The mm of a task. :raises KernelError: ESRCH."""
        return self.mms[self.task(pid).mm]

    def vma_at(self, mm: Mm, vpn: int) -> int:
        """The vma that holds page number ``vpn``, -1."""
        row = mm.order.last(vpn)
        return row if row >= 0 and vpn < self.vma.end.item(row) else -1

    def vmas_in(self, mm: Mm, start: int, end: int) -> list[int]:
        """The vmas that overlap [start, end), in address order; an empty span overlaps none."""
        if end <= start:
            return []
        inside = mm.order.between(start, end)
        if not inside or self.vma.start.item(inside[0]) != start:
            before = mm.order.last(start)
            if before >= 0 and self.vma.end.item(before) > start:
                inside.insert(0, before)
        return inside

    def around(self, mm: Mm, start: int, end: int) -> tuple[int, int]:
        """The last vma that ends at or before ``start`` and the first that starts at or after ``end`` (-1: none)."""
        return mm.order.last(start - 1) if start else -1, mm.order.next(end)

    def file_named(self, name: str, shmem: bool = False) -> File:
        """The file of that name, made where it is new."""
        if name not in self.file_ids:
            number = len(self.files)
            size = self.machine.files.get(name)
            self.files.append(File(number, name, Tables(number), size, shmem, filled=size))
            self.file_ids[name] = number
        return self.files[self.file_ids[name]]

    def label_id(self, label: str) -> int:
        """Number of a label ([heap], [stack]), -1 for none."""
        if not label:
            return -1
        number = self.label_ids.setdefault(label, len(self.labels))
        if number == len(self.labels):
            self.labels.append(label)
        return number

    def processes(self) -> list[Task]:
        """The leaders of the processes alive, in order of creation (threads are left out)."""
        return [task for task in self.tasks.values() if task.leader == task.pid]

    # -- walks ------------------------------------------------------------------------------------

    def proposals(self, pages: Ints) -> list[tuple[Ints, Propose]]:
        """Whom to ask for the walks of which of the pages: those of anonymous ones, then those of files."""
        anon = (self.page.state[pages] & ANON) != 0
        both = (pages[anon], self.design.anon_candidates), (pages[~anon], self.design.file_candidates)
        return [(mine, propose) for mine, propose in both if len(mine)]

    def candidates(self, pages: Ints) -> list[Walk]:
        """The design's walks for pages, listed in full: one for the anonymous, one for those of files.

        :raises TooLong: for several pages with too many candidates to list; ``priced_walks`` has no such limit.
        """
        return [propose(mine) for mine, propose in self.proposals(pages)]

    def file_candidates(self, pages: Ints) -> Walk:
        """rmap_walk_file: every vma of the file whose span covers the index, in the order of its index.

        Of nonlinear vmas, which no index orders, every pte is a candidate (try_to_unmap_file's sweep, 2.6).
        """
        both = np.stack([self.page.mapping[pages], self.page.index[pages]])
        keys, group = np.unique(both, axis=1, return_inverse=True)
        groups: list[tuple[Ints, ...]] = []
        for file in np.unique(keys[0]).tolist():
            indexes = keys[1][keys[0] == file]
            bound(len(indexes) * self._swept(file), len(indexes))
            sweep = self._sweep(file)
            for index, stab in zip(indexes.tolist(), self.imap.stab(file, indexes), strict=True):
                vpn = self.vma.start[stab.vmas] + index - self.vma.pgoff[stab.vmas]
                groups.append(_with_sweep((stab.vmas, vpn, stab.nodes, stab.rejects), stab, sweep))
        vma, vpn, nodes, rejects, totals = (np.concatenate(part) for part in zip(*groups, strict=True))
        counts = [len(part[0]) for part in groups]
        return Walk(
            pages=pages, group=group.reshape(-1), start=np.zeros(len(pages), np.int64),
            first=np.cumsum([0, *counts]), mm=self.vma.mm[vma], vma=vma, vpn=vpn, nodes=nodes, rejects=rejects,
            total_nodes=totals[::2], total_rejects=totals[1::2],
        )  # fmt: skip

    def _swept(self, file: int) -> int:
        # ptes of the file's nonlinear vmas
        return sum(int(self.vma.end[row] - self.vma.start[row]) for row in self.nonlinear.get(file, []))

    def _sweep(self, file: int) -> tuple[Ints, Ints, Ints]:
        # (vma, page number, vmas seen so far) of every pte of the file's nonlinear vmas
        rows = np.array(self.nonlinear.get(file, []), np.int64)
        lengths = self.vma.end[rows] - self.vma.start[rows]
        vpns = ranges(self.vma.start[rows], self.vma.end[rows])
        return np.repeat(rows, lengths), vpns, np.repeat(np.arange(1, len(rows) + 1), lengths)

    def anonymous_pages(self) -> Ints:
        """Resident anonymous pages that are mapped."""
        rows = self.page.live()
        mapped: Ints = rows[((self.page.state[rows] & ANON) != 0) & (self.page.mapcount[rows] > 0)]
        return mapped

    def probe(self) -> Probe:
        """What try_to_unmap of every resident anonymous page would cost now. Changes nothing."""
        work = self.probing()
        while True:
            try:
                next(work)
            except StopIteration as ended:
                return ended.value  # type: ignore[no-any-return]

    def probing(self) -> Generator[None, None, Probe]:
        """The probe, PROBED_AT_ONCE pages at each step: each page has a walk of its own, so the parts add up."""
        pages = self.anonymous_pages()
        sums = np.zeros(4, np.int64)
        for start in range(0, len(pages), PROBED_AT_ONCE):
            if start:
                yield
            priced = price_all(self, pages[start : start + PROBED_AT_ONCE], self.design.anon_candidates)
            sums += [part.sum() for part in (priced.nodes, priced.probes, priced.hits, priced.missed)]
        nodes, ptes, hits, missed = sums.tolist()
        return Probe(pages=len(pages), nodes=nodes, ptes=ptes, hits=hits, missed=missed)

    def mappers(self, page: int) -> tuple[Ints, Ints]:
        """(mms, page numbers) of every pte that maps the page: the truth, read from all page tables."""
        rows = self.pt.live()
        entries = self.pt.entries[rows]
        wanted = (entries >> radix.ENTRY_SHIFT == page) & ((entries & (radix.PRESENT | radix.PROTNONE)) != 0)
        wanted &= (entries & radix.ZERO) == 0
        at, column = np.nonzero(wanted)
        return self.pt.owner[rows[at]], self.pt.base[rows[at]] + column

    # -- accounting -------------------------------------------------------------------------------

    def footprint(self) -> tuple[Footprint, ...]:
        """The design's objects by kind."""
        return self.design.footprint()

    def footprint_bytes(self) -> int:
        """Bytes of rmap metadata."""
        return sum(row.bytes for row in self.design.footprint())

    def footprint_objects(self) -> int:
        """Number of rmap objects."""
        return sum(row.objects for row in self.design.footprint())

    # -- copies -----------------------------------------------------------------------------------

    def copy(self) -> World:
        """An independent copy: a checkpoint."""
        other = object.__new__(World)
        vars(other).update(vars(self))
        for name in ("vma", "page", "swap", "pt", "cache", "counters"):
            setattr(other, name, getattr(self, name).copy())
        other.tasks = {
            pid: Task(t.pid, t.ppid, t.leader, t.mm, t.comm, t.birth, t.zombie) for pid, t in self.tasks.items()
        }
        other.mms = {number: mm.copy() for number, mm in self.mms.items()}
        other.files = [file.copy() for file in self.files]
        other.file_ids, other.labels = self.file_ids.copy(), self.labels.copy()
        other.label_ids = self.label_ids.copy()
        other.map_counts = self.map_counts.copy()
        other.refusals, other.parents = list(self.refusals), self.parents.copy()
        other.batches = self.batches.copy(other.page)
        other.nonlinear = {file: rows.copy() for file, rows in self.nonlinear.items()}
        other.imap = self.imap.copy(other.vma)
        other.design = self.design.copy(other)
        return other

    def cost_bytes(self) -> int:
        """Memory of a checkpoint."""
        tables = sum(getattr(self, name).cost_bytes() for name in ("vma", "page", "swap", "pt", "cache"))
        lists = sum(16 * mm.order.count + 64 * len(mm.tables.rows) for mm in self.mms.values())
        own: int = sum(v.cost_bytes() for v in vars(self.design).values() if hasattr(v, "cost_bytes") and v is not self)
        return int(tables + lists + own)

    def digest(self) -> str:
        """Hash of the whole state, ids included: equal after equal operations, on any machine."""
        h = hashlib.blake2b(digest_size=16)
        for table in (self.vma, self.page, self.swap, self.pt, self.cache):
            for part in table.digest_parts():
                h.update(part)
        h.update(self.pt.entries[self.pt.live()].tobytes())
        h.update(self.cache.entries[self.cache.live()].tobytes())
        for task in self.tasks.values():
            h.update(repr((task.pid, task.ppid, task.leader, task.mm, task.comm)).encode())
        for mm in self.mms.values():
            h.update(
                repr((mm.id, mm.users, mm.rss, mm.merge_any, mm.brk_start, mm.brk_end, mm.starts, mm.vmas)).encode()
            )
        for file in self.files:
            state = (
                file.name,
                file.size,
                file.filled,
                sorted(file.holes),
                file.punched.ranges(),
                sorted(file.saved.items()),
            )
            h.update(repr(state).encode())
        h.update(
            repr(
                (
                    sorted(self.counters.items()),
                    self.swap_pages,
                )
            ).encode()
        )
        h.update(self.batches.digest_part())
        for part in self.design.digest_parts():
            h.update(part)
        return h.hexdigest()


def _with_sweep(linear: tuple[Ints, Ints, Ints, Ints], stab: Stab, sweep: tuple[Ints, Ints, Ints]) -> tuple[Ints, ...]:
    # a group's columns (vma, vpn, nodes, rejects) and its two totals, the sweep of nonlinear vmas behind the index
    vmas, vpns, seen = sweep
    if not len(vmas):
        return (*linear, np.array([stab.total, stab.total_rejects], np.int64))
    behind = (vmas, vpns, stab.total + seen, np.full(len(vmas), stab.total_rejects, np.int64))
    columns = tuple(np.concatenate(pair) for pair in zip(linear, behind, strict=True))
    return (*columns, np.array([stab.total + int(seen[-1]), stab.total_rejects], np.int64))
