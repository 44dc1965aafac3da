"""The program as it is started: pictures, sentences instead of tracebacks, reports; and the real engine in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMessageLogContext, QtMsgType, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer import usage
from rmapexplorer.core.operations import KINDS
from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.engine.engine import Engine
from rmapexplorer.engine.frames import Frame, Notice
from rmapexplorer.gui import app
from rmapexplorer.gui.actions import ACTIONS
from rmapexplorer.gui.bridge import Bridge
from rmapexplorer.gui.operations import FORMS
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.style import BASE_POINTS
from rmapexplorer.gui.theme import Themes, mono
from rmapexplorer.gui.trouble import Trouble
from rmapexplorer.gui.window import MainWindow, restore
from rmapexplorer.resources import resource
from tests.gui.shell import FakeDialogs, settings

__all__ = ["settings"]

START = "import sys; from rmapexplorer.gui.app import run; sys.exit(run(sys.argv[1:]))"


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a process of its own, without a screen."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, "-c", START, *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(app.__file__).parents[2],
    )


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_picture_of_the_window_without_a_screen(theme: str, tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    done = start("--screenshot", str(path), "--size", "1280x800", "--theme", theme)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    picture = QImage(str(path))
    assert (picture.width(), picture.height()) == (1280, 800)
    colours = {picture.pixelColor(x, y).name() for x in range(0, 1280, 5) for y in range(0, 800, 5)}
    assert len(colours) > 40, "nothing was drawn"
    assert picture.pixelColor(3, 795).name() == Themes(theme).current.color("bg").name()


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    done = start("--screenshot", str(tmp_path / "nowhere" / "out.png"))
    assert done.returncode == 3
    assert "\nrmapexplorer: the folder of" in f"\n{done.stderr}"
    assert "Traceback" not in done.stderr


def test_a_picture_of_a_damaged_file_is_one_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.rmap"
    damaged.write_text("{")
    done = start(str(damaged), "--screenshot", str(tmp_path / "out.png"))
    assert done.returncode == 3
    assert "damaged.rmap" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_without_a_screen_the_window_says_so() -> None:
    done = start()
    assert done.returncode == 4
    assert "no screen" in done.stderr


@pytest.mark.parametrize("screen", [{"DISPLAY": ":4711"}, {"WAYLAND_DISPLAY": "wayland-4711"}])
def test_a_screen_that_does_not_answer_is_one_sentence(screen: dict[str, str]) -> None:
    done = start(**screen)
    assert done.returncode == 4, "Qt ends the process with a core dump"
    assert done.stderr.startswith("rmapexplorer: the screen ") and done.stderr.count("\n") == 1
    assert next(iter(screen.values())) in done.stderr


def test_a_system_without_a_font_is_one_sentence(tmp_path: Path) -> None:
    nothing = tmp_path / "fonts.conf"
    nothing.write_text("<fontconfig></fontconfig>")
    done = start("--screenshot", str(tmp_path / "out.png"), FONTCONFIG_FILE=str(nothing), QT_QPA_FONTDIR=str(tmp_path))
    assert done.returncode == 4, "every letter would be a box"
    assert "there is no font" in done.stderr and "fonts-dejavu-core" in done.stderr
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("text", ["big", "100x100", "1440", "9999x900", "1440x"])
def test_a_size_that_is_none_is_a_usage_error(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        usage.window_parser().parse_args(["--size", text])
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


@pytest.fixture
def window(qtbot: QtBot, settings: Settings) -> Iterator[MainWindow]:
    """The real window with the real engine and the letter's scenario."""
    bridge = Bridge(Engine(), tuple(DESIGNS))
    made = MainWindow(bridge, settings, Themes("dark"), FakeDialogs())
    bridge.start()
    made.show()
    bridge.open(str(resource(app.SCENARIO)))
    qtbot.waitUntil(lambda: made.frame is not None and not made.frame.busy, timeout=20_000)
    yield made
    bridge.stop()
    made.files._clean = made.bridge.revision
    made.close()
    made.deleteLater()


def test_a_file_that_cannot_be_opened_at_the_start_leaves_the_scenario_and_its_sentence(
    qtbot: QtBot, settings: Settings, tmp_path: Path, qapp: QApplication
) -> None:
    (tmp_path / "damaged.rmap").write_text("{")
    made = app.make_window(qapp, settings, usage.window_parser().parse_args([str(tmp_path / "damaged.rmap")]))
    try:
        qtbot.waitUntil(lambda: made.frame is not None and not made.frame.busy, timeout=20_000)
        assert made.head == 6
        assert made.messagebar.notice is not None
        assert made.messagebar.notice.level == "error"
        assert "damaged.rmap" in made.messagebar.notice.text
    finally:
        made.bridge.stop()
        assert made.trouble is not None
        made.trouble.uninstall()
        made.close()
        made.deleteLater()


