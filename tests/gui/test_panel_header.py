"""The header of a panel: controls that find no room go into a menu, and come back when there is room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.panel import HeaderButton, Panel


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[Panel]:
    """A panel with a title, four buttons, one of them with a menu, and a hint."""
    made = Panel("Memory map")
    qtbot.addWidget(made)
    for name in ("colour: anon_vma", "low address left", "table", "copy"):
        made.header_layout().addWidget(HeaderButton(name, f"about {name}"))
    menu = QMenu(made)
    menu.addAction("kind")
    buttons(made)[1].setMenu(menu)
    made.set_hint("12 processes")
    made.resize(900, 200)
    made.show()
    qtbot.waitExposed(made)
    qtbot.wait(20)
    yield made


def buttons(panel: Panel) -> list[HeaderButton]:
    """The buttons in order; the first found is the menu's own, which stands last."""
    found = panel.findChildren(HeaderButton)
    return sorted(found, key=lambda one: one.text() == "⋯")


def words(panel: Panel) -> list[str]:
    """What shows."""
    return [button.text() for button in buttons(panel) if button.isVisible()]


def test_everything_shows_where_there_is_room(panel: Panel) -> None:
    assert words(panel) == ["colour: anon_vma", "low address left", "table", "copy"]


def test_the_last_go_into_the_menu_and_work_there(panel: Panel, qtbot: QtBot) -> None:
    clicked: list[str] = []
    for button in buttons(panel):
        button.clicked.connect(lambda _=False, b=button: clicked.append(b.text()))
    panel.resize(260, 200)
    qtbot.wait(20)
    shown = words(panel)
    assert shown[-1] == "⋯" and 1 <= len(shown) < 5
    more = buttons(panel)[-1]
    assert all(button.geometry().right() <= panel.width() for button in buttons(panel) if button.isVisible())
    more.menu().aboutToShow.emit()
    entries = [action.text() for action in more.menu().actions()]
    assert entries == [name for name in ("colour: anon_vma", "low address left", "table", "copy") if name not in shown]
    next(action for action in more.menu().actions() if action.text() == "copy").trigger()
    assert clicked == ["copy"]


def test_they_come_back(panel: Panel, qtbot: QtBot) -> None:
    panel.resize(200, 200)
    qtbot.wait(20)
    panel.resize(900, 200)
    qtbot.wait(20)
    assert words(panel) == ["colour: anon_vma", "low address left", "table", "copy"]


def test_one_that_its_owner_hides_stays_hidden(panel: Panel, qtbot: QtBot) -> None:
    buttons(panel)[2].setVisible(False)
    panel.resize(880, 200)
    qtbot.wait(20)
    assert words(panel) == ["colour: anon_vma", "low address left", "copy"]


def test_a_low_panel_gives_its_footer_to_the_body(panel: Panel, qtbot: QtBot) -> None:
    panel.set_footer("Drag a vma to move it")
    line = panel.fontMetrics().height()
    panel.resize(600, 12 * line)
    assert panel._bottom.isVisible()
    panel.resize(600, 6 * line)
    assert not panel._bottom.isVisible()
    panel.resize(600, 12 * line)
    assert panel._bottom.isVisible()
