"""At which positions of a log the probe is made: chosen by the log alone, so that equal logs have equal curves.

A probe looks at every resident anonymous page under a design, which is too dear for each of a million positions. The
positions are those that a power of two divides, and the last; while the log grows the power only grows, so that what
was probed stays of use.
"""

from __future__ import annotations

import numpy as np
from attrs import frozen

from rmapexplorer.engine.timeline import Timeline

MOST = 256
"""Positions at most, besides the last."""
ALWAYS = 64
"""A log of so many operations has a probe everywhere, and a longer one at no fewer than half as many positions."""
PAGES = 8_000_000
"""Pages written before each of these positions, in sum, above which there are fewer positions: some seconds a design."""


@frozen
class Grid:
    """Positions 0, stride, 2 stride ... of a path with ``last`` operations, and ``last``."""

    stride: int
    last: int

    def __contains__(self, position: object) -> bool:
        return isinstance(position, int) and 0 <= position <= self.last and (
            position % self.stride == 0 or position == self.last
        )  # fmt: skip

    def positions(self) -> list[int]:
        """All of them, in order."""
        found = list(range(0, self.last + 1, self.stride))
        return found if found[-1] == self.last else [*found, self.last]

    def without(self, start: int, stop: int) -> np.ndarray:
        """Which of the positions ``start`` .. ``stop - 1`` have no probe."""
        positions = np.arange(start, stop)
        off: np.ndarray = (positions % self.stride != 0) & (positions != self.last)
        return off


def grid_of(line: Timeline, last: int) -> Grid:
    """The positions for the first ``last`` operations of the current path."""
    burden = line.burdens[line.node_at(last)] if last else 0
    stride = 1
    while last > MOST * stride or (last > ALWAYS * stride and burden > PAGES * stride):
        stride *= 2
    return Grid(stride, last)
