"""The recorded kernel in the status line and the vma table; the era of the calls in the Designs menu."""

from __future__ import annotations

from attrs import evolve
from pytestqt.qtbot import QtBot

from rmapexplorer.core.rules import ERAS
from rmapexplorer.engine.frames import KernelDifference
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.models.vmas import VmaModel
from rmapexplorer.gui.statusbar import StatusBar, kernel_text
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff
from tests.gui.shell import Shell, plain_views, settings, shell

__all__ = ["plain_views", "settings", "shell"]

OTHER = KernelDifference(
    level="vmas", where="P1 vma at a10", kernel="a10-a20 rw-p", ours="a10-a18 rw-p", spot=(2, 0xA10)
)


def test_the_status_line_says_whether_the_kernel_agrees(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.set_frame(ff.letter())
    assert bar.kernel.isHidden()
    bar.set_frame(ff.letter(kernel=()))
    assert not bar.kernel.isHidden() and bar.kernel.text() == f"Kernel 6.18: equal at step {ff.letter().position}"
    assert bar.kernel.property("role") == "good"
    bar.set_frame(ff.letter(kernel=(OTHER, OTHER)))
    assert bar.kernel.property("role") == "error"
    assert bar.kernel.text() == "Kernel 6.18 differs: vmas, P1 vma at a10 and 1 more"
    assert "kernel a10-a20 rw-p, ours a10-a18 rw-p" in bar.kernel.toolTip()
    assert kernel_text(evolve(ff.letter(kernel=()), position=0)) == "Kernel 6.18: recorded"


def test_the_vma_that_differs_is_marked() -> None:
    model, theme = VmaModel(), Themes().current
    model.set_theme(theme)
    model.set_frame(ff.letter(kernel=(OTHER,)), 2)
    row, span = model.row_with(0xA10), model.column("span")
    marked = [r for r in range(model.count()) if model.differs(r)]
    assert marked == [row]
    assert model.data(model.index(row, span), Role.ForegroundRole).name() == theme.color("bad").name()
    assert "kernel 6.18, vmas: a10-a20 rw-p; ours: a10-a18 rw-p" in model.data(model.index(row, span), Role.ToolTipRole)
    model.set_frame(ff.letter(kernel=(OTHER,)), 3)
    assert not any(model.differs(r) for r in range(model.count()))
    model.set_frame(ff.letter(kernel=()), 2)
    assert not model.differs(row)


def test_the_era_is_chosen_in_the_designs_menu(shell: Shell, qtbot: QtBot) -> None:
    calls = shell.window.menus.calls
    assert calls.menu.menuAction() in shell.window.actions_.menus["Designs"].actions()
    assert list(calls.items) == [rules.era for rules in ERAS]
    calls.items["2.6.34"].trigger()
    assert shell.engine.named("set_calls") == [("set_calls", "2.6.34")] and shell.window.files.modified
    assert [era for era, item in calls.items.items() if item.isChecked()] == ["6.18"]
    calls.items["6.18"].trigger()
    assert len(shell.engine.named("set_calls")) == 1
    shell.window.menus.set_frame(evolve(shell.window.frame, calls="2.6.34"))
    assert [era for era, item in calls.items.items() if item.isChecked()] == ["2.6.34"]
    assert calls.menu.title() == "&Calls of Linux 2.6.34"


def test_the_status_line_names_the_era(qtbot: QtBot) -> None:
    bar = StatusBar()
    qtbot.addWidget(bar)
    bar.set_frame(ff.letter(calls="4.0"))
    assert bar.rules.full_text().startswith("Linux 4.0 calls")
