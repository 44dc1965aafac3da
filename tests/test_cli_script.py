"""``rmapexplorer script``: a script becomes a session, a session a script; ``--set`` in every command that reads one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmapexplorer.cli import main
from rmapexplorer.formats.session import load_session

SCENARIO = Path(__file__).parents[1] / "resources" / "scenarios" / "the-letter-in-six-operations.rmap"
TEXT = "designs anonmm anon_vma_chain\nlet n = 2\nspawn 1\nmmap 1 16 pages at any rw\nrepeat n: fork 1\n"


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "a.rmaps"
    path.write_text(TEXT)
    return str(path)


def test_a_script_becomes_a_session(file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "a.rmap")
    assert main(["script", file, "-o", out, "--set", "n=7"]) == 0
    assert len(load_session(out).operations) == 9
    assert capsys.readouterr().out == f"{out}: 9 operations.\n"


def test_a_session_is_printed_as_a_script_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["script", str(SCENARIO)]) == 0
    text = capsys.readouterr().out
    assert "\nmremap 2 a18-a1c to a20\n" in text
    (tmp_path / "b").write_text(text)
    assert main(["script", str(tmp_path / "b"), "-o", str(tmp_path / "c.rmap")]) == 0
    assert load_session(str(tmp_path / "c.rmap")).operations == load_session(str(SCENARIO)).operations
    assert main(["script", str(SCENARIO), "-o", str(tmp_path / "d.rmaps")]) == 0
    assert (tmp_path / "d.rmaps").read_text() == text


def test_run_and_compare_take_settings(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", file, "--set", "n=0x4", "--json", "-"]) == 0
    worlds = json.loads(capsys.readouterr().out)
    assert '"operations": 6' in json.dumps(worlds)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["script", "{}", "--set", "n"], 2, "--set n: write it like --set n=1000"),
        (["run", "{}", "--set", "m=1"], 3, "has no line 'let m = ...'"),
        (["script", "{}x"], 3, "no such file"),
        (["script", "{}", "-o", "/nowhere/at/all.rmap"], 3, "cannot be written"),
    ],
)
def test_trouble_is_one_sentence(
    words: list[str], code: int, sentence: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.format(file) for word in words]) == code
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
