"""The inspector: the walk is revealed step by step and stays so, refusals name rule and values, text can be copied."""

from __future__ import annotations

import pytest
from attrs import evolve
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import Detail, Frame, WalkDetail, WalkStep
from rmapexplorer.gui.inspector import Inspector, lost_sentence
from rmapexplorer.gui.inspector_parts import MergeCard, pair_text
from rmapexplorer.gui.models.walk import MOST, WalkModel, lost, step_line, tally
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from tests.gui import frame_factory as ff

DETAIL = ff.letter_detail()
WALK = DETAIL.walk
assert WALK is not None


def long_walk(count: int = 2000) -> WalkDetail:
    steps = tuple(
        WalkStep(pid=i, comm="child", start=i * 16, end=i * 16 + 8, vpn=i * 16, hit=i % 4 == 0, nodes=i + 1)
        for i in range(count)
    )
    hits = sum(s.hit for s in steps)
    return WalkDetail(steps=steps, nodes=count, probes=count, hits=hits, missed=0, find_vma=0, mapped=hits)


def framed(detail: Detail | None, **changes: object) -> Frame:
    return evolve(ff.letter(), detail=detail, **changes)


def view(qtbot: QtBot) -> Inspector:
    widget = Inspector(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.resize(323, 900)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def press(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[call-overload]


def test_figures_grow_with_the_steps_and_end_as_the_walks_own() -> None:
    assert tally(WALK, 2).sentence() == "2 vmas visited · 2 ptes probed · 2 hits · 1 to go"
    assert tally(WALK, 3).sentence() == "3 vmas visited · 3 ptes probed · 3 hits · 0 missed"
    missed = evolve(WALK, missed=2)
    assert tally(missed, 3).missed == 2
    assert tally(missed, 1).missed == 0  # nobody knows yet


def test_lost_ptes_are_those_that_map_the_page_and_no_step_hits() -> None:
    walk = evolve(WALK, spots=(*WALK.spots, (9, 0x123)), missed=1)
    assert lost(walk) == ((9, 0x123),)
    assert lost_sentence(walk).startswith("1 pte lost (page 123 of 9):")


def test_the_model_of_steps_is_sound() -> None:
    model = WalkModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_walk(WALK, 0)
    model.reveal(2)
    model.reveal(3)
    assert model.rowCount() == 3
    model.reveal(0)
    assert model.rowCount() == 0
    model.set_walk(long_walk(), 2000)
    assert model.rowCount() == MOST


def test_step_reveals_one_candidate_and_run_the_rest(qtbot: QtBot) -> None:
    widget = view(qtbot)
    told = QSignalSpy(widget.walk_step_changed)
    widget.set_frame(framed(DETAIL))
    assert widget.walk.list.steps.rowCount() == 0
    press(widget.walk.step)
    assert widget.walk.list.steps.rowCount() == 1
    press(widget.walk.run)
    assert widget.walk.list.steps.rowCount() == 3
    assert [told.at(i)[0] for i in range(told.count())] == [1, 3]
    assert not widget.walk.step.isEnabled()
    press(widget.walk.run)  # "Again"
    assert widget.walk.list.steps.rowCount() == 0


def test_what_was_revealed_stays_until_selection_position_or_design_change(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(DETAIL))
    widget.step_walk()
    widget.set_frame(framed(ff.letter_detail(), serial=2))
    assert widget.walk.revealed == 1
    widget.set_frame(framed(DETAIL, position=4))
    assert widget.walk.revealed == 0
    widget.step_walk()
    widget.set_frame(framed(DETAIL, position=4, view="anonmm"))
    assert widget.walk.revealed == 0
    widget.step_walk()
    widget.set_frame(framed(evolve(DETAIL, vpn=0xC43), position=4, view="anonmm"))
    assert widget.walk.revealed == 0


def test_a_long_walk_lists_some_steps_and_says_so(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(evolve(DETAIL, walk=long_walk())))
    widget.run_walk()
    assert widget.walk.list.steps.rowCount() == MOST
    assert "showing 500 of 2,000" in widget.walk.text.text()
    assert "2,000 vmas visited" in widget.walk.text.text()


def test_steps_are_numbered_with_a_sign_beside_the_colour() -> None:
    assert step_line(2, WALK.steps[1]) == "2  worker 2  c40-c44  page c42  ✓ hit"
    assert "✗ miss" in step_line(1, evolve(WALK.steps[0], hit=False))
    assert "no vma" in step_line(1, evolve(WALK.steps[0], start=-1, end=-1))


def test_real_addresses_and_pids_are_whole_names_give_way(qtbot: QtBot) -> None:
    steps = tuple(
        WalkStep(pid=26901 + i, comm="redis-server", start=0x7F96DB0FC, end=0x7F96DB9FC, vpn=0x7F96DB0FC, hit=i > 0,
                 nodes=i + 1)
        for i in range(2)
    )  # fmt: skip
    walk = WalkDetail(steps=steps, nodes=2, probes=2, hits=1, missed=0, find_vma=0, mapped=1)
    widget = view(qtbot)
    widget.set_frame(framed(evolve(DETAIL, walk=walk)))
    widget.run_walk()
    for width in (323, 280, 700):
        widget.resize(width, 900)
        rows, metrics = widget.walk.list, widget.walk.list.fontMetrics()
        qtbot.waitUntil(lambda: abs(widget.walk.list.width() - widget.width()) < 60)
        column = rows.steps.column("span")
        assert rows.header().sectionSize(column) >= metrics.horizontalAdvance("7f96db0fc-7f96db9fc")
        task = rows.steps.data(rows.steps.index(0, 1))
        assert task.endswith("26901")
        assert rows.header().sectionSize(1) >= metrics.horizontalAdvance(task)
    assert task == "redis-server 26901"


def test_lost_ptes_are_told_only_when_the_walk_is_over(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(evolve(DETAIL, walk=evolve(WALK, missed=1, spots=((9, 0x123),)))))
    widget.step_walk()
    assert "lost" not in widget.walk.text.text()
    widget.run_walk()
    assert "1 pte lost" in widget.walk.text.text()


def test_a_click_on_a_step_selects_its_page(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(DETAIL))
    widget.run_walk()
    table = widget.walk.list
    QTest.mouseClick(
        table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(table.steps.index(2, 1)).center()
    )
    assert (widget._selection.pid, widget._selection.vpn) == (3, 0xA1A)


def test_a_refused_merge_names_the_rule_and_both_values(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(DETAIL))
    cards = widget.merges.findChildren(MergeCard)
    text = cards[0].text.text().replace("\u200b", "")
    for part in ("pgoff is not linear: a18 + 4 = a1c, but c44", "a1c", "c44", "is_mergeable_vma"):
        assert part in text
    assert widget.merges.title.text() == "Why it does not merge"


@pytest.mark.parametrize(("side", "expected"), [("left", "c44-c4c  |  c40-c44"), ("right", "c40-c44  |  c44-c4c")])
def test_the_pair_stands_in_the_order_of_addresses(side: str, expected: str) -> None:
    assert pair_text(evolve(DETAIL.merges[1], side=side)) == expected


def test_neighbours_that_merge_are_a_quiet_line(qtbot: QtBot) -> None:
    widget = view(qtbot)
    merges = evolve(DETAIL.merges[1], refusal=None)
    widget.set_frame(framed(evolve(DETAIL, merges=(merges,))))
    assert widget.merges.title.text() == "Neighbours"
    assert len([c for c in widget.merges.findChildren(MergeCard) if c.isVisible()]) == 1


def test_every_other_design_has_its_line(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(DETAIL))
    text = widget.others.text().replace("\u200b", "")
    assert all(word in text for word in ("pte_chain", "anonmm", "anon_vma", "4 pages copied by mremap", "17.5 KiB"))


def test_text_is_escaped_selectable_and_wraps(qtbot: QtBot) -> None:
    widget = view(qtbot)
    field = evolve(DETAIL.page[0], value="<b>/a/very/long/path" + "/x" * 200)
    widget.set_frame(framed(evolve(DETAIL, page=(field,))))
    assert "&lt;b&gt;" in widget.page.text()
    assert widget.page.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse
    assert widget.page.width() <= widget.scroll.viewport().width()
    assert widget.page.heightForWidth(widget.page.width()) > 60


def test_the_walk_can_be_copied(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(DETAIL))
    widget.run_walk()
    QTest.keyClick(widget.walk.list, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert len(QGuiApplication.clipboard().text().splitlines()) == 3


def test_nothing_selected_says_what_to_do(qtbot: QtBot) -> None:
    widget = view(qtbot)
    widget.set_frame(framed(None))
    assert not widget.scroll.isVisible()
    widget.set_frame(framed(DETAIL))
    assert widget.scroll.isVisible()
    assert widget.panel.hint() == "page 0x2a"


def test_playing_many_frames_leaves_no_widgets_behind(qtbot: QtBot) -> None:
    widget = view(qtbot)
    for n in range(30):
        merges = tuple(evolve(m, remedy=str(n)) for m in DETAIL.merges)
        widget.set_frame(framed(evolve(DETAIL, merges=merges), position=n))
    assert len([c for c in widget.merges.findChildren(MergeCard) if not c.isHidden()]) == 2


def test_no_part_is_ever_shown_as_a_window_of_its_own(qtbot: QtBot) -> None:
    class Shown(QObject):
        windows: list[str] = []

        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
            if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
                self.windows.append(type(watched).__name__)
            return False

    watch = Shown()
    QApplication.instance().installEventFilter(watch)
    widget = Inspector(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.set_frame(ff.letter())
    QApplication.instance().removeEventFilter(watch)
    assert watch.windows == []


def test_a_process_that_is_gone_is_said_to_be(qtbot: QtBot) -> None:
    selection = Selection()
    widget = Inspector(selection, Themes())
    qtbot.addWidget(widget)
    selection.select(77)
    widget.set_frame(framed(None))
    assert widget.panel._empty.text().startswith("Process 77 is not alive at this operation.")
    selection.select(2)
    widget.set_frame(framed(None))
    assert widget.panel._empty.text().startswith("Nothing selected.")