def test_a_script_given_at_the_start_keeps_its_text(
    qtbot: QtBot, settings: Settings, tmp_path: Path, qapp: QApplication
) -> None:
    text = 'spawn 1 "s"\nrepeat 3: fork 1 -> new'
    (tmp_path / "mine.rmaps").write_text(text)
    made = app.make_window(qapp, settings, usage.window_parser().parse_args([str(tmp_path / "mine.rmaps")]))
    try:
        qtbot.waitUntil(lambda: made.frame is not None and not made.frame.busy and made.head == 4, timeout=20_000)
        made.menus._to_panel("script")
        qtbot.waitUntil(lambda: made.views["script"].editor.toPlainText() == text, timeout=5000)
    finally:
        made.bridge.stop()
        assert made.trouble is not None
        made.trouble.uninstall()
        made.close()
        made.deleteLater()


def frame(window: MainWindow) -> Frame:
    assert window.frame is not None
    return window.frame


def at(window: MainWindow, qtbot: QtBot, position: int) -> Frame:
    """The frame of a position, once it is shown."""
    qtbot.waitUntil(lambda: window.position == position and not frame(window).busy, timeout=20_000)
    return frame(window)


def test_it_opens_just_after_the_mremap_with_the_moved_page_selected(window: MainWindow) -> None:
    now = frame(window)
    assert now.op_text.startswith("mremap(")
    assert now.position == now.head - 1
    assert len(now.designs) == 4
    assert (
        now.detail is not None and now.detail.walk is not None and now.detail.walk.hits == now.detail.walk.mapped >= 2
    )
    assert (window.selection.pid, window.selection.vpn) == (now.detail.pid, now.detail.vpn)
    assert not window.files.modified
    assert window.files.path is None


def test_fork_at_once_and_undo_and_branch(window: MainWindow, qtbot: QtBot) -> None:
    start_at, tasks = window.position, len(frame(window).tasks.pid)
    window.actions_["fork"].trigger()
    assert len(at(window, qtbot, start_at + 1).tasks.pid) == tasks + 1
    assert window.files.modified
    window.actions_["undo"].trigger()
    assert len(at(window, qtbot, start_at).tasks.pid) == tasks
    assert len(frame(window).branches) == 2


