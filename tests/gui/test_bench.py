"""The bench of the window: its arithmetic, its words, and one short measurement of the real window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmapexplorer.cli import main
from rmapexplorer.commands import _bench_window as bench_window
from rmapexplorer.figures.frame_budget import Result, frames_a_second, result_of, spread
from rmapexplorer.gui.bench import worlds


def result(value: float, budget: float, least: bool) -> Result:
    """One result."""
    return Result(
        trial="map", what="panning", value=value, unit="frames/s", budget=budget, least=least, platform="offscreen",
        details={"median_ms": 3.0, "p95_ms": 9.0, "max_ms": 12.0},
    )  # fmt: skip


def test_a_budget_is_a_least_or_a_most() -> None:
    assert result(31, 30, True).kept and not result(29, 30, True).kept
    assert result(0.9, 1.0, False).kept and not result(1.1, 1.0, False).kept
    assert result(31, 30, True).budget_text() == "≥ 30 frames/s"


def test_results_survive_json() -> None:
    one = result(31, 30, True)
    assert result_of(json.loads(json.dumps(one.as_json()))) == one


def test_durations_are_summed_up() -> None:
    assert frames_a_second([10.0, 30.0]) == 50.0
    assert frames_a_second([]) == 0.0
    assert spread([1.0, 2.0, 3.0])["median_ms"] == 2.0 and spread([]) == {}


def test_the_grid_has_as_many_vmas_as_it_says() -> None:
    from rmapexplorer.core.units import Machine
    from rmapexplorer.core.world import World
    from rmapexplorer.designs.registry import design_named

    world = World(design_named("anon_vma_chain"), Machine())
    assert all(world.apply(op).ok for op in worlds.grid(5, 7))
    assert [len(mm.vmas) for mm in world.mms.values()] == [7] * 5


def test_the_long_log_is_as_long_as_it_says_and_runs() -> None:
    from rmapexplorer.core.units import Machine
    from rmapexplorer.core.world import World
    from rmapexplorer.designs.registry import design_named

    world, ops = World(design_named("anon_vma"), Machine()), worlds.long_log(700)
    assert len(ops) == 700
    assert all(world.apply(op).ok for op in ops)


def test_wrong_usage_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--gui", "nonsense"]) == 2
    assert "there is no trial named 'nonsense'" in capsys.readouterr().err


def test_a_short_session_of_the_real_window(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out.json"
    code = main(
        ["bench", "--gui", "session", "--quick", "--session", "1", "--platform", "offscreen", "--json", str(out)]
    )
    found = json.loads(out.read_text(encoding="utf-8"))["results"]
    assert code in (0, 1), capsys.readouterr().err
    assert [one["trial"] for one in found] == ["session"]
    assert found[0]["details"]["deeds"] >= 1 and found[0]["value"] > 0
    assert (code == 0) == found[0]["kept"]
    assert "longest stall in 1 s of use" in capsys.readouterr().out


def test_a_measurement_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bench_window, "LIMIT", 0.01)
    assert main(["bench", "--gui", "session", "--quick", "--platform", "offscreen"]) == 1
    assert "took longer than" in capsys.readouterr().err
