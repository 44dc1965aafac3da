"""Dragging in the memory map: real mouse and key events become exactly the operations expected, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from rmapexplorer.core import flags as fl
from rmapexplorer.core.operations import Mprotect, Mremap, Munmap, Touch
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Span
from rmapexplorer.engine.dry_run import DryRun, Verdict
from rmapexplorer.gui import memory_drag as dragging
from rmapexplorer.gui.memory_drag import roundest
from rmapexplorer.gui.views import make_views
from tests.gui import frame_factory as ff
from tests.gui.shell import Shell, settings
from tests.gui.test_memory_map import Bench

__all__ = ["settings"]

Left, Middle = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
No, Alt, Shift, Control = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


def roomy(**changes: Any) -> Any:
    """Two processes whose gaps are drawn to scale; a24-a28 of process 2 was moved from a14."""
    first = (ff.V(0xA10, 0xA20, anon=0), ff.V(0xA2C, 0xA30, anon=1))
    second = (ff.V(0xA10, 0xA14, anon=0), ff.V(0xA24, 0xA28, anon=0, pgoff=0xA14), ff.V(0xA2C, 0xA30, anon=1))
    stack = (ff.V(0xA3C, 0xA40, ff.RW | fl.GROWSDOWN, anon=4, label="[stack]"),)
    return ff.build([ff.P(1, "init", first + stack), ff.P(2, "worker", second), ff.P(3, "worker", first)], **changes)


class Hand(Bench):
    """A bench whose mouse is the real one, and which notes what is asked and dropped."""

    def __init__(self, qtbot: Any, frame: Any = None, size: tuple[int, int] = (1100, 360)) -> None:
        super().__init__(qtbot, frame or roomy(), size)
        self.tries: list[Any] = []
        self.drops: list[Any] = []
        self.cuts: list[Any] = []
        self.canvas.asked.connect(self.tries.append)
        self.canvas.dropped.connect(self.drops.append)
        self.canvas.cut_requested.connect(lambda drag, at: self.cuts.append(drag))

    def border(self, pid: int, vpn: int, inside: int) -> QPoint:
        """``inside`` pixels right of the border at page number ``vpn``."""
        s = self.scene
        x = s.gutter + float(s.window.x(s.axis.unit(vpn))) + inside
        return QPoint(round(x), self.point(pid, vpn).y())

    def move(self, at: QPoint, modifiers: Any = No, button: Any = Left) -> None:
        """Move to ``at`` with the button held."""
        view, none = self.canvas.viewport(), Qt.MouseButton.NoButton
        kind, where = QEvent.Type.MouseMove, QPointF(view.mapToGlobal(at))
        QApplication.sendEvent(view, QMouseEvent(kind, QPointF(at), where, none, button, modifiers))

    def take(self, a: QPoint, b: QPoint, modifiers: Any = No, button: Any = Left) -> None:
        """Press at ``a`` and move to ``b``; the button stays down."""
        QTest.mousePress(self.canvas.viewport(), button, modifiers, a)
        for at in ((a + b) / 2, b):
            self.move(at, modifiers, button)

    def let_go(self, at: QPoint, modifiers: Any = No, button: Any = Left) -> None:
        QTest.mouseRelease(self.canvas.viewport(), button, modifiers, at)

    def carry(self, a: QPoint, b: QPoint, modifiers: Any = No, button: Any = Left) -> None:
        self.take(a, b, modifiers, button)
        self.let_go(b, modifiers, button)


@pytest.fixture
def hand(qtbot: Any) -> Hand:
    return Hand(qtbot)


def test_a_dragged_vma_is_a_move_by_the_pages_of_the_pointer(hand: Hand) -> None:
    hand.carry(hand.point(2, 0xA25), hand.point(2, 0xA1A))
    assert hand.drops == [(Mremap(pid=2, span=Span(0xA24, 0xA28), new_pages=4, to=0xA19),)]
    assert hand.scene.live is None and hand.asked == []


def test_borders_near_by_attract(qtbot: Any) -> None:
    hand = Hand(qtbot, size=(340, 300))
    few = Span(0xA2C, 0xA30)
    wide = hand.border(2, 0xA2D, 0).x() - hand.border(2, 0xA2C, 0).x()
    assert wide < dragging.REACH, "a page is narrower than the reach of a border"
    hand.take(hand.point(2, 0xA2E), hand.point(2, 0xA2B))
    assert (hand.scene.live.drag.to, hand.scene.live.drag.snapped) == (few.start - 4, True), "against the moved one"
    hand.let_go(hand.point(2, 0xA2B))
    hand.carry(hand.point(2, 0xA2E), hand.point(2, 0xA1E))
    assert hand.drops == [(Mremap(pid=2, span=few, new_pages=4, to=to),) for to in (0xA28, 0xA1C)]


def test_a_moved_vma_finds_home(hand: Hand) -> None:
    hand.take(hand.point(2, 0xA26), hand.point(2, 0xA16) + QPoint(4, 0))
    assert hand.scene.live.drag.to == 0xA14 and hand.scene.live.drag.snapped


@pytest.mark.parametrize("beside", [-1, 1])
def test_a_page_beside_home_or_a_neighbour_is_home_or_the_neighbour(hand: Hand, beside: int) -> None:
    wide = hand.border(2, 0xA2D, 0).x() - hand.border(2, 0xA2C, 0).x()
    assert wide > dragging.REACH, "a page is wider than the reach of a border in pixels"
    for home in (0xA14, 0xA28):  # its pgoff, which is the end of its neighbour too; against the next vma
        there = hand.point(2, 0xA26 + home - 0xA24 + beside)
        hand.take(hand.point(2, 0xA26), there)
        assert (hand.scene.live.drag.to, hand.scene.live.drag.snapped) == (home, True)
        hand.move(there, Shift)
        assert (hand.scene.live.drag.to, hand.scene.live.drag.snapped) == (home + beside, False), "Shift: no magnet"
        hand.let_go(there, Shift)
    assert [drop[0].to for drop in hand.drops] == [0xA14 + beside, 0xA28 + beside]


def test_an_end_can_be_dragged_by_one_page(hand: Hand) -> None:
    hand.carry(hand.border(2, 0xA14, -2), hand.border(2, 0xA15, -2))
    assert hand.drops == [(Mremap(pid=2, span=Span(0xA10, 0xA14), new_pages=5, to=None),)]


def test_escape_forgets_the_drag(hand: Hand) -> None:
    a, b = hand.point(2, 0xA25), hand.point(2, 0xA1A)
    hand.take(a, b)
    assert hand.scene.live is not None
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    assert hand.scene.live is None
    hand.let_go(b)
    assert hand.drops == [] and hand.selected == (0, -1)


def test_back_at_its_place_nothing_is_submitted(hand: Hand) -> None:
    a = hand.point(2, 0xA25)
    hand.take(a, hand.point(2, 0xA1A))
    hand.move(a)
    hand.let_go(a)
    assert hand.drops == []


@pytest.mark.parametrize("flipped", [False, True])
def test_the_right_end_grows_and_shrinks_in_place(hand: Hand, flipped: bool) -> None:
    hand.canvas.set_flipped(flipped)
    inside = 3 if flipped else -3
    hand.carry(hand.border(1, 0xA20, inside), hand.border(1, 0xA24, 0))
    hand.carry(hand.border(1, 0xA20, inside), hand.border(1, 0xA1A, 0))
    hand.carry(hand.border(1, 0xA20, inside), hand.border(1, 0xA24, 0), Control)
    whole = Span(0xA10, 0xA20)
    assert hand.drops == [
        (Mremap(pid=1, span=whole, new_pages=20),),
        (Mremap(pid=1, span=whole, new_pages=10),),
        (Mremap(pid=1, span=whole, new_pages=20, to=-1),),
    ]


def test_the_left_end_unmaps_the_front_and_cannot_grow(hand: Hand) -> None:
    hand.carry(hand.border(1, 0xA10, 3), hand.border(1, 0xA14, 0))
    assert hand.drops == [(Munmap(pid=1, span=Span(0xA10, 0xA14)),)]
    hand.take(hand.border(1, 0xA10, 3), hand.border(1, 0xA0A, 0))
    assert hand.scene.live.text == dragging.NO_FRONT and hand.scene.live.tone == "bad"
    hand.let_go(hand.border(1, 0xA0A, 0))
    assert len(hand.drops) == 1


def test_a_stack_grows_down_by_a_touch(hand: Hand) -> None:
    hand.carry(hand.border(1, 0xA3C, 3), hand.border(1, 0xA38, 0))
    assert hand.drops == [(Touch(pid=1, runs=((0xA38, 0xA39, "w"),)),)]


def test_no_vma_leaves_its_process(hand: Hand) -> None:
    hand.take(hand.point(2, 0xA25), hand.point(3, 0xA25))
    assert hand.scene.live.text == dragging.OTHER_ROW
    hand.let_go(hand.point(3, 0xA25))
    assert hand.drops == []


def test_a_marked_part_moves_alone(hand: Hand) -> None:
    hand.carry(hand.point(3, 0xA14), hand.point(3, 0xA17), Shift)
    assert hand.asked == [("span", {"pid": 3, "span": Span(0xA14, 0xA18)})]
    hand.carry(hand.point(3, 0xA15), hand.point(3, 0xA24))
    assert hand.drops == [(Mremap(pid=3, span=Span(0xA14, 0xA18), new_pages=4, to=0xA23),)]


def test_alt_marks_a_span_to_cut_and_tries_munmap_meanwhile(hand: Hand) -> None:
    hand.carry(hand.point(3, 0xA1D), hand.point(3, 0xA12), Alt)
    assert hand.tries[-1] == (Munmap(pid=3, span=Span(0xA12, 0xA1E)),)
    assert [drag.span for drag in hand.cuts] == [Span(0xA12, 0xA1E)] and hand.drops == []


def test_panning_stays_possible_everywhere(hand: Hand) -> None:
    hand.canvas.zoom_to(0xA2C, 0xA30)
    a, by = hand.point(1, 0xA2D), QPoint(60, 0)
    lefts = [hand.scene.window.left]
    hand.carry(a, a + by, button=Middle)
    lefts.append(hand.scene.window.left)
    QTest.keyPress(hand.canvas, Qt.Key.Key_Space)
    hand.carry(a, a + by)
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Space)
    lefts.append(hand.scene.window.left)
    hand.carry(QPoint(a.x(), 5), QPoint(a.x(), 5) + by)
    lefts.append(hand.scene.window.left)
    assert lefts == sorted(lefts, reverse=True) and len(set(lefts)) == 4
    assert hand.drops == [] and hand.tries == []


def test_at_the_end_of_the_strips_a_drag_brings_more_into_view(hand: Hand, qtbot: Any) -> None:
    hand.canvas.zoom_to(0xA24, 0xA30)
    before, s = hand.scene.window.left, hand.scene
    hand.take(hand.point(2, 0xA26), QPoint(round(s.gutter) + 6, hand.point(2, 0xA26).y()))
    first = hand.scene.live.drag.to
    qtbot.waitUntil(lambda: hand.scene.window.left < before and hand.scene.live.drag.to < first)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    left = hand.scene.window.left
    qtbot.wait(80)
    assert hand.scene.window.left == left and hand.drops == []


def test_slivers_and_folded_rows_pan(qtbot: Any) -> None:
    many = Hand(qtbot, ff.huge(200, 1000))
    qtbot.waitUntil(lambda: not many.canvas.laying_out)
    middle = many.canvas.viewport().width() // 2
    for row in (0, 1):
        at = QPoint(middle, round(many.scene.y(row)) + 6)
        many.carry(at, at + QPoint(50, 0))
    assert many.tries == [] and many.drops == []


def test_verdicts_that_come_late_are_not_shown(hand: Hand) -> None:
    hand.take(hand.point(2, 0xA25), hand.point(2, 0xA1A))
    old = hand.tries[0]
    hand.canvas.set_verdict((Munmap(pid=2, span=Span(1, 2)),), "another one", "bad")
    assert hand.scene.live.text == "" and not hand.scene.live.fresh
    hand.canvas.set_verdict(hand.tries[-1], "EINVAL: a rule", "bad")
    assert hand.scene.live.fresh and hand.canvas.accessibleDescription().endswith("EINVAL: a rule")
    assert old[0].name == "mremap"
    hand.let_go(hand.point(2, 0xA1A))
    assert len(hand.drops) == 1, "refused calls are submitted too: refusal is data"


def test_a_frame_with_other_vmas_ends_the_drag(hand: Hand) -> None:
    b = hand.point(2, 0xA1A)
    hand.take(hand.point(2, 0xA25), b)
    hand.map.set_frame(roomy(serial=2, position=6))
    assert hand.scene.live is None
    hand.let_go(b)
    assert hand.drops == []


def test_the_keyboard_carries_a_vma(hand: Hand) -> None:
    hand.selection.select(2, 0xA25)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Right, Control)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Right)
    assert hand.scene.live.drag.to == 0xA26 and hand.selected == (2, 0xA25)
    QTest.keyClick(hand.canvas, Qt.Key.Key_PageDown)
    assert hand.scene.live.drag.to == 0xA28 and "a24-a28 → a28-a2c" in hand.canvas.accessibleDescription()
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    assert hand.drops == [(Mremap(pid=2, span=Span(0xA24, 0xA28), new_pages=4, to=0xA28),)]
    assert hand.selected == (2, 0xA29), "the selection goes along"
    hand.selection.select(2, 0xA25)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Up, Control)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Up)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    assert hand.scene.live is None and len(hand.drops) == 1
    QTest.keyClick(hand.canvas, Qt.Key.Key_Up, Control)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    assert hand.drops[1:] == [(Mremap(pid=2, span=Span(0xA24, 0xA28), new_pages=5),)]


def test_the_keyboard_marks_a_span_and_carries_it(hand: Hand) -> None:
    hand.selection.select(3, 0xA14)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Left):
        QTest.keyClick(hand.canvas, key, Control | Shift)
    assert hand.scene.span == (2, 0xA12, 0xA15) and "marked a12-a15" in hand.canvas.accessibleDescription()
    QTest.keyClick(hand.canvas, Qt.Key.Key_Return)
    assert hand.asked == [("span", {"pid": 3, "span": Span(0xA12, 0xA15)})]
    QTest.keyClick(hand.canvas, Qt.Key.Key_Right, Control)
    assert hand.scene.live.drag.target == Span(0xA13, 0xA16)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    QTest.keyClick(hand.canvas, Qt.Key.Key_Escape)
    assert hand.scene.span is None and hand.drops == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_ghost_hatch_and_verdict_are_painted(hand: Hand, theme: str) -> None:
    hand.themes.use(theme)
    quiet = hand.image()
    hand.take(hand.point(2, 0xA12), hand.point(2, 0xA1C))
    hand.canvas.set_verdict(hand.tries[-1], "EINVAL: no", "bad")
    shown = hand.image()
    bad = hand.themes.current.color("bad")
    reds = sum(shown.pixelColor(x, y) == bad for x in range(0, shown.width(), 1) for y in range(0, shown.height(), 7))
    assert reds > 3 and shown != quiet


def test_the_roundest_page_of_a_pixel() -> None:
    assert [roundest(*pair) for pair in ((5, 5), (5, 9), (0x1234, 0x2345), (9, 5), (0, 7))] == [5, 8, 0x2000, 8, 4]


# --- with the window: the engine is asked, what is dropped is submitted


@pytest.fixture
def shell(qtbot: Any, settings: Any) -> Iterator[Shell]:
    made = Shell(settings, make_views)
    made.begin(qtbot)
    made.window.resize(1280, 800)
    yield made
    made.end()


def frame_of(shell: Shell, qtbot: Any) -> Any:
    canvas = shell.window.views["memory_map"].canvas
    qtbot.waitUntil(lambda: canvas.scene is not None)
    return canvas


def dry_runs(shell: Shell) -> list[DryRun]:
    return [call[1] for call in shell.engine.named("ask") if isinstance(call[1], DryRun)]


def test_the_feature_asks_one_at_a_time_and_submits(shell: Shell, qtbot: Any) -> None:
    canvas = frame_of(shell, qtbot)
    ops = [Mremap(pid=2, span=Span(0xC40, 0xC44), new_pages=4, to=to) for to in (0xC60, 0xC61, 0xC62)]
    shell.engine.answers["dry_run"] = Verdict(operations=(ops[0],), outcomes=(Outcome(),))
    told: list[Any] = []
    canvas.set_verdict = lambda *verdict: told.append(verdict)
    for op in ops:
        canvas.asked.emit((op,))
    assert [run.operations for run in dry_runs(shell)] == [(ops[0],)]
    qtbot.waitUntil(lambda: len(told) == 2)
    assert [run.operations for run in dry_runs(shell)] == [(ops[0],), (ops[2],)], "the newest of those that waited"
    assert told[0] == ((ops[0],), "moves 4 pages to page c60", "good")
    canvas.dropped.emit((ops[2],))
    assert shell.submitted() == [ops[2]]


def test_the_menu_of_a_cut_submits_what_was_chosen(shell: Shell, qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QMenu, "popup", lambda menu, at: None)
    canvas = frame_of(shell, qtbot)
    span = Span(0xA14, 0xA18)
    task = 1
    drag = dragging.Drag(kind="cut", task=task, pid=2, span=span, grab=0xA14, to=0xA14)
    canvas.carry(drag, QPointF(200, 80))
    canvas.cut_requested.emit(drag, QPoint(50, 50))
    menu = canvas.findChild(QMenu, "map_cut")
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert list(actions)[0] == "Unmap a14-a18"
    actions["Protect: read only"].hover()
    protect = Mprotect(pid=2, span=span, prot="r")
    assert canvas.scene.live.drag.operations == (protect,)
    actions["Protect: read only"].trigger()
    assert shell.submitted() == [protect]
    menu.aboutToHide.emit()
    assert canvas.scene.live is None
