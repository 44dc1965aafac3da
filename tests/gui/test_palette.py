"""The palette: what a few letters find, what is listed, and that Enter runs it and a disabled one says why."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Bookmark
from rmapexplorer.gui.actions import ACTIONS
from rmapexplorer.gui.features.palette import PaletteFeature
from rmapexplorer.gui.fuzzy import fit
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.models.base import Role
from rmapexplorer.gui.overlay import Overlay, Row, RowList
from rmapexplorer.gui.palette import Entry, Palette, ranked
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


def score(query: str, title: str) -> int:
    match = fit(query, title)
    assert match is not None, (query, title)
    return match.score


def test_letters_must_occur_in_order() -> None:
    assert fit("rl", "Reset layout") is not None
    assert fit("lr", "Reset layout") is None
    assert fit("xyz", "Reset layout") is None


def test_every_word_counts_in_any_order_and_may_stand_beside_the_title() -> None:
    assert fit("layout reset", "Reset layout") is not None
    assert fit("view reset", "Reset layout", "View panels") is not None
    assert fit("view reset", "Reset layout") is None


def test_the_letters_found_are_told() -> None:
    match = fit("rlay", "Reset layout")
    assert match is not None and [("Reset layout")[n] for n in match.marks] == list("Rlay")


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("fo", "Fork", "Text: follow system"),
        ("rl", "Reset layout", "Larger text really"),
        ("map", "Mmap…", "Move at a place"),
        ("mm", "Mmap…", "The memory map"),
        ("redo", "Redo", "Reduced motion"),
        ("save", "Save", "Save As…"),
    ],
)
def test_beginnings_runs_and_short_titles_count_most(query: str, better: str, worse: str) -> None:
    assert score(query, better) > score(query, worse)


def entry(key: str, title: str, reason: str = "") -> Entry:
    return Entry(key=key, title=title, run=lambda: None, reason=reason)


def test_with_nothing_typed_what_was_used_last_comes_first() -> None:
    rows = ranked([entry("a", "A"), entry("b", "B"), entry("c", "C")], "", ["c", "b"])
    assert [row.title for row in rows] == ["C", "B", "A"]


def test_what_fits_badly_is_left_out() -> None:
    rows = ranked([entry("a", "Reset layout"), entry("b", "a tree makes the search fast")], "reset", [])
    assert [row.title for row in rows] == ["Reset layout"]


def opened(shell: Shell) -> Palette:
    shell.window.actions_["palette"].trigger()
    feature = next(one for one in shell.window.features if isinstance(one, PaletteFeature))
    assert feature.palette is not None and feature.palette.isVisible()
    return feature.palette


def titles(palette: Palette) -> list[str]:
    return [row.title for row in palette.model.rows]


def test_every_action_with_a_menu_every_panel_and_every_design_is_listed(shell: Shell) -> None:
    palette = opened(shell)
    keys = {row.value.key for row in palette.model.rows}
    missing = [a.id for a in ACTIONS if a.menu and a.id not in keys and a.id != "palette"]
    assert missing == []
    assert {f"panel/{place.name}" for place in PLACES} <= keys
    assert {f"view/{state.key}" for state in shell.engine.state.designs} <= keys
    assert any(key.startswith("scenarios/") for key in keys)
    assert "help/letter" in keys


def test_enter_runs_what_is_chosen_with_the_keyboard_alone(shell: Shell) -> None:
    palette = opened(shell)
    assert palette.line.hasFocus() or not shell.window.isActiveWindow()
    QTest.keyClicks(palette.line, "light")
    assert titles(palette)[0].startswith("Light")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert not palette.isVisible()
    assert shell.settings.theme == "light"


def test_a_disabled_one_says_why_and_stays(shell: Shell, qtbot: QtBot) -> None:
    shell.window.selection.select(0)
    palette = opened(shell)
    QTest.keyClicks(palette.line, "mprotect")
    row = palette.current()
    assert row is not None and row.title.startswith("Mprotect") and not row.enabled
    assert row.detail == "Select a living process first."
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.isVisible()
    assert palette.foot.full_text() == "Select a living process first."
    QTest.keyClick(palette.line, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert shell.window.commands.form is None


def test_a_number_goes_to_that_operation(shell: Shell, qtbot: QtBot) -> None:
    palette = opened(shell)
    QTest.keyClicks(palette.line, "3")
    row = palette.current()
    assert row is not None and (row.title, row.detail) == ("Go to operation 3", "fork 2 a20-a28")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert shell.engine.named("seek")[-1] == ("seek", 3)
    palette = opened(shell)
    QTest.keyClicks(palette.line, "77")
    row = palette.current()
    assert row is not None and not row.enabled and row.detail == "The last operation is number 6."


def test_arrows_pages_and_the_ends_stay_in_the_list(shell: Shell) -> None:
    palette = opened(shell)
    QTest.keyClick(palette.line, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == 0
    QTest.keyClick(palette.line, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    QTest.keyClick(palette.line, Qt.Key.Key_PageDown)
    assert palette.list.currentIndex().row() == 13
    for _ in range(40):
        QTest.keyClick(palette.line, Qt.Key.Key_PageDown)
    assert palette.list.currentIndex().row() == len(palette.model.rows) - 1


def test_a_panel_is_shown_and_the_last_used_is_first_the_next_time(shell: Shell) -> None:
    shell.window.docks.docks["overhead"].hide()
    palette = opened(shell)
    QTest.keyClicks(palette.line, "show overhead")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert not shell.window.docks.docks["overhead"].isHidden()
    assert titles(opened(shell))[0] == "Show Overhead"


def test_recent_files_are_listed(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "seldom.rmap"
    path.write_text("{}")
    shell.settings.recent = [str(path)]
    shell.window.menus.fill_recent()
    palette = opened(shell)
    QTest.keyClicks(palette.line, "seldom")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert shell.engine.named("open")[-1] == ("open", str(path))


def test_find_is_offered_for_whatever_was_typed(shell: Shell) -> None:
    palette = opened(shell)
    QTest.keyClicks(palette.line, "qqzz")
    assert titles(palette) == ["Find “qqzz” in the session"]


def test_it_opens_quickly(shell: Shell) -> None:
    opened(shell).shut()
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        palette = opened(shell)
        seconds.append(time.perf_counter() - start)
        palette.shut()
    assert min(seconds) < 0.03


def test_nothing_of_it_is_imported_before_it_is_asked_for() -> None:
    heavy = ("palette", "find_bar", "find_search", "help", "tour", "preferences", "copy_text", "overlay")
    code = (
        "import sys, rmapexplorer.gui.window;"
        f"print([name for name in {heavy} if 'rmapexplorer.gui.' + name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_bookmarks_are_listed(shell: Shell) -> None:
    marks = (
        Bookmark(position=4, text="the storm begins"),
        Bookmark(position=2, text=""),
        Bookmark(position=1, text="x", branch="other"),
    )
    shell.window.frame = evolve(shell.engine.state, bookmarks=marks)
    palette = opened(shell)
    QTest.keyClicks(palette.line, "storm begins")
    QTest.keyClick(palette.line, Qt.Key.Key_Return)
    assert shell.engine.named("seek")[-1] == ("seek", 4)
    keys = [row.value.key for row in opened(shell).model.rows]
    assert [key for key in keys if key.startswith("bookmark/")] == ["bookmark/4", "bookmark/2"]


def test_another_text_size_makes_it_anew(shell: Shell) -> None:
    before = opened(shell)
    shell.window.use_text(150)
    after = opened(shell)
    assert after is not before
    assert after.fontMetrics().height() > 1.3 * 11
    shell.window.use_text(100)


def test_it_fits_into_a_small_window(shell: Shell) -> None:
    shell.window.resize(640, 480)
    palette = opened(shell)
    assert shell.window.rect().contains(palette.geometry())


def test_the_list_of_an_overlay_is_a_sound_model() -> None:
    model = RowList()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show([Row(title="heading", heading=True), Row(title="one", detail="File", right="Ctrl+1")])
    assert model.rowCount() == 2 and model.flags(model.index(0)) == Qt.ItemFlag.NoItemFlags
    assert model.data(model.index(1), Role.AccessibleTextRole) == "one, File, Ctrl+1"
    model.show([])
    assert model.rowCount() == 0


def test_only_one_overlay_is_open_at_a_time(shell: Shell) -> None:
    shell.window.commands.run("palette", {})
    feature = next(one for one in shell.window.features if isinstance(one, PaletteFeature))
    palette = feature.palette
    assert palette is not None and palette.isVisible()
    shell.window.commands.run("find", {})
    assert not palette.isVisible()
    shell.window.commands.run("palette", {})
    shown = [one for one in shell.window.findChildren(Overlay) if one.isVisible()]
    assert shown == [palette]
