"""The recorded kernel beside our state, for sessions that came from a kernel trace."""

from __future__ import annotations

from typing import Any

import numpy as np
from attrs import define, evolve, field

from rmapexplorer.core.units import Machine
from rmapexplorer.designs.registry import name_in_era
from rmapexplorer.engine.files import Recorded
from rmapexplorer.engine.frames import Detail, Ints, KernelDifference
from rmapexplorer.engine.kernel_beside import with_kernel
from rmapexplorer.formats.kernel_section import operations_of
from rmapexplorer.formats.trace import Trace
from rmapexplorer.formats.trace_session import VIEW
from rmapexplorer.verify.record import KernelRecord

TOLD = 64
"""Differences of one position that are told apart; of more only the number is."""


def recorded(session: Any) -> Recorded | None:
    """What a kernel was recorded to hold while it did the session; None where nothing was."""
    trace: Trace | None = session.kernel
    return RecordedKernel(trace, len(operations_of(trace))) if trace is not None else None


@define(eq=False)
class RecordedKernel:
    """Comparisons of one trace by design and era. All are of anon_vma_chain, the only design whose objects a trace shows."""

    trace: Trace
    length: int
    _known: dict[tuple[str, str], KernelRecord] = field(factory=dict)
    _steps: dict[tuple[str, str], Ints] = field(factory=dict)

    def _record(self, design: str, machine: Machine) -> KernelRecord:
        key = design if _alike(design) else name_in_era(VIEW, machine.calls), machine.calls
        if key not in self._known:
            self._known[key] = KernelRecord(self.trace, key[0], machine)
        return self._known[key]

    def advance(self, design: str, machine: Machine) -> int | None:
        """Compare one more position, in order; it, or None where all were."""
        record = self._record(design, machine)
        return record.compared if record.advance() else None

    def at(self, design: str, machine: Machine, position: int) -> tuple[KernelDifference, ...] | None:
        """What differs after ``position`` operations; None: not compared yet."""
        seen = self._record(design, machine).seen(position)
        if seen is None:
            return None
        return tuple(
            KernelDifference(level=d.level, where=d.where, kernel=d.kernel, ours=d.ours, spot=d.spot)
            for d in seen.found[:TOLD]
        )

    def steps(self, design: str, machine: Machine) -> Ints:
        """Number of differences after operation 1, 2 ..., as far as compared; read-only."""
        record = self._record(design, machine)
        key = record.design, machine.calls
        known = self._steps.get(key, np.empty(0, np.int64))
        if len(known) < record.compared:
            more = [len(record.seen(position).found) for position in range(len(known) + 1, record.compared + 1)]  # type: ignore[union-attr]
            known = np.concatenate([known, np.array(more, np.int64)])
            known.flags.writeable = False
            self._steps[key] = known
        return known

    def beside(self, design: str, machine: Machine, position: int, detail: Detail) -> Detail:
        """The detail with the kernel's values beside ours; as it is where the position was not compared yet."""
        record = self._record(design, machine)
        seen = record.seen(position)
        return with_kernel(detail, record, seen, _alike(design)) if seen is not None else evolve(detail, kernel=None)


def _alike(design: str) -> bool:
    return design.partition(":")[0] == VIEW
