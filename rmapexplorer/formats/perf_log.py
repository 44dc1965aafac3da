"""The operations of a recording as they come to light, and the list of what could not become one."""

from __future__ import annotations

from collections import Counter

from attrs import evolve

from rmapexplorer.core.operations import Mmap, Munmap, Operation, Touch
from rmapexplorer.core.units import Span

TOUCH_RUNS, TOUCH_PAGES = 256, 4096
"""Runs and pages after which one Touch is full: the next fault begins another, so that the timeline keeps its grain."""

REPORT_LINES = 60


class Log:
    """Operations in the order of the recording; faults of one process that follow each other are one Touch."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._skipped: Counter[tuple[str, str]] = Counter()
        self._pid = 0
        self._runs: list[tuple[int, int, str]] = []
        self._pages = 0

    def emit(self, op: Operation) -> None:
        """Append an operation; the faults before it come first."""
        self.flush()
        self.operations.append(op)

    def shorten(self, op: Mmap, end: int) -> None:
        """The mapping of ``op`` went on from page ``end`` only for a moment that nothing tells of."""
        if self.operations and self.operations[-1] is op and not self._runs:
            self.operations[-1] = evolve(op, span=Span(op.span.start, end))
        elif end < op.span.end:
            self.emit(Munmap(pid=op.pid, span=Span(end, op.span.end)))

    def touch(self, pid: int, vpn: int, access: str) -> None:
        """One fault at page ``vpn``, "r" or "w"; lengthens the last run where it goes on there."""
        if pid != self._pid or len(self._runs) >= TOUCH_RUNS or self._pages >= TOUCH_PAGES:
            self.flush()
            self._pid = pid
        self._pages += 1
        if self._runs:
            start, end, before = self._runs[-1]
            if end == vpn and before == access:
                self._runs[-1] = (start, vpn + 1, access)
                return
        self._runs.append((vpn, vpn + 1, access))

    def flush(self) -> None:
        """Make the faults so far an operation."""
        if self._runs:
            self.operations.append(Touch(pid=self._pid, runs=tuple(self._runs)))
            self._runs, self._pages = [], 0

    def taken(self) -> tuple[Operation, ...]:
        """The operations, which are no longer kept here: who reads a recording is freed later than they may be."""
        operations = tuple(self.operations)
        self.operations.clear()
        return operations

    def skip(self, what: str, why: str, times: int = 1) -> None:
        """Count something that became no operation."""
        if len(self._skipped) > 1000 and (what, why) not in self._skipped:
            what, why = "other lines", "of more kinds than are listed"
        self._skipped[what, why] += times

    def report(self) -> tuple[str, ...]:
        """What was skipped, a line each, most frequent first."""
        lines = [f"{count} x {what}: {why}" for (what, why), count in self._skipped.most_common(REPORT_LINES)]
        if len(self._skipped) > REPORT_LINES:
            lines.append(f"and {len(self._skipped) - REPORT_LINES} kinds more")
        return tuple(lines)
