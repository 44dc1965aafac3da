"""What a file says reaches a terminal as letters: no escape sequence, no second line, no direction mark."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from rmapexplorer import plain, terminal
from rmapexplorer.cli import main
from rmapexplorer.counter_sheet import CounterSheet
from rmapexplorer.formats.errors import FormatError
from rmapexplorer.plain import inert, tab_separated, visible

EVIL = "\x1b[2J\x1b]0;pwned\x07\x1b]8;;http://evil\x1b\\click\u202egnp\x9b31m\r"
ACTING = set("\x1b\x07\u202e\x9b\r\x7f\x08")


def session(folder: Path, **more: object) -> str:
    path = folder / "evil.rmap"
    operations: list[object] = [
        {"op": "spawn", "pid": 1, "comm": EVIL},
        {"op": "mmap", "pid": 1, "span": [16, 20], "label": EVIL, "kind": "file-shared", "file": EVIL},
        {"op": "touch", "pid": 1, "runs": [[16, 18, "w"]]},
    ]
    data = {
        "format": "rmapexplorer session", "version": 1, "title": EVIL, "machine": {"files": {EVIL: 12}},
        "designs": ["pte_chain", "anonmm"], "position": 3, "operations": operations,
        "notes": [[1, EVIL]], **more,
    }  # fmt: skip
    path.write_text(json.dumps(data))
    return str(path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain, 日本", "plain, 日本"), ("\x1b[2J", "\\x1b[2J"), ("a\nb\tc", "a\\nb\\tc"), ("\x9b\x7f", "\\x9b\\x7f"),
     ("\u202ex\u2028", "\\u202ex\\u2028"), ("\ud800", "\\ud800")],
)  # fmt: skip
def test_what_acts_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible("a\n\tb", lines=True) == "a\n\tb"


@pytest.mark.parametrize("cell", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1", "-A1"])
def test_a_cell_that_is_a_formula_is_made_text(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "bash", "-12", "+3.5", "-1,234", "---p", "-", "r-xp", "a10", "libc=2"])
def test_other_cells_stay(cell: str) -> None:
    assert inert(cell) == cell


def test_a_run_that_grows_too_large_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "MOST_MEMORY", -1 << 30)
    path = tmp_path / "x.rmaps"
    path.write_text("spawn 1\nrepeat 40: mmap 1 1 pages at any rw\n")
    assert main(["run", str(path)]) == 3
    assert "at operation 0 the worlds need more memory than 500 MB allow" in capsys.readouterr().err


@pytest.mark.parametrize("cell", ["+", "-", "=", "-3.2e-05", "1e+06", "+1,234", "−5"])
def test_a_sign_and_a_number_stay(cell: str) -> None:
    assert inert(cell) == cell


def test_cells_of_a_copied_table_hold_nothing_that_acts() -> None:
    rows = [["=1+1", 2, None], ["a\tb\r\nc", "@x", -1.5]]
    assert tab_separated(rows) == "'=1+1\t2\t\na b  c\t'@x\t-1.5"


def test_tables_are_written_in_one_way() -> None:
    source = Path(plain.__file__).parent
    wrote = [path.name for path in source.rglob("*.py") if re.search(r"""["']\\t["']\.join""", path.read_text())]
    assert wrote == ["plain.py"]


def test_the_counter_sheet_has_no_formulas() -> None:
    sheet = CounterSheet()
    sheet.of("@y").put({"operation": 1, "text": "=1+1", "design": "@y"})
    assert ",'=1+1,'@y," in "".join(sheet.pieces())
    sheet.close()


def test_a_sentence_is_one_line() -> None:
    assert str(FormatError("a\nb\x1b: is empty.")) == "a\\nb\\x1b: is empty."


@pytest.mark.parametrize("words", [["run"], ["compare"], ["script"], ["export", "--html", "/dev/null"]])
def test_titles_and_names_are_letters(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([words[0], session(tmp_path), *words[1:]])
    said = capsys.readouterr()
    assert said.out and not ACTING & set(said.out + said.err)


@pytest.mark.parametrize("words", [["--json", "-"], ["--counters", "-"]])
def test_data_on_a_terminal_too(words: list[str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "rmapexplorer", "run", session(tmp_path), *words]
    done = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**os.environ, "NO_COLOR": "1", "TERM": "dumb"})
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 1 << 16):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert done.wait() == 0 and b"pwned" not in shown.replace(b"\\u0007", b"").partition(b"\x1b]")[2]
    assert not (ACTING - set("\r")) & set(shown.decode())


@pytest.mark.parametrize(
    "words",
    [["run", "{}/no\nsuch\x1b[2J.rmap"], ["verify", "{}/no\nsuch\x1b[2J.json"], ["run", "--nosuch\n\x1b[2J"],
     ["run", "{}/bad\n\x1b[2J"], ["verify", "{}/bad\n\x1b[2J"]],
)  # fmt: skip
def test_a_file_name_is_one_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad\n\x1b[2J").write_text('{"\x1b]0;x\x07')
    code = main([word.format(tmp_path) for word in words])
    said = capsys.readouterr()
    complaint = said.err[said.err.index("rmapexplorer") :] if code == 3 else said.err.splitlines()[-1] + "\n"
    assert code in (2, 3) and said.out == "" and complaint.count("\n") == 1 and not ACTING & set(said.err)


def test_tables_are_shown_as_letters(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=EVIL, caption=EVIL)
    table.add_column(EVIL, footer=EVIL)
    table.add_row(EVIL)
    terminal.show(table, EVIL)
    out = capsys.readouterr().out
    assert not ACTING & set(out) and "pwned" in out
