"""The window: frames reach the views, time moves, looks change and are remembered."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Exit
from rmapexplorer.engine.frames import Notice, Progress, SessionOpened
from rmapexplorer.gui import looks, targets
from rmapexplorer.gui.actions import TOOLBAR_OPERATIONS
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.panel import wrapped
from rmapexplorer.gui.renewal import renewed
from rmapexplorer.gui.settings import Settings
from rmapexplorer.gui.statusbar import chip_text, effect, fitting, summary
from rmapexplorer.gui.theme import mono
from tests.gui import frame_factory
from tests.gui.shell import Shell, plain_views, settings, shell

__all__ = ["settings", "shell"]


def test_a_frame_reaches_every_visible_view_and_the_others_when_shown(shell: Shell, qtbot: QtBot) -> None:
    views = shell.window.views
    assert views["processes"].frames[-1] is shell.window.frame
    shell.window.docks.docks["vmas"].hide()
    seen = len(views["vmas"].frames)
    shell.bridge.seek(2)
    shell.settle(qtbot)
    assert len(views["vmas"].frames) == seen
    shell.window.docks.docks["vmas"].show()
    qtbot.waitUntil(lambda: views["vmas"].frames[-1] is shell.window.frame, timeout=2000)


def test_history_timeline_and_curves_get_what_is_queued(shell: Shell) -> None:
    assert [len(shell.window.views[name].applied) for name in ("history", "timeline", "overhead")] == [1, 1, 1]


def test_the_session_brings_its_selection(shell: Shell) -> None:
    assert (shell.window.selection.pid, shell.window.selection.vpn) == (2, 0xC42)
    assert shell.engine.named("select") == []


def test_the_walk_of_a_selection_that_came_with_the_session_is_shown_once(shell: Shell, qtbot: QtBot) -> None:
    assert shell.window.views["inspector"].walks == 1
    shell.bridge.seek(2)
    shell.settle(qtbot)
    assert shell.window.views["inspector"].walks == 1


def test_map_and_structures_follow_the_walk(shell: Shell) -> None:
    shell.window.views["inspector"].walk_step_changed.emit(2)
    assert [shell.window.views[name].steps for name in ("memory_map", "structures", "vmas")] == [[2], [2], []]


def test_a_click_tells_the_engine(shell: Shell) -> None:
    shell.window.selection.select(3, 0xA11)
    assert shell.engine.named("select") == [("select", 3, 0xA11)]


@pytest.mark.parametrize(("id_", "position"), [("first", 0), ("back", 4), ("step", 6), ("last", 6)])
def test_time_buttons_seek(id_: str, position: int, shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_[id_].trigger()
    shell.settle(qtbot)
    assert shell.engine.named("seek") == [("seek", position)]
    assert shell.window.position == position


def test_views_seek_and_act(shell: Shell, qtbot: QtBot) -> None:
    shell.window.views["timeline"].seek_requested.emit(3)
    shell.settle(qtbot)
    assert shell.window.position == 3
    shell.window.views["memory_map"].requested.emit("exit", {"pid": 4, "now": True})
    shell.settle(qtbot)
    assert shell.submitted() == [Exit(pid=4)]


def test_playing_goes_on_to_the_end_and_stops(shell: Shell, qtbot: QtBot) -> None:
    shell.window.player.set_speed(64)
    shell.window.actions_["last"].trigger()
    shell.settle(qtbot)
    shell.engine.calls.clear()
    shell.window.actions_["play"].trigger()
    assert shell.window.player.playing
    qtbot.waitUntil(lambda: not shell.window.player.playing, timeout=5000)
    assert shell.window.position == shell.window.head == 6
    assert shell.engine.named("seek") == [("seek", k) for k in range(7)]


def test_acting_pauses(shell: Shell) -> None:
    shell.window.player.toggle()
    shell.window.submit([Exit(pid=4)], "exit")
    assert not shell.window.player.playing


def test_speed_is_remembered_and_bounded(shell: Shell, settings: Settings) -> None:
    for _ in range(12):
        shell.window.actions_["faster"].trigger()
    assert shell.window.player.speed == settings.speed == 64
    for _ in range(12):
        shell.window.actions_["slower"].trigger()
    assert settings.speed == 0.25


def test_chips_show_designs_and_the_one_in_view(shell: Shell, qtbot: QtBot) -> None:
    chips = shell.window.toolbar.chips
    assert list(chips) == ["pte_chain", "anonmm", "anon_vma", "anon_vma_chain"]
    chips["anonmm"].click()
    shell.settle(qtbot)
    assert shell.engine.named("view") == [("view", "anonmm")]
    assert [key for key, chip in chips.items() if chip.isChecked()] == ["anonmm"]


def test_four_designs_are_in_sight_before_all_operations_are(shell: Shell, qtbot: QtBot) -> None:
    bar = shell.window.toolbar
    shell.window.resize(1100, 800)
    qtbot.waitUntil(lambda: not bar.buttons["reclaim"].isVisible())
    assert bar.row.hidden_keys() == [] and not bar.row.more.isVisible()
    assert all(bar.rect().contains(bar.row.geometry()) for _ in bar.chips)
    shown = [id_ for id_ in TOOLBAR_OPERATIONS if bar.buttons[id_].isVisible()]
    assert shown == list(TOOLBAR_OPERATIONS[: len(shown)]) and shown
    shell.window.resize(1268, 800)  # where there is room for everything, operations come first
    qtbot.waitUntil(lambda: bar.buttons["reclaim"].isVisible())
    qtbot.waitUntil(lambda: bar.row.x() > bar.buttons["reclaim"].x())
    assert bar.row.hidden_keys() == []


def test_chips_without_room_are_a_menu_and_the_one_in_view_keeps_its_chip(shell: Shell, qtbot: QtBot) -> None:
    row = shell.window.toolbar.row
    assert row.hidden_keys() == []
    shell.window.setMinimumSize(1, 1)
    shell.window.resize(640, 800)
    qtbot.waitUntil(lambda: row.more.isVisible())
    assert "anon_vma_chain" not in row.hidden_keys()
    hidden = row.hidden_keys()
    assert [action.text() for action in row.more.menu().actions()] == hidden
    row.more.menu().actions()[0].trigger()
    shell.settle(qtbot)
    assert shell.engine.named("view") == [("view", hidden[0])]
    assert hidden[0] not in row.hidden_keys()
    right = max(chip.geometry().right() for chip in shell.window.toolbar.chips.values() if chip.isVisible())
    assert right < row.more.geometry().left()
    assert row.more.geometry().right() <= row.width()


def test_theme_switch_reaches_palette_and_settings(shell: Shell, settings: Settings, qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for name in ("light", "dark"):
        with qtbot.waitSignal(shell.window.themes.changed):
            shell.window.actions_[f"theme_{name}"].trigger()
        assert app.palette() == shell.window.themes.current.palette()
        assert shell.window.themes.current.color("bg").name() in app.styleSheet()
        assert settings.theme == name
        assert shell.window.actions_[f"theme_{name}"].isChecked()


def test_text_size_steps_and_is_remembered(shell: Shell, settings: Settings, qtbot: QtBot) -> None:
    before = QApplication.font().pointSizeF()
    shell.window.actions_["text_larger"].trigger()
    assert settings.text_percent == 110
    qtbot.waitUntil(lambda: QApplication.font().pointSizeF() == pytest.approx(before * 1.1))
    shell.window.actions_["text_normal"].trigger()
    qtbot.waitUntil(lambda: QApplication.font().pointSizeF() == pytest.approx(before))
    assert settings.text_percent == 100


def test_keys_pressed_again_and_again_are_one_change(shell: Shell, qtbot: QtBot, monkeypatch: Any) -> None:
    window, made = shell.window, []
    monkeypatch.setattr(looks, "renewed", lambda of: (made.append(1), renewed(of))[1])
    window.views["vmas"].setFocus()
    for _ in range(13):
        window.actions_["text_larger"].trigger()
    for _ in range(3):
        window.actions_["theme_toggle"].trigger()
    qtbot.waitUntil(lambda: window.themes.current.name == "light" and not window.looks.working)
    assert (made, shell.settings.text_percent) == ([1], 200)
    assert window.focusWidget() is window.views["vmas"], "who had the keyboard has it still"
    window.use_text(100)


def test_every_dock_can_be_hidden_and_reset_brings_all_back(shell: Shell) -> None:
    docks = shell.window.docks.docks
    for place in PLACES:
        shell.window.menus.docks[place.name].trigger()
    docks["memory_map"].setFloating(True)
    assert all(docks[place.name].isHidden() for place in PLACES if place.name != "memory_map")
    shell.window.actions_["reset_layout"].trigger()
    assert not any(dock.isHidden() or dock.isFloating() for dock in docks.values())


def test_the_arrangement_is_remembered(shell: Shell, settings: Settings, qtbot: QtBot) -> None:
    shell.window.docks.docks["overhead"].hide()
    saved = shell.window.docks.save()
    shell.window.actions_["reset_layout"].trigger()
    assert shell.window.docks.restore(saved)
    assert shell.window.docks.docks["overhead"].isHidden()


def test_an_arrangement_that_cannot_be_restored_is_the_default_one(shell: Shell) -> None:
    shell.window.docks.docks["overhead"].hide()
    assert not shell.window.docks.restore(QByteArray(b"rubbish"))
    assert not shell.window.docks.docks["overhead"].isHidden()


def test_notices_stand_over_the_panels_until_closed(shell: Shell) -> None:
    bar = shell.window.messagebar
    shell.window.show_notice(Notice(level="internal", text="An invariant broke.", details="Traceback ..."))
    assert not bar.isHidden()
    assert bar.details.isHidden()
    shell.window.show_notice(Notice(level="info", text="Saved."))
    assert bar.text.text() == "An invariant broke."
    bar.copy()
    assert QApplication.clipboard().text() == "An invariant broke.\n\nTraceback ..."
    bar.dismiss()
    assert bar.isHidden()


def test_a_refusal_without_a_form_is_told_with_its_errno(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.refusal = Notice(level="refused", text="The process is gone.", errno="ESRCH")
    shell.window.actions_["exit"].trigger()
    shell.settle(qtbot)
    assert shell.window.messagebar.text.text() == "ESRCH: The process is gone."


def test_welcome_is_dismissed_for_good(shell: Shell, settings: Settings) -> None:
    assert not shell.window.welcome.isHidden()
    shell.window.welcome.close_button.click()
    assert shell.window.welcome.isHidden()
    assert not settings.welcome
    assert not shell.window.notes.isVisible()


def test_welcome_plays(shell: Shell, settings: Settings) -> None:
    shell.window.welcome.buttons["tell"].click()
    assert shell.window.player.telling
    assert settings.welcome and not shell.window.welcome.isHidden(), "its offers stay"


def test_a_job_can_be_cancelled_from_the_status_line(shell: Shell, qtbot: QtBot) -> None:
    shell.engine.post(Progress(job=9, title="fork × 1000", done=10, total=1000))
    shell.settle(qtbot)
    bar = shell.window.statusbar
    assert bar.job_text.text() == "fork × 1000  10 of 1,000"
    assert shell.window.actions_["cancel"].isEnabled()
    bar.cancel.click()
    assert shell.engine.named("cancel") == [("cancel", 9)]
    shell.engine.post(Progress(job=9, title="fork × 1000", done=10, total=1000, finished=True, cancelled=True))
    shell.settle(qtbot)
    assert bar.progress.isHidden()
    assert not shell.window.actions_["cancel"].isEnabled()


def test_copy_names_what_is_selected(shell: Shell) -> None:
    shell.window.actions_["copy"].trigger()
    assert QApplication.clipboard().text() == "worker 2 vma c40-c44 page c42"


def test_the_status_line_says_what_each_design_did() -> None:
    frame = frame_factory.letter()
    title, effects = summary(frame)
    assert title == frame.op_text
    assert effects == "anon_vma_chain, pte_chain, anon_vma: nothing changed   ·   anonmm: 4 pages copied by mremap"
    assert summary(evolve(frame, view="anonmm"))[1].startswith("anonmm: 4 pages"), "the design in view is never cut off"
    alike = [evolve(state, outcome=None, changes=(("vma", 2),)) for state in frame.designs]
    assert summary(evolve(frame, designs=tuple(alike)))[1] == "all designs: +2 vmas"
    assert summary(evolve(frame, position=0))[0] == "the beginning"


def test_what_does_not_fit_into_the_status_line_is_counted_and_the_design_in_view_stays_whole() -> None:
    effects = "anon_vma: +1 vma   ·   anonmm: 4 pages copied   ·   pte_chain: merged 1"
    assert fitting(effects, 1000, len) == effects
    assert fitting(effects, 60, len) == "anon_vma: +1 vma   ·   anonmm: 4 pages copied   ·   +1 more"
    assert fitting(effects, 40, len) == "anon_vma: +1 vma   ·   +2 more"
    assert fitting(effects, 20, len) == "anon_vma: +1 vma"
    longer = "anon_vma: +1 vma, +2 anon_vmas   ·   anonmm, pte_chain: 4 pages copied, merged 1, +1 vma"
    assert fitting(longer, 80, len) == "anon_vma: +1 vma, +2 anon_vmas   ·   anonmm, pte_chain: 4 pages copied, …"
    assert fitting(longer, 50, len) == "anon_vma: +1 vma, +2 anon_vmas   ·   +1 more"


def test_after_the_design_in_view_comes_the_one_with_most_news(shell: Shell) -> None:
    frame = frame_factory.letter()
    anonmm = next(state for state in frame.designs if state.key == "anonmm")
    others = [evolve(s, changes=(("vma", n),)) for n, s in enumerate(frame.designs, 1) if s is not anonmm]
    frame = evolve(frame, view="anon_vma", designs=(*others, anonmm))
    names = [part.partition(":")[0] for part in summary(frame)[1].split("   ·   ")]
    assert names[:2] == ["anon_vma", "anonmm"] and len(names) == 4
    shell.window.statusbar.set_frame(frame)
    said = shell.window.statusbar.said
    assert said.shown_effects(300).endswith("more") and "pte_chain" not in said.shown_effects(300)
    assert all(name in said.toolTip() for name in names), "the tip has all of them"


def test_one_of_a_thing_is_singular() -> None:
    state = evolve(frame_factory.letter().designs[3], changes=(("vma", 1), ("anon_vma_chain", -1)))
    assert effect(state) == "+1 vma, -1 anon_vma_chain"


def test_a_world_with_options_has_a_short_name() -> None:
    assert chip_text("anonmm:variant=4c") == "anonmm 4c"


def test_a_hole_is_found_above_and_apart() -> None:
    frame = frame_factory.letter()
    at = targets.hole(frame, 2, 4, 0xC44)
    assert at == 0xC60
    assert targets.vma_at(frame, 2, at) is None


def test_a_session_without_a_selection_shows_the_largest_anonymous_vma(shell: Shell, qtbot: QtBot) -> None:
    frame = frame_factory.small(generation=9)
    assert targets.interesting(frame) == (1, 0xA00)
    shell.engine.post(SessionOpened(generation=9, title="other", path=None, operations=0), frame)
    shell.settle(qtbot)
    assert (shell.window.selection.pid, shell.window.selection.vpn) == (1, 0xA00)
    assert shell.engine.named("select") == [("select", 1, 0xA00)]


def test_a_long_message_wraps_and_a_short_one_does_not(shell: Shell) -> None:
    bar = shell.window.messagebar
    shell.window.show_notice(Notice(level="error", text="Short."))
    assert not bar.text.wordWrap()
    shell.window.show_notice(Notice(level="error", text="Long " * 100))
    assert bar.text.wordWrap()


def test_numbers_grow_with_the_text(shell: Shell) -> None:
    before = mono().pointSizeF()
    shell.window.use_text(150)
    assert mono().pointSizeF() == pytest.approx(before * 1.5)
    shell.window.use_text(100)


def test_two_windows_do_not_share_anything(shell: Shell, settings: Settings, qtbot: QtBot) -> None:
    other = Shell(settings, plain_views)
    other.begin(qtbot)
    other.window.selection.select(4)
    assert shell.window.selection.pid == 2
    other.end()


def test_panels_have_their_heights_again_when_a_message_is_closed(shell: Shell, qtbot: QtBot) -> None:
    window = shell.window
    window.welcome.hide()
    window.messagebar.dismiss()
    window.strip_changed()
    qtbot.wait(50)
    docks = {name: dock for name, dock in window.docks.docks.items() if not dock.visibleRegion().isEmpty()}
    before = {name: dock.height() for name, dock in docks.items()}
    window.show_notice(Notice(level="error", text="A file cannot be read.", details="\n" * 40))
    window.messagebar.details.show()
    qtbot.wait(50)
    assert {name: dock.height() for name, dock in docks.items()} != before
    window.messagebar.dismiss()
    qtbot.waitUntil(lambda: {name: dock.height() for name, dock in docks.items()} == before)


def test_details_are_as_tall_as_their_lines_up_to_a_bound(shell: Shell) -> None:
    bar, heights = shell.window.messagebar, []
    for lines in (1, 3, 20, 2000):
        shell.window.show_notice(Notice(level="error", text="Trouble.", details="\n".join(["x"] * lines)))
        heights.append(bar.details.height())
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_long_tool_tips_are_wrapped(shell: Shell) -> None:
    said = shell.window.statusbar.said
    said.say("mremap", "much", "word " * 60 + "\nand more")
    lines = said.toolTip().split("\n")
    assert len(lines) > 4 and max(map(len, lines)) <= 76 and lines[-1] == "and more"
    assert wrapped("one\ntwo") == "one\ntwo"
