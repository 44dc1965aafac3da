"""Runs under memory pressure: what holds at any size, that time grows as the work does, and the command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rmapexplorer import cli
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.figures import pressure
from rmapexplorer.workloads.workload import Workload

ROOT = Path(__file__).resolve().parents[2]
LOADS = {load.workload.number: load for load in pressure.LOADS}


def silent(done: int, total: int) -> None:
    """Told progress."""


@pytest.fixture(scope="module")
def rows() -> dict[tuple[str, str], pressure.Pressure]:
    """40 children."""
    return {(n, d): pressure.run(LOADS[n], d, 40, silent) for n in LOADS for d in pressure.DESIGNS}


@pytest.mark.parametrize("design", pressure.DESIGNS)
@pytest.mark.parametrize("number", LOADS)
def test_what_does_not_fit_is_reclaimed(rows, number: str, design: str) -> None:
    row = rows[number, design]
    assert row.working_set == 64 + 40 * 16
    assert row.ram == row.working_set // 2
    assert row.reclaimed >= row.working_set - row.ram
    assert (row.refused, row.missed) == (0, 0)
    assert row.metadata > 0


def test_the_fork_server_ranks_the_designs(rows) -> None:
    """S3: for pages in inherited vmas anonmm begins at the right mm, anon_vma meets every newer child first."""
    false = {design: rows["W4", design].false_probes for design in pressure.DESIGNS}
    assert false["pte_chain"] == 0
    assert false["anonmm"] <= false["anon_vma_chain"] < false["anon_vma"] / 10


def test_only_anonmm_copies_in_the_storm(rows) -> None:
    copied = {design: rows["W5", design].copied for design in pressure.DESIGNS}
    assert copied.pop("anonmm") > 0
    assert set(copied.values()) == {0}
    assert {rows["W4", design].copied for design in pressure.DESIGNS} == {0}


def test_the_list_grows_with_the_children_and_anonmm_does_not(rows) -> None:
    more = pressure.run(LOADS["W4"], "anon_vma", 160, silent)
    assert more.per_page(more.nodes) > 3 * rows["W4", "anon_vma"].per_page(rows["W4", "anon_vma"].nodes)
    less = pressure.run(LOADS["W4"], "anonmm", 160, silent)
    assert less.per_page(less.nodes) < 1.5 * rows["W4", "anonmm"].per_page(rows["W4", "anonmm"].nodes)


def test_the_same_run_gives_the_same_figures(rows) -> None:
    again = pressure.run(LOADS["W5"], "anonmm", 40, silent)
    assert again.reclaimed == rows["W5", "anonmm"].reclaimed
    assert again.nodes == rows["W5", "anonmm"].nodes


def test_nothing_is_reclaimed_where_all_fits() -> None:
    row = pressure.run(LOADS["W4"], "anon_vma", 5, silent, share=1.0)
    assert (row.reclaimed, row.nodes, row.per_page(row.nodes)) == (0, 0, 0.0)


# -- time ---------------------------------------------------------------------------------------------


def seconds(workload: Workload, design: str, values: dict[str, int]) -> float:
    operations = list(workload.operations(values))
    w = World(design_named(design), workload.machine(values))
    start = time.process_time()
    for op in operations:
        w.apply(op)
    return time.process_time() - start


@pytest.mark.parametrize("design", pressure.DESIGNS)
@pytest.mark.parametrize("number", LOADS)
def test_without_pressure_time_grows_as_the_children_do(number: str, design: str) -> None:
    """Eight times the children cost at most 8^1.15 times as long."""
    load = LOADS[number]
    few, many = (load.workload.values(full=False, **load.sizes, children=n, reclaim=0) for n in (100, 800))
    ratios = []
    for _ in range(3):
        ratios.append(seconds(load.workload, design, many) / seconds(load.workload, design, few))
        if ratios[-1] <= 8**1.15:
            return
    pytest.fail(f"time grew {min(ratios):.1f} times")


# -- the command --------------------------------------------------------------------------------------


def test_pressure_as_json_and_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "p.json"
    words = ["figures", "--pressure", "--children", "5,10", "--design", "anonmm", "anon_vma"]
    assert cli.main([*words, "--json", str(out)]) == 0
    table = capsys.readouterr().out
    assert "fork-server" in table and "anon_vma" in table
    rows = json.loads(out.read_text())["pressure"]
    assert [(row["workload"], row["children"], row["design"]) for row in rows] == [
        (number, children, design) for number in ("W4", "W5") for children in (5, 10) for design in ("anonmm", "anon_vma")
    ]  # fmt: skip
    assert rows[0]["per_page"]["nodes"] == rows[0]["nodes"] / rows[0]["reclaimed"]


def test_figures_as_json_and_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figures", "P2", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(row["id"], row["agrees"]) for row in found["figures"]] == [
        ("P2", True), ("P2-active", True), ("P2-slabs", True), ("P2-maps", False),
    ]  # fmt: skip
    assert cli.main(["figures", "P2"]) == 0
    out = capsys.readouterr().out
    assert "30,186" in out and "Differs: " in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["F99"], "there is no figure 'F99'"),
        (["--pressure", "F1"], "--pressure goes without figures such as F1"),
        (["--pressure", "--children", "0"], "--children takes numbers from 1 to"),
        (["--pressure", "--children", "ten"], "not 'ten'"),
        (["--pressure", "--design", "nosuch"], "there is no design 'nosuch'"),
    ],
)
def test_wrong_words_are_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["figures", *words]) == 2
    out, err = capsys.readouterr()
    assert out == "" and said in err and err.count("\n") == 1


def test_a_place_that_cannot_be_written_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["figures", "--json", str(tmp_path / "no" / "x")]) == 3
    assert "does not exist" in capsys.readouterr().err


LATE = """
import signal, sys
from rmapexplorer import cli
from rmapexplorer.figures import pressure
signal.signal(signal.SIGINT, signal.default_int_handler)
honest = pressure.run
def run(*args):
    print("running", flush=True)
    while True:
        honest(*args)
pressure.run = run
sys.exit(cli.main(sys.argv[1:]))
"""


def test_ctrl_c_is_one_line() -> None:
    words = ["figures", "--pressure", "--children", "100"]
    process = subprocess.Popen(
        [sys.executable, "-c", LATE, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None and process.stdout.readline() == "running\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "rmapexplorer: cancelled.\n")
