"""Figures on paper: tables, sentences, JSON, and the file they go to."""

from __future__ import annotations

import json
import os

import pytest
from rich.console import Console

import rmapexplorer
from rmapexplorer import batch, report
from rmapexplorer.core.operations import Fork, Mmap, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import Session

OPS = Spawn(pid=1), Mmap(pid=1, span=Span(10, 20)), Touch(pid=1, runs=((10, 14, "w"),)), Fork(pid=1, child=2)

SESSION = Session(title="a log", operations=OPS, machine=Machine(calls="4.0", ram_pages=77), path="a.rmap")


@pytest.fixture
def runs():
    return [batch.run(name, Machine(), OPS, lambda done, total: None) for name in ("pte_chain", "anonmm:variant=4c")]


@pytest.fixture
def found(runs):
    return {done.name: batch.figures(done) for done in runs}


@pytest.fixture
def results(runs, found):
    return [
        batch.Result(
            name=done.name, refused=done.refused, figures=found[done.name],
            entry=report.dumped(found[done.name] | {"tasks": batch.tasks(done.world)}),
        )
        for done in runs
    ]  # fmt: skip


def text(table, width=160):
    console = Console(width=width, markup=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def read(pieces):
    return json.loads("".join(pieces))


def row(printed, title):
    rows = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in printed.splitlines()]
    (cells,) = [cells for cells in rows if cells[0] == title]
    return cells[1:]


def test_a_column_for_each_design_and_a_row_for_each_figure(found):
    (table,) = report.figures_tables("a [title]", found, 160)
    printed = text(table)
    assert "a [title]" in printed and "anonmm:variant=4c" in printed
    assert row(printed, "operations") == ["4", "4"]
    assert row(printed, "rmap metadata [B]") == ["320", "80"]
    assert row(printed, "probe: ptes") == ["8", "8"]
    for title, _ in report.ROWS:
        assert len(row(printed, title)) == 2


@pytest.mark.parametrize(("width", "tables"), [(80, 4), (120, 2), (160, 2), (300, 1)])
def test_many_worlds_share_as_few_tables_as_the_width_allows(found, width, tables):
    """All designs: no word is broken, no line is too long, every world is there once, the first column in each table."""
    figures = next(iter(found.values()))
    worlds = {kind.key: figures | {"operations": 1_000_000 + at} for at, kind in enumerate(DESIGNS)}
    made = report.figures_tables("a title", worlds, width)
    printed = [text(table, width) for table in made]
    assert len(made) == tables
    names = [name for table in printed for name in table.splitlines() if any(kind.key in name for kind in DESIGNS)]
    assert [word for line in names for word in line.strip("┃ ").split() if word != "┃"] == list(worlds)
    numbers = [number for table in printed for number in row(table, "operations")]
    assert numbers == [f"{1_000_000 + at:,}" for at in range(len(DESIGNS))]
    for table in printed:
        assert max(map(len, table.splitlines())) <= width
        assert all(row(table, name) for name, _ in report.ROWS)
    sizes = [len(table.columns) - 1 for table in made]
    assert max(sizes) - min(sizes) <= 2


def test_seconds_are_shown_where_they_are_asked_for(runs):
    plain = {done.name: batch.figures(done) for done in runs}
    timed = {done.name: batch.figures(done, seconds=True) for done in runs}
    (table,) = report.figures_tables("a title", plain, 160)
    assert "seconds" not in text(table)
    (table,) = report.figures_tables("a title", timed, 160)
    assert len(row(text(table), "seconds")) == 2


def test_a_name_wider_than_the_terminal_is_folded(found):
    worlds = dict.fromkeys(("x" * 90, "anonmm"), next(iter(found.values())))
    tables = report.figures_tables("a title", worlds, 80)
    assert len(tables) == 2 and "x" * 30 in text(tables[0], 80)


def test_all_designs_are_listed_with_their_options():
    printed = text(report.designs_table())
    for kind in DESIGNS:
        assert kind.key in printed and kind.era in printed
    assert "variant=4e|4a|4b|4c|4d" in "".join(printed.split())


def test_the_verdict_is_said_in_sentences():
    assert report.verdict_lines(2, batch.Verdict(None, None)) == [
        "Every operation has the same outcome in all worlds.",
        "Process memory is equal in all 2 worlds.",
    ]
    parting = batch.Parting(3, OPS[3], {"a": "done", "b": "ENOMEM (no room)"})
    assert report.verdict_lines(2, batch.Verdict(parting, "Process 1 ...")) == [
        "Outcomes differ first at operation 4, fork(1 → 2): a: done; b: ENOMEM (no room).",
        "Process memory differs where outcomes were equal: Process 1 ...",
    ]


def test_json_has_figures_and_tasks_of_every_world(results):
    data = read(report.to_json(SESSION, results))
    assert (data["format"], data["version"]) == ("rmapexplorer figures", 1)
    assert data["program"] == f"rmapexplorer {rmapexplorer.__version__}"
    assert data["input"] == {"file": "a.rmap", "title": "a log", "branch": "main", "operations": 4}
    assert data["era"] == "4.0" and data["machine"]["ram_pages"] == 77 and "calls" not in data["machine"]
    assert list(data["designs"]) == ["pte_chain", "anonmm:variant=4c"]
    for figures in data["designs"].values():
        assert {"operations", "refused", "figures", "footprint", "counters", "tasks"} <= set(figures)
        assert "seconds" not in figures
        assert [task["anonymous_pages"] for task in figures["tasks"]] == [4, 4]


def test_json_is_laid_out_as_json_always_is(results):
    for verdict in (None, batch.Verdict(batch.Parting(3, OPS[3], {"a": "done"}), "x\n}")):
        for some in (results, results[:1]):
            written = "".join(report.to_json(SESSION, some, verdict))
            assert written == json.dumps(json.loads(written), indent=1, ensure_ascii=False) + "\n"


def test_json_of_a_comparison_has_its_verdict(results):
    parting = batch.Parting(3, OPS[3], {"a": "done"})
    assert read(report.to_json(SESSION, results, batch.Verdict(parting, None)))["comparison"] == {
        "memory_equal": True, "difference": None, "outcomes_differ_at": {"operation": 4, "outcomes": {"a": "done"}},
    }  # fmt: skip
    assert read(report.to_json(SESSION, results, batch.Verdict(None, "x")))["comparison"]["outcomes_differ_at"] is None


@pytest.mark.parametrize(
    ("path", "why"),
    [("", "no file name"), ("a\0b", "no file name"), ("{}", "is a directory"), ("{}/no/x", "no does not exist"), ("{}/in", "file to read")],
)  # fmt: skip
def test_targets_that_cannot_be_are_refused(tmp_path, path, why):
    source = tmp_path / "in"
    source.write_text("")
    assert why in report.no_target(path.format(tmp_path), str(source))


def test_new_files_old_files_and_devices_are_targets(tmp_path):
    (tmp_path / "old").write_text("")
    for path in (str(tmp_path / "old"), str(tmp_path / "new"), "new-here.json", os.devnull):
        assert report.no_target(path, str(tmp_path / "in")) == ""
