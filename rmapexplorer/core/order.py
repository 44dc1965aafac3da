"""The vmas of one mm by the page they start at, in blocks: one more in front of 30,000 moves a thousand and not all.

What mm->mm_mt (a maple tree, since 6.1) and the rbtree before it are for; only the order is simulated.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import chain

from attrs import define, field

FULL = 2048
"""Vmas of a block at most; one that is full becomes two."""


def _one_block() -> list[tuple[list[int], list[int]]]:
    return [([], [])]


@define
class Order:
    """Vmas in address order.

    ``blocks`` are pairs of lists (starts, rows) in step, never empty but the only one. ``bounds`` has a number for each
    block but the first: what starts there or above is in it or a later one.
    """

    blocks: list[tuple[list[int], list[int]]] = field(factory=_one_block)
    bounds: list[int] = field(factory=list)
    count: int = 0
    """Vmas in all."""

    @classmethod
    def of(cls, starts: Sequence[int], rows: Sequence[int]) -> Order:
        """The order of ``rows``, which ascend by ``starts``, all different."""
        step = FULL // 2
        blocks = [
            (list(starts[at : at + step]), list(rows[at : at + step])) for at in range(0, len(rows), step)
        ] or _one_block()
        return cls(blocks, [block[0][0] for block in blocks[1:]], len(rows))

    def starts(self) -> list[int]:
        """Where each vma starts, in order. Not to be changed."""
        return self.blocks[0][0] if not self.bounds else list(chain.from_iterable(block[0] for block in self.blocks))

    def rows(self) -> list[int]:
        """All vmas, in order. Not to be changed."""
        return self.blocks[0][1] if not self.bounds else list(chain.from_iterable(block[1] for block in self.blocks))

    def descending(self) -> Iterator[int]:
        """All vmas from the highest down."""
        return (row for _, rows in reversed(self.blocks) for row in reversed(rows))

    def last(self, vpn: int) -> int:
        """The last vma that starts at or before ``vpn``, -1."""
        which = bisect_right(self.bounds, vpn)
        starts, rows = self.blocks[which]
        at = bisect_right(starts, vpn)
        if at:
            return rows[at - 1]
        return self.blocks[which - 1][1][-1] if which else -1

    def next(self, vpn: int) -> int:
        """The first vma that starts at or behind ``vpn``, -1."""
        which = bisect_left(self.bounds, vpn)
        starts, rows = self.blocks[which]
        at = bisect_left(starts, vpn)
        if at < len(rows):
            return rows[at]
        return self.blocks[which + 1][1][0] if which + 1 < len(self.blocks) else -1

    def between(self, start: int, end: int) -> list[int]:
        """The vmas that start in [start, end), in order."""
        first, last = bisect_left(self.bounds, start), bisect_left(self.bounds, end)
        starts, rows = self.blocks[first]
        if first == last:
            return rows[bisect_left(starts, start) : bisect_left(starts, end)]
        out = rows[bisect_left(starts, start) :]
        for _, rows in self.blocks[first + 1 : last]:
            out += rows
        starts, rows = self.blocks[last]
        return out + rows[: bisect_left(starts, end)]

    def put(self, row: int, start: int) -> None:
        """Enter a vma, behind those that start there."""
        which = bisect_right(self.bounds, start)
        starts, rows = self.blocks[which]
        at = bisect_right(starts, start)
        starts[at:at] = (start,)  # moves what lies behind at once, list.insert one by one
        rows[at:at] = (row,)
        self.count += 1
        if len(rows) > FULL:
            self._halve(which)

    def _halve(self, which: int) -> None:
        starts, rows = self.blocks[which]
        at = bisect_left(starts, starts[len(starts) // 2])  # what starts alike stays together
        if at:
            self.blocks[which : which + 1] = [(starts[:at], rows[:at]), (starts[at:], rows[at:])]
            self.bounds[which:which] = (starts[at],)

    def drop(self, row: int, start: int) -> None:
        """Take a vma out; ``start`` is where it was entered."""
        which = bisect_right(self.bounds, start)
        starts, rows = self.blocks[which]
        at = bisect_right(starts, start) - 1
        while rows[at] != row:
            at -= 1
        del starts[at], rows[at]
        self.count -= 1
        if not rows and self.bounds:
            del self.blocks[which], self.bounds[max(which - 1, 0)]

    def move(self, row: int, start: int, new: int) -> None:
        """The vma that was entered at ``start`` starts at ``new`` now, between the same neighbours as before."""
        which = bisect_right(self.bounds, start)
        if which == bisect_right(self.bounds, new):
            starts, _ = self.blocks[which]
            starts[bisect_right(starts, start) - 1] = new
        else:
            self.drop(row, start)
            self.put(row, new)

    def clear(self) -> None:
        """Take all out."""
        self.blocks, self.bounds, self.count = _one_block(), [], 0

    def copy(self) -> Order:
        """An independent copy."""
        return Order([(starts.copy(), rows.copy()) for starts, rows in self.blocks], self.bounds.copy(), self.count)
