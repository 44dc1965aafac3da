"""Traces of random calls, for claims about what usually happens. A seed gives the same calls on any machine."""

from __future__ import annotations

import random

from rmapexplorer.claims.scene import Scene, span
from rmapexplorer.core.units import Span


class RandomCalls:
    """Random calls of one process on a small room of its own; all succeed where merging depends on flags alone."""

    def __init__(self, scene: Scene, pid: int, room: Span, seed: int) -> None:
        self.s = scene
        self.pid = pid
        self.room = room
        self.random = random.Random(seed)
        self.prot: dict[int, str] = {}

    def _somewhere(self, longest: int) -> Span:
        pages = self.random.randint(1, longest)
        return span(self.random.randint(self.room.start, self.room.end - pages), pages)

    def _mapped(self, longest: int) -> Span | None:
        # a run of mapped pages of equal access, which one vma holds
        if not self.prot:
            return None
        start = self.random.choice(sorted(self.prot))
        end = start + 1
        while end - start < longest and self.prot.get(end) == self.prot[start]:
            end += 1
        return Span(start, end)

    def map(self) -> None:
        """mmap of up to 16 pages."""
        where = self._somewhere(16)
        self.s.map(self.pid, where)
        self.prot.update(dict.fromkeys(where, "rw"))

    def unmap(self) -> None:
        """munmap of up to 8 pages, holes included."""
        where = self._somewhere(8)
        self.s.unmap(self.pid, where)
        for page in where:
            self.prot.pop(page, None)

    def protect(self) -> None:
        """mprotect of part of a vma."""
        where = self._mapped(8)
        if where is not None:
            prot = self.random.choice(("r", "rw", "rw"))
            self.s.protect(self.pid, where, prot)
            self.prot.update(dict.fromkeys(where, prot))

    def write(self) -> None:
        """Writes to part of a vma, where it may be written."""
        where = self._mapped(8)
        if where is not None and self.prot[where.start] == "rw":
            self.s.write(self.pid, where)

    def move(self) -> None:
        """mremap of part of a vma to another place of the room."""
        where = self._mapped(6)
        to = None if where is None else self.random.randint(self.room.start, self.room.end - where.pages)
        if where is None or to is None or where.overlaps(where.moved(to)):
            return
        prot = self.prot[where.start]
        self.s.move(self.pid, where, to)
        for page in where:
            self.prot.pop(page, None)
        self.prot.update(dict.fromkeys(where.moved(to), prot))

    def go(self, turns: int, moving: bool) -> None:
        """So many calls, mremap among them or not."""
        calls = (self.map, self.map, self.unmap, self.protect, self.write, self.write)
        for _ in range(turns):
            self.random.choice((*calls, self.move) if moving else calls)()
