"""Running to where a condition holds, forward or back: what is recorded is read, only what never ran is run.

Position k is the state after operation k; a condition about an operation holds at the position after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, frozen

from rmapexplorer.core.metrics import KEYS, PROBED
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.engine.conditions import OPERATORS, Clause, Condition
from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.stage import Stage
from rmapexplorer.engine.steps import goes_on
from rmapexplorer.engine.timeline import ROOT

CHUNK = 400
"""Recorded positions looked at in one step."""

_COUNTED = {"atomic allocation": "atomic_allocs", "atomic failure": "atomic_failures", "pte missed": "missed_ptes"}

Test = Callable[[int], bool]
"""Whether something holds of a node."""


@frozen(kw_only=True)
class Stopped:
    """Where a run came to. ``met`` are the numbers of the conditions that hold there, none at an end of the log."""

    position: int
    start: int
    met: tuple[int, ...] = ()
    designs: tuple[str, ...] = ()
    """For each of ``met`` the first design under which it holds."""


def recorded(stage: Stage, node: int) -> bool:
    """Whether every design has done ``node`` before."""
    return node == ROOT or all(lane.knows(node) for lane in stage.lanes)


def find(stage: Stage, condition: Condition, node: int) -> str | None:
    """The first design under which the condition stops after a node that is recorded; None: it does not stop there."""
    if node == ROOT:
        return None
    for lane in stage.lanes:
        if condition.meant(lane.kind.key) and _all(stage, condition, lane, node):
            before = stage.line.parents[node]
            if condition.lasting and _all(stage, condition, lane, before):
                continue
            return str(lane.kind.key)
    return None


def _all(stage: Stage, condition: Condition, lane: Lane, node: int) -> bool:
    return all(_holds(stage, clause, lane, node) for clause in condition.clauses)


def _holds(stage: Stage, clause: Clause, lane: Lane, node: int) -> bool:
    if clause.kind == "state":
        number = KEYS.index(clause.key)
        if not lane.rows.known(node) or (number in PROBED and stage.line.depth(node) not in stage.grid):
            return False
        return OPERATORS[clause.relation](float(lane.rows.values[node + 1, number]), clause.number)
    op = stage.line.operations[node]
    if clause.kind == "operation":
        return op.name == clause.key
    if clause.kind == "process":
        return getattr(op, "pid", 0) == clause.number
    outcome = lane.outcomes.get(node)
    if outcome is None:
        return False
    if clause.kind == "event":
        return _happened(stage, clause.key, node, outcome)
    deltas = outcome.deltas
    if clause.kind == "average":
        walks = deltas.get("walks", 0)
        return walks > 0 and OPERATORS[clause.relation](deltas.get("list_nodes", 0) / walks, clause.number)
    return OPERATORS[clause.relation](deltas.get(clause.key, 0), clause.number)


def _happened(stage: Stage, event: str, node: int, outcome: Outcome) -> bool:
    if event == "call refused":
        return not outcome.ok
    if event == "merge refused":
        return bool(outcome.refusals) or outcome.deltas.get("merges_refused", 0) > 0
    if event == "designs differ":
        return len({lane.outcomes[node].error for lane in stage.lanes if node in lane.outcomes}) > 1
    return outcome.deltas.get(_COUNTED[event], 0) > 0


@define(eq=False)
class RunUntil:
    """From the cursor to the next position where a condition holds, or the one before; nothing is shown on the way.

    Forward it ends at the last operation where none holds, backward it then stays where it was. ``goes`` False: only
    say where it would stop.
    """

    number: int
    conditions: Sequence[Condition]
    backward: bool = False
    goes: bool = True
    title: str = "Running to a breakpoint"
    done: int = 0
    total: int = 0
    quiet: bool = True
    shows: bool = False
    result: Stopped | None = None
    _at: int = 0
    _start: int = 0
    _target: int | None = None
    _aimed: int = -1
    _way: Iterator[None] | None = None
    _stopping: bool = False

    def start(self, stage: Stage) -> None:
        """From where the cursor is when its turn comes."""
        self._at = self._start = stage.line.cursor
        self.total = self._at if self.backward else stage.line.head - self._at

    def step(self, stage: Stage) -> bool:
        """Look at a few recorded positions, or do one operation; False at the end."""
        if self._target is not None and self._way is not None:
            return goes_on(self._way)
        return self._back(stage) if self.backward else self._on(stage)

    def _on(self, stage: Stage) -> bool:
        line = stage.line
        if not self.conditions and all(recorded(stage, node) for node in line.path[-1:]):
            self._at = line.head
        for _ in range(CHUNK):
            if self._at >= line.head:
                return self._found(line.head, stage)
            node = line.path[self._at]
            if not recorded(stage, node):
                self._run(stage, self._at + 1)
                return True
            self._at += 1
            self.done += 1
            if self._met(stage, node):
                return self._found(self._at, stage)
        return True

    def _run(self, stage: Stage, position: int) -> None:
        # one operation that was never done; where the worlds are elsewhere they first go there
        if self._aimed != position:
            near = stage.aligned and stage.line.cursor == position - 1
            self._aimed, self._way = position, None if near else stage.gather(position)
        if self._way is None:
            stage.advance(position)
        else:
            goes_on(self._way)

    def _back(self, stage: Stage) -> bool:
        for _ in range(CHUNK):
            self._at -= 1
            self.done += 1
            if self._at < 1:
                return self._found(self._start, stage)
            if self._met(stage, stage.line.path[self._at - 1]):
                return self._found(self._at, stage)
        return True

    def _met(self, stage: Stage, node: int) -> bool:
        return any(find(stage, condition, node) is not None for condition in self.conditions)

    def _found(self, position: int, stage: Stage) -> bool:
        self._target = position
        node = stage.line.node_at(position)
        hits = [(n, find(stage, c, node)) for n, c in enumerate(self.conditions)] if position != self._start else []
        met = [(n, design) for n, design in hits if design is not None]
        self.result = Stopped(
            position=position, start=self._start, met=tuple(n for n, _ in met), designs=tuple(d for _, d in met)
        )
        if not self.goes:
            self._target = self._start
        self._way = stage.gather(self._target)
        return True

    def stop(self, stage: Stage) -> bool:
        """Stay where the worlds are."""
        if not self._stopping or self._way is None:
            self._stopping, self._way = True, stage.align()
        return goes_on(self._way)
