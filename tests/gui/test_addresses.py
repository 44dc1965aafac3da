"""Byte addresses or page numbers: one choice, in all that the window shows, reads and copies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Munmap
from rmapexplorer.core.places import BYTES, PAGES
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Notice
from rmapexplorer.gui import copy_text, places
from rmapexplorer.gui.memory_style import tooltip
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]

RECORDING = str(Path(__file__).parents[1] / "data" / "recordings" / "shell-pipeline.perf.txt.gz")


@pytest.fixture(autouse=True)
def pages_again() -> Iterator[None]:
    yield
    places.show(PAGES)


def words(window: MainWindow, name: str) -> str:
    return " ".join(label.text() for label in window.views[name].findChildren(QLabel))


def test_the_choice_reaches_every_view_and_what_is_copied(qtbot: QtBot, window: MainWindow) -> None:
    views = window.views
    assert views["vmas"].model.index(0, 0).data() == "a10-a18" and window.actions_["addresses_pages"].isChecked()
    window.actions_["addresses_bytes"].trigger()
    at_rest(qtbot, window)
    views, frame = window.views, window.frame
    assert frame is not None
    assert views["vmas"].model.index(0, 0).data() == "00a10000-00a18000"
    shown = " ".join(str(views["history"].model.index(row, 1).data()) for row in range(7))
    assert "00a10000-00a20000" in shown and " a10-a20" not in shown
    assert {node.title for node in views["structures"].picture.structure.nodes if node.rank == 2} >= {
        "00a10000-00a20000"
    }
    assert "00a" in tooltip(frame, 0, 0, 0xA11) and "page at 0xa11000" in tooltip(frame, 0, 0, 0xA11)
    assert "page at 0xa22000" in window.selection_text({})
    assert copy_text.plain(frame, 1, [0], False).startswith("00a10000-00a20000 ")
    assert "0xa22000" in views["inspector"].panel.hint()
    window.show_notice(Notice(level="refused", text="nothing is mapped at page a10"))
    assert window.messagebar.text.text() == "nothing is mapped at 0xa10000"
    window.actions_["addresses_pages"].trigger()
    at_rest(qtbot, window)
    assert window.views["vmas"].model.index(0, 0).data() == "a10-a18"


def test_forms_show_the_one_and_read_both(qtbot: QtBot, window: MainWindow) -> None:
    window.actions_["addresses_bytes"].trigger()
    window.selection.select(1, 0xA11)
    at_rest(qtbot, window)
    window.actions_["munmap"].trigger()
    form = window.commands.form
    assert form is not None
    line = form.lines["span"].editor
    assert line.start.text() == "00a10000"
    for typed in ("00a10000", "0xa10000", "pa10", "page a10"):
        line.start.setText(typed)
        assert form.operations() == [Munmap(pid=1, span=Span(0xA10, 0xA20))]
    line.start.setText("a10")
    form.submit()
    assert "write pa10" in " ".join(label.text() for label in form.findChildren(QLabel))


def test_a_recording_begins_with_bytes_and_what_was_chosen_for_a_file_is_kept(qtbot: QtBot, window: MainWindow) -> None:
    for expected in (BYTES, PAGES):
        with qtbot.waitSignal(window.bridge.opened, timeout=20_000):
            window.bridge.open(RECORDING)
        assert places.shown().kind == expected
        at_rest(qtbot, window, limit=60_000)
        window.actions_["addresses_pages"].trigger()
        at_rest(qtbot, window, limit=60_000)
