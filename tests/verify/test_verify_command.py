"""The command ``verify``: exit codes, output, JSON, and traces of our own."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from rmapexplorer.cli import main
from rmapexplorer.verify.trace import load_traces

TRACES = Path(__file__).parents[1] / "data" / "traces"
RECORDING = Path(__file__).parents[1] / "data" / "recordings" / "shell-pipeline.perf.txt.gz"


def test_agreement_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    """Traces and recordings together: "N of N traces agree"."""
    assert main(["verify", str(TRACES / "probes.json.gz"), str(RECORDING)]) == 0
    assert capsys.readouterr().out.strip() == "31 of 31 traces agree"


def test_a_difference_is_exit_code_1_and_shows_both_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first step and field that differ, with the kernel's value and ours."""
    corpus = json.loads(gzip.decompress((TRACES / "probes.json.gz").read_bytes()))
    corpus["traces"][0]["steps"][0]["err"] = "EPERM"
    path = tmp_path / "spoiled.json"
    path.write_text(json.dumps(corpus))
    assert main(["verify", str(path), "--json", str(tmp_path / "out.json")]) == 1
    out = capsys.readouterr().out
    assert "kernel EPERM" in out and "ours   None" in out and "29 of 30 traces agree" in out
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["agree"] == 29 and found["traces"][0]["differences"][0]["level"] == "result"


def test_our_own_traces_are_traces(tmp_path: Path) -> None:
    """--emit writes the format it reads, and replaying them agrees."""
    ours = tmp_path / "ours.json.gz"
    assert main(["verify", str(TRACES / "cow.json.gz"), "--emit", str(ours)]) == 0
    assert len(load_traces(str(ours))) == 30
    assert main(["verify", str(ours)]) == 0


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["verify", "/nowhere.json"], 3, "no such file"),
        (["verify", str(TRACES / "cow.json.gz"), "--design", "pte_chain"], 2, "cannot be compared"),
        (["verify", str(TRACES / "cow.json.gz"), "--design", "x"], 2, "there is no design"),
    ],
)
def test_trouble_is_one_sentence(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing files, designs that a trace does not show."""
    assert main(words) == code
    assert sentence in capsys.readouterr().err


def test_two_processes_find_what_one_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Traces, a recording and a difference: text, JSON and our own traces are the same."""
    corpus = json.loads(gzip.decompress((TRACES / "probes.json.gz").read_bytes()))
    corpus["traces"][25]["steps"][0]["err"] = "EPERM"
    spoiled = tmp_path / "spoiled.json"
    spoiled.write_text(json.dumps(corpus))
    found = []
    for jobs in ("1", "2"):
        out, ours = tmp_path / f"{jobs}.out", tmp_path / f"{jobs}.json"
        words = ["verify", str(spoiled), str(TRACES / "cases.json.gz"), str(RECORDING), "--jobs", jobs]
        assert main([*words, "--json", str(out), "--emit", str(ours)]) == 1
        found.append((capsys.readouterr().out, out.read_text(), ours.read_text()))
    assert found[0] == found[1]
    assert "kernel EPERM" in found[0][0] and len(json.loads(found[0][2])["traces"]) > 30


def test_trouble_of_a_later_file_is_its_sentence_in_two_processes_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{")
    said = []
    for jobs in ("1", "2"):
        assert (
            main(["verify", str(TRACES / "cases.json.gz"), str(TRACES / "probes.json.gz"), str(bad), "--jobs", jobs])
            == 3
        )
        said.append(capsys.readouterr().err)
    assert said[0] == said[1] and said[0].count("\n") == 1
