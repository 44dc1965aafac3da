"""The timeline: geometry, dragging, keys, and what it says."""

from __future__ import annotations

import numpy as np
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QSignalSpy, QTest
from pytestqt.qtbot import QtBot

from rmapexplorer.engine.frames import HistoryEntry, PathChanged
from rmapexplorer.gui.selection import Selection
from rmapexplorer.gui.theme import Themes
from rmapexplorer.gui.timeline import Timeline
from rmapexplorer.gui.timeline_marks import labelled, marks, place, position_at, word
from tests.gui import frame_factory as ff


def view(qtbot: QtBot, count: int = 6, position: int = 5) -> Timeline:
    widget = Timeline(Selection(), Themes())
    qtbot.addWidget(widget)
    widget.resize(1300, widget.sizeHint().height())
    widget.show()
    qtbot.waitExposed(widget)
    widget.apply(ff.history(count))
    widget.set_frame(ff.letter(position=position, head=count))
    return widget


def spot(widget: Timeline, position: float) -> QPoint:
    left, width, y = widget.track.line()
    return QPoint(round(left + width * position / widget.track.head), round(y))


def sought(spy: QSignalSpy) -> list[int]:
    return [spy.at(i)[0] for i in range(spy.count())]


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(-50, 50), st.floats(5001, 9000))
def test_every_position_has_its_place_and_back(head: int, share: float, left: float, width: float) -> None:
    position = round(share * head)
    assert position_at(place(position, head, left, width), head, left, width) == position
    assert position_at(-1e6, head, left, width) == 0
    assert position_at(1e6, head, left, width) == head


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(10, 80)), min_size=1, max_size=40), st.integers(0, 39))
def test_names_do_not_touch_and_the_current_one_is_always_there(items: list[tuple[float, float]], now: int) -> None:
    centres, widths = [c for c, _ in items], [w for _, w in items]
    now = min(now, len(items) - 1)
    shown = labelled(centres, widths, now)
    assert now in shown
    for a in shown:
        for b in shown:
            assert a == b or abs(centres[a] - centres[b]) >= (widths[a] + widths[b]) / 2


def test_marks_share_and_refusals_by_column() -> None:
    loud = np.array([True, False, False, False], dtype=bool)
    refused = np.array([False, False, False, True], dtype=bool)
    share, bad = marks(loud, refused, 2)
    assert share.tolist() == [0.5, 0.0]
    assert bad.tolist() == [False, True]


def test_touching_is_called_a_write_or_a_read_on_the_track() -> None:
    def called(name: str, text: str) -> str:
        return word(HistoryEntry(position=1, name=name, text=text, error=None))

    assert [called("touch", "write(1, a10-a14)"), called("touch", "read(1, a10-a14)")] == ["write", "read"]
    assert called("touch", "read(1, a10-a14, +2 runs)") == "touch", "it may write too"
    assert (called("madvise", "madvise(1, a10, free)"), word(None)) == ("madvise", "start")


def test_a_click_seeks(qtbot: QtBot) -> None:
    widget = view(qtbot)
    spy = QSignalSpy(widget.seek_requested)
    QTest.mouseClick(widget.track, Qt.MouseButton.LeftButton, pos=spot(widget, 2.2))
    assert sought(spy) == [2]
    assert widget.track.shown == 2  # at once, before the engine answers


def test_dragging_seeks_on_the_way_but_not_for_every_pixel(qtbot: QtBot) -> None:
    widget = view(qtbot, 3000, 3000)
    spy = QSignalSpy(widget.seek_requested)
    QTest.mousePress(widget.track, Qt.MouseButton.LeftButton, pos=spot(widget, 2900))
    for position in range(2900, 100, -7):
        QTest.mouseMove(widget.track, spot(widget, position))
    QTest.mouseMove(widget.track, spot(widget, 100))
    QTest.mouseRelease(widget.track, Qt.MouseButton.LeftButton, pos=spot(widget, 100))
    seeks = sought(spy)
    assert abs(seeks[-1] - 100) <= 3
    assert 2 <= len(seeks) < 200
    assert len(set(seeks)) == len(seeks)


def test_frames_that_come_late_do_not_move_the_handle_under_the_mouse(qtbot: QtBot) -> None:
    widget = view(qtbot, 30, 30)
    QTest.mousePress(widget.track, Qt.MouseButton.LeftButton, pos=spot(widget, 10))
    widget.set_frame(ff.letter(position=28, head=30))
    assert widget.track.shown == 10
    QTest.mouseRelease(widget.track, Qt.MouseButton.LeftButton, pos=spot(widget, 10))
    widget.set_frame(ff.letter(position=10, head=30))
    assert widget.track.shown == 10


