"""The long trials in short: a few rounds of saving, a few windows that are killed."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from tests.soak import kills, rounds


def test_saving_at_random_moments(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    trial = rounds.run(12, 3, tmp_path / "files")
    assert trial.done["leave"] and trial.maker.made


@pytest.mark.parametrize("how", ["SIGKILL", "SIGHUP"])
def test_a_window_killed_at_a_random_moment(tmp_path: Path, how: str) -> None:
    assert kills.run(11, tmp_path, how, least=12).done >= 12