def test_a_form_runs_against_the_real_kernel_and_marks_what_it_refuses(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["mremap_fixed"].trigger()
    form = window.commands.form
    assert form is not None
    span = form.lines["span"].editor.value()
    form.lines["to"].editor.set_value(span.start + 1)
    form.submit()
    qtbot.waitUntil(lambda: any(line.marked for line in form.lines.values()) or bool(form.problem), timeout=10_000)
    assert form.lines["to"].error.text().startswith("EINVAL: ")
    qtbot.waitUntil(lambda: not frame(window).busy)
    form.lines["to"].editor.set_value(span.start + 0x1000)
    form.submit()
    qtbot.waitUntil(lambda: window.commands.form is None, timeout=10_000)
    assert frame(window).designs[-1].outcome is not None


def test_every_operation_runs_through_the_real_engine(window: MainWindow, qtbot: QtBot) -> None:
    start_at = window.position
    for action in (a for a in ACTIONS if a.form):
        window.actions_[action.id].trigger()
        form = window.commands.form
        if form is not None:
            for key, value in (("end", 0x5000), ("file", "libc.so")):  # nothing in the scenario says these
                if key in form.lines:
                    form.lines[key].editor.set_value(value)
            form.submit()
            assert not any(line.marked for line in form.lines.values()), f"{action.id}: the form did not fill itself"
        else:
            assert FORMS[action.form].instant, action.id
        at(window, qtbot, start_at + 1)
        assert window.messagebar.notice is None or window.messagebar.notice.level != "internal", action.id
        window.actions_["undo"].trigger()
        at(window, qtbot, start_at)


def test_the_four_kinds_of_mapping_run(window: MainWindow, qtbot: QtBot) -> None:
    for kind in KINDS:
        start_at = window.position
        window.commands.run("mmap", {"kind": kind, "file": "libc.so"})
        assert window.commands.form is not None
        window.commands.form.submit()
        at(window, qtbot, start_at + 1)
        assert window.commands.form is None


def test_save_and_open_again_is_the_same_place(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window.actions_["fork"].trigger()
    position = window.position + 1
    at(window, qtbot, position)
    dialogs = window.files.dialogs
    assert isinstance(dialogs, FakeDialogs)
    dialogs.path = str(tmp_path / "mine")
    window.actions_["save"].trigger()
    qtbot.waitUntil(lambda: not window.files.modified, timeout=10_000)
    assert (tmp_path / "mine.rmap").is_file()
    window.files.new()
    qtbot.waitUntil(lambda: window.files.title == "untitled" and window.position == 1, timeout=10_000)
    window.files.open(str(tmp_path / "mine.rmap"))
    qtbot.waitUntil(lambda: window.files.path is not None, timeout=10_000)
    at(window, qtbot, position)


def test_every_design_can_be_shown(window: MainWindow, qtbot: QtBot) -> None:
    for key, chip in list(window.toolbar.chips.items()):
        chip.click()
        qtbot.waitUntil(lambda key=key: frame(window).view == key, timeout=10_000)


def test_the_lossy_variant_can_run_beside_the_others(window: MainWindow, qtbot: QtBot) -> None:
    menu = window.menus.designs.open("anonmm")
    variants = next(
        q.menu() for q in menu.actions() if q.menu() and "variant" in q.menu().title().lower() and "&" in q.text()
    )
    next(q for q in variants.actions() if q.text() == "variant: 4c").trigger()
    qtbot.waitUntil(lambda: len(frame(window).designs) == 5 and not frame(window).busy, timeout=20_000)
    lossy = next(state for state in frame(window).designs if state.key == "anonmm:variant=4c")
    assert lossy.key in window.menus.designs.shown
    assert window.toolbar.chips[lossy.key].text().strip() == "anonmm 4c"


def test_playing_from_the_beginning_ends_at_the_end(window: MainWindow, qtbot: QtBot) -> None:
    window.actions_["first"].trigger()
    at(window, qtbot, 0)
    window.player.set_speed(50)
    window.actions_["play"].trigger()
    at(window, qtbot, window.head)
    qtbot.waitUntil(lambda: not window.player.playing, timeout=5000)


def test_a_batch_of_forks_can_be_cancelled(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.run("fork_many", {"times": 20_000, "now": True})
    qtbot.waitUntil(lambda: window.statusbar.job != 0, timeout=20_000)
    window.statusbar.cancel.click()
    qtbot.waitUntil(lambda: window.statusbar.job == 0 and not frame(window).busy, timeout=20_000)
    assert 0 < window.head < 20_000


def test_size_and_docks_come_back(window: MainWindow, settings: Settings, qtbot: QtBot) -> None:
    window.resize(1100, 750)
    window.docks.docks["overhead"].hide()
    settings.layout, settings.geometry = window.docks.save(), window.saveGeometry()
    window.docks.reset()
    restore(window)
    assert window.docks.docks["overhead"].isHidden()


def test_an_unhandled_exception_is_a_sentence_with_details(qapp: QApplication) -> None:
    told: list[Notice] = []
    trouble = Trouble()
    trouble.notice.connect(told.append)
    try:
        raise RuntimeError("boom")
    except RuntimeError as error:
        trouble.unhandled(RuntimeError, error, error.__traceback__)
    assert told[0].level == "internal"
    assert "boom" not in told[0].text and "Your session is still here" in told[0].text
    assert "boom" in told[0].details and "Traceback" in told[0].details


def test_qt_is_listened_to(qapp: QApplication) -> None:
    told: list[Notice] = []
    trouble = Trouble()
    trouble.notice.connect(told.append)
    trouble.qt_said(QtMsgType.QtWarningMsg, QMessageLogContext(), "a warning")
    trouble.qt_said(QtMsgType.QtWarningMsg, QMessageLogContext(), "This plugin does not support raise()")
    assert told == []
    trouble.qt_said(QtMsgType.QtCriticalMsg, QMessageLogContext(), "worse")
    assert "a warning" in told[0].details and "plugin" not in told[0].details


def test_no_attribute_of_ours_hides_what_qt_calls(window: MainWindow) -> None:
    """PySide calls an attribute named as a virtual function (metric, event, ...), and crashes where it is no function."""
    hidden = set()
    for widget in [window, *window.findChildren(QWidget)]:
        kinds = type(widget).__mro__
        qt = next(kind for kind in kinds if kind.__module__.startswith("PySide6"))
        known = {"staticMetaObject", "scroll"}  # no virtual functions
        ours = {name: value for kind in kinds[: kinds.index(qt)] for name, value in vars(kind).items()} | vars(widget)
        for name, value in ours.items():
            taken = hasattr(qt, name) and name not in known and not name.startswith("__")
            if taken and not callable(value) and not isinstance(value, Signal):
                hidden.add(f"{type(widget).__name__}.{name}")
    assert hidden == set()


def test_every_widget_has_the_size_of_text_that_was_chosen(window: MainWindow, qtbot: QtBot) -> None:
    for percent in (150, 100):
        window.use_text(percent)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # the views of before
        size = QApplication.font().pointSizeF()
        kept = {
            f"{type(one).__name__} {one.objectName()} in {type(one.parentWidget()).__name__}"
            for one in window.findChildren(QWidget)
            if not one.font().resolveMask() and one.font().pointSizeF() != size and not one.isWindow()
        }
        assert kept == set()
        assert window.messagebar.details.font().pointSizeF() == pytest.approx(mono().pointSizeF())


def test_text_grows_and_shrinks_with_the_real_views(window: MainWindow, qtbot: QtBot) -> None:
    for percent in (150, 80, 100):
        window.use_text(percent)
        window.use_theme("light")
        window.use_theme("dark")
        assert not window.grab().isNull()
        labels = window.views["processes"].findChildren(QLabel)
        title = next(label for label in labels if label.text() == "Processes")
        assert title.font().pointSizeF() == pytest.approx(BASE_POINTS * percent / 100, rel=0.02)
        assert window.views["history"].model.rowCount() == window.head + 1
        assert not window.views["memory_map"].visibleRegion().isEmpty()
