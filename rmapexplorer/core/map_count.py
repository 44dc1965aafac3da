"""vm.max_map_count: how many vmas a process may have, and where the kernel asks. mm->map_count in mm/ of 6.18.

mmap and brk look before anything else and let a process come to one more than the limit; a split stops at the limit;
a move stays four below it, and one to a given place six.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from attrs import define, field

from rmapexplorer.core.operations import Madvise, Mlock, Mprotect, Mseal, Munlock, Munmap, Refusable
from rmapexplorer.core.units import KernelError

if TYPE_CHECKING:
    from rmapexplorer.core.objects import Mm
    from rmapexplorer.core.world import World

MOVE_SPARE = 3
"""move_vma stops this many vmas below the limit: the unmapping behind it may split one vma into three."""

TARGET_SPARE = 2
"""mremap_to counts so many more in advance: source and target may each be split."""


def reached(w: World, mm: Mm) -> KernelError:
    """The refusal."""
    return KernelError("ENOMEM", f"vm.max_map_count ({w.machine.max_map_count:,}) reached: {mm.order.count:,} vmas")


def refuse_new(w: World, mm: Mm) -> None:
    """do_mmap, do_brk_flags: more than the limit already, even where the new memory would merge. :raises KernelError: ENOMEM."""
    limit = w.machine.max_map_count
    if limit is not None and mm.order.count > limit:
        raise reached(w, mm)


def refuse_split(w: World, mm: Mm) -> None:
    """split_vma: the limit. :raises KernelError: ENOMEM."""
    limit = w.machine.max_map_count
    if limit is not None and mm.order.count >= limit:
        raise reached(w, mm)


def refuse_hole(w: World, mm: Mm, start: int, end: int) -> None:
    """vms_gather_munmap_vmas: a hole inside one vma makes one vma more; other unmapping may pass the limit for a moment.

    :raises KernelError: ENOMEM
    """
    if w.machine.max_map_count is None or not w.rules.munmap_passes_limit:
        return
    row = w.vma_at(mm, start)
    if row >= 0 and w.vma.start[row] < start and end < w.vma.end[row]:
        refuse_split(w, mm)


def refuse_move(w: World, mm: Mm, ahead: int = 0) -> None:
    """move_vma, and mremap_to with ``ahead`` vmas counted in advance. :raises KernelError: ENOMEM."""
    limit = w.machine.max_map_count
    if limit is not None and mm.order.count + ahead >= limit - MOVE_SPARE:
        raise reached(w, mm)


def refuse_as_recorded(w: World, op: Refusable) -> None:
    """A call that the recorded kernel refused: refused here too, whatever the worlds know.

    Calls that split vmas and find the limit, or a hole, here as well are left to find it: what they do before that stays done.

    :raises KernelError: ENOMEM; EAGAIN of madvise
    """
    mm, limit = w.mm_of(op.pid), w.machine.max_map_count
    if isinstance(op, _SPLITTING) and (_at_limit(mm, limit) or _hole(w, mm, op.span.start, op.span.end)):
        return
    errno = "EAGAIN" if isinstance(op, Madvise) else "ENOMEM"
    known = f"{mm.order.count:,} vmas are known here"
    if limit is None:
        raise KernelError(errno, f"the recorded kernel refused it; {known}")
    if _at_limit(mm, limit):
        raise KernelError(errno, reached(w, mm).rule)
    why = f"vm.max_map_count ({limit:,}) reached"
    if not isinstance(op, _ONLY_VMAS):
        why = f"the recorded kernel had no memory for it, or {why}"
    raise KernelError(errno, f"{why}: {known}, the recorded process may have had more")


_SPLITTING = (Mprotect, Madvise, Mlock, Munlock, Mseal, Munmap)
"""Calls that cut vmas where they are told to, and nothing else before."""

_ONLY_VMAS = (Mprotect, Madvise, Munlock, Mseal, Munmap)
"""Calls that hardly any other limit refuses so."""


def _at_limit(mm: Mm, limit: int | None) -> bool:
    # the first of two splits may still succeed
    return limit is not None and mm.order.count >= limit - 1


def _hole(w: World, mm: Mm, start: int, end: int) -> bool:
    at = start
    for row in w.vmas_in(mm, start, end):
        if w.vma.start.item(row) > at:
            return True
        at = w.vma.end.item(row)
    return at < end


@define
class MapCounts:
    """How many vmas each mm has, and so the most that any has, kept up to date by what an operation changed."""

    counts: dict[int, int] = field(factory=dict)
    """By mm."""
    _order: list[int] = field(factory=list)
    # all counts, ascending

    @property
    def most(self) -> int:
        """Vmas of the mm that has most; 0 where there is none."""
        return self._order[-1] if self._order else 0

    def tell(self, mm: int, count: int) -> None:
        """The mm has so many vmas."""
        if self.counts.get(mm) != count:
            self.drop(mm)
            self.counts[mm] = count
            insort(self._order, count)

    def drop(self, mm: int) -> None:
        """The mm is gone."""
        before = self.counts.pop(mm, None)
        if before is not None:
            del self._order[bisect_left(self._order, before)]

    def copy(self) -> MapCounts:
        """An independent copy."""
        return MapCounts(self.counts.copy(), self._order.copy())
