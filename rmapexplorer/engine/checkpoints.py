"""Copies of one world along the log, kept so that going back costs little.

A copy is due after so much work since the last one; over the byte budget the copies are thinned
geometrically: dense near the latest position, sparse far back.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from attrs import define, field, frozen

from rmapexplorer.engine.pool import Packed, Pool
from rmapexplorer.engine.timeline import ROOT, Timeline

WORTH = 2
"""A copy must save so many times the seconds it costs."""


class Copyable(Protocol):
    """What can be kept: a world."""

    def copy(self) -> Copyable:
        """An independent copy."""
        ...

    def cost_bytes(self) -> int:
        """Memory that a copy takes, in bytes."""
        ...


W = TypeVar("W", bound=Copyable)


@frozen
class Checkpoint(Generic[W]):
    """The world after ``node``. ``work`` is the engine time in seconds that led there from the empty state."""

    node: int
    work: float
    size_bytes: int
    world: W | Packed


@define
class Checkpoints(Generic[W]):
    """The copies of one design's world.

    :param budget_bytes: thinned above this; :param interval: seconds of work between two copies.
    A copy must also not cost more than half of the work it saves.
    """

    budget_bytes: int = 128 << 20
    interval: float = 0.1
    kept: dict[int, Checkpoint[W]] = field(factory=dict)
    copy_seconds: float = 0.0
    """What the latest copy cost."""
    pool: Pool | None = None
    """Where worlds that can be pickled are stored; None: they are copied whole."""
    _last: Packed | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of all copies kept."""
        if self.pool is not None:
            return self.pool.used_bytes
        return sum(kept.size_bytes for kept in self.kept.values())

    def store(self, node: int, work: float, world: W) -> None:
        """Keep a copy of ``world`` as it is after ``node``, thinning the others where there is no room; one too large is not kept."""
        if self.pool is None:
            size_bytes = world.cost_bytes()
            if size_bytes <= self.budget_bytes:
                self.keep(Checkpoint(node, work, size_bytes, world.copy()))  # type: ignore[arg-type]
            return
        packed = self.pool.store(world, self._last)
        while packed is None and self.kept:
            self._forget(self._most_expendable())
            packed = self.pool.store(world, self._last)
        if packed is not None:
            if node in self.kept:
                self._forget(node)
            self.kept[node] = Checkpoint(node, work, packed.own_bytes, packed)
            self._last = packed

    def _forget(self, node: int) -> None:
        gone = self.kept.pop(node).world
        if isinstance(gone, Packed):
            gone.pool.drop(gone)
            if gone is self._last:
                self._last = None

    def due(self, seconds: float) -> bool:
        """True where ``seconds`` of work since the last copy justify another."""
        return seconds >= max(self.interval, WORTH * self.copy_seconds)

    def keep(self, checkpoint: Checkpoint[W]) -> None:
        """Keep a copy (the caller made it), then thin what is over the budget; alone above it, it is not kept."""
        self.kept[checkpoint.node] = checkpoint
        while self.kept and self.size_bytes > self.budget_bytes:
            self._forget(self._most_expendable())

    def _most_expendable(self) -> int:
        # the smallest gap its loss would leave, relative to its distance from the latest one
        ordered = sorted(self.kept.values(), key=lambda kept: kept.work)
        latest = ordered[-1]
        best, best_score = latest.node, float("inf")
        before = 0.0
        for kept, after in zip(ordered, ordered[1:], strict=False):
            score = (after.work - before) / (latest.work - kept.work + 1e-9)
            if score < best_score:
                best, best_score = kept.node, score
            before = kept.work
        return best

    def nearest(self, line: Timeline, position: int) -> Checkpoint[W] | None:
        """The latest copy on the current path at or before ``position``; None: start from the empty state."""
        found, found_at = None, -1
        for node, kept in self.kept.items():
            at = line.depth(node)
            if found_at < at <= position and line.on_path(node):
                found, found_at = kept, at
        return found

    def __contains__(self, node: object) -> bool:
        return node == ROOT or node in self.kept
