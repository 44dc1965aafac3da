"""What the listener of a session has been told so far, and the messages that bring it up to date."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
from attrs import define, evolve, field

from rmapexplorer.core.units import Machine
from rmapexplorer.engine.bookmarks import marks_of
from rmapexplorer.engine.frames import DesignState, Detail, Frame, KernelDifference, MetricRows, PathChanged
from rmapexplorer.engine.grid import Grid
from rmapexplorer.engine.lens import Columns, Lens
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.stage import Stage

FRAME_INTERVAL = 0.033
"""Seconds between two frames while a job runs, at least."""

MARKS_INTERVAL = 0.25
"""Seconds between two frames while a recorded kernel is compared, at least."""


@define(eq=False)
class Publisher:
    """Sends frames, history lines and curve rows of one stage; knows what was sent and sends only the rest."""

    stage: Stage
    lens: Lens
    outbox: Outbox
    clock: Callable[[], float]
    generation: int
    dirty: bool = True
    """True where a frame is due although the position is the same."""
    plain: bool = False
    """True after the details of a selection failed: frames go without them until something else is selected."""
    visible: int | None = None
    """While a session loads: operations shown as its history so far; None: all of the current path."""
    _sent: int = -1
    _serial: int = 0
    _position: int = 0
    _grid: Grid | None = None
    _next: float = 0.0
    _marks_due: float = 0.0
    _columns: Columns | None = None
    _states: dict[str, DesignState] = field(factory=dict)
    _columns_of: tuple[str, int] | None = None

    @property
    def head(self) -> int:
        """Operations of the current path that the listener may know."""
        return self.stage.line.head if self.visible is None else min(self.visible, self.stage.line.head)

    def forget(self, position: int) -> None:
        """What was sent of operations beyond ``position`` no longer holds (a branch, another view)."""
        self._sent = min(self._sent, position)
        self.dirty = True

    def forget_all(self) -> None:
        """Send everything again: the designs are others."""
        self._sent = -1
        self._columns_of = None
        self.dirty = True

    def ready(self, soon: bool = False) -> bool:
        """True where a frame may be sent while a job runs: the last was taken and is old enough (``soon``: of any age)."""
        due = self.dirty or self.stage.line.cursor != self._position
        return due and (soon or self.clock() >= self._next) and not self.outbox.frame_waits

    def send(self, busy: bool) -> None:
        """History lines and curve rows that are new, then a frame."""
        self.dirty, self._position = False, self.stage.line.cursor
        before = self.clock()
        self.send_rows()
        self.outbox.post(self.frame(busy))
        spent = self.clock() - before
        self._next = before + spent + max(FRAME_INTERVAL, 4 * spent)

    def send_rows(self) -> None:
        """History lines and curve rows of the current path that were not sent yet."""
        stage = self.stage
        if stage.news_from is not None:
            self._sent = min(self._sent, stage.news_from - 1)
            stage.news_from = None
        if self._sent >= self.head:
            return
        keep = max(self._sent, 0)
        self.outbox.post(
            PathChanged(generation=self.generation, keep=keep, entries=stage.entries(keep, self.head)),
            self._metrics(self._first(self._sent + 1), self.head + 1, True),
        )
        self._sent = self.head

    def _first(self, start: int) -> int:
        # the row to begin with, where those from ``start`` on are new: a log that grew or shrank may have its probes elsewhere
        before, self._grid = self._grid, self.stage.grid
        if before is None or before == self._grid:
            return start
        return min(start, before.last) if before.stride == self._grid.stride else 0

    def cut(self) -> None:
        """Tell the listener that what follows the kept part is gone, even where nothing comes instead."""
        if self._sent == self.head:
            keep = self._sent
            self.outbox.post(
                PathChanged(generation=self.generation, keep=keep, entries=()),
                self._metrics(self._first(keep), keep + 1, True),
            )

    def send_filled(self) -> None:
        """The curve rows again that were completed since: a probe was added."""
        line, nodes = self.stage.line, self.stage.filled
        for position in sorted({line.depth(node) for node in nodes if line.on_path(node)}):
            if position <= self._sent:
                self.outbox.post(self._metrics(position, position + 1, False))
            if position == line.cursor and all(lane.rows.probed(line.node) for lane in self.stage.lanes):
                self.dirty = True  # who compares the designs there is told
        nodes.clear()

    def _metrics(self, start: int, stop: int, truncate: bool) -> MetricRows:
        values = self.stage.metric_rows(start, stop)
        values.flags.writeable = False
        designs = tuple(lane.kind.key for lane in self.stage.lanes)
        return MetricRows(
            generation=self.generation, start=start, designs=designs, values=np.asarray(values), truncate=truncate
        )

    def frame(self, busy: bool) -> Frame:
        """The state at the cursor."""
        stage, line = self.stage, self.stage.line
        shown = stage.shown
        columns = self._columns_now()
        self._serial += 1
        node, length = shown.node, self._recorded()
        kernel = self._kernel(length)
        return Frame(
            generation=self.generation,
            serial=self._serial,
            position=line.cursor,
            head=self.head,
            op_text=stage.text(node),
            view=shown.kind.key,
            designs=tuple(self._state(index, node) for index in range(len(stage.lanes))),
            tasks=columns.tasks,
            vmas=columns.vmas,
            files=columns.files,
            labels=columns.labels,
            detail=self._detail(kernel is not None),
            branch=line.branch,
            branches=tuple(line.branches),
            bookmarks=marks_of(line, stage.bookmarks),
            busy=busy,
            calls=stage.machine.calls if isinstance(stage.machine, Machine) else "",
            machine=stage.machine if isinstance(stage.machine, Machine) else Machine(),
            kernel=kernel,
            kernel_waits=kernel is None and stage.recorded is not None and line.cursor <= length and not self.plain,
            kernel_steps=stage.recorded.steps(shown.kind.key, stage.machine)[:length] if length else None,
            kernel_length=length,
            op=line.operations[node] if node >= 0 else None,
        )

    def compare(self) -> bool:
        """Compare one more position with the recorded kernel; False where nothing is recorded or all is compared."""
        stage = self.stage
        if stage.recorded is None or not isinstance(stage.machine, Machine):
            return False
        position = stage.recorded.advance(stage.shown.kind.key, stage.machine)
        if position is None:
            return False
        now = self.clock()
        if position in (stage.line.cursor, stage.recorded.length) or now >= self._marks_due:
            self.dirty, self._marks_due = True, now + MARKS_INTERVAL
        return True

    def _recorded(self) -> int:
        # operations of the current path that were recorded: the recorded log is a straight line, its operation i is node i
        recorded, path = self.stage.recorded, self.stage.line.path
        most = min(recorded.length, len(path)) if recorded is not None else 0
        return bisect_left(range(most), True, key=lambda i: path[i] != i)

    def _kernel(self, length: int) -> tuple[KernelDifference, ...] | None:
        stage, position = self.stage, self.stage.line.cursor
        if stage.recorded is None or self.plain or position > length:
            return None
        shown = stage.shown.kind.key, stage.machine
        if len(stage.recorded.steps(*shown)) == position - 1:
            stage.recorded.advance(*shown)  # only this one is missing: a step forward needs no second frame
        found: tuple[KernelDifference, ...] | None = stage.recorded.at(*shown, position)
        return found

    def _columns_now(self) -> Columns:
        shown = self.stage.shown
        if self._columns is None or self._columns_of != (shown.kind.key, shown.node):
            self._columns = self.lens.columns(shown.world, self._columns)
            self._columns_of = (shown.kind.key, shown.node)
        return self._columns

    def _detail(self, beside: bool) -> Detail | None:
        pid, vpn = self.stage.selection
        if not pid or self.plain:
            return None
        self.plain = True  # until it has worked
        shown, node = self.stage.shown.kind.key, self.stage.shown.node
        there = {lane.kind.key: lane.world for lane in self.stage.lanes if lane.node == node}
        detail = self.lens.detail(there, shown, pid, vpn)
        if beside and detail is not None:
            detail = self.stage.recorded.beside(shown, self.stage.machine, self.stage.line.cursor, detail)
        self.plain = False
        return detail

    def _state(self, index: int, node: int) -> DesignState:
        lane = self.stage.lanes[index]
        before = self._states.get(lane.kind.key)
        if lane.node != node and before is not None:  # it follows; until then its figures are those it had
            return evolve(before, outcome=lane.outcomes.get(node), changes=lane.changes.get(node, ()))
        state = DesignState(
            key=lane.kind.key,
            title=lane.kind.title,
            vmas=self.lens.vmas(lane.world),
            footprint=self.lens.footprint(lane.world),
            counters=dict(lane.world.counters),
            outcome=lane.outcomes.get(node),
            changes=lane.changes.get(node, ()),
            options=dict(lane.kind.options),
        )
        self._states[lane.kind.key] = state
        return state
