"""The few things that are objects, not rows: tasks, mms and files. There are thousands of them at most."""

from __future__ import annotations

from attrs import define, field

from rmapexplorer.core.intervals import Intervals
from rmapexplorer.core.order import Order
from rmapexplorer.core.radix import Tables


@define
class Task:
    """task_struct: ``leader`` is the pid of its process (a thread has another's), ``mm`` an id."""

    pid: int
    ppid: int
    leader: int
    mm: int
    comm: str
    birth: int
    zombie: bool = False
    """The leader has exited, threads of it have not."""


@define
class Mm:
    """mm_struct: its vmas in address order, its page tables, users (tasks)."""

    id: int
    tables: Tables
    users: int = 1
    rss: int = 0
    """Present ptes of pages (the zero page not counted)."""
    merge_any: bool = False
    """MMF_VM_MERGE_ANY: new private mappings are VM_MERGEABLE."""
    brk_start: int | None = None
    brk_end: int = 0
    order: Order = field(factory=Order)
    unmaps: int = 0
    """How often pages were given up: as long as it stays, holes only become smaller."""
    searched: tuple[tuple[tuple[int, int, int], ...], dict[int, int]] = field(factory=lambda: ((), {}))
    """What the last searches for holes found (core.holes)."""

    @property
    def starts(self) -> list[int]:
        """Where each of ``vmas`` starts. Both are for looking at all of them, and not to be changed."""
        return self.order.starts()

    @property
    def vmas(self) -> list[int]:
        """All vmas in address order."""
        return self.order.rows()

    def drop(self, row: int, start: int) -> None:
        """Take a vma out; ``start`` is where it was entered."""
        self.unmaps += 1
        self.order.drop(row, start)

    def copy(self) -> Mm:
        """An independent copy."""
        return Mm(
            id=self.id, tables=Tables(self.tables.owner, self.tables.rows.copy()), users=self.users, rss=self.rss,
            merge_any=self.merge_any,
            brk_start=self.brk_start, brk_end=self.brk_end, order=self.order.copy(),
            unmaps=self.unmaps, searched=(self.searched[0], self.searched[1].copy()),
        )  # fmt: skip


@define
class File:
    """address_space of a file, or of shared anonymous memory (``shmem``); ``size`` in pages, None: never ends."""

    id: int
    name: str
    cache: Tables
    size: int | None = None
    shmem: bool = False
    """Pages come into being when touched, and go to swap; a file's are all in the page cache."""
    users: int = 0
    """Vmas that map it."""
    filled: int | None = None
    """Pages below this one are in the page cache from the start (None: all), but for those in ``holes``."""
    holes: set[int] = field(factory=set)
    """Pages dropped from the cache: they come back when touched, not by fault-around."""
    punched: Intervals = field(factory=Intervals)
    """Pages that were punched out: they come back as those of ``holes`` do."""
    saved: dict[int, int] = field(factory=dict)
    """Contents of written pages that were dropped: page -> token."""

    def in_cache_at_first(self, index: int) -> bool:
        """The page is taken to be cached although nobody touched it yet."""
        return index not in self.holes and self.original(index)

    def original(self, index: int) -> bool:
        """The page, cached or dropped since, is from before the processes: nobody cut it off or punched it out."""
        if self.shmem or (self.filled is not None and index >= self.filled):
            return False
        return index not in self.punched

    def copy(self) -> File:
        """An independent copy."""
        return File(
            self.id, self.name, Tables(self.cache.owner, self.cache.rows.copy()), self.size, self.shmem, self.users,
            self.filled, self.holes.copy(), self.punched.copy(), self.saved.copy(),
        )  # fmt: skip
