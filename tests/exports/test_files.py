"""CSV, the HTML report, and how files come into being: whole or not at all."""

from __future__ import annotations

import csv
import io
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from attrs import evolve

from rmapexplorer.core.operations import Mmap, Mprotect, Munmap, Spawn
from rmapexplorer.core.units import Span
from rmapexplorer.engine import session_report
from rmapexplorer.engine.grid import Grid
from rmapexplorer.engine.probing import completed
from rmapexplorer.exports import tables
from rmapexplorer.exports.charts import chart, nice_top, short
from rmapexplorer.exports.html import html
from rmapexplorer.exports.tables import Table, csv_pieces
from rmapexplorer.formats.outline import Note
from tests.exports.stages import letter, report, small
from tests.gui import frame_factory

EVIL = '<script>alert("x")</script>&'


def rows_of(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO("".join(csv_pieces(table)))))


class TestTables:
    def test_every_vma_is_a_row(self) -> None:
        frame = frame_factory.letter()
        rows = rows_of(tables.vmas(frame))
        assert len(rows) == 1 + int(frame.vmas.first[-1])
        first = dict(zip(rows[0], rows[1], strict=True))
        assert int(first["start"], 16) == frame.vmas.start[0]
        assert int(first["pages"]) == frame.vmas.end[0] - frame.vmas.start[0]

    def test_every_process_is_a_row(self) -> None:
        frame = frame_factory.letter()
        rows = rows_of(tables.processes(frame))
        assert [row[0] for row in rows[1:]] == [str(pid) for pid in frame.tasks.pid.tolist()]
        assert rows[1][2] == frame.tasks.comm[0]

    def test_history_says_what_became_of_each(self) -> None:
        entries = frame_factory.history(3).entries
        rows = rows_of(tables.history([evolve(entries[0], error="EINVAL", rule='a "b", c'), *entries[1:]]))
        assert rows[1][3:5] == ["EINVAL", 'a "b", c'] and len(rows) == 4

    def test_curves_leave_the_unmeasured_empty(self) -> None:
        stage = letter("anonmm", "anon_vma")
        rows = rows_of(tables.curves(stage, Grid(4, 6)))
        assert rows[0][:3] == ["position", "anonmm bytes", "anon_vma bytes"] and len(rows) == 8
        probe = rows[0].index("anon_vma probe_nodes")
        assert [bool(row[probe]) for row in rows[1:]] == [False] * 7, "no probe was made yet"
        for _ in completed(stage, Grid(4, 6)):
            pass
        rows = rows_of(tables.curves(stage, Grid(4, 6)))
        assert [bool(row[probe]) for row in rows[1:]] == [True, False, False, False, True, False, True]
        assert all(row[1] for row in rows)

    def test_numbers_are_whole_where_they_can_be(self) -> None:
        rows = rows_of(Table(head=("a", "b", "c"), rows=[[1.0, 2.5, 3e20], [math.nan, None, "x"]]))
        assert rows[1:] == [["1", "2.5", "300000000000000000000"], ["", "", "x"]]

    def test_many_rows_come_in_pieces(self) -> None:
        pieces = list(csv_pieces(Table(head=("a",), rows=((n,) for n in range(2500)))))
        assert len(pieces) == 3 and "".join(pieces).count("\n") == 2501


