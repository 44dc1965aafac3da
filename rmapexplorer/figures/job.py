"""The runs under memory pressure for somebody who listens: messages are plain values that pass between processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from rmapexplorer.figures import pressure


@frozen
class Running:
    """One run is ``done`` of ``total`` operations; it is number ``run`` (from 0) of ``runs``."""

    run: int
    runs: int
    title: str
    done: int
    total: int


def run_pressure(
    tell: Callable[[object], None], designs: Sequence[str], children: Sequence[int], often: Callable[[], bool]
) -> None:
    """All of them, few children first; tells Running and a pressure.Pressure for each that is done.

    :raises KernelError: EINVAL, for a design that does not exist.
    """
    todo = sorted(pressure.runs(designs, children), key=lambda run: run[2])
    for at, (load, design, count) in enumerate(todo):
        title = f"{load.workload.number}, {count:,} children, {design}"
        tell(Running(at, len(todo), title, 0, 0))

        def told(done: int, total: int, at: int = at, title: str = title) -> None:
            if often():
                tell(Running(at, len(todo), title, done, total))

        tell(pressure.run(load, design, count, told))
