"""Forms know what was just made or marked, and nothing runs behind an open one."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Mmap
from rmapexplorer.core.units import Span
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]


def span_of(window: MainWindow) -> Any:
    form = window.commands.form
    assert form is not None
    return form.lines["span"].editor.value()


def test_touch_after_mmap_is_about_the_new_vma(window: MainWindow, qtbot: QtBot) -> None:
    window.submit([Mmap(pid=1, span=Span(0xB00, 0xB08))])
    at_rest(qtbot, window, 6)
    assert (window.selection.pid, window.selection.vpn) == (1, 0xB00)
    window.actions_["touch"].trigger()
    assert span_of(window) == Span(0xB00, 0xB08)


def test_with_the_process_alone_selected_the_form_is_about_its_newest_vma(window: MainWindow, qtbot: QtBot) -> None:
    window.submit([Mmap(pid=1, span=Span(0xB00, 0xB08))])
    at_rest(qtbot, window, 6)
    window.selection.select(1)
    window.actions_["touch"].trigger()
    assert span_of(window) == Span(0xB00, 0xB08)


@pytest.mark.parametrize("action", ["touch", "munmap", "mprotect", "madvise_dontneed"])
def test_forms_take_the_marked_span_of_its_process(window: MainWindow, qtbot: QtBot, action: str) -> None:
    scene = window.views["memory_map"].canvas.scene
    scene.span = (0, 0xA12, 0xA15)  # Shift-drag over the strip of the first process
    assert window.selection.pid == 2
    window.actions_[action].trigger()
    form = window.commands.form
    assert form is not None and form.lines["pid"].editor.value() == 1
    assert span_of(window) == Span(0xA12, 0xA15)


def test_fork_with_a_form_open_takes_its_place_and_does_not_run(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["touch"].trigger()
    first = window.commands.form
    window.toolbar.buttons["fork"].click()
    form = window.commands.form
    assert form is not None and form is not first and form.key == "fork"
    assert first is None or not first.isVisible()
    qtbot.wait(100)
    assert window.position == 5 and window.head == 6, "nothing ran"
    form.submit()
    at_rest(qtbot, window, 6)
