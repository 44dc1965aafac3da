"""One design's run along the log: its world, what came out of each operation, its curve rows and checkpoints."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import define, field

from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.engine.checkpoints import Checkpoint, Checkpoints
from rmapexplorer.engine.lens import AnyWorld, Kind, Lens
from rmapexplorer.engine.metrics import KEYS
from rmapexplorer.engine.pool import Pool
from rmapexplorer.engine.timeline import ROOT, Timeline

PROBE_GRANT = 0.25
"""Seconds of probing that every session gets for free while it runs; short ones get the rest at rest, see engine.backfill."""
PROBE_SHARE = 0.2
"""Beyond the grant, probes take at most this part of the engine's work."""

CHECKPOINT_EVERY = 0.004
"""Seconds of one world's work between two checkpoints: what the design in view replays at most before it shows."""

EXTRA_SECONDS = 0.03
"""Probes and checkpoints of all designs wait for the next operation once they took so long after this one."""

_PROBE = KEYS.index("probe_nodes")


@define
class Rows:
    """Metric rows by node; NaN rows have not been measured."""

    values: np.ndarray = field(factory=lambda: np.full((64, len(KEYS)), np.nan))

    def put(self, node: int, row: np.ndarray) -> None:
        """Record the row of ``node``."""
        while node + 2 > len(self.values):
            self.values = np.concatenate([self.values, np.full_like(self.values, np.nan)])
        self.values[node + 1] = row

    def known(self, node: int) -> bool:
        """True where the row of ``node`` was measured."""
        return node + 1 < len(self.values) and not np.isnan(self.values[node + 1, 0])

    def probed(self, node: int) -> bool:
        """True where the row of ``node`` has the probe's metrics."""
        return node + 1 < len(self.values) and not np.isnan(self.values[node + 1, _PROBE])

    def take(self, nodes: np.ndarray) -> np.ndarray:
        """Rows of these nodes, [n, metrics]."""
        out = np.full((len(nodes), len(KEYS)), np.nan)
        inside = nodes + 1 < len(self.values)
        out[inside] = self.values[nodes[inside] + 1]
        return out


@define(eq=False)
class Lane:
    """A design on its way along the log. ``node`` is the operation its world has done last, ROOT for none."""

    kind: Kind
    lens: Lens
    clock: Callable[[], float]
    checkpoints: Checkpoints[AnyWorld]
    world: AnyWorld
    node: int = ROOT
    outcomes: dict[int, Outcome] = field(factory=dict)
    rows: Rows = field(factory=Rows)
    work: float = 0.0
    """Seconds of work from the empty state to here."""
    _extra: float = 0.0
    _since: float = 0.0
    _spent: float = 0.0
    _probe_spent: float = 0.0
    _probe_last: float = 0.0

    def knows(self, node: int) -> bool:
        """True where the outcome of ``node`` is known here."""
        return node in self.outcomes

    def execute(self, op: Operation) -> Outcome:
        """Let the world do ``op``; the caller then says ``arrived``."""
        before = self.clock()
        outcome = self.world.apply(op)
        spent = self.clock() - before
        self.work += spent
        self._spent += spent
        self._since += spent
        return outcome

    def arrived(self, node: int, outcome: Outcome, spare: float) -> float:
        """The world did ``node``: keep its outcome and curve row; a probe and a checkpoint where they are due.

        :param spare: seconds that may be left for those two in this step; they wait where it is used up.
        :return: seconds that they took.
        """
        before = self._extra
        self.node = node
        self.outcomes.setdefault(node, outcome)
        if not self.rows.known(node):
            self.measure(spare)
        if node in self.checkpoints:
            self._since = 0.0
        elif self.checkpoints.due(self._since) and self._extra - before < spare:
            self._keep()
        return self._extra - before

    def measure(self, spare: float) -> None:
        """Record the curve row of the present node, with a probe where the budget allows one and ``spare`` is above 0."""
        row = self.lens.measure(self.world)
        if spare > 0 and self._may_probe():
            self._probe(row)
        self.rows.put(self.node, row)

    def probe_now(self) -> bool:
        """At rest: make sure the present node's row has a probe. True where one was added."""
        if self.rows.probed(self.node):
            return False
        row = self.lens.measure(self.world)
        self._probe(row)
        self.rows.put(self.node, row)
        return True

    def fill(self, node: int, world: AnyWorld) -> None:
        """The row of ``node`` again, with a probe, from another world in its state."""
        row = self.lens.measure(world)
        self.lens.probe(world, row)
        self.rows.put(node, row)

    def _may_probe(self) -> bool:
        # the next probe will cost about what the last one did
        return self._probe_spent + self._probe_last <= PROBE_GRANT + PROBE_SHARE * self._spent

    def _probe(self, row: np.ndarray) -> None:
        before = self.clock()
        self.lens.probe(self.world, row)
        self._probe_last = self.clock() - before
        self._probe_spent += self._probe_last
        self._extra += self._probe_last

    def _keep(self) -> None:
        self._since = 0.0
        if self.world.cost_bytes() > self.checkpoints.budget_bytes:
            return  # before any work is done for it
        before = self.clock()
        self.checkpoints.store(self.node, self.work, self.world)
        self.checkpoints.copy_seconds = self.clock() - before
        self._extra += self.checkpoints.copy_seconds

    def approach(self, line: Timeline, position: int) -> None:
        """Put the world on the current path, at or before ``position`` and as near as copies allow."""
        kept = self.checkpoints.nearest(line, position)
        near = line.depth(kept.node) if kept else 0
        own = line.depth(self.node)
        if own <= position and own >= near and line.on_path(self.node):
            return
        self.restore(kept)

    def restore(self, kept: Checkpoint[AnyWorld] | None) -> None:
        """Start again from a checkpoint, or from the empty state."""
        self._since = 0.0
        if kept is None:
            self.world, self.node, self.work = self.kind.make(), ROOT, 0.0
        else:
            self.world, self.node, self.work = kept.world.copy(), kept.node, kept.work


def make_lane(kind: Kind, lens: Lens, clock: Callable[[], float], budget_bytes: int) -> Lane:
    """A lane at the empty state, its first row measured."""
    pool = Pool(budget_bytes) if kind.pickles else None
    points: Checkpoints[AnyWorld] = Checkpoints(budget_bytes=budget_bytes, interval=CHECKPOINT_EVERY, pool=pool)
    lane = Lane(kind=kind, lens=lens, clock=clock, checkpoints=points, world=kind.make())
    lane.measure(EXTRA_SECONDS)
    return lane
