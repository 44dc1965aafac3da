"""What is mapped where, while a recording is read: so that faults outside of everything can be told from the others.

One Space per mm. It knows spans and permissions, not pages; the worlds do the rest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from attrs import define, evolve, field, frozen

from rmapexplorer.core.operations import Brk, Madvise, Mmap, Mprotect, Mremap, Munmap, Operation
from rmapexplorer.core.units import TASK_SIZE_PAGES, Span

STACK_PAGES = (8 << 20) >> 12
"""How far below its end a stack may grow (RLIMIT_STACK of 8 MiB, the usual one)."""


@frozen
class Area:
    """A span of pages [start, end) with one set of attributes; ``offset`` is the file page at ``start``."""

    start: int
    end: int
    prot: str
    kind: str = "anon"
    file: str = ""
    offset: int = 0
    grows: bool = False
    special: bool = False
    huge: bool = False
    dontfork: bool = False

    def part(self, start: int, end: int) -> Area:
        """The pages of it in [start, end)."""
        if start == self.start and end == self.end:
            return self
        offset = self.offset + start - self.start
        return Area(
            start, end, self.prot, self.kind, self.file, offset, self.grows, self.special, self.huge, self.dontfork
        )


@define(eq=False)
class Space:
    """The areas of one mm by address.

    :param brk_start: page number where the heap begins, None until the recording says so.
    :param brk_told: whether an operation has said it. :param brk_end: end of the heap in pages.
    :param lock_future: mlockall(MCL_FUTURE) holds. :param segment: the last mapping that exec made, where it was a file's.
    """

    starts: list[int] = field(factory=list)
    areas: list[Area] = field(factory=list)
    brk_start: int | None = None
    brk_end: int = 0
    brk_told: bool = False
    lock_future: bool = False
    segment: Mmap | None = None

    def forked(self) -> Space:
        """The child's copy."""
        kept = [area for area in self.areas if not area.dontfork]
        return Space([a.start for a in kept], kept, self.brk_start, self.brk_end, self.brk_told)

    def at(self, vpn: int) -> Area | None:
        """The area that has page ``vpn``."""
        index = bisect_right(self.starts, vpn) - 1
        area = self.areas[index] if index >= 0 else None
        return area if area is not None and vpn < area.end else None

    def within(self, start: int, end: int) -> list[Area]:
        """The areas that share a page with [start, end), cut to it."""
        low = max(bisect_right(self.starts, start) - 1, 0)
        high = bisect_left(self.starts, end)
        return [a.part(max(a.start, start), min(a.end, end)) for a in self.areas[low:high] if a.end > start]

    def grow(self, vpn: int, limit: int = STACK_PAGES) -> Area | None:
        """The stack above ``vpn``, grown down to it; None where there is none near enough."""
        index = bisect_right(self.starts, vpn)
        if index >= len(self.areas) or not self.areas[index].grows or self.areas[index].end - vpn > limit:
            return None
        self.areas[index] = evolve(self.areas[index], start=vpn)
        self.starts[index] = vpn
        return self.areas[index]

    def put(self, area: Area) -> None:
        """Map ``area``, replacing what is there."""
        self.cut(area.start, area.end)
        index = bisect_left(self.starts, area.start)
        self.starts.insert(index, area.start)
        self.areas.insert(index, area)

    def cut(self, start: int, end: int) -> list[Area]:
        """Unmap [start, end); returns what was there."""
        gone = self.within(start, end)
        if not gone:
            return gone
        low = max(bisect_right(self.starts, start) - 1, 0)
        if self.areas[low].end <= start:
            low += 1
        high = bisect_left(self.starts, end)
        first, last = self.areas[low], self.areas[high - 1]
        kept = [first.part(first.start, start)] if first.start < start else []
        if last.end > end:
            kept.append(last.part(end, last.end))
        self.areas[low:high] = kept
        self.starts[low:high] = [a.start for a in kept]
        return gone

    def mark_huge(self, span: Span) -> None:
        """The pages there are huge ones."""
        for area in self.within(span.start, span.end):
            self.put(evolve(area, huge=True))

    def apply(self, op: Operation) -> None:
        """Follow an operation that the kernel has done."""
        if isinstance(op, Mmap):
            grows, special = "growsdown" in op.flags, "special" in op.flags
            self.put(Area(op.span.start, op.span.end, op.prot, op.kind, op.file, op.offset, grows, special))
        elif isinstance(op, Munmap):
            self.cut(op.span.start, op.span.end)
        elif isinstance(op, Mprotect):
            for area in self.within(op.span.start, op.span.end):
                self.put(evolve(area, prot=op.prot))
        elif isinstance(op, Mremap):
            self._mremap(op)
        elif isinstance(op, Brk):
            self._brk(op)
        elif isinstance(op, Madvise) and op.advice in ("dontfork", "dofork"):
            for area in self.within(op.span.start, op.span.end):
                self.put(evolve(area, dontfork=op.advice == "dontfork"))

    def _mremap(self, op: Mremap) -> None:
        old = op.span
        if len(old) > op.new_pages:
            self.cut(old.start + op.new_pages, old.end)
        kept = min(len(old), op.new_pages)
        moved = self.within(old.start, old.start + kept)
        if op.to is not None:
            if not op.dontunmap:
                self.cut(old.start, old.end)
            self.cut(op.to, op.to + op.new_pages)
            for area in moved:
                shift = op.to - old.start
                self.put(evolve(area, start=area.start + shift, end=area.end + shift))
        if moved and op.new_pages > kept:
            start = old.start if op.to is None else op.to
            last = moved[-1]
            offset = last.offset + (old.start + kept - last.start)
            self.put(evolve(last, start=start + kept, end=start + op.new_pages, offset=offset))

    def _brk(self, op: Brk) -> None:
        if op.start is not None:
            self.brk_start, self.brk_told = op.start, True
        old = max(self.brk_end, self.brk_start or 0)
        if op.end > old:
            self.put(Area(old, min(op.end, TASK_SIZE_PAGES), "rw"))
        elif op.end < old:
            self.cut(op.end, old)
        self.brk_end = op.end
