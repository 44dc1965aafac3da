"""The registry: complete, without conflicts, and every action can be triggered in the real window."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Exit, Fork, Madvise, Mmap, Mprotect, Mremap, Munmap, Reclaim, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.gui.actions import ACTIONS, BY_ID, RULES, TOOLBAR_OPERATIONS, State, shortcut_sheet
from rmapexplorer.gui.commands import Commands
from rmapexplorer.gui.features import FEATURES
from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.operations import FORMS
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

OPERATIONS = [action for action in ACTIONS if action.handler == "operate"]


def test_every_record_can_be_done() -> None:
    for action in ACTIONS:
        doers = [kind for kind in (Commands, *FEATURES) if hasattr(kind, f"do_{action.handler}")]
        assert len(doers) == 1, action.id
        assert action.needs in RULES
        assert action.tip
        assert not action.form or action.form in FORMS


def test_ids_are_unique() -> None:
    assert [i for i, n in Counter(action.id for action in ACTIONS).items() if n > 1] == []


def test_no_two_shortcuts_are_the_same_and_none_is_a_bare_letter(shell: Shell) -> None:
    keys = [QKeySequence(k).toString() for action in ACTIONS for k in action.shortcut]
    keys += [place.shortcut for place in PLACES] + [f"Ctrl+{n}" for n in range(1, 5)]
    assert [key for key, n in Counter(keys).items() if n > 1] == []
    assert all(key != "" and (len(key) > 1) for key in keys)
    everything = [key.toString() for q in shell.window.actions() for key in q.shortcuts()]
    assert [key for key, n in Counter(everything).items() if n > 1] == []


@pytest.mark.parametrize("action", OPERATIONS, ids=lambda a: a.id)
def test_every_operation_has_a_shortcut_and_a_place_in_the_menu(action: object, shell: Shell) -> None:
    record = BY_ID[action.id]  # type: ignore[attr-defined]
    assert record.shortcut and record.menu == "Operate"


def test_mnemonics_of_a_menu_differ(shell: Shell) -> None:
    for title, menu in shell.window.actions_.menus.items():
        letters = [t[t.index("&") + 1].lower() for q in menu.actions() if "&" in (t := q.text())]
        assert [x for x, n in Counter(letters).items() if n > 1] == [], title


def test_every_operation_of_the_toolbar_is_a_labelled_button(shell: Shell) -> None:
    for id_ in TOOLBAR_OPERATIONS:
        assert shell.window.toolbar.buttons[id_].text() == BY_ID[id_].title.partition(":")[0].rstrip("…")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda a: a.id)
def test_every_action_can_be_triggered(action: object, shell: Shell, qtbot: QtBot) -> None:
    record = BY_ID[action.id]  # type: ignore[attr-defined]
    q = shell.window.actions_[record.id]
    if record.needs not in ("job", "kernel", "traces") and record.id != "go_here":
        assert q.isEnabled(), q.toolTip()
        q.trigger()
    if record.form and not FORMS[record.form].instant:
        assert shell.window.commands.form is not None
        assert shell.window.commands.form.key == record.form
    shell.settle(qtbot)


def test_disabled_actions_say_why(shell: Shell, qtbot: QtBot) -> None:
    shell.window.selection.select(0)
    fork = shell.window.actions_["fork"]
    assert not fork.isEnabled()
    assert fork.toolTip() == "Select a living process first."


def test_rules_follow_the_position() -> None:
    assert not RULES["past"].test(State(position=0, head=3))
    assert RULES["future"].test(State(position=0, head=3))
    assert not RULES["future"].test(State(position=3, head=3))


def test_context_menu_acts_on_its_target(shell: Shell, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    places: list[QPoint] = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, place: places.append(place))
    shell.window.views["processes"].context_requested.emit("process", {"pid": 3}, QPoint(5, 5))
    assert places == [QPoint(5, 5)]
    menu = shell.window.findChild(QMenu, "context")
    assert menu.actions()[0].text() == "process worker 3"
    next(q for q in menu.actions() if q.objectName() == "fork").trigger()
    shell.settle(qtbot)
    assert shell.submitted() == [Fork(pid=3, child=0)]


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("process", {"fork", "fork_many", "exec", "exit", "mmap", "brk", "reclaim"}),
        ("vma", {"munmap", "mprotect", "mremap", "mremap_resize", "mremap_fixed", "madvise", "touch", "touch_read"}),
        ("span", {"mmap", "munmap", "mprotect", "mremap", "madvise", "touch"}),
        ("operation", {"go_here", "copy"}),
    ],
)
def test_context_menus_offer_what_concerns_their_target(kind: str, ids: set[str], shell: Shell) -> None:
    menu = shell.window.actions_.context_menu(kind, {"pid": 2, "span": Span(0xC40, 0xC44)}, shell.window)
    assert ids <= {q.objectName() for q in menu.actions()}
    menu.deleteLater()


@pytest.mark.parametrize(
    ("id_", "operation"),
    [
        ("munmap", Munmap(pid=2, span=Span(0xC40, 0xC44))),
        ("mprotect", Mprotect(pid=2, span=Span(0xC40, 0xC44), prot="r")),
        ("mremap", Mremap(pid=2, span=Span(0xC40, 0xC44), new_pages=4, to=-1)),
        ("mremap_resize", Mremap(pid=2, span=Span(0xC40, 0xC44), new_pages=4, to=None)),
        ("mremap_fixed", Mremap(pid=2, span=Span(0xC40, 0xC44), new_pages=4, to=0xC60)),
        ("mremap_dontunmap", Mremap(pid=2, span=Span(0xC40, 0xC44), new_pages=4, to=-1, dontunmap=True)),
        ("madvise_dontneed", Madvise(pid=2, span=Span(0xC40, 0xC44), advice="dontneed")),
        ("madvise_dontfork", Madvise(pid=2, span=Span(0xC40, 0xC44), advice="dontfork")),
        ("madvise_pageout", Madvise(pid=2, span=Span(0xC40, 0xC44), advice="pageout")),
        ("touch", Touch(pid=2, runs=((0xC40, 0xC44, "w"),))),
        ("touch_read", Touch(pid=2, runs=((0xC40, 0xC44, "r"),))),
        ("mmap", Mmap(pid=2, span=Span(-1, 15))),
        ("reclaim", Reclaim()),
        ("exit", Exit(pid=2)),
    ],
)
def test_operations_are_filled_from_the_selection(id_: str, operation: object, shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_[id_].trigger()
    if shell.window.commands.form is not None:
        shell.window.commands.form.submit()
    shell.settle(qtbot)
    assert shell.submitted() == [operation]
    assert shell.window.commands.form is None


def test_shortcut_sheet_names_every_shortcut() -> None:
    sheet = shortcut_sheet()
    for action in ACTIONS:
        for keys in action.shortcut if action.menu else ():
            assert keys in sheet


def test_context_menus_show_the_keys_and_part_their_groups(shell: Shell) -> None:
    menu = shell.window.actions_.context_menu("vma", {"pid": 2, "span": Span(0xC40, 0xC44)}, shell.window)
    items = menu.actions()
    named = {q.objectName(): n for n, q in enumerate(items)}
    assert items[named["munmap"]].text().endswith("\tCtrl+Shift+K")
    assert any(q.isSeparator() for q in items[named["fork"] : named["munmap"]])
    copies = [q for q in items[named["copy"] :] if not q.isSeparator()]
    assert items[named["copy"] - 1].isSeparator() and [q.text() for q in copies][1:] == ["Copy &as"]
    menu.deleteLater()


@pytest.mark.parametrize("title", ["Edit", "Time", "View", "Help"])
def test_no_menu_is_longer_than_can_be_taken_in(title: str, shell: Shell) -> None:
    entries = [q for q in shell.window.actions_.menus[title].actions() if not q.isSeparator()]
    assert 5 < len(entries) <= 16


def test_menus_group_what_belongs_together(shell: Shell) -> None:
    menus, actions = shell.window.actions_.menus, shell.window.actions_
    assert shell.window.menus.docks["vmas"] in shell.window.menus.panels.actions()
    assert actions["bookmark_next"] in menus["Bookmarks"].actions()
    assert actions["marker_a"] in menus["Markers A and B"].actions()
    assert [q.text() for q in menus["View"].actions()[:2]] == ["Pers&pective", "Pa&nels"]
    assert [q.objectName() for q in menus["Edit"].actions()[-2:]] == ["palette", "preferences"]