class Reader(HTMLParser):
    """Notes tags, what is fetched, and whether every tag is closed."""

    VOID = ("meta", "br", "line", "path")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.fetched += [str(value) for key, value in attrs if key in ("src", "href", "xlink:href", "srcset")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


class TestReport:
    def test_it_tells_all_of_the_letter(self) -> None:
        stage = letter("pte_chain", "anonmm", "anon_vma", "anon_vma_chain")
        made = report(stage)
        page = read("".join(html(made)))
        for word in (
            "The letter in six operations",
            "x86_64",
            "mremap(2, a18-a1c",
            "pgoff is not linear",
            "1 not merged",
        ):
            assert word in page.text, word
        for one in made.designs:
            assert one.digest in page.text and one.title in page.text
        assert {lane.world.digest() for lane in stage.lanes} == {one.digest for one in made.designs}

    def test_it_fetches_nothing_and_runs_nothing(self) -> None:
        text = "".join(html(report(letter("anonmm", "anon_vma"))))
        page = read(text)
        assert page.fetched == [] and not page.tags & {"script", "link", "iframe", "img", "object"}
        assert "prefers-color-scheme: dark" in text and "@import" not in text and "url(" not in text

    def test_whatever_the_session_says_is_text(self) -> None:
        ops = [Spawn(pid=1, comm=EVIL), Munmap(pid=1, span=Span(4, 5)), Mprotect(pid=1, span=Span(4, 5), prot="r")]
        stage = small(ops, "anon_vma", title=EVIL, report=(EVIL,), notes=(Note(1, EVIL),), path=EVIL)
        page = read("".join(html(report(stage))))
        assert "script" not in page.tags and page.text.count("alert") >= 4

    def test_figures_are_those_of_the_worlds(self) -> None:
        stage = letter("pte_chain", "anonmm")
        for one, lane in zip(report(stage).designs, stage.lanes, strict=True):
            assert one.figures["bytes"] == sum(row.bytes for row in one.footprint)
            assert one.vmas == one.figures["vmas"] == len(lane.world.vma)  # type: ignore[attr-defined]

    def test_refused_calls_come_first_where_not_all_fit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session_report, "OPERATIONS", 3)
        good = [Mmap(pid=1, span=Span(16 + 8 * n, 18 + 8 * n), prot="rw", kind="anon") for n in range(6)]
        bad = Mprotect(pid=1, span=Span(4, 5), prot="r")
        made = report(small([Spawn(pid=1, comm="a"), *good, bad], "anon_vma"))
        assert [one.position for one in made.operations] == [1, 2, 8]
        assert made.operations[-1].outcomes[0] is not None and "ENOMEM" in str(made.operations[-1].outcomes[0])
        assert "3 of 8 are listed" in "".join(html(made))

    def test_nothing_at_all_is_a_report_too(self) -> None:
        page = read("".join(html(report(small([], "anon_vma")))))
        assert "None yet." in page.text

    def test_a_long_curve_keeps_its_extremes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session_report, "CURVE_POINTS", 4)
        made = report(letter("anon_vma_chain"))
        whole = letter("anon_vma_chain").metric_rows(0, 7)[:, 0, 0]
        assert len(made.positions) == 4
        assert np.nanmax(made.values[:, 0, 0]) == whole.max() and np.nanmin(made.values[:, 0, 0]) == whole.min()


class TestCharts:
    def test_a_curve_is_steps(self) -> None:
        drawn = chart("t", np.arange(3), [np.array([0.0, np.nan, 4.0])], ["x"], ["dash"])
        (path,) = re.findall(r' d="([^"]+)"', drawn)
        assert path == "M58.0 164.0H450.0V10.0H450.0"
        assert 'stroke-dasharray="7 4"' in drawn

    def test_nothing_measured_draws_no_curve(self) -> None:
        assert "<path" not in chart("t", np.arange(2), [np.array([np.nan, np.nan])], ["x"], ["solid"])

    @pytest.mark.parametrize(
        ("value", "top"), [(0, 4), (4, 4), (5, 8), (13, 20), (1088, 1200), (4e6, 4e6), (4.1e6, 8e6)]
    )
    def test_the_axis_ends_at_a_round_number(self, value: float, top: float) -> None:
        assert nice_top(value) == top

    def test_long_numbers_are_short(self) -> None:
        assert [short(value) for value in (0, 850, 1200, 20_000, 3e6, 4e9)] == ["0", "850", "1.2k", "20k", "3M", "4G"]
