"""Designs > Machine…: RAM, swap and vm.max_map_count are shown and changed; inspector and lists say how close a process is."""

from __future__ import annotations

from attrs import evolve
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Mmap, Mprotect
from rmapexplorer.core.units import Machine, Span
from rmapexplorer.gui.machine_dialog import MachineDialog
from rmapexplorer.gui.window import MainWindow
from tests.gui import frame_factory as ff
from tests.gui.real_window import at_rest, window
from tests.gui.shell import Shell, plain_views, settings, shell

__all__ = ["plain_views", "settings", "shell", "window"]


def dialog_of(shell: Shell, machine: Machine) -> MachineDialog:
    shell.window.bridge.frame.emit(evolve(shell.window.frame, machine=machine))
    shell.window.commands.run("machine", {})
    found = shell.window.findChild(MachineDialog)
    assert found is not None and found.isVisible()
    return found


def test_the_menu_opens_the_machine_of_the_session(shell: Shell, qtbot: QtBot) -> None:
    assert shell.window.actions_["machine"] in shell.window.actions_.menus["Designs"].actions()
    dialog = dialog_of(shell, Machine(ram_pages=4096, max_map_count=65530))
    assert {name: line.text() for name, line in dialog.lines.items()} == {
        "ram_pages": "4096", "swap_pages": "", "max_map_count": "65530",
    }  # fmt: skip
    assert dialog.notes["ram_pages"].text() == "pages; 16.0 MiB"
    assert dialog.notes["max_map_count"].text() == "vmas of a process; Linux 6.18 has 65,530"
    button = dialog.buttons.button(QDialogButtonBox.StandardButton.Apply)
    assert not button.isEnabled()
    dialog.lines["max_map_count"].setText("100")
    dialog.lines["ram_pages"].clear()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert shell.engine.named("set_machine") == [("set_machine", {"ram_pages": None, "max_map_count": 100})]
    assert shell.window.files.modified


def test_what_is_no_number_is_said_and_not_applied(shell: Shell) -> None:
    dialog = dialog_of(shell, Machine())
    for wrong in ("0", "-5", "99999999999", "many"):
        dialog.lines["max_map_count"].setText(wrong)
        dialog.apply()
        assert dialog.notes["max_map_count"].text() == "a whole number of vmas, 1 or more; empty: no limit"
        assert not dialog.buttons.button(QDialogButtonBox.StandardButton.Apply).isEnabled()
    assert not shell.engine.named("set_machine")


def test_it_follows_the_session_where_nobody_is_typing(shell: Shell) -> None:
    dialog = dialog_of(shell, Machine(max_map_count=65530))
    dialog.lines["ram_pages"].setText("77")
    machine = Machine(calls="2.6.7", max_map_count=65536)
    shell.window.bridge.frame.emit(evolve(shell.window.frame, machine=machine))
    assert dialog.lines["max_map_count"].text() == "65536" and dialog.lines["ram_pages"].text() == "77"
    assert "Linux 2.6.7 has 65,536" in dialog.notes["max_map_count"].text()


def test_the_list_of_processes_says_the_limit() -> None:
    from rmapexplorer.gui.models.tasks import TaskTreeModel

    model = TaskTreeModel()
    model.set_frame(ff.letter(machine=Machine(max_map_count=65530)))
    tip = model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert " of 65,530, " in tip


def test_a_limit_set_in_the_window_is_kept_to_at_once(window: MainWindow, qtbot: QtBot) -> None:
    at_rest(qtbot, window)
    assert window.frame is not None
    window.bridge.new_blank()
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.position == 1 and not window.frame.busy)
    assert window.frame.machine.max_map_count == 65530
    window.commands.run("machine", {})
    dialog = window.findChild(MachineDialog)
    assert dialog is not None
    dialog.lines["max_map_count"].setText("2")
    dialog.apply()
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.machine.max_map_count == 2)
    ops = [Mmap(pid=1, span=Span(16, 24)), Mprotect(pid=1, span=Span(18, 19), prot="r")]
    window.bridge.submit(ops)
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.position == 3 and not window.frame.busy)
    outcome = window.frame.designs[0].outcome
    assert outcome is not None and outcome.error == "ENOMEM"
    assert outcome.rule == "vm.max_map_count (2) reached: 2 vmas"
    window.selection.select(1, -1)
    qtbot.waitUntil(lambda: "2 of 2" in window.views["inspector"].process.text())
