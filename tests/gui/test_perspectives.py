"""Perspectives, saved layouts, presentation and reduced motion, as a user meets them."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.layout import PLACES
from rmapexplorer.gui.perspectives import PERSPECTIVES
from rmapexplorer.gui.settings import Settings
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


def shown(shell: Shell) -> set[str]:
    """Docks that are not hidden (a tab behind another counts as shown)."""
    return {name for name, dock in shell.window.docks.docks.items() if not dock.isHidden()}


@pytest.mark.parametrize("name", PERSPECTIVES)
def test_a_perspective_arranges_and_is_remembered(name: str, shell: Shell, qtbot: QtBot) -> None:
    shell.window.actions_[f"perspective_{name.lower()}"].trigger()
    assert shell.window.docks.perspective == name == shell.settings.perspective
    assert shell.window.actions_[f"perspective_{name.lower()}"].isChecked()
    others = [one for one in PERSPECTIVES if one != name]
    assert not any(shell.window.actions_[f"perspective_{one.lower()}"].isChecked() for one in others)
    assert "timeline" in shown(shell)


def test_they_show_different_panels(shell: Shell) -> None:
    found = {}
    for name in PERSPECTIVES:
        shell.window.docks.arrange(name)
        found[name] = shown(shell)
    assert found["Explore"] == {place.name for place in PLACES}
    assert {"memory_map", "structures", "inspector"} <= found["Teach"] and "overhead" not in found["Teach"]
    assert {"overhead", "history", "sizes"} <= found["Measure"] and "memory_map" not in found["Measure"]
    assert {"compare", "overhead", "timeline"} <= found["Compare"]


def test_a_hidden_panel_can_be_had_in_any_perspective(shell: Shell) -> None:
    shell.window.docks.arrange("Compare")
    assert "memory_map" not in shown(shell)
    shell.window.menus.docks["memory_map"].trigger()
    assert "memory_map" in shown(shell)


def test_reset_returns_to_the_perspective(shell: Shell) -> None:
    shell.window.docks.arrange("Teach")
    shell.window.docks.docks["memory_map"].hide()
    shell.window.actions_["reset_layout"].trigger()
    assert "memory_map" in shown(shell) and "overhead" not in shown(shell)


def test_layouts_are_saved_and_used_again(shell: Shell) -> None:
    feature = next(one for one in shell.window.features if type(one).__name__ == "Perspectives")
    shell.window.docks.docks["sizes"].hide()
    shell.window.commands.run("save_layout", {"name": "No sizes"})
    shell.window.docks.reset()
    assert "sizes" in shown(shell)
    entry = next(action for action in feature.saved.actions() if action.text() == "No sizes")
    entry.trigger()
    assert "sizes" not in shown(shell)
    again = Settings(shell.settings._store)
    assert list(again.arrangements) == ["No sizes"]
    shell.window.commands.run("save_layout", {"name": "Another"})
    for left in (["Another"], []):
        forget = next(action.menu() for action in feature.saved.actions() if "Forget" in action.text())
        forget.actions()[0].trigger()
        assert list(shell.settings.arrangements) == left
    assert not feature.saved.isEnabled()


def test_a_name_is_needed(shell: Shell) -> None:
    feature = next(one for one in shell.window.features if type(one).__name__ == "Perspectives")
    feature._keep("  ")
    assert "needs a name" in shell.window.messagebar.notice.text
    assert shell.settings.arrangements == {}


def test_presentation_is_large_and_ends(shell: Shell, qtbot: QtBot) -> None:
    before = shell.settings.text_percent
    shell.window.actions_["presentation"].trigger()
    assert shell.window.isFullScreen() and shell.settings.text_percent == 150
    shell.window.actions_["presentation"].trigger()
    assert not shell.window.isFullScreen() and shell.settings.text_percent == before


def test_reduced_motion_reaches_every_view(shell: Shell) -> None:
    assert not shell.settings.reduced_motion
    shell.window.actions_["reduced_motion"].trigger()
    assert shell.settings.reduced_motion and shell.window.actions_["reduced_motion"].isChecked()
    assert all(view.reduced_motion for view in shell.window.views.values())
    shell.window.actions_["reduced_motion"].trigger()
    assert not shell.settings.reduced_motion
