"""The first minute of somebody new: the six operations played with their sentences, and never an empty picture unexplained."""

from __future__ import annotations

from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Munmap, Operation, Reclaim, Touch
from rmapexplorer.core.units import Span
from rmapexplorer.gui import sentences
from rmapexplorer.gui.caption import Caption
from rmapexplorer.gui.features import story
from rmapexplorer.gui.welcome import AGAIN, DONE, PLAY_LESSON, STORY, TOLD
from rmapexplorer.gui.window import MainWindow
from rmapexplorer.resources import resource
from tests.gui.real_window import at_rest, settings, window

__all__ = ["settings", "window"]


def caption(window: MainWindow) -> Caption:
    found = window.views["timeline"].caption
    assert isinstance(found, Caption)
    return found


def test_play_it_plays_all_six_with_their_sentences_and_keeps_its_offers(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(story, "LETTERS_SECOND", 10_000.0)
    window.welcome.show()
    window.strip_changed()
    seen: list[tuple[int, str]] = []
    views = window.views
    note = views["timeline"].set_frame

    def noting(frame: Any) -> None:
        note(frame)
        seen.append((frame.position, caption(window).sentence))

    views["timeline"].set_frame = noting
    window.welcome.buttons["tell"].click()
    qtbot.waitUntil(lambda: window.position == 6 and not window.player.playing, timeout=15_000)
    told = dict(seen)
    assert set(told) == {0, 1, 2, 3, 4, 5, 6}
    assert all(told.values()) and len(set(told.values())) == 7
    assert "copy on write" in told[4] and "reverse mapping" in told[2]
    assert not window.welcome.isHidden(), "the offers stay"
    assert window.welcome.story.full_text() == TOLD and window.welcome.buttons["tell"].text() == AGAIN


def test_in_a_window_of_1280_pixels_the_status_line_has_the_news_beside_the_design_in_view(window: MainWindow) -> None:
    said = window.statusbar.said
    wide = said.width() - said.fontMetrics().horizontalAdvance(said.operation) * 1.1 - 14  # it stands there in bold
    shown = said.shown_effects(round(wide))
    assert shown.startswith("anon_vma_chain: 1 merge refused, +2 vmas, +4 anon_vma_chains")
    assert "anonmm: 4 pages copied by mremap" in shown


def test_sentences_stay_as_long_as_it_takes_to_read_them() -> None:
    assert story.reading_time("") < story.reading_time("x" * 100) < story.reading_time("x" * 180)
    assert story.reading_time("x" * 10_000) == story.LONGEST_SECONDS


@pytest.mark.parametrize("position", range(7))
def test_no_position_shows_an_empty_neighbourhood_without_its_reason(
    window: MainWindow, qtbot: QtBot, position: int
) -> None:
    window.commands.run("seek", {"position": position})
    at_rest(qtbot, window, position)
    qtbot.waitUntil(lambda: window.frame is not None and window.frame.detail is not None, timeout=5000)
    structures = window.views["structures"]
    if position == 0:
        assert "Nothing is mapped yet" in structures._emptiness()
    else:
        qtbot.waitUntil(lambda: structures._emptiness() is None, timeout=5000)


def test_the_selection_comes_back_when_it_exists_again(window: MainWindow, qtbot: QtBot) -> None:
    before = (window.selection.pid, window.selection.vpn)
    assert before == (2, 0xA22)
    back = len(_history(window))
    for position, place in ((1, (1, 0xA10)), (3, (2, 0xA10)), (0, (1, -1)), (5, before)):
        window.commands.run("seek", {"position": position})
        at_rest(qtbot, window, position)
        assert (window.selection.pid, window.selection.vpn) == place, position
    assert len(_history(window)) == back, "nobody selected anything"
    window.submit([Munmap(pid=2, span=Span(0xA20, 0xA24))])
    at_rest(qtbot, window, 6)
    assert (window.selection.pid, window.selection.vpn) != before
    window.commands.run("undo", {})
    at_rest(qtbot, window, 5)
    assert (window.selection.pid, window.selection.vpn) == before


def test_what_the_user_selects_meanwhile_stays(window: MainWindow, qtbot: QtBot) -> None:
    window.commands.run("seek", {"position": 2})
    at_rest(qtbot, window, 2)
    window.selection.select(1, 0xA14)
    window.commands.run("seek", {"position": 5})
    at_rest(qtbot, window, 5)
    assert (window.selection.pid, window.selection.vpn) == (1, 0xA14)


def _history(window: MainWindow) -> list[tuple[int, int]]:
    return next(feature for feature in window.features if hasattr(feature, "places")).places  # type: ignore[attr-defined]


def test_the_caption_is_there_in_small_windows_and_large_in_a_lecture(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1024, 700)
    label = caption(window)
    assert label.isVisible() and label.text() and not label.visibleRegion().isEmpty()
    small = label.font().pointSizeF()
    window.commands.run("perspective_teach", {})
    assert caption(window).font().pointSizeF() > 1.3 * small and caption(window).isVisible()
    window.commands.run("perspective_explore", {})
    assert caption(window).font().pointSizeF() == small


def test_a_caption_is_plain_text_cut_by_words(qtbot: QtBot) -> None:
    label = Caption()
    qtbot.addWidget(label)
    label.resize(300, 40)
    label.say("<b>bold</b> &amp;")
    assert label.text() == "<b>bold</b> &amp;" and label.textFormat().name == "PlainText"
    high = label.height()
    label.say("word " * 200)
    assert label.text().endswith(" …") and label.toolTip().startswith("word")
    label.say("short", longest="word " * 200)
    assert label.height() > high, "room for the longest, so that nothing jumps"


@pytest.mark.parametrize(
    ("op", "deltas", "words"),
    [
        (Mmap(pid=1, span=Span(1, 17)), {}, "room for 16 pages"),
        (Fork(pid=1, child=2), {}, "process 2 is a copy of process 1"),
        (Touch(pid=2, runs=((1, 5, "w"),)), {"copied_by_write": 4}, "copy on write"),
        (Touch(pid=2, runs=((1, 2, "r"),)), {}, "read: process 2 touches 1 page"),
        (Mremap(pid=2, span=Span(1, 5), new_pages=4, to=50), {"copied_by_mremap": 4}, "had to copy 4 pages"),
        (Mremap(pid=2, span=Span(1, 5), new_pages=4, to=50), {}, "The pages stay the same"),
        (Mremap(pid=2, span=Span(1, 5), new_pages=8), {}, "8 pages long, in place"),
        (Reclaim(pages=3), {"swap_outs": 3, "list_nodes": 1200}, "3 pages went to swap, 1,200 list nodes"),
    ],
)
def test_every_operation_says_in_plain_words_what_it_did(op: Operation, deltas: dict[str, int], words: str) -> None:
    assert words in sentences.sentence(op, deltas)


def test_the_timeline_takes_no_more_room_than_it_needs(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1280, 1000)
    window.docks.proportion()
    qtbot.wait(50)
    timeline = window.views["timeline"]
    assert timeline.height() <= timeline.sizeHint().height() + 8


def test_a_lesson_of_the_gallery_begins_at_its_beginning_and_offers_to_play(window: MainWindow, qtbot: QtBot) -> None:
    assert window.welcome.isHidden()
    window.files.pick(str(resource("scenarios/fork-and-copy-on-write.rmap")))
    qtbot.waitUntil(lambda: window.welcome.lesson, timeout=10_000)
    at_rest(qtbot, window, 0)
    assert not window.welcome.isHidden() and window.welcome.buttons["tell"].text() == PLAY_LESSON
    assert window.head == 8 and "8 operations" in window.welcome.story.full_text()
    assert caption(window).sentence.startswith("A lesson in eight operations")
    window.welcome.told(8, 8)
    assert "anonmm" not in window.welcome.story.full_text(), "the end of another story"
    window.files.open(str(resource("scenarios/the-letter-in-six-operations.rmap")))
    at_rest(qtbot, window, 5)
    assert not window.welcome.lesson, "opened as any file is: where it was left"


def test_a_workload_of_the_gallery_opens_where_it_was_left(window: MainWindow, qtbot: QtBot) -> None:
    window.files.pick(str(resource("scenarios/six-eras.rmap")))
    qtbot.waitUntil(lambda: window.files.title == "six-eras", timeout=10_000)
    at_rest(qtbot, window)
    assert window.position > 0 and not window.welcome.lesson and window.welcome.isHidden()


def test_the_strip_says_what_to_look_at_where_its_proposal_was_done(window: MainWindow, qtbot: QtBot) -> None:
    window.welcome.told(6, 6)
    window.commands.run("seek", {"position": 5})
    at_rest(qtbot, window, 5)
    assert window.welcome.story.full_text() == TOLD
    window.bridge.view("anonmm")
    qtbot.waitUntil(lambda: window.welcome.story.full_text() == DONE, timeout=5000)
    assert window.frame is not None
    did = {
        state.key: state.outcome.deltas.get("copied_by_mremap", 0) for state in window.frame.designs if state.outcome
    }
    assert did == {"pte_chain": 0, "anonmm": 4, "anon_vma": 0, "anon_vma_chain": 0}, "as it says"
    window.commands.run("seek", {"position": 4})
    qtbot.waitUntil(lambda: window.welcome.story.full_text() == STORY, timeout=5000)
