"""The pages of the designs, and the context menu of a chip that opens them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from rmapexplorer.designs.registry import DESIGNS
from rmapexplorer.gui.design_page import DesignPages, page
from rmapexplorer.gui.theme import Themes
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]


@pytest.fixture
def pages(qtbot: QtBot) -> Iterator[DesignPages]:
    made = DesignPages(Themes("light"))
    qtbot.addWidget(made)
    made.show_design("anonmm:variant=4c")
    qtbot.waitExposed(made)
    yield made


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.key)
def test_every_design_has_a_page_with_its_options(design: type) -> None:
    text = page(design)
    assert text.startswith("#") and design.title in text  # type: ignore[attr-defined]
    assert all(option.help in text for option in design.OPTIONS)  # type: ignore[attr-defined]
    assert all(loss.words in text for loss in design.LOSES)  # type: ignore[attr-defined]
    assert ("lose ptes" in text) == bool(design.LOSES)  # type: ignore[attr-defined]


def test_a_click_shows_another_design(pages: DesignPages, qtbot: QtBot) -> None:
    assert pages.list.currentItem().text() == "anonmm"
    assert "anonmm" in pages.browser.toPlainText().split("\n")[0]
    row = [design.key for design in DESIGNS].index("cow_context")
    place = pages.list.visualItemRect(pages.list.item(row)).center()
    qtbot.mouseClick(pages.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert pages.list.currentItem().text() == "cow_context"
    assert "COW context" in pages.browser.toPlainText().split("\n")[0]
    assert pages.browser.horizontalScrollBar().maximum() == 0


def test_the_menu_of_a_chip_shows_the_design_and_its_page(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    popped: list[QPoint] = []
    monkeypatch.setattr(QMenu, "popup", lambda menu, place: popped.append(place))  # a real one grabs the keyboard
    chip = shell.window.toolbar.chips["anonmm"]
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), chip.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(chip, event)
    menu = next(m for m in shell.window.toolbar.row.findChildren(QMenu) if m.objectName() == "chip_menu")
    assert popped == [event.globalPos()]
    texts = {action.objectName(): action for action in menu.actions()}
    texts["about"].trigger()
    pages = shell.window.menus.windows.designs
    assert pages is not None and pages.isVisible() and pages.list.currentItem().text() == "anonmm"
    texts["show"].trigger()
    assert ("view", "anonmm") in shell.engine.calls
    menu.close()


def test_help_opens_the_page_of_the_design_in_view(shell: Shell) -> None:
    shell.window.actions_["design_pages"].trigger()
    pages = shell.window.menus.windows.designs
    assert pages is not None and pages.isVisible()
    assert (
        shell.window.frame is not None and pages.list.currentItem().text() == shell.window.frame.view.partition(":")[0]
    )
    shell.window.close()
    assert not pages.isVisible()
