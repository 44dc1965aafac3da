"""A set of numbers kept as its maximal ranges: as large as the number of ranges, however often it was added to."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from attrs import define, field


@define
class Intervals:
    """Half-open ranges, ascending, disjoint and never touching; ``starts`` and ``ends`` run in step."""

    starts: list[int] = field(factory=list)
    ends: list[int] = field(factory=list)

    def add(self, first: int, last: int) -> None:
        """Take in [first, last), which joins the ranges that it overlaps or touches."""
        if last <= first:
            return
        low, high = bisect_left(self.ends, first), bisect_right(self.starts, last)
        if low < high:
            first, last = min(first, self.starts[low]), max(last, self.ends[high - 1])
        self.starts[low:high] = [first]
        self.ends[low:high] = [last]

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.starts, number) - 1
        return at >= 0 and number < self.ends[at]

    def __len__(self) -> int:
        return len(self.starts)

    def ranges(self) -> list[tuple[int, int]]:
        """The ranges (first, last), ascending."""
        return list(zip(self.starts, self.ends, strict=True))

    def copy(self) -> Intervals:
        """An independent copy."""
        return Intervals(self.starts.copy(), self.ends.copy())
