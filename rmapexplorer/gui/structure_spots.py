"""What is selected and what a walk visits, as the pictures of everything mark it: by object, by row, by (pid, page)."""

from __future__ import annotations

import numpy as np

from rmapexplorer.engine.frames import Frame, WalkStep
from rmapexplorer.engine.incidence import Chart
from rmapexplorer.gui.selection import Selection

_RANK = {"": 0, "miss": 1, "hit": 2, "now miss": 3, "now hit": 4, "selected": 5, "focus": 6}


class Spots:
    """Made of a frame and how far its walk is shown; reads nothing else.

    :param revealed: steps of the walk that are shown, 0 for all of them.
    """

    def __init__(self, frame: Frame | None, selection: Selection | None, revealed: int) -> None:
        self.frame = frame
        self.detail = frame.detail if frame is not None else None
        self.selection = selection
        walk = self.detail.walk if self.detail is not None else None
        steps: tuple[WalkStep, ...] = walk.steps if walk is not None else ()
        self.going = 0 < revealed < len(steps)
        self.steps = steps[:revealed] if self.going else steps
        self._task = {int(pid): i for i, pid in enumerate(frame.tasks.pid.tolist())} if frame is not None else {}
        self._states = self._owners()
        self._of: Chart | None = None
        self._place: dict[int, int] = {}

    def vma_row(self, pid: int, vpn: int) -> int:
        """Row of the vma in the frame's columns, -1 for none."""
        frame = self.frame
        task = self._task.get(pid, -1)
        if frame is None or task < 0:
            return -1
        first, last = int(frame.vmas.first[task]), int(frame.vmas.first[task + 1])
        row = first + int(np.searchsorted(frame.vmas.start[first:last], vpn, "right")) - 1
        return row if first <= row and vpn < frame.vmas.end[row] else -1

    def chart_row(self, chart: Chart, pid: int, vpn: int) -> int:
        """Row of the vma in the chart, -1 for none."""
        row = self.vma_row(pid, vpn)
        if self._of is not chart:
            self._of, self._place = chart, {one: at for at, one in enumerate(chart.pids)}
        at = self._place.get(pid, -1)
        if row < 0 or self.frame is None or at < 0:
            return -1
        found = int(chart.first[at]) + row - int(self.frame.vmas.first[self._task[pid]])
        return found if found < chart.first[at + 1] else -1

    def frame_row(self, chart: Chart, row: int) -> int:
        """Row of the frame's columns for a row of the chart; -1 where they are not of the same moment."""
        if self.frame is None or not 0 <= row < chart.rows:
            return -1
        process = chart.process(row)
        task = self._task.get(chart.pids[process], -1)
        if task < 0:
            return -1
        found = int(self.frame.vmas.first[task]) + row - int(chart.first[process])
        return found if found < self.frame.vmas.first[task + 1] else -1

    def target(self, chart: Chart, row: int) -> tuple[int, int] | None:
        """(pid, first page number) of a row of the chart."""
        found = self.frame_row(chart, row)
        if found < 0 or self.frame is None:
            return None
        return chart.pids[chart.process(row)], int(self.frame.vmas.start[found])

    def _owners(self) -> dict[int, str]:
        states: dict[int, str] = {}
        frame = self.frame
        if frame is None or self.detail is None:
            return states

        def mark(row: int, state: str) -> None:
            owner = int(frame.vmas.anon[row]) if row >= 0 else -1
            if owner >= 0 and _RANK[state] > _RANK[states.get(owner, "")]:
                states[owner] = state

        for number, step in enumerate(self.steps):
            now = self.going and number == len(self.steps) - 1
            state = ("now " if now else "") + ("hit" if step.hit else "miss")
            mark(self.vma_row(step.pid, step.start if step.start >= 0 else step.vpn), state)
        mark(self.vma_row(self.detail.pid, self.detail.vpn), "selected")
        picture = self.detail.structure
        pages = {node.key for node in picture.nodes if node.rank == 0}
        pointed = {link.target for link in picture.links if link.source in pages}
        for node in picture.nodes:
            if node.rank == 1 and node.family >= 0 and node.key in pointed:
                states[node.family] = "focus"
        return states

    def state_of(self, owner: int) -> str:
        """How an object is marked."""
        return self._states.get(owner, "")

    def wanted(self) -> set[int]:
        """Objects that are to be seen in any case."""
        return {owner for owner, state in self._states.items() if state in ("selected", "focus", "now hit", "now miss")}
