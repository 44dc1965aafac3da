"""How scenarios are written: calls of processes one after another, and notes at the positions where is measured."""

from __future__ import annotations

from rmapexplorer.core.operations import (
    Brk,
    Exit,
    Fork,
    Mmap,
    Mprotect,
    Mremap,
    Munmap,
    Operation,
    Reclaim,
    Spawn,
    Touch,
)  # fmt: skip
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.formats.session import Note, Session

HEAP = 0x8000
"""Page number at which the first process has its memory."""

ARENA = 0x40000
"""Page number far behind it, to which things are moved."""


PARENT, CHILD = 1, 2
"""Pids: the process that is there from the beginning, and its first child."""


def span(start: int, pages: int) -> Span:
    """``pages`` pages from ``start`` on."""
    return Span(start, start + pages)


class Scene:
    """Collects operations and notes; ``session`` makes a session of them."""

    def __init__(self, title: str, machine: Machine) -> None:
        self.title = title
        self.machine = machine
        self.operations: list[Operation] = []
        self.notes: list[Note] = []

    def add(self, *operations: Operation) -> None:
        """Any operations."""
        self.operations += operations

    def note(self, text: str) -> None:
        """A note here; measures find it by its number, from 0."""
        self.notes.append(Note(len(self.operations), text))

    def spawn(self, pid: int, comm: str = "") -> None:
        """A process with nothing mapped."""
        self.add(Spawn(pid=pid, comm=comm))

    def fork(self, pid: int, *children: int, comm: str = "") -> None:
        """fork() of each child in turn."""
        self.add(*(Fork(pid=pid, child=child, comm=comm) for child in children))

    def exit(self, *pids: int) -> None:
        """Each of them ends."""
        self.add(*(Exit(pid=pid) for pid in pids))

    def map(self, pid: int, where: Span, prot: str = "rw") -> None:
        """Private anonymous memory."""
        self.add(Mmap(pid=pid, span=where, prot=prot))

    def map_file(self, pid: int, where: Span, file: str, offset: int = 0) -> None:
        """A file, shared."""
        self.add(Mmap(pid=pid, span=where, kind="file-shared", file=file, offset=offset))

    def unmap(self, pid: int, where: Span) -> None:
        """munmap()."""
        self.add(Munmap(pid=pid, span=where))

    def brk(self, pid: int, end: int, start: int | None = None) -> None:
        """brk()."""
        self.add(Brk(pid=pid, end=end, start=start))

    def write(self, pid: int, *spans: Span) -> None:
        """A write to every page."""
        self.add(Touch(pid=pid, runs=tuple((s.start, s.end, "w") for s in spans)))

    def read(self, pid: int, *spans: Span) -> None:
        """A read of every page."""
        self.add(Touch(pid=pid, runs=tuple((s.start, s.end, "r") for s in spans)))

    def area(self, pid: int, where: Span) -> None:
        """Memory of its own that is written at once."""
        self.map(pid, where)
        self.write(pid, where)

    def move(self, pid: int, where: Span, to: int) -> Span:
        """mremap() to another place, which is returned."""
        self.add(Mremap(pid=pid, span=where, new_pages=where.pages, to=to))
        return where.moved(to)

    def protect(self, pid: int, where: Span, prot: str) -> None:
        """mprotect()."""
        self.add(Mprotect(pid=pid, span=where, prot=prot))

    def reclaim(self) -> None:
        """Everything that can go goes."""
        self.add(Reclaim())

    def session(self) -> Session:
        """The session, at its end; designs and view are the claim's."""
        return Session(
            title=self.title, machine=self.machine, operations=tuple(self.operations), notes=tuple(self.notes),
            position=len(self.operations),
        )  # fmt: skip
