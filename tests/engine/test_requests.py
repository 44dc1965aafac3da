"""Whoever asks is answered, once, whatever goes wrong: questions, jobs, openings, savings; and the thread goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from rmapexplorer.core.operations import Reclaim
from rmapexplorer.engine.frames import Answer, Notice, Progress, Saved, SessionOpened
from rmapexplorer.engine.steps import Steps

from .fake_world import BROKEN, GATED, Bench, session_of_numbers
from .test_conductor import assert_consistent, opened
from .test_engine import LIMIT, Rig, rig
from .test_questions import Position, answers

__all__ = ["rig"]


def quick(number: int, *, fails: bool = False) -> Steps:
    """A job of two steps."""

    def work(stage: Any) -> Iterator[None]:
        yield
        if fails:
            raise RuntimeError("a bug of the job")

    return Steps(number, "quick", work, quiet=True)


def test_a_question_that_fails_is_answered_and_the_others_too(rig: Rig) -> None:
    rig.engine.new(session_of_numbers(1, 2, position=2))
    rig.settle()
    tickets = [rig.engine.ask(Position(key=str(n), wrong=n == 1)) for n in range(3)]
    rig.settle()
    assert {ticket: answers(rig).get(ticket, "deaf") for ticket in tickets} == dict(
        zip(tickets, (2, None, 2), strict=True)
    )


def test_requests_without_a_session_are_answered(rig: Rig) -> None:
    tickets = [rig.engine.job(quick), rig.engine.save("here"), rig.engine.open("missing"), rig.engine.ask(Position())]
    rig.settle()
    assert {ticket: answers(rig).get(ticket, "deaf") for ticket in tickets} == dict.fromkeys(tickets)
    troubles = {m.ticket: m.trouble for m in rig.messages if isinstance(m, Answer)}
    assert [troubles[ticket] is not None for ticket in tickets] == [True, True, True, False]


def test_a_job_is_answered_however_it_ends(rig: Rig) -> None:
    rig.engine.new(session_of_numbers(1, position=1))
    rig.settle()
    good, bad, unmade = rig.engine.job(quick), rig.engine.job(lambda n: quick(n, fails=True)), rig.engine.job(_unmade)
    rig.settle()
    last = rig.engine.job(quick)
    rig.settle()
    assert set(answers(rig)) >= {good, bad, unmade, last}
    rig.engine.submit([Reclaim(pages=5)])
    rig.settle()
    assert rig.listener.frame.head == 2


def _unmade(number: int) -> Any:
    raise RuntimeError("a bug of the maker")


def test_opening_and_making_are_answered_with_what_was_opened(rig: Rig) -> None:
    rig.bench.stored["there"] = session_of_numbers(1, 2)
    numbers = [rig.engine.new(session_of_numbers(7), 3), rig.engine.open("there", 4), rig.engine.open("missing", 5)]
    rig.settle()
    values = [answers(rig)[number] for number in numbers]
    assert [getattr(value, "revision", None) for value in values] == [3, 4, None]
    assert [m.revision for m in rig.messages if isinstance(m, SessionOpened)] == [3, 4]


def test_a_reader_that_breaks_is_one_notice_and_touches_nothing() -> None:
    bench = opened(1, 2, position=2)

    def broken(*args: Any) -> Any:
        raise RuntimeError("a bug of the reader")

    object.__setattr__(bench.files, "read", broken)
    bench.conductor.open("x", 50, lambda: False)
    bench.run()
    assert [m.level for m in bench.of(Notice)] == ["internal"] and "x could not be read" in bench.of(Notice)[0].text
    assert [(m.ticket, m.value) for m in bench.of(Answer) if m.ticket == 50] == [(50, None)]
    bench.do(3)
    assert assert_consistent(bench).frame.position == 3


class TestSaving:
    def test_it_stands_behind_what_was_given_before(self) -> None:
        bench = opened()
        bench.give("submit", [Reclaim(pages=n) for n in range(300)], "many")
        number = bench.give("save", "here")
        bench.give("submit", [Reclaim(pages=9)], "")
        bench.run()
        assert len(bench.stored["here"].operations) == bench.of(Saved)[0].operations == 300
        assert [m.value for m in bench.of(Answer) if m.ticket == number] == bench.of(Saved)
        assert assert_consistent(bench).frame.head == 301

    def test_cancelled_or_dropped_it_is_answered_and_leaves_no_file(self) -> None:
        bench = opened()
        bench.give("submit", [Reclaim(pages=n) for n in range(100)], "many")
        first = bench.give("save", "first")
        bench.conductor.cancelled.add(first)
        bench.run()
        bench.give("submit", [Reclaim(pages=BROKEN)], "")
        second = bench.give("save", "second")
        bench.run()
        bench.give("submit", [Reclaim(pages=n) for n in range(100)], "many")
        third = bench.give("save", "third")
        bench.turn()
        bench.give("new", session_of_numbers(1))
        bench.run()
        assert {m.ticket: m.value for m in bench.of(Answer)} == {first: None, second: None, third: None} | {
            m.ticket: m.value for m in bench.of(Answer) if m.value is not None
        }
        assert not bench.of(Saved) and not bench.stored

    def test_the_real_thread_saves_all_that_was_submitted(self, rig: Rig) -> None:
        rig.engine.new(session_of_numbers())
        rig.engine.submit([Reclaim(pages=GATED), *[Reclaim(pages=n) for n in range(500)]])
        assert rig.bench.gate.entered.wait(LIMIT)
        number = rig.engine.save("here", 12)
        rig.bench.gate.set()
        rig.settle()
        assert (answers(rig)[number].operations, answers(rig)[number].revision) == (501, 12)
        assert len(rig.bench.stored["here"].operations) == 501

    def test_another_session_waits_for_it(self, rig: Rig) -> None:
        rig.engine.new(session_of_numbers())
        rig.engine.submit([Reclaim(pages=n) for n in range(300)])
        number = rig.engine.save("here")
        opened_again = rig.engine.open("here")
        rig.engine.submit([Reclaim(pages=7)])
        rig.settle()
        assert answers(rig)[number].operations == answers(rig)[opened_again].operations == 300
        assert (rig.listener.generation, rig.listener.frame.head) == (2, 301), "what came behind the opening is in it"


class TestSmallSteps:
    def spread(self) -> Bench:
        """A session whose seek shows the lane in view at its place, the other far behind."""
        bench = opened(*range(200), position=200)
        for lane in bench.conductor.stage.lanes:
            lane.checkpoints.kept.clear()
        bench.give("seek", 199, False)
        bench.give("seek", -1, True)
        while bench.conductor.stage.shown.node != 197:
            bench.turn()
        assert not bench.conductor.stage.aligned
        return bench

    def test_a_cancelled_seek_brings_the_worlds_together_in_slices(self) -> None:
        bench = self.spread()
        longest, job = 0.0, bench.conductor.jobs[0].number
        bench.conductor.cancelled.add(job)
        while not bench.conductor.idle:
            before = bench.clock.now
            bench.turn()
            longest = max(longest, bench.clock.now - before)
        assert assert_consistent(bench).frame.position == 198
        assert longest < 5 * bench.cost
        assert [m.cancelled for m in bench.of(Progress) if m.job == job and m.finished] == [True]

    def test_worlds_are_repaired_in_slices(self) -> None:
        bench = opened(*range(100), position=100)
        for lane in bench.conductor.stage.lanes:
            lane.checkpoints.kept.clear()
        bench.give("submit", [Reclaim(pages=BROKEN)], "")
        longest = 0.0
        while not bench.conductor.idle:
            before = bench.clock.now
            bench.turn()
            longest = max(longest, bench.clock.now - before)
        assert assert_consistent(bench).frame.position == 100
        assert longest < 5 * bench.cost


@pytest.mark.parametrize("deep", [False, True])
def test_a_fault_in_the_repair_of_a_fault_does_not_end_the_thread(
    rig: Rig, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.engine.new(session_of_numbers(1, 2, position=2))
    rig.settle()

    def fail() -> None:
        raise RuntimeError("the repair is broken too")

    conductor = rig.engine._conductor
    monkeypatch.setattr(conductor, "broken", fail)
    if deep:
        monkeypatch.setattr(conductor, "lost", fail)
    waiting = rig.engine.job(lambda number: quick(number, fails=True))
    rig.settle()
    monkeypatch.undo()
    assert rig.engine._thread.is_alive()
    if not deep:
        assert answers(rig)[waiting] is None
        assert [m.level for m in rig.messages if isinstance(m, Notice)] == ["internal"]
    ticket = rig.engine.ask(Position())
    rig.settle()
    assert answers(rig)[ticket] == 2


def test_questions_are_answered_where_worlds_stay_apart() -> None:
    bench = opened(*range(20), position=20)
    stage = bench.conductor.stage
    stage.lanes[0].restore(None)
    assert not stage.aligned
    bench.conductor.questions.ask(Position(), 70)
    bench.run()
    assert [m.value for m in bench.of(Answer) if m.ticket == 70] == [None]
