"""A workload of any size as a session: a job, so that the window answers meanwhile and it can be cancelled."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from rmapexplorer.core.operations import Operation
from rmapexplorer.engine.stage import Stage
from rmapexplorer.formats.session import Session
from rmapexplorer.workloads.workload import MOST_OPERATIONS, Values, Workload


@define(eq=False)
class MakeWorkload:
    """Writes the operations down one after the other; ``result`` is the session, or a sentence where it is too long."""

    number: int
    workload: Workload
    values: Values
    done: int = 0
    result: Session | str | None = None
    quiet: bool = False
    shows: bool = False
    total: int = 0
    """Unknown before it is done."""
    _left: Iterator[Operation] = field(init=False)
    _made: list[Operation] = field(factory=list, init=False)

    @property
    def title(self) -> str:
        """What is being made."""
        return f"Making {self.workload.number}"

    def start(self, stage: Stage) -> None:
        """Nothing is made yet."""
        self._left = self.workload.operations(self.values)

    def step(self, stage: Stage) -> bool:
        """One operation more."""
        op = next(self._left, None)
        if op is None:
            self.result = self.workload.session_of(self.values, tuple(self._made))
            return False
        self._made.append(op)
        self.done += 1
        if self.done > MOST_OPERATIONS:
            text = f"{self.workload.number} of that size has more than {MOST_OPERATIONS:,} operations; choose smaller numbers."
            self.result = text
            return False
        return True

    def stop(self, stage: Stage) -> bool:
        """Cancelled: what was made is dropped."""
        self._made.clear()
        return False
