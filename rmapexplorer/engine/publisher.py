"""What the listener of a session has been told so far, and the messages that bring it up to date."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from attrs import define

from rmapexplorer.core.units import Machine
from rmapexplorer.engine.frames import DesignState, Detail, Frame, KernelDifference, MetricRows, PathChanged
from rmapexplorer.engine.lens import Columns, Lens
from rmapexplorer.engine.outbox import Outbox
from rmapexplorer.engine.stage import Stage

FRAME_INTERVAL = 0.033
"""Seconds between two frames while a job runs, at least."""


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
    _next: float = 0.0
    _columns: Columns | None = None
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

    def ready(self) -> bool:
        """True where a frame may be sent while a job runs: the last was taken and is old enough."""
        due = self.dirty or self.stage.line.cursor != self._position
        return due and self.clock() >= self._next and not self.outbox.frame_waits

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
            self._metrics(self._sent + 1, self.head + 1, True),
        )
        self._sent = self.head

    def cut(self) -> None:
        """Tell the listener that what follows the kept part is gone, even where nothing comes instead."""
        if self._sent == self.head:
            keep = self._sent
            self.outbox.post(
                PathChanged(generation=self.generation, keep=keep, entries=()), self._metrics(keep, keep + 1, True)
            )

    def send_row(self, position: int) -> None:
        """The curve row of one position again: a probe was added."""
        if 0 <= position <= self._sent:
            self.outbox.post(self._metrics(position, position + 1, False))

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
        node = shown.node
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
            detail=self._detail(),
            branch=line.branch,
            branches=tuple(line.branches),
            busy=busy,
            calls=stage.machine.calls if isinstance(stage.machine, Machine) else "",
            kernel=self._kernel(node),
        )

    def _kernel(self, node: int) -> tuple[KernelDifference, ...] | None:
        # the recorded log is a straight line: its operation number i is node i
        stage, position = self.stage, self.stage.line.cursor
        if stage.recorded is None or self.plain or node != position - 1 or node >= len(stage.session.operations):
            return None
        return stage.recorded(stage.shown.kind.key, stage.machine, position)

    def _columns_now(self) -> Columns:
        shown = self.stage.shown
        if self._columns is None or self._columns_of != (shown.kind.key, shown.node):
            self._columns = self.lens.columns(shown.world, self._columns)
            self._columns_of = (shown.kind.key, shown.node)
        return self._columns

    def _detail(self) -> Detail | None:
        pid, vpn = self.stage.selection
        if not pid or self.plain:
            return None
        self.plain = True  # until it has worked
        detail = self.lens.detail(self.stage.worlds, self.stage.shown.kind.key, pid, vpn)
        self.plain = False
        return detail

    def _state(self, index: int, node: int) -> DesignState:
        lane = self.stage.lanes[index]
        return DesignState(
            key=lane.kind.key,
            title=lane.kind.title,
            vmas=self.lens.vmas(lane.world),
            footprint=self.lens.footprint(lane.world),
            counters=dict(lane.world.counters),
            outcome=lane.outcomes.get(node),
            options=dict(lane.kind.options),
        )
