"""One design's run along the log: its world, what came out of each operation, its curve rows and checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
from attrs import define, field

from rmapexplorer.core.metrics import KEYS
from rmapexplorer.core.operations import Operation
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.engine.checkpoints import Checkpoint, Checkpoints
from rmapexplorer.engine.lens import AnyWorld, Kind, Lens
from rmapexplorer.engine.pool import Pool
from rmapexplorer.engine.timeline import ROOT, Timeline

CHECKPOINT_EVERY = 0.004
"""Seconds of one world's work between two checkpoints: what the design in view replays at most before it shows."""

EXTRA_SECONDS = 0.03
"""Checkpoints of all designs wait for the next operation once they took so long after this one."""

_PROBE = KEYS.index("probe_nodes")


Changes = tuple[tuple[str, int], ...]
"""(kind, how many more), the vmas first; what did not change is left out."""


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
    changes: dict[int, Changes] = field(factory=dict)
    """By node: vmas and objects by kind that its operation made (or, below 0, took away)."""
    rows: Rows = field(factory=Rows)
    work: float = 0.0
    """Seconds of work from the empty state to here."""
    _counts: dict[str, int] | None = None
    # vmas and objects by kind of the world as it is; None: nobody has counted
    _extra: float = 0.0
    _since: float = 0.0

    def knows(self, node: int) -> bool:
        """True where the outcome of ``node`` is known here."""
        return node in self.outcomes

    def execute(self, op: Operation) -> Outcome:
        """Let the world do ``op``; the caller then says ``arrived``."""
        if self._counts is None:
            self._counts = self._count()
        before = self.clock()
        outcome = self.world.apply(op)
        spent = self.clock() - before
        self.work += spent
        self._since += spent
        return outcome

    def arrived(self, node: int, outcome: Outcome, spare: float) -> float:
        """The world did ``node``: keep its outcome and curve row, and a checkpoint where one is due.

        :param spare: seconds that may be left for that in this step; it waits where they are used up.
        :return: seconds that it took.
        """
        before = self._extra
        self.node = node
        self.outcomes.setdefault(node, outcome)
        if not self.rows.known(node):
            self.rows.put(node, self.lens.measure(self.world))
        self._tell_changes(node)
        if node in self.checkpoints:
            self._since = 0.0
        elif self.checkpoints.due(self._since) and self._extra - before < spare:
            self._keep()
        return self._extra - before

    def _count(self) -> dict[str, int]:
        kinds = {row.kind: row.objects for row in self.lens.footprint(self.world)}
        return {"vma": self.lens.vmas(self.world), **kinds}

    def _tell_changes(self, node: int) -> None:
        before, self._counts = self._counts, None
        if node not in self.changes and before is not None:
            self._counts = after = self._count()
            kinds = dict.fromkeys([*after, *before])
            gained = ((kind, after.get(kind, 0) - before.get(kind, 0)) for kind in kinds)
            self.changes[node] = tuple((kind, n) for kind, n in gained if n)

    def probing(self, node: int, world: AnyWorld) -> Generator[None, None, None]:
        """Give the row of ``node`` its probe, from a world in that state which stays so; some milliseconds at each step."""
        row = self.lens.measure(world)
        yield from self.lens.probe(world, row)
        self.rows.put(node, row)

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
        take_apart(self.world)
        self._since, self._counts = 0.0, None
        if kept is None:
            self.world, self.node, self.work = self.kind.make(), ROOT, 0.0
        else:
            self.world, self.node, self.work = kept.world.copy(), kept.node, kept.work


def take_apart(world: AnyWorld | None) -> None:
    """A world that nobody needs any more. Its parts know it: left whole it would stay until the collector looks for such
    circles among everything there is, which is rare in the window.
    """
    if world is not None:
        vars(world).clear()


def make_lane(kind: Kind, lens: Lens, clock: Callable[[], float], budget_bytes: int) -> Lane:
    """A lane at the empty state, its first row measured."""
    pool = Pool(budget_bytes) if kind.pickles else None
    points: Checkpoints[AnyWorld] = Checkpoints(budget_bytes=budget_bytes, interval=CHECKPOINT_EVERY, pool=pool)
    lane = Lane(kind=kind, lens=lens, clock=clock, checkpoints=points, world=kind.make())
    lane.rows.put(ROOT, lens.measure(lane.world))
    return lane