def test_keys_move_and_stop_at_both_ends(qtbot: QtBot) -> None:
    widget = view(qtbot, 30, 15)
    reached = []
    for name in ("Left", "Right", "PageDown", "PageUp", "End", "Home"):
        widget.set_frame(ff.letter(position=15, head=30))
        QTest.keyClick(widget.track, Qt.Key[f"Key_{name}"])
        reached.append(widget.track.shown)
    assert reached == [14, 16, 18, 12, 30, 0]
    widget.set_frame(ff.letter(position=0, head=30))
    QTest.keyClick(widget.track, Qt.Key.Key_Left)
    assert widget.track.shown == 0


def test_a_key_held_down_ends_where_it_should(qtbot: QtBot) -> None:
    widget = view(qtbot, 30, 0)
    spy = QSignalSpy(widget.seek_requested)
    for _ in range(12):
        QTest.keyClick(widget.track, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: sought(spy)[-1:] == [12])


def test_it_says_where_we_are(qtbot: QtBot) -> None:
    widget = view(qtbot)
    assert widget.where.full_text() == "after operation 5 of 6"
    assert widget.what.full_text() == "mremap 2 a18-a1c -> c40"
    assert "after operation 5 of 6" in widget.track.accessibleDescription()
    widget.set_frame(ff.letter(position=0))
    assert widget.where.full_text() == "before the first of 6"


def test_other_branches_can_be_chosen_while_there_are_any(qtbot: QtBot) -> None:
    widget = view(qtbot, 6, 5)
    assert not widget.branch.isVisible()
    widget.set_frame(ff.letter(branch="branch 2", branches=("main", "branch 2")))
    assert widget.branch.isVisible()
    assert widget.branch.text() == "branch 2"
    main, own = widget.branch.menu().actions()
    assert (main.text(), own.isChecked()) == ("main", True)
    asked = QSignalSpy(widget.requested)
    own.trigger()
    assert asked.count() == 0
    main.trigger()
    assert asked.at(0) == ["branch", {"name": "main"}]
    widget.set_frame(ff.letter())
    assert not widget.branch.isVisible()


def test_a_refused_operation_is_said_to_be(qtbot: QtBot) -> None:
    widget = view(qtbot, 8, 7)
    assert widget.what.full_text().endswith("EINVAL")


def test_dots_marks_and_no_operation_at_all_can_be_painted(qtbot: QtBot) -> None:
    widget = view(qtbot)
    few = widget.grab().toImage()
    widget.apply(ff.history(3000))
    widget.set_frame(ff.letter(position=1200, head=3000))
    assert widget.grab().toImage() != few
    widget.apply(evolve(ff.history(0), generation=2))
    widget.set_frame(ff.letter(position=0, head=0, generation=2))
    widget.grab()
    assert widget.where.full_text() == "no operation yet"


def test_the_context_menu_knows_the_operation(qtbot: QtBot) -> None:
    widget = view(qtbot)
    with qtbot.waitSignal(widget.context_requested) as asked:
        widget.track.menu_requested.emit(3, QPoint())
    assert asked.args[:2] == ["operation", {"position": 3}]


def test_a_click_at_a_flag_goes_to_the_bookmark_and_a_drag_does_not_stick(qtbot: QtBot) -> None:
    widget = view(qtbot, 50_000, 0)
    widget.track.set_marks({20_000: "here"}, (None, None))
    seeks = QSignalSpy(widget.track.seek_requested)
    flag = spot(widget, 20_000)
    QTest.mousePress(widget.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, flag + QPoint(3, 0))
    assert sought(seeks) == [20_000]
    QTest.mouseMove(widget.track, flag + QPoint(2, 0))
    QTest.mouseRelease(widget.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, flag + QPoint(2, 0))
    assert 20_000 < sought(seeks)[-1] < 20_200
    QTest.mouseClick(widget.track, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, flag + QPoint(9, 0))
    assert sought(seeks)[-1] > 20_250


def test_moving_along_a_long_log_draws_its_marks_once(qtbot: QtBot) -> None:
    widget = view(qtbot, 5000, 100)
    entries = tuple(evolve(entry, name="mmap") for entry in ff.history(5000).entries)
    widget.apply(PathChanged(generation=1, keep=0, entries=entries))
    pictures = widget.track._pictures(Themes().current)
    before = widget.grab().toImage()
    widget.set_frame(ff.letter(position=4000, head=5000))
    after = widget.grab().toImage()
    assert widget.track._pictures(Themes().current) is pictures
    row = widget.track.mapTo(widget, spot(widget, 2000)).y() + 6  # in the marks: reached or not
    column = widget.track.mapTo(widget, spot(widget, 2000)).x()
    ratio = before.devicePixelRatio()
    colours = [
        {image.pixelColor(round((column + n) * ratio), round(row * ratio)).name() for n in range(-8, 9)}
        for image in (before, after)
    ]
    theme = Themes().current
    assert theme.color("faint").name() in colours[0]
    assert theme.color("accent").name() in colours[1]
    widget.apply(PathChanged(generation=1, keep=4500, entries=entries[4500:4600]))
    widget.set_frame(ff.letter(position=4000, head=4600))
    assert widget.track._pictures(Themes().current) is not pictures
