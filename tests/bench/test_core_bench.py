"""The bench of the core: its arithmetic, its twin, its words, what it does when a measurement comes to nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from rmapexplorer.bench import calls, cases, growth, rig, runner, sheets, watch
from rmapexplorer.bench.cases import CASES, Case
from rmapexplorer.bench.measured import GOALS, Figure, Stopped, figure_of, goal_of, met, slope
from rmapexplorer.bench.measured import growth as growth_of
from rmapexplorer.bench.rig import Rig
from rmapexplorer.bench.twin import Twin
from rmapexplorer.cli import main

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def figure(*samples: float, case: str = "fork-vmas", size: int = 1000, quantity: str = "time", **more: Any) -> Figure:
    """One figure."""
    return Figure(case=case, size=size, quantity=quantity, what="a fork", unit="us", samples=samples, **more)


# -- figures and goals


def test_a_figure_is_a_median_beside_the_kernels() -> None:
    one = figure(1, 9, 2, twin=(4, 5, 100))
    assert (one.value, one.ratio, one.key) == (2, 0.4, "fork-vmas/1000/time")
    assert figure_of(json.loads(json.dumps(one.as_json()))) == one


def test_a_goal_is_met_missed_or_cannot_be_judged() -> None:
    assert met(figure(2, twin=(5,))) is True and met(figure(2.1, twin=(5,))) is False
    assert met(figure(2)) is None, "there is no kernel beside it"
    assert met(figure(2, size=100, twin=(1,))) is None, "no goal at that size"
    assert met(figure(trouble="needs more than 3,000 MB")) is False
    assert met(figure(9.9, case="explosion-anonmm", size=32_700)) is True
    assert met(figure(501, case="explosion-forked-anonmm", size=32_700, quantity="peak")) is False


def test_every_goal_is_of_a_figure_that_is_measured() -> None:
    there = {(case.name, size) for case in CASES for size in case.sizes + case.long}
    for key in GOALS:
        name, size, quantity = key.split("/")
        cases_ = [
            case for case in CASES if case.name == name or (name == "explosion*" and case.name.startswith("explosion"))
        ]
        assert cases_ and all((case.name, int(size)) in there for case in cases_), key
        assert quantity != "growth" or all(case.grows and int(size) == case.sizes[-1] for case in cases_), key


def test_growth_is_the_exponent() -> None:
    sizes = [1000, 2000, 4000]
    assert slope(sizes, [3 * n for n in sizes]) == pytest.approx(1)
    assert slope(sizes, [n * n for n in sizes]) == pytest.approx(2)
    with_start = [5e6 + n * n for n in sizes]
    assert growth_of(sizes, with_start, started=False) < 1 and growth_of(
        sizes, with_start, started=True
    ) == pytest.approx(2)


# -- the work itself


@pytest.mark.parametrize(
    ("work", "arguments", "counts"),
    [
        (calls.fork, {"vmas": 5, "pages": 2, "children": 3}, {"fork": 3, "exit": 3}),
        (calls.small, {"beside": 3, "triples": 4, "repeats": 2}, {"small": 2}),
        (calls.mremap, {"pages": 4, "repeats": 3}, {"mremap": 3}),
        (calls.protect, {"calls": 6, "repeats": 2}, {"protect": 2}),
        (calls.pageout, {"pages": 8, "repeats": 2}, {"pageout": 2}),
        (growth.storm, {"children": 3, "vmas": 4}, {"time": 1, "columns": 1}),
        (growth.walk, {"design": "anonmm", "calls": 6, "repeats": 1}, {"walk": 5, "probe": 1}),
        (growth.forks, {"children": 5}, {"time": 1}),
        (growth.holes, {"count": 3}, {"time": 1}),
        (growth.freed, {"pages": 16}, {"time": 1}),
        (growth.top_down, {"count": 5}, {"time": 1}),
        (growth.frame, {"pages": 64, "repeats": 2}, {"time": 2}),
    ],
)
def test_work_is_done_and_timed(work: Any, arguments: dict[str, Any], counts: dict[str, int]) -> None:
    found = work(**arguments)
    assert {name: len(samples) for name, samples in found.items()} == counts
    assert all(sample > 0 for samples in found.values() for sample in samples)


def test_work_that_the_kernel_would_refuse_is_not_measured() -> None:
    from rmapexplorer.core.operations import Exit

    with pytest.raises(RuntimeError, match="exit was refused: ESRCH"):
        calls.do(calls.world_of(), Exit(pid=7))


def test_the_explosion_is_as_many_vmas_as_it_says() -> None:
    world = calls.world_of()
    for op in growth.explosion(40, forks=2)[1:]:
        calls.do(world, op)
    assert [len(mm.vmas) for mm in world.mms.values()] == [80, 80, 80]
    assert len(world.anonymous_pages()) == 80


# -- the twin


@needs_gcc
def test_the_twin_does_the_same_work(tmp_path: Path) -> None:
    twin = Twin(tmp_path)
    assert twin.why == ""
    for name, numbers, counts in (
        ("fork", (4, 2, 3), {"fork": 3, "exit": 3}), ("small", (3, 10, 2), {"small": 2}), ("mremap", (4, 3), {"mremap": 3}),
        ("protect", (6, 2), {"protect": 2}), ("pageout", (8, 2), {"pageout": 2}),
    ):  # fmt: skip
        found = twin.run(name, *numbers)
        assert {what: len(taken) for what, taken in found.items()} == counts
        assert all(one > 0 for taken in found.values() for one in taken)
    with pytest.raises(Stopped, match="the kernel refused it"):
        twin.run("juggle", 1)


@needs_gcc
def test_the_twin_compiles_without_a_warning(tmp_path: Path) -> None:
    from rmapexplorer.bench.twin import SOURCE

    words = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / "twin"), str(SOURCE)]
    assert subprocess.run(words, capture_output=True, text=True, check=False).stderr == ""


def test_without_gcc_there_are_our_figures_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    there = Rig(tmp_path, quick=True)
    assert "gcc is not installed" in there.twin.why
    case = next(case for case in CASES if case.name == "mremap")
    (one,) = runner.measured(case, (8,), there)
    assert one.samples and not one.twin and "gcc is not installed" in one.note


# -- processes that are watched


def test_memory_of_all_processes_of_a_program_is_summed() -> None:
    child = "import time; held = bytearray(60_000_000); time.sleep(1.0)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('done')"
    alone = watch.watched([sys.executable, "-c", child], 60, 1000)
    both = watch.watched([sys.executable, "-c", parent], 60, 1000)
    assert both.output == "done\n" and alone.peak > 60 and both.peak > alone.peak + 3


@pytest.mark.parametrize(
    ("words", "seconds", "most", "said"),
    [
        ("import time; time.sleep(60)", 0.3, 1000, "takes longer than 0.3 s"),
        ("import time; held = bytearray(200_000_000); time.sleep(60)", 60, 100, "needs more than 100 MB"),
        ("import sys; sys.exit('rmapexplorer: it is broken.')", 60, 1000, r"it is broken \(after"),
    ],
)
def test_what_comes_to_nothing_says_why(words: str, seconds: float, most: float, said: str) -> None:
    with pytest.raises(Stopped, match=said):
        watch.watched([sys.executable, "-c", words], seconds, most)


def test_work_in_a_process_of_its_own_tells_its_memory(tmp_path: Path) -> None:
    found = Rig(tmp_path, quick=True).inside("mremap", pages=4, repeats=2)
    assert len(found["mremap"]) == 2 and 10 < found["peak"] < 300


# -- cases one after the other


def sized(fails_at: int = 0) -> Case:
    """A case that costs the square of its size, without measuring anything."""

    def measure(case: Case, _: Rig, size: int) -> list[Figure]:
        if size == fails_at:
            raise Stopped("needs more than 3,000 MB")
        return [case.figure(size, "time", "s", (size * size,))]

    return Case(name="square", title="{} squared", sizes=(10, 20, 40), quick=(), measure=measure, grows="time")


def test_growth_follows_the_sizes(tmp_path: Path) -> None:
    *times, power = runner.measured(sized(), (10, 20, 40), Rig(tmp_path))
    assert [one.value for one in times] == [100, 400, 1600]
    assert (power.key, power.value) == ("square/40/growth", pytest.approx(2))


def test_larger_sizes_are_not_tried_where_one_came_to_nothing(tmp_path: Path) -> None:
    first, second, third, power = runner.measured(sized(20), (10, 20, 40), Rig(tmp_path))
    assert first.samples and second.trouble == "needs more than 3,000 MB"
    assert third.trouble == "not tried, since 20 came to nothing"
    assert not power.samples and "there are 1" in power.trouble


def test_patterns_choose_cases() -> None:
    assert [case.name for case, _ in runner.chosen("fork-*", False, False)] == ["fork-vmas", "fork-pages"]
    assert [case.name for case, _ in runner.chosen("small,mrem*", False, False)] == ["small", "mremap"]
    assert [sizes for _, sizes in runner.chosen("malloc-lines", False, True)] == [(10**6, 5 * 10**6)]
    assert runner.chosen("nothing", False, False) == []
    assert len({case.name for case in CASES}) == len(CASES)


# -- the command


def bench(*words: str) -> int:
    """The command with small sizes."""
    return main(["bench", "--quick", *words])


def test_figures_are_shown_written_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(
        rig, "watched", lambda *_: watch.Watched(json.dumps({"mremap": [70.0, 80.0], "peak": 40}), 1.0, 41.0, 0.9)
    )
    out = tmp_path / "old.json"
    assert bench("--only", "mremap", "--json", str(out)) == 0
    shown = capsys.readouterr()
    assert "mremap of a vma with 512 touched pages" in shown.out and "measuring mremap (1 of 1)" in shown.err
    data = json.loads(out.read_text(encoding="utf-8"))
    assert list(data)[:4] == ["format", "version", "program", "host"] and data["format"] == "rmapexplorer bench"
    assert data["quick"] is True and {"processor", "cores", "kernel", "python", "numpy", "load"} == set(data["host"])
    assert [one["key"] for one in data["figures"]] == ["mremap/512/time"] and data["figures"][0]["median"] == 75
    for one in data["figures"]:
        one["samples"], one["twin"] = [50], []
    out.write_text(json.dumps(data), encoding="utf-8")
    assert bench("--only", "mremap", "--compare", str(out)) == 0
    assert "1.50" in (said := capsys.readouterr().out) and "WORSE" in said and "1 worse by 10 % or more" in said
    assert bench("--only", "mremap", "--compare", str(out), "--check") == 1


def test_worse_is_judged_by_the_kernel_where_it_was_measured() -> None:
    slower_machine = sheets.beside([figure(20, twin=(10,))], [figure(10, twin=(5,))])[0]
    assert slower_machine.ratio == 2 and slower_machine.of_kernel == 1 and not slower_machine.worse
    assert (
        sheets.beside([figure(11)], [figure(10)])[0].worse and not sheets.beside([figure(10.9)], [figure(10)])[0].worse
    )
    assert sheets.beside([figure(trouble="it failed")], [figure(10)])[0].worse
    assert sheets.beside([figure(1)], [figure(1, size=5)]) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--only", "nothing"), 2, "no case is named 'nothing'; there are fork-vmas, "),
        (("map",), 2, "'map' is of the window"),
        (("--compare", "none.json"), 3, "none.json: cannot be read"),
        (("--recording", "none.txt", "--only", "mremap"), 3, "none.txt: no such file"),
        (("--json", "no/where.json"), 3, "does not exist"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence(
    words: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert bench(*words) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format": "rmapexplorer figures"}', '{"format": "rmapexplorer bench", "figures": [1]}']
)
def test_what_is_no_sheet_is_said(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    path.write_text(text, encoding="utf-8")
    assert bench("--compare", str(path)) == 3
    assert capsys.readouterr().err.endswith("old.json: is not what bench --json writes; choose another file.\n")


def test_a_figure_that_is_missing_says_why(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    monkeypatch.setattr(rig, "SECONDS", 0.01)
    monkeypatch.setattr(cases, "SECONDS", 0.01)
    assert bench("--only", "explosion-anon_vma_chain") == 0
    assert "takes longer than 0.01 s" in capsys.readouterr().out


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_shows_what_was_measured(ended_by: signal.Signals, tmp_path: Path) -> None:
    out = tmp_path / "so-far.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "rmapexplorer", "bench", "--quick", "--only", "[mf]*", "--json", str(out)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert process.stderr is not None
    said = []
    while not any("measuring fork-pages" in line for line in said):
        said.append(process.stderr.readline())
        assert said[-1], said
    time.sleep(0.05)
    process.send_signal(ended_by)
    shown, rest = process.communicate(timeout=60)
    assert process.returncode == 130 and "cancelled; these are the figures so far" in rest
    assert "fork of 100 touched one-page vmas" in shown and "top down" not in shown
    assert [one["key"] for one in json.loads(out.read_text(encoding="utf-8"))["figures"]][0] == "fork-vmas/100/time"


def test_the_whole_program_is_measured_in_a_small_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("--only", "explosion*", "--json", "-") == 0
    found = {one["key"]: one for one in json.loads(capsys.readouterr().out)["figures"]}
    assert set(found) == {
        "explosion-anon_vma_chain/50/time",
        "explosion-anon_vma_chain/50/processor time",
        "explosion-anon_vma_chain/50/peak",
    }
    assert all(one["samples"][0] > 0 for one in found.values())


def test_a_goal_counts_in_the_closing_line() -> None:
    met_, missed = figure(2, twin=(5,)), figure(3, twin=(5,))
    assert sheets.summary([met_, missed]) == "2 goals: 1 met, 1 MISSED." and goal_of(met_) is not None
    assert sheets.row(missed)[-2:] == ("≤ 0.4 (ratio)", "MISSED")
    assert sheets.row(figure(trouble="it failed"))[-1] == "MISSED it failed"
