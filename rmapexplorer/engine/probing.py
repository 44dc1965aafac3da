"""Probes made where the log wants them: at rest, or for a file that is to have all of them. What is missing is never guessed.

Each lane is followed by a world of its own, so that the lanes stay where they are; the work can be dropped at any step and
begun again, and comes to the same rows.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

from attrs import define

from rmapexplorer.engine.grid import Grid
from rmapexplorer.engine.lanes import Lane, take_apart
from rmapexplorer.engine.lens import AnyWorld
from rmapexplorer.engine.stage import Stage

Steps = Generator[tuple[int, int], None, None]
"""Some milliseconds of work at each step; told are probes that are there, and how many there will be."""


def at_rest(stage: Stage) -> Steps:
    """The present position first, for whoever compares there, then those of the log as far as it has run."""
    for lane in stage.lanes:
        if not lane.rows.probed(lane.node):
            for _ in _probe(stage, lane, lane.node, lane.world):
                yield 0, 0
            yield 0, 0
    yield from _missing(stage, stage.grid, run=False)


def completed(stage: Stage, grid: Grid) -> Steps:
    """All rows of the positions up to the grid's last, with all its probes; what never ran is run."""
    return _missing(stage, grid, run=True)


def here(stage: Stage) -> None:
    """The probe of the present position under every design, at once."""
    for lane in stage.lanes:
        if not lane.rows.probed(lane.node):
            for _ in _probe(stage, lane, lane.node, lane.world):
                pass


def _probe(stage: Stage, lane: Lane, node: int, world: AnyWorld) -> Generator[None, None, None]:
    yield from lane.probing(node, world)
    stage.filled.append(node)


def _missing(stage: Stage, grid: Grid, run: bool) -> Steps:
    lanes = sorted(stage.lanes, key=lambda lane: lane is not stage.shown)
    wanted = [_wanted(stage, lane, grid, run) for lane in lanes]
    done, total = 0, sum(len(positions) for positions in wanted)
    for lane, positions in zip(lanes, wanted, strict=True):
        follower = _Follower(stage, lane)
        try:
            for position in positions:
                for _ in follower.to(position):
                    yield done, total
                done += 1
                yield done, total
        finally:
            take_apart(follower.world)


def _wanted(stage: Stage, lane: Lane, grid: Grid, run: bool) -> Sequence[int]:
    nodes = [(position, stage.line.node_at(position)) for position in grid.positions()]
    return [at for at, node in nodes if not lane.rows.probed(node) and (run or lane.rows.known(node))]


@define(eq=False)
class _Follower:
    # a world beside the lane's, on its way along the current path
    stage: Stage
    lane: Lane
    world: AnyWorld | None = None
    at: int = 0

    def to(self, position: int) -> Generator[None, None, None]:
        """Go there, then make the probe."""
        line, lane = self.stage.line, self.lane
        node = line.node_at(position)
        if lane.node == node:
            yield from _probe(self.stage, lane, node, lane.world)
            return
        world = self._nearest(position)
        while self.at < position:
            done = line.path[self.at]
            world.apply(line.operations[done])
            self.at += 1
            if not lane.rows.known(done):
                lane.rows.put(done, lane.lens.measure(world))
                self.stage.filled.append(done)
            yield
        yield from _probe(self.stage, lane, node, world)

    def _nearest(self, position: int) -> AnyWorld:
        # the world as it is, or a copy that is nearer
        line = self.stage.line
        kept = self.lane.checkpoints.nearest(line, position)
        near = line.depth(kept.node) if kept else 0
        if self.world is None or near > self.at:
            take_apart(self.world)
            self.world, self.at = kept.world.copy() if kept else self.lane.kind.make(), near
        return self.world
