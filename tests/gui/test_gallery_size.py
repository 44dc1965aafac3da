"""Cards of workloads: they say how large what they open is, and open it at the size that was chosen."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from rmapexplorer.gui.gallery import Card, Gallery, scenarios
from rmapexplorer.gui.gallery_size import size_parameters
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.workloads.gallery import GALLERY, workload_named
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]


def card_of(qtbot: QtBot, key: str) -> Card:
    card = Card(next(one for one in scenarios() if one.workload == key))
    qtbot.addWidget(card)
    return card


@pytest.mark.parametrize("workload", GALLERY, ids=lambda workload: workload.key)
def test_every_workload_says_its_real_size_on_its_card(qtbot: QtBot, workload: object) -> None:
    key = workload.key  # type: ignore[attr-defined]
    card = card_of(qtbot, key)
    words = " ".join(label.text() for label in card.findChildren(QLabel))
    for p in size_parameters(workload_named(key)):
        assert f"{p.small:,} {p.name.replace('_', ' ')}" in words and f"{p.full:,}" in words


def test_no_name_promises_a_number() -> None:
    assert not any("thousand" in workload.title.lower() for workload in GALLERY)


def test_the_gallery_size_opens_the_file_another_one_is_made(qtbot: QtBot) -> None:
    card = card_of(qtbot, "aim7")
    assert card.size is not None
    with qtbot.waitSignal(card.chosen) as chosen:
        card.button.click()
    assert chosen.args[0].endswith("w9-aim7.rmap") and card.button.text() == "Open"
    card.size.boxes["children"].setValue(30)
    assert card.button.text() == "Make and open"
    with qtbot.waitSignal(card.sized) as sized:
        card.button.click()
    assert sized.args[0] == "aim7" and sized.args[1]["children"] == 30 and sized.args[1]["pages"] == 8


def test_the_numbers_chosen_are_what_opens(window: MainWindow, qtbot: QtBot) -> None:
    window.menus.windows.show_gallery()
    gallery = window.menus.windows.gallery
    assert isinstance(gallery, Gallery)
    card = next(card for card in gallery.cards if card.scenario.workload == "aim7")
    assert card.size is not None
    card.size.boxes["children"].setValue(50)
    card.size.boxes["pages"].setValue(20)
    card.button.click()
    qtbot.waitUntil(lambda: window.files.title.startswith("W9"), timeout=10_000)
    at_rest(qtbot, window)
    assert window.frame is not None and len(window.frame.tasks.pid) == 51
    assert window.frame.head == 3 + 2 * 50 + 1


def test_what_would_be_too_long_is_refused_in_a_sentence(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rmapexplorer.engine.make_workload.MOST_OPERATIONS", 40)
    title = window.files.title
    window.files.make("aim7", workload_named("aim7").values(full=False, children=30))
    qtbot.waitUntil(lambda: window.messagebar.notice is not None, timeout=5000)
    assert window.messagebar.notice is not None
    assert "choose smaller numbers" in window.messagebar.notice.text and window.files.title == title


def test_cards_with_fields_clip_nothing(qtbot: QtBot) -> None:
    gallery = Gallery(Themes("dark"))
    qtbot.addWidget(gallery)
    gallery.resize(760, 700)
    gallery.show()
    qtbot.wait(50)
    for card in gallery.cards:
        if card.size is not None:
            assert card.size.words.height() >= card.size.words.heightForWidth(card.size.words.width())
            for box in card.size.boxes.values():
                assert box.width() >= box.minimumSizeHint().width()
    gallery.watcher.cancel()
