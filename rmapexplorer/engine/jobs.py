"""Work that may take longer than a slice: each job goes one operation at a time and can stop between any two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from attrs import define, field

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import KernelError, Machine
from rmapexplorer.engine.lanes import Lane, take_apart
from rmapexplorer.engine.lens import Kind, Lens
from rmapexplorer.engine.stage import Stage, advance_lanes
from rmapexplorer.engine.steps import goes_on


class Job(Protocol):
    """A piece of work on the stage."""

    number: int
    title: str
    done: int
    """Operations done, of ``total``."""

    @property
    def total(self) -> int:
        """Operations in all."""
        ...

    @property
    def quiet(self) -> bool:
        """True where it is normally too short for a progress bar."""
        ...

    @property
    def shows(self) -> bool:
        """True where the states on the way are worth a frame."""
        ...

    def start(self, stage: Stage) -> None:
        """Called once, before the first step."""
        ...

    def step(self, stage: Stage) -> bool:
        """Do one operation; False where none was left."""
        ...

    def stop(self, stage: Stage) -> bool:
        """Cancelled: leave the stage after a whole number of operations. Called again as long as it says True."""
        ...


@define(eq=False)
class Perform:
    """New operations, one after the other, at the cursor."""

    number: int
    title: str
    operations: Sequence[Operation]
    lens: Lens
    done: int = 0
    last: dict[str, Outcome] = field(factory=dict)
    """Outcome by design of the operation done last."""
    shows: bool = True

    @property
    def total(self) -> int:
        """Operations in all."""
        return len(self.operations)

    @property
    def quiet(self) -> bool:
        """One operation needs no progress bar."""
        return len(self.operations) <= 1

    def start(self, stage: Stage) -> None:
        """Nothing to prepare."""

    def step(self, stage: Stage) -> bool:
        """Resolve what the kernel would choose, then do the next operation. :raises KernelError: it cannot be done at all."""
        if self.done >= len(self.operations):
            return False
        op = self.operations[self.done]
        if self.lens.undecided(op):
            op = self.lens.resolve(op, list(stage.worlds.values()))
        if words := self.lens.problem(op):
            raise KernelError("EINVAL", f"no session could hold this operation {words}")
        self.last = stage.perform(op)
        self.done += 1
        return True

    def stop(self, stage: Stage) -> bool:
        """Every step is whole."""
        return False


RESTS = 40
"""Turns of an engine that has nothing else to do: about a tenth of a second."""


@define(eq=False)
class Seek:
    """To a position of the current path: the nearest copies, then the operations from there."""

    number: int
    target: int = 0
    relative: bool = False
    """``target`` is counted from where the cursor is when the job starts."""
    before: Callable[[Stage], bool] | None = None
    """Done first; False: then stay where the cursor is."""
    title: str = "Going to a position"
    done: int = 0
    running: bool = False
    quiet: bool = True
    leading: bool = True
    """The lane in view goes first and alone, so that a state shows as soon as it can; then the others follow."""
    rests: int = 0
    """Turns to wait before the others follow: who scrubs will soon be elsewhere, and the window paints meanwhile."""
    _first: int = 0
    _way: Iterator[None] | None = None
    _stopping: bool = False

    @property
    def shows(self) -> bool:
        """The lane in view has arrived."""
        return not self.leading

    @property
    def total(self) -> int:
        """Operations in all."""
        return max(0, self.target - self._first)

    def start(self, stage: Stage) -> None:
        """Fix the target and take the nearest copies."""
        if self.before is not None:
            self.target = self.target if self.before(stage) else stage.line.cursor
            self.before = None
        if self.relative:
            self.target, self.relative = stage.line.cursor + self.target, False
        self.target = max(0, min(self.target, stage.line.head))
        self.running, self.leading, self._way = True, True, None
        stage.lead(self.target)
        self._first = stage.line.cursor
        self.done = 0

    def aim(self, stage: Stage, target: int) -> None:
        """A newer wish: forget the old target."""
        self.target, self.relative = target, False
        self.rests = RESTS
        if self.running:
            self.start(stage)

    def waits(self) -> bool:
        """Whether this turn is to pass without a step; there are RESTS of them where a wish followed another."""
        if self.leading or not self.rests:
            return False
        self.rests -= 1
        return True

    def step(self, stage: Stage) -> bool:
        """Redo one operation."""
        self.done += 1
        if self.leading:
            if stage.lead_on(self.target):
                return True
            self.leading = False
            return not stage.aligned
        self._way = self._way or stage.gather(self.target)
        return goes_on(self._way)

    def stop(self, stage: Stage) -> bool:
        """Stay where the replay came to; the designs that did not come as far follow, one operation at a time."""
        if not self._stopping or self._way is None:
            self._stopping, self._way = True, stage.align()
        return goes_on(self._way)


@define(eq=False)
class Load:
    """A session just opened: its operations to the head, then back to the position it was saved at."""

    number: int
    title: str
    position: int
    done: int = 0
    total: int = 0
    quiet: bool = False
    shows: bool = True
    _way: Iterator[None] | None = None
    _stopping: bool = False

    def start(self, stage: Stage) -> None:
        """The whole current path is to be run."""
        self.total = stage.line.head

    def step(self, stage: Stage) -> bool:
        """One operation on; at the head, turn back."""
        if self._way is not None:
            return goes_on(self._way)
        if stage.advance(self.total):
            self.done += 1
            return True
        self.position = max(0, min(self.position, stage.line.head))
        self.shows = False
        self._way = stage.gather(self.position)
        return True

    def stop(self, stage: Stage) -> bool:
        """Stay where it came to: the rest of the log is kept and runs when it is sought."""
        if not self._stopping or self._way is None:
            self._stopping, self._way = True, stage.align()
        return goes_on(self._way)


@define(eq=False)
class Rebuild:
    """Other designs for the same log: new lanes run aside and replace the old set when all is done."""

    number: int
    title: str
    kinds: Sequence[Kind]
    make: Callable[[Kind], Lane]
    done: int = 0
    total: int = 0
    quiet: bool = False
    shows: bool = True
    kept: list[Lane] = field(factory=list)
    """The full new set in order; those of ``fresh`` still have to run."""
    fresh: list[Lane] = field(factory=list)
    machine: Machine | None = None
    """The machine of all of them; another than the present one leaves no lane as it is. None: the present one."""
    _arrived: bool = False

    def start(self, stage: Stage) -> None:
        """The new lanes run the whole current path, for complete curves; those that stay are left alone."""
        have = {lane.kind.key: lane for lane in stage.lanes} if self.machine in (None, stage.machine) else {}
        self.kept = [have.get(kind.key) or self.make(kind) for kind in self.kinds]
        self.fresh = [lane for lane in self.kept if lane.kind.key not in have]
        self.total = stage.line.head if self.fresh else 0

    def step(self, stage: Stage) -> bool:
        """One operation of the new lanes; at the end they join the others at the cursor."""
        if self.done < self.total:
            advance_lanes(stage.line, self.fresh, self.done)
            self.done += 1
            return True
        if not self._arrived:
            for lane in self.fresh:
                lane.approach(stage.line, stage.line.cursor)
            self._arrived = True
        behind = [lane for lane in self.fresh if stage.line.depth(lane.node) < stage.line.cursor]
        if behind:
            at = min(stage.line.depth(lane.node) for lane in behind)
            advance_lanes(stage.line, [lane for lane in behind if stage.line.depth(lane.node) == at], at)
            return True
        for lane in stage.lanes:
            if lane not in self.kept:
                take_apart(lane.world)
        stage.lanes = self.kept
        stage.machine = self.machine or stage.machine
        stage.view = self._view(stage.view)
        return False

    def _view(self, before: str) -> str:
        # the world seen before; where it is gone, the same design with other options; else the first
        keys = [lane.kind.key for lane in self.kept]
        alike = [key for key in keys if key.partition(":")[0] == before.partition(":")[0]]
        return before if before in keys else (alike or keys)[0]

    def stop(self, stage: Stage) -> bool:
        """The old designs stay; the new lanes are dropped."""
        return False
