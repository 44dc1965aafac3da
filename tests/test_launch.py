"""Where the program starts: commands go to the command line, everything else to the window, which reads none of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rmapexplorer import cli, launch


def test_it_knows_every_command() -> None:
    assert sorted(launch.COMMANDS) == sorted(command.name for command in cli.COMMANDS)


@pytest.mark.parametrize("words", [["designs"], ["--help"], ["-h"], ["--version"]])
def test_words_for_the_command_line_open_no_window(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "window", lambda words: pytest.fail("a window was opened"))
    assert launch.main(words) == 0


@pytest.mark.parametrize("words", [[], ["a.rmap"], ["--theme", "dark"]])
def test_other_words_are_the_windows(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setattr(launch, "window", lambda words: given.append(words) or 7)
    assert launch.main(words) == 7 and given == [words]


def test_a_window_that_cannot_be_tried_is_left_to_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "window", lambda words: None)
    monkeypatch.setattr(cli, "main", lambda words: 5)
    assert launch.main(["a.rmap"]) == 5


def test_the_way_to_the_window_reads_no_command() -> None:
    code = "import sys, rmapexplorer.launch, rmapexplorer.gui.app; print('rmapexplorer.cli' in sys.modules, 'rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_ctrl_c_ends_it_and_opens_no_second_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from rmapexplorer.gui import app

    opened: list[object] = []

    def run(words: object) -> int:
        opened.append(words)
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "run", run)
    assert launch.main([]) == 130
    assert len(opened) == 1 and "cancelled" in capsys.readouterr().err
