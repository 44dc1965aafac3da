"""Probes that were left out while a short session ran, made good at rest: its curves have no gaps, however busy the machine was."""

from __future__ import annotations

from attrs import define

from rmapexplorer.engine.lanes import Lane
from rmapexplorer.engine.lens import AnyWorld
from rmapexplorer.engine.stage import Stage

SHORT = 200
"""Operations of a path at most, for every position to get its probe."""


@define(eq=False)
class Backfill:
    """Goes along the current path with a world of its own, one operation or one probe a step; the lanes stay where they are."""

    stage: Stage
    _lane: Lane | None = None
    _world: AnyWorld | None = None
    _at: int = 0

    def step(self) -> int | None:
        """A small piece of work. The position that got its probe, -1 on the way to one, None where none is missing."""
        line = self.stage.line
        if line.head > SHORT:
            return None
        if self._lane is None or self._missing(self._lane) is None:
            self._world = None
            self._lane = next((lane for lane in self.stage.lanes if self._missing(lane) is not None), None)
        if self._lane is None:
            return None
        target = self._missing(self._lane)
        assert target is not None
        if self._world is None:
            self._set_out(self._lane, target)
        assert self._world is not None
        if self._at < target:
            self._world.apply(line.operations[line.path[self._at]])
            self._at += 1
            return -1
        self._lane.fill(line.node_at(target), self._world)
        return target

    def _missing(self, lane: Lane) -> int | None:
        # the first position that the lane has been at without a probe, none before where the world is already
        rows, start = lane.rows, self._at if lane is self._lane and self._world is not None else 0
        for position in range(start, self.stage.line.head + 1):
            node = self.stage.line.node_at(position)
            if rows.known(node) and not rows.probed(node):
                return position
        return None

    def _set_out(self, lane: Lane, target: int) -> None:
        kept = lane.checkpoints.nearest(self.stage.line, target)
        self._world = kept.world.copy() if kept else lane.kind.make()
        self._at = self.stage.line.depth(kept.node) if kept else 0
