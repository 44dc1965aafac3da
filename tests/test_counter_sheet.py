"""``run --counters``: every counter of every operation under every design, and the sums."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmapexplorer import batch, cli
from rmapexplorer.core.counters import COUNTERS
from rmapexplorer.core.operations import Exit, Fork, Mmap, Mremap, Reclaim, Spawn, Touch
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.counter_sheet import ROWS_HELD, CounterSheet
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.formats.session import Session, save_session

OPERATIONS = (
    Spawn(pid=1),
    Mmap(pid=1, span=Span(16, 20)),
    Touch(pid=1, runs=((16, 20, "w"),)),
    Fork(pid=1, child=2),
    Mremap(pid=2, span=Span(16, 18), new_pages=2, to=64),
    Fork(pid=1, child=2),
    Reclaim(pages=None),
    Exit(pid=2),
)
NAMES = [kind.key for kind in DESIGNS]


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = str(tmp_path / "s.rmap")
    save_session(Session(title="small", operations=OPERATIONS, position=0), path)
    return path


@pytest.fixture
def rows(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[dict[str, str]]]:
    monkeypatch.setenv("COLUMNS", "400")
    out = tmp_path / "counters.csv"
    assert cli.main(["run", file, "--counters", str(out), "--design", *NAMES]) == 0
    assert "refused" in capsys.readouterr().out  # the table is printed as without it
    yield list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))


def test_a_row_for_each_operation_and_design_and_one_for_the_sum(rows: list[dict[str, str]]) -> None:
    expected = [*map(str, range(1, len(OPERATIONS) + 1)), "total"]
    for name in NAMES:
        assert [row["operation"] for row in rows if row["design"] == name] == expected
    assert len(rows) == len(NAMES) * len(expected)
    assert rows[4]["text"] == "mremap(2, 10-12 → 40-42)"
    assert [row["outcome"] for row in rows[:9]] == [*["done"] * 5, "EEXIST", "done", "done", "1 refused"]


def test_all_counters_are_there_and_add_up(rows: list[dict[str, str]]) -> None:
    """Section 1.3: none is left out, and the total is the sum of what each operation added."""
    for name in NAMES:
        *each, total = (row for row in rows if row["design"] == name)
        for counter in COUNTERS:
            assert sum(int(row[counter]) for row in each) == int(total[counter]), (name, counter)


def test_live_objects_are_those_made_and_not_freed(rows: list[dict[str, str]]) -> None:
    """anonmm: one after spawn, two after fork, each 40 bytes; kinds of other designs are empty."""
    mine = [row for row in rows if row["design"] == "anonmm"]
    assert [row["anonmm: objects"] for row in mine] == ["1", "1", "1", *["2"] * 4, *["1"] * 2]
    assert [int(row["bytes"]) for row in mine] == [40 * int(row["objects"]) for row in mine]
    assert {row["anon_vma_chain: bytes"] for row in mine} == {""}
    made = 0
    for row in mine[:-1]:
        made += int(row["objs_alloc"]) - int(row["objs_free"])
        assert made == int(row["objects"])


def test_figures_known_from_the_letter(rows: list[dict[str, str]]) -> None:
    """The child moves two shared pages: anonmm (4e) copies both at the mremap, the others none."""
    copied = {row["design"]: row["copied_by_mremap"] for row in rows if row["operation"] == "5"}
    assert copied["anonmm"] == "2"
    assert {copied[name] for name in ("pte_chain", "anon_vma", "anon_vma_chain")} == {"0"}


def test_standard_output_is_csv_alone(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", file, "--counters", "-", "--design", "anonmm"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("operation,call,text,design,outcome,objs_alloc,")
    assert len(lines) == 1 + len(OPERATIONS) + 1


def test_rows_in_memory_are_few_and_begin_again() -> None:
    sheet = CounterSheet()
    rows = sheet.of("anonmm")
    operations = [Spawn(pid=1), *(Fork(pid=1, child=2 + at) for at in range(2 * ROWS_HELD + 5))]
    for _ in range(2):  # the second time as when memory did not suffice beside others
        rows.begin()
        done = batch.run("anonmm", Machine(), operations, lambda _done, _all: None, rows.each)
        assert len(rows._held) == 6
        rows.total(done)
    head, *lines, last = csv.reader(io.StringIO("".join(sheet.pieces())))
    sheet.close()
    assert [line[0] for line in lines] == [str(at + 1) for at in range(len(operations))]
    assert last[0] == "total" and head[-1] == "anonmm: bytes"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--counters", "-", "--json", "-"], 2, "standard output"),
        (["--counters", "/nowhere/x.csv"], 3, "does not exist"),
        (["--counters", ""], 3, "--counters"),
    ],
)
def test_trouble_is_one_sentence(
    file: str, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    assert cli.main(["run", file, *words]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err and err.count("\n") == 1
