"""Motion in the memory map: only between neighbouring positions, never long, never under reduced motion, ended by any input."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from rmapexplorer.core.operations import Fork, Mmap, Mremap, Operation, Touch
from rmapexplorer.core.outcome import Outcome
from rmapexplorer.core.units import Span
from rmapexplorer.engine.frames import Frame
from rmapexplorer.gui.memory_motion import between
from tests.gui import frame_factory as ff
from tests.gui.test_memory_map import Bench

MOVE = Mremap(pid=2, span=Span(0xA18, 0xA1C), new_pages=4, to=0xC40)


def after(op: Operation, outcome: Outcome | None = None, **changes: Any) -> Frame:
    """The letter one operation later, this one, with this outcome in the design in view."""
    frame = ff.letter(**{"position": 6, "op": op, "serial": 2, **changes})
    designs = tuple(evolve(d, outcome=outcome or Outcome()) for d in frame.designs)
    return evolve(frame, designs=designs)


BEFORE = ff.letter()


def test_what_moves_follows_from_the_operation() -> None:
    slide = between(BEFORE, after(MOVE))
    assert slide is not None and (slide.kind, slide.old, slide.new) == ("slide", MOVE.span, Span(0xC40, 0xC44))
    fork = between(BEFORE, after(Fork(pid=1, child=3)))
    assert fork is not None and (fork.kind, fork.pid, fork.ppid) == ("fork", 3, 1)
    write = Touch(pid=2, runs=((0xA10, 0xA11, "w"),))
    copy = between(BEFORE, after(write, Outcome(deltas={"copied_by_write": 1})))
    assert copy is not None and (copy.kind, copy.pid, copy.ppid) == ("copy", 2, 1)
    assert max(move.millis for move in (slide, fork, copy)) <= 400
    assert between(BEFORE, after(write)) is None, "nothing was copied"
    assert between(BEFORE, after(Mmap(pid=1, span=Span(1, 2)))) is None


@pytest.mark.parametrize(
    "frame",
    [
        after(MOVE, position=7),
        after(MOVE, position=4),
        after(MOVE, position=5),
        after(MOVE, generation=2),
        after(MOVE, view="anonmm"),
        after(MOVE, busy=True),
        after(MOVE, Outcome(error="EINVAL")),
        after(evolve(MOVE, to=None)),
    ],
)
def test_jumps_refusals_and_other_sessions_do_not_move(frame: Frame) -> None:
    assert between(BEFORE, frame) is None


def test_the_first_frame_does_not_move() -> None:
    assert between(None, after(MOVE)) is None


def shown(qtbot: Any, *, wanted: bool = True) -> Bench:
    bench = Bench(qtbot, BEFORE)
    bench.canvas.motion.wanted = wanted
    return bench


def test_the_state_is_right_before_it_moves_and_it_ends_by_itself(qtbot: Any) -> None:
    bench = shown(qtbot)
    bench.map.set_frame(after(MOVE))
    motion = bench.canvas.motion
    assert motion.move is not None and motion.part == 0.0
    assert bench.scene.frame.position == 6
    moving = bench.image()
    qtbot.waitUntil(lambda: motion.move is None, timeout=1000)
    assert motion.part == 1.0 and bench.image() != moving


def test_any_input_ends_it(qtbot: Any) -> None:
    bench = shown(qtbot)
    inputs = (
        lambda: QTest.mousePress(bench.canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, 60)),
        lambda: QTest.keyClick(bench.canvas, Qt.Key.Key_Right),
        lambda: bench.wheel(QPoint(300, 60), 120),
    )
    for step in inputs:
        bench.map.set_frame(ff.letter())
        bench.map.set_frame(after(MOVE))
        assert bench.canvas.motion.move is not None
        step()
        assert bench.canvas.motion.move is None


def test_reduced_motion_and_the_next_position_stop_it(qtbot: Any) -> None:
    still = shown(qtbot, wanted=False)
    still.map.set_frame(after(MOVE))
    assert still.canvas.motion.move is None
    bench = shown(qtbot)
    bench.map.set_frame(after(MOVE))
    bench.map.set_frame(after(MOVE, position=9))
    assert bench.canvas.motion.move is None


@pytest.mark.parametrize("op", [MOVE, Fork(pid=1, child=3), Touch(pid=2, runs=((0xA10, 0xA11, "w"),))])
def test_every_kind_is_painted(qtbot: Any, op: Operation) -> None:
    bench = shown(qtbot)
    bench.map.set_frame(after(op, Outcome(deltas={"copied_by_write": 1})))
    first = bench.image()
    bench.canvas.motion.end()
    assert bench.image() != first
