"""The session on the engine thread: one timeline, one lane per design, and the moves that keep them in step.

All lanes are at the same node whenever the stage is *aligned*; only then may a job stop. Nothing here
knows threads or messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import define, field

from rmapexplorer.core.metrics import PROBED
from rmapexplorer.core.operations import Operation, describe
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.engine.frames import HistoryEntry
from rmapexplorer.engine.grid import Grid, grid_of
from rmapexplorer.engine.lanes import EXTRA_SECONDS, Lane, take_apart
from rmapexplorer.engine.lens import AnyWorld
from rmapexplorer.engine.timeline import ROOT, Timeline
from rmapexplorer.formats.journal import Base


@define(eq=False)
class Stage:
    """What one open session is made of."""

    line: Timeline
    lanes: list[Lane]
    machine: Any
    title: str = ""
    view: str = ""
    selection: tuple[int, int] = (0, -1)
    path: str | None = None
    report: tuple[str, ...] = ()
    """What an import skipped and why."""
    base: Base | None = None
    """The file that holds the first operations as they are here; None: there is none, or it was changed since."""
    session: Any = None
    """The session it was made from: what the engine does not change goes back to the file from here."""
    recorded: Any = None
    """The recorded kernel (engine.files.Recorded) of a log that begins with what was recorded; None: nothing was."""
    news_from: int | None = None
    """First position of the current path whose outcome became known since it was asked last."""
    bookmarks: list[tuple[int, str]] = field(factory=list)
    """(node, what the user wrote there): branches keep theirs."""
    filled: list[int] = field(factory=list)
    """Nodes whose curve rows were completed since they were asked last."""
    texts: dict[int, str] = field(factory=dict)
    # the sentence of each operation, made once

    @property
    def worlds(self) -> dict[str, AnyWorld]:
        """The worlds by key of their design."""
        return {lane.kind.key: lane.world for lane in self.lanes}

    @property
    def shown(self) -> Lane:
        """The lane of the design in view."""
        return next((lane for lane in self.lanes if lane.kind.key == self.view), self.lanes[0])

    def perform(self, op: Operation) -> dict[str, Outcome]:
        """Do a new operation at the cursor in every world and record it; what each design made of it."""
        outcomes = [lane.execute(op) for lane in self.lanes]
        node = self.line.append(op)
        spare = EXTRA_SECONDS
        for lane, outcome in zip(self.lanes, outcomes, strict=True):
            spare -= lane.arrived(node, outcome, spare)
        return {lane.kind.key: outcome for lane, outcome in zip(self.lanes, outcomes, strict=True)}

    def lead(self, position: int) -> None:
        """Set the lane in view alone out for ``position``: ``lead_on`` takes it there; then ``gather`` is for the others."""
        self.shown.approach(self.line, position)
        self.line.seek(self.line.depth(self.shown.node))

    def lead_on(self, position: int) -> bool:
        """Take the lane in view one operation on; False where it is at ``position``."""
        depth = self.line.depth(self.shown.node)
        if depth >= position:
            return False
        self._advance([self.shown], depth)
        self.line.seek(depth + 1)
        return True

    def advance(self, position: int) -> bool:
        """Take the lanes that are furthest behind one operation on; False where all are at ``position``."""
        behind = min(self.line.depth(lane.node) for lane in self.lanes)
        if behind >= position:
            self._follow()
            return False
        self._advance([lane for lane in self.lanes if self.line.depth(lane.node) == behind], behind)
        self._follow()
        return True

    def _advance(self, lanes: Sequence[Lane], position: int) -> None:
        if advance_lanes(self.line, lanes, position):
            self.news_from = position + 1 if self.news_from is None else min(self.news_from, position + 1)

    def _follow(self) -> None:
        self.line.seek(max(self.line.depth(lane.node) for lane in self.lanes))

    @property
    def aligned(self) -> bool:
        """True where all lanes are at the same node."""
        return all(lane.node == self.lanes[0].node for lane in self.lanes)

    def let_go(self) -> None:
        """Another session takes its place: its worlds go at once."""
        for lane in self.lanes:
            take_apart(lane.world)

    def gather(self, position: int) -> Iterator[None]:
        """Take all lanes to ``position`` of the current path, one copy or one operation a step."""
        for lane in self.lanes:
            lane.approach(self.line, position)
            yield
        while self.advance(position):
            yield

    def align(self) -> Iterator[None]:
        """Take the lanes that are elsewhere to the cursor, a little at each step."""
        if not self.aligned:
            yield from self.gather(self.line.cursor)

    def recover(self, position: int) -> Iterator[None]:
        """After a broken operation no world is trusted: rebuild all of them at ``position`` from their copies, in steps."""
        for lane in self.lanes:
            lane.restore(lane.checkpoints.nearest(self.line, position))
            yield
        while self.advance(position):
            yield

    def text(self, node: int) -> str:
        """The operation of ``node`` as one line; empty for the empty state."""
        if node == ROOT:
            return ""
        text = self.texts.get(node)
        if text is None:
            text = self.texts[node] = describe(self.line.operations[node])
        return text

    def entries(self, start: int, stop: int) -> tuple[HistoryEntry, ...]:
        """History lines of the operations number ``start`` .. ``stop - 1`` (0-based) of the current path."""
        line, shown = self.line, self.shown
        rows = []
        for position, node in enumerate(line.path[start:stop], start + 1):
            outcome = shown.outcomes.get(node)
            errors = {lane.outcomes[node].error for lane in self.lanes if node in lane.outcomes}
            rows.append(
                HistoryEntry(
                    position=position,
                    name=line.operations[node].name,
                    text=self.text(node),
                    error=outcome.error if outcome else None,
                    rule=outcome.rule if outcome else "",
                    differs=len(errors) > 1,
                    refused_merges=len(outcome.refusals) if outcome else 0,
                    pid=getattr(line.operations[node], "pid", 0),
                )
            )
        return tuple(rows)

    def first_seen_differently(self, one: Lane, other: Lane) -> int | None:
        """First operation (0-based) whose history line reads differently under two designs; None: none does."""
        for number, node in enumerate(self.line.path):
            mine, theirs = one.outcomes.get(node), other.outcomes.get(node)
            if (mine is None) != (theirs is None):
                return number
            if mine and theirs and _line(mine) != _line(theirs):
                return number
        return None

    @property
    def grid(self) -> Grid:
        """The positions of the current path that have a probe."""
        return grid_of(self.line, self.line.head)

    def metric_rows(self, start: int, stop: int, grid: Grid | None = None) -> np.ndarray:
        """Curve rows of positions ``start`` .. ``stop - 1``, [n, designs, metrics]; what a probe tells only where the log has one.

        :param grid: the positions with a probe; None: those of the whole current path.
        """
        grid = grid or self.grid
        nodes = np.array([self.line.node_at(position) for position in range(start, stop)], dtype=np.int64)
        values = np.stack([lane.rows.take(nodes) for lane in self.lanes], axis=1)
        off = grid.without(start, stop)
        for metric in PROBED:
            values[off, :, metric] = np.nan
        return values


def advance_lanes(line: Timeline, lanes: Sequence[Lane], position: int) -> bool:
    """Let lanes at ``position`` redo the operation that follows. True where an outcome was not known before."""
    node = line.path[position]
    op = line.operations[node]
    news = not all(lane.knows(node) for lane in lanes)
    spare = EXTRA_SECONDS
    for lane in lanes:
        spare -= lane.arrived(node, lane.execute(op), spare)
    return news


def _line(outcome: Outcome) -> tuple[str | None, str, int]:
    return outcome.error, outcome.rule, len(outcome.refusals)
