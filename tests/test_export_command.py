"""``rmapexplorer export``: what it writes, where it stops, and the sentence where it cannot."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from rmapexplorer.cli import main
from rmapexplorer.resources import resource

LETTER = str(resource("scenarios/the-letter-in-six-operations.rmap"))


def test_everything_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = {kind: str(tmp_path / f"out.{kind}") for kind in ("html", "dot", "graphml", "csv")}
    words = [word for kind, path in names.items() for word in (f"--{kind}", path)]
    assert main(["export", LETTER, *words, "--at", "3", "--design", "anon_vma_chain", "--design", "anonmm"]) == 0
    assert capsys.readouterr().out.count("after operation 3 of 6") == 4
    assert "after operation 3 of 6" in Path(names["html"]).read_text()
    assert Path(names["dot"]).read_text().startswith('digraph "The letter in six operations: anon_vma_chain')
    assert ET.parse(names["graphml"]).getroot().tag.endswith("graphml")
    rows = list(csv.reader(Path(names["csv"]).read_text().splitlines()))
    assert [row[0] for row in rows] == ["position", "0", "1", "2", "3"]
    assert rows[0][1:3] == ["anon_vma_chain bytes", "anonmm bytes"]


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        ([LETTER], 2, "say what to write"),
        ([LETTER, "--html", "{0}/x.html", "--at", "7"], 2, "positions 0 to 6"),
        ([LETTER, "--html", "{0}/x.html", "--at", "-1"], 2, "positions 0 to 6"),
        ([LETTER, "--html", "{0}/x.html", "--design", "nosuch"], 2, "nosuch"),
        (["{0}/none.rmap", "--csv", "{0}/x.csv"], 3, "none.rmap"),
        ([LETTER, "--dot", "{0}/no/x.dot"], 3, "does not exist"),
        ([LETTER, "--dot", "{0}"], 3, "is a directory"),
        ([LETTER, "--dot", "{0}/x.svg"], 3, "DOT would be written there, but .svg promises something else"),
        ([LETTER, "--csv", "{0}/x.html"], 3, "CSV would be written there"),
        ([LETTER, "--csv", "-", "--dot", "-"], 2, "only one file can have standard output"),
    ],
)
def test_trouble_is_one_sentence(
    words: list[str], code: int, part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *(word.format(tmp_path) for word in words)]) == code
    said = capsys.readouterr().err
    assert part in said and said.count("\n") == 1 and said.startswith("rmapexplorer: ")
    assert list(tmp_path.glob("x.*")) == []


@pytest.mark.parametrize(
    ("words", "start"),
    [(["export", LETTER, "--csv", "-"], "position,"), (["export", LETTER, "--dot", "-"], "digraph "),
     (["workload", "W1", "--small", "-o", "-"], '{\n"format": "rmapexplorer session"'),
     (["script", LETTER, "-o", "-"], '{\n"format": "rmapexplorer session"')],
)  # fmt: skip
def test_a_dash_is_standard_output(
    words: list[str], start: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out.startswith(start) and LETTER not in said.out and said.err == ""
    assert list(tmp_path.iterdir()) == []


def test_the_file_read_is_never_the_one_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine.rmap"
    mine.write_bytes(Path(LETTER).read_bytes())
    assert main(["export", str(mine), "--html", str(mine)]) == 3
    assert mine.read_bytes() == Path(LETTER).read_bytes()


def test_no_qt_is_needed(tmp_path: Path) -> None:
    code = "import sys; sys.modules['PySide6'] = None\nfrom rmapexplorer.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", LETTER, "--html", str(tmp_path / "x.html")],
        capture_output=True, text=True, timeout=60, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
