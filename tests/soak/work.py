"""What a trial does to a session: operations that nobody else makes, so that each of them can be found again."""

from __future__ import annotations

import random
from collections.abc import Sequence

from rmapexplorer.core.operations import Mmap, Operation, Spawn, Touch
from rmapexplorer.core.units import Span

STEP = 64
"""Pages between two mappings, so that none merge."""


class Maker:
    """Numbered operations: number n maps, or writes to, the span that starts at page STEP * n."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.made: list[Operation] = []

    def some(self, count: int) -> list[Operation]:
        """So many more."""
        new: list[Operation] = []
        for number in range(len(self.made), len(self.made) + count):
            if number % 5 == 4:
                new.append(Touch(pid=1, runs=((STEP * (number - 1) + 16, STEP * (number - 1) + 17, "w"),)))
            else:
                new.append(Mmap(pid=1, span=Span(STEP * number + 16, STEP * number + 20)))
        self.made += new
        return new


FIRST = Spawn(pid=1, comm="init")


def missing(made: Sequence[Operation], found: Sequence[Operation]) -> list[Operation]:
    """The operations made that are not among those found."""
    there = set(found)
    return [op for op in made if op not in there]
