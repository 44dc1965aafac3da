"""A scenario in one world, driven by what measures it: on to a note of the session, look at the world, on to the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Refusal
from rmapexplorer.core.world import World
from rmapexplorer.formats.session import Session

Cancelled = Callable[[], bool]
"""Asked now and then: True ends the run."""

OPERATIONS_BETWEEN_ASKING = 16


class Stopped(Exception):
    """The run of a claim was cancelled."""


class Passage:
    """What happened on the way to a note: counters by name, merges refused by rule, calls refused by errno."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()

    def note(self, deltas: dict[str, int], refusals: tuple[Refusal, ...], error: str | None) -> None:
        """Add what one operation did."""
        self.counted.update(deltas)
        self.refusals.update(refusal.rule for refusal in refusals)
        if error is not None:
            self.errors[error] += 1

    def __getitem__(self, counter: str) -> int:
        return self.counted[counter]


class Replay:
    """One world and how far the scenario has gone in it."""

    def __init__(self, session: Session, world: World, told: Callable[[int], None], cancelled: Cancelled) -> None:
        self.session = session
        self.world = world
        self.position = 0
        self._told = told
        self._cancelled = cancelled

    def steps(self, note: int = -1) -> Iterator[tuple[Operation, Passage]]:
        """Operations one by one, until that note of the session (from 0; -1: the end), each already applied.

        :raises Stopped: the run was cancelled.
        """
        end = len(self.session.operations) if note < 0 else self.session.notes[note].position
        while self.position < end:
            if not self.position % OPERATIONS_BETWEEN_ASKING:
                if self._cancelled():
                    raise Stopped
                self._told(self.position)
            op = self.session.operations[self.position]
            outcome = self.world.apply(op)
            self.position += 1
            passage = Passage()
            passage.note(outcome.deltas, outcome.refusals, outcome.error)
            yield op, passage

    def until(self, note: int = -1) -> Passage:
        """On to that note; what was counted on the way. :raises Stopped: the run was cancelled."""
        whole = Passage()
        for _, step in self.steps(note):
            whole.counted.update(step.counted)
            whole.refusals.update(step.refusals)
            whole.errors.update(step.errors)
        return whole
