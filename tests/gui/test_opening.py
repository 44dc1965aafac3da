"""What the window shows of a session while it loads, and of a file that holds many."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import SessionOpened
from rmapexplorer.formats.trace_session import split_path
from rmapexplorer.gui.window import MainWindow
from tests.gui import frame_factory
from tests.gui.real_window import at_rest, settings, window
from tests.gui.shell import Shell, shell

__all__ = ["settings", "shell", "window"]


CORPUS = str(Path(__file__).parents[1] / "data" / "traces" / "probes.json.gz")


def opened(shell: Shell, qtbot: QtBot, *frames: object, **changes: object) -> None:
    shell.engine.post(SessionOpened(generation=9, title="other", path=None, operations=9, **changes), *frames)
    shell.settle(qtbot)


def spot(shell: Shell) -> tuple[int, int]:
    return shell.window.selection.pid, shell.window.selection.vpn


def test_the_busiest_process_is_selected_while_a_session_loads_and_can_be_worked_with(
    shell: Shell, qtbot: QtBot
) -> None:
    loading = frame_factory.small(generation=9, busy=True)
    opened(shell, qtbot, loading)
    assert spot(shell) == (1, 0xA00)
    assert shell.engine.named("select")[-1] == ("select", 1, 0xA00)
    assert shell.window.actions_["fork"].isEnabled() and shell.window.actions_["mmap"].isEnabled()


def test_at_the_end_it_is_chosen_anew_but_not_over_the_users_choice(shell: Shell, qtbot: QtBot) -> None:
    loading = frame_factory.small(generation=9, busy=True)
    whole = evolve(frame_factory.letter(selected=False), generation=9)
    opened(shell, qtbot, loading)
    shell.engine.post(whole)
    shell.settle(qtbot)
    led = spot(shell)
    assert led[0] in whole.tasks.pid.tolist() and led != (1, 0xA00)
    shell.engine.post(SessionOpened(generation=10, title="x", path=None, operations=9), evolve(loading, generation=10))
    shell.settle(qtbot)
    shell.window.selection.select(1, 0xA11)
    shell.engine.post(evolve(whole, generation=10))
    shell.settle(qtbot)
    assert spot(shell) == (1, 0xA11)


def test_a_selection_of_the_session_itself_is_not_overruled(shell: Shell, qtbot: QtBot) -> None:
    opened(shell, qtbot, frame_factory.small(generation=9, busy=True), selection=(2, 0xC42))
    assert spot(shell) == (0, -1), "its process is not there yet"
    assert not [call for call in shell.engine.named("select") if call[1] == 1]
    shell.engine.post(evolve(frame_factory.letter(), generation=9))
    shell.settle(qtbot)
    assert spot(shell) == (2, 0xC42)


def test_of_a_file_with_many_traces_it_is_said_which_is_open_and_the_others_are_a_step_away(
    qtbot: QtBot, window: MainWindow
) -> None:
    window.files.open(CORPUS)
    qtbot.waitUntil(lambda: len(window.siblings) > 1, timeout=20_000)
    at_rest(qtbot, window)
    names = [split_path(path)[1] for path in window.siblings]
    notice = window.messagebar.notice
    assert notice is not None
    assert notice.text.startswith(f"{names[0]} is open: trace 1 of the {len(names):,} in ")
    assert window.messagebar.offer_button.isVisible() and window.messagebar.offer_button.text() == "Choose another…"
    for id_, expected in (("trace_next", names[1]), ("trace_previous", names[0]), ("trace_previous", names[-1])):
        with qtbot.waitSignal(window.bridge.opened, timeout=20_000) as told:
            window.actions_[id_].trigger()
        assert told.args is not None and told.args[0].title == expected
        at_rest(qtbot, window)
    assert f"trace {len(names):,} of the {len(names):,}" in window.messagebar.notice.text


def test_one_session_has_no_traces_to_step_through(window: MainWindow) -> None:
    assert not window.actions_["trace_next"].isEnabled()
    assert "no other kernel trace" in window.actions_["trace_next"].toolTip()
