"""Every item model of the real window under Qt's own model tester, while operations, seeks and filters run over it."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

from PySide6.QtCore import QAbstractItemModel
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

import rmapexplorer.gui
from rmapexplorer.core.operations import Fork, Mmap, Munmap, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.engine.state_diff import DiffRow
from rmapexplorer.gui.breakpoints_dialog import BreakpointsModel
from rmapexplorer.gui.diff_window import DiffModel
from rmapexplorer.gui.models.base import TableModel
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.window import MainWindow
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]

IN_DIALOGS = {
    "PressureModel": "tests/gui/test_pressure_window.py",
    "RowList": "tests/gui/test_palette.py",
    "DiffModel": "tests/gui/test_real_models.py",
    "BreakpointsModel": "tests/gui/test_real_models.py",
}
"""Models that live in windows opened on demand -> the test that puts them under the tester."""


def model_classes() -> set[type]:
    """Every concrete model the gui defines."""
    found: set[type] = set()
    for info in pkgutil.walk_packages(rmapexplorer.gui.__path__, "rmapexplorer.gui."):
        if ".bench" in info.name:
            continue
        for _, kind in inspect.getmembers(import_module(info.name), inspect.isclass):
            if issubclass(kind, QAbstractItemModel) and kind.__module__.startswith("rmapexplorer"):
                found.add(kind)
    return {kind for kind in found if kind is not TableModel}


def make_all(window: MainWindow) -> None:
    """Views that wait to be looked at too."""
    for view in window.views.values():
        assert getattr(view, "view", view) is not None


def test_every_model_keeps_qts_rules_while_the_session_changes(window: MainWindow, qtbot: QtBot) -> None:
    make_all(window)
    models = [m for m in window.findChildren(QAbstractItemModel) if type(m).__module__.startswith("rmapexplorer")]
    testers = [QAbstractItemModelTester(m, QAbstractItemModelTester.FailureReportingMode.Fatal) for m in models]
    assert len(testers) >= 8
    window.submit([Mmap(pid=1, span=Span(0x400, 0x500)), Touch(pid=1, runs=((0x400, 0x480, "w"),))], "two")
    at_rest(qtbot, window)
    window.submit([Fork(pid=1, child=20 + n) for n in range(30)], "forks")
    at_rest(qtbot, window)
    window.submit([Munmap(pid=20, span=Span(0x410, 0x420))], "one")
    at_rest(qtbot, window)
    for position in (3, 0, 12, window.head):
        window.bridge.seek(position)
        at_rest(qtbot, window, position)
    window.bridge.view("anonmm")
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.view == "anonmm", timeout=10_000)
    window.selection.select(20, 0x410)
    at_rest(qtbot, window)
    window.bridge.new_blank()
    at_rest(qtbot, window, 1)
    assert testers


def test_no_model_is_forgotten(window: MainWindow) -> None:
    make_all(window)
    at_hand = {type(m) for m in window.findChildren(QAbstractItemModel)}
    missing = {kind.__name__ for kind in model_classes() - at_hand}
    assert missing <= set(IN_DIALOGS), f"put these under the tester: {sorted(missing - set(IN_DIALOGS))}"
    for name in missing:
        from pathlib import Path

        source = Path(__file__).parents[2] / IN_DIALOGS[name]
        assert "ModelTester" in source.read_text(encoding="utf-8") or "qtmodeltester" in source.read_text(
            encoding="utf-8"
        ), f"{IN_DIALOGS[name]} does not test {name}"


def test_models_of_windows_opened_on_demand(settings: Settings) -> None:
    breakpoints, differences = BreakpointsModel(settings), DiffModel()
    testers = [
        QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
        for model in (breakpoints, differences)
    ]
    before = breakpoints.rowCount()
    breakpoints.add("walk visits > 100")
    breakpoints.add("nonsense")
    breakpoints.switch(before)
    assert breakpoints.rowCount() == before + 2 and not breakpoints.on(before)
    assert breakpoints.trouble(before + 1) and not breakpoints.trouble(before)
    breakpoints.remove(before)
    assert breakpoints.text(before) == "nonsense"
    rows = tuple(DiffRow(kind=kind, sign="+", what=kind, before="", after="1") for kind in ("vma", "process", "vma"))
    differences.set_rows(rows, "")
    assert differences.rowCount() == 3
    differences.set_rows(rows, "process")
    assert differences.rowCount() == 1
    assert len(testers) == 2
