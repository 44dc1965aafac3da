"""The curves that the window exports are those of the terminal, byte for byte, and end in the figures of ``run``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.cli import main
from rmapexplorer.core.metrics import KEYS
from rmapexplorer.engine import grid
from rmapexplorer.gui.settings import Settings
from rmapexplorer.resources import resource
from tests.gui.shell import settings
from tests.gui.window_csv import export_curves, opened, wait_for_session

__all__ = ["settings"]

RECORDING = Path(__file__).parent.parent / "data" / "recordings" / "shell-pipeline.perf.txt.gz"


@pytest.fixture
def file(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The letter, a fork server, or a recording."""
    if request.param == "letter":
        return str(resource("scenarios/the-letter-in-six-operations.rmap"))
    if request.param == "recording":
        return str(RECORDING)
    path = str(tmp_path / "server.rmap")
    assert main(["workload", "fork-server", "--children", "12", "-o", path]) == 0
    return path


@pytest.mark.parametrize("file", ["letter", "fork server", "recording"], indirect=True)
def test_window_and_terminal_agree(
    file: str, tmp_path: Path, qtbot: QtBot, settings: Settings, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grid, "MOST", 32)  # so that all but the letter have too many operations for a probe each
    names = ["window-1.csv", "window-2.csv", "terminal.csv"]
    written = [tmp_path / name for name in names]
    with opened(settings, file) as window:
        wait_for_session(window)
        assert export_curves(window, str(written[0])) == ""
        window.bridge.seek(3)  # where the cursor has been makes no difference
        window.bridge.seek(2)
        assert export_curves(window, str(written[1])) == ""
    assert main(["export", file, "--csv", str(written[2])]) == 0
    texts = [path.read_bytes() for path in written]
    assert texts[0] == texts[1] == texts[2]
    rows = list(csv.DictReader(texts[2].decode().splitlines()))
    assert main(["run", file, "--json", str(tmp_path / "run.json")]) == 0
    found = json.loads((tmp_path / "run.json").read_text())["designs"]
    assert int(rows[-1]["position"]) == len(rows) - 1 == found["anonmm"]["operations"]
    for design, told in found.items():
        assert {key: rows[-1][f"{design} {key}"] for key in KEYS} == {key: str(told["figures"][key]) for key in KEYS}, (
            design
        )
        probed = [row["position"] for row in rows if row[f"{design} probe_nodes"]]
        assert probed == [row["position"] for row in rows if row["anonmm probe_missed"]]
        assert len(probed) == len(rows) if len(rows) <= 33 else 16 <= len(probed) <= 34
