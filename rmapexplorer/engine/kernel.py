"""The recorded kernel beside our state, for sessions that came from a kernel trace."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from rmapexplorer.core.units import Machine
from rmapexplorer.engine.files import Recorded
from rmapexplorer.engine.frames import KernelDifference
from rmapexplorer.formats.trace import Trace
from rmapexplorer.formats.trace_session import VIEW, TraceSession
from rmapexplorer.verify.record import KernelRecord


def recorded(session: Any) -> Recorded | None:
    """How to ask what the kernel had; None where the session is no trace."""
    return _Record(session.trace).at if isinstance(session, TraceSession) else None


@define(eq=False)
class _Record:
    # replays of one trace by design and era; all compare anon_vma_chain, the only design whose objects a trace shows
    trace: Trace
    known: dict[tuple[str, str], KernelRecord] = field(factory=dict)

    def at(self, design: str, machine: Machine, position: int) -> tuple[KernelDifference, ...]:
        shown = design if design.partition(":")[0] == VIEW else VIEW
        key = shown, machine.calls
        if key not in self.known:
            self.known[key] = KernelRecord(self.trace, shown, machine)
        return tuple(
            KernelDifference(level=d.level, where=d.where, kernel=d.kernel, ours=d.ours, spot=d.spot)
            for d in self.known[key].at(position)
        )
