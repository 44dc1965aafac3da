"""The help: every link of every page leads somewhere, search, back and forward, links that act, What's This."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QPushButton, QWhatsThis
from pytestqt.qtbot import QtBot

from rmapexplorer.claims.model import PARAGRAPHS
from rmapexplorer.core.world import World
from rmapexplorer.designs.registry import design_named
from rmapexplorer.formats.script_operations import EXAMPLES
from rmapexplorer.formats.script_session import load_script
from rmapexplorer.gui import help_text
from rmapexplorer.gui.actions import ACTIONS
from rmapexplorer.gui.features.help_pages import HelpPages, panel_words
from rmapexplorer.gui.help import HelpWindow
from rmapexplorer.gui.help_links import follow, known, page_of
from rmapexplorer.gui.layout import PLACES
from tests.gui.shell import Shell, settings, shell

__all__ = ["settings", "shell"]

KEYS = (*help_text.TITLES, *help_text.design_keys())


def opened(shell: Shell, key: str = "guide") -> HelpWindow:
    shell.window.show_page(key)
    assert shell.window.help is not None
    return shell.window.help


@pytest.mark.parametrize("key", KEYS)
def test_every_link_leads_somewhere(key: str) -> None:
    text = help_text.text(key)
    assert text.startswith("# ")
    assert [link for link in help_text.links(text) if not known(link)] == []


@pytest.mark.parametrize(
    "link", ["scenario:none", "claim:C99", "design:none", "help:none", "dock:none", "action:none", "file:x", ""]
)
def test_a_link_to_nothing_is_known_as_such(link: str) -> None:
    assert not known(link)


def test_every_paragraph_of_the_letter_is_told_and_says_who_speaks_and_where_to_look() -> None:
    text = help_text.text("letter")
    told = re.findall(r"^\*\*(\d+)\. (Rik|Andrea)\*\*(.*?)(?=^\*\*\d+\. |^## )", text, re.M | re.S)
    assert [int(number) for number, _, _ in told] == list(range(1, PARAGRAPHS + 1))
    for number, _, words in told:
        kinds = {link.partition(":")[0] for link in help_text.links(words)}
        assert kinds & {"scenario", "claim", "design"}, number


def test_every_claim_is_linked_from_the_letter() -> None:
    linked = {link for link in help_text.links(help_text.text("letter")) if link.startswith("claim:")}
    assert linked == {f"claim:C{number}" for number in range(1, 19)}


def test_the_shortcut_sheet_has_every_action_and_every_panel() -> None:
    sheet = help_text.text("shortcuts")
    assert [a.title for a in ACTIONS if a.menu and f"| {a.title} |" not in sheet] == []
    assert [place.title for place in PLACES if f"| {place.title} | {place.shortcut} |" not in sheet] == []


def test_the_examples_of_scripts_are_scripts() -> None:
    text = help_text.text("script")
    blocks = re.findall(r"(?:^    .*\n)+", text, re.M)
    assert len(blocks) == 3
    for block in blocks:
        made = load_script("\n".join(line[4:] for line in block.split("\n")).encode(), "script.md")
        world = World(design_named("anon_vma_chain"), made.machine)
        assert made.operations and [op for op in made.operations if world.apply(op).error] == []
    assert [name for name in EXAMPLES if f"| {name} |" not in text] == []


def test_back_and_forward(shell: Shell) -> None:
    window = opened(shell)
    window.browser.anchorClicked.emit(QUrl("help:letter"))
    window.browser.anchorClicked.emit(QUrl("design:anonmm"))
    assert window.key == "design/anonmm" and window.windowTitle() == "anonmm - Help"
    window.back_button.click()
    window.back_button.click()
    assert window.key == "guide" and not window.back_button.isEnabled()
    window.forward_button.click()
    assert window.key == "letter"
    window.go("formats")
    assert not window.forward_button.isEnabled()
    assert window.tree.currentItem().text(0) == help_text.TITLES["formats"]


def test_search_leaves_the_pages_that_have_all_words_and_marks_them(shell: Shell) -> None:
    window = opened(shell)
    window.search.setText("prio_tree")
    shown = {key for key, item in window.items.items() if not item.isHidden()}
    assert "vocabulary" in shown and "formats" not in shown
    assert window.count.text() == f"{len(shown)} of {len(KEYS)} pages"
    window.search.returnPressed.emit()
    assert window.key in shown and window.browser.extraSelections()
    window.search.setText("")
    assert all(not item.isHidden() for item in window.items.values())
    assert not window.browser.extraSelections()


def test_links_act_on_the_window(shell: Shell, qtbot: QtBot) -> None:
    window = opened(shell)
    window.browser.anchorClicked.emit(QUrl("scenario:claims/C04"))
    assert shell.engine.named("open")[-1][1].endswith("scenarios/claims/C04.rmap")
    shell.window.docks.docks["claims"].hide()
    window.browser.anchorClicked.emit(QUrl("claim:C4"))
    assert not shell.window.docks.docks["claims"].isHidden()
    shell.settle(qtbot)
    window.browser.anchorClicked.emit(QUrl("action:last"))
    assert shell.engine.named("seek")[-1] == ("seek", 6)
    shell.settle(qtbot)
    follow(shell.window, "action:last")
    assert shell.window.messagebar.text.text().startswith("This is the last operation")


def test_a_claim_is_selected_in_its_panel(shell: Shell, qtbot: QtBot) -> None:
    from rmapexplorer.gui.claims import Claims

    view = Claims(shell.window.selection, shell.window.themes)
    qtbot.addWidget(view)
    shell.window.views["claims"] = view
    follow(shell.window, "claim:C17")
    assert view.claim.id == "C17"


def test_pages_of_the_help_are_told_from_what_acts() -> None:
    assert page_of("help:letter") == "letter" and page_of("design:anonmm") == "design/anonmm"
    assert page_of("claim:C1") == ""


def test_the_page_is_written_anew_in_another_theme(shell: Shell) -> None:
    window = opened(shell, "letter")
    before = window.browser.palette().link().color().name()
    shell.window.use_theme("light")
    assert window.browser.palette().link().color().name() != before


def test_every_panel_and_every_action_says_what_it_is(shell: Shell) -> None:
    assert {place.name for place in PLACES} - set(panel_words()) <= UNWRITTEN
    feature = next(one for one in shell.window.features if isinstance(one, HelpPages))
    feature.explain()
    for place in PLACES:
        assert place.title in shell.window.docks.docks[place.name].whatsThis()
    for action in ACTIONS:
        assert action.tip in shell.window.actions_[action.id].whatsThis()
    buttons = [button for button in shell.window.findChildren(QPushButton) if button.toolTip()]
    assert all(button.whatsThis() for button in buttons)


UNWRITTEN: set[str] = set()
"""Panels without a section of their own yet."""


def test_whats_this_ends_with_the_window(shell: Shell) -> None:
    shell.window.actions_["whats_this"].trigger()
    assert QWhatsThis.inWhatsThisMode()
    next(one for one in shell.window.features if isinstance(one, HelpPages)).closing()
    assert not QWhatsThis.inWhatsThisMode()


def test_search_finds_words_and_not_letters_inside_them(shell: Shell) -> None:
    window = opened(shell)
    window.search.setText("on")
    marked = {mark.cursor.selectedText().lower() for mark in window.browser.extraSelections()}
    assert marked == {"on"}
    window.search.setText("oper")
    marked = {mark.cursor.selectedText().lower() for mark in window.browser.extraSelections()}
    assert marked == {"oper"}, "longer words by their beginning"


def test_search_opens_a_page_that_has_the_word_and_leaves_nothing_marked(shell: Shell) -> None:
    window = opened(shell)
    window.go("shortcuts")
    for typed in ("Dick", "Dickins"):
        window.search.setText(typed)
        assert window.key != "shortcuts" and not window.items[window.key].isHidden()
    assert window.browser.extraSelections()
    first = window.key
    window.search.returnPressed.emit()
    assert window.key != first and not window.items[window.key].isHidden(), "Enter goes on to the next page"
    window.search.setText("")
    assert not window.browser.extraSelections() and not window.browser.textCursor().hasSelection()
    window.back()
    window.back()
    assert window.key == "shortcuts", "back is where the search began"
