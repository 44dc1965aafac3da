"""The runs under pressure told message by message are those of pressure.run, few children first."""

from __future__ import annotations

from attrs import evolve

from rmapexplorer.figures import pressure
from rmapexplorer.figures.job import Running, run_pressure


def test_every_run_is_told_and_progress_goes_up() -> None:
    told: list[object] = []
    run_pressure(told.append, ["anonmm"], [12, 5], lambda: True)
    runs = [message for message in told if isinstance(message, pressure.Pressure)]
    assert [(run.workload, run.children) for run in runs] == [("W4", 5), ("W5", 5), ("W4", 12), ("W5", 12)]
    expected = pressure.run(pressure.LOADS[0], "anonmm", 5, lambda done, total: None)
    assert evolve(runs[0], seconds=0.0) == evolve(expected, seconds=0.0)
    steps = [(m.run, m.done) for m in told if isinstance(m, Running)]
    assert steps == sorted(steps) and {m.runs for m in told if isinstance(m, Running)} == {4}
